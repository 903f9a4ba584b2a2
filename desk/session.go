package desk

import (
	"cmp"
	"context"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base32"
	"encoding/hex"
	"errors"
	"fmt"
	"math"
	"net"
	"net/http"
	"strings"
	"time"

	"github.com/alexedwards/argon2id"
	"github.com/alexedwards/scs/v2"

	"tocsin/streams"
	"tocsin/streams/directory"
	"tocsin/streams/event"
)

const (
	cookieName   = "tocsin"
	sessionLasts = 13 * time.Hour // a shift and its hand-over
	keyAccount   = "account"
	keyProof     = "proof"
	keyMethod    = "method" // by which the session began
	keyAwaits    = "awaits" // the account whose password was right, and whose code is awaited
	keyUntil     = "until"  // how long it is awaited, in ms since 1970
)

// How a session can begin. Of a sign-in at a provider (OpenID Connect) the provider has asked for the second factor, or not: that is
// its business, and ours is not asked for beside it.
const (
	methodPassword = "password"
	methodOIDC     = "oidc"
)

// hashing is what a password costs to check: RFC 9106's second choice would take 64 MiB for each attempt; with two attempts at a
// time this keeps a desk on a small machine, and OWASP counts it as equal.
var hashing = &argon2id.Params{Memory: 19 * 1024, Iterations: 2, Parallelism: 1, SaltLength: 16, KeyLength: 32}

// HashPassword answers what is kept of a password. Whoever makes an account hashes like this: another cost would tell by the time
// that a sign-in takes that the account is there.
func HashPassword(password string) (string, error) { return argon2id.CreateHash(password, hashing) }

func newSessions(o Options, kept *sessionStore) *scs.SessionManager {
	m := scs.New()
	m.Lifetime = sessionLasts
	m.Cookie = scs.SessionCookie{Name: cookieName, Path: "/", HttpOnly: true, SameSite: http.SameSiteStrictMode, Persist: true, Secure: o.SecureCookies}
	m.Store = kept
	return m
}

// authenticate finds out who asks, by bearer token or by session. Nobody is an answer too.
func (s *Server) authenticate(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		header := r.Header.Get("Authorization")
		if header == "" {
			id := s.bySession(r.Context())
			if id.Account != "" && !id.Locked && r.Method != http.MethodGet {
				s.kept.touch(s.sessions.Token(r.Context())) // a page asks by itself, and never does anything by itself
			}
			next.ServeHTTP(w, r.WithContext(withIdentity(r.Context(), id)))
			return
		}
		token, ok := strings.CutPrefix(header, "Bearer ")
		id := identity{}
		if ok {
			id = s.byToken(sumOf(strings.TrimSpace(token)))
		}
		if id.Account == "" {
			writeProblem(w, refuse(http.StatusUnauthorized, "token", "令牌无效", "this bearer token is not known here"))
			return
		}
		next.ServeHTTP(w, r.WithContext(withIdentity(r.Context(), id)))
	})
}

// byToken knows a token by its SHA-256 alone: what is compared is no secret, so looking it up tells nothing.
func (s *Server) byToken(sum string) identity {
	if s.o.LocalAdmin != "" && subtle.ConstantTimeCompare([]byte(sum), []byte(s.o.LocalAdmin)) == 1 {
		return identity{Account: "local", Role: roleAdministrator, token: true, local: true, proof: sum}
	}
	t, ok := s.o.Directory.Token(sum)
	if !ok {
		return identity{}
	}
	name := t.Token
	if _, taken := s.o.Directory.Account(name); taken {
		name = "token/" + name // nobody acts under a person's name
	}
	return identity{Account: name, Role: t.Role, Scope: t.Scope, token: true, proof: sum}
}

func (s *Server) bySession(ctx context.Context) identity {
	account, proof := s.sessions.GetString(ctx, keyAccount), s.sessions.GetString(ctx, keyProof)
	if account == "" {
		return identity{}
	}
	id := s.byAccount(account, proof, s.sessions.GetString(ctx, keyMethod))
	id.Locked = s.isLocked(ctx, id, s.sessions.Token(ctx))
	return id
}

// byAccount answers an identity as long as the account has the password and the second factor with which it signed in.
func (s *Server) byAccount(account, proof, method string) identity {
	a, ok := s.o.Directory.Account(account)
	if _, locked := s.o.Directory.Locked(account); locked || !ok || subtle.ConstantTimeCompare([]byte(s.proofOf(a)), []byte(proof)) != 1 {
		return identity{}
	}
	method = cmp.Or(method, methodPassword)
	return identity{Account: account, Role: a.Role, MustChange: a.OneTime, MustEnrol: method != methodOIDC && s.mustEnrol(a), Scope: a.Scope, proof: proof, method: method}
}

// still answers who opened a stream as they are now, and whether they may go on reading it.
func (s *Server) still(ctx context.Context, id identity, session string) (identity, bool) {
	if id.token {
		now := s.byToken(id.proof)
		return now, now.Role == id.Role
	}
	_, found, err := s.sessions.Store.Find(session)
	now := s.byAccount(id.Account, id.proof, id.method)
	now.Locked = s.isLocked(ctx, now, session)
	return now, err == nil && found && now.Role == id.Role && !now.MustEnrol
}

// proofOf ties a session to what the account signs in with, without keeping anything of it: a password and a second factor, or a
// subject at the provider. Another of them ends it.
func (s *Server) proofOf(a event.AccountSet) string {
	if a.OIDC {
		return sumOf("subject\x00" + a.Subject)
	}
	of := "session\x00" + a.Password
	if f := s.o.Directory.Factor(a.Account); f.Version > 0 {
		of += "\x00" + itoa(f.Version)
	}
	return sumOf(of)
}

func sumOf(s string) string {
	sum := sha256.Sum256([]byte(s))
	return hex.EncodeToString(sum[:])
}

// signIn checks a password and begins a session, or asks for the code that has to follow. What is wrong with the pair is never said.
func (s *Server) signIn(ctx context.Context, in SignIn) (Session, error) {
	account := strings.TrimSpace(in.Account)
	a, err := s.checkPassword(ctx, account, in.Password)
	if err == nil && s.o.Directory.Factor(a.Account).On() {
		err = s.awaitCode(ctx, a)
		s.noted(ctx, account, "session.password", "", err)
		return Session{State: stateCode, Account: a.Account, Emergencies: []Emergency{}}, err
	}
	id := identity{}
	if err == nil {
		id, err = s.begin(ctx, a)
	}
	s.noted(ctx, account, "session.begin", byPassword, err)
	return s.sessionOf(id), err
}

// noted notes that somebody proved who they are and by what, or was refused. A name that is no account's is not kept: people type
// their password there. Attempts that were not looked at are noted as those of strangers are.
func (s *Server) noted(ctx context.Context, account, action, by string, err error) {
	a, known := s.o.Directory.Account(account)
	e := Entry{Account: account, Role: a.Role, Action: action, Object: by, Refused: err != nil}
	if !known {
		e.Account = "unknown"
	}
	if p := (*Problem)(nil); errors.As(err, &p) {
		e.Reason = p.Reason
	}
	if e.Reason == tooOften && !s.heeds(addressOf(ctx)) {
		return
	}
	s.done(ctx, e)
}

// begin puts an account into a session with a new token. Whoever calls it has seen everything that the account has to show; a
// session that did not begin with its password says so by keyMethod afterwards.
func (s *Server) begin(ctx context.Context, a event.AccountSet) (identity, error) {
	if err := s.anew(ctx); err != nil {
		return identity{}, err
	}
	s.sessions.Put(ctx, keyAccount, a.Account)
	s.sessions.Put(ctx, keyProof, s.proofOf(a))
	s.sessions.Put(ctx, keyMethod, methodPassword)
	s.signIns.note(a.Account, event.TimeOf(s.o.Now()))
	return s.bySession(ctx), nil
}

// anew leaves an empty session with a new token.
func (s *Server) anew(ctx context.Context) error {
	err := s.sessions.RenewToken(ctx)
	if err == nil {
		err = s.sessions.Clear(ctx)
	}
	if err != nil {
		return fmt.Errorf("begin a session: %w", err)
	}
	return nil
}

// renew is begin for whoever is signed in, after another password or second factor: every other session of theirs ends.
func (s *Server) renew(ctx context.Context, account string) (identity, error) {
	method := s.sessions.GetString(ctx, keyMethod)
	a, _ := s.o.Directory.Account(account)
	if _, err := s.begin(ctx, a); err != nil {
		return identity{}, err
	}
	s.sessions.Put(ctx, keyMethod, method)
	return s.bySession(ctx), nil
}

func (s *Server) signOut(ctx context.Context) error {
	if identityOf(ctx).Account != "" {
		s.done(ctx, Entry{Action: "session.end"})
	}
	if err := s.sessions.Destroy(ctx); err != nil {
		return fmt.Errorf("end the session: %w", err)
	}
	return nil
}

// checkPassword compares in the same time whether the account exists or not. It answers the account whose password it was: another
// may have been set meanwhile.
func (s *Server) checkPassword(ctx context.Context, account, password string) (a event.AccountSet, err error) {
	err = s.guess(ctx, account, func() error {
		var known bool
		a, known = s.o.Directory.Account(account)
		known = known && !a.OIDC // who signs in at the provider has none
		hash := a.Password
		if !known {
			hash = s.nobody
		}
		match, err := argon2id.ComparePasswordAndHash(password, hash)
		if err != nil || !match || !known {
			return refuse(http.StatusUnauthorized, wrongPassword, "账号或密码不正确", "account or password is wrong")
		}
		return nil
	})
	if err != nil {
		return event.AccountSet{}, err
	}
	if _, locked := s.o.Directory.Locked(account); locked { // told to nobody but who knows the password
		s.metrics.signIns.WithLabelValues("refused").Inc()
		return event.AccountSet{}, refuse(http.StatusUnauthorized, "locked", "该账号已停用，请联系管理员", "this account is locked; ask an administrator")
	}
	s.metrics.signIns.WithLabelValues("granted").Inc()
	return a, nil
}

// Reasons of a guess that was refused.
const (
	wrongPassword = "sign_in"
	wrongCode     = "code"
	tooOften      = "slow_down" // it was not looked at
)

// guess lets somebody try what the account alone should know, only so often, and two at a time. What is refused as wrong counts
// towards the limit. That is asked once it is our turn, else a thousand guesses at once would all have been let in before the first
// was counted.
func (s *Server) guess(ctx context.Context, account string, right func() error) error {
	from := addressOf(ctx)
	select {
	case s.checking <- struct{}{}:
		defer func() { <-s.checking }()
	case <-ctx.Done():
		return ctx.Err()
	}
	if wait := s.limit.wait(account, from, s.o.Now()); wait > 0 {
		minutes := int(math.Ceil(wait.Minutes()))
		return refuse(http.StatusTooManyRequests, tooOften, fmt.Sprintf("尝试次数过多，请 %d 分钟后再试", minutes),
			fmt.Sprintf("too many attempts; try again in %d min", minutes))
	}
	err := right()
	if p := (*Problem)(nil); errors.As(err, &p) && (p.Reason == wrongPassword || p.Reason == wrongCode) {
		s.limit.failed(account, from, s.o.Now())
		s.metrics.signIns.WithLabelValues("refused").Inc()
	}
	return err
}

// changePassword replaces one's own password; every other session of the account ends.
func (s *Server) changePassword(ctx context.Context, in NewPassword) (identity, error) {
	id := identityOf(ctx)
	if id.token {
		return identity{}, refuse(http.StatusForbidden, "token", "令牌没有密码", "a bearer token has no password")
	}
	if id.method == methodOIDC {
		return identity{}, refuse(http.StatusForbidden, "oidc", "该账号经身份提供方登录，请在那里修改密码", "this account signs in at the identity provider: change the password there")
	}
	if _, err := s.checkPassword(ctx, id.Account, in.Current); err != nil {
		return identity{}, err
	}
	if in.New == in.Current || strings.EqualFold(in.New, id.Account) {
		return identity{}, refuse(http.StatusUnprocessableEntity, "same_password", "新密码不能与旧密码或账号相同", "the new password must differ from the old one and from the account's name")
	}
	hash, err := HashPassword(in.New)
	if err != nil {
		return identity{}, fmt.Errorf("hash a password: %w", err)
	}
	if err := s.tell(ctx, &event.PasswordRequested{Account: id.Account, Password: hash, By: id.Account}); err != nil {
		return identity{}, err
	}
	return s.renew(ctx, id.Account)
}

// addressOf answers from where a request came, without its port.
func addressOf(ctx context.Context) string {
	addr, _ := ctx.Value(addressKey{}).(string)
	if host, _, err := net.SplitHostPort(addr); err == nil {
		return host
	}
	return addr
}

type addressKey struct{}

// newOneTime answers a password that is easy to read out: 20 letters and digits, 100 bits.
func newOneTime() string {
	b := make([]byte, 13)
	_, _ = rand.Read(b) // never fails since Go 1.24
	text := strings.ToLower(base32.StdEncoding.WithPadding(base32.NoPadding).EncodeToString(b))[:20]
	return text[:5] + "-" + text[5:10] + "-" + text[10:15] + "-" + text[15:]
}

// Asker brings a request to the registrar and waits for its answer; *directory.Asker is one.
type Asker interface {
	Ask(ctx context.Context, r event.Event) (position int64, err error)
	Import(ctx context.Context, rows []directory.Row, by string, progress func(done int)) ([]directory.Outcome, int64, error)
	Persons(ctx context.Context, all []*event.PersonRequested) ([]*event.RequestRefused, error)
}

// FirstPassword makes sure that somebody can sign in: when the account does not exist, or nobody has yet replaced its
// one-time password, it gets a new one, which is answered here and nowhere else. Otherwise it answers an empty one.
func FirstPassword(ctx context.Context, d Directory, asker Asker, account, role string) (password string, err error) {
	if a, ok := d.Account(account); ok && !a.OneTime {
		return "", nil
	}
	password = newOneTime()
	hash, err := HashPassword(password)
	if err != nil {
		return "", fmt.Errorf("hash a password: %w", err)
	}
	if _, err := asker.Ask(ctx, &event.AccountRequested{Account: account, Role: role, Password: hash, OneTime: true, By: "first-start"}); err != nil {
		return "", fmt.Errorf("make the account %s: %w", account, err)
	}
	return password, nil
}

// asProblem turns what the registrar said into what the API says.
func asProblem(err error) error {
	var r *directory.Refused
	switch {
	case err == nil:
		return nil
	case errors.As(err, &r):
		return refused(&r.RequestRefused)
	case errors.Is(err, streams.ErrTooLarge):
		return tooLarge()
	case errors.Is(err, context.DeadlineExceeded):
		return refuse(http.StatusGatewayTimeout, "unanswered", "已提交，尚无结果", "asked, not yet answered: "+err.Error())
	default:
		return refuse(http.StatusServiceUnavailable, "not_written", "操作未能写入，请重试", "it could not be written, try again: "+err.Error())
	}
}

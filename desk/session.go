package desk

import (
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

	"tocsin/streams/directory"
	"tocsin/streams/event"
)

const (
	cookieName   = "tocsin"
	sessionLasts = 13 * time.Hour // a shift and its hand-over
	keyAccount   = "account"
	keyProof     = "proof"
)

// hashing is what a password costs to check: RFC 9106's second choice would take 64 MiB for each attempt; with two attempts at a
// time this keeps a desk on a small machine, and OWASP counts it as equal.
var hashing = &argon2id.Params{Memory: 19 * 1024, Iterations: 2, Parallelism: 1, SaltLength: 16, KeyLength: 32}

func newSessions(o Options) *scs.SessionManager {
	m := scs.New()
	m.Lifetime = sessionLasts
	m.Cookie = scs.SessionCookie{Name: cookieName, Path: "/", HttpOnly: true, SameSite: http.SameSiteStrictMode, Persist: true, Secure: o.SecureCookies}
	m.Store = openSessions(o.SessionFile, o.Now, o.Logger)
	return m
}

// authenticate finds out who asks, by bearer token or by session. Nobody is an answer too.
func (s *Server) authenticate(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		header := r.Header.Get("Authorization")
		if header == "" {
			next.ServeHTTP(w, r.WithContext(withIdentity(r.Context(), s.bySession(r.Context()))))
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
		return identity{Account: "local", Role: roleAdministrator, token: true, proof: sum}
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
	return s.byAccount(account, proof)
}

// byAccount answers an identity as long as the account has the password with which it signed in.
func (s *Server) byAccount(account, proof string) identity {
	a, ok := s.o.Directory.Account(account)
	if _, locked := s.o.Directory.Locked(account); locked || !ok || subtle.ConstantTimeCompare([]byte(proofOf(a)), []byte(proof)) != 1 {
		return identity{}
	}
	return identity{Account: account, Role: a.Role, MustChange: a.OneTime, Scope: a.Scope, proof: proof}
}

// still answers who opened a stream as they are now, and whether they may go on reading it.
func (s *Server) still(id identity, session string) (identity, bool) {
	if id.token {
		now := s.byToken(id.proof)
		return now, now.Role == id.Role
	}
	_, found, err := s.sessions.Store.Find(session)
	now := s.byAccount(id.Account, id.proof)
	return now, err == nil && found && now.Role == id.Role
}

// proofOf ties a session to a password without keeping anything of it: another password ends it.
func proofOf(a event.AccountSet) string { return sumOf("session\x00" + a.Password) }

func sumOf(s string) string {
	sum := sha256.Sum256([]byte(s))
	return hex.EncodeToString(sum[:])
}

// signIn checks a password and begins a session. What is wrong with the pair is never said.
func (s *Server) signIn(ctx context.Context, in SignIn) (identity, error) {
	account := strings.TrimSpace(in.Account)
	a, err := s.checkPassword(ctx, account, in.Password)
	if err != nil {
		s.notedSignIn(ctx, account, err)
		return identity{}, err
	}
	id, err := s.begin(ctx, a)
	s.notedSignIn(ctx, account, err)
	if err == nil {
		s.signIns.note(account, event.TimeOf(s.o.Now()))
	}
	return id, err
}

// notedSignIn notes that somebody signed in, or was refused. A name that is no account's is not kept: people type their
// password there.
func (s *Server) notedSignIn(ctx context.Context, account string, err error) {
	a, known := s.o.Directory.Account(account)
	e := Entry{Account: account, Role: a.Role, Action: "session.begin", Refused: err != nil}
	if !known {
		e.Account = "unknown"
	}
	if p := (*Problem)(nil); errors.As(err, &p) {
		e.Reason = p.Reason
	}
	s.done(ctx, e)
}

// begin puts an account into a session with a new token.
func (s *Server) begin(ctx context.Context, a event.AccountSet) (identity, error) {
	if err := s.sessions.RenewToken(ctx); err != nil {
		return identity{}, fmt.Errorf("begin a session: %w", err)
	}
	proof := proofOf(a)
	s.sessions.Put(ctx, keyAccount, a.Account)
	s.sessions.Put(ctx, keyProof, proof)
	return s.byAccount(a.Account, proof), nil
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

// checkPassword compares in the same time whether the account exists or not, only so often, and two at a time. It
// answers the account whose password it was: another may have been set meanwhile. The limit is asked once it is our
// turn, else a thousand guesses at once would all have been let in before the first was counted.
func (s *Server) checkPassword(ctx context.Context, account, password string) (event.AccountSet, error) {
	from := addressOf(ctx)
	select {
	case s.checking <- struct{}{}:
		defer func() { <-s.checking }()
	case <-ctx.Done():
		return event.AccountSet{}, ctx.Err()
	}
	if wait := s.limit.wait(account, from, s.o.Now()); wait > 0 {
		minutes := int(math.Ceil(wait.Minutes()))
		return event.AccountSet{}, refuse(http.StatusTooManyRequests, "slow_down", fmt.Sprintf("尝试次数过多，请 %d 分钟后再试", minutes),
			fmt.Sprintf("too many attempts; try again in %d min", minutes))
	}
	a, known := s.o.Directory.Account(account)
	hash := a.Password
	if !known {
		hash = s.nobody
	}
	match, err := argon2id.ComparePasswordAndHash(password, hash)
	if err != nil || !match || !known {
		s.limit.failed(account, from, s.o.Now())
		s.metrics.signIns.WithLabelValues("refused").Inc()
		return event.AccountSet{}, refuse(http.StatusUnauthorized, "sign_in", "账号或密码不正确", "account or password is wrong")
	}
	if _, locked := s.o.Directory.Locked(account); locked { // told to nobody but who knows the password
		s.metrics.signIns.WithLabelValues("refused").Inc()
		return event.AccountSet{}, refuse(http.StatusUnauthorized, "locked", "该账号已停用，请联系管理员", "this account is locked; ask an administrator")
	}
	s.metrics.signIns.WithLabelValues("granted").Inc()
	return a, nil
}

// changePassword replaces one's own password; every other session of the account ends.
func (s *Server) changePassword(ctx context.Context, in NewPassword) (identity, error) {
	id := identityOf(ctx)
	if id.token {
		return identity{}, refuse(http.StatusForbidden, "token", "令牌没有密码", "a bearer token has no password")
	}
	if _, err := s.checkPassword(ctx, id.Account, in.Current); err != nil {
		return identity{}, err
	}
	if in.New == in.Current || strings.EqualFold(in.New, id.Account) {
		return identity{}, refuse(http.StatusUnprocessableEntity, "same_password", "新密码不能与旧密码或账号相同", "the new password must differ from the old one and from the account's name")
	}
	hash, err := argon2id.CreateHash(in.New, hashing)
	if err != nil {
		return identity{}, fmt.Errorf("hash a password: %w", err)
	}
	if err := s.tell(ctx, &event.PasswordRequested{Account: id.Account, Password: hash, By: id.Account}); err != nil {
		return identity{}, err
	}
	a, _ := s.o.Directory.Account(id.Account)
	return s.begin(ctx, a)
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
	hash, err := argon2id.CreateHash(password, hashing)
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
	case errors.Is(err, context.DeadlineExceeded):
		return refuse(http.StatusGatewayTimeout, "unanswered", "已提交，尚无结果", "asked, not yet answered: "+err.Error())
	default:
		return refuse(http.StatusServiceUnavailable, "not_written", "操作未能写入，请重试", "it could not be written, try again: "+err.Error())
	}
}

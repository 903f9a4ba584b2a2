package desk

import (
	"context"
	"net/http"
	"slices"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"tocsin/care/vault"
	"tocsin/streams"
	"tocsin/streams/event"
)

// The second factor of an account: codes by time (TOTP, RFC 6238: SHA-1, six digits, 30 s, as every authenticator app has them), and
// recovery codes for who has lost the telephone. The secret is sealed by the vault before it reaches a session, the log or a file.
// Signing in takes two steps: between them the session holds nothing but whose code is awaited, and nothing is answered in it.

const (
	keyOffer   = "offer" // a secret that waits for its first code, sealed
	codeWithin = 5 * time.Minute
	offerLasts = 15 * time.Minute
	everyRole  = "all"
)

// By what somebody proved who they are, as the audit log says it.
const (
	byPassword = "password"
	byCode     = "password and code"
	byRecovery = "password and recovery code"
)

// Code is the second step of signing in, or the first code of a new second factor.
type Code struct {
	Code string `json:"code" minLength:"1" maxLength:"40" doc:"six digits, or a recovery code"`
}

// FactorBody begins a second factor, or another one.
type FactorBody struct {
	Password string `json:"password" minLength:"1" maxLength:"200"`
	Code     string `json:"code,omitempty" maxLength:"40" doc:"of the second factor that stands, or a recovery code; needed when there is one"`
}

// FactorOffer is a secret for an authenticator app. It is said once, and holds once a code of it has come.
type FactorOffer struct {
	Account string     `json:"account"`
	Secret  string     `json:"secret" doc:"base32, to be typed where nothing can be scanned"`
	URI     string     `json:"uri" doc:"otpauth://totp/…"`
	QR      []string   `json:"qr" doc:"the same as a QR code: rows of modules, 1 is dark; the quiet zone of 4 is not among them"`
	Until   event.Time `json:"until" doc:"when the offer ends"`
}

// FactorMade is a second factor that holds from now on.
type FactorMade struct {
	Recovery []string `json:"recovery" doc:"each opens the account once instead of a code; said once"`
	Session  Session  `json:"session"`
}

// offer is a secret that waits for its first code, as it lies in the session.
type offer struct {
	Sealed vault.Sealed
	Until  int64 // ms since 1970
}

func (s *Server) factorOperations(api huma.API) {
	answers := []int{http.StatusConflict, http.StatusServiceUnavailable, http.StatusTooManyRequests, http.StatusGatewayTimeout}
	huma.Register(api, op(nil, "POST", "/v1/session/code", "giveCode", "session", "The second step of signing in: a code, or a recovery code", append(answers, http.StatusUnauthorized)...),
		func(ctx context.Context, in *body[Code]) (*body[Session], error) {
			return answer(s.giveCode(ctx, in.Body.Code))
		})
	huma.Register(api, op(anybody, "POST", "/v1/session/factor", "offerFactor", "session", "Begin one's own second factor, or another one: answers its secret", answers...),
		func(ctx context.Context, in *body[FactorBody]) (*body[FactorOffer], error) {
			return answer(s.offerFactor(ctx, in.Body))
		})
	huma.Register(api, op(anybody, "POST", "/v1/session/factor/confirm", "confirmFactor", "session", "Confirm it by a code: it holds from now on, and every other session of the account ends", answers...),
		func(ctx context.Context, in *body[Code]) (*body[FactorMade], error) {
			return answer(s.confirmFactor(ctx, in.Body.Code))
		})
	huma.Register(api, op(mayAdmin, "DELETE", "/v1/admin/accounts/{account}/factor", "resetFactor", "admin", "Take away the second factor of somebody else, who is told so at their next sign-in",
		http.StatusNotFound, http.StatusConflict, http.StatusServiceUnavailable, http.StatusGatewayTimeout),
		func(ctx context.Context, in *struct {
			Account string `path:"account" maxLength:"128"`
		}) (*struct{}, error) {
			return nil, s.resetFactor(ctx, in.Account)
		})
}

// mustEnrol tells whether an account owes a second factor.
func (s *Server) mustEnrol(a event.AccountSet) bool {
	return s.required(a.Role) && !s.o.Directory.Factor(a.Account).On()
}

func (s *Server) required(role string) bool {
	return slices.Contains(s.o.SecondFactor, role) || slices.Contains(s.o.SecondFactor, everyRole)
}

func (s *Server) factorOf(id identity) SessionFactor {
	f := s.o.Directory.Factor(id.Account)
	said := SessionFactor{On: f.On(), Required: s.required(id.Role), Possible: s.o.Vault != nil, RecoveryLeft: len(f.Recovery)}
	if f.Reset != nil {
		said.Reset = &FactorReset{By: f.Reset.By, At: f.Reset.At}
	}
	return said
}

// awaitCode leaves a session in which nothing can be done but give the account's code.
func (s *Server) awaitCode(ctx context.Context, a event.AccountSet) error {
	if err := s.anew(ctx); err != nil {
		return err
	}
	s.sessions.Put(ctx, keyAwaits, a.Account)
	s.sessions.Put(ctx, keyProof, s.proofOf(a))
	s.sessions.Put(ctx, keyUntil, s.o.Now().Add(codeWithin).UnixMilli())
	return nil
}

// giveCode is the second step of signing in.
func (s *Server) giveCode(ctx context.Context, code string) (Session, error) {
	account := s.sessions.GetString(ctx, keyAwaits)
	a, known := s.o.Directory.Account(account)
	if _, locked := s.o.Directory.Locked(account); !known || locked || s.proofOf(a) != s.sessions.GetString(ctx, keyProof) || s.o.Now().UnixMilli() > s.sessions.GetInt64(ctx, keyUntil) {
		return Session{}, refuse(http.StatusUnauthorized, "signed_out", "请先输入账号和密码", "sign in with your password first")
	}
	by, err := s.checkCode(ctx, account, code)
	id := identity{}
	if err == nil {
		id, err = s.begin(ctx, a)
	}
	s.noted(ctx, account, "session.begin", by, err)
	return s.sessionOf(id), err
}

// proveAgain asks who is signed in for everything that signing in takes, and answers by what they proved it.
func (s *Server) proveAgain(ctx context.Context, account, password, code string) (by string, err error) {
	if _, err := s.checkPassword(ctx, account, password); err != nil {
		return "", err
	}
	if !s.o.Directory.Factor(account).On() {
		return byPassword, nil
	}
	return s.checkCode(ctx, account, code)
}

// offerFactor makes a secret for who is signed in. It changes nothing until a code of it has come.
func (s *Server) offerFactor(ctx context.Context, in FactorBody) (FactorOffer, error) {
	id := identityOf(ctx)
	switch {
	case id.token:
		return FactorOffer{}, refuse(http.StatusForbidden, "token", "令牌没有两步验证", "a bearer token has no second factor")
	case s.o.Vault == nil:
		return FactorOffer{}, refuse(http.StatusServiceUnavailable, "vault_off", "本预警台未启用保险库，无法保存两步验证密钥，请联系运维人员",
			"this desk has no vault to keep the secret of a second factor in: it cannot be set up here; ask the operator")
	}
	if _, err := s.proveAgain(ctx, id.Account, in.Password, in.Code); err != nil {
		return FactorOffer{}, err
	}
	key, err := newSecret(id.Account)
	if err != nil {
		return FactorOffer{}, err
	}
	qr, err := drawn(key.URL())
	if err != nil {
		return FactorOffer{}, err
	}
	sealed, err := s.o.Vault.SealSecret(id.Account, s.o.Directory.Factor(id.Account).Version+1, []byte(key.Secret()))
	if err != nil {
		s.o.Logger.Error("a second factor cannot be sealed", "account", id.Account, streams.KeyErr, err)
		return FactorOffer{}, closedVault()
	}
	until := s.o.Now().Add(offerLasts)
	if err := s.keepOffer(ctx, offer{sealed, until.UnixMilli()}); err != nil {
		return FactorOffer{}, err
	}
	return FactorOffer{Account: id.Account, Secret: key.Secret(), URI: key.URL(), QR: qr, Until: event.TimeOf(until)}, nil
}

// confirmFactor makes the offered secret the second factor, once a code shows that the telephone has it.
func (s *Server) confirmFactor(ctx context.Context, code string) (made FactorMade, err error) {
	id := identityOf(ctx)
	defer func() { s.noted(ctx, id.Account, "factor.enrolled", "", err) }()
	o, ok := s.offered(ctx)
	if id.token || !ok || s.o.Vault == nil {
		return made, refuse(http.StatusConflict, "no_offer", "请重新开始设置两步验证", "begin the second factor again: there is no secret that waits for its code")
	}
	var step int64
	err = s.guess(ctx, id.Account, func() (err error) {
		step, err = s.stepOf(id.Account, o.Sealed, code, 0)
		return err
	})
	if err != nil {
		return made, err
	}
	codes, sums := newRecovery(id.Account)
	err = s.tell(ctx, &event.FactorRequested{Account: id.Account, Version: o.Sealed.Version, Key: o.Sealed.Key, Sealed: o.Sealed.Data, Recovery: sums, Step: step, By: id.Account})
	if err != nil {
		return made, err
	}
	id, err = s.renew(ctx, id.Account)
	return FactorMade{Recovery: codes, Session: s.sessionOf(id)}, err
}

// resetFactor takes away the second factor of another account; its sessions end.
func (s *Server) resetFactor(ctx context.Context, account string) (err error) {
	if _, err = s.mine(ctx, account, nil); err == nil {
		err = s.tell(ctx, &event.ResetRequested{Account: account, By: identityOf(ctx).Account})
	}
	e := Entry{Action: "factor.reset", Object: account, Purpose: purposeAdmin, Refused: err != nil}
	if err != nil {
		e.Reason = asRefusal(err).Reason
	}
	s.done(ctx, e)
	return err
}

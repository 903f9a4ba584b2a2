package desk

import (
	"context"
	"net/http"
	"slices"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"tocsin/streams/event"
)

// A session is locked when whoever sits there says so, and when nobody has touched it for a while. Then nothing of a patient leaves
// this server for it, whatever the page does. But a desk that cannot hear is a hazard: the stream goes on, with each warning's
// severity, state and deadline and nothing of whom it is about, so that a locked desk sounds, counts what is open, and says when
// nobody is watching.

// Unlocking proves again who sits there.
type Unlocking struct {
	Password string `json:"password" minLength:"1" maxLength:"200"`
	Code     string `json:"code,omitempty" maxLength:"40" doc:"of the second factor, or a recovery code; needed when the account has one"`
}

func (s *Server) lockOperations(api huma.API) {
	huma.Register(api, op(anybody, "POST", "/v1/session/lock", "lockSession", "session", "Lock the session: nothing of a patient is answered until it is unlocked"),
		func(ctx context.Context, _ *struct{}) (*body[Session], error) { return answer(s.lock(ctx)) })
	huma.Register(api, op(anybody, "POST", "/v1/session/unlock", "unlockSession", "session", "Unlock the session with one's password, and with a code when there is a second factor",
		http.StatusConflict, http.StatusServiceUnavailable, http.StatusTooManyRequests, http.StatusGatewayTimeout),
		func(ctx context.Context, in *body[Unlocking]) (*body[Session], error) {
			return answer(s.unlock(ctx, in.Body))
		})
	huma.Register(api, op(anybody, "POST", "/v1/session/here", "stayHere", "session", "Say that somebody sits there, so that the session does not lock itself"),
		func(context.Context, *struct{}) (*struct{}, error) { return nil, nil }) // whatever is asked says so
}

// idleOf answers after how long without a hand on it a session locks itself; 0: never.
func (s *Server) idleOf(id identity) time.Duration {
	if id.token || slices.Contains(s.o.WallAccounts, id.Account) {
		return 0
	}
	return s.o.LockAfter
}

// isLocked tells whether a session is locked, and notes it when it has become so by itself.
func (s *Server) isLocked(ctx context.Context, id identity, session string) bool {
	if id.Account == "" || id.token {
		return false
	}
	locked, now := s.kept.locked(session, s.idleOf(id))
	if now {
		s.done(ctx, Entry{Account: id.Account, Role: id.Role, Action: "session.lock", Reason: "idle"})
	}
	return locked
}

func (s *Server) lock(ctx context.Context) (Session, error) {
	id := identityOf(ctx)
	if id.token {
		return Session{}, noSession()
	}
	if !id.Locked {
		s.kept.lock(s.sessions.Token(ctx))
		s.done(ctx, Entry{Action: "session.lock", Reason: "asked"})
	}
	id.Locked = true
	return s.sessionOf(id), nil
}

func (s *Server) unlock(ctx context.Context, in Unlocking) (Session, error) {
	id := identityOf(ctx)
	switch {
	case id.token:
		return Session{}, noSession()
	case id.method == methodOIDC:
		return Session{}, refuse(http.StatusConflict, "sign_in_again", "请通过统一身份认证重新登录", "this session began at the sign-in provider: sign in there again")
	}
	by, err := s.proveAgain(ctx, id.Account, in.Password, in.Code)
	s.noted(ctx, id.Account, "session.unlock", by, err)
	if err != nil {
		return Session{}, err
	}
	s.kept.unlock(s.sessions.Token(ctx))
	id.Locked = false
	return s.sessionOf(id), nil
}

func noSession() *Problem {
	return refuse(http.StatusForbidden, "token", "令牌没有会话", "a bearer token has no session")
}

// told answers a warning as this screen is told it.
func (o *screen) told(w Warning) Warning {
	if !o.id.Locked {
		return w
	}
	return unnamed(w)
}

// unnamed leaves of a warning what a locked desk has to know: how grave it is, whether it waits for somebody and until when. Its id
// is a hash. What is not named here is not told, also what will be added to Warning.
func unnamed(w Warning) Warning {
	return Warning{ID: w.ID, State: w.State, Severity: w.Severity, Peak: w.Peak, Danger: w.Danger, RaisedAt: w.RaisedAt, Since: w.Since, AnswerBy: w.AnswerBy,
		Level: w.Level, Asked: w.Asked, Handover: w.Handover, Eased: w.Eased, ClosedAt: w.ClosedAt, Version: w.Version, Reasons: []event.Reason{}}
}

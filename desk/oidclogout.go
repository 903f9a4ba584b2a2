package desk

import (
	"fmt"
	"net/http"
	"net/url"
	"time"

	"github.com/alexedwards/scs/v2"

	"tocsin/streams"
)

// oidcEnd sends a browser on to sign out at the provider too: the next who presses the button there would else be let in as them. The
// session here has ended before. No token was kept to hint at whose it was, so the provider asks.
func (s *Server) oidcEnd(w http.ResponseWriter, r *http.Request) {
	found, err := s.oidc.discover(r.Context())
	switch {
	case err != nil:
		seeOther(w, "/#/sign-in?oidc="+awayStays)
		return
	case found.end == "":
		seeOther(w, "/")
		return
	}
	at, err := url.Parse(found.end)
	if err != nil {
		seeOther(w, "/#/sign-in?oidc="+awayStays)
		return
	}
	q := at.Query()
	q.Set("client_id", s.oidc.o.ClientID)
	q.Set("post_logout_redirect_uri", s.oidc.o.Desk+"/")
	if l := locale(r); l != "" {
		q.Set("ui_locales", l)
	}
	at.RawQuery = q.Encode()
	seeOther(w, at.String())
}

const (
	maxLogout   = 64 << 10
	logoutFresh = 5 * time.Minute // how old a logout token may be
)

// oidcLogout hears from the provider that a session has ended there, and ends those that began with it: of that session, or of the
// person when it names none. Each desk server ends its own.
func (s *Server) oidcLogout(w http.ResponseWriter, r *http.Request) {
	r.Body = http.MaxBytesReader(w, r.Body, maxLogout)
	n, err := s.endByProvider(r)
	if err != nil {
		if from := addressOf(r.Context()); s.heeds(from) {
			s.o.Logger.Warn("a logout that did not hold was not heeded", "from", from, streams.KeyErr, err)
		}
		http.Error(w, `{"error":"invalid_request"}`, http.StatusBadRequest)
		return
	}
	s.o.Logger.Debug("sessions ended at the identity provider", "sessions", n)
	w.WriteHeader(http.StatusOK)
}

func (s *Server) endByProvider(r *http.Request) (ended int, err error) {
	found, err := s.oidc.known(r.Context())
	if err != nil {
		return 0, err
	}
	token, err := found.verifier.VerifyLogout(r.Context(), r.PostFormValue("logout_token"))
	if err != nil {
		return 0, err
	}
	now := s.o.Now()
	if age := now.Sub(token.IssuedAt); age > logoutFresh || age < -logoutFresh || !s.oidc.once.first("logout\x00"+token.TokenID, now) {
		return 0, fmt.Errorf("it was made at %s, or heard already", token.IssuedAt.UTC().Format(time.RFC3339))
	}
	subject, sid := sumOf(token.Issuer+"\x00"+token.Subject), s.oidc.sid(token.SessionID)
	var accounts []string
	s.kept.endWhere(func(values map[string]any) bool {
		is := values[keyMethod] == methodOIDC && (token.Subject == "" || values[keySubject] == subject) && (token.SessionID == "" || values[keySID] == sid)
		if account, _ := values[keyAccount].(string); is {
			accounts = append(accounts, account)
		}
		return is
	})
	for _, account := range accounts {
		a, _ := s.o.Directory.Account(account)
		s.done(r.Context(), Entry{Account: account, Role: a.Role, Action: "session.end", Object: methodOIDC, Reason: "ended at the identity provider"})
	}
	return len(accounts), nil
}

// endWhere ends the sessions whose values fit.
func (s *sessionStore) endWhere(fits func(values map[string]any) bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	changed := false
	for sum, kept := range s.all {
		if _, values, err := (scs.GobCodec{}).Decode(kept.Data); err == nil && fits(values) {
			delete(s.all, sum)
			changed = true
		}
	}
	if changed {
		s.save()
	}
}

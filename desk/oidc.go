package desk

import (
	"cmp"
	"context"
	"crypto/rand"
	"crypto/tls"
	"errors"
	"net/http"
	"net/url"
	"strings"
	"time"

	"golang.org/x/oauth2"

	"tocsin/streams"
	"tocsin/streams/directory"
	"tocsin/streams/event"
)

// OIDC is the identity provider at which people sign in (OpenID Connect Core 1.0, authorization code with PKCE).
type OIDC struct {
	Issuer       string // as the provider's tokens name it, to the letter
	ClientID     string
	ClientSecret string      // empty: a public client
	Desk         string      // where browsers reach this desk: scheme and host, no slash at its end
	Claim        string      // of the ID token: the account's name at the first sign-in; empty: preferred_username
	Name         string      // on the button; empty: the issuer's host
	TLS          *tls.Config // nil: the system's roots
}

// CallbackPath, LogoutPath: what the provider has to know of the desk besides its address. The first is where browsers come back to,
// the second hears that a session has ended there (OpenID Connect Back-Channel Logout 1.0).
const (
	CallbackPath = "/v1/oidc/callback"
	LogoutPath   = "/v1/oidc/logout"
)

// What a session that began at the provider keeps of it. No token of the provider is kept.
const (
	keySubject = "oidc_subject" // sums, as linked accounts have them
	keySID     = "oidc_sid"
)

// Ways is how one can sign in here, beside a password.
type Ways struct {
	OIDC *OIDCWay `json:"oidc,omitempty" doc:"an identity provider: send the browser to /v1/oidc/begin?to=ROUTE"`
}

// OIDCWay is the identity provider.
type OIDCWay struct {
	Name string `json:"name"`
}

func (s *Server) ways() Ways {
	if s.oidc == nil {
		return Ways{}
	}
	return Ways{OIDC: &OIDCWay{s.oidc.o.Name}}
}

// turnedAway is why somebody who came by the provider is not let in: a word that the page has words for, and for the operator what
// exactly was wrong; nil when there is nothing to look into.
type turnedAway struct {
	reason string
	err    error
}

func (t *turnedAway) Error() string { return t.reason }

// Why somebody is turned away.
const (
	awayDown    = "provider_down" // it cannot be reached
	awaySetUp   = "set_up"        // it and this desk do not fit each other
	awayExpired = "expired"       // begun too long ago, in another browser, or used already
	awayAborted = "aborted"       // by the person, at the provider
	awayInvalid = "invalid"       // what it says does not hold
	awayUnknown = "unknown_account"
	awayNoRole  = "no_role"
	awayLocked  = "locked"       // the account, by an administrator
	awayOther   = "other_person" // the account is somebody else's
	awayStale   = "not_again"    // a locked desk wants them to sign in anew, and they did not
	awayUnsaid  = "not_written"  // the link could not be written
	awayStays   = "still_there"  // signed out here, and there perhaps not
)

// oidcRoutes are for browsers on their way and for the provider: they answer redirections and are no part of the API.
func (s *Server) oidcRoutes(mux *http.ServeMux) {
	if s.oidc == nil {
		return
	}
	mux.HandleFunc("GET /v1/oidc/begin", s.oidcBegin)
	mux.HandleFunc("GET "+CallbackPath, s.oidcCallback)
	mux.HandleFunc("GET /v1/oidc/end", s.oidcEnd)
	mux.HandleFunc("POST "+LogoutPath, s.oidcLogout)
}

// oidcBegin sends a browser to the provider. What it needs when it comes back it carries sealed; with ?unlock=1 a locked desk asks
// who sits there to sign in anew.
func (s *Server) oidcBegin(w http.ResponseWriter, r *http.Request) {
	f := flow{State: rand.Text(), Nonce: rand.Text(), Verifier: oauth2.GenerateVerifier(), To: route(r.FormValue("to")), Begun: s.o.Now()}
	if id := identityOf(r.Context()); r.FormValue("unlock") != "" && id.method == methodOIDC {
		f.Unlock, f.Session, f.To = id.Account, s.sessions.Token(r.Context()), unlockedRoute
	}
	found, err := s.oidc.discover(r.Context())
	if err != nil {
		s.turnAway(w, r, f, Entry{}, err)
		return
	}
	options := []oauth2.AuthCodeOption{oauth2.S256ChallengeOption(f.Verifier), oauth2.SetAuthURLParam("nonce", f.Nonce)}
	if f.Unlock != "" {
		options = append(options, oauth2.SetAuthURLParam("prompt", "login"), oauth2.SetAuthURLParam("max_age", "0"))
	}
	if l := locale(r); l != "" {
		options = append(options, oauth2.SetAuthURLParam("ui_locales", l))
	}
	http.SetCookie(w, s.oidc.cookie(s.oidc.seal(f), flowLasts))
	seeOther(w, found.oauth.AuthCodeURL(f.State, options...))
}

// oidcCallback lets in who comes back from the provider.
func (s *Server) oidcCallback(w http.ResponseWriter, r *http.Request) {
	f, err := s.oidc.flowOf(r)
	if err != nil {
		s.turnAway(w, r, flow{To: route("")}, Entry{}, err)
		return
	}
	http.SetCookie(w, s.oidc.cookie("", -1))
	who, err := s.oidc.who(r.Context(), f, r.URL.Query())
	if err != nil {
		s.turnAway(w, r, f, Entry{}, err)
		return
	}
	a, err := s.accountOf(r.Context(), f, who)
	if _, locked := s.o.Directory.Locked(a.Account); locked && err == nil {
		err = &turnedAway{reason: awayLocked}
	}
	if err == nil {
		err = s.beginOIDC(r.Context(), f, a, who)
	}
	if err != nil {
		s.turnAway(w, r, f, who.noted(a), err)
		return
	}
	s.metrics.signIns.WithLabelValues("granted").Inc()
	s.done(r.Context(), Entry{Account: a.Account, Role: a.Role, Action: f.action(), Object: methodOIDC})
	seeOther(w, "/#"+f.To)
}

// accountOf answers whose the subject is. Somebody who comes for the first time is linked to the account that has their name, signs
// in at the provider and has nobody yet; from then on the name counts for nothing.
func (s *Server) accountOf(ctx context.Context, f flow, who visitor) (event.AccountSet, error) {
	a, linked := s.o.Directory.Linked(who.subject)
	switch {
	case f.Unlock != "" && (!linked || a.Account != f.Unlock):
		return a, &turnedAway{reason: awayOther}
	case linked && !anybody(a.Role):
		return a, &turnedAway{reason: awayNoRole}
	case linked:
		return a, nil
	}
	a, known := s.o.Directory.Account(who.name)
	switch {
	case !known || !a.OIDC:
		return event.AccountSet{}, &turnedAway{reason: awayUnknown}
	case a.Subject != "":
		return a, &turnedAway{reason: awayOther}
	case !anybody(a.Role):
		return a, &turnedAway{reason: awayNoRole}
	}
	return s.link(ctx, a, who)
}

// link binds an account to a subject through the registrar, which lets one of two have it.
func (s *Server) link(ctx context.Context, a event.AccountSet, who visitor) (event.AccountSet, error) {
	ctx, stop := context.WithTimeout(ctx, registrarWithin)
	defer stop()
	_, err := s.o.Asker.Ask(ctx, &event.LinkRequested{Account: a.Account, Issuer: s.oidc.o.Issuer, Subject: who.subject, By: a.Account})
	if r := (*directory.Refused)(nil); errors.As(err, &r) {
		return a, &turnedAway{reason: awayOther}
	}
	now, linked := s.o.Directory.Linked(who.subject)
	if err != nil || !linked || now.Account != a.Account {
		return a, &turnedAway{awayUnsaid, cmp.Or(err, errors.New("the link does not stand in the directory"))}
	}
	s.done(ctx, Entry{Account: now.Account, Role: now.Role, Action: "account.link", Object: "subject " + who.subject[:12]})
	return now, nil
}

// beginOIDC begins the session. One that a locked desk still has ends with it.
func (s *Server) beginOIDC(ctx context.Context, f flow, a event.AccountSet, who visitor) error {
	if f.Session != "" {
		if err := s.sessions.Store.Delete(f.Session); err != nil {
			return err
		}
	}
	if _, err := s.begin(ctx, a); err != nil {
		return err
	}
	s.sessions.Put(ctx, keyMethod, methodOIDC)
	s.sessions.Put(ctx, keySubject, who.subject)
	s.sessions.Put(ctx, keySID, who.sid)
	return nil
}

// noted says in the audit log who was refused: the account is theirs only when it is linked to them.
func (v visitor) noted(a event.AccountSet) Entry {
	e := Entry{Object: "subject " + v.subject[:12]}
	switch {
	case a.Subject == v.subject:
		e.Account, e.Role = a.Account, a.Role
	case a.Account != "":
		e.Object += " as " + a.Account
	}
	return e
}

// turnAway sends somebody back to the page that they came from, which says why.
func (s *Server) turnAway(w http.ResponseWriter, r *http.Request, f flow, e Entry, err error) {
	away := &turnedAway{awayInvalid, err}
	errors.As(err, &away)
	s.metrics.signIns.WithLabelValues("refused").Inc()
	if e.Account = cmp.Or(e.Account, f.Unlock); e.Account != "" || s.heeds(addressOf(r.Context())) {
		if away.err != nil {
			s.o.Logger.Warn("somebody who came by the identity provider was turned away", "reason", away.reason, streams.KeyErr, away.err)
		}
		e.Account, e.Object = cmp.Or(e.Account, "unknown"), strings.TrimSpace(methodOIDC+" "+e.Object)
		e.Action, e.Refused, e.Reason = f.action(), true, away.reason
		s.done(r.Context(), e)
	}
	if f.Unlock != "" {
		seeOther(w, "/#"+unlockedRoute+"?oidc="+away.reason)
		return
	}
	seeOther(w, "/#/sign-in?oidc="+away.reason+"&to="+url.QueryEscape(f.To))
}

// seeOther answers where to go. The address is made here: nothing that was sent stands before its #.
func seeOther(w http.ResponseWriter, to string) {
	w.Header().Set("Location", to)
	w.WriteHeader(http.StatusSeeOther)
}

const (
	startRoute    = "/queue"
	unlockedRoute = "/unlocked" // in a window of its own: a locked desk stays where it is, and is heard
	maxRoute      = 300
)

// route answers a page of the screens, the part behind #; the queue for what is none.
func route(to string) string {
	plain := !strings.ContainsFunc(to, func(c rune) bool { return c <= ' ' || c > '~' || strings.ContainsRune("\"<>\\^`{|}#", c) })
	if !plain || !strings.HasPrefix(to, "/") || len(to) > maxRoute || strings.HasPrefix(to, "/sign-in") {
		return startRoute
	}
	return to
}

// locale answers the language of the page, as the provider may know it.
func locale(r *http.Request) string {
	switch r.FormValue("lang") {
	case "zh":
		return "zh-CN zh"
	case "en":
		return "en"
	}
	return ""
}

// flowLasts is how long somebody may take at the provider.
const flowLasts = 10 * time.Minute

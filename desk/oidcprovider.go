package desk

import (
	"context"
	"crypto/subtle"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"
	"golang.org/x/oauth2"
)

// provider is the identity provider as this desk knows it. It is asked for when somebody signs in, never at the start: a desk comes up
// without it, and accounts with a password sign in as ever.
type provider struct {
	*sealing
	o    OIDC
	http *http.Client
	now  func() time.Time

	mu     sync.Mutex
	found  *discovered
	since  time.Time // when it was found
	again  time.Time // when it is asked for anew
	failed error     // why it was not found; until again
}

// discovered is what the provider says of itself.
type discovered struct {
	oauth    *oauth2.Config
	verifier *oidc.IDTokenVerifier
	end      string // where a browser signs out; empty: nowhere
	saysIss  bool   // its answers name it (RFC 9207)
}

const (
	providerWithin = 5 * time.Second
	providerEvery  = 10 * time.Second // before a browser is sent there it is asked whether it is there
	providerRetry  = 2 * time.Second  // after it was not found
	providerKept   = time.Hour        // what it said holds for who comes back; also the longest that a withdrawn key is believed
)

func newProvider(o OIDC, secure bool, now func() time.Time) (*provider, error) {
	issuer, err := url.Parse(o.Issuer)
	switch {
	case err != nil || issuer.Host == "":
		return nil, fmt.Errorf("the identity provider's issuer %q is no address", o.Issuer)
	case o.ClientID == "" || o.Desk == "":
		return nil, errors.New("the identity provider needs ClientID and Desk")
	}
	if o.Name == "" {
		o.Name = issuer.Host
	}
	if o.Claim == "" {
		o.Claim = "preferred_username"
	}
	s, err := newSealing(secure)
	if err != nil {
		return nil, err
	}
	transport := http.DefaultTransport.(*http.Transport).Clone()
	transport.TLSClientConfig = o.TLS
	// A redirected request would carry the secret and the code elsewhere.
	client := &http.Client{Transport: transport, Timeout: providerWithin, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	return &provider{sealing: s, o: o, http: client, now: now}, nil
}

func (p *provider) flowOf(r *http.Request) (flow, error) {
	f, err := p.take(r, p.now())
	if err != nil {
		return f, &turnedAway{reason: awayExpired}
	}
	return f, nil
}

// discover answers what the provider says of itself now, or a moment ago.
func (p *provider) discover(ctx context.Context) (*discovered, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.look(ctx, providerEvery)
}

// known is discover for what comes from the provider: it has just been there.
func (p *provider) known(ctx context.Context) (*discovered, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.look(ctx, providerKept)
}

// look answers what was found no longer ago than that. The caller holds the lock: whoever comes meanwhile waits for the same answer.
func (p *provider) look(ctx context.Context, ago time.Duration) (*discovered, error) {
	now := p.now()
	switch {
	case p.found != nil && now.Sub(p.since) < ago:
		return p.found, nil
	case p.failed != nil && now.Before(p.again):
		return nil, p.failed
	}
	found, err := p.ask(ctx)
	switch {
	case err == nil:
		p.found, p.since, p.failed = found, now, nil
		return found, nil
	case ctx.Err() != nil: // who asked has gone; that says nothing of the provider
		return nil, &turnedAway{awayDown, ctx.Err()}
	}
	p.failed, p.again = err, now.Add(providerRetry)
	return nil, err
}

func (p *provider) ask(ctx context.Context) (*discovered, error) {
	is, err := oidc.NewProvider(oidc.ClientContext(ctx, p.http), p.o.Issuer)
	if mismatch := (*oidc.IssuerMismatchError)(nil); errors.As(err, &mismatch) {
		return nil, &turnedAway{awaySetUp, err}
	}
	if err != nil {
		return nil, &turnedAway{awayDown, err}
	}
	var more struct {
		End  string `json:"end_session_endpoint"`
		Keys string `json:"jwks_uri"`
		Iss  bool   `json:"authorization_response_iss_parameter_supported"`
	}
	if err := is.Claims(&more); err != nil {
		return nil, &turnedAway{awaySetUp, err}
	}
	at := is.Endpoint()
	if strings.HasPrefix(p.o.Issuer, "https:") {
		for _, u := range []string{at.AuthURL, at.TokenURL, more.Keys, more.End} {
			if u != "" && !strings.HasPrefix(u, "https:") {
				return nil, &turnedAway{awaySetUp, fmt.Errorf("its issuer speaks HTTPS, and its %s does not", u)}
			}
		}
	}
	return &discovered{
		oauth:    &oauth2.Config{ClientID: p.o.ClientID, ClientSecret: p.o.ClientSecret, Endpoint: at, RedirectURL: p.o.Desk + CallbackPath, Scopes: p.scopes()},
		verifier: is.Verifier(&oidc.Config{ClientID: p.o.ClientID, Now: p.now}), end: more.End, saysIss: more.Iss,
	}, nil
}

func (p *provider) scopes() []string {
	if p.o.Claim == "email" {
		return []string{oidc.ScopeOpenID, "email"}
	}
	return []string{oidc.ScopeOpenID, "profile"}
}

// visitor is who signed in at the provider.
type visitor struct {
	subject string // sum of issuer and subject
	sid     string // sum of issuer and the provider's session; empty: it names none
	name    string // by the configured claim
}

// who finds out who came back: the answer is judged, the code exchanged, the ID token verified. The tokens are forgotten here.
func (p *provider) who(ctx context.Context, f flow, q url.Values) (visitor, error) {
	found, err := p.known(ctx)
	if err != nil {
		return visitor{}, err
	}
	if iss := q.Get("iss"); iss != p.o.Issuer && (iss != "" || found.saysIss) {
		return visitor{}, &turnedAway{awayInvalid, fmt.Errorf("the answer comes from %q", iss)} // mixed up with another provider
	}
	if why := q.Get("error"); why != "" {
		return visitor{}, saidNo(why)
	}
	ctx = oidc.ClientContext(ctx, p.http)
	tokens, err := found.oauth.Exchange(ctx, q.Get("code"), oauth2.VerifierOption(f.Verifier))
	if err != nil {
		return visitor{}, exchanged(err)
	}
	raw, _ := tokens.Extra("id_token").(string)
	if raw == "" {
		return visitor{}, &turnedAway{awaySetUp, errors.New("it sent no ID token: is the scope openid allowed for this client?")}
	}
	token, err := found.verifier.Verify(ctx, raw)
	if err != nil {
		return visitor{}, &turnedAway{awayInvalid, err}
	}
	return p.judge(f, token)
}

// judge looks at what a token says whose signature, issuer, audience and time are right.
func (p *provider) judge(f flow, token *oidc.IDToken) (visitor, error) {
	var all map[string]any
	var c struct {
		Party    string `json:"azp"`
		AuthTime int64  `json:"auth_time"`
		SID      string `json:"sid"`
		Verified bool   `json:"email_verified"`
	}
	if err := errors.Join(token.Claims(&all), token.Claims(&c)); err != nil {
		return visitor{}, &turnedAway{awayInvalid, err}
	}
	switch {
	case subtle.ConstantTimeCompare([]byte(token.Nonce), []byte(f.Nonce)) != 1:
		return visitor{}, &turnedAway{awayInvalid, errors.New("the ID token answers another request (nonce)")}
	case c.Party != p.o.ClientID && (c.Party != "" || len(token.Audience) > 1):
		return visitor{}, &turnedAway{awayInvalid, fmt.Errorf("the ID token was made for %q", c.Party)}
	case token.Subject == "":
		return visitor{}, &turnedAway{awayInvalid, errors.New("the ID token has no subject")}
	case f.Unlock != "" && !p.fresh(f, token.IssuedAt, c.AuthTime):
		return visitor{}, &turnedAway{awayStale, errors.New("the provider did not ask for the password again")}
	}
	name, _ := all[p.o.Claim].(string)
	if p.o.Claim == "email" && !c.Verified {
		name = ""
	}
	who := visitor{subject: sumOf(p.o.Issuer + "\x00" + token.Subject), name: name}
	if c.SID != "" {
		who.sid = p.sid(c.SID)
	}
	return who, nil
}

func (p *provider) sid(sid string) string { return sumOf(p.o.Issuer + "\x00sid\x00" + sid) }

// fresh tells whether somebody signed in after this desk had asked for it: at the provider's clock no longer ago than they have been
// away at ours, give or take its whole seconds.
func (p *provider) fresh(f flow, issued time.Time, authTime int64) bool {
	return authTime > 0 && issued.Sub(time.Unix(authTime, 0)) <= p.now().Sub(f.Begun)+2*time.Second
}

// saidNo reads the error of an answer (RFC 6749, 4.1.2.1).
func saidNo(why string) error {
	switch why {
	case "access_denied", "login_required", "interaction_required":
		return &turnedAway{reason: awayAborted}
	case "temporarily_unavailable", "server_error":
		return &turnedAway{awayDown, fmt.Errorf("it answers %.40q", why)}
	}
	return &turnedAway{awaySetUp, fmt.Errorf("it answers %.40q", why)}
}

// exchanged reads why a code was not exchanged. What the provider wrote beside it is not repeated: it may hold the code.
func exchanged(err error) error {
	r := (*oauth2.RetrieveError)(nil)
	switch {
	case !errors.As(err, &r):
		return &turnedAway{awayDown, err}
	case r.ErrorCode == "invalid_grant":
		return &turnedAway{awayExpired, errors.New("it does not take the code")}
	case r.Response != nil && r.Response.StatusCode >= http.StatusInternalServerError:
		return &turnedAway{awayDown, fmt.Errorf("its token endpoint answers %s", r.Response.Status)}
	}
	return &turnedAway{awaySetUp, fmt.Errorf("its token endpoint answers %.40q: are client_id, secret and redirect URI as it has them?", r.ErrorCode)}
}

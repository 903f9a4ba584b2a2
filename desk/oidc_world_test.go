package desk

import (
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/coreos/go-oidc/v3/oidc/oidctest"

	"tocsin/streams/event"
)

const (
	deskAddress = "http://desk.test"
	clientID    = "tocsin"
	secret      = "the client's secret"
)

// fakeProvider is an identity provider that says what a test wants it to say. It checks what the desk sends as a real one would.
type fakeProvider struct {
	t   *testing.T
	url string

	mu    sync.Mutex
	keys  map[string]*ecdsa.PrivateKey // what it publishes, by id
	codes map[string]issue
	says  bool // iss in its answers
	end   string
	down  bool

	noted *entriesOf // of the desk that it serves
}

// issue is what a code is good for.
type issue struct{ challenge, token string }

func newFakeProvider(t *testing.T) *fakeProvider {
	p := &fakeProvider{t: t, keys: map[string]*ecdsa.PrivateKey{}, codes: map[string]issue{}, says: true}
	p.rotate("k1")
	web := httptest.NewServer(p)
	t.Cleanup(web.Close)
	p.url, p.end = web.URL, web.URL+"/end"
	return p
}

// rotate makes id its one key.
func (p *fakeProvider) rotate(id string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	clear(p.keys)
	p.keys[id] = newKey(p.t)
}

func newKey(t *testing.T) *ecdsa.PrivateKey {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func (p *fakeProvider) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.down {
		http.Error(w, "down", http.StatusBadGateway)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	switch r.URL.Path {
	case "/.well-known/openid-configuration":
		_ = json.NewEncoder(w).Encode(map[string]any{"issuer": p.url, "authorization_endpoint": p.url + "/auth?tab=1", "token_endpoint": p.url + "/token", "jwks_uri": p.url + "/keys",
			"end_session_endpoint": p.end, "id_token_signing_alg_values_supported": []string{"ES256", "HS256"}, "authorization_response_iss_parameter_supported": p.says})
	case "/keys":
		var all []oidctest.PublicKey
		for id, k := range p.keys {
			all = append(all, oidctest.PublicKey{PublicKey: k.Public(), KeyID: id, Algorithm: "ES256"})
		}
		(&oidctest.Server{PublicKeys: all}).ServeHTTP(w, r)
	case "/token":
		p.token(w, r)
	default:
		http.NotFound(w, r)
	}
}

// token answers a code once, to who began and with the client's secret.
func (p *fakeProvider) token(w http.ResponseWriter, r *http.Request) {
	code := r.PostFormValue("code")
	is, ok := p.codes[code]
	delete(p.codes, code)
	sum := sha256.Sum256([]byte(r.PostFormValue("code_verifier")))
	_, given, _ := r.BasicAuth()
	given, _ = url.QueryUnescape(given)
	if !ok || r.PostFormValue("redirect_uri") != deskAddress+CallbackPath || base64.RawURLEncoding.EncodeToString(sum[:]) != is.challenge || given != secret {
		w.WriteHeader(http.StatusBadRequest)
		_, _ = io.WriteString(w, `{"error":"invalid_grant"}`)
		return
	}
	_ = json.NewEncoder(w).Encode(map[string]any{"access_token": "a", "token_type": "Bearer", "id_token": is.token})
}

type fields map[string]any

// about is what an ID token of a person says.
func (p *fakeProvider) about(subject, name string) fields {
	now := time.Now()
	return fields{"iss": p.url, "aud": clientID, "azp": clientID, "sub": subject, "preferred_username": name, "sid": "sid-" + subject,
		"iat": now.Unix(), "exp": now.Add(time.Minute).Unix(), "auth_time": now.Unix()}
}

// sign signs with the key of an id, as it should be.
func (p *fakeProvider) sign(f fields, id string) string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return signed256(p.t, f, id, p.keys[id])
}

func signed256(t *testing.T, f fields, id string, key crypto.PrivateKey) string {
	b, err := json.Marshal(f)
	if err != nil {
		t.Fatal(err)
	}
	return oidctest.SignIDToken(key, id, "ES256", string(b))
}

// serve gives a desk the provider, and its accounts nurse-a and nurse-b, who sign in there, and nurse-p, who has a password.
func (p *fakeProvider) serve(h *hospital, change ...func(*Options)) *station {
	h.t.Helper()
	for _, name := range []string{"nurse-a", "nurse-b", "auto-1"} {
		role := map[bool]string{true: roleWatchdog, false: roleNurse}[name == "auto-1"]
		h.makes(&event.AccountRequested{Account: name, Role: role, OIDC: true, By: "test"})
	}
	h.makes(&event.AccountRequested{Account: "nurse-p", Role: roleNurse, Password: hashOf(h.t, "a long password"), By: "test"})
	p.noted = new(entriesOf)
	st := h.openDesk(append(change, func(o *Options) {
		o.Trail = p.noted
		o.OIDC = &OIDC{Issuer: p.url, ClientID: clientID, ClientSecret: secret, Desk: deskAddress, Name: "Ward SSO"}
	})...)
	h.station = st
	return st
}

// entriesOf is an audit log that a test reads.
type entriesOf struct {
	mu  sync.Mutex
	all []Entry
}

func (e *entriesOf) Note(_ context.Context, one Entry) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.all = append(e.all, one)
	return nil
}

func (*entriesOf) Waiting() (entries, most int, since time.Time) { return 0, 1, time.Time{} }

// since answers the entries from the nth on.
func (e *entriesOf) since(n int) []Entry {
	e.mu.Lock()
	defer e.mu.Unlock()
	return slices.Clone(e.all[n:])
}

func (e *entriesOf) has(t *testing.T, what string, fits func(Entry) bool) {
	t.Helper()
	if !slices.ContainsFunc(e.since(0), fits) {
		t.Errorf("the audit log does not say %s: %+v", what, e.since(0))
	}
}

func (h *hospital) makes(r *event.AccountRequested) {
	h.t.Helper()
	if _, err := h.asker.Ask(soon(h.t), r); err != nil {
		h.t.Fatal(err)
	}
}

// visit is a browser on its way to the provider.
type visit struct {
	*browser
	p *fakeProvider
	q url.Values // what the desk asked of the provider
}

// begin sends a browser to the provider.
func (p *fakeProvider) begin(b *browser, query string) visit {
	b.t.Helper()
	b.http.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	to := b.follow("/v1/oidc/begin?" + query)
	at, err := url.Parse(to)
	if err != nil || !strings.HasPrefix(to, p.url+"/auth?") {
		b.t.Fatalf("begun at %q: %v", to, err)
	}
	return visit{b, p, at.Query()}
}

// follow asks for a path and answers where it leads.
func (b *browser) follow(path string) string {
	b.t.Helper()
	resp, err := b.http.Get(b.url + path)
	if err != nil {
		b.t.Fatal(err)
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusSeeOther {
		text, _ := io.ReadAll(resp.Body)
		b.t.Fatalf("%s: %s %s", path, resp.Status, text)
	}
	return resp.Header.Get("Location")
}

// code makes the provider give out a code for a token.
func (v visit) code(token string) string {
	v.p.mu.Lock()
	defer v.p.mu.Unlock()
	code := rand.Text()
	v.p.codes[code] = issue{v.q.Get("code_challenge"), token}
	return code
}

// back comes back with a code, and answers where that leads.
func (v visit) back(code string, change ...func(url.Values)) string {
	v.t.Helper()
	q := url.Values{"code": {code}, "state": {v.q.Get("state")}, "iss": {v.p.url}}
	for _, c := range change {
		c(q)
	}
	return v.follow(CallbackPath + "?" + q.Encode())
}

// as signs in as a person who does as they should.
func (v visit) as(subject, name string) string {
	v.t.Helper()
	f := v.p.about(subject, name)
	f["nonce"] = v.q.Get("nonce")
	return v.back(v.code(v.p.sign(f, "k1")))
}

// whoAmI answers who the browser's session is; empty without one.
func (b *browser) whoAmI() Session {
	b.t.Helper()
	var s Session
	if status, _ := b.do("GET", "/v1/session", nil, &s); status != http.StatusOK {
		return Session{}
	}
	return s
}

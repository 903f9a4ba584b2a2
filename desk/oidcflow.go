package desk

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"crypto/subtle"
	"encoding/base64"
	"encoding/json"
	"errors"
	"net/http"
	"sync"
	"time"
)

// flow is one sign-in on its way to the provider and back. It lies in a cookie of the browser that began it, sealed, so that it costs
// this desk no memory and nobody else can come back with it. The cookie is Lax: the session's own, being Strict, does not come along
// from another site.
type flow struct {
	State    string    `json:"state"`
	Nonce    string    `json:"nonce"`
	Verifier string    `json:"verifier"` // of PKCE
	To       string    `json:"to"`       // page of the screens to go to
	Begun    time.Time `json:"begun"`
	Unlock   string    `json:"unlock,omitempty"`  // account of a locked desk; empty: an ordinary sign-in
	Session  string    `json:"session,omitempty"` // the token of its session
}

// action is what the audit log calls it.
func (f *flow) action() string {
	if f.Unlock != "" {
		return "session.unlock"
	}
	return "session.begin"
}

// sealing seals flows under a key that this process alone has: one that a restart meets on its way begins again.
type sealing struct {
	aead   cipher.AEAD
	secure bool // HTTPS
	once   once
}

func newSealing(secure bool) (*sealing, error) {
	key := make([]byte, 32)
	_, _ = rand.Read(key) // never fails since Go 1.24
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, err
	}
	aead, err := cipher.NewGCMWithRandomNonce(block)
	return &sealing{aead: aead, secure: secure}, err
}

func (s *sealing) seal(f flow) string {
	plain, _ := json.Marshal(f) // strings and a time
	return base64.RawURLEncoding.EncodeToString(s.aead.Seal(nil, nil, plain, nil))
}

func (s *sealing) open(sealed string) (f flow, err error) {
	b, err := base64.RawURLEncoding.DecodeString(sealed)
	if err != nil {
		return f, err
	}
	plain, err := s.aead.Open(nil, nil, b, nil)
	if err != nil {
		return f, err
	}
	return f, json.Unmarshal(plain, &f)
}

// cookie is the flow's. With HTTPS its name keeps other hosts of the same site from setting it.
func (s *sealing) cookie(value string, lasts time.Duration) *http.Cookie {
	c := &http.Cookie{Name: "tocsin-oidc", Value: value, Path: "/v1/oidc/", MaxAge: int(lasts.Seconds()), HttpOnly: true, Secure: s.secure, SameSite: http.SameSiteLaxMode}
	if s.secure {
		c.Name, c.Path = "__Host-tocsin-oidc", "/"
	}
	if value == "" {
		c.MaxAge = -1
	}
	return c
}

var errNoFlow = errors.New("no flow of this state")

// take answers the flow that a browser began and comes back with, once.
func (s *sealing) take(r *http.Request, now time.Time) (flow, error) {
	c, err := r.Cookie(s.cookie("", 0).Name)
	if err != nil {
		return flow{}, errNoFlow
	}
	f, err := s.open(c.Value)
	if err != nil || f.State == "" || subtle.ConstantTimeCompare([]byte(f.State), []byte(r.URL.Query().Get("state"))) != 1 {
		return flow{}, errNoFlow
	}
	if now.Sub(f.Begun) > flowLasts || !s.once.first(f.State, now) {
		return flow{}, errNoFlow
	}
	return f, nil
}

// once knows what has been used, for as long as it could be used again.
type once struct {
	mu    sync.Mutex
	until map[string]time.Time
	swept time.Time
}

const mostUsed = 100_000

// first tells whether it is the first time, within flowLasts.
func (o *once) first(what string, now time.Time) bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.until == nil || len(o.until) >= mostUsed {
		o.until = map[string]time.Time{}
	}
	if now.Sub(o.swept) > sweepEvery {
		o.swept = now
		for w, until := range o.until {
			if now.After(until) {
				delete(o.until, w)
			}
		}
	}
	if until, used := o.until[what]; used && now.Before(until) {
		return false
	}
	o.until[what] = now.Add(flowLasts + time.Minute)
	return true
}

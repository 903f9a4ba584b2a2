// Package pushtest is a push service on loopback for tests: it reads what browsers would read (RFC 8291) and looks at who signed it
// (RFC 8292), with nothing of the code that wrote it.
package pushtest

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/ecdh"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/hkdf"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/big"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"
)

// Service is one push service with its browsers.
type Service struct {
	*httptest.Server
	t  testing.TB
	mu sync.Mutex

	browsers map[string]*Browser // by path
	rang     func()
}

// Browser is one browser that has subscribed.
type Browser struct {
	Endpoint, P256dh, Auth string

	private *ecdh.PrivateKey
	auth    []byte
	vapid   string // the key with which it subscribed
	got     []Push
	answer  func(w http.ResponseWriter, n int)
	tries   int
}

// Push is what one request brought.
type Push struct {
	Text                string
	Topic, Urgency, TTL string
	Subject             string // of the VAPID token
	Size                int
}

// Open starts a service; rang is told of each request.
func Open(t testing.TB, rang func()) *Service {
	s := &Service{t: t, browsers: map[string]*Browser{}, rang: rang}
	s.Server = httptest.NewServer(s)
	t.Cleanup(func() { s.CloseClientConnections(); s.Close() })
	return s
}

// Subscribe makes a browser that holds to an application server's key.
func (s *Service) Subscribe(vapid string) *Browser {
	s.t.Helper()
	private, err := ecdh.P256().GenerateKey(rand.Reader)
	if err != nil {
		s.t.Fatal(err)
	}
	auth := make([]byte, 16)
	_, _ = rand.Read(auth)
	s.mu.Lock()
	defer s.mu.Unlock()
	path := fmt.Sprintf("/push/%d-%s", len(s.browsers), base64.RawURLEncoding.EncodeToString(auth[:6]))
	b := &Browser{Endpoint: s.URL + path, P256dh: base64.RawURLEncoding.EncodeToString(private.PublicKey().Bytes()), Auth: base64.RawURLEncoding.EncodeToString(auth),
		private: private, auth: auth, vapid: vapid}
	s.browsers[path] = b
	return b
}

// Answer has the nth request for a browser, from 1, answered so; nil: it is taken.
func (s *Service) Answer(b *Browser, answer func(w http.ResponseWriter, n int)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	b.answer = answer
}

// Status answers with a status alone.
func Status(code int, header ...string) func(http.ResponseWriter, int) {
	return func(w http.ResponseWriter, _ int) {
		for i := 0; i+1 < len(header); i += 2 {
			w.Header().Set(header[i], header[i+1])
		}
		http.Error(w, "no", code)
	}
}

// Got answers what a browser has been pushed, and how often it was tried.
func (s *Service) Got(b *Browser) (all []Push, tries int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]Push(nil), b.got...), b.tries
}

// ServeHTTP takes a push as RFC 8030 has it.
func (s *Service) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	defer s.rang()
	s.mu.Lock()
	b := s.browsers[r.URL.Path]
	if b == nil {
		s.mu.Unlock()
		http.Error(w, "no such subscription", http.StatusNotFound)
		return
	}
	b.tries++
	n, answer := b.tries, b.answer
	s.mu.Unlock()
	body, err := io.ReadAll(r.Body)
	if err == nil && len(body) > 4096 {
		http.Error(w, "too large", http.StatusRequestEntityTooLarge)
		return
	}
	var p Push
	if err == nil {
		p, err = b.read(r, body, s.URL)
	}
	if err != nil {
		s.t.Errorf("a push cannot be read: %v", err)
		http.Error(w, "it cannot be read", http.StatusBadRequest)
		return
	}
	if answer != nil {
		answer(w, n)
		return
	}
	s.mu.Lock()
	b.got = append(b.got, p)
	s.mu.Unlock()
	w.WriteHeader(http.StatusCreated)
}

func (b *Browser) read(r *http.Request, body []byte, origin string) (p Push, err error) {
	p = Push{Topic: r.Header.Get("Topic"), Urgency: r.Header.Get("Urgency"), TTL: r.Header.Get("TTL"), Size: len(body)}
	if r.Method != http.MethodPost || p.TTL == "" || r.Header.Get("Content-Encoding") != "aes128gcm" {
		return p, fmt.Errorf("%s with TTL %q and encoding %q", r.Method, p.TTL, r.Header.Get("Content-Encoding"))
	}
	if p.Subject, err = vapid(r.Header.Get("Authorization"), b.vapid, origin, time.Now()); err != nil {
		return p, err
	}
	text, err := Decrypt(b.private, b.auth, body)
	p.Text = string(text)
	return p, err
}

// Decrypt reads one record as a browser does (RFC 8188 and RFC 8291).
func Decrypt(private *ecdh.PrivateKey, auth, body []byte) ([]byte, error) {
	if len(body) < 21 || len(body) < 21+int(body[20]) {
		return nil, errors.New("it has no header")
	}
	salt, size, keyID, sealed := body[:16], binary.BigEndian.Uint32(body[16:20]), body[21:21+int(body[20])], body[21+int(body[20]):]
	if int(size) < len(sealed) {
		return nil, errors.New("it has more than one record")
	}
	sender, err := ecdh.P256().NewPublicKey(keyID)
	if err != nil {
		return nil, err
	}
	shared, err := private.ECDH(sender)
	if err != nil {
		return nil, err
	}
	ikm, err := hkdf.Key(sha256.New, shared, auth, "WebPush: info\x00"+string(private.PublicKey().Bytes())+string(keyID), 32)
	if err != nil {
		return nil, err
	}
	key, err := hkdf.Key(sha256.New, ikm, salt, "Content-Encoding: aes128gcm\x00", 16)
	if err != nil {
		return nil, err
	}
	nonce, err := hkdf.Key(sha256.New, ikm, salt, "Content-Encoding: nonce\x00", 12)
	if err != nil {
		return nil, err
	}
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, err
	}
	gcm, err := cipher.NewGCM(block)
	if err != nil {
		return nil, err
	}
	plain, err := gcm.Open(nil, nonce, sealed, nil)
	if err != nil {
		return nil, err
	}
	text := strings.TrimRight(string(plain), "\x00")
	if !strings.HasSuffix(text, "\x02") {
		return nil, errors.New("its padding does not say that it is the last record")
	}
	return []byte(text[:len(text)-1]), nil
}

// vapid checks who signed (RFC 8292), and answers the subject.
func vapid(header, key, origin string, now time.Time) (subject string, err error) {
	token, k, ok := strings.Cut(strings.TrimPrefix(header, "vapid t="), ", k=")
	parts := strings.Split(token, ".")
	if !ok || k != key || len(parts) != 3 {
		return "", fmt.Errorf("it is signed by another key, or by none: %.20s…", header)
	}
	var claims struct {
		Aud, Sub string
		Exp      int64
	}
	raw, err := base64.RawURLEncoding.DecodeString(parts[1])
	if err == nil {
		err = json.Unmarshal(raw, &claims)
	}
	if err != nil {
		return "", err
	}
	if end := time.Unix(claims.Exp, 0); claims.Aud != origin || !end.After(now) || end.After(now.Add(24*time.Hour)) || claims.Sub == "" {
		return "", fmt.Errorf("the token says %+v", claims)
	}
	point, err := base64.RawURLEncoding.DecodeString(k)
	if err != nil {
		return "", err
	}
	public, err := ecdsa.ParseUncompressedPublicKey(elliptic.P256(), point)
	if err != nil {
		return "", err
	}
	signature, err := base64.RawURLEncoding.DecodeString(parts[2])
	if err != nil || len(signature) != 64 {
		return "", errors.New("the signature is none of ES256")
	}
	sum := sha256.Sum256([]byte(parts[0] + "." + parts[1]))
	if !ecdsa.Verify(public, sum[:], new(big.Int).SetBytes(signature[:32]), new(big.Int).SetBytes(signature[32:])) {
		return "", errors.New("the signature does not hold")
	}
	return claims.Sub, nil
}

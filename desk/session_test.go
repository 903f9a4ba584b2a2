package desk

import (
	"bytes"
	"log/slog"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/alexedwards/argon2id"

	"tocsin/streams/event"
)

// The first start: a one-time password, with which nothing can be done but replace it.
func TestFirstSignInReplacesTheOneTimePassword(t *testing.T) {
	h := open(t)
	password, err := FirstPassword(soon(t), h.view, h.asker, "lead", "lead")
	if err != nil || len(password) < 20 {
		t.Fatalf("%q, %v", password, err)
	}
	b := h.browser(h.url)
	var s Session
	if status, raw := b.do("POST", "/v1/session", SignIn{"lead", password}, &s); status != 200 || !s.MustChange || s.Role != "lead" {
		t.Fatalf("%d %s", status, raw)
	}
	if status, _ := b.do("GET", "/v1/warnings", nil, nil); status != 403 {
		t.Fatalf("with a one-time password warnings are shown: %d", status)
	}
	if status, raw := b.do("POST", "/v1/session/password", NewPassword{password, "short"}, nil); status != 422 {
		t.Fatalf("a short one: %d %s", status, raw)
	}
	if status, raw := b.do("POST", "/v1/session/password", NewPassword{"wrong", "correct horse battery"}, nil); status != 401 {
		t.Fatalf("without the old one: %d %s", status, raw)
	}
	other := h.browser(h.url)
	other.do("POST", "/v1/session", SignIn{"lead", password}, nil)
	s = Session{}
	if status, raw := b.do("POST", "/v1/session/password", NewPassword{password, "correct horse battery"}, &s); status != 200 || s.MustChange {
		t.Fatalf("%d %s", status, raw)
	}
	if status, _ := b.do("GET", "/v1/warnings", nil, nil); status != 200 {
		t.Fatalf("after the change: %d", status)
	}
	if status, _ := other.do("GET", "/v1/session", nil, nil); status != 401 {
		t.Errorf("a session of the old password lives on: %d", status)
	}
	if again, err := FirstPassword(soon(t), h.view, h.asker, "lead", "lead"); err != nil || again != "" {
		t.Errorf("a second start gave %q, %v", again, err)
	}
	if status, _ := b.do("DELETE", "/v1/session", nil, nil); status != 204 {
		t.Errorf("sign out: %d", status)
	}
	if status, _ := b.do("GET", "/v1/session", nil, nil); status != 401 {
		t.Errorf("signed out and still there: %d", status)
	}
}

// What is wrong with a pair is not said, the cookie is closed to scripts and foreign sites, and guessing gets slow.
func TestSignInTellsNothingAndSlowsDown(t *testing.T) {
	h := open(t)
	password, err := FirstPassword(soon(t), h.view, h.asker, "lead", "lead")
	if err != nil {
		t.Fatal(err)
	}
	b := h.browser(h.url)
	var wrong, unknown Problem
	s1, _ := b.do("POST", "/v1/session", SignIn{"lead", "guess-0"}, &wrong)
	s2, _ := b.do("POST", "/v1/session", SignIn{"nobody", "guess-0"}, &unknown)
	if s1 != 401 || s2 != 401 || wrong.Detail != unknown.Detail || wrong.Zh != unknown.Zh {
		t.Errorf("%d %+v and %d %+v differ", s1, wrong, s2, unknown)
	}
	for range mostPair - 1 {
		b.do("POST", "/v1/session", SignIn{"lead", "guess"}, nil)
	}
	if status, _ := b.do("POST", "/v1/session", SignIn{"lead", password}, nil); status != 429 {
		t.Errorf("after %d guesses: %d", mostPair, status)
	}
	h.server.limit.tries = map[string]*tries{}
	resp, err := b.http.Post(h.url+"/v1/session", "application/json", strings.NewReader(`{"account":"lead","password":"`+password+`"}`))
	if err != nil || resp.StatusCode != 200 {
		t.Fatalf("%v %v", resp.Status, err)
	}
	resp.Body.Close()
	c := resp.Cookies()[0]
	if !c.HttpOnly || c.SameSite != http.SameSiteStrictMode || c.Name != cookieName || len(c.Value) < 40 {
		t.Errorf("the cookie is %+v", c)
	}
	for name, want := range map[string]string{"Content-Security-Policy": "default-src 'self'", "X-Content-Type-Options": "nosniff", "Cache-Control": "no-store"} {
		if !strings.Contains(resp.Header.Get(name), want) {
			t.Errorf("%s is %q", name, resp.Header.Get(name))
		}
	}
	for _, headers := range [][]string{{"Sec-Fetch-Site", "cross-site"}, {"Origin", "https://elsewhere.example"}} {
		if status, _ := b.do("POST", "/v1/session/password", NewPassword{password, "another password"}, nil, headers...); status != 403 {
			t.Errorf("a foreign page acted: %d with %v", status, headers)
		}
	}
}

// Guesses that come all at once are counted like guesses one after another.
func TestGuessesAtOnceAreCountedToo(t *testing.T) {
	h := open(t)
	var all sync.WaitGroup
	var checked atomic.Int64
	for i := range 8 * mostPair {
		all.Go(func() {
			if status, _ := h.browser(h.url).do("POST", "/v1/session", SignIn{"nobody", "guess-" + itoa(i)}, nil); status == 401 {
				checked.Add(1)
			}
		})
	}
	all.Wait()
	if n := checked.Load(); n < mostPair || n >= mostPair+int64(cap(h.server.checking)) {
		t.Errorf("%d guesses were looked at", n)
	}
}

func TestLimiterForgets(t *testing.T) {
	l, now := newLimiter(), time.Unix(1000, 0)
	for range mostPair {
		l.failed("a", "1.2.3.4", now)
	}
	if l.wait("a", "1.2.3.4", now) <= 0 || l.wait("a", "5.6.7.8", now) != 0 || l.wait("b", "1.2.3.4", now) != 0 {
		t.Error("it slows down the wrong ones")
	}
	if later := now.Add(triesFor + time.Second); l.wait("a", "1.2.3.4", later) > 0 {
		t.Error("it never forgets")
	}
	l.failed("c", "9.9.9.9", now.Add(triesFor+2*time.Minute))
	if len(l.tries) != 3 {
		t.Errorf("%d entries are kept", len(l.tries))
	}
}

// Somebody who fills it with names that there are not makes it no larger, and frees nobody who has come to a limit.
func TestLimiterDoesNotGrow(t *testing.T) {
	l, now := newLimiter(), time.Unix(1000, 0)
	for range mostPair {
		l.failed("a", "1.2.3.4", now)
	}
	for i := range 2 * mostEntries / 3 {
		l.failed("nobody-"+itoa(i), "from-"+itoa(i), now)
	}
	if len(l.tries) > mostEntries+3 {
		t.Errorf("%d entries are kept", len(l.tries))
	}
	if l.wait("a", "1.2.3.4", now) <= 0 {
		t.Error("who had guessed too often may guess again")
	}
}

// Whoever asks in vain all day fills no log: what was not looked at is noted only so often, each guess that was looked at is.
func TestSEC5_StrangersDoNotFillTheAuditLog(t *testing.T) {
	h, p := open(t), newFakeProvider(t)
	st := p.serve(h)
	b := h.browser(st.url)
	for range mostPair + mostFromOne + 20 {
		b.do("POST", "/v1/session", SignIn{"nobody", "guess"}, nil)
	}
	guesses, rest := 0, 0
	for _, e := range p.noted.since(0) {
		if e.Reason == wrongPassword {
			guesses++
		} else {
			rest++
		}
	}
	if guesses != mostPair || rest != mostFromOne {
		t.Errorf("%d guesses and %d further attempts are noted", guesses, rest)
	}
	before := len(p.noted.since(0))
	b.http.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	for range 20 {
		if status, _ := b.do("GET", CallbackPath, nil, nil); status != http.StatusSeeOther {
			t.Fatal(status)
		}
	}
	if more := len(p.noted.since(before)); more > 0 {
		t.Errorf("%d callbacks that nobody had begun are noted after that", more)
	}
	if v := p.begin(h.browser(st.url), ""); v.as("s-ann", "nurse-a") != "/#/queue" {
		t.Error("and nobody signs in any more")
	}
}

// A token acts under its own name, never under a person's.
func TestATokenIsNobodyElse(t *testing.T) {
	h := open(t)
	if _, err := h.asker.Ask(soon(t), &event.AccountRequested{Account: "nurse-a", Role: "nurse", Password: "$argon2id$", By: "test"}); err != nil {
		t.Fatal(err)
	}
	var s Session
	if status, raw := h.as("doctor", "nurse-a").do("GET", "/v1/session", nil, &s); status != 200 || s.Account != "token/nurse-a" || s.Role != "doctor" {
		t.Errorf("%d %s", status, raw)
	}
	admin := h.browser(h.url)
	admin.token = localToken
	if status, _ := admin.do("POST", "/v1/admin/tokens", TokenBody{Name: "nurse-a", Role: "nurse"}, nil); status != 409 {
		t.Errorf("a token of a person's name was made: %d", status)
	}
}

// A restart of the desk signs nobody out; the file of sessions opens no door by itself; what has run out is gone.
func TestSessionsOutlastARestart(t *testing.T) {
	h := open(t)
	file := filepath.Join(t.TempDir(), "sessions.json")
	with := func(o *Options) { o.SessionFile = file }
	if _, err := h.asker.Ask(soon(t), &event.AccountRequested{Account: "nurse-a", Role: "nurse", Password: hashOf(t, "a long password"), By: "test"}); err != nil {
		t.Fatal(err)
	}
	first := h.openDesk(with)
	b := h.browser(first.url)
	if status, raw := b.do("POST", "/v1/session", SignIn{"nurse-a", "a long password"}, nil); status != 200 {
		t.Fatalf("%d %s", status, raw)
	}
	at, err := url.Parse(first.url)
	if err != nil {
		t.Fatal(err)
	}
	cookies := b.http.Jar.Cookies(at)
	first.stop()
	kept, err := os.ReadFile(file)
	if info, serr := os.Stat(file); err != nil || serr != nil || info.Mode().Perm() != 0o600 || bytes.Contains(kept, []byte(cookies[0].Value)) {
		t.Fatalf("%v, %v: %s", err, serr, kept)
	}

	second := h.openDesk(with)
	at, err = url.Parse(second.url)
	if err != nil {
		t.Fatal(err)
	}
	b.url = second.url
	b.http.Jar.SetCookies(at, cookies)
	var s Session
	if status, raw := b.do("GET", "/v1/session", nil, &s); status != 200 || s.Account != "nurse-a" {
		t.Errorf("%d %s", status, raw)
	}
	late := openSessions(file, func() time.Time { return time.Now().Add(sessionLasts + time.Minute) }, slog.New(slog.DiscardHandler))
	if _, found, _ := late.Find(cookies[0].Value); found {
		t.Error("a session lasts for ever")
	}
	if err := os.WriteFile(file, []byte("{"), 0o600); err != nil {
		t.Fatal(err)
	}
	if s := openSessions(file, time.Now, slog.New(slog.DiscardHandler)); len(s.all) != 0 || s.Commit("t", []byte("x"), time.Now().Add(time.Hour)) != nil {
		t.Error("a broken file keeps people out")
	}
}

func hashOf(t *testing.T, password string) string {
	hash, err := argon2id.CreateHash(password, hashing)
	if err != nil {
		t.Fatal(err)
	}
	return hash
}

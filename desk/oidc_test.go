package desk

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"tocsin/streams/event"
)

func TestSEC1_OIDCSignInIsBoundToTheBrowserAndLinksOnce(t *testing.T) {
	h, p := open(t), newFakeProvider(t)
	file := filepath.Join(t.TempDir(), "sessions.json")
	st := p.serve(h, func(o *Options) { o.SessionFile = file })
	b := h.browser(st.url)
	var ways Ways
	if b.do("GET", "/v1/session/ways", nil, &ways); ways.OIDC == nil || ways.OIDC.Name != "Ward SSO" {
		t.Fatalf("the sign-in page is told %+v", ways)
	}
	v := p.begin(b, "to=/groups/demo/copd&lang=zh")
	for key, want := range map[string]string{"response_type": "code", "client_id": clientID, "redirect_uri": deskAddress + CallbackPath, "code_challenge_method": "S256", "scope": "openid profile", "ui_locales": "zh-CN zh", "prompt": ""} {
		if v.q.Get(key) != want {
			t.Errorf("%s is %q", key, v.q.Get(key))
		}
	}
	if len(v.q.Get("state")) < 26 || len(v.q.Get("nonce")) < 26 || len(v.q.Get("code_challenge")) != 43 || v.q.Get("state") == v.q.Get("nonce") {
		t.Errorf("state, nonce and challenge are %v", v.q)
	}
	if to := v.as("s-ann", "nurse-a"); to != "/#/groups/demo/copd" {
		t.Fatalf("it leads to %q", to)
	}
	if s := b.whoAmI(); s.Account != "nurse-a" || s.Role != roleNurse || s.Method != methodOIDC {
		t.Fatalf("signed in as %+v", s)
	}
	kept, err := os.ReadFile(file)
	if err != nil || bytes.Contains(kept, []byte("eyJ")) || bytes.Contains(kept, []byte("s-ann")) {
		t.Errorf("the file of sessions holds a token or the subject: %v %s", err, kept)
	}
	p.noted.has(t, "the link", func(e Entry) bool { return e.Action == "account.link" && e.Account == "nurse-a" })
	p.noted.has(t, "the sign-in", func(e Entry) bool {
		return e.Action == "session.begin" && e.Account == "nurse-a" && e.Object == "oidc" && !e.Refused && e.From != ""
	})

	again := p.begin(h.browser(st.url), "")
	if to := again.as("s-ann", "renamed"); to != "/#/queue" || again.whoAmI().Account != "nurse-a" {
		t.Errorf("whoever is renamed there is %+v here, at %q", again.whoAmI(), to)
	}
	thief := p.begin(h.browser(st.url), "")
	if to := thief.as("s-eve", "nurse-a"); !strings.Contains(to, "oidc="+awayOther) || thief.whoAmI().Account != "" {
		t.Errorf("who takes the name over there is %+v here, at %q", thief.whoAmI(), to)
	}
	p.noted.has(t, "who tried to take the name over", func(e Entry) bool {
		return e.Refused && e.Account == "unknown" && e.Reason == awayOther && strings.HasPrefix(e.Object, "oidc subject ") && strings.HasSuffix(e.Object, " as nurse-a")
	})
	both := p.begin(h.browser(st.url), "")
	if to := both.as("s-ann", "nurse-b"); to != "/#/queue" || both.whoAmI().Account != "nurse-a" {
		t.Errorf("another account's name makes them %+v, at %q", both.whoAmI(), to)
	}
}

// Everything that can be wrong with what comes back: nothing begins, nobody is linked, and it is noted.
func TestSEC1_OIDCHostileAnswersBeginNothing(t *testing.T) {
	h, p := open(t), newFakeProvider(t)
	st := p.serve(h)
	evil := newKey(t)
	token := func(change func(fields)) func(visit) string {
		return func(v visit) string {
			f := p.about("s-ann", "nurse-a")
			f["nonce"] = v.q.Get("nonce")
			change(f)
			return v.back(v.code(p.sign(f, "k1")))
		}
	}
	set := func(key string, value any) func(visit) string {
		return token(func(f fields) {
			if f[key] = value; value == nil {
				delete(f, key)
			}
		})
	}
	raw := func(make func(f fields) string) func(visit) string {
		return func(v visit) string {
			f := p.about("s-ann", "nurse-a")
			f["nonce"] = v.q.Get("nonce")
			return v.back(v.code(make(f)))
		}
	}
	good := func(v visit, change ...func(url.Values)) string {
		f := p.about("s-ann", "nurse-a")
		f["nonce"] = v.q.Get("nonce")
		return v.back(v.code(p.sign(f, "k1")), change...)
	}
	q := func(key, value string) func(visit) string {
		return func(v visit) string {
			return good(v, func(q url.Values) {
				if q.Set(key, value); value == "" {
					q.Del(key)
				}
			})
		}
	}
	for what, c := range map[string]struct {
		do     func(visit) string
		reason string
	}{
		"another's key under its id":    {raw(func(f fields) string { return signed256(t, f, "k1", evil) }), awayInvalid},
		"a key that it does not have":   {raw(func(f fields) string { return signed256(t, f, "k9", evil) }), awayInvalid},
		"no signature":                  {raw(unsigned), awayInvalid},
		"a signature by the secret":     {raw(func(f fields) string { return hmacked(f, secret) }), awayInvalid},
		"no token at all":               {raw(func(fields) string { return "" }), awaySetUp},
		"another request's nonce":       {set("nonce", "another"), awayInvalid},
		"no nonce":                      {set("nonce", nil), awayInvalid},
		"another audience":              {set("aud", "another-client"), awayInvalid},
		"made for another party":        {set("azp", "another-client"), awayInvalid},
		"two audiences and no party":    {token(func(f fields) { f["aud"] = []string{clientID, "x"}; delete(f, "azp") }), awayInvalid},
		"another issuer":                {set("iss", "https://elsewhere.example"), awayInvalid},
		"run out":                       {set("exp", time.Now().Add(-time.Second).Unix()), awayInvalid},
		"no subject":                    {set("sub", ""), awayInvalid},
		"no name":                       {set("preferred_username", nil), awayUnknown},
		"a name that is no text":        {set("preferred_username", []string{"nurse-a"}), awayUnknown},
		"a name with other letters":     {set("preferred_username", "Nurse-A"), awayUnknown},
		"an account with a password":    {set("preferred_username", "nurse-p"), awayUnknown},
		"an account of a program":       {set("preferred_username", "auto-1"), awayNoRole},
		"an answer of another provider": {q("iss", "https://elsewhere.example"), awayInvalid},
		"an answer without its name":    {q("iss", ""), awayInvalid},
		"another state":                 {q("state", "another"), awayExpired},
		"no state":                      {q("state", ""), awayExpired},
		"a code that it never gave":     {q("code", "another"), awayExpired},
		"no code":                       {q("code", ""), awayExpired},
		"the person said no":            {q("error", "access_denied"), awayAborted},
		"it does not know the client":   {q("error", "unauthorized_client"), awaySetUp},
		"it is overloaded":              {q("error", "temporarily_unavailable"), awayDown},
		"somebody else's code": {func(v visit) string { // begun in another browser, so by another verifier
			other := p.begin(h.browser(st.url), "")
			f := p.about("s-eve", "nurse-b")
			f["nonce"] = v.q.Get("nonce")
			return v.back(other.code(p.sign(f, "k1")))
		}, awayExpired},
		"another browser": {func(v visit) string {
			v.browser = h.browser(st.url)
			v.http.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
			return good(v)
		}, awayExpired},
	} {
		before := len(p.noted.since(0))
		v := p.begin(h.browser(st.url), "to=/quality")
		to := c.do(v)
		if !strings.HasPrefix(to, "/#/sign-in?oidc="+c.reason+"&to=") {
			t.Errorf("%s leads to %q, not %s", what, to, c.reason)
		}
		if s := v.whoAmI(); s.Account != "" {
			t.Errorf("%s: signed in as %+v", what, s)
		}
		if all := p.noted.since(before); len(all) != 1 || !all[0].Refused || all[0].Reason != c.reason || all[0].Action != "session.begin" {
			t.Errorf("%s is noted as %+v", what, all)
		}
	}
	for _, name := range []string{"nurse-a", "nurse-b", "auto-1"} {
		if a, _ := h.view.Account(name); a.Subject != "" {
			t.Errorf("%s is linked: %+v", name, a)
		}
	}
}

// What was used once, was begun too long ago, or was sealed by another desk is taken by nobody.
func TestSEC1_OIDCWhatWasUsedIsUsedUp(t *testing.T) {
	h, p := open(t), newFakeProvider(t)
	st := p.serve(h)
	v := p.begin(h.browser(st.url), "")
	at, _ := url.Parse(st.url + "/v1/oidc/")
	cookies := v.http.Jar.Cookies(at)
	if to := v.as("s-ann", "nurse-a"); to != "/#/queue" {
		t.Fatal(to)
	}
	if left := v.http.Jar.Cookies(at); len(left) != 1 || left[0].Name != cookieName {
		t.Errorf("after it the browser has %v", left)
	}
	v.http.Jar.SetCookies(at, cookies)
	if to := v.as("s-ann", "nurse-a"); !strings.Contains(to, awayExpired) {
		t.Errorf("a state that was used leads to %q", to)
	}
	f := flow{State: "s", Begun: time.Now()}
	r, _ := http.NewRequest("GET", "/?state=s", nil)
	r.AddCookie(h.server.oidc.cookie(h.server.oidc.seal(f), time.Minute))
	if _, err := h.server.oidc.take(r, f.Begun.Add(flowLasts+time.Second)); err == nil {
		t.Error("it may last for ever")
	}
	if _, err := h.server.oidc.take(r, f.Begun); err != nil {
		t.Error(err)
	}
	other, err := newSealing(false)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := other.take(r, f.Begun); err == nil {
		t.Error("another desk's seal is taken")
	}
	secure, err := newSealing(true)
	if err != nil {
		t.Fatal(err)
	}
	if c := secure.cookie("x", time.Minute); !c.HttpOnly || !c.Secure || c.SameSite != http.SameSiteLaxMode || !strings.HasPrefix(c.Name, "__Host-") || c.Path != "/" || c.MaxAge != 60 {
		t.Errorf("%+v", c)
	}
}

// No way leads out of the desk, and none is bent.
func TestSEC1_OIDCRedirectsNowhereElse(t *testing.T) {
	h, p := open(t), newFakeProvider(t)
	st := p.serve(h)
	for to, want := range map[string]string{
		"/patients/demo/P%2F1/plan?x=1&y=%E9": "/#/patients/demo/P%2F1/plan?x=1&y=%E9",
		"https://elsewhere.example/":          "/#/queue",
		"//elsewhere.example/":                "/#//elsewhere.example/", // behind #: a page that there is not
		"/\r\nSet-Cookie: a=b":                "/#/queue",
		"\\\\elsewhere.example":               "/#/queue",
		"javascript:alert(1)":                 "/#/queue",
		"/sign-in?to=/x":                      "/#/queue",
		"/" + strings.Repeat("x", maxRoute):   "/#/queue",
		"":                                    "/#/queue",
	} {
		v := p.begin(h.browser(st.url), "to="+url.QueryEscape(to))
		if got := v.as("s-ann", "nurse-a"); got != want {
			t.Errorf("%q leads to %q", to, got)
		}
	}
}

func TestSEC1_OIDCKeysAreRotatedAndWithdrawn(t *testing.T) {
	h, p := open(t), newFakeProvider(t)
	var clock atomic.Int64
	st := p.serve(h, func(o *Options) { o.Now = func() time.Time { return time.Now().Add(time.Duration(clock.Load())) } })
	sign := func(id string, key *ecdsa.PrivateKey) string {
		v := p.begin(h.browser(st.url), "")
		f := p.about("s-ann", "nurse-a")
		f["nonce"], f["exp"] = v.q.Get("nonce"), time.Now().Add(time.Duration(clock.Load())+time.Minute).Unix()
		return v.back(v.code(signed256(t, f, id, key)))
	}
	old := p.keys["k1"]
	if to := sign("k1", old); to != "/#/queue" {
		t.Fatal(to)
	}
	p.rotate("k2")
	if to := sign("k2", p.keys["k2"]); to != "/#/queue" {
		t.Errorf("a new key is not taken: %s", to)
	}
	withdrawn := p.keys["k2"]
	p.rotate("k3")
	clock.Store(int64(time.Hour + time.Second))
	if to := sign("k2", withdrawn); !strings.Contains(to, awayInvalid) {
		t.Errorf("a withdrawn key is believed for ever: %s", to)
	}
	if to := sign("k1", old); !strings.Contains(to, awayInvalid) {
		t.Errorf("one that was gone already is believed: %s", to)
	}
}

// Without the provider the desk is there, says so, and passwords go on.
func TestSEC1_OIDCProviderDown(t *testing.T) {
	h, p := open(t), newFakeProvider(t)
	p.down = true
	var clock atomic.Int64
	st := p.serve(h, func(o *Options) { o.Now = func() time.Time { return time.Now().Add(time.Duration(clock.Load())) } })
	b := h.browser(st.url)
	b.http.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	if to := b.follow("/v1/oidc/begin?to=/quality"); to != "/#/sign-in?oidc=provider_down&to=%2Fquality" {
		t.Errorf("it leads to %q", to)
	}
	if to := b.follow("/v1/oidc/end"); to != "/#/sign-in?oidc="+awayStays {
		t.Errorf("signing out there leads to %q", to)
	}
	if status, raw := b.do("POST", "/v1/session", SignIn{"nurse-p", "a long password"}, nil); status != 200 || b.whoAmI().Method != methodPassword {
		t.Errorf("a password: %d %s", status, raw)
	}
	p.mu.Lock()
	p.down = false
	p.mu.Unlock()
	h.until("it is found again", func() bool {
		return strings.HasPrefix(h.browserStill(st.url).follow("/v1/oidc/begin"), p.url+"/auth?")
	})
	v := p.begin(h.browser(st.url), "")
	p.mu.Lock()
	p.down = true
	p.mu.Unlock()
	if to := v.back("any"); !strings.Contains(to, "oidc=provider_down") {
		t.Errorf("it went away while somebody was there, which leads to %q", to)
	}
	clock.Store(int64(providerEvery + time.Second))
	if to := b.follow("/v1/oidc/begin"); !strings.Contains(to, "oidc=provider_down") {
		t.Errorf("a browser is sent where nobody is: %q", to)
	}
}

func (h *hospital) browserStill(url string) *browser {
	b := h.browser(url)
	b.http.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return b
}

// An account of the provider has no password, and that is not told.
func TestSEC1_OIDCAccountsHaveNoPassword(t *testing.T) {
	h, p := open(t), newFakeProvider(t)
	st := p.serve(h)
	b := h.browser(st.url)
	said := map[string]bool{}
	for _, name := range []string{"nurse-a", "nurse-p", "nobody"} {
		for _, password := range []string{"guess", " "} {
			var p Problem
			status, _ := b.do("POST", "/v1/session", SignIn{name, password}, &p)
			said[fmt.Sprint(status, p.Reason, p.Zh, p.En)] = true
		}
	}
	if len(said) != 1 {
		t.Errorf("they are told apart: %v", said)
	}
	took := func(name string) time.Duration {
		began, from := time.Now(), h.browser(st.url)
		h.server.limit.mu.Lock()
		clear(h.server.limit.tries)
		h.server.limit.mu.Unlock()
		for range 4 {
			from.do("POST", "/v1/session", SignIn{name, "guess"}, nil)
		}
		return time.Since(began)
	}
	if oidc, local := took("nurse-a"), took("nurse-p"); oidc < local/4 {
		t.Errorf("one without a password is refused in %s, one with in %s", oidc, local)
	}

	v := p.begin(b, "")
	v.as("s-ann", "nurse-a")
	if status, raw := b.do("POST", "/v1/session/password", NewPassword{"guess", "correct horse battery"}, nil); status != 403 || !strings.Contains(raw, `"oidc"`) {
		t.Errorf("a password can be set: %d %s", status, raw)
	}
}

// What an administrator does to an account ends what began before it.
func TestSEC1_OIDCSessionsEndWithTheAccount(t *testing.T) {
	h, p := open(t), newFakeProvider(t)
	st := p.serve(h)
	admin := h.browser(st.url)
	admin.token = localToken
	in := func(subject, name string) visit {
		v := p.begin(h.browser(st.url), "")
		v.as(subject, name)
		return v
	}
	one := in("s-ann", "nurse-a")
	if s := one.whoAmI(); s.Account != "nurse-a" {
		t.Fatalf("%+v", s)
	}
	var made AccountMade
	if status, raw := admin.do("POST", "/v1/admin/accounts", AccountBody{Account: "nurse-a", Role: roleDoctor, OIDC: true}, &made); status != 200 || made.Password != "" {
		t.Fatalf("%d %s", status, raw)
	}
	if s := one.whoAmI(); s.Role != roleDoctor {
		t.Errorf("another role: %+v", s)
	}
	if status, raw := admin.do("POST", "/v1/admin/accounts", AccountBody{Account: "nurse-a", Role: roleNurse, OIDC: true, Relink: true}, nil); status != 200 {
		t.Fatalf("%d %s", status, raw)
	}
	if s := one.whoAmI(); s.Account != "" {
		t.Errorf("after it was linked anew: %+v", s)
	}
	two := in("s-eve", "nurse-a")
	if s := two.whoAmI(); s.Account != "nurse-a" {
		t.Errorf("the next is %+v", s)
	}
	if status, raw := admin.do("POST", "/v1/admin/accounts", AccountBody{Account: "nurse-a", Role: roleNurse}, &made); status != 200 || made.Password == "" {
		t.Fatalf("%d %s", status, raw)
	}
	if s := two.whoAmI(); s.Account != "" {
		t.Errorf("after it was given a password: %+v", s)
	}
	if v := in("s-eve", "nurse-a"); v.whoAmI().Account != "" {
		t.Error("who has a password signs in at the provider")
	}
	if status, _ := two.do("POST", "/v1/session", SignIn{"nurse-a", made.Password}, nil); status != 200 || two.whoAmI().Method != methodPassword {
		t.Errorf("by the password: %d %+v", status, two.whoAmI())
	}
	without := h.browser(h.openDesk().url)
	without.token = localToken
	if status, _ := without.do("POST", "/v1/admin/accounts", AccountBody{Account: "nurse-x", Role: roleNurse, OIDC: true}, nil); status != 409 {
		t.Errorf("a desk without a provider makes an account for it: %d", status)
	}
}

// A locked desk opens for who sat there, and only when they have just signed in anew.
func TestSEC1_OIDCUnlockWantsTheSamePersonAnew(t *testing.T) {
	h, p := open(t), newFakeProvider(t)
	st := p.serve(h)
	b := h.browser(st.url)
	p.begin(b, "").as("s-ann", "nurse-a")
	p.begin(h.browser(st.url), "").as("s-bob", "nurse-b")
	b.do("POST", "/v1/session/lock", nil, nil)
	at, _ := url.Parse(st.url)
	cookie := b.http.Jar.Cookies(at)[0].Value
	unlock := func(subject string, ago time.Duration) string {
		v := p.begin(b, "unlock=1")
		if v.q.Get("prompt") != "login" || v.q.Get("max_age") != "0" {
			t.Fatalf("%v", v.q)
		}
		f := p.about(subject, "nurse-a")
		f["nonce"], f["auth_time"] = v.q.Get("nonce"), time.Now().Add(-ago).Unix()
		if ago < 0 {
			delete(f, "auth_time")
		}
		return v.back(v.code(p.sign(f, "k1")))
	}
	for what, to := range map[string]string{
		"somebody else": unlock("s-bob", 0), "somebody unknown": unlock("s-eve", 0), "no word when": unlock("s-ann", -1), "an hour ago": unlock("s-ann", time.Hour), "just before": unlock("s-ann", 5*time.Second),
	} {
		if !strings.HasPrefix(to, "/#/unlocked?oidc=") {
			t.Errorf("%s leads to %q", what, to)
		}
	}
	if s := b.whoAmI(); s.State != stateLocked || s.Account != "nurse-a" {
		t.Errorf("after those who may not it is %+v", s)
	}
	v := p.begin(b, "unlock=1")
	b = h.browserStill(st.url) // as from another site, whence the session's cookie does not come along
	flows, _ := url.Parse(st.url + "/v1/oidc/")
	for _, c := range v.http.Jar.Cookies(flows) {
		if c.Name != cookieName {
			c.Path = "/v1/oidc/"
			b.http.Jar.SetCookies(flows, []*http.Cookie{c})
		}
	}
	v.browser = b
	if to := v.as("s-ann", "nurse-a"); to != "/#/unlocked" {
		t.Fatalf("it leads to %q", to)
	}
	if s := b.whoAmI(); s.State != stateOpen || s.Account != "nurse-a" || s.Method != methodOIDC {
		t.Errorf("after it it is %+v", s)
	}
	old := h.browser(st.url)
	old.http.Jar.SetCookies(at, []*http.Cookie{{Name: cookieName, Value: cookie, Path: "/"}})
	if s := old.whoAmI(); s.Account != "" {
		t.Error("the locked session lives on")
	}
	p.noted.has(t, "who was refused", func(e Entry) bool {
		return e.Action == "session.unlock" && e.Refused && e.Reason == awayOther && e.Account == "nurse-b"
	})
	p.noted.has(t, "the unlocking", func(e Entry) bool { return e.Action == "session.unlock" && !e.Refused && e.Account == "nurse-a" })
}

// A session that is ended at the provider ends here; whoever is not the provider ends none.
func TestSEC1_OIDCBackChannelLogout(t *testing.T) {
	h, p := open(t), newFakeProvider(t)
	st := p.serve(h)
	in := func(subject, name, sid string) *browser {
		v := p.begin(h.browser(st.url), "")
		f := p.about(subject, name)
		f["nonce"], f["sid"] = v.q.Get("nonce"), sid
		if to := v.back(v.code(p.sign(f, "k1"))); to != "/#/queue" {
			t.Fatal(to)
		}
		return v.browser
	}
	ann1, ann2, bob := in("s-ann", "nurse-a", "1"), in("s-ann", "nurse-a", "2"), in("s-bob", "nurse-b", "3")
	n := 0
	said := func(change func(fields)) string {
		n++
		f := fields{"iss": p.url, "aud": clientID, "iat": time.Now().Unix(), "exp": time.Now().Add(time.Minute).Unix(), "jti": fmt.Sprint(n), "sub": "s-ann", "sid": "1",
			"events": map[string]any{"http://schemas.openid.net/event/backchannel-logout": fields{}}}
		change(f)
		return p.sign(f, "k1")
	}
	post := func(token string) int {
		resp, err := http.PostForm(st.url+LogoutPath, url.Values{"logout_token": {token}})
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		return resp.StatusCode
	}
	is := func(who ...bool) {
		t.Helper()
		for i, b := range []*browser{ann1, ann2, bob} {
			if (b.whoAmI().Account != "") != who[i] {
				t.Errorf("session %d: %+v", i+1, b.whoAmI())
			}
		}
	}
	id := p.about("s-ann", "nurse-a")
	for what, token := range map[string]string{
		"nothing": "", "another's key": signed256(t, fields{"iss": p.url}, "k1", newKey(t)), "an ID token": p.sign(id, "k1"),
		"another audience": said(func(f fields) { f["aud"] = "x" }), "another issuer": said(func(f fields) { f["iss"] = "x" }),
		"run out": said(func(f fields) { f["exp"] = 1 }), "old": said(func(f fields) { f["iat"] = time.Now().Add(-time.Hour).Unix() }),
		"a nonce": said(func(f fields) { f["nonce"] = "x" }), "no event": said(func(f fields) { f["events"] = fields{} }), "nobody": said(func(f fields) { delete(f, "sub"); delete(f, "sid") }),
	} {
		if status := post(token); status != 400 {
			t.Errorf("%s: %d", what, status)
		}
	}
	is(true, true, true)
	one := said(func(fields) {})
	if status := post(one); status != 200 {
		t.Errorf("a session: %d", status)
	}
	is(false, true, true)
	if status := post(one); status != 400 {
		t.Errorf("the same again: %d", status)
	}
	if status := post(said(func(f fields) { delete(f, "sid") })); status != 200 {
		t.Errorf("a person: %d", status)
	}
	is(false, false, true)
	if status := post(said(func(f fields) { delete(f, "sub"); f["sid"] = "3" })); status != 200 {
		t.Errorf("a session without a person: %d", status)
	}
	is(false, false, false)
	p.noted.has(t, "who was signed out", func(e Entry) bool {
		return e.Action == "session.end" && e.Account == "nurse-b" && e.Object == "oidc"
	})
	out := h.browserStill(st.url).follow("/v1/oidc/end?lang=en")
	if at, err := url.Parse(out); err != nil || !strings.HasPrefix(out, p.end+"?") || at.Query().Get("post_logout_redirect_uri") != deskAddress+"/" || at.Query().Get("client_id") != clientID {
		t.Errorf("signing out there leads to %q", out)
	}
}

func unsigned(f fields) string {
	b, _ := json.Marshal(f)
	return jsonPart(`{"alg":"none"}`) + "." + jsonPart(string(b)) + "."
}

func jsonPart(s string) string { return base64.RawURLEncoding.EncodeToString([]byte(s)) }

// hmacked is signed by the client's secret, which a desk must take for no signature of the provider.
func hmacked(f fields, key string) string {
	b, _ := json.Marshal(f)
	text := jsonPart(`{"alg":"HS256","kid":"k1"}`) + "." + jsonPart(string(b))
	mac := hmac.New(sha256.New, []byte(key))
	mac.Write([]byte(text))
	return text + "." + jsonPart(string(mac.Sum(nil)))
}

// A lock ends what began at the provider, and lets nobody in again.
func TestSEC1_OIDCALockedAccountIsNotLetIn(t *testing.T) {
	h, p := open(t), newFakeProvider(t)
	st := p.serve(h)
	v := p.begin(h.browser(st.url), "")
	if to := v.as("s-ann", "nurse-a"); to != "/#/queue" {
		t.Fatal(to)
	}
	if _, err := h.asker.Ask(soon(t), &event.LockRequested{Account: "nurse-a", Locked: true, Why: "left the house", By: "local"}); err != nil {
		t.Fatal(err)
	}
	if is := v.whoAmI(); is.Account != "" {
		t.Errorf("the session goes on: %+v", is)
	}
	again := p.begin(h.browser(st.url), "")
	if to := again.as("s-ann", "nurse-a"); !strings.Contains(to, "oidc="+awayLocked) || again.whoAmI().Account != "" {
		t.Errorf("it leads to %q as %+v", to, again.whoAmI())
	}
}

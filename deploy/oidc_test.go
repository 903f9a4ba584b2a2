package deploy

import (
	"bytes"
	"encoding/json"
	"fmt"
	"html"
	"io"
	"net"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"tocsin/deploy/testkit"
	"tocsin/desk"
)

// keycloakAt makes a realm with this desk as a client, and with people.
func keycloakAt(t *testing.T, k *testkit.KeycloakServer, at string) (issuer string) {
	t.Helper()
	var users []map[string]any
	for _, name := range []string{"nurse-a", "nurse-b", "stranger"} {
		users = append(users, map[string]any{"username": name, "enabled": true, "email": name + "@hospital.example", "emailVerified": true, "firstName": "N", "lastName": name,
			"credentials": []map[string]any{{"type": "password", "value": "at-the-provider", "temporary": false}}})
	}
	k.Admin(t, "POST", "", map[string]any{"realm": "hospital", "enabled": true, "editUsernameAllowed": true, "users": users, "internationalizationEnabled": true, "supportedLocales": []string{"en", "zh-CN"},
		"clients": []map[string]any{{"clientId": "tocsin", "secret": "a-secret-of-the-client", "redirectUris": []string{at + desk.CallbackPath}, "attributes": map[string]any{
			"pkce.code.challenge.method": "S256", "post.logout.redirect.uris": at + "/", "backchannel.logout.url": at + desk.LogoutPath, "backchannel.logout.session.required": "true"}}}}, nil)
	return k.URL() + "/realms/hospital"
}

func TestSEC1_OIDCConfigurationTellsWhatIsWrong(t *testing.T) {
	well := func() Config {
		c := Default()
		c.HTTP.HTTPS = true
		c.OIDC.Issuer, c.OIDC.Desk = "https://sso.hospital.example/realms/hospital", "https://desk.hospital.example"
		return c
	}
	if c := well(); c.Validate() != nil {
		t.Fatal(c.Validate())
	}
	for want, change := range map[string]func(*Config){
		"oidc.issuer: there are settings":               func(c *Config) { c.OIDC.Issuer = "" },
		`oidc.issuer: "sso.hospital.example" is no`:     func(c *Config) { c.OIDC.Issuer = "sso.hospital.example" },
		`oidc.issuer: "http://sso.hospital.example" do`: func(c *Config) { c.OIDC.Issuer = "http://sso.hospital.example" },
		`oidc.desk: "" is no plain address`:             func(c *Config) { c.OIDC.Desk = "" },
		`oidc.desk: "https://desk.example/" has a path`: func(c *Config) { c.OIDC.Desk = "https://desk.example/" },
		"oidc.desk: it speaks HTTPS, and cookies":       func(c *Config) { c.HTTP.HTTPS = false },
		"oidc.client_secret_file: open /nowhere":        func(c *Config) { c.OIDC.ClientSecretFile = "/nowhere" },
		"oidc.ca_file: open /nowhere":                   func(c *Config) { c.OIDC.CAFile = "/nowhere" },
		"oidc.client_id: is empty":                      func(c *Config) { c.OIDC.ClientID = "" },
		"oidc.claim: is empty":                          func(c *Config) { c.OIDC.Claim = "" },
	} {
		c := well()
		change(&c)
		if err := c.Validate(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q is not told in %v", want, err)
		}
	}
	local := well()
	local.HTTP.HTTPS, local.OIDC.Issuer, local.OIDC.Desk = false, "http://localhost:8081/realms/x", "http://127.0.0.1:8080"
	if err := local.Validate(); err != nil {
		t.Errorf("a trial on loopback: %v", err)
	}
	var out bytes.Buffer
	if code := Main([]string{"account", "set", "a", "--role", "nurse", "--relink"}, io.Discard, &out); code != exitUsage {
		t.Errorf("--relink alone: exit %d: %s", code, out.String())
	}
}

// freeAddress answers a port that is known before anybody listens, since the provider has to know it.
func freeAddress(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

// ssoHospital is a Tocsin whose people sign in at a Keycloak.
func ssoHospital(t *testing.T, k *testkit.KeycloakServer) *hospital {
	t.Helper()
	cfg := quietConfig(t.TempDir())
	cfg.HTTP.Listen = freeAddress(t)
	at := "http://" + cfg.HTTP.Listen
	cfg.OIDC.Issuer, cfg.OIDC.Desk, cfg.OIDC.Name = keycloakAt(t, k, at), at, "Keycloak"
	cfg.OIDC.ClientSecretFile = writeFile(t, "secret", "a-secret-of-the-client\n")
	cfg.History.Off = true
	if err := cfg.Validate(); err != nil {
		t.Fatal(err)
	}
	h := openHospital(t, cfg)
	if out := h.tocsin("account", "set", "nurse-a", "--role", "nurse", "--oidc"); out != "" {
		t.Errorf("an account without a password prints %q", out)
	}
	h.tocsin("account", "set", "nurse-b", "--role", "nurse", "--oidc")
	return h
}

// surfer is a browser without scripts.
type surfer struct {
	t    *testing.T
	desk string
	http *http.Client
	page string   // what it shows
	at   *url.URL // where it is
}

func (h *hospital) surfer(t *testing.T) *surfer {
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	return &surfer{t: t, desk: "http://" + h.app.run.HTTP, http: &http.Client{Jar: jar, Timeout: 30 * time.Second}}
}

func (s *surfer) shows(resp *http.Response, err error) {
	s.t.Helper()
	if err != nil {
		s.t.Fatal(err)
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		s.t.Fatal(err)
	}
	s.page, s.at = string(b), resp.Request.URL
}

func (s *surfer) open(at string) *surfer {
	s.t.Helper()
	s.shows(s.http.Get(at))
	return s
}

// begin presses the button of the sign-in page.
func (s *surfer) begin(query string) *surfer {
	s.t.Helper()
	return s.open(s.desk + "/v1/oidc/begin?" + query)
}

var (
	formOf  = regexp.MustCompile(`<form[^>]*action="([^"]+)"`)
	fieldOf = regexp.MustCompile(`<input[^>]*type="hidden"[^>]*name="([^"]*)"[^>]*value="([^"]*)"`)
)

// submit sends the form that the page shows.
func (s *surfer) submit(fields url.Values) *surfer {
	s.t.Helper()
	form := formOf.FindStringSubmatch(s.page)
	if form == nil {
		s.t.Fatalf("%s shows no form: %.2000s", s.at, s.page)
	}
	for _, f := range fieldOf.FindAllStringSubmatch(s.page, -1) {
		if !fields.Has(f[1]) {
			fields.Set(f[1], html.UnescapeString(f[2]))
		}
	}
	to, err := s.at.Parse(html.UnescapeString(form[1]))
	if err != nil {
		s.t.Fatal(err)
	}
	s.shows(s.http.PostForm(to.String(), fields))
	return s
}

func (s *surfer) signIn(account string) *surfer {
	s.t.Helper()
	return s.submit(url.Values{"username": {account}, "password": {"at-the-provider"}})
}

// is checks which page of the desk is shown, and to whom.
func (s *surfer) is(route, account string) {
	s.t.Helper()
	if where := s.at.Scheme + "://" + s.at.Host; where != s.desk || !strings.HasPrefix(s.at.Fragment, route) {
		s.t.Fatalf("it is at %s, not %s of the desk: %.3000s", s.at, route, s.page)
	}
	if got := s.session(); got.Account != account {
		s.t.Fatalf("signed in as %+v, not %q", got, account)
	}
}

// lock locks the session, as the page does.
func (s *surfer) lock() {
	s.t.Helper()
	resp, err := s.http.Post(s.desk+"/v1/session/lock", "", nil)
	if err != nil {
		s.t.Fatal(err)
	}
	defer resp.Body.Close()
	if is := s.session(); is.State != "locked" {
		s.t.Fatalf("%s, %+v", resp.Status, is)
	}
}

func (s *surfer) session() (is desk.Session) {
	s.t.Helper()
	resp, err := s.http.Get(s.desk + "/v1/session")
	if err != nil {
		s.t.Fatal(err)
	}
	defer resp.Body.Close()
	if resp.StatusCode == http.StatusOK {
		if err := json.NewDecoder(resp.Body).Decode(&is); err != nil {
			s.t.Fatal(err)
		}
	}
	return is
}

// A real Keycloak: people sign in, are who they are after it has renamed them and changed its keys, unlock by signing in again, and
// are out here when they are out there. Without it the desk says so.
func TestSEC1_OIDCOverKeycloak(t *testing.T) {
	k := testkit.Keycloak(t)
	h := ssoHospital(t, k)

	a := h.surfer(t)
	a.begin("to=/quality&lang=zh")
	if a.at.Path != "/realms/hospital/protocol/openid-connect/auth" || !strings.Contains(a.page, `lang="zh`) {
		t.Fatalf("the provider shows %s: %.500s", a.at, a.page)
	}
	a.submit(url.Values{"username": {"nurse-a"}, "password": {"wrong"}})
	if a.session().Account != "" || !strings.Contains(a.at.Host, "localhost") {
		t.Fatalf("a wrong password leads to %s", a.at)
	}
	a.signIn("nurse-a").is("/quality", "nurse-a")
	if s := a.session(); s.Method != "oidc" || s.Role != "nurse" || s.MustChange {
		t.Fatalf("%+v", s)
	}
	h.surfer(t).begin("").signIn("stranger").is("/sign-in?oidc=unknown_account", "")
	h.surfer(t).begin("").signIn("nurse-b").is("/queue", "nurse-b")

	t.Run("unlocking asks for the password again", func(t *testing.T) {
		a.lock()
		a.begin("unlock=1")
		if !strings.Contains(a.page, "password") {
			t.Fatalf("it is let in without being asked: %s", a.at)
		}
		a.submit(url.Values{"password": {"at-the-provider"}}).is("/unlocked", "nurse-a")
		if a.session().State != "open" {
			t.Errorf("%+v", a.session())
		}
		a.begin("to=/groups").is("/groups", "nurse-a") // a sign-in that is no unlocking is not asked again
	})

	t.Run("renamed people and new keys", func(t *testing.T) {
		var found []map[string]any
		k.Admin(t, "GET", "/hospital/users?exact=true&username=nurse-a", nil, &found)
		found[0]["username"] = "nurse-z"
		k.Admin(t, "PUT", fmt.Sprintf("/hospital/users/%s", found[0]["id"]), found[0], nil)
		k.Admin(t, "POST", "/hospital/components", map[string]any{"name": "newer", "providerId": "rsa-generated", "providerType": "org.keycloak.keys.KeyProvider",
			"config": map[string]any{"priority": []string{"1000"}, "enabled": []string{"true"}, "active": []string{"true"}, "algorithm": []string{"RS256"}}}, nil)
		z := h.surfer(t)
		z.begin("").signIn("nurse-z").is("/queue", "nurse-a")

		k.Admin(t, "POST", fmt.Sprintf("/hospital/users/%s/logout", found[0]["id"]), nil, nil)
		for _, gone := range []*surfer{a, z} {
			h.until("the sessions have ended here too", func() error {
				if gone.session().Account != "" {
					return os.ErrExist
				}
				return nil
			})
		}
	})

	t.Run("signing out signs out there", func(t *testing.T) {
		b := h.surfer(t)
		b.begin("").signIn("nurse-b").is("/queue", "nurse-b")
		b.open(b.desk + "/v1/oidc/end?lang=en")
		b.submit(url.Values{})
		b.is("", "") // the provider has told the desk
		if b.begin(""); b.session().Account != "" || !strings.Contains(b.page, "password") {
			t.Errorf("whoever comes next is let in: %s", b.at)
		}
	})

	t.Run("Chromium", func(t *testing.T) { oidcInChromium(t, h) })

	password := strings.TrimSpace(h.tocsin("account", "set", "local", "--role", "nurse"))
	if err := k.Stop(); err != nil {
		t.Fatal(err)
	}
	h.until("the desk has noticed", func() error {
		c := h.surfer(t)
		c.http.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
		resp, err := c.http.Get(c.desk + "/v1/oidc/begin")
		if err != nil {
			return err
		}
		defer resp.Body.Close()
		if to := resp.Header.Get("Location"); to != "/#/sign-in?oidc=provider_down&to=%2Fqueue" {
			return fmt.Errorf("it leads to %s", to)
		}
		return nil
	})
	c := h.surfer(t)
	resp, err := c.http.Post(c.desk+"/v1/session", "application/json", strings.NewReader(`{"account":"local","password":"`+password+`"}`))
	if err != nil || resp.StatusCode != http.StatusOK {
		t.Fatalf("an account of the house: %v, %v", resp, err)
	}
	defer resp.Body.Close()
	if is := c.session(); is.Account != "local" || is.Method != "password" {
		t.Errorf("%+v", is)
	}
}

// oidcInChromium signs in, unlocks and signs out as people do, in a real browser: the provider is another site there, so that what is
// SameSite counts.
func oidcInChromium(t *testing.T, h *hospital) {
	web, err := filepath.Abs("../desk/web")
	if err != nil {
		t.Fatal(err)
	}
	if !exists(filepath.Join(web, "dist", "index.html")) || !exists(filepath.Join(web, "node_modules", "@playwright")) {
		t.Skip("the screens are not built: make screens")
	}
	cmd := exec.CommandContext(t.Context(), "npx", "playwright", "test", "--config", "e2e/oidc.config.ts")
	cmd.Dir, cmd.Env = web, append(os.Environ(), "TOCSIN_DESK=http://"+h.app.run.HTTP)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Errorf("%v\n%s", err, out)
	}
}

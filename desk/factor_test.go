package desk

import (
	"bytes"
	"context"
	"encoding/base32"
	"encoding/json"
	"image/color"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/boombuler/barcode/qr"
	"github.com/pquerna/otp/hotp"

	"tocsin/care/vault"
	"tocsin/streams/directory"
	"tocsin/streams/event"
)

const goodPassword = "a long password"

// proving is a hospital whose desk has a vault, a file of sessions, an audit log in memory and a clock that stands until it is put ahead:
// a code fits for half a minute, and a test may take longer.
type proving struct {
	*archive
	began    time.Time
	ahead    *atomic.Int64
	sessions string
}

func openProving(t *testing.T, change ...func(*Options)) *proving {
	t.Helper()
	dir := t.TempDir()
	a := &archive{hospital: openBare(t), file: filepath.Join(dir, "vault.master"), folder: filepath.Join(dir, "vault.keys"), trail: &book{}, said: &bytes.Buffer{}}
	p := &proving{archive: a, began: time.Now(), ahead: new(atomic.Int64), sessions: filepath.Join(dir, "sessions.json")}
	err := vault.NewMaster(a.file, a.folder)
	if err == nil {
		a.vault, err = vault.Open(a.file, a.folder)
	}
	if err != nil {
		t.Fatal(err)
	}
	p.station = p.desk(change...)
	return p
}

// desk starts a desk server of this hospital.
func (p *proving) desk(change ...func(*Options)) *station {
	return p.openDesk(append([]func(*Options){func(o *Options) {
		o.Vault, o.Trail, o.SessionFile = p.vault, p.trail, p.sessions
		o.Logger = slog.New(slog.NewTextHandler(p, &slog.HandlerOptions{Level: slog.LevelDebug}))
		o.Now = p.now
	}}, change...)...)
}

func (p *proving) now() time.Time { return p.began.Add(time.Duration(p.ahead.Load())) }

func (p *proving) wait(d time.Duration) { p.ahead.Add(int64(d)) }

// account makes one with a password of its own.
func (p *proving) account(name, role string) {
	p.t.Helper()
	if _, err := p.asker.Ask(soon(p.t), &event.AccountRequested{Account: name, Role: role, Password: hashOf(p.t, goodPassword), By: "test"}); err != nil {
		p.t.Fatal(err)
	}
}

// signing gives a password at a desk.
func (p *proving) signing(url, account string) (*browser, Session) {
	p.t.Helper()
	b, s := p.browser(url), Session{}
	if status, raw := b.do("POST", "/v1/session", SignIn{account, goodPassword}, &s); status != 200 {
		p.t.Fatalf("%d %s", status, raw)
	}
	return b, s
}

// code answers the code of a secret, steps from now.
func (p *proving) code(secret string, steps int64) string {
	p.t.Helper()
	at := p.now().Unix()/stepSeconds + steps
	code, err := hotp.GenerateCode(secret, uint64(at))
	if err != nil {
		p.t.Fatal(err)
	}
	return code
}

// enrols sets up a second factor, and waits until the code by which it was confirmed is over.
func (p *proving) enrols(b *browser) (FactorOffer, FactorMade) {
	p.t.Helper()
	var offered FactorOffer
	var made FactorMade
	if status, raw := b.do("POST", "/v1/session/factor", FactorBody{Password: goodPassword}, &offered); status != 200 {
		p.t.Fatalf("%d %s", status, raw)
	}
	if status, raw := b.do("POST", "/v1/session/factor/confirm", Code{p.code(offered.Secret, 0)}, &made); status != 200 || len(made.Recovery) != recoveryCodes {
		p.t.Fatalf("%d %s", status, raw)
	}
	p.wait(3 * stepSeconds * time.Second)
	return offered, made
}

// said tells whether the audit log has an entry.
func (p *proving) said(fits func(Entry) bool) bool {
	p.trail.mu.Lock()
	defer p.trail.mu.Unlock()
	return slices.ContainsFunc(p.trail.notes, fits)
}

func TestSEC1_SignInTakesTwoStepsAndNothingIsUsableBetween(t *testing.T) {
	p := openProving(t)
	p.account("nurse-a", roleNurse)
	first, s := p.signing(p.url, "nurse-a")
	if s.State != stateOpen || s.Factor.On || s.Factor.Required || !s.Factor.Possible {
		t.Fatalf("without a second factor: %+v", s)
	}
	other, _ := p.signing(p.url, "nurse-a")
	if status, raw := first.do("POST", "/v1/session/factor", FactorBody{Password: "wrong"}, nil); status != 401 {
		t.Fatalf("a secret without the password: %d %s", status, raw)
	}
	offered, made := p.enrols(first)
	if made.Session.State != stateOpen || !made.Session.Factor.On || made.Session.Factor.RecoveryLeft != recoveryCodes {
		t.Fatalf("%+v", made.Session)
	}
	if status, _ := other.do("GET", "/v1/session", nil, nil); status != 401 {
		t.Errorf("another session of the account lives on: %d", status)
	}

	b, s := p.signing(p.url, "nurse-a")
	if s.State != stateCode || s.Role != "" || s.May != (May{}) {
		t.Fatalf("after the password: %+v", s)
	}
	for id, method := range operationsOf(t) {
		if ask := operations[id]; ask != nil {
			q := ask(patientOf{tenant: "demo", id: "P-1", groups: []string{"copd"}, warning: "w1"})
			if status, raw := b.do(method, q.path, q.body, nil, q.head...); status != 401 {
				t.Errorf("%s between the steps: %d %s", id, status, raw)
			}
		}
	}
	for _, path := range []string{"/v1/session/password", "/v1/session/factor", "/v1/session/unlock", "/v1/session/lock", "/v1/session/here"} {
		if status, raw := b.do("POST", path, map[string]any{}, nil); status != 401 {
			t.Errorf("%s between the steps: %d %s", path, status, raw)
		}
	}
	if status, raw := b.do("POST", "/v1/session/code", Code{"000000"}, nil); status != 401 {
		t.Fatalf("a wrong code: %d %s", status, raw)
	}
	code := p.code(offered.Secret, 0)
	if status, raw := b.do("POST", "/v1/session/code", Code{code[:3] + " " + code[3:]}, &s); status != 200 || s.State != stateOpen || s.Role != roleNurse || s.Method != methodPassword {
		t.Fatalf("%d %s", status, raw)
	}
	if status, _ := b.do("GET", "/v1/warnings", nil, nil); status != 200 {
		t.Errorf("after both steps: %d", status)
	}
	if status, _ := p.browser(p.url).do("POST", "/v1/session/code", Code{p.code(offered.Secret, 1)}, nil); status != 401 {
		t.Errorf("a code without a password: %d", status)
	}
	late, _ := p.signing(p.url, "nurse-a")
	p.wait(codeWithin + time.Second)
	if status, _ := late.do("POST", "/v1/session/code", Code{p.code(offered.Secret, 0)}, nil); status != 401 {
		t.Errorf("a code long after the password: %d", status)
	}
	for what, fits := range map[string]func(Entry) bool{
		"the enrolment":  func(e Entry) bool { return e.Action == "factor.enrolled" && e.Account == "nurse-a" && !e.Refused },
		"the password":   func(e Entry) bool { return e.Action == "session.password" && e.Account == "nurse-a" && !e.Refused },
		"the sign-in":    func(e Entry) bool { return e.Action == "session.begin" && e.Object == byCode && !e.Refused },
		"the wrong code": func(e Entry) bool { return e.Action == "session.begin" && e.Refused && e.Reason == wrongCode },
	} {
		if !p.said(fits) {
			t.Errorf("the audit log does not say %s", what)
		}
	}
}

// A code opens once: not again here, not at another desk, not after a restart, and no older one after it.
func TestSEC1_ACodeOpensOnceAnywhere(t *testing.T) {
	p := openProving(t)
	p.account("nurse-a", roleNurse)
	b, _ := p.signing(p.url, "nurse-a")
	offered, _ := p.enrols(b)
	older, code := p.code(offered.Secret, -1), p.code(offered.Secret, 0)
	try := func(url, code string) int {
		t.Helper()
		b, _ := p.signing(url, "nurse-a")
		status, _ := b.do("POST", "/v1/session/code", Code{code}, nil)
		return status
	}
	if status := try(p.url, code); status != 200 {
		t.Fatal(status)
	}
	another := p.desk(func(o *Options) { o.SessionFile = "" })
	view := directory.NewView(p.log) // as after a restart: nothing but the log
	ctx, cancel := context.WithCancel(context.Background())
	t.Cleanup(cancel)
	go func() { _ = view.Run(ctx) }()
	if err := view.WaitReady(soon(t)); err != nil {
		t.Fatal(err)
	}
	restarted := p.desk(func(o *Options) { o.SessionFile, o.Directory = "", view })
	for where, url := range map[string]string{"here": p.url, "at another desk": another.url, "after a restart": restarted.url} {
		for _, c := range []string{code, older} {
			if status := try(url, c); status != 409 {
				t.Errorf("a code opens again %s: %d", where, status)
			}
		}
	}
	// At once, at two desks: one of them.
	p.wait(3 * stepSeconds * time.Second)
	code = p.code(offered.Secret, 0)
	var all sync.WaitGroup
	var opened atomic.Int64
	for _, url := range []string{p.url, another.url, p.url, another.url} {
		b, _ := p.signing(url, "nurse-a")
		all.Go(func() {
			if status, _ := b.do("POST", "/v1/session/code", Code{code}, nil); status == 200 {
				opened.Add(1)
			}
		})
	}
	if all.Wait(); opened.Load() != 1 {
		t.Errorf("one code opened %d sessions", opened.Load())
	}
}

func TestSEC1_GuessedCodesAreCountedLikePasswords(t *testing.T) {
	p := openProving(t)
	p.account("nurse-a", roleNurse)
	b, _ := p.signing(p.url, "nurse-a")
	offered, _ := p.enrols(b)
	b, _ = p.signing(p.url, "nurse-a")
	for i := range mostPair {
		guess := []string{"000000", "aaaa-bbbb-cccc-dddd"}[i%2]
		if status, raw := b.do("POST", "/v1/session/code", Code{guess}, nil); status != 401 {
			t.Fatalf("%d %s", status, raw)
		}
	}
	if status, _ := b.do("POST", "/v1/session/code", Code{p.code(offered.Secret, 0)}, nil); status != 429 {
		t.Errorf("after %d guesses: %d", mostPair, status)
	}
	if status, _ := p.browser(p.url).do("POST", "/v1/session", SignIn{"nurse-a", goodPassword}, nil); status != 429 {
		t.Errorf("and with the password: %d", status)
	}
}

func TestSEC1_ARecoveryCodeOpensOnceWithoutTheVaultToo(t *testing.T) {
	p := openProving(t)
	p.account("nurse-a", roleNurse)
	b, _ := p.signing(p.url, "nurse-a")
	offered, made := p.enrols(b)
	use := func(url, code string) (int, Session) {
		t.Helper()
		b, s := p.signing(url, "nurse-a")
		status, _ := b.do("POST", "/v1/session/code", Code{code}, &s)
		return status, s
	}
	if status, s := use(p.url, strings.ToUpper(strings.ReplaceAll(made.Recovery[0], "-", " "))); status != 200 || s.Factor.RecoveryLeft != recoveryCodes-1 {
		t.Errorf("%d %+v", status, s.Factor)
	}
	if status, _ := use(p.url, made.Recovery[0]); status != 401 {
		t.Errorf("it opens again: %d", status)
	}
	without := p.desk(func(o *Options) { o.SessionFile, o.Vault = "", nil })
	b, s := p.signing(without.url, "nurse-a")
	if status, raw := b.do("POST", "/v1/session/code", Code{p.code(offered.Secret, 0)}, nil); status != 503 || !strings.Contains(raw, "recovery code") {
		t.Errorf("a code without a vault: %d %s", status, raw)
	}
	if status, raw := b.do("POST", "/v1/session/code", Code{made.Recovery[1]}, &s); status != 200 || s.Factor.Possible {
		t.Errorf("a recovery code without a vault: %d %s", status, raw)
	}
	var problem Problem
	if status, _ := b.do("POST", "/v1/session/factor", FactorBody{Password: goodPassword}, &problem); status != 503 || problem.Reason != "vault_off" {
		t.Errorf("a second factor without a vault: %d %+v", status, problem)
	}
}

func TestSEC1_WhoMustHaveASecondFactorCanDoNothingButEnrol(t *testing.T) {
	p := openProving(t, func(o *Options) { o.SecondFactor = []string{roleNurse} })
	p.account("nurse-a", roleNurse)
	p.account("doctor-a", roleDoctor)
	if _, s := p.signing(p.url, "doctor-a"); s.State != stateOpen || s.Factor.Required {
		t.Errorf("a role that need not: %+v", s)
	}
	b, s := p.signing(p.url, "nurse-a")
	if s.State != stateMustEnrol || !s.Factor.Required {
		t.Fatalf("%+v", s)
	}
	var problem Problem
	for id, method := range operationsOf(t) {
		if ask := operations[id]; ask != nil && id != "getSession" {
			q := ask(patientOf{tenant: "demo", id: "P-1", groups: []string{"copd"}, warning: "w1"})
			if status, raw := b.do(method, q.path, q.body, &problem, q.head...); status != 403 || problem.Reason != "must_enrol" {
				t.Errorf("%s: %d %s", id, status, raw)
			}
		}
	}
	if status, _ := b.do("GET", "/v1/stream", nil, nil); status != 403 {
		t.Errorf("the stream: %d", status)
	}
	if status, _ := p.as(roleNurse, "program").do("GET", "/v1/warnings", nil, nil); status != 200 {
		t.Errorf("a bearer token of the role: %d", status)
	}
	if _, made := p.enrols(b); made.Session.State != stateOpen {
		t.Errorf("enrolled: %+v", made.Session)
	}
	if status, _ := b.do("GET", "/v1/warnings", nil, nil); status != 200 {
		t.Errorf("enrolled, and warnings are refused: %d", status)
	}
	again, other := p.openProvider("nurse-b"), Session{}
	if status, raw := again.do("GET", "/v1/session", nil, &other); status != 200 || other.State != stateOpen || other.Method != methodOIDC {
		t.Errorf("signed in at a provider: %d %s", status, raw)
	}
}

// openProvider is a session that began elsewhere than with our password.
func (p *proving) openProvider(account string) *browser {
	p.t.Helper()
	p.account(account, roleNurse)
	b, _ := p.signing(p.url, account)
	p.server.kept.mu.Lock()
	defer p.server.kept.mu.Unlock()
	for sum, kept := range p.server.kept.all {
		deadline, values, err := p.server.sessions.Codec.Decode(kept.Data)
		if err != nil {
			p.t.Fatal(err)
		}
		if values[keyAccount] == account {
			values[keyMethod] = methodOIDC
			if kept.Data, err = p.server.sessions.Codec.Encode(deadline, values); err != nil {
				p.t.Fatal(err)
			}
			p.server.kept.all[sum] = kept
		}
	}
	return b
}

func TestSEC1_AResetIsBySomebodyElseAndNamedToTheAccount(t *testing.T) {
	p := openProving(t)
	p.account("nurse-a", roleNurse)
	p.account("admin-a", roleAdministrator)
	b, _ := p.signing(p.url, "nurse-a")
	offered, _ := p.enrols(b)
	admin, _ := p.signing(p.url, "admin-a")
	p.enrols(admin)
	for path, want := range map[string]int{"/v1/admin/accounts/admin-a/factor": 409, "/v1/admin/accounts/nobody/factor": 404} {
		if status, raw := admin.do("DELETE", path, nil, nil); status != want {
			t.Errorf("%s: %d %s", path, status, raw)
		}
	}
	if status, _ := b.do("DELETE", "/v1/admin/accounts/admin-a/factor", nil, nil); status != 403 {
		t.Errorf("a nurse resets: %d", status)
	}
	if status, raw := admin.do("DELETE", "/v1/admin/accounts/nurse-a/factor", nil, nil); status != 204 {
		t.Fatalf("%d %s", status, raw)
	}
	if status, _ := b.do("GET", "/v1/session", nil, nil); status != 401 {
		t.Errorf("a session with what was reset lives on: %d", status)
	}
	b, s := p.signing(p.url, "nurse-a")
	if s.State != stateOpen || s.Factor.On || s.Factor.Reset == nil || s.Factor.Reset.By != "admin-a" {
		t.Fatalf("%+v", s.Factor)
	}
	if !p.said(func(e Entry) bool {
		return e.Action == "factor.reset" && e.Account == "admin-a" && e.Object == "nurse-a" && !e.Refused
	}) || !p.said(func(e Entry) bool { return e.Action == "factor.reset" && e.Object == "admin-a" && e.Reason == "own" }) {
		t.Error("the audit log does not say so")
	}
	fresh, made := p.enrols(b)
	if fresh.Secret == offered.Secret || made.Session.Factor.Reset != nil {
		t.Errorf("enrolled again: %+v", made.Session.Factor)
	}
	// Another one takes a code of the one that stands.
	if status, _ := b.do("POST", "/v1/session/factor", FactorBody{Password: goodPassword}, nil); status != 401 && status != 422 {
		t.Errorf("another one without a code: %d", status)
	}
	if status, raw := b.do("POST", "/v1/session/factor", FactorBody{Password: goodPassword, Code: made.Recovery[0]}, nil); status != 200 {
		t.Errorf("another one: %d %s", status, raw)
	}
}

// The secret and the recovery codes stand in clear in nothing that is kept or said.
func TestSEC1_TheSecretStandsNowhereInClear(t *testing.T) {
	p := openProving(t)
	p.account("nurse-a", roleNurse)
	b, _ := p.signing(p.url, "nurse-a")
	var offered FactorOffer
	var made FactorMade
	b.do("POST", "/v1/session/factor", FactorBody{Password: goodPassword}, &offered)
	waiting, err := os.ReadFile(p.sessions)
	if err != nil {
		t.Fatal(err)
	}
	b.do("POST", "/v1/session/factor/confirm", Code{p.code(offered.Secret, 0)}, &made)
	raw, err := base32.StdEncoding.WithPadding(base32.NoPadding).DecodeString(offered.Secret)
	if err != nil || len(raw) != secretBytes || len(made.Recovery) != recoveryCodes {
		t.Fatalf("%v %v", offered, made)
	}
	if !strings.Contains(offered.URI, "secret="+offered.Secret) || len(offered.QR) < 21 || len(offered.QR) != len(offered.QR[0]) {
		t.Errorf("%+v", offered)
	}
	places := map[string][]byte{"the sessions while it waited": decodedSessions(t, p, waiting), "the log lines": p.archive.said.Bytes()}
	for _, r := range p.records() {
		places["the log"] = append(places["the log"], r.Value...)
	}
	if !bytes.Contains(places["the log"], []byte(`"sealed"`)) {
		t.Fatal("the log that was read holds no factor")
	}
	keys, err := filepath.Glob(filepath.Join(p.folder, "*"))
	if err != nil || len(keys) == 0 {
		t.Fatal(err)
	}
	for _, file := range keys {
		b, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		places[file] = b
	}
	for where, text := range places {
		for _, secret := range append([]string{offered.Secret, string(raw)}, made.Recovery...) {
			j, _ := json.Marshal([]byte(secret))
			if bytes.Contains(text, []byte(secret)) || bytes.Contains(text, bytes.Trim(j, `"=`)) {
				t.Errorf("%s hold %q", where, secret)
			}
		}
	}
}

// decodedSessions answers what a file of sessions holds, as the session manager reads it.
func decodedSessions(t *testing.T, p *proving, file []byte) []byte {
	t.Helper()
	var all map[string]storedSession
	if err := json.Unmarshal(file, &all); err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	found := false
	for _, kept := range all {
		_, values, err := p.server.sessions.Codec.Decode(kept.Data)
		if err != nil {
			t.Fatal(err)
		}
		if o, ok := values[keyOffer].([]byte); ok {
			found = true
			b.Write(o)
		}
	}
	if !found {
		t.Fatal("no offer waits in the file")
	}
	return b.Bytes()
}

// The drawn code is that of the text.
func TestSEC1_TheQRCodeIsTheSecrets(t *testing.T) {
	rows, err := drawn("otpauth://totp/Tocsin:nurse-a?secret=ABC")
	if err != nil {
		t.Fatal(err)
	}
	code, err := qr.Encode("otpauth://totp/Tocsin:nurse-a?secret=ABC", qr.M, qr.Auto)
	if err != nil {
		t.Fatal(err)
	}
	for y, row := range rows {
		for x, c := range row {
			if (c == '1') != (code.At(x, y) == color.Black) {
				t.Fatalf("module %d, %d", x, y)
			}
		}
	}
}

package deploy

import (
	"bytes"
	"encoding/json"
	"net/http"
	"net/http/cookiejar"
	"strings"
	"testing"
	"time"

	"github.com/pquerna/otp/totp"

	"tocsin/care/vault"
	"tocsin/desk"
)

// A hospital that asks everybody for a second factor: from the command line to the desk, over a restart.
func TestSEC1_AHospitalWhereEverybodyNeedsASecondFactor(t *testing.T) {
	if testing.Short() {
		t.Skip("a whole Tocsin")
	}
	cfg := quietConfig(t.TempDir())
	cfg.History.Off, cfg.Desk.SecondFactor = true, []string{everyRole}
	if err := vault.NewMaster(cfg.masterKey(), cfg.patientKeys()); err != nil {
		t.Fatal(err)
	}
	h := openHospital(t, cfg)
	words := strings.Fields(h.tocsin("account", "set", "nurse-a", "--role", "nurse"))
	oneTime, password := words[len(words)-1], "a long password"
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	client := &http.Client{Jar: jar}
	ask := func(method, path string, in, out any) int {
		t.Helper()
		b, err := json.Marshal(in)
		if err != nil {
			t.Fatal(err)
		}
		r, err := http.NewRequest(method, "http://"+h.app.run.HTTP+path, bytes.NewReader(b))
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Content-Type", "application/json")
		resp, err := client.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		if out != nil && resp.StatusCode == http.StatusOK {
			if err := json.NewDecoder(resp.Body).Decode(out); err != nil {
				t.Fatal(err)
			}
		}
		return resp.StatusCode
	}
	var s desk.Session
	if status := ask("POST", "/v1/session", desk.SignIn{Account: "nurse-a", Password: oneTime}, &s); status != 200 || s.State != "must_change" {
		t.Fatalf("%d %+v", status, s)
	}
	if status := ask("POST", "/v1/session/password", desk.NewPassword{Current: oneTime, New: password}, &s); status != 200 || s.State != "must_enrol" {
		t.Fatalf("%d %+v", status, s)
	}
	var offer desk.FactorOffer
	var made desk.FactorMade
	ask("POST", "/v1/session/factor", desk.FactorBody{Password: password}, &offer)
	code, err := totp.GenerateCode(offer.Secret, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	if status := ask("POST", "/v1/session/factor/confirm", desk.Code{Code: code}, &made); status != 200 || made.Session.State != "open" {
		t.Fatalf("%d %+v", status, made.Session)
	}
	if status := ask("POST", "/v1/session/lock", nil, nil); status != 200 {
		t.Fatal(status)
	}

	h.close()
	h = openHospital(t, cfg)
	if status := ask("GET", "/v1/session", nil, &s); status != 200 || s.State != "locked" || !s.Factor.On {
		t.Errorf("after a restart: %d %+v", status, s)
	}
	if status := ask("POST", "/v1/session", desk.SignIn{Account: "nurse-a", Password: password}, &s); status != 200 || s.State != "code" {
		t.Errorf("%d %+v", status, s)
	}
	if status := ask("POST", "/v1/session/code", desk.Code{Code: code}, nil); status != 409 && status != 401 { // the restart may have outlasted it
		t.Errorf("the code by which it was confirmed opens after a restart: %d", status)
	}
	if status := ask("POST", "/v1/session/code", desk.Code{Code: made.Recovery[0]}, &s); status != 200 || s.State != "open" || s.Factor.RecoveryLeft != len(made.Recovery)-1 {
		t.Errorf("a recovery code: %d %+v", status, s)
	}

	if said := h.tocsin("account", "reset-factor", "nurse-a"); !strings.Contains(said, "no second factor any more") {
		t.Errorf("it says %q", said)
	}
	h.until("the session has ended", func() error {
		if status := ask("GET", "/v1/session", nil, nil); status != http.StatusUnauthorized {
			return errStatus(status)
		}
		return nil
	})
	if status := ask("POST", "/v1/session", desk.SignIn{Account: "nurse-a", Password: password}, &s); status != 200 || s.State != "must_enrol" || s.Factor.Reset == nil || s.Factor.Reset.By != by {
		t.Errorf("after the reset: %d %+v", status, s)
	}
}

type errStatus int

func (e errStatus) Error() string { return http.StatusText(int(e)) }

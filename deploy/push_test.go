package deploy

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/cookiejar"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"tocsin/alerts/notify"
	"tocsin/alerts/notify/browsers/pushtest"
)

// seat is a browser at the desk of somebody who is signed in.
type seat struct {
	h    *hospital
	http *http.Client
}

// signIn makes an account and signs in, as a person does the first time.
func (h *hospital) signIn(account, role string) *seat {
	h.t.Helper()
	lines := strings.Fields(h.tocsin("account", "set", account, "--role", role))
	jar, err := cookiejar.New(nil)
	if err != nil {
		h.t.Fatal(err)
	}
	s := &seat{h, &http.Client{Jar: jar}}
	one := lines[len(lines)-1]
	h.until("the desk knows the account", func() error {
		_, err := s.try("POST", "/v1/session", map[string]string{"account": account, "password": one})
		return err
	})
	s.do("POST", "/v1/session/password", map[string]string{"current": one, "new": "correct horse battery"}, nil)
	return s
}

func (s *seat) do(method, path string, in, out any) {
	s.h.t.Helper()
	raw, err := s.try(method, path, in)
	if err == nil && out != nil {
		err = json.Unmarshal(raw, out)
	}
	if err != nil {
		s.h.t.Fatalf("%s %s: %v", method, path, err)
	}
}

func (s *seat) try(method, path string, in any) ([]byte, error) {
	body, err := json.Marshal(in)
	if err != nil {
		return nil, err
	}
	r, err := http.NewRequest(method, "http://"+s.h.app.run.HTTP+path, bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	r.Header.Set("Content-Type", "application/json")
	resp, err := s.http.Do(r)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	raw, err := io.ReadAll(resp.Body)
	if err == nil && resp.StatusCode >= 300 {
		err = fmt.Errorf("%s: %s", resp.Status, raw)
	}
	return raw, err
}

// A nurse turns notices on at the desk; a reading leads to a push that only her browser can read; when its service says that it is gone, that
// is a fact, and the desk shows it as off. It outlasts a restart. Where her browser is reached lies nowhere in clear.
func TestALR11_SEC6_NoticesInABrowserFromReadingToPush(t *testing.T) {
	service := pushtest.Open(t, func() {})
	cfg := quietConfig(t.TempDir())
	cfg.History.Off = true
	cfg.Notify = notify.Settings{Desk: "https://desk.example", Push: notify.PushSetting{Private: true}, Channels: []notify.ChannelSetting{{Name: "push", Kind: "webpush"}},
		Recipients: []notify.RecipientSetting{{Name: "nurse-a", Answers: []string{"nurse"}, Language: "en", Ways: []notify.WaySetting{{Channel: "push"}}}}}
	if err := cfg.Validate(); err != nil {
		t.Fatal(err)
	}
	h := openHospital(t, cfg)
	nurse := h.signIn("nurse-a", "nurse")
	var offered struct {
		Available bool
		Key       string
		Browsers  []string
	}
	nurse.do("GET", "/v1/session/push", nil, &offered)
	b := service.Subscribe(offered.Key)
	nurse.do("PUT", "/v1/session/push", map[string]string{"endpoint": b.Endpoint, "p256dh": b.P256dh, "auth": b.Auth}, nil)
	if info, err := os.Stat(filepath.Join(cfg.Data, "push.key")); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%v %v", info, err)
	}
	lead := h.lead
	h.close()

	h = openHospital(t, cfg)
	h.lead, nurse.h = lead, h
	h.enrol("t1,P-0113,copd,d1,secret\nt1,P-0114,copd,d2,secret\n")
	h.publish(h.device(h.tcp(), "d1", "secret"), "t1", "d1", "m1", spo2(84))
	w := h.warningOf("P-0113", "deterioration")
	h.until("the browser is told", func() error {
		got, tries := service.Got(b)
		if len(got) != 1 || !strings.Contains(got[0].Text, w.ID) || strings.Contains(got[0].Text, "P-0113") || strings.Contains(strings.ToLower(got[0].Text), "copd") {
			return fmt.Errorf("after %d tries %+v", tries, got)
		}
		return nil
	})
	service.Answer(b, pushtest.Status(http.StatusGone))
	h.publish(h.device(h.tcp(), "d2", "secret"), "t1", "d2", "m1", spo2(84))
	h.warningOf("P-0114", "deterioration")
	h.until("the desk shows it as off", func() error {
		nurse.do("GET", "/v1/session/push", nil, &offered)
		if len(offered.Browsers) != 0 {
			return fmt.Errorf("%+v", offered)
		}
		return nil
	})
	if tail := h.tocsin("tail", "--topic", "directory"); !strings.Contains(tail, "push.set") || !strings.Contains(tail, "push.ended") {
		t.Errorf("the log says %s", tail)
	}
	h.close()
	path := strings.TrimPrefix(b.Endpoint, service.URL)
	nothingIn(t, cfg.Data, path, b.P256dh, b.Auth)
}

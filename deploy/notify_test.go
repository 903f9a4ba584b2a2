package deploy

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"tocsin/alerts/notify"
)

// told is a warning as far as its notices go.
type told struct {
	Told []struct{ Recipient, Channel, State string }
}

// A reading leads to a message at a gateway, its receipt stands on the warning at the desk, and after a restart on the same
// folder nothing is sent again.
func TestALR11_ATocsinWithRecipientsTellsThem(t *testing.T) {
	var mu sync.Mutex
	var got []string
	gateway := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		b, _ := io.ReadAll(r.Body)
		mu.Lock()
		got = append(got, string(b))
		mu.Unlock()
	}))
	defer gateway.Close()
	messages := func() []string { mu.Lock(); defer mu.Unlock(); return got }

	cfg := quietConfig(t.TempDir())
	cfg.History.Off = true
	cfg.Notify = notify.Settings{Desk: "https://desk.example", Listen: "127.0.0.1:0",
		Channels:   []notify.ChannelSetting{{Name: "sms", Kind: "sms", Gateway: notify.GatewaySetting{URL: gateway.URL, Body: `{{json .To}} {{json .Text}}`}}},
		Recipients: []notify.RecipientSetting{{Name: "nurse-a", Answers: []string{"nurse"}, Ways: []notify.WaySetting{{Channel: "sms", Address: "+8613900000001"}}}}}
	if err := cfg.Validate(); err != nil {
		t.Fatal(err)
	}
	h := openHospital(t, cfg)
	h.enrol("t1,P-0113,copd,d1,secret\n")
	h.publish(h.device(h.tcp(), "d1", "secret"), "t1", "d1", "m1", spo2(84))
	w := h.warningOf("P-0113", "deterioration")
	sent := func() error {
		var shown told
		h.get("/v1/warnings/"+w.ID, &shown)
		if len(shown.Told) != 1 || shown.Told[0].State != "sent" || shown.Told[0].Recipient != "nurse-a" || shown.Told[0].Channel != "sms" {
			return fmt.Errorf("the desk shows %+v", shown)
		}
		return nil
	}
	h.until("the receipt stands on the warning", sent)
	if all := messages(); len(all) != 1 || !strings.Contains(all[0], "https://desk.example/#/warning/"+w.ID) || !strings.Contains(all[0], "中优先级，病情变化") || strings.Contains(all[0], "P-0113") {
		t.Errorf("the gateway got %q", all)
	}
	if shown, err := cfg.show(); err != nil || strings.Contains(string(shown), "13900000001") {
		t.Errorf("the configuration prints an address: %v\n%s", err, shown)
	}
	lead := h.lead
	h.close()

	h = openHospital(t, cfg)
	h.lead = lead
	h.enrol("t1,P-0114,copd,d2,secret\n")
	h.publish(h.device(h.tcp(), "d2", "secret"), "t1", "d2", "m1", spo2(84))
	w = h.warningOf("P-0114", "deterioration")
	h.until("the next is told", sent)
	if all := messages(); len(all) != 2 {
		t.Errorf("what was sent is sent again: %q", all)
	}
}

// The settings that the README shows are taken as they stand there, once the secrets lie where it says.
func TestNoticesOfTheREADMEAreTaken(t *testing.T) {
	text, err := os.ReadFile("../README.md")
	if err != nil {
		t.Fatal(err)
	}
	_, after, _ := strings.Cut(string(text), "### Notices")
	_, after, _ = strings.Cut(after, "```yaml\n")
	example, _, ok := strings.Cut(after, "```")
	if !ok {
		t.Fatal("the README shows no settings")
	}
	dir := t.TempDir()
	for name, secret := range map[string]string{"sms-token": "Bearer x", "sms-callback": "y", "call-token": "Bearer z", "call-callback": "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "mail-password": "p",
		"pager-url": "https://pager.example/hook", "pager-secret": "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "room-url": "https://qyapi.weixin.qq.com/cgi-bin/webhook/send?key=k"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(secret), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	cfg, err := Load(writeFile(t, "tocsin.yaml", strings.ReplaceAll(example, "/etc/tocsin", dir)))
	if err != nil {
		t.Fatal(err)
	}
	if len(cfg.Notify.Recipients) < 3 || len(cfg.Notify.Channels) < 4 {
		t.Errorf("it is no whole example: %+v", cfg.Notify)
	}
	if _, err := Load(writeFile(t, "tocsin.yaml", strings.ReplaceAll(example, "per_minute", "per_second"))); err == nil || !strings.Contains(err.Error(), "there is no such setting") {
		t.Errorf("an unknown key is taken: %v", err)
	}
}

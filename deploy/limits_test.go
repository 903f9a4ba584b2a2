package deploy

import (
	"crypto/ed25519"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	mqtt "github.com/eclipse/paho.mqtt.golang"

	"tocsin/alerts/notify"
	"tocsin/streams/event"
)

// An app that listens gets the danger limits of its patient, signed, again when they change, and again when it comes back.
func TestALR17_TheDangerLimitsLieOnThePhone(t *testing.T) {
	cfg := quietConfig(t.TempDir())
	cfg.History.Off = true
	cfg.Notify = notify.Settings{Channels: []notify.ChannelSetting{{Name: "app", Kind: "app"}}, Patients: notify.PatientSetting{Channels: []string{"app"}, Emergency: "999"}}
	h := openHospital(t, cfg)
	h.enrol("t1,P-0113,copd,app-1,secret\nt1,P-0114,copd,app-2,secret\n")
	public := publicKey(t, cfg.Data)
	var mu sync.Mutex
	var heard []phoneLimits
	listen := func() mqtt.Client {
		c := h.device(h.tcp(), "app-1", "secret")
		token := c.Subscribe("v1/t1/app-1/limits", 1, func(_ mqtt.Client, m mqtt.Message) {
			var s signedLimits
			var l phoneLimits
			if err := json.Unmarshal(m.Payload(), &s); err != nil || !ed25519.Verify(public, s.Limits, s.Signature) || m.Retained() {
				t.Errorf("it got %s, %v", m.Payload(), err)
			}
			if err := json.Unmarshal(s.Limits, &l); err != nil {
				t.Error(err)
			}
			mu.Lock()
			defer mu.Unlock()
			heard = append(heard, l)
		})
		if !token.WaitTimeout(5*time.Second) || token.Error() != nil {
			t.Fatal(token.Error())
		}
		return c
	}
	all := func() []phoneLimits { mu.Lock(); defer mu.Unlock(); return slices.Clone(heard) }
	until := func(n int, bound int64) {
		t.Helper()
		h.until(fmt.Sprintf("the app has limits for the %dth time, of SpO2 at %d", n, bound), func() error {
			got := all()
			if len(got) < n {
				return fmt.Errorf("%d", len(got))
			}
			last := got[len(got)-1]
			if last.Version != 1 || last.Patient != "t1/P-0113" || last.Call != "999" {
				return fmt.Errorf("%+v", last)
			}
			for _, l := range last.Limits {
				if l.Quantity == event.SpO2Percent && !l.Above && l.Bound == event.Int(bound) && strings.Contains(l.Zh, "120") {
					return nil
				}
			}
			return fmt.Errorf("%+v", last.Limits)
		})
	}
	c := listen()
	until(1, 79)
	h.tocsin("plan", "t1", "P-0113", "--override", "spo2-danger:bound=82", "--why", "small reserve")
	until(2, 82)
	if got := all(); got[1].At <= got[0].At {
		t.Errorf("the newer is of %s, the older of %s", got[1].At, got[0].At)
	}
	c.Disconnect(100)
	before := len(all())
	listen()
	until(before+1, 82)
	if again := publicKey(t, cfg.Data); !slices.Equal(again, public) {
		t.Error("the key changed")
	}
}

func publicKey(t *testing.T, data string) ed25519.PublicKey {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(data, "app.pub"))
	if err != nil {
		t.Fatal(err)
	}
	key, err := base64.StdEncoding.DecodeString(strings.TrimSpace(string(text)))
	if err != nil {
		t.Fatal(err)
	}
	return key
}

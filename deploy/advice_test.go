package deploy

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	mqtt "github.com/eclipse/paho.mqtt.golang"

	"tocsin/alerts/notify"
	"tocsin/desk"
)

// A patient's app listens by MQTT: in danger it is told what to do, on and on until it says that it has it, though a nurse has accepted the
// warning long since. What it says stands on the warning. Another patient's app hears nothing.
func TestALR17_AnAppIsToldWhatToDo(t *testing.T) {
	cfg := quietConfig(t.TempDir())
	cfg.History.Off = true
	cfg.Notify = notify.Settings{Channels: []notify.ChannelSetting{{Name: "app", Kind: "app", Within: 200 * time.Millisecond}}, Patients: notify.PatientSetting{Channels: []string{"app"}}}
	if err := cfg.Validate(); err != nil {
		t.Fatal(err)
	}
	h := openHospital(t, cfg)
	h.enrol("t1,P-0113,copd,d1,secret\nt1,P-0113,copd,app-1,secret\nt1,P-0114,copd,app-2,secret\n")
	type advice struct {
		Version          int `json:"v"`
		Notice, Call, En string
	}
	var mu sync.Mutex
	heard := map[string][]advice{}
	listen := func(device string) mqtt.Client {
		c := h.device(h.tcp(), device, "secret")
		token := c.Subscribe("v1/t1/"+device+"/advice", 1, func(_ mqtt.Client, m mqtt.Message) {
			var a advice
			if err := json.Unmarshal(m.Payload(), &a); err != nil || m.Retained() {
				t.Errorf("it got %s, %v", m.Payload(), err)
			}
			mu.Lock()
			defer mu.Unlock()
			heard[device] = append(heard[device], a)
		})
		if !token.WaitTimeout(5*time.Second) || token.Error() != nil {
			t.Fatal(token.Error())
		}
		return c
	}
	app := listen("app-1")
	listen("app-2")
	if token := app.Subscribe("v1/t1/app-2/advice", 1, nil); token.WaitTimeout(5*time.Second) && token.(*mqtt.SubscribeToken).Result()["v1/t1/app-2/advice"] < 0x80 {
		t.Error("an app may listen to another patient's advice")
	}
	of := func(device string) []advice {
		mu.Lock()
		defer mu.Unlock()
		return append([]advice(nil), heard[device]...)
	}

	h.publish(h.device(h.tcp(), "d1", "secret"), "t1", "d1", "m1", spo2(70))
	w := h.warningOf("P-0113", "deterioration")
	if status := h.call("POST", "/v1/warnings/"+w.ID+"/accept", "click-1", "{}", nil); status != http.StatusOK {
		t.Fatalf("accept: %d", status)
	}
	h.until("the app is told again after the accept", func() error {
		if n := len(of("app-1")); n < 2 {
			return fmt.Errorf("%d", n)
		}
		return nil
	})
	page, err := http.NewRequest(http.MethodGet, "http://"+h.app.run.HTTP+"/me/state", nil)
	if err != nil {
		t.Fatal(err)
	}
	page.SetBasicAuth("app-1", "secret")
	h.until("the patient's page says it too, and that nobody knows whether somebody watches", func() error {
		resp, err := http.DefaultClient.Do(page)
		if err != nil {
			return err
		}
		defer resp.Body.Close()
		var me desk.MeState
		if err := json.NewDecoder(resp.Body).Decode(&me); err != nil || !me.Danger || !strings.Contains(me.Advice.Zh, "立即拨打 120") || !strings.Contains(me.Line.En, "Emergency: 120") || me.State == "watched" {
			return fmt.Errorf("%w %s %+v", err, resp.Status, me)
		}
		return nil
	})
	a := of("app-1")[0]
	if a.Version != 1 || a.Call != "120" || !strings.Contains(a.En, "Call 120 now") {
		t.Errorf("it was told %+v", a)
	}
	for _, state := range []string{"delivered", "opened"} {
		token := app.Publish("v1/t1/app-1/receipt", 1, false, fmt.Sprintf(`{"v":1,"notice":%q,"state":%q}`, a.Notice, state))
		if !token.WaitTimeout(10*time.Second) || token.Error() != nil {
			t.Fatalf("%s: %v", state, token.Error())
		}
		h.until("the receipt stands on the warning", func() error {
			var shown told
			h.get("/v1/warnings/"+w.ID, &shown)
			if len(shown.Told) != 1 || shown.Told[0].State != state || shown.Told[0].Recipient != "patient" || shown.Told[0].Channel != "app" {
				return fmt.Errorf("the desk shows %+v", shown)
			}
			return nil
		})
	}
	if n := len(of("app-2")); n != 0 {
		t.Errorf("another patient's app was told %d times", n)
	}
}

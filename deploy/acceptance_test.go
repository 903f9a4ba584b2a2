package deploy

import (
	"fmt"
	"net/http"
	"os"
	"regexp"
	"strings"
	"testing"
	"time"
)

// One reading in, one warning on a desk, told as a timetable.
func TestOPS1_ING1_OneReadingInOneWarningOnADesk(t *testing.T) {
	h := openHospital(t, quietConfig(t.TempDir()))
	h.enrol("t1,P-0113,copd,d1,secret\nt1,P-0114,copd,d2,secret\n")
	d1 := h.device(h.tcp(), "d1", "secret")

	// At 0 s device d1 sends 84 %.
	sent := time.Now()
	h.publish(d1, "t1", "d1", "m1", spo2(84))

	// Within 2 s the desk shows it, with a deadline and words.
	w := h.warningOf("P-0113", "deterioration")
	if took := time.Since(sent); took > 2*time.Second {
		t.Errorf("the warning stood on the desk after %s", took)
	}
	if w.State != "new" || w.AnswerBy == nil || len(w.Reasons) == 0 || w.Reasons[0].En == "" || w.Reasons[0].Zh == "" || w.Owner != "" {
		t.Errorf("it says %+v", w)
	}

	// The same upload, ten times over both doors of the gateway, changes nothing.
	web := h.device("ws://"+h.app.run.HTTP+"/mqtt", "d1", "secret")
	for range 10 {
		h.publish(web, "t1", "d1", "m1", spo2(84))
	}

	// Somebody accepts: the answer names who; a second click with the same key gets the same answer, with another a refusal.
	var accepted, again warning
	if status := h.call("POST", "/v1/warnings/"+w.ID+"/accept", "click-1", "{}", &accepted); status != http.StatusOK || accepted.State != "accepted" || accepted.Owner == "" {
		t.Fatalf("accept: %d, %+v", status, accepted)
	}
	if status := h.call("POST", "/v1/warnings/"+w.ID+"/accept", "click-1", "{}", &again); status != http.StatusOK || again.Owner != accepted.Owner {
		t.Errorf("the same click again: %d, %+v", status, again)
	}

	// It is closed with an outcome, and nothing is open.
	if status := h.call("POST", "/v1/warnings/"+w.ID+"/close", "click-2", `{"outcome":"real","contacted":true}`, nil); status != http.StatusOK {
		t.Fatalf("close: %d", status)
	}
	if open := h.warnings("open"); len(open) != 0 {
		t.Errorf("open: %+v", open)
	}
	if all := h.warnings("all"); len(all) != 1 {
		t.Errorf("%d warnings of one episode: %+v", len(all), all)
	}

	// What is impossible is kept aside and scored nowhere.
	h.publish(web, "t1", "d1", "m2", spo2(12))
	h.until("the rejected reading", func() error {
		if out := h.tocsin("tail", "--topic", "rejected", "--json"); !strings.Contains(out, "observation.rejected") || !strings.Contains(out, "m2") {
			return fmt.Errorf("not in `rejected`: %s", out)
		}
		return nil
	})

	// The chart has the reading once, from ClickHouse.
	if h.app.past == nil {
		t.Log("no engine here: history was not looked at")
	} else {
		h.until("the chart", func() error {
			var chart struct {
				History  string
				Readings []struct{ Value float64 }
			}
			h.get("/v1/patients/t1/P-0113/readings", &chart)
			if chart.History != "on" || len(chart.Readings) != 1 || chart.Readings[0].Value != 84 {
				return fmt.Errorf("%+v", chart)
			}
			return nil
		})
		h.disowned()
	}
	// The doctor finds nothing wrong.
	h.tocsin("doctor")
}

// disowned says that the one reading was somebody else's: history keeps it, marked (ALR-22).
func (h *hospital) disowned() {
	h.t.Helper()
	type reading struct {
		MeasuredAt string `json:"measured_at"`
		Value      float64
		Disowned   *struct{ By, Why string }
	}
	var chart struct{ Readings []reading }
	h.get("/v1/patients/t1/P-0113/readings", &chart)
	body := fmt.Sprintf(`{"measured_at": %q, "readings": [{"quantity": "spo2_percent", "value": 84}], "why": "shared oximeter"}`, chart.Readings[0].MeasuredAt)
	if status := h.call("POST", "/v1/patients/t1/P-0113/disown", "d1", body, nil); status != 200 {
		h.t.Fatalf("disown: %d", status)
	}
	h.until("the chart marks it", func() error {
		h.get("/v1/patients/t1/P-0113/readings", &chart)
		if r := chart.Readings; len(r) != 1 || r[0].Value != 84 || r[0].Disowned == nil || r[0].Disowned.Why != "shared oximeter" {
			return fmt.Errorf("%+v", r)
		}
		return nil
	})
}

// The same data folder goes on where it stopped: people, devices, warnings, repeats.
func TestOPS1_ING2_RestartGoesOnWhereItStopped(t *testing.T) {
	data := t.TempDir()
	h := openHospital(t, quietConfig(data))
	h.enrol("t1,P-0113,copd,d1,secret\n")
	h.publish(h.device(h.tcp(), "d1", "secret"), "t1", "d1", "m1", spo2(84))
	before := h.warningOf("P-0113", "deterioration")
	lead := h.lead
	h.close()

	h = openHospital(t, quietConfig(data))
	if !strings.Contains(h.out.String(), "one-time password ") {
		t.Errorf("nobody has used the one-time password, so a new one is told: %s", h.out)
	}
	h.lead = lead // the token of before still opens the door
	after := h.warningOf("P-0113", "deterioration")
	if after.ID != before.ID || after.AnswerBy == nil {
		t.Errorf("before %+v, after %+v", before, after)
	}
	h.publish(h.device(h.tcp(), "d1", "secret"), "t1", "d1", "m1", spo2(84))
	if all := h.warnings("all"); len(all) != 1 {
		t.Errorf("%d warnings after the repeat", len(all))
	}
}

// A revocation closes the live session, and the device is not let in again.
func TestING13_RevocationEndsTheSession(t *testing.T) {
	h := openHospital(t, quietConfig(t.TempDir()))
	h.enrol("t1,P-0113,copd,d1,secret\n")
	d1 := h.device(h.tcp(), "d1", "secret")
	revoked := time.Now()
	h.tocsin("revoke", "d1")
	h.until("the session's end", func() error {
		if d1.IsConnectionOpen() {
			return fmt.Errorf("still open after %s", time.Since(revoked))
		}
		return nil
	})
	if took := time.Since(revoked); took > 5*time.Second {
		t.Errorf("the session ended after %s", took)
	}
}

// The reading that the README shows is taken as it stands there, with the times of now, and warns.
func TestReadingOfTheREADMEIsTaken(t *testing.T) {
	text, err := os.ReadFile("../README.md")
	if err != nil {
		t.Fatal(err)
	}
	_, after, _ := strings.Cut(string(text), "```json\n")
	reading, _, ok := strings.Cut(after, "```")
	if !ok {
		t.Fatal("the README shows no reading")
	}
	now := time.Now().Format(time.RFC3339)
	reading = regexp.MustCompile(`"(t_\w+)":"[^"]*"`).ReplaceAllString(reading, `"$1":"`+now+`"`)
	h := openHospital(t, quietConfig(t.TempDir()))
	h.enrol("t1,P-0113,news2,d-113,secret\n")
	if t := h.device(h.tcp(), "d-113", "secret").Publish("v1/t1/d-113/obs", 1, false, reading); !t.WaitTimeout(10*time.Second) || t.Error() != nil {
		h.t.Fatalf("publish: %v", t.Error())
	}
	if w := h.warningOf("P-0113", "deterioration"); w.Severity != "high" {
		t.Errorf("91 %% on oxygen with a pulse of 112 is 7 at least: %+v", w)
	}
}

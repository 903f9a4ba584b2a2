package desk

import (
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"tocsin/alerts/rota"
	"tocsin/streams/event"
)

// asApp asks for a patient's first line as the patient's app does.
func (st *station) asApp(t *testing.T, device, token string) (MeState, int, string) {
	t.Helper()
	r, err := http.NewRequest(http.MethodGet, st.url+"/me/state", nil)
	if err != nil {
		t.Fatal(err)
	}
	if device != "" {
		r.SetBasicAuth(device, token)
	}
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	raw, err := io.ReadAll(resp.Body)
	var m MeState
	if err != nil || resp.StatusCode == http.StatusOK && json.Unmarshal(raw, &m) != nil {
		t.Fatalf("%v %s", err, raw)
	}
	return m, resp.StatusCode, string(raw)
}

func (h *hospital) app(tenant, patient, device, token string) {
	h.t.Helper()
	if _, err := h.asker.Ask(soon(h.t), &event.EnrolRequested{Tenant: tenant, Patient: patient, Group: "copd", Device: device, TokenSHA256: sumOf(token), By: "test"}); err != nil {
		h.t.Fatal(err)
	}
	h.until(patient+" is here", func() bool { return h.server.ward.knows(tenant + "/" + patient) })
}

// duty sets who is on duty for a step from now on for a while, and again later.
func (h *hospital) duty(step string, spans ...event.OnDuty) {
	h.t.Helper()
	r := event.Rota{Tenant: "demo", Step: step, Zone: "Asia/Shanghai", Spans: spans, Until: event.TimeOf(time.Now().Add(28 * 24 * time.Hour)),
		Shifts: []event.RotaShift{{Days: []int{1}, From: "08:00", To: "09:00", Accounts: []string{"nurse-a"}}}}
	if _, err := h.asker.Ask(soon(h.t), &event.RotaRequested{Rota: r, By: "test"}); err != nil {
		h.t.Fatal(err)
	}
}

// A patient's app asks with its own id and token: is anyone watching, until when, and 120. It is told of no other patient, nothing of
// readings, and nothing once the device is revoked.
func TestALR17_ThePatientsPageSaysFirstWhetherAnybodyWatches(t *testing.T) {
	h := open(t)
	st := h.openDesk(func(o *Options) { o.Me = Me{Call: "120", Zh: "请立即拨打 120", En: "Call 120 now"} })
	h.door("door-1", time.Now())
	h.app("demo", "P-1", "app-1", "secret-1")
	h.app("demo", "P-2", "app-2", "secret-2")
	h.until("the desk is well", func() bool {
		h.door("door-1", time.Now())
		m, code, _ := st.asApp(t, "app-1", "secret-1")
		return code == 200 && m.State == "unknown"
	})
	m, _, raw := st.asApp(t, "app-1", "secret-1")
	if !strings.Contains(m.Line.Zh, "120") || !strings.Contains(m.Line.En, "Emergency: 120") || m.Danger || m.Call != "120" || strings.Contains(raw, "P-1") {
		t.Errorf("%s", raw)
	}
	now := time.Now()
	until := event.TimeOf(now.Add(3 * time.Hour).Truncate(time.Minute))
	h.duty("nurse", event.OnDuty{From: event.TimeOf(now.Add(-time.Hour)), Until: until, Accounts: []string{"nurse-a"}})
	h.until("it is watched", func() bool {
		h.door("door-1", time.Now())
		m, _, _ = st.asApp(t, "app-1", "secret-1")
		return m.State == "watched"
	})
	shanghai, err := time.LoadLocation("Asia/Shanghai")
	if err != nil {
		t.Fatal(err)
	}
	if clock := until.Std().In(shanghai).Format("15:04"); m.Until == nil || *m.Until != until || !strings.HasPrefix(m.Line.En, "Watched until "+clock) || !strings.Contains(m.Line.Zh, clock) {
		t.Errorf("%+v, want until %s", m, clock)
	}
	h.duty("nurse", event.OnDuty{From: until, Until: until.Add(time.Hour), Accounts: []string{"nurse-a"}})
	h.until("nobody is on duty", func() bool {
		h.door("door-1", time.Now())
		m, _, _ = st.asApp(t, "app-1", "secret-1")
		return m.State == "unwatched" && m.Until != nil && *m.Until == until && strings.HasPrefix(m.Line.En, "Nobody reads this before ")
	})

	// In danger the advice stands there, whoever has accepted, on the page of this patient alone.
	h.append("demo/P-1", event.Envelope{ID: "d1", Source: "test", Subject: "demo/P-1", At: event.TimeOf(time.Now()), Data: &event.SeverityScored{Problem: event.Deterioration, Severity: event.High, Pack: "copd", Danger: true,
		Reasons: []event.Reason{{Rule: "copd-low", Severity: event.High, Zh: "x", En: "x"}}}})
	h.until("the advice stands there", func() bool { m, _, _ = st.asApp(t, "app-1", "secret-1"); return m.Danger })
	nurse := h.as("nurse", "nurse-1")
	var id string
	h.until("the warning is on the desk", func() bool {
		for _, w := range nurse.warnings("open") {
			id = w.ID
		}
		return id != ""
	})
	if status, _, p := nurse.click("accept", id, "k1", map[string]any{}); status != 200 {
		t.Fatal(status, p)
	}
	if m, _, raw = st.asApp(t, "app-1", "secret-1"); !m.Danger || m.Advice.En != "Call 120 now" || strings.Contains(raw, "copd") || strings.Contains(raw, "nurse") || strings.Contains(raw, id) {
		t.Errorf("after the accept: %s", raw)
	}
	if other, _, raw := st.asApp(t, "app-2", "secret-2"); other.Danger || other.Advice.En != "" {
		t.Errorf("another patient is told %s", raw)
	}

	for what, c := range map[string][2]string{"nobody": {"", ""}, "another's token": {"app-1", "secret-2"}, "no such device": {"app-9", "secret-1"}, "no token": {"app-1", ""}} {
		if _, code, raw := st.asApp(t, c[0], c[1]); code != 401 || strings.Contains(raw, "watched") || strings.Contains(raw, "demo") {
			t.Errorf("%s: %d %s", what, code, raw)
		}
	}
	if _, err := h.asker.Ask(soon(t), &event.RevokeRequested{Device: "app-1", By: "test"}); err != nil {
		t.Fatal(err)
	}
	if _, code, _ := st.asApp(t, "app-1", "secret-1"); code != 401 {
		t.Errorf("a revoked device is told: %d", code)
	}
	if _, code, _ := st.asApp(t, "app-2", "secret-2"); code != 200 {
		t.Errorf("another patient at the same address is kept out: %d", code)
	}
	for range mostPair {
		st.asApp(t, "app-2", "wrong")
	}
	if _, code, _ := st.asApp(t, "app-2", "secret-2"); code != 429 {
		t.Errorf("guessing is not slowed down: %d", code)
	}
	if wait := st.server.limit.wait("nurse-a", "127.0.0.1", time.Now()); wait != 0 {
		t.Error("a patient's app locks staff out")
	}
}

// When the desk is blind, or the watchdog misses something or is missed, nobody watches, whatever the rota says; after the end of care too.
func TestALR17_NotWatchingIsSaidOverTheRota(t *testing.T) {
	h := open(t)
	st := h.openDesk(func(o *Options) { o.WatchdogGone = time.Hour })
	h.door("door-1", time.Now())
	h.app("demo", "P-1", "app-1", "secret-1")
	h.duty("nurse", event.OnDuty{From: event.TimeOf(time.Now().Add(-time.Hour)), Until: event.TimeOf(time.Now().Add(time.Hour)), Accounts: []string{"nurse-a"}})
	is := func(what, state, words string) {
		t.Helper()
		h.until(what, func() bool {
			h.door("door-1", time.Now())
			m, _, _ := st.asApp(t, "app-1", "secret-1")
			return m.State == state && strings.Contains(m.Line.En, words) && strings.Contains(m.Line.En, "120") && strings.Contains(m.Line.Zh, "120")
		})
	}
	is("it is watched", "watched", "Watched until")
	st.server.watchdog.told([]WatchdogFault{{Missing: "door"}}, st.server.moment())
	is("the watchdog misses the door", meNotWatching, "NOBODY IS WATCHING")
	st.server.watchdog.told(nil, st.server.moment())
	is("all is well again", "watched", "Watched until")
	doctor := h.as("doctor", "doctor-1")
	if status, raw := doctor.do("POST", "/v1/patients/demo/P-1/leave", map[string]any{"why": "discharged"}, nil, "Idempotency-Key", "k"); status != 200 {
		t.Fatal(status, raw)
	}
	is("the care has ended", meEnded, "has ended")
}

func TestALR17_TheFirstLineInWords(t *testing.T) {
	at := func(text string) event.Time {
		x, err := time.Parse(time.RFC3339, text)
		if err != nil {
			t.Fatal(err)
		}
		return event.TimeOf(x)
	}
	now := at("2026-03-28T23:30:00+01:00")
	for want, c := range map[string]struct {
		state string
		w     rota.Watch
	}{
		"Watched until 23:45. Emergency: 999.":                                                   {"watched", rota.Watch{State: rota.Watched, Until: at("2026-03-28T23:45:00+01:00"), Zone: "Europe/Berlin"}},
		"Watched until 08:00 tomorrow. Emergency: 999.":                                          {"watched", rota.Watch{State: rota.Watched, Until: at("2026-03-29T08:00:00+02:00"), Zone: "Europe/Berlin"}},
		"Nobody reads this before 08:00 on Monday 30 March. Emergency: 999.":                     {"unwatched", rota.Watch{State: rota.Unwatched, Until: at("2026-03-30T08:00:00+02:00"), Zone: "Europe/Berlin"}},
		"Watched now. Emergency: 999.":                                                           {"watched", rota.Watch{State: rota.Watched, Zone: "Europe/Berlin"}},
		"Nobody reads this for now. Emergency: 999.":                                             {"unwatched", rota.Watch{State: rota.Unwatched}},
		"Watched until 06:00 UTC tomorrow. Emergency: 999.":                                      {"watched", rota.Watch{State: rota.Watched, Until: at("2026-03-29T08:00:00+02:00"), Zone: "No/Where"}},
		"Whether anybody reads this now is not known: take it that nobody does. Emergency: 999.": {"unknown", rota.Watch{State: rota.Unknown}},
	} {
		line := meLine(MeState{State: c.state, Call: "999"}, c.w, now)
		if line.En != want || !strings.HasSuffix(line.Zh, "紧急情况请拨打 999。") || strings.Contains(line.Zh, "至 。") {
			t.Errorf("%s\nwant %s\n%s", line.En, want, line.Zh)
		}
	}
}

// The page needs no session, nothing from elsewhere and no code in the page itself.
func TestALR17_ThePageNeedsNothingElse(t *testing.T) {
	h := open(t)
	for path, want := range map[string]string{"/me": "/me/page.js", "/me/page.js": "/me/state"} {
		resp, err := http.Get(h.url + path)
		if err != nil {
			t.Fatal(err)
		}
		b, _ := io.ReadAll(resp.Body)
		_ = resp.Body.Close()
		text := string(b)
		if resp.StatusCode != 200 || !strings.Contains(text, want) || !strings.Contains(text, "120") || strings.Contains(text, "http://") || strings.Contains(text, "https://") ||
			strings.Contains(text, "serviceWorker") || strings.Contains(text, "?.") || strings.Contains(text, "=>") || strings.Contains(resp.Header.Get("Content-Security-Policy"), "script-src 'self' 'unsafe") {
			t.Errorf("%s: %d", path, resp.StatusCode)
		}
	}
}

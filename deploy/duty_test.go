package deploy

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"tocsin/streams"
	"tocsin/streams/event"
)

func (h *hospital) file(text string) string {
	h.t.Helper()
	f := filepath.Join(h.t.TempDir(), "file.yaml")
	if err := os.WriteFile(f, []byte(text), 0o600); err != nil {
		h.t.Fatal(err)
	}
	return f
}

// A policy and a rota from files: the next warning goes by them and names who is on duty. The gap ahead is told once, as a technical
// warning.
func TestALR7_ALR10_PolicyAndRotaOnTheCommandLine(t *testing.T) {
	h := openHospital(t, quietConfig(t.TempDir()))
	h.enrol("t1,P-0113,copd,d1,secret\n")
	h.tocsin("account", "set", "nurse-a", "--role", "nurse")
	h.tocsin("policy", "set", h.file("tenant: t1\ngroup: copd\nseverity: medium\npolicy: {steps: [{to: lung-nurse, answer_ms: 60000}, {to: nurse, answer_ms: 90000}], care_ms: 600000, close_ms: 3600000, retry_ms: 300000, ease_ms: 600000}\n"))
	always := `[{days: [1, 2, 3, 4, 5, 6, 7], holidays: true, from: "00:00", to: "24:00", accounts: [nurse-a, ghost]}]`
	out := h.tocsin("rota", "set", h.file("tenant: t1\nstep: nurse\nzone: Asia/Shanghai\nshifts: "+always+"\n"))
	if !strings.Contains(out, "nurse-a") || !strings.Contains(out, "ghost has no account") || strings.Contains(out, "GAP") {
		t.Errorf("rota set says\n%s", out)
	}
	h.tocsin("rota", "set", h.file(fmt.Sprintf("tenant: t1\nstep: lung-nurse\nzone: Asia/Shanghai\nshifts: [{days: [%d], from: \"00:00\", to: \"00:01\", accounts: [nurse-a]}]\n", 1)))
	if out := h.tocsin("rota", "show"); !strings.Contains(out, "GAP") || !strings.Contains(out, "t1 lung-nurse") {
		t.Errorf("rota show says\n%s", out)
	}
	if out := h.tocsin("policy", "show"); !strings.Contains(out, "t1/copd medium, version 1: lung-nurse 1m0s -> nurse 1m30s") {
		t.Errorf("policy show says\n%s", out)
	}
	h.refused("is none such as Asia/Shanghai", "rota", "set", h.file("tenant: t1\nstep: nurse\nzone: Moon\nshifts: "+always+"\n"))
	h.refused("gives 1 ms to answer", "policy", "set", h.file("tenant: t1\nseverity: high\npolicy: {steps: [{to: nurse, answer_ms: 1}], care_ms: 600000, close_ms: 3600000, retry_ms: 300000, ease_ms: 600000}\n"))

	h.settled()
	told := map[string]int{}
	day := wall().Std().Truncate(24 * time.Hour)
	minute := 0
	newKeeper := func() *keeper {
		return &keeper{view: h.app.view, log: h.app.log, now: func() event.Time { return event.TimeOf(day.Add(time.Duration(minute) * time.Minute)) },
			tell: func(ctx context.Context, e event.Envelope) error { told[e.ID]++; return h.app.appends(ctx, e) }}
	}
	k := newKeeper()
	for _, minute = range []int{5, 6, 900} {
		if minute == 900 {
			k = newKeeper() // after a restart it tells again what is then the same input, which counts once
		}
		if err := k.look(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	for id, n := range told {
		if n != 2 {
			t.Errorf("%s was told %d times by two keepers", id, n)
		}
	}
	if len(told) != 2 { // the gaps of one step, the stranger of the other
		t.Errorf("told as %v", told)
	}
	if w := h.warningOf("rota", event.Fault); w.Tenant != streams.SystemTenant || !strings.Contains(w.Reasons[0].En, "nobody from") && !strings.Contains(w.Reasons[0].En, "ghost has no account") {
		t.Errorf("told as %+v", w)
	}
	if zh := h.warningOf("rota", event.Fault).Reasons[0].Zh; !strings.Contains(zh, "无人值班") && !strings.Contains(zh, "ghost 没有账号") {
		t.Errorf("in Chinese it says %s", zh)
	}

	h.publish(h.device(h.tcp(), "d1", "secret"), "t1", "d1", "m1", spo2(84))
	w := h.warningOf("P-0113", "deterioration")
	if w.Severity != "medium" || w.Asked != "nurse" || fmt.Sprint(w.OnDuty) != "[ghost nurse-a]" { // it is not Monday midnight: the first step is passed over
		t.Errorf("%s asks %s: %v", w.Severity, w.Asked, w.OnDuty)
	}
}

// The day after, the keeper works a rota out anew, so that it never runs out; on the same day it leaves it alone.
func TestALR10_TheKeeperWorksTheRotaOutAnewEachDay(t *testing.T) {
	h := openHospital(t, quietConfig(t.TempDir()))
	h.tocsin("rota", "set", h.file("tenant: t1\nstep: nurse\nzone: Asia/Shanghai\nshifts: [{days: [1, 2, 3, 4, 5, 6, 7], from: \"08:00\", to: \"08:00\", accounts: [nurse-a]}]\n"))
	h.settled()
	was := h.app.view.Rotas()[0]
	for days, again := range []bool{false, true, true} {
		asked := 0
		var last *event.RotaRequested
		k := &keeper{view: h.app.view, log: h.app.log, now: func() event.Time { return wall().Add(time.Duration(days) * 24 * time.Hour) }, tell: h.app.appends,
			ask: func(_ context.Context, r event.Event) error { asked++; last = r.(*event.RotaRequested); return nil }}
		if err := k.look(t.Context()); err != nil {
			t.Fatal(err)
		}
		if (asked == 1) != again || again && last.Until != was.Until.Add(time.Duration(days)*24*time.Hour) {
			t.Errorf("after %d days it asked %d times", days, asked)
		}
	}
}

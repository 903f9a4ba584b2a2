package deploy

import (
	"bytes"
	"fmt"
	"strings"
	"testing"
	"time"

	"tocsin/streams/event"
)

func (h *hospital) refused(says string, args ...string) {
	h.t.Helper()
	var out, errs bytes.Buffer
	if code := Main(append(args, "--data", h.data), &out, &errs); code == exitDone || !strings.Contains(errs.String(), says) {
		h.t.Errorf("tocsin %v: exit %d, %q; want it to say %q", args, code, errs.String(), says)
	}
}

// settled waits until the view of the running Tocsin has read what a command was told had been decided.
func (h *hospital) settled() {
	h.t.Helper()
	r := reach{data: h.data}
	conn, err := r.connect(h.t.Context())
	if err != nil {
		h.t.Fatal(err)
	}
	defer conn.close()
	if err := h.app.view.Wait(h.t.Context(), conn.view.Position()); err != nil {
		h.t.Fatal(err)
	}
}

func (h *hospital) plan(patient string) event.Plan {
	h.t.Helper()
	h.settled()
	p, ok := h.app.view.Patient("t1", patient)
	if !ok || p.Plan == nil {
		h.t.Fatalf("%s has no plan", patient)
	}
	return *p.Plan
}

func (h *hospital) group(group string) event.GroupSet {
	h.t.Helper()
	h.settled()
	g, _ := h.app.view.Group("t1", group)
	return g
}

// A patient with two diseases: enrolled in one line, with his own numbers, one rule at a time.
func TestRUL5_RUL6_PlanAndGroupOnTheCommandLine(t *testing.T) {
	h := openHospital(t, quietConfig(t.TempDir()))
	h.enrol("t1,P-0113,copd+heart-failure,d1,secret\nt1,P-0114,copd,d2,secret\n")
	h.settled()
	if p, _ := h.app.view.Patient("t1", "P-0113"); p.Group != "copd" || fmt.Sprint(p.Also) != "[heart-failure]" {
		t.Fatalf("enrolled as %+v", p)
	}
	if g := h.group("heart-failure"); g.Pack != "heart-failure" {
		t.Fatalf("the further group uses %+v", g)
	}

	h.tocsin("plan", "t1", "P-0113", "--fact", "best_peak_flow_l_per_min=420", "--fact", "usual_systolic_mmhg=150.5", "--choose", "spo2_percent=copd",
		"--override", "spo2-88:bound=86@14d", "--off", "systolic-170", "--why", "lives high up")
	p := h.plan("P-0113")
	if p.Facts["usual_systolic_mmhg"] != 150_500_000 || p.Chosen[event.SpO2Percent] != "copd" || len(p.Overrides) != 2 {
		t.Fatalf("the plan is %+v", p)
	}
	number, off := p.Overrides[0], p.Overrides[1]
	if number.Rule != "spo2-88" || number.Param != "bound" || *number.Value != event.Int(86) || number.By != by || number.At == 0 || number.Why != "lives high up" {
		t.Errorf("the number is %+v", number)
	}
	if d := number.Until.Std().Sub(number.At.Std()); d < 13*24*time.Hour || d > 14*24*time.Hour {
		t.Errorf("it holds for %s", d)
	}
	if off.Rule != "systolic-170" || !off.Off || off.Until != nil {
		t.Errorf("the rule is %+v", off)
	}

	h.tocsin("plan", "t1", "P-0113", "--age-months", "30", "--fact", "usual_systolic_mmhg=", "--restore", "systolic-170")
	again := h.plan("P-0113")
	if again.AgeMonths != 30 || again.AgeYears != 2 || len(again.Facts) != 1 || len(again.Overrides) != 1 || again.Overrides[0].At != number.At {
		t.Errorf("after a change of other things the plan is %+v", again)
	}

	h.refused("no rule spo2-99", "plan", "t1", "P-0113", "--override", "spo2-99:bound=86")
	h.refused("no rule heart-failure/systolic-170", "plan", "t1", "P-0113", "--off", "heart-failure/systolic-170") // only one of his packs has it
	h.refused("no number floor; it has bound", "plan", "t1", "P-0113", "--override", "spo2-88:floor=86")
	h.refused("is of the danger band", "plan", "t1", "P-0113", "--off", "spo2-danger")
	h.refused("is of the danger band", "plan", "t1", "P-0113", "--override", "spo2-danger:bound=70")
	h.refused("no rule systolic-170", "plan", "t1", "P-0114", "--off", "systolic-170") // not his pack
	h.refused("the packs of P-0114 are copd", "plan", "t1", "P-0114", "--choose", "spo2_percent=heart-failure")
	h.refused("no pack asks for the fact dry_wieght_kg; packs ask for best_peak_flow_l_per_min, ", "plan", "t1", "P-0113", "--fact", "dry_wieght_kg=70")
	h.refused("is measured", "plan", "t1", "P-0114", "--fact", "systolic_mmhg=150")
	h.refused("there is no patient P-9", "plan", "t1", "P-9", "--fact", "dry_weight_kg=70")

	h.tocsin("group", "t1", "copd", "--override", "spo2-88:bound=87", "--zh", "慢阻肺组")
	h.tocsin("group", "t1", "copd", "--en", "COPD")
	g := h.group("copd")
	if g.Pack != "copd" || g.Zh != "慢阻肺组" || g.En != "COPD" || len(g.Overrides) != 1 || *g.Overrides[0].Value != event.Int(87) {
		t.Errorf("the group is %+v", g)
	}
	h.refused("no rule systolic-170", "group", "t1", "copd", "--off", "systolic-170")
	h.refused("it needs --pack", "group", "t1", "kidney", "--off", "spo2-88")
	h.tocsin("group", "t1", "copd", "--restore", "spo2-88")
	if g := h.group("copd"); len(g.Overrides) != 0 {
		t.Errorf("the group is %+v", g)
	}
}

func TestPlanFlagsThatNobodyCouldCarryOut(t *testing.T) {
	for _, args := range []string{
		"plan t1 P-1", "group t1 copd", "plan t1 P-1 --override spo2-88", "plan t1 P-1 --override spo2-88:bound", "plan t1 P-1 --override spo2-88:bound=low",
		"plan t1 P-1 --override :bound=86", "plan t1 P-1 --override spo2-88:bound=86@yesterday", "plan t1 P-1 --override spo2-88:bound=86@2020-01-01",
		"plan t1 P-1 --off spo2-88@-3h", "plan t1 P-1 --off spo2-88:bound", "plan t1 P-1 --off a --off a", "plan t1 P-1 --off a --override a:bound=1",
		"plan t1 P-1 --fact a=1 --why because", "plan t1 P-1 --restore :bound", "group t1 copd --override spo2-88=1",
	} {
		var out, errs bytes.Buffer
		if code := Main(strings.Fields(args), &out, &errs); code != exitUsage {
			t.Errorf("tocsin %s: exit %d: %s", args, code, errs.String())
		}
	}
}

func TestPlanFlagsAreRead(t *testing.T) {
	now := event.TimeOf(time.Date(2026, 3, 1, 8, 0, 0, 0, time.UTC))
	for s, want := range map[string]time.Time{
		"spo2-88:bound=86.5@14d":                       time.Date(2026, 3, 15, 8, 0, 0, 0, time.UTC),
		"spo2-88:bound=86.5@36h":                       time.Date(2026, 3, 2, 20, 0, 0, 0, time.UTC),
		"spo2-88:bound=86.5@2026-04-01":                time.Date(2026, 4, 1, 0, 0, 0, 0, time.Local),
		"spo2-88:bound=86.5@2026-04-01T08:00:00+08:00": time.Date(2026, 4, 1, 0, 0, 0, 0, time.UTC),
	} {
		o, err := parseOverride(s, now)
		if err != nil || o.Rule != "spo2-88" || o.Param != "bound" || *o.Value != 86_500_000 || o.Until == nil || *o.Until != event.TimeOf(want) {
			t.Errorf("%s: %+v, %v", s, o, err)
		}
	}
	standing := []event.Override{{Rule: "a", Param: "bound"}, {Rule: "a", Param: "hold"}, {Rule: "b", Off: true}, {Rule: "c", Off: true}, {Rule: "d", Param: "x"}, {Rule: "d", Param: "y"}}
	o, err := (&ruleFlags{set: []string{"a:bound=1", "b:k=2"}, restore: []string{"c", "d:x"}, why: "w"}).parse(now)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, one := range o.over(standing) {
		got = append(got, one.Rule+":"+one.Param+":"+one.Why)
	}
	if want := "a:hold: d:y: a:bound:w b:k:w"; strings.Join(got, " ") != want {
		t.Errorf("got %v, want %s", got, want)
	}
}

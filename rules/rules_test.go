package rules_test

import (
	"strings"
	"testing"

	"tocsin/rules"
	"tocsin/rules/pack"
	"tocsin/rules/trial"
	"tocsin/streams/event"
)

func decide(t *testing.T, p *trial.Patient, o *event.ObservationRecorded) (rule event.RulePanic, panicked bool) {
	t.Helper()
	defer func() {
		if r := recover(); r != nil {
			rule, panicked = r.(event.RulePanic)
			if !panicked {
				t.Fatalf("panicked without naming a rule: %v", r)
			}
		}
	}()
	if _, err := p.Give(o); err != nil {
		t.Fatal(err)
	}
	return rule, false
}

// TestRUL13_PanicNamesItsRule: a rule that panics says which it was; fenced, it is left out, named as left out, and the
// others go on.
func TestRUL13_PanicNamesItsRule(t *testing.T) {
	p := patient(t, "news2")
	broken := *p.Facts.Packs[0]
	sc := broken.Scores[0]
	sc.Parts = append([]rules.Part(nil), sc.Parts...)
	sc.Parts[1].Tables = nil // as a fault in the program would leave it
	broken.Scores, broken.Mark = []rules.Score{sc}, 1
	p.Facts.Packs = []*rules.Pack{&broken}
	o := trial.Measured(p.Now, trial.Reading(event.SpO2Percent, event.Int(84)))
	rule, panicked := decide(t, p, o)
	if !panicked || rule.Rule != "news2" || !strings.Contains(rule.Error(), "index out of range") {
		t.Fatalf("panicked %t: %v", panicked, rule)
	}
	out := must(t)(p.Give(&event.RuleFenced{Machine: rules.Machine, Rule: "news2"}))
	d := kinds[*event.SeverityScored](out)
	if len(d) != 1 || d[0].Severity != event.High || d[0].Reasons[0].Rule != "spo2-88" || d[0].Reasons[1].Rule != "left-out:news2" {
		t.Fatalf("the reading is kept, judged by the others, and what is left out is named: %s", text(t, out))
	}
	if _, panicked := decide(t, p, o); panicked {
		t.Fatal("it panicked again")
	}
	if p.State.Found.Severity != event.High || p.Score() != nil {
		t.Errorf("the other rules: %s, score %v", p.State.Found.Severity, p.Score())
	}
}

// TestRUL10_ExplainsItself: an assessment carries inputs, times, bounds, whose they are, source and pack, and words in both
// languages.
func TestRUL10_ExplainsItself(t *testing.T) {
	p := patient(t, "copd")
	low, high := event.Int(88), event.Int(92)
	ordered, _ := event.ParseTime("2026-03-01T04:00:00Z")
	must(t)(p.Give(&event.PlanChanged{Plan: event.Plan{SpO2Scale: 2, OrderedAt: ordered, OrderedBy: "doctor-a", Targets: map[event.Quantity]event.Target{event.SpO2Percent: {Low: &low, High: &high}}}}))
	out := kinds[*event.SeverityScored](must(t)(p.Measure(trial.Reading(event.SpO2Percent, event.Int(84)), trial.Reading(event.SupplementalO2, event.One))))
	if len(out) != 1 {
		t.Fatalf("%d assessments", len(out))
	}
	d := out[0]
	want := library(t, "copd")
	if d.Pack != "copd" || d.PackVersion != want.Version || d.PackSum != want.Sum || len(d.PackSum) != 64 {
		t.Errorf("pack %s version %d sum %s", d.Pack, d.PackVersion, d.PackSum)
	}
	r := d.Reasons[0]
	if *r.Quantity != event.SpO2Percent || *r.Value != event.Int(84) || *r.MeasuredAt != p.Now || r.Reading == "" || *r.Low != low || *r.High != high ||
		r.From != "patient" || r.SetBy != "doctor-a" || r.Unit != "%" || r.Source == "" || r.Evidence != "P" {
		t.Errorf("reason %s", text(t, r))
	}
	if !strings.HasPrefix(r.En, "SpO2 84 %, own target 88–92 (ordered 2026-03-01, by doctor-a)") || !strings.HasPrefix(r.Zh, "血氧饱和度 84 %，个体化目标 88–92（2026-03-01 医嘱，doctor-a）") {
		t.Errorf("words: %s / %s", r.En, r.Zh)
	}
	if s := d.Score; s == nil || s.Scale != 2 || s.Lower != 4 || len(s.Parts) != 7 || len(s.Missing) != 5 {
		t.Errorf("score %s", text(t, d.Score))
	}
}

// TestRUL5_UnknownPatientAndPack: a reading that cannot be judged says so, once, and is judged as soon as it can be.
func TestRUL5_UnknownPatientAndPack(t *testing.T) {
	p := &trial.Patient{Core: rules.Core{Compile: pack.Compile}, Now: noon}
	grave := trial.Reading(event.SpO2Percent, event.Int(75))
	if f := kinds[*event.TechnicalFault](must(t)(p.Measure(grave))); len(f) != 1 || f[0].Kind != rules.FaultUnknownPatient {
		t.Fatalf("%s", text(t, f))
	}
	if out := must(t)(p.Measure(grave)); len(out) > 0 {
		t.Errorf("told twice: %s", text(t, out))
	}
	must(t)(p.Give(&event.PatientEnrolled{Tenant: "demo", Patient: "P-0113", Group: "trial"}))
	if f := kinds[*event.TechnicalFault](must(t)(p.Measure(grave))); len(f) != 1 || f[0].Kind != rules.FaultNoPack {
		t.Fatalf("%s", text(t, f))
	}
	lib := pack.Library()["news2"]
	c := library(t, "news2")
	if err := p.Everyone(&event.PackPublished{Pack: "news2", Version: c.Version, Sum: c.Sum, Text: lib}); err != nil {
		t.Fatal(err)
	}
	if d := kinds[*event.SeverityScored](must(t)(p.Wait(second))); len(d) != 1 || d[0].Severity != event.High {
		t.Errorf("with a pack what is known is judged at once: %s", text(t, d))
	}
}

// TestRUL4_HotSwap: a new version takes effect for everyone at once; one that does not compile changes nothing.
func TestRUL4_HotSwap(t *testing.T) {
	p := patient(t, "hypertension")
	must(t)(p.Measure(trial.Reading(event.SystolicMmHg, event.Int(165)), trial.Reading(event.DiastolicMmHg, event.Int(90))))
	if p.State.Found.Severity != event.NoSeverity {
		t.Fatalf("165 is %s", p.State.Found.Severity)
	}
	before := text(t, p.Facts)
	if err := p.Everyone(&event.PackPublished{Pack: "hypertension", Version: 2, Text: "pack: hypertension\nversion: 2\n"}); err == nil || !strings.Contains(err.Error(), "the one before goes on") {
		t.Errorf("a pack that does not compile: %v", err)
	}
	if string(before) != string(text(t, p.Facts)) {
		t.Error("a refused pack changed something")
	}
	stricter := strings.NewReplacer("version: 1", "version: 2", "at_least: 180", "at_least: 160").Replace(pack.Library()["hypertension"])
	c, err := pack.Compile(stricter)
	if err != nil {
		t.Fatal(err)
	}
	if err := p.Everyone(&event.PackPublished{Pack: "hypertension", Version: 2, Sum: c.Sum, Text: stricter}); err != nil {
		t.Fatal(err)
	}
	if d := kinds[*event.SeverityScored](must(t)(p.Wait(second))); len(d) != 1 || d[0].Severity != event.Low || d[0].PackVersion != 2 {
		t.Errorf("the new version: %s", text(t, d))
	}
}

// TestING5_OlderReadingNeverLowers: neither a normal one nor any number of them.
func TestING5_OlderReadingNeverLowers(t *testing.T) {
	p := patient(t, "news2")
	must(t)(p.Measure(spo2, pulse))
	must(t)(p.Wait(3 * hour))
	must(t)(p.Measure(trial.Reading(event.SpO2Percent, event.Int(92))))
	must(t)(p.Wait(minute))
	must(t)(p.Measure(trial.Reading(event.SpO2Percent, event.Int(92))))
	if p.State.Found.Severity != event.High {
		t.Fatalf("92 twice is %s", p.State.Found.Severity)
	}
	newest := p.Now
	for back := int64(30); back < 7200; back += 600 {
		must(t)(p.Give(trial.Measured(newest-event.Time(back)*second, spo2)))
		must(t)(p.Wait(hour / 4))
	}
	if p.State.Found.Severity != event.High {
		t.Errorf("older normal readings lowered it to %s", p.State.Found.Severity)
	}
	must(t)(p.Measure(spo2))
	must(t)(p.Wait(hour))
	if p.State.Found.Severity != event.NoSeverity {
		t.Errorf("a newer normal reading leaves it at %s", p.State.Found.Severity)
	}
}

// TestRUL2_StaleIsNotBetter: that readings become old lowers nothing, and the score says what is not known any more.
func TestRUL2_StaleIsNotBetter(t *testing.T) {
	p := patient(t, "news2")
	must(t)(p.Measure(trial.Reading(event.RespirationPerMin, event.Int(25)), trial.Reading(event.PulsePerMin, event.Int(131)), trial.Reading(event.SystolicMmHg, event.Int(105)), spo2))
	if p.State.Found.Severity != event.High {
		t.Fatalf("seven points are %s", p.State.Found.Severity)
	}
	d := kinds[*event.SeverityScored](must(t)(p.Wait(2 * hour)))
	if len(d) != 1 || d[0].Severity != event.High || d[0].Score.Lower != 0 || len(d[0].Score.Missing) != 7 || !d[0].Score.Parts[0].Stale {
		t.Fatalf("after the set has expired: %s", text(t, d))
	}
	must(t)(p.Wait(24 * hour))
	must(t)(p.Measure(spo2)) // one good sign of four
	must(t)(p.Wait(2 * hour))
	if p.State.Found.Severity != event.High {
		t.Errorf("one good sign lowered it to %s", p.State.Found.Severity)
	}
	must(t)(p.Measure(trial.Reading(event.RespirationPerMin, event.Int(16)), pulse, trial.Reading(event.SystolicMmHg, event.Int(125)), spo2))
	must(t)(p.Wait(hour))
	if p.State.Found.Severity != event.NoSeverity {
		t.Errorf("all signs are good again, and it stays %s", p.State.Found.Severity)
	}
}

// TestING10_RepeatIsAskedOnce: a doubtful reading is asked about at once; another one that does not agree gives nobody
// more time, and after five minutes it comes up marked unsure.
func TestING10_RepeatIsAskedOnce(t *testing.T) {
	p := patient(t, "news2")
	must(t)(p.Measure(spo2, pulse))
	must(t)(p.Wait(hour))
	doubtful := func(v int64) []event.Event {
		return must(t)(p.Measure(event.Reading{Quantity: event.PulsePerMin, Value: event.Int(v), Mark: event.Unconfirmed}))
	}
	asked := kinds[*event.RepeatAsked](doubtful(240))
	if len(asked) != 1 || asked[0].AnswerBy != p.Now+5*minute || asked[0].Value != event.Int(240) {
		t.Fatalf("asked %s", text(t, asked))
	}
	must(t)(p.Wait(4 * minute))
	if out := doubtful(18); len(out) > 0 {
		t.Fatalf("a second doubtful reading that does not agree: %s", text(t, out))
	}
	if l, ok := p.State.Latest(event.PulsePerMin); !ok || l.Mark != event.Unconfirmed || l.Value != event.Int(18) {
		t.Errorf("the latest reading shows %+v", l)
	}
	if p.Score().Parts[4].Points != 0 {
		t.Error("a doubtful reading scored")
	}
	d := kinds[*event.SeverityScored](must(t)(p.Wait(minute)))
	if len(d) != 1 || d[0].Severity != event.High || !d[0].Reasons[0].Unsure || d[0].Reasons[0].Rule != rules.RuleUnconfirmed {
		t.Fatalf("five minutes after the first: %s", text(t, d))
	}
}

// TestING10_ASecondReadingThatAgrees makes both believed, however implausible.
func TestING10_ASecondReadingThatAgrees(t *testing.T) {
	p := patient(t, "news2")
	for _, v := range []int64{240, 236} {
		must(t)(p.Measure(event.Reading{Quantity: event.PulsePerMin, Value: event.Int(v), Mark: event.Unconfirmed}))
		must(t)(p.Wait(minute))
	}
	if tr := p.State.Trend(event.PulsePerMin); len(tr) != 2 || tr[0].Value != event.Int(240) || p.Score().Lower != 3 {
		t.Errorf("trend %v, score %s", tr, text(t, p.Score()))
	}
}

// TestING3_FastClockHidesNothing: a reading whose corrected time lies ahead (a gateway an hour fast) is taken as measured
// when it was folded, so that what is measured after it is not older than it.
func TestING3_FastClockHidesNothing(t *testing.T) {
	p := patient(t, "news2")
	must(t)(p.Give(trial.Measured(p.Now+hour, spo2, pulse)))
	must(t)(p.Wait(10 * minute))
	out := kinds[*event.SeverityScored](must(t)(p.Measure(trial.Reading(event.SpO2Percent, event.Int(84)))))
	if len(out) != 1 || out[0].Late || out[0].Severity != event.High {
		t.Errorf("a grave reading ten minutes later: %s", text(t, out))
	}
}

// RUL-8: a finding goes down when the last breach is as long past as the pack's hold says, not when the few readings that
// are kept have no breach among them: a clip that sends each second would end it in eight.
func TestRUL8_ABusySignalHoldsAsLong(t *testing.T) {
	p, give := patient(t, "news2"), must(t)
	give(p.Measure(trial.Reading(event.SpO2Percent, event.Int(97))))
	last := p.Now
	second := func(v int64) {
		give(p.Wait(1000))
		give(p.Measure(trial.Reading(event.SpO2Percent, event.Int(v))))
	}
	for range 40 * 60 { // told at its beginning, and it goes on for longer than the hold
		second(90)
		last = p.Now
	}
	told := len(p.Said)
	for p.Now < last+29*60_000 {
		second(97)
	}
	for _, d := range p.Said[told:] {
		if s, ok := d.(*event.SeverityScored); ok && s.Problem == event.Deterioration {
			t.Fatalf("%s before the hold was over: %+v", s.Severity, s.Reasons)
		}
	}
	for p.Now < last+31*60_000 {
		second(97)
	}
	if s := p.State.Found.Severity; s != event.NoSeverity {
		t.Errorf("after the hold it is %s still", s)
	}
}

package rules_test

import (
	"os"
	"strings"
	"testing"

	"tocsin/rules/pack"
	"tocsin/rules/trial"
	"tocsin/streams/event"
)

// courseWith is course with parts of its text replaced, old and new in turn.
func courseWith(t *testing.T, change ...string) (*trial.Patient, string) {
	t.Helper()
	file, err := os.ReadFile("testdata/course.yaml")
	if err != nil {
		t.Fatal(err)
	}
	text := string(file)
	for i := 0; i < len(change); i += 2 {
		if !strings.Contains(text, change[i]) {
			t.Fatalf("the course has no %q", change[i])
		}
		text = strings.Replace(text, change[i], change[i+1], 1)
	}
	p, err := trial.New(pack.Compile, noon, text)
	if err != nil {
		t.Fatal(err)
	}
	return p, text
}

// uploads hands over what was measured at an hour of the course, now.
func uploads(t *testing.T, p *trial.Patient, hour float64, answers map[string]int64, readings ...event.Reading) {
	t.Helper()
	o := trial.Measured(noon+event.Time(hour*3_600_000), readings...)
	for _, code := range []string{"dyspnoea", "phlegm"} {
		if v, ok := answers[code]; ok {
			o.Answers = append(o.Answers, event.Answer{Code: code, Value: event.Int(v)})
		}
	}
	must(t)(p.Give(o))
}

// paged answers the assessments since an earlier count that found something live, and the late findings among them.
func paged(p *trial.Patient, since int) (live, late int) {
	for _, d := range kinds[*event.SeverityScored](p.Said[since:]) {
		switch {
		case d.Problem != event.Deterioration:
		case d.Late:
			late++
		case d.Severity >= event.Medium:
			live++
		}
	}
	return live, late
}

// TestRUL4_AConditionInOldDataWaitsForWhatFollows: a week of weights comes at once, oldest first. What a condition finds on
// the way and a newer weight overtakes pages nobody and is a late finding; what stays counts after a few seconds.
func TestRUL4_AConditionInOldDataWaitsForWhatFollows(t *testing.T) {
	p := course(t)
	gives(t, p, 1, nil, trial.Reading(event.WeightKg, event.Int(80)))
	gives(t, p, 80, nil)
	before := len(p.Said)
	uploads(t, p, 25, nil, trial.Reading(event.WeightKg, event.Int(83)))
	uploads(t, p, 49, nil, trial.Reading(event.WeightKg, dec("80.5")))
	if live, late := paged(p, before); live != 0 || late != 1 {
		t.Fatalf("3 kg that had gone again were told %d times live, %d times late: %s", live, late, text(t, p.Said[before:]))
	}
	d := kinds[*event.SeverityScored](p.Said[before:])
	if r := reasonOf(d[len(d)-1], "weight-3d"); r == nil || *r.MeasuredAt != noon+25*3_600_000 || !strings.Contains(r.En, "late finding") || !strings.Contains(r.Zh, "三天增重") {
		t.Errorf("late finding %s", text(t, d))
	}
	uploads(t, p, 73, nil, trial.Reading(event.WeightKg, event.Int(84)))
	if p.State.Found.Severity != event.NoSeverity {
		t.Error("told before anything could follow")
	}
	must(t)(p.Wait(11_000))
	if p.State.Found.Severity != event.Medium {
		t.Errorf("4 kg and nothing newer: %s", p.State.Found.Severity)
	}
}

// TestRUL4_AStreamThatIsAlwaysOldIsNotWaitedForForEver: what follows and is as grave does not make the wait longer.
func TestRUL4_AStreamThatIsAlwaysOldIsNotWaitedForForEver(t *testing.T) {
	p := course(t)
	gives(t, p, 1, nil, trial.Reading(event.WeightKg, event.Int(80)))
	gives(t, p, 30, nil)
	for i := range 8 {
		uploads(t, p, 28+float64(i)/3600, nil, trial.Reading(event.WeightKg, event.Int(83)))
		must(t)(p.Wait(2000))
	}
	if p.State.Found.Severity != event.Medium {
		t.Errorf("3 kg, uploaded for 16 s, are %s", p.State.Found.Severity)
	}
}

// TestRUL4_OldAnswersWaitToo: a diary that comes days later is judged as it stands when all of it is there.
func TestRUL4_OldAnswersWaitToo(t *testing.T) {
	p := course(t)
	bad := map[string]int64{"dyspnoea": 1, "phlegm": 1}
	gives(t, p, 100, nil)
	before := len(p.Said)
	uploads(t, p, 1, bad)
	uploads(t, p, 25, bad)
	uploads(t, p, 49, map[string]int64{"dyspnoea": 0, "phlegm": 0})
	if live, late := paged(p, before); live != 0 || late != 1 {
		t.Errorf("bad days that were over were told %d times live, %d times late", live, late)
	}
	must(t)(p.Wait(60_000))
	if p.State.Found.Severity != event.NoSeverity {
		t.Errorf("now %s", text(t, p.State.Found))
	}
}

// TestRUL3_AnOlderReadingClearsNothing: a mean over days goes down by a reading that was measured before the newest; what was
// told stands until something newer has been measured.
func TestRUL3_AnOlderReadingClearsNothing(t *testing.T) {
	p, _ := courseWith(t, `'rise(weight_kg, "72h") > kg', params: {kg: {value: 2, unit: kg}}`, `'mean(weight_kg, "72h") > 82'`)
	gives(t, p, 1, nil, trial.Reading(event.WeightKg, event.Int(83)))
	gives(t, p, 40, nil, trial.Reading(event.WeightKg, event.Int(84)))
	if p.State.Found.Severity != event.Medium {
		t.Fatal("a mean of 83.5 was not found")
	}
	uploads(t, p, 30, nil, trial.Reading(event.WeightKg, event.Int(70)))
	gives(t, p, 45, nil)
	p.State, p.Facts = back(t, p.State), back(t, p.Facts)
	gives(t, p, 46, nil)
	if p.State.Found.Severity != event.Medium {
		t.Errorf("an older reading cleared it: %s", text(t, p.State.Found))
	}
	gives(t, p, 50, nil, trial.Reading(event.WeightKg, event.Int(80)))
	gives(t, p, 51, nil)
	if p.State.Found.Severity != event.NoSeverity {
		t.Errorf("a newer reading has not cleared it: %s", text(t, p.State.Found))
	}
}

// TestRUL8_WhatIsHeldIsNoGraverThanWhatWasTold: a new version by which a rule is graver and no longer holds pages nobody.
func TestRUL8_WhatIsHeldIsNoGraverThanWhatWasTold(t *testing.T) {
	p, text1 := courseWith(t)
	gives(t, p, 1, nil, trial.Reading(event.WeightKg, event.Int(80)))
	gives(t, p, 40, nil, trial.Reading(event.WeightKg, event.Int(83)))
	text2 := strings.Replace(strings.Replace(text1, "version: 1", "version: 2", 1), `{kg: {value: 2, unit: kg}}, severity: medium`, `{kg: {value: 5, unit: kg}}, severity: high`, 1)
	is, err := pack.Compile(text2)
	if err != nil {
		t.Fatal(err)
	}
	if err := p.Everyone(&event.PackPublished{Pack: is.ID, Version: 2, Sum: is.Sum, Text: text2}); err != nil {
		t.Fatal(err)
	}
	before := len(p.Said)
	must(t)(p.Wait(3 * 3_600_000))
	for _, d := range kinds[*event.SeverityScored](p.Said[before:]) {
		if d.Severity > event.Medium {
			t.Errorf("3 kg of 5 allowed: %s", text(t, d))
		}
	}
	if p.State.Found.Severity != event.NoSeverity {
		t.Errorf("by the new version nothing is wrong: %s", text(t, p.State.Found))
	}
}

// TestRUL5_AnOrderThatHasEndedIsLookedAtOnce: when it ends it is judged anew and written down, and from then on nobody is asked
// again because of it: what else is waited for would be held up.
func TestRUL5_AnOrderThatHasEndedIsLookedAtOnce(t *testing.T) {
	p := course(t)
	three, until := event.Int(3), noon+30*3_600_000
	must(t)(p.Give(&event.PlanChanged{Plan: event.Plan{Overrides: []event.Override{{Rule: "weight-3d", Param: "kg", Value: &three, By: "doctor-a", At: p.Now, Until: &until}}}}))
	gives(t, p, 31, nil)
	if next := p.Core.NextDue(p.Facts, back(t, p.State)); next <= p.Now {
		t.Errorf("asked again at %s, and it is %s", next, p.Now)
	}
}

// TestRUL5_AGroupsNumberIsJudgedAtOnce: whoever sets it does not wait for the next readings of the patients.
func TestRUL5_AGroupsNumberIsJudgedAtOnce(t *testing.T) {
	p := course(t)
	gives(t, p, 1, nil, trial.Reading(event.WeightKg, event.Int(80)))
	gives(t, p, 20, nil, trial.Reading(event.WeightKg, dec("81.5")))
	one := event.Int(1)
	g := &event.GroupSet{Tenant: trial.Tenant, Group: trial.Group, Pack: "course", Overrides: []event.Override{{Rule: "weight-3d", Param: "kg", Value: &one, By: "lead-a", At: p.Now}}}
	if err := p.Everyone(g); err != nil {
		t.Fatal(err)
	}
	must(t)(p.Wait(1000))
	if p.State.Found.Severity != event.Medium {
		t.Errorf("1.5 kg of 1 allowed is %s", p.State.Found.Severity)
	}
}

// TestRUL9_ASetThatHasExpiredIsKnownByNobody: parts that conditions decide are as unknown as the others.
func TestRUL9_ASetThatHasExpiredIsKnownByNobody(t *testing.T) {
	p, _ := courseWith(t, "{band: medium, from: 2, severity: medium}", "{band: medium, from: 2, severity: medium, recheck: 1h}")
	gives(t, p, 1, map[string]int64{"dyspnoea": 0}, trial.Reading(event.PulsePerMin, event.Int(80)), trial.Reading(event.SystolicMmHg, event.Int(85)))
	d := gives(t, p, 4, nil)
	if d.Score == nil || d.Score.Lower != 0 || d.Score.Upper != 4 || len(d.Score.Unknown) != 2 {
		t.Errorf("three hours after a set of an hour: %s", text(t, d.Score))
	}
}

// TestRUL8_ThatAnInputHasBecomeOldLowersNoScore: neither one beside nor one by conditions goes down because another signal
// came and theirs did not.
func TestRUL8_ThatAnInputHasBecomeOldLowersNoScore(t *testing.T) {
	p, _ := courseWith(t, "parts: [{signal: temperature_cel, round: 0.1, rows: [{to: 38.0, points: 0}, {points: 1}]}]",
		`parts: [{signal: temperature_cel, round: 0.1, rows: [{to: 38.0, points: 0}, {points: 1}]}, {signal: weight_kg, round: 1, rows: [{points: 0}]}]`)
	gives(t, p, 1, nil, trial.Reading(event.TemperatureCel, dec("38.5")), trial.Reading(event.SystolicMmHg, event.Int(85)))
	if p.State.Found.Severity != event.Medium {
		t.Fatalf("85 mmHg is %s", p.State.Found.Severity)
	}
	gives(t, p, 20, nil, trial.Reading(event.WeightKg, event.Int(80)), trial.Reading(event.PulsePerMin, event.Int(70)))
	d := gives(t, p, 22, nil)
	if reasonOf(d, "beside") == nil || reasonOf(d, "sick") == nil {
		t.Errorf("nothing newer says otherwise: %s", text(t, d))
	}
	if _, err := p.Measure(trial.Reading(event.TemperatureCel, event.Int(37)), trial.Reading(event.SystolicMmHg, event.Int(120)), trial.Reading(event.DiastolicMmHg, event.Int(80))); err != nil {
		t.Fatal(err)
	}
	if d = gives(t, p, 24, nil); reasonOf(d, "beside") != nil || reasonOf(d, "sick") != nil {
		t.Errorf("newer ones say otherwise: %s", text(t, d))
	}
}

// TestRUL3_ARepeatThatAConditionAsksFor doubts nothing: the reading was believed, and one finding speaks of it.
func TestRUL3_ARepeatThatAConditionAsksFor(t *testing.T) {
	p, _ := courseWith(t, "rules:\n", "rules:\n  - {id: again, when: 'spo2_percent < 80', repeat: {signal: spo2_percent, answer: 5m}, severity: low, source: ours, zh: 复测, en: Again}\n")
	d := gives(t, p, 1, nil, trial.Reading(event.SpO2Percent, event.Int(78)))
	n := 0
	for _, r := range d.Reasons {
		if r.Rule == "spo2-danger" {
			n++
		}
		if r.Unsure {
			t.Errorf("it was believed: %s", text(t, r))
		}
	}
	if n != 1 || len(kinds[*event.RepeatAsked](p.Said)) != 1 {
		t.Errorf("%d findings, said %s", n, text(t, p.Said))
	}
}

package rules_test

import (
	"os"
	"strings"
	"testing"

	"tocsin/rules"
	"tocsin/rules/pack"
	"tocsin/rules/trial"
	"tocsin/streams/event"
)

// TestRUL9_BoundsInBothUnits: the pairs that tables of the ADA, the CGM consensus and their readers print beside each other.
func TestRUL9_BoundsInBothUnits(t *testing.T) {
	for mmol, mgdl := range map[string]int64{
		"2.2": 40, "3.0": 54, "3.5": 63, "3.9": 70, "4.4": 80, "7.0": 126, "7.8": 140, "10.0": 180, "11.1": 200, "13.9": 250, "14.0": 252, "16.7": 300, "33.3": 600,
	} {
		bound, err := event.ParseDecimal(mmol)
		if err != nil {
			t.Fatal(err)
		}
		if got := rules.InMgPerDL(bound); got != rules.MgPerDL(mgdl) {
			t.Errorf("%s mmol/L is %s mmol/L when it is written in mg/dL, want %d mg/dL, which is %s", mmol, got, mgdl, rules.MgPerDL(mgdl))
		}
	}
	for _, bound := range []event.Decimal{0, -event.One, 3_950_000, 500 * event.One} {
		if got := rules.InMgPerDL(bound); got != bound {
			t.Errorf("%s has no other unit and became %s", bound, got)
		}
	}
}

// TestRUL9_ConditionsCompareInTheUnitSent: in a condition 3.9 is 70 mg/dL for whoever measures in mg/dL.
func TestRUL9_ConditionsCompareInTheUnitSent(t *testing.T) {
	text := `{pack: g, version: 1, zh: g, en: g, sources: {ours: {cite: ours, evidence: P}}, signals: {glucose_mmol_per_l: {unit: mmol/L, source: ours}},
		confirm: {within: 30m, answer: 5m, severity: medium, source: ours}, measures: [{id: level, unit: "1", source: ours, zh: l, en: l,
		value: "glucose_mmol_per_l < 3.0 ? -2 : (last(glucose_mmol_per_l) < 3.9 ? -1 : (glucose_mmol_per_l <= 10.0 ? 0 : (glucose_mmol_per_l <= 13.9 ? 1 : 2)))"}]}`
	level := func(v int64) float64 {
		switch {
		case v < 54:
			return -2
		case v < 70:
			return -1
		case v <= 180:
			return 0
		case v <= 250:
			return 1
		default:
			return 2
		}
	}
	for v := int64(20); v <= 600; v++ {
		p, err := trial.New(pack.Compile, event.Time(1_780_000_000_000), text)
		if err != nil {
			t.Fatal(err)
		}
		must(t)(p.Measure(trial.Reading(event.GlucoseMmolPerL, rules.MgPerDL(v))))
		if got, known := p.Measures()["level"]; !known || got != level(v) {
			t.Fatalf("%d mg/dL is level %v (known %t), want %v", v, got, known, level(v))
		}
	}
}

// TestRUL9_OwnGlucoseTargetInBothUnits: an own target from 3.9 to 10.0 is 70 to 180 for a meter in mg/dL, although both
// convert to a little less or more.
func TestRUL9_OwnGlucoseTargetInBothUnits(t *testing.T) {
	low, high := event.Decimal(3_900_000), event.Int(10)
	for _, c := range []struct {
		value event.Decimal
		want  event.Severity
	}{
		{rules.MgPerDL(70), event.NoSeverity}, {rules.MgPerDL(69), event.Low}, {rules.MgPerDL(180), event.NoSeverity}, {rules.MgPerDL(181), event.Low},
		{3_900_000, event.NoSeverity}, {3_800_000, event.Low}, {event.Int(10), event.NoSeverity}, {10_100_000, event.Low},
	} {
		p := patient(t, "news2")
		must(t)(p.Give(&event.PlanChanged{Plan: event.Plan{OrderedBy: "doctor", OrderedAt: p.Now, Targets: map[event.Quantity]event.Target{event.GlucoseMmolPerL: {Low: &low, High: &high}}}}))
		must(t)(p.Measure(trial.Reading(event.GlucoseMmolPerL, c.value)))
		if got := p.State.Found.Severity; got != c.want {
			t.Errorf("%s mmol/L is %s, want %s", c.value, got, c.want)
		}
	}
}

// TestRUL9_Level2InBothUnits: 54 mg/dL is no level 2 hypoglycaemia, although it converts to less than 3.0 mmol/L.
func TestRUL9_Level2InBothUnits(t *testing.T) {
	for value, danger := range map[event.Decimal]bool{rules.MgPerDL(54): false, rules.MgPerDL(53): true, event.Int(3): false, 2_900_000: true} {
		p := patient(t, "news2")
		must(t)(p.Measure(trial.Reading(event.GlucoseMmolPerL, value)))
		if p.State.Found.Danger != danger {
			t.Errorf("%s mmol/L: danger is %t, want %t", value, p.State.Found.Danger, danger)
		}
	}
}

// TestRUL7_SustainedForDaysByDailyReadings: who measures once a day has a reading to tell how it was sixty hours ago.
func TestRUL7_SustainedForDaysByDailyReadings(t *testing.T) {
	file, err := os.ReadFile("testdata/course.yaml")
	if err != nil {
		t.Fatal(err)
	}
	daily := strings.Replace(string(file), `when: "weight_kg > dry_weight_kg + 3"`, `when: 'at_least(weight_kg, 90, "60h")'`, 1)
	p, err := trial.New(pack.Compile, noon, daily)
	if err != nil {
		t.Fatal(err)
	}
	for day := range 4 {
		d := gives(t, p, float64(1+24*day), nil, trial.Reading(event.WeightKg, event.Int(95)))
		if found := reasonOf(d, "above-dry") != nil; found != (day == 3) {
			t.Errorf("day %d: found %t", day, found)
		}
	}
}

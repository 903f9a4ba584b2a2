package rules_test

import (
	"slices"
	"strings"
	"testing"

	"tocsin/rules"
	"tocsin/rules/pack"
	"tocsin/rules/trial"
	"tocsin/streams/event"
)

// otherPack is a pack that disagrees with course on purpose.
const otherPack = `
pack: second
version: 4
zh: 第二包
en: Second
zone: "+08:00"
sources:
  ours: {cite: "a pack for tests", evidence: P}
signals:
  spo2_percent: {unit: "%", cadence: 6h, grace: 3h, fresh: 12h, tolerance: 4, source: ours}
  temperature_cel: {unit: Cel, fresh: 6h, tolerance: 0.3, source: ours}
rules:
  - {id: weight-3d, when: 'rise(weight_kg, "72h") > kg', params: {kg: {value: 3, unit: kg}}, severity: high, source: ours, zh: 增重, en: Weight gain}
limits:
  - {id: hot, signal: temperature_cel, at_least: 38.5, severity: low, source: ours}
  - {id: spo2-low, signal: spo2_percent, below: 94, severity: medium, source: ours}
  - {id: spo2-danger-2, signal: spo2_percent, below: 82, severity: high, danger: true, unconfirmed: counts, source: ours}
silence: {severity: medium, after_grave: medium, repeat: 12h, source: ours}
confirm: {within: 30m, answer: 3m, severity: high, source: ours}
hold: {for: 60m, source: ours}
`

func secondText() string {
	return strings.Replace(otherPack, "signals:\n", "signals:\n  weight_kg: {unit: kg, tolerance: 1, source: ours}\n", 1)
}

// TestRUL6_OnePlanOfTwoPacks: bounds in one direction all hold, those of saturation are never mixed, the shortest cadence
// and time to answer hold, conflicts are listed, and everything is one assessment.
func TestRUL6_OnePlanOfTwoPacks(t *testing.T) {
	p := course(t, secondText())
	d := gives(t, p, 1, nil, trial.Reading(event.TemperatureCel, dec("38.6")), trial.Reading(event.SpO2Percent, event.Int(93)))
	if r := reasonOf(d, "second/hot"); r == nil || r.Pack != "second" || r.Severity != event.Low {
		t.Errorf("the stricter bound of the second pack: %s", text(t, d))
	}
	if reasonOf(d, "spo2-low") != nil {
		t.Errorf("93 %% breaches the second pack's target, which is not in effect: %s", text(t, d))
	}
	c := reasonOf(d, "plan-conflict:spo2_percent")
	if c == nil || c.Severity != event.Low || !strings.Contains(c.En, "course, second") {
		t.Errorf("nobody is asked to decide: %s", text(t, d))
	}
	if d = gives(t, p, 2, nil, trial.Reading(event.SpO2Percent, event.Int(81))); reasonOf(d, "spo2-danger-2") == nil || !d.Danger {
		t.Errorf("the danger bands of all hold: %s", text(t, d))
	}
	if n := len(kinds[*event.SeverityScored](p.Said)); n == 0 || d.Pack != "course+second" {
		t.Errorf("%d assessments by %s", n, d.Pack)
	}
	if _, err := p.Wait(10 * 3_600_000); err != nil {
		t.Fatal(err)
	}
	if p.State.Quiet.Severity != event.Medium {
		t.Errorf("silence of what only the second pack expects is %s", p.State.Quiet.Severity)
	}
}

// TestRUL6_ADoctorDecides: a choice or a target ends the conflict.
func TestRUL6_ADoctorDecides(t *testing.T) {
	low := event.Int(88)
	for name, plan := range map[string]event.Plan{
		"choice": {Chosen: map[event.Quantity]string{event.SpO2Percent: "second"}, OrderedBy: "doctor-a", OrderedAt: noon},
		"target": {Targets: map[event.Quantity]event.Target{event.SpO2Percent: {Low: &low}}, OrderedBy: "doctor-a", OrderedAt: noon},
	} {
		t.Run(name, func(t *testing.T) {
			p := course(t, secondText())
			if _, err := p.Give(&event.PlanChanged{Plan: plan}); err != nil {
				t.Fatal(err)
			}
			d := gives(t, p, 1, nil, trial.Reading(event.SpO2Percent, event.Int(93)))
			if reasonOf(d, "plan-conflict:spo2_percent") != nil {
				t.Errorf("it was decided: %s", text(t, d))
			}
			if r := reasonOf(d, "spo2-low"); (r != nil) != (name == "choice") {
				t.Errorf("93 %%: %s", text(t, d))
			}
		})
	}
}

// TestRUL6_ARuleOfTwoMeanings keeps both, each under a name of its own and with its own numbers.
func TestRUL6_ARuleOfTwoMeanings(t *testing.T) {
	p := course(t, secondText())
	three := event.Int(5)
	if _, err := p.Give(&event.PlanChanged{Plan: event.Plan{Overrides: []event.Override{{Rule: "second/weight-3d", Param: "kg", Value: &three, By: "doctor-a", At: noon}}}}); err != nil {
		t.Fatal(err)
	}
	gives(t, p, 1, nil, trial.Reading(event.WeightKg, event.Int(80)))
	d := gives(t, p, 30, nil, trial.Reading(event.WeightKg, event.Int(84)))
	if reasonOf(d, "weight-3d") == nil || reasonOf(d, "second/weight-3d") != nil || d.Severity != event.Medium {
		t.Errorf("4 kg, and 5 allowed by the second: %s", text(t, d))
	}
	if d = gives(t, p, 31, nil, trial.Reading(event.WeightKg, dec("85.5"))); reasonOf(d, "second/weight-3d") == nil || d.Severity != event.High {
		t.Errorf("5.5 kg: %s", text(t, d))
	}
}

// TestRUL6_AnyTwoOfTheLibrary merge in either order: with the leading pack's targets, no name for two things, and bounds in
// one direction as strict as the strictest.
func TestRUL6_AnyTwoOfTheLibrary(t *testing.T) {
	var all []*rules.Pack
	for id, text := range pack.Library() {
		p, err := pack.CompileFile(id, text)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, p)
	}
	for _, a := range all {
		for _, b := range all {
			if a == b {
				continue
			}
			m := rules.Merge([]*rules.Pack{a, b}, nil)
			ids := map[string]bool{}
			for q := range event.Quantities {
				for _, l := range m.Limits[q] {
					if ids[l.ID] {
						t.Errorf("%s: %s stands for two limits", m.ID, l.ID)
					}
					ids[l.ID] = true
				}
				for _, l := range b.Limits[q] {
					if l.Danger && !slices.ContainsFunc(m.Limits[q], func(x rules.Limit) bool { return x.Danger && x.Above == l.Above && x.Bound == l.Bound }) {
						t.Errorf("%s: danger %s is lost", m.ID, l.ID)
					}
				}
			}
			if c := m.Signals[event.PulsePerMin].CadenceMs; c > 0 && (a.Signals[event.PulsePerMin].CadenceMs > 0 && a.Signals[event.PulsePerMin].CadenceMs < c) {
				t.Errorf("%s: pulse is waited for longer than %s says", m.ID, a.ID)
			}
			for _, r := range b.Rules {
				if !slices.ContainsFunc(m.Rules, func(x rules.Rule) bool { return x.ID == r.ID || x.ID == b.ID+"/"+r.ID }) {
					t.Errorf("%s: rule %s is lost", m.ID, r.ID)
				}
			}
		}
	}
}

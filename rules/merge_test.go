package rules_test

import (
	"fmt"
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
backlog: {older: 15m, settle: 10s, late: 12h, source: ours}
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

// TestRUL6_OneNameForTwoThings: two packs that are sound by themselves use one name for different things. What would read the
// wrong one is left out and told of, everything else stands, and the patient is watched.
func TestRUL6_OneNameForTwoThings(t *testing.T) {
	second := strings.Replace(strings.Replace(secondText(), "rules:\n",
		"questions:\n  - {code: dyspnoea, type: number, unit: \"{score}\", fresh: 24h, zh: 气促程度, en: how breathless}\nrules:\n  - {id: very-breathless, when: 'dyspnoea >= 7', severity: high, source: ours, zh: 严重气促, en: Very breathless}\n", 1),
		"limits:\n", "limits:\n  - {id: weight-3d, signal: pulse_per_min, above: 130, severity: high, source: ours}\n", 1)
	second = strings.Replace(second, "signals:\n", "signals:\n  pulse_per_min: {unit: /min, fresh: 12h, tolerance: 15, source: ours}\n", 1)
	second = strings.Replace(second, "{id: weight-3d, when:", "{id: weight-up, when:", 1)
	p := course(t, second)
	gives(t, p, 1, nil, trial.Reading(event.WeightKg, event.Int(80)), trial.Reading(event.PulsePerMin, event.Int(135)))
	d := gives(t, p, 30, nil, trial.Reading(event.WeightKg, event.Int(84)))
	if reasonOf(d, "weight-up") == nil || reasonOf(d, "weight-3d") == nil {
		t.Errorf("what reads no such name: %s", text(t, d))
	}
	r := reasonOf(d, rules.RuleConflict+":very-breathless")
	if r == nil || r.Severity != event.Low || !strings.Contains(r.En, "very-breathless") || !strings.Contains(r.En, "second") {
		t.Errorf("nobody hears of what is left out: %s", text(t, d))
	}
	if r := reasonOf(d, "second/weight-3d"); r == nil || r.Quantity == nil || *r.Quantity != event.PulsePerMin {
		t.Errorf("a limit with the id of another pack's condition: %s", text(t, d))
	}
}

// many is a pack with a hundred questions and as many rules.
func many(id string) string {
	var questions, conditions strings.Builder
	for i := range 100 {
		fmt.Fprintf(&questions, "  - {code: %s_%d, type: yes_no, fresh: 24h, zh: 问, en: ask}\n", id, i)
		fmt.Fprintf(&conditions, "  - {id: %s-%d, when: '%s_%d', severity: low, source: ours, zh: 有, en: Has}\n", id, i, id, i)
	}
	pack := strings.Replace(secondText(), "pack: second", "pack: "+id, 1)
	return strings.Replace(pack, "rules:\n", "questions:\n"+questions.String()+"rules:\n"+conditions.String(), 1)
}

// TestRUL6_MoreNamesThanOneViewHolds: what does not fit is left out and told of.
func TestRUL6_MoreNamesThanOneViewHolds(t *testing.T) {
	p, err := trial.New(pack.Compile, noon, many("one"), many("two"))
	if err != nil {
		t.Fatal(err)
	}
	d := gives(t, p, 1, nil, trial.Reading(event.TemperatureCel, dec("38.6")))
	if reasonOf(d, "hot") == nil || reasonOf(d, rules.RuleConflict+":two-99") == nil || reasonOf(d, rules.RuleConflict+":one-99") != nil {
		t.Errorf("%.600s", text(t, d))
	}
}

// TestRUL10_AnAssessmentNamesAllItsPacks: the text of each of several packs can be told from the sums.
func TestRUL10_AnAssessmentNamesAllItsPacks(t *testing.T) {
	p := course(t, secondText())
	d := gives(t, p, 1, nil, trial.Reading(event.SpO2Percent, event.Int(81)))
	if want := p.Facts.Pack("course").Sum + "+" + p.Facts.Pack("second").Sum; d.Pack != "course+second" || d.PackSum != want {
		t.Errorf("pack %s sum %s", d.Pack, d.PackSum)
	}
}

// TestRUL6_AFurtherPackThatIsNotPublished is named, and the default stands in for it; nobody says so of the one that is.
func TestRUL6_AFurtherPackThatIsNotPublished(t *testing.T) {
	for _, lead := range []string{trial.Group, "nobody-has-set"} {
		p := course(t)
		news2 := pack.Library()["news2"]
		is, err := pack.Compile(news2)
		if err != nil {
			t.Fatal(err)
		}
		for _, d := range []event.Event{&event.PackPublished{Pack: is.ID, Version: is.Version, Sum: is.Sum, Text: news2}, &event.GroupSet{Tenant: trial.Tenant, Group: "third", Pack: "nowhere"}} {
			if err := p.Everyone(d); err != nil {
				t.Fatal(err)
			}
		}
		must(t)(p.Give(&event.PatientGrouped{Tenant: trial.Tenant, Group: lead, Also: []string{"third"}}))
		r := reasonOf(rules.Assess(p.Facts, p.State, p.Now), "pack-not-known")
		if r == nil || !strings.Contains(r.En, "nowhere") || strings.Contains(r.En, "course has not") {
			t.Errorf("%s: %s", lead, text(t, r))
		}
	}
}

// TestRUL5_AFurtherGroupsNumbersHoldForItsPack: they change nothing of the leading pack, and its own beat them.
func TestRUL5_AFurtherGroupsNumbersHoldForItsPack(t *testing.T) {
	p := course(t, secondText())
	gives(t, p, 1, nil, trial.Reading(event.WeightKg, event.Int(80)))
	one, hot := event.Int(1), event.Int(38)
	if err := p.Everyone(&event.GroupSet{Tenant: trial.Tenant, Group: trial.Group + "-also", Pack: "second", CadenceMs: map[event.Quantity]int64{event.SpO2Percent: 3_600_000},
		Overrides: []event.Override{{Rule: "weight-3d", Param: "kg", Value: &one, By: "lead-b", At: noon}, {Rule: "hot", Param: "bound", Value: &hot, By: "lead-b", At: noon}}}); err != nil {
		t.Fatal(err)
	}
	d := gives(t, p, 30, nil, trial.Reading(event.WeightKg, dec("81.5")), trial.Reading(event.TemperatureCel, dec("38.2")))
	if r := reasonOf(d, "second/weight-3d"); r == nil || r.SetBy != "lead-b" || r.From != "group" || reasonOf(d, "weight-3d") != nil {
		t.Errorf("1.5 kg, and 1 allowed by the second group: %s", text(t, d))
	}
	if r := reasonOf(d, "second/hot"); r == nil || r.SetBy != "lead-b" {
		t.Errorf("38.2 °C: %s", text(t, d))
	}
	for _, x := range rules.Stands(p.Facts, p.State, p.Now).Expected {
		if x.Quantity == event.SpO2Percent && x.EveryMs != 3_600_000 {
			t.Errorf("saturation is expected every %d ms", x.EveryMs)
		}
	}
}

// TestRUL6_ALeadThatSaysLittle: what the leading pack leaves open the others say: zone, confirmation, old data.
func TestRUL6_ALeadThatSaysLittle(t *testing.T) {
	scores := pack.Library()["as-recorded"]
	p, err := trial.New(pack.Compile, noon, strings.Replace(scores, "zone:", "# zone:", 1), secondText())
	if err != nil {
		t.Fatal(err)
	}
	m := rules.Stands(p.Facts, p.State, p.Now).Pack
	second := p.Facts.Pack("second")
	if m.ZoneMin != 480 || m.Confirm.WithinMs != second.Confirm.WithinMs || m.Confirm.Source == "" || m.Backlog != second.Backlog || m.HoldMs != second.HoldMs || m.Silence.Source == "" {
		t.Errorf("zone %d, confirm %+v, backlog %+v, hold %d, silence %+v", m.ZoneMin, m.Confirm, m.Backlog, m.HoldMs, m.Silence)
	}
}

// TestRUL9_AnswersOfANewPackFindRoom: what earlier packs asked for makes room for what is asked now.
func TestRUL9_AnswersOfANewPackFindRoom(t *testing.T) {
	p, err := trial.New(pack.Compile, noon, many("one"))
	if err != nil {
		t.Fatal(err)
	}
	two := many("two")
	is, err := pack.Compile(two)
	if err != nil {
		t.Fatal(err)
	}
	for _, d := range []event.Event{&event.PackPublished{Pack: "two", Version: is.Version, Sum: is.Sum, Text: two}, &event.GroupSet{Tenant: trial.Tenant, Group: "two", Pack: "two"}} {
		if err := p.Everyone(d); err != nil {
			t.Fatal(err)
		}
	}
	for _, id := range []string{"one", "two"} {
		o := trial.Measured(p.Now)
		for i := range 100 {
			o.Answers = append(o.Answers, event.Answer{Code: fmt.Sprintf("%s_%d", id, i), Value: event.One})
		}
		must(t)(p.Give(o))
		for i := range 100 {
			if _, known := p.State.Answered(fmt.Sprintf("%s_%d", id, i)); !known {
				t.Fatalf("the answer %s_%d found no room", id, i)
			}
		}
		must(t)(p.Give(&event.PatientGrouped{Tenant: trial.Tenant, Group: "two"}))
	}
}

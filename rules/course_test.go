package rules_test

import (
	"maps"
	"os"
	"slices"
	"strings"
	"testing"

	"tocsin/rules"
	"tocsin/rules/pack"
	"tocsin/rules/trial"
	"tocsin/streams/event"
)

// course is a patient under testdata/course.yaml, which has a little of everything.
func course(t testing.TB, also ...string) *trial.Patient {
	t.Helper()
	text, err := os.ReadFile("testdata/course.yaml")
	if err != nil {
		t.Fatal(err)
	}
	p, err := trial.New(pack.Compile, noon, append([]string{string(text)}, also...)...)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// gives hands over answers and readings at an hour of the course, and answers what holds then.
func gives(t testing.TB, p *trial.Patient, hour float64, answers map[string]int64, readings ...event.Reading) *event.SeverityScored {
	t.Helper()
	if until := noon + event.Time(hour*3_600_000); until > p.Now {
		if _, err := p.Wait(int64(until - p.Now)); err != nil {
			t.Fatal(err)
		}
	}
	o := trial.Measured(p.Now, readings...)
	for _, code := range slices.Sorted(maps.Keys(answers)) {
		o.Answers = append(o.Answers, event.Answer{Code: code, Value: event.Int(answers[code])})
	}
	if len(o.Readings)+len(o.Answers) > 0 {
		if _, err := p.Give(o); err != nil {
			t.Fatal(err)
		}
	}
	return rules.Assess(p.Facts, p.State, p.Now)
}

func reasonOf(d *event.SeverityScored, rule string) *event.Reason {
	for i := range d.Reasons {
		if d.Reasons[i].Rule == rule {
			return &d.Reasons[i]
		}
	}
	return nil
}

func dec(s string) event.Decimal {
	d, err := event.ParseDecimal(s)
	if err != nil {
		panic(err)
	}
	return d
}

// TestRUL10_AConditionSaysWhatItSaw: a condition's reason carries its text, every value that it looked at with unit, time
// and reading, the number that it was held against and whose that is.
func TestRUL10_AConditionSaysWhatItSaw(t *testing.T) {
	p := course(t)
	gives(t, p, 1, nil, trial.Reading(event.WeightKg, dec("80.1")))
	if d := gives(t, p, 40, nil, trial.Reading(event.WeightKg, dec("82.1"))); reasonOf(d, "weight-3d") != nil {
		t.Error("2.0 kg is not more than 2 kg")
	}
	r := reasonOf(gives(t, p, 60, nil, trial.Reading(event.WeightKg, dec("82.2"))), "weight-3d")
	if r == nil {
		t.Fatal("2.1 kg within three days were not found")
	}
	if r.When != `rise(weight_kg, "72h") > kg` || r.Source == "" || r.Evidence != "S" || len(r.Inputs) != 2 {
		t.Errorf("reason %s", text(t, r))
	}
	rise, kg := r.Inputs[0], r.Inputs[1]
	if *rise.Value != dec("2.1") || rise.Unit != "kg" || rise.Reading == "" || *rise.MeasuredAt != p.Now {
		t.Errorf("what was seen: %s", text(t, rise))
	}
	if *kg.Value != event.Int(2) || kg.From != "pack" || kg.Name != "kg" {
		t.Errorf("what it was held against: %s", text(t, kg))
	}
	if !strings.Contains(r.Zh, "三天增重") || !strings.Contains(r.En, "2.1 kg") {
		t.Errorf("words: %s / %s", r.Zh, r.En)
	}
}

// TestRUL5_AnOverrideBeatsThePack: a patient's number beats the group's, which beats the pack's; the reason says whose it
// is, and it counts no longer than ordered.
func TestRUL5_AnOverrideBeatsThePack(t *testing.T) {
	p := course(t)
	one, three := event.Int(1), event.Int(3)
	gives(t, p, 1, nil, trial.Reading(event.WeightKg, event.Int(80)))
	if err := p.Everyone(&event.GroupSet{Tenant: trial.Tenant, Group: trial.Group, Pack: "course",
		Overrides: []event.Override{{Rule: "weight-3d", Param: "kg", Value: &three, By: "lead-a", At: noon}}}); err != nil {
		t.Fatal(err)
	}
	if d := gives(t, p, 20, nil, trial.Reading(event.WeightKg, dec("82.5"))); reasonOf(d, "weight-3d") != nil {
		t.Error("the group allows 3 kg")
	}
	until := noon + 30*3_600_000
	if _, err := p.Give(&event.PlanChanged{Plan: event.Plan{Overrides: []event.Override{{Rule: "weight-3d", Param: "kg", Value: &one, By: "doctor-a", At: p.Now, Until: &until, Why: "frail"}}}}); err != nil {
		t.Fatal(err)
	}
	r := reasonOf(rules.Assess(p.Facts, p.State, p.Now), "weight-3d")
	if r == nil || r.From != "patient" || r.SetBy != "doctor-a" || *r.Until != until || r.Why != "frail" {
		t.Fatalf("the patient's own 1 kg: %s", text(t, r))
	}
	if p.State.Found.Severity != event.Medium {
		t.Errorf("a new order is judged at once, not with the next reading: %s", p.State.Found.Severity)
	}
	if d := gives(t, p, 31, nil); reasonOf(d, "weight-3d") != nil || p.State.Found.Severity != event.NoSeverity {
		t.Errorf("the order has ended: %s", text(t, d))
	}
}

// TestRUL5_ALimitOfOnesOwn: the bound of a limit, and a rule that is switched off, which is named as not judged.
func TestRUL5_ALimitOfOnesOwn(t *testing.T) {
	p := course(t)
	bound := dec("38")
	if _, err := p.Give(&event.PlanChanged{Plan: event.Plan{Overrides: []event.Override{
		{Rule: "hot", Param: "bound", Value: &bound, By: "doctor-a", At: noon}, {Rule: "falling", Off: true, By: "doctor-b", At: noon}}}}); err != nil {
		t.Fatal(err)
	}
	d := gives(t, p, 1, nil, trial.Reading(event.TemperatureCel, dec("38.2")))
	if r := reasonOf(d, "hot"); r == nil || r.From != "patient" || r.SetBy != "doctor-a" || *r.High != bound {
		t.Errorf("own bound: %s", text(t, d))
	}
	if r := reasonOf(d, "switched-off:falling"); r == nil || !strings.Contains(r.En, "doctor-b") {
		t.Errorf("what is off is named: %s", text(t, d))
	}
}

// TestRUL9_UnknownIsNeitherTrueNorFalse: a rule whose fact nobody has entered is not in effect and says so; a part of a
// score that cannot be decided widens it and is named.
func TestRUL9_UnknownIsNeitherTrueNorFalse(t *testing.T) {
	p := course(t)
	d := gives(t, p, 1, nil, trial.Reading(event.WeightKg, event.Int(90)), trial.Reading(event.PulsePerMin, event.Int(110)), trial.Reading(event.SystolicMmHg, event.Int(120)))
	if r := reasonOf(d, "not-configured:dry_weight_kg"); r == nil || !strings.Contains(r.Zh, "干体重") {
		t.Errorf("the missing fact is not named: %s", text(t, d))
	}
	if d.Score.Lower != 1 || d.Score.Upper != 4 || !slices.Equal(d.Score.Unknown, []string{"low_pressure", "short"}) {
		t.Errorf("score %s", text(t, d.Score))
	}
	d = gives(t, p, 1.5, nil, trial.Reading(event.SystolicMmHg, event.Int(85)))
	if d.Score.Lower != 3 || d.Score.Upper != 4 || d.Severity != event.High {
		t.Errorf("one of two alternatives decides: %s", text(t, d.Score))
	}
	if _, err := p.Give(&event.PlanChanged{Plan: event.Plan{Facts: map[string]event.Decimal{"dry_weight_kg": event.Int(80)}}}); err != nil {
		t.Fatal(err)
	}
	if d = rules.Assess(p.Facts, p.State, p.Now); reasonOf(d, "above-dry") == nil {
		t.Errorf("the fact is entered: %s", text(t, d))
	}
}

// TestRUL8_AConditionGoesDownByItsOwnRule: raised by one condition, cleared by another, and not before it has been past for
// as long as it says; what flaps meanwhile says nothing new.
func TestRUL8_AConditionGoesDownByItsOwnRule(t *testing.T) {
	p := course(t)
	gives(t, p, 1, nil, trial.Reading(event.SpO2Percent, event.Int(96)))
	gives(t, p, 2, nil, trial.Reading(event.SpO2Percent, event.Int(91)))
	if p.State.Found.Severity != event.High {
		t.Fatalf("a fall to 91 is %s", p.State.Found.Severity)
	}
	before := len(p.Said)
	for i := range 60 {
		gives(t, p, 2+float64(i+1)/60/2, nil, trial.Reading(event.SpO2Percent, event.Int(91+int64(i%2)*2)))
	}
	if n := len(p.Said) - before; n > 2 || p.State.Found.Severity != event.High {
		t.Errorf("flapping between 91 and 93 was told %d times, now %s", n, p.State.Found.Severity)
	}
	gives(t, p, 2.6, nil, trial.Reading(event.SpO2Percent, event.Int(95)))
	if p.State.Found.Severity != event.High {
		t.Error("clear for minutes only, and gone down")
	}
	gives(t, p, 3.6, nil)
	if p.State.Found.Severity != event.NoSeverity {
		t.Errorf("clear for an hour: %s", text(t, p.State.Found))
	}
}

// TestRUL7_ADiaryCountsObservedDays: a derived series keeps each day's own answers, in whatever order uploads come.
func TestRUL7_ADiaryCountsObservedDays(t *testing.T) {
	p := course(t)
	bad := map[string]int64{"dyspnoea": 1, "phlegm": 1}
	gives(t, p, 1, bad)
	if d := gives(t, p, 25, map[string]int64{"dyspnoea": 1, "phlegm": 0}); reasonOf(d, "bad-days") != nil {
		t.Error("the second day was not bad")
	}
	gives(t, p, 49, bad)
	if d := gives(t, p, 73, bad); reasonOf(d, "bad-days") == nil {
		t.Errorf("two bad days in a row: %s", text(t, d))
	}
	if _, known := p.State.Answered("dyspnoea"); !known {
		t.Error("the answer is not kept")
	}
}

// TestRUL2_AScoreBesideWarnsByItself: it has its own reason, and the leading score stays the one that is shown.
func TestRUL2_AScoreBesideWarnsByItself(t *testing.T) {
	p := course(t)
	d := gives(t, p, 1, nil, trial.Reading(event.TemperatureCel, dec("38.5")), trial.Reading(event.PulsePerMin, event.Int(80)))
	if r := reasonOf(d, "beside"); r == nil || r.Severity != event.Low || d.Score.Rule != "sick" {
		t.Errorf("%s", text(t, d))
	}
}

// TestRUL4_APackComesBackFromACheckpoint: conditions are data; read back, they judge as before.
func TestRUL4_APackComesBackFromACheckpoint(t *testing.T) {
	p := course(t)
	p.Facts = back(t, p.Facts)
	gives(t, p, 1, nil, trial.Reading(event.WeightKg, event.Int(80)))
	if d := gives(t, p, 40, nil, trial.Reading(event.WeightKg, event.Int(83))); reasonOf(d, "weight-3d") == nil {
		t.Errorf("%s", text(t, d))
	}
}

// TestRUL9_AnAnswerInAnotherUnitIsNotJudged: a number is what it is called only in the unit that the question gives.
func TestRUL9_AnAnswerInAnotherUnitIsNotJudged(t *testing.T) {
	p := course(t)
	o := trial.Measured(p.Now)
	o.Answers = []event.Answer{{Code: "cat_score", Value: event.Int(30), Unit: "mg/dL"}}
	if _, err := p.Give(o); err != nil {
		t.Fatal(err)
	}
	if _, known := p.State.Answered("cat_score"); known {
		t.Error("an answer in mg/dL was taken for a score")
	}
	o = trial.Measured(p.Now+1, nil...)
	o.Answers = []event.Answer{{Code: "cat_score", Value: event.Int(30), Unit: "{score}"}}
	if _, err := p.Give(o); err != nil {
		t.Fatal(err)
	}
	if _, known := p.State.Answered("cat_score"); !known {
		t.Error("an answer in the unit of its question was not taken")
	}
}

// TestRUL5_TheDangerBandStaysOn: a limit of the danger band goes on, and nothing says that it is not judged.
func TestRUL5_TheDangerBandStaysOn(t *testing.T) {
	p := course(t)
	if _, err := p.Give(&event.PlanChanged{Plan: event.Plan{Overrides: []event.Override{{Rule: "spo2-danger", Off: true, By: "doctor-a", At: noon}}}}); err != nil {
		t.Fatal(err)
	}
	if d := gives(t, p, 1, nil, trial.Reading(event.SpO2Percent, event.Int(78))); !d.Danger || reasonOf(d, "spo2-danger") == nil || reasonOf(d, "switched-off:spo2-danger") != nil {
		t.Errorf("%s", text(t, d))
	}
}

// TestRUL9_AnAgeThatNobodyEntered is named where a condition asks for it.
func TestRUL9_AnAgeThatNobodyEntered(t *testing.T) {
	file, err := os.ReadFile("testdata/course.yaml")
	if err != nil {
		t.Fatal(err)
	}
	aged := strings.Replace(string(file), `when: "weight_kg > dry_weight_kg + 3"`, `when: "weight_kg > 90 && age_years >= 65"`, 1)
	p, err := trial.New(pack.Compile, noon, aged)
	if err != nil {
		t.Fatal(err)
	}
	d := gives(t, p, 1, nil, trial.Reading(event.WeightKg, event.Int(95)))
	if r := reasonOf(d, "not-configured:age_years"); r == nil || !strings.Contains(r.Zh, "年龄") || reasonOf(d, "above-dry") != nil {
		t.Errorf("%s", text(t, d))
	}
	if _, err := p.Give(&event.PlanChanged{Plan: event.Plan{AgeYears: 70}}); err != nil {
		t.Fatal(err)
	}
	if d = rules.Assess(p.Facts, p.State, p.Now); reasonOf(d, "above-dry") == nil || reasonOf(d, "not-configured:age_years") != nil {
		t.Errorf("%s", text(t, d))
	}
}

// TestRUL5_TheWordsSayTheNumberThatHolds: a rule's words take in its own numbers, those that a clinician set among them.
func TestRUL5_TheWordsSayTheNumberThatHolds(t *testing.T) {
	file, err := os.ReadFile("testdata/course.yaml")
	if err != nil {
		t.Fatal(err)
	}
	said := strings.Replace(string(file), "zh: 三天增重, en: Weight gain in three days", "zh: \"三天增重超过 {kg} kg\", en: \"More than {kg} kg in three days\"", 1)
	p, err := trial.New(pack.Compile, noon, said)
	if err != nil {
		t.Fatal(err)
	}
	own := dec("1.2")
	if _, err := p.Give(&event.PlanChanged{Plan: event.Plan{Overrides: []event.Override{{Rule: "weight-3d", Param: "kg", Value: &own, By: "doctor-a", At: noon}}}}); err != nil {
		t.Fatal(err)
	}
	gives(t, p, 1, nil, trial.Reading(event.WeightKg, event.Int(80)))
	r := reasonOf(gives(t, p, 30, nil, trial.Reading(event.WeightKg, dec("81.5"))), "weight-3d")
	if r == nil || !strings.HasPrefix(r.En, "More than 1.2 kg in three days") || !strings.HasPrefix(r.Zh, "三天增重超过 1.2 kg") {
		t.Errorf("%s", text(t, r))
	}
}

// TestRUL5_TheDangerBandMovesOneWay: a bound of the danger band that a clinician sets is taken when it is met earlier, and
// never when it would be met later.
func TestRUL5_TheDangerBandMovesOneWay(t *testing.T) {
	for bound, value := range map[string]int64{"85": 83, "70": 78} { // earlier holds; later does not, and the pack's own 80 goes on
		p := course(t)
		b := dec(bound)
		if _, err := p.Give(&event.PlanChanged{Plan: event.Plan{Overrides: []event.Override{{Rule: "spo2-danger", Param: "bound", Value: &b, By: "doctor-a", At: noon}}}}); err != nil {
			t.Fatal(err)
		}
		if d := gives(t, p, 1, nil, trial.Reading(event.SpO2Percent, event.Int(value))); !d.Danger {
			t.Errorf("bound %s: %d %% is no danger", bound, value)
		}
	}
}

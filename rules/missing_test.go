package rules_test

import (
	"strings"
	"testing"

	"tocsin/rules"
	"tocsin/rules/trial"
	"tocsin/streams/event"
)

// TestRUL2_MissingSignsAreAskedFor: when the score could be high and is above the patient's usual, breathing and confusion
// are asked for once, and unanswered within 15 minutes it is medium at least, saying what is missing.
func TestRUL2_MissingSignsAreAskedFor(t *testing.T) {
	p := patient(t, "news2")
	must(t)(p.Measure(trial.Reading(event.SpO2Percent, event.Int(97)), trial.Reading(event.PulsePerMin, event.Int(76))))
	must(t)(p.Wait(6 * 3_600_000))
	out := must(t)(p.Measure(trial.Reading(event.SpO2Percent, event.Int(95)), trial.Reading(event.PulsePerMin, event.Int(112)), trial.Reading(event.TemperatureCel, event.Int(37))))
	asked := kinds[*event.RepeatAsked](out)
	if len(asked) != 2 || asked[0].Quantity != event.RespirationPerMin || asked[1].Quantity != event.ACVPU || asked[0].AnswerBy != p.Now+15*60_000 {
		t.Fatalf("asked for %s", text(t, asked))
	}
	if again := kinds[*event.RepeatAsked](must(t)(p.Measure(trial.Reading(event.PulsePerMin, event.Int(113))))); len(again) != 0 {
		t.Errorf("asked again: %s", text(t, again))
	}
	must(t)(p.Wait(16 * 60_000))
	d := rules.Assess(p.Facts, p.State, p.Now)
	r := reasonOf(d, rules.RuleMissing)
	if d.Severity < event.Medium || r == nil || !strings.Contains(r.En, "was asked for and not answered") {
		t.Errorf("nobody answered: %s", text(t, d))
	}
	if d.Score == nil || d.Score.Determined || len(d.Score.Missing) == 0 {
		t.Errorf("the score does not say what is missing: %s", text(t, d.Score))
	}
	must(t)(p.Measure(trial.Reading(event.RespirationPerMin, event.Int(16)), trial.Reading(event.ACVPU, event.Alert)))
	if d = rules.Assess(p.Facts, p.State, p.Now); reasonOf(d, rules.RuleMissing) != nil {
		t.Errorf("both were answered: %s", text(t, d))
	}
}

// TestRUL2_AScoreRefusesWhoItWasNotMadeFor: NEWS2 scores nobody under 16 and nobody pregnant; it says so, and single signs
// are judged as ever.
func TestRUL2_AScoreRefusesWhoItWasNotMadeFor(t *testing.T) {
	for name, plan := range map[string]event.Plan{"child": {AgeYears: 12}, "months": {AgeMonths: 150}, "pregnant": {AgeYears: 30, Pregnant: true}} {
		t.Run(name, func(t *testing.T) {
			p := patient(t, "news2")
			must(t)(p.Give(&event.PlanChanged{Plan: plan}))
			must(t)(p.Measure(trial.Reading(event.RespirationPerMin, event.Int(26)), trial.Reading(event.SpO2Percent, event.Int(78))))
			d := rules.Assess(p.Facts, p.State, p.Now)
			if d.Score != nil || reasonOf(d, "out-of-scope") == nil {
				t.Errorf("it was scored: %s", text(t, d))
			}
			if !d.Danger || d.Severity != event.High {
				t.Errorf("78 %% is %s", d.Severity)
			}
		})
	}
}

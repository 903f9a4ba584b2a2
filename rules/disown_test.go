package rules_test

import (
	"fmt"
	"testing"

	"pgregory.net/rapid"

	"tocsin/rules"
	"tocsin/rules/trial"
	"tocsin/streams/event"
)

func disowned(at event.Time, all ...event.Reading) *event.ReadingDisowned {
	return &event.ReadingDisowned{Disowned: event.Disowned{MeasuredAt: at, Readings: all, Why: "his wife's"}, By: "nurse-a"}
}

// What was told because of somebody else's reading goes, at once and whole; what is known without it is judged.
func TestALR22_AGraveReadingOfSomebodyElseIsTakenOut(t *testing.T) {
	for _, name := range []string{"news2", "copd", "heart-failure"} {
		p := patient(t, name)
		usual := []event.Reading{trial.Reading(event.SpO2Percent, event.Int(97)), trial.Reading(event.PulsePerMin, event.Int(70))}
		must(t)(p.Measure(usual...))
		must(t)(p.Wait(3_600_000))
		hers := []event.Reading{trial.Reading(event.SpO2Percent, event.Int(80)), trial.Reading(event.PulsePerMin, event.Int(135))}
		at := p.Now
		if must(t)(p.Measure(hers...)); p.State.Found.Severity < event.Medium {
			t.Fatalf("%s: 80 %% is %s", name, p.State.Found.Severity)
		}
		out := must(t)(p.Give(disowned(at, hers...)))
		if len(out) == 0 || p.State.Found.Severity != event.NoSeverity {
			t.Errorf("%s: without it %s is found, and %d events said so", name, p.State.Found.Severity, len(out))
		}
		if l, known := p.State.Latest(event.SpO2Percent); !known || l.Value != event.Int(97) {
			t.Errorf("%s: the newest is %v", name, l)
		}
		if out := must(t)(p.Give(disowned(at, hers...))); len(out) > 0 {
			t.Errorf("%s: the same once more led to %s", name, out[0].Type())
		}
	}
}

// A score that stands beside the leading one is not held for a reading that was somebody else's either, and what holds for a reading
// of the patient's own is not let go with it.
func TestALR22_AScoreBesideIsNotHeldForSomebodyElsesReading(t *testing.T) {
	p := patient(t, "crb65")
	severity := func(rule string) event.Severity {
		for _, r := range p.State.Found.Reasons {
			if r.Rule == rule {
				return r.Severity
			}
		}
		return event.NoSeverity
	}
	must(t)(p.Measure(trial.Reading(event.SystolicMmHg, event.Int(120)), trial.Reading(event.RespirationPerMin, event.Int(14)), trial.Reading(event.ACVPU, 0)))
	must(t)(p.Wait(10 * 60_000))
	hers := []event.Reading{trial.Reading(event.SystolicMmHg, event.Int(65)), trial.Reading(event.RespirationPerMin, event.Int(32)), trial.Reading(event.ACVPU, event.One)}
	at, own := p.Now, trial.Reading(event.SpO2Percent, event.Int(95))
	must(t)(p.Measure(append(hers, own)...))
	if severity("crb65") != event.High || severity("curb65") == event.NoSeverity {
		t.Fatalf("found %+v", p.State.Found)
	}
	held := p.State.HighAt
	must(t)(p.Give(disowned(at, own)))
	if p.State.HighAt != held || severity("curb65") == event.NoSeverity {
		t.Error("a reading that is no part of the scores let them go")
	}
	must(t)(p.Give(disowned(at, hers...)))
	if severity("crb65") != event.NoSeverity || severity("curb65") != event.NoSeverity {
		t.Errorf("without her readings found %+v", p.State.Found)
	}
}

// A normal reading of somebody else had hidden what is grave: without it that is found again.
func TestALR22_ANormalReadingOfSomebodyElseHidesNothing(t *testing.T) {
	p := patient(t, "news2")
	must(t)(p.Measure(trial.Reading(event.SpO2Percent, event.Int(84))))
	must(t)(p.Wait(20 * 60_000))
	must(t)(p.Measure(trial.Reading(event.SpO2Percent, event.Int(97))))
	at := p.Now
	must(t)(p.Wait(4 * 3_600_000))
	if p.State.Found.Severity == event.High {
		t.Fatal("97 % left it high")
	}
	if must(t)(p.Give(disowned(at, trial.Reading(event.SpO2Percent, event.Int(97))))); p.State.Found.Severity != event.High {
		t.Errorf("without the other's 97 %% it is %s", p.State.Found.Severity)
	}
}

// An unconfirmed reading about which a question is open is somebody else's too.
func TestALR22_AnOpenQuestionGoesWithItsReading(t *testing.T) {
	p := patient(t, "news2")
	doubtful := event.Reading{Quantity: event.SpO2Percent, Value: event.Int(62), Mark: event.Unconfirmed}
	at := p.Now
	must(t)(p.Measure(doubtful))
	must(t)(p.Give(disowned(at, trial.Reading(event.SpO2Percent, event.Int(62)))))
	must(t)(p.Wait(3_600_000))
	if p.State.Found.Severity != event.NoSeverity || len(p.State.Waits) > 0 {
		t.Errorf("%s is found, and %d questions are open", p.State.Found.Severity, len(p.State.Waits))
	}
}

// Whatever came, in whatever order, the newest readings, the score and the windows are as if what was taken out had never come,
// and so is what the next reading leads to.
func TestALR22_AsIfItHadNeverCome(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		name := rapid.SampledFrom([]string{"news2", "copd", "heart-failure", "hypertension"}).Draw(r, "pack")
		had, never := patient(t, name), patient(t, name)
		type upload struct {
			after   int64
			reading event.Reading
		}
		quantities := []event.Quantity{event.SpO2Percent, event.PulsePerMin, event.SystolicMmHg, event.WeightKg, event.TemperatureCel}
		values := map[event.Quantity][2]int64{event.SpO2Percent: {78, 100}, event.PulsePerMin: {38, 140}, event.SystolicMmHg: {85, 200}, event.WeightKg: {70, 74}, event.TemperatureCel: {35, 40}}
		var all []upload
		for range rapid.IntRange(1, 10).Draw(r, "uploads") {
			q := rapid.SampledFrom(quantities).Draw(r, "quantity")
			all = append(all, upload{rapid.Int64Range(60_000, 40*60_000).Draw(r, "after"), trial.Reading(q, event.Int(rapid.Int64Range(values[q][0], values[q][1]).Draw(r, "value")))})
		}
		gone := rapid.IntRange(0, len(all)-1).Draw(r, "gone")
		var at event.Time
		for i, u := range all {
			for _, p := range []*trial.Patient{had, never} {
				must(t)(p.Wait(u.after))
				if p == had || i != gone {
					must(t)(p.Measure(u.reading))
				}
			}
			if i == gone {
				at = had.Now
			}
		}
		must(t)(had.Give(disowned(at, all[gone].reading)))
		same := func(what string) {
			for _, q := range quantities {
				if a, b := had.State.Trend(q), never.State.Trend(q); fmt.Sprint(a) != fmt.Sprint(b) {
					r.Fatalf("%s: %s is %v, want %v", what, q, a, b)
				}
			}
			if a, b := had.State.Tally, never.State.Tally; a != b {
				r.Fatalf("%s: the score is %+v, want %+v", what, a, b)
			}
			if a, b := fmt.Sprint(had.Measures()), fmt.Sprint(never.Measures()); a != b {
				r.Fatalf("%s: measures %s, want %s", what, a, b)
			}
		}
		same("at once")
		for _, p := range []*trial.Patient{had, never} {
			must(t)(p.Wait(90 * 60_000))
			for _, q := range quantities {
				must(t)(p.Measure(trial.Reading(q, event.Int(values[q][0]))))
			}
		}
		same("later")
		if a, b := rules.Assess(had.Facts, had.State, had.Now), rules.Assess(never.Facts, never.State, never.Now); a.Severity != b.Severity {
			r.Fatalf("later it is %s, want %s", a.Severity, b.Severity)
		}
	})
}

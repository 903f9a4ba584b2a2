package rules

import (
	"errors"
	"fmt"
	"testing"

	"tocsin/rules/expr"
	"tocsin/streams/event"
)

// TestRUL13_ADerivedSeriesThatFails loses no reading: the upload is folded, and who decides on it hears which series failed.
func TestRUL13_ADerivedSeriesThatFails(t *testing.T) {
	p := &Pack{ID: DefaultPack, Mark: 1, layout: &expr.Layout{}, Derived: []Derived{{ID: "broken", number: func(*expr.View) (float64, bool) { panic("broken on purpose") }}}}
	p.Limits[event.SpO2Percent] = []Limit{{ID: "low", Bound: event.Int(90), Severity: event.Medium}}
	f, s := Facts{Packs: []*Pack{p}}, State{Group: "demo/trial"}
	now := event.Time(1_000_000)
	in := event.Envelope{ID: "oxi-1/1/1", Data: &event.ObservationRecorded{MeasuredAt: now, Readings: []event.Reading{{Quantity: event.SpO2Percent, Value: event.Int(85)}}}}
	s, err := Core{}.Apply(f, s, in, now)
	if err != nil || s.track(event.SpO2Percent) == nil {
		t.Fatalf("the reading is lost: %v", err)
	}
	if failed := decideFails(f, s, in, now); failed == nil || failed.Rule != "broken" {
		t.Fatalf("nobody hears of it: %v", failed)
	}
	if s, err = (Core{}).Apply(f, s, event.Envelope{Data: &event.RuleFenced{Machine: Machine, Rule: "broken"}}, now); err != nil {
		t.Fatal(err)
	}
	out, err := Core{}.Decide(f, s, in, now)
	if err != nil || len(out) != 1 {
		t.Errorf("fenced, the others go on: %v %v", out, err)
	}
}

func decideFails(f Facts, s State, in event.Envelope, now event.Time) (failed *event.RulePanic) {
	defer func() {
		if r := recover(); r != nil {
			failed = new(event.RulePanic)
			if err, ok := r.(error); !ok || !errors.As(err, failed) {
				failed.Rule = fmt.Sprint(r)
			}
		}
	}()
	_, _ = Core{}.Decide(f, s, in, now) // whether it fails is all that is asked
	return nil
}

// TestRUL13_WhatFailsIsNotQuiet: a reading over which something fails is never folded in one look, so that it is fenced where
// Decide is asked; nothing of the look is left behind, neither in the state nor in memory that goes round.
func TestRUL13_WhatFailsIsNotQuiet(t *testing.T) {
	fails := true
	number := func(*expr.View) (float64, bool) {
		if fails {
			panic("broken on purpose")
		}
		return 0, false
	}
	truth := func(*expr.View) expr.Tri {
		if fails {
			panic("broken on purpose")
		}
		return expr.False
	}
	for name, p := range map[string]*Pack{
		"a derived series": {ID: DefaultPack, Mark: 1, layout: &expr.Layout{}, Derived: []Derived{{ID: "broken", number: number}}},
		"a condition":      {ID: DefaultPack, Mark: 1, layout: &expr.Layout{}, Rules: []Rule{{ID: "broken", truth: truth}}},
	} {
		t.Run(name, func(t *testing.T) {
			c := Core{Room: new(Room)}
			f, s, now := Facts{Packs: []*Pack{p}}, State{Group: "demo/trial"}, event.Time(1_000_000)
			give := func(v int64) (quiet bool) {
				now += 1000
				defer func() { _ = recover() }() // the processor takes a panic for a look that is not quiet
				_, quiet = c.Quietly(&f, &s, event.Envelope{ID: "oxi", Data: &event.ObservationRecorded{MeasuredAt: now, Readings: []event.Reading{{Quantity: event.SpO2Percent, Value: event.Int(v)}}}}, now)
				return quiet
			}
			fails = false
			for v := range int64(3) {
				if !give(90 + v) {
					t.Fatal("nothing fails, and it is not quiet")
				}
			}
			fails = true
			before := *s.track(event.SpO2Percent)
			for range 4 {
				if give(70) {
					t.Fatal("it fails, and is called quiet")
				}
			}
			if *s.track(event.SpO2Percent) != before {
				t.Fatalf("a look that failed left %+v", s.track(event.SpO2Percent))
			}
			s.Fenced, s.Found.Reasons = []string{"broken"}, []Told{{Rule: ruleFenced + ":broken"}} // and told
			if !give(95) || s.track(event.SpO2Percent).newest().Value != event.Int(95) || s.track(event.SpO2Percent).Count != 4 {
				t.Fatalf("fenced, it goes on: %+v", s.track(event.SpO2Percent))
			}
		})
	}
}

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

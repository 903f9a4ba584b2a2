package rules_test

import (
	"testing"

	"tocsin/rules"
	"tocsin/rules/trial"
	"tocsin/streams/event"
)

// Of a patient whose care has ended nothing is judged or expected; a device that still sends is told of once. When that is
// taken back, what still holds is found again and waiting begins anew.
func TestALR18_NobodyIsJudgedAfterLeaving(t *testing.T) {
	p := patient(t, "news2")
	grave := func() []event.Event { return must(t)(p.Measure(trial.Reading(event.SpO2Percent, event.Int(80)))) }
	if out := grave(); len(out) == 0 || p.State.Found.Severity != event.High {
		t.Fatalf("80 %% is %s", p.State.Found.Severity)
	}
	if out := must(t)(p.Give(&event.PatientLeft{Why: event.LeftDischarged})); len(out) > 0 {
		t.Errorf("leaving led to %s", out[0].Type())
	}
	if next := p.Core.NextDue(p.Facts, p.State); next != event.Never {
		t.Errorf("something is waited for until %s", next)
	}
	for i, want := range []int{1, 0} {
		out := grave()
		if len(out) != want {
			t.Fatalf("reading %d after the leaving led to %d events", i+1, len(out))
		}
		if want == 1 && (out[0].(*event.TechnicalFault)).Kind != rules.FaultLeft {
			t.Errorf("it led to %+v", out[0])
		}
	}
	if out := must(t)(p.Wait(48 * 3_600_000)); len(out) > 0 {
		t.Errorf("two days later came %s", out[0].Type())
	}
	must(t)(p.Give(&event.PatientResumed{}))
	if out := grave(); len(out) == 0 || p.State.Found.Severity != event.High {
		t.Errorf("after it was taken back 80 %% is %s", p.State.Found.Severity)
	}
	must(t)(p.Give(&event.PatientLeft{Why: event.LeftDied}))
	if out := grave(); len(out) != 1 {
		t.Errorf("a second leaving is told of by %d events", len(out))
	}
}

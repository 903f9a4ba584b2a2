package pack

import (
	"slices"
	"testing"

	"tocsin/rules"
	"tocsin/streams/event"
)

// TestRUL4_RepeatThatARuleAsksFor: the reading stays believed, another rule or an answer asks for nothing twice, the next
// reading answers, and unanswered it is a reason that tells when the reading was measured.
func TestRUL4_RepeatThatARuleAsksFor(t *testing.T) {
	p := under(t, &event.Plan{AgeYears: 52}, "neutropenic-fever")
	asked := func() (n int) {
		for _, d := range p.Said {
			if _, ok := d.(*event.RepeatAsked); ok {
				n++
			}
		}
		return n
	}
	give(t, p, upload{"temperature_cel": "38.1"})
	measured := p.Now
	if l, ok := p.State.Latest(event.TemperatureCel); !ok || l.Mark != event.Plausible {
		t.Errorf("the reading is shown as %+v", l)
	}
	pass(t, p, 5*minuteMs)
	give(t, p, upload{"pulse_per_min": "80", "rigors": "0"})
	if asked() != 1 {
		t.Errorf("asked %d times for one reading", asked())
	}
	if _, err := p.Wait(75 * minuteMs); err != nil {
		t.Fatal(err)
	}
	if !slices.Contains(raised(p), rules.RuleUnconfirmed) {
		t.Fatalf("no repeat came, and what holds is %v", raised(p))
	}
	for _, r := range p.State.Found.Reasons {
		if r.Rule == rules.RuleUnconfirmed && r.At != measured {
			t.Errorf("the reason is of %s, the reading of %s", r.At, measured)
		}
	}
	give(t, p, upload{"temperature_cel": "38.2"})
	if asked() != 2 || slices.Contains(raised(p), rules.RuleUnconfirmed) {
		t.Errorf("asked %d times after two readings, and %v holds", asked(), raised(p))
	}
}

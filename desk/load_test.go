package desk

import (
	"container/list"
	"fmt"
	"testing"
	"time"

	"tocsin/streams/event"
)

// More warnings than an operator can take are one technical warning; what is high stands by itself. The flood is over when there
// are few again.
func TestALR15_AFloodIsOneItem(t *testing.T) {
	h := open(t)
	nurse := h.as("nurse", "nurse-a")
	const n = floodAbove + 1
	for i := range n {
		patient := fmt.Sprintf("P-%04d", i)
		h.enrol(patient, "ward")
		h.measure(patient, 80)
	}
	h.until("all are raised", func() bool { return len(nurse.warnings("open")) == n })
	now := event.TimeOf(time.Now())
	for range 3 { // it lasts, and is told once
		h.server.lookAtLoad(t.Context(), now)
	}
	h.until("the flood is told", func() bool { return len(nurse.warnings("open")) == n+1 })
	floods := 0
	for _, w := range nurse.warnings("open") {
		if w.Severity == event.Technical {
			floods++
			if len(w.Reasons) != 1 || w.Rule != "flood" {
				t.Errorf("told as %+v", w)
			}
		}
	}
	if floods != 1 {
		t.Errorf("%d floods", floods)
	}
	if l := h.server.status().Load; l.Raised != n || l.Operators != 1 || l.FloodSince == nil || *l.FloodSince != now {
		t.Errorf("load %+v", l)
	}
	h.server.lookAtLoad(t.Context(), now.Add(loadWindow+time.Second))
	if l := h.server.status().Load; l.Raised != 0 || l.FloodSince != nil {
		t.Errorf("ten minutes later %+v", l)
	}
}

// A flood of ten for each operator begins above ten and ends below five, so that it does not come and go.
func TestALR15_AFloodDoesNotComeAndGo(t *testing.T) {
	var l load
	for i, c := range []struct {
		raised, operators int
		flood             bool
	}{{10, 1, false}, {11, 1, true}, {9, 1, true}, {5, 1, true}, {4, 1, false}, {9, 1, false}, {20, 2, false}, {21, 2, true}, {10, 2, true}, {9, 2, false}} {
		if since := l.count(c.raised, c.operators, event.Time(i+1)); (since != 0) != c.flood {
			t.Errorf("%d: %d warnings for %d: flood since %d", i, c.raised, c.operators, since)
		}
	}
}

// A fifth of a gateway silent within the hour is one outage, of that door alone; those who have long been silent are none.
func TestALR15_AFifthOfAGatewaySilentIsOneOutage(t *testing.T) {
	now := event.TimeOf(time.Now())
	for _, c := range []struct{ fell, before, all, want int }{{5, 0, 25, 1}, {5, 0, 26, 0}, {4, 0, 8, 0}, {0, 20, 25, 0}, {6, 3, 10, 1}} {
		w := newWard(1, isPerson)
		g := &group{people: list.New()}
		put := func(i int, door string, fell event.Time) {
			w.people[fmt.Sprintf("demo/%s-%d", door, i)] = &person{group: g, p: Patient{Looked: Looked{Came: func() (string, event.Time) { return door, fell }}}}
		}
		for i := range c.all {
			switch {
			case i < c.fell:
				put(i, "clinic-9", now.Add(-time.Minute))
			case i < c.fell+c.before:
				put(i, "clinic-9", now.Add(-2*time.Hour))
			default:
				put(i, "clinic-9", 0)
			}
			put(i, "gateway", 0)
		}
		found := w.outages(now)
		if len(found) != c.want || c.want == 1 && (found[0] != outage{"demo", "clinic-9", c.fell, c.all}) {
			t.Errorf("%+v: %+v", c, found)
		}
	}
}

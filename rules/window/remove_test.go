package window

import (
	"encoding/json"
	"slices"
	"testing"

	"pgregory.net/rapid"
	"tocsin/streams/event"
)

// A reading that is taken out leaves the answers as if it had never come, in every step that keeps its readings one by one; in
// denser ones it leaves number, sum, squares and range.
func TestALR22_ARemovedReadingIsAsIfItHadNeverCome(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := draw(t)
		if len(s.all) == 0 {
			return
		}
		was, _ := s.f.newest()
		s.at = max(s.at, event.Time(was.at)) // what left the window because of it does not come back
		gone := s.all[rapid.IntRange(0, len(s.all)-1).Draw(t, "gone")]
		if rapid.IntRange(0, 2).Draw(t, "newest") == 0 {
			gone = was
		}
		i := slices.Index(s.f.all, gone)
		s.f.all = slices.Delete(slices.Clone(s.f.all), i, i+1)
		var next *Point
		left, some := s.f.newest()
		if some {
			next = &Point{event.Time(left.at), event.Decimal(left.v)}
		}
		kept := event.Time(gone.at) >= s.w.floor(s.w.newest.At)
		done := s.w.Remove(Point{event.Time(gone.at), event.Decimal(gone.v)}, gone.alt, true, next, left.alt)
		if kept && !done && s.spec.ReachMs == 0 {
			t.Fatalf("%v is kept and was not taken out", gone)
		}
		if is, known := s.w.Newest(); known != some || known && is != *next {
			t.Fatalf("the newest is %v, want %v", is, next)
		}
		s.more(t, was.at)
		if s.spec.ReachMs > 0 {
			return // what stood behind the window is not known any more
		}
		s.same(t, "count", s.w.Count, s.f.count, 0)
		s.same(t, "mean", s.w.Mean, s.f.mean, 0)
		s.same(t, "in range", s.w.InRange, s.f.inRange, 0)
		if s.sparse() {
			s.same(t, "least", s.w.Min, s.f.min, 0)
			s.same(t, "greatest", s.w.Max, s.f.max, 0)
			s.same(t, "delta", s.w.Delta, s.f.delta, 0)
			s.same(t, "rise", s.w.Rise, s.f.rise, 0)
		}
		text, err := json.Marshal(s.w)
		if err != nil {
			t.Fatal(err)
		}
		var back Window
		if err := json.Unmarshal(text, &back); err != nil {
			t.Fatalf("a checkpoint of it cannot be read: %v\n%s", err, text)
		}
	})
}

// more adds readings after one was taken out: what comes finds its step.
func (s *scene) more(t *rapid.T, from int64) {
	ms, _ := s.f.grid()
	for range rapid.IntRange(0, 6).Draw(t, "more") {
		h := heard{from + rapid.Int64Range(0, 2*ms).Draw(t, "later"), rapid.Int64Range(-40, 140).Draw(t, "value"), false}
		s.all = append(s.all, h)
		s.w.Add(event.Time(h.at), event.Decimal(h.v), h.alt)
		s.f.add(event.Time(h.at), event.Decimal(h.v), h.alt)
		s.at = max(s.at, event.Time(h.at))
	}
}

// sparse tells whether no step held more readings than stand one by one, and every value fits one cell.
func (s *scene) sparse() bool {
	steps := map[event.Time]int{}
	for _, h := range s.all {
		r := reading{event.Time(h.at), event.Decimal(h.v), false}
		if _, ok := pack(r); !ok {
			return false
		}
		steps[s.w.start(r.at)]++
	}
	for _, n := range steps {
		if n > s.w.stride() {
			return false
		}
	}
	return true
}

// One that was never added is not taken out of a step that does not know its readings.
func TestALR22_WhatNeverCameIsNotTakenOutOfSums(t *testing.T) {
	w := New(Spec{LengthMs: 32 * int64(hour)})
	for i := range event.Time(40) {
		w.Add(noon+i*minute, event.Int(100), false)
	}
	before, _ := w.Mean(noon + hour)
	if w.Remove(Point{noon + 30*second, event.Int(500)}, false, false, nil, false) {
		t.Error("it was taken out")
	}
	if after, _ := w.Mean(noon + hour); after != before {
		t.Errorf("the mean went from %v to %v", before, after)
	}
}

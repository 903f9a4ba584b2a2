package window

import (
	"encoding/json"
	"math"
	"slices"
	"testing"

	"pgregory.net/rapid"
	"tocsin/streams/event"
)

const (
	second = event.Time(1000)
	minute = 60 * second
	hour   = 60 * minute
	day    = 24 * hour
)

var noon = event.Time(1_767_268_800_000) // 2026-01-01T12:00:00Z

// scene is a window, the reference and the readings that both took in.
type scene struct {
	spec Spec
	all  []heard
	w    *Window
	f    *reference
	at   event.Time
}

// specs draws windows of all kinds; every one has a range, so that its counts are held against the reference too.
func specs(t *rapid.T) Spec {
	s := Spec{LengthMs: rapid.SampledFrom([]int64{MinLengthMs, 61_001, 15 * 60_000, 3_600_000, 24 * 3_600_000, 72 * 3_600_000, 7 * dayMs, 14 * dayMs, MaxLengthMs}).Draw(t, "length")}
	switch rapid.IntRange(0, 3).Draw(t, "kind") {
	case 0:
		s = Spec{Days: rapid.IntRange(1, MaxDays).Draw(t, "days"), ZoneMin: rapid.SampledFrom([]int{-300, 0, 330, 480}).Draw(t, "zone")}
	case 1:
		s.ReachMs = min(MaxLengthMs, s.LengthMs*rapid.Int64Range(1, 40).Draw(t, "reach"))
	}
	if rapid.Bool().Draw(t, "ranged") {
		s.Ranged, s.Low, s.High, s.AltLow, s.AltHigh = true, 39*event.One/10, event.Int(10), 38*event.One/10, 11*event.One
	}
	return s
}

// draw makes a scene: readings around each other as devices send them, some steps crowded, some hours empty, times equal,
// values below zero, and values that do not fit one cell; then in an order of their own.
func draw(t *rapid.T) *scene {
	s := &scene{spec: specs(t)}
	ms, before := (&reference{spec: s.spec}).grid()
	origin := rapid.SampledFrom([]int64{0, int64(noon), -5 * dayMs, int64(noon) + 12345}).Draw(t, "origin")
	scale := rapid.SampledFrom([]int64{1, 10_000, 100_000, 1_000_000, 3_000_007, 7_000_000, 900_000_000_000}).Draw(t, "scale")
	n := rapid.IntRange(0, 90).Draw(t, "readings")
	at := origin
	for range n {
		switch rapid.IntRange(0, 9).Draw(t, "gap") {
		case 0: // the same moment
		case 1, 2, 3, 4:
			at += rapid.Int64Range(0, ms/4).Draw(t, "ms")
		case 5, 6, 7:
			at += rapid.Int64Range(0, 2*ms).Draw(t, "ms")
		case 8:
			at = at - at%ms + rapid.SampledFrom([]int64{-1, 0, 1, ms - 1, ms}).Draw(t, "edge")
		case 9:
			at += rapid.Int64Range(0, (before+2)*ms).Draw(t, "ms")
		}
		v := scale * rapid.Int64Range(-40, 140).Draw(t, "value")
		s.all = append(s.all, heard{at, v, rapid.IntRange(0, 3).Draw(t, "unit") == 0})
	}
	s.all = rapid.Permutation(s.all).Draw(t, "order")
	if rapid.Bool().Draw(t, "mostly in order") { // as in life: few come late
		slices.SortStableFunc(s.all[:len(s.all)*9/10], func(a, b heard) int { return int(max(-1, min(1, a.at-b.at))) })
	}
	s.w, s.f = New(s.spec), &reference{spec: s.spec}
	for _, h := range s.all {
		s.w.Add(event.Time(h.at), event.Decimal(h.v), h.alt)
		s.f.add(event.Time(h.at), event.Decimal(h.v), h.alt)
	}
	newest, _ := s.f.newest()
	s.at = event.Time(newest.at + rapid.SampledFrom([]int64{0, 0, 1, ms, ms * before / 2, ms * before, ms * (before + 1), -ms, -5 * ms}).Draw(t, "later"))
	return s
}

type question func(event.Time) (float64, bool)

// same checks that window and reference answer alike, to the bit, or to a share of the size where off is given.
func (s *scene) same(t *rapid.T, what string, got, want question, off float64) {
	g, gok := got(s.at)
	v, vok := want(s.at)
	if gok != vok {
		t.Fatalf("%s: known %v, the reference %v\nspec %+v\nat %d\nreadings %v", what, gok, vok, s.spec, s.at, s.f.window(s.at))
	}
	if gok && g != v && !(math.Abs(g-v) <= off) {
		t.Fatalf("%s: %v, the reference %v\nspec %+v\nat %d\nreadings %v", what, g, v, s.spec, s.at, s.f.window(s.at))
	}
}

// size is the greatest magnitude among the readings, at least 1.
func (s *scene) size() float64 {
	m := 1.0
	for _, h := range s.all {
		m = max(m, math.Abs(float64(h.v))/1e6)
	}
	return m
}

func property(t *testing.T, check func(*rapid.T, *scene)) {
	t.Helper()
	rapid.Check(t, func(t *rapid.T) { check(t, draw(t)) })
}

func TestRUL7_Count(t *testing.T) {
	property(t, func(t *rapid.T, s *scene) { s.same(t, "count", s.w.Count, s.f.count, 0) })
}

func TestRUL7_Mean(t *testing.T) {
	property(t, func(t *rapid.T, s *scene) { s.same(t, "mean", s.w.Mean, s.f.mean, 0) })
}

func TestRUL7_Minimum(t *testing.T) {
	property(t, func(t *rapid.T, s *scene) { s.same(t, "min", s.w.Min, s.f.min, 0) })
}

func TestRUL7_Maximum(t *testing.T) {
	property(t, func(t *rapid.T, s *scene) { s.same(t, "max", s.w.Max, s.f.max, 0) })
}

func TestRUL7_Spread(t *testing.T) {
	property(t, func(t *rapid.T, s *scene) { s.same(t, "spread", s.w.Spread, s.f.spread, 0) })
}

func TestRUL7_Delta(t *testing.T) {
	property(t, func(t *rapid.T, s *scene) { s.same(t, "delta", s.w.Delta, s.f.delta, 0) })
}

func TestRUL7_Rise(t *testing.T) {
	property(t, func(t *rapid.T, s *scene) { s.same(t, "rise", s.w.Rise, s.f.rise, 0) })
}

func TestRUL7_Fall(t *testing.T) {
	property(t, func(t *rapid.T, s *scene) { s.same(t, "fall", s.w.Fall, s.f.fall, 0) })
}

func TestRUL7_Slope(t *testing.T) {
	property(t, func(t *rapid.T, s *scene) { s.same(t, "slope", s.w.Slope, s.f.slope, 0) })
}

func TestRUL7_Trend(t *testing.T) {
	property(t, func(t *rapid.T, s *scene) { s.same(t, "trend", s.w.Trend, s.f.trend, 0) })
}

func TestRUL7_InRange(t *testing.T) {
	property(t, func(t *rapid.T, s *scene) { s.same(t, "in range", s.w.InRange, s.f.inRange, 0) })
}

// The reference weighs with math.Exp2, the window in whole numbers and to 2^-24 of a half-life.
func TestRUL7_EWMA(t *testing.T) {
	property(t, func(t *rapid.T, s *scene) {
		half := rapid.SampledFrom([]int64{60_000, 3_600_000, 3 * dayMs}).Draw(t, "half-life")
		s.same(t, "ewma", func(at event.Time) (float64, bool) { return s.w.EWMA(at, half) },
			func(at event.Time) (float64, bool) { return s.f.ewma(at, half) }, 1e-6*s.size())
	})
}

func TestRUL7_Cusum(t *testing.T) {
	property(t, func(t *rapid.T, s *scene) {
		target, k := rapid.Float64Range(-10, 100).Draw(t, "target"), rapid.Float64Range(0, 5).Draw(t, "k")
		s.same(t, "cusum up", func(at event.Time) (float64, bool) { return s.w.CusumUp(at, target, k) },
			func(at event.Time) (float64, bool) { return s.f.cusum(at, target, k, 1) }, 0)
		s.same(t, "cusum down", func(at event.Time) (float64, bool) { return s.w.CusumDown(at, target, k) },
			func(at event.Time) (float64, bool) { return s.f.cusum(at, target, k, -1) }, 0)
	})
}

func TestRUL7_BaselineAndDeviation(t *testing.T) {
	property(t, func(t *rapid.T, s *scene) {
		floor := rapid.SampledFrom([]float64{0, 0.5, 3}).Draw(t, "floor")
		s.same(t, "baseline", s.w.Baseline, s.f.baseline, 0)
		s.same(t, "deviation", func(at event.Time) (float64, bool) { return s.w.Deviation(at, floor) },
			func(at event.Time) (float64, bool) { return s.f.deviation(at, floor) }, 0)
	})
}

func TestRUL7_Days(t *testing.T) {
	property(t, func(t *rapid.T, s *scene) {
		level := rapid.Float64Range(-10, 60).Draw(t, "level")
		days, least := rapid.IntRange(4, 8).Draw(t, "days"), rapid.IntRange(1, 4).Draw(t, "least")
		s.same(t, "days", s.w.Days, s.f.days, 0)
		s.same(t, "days in row", func(at event.Time) (float64, bool) { return s.w.DaysInRow(at, level) },
			func(at event.Time) (float64, bool) { return s.f.daysInRow(at, level) }, 0)
		s.same(t, "day mean", func(at event.Time) (float64, bool) { return s.w.DayMean(at, days, least) },
			func(at event.Time) (float64, bool) { return s.f.dayMean(at, days, least) }, 0)
	})
}

func TestRUL7_SustainedFor(t *testing.T) {
	property(t, func(t *rapid.T, s *scene) {
		if s.spec.Days > 0 {
			return
		}
		bound := rapid.SampledFrom([]float64{-1e9, -5, 0, 3, 38, 60, 1e9}).Draw(t, "bound")
		forMs := int64(rapid.Float64Range(0, 1.02).Draw(t, "part") * float64(s.spec.LengthMs))
		value := func(h heard) float64 { return float(rat(h.v, 1)) }
		for what, c := range map[string]struct {
			got    func(event.Time, float64, int64) (bool, bool)
			beyond func(heard) bool
		}{
			"below":    {s.w.Below, func(h heard) bool { return value(h) < bound }},
			"at most":  {s.w.AtMost, func(h heard) bool { return value(h) <= bound }},
			"above":    {s.w.Above, func(h heard) bool { return value(h) > bound }},
			"at least": {s.w.AtLeast, func(h heard) bool { return value(h) >= bound }},
			"within": {func(at event.Time, _ float64, ms int64) (bool, bool) { return s.w.Within(at, ms) },
				func(h heard) bool { return s.f.in(h) }},
		} {
			if what == "within" && !s.spec.Ranged {
				continue
			}
			holds, known := c.got(s.at, bound, forMs)
			wantHolds, wantKnown := s.f.held(s.at, forMs, c.beyond, true)
			if holds != wantHolds || known != wantKnown {
				t.Fatalf("%s %v for %d ms: %v, known %v; the reference %v, %v\nspec %+v at %d\n%v", what, bound, forMs, holds, known, wantHolds, wantKnown, s.spec, s.at, s.f.sorted())
			}
			inWords, knownInWords := s.f.held(s.at, forMs, c.beyond, false)
			if known != knownInWords || holds && !inWords {
				t.Fatalf("%s %v for %d ms: %v is looser than the words: %v, %v\nspec %+v at %d\n%v", what, bound, forMs, holds, inWords, knownInWords, s.spec, s.at, s.f.sorted())
			}
		}
	})
}

// One reading a step: the answer is that of the words, to the millisecond.
func TestRUL7_SustainedForIsExactWhenReadingsAreFew(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		w, f := New(Held(3_600_000, 12*3_600_000)), &reference{spec: Held(3_600_000, 12*3_600_000)}
		at := noon
		for range rapid.IntRange(1, 40).Draw(t, "readings") {
			at += event.Time(rapid.Int64Range(112_500, 1_800_000).Draw(t, "gap"))
			v := event.Int(rapid.Int64Range(37, 39).Draw(t, "value"))
			w.Add(at, v, false)
			f.add(at, v, false)
			holds, known := w.AtLeast(at, 38, 3_600_000)
			want, wantKnown := f.held(at, 3_600_000, func(h heard) bool { return h.v >= 38_000_000 }, false)
			if holds != want || known != wantKnown {
				t.Fatalf("at least 38 for an hour: %v, known %v; in words %v, %v: %v", holds, known, want, wantKnown, f.sorted())
			}
		}
	})
}

// Whatever the order in which readings come, window and checkpoint are the same to the byte; a clone that goes on leaves
// its original as it was; and a restored window goes on as the one that was saved.
func TestRUL7_OrderNeverShows(t *testing.T) {
	property(t, func(t *rapid.T, s *scene) {
		text := save(t, s.w)
		again := New(s.spec)
		cut := rapid.IntRange(0, len(s.all)).Draw(t, "restart after")
		for i, h := range rapid.Permutation(s.all).Draw(t, "another order") {
			if i == cut {
				saved := save(t, again)
				next := again.Clone()
				if err := json.Unmarshal([]byte(saved), again); err != nil {
					t.Fatalf("%v: %s", err, saved)
				}
				if a, b := save(t, next), save(t, again); a != saved || b != saved {
					t.Fatalf("saved %s\nclone %s\nrestored %s", saved, a, b)
				}
			}
			before, kept := save(t, again), again
			again = again.Clone()
			again.Add(event.Time(h.at), event.Decimal(h.v), h.alt)
			if after := save(t, kept); after != before {
				t.Fatalf("a clone changed its original:\n%s\n%s", before, after)
			}
		}
		if got := save(t, again); got != text {
			t.Fatalf("another order of arrival leaves another window:\n%s\n%s", text, got)
		}
	})
}

// Two readings of one moment and value, sent in two units, of which one is in the range.
func TestRUL7_OrderOfEqualReadingsNeverShows(t *testing.T) {
	spec := Spec{LengthMs: dayMs, Ranged: true, Low: 0, High: event.Int(5), AltLow: 0, AltHigh: event.Int(6)}
	a, b := New(spec), New(spec)
	for i, alt := range []bool{true, false} {
		a.Add(noon, event.Int(6), alt)
		b.Add(noon, event.Int(6), i == 1)
	}
	if x, y := save(t, a), save(t, b); x != y {
		t.Errorf("%s\n%s", x, y)
	}
}

func save(t interface{ Fatal(...any) }, w *Window) string {
	b, err := json.Marshal(w)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// TestNearOfAnyWindows: windows that are empty, have lost all their steps or are full are read without harm.
func TestNearOfAnyWindows(t *testing.T) {
	var all []*Window
	for n := range 40 {
		w := New(Spec{LengthMs: MinLengthMs})
		for i := range n {
			w.Add(noon+event.Time(i*i)*minute, event.Int(int64(i)), false)
			all = append(all, w.Clone())
		}
		all = append(all, w, w.CloneTo(nil))
	}
	Near(all)
	Near(nil)
}

// TestCloneToIsClone: over whatever a window is copied, it is the same window, and shares nothing with the one it was copied from.
func TestCloneToIsClone(t *testing.T) {
	over := New(Spec{LengthMs: dayMs})
	for n := range 60 {
		spec := Spec{LengthMs: 7 * dayMs}
		if n%3 == 0 {
			spec = Spec{LengthMs: dayMs, ReachMs: 2 * dayMs, Ranged: true, High: event.Int(80), AltHigh: event.Int(90)}
		}
		w, at := filled(spec, event.Time(1+n%7)*hour, n)
		want, err := json.Marshal(w)
		if err != nil {
			t.Fatal(err)
		}
		over = w.CloneTo(over)
		over.Add(at, event.Int(99), false)
		again := w.Clone()
		again.Add(at, event.Int(99), false)
		is, _ := json.Marshal(over)
		should, _ := json.Marshal(again)
		left, _ := json.Marshal(w)
		if string(is) != string(should) || string(left) != string(want) || over.Spec() != w.Spec() || !over.Is(&spec) {
			t.Fatalf("%d readings: copied over another it is\n%s\nand not\n%s", n, is, should)
		}
		if spec.LengthMs++; over.Is(&spec) {
			t.Fatalf("%+v is called %+v", over.Spec(), spec)
		}
	}
}

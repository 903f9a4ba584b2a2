package expr

import (
	"fmt"
	"math"
	"slices"

	"tocsin/rules/window"
	"tocsin/streams/event"
)

// reads are the functions that ask a window nothing but the moment.
var reads = map[string]func(*window.Window, event.Time) (float64, bool){
	"mean": (*window.Window).Mean, "min": (*window.Window).Min, "max": (*window.Window).Max,
	"count": (*window.Window).Count, "spread": (*window.Window).Spread, "delta": (*window.Window).Delta,
	"rise": (*window.Window).Rise, "fall": (*window.Window).Fall, "slope": (*window.Window).Slope,
	"trend": (*window.Window).Trend, "baseline": (*window.Window).Baseline, "in_range": (*window.Window).InRange,
	"days": (*window.Window).Days,
}

// helds are the functions that ask whether something has held for a length.
var helds = map[string]func(w *window.Window, at event.Time, bound float64, forMs int64) (holds, known bool){
	"below": (*window.Window).Below, "above": (*window.Window).Above,
	"at_most": (*window.Window).AtMost, "at_least": (*window.Window).AtLeast,
}

// recents are the functions of the newest readings.
var recents = map[string]func(r *Recent, at event.Time) (float64, bool){
	"last":     func(r *Recent, _ event.Time) (float64, bool) { return r.Last, r.Count > 0 },
	"previous": func(r *Recent, _ event.Time) (float64, bool) { return r.Previous, r.Count > 1 },
	"change":   func(r *Recent, _ event.Time) (float64, bool) { return r.Last - r.Previous, r.Count > 1 },
	"age":      func(r *Recent, at event.Time) (float64, bool) { return float64(at-r.At) / minuteMs, r.Count > 0 },
}

// spec answers which window a function reads, and what is wrong with it. What looks at days in a row, or at the newest days
// of a protocol, has no length of its own and reads as many calendar days as a window holds.
func (l *Layout) spec(e Expr) (window.Spec, error) {
	s := window.Spec{LengthMs: e.LengthMs}
	switch e.Func {
	case "below", "above", "at_most", "at_least":
		s = window.Held(e.LengthMs, l.reach(e))
		l.ranged(e, &s)
	case "ewma":
		s.LengthMs *= HalfLives
	case "days":
		s = window.Spec{Days: int(e.LengthMs / dayMs), ZoneMin: l.ZoneMin}
	case "days_in_row", "day_mean":
		s = window.Spec{Days: window.MaxDays, ZoneMin: l.ZoneMin}
	case "in_range":
		if !decimal(e.Args[0].Number) || !decimal(e.Args[1].Number) {
			return s, fmt.Errorf("%s: a bound has at most 6 decimals and is below 1e9", e)
		}
		s.Ranged, s.Low, s.High = true, decimalOf(e.Args[0].Number), decimalOf(e.Args[1].Number)
		s.AltLow, s.AltHigh = s.Low, s.High
		if l.Other != nil {
			s.AltLow, s.AltHigh = l.Other(e.Name, s.Low), l.Other(e.Name, s.High)
		}
	}
	if err := s.Check(); err != nil {
		return s, fmt.Errorf("%s: %w", e, err)
	}
	return s, nil
}

// wide is beyond all readings.
const wide = event.Decimal(1e15)

// ranged lets a window judge each reading of a sustained function by the bound in the unit in which it was sent. It needs a bound
// that is written out; one that is not is compared with what is kept.
func (l *Layout) ranged(e Expr, s *window.Spec) bool {
	if l.Other == nil || e.Args[0].Op != LiteralNumber || !decimal(e.Args[0].Number) {
		return false
	}
	bound := decimalOf(e.Args[0].Number)
	other := l.Other(e.Name, bound)
	if other == bound {
		return false
	}
	s.Ranged, s.Low, s.AltLow, s.High, s.AltHigh = true, -wide, -wide, wide, wide
	switch e.Func { // the grid of a Decimal is one millionth
	case "below":
		s.High, s.AltHigh = bound-1, other-1
	case "at_most":
		s.High, s.AltHigh = bound, other
	case "above":
		s.Low, s.AltLow = bound+1, other+1
	default:
		s.Low, s.AltLow = bound, other
	}
	return true
}

// HeldReachMs is how long before its newest reading a sustained function looks for the one that tells how it was before,
// unless the layout says otherwise: two days, and a day beyond the length, so that a home that measures daily has one.
const HeldReachMs = 2 * dayMs

func (l *Layout) reach(e Expr) int64 {
	if l.Reach != nil {
		return l.Reach(e.Name, e.LengthMs)
	}
	return min(max(e.LengthMs+HeldReachMs/2, HeldReachMs), window.MaxLengthMs)
}

// decimal tells whether x is a Decimal to the last digit.
func decimal(x float64) bool { return math.Abs(x) < 1e9 && decimalOf(x).Float() == x }

func decimalOf(x float64) event.Decimal { return event.Decimal(math.Round(x * float64(event.One))) }

// place answers where the window that e reads is among Windows, and an empty one of its kind for patients who have none. One
// window serves all who look back equally far, until two want to count in different ranges.
func (l *Layout) place(e Expr) (int, *window.Window) {
	want, _ := l.spec(e) // check has refused what is wrong
	empty := window.New(want)
	for i, n := range l.Windows {
		if both, ok := shared(n.Spec, want); ok && n.Series == e.Name {
			l.Windows[i].Spec = both
			return i, empty
		}
	}
	l.Windows = append(l.Windows, Need{e.Name, want})
	return len(l.Windows) - 1, empty
}

// shared answers the Spec of a window that does for a and b.
func shared(a, b window.Spec) (window.Spec, bool) {
	if a.Ranged && b.Ranged && (a.Low != b.Low || a.High != b.High || a.AltLow != b.AltLow || a.AltHigh != b.AltHigh) {
		return a, false
	}
	if !a.Ranged {
		a.Ranged, a.Low, a.High, a.AltLow, a.AltHigh = b.Ranged, b.Low, b.High, b.AltLow, b.AltHigh
	}
	a.ReachMs = max(a.ReachMs, b.ReachMs)
	return a, a.LengthMs == b.LengthMs && a.Days == b.Days && a.ZoneMin == b.ZoneMin
}

// window answers the window of a place, or empty.
func (v *View) window(place int, empty *window.Window) *window.Window {
	if place < len(v.Windows) && v.Windows[place] != nil {
		return v.Windows[place]
	}
	return empty
}

// recent answers the place of a series among Recents and makes one when there is none.
func (l *Layout) recent(series string) int {
	if i := slices.Index(l.Recents, series); i >= 0 {
		return i
	}
	l.Recents = append(l.Recents, series)
	return len(l.Recents) - 1
}

// callNumber makes the closure of a function that answers a number.
func (l *Layout) callNumber(e Expr) number {
	if read, ok := recents[e.Func]; ok {
		i := l.recent(e.Name)
		return func(v *View) (float64, bool) { return read(v.recent(i), v.At) }
	}
	i, empty := l.place(e)
	if read, ok := reads[e.Func]; ok {
		return func(v *View) (float64, bool) { return read(v.window(i, empty), v.At) }
	}
	switch e.Func {
	case "ewma":
		half := e.LengthMs
		return func(v *View) (float64, bool) { return v.window(i, empty).EWMA(v.At, half) }
	case "day_mean":
		days, least := int(e.Args[0].Number), int(e.Args[1].Number)
		return func(v *View) (float64, bool) { return v.window(i, empty).DayMean(v.At, days, least) }
	case "deviation":
		return l.given(e, i, empty, (*window.Window).Deviation)
	case "days_in_row":
		return l.given(e, i, empty, (*window.Window).DaysInRow)
	case "cusum_up":
		return l.givenTwo(e, i, empty, (*window.Window).CusumUp)
	default:
		return l.givenTwo(e, i, empty, (*window.Window).CusumDown)
	}
}

// given makes the closure of a function that is given one number, which itself may be unknown.
func (l *Layout) given(e Expr, place int, empty *window.Window, read func(*window.Window, event.Time, float64) (float64, bool)) number {
	arg := l.number(e.Args[0])
	return func(v *View) (float64, bool) {
		x, ok := arg(v)
		if !ok {
			return 0, false
		}
		return read(v.window(place, empty), v.At, x)
	}
}

func (l *Layout) givenTwo(e Expr, place int, empty *window.Window, read func(*window.Window, event.Time, float64, float64) (float64, bool)) number {
	first, second := l.number(e.Args[0]), l.number(e.Args[1])
	return func(v *View) (float64, bool) {
		x, xok := first(v)
		y, yok := second(v)
		if !xok || !yok {
			return 0, false
		}
		return read(v.window(place, empty), v.At, x, y)
	}
}

// callTruth makes the closure of a function that answers whether something has held for a length.
func (l *Layout) callTruth(e Expr) truth {
	i, empty := l.place(e)
	read, length, bound := helds[e.Func], e.LengthMs, l.number(e.Args[0])
	if l.ranged(e, new(window.Spec)) {
		return func(v *View) Tri {
			holds, known := v.window(i, empty).Within(v.At, length)
			return Tri(bit(known) << (1 ^ bit(holds)))
		}
	}
	return func(v *View) Tri {
		x, ok := bound(v)
		if !ok {
			return Unknown
		}
		holds, known := read(v.window(i, empty), v.At, x, length)
		return Tri(bit(known) << (1 ^ bit(holds)))
	}
}

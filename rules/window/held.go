package window

import "tocsin/streams/event"

// The five that follow are of a window made by Held, and tell whether every reading from the last one that was measured at least
// forMs before the newest, up to the newest, is beyond the bound. The answer is
//
//   - false when the newest reading, or any within forMs before it, is not beyond the bound;
//   - unknown when no reading is at least forMs older than the newest, or the last such one is more than the reach older;
//     also when the newest itself is more than the reach before the moment asked, or forMs is not above 0 and at most the window's length;
//   - otherwise whether all are.
//
// The step in which the last such reading lies counts as a whole. So with many readings a step the answer is up to forMs/32
// stricter than the words, and never looser; with one reading a step it is to the millisecond.

// Below tells whether the readings have been less than bound for so long.
func (w *Window) Below(at event.Time, bound float64, forMs int64) (holds, known bool) {
	return w.held(at, forMs, limit{below, bound})
}

// AtMost tells whether the readings have been bound or less for so long.
func (w *Window) AtMost(at event.Time, bound float64, forMs int64) (holds, known bool) {
	return w.held(at, forMs, limit{atMost, bound})
}

// Above tells whether the readings have been more than bound for so long.
func (w *Window) Above(at event.Time, bound float64, forMs int64) (holds, known bool) {
	return w.held(at, forMs, limit{above, bound})
}

// AtLeast tells whether the readings have been bound or more for so long.
func (w *Window) AtLeast(at event.Time, bound float64, forMs int64) (holds, known bool) {
	return w.held(at, forMs, limit{atLeast, bound})
}

// Within tells whether the readings have been in the range of the Spec for so long. It is the one to ask where a bound
// is written in a unit in which some readings come: each is judged by the bounds of its own.
func (w *Window) Within(at event.Time, forMs int64) (holds, known bool) {
	if w.rng == nil {
		return false, false
	}
	return w.held(at, forMs, limit{within, 0})
}

func (w *Window) held(at event.Time, forMs int64, l limit) (holds, known bool) {
	reach := event.Time(max(w.reach, w.length))
	if !w.some || w.daily() || forMs <= 0 || forMs > int64(w.length) || at-w.newest.At > reach {
		return false, false
	}
	var newest sums
	if newest.put(w.leader()); !l.met(&newest) {
		return false, true
	}
	holds = true
	cut := w.newest.At - event.Time(forMs)
	k := walk{w: w, i: int(w.head), stop: len(w.cells), end: w.floor(w.newest.At)} // without the newest
	for k.step() {
		if k.last < w.newest.At-reach {
			continue // older than the reach: as if it were not there
		}
		if k.first <= cut { // the newest step of which this is true holds the reading that is looked for
			known, holds = true, true
		}
		holds = holds && l.met(&k.sums)
	}
	return holds && known, known || !holds
}

// limit is what all readings of a step have to meet.
type limit struct {
	kind  limitKind
	bound float64
}

type limitKind uint8

const (
	below limitKind = iota
	atMost
	above
	atLeast
	within
)

// met compares the nearest float64 of a reading with a bound that was written as one: equal texts are equal numbers.
func (l limit) met(s *sums) bool {
	switch l.kind {
	case below:
		return s.max.Float() < l.bound
	case atMost:
		return s.max.Float() <= l.bound
	case above:
		return s.min.Float() > l.bound
	case atLeast:
		return s.min.Float() >= l.bound
	case within:
		return s.in == s.n
	}
	return false
}

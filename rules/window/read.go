package window

import (
	"math"

	"tocsin/streams/event"
)

// All that follow answer about the window at a moment, which is not before the newest reading (for an earlier one a window
// answers from what it still keeps), and false where nothing can be said. Values are in the unit of the series.

// Count answers how many readings there are. It is always known: none is 0.
func (w *Window) Count(at event.Time) (float64, bool) {
	s := w.totals(at)
	return float64(s.n), true
}

// Mean is the mean of the readings, each counting alike.
func (w *Window) Mean(at event.Time) (float64, bool) {
	s := w.totals(at)
	return s.mean()
}

// Min is the least reading.
func (w *Window) Min(at event.Time) (float64, bool) {
	s := w.totals(at)
	return s.min.Float(), s.n > 0
}

// Max is the greatest reading.
func (w *Window) Max(at event.Time) (float64, bool) {
	s := w.totals(at)
	return s.max.Float(), s.n > 0
}

// Spread is the sample standard deviation (n-1) of the readings; not known below two.
func (w *Window) Spread(at event.Time) (float64, bool) {
	s := w.totals(at)
	if s.n < 2 || !s.weighty() {
		return 0, false
	}
	num := w.allSquares(at).times(s.n).sub(product(s.sum, s.sum)) // n·Σv² - (Σv)², both below 2^126
	den := narrow(s.n).times(s.n - 1).times(uint64(event.One) * uint64(event.One))
	return math.Sqrt(ratio(num, den)), true
}

// allSquares adds up the squares of the readings.
func (w *Window) allSquares(at event.Time) u128 {
	var all u128
	k := w.walk(at)
	for i := k.i; i < k.stop; i = w.after(i) {
		if c := w.cells[i]; c&summed == 0 {
			all = all.add(square(w.unpack(c).value))
		} else {
			all = all.add(w.squares(i))
		}
	}
	if k.newest {
		all = all.add(square(w.newest.Value))
	}
	return all
}

// Delta is the newest reading less the oldest of the window. Not known when the newest has left the window or is alone.
func (w *Window) Delta(at event.Time) (float64, bool) {
	s := w.earlier(at)
	return (w.newest.Value - s.oldest).Float(), s.n > 0 && w.shows(at)
}

// Rise is the newest reading less the least of the window's earlier ones: below zero when it is less than all of them.
// Not known when the newest has left the window or is alone. The difference is taken in millionths: 82.1 kg after 80 kg
// is a rise of 2.1, not above it.
func (w *Window) Rise(at event.Time) (float64, bool) {
	s := w.earlier(at)
	return (w.newest.Value - s.min).Float(), s.n > 0 && w.shows(at)
}

// Fall is the greatest of the window's earlier readings less the newest, otherwise as Rise.
func (w *Window) Fall(at event.Time) (float64, bool) {
	s := w.earlier(at)
	return (s.max - w.newest.Value).Float(), s.n > 0 && w.shows(at)
}

// InRange answers how many readings of a hundred lay in the range of the Spec; not known without one.
func (w *Window) InRange(at event.Time) (float64, bool) {
	s := w.totals(at)
	if s.n == 0 || w.rng == nil {
		return 0, false
	}
	return float64(100*s.in) / float64(s.n), true
}

// weighty tells whether the sums of s are right: they may have run over when the number of readings times the greatest
// magnitude reaches 2^63, nine million millions of the unit. No body gives such numbers; what is asked of them is unknown.
func (s *sums) weighty() bool {
	most := max(magnitude(int64(s.min)), magnitude(int64(s.max)))
	return s.n < 1<<31 && most <= math.MaxInt64/max(s.n, 1)
}

// mean is the float64 nearest to the mean; false when there is none.
func (s *sums) mean() (float64, bool) {
	if s.n == 0 || !s.weighty() {
		return 0, false
	}
	return ratio(signed(s.sum), narrow(s.n).times(uint64(event.One))), true
}

func signed(n int64) u128 { return product(n, 1) }

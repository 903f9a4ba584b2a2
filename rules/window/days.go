package window

import "tocsin/streams/event"

// The three that follow are of day windows; of any other they are unknown. Times of day follow the zone of the Spec.

// Days answers on how many of the window's calendar days there was a reading.
func (w *Window) Days(at event.Time) (float64, bool) {
	n := 0
	k := w.walk(at)
	for k.step() {
		n++
	}
	return float64(n), w.daily()
}

// DaysInRow counts observed days, the newest first, on which the greatest value reached level, up to the first on which it
// did not. One day without a reading may lie between two of them: a diary day that is missing says nothing, two
// of them end the row. Not known when the window has no reading.
func (w *Window) DaysInRow(at event.Time, level float64) (float64, bool) {
	n, known := 0, false
	var before event.Time
	k := w.walk(at)
	for k.step() {
		day := w.start(k.first)
		if day-before > 2*dayMs {
			n = 0
		}
		if n++; k.max.Float() < level {
			n = 0
		}
		before, known = day, true
	}
	return float64(n), known && w.daily()
}

// DayMean is the protocol for blood pressure at home (NICE NG136): of the newest days with readings, at most so many, the
// first is left out, and the mean is of all readings of the others. Not known below least such days, the first among them,
// nor below two.
func (w *Window) DayMean(at event.Time, days, least int) (float64, bool) {
	var all [parts + 1]sums
	n := 0
	k := w.walk(at)
	for ; k.step(); n++ {
		all[n] = k.sums
	}
	if !w.daily() || n < max(least, 2) || days < max(least, 2) {
		return 0, false
	}
	used := all[max(n-days, 0)+1 : n]
	sum := used[0]
	for i := range used[1:] {
		sum.total(&used[i+1])
	}
	return sum.mean()
}

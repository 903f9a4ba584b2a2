package window

import (
	"slices"

	"tocsin/streams/event"
)

// The place of a step in time is the middle between its first and its last reading, here in half milliseconds.
const halfMsPerDay = 2 * dayMs

// A line is drawn through at least three steps that reach over at least a quarter of the window: two readings on
// either side of a step's edge would otherwise make a slope of hundreds a day.
const leastSteps, leastShare = 3, 4

// wide tells whether n steps with places from first to last can bear a line.
func (w *Window) bears(n int, first, last int64) bool {
	from, to := w.span(0)
	length := to - from - w.step()
	return n >= leastSteps && (last-first)*leastShare >= 2*int64(length)
}

func (s *sums) place() int64 { return int64(s.first) + int64(s.last) }

// Slope is the change per day of the line of least squares through the means of the steps, each at its place and
// weighing as many as it has readings.
func (w *Window) Slope(at event.Time) (float64, bool) {
	var all sums
	var n int
	var origin, x int64
	var sx int64      // Σ n·x
	var sxx, sxy u128 // Σ n·x², Σ x·sum
	k := w.walk(at)
	for ; k.step(); n++ {
		if n == 0 {
			origin = k.place()
		}
		all.total(&k.sums)
		x = k.place() - origin
		sx += x * int64(k.n)
		sxx = sxx.add(product(x, x).times(k.n))
		sxy = sxy.add(product(x, k.sum))
	}
	// With x below 2^33 and less than 2^25 readings every product below stays under 2^127.
	if !w.bears(n, 0, x) || !all.weighty() || !all.light() {
		return 0, false
	}
	num := sxy.times(all.n).sub(product(sx, all.sum))
	den := sxx.times(all.n).sub(product(sx, sx))
	// Half milliseconds to days and millionths to ones: 172,800,000 / 1,000,000 is 864 / 5.
	return ratio(num.times(halfMsPerDay/200_000), den.times(uint64(event.One)/200_000)), true
}

// light tells whether n²·magnitude stays below 2^83 and n below 2^25: with a place below 2^33 Slope then stays in 128 bits.
func (s *sums) light() bool {
	most := max(magnitude(int64(s.min)), magnitude(int64(s.max)))
	return s.n < 1<<25 && narrow(s.n).times(s.n).times(most).len() <= 83
}

// Trend is the median of the changes per day between every two steps, by their means and places (Theil and Sen). An odd
// reading now and then does not move it.
func (w *Window) Trend(at event.Time) (float64, bool) {
	var means [parts + 1]float64
	var places [parts + 1]int64
	n := 0
	k := w.walk(at)
	for ; k.step(); n++ {
		m, ok := k.mean()
		if !ok {
			return 0, false
		}
		means[n], places[n] = m, k.place()
	}
	if !w.bears(n, places[0], places[max(n-1, 0)]) {
		return 0, false
	}
	var slopes [parts * (parts + 1) / 2]float64
	pairs := 0
	for i := range n {
		for j := i + 1; j < n; j++ {
			slopes[pairs] = (means[j] - means[i]) * halfMsPerDay / float64(places[j]-places[i])
			pairs++
		}
	}
	return median(slopes[:pairs]), true
}

// median sorts all, of which there is at least one, and answers its middle.
func median(all []float64) float64 {
	slices.Sort(all)
	n := len(all)
	if n%2 == 1 {
		return all[n/2]
	}
	return (all[n/2-1] + all[n/2]) / 2
}

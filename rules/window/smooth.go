package window

import (
	"math/bits"

	"tocsin/streams/event"
)

// EWMA is the mean of the readings, each weighing half as much as one that is halfLifeMs younger; a step's readings
// weigh as at its place (see Slope), to 2^-24 of a half-life. Made for a window of five half-lives.
func (w *Window) EWMA(at event.Time, halfLifeMs int64) (float64, bool) {
	if halfLifeMs <= 0 || halfLifeMs > MaxLengthMs {
		return 0, false
	}
	var now int64
	k := w.walk(at)
	for k.step() {
		now = k.place()
	}
	var all sums
	var num, den u128
	k = w.walk(at)
	for k.step() {
		all.total(&k.sums)
		weight := halving(uint64(now-k.place()), uint64(2*halfLifeMs))
		num = num.add(product(k.sum, int64(weight)))
		den = den.add(narrow(weight).times(k.n))
	}
	if all.n == 0 || !all.weighty() {
		return 0, false
	}
	return ratio(num, den.times(uint64(event.One))), true
}

// halving answers 2^(-age/half) in units of 2^-52, rounded down, with age/half rounded down to 2^-24. It is in whole
// numbers because math.Exp2 has other last bits on other processors.
func halving(age, half uint64) uint64 {
	whole := age / half
	if whole > 52 {
		return 0
	}
	part := (age % half) << 24 / half
	weight := roots[0][part>>16]
	weight, _ = bits.Mul64(weight, roots[1][part>>8&0xff])
	weight, _ = bits.Mul64(weight, roots[2][part&0xff])
	return weight >> (9 + whole)
}

// roots are 2^-(n/256), 2^-(n/256²) and 2^-(n/256³) for n below 256, in units of 2^-63, from halves.
var roots = func() (t [3][256]uint64) {
	for i := range t {
		for n := range t[i] {
			power := uint64(1) << 63
			for bit := range 8 {
				if n>>(7-bit)&1 != 0 {
					power, _ = bits.Mul64(power, halves[8*i+bit])
				}
			}
			t[i][n] = power
		}
	}
	return t
}()

// halves are 2^-(1/2), 2^-(1/4), 2^-(1/8) … in units of 2^-64, rounded down.
var halves = [24]uint64{
	0xb504f333f9de6484, 0xd744fccad69d6af4, 0xeac0c6e7dd24392e, 0xf5257d152486cc2c, 0xfa83b2db722a033a, 0xfd3e0c0cf486c174,
	0xfe9e115c7b8f884b, 0xff4ecb59511ec8a5, 0xffa756521c8daed1, 0xffd3a751c0f7e10b, 0xffe9d2b2f7db2755, 0xfff4e91bff1b8c3d,
	0xfffa747ea0040664, 0xfffd3a3b7814eb53, 0xfffe9d1cc60ddab1, 0xffff4e8e25879bfa, 0xffffa7470363f451, 0xffffd3a37dda0313,
	0xffffe9d1bdf703ae, 0xfffff4e8debe025e, 0xfffffa746f4fa150, 0xfffffd3a37a3f8b0, 0xfffffe9d1bd1065a, 0xffffff4e8de845ad,
}

// CusumUp is S after all steps, oldest first, of S = max(0, S + (mean - target - k)), beginning with 0 (Page 1954): how far the
// series has drifted above its target, deviations below k forgiven at each step.
func (w *Window) CusumUp(at event.Time, target, k float64) (float64, bool) {
	return w.cusum(at, func(mean float64) float64 { return mean - target - k })
}

// CusumDown is the same for drift below the target, and not negative either.
func (w *Window) CusumDown(at event.Time, target, k float64) (float64, bool) {
	return w.cusum(at, func(mean float64) float64 { return target - mean - k })
}

func (w *Window) cusum(at event.Time, off func(mean float64) float64) (float64, bool) {
	s, known := 0.0, false
	k := w.walk(at)
	for k.step() {
		mean, ok := k.mean()
		if !ok {
			return 0, false
		}
		s, known = max(0, s+off(mean)), true
	}
	return s, known
}

// quiet is how long before the newest reading the baseline ends, so that what is judged does not move its own measure.
const quiet = dayMs

// Baseline is the median of the means of the steps all of whose readings were measured 24 hours before the newest reading
// or earlier. Not known below three such steps.
func (w *Window) Baseline(at event.Time) (float64, bool) {
	var means [parts + 1]float64
	n, ok := w.usual(at, &means)
	if !ok {
		return 0, false
	}
	return median(means[:n]), true
}

// usual fills in the means behind the baseline.
func (w *Window) usual(at event.Time, means *[parts + 1]float64) (n int, ok bool) {
	k := w.walk(at)
	for k.step() {
		if k.last > w.newest.At-quiet {
			break
		}
		if means[n], ok = k.mean(); !ok {
			return 0, false
		}
		n++
	}
	return n, n >= leastSteps
}

// Deviation is the newest reading less the baseline, in robust standard deviations: 1.4826 times the median distance of
// the baseline's means from it (MAD), but at least floor, which is in the unit of the series. Not known without baseline,
// with the newest reading out of the window, or where both are zero.
func (w *Window) Deviation(at event.Time, floor float64) (float64, bool) {
	var means [parts + 1]float64
	n, ok := w.usual(at, &means)
	if !ok || !w.shows(at) {
		return 0, false
	}
	base := median(means[:n])
	for i, m := range means[:n] {
		means[i] = max(m-base, base-m)
	}
	unit := max(float64(1.4826*median(means[:n])), floor)
	if !(unit > 0) {
		return 0, false
	}
	return (w.newest.Value.Float() - base) / unit, true
}

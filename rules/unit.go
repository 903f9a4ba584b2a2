package rules

import "tocsin/streams/event"

// mgPerDLFactor is how many mg/dL of glucose are one mmol/L, in ten-thousandths (180.156 g/mol).
const mgPerDLFactor = 180_156

// MgPerDL answers a whole number of mg/dL of glucose in mmol/L, to the millionth.
func MgPerDL(n int64) event.Decimal {
	return event.Decimal((n*10_000*int64(event.One) + mgPerDLFactor/2) / mgPerDLFactor)
}

// inMgPerDL tells whether a glucose reading in mmol/L was sent in mg/dL: it has more than the two decimals that a meter
// in mmol/L shows at most, and is a whole number of mg/dL. Such a reading is held against the thresholds in mg/dL.
func inMgPerDL(v event.Decimal) bool {
	if v <= 0 || v%(event.One/100) == 0 || v > 200*event.One {
		return false
	}
	n := (int64(v)*mgPerDLFactor/10_000 + int64(event.One)/2) / int64(event.One)
	return max(MgPerDL(n)-v, v-MgPerDL(n)) <= 1
}

// inBothUnits tells whether readings of a series are sent in mmol/L by some and in mg/dL by others.
func inBothUnits(series string) bool {
	return series == event.GlucoseMmolPerL.String() || series == event.SensorGlucoseMmolPerL.String()
}

// InMgPerDL answers what a bound of glucose that is written in mmol/L is in mg/dL, as mmol/L to the millionth. Tables of
// thresholds give both units, the second rounded to one decimal: 3.9 stands beside 70, 10.0 beside 180, 7.8 beside 140. So
// it is the whole number of mg/dL that rounds to the bound: of several the multiple of ten, else of five, else the nearest.
// A bound that has more decimals than one was written by nobody beside mg/dL and is answered as it is.
func InMgPerDL(bound event.Decimal) event.Decimal {
	const grid = event.One / 10
	if bound <= 0 || bound > 200*event.One || bound%grid != 0 {
		return bound
	}
	best, rank := bound, -1
	near := int64(bound) * mgPerDLFactor / 10_000 / int64(event.One)
	for n := max(near-1, 1); n <= near+2; n++ {
		v := MgPerDL(n)
		if v.RoundTo(grid) != bound {
			continue
		}
		r := round(n)
		if r > rank || r == rank && distance(v, bound) < distance(best, bound) {
			best, rank = v, r
		}
	}
	return best
}

// round answers how round a number is: 2 for a multiple of ten, 1 of five.
func round(n int64) int {
	switch {
	case n%10 == 0:
		return 2
	case n%5 == 0:
		return 1
	default:
		return 0
	}
}

func distance(a, b event.Decimal) event.Decimal { return max(a-b, b-a) }

// otherUnit is InMgPerDL for a series that has two units, and the bound itself for any other.
func otherUnit(series string, bound event.Decimal) event.Decimal {
	if inBothUnits(series) {
		return InMgPerDL(bound)
	}
	return bound
}

// asWritten answers a reading as conditions compare it: glucose that was sent in mg/dL stands at its bound in mmol/L when
// it is that bound in mg/dL, and between two bounds otherwise. So 54 mg/dL is not below 3.0, 180 is not above 10.0 and 181 is.
// It differs from what is kept by less than 0.1; windows, which take means, have what is kept.
func asWritten(q event.Quantity, v event.Decimal) event.Decimal {
	if q != event.GlucoseMmolPerL && q != event.SensorGlucoseMmolPerL || !inMgPerDL(v) {
		return v
	}
	const grid = event.One / 10
	low := v/grid*grid + grid // one too high: the bound in mg/dL may lie on either side of the one in mmol/L
	for InMgPerDL(low) > v+1 {
		low -= grid
	}
	switch {
	case distance(InMgPerDL(low), v) <= 1:
		return low
	case low < v && v < low+grid:
		return v
	default:
		return low + grid/2
	}
}

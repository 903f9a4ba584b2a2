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

package study

// The utility of the PhysioNet/CinC Challenge 2019 (evaluate_sepsis_score.py of its evaluation repository): an alarm in an
// hour is worth most six hours before sepsis, which is where labels begin; a missed hour costs more the later it is.
const (
	utilityEarly   = -12 // hours from sepsis: before it an alarm is a false one
	utilityBest    = -6
	utilityLate    = 3 // after it nothing counts
	utilityFalse   = -0.05
	utilityMissed  = -2.0
	labelsPrecede  = 6 // the first labelled row is so many before sepsis
	utilityHighest = 1.0
)

// Utility sums over one stay's rows what the predictions are worth, and what the best possible and none at all would be.
func Utility(labels, predictions []bool) (observed, best, inaction float64) {
	sepsis, septic := 0, false
	for i, l := range labels {
		if l {
			sepsis, septic = i+labelsPrecede, true
			break
		}
	}
	for i := range labels {
		alarm, silent := hourUtility(i-sepsis, septic)
		if predictions[i] {
			observed += alarm
		} else {
			observed += silent
		}
		inaction += silent
		best += bestOf(i-sepsis, septic, alarm, silent)
	}
	return observed, best, inaction
}

// bestOf is the scorer's own idea of the best: an alarm in each hour from the early end to the late one, else none.
func bestOf(t int, septic bool, alarm, silent float64) float64 {
	if septic && t >= utilityEarly && t <= utilityLate {
		return alarm
	}
	return silent
}

// hourUtility answers what an alarm and silence are worth t hours from sepsis.
func hourUtility(t int, septic bool) (alarm, silent float64) {
	if !septic {
		return utilityFalse, 0
	}
	if t > utilityLate {
		return 0, 0
	}
	x := float64(t)
	if t <= utilityBest {
		alarm = max(utilityHighest*(x-utilityEarly)/(utilityBest-utilityEarly), utilityFalse)
		return alarm, 0
	}
	return utilityHighest * (utilityLate - x) / (utilityLate - utilityBest), utilityMissed * (x - utilityBest) / (utilityLate - utilityBest)
}

// Normalised puts a cohort's sums so that none at all is 0 and the best possible is 1. It is the ratio of sums, not the
// mean of patients. known is false where there is nothing to gain.
func Normalised(observed, best, inaction float64) (value float64, known bool) {
	if best == inaction {
		return 0, false
	}
	return (observed - inaction) / (best - inaction), true
}

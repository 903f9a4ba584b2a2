package study

import "slices"

// Case is one thing that was scored, and whether it is one of those to be found.
type Case struct {
	Score    float64
	Positive bool
}

// Point is one threshold of a ROC curve: scores of At and above are called positive.
type Point struct{ At, FalsePositive, TruePositive float64 }

// ROC answers the curve, the highest threshold first, and the area under it: the share of pairs of a positive and a
// negative in which the positive scores higher, a tie counting one half (Mann and Whitney). known is false when there are
// no positives or no negatives.
func ROC(cases []Case) (curve []Point, area float64, known bool) {
	sorted := slices.Clone(cases)
	slices.SortFunc(sorted, func(a, b Case) int {
		switch {
		case a.Score > b.Score:
			return -1
		case a.Score < b.Score:
			return 1
		}
		return 0
	})
	positives, negatives := 0, 0
	for _, c := range sorted {
		if c.Positive {
			positives++
		} else {
			negatives++
		}
	}
	if positives == 0 || negatives == 0 {
		return nil, 0, false
	}
	tp, fp, doubled := 0, 0, 0 // doubled is twice the count of pairs, so that it stays whole
	for i := 0; i < len(sorted); {
		p, n, at := 0, 0, sorted[i].Score
		for ; i < len(sorted) && sorted[i].Score == at; i++ {
			if sorted[i].Positive {
				p++
			} else {
				n++
			}
		}
		doubled += n * (2*tp + p)
		tp, fp = tp+p, fp+n
		curve = append(curve, Point{at, float64(fp) / float64(negatives), float64(tp) / float64(positives)})
	}
	return curve, float64(doubled) / 2 / float64(positives) / float64(negatives), true
}

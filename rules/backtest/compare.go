package backtest

import (
	"cmp"
	"slices"
	"time"

	"tocsin/streams/event"
)

// Same is how far apart two warnings may be raised and still count as raised at one moment.
const Same = time.Minute

// DefaultTolerance is how far apart they may be raised and still be about one and the same thing.
const DefaultTolerance = 24 * time.Hour

// Pair is a warning of each side about one thing; -1 where a side has none. Shift is how much later the candidate's came.
type Pair struct {
	Against, Candidate int
	Shift              time.Duration
}

// Kind is what became of a warning.
type Kind string

// The kinds.
const (
	New     Kind = "new"     // the candidate's alone
	Lost    Kind = "lost"    // the other's alone
	Equal   Kind = "same"    // within a minute
	Earlier Kind = "earlier" // the candidate's came first
	Later   Kind = "later"
)

// Kind answers what became of it.
func (p Pair) Kind() Kind {
	switch {
	case p.Against < 0:
		return New
	case p.Candidate < 0:
		return Lost
	case p.Shift < -Same:
		return Earlier
	case p.Shift > Same:
		return Later
	default:
		return Equal
	}
}

// Match lays two sides' warnings side by side. Two can be one pair when they are of one patient and one problem and were
// raised no further apart than the tolerance; the nearest are paired first (at one distance those of the earlier moment), and
// each belongs to one pair. Pairs come in the order of their first moment.
func Match(against, candidate []Warning, tolerance time.Duration) []Pair {
	var near []Pair
	by := byProblem(candidate)
	for i := range against {
		a := &against[i]
		for _, k := range by[problem{a.Patient, a.Problem}] {
			if shift := candidate[k].At.Sub(a.At); shift.Abs() <= tolerance {
				near = append(near, Pair{i, k, shift})
			}
		}
	}
	slices.SortFunc(near, func(a, b Pair) int {
		return cmp.Or(cmp.Compare(a.Shift.Abs(), b.Shift.Abs()), cmp.Compare(against[a.Against].At, against[b.Against].At),
			cmp.Compare(a.Against, b.Against), cmp.Compare(a.Candidate, b.Candidate))
	})
	left, right := make([]bool, len(against)), make([]bool, len(candidate))
	var pairs []Pair
	for _, p := range near {
		if !left[p.Against] && !right[p.Candidate] {
			left[p.Against], right[p.Candidate] = true, true
			pairs = append(pairs, p)
		}
	}
	for i, done := range left {
		if !done {
			pairs = append(pairs, Pair{Against: i, Candidate: -1})
		}
	}
	for k, done := range right {
		if !done {
			pairs = append(pairs, Pair{Against: -1, Candidate: k})
		}
	}
	slices.SortFunc(pairs, func(a, b Pair) int {
		x, y := a.first(against, candidate), b.first(against, candidate)
		return cmp.Or(byTime(*x, *y), cmp.Compare(a.Candidate, b.Candidate))
	})
	return pairs
}

func byProblem(all []Warning) map[problem][]int {
	by := map[problem][]int{}
	for i := range all {
		p := problem{all[i].Patient, all[i].Problem}
		by[p] = append(by[p], i)
	}
	return by
}

// first answers the earlier warning of a pair.
func (p Pair) first(against, candidate []Warning) *Warning {
	switch {
	case p.Against < 0:
		return &candidate[p.Candidate]
	case p.Candidate < 0 || against[p.Against].At <= candidate[p.Candidate].At:
		return &against[p.Against]
	default:
		return &candidate[p.Candidate]
	}
}

// outcomes gives a side's warnings what people said of the live ones that match them.
func outcomes(live, side []Warning, tolerance time.Duration) {
	for _, p := range Match(live, side, tolerance) {
		if p.Against >= 0 && p.Candidate >= 0 {
			side[p.Candidate].Outcome = live[p.Against].Outcome
		}
	}
}

// graver orders severities for comparison; technical stands apart.
func graver(a, b event.Severity) int { return cmp.Compare(rank(a), rank(b)) }

func rank(s event.Severity) int {
	if s == event.Technical {
		return 1
	}
	return int(s)
}

package desk

import (
	"slices"

	"tocsin/rules"
	"tocsin/streams/event"
)

// LookAtRules reads what the rules know of a patient. The states are never altered, so the working out waits until
// somebody looks, and is told the partition's moment then: a score of values that have become too old since is none.
func LookAtRules(facts func() rules.Facts, state rules.State) Looked {
	return Looked{
		Silent: len(state.Silences) > 0,
		Vitals: func(clock event.Time) Vitals { return vitalsOf(facts(), state, clock) },
		Stands: func(clock event.Time) rules.Standing { return rules.Stands(facts(), state, clock) },
		Came:   func() (door string, fell event.Time) { return rules.Came(facts(), state) },
	}
}

func vitalsOf(facts rules.Facts, state rules.State, clock event.Time) Vitals {
	v := Vitals{Latest: map[string]Latest{}, Trend: map[string][]Point{}, Measures: measuresOf(rules.MeasuresOf(facts, state, clock))}
	if scored := rules.Assess(facts, state, clock); scored != nil {
		v.Score = scored.Score
	}
	for q := event.Quantity(1); int(q) < event.Quantities; q++ {
		if l, ok := state.Latest(q); ok {
			v.Latest[q.String()] = Latest{Value: l.Value, Mark: l.Mark, MeasuredAt: l.MeasuredAt, Clock: l.Clock, Stale: stale(v.Score, q)}
		}
		for _, p := range state.Trend(q) {
			v.Trend[q.String()] = append(v.Trend[q.String()], Point{At: p.At, Value: p.Value})
		}
	}
	for _, s := range state.Silences {
		v.Silent = append(v.Silent, SilentSignal{Quantity: s.Quantity, Since: s.Since})
	}
	return v
}

// stale tells whether the score holds a value but does not count it, since it is too old.
func stale(score *event.Score, q event.Quantity) bool {
	return score != nil && slices.ContainsFunc(score.Parts, func(p event.Part) bool { return p.Quantity == q && p.Stale })
}

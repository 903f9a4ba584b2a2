package desk

import (
	"tocsin/rules"
	"tocsin/streams/event"
)

// LookAtRules reads what the rules know of a patient; it is what Watch wants when the rules are package rules.
func LookAtRules(_ rules.Facts, state rules.State, _ event.Time) (silent bool, vitals func() Vitals) {
	return len(state.Silences) > 0, func() Vitals { return vitalsOf(&state) }
}

func vitalsOf(s *rules.State) Vitals {
	v := Vitals{Latest: map[string]Latest{}, Trend: map[string][]Point{}, Score: s.Score()}
	stale := map[event.Quantity]bool{}
	if v.Score != nil {
		for _, p := range v.Score.Parts {
			stale[p.Quantity] = p.Stale
		}
	}
	for q := event.Quantity(1); int(q) < event.Quantities; q++ {
		if l, ok := s.Latest(q); ok {
			v.Latest[q.String()] = Latest{Value: l.Value, Mark: l.Mark, MeasuredAt: l.MeasuredAt, Clock: l.Clock, Stale: stale[q]}
		}
		for _, p := range s.Trend(q) {
			v.Trend[q.String()] = append(v.Trend[q.String()], Point{p.At, p.Value})
		}
	}
	for _, x := range s.Silences {
		v.Silent = append(v.Silent, SilentSignal{Quantity: x.Quantity, Since: x.Since})
	}
	return v
}

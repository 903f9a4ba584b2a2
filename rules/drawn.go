package rules

import (
	"tocsin/rules/expr"
	"tocsin/streams/event"
)

// drawn is what Finish draws from a pack so that no look has to search for it.
type drawn struct {
	fixed   []float64        // by slot: the numbers of conditions, as the pack gives them
	known   [2]uint64        // which of the slots those are, a bit each
	moving  []int            // all other slots
	recents []source         // behind layout.Recents
	windows []event.Quantity // behind layout.Windows; NoQuantity where it is no signal
	asksOne bool             // a condition asks for a repeat
	beside  bool             // a score stands beside the leading one
}

// source is what a series is of.
type source struct {
	q    event.Quantity // of a signal
	name string         // of an answer or derived series
	unit event.Quantity // GlucoseMmolPerL where readings come in two units
}

func sourceOf(series string) (s source) {
	if q, err := event.ParseQuantity(series); err == nil {
		s.q = q
	} else {
		s.name = series
	}
	if inBothUnits(series) {
		s.unit = event.GlucoseMmolPerL
	}
	return s
}

// draw fills in what follows from layout, slots and rules.
func (p *Pack) draw() {
	p.drawn = drawn{fixed: make([]float64, len(p.slots))}
	var v expr.View
	for i := range p.slots {
		if sl := &p.slots[i]; sl.kind == paramSlot {
			v.Set(i, p.Rules[sl.rule].Params[sl.param].Value.Float())
			p.drawn.fixed[i] = v.Value[i]
		} else {
			p.drawn.moving = append(p.drawn.moving, i)
		}
	}
	p.drawn.known = v.Known
	for _, series := range p.layout.Recents {
		p.drawn.recents = append(p.drawn.recents, sourceOf(series))
	}
	for i := range p.layout.Windows {
		p.drawn.windows = append(p.drawn.windows, sourceOf(p.layout.Windows[i].Series).q)
	}
	for i := range p.Rules {
		r := &p.Rules[i]
		p.drawn.asksOne = p.drawn.asksOne || r.Repeat != nil
		r.notes = nil
		for _, name := range r.Needs {
			r.notes = append(r.notes, ruleFacts+":"+name)
		}
	}
	for i := range p.Scores {
		p.drawn.beside = p.drawn.beside || p.Scores[i].Beside
	}
	for i := range p.Conflicts {
		p.Conflicts[i].note = RuleConflict + ":" + p.Conflicts[i].about()
	}
}

// of answers the track of a source; nil when nothing came.
func (s *State) of(x source) *Track {
	if x.name == "" {
		return s.track(x.q)
	}
	if i, ok := s.said(x.name); ok && s.Said[i].Track.Count > 0 {
		return s.Said[i].Track
	}
	return nil
}

// answers tells whether a window is what a pack asks for.
func (h *Held) answers(n *expr.Need) bool { return h.Series == n.Series && h.Window.Is(&n.Spec) }

package rules

import (
	"slices"

	"tocsin/rules/window"
	"tocsin/streams/event"
)

// disown takes readings that were not this patient's out of all that is judged (ALR-22): tracks, windows, open questions, and what
// was told because of them. What the remaining readings say holds from here on, whether that is less or more.
//
// What a score of past sets has taught about the patient's usual stays, and so do the extremes of a step so dense that a window
// keeps it as sums (see window.Remove).
func (e *eval) disown(d *event.Disowned) {
	at := min(d.MeasuredAt, e.now)
	e.rewind()
	var gone []event.Quantity
	for _, r := range d.Readings {
		if r.Quantity != event.NoQuantity && int(r.Quantity) < event.Quantities && e.drop(r.Quantity, Point{at, r.Value}) {
			gone = append(gone, r.Quantity)
		}
	}
	if len(gone) > 0 {
		e.dropDerived(gone, at)
		e.retally()
		e.habit()
	}
}

// drop takes one reading of a signal out; false: it is not known any more, or was never believed nor asked about.
func (e *eval) drop(q event.Quantity, p Point) bool {
	known := false
	if i := e.s.wait(q, false); i >= 0 && e.s.Waits[i].At == p.At && e.s.Waits[i].Value == p.Value {
		e.s.Waits, known = without(e.s.Waits, i), true
	}
	if t := e.s.track(q); t != nil {
		newest := t.newest() == p
		if left, ok := t.without(p); ok {
			e.s.Tracks[q], known = left, true
			if newest {
				e.s.Settles = slices.DeleteFunc(slices.Clone(e.s.Settles), func(x Settle) bool { return x.Quantity == q && x.Rule == "" })
			}
		}
	}
	known = e.narrow(q.String(), p, e.s.track(q), known) || known
	if known {
		e.s.Lates = slices.DeleteFunc(slices.Clone(e.s.Lates), func(l Late) bool { return l.Quantity == q && l.At == p.At && l.Value == p.Value })
		e.untell(q, p)
	}
	return known
}

// without answers a track without one reading; of a track that has no other, nil. Which device the one before came from is not
// known any more.
func (t *Track) without(p Point) (*Track, bool) {
	i := slices.Index(t.Points[:t.Count], p)
	if i < 0 {
		return t, false
	}
	if t.Count == 1 {
		return nil, true
	}
	left := *t
	copy(left.Points[i:], t.Points[i+1:t.Count])
	left.Count--
	left.Points[left.Count] = Point{}
	if i == int(left.Count) {
		left.Reading, left.Clock = "", 0
	}
	return &left, true
}

// narrow takes a point out of the windows over a series; believed tells that its track had it.
func (e *eval) narrow(series string, p Point, left *Track, believed bool) (found bool) {
	var next *window.Point
	if left != nil {
		next = &window.Point{At: left.newest().At, Value: left.newest().Value}
	}
	for i := range e.s.Windows {
		if e.s.Windows[i].Series != series {
			continue
		}
		w := e.s.Windows[i].Window.Clone()
		if !w.Remove(window.Point{At: p.At, Value: p.Value}, inMgPerDL(p.Value), believed, next, next != nil && inMgPerDL(next.Value)) {
			continue
		}
		e.ownWindows()
		e.s.Windows[i].Window, found = w, true
	}
	return found
}

// dropDerived takes out what was derived from readings of that moment that are gone.
func (e *eval) dropDerived(gone []event.Quantity, at event.Time) {
	if e.p == nil {
		return
	}
	for i := range e.p.Derived {
		d := &e.p.Derived[i]
		k, known := e.s.said(d.ID)
		if !known || !readsOf(d.Value).any(gone) {
			continue
		}
		t := e.s.Said[k].Track
		j := slices.IndexFunc(t.Points[:t.Count], func(p Point) bool { return p.At == at })
		if j < 0 {
			continue
		}
		p := t.Points[j]
		left, _ := t.without(p)
		if e.s.Said = slices.Clone(e.s.Said); left == nil {
			e.s.Said = slices.Delete(e.s.Said, k, k+1)
		} else {
			e.s.Said[k].Track = left
		}
		e.narrow(d.ID, p, left, true)
	}
}

// any tells whether one of the signals is read.
func (r reads) any(signals []event.Quantity) bool {
	return slices.ContainsFunc(r.signals, func(q event.Quantity) bool { return slices.Contains(signals, q) })
}

// uses tells whether a signal can bear on the score.
func (sc *Score) uses(q event.Quantity) bool {
	return sc.Place[q] > 0 || slices.ContainsFunc(sc.Parts, func(p Part) bool {
		return slices.ContainsFunc(p.Rows, func(r Row) bool { return r.reads.any([]event.Quantity{q}) })
	})
}

// disownedRule stands in for the rule of what was told because of a reading that was not the patient's: nothing holds it up any
// more, and the assessment differs from what was told.
const disownedRule = "disowned"

// untell lets nothing be held because of a reading. What was told for another one stays as told.
func (e *eval) untell(q event.Quantity, p Point) {
	if e.p == nil {
		return
	}
	e.s.Found.Reasons = slices.Clone(e.s.Found.Reasons)
	for i := range e.s.Found.Reasons {
		r := &e.s.Found.Reasons[i]
		switch c := e.p.condition(r.Rule); {
		case r.Quantity == q && r.Valued && r.At == p.At && r.Value == p.Value, c != nil && c.signals&(1<<q) != 0 && e.stoodSince(r.Rule) >= p.At:
			r.Rule = disownedRule
		case r.Quantity == q:
			r.Lasted = 0 // what is left of the window says how long it has been past
		}
	}
	if sc := e.score(); sc != nil && sc.uses(q) && e.s.HighAt >= p.At {
		e.s.HighAt = 0
	}
	e.s.Stands = slices.DeleteFunc(slices.Clone(e.s.Stands), func(st Stand) bool {
		sc := e.p.score(st.Rule) // one that stands beside is as grave as the last known values, and nothing holds it
		return sc != nil && sc.uses(q) && st.At >= p.At || !slices.ContainsFunc(e.s.Found.Reasons, func(r Told) bool { return r.Rule == st.Rule })
	})
}

// stoodSince answers when a condition that was told last held.
func (e *eval) stoodSince(rule string) event.Time {
	if k := e.s.stand(rule); k >= 0 {
		return e.s.Stands[k].At
	}
	return 0
}

package rules

import (
	"sync"

	"tocsin/rules/expr"
	"tocsin/streams/event"
)

// Quietly folds a reading (or the beat of a door) from which nothing follows in one look: s is then what Apply answers, of which Decide answers nothing, and
// next is what NextDue answers of it. It is false, and s as it was, when something does follow, and for whatever is not common: other
// events, patients who are in several groups or for whom something was set.
func (c Core) Quietly(f *Facts, s *State, e event.Envelope, now event.Time) (next event.Time, quiet bool) {
	if d, beat := e.Data.(*event.DoorOpened); beat && s.Group == "" { // the partition's own state, of which nothing is asked
		_, shut := f.wasShut(d.Door, now)
		return event.Never, !shut
	}
	o, ok := e.Data.(*event.ObservationRecorded)
	if !ok || len(s.Also) > 0 || !s.Enrolled() {
		return 0, false
	}
	x := eval{f: *f, s: *s, now: now, folding: true, room: c.Room}
	if c.Room != nil {
		c.Room.begin()
		defer func() { c.Room.end(quiet) }()
	}
	if x.open(); x.p == nil || x.overridden() {
		return 0, false
	}
	x.observe(o, e.ID)
	if x.broken || x.s.Rule == "" && x.s.Anchor != 0 {
		return 0, false // it fails again, and is fenced, when it is asked to decide
	}
	// Group, pack and what is set are those of the fold, so what follows is what another look would find.
	x.folding, x.renewed, x.next = false, false, event.Never
	if len(x.decide()) > 0 {
		return 0, false
	}
	x.folding, x.now, x.next = true, 0, event.Never
	next = x.nextDue()
	*s = x.s
	return next, true
}

// lists lends room for what a look finds.
var lists = sync.Pool{New: func() any { return &findingList{all: make([]finding, 0, 16)} }}

type findingList struct{ all []finding }

// giveBack forgets what was found, whose strings and limits would else be kept.
func (l *findingList) giveBack(all []finding) {
	clear(all)
	l.all = all[:0]
	lists.Put(l)
}

// awaken looks for the moments at which findings may change by waiting alone: it is findings without what those come to. Without
// anything that waits to be overtaken, only what was told goes down by waiting; so what was not told is not looked at.
func (e *eval) awaken() {
	if len(e.s.Settles) > 0 {
		e.findings(nil)
		return
	}
	e.scored()
	for i := range e.s.Found.Reasons {
		if q := e.s.Found.Reasons[i].Quantity; q != event.NoQuantity && e.s.Tracks[q] != nil {
			e.sign(q)
		}
	}
	for i := range e.s.Waits {
		e.unanswered(&e.s.Waits[i])
	}
	if len(e.s.Found.Reasons) > 0 {
		e.awakenConditions()
	}
}

func (e *eval) awakenConditions() {
	var v *expr.View
	for i := range e.p.Rules {
		if r := &e.p.Rules[i]; e.s.Found.severityOf(r.ID) != event.NoSeverity {
			if v == nil {
				v = e.look()
				defer looks.Put(v)
			}
			e.judged(r, v)
		}
	}
	if !e.p.drawn.beside {
		return
	}
	for i := range e.p.Scores {
		if sc := &e.p.Scores[i]; sc.Beside && e.s.Found.severityOf(sc.ID) != event.NoSeverity {
			e.scoredBeside(sc)
		}
	}
}

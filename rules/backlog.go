package rules

import (
	"slices"

	"tocsin/rules/expr"
	"tocsin/streams/event"
)

// What conditions and scores make of old data: an upload of a whole week comes oldest first, and what one of them finds on
// the way may be overtaken by what follows.

// settleRules lets what conditions and scores begin to find in an upload that was old when it came wait for what may follow,
// and makes a late finding of what has been overtaken while it waited. The wait is not made longer by what goes on being
// found.
func (e *eval) settleRules(at event.Time) {
	if e.p == nil {
		return
	}
	aged := e.p.Backlog.SettleMs > 0 && e.now.Sub(at).Milliseconds() > e.p.Backlog.OlderMs
	if !aged && !slices.ContainsFunc(e.s.Settles, func(x Settle) bool { return x.Rule != "" }) {
		return
	}
	v := e.look()
	defer looks.Put(v)
	for i := range e.p.Rules {
		if r := &e.p.Rules[i]; !e.s.fenced(r.ID) && !e.off(r.ID) && e.lacks(r) < 0 {
			sev := event.NoSeverity
			if e.isTrue(r, v) {
				sev = r.Severity
			}
			e.settleRule(r.ID, sev, e.newestOf(&r.reads), aged)
		}
	}
	for i := range e.p.Scores {
		if sc := &e.p.Scores[i]; !e.s.fenced(sc.ID) && !e.off(sc.ID) && !e.outOfScope(sc) {
			sev, anchor := e.graveness(sc)
			e.settleRule(sc.ID, sev, anchor, aged)
		}
	}
	for i := len(e.s.Settles) - 1; i >= 0; i-- {
		if x := &e.s.Settles[i]; x.Rule != "" && x.Until <= e.now { // it counts by now, or its rule is gone
			e.s.Settles = without(e.s.Settles, i)
		}
	}
}

// settleRule begins or ends the wait of one rule, which now finds something as grave as sev.
func (e *eval) settleRule(id string, sev event.Severity, at event.Time, aged bool) {
	i := slices.IndexFunc(e.s.Settles, func(x Settle) bool { return x.Rule == id })
	found := sev > e.s.Found.severityOf(id)
	switch {
	case found && i < 0 && aged:
		e.s.Settles = put(e.s.Settles, -1, Settle{Rule: id, Until: e.now + event.Time(e.p.Backlog.SettleMs), At: at, Severity: sev})
	case !found && i >= 0:
		was := e.s.Settles[i]
		e.s.Settles = without(e.s.Settles, i)
		if was.Until > e.now && sev < was.Severity {
			e.lateRule(&was)
		}
	}
}

// settlingRule answers until when what a rule finds may yet be overtaken.
func (s *State) settlingRule(id string) event.Time {
	for i := range s.Settles {
		if s.Settles[i].Rule == id {
			return s.Settles[i].Until
		}
	}
	return 0
}

// lateRule keeps what a rule found in old data and newer data has overtaken, as late does for a single reading.
func (e *eval) lateRule(was *Settle) {
	if was.Severity < event.Medium || was.Severity <= e.s.Found.Severity {
		return
	}
	i := -1
	for k := range e.s.Lates {
		l := &e.s.Lates[k]
		apart := max(l.At.Sub(was.At), was.At.Sub(l.At)).Milliseconds()
		switch {
		case l.Rule == "" && apart == 0 && was.Severity <= l.Severity:
			return // the reading itself is one already
		case l.Rule != was.Rule:
		case apart < e.p.Backlog.LateMs && was.Severity <= l.Severity:
			return
		default:
			i = k
		}
	}
	e.s.Lates = put(e.s.Lates, i, Late{Rule: was.Rule, Severity: was.Severity, At: was.At})
}

// isTrue tells whether a condition holds. One that fails while an input is folded fails again when it is asked to decide, where
// it can be fenced.
func (e *eval) isTrue(r *Rule, v *expr.View) bool {
	if e.folding {
		defer e.passed()
	}
	return r.truth(v) == expr.True
}

// graveness answers how grave a score is by its lower bound, and when the newest of its inputs was measured.
func (e *eval) graveness(sc *Score) (sev event.Severity, anchor event.Time) {
	if e.folding {
		defer e.passed()
	}
	v, anchor := e.values(sc, true)
	t := sc.Tally(&v, e.s.Plan.scale())
	return sc.Bands[t.Band].Severity, anchor
}

// holdingBefore answers which of the conditions that were told hold, and look at nothing that an upload from the moment at
// could be the newest of. A reading older than the newest of its signal clears nothing.
func (e *eval) holdingBefore(o *event.ObservationRecorded, at event.Time) (ids []string) {
	if e.p == nil || len(e.s.Stands) == 0 || at >= e.s.newestAt() {
		return nil
	}
	v := e.look()
	defer looks.Put(v)
	for i := range e.p.Rules {
		r := &e.p.Rules[i]
		if e.s.stand(r.ID) >= 0 && e.onlyOlder(&r.reads, o, at) && e.isTrue(r, v) {
			ids = append(ids, r.ID)
		}
	}
	return ids
}

// onlyOlder tells whether of all that r looks at something newer than the moment at is known, as far as the upload has it.
func (e *eval) onlyOlder(r *reads, o *event.ObservationRecorded, at event.Time) bool {
	for _, q := range r.signals {
		t := e.s.track(q)
		brings := slices.ContainsFunc(o.Readings, func(x event.Reading) bool { return x.Quantity == q })
		if brings && (t == nil || t.newest().At <= at) {
			return false
		}
	}
	for _, name := range r.said {
		if p, known := e.s.Answered(name); known && p.At <= at {
			return false
		}
	}
	return true
}

// keepAgainst lets what held before an older reading came, and no longer does, stand until something newer comes.
func (e *eval) keepAgainst(ids []string) {
	if len(ids) == 0 {
		return
	}
	v := e.look()
	defer looks.Put(v)
	for i := range e.p.Rules {
		r := &e.p.Rules[i]
		if k := e.s.stand(r.ID); k >= 0 && slices.Contains(ids, r.ID) && !e.isTrue(r, v) {
			st := e.s.Stands[k]
			st.Kept = e.newestOf(&r.reads)
			e.s.Stands = put(e.s.Stands, k, st)
		}
	}
}

// kept tells whether what was told of a rule stands until something newer than at has been measured.
func (s *State) kept(rule string, at event.Time) bool {
	k := s.stand(rule)
	return k >= 0 && s.Stands[k].Kept != 0 && s.Stands[k].Kept >= at
}

func (s *State) stand(rule string) int {
	for i := range s.Stands {
		if s.Stands[i].Rule == rule {
			return i
		}
	}
	return -1
}

// unkeep lets everything go down by what is known now: by new bounds it may never have been.
func (s *State) unkeep() {
	if !slices.ContainsFunc(s.Stands, func(x Stand) bool { return x.Kept != 0 }) {
		return
	}
	s.Stands = slices.Clone(s.Stands)
	for i := range s.Stands {
		s.Stands[i].Kept = 0
	}
}

package rules

import (
	"cmp"
	"slices"

	"tocsin/streams/event"
)

// findings adds everything that holds for the patient to all, which is empty: gravest first; what is left out comes last.
func (e *eval) findings(all []finding) []finding {
	if f, ok := e.scored(); ok {
		all = append(all, f)
	}
	for q := event.Quantity(1); int(q) < event.Quantities; q++ {
		if e.s.Tracks[q] == nil || e.calm(q) {
			continue
		}
		if f, ok := e.sign(q); ok {
			all = append(all, f)
		}
	}
	for i := range e.s.Waits {
		if f, ok := e.unanswered(&e.s.Waits[i]); ok {
			all = append(all, f)
		}
	}
	all = e.conditions(all)
	all = e.notes(all)
	if len(all) > 1 {
		slices.SortStableFunc(all, func(a, b finding) int {
			return cmp.Or(cmp.Compare(b.severity, a.severity), cmp.Compare(truth(b.danger), truth(a.danger)))
		})
	}
	return all
}

func truth(b bool) int {
	if b {
		return 1
	}
	return 0
}

// scored answers what the score finds. The set is judged as it was when its newest input was measured: that it has become
// old takes nothing away, and a set with fewer inputs does not lower what was told while the last known values, however
// old, would still give as much.
func (e *eval) scored() (finding, bool) {
	sc := e.score()
	if sc == nil {
		return finding{}, false
	}
	e.rule = sc.ID
	told := e.s.Found.severityOf(sc.ID)
	if e.s.Anchor == 0 {
		return finding{}, false
	}
	sev := sc.Bands[e.s.Tally.Band].Severity
	if sev > told {
		if until := max(e.partSettles(sc), e.s.settlingRule(sc.ID)); until > e.now {
			e.wake(until)
			sev = told
		}
	}
	f := finding{rule: sc.ID, severity: sev, at: e.s.Anchor}
	f.danger = sev == sc.Bands[e.s.Tally.Band].Severity && sc.Bands[e.s.Tally.Band].Danger
	if sev < told {
		f.severity, f.held = e.keep(sc, sev, told, e.scoreHoldsOn())
	}
	if f.severity == event.NoSeverity {
		return finding{}, false
	}
	if until := e.expires(sc); e.s.Scored.Known != 0 || e.s.Found.severityOf(sc.ID) == 0 {
		e.wake(until + 1)
	}
	return f, true
}

// scoreHoldsOn tells whether the last set as grave as what was told is past for less than the pack's hold.
func (e *eval) scoreHoldsOn() bool {
	if e.now.Sub(e.s.HighAt).Milliseconds() >= e.p.HoldMs {
		return false
	}
	e.wake(e.s.HighAt + event.Time(e.p.HoldMs))
	return true
}

// keep answers how grave a score stays although the newest set gives less than was told: as grave while it is held, and after
// that as the last known values have it, however old.
func (e *eval) keep(sc *Score, sev, told event.Severity, held bool) (event.Severity, bool) {
	if held {
		return told, true
	}
	v, _ := e.values(sc, false)
	t := sc.Tally(&v, e.s.Plan.scale())
	kept := max(sev, min(told, sc.Bands[t.Band].Severity))
	return kept, kept > sev
}

// partSettles answers until when an input of the score may yet be overtaken.
func (e *eval) partSettles(sc *Score) event.Time {
	until := event.Time(0)
	for i := range sc.Parts {
		if sc.Parts[i].Rows == nil {
			until = max(until, e.s.settling(sc.Parts[i].Quantity))
		}
	}
	return until
}

// expires answers when the newest set is so old that nothing is known any more: a set of its band was due again by then.
func (e *eval) expires(sc *Score) event.Time {
	ms := sc.Bands[e.s.Tally.Band].RecheckMs
	if ms == 0 {
		return event.Never - 1
	}
	return e.s.Anchor + event.Time(ms)
}

// unanswered answers what an open question finds: a doubtful reading in the danger band at once, others when their time is up.
func (e *eval) unanswered(w *Wait) (finding, bool) {
	f := finding{rule: RuleUnconfirmed, quantity: w.Quantity, unsure: true, valued: true, value: w.Value, at: w.At, reading: w.Reading}
	if w.Missing {
		sc := e.score()
		if sc == nil || sc.Ask == nil {
			return finding{}, false
		}
		f = finding{rule: RuleMissing, quantity: w.Quantity, severity: sc.Ask.Severity, asked: w.AnswerBy}
	} else {
		f.severity, f.asked = e.p.Confirm.Severity, w.AnswerBy
		l, t := e.worst(w.Quantity, w.Value, false, nil, 0)
		if l != nil {
			f.severity, f.danger = max(f.severity, l.level().severity()), l.Danger
		}
		if tr := e.s.track(w.Quantity); l != nil && l.Danger && l.Unsure && (tr == nil || tr.Reading != w.Reading) { // of a believed reading the sign itself speaks
			f.rule, f.limit, f.target, f.asked = l.ID, l, t, 0
			return f, !e.s.fenced(l.ID)
		}
	}
	if e.s.fenced(f.rule) {
		return finding{}, false
	}
	e.rule = f.rule
	if w.AnswerBy == 0 || w.AnswerBy > e.now {
		if w.AnswerBy != 0 && !e.s.Found.has(f.rule, w.Quantity) {
			e.wake(w.AnswerBy)
		}
		return finding{}, false
	}
	return f, true
}

func (a *Answer) has(rule string, q event.Quantity) bool {
	for i := range a.Reasons {
		if a.Reasons[i].Rule == rule && a.Reasons[i].Quantity == q {
			return true
		}
	}
	return false
}

// notes adds what is not judged: it is never called normal.
func (e *eval) notes(all []finding) []finding {
	if e.refused() != nil {
		all = append(all, finding{rule: ruleScope})
	}
	if p := e.s.Plan; p != nil && p.Scale == 2 && p.At == 0 {
		all = append(all, finding{rule: ruleScale})
	}
	if e.absent != "" {
		all = append(all, finding{rule: ruleFallback})
	}
	for _, rule := range e.s.Fenced {
		all = append(all, finding{rule: ruleFenced + ":" + rule})
	}
	return e.unconfigured(all)
}

// deterioration answers a new assessment when it differs from what was told, nil otherwise.
func (e *eval) deterioration() *event.SeverityScored {
	list := lists.Get().(*findingList)
	all := e.findings(list.all)
	defer func() { list.giveBack(all) }()
	if e.asToldDeterioration(all) && !e.ended {
		return nil
	}
	d := e.scoredEvent(event.Deterioration, all)
	if sc := e.score(); sc != nil && e.s.Anchor != 0 {
		t, _ := e.shown(sc)
		d.Score = scoreOf(&e.s, sc, &t)
	}
	return d
}

// shown answers the score as it stands now: a set that has expired is known by nobody.
func (e *eval) shown(sc *Score) (t Tally, expired bool) {
	if e.now <= e.expires(sc) {
		return e.s.Tally, false
	}
	nothing := sc.nothing()
	return sc.Tally(&nothing, e.s.Plan.scale()), true
}

func (e *eval) scoredEvent(problem string, all []finding) *event.SeverityScored {
	d := &event.SeverityScored{Problem: problem, Pack: e.p.ID, PackVersion: e.p.Version, PackSum: e.p.Sum, Reasons: []event.Reason{}}
	for i := range all {
		d.Severity = max(d.Severity, all[i].severity)
		d.Danger = d.Danger || all[i].danger
		d.Reasons = append(d.Reasons, e.reason(&all[i]))
	}
	return d
}

// asToldDeterioration tells whether the findings say nothing new: the same gravity for the same reasons, no value graver
// than the one that was told, and (while something is wrong) no higher score, other band or other signs known. A pack that
// records every change compares the whole score.
func (e *eval) asToldDeterioration(all []finding) bool {
	was := &e.s.Scored
	if !sameReasons(all, &e.s.Found) {
		return false
	}
	sc := e.score()
	if e.s.Found.Severity == event.NoSeverity && !e.p.AsRecorded || sc == nil || e.s.Anchor == 0 {
		return true
	}
	t, _ := e.shown(sc)
	sameBand := int(was.Lower) < len(sc.Ladder[0]) && sc.Ladder[red(was.Gravest, sc.Single)][was.Lower] == t.Band
	if e.p.AsRecorded {
		return was.Lower == t.Lower && was.Upper == t.Upper && was.Known == t.Known && sameBand
	}
	return t.Lower <= was.Lower && t.Known == was.Known && (sameBand || held(all))
}

// held tells whether something is only kept for the time being: what goes to and fro meanwhile is not told each time.
func held(all []finding) bool {
	return slices.ContainsFunc(all, func(f finding) bool { return f.held })
}

// sameReasons compares findings with what was told. A reading that is graver than the one told is new; a milder one of
// the same gravity is not.
func sameReasons(all []finding, was *Answer) bool {
	if len(all) != len(was.Reasons) {
		return false
	}
	for i := range all {
		f := &all[i]
		k := slices.IndexFunc(was.Reasons, func(t Told) bool { return t.Rule == f.rule && t.Quantity == f.quantity && t.Unsure == f.unsure })
		if k < 0 || was.Reasons[k].Severity != f.severity {
			return false
		}
		if t := &was.Reasons[k]; f.valued && t.Valued && f.graver(t.Value) {
			return false
		}
	}
	return true
}

// graver tells whether the value lies further beyond its limit than v.
func (f *finding) graver(v event.Decimal) bool {
	switch {
	case f.limit == nil:
		return f.value != v && f.unsure
	case f.limit.Above:
		return f.value > v
	default:
		return f.value < v
	}
}

// lateFinding says that old data holds a grave reading which a newer one has overtaken. What is live stays as it is.
func (e *eval) lateFinding(l *Late) *event.SeverityScored {
	f := finding{rule: "late", quantity: l.Quantity, severity: l.Severity, valued: l.Rule == "", value: l.Value, at: l.At, reading: l.Reading}
	if l.Rule != "" {
		f.rule = l.Rule
	} else if lim, t := e.worst(l.Quantity, l.Value, false, nil, 0); lim != nil {
		f.rule, f.limit, f.target = lim.ID, lim, t
	} else if sc := e.score(); sc != nil {
		f.rule = sc.ID
	}
	d := e.scoredEvent(event.Deterioration, nil)
	d.Severity, d.Late = l.Severity, true
	d.Reasons = append(d.Reasons, e.lateReason(&f))
	return d
}

// scoreOf puts a tally into the shape of the log, with the readings behind it.
func scoreOf(s *State, of *Score, t *Tally) *event.Score {
	sc := &event.Score{Rule: of.ID, Lower: int(t.Lower), Upper: int(t.Upper), Band: of.Bands[t.Band].Name, Determined: t.Determined(), Scale: int(t.Scale), Parts: []event.Part{}}
	for i := range of.Parts {
		q := of.Parts[i].Quantity
		p := event.Part{Quantity: q, Code: of.Parts[i].Code, Known: t.Known&(1<<i) != 0, Points: int(t.Points[i]), Most: int(t.Worst[i])}
		if tr := s.track(q); tr != nil {
			n := tr.newest()
			p.Value, p.MeasuredAt, p.Reading, p.Stale = &n.Value, &n.At, tr.Reading, !p.Known
		}
		switch {
		case p.Known:
		case of.Parts[i].Rows == nil:
			sc.Missing = append(sc.Missing, q)
		default:
			sc.Unknown = append(sc.Unknown, p.Code)
		}
		sc.Parts = append(sc.Parts, p)
	}
	return sc
}

// ScoreOf answers the leading score of the newest set as an interval, nil when there is none. How old each part is stands
// in it.
func ScoreOf(f Facts, s State) *event.Score {
	e := eval{f: f, s: s}
	if e.open(); e.score() == nil || e.s.Rule == "" {
		return nil
	}
	return scoreOf(&e.s, e.score(), &e.s.Tally)
}

// Assess answers the assessment of a patient as it would be written at the moment now, whether or not it differs from
// what was told; nil when nothing is known by which to judge. Screens and explain use it.
func Assess(f Facts, s State, now event.Time) *event.SeverityScored {
	e := eval{f: f, s: s, now: now}
	if e.open(); e.p == nil {
		return nil
	}
	d := e.scoredEvent(event.Deterioration, e.findings(nil))
	if sc := e.score(); sc != nil && s.Anchor != 0 {
		t, _ := e.shown(sc)
		d.Score = scoreOf(&e.s, sc, &t)
	}
	return d
}

package rules

import (
	"slices"
	"strings"

	"tocsin/rules/expr"
	"tocsin/streams/event"
)

// conditional tells whether conditions decide a part of the score.
func (sc *Score) conditional() bool {
	for i := range sc.Parts {
		if sc.Parts[i].Rows != nil {
			return true
		}
	}
	return false
}

// spans answers what the parts that conditions decide can add, and when the newest of what they look at was measured.
func (e *eval) spans(sc *Score, to *Values, fresh bool) (newest event.Time) {
	v := e.lookAt(fresh)
	defer looks.Put(v)
	for i := range sc.Parts {
		p := &sc.Parts[i]
		if p.Rows == nil {
			continue
		}
		to.Spans[i] = p.span(v)
		for k := range p.Rows {
			newest = max(newest, e.newestOf(&p.Rows[k].reads))
		}
	}
	return newest
}

// span goes through the rows in their order. One that is not known leaves both open: that it holds, and that it does not.
func (p *Part) span(v *expr.View) Span {
	low, high, any := uint8(0), uint8(0), false
	add := func(points uint8) {
		if !any {
			low, high, any = points, points, true
			return
		}
		low, high = min(low, points), max(high, points)
	}
	for k := range p.Rows {
		switch p.Rows[k].truth(v) {
		case expr.True:
			add(p.Rows[k].Points)
			return Span{low, high}
		case expr.Unknown:
			add(p.Rows[k].Points)
		default:
		}
	}
	add(0)
	return Span{low, high}
}

// newestOf answers when the newest of what an expression reads was measured; zero: nothing of it was.
func (e *eval) newestOf(r *reads) (at event.Time) {
	for _, q := range r.signals {
		if t := e.s.track(q); t != nil {
			at = max(at, t.newest().At)
		}
	}
	for _, name := range r.said {
		if p, ok := e.s.Answered(name); ok {
			at = max(at, p.At)
		}
	}
	return at
}

// conditions adds what the pack's conditions and the scores beside the leading one find.
func (e *eval) conditions(all []finding) []finding {
	if len(e.p.Rules) == 0 && !e.p.drawn.beside {
		return all
	}
	v := e.look()
	defer looks.Put(v)
	for i := range e.p.Rules {
		if f, ok := e.judged(&e.p.Rules[i], v); ok {
			all = append(all, f)
		}
	}
	for i := range e.p.Scores {
		if f, ok := e.scoredBeside(&e.p.Scores[i]); ok {
			all = append(all, f)
		}
	}
	return all
}

// judged answers what a condition finds. It counts when it holds; it goes down when it is known not to hold (or what it
// asks for to be clear holds), and has been past for as long as it says. That an input has become old takes nothing away.
func (e *eval) judged(r *Rule, v *expr.View) (finding, bool) {
	if e.s.fenced(r.ID) || e.off(r.ID) || e.lacks(r) >= 0 {
		return finding{}, false
	}
	e.rule = r.ID
	holds := r.truth(v)
	f := finding{rule: r.ID, severity: r.Severity, danger: r.Danger, condition: r}
	told := e.s.Found.severityOf(r.ID)
	if holds == expr.True {
		if until := max(e.settlingAny(r.signals), e.s.settlingRule(r.ID)); told == event.NoSeverity && until > e.now {
			e.wake(until)
			return finding{}, false
		}
		f.at = e.newestOf(&r.reads)
		return f, true
	}
	if told == event.NoSeverity {
		return finding{}, false
	}
	f.at, f.held = e.newestOf(&r.reads), true
	f.severity = min(told, r.Severity) // what does not hold is no graver than it was told, whatever the pack says by now
	f.danger = r.Danger && f.severity == r.Severity
	cleared := holds == expr.False
	if r.clear != nil {
		cleared = r.clear(v) == expr.True
	}
	return f, !cleared || e.s.kept(r.ID, f.at) || e.holdsOn(r.ID, max(r.HoldMs, e.p.HoldMs))
}

// settlingAny answers until when one of several signals may yet be overtaken.
func (e *eval) settlingAny(signals uint32) (until event.Time) {
	for i := range e.s.Settles {
		if x := &e.s.Settles[i]; x.Rule == "" && signals&(1<<x.Quantity) != 0 {
			until = max(until, e.s.Settles[i].Until)
		}
	}
	return until
}

// holdsOn tells whether what a rule found is past for less than ms.
func (e *eval) holdsOn(rule string, ms int64) bool {
	if k := e.s.stand(rule); k >= 0 && e.now.Sub(e.s.Stands[k].At).Milliseconds() < ms {
		e.wake(e.s.Stands[k].At + event.Time(ms))
		return true
	}
	return false
}

// needs answers a fact that the rule rests on and nobody has entered; empty: none.
func (e *eval) needs(r *Rule) string {
	if i := e.lacks(r); i >= 0 {
		return r.Needs[i]
	}
	return ""
}

// lacks answers the place of that fact among those that the rule needs; negative: none.
func (e *eval) lacks(r *Rule) int {
	for i, name := range r.Needs {
		if _, ok := e.s.Plan.fact(name); !ok {
			return i
		}
	}
	return -1
}

// scoredBeside answers what a score beside the leading one finds by its lower bound.
func (e *eval) scoredBeside(sc *Score) (finding, bool) {
	if !sc.Beside || e.s.fenced(sc.ID) || e.off(sc.ID) || e.outOfScope(sc) {
		return finding{}, false
	}
	e.rule = sc.ID
	v, anchor := e.values(sc, true)
	if anchor == 0 {
		return finding{}, false
	}
	t := sc.Tally(&v, e.s.Plan.scale())
	f := finding{rule: sc.ID, severity: sc.Bands[t.Band].Severity, danger: sc.Bands[t.Band].Danger, at: anchor, beside: sc, tally: &t}
	told := e.s.Found.severityOf(sc.ID)
	if until := e.s.settlingRule(sc.ID); f.severity > told && until > e.now {
		e.wake(until)
		f.severity, f.danger = told, false
	}
	if f.severity < told {
		f.severity, f.held = e.keep(sc, f.severity, told, e.holdsOn(sc.ID, e.p.HoldMs))
	}
	return f, f.severity != event.NoSeverity
}

// stood notes of what has been told of conditions and scores beside when it last held.
func (e *eval) stood() {
	if len(e.s.Stands) == 0 || e.p == nil {
		return
	}
	v := e.look()
	defer looks.Put(v)
	var next []Stand
	for i := range e.s.Stands {
		st := e.s.Stands[i]
		if at, holds := e.stands(st.Rule, v); holds && at > st.At {
			if next == nil {
				next = slices.Clone(e.s.Stands)
			}
			next[i].At = at
		}
	}
	if next != nil {
		e.s.Stands = next
	}
}

// stands tells whether a condition holds, or a score beside is as grave as was told, and since which measurement.
func (e *eval) stands(id string, v *expr.View) (at event.Time, holds bool) {
	if r := e.p.condition(id); r != nil {
		return e.newestOf(&r.reads), e.isTrue(r, v)
	}
	if sc := e.p.score(id); sc != nil && sc.Beside {
		sev, anchor := e.graveness(sc)
		return anchor, sev >= e.s.Found.severityOf(id)
	}
	return 0, false
}

// passed lets a condition that fails while an input is folded fail again when it is asked to decide, where it can be fenced.
func (e *eval) passed() {
	if recover() != nil {
		e.broken = true
	}
}

// standing keeps a Stand for each condition and score beside that is told, and for nothing else.
func (e *eval) standing() {
	if e.p == nil {
		return
	}
	var next []Stand
	for i := range e.s.Found.Reasons {
		id := e.s.Found.Reasons[i].Rule
		if !e.p.conditionID(id) {
			continue
		}
		st := Stand{Rule: id, At: e.s.newestAt()}
		if k := e.s.stand(id); k >= 0 {
			st = e.s.Stands[k]
		}
		next = append(next, st)
	}
	slices.SortFunc(next, func(a, b Stand) int { return strings.Compare(a.Rule, b.Rule) })
	e.s.Stands = next
}

func (p *Pack) conditionID(id string) bool {
	sc := p.score(id)
	return p.condition(id) != nil || sc != nil && sc.Beside
}

// refused answers the first leading score when none holds for the patient.
func (e *eval) refused() *Score {
	var first *Score
	for i := range e.p.Scores {
		sc := &e.p.Scores[i]
		if sc.Beside {
			continue
		}
		if !e.outOfScope(sc) {
			return nil
		}
		if first == nil {
			first = sc
		}
	}
	return first
}

// unconfigured adds what waits for a number about the patient, what was switched off, and where packs disagree and nobody
// has chosen: a doctor has to.
func (e *eval) unconfigured(all []finding) []finding {
	for i := range e.p.Rules {
		r := &e.p.Rules[i]
		if k := e.lacks(r); k >= 0 && !e.off(r.ID) {
			all = noted(all, r.notes[k])
		}
	}
	if e.p.asksAge && (e.s.Plan == nil || e.s.Plan.AgeYears == 0 && e.s.Plan.AgeMonths == 0) {
		all = noted(all, ruleFacts+":"+AgeYears)
	}
	if e.overridden() {
		all = e.switchedOff(all)
	}
	for i := range e.p.Conflicts {
		if c := &e.p.Conflicts[i]; c.Blocks || c.Left {
			all = append(all, finding{rule: c.note, severity: event.Low})
		}
	}
	return all
}

// switchedOff names the rules that are.
func (e *eval) switchedOff(all []finding) []finding {
	for _, list := range e.overrides() {
		for i := range list {
			if id := list[i].Rule; list[i].Off && e.off(id) {
				all = noted(all, ruleOff+":"+id)
			}
		}
	}
	return all
}

// noted adds a note once.
func noted(all []finding, rule string) []finding {
	if slices.ContainsFunc(all, func(f finding) bool { return f.rule == rule }) {
		return all
	}
	return append(all, finding{rule: rule})
}

package rules

import (
	"slices"

	"tocsin/streams/event"
)

// observe folds one upload.
func (e *eval) observe(o *event.ObservationRecorded, id string) {
	all := e.asRecorded()
	if !all && (o.Clock.Quality == event.ClockFuture || o.Clock.Quality == event.ClockTooOld) {
		return // kept in the log; nobody can say when it was measured
	}
	at := min(o.MeasuredAt, e.now)
	e.rewind()
	e.near(o)
	held := e.holdingBefore(o, at)
	moved := false
	for _, r := range o.Readings {
		if r.Quantity == event.NoQuantity || int(r.Quantity) >= event.Quantities {
			continue // a reading of nothing; a quantity that this program does not know is not decoded
		}
		switch {
		case o.Late && !all:
			e.late(r.Quantity, Point{at, r.Value}, id)
		case r.Mark == event.Plausible, r.Mark == event.Unconfirmed && all:
			e.believe(r.Quantity, Point{at, r.Value}, o, id)
			moved = true
		case r.Mark == event.Unconfirmed:
			moved = e.doubt(r.Quantity, Point{at, r.Value}, o, id) || moved
		default: // low quality, test data, and doubts of a newer program: shown by history, never scored
		}
	}
	if !o.Late || all {
		moved = e.answers(o, id, at) || moved
	}
	if moved {
		e.retally()
		e.habit()
		e.settleRules(at)
		e.keepAgainst(held)
		e.stood()
	}
}

// believe puts a reading into its track.
func (e *eval) believe(q event.Quantity, p Point, o *event.ObservationRecorded, id string) {
	old := e.s.Tracks[q]
	t := e.room.track(old)
	e.s.Tracks[q] = t
	last := Point{At: -1 << 62}
	if t.Count > 0 {
		last = t.newest()
	}
	t.insert(p)
	e.widen(q.String(), p)
	e.breached(q, p)
	place := e.f.place(o.Door)
	t.Folded, t.Door, t.Open = e.now, place, e.f.mark(place, e.now)
	if p.At < last.At {
		e.late(q, p, id)
		return
	}
	if n := t.newest(); n == p {
		t.Reading, t.Clock = id, clockIndex(o.Clock.Quality)
	}
	e.answered(q, p.At)
	e.settle(q, p, old)
}

// insert keeps the newest readings in the order of measuring. At one moment the order is that of the values, so that it
// does not depend on which came first.
func (t *Track) insert(p Point) {
	i := int(t.Count)
	for i > 0 && (p.At < t.Points[i-1].At || p.At == t.Points[i-1].At && p.Value < t.Points[i-1].Value) {
		i--
	}
	if t.Count < Window {
		copy(t.Points[i+1:t.Count+1], t.Points[i:t.Count])
		t.Points[i] = p
		t.Count++
		return
	}
	if i == 0 {
		return // older than everything that is kept
	}
	copy(t.Points[:i-1], t.Points[1:i])
	t.Points[i-1] = p
}

// answered drops the question about a doubtful reading once a believed one has been measured after it.
func (e *eval) answered(q event.Quantity, at event.Time) {
	if i := e.s.wait(q, false); i >= 0 && at >= e.s.Waits[i].At {
		e.s.Waits = without(e.s.Waits, i)
	}
}

// doubt takes a reading that a body can hardly have. It tells whether that made a reading believed.
func (e *eval) doubt(q event.Quantity, p Point, o *event.ObservationRecorded, id string) bool {
	if e.p == nil {
		return false
	}
	t := e.s.track(q)
	if t != nil && p.At < t.newest().At {
		return false // a believed reading measured since has settled it
	}
	if t != nil && e.agree(q, t.newest(), p) {
		e.believe(q, p, o, id)
		return true
	}
	i := e.s.wait(q, false)
	if i >= 0 {
		w := e.s.Waits[i]
		first := Point{w.At, w.Value}
		if w.Reading != id && first.At != p.At && e.agree(q, first, p) {
			e.believe(q, first, o, w.Reading)
			e.believe(q, p, o, id)
			return true
		}
		if p.At < w.At {
			return false
		}
	}
	w := Wait{Quantity: q, Value: p.Value, At: p.At, Reading: id}
	if i >= 0 {
		w.AnswerBy = e.s.Waits[i].AnswerBy // another doubtful reading gives nobody more time
	}
	e.s.Waits = put(e.s.Waits, i, w)
	return false
}

// agree tells whether two readings confirm each other.
func (e *eval) agree(q event.Quantity, a, b Point) bool {
	apart := max(a.Value-b.Value, b.Value-a.Value)
	return apart <= e.p.Signals[q].Tolerance && e.p.Signals[q].Tolerance > 0 &&
		max(a.At.Sub(b.At), b.At.Sub(a.At)).Milliseconds() <= e.p.Confirm.WithinMs
}

// settle lets a grave reading that was old when it came wait for what may follow it, and makes a late finding of one that
// has been overtaken while it waited.
func (e *eval) settle(q event.Quantity, p Point, old *Track) {
	if e.p == nil {
		return
	}
	var was event.Time
	for i := range e.s.Settles {
		if x := &e.s.Settles[i]; x.Quantity == q && x.Rule == "" {
			was = e.s.Settles[i].Until
			e.s.Settles = without(e.s.Settles, i)
			break
		}
	}
	aged := e.p.Backlog.SettleMs > 0 && e.now.Sub(p.At).Milliseconds() > e.p.Backlog.OlderMs
	grave := (aged || was > e.now) && e.gravity(q, p.Value) >= event.Medium
	switch {
	case grave && aged && was != 0:
		e.s.Settles = put(e.s.Settles, -1, Settle{Quantity: q, Until: was}) // it goes on being grave: the wait is not made longer
	case grave && aged:
		e.s.Settles = put(e.s.Settles, -1, Settle{Quantity: q, Until: e.now + event.Time(e.p.Backlog.SettleMs)})
	case !grave && was > e.now && old != nil && old.Count > 0:
		e.late(q, old.newest(), old.Reading)
	}
}

// late keeps a grave reading of old data that a newer one has overtaken, unless one like it has been told already.
func (e *eval) late(q event.Quantity, p Point, id string) {
	if e.p == nil {
		return
	}
	sev := e.gravity(q, p.Value)
	if sev < event.Medium || sev <= e.s.Found.Severity {
		return
	}
	i := -1
	for k := range e.s.Lates {
		if l := &e.s.Lates[k]; l.Quantity == q && l.Rule == "" {
			i = k
			if apart := max(l.At.Sub(p.At), p.At.Sub(l.At)).Milliseconds(); apart < e.p.Backlog.LateMs && sev <= l.Severity {
				return
			}
		}
	}
	e.s.Lates = put(e.s.Lates, i, Late{Quantity: q, Severity: sev, Value: p.Value, At: p.At, Reading: id})
}

// retally scores the newest set anew and drops questions for signs that are not missing any more.
func (e *eval) retally() {
	if e.folding {
		defer e.failed()
	}
	if e.p != nil {
		e.s.Judged = e.mark()
	}
	sc := e.score()
	if sc == nil {
		e.s.Tally, e.s.Rule, e.s.Band, e.s.Anchor = Tally{}, "", "", 0
		e.s.dropMissing()
		return
	}
	e.rule = sc.ID
	v, anchor := e.values(sc, true)
	e.s.Anchor = anchor
	e.s.Tally = sc.Tally(&v, e.s.Plan.scale())
	e.s.Rule, e.s.Band = sc.ID, sc.Bands[e.s.Tally.Band].Name
	if sev := sc.Bands[e.s.Tally.Band].Severity; sev != event.NoSeverity && sev >= e.s.Found.severityOf(sc.ID) {
		e.s.HighAt = anchor
	}
	if !e.wantsMissing(sc) {
		e.s.dropMissing()
		return
	}
	for i := len(e.s.Waits) - 1; i >= 0; i-- {
		if w := &e.s.Waits[i]; w.Missing && sc.Knows(&e.s.Tally, w.Quantity) {
			e.s.Waits = without(e.s.Waits, i)
		}
	}
}

// failed leaves the patient without a score when scoring panicked while an input was folded. Decide scores again, fails
// there, and is fenced there: the reading is kept, and every other rule judges it.
func (e *eval) failed() {
	if r := recover(); r != nil {
		e.broken = true
		e.s.Tally, e.s.Rule, e.s.Band = Tally{}, "", ""
	}
}

func (s *State) dropMissing() {
	for i := len(s.Waits) - 1; i >= 0; i-- {
		if s.Waits[i].Missing {
			s.Waits = without(s.Waits, i)
		}
	}
}

// values answers the inputs of a score: the newest reading of each, unless (with fresh) it is too much older than the
// newest of all, and when that was measured.
func (e *eval) values(sc *Score, fresh bool) (v Values, anchor event.Time) {
	for i := range sc.Parts {
		if t := e.s.Tracks[sc.Parts[i].Quantity]; t != nil && t.Count > 0 {
			anchor = max(anchor, t.newest().At)
		}
	}
	if sc.conditional() {
		anchor = max(anchor, e.spans(sc, &v, fresh))
	}
	for i := range sc.Parts {
		q := sc.Parts[i].Quantity
		t := e.s.Tracks[q]
		if t == nil || t.Count == 0 {
			continue
		}
		n := t.newest()
		if limit := e.p.Signals[q].FreshMs; !fresh || limit == 0 || anchor.Sub(n.At).Milliseconds() <= limit {
			v.Set(q, n.Value)
		}
	}
	return v, anchor
}

// habit learns the usual lower bound from sets that are over. A set is over when a reading comes that was measured later
// than the window of one allows.
func (e *eval) habit() {
	sc := e.score()
	if sc == nil || sc.Ask == nil {
		return
	}
	u := e.s.Usual
	if u.Since == 0 || e.s.Anchor.Sub(u.Since).Milliseconds() > sc.WindowMs {
		if u.Since != 0 && e.s.Anchor > u.Since {
			copy(u.Past[1:], u.Past[:])
			u.Past[0] = u.Set
			u.Count = min(u.Count+1, uint8(len(u.Past)))
		}
		u.Since = max(u.Since, e.s.Anchor)
	}
	u.Set = Set{e.s.Tally.Lower, e.s.Tally.Known}
	e.s.Usual = u
}

// median answers the usual lower bound, and from how many sets it is known: of those that knew every sign which scores
// now, since a set that knew less was lower for that alone. Of an even number the lower one counts.
func (u *Usual) median(t *Tally) (lower, sets int) {
	scoring := uint16(0)
	for i := range t.Points {
		if t.Points[i] > 0 {
			scoring |= 1 << i
		}
	}
	var sorted [len(u.Past)]uint8
	for i := range int(u.Count) {
		if u.Past[i].Known&scoring != scoring {
			continue
		}
		k := sets
		for ; k > 0 && u.Past[i].Lower < sorted[k-1]; k-- {
			sorted[k] = sorted[k-1]
		}
		sorted[k] = u.Past[i].Lower
		sets++
	}
	if sets == 0 {
		return 0, 0
	}
	return int(sorted[(sets-1)/2]), sets
}

// wantsMissing tells whether the score could be high and is above the patient's usual, so that missing signs are asked for.
func (e *eval) wantsMissing(sc *Score) bool {
	a := sc.Ask
	if a == nil || e.s.fenced(RuleMissing) {
		return false
	}
	t := &e.s.Tally
	if int(t.Upper) < a.Upper || int(t.Lower) < a.Above {
		return false
	}
	usual, sets := e.s.Usual.median(t)
	return sets >= a.Sets && int(t.Lower) < a.Upper && int(t.Lower) >= usual+a.Above
}

// askMissing asks for signs that are missing and have not been asked for.
func (e *eval) askMissing() []event.Event {
	sc := e.score()
	if sc == nil {
		return nil
	}
	e.rule = RuleMissing
	if !e.wantsMissing(sc) || e.partSettles(sc) > e.now {
		return nil
	}
	var out []event.Event
	for _, q := range sc.Ask.Signs {
		if !sc.Knows(&e.s.Tally, q) && e.s.wait(q, true) < 0 {
			out = append(out, &event.RepeatAsked{Quantity: q, AnswerBy: e.now + event.Time(sc.Ask.AnswerMs)})
		}
	}
	return out
}

// asked notes until when a question waits. One without a reading asks for a sign that is missing.
func (s *State) asked(d *event.RepeatAsked) {
	missing := d.Reading == ""
	i := s.wait(d.Quantity, missing)
	w := Wait{Quantity: d.Quantity, Missing: missing, Value: d.Value, Reading: d.Reading}
	if i >= 0 {
		w = s.Waits[i]
	} else if t := s.track(d.Quantity); !missing && t != nil && t.Reading == d.Reading { // a condition wants it once more
		w.At = t.newest().At
	}
	w.AnswerBy = d.AnswerBy
	s.Waits = put(s.Waits, i, w)
}

// told notes what an assessment said.
func (s *State) told(d *event.SeverityScored) {
	if d.Late {
		for i := range s.Lates {
			if l := s.Lates[i]; !l.Told && len(d.Reasons) > 0 && l.isOf(&d.Reasons[0]) {
				l.Told = true
				s.Lates = put(s.Lates, i, l)
			}
		}
		return
	}
	a := Answer{Severity: d.Severity, Danger: d.Danger}
	for i := range d.Reasons {
		a.Reasons = append(a.Reasons, s.Found.carry(toldOf(&d.Reasons[i])))
	}
	if d.Problem == event.Silence {
		s.Quiet = a
		return
	}
	s.Found, s.Scored = a, toldScore(d.Score)
}

// isOf tells whether a reason speaks of l.
func (l *Late) isOf(r *event.Reason) bool {
	if l.Rule != "" {
		return r.Rule == l.Rule
	}
	return r.Quantity != nil && *r.Quantity == l.Quantity
}

func toldScore(sc *event.Score) (t ToldScore) {
	if sc == nil {
		return t
	}
	t.Lower, t.Upper = uint8(sc.Lower), uint8(sc.Upper)
	for i := range sc.Parts {
		t.Gravest = max(t.Gravest, uint8(sc.Parts[i].Points))
		if sc.Parts[i].Known {
			t.Known |= 1 << i
		}
	}
	return t
}

func toldOf(r *event.Reason) Told {
	t := Told{Rule: r.Rule, Severity: r.Severity, Unsure: r.Unsure, Reading: r.Reading}
	if r.Quantity != nil {
		t.Quantity = *r.Quantity
	}
	if r.Value != nil && r.MeasuredAt != nil {
		t.Valued, t.Value, t.At = true, *r.Value, *r.MeasuredAt
	}
	return t
}

// carry notes when a reading as grave as t was last measured, over from what was told of the same before.
func (a *Answer) carry(t Told) Told {
	last := t.At
	for i := range a.Reasons {
		if r := &a.Reasons[i]; r.Rule == t.Rule && r.Quantity == t.Quantity && r.Unsure == t.Unsure {
			last = max(last, r.lastly())
		}
	}
	if t.Valued {
		t.last(last)
	}
	return t
}

// forget leaves it to the window when a reading as grave was last measured: by new bounds it may not have been.
func (a *Answer) forget() {
	a.Reasons = slices.Clone(a.Reasons)
	for i := range a.Reasons {
		a.Reasons[i].Lasted = 0
	}
}

// severityOf answers how grave a rule was last told to be.
func (a *Answer) severityOf(rule string) event.Severity {
	for i := range a.Reasons {
		if a.Reasons[i].Rule == rule {
			return a.Reasons[i].Severity
		}
	}
	return event.NoSeverity
}

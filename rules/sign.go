package rules

import (
	"slices"

	"tocsin/streams/event"
)

// level orders findings of one sign: the severities, and above them the immediate-danger band.
type level uint8

const dangerLevel = level(event.High) + 1

func (l level) severity() event.Severity { return event.Severity(min(l, level(event.High))) }

func (l *Limit) level() level {
	if l.Danger {
		return dangerLevel
	}
	return level(l.Severity)
}

// finding is one reason before it is put into words.
type finding struct {
	rule      string
	quantity  event.Quantity
	severity  event.Severity
	danger    bool
	unsure    bool
	valued    bool // value, at and reading are set
	held      bool // nothing breaches any more, but not for long enough
	value     event.Decimal
	at        event.Time
	reading   string
	limit     *Limit
	target    *Target // when limit is a step beyond the patient's own target
	since     event.Time
	condition *Rule  // when a condition found it
	beside    *Score // when a score beside the leading one did, with its tally
	tally     *Tally
	last      event.Time // of what was told: when a reading as grave was last measured
	asked     event.Time // a question has been open since it ran out
}

// breach tells whether v is beyond the limit; margin makes it harder to be inside again.
func (l *Limit) breach(t *Target, v event.Decimal, margin bool) bool {
	bound, strict := l.Bound, l.Strict
	if l.AltBound != nil && inMgPerDL(v) {
		bound = *l.AltBound
	}
	if t != nil { // Bound says how far beyond the target
		switch {
		case l.Above && t.High != nil:
			bound, strict = *t.High+l.Bound, l.Bound == 0
		case !l.Above && t.Low != nil:
			bound, strict = *t.Low-l.Bound, l.Bound == 0
		default:
			return false
		}
		bound = t.in(bound, v)
	}
	if margin {
		if l.Above {
			bound -= l.Margin
		} else {
			bound += l.Margin
		}
	}
	if l.Above {
		return v > bound || v == bound && !strict
	}
	return v < bound || v == bound && !strict
}

// inside tells whether v lies within the patient's own target.
func (t *Target) inside(v event.Decimal) bool {
	return (t.Low == nil || v >= t.in(*t.Low, v)) && (t.High == nil || v <= t.in(*t.High, v))
}

// in answers a bound in the unit in which v was sent.
func (t *Target) in(bound, v event.Decimal) event.Decimal {
	if (t.Quantity == event.GlucoseMmolPerL || t.Quantity == event.SensorGlucoseMmolPerL) && inMgPerDL(v) {
		return InMgPerDL(bound)
	}
	return bound
}

// covers tells whether the target says something about that side, so that the pack's limits there are beaten by it.
func (t *Target) covers(above bool) bool { return above && t.High != nil || !above && t.Low != nil }

// worst answers the gravest limit that v breaches, nil when none. A limit that wants several readings in a row finds them
// in in up to point i; without in each is taken as if one were enough.
func (e *eval) worst(q event.Quantity, v event.Decimal, margin bool, in *Track, i int) (*Limit, *Target) {
	t := e.s.Plan.target(q)
	if t == nil {
		return e.first(e.p.Limits[q], nil, v, margin, in, i), nil
	}
	found, of := e.first(e.p.Own[q], t, v, margin, in, i), t
	for k := range e.p.Limits[q] { // what the patient's own target says nothing about, and danger outside of it
		l := &e.p.Limits[q][k]
		if t.covers(l.Above) && (!l.Danger || t.inside(v)) {
			continue
		}
		if found == nil || l.level() > found.level() {
			if l = e.first(e.p.Limits[q][k:k+1], nil, v, margin, in, i); l != nil {
				found, of = l, nil
			}
		}
	}
	return found, of
}

// first answers the first of limits that v breaches; they stand gravest first.
func (e *eval) first(limits []Limit, t *Target, v event.Decimal, margin bool, in *Track, i int) *Limit {
	for k := range limits {
		l := &limits[k]
		if e.applies(l) && l.breach(t, v, margin) && (in == nil || l.Readings <= 1 || inRow(in, i, l, t) >= l.Readings) {
			return l
		}
	}
	return nil
}

// calm tells whether the newest reading of q breaches nothing and nothing was told of it: nearly always.
func (e *eval) calm(q event.Quantity) bool {
	t := e.s.Tracks[q]
	if t == nil || t.Count == 0 {
		return true
	}
	if len(e.s.Found.Reasons) > 0 || t.Count > 1 && t.Points[t.Count-2].At == t.newest().At {
		return false
	}
	l, _ := e.worst(q, t.newest().Value, false, nil, 0)
	return l == nil
}

// applies tells whether a limit is to be looked at for this patient.
func (e *eval) applies(l *Limit) bool {
	if e.s.fenced(l.ID) {
		return false
	}
	e.rule = l.ID
	return !l.OnOxygen || e.onOxygen()
}

func (e *eval) onOxygen() bool {
	t := e.s.track(event.SupplementalO2)
	return t != nil && t.newest().Value >= event.One
}

// sign answers the finding of one signal. A breach counts at once; it goes down only when the newest reading is clear
// by the margin and the last breach is as long past as the pack's hold says. Readings that are older than the newest
// can therefore raise a finding's end but never bring it about.
func (e *eval) sign(q event.Quantity) (finding, bool) {
	t := e.s.track(q)
	if t == nil || len(e.p.Limits[q])+len(e.p.Own[q]) == 0 {
		return finding{}, false
	}
	told := e.told(q)
	now := e.newestBreach(q, t)
	if until := e.s.settling(q); until > e.now && now.level() > told.level() { // a newer reading may be on its way
		e.wake(until)
		now = finding{}
	}
	if told.limit == nil || now.level() >= told.level() {
		return now, now.limit != nil
	}
	n := t.newest()
	if l, _ := e.worst(q, n.Value, true, nil, 0); l != nil && l.level() >= told.level() {
		told.held = true
		return told, true
	}
	if last, ok := e.lastBreach(q, t, told); ok && e.now.Sub(last).Milliseconds() < e.p.HoldMs {
		told.held = true
		e.wake(last + event.Time(e.p.HoldMs))
		return told, true
	}
	return now, now.limit != nil
}

func (f *finding) level() level {
	if f.limit == nil {
		return 0
	}
	return f.limit.level()
}

// newestBreach judges the newest reading; of several measured at the same moment, the gravest.
func (e *eval) newestBreach(q event.Quantity, t *Track) finding {
	var f finding
	n := int(t.Count)
	for i := n - 1; i >= 0 && t.Points[i].At == t.Points[n-1].At; i-- {
		l, of := e.worst(q, t.Points[i].Value, false, t, i)
		if l == nil || l.level() < f.level() || f.limit != nil && l.level() == f.level() && !f.milder(t.Points[i].Value) {
			continue
		}
		f = finding{rule: l.ID, quantity: q, severity: l.level().severity(), danger: l.Danger, valued: true,
			value: t.Points[i].Value, at: t.Points[i].At, limit: l, target: of, since: since(t, i, l, of)}
		if i == n-1 {
			f.reading = t.Reading
		}
	}
	return f
}

// milder tells whether v lies further beyond the limit than the finding's own value.
func (f *finding) milder(v event.Decimal) bool {
	return f.limit.Above && v > f.value || !f.limit.Above && v < f.value
}

// inRow counts how many readings up to point i breach l one after the other.
func inRow(t *Track, i int, l *Limit, of *Target) int {
	n := 0
	for ; i >= 0 && l.breach(of, t.Points[i].Value, false); i-- {
		n++
	}
	return n
}

// since answers when the run of breaches that ends at point i began, as far back as the window goes.
func since(t *Track, i int, l *Limit, of *Target) event.Time {
	return t.Points[i-inRow(t, i, l, of)+1].At
}

// lastBreach answers when a reading as grave as what was told was last measured: as the window has it by today's
// bounds, and as was noted of readings that the window has lost.
func (e *eval) lastBreach(q event.Quantity, t *Track, told finding) (event.Time, bool) {
	last := told.last
	for i := int(t.Count) - 1; i >= 0 && t.Points[i].At > last; i-- {
		if e.breaches(q, t.Points[i].Value, told.level()) {
			last = t.Points[i].At
		}
	}
	return last, last != 0
}

// breaches tells whether a value is by itself as grave as lvl.
func (e *eval) breaches(q event.Quantity, v event.Decimal, lvl level) bool {
	l, _ := e.worst(q, v, false, nil, 0)
	return l != nil && l.level() >= lvl
}

// breached notes that a reading is as grave as what was told of its signal.
func (e *eval) breached(q event.Quantity, p Point) {
	if e.p == nil {
		return
	}
	told := e.told(q)
	if told.limit == nil || p.At <= told.last || !e.breaches(q, p.Value, told.level()) {
		return
	}
	e.s.Found.Reasons = slices.Clone(e.s.Found.Reasons)
	for i := range e.s.Found.Reasons {
		if r := &e.s.Found.Reasons[i]; r.Rule == told.rule && r.Quantity == q && !r.Unsure {
			r.last(p.At)
		}
	}
}

// told answers what was last told about a sign, empty when its limit is no longer in effect for the patient.
func (e *eval) told(q event.Quantity) finding {
	for i := range e.s.Found.Reasons {
		r := &e.s.Found.Reasons[i]
		if r.Quantity != q || r.Unsure || !r.Valued {
			continue
		}
		if l, t := e.limit(q, r.Rule); l != nil {
			return finding{rule: l.ID, quantity: q, severity: r.Severity, danger: l.Danger, valued: true, value: r.Value, at: r.At, reading: r.Reading, last: r.lastly(), limit: l, target: t}
		}
	}
	return finding{}
}

// limit answers the limit of an id as it is in effect for the patient.
func (e *eval) limit(q event.Quantity, id string) (*Limit, *Target) {
	t := e.s.Plan.target(q)
	if t != nil {
		for i := range e.p.Own[q] {
			if l := &e.p.Own[q][i]; l.ID == id && e.applies(l) {
				return l, t
			}
		}
	}
	for i := range e.p.Limits[q] {
		if l := &e.p.Limits[q][i]; l.ID == id && (t == nil || !t.covers(l.Above) || l.Danger) && e.applies(l) {
			return l, nil
		}
	}
	return nil, nil
}

// gravity answers how grave one value of a signal is by itself: by limits, own target, and the single-parameter rule.
func (e *eval) gravity(q event.Quantity, v event.Decimal) (sev event.Severity) {
	if e.folding {
		defer e.failed()
	}
	if l, _ := e.worst(q, v, false, nil, 0); l != nil {
		sev = l.level().severity()
	}
	if sc := e.score(); sc != nil {
		var one Values
		one.Set(q, v)
		if t := sc.Tally(&one, e.s.Plan.scale()); t.Red() {
			sev = max(sev, sc.Bands[t.Band].Severity)
		}
	}
	return sev
}

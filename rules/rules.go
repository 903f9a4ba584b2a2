// Package rules answers how grave it is: it folds readings, plans, packs and the beats of doors into the state of one
// patient, and decides when the answer has changed. It has no clock, no I/O and no randomness; time comes in, and
// everything about medicine comes from packs, which are plain values.
//
// How each kind of input is taken:
//
//   - A plausible reading is believed. Rules run on when it was measured (never later than it was folded): the newest one
//     of its signal is judged, and it may raise and clear.
//   - An older reading than the newest of its signal never lowers or clears anything. A grave one is a late finding:
//     it goes to the day list and pages nobody.
//   - A grave reading that was already old when it came, with nothing newer, counts after a few seconds (Backlog): an
//     upload of a whole night comes oldest first, and what follows may have overtaken it.
//   - An unconfirmed reading is not scored. A repeat is asked for at once; a second reading that agrees makes both believed,
//     a believed newer one settles the matter, and unanswered it becomes a reason by itself. In a danger band that says so it
//     counts at once, marked unsure. It does not end a silence until it is believed.
//   - A reading of low quality, test data, and one whose time lies in the future or too far back change nothing: they are
//     kept in the log, never score, and never end a silence.
//   - An upload too old to tell whether it is a repeat is never scored; a grave reading in it is a late finding.
//   - A reading of which somebody says that it was not this patient's is taken out of everything, and what remains is judged anew.
//   - What is not known is missing, never normal: it widens the score. A finding stands until a newer reading says
//     otherwise; that it has become old takes nothing away.
package rules

import (
	"fmt"
	"slices"
	"sync"

	"tocsin/rules/expr"
	"tocsin/streams/event"
)

// Core is the rules' streams.Machine. Compile reads a pack (see package pack).
type Core struct {
	Compile func(text string) (*Pack, error)
	Room    *Room // nil: what is changed is copied into new memory
}

// eval is one look at one patient. rule is what is being judged, so that a panic can be fenced to it.
type eval struct {
	f          Facts // with s by value: pointers to them would let both escape to the heap at every reading
	s          State
	g          *Group
	p          *Pack // nil: none is known
	now        event.Time
	rule       string
	next       event.Time // when to look again, as far as this look has found out
	again      bool       // silence is told again though nothing has changed
	ended      bool       // a number that somebody set for a time holds no more, since now
	folding    bool       // a rule that fails must not keep a reading from being folded: it fails again when it is asked to decide
	renewed    bool       // the score was last made by another pack
	room       *Room
	broken     bool   // something failed while folding, and will again when it is asked to decide
	widened    bool   // the list of windows is this look's own
	absent     string // the packs that are not known and for which the default stands in, in words
	since      int64  // expectedSince, once it is known
	sinceKnown bool
	also       []*Group         // the further groups of the patient that are known
	further    []event.Override // what is set in them, for the merged pack
}

// looks lends views, which are large and short-lived; what they hold never outlasts a look.
var looks = sync.Pool{New: func() any { return new(expr.View) }}

// open finds the group and the pack by which the patient is judged. When that is another than the score was last made
// by, it is made anew.
func (e *eval) open() {
	e.next, e.sinceKnown = event.Never, false
	if e.p != nil { // opened before, by what held then
		e.absent, e.also, e.further = "", nil, nil
	}
	if e.s.Enrolled() {
		e.g = e.f.Group(e.s.Group)
		e.p, e.absent = e.f.packOf(e.g, &e.s)
		if e.p != nil {
			e.beyond()
			e.lay()
			e.wakeOverrides()
		}
	}
	if e.p != nil && e.s.Judged != e.mark() {
		e.renewed = true
		e.s.unkeep()
		e.rewind()
		e.retally()
	} else if sc := e.score(); sc != nil && e.s.Rule == "" && e.s.Anchor != 0 { // it failed while folding
		e.retally()
	}
}

// wake asks to look again at t.
func (e *eval) wake(t event.Time) { e.next = min(e.next, t) }

// asRecorded tells whether every value is believed as it stands.
func (e *eval) asRecorded() bool { return e.p != nil && e.p.AsRecorded || e.g != nil && e.g.AsRecorded }

// score answers the pack's leading score: the first in whose scope the patient is, unless it is fenced.
func (e *eval) score() *Score {
	if e.p == nil {
		return nil
	}
	for i := range e.p.Scores {
		if sc := &e.p.Scores[i]; !sc.Beside && !e.outOfScope(sc) {
			if e.s.fenced(sc.ID) || e.off(sc.ID) {
				return nil
			}
			return sc
		}
	}
	return nil
}

// outOfScope tells whether a score refuses this patient.
func (e *eval) outOfScope(sc *Score) bool {
	p := e.s.Plan
	if sc.MonthsTo > 0 || sc.MonthsFrom > 0 {
		months := 0
		if p != nil {
			months = max(p.AgeMonths, p.AgeYears*12)
		}
		known := p != nil && (p.AgeMonths > 0 || p.AgeYears > 0)
		if !known || months < sc.MonthsFrom || sc.MonthsTo > 0 && months >= sc.MonthsTo {
			return true
		}
	}
	return p != nil && (p.Pregnant && !sc.Pregnant || p.years() > 0 && p.years() < sc.AgeFrom || p.AgeMonths > 0 && p.AgeMonths/12 < sc.AgeFrom)
}

// fence lets a panic say which rule was being judged.
func (e *eval) fence() {
	r := recover()
	if r == nil {
		return
	}
	if _, named := r.(event.RulePanic); named || e.rule == "" {
		panic(r)
	}
	panic(event.RulePanic{Rule: e.rule, Cause: r})
}

// Apply folds an input or a decided event into s.
func (c Core) Apply(f Facts, s State, e event.Envelope, at event.Time) (State, error) {
	x := eval{f: f, s: s, now: at, folding: true}
	defer x.fence()
	x.open()
	switch d := e.Data.(type) {
	case *event.ObservationRecorded:
		x.observe(d, e.ID)
	case *event.SeverityScored:
		x.s.told(d)
		x.standing()
	case *event.RepeatAsked:
		x.s.asked(d)
	case *event.SignalFellSilent:
		x.s.fell(d, at)
	case *event.SignalReturned:
		x.s.returned(d)
	case *event.PatientEnrolled:
		x.enrol(d.Tenant, d.Group, d.Also)
	case *event.PatientGrouped:
		x.enrol(d.Tenant, d.Group, d.Also)
	case *event.PlanChanged:
		x.plan(&d.Plan)
	case *event.RuleFenced:
		if d.Machine == Machine && d.Rule != "" && !x.s.fenced(d.Rule) {
			x.s.Fenced = put(x.s.Fenced, -1, d.Rule)
			x.retally()
		}
	case *event.TechnicalFault:
		x.s.faulted(d)
	case *event.ReadingDisowned:
		x.disown(&d.Disowned)
	case *event.PatientLeft:
		x.s.leave()
	case *event.PatientResumed:
		x.s.Left, x.s.FaultTold = false, false
		x.expectAnew()
	}
	return x.s, nil
}

// Machine is the rules' own among the machines.
const Machine = "rules"

// enrol puts the patient under a group's pack. What never came is waited for from here.
func (e *eval) enrol(tenant, group string, also []string) {
	var further []string
	for _, g := range also {
		further = append(further, groupKey(tenant, g))
	}
	if e.s.Group == groupKey(tenant, group) && slices.Equal(e.s.Also, further) {
		return
	}
	e.s.Group, e.s.Also = groupKey(tenant, group), further
	e.s.FaultTold = false
	e.expectAnew()
}

// leave forgets what was told and what is waited for. What was measured stays.
func (s *State) leave() {
	s.Left, s.FaultTold = true, false
	s.Found, s.Scored, s.Quiet = Answer{}, ToldScore{}, Answer{}
	s.Waits, s.Silences, s.Settles, s.Lates, s.Stands = nil, nil, nil, nil, nil
}

func (e *eval) expectAnew() {
	e.s.Expect = Expect{At: e.now, Open: e.f.anyOpen(e.now)}
	e.open()
	e.prune()
	e.retally()
}

// plan replaces the patient's own targets and orders. Waiting begins anew only when another cadence was ordered.
func (e *eval) plan(p *event.Plan) {
	old := e.s.Plan
	e.s.Plan = planOf(p)
	e.s.Found.forget()
	e.s.unkeep()
	if old == nil && len(e.s.Plan.Cadence) > 0 || old != nil && !sameCadence(old.Cadence, e.s.Plan.Cadence) {
		e.expectAnew()
		return
	}
	e.retally()
}

func sameCadence(a, b []Cadence) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range a {
		if a[i] != b[i] {
			return false
		}
	}
	return true
}

// prune forgets silences of what is not expected any more.
func (e *eval) prune() {
	for i := len(e.s.Silences) - 1; i >= 0; i-- {
		if e.p == nil || e.cadence(e.s.Silences[i].Quantity).ms == 0 {
			e.s.Silences = without(e.s.Silences, i)
		}
	}
}

// The faults that a patient's inputs can show.
const (
	FaultUnknownPatient = "unknown_patient"
	FaultNoPack         = "no_pack"
	FaultLeft           = "left_patient"
)

// faulted notes that a fault was told, so that it is not told again.
func (s *State) faulted(d *event.TechnicalFault) {
	if d.Kind == FaultUnknownPatient || d.Kind == FaultNoPack || d.Kind == FaultLeft {
		s.FaultTold = true
	}
}

// Decide answers what follows from e.
func (c Core) Decide(f Facts, s State, e event.Envelope, now event.Time) ([]event.Event, error) {
	switch d := e.Data.(type) {
	case *event.DoorOpened:
		return shutFault(&f, d.Door, now), nil
	case *event.ObservationRecorded, *event.PatientEnrolled, *event.PatientGrouped, *event.PatientResumed, *event.PlanChanged, *event.RuleFenced, *event.ReadingDisowned:
	default:
		return nil, nil
	}
	x := eval{f: f, s: s, now: now}
	defer x.fence()
	x.open()
	if x.p == nil {
		return x.unwatched(e), nil
	}
	if o, ok := e.Data.(*event.ObservationRecorded); ok {
		x.tryDerived(o)
	}
	return x.decide(), nil
}

// unwatched answers that a reading cannot be judged, once.
func (e *eval) unwatched(in event.Envelope) []event.Event {
	o, ok := in.Data.(*event.ObservationRecorded)
	switch {
	case !ok || e.s.FaultTold:
		return nil
	case e.s.Left:
		return []event.Event{&event.TechnicalFault{Kind: FaultLeft, Offset: -1, Door: o.Door,
			Detail: fmt.Sprintf("device %s still sends readings of %s, whose care has ended; they are kept and nobody judges them: take the device back, or the leaving", o.Device, in.Subject)}}
	case !e.s.Enrolled():
		return []event.Event{&event.TechnicalFault{Kind: FaultUnknownPatient, Offset: -1, Door: o.Door,
			Detail: fmt.Sprintf("device %s sent a reading for %s, who is not enrolled; it is kept and will be judged once the patient is: import the patient", o.Device, in.Subject)}}
	default:
		return []event.Event{&event.TechnicalFault{Kind: FaultNoPack, Offset: -1, Door: o.Door,
			Detail: fmt.Sprintf("nothing of %s is judged: neither the pack of group %s nor %s has been published: publish one", in.Subject, e.s.Group, DefaultPack)}}
	}
}

func shutFault(f *Facts, door string, now event.Time) []event.Event {
	from, shut := f.wasShut(door, now)
	if !shut {
		return nil
	}
	return []event.Event{&event.TechnicalFault{Kind: "door_shut", Offset: -1, Door: door, From: &from, To: &now,
		Detail: fmt.Sprintf("door %s took nothing in for %d s; that time counts for nobody's silence", door, now.Sub(from).Milliseconds()/1000)}}
}

// decide answers what the newest fold has brought about.
func (e *eval) decide() []event.Event {
	var out []event.Event
	for _, x := range e.s.Silences {
		if t := e.s.track(x.Quantity); t != nil && t.Folded >= x.Fell {
			out = append(out, &event.SignalReturned{Quantity: x.Quantity, Reading: t.Reading})
		}
	}
	for i := range e.s.Waits {
		if w := &e.s.Waits[i]; !w.Missing && w.AnswerBy == 0 {
			out = append(out, &event.RepeatAsked{Quantity: w.Quantity, Value: w.Value, Reading: w.Reading, AnswerBy: e.now + event.Time(e.p.Confirm.AnswerMs)})
		}
	}
	out = append(out, e.askMissing()...)
	out = append(out, e.askRepeats()...)
	for i := range e.s.Lates {
		if l := &e.s.Lates[i]; !l.Told {
			out = append(out, e.lateFinding(l))
		}
	}
	return e.reassess(out)
}

// reassess adds to out, which is about to happen, what has changed in the assessments once it has. It works on this
// look's own copy of the state.
func (e *eval) reassess(out []event.Event) []event.Event {
	if len(out) > 0 {
		for _, d := range out {
			e.s.soon(d, e.now)
		}
	}
	if d := e.deterioration(); d != nil {
		out = append(out, d)
		if len(e.s.Silences) > 0 || e.s.Quiet.Severity != 0 { // how grave a silence is depends on what is found
			e.s.told(d)
		}
	}
	if d := e.silence(); d != nil {
		out = append(out, d)
	}
	return out
}

// soon folds an event of our own before it has a place in the log.
func (s *State) soon(d event.Event, now event.Time) {
	switch d := d.(type) {
	case *event.SignalReturned:
		s.returned(d)
	case *event.SignalFellSilent:
		s.fell(d, now)
	case *event.RepeatAsked:
		s.asked(d)
	case *event.SeverityScored:
		s.told(d)
	}
}

// Due answers what waiting has brought about by now.
func (c Core) Due(f Facts, s State, now event.Time) []event.Event {
	x := eval{f: f, s: s, now: now}
	defer x.fence()
	if x.open(); x.p == nil {
		return nil
	}
	return x.reassess(append(append(x.fallSilent(), x.askMissing()...), x.askRepeats()...))
}

// NextDue answers when to ask again.
func (c Core) NextDue(f Facts, s State) event.Time {
	x := eval{f: f, s: s, folding: true} // a score that fails here fails in Due too, where it can be told
	defer x.fence()
	if x.open(); x.p == nil {
		return event.Never
	}
	return x.nextDue()
}

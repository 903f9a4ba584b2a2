package rules

import "tocsin/streams/event"

// expected is how often a signal should come, and by whose word.
type expected struct {
	ms, grace int64
	from      string // pack, group, patient
}

// cadence answers how often q is expected of the patient: own plan beats group beats pack.
func (e *eval) cadence(q event.Quantity) expected {
	x := expected{e.p.Signals[q].CadenceMs, e.p.Signals[q].GraceMs, "pack"} // the pack's grace goes with the pack's cadence
	if e.asRecorded() {
		return expected{}
	}
	if e.g != nil {
		if ms, ok := find(e.g.Cadence, q); ok {
			x.ms, x.from = ms, "group"
		}
	}
	for _, g := range e.also { // of further groups the shorter one
		if ms, ok := find(g.Cadence, q); ok && ms > 0 && (x.ms == 0 || ms < x.ms) {
			x.ms, x.from = ms, "group"
		}
	}
	if e.s.Plan != nil {
		if ms, ok := find(e.s.Plan.Cadence, q); ok {
			x.ms, x.from = ms, "patient"
		}
	}
	if own := x.ms / 4; x.from != "pack" && (x.grace == 0 || x.grace > own) {
		x.grace = own // whoever is to be heard of every ten minutes is not waited for two hours longer [P]
	}
	return x
}

// expects tells whether anybody can expect q: pack, group or plan. Most signals nobody expects.
func (e *eval) expects(q event.Quantity) bool {
	return e.p.Signals[q].CadenceMs > 0 || e.g != nil && len(e.g.Cadence) > 0 || len(e.also) > 0 || e.s.Plan != nil && len(e.s.Plan.Cadence) > 0
}

// waited is how long a signal has been waited for, by both counters of open doors: any door's since it has been expected,
// and the door's through which it came since it last came. It is silent when both have reached what is needed.
type waited struct {
	anyDoor, ownDoor counted // ownDoor is as anyDoor while the signal never came
	since            event.Time
	never            bool
}

// counted is how long a door was open, in milliseconds, and the beat up to which it is counted.
type counted struct {
	ms    int64
	until event.Time
}

func (w waited) ms() int64 { return min(w.anyDoor.ms, w.ownDoor.ms) }

// due answers the moment at which needMs is reached if every door beats on. No beat ever brings it nearer, which a
// processor counts on that asks nobody anew after a beat.
func (w waited) due(needMs int64) event.Time {
	return max(w.anyDoor.due(needMs), w.ownDoor.due(needMs))
}

func (c counted) due(needMs int64) event.Time { return c.until + event.Time(needMs-c.ms) }

// waited answers how long q has been waited for.
func (e *eval) waited(q event.Quantity) waited {
	open, until := e.f.counter(0)
	expected := counted{open - max(e.s.Expect.Open, e.expectedSince()), until}
	w := waited{anyDoor: expected, ownDoor: expected, since: e.s.Expect.At, never: true}
	if t := e.s.track(q); t != nil {
		open, until = e.f.counter(t.Door)
		w.ownDoor = counted{open - t.Open, until}
		w.since, w.never = t.Folded, false
	}
	return w
}

// fallSilent answers which signals have fallen silent by now, or are silent still and to be told again.
func (e *eval) fallSilent() []event.Event {
	if e.s.fenced(RuleSilence) || !e.s.Enrolled() {
		return nil
	}
	e.rule = RuleSilence
	var out []event.Event
	for q := event.Quantity(1); int(q) < event.Quantities; q++ {
		if !e.expects(q) {
			continue
		}
		x := e.cadence(q)
		if x.ms <= 0 {
			continue
		}
		w := e.waited(q)
		repeat, need := e.needed(q, x)
		if need < 0 || w.ms() < need {
			continue
		}
		e.again = e.again || repeat > 0
		d := &event.SignalFellSilent{Quantity: q, Since: w.since, CadenceMs: x.ms, GraceMs: x.grace, Repeat: repeat}
		if !w.never {
			folded := w.since
			d.LastFolded = &folded
		}
		out = append(out, d)
	}
	return out
}

// needed answers how long q must have been waited for until it is told next, and which time that will be; negative: never.
func (e *eval) needed(q event.Quantity, x expected) (repeat int, ms int64) {
	ms = x.ms + x.grace
	i := e.s.silent(q)
	if i < 0 {
		return 0, ms
	}
	every := e.p.Silence.RepeatMs
	if every <= 0 {
		return 0, -1
	}
	repeat = e.s.Silences[i].Repeat + 1
	return repeat, ms + int64(repeat)*every
}

// returned notes that a silence has ended.
func (s *State) returned(d *event.SignalReturned) {
	if i := s.silent(d.Quantity); i >= 0 {
		s.Silences = without(s.Silences, i)
	}
}

// fell notes that a signal is silent.
func (s *State) fell(d *event.SignalFellSilent, at event.Time) {
	i := s.silent(d.Quantity)
	x := Silent{Quantity: d.Quantity, Since: d.Since, Fell: at, Never: d.LastFolded == nil, Repeat: d.Repeat}
	if i >= 0 {
		x.Fell = s.Silences[i].Fell
	}
	s.Silences = put(s.Silences, i, x)
}

// silence answers a new assessment of silence when it differs from what was told: one for the patient, with the
// signals as reasons.
func (e *eval) silence() *event.SeverityScored {
	var all []finding
	sev := e.p.Silence.Severity
	if e.s.Found.Severity >= event.Medium { // it stopped after a grave finding
		sev = max(sev, e.p.Silence.AfterGrave)
	}
	if !e.s.fenced(RuleSilence) {
		e.rule = RuleSilence
		for i := range e.s.Silences {
			x := &e.s.Silences[i]
			if e.cadence(x.Quantity).ms > 0 {
				all = append(all, finding{rule: RuleSilence, quantity: x.Quantity, severity: sev, since: x.Since, at: e.s.Found.lastAt()})
			}
		}
	}
	if sameReasons(all, &e.s.Quiet) && !e.again {
		return nil
	}
	return e.scoredEvent(event.Silence, all)
}

// lastAt answers when the newest reading behind an answer was measured.
func (a *Answer) lastAt() (at event.Time) {
	for i := range a.Reasons {
		at = max(at, a.Reasons[i].At)
	}
	return at
}

// nextDue answers the earliest moment at which something may change by waiting alone.
func (e *eval) nextDue() event.Time {
	if e.renewed {
		if !e.asToldDeterioration(e.findings(nil)) {
			return 0 // the pack has changed, and what it says with it
		}
	} else if len(e.s.Found.Reasons)+len(e.s.Waits)+len(e.s.Settles) > 0 {
		e.awaken()
	}
	if e.s.fenced(RuleSilence) {
		return e.next
	}
	e.rule = RuleSilence
	for q := event.Quantity(1); int(q) < event.Quantities; q++ {
		if !e.expects(q) {
			continue
		}
		x := e.cadence(q)
		if x.ms <= 0 {
			continue
		}
		if _, need := e.needed(q, x); need >= 0 {
			e.wake(max(e.waited(q).due(need), e.s.Expect.At+event.Time(need)))
		}
	}
	return e.next
}

package study

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"tocsin/alerts"
	"tocsin/care"
	"tocsin/rules"
	"tocsin/rules/pack"
	"tocsin/rules/study"
	"tocsin/streams"
	"tocsin/streams/event"
)

type (
	states = streams.Three[rules.State, alerts.State, care.State]
	facts  = streams.Three[rules.Facts, alerts.Facts, care.Facts]
)

// player is one patient in a partition of its own, under the processor of live.
type player struct {
	base   *streams.Replica[states, facts]
	proc   *streams.Processor[states, facts]
	key    string
	offset int64
	facts  int64
	clicks int
	now    event.Time

	trace study.Trace
}

// tick is how often a player looks at what waiting has brought about: what is due comes about within it.
const tick = event.Time(time.Minute / time.Millisecond)

// hold is how long a player goes on looking after the last upload: longer than any pack holds a finding.
const hold = 2 * time.Hour

// Play plays one patient under one pack. asRecorded believes every value as it stands and notes the score after each upload.
func Play(p *study.Patient, text string, asRecorded bool) (study.Trace, error) {
	x, err := newPlayer(p, text, asRecorded)
	if err != nil {
		return study.Trace{}, err
	}
	uploads := p.Uploads
	if asRecorded {
		uploads = p.Recorded
	}
	for i := range uploads {
		e := uploads[i]
		at := e.Data.(*event.ObservationRecorded).ReceivedAt //nolint:forcetypeassert // door makes nothing else
		if err := x.wait(min(at, x.now+event.Time(hold/time.Millisecond))); err != nil {
			return x.trace, err
		}
		if err := x.input(e, at); err != nil {
			return x.trace, err
		}
		if asRecorded {
			x.trace.Lower = append(x.trace.Lower, x.lower())
		}
	}
	if err := x.wait(x.now + event.Time(hold/time.Millisecond)); err != nil {
		return x.trace, err
	}
	if n := len(x.trace.Standing); n > 0 && x.trace.Standing[n-1].To == 0 {
		x.trace.Standing[n-1].To = x.now
	}
	return x.trace, nil
}

func newPlayer(p *study.Patient, text string, asRecorded bool) (*player, error) {
	parts := streams.Join([3]string{"rules", "alerts", "care"}, streams.Machine[rules.State, rules.Facts](rules.Core{Compile: compile}),
		streams.Machine[alerts.State, alerts.Facts](alerts.Core{}), streams.Machine[care.State, care.Facts](care.Core{}))
	base := streams.NewReplica(parts, streams.PatientPair, 0)
	x := &player{base: base, proc: streams.NewProcessor(parts, base, "study"), key: streams.PatientKey(tenant, p.ID), now: p.Begin - 1000}
	made, err := compile(text)
	if err != nil {
		return nil, err
	}
	for _, d := range []event.Event{
		&event.PackPublished{Pack: made.ID, Version: made.Version, Sum: made.Sum, Text: text},
		&event.GroupSet{Tenant: tenant, Group: group, Pack: made.ID, AsRecorded: asRecorded},
	} {
		if err := x.fact(event.Everyone, d); err != nil {
			return nil, err
		}
	}
	return x, x.fact(x.key, &event.PatientEnrolled{Tenant: tenant, Patient: p.ID, Group: group})
}

// lower answers the lower bound of the leading score as it stands.
func (x *player) lower() int {
	s, _ := x.base.Get(x.key)
	if score := rules.ScoreOf(x.base.Common().A, s.A); score != nil {
		return score.Lower
	}
	return 0
}

func (x *player) fact(subject string, d event.Event) error {
	x.facts++
	return x.input(event.Envelope{ID: fmt.Sprintf("fact/%d", x.facts), Subject: subject, At: x.now, Effect: event.Effect{Offset: x.facts}, Data: d}, x.now)
}

// input hands over one input and hears what followed.
func (x *player) input(e event.Envelope, at event.Time) error {
	x.now = max(x.now, at)
	x.proc.Input(x.offset, e.Subject, &e, nil, x.now)
	x.offset++
	return x.settle()
}

// wait lets time pass.
func (x *player) wait(until event.Time) error {
	for x.now < until {
		x.now = min(until, x.now+tick)
		x.proc.Tick(x.now)
		if !x.proc.Empty() {
			if err := x.settle(); err != nil {
				return err
			}
		}
	}
	return nil
}

// settle closes the step, adopts it as if the log had confirmed it, and hears what it says.
func (x *player) settle() error {
	w, err := x.proc.CloseStep()
	if err != nil {
		return err
	}
	if err := x.proc.Confirm(&streams.Step{Position: streams.Position{Life: w.Life, Number: w.Number, Offset: x.offset}}); err != nil {
		return err
	}
	for _, e := range w.Events {
		if err := x.hear(e); err != nil {
			return err
		}
	}
	return nil
}

func (x *player) hear(e event.Envelope) error {
	switch d := e.Data.(type) {
	case *event.SeverityScored:
		x.scored(e.At, d)
	case *event.AlertRaised:
		x.warned(e.At, d.Problem, d.Severity, d.Reasons, false)
		return x.answer(d.Alert)
	case *event.AlertWorsened:
		x.warned(e.At, event.Deterioration, d.Severity, d.Reasons, true)
	case *event.RuleFenced:
		x.trace.Faults = append(x.trace.Faults, d.Detail)
	case *event.TechnicalFault:
		x.trace.Faults = append(x.trace.Faults, d.Detail)
	case *event.RequestRefused:
		x.trace.Faults = append(x.trace.Faults, d.En)
	}
	return nil
}

// answer is the desk of a study: a doctor takes each warning at once, reaches the patient and closes it. From then on
// a new warning means that something is worse, that a reason is new, or that the patient had been well in between.
func (x *player) answer(alert string) error {
	r := event.Request{Alert: alert, By: "study", Role: "doctor"}
	for _, d := range []event.Event{
		&event.AcceptRequested{Request: r},
		&event.CloseRequested{Request: r, Outcome: event.OutcomeReal, Done: "study", Contacted: true},
	} {
		x.clicks++
		if err := x.input(event.Envelope{ID: fmt.Sprintf("click/%d", x.clicks), Subject: x.key, At: x.now, Data: d}, x.now); err != nil {
			return err
		}
	}
	return nil
}

func (x *player) warned(at event.Time, problem string, severity event.Severity, reasons []event.Reason, worse bool) {
	if problem == event.Deterioration {
		x.trace.Warnings = append(x.trace.Warnings, study.Warning{At: at, Severity: severity, Worse: worse, Rules: rulesOf(reasons), Signs: signsOf(reasons)})
	}
}

func (x *player) scored(at event.Time, d *event.SeverityScored) {
	if d.Problem != event.Deterioration || d.Late {
		return
	}
	n := len(x.trace.Standing)
	if n > 0 && x.trace.Standing[n-1].To == 0 {
		x.trace.Standing[n-1].To = at
	}
	if d.Severity != event.NoSeverity {
		x.trace.Standing = append(x.trace.Standing, study.Span{From: at, Signs: signsOf(d.Reasons)})
	}
}

func rulesOf(reasons []event.Reason) (all []string) {
	for i := range reasons {
		if reasons[i].Severity != event.NoSeverity {
			all = append(all, reasons[i].Rule)
		}
	}
	return all
}

// signsOf answers what the reasons that count are about. A condition names its signals in its text.
func signsOf(reasons []event.Reason) (all []event.Quantity) {
	for i := range reasons {
		r := &reasons[i]
		for q := event.Quantity(1); int(q) < event.Quantities && r.Severity != event.NoSeverity; q++ {
			if (r.Quantity != nil && *r.Quantity == q || strings.Contains(r.When, q.String())) && !slices.Contains(all, q) {
				all = append(all, q)
			}
		}
	}
	return all
}

// compile is the compiler of live, which knows each text once it has seen it: a cohort is thousands of patients.
var compile = pack.Remembering()

package audit_test

import (
	"fmt"
	"testing"
	"time"

	"pgregory.net/rapid"

	"tocsin/alerts"
	"tocsin/alerts/audit"
	"tocsin/streams"
	"tocsin/streams/event"
)

// machine is the core of warnings, or one with a part of it broken.
type machine = streams.Machine[alerts.State, alerts.Facts]

// patient is one in the hands of a core of warnings, with the auditor reading along.
type patient struct {
	core  machine
	state alerts.State
	seen  audit.State
	now   event.Time
	n     int
}

// wait lets time pass until a moment, asking the core whenever it wants to be asked.
func (p *patient) wait(until event.Time) {
	for due := p.core.NextDue(alerts.Facts{}, p.state); due <= until; due = p.core.NextDue(alerts.Facts{}, p.state) {
		p.now = max(p.now, due)
		events := p.core.Due(alerts.Facts{}, p.state, p.now)
		if len(events) == 0 {
			break // as an owner does: it is asked again when something comes
		}
		for _, d := range events {
			p.take(d)
		}
	}
	p.now = until
}

// take folds what happens, and what the core lets follow from it.
func (p *patient) take(d event.Event) {
	for queue := []event.Event{d}; len(queue) > 0; queue = queue[1:] {
		p.n++
		e := event.Envelope{ID: fmt.Sprint("e", p.n), Subject: who, At: p.now, Data: queue[0]}
		var err error
		if p.state, err = p.core.Apply(alerts.Facts{}, p.state, e, p.now); err != nil {
			panic(err)
		}
		p.seen = audit.Apply(p.seen, e)
		events, err := p.core.Decide(alerts.Facts{}, p.state, e, p.now)
		if err != nil {
			panic(err)
		}
		queue = append(queue, events...)
	}
}

// Whatever happens to a patient whose core of warnings works, the auditor finds nothing, not even for a moment, and the
// deadlines that it knows are those of the core.
func TestALR7_AuditorFindsNothingWithAWorkingCore(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p := &patient{core: alerts.Core{}, now: start}
		t.Repeat(map[string]func(*rapid.T){
			"find": func(t *rapid.T) { p.later(t, 5); p.take(drawFinding(t)) },
			"wish": func(t *rapid.T) { p.later(t, 5); p.take(p.drawWish(t)) },
			"wait": func(t *rapid.T) { p.later(t, 6*60) },
			"":     p.check,
		})
	})
}

func (p *patient) later(t *rapid.T, minutes int) {
	p.wait(p.now.Add(time.Duration(rapid.IntRange(0, minutes*60).Draw(t, "seconds")) * time.Second))
}

func (p *patient) check(t *rapid.T) {
	if found := audit.Find(who, p.seen, p.now, 0); len(found) > 0 {
		t.Fatalf("at %s: %+v", p.now, found)
	}
	if len(p.seen.Open) != len(p.state.Open) {
		t.Fatalf("%d are open for the auditor and %d for the core", len(p.seen.Open), len(p.state.Open))
	}
	next := map[string]event.Time{}
	for _, w := range p.state.Open {
		next[w.Alert] = w.AnswerBy
	}
	for _, w := range p.seen.Open {
		if next[w.Alert] != w.Next {
			t.Fatalf("%s has until %s for the auditor and until %s for the core", w.Alert, w.Next, next[w.Alert])
		}
	}
}

func drawFinding(t *rapid.T) event.Event {
	if rapid.IntRange(0, 9).Draw(t, "fault") == 0 {
		return &event.TechnicalFault{Kind: "undecodable", Offset: -1}
	}
	return &event.SeverityScored{
		Problem:  rapid.SampledFrom([]string{event.Deterioration, event.Silence}).Draw(t, "problem"),
		Severity: rapid.SampledFrom([]event.Severity{event.NoSeverity, event.Low, event.Medium, event.High}).Draw(t, "severity"),
		Danger:   rapid.IntRange(0, 5).Draw(t, "danger") == 0,
		Late:     rapid.IntRange(0, 5).Draw(t, "late") == 0,
		Reasons:  []event.Reason{{Rule: rapid.SampledFrom([]string{"a", "b", "c"}).Draw(t, "rule")}},
	}
}

// drawWish answers something that somebody may ask for: mostly of a warning that is open, and by its owner.
func (p *patient) drawWish(t *rapid.T) event.Event {
	r := event.Request{Alert: "none", By: rapid.SampledFrom([]string{"nurse-a", "nurse-a", "nurse-b", "doctor-a"}).Draw(t, "who"), Role: "nurse"}
	if r.By == "doctor-a" {
		r.Role = "doctor"
	}
	if n := len(p.state.Open); n > 0 {
		r.Alert = p.state.Open[rapid.IntRange(0, n-1).Draw(t, "which")].Alert
	} else if n := len(p.state.Closed); n > 0 {
		r.Alert = p.state.Closed[rapid.IntRange(0, n-1).Draw(t, "which")].Alert
	}
	patient := event.Request{By: r.By, Role: r.Role}
	outcome := rapid.SampledFrom([]string{event.Reached, event.NoAnswer}).Draw(t, "outcome")
	judged := rapid.SampledFrom([]string{event.OutcomeReal, event.OutcomeUnknown}).Draw(t, "judged")
	until := p.now.Add(time.Duration(rapid.IntRange(1, 120).Draw(t, "until")) * time.Minute)
	accept := &event.AcceptRequested{Request: r}
	return rapid.SampledFrom([]event.Event{
		accept, accept, accept, accept,
		&event.ReturnRequested{Request: r},
		&event.CallRequested{Request: r, Whom: event.ContactPatient},
		&event.ContactRequested{Request: r, Whom: event.ContactPatient, Outcome: outcome},
		&event.ContactRequested{Request: r, Whom: event.ContactPatient, Outcome: outcome},
		&event.CloseRequested{Request: r, Outcome: judged, Contacted: true},
		&event.CloseRequested{Request: r, Outcome: judged, Contacted: true},
		&event.OfferRequested{Request: r, To: "doctor-a"},
		&event.NoteRequested{Request: r, Text: "words"},
		&event.ShelveRequested{Request: r, Reason: "known", Until: until},
		&event.ShelveRequested{Request: r, Reason: "known", Until: until},
		&event.UnshelveRequested{Request: r},
		&event.OutcomeRequested{Request: r, Outcome: event.OutcomeReal},
		&event.WarnRequested{Request: patient, Severity: event.Medium, Text: "words"},
		&event.LeaveRequested{Request: patient, Why: event.LeftDischarged, Contacted: true},
		&event.ResumeRequested{Request: patient},
		&event.ResumeRequested{Request: patient},
		pauses(p.now, until),
	}).Draw(t, "wish")
}

// pauses is a plan with a window in which no readings are expected.
func pauses(from, to event.Time) event.Event {
	return &event.PlanChanged{Plan: event.Plan{Pauses: []event.Pause{{From: from, Until: to, Why: "holiday"}}}}
}

// Of the ways in which a core can forget people, each is found: 15 s after the deadline that it lets pass, or at once.
func TestALR7_AuditorFiresAtABrokenCore_REL4(t *testing.T) {
	high := &event.SeverityScored{Problem: event.Deterioration, Severity: event.High, Reasons: []event.Reason{{Rule: "a"}}}
	const patience = 3*time.Minute + audit.Within // of the policy of a high, and of the auditor
	for name, c := range map[string]struct {
		core  machine
		quiet time.Duration // for so long nothing is wrong
		want  audit.Kind
	}{
		"a timer that does nothing":        {stopped{}, patience, audit.Overdue},
		"one that wants never to be asked": {asleep{}, patience, audit.Overdue},
		"a warning without a deadline":     {endless{}, -1, audit.NoDeadline},
	} {
		t.Run(name, func(t *testing.T) {
			p := &patient{core: c.core, now: start}
			p.take(high)
			p.wait(start.Add(c.quiet))
			if found := audit.Find(who, p.seen, p.now, audit.Within); c.quiet > 0 && len(found) != 0 {
				t.Errorf("after %s it fired already: %+v", c.quiet, found)
			}
			p.wait(start.Add(c.quiet + time.Millisecond))
			if found := audit.Find(who, p.seen, p.now, audit.Within); len(found) != 1 || found[0].Kind != c.want {
				t.Errorf("it found %+v, want %s", found, c.want)
			}
		})
	}
}

// stopped is a core whose timer has been broken: nothing comes of waiting.
type stopped struct{ alerts.Core }

func (stopped) Due(alerts.Facts, alerts.State, event.Time) []event.Event { return nil }

// asleep is a core that nobody asks.
type asleep struct{ alerts.Core }

func (asleep) NextDue(alerts.Facts, alerts.State) event.Time { return event.Never }

// endless is a core that gives warnings no deadline.
type endless struct{ alerts.Core }

func (endless) Decide(f alerts.Facts, s alerts.State, e event.Envelope, now event.Time) ([]event.Event, error) {
	events, err := alerts.Core{}.Decide(f, s, e, now)
	for _, d := range events {
		if r, ok := d.(*event.AlertRaised); ok {
			r.AnswerBy = event.Never
		}
	}
	return events, err
}

package alerts

import (
	"slices"

	"tocsin/streams/event"
)

// Left says that the care of the patient has ended.
type Left struct {
	Why string     `json:"why"`
	By  string     `json:"by"`
	At  event.Time `json:"at"`
}

// Unjudged is a warning that was closed without knowing what it was.
type Unjudged struct {
	Alert    string         `json:"alert"`
	Problem  string         `json:"problem"`
	Severity event.Severity `json:"severity"` // the gravest of the episode
	ClosedAt event.Time     `json:"closed_at"`
	AskBy    event.Time     `json:"ask_by"` // when it is asked what it was; event.Never after the patient left
}

const (
	judgeMs      = 24 * 60 * minute // three times within the 72 hours of ALR-23
	keptUnjudged = 32
	undoMs       = 24 * 60 * minute // how long whoever may end the care can take that back (ALR-18); later a doctor or the lead can
)

var leavings = []string{event.LeftDischarged, event.LeftDied, event.LeftWithdrawn}

// leave ends the care of a patient: all warnings are closed in this very step. With a high open that takes a doctor, and
// somebody who was reached.
func leave(a ask) ([]event.Event, string) {
	q, ok := a.data.(*event.LeaveRequested)
	switch {
	case !mayActOnGrave[a.request.Role]:
		return nil, RefusedRole
	case a.state.Left != nil:
		return nil, RefusedLeft
	case !ok || !slices.Contains(leavings, q.Why):
		return nil, RefusedReason
	}
	var out []event.Event
	for _, w := range a.state.Open {
		switch {
		case w.Peak != event.High:
		case a.request.Role != "doctor":
			return nil, RefusedDoctor
		case !q.Contacted && !w.Contacted:
			return nil, RefusedContact
		}
		out = append(out, &event.AlertClosed{Alert: w.Alert, By: a.request.By, Outcome: event.OutcomeLeft, Done: cut(q.Note), Disposition: q.Why, Contacted: q.Contacted, Request: a.click})
	}
	return append(out, &event.PatientLeft{Why: q.Why, By: a.request.By, Note: cut(q.Note), Request: a.click}), ""
}

// resume takes a leaving back. What is found from now on is new.
func resume(a ask) ([]event.Event, string) {
	q, ok := a.data.(*event.ResumeRequested)
	switch {
	case !mayActOnGrave[a.request.Role]:
		return nil, RefusedRole
	case a.state.Left == nil || !ok:
		return nil, RefusedNotLeft
	case a.now.Sub(a.state.Left.At).Milliseconds() > undoMs && !mayOverrule[a.request.Role]:
		return nil, RefusedTooLate
	}
	return []event.Event{&event.PatientResumed{By: a.request.By, Note: cut(q.Note), Request: a.click}}, ""
}

func left(s State, d *event.PatientLeft, at event.Time) State {
	s.Left = &Left{Why: d.Why, By: d.By, At: at}
	s.Unjudged = slices.Clone(s.Unjudged)
	for i := range s.Unjudged {
		s.Unjudged[i].AskBy = event.Never
	}
	return granted(s, d)
}

func resumed(s State, d *event.PatientResumed) State {
	s.Left = nil
	for i := range s.Closed {
		s = s.cleared(i)
	}
	return granted(s, d)
}

// warn raises what a person says (ALR-22). More of it goes to the warning that is open.
func warn(key string, a ask) ([]event.Event, string) {
	q, ok := a.data.(*event.WarnRequested)
	switch {
	case !mayActOnLight[a.request.Role]:
		return nil, RefusedRole
	case a.state.Left != nil:
		return nil, RefusedLeft
	case !ok || q.Text == "" || rank(q.Severity) == 0 || q.Severity == event.Technical:
		return nil, RefusedReason
	}
	text := a.request.By + ": " + cut(q.Text)
	f := finding{problem: event.Reported, severity: q.Severity, scored: a.click, by: a.request.By, request: a.click,
		reasons: []event.Reason{{Rule: event.Reported, Severity: q.Severity, Since: &a.now, Zh: text, En: text}}}
	if i := a.state.open(event.Reported); i >= 0 {
		f.reasons = append(f.reasons, a.state.Open[i].Reasons...)
		f.reasons = f.reasons[:min(len(f.reasons), maxFaults)]
		if was := a.state.Open[i].Severity; rank(was) > rank(f.severity) { // one who worries less takes nothing from one who worries more
			f.severity = was
		}
	}
	return a.state.met(key, f, a.duty), ""
}

// unjudged keeps a warning of which it is not known what it was. A long list loses its oldest: it was asked for often enough.
func unjudged(s State, w Warning, at event.Time) State {
	s.Unjudged = append(slices.Clone(s.Unjudged), Unjudged{Alert: w.Alert, Problem: w.Problem, Severity: w.Peak, ClosedAt: at, AskBy: at + judgeMs})
	if n := len(s.Unjudged); n > keptUnjudged {
		s.Unjudged = slices.Delete(s.Unjudged, 0, n-keptUnjudged)
	}
	return s
}

// judge says what a closed warning was.
func judge(_ Warning, a ask) ([]event.Event, string) {
	q, ok := a.data.(*event.OutcomeRequested)
	i := slices.IndexFunc(a.state.Unjudged, func(u Unjudged) bool { return u.Alert == a.request.Alert })
	switch {
	case i < 0:
		return nil, RefusedJudged
	case !roleMay(a.request.Role, a.state.Unjudged[i].Severity):
		return nil, RefusedRole
	case !ok || !isOutcome(q.Outcome) || q.Outcome == event.OutcomeUnknown:
		return nil, RefusedOutcome
	}
	return []event.Event{&event.AlertJudged{Alert: a.request.Alert, By: a.request.By, Outcome: q.Outcome, Done: cut(q.Done), Request: a.click}}, ""
}

func judged(s State, d *event.AlertJudged, at event.Time) State {
	s.Unjudged = slices.DeleteFunc(slices.Clone(s.Unjudged), func(u Unjudged) bool { return u.Alert == d.Alert })
	if len(s.Unjudged) == 0 {
		s.Unjudged = nil // as it reads back from a checkpoint
	}
	s = s.retold(d.Alert, func(p *Past) {
		p.Outcome, p.Done = d.Outcome, d.Done
		p.tell(Moment{At: at, Type: d.Type(), By: d.By, Note: d.Outcome, Text: d.Done})
	})
	return granted(s, d)
}

func outcomeAsked(s State, d *event.AlertOutcomeAsked, at event.Time) State {
	if i := slices.IndexFunc(s.Unjudged, func(u Unjudged) bool { return u.Alert == d.Alert }); i >= 0 {
		s.Unjudged = slices.Clone(s.Unjudged)
		s.Unjudged[i].AskBy = d.AskBy
	}
	return s.retold(d.Alert, func(p *Past) { p.tell(Moment{At: at, Type: d.Type()}) })
}

// retold changes a closed episode, if it is kept still.
func (s State) retold(alert string, change func(*Past)) State {
	if i := slices.IndexFunc(s.Closed, func(p Past) bool { return p.Alert == alert }); i >= 0 {
		s.Closed = slices.Clone(s.Closed)
		change(&s.Closed[i])
	}
	return s
}

package alerts

import (
	"fmt"
	"slices"

	"tocsin/streams/event"
)

// Core is the warnings' streams.Machine.
type Core struct{}

// Apply folds an assessment or the life of a warning. An event about a warning that is not open is an error: the log was
// not written by this core.
func (Core) Apply(_ Facts, s State, e event.Envelope, at event.Time) (State, error) {
	switch d := e.Data.(type) {
	case *event.SeverityScored:
		return scored(s, d, at), nil
	case *event.SignalFellSilent:
		return silentStill(s, d), nil
	case *event.PatientEnrolled:
		s.Tenant, s.Group, s.Also = d.Tenant, d.Group, d.Also
		return s, nil
	case *event.PatientGrouped:
		s.Tenant, s.Group, s.Also = d.Tenant, d.Group, d.Also
		return s, nil
	case *event.ResponsibleSet:
		s.Responsible = d
		return s, nil
	case *event.PlanChanged:
		s.Pauses = d.Plan.Pauses
		return s, nil
	case *event.AlertRaised:
		return raised(s, d, at), nil
	case *event.RequestRefused:
		return answered(s, Answer{d.Request, d.Alert, d.Reason, d.Holder}), nil
	case *event.AlertClosed:
		return closed(s, d, at)
	case *event.AlertOutcomeAsked:
		return outcomeAsked(s, d, at), nil
	case *event.AlertJudged:
		return judged(s, d, at), nil
	case *event.NoticeReported:
		return s.reported(d, at), nil
	case *event.PatientLeft:
		return left(s, d, at), nil
	case *event.PatientResumed:
		return resumed(s, d), nil
	case *event.ReadingDisowned:
		return disowned(s, d, at), nil
	}
	return changed(s, e, at)
}

// changed folds what happens to an open warning.
func changed(s State, e event.Envelope, at event.Time) (State, error) {
	change, alert := changeOf(e.Data, at)
	if change == nil {
		return s, nil
	}
	i := s.byID(alert)
	if i < 0 {
		return s, fmt.Errorf("%s %s: warning %s is not open here", e.Data.Type(), e.ID, alert)
	}
	s.Open = slices.Clone(s.Open)
	change(&s.Open[i])
	return granted(s, e.Data), nil
}

// scored notes since when nothing is found. Late findings say nothing about now.
func scored(s State, d *event.SeverityScored, at event.Time) State {
	if d.Late {
		return s
	}
	found := d.Severity != event.NoSeverity
	if i := s.open(d.Problem); i >= 0 && (s.Open[i].ClearSince == nil) != found {
		s.Open = slices.Clone(s.Open)
		s.Open[i].ClearSince = nil
		if !found {
			s.Open[i].ClearSince = &at
		}
	}
	if i := s.past(d.Problem); i >= 0 && !found {
		s = s.cleared(i)
	}
	return s
}

// silentStill: whoever closed the silence knew of it, but it is to be told again while it lasts (ING-8), so the next
// assessment of it is a new episode.
func silentStill(s State, d *event.SignalFellSilent) State {
	if i := s.past(event.Silence); i >= 0 && d.Repeat > 0 {
		s = s.cleared(i)
	}
	return s
}

// cleared lets whatever comes after the closed episode at i be a new one.
func (s State) cleared(i int) State {
	if s.Closed[i].Clear {
		return s
	}
	s.Closed = slices.Clone(s.Closed)
	s.Closed[i].Clear = true
	return s
}

func raised(s State, d *event.AlertRaised, at event.Time) State {
	w := Warning{
		Alert: d.Alert, Problem: d.Problem, Episode: d.Episode, Phase: New, Severity: d.Severity, Peak: d.Severity, Danger: d.Danger,
		Rule: d.Rule, Reasons: d.Reasons, Score: d.Score, Scored: d.Scored, RaisedAt: at, Since: at, UpdatedAt: at,
		Policy: d.Policy, Level: d.Level, OnDuty: d.OnDuty, AnswerBy: d.AnswerBy, Planned: d.Planned, By: d.By,
	}
	if d.Danger {
		w.Dangers = 1
	}
	w.Asks = 1
	if d.Planned != "" {
		w.Phase, w.Asks = Suppressed, 0
	}
	w.Mark = markOf(d.Severity, d.Danger, d.Score, d.Reasons)
	w.tell(Moment{At: at, Type: d.Type(), By: d.By, To: w.asks(), Severity: d.Severity, Note: d.Planned})
	i, _ := slices.BinarySearchFunc(s.Open, d.Problem, byProblem)
	s.Open = slices.Insert(slices.Clone(s.Open), i, w)
	return granted(s, d)
}

func closed(s State, d *event.AlertClosed, at event.Time) (State, error) {
	i := s.byID(d.Alert)
	if i < 0 {
		return s, fmt.Errorf("%s: warning %s is not open here", d.Type(), d.Alert)
	}
	w := s.Open[i]
	p := Past{Warning: w, ClosedAt: at, ClosedBy: d.By, Outcome: d.Outcome, Done: d.Done, Disposition: d.Disposition}
	p.Phase, p.Since, p.AnswerBy, p.Contacted = Closed, at, event.Never, w.Contacted || d.Contacted
	p.Clear = w.ClearSince != nil || w.Eased || w.Problem == event.Fault || w.Problem == event.Reported // both are over when they have been told
	p.Mark = w.markNow()
	p.tell(Moment{At: at, Type: d.Type(), By: d.By, Note: d.Outcome})
	if s.Open = slices.Delete(slices.Clone(s.Open), i, i+1); len(s.Open) == 0 {
		s.Open = nil // as it reads back from a checkpoint
	}
	s.Closed = set(s.Closed, p, func(a, b Past) int { return byProblem(a.Warning, b.Problem) })
	if d.Outcome == event.OutcomeUnknown {
		s = unjudged(s, w, at)
	}
	return granted(s, d), nil
}

// changeOf answers what an event does to an open warning; nil when it concerns none.
func changeOf(d event.Event, at event.Time) (change func(*Warning), alert string) {
	switch d := d.(type) {
	case *event.AlertUpdated:
		return func(w *Warning) { w.updated(d, at) }, d.Alert
	case *event.AlertWorsened:
		return func(w *Warning) { w.worsened(d, at) }, d.Alert
	case *event.AlertEased:
		return func(w *Warning) { w.eased(d, at) }, d.Alert
	case *event.AlertAccepted:
		return func(w *Warning) { w.accepted(d, at) }, d.Alert
	case *event.AlertReturned:
		return func(w *Warning) { w.returned(d, at) }, d.Alert
	case *event.AlertEscalated:
		return func(w *Warning) { w.escalated(d, at) }, d.Alert
	case *event.AlertCalling:
		return func(w *Warning) { w.calling(d, at) }, d.Alert
	case *event.AlertContacted:
		return func(w *Warning) { w.contacted(d, at) }, d.Alert
	case *event.AlertOffered:
		return func(w *Warning) { w.offered(d, at) }, d.Alert
	case *event.AlertHandoverDue:
		return func(w *Warning) { w.handoverDue(d, at) }, d.Alert
	case *event.AlertNoted:
		return func(w *Warning) { w.noted(d, at) }, d.Alert
	case *event.AlertShelveAsked:
		return func(w *Warning) { w.shelveAsked(d, at) }, d.Alert
	case *event.AlertShelved:
		return func(w *Warning) { w.shelved(d, at) }, d.Alert
	case *event.AlertUnshelved:
		return func(w *Warning) { w.unshelved(d, at) }, d.Alert
	default:
		return nil, ""
	}
}

// AnswerTo answers the click that an event grants and the warning that it is about; empty when it grants none.
func AnswerTo(d event.Event) (click, alert string) {
	switch d := d.(type) {
	case *event.AlertRaised:
		return d.Request, d.Alert
	case *event.AlertUpdated:
		return d.Request, d.Alert
	case *event.AlertWorsened:
		return d.Request, d.Alert
	case *event.AlertAccepted:
		return d.Request, d.Alert
	case *event.AlertReturned:
		return d.Request, d.Alert
	case *event.AlertCalling:
		return d.Request, d.Alert
	case *event.AlertContacted:
		return d.Request, d.Alert
	case *event.AlertOffered:
		return d.Request, d.Alert
	case *event.AlertNoted:
		return d.Request, d.Alert
	case *event.AlertShelveAsked:
		return d.Request, d.Alert
	case *event.AlertShelved:
		return d.Request, d.Alert
	case *event.AlertUnshelved:
		return d.Request, d.Alert
	case *event.AlertClosed:
		return d.Request, d.Alert
	case *event.AlertJudged:
		return d.Request, d.Alert
	case *event.PatientLeft:
		return d.Request, ""
	case *event.PatientResumed:
		return d.Request, ""
	case *event.ReadingDisowned:
		return d.Request, ""
	default:
		return "", ""
	}
}

func (w *Warning) updated(d *event.AlertUpdated, at event.Time) {
	if d.Severity != w.Severity {
		w.tell(Moment{At: at, Type: d.Type(), Severity: d.Severity})
	}
	w.endangered(d.Danger)
	w.Severity, w.Danger, w.Reasons, w.Score, w.Scored, w.UpdatedAt = d.Severity, d.Danger, d.Reasons, d.Score, d.Scored, at
	w.Rule, w.Eased = ruleOf(d.Reasons, w.Rule), w.Eased && w.ClearSince != nil // a late finding wakes nothing
}

// worsened lets the warning ask again; whoever had it is named, and has to take it anew.
func (w *Warning) worsened(d *event.AlertWorsened, at event.Time) {
	w.endangered(d.Danger)
	w.Severity, w.Danger, w.Reasons, w.Score, w.Scored, w.UpdatedAt = d.Severity, d.Danger, d.Reasons, d.Score, d.Scored, at
	w.Rule, w.Eased = ruleOf(d.Reasons, w.Rule), false
	if rank(d.Severity) > rank(w.Peak) {
		w.Peak = d.Severity
	}
	w.Policy = d.Policy
	w.ask(d.Level, d.OnDuty, d.AnswerBy)
	told := markOf(d.Severity, d.Danger, d.Score, d.Reasons)
	told.Rules = union(w.Mark.Rules, told.Rules)
	w.Mark = told
	w.release(at)
	w.Shelf = nil // nobody agrees to shelve what it has become
	w.tell(Moment{At: at, Type: d.Type(), To: w.asks(), Severity: d.Severity, Note: d.Why})
}

// endangered counts that it comes into the immediate-danger band.
func (w *Warning) endangered(is bool) {
	if is && !w.Danger {
		w.Dangers++
	}
}

func (w *Warning) eased(d *event.AlertEased, at event.Time) {
	w.Eased = true
	w.tell(Moment{At: at, Type: d.Type()})
}

// accepted gives it to a person. Who takes over what a colleague has in care has it in care.
func (w *Warning) accepted(d *event.AlertAccepted, at event.Time) {
	w.leaves()
	if w.Phase != InCare {
		w.Phase, w.Since = Accepted, at
	}
	w.Owner, w.AcceptedAt, w.AnswerBy = d.By, &at, d.CareBy
	w.Mark = w.markNow()
	w.tell(Moment{At: at, Type: d.Type(), By: d.By, Note: d.Desk})
}

func (w *Warning) returned(d *event.AlertReturned, at event.Time) {
	w.release(at)
	w.ask(d.Level, d.OnDuty, d.AnswerBy)
	w.tell(Moment{At: at, Type: d.Type(), By: d.By, To: w.asks(), Note: d.Reason})
}

func (w *Warning) escalated(d *event.AlertEscalated, at event.Time) {
	w.release(at)
	w.ask(d.Level, d.OnDuty, d.AnswerBy)
	w.tell(Moment{At: at, Type: d.Type(), To: d.To, Note: d.Why})
}

// ask notes that a step is asked anew, and who answers for it.
func (w *Warning) ask(level int, onDuty []string, by event.Time) {
	w.Level, w.OnDuty, w.AnswerBy = level, onDuty, by
	w.Asks++
}

// release lets the warning ask again: from whoever has it, from the shelf and from a planned window.
func (w *Warning) release(at event.Time) {
	w.leaves()
	if !w.asking() {
		w.Phase, w.Since, w.Owner, w.AcceptedAt = Returned, at, "", nil
	}
}

// leaves forgets what ends with whoever has the warning, with the shelf and with a planned window. That a second person is asked
// to shelve it does not.
func (w *Warning) leaves() {
	if w.Owner != "" {
		w.Was = w.Owner
	}
	if w.Phase == Shelved {
		w.Shelf = nil
	}
	w.Offered, w.Call, w.Handover, w.Planned = "", nil, false, ""
}

// asking tells whether it waits for somebody to take it.
func (w *Warning) asking() bool { return w.Phase == New || w.Phase == Returned }

// judged tells whether a person has seen the reasons as they were: then another reason makes it worse.
func (w *Warning) judged() bool { return w.Owner != "" || w.Phase == Shelved }

// asks answers whom its step of the policy asks.
func (w *Warning) asks() string { return Asked(w.Policy, w.Level) }

// markNow is what whoever looks at the warning now knows.
func (w *Warning) markNow() Mark { return markOf(w.Severity, w.Danger, w.Score, w.Reasons) }

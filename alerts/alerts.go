// Package alerts knows who has to know, and whether they have answered. It folds assessments, faults and what people ask
// for into the life of a warning: one open episode for each patient and problem, from the first finding until a named person has
// taken it and closed it, with a deadline ahead all the while. It has no clock and no I/O; time comes in.
package alerts

import (
	"fmt"
	"slices"

	"tocsin/streams/event"
)

// State is the warnings of one patient.
type State struct {
	Open    []Warning `json:"open,omitempty"`    // at most one a problem, sorted by problem
	Closed  []Past    `json:"closed,omitempty"`  // the last closed episode of each problem, sorted by problem
	Answers []Answer  `json:"answers,omitempty"` // to the last wishes, oldest first
}

// Facts concern everyone; warnings need none.
type Facts struct{}

// Phase is where an open warning stands.
type Phase string

// The phases. Absent is that of a warning which never was.
const (
	Absent   Phase = "absent"
	New      Phase = "new"
	Accepted Phase = "accepted"
	Returned Phase = "returned" // it asks again: given back, overdue, or worse since it was taken
	Closed   Phase = "closed"
)

// Warning is one episode of one problem.
type Warning struct {
	Alert    string         `json:"alert"`
	Problem  string         `json:"problem"`
	Episode  int            `json:"episode"`
	Phase    Phase          `json:"phase"`
	Severity event.Severity `json:"severity"` // of the newest finding
	Peak     event.Severity `json:"peak"`     // the gravest of the episode: it decides who may act
	Danger   bool           `json:"danger,omitempty"`
	Rule     string         `json:"rule"`
	Reasons  []event.Reason `json:"reasons"`
	Score    *event.Score   `json:"score,omitempty"`
	Scored   string         `json:"scored"` // id of the assessment behind all this

	RaisedAt  event.Time   `json:"raised_at"`
	Since     event.Time   `json:"since"`      // when it came into its phase
	UpdatedAt event.Time   `json:"updated_at"` // when findings last changed
	Policy    event.Policy `json:"policy"`
	Level     int          `json:"level"`
	AnswerBy  event.Time   `json:"answer_by"` // the next deadline, of an answer or (accepted) of care

	Owner      string      `json:"owner,omitempty"`
	Was        string      `json:"was,omitempty"`         // who had it before
	AcceptedAt *event.Time `json:"accepted_at,omitempty"` // by Owner

	Mark       Mark        `json:"mark"`
	ClearSince *event.Time `json:"clear_since,omitempty"` // since when nothing has been found
	Eased      bool        `json:"eased,omitempty"`

	Story   []Moment `json:"story"`
	LeftOut int      `json:"left_out,omitempty"` // moments that the story no longer has
}

// Mark is what has been told already; what goes beyond it asks again.
type Mark struct {
	Severity event.Severity `json:"severity"`
	Danger   bool           `json:"danger,omitempty"`
	Lower    int            `json:"lower"`
	Rules    []string       `json:"rules,omitempty"`
}

// Past is a closed episode.
type Past struct {
	Warning
	ClosedAt    event.Time `json:"closed_at"`
	ClosedBy    string     `json:"closed_by"`
	Outcome     string     `json:"outcome"`
	Done        string     `json:"done,omitempty"`
	Disposition string     `json:"disposition,omitempty"`
	Contacted   bool       `json:"contacted,omitempty"`
	// Clear tells that nothing has been found since, or that it lasts and is to be told again: whatever comes now is a new
	// episode. Until then only what is worse is.
	Clear bool `json:"clear,omitempty"`
}

// Moment is one line of a warning's story. Note is a fixed word or a person's own.
type Moment struct {
	At       event.Time     `json:"at"`
	Type     event.Type     `json:"type"`
	By       string         `json:"by,omitempty"`
	To       string         `json:"to,omitempty"`
	Severity event.Severity `json:"severity,omitempty"`
	Note     string         `json:"note,omitempty"`
}

// Answer is what a wish led to; Reason is empty when it was granted.
type Answer struct {
	Request string `json:"request"`
	Alert   string `json:"alert"`
	Reason  string `json:"reason,omitempty"`
	Holder  string `json:"holder,omitempty"`
}

const (
	keptAnswers = 32
	keptStory   = 40
	keptBegin   = 8 // the first lines of a story are never left out
)

// Core is the warnings' streams.Machine.
type Core struct{}

// Common folds nothing: warnings need no facts about everyone.
func (Core) Common(f Facts, _ event.Envelope, _ event.Time) (Facts, error) { return f, nil }

// Apply folds an assessment or the life of a warning. An event about a warning that is not open is an error: the log was
// not written by this core.
func (Core) Apply(_ Facts, s State, e event.Envelope, at event.Time) (State, error) {
	switch d := e.Data.(type) {
	case *event.SeverityScored:
		return scored(s, d, at), nil
	case *event.SignalFellSilent:
		return silentStill(s, d), nil
	case *event.AlertRaised:
		return raised(s, d, at), nil
	case *event.RequestRefused:
		return answered(s, Answer{d.Request, d.Alert, d.Reason, d.Holder}), nil
	case *event.AlertClosed:
		return closed(s, d, at)
	}
	change, alert := changeOf(e.Data, at)
	if change == nil {
		return s, nil
	}
	i := slices.IndexFunc(s.Open, func(w Warning) bool { return w.Alert == alert })
	if i < 0 {
		return s, fmt.Errorf("%s %s: warning %s is not open here", e.Data.Type(), e.ID, alert)
	}
	s.Open = slices.Clone(s.Open)
	change(&s.Open[i])
	if r := requestOf(e.Data); r != "" {
		s = answered(s, Answer{Request: r, Alert: alert})
	}
	return s, nil
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
	if i := s.past(d.Problem); i >= 0 && !found && !s.Closed[i].Clear {
		s.Closed = slices.Clone(s.Closed)
		s.Closed[i].Clear = true
	}
	return s
}

// silentStill: whoever closed the silence knew of it, but it is to be told again while it lasts (ING-8), so the next
// assessment of it is a new episode.
func silentStill(s State, d *event.SignalFellSilent) State {
	if i := s.past(event.Silence); i >= 0 && d.Repeat > 0 && !s.Closed[i].Clear {
		s.Closed = slices.Clone(s.Closed)
		s.Closed[i].Clear = true
	}
	return s
}

func raised(s State, d *event.AlertRaised, at event.Time) State {
	w := Warning{
		Alert: d.Alert, Problem: d.Problem, Episode: d.Episode, Phase: New, Severity: d.Severity, Peak: d.Severity, Danger: d.Danger,
		Rule: d.Rule, Reasons: d.Reasons, Score: d.Score, Scored: d.Scored, RaisedAt: at, Since: at, UpdatedAt: at,
		Policy: d.Policy, Level: d.Level, AnswerBy: d.AnswerBy,
	}
	w.Mark = markOf(d.Severity, d.Danger, d.Score, d.Reasons)
	w.tell(Moment{At: at, Type: d.Type(), To: Asked(d.Policy, d.Level), Severity: d.Severity})
	i, _ := slices.BinarySearchFunc(s.Open, d.Problem, byProblem)
	s.Open = slices.Insert(slices.Clone(s.Open), i, w)
	return s
}

func closed(s State, d *event.AlertClosed, at event.Time) (State, error) {
	i := slices.IndexFunc(s.Open, func(w Warning) bool { return w.Alert == d.Alert })
	if i < 0 {
		return s, fmt.Errorf("%s: warning %s is not open here", d.Type(), d.Alert)
	}
	w := s.Open[i]
	p := Past{Warning: w, ClosedAt: at, ClosedBy: d.By, Outcome: d.Outcome, Done: d.Done, Disposition: d.Disposition, Contacted: d.Contacted}
	p.Phase, p.Since, p.AnswerBy = Closed, at, event.Never
	p.Clear = w.ClearSince != nil || w.Eased || w.Problem == event.Fault // a fault is over when it has been told
	p.Mark = markOf(w.Severity, w.Danger, w.Score, w.Reasons)
	p.tell(Moment{At: at, Type: d.Type(), By: d.By, Note: d.Outcome})
	if s.Open = slices.Delete(slices.Clone(s.Open), i, i+1); len(s.Open) == 0 {
		s.Open = nil // as it reads back from a checkpoint
	}
	s.Closed = slices.Clone(s.Closed)
	if j, known := slices.BinarySearchFunc(s.Closed, w.Problem, func(p Past, problem string) int { return byProblem(p.Warning, problem) }); known {
		s.Closed[j] = p
	} else {
		s.Closed = slices.Insert(s.Closed, j, p)
	}
	return answered(s, Answer{Request: d.Request, Alert: d.Alert}), nil
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
	default:
		return nil, ""
	}
}

func requestOf(d event.Event) string {
	switch d := d.(type) {
	case *event.AlertAccepted:
		return d.Request
	case *event.AlertReturned:
		return d.Request
	default:
		return ""
	}
}

func (w *Warning) updated(d *event.AlertUpdated, at event.Time) {
	if d.Severity != w.Severity {
		w.tell(Moment{At: at, Type: d.Type(), Severity: d.Severity})
	}
	w.Severity, w.Danger, w.Reasons, w.Score, w.Scored, w.UpdatedAt = d.Severity, d.Danger, d.Reasons, d.Score, d.Scored, at
	w.Rule, w.Eased = ruleOf(d.Reasons, w.Rule), w.Eased && w.ClearSince != nil // a late finding wakes nothing
}

// worsened lets the warning ask again; whoever had it is named, and has to take it anew.
func (w *Warning) worsened(d *event.AlertWorsened, at event.Time) {
	w.Severity, w.Danger, w.Reasons, w.Score, w.Scored, w.UpdatedAt = d.Severity, d.Danger, d.Reasons, d.Score, d.Scored, at
	w.Rule, w.Eased = ruleOf(d.Reasons, w.Rule), false
	if rank(d.Severity) > rank(w.Peak) {
		w.Peak = d.Severity
	}
	w.Policy, w.Level, w.AnswerBy = d.Policy, d.Level, d.AnswerBy
	told := markOf(d.Severity, d.Danger, d.Score, d.Reasons)
	told.Rules = union(w.Mark.Rules, told.Rules)
	w.Mark = told
	w.release(at)
	w.tell(Moment{At: at, Type: d.Type(), To: Asked(d.Policy, d.Level), Severity: d.Severity, Note: d.Why})
}

func (w *Warning) eased(d *event.AlertEased, at event.Time) {
	w.Eased = true
	w.tell(Moment{At: at, Type: d.Type()})
}

func (w *Warning) accepted(d *event.AlertAccepted, at event.Time) {
	w.Phase, w.Since, w.Owner, w.AcceptedAt, w.AnswerBy = Accepted, at, d.By, &at, d.CareBy
	w.Mark = markOf(w.Severity, w.Danger, w.Score, w.Reasons)
	w.tell(Moment{At: at, Type: d.Type(), By: d.By, Note: d.Desk})
}

func (w *Warning) returned(d *event.AlertReturned, at event.Time) {
	w.release(at)
	w.Level, w.AnswerBy = d.Level, d.AnswerBy
	w.tell(Moment{At: at, Type: d.Type(), By: d.By, To: Asked(w.Policy, d.Level), Note: d.Reason})
}

func (w *Warning) escalated(d *event.AlertEscalated, at event.Time) {
	w.release(at)
	w.Level, w.AnswerBy = d.Level, d.AnswerBy
	w.tell(Moment{At: at, Type: d.Type(), To: d.To, Note: d.Why})
}

// release takes the warning from whoever has it.
func (w *Warning) release(at event.Time) {
	if w.Phase != Accepted {
		return
	}
	w.Phase, w.Since, w.Was, w.Owner, w.AcceptedAt = Returned, at, w.Owner, "", nil
}

// tell adds a line to the story. A long one loses its middle, and says how much of it.
func (w *Warning) tell(m Moment) {
	w.Story = append(slices.Clone(w.Story), m)
	if len(w.Story) > keptStory {
		w.Story = slices.Delete(w.Story, keptBegin, keptBegin+1)
		w.LeftOut++
	}
}

// answered keeps the answer to a wish, so that a repeat of it gets the same.
func answered(s State, a Answer) State {
	if a.Request == "" || slices.ContainsFunc(s.Answers, func(b Answer) bool { return b.Request == a.Request }) {
		return s
	}
	s.Answers = append(slices.Clone(s.Answers), a)
	if n := len(s.Answers); n > keptAnswers {
		s.Answers = slices.Delete(s.Answers, 0, n-keptAnswers)
	}
	return s
}

func markOf(s event.Severity, danger bool, score *event.Score, reasons []event.Reason) Mark {
	m := Mark{Severity: s, Danger: danger}
	if score != nil {
		m.Lower = score.Lower
	}
	for _, r := range reasons {
		m.Rules = union(m.Rules, []string{nameOf(r)})
	}
	return m
}

// nameOf tells reasons apart: the same rule on another signal is another reason.
func nameOf(r event.Reason) string {
	if r.Quantity == nil {
		return r.Rule
	}
	return r.Rule + "/" + r.Quantity.String()
}

// union answers both, sorted, each once.
func union(a, b []string) []string {
	all := append(slices.Clone(a), b...)
	slices.Sort(all)
	return slices.Compact(all)
}

func ruleOf(reasons []event.Reason, otherwise string) string {
	if len(reasons) == 0 {
		return otherwise
	}
	return reasons[0].Rule
}

func byProblem(w Warning, problem string) int {
	switch {
	case w.Problem < problem:
		return -1
	case w.Problem > problem:
		return 1
	}
	return 0
}

// open answers the place of the open warning of a problem; -1 when there is none.
func (s State) open(problem string) int {
	return slices.IndexFunc(s.Open, func(w Warning) bool { return w.Problem == problem })
}

func (s State) past(problem string) int {
	return slices.IndexFunc(s.Closed, func(p Past) bool { return p.Problem == problem })
}

// Answered answers what a wish led to, when that is still known.
func (s State) Answered(request string) (Answer, bool) {
	i := slices.IndexFunc(s.Answers, func(a Answer) bool { return a.Request == request })
	if i < 0 {
		return Answer{}, false
	}
	return s.Answers[i], true
}

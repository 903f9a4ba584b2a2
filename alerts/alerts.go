// Package alerts knows who has to know, and whether they have answered. It folds assessments, faults and what people ask
// for into the life of a warning: one open episode for each patient and problem, from the first finding until a named person has
// taken it and closed it, with a deadline ahead all the while. It has no clock and no I/O; time comes in.
package alerts

import (
	"slices"

	"tocsin/streams/event"
)

// State is the warnings of one patient.
type State struct {
	Open    []Warning `json:"open,omitempty"`    // at most one a problem, sorted by problem
	Closed  []Past    `json:"closed,omitempty"`  // the last closed episode of each problem, sorted by problem
	Answers []Answer  `json:"answers,omitempty"` // to the last wishes, oldest first

	Tenant string   `json:"tenant,omitempty"` // of the patient; empty: not enrolled
	Group  string   `json:"group,omitempty"`  // that leads the care
	Also   []string `json:"also,omitempty"`   // further groups
	// Responsible is who was chosen for the patient; nil: nobody, and the rule of event.AnswerableFor holds.
	Responsible *event.ResponsibleSet `json:"responsible,omitempty"`

	Unjudged []Unjudged    `json:"unjudged,omitempty"` // closed without knowing what they were, oldest first
	Pauses   []event.Pause `json:"pauses,omitempty"`   // planned windows
	Left     *Left         `json:"left,omitempty"`     // nil: the patient is cared for
}

// Facts concern everyone: how warnings are handled, and who is on duty.
type Facts struct {
	Policies []event.PolicySet `json:"policies,omitempty"` // sorted by tenant, group and severity
	Rotas    []Rota            `json:"rotas,omitempty"`    // sorted by tenant, group and step
	Teams    []event.TeamSet   `json:"teams,omitempty"`    // sorted by tenant and group
	Packs    []GroupPack       `json:"packs,omitempty"`    // of groups whose pack has another name, sorted by tenant and group
}

// Phase is where an open warning stands.
type Phase string

// The phases. Absent is that of a warning which never was.
const (
	Absent   Phase = "absent"
	New      Phase = "new"
	Accepted Phase = "accepted"
	InCare   Phase = "in_care"  // somebody was reached about it
	Returned Phase = "returned" // it asks again: given back, overdue, or worse since it was taken
	Shelved  Phase = "shelved"  // put aside by a person, until a moment
	// Suppressed is a silence within a planned window.
	Suppressed Phase = "suppressed"
	Closed     Phase = "closed"
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
	OnDuty    []string     `json:"on_duty,omitempty"` // the accounts that were asked; empty: no rota says who
	AnswerBy  event.Time   `json:"answer_by"`         // the next deadline, of an answer or (accepted) of care

	Owner      string      `json:"owner,omitempty"`
	Was        string      `json:"was,omitempty"`         // who had it before
	AcceptedAt *event.Time `json:"accepted_at,omitempty"` // by Owner
	Offered    string      `json:"offered,omitempty"`     // to whom Owner would hand it over
	Call       *Call       `json:"call,omitempty"`        // that Owner is on
	Handover   bool        `json:"handover,omitempty"`    // Owner's shift is over, and somebody is to take it
	Contacted  bool        `json:"contacted,omitempty"`   // somebody was reached in this episode
	Shelf      *Shelf      `json:"shelf,omitempty"`       // where it lies, or (in another phase) for which a second person is asked
	Planned    string      `json:"planned,omitempty"`     // why it is suppressed
	By         string      `json:"by,omitempty"`          // who raised it by hand

	Mark       Mark        `json:"mark"`
	ClearSince *event.Time `json:"clear_since,omitempty"` // since when nothing has been found
	Eased      bool        `json:"eased,omitempty"`

	Asks    int    `json:"asks,omitempty"`    // how often somebody was asked, by the story's raisings, escalations and returns
	Told    []Told `json:"told,omitempty"`    // what became of the last notices
	Reports int    `json:"reports,omitempty"` // how many receipts of notices there were
	Dangers int    `json:"dangers,omitempty"` // how often it came into the immediate-danger band: the patient is told what to do each time

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
	// Clear tells that nothing has been found since, or that it lasts and is to be told again: whatever comes now is a new
	// episode. Until then only what is worse is.
	Clear bool `json:"clear,omitempty"`
}

// Moment is one line of a warning's story. Note is a fixed word or, of a return, a person's own.
type Moment struct {
	At       event.Time     `json:"at"`
	Type     event.Type     `json:"type"`
	By       string         `json:"by,omitempty"`
	To       string         `json:"to,omitempty"`
	Severity event.Severity `json:"severity,omitempty"`
	Note     string         `json:"note,omitempty"`
	Text     string         `json:"text,omitempty"` // a person's words
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

// tell adds a line to the story. A long one loses its middle, and says how much of it.
func (w *Warning) tell(m Moment) {
	w.Story = append(slices.Clone(w.Story), m)
	if len(w.Story) > keptStory {
		w.Story = slices.Delete(w.Story, keptBegin, keptBegin+1)
		w.LeftOut++
	}
}

// granted keeps that an event grants a wish, when it does.
func granted(s State, d event.Event) State {
	click, alert := AnswerTo(d)
	return answered(s, Answer{Request: click, Alert: alert})
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
	if r.Rule == event.Reported && r.Since != nil { // each report is one
		return r.Rule + "/" + r.Since.String()
	}
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

// byID answers the place of an open warning; -1 when it is not open.
func (s State) byID(alert string) int {
	return slices.IndexFunc(s.Open, func(w Warning) bool { return w.Alert == alert })
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

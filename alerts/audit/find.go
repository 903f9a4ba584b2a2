package audit

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"tocsin/streams/event"
)

// Kind is what is wrong, as a fixed word.
type Kind string

// What can be wrong with warnings.
const (
	NoDeadline   Kind = "no_deadline"
	Overdue      Kind = "overdue"
	LeftOpen     Kind = "left_open"     // of a patient who left
	RaisedTwice  Kind = "raised_twice"  // for one patient and problem
	NotOpen      Kind = "not_open"      // something happened to a warning that is not open
	UnknownEvent Kind = "unknown_event" // something happened that this program does not know
)

// Finding is one thing that is wrong. Two looks at the same wrong give equal findings.
type Finding struct {
	Kind     Kind           `json:"kind"`
	Subject  string         `json:"subject"` // tenant and our opaque id of the patient
	Alert    string         `json:"alert,omitempty"`
	Problem  string         `json:"problem,omitempty"`
	Severity event.Severity `json:"severity,omitempty"`
	Since    event.Time     `json:"since"`
	Says     string         `json:"says"` // what is wrong and what to do, for whoever can act
}

// oddFor is how long an event that did not fit is told of. It stays in the log for ever, and a finding that never ends
// would hide the next.
const oddFor = 24 * time.Hour

// Find answers what is wrong with a patient's warnings at now, when a deadline may be overdue by within.
func Find(subject string, s State, now event.Time, within time.Duration) []Finding {
	var all []Finding
	for i, w := range s.Open {
		for _, f := range w.find(now, within) {
			all = append(all, f.of(subject, w))
		}
		if f, twice := w.twice(s.Open[:i]); twice {
			all = append(all, f.of(subject, w))
		}
	}
	for _, o := range s.Odd {
		if now.Sub(o.At) < oddFor {
			all = append(all, Finding{Kind: o.Kind, Subject: subject, Alert: o.Alert, Since: o.At, Says: o.Says})
		}
	}
	return all
}

// Sort puts findings in the order in which they began.
func Sort(all []Finding) {
	slices.SortFunc(all, func(a, b Finding) int {
		return cmp.Or(cmp.Compare(a.Since, b.Since), strings.Compare(a.Subject, b.Subject), strings.Compare(a.Alert, b.Alert),
			strings.Compare(string(a.Kind), string(b.Kind)), strings.Compare(a.Says, b.Says))
	})
}

func (f Finding) of(subject string, w Warning) Finding {
	f.Subject, f.Alert, f.Problem, f.Severity = subject, w.Alert, w.Problem, w.Severity
	return f
}

// find answers what is wrong with one warning by itself.
func (w Warning) find(now event.Time, within time.Duration) (all []Finding) {
	switch {
	case w.Next == 0 || w.Next == event.Never:
		all = append(all, Finding{Kind: NoDeadline, Since: w.SetAt, Says: w.nobody() + byHand})
	case now.Sub(w.Next) > within:
		all = append(all, Finding{Kind: Overdue, Since: w.Next, Says: w.late() + byHand})
	}
	if w.LeftAt != nil {
		all = append(all, Finding{Kind: LeftOpen, Since: *w.LeftAt, Says: "the patient left and it was not closed with that: people go on being asked about it; close it"})
	}
	return all
}

// byHand is what is left to do when time brings nothing about any more.
const byHand = "; see to the patient by hand, and look with `tocsin doctor` at what has stopped"

// nobody says of a warning without a deadline how it stands.
func (w Warning) nobody() string {
	return "it is open and has no next deadline, so nobody will be asked about it again (" + string(w.Stand) + ", " + w.who() + ")"
}

// late says what was to have happened by the deadline.
func (w Warning) late() string {
	by := " by " + w.Next.String()
	switch w.Stand {
	case Taken:
		return w.who() + " has it and was to reach the patient" + by + "; it has not come back to anybody since"
	case InCare:
		return w.who() + " has it in care and was to close it" + by + "; it has not come back to anybody since"
	case Aside:
		return w.who() + " put it aside, to come back" + by + "; it has not come back"
	case Resting:
		return "it rested for a planned window, to ask " + w.who() + by + "; it asks nobody yet"
	case Asks:
		return w.who() + " was to answer" + by + "; nobody else has been asked since"
	default:
		return "something was to happen" + by + " and has not"
	}
}

func (w Warning) who() string { return cmp.Or(w.Who, "nobody by name") }

// twice tells whether an earlier warning of the same problem is open still.
func (w Warning) twice(earlier []Warning) (Finding, bool) {
	i := slices.IndexFunc(earlier, func(o Warning) bool { return o.Problem == w.Problem })
	if i < 0 {
		return Finding{}, false
	}
	return Finding{Kind: RaisedTwice, Since: w.RaisedAt, Says: "it was raised while " + earlier[i].Alert + " was open for the same patient and problem: see to both, and close one"}, true
}

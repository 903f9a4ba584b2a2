// Package audit is a second pair of eyes on open warnings. It folds the same log as the core of warnings and shares nothing
// with it but the events, so that a fault over there is not repeated here. It decides nothing: it finds warnings that
// nobody is asked about, deadlines that passed without anything having followed, and events that do not fit.
package audit

import (
	"slices"
	"strings"
	"time"

	"tocsin/streams/event"
)

// Within is how long a deadline may be overdue before it is a finding.
const Within = 15 * time.Second

// State is what is open of one patient. It is a plain value, and nothing here alters one that it was given.
type State struct {
	Open []Warning `json:"open,omitempty"` // in the order in which they were raised
	Odd  []Oddity  `json:"odd,omitempty"`  // the newest events that did not fit, oldest first
}

// Empty tells whether there is nothing to keep of the patient.
func (s State) Empty() bool { return len(s.Open) == 0 && len(s.Odd) == 0 }

// Stand is where an open warning stands.
type Stand string

// The stands of an open warning.
const (
	Asks    Stand = "asks"    // somebody is to take it
	Taken   Stand = "taken"   // somebody has it and is to reach the patient
	InCare  Stand = "in_care" // somebody has reached the patient and is to close it
	Aside   Stand = "aside"   // somebody put it aside for a while
	Resting Stand = "resting" // a planned window keeps it from asking
)

// Warning is an open one.
type Warning struct {
	Alert    string         `json:"alert"`
	Problem  string         `json:"problem"`
	Severity event.Severity `json:"severity"`
	Stand    Stand          `json:"stand"`
	Next     event.Time     `json:"next"`            // the next deadline
	Who      string         `json:"who"`             // the role that is asked, or the account that has it or put it aside
	Steps    []string       `json:"steps,omitempty"` // whom its policy asks, in order
	RaisedAt event.Time     `json:"raised_at"`
	SetAt    event.Time     `json:"set_at"` // when the deadline was set
	// LeftAt is when the patient left though this was open; nil: that is not so.
	LeftAt *event.Time `json:"left_at,omitempty"`
}

// Oddity is an event that did not fit what was open.
type Oddity struct {
	Kind  Kind       `json:"kind"`
	Alert string     `json:"alert"`
	At    event.Time `json:"at"`
	Says  string     `json:"says"`
}

// keptOdd is how many oddities are kept of a patient: one wrong turn of a program may make as many as it writes events.
const keptOdd = 16

// alertPrefix begins the types of all that happens to a warning.
const alertPrefix = "alert."

// Concerns tells whether events of a type are any business of this fold.
func Concerns(t event.Type) bool {
	return strings.HasPrefix(string(t), alertPrefix) || t == typeLeft || t == typeResumed
}

var typeLeft, typeResumed = (*event.PatientLeft)(nil).Type(), (*event.PatientResumed)(nil).Type()

// Apply folds one event about the patient. What does not fit is kept as an oddity.
func Apply(s State, e event.Envelope) State {
	switch d := e.Data.(type) {
	case *event.AlertRaised:
		return raised(s, d, e.At)
	case *event.AlertClosed:
		return closed(s, d, e.At)
	case *event.PatientLeft:
		return marked(s, &e.At)
	case *event.PatientResumed:
		return marked(s, nil)
	case *event.AlertOutcomeAsked, *event.AlertJudged:
		return s // of closed ones
	}
	if alert, change := changeOf(e.Data); change != nil {
		return changed(s, e, alert, change)
	}
	if t := e.Data.Type(); strings.HasPrefix(string(t), alertPrefix) {
		return Unknown(s, e, t)
	}
	return s
}

// Unknown keeps an event of a type or version that this program does not know: whatever it does to a warning, the
// deadline kept here may be wrong from now on.
func Unknown(s State, e event.Envelope, t event.Type) State {
	return odd(s, Oddity{Kind: UnknownEvent, At: e.At, Says: string(t) + " " + e.ID + " is an event that the auditor cannot read, so it may be wrong about this patient's deadlines; update it"})
}

func raised(s State, d *event.AlertRaised, at event.Time) State {
	w := Warning{Alert: d.Alert, Problem: d.Problem, Severity: d.Severity, RaisedAt: at, SetAt: at, Steps: stepsOf(d.Policy)}
	w.asks(w.step(d.Level), d.AnswerBy)
	if d.Planned != "" {
		w.Stand = Resting
	}
	if i := s.open(d.Alert); i >= 0 {
		s = odd(without(s, i), Oddity{RaisedTwice, d.Alert, at, "it was raised though it was open already: from here on the newer one counts"})
	}
	s.Open = append(slices.Clone(s.Open), w)
	return s
}

func closed(s State, d *event.AlertClosed, at event.Time) State {
	i := s.open(d.Alert)
	if i < 0 {
		return notOpen(s, d.Type(), d.Alert, at)
	}
	return without(s, i)
}

// marked notes on every warning that is open that the patient left, or that this was taken back. Those that are closed in
// the same step never show it: nobody looks between the events of a step.
func marked(s State, leftAt *event.Time) State {
	s.Open = slices.Clone(s.Open)
	for i := range s.Open {
		s.Open[i].LeftAt = leftAt
	}
	return s
}

// changed lets an event do to an open warning what it says.
func changed(s State, e event.Envelope, alert string, change func(*Warning)) State {
	i := s.open(alert)
	if i < 0 {
		return notOpen(s, e.Data.Type(), alert, e.At)
	}
	s.Open = slices.Clone(s.Open)
	w := &s.Open[i]
	was := w.Next
	if change(w); w.Next != was {
		w.SetAt = e.At
	}
	return s
}

func notOpen(s State, t event.Type, alert string, at event.Time) State {
	return odd(s, Oddity{NotOpen, alert, at, string(t) + " was decided about it though it is not open: whoever decided saw something else than the log says"})
}

func odd(s State, o Oddity) State {
	s.Odd = append(slices.Clone(s.Odd), o)
	if n := len(s.Odd); n > keptOdd {
		s.Odd = s.Odd[n-keptOdd:]
	}
	return s
}

// open answers the place of an open warning; -1 when it is not open.
func (s State) open(alert string) int {
	return slices.IndexFunc(s.Open, func(w Warning) bool { return w.Alert == alert })
}

func without(s State, i int) State {
	if s.Open = slices.Delete(slices.Clone(s.Open), i, i+1); len(s.Open) == 0 {
		s.Open = nil // as it reads back from JSON
	}
	return s
}

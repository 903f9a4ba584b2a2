// Package study says how well rules found what they were to find, in recorded patients: what was decided for each of them
// comes in, numbers come out. It reads no files and decides nothing itself; deploy/study plays the patients through the
// same cores as live.
package study

import (
	"crypto/sha256"
	"slices"
	"time"

	"tocsin/streams/event"
)

// Cohort is recorded patients with what the rules were to find in them.
type Cohort struct {
	Name     string
	Patients []Patient
	// Before and After bound when a warning finds a target: from so long before it to so long after it, the end excluded.
	Before, After time.Duration
	// What is what the targets are, in the words of the report.
	What string
	// Left is what the files held and no patient has, said in the report.
	Left []string
}

// Patient is one of them.
type Patient struct {
	ID         string
	Uploads    []event.Envelope // what the door made of what was measured, by time
	Recorded   []event.Envelope // what it makes of a recording, which it believes as it stands
	Begin, End event.Time       // of the first and the last row or reading
	Hours      []Hour           // of hourly data: every row, also one without a value
	Targets    []Target         // by time
}

// Hour is one row of hourly data. Uploads counts those of Recorded up to it: the row is judged by what was known after these.
type Hour struct {
	At      event.Time
	Uploads int
	Label   bool // the row is one in which the challenge wants an alarm
}

// Target is what a warning should have found.
type Target struct {
	At    event.Time
	Kind  string           // such as sepsis, death, Blood pressure
	Signs []event.Quantity // a warning finds it when it names one of these; empty: any warning does
}

// Trace is what was decided for one patient.
type Trace struct {
	Lower    []int     // the score's lower bound after each upload; nil when the pack has no score
	Warnings []Warning // by time
	Standing []Span    // when which signs were found, by time
	Faults   []string  // what went wrong; none may
}

// Warning is one moment at which a person was asked: a warning was raised, or one that somebody had taken became worse.
type Warning struct {
	At       event.Time
	Severity event.Severity
	Worse    bool // somebody had it already, and it became worse
	Rules    []string
	Signs    []event.Quantity
}

// Span is a stretch in which signs were found.
type Span struct {
	From, To event.Time
	Signs    []event.Quantity
}

// Half tells on which side of the cohort a patient is, by a hash of the id: choices are made on half a and measured on
// half b. The first byte of its SHA-256 decides, even is a.
func Half(id string) string {
	if sha256.Sum256([]byte(id))[0]%2 == 0 {
		return "a"
	}
	return "b"
}

// Of answers one half of the cohort, or all of it.
func (c Cohort) Of(half string) Cohort {
	if half == "a" || half == "b" {
		c.Patients = slices.DeleteFunc(slices.Clone(c.Patients), func(p Patient) bool { return Half(p.ID) != half })
	}
	return c
}

// names tells whether one of signs is one of wanted.
func names(wanted, signs []event.Quantity) bool {
	return len(wanted) == 0 || slices.ContainsFunc(signs, func(q event.Quantity) bool { return slices.Contains(wanted, q) })
}

// finds tells whether a warning at w finds the target.
func (c *Cohort) finds(w *Warning, t *Target) bool {
	return w.At >= t.At.Add(-c.Before) && w.At < t.At.Add(c.After) && names(t.Signs, w.Signs)
}

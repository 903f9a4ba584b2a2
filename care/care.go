// Package care knows what a group of patients needs. So far it knows who belongs to which disease group, since when and
// since whose doing; tasks, questionnaires and doses will stand beside it. It has no clock and no I/O.
package care

import (
	"fmt"
	"slices"

	"tocsin/streams/event"
)

// State is one patient's memberships.
type State struct {
	Enrolled *event.Time  `json:"enrolled,omitempty"` // when the watching began; nil: not enrolled
	Groups   []Membership `json:"groups,omitempty"`   // oldest first; the last one is today's
	LeftOut  int          `json:"left_out,omitempty"` // older ones that are not kept
	Left     *event.Time  `json:"left,omitempty"`     // when the care ended; nil: it goes on

	Consents event.Consents `json:"consents,omitzero"` // what the patient has agreed to (SEC-4)

	Clinic string `json:"clinic,omitempty"` // community clinic of today; empty: none
}

// Membership is a stay in a leading group and the further ones; it ends where the next begins.
type Membership struct {
	Group string     `json:"group"`
	Since event.Time `json:"since"`
	Cause string     `json:"cause"`          // the directory's event behind it: who asked stands there
	Also  []string   `json:"also,omitempty"` // further groups, of somebody with more than one disease
}

// Facts is which groups there are, sorted by tenant and group.
type Facts struct {
	Groups []Group `json:"groups,omitempty"`
}

// Group is a disease group with its names.
type Group struct {
	Tenant string `json:"tenant"`
	Group  string `json:"group"`
	Zh     string `json:"zh,omitempty"`
	En     string `json:"en,omitempty"`
}

const keptMemberships = 16

// Core is care's streams.Machine.
type Core struct{}

// Common folds which groups there are.
func (Core) Common(f Facts, e event.Envelope, _ event.Time) (Facts, error) {
	d, ok := e.Data.(*event.GroupSet)
	if !ok {
		return f, nil
	}
	g := Group{d.Tenant, d.Group, d.Zh, d.En}
	f.Groups = slices.Clone(f.Groups)
	if i, known := slices.BinarySearchFunc(f.Groups, g, byName); known {
		f.Groups[i] = g
	} else {
		f.Groups = slices.Insert(f.Groups, i, g)
	}
	return f, nil
}

func byName(a, b Group) int {
	switch x, y := a.Tenant+"/"+a.Group, b.Tenant+"/"+b.Group; {
	case x < y:
		return -1
	case x > y:
		return 1
	}
	return 0
}

// Apply folds enrolments, moves, clinics, leavings and consents. A move of somebody who is not enrolled is an error.
func (Core) Apply(_ Facts, s State, e event.Envelope, at event.Time) (State, error) {
	switch d := e.Data.(type) {
	case *event.PatientEnrolled:
		if s.Enrolled == nil {
			s.Enrolled = &at
		}
		s.Consents.Kept = d.ConsentKept
		return join(s, Membership{d.Group, at, e.ID, d.Also}), nil
	case *event.PatientGrouped:
		if s.Enrolled == nil {
			return s, fmt.Errorf("%s %s: patient %s is not enrolled and cannot move to group %s", d.Type(), e.ID, e.Subject, d.Group)
		}
		return join(s, Membership{d.Group, at, e.ID, d.Also}), nil
	case *event.ConsentGiven:
		s.Consents = s.Consents.Give(d, e.At)
		return s, nil
	case *event.ConsentWithdrawn:
		s.Consents = s.Consents.Withdraw(d, e.At)
		return s, nil
	case *event.PatientClinicSet:
		s.Clinic = d.Clinic
		return s, nil
	case *event.PatientLeft:
		s.Left = &at
		return s, nil
	case *event.PatientResumed:
		s.Left = nil
		return s, nil
	default:
		return s, nil
	}
}

// join begins a stay, unless it is today's already.
func join(s State, m Membership) State {
	if n := len(s.Groups); n > 0 && s.Groups[n-1].Group == m.Group && slices.Equal(s.Groups[n-1].Also, m.Also) {
		return s
	}
	s.Groups = append(slices.Clone(s.Groups), m)
	if n := len(s.Groups) - keptMemberships; n > 0 {
		s.Groups, s.LeftOut = slices.Delete(s.Groups, 0, n), s.LeftOut+n
	}
	return s
}

// Decide answers nothing: belonging to a group asks nothing of anybody yet.
func (Core) Decide(Facts, State, event.Envelope, event.Time) ([]event.Event, error) { return nil, nil }

// Due answers nothing: nothing is waited for yet.
func (Core) Due(Facts, State, event.Time) []event.Event { return nil }

// Quietly takes readings and beats, which say nothing about groups.
func (Core) Quietly(_ *Facts, _ *State, e event.Envelope, _ event.Time) (next event.Time, quiet bool) {
	switch e.Data.(type) {
	case *event.ObservationRecorded, *event.DoorOpened:
		return event.Never, true
	default:
		return 0, false
	}
}

// NextDue answers never.
func (Core) NextDue(Facts, State) event.Time { return event.Never }

// Group answers today's leading group; empty when the patient is in none.
func (s State) Group() string { return s.at(event.Never).Group }

// GroupAt answers the leading group at a moment; empty before the first, and when that is no longer kept.
func (s State) GroupAt(t event.Time) string { return s.at(t).Group }

// All answers every group that the patient is in today, the leading one first.
func (s State) All() []string { return s.AllAt(event.Never) }

// AllAt answers every group at a moment, the leading one first; none before the first, and when that is no longer kept.
func (s State) AllAt(t event.Time) []string {
	m := s.at(t)
	if m.Group == "" {
		return nil
	}
	return append([]string{m.Group}, m.Also...)
}

// In answers since when the patient has been in a group without a break, leading or not, as of a moment. A stay whose
// beginning is no longer kept counts from the oldest that is.
func (s State) In(group string, t event.Time) (since event.Time, ok bool) {
	for i := len(s.Groups) - 1; i >= 0; i-- {
		m := s.Groups[i]
		if m.Since > t {
			continue
		}
		if m.Group != group && !slices.Contains(m.Also, group) {
			break
		}
		since, ok = m.Since, true
	}
	return since, ok
}

// at answers the stay at a moment.
func (s State) at(t event.Time) Membership {
	for i := len(s.Groups) - 1; i >= 0; i-- {
		if s.Groups[i].Since <= t {
			return s.Groups[i]
		}
	}
	return Membership{}
}

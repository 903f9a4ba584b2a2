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
}

// Membership is the stay in one disease group.
type Membership struct {
	Group string     `json:"group"`
	Since event.Time `json:"since"`
	Cause string     `json:"cause"` // the directory's event behind it: who asked stands there
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

// Apply folds enrolments and moves. A move of somebody who is not enrolled is an error.
func (Core) Apply(_ Facts, s State, e event.Envelope, at event.Time) (State, error) {
	switch d := e.Data.(type) {
	case *event.PatientEnrolled:
		if s.Enrolled == nil {
			s.Enrolled = &at
		}
		return join(s, d.Group, e.ID, at), nil
	case *event.PatientGrouped:
		if s.Enrolled == nil {
			return s, fmt.Errorf("%s %s: patient %s is not enrolled and cannot move to group %s", d.Type(), e.ID, e.Subject, d.Group)
		}
		return join(s, d.Group, e.ID, at), nil
	default:
		return s, nil
	}
}

func join(s State, group, cause string, at event.Time) State {
	if s.Group() == group {
		return s
	}
	s.Groups = append(slices.Clone(s.Groups), Membership{group, at, cause})
	if n := len(s.Groups) - keptMemberships; n > 0 {
		s.Groups, s.LeftOut = slices.Delete(s.Groups, 0, n), s.LeftOut+n
	}
	return s
}

// Decide answers nothing: belonging to a group asks nothing of anybody yet.
func (Core) Decide(Facts, State, event.Envelope, event.Time) ([]event.Event, error) { return nil, nil }

// Due answers nothing: nothing is waited for yet.
func (Core) Due(Facts, State, event.Time) []event.Event { return nil }

// NextDue answers never.
func (Core) NextDue(Facts, State) event.Time { return event.Never }

// Group answers today's group; empty when the patient is in none.
func (s State) Group() string {
	if len(s.Groups) == 0 {
		return ""
	}
	return s.Groups[len(s.Groups)-1].Group
}

// GroupAt answers the group at a moment; empty before the first, and when that is no longer kept.
func (s State) GroupAt(t event.Time) string {
	for i := len(s.Groups) - 1; i >= 0; i-- {
		if s.Groups[i].Since <= t {
			return s.Groups[i].Group
		}
	}
	return ""
}

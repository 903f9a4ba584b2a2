package alerts

import (
	"cmp"
	"slices"

	"tocsin/streams/event"
)

// Rota is who is on duty for a step, as it was worked out.
type Rota struct {
	Tenant string         `json:"tenant"`
	Group  string         `json:"group,omitempty"`
	Step   string         `json:"step"`
	Spans  []event.OnDuty `json:"spans"`
}

// Common folds policies, rotas, teams and which pack a group uses.
func (Core) Common(f Facts, e event.Envelope, at event.Time) (Facts, error) {
	switch d := e.Data.(type) {
	case *event.PolicySet:
		f.Policies = set(f.Policies, *d, func(a, b event.PolicySet) int {
			return cmp.Or(cmp.Compare(a.Tenant, b.Tenant), cmp.Compare(a.Group, b.Group), cmp.Compare(a.Severity, b.Severity))
		})
	case *event.TeamSet:
		f.Teams = set(f.Teams, *d, func(a, b event.TeamSet) int {
			return cmp.Or(cmp.Compare(a.Tenant, b.Tenant), cmp.Compare(a.Group, b.Group))
		})
	case *event.GroupSet:
		f = f.using(GroupPack{d.Tenant, d.Group, d.Pack})
	case *event.RotaSet:
		r := Rota{d.Tenant, d.Group, d.Step, slices.DeleteFunc(slices.Clone(d.Spans), func(s event.OnDuty) bool { return s.Until+keptSpanMs <= at })}
		f.Rotas = set(f.Rotas, r, func(a, b Rota) int {
			return cmp.Or(cmp.Compare(a.Tenant, b.Tenant), cmp.Compare(a.Group, b.Group), cmp.Compare(a.Step, b.Step))
		})
	}
	return f, nil
}

// set puts x into a sorted list, in the place of its like.
func set[T any](list []T, x T, by func(a, b T) int) []T {
	list = slices.Clone(list)
	i, known := slices.BinarySearchFunc(list, x, by)
	if known {
		list[i] = x
		return list
	}
	return slices.Insert(list, i, x)
}

// duty answers who handles the warnings of one patient at a moment.
type duty struct {
	f             *Facts
	tenant, group string
	now           event.Time
	also          []string
	chosen        *event.ResponsibleSet
	pack          string // behind the first reason of what it is about; empty: not known
}

// keptSpanMs is how long a span is kept after its end: a shift that has ended ends what was taken in it.
const keptSpanMs = 24 * 60 * minute

func (s State) duty(f *Facts, now event.Time) duty {
	return duty{f: f, tenant: s.Tenant, group: s.Group, now: now, also: s.Also, chosen: s.Responsible}
}

// policy answers how a warning of a severity is handled: as the group says, or the tenant, or by the table.
func (d duty) policy(severity event.Severity) event.Policy {
	for _, group := range []string{d.group, ""} {
		for i := range d.f.Policies {
			if p := &d.f.Policies[i]; p.Tenant == d.tenant && p.Group == group && p.Severity == severity {
				return p.Policy
			}
		}
	}
	return policies[severity]
}

// on answers the accounts on duty for a step, and whether anybody answers for it: without a rota everybody of that name does, and
// for coordinator and owner those of the patient.
func (d duty) on(step string) (accounts []string, staffed bool) {
	for _, group := range []string{d.group, ""} {
		for i := range d.f.Rotas {
			r := &d.f.Rotas[i]
			if r.Tenant != d.tenant || r.Group != group || r.Step != step {
				continue
			}
			for _, span := range r.Spans {
				if span.From <= d.now && d.now < span.Until {
					return span.Accounts, true
				}
			}
			return nil, false
		}
	}
	switch step {
	case event.StepCoordinator, event.StepOwner:
		return d.person(step)
	}
	return nil, true
}

package alerts

import (
	"cmp"
	"slices"

	"tocsin/streams/event"
)

// GroupPack is which pack a group uses.
type GroupPack struct {
	Tenant string `json:"tenant"`
	Group  string `json:"group"`
	Pack   string `json:"pack"`
}

// using notes which pack a group uses. Most use one of their own name, and need no note.
func (f Facts) using(g GroupPack) Facts {
	by := func(a, b GroupPack) int {
		return cmp.Or(cmp.Compare(a.Tenant, b.Tenant), cmp.Compare(a.Group, b.Group))
	}
	_, noted := slices.BinarySearchFunc(f.Packs, g, by)
	if noted || g.Pack != g.Group {
		f.Packs = set(f.Packs, g, by)
	}
	return f
}

// about is d for what rests on these reasons: its problem is that of the group whose pack found the first of them.
func (d duty) about(reasons []event.Reason) duty {
	if len(reasons) > 0 {
		d.pack = reasons[0].Pack
	}
	return d
}

// person answers who coordinates the care of the patient or owns the problem; when nobody does the step is passed over, and told.
func (d duty) person(step string) (accounts []string, staffed bool) {
	a := d.answerable()
	account := a.Coordinator
	if step == event.StepOwner {
		account = a.Owner(d.problemGroup())
	}
	if account == "" {
		return nil, false
	}
	return []string{account}, true
}

func (d duty) groups() []string {
	if d.group == "" {
		return nil
	}
	return append([]string{d.group}, d.also...)
}

func (d duty) answerable() event.Answerable {
	team := func(group string) []event.TeamMember {
		for i := range d.f.Teams {
			if t := &d.f.Teams[i]; t.Tenant == d.tenant && t.Group == group {
				return t.Members
			}
		}
		return nil
	}
	return event.AnswerableFor(d.groups(), team, d.chosen)
}

// problemGroup answers the group of the patient whose pack found it; the leading one when that is not known.
func (d duty) problemGroup() string {
	for _, group := range d.groups() {
		pack := group
		for _, g := range d.f.Packs {
			if g.Tenant == d.tenant && g.Group == group {
				pack = g.Pack
			}
		}
		if pack == d.pack {
			return group
		}
	}
	return d.group
}

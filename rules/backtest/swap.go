package backtest

import (
	"maps"
	"slices"

	"tocsin/streams/event"
)

// Swap puts packs in the place of those that were published. Each stands from where its id was first published; later
// versions of it are passed over, so one version is judged over the whole time.
type Swap struct {
	packs  map[string]Pack // by id; none: packs as they were published
	into   string          // the pack that the groups are to use; empty: the one that they name
	groups map[string]bool
	before []event.Event // what nobody ever published or set, said before all else
}

// AsRecorded leaves every pack as it took effect.
func AsRecorded() *Swap { return &Swap{} }

// InForce judges the whole time by the packs that are in force at its end.
func (s *Survey) InForce() *Swap { return &Swap{packs: maps.Clone(s.packs)} }

// With puts one more pack into effect for the groups of a scope, whichever they name.
func (w *Swap) With(s *Survey, sc Scope, p Pack) *Swap {
	with := &Swap{packs: map[string]Pack{}, into: p.ID, groups: sc.Groups, before: slices.Clone(w.before)}
	maps.Copy(with.packs, w.packs)
	with.packs[p.ID] = p
	if _, known := s.packs[p.ID]; !known {
		with.before = append(with.before, &event.PackPublished{Pack: p.ID, Version: p.Version, Sum: p.Sum, Text: p.Text})
	}
	for _, g := range sc.unset {
		tenant, group := cutKey(g)
		with.before = append(with.before, &event.GroupSet{Tenant: tenant, Group: group, Pack: p.ID})
	}
	return with
}

// rewrite answers what this side hears in place of what concerned everyone.
func (w *Swap) rewrite(e event.Envelope) event.Envelope {
	switch d := e.Data.(type) {
	case *event.PackPublished:
		if p, ok := w.packs[d.Pack]; ok { // published again unchanged, it changes nothing
			e.Data = &event.PackPublished{Pack: p.ID, Version: p.Version, Sum: p.Sum, Text: p.Text}
		}
	case *event.GroupSet:
		if w.into != "" && w.groups[d.Tenant+"/"+d.Group] {
			set := *d
			set.Pack = w.into
			e.Data = &set
		}
	}
	return e
}

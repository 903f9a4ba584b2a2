package rules

import (
	"fmt"
	"slices"
	"strings"

	"tocsin/streams/event"
)

// Facts are what concerns everyone in a partition: packs, groups, and how long the doors have been open.
type Facts struct {
	Packs  []*Pack  `json:"packs,omitempty"`  // by id
	Groups []Group  `json:"groups,omitempty"` // by key
	Doors  []Door   `json:"doors,omitempty"`  // in the order of their first beat: a track holds a door by its place
	Any    Door     `json:"any"`              // all doors as one
	Opened []Opened `json:"opened,omitempty"` // of packs, by id
}

// Group is a disease group: which pack it uses, and how often what is expected there.
type Group struct {
	Key        string           `json:"key"` // {tenant}/{group}
	Pack       string           `json:"pack"`
	Zh         string           `json:"zh,omitempty"`
	En         string           `json:"en,omitempty"`
	Cadence    []Cadence        `json:"cadence,omitempty"`
	Overrides  []event.Override `json:"overrides,omitempty"`
	AsRecorded bool             `json:"as_recorded,omitempty"`
	Open       int64            `json:"open"` // open time of any door when the group was last set
}

// Opened says how long doors had been open when a pack last took effect.
type Opened struct {
	Pack string `json:"pack"`
	Open int64  `json:"open"`
}

// DefaultPack is what a group uses that names no pack, or one that has not been published.
const DefaultPack = "news2"

// Pack answers the pack of an id, nil when it has not been published.
func (f *Facts) Pack(id string) *Pack {
	if i, ok := slices.BinarySearchFunc(f.Packs, id, func(p *Pack, id string) int { return strings.Compare(p.ID, id) }); ok {
		return f.Packs[i]
	}
	return nil
}

// Group answers the group of a key, nil when nothing has been set for it.
func (f *Facts) Group(key string) *Group {
	if i, ok := slices.BinarySearchFunc(f.Groups, key, func(g Group, key string) int { return strings.Compare(g.Key, key) }); ok {
		return &f.Groups[i]
	}
	return nil
}

// packFor answers the pack by which a group is judged, and whether it stands in for one that is not known.
func (f *Facts) packFor(g *Group) (p *Pack, instead bool) {
	if g == nil || g.Pack == "" {
		return f.Pack(DefaultPack), false
	}
	if p := f.Pack(g.Pack); p != nil {
		return p, false
	}
	return f.Pack(DefaultPack), true
}

// packOf answers the pack by which a patient is judged: that of the group, merged with those of further groups. Where one is
// not known the default stands in, and absent names it.
func (f *Facts) packOf(g *Group, s *State) (p *Pack, absent string) {
	p, instead := f.packFor(g)
	if instead {
		absent = g.Pack
	}
	if p == nil || len(s.Also) == 0 {
		return p, absent
	}
	all := []*Pack{p}
	for _, key := range s.Also {
		also := f.Group(key)
		q, instead := f.packFor(also)
		if instead && absent != "" {
			absent += ", "
		}
		if instead {
			absent += also.Pack
		}
		if q != nil && !slices.Contains(all, q) {
			all = append(all, q)
		}
	}
	return mergedFor(all, s.Plan), absent
}

func groupKey(tenant, group string) string { return tenant + "/" + group }

// Common folds packs, groups and the beats of doors.
func (c Core) Common(f Facts, e event.Envelope, at event.Time) (Facts, error) {
	switch d := e.Data.(type) {
	case *event.PackPublished:
		return c.published(f, d, at)
	case *event.GroupSet:
		return f.grouped(d, at), nil
	case *event.DoorOpened:
		return f.beat(d.Door, at), nil
	}
	return f, nil
}

// published puts a pack into effect. One that does not compile is an error, and the old one goes on.
func (c Core) published(f Facts, d *event.PackPublished, at event.Time) (Facts, error) {
	if c.Compile == nil {
		return f, fmt.Errorf("pack %s version %d: this core has no compiler of packs", d.Pack, d.Version)
	}
	p, err := c.Compile(d.Text)
	if err != nil {
		return f, fmt.Errorf("pack %s version %d is not put into effect, the one before goes on: %w", d.Pack, d.Version, err)
	}
	if p.ID != d.Pack || p.Version != d.Version || d.Sum != "" && p.Sum != d.Sum {
		return f, fmt.Errorf("pack %s version %d: its text says %s version %d with sum %s; publish it as what it is", d.Pack, d.Version, p.ID, p.Version, p.Sum)
	}
	old := f.Pack(p.ID)
	if old != nil && old.Sum == p.Sum {
		return f, nil
	}
	i, known := slices.BinarySearchFunc(f.Packs, p.ID, func(p *Pack, id string) int { return strings.Compare(p.ID, id) })
	mark := Opened{p.ID, f.anyOpen(at)}
	if known {
		f.Packs, f.Opened = put(f.Packs, i, p), put(f.Opened, i, mark)
		return f, nil
	}
	f.Packs = slices.Insert(slices.Clone(f.Packs), i, p)
	f.Opened = slices.Insert(slices.Clone(f.Opened), i, mark)
	return f, nil
}

func (f Facts) grouped(d *event.GroupSet, at event.Time) Facts {
	g := Group{Key: groupKey(d.Tenant, d.Group), Pack: d.Pack, Zh: d.Zh, En: d.En, Overrides: d.Overrides, AsRecorded: d.AsRecorded, Open: f.anyOpen(at)}
	for q := event.Quantity(1); int(q) < event.Quantities; q++ {
		if ms, ok := d.CadenceMs[q]; ok {
			g.Cadence = append(g.Cadence, Cadence{q, ms})
		}
	}
	i, known := slices.BinarySearchFunc(f.Groups, g.Key, func(g Group, key string) int { return strings.Compare(g.Key, key) })
	if !known {
		f.Groups = slices.Insert(slices.Clone(f.Groups), i, g)
		return f
	}
	if old := f.Groups[i]; old.Pack == g.Pack && slices.Equal(old.Cadence, g.Cadence) {
		g.Open = old.Open // nothing is expected anew
	}
	f.Groups = put(f.Groups, i, g)
	return f
}

// expectedSince is that of the patient's group and pack; one look asks for it once.
func (e *eval) expectedSince() int64 {
	if !e.sinceKnown {
		e.since, e.sinceKnown = e.f.expectedSince(e.g, e.p), true
	}
	return e.since
}

// expectedSince answers the open time of any door from which everything is expected of a group at the earliest.
func (f *Facts) expectedSince(g *Group, p *Pack) int64 {
	open := int64(0)
	if g != nil {
		open = g.Open
	}
	open = max(open, f.openedAt(p.ID))
	for _, id := range p.Of {
		open = max(open, f.openedAt(id))
	}
	return open
}

// openedAt answers how long doors had been open when a pack took effect; 0: it never did.
func (f *Facts) openedAt(pack string) int64 {
	i, known := slices.BinarySearchFunc(f.Opened, pack, func(o Opened, pack string) int { return strings.Compare(o.Pack, pack) })
	if !known {
		return 0
	}
	return f.Opened[i].Open
}

package backtest

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"tocsin/streams/event"
)

// Pack is a pack's text with what it says of itself.
type Pack struct {
	ID      string `json:"id"`
	Version int    `json:"version"`
	Sum     string `json:"sum"`
	Text    string `json:"-"`
}

// String names it for people.
func (p Pack) String() string { return fmt.Sprintf("%s version %d", p.ID, p.Version) }

func published(d *event.PackPublished) Pack { return Pack{d.Pack, d.Version, d.Sum, d.Text} }

// IsFact tells which inputs a survey wants: what concerns everyone but the beats of doors, and who belongs where.
func IsFact(t event.Type) bool { return slices.Contains(facts, t) }

var facts = []event.Type{(*event.PackPublished)(nil).Type(), (*event.GroupSet)(nil).Type(), (*event.PatientEnrolled)(nil).Type(), (*event.PatientGrouped)(nil).Type()}

// Facts answers the types that a survey wants.
func Facts() []event.Type { return slices.Clone(facts) }

// Survey gathers, over the whole record, which packs are in force, which groups use them and who belongs to which group.
type Survey struct {
	fallback string                     // the pack of a group that names none
	packs    map[string]Pack            // the newest of each id
	groups   map[string]map[string]bool // {tenant}/{group} -> every pack that it ever named
	patients map[string]map[string]bool // {tenant}/{patient} -> every group that they ever were in
}

// NewSurvey begins with nothing. fallback is the pack of groups that name none, or one that is not published.
func NewSurvey(fallback string) *Survey {
	return &Survey{fallback, map[string]Pack{}, map[string]map[string]bool{}, map[string]map[string]bool{}}
}

// Hear takes one input; what is no fact is passed over.
func (s *Survey) Hear(e event.Envelope) {
	switch d := e.Data.(type) {
	case *event.PackPublished:
		s.packs[d.Pack] = published(d)
	case *event.GroupSet:
		note(s.groups, d.Tenant+"/"+d.Group, d.Pack)
	case *event.PatientEnrolled:
		s.belongs(e.Subject, d.Tenant, append([]string{d.Group}, d.Also...))
	case *event.PatientGrouped:
		s.belongs(e.Subject, d.Tenant, append([]string{d.Group}, d.Also...))
	}
}

func (s *Survey) belongs(key, tenant string, groups []string) {
	for _, g := range groups {
		note(s.patients, key, tenant+"/"+g)
	}
}

func note(m map[string]map[string]bool, key, value string) {
	if m[key] == nil {
		m[key] = map[string]bool{}
	}
	m[key][value] = true
}

// Merge adds what another partition's survey found.
func (s *Survey) Merge(o *Survey) {
	maps.Copy(s.packs, o.packs)
	for k, all := range o.groups {
		for v := range all {
			note(s.groups, k, v)
		}
	}
	for k, all := range o.patients {
		for v := range all {
			note(s.patients, k, v)
		}
	}
}

// Pack answers the newest published version of a pack.
func (s *Survey) Pack(id string) (Pack, bool) {
	p, ok := s.packs[id]
	return p, ok
}

// Scope is who a backtest is about.
type Scope struct {
	Groups   map[string]bool // {tenant}/{group}
	Patients map[string]bool // everybody who was ever in one of them
	unset    []string        // of Groups, those that nobody ever set
}

// Scope answers who is judged by pack id; with a group (its name, or {tenant}/{name}), whoever is in that.
func (s *Survey) Scope(id, group string) (Scope, error) {
	sc := Scope{Groups: map[string]bool{}, Patients: map[string]bool{}}
	known := s.known()
	for _, g := range known {
		if group == "" && s.uses(g, id) || group != "" && (g == group || strings.HasSuffix(g, "/"+group)) {
			sc.Groups[g] = true
			if len(s.groups[g]) == 0 {
				sc.unset = append(sc.unset, g)
			}
		}
	}
	switch {
	case len(sc.Groups) == 0 && group != "":
		return sc, fmt.Errorf("there is no group %s; there are %s", group, listed(known))
	case len(sc.Groups) == 0:
		return sc, fmt.Errorf("no group uses pack %s: name the group that would use it with --group; there are %s", id, listed(known))
	}
	for p, groups := range s.patients {
		for g := range groups {
			if sc.Groups[g] {
				sc.Patients[p] = true
			}
		}
	}
	return sc, nil
}

func listed(all []string) string {
	if len(all) == 0 {
		return "none at all"
	}
	return strings.Join(all[:min(len(all), 20)], ", ")
}

func (s *Survey) known() []string {
	all := map[string]bool{}
	for g := range s.groups {
		all[g] = true
	}
	for _, groups := range s.patients {
		maps.Copy(all, groups)
	}
	return slices.Sorted(maps.Keys(all))
}

// uses tells whether a group ever was judged by pack id.
func (s *Survey) uses(group, id string) bool {
	named := s.groups[group]
	for p := range named {
		if _, is := s.packs[p]; p == id || id == s.fallback && (p == "" || !is) {
			return true
		}
	}
	return len(named) == 0 && id == s.fallback
}

package directory

import (
	"fmt"
	"reflect"
	"slices"
	"strconv"
	"strings"

	"tocsin/streams"
	"tocsin/streams/event"
)

// Care teams, owners of problems and coordinators (GRP-2).

const mostMembers = 64

// TeamKey answers team/{tenant}/{group}.
func TeamKey(tenant, group string) string { return "team/" + tenant + "/" + group }

func badTeam(en, zh string) refusal { return refusal{"bad_team", zh, en} }

func decideTeam(s Entity, id string, r *event.TeamRequested) []event.Event {
	if why := checkDuty(r.Tenant, r.Group); why != nil {
		return refuse(id, *why)
	}
	if r.Group == "" {
		return refuse(id, badTeam("a team is that of a group: name it", "团队须属于某个专病组，请填写"))
	}
	if why := checkMembers(r.Members); why != nil {
		return refuse(id, *why)
	}
	set := &event.TeamSet{Tenant: r.Tenant, Group: r.Group, Version: 1, Members: r.Members}
	if s.Team != nil {
		set.Version = s.Team.Version
		if reflect.DeepEqual(s.Team, set) {
			return nil
		}
		set.Version++
	}
	if r.Was != "" && r.Was != TeamVersion(s.Team) {
		return refuse(id, overtaken)
	}
	return one(set)
}

// TeamVersion answers by which version a team is known to whoever changes it.
func TeamVersion(set *event.TeamSet) string {
	if set == nil {
		return NoVersion
	}
	return strconv.Itoa(set.Version)
}

func checkMembers(members []event.TeamMember) *refusal {
	why := func(en, zh string) *refusal { r := badTeam(en, zh); return &r }
	if len(members) > mostMembers {
		return why(fmt.Sprintf("%d members; want at most %d", len(members), mostMembers), fmt.Sprintf("共 %d 人，最多 %d 人", len(members), mostMembers))
	}
	for i, m := range members {
		if err := CheckID("account", m.Account); err != nil {
			r := badName(err)
			return &r
		}
		if !slices.Contains(event.Functions, m.Function) {
			return why("the function of "+m.Account+" is one of "+strings.Join(event.Functions, ", "), m.Account+" 的职能须为 "+strings.Join(event.Functions, "、")+" 之一")
		}
		if slices.ContainsFunc(members[:i], func(b event.TeamMember) bool { return b.Account == m.Account }) {
			return why(m.Account+" stands there twice; want one function", m.Account+" 重复，每人一项职能")
		}
	}
	return nil
}

// decideResponsible takes who was chosen for a patient. Whether they are in a team stands elsewhere in the directory: who is not, or is no
// more, counts for nobody (event.AnswerableFor), and is listed.
func decideResponsible(s Entity, id string, r *event.ResponsibleRequested) []event.Event {
	if s.Patient == nil || s.Patient.Group == "" {
		return refuse(id, unknownPatient(r.Tenant, r.Patient))
	}
	if strings.TrimSpace(r.Why) == "" || len(r.Why) > maxReason { // as long as the desk takes it, in any letters
		return refuse(id, badTeam("say why, in at most "+strconv.Itoa(maxReason)+" bytes; no name of the patient", "请说明理由，最多 "+strconv.Itoa(maxReason)+" 字节，不得含患者姓名"))
	}
	groups := append([]string{s.Patient.Group}, s.Patient.Also...)
	for g, account := range r.Owners {
		if !slices.Contains(groups, g) {
			return refuse(id, badTeam("the patient is not in group "+g, "患者不在专病组 "+g))
		}
		if err := CheckID("account", account); err != nil {
			return refuse(id, badName(err))
		}
	}
	if r.Coordinator != "" {
		if err := CheckID("account", r.Coordinator); err != nil {
			return refuse(id, badName(err))
		}
	}
	was := s.Patient.Responsible
	if was == nil {
		was = &event.ResponsibleSet{}
	}
	if was.Coordinator == r.Coordinator && sameOwners(was.Owners, r.Owners) {
		return nil
	}
	return one(&event.ResponsibleSet{Tenant: r.Tenant, Patient: r.Patient, Coordinator: r.Coordinator, Owners: r.Owners, Why: r.Why, By: r.By})
}

func sameOwners(a, b map[string]string) bool {
	return len(a) == 0 && len(b) == 0 || reflect.DeepEqual(a, b)
}

// responsible is a copy of a patient for whom others were chosen.
func (p *Patient) responsible(d *event.ResponsibleSet) *Patient {
	next := Patient{}
	if p != nil {
		next = *p
	}
	next.Responsible = d
	return &next
}

// Team answers the team of a group, with its version; ok is false when none was ever set.
func (v *View) Team(tenant, group string) (event.TeamSet, bool) {
	v.mu.RLock()
	defer v.mu.RUnlock()
	t, ok := v.teams[TeamKey(tenant, group)]
	return t, ok
}

// Teams answers every team, by tenant and group.
func (v *View) Teams() []event.TeamSet { return sorted(v, v.teams) }

// Answerable answers who answers for a patient now.
func (v *View) Answerable(tenant, patient string) event.Answerable {
	v.mu.RLock()
	defer v.mu.RUnlock()
	p := v.patients[streams.PatientKey(tenant, patient)]
	if p.Group == "" {
		return event.AnswerableFor(nil, nil, nil)
	}
	return event.AnswerableFor(append([]string{p.Group}, p.Also...), func(group string) []event.TeamMember { return v.teams[TeamKey(tenant, group)].Members }, p.Responsible)
}

package alerts

import (
	"reflect"
	"strings"
	"testing"

	"tocsin/streams/event"
)

func team(group string, members ...string) *event.TeamSet {
	t := &event.TeamSet{Tenant: "demo", Group: group, Version: 1}
	for _, m := range members {
		account, function, _ := strings.Cut(m, ":")
		t.Members = append(t.Members, event.TeamMember{Account: account, Function: function})
	}
	return t
}

// Who answers for a patient: whoever was chosen as long as they are on a team, else by function, and nobody only where there is nobody.
func TestGRP2_WhoAnswersForAPatient(t *testing.T) {
	teams := map[string][]event.TeamMember{}
	for _, x := range []*event.TeamSet{team("copd", "nurse-c:nurse", "lead-c:lead"), team("heart-failure", "doctor-h:doctor", "pharmacist-h:pharmacist"), team("diabetes")} {
		teams[x.Group] = x.Members
	}
	of := func(group string) []event.TeamMember { return teams[group] }
	for what, c := range map[string]struct {
		groups []string
		chosen *event.ResponsibleSet
		want   string // coordinator, who is gone, owners
	}{
		"one group":              {[]string{"copd"}, nil, "lead-c gone: copd=lead-c"},
		"two groups":             {[]string{"heart-failure", "copd"}, nil, "doctor-h gone: heart-failure=doctor-h copd=lead-c"},
		"the leading has nobody": {[]string{"diabetes", "copd"}, nil, "lead-c gone: diabetes= copd=lead-c"},
		"nobody at all":          {[]string{"diabetes"}, nil, " gone: diabetes="},
		"in no group":            {nil, nil, " gone:"},
		"chosen":                 {[]string{"heart-failure", "copd"}, &event.ResponsibleSet{Coordinator: "nurse-c", Owners: map[string]string{"heart-failure": "pharmacist-h"}}, "nurse-c gone: heart-failure=pharmacist-h copd=lead-c"},
		"chosen, and gone":       {[]string{"heart-failure", "copd"}, &event.ResponsibleSet{Coordinator: "left-x", Owners: map[string]string{"copd": "left-y"}}, "doctor-h gone:left-x heart-failure=doctor-h copd=lead-c(left-y)"},
		"of another group":       {[]string{"heart-failure"}, &event.ResponsibleSet{Coordinator: "lead-c"}, "doctor-h gone:lead-c heart-failure=doctor-h"},
	} {
		a := event.AnswerableFor(c.groups, of, c.chosen)
		got := a.Coordinator + " gone:" + a.Gone
		for _, o := range a.Owners {
			if got += " " + o.Group + "=" + o.Account; o.Gone != "" {
				got += "(" + o.Gone + ")"
			}
		}
		if got != c.want {
			t.Errorf("%s: %q, want %q", what, got, c.want)
		}
	}
}

// A policy may ask the coordinator and the owner of the problem, by name; where there is nobody the next step is asked at once, and that is a
// fault of the rota. Whoever has left the team is asked no more.
func TestGRP2_AWarningAsksTheCoordinatorAndTheOwner(t *testing.T) {
	policy := event.Policy{ID: "high", Version: 1, CareMs: minute, EaseMs: minute, CloseMs: minute, RetryMs: minute,
		Steps: []event.PolicyStep{{To: event.StepOwner, AnswerMs: minute}, {To: event.StepCoordinator, AnswerMs: minute}, {To: "duty-office", AnswerMs: minute}}}
	base := knows(t, Facts{}, &event.PolicySet{Tenant: "demo", Severity: event.High, Policy: policy})
	comorbid := func(f Facts) *play {
		p := newPlay("demo/P-0113")
		p.facts = f
		p.fold(event.Envelope{ID: "enrolled", Subject: p.key, Data: &event.PatientEnrolled{Tenant: "demo", Patient: "P-0113", Group: "copd", Also: []string{"heart-failure"}}})
		return p
	}
	raise := func(p *play) (to string, who []string, kinds string) {
		said := do(t, p, start, "score deterioration high")
		d := said[0].Data.(*event.AlertRaised)
		return Asked(d.Policy, d.Level), d.OnDuty, types(said)
	}
	staffed := knows(t, base, team("copd", "nurse-c:nurse"), team("heart-failure", "doctor-h:doctor"))
	p := comorbid(staffed)
	if to, who, kinds := raise(p); to != event.StepOwner || !reflect.DeepEqual(who, []string{"nurse-c"}) || kinds != "alert.raised" {
		t.Errorf("it asks %s %v, %s", to, who, kinds)
	}
	p.fold(event.Envelope{ID: "chosen", Subject: p.key, Data: &event.ResponsibleSet{Tenant: "demo", Patient: "P-0113", Coordinator: "doctor-h", Why: "knows them"}})
	if d := do(t, p, p.state.Open[0].AnswerBy, "wait")[0].Data.(*event.AlertEscalated); d.To != event.StepCoordinator || !reflect.DeepEqual(d.OnDuty, []string{"doctor-h"}) {
		t.Errorf("then it asks %s %v", d.To, d.OnDuty)
	}
	for what, f := range map[string]Facts{"no team": base, "empty teams": knows(t, staffed, team("copd"), team("heart-failure"))} {
		if to, who, kinds := raise(comorbid(f)); to != "duty-office" || who != nil || kinds != "alert.raised technical.fault alert.raised" {
			t.Errorf("%s: it asks %s %v, %s", what, to, who, kinds)
		}
	}
	// The problem is that of the group whose pack found it.
	d := duty{f: &staffed, tenant: "demo", group: "copd", also: []string{"heart-failure"}}
	if who, _ := d.about([]event.Reason{{Pack: "heart-failure"}}).on(event.StepOwner); !reflect.DeepEqual(who, []string{"doctor-h"}) {
		t.Errorf("what the heart's pack found is owned by %v", who)
	}
	other := knows(t, staffed, &event.GroupSet{Tenant: "demo", Group: "heart-failure", Pack: "hf-2"}, &event.GroupSet{Tenant: "demo", Group: "copd", Pack: "copd"})
	d.f = &other
	if who, _ := d.about([]event.Reason{{Pack: "hf-2"}}).on(event.StepOwner); !reflect.DeepEqual(who, []string{"doctor-h"}) || len(other.Packs) != 1 {
		t.Errorf("under another pack's name it is owned by %v; noted %v", who, other.Packs)
	}
}

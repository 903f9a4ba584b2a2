package directory

import (
	"strings"
	"testing"

	"tocsin/streams"
	"tocsin/streams/event"
)

func TestGRP2_WhatTheRegistrarTakesOfTeams(t *testing.T) {
	w := newWorld(t)
	ask := func(was string, members ...event.TeamMember) event.Event {
		return &event.TeamRequested{Tenant: "t", Group: "copd", Members: members, By: "lead-a", Was: was}
	}
	nurse, doctor := event.TeamMember{Account: "nurse-a", Function: "nurse"}, event.TeamMember{Account: "doctor-b", Function: "doctor"}
	w.want(ask("", event.TeamMember{Account: "x", Function: "astrologer"}), "refused:bad_team")
	w.want(ask("", nurse, nurse), "refused:bad_team")
	w.want(&event.TeamRequested{Tenant: "t", By: "a"}, "refused:bad_team")
	w.want(ask(NoVersion, nurse), "team.set")
	w.want(ask(NoVersion, nurse), "")
	w.want(ask(NoVersion, nurse, doctor), "refused:changed")
	w.want(ask("1", nurse, doctor), "team.set")

	choose := func(why, coordinator string, owners map[string]string) event.Event {
		return &event.ResponsibleRequested{Tenant: "t", Patient: "P", Coordinator: coordinator, Owners: owners, Why: why, By: "lead-a"}
	}
	w.want(choose("x", "nurse-a", nil), "refused:unknown")
	w.ask(&event.EnrolRequested{Tenant: "t", Patient: "P", Group: "copd", Also: []string{"heart"}, By: "a"})
	w.want(choose(" ", "nurse-a", nil), "refused:bad_team")
	w.want(choose("x", "nurse-a", map[string]string{"kidney": "nurse-a"}), "refused:bad_team")
	w.want(choose("knows them", "nurse-a", map[string]string{"heart": "doctor-b"}), "responsible.set")
	w.want(choose("again", "nurse-a", map[string]string{"heart": "doctor-b"}), "")
	w.ask(&event.EnrolRequested{Tenant: "t", Patient: "P", Group: "heart", By: "a"})
	if p := w.at[PatientKey("t", "P")].Patient; p.Responsible == nil || p.Responsible.Coordinator != "nurse-a" {
		t.Error("a move to another group forgot who was chosen")
	}
	w.want(choose("by the rule again", "", nil), "responsible.set")
}

// A patient has exactly one coordinator as long as a team has anybody; who leaves a team is replaced by the rule at once.
func TestGRP2_WhoLeavesIsReplacedByTheRule(t *testing.T) {
	s := start(t, streams.NewMemory(partitions))
	s.mustImport("t,P1,copd+heart,d1,\n")
	set := func(group string, members ...event.TeamMember) {
		s.mustAsk(&event.TeamRequested{Tenant: "t", Group: group, Members: members, By: "a"})
	}
	set("copd", event.TeamMember{Account: "nurse-a", Function: "nurse"}, event.TeamMember{Account: "doctor-b", Function: "doctor"})
	set("heart", event.TeamMember{Account: "doctor-c", Function: "doctor"})
	is := func(coordinator, gone string) {
		t.Helper()
		if a := s.view.Answerable("t", "P1"); a.Coordinator != coordinator || a.Gone != gone || len(a.Owners) != 2 {
			t.Errorf("%+v, want %s and %q gone", a, coordinator, gone)
		}
	}
	is("doctor-b", "")
	s.mustAsk(&event.ResponsibleRequested{Tenant: "t", Patient: "P1", Coordinator: "nurse-a", Why: "knows them", By: "lead"})
	is("nurse-a", "")
	set("copd", event.TeamMember{Account: "doctor-b", Function: "doctor"})
	is("doctor-b", "nurse-a")
	set("copd")
	is("doctor-c", "nurse-a")
	set("heart")
	is("", "nurse-a")
	eventually(t, func() error {
		for p := range int32(partitions) {
			got := strings.Join(effects(s.log, p), ", ")
			if strings.Contains(got, "t/P1 responsible.set") && strings.Count(got, "* team.set") == 5 {
				return nil
			}
		}
		return errNotHanded
	})
}

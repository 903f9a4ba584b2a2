package directory

import (
	"strings"
	"testing"

	"tocsin/streams"
	"tocsin/streams/event"
)

func TestGRP1_WhatTheRegistrarTakesOfClinics(t *testing.T) {
	w := newWorld(t)
	set := func(tenant, clinic, zh, en string, closed bool) event.Event {
		return &event.ClinicRequested{Tenant: tenant, Clinic: clinic, Zh: zh, En: en, Closed: closed, By: "a"}
	}
	for why, r := range map[string]event.Event{
		"no name":               set("t", "c1", "", "", false),
		"an id with a slash":    set("t", "c/1", "", "Clinic", false),
		"an id with a name":     set("t", "中心", "", "Clinic", false),
		"a space around a name": set("t", "c1", "", " Clinic", false),
		"a long name":           set("t", "c1", "", strings.Repeat("x", longestClinicName+1), false),
		"a telephone (SEC-6)":   set("t", "c1", "中心 010-8888 7777", "", false),
		"a tenant that is ours": set(streams.SystemTenant, "c1", "", "Clinic", false),
	} {
		if facts, refused := w.ask(r); refused == nil || refused.Reason != "bad_name" || len(facts) > 0 {
			t.Errorf("%s: %+v %+v", why, facts, refused)
		}
	}
	w.want(set("t", "c1", "一号中心", "Clinic 1", false), "tenant.created clinic.set")
	w.want(set("t", "c1", "一号中心", "Clinic 1", false), "")
	w.want(set("t", "c1", "一号中心", "Clinic No. 1", false), "clinic.set")
	w.want(set("t", "c2", "二号中心", "", false), "clinic.set")
	w.want(set("u", "c9", "", "Clinic 9", false), "tenant.created clinic.set")
	w.want(set("t", "c2", "二号中心", "", true), "clinic.set")

	to := func(patient, clinic string, was ...string) event.Event {
		r := &event.PatientClinicRequested{Tenant: "t", Patient: patient, Clinic: clinic, By: "a"}
		if was != nil {
			r.Was = &was[0]
		}
		return r
	}
	w.want(to("P", "c1"), "refused:unknown")
	w.ask(&event.EnrolRequested{Tenant: "t", Patient: "P", Group: "copd", By: "a"})
	w.want(to("P", "c3"), "refused:unknown")
	w.want(to("P", "c9"), "refused:unknown") // another tenant's
	w.want(to("P", "c2"), "refused:closed")
	w.want(to("P", "c 1"), "refused:bad_name")
	w.want(to("P", "c1", ""), "patient.clinic_set")
	w.want(to("P", "c1", ""), "")
	w.want(to("P", "", ""), "refused:changed")
	w.ask(&event.EnrolRequested{Tenant: "t", Patient: "P", Group: "heart", By: "a"})
	if p := w.at[PatientKey("t", "P")].Patient; p.Clinic != "c1" || p.Group != "heart" {
		t.Errorf("a move to another group forgot the clinic: %+v", p)
	}
	w.want(set("t", "c1", "一号中心", "", true), "clinic.set")
	if p := w.at[PatientKey("t", "P")].Patient; p.Clinic != "c1" {
		t.Errorf("the clinic was closed, and the patient is nobody's: %+v", p)
	}
	w.want(to("P", "", "c1"), "patient.clinic_set")
	w.want(to("P", "c1"), "refused:closed")
}

// An enrolment that names a clinic is one: a clinic that is not there leaves neither patient nor tenant nor device behind.
func TestGRP1_ARowWithAClinicStandsWholeOrNotAtAll(t *testing.T) {
	w := newWorld(t)
	row := func(patient, device, token, clinic string) event.Event {
		r := &event.EnrolRequested{Tenant: "t", Patient: patient, Group: "copd", Clinic: clinic, Device: device, By: "a"}
		if token != "" {
			r.TokenSHA256 = Sum(token)
		}
		return r
	}
	w.want(row("P", "d1", "x", "c1"), "refused:unknown")
	w.want(row("P", "", "", "c1"), "refused:unknown")
	w.ask(&event.ClinicRequested{Tenant: "t", Clinic: "c1", En: "Clinic 1", By: "a"})
	w.ask(&event.ClinicRequested{Tenant: "t", Clinic: "c2", En: "Clinic 2", By: "a"})
	w.want(row("P", "d1", "x", "c1"), "group.set patient.enrolled patient.clinic_set device.bound")
	w.want(row("P", "d1", "x", "c1"), "")
	w.want(row("P", "d1", "", ""), "") // an empty cell leaves what stands
	w.want(row("P", "d1", "", "c2"), "patient.clinic_set")
	w.want(row("P", "d1", "", "c3"), "refused:unknown")
	w.ask(&event.ClinicRequested{Tenant: "t", Clinic: "c2", En: "Clinic 2", Closed: true, By: "a"})
	w.want(row("P", "", "", "c2"), "") // it keeps whom it has
	w.want(row("P", "d1", "y", "c2"), "device.bound")
	w.want(row("Q", "", "", "c2"), "refused:closed")
}

// The import's column is tried by the registrar's own rules, and who belongs where reaches the patient's partition.
func TestGRP1_ClinicsComeWithTheImportAreTriedAndHandedOn(t *testing.T) {
	s := start(t, streams.NewMemory(partitions))
	s.mustAsk(&event.ClinicRequested{Tenant: "t", Clinic: "c1", Zh: "一号中心", En: "Clinic 1", By: "a"})
	s.mustAsk(&event.ClinicRequested{Tenant: "t", Clinic: "c2", En: "Clinic 2", By: "a"})
	const head = "tenant,patient,group,device,token,clinic\n"
	if _, err := ReadRows(strings.NewReader(head + "t,P1,copd,,,c 1\n")); err == nil || !strings.Contains(err.Error(), "line 2") {
		t.Errorf("an id that none can have: %v", err)
	}
	take := func(text string) (tried []Tried, refused []string) {
		t.Helper()
		rows, err := ReadRows(strings.NewReader(head + text))
		if err != nil {
			t.Fatal(err)
		}
		tried = s.view.Try(rows, 0)
		out, _, err := s.ask.Import(soon(t), rows, "a", nil)
		if err != nil {
			t.Fatal(err)
		}
		for i, o := range out {
			reason := func(r *event.RequestRefused) string {
				if r == nil {
					return ""
				}
				return r.Reason
			}
			if reason(o.Refused) != reason(tried[i].Refused) {
				t.Errorf("line %d: tried %+v, done %+v", o.Line, tried[i].Refused, o.Refused)
			}
			refused = append(refused, reason(o.Refused))
		}
		return tried, refused
	}
	tried, refused := take("t,P1,copd,d1,,c1\nt,P2,copd,,,\nt,P3,copd,,,c9\nt,P1,copd,d2,,\n")
	if strings.Join(refused, ",") != ",,unknown," || tried[0].From != nil || tried[3].From != nil {
		t.Errorf("%v %+v", refused, tried)
	}
	tried, _ = take("t,P1,copd,d1,,c2\nt,P2,copd,,,c2\n")
	if tried[0].From == nil || *tried[0].From != "c1" || tried[1].From == nil || *tried[1].From != "" {
		t.Errorf("%+v", tried)
	}
	for patient, want := range map[string]string{"P1": "c2", "P2": "c2"} {
		if p, _ := s.view.Patient("t", patient); p.Clinic != want {
			t.Errorf("%s is at %q, not %q", patient, p.Clinic, want)
		}
	}
	if _, known := s.view.Patient("t", "P3"); known {
		t.Error("a refused row left its patient behind")
	}
	if all := s.view.Clinics(); len(all) != 2 || all[0].Zh != "一号中心" {
		t.Errorf("%+v", all)
	}
	eventually(t, func() error {
		if got := strings.Join(effects(s.log, streams.PartitionOf("t/P1", partitions)), ", "); strings.Count(got, "t/P1 patient.clinic_set") == 2 {
			return nil
		}
		return errNotHanded
	})
}

// Somebody with two devices stands in a file twice: at one clinic, which one of the rows may leave out.
func TestGRP1_AFileNamesOneClinicOfAPatient(t *testing.T) {
	const head = "tenant,patient,group,device,token,clinic\n"
	rows, err := ReadRows(strings.NewReader(head + "t,P1,g,d1,,\nt,P1,g,d1,,c1\nt,P1,g,d2,,\n"))
	if err != nil || len(rows) != 2 || rows[0].Clinic != "c1" || rows[1].Clinic != "" {
		t.Errorf("%+v %v", rows, err)
	}
	_, err = ReadRows(strings.NewReader(head + "t,P1,g,d1,,c1\nt,P1,g,d2,,c2\n"))
	if err == nil || !strings.Contains(err.Error(), "line 3: patient t/P1 is at clinic c2 here and at c1 on line 2") {
		t.Error(err)
	}
}

func TestSEC5_TheScopeOfAnAccountNamesClinics(t *testing.T) {
	w := newWorld(t)
	ask := func(clinics ...string) event.Event {
		return &event.AccountRequested{Account: "x", Role: "clinic", Password: "p", By: "a", Scope: &event.Scope{Clinics: clinics}}
	}
	w.want(ask("c1"), "refused:bad_name")
	w.want(ask("t/c 1"), "refused:bad_name")
	w.want(ask("t/c1"), "account.set")
	w.want(&event.AccountRequested{Account: "y", Role: "clinic", Password: "p", By: "a"}, "refused:needs_clinic")
	w.want(&event.AccountRequested{Account: "y", Role: "nurse", Password: "p", By: "a"}, "account.set")
	w.want(&event.AppointRequested{Account: "y", Role: "clinic", By: "a"}, "refused:needs_clinic")
	w.apply(event.Envelope{ID: "old", Subject: AccountKey("z"), Data: &event.AccountSet{Account: "z", Role: "clinic", Password: "p"}}) // of before there were clinics
	w.want(&event.AccountRequested{Account: "z", Role: "clinic", Password: "q", By: "a"}, "account.set")
	if s := w.at[AccountKey("x")].Account.Scope; everywhere(s) || len(s.Clinics) != 1 {
		t.Errorf("%+v", s)
	}
}

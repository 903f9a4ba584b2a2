package desk

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"tocsin/streams"
	"tocsin/streams/directory"
	"tocsin/streams/event"
)

// ofScope makes a token of a role with a scope, and answers who sends it.
func (h *hospital) ofScope(name, role string, scope *event.Scope) *browser {
	h.t.Helper()
	token := directory.NewToken()
	if _, err := h.asker.Ask(soon(h.t), &event.TokenRequested{Token: name, SHA256: sumOf(token), Role: role, Scope: scope, By: "test"}); err != nil {
		h.t.Fatal(err)
	}
	b := h.browser(h.url)
	b.token = token
	return b
}

// lives makes an account that nobody signs in to: it counts as somebody who may see.
func (h *hospital) lives(name, role string, scope *event.Scope) {
	h.t.Helper()
	if _, err := h.asker.Ask(soon(h.t), &event.AccountRequested{Account: name, Role: role, Password: "$argon2id$", Scope: scope, By: "test"}); err != nil {
		h.t.Fatal(err)
	}
}

// signedIn makes an account with a scope and signs in.
func (h *hospital) signedIn(name, role string, scope *event.Scope) *browser {
	h.t.Helper()
	_, err := h.asker.Ask(soon(h.t), &event.AccountRequested{Account: name, Role: role, Password: hashOf(h.t, "a long password"), Scope: scope, By: "test"})
	if err != nil {
		h.t.Fatal(err)
	}
	b := h.browser(h.url)
	if status, raw := b.do("POST", "/v1/session", SignIn{Account: name, Password: "a long password"}, nil); status != 200 {
		h.t.Fatal(status, raw)
	}
	return b
}

func (h *hospital) patient(tenant, patient, group string, also ...string) {
	h.t.Helper()
	if _, err := h.asker.Ask(soon(h.t), &event.EnrolRequested{Tenant: tenant, Patient: patient, Group: group, Also: also, By: "test"}); err != nil {
		h.t.Fatal(err)
	}
	h.until(patient+" is here", func() bool { return h.server.ward.knows(streams.PatientKey(tenant, patient)) })
}

// warn raises a warning by hand and answers its id.
func (h *hospital) warn(by *browser, tenant, patient, key string) string {
	h.t.Helper()
	var w Warning
	status, raw := by.do("POST", "/v1/patients/"+tenant+"/"+patient+"/warnings", WarnBody{Severity: event.High, Text: "unwell"}, &w, "Idempotency-Key", key)
	if status != 200 {
		h.t.Fatalf("warn of %s: %d %s", patient, status, raw)
	}
	return w.ID
}

func scopeOf(tenants []string, groups ...string) *event.Scope {
	return &event.Scope{Tenants: tenants, Groups: groups}
}

func TestSEC5_WhoSeesWhomByRoleAndScope_GRP2(t *testing.T) {
	h := open(t)
	h.lives("someone", roleLead, scopeOf([]string{"t1", "t2"})) // so that nobody is unattended
	h.patient("t1", "P-1", "copd")
	h.patient("t1", "P-2", "heart", "kidney")
	h.patient("t2", "P-1", "copd")
	all := []string{"t1/P-1", "t1/P-2", "t2/P-1"}
	for name, c := range map[string]struct {
		role  string
		scope *event.Scope
		want  []string
	}{
		"of before there were scopes":    {roleNurse, nil, all},
		"everywhere":                     {roleDoctor, scopeOf([]string{"*"}), all},
		"nobody":                         {roleNurse, scopeOf(nil), nil},
		"a tenant":                       {roleNurse, scopeOf([]string{"t1"}), all[:2]},
		"a group":                        {roleNurse, scopeOf(nil, "t1/copd"), all[:1]},
		"a group besides":                {rolePharmacist, scopeOf(nil, "t1/kidney"), all[1:2]},
		"a group of the same name":       {roleHealthManager, scopeOf(nil, "t2/copd"), all[2:]},
		"a clinic, by its group":         {roleClinic, scopeOf(nil, "t1/heart"), all[1:2]},
		"a lead of a group: the tenant":  {roleLead, scopeOf(nil, "t1/copd"), all[:2]},
		"an administrator":               {roleAdministrator, nil, nil},
		"security":                       {roleSecurity, nil, nil},
		"an auditor":                     {roleAuditor, scopeOf([]string{"*"}), nil},
		"a tenant that is a beginning":   {roleNurse, scopeOf([]string{"t"}, "t1/cop"), nil},
		"a group that is no group's end": {roleNurse, scopeOf(nil, "1/copd"), nil},
	} {
		sees := h.server.sees(identity{Account: "x", Role: c.role, Scope: c.scope})
		var saw []string
		for _, key := range all {
			if sees(key) {
				saw = append(saw, key)
			}
		}
		if !slices.Equal(saw, c.want) {
			t.Errorf("%s: sees %v, not %v", name, saw, c.want)
		}
		if technical := sees(streams.PatientKey(streams.SystemTenant, "rota")); technical != maySee(c.role) {
			t.Errorf("%s: sees the technical warning of no patient: %v", name, technical)
		}
	}
}

// The last one who may see a patient has gone: the warning is shown to whoever is nearest, and to them alone.
func TestSEC5_AWarningThatNobodyMaySeeIsShownToThoseWhoAreNear(t *testing.T) {
	h := open(t)
	lead := h.as(roleLead, "all")
	h.patient("t1", "P-1", "copd")
	h.lives("lead-t1", roleLead, scopeOf([]string{"t1"}))
	h.lives("nurse-heart", roleNurse, scopeOf(nil, "t1/heart"))
	h.lives("nurse-t2", roleNurse, scopeOf([]string{"t2"}))
	h.lives("admin", roleAdministrator, nil)
	heart := h.ofScope("heart", roleNurse, scopeOf(nil, "t1/heart"))
	other := h.ofScope("other", roleNurse, scopeOf([]string{"t2"}))
	h.warn(lead, "t1", "P-1", "k1")
	count := func(b *browser) int { return len(b.warnings("open")) }
	if count(heart) != 0 || count(other) != 0 {
		t.Fatalf("while the lead may see it, others see %d and %d warnings", count(heart), count(other))
	}
	h.lives("lead-t1", roleAuditor, nil) // goes to another office
	if count(heart) != 1 || count(other) != 0 {
		t.Errorf("nobody may see it: a nurse of the tenant sees %d, one of another %d", count(heart), count(other))
	}
	h.lives("nurse-heart", roleAuditor, nil)
	if count(other) != 1 {
		t.Errorf("nobody has anything to do with the tenant: a nurse of another sees %d", count(other))
	}
}

// clock is the desk's, which a test can set ahead.
type clock struct{ ahead atomic.Int64 }

func (c *clock) now() time.Time { return time.Now().Add(time.Duration(c.ahead.Load())) }

func TestSEC5_AnEmergencyOpensOnePatientForAWhileAndIsReviewed(t *testing.T) {
	h := open(t)
	c := &clock{}
	h.audited(func(o *Options) { o.Now = c.now })
	h.lives("someone", roleLead, scopeOf([]string{"t1"}))
	all := h.as(roleLead, "all")
	h.patient("t1", "P-1", "copd")
	h.patient("t1", "P-2", "copd")
	first := h.warn(all, "t1", "P-1", "k1")
	h.warn(all, "t1", "P-2", "k2")
	nurse := h.signedIn("nurse-h", roleNurse, scopeOf(nil, "t1/heart"))
	lead := h.signedIn("lead-1", roleLead, scopeOf([]string{"t1"}))
	strange := h.signedIn("lead-2", roleLead, scopeOf([]string{"t2"}))

	if status, raw := nurse.do("GET", "/v1/warnings/"+first, nil, nil); status != 404 {
		t.Fatalf("before: %d %s", status, raw)
	}
	events, _ := nurse.listen("/v1/stream", "")
	if s := read[Snapshot](t, await(t, events, "a snapshot", func(e heard) bool { return e.Name == "snapshot" }).Data); len(s.Warnings) != 0 {
		t.Fatalf("before, the stream has %d warnings", len(s.Warnings))
	}
	begin := func(b *browser, in EmergencyBody) (status int, e Emergency, raw string) {
		status, raw = b.do("POST", "/v1/emergencies", in, nil)
		_ = json.Unmarshal([]byte(raw), &e) // a refusal has other fields
		return status, e, raw
	}
	for why, in := range map[string]EmergencyBody{
		"no reason": {Tenant: "t1", Patient: "P-1", ForMin: 60}, "a day": {Tenant: "t1", Patient: "P-1", Reason: "seizure", ForMin: 1440},
	} {
		if status, _, raw := begin(nurse, in); status != 422 {
			t.Errorf("%s: %d %s", why, status, raw)
		}
	}
	if status, _, raw := begin(nurse, EmergencyBody{Tenant: "t1", Patient: "P-9", Reason: "seizure", ForMin: 60}); status != 404 {
		t.Errorf("a patient who is not there: %d %s", status, raw)
	}
	if status, _, raw := begin(lead, EmergencyBody{Tenant: "t1", Patient: "P-1", Reason: "seizure", ForMin: 60}); status != 409 {
		t.Errorf("a patient in one's care: %d %s", status, raw)
	}
	status, e, raw := begin(nurse, EmergencyBody{Tenant: "t1", Patient: "P-1", Reason: "seizure in the corridor", ForMin: 60})
	if status != 200 || !e.Open || e.Until-e.From != 3600*1000 {
		t.Fatalf("%d %s", status, raw)
	}
	var who Session
	if nurse.do("GET", "/v1/session", nil, &who); len(who.Emergencies) != 1 || who.Emergencies[0].ID != e.ID {
		t.Errorf("the session does not show it: %+v", who)
	}
	if list := nurse.warnings("open"); len(list) != 1 || list[0].ID != first {
		t.Errorf("it opens %d warnings: %+v", len(list), list)
	}
	if s := read[Snapshot](t, await(t, events, "a new snapshot", func(e heard) bool { return e.Name == "snapshot" }).Data); len(s.Warnings) != 1 || s.Warnings[0].ID != first {
		t.Errorf("the stream has %+v", s.Warnings)
	}
	nurse.do("GET", "/v1/warnings/"+first, nil, nil)
	h.noted("the emergency", func(e trailEntry) bool {
		return e.Action == "emergency.begin" && e.Account == "nurse-h" && e.Patient == "P-1" && e.Purpose == purposeEmergency && e.Reason == "seizure in the corridor"
	})
	h.noted("the read under it", func(e trailEntry) bool {
		return e.Action == "warning.read" && e.Account == "nurse-h" && e.Purpose == purposeEmergency
	})

	var list struct{ Emergencies []Emergency }
	if lead.do("GET", "/v1/emergencies", nil, &list); len(list.Emergencies) != 1 || list.Emergencies[0].Review != nil {
		t.Errorf("it waits for a review: %+v", list)
	}
	if strange.do("GET", "/v1/emergencies", nil, &list); len(list.Emergencies) != 0 {
		t.Errorf("a lead of another tenant reads %+v", list)
	}
	review := ReviewBody{Outcome: event.ReviewJustified, Note: "was there"}
	if status, raw := strange.do("POST", "/v1/emergencies/"+e.ID+"/review", review, nil); status != 404 {
		t.Errorf("a lead of another tenant reviews: %d %s", status, raw)
	}
	if status, raw := nurse.do("POST", "/v1/emergencies/"+e.ID+"/review", review, nil); status != 403 {
		t.Errorf("a nurse reviews: %d %s", status, raw)
	}
	var done Emergency
	if status, raw := lead.do("POST", "/v1/emergencies/"+e.ID+"/review", review, &done); status != 200 || done.Review == nil || done.Review.By != "lead-1" {
		t.Errorf("review: %d %s", status, raw)
	}
	if status, raw := h.signedIn("lead-3", roleLead, scopeOf([]string{"t1"})).do("POST", "/v1/emergencies/"+e.ID+"/review", ReviewBody{Outcome: event.ReviewNotJustified}, nil); status != 409 {
		t.Errorf("a second review: %d %s", status, raw)
	}

	c.ahead.Store(int64(59 * time.Minute))
	if len(nurse.warnings("open")) != 1 {
		t.Error("it ended before its time")
	}
	c.ahead.Store(int64(61 * time.Minute))
	if n := len(nurse.warnings("open")); n != 0 {
		t.Errorf("it is over, and %d warnings are open to her", n)
	}
	h.until("the stream that was opened under it has ended", func() bool {
		for {
			select {
			case _, on := <-events:
				if !on {
					return true
				}
			default:
				return false
			}
		}
	})
	if nurse.do("GET", "/v1/session", nil, &who); len(who.Emergencies) != 0 {
		t.Errorf("the session still shows it: %+v", who)
	}
}

// The role of a program opens nobody; and an emergency whose entry cannot be written is not granted.
func TestSEC5_NoEmergencyWithoutAPersonOrAnEntry(t *testing.T) {
	h := open(t)
	_, w := h.audited()
	h.lives("someone", roleLead, scopeOf([]string{"t1"}))
	h.patient("t1", "P-1", "copd")
	in := EmergencyBody{Tenant: "t1", Patient: "P-1", Reason: "seizure", ForMin: 60}
	if status, raw := h.ofScope("program", roleNurse, scopeOf(nil, "t1/heart")).do("POST", "/v1/emergencies", in, nil); status != 403 {
		t.Errorf("a token: %d %s", status, raw)
	}
	nurse := h.signedIn("nurse-h", roleNurse, scopeOf(nil, "t1/heart"))
	h.until("the first entries are kept", func() bool { n, _, _ := w.Waiting(); return n == 0 })
	h.log.FailAppends(failing(streams.Audit, http.ErrAbortHandler))
	if status, raw := nurse.do("POST", "/v1/emergencies", in, nil); status != 503 {
		t.Errorf("without an entry: %d %s", status, raw)
	}
	h.log.FailAppends(nil)
	if len(h.view.Emergencies()) != 0 {
		t.Errorf("it was granted: %+v", h.view.Emergencies())
	}
}

// A patient who moves to another group, and an account that gets another scope: what may not be seen any more leaves the screen.
func TestSEC5_WhatMayNotBeSeenAnyMoreLeavesTheScreen(t *testing.T) {
	h := open(t)
	h.lives("someone", roleLead, scopeOf([]string{"t1"}))
	all := h.as(roleLead, "all")
	h.patient("t1", "P-1", "copd")
	h.patient("t1", "P-2", "copd")
	first := h.warn(all, "t1", "P-1", "k1")
	h.warn(all, "t1", "P-2", "k2")
	nurse := h.ofScope("copd", roleNurse, scopeOf(nil, "t1/copd"))
	events, _ := nurse.listen("/v1/stream?group=t1/copd", "")
	snapshot := func(warnings, rows int) {
		t.Helper()
		var s Snapshot
		await(t, events, fmt.Sprintf("a snapshot of %d warnings", warnings), func(e heard) bool {
			if e.Name != "snapshot" {
				return false
			}
			s = read[Snapshot](t, e.Data)
			return len(s.Warnings) == warnings && len(s.Rows) == rows
		})
	}
	snapshot(2, 2)
	h.patient("t1", "P-1", "heart")
	snapshot(1, 1)
	h.patient("t1", "P-1", "copd")
	await(t, events, "the warning again, by itself or in a snapshot", func(e heard) bool { return strings.Contains(e.Data, first) })
	if _, err := h.asker.Ask(soon(t), &event.TokenRequested{Token: "copd", SHA256: sumOf(nurse.token), Role: roleNurse, Scope: scopeOf(nil), By: "test"}); err != nil {
		t.Fatal(err)
	}
	snapshot(0, 0)
}

// A screen that lost its connection while its rights changed gets everything anew when it comes back.
func TestSEC5_AScreenThatComesBackWithOtherRightsGetsASnapshot(t *testing.T) {
	h := open(t)
	h.lives("someone", roleLead, scopeOf([]string{"t1"}))
	h.patient("t1", "P-1", "copd")
	nurse := h.ofScope("copd", roleNurse, scopeOf(nil, "t1/copd"))
	events, leave := nurse.listen("/v1/stream", "")
	last := await(t, events, "a snapshot", func(e heard) bool { return e.Name == "snapshot" }).ID
	leave()
	again, leave := nurse.listen("/v1/stream", last)
	if e := await(t, again, "the beginning", func(heard) bool { return true }); e.Name == "snapshot" {
		t.Error("nothing has changed, and it begins anew")
	}
	leave()
	h.patient("t1", "P-1", "heart")
	again, _ = nurse.listen("/v1/stream", last)
	if e := await(t, again, "the beginning", func(heard) bool { return true }); e.Name != "snapshot" {
		t.Errorf("a patient has moved, and it goes on with %s", e.Name)
	}
}

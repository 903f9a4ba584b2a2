package desk

import (
	"net/http"
	"strings"
	"testing"

	"tocsin/streams/event"
)

// A team is set, somebody is chosen with a reason, the warning and the board name them; who leaves is listed, and the rule has put another in
// their place; where nobody is left that is listed first.
func TestGRP2_ACoordinatorFromTheTeamToTheWarning(t *testing.T) {
	h := open(t)
	h.audited()
	h.patient("demo", "P-1", "copd", "heart-failure")
	lead, nurse := h.as(roleLead, "lead-a"), h.as(roleNurse, "nurse-x")
	for _, name := range []string{"doctor-b", "nurse-a"} {
		h.lives(name, roleDoctor, scopeOf([]string{"demo"}))
	}
	h.warn(lead, "demo", "P-1", "w")
	teams := func() (all Teams) {
		t.Helper()
		if status, raw := nurse.do("GET", "/v1/teams", nil, &all); status != 200 {
			t.Fatal(status, raw)
		}
		return all
	}
	if todo := teams().ToDo; len(todo) != 1 || !todo[0].None || len(todo[0].Nobody) != 2 {
		t.Fatalf("without a team nobody is missed: %+v", todo)
	}
	set := func(group, was string, members ...TeamMember) (p TeamPage) {
		t.Helper()
		if status, raw := lead.do("PUT", "/v1/teams", TeamBody{Tenant: "demo", Group: group, Members: append([]TeamMember{}, members...)}, &p, "If-Match", was); status != 200 {
			t.Fatal(status, raw)
		}
		return p
	}
	p := set("copd", "none", TeamMember{"nurse-a", "nurse"}, TeamMember{"stranger", "gp"})
	if strings.Join(p.Strangers, ",") != "stranger" || p.Version != "1" {
		t.Errorf("%+v", p)
	}
	set("heart-failure", "none", TeamMember{"doctor-b", "doctor"})
	if status, _ := lead.do("PUT", "/v1/teams", TeamBody{Tenant: "demo", Group: "copd", Members: []TeamMember{}}, nil, "If-Match", "none"); status != http.StatusConflict {
		t.Errorf("what somebody else had changed was replaced: %d", status)
	}
	if status, _ := nurse.do("PUT", "/v1/teams", TeamBody{Tenant: "demo", Group: "copd", Members: []TeamMember{}}, nil, "If-Match", "1"); status != http.StatusForbidden {
		t.Errorf("a nurse set a team: %d", status)
	}
	names := func(want string) {
		t.Helper()
		if w := nurse.warnings("open")[0]; w.Coordinator != want || !w.Comorbid {
			t.Errorf("the warning names %q, want %q", w.Coordinator, want)
		}
		for _, r := range h.rowsOf(nurse, "copd") {
			if r.Coordinator != want || !r.Comorbid {
				t.Errorf("the board names %q, want %q", r.Coordinator, want)
			}
		}
	}
	names("nurse-a") // leads the leading group's team by the rule
	const path = "/v1/patients/demo/P-1/responsible"
	var r Responsible
	if status, raw := nurse.do("PUT", path, ResponsibleBody{Coordinator: "lead-a", Why: "x"}, nil); status != http.StatusUnprocessableEntity || !strings.Contains(raw, "not_in_team") {
		t.Error(status, raw)
	}
	if status, raw := nurse.do("PUT", path, ResponsibleBody{Coordinator: "doctor-b", Owners: map[string]string{"copd": "nurse-a"}, Why: "the heart leads now"}, &r); status != 200 || !r.Chosen || r.Why == "" || r.By != "nurse-x" || r.Groups != 2 {
		t.Fatal(status, raw)
	}
	names("doctor-b")
	for owner, group := range map[string]string{"doctor-b": "copd", "nurse-a": "heart-failure", "stranger": "surgery", "": "copd"} { // each in no team, or in another group's
		if status, raw := nurse.do("PUT", path, ResponsibleBody{Owners: map[string]string{group: owner}, Why: "x"}, nil); status != http.StatusUnprocessableEntity {
			t.Errorf("%q owns the problem of %s: %d %s", owner, group, status, raw)
		}
	}
	long := strings.Repeat("心", 300) // as long as the desk takes it
	if status, raw := nurse.do("PUT", path, ResponsibleBody{Coordinator: "doctor-b", Why: long}, &r); status != 200 || r.Why != long {
		t.Error(status, raw)
	}
	if status, raw := nurse.do("PUT", path, ResponsibleBody{Coordinator: "doctor-b", Owners: map[string]string{"copd": "nurse-a"}, Why: "as before"}, &r); status != 200 {
		t.Error(status, raw)
	}
	set("heart-failure", "1")
	names("nurse-a")
	if todo := teams().ToDo; len(todo) != 1 || todo[0].None || strings.Join(todo[0].Gone, ",") != "doctor-b" || strings.Join(todo[0].Nobody, ",") != "heart-failure" {
		t.Errorf("who has left is not listed: %+v", todo)
	}
	if status, _ := nurse.do("GET", path, nil, &r); status != 200 || r.Coordinator != "nurse-a" || r.Gone != "doctor-b" || len(r.Owners) != 2 || r.Owners[0] != (event.ProblemOwner{Group: "copd", Account: "nurse-a", Chosen: true}) {
		t.Errorf("%+v", r)
	}
}

func (h *hospital) rowsOf(b *browser, group string) []Row {
	h.t.Helper()
	var board struct{ Patients []Row }
	if status, raw := b.do("GET", "/v1/groups/demo/"+group, nil, &board); status != 200 || len(board.Patients) == 0 {
		h.t.Fatal(status, raw)
	}
	return board.Patients
}

// Who chooses, and who sets a team, goes by role.
func TestGRP2_WhoMayChooseAndSetTeams(t *testing.T) {
	h := open(t)
	h.patient("demo", "P-1", "copd")
	h.warn(h.as(roleLead, "lead-a"), "demo", "P-1", "w")
	const path = "/v1/patients/demo/P-1/responsible"
	for role, want := range map[string]int{rolePharmacist: 403, roleClinic: 403, roleAdministrator: 403, roleAuditor: 403, roleDoctor: 200, roleHealthManager: 200, roleLead: 200} {
		if status, raw := h.as(role, "some-"+role).do("PUT", path, ResponsibleBody{Why: "x"}, nil); status != want {
			t.Errorf("a %s chooses who answers for a patient: %d %s", role, status, raw)
		}
		if status, _ := h.as(role, "some-"+role).do("PUT", "/v1/teams", TeamBody{Tenant: "demo", Group: "none", Members: []TeamMember{}}, nil, "If-Match", "none"); (status == 403) == (role == roleLead || role == roleAdministrator) {
			t.Errorf("a %s sets a team: %d", role, status)
		}
	}
}

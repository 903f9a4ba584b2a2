package desk

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"

	"tocsin/streams"
	"tocsin/streams/event"
)

// clinic makes a community clinic.
func (h *hospital) clinic(tenant, clinic string) {
	h.t.Helper()
	if _, err := h.asker.Ask(soon(h.t), &event.ClinicRequested{Tenant: tenant, Clinic: clinic, Zh: clinic + "中心", En: "Clinic " + clinic, By: "test"}); err != nil {
		h.t.Fatal(err)
	}
}

// belongs moves a patient to a clinic, or to none, and waits until every screen can know it.
func (h *hospital) belongs(tenant, patient, clinic string) {
	h.t.Helper()
	if _, err := h.asker.Ask(soon(h.t), &event.PatientClinicRequested{Tenant: tenant, Patient: patient, Clinic: clinic, By: "test"}); err != nil {
		h.t.Fatal(err)
	}
	h.until(patient+" belongs there", func() bool {
		h.server.ward.mu.RLock()
		defer h.server.ward.mu.RUnlock()
		p := h.server.ward.people[streams.PatientKey(tenant, patient)]
		return p != nil && p.p.Care.Clinic == clinic
	})
}

// atClinics is the scope of somebody who is there for clinics.
func atClinics(clinics ...string) *event.Scope { return &event.Scope{Clinics: clinics} }

func TestSEC5_AClinicSeesItsOwnPatientsAlone(t *testing.T) {
	h := open(t)
	h.lives("someone", roleLead, scopeOf([]string{"t1", "t2"})) // so that nobody is unattended
	for _, c := range []string{"t1/east", "t1/west", "t2/east"} {
		tenant, id, _ := strings.Cut(c, "/")
		h.clinic(tenant, id)
	}
	for _, p := range [][4]string{{"t1", "P-1", "copd", "east"}, {"t1", "P-2", "copd", "west"}, {"t1", "P-3", "heart", ""}, {"t2", "P-1", "copd", "east"}} {
		h.patient(p[0], p[1], p[2])
		if p[3] != "" {
			h.belongs(p[0], p[1], p[3])
		}
	}
	all := []string{"t1/P-1", "t1/P-2", "t1/P-3", "t2/P-1"}
	for name, c := range map[string]struct {
		role  string
		scope *event.Scope
		want  []string
	}{
		"one clinic":                  {roleClinic, atClinics("t1/east"), all[:1]},
		"two":                         {roleClinic, atClinics("t1/east", "t1/west"), all[:2]},
		"of the same name elsewhere":  {roleClinic, atClinics("t2/east"), all[3:]},
		"and a group":                 {roleClinic, &event.Scope{Clinics: []string{"t1/west"}, Groups: []string{"t1/heart"}}, all[1:3]},
		"a nurse of a clinic":         {roleNurse, atClinics("t1/east"), all[:1]},
		"a lead of a clinic":          {roleLead, atClinics("t1/east"), all[:1]},
		"none of that name":           {roleClinic, atClinics("t1/"), nil},
		"an administrator of clinics": {roleAdministrator, atClinics("t1/east"), nil},
	} {
		sees := h.server.sees(identity{Account: "x", Role: c.role, Scope: c.scope})
		if saw := slices.DeleteFunc(slices.Clone(all), func(key string) bool { return !sees(key) }); !slices.Equal(saw, c.want) {
			t.Errorf("%s: sees %v, not %v", name, saw, c.want)
		}
	}
	for _, id := range []identity{{Account: "x", Role: roleLead, Scope: atClinics("t1/east")}, {Account: "x", Role: roleAdministrator, Scope: atClinics("t1/east")}} {
		if administers(id, "t1") {
			t.Errorf("a %s of one clinic administers the hospital", id.Role)
		}
	}
}

// A patient moves to another clinic: open screens of the one lose them, those of the other have them, and who sees both is told.
func TestSEC5_GRP1_WhoMovesToAnotherClinicLeavesItsScreens(t *testing.T) {
	h := open(t)
	h.lives("someone", roleLead, scopeOf([]string{"t1"}))
	all := h.as(roleLead, "all")
	h.clinic("t1", "east")
	h.clinic("t1", "west")
	h.patient("t1", "P-1", "copd")
	h.patient("t1", "P-2", "copd")
	h.belongs("t1", "P-1", "east")
	h.belongs("t1", "P-2", "east")
	moving := h.warn(all, "t1", "P-1", "k1")
	h.warn(all, "t1", "P-2", "k2")
	watch := func(b *browser) (<-chan heard, func(warnings, rows int)) {
		events, _ := b.listen("/v1/stream?group=t1/copd", "")
		return events, func(warnings, rows int) {
			t.Helper()
			await(t, events, fmt.Sprintf("a snapshot of %d warnings", warnings), func(e heard) bool {
				if e.Name != "snapshot" {
					return false
				}
				s := read[Snapshot](t, e.Data)
				return len(s.Warnings) == warnings && len(s.Rows) == rows
			})
		}
	}
	eastDesk, westDesk := h.ofScope("east", roleClinic, atClinics("t1/east")), h.ofScope("west", roleClinic, atClinics("t1/west"))
	_, east := watch(eastDesk)
	atWest, west := watch(westDesk)
	leads, _ := all.listen("/v1/stream?group=t1/copd", "")
	east(2, 2)
	west(0, 0)
	h.belongs("t1", "P-1", "west")
	east(1, 1)
	await(t, atWest, "the warning, by itself or in a snapshot", func(e heard) bool { return strings.Contains(e.Data, moving) })
	await(t, leads, "the warning with its new clinic", func(e heard) bool {
		return e.Name == "warning" && read[Warning](t, e.Data).ID == moving && read[Warning](t, e.Data).Clinic == "west"
	})
	await(t, leads, "the row with its new clinic", func(e heard) bool {
		return e.Name == "patient" && read[Row](t, e.Data).Patient == "P-1" && read[Row](t, e.Data).Clinic == "west"
	})
	if status, raw := eastDesk.do("GET", "/v1/warnings/"+moving, nil, nil); status != http.StatusNotFound {
		t.Errorf("the old clinic still reads it: %d %s", status, raw)
	}
	if list := westDesk.warnings("open"); len(list) != 1 || list[0].ID != moving || list[0].Clinic != "west" {
		t.Errorf("the new clinic has %+v", list)
	}
	h.belongs("t1", "P-1", "")
	west(0, 0)
}

func TestGRP9_ClinicsAreNamedFilledAndClosedAtTheDesk(t *testing.T) {
	h := open(t)
	h.patient("t1", "P-1", "copd")
	admin, nurse := h.as(roleAdministrator, "admin"), h.as(roleNurse, "nurse")
	set := func(b *browser, in ClinicBody) (int, string) { return b.do("PUT", "/v1/admin/clinics", in, nil) }
	east := ClinicBody{Tenant: "t1", Clinic: "east", Zh: "东街社区卫生服务中心"}
	if status, raw := set(nurse, east); status != http.StatusForbidden {
		t.Errorf("a nurse names a clinic: %d %s", status, raw)
	}
	if status, raw := set(h.ofScope("t2", roleAdministrator, scopeOf([]string{"t2"})), east); status != http.StatusForbidden {
		t.Errorf("an administrator of another tenant: %d %s", status, raw)
	}
	for why, in := range map[string]ClinicBody{"no name": {Tenant: "t1", Clinic: "east"}, "a slash": {Tenant: "t1", Clinic: "e/1", En: "x"}, "a telephone": {Tenant: "t1", Clinic: "east", En: "call 01088887777"}} {
		if status, raw := set(admin, in); status != http.StatusConflict && status != http.StatusUnprocessableEntity {
			t.Errorf("%s: %d %s", why, status, raw)
		}
	}
	if status, raw := set(admin, east); status != http.StatusOK {
		t.Fatal(status, raw)
	}
	move := func(clinic, was string) (int, string) {
		return admin.do("PUT", "/v1/admin/patients/t1/P-1/clinic", PatientClinicBody{Clinic: clinic, Was: was}, nil)
	}
	for _, c := range []struct {
		clinic, was string
		want        int
	}{{"west", "", 404}, {"east", "", 204}, {"east", "", 204}, {"", "west", 409}} {
		if status, raw := move(c.clinic, c.was); status != c.want && !(c.want == 404 && status == 409) {
			t.Errorf("from %q to %q: %d %s", c.was, c.clinic, status, raw)
		}
	}
	east.Closed = true
	if status, raw := set(admin, east); status != http.StatusOK || !strings.Contains(raw, `"patients":1`) {
		t.Errorf("closing says nothing of whom it has: %d %s", status, raw)
	}
	var list Clinics
	if nurse.do("GET", "/v1/clinics", nil, &list); len(list.Clinics) != 1 || list.Clinics[0].En != east.Zh || !list.Clinics[0].Closed || list.Clinics[0].Patients != 1 {
		t.Errorf("%+v", list)
	}
	var page EnrolledPage
	if admin.do("GET", "/v1/patients", nil, &page); len(page.Patients) != 1 || page.Patients[0].Clinic != "east" || len(page.Places) != 1 || len(page.Places[0].Clinics) != 1 {
		t.Errorf("%+v", page)
	}
	if status, raw := admin.do("POST", "/v1/admin/patients", EnrolBody{Tenant: "t1", Patient: "P-2", Groups: []string{"copd"}, Clinic: "east"}, nil); status != http.StatusConflict {
		t.Errorf("a closed clinic takes somebody: %d %s", status, raw)
	}
	east.Closed = false
	set(admin, east)
	if status, raw := admin.do("POST", "/v1/admin/patients", EnrolBody{Tenant: "t1", Patient: "P-2", Groups: []string{"copd"}, Clinic: "east"}, nil); status != http.StatusNoContent {
		t.Errorf("enrolled with a clinic: %d %s", status, raw)
	}
	if p, _ := h.view.Patient("t1", "P-2"); p.Clinic != "east" {
		t.Errorf("%+v", p)
	}
}

// An administrator gives a scope of clinics away that lies in their own, of clinics that are there.
func TestSEC5_AnAccountIsAppointedToClinics(t *testing.T) {
	h := open(t)
	h.clinic("t1", "east")
	h.clinic("t2", "east")
	h.lives("x", roleClinic, atClinics("t1/east"))
	one := h.ofScope("one", roleAdministrator, scopeOf([]string{"t1"}))
	appoint := func(clinics ...string) (int, string) {
		return one.do("PUT", "/v1/admin/accounts/x", AppointBody{Role: roleClinic, Tenants: []string{}, Groups: []string{}, Clinics: clinics}, nil)
	}
	for _, c := range []struct {
		clinic string
		want   int
	}{{"t1/west", 422}, {"t2/east", 403}, {"t1/east", 200}} {
		if status, raw := appoint(c.clinic); status != c.want {
			t.Errorf("%s: %d %s", c.clinic, status, raw)
		}
	}
	if a, _ := h.view.Account("x"); !slices.Equal(a.Scope.Clinics, []string{"t1/east"}) {
		t.Errorf("%+v", a.Scope)
	}
	var all Accounts
	one.do("GET", "/v1/admin/accounts", nil, &all)
	if i := slices.IndexFunc(all.Accounts, func(a AccountRow) bool { return a.Account == "x" }); i < 0 || !slices.Equal(all.Accounts[i].Clinics, []string{"t1/east"}) {
		t.Errorf("%+v", all.Accounts)
	}
}

// The column is tried first, by the rules by which it is imported.
func TestGRP9_AnImportsClinicIsTriedFirst(t *testing.T) {
	h := open(t)
	h.clinic("t1", "east")
	h.clinic("t1", "west")
	h.patient("t1", "P-1", "copd")
	h.belongs("t1", "P-1", "east")
	admin := h.as(roleAdministrator, "admin")
	const file = "tenant,patient,group,device,token,clinic\nt1,P-1,copd,,,west\nt1,P-2,copd,,,east\nt1,P-3,copd,,,north\nt1,P-4,copd,,,\n"
	send := func(path string) (lines []ImportLine) {
		status, raw := admin.do("POST", path, file, nil, "Content-Type", "text/csv")
		if status != http.StatusOK {
			t.Fatal(status, raw)
		}
		for _, line := range strings.Split(strings.TrimSpace(raw), "\n") {
			var l ImportLine
			if err := json.Unmarshal([]byte(line), &l); err != nil {
				t.Fatal(err)
			}
			lines = append(lines, l)
		}
		return lines
	}
	lines := send("/v1/admin/import?dry_run=true")
	last := lines[len(lines)-1]
	if !last.Dry || last.New != 2 || last.Moved != 1 || last.Refused != 1 || lines[0].Row != 2 || lines[0].From == nil || *lines[0].From != "east" || lines[0].Clinic != "west" || lines[1].Row != 4 || lines[1].Zh == "" {
		t.Errorf("%+v", lines)
	}
	lines = send("/v1/admin/import")
	if last = lines[len(lines)-1]; last.Refused != 1 {
		t.Errorf("%+v", lines)
	}
	for patient, want := range map[string]string{"P-1": "west", "P-2": "east", "P-4": ""} {
		if p, known := h.view.Patient("t1", patient); !known || p.Clinic != want {
			t.Errorf("%s: %+v", patient, p)
		}
	}
	if _, known := h.view.Patient("t1", "P-3"); known {
		t.Error("a refused row left its patient behind")
	}
}

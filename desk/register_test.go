package desk

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"tocsin/care/vault"
	"tocsin/streams/directory"
	"tocsin/streams/event"
)

// page reads a list of the register whole, by pages of so many.
func patientsOf(t *testing.T, b *browser, limit int) (all []Enrolled) {
	t.Helper()
	for after := ""; ; {
		var p EnrolledPage
		status, raw := b.do("GET", fmt.Sprintf("/v1/patients?limit=%d&after=%s", limit, after), nil, &p)
		if status != 200 {
			t.Fatalf("%d %s", status, raw)
		}
		all = append(all, p.Patients...)
		if after = p.Next; after == "" {
			return all
		}
	}
}

func devicesOf(t *testing.T, b *browser) map[string]DeviceRow {
	t.Helper()
	var p DevicePage
	if status, raw := b.do("GET", "/v1/devices", nil, &p); status != 200 {
		t.Fatalf("%d %s", status, raw)
	}
	all := map[string]DeviceRow{}
	for _, d := range p.Devices {
		all[d.Device] = d
	}
	return all
}

// Who looks after the register sees opaque ids of what they administer and nothing of a chart; a clinical role sees its own patients;
// security and auditors see nobody.
func TestSEC1_TheRegisterShowsAnAdministratorIDsAndNoChart(t *testing.T) {
	h := open(t)
	h.lives("someone", roleLead, nil) // nobody is unattended: that has a test of its own
	h.patient("north", "N-1", "copd", "heart")
	h.patient("south", "S-1", "copd")
	scope := scopeOf([]string{"north"})
	admin, everywhere := h.ofScope("admin-n", roleAdministrator, scope), h.as(roleAdministrator, "admin-all")
	if got := patientsOf(t, admin, 100); len(got) != 1 || got[0].Patient != "N-1" || !slices.Equal(got[0].Groups, []string{"copd", "heart"}) {
		t.Errorf("an administrator of north reads %+v", got)
	}
	if got := patientsOf(t, everywhere, 1); len(got) != 2 || got[0].Patient != "N-1" || got[1].Patient != "S-1" {
		t.Errorf("by pages of one: %+v", got)
	}
	if got := patientsOf(t, h.ofScope("nurse-s", roleNurse, scopeOf([]string{"south"})), 100); len(got) != 1 || got[0].Patient != "S-1" {
		t.Errorf("a nurse of south reads %+v", got)
	}
	for _, role := range []string{roleSecurity, roleAuditor} {
		for _, path := range []string{"/v1/patients", "/v1/devices"} {
			if status, raw := h.as(role, role+"-1").do("GET", path, nil, nil); status != 403 {
				t.Errorf("%s reads %s: %d %s", role, path, status, raw)
			}
		}
	}
	for _, path := range []string{"/v1/patients/north/N-1/person", "/v1/patients/north/N-1/plan", "/v1/patients/north/N-1/readings", "/v1/groups", "/v1/warnings"} {
		if status, raw := everywhere.do("GET", path, nil, nil); status != 403 {
			t.Errorf("an administrator reads %s: %d %s", path, status, raw)
		}
	}
	if status, _ := everywhere.do("POST", "/v1/patients/search", SearchBody{Name: "somebody"}, nil); status != 403 {
		t.Errorf("an administrator looks for a name: %d", status)
	}
	// What they do not administer is not there for them.
	for what, status := range map[string]int{
		"enrol":  first(admin.do("POST", "/v1/admin/patients", EnrolBody{Tenant: "south", Patient: "S-9", Groups: []string{"copd"}}, nil)),
		"move":   first(admin.do("PUT", "/v1/admin/patients/south/S-1/groups", RegroupBody{Groups: []string{"heart"}, Was: []string{"copd"}}, nil)),
		"bind":   first(admin.do("POST", "/v1/admin/devices", BindBody{Device: "d", Tenant: "south", Patient: "S-1"}, nil)),
		"import": first(admin.do("POST", "/v1/admin/import", "tenant,patient,group,device,token\nsouth,S-9,copd,,\n", nil, "Content-Type", "text/csv")),
	} {
		if status != 403 && status != 404 {
			t.Errorf("an administrator of north may %s in south: %d", what, status)
		}
	}
}

func first(status int, _ string) int { return status }

func TestPatientsAreEnrolledMovedAndLeave(t *testing.T) {
	h := open(t)
	lead := h.as(roleLead, "lead-1")
	enrol := func(patient string, groups ...string) (p Problem, status int) {
		status, _ = lead.do("POST", "/v1/admin/patients", EnrolBody{Tenant: "demo", Patient: patient, Groups: groups}, &p)
		return p, status
	}
	if p, status := enrol("P-1", "copd", "heart"); status != 204 {
		t.Fatalf("%d %+v", status, p)
	}
	if p, status := enrol("P-1", "heart"); status != 409 || p.Reason != "taken" {
		t.Errorf("enrolled twice: %d %+v", status, p)
	}
	if p, status := enrol("P+2", "heart"); status != 422 || !strings.Contains(p.Zh, "MQTT") {
		t.Errorf("a bad id: %d %+v", status, p)
	}
	move := func(was []string, to ...string) (p Problem, status int) {
		status, _ = lead.do("PUT", "/v1/admin/patients/demo/P-1/groups", RegroupBody{Groups: to, Was: was}, &p)
		return p, status
	}
	if p, status := move([]string{"copd"}, "heart"); status != 409 || p.Reason != "changed" {
		t.Errorf("overtaken: %d %+v", status, p)
	}
	if p, status := move([]string{"copd", "heart"}, "heart"); status != 204 {
		t.Errorf("%d %+v", status, p)
	}
	if got := patientsOf(t, lead, 10); len(got) != 1 || !slices.Equal(got[0].Groups, []string{"heart"}) {
		t.Errorf("got %+v", got)
	}
	h.until("the desk knows the patient", func() bool { return h.server.ward.knows("demo/P-1") })
	if status, raw := lead.do("POST", "/v1/patients/demo/P-1/leave", LeaveBody{Why: "died"}, nil, "Idempotency-Key", "k"); status != 200 {
		t.Fatalf("%d %s", status, raw)
	}
	if got := patientsOf(t, lead, 10)[0].Left; got == nil || got.Why != "died" {
		t.Errorf("a lead reads %+v", got)
	}
	if got := patientsOf(t, h.as(roleAdministrator, "admin-1"), 10)[0].Left; got == nil || got.Why != "" || got.At == 0 {
		t.Errorf("an administrator reads %+v, and of what is none of their business", got)
	}
}

func TestING12_DevicesAreBoundReplacedAndRevoked(t *testing.T) {
	h := open(t)
	h.patient("demo", "P-1", "copd")
	h.patient("demo", "P-2", "copd")
	admin := h.as(roleAdministrator, "admin-1")
	bind := func(device, patient string) (made DeviceMade, p Problem, status int) {
		status, raw := admin.do("POST", "/v1/admin/devices", BindBody{Device: device, Tenant: "demo", Patient: patient}, nil)
		if err := errors.Join(json.Unmarshal([]byte(raw), &made), json.Unmarshal([]byte(raw), &p)); err != nil {
			t.Fatal(err)
		}
		return made, p, status
	}
	ox, _, status := bind("ox-1", "P-1")
	if b, _ := h.view.Device("ox-1"); status != 200 || b.TokenSHA256 != sumOf(ox.Token) || b.Patient != "P-1" {
		t.Fatalf("%d %+v %+v", status, ox, b)
	}
	if _, p, status := bind("ox-1", "P-1"); status != 409 || p.Reason != "taken" {
		t.Errorf("bound again, which would lock it out: %d %+v", status, p)
	}
	if _, p, status := bind("ox-1", "P-2"); status != 409 || p.Reason != "device_taken" {
		t.Errorf("another's device: %d %+v", status, p)
	}
	if _, p, status := bind("ox-2", "P-9"); status != 404 {
		t.Errorf("nobody's: %d %+v", status, p)
	}
	var made DeviceMade
	if status, raw := admin.do("POST", "/v1/admin/devices/ox-1/credentials", nil, &made); status != 200 || made.Token == ox.Token || made.Token == "" {
		t.Fatalf("%d %s", status, raw)
	}
	h.sendsBy("ox-1", "P-1")
	h.until("it is heard of", func() bool { return devicesOf(t, admin)["ox-1"].Heard != nil })
	if status, raw := admin.do("POST", "/v1/admin/devices/ox-1/replace", ReplaceBody{With: "ox-7"}, &made); status != 200 || made.Device != "ox-7" || made.Patient != "P-1" || made.Left != "" {
		t.Fatalf("%d %s", status, raw)
	}
	all := devicesOf(t, admin)
	if !all["ox-1"].Revoked || all["ox-7"].Revoked || all["ox-7"].Patient != "P-1" || all["ox-7"].Heard != nil {
		t.Errorf("got %+v", all)
	}
	if status, raw := admin.do("DELETE", "/v1/admin/devices/ox-7", nil, nil); status != 204 {
		t.Errorf("%d %s", status, raw)
	}
	if status, _ := admin.do("POST", "/v1/admin/devices/ox-7/credentials", nil, nil); status != 409 {
		t.Errorf("credentials of a revoked device: %d", status)
	}
	if _, _, status := bind("ox-7", "P-2"); status != 200 {
		t.Errorf("bound anew, to somebody else: %d", status)
	}
	if got := patientsOf(t, admin, 10); !slices.Equal(got[1].Devices, []string{"ox-7"}) || len(got[0].Devices) != 0 {
		t.Errorf("got %+v", got)
	}
	if status, _ := h.as(roleNurse, "nurse-1").do("DELETE", "/v1/admin/devices/ox-7", nil, nil); status != 403 {
		t.Errorf("a nurse revokes: %d", status)
	}
}

// sendsBy is a reading of a device.
func (h *hospital) sendsBy(device, patient string) {
	h.seq++
	now := event.TimeOf(time.Now())
	h.append("demo/"+patient, event.Envelope{ID: fmt.Sprintf("%s/%d", device, h.seq), Source: "test", Subject: "demo/" + patient, At: now,
		Data: &event.ObservationRecorded{Device: device, Readings: []event.Reading{{Quantity: event.SpO2Percent, Value: event.Int(95)}}, MeasuredAt: now, ReceivedAt: now}})
}

// Names are looked for among one's own patients; who looked, and whose name was shown, is noted; what was looked for is not.
func TestSEC5_ANameIsLookedForAmongOnesOwn(t *testing.T) {
	a := openArchive(t)
	lead := a.as(roleLead, "lead-1")
	a.lives("someone", roleLead, nil)
	for _, p := range []string{"P-1", "P-2", "P-3"} {
		a.patient(map[bool]string{true: "south", false: "demo"}[p == "P-3"], p, "copd")
	}
	for path, name := range map[string]string{"demo/P-1": madeUpName, "demo/P-2": "Somebody Else", "south/P-3": madeUpName} {
		if status, raw := lead.do("PUT", "/v1/patients/"+path+"/person", PersonBody{Person: vault.Person{Name: name}}, nil); status != 200 {
			t.Fatalf("%d %s", status, raw)
		}
	}
	nurse := a.ofScope("nurse-d", roleNurse, scopeOf([]string{"demo"}))
	a.trail.mu.Lock()
	a.trail.notes = nil
	a.trail.mu.Unlock()
	var found FoundPage
	if status, raw := nurse.do("POST", "/v1/patients/search", SearchBody{Name: "zacharias"}, &found); status != 200 || len(found.Found) != 1 || found.Found[0].Patient != "P-1" || found.Found[0].Name != madeUpName {
		t.Fatalf("%d %s", status, raw)
	}
	a.trail.mu.Lock()
	notes := slices.Clone(a.trail.notes)
	a.trail.mu.Unlock()
	read := 0
	for _, e := range notes {
		if strings.Contains(strings.ToLower(fmt.Sprint(e)), "zacharias") {
			t.Errorf("the audit log has the name: %+v", e)
		}
		if e.Action == "vault.read" {
			read++
			if e.Patient != "P-1" {
				t.Errorf("noted a look at %s", e.Patient)
			}
		}
	}
	if read != 1 || !slices.ContainsFunc(notes, func(e Entry) bool { return e.Action == "vault.search" && e.Account == "nurse-d" }) {
		t.Errorf("noted %+v", notes)
	}
	a.trail.mu.Lock()
	a.trail.fails = http.ErrServerClosed
	a.trail.mu.Unlock()
	if status, raw := nurse.do("POST", "/v1/patients/search", SearchBody{Name: "zacharias"}, nil); status != 503 || strings.Contains(raw, madeUpName) {
		t.Errorf("shown without a note: %d %s", status, raw)
	}
}

// Ten thousand patients and devices: each list within a second, also by a role that sees its own alone.
func TestTheRegisterOfTenThousandAnswersWithinASecond(t *testing.T) {
	h := open(t)
	var rows []directory.Row
	for i := range 10_000 {
		rows = append(rows, directory.Row{Line: i + 2, Tenant: "demo", Patient: fmt.Sprintf("P-%05d", i), Group: "copd", Device: fmt.Sprintf("ox-%05d", i)})
	}
	if _, _, err := h.asker.Import(t.Context(), rows, "test", nil); err != nil {
		t.Fatal(err)
	}
	for name, b := range map[string]*browser{"administrator": h.as(roleAdministrator, "a"), "nurse": h.ofScope("n", roleNurse, scopeOf(nil, "demo/copd"))} {
		began := time.Now()
		got := patientsOf(t, b, 10_000)
		patients := time.Since(began)
		began = time.Now()
		devices := devicesOf(t, b)
		took := time.Since(began)
		t.Logf("%s: %d patients in %s, %d devices in %s", name, len(got), patients, len(devices), took)
		if len(got) != 10_000 || len(devices) != 10_000 {
			t.Fatalf("%d patients, %d devices", len(got), len(devices))
		}
		if load := loadPerCore(t); max(patients, took) > time.Second && load < 2 && !raceDetector {
			t.Errorf("patients %s, devices %s (load %.1f a core)", patients, took, load)
		}
	}
}

// A try says of every row what the import then does, and changes nothing.
func TestAnImportIsTriedFirst(t *testing.T) {
	h := open(t)
	h.doorBeats("gateway-1")
	h.patient("demo", "P-1", "copd")
	admin := h.admin()
	if status, raw := admin.do("POST", "/v1/admin/devices", BindBody{Device: "ox-1", Tenant: "demo", Patient: "P-1"}, nil); status != 200 {
		t.Fatalf("%d %s", status, raw)
	}
	for _, dry := range []string{"yes", "TRUE", "", "true&dry_run=false"} { // who meant to try has not imported
		if status, raw := admin.do("POST", "/v1/admin/import?dry_run="+dry, "tenant,patient,group,device,token\ndemo,P-9,copd,,\n", nil, "Content-Type", "text/csv"); status != 422 {
			t.Errorf("dry_run=%s: %d %s", dry, status, raw)
		}
	}
	csv := "\ufefftenant,patient,group,device,token\n" +
		"demo,P-1,copd,ox-1,\n" + // stands
		"demo,P-2,copd,ox-2,\n" + // new, with a token
		"demo,P-3,copd,ox-2,\n" + // line 4: the row before has it
		"demo,P-1,copd,ox-3,mine\n" +
		"other,P-9,copd,ox-1,\n" // line 6: another tenant's
	before := h.view.Position()
	dry := h.trying(csv)
	last := dry[len(dry)-1]
	if !last.Done || !last.Dry || last.New != 1 || last.Bound != 2 || last.Makes != 1 || last.Refused != 2 || last.Faults != 0 || last.Moved != 0 {
		t.Errorf("got %+v", last)
	}
	if h.view.Position() != before {
		t.Error("a try changed the directory")
	}
	done, _ := h.importing(csv)
	if a, b := refusals(dry), refusals(done); !slices.Equal(a, b) || len(a) != 2 {
		t.Errorf("tried  %q\nrefused %q", a, b)
	}
	moved := h.trying("tenant,patient,group,device,token\ndemo,P-1,heart,,\n")
	if len(moved) != 2 || !slices.Equal(moved[0].Was, []string{"copd"}) || moved[1].Moved != 1 {
		t.Errorf("got %+v", moved)
	}
	bad := h.trying("tenant,patient,group,device,token\ndemo,P+4,copd,,\ndemo,P-5,copd\ndemo,P-6,copd,,\ndemo,P-6,heart,,\n")
	if last := bad[len(bad)-1]; last.Faults != 3 || last.New != 1 || bad[0].Row != 2 || !strings.Contains(bad[0].Zh, "MQTT") || bad[1].Row != 3 || bad[2].Row != 5 {
		t.Errorf("got %+v", bad)
	}
	var p Problem
	if status, _ := admin.do("POST", "/v1/admin/import?dry_run=true", "tenant,patient,group,device,token\ndemo,\xb2\xa1\xc8\xcb,copd,,\n", &p, "Content-Type", "text/csv"); status != 422 || !strings.Contains(p.Zh, "GB18030") || !strings.Contains(p.En, "CSV UTF-8") {
		t.Errorf("GB18030: %d %+v", status, p)
	}
}

// Consents are tried as well: one that the registrar would not take is told beside its row, and in the same words when it is imported;
// two that contradict each other are a fault of their row. All of it is said in Chinese too.
func TestSEC4_ConsentsOfAnImportAreTriedToo(t *testing.T) {
	h := open(t)
	h.doorBeats("gateway-1")
	const head = "tenant,patient,group,device,token,consent,consent_purposes,consent_form,consent_given\n"
	csv := head + "demo,P-1,copd,,,c-1,monitoring,MON-2026,2026-03-01\n" +
		"demo,P-2,copd,,,c-2,monitoring,MON-2026,2093-03-01\n" // line 3: in the future
	dry := h.trying(csv)
	if last := dry[len(dry)-1]; last.New != 2 || last.Refused != 1 || last.Faults != 0 {
		t.Errorf("got %+v", last)
	}
	done, _ := h.importing(csv)
	if a, b := refusals(dry), refusals(done); !slices.Equal(a, b) || len(a) != 1 || !strings.Contains(a[0], "in the future") || !strings.Contains(a[0], "不能在将来") {
		t.Errorf("tried  %q\nrefused %q", a, b)
	}
	if again := refusals(h.trying(csv)); len(again) != 1 {
		t.Errorf("what is recorded already is refused: %q", again)
	}
	other := h.trying(head + "demo,P-1,copd,,,c-1,research,MON-2026,2026-03-01\n")
	if all := refusals(other); len(all) != 1 || !strings.Contains(all[0], "recorded with other words") {
		t.Errorf("got %q", all)
	}
	for csv, zh := range map[string]string{
		"demo,P-4,copd,d-1,,c-1,monitoring,MON-2026,2026-03-01\ndemo,P-4,copd,d-2,,c-2,monitoring,MON-2026,2026-03-01\n": "知情同意",
		"demo,P-5,copd,,,c-1,monitoring,MON-2026,soon\n":                                                                 "应为日期",
		"demo,P-6,copd,,,c-1,spying,MON-2026,2026-03-01\n":                                                               "用途须为",
		"demo,P-7,copd,,,,monitoring,,\n":                                                                                "无知情同意",
		"tocsin,P-8,copd,,,,,,\n":                                                                                        "系统保留",
		"demo,P-9,copd+copd,,,,,,\n":                                                                                     "重复",
	} {
		all := h.trying(head + csv)
		if last := all[len(all)-1]; last.Faults != 1 || !all[0].Fault || !strings.Contains(all[0].Zh, zh) {
			t.Errorf("%s: %+v", csv, all)
		}
	}
}

func refusals(lines []ImportLine) (all []string) {
	for _, l := range lines {
		if l.Error != "" {
			all = append(all, fmt.Sprintf("%d %s %s", l.Row, l.Error, l.Zh))
		}
	}
	return all
}

// trying is importing that changes nothing.
func (h *hospital) trying(csv string) []ImportLine {
	lines, _ := h.importingBy("/v1/admin/import?dry_run=true", csv)
	return lines
}

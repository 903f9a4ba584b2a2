package desk

import (
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"tocsin/streams"
	"tocsin/streams/event"
	"tocsin/streams/trail"
)

func (v ConsentView) state(purpose string) string {
	i := slices.IndexFunc(v.Purposes, func(p PurposeView) bool { return p.Purpose == purpose })
	return v.Purposes[i].State + " " + v.Purposes[i].Consent
}

// A consent's life at the desk. Nobody is watched less because a record is missing; a withdrawal holds at once, of monitoring also while
// the care cannot end yet; and the end of the care closes everything in one step.
func TestSEC4_ALR18_AConsentFromTheFormToTheWithdrawal(t *testing.T) {
	h := open(t)
	h.audited()
	h.enrol("P-1", "copd")
	nurse, doctor := h.as(roleNurse, "nurse-a"), h.as(roleDoctor, "doctor-b")
	const path = "/v1/patients/demo/P-1/consents"
	stands := func() (v ConsentView) {
		t.Helper()
		if status, raw := nurse.do("GET", path, nil, &v); status != 200 {
			t.Fatal(status, raw)
		}
		return v
	}
	missing := func() string {
		t.Helper()
		var all Unconsenteds
		if status, raw := nurse.do("GET", "/v1/consents/missing", nil, &all); status != 200 {
			t.Fatal(status, raw)
		}
		for _, p := range all.Patients {
			if p.Patient == "P-1" && all.Counts[p.State] == 1 {
				return p.State
			}
		}
		return ""
	}
	row := func() string { return h.server.ward.board("demo", "copd")[0].Consent }
	if v := stands(); v.state("monitoring") != "none " || v.state("sharing") != "none " || !v.Care.Watched || missing() != "none" || row() != "none" {
		t.Fatalf("%+v, missing %q, row %q", v, missing(), row())
	}
	h.measure("P-1", 80)
	h.measure("P-1", 80)
	h.until("who has no consent on record is watched all the same", func() bool { return len(nurse.warnings("open")) == 1 })
	h.warn(h.as(roleLead, "lead-a"), "demo", "P-1", "high")

	given := ConsentBody{ID: "C-1", Purposes: []string{"monitoring", "sharing"}, Form: "MON-2026", FormVersion: "2", GivenAt: event.TimeOf(time.Now().Add(-time.Hour)), How: "paper", GivenBy: "patient"}
	var v ConsentView
	if status, raw := nurse.do("POST", path, given, &v); status != 200 || v.state("monitoring") != "given C-1" || v.state("research") != "none " || v.Lines[0].By != "nurse-a" {
		t.Fatal(status, raw)
	}
	if status, raw := h.as(rolePharmacist, "pharmacist-a").do("POST", path, given, nil); status != http.StatusForbidden {
		t.Error(status, raw)
	}
	bad := given
	bad.ID = "form of Mr Demo"
	if status, raw := nurse.do("POST", path, bad, nil); status == 200 || strings.Contains(raw, "Demo") {
		t.Error(status, raw)
	}
	h.until("the board says so", func() bool { return row() == "given" })
	if missing() != "" {
		t.Error("who has agreed is said not to have")
	}

	withdraw := func(b *browser, key string, in WithdrawBody) (v ConsentView) {
		t.Helper()
		if status, raw := b.do("POST", path+"/withdraw", in, &v, "Idempotency-Key", key); status != 200 {
			t.Fatal(status, raw)
		}
		return v
	}
	if v := withdraw(nurse, "1", WithdrawBody{Purposes: []string{"sharing"}, How: "spoken"}); v.state("sharing") != "withdrawn " || v.state("monitoring") != "given C-1" || !v.Care.Watched || v.Care.Reason != "" {
		t.Fatalf("%+v", v)
	}
	if got := h.view.Consent("demo", "P-1", event.ForSharing, event.TimeOf(time.Now())); got.Allows() {
		t.Error("whoever hands on is not told of the withdrawal")
	}
	v = withdraw(nurse, "2", WithdrawBody{Purposes: []string{"monitoring"}, How: "spoken", Contacted: true})
	if v.state("monitoring") != "withdrawn " || !v.Care.Watched || v.Care.Reason != "needs_doctor" || v.Care.Zh == "" || missing() != "withdrawn" || len(nurse.warnings("open")) != 2 {
		t.Fatalf("%+v, missing %q", v, missing())
	}
	if v := withdraw(doctor, "3", WithdrawBody{Purposes: []string{"monitoring"}, How: "spoken", Contacted: true}); v.Care.Watched || v.Care.Reason != "" {
		t.Fatalf("%+v", v)
	}
	if missing() != "" || len(nurse.warnings("open")) != 0 {
		t.Errorf("after the end of the care it is missing as %q, and open are %+v", missing(), nurse.warnings("open"))
	}
	h.endedInOneStep("demo/P-1")
	h.measure("P-1", 80)
	h.measure("P-1", 80)
	h.until("the readings after it were folded", func() bool { return h.server.ward.caughtUp() })
	for _, w := range nurse.warnings("open") {
		if w.Severity != event.Technical { // that the device still sends is told (ALR-18)
			t.Errorf("somebody was paged after the withdrawal: %+v", w)
		}
	}
	for action, by := range map[string]string{"consent.record": "nurse-a", "consent.withdraw": "doctor-b", "consent.read": "nurse-a"} {
		h.noted(action, func(e trail.Entry) bool {
			return e.Action == action && e.Account == by && e.Patient == "P-1"
		})
	}
}

// endedInOneStep fails unless the closings of a patient and the end of the care stand in one step.
func (h *hospital) endedInOneStep(key string) {
	h.t.Helper()
	var left, closed []int64
	for p := range int32(partitions) {
		for _, r := range h.log.Records(streams.Decisions, p) {
			e, err := event.Decode(r.Headers, r.Value)
			if err != nil || e.Subject != key {
				continue
			}
			switch e.Data.(type) {
			case *event.PatientLeft:
				left = append(left, e.Step)
			case *event.AlertClosed:
				closed = append(closed, e.Step)
			}
		}
	}
	if len(left) != 1 || len(closed) == 0 || slices.ContainsFunc(closed, func(step int64) bool { return step != left[0] }) {
		h.t.Errorf("the care ended in step %v, and its warnings were closed in %v", left, closed)
	}
}

// Ending the care because the patient has withdrawn records the withdrawal, also when the end is refused.
func TestSEC4_EndingTheCareRecordsTheWithdrawal(t *testing.T) {
	h := open(t)
	h.enrol("P-1", "copd")
	nurse, lead := h.as(roleNurse, "nurse-a"), h.as(roleLead, "lead-a")
	h.warn(lead, "demo", "P-1", "w")
	leave := func() int {
		status, _ := nurse.do("POST", "/v1/patients/demo/P-1/leave", LeaveBody{Why: event.LeftWithdrawn}, nil, "Idempotency-Key", "k")
		return status
	}
	if status := leave(); status != http.StatusConflict {
		t.Errorf("with a high open a nurse ended the care: %d", status)
	}
	for _, purpose := range event.Purposes {
		if got := h.view.Consent("demo", "P-1", purpose, event.TimeOf(time.Now())); got.State != event.ConsentWithdrew {
			t.Errorf("%s: %+v", purpose, got)
		}
	}
}

// The list of consents tells of everybody in the care of who asks, by parts: how they stand to each purpose, by which forms, and what
// they withdrew; of nobody else, and to nobody who sees no patient.
func TestSEC4_TheListOfConsents(t *testing.T) {
	h := open(t)
	h.audited()
	for _, p := range []string{"P-1", "P-2", "P-3"} {
		h.enrol(p, "copd")
	}
	nurse := h.as(roleNurse, "nurse-a")
	given := ConsentBody{ID: "C-1", Purposes: []string{"monitoring", "sharing"}, Form: "MON-2024", FormVersion: "2", GivenAt: event.TimeOf(time.Now().Add(-time.Hour)), How: "carried_over", GivenBy: "patient"}
	for _, p := range []string{"P-1", "P-2"} {
		if status, raw := nurse.do("POST", "/v1/patients/demo/"+p+"/consents", given, nil); status != 200 {
			t.Fatal(status, raw)
		}
	}
	if status, raw := nurse.do("POST", "/v1/patients/demo/P-2/consents/withdraw", WithdrawBody{Purposes: []string{"sharing"}, How: "spoken"}, nil, "Idempotency-Key", "1"); status != 200 {
		t.Fatal(status, raw)
	}
	var got []string
	for after, parts := "", 0; ; parts++ {
		var page ConsentPage
		if status, raw := nurse.do("GET", "/v1/consents?limit=2&after="+after, nil, &page); status != 200 || parts > 3 {
			t.Fatal(status, raw)
		}
		for _, r := range page.Patients {
			line := r.Patient
			for _, p := range r.Purposes {
				line += " " + p.State
			}
			for _, f := range r.Forms {
				line += " " + f.ID + "/" + f.Form + "/" + f.Version
				if f.Carried {
					line += " carried"
				}
			}
			if r.Withdrew != nil {
				line += " withdrew " + strings.Join(r.Withdrew.Purposes, ",") + " by " + r.Withdrew.By
			}
			got = append(got, line)
		}
		if after = page.Next; after == "" {
			break
		}
	}
	want := []string{"P-1 given given none C-1/MON-2024/2 carried", "P-2 given withdrawn none C-1/MON-2024/2 carried withdrew sharing by nurse-a", "P-3 none none none"}
	if !slices.Equal(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
	if status, raw := h.as(roleAdministrator, "admin-x").do("GET", "/v1/consents", nil, nil); status != http.StatusForbidden {
		t.Error(status, raw)
	}
}

package desk

import (
	"archive/zip"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"

	"tocsin/desk/own"
	"tocsin/streams"
	"tocsin/streams/event"
	"tocsin/streams/trail"
)

// exports asks for a copy and answers its files.
func (b *browser) exports(patient string) (status int, files map[string]string) {
	b.t.Helper()
	status, raw := b.do("POST", "/v1/patients/demo/"+patient+"/export", ExportBody{Reason: "asked_by_patient"}, nil)
	if status != 200 {
		return status, map[string]string{"": raw}
	}
	z, err := zip.NewReader(strings.NewReader(raw), int64(len(raw)))
	if err != nil {
		b.t.Fatal(err)
	}
	files = map[string]string{}
	for _, f := range z.File {
		r, err := f.Open()
		if err != nil {
			b.t.Fatal(err)
		}
		text, err := io.ReadAll(r)
		if err != nil {
			b.t.Fatal(err)
		}
		files[f.Name] = string(text)
	}
	return status, files
}

// Everything that a patient sent is in the copy, with what followed from it and who looked; nothing of anybody else's is, in none of its
// files: not of a neighbour whose warnings the same people had, nor what the patient's own device sent of another.
func TestSEC4_ACopyOfOnesOwnDataIsWholeAndHoldsNobodyElses(t *testing.T) {
	h := open(t)
	h.audited()
	h.enrol("P-mine", "copd")
	h.enrol("Zq-neighbour", "copd")
	nurse, lead := h.as(roleNurse, "nurse-a"), h.as(roleLead, "lead-a")
	// The one of somebody else has a value of its own, so that it is found wherever it stands.
	for i := range 12 {
		h.measure("P-mine", int64(80+i%3))
		h.measure("Zq-neighbour", 79)
	}
	h.measure("P-mine", 71)
	h.measure("P-mine", 71)
	h.until("both are warned of", func() bool { return len(nurse.warnings("open")) >= 2 })
	for _, w := range nurse.warnings("open") {
		nurse.click("accept", w.ID, "a"+w.ID, nil)
		if status, _, p := nurse.click("note", w.ID, "n"+w.ID, NoteBody{Text: "words of " + w.Patient}); status != 200 {
			t.Fatal(p)
		}
	}
	nurse.do("GET", "/v1/patients/demo/P-mine/plan", nil, nil)
	nurse.do("GET", "/v1/patients/demo/Zq-neighbour/plan", nil, nil)
	for _, p := range []string{"P-mine", "Zq-neighbour"} {
		if status, raw := nurse.do("POST", "/v1/patients/demo/"+p+"/consents", ConsentBody{ID: "C-" + p, Purposes: []string{"sharing"}, Form: "F", FormVersion: "1", GivenAt: 1, How: "paper", GivenBy: "patient"}, nil); status != 200 {
			t.Fatal(raw)
		}
	}
	// Two readings were not the patient's after all.
	var measured []event.Time
	sent := h.sent("demo/P-mine")
	for _, o := range sent {
		if o.Readings[0].Value == event.Int(71) {
			measured = append(measured, o.MeasuredAt)
		}
	}
	for i, at := range measured {
		if status, raw := lead.do("POST", "/v1/patients/demo/P-mine/disown", DisownBody{MeasuredAt: at, Readings: []DisownReading{{event.SpO2Percent, event.Int(71)}}, Why: "somebody else’s finger"}, nil, "Idempotency-Key", fmt.Sprint("d", i)); status != 200 {
			t.Fatal(status, raw)
		}
	}
	status, files := lead.exports("P-mine")
	if status != 200 || len(files) != 3 {
		t.Fatal(status, files)
	}
	var c own.Copy
	if err := json.Unmarshal([]byte(files[own.FileData]), &c); err != nil {
		t.Fatal(err)
	}
	if !c.Whole() || len(c.Readings) != len(sent)-2 || c.LeftOut.Disowned != 2 || c.Counts["inputs/observation.recorded"] != len(sent) {
		t.Errorf("of %d uploads %d readings are in it, %d left out; counts %v", len(sent), len(c.Readings), c.LeftOut.Disowned, c.Counts)
	}
	for _, o := range sent {
		if o.Readings[0].Value != event.Int(71) && !slices.ContainsFunc(c.Readings, func(r own.Reading) bool { return r.MeasuredAt == o.MeasuredAt && r.Value == o.Readings[0].Value }) {
			t.Errorf("what was measured at %s is not in it", o.MeasuredAt)
		}
	}
	if len(c.Warnings) == 0 || len(c.Notes) == 0 || len(c.Consents) != 1 || !slices.ContainsFunc(c.Notes, func(n own.Note) bool { return n.By == "nurse-a" && n.Text == "words of P-mine" }) {
		t.Errorf("%d warnings, %d consents, notes %+v", len(c.Warnings), len(c.Consents), c.Notes)
	}
	if !slices.ContainsFunc(c.Reads, func(r own.Read) bool { return r.Account == "nurse-a" && r.Action == "plan.read" }) ||
		!slices.ContainsFunc(c.Reads, func(r own.Read) bool {
			return r.Account == "lead-a" && r.Action == "own.export" && r.Purpose == purposeOwn
		}) {
		t.Errorf("who looked: %+v", c.Reads)
	}
	var bundle struct {
		Type  string
		Entry []struct{ Resource struct{ ResourceType string } }
	}
	if err := json.Unmarshal([]byte(files[own.FileFHIR]), &bundle); err != nil || bundle.Type != "collection" || len(bundle.Entry) != 1+len(c.Readings)+len(c.Warnings)+1 {
		t.Errorf("the bundle has %d entries: %v", len(bundle.Entry), err)
	}
	for name, text := range files {
		for _, foreign := range []string{"Zq-neighbour", "SpO2 71", `"value": 71`, "71 %"} {
			if strings.Contains(text, foreign) {
				i := strings.Index(text, foreign)
				t.Errorf("%s holds %q: …%s…", name, foreign, text[max(0, i-200):min(len(text), i+100)])
			}
		}
	}
}

// sent answers the uploads of a patient as the log has them.
func (h *hospital) sent(key string) (all []*event.ObservationRecorded) {
	for p := range int32(partitions) {
		for _, r := range h.log.Records(streams.Inputs, p) {
			if e, err := event.Decode(r.Headers, r.Value); err == nil && e.Subject == key {
				if o, ok := e.Data.(*event.ObservationRecorded); ok {
					all = append(all, o)
				}
			}
		}
	}
	return all
}

// Who may make it, and that it is noted before it is made.
func TestSEC4_WhoMakesACopy(t *testing.T) {
	h := open(t)
	h.audited()
	h.lives("someone", roleLead, scopeOf([]string{"*"}))
	h.patient("demo", "P-1", "copd")
	h.patient("demo", "P-2", "copd")
	local := h.browser(h.url)
	local.token = localToken
	for name, c := range map[string]struct {
		b    *browser
		want int
	}{
		"a lead":                  {h.ofScope("lead-a", roleLead, scopeOf([]string{"demo"})), 200},
		"a lead of another":       {h.ofScope("lead-b", roleLead, scopeOf([]string{"other"})), http.StatusNotFound},
		"security":                {h.ofScope("security-a", roleSecurity, scopeOf([]string{"demo"})), 200},
		"security of another":     {h.ofScope("security-b", roleSecurity, scopeOf([]string{"other"})), http.StatusNotFound},
		"a nurse":                 {h.ofScope("nurse-a", roleNurse, scopeOf([]string{"demo"})), http.StatusForbidden},
		"an administrator":        {h.ofScope("admin-a", roleAdministrator, scopeOf([]string{"demo"})), http.StatusNotFound},
		"the local administrator": {local, 200},
	} {
		if status, files := c.b.exports("P-1"); status != c.want {
			t.Errorf("%s: %d, want %d: %s", name, status, c.want, files[""])
		}
	}
	if status, _ := local.exports("P-9"); status != http.StatusNotFound {
		t.Errorf("of nobody: %d", status)
	}
	if status, _ := local.do("POST", "/v1/patients/demo/P-1/export", ExportBody{Reason: "curious"}, nil); status != http.StatusUnprocessableEntity {
		t.Errorf("without a reason: %d", status)
	}
	h.noted("a copy that was refused", func(e trail.Entry) bool {
		return e.Action == "own.export" && e.Account == "lead-b" && e.Refused && e.Patient == "P-1"
	})
}

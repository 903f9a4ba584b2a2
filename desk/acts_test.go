package desk

import (
	"strings"
	"testing"
	"time"

	"tocsin/streams/event"
)

// A warning through everything that can be done to it beside taking and closing it, from two desks; each line of its story has
// words in both languages.
func TestALR9_ALR12_ALR20_ActsOnAWarning(t *testing.T) {
	h := open(t)
	h.enrol("P-0113", "ward") // the default pack
	a, b := h.as("nurse", "nurse-a"), h.as("doctor", "doctor-b")
	h.measure("P-0113", 80)
	h.until("the warning is there", func() bool { return len(a.warnings("open")) == 1 })
	id := a.warnings("open")[0].ID
	does := func(who *browser, verb, key string, in any, want string) Warning {
		t.Helper()
		status, w, p := who.click(verb, id, key, in)
		if got := w.State + p.Reason; got != want || (status == 200) != (p.Reason == "") {
			t.Fatalf("%s: %d %s, want %s", verb, status, got, want)
		}
		return w
	}
	does(a, "call", "1", CallBody{Whom: "patient"}, "not_accepted")
	does(a, "accept", "2", nil, "accepted")
	if w := does(a, "call", "3", CallBody{Whom: "patient"}, "accepted"); w.Call == nil || w.Call.Whom != "patient" {
		t.Errorf("no call: %+v", w)
	}
	tried := does(a, "contact", "4", ContactBody{Whom: "patient", Outcome: "no_answer"}, "accepted")
	if tried.Call != nil || event.Time(tried.AnswerBy).Sub(tried.Since) > 6*time.Minute {
		t.Errorf("nobody was reached, and it rests until %v", tried.AnswerBy)
	}
	if got := tried.Tried; got == nil || got.By != "nurse-a" || got.Whom != "patient" || got.Outcome != "no_answer" {
		t.Errorf("the others do not hear that nobody was reached: %+v", got)
	}
	if w := does(a, "offer", "5", OfferBody{To: "doctor-b"}, "accepted"); w.Offered != "doctor-b" || w.Owner != "nurse-a" {
		t.Errorf("offered: %+v", w)
	}
	does(b, "contact", "6", ContactBody{Whom: "carer", Outcome: "reached"}, "not_yours")
	if w := does(b, "accept", "7", nil, "accepted"); w.Owner != "doctor-b" || w.Was != "nurse-a" || w.Offered != "" || w.AnswerBy != tried.AnswerBy {
		t.Errorf("taken over: %+v", w)
	}
	if w := does(b, "contact", "8", ContactBody{Whom: "carer", Outcome: "reached", Note: "breathless"}, "in_care"); !w.Contacted {
		t.Errorf("reached: %+v", w)
	}
	does(a, "note", "9", NoteBody{Text: "oxygen raised"}, "in_care")
	if w := does(b, "shelve", "10", ShelveBody{Reason: "visited", ForMin: 20}, "in_care"); w.Shelf == nil || w.Shelf.By != "doctor-b" || w.Shelf.ConfirmBy == 0 {
		t.Errorf("a high was shelved by one: %+v", w)
	}
	if w := does(a, "shelve", "11", ShelveBody{}, "shelved"); w.Shelf.Second != "nurse-a" || w.Owner != "" {
		t.Errorf("shelved: %+v", w)
	}
	does(a, "unshelve", "12", struct{}{}, "returned")
	does(a, "shelve", "13", ShelveBody{Reason: "again", ForMin: 31}, "shelf_limit")
	does(a, "accept", "14", nil, "accepted")
	if w := does(a, "close", "15", CloseBody{Outcome: "not_known_yet", Disposition: "home"}, "closed"); w.Outcome != "not_known_yet" {
		t.Errorf("closed: %+v", w)
	}
	var list struct{ Warnings []Unjudged }
	if status, raw := a.do("GET", "/v1/unjudged", nil, &list); status != 200 || len(list.Warnings) != 1 || list.Warnings[0].ID != id || list.Warnings[0].Patient != "P-0113" {
		t.Fatalf("%d %s", status, raw)
	}
	if w := does(b, "outcome", "16", OutcomeBody{Outcome: "real"}, "closed"); w.Outcome != "real" {
		t.Errorf("judged: %+v", w)
	}
	does(b, "outcome", "17", OutcomeBody{Outcome: "real"}, "judged")
	worded(t, a, id)
	for account, role := range map[string]string{"lead-x": "lead", "admin-x": "administrator"} {
		if _, err := h.asker.Ask(soon(t), &event.AccountRequested{Account: account, Role: role, Password: "$argon2id$", By: "test"}); err != nil {
			t.Fatal(err)
		}
	}
	if _, raw := a.do("GET", "/v1/colleagues", nil, nil); !strings.Contains(raw, `"account":"lead-x","role":"lead"`) || strings.Contains(raw, "administrator") {
		t.Errorf("whom it could be handed to: %s", raw)
	}
}

func worded(t *testing.T, b *browser, id string) {
	t.Helper()
	var story WarningStory
	if status, raw := b.do("GET", "/v1/warnings/"+id, nil, &story); status != 200 {
		t.Fatalf("%d %s", status, raw)
	}
	for _, m := range story.Timeline {
		if m.TextZh == "" || m.TextEn == "" || strings.Contains(m.TextEn, "alert.") || strings.Contains(m.TextEn, "  ") {
			t.Errorf("a line without words: %+v", m)
		}
	}
}

// A person raises a warning by hand, and a patient's care ends and goes on: all warnings are closed at once, and the group's
// board does not show the patient.
func TestALR18_ALR22_AboutAPatient(t *testing.T) {
	h := open(t)
	h.enrol("P-0113", "copd")
	nurse, doctor := h.as("nurse", "nurse-a"), h.as("doctor", "doctor-b")
	h.until("the patient is known", func() bool { return len(h.rows(nurse)) == 1 })
	const of = "/v1/patients/demo/P-0113/"
	post := func(who *browser, verb, key string, in, out any, want string) {
		t.Helper()
		var p Problem
		status, raw := who.do("POST", of+verb, in, out, "Idempotency-Key", key)
		if status != 200 {
			_, _ = who.do("POST", of+verb, in, &p, "Idempotency-Key", key)
		}
		if p.Reason != want {
			t.Fatalf("%s: %d %s", verb, status, raw)
		}
	}
	var w, again Warning
	post(nurse, "warnings", "1", WarnBody{Severity: event.High, Text: "confused on the phone"}, &w, "")
	post(nurse, "warnings", "1", WarnBody{Severity: event.High, Text: "confused on the phone"}, &again, "")
	if w.Problem != "reported" || w.By != "nurse-a" || w.Severity != event.High || again.ID != w.ID {
		t.Fatalf("%+v %+v", w, again)
	}
	worded(t, nurse, w.ID)
	if status, _ := nurse.do("POST", "/v1/patients/demo/P-9999/warnings", WarnBody{Severity: event.High, Text: "x"}, nil, "Idempotency-Key", "1"); status != 404 {
		t.Errorf("a patient that there is not: %d", status)
	}
	post(nurse, "leave", "2", LeaveBody{Why: "discharged", Contacted: true}, nil, "needs_doctor")
	post(doctor, "leave", "3", LeaveBody{Why: "discharged", Contacted: true}, nil, "")
	h.until("nothing is open and nobody is on the board", func() bool { return len(nurse.warnings("open"))+len(h.rows(nurse)) == 0 })
	worded(t, nurse, w.ID)
	if left := h.left(nurse); len(left) != 1 || left[0].Left.Why != "discharged" || left[0].Left.By != "doctor-b" {
		t.Errorf("who left is not named beside the board: %+v", left)
	}
	post(nurse, "warnings", "4", WarnBody{Severity: event.Low, Text: "x"}, nil, "left")
	post(nurse, "resume", "5", ResumeBody{}, nil, "")
	h.until("the patient is on the board again", func() bool { return len(h.rows(nurse)) == 1 })
	if left := h.left(nurse); len(left) != 0 {
		t.Errorf("who is cared for again stands among those who left: %+v", left)
	}
}

func (h *hospital) left(b *browser) []Row {
	h.t.Helper()
	var board struct{ Left []Row }
	if status, raw := b.do("GET", "/v1/groups/demo/copd", nil, &board); status != 200 && status != 404 {
		h.t.Fatalf("%d %s", status, raw)
	}
	return board.Left
}

func (h *hospital) rows(b *browser) []Row {
	h.t.Helper()
	var board struct{ Patients []Row }
	if status, raw := b.do("GET", "/v1/groups/demo/copd", nil, &board); status != 200 && status != 404 {
		h.t.Fatalf("%d %s", status, raw)
	}
	return board.Patients
}

// Somebody says that a reading was not this patient's: it is judged no more, the warning stays open and says so.
func TestALR22_NotThisPatientsReading(t *testing.T) {
	h := open(t)
	h.enrol("P-0113", "copd")
	a, m := h.as("nurse", "nurse-a"), h.as("health-manager", "manager")
	h.measure("P-0113", 97)
	h.measure("P-0113", 80)
	h.until("the warning is there", func() bool { return len(a.warnings("open")) == 1 })
	w := a.warnings("open")[0]
	var at event.Time
	for _, r := range w.Reasons {
		if r.MeasuredAt != nil {
			at = *r.MeasuredAt
		}
	}
	send := func(who *browser, key string, value int64, why string) (int, Problem) {
		t.Helper()
		var p Problem
		status, _ := who.do("POST", "/v1/patients/demo/P-0113/disown", DisownBody{MeasuredAt: at, Why: why,
			Readings: []DisownReading{{event.SpO2Percent, event.Int(value)}}}, &p, "Idempotency-Key", key)
		return status, p
	}
	if status, p := send(m, "1", 80, "shared oximeter"); status != 403 {
		t.Errorf("a health manager: %d %+v", status, p)
	}
	if status, p := send(a, "2", 80, ""); status != 422 {
		t.Errorf("without a reason: %d %+v", status, p)
	}
	if status, p := send(a, "3", 80, "shared oximeter"); status != 200 {
		t.Fatalf("%d %+v", status, p)
	}
	h.until("nothing is found any more", func() bool {
		rows := h.rows(a)
		return len(rows) == 1 && rows[0].Latest["spo2_percent"].Value == event.Int(97)
	})
	if all := a.warnings("open"); len(all) != 1 || all[0].ID != w.ID || all[0].State == "closed" {
		t.Errorf("open: %+v", all)
	}
	worded(t, a, w.ID)
	var story WarningStory
	if _, raw := a.do("GET", "/v1/warnings/"+w.ID, nil, &story); !strings.Contains(raw, "says that SpO2 80 was not this patient's") {
		t.Errorf("the story does not say so: %s", raw)
	}
}

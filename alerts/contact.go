package alerts

import (
	"slices"

	"tocsin/streams/event"
)

// Call is one that somebody is on.
type Call struct {
	By   string     `json:"by"`
	Whom string     `json:"whom"`
	At   event.Time `json:"at"`
}

var (
	contacts = []string{event.ContactPatient, event.ContactCarer, event.ContactCommunity, event.ContactEmergency}
	reached  = []string{event.Reached, event.NoAnswer, event.WrongNumber}
)

// mine refuses whoever does not have the warning.
func mine(w Warning, a ask) string {
	switch {
	case w.Owner != a.request.By:
		return RefusedNotYours
	case !roleMay(a.request.Role, w.Peak): // it has become graver, or the account lesser, since they took it
		return RefusedRole
	default:
		return ""
	}
}

// call shows that its owner is on the phone. That halves nobody's duty: no deadline moves.
func call(w Warning, a ask) ([]event.Event, string) {
	q, ok := a.data.(*event.CallRequested)
	if refusal := mine(w, a); refusal != "" {
		return nil, refusal
	}
	if !ok || !slices.Contains(contacts, q.Whom) {
		return nil, RefusedWhom
	}
	return []event.Event{&event.AlertCalling{Alert: w.Alert, By: a.request.By, Whom: q.Whom, Request: a.click}}, ""
}

// contact says what came of a call. Who was reached is in care until the warning is closed; who was not is tried again.
// What is in care already keeps its deadline whatever further calls bring.
func contact(w Warning, a ask) ([]event.Event, string) {
	q, ok := a.data.(*event.ContactRequested)
	if refusal := mine(w, a); refusal != "" {
		return nil, refusal
	}
	if !ok || !slices.Contains(contacts, q.Whom) || !slices.Contains(reached, q.Outcome) {
		return nil, RefusedWhom
	}
	by := w.AnswerBy
	if w.Phase != InCare {
		by = a.now + event.Time(retryMs(w.Policy))
		if q.Outcome == event.Reached {
			by = a.now + event.Time(closeMs(w.Policy))
		}
	}
	if w.Handover { // whoever goes home takes no more time for it
		by = min(by, w.AnswerBy)
	}
	return []event.Event{&event.AlertContacted{Alert: w.Alert, By: a.request.By, Whom: q.Whom, Outcome: q.Outcome, Note: cut(q.Note), Request: a.click, CareBy: by}}, ""
}

// offer names who shall have it. It stays with its owner, deadline and all, until they accept.
func offer(w Warning, a ask) ([]event.Event, string) {
	q, ok := a.data.(*event.OfferRequested)
	if refusal := mine(w, a); refusal != "" {
		return nil, refusal
	}
	if !ok || q.To == "" || q.To == w.Owner {
		return nil, RefusedWhom
	}
	return []event.Event{&event.AlertOffered{Alert: w.Alert, By: a.request.By, To: q.To, Note: cut(q.Note), Request: a.click}}, ""
}

// note adds words, by anybody who may act on it.
func note(w Warning, a ask) ([]event.Event, string) {
	q, ok := a.data.(*event.NoteRequested)
	switch {
	case !roleMay(a.request.Role, w.Peak):
		return nil, RefusedRole
	case !ok || q.Text == "":
		return nil, RefusedReason
	}
	return []event.Event{&event.AlertNoted{Alert: w.Alert, By: a.request.By, Text: cut(q.Text), Request: a.click}}, ""
}

func (w *Warning) calling(d *event.AlertCalling, at event.Time) {
	w.Call = &Call{By: d.By, Whom: d.Whom, At: at}
	w.tell(Moment{At: at, Type: d.Type(), By: d.By, To: d.Whom})
}

func (w *Warning) contacted(d *event.AlertContacted, at event.Time) {
	w.Call, w.AnswerBy = nil, d.CareBy
	if d.Outcome == event.Reached {
		if w.Phase != InCare {
			w.Phase, w.Since = InCare, at
		}
		w.Contacted = true
	}
	w.tell(Moment{At: at, Type: d.Type(), By: d.By, To: d.Whom, Note: d.Outcome, Text: d.Note})
}

func (w *Warning) offered(d *event.AlertOffered, at event.Time) {
	w.Offered = d.To
	w.tell(Moment{At: at, Type: d.Type(), By: d.By, To: d.To, Text: d.Note})
}

func (w *Warning) noted(d *event.AlertNoted, at event.Time) {
	w.tell(Moment{At: at, Type: d.Type(), By: d.By, Text: d.Text})
}

package outbox

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"tocsin/streams/event"
)

// agreed is who does not agree to be told of, by patient; everybody else does, by a consent of their own.
type agreed struct{ sync.Map }

func (a *agreed) shares(_, patient, _ string) Shares {
	if why, is := a.Load(patient); is {
		return Shares{Why: why.(string)}
	}
	return Shares{Allowed: true, Consent: "c-" + patient}
}

const withdrew = "consent_withdrawn"

// numbers tells how far a subscriber has got and how much was withheld from it.
func (w *world) delivered(n, held int64) func() error {
	return func() error {
		rows, err := Status(w.t.Context(), w.log)
		if err != nil || len(rows) != 1 || rows[0].Delivered != n || rows[0].Withheld != held {
			return fmt.Errorf("%+v, %w", rows, err)
		}
		return nil
	}
}

// What was made by a consent and not taken when it was withdrawn never goes out, also when the outbox dies just then. Its number comes
// all the same, and says that something was withheld, why, and nothing of the patient.
func TestSEC4_WhatWasNotTakenBeforeAWithdrawalNeverGoesOut(t *testing.T) {
	w := newWorld(t, 1)
	var up atomic.Bool
	r := newReceiver(t, func(_ int, _ delivery, rw http.ResponseWriter) bool {
		if !up.Load() {
			return refuse(rw, http.StatusServiceUnavailable)
		}
		return true
	})
	up.Store(true)
	w.raise(0, "w1", event.High)
	w.raise(0, "w2", event.High)
	stop := w.serve(w.log, nil, to(r))
	w.until("both are told", w.delivered(2, 0))
	up.Store(false)
	stop() // what is decided meanwhile is made into messages at once
	w.decide(0, "P-w1", &event.AlertAccepted{Alert: "w1", By: "nurse-a"})
	w.raise(0, "w3", event.High)
	w.decide(0, "P-w2", &event.AlertAccepted{Alert: "w2", By: "nurse-a"})
	stop = w.serve(w.log, nil, to(r))
	w.until("it does not get on", func() error {
		rows, err := Status(t.Context(), w.log)
		if err != nil || len(rows) != 1 || rows[0].Head != 3 || rows[0].Unseen > 0 {
			return fmt.Errorf("%+v, %w", rows, err)
		}
		return nil
	})
	w.agreed.Store("P-w1", withdrew)
	w.agreed.Store("P-w3", withdrew)
	stop()
	r.CloseClientConnections() // what was on its way when consent ended has come or will not
	before := len(r.all())
	w.serve(w.log, nil, to(r)) // what it begins with was made by the consent, and is withheld all the same
	up.Store(true)
	w.until("everything that may go out has", w.delivered(5, 2))
	// What happens from now on is told of w2 alone: of w1 and w3 the subscriber knows that it hears no more.
	w.decide(0, "P-w1", &event.AlertEscalated{Alert: "w1", Level: 1, To: "doctor"})
	w.decide(0, "P-w3", &event.AlertClosed{Alert: "w3", By: "nurse-a", Outcome: event.OutcomeReal})
	w.decide(0, "P-w2", &event.AlertClosed{Alert: "w2", By: "nurse-a", Outcome: event.OutcomeReal})
	w.until("the rest is told", func() error {
		if n := len(r.taken()); n < 6 {
			return fmt.Errorf("%d came", n)
		}
		return nil
	})
	var said []string
	for i, d := range r.taken() {
		if d.number != int64(i+1) {
			t.Errorf("after %v comes number %d: the numbers have a hole", said, d.number)
		}
		var e struct {
			Type    string
			ID      string
			Consent string `json:"tocsinconsent"`
			Data    struct{ Why, Alert string }
		}
		if err := json.Unmarshal([]byte(d.body), &e); err != nil {
			t.Fatal(err)
		}
		if e.Consent != d.header.Get(headerConsent) || (e.Consent == "") != (e.Type == typeWithheld) {
			t.Errorf("message %d (%s) names the consent %q, and its header %q", d.number, e.Type, e.Consent, d.header.Get(headerConsent))
		}
		said = append(said, strings.TrimSpace(e.Type+" "+e.Data.Alert+" "+e.Data.Why))
	}
	want := "alert.raised|alert.raised|sharing.withheld w1 consent_withdrawn|sharing.withheld w3 consent_withdrawn|alert.accepted|alert.closed"
	if got := strings.Join(said, "|"); got != want {
		t.Errorf("it was told\n%s\nwant\n%s", got, want)
	}
	for _, d := range r.all()[before:] {
		if strings.Contains(d.body, "P-w1") || strings.Contains(d.body, "P-w3") {
			t.Errorf("after the withdrawal went out\n%s", d.body)
		}
	}
}

// Whoever agrees again is told of again, and of who never agreed nothing is told and no number is used.
func TestSEC4_WithoutConsentNothingIsTold(t *testing.T) {
	w := newWorld(t, 1)
	r := newReceiver(t, nil)
	w.agreed.Store("P-w1", "consent_none")
	w.raise(0, "w1", event.High)
	w.raise(0, "w2", event.High)
	w.serve(w.log, nil, to(r))
	w.until("the other is told", w.delivered(1, 0))
	w.agreed.Delete("P-w1")
	w.decide(0, "P-w1", &event.AlertAccepted{Alert: "w1", By: "nurse-a"})
	w.until("who agrees is told of", w.delivered(2, 0))
	w.agreed.Store("P-w1", "consent_expired")
	w.decide(0, "P-w1", &event.AlertReturned{Alert: "w1", By: "nurse-a"}, &event.AlertEscalated{Alert: "w1", Level: 1, To: "doctor"})
	w.until("that it ends is told, once", w.delivered(3, 0))
	w.agreed.Delete("P-w1")
	w.decide(0, "P-w1", &event.AlertAccepted{Alert: "w1", By: "nurse-b"})
	w.until("who agrees again is told of again", w.delivered(4, 0))
	got := r.taken()
	if !strings.Contains(got[2].body, "consent_expired") || strings.Contains(got[2].body, "P-w1") || !strings.Contains(got[3].body, `"patient":"P-w1"`) {
		t.Errorf("it was told\n%s\n%s", got[2].body, got[3].body)
	}
}

// A part of the hospital's own watching is told of whoever is watched, others of who agrees to it.
func TestSEC4_APartOfTheWatchingIsToldOfWhoeverIsWatched(t *testing.T) {
	for state, want := range map[string][2]bool{ // to others, to a part of the watching
		event.ConsentStands: {true, true}, event.ConsentBefore: {true, true}, event.ConsentNone: {false, true}, event.ConsentExpired: {false, true}, event.ConsentWithdrew: {false, false},
	} {
		s := event.ConsentStanding{State: state}
		if got := [2]bool{SharesBy(event.ForSharing, s).Allowed, SharesBy(event.ForMonitoring, s).Allowed}; got != want {
			t.Errorf("%s: %v, want %v", state, got, want)
		}
	}
	own := Setting{ID: "alarm-server", URL: "http://127.0.0.1:1", Form: formCloudEvents, Purpose: event.ForMonitoring}
	if all, faults := open([]Setting{own, {ID: "his", URL: own.URL, Form: own.Form}}); len(faults) > 0 || all[0].purpose != event.ForMonitoring || all[1].purpose != event.ForSharing {
		t.Errorf("%+v", faults)
	}
	own.Purpose = event.ForResearch
	if _, faults := open([]Setting{own}); len(faults) != 1 {
		t.Errorf("%v", faults)
	}
}

// A try that hangs when the consent is withdrawn ends within the five seconds.
func TestSEC4_ATryThatHangsEndsWithTheWithdrawal(t *testing.T) {
	w := newWorld(t, 1)
	came, ended := make(chan struct{}, 1000), make(chan time.Time, 1000)
	r := newReceiver(t, nil)
	r.Config.Handler = http.HandlerFunc(func(rw http.ResponseWriter, q *http.Request) {
		_, _ = io.Copy(io.Discard, q.Body) // else the server does not see that the other has gone
		came <- struct{}{}
		<-q.Context().Done()
		ended <- time.Now()
	})
	s := to(r)
	s.Within = time.Minute
	w.raise(0, "w1", event.High)
	w.serve(w.log, nil, s)
	<-came
	w.agreed.Store("P-w1", withdrew)
	at := time.Now()
	select {
	case end := <-ended:
		if took := end.Sub(at); took > 5*time.Second {
			t.Errorf("it went on for %s", took)
		}
	case <-time.After(20 * time.Second):
		t.Fatal("it goes on")
	}
}

// In every form what goes out instead holds the warning's opaque id and nothing of the patient and of what was found.
func TestSEC4_EveryFormSaysThatSomethingWasWithheld(t *testing.T) {
	w := withheld{partition: 1, number: 7, id: "e-1/withheld", alert: "w1", why: withdrew, at: event.TimeOf(begin)}
	for form, r := range map[string]renderer{formCloudEvents: cloudEvents{}, formFHIR: fhir{zone: time.UTC}, formHL7: r40{zone: time.UTC}} {
		parts, err := r.withheld(w)
		if err != nil || len(parts) != 1 {
			t.Fatalf("%s: %+v, %v", form, parts, err)
		}
		body := parts[0].Body
		if !strings.Contains(body, "withdrawn") || !strings.Contains(body, "w1") || strings.Contains(body, "PID") || strings.Contains(body, "SpO2") {
			t.Errorf("%s:\n%s", form, body)
		}
	}
	if got := consentNote(strings.Repeat("x", 60)); len(got) != 40 {
		t.Errorf("MSH-8 takes 40 characters, not %d", len(got))
	}
}

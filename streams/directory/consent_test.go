package directory

import (
	"errors"
	"strconv"
	"strings"
	"testing"
	"time"

	"tocsin/streams"
	"tocsin/streams/event"
)

var errNotHanded = errors.New("it was not handed on")

func consent(id string, at event.Time, purposes ...string) event.Consent {
	return event.Consent{ID: id, Purposes: purposes, Form: "MON-2026", FormVersion: "3", GivenAt: at, How: "paper", GivenBy: "patient"}
}

func TestSEC4_AConsentIsHeldToItsForm(t *testing.T) {
	w := newWorld(t)
	ask := func(c event.Consent) event.Event {
		return &event.ConsentRequested{Tenant: "t", Patient: "P", Consent: c, By: "nurse-a"}
	}
	w.want(ask(consent("c1", w.now, event.ForMonitoring)), "refused:unknown")
	w.ask(&event.EnrolRequested{Tenant: "t", Patient: "P", Group: "copd", By: "a"})
	for what, change := range map[string]func(*event.Consent){
		"no id":                    func(c *event.Consent) { c.ID = "" },
		"words for an id":          func(c *event.Consent) { c.ID = "form of Mr Demo" },
		"no purpose":               func(c *event.Consent) { c.Purposes = nil },
		"a purpose twice":          func(c *event.Consent) { c.Purposes = []string{event.ForSharing, event.ForSharing} },
		"another purpose":          func(c *event.Consent) { c.Purposes = []string{"advertising"} },
		"no form":                  func(c *event.Consent) { c.Form = "" },
		"given by a neighbour":     func(c *event.Consent) { c.GivenBy = "neighbour" },
		"given by telepathy":       func(c *event.Consent) { c.How = "telepathy" },
		"given in two days":        func(c *event.Consent) { c.GivenAt = w.now.Add(48 * time.Hour) },
		"over before it was given": func(c *event.Consent) { c.Until = &c.GivenAt },
		"the id of what nobody recorded": func(c *event.Consent) {
			c.ID = event.ConsentBeforeID
		},
	} {
		c := consent("c1", w.now, event.ForMonitoring)
		change(&c)
		if facts, r := w.ask(ask(c)); r == nil || r.Reason != "bad_consent" || len(facts) > 0 || strings.Contains(r.En, "Demo") {
			t.Errorf("%s: %v %+v", what, types(facts), r)
		}
	}
	w.want(ask(consent("c1", w.now, event.ForSharing, event.ForMonitoring)), "consent.given")
	w.want(ask(consent("c1", w.at[PatientKey("t", "P")].Patient.Consents.Lines[0].Given.GivenAt, event.ForMonitoring, event.ForSharing)), "")
	w.want(ask(consent("c1", w.now, event.ForResearch)), "refused:bad_consent")
	withdraw := func(purposes ...string) event.Event {
		return &event.WithdrawRequested{Tenant: "t", Patient: "P", Purposes: purposes, How: "spoken", By: "nurse-a"}
	}
	w.want(withdraw(), "refused:bad_consent")
	w.want(&event.WithdrawRequested{Tenant: "t", Patient: "P", Purposes: []string{event.ForSharing}, How: "telepathy", By: "nurse-a"}, "refused:bad_consent")
	w.want(&event.WithdrawRequested{Tenant: "t", Patient: "P", Purposes: []string{"advertising"}, How: "spoken", By: "nurse-a"}, "refused:bad_consent")
	w.want(withdraw(event.ForSharing), "consent.withdrawn")
	w.want(withdraw(event.ForSharing), "")
	stands := w.at[PatientKey("t", "P")].Patient.Consents
	if m, s := stands.For(event.ForMonitoring, w.now), stands.For(event.ForSharing, w.now); m.State != event.ConsentStands || m.Consent != "c1" || s.State != event.ConsentWithdrew {
		t.Errorf("%+v %+v", m, s)
	}
	w.ask(&event.EnrolRequested{Tenant: "t", Patient: "P", Group: "diabetes", By: "a"})
	w.ask(&event.PlanRequested{Tenant: "t", Patient: "P", By: "a"})
	if after := w.at[PatientKey("t", "P")].Patient.Consents; len(after.Lines) != 2 || !after.Kept {
		t.Errorf("a move to another group or an order changed the consents: %+v", after)
	}
}

// The newest word counts; one that has run out is told from one that never was; who was enrolled before consents were kept is neither.
func TestSEC4_HowAPatientStands(t *testing.T) {
	day := func(n int) event.Time { return event.TimeOf(time.Date(2026, 3, n, 0, 0, 0, 0, time.UTC)) }
	until := func(c event.Consent, end event.Time) event.Consent { c.Until = &end; return c }
	give := func(c event.Consent) func(event.Consents) event.Consents {
		return func(cs event.Consents) event.Consents { return cs.Give(&event.ConsentGiven{Consent: c}, c.GivenAt) }
	}
	withdraw := func(n int, purposes ...string) func(event.Consents) event.Consents {
		return func(cs event.Consents) event.Consents {
			return cs.Withdraw(&event.ConsentWithdrawn{Purposes: purposes}, day(n))
		}
	}
	type steps []func(event.Consents) event.Consents
	for what, c := range map[string]struct {
		kept  bool
		steps steps
		want  string
	}{
		"nothing":                          {true, nil, "none "},
		"nothing, enrolled before":         {false, nil, "before_records before-records"},
		"withdrawn, enrolled before":       {false, steps{withdraw(2, event.ForSharing)}, "withdrawn "},
		"another purpose":                  {true, steps{give(consent("c1", day(1), event.ForMonitoring))}, "none "},
		"given":                            {true, steps{give(consent("c1", day(1), event.ForSharing))}, "given c1"},
		"withdrawn":                        {true, steps{give(consent("c1", day(1), event.ForSharing)), withdraw(2, event.ForSharing)}, "withdrawn "},
		"another purpose withdrawn":        {true, steps{give(consent("c1", day(1), event.ForSharing)), withdraw(2, event.ForMonitoring)}, "given c1"},
		"given again":                      {true, steps{give(consent("c1", day(1), event.ForSharing)), withdraw(2, event.ForSharing), give(consent("c2", day(3), event.ForSharing))}, "given c2"},
		"run out":                          {true, steps{give(until(consent("c1", day(1), event.ForSharing), day(9)))}, "expired c1"},
		"lasts":                            {true, steps{give(until(consent("c1", day(1), event.ForSharing), day(11)))}, "given c1"},
		"the older one lasts longer":       {true, steps{give(consent("c1", day(1), event.ForSharing)), give(until(consent("c2", day(2), event.ForSharing), day(9)))}, "given c1"},
		"run out after one was withdrawn":  {true, steps{withdraw(1, event.ForSharing), give(until(consent("c2", day(2), event.ForSharing), day(9)))}, "expired c2"},
		"the older one was withdrawn, too": {true, steps{give(consent("c1", day(1), event.ForSharing)), withdraw(2, event.ForSharing), give(until(consent("c2", day(3), event.ForSharing), day(9)))}, "expired c2"},
	} {
		cs := event.Consents{Kept: c.kept}
		for _, step := range c.steps {
			cs = step(cs)
		}
		s := cs.For(event.ForSharing, day(10))
		if got := s.State + " " + s.Consent; got != c.want || s.Allows() != (s.State == "given" || s.State == "before_records") {
			t.Errorf("%s: %q (allows: %v), want %q", what, got, s.Allows(), c.want)
		}
	}
}

// However many lines come after it, a withdrawal stands, and so does a form without an end; the list stays short all the same.
func TestSEC4_AWithdrawalIsNotForgotten(t *testing.T) {
	at := event.Time(1_700_000_000_000)
	cs := event.Consents{}
	cs = cs.Give(&event.ConsentGiven{Consent: consent("for-ever", at, event.ForResearch)}, at)
	cs = cs.Withdraw(&event.ConsentWithdrawn{Purposes: []string{event.ForSharing}}, at)
	for i := range 500 {
		at = at.Add(time.Hour)
		c, end := consent("c"+strconv.Itoa(i), at, event.ForMonitoring), at.Add(time.Hour)
		c.Until = &end
		cs = cs.Give(&event.ConsentGiven{Consent: c}, at)
	}
	if s := cs.For(event.ForSharing, at); s.State != event.ConsentWithdrew || s.Allows() {
		t.Errorf("what was withdrawn is %+v", s)
	}
	if s := cs.For(event.ForResearch, at); s.Consent != "for-ever" {
		t.Errorf("what goes on is %+v", s)
	}
	if s := cs.For(event.ForMonitoring, at); s.Consent != "c499" || len(cs.Lines) != 64 {
		t.Errorf("%d lines, the last word is %+v", len(cs.Lines), s)
	}
}

// A withdrawal stands between an older form that lasts and a newer one that ends: however many lines come, the older one does not come
// back when the newer ends. Nor is anything let go when every line says something.
func TestSEC4_AWithdrawnFormDoesNotComeBackWhenANewerOneEnds(t *testing.T) {
	at := event.Time(1_700_000_000_000)
	give := func(cs event.Consents, id string, days int) event.Consents {
		at = at.Add(time.Second)
		c, end := consent(id, at, event.ForSharing), at.Add(time.Duration(days)*24*time.Hour)
		c.Until = &end
		return cs.Give(&event.ConsentGiven{Consent: c}, at)
	}
	cs := give(event.Consents{}, "withdrawn", 1000)
	cs = cs.Withdraw(&event.ConsentWithdrawn{Purposes: []string{event.ForSharing}}, at.Add(time.Millisecond))
	for i := range 500 {
		cs = give(cs, "c"+strconv.Itoa(i), 100+i%7)
	}
	if s := cs.For(event.ForSharing, at.Add(200*24*time.Hour)); s.Allows() || len(cs.Lines) != 64 {
		t.Errorf("after the newer forms have ended, of %d lines: %+v", len(cs.Lines), s)
	}

	cs = event.Consents{}
	for i := range 80 {
		cs = give(cs, "c"+strconv.Itoa(i), 100-i)
	}
	if len(cs.Lines) != 80 {
		t.Errorf("of 80 forms that each last longer than those after them %d are kept", len(cs.Lines))
	}
	for i := range 80 {
		if s := cs.For(event.ForSharing, at.Add(time.Duration(99-i)*24*time.Hour+time.Hour)); s.Consent != "c"+strconv.Itoa(i) {
			t.Errorf("when all after form %d have ended it stands by %+v", i, s)
		}
	}
}

// An import records consents beside the rows; a refused one leaves its row standing and is told. A withdrawal is known to the view when
// it is answered, and handed on to the patient.
func TestSEC4_ConsentsComeWithTheImportAndAreHandedOn(t *testing.T) {
	s := start(t, streams.NewMemory(partitions))
	const head = "tenant,patient,group,device,token,consent,consent_purposes,consent_form,consent_given,consent_until\n"
	rows, err := ReadRows(strings.NewReader(head + "t,P1,ward,d1,,c-1,sharing + monitoring,MON-2026,2026-03-01,2096-12-31\nt,P1,ward,d2,,,,,,\nt,P2,ward,d3,,c-2,monitoring,MON-2026,2093-03-01,\nt,P3,ward,d4,,,,,,\n"))
	if err != nil {
		t.Fatal(err)
	}
	out, position, err := s.ask.Import(soon(t), rows, "test", nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := s.view.Wait(soon(t), position); err != nil {
		t.Fatal(err)
	}
	if out[0].Unrecorded != nil || out[2].Refused != nil || out[2].Unrecorded == nil || out[2].Unrecorded.Reason != "bad_consent" {
		t.Errorf("%+v", out)
	}
	now := event.TimeOf(time.Now())
	for patient, want := range map[string]string{"P1": event.ConsentStands, "P2": event.ConsentNone, "P3": event.ConsentNone, "P4": event.ConsentNone} {
		if got := s.view.Consent("t", patient, event.ForSharing, now); got.State != want {
			t.Errorf("%s: %+v, want %s", patient, got, want)
		}
	}
	began := time.Now()
	s.mustAsk(&event.WithdrawRequested{Tenant: "t", Patient: "P1", Purposes: []string{event.ForSharing}, How: "spoken", By: "nurse-a"})
	if got := s.view.Consent("t", "P1", event.ForSharing, now); got.State != event.ConsentWithdrew || time.Since(began) > 5*time.Second {
		t.Errorf("after %s: %+v", time.Since(began), got)
	}
	eventually(t, func() error {
		for p := range int32(partitions) {
			if got := strings.Join(effects(s.log, p), ", "); strings.Contains(got, "t/P1 consent.given, t/P1 consent.withdrawn") {
				return nil
			}
		}
		return errNotHanded
	})
	for what, text := range map[string]string{
		"no id":              "t,P1,ward,d1,,,sharing,,,\n",
		"no day":             "t,P1,ward,d1,,c,sharing,F,,\n",
		"another day":        "t,P1,ward,d1,,c,sharing,F,1 March,\n",
		"no purpose":         "t,P1,ward,d1,,c,,F,2026-03-01,\n",
		"two for one person": "t,P1,ward,d1,,c,sharing,F,2026-03-01,\nt,P1,ward,d2,,c2,sharing,F,2026-03-01,\n",
	} {
		if _, err := ReadRows(strings.NewReader(head + text)); err == nil {
			t.Errorf("%s was taken", what)
		}
	}
}

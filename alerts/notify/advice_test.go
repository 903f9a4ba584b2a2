package notify

import (
	"encoding/json"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"tocsin/alerts"
	"tocsin/streams/event"
)

// phone is the app of every patient.
type phone struct {
	mu   sync.Mutex
	off  bool
	got  []advice
	bell *bell
}

func (p *phone) Tell(tenant, patient string, payload []byte) int {
	p.mu.Lock()
	defer p.mu.Unlock()
	defer p.bell.ring()
	var a advice
	if p.off || tenant != "demo" || json.Unmarshal(payload, &a) != nil {
		return 0
	}
	p.got = append(p.got, a)
	return 1
}

func (p *phone) all() []advice {
	p.mu.Lock()
	defer p.mu.Unlock()
	return append([]advice(nil), p.got...)
}

func (p *phone) turn(on bool) { p.mu.Lock(); defer p.mu.Unlock(); p.off = !on }

// danger lets an assessment in the immediate-danger band come in, or one below it.
func (h *house) danger(patient string, is bool) alerts.Warning {
	h.t.Helper()
	h.append("demo/"+patient, event.Envelope{ID: h.nextID("score"), Data: &event.SeverityScored{Problem: event.Deterioration, Severity: event.High, Pack: "copd", Danger: is,
		Reasons: []event.Reason{{Rule: "copd-low", Severity: event.High, Zh: secretReason, En: secretReason}}}})
	h.until("it is known", func() bool { w, ok := h.find(patient, event.Deterioration); return ok && w.Danger == is })
	return h.open(patient, event.Deterioration)
}

func patients1() Settings {
	return Settings{Channels: []ChannelSetting{{Name: "app", Kind: "app", Within: 50 * time.Millisecond}}, Patients: PatientSetting{Channels: []string{"app"}}}
}

func (h *house) receipt(n *Notifier, patient, notice, state string) {
	h.t.Helper()
	kept := make(chan error, 1)
	n.Receipt("demo", patient, notice, state, func(err error) { kept <- err })
	if err := <-kept; err != nil {
		h.t.Fatal(err)
	}
}

// In danger the patient is told what to do until the app says that it has it, and no accept ends that.
func TestALR17_ThePatientIsToldUntilTheAppHasItWhoeverAccepts(t *testing.T) {
	h := build(t)
	app := &phone{off: true, bell: h.bell}
	_, stop := h.notifier(patients1(), func(o *Options) { o.App = app })
	w := h.danger("P-1", true)
	h.untilTold("P-1", 1, "patient", "app", event.NoticeFailed)
	h.accept("P-1", w, "nurse-a")
	h.until("it is accepted", func() bool { w, _ := h.find("P-1", event.Deterioration); return w.Owner == "nurse-a" })
	app.turn(true)
	h.until("the app is asked again and again", func() bool { return len(app.all()) > 3 })
	first := app.all()[0]
	for _, a := range app.all() {
		if a.Notice != first.Notice || a.Version != 1 || a.Call != "120" || !strings.Contains(a.Zh, "120") || !strings.Contains(a.En, "Call 120 now") {
			t.Fatalf("it got %+v", a)
		}
		if text := fmt.Sprint(a); strings.Contains(text, "Zhang") || strings.Contains(text, "COPD") || strings.Contains(text, "P-1") {
			t.Fatalf("it names somebody or what they have: %s", text)
		}
	}
	stop()
	n, _ := h.notifier(patients1(), func(o *Options) { o.App = app })
	before := len(app.all())
	h.until("another notifier goes on", func() bool { return len(app.all()) > before })
	h.receipt(n, "P-1", first.Notice, event.NoticeDelivered)
	h.untilTold("P-1", 1, "patient", "app", event.NoticeDelivered)
	h.receipt(n, "P-1", first.Notice, event.NoticeOpened)
	h.untilTold("P-1", 1, "patient", "app", event.NoticeOpened)
	after := len(app.all())
	time.Sleep(3 * quick.backHigh) // nothing is to come, which cannot be waited for
	if n := len(app.all()); n > after+1 {
		t.Errorf("it was told %d times more", n-after)
	}
	h.receipt(n, "P-1", "n-of-nobody", event.NoticeDelivered) // taken, and nobody's
	h.receipt(n, "P-2", first.Notice, event.NoticeFailed)     // another patient's app cannot speak of it
	if told := h.told("P-1", 1, "patient", "app"); told.State != event.NoticeOpened {
		t.Errorf("it became %+v", told)
	}
}

// Danger that comes again is told again; when it is over, whoever does not know yet is not told any more.
func TestALR17_DangerThatComesAgainIsToldAgain(t *testing.T) {
	h := build(t)
	app := &phone{bell: h.bell}
	n, _ := h.notifier(patients1(), func(o *Options) { o.App = app })
	h.danger("P-1", true)
	h.until("the app is told", func() bool { return len(app.all()) > 0 })
	h.receipt(n, "P-1", app.all()[0].Notice, event.NoticeDelivered)
	h.untilTold("P-1", 1, "patient", "app", event.NoticeDelivered)
	h.danger("P-1", false)
	told := len(app.all())
	h.danger("P-1", true)
	h.until("the app is told again", func() bool { return len(app.all()) > told })
	if a, b := app.all()[0], app.all()[len(app.all())-1]; a.Notice == b.Notice {
		t.Error("it is the same notice")
	}
	h.danger("P-1", false)
	h.until("nothing is under way", func() bool {
		n.mu.Lock()
		defer n.mu.Unlock()
		c := n.cases["demo/P-1"]
		return c == nil || len(c.jobs) == 0
	})
}

func TestALR17_SettingsTellWhatIsWrong(t *testing.T) {
	for want, s := range map[string]Settings{
		`there is no channel "pager"`:        {Patients: PatientSetting{Channels: []string{"pager"}}},
		"no patient is in it":                {Channels: []ChannelSetting{{Name: "room", Kind: "wecom"}}, Patients: PatientSetting{Channels: []string{"room"}}},
		"who is near them by sms or voice":   {Channels: []ChannelSetting{{Name: "mail", Kind: "mail", Mail: MailSetting{Server: "m.example:25", From: "a@b.example"}}}, Patients: PatientSetting{Channels: []string{"mail"}}},
		"stands for patients":                {Desk: "https://d.example", Recipients: []RecipientSetting{nurse("carer-1")}},
		"use zh or en":                       {Patients: PatientSetting{Language: "fr"}},
		"name it in notify.patients.channel": {Desk: "https://d.example", Channels: []ChannelSetting{{Name: "app", Kind: "app"}}, Recipients: []RecipientSetting{nurse("nurse-a", by("app", "x"))}},
	} {
		if said := fmt.Sprint(s.Faults()); !strings.Contains(said, want) {
			t.Errorf("%s: it says %s", want, said)
		}
	}
}

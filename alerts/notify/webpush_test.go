package notify

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"tocsin/alerts/notify/browsers"
	"tocsin/alerts/notify/browsers/pushtest"
	"tocsin/streams"
	"tocsin/streams/event"
)

// desktop is the browsers in which people have turned notices on, at a push service of the test's own.
type desktop struct {
	*browsers.Way
	service *pushtest.Service
	mu      sync.Mutex
	all     map[string][]browsers.Browser
	gone    []string
}

func (h *house) desktop() *desktop {
	h.t.Helper()
	k, err := browsers.MakeKeys(filepath.Join(h.t.TempDir(), "push.key"))
	if err != nil {
		h.t.Fatal(err)
	}
	return &desktop{Way: browsers.NewWay(k, "it@hospital.example", true), service: pushtest.Open(h.t, h.bell.ring), all: map[string][]browsers.Browser{}}
}

// turnOn opens a browser of an account.
func (d *desktop) turnOn(account string) *pushtest.Browser {
	b := d.service.Subscribe(d.Public())
	d.mu.Lock()
	defer d.mu.Unlock()
	d.all[account] = append(d.all[account], browsers.Browser{Endpoint: b.Endpoint, P256dh: b.P256dh, Auth: b.Auth})
	return b
}

func (d *desktop) Of(account string) []browsers.Browser {
	d.mu.Lock()
	defer d.mu.Unlock()
	return append([]browsers.Browser(nil), d.all[account]...)
}

func (d *desktop) Gone(account, id string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.gone = append(d.gone, account+" "+id)
	for i, b := range d.all[account] {
		if b.ID() == id {
			d.all[account] = append(d.all[account][:i:i], d.all[account][i+1:]...)
			return
		}
	}
}

func (d *desktop) ended() []string {
	d.mu.Lock()
	defer d.mu.Unlock()
	return append([]string(nil), d.gone...)
}

func webPush1() ChannelSetting {
	return ChannelSetting{Name: "push", Kind: kindWebPush, Within: 300 * time.Millisecond}
}

func (h *house) pushing(d *desktop, s Settings) (*Notifier, func()) {
	s.Push.Subject = "it@hospital.example"
	return h.notifier(s, func(o *Options) { o.Browsers = d })
}

// Every browser of a person is told, so that it alone can read it, for as long as the warning asks; and nobody relies on that: the next
// channel is asked beside it. What is pushed names neither the patient nor what they have.
func TestALR11_WebPushTellsEveryBrowserAndTheNextChannelBesides(t *testing.T) {
	h := build(t)
	d, sms := h.desktop(), h.serve(nil)
	one, two, other := d.turnOn("nurse-a"), d.turnOn("nurse-a"), d.turnOn("nurse-b")
	h.pushing(d, Settings{Channels: []ChannelSetting{webPush1(), h.sms("sms", sms)}, Recipients: []RecipientSetting{nurse("nurse-a", by("push", ""), by("sms", number))}})
	w := h.score("P-1", event.High)
	h.untilTold("P-1", 1, "nurse-a", "push", event.NoticeSent)
	h.untilTold("P-1", 1, "nurse-a", "sms", event.NoticeSent)
	for i, b := range []*pushtest.Browser{one, two} {
		got, tries := d.service.Got(b)
		if tries != 1 || len(got) != 1 {
			t.Fatalf("browser %d was tried %d times", i, tries)
		}
		var p pushed
		if err := json.Unmarshal([]byte(got[0].Text), &p); err != nil {
			t.Fatal(err)
		}
		if p.Version != 1 || p.Alert != w.Alert || p.Notice != got[0].Topic || len(got[0].Topic) > 32 || !strings.Contains(p.Text, "high priority, deterioration") || p.Title == "" {
			t.Errorf("it got %+v", got[0])
		}
		if got[0].Urgency != "high" || got[0].Subject != "mailto:it@hospital.example" {
			t.Errorf("it got %+v", got[0])
		}
		if ttl, err := time.ParseDuration(got[0].TTL + "s"); err != nil || ttl > w.AnswerBy.Std().Sub(w.RaisedAt.Std())+time.Second || ttl < leastTTL {
			t.Errorf("it is kept for %s", got[0].TTL)
		}
		for _, no := range []string{"Zhang", "COPD", "copd", "P-1"} {
			if strings.Contains(got[0].Text, no) {
				t.Errorf("it says %s: %s", no, got[0].Text)
			}
		}
	}
	if _, tries := d.service.Got(other); tries != 0 {
		t.Error("somebody else was told")
	}
	all, err := json.Marshal(h.inputs())
	if err != nil || strings.Contains(string(all), d.service.URL) || strings.Contains(h.said.String(), d.service.URL) {
		t.Error("where a browser is reached stands in the log")
	}
}

// A service that fails, throttles or hangs is tried again; a browser that is gone is ended, and those beside it are told.
func TestALR11_WebPushThatFailsThrottlesHangsOrIsGone(t *testing.T) {
	for what, c := range map[string]struct {
		answer func(w http.ResponseWriter, n int)
		detail string
	}{
		"fails":     {pushtest.Status(http.StatusInternalServerError), "status 500"},
		"throttles": {pushtest.Status(http.StatusTooManyRequests, "Retry-After", "1"), "status 429"},
		"hangs":     {func(_ http.ResponseWriter, _ int) { time.Sleep(500 * time.Millisecond) }, "no answer within"},
		"moved":     {pushtest.Status(http.StatusTemporaryRedirect, "Location", "http://127.0.0.1:1/"), "status 307"},
	} {
		t.Run(what, func(t *testing.T) {
			h := build(t)
			d := h.desktop()
			b := d.turnOn("nurse-a")
			d.service.Answer(b, c.answer)
			h.pushing(d, Settings{Channels: []ChannelSetting{webPush1()}, Recipients: []RecipientSetting{nurse("nurse-a", by("push", ""))}})
			h.score("P-1", event.Medium)
			if told := h.untilTold("P-1", 1, "nurse-a", "push", event.NoticeFailed); !strings.Contains(told.Detail, c.detail) || strings.Contains(told.Detail, "127.0.0.1") {
				t.Errorf("it says %q", told.Detail)
			}
			d.service.Answer(b, nil)
			h.untilTold("P-1", 1, "nurse-a", "push", event.NoticeSent)
			if len(d.ended()) != 0 {
				t.Errorf("ended: %v", d.ended())
			}
		})
	}
	for _, code := range []int{http.StatusGone, http.StatusNotFound} {
		t.Run(fmt.Sprint(code), func(t *testing.T) {
			h := build(t)
			d := h.desktop()
			gone, stays := d.turnOn("nurse-a"), d.turnOn("nurse-a")
			id := d.Of("nurse-a")[0].ID()
			d.service.Answer(gone, pushtest.Status(code))
			h.pushing(d, Settings{Channels: []ChannelSetting{webPush1()}, Recipients: []RecipientSetting{nurse("nurse-a", by("push", ""))}})
			h.score("P-1", event.Medium)
			h.untilTold("P-1", 1, "nurse-a", "push", event.NoticeSent)
			if all := d.ended(); len(all) != 1 || all[0] != "nurse-a "+id {
				t.Errorf("ended: %v, want %s", all, id)
			}
			if got, _ := d.service.Got(stays); len(got) != 1 {
				t.Errorf("the other was told %d times", len(got))
			}
			d.service.Answer(stays, pushtest.Status(code))
			h.score("P-2", event.Medium)
			told := h.untilTold("P-2", 1, "nurse-a", "push", event.NoticeFailed)
			h.until("nobody is left", func() bool { return strings.Contains(h.told("P-2", 1, "nurse-a", "push").Detail, "no browser") })
			if !strings.Contains(told.Detail, "turned off") && !strings.Contains(told.Detail, "no browser") {
				t.Errorf("it says %q", told.Detail)
			}
		})
	}
}

// A Retry-After is kept to: nothing comes before it, for what is no high.
func TestALR11_AThrottlingPushServiceIsLeftAlone(t *testing.T) {
	d := &stubBrowsers{answer: func() *http.Response {
		return &http.Response{StatusCode: http.StatusTooManyRequests, Header: http.Header{"Retry-After": {"120"}}, Body: http.NoBody}
	}}
	w := &webPush{browsers: d}
	_, err := w.send(t.Context(), letter{to: "nurse-a"})
	var tr trouble
	if !errors.As(err, &tr) || tr.after != 2*time.Minute {
		t.Errorf("%v", err)
	}
}

type stubBrowsers struct{ answer func() *http.Response }

func (s *stubBrowsers) Of(string) []browsers.Browser {
	return []browsers.Browser{{Endpoint: "a"}, {Endpoint: "b"}}
}
func (s *stubBrowsers) Gone(string, string) {}
func (s *stubBrowsers) Post(context.Context, browsers.Browser, browsers.Message) (*http.Response, error) {
	return s.answer(), nil
}

// A step of a high that only web push and rooms answer for is a fault of the rota; who is on duty is not told as a room is.
func TestALR11_WebPushAloneIsAFaultOfTheRota(t *testing.T) {
	h := build(t)
	d, room := h.desktop(), h.serve(nil)
	d.turnOn("nurse-a")
	n, _ := h.pushing(d, Settings{Channels: []ChannelSetting{webPush1(), {Name: "room", Kind: "wecom"}}, Recipients: []RecipientSetting{
		nurse("nurse-a", by("push", "")), nurse("ward", by("room", room.URL))}})
	if n.book.reaches("nurse") {
		t.Error("web push counts as in person")
	}
	h.score("P-1", event.High)
	h.untilTold("P-1", 1, "nurse-a", "push", event.NoticeSent)
	h.until("a technical warning stands", func() bool {
		h.mu.Lock()
		defer h.mu.Unlock()
		for _, w := range h.states[streams.PatientKey(streams.SystemTenant, "notify")].Open {
			if w.Rule == "rota_gap" {
				return true
			}
		}
		return false
	})
	if !strings.Contains(h.said.String(), "reaches nobody in person") {
		t.Errorf("at the start it said %s", h.said)
	}
	people, reached := n.book.answering("nurse", []string{"nurse-b"})
	if reached || len(people) != 2 {
		t.Errorf("with nobody who can be reached, %d are told", len(people))
	}
	b, err := open(Settings{Desk: "https://d.example", Channels: []ChannelSetting{webPush1(), {Name: "pager", Kind: "mail", Mail: MailSetting{Server: "m.example:25", From: "a@b.example"}}, {Name: "room", Kind: "wecom"}},
		Recipients: []RecipientSetting{nurse("nurse-a", by("push", "")), nurse("nurse-b", by("pager", mailbox)), nurse("ward", by("room", "https://r.example"))}})
	if err != nil {
		t.Fatal(err)
	}
	people, reached = b.answering("nurse", []string{"nurse-b"})
	if !reached || len(people) != 2 || people[0].name != "nurse-b" || people[1].name != "ward" {
		t.Errorf("on duty is nurse-b, and told are %d: %v", len(people), people)
	}
}

func TestALR11_SettingsOfWebPushTellWhatIsWrong(t *testing.T) {
	for want, s := range map[string]Settings{
		"somebody who answers for": {Desk: "http://desk.example", Channels: []ChannelSetting{webPush1()}},
		"it takes no address":      {Desk: "https://desk.example", Channels: []ChannelSetting{webPush1()}, Recipients: []RecipientSetting{nurse("nurse-a", by("push", "x"))}},
		"no patient":               {Desk: "https://desk.example", Channels: []ChannelSetting{{Name: "room", Kind: "wecom"}, webPush1()}, Patients: PatientSetting{Channels: []string{"room"}}},
		"told by an app":           {Desk: "https://desk.example", Channels: []ChannelSetting{webPush1()}, Patients: PatientSetting{Channels: []string{"push"}}},
	} {
		if said := fmt.Sprint(s.Faults()); !strings.Contains(said, want) {
			t.Errorf("%s: it says %s", want, said)
		}
	}
	if faults := (Settings{Desk: "https://desk.example", Channels: []ChannelSetting{webPush1()}}).Faults(); len(faults) != 0 {
		t.Error(faults)
	}
}

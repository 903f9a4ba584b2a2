package notify

import (
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/emersion/go-smtp"
	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"

	"tocsin/alerts"
	"tocsin/streams/event"
)

// Queued, sent, delivered and opened are events, and only whoever knows the secret tells of them.
func TestALR11_WhatBecomesOfANoticeIsInTheLog(t *testing.T) {
	h := build(t)
	gateway := h.serve(nil)
	url, door := h.listening()
	h.notifier(Settings{Channels: []ChannelSetting{h.sms("sms", gateway)}, Recipients: []RecipientSetting{nurse("nurse-a", by("sms", number))}}, door)
	h.warn("P-1", event.High)
	if sent := h.untilTold("P-1", 1, "nurse-a", "sms", event.NoticeSent); sent.Detail != "id g1" || sent.To != "nurse" {
		t.Errorf("sent says %+v", sent)
	}
	first := gateway.all()[0]
	if first.header.Get("Authorization") != "Bearer gateway-token" || !strings.Contains(first.body, number) || first.header.Get("Idempotency-Key") == "" {
		t.Errorf("the gateway got %+v", first)
	}
	for name, c := range map[string]struct {
		channel, secret, id, state string
		want                       int
	}{
		"a wrong secret": {"sms", "guessed", "g1", "DELIVRD", 401}, "another message": {"sms", callbackSecret, "g99", "DELIVRD", 404},
		"no such channel": {"fax", callbackSecret, "g1", "DELIVRD", 404},
	} {
		if got := h.tell(url+c.channel, c.secret, map[string]string{"id": c.id, "status": c.state}); got != c.want {
			t.Errorf("%s: %d, want %d", name, got, c.want)
		}
	}
	for _, step := range [][2]string{{"DELIVRD", event.NoticeDelivered}, {"READ", event.NoticeOpened}} {
		if got := h.tell(url+"sms", callbackSecret, map[string]string{"id": "g1", "status": step[0]}); got != 204 {
			t.Fatalf("%s: %d", step[0], got)
		}
		h.untilTold("P-1", 1, "nurse-a", "sms", step[1])
	}
	var states []string
	for _, e := range h.inputs() {
		if r, ok := e.Data.(*event.NoticeReported); ok {
			states = append(states, r.State)
		}
	}
	if want := []string{event.NoticeQueued, event.NoticeSent, event.NoticeDelivered, event.NoticeOpened}; !slices.Equal(states, want) {
		t.Errorf("the log has %v", states)
	}
	if gateway.count() != 1 || h.metric("tocsin_notify_notices_total", "sms", "delivered") != 1 || h.metric("tocsin_notify_callbacks_total", "refused") != 2 {
		t.Errorf("%d messages", gateway.count())
	}
}

// However a channel fails, the next is tried at once, and the first again under the same key until it takes the message.
func TestALR11_WhatFailsMovesOnAndIsTriedAgain(t *testing.T) {
	release := make(chan struct{})
	t.Cleanup(func() { close(release) }) // after the parallel ones
	for name, c := range map[string]struct {
		do   func(http.ResponseWriter, *http.Request, int)
		says string
	}{
		"it fails": {status(500), "it answered with status 500"},
		"it throttles": {func(w http.ResponseWriter, r *http.Request, n int) {
			w.Header().Set("Retry-After", "1")
			status(429)(w, r, n)
		}, "it takes no more for now (status 429)"},
		"it hangs":      {func(_ http.ResponseWriter, r *http.Request, _ int) { <-r.Context().Done() }, "no answer within 300ms"},
		"it breaks off": {func(http.ResponseWriter, *http.Request, int) { panic(http.ErrAbortHandler) }, "no connection, or it broke"},
		"it says no":    {func(w http.ResponseWriter, _ *http.Request, _ int) { fmt.Fprint(w, `{"code":"LIMIT"}`) }, "its answer does not say that it took the message"},
		"it sends on": {func(w http.ResponseWriter, r *http.Request, _ int) {
			http.Redirect(w, r, "/elsewhere", http.StatusTemporaryRedirect)
		}, "it answered with status 307"},
		"it is late": {func(w http.ResponseWriter, r *http.Request, n int) {
			select {
			case <-time.After(400 * time.Millisecond):
			case <-release:
			}
			taken(w, r, n)
		}, "no answer within 300ms"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := build(t)
			gateway, post := h.serve(c.do), h.mailServer()
			h.notifier(Settings{Channels: []ChannelSetting{h.sms("sms", gateway), mailTo(post)},
				Recipients: []RecipientSetting{nurse("nurse-a", by("sms", number), by("mail", mailbox))}})
			h.warn("P-1", event.High)
			h.untilTold("P-1", 1, "nurse-a", "mail", event.NoticeSent)
			if failed := h.told("P-1", 1, "nurse-a", "sms"); failed.State != event.NoticeFailed || failed.Detail != c.says {
				t.Errorf("the first channel: %+v", failed)
			}
			h.until("it is tried again", func() bool { return gateway.count() > 1 })
			gateway.set(nil)
			h.untilTold("P-1", 1, "nurse-a", "sms", event.NoticeSent)
			keys := map[string]bool{}
			for _, hit := range gateway.all() {
				keys[hit.header.Get("Idempotency-Key")] = true
			}
			if len(keys) != 1 || post.count() != 1 {
				t.Errorf("keys %v, %d mails", keys, post.count())
			}
		})
	}
}

// Nothing listens at all, a mail server refuses, a mail server hangs: each moves on.
func TestALR11_AChainOfBrokenChannels(t *testing.T) {
	h := build(t)
	post, hung, hook := h.mailServer(), h.mailServer(), h.serve(nil)
	post.set(&smtp.SMTPError{Code: 550, EnhancedCode: smtp.EnhancedCode{5, 1, 1}, Message: "no mailbox " + mailbox + " here"})
	hung.hang = make(chan struct{})
	defer close(hung.hang)
	gone := h.serve(nil)
	channel := h.sms("sms", gone)
	gone.Close()
	second := mailTo(hung)
	second.Name = "mail-2"
	h.notifier(Settings{Channels: []ChannelSetting{channel, mailTo(post), second, {Name: "pager", Kind: kindWebhook}}, Recipients: []RecipientSetting{
		nurse("nurse-a", by("sms", number), by("mail", mailbox), by("mail-2", mailbox), WaySetting{Channel: "pager", AddressFile: h.file(hook.URL + "/hook"), SecretFile: h.file(vectorSecret)})}})
	w := h.warn("P-1", event.High)
	h.untilTold("P-1", 1, "nurse-a", "pager", event.NoticeSent)
	for channel, want := range map[string]string{"sms": "no connection, or it broke", "mail": "the mail server answered 550", "mail-2": "no answer within 500ms"} {
		if got := h.told("P-1", 1, "nurse-a", channel); got.State != event.NoticeFailed || got.Detail != want {
			t.Errorf("%s: %+v", channel, got)
		}
	}
	post.set(nil)
	h.untilTold("P-1", 1, "nurse-a", "mail", event.NoticeSent)
	mail := post.all()[0]
	if !strings.Contains(mail, "To "+mailbox) || !strings.Contains(mail, "Subject: Tocsin early warning: high priority, reported by a person") || !strings.Contains(mail, w.Alert) {
		t.Errorf("the mail is\n%s", mail)
	}
}

// What a gateway took and could not deliver goes to the next channel.
func TestALR11_WhatWasNotDeliveredMovesOn(t *testing.T) {
	h := build(t)
	gateway, post := h.serve(nil), h.mailServer()
	url, door := h.listening()
	h.notifier(Settings{Channels: []ChannelSetting{h.sms("sms", gateway), mailTo(post)},
		Recipients: []RecipientSetting{nurse("nurse-a", by("sms", number), by("mail", mailbox))}}, door)
	h.warn("P-1", event.Medium)
	h.untilTold("P-1", 1, "nurse-a", "sms", event.NoticeSent)
	if got := h.tell(url+"sms", callbackSecret, map[string]string{"id": "g1", "status": "UNDELIV"}); got != 204 {
		t.Fatal(got)
	}
	h.untilTold("P-1", 1, "nurse-a", "mail", event.NoticeSent)
	h.until("it is tried again", func() bool { return gateway.count() == 2 })
}

// The throttle holds up the rest, visibly, and never a high.
func TestALR11_AHighIsNeverThrottled(t *testing.T) {
	h := build(t)
	gateway, post := h.serve(nil), h.mailServer()
	channel := h.sms("sms", gateway)
	channel.PerMinute = 1
	h.notifier(Settings{Channels: []ChannelSetting{channel, mailTo(post)}, Recipients: []RecipientSetting{nurse("nurse-a", by("sms", number), by("mail", mailbox))}})
	h.warn("P-0", event.Medium)
	h.untilTold("P-0", 1, "nurse-a", "sms", event.NoticeSent)
	for i := range 3 {
		patient := fmt.Sprintf("M-%d", i)
		h.warn(patient, event.Medium)
		if held := h.untilTold(patient, 1, "nurse-a", "sms", event.NoticeFailed); !strings.Contains(held.Detail, "throttled") {
			t.Errorf("%+v", held)
		}
		h.untilTold(patient, 1, "nurse-a", "mail", event.NoticeSent)
	}
	for i := range 5 {
		patient := fmt.Sprintf("H-%d", i)
		h.warn(patient, event.High)
		h.untilTold(patient, 1, "nurse-a", "sms", event.NoticeSent)
	}
	if gateway.count() != 6 || h.metric("tocsin_notify_throttled_total", "sms") != 3 {
		t.Errorf("%d messages, %v throttled", gateway.count(), h.metric("tocsin_notify_throttled_total"))
	}
}

// Two highs of one patient that wait together are one message; those of two patients never are.
func TestALR11_HighsAreBundledPerPatient(t *testing.T) {
	h := build(t)
	gateway := h.serve(nil)
	h.warn("P-1", event.High)
	h.score("P-1", event.High)
	h.warn("P-2", event.High)
	url, door := h.listening()
	h.notifier(Settings{Channels: []ChannelSetting{h.sms("sms", gateway)}, Recipients: []RecipientSetting{nurse("nurse-a", by("sms", number))}}, door)
	both := func(patient string, state string) bool {
		h.mu.Lock()
		defer h.mu.Unlock()
		for _, w := range h.states["demo/"+patient].Open {
			if len(w.Told) != 1 || w.Told[0].State != state {
				return false
			}
		}
		return true
	}
	h.until("all are told", func() bool { return both("P-1", event.NoticeSent) && both("P-2", event.NoticeSent) })
	if gateway.count() != 2 {
		t.Fatalf("%d messages: %+v", gateway.count(), gateway.all())
	}
	a, _ := h.find("P-1", event.Reported)
	b, _ := h.find("P-1", event.Deterioration)
	at := slices.IndexFunc(gateway.all(), func(x hit) bool { return strings.Contains(x.body, a.Alert) })
	if body := gateway.all()[at].body; !strings.Contains(body, b.Alert) || !strings.Contains(body, "2 about one patient") {
		t.Errorf("the message is %s", body)
	}
	if got := h.tell(url+"sms", callbackSecret, map[string]string{"id": fmt.Sprintf("g%d", at+1), "status": "DELIVRD"}); got != 204 {
		t.Fatal(got)
	}
	h.until("both are delivered", func() bool { return both("P-1", event.NoticeDelivered) })
}

// After an accept no new try starts after 1 s, though some channels fail and others hang; what is in flight is marked.
func TestALR8_AfterAnAcceptNothingNewStarts(t *testing.T) {
	h := build(t)
	release := make(chan struct{})
	hanging := h.serve(takenAfter(release))
	failing := h.serve(status(503))
	slow, fails := h.sms("slow", hanging), h.sms("fails", failing)
	slow.AtOnce, slow.Within = 1, 20*time.Second
	var people []RecipientSetting
	for i := range 5 {
		people = append(people, nurse(fmt.Sprintf("nurse-%d", i), by("slow", number)), nurse(fmt.Sprintf("other-%d", i), by("fails", number)))
	}
	h.notifier(Settings{Channels: []ChannelSetting{slow, fails}, Recipients: people})
	w := h.warn("P-1", event.High)
	h.until("one hangs and all others fail", func() bool { return hanging.count() == 1 && failing.count() > 10 })
	h.accept("P-1", w, "nurse-b")
	h.until("it is accepted", func() bool { w, _ := h.find("P-1", event.Reported); return w.Owner == "nurse-b" })
	accepted := time.Now()
	second := time.NewTimer(1500 * time.Millisecond) // proves that nothing comes, so it has to be waited for
	<-second.C
	close(release)
	h.until("what was in flight is marked", func() bool {
		w, _ := h.find("P-1", event.Reported)
		return slices.ContainsFunc(w.Told, func(t alerts.Told) bool {
			return t.Channel == "slow" && t.State == event.NoticeSent && t.Detail == "id g1; already accepted by nurse-b"
		})
	})
	h.warn("P-2", event.High) // whatever waited in the line before this would come before this
	h.until("the next is tried", func() bool { return hanging.count() > 1 && failing.count() > 0 })
	for _, s := range []*server{hanging, failing} {
		for _, x := range s.all() {
			if strings.Contains(x.body, w.Alert) && x.at.After(accepted.Add(time.Second)) {
				t.Errorf("a try began %s after the accept", x.at.Sub(accepted))
			}
		}
	}
	if n := len(hanging.all()); strings.Contains(hanging.all()[1].body, w.Alert) {
		t.Errorf("of %d tries at the slow gateway the second is of what was accepted", n)
	}
}

// Given back it asks again, which is another notice: everybody is told anew.
func TestALR8_AnotherAskingTellsAnew(t *testing.T) {
	h := build(t)
	gateway := h.serve(nil)
	h.notifier(Settings{Channels: []ChannelSetting{h.sms("sms", gateway)}, Recipients: []RecipientSetting{nurse("nurse-a", by("sms", number))}})
	w := h.warn("P-1", event.High)
	h.untilTold("P-1", 1, "nurse-a", "sms", event.NoticeSent)
	h.accept("P-1", w, "nurse-b")
	h.giveBack("P-1", w, "nurse-b")
	h.untilTold("P-1", 2, "nurse-a", "sms", event.NoticeSent)
	if hits := gateway.all(); len(hits) != 2 || hits[0].header.Get("Idempotency-Key") == hits[1].header.Get("Idempotency-Key") || !strings.Contains(hits[1].body, "asking no. 2") {
		t.Errorf("%+v", gateway.all())
	}
}

// What becomes worse after an accept pages again within two seconds, whoever has it.
func TestALR3_WorseAfterAnAcceptPagesAgainWithinTwoSeconds(t *testing.T) {
	h := build(t)
	gateway := h.serve(nil)
	h.notifier(Settings{Channels: []ChannelSetting{h.sms("sms", gateway)}, Recipients: []RecipientSetting{nurse("nurse-a", by("sms", number))}})
	w := h.score("P-1", event.Medium)
	h.untilTold("P-1", 1, "nurse-a", "sms", event.NoticeSent)
	h.accept("P-1", w, "nurse-b")
	h.until("it is accepted", func() bool { w, _ := h.find("P-1", event.Deterioration); return w.Owner == "nurse-b" })
	began := time.Now()
	h.score("P-1", event.High)
	h.until("it is paged again", func() bool { return gateway.count() == 2 })
	again := gateway.all()[1]
	if took := again.at.Sub(began); took > 2*time.Second || !strings.Contains(again.body, w.Alert) {
		t.Errorf("paged again %s after it was found: %s", took, again.body)
	}
}

// A notifier that begins anew reads from the log what was sent and what was not, also when nobody has folded it yet.
func TestALR11_ARestartGoesOnFromTheLog(t *testing.T) {
	h := build(t)
	gateway, post := h.serve(nil), h.mailServer()
	post.set(&smtp.SMTPError{Code: 451, Message: "later"})
	s := Settings{Channels: []ChannelSetting{h.sms("sms", gateway), mailTo(post)},
		Recipients: []RecipientSetting{nurse("nurse-a", by("sms", number)), nurse("nurse-b", by("mail", mailbox))}}
	_, stop := h.notifier(s)
	h.warn("P-1", event.High)
	h.untilTold("P-1", 1, "nurse-a", "sms", event.NoticeSent)
	h.untilTold("P-1", 1, "nurse-b", "mail", event.NoticeFailed)
	stop()
	post.set(nil)
	_, stop = h.notifier(s)
	h.untilTold("P-1", 1, "nurse-b", "mail", event.NoticeSent)
	if gateway.count() != 1 {
		t.Errorf("what was sent is sent again: %d messages", gateway.count())
	}
	stop()

	// The receipt lies in `inputs`, and the owner is away.
	release := make(chan struct{})
	gateway.set(takenAfter(release))
	s.Channels[0].Within = 20 * time.Second
	_, stop = h.notifier(s, func(o *Options) { o.tune.grace = 10 * time.Second })
	h.warn("P-2", event.High)
	h.until("it is tried", func() bool { return gateway.count() == 2 && post.count() == 2 })
	h.owner()
	close(release)
	stop() // which waits for the try and its receipt
	if h.told("P-2", 1, "nurse-a", "sms").State == event.NoticeSent {
		t.Fatal("the owner was not away")
	}
	h.notifier(s)
	h.startOwner()
	h.untilTold("P-2", 1, "nurse-a", "sms", event.NoticeSent)
	h.warn("P-3", event.High)
	h.untilTold("P-3", 1, "nurse-a", "sms", event.NoticeSent)
	if gateway.count() != 3 {
		t.Errorf("what was sent is sent again: %d messages", gateway.count())
	}
}

// Whatever channels do at random, every asking of a high gets through as long as one of them works.
func TestALR11_AHighGetsThroughWhateverWorks(t *testing.T) {
	for seed := range uint64(12) {
		t.Run(fmt.Sprintf("seed %d", seed), func(t *testing.T) {
			t.Parallel()
			rnd := rand.New(rand.NewPCG(seed, 0))
			h := build(t)
			var s Settings
			var ways []WaySetting
			works := rnd.IntN(4)
			for i := range 4 {
				moods := rnd.Perm(5)
				gateway := h.serve(func(w http.ResponseWriter, r *http.Request, n int) {
					switch {
					case i == works && n > moods[0]: // some failures first
						taken(w, r, n)
					case moods[n%5] == 0:
						<-r.Context().Done()
					case moods[n%5] == 1:
						status(429)(w, r, n)
					case moods[n%5] == 2:
						panic(http.ErrAbortHandler)
					default:
						status(500)(w, r, n)
					}
				})
				c := h.sms(fmt.Sprintf("sms-%d", i), gateway)
				c.Within, c.PerMinute, c.AtOnce = 100*time.Millisecond, 1, 1+rnd.IntN(3)
				s.Channels = append(s.Channels, c)
				ways = append(ways, by(c.Name, number))
			}
			s.Recipients = []RecipientSetting{nurse("nurse-a", ways...)}
			_, stop := h.notifier(s)
			for i := range 4 {
				h.warn(fmt.Sprintf("P-%d", i), event.High)
				if rnd.IntN(3) == 0 { // a restart in the middle of it
					stop()
					_, stop = h.notifier(s)
				}
			}
			for i := range 4 {
				h.untilTold(fmt.Sprintf("P-%d", i), 1, "nurse-a", fmt.Sprintf("sms-%d", works), event.NoticeSent)
			}
		})
	}
}

// Nothing that leaves the notifier names a patient or what they have, and nothing that it keeps or says holds an address, a
// token or a secret, however talkative the servers are.
func TestALR11_NoNameNoDiagnosisNoAddress(t *testing.T) {
	h := build(t)
	gateway, post, hook, room := h.serve(nil), h.mailServer(), h.serve(nil), h.serve(status(500))
	gateway.set(func(w http.ResponseWriter, r *http.Request, n int) {
		if n%2 == 1 {
			status(500)(w, r, n)
			return
		}
		fmt.Fprintf(w, `{"data":{"id":"msg-8613900000001-%d"},"code":"OK"}`, n) // its ids hold the number
	})
	post.set(&smtp.SMTPError{Code: 550, Message: "no mailbox " + mailbox})
	s := Settings{Channels: []ChannelSetting{h.sms("sms", gateway), mailTo(post), {Name: "pager", Kind: kindWebhook}, {Name: "room", Kind: kindWeCom}},
		Recipients: []RecipientSetting{nurse("nurse-a", by("mail", mailbox), by("sms", number)),
			nurse("nurse-b", WaySetting{Channel: "room", AddressFile: h.file(room.URL + "/send?key=room-token")}, WaySetting{Channel: "pager", AddressFile: h.file(hook.URL + "/hook-token"), SecretFile: h.file(vectorSecret)})}}
	zh := s.Recipients[0]
	zh.Name, zh.Language = "nurse-c", "zh"
	s.Recipients = append(s.Recipients, zh)
	h.notifier(s)
	for i, severity := range []event.Severity{event.High, event.Medium, event.High} {
		h.score(fmt.Sprintf("Zhang-San-%d", i), severity)
		h.warn(fmt.Sprintf("Zhang-San-%d", i), severity)
		for _, who := range []string{"nurse-a", "nurse-c"} {
			h.untilTold(fmt.Sprintf("Zhang-San-%d", i), 1, who, "sms", event.NoticeSent)
		}
		h.untilTold(fmt.Sprintf("Zhang-San-%d", i), 1, "nurse-b", "pager", event.NoticeSent)
	}
	post.set(nil)
	h.until("a mail goes out", func() bool { return post.count() > 0 })

	var out, kept strings.Builder
	for _, server := range []*server{gateway, hook, room} {
		for _, x := range server.all() {
			fmt.Fprintln(&out, x.body, x.header, x.query)
		}
	}
	fmt.Fprintln(&out, strings.Join(post.all(), "\n"))
	for _, e := range h.inputs() {
		if _, ok := e.Data.(*event.NoticeReported); ok {
			b, err := json.Marshal(e)
			if err != nil {
				t.Fatal(err)
			}
			kept.Write(b)
		}
	}
	families, err := h.reg.Gather()
	if err != nil {
		t.Fatal(err)
	}
	fmt.Fprintln(&kept, h.said.String(), families)
	shown, err := json.Marshal(s)
	if err != nil {
		t.Fatal(err)
	}
	fmt.Fprintf(&kept, "%s %+v %#v", shown, s, s.Recipients)
	for _, word := range []string{"Zhang", "San", "COPD", "copd", "demo", secretReason} {
		if strings.Contains(out.String(), word) {
			t.Errorf("a message says %q:\n%s", word, out.String())
		}
	}
	for _, word := range []string{number, "8613900000001", mailbox, "zhang.li", "room-token", "hook-token", "gateway-token", vectorSecret, callbackSecret, room.Listener.Addr().String(), secretReason} {
		if strings.Contains(kept.String(), word) {
			t.Errorf("what is kept or said holds %q:\n%s", word, kept.String())
		}
	}
	for _, want := range []string{"高优先级，病情变化", "中优先级，人工上报", "high priority, deterioration", "https://desk.example/#/warning/w"} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("no message says %q:\n%s", want, out.String())
		}
	}
}

// A high that reaches a room and nobody in person is a fault of the rota, with a technical warning of its own, once.
func TestALR11_ARobotAloneIsARotaFault(t *testing.T) {
	h := build(t)
	room := h.serve(nil)
	robot := nurse("ward-room", WaySetting{Channel: "room", AddressFile: h.file(room.URL + "/send?key=k")})
	h.notifier(Settings{Channels: []ChannelSetting{{Name: "room", Kind: kindWeCom}}, Recipients: []RecipientSetting{robot}})
	h.warn("P-1", event.Medium)
	h.untilTold("P-1", 1, "ward-room", "room", event.NoticeSent)
	h.warn("P-2", event.High)
	h.untilTold("P-2", 1, "ward-room", "room", event.NoticeSent)
	h.warn("P-3", event.High)
	h.untilTold("P-3", 1, "ward-room", "room", event.NoticeSent)
	h.until("there is a technical warning", func() bool {
		h.mu.Lock()
		defer h.mu.Unlock()
		open := h.states["tocsin/notify"].Open
		return len(open) == 1 && open[0].Severity == event.Technical && open[0].Rule == "rota_gap"
	})
	faults := 0
	for _, e := range h.inputs() {
		if f, ok := e.Data.(*event.FaultReported); ok && strings.Contains(f.Detail, "asks nurse") {
			faults++
		}
	}
	if faults != 1 && faults != 2 { // two when the ten minutes turned meanwhile
		t.Errorf("%d faults", faults)
	}
	if h.metric("tocsin_notify_step_gap", "nurse") != 1 || !strings.Contains(h.said.String(), "reaches nobody in person") {
		t.Errorf("it is not to be seen: %s", h.said)
	}
	if body := room.all()[0].body; !strings.HasPrefix(body, `{"msgtype":"text","text":{"content":"Tocsin early warning: medium priority`) {
		t.Errorf("WeCom got %s", body)
	}
}

// Pressing the key accepts in the recipient's name, when the settings give their account a role.
func TestALR8_AKeyPressAccepts(t *testing.T) {
	h := build(t)
	gateway := h.serve(nil)
	url, door := h.listening()
	channel := h.sms("call", gateway)
	channel.Kind, channel.Gateway.AcceptKey = kindVoice, "1"
	guest, mine := nurse("guest", by("call", number)), nurse("nurse-a", by("call", number))
	mine.Role = "nurse"
	h.notifier(Settings{Channels: []ChannelSetting{channel}, Recipients: []RecipientSetting{guest, mine}}, door)
	h.warn("P-1", event.High)
	ids := map[string]string{}
	for _, who := range []string{"guest", "nurse-a"} {
		ids[who] = strings.TrimPrefix(h.untilTold("P-1", 1, who, "call", event.NoticeSent).Detail, "id ")
	}
	if body := gateway.all()[0].body; !strings.Contains(body, "Press 1 to accept.") || strings.Contains(body, "https://") {
		t.Errorf("the call says %s", body)
	}
	h.tell(url+"call", callbackSecret, map[string]string{"id": ids["guest"], "key": "1"})
	h.tell(url+"call", callbackSecret, map[string]string{"id": ids["nurse-a"], "key": "2"})
	h.tell(url+"call", "guessed", map[string]string{"id": ids["nurse-a"], "key": "1"})
	for _, e := range h.inputs() {
		if _, ok := e.Data.(*event.AcceptRequested); ok {
			t.Errorf("that was no accept: %+v", e.Data)
		}
	}
	for range 2 { // gateways repeat themselves
		if got := h.tell(url+"call", callbackSecret, map[string]string{"id": ids["nurse-a"], "key": "1", "status": "READ"}); got != 204 {
			t.Fatal(got)
		}
	}
	h.until("it is accepted", func() bool { w, _ := h.find("P-1", event.Reported); return w.Owner == "nurse-a" })
}

// A stop waits for what is in flight, and not for ever; what it cut off is tried again by the next.
func TestALR11_AStopIsOrderly(t *testing.T) {
	h := build(t)
	gateway := h.serve(func(_ http.ResponseWriter, r *http.Request, _ int) { <-r.Context().Done() })
	c := h.sms("sms", gateway)
	c.Within = time.Hour
	s := Settings{Channels: []ChannelSetting{c}, Recipients: []RecipientSetting{nurse("nurse-a", by("sms", number))}}
	_, stop := h.notifier(s)
	h.warn("P-1", event.High)
	h.until("it is tried", func() bool { return gateway.count() == 1 })
	began := time.Now()
	stop()
	if took := time.Since(began); took > 5*time.Second {
		t.Errorf("the stop took %s", took)
	}
	h.untilTold("P-1", 1, "nurse-a", "sms", event.NoticeFailed)
	gateway.set(nil)
	h.notifier(s)
	h.untilTold("P-1", 1, "nurse-a", "sms", event.NoticeSent)
}

// While the log takes nothing people are told all the same, and the receipts follow.
func TestALR11_TheLogIsNotWaitedFor(t *testing.T) {
	h := build(t)
	gateway := h.serve(nil)
	broken := &brokenEdge{Edge: h.edge, bell: h.bell}
	broken.fail.Store(true)
	h.notifier(Settings{Channels: []ChannelSetting{h.sms("sms", gateway)}, Recipients: []RecipientSetting{nurse("nurse-a", by("sms", number))}},
		func(o *Options) { o.Edge = broken })
	h.warn("P-1", event.High)
	h.until("the gateway has it, and the log does not take that", func() bool { return gateway.count() == 1 && broken.refused.Load() > 1 })
	broken.fail.Store(false)
	h.untilTold("P-1", 1, "nurse-a", "sms", event.NoticeSent)
}

func TestSettingsTellEveryFault(t *testing.T) {
	h := &house{t: t}
	none := h.file("")
	s := Settings{Zone: "Moon", Listen: "8089", Channels: []ChannelSetting{
		{Name: "a b", Kind: "fax"}, {Name: "mail", Kind: kindMail, Mail: MailSetting{Server: "mail", From: "me", TLS: "maybe"}},
		{Name: "sms", Kind: kindSMS, Gateway: GatewaySetting{URL: "gateway", Body: "{{.Name}}", AcceptKey: "1", Callback: CallbackSetting{SecretFile: none}}},
		{Name: "pager", Kind: kindWebhook}, {Name: "pager", Kind: kindWebhook},
	}, Recipients: []RecipientSetting{
		{Name: "139-0000", Answers: []string{"the king"}, Language: "fr", Ways: []WaySetting{by("fax", "1"), by("sms", ""), by("mail", "nobody"), by("pager", "x")}},
		{Name: "nurse-a"}, {Name: "nurse-a", Ways: []WaySetting{by("mail", mailbox), by("mail", mailbox)}},
	}}
	var all []string
	for _, f := range s.Faults() {
		all = append(all, f.Error())
	}
	text := strings.Join(all, "\n")
	for _, want := range []string{
		"notify.desk: messages need a link", `notify.zone: "Moon" is no time zone; try Asia/Shanghai`, "notify.listen: ", `channels[0].name: "a b"`, `channels[0].kind: "fax" is unknown; use one of webhook`,
		"channels[1].mail.server", "channels[1].mail.from", "channels[1].mail.tls", "channels[2].gateway.url", "channels[2].gateway.body", "channels[2].gateway.accept_key",
		"is empty", "callback.signature", "callback.id_path", `two channels "pager"`, `recipients[0].name: "139-0000" must be`, `"the king" is no step of a policy; without policies of your own they are nurse`, `"fr" is unknown`,
		`there is no channel "fax"`, "channels[1]: there is no address", "the address is no mailbox", "a webhook needs a URL", "recipients[1].channels: nurse-a cannot be told", `two recipients "nurse-a"`, "has mail twice",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("%q is not told in\n%s", want, text)
		}
	}
	if strings.Contains(text, mailbox) {
		t.Errorf("an address is told:\n%s", text)
	}
	if faults := (Settings{}).Faults(); faults != nil {
		t.Errorf("nothing set is no fault: %v", faults)
	}
}

// The vector that Standard Webhooks publish.
const vectorSecret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"

func TestSignatures(t *testing.T) {
	s, err := signer(vectorSecret)
	if err != nil {
		t.Fatal(err)
	}
	got, err := s.Sign("msg_p5jXN8AQM9LWM0D4loKWxJek", time.Unix(1614265330, 0), []byte(`{"test": 2432232314}`))
	if err != nil || got != "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=" {
		t.Errorf("Standard Webhooks: %s, %v", got, err)
	}
	// Computed with Python's hmac, as DingTalk's page shows it.
	if got := dingTalkSign("SECtest0123", time.UnixMilli(1577808000000)); got != "ZuC+lXIgRyk2+UBD+aJZh9y1aEPNK8/Ru3gOGNVKNpk=" {
		t.Errorf("DingTalk: %s", got)
	}
	c := &callback{CallbackSetting: CallbackSetting{Signature: signedHMAC, Header: "X-Signature"}, secret: callbackSecret}
	head := http.Header{"X-Signature": {"sha256=ff746c179c10058c25d38d21b8c1d81fbc0a7943f21e8dc35abcefa7c247b190"}}
	if !c.signed(head, []byte(`{"id":"g1"}`)) || c.signed(head, []byte(`{"id":"g2"}`)) || c.signed(http.Header{}, []byte(`{"id":"g1"}`)) {
		t.Error("the HMAC of a callback is judged wrongly")
	}
}

// What a webhook receives verifies with the published library, and a DingTalk robot's address is signed.
func TestWebhookAndDingTalkOnTheWire(t *testing.T) {
	h := build(t)
	hook, room := h.serve(nil), h.serve(nil)
	h.notifier(Settings{Channels: []ChannelSetting{{Name: "pager", Kind: kindWebhook}, {Name: "room", Kind: kindDingTalk}}, Recipients: []RecipientSetting{
		nurse("nurse-a", WaySetting{Channel: "pager", Address: Hidden(hook.URL + "/hook"), SecretFile: h.file(vectorSecret)}),
		nurse("ward-room", WaySetting{Channel: "room", AddressFile: h.file(room.URL + "/robot/send?access_token=k"), SecretFile: h.file("SEC1")})}})
	w := h.warn("P-1", event.High)
	h.untilTold("P-1", 1, "nurse-a", "pager", event.NoticeSent)
	h.untilTold("P-1", 1, "ward-room", "room", event.NoticeSent)
	got := hook.all()[0]
	verifier, err := standardwebhooks.NewWebhook(vectorSecret)
	if err != nil {
		t.Fatal(err)
	}
	if err := verifier.Verify([]byte(got.body), got.header); err != nil {
		t.Errorf("%v: %+v", err, got)
	}
	var message struct {
		Type string
		Data said
	}
	if err := json.Unmarshal([]byte(got.body), &message); err != nil {
		t.Fatal(err)
	}
	d := message.Data
	if message.Type != "warning.asks" || len(d.Asks) != 1 || d.Asks[0].Alert != w.Alert || d.Asks[0].Severity != "high" || d.Asks[0].AnswerBy != w.AnswerBy || d.Notice != got.header.Get("webhook-id") {
		t.Errorf("%s", got.body)
	}
	if q := room.all()[0].query; !strings.Contains(q, "access_token=k") || !strings.Contains(q, "sign=") || !strings.Contains(q, "timestamp=") {
		t.Errorf("DingTalk was asked with %s", q)
	}
}

// A slow channel with many waiting lets a high pass, has the next channel asked for who waits too long, and never holds up the log.
func TestALR11_ABusyChannelHoldsUpNobody(t *testing.T) {
	h := build(t)
	release := make(chan struct{})
	defer close(release)
	gateway := h.serve(func(w http.ResponseWriter, r *http.Request, n int) {
		select {
		case <-release:
		case <-r.Context().Done():
		}
	})
	post := h.mailServer()
	c := h.sms("sms", gateway)
	c.AtOnce, c.Within = 2, 3*time.Second
	h.notifier(Settings{Channels: []ChannelSetting{c, mailTo(post)}, Recipients: []RecipientSetting{nurse("nurse-a", by("sms", number), by("mail", mailbox))}})
	var last alerts.Warning
	for i := range 10 {
		last = h.warn(fmt.Sprintf("M-%d", i), event.Medium)
	}
	h.until("the channel is full", func() bool { return gateway.count() == 1 }) // the other place is a high's
	w := h.warn("H-1", event.High)
	h.until("the high is tried", func() bool { x := gateway.all(); return strings.Contains(x[len(x)-1].body, w.Alert) })
	if late := time.Since(w.RaisedAt.Std()); late > 1500*time.Millisecond {
		t.Errorf("the high waited %s for its place", late)
	}
	h.untilTold("M-9", 1, "nurse-a", "mail", event.NoticeSent)
	if late := time.Since(last.RaisedAt.Std()); late > 8*time.Second {
		t.Errorf("the last waited %s for its next channel", late)
	}
}

func TestUnreachableNamesAreWordedToo(t *testing.T) {
	err := troubleOf(fmt.Errorf("dial: %w", &net.DNSError{Err: "no such host", Name: "hook.secret.example"}), time.Second)
	if err.words != "its host was not found" {
		t.Error(err.words)
	}
	if got := troubleOf(context.DeadlineExceeded, time.Second).words; got != "no answer within 1s" {
		t.Error(got)
	}
}

// Whoever a rota says is on duty is told by name, whatever the settings say who answers, and the room of the step as well. When none
// of them can be reached everybody who answers for the step is.
func TestALR10_ALR11_WhoIsOnDutyIsTold(t *testing.T) {
	for _, c := range []struct {
		onDuty, want string
	}{{"nurse-b", "nurse-b ward-room"}, {"nurse-z", "nurse-a ward-room"}} {
		t.Run(c.onDuty, func(t *testing.T) {
			h := build(t)
			phones, room := h.serve(nil), h.serve(nil)
			other := nurse("nurse-b", by("sms", "+2"))
			other.Answers = []string{"lead"}
			h.notifier(Settings{Channels: []ChannelSetting{h.sms("sms", phones), {Name: "room", Kind: kindWeCom}}, Recipients: []RecipientSetting{
				nurse("nurse-a", by("sms", "+1")), other, nurse("ward-room", WaySetting{Channel: "room", AddressFile: h.file(room.URL + "/send?key=k")})}})
			now := event.TimeOf(time.Now())
			h.append(event.Everyone, event.Envelope{ID: "rota", Data: &event.RotaSet{Rota: event.Rota{Tenant: "demo", Step: "nurse", Spans: []event.OnDuty{{From: now - 1000, Until: now + 3_600_000, Accounts: []string{c.onDuty}}}}}})
			h.append("demo/P-1", event.Envelope{ID: "enrol", Data: &event.PatientEnrolled{Tenant: "demo", Patient: "P-1", Group: "copd"}})
			w := h.warn("P-1", event.High)
			if len(w.OnDuty) != 1 || w.OnDuty[0] != c.onDuty {
				t.Fatalf("the warning asks %v", w.OnDuty)
			}
			told := func() string {
				var names []string
				for _, n := range h.open("P-1", event.Reported).Told {
					if n.State == event.NoticeSent {
						names = append(names, n.Recipient)
					}
				}
				slices.Sort(names)
				return strings.Join(names, " ")
			}
			h.until("they are told", func() bool { return told() == c.want })
			for _, n := range h.open("P-1", event.Reported).Told {
				if !strings.Contains(c.want, n.Recipient) {
					t.Errorf("%s was told as well", n.Recipient)
				}
			}
		})
	}
}

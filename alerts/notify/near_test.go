package notify

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"tocsin/alerts"
	"tocsin/streams/event"
)

// family is who is near every patient.
type family struct {
	mu   sync.Mutex
	near Near
}

func (f *family) of(tenant, patient string) Near {
	f.mu.Lock()
	defer f.mu.Unlock()
	if tenant != "demo" {
		return Near{Missing: "another tenant was asked for"}
	}
	return f.near
}

func (f *family) become(n Near) { f.mu.Lock(); defer f.mu.Unlock(); f.near = n }

const (
	daughter, son = "+86 139-0000-0021", "(010) 0000-0022"
	daughterDials = "+8613900000021"
	sonDials      = "01000000022"
)

func family1() Near {
	return Near{Version: 1, Emergency: "0000-120", Phones: []NearPhone{{Carer: 1, Number: daughter, Language: "zh"}, {Carer: 2, Number: son, Language: "en"}}}
}

// near2 has the advice go to the app, then to telephones by SMS, then by voice.
func (h *house) near2(sms, call *server) Settings {
	s := patients1()
	voice := h.sms("call", call)
	voice.Kind = kindVoice
	s.Channels = append(s.Channels, h.sms("sms", sms), voice)
	s.Patients.Channels = []string{"app", "sms", "call"}
	return s
}

// to answers whom a request of house.sms asks to be told, and what.
func (h hit) to() (to, text string) {
	var v struct{ To, Text string }
	_ = json.Unmarshal([]byte(h.body), &v)
	return v.To, v.Text
}

// noNumber looks for telephone numbers in everything that was written.
func (h *house) noNumber() {
	h.t.Helper()
	all, err := json.Marshal(h.inputs())
	if err != nil {
		h.t.Fatal(err)
	}
	for where, text := range map[string]string{"the log": string(all), "a line of the program": h.said.String(), "a state": h.dump()} {
		for _, n := range []string{"139-0000", "13900000021", "0000-0022", "1000000022", "0000-120"} {
			if strings.Contains(text, n) {
				h.t.Errorf("%s holds %s", where, n)
			}
		}
	}
}

// While the app is silent carers are told, each in their language, the next only when nobody before could be; with no name, no diagnosis
// and no number of the patient, and the log knows them as carer-1, carer-2.
func TestALR17_SEC6_CarersAreToldWhileTheAppIsSilent(t *testing.T) {
	h := build(t)
	app, sms, call := &phone{bell: h.bell}, h.serve(nil), h.serve(nil)
	f := &family{near: family1()}
	_, stop := h.notifier(h.near2(sms, call), func(o *Options) { o.App, o.Near = app, f.of })
	began := time.Now()
	h.danger("P-1", true)
	h.untilTold("P-1", 1, "carer-1", "sms", event.NoticeSent)
	first := sms.all()[0]
	to, text := first.to()
	if first.at.Sub(began) < 50*time.Millisecond || to != daughterDials || !strings.Contains(text, "立即拨打 120") || !strings.Contains(text, "0000-120") {
		t.Errorf("after %s %s was told %s", first.at.Sub(began), to, text)
	}
	for _, no := range []string{"Zhang", "COPD", "P-1", "demo"} {
		if strings.Contains(first.body, no) {
			t.Errorf("the message says %s: %s", no, first.body)
		}
	}
	stop() // another goes on where this one was
	n, _ := h.notifier(h.near2(sms, call), func(o *Options) { o.App, o.Near = app, f.of })
	told := len(app.all())
	h.until("the app is asked again", func() bool { return len(app.all()) > told })
	if sms.count() != 1 || call.count() != 0 {
		t.Errorf("carers were told %d times by SMS and called %d times", sms.count(), call.count())
	}
	h.receipt(n, "P-1", app.all()[0].Notice, event.NoticeDelivered)
	h.untilTold("P-1", 1, "patient", "app", event.NoticeDelivered)
	h.noNumber()
}

// One gateway fails: the same carer is called by the other, and it is tried again with the same key. Both fail: the next carer's turn.
func TestALR17_AGatewayThatFailsOrThrottlesLetsTheNextBeAsked(t *testing.T) {
	h := build(t)
	app, sms, call := &phone{off: true, bell: h.bell}, h.serve(status(http.StatusInternalServerError)), h.serve(func(w http.ResponseWriter, r *http.Request, n int) {
		w.Header().Set("Retry-After", "3600")
		status(http.StatusTooManyRequests)(w, r, n)
	})
	f := &family{near: family1()}
	h.notifier(h.near2(sms, call), func(o *Options) { o.App, o.Near = app, f.of })
	h.danger("P-1", true)
	for _, way := range [][2]string{{"carer-1", "sms"}, {"carer-1", "call"}, {"carer-2", "sms"}, {"carer-2", "call"}} {
		h.untilTold("P-1", 1, way[0], way[1], event.NoticeFailed)
	}
	sms.set(nil)
	h.untilTold("P-1", 1, "carer-1", "sms", event.NoticeSent)
	keys := map[string]map[string]bool{}
	for _, hit := range append(sms.all(), call.all()...) {
		to, text := hit.to()
		key := to + hit.path + hit.header.Get("Authorization")
		if keys[key] == nil {
			keys[key] = map[string]bool{}
		}
		keys[key][hit.header.Get("Idempotency-Key")] = true
		if to == sonDials && !strings.Contains(text, "Call 120 now") || to == daughterDials && !strings.Contains(text, "立即拨打") {
			t.Errorf("%s was told %s", to, text)
		}
	}
	if len(keys) != 2 {
		t.Errorf("numbers: %v", keys)
	}
	for to, all := range keys {
		if len(all) != 2 { // one for each channel
			t.Errorf("%s has %d keys", to, len(all))
		}
	}
	h.noNumber()
}

// A gateway hangs: after its time the next is asked, and no other patient waits for it.
func TestALR17_AGatewayThatHangsHoldsUpNobody(t *testing.T) {
	h := build(t)
	release := make(chan struct{})
	defer close(release)
	app, sms, call := &phone{off: true, bell: h.bell}, h.serve(takenAfter(release)), h.serve(nil)
	f := &family{near: family1()}
	h.notifier(h.near2(sms, call), func(o *Options) { o.App, o.Near = app, f.of })
	for i := range 6 {
		h.danger(fmt.Sprintf("P-%d", i), true)
	}
	for i := range 6 {
		h.untilTold(fmt.Sprintf("P-%d", i), 1, "carer-1", "call", event.NoticeSent)
	}
	if d := h.told("P-0", 1, "carer-1", "sms"); d.State != event.NoticeFailed || !strings.Contains(d.Detail, "no answer within") && !strings.Contains(d.Detail, "busy") {
		t.Errorf("%+v", d)
	}
}

// What a gateway took and could not deliver is tried by the next way; a key that a carer presses takes no warning.
func TestALR17_ACallThatNobodyAnswersIsNoCall(t *testing.T) {
	h := build(t)
	app, sms, call := &phone{off: true, bell: h.bell}, h.serve(status(http.StatusBadGateway)), h.serve(nil)
	f := &family{near: family1()}
	url, listens := h.listening()
	s := h.near2(sms, call)
	s.Channels[2].Gateway.AcceptKey = "1"
	h.notifier(s, func(o *Options) { o.App, o.Near = app, f.of }, listens)
	h.danger("P-1", true)
	sent := h.untilTold("P-1", 1, "carer-1", "call", event.NoticeSent)
	if status := h.tell(url+"call", callbackSecret, map[string]string{"id": sent.Notice, "status": "UNDELIV", "key": "1"}); status != http.StatusNoContent {
		t.Fatal(status)
	}
	h.untilTold("P-1", 1, "carer-2", "call", event.NoticeSent)
	if w, _ := h.find("P-1", event.Deterioration); w.Phase != alerts.New || w.Owner != "" {
		t.Errorf("a carer took the warning: %s %s", w.Phase, w.Owner)
	}
}

// A number that is corrected is told, as nobody was; before it is known who is near, nobody is.
func TestALR17_ANumberThatIsCorrectedIsTold(t *testing.T) {
	h := build(t)
	app, sms, call := &phone{off: true, bell: h.bell}, h.serve(nil), h.serve(nil)
	f := &family{}
	n, _ := h.notifier(h.near2(sms, call), func(o *Options) { o.App, o.Near = app, f.of })
	h.danger("P-1", true)
	h.untilTold("P-1", 1, "patient", "app", event.NoticeFailed)
	if sms.count() != 0 {
		t.Fatal("somebody was told before it was known who is near")
	}
	become := func(near Near) { f.become(near); n.NearChanged("demo", "P-1") }
	become(Near{Version: 1, Phones: []NearPhone{{Carer: 1, Number: "999"}}})
	h.until("the wrong number is told", func() bool { return sms.count() == 1 })
	h.untilTold("P-1", 1, "carer-1", "sms", event.NoticeSent)
	become(Near{Version: 2, Phones: []NearPhone{{Carer: 1, Number: daughter}}})
	h.until("the right number is told", func() bool { return sms.count() == 2 })
	if to, _ := sms.all()[1].to(); to != daughterDials {
		t.Errorf("it was %s", to)
	}
	h.noNumber()
}

// Who is erased between two tries is tried no more, though nobody says so; that nobody can be told is said once.
func TestALR17_SEC3_AnErasedNumberIsTriedNoMore(t *testing.T) {
	h := build(t)
	sms, call := h.serve(status(http.StatusBadGateway)), h.serve(status(http.StatusBadGateway))
	f := &family{near: family1()}
	s := h.near2(sms, call)
	s.Patients.Channels = []string{"sms", "call"}
	n, _ := h.notifier(s, func(o *Options) { o.Near = f.of })
	h.danger("P-1", true)
	h.until("everybody is tried", func() bool { return sms.count() > 1 && call.count() > 1 })
	calls := 0
	h.until("nothing is on its way, and who is near is erased", func() bool {
		n.mu.Lock()
		defer n.mu.Unlock()
		if n.lines["sms"].flying+n.lines["call"].flying > 0 {
			return false
		}
		calls = sms.count() + call.count()
		f.become(Near{Missing: "who is near the patient was erased"})
		return true
	})
	h.until("it is told that nobody can be", func() bool { return strings.Contains(h.dump(), "was erased") })
	if now := sms.count() + call.count(); now != calls {
		t.Errorf("an erased number was tried %d times more", now-calls)
	}
	h.danger("P-1", true)
	said := 0
	for _, e := range h.inputs() {
		if r, ok := e.Data.(*event.NoticeReported); ok && strings.Contains(r.Detail, "was erased") {
			said++
		}
	}
	if said != 1 {
		t.Errorf("it was said %d times", said)
	}
	h.noNumber()
}

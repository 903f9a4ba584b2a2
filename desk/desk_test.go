package desk

import (
	"errors"
	"fmt"
	"net/http"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"tocsin/alerts"
	"tocsin/streams"
	"tocsin/streams/event"
)

// One reading in, one warning on the desk; taken, given back, taken by another and closed.
func TestALR1_ALR6_AWarningFromReadingToClose(t *testing.T) {
	h := open(t)
	h.enrol("P-0113", "copd")
	a, b := h.as("nurse", "nurse-a"), h.as("nurse", "nurse-b")
	events, _ := b.listen("/v1/stream", "")
	first := await(t, events, "a snapshot", func(e heard) bool { return e.Name == "snapshot" })
	if s := read[Snapshot](t, first.Data); len(s.Warnings) != 0 {
		t.Fatalf("something is open already: %+v", s.Warnings)
	}

	h.measure("P-0113", 84)
	raised := read[Warning](t, await(t, events, "the warning", func(e heard) bool { return e.Name == "warning" }).Data)
	if raised.Patient != "P-0113" || raised.Tenant != "demo" || raised.Group != "copd" || raised.State != "new" || raised.Owner != "" || len(raised.Reasons) == 0 {
		t.Fatalf("got %+v", raised)
	}
	if list := a.warnings("open"); len(list) != 1 || list[0].ID != raised.ID || event.Time(list[0].AnswerBy) <= list[0].RaisedAt {
		t.Fatalf("got %+v", list)
	}

	if status, w, p := a.click("accept", raised.ID, "k1", nil); status != 200 || w.Owner != "nurse-a" || w.State != "accepted" {
		t.Fatalf("%d %+v %+v", status, w, p)
	}
	taken := read[Warning](t, await(t, events, "her name on the other desk", func(e heard) bool { return e.Name == "warning" }).Data)
	if taken.Owner != "nurse-a" {
		t.Fatalf("got %+v", taken)
	}
	status, _, p := b.click("accept", raised.ID, "k1", AcceptBody{Desk: "ward-4"})
	if status != 409 || p.Holder != "nurse-a" || p.Zh == "" || p.En == "" || p.Reason != "already_accepted" {
		t.Fatalf("%d %+v", status, p)
	}
	if status, w, _ := a.click("accept", raised.ID, "k1", nil); status != 200 || w.Owner != "nurse-a" {
		t.Fatalf("a repeated click: %d %+v", status, w)
	}
	if status, w, _ := a.click("accept", raised.ID, "k2", nil); status != 200 || w.Owner != "nurse-a" {
		t.Fatalf("the owner asks again: %d %+v", status, w)
	}
	if status, w, p := a.click("return", raised.ID, "k3", ReturnBody{Reason: "shift ends"}); status != 200 || w.State != "returned" || w.Owner != "" || w.Was != "nurse-a" {
		t.Fatalf("%d %+v %+v", status, w, p)
	}
	if status, w, _ := b.click("accept", raised.ID, "k4", nil); status != 200 || w.Owner != "nurse-b" {
		t.Fatalf("%d %+v", status, w)
	}
	if status, _, _ := b.click("close", raised.ID, "k5", map[string]any{"outcome": "nonsense"}); status != 422 {
		t.Fatalf("an outcome that there is not: %d", status)
	}
	if status, w, p := b.click("close", raised.ID, "k6", CloseBody{Outcome: "real", Contacted: true, Done: "oxygen raised", Disposition: "home"}); status != 200 || w.State != "closed" || w.Outcome != "real" {
		t.Fatalf("%d %+v %+v", status, w, p)
	}
	if list := a.warnings("open"); len(list) != 0 {
		t.Fatalf("still open: %+v", list)
	}
	if list := a.warnings("all"); len(list) != 1 || event.Time(list[0].AnswerBy) != event.Never {
		t.Fatalf("got %+v", list)
	}
	h.checkStory(a, raised.ID)
	if status, _, p := a.click("accept", raised.ID, "k7", nil); status != 409 || p.Reason != "closed" {
		t.Fatalf("%d %+v", status, p)
	}
}

func (h *hospital) checkStory(b *browser, id string) {
	h.t.Helper()
	var story WarningStory
	if status, raw := b.do("GET", "/v1/warnings/"+id, nil, &story); status != 200 {
		h.t.Fatalf("%d %s", status, raw)
	}
	var lines []string
	for _, m := range story.Timeline {
		if m.TextZh == "" || m.TextEn == "" || m.At == 0 {
			h.t.Errorf("a line without words: %+v", m)
		}
		lines = append(lines, string(m.Type)+" "+m.By)
	}
	want := "alert.raised ;alert.accepted nurse-a;alert.returned nurse-a;alert.accepted nurse-b;alert.closed nurse-b"
	if got := strings.Join(lines, ";"); got != want {
		h.t.Errorf("the story is %s", got)
	}
	if len(story.Policy.Steps) == 0 {
		h.t.Error("without its policy")
	}
}

// A hundred nurses press accept together: one has it, everybody else hears who, all within a second.
func TestALR6_AHundredAcceptsHaveOneWinner(t *testing.T) {
	h := open(t)
	h.enrol("P-0113", "copd")
	people := make([]*browser, 100)
	for i := range people {
		people[i] = h.as("nurse", fmt.Sprintf("nurse-%d", i))
	}
	h.measure("P-0113", 84)
	h.until("the warning is there", func() bool { return len(people[0].warnings("open")) == 1 })
	id := people[0].warnings("open")[0].ID

	var mu sync.Mutex
	winners, holders := []string{}, map[string]int{}
	slowest := time.Duration(0)
	var all sync.WaitGroup
	start := make(chan struct{})
	for i, b := range people {
		all.Go(func() {
			<-start
			began := time.Now()
			status, w, p := b.click("accept", id, "the same key for all", nil)
			took := time.Since(began)
			mu.Lock()
			defer mu.Unlock()
			slowest = max(slowest, took)
			switch status {
			case 200:
				winners = append(winners, w.Owner)
				holders[w.Owner]++
			case 409:
				holders[p.Holder]++
			default:
				t.Errorf("nurse-%d: %d %+v", i, status, p)
			}
		})
	}
	close(start)
	all.Wait()
	if len(winners) != 1 || len(holders) != 1 || holders[winners[0]] != 100 {
		t.Fatalf("winners %v, holders %v", winners, holders)
	}
	t.Logf("the slowest of 100 heard it after %s", slowest)
	if slowest > time.Second {
		t.Errorf("the slowest heard it after %s", slowest)
	}
}

// The roles: who may see, who may take what, and who sees nothing of patients.
func TestWhoMayDoWhat(t *testing.T) {
	h := open(t)
	h.enrol("P-0113", "copd")
	lead := h.as("lead", "lead-1")
	h.measure("P-0113", 84)
	h.until("the warning is there", func() bool { return len(lead.warnings("open")) == 1 })
	w := lead.warnings("open")[0]
	for _, role := range []string{"administrator", "security", "auditor"} {
		b := h.as(role, role+"-1")
		if status, _ := b.do("GET", "/v1/warnings", nil, nil); status != 403 {
			t.Errorf("%s sees warnings: %d", role, status)
		}
		if status, _, _ := b.click("accept", w.ID, "k", nil); status != 403 {
			t.Errorf("%s may accept: %d", role, status)
		}
	}
	if w.Severity == event.High || w.Severity == event.Medium {
		if status, _, p := h.as("health-manager", "manager-1").click("accept", w.ID, "k", nil); status != 403 || p.Reason != "role" {
			t.Errorf("a health manager took a %s: %d %+v", w.Severity, status, p)
		}
	}
	nobody := h.browser(h.url)
	if status, _ := nobody.do("GET", "/v1/warnings", nil, nil); status != 401 {
		t.Errorf("nobody sees warnings: %d", status)
	}
	nobody.token = "guessed"
	if status, _ := nobody.do("GET", "/v1/warnings", nil, nil); status != 401 {
		t.Errorf("a guessed token: %d", status)
	}
	if status, _ := lead.do("POST", "/v1/admin/tokens", TokenBody{Name: "x", Role: "nurse"}, nil); status != 403 {
		t.Errorf("a lead makes tokens: %d", status)
	}
	if status, _, p := lead.click("accept", "w0000", "k", nil); status != 404 || p.Zh == "" {
		t.Errorf("a warning that there is not: %d %+v", status, p)
	}
	if status, _ := lead.do("POST", "/v1/warnings/"+w.ID+"/accept", nil, nil); status != 422 {
		t.Errorf("a click without a key: %d", status)
	}
}

// With the log slow a click is told that it has been asked; the same key hears the answer later, and it counted once.
func TestAClickOnASlowLogCanBeRepeated(t *testing.T) {
	h := open(t)
	h.station.stop()
	h.station = h.openDesk(func(o *Options) { o.AnswerWithin = 100 * time.Millisecond })
	h.enrol("P-0113", "copd")
	a := h.as("nurse", "nurse-a")
	h.measure("P-0113", 84)
	h.until("the warning is there", func() bool { return len(a.warnings("open")) == 1 })
	id := a.warnings("open")[0].ID

	h.log.FailAppends(failing(streams.Decisions, errors.New("no broker")))
	status, _, p := a.click("accept", id, "k1", nil)
	if status != 504 || p.Reason != "unanswered" {
		t.Fatalf("%d %+v", status, p)
	}
	h.log.FailAppends(nil)
	h.until("the answer is heard", func() bool {
		status, w, _ := a.click("accept", id, "k1", nil)
		return status == 200 && w.Owner == "nurse-a"
	})
	var story WarningStory
	a.do("GET", "/v1/warnings/"+id, nil, &story)
	accepts := 0
	for _, m := range story.Timeline {
		if m.Type == "alert.accepted" {
			accepts++
		}
	}
	if accepts != 1 {
		t.Errorf("accepted %d times", accepts)
	}
}

// A wish that cannot be written says so, and can be repeated.
func TestAClickThatCannotBeWritten(t *testing.T) {
	h := open(t)
	h.enrol("P-0113", "copd")
	a := h.as("nurse", "nurse-a")
	h.measure("P-0113", 84)
	h.until("the warning is there", func() bool { return len(a.warnings("open")) == 1 })
	id := a.warnings("open")[0].ID
	h.log.FailAppends(failing(streams.Inputs, errors.New("no broker")))
	if status, _, p := a.click("accept", id, "k1", nil); status != http.StatusServiceUnavailable || p.Reason != "not_written" {
		t.Fatalf("%d %+v", status, p)
	}
	h.log.FailAppends(nil)
	if status, w, p := a.click("accept", id, "k1", nil); status != 200 || w.Owner != "nurse-a" {
		t.Fatalf("%d %+v %+v", status, w, p)
	}
}

// A page that sends one click again before it was answered waits for the same answer: one wish lies in the log.
func TestOneClickIsWrittenOnce(t *testing.T) {
	h := open(t)
	h.enrol("P-0113", "copd")
	a := h.as("nurse", "nurse-a")
	h.measure("P-0113", 84)
	h.until("the warning is there", func() bool { return len(a.warnings("open")) == 1 })
	id := a.warnings("open")[0].ID
	h.log.FailAppends(failing(streams.Decisions, errors.New("no broker"))) // so that no answer comes before all have asked
	var all sync.WaitGroup
	for range 20 {
		all.Go(func() {
			if status, w, p := a.click("accept", id, "k1", nil); status != 200 || w.Owner != "nurse-a" {
				t.Errorf("%d %+v", status, p)
			}
		})
	}
	h.until("the click is asked", func() bool { return len(clicks(h)) > 0 })
	time.Sleep(50 * time.Millisecond) // lets the others come too; fewer of them would only weaken the test
	h.log.FailAppends(nil)
	all.Wait()
	if n := len(clicks(h)); n != 1 {
		t.Errorf("the wish was written %d times", n)
	}
}

// clicks answers the wishes in the log.
func clicks(h *hospital) (ids []string) {
	for p := range int32(partitions) {
		for _, r := range h.log.Records(streams.Inputs, p) {
			if e, typ, err := event.Attributes(r.Headers); err == nil && typ == "accept.requested" {
				ids = append(ids, e.ID)
			}
		}
	}
	return ids
}

// Folded without a word is an answer only when what was asked for is so.
func TestAWishThatLedToNothingIsNotCalledDone(t *testing.T) {
	for name, c := range map[string]struct {
		verb   string
		w      alerts.Warning
		reason string
	}{
		"accept, and it is hers":              {"accept", alerts.Warning{Phase: alerts.Accepted, Owner: "nurse-a"}, ""},
		"accept, and another has it":          {"accept", alerts.Warning{Phase: alerts.Accepted, Owner: "nurse-b"}, alerts.RefusedHeld},
		"accept, and nobody has it":           {"accept", alerts.Warning{Phase: alerts.Returned}, "not_done"},
		"close, and it is closed":             {"close", alerts.Warning{Phase: alerts.Closed, Owner: "nurse-a"}, ""},
		"close, and it is open":               {"close", alerts.Warning{Phase: alerts.Accepted, Owner: "nurse-a"}, "not_done"},
		"give back, and it is not hers":       {"return", alerts.Warning{Phase: alerts.Returned}, ""},
		"give back, and she still has it all": {"return", alerts.Warning{Phase: alerts.Accepted, Owner: "nurse-a"}, "not_done"},
	} {
		p := silently(c.verb, c.w, "nurse-a")
		if got := p; (got == nil) != (c.reason == "") || got != nil && got.Reason != c.reason {
			t.Errorf("%s: %+v", name, got)
		}
	}
}

// A story names people and outcomes as the screens do, and a fault of what was sent is said in both languages too.
func TestThePagesAndTheDeskUseTheSameWords(t *testing.T) {
	for language, file := range []string{"web/src/words/zh.ts", "web/src/words/en.ts"} {
		words, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		hold := func(key, word string) {
			if text := string(words); !strings.Contains(text, key+": '"+word+"'") && !strings.Contains(text, "'"+key+"': '"+word+"'") {
				t.Errorf("%s does not say %s: %s", file, key, word)
			}
		}
		for _, to := range []string{"nurse", "doctor-1", "doctor-2", "duty-office", "day-list", "lead"} {
			hold(to, alerts.StepWords(to)[language])
			zh, en := momentWords(alerts.Moment{Type: "alert.escalated", To: to, Note: "unanswered"}, nil)
			if says := []string{zh, en}[language]; !strings.Contains(says, alerts.StepWords(to)[language]) {
				t.Errorf("the story says %q", says)
			}
		}
		for q := event.Quantity(1); int(q) < event.Quantities; q++ {
			if !strings.Contains(string(words), q.String()+": '") || quantityWords[q][language] == "" {
				t.Errorf("%s or the board has no word for %s", file, q)
			}
		}
		for _, outcome := range []string{"real", "real_usual", "measurement_fault", "technical", "not_known_yet"} {
			if word := outcomeWords[outcome][language]; language == 0 {
				hold(outcome, word)
			} else if word == "" {
				t.Errorf("no word for %s", outcome)
			}
		}
	}
	b := open(t).as("nurse", "nurse-a")
	if status, _, p := b.click("close", "w", "k", map[string]any{"outcome": "nonsense"}); status != 422 || p.Zh == "" || p.En == "" {
		t.Errorf("%d %+v", status, p)
	}
}

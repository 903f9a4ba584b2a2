package desk

import (
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"tocsin/streams/course"
	"tocsin/streams/event"
)

// Whom to call first, and why, in two languages.
func TestBoardIsInTheOrderOfCalling(t *testing.T) {
	score := func(lower, upper int, band string) *RowScore {
		return &RowScore{Rule: "news2", Lower: lower, Upper: upper, Band: band}
	}
	warning := func(s event.Severity, owner string) []RowWarning {
		return []RowWarning{{ID: "w", Severity: s, Owner: owner}}
	}
	silent := func(hour int64) []SilentSignal {
		return []SilentSignal{{Quantity: event.SpO2Percent, Since: event.Time(hour * 3_600_000)}}
	}
	spo2 := map[string]Latest{"spo2_percent": {}}
	rows := []Row{
		{Patient: "high, free", Warnings: warning(event.High, "")},
		{Patient: "high, taken", Warnings: warning(event.High, "nurse-a")},
		{Patient: "medium, free, silent", Warnings: warning(event.Medium, ""), Silent: silent(490_000)},
		{Patient: "medium, free", Warnings: warning(event.Medium, "")},
		{Patient: "medium, taken", Warnings: warning(event.Medium, "nurse-a")},
		{Patient: "score 7 without a warning", Score: score(7, 7, "high")},
		{Patient: "score 5 without a warning", Score: score(5, 9, "medium")},
		{Patient: "silent for long", Silent: silent(490_000)},
		{Patient: "silent", Silent: silent(491_000), Warnings: warning(event.Low, "")},
		{Patient: "low, free", Warnings: warning(event.Low, "")},
		{Patient: "low, taken", Warnings: warning(event.Low, "nurse-a")},
		{Patient: "score 3", Score: score(3, 3, "low"), Latest: spo2},
		{Patient: "score 0", Score: score(0, 4, "zero"), Latest: spo2},
		{Patient: "measuring", Latest: spo2},
		{Patient: "technical", Warnings: warning(event.Technical, ""), Latest: spo2},
		{Patient: "nothing", Score: score(0, 20, "zero")},
	}
	last := 0
	for _, r := range rows {
		order, zh, en := orderOf(r)
		if order <= last || zh == "" || en == "" {
			t.Errorf("%s stands at %d (%s, %s), after %d", r.Patient, order, zh, en, last)
		}
		last = order
	}
}

func TestBoardShowsWhatTheRulesKnow(t *testing.T) {
	h := open(t)
	h.enrol("P-0113", "copd")
	h.enrol("P-0114", "copd")
	nurse := h.as("nurse", "nurse-a")
	h.measure("P-0113", 95)
	h.measure("P-0113", 84)
	var board struct{ Patients []Row }
	h.until("the warning is on the board", func() bool {
		board.Patients = nil
		nurse.do("GET", "/v1/groups/demo/copd", nil, &board)
		return len(board.Patients) == 2 && len(board.Patients[0].Warnings) == 1
	})
	r := board.Patients[0]
	if r.Patient != "P-0113" || r.Latest["spo2_percent"].Value != event.Int(84) || len(r.Trend["spo2_percent"]) != 2 || r.Score == nil || r.WhyEn == "" || r.WhyZh == "" {
		t.Errorf("got %+v", r)
	}
	if board.Patients[1].Patient != "P-0114" || board.Patients[1].WhyEn != "no reading yet" {
		t.Errorf("got %+v", board.Patients[1])
	}
	if status, _ := nurse.do("GET", "/v1/groups/demo/none", nil, nil); status != 404 {
		t.Errorf("a group that there is not: %d", status)
	}
	var groups struct{ Groups []Group }
	nurse.do("GET", "/v1/groups", nil, &groups)
	if g := groups.Groups[0]; g.Patients != 2 || g.Open.High+g.Open.Medium+g.Open.Low != 1 {
		t.Errorf("got %+v", g)
	}
}

// The histogram counts the reading behind a warning; health and readiness say what they mean.
func TestMetricsAndReadiness(t *testing.T) {
	h := open(t)
	h.enrol("P-0113", "copd")
	lead := h.as("lead", "lead-1")
	h.doorBeats("gateway-1")
	h.measure("P-0113", 84)
	h.until("the warning is there", func() bool { return len(lead.warnings("open")) == 1 })
	h.until("the desk is ready", func() bool { s, _ := lead.do("GET", "/readyz", nil, nil); return s == 200 })
	_, text := lead.do("GET", "/metrics", nil, nil)
	for _, want := range []string{"tocsin_reading_to_desk_seconds_count 1", `tocsin_desk_lag_records{partition="0"}`, `tocsin_desk_open_warnings{severity="`, `tocsin_desk_clicks_total{result="granted",verb="accept"} 0`} {
		if !strings.Contains(text, want) {
			t.Errorf("no %s", want)
		}
	}
	var st Status
	h.until("both partitions are fresh", func() bool {
		lead.do("GET", "/v1/status", nil, &st)
		return st.DataAgeMs < 3000 && st.Doors == 1 && len(st.Parts) == partitions && st.Parts[1].CaughtUp
	})
	if st.History != "off" || st.Version != "test" {
		t.Errorf("got %+v", st)
	}
	if s, _ := lead.do("GET", "/healthz", nil, nil); s != 200 {
		t.Errorf("healthz: %d", s)
	}
	broken := h.openDesk(func(o *Options) {
		o.Ready = []Check{{"engine", func(context.Context) error { return errors.New("it does not answer") }}}
	})
	resp, err := http.Get(broken.url + "/readyz")
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if text, _ := io.ReadAll(resp.Body); resp.StatusCode != 503 || !strings.Contains(string(text), "it does not answer") {
		t.Errorf("%s %s", resp.Status, text)
	}
}

// How old is what is shown: by what has been folded of what had come in, and by when a door was last heard.
func TestDataAge(t *testing.T) {
	const s = event.Time(1000)
	at := func(t event.Time) moment { return moment{t, time.Duration(t) * time.Millisecond} }
	f := newFreshness(1)
	age := func(now event.Time) time.Duration { a, _ := f.age(0, at(now), at(100*s)); return a }
	lag := func() int64 { _, l := f.age(0, moment{}, moment{}); return l }
	door := func(now event.Time, input int64) {
		f.heard(Seen{Input: input, CaughtUp: true, Inputs: []event.Envelope{{Data: &event.DoorOpened{Door: "d", ReceivedAt: 1}}}}, at(now))
	}
	if age(105*s) != 5*time.Second {
		t.Errorf("nothing was ever read: %s", age(105*s))
	}
	door(110*s, 10)
	f.looked(0, 10, at(111*s))
	if age(112*s) != time.Second || lag() != 0 {
		t.Errorf("all is folded: %s, lag %d", age(112*s), lag())
	}
	f.looked(0, 50, at(113*s))
	f.looked(0, 60, at(114*s)) // the fold is behind: the first look counts on
	door(114*s, 49)
	if age(120*s) != 9*time.Second || lag() != 11 {
		t.Errorf("behind: %s, lag %d", age(120*s), lag())
	}
	door(121*s, 50)
	if age(121*s) != 8*time.Second {
		t.Errorf("it has reached the look at 113 s: %s", age(121*s))
	}
	f.looked(0, 60, at(122*s))
	door(122*s, 60)
	if age(123*s) != time.Second || f.live(at(123*s)) != 1 {
		t.Errorf("caught up: %s", age(123*s))
	}
	f.looked(0, 60, at(160*s))
	if age(160*s) != 33*time.Second || f.live(at(160*s)) != 0 {
		t.Errorf("everything is folded, and no door is open: %s", age(160*s))
	}
}

// The host's clock set back an hour makes nothing look fresh: nobody watches, and the desk says so.
func TestDataAgeOutlivesAClockSetBack(t *testing.T) {
	const hour = event.Time(3_600_000)
	f := newFreshness(1)
	f.heard(Seen{Input: 10, CaughtUp: true, Inputs: []event.Envelope{{Data: &event.DoorOpened{Door: "d"}}}}, moment{10 * hour, time.Minute})
	f.looked(0, 10, moment{10 * hour, time.Minute})
	back := moment{9*hour + 60_000, 2 * time.Minute} // a minute later, and an hour earlier
	if age, _ := f.age(0, back, moment{10 * hour, 1}); age < time.Minute || f.live(back) != 0 {
		t.Errorf("a minute after the last look and the last door it says %s and %d doors", age, f.live(back))
	}
	asleep := moment{18 * hour, 2 * time.Minute} // the machine slept, and what counts running time slept with it
	if age, _ := f.age(0, asleep, moment{10 * hour, 1}); age < 8*time.Hour {
		t.Errorf("after eight hours of sleep it says %s", age)
	}
	f.looked(0, 10, back)
	f.heard(Seen{Input: 10, CaughtUp: true, Inputs: []event.Envelope{{Data: &event.DoorOpened{Door: "d"}}}}, back)
	if age, _ := f.age(0, back, moment{10 * hour, 1}); age != 0 || f.live(back) != 1 {
		t.Errorf("looked at again it says %s and %d doors", age, f.live(back))
	}
}

type shelf struct{ err error }

func (s shelf) Readings(_ context.Context, tenant, patient string, from, to, _ event.Time) ([]Reading, error) {
	return []Reading{{Quantity: event.SpO2Percent, Value: event.Int(84), MeasuredAt: from, ReceivedAt: to, Clock: event.ClockOK}}, s.err
}

func (s shelf) Course(context.Context, string, string, event.Time, event.Time, int) (course.Readings, error) {
	return course.Readings{}, s.err
}

func (s shelf) Axis(context.Context, string, string, event.Time, event.Time, int) (course.Axis, error) {
	return course.Axis{}, s.err
}

func TestReadingsComeFromHistoryOrSayThatItIsOff(t *testing.T) {
	h := open(t)
	nurse := h.as("nurse", "nurse-a")
	type answer struct {
		History  string
		Readings []Reading
	}
	var off answer
	if status, raw := nurse.do("GET", "/v1/patients/demo/P-0113/readings", nil, &off); status != 200 || off.History != "off" || !strings.Contains(raw, `"readings":[]`) {
		t.Errorf("%d %s", status, raw)
	}
	with := func(err error) *browser {
		b := h.browser(h.openDesk(func(o *Options) { o.History = shelf{err} }).url)
		b.token = nurse.token
		return b
	}
	var on answer
	path := "/v1/patients/demo/P%2F0113/readings?from=2026-03-02T07:00:00Z&to=2026-03-02T08:00:00%2B00:00"
	if status, raw := with(nil).do("GET", path, nil, &on); status != 200 || on.History != "on" || len(on.Readings) != 1 || on.Readings[0].MeasuredAt != 1_772_434_800_000 {
		t.Errorf("%d %s", status, raw)
	}
	for status, err := range map[int]error{502: errors.New("no engine"), 422: ErrTooMany} {
		if got, raw := with(err).do("GET", path, nil, nil); got != status {
			t.Errorf("%v: %d %s", err, got, raw)
		}
	}
	if got, _ := with(nil).do("GET", "/v1/patients/demo/P/readings?from=2026-03-02T09:00:00Z&to=2026-03-02T08:00:00Z", nil, nil); got != 422 {
		t.Errorf("from after to: %d", got)
	}
}

// The screens are served for every page of theirs; on a tree where they were not built, the placeholder is.
func TestScreensAreServed(t *testing.T) {
	h := open(t)
	b := h.browser(h.url)
	for path, want := range map[string]int{"/": 200, "/queue": 200, "/warnings/w1": 200, "/assets/none.js": 404, "/favicon.nope": 404, "/v1/nothing": 404, "/openapi.json": 200} {
		if got, _ := b.do("GET", path, nil, nil); got != want {
			t.Errorf("%s: %d", path, got)
		}
	}
}

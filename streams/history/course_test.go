package history

import (
	"encoding/json"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"tocsin/deploy/embedded/engine/enginetest"
	"tocsin/streams"
	"tocsin/streams/course"
	"tocsin/streams/event"
)

// onePast writes what happens to one patient, P-0113 of t1, on a log of one partition.
type onePast struct {
	*world
	n      int64
	number map[string]int64 // of the last step, by topic
}

func newPast(t testing.TB, log streams.Log) *onePast {
	t.Helper()
	l := &onePast{world: newWorld(t, log, 1, 1), number: map[string]int64{}}
	l.put(streams.Decisions, 0, "owner", event.Envelope{ID: "a", Data: &event.OwnerOpened{Life: "a"}})
	l.put(streams.Directory, 0, "owner", event.Envelope{ID: "a", Data: &event.OwnerOpened{Life: "a"}})
	return l
}

func (l *onePast) measured(at event.Time, change func(*event.ObservationRecorded), readings ...event.Reading) {
	l.n++
	o := &event.ObservationRecorded{Device: "dev", BootID: 1, Seq: l.n, Sequenced: true, MeasuredAt: at, ReceivedAt: at + 100, Clock: event.Clock{Quality: event.ClockOK}, Readings: readings}
	if change != nil {
		change(o)
	}
	l.epoch = at
	l.put(streams.Inputs, 0, "t1/P-0113", event.Envelope{ID: fmt.Sprintf("dev/1/%d", o.Seq), Data: o})
}

func spo2(percent int64, mark event.Mark) event.Reading {
	return event.Reading{Quantity: event.SpO2Percent, Value: event.Int(percent), Mark: mark}
}

// decided writes a step of one event, under a key.
func (l *onePast) decided(topic, key string, at event.Time, data event.Event) {
	l.epoch = at
	l.number[topic]++
	n := l.number[topic]
	l.put(topic, 0, key, event.Envelope{ID: fmt.Sprint(topic, n), Life: "a", Step: n, Data: data})
	l.put(topic, 0, "owner", event.Envelope{ID: fmt.Sprint("step", topic, n), Life: "a", Step: n, Index: 1, Data: &event.StepClosed{Number: n, Count: 1}})
}

func (l *onePast) told(at event.Time, data event.Event) {
	l.epoch = at
	l.n++
	l.put(streams.Inputs, 0, "t1/P-0113", event.Envelope{ID: fmt.Sprint("told", l.n), Data: data})
}

// kept copies what was written into history.
func (l *onePast) kept(t testing.TB) *History {
	t.Helper()
	for _, topic := range []string{streams.Directory, streams.Decisions} {
		n := l.number[topic] + 1
		l.put(topic, 0, "owner", event.Envelope{ID: "end", Life: "a", Step: n, Data: &event.StepClosed{Number: n}})
	}
	if err := l.w.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	h := open(t, enginetest.Start(t, t.TempDir()))
	o := sinkFor(t, l.log, h, "a")
	o.MaxRecords = 20_000
	stop := run(t, o)
	if checks := caughtUp(t, h, l.log, 60*time.Second); !equal(checks) {
		t.Fatal(checks)
	}
	stop()
	return h
}

const (
	minuteMs = event.Time(60_000)
	dayMs    = 24 * hour
)

// TestHIS3_NoExtremeIsLostAtAnyZoom: one minute of 71 % in two years stands in the answer at every width, what was disowned or
// doubted is never an extreme of what is believed, and an answer is never longer than was asked for.
func TestHIS3_NoExtremeIsLostAtAnyZoom(t *testing.T) {
	base := event.TimeOf(time.Date(2024, 3, 2, 0, 0, 0, 0, time.UTC))
	end := base + 730*dayMs
	l := newPast(t, streams.NewMemory(1))
	type one struct {
		at event.Time
		v  int64
	}
	var believed []one
	believe := func(at event.Time, v int64) {
		believed = append(believed, one{at, v})
		l.measured(at, nil, spo2(v, event.Plausible))
	}
	rng := rand.New(rand.NewPCG(7, 0))
	for at := base; at < end; at += 4 * hour {
		believe(at, 93+int64(rng.IntN(6)))
	}
	wearing := base + 400*dayMs
	for at := wearing; at < wearing+dayMs; at += minuteMs { // a day with a sensor
		believe(at+1, 92+int64(rng.IntN(6)))
	}
	grave := base + 317*dayMs + 13*hour + 37*minuteMs
	believe(grave, 71)
	l.measured(grave+minuteMs, nil, spo2(20, event.Unconfirmed))
	l.measured(grave+2*minuteMs, nil, spo2(60, event.Plausible))
	l.measured(base+10*dayMs+1, func(o *event.ObservationRecorded) { o.Clock.Quality = event.ClockUnsynced }, spo2(90, event.Plausible))
	believed = append(believed, one{base + 10*dayMs + 1, 90})
	l.decided(streams.Decisions, "t1/P-0113", grave+hour, &event.ReadingDisowned{By: "nurse-a", Request: "r",
		Disowned: event.Disowned{MeasuredAt: grave + 2*minuteMs, Readings: []event.Reading{spo2(60, "")}, Why: "his wife"}})
	h := l.kept(t)

	const points = 600
	least := func(s course.Signal) (low event.Decimal, n int) {
		low = event.Int(1000)
		for _, p := range s.Points {
			low = min(low, p.Low)
		}
		return low, len(s.Points)
	}
	find := func(c course.Readings, d course.Doubt) course.Signal {
		i := slices.IndexFunc(c.Signals, func(s course.Signal) bool { return s.Doubt == d })
		if i < 0 {
			return course.Signal{}
		}
		return c.Signals[i]
	}
	all, err := h.Course(t.Context(), "t1", "P-0113", base, end, points)
	if err != nil {
		t.Fatal(err)
	}
	for d, want := range map[course.Doubt]int64{course.NoDoubt: 71, course.Doubt(event.Unconfirmed): 20, course.Disowned: 60, course.ClockDoubt: 90} {
		s := find(all, d)
		if low, n := least(s); low != event.Int(want) || n > points {
			t.Errorf("two years, %q: least %s in %d points, want %d", d, low, n, want)
		}
	}
	if all.Step < 24*time.Hour {
		t.Errorf("two years in stretches of %s", all.Step)
	}
	for _, p := range find(all, course.NoDoubt).Points {
		if p.Low == event.Int(71) && (p.First > grave || p.Last < grave || p.Last-p.First > event.Time(all.Step.Milliseconds())) {
			t.Errorf("71 %% stands at %+v", p)
		}
	}

	for range 60 { // any span that holds it, from ten minutes to two years
		span := event.Time(float64(10*minuteMs) * math.Pow(float64(730*dayMs)/float64(10*minuteMs), rng.Float64()))
		from := max(base, grave-event.Time(rng.Int64N(int64(span))))
		to := max(from+span, grave+1)
		c, err := h.Course(t.Context(), "t1", "P-0113", from, to, points)
		if err != nil {
			t.Fatal(err)
		}
		s := find(c, course.NoDoubt)
		if low, n := least(s); low != event.Int(71) || n > points+2 {
			t.Fatalf("from %s to %s (stretches of %s): least %s in %d points", from, to, c.Step, low, n)
		}
		inside := 0
		for _, b := range believed {
			if b.at < from || b.at >= to {
				continue
			}
			inside++
			if !slices.ContainsFunc(append(s.Points, find(c, course.ClockDoubt).Points...), func(p course.Stretch) bool {
				return p.First <= b.at && b.at <= p.Last && p.Low <= event.Int(b.v) && event.Int(b.v) <= p.High
			}) {
				t.Fatalf("from %s to %s (stretches of %s): %d at %s is in no point", from, to, c.Step, b.v, b.at)
			}
		}
		if c.Step == 0 && len(s.Points)+len(find(c, course.ClockDoubt).Points) != inside {
			t.Fatalf("from %s to %s: %d points for %d readings", from, to, len(s.Points), inside)
		}
	}
	if c, err := h.Course(t.Context(), "t1", "P-9999", base, end, points); err != nil || len(c.Signals) != 0 {
		t.Errorf("nobody: %+v, %v", c, err)
	}
	if c, err := h.Course(t.Context(), "t1", "P-0113", wearing, wearing+dayMs, points); err != nil || c.Step != 5*time.Minute || len(find(c, course.NoDoubt).Points) > points {
		t.Errorf("a day with a sensor: stretches of %s, %v", c.Step, err)
	}
}

// TestHIS1_AnUpgradeFillsTheTimeAxis: what history had before the table was made stands in it afterwards as the sink would have
// put it there, for every type that belongs there.
func TestHIS1_AnUpgradeFillsTheTimeAxis(t *testing.T) {
	l := newPast(t, streams.NewMemory(1))
	files, err := filepath.Glob("../event/testdata/*.json")
	if err != nil || len(files) == 0 {
		t.Fatal(err)
	}
	types := map[event.Type]bool{}
	for _, f := range files {
		var frozen struct {
			Headers map[string]string
			Value   json.RawMessage
		}
		b, err := os.ReadFile(f)
		if err == nil {
			err = json.Unmarshal(b, &frozen)
		}
		if err != nil {
			t.Fatal(err)
		}
		var headers []event.Header
		for k, v := range frozen.Headers {
			headers = append(headers, event.Header{Key: k, Value: []byte(v)})
		}
		e, err := event.Decode(headers, frozen.Value)
		if err != nil {
			t.Fatal(err)
		}
		switch e.Data.(type) {
		case *event.OwnerOpened, *event.StepClosed, *event.HistoryRange:
			continue
		}
		types[e.Data.Type()] = true
		l.told(l.epoch+1, e.Data)
		l.decided(streams.Decisions, "t1/P-0113", l.epoch+1, e.Data)
		l.decided(streams.Directory, "device/text", l.epoch+1, e.Data)
	}
	l.measured(l.epoch+1, nil, spo2(90, "")) // without answers
	h := l.kept(t)
	var n uint64
	rows := func(sql string) uint64 {
		if err := h.db.QueryRow(t.Context(), sql).Scan(&n); err != nil {
			t.Fatal(err)
		}
		return n
	}
	was := rows(`SELECT count() FROM patient_events`)
	if kinds := rows(`SELECT uniqExact(type) FROM patient_events`); kinds < 20 || len(types) < 60 {
		t.Fatalf("%d types of %d stand on the time axis", kinds, len(types))
	}
	if err := h.db.Exec(t.Context(), `TRUNCATE TABLE patient_events`); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"00002_patient_events", "00003_consents_and_who_answers"} {
		text, err := migrations.ReadFile("migrations/" + name + ".sql")
		if err != nil {
			t.Fatal(err)
		}
		_, fill, _ := strings.Cut(string(text), "INSERT INTO")
		fill, _, _ = strings.Cut(fill, ";")
		for range 2 { // a migration that was broken off is run again
			if err := h.db.Exec(t.Context(), "INSERT INTO"+fill); err != nil {
				t.Fatal(err)
			}
		}
	}
	if is := rows(`SELECT count() FROM patient_events`); is != was || is == 0 {
		t.Errorf("%d rows, the sink had put %d", is, was)
	}
	checks, err := h.Verify(t.Context(), l.log)
	if err != nil || !equal(checks) {
		t.Error(err, checks)
	}
}

package history

import (
	"context"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"os"
	"testing"
	"time"

	"tocsin/deploy/embedded/engine"
	"tocsin/deploy/embedded/engine/enginetest"
	"tocsin/streams"
	"tocsin/streams/event"
)

func TestMain(m *testing.M) {
	if len(os.Args) == 4 && os.Args[1] == "sink" {
		fmt.Fprintln(os.Stderr, sinkProcess(os.Args[2], os.Args[3]))
		os.Exit(1)
	}
	enginetest.Main(m)
}

// world writes a log such as gateways and owners leave behind, void steps, repeats and unreadable records among it.
type world struct {
	t     testing.TB
	log   streams.Log
	n     int32
	rng   *rand.Rand
	w     streams.Writer
	seq   int64
	lives map[string]*ownerOf
	epoch event.Time
}

// ownerOf is where the owner of one partition stands.
type ownerOf struct {
	life   string
	old    []string
	number int64
}

func newWorld(t testing.TB, log streams.Log, n int32, seed uint64) *world {
	t.Helper()
	w, err := log.Write("world")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := w.Close(); err != nil {
			t.Error(err)
		}
	})
	return &world{t: t, log: log, n: n, rng: rand.New(rand.NewPCG(seed, 0)), w: w, lives: map[string]*ownerOf{}, epoch: 1_772_409_600_000}
}

// turn writes about so many records, over all partitions.
func (w *world) turn(records int) {
	for range records {
		switch k := w.rng.IntN(20); {
		case k < 11:
			w.observe()
		case k == 11:
			p := int32(w.rng.IntN(int(w.n)))
			w.put(streams.Inputs, p, event.Everyone, event.Envelope{ID: fmt.Sprint("door", w.rng.Uint64()), Data: &event.DoorOpened{Door: "gateway", ReceivedAt: w.epoch}})
		case k == 12:
			w.enrol()
		case k < 19:
			w.step(streams.Decisions, int32(w.rng.IntN(int(w.n))))
		default:
			w.step(streams.Directory, 0)
			w.put(streams.DirectoryInputs, 0, "tenant/t1", event.Envelope{ID: fmt.Sprint("d", w.rng.Uint64()), Data: &event.TenantCreated{Tenant: "t1"}})
			w.put(streams.DirectoryInputs, 0, "patient/t1/P", event.Envelope{ID: fmt.Sprint("s", w.rng.Uint64()), Data: &event.PersonRequested{Tenant: "t1", Patient: "P", Version: 1, Key: "k", Sealed: []byte(sealedWords)}})
		}
		w.epoch += event.Time(w.rng.IntN(60_000))
	}
}

// sealedWords are what history must not have of a person.
const sealedWords = "sealed, and nobody's business"

func (w *world) patient() (key string, p int32) {
	key = streams.PatientKey("t1", fmt.Sprintf("P-%04d", w.rng.IntN(40)))
	return key, streams.PartitionOf(key, w.n)
}

// observe writes one upload, sometimes one that has come before, without a sequence, or from before 1970.
func (w *world) observe() {
	key, p := w.patient()
	w.seq++
	o := event.ObservationRecorded{Device: "dev-" + key, BootID: 7, Seq: w.seq, Sequenced: true, MeasuredAt: w.epoch, ReceivedAt: w.epoch + 40,
		Clock: event.Clock{Quality: event.ClockOK, OffsetMs: -3}, Door: "gateway", Readings: []event.Reading{
			{Quantity: event.SpO2Percent, Value: event.Int(85 + int64(w.rng.IntN(15)))},
			{Quantity: event.TemperatureCel, Value: event.Decimal(36_050_000 + w.rng.IntN(3_000_000)), Mark: []event.Mark{event.Plausible, event.Unconfirmed}[w.rng.IntN(2)]}}}
	id := fmt.Sprintf("%s/%d/%d", o.Device, o.BootID, o.Seq)
	switch w.rng.IntN(12) {
	case 0:
		o.Sequenced, o.MsgID = false, fmt.Sprint("m", w.seq)
		id = o.Device + "/" + o.MsgID
	case 1:
		at := w.epoch + 11
		o.GatewayAt, o.MeasuredAt = &at, -86_400_001
	case 2:
		o.MeasuredAt = -60_000_000_000_000 // the year 68
	}
	for range 1 + w.rng.IntN(8)/7 {
		w.put(streams.Inputs, p, key, event.Envelope{ID: id, Data: &o})
	}
	if w.rng.IntN(40) == 0 {
		w.w.Append(streams.Record{Topic: streams.Inputs, Partition: p, Key: []byte(key), Value: []byte("no \xff event")}, nil)
	}
}

func (w *world) enrol() {
	key, p := w.patient()
	tenant, patient := streams.SplitPatientKey(key)
	group := []string{"copd", "heart-failure"}[w.rng.IntN(2)]
	w.put(streams.Inputs, p, key, event.Envelope{ID: fmt.Sprint("e", w.rng.Uint64()), Data: &event.PatientEnrolled{Tenant: tenant, Patient: patient, Group: group}})
}

// step writes a step of a partition's owner; sometimes a new life begins, an old one writes late, or a step stays void.
func (w *world) step(topic string, p int32) {
	key := fmt.Sprint(topic, p)
	o := w.lives[key]
	if o == nil || w.rng.IntN(15) == 0 {
		if o == nil {
			o = &ownerOf{}
			w.lives[key] = o
		} else {
			o.old = append(o.old, o.life)
		}
		o.life = fmt.Sprint("life", w.rng.Uint64())
		w.put(topic, p, "owner", event.Envelope{ID: o.life, Data: &event.OwnerOpened{Life: o.life}})
	}
	if len(o.old) > 0 && w.rng.IntN(4) == 0 {
		w.events(topic, p, o.old[w.rng.IntN(len(o.old))], o.number+1, 2, true)
	}
	if w.rng.IntN(10) == 0 {
		w.events(topic, p, o.life, o.number+1, 1, false) // a crash before the closing record, and the same again below
	}
	o.number++
	w.events(topic, p, o.life, o.number, w.rng.IntN(4), true)
}

func (w *world) events(topic string, p int32, life string, number int64, count int, closed bool) {
	for i := range count {
		e := event.Envelope{ID: fmt.Sprintf("%s.%d.%d", life, number, i), Life: life, Step: number, Index: i, Data: &event.AlertClosed{}}
		w.put(topic, p, "t1/P-0001", e)
		if w.rng.IntN(20) == 0 {
			w.put(topic, p, "t1/P-0001", e) // a retry that wrote twice
		}
	}
	if closed {
		w.put(topic, p, "owner", event.Envelope{ID: fmt.Sprintf("%s.%d", life, number), Life: life, Step: number, Index: count,
			Data: &event.StepClosed{Number: number, Count: count}})
	}
}

func (w *world) put(topic string, p int32, key string, e event.Envelope) {
	w.t.Helper()
	e.At, e.Source, e.Subject = w.epoch, "world", key
	r, err := streams.ToRecord(topic, p, key, e)
	if err != nil {
		w.t.Fatal(err)
	}
	w.w.Append(r, func(_ int64, err error) {
		if err != nil {
			w.t.Error(err)
		}
	})
}

// close lets each topic of steps end with a step that holds, so that history can come to the end.
func (w *world) close() {
	for p := range w.n {
		w.step(streams.Decisions, p)
	}
	w.step(streams.Directory, 0)
	if err := w.w.Flush(w.t.Context()); err != nil {
		w.t.Fatal(err)
	}
}

func open(t testing.TB, e *engine.Engine) *History {
	t.Helper()
	h, err := Open(e.DSN())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := h.Close(); err != nil {
			t.Error(err)
		}
	})
	return h
}

// sinkFor is a sink in a hurry.
func sinkFor(t testing.TB, log streams.Log, h *History, name string) SinkOptions {
	quiet := slog.New(slog.DiscardHandler)
	if testing.Verbose() {
		quiet = slog.New(slog.NewTextHandler(os.Stderr, nil))
	}
	return SinkOptions{Log: log, History: h, Name: name, Linger: 20 * time.Millisecond, Idle: 50 * time.Millisecond, MaxRecords: 300, Logger: quiet, mostPause: 50 * time.Millisecond}
}

// run copies until the function that it answers is called.
func run(t testing.TB, o SinkOptions) (stop func()) {
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- RunSink(ctx, o) }()
	stopped := false
	stop = func() {
		if stopped {
			return
		}
		stopped = true
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	}
	t.Cleanup(stop)
	return stop
}

// caughtUp waits until history has come to the end of every partition and answers what verify says then.
func caughtUp(t testing.TB, h *History, log streams.Log, limit time.Duration) []Check {
	t.Helper()
	for until := time.Now().Add(limit); ; time.Sleep(20 * time.Millisecond) {
		behind := int64(0)
		all, err := log.Partitions(t.Context(), streams.HistoryRanges)
		if err != nil {
			t.Fatal(err)
		}
		for p := range all {
			b, err := readBook(t.Context(), log, p, nil)
			if err != nil {
				t.Fatal(err)
			}
			pair, part := topicsOf(p, all-1)
			for _, topic := range []string{pair.Inputs, pair.Decisions} {
				_, end, err := log.Bounds(t.Context(), topic, part)
				if err != nil {
					t.Fatal(err)
				}
				behind += end - b.topics[topic].last.Next
			}
		}
		if behind == 0 {
			checks, err := h.Verify(t.Context(), log)
			if err != nil {
				t.Fatal(err)
			}
			if equal(checks) || time.Now().After(until) {
				return checks
			}
		}
		if time.Now().After(until) {
			t.Fatalf("history is still %d records behind after %v", behind, limit)
		}
	}
}

func equal(checks []Check) bool {
	for _, c := range checks {
		if !c.Equal() {
			return false
		}
	}
	return true
}

func mustEqual(t testing.TB, checks []Check) {
	t.Helper()
	for _, c := range checks {
		if !c.Equal() || c.Log.Records == 0 {
			t.Error(c)
		}
	}
}

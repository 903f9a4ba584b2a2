package outbox

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strconv"
	"sync"
	"testing"
	"time"

	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"

	"tocsin/streams"
	"tocsin/streams/event"
)

// world is a log whose decisions are written by hand, with outboxes that come and go.
type world struct {
	t       *testing.T
	log     *streams.Memory
	n       int32
	clock   *clock
	logged  *lockedBuffer
	numbers map[int32]int64 // the last step by partition
	want    map[int32][]string
	agreed  agreed
}

var begin = time.Date(2026, 3, 2, 7, 0, 0, 0, time.UTC)

func newWorld(t *testing.T, n int32) *world {
	w := &world{t: t, log: streams.NewMemory(n), n: n, clock: &clock{at: begin}, logged: &lockedBuffer{}, numbers: map[int32]int64{}, want: map[int32][]string{}}
	for p := range n {
		w.append(p, event.Envelope{ID: fmt.Sprintf("life-%d", p), Life: "life", After: -1, Data: &event.OwnerOpened{Life: "life"}})
	}
	return w
}

func (w *world) append(p int32, e event.Envelope) {
	w.t.Helper()
	e.Source, e.At = "test", event.TimeOf(w.clock.now())
	if e.Subject == "" {
		e.Subject = "owner"
	}
	r, err := streams.ToRecord(streams.Decisions, p, e.Subject, e)
	if err != nil {
		w.t.Fatal(err)
	}
	writer, err := w.log.Write("owner")
	if err != nil {
		w.t.Fatal(err)
	}
	defer func() { _ = writer.Close() }()
	if _, err := streams.AppendWait(w.t.Context(), writer, r); err != nil {
		w.t.Fatal(err)
	}
}

// decide writes one step.
func (w *world) decide(p int32, patient string, events ...event.Event) {
	w.t.Helper()
	w.numbers[p]++
	n := w.numbers[p]
	for i, d := range events {
		id := fmt.Sprintf("e-%d-%d-%d", p, n, i)
		w.want[p] = append(w.want[p], id)
		w.append(p, event.Envelope{ID: id, Subject: "t1/" + patient, Life: "life", Step: n, Index: i, After: -1, Data: d})
	}
	w.append(p, event.Envelope{ID: fmt.Sprintf("s-%d-%d", p, n), Life: "life", Step: n, Index: len(events), After: -1, Data: &event.StepClosed{Number: n, Count: len(events)}})
}

// raise writes a step in which a warning is raised.
func (w *world) raise(p int32, alert string, s event.Severity) {
	w.t.Helper()
	w.decide(p, "P-"+alert, raisedAlert(alert, s))
}

func raisedAlert(alert string, s event.Severity) *event.AlertRaised {
	q, v, low := event.SpO2Percent, event.Int(84), event.Int(92)
	at := event.TimeOf(begin.Add(-5 * time.Second))
	return &event.AlertRaised{Alert: alert, Episode: 1, Problem: event.Deterioration, Severity: s, Rule: "spo2-low", AnswerBy: event.TimeOf(begin.Add(3 * time.Minute)),
		Reasons: []event.Reason{{Rule: "spo2-low", Severity: s, Quantity: &q, Value: &v, Unit: "%", MeasuredAt: &at, Reading: "d1/1/417", Low: &low, Zh: "血氧饱和度 84 %", En: "SpO2 84 %"}},
		Score:   &event.Score{Rule: "news2", Lower: 7, Upper: 9, Band: "high", Parts: []event.Part{}}, Policy: event.Policy{ID: "copd/high", Steps: []event.PolicyStep{}}}
}

// clock is one on which whoever waits lets the time pass, for as long as it runs by itself.
type clock struct {
	mu   sync.Mutex
	at   time.Time
	hold bool // waits are real and short, and the time stands
}

func (c *clock) now() time.Time { c.mu.Lock(); defer c.mu.Unlock(); return c.at }

func (c *clock) wait(ctx context.Context, d time.Duration, wake <-chan struct{}) {
	c.mu.Lock()
	if !c.hold {
		c.at = c.at.Add(d)
	}
	c.mu.Unlock()
	wait(ctx, time.Millisecond, wake)
}

// serve starts an outbox; the answer stops it in order.
func (w *world) serve(log streams.Log, past Past, settings ...Setting) (stop func()) {
	w.t.Helper()
	b, err := New(Options{Log: log, Past: past, Edge: streams.OpenEdge(log, "notify/test", w.n), Name: "test", Subscribers: settings, Start: w.start,
		Groups: func(_, patient string) []string { return []string{"group-of-" + patient} }, Shares: w.agreed.shares,
		Logger: slog.New(slog.NewTextHandler(w.logged, nil)), tune: tuning{now: w.clock.now, wait: w.clock.wait, pause: 10 * time.Millisecond}})
	if err != nil {
		w.t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(w.t.Context())
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		if err := b.Run(ctx); err != nil {
			w.t.Errorf("the outbox ended: %v", err)
		}
	}()
	stop = sync.OnceFunc(func() { cancel(); <-ended })
	w.t.Cleanup(stop)
	return stop
}

// start is the beginning of the log, as if there were no checkpoint.
func (w *world) start(context.Context, int32) (streams.Position, []event.OutboxWarning, error) {
	return streams.Beginning, nil, nil
}

// until waits until something is so.
func (w *world) until(what string, is func() error) {
	w.t.Helper()
	err := errors.New("nothing yet")
	for end := time.Now().Add(20 * time.Second); err != nil && time.Now().Before(end); {
		if err = is(); err != nil {
			time.Sleep(2 * time.Millisecond)
		}
	}
	if err != nil {
		w.t.Fatalf("%s: %v\n%s", what, err, w.logged.String())
	}
}

// inputs answers what was reported about subscribers.
func (w *world) inputs() (all []event.Envelope) {
	for p := range w.n {
		for _, r := range w.log.Records(streams.Inputs, p) {
			e, err := event.Decode(r.Headers, r.Value)
			if err != nil {
				w.t.Fatal(err)
			}
			all = append(all, e)
		}
	}
	return all
}

func (w *world) faults(t event.Type) (n int) {
	for _, e := range w.inputs() {
		if e.Data.Type() == t {
			n++
		}
	}
	return n
}

// receiver is a subscriber's server. answer says what it does; nil: it takes everything.
type receiver struct {
	*httptest.Server
	mu     sync.Mutex
	got    []delivery // in the order in which they came, refused ones too
	answer func(n int, d delivery, w http.ResponseWriter) (took bool)
}

type delivery struct {
	partition int32
	number    int64
	id, body  string
	took      bool
	header    http.Header
	path      string
}

func newReceiver(t *testing.T, answer func(n int, d delivery, w http.ResponseWriter) bool) *receiver {
	r := &receiver{answer: answer}
	r.Server = httptest.NewServer(http.HandlerFunc(r.serve))
	t.Cleanup(func() { r.CloseClientConnections(); r.Close() })
	return r
}

func (r *receiver) serve(w http.ResponseWriter, q *http.Request) {
	body, err := io.ReadAll(q.Body)
	if err != nil {
		return
	}
	p, _ := strconv.Atoi(q.Header.Get(headerPartition))
	n, _ := strconv.ParseInt(q.Header.Get(headerNumber), 10, 64)
	d := delivery{partition: int32(p), number: n, id: q.Header.Get("webhook-id"), body: string(body), header: q.Header.Clone(), path: q.Method + " " + q.URL.Path, took: true}
	r.mu.Lock()
	at, answer := len(r.got), r.answer
	r.got = append(r.got, d)
	r.mu.Unlock()
	if answer != nil && !answer(at, d, w) {
		r.mu.Lock()
		r.got[at].took = false
		r.mu.Unlock()
	}
}

// all answers what came; taken what was taken.
func (r *receiver) all() []delivery {
	r.mu.Lock()
	defer r.mu.Unlock()
	return append([]delivery(nil), r.got...)
}

func (r *receiver) taken() (all []delivery) {
	for _, d := range r.all() {
		if d.took {
			all = append(all, d)
		}
	}
	return all
}

func refuse(w http.ResponseWriter, status int) bool { w.WriteHeader(status); return false }

// whole holds what a receiver took against what was decided: every number from 1 on without a hole, its first coming in order, at every
// coming the same event with the same bytes.
func (w *world) whole(got []delivery) error {
	w.t.Helper()
	bodies := map[string]string{}
	last := map[int32]int64{}
	for _, d := range got {
		key := fmt.Sprintf("%d/%d", d.partition, d.number)
		if was, again := bodies[key]; again {
			if was != d.id+d.body {
				w.t.Fatalf("message %s came as\n%s\nand as\n%s", key, was, d.id+d.body)
			}
			continue
		}
		bodies[key] = d.id + d.body
		if last[d.partition]++; d.number != last[d.partition] {
			w.t.Fatalf("message %s came after %d of that partition", key, last[d.partition]-1)
		}
		if want := w.want[d.partition]; int(d.number) > len(want) || want[d.number-1] != d.id {
			w.t.Fatalf("message %s is event %s; want %v", key, d.id, want)
		}
		var e cloudEvent
		if err := json.Unmarshal([]byte(d.body), &e); err != nil || e.ID != d.id || e.Sequence != fmt.Sprint(d.number) || e.Partition != d.partition {
			w.t.Fatalf("message %s says of itself %+v, %v", key, e, err)
		}
	}
	for p, want := range w.want {
		if int(last[p]) != len(want) {
			return fmt.Errorf("%d of %d came in partition %d", last[p], len(want), p)
		}
	}
	return nil
}

type lockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lockedBuffer) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(b)
}
func (l *lockedBuffer) String() string { l.mu.Lock(); defer l.mu.Unlock(); return l.b.String() }

func write(t *testing.T, dir, name, text string) string {
	t.Helper()
	path := filepath.Join(dir, name)
	if err := os.WriteFile(path, []byte(text+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func openSecret(s string) (*standardwebhooks.Webhook, error) { return standardwebhooks.NewWebhook(s) }

// must answers a value that nothing went wrong with.
func must(t *testing.T) func(*standardwebhooks.Webhook, error) *standardwebhooks.Webhook {
	return func(w *standardwebhooks.Webhook, err error) *standardwebhooks.Webhook {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return w
	}
}

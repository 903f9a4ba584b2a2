package desk

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"tocsin/alerts"
	"tocsin/care"
	"tocsin/rules"
	"tocsin/rules/pack"
	"tocsin/streams"
	"tocsin/streams/directory"
	"tocsin/streams/event"
)

const partitions = 2

// compile is as in deploy: one for all.
var compile = pack.Remembering()

// hospital is the whole of Tocsin on a log in memory, with one desk server or several.
type hospital struct {
	stamp *atomic.Int64 // what the log stamps on records, in ms; 0: the time of day
	t     *testing.T
	log   *streams.Memory
	view  *directory.View
	asker *directory.Asker
	edge  *streams.Edge
	run   func(name string, fn func(ctx context.Context) error)
	seq   int
	*station
}

// station is one desk server with its address.
type station struct {
	server *Server
	url    string
	stop   func()
}

const localToken = "a-token-of-the-local-administrator"

func open(t *testing.T) *hospital {
	t.Helper()
	h := openBare(t)
	h.station = h.openDesk()
	h.publish()
	return h
}

// openBare is a hospital without a desk server and without packs.
func openBare(t *testing.T) *hospital {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	var parts sync.WaitGroup
	log, stamp := streams.NewMemory(partitions), new(atomic.Int64)
	log.Now = func() time.Time {
		if ms := stamp.Load(); ms != 0 {
			return time.UnixMilli(ms)
		}
		return time.Now()
	}
	h := &hospital{t: t, log: log, stamp: stamp, view: directory.NewView(log), edge: streams.OpenEdge(log, "desk-1", partitions)}
	h.asker = directory.NewAsker(h.edge, h.view, func() event.Time { return event.TimeOf(time.Now()) })
	h.run = func(name string, fn func(ctx context.Context) error) {
		parts.Go(func() {
			if err := fn(ctx); err != nil && !errors.Is(err, context.Canceled) {
				t.Errorf("%s: %v", name, err)
			}
		})
	}
	t.Cleanup(func() { cancel(); parts.Wait(); _ = h.edge.Close() })
	o := streams.OwnerOptions{Name: "test"}
	h.run("view", h.view.Run)
	h.run("registrar", func(ctx context.Context) error {
		o := o
		o.Logger = slog.New(slog.DiscardHandler)
		check := func(text string) (directory.Checked, error) {
			p, err := compile(text)
			if err != nil {
				return directory.Checked{}, err
			}
			return directory.Checked{Pack: p.ID, Version: p.Version, Signatures: p.Signatures}, nil
		}
		return directory.RunRegistrar(ctx, log, partitions, directory.Machine{Check: check}, o)
	})
	h.run("owner", func(ctx context.Context) error {
		return streams.RunOwner(ctx, log, streams.PatientPair, parts3(), o)
	})
	return h
}

func parts3() streams.Parts[streams.Three[rules.State, alerts.State, care.State], streams.Three[rules.Facts, alerts.Facts, care.Facts]] {
	return streams.Join([3]string{"rules", "alerts", "care"}, rules.Core{Compile: compile}, alerts.Core{}, care.Core{})
}

// openDesk starts a desk server over the hospital's log.
func (h *hospital) openDesk(change ...func(*Options)) *station {
	h.t.Helper()
	o := Options{
		Log: h.log, Follow: Watch(h.log, parts3(), LookAtRules), Directory: h.view, Asker: h.asker, Edge: h.edge,
		AsOf:       LookBack(h.log, parts3(), LookAtRules),
		WaitDoors:  func(ctx context.Context, position int64) error { return directory.WaitDoors(ctx, h.log, position) },
		LocalAdmin: sumOf(localToken), Version: "test",
	}
	for _, c := range change {
		c(&o)
	}
	s, err := New(o)
	if err != nil {
		h.t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() {
		defer close(done)
		if err := s.Run(ctx); err != nil && !errors.Is(err, context.Canceled) {
			h.t.Errorf("desk: %v", err)
		}
	}()
	web := httptest.NewServer(s.Handler())
	st := &station{server: s, url: web.URL}
	st.stop = sync.OnceFunc(func() { cancel(); <-done; web.CloseClientConnections(); web.Close() })
	h.t.Cleanup(st.stop)
	h.until("the desk has read the log", func() bool { return s.ward.caughtUp() })
	return st
}

func (h *hospital) publish() {
	for id, text := range pack.Library() {
		p, err := compile(text)
		if err != nil {
			h.t.Fatal(err)
		}
		if _, err := h.asker.Ask(soon(h.t), &event.PackRequested{Pack: id, Version: p.Version, Text: text, By: "test"}); err != nil {
			h.t.Fatal(err)
		}
	}
}

func soon(t *testing.T) context.Context {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	t.Cleanup(cancel)
	return ctx
}

// until waits for what has to become true.
func (h *hospital) until(what string, is func() bool) {
	h.t.Helper()
	for end := time.Now().Add(time.Minute); !is(); time.Sleep(2 * time.Millisecond) {
		if time.Now().After(end) {
			h.t.Fatalf("waited too long until %s", what)
		}
	}
}

// enrol makes a patient known, with a group.
func (h *hospital) enrol(patient, group string) {
	h.t.Helper()
	_, err := h.asker.Ask(soon(h.t), &event.EnrolRequested{Tenant: "demo", Patient: patient, Group: group, Device: "ox-" + patient, TokenSHA256: sumOf(patient), By: "test"})
	if err != nil {
		h.t.Fatal(err)
	}
	h.until(patient+" is on the board", func() bool {
		for _, r := range h.server.ward.board("demo", group) {
			if r.Patient == patient {
				return true
			}
		}
		return false
	})
}

// door writes what a door writes every few seconds.
func (h *hospital) door(name string, at time.Time) {
	h.append(event.Everyone, event.Envelope{ID: fmt.Sprintf("%s/%d", name, at.UnixNano()), Source: name, Subject: event.Everyone, At: event.TimeOf(at),
		Data: &event.DoorOpened{Door: name, ReceivedAt: event.TimeOf(at), Directory: h.view.Position()}})
}

// measure sends one oxygen saturation.
func (h *hospital) measure(patient string, spo2 int64) {
	h.seq++
	now := event.TimeOf(time.Now())
	device := "ox-" + patient
	measured := now - event.Time(max(0, 100-h.seq)) // each a little after the one before
	h.append("demo/"+patient, event.Envelope{ID: fmt.Sprintf("%s/1/%d", device, h.seq), Source: "door", Subject: "demo/" + patient, At: now,
		Data: &event.ObservationRecorded{Device: device, BootID: 1, Seq: int64(h.seq), Sequenced: true, MeasuredAt: measured, ReceivedAt: now,
			Clock: event.Clock{Quality: event.ClockOK}, Door: "door", Readings: []event.Reading{{Quantity: event.SpO2Percent, Value: event.Int(spo2)}}}})
}

func (h *hospital) append(key string, env event.Envelope) {
	h.t.Helper()
	done := make(chan error, 1)
	h.edge.Append(streams.Inputs, key, env, func(_ int32, _ int64, err error) { done <- err })
	if err := <-done; err != nil {
		h.t.Fatal(err)
	}
}

// browser is somebody with a cookie jar, or a bearer token.
type browser struct {
	t     *testing.T
	url   string
	token string
	http  *http.Client
}

func (h *hospital) browser(url string) *browser {
	jar, err := cookiejar.New(nil)
	if err != nil {
		h.t.Fatal(err)
	}
	return &browser{t: h.t, url: url, http: &http.Client{Jar: jar}}
}

// as answers a browser that sends a token of this role.
func (h *hospital) as(role, name string) *browser {
	h.t.Helper()
	token := directory.NewToken()
	if _, err := h.asker.Ask(soon(h.t), &event.TokenRequested{Token: name, SHA256: sumOf(token), Role: role, By: "test"}); err != nil {
		h.t.Fatal(err)
	}
	b := h.browser(h.url)
	b.token = token
	return b
}

// do sends a request and reads the answer into out, when it is not nil. Headers are pairs.
func (b *browser) do(method, path string, in, out any, headers ...string) (status int, raw string) {
	b.t.Helper()
	var body io.Reader
	if s, ok := in.(string); ok {
		body = strings.NewReader(s)
	} else if in != nil {
		j, err := json.Marshal(in)
		if err != nil {
			b.t.Fatal(err)
		}
		body = bytes.NewReader(j)
	}
	r, err := http.NewRequest(method, b.url+path, body)
	if err != nil {
		b.t.Fatal(err)
	}
	if in != nil {
		r.Header.Set("Content-Type", "application/json")
	}
	if b.token != "" {
		r.Header.Set("Authorization", "Bearer "+b.token)
	}
	for i := 0; i+1 < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	resp, err := b.http.Do(r)
	if err != nil {
		b.t.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		b.t.Fatal(err)
	}
	if out != nil && len(text) > 0 {
		if err := json.Unmarshal(text, out); err != nil {
			b.t.Fatalf("%s %s: %v in %s", method, path, err, text)
		}
	}
	return resp.StatusCode, string(text)
}

func (b *browser) warnings(state string) []Warning {
	b.t.Helper()
	var list struct{ Warnings []Warning }
	if status, raw := b.do("GET", "/v1/warnings?state="+state, nil, &list); status != 200 {
		b.t.Fatalf("%d %s", status, raw)
	}
	return list.Warnings
}

// click asks for something with a key, and answers the status, the warning and the problem.
func (b *browser) click(verb, id, key string, in any) (int, Warning, Problem) {
	b.t.Helper()
	var raw json.RawMessage
	status, text := b.do("POST", "/v1/warnings/"+id+"/"+verb, in, &raw, "Idempotency-Key", key)
	var w Warning
	var p Problem
	var err error
	if status == 200 {
		err = json.Unmarshal(raw, &w)
	} else {
		err = json.Unmarshal(raw, &p)
	}
	if err != nil {
		b.t.Fatalf("%v in %s", err, text)
	}
	return status, w, p
}

// heard is one server-sent event.
type heard struct{ Name, ID, Data string }

// listen opens a stream and hands out what comes, until the test ends or stop is called.
func (b *browser) listen(path, last string) (events <-chan heard, stop func()) {
	b.t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	r, err := http.NewRequestWithContext(ctx, "GET", b.url+path, nil)
	if err != nil {
		b.t.Fatal(err)
	}
	if b.token != "" {
		r.Header.Set("Authorization", "Bearer "+b.token)
	}
	if last != "" {
		r.Header.Set("Last-Event-ID", last)
	}
	resp, err := b.http.Do(r)
	if err != nil {
		b.t.Fatal(err)
	}
	if resp.StatusCode != 200 {
		b.t.Fatalf("stream: %s", resp.Status)
	}
	b.t.Cleanup(cancel)
	out := make(chan heard, 1000)
	go func() {
		defer close(out)
		defer resp.Body.Close()
		var e heard
		lines := bufio.NewScanner(resp.Body)
		lines.Buffer(nil, 16<<20)
		for lines.Scan() {
			field, value, _ := strings.Cut(lines.Text(), ": ")
			switch field {
			case "event":
				e.Name = value
			case "id":
				e.ID = value
			case "data":
				e.Data = value
			case "":
				if e.Name != "" {
					out <- e
				}
				e = heard{}
			}
		}
	}()
	return out, cancel
}

// await answers the first event that fits.
func await(t *testing.T, events <-chan heard, what string, fits func(heard) bool) heard {
	t.Helper()
	late := time.After(10 * time.Second)
	for {
		select {
		case e, ok := <-events:
			if !ok {
				t.Fatalf("the stream ended before %s", what)
			}
			if fits(e) {
				return e
			}
		case <-late:
			t.Fatalf("waited too long for %s", what)
		}
	}
}

func read[T any](t *testing.T, data string) T {
	t.Helper()
	var v T
	if err := json.Unmarshal([]byte(data), &v); err != nil {
		t.Fatalf("%v in %s", err, data)
	}
	return v
}

// failing refuses every record of a topic.
func failing(topic string, err error) func(string, int32, streams.Record) error {
	return func(t string, _ int32, _ streams.Record) error {
		if t == topic {
			return err
		}
		return nil
	}
}

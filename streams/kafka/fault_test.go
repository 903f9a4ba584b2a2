package kafka_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"

	"tocsin/deploy/embedded/broker"
	"tocsin/streams"
	"tocsin/streams/kafka"
)

func within(t *testing.T, d time.Duration) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), d)
	t.Cleanup(cancel)
	return ctx
}

func stop(t *testing.T, b *broker.Broker) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second) // in a cleanup the test's own has ended
	defer cancel()
	if err := b.Stop(ctx); err != nil {
		t.Fatal(err)
	}
}

func restart(t *testing.T, dir, addr string) *broker.Broker {
	t.Helper()
	b, err := broker.Start(broker.Options{Dir: dir, Addr: addr})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { stop(t, b) })
	return b
}

func put(t *testing.T, w streams.Writer, count int) {
	t.Helper()
	for i := range count {
		w.Append(streams.Record{Topic: streams.Inputs, Value: fmt.Append(nil, i)}, func(_ int64, err error) {
			if err != nil {
				t.Error(err)
			}
		})
	}
	if err := w.Flush(within(t, 30*time.Second)); err != nil {
		t.Fatal(err)
	}
}

// silent accepts connections and never says anything, like a broker that was stopped with SIGSTOP.
func silent(t *testing.T) string {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	go func() {
		for {
			c, err := ln.Accept()
			if err != nil {
				return
			}
			go func() { _, _ = io.Copy(io.Discard, c) }()
		}
	}()
	t.Cleanup(func() { ln.Close() })
	return ln.Addr().String()
}

// With the log gone, or silent, every Append is answered with an error in time; nothing is closed in more than 5 s.
func TestREL2_AWriterWithoutALogGivesUpInTime(t *testing.T) {
	t.Parallel()
	gone := embedded(t)
	addr := gone.Addr()
	stop(t, gone)
	for name, addr := range map[string]string{"gone": addr, "silent": silent(t)} {
		t.Run(name, func(t *testing.T) {
			w, err := open(t, kafka.Options{Brokers: []string{addr}, WriteTimeout: time.Second}).Write("test")
			if err != nil {
				t.Fatal(err)
			}
			refused(t, w, "the first", 3*time.Second)
			refused(t, w, "the next", 100*time.Millisecond)
			since := time.Now()
			if err := w.Close(); err != nil {
				t.Fatal(err)
			}
			if took := time.Since(since); took > 5*time.Second {
				t.Errorf("closing took %s", took)
			}
		})
	}
}

func refused(t *testing.T, w streams.Writer, what string, in time.Duration) {
	t.Helper()
	answer := make(chan error, 1)
	since := time.Now()
	w.Append(streams.Record{Topic: streams.Inputs, Value: []byte("a")}, func(_ int64, err error) { answer <- err })
	select {
	case err := <-answer:
		if err == nil {
			t.Fatalf("%s append succeeded without a log", what)
		}
		if took := time.Since(since); took > in {
			t.Errorf("%s append was answered after %s", what, took)
		}
	case <-time.After(30 * time.Second):
		t.Fatalf("%s append was never answered", what)
	}
}

// The records of a broker that answers again only after the writer has given up may lie in the log; what was appended
// behind them does not.
func TestAWriterThatGaveUpStaysSo(t *testing.T) {
	dir := t.TempDir()
	b := restart(t, dir, "")
	addr := b.Addr()
	l := open(t, kafka.Options{Brokers: []string{addr}, WriteTimeout: 500 * time.Millisecond})
	w, err := l.Write("test")
	if err != nil {
		t.Fatal(err)
	}
	defer w.Close()
	put(t, w, 3)
	stop(t, b)
	refused(t, w, "an", 3*time.Second)
	restart(t, dir, addr)
	refused(t, w, "a later", time.Second)
	again, err := l.Write("test")
	if err != nil {
		t.Fatal(err)
	}
	defer again.Close()
	put(t, again, 1)
	if _, next, err := l.Bounds(within(t, 10*time.Second), streams.Inputs, 0); err != nil || next > 5 {
		t.Fatalf("the log ends at %d (%v), want 4, or 5 when the record that was given up had arrived", next, err)
	}
}

// What waits for a log that is away waits, and everything closes without it.
func TestWithoutALogReadersWaitAndAllCloses(t *testing.T) {
	t.Parallel()
	b := embedded(t)
	l := open(t, kafka.Options{Brokers: []string{b.Addr()}})
	m, err := l.Join("away", streams.Inputs)
	if err != nil {
		t.Fatal(err)
	}
	all(t, m)
	old, err := l.Read(streams.Inputs, 0, 0)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := old.Next(within(t, 50*time.Millisecond)); !errors.Is(err, context.DeadlineExceeded) {
		t.Fatalf("a reader at the end: %v", err)
	}
	stop(t, b)
	fresh, err := l.Read(streams.Inputs, 0, 0)
	if err != nil {
		t.Fatal(err)
	}
	for name, r := range map[string]streams.Reader{"old": old, "fresh": fresh} {
		if _, err := r.Next(within(t, 700*time.Millisecond)); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("the %s reader without a log: %v", name, err)
		}
	}
	if err := m.Confirm(within(t, 700*time.Millisecond), 0); err == nil {
		t.Error("a partition was confirmed without a log")
	}
	since := time.Now()
	_ = m.Close() // says that it could not leave
	_, _ = old.Close(), fresh.Close()
	if took := time.Since(since); took > 8*time.Second {
		t.Errorf("closing took %s", took)
	}
}

// A broker that lost records, or another log at its address, is found out by a reader that waits at the old end.
func TestAReaderNoticesThatTheLogLostRecords(t *testing.T) {
	t.Parallel()
	for name, lose := range map[string]func(t *testing.T, dir string) string{
		"the last records": func(t *testing.T, dir string) string {
			segment := dir + "/log/partitions/inputs-0/0.dat"
			info, err := os.Stat(segment)
			if err == nil {
				err = os.Truncate(segment, info.Size()-1) // the last batch is void then
			}
			if err != nil {
				t.Fatal(err)
			}
			return dir
		},
		"the whole log": func(t *testing.T, _ string) string { return t.TempDir() },
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			b := restart(t, dir, "")
			addr := b.Addr()
			l := open(t, kafka.Options{Brokers: []string{addr}})
			w, err := l.Write("test")
			if err != nil {
				t.Fatal(err)
			}
			for range 3 {
				put(t, w, 1)
			}
			w.Close()
			r, err := l.Read(streams.Inputs, 0, 3)
			if err != nil {
				t.Fatal(err)
			}
			defer r.Close()
			if _, err := r.Next(within(t, 100*time.Millisecond)); !errors.Is(err, context.DeadlineExceeded) {
				t.Fatalf("at the end: %v", err)
			}
			stop(t, b)
			restart(t, lose(t, dir), addr)
			if got, err := r.Next(within(t, 30*time.Second)); !errors.Is(err, streams.ErrBeyond) {
				t.Fatalf("read %d records and %v, want %v", len(got), err, streams.ErrBeyond)
			}
		})
	}
}

func TestEnsureNamesEveryFault(t *testing.T) {
	c, err := kfake.NewCluster(kfake.NumBrokers(3))
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if err := c.CreateTopic(streams.Inputs, 3, nil); err != nil { // as an operator might by hand
		t.Fatal(err)
	}
	err = kafka.Ensure(within(t, 30*time.Second), c.ListenAddrs(), kafka.Security{}, 8, 3)
	for _, want := range []string{"topic inputs has 3 partitions, 8 are configured", `retention.ms is "604800000" and must be "-1"`, "kafka-configs.sh --alter"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %q in it", err, want)
		}
	}
	if strings.Contains(fmt.Sprint(err), "topic decisions") {
		t.Errorf("what Ensure made itself is not as it must be: %v", err)
	}
	if err := c.DeleteTopic(streams.Inputs); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if err := kafka.Ensure(within(t, 30*time.Second), c.ListenAddrs(), kafka.Security{}, 8, 3); err != nil {
			t.Fatal(err)
		}
	}
}

func TestCommitsAreForDisplays(t *testing.T) {
	b := embedded(t)
	l := open(t, kafka.Options{Brokers: []string{b.Addr()}})
	m, err := l.Join("lag", streams.Inputs)
	if err != nil {
		t.Fatal(err)
	}
	all(t, m)
	m.Commit(2, 41)
	m.Commit(2, 42)
	m.Commit(99, 1) // not ours: nothing
	if err := m.Close(); err != nil {
		t.Fatal(err)
	}
	cl, err := kgo.NewClient(kgo.SeedBrokers(b.Addr()))
	if err != nil {
		t.Fatal(err)
	}
	defer cl.Close()
	got, err := kadm.NewClient(cl).FetchOffsets(t.Context(), "lag")
	if err != nil {
		t.Fatal(err)
	}
	o, ok := got.Lookup(streams.Inputs, 2)
	if !ok || o.At != 42 || len(got.Offsets()[streams.Inputs]) != 1 {
		t.Fatalf("committed %v", got.Offsets())
	}
}

func TestMetricsCountForAllClientsOfALog(t *testing.T) {
	b, reg := embedded(t), prometheus.NewRegistry()
	o := kafka.Options{Brokers: []string{b.Addr()}, Registry: reg, ClientID: "monitor"}
	l, err := kafka.Open(o)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := kafka.Open(o); err == nil || !strings.Contains(err.Error(), "client id") {
		t.Errorf("a second log with the same client id: %v", err)
	}
	for range 2 {
		w, err := l.Write("test")
		if err != nil {
			t.Fatal(err)
		}
		put(t, w, 5)
		w.Close()
	}
	if n := observed(t, reg, "tocsin_streams_append_seconds", streams.Inputs); n != 10 {
		t.Errorf("%d appends were counted, want 10", n)
	}
	if n := observed(t, reg, "tocsin_streams_append_seconds", streams.Decisions); n != 0 {
		t.Errorf("%d appends to decisions were counted; the series must be there at zero", n)
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	if left, err := reg.Gather(); err != nil || len(left) != 0 {
		t.Errorf("%d metrics are left after Close (%v)", len(left), err)
	}
}

// observed is the count of a histogram for a topic; -1 when there is no such series.
func observed(t *testing.T, reg *prometheus.Registry, name, topic string) int64 {
	t.Helper()
	families, err := reg.Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range families {
		if f.GetName() != name {
			continue
		}
		for _, m := range f.GetMetric() {
			for _, l := range m.GetLabel() {
				if l.GetName() == "topic" && l.GetValue() == topic {
					return int64(m.GetHistogram().GetSampleCount())
				}
			}
		}
	}
	return -1
}

// A done that appends, to a log that is gone, with everything full: nobody waits for ever.
func TestADoneThatAppendsWithoutALogIsAnswered(t *testing.T) {
	w, err := open(t, kafka.Options{Brokers: []string{silent(t)}, WriteTimeout: 500 * time.Millisecond}).Write("test")
	if err != nil {
		t.Fatal(err)
	}
	defer w.Close()
	const many = 300 // of 256 KiB: more than a writer takes at once
	answered := make(chan error, 2*many)
	value := make([]byte, streams.MaxEventBytes)
	for i := range int32(many) {
		w.Append(streams.Record{Topic: streams.Inputs, Partition: i % 3, Value: value}, func(_ int64, err error) {
			answered <- err
			w.Append(streams.Record{Topic: streams.Decisions, Partition: i % 3, Value: value}, func(_ int64, err error) { answered <- err })
		})
	}
	for i := range 2 * many {
		select {
		case err := <-answered:
			if err == nil {
				t.Fatal("an append succeeded without a log")
			}
		case <-time.After(20 * time.Second):
			t.Fatalf("%d of %d appends were answered", i, 2*many)
		}
	}
}

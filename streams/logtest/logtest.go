// Package logtest holds the behaviour that every streams.Log has to show. Memory, the embedded broker and Apache Kafka
// run it, so that what is tested on one is true of the others.
package logtest

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"tocsin/streams"
)

// Run runs the suite. open answers a log with all topics of streams.Topics and the number of its partitions; it is
// called for each test and may answer the same cluster again: what lies in it already is passed over.
func Run(t *testing.T, open func(t *testing.T) (streams.Log, int32)) {
	for _, test := range []struct {
		name string
		run  func(t *testing.T, log streams.Log, n int32)
	}{
		{"topics have their partitions", topics},
		{"records come back as they were written", exact},
		{"one writer keeps its order", order},
		{"many writers share a partition", writers},
		{"a failure sticks to the partition", sticks},
		{"a done may append", nested},
		{"flush waits for every done", flush},
		{"a closed writer answers every done once", closedWriter},
		{"reading begins at any offset", anywhere},
		{"a waiting reader wakes", wakes},
		{"a reader outlives an ended wait", outlives},
		{"a closed reader stops waiting", closedReader},
		{"reading beyond the end is refused", beyond},
		{"reading below the beginning is refused", trimmed},
		{"three members share all partitions", share},
		{"nothing is handed over before its ack", handOver},
		{"confirm tells the owner from the others", confirm},
		{"a closed member is told nothing more", closedMember},
	} {
		t.Run(test.name, func(t *testing.T) {
			log, n := open(t)
			test.run(t, log, n)
		})
	}
}

// within is how long a wait may take before the test gives up. Nothing is asserted to be slow.
const within = 60 * time.Second

func deadline(t *testing.T) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), within)
	t.Cleanup(cancel)
	return ctx
}

func end(t *testing.T, log streams.Log, topic string, partition int32) int64 {
	t.Helper()
	_, next, err := log.Bounds(deadline(t), topic, partition)
	if err != nil {
		t.Fatalf("bounds of %s/%d: %v", topic, partition, err)
	}
	return next
}

func writer(t *testing.T, log streams.Log) streams.Writer {
	t.Helper()
	w, err := log.Write("logtest")
	if err != nil {
		t.Fatalf("open a writer: %v", err)
	}
	t.Cleanup(func() {
		if err := w.Close(); err != nil {
			t.Errorf("close a writer: %v", err)
		}
	})
	return w
}

func reader(t *testing.T, log streams.Log, topic string, partition int32, from int64) streams.Reader {
	t.Helper()
	r, err := log.Read(topic, partition, from)
	if err != nil {
		t.Fatalf("open a reader: %v", err)
	}
	t.Cleanup(func() {
		if err := r.Close(); err != nil {
			t.Errorf("close a reader: %v", err)
		}
	})
	return r
}

// append1 appends and waits for the answer.
func append1(t *testing.T, w streams.Writer, r streams.Record) (int64, error) {
	t.Helper()
	type answer struct {
		offset int64
		err    error
	}
	got := make(chan answer, 1)
	w.Append(r, func(o int64, err error) { got <- answer{o, err} })
	select {
	case a := <-got:
		return a.offset, a.err
	case <-time.After(within):
		t.Fatalf("append to %s/%d: done was not called", r.Topic, r.Partition)
		return 0, nil
	}
}

func text(topic string, partition int32, format string, args ...any) streams.Record {
	return streams.Record{Topic: topic, Partition: partition, Key: []byte("t/p"), Value: fmt.Appendf(nil, format, args...)}
}

// read answers count records from offset from on.
func read(t *testing.T, log streams.Log, topic string, partition int32, from int64, count int) []streams.Record {
	t.Helper()
	r := reader(t, log, topic, partition, from)
	var all []streams.Record
	for len(all) < count {
		got, err := r.Next(deadline(t))
		if err != nil {
			t.Fatalf("read %s/%d after %d records: %v", topic, partition, len(all), err)
		}
		if len(got) == 0 {
			t.Fatal("Next answered no records and no error")
		}
		all = append(all, got...)
	}
	return all
}

// firstError is what reading from an offset that is not there says, at Read or at the first Next.
func firstError(t *testing.T, log streams.Log, topic string, partition int32, from int64) error {
	t.Helper()
	r, err := log.Read(topic, partition, from)
	if err != nil {
		return err
	}
	defer r.Close()
	got, err := r.Next(deadline(t))
	if err == nil {
		t.Fatalf("reading from %d answered %d records", from, len(got))
	}
	if _, again := r.Next(deadline(t)); again == nil {
		t.Fatal("a reader went on after an error")
	}
	return err
}

// dones counts what was called back, in order.
type dones struct {
	mu      sync.Mutex
	offsets map[int32][]int64
	errs    []error
	calls   map[int]int
}

func newDones() *dones { return &dones{offsets: map[int32][]int64{}, calls: map[int]int{}} }

func (d *dones) of(partition int32, number int) func(int64, error) {
	return func(o int64, err error) {
		d.mu.Lock()
		defer d.mu.Unlock()
		d.calls[number]++
		if err != nil {
			d.errs = append(d.errs, err)
			return
		}
		d.offsets[partition] = append(d.offsets[partition], o)
	}
}

// eventually waits for a condition.
func eventually(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for until := time.Now().Add(within); !ok(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(until) {
			t.Fatalf("not within %s: %s", within, what)
		}
	}
}

func wantErr(t *testing.T, what string, got, want error) {
	t.Helper()
	if !errors.Is(got, want) {
		t.Fatalf("%s: %v, want %v", what, got, want)
	}
}

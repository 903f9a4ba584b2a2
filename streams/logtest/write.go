package logtest

import (
	"bytes"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"tocsin/streams"
	"tocsin/streams/event"
)

func topics(t *testing.T, log streams.Log, n int32) {
	for _, topic := range streams.Topics {
		got, err := log.Partitions(deadline(t), topic.Name)
		if err != nil || got != topic.Count(n) {
			t.Errorf("%s has %d partitions (%v), want %d", topic.Name, got, err, topic.Count(n))
		}
		if first, next, err := log.Bounds(deadline(t), topic.Name, topic.Count(n)-1); err != nil || first > next || first < 0 {
			t.Errorf("bounds of %s: %d to %d (%v)", topic.Name, first, next, err)
		}
	}
	if got, err := log.Partitions(deadline(t), "no-such-topic"); err == nil {
		t.Errorf("an absent topic has %d partitions", got)
	}
	if _, _, err := log.Bounds(deadline(t), "no-such-topic", 0); err == nil {
		t.Error("an absent topic has bounds")
	}
	if err := firstError(t, log, "no-such-topic", 0, 0); err == nil {
		t.Error("an absent topic can be read")
	}
}

func exact(t *testing.T, log streams.Log, n int32) {
	large := make([]byte, streams.MaxEventBytes)
	for i := range large {
		large[i] = byte(i * i >> 3)
	}
	written := []streams.Record{
		{Key: []byte("hospital/P-0113"), Value: []byte(`{"a":1}`), Headers: []event.Header{{Key: "ce_id", Value: []byte("1")}, {Key: "ce_type", Value: []byte("x")}}},
		{Key: nil, Value: nil},
		{Key: []byte{}, Value: []byte{}},
		{Key: []byte{0, 255, '\n'}, Value: []byte{0xff, 0xfe, 0}, Headers: []event.Header{{Key: "twice", Value: []byte("a")}, {Key: "twice", Value: []byte("b")}}},
		{Key: []byte("no value in a header"), Headers: []event.Header{{Key: "", Value: nil}, {Key: "empty", Value: []byte{}}}},
		{Key: []byte("large"), Value: large},
		{Key: []byte("after the large one"), Value: []byte("small")},
	}
	p := n - 1
	from, w, before := end(t, log, streams.Inputs, p), writer(t, log), time.Now().Add(-time.Second)
	for i, r := range written {
		r.Topic, r.Partition = streams.Inputs, p
		if o, err := append1(t, w, r); err != nil || o != from+int64(i) {
			t.Fatalf("record %d: offset %d, %v, want %d", i, o, err, from+int64(i))
		}
	}
	for i, got := range read(t, log, streams.Inputs, p, from, len(written)) {
		want := written[i]
		if got.Topic != streams.Inputs || got.Partition != p || got.Offset != from+int64(i) {
			t.Errorf("record %d lies at %s/%d/%d", i, got.Topic, got.Partition, got.Offset)
		}
		if !same(got.Key, want.Key) || !same(got.Value, want.Value) || !sameHeaders(got.Headers, want.Headers) {
			t.Errorf("record %d: %.60q %.60q %v, want %.60q %.60q %v", i, got.Key, got.Value, got.Headers, want.Key, want.Value, want.Headers)
		}
		if at := time.UnixMilli(got.AppendMs); at.Before(before) || at.After(time.Now().Add(time.Second)) {
			t.Errorf("record %d was appended at %s", i, at)
		}
	}
}

// same tells nothing from empty: a log keeps the difference.
func same(a, b []byte) bool { return bytes.Equal(a, b) && (a == nil) == (b == nil) }

func sameHeaders(a, b []event.Header) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range a {
		if a[i].Key != b[i].Key || !same(a[i].Value, b[i].Value) {
			return false
		}
	}
	return true
}

func order(t *testing.T, log streams.Log, n int32) {
	const each = 1500
	from := make([]int64, n)
	for p := range n {
		from[p] = end(t, log, streams.Decisions, p)
	}
	w, d := writer(t, log), newDones()
	for i := range each {
		for p := range n {
			w.Append(text(streams.Decisions, p, "%d", i), d.of(p, i*int(n)+int(p)))
		}
	}
	if err := w.Flush(deadline(t)); err != nil {
		t.Fatal(err)
	}
	d.once(t, each*int(n))
	for p := range n {
		for i, o := range d.offsets[p] {
			if o != from[p]+int64(i) {
				t.Fatalf("partition %d: done %d has offset %d, want %d", p, i, o, from[p]+int64(i))
			}
		}
		for i, r := range read(t, log, streams.Decisions, p, from[p], each) {
			if want := fmt.Sprint(i); string(r.Value) != want || r.Offset != from[p]+int64(i) {
				t.Fatalf("partition %d, offset %d holds %s, want %s", p, r.Offset, r.Value, want)
			}
		}
	}
}

func (d *dones) once(t *testing.T, want int) {
	t.Helper()
	d.mu.Lock()
	defer d.mu.Unlock()
	if len(d.errs) > 0 {
		t.Fatalf("%d appends failed, the first: %v", len(d.errs), d.errs[0])
	}
	if len(d.calls) != want {
		t.Fatalf("%d dones were called, want %d", len(d.calls), want)
	}
	for number, calls := range d.calls {
		if calls != 1 {
			t.Fatalf("the done of record %d was called %d times", number, calls)
		}
	}
}

func writers(t *testing.T, log streams.Log, _ int32) {
	const many, each = 6, 150
	from := end(t, log, streams.Inputs, 0)
	var wg sync.WaitGroup
	for i := range many {
		w := writer(t, log)
		wg.Go(func() {
			for k := range each {
				w.Append(text(streams.Inputs, 0, "%d %d", i, k), nil)
			}
			if err := w.Flush(deadline(t)); err != nil {
				t.Errorf("writer %d: %v", i, err)
			}
		})
	}
	wg.Wait()
	next := make([]int, many)
	for _, r := range read(t, log, streams.Inputs, 0, from, many*each) {
		var i, k int
		if _, err := fmt.Sscan(string(r.Value), &i, &k); err != nil {
			t.Fatal(err)
		}
		if k != next[i] {
			t.Fatalf("writer %d: record %d came where %d was due", i, k, next[i])
		}
		next[i]++
	}
	if got := end(t, log, streams.Inputs, 0); got != from+many*each {
		t.Fatalf("the log ends at %d, want %d", got, from+many*each)
	}
}

func sticks(t *testing.T, log streams.Log, n int32) {
	from, w, d := end(t, log, streams.Inputs, 0), writer(t, log), newDones()
	var mu sync.Mutex
	var got []string
	note := func(name string) func(int64, error) {
		return func(_ int64, err error) {
			mu.Lock()
			defer mu.Unlock()
			got = append(got, fmt.Sprint(name, " ", err == nil))
		}
	}
	w.Append(text(streams.Inputs, 0, "before"), note("before"))
	w.Append(streams.Record{Topic: streams.Inputs, Value: make([]byte, 2<<20)}, note("too large"))
	for range 20 {
		w.Append(text(streams.Inputs, 0, "behind"), note("behind"))
	}
	w.Append(text(streams.Inputs, n-1, "elsewhere"), d.of(n-1, 0))
	if err := w.Flush(deadline(t)); err != nil {
		t.Fatal(err)
	}
	w.Append(text(streams.Inputs, 0, "much later"), note("much later"))
	if err := w.Flush(deadline(t)); err != nil {
		t.Fatal(err)
	}
	if n > 1 {
		d.once(t, 1)
	}
	mu.Lock()
	if want := []string{"before true", "too large false", "behind false"}; len(got) != 23 || !slices.Equal(got[:3], want) || got[22] != "much later false" {
		t.Fatalf("dones: %v", got)
	}
	mu.Unlock()
	if o, err := append1(t, writer(t, log), text(streams.Inputs, 0, "anew")); err != nil {
		t.Fatalf("a new writer: %d, %v", o, err)
	}
	all := read(t, log, streams.Inputs, 0, from, 2)
	if len(all) != 2 || string(all[0].Value) != "before" || string(all[1].Value) != "anew" {
		t.Fatalf("the log holds %d records, %s …: something behind the failure landed", len(all), all[1].Value)
	}
}

func nested(t *testing.T, log streams.Log, _ int32) {
	const depth = 5
	w := writer(t, log)
	ended := make(chan error, 1)
	var next func(left int) func(int64, error)
	next = func(left int) func(int64, error) {
		return func(_ int64, err error) {
			if err != nil || left == 0 {
				ended <- err
				return
			}
			w.Append(text(streams.Inputs, 0, "left %d", left), next(left-1))
		}
	}
	w.Append(text(streams.Inputs, 0, "first"), next(depth))
	select {
	case err := <-ended:
		if err != nil {
			t.Fatal(err)
		}
	case <-time.After(within):
		t.Fatal("an append from a done hangs")
	}
}

func flush(t *testing.T, log streams.Log, n int32) {
	w, d := writer(t, log), newDones()
	if err := w.Flush(deadline(t)); err != nil {
		t.Fatalf("flush of nothing: %v", err)
	}
	for i := range 300 {
		p := int32(i) % n
		w.Append(text(streams.Rejected, p, "%d", i), d.of(p, i))
	}
	if err := w.Flush(deadline(t)); err != nil {
		t.Fatal(err)
	}
	d.once(t, 300)
}

func closedWriter(t *testing.T, log streams.Log, n int32) {
	w, err := log.Write("logtest")
	if err != nil {
		t.Fatal(err)
	}
	d := newDones()
	for i := range 2000 {
		p := int32(i) % n
		w.Append(text(streams.Rejected, p, "%d", i), d.of(p, i))
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatalf("a second close: %v", err)
	}
	d.mu.Lock()
	for i := range 2000 {
		if d.calls[i] != 1 {
			t.Fatalf("the done of record %d was called %d times", i, d.calls[i])
		}
	}
	for _, err := range d.errs {
		wantErr(t, "given up", err, streams.ErrClosed)
	}
	d.mu.Unlock()
	_, err = append1(t, w, text(streams.Rejected, 0, "late"))
	wantErr(t, "append to a closed writer", err, streams.ErrClosed)
}

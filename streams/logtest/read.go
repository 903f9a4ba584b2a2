package logtest

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"tocsin/streams"
)

// fill appends count records to a partition and answers the offset of the first.
func fill(t *testing.T, log streams.Log, topic string, partition int32, count int) int64 {
	t.Helper()
	from, w := end(t, log, topic, partition), writer(t, log)
	for i := range count {
		w.Append(text(topic, partition, "%d", i), nil)
	}
	if err := w.Flush(deadline(t)); err != nil {
		t.Fatal(err)
	}
	if got := end(t, log, topic, partition); got != from+int64(count) {
		t.Fatalf("%s/%d ends at %d, want %d", topic, partition, got, from+int64(count))
	}
	return from
}

func anywhere(t *testing.T, log streams.Log, _ int32) {
	const count = 12
	from := fill(t, log, streams.Checkpoints, 0, count)
	for i := range count {
		all := read(t, log, streams.Checkpoints, 0, from+int64(i), count-i)
		for k, r := range all {
			if want := fmt.Sprint(i + k); string(r.Value) != want || r.Offset != from+int64(i+k) {
				t.Fatalf("from %d: record %d is %s at %d, want %s", i, k, r.Value, r.Offset, want)
			}
		}
		if len(all) != count-i {
			t.Fatalf("from %d: %d records, want %d", i, len(all), count-i)
		}
	}
}

func wakes(t *testing.T, log streams.Log, _ int32) {
	r := reader(t, log, streams.Inputs, 0, end(t, log, streams.Inputs, 0))
	w := writer(t, log)
	var took []time.Duration
	for i := range 30 {
		type result struct {
			records []streams.Record
			err     error
		}
		got := make(chan result, 1)
		go func() {
			records, err := r.Next(deadline(t))
			got <- result{records, err}
		}()
		since := time.Now()
		if _, err := append1(t, w, text(streams.Inputs, 0, "%d", i)); err != nil {
			t.Fatal(err)
		}
		g := <-got
		took = append(took, time.Since(since))
		if g.err != nil || len(g.records) != 1 || string(g.records[0].Value) != fmt.Sprint(i) {
			t.Fatalf("woke with %d records, %v", len(g.records), g.err)
		}
	}
	slices.Sort(took)
	t.Logf("append to a waiting reader's waking: median %s, slowest %s", took[len(took)/2], took[len(took)-1])
}

func outlives(t *testing.T, log streams.Log, _ int32) {
	r := reader(t, log, streams.Inputs, 0, end(t, log, streams.Inputs, 0))
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Millisecond)
	defer cancel()
	_, err := r.Next(ctx)
	wantErr(t, "waiting at the end", err, context.DeadlineExceeded)
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	_, err = r.Next(gone)
	wantErr(t, "waiting with an ended context", err, context.Canceled)
	if _, err := append1(t, writer(t, log), text(streams.Inputs, 0, "still here")); err != nil {
		t.Fatal(err)
	}
	if got, err := r.Next(deadline(t)); err != nil || string(got[0].Value) != "still here" {
		t.Fatalf("the next wait: %d records, %v", len(got), err)
	}
}

func closedReader(t *testing.T, log streams.Log, _ int32) {
	r := reader(t, log, streams.Inputs, 0, end(t, log, streams.Inputs, 0))
	got := make(chan error, 1)
	go func() {
		_, err := r.Next(deadline(t))
		got <- err
	}()
	time.Sleep(20 * time.Millisecond) // most often it waits by now; right either way
	if err := r.Close(); err != nil {
		t.Fatal(err)
	}
	wantErr(t, "a reader that was waiting", <-got, streams.ErrClosed)
	_, err := r.Next(deadline(t))
	wantErr(t, "a closed reader", err, streams.ErrClosed)
}

func beyond(t *testing.T, log streams.Log, _ int32) {
	from := fill(t, log, streams.Directory, 0, 3)
	wantErr(t, "one beyond the end", firstError(t, log, streams.Directory, 0, from+4), streams.ErrBeyond)
	wantErr(t, "far beyond the end", firstError(t, log, streams.Directory, 0, from+1<<40), streams.ErrBeyond)
	if _, err := log.Read(streams.Directory, 0, -1); err == nil {
		t.Fatal("reading from -1 was taken")
	}
}

// trimmed is for logs that can be trimmed by one call.
func trimmed(t *testing.T, log streams.Log, _ int32) {
	l, ok := log.(interface {
		Trim(topic string, partition int32, before int64) error
	})
	if !ok {
		t.Skip("this log cannot be trimmed")
	}
	from := fill(t, log, streams.DirectoryInputs, 0, 10)
	if err := l.Trim(streams.DirectoryInputs, 0, from+4); err != nil {
		t.Fatal(err)
	}
	if first, next, err := log.Bounds(deadline(t), streams.DirectoryInputs, 0); err != nil || first != from+4 || next != from+10 {
		t.Fatalf("bounds after the trim: %d to %d (%v), want %d to %d", first, next, err, from+4, from+10)
	}
	wantErr(t, "below the beginning", firstError(t, log, streams.DirectoryInputs, 0, from+3), streams.ErrTrimmed)
	if all := read(t, log, streams.DirectoryInputs, 0, from+4, 6); len(all) != 6 || string(all[0].Value) != "4" {
		t.Fatalf("read %d records after the trim, %s …", len(all), all[0].Value)
	}
	if err := l.Trim(streams.DirectoryInputs, 0, from+11); !errors.Is(err, streams.ErrBeyond) {
		t.Fatalf("a trim beyond the end: %v", err)
	}
}

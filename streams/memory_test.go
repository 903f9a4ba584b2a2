package streams

import (
	"context"
	"errors"
	"slices"
	"testing"
	"time"
)

func put(w Writer, topic string, partition int32, value string) (offset int64, err error) {
	offset, err = -2, errors.New("done was not called before Append returned")
	w.Append(Record{Topic: topic, Partition: partition, Value: []byte(value)}, func(o int64, e error) { offset, err = o, e })
	return offset, err
}

func TestMemoryAnswersBeforeAppendReturns(t *testing.T) {
	m := NewMemory(2)
	w, _ := m.Write("test")
	for want := range int64(3) {
		if o, err := put(w, Inputs, 1, "a"); err != nil || o != want {
			t.Fatalf("append %d: offset %d, %v", want, o, err)
		}
	}
	if n := len(m.Records(Inputs, 1)); n != 3 {
		t.Fatalf("%d records, want 3", n)
	}
}

func TestMemoryDoneMayAppend(t *testing.T) {
	m := NewMemory(1)
	w, _ := m.Write("test")
	var got []string
	say := func(s string) func(int64, error) { return func(int64, error) { got = append(got, s) } }
	w.Append(Record{Topic: Inputs}, func(int64, error) {
		w.Append(Record{Topic: Inputs}, say("inner"))
		got = append(got, "outer")
	})
	if !slices.Equal(got, []string{"outer", "inner"}) {
		t.Fatalf("order of done: %v", got)
	}
}

func TestMemoryFailureSticks(t *testing.T) {
	m := NewMemory(2)
	w, _ := m.Write("test")
	broken := errors.New("disk full")
	m.FailAppends(func(_ string, p int32, _ Record) error {
		if p == 0 {
			return broken
		}
		return nil
	})
	if _, err := put(w, Inputs, 0, "a"); !errors.Is(err, broken) {
		t.Fatalf("first append: %v", err)
	}
	m.FailAppends(nil)
	if _, err := put(w, Inputs, 0, "b"); !errors.Is(err, broken) {
		t.Fatalf("append after a failure: %v", err)
	}
	if _, err := put(w, Inputs, 1, "c"); err != nil {
		t.Fatalf("another partition: %v", err)
	}
	again, _ := m.Write("test")
	if o, err := put(again, Inputs, 0, "b"); err != nil || o != 0 {
		t.Fatalf("a new writer: offset %d, %v", o, err)
	}
}

func TestMemoryHoldsAcknowledgements(t *testing.T) {
	m := NewMemory(1)
	w, _ := m.Write("test")
	m.Hold(Inputs, 0)
	var got []int64
	for range 2 {
		w.Append(Record{Topic: Inputs}, func(o int64, err error) { got = append(got, o) })
	}
	if len(got) != 0 || len(m.Records(Inputs, 0)) != 2 {
		t.Fatalf("held: %v acknowledged, %d in the log", got, len(m.Records(Inputs, 0)))
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
	defer cancel()
	if err := w.Flush(ctx); !errors.Is(err, context.DeadlineExceeded) {
		t.Fatalf("flush while held: %v", err)
	}
	m.Release(Inputs, 0)
	if !slices.Equal(got, []int64{0, 1}) {
		t.Fatalf("released: %v", got)
	}
	m.Hold(Inputs, 0)
	var late error
	w.Append(Record{Topic: Inputs}, func(_ int64, err error) { late = err })
	if err := w.Close(); err != nil || !errors.Is(late, ErrClosed) || len(m.Records(Inputs, 0)) != 3 {
		t.Fatalf("closed while held: %v, %v, %d in the log", err, late, len(m.Records(Inputs, 0)))
	}
}

func TestMemoryTrimsAndLoses(t *testing.T) {
	m := NewMemory(1)
	w, _ := m.Write("test")
	for range 4 {
		_, _ = put(w, Inputs, 0, "a")
	}
	r, _ := m.Read(Inputs, 0, 1)
	if err := m.Trim(Inputs, 0, 2); err != nil {
		t.Fatal(err)
	}
	if _, err := r.Next(t.Context()); !errors.Is(err, ErrTrimmed) {
		t.Fatalf("read below the beginning: %v", err)
	}
	r, _ = m.Read(Inputs, 0, 2)
	if got, err := r.Next(t.Context()); err != nil || len(got) != 2 || got[0].Offset != 2 {
		t.Fatalf("read after a trim: %v, %v", got, err)
	}
	if err := m.Lose(Inputs, 0, 3); err != nil {
		t.Fatal(err)
	}
	if _, err := r.Next(t.Context()); !errors.Is(err, ErrBeyond) {
		t.Fatalf("read where the log lost records: %v", err)
	}
}

// A member that is paused past its session loses everything at once, and is told so before it gets anything again.
func TestMemoryExpires(t *testing.T) {
	m := NewMemory(2)
	a, _ := m.Join("g", Inputs)
	first, _ := a.Next(t.Context())
	b, _ := m.Join("g", Inputs)
	m.Expire(a)
	got, _ := b.Next(t.Context())
	if !slices.Equal(first.Partitions, []int32{0, 1}) || !slices.Equal(got.Partitions, []int32{0, 1}) {
		t.Fatalf("a had %v, b has %v", first.Partitions, got.Partitions)
	}
	if err := a.Confirm(t.Context(), 0); !errors.Is(err, ErrNotOurs) {
		t.Fatalf("the paused member believes in partition 0: %v", err)
	}
	lost, _ := a.Next(t.Context())
	if len(lost.Partitions) != 0 {
		t.Fatalf("told of %v, want nothing left", lost.Partitions)
	}
	lost.Ack()
	less, _ := b.Next(t.Context())
	if err := a.Confirm(t.Context(), 1); !errors.Is(err, ErrNotOurs) {
		t.Fatalf("given before b has stopped: %v", err)
	}
	less.Ack()
	back, _ := a.Next(t.Context())
	if !slices.Equal(less.Partitions, []int32{0}) || !slices.Equal(back.Partitions, []int32{1}) {
		t.Fatalf("b keeps %v, a gets %v", less.Partitions, back.Partitions)
	}
}

package logtest

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"tocsin/streams"
)

var groups atomic.Int64

// group answers a name that no test has used, on this cluster or another.
func group() string { return fmt.Sprintf("logtest-%d-%d", time.Now().UnixNano(), groups.Add(1)) }

func join(t *testing.T, log streams.Log, name string) streams.Membership {
	t.Helper()
	m, err := log.Join(name, streams.Inputs)
	if err != nil {
		t.Fatalf("join: %v", err)
	}
	t.Cleanup(func() { _ = m.Close() })
	return m
}

func next(t *testing.T, m streams.Membership) streams.Assignment {
	t.Helper()
	a, err := m.Next(deadline(t))
	if err != nil {
		t.Fatalf("next assignment: %v", err)
	}
	return a
}

// until takes assignments, acknowledging each, until the member has count partitions.
func until(t *testing.T, m streams.Membership, count int) []int32 {
	t.Helper()
	for {
		a := next(t, m)
		a.Ack()
		if len(a.Partitions) == count {
			return a.Partitions
		}
	}
}

// worker is a member that works on what it has: it notes when it begins and ends a partition.
type worker struct {
	name string
	m    streams.Membership
	has  []int32
	done chan struct{}
}

// floor is where all workers meet: no partition may have two.
type floor struct {
	t  *testing.T
	mu sync.Mutex
	at map[int32]string
}

func (f *floor) enter(name string, p int32) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if who := f.at[p]; who != "" {
		f.t.Errorf("%s was given partition %d while %s still has it", name, p, who)
	}
	f.at[p] = name
}

func (f *floor) leave(p int32) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.at[p] = ""
}

// covered tells whether exactly these members share all n partitions, as evenly as can be.
func (f *floor) covered(n int32, names ...string) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	has := map[string]int{}
	for p := range n {
		has[f.at[p]]++
	}
	if len(has) != min(len(names), int(n)) {
		return false
	}
	for name, count := range has {
		if !slices.Contains(names, name) || count > (int(n)+len(names)-1)/len(names) {
			return false
		}
	}
	return true
}

func (f *floor) work(log streams.Log, group, name string) *worker {
	w := &worker{name: name, m: join(f.t, log, group), done: make(chan struct{})}
	ctx := f.t.Context()
	go func() {
		defer close(w.done)
		for {
			a, err := w.m.Next(ctx)
			if err != nil {
				if !errors.Is(err, streams.ErrClosed) && ctx.Err() == nil {
					f.t.Errorf("%s: %v", name, err)
				}
				return
			}
			for _, p := range w.has {
				if !slices.Contains(a.Partitions, p) {
					time.Sleep(5 * time.Millisecond) // stopping takes a while; whoever comes too early is seen
					f.leave(p)
				}
			}
			a.Ack()
			for _, p := range a.Partitions {
				if !slices.Contains(w.has, p) {
					f.enter(name, p)
				}
			}
			w.has = a.Partitions
		}
	}()
	return w
}

// stop leaves the floor and then the group.
func (f *floor) stop(w *worker) {
	f.mu.Lock()
	for p, who := range f.at {
		if who == w.name {
			f.at[p] = ""
		}
	}
	f.mu.Unlock()
	if err := w.m.Close(); err != nil {
		f.t.Errorf("%s leaves: %v", w.name, err)
	}
	<-w.done
}

func share(t *testing.T, log streams.Log, n int32) {
	f, g := &floor{t: t, at: map[int32]string{}}, group()
	a := f.work(log, g, "a")
	eventually(t, "a has all", func() bool { return f.covered(n, "a") })
	b := f.work(log, g, "b")
	eventually(t, "a and b share", func() bool { return f.covered(n, "a", "b") })
	c := f.work(log, g, "c")
	eventually(t, "a, b and c share", func() bool { return f.covered(n, "a", "b", "c") })
	f.stop(b)
	eventually(t, "a and c share", func() bool { return f.covered(n, "a", "c") })
	b = f.work(log, g, "b")
	f.stop(a) // while b is on its way
	eventually(t, "b and c share", func() bool { return f.covered(n, "b", "c") })
	f.stop(c)
	eventually(t, "b has all", func() bool { return f.covered(n, "b") })
	f.stop(b)
}

func handOver(t *testing.T, log streams.Log, n int32) {
	if n < 2 {
		t.Skip("one partition is not shared")
	}
	g := group()
	a := join(t, log, g)
	until(t, a, int(n))
	b := join(t, log, g)
	less := next(t, a)
	if len(less.Partitions) != int(n)-int(n)/2 && len(less.Partitions) != int(n)/2 {
		t.Fatalf("a keeps %v of %d", less.Partitions, n)
	}
	var moved int32
	for slices.Contains(less.Partitions, moved) {
		moved++
	}
	ctx, cancel := context.WithTimeout(t.Context(), 1500*time.Millisecond)
	defer cancel()
	if early, err := b.Next(ctx); err == nil && len(early.Partitions) > 0 {
		t.Fatalf("b was given %v before a has acknowledged", early.Partitions)
	}
	wantErr(t, "b confirms what a has not let go", b.Confirm(deadline(t), moved), streams.ErrNotOurs)
	less.Ack()
	got := until(t, b, int(n)-len(less.Partitions))
	if !slices.Contains(got, moved) {
		t.Fatalf("b was given %v, want %d among them", got, moved)
	}
	settled(t, b, moved)
	wantErr(t, "a confirms what it let go", a.Confirm(deadline(t), moved), streams.ErrNotOurs)
	settled(t, a, less.Partitions[0])
}

// settled waits until the coordinator confirms: while a group shares out anew it may say no for a moment.
func settled(t *testing.T, m streams.Membership, p int32) {
	t.Helper()
	eventually(t, fmt.Sprintf("partition %d is confirmed", p), func() bool {
		err := m.Confirm(deadline(t), p)
		if err != nil && !errors.Is(err, streams.ErrNotOurs) {
			t.Fatalf("confirm partition %d: %v", p, err)
		}
		return err == nil
	})
}

func confirm(t *testing.T, log streams.Log, n int32) {
	g := group()
	a := join(t, log, g)
	wantErr(t, "before any assignment", a.Confirm(deadline(t), n), streams.ErrNotOurs)
	until(t, a, int(n))
	for p := range n {
		settled(t, a, p)
		a.Commit(p, int64(p)+7) // for displays alone: nothing below may come of it
	}
	wantErr(t, "a partition that is not there", a.Confirm(deadline(t), n), streams.ErrNotOurs)
	if err := a.Close(); err != nil {
		t.Fatal(err)
	}
	b := join(t, log, g)
	until(t, b, int(n))
	settled(t, b, 0)
	wantErr(t, "after leaving", a.Confirm(deadline(t), 0), streams.ErrClosed)
	// Positions are never taken from the group: a reader begins where it is told.
	from := fill(t, log, streams.Inputs, 0, 2)
	if got := read(t, log, streams.Inputs, 0, from, 2); got[0].Offset != from {
		t.Fatalf("reading began at %d, want %d", got[0].Offset, from)
	}
}

func closedMember(t *testing.T, log streams.Log, n int32) {
	m := join(t, log, group())
	until(t, m, int(n))
	got := make(chan error, 1)
	go func() {
		_, err := m.Next(deadline(t))
		got <- err
	}()
	if err := m.Close(); err != nil {
		t.Fatal(err)
	}
	wantErr(t, "a member that was waiting", <-got, streams.ErrClosed)
	wantErr(t, "a closed member", m.Confirm(deadline(t), 0), streams.ErrClosed)
	if err := m.Close(); err != nil {
		t.Fatalf("a second close: %v", err)
	}
}

package streams_test

import (
	"bytes"
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"tocsin/streams"
	"tocsin/streams/event"
)

// ward is a log in memory with whoever writes to it and owns it, in virtual time.
type ward struct {
	t    *testing.T
	log  *streams.Memory
	edge *streams.Edge
	n    int32
	wg   sync.WaitGroup
}

func newWard(t *testing.T, n int32) *ward {
	log := streams.NewMemory(n)
	return &ward{t: t, log: log, n: n, edge: streams.OpenEdge(log, "gateway/test", n)}
}

func (w *ward) send(e event.Envelope) {
	w.t.Helper()
	failed := make(chan error, 1)
	w.edge.Append(streams.Inputs, e.Subject, e, func(_ int32, _ int64, err error) { failed <- err })
	if err := <-failed; err != nil {
		w.t.Fatal(err)
	}
}

func (w *ward) now() event.Time { return event.TimeOf(time.Now()) }

// own starts an owner; the answer stops it in order.
func (w *ward) own(log streams.Log, name string) (stop func()) {
	ctx, cancel := context.WithCancel(w.t.Context())
	ended := make(chan struct{})
	var lives atomic.Int64
	w.wg.Go(func() {
		defer close(ended)
		err := streams.RunOwner(ctx, log, streams.PatientPair, toyParts(), streams.OwnerOptions{Name: name, Life: func() string { return fmt.Sprint(name, "-", lives.Add(1)) }})
		if err != nil {
			w.t.Errorf("owner %s: %v", name, err)
		}
	})
	return func() { cancel(); <-ended }
}

// folds reads a partition to its end and answers what its readers make of it: applied as recorded, and decided again.
func (w *ward) folds(p int32) (applied, again string, steps []*streams.Step) {
	w.t.Helper()
	var inputs []streams.Input
	for _, r := range w.log.Records(streams.Inputs, p) {
		in, err := streams.DecodeInput(r)
		if err != nil {
			w.t.Fatal(err)
		}
		inputs = append(inputs, in)
	}
	a, b := streams.NewReplica(toyParts(), streams.PatientPair, p), streams.NewReplica(toyParts(), streams.PatientPair, p)
	reading := streams.NewSteps(streams.Beginning)
	for _, r := range w.log.Records(streams.Decisions, p) {
		step, err := reading.Read(r)
		if err != nil {
			w.t.Fatal(err)
		}
		if step == nil {
			continue
		}
		steps = append(steps, step)
		in := inputs[step.Close.Inputs.From:step.Close.Inputs.Next]
		if err := apply(a, step, in); err != nil {
			w.t.Fatal(err)
		}
		if err := redecide(b, step, in); err != nil {
			w.t.Fatal(err)
		}
	}
	if a.Input() != int64(len(inputs)) {
		w.t.Errorf("partition %d: %d of %d inputs are settled", p, a.Input(), len(inputs))
	}
	return dump(w.t, a), dump(w.t, b), steps
}

func dump(t *testing.T, r *streams.Replica[toyState, toyFacts]) string {
	t.Helper()
	b, err := r.Dump()
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// follow answers what a follower that starts now makes of a partition once it has caught up.
func (w *ward) follow(p int32) string {
	w.t.Helper()
	ctx, cancel := context.WithCancel(w.t.Context())
	defer cancel()
	seen := ""
	err := streams.Follow(ctx, w.log, streams.PatientPair, p, toyParts(), func(c streams.Change[toyState, toyFacts]) error {
		if c.CaughtUp {
			seen = dump(w.t, c.Replica)
			cancel()
		}
		return nil
	})
	if seen == "" {
		w.t.Fatalf("following partition %d: %v", p, err)
	}
	return seen
}

func (w *ward) check() {
	w.t.Helper()
	for p := range w.n {
		applied, again, _ := w.folds(p)
		if applied != again {
			w.t.Errorf("partition %d: applied\n%s\ndecided again\n%s", p, applied, again)
		}
		if followed := w.follow(p); followed != applied {
			w.t.Errorf("partition %d: followed from a checkpoint\n%s\nfolded from the beginning\n%s", p, followed, applied)
		}
	}
}

func (w *ward) readings(patients, each int, every time.Duration) {
	for i := range each {
		w.send(door(w.now()))
		for p := range patients {
			w.send(reading(fmt.Sprint("p", p), 1, int64(i), 70, w.now()))
		}
		time.Sleep(every)
	}
}

func TestREL7_OwnerRestoresToTheSameBytes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWard(t, 2)
		stop := w.own(w.log, "a")
		w.readings(10, 5, 10*time.Second)
		stop()
		w.check()
		stop = w.own(w.log, "b") // goes on from the round that a wrote when it stopped
		w.readings(10, 5, 10*time.Second)
		time.Sleep(2 * time.Second)
		stop()
		w.check()
		w.wg.Wait()
	})
}

func TestPartitionsAreSharedOutAndHandedOver(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWard(t, 4)
		stops := []func(){w.own(w.log, "a")}
		w.readings(20, 3, 5*time.Second)
		stops = append(stops, w.own(w.log, "b"), w.own(w.log, "c"))
		w.readings(20, 3, 5*time.Second)
		stops[0]()
		w.readings(20, 3, 5*time.Second)
		stops[2]()
		w.readings(20, 3, 5*time.Second)
		time.Sleep(5 * time.Second)
		stops[1]()
		w.check()
		w.wg.Wait()
	})
}

// greedy gives every member every partition and confirms everything: owners that all believe that a partition is theirs.
type greedy struct{ streams.Log }

type greedyMember struct {
	given  bool
	n      int32
	closed chan struct{}
}

func (g greedy) Join(_, topic string) (streams.Membership, error) {
	n, err := g.Partitions(context.Background(), topic)
	return &greedyMember{n: n, closed: make(chan struct{})}, err
}

func (m *greedyMember) Next(ctx context.Context) (streams.Assignment, error) {
	if !m.given {
		m.given = true
		var all []int32
		for p := range m.n {
			all = append(all, p)
		}
		return streams.Assignment{Partitions: all}, nil
	}
	select {
	case <-ctx.Done():
		return streams.Assignment{}, ctx.Err()
	case <-m.closed:
		return streams.Assignment{}, streams.ErrClosed
	}
}
func (m *greedyMember) Confirm(context.Context, int32) error { return nil }
func (m *greedyMember) Commit(int32, int64)                  {}
func (m *greedyMember) Close() error                         { close(m.closed); return nil }

// Three owners that all believe the partition theirs tell one story: what holds depends on the order in the log alone.
func TestThreeOwnersFightingTellOneStory(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWard(t, 1)
		var stops []func()
		for _, name := range []string{"a", "b", "c"} {
			stops = append(stops, w.own(greedy{w.log}, name))
		}
		w.readings(10, 10, time.Second)
		time.Sleep(time.Minute)
		for _, stop := range stops[1:] {
			stop()
		}
		time.Sleep(time.Minute)
		stops[0]()
		_, _, steps := w.folds(0)
		lives := map[string]bool{}
		for _, s := range steps {
			lives[s.Life] = true
		}
		if len(lives) < 2 {
			t.Errorf("only %d lives have a step: they did not fight", len(lives))
		}
		w.check()
		w.wg.Wait()
	})
}

// An owner that was paused while its partition was taken wakes up and writes: what it closes after the other's open is void.
func TestAPausedOwnerWakesAndIsVoid(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWard(t, 1)
		stopA := w.own(greedy{w.log}, "a")
		w.readings(3, 2, time.Second)
		w.log.Hold(streams.Decisions, 0) // a writes, and hears nothing: it stands still
		w.send(reading("p1", 1, 100, 71, w.now()))
		time.Sleep(time.Second)
		w.log.Release(streams.Decisions, 0)
		stopB := w.own(greedy{w.log}, "b")
		w.readings(3, 2, time.Second)
		time.Sleep(time.Minute)
		stopA()
		time.Sleep(10 * time.Second)
		stopB()
		w.check()
		w.wg.Wait()
	})
}

// A gateway that runs an hour fast, or slow, moves nobody's clock; the silence of the toy falls a minute after the
// reading was folded, not after what the gateway says.
func TestAWrongGatewayMovesNoDeadline(t *testing.T) {
	for _, off := range []time.Duration{time.Hour, -time.Hour} {
		t.Run(off.String(), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWard(t, 1)
				stop := w.own(w.log, "a")
				w.send(door(w.now()))
				folded := w.now()
				w.send(reading("p1", 1, 1, 70, folded.Add(off)))
				for range 80 {
					time.Sleep(time.Second)
					w.send(door(w.now().Add(off)))
				}
				time.Sleep(time.Second)
				stop()
				_, _, steps := w.folds(0)
				var silent []event.Time
				for _, s := range steps {
					for _, e := range s.Events {
						if e.Data.Type() == "signal.fell_silent" {
							silent = append(silent, e.At)
						}
					}
				}
				if len(silent) != 1 || silent[0] < folded.Add(time.Minute) || silent[0] > folded.Add(65*time.Second) {
					t.Errorf("folded at %s, silent at %v", folded, silent)
				}
				w.wg.Wait()
			})
		})
	}
}

// slow is a log whose inputs come more than a second apart.
type slow struct{ streams.Log }

func (s slow) Read(topic string, partition int32, from int64) (streams.Reader, error) {
	r, err := s.Log.Read(topic, partition, from)
	if topic == streams.Inputs {
		r = slowReader{r}
	}
	return r, err
}

type slowReader struct{ streams.Reader }

func (r slowReader) Next(ctx context.Context) ([]streams.Record, error) {
	select {
	case <-time.After(1100 * time.Millisecond):
		return r.Reader.Next(ctx)
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// What has to be settled before a life may take longer than any wait for the log: only standing still ends it, or the
// patients of the partition would be watched by nobody, try after try.
func TestALongRestoreEndsNoLife(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWard(t, 1)
		w.log.FailAppends(func(topic string, _ int32, _ streams.Record) error {
			if topic == streams.Checkpoints {
				return fmt.Errorf("no round is kept")
			}
			return nil
		})
		stop := w.own(w.log, "a")
		w.readings(1, 8000, 10*time.Millisecond)
		time.Sleep(time.Second)
		stop()
		stop = w.own(slow{w.log}, "b")
		w.send(reading("p1", 1, 1, 70, w.now()))
		time.Sleep(2 * time.Minute)
		w.folds(0) // tells what is not settled
		stop()
		w.wg.Wait()
	})
}

func TestWhatCannotBeDecodedIsPutAsideAndTheRestGoesOn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWard(t, 1)
		stop := w.own(w.log, "a")
		writer, err := w.log.Write("vandal")
		if err != nil {
			t.Fatal(err)
		}
		bad := streams.Record{Topic: streams.Inputs, Key: []byte("t/p1"), Value: []byte("{not json")}
		if _, err := streams.AppendWait(t.Context(), writer, bad); err != nil {
			t.Fatal(err)
		}
		w.send(reading("p1", 1, 1, 70, w.now()))
		time.Sleep(time.Second)
		stop()
		aside := w.log.Records(streams.Rejected, 0)
		if len(aside) != 1 || !strings.Contains(string(aside[0].Value), `"offset":0`) {
			t.Errorf("the bytes were not put aside: %d records", len(aside))
		}
		applied, _, steps := w.folds(0)
		if !strings.Contains(applied, `"readings":1`) {
			t.Errorf("the reading after it was not folded: %s", applied)
		}
		if !slices.ContainsFunc(steps[0].Events, func(e event.Envelope) bool { return e.Data.Type() == "technical.fault" }) {
			t.Error("no technical event says so")
		}
		w.check()
		w.wg.Wait()
	})
}

// Writers that fail at random end lives; nothing is lost and nothing counts twice.
func TestFailingAppendsLoseNothing(t *testing.T) {
	for seed := range uint64(20) {
		synctest.Test(t, func(t *testing.T) {
			w := newWard(t, 1)
			rng, failing := rand.New(rand.NewPCG(seed, 0)), true
			var mu sync.Mutex
			w.log.FailAppends(func(topic string, _ int32, _ streams.Record) error {
				mu.Lock()
				defer mu.Unlock()
				if failing && topic == streams.Decisions && rng.IntN(20) == 0 {
					return fmt.Errorf("the broker closed the connection")
				}
				return nil
			})
			stop := w.own(w.log, "a")
			w.readings(5, 20, 500*time.Millisecond)
			mu.Lock()
			failing = false
			mu.Unlock()
			time.Sleep(time.Minute)
			stop()
			applied, _, _ := w.folds(0)
			if n := strings.Count(applied, `"readings":20`); n != 5 {
				t.Errorf("%d of 5 patients have 20 readings: %s", n, applied)
			}
			w.check()
			w.wg.Wait()
		})
	}
}

// hostClock is a host whose wall can be set by hand.
type hostClock struct {
	mono time.Duration
	wall event.Time
}

func (h *hostClock) pass(d time.Duration) { h.mono, h.wall = h.mono+d, h.wall.Add(d) }

func newClock(h *hostClock, partition event.Time) *streams.OwnerClock {
	return streams.NewOwnerClock(func() event.Time { return h.wall }, func() time.Duration { return h.mono }, partition)
}

func TestOwnerClockRunsAtHalfSpeedWhileTheWallIsBehind(t *testing.T) {
	h := &hostClock{wall: epoch}
	c := newClock(h, epoch.Add(time.Hour)) // an owner before us had a clock that was an hour fast
	if got := c.Now(); got != epoch.Add(time.Hour) {
		t.Fatalf("it began at %s, before the partition's clock", got)
	}
	h.pass(10 * time.Minute)
	if got := c.Now().Sub(epoch.Add(time.Hour)); got != 5*time.Minute {
		t.Errorf("in ten minutes behind the wall it went %s", got)
	}
	for range 200 {
		h.pass(time.Minute)
		c.Now()
	}
	if c.Now() != h.wall {
		t.Errorf("it never met the wall again: %s and %s", c.Now(), h.wall)
	}
	before := c.Now()
	h.wall = h.wall.Add(-time.Hour) // set back
	h.pass(time.Minute)
	if got := c.Now().Sub(before); got != 30*time.Second {
		t.Errorf("after the wall was set back it went %s in a minute", got)
	}
}

// A busy owner asks for the time at every input. Half of a millisecond is none, and must not be lost each time.
func TestOwnerClockOfABusyOwnerNeverStops(t *testing.T) {
	for _, every := range []time.Duration{300 * time.Microsecond, time.Millisecond, 1900 * time.Microsecond} {
		h := &hostClock{wall: epoch}
		c := newClock(h, epoch.Add(time.Hour))
		for range 10_000 {
			h.mono += every
			c.Now()
		}
		want := 10_000 * every / 2
		if got := c.Now().Sub(epoch.Add(time.Hour)); got < want-time.Millisecond || got > want {
			t.Errorf("asked every %s for %s behind the wall it went %s, not %s", every, 10_000*every, got, want)
		}
	}
}

func TestOwnerClockFollowsALeapOnlyWhenADoorAgrees(t *testing.T) {
	h := &hostClock{wall: epoch}
	c := newClock(h, 0)
	c.Now()
	h.wall = h.wall.Add(time.Hour)
	h.pass(time.Second)
	if got := c.Now(); got != epoch.Add(time.Second) {
		t.Fatalf("it followed a leap by itself, to %s", got)
	}
	if _, _, followed := c.Agree(epoch.Add(time.Second)); followed {
		t.Fatal("a door that does not agree was taken for one that does")
	}
	from, to, followed := c.Agree(h.wall.Add(-time.Second))
	if !followed || from != epoch.Add(time.Second) || to != h.wall || c.Now() != h.wall {
		t.Errorf("followed %t from %s to %s", followed, from, to)
	}
	h.wall = h.wall.Add(1900 * time.Millisecond)
	if got := c.Now(); got != h.wall {
		t.Errorf("what is less than a leap is followed at once: %s", got)
	}
}

func TestDumpIsDeterministic(t *testing.T) {
	inputs := inputsOf(t, scenario(rand.New(rand.NewPCG(3, 0)), 50))
	a := runLive(t, inputs, rand.New(rand.NewPCG(1, 0)), 4, true)
	b := runLive(t, inputs, rand.New(rand.NewPCG(1, 0)), 4, true)
	if !bytes.Equal(a.dump, b.dump) {
		t.Error("the same inputs, the same steps, another fold")
	}
}

package history

import (
	"context"
	"errors"
	"testing"
	"time"

	"tocsin/deploy/embedded/engine/enginetest"
	"tocsin/streams"
)

// TestHIS1_RebuildWhileTheSinkGoesOn: nothing that is inserted meanwhile is lost or doubled by the swap.
func TestHIS1_RebuildWhileTheSinkGoesOn(t *testing.T) {
	log, h := streams.NewMemory(2), open(t, enginetest.Start(t, t.TempDir()))
	w := newWorld(t, log, 2, 4)
	w.turn(500)
	slow := sinkFor(t, log, h, "a")
	slow.Linger = 300 * time.Millisecond // or there are thousands of ranges
	stop := run(t, slow)
	mustEqual(t, caughtUp(t, h, log, 60*time.Second)) // there is something to rebuild
	for range 2 {
		built := make(chan error, 1)
		progress := int64(0)
		go func() {
			built <- h.Rebuild(t.Context(), log, RebuildOptions{Progress: func(done, total int64) {
				if done < progress || done > total {
					t.Errorf("%d of %d after %d", done, total, progress)
				}
				progress = done
			}})
		}()
		for err := error(nil); len(built) == 0 && err == nil; {
			w.turn(10)
			time.Sleep(40 * time.Millisecond)
		}
		if err := <-built; err != nil {
			t.Fatal(err)
		}
		if progress == 0 {
			t.Error("no progress was told")
		}
	}
	stop()
	w.close()
	run(t, sinkFor(t, log, h, "b"))
	mustEqual(t, caughtUp(t, h, log, 60*time.Second))
}

// TestHIS1_RebuildKeepsOlderRows: what the log no longer has is copied, to the same checksums.
func TestHIS1_RebuildKeepsOlderRows(t *testing.T) {
	log, h := streams.NewMemory(1), open(t, enginetest.Start(t, t.TempDir()))
	w := newWorld(t, log, 1, 6)
	stop := run(t, sinkFor(t, log, h, "a"))
	for range 5 {
		w.turn(200)
		time.Sleep(50 * time.Millisecond)
	}
	w.close()
	mustEqual(t, caughtUp(t, h, log, 60*time.Second))
	stop()
	all := func() (d []Digest) {
		for _, topic := range []string{streams.Inputs, streams.Decisions, streams.DirectoryInputs, streams.Directory} {
			one, err := h.digest(t.Context(), "", topic, 0, 0, 1_000_000)
			if err != nil {
				t.Fatal(err)
			}
			d = append(d, one)
		}
		return d
	}
	before := all()
	for _, topic := range []string{streams.Inputs, streams.Decisions} {
		n := int64(len(log.Records(topic, 0)))
		if err := log.Trim(topic, 0, n/2+7); err != nil {
			t.Fatal(err)
		}
	}
	if checks := wrong(t, h, log); !equal(checks) || checks[0].From == 0 {
		t.Fatal(checks)
	}
	for _, at := range []time.Duration{0, 20 * time.Millisecond, 60 * time.Millisecond} { // broken off, and at last not
		ctx, cancel := context.WithCancel(t.Context())
		if at > 0 {
			time.AfterFunc(at, cancel)
		}
		if err := h.Rebuild(ctx, log, RebuildOptions{}); err != nil && !errors.Is(ctx.Err(), context.Canceled) {
			t.Fatal(err)
		}
		cancel()
	}
	if err := h.Rebuild(t.Context(), log, RebuildOptions{}); err != nil {
		t.Fatal(err)
	}
	after := all()
	for i := range before {
		if before[i] != after[i] || before[i].Records == 0 {
			t.Errorf("before %+v, after %+v", before[i], after[i])
		}
	}
	if checks := wrong(t, h, log); !equal(checks) {
		t.Fatal(checks)
	}
}

// TestHIS1_RebuildOfAQuietLog: the last range is inserted again by whichever sink comes next, be it days later; one that went
// into a larger piece would stand there twice.
func TestHIS1_RebuildOfAQuietLog(t *testing.T) {
	log, h := streams.NewMemory(1), open(t, enginetest.Start(t, t.TempDir()))
	w := newWorld(t, log, 1, 6)
	stop := run(t, sinkFor(t, log, h, "a"))
	for range 4 {
		w.turn(100)
		w.close()
		mustEqual(t, caughtUp(t, h, log, 20*time.Second))
	}
	stop()
	if err := h.Rebuild(t.Context(), log, RebuildOptions{recent: time.Nanosecond}); err != nil {
		t.Fatal(err)
	}
	mustEqual(t, wrong(t, h, log))
	run(t, sinkFor(t, log, h, "b"))
	w.turn(50)
	w.close()
	mustEqual(t, caughtUp(t, h, log, 30*time.Second))
}

// TestHIS1_TwoRebuildsAtOnce: rows that only history has are not dropped with tables that another rebuild has just begun.
func TestHIS1_TwoRebuildsAtOnce(t *testing.T) {
	log, h := streams.NewMemory(1), open(t, enginetest.Start(t, t.TempDir()))
	w := newWorld(t, log, 1, 6)
	stop := run(t, sinkFor(t, log, h, "a"))
	for range 4 {
		w.turn(100)
		w.close()
		mustEqual(t, caughtUp(t, h, log, 20*time.Second))
	}
	stop()
	if err := log.Trim(streams.Inputs, 0, int64(len(log.Records(streams.Inputs, 0)))/2); err != nil {
		t.Fatal(err)
	}
	before, err := h.digest(t.Context(), "", streams.Inputs, 0, 0, 1_000_000)
	if err != nil {
		t.Fatal(err)
	}
	second := &rebuild{History: h, log: log, n: 1, options: RebuildOptions{recent: recent}}
	first := *second
	first.History = &History{db: h.db, opt: h.opt, moment: func(ctx context.Context, _, when string) error {
		if when != "swap" {
			return nil
		}
		return errors.Join(second.make(ctx), second.fill(ctx)) // it has not copied the older rows yet
	}}
	if err := first.run(t.Context()); err == nil {
		t.Error("the first did not notice the second")
	}
	after, err := h.digest(t.Context(), "", streams.Inputs, 0, 0, 1_000_000)
	if err != nil || after != before {
		t.Fatalf("before %+v, after %+v, %v", before, after, err)
	}
}

// TestHIS1_ClickHouseDownDelaysNobody: appends go on as ever, and history comes when it is back.
func TestHIS1_ClickHouseDownDelaysNobody(t *testing.T) {
	log := streams.NewMemory(1)
	down, err := Open("http://127.0.0.1:1/tocsin")
	if err != nil {
		t.Fatal(err)
	}
	w := newWorld(t, log, 1, 8)
	stop := run(t, sinkFor(t, log, down, "a"))
	w.turn(300)
	time.Sleep(300 * time.Millisecond)
	stop()
	if n := len(log.Records(streams.HistoryRanges, 0)); n != 0 {
		t.Fatalf("%d records about a history that is down", n)
	}
	h := open(t, enginetest.Start(t, t.TempDir()))
	w.close()
	run(t, sinkFor(t, log, h, "b"))
	mustEqual(t, caughtUp(t, h, log, 30*time.Second))
}

// TestHIS1_AnotherLogIsFoundOut: a log that was made anew beside an old history is not taken for the old one.
func TestHIS1_AnotherLogIsFoundOut(t *testing.T) {
	h := open(t, enginetest.Start(t, t.TempDir()))
	for seed := range uint64(2) {
		log := streams.NewMemory(1)
		w := newWorld(t, log, 1, seed)
		w.turn(200)
		w.close()
		stop := run(t, sinkFor(t, log, h, "a"))
		checks := caughtUp(t, h, log, 8*time.Second)
		stop()
		if equal(checks) != (seed == 0) {
			t.Fatalf("log %d: %v", seed, checks)
		}
	}
}

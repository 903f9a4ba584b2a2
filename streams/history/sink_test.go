package history

import (
	"context"
	"errors"
	"math/rand/v2"
	"os"
	"sync"
	"syscall"
	"testing"
	"time"

	"tocsin/deploy/embedded/engine/enginetest"
	"tocsin/streams"
)

// TestHIS1_EqualsTheLog: everything in both pairs is copied, counted and summed alike.
func TestHIS1_EqualsTheLog(t *testing.T) {
	log, h := streams.NewMemory(4), open(t, enginetest.Start(t, t.TempDir()))
	w := newWorld(t, log, 4, 1)
	run(t, sinkFor(t, log, h, "a"))
	for range 10 {
		w.turn(200)
	}
	w.close()
	checks := caughtUp(t, h, log, 60*time.Second)
	mustEqual(t, checks)
	var readings, void uint64
	for _, c := range checks {
		readings, void = readings+c.Log.Readings, void+c.Log.Records-c.Log.Held
	}
	if readings < 1000 || void < 50 {
		t.Fatalf("a poor world: %d readings, %d void records", readings, void)
	}
}

// TestHIS1_KillsOfEngineAndSink in full flow: sinks come and go, two of them at once, break off before or after any insert
// as if killed there, and the engine is killed again and again; afterwards counts, checksums and roll-ups equal the log's.
func TestHIS1_KillsOfEngineAndSink(t *testing.T) {
	log, e := streams.NewMemory(4), enginetest.Start(t, t.TempDir())
	h, mu, rng, calm := open(t, e), sync.Mutex{}, rand.New(rand.NewPCG(3, 0)), false
	broken, killed := 0, 0
	h.moment = func(context.Context, string, string) error {
		mu.Lock()
		defer mu.Unlock()
		switch n := rng.IntN(100); {
		case calm:
			return nil
		case n == 0 && killed < 8:
			killed++
			if pid := e.Pid(); pid != 0 {
				if err := syscall.Kill(pid, syscall.SIGKILL); err != nil && !errors.Is(err, syscall.ESRCH) {
					return err
				}
			}
			return nil
		case n < 15:
			broken++
			return errors.New("killed by the test")
		default:
			return nil
		}
	}
	w := newWorld(t, log, 4, 2)
	var stops []func()
	enough := func() bool {
		mu.Lock()
		defer mu.Unlock()
		return killed >= 3 && broken >= 20
	}
	for turn := 0; turn < 60 || turn < 600 && !enough(); turn++ {
		if len(stops) < 2 {
			stops = append(stops, run(t, sinkFor(t, log, h, "sink")))
		}
		w.turn(50)
		time.Sleep(50 * time.Millisecond) // the flow of a day, in seconds
		if turn%10 == 9 {
			stops[0]()
			stops = stops[1:]
		}
	}
	w.close()
	mu.Lock()
	calm = true
	mu.Unlock()
	mustEqual(t, caughtUp(t, h, log, 120*time.Second))
	mu.Lock()
	defer mu.Unlock()
	t.Logf("%d kills of the engine, %d breaks of a sink, %d lives", killed, broken, e.Lives())
	if killed < 3 || broken < 20 {
		t.Fatal("too little was killed to show anything")
	}
}

// TestHIS1_LateInsertOfASinkThatWasReplaced: paused before or after any table, replaced, and awake again, it changes nothing.
func TestHIS1_LateInsertOfASinkThatWasReplaced(t *testing.T) {
	for _, at := range []string{"records before", "records after", "readings before", "readings_hour before", "readings_hour after", "memberships before"} {
		t.Run(at, func(t *testing.T) {
			log, e := streams.NewMemory(1), enginetest.Start(t, t.TempDir())
			w := newWorld(t, log, 1, 9)
			w.turn(100)
			w.close()
			slow, quick := open(t, e), open(t, e)
			asleep, awake := make(chan struct{}), make(chan struct{})
			var once sync.Once
			slow.moment = func(_ context.Context, table, when string) error {
				if table+" "+when == at {
					once.Do(func() {
						close(asleep)
						<-awake
					})
				}
				return nil
			}
			sleeper := make(chan error, 1)
			s, err := newSink(sinkFor(t, log, slow, "sleeper"))
			if err != nil {
				t.Fatal(err)
			}
			s.n = 1
			go func() {
				_, err := s.live(t.Context(), always{}, 0)
				sleeper <- err
			}()
			<-asleep
			run(t, sinkFor(t, log, quick, "other"))
			mustEqual(t, caughtUp(t, quick, log, 30*time.Second))
			w.turn(50)
			w.close()
			mustEqual(t, caughtUp(t, quick, log, 30*time.Second))
			close(awake)
			if err := <-sleeper; !errors.Is(err, errReplaced) {
				t.Fatalf("the sleeper ended with %v", err)
			}
			mustEqual(t, caughtUp(t, quick, log, 30*time.Second))
		})
	}
}

// always is a place in a group that nobody takes away.
type always struct{}

func (always) Next(ctx context.Context) (streams.Assignment, error) {
	<-ctx.Done()
	return streams.Assignment{}, ctx.Err()
}
func (always) Confirm(context.Context, int32) error { return nil }
func (always) Commit(int32, int64)                  {}
func (always) Close() error                         { return nil }

// TestHIS1_NothingIsSentAfterAMinute: by then another sink may have gone on for long.
func TestHIS1_NothingIsSentAfterAMinute(t *testing.T) {
	log, h := streams.NewMemory(1), open(t, enginetest.Start(t, t.TempDir()))
	if err := h.Migrate(t.Context(), 1); err != nil {
		t.Fatal(err)
	}
	w := newWorld(t, log, 1, 9)
	w.turn(20)
	f := newFeed(streams.Inputs, 0, streams.Beginning)
	if err := f.add(log.Records(streams.Inputs, 0)); err != nil {
		t.Fatal(err)
	}
	if err := h.insert(t.Context(), "", f.take(), time.Now().Add(-time.Millisecond)); !errors.Is(err, errStale) {
		t.Fatalf("got %v", err)
	}
	if d, err := h.digest(t.Context(), "", streams.Inputs, 0, 0, 1000); err != nil || d != (Digest{}) {
		t.Fatalf("something was stored: %+v, %v", d, err)
	}
}

// TestHIS1_TokenRememberedAndRowsNotThere: the engine notes a token before its rows are in place, and a kill between the two
// leaves the token alone. The next life must not take that for a repeat, in any table.
func TestHIS1_TokenRememberedAndRowsNotThere(t *testing.T) {
	log, dir := streams.NewMemory(1), t.TempDir()
	e := enginetest.Start(t, dir)
	h, w := open(t, e), newWorld(t, log, 1, 11)
	if err := h.Migrate(t.Context(), 1); err != nil {
		t.Fatal(err)
	}
	for _, k := range tables {
		if err := h.db.Exec(t.Context(), "SYSTEM STOP MERGES "+k.name); err != nil {
			t.Fatal(err)
		}
	}
	one := sinkFor(t, log, h, "a")
	one.Linger, one.Idle, one.MaxRecords = 500*time.Millisecond, 500*time.Millisecond, 10_000
	stop := run(t, one)
	for ranges := 0; ranges < 2; { // so that the last range is not all there is, and is of both topics
		w.turn(200)
		w.close()
		mustEqual(t, caughtUp(t, h, log, 20*time.Second))
		b, err := readBook(t.Context(), log, 0, nil)
		if err != nil {
			t.Fatal(err)
		}
		ranges = int(b.steps.At().Number) * (len(b.last) - 1)
	}
	stop()
	lost := lastParts(t, h)
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	if err := e.Stop(ctx); err != nil {
		t.Fatal(err)
	}
	for _, path := range lost {
		if err := os.RemoveAll(path); err != nil {
			t.Fatal(err)
		}
	}
	h = open(t, enginetest.Start(t, dir))
	if before := wrong(t, h, log); equal(before) {
		t.Fatal("nothing was lost")
	}
	stop = run(t, sinkFor(t, log, h, "b"))
	w.turn(50)
	w.close()
	mustEqual(t, caughtUp(t, h, log, 20*time.Second))
	stop()
}

// lastParts answers the folders of the newest part of each table for the topic inputs.
func lastParts(t *testing.T, h *History) (paths []string) {
	t.Helper()
	for _, k := range tables {
		var path string
		err := h.db.QueryRow(t.Context(), "SELECT path FROM system.parts WHERE active AND database = currentDatabase() AND table = ? AND partition IN ('0', '(\\'inputs\\',0)') ORDER BY max_block_number DESC LIMIT 1", k.name).Scan(&path)
		if err != nil {
			t.Fatal(err)
		}
		paths = append(paths, path)
	}
	return paths
}

// TestHIS1_VerifyFindsWhatIsWrong: a row too many, one too few and one that was changed are each told.
func TestHIS1_VerifyFindsWhatIsWrong(t *testing.T) {
	log, h := streams.NewMemory(1), open(t, enginetest.Start(t, t.TempDir()))
	w := newWorld(t, log, 1, 5)
	w.turn(300)
	w.close()
	stop := run(t, sinkFor(t, log, h, "a"))
	mustEqual(t, caughtUp(t, h, log, 60*time.Second))
	stop()
	for _, fault := range []string{
		"INSERT INTO records SELECT * FROM records WHERE topic = 'inputs' AND log_offset = 5",
		"ALTER TABLE records DELETE WHERE topic = 'decisions' AND log_offset = 3 SETTINGS mutations_sync = 2",
		"ALTER TABLE readings UPDATE value = value + 0.000001 WHERE log_offset IN (SELECT max(log_offset) FROM readings) SETTINGS mutations_sync = 2",
		"INSERT INTO readings_hour SELECT * FROM readings_hour LIMIT 1",
	} {
		before := wrong(t, h, log)
		if err := h.db.Exec(t.Context(), fault); err != nil {
			t.Fatal(err)
		}
		after := wrong(t, h, log)
		if !equal(before) || equal(after) {
			t.Errorf("%s: nobody noticed", fault)
		}
		if err := h.Rebuild(t.Context(), log, RebuildOptions{}); err != nil {
			t.Fatal(err)
		}
		if left := wrong(t, h, log); !equal(left) {
			t.Fatalf("%s: after a rebuild still %v", fault, left)
		}
		for i := range after {
			if c, err := h.Again(t.Context(), log, after[i]); err != nil || c != before[i] {
				t.Fatalf("looked at again: %v, %v; want %v", c, err, before[i])
			}
		}
	}
}

func wrong(t testing.TB, h *History, log streams.Log) []Check {
	t.Helper()
	checks, err := h.Verify(t.Context(), log)
	if err != nil {
		t.Fatal(err)
	}
	return checks
}

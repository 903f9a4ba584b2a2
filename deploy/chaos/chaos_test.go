// Package chaos kills parts of Tocsin at random moments under load, each role its own process, and lets an independent
// judge (streams/witness: another client, its own rule of reading) say what the log holds afterwards.
package chaos

import (
	"context"
	"flag"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"
	"time"

	"tocsin/streams/witness"
)

var (
	kills = flag.Int("kills", 20, "how many kills")
	seed  = flag.Uint64("seed", 0, "which moments; 0: others each time")
)

// After kill -9 of gateway, monitor, log, engine, history and desk at random moments, and of all of them at once:
// nothing acknowledged is missing, nothing counts twice, no warning is lost or doubled, and history equals the log.
func TestING1_REL2_HIS1_ALR4_Kills(t *testing.T) {
	if testing.Short() {
		t.Skip("kills take minutes")
	}
	if *seed == 0 {
		*seed = uint64(time.Now().UnixNano())
	}
	t.Logf("seed %d, %d kills", *seed, *kills)
	rng := rand.New(rand.NewPCG(*seed, 0))
	w := newTree(t)
	for _, role := range w.roles {
		w.start(role)
	}
	if err := w.ready(90 * time.Second); err != nil {
		t.Fatal(err)
	}
	const patients = 12
	l := startLoad(t, w, patients, 50*time.Millisecond)
	for k := range *kills {
		if k == *kills/2 {
			l.grave.Store(true) // from here on every patient needs somebody
		}
		time.Sleep(time.Duration(rng.IntN(2500)) * time.Millisecond)
		if n := rng.IntN(len(w.roles) + 1); n < len(w.roles) {
			t.Logf("kill %d: %s, after %d acknowledged", k, w.roles[n], len(l.acked()))
			w.kill(w.roles[n])
		} else {
			t.Logf("kill %d: the whole tree, after %d acknowledged", k, len(l.acked()))
			w.killAll()
		}
		time.Sleep(time.Duration(rng.IntN(1500)) * time.Millisecond)
		w.revive()
	}
	l.grave.Store(true)
	settle(t, w, l, patients)
}

// settle waits until all is folded, then judges.
func settle(t *testing.T, w *tree, l *load, patients int) {
	end := time.Now().Add(90 * time.Second)
	before := len(l.acked())
	for len(l.acked()) < before+patients && time.Now().Before(end) { // the doors are open again
		w.revive()
		time.Sleep(200 * time.Millisecond)
	}
	l.stop()
	l.wg.Wait()
	acked := l.acked()
	var e *witness.Evidence
	for {
		ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
		var err error
		e, err = witness.Judge(ctx, witness.JudgeOptions{Options: witness.Options{Brokers: []string{w.kafka}}})
		cancel()
		if err == nil && e.Behind() == 0 && len(e.Warnings) >= patients {
			break
		}
		if time.Now().After(end) {
			t.Fatalf("not settled: %v, %+v\n%s", err, e, w.said())
		}
		w.revive()
		time.Sleep(500 * time.Millisecond)
	}
	judge(t, e, acked, patients)
	historyEquals(t, w)
}

func judge(t *testing.T, e *witness.Evidence, acked []string, patients int) {
	t.Helper()
	t.Logf("%d acknowledged, %d uploads folded, %d repeats, %d steps hold, %d records void or repeated, %d lives, %d warnings",
		len(acked), e.Folded, e.RepeatsFound, e.Steps, e.Passed, e.Lives, len(e.Warnings))
	if missing := e.Missing(acked); len(missing) > 0 {
		t.Errorf("%d acknowledged readings are not in the log: %v", len(missing), missing[:min(len(missing), 5)])
	}
	if e.RepeatsFound != e.RepeatsTold {
		t.Errorf("%d inputs were repeats and %d were told: something counted twice or was dropped", e.RepeatsFound, e.RepeatsTold)
	}
	for _, f := range e.Faults {
		t.Error(f)
	}
	raised := map[string]int{}
	for _, warning := range e.Warnings {
		if warning.Problem == "silence" {
			t.Errorf("%s fell silent, though its device never stopped sending: an outage was taken for silence", warning.Key)
		}
		if warning.Problem == "deterioration" {
			raised[warning.Key]++
		}
	}
	for key, n := range raised {
		if n != 1 {
			t.Errorf("%s has %d warnings for one episode", key, n)
		}
	}
	if len(raised) != patients {
		t.Errorf("%d of %d patients have a warning", len(raised), patients)
	}
}

// historyEquals lets the program compare ClickHouse with the log, when there is an engine.
func historyEquals(t *testing.T, w *tree) {
	t.Helper()
	if _, err := os.Stat(filepath.Join(filepath.Dir(w.bin), "engine", "libchdb.so")); err != nil {
		t.Log("no ClickHouse engine here: history is not compared (make engine)")
		return
	}
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	for {
		out, err := w.command(ctx, "history", "verify")
		if err == nil {
			return
		}
		if ctx.Err() != nil || time.Now().After(deadline(ctx).Add(-20*time.Second)) {
			t.Fatalf("history does not equal the log: %v\n%s\n%s", err, out, w.said())
		}
		w.revive()
		time.Sleep(time.Second) // the sink is still behind
	}
}

func deadline(ctx context.Context) time.Time {
	d, _ := ctx.Deadline()
	return d
}

package history

import (
	"context"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"os"
	"os/exec"
	"syscall"
	"testing"
	"time"

	"tocsin/deploy/embedded/broker"
	"tocsin/deploy/embedded/engine/enginetest"
	"tocsin/streams/kafka"
)

// sinkProcess is a sink that is there to be killed.
func sinkProcess(brokers, dsn string) error {
	log, err := kafka.Open(kafka.Options{Brokers: []string{brokers}})
	if err != nil {
		return err
	}
	h, err := Open(dsn)
	if err != nil {
		return err
	}
	return RunSink(context.Background(), SinkOptions{Log: log, History: h, Name: fmt.Sprint("sink", os.Getpid()), Linger: 20 * time.Millisecond,
		Idle: 50 * time.Millisecond, MaxRecords: 300, mostPause: 100 * time.Millisecond, Logger: slog.New(slog.NewTextHandler(os.Stderr, nil))})
}

// TestHIS1_KilledProcesses: a sink in a process of its own and the engine's process, over the embedded log, killed (-9)
// at random moments in full flow; afterwards counts, checksums and roll-ups equal the log's.
func TestHIS1_KilledProcesses(t *testing.T) {
	if testing.Short() {
		t.Skip("takes half a minute")
	}
	b, err := broker.Start(broker.Options{Dir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		if err := b.Stop(ctx); err != nil {
			t.Error(err)
		}
	})
	e := enginetest.Start(t, t.TempDir())
	log, err := kafka.Open(kafka.Options{Brokers: []string{b.Addr()}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := log.Close(); err != nil {
			t.Error(err)
		}
	})
	w, h, rng := newWorld(t, log, 4, 7), open(t, e), rand.New(rand.NewPCG(uint64(time.Now().UnixNano()), 0))
	sink := spawn(t, b.Addr(), e.DSN())
	for kill := range 4 {
		was := stored(t, h)
		for stored(t, h) < was+500 { // it is in the middle of it
			w.turn(20)
			time.Sleep(10 * time.Millisecond)
		}
		for range rng.IntN(20) {
			w.turn(20)
			time.Sleep(10 * time.Millisecond)
		}
		if kill%2 == 1 {
			if err := syscall.Kill(e.Pid(), syscall.SIGKILL); err != nil {
				t.Fatal(err)
			}
			time.Sleep(time.Duration(rng.IntN(30)) * time.Millisecond) // both at once, or nearly
		}
		end(t, sink)
		sink = spawn(t, b.Addr(), e.DSN())
	}
	w.close()
	checks := caughtUp(t, h, log, 90*time.Second)
	mustEqual(t, checks)
	t.Log(checks[0])
}

// stored counts what history has, 0 while it does not answer.
func stored(t *testing.T, h *History) (n uint64) {
	t.Helper()
	if err := h.db.QueryRow(t.Context(), "SELECT count() FROM records").Scan(&n); err != nil {
		return 0
	}
	return n
}

func spawn(t *testing.T, brokers, dsn string) *exec.Cmd {
	t.Helper()
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), exe, "sink", brokers, dsn)
	if testing.Verbose() {
		cmd.Stderr = os.Stderr
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = cmd.Wait() }) // killed by the context's end, if not before
	return cmd
}

func end(t *testing.T, cmd *exec.Cmd) {
	t.Helper()
	if err := cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = cmd.Wait() // "signal: killed"
}

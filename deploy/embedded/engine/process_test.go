package engine_test

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2"

	"tocsin/deploy/embedded/engine"
	"tocsin/deploy/embedded/engine/enginetest"
	"tocsin/deploy/testkit"
)

// parent is a process that has an engine and waits to be killed; it prints the engine's process id.
func parent(dir, lib string) {
	exe, err := os.Executable()
	if err == nil {
		var e *engine.Engine
		if e, err = engine.Start(context.Background(), engine.Options{Path: dir, Exe: exe, Lib: lib}); err == nil {
			fmt.Println(e.Pid())
			select {}
		}
	}
	fmt.Fprintln(os.Stderr, err)
	os.Exit(1)
}

// gone says whether a process has ended; one that only waits to be reaped, by an init that takes its time, has.
func gone(pid int) bool {
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	_, after, _ := strings.Cut(string(b), ") ")
	return err != nil || strings.HasPrefix(after, "Z")
}

// TestHIS1_OPS1_KilledEngineAnswersAtTheSameAddress, with every row that it had acknowledged, while inserts go on.
func TestHIS1_OPS1_KilledEngineAnswersAtTheSameAddress(t *testing.T) {
	e := enginetest.Start(t, t.TempDir())
	c := client(t, e)
	ask := func(sql string) func(context.Context) error {
		return func(ctx context.Context) error { return c.Exec(ctx, sql) }
	}
	do(t, c, "CREATE TABLE r (v UInt64) ENGINE = MergeTree ORDER BY v SETTINGS non_replicated_deduplication_window = 10000")
	addr, rows := e.Addr(), uint64(0)
	for kill := range 5 {
		for range 10 {
			ctx := clickhouse.Context(t.Context(), clickhouse.WithSettings(clickhouse.Settings{"insert_deduplication_token": fmt.Sprint(rows)}))
			if rows%10 == 5 { // in the middle of it all
				if err := syscall.Kill(e.Pid(), syscall.SIGKILL); err != nil {
					t.Fatal(err)
				}
			}
			within(t, 20*time.Second, "insert", func(context.Context) error {
				return c.Exec(ctx, fmt.Sprintf("INSERT INTO r VALUES (%d)", rows))
			})
			rows++
		}
		if n := count(t, c, "SELECT count() FROM r"); n != rows {
			t.Fatalf("after kill %d: %d rows, %d were acknowledged", kill+1, n, rows)
		}
	}
	pid := e.Pid()
	if err := syscall.Kill(pid, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	took := within(t, 10*time.Second, "it answers again", ask("SELECT 1"))
	t.Logf("answers again %v after the kill", took)
	if e.Addr() != addr || e.Pid() == pid || e.Lives() != 7 {
		t.Fatalf("address %s was %s, process %d was %d, lives %d", e.Addr(), addr, e.Pid(), pid, e.Lives())
	}
	if !e.Ready() {
		t.Fatal("it answers and does not say that it is ready")
	}
}

// TestOPS1_EngineEndsWithItsParent: killed without a word, the parent leaves nobody behind, and the next one starts.
func TestOPS1_EngineEndsWithItsParent(t *testing.T) {
	dir, lib := t.TempDir(), testkit.Engine(t)
	for range 3 {
		p := again(t, "parent", dir, lib)
		out, err := p.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		began := time.Now()
		if err := p.Start(); err != nil {
			t.Fatal(err)
		}
		line, err := bufio.NewReader(out).ReadString('\n')
		if err != nil {
			t.Fatalf("the parent came up without an engine: %v", err)
		}
		t.Logf("up after %v", time.Since(began))
		pid, err := strconv.Atoi(strings.TrimSpace(line))
		if err != nil || gone(pid) {
			t.Fatalf("no engine %q, %v", line, err)
		}
		if err := p.Process.Kill(); err != nil {
			t.Fatal(err)
		}
		took := within(t, time.Second, "the engine ends", func(context.Context) error {
			if gone(pid) {
				return nil
			}
			return errors.New("it is still there")
		})
		t.Logf("the engine ended %v after its parent", took)
		if err := p.Wait(); err == nil {
			t.Fatal("the parent ended by itself")
		}
	}
}

func again(t *testing.T, args ...string) *exec.Cmd {
	t.Helper()
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), exe, args...)
	cmd.Stderr = os.Stderr
	return cmd
}

func TestOPS1_EngineStopsInOrderAndStartsAgain(t *testing.T) {
	dir := t.TempDir()
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	for life := range uint64(3) {
		e, err := engine.Start(t.Context(), engine.Options{Path: dir, Exe: exe, Lib: testkit.Engine(t)})
		if err != nil {
			t.Fatal(err)
		}
		c := client(t, e)
		do(t, c, "CREATE TABLE IF NOT EXISTS r (v UInt64) ENGINE = MergeTree ORDER BY v")
		do(t, c, "INSERT INTO r VALUES (?)", life)
		if n := count(t, c, "SELECT count() FROM r"); n != life+1 {
			t.Fatalf("life %d has %d rows", life, n)
		}
		pid, began := e.Pid(), time.Now()
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		defer cancel()
		if err := errors.Join(e.Stop(ctx), e.Stop(ctx)); err != nil {
			t.Fatal(err)
		}
		if e.Ready() || e.Pid() != 0 || !gone(pid) {
			t.Fatalf("stopped, and yet ready %v, process %d", e.Ready(), e.Pid())
		}
		t.Logf("stopped in %v", time.Since(began))
	}
}

// TestOPS1_EngineLeavesSignalsToItsParent: Ctrl-C, timeout and systemd signal the whole tree at once, and the parent's last batches
// still go to the engine then.
func TestOPS1_EngineLeavesSignalsToItsParent(t *testing.T) {
	warned := &warnings{}
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	e, err := engine.Start(t.Context(), engine.Options{Path: t.TempDir(), Exe: exe, Lib: testkit.Engine(t), Logger: slog.New(warned)})
	if err != nil {
		t.Fatal(err)
	}
	c := client(t, e)
	do(t, c, "CREATE TABLE r (v UInt64) ENGINE = MergeTree ORDER BY v")
	pid := e.Pid()
	for i, sig := range []syscall.Signal{syscall.SIGINT, syscall.SIGTERM} {
		if err := syscall.Kill(pid, sig); err != nil {
			t.Fatal(err)
		}
		do(t, c, "INSERT INTO r VALUES (?)", uint64(i))
	}
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	if lives := e.Lives(); e.Pid() != pid || lives != 1 {
		t.Errorf("process %d was %d, lives %d", e.Pid(), pid, lives)
	}
	if err := e.Stop(ctx); err != nil {
		t.Error(err)
	}
	if n := warned.n.Load(); n > 0 {
		t.Errorf("a stop in order was told as trouble %d times", n)
	}
}

// warnings counts what a log tells beyond the usual.
type warnings struct {
	slog.Handler
	n atomic.Int64
}

func (w *warnings) Enabled(_ context.Context, l slog.Level) bool {
	if l >= slog.LevelWarn {
		w.n.Add(1)
	}
	return false
}

// TestOPS1_OneEngineAFolder: a second one is refused by name, and takes nothing from the first.
func TestOPS1_OneEngineAFolder(t *testing.T) {
	dir := t.TempDir()
	e := enginetest.Start(t, dir)
	var stderr bytes.Buffer
	second := again(t, "clickhouse", "--path", dir, "--lib", testkit.Engine(t))
	second.Stderr = &stderr
	err := second.Run()
	var exit *exec.ExitError
	if !errors.As(err, &exit) || exit.ExitCode() != 1 || !strings.Contains(stderr.String(), fmt.Sprintf("in use by process %d", e.Pid())) {
		t.Fatalf("the second said %q, %v", stderr.String(), err)
	}
	do(t, client(t, e), "SELECT 1")
}

// TestOPS1_FolderStaysTaken: for as long as the engine runs, however often its memory is tidied up.
func TestOPS1_FolderStaysTaken(t *testing.T) {
	t.Setenv("GOGC", "1")
	dir := t.TempDir()
	e := enginetest.Start(t, dir)
	c := client(t, e)
	for range 50 {
		do(t, c, "SELECT 1")
	}
	var stderr bytes.Buffer
	second := again(t, "clickhouse", "--path", dir, "--lib", testkit.Engine(t), "--follow-stdin")
	in, err := second.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	over := time.AfterFunc(15*time.Second, func() { _ = in.Close() }) // it was let in: that ends it
	defer over.Stop()
	second.Stderr = &stderr
	if err := second.Run(); err == nil || !strings.Contains(stderr.String(), fmt.Sprintf("in use by process %d", e.Pid())) {
		t.Fatalf("the second said %q, %v", stderr.String(), err)
	}
}

// TestOPS1_EngineAlone: as a command, with an address file that is there once the engine answers.
func TestOPS1_EngineAlone(t *testing.T) {
	file := filepath.Join(t.TempDir(), "addr")
	cmd := again(t, "clickhouse", "--path", t.TempDir(), "--lib", testkit.Engine(t), "--addr-file", file)
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	var addr string
	within(t, 20*time.Second, "address file", func(context.Context) error {
		b, err := os.ReadFile(file)
		addr = strings.TrimSpace(string(b))
		return err
	})
	opt, err := clickhouse.ParseDSN("http://" + addr + "/tocsin")
	if err != nil {
		t.Fatal(err)
	}
	c, err := clickhouse.Open(opt)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	do(t, c, "SELECT 1")
	if err := cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if err := cmd.Wait(); err != nil {
		t.Fatalf("SIGTERM: %v", err)
	}
}

func TestOPS1_EngineAbsent(t *testing.T) {
	_, err := engine.Start(t.Context(), engine.Options{Path: t.TempDir(), Lib: filepath.Join(t.TempDir(), "no.so")})
	if !errors.Is(err, engine.ErrAbsent) || !strings.Contains(err.Error(), "DSN") {
		t.Fatalf("got %v", err)
	}
}

// TestOPS1_NobodyWaitsForASlowEngine: one that looks through its folder for minutes delays neither the start of all else nor
// its end.
func TestOPS1_NobodyWaitsForASlowEngine(t *testing.T) {
	slow := filepath.Join(t.TempDir(), "slow")
	if err := os.WriteFile(slow, []byte("#!/bin/sh\nexec sleep 300\n"), 0o700); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	e, err := engine.Start(ctx, engine.Options{Path: t.TempDir(), Exe: slow, Lib: slow, Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	if pid := e.Pid(); e.Ready() || pid == 0 {
		t.Fatalf("ready %v, process %d", e.Ready(), pid)
	}
	began := time.Now()
	if err := e.Stop(ctx); err != nil || time.Since(began) > 5*time.Second {
		t.Fatalf("stopped after %v: %v", time.Since(began), err)
	}
}

// TestOPS1_EngineThatCannotStart says why, with the child's own words.
func TestOPS1_EngineThatCannotStart(t *testing.T) {
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	junk := filepath.Join(t.TempDir(), "junk.so")
	if err := os.WriteFile(junk, []byte("no library"), 0o600); err != nil {
		t.Fatal(err)
	}
	_, err = engine.Start(t.Context(), engine.Options{Path: t.TempDir(), Exe: exe, Lib: junk, Logger: slog.New(slog.DiscardHandler)})
	if err == nil || !strings.Contains(err.Error(), "load engine "+junk) {
		t.Fatalf("got %v", err)
	}
}

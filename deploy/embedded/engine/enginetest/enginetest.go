// Package enginetest gives tests the real engine, or skips them with the one line that says how to get it.
package enginetest

import (
	"context"
	"log/slog"
	"os"
	"testing"
	"time"

	"tocsin/deploy/embedded/engine"
	"tocsin/deploy/testkit"
)

// Main runs a package's tests. The test binary is also the engine's child: Start runs it again with "clickhouse" as
// its first argument. Call it from TestMain.
func Main(m *testing.M) {
	if len(os.Args) > 1 && os.Args[1] == "clickhouse" {
		os.Exit(engine.Main(os.Args[2:], os.Stdout, os.Stderr))
	}
	os.Exit(m.Run())
}

// Start runs an engine over dir until the test ends.
func Start(t testing.TB, dir string) *engine.Engine {
	t.Helper()
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	quiet := slog.New(slog.DiscardHandler)
	if testing.Verbose() {
		quiet = slog.New(slog.NewTextHandler(os.Stderr, nil))
	}
	e, err := engine.Start(t.Context(), engine.Options{Path: dir, Exe: exe, Lib: testkit.Engine(t), Logger: quiet})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		if err := e.Stop(ctx); err != nil {
			t.Error(err)
		}
	})
	return e
}

package engine_test

import (
	"context"
	"os"
	"testing"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2"
	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"

	"tocsin/deploy/embedded/engine"
	"tocsin/deploy/embedded/engine/enginetest"
)

func TestMain(m *testing.M) {
	if len(os.Args) == 4 && os.Args[1] == "parent" {
		parent(os.Args[2], os.Args[3])
	}
	enginetest.Main(m)
}

// client connects as production does: clickhouse-go over HTTP.
func client(t testing.TB, e *engine.Engine, and ...func(*clickhouse.Options)) driver.Conn {
	t.Helper()
	opt, err := clickhouse.ParseDSN(e.DSN())
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range and {
		f(opt)
	}
	c, err := clickhouse.Open(opt)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := c.Close(); err != nil {
			t.Error(err)
		}
	})
	return c
}

func do(t testing.TB, c driver.Conn, sql string, args ...any) {
	t.Helper()
	if err := c.Exec(t.Context(), sql, args...); err != nil {
		t.Fatalf("%s: %v", sql, err)
	}
}

func count(t testing.TB, c driver.Conn, sql string) uint64 {
	t.Helper()
	var n uint64
	if err := c.QueryRow(t.Context(), sql).Scan(&n); err != nil {
		t.Fatalf("%s: %v", sql, err)
	}
	return n
}

// within tries f until it succeeds or the time is over.
func within(t testing.TB, limit time.Duration, what string, f func(context.Context) error) time.Duration {
	t.Helper()
	began := time.Now()
	ctx, cancel := context.WithTimeout(t.Context(), limit)
	defer cancel()
	for {
		err := f(ctx)
		if err == nil {
			return time.Since(began)
		}
		if ctx.Err() != nil {
			t.Fatalf("%s: not within %v: %v", what, limit, err)
		}
		time.Sleep(5 * time.Millisecond)
	}
}

package engine_test

import (
	"bytes"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"reflect"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2"
	"github.com/shopspring/decimal"

	"tocsin/deploy/embedded/engine/enginetest"
)

const everyType = `CREATE TABLE every (
	id UInt64, s String, lc LowCardinality(String), lcn LowCardinality(Nullable(String)), f FixedString(4),
	at DateTime64(3, 'UTC'), t DateTime('UTC'), d Date,
	i8 Int8, i16 Int16, i32 Int32, i64 Int64, u8 UInt8, u16 UInt16, u32 UInt32, f32 Float32, f64 Float64, b Bool,
	dec Decimal(18, 4), n Nullable(Float64), ns Nullable(String), a Array(String), aa Array(Array(UInt32)), m Map(String, Float64),
	e Enum8('low' = 1, 'high' = 2), u UUID, tup Tuple(UInt8, String)
) ENGINE = MergeTree ORDER BY id`

// every is one row of everyType, in its order.
func every(id uint64) []any {
	at := time.Date(2026, 3, 29, 1, 59, 59, 123_000_000, time.UTC)
	n, ns := 36.6, "kühl\n\x00'\\"
	return []any{id, "línea\nzwei\x00'\\", "spo2", &ns, "abcd", at, at.Truncate(time.Second), at.Truncate(24 * time.Hour),
		int8(-8), int16(-16), int32(-32), int64(-64), uint8(8), uint16(16), uint32(32), float32(1.5), 2.25, true,
		decimal.RequireFromString("36.6000"), &n, (*string)(nil), []string{"a", ""}, [][]uint32{{1}, {}, {2, 3}}, map[string]float64{"kPa": 1.25},
		"high", "0192f6b0-0000-7000-8000-000000000001", []any{uint8(7), "x"}}
}

// TestHIS1_EveryType: what goes in comes out, through the blocks that the handler writes anew for the client.
func TestHIS1_EveryType(t *testing.T) {
	e := enginetest.Start(t, t.TempDir())
	c := client(t, e)
	do(t, c, everyType)
	batch, err := c.PrepareBatch(t.Context(), "INSERT INTO every")
	if err != nil {
		t.Fatal(err)
	}
	for id := range uint64(3) {
		if err := batch.Append(every(id)...); err != nil {
			t.Fatal(err)
		}
	}
	if err := batch.Send(); err != nil {
		t.Fatal(err)
	}
	rows, err := c.Query(t.Context(), "SELECT * FROM every ORDER BY id")
	if err != nil {
		t.Fatal(err)
	}
	var id uint64
	for ; rows.Next(); id++ {
		want := every(id)
		got := make([]any, len(want))
		for i := range want {
			got[i] = reflect.New(reflect.TypeOf(want[i])).Interface()
		}
		if err := rows.Scan(got...); err != nil {
			t.Fatal(err)
		}
		for i := range want {
			if g := reflect.ValueOf(got[i]).Elem().Interface(); fmt.Sprint(deref(g)) != fmt.Sprint(deref(want[i])) {
				t.Errorf("row %d, column %s: got %v, want %v", id, rows.Columns()[i], deref(g), deref(want[i]))
			}
		}
	}
	if err := rows.Err(); err != nil || id != 3 {
		t.Fatalf("%d rows of 3, %v", id, err)
	}
}

func deref(v any) any {
	if r := reflect.ValueOf(v); r.Kind() == reflect.Pointer && !r.IsNil() {
		return r.Elem().Interface()
	}
	return v
}

func TestHIS1_DatabaseSQL(t *testing.T) {
	e := enginetest.Start(t, t.TempDir())
	db, err := sql.Open("clickhouse", e.DSN())
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if _, err := db.ExecContext(t.Context(), "CREATE TABLE r (at DateTime64(3,'UTC'), v Nullable(Int32)) ENGINE = MergeTree ORDER BY at"); err != nil {
		t.Fatal(err)
	}
	at := time.Date(2026, 1, 2, 3, 4, 5, 6_000_000, time.UTC)
	if _, err := db.ExecContext(t.Context(), "INSERT INTO r VALUES (?, ?), (?, NULL)", at, 5, at); err != nil {
		t.Fatal(err)
	}
	var back time.Time
	if err := db.QueryRowContext(t.Context(), "SELECT at FROM r WHERE v = ?", 5).Scan(&back); err != nil || !back.Equal(at.Truncate(time.Second)) && !back.Equal(at) {
		t.Fatalf("got %v, %v", back, err)
	}
	if err := db.QueryRowContext(t.Context(), "SELECT at FROM r WHERE v = 6").Scan(&back); !errors.Is(err, sql.ErrNoRows) {
		t.Fatalf("an empty result gave %v", err)
	}
	var n int
	if err := db.QueryRowContext(t.Context(), "SELECT {x:UInt8} + 1", clickhouse.Named("x", "4")).Scan(&n); err != nil || n != 5 {
		t.Fatalf("parameter: %d, %v", n, err)
	}
}

// TestHIS1_DeduplicationReachesRollups: the same token twice is one insert, in the table and behind its views.
func TestHIS1_DeduplicationReachesRollups(t *testing.T) {
	e := enginetest.Start(t, t.TempDir())
	c := client(t, e)
	do(t, c, "CREATE TABLE r (p UInt32, o UInt64, v Float64) ENGINE = MergeTree ORDER BY o SETTINGS non_replicated_deduplication_window = 10000")
	do(t, c, "CREATE TABLE up (p UInt32, n UInt64) ENGINE = SummingMergeTree ORDER BY p SETTINGS non_replicated_deduplication_window = 10000")
	do(t, c, "CREATE MATERIALIZED VIEW mv TO up AS SELECT p, count() AS n FROM r GROUP BY p")
	send := func(token string, from, to uint64) {
		t.Helper()
		ctx := clickhouse.Context(t.Context(), clickhouse.WithSettings(clickhouse.Settings{
			"insert_deduplication_token": token, "deduplicate_blocks_in_dependent_materialized_views": 1}))
		b, err := c.PrepareBatch(ctx, "INSERT INTO r")
		if err != nil {
			t.Fatal(err)
		}
		for o := from; o < to; o++ {
			if err := b.Append(uint32(o%3), o, 1.5); err != nil {
				t.Fatal(err)
			}
		}
		if err := b.Send(); err != nil {
			t.Fatal(err)
		}
	}
	check := func(want uint64) {
		t.Helper()
		if n, up := count(t, c, "SELECT count() FROM r"), count(t, c, "SELECT sum(n) FROM up"); n != want || up != want {
			t.Fatalf("%d rows and %d in the roll-up, want %d", n, up, want)
		}
	}
	send("0:0-11", 0, 11)
	send("0:0-11", 0, 11)
	check(11)
	send("0:11-15", 11, 15)
	send("0:0-11", 0, 11)
	check(15)
	send("", 11, 15) // another insert without a token, of the same rows
	send("0:other", 0, 11)
	if n := count(t, c, "SELECT count() FROM r"); n < 26 {
		t.Fatalf("%d rows: another token must be another insert", n)
	}
}

func TestHIS1_BigInsertAndStreamedResult(t *testing.T) {
	const rows = 200_000
	for _, method := range []clickhouse.CompressionMethod{clickhouse.CompressionNone, clickhouse.CompressionLZ4, clickhouse.CompressionZSTD, clickhouse.CompressionGZIP} {
		t.Run(method.String(), func(t *testing.T) {
			e := enginetest.Start(t, t.TempDir())
			c := client(t, e, func(o *clickhouse.Options) { o.Compression = &clickhouse.Compression{Method: method, Level: 3} })
			do(t, c, "CREATE TABLE r (o UInt64, p LowCardinality(String), v Float64) ENGINE = MergeTree ORDER BY o SETTINGS non_replicated_deduplication_window = 100")
			for range 2 {
				ctx := clickhouse.Context(t.Context(), clickhouse.WithSettings(clickhouse.Settings{"insert_deduplication_token": "a"}))
				b, err := c.PrepareBatch(ctx, "INSERT INTO r")
				if err != nil {
					t.Fatal(err)
				}
				for o := range uint64(rows) {
					if err := b.Append(o, fmt.Sprintf("P-%04d", o%500), float64(o)/2); err != nil {
						t.Fatal(err)
					}
				}
				began := time.Now()
				if err := b.Send(); err != nil {
					t.Fatal(err)
				}
				t.Logf("%d rows in %v", rows, time.Since(began))
			}
			got, err := c.Query(t.Context(), "SELECT o, p, v FROM r")
			if err != nil {
				t.Fatal(err)
			}
			var n, sum uint64
			for got.Next() {
				var o uint64
				var p string
				var v float64
				if err := got.Scan(&o, &p, &v); err != nil {
					t.Fatal(err)
				}
				if p != fmt.Sprintf("P-%04d", o%500) || v != float64(o)/2 {
					t.Fatalf("row %d came back as %s, %v", o, p, v)
				}
				n, sum = n+1, sum+o
			}
			if err := got.Err(); err != nil || n != rows || sum != rows*(rows-1)/2 {
				t.Fatalf("%d rows, sum %d, %v", n, sum, err)
			}
		})
	}
}

func TestHIS1_FaultsAsClickHouseGivesThem(t *testing.T) {
	e := enginetest.Start(t, t.TempDir())
	c := client(t, e)
	for sql, code := range map[string]int32{"SELECT * FROM nowhere": 60, "SELEC 1": 62, "SELECT toUInt8('x')": 6, "USE nowhere": 81} {
		var ex *clickhouse.Exception
		if err := c.Exec(t.Context(), sql); !errors.As(err, &ex) || ex.Code != code {
			t.Errorf("%s: %v, want code %d", sql, err, code)
		}
	}
	ctx := clickhouse.Context(t.Context(), clickhouse.WithSettings(clickhouse.Settings{"no_such_setting": 1}))
	var ex *clickhouse.Exception
	if err := c.Exec(ctx, "SELECT 1"); !errors.As(err, &ex) || ex.Code != 115 {
		t.Errorf("an unknown setting gave %v", err)
	}
	t.Run("in the middle of a result", func(t *testing.T) {
		rows, err := c.Query(t.Context(), "SELECT throwIf(number = 400000, 'broken here') FROM numbers(500000) SETTINGS max_block_size = 10000")
		if err != nil {
			t.Fatal(err)
		}
		n := 0
		for rows.Next() {
			n++
		}
		if err := rows.Err(); !errors.As(err, &ex) || ex.Code != 395 || n == 0 {
			t.Fatalf("after %d rows: %v", n, err)
		}
	})
	t.Run("without the key", func(t *testing.T) {
		res, err := http.Post("http://"+e.Addr()+"/", "", strings.NewReader("SELECT 1"))
		if err != nil {
			t.Fatal(err)
		}
		defer res.Body.Close()
		if res.StatusCode != http.StatusForbidden || res.Header.Get("X-ClickHouse-Exception-Code") != "516" {
			t.Fatalf("status %d, code %s", res.StatusCode, res.Header.Get("X-ClickHouse-Exception-Code"))
		}
	})
}

// TestHIS1_PlainHTTP: what curl and other clients do.
func TestHIS1_PlainHTTP(t *testing.T) {
	e := enginetest.Start(t, t.TempDir())
	base, err := url.Parse(e.DSN())
	if err != nil {
		t.Fatal(err)
	}
	base.Path = "/"
	ask := func(method, query, body string) (int, string) {
		t.Helper()
		u := *base
		u.RawQuery = query
		req, err := http.NewRequestWithContext(t.Context(), method, u.String(), strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		res, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		defer res.Body.Close()
		var b bytes.Buffer
		if _, err := io.Copy(&b, res.Body); err != nil {
			t.Fatal(err)
		}
		return res.StatusCode, b.String()
	}
	db := "database=tocsin&"
	create := "CREATE TABLE x (a UInt32, s String) ENGINE = MergeTree ORDER BY a"
	for _, c := range []struct {
		name, method, query, body string
		status                    int
		want                      string
	}{
		{"GET reads", "GET", "query=" + url.QueryEscape("SELECT 1"), "", 200, "1\n"},
		{"GET does not write", "GET", db + "query=" + url.QueryEscape(create), "", 500, "READONLY"},
		{"POST writes", "POST", db, create, 200, ""},
		{"rows in the statement", "POST", db, "INSERT INTO x VALUES (1, 'a;b'),\n(2, 'FORMAT x')", 200, ""},
		{"lines behind the statement", "POST", db, "INSERT INTO x FORMAT JSONEachRow\n{\"a\":3,\"s\":\"c\"}\n{\"a\":4,\"s\":\"d\"}\n", 200, ""},
		{"lines in the body", "POST", db + "query=" + url.QueryEscape("INSERT INTO x (s, a) SETTINGS max_insert_threads = 1 FORMAT CSV"), "e,5\n\"f\"\"\ng\",6\n", 200, ""},
		{"statement half in the URL", "POST", db + "query=" + url.QueryEscape("SELECT a, s FROM x"), "WHERE a >= 5 ORDER BY a", 200, "5\te\n6\tf\"\\ng\n"},
		{"a format of its own", "POST", db, "SELECT count() AS n FROM x FORMAT JSONEachRow", 200, "{\"n\":6}\n"},
		{"a document is one", "POST", "", "SELECT number FROM numbers(200000) FORMAT JSONCompact", 200, "\"rows\": 200000,"},
		{"a setting by URL", "POST", "max_result_rows=1&", "SELECT number FROM numbers(10)", 413, "TOO_MANY_ROWS"},
		{"settings do not stay", "POST", "", "SELECT getSetting('max_result_rows')", 200, "0\n"},
		{"a bad setting's name", "POST", "a%3D1,b=1", "SELECT 1", 404, "UNKNOWN_SETTING"},
		{"nothing", "POST", "", " ", 400, "Empty query"},
		{"sessions are refused", "POST", "session_id=a", "SELECT 1", 501, "NOT_IMPLEMENTED"},
		{"bad data names the row", "POST", db, "INSERT INTO x FORMAT JSONEachRow\n{\"a\":\"no\"}\n", 400, "row 1"},
	} {
		t.Run(c.name, func(t *testing.T) {
			status, body := ask(c.method, c.query, c.body)
			if status != c.status || !strings.Contains(body, c.want) {
				t.Fatalf("status %d, %.300q; want %d with %q", status, body, c.status, c.want)
			}
		})
	}
	res, err := http.Get("http://" + e.Addr() + "/ping")
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	if b, err := io.ReadAll(res.Body); err != nil || string(b) != "Ok.\n" {
		t.Fatalf("/ping gave %q, %v", b, err)
	}
}

func TestHIS1_ConcurrentQueries(t *testing.T) {
	e := enginetest.Start(t, t.TempDir())
	c := client(t, e, func(o *clickhouse.Options) { o.MaxOpenConns = 40; o.MaxIdleConns = 40 })
	do(t, c, "CREATE TABLE r (w UInt32, v UInt64) ENGINE = MergeTree ORDER BY w")
	var all sync.WaitGroup
	for w := range uint32(32) {
		all.Go(func() {
			for v := range uint64(5) {
				b, err := c.PrepareBatch(t.Context(), "INSERT INTO r")
				if err == nil {
					err = errors.Join(b.Append(w, v), b.Send())
				}
				var n uint64
				if err == nil {
					err = c.QueryRow(t.Context(), "SELECT count() FROM r WHERE w = ?", w).Scan(&n)
				}
				if err != nil || n != v+1 {
					t.Errorf("writer %d: %d rows of %d, %v", w, n, v+1, err)
					return
				}
			}
		})
	}
	all.Wait()
	if n := count(t, c, "SELECT count() FROM r"); n != 32*5 {
		t.Fatalf("%d rows", n)
	}
}

// TestHIS1_LongQueryEndsWithItsCaller: nobody waits for it any more, so it must not hold a core.
func TestHIS1_LongQueryEndsWithItsCaller(t *testing.T) {
	e := enginetest.Start(t, t.TempDir())
	c := client(t, e)
	ctx, cancel := context.WithCancel(t.Context())
	asked := make(chan error, 1)
	go func() { asked <- c.Exec(ctx, "SELECT count() FROM numbers(1e15) WHERE NOT ignore(sipHash64(number))") }()
	running := "SELECT count() FROM system.processes WHERE query LIKE '%1e15%sipHash%' AND query NOT LIKE '%processes%'"
	is := func(want uint64) func(context.Context) error {
		return func(context.Context) error {
			if n := count(t, c, running); n != want {
				return fmt.Errorf("%d running", n)
			}
			return nil
		}
	}
	within(t, 10*time.Second, "the query runs", is(1))
	cancel()
	if err := <-asked; err == nil {
		t.Fatal("it ended by itself")
	}
	took := within(t, 10*time.Second, "the query ends", is(0))
	t.Logf("ended after %v", took)
}

// TestHIS1_TheLastOfTheDiskIsNotForHistory: an insert that runs into the end of the disk is one that no repeat mends.
func TestHIS1_TheLastOfTheDiskIsNotForHistory(t *testing.T) {
	e := enginetest.Start(t, t.TempDir())
	c := client(t, e)
	if n := count(t, c, "SELECT toUInt64(value) FROM system.merge_tree_settings WHERE name = 'min_free_disk_bytes_to_perform_insert'"); n != 256<<20 {
		t.Fatalf("inserts leave %d bytes free", n)
	}
	do(t, c, "CREATE TABLE full (v UInt64) ENGINE = MergeTree ORDER BY v SETTINGS min_free_disk_bytes_to_perform_insert = 4611686018427387904")
	var ex *clickhouse.Exception
	if err := c.Exec(t.Context(), "INSERT INTO full VALUES (1)"); !errors.As(err, &ex) || ex.Code != 243 {
		t.Fatalf("a disk without that much room gave %v", err)
	}
}

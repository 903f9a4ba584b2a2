// Package history is the long memory: it copies both pairs of the log to ClickHouse, exactly once, and answers what is
// asked of it. The log stays the truth; ClickHouse being down delays no warning.
//
//	migrations/   the tables, with units in the names of columns
//	project.go    records to rows, pure
//	insert.go     rows to ClickHouse: a range of the log under its token, so that a second insert changes nothing
//	complete.go   whether the last range is there, whatever the token says
//	sink.go       who copies which partition; life.go: how one copies, and takes over from another
//	query.go      the questions of desk and group
//	verify.go     is it all there: counts and checksums, log against ClickHouse
//	rebuild.go    new tables beside, filled from the log (refill.go), compared, swapped
//
// Everything takes a DSN, http:// (proven against the embedded engine, which speaks that protocol) or clickhouse://
// (the native protocol of a server).
package history

import (
	"context"
	"crypto/tls"
	"database/sql"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2"
	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"
	"github.com/pressly/goose/v3"
)

//go:embed migrations/*.sql
var migrations embed.FS

// History is a connection to ClickHouse. It connects when it is first used, so that nothing waits for it at start.
type History struct {
	db  driver.Conn
	opt *clickhouse.Options
	// types has the columns of each table that was inserted into, as typesOf found them.
	types sync.Map
	// moment is called before and after each insert into a table; tests break off there.
	moment func(ctx context.Context, table, when string) error
}

// Open reads the DSN; it does not connect.
func Open(dsn string) (*History, error) { return OpenTrusting(dsn, nil) }

// OpenTrusting is Open for a server that is known by trust, when the DSN asks for TLS: https://…, or clickhouse://…?secure=true. nil:
// the host's roots.
func OpenTrusting(dsn string, trust *tls.Config) (*History, error) {
	const hint = "try http://user:password@host:8123/tocsin or clickhouse://user:password@host:9000/tocsin"
	if scheme, _, _ := strings.Cut(dsn, "://"); !slices.Contains([]string{"http", "https", "clickhouse", "tcp"}, scheme) {
		return nil, fmt.Errorf("history DSN begins with neither http:// nor clickhouse://; %s", hint)
	}
	opt, err := clickhouse.ParseDSN(secured(dsn))
	if err != nil {
		return nil, fmt.Errorf("history DSN: %w; %s", err, hint)
	}
	if opt.Auth.Database == "" {
		opt.Auth.Database = "default"
	}
	if opt.TLS != nil && trust != nil {
		opt.TLS = trust
	}
	opt.DialTimeout, opt.ReadTimeout = 5*time.Second, 2*time.Minute
	opt.MaxOpenConns, opt.MaxIdleConns = 12, 12
	db, err := clickhouse.Open(opt)
	if err != nil {
		return nil, fmt.Errorf("history DSN: %w", err)
	}
	return &History{db: db, opt: opt, moment: func(context.Context, string, string) error { return nil }}, nil
}

// secured says of an address with https what its client wants to hear beside.
func secured(dsn string) string {
	u, err := url.Parse(dsn)
	if err != nil || u.Scheme != "https" || u.Query().Has("secure") {
		return dsn // what is wrong with it the client tells
	}
	q := u.Query()
	q.Set("secure", "true")
	u.RawQuery = q.Encode()
	return u.String()
}

// Close ends its connections.
func (h *History) Close() error { return h.db.Close() }

// pingWithin is how long a ClickHouse that takes the connection and says nothing is given.
const pingWithin = 10 * time.Second

// Ping says whether ClickHouse answers.
func (h *History) Ping(ctx context.Context) error {
	ctx, cancel := context.WithTimeoutCause(ctx, pingWithin, errors.New("it takes the connection and says nothing"))
	defer cancel()
	if err := h.db.Exec(ctx, "SELECT 1"); err != nil {
		return fmt.Errorf("history does not answer: %w", errors.Join(err, context.Cause(ctx)))
	}
	return nil
}

// Insert windows: how many inserts back a repeat is known, for each partition of the log.
const window = 10_000

// tables and how many inserts each takes for one partition of the log: records has both topics of two pairs, patient_events
// all of them but one.
var tables = []struct {
	name   string
	topics int32
}{{"records", 4}, {"readings", 1}, {"readings_hour", 1}, {"memberships", 1}, {"patient_events", 3}}

// Migrate brings the tables up to date for a log of n partitions. It may be run at any time, by several at once.
func (h *History) Migrate(ctx context.Context, n int32) error {
	if err := h.createDatabase(ctx); err != nil {
		return fmt.Errorf("migrate history: %w", err)
	}
	db := clickhouse.OpenDB(h.opt)
	err := migrate(ctx, db)
	if err = errors.Join(err, db.Close()); err != nil {
		return fmt.Errorf("migrate history: %w", err)
	}
	for _, t := range tables {
		if err := h.widen(ctx, t.name, t.topics*n*window); err != nil {
			return fmt.Errorf("migrate history: %w", err)
		}
	}
	return nil
}

func migrate(ctx context.Context, db *sql.DB) error {
	files, err := fs.Sub(migrations, "migrations")
	if err != nil {
		return err
	}
	p, err := goose.NewProvider(goose.DialectClickHouse, db, files, goose.WithDisableGlobalRegistry(true))
	if err != nil {
		return err
	}
	_, err = p.Up(ctx)
	return err
}

// createDatabase makes the DSN's database, asking from ClickHouse's own.
func (h *History) createDatabase(ctx context.Context) error {
	opt := *h.opt
	opt.Auth.Database = "default"
	db, err := clickhouse.Open(&opt)
	if err != nil {
		return err
	}
	err = db.Exec(ctx, "CREATE DATABASE IF NOT EXISTS "+name(h.opt.Auth.Database))
	return errors.Join(err, db.Close())
}

// widen makes a table remember as many inserts as it takes; it never narrows.
func (h *History) widen(ctx context.Context, table string, inserts int32) error {
	var enough bool
	err := h.db.QueryRow(ctx, "SELECT toInt64OrZero(extract(engine_full, 'non_replicated_deduplication_window = (\\\\d+)')) >= ? "+
		"FROM system.tables WHERE database = currentDatabase() AND name = ?", inserts, table).Scan(&enough)
	if err != nil {
		return fmt.Errorf("window of %s: %w", table, err)
	}
	if enough {
		return nil
	}
	err = h.db.Exec(ctx, fmt.Sprintf("ALTER TABLE %s MODIFY SETTING non_replicated_deduplication_window = %d, replicated_deduplication_window = %d",
		table, inserts, inserts))
	if err != nil {
		return fmt.Errorf("window of %s: %w", table, err)
	}
	return nil
}

func name(s string) string { return "`" + s + "`" }

package history

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2"
	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"

	"tocsin/streams"
	"tocsin/streams/event"
)

// errStale ends a life: what it was about to insert has waited too long for others to still expect it.
var errStale = errors.New("the insert has waited longer than a minute")

// freshFor is how long after a sink knew itself to be the newest it may still send an insert.
const freshFor = time.Minute

// batch is one range of the log with its records.
type batch struct {
	span    event.HistoryRange
	part    int32
	records []streams.Record
	held    map[int64]bool // nil when every record counts
}

// token names a range and its bytes: another log that begins at the same offsets gets another token, and
// is stored and found out by verify rather than taken for a repeat.
func token(topic string, partition int32, records []streams.Record) string {
	var sum uint64
	for _, r := range records {
		sum += recordSum(r)
	}
	return fmt.Sprintf("%s/%d/%d-%d/%016x", topic, partition, records[0].Offset, records[len(records)-1].Offset+1, sum)
}

// insert writes the rows of a batch, table by table, each under the range's token: what is there already stays as it
// is, and what an insert that broke off left out is completed. suffix names other tables, for a rebuild. Nothing
// is sent after the deadline.
func (h *History) insert(ctx context.Context, suffix string, b batch, deadline time.Time) error {
	blocks, err := project(b.records, b.held)
	if err != nil {
		return err
	}
	for _, k := range blocks {
		if err := h.put(ctx, suffix, k, b.span.Token, deadline); err != nil {
			return err
		}
	}
	return nil
}

// put sends a block under a token, unless it is empty or the deadline is past.
func (h *History) put(ctx context.Context, suffix string, k block, token string, deadline time.Time) error {
	if k.rows == 0 {
		return nil
	}
	if past(deadline, time.Now()) {
		return fmt.Errorf("insert %s: %w", token, errStale)
	}
	ctx = clickhouse.Context(ctx, clickhouse.WithSettings(clickhouse.Settings{
		"insert_deduplication_token": token, "insert_deduplicate": 1, "async_insert": 0, "max_insert_threads": 1,
		"max_insert_block_size": 10_000_000, // one insert is one block
	}))
	err := h.moment(ctx, k.table+suffix, "before")
	if err == nil {
		err = h.send(ctx, suffix, k)
	}
	if err == nil {
		err = h.moment(ctx, k.table+suffix, "after")
	}
	if err != nil {
		return fmt.Errorf("insert %s: %w", token, err)
	}
	return nil
}

// past asks both clocks: the monotonic one stands still while the machine sleeps, the wall's may be set back.
func past(deadline, now time.Time) bool {
	return now.After(deadline) || now.Round(0).After(deadline.Round(0))
}

func (h *History) send(ctx context.Context, suffix string, k block) error {
	table := k.table + suffix
	types, err := h.typesOf(ctx, k.table, table, k.names)
	if err != nil {
		return fmt.Errorf("table %s: %w", table, err)
	}
	out, err := h.db.PrepareBatch(clickhouse.Context(ctx, clickhouse.WithColumnNamesAndTypes(types)),
		"INSERT INTO "+table+" ("+strings.Join(k.names, ", ")+")")
	if err != nil {
		return fmt.Errorf("table %s: %w", table, err)
	}
	for i, c := range k.columns {
		if err := out.Column(i).Append(c); err != nil {
			return errors.Join(fmt.Errorf("table %s, column %s: %w", table, k.names[i], err), out.Abort())
		}
	}
	if err := out.Send(); err != nil {
		h.types.Delete(k.table)
		return fmt.Errorf("table %s: %w", table, err)
	}
	return nil
}

// typesOf answers the types of a table's columns. They are asked for once, and again after a fault: over HTTP the client
// would ask before each insert. The tables of a rebuild have those of the ones that they stand beside.
func (h *History) typesOf(ctx context.Context, key, table string, names []string) ([]clickhouse.ColumnNameAndType, error) {
	if known, ok := h.types.Load(key); ok {
		if types, ok := known.([]clickhouse.ColumnNameAndType); ok {
			return types, nil
		}
	}
	rows, err := h.db.Query(ctx, "SELECT name, type FROM system.columns WHERE database = currentDatabase() AND table = ?", table)
	if err != nil {
		return nil, err
	}
	byName := map[string]string{}
	_, err = collect(rows, func(rows driver.Rows) (none struct{}, err error) {
		var name, typ string
		err = rows.Scan(&name, &typ)
		byName[name] = typ
		return none, err
	})
	if err != nil {
		return nil, err
	}
	types := make([]clickhouse.ColumnNameAndType, len(names))
	for i, n := range names {
		if byName[n] == "" {
			return nil, fmt.Errorf("it has no column %s; bring it up to date with Migrate", n)
		}
		types[i] = clickhouse.ColumnNameAndType{Name: n, Type: byName[n]}
	}
	h.types.Store(key, types)
	return types, nil
}

// load reads a range that has been named before and judges it anew from the position at its beginning.
func load(ctx context.Context, log streams.Log, partition int32, span event.HistoryRange, at streams.Position) (batch, error) {
	b := batch{span: span, part: partition}
	f := newFeed(span.Topic, partition, at)
	f.next = span.From
	if _, end, err := log.Bounds(ctx, span.Topic, partition); err != nil {
		return b, fmt.Errorf("load range %s: %w", span.Token, err)
	} else if end < span.Next { // or we should wait for records that are gone
		return b, fmt.Errorf("load range %s: the log ends at %d: it is another log, or has lost its end; see `tocsin doctor`", span.Token, end)
	}
	r, err := log.Read(span.Topic, partition, span.From)
	if err != nil {
		return b, fmt.Errorf("load range %s: %w", span.Token, err)
	}
	for f.at() < span.Next && err == nil {
		var records []streams.Record
		if records, err = r.Next(ctx); err == nil {
			err = f.add(upTo(records, span.Next))
		}
	}
	if err = errors.Join(err, r.Close()); err != nil {
		return b, fmt.Errorf("load range %s: %w", span.Token, err)
	}
	b.records, b.held = f.records, f.held
	if got := token(span.Topic, partition, b.records); got != span.Token {
		return b, fmt.Errorf("load range %s: the log now gives %s: it is another log; see `tocsin doctor`", span.Token, got)
	}
	return b, nil
}

func upTo(records []streams.Record, next int64) []streams.Record {
	for i, r := range records {
		if r.Offset >= next {
			return records[:i]
		}
	}
	return records
}

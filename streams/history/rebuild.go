package history

import (
	"context"
	"errors"
	"fmt"
	"math"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2"

	"tocsin/streams"
)

// RebuildOptions says how a rebuild goes.
type RebuildOptions struct {
	// Progress hears how many records of the log are in the new tables, of how many. It is called from one goroutine.
	Progress func(done, total int64)
	// KeepOld leaves the tables that were replaced, with the ending _rebuild.
	KeepOld bool

	recent time.Duration // in tests
}

// beside is the ending of the tables that a rebuild fills, and after the swap of those that it replaced.
const beside = "_rebuild"

// recent is how far back ranges are inserted one by one under their own tokens, so that a sink that inserts one of them
// again, before or after the swap, changes nothing: one that has waited longer than freshFor is never sent, and ends
// within as much again. So does the last step however old it is, since a new life inserts that again. What is older goes in
// larger pieces.
const recent = 3 * freshFor

// Rebuild fills new tables from the log, copies the rows that the log no longer has from the old ones, compares and
// swaps. A sink may run on meanwhile: both insert the same ranges under the same tokens. Breaking it off is
// harmless; the next one begins anew.
func (h *History) Rebuild(ctx context.Context, log streams.Log, o RebuildOptions) error {
	all, err := log.Partitions(ctx, streams.HistoryRanges)
	if err != nil {
		return fmt.Errorf("rebuild history: %w", err)
	}
	if err := h.Migrate(ctx, all-1); err != nil {
		return fmt.Errorf("rebuild history: %w", err)
	}
	if o.recent == 0 {
		o.recent = recent
	}
	long, err := h.unhurried()
	if err != nil {
		return fmt.Errorf("rebuild history: %w", err)
	}
	r := &rebuild{History: long, log: log, n: all - 1, options: o}
	return errors.Join(r.run(ctx), long.Close())
}

// unhurried is a connection for statements over whole tables, which answer when they are through.
func (h *History) unhurried() (*History, error) {
	opt := *h.opt
	opt.ReadTimeout = 24 * time.Hour
	db, err := clickhouse.Open(&opt)
	if err != nil {
		return nil, err
	}
	return &History{db: db, opt: &opt, moment: h.moment}, nil
}

func (r *rebuild) run(ctx context.Context) error {
	for _, step := range []struct {
		name string
		do   func(context.Context) error
	}{
		{"make new tables", r.make}, {"fill them", r.fill}, {"copy what the log no longer has", r.copyOlder},
		{"compare", r.compare},
		{"fill in what came meanwhile", r.fill}, {"swap", r.swap}, {"catch up", r.fill}, {"compare again", r.compareSwapped}, {"drop the old tables", r.drop},
	} {
		if err := step.do(ctx); err != nil {
			if r.swapped {
				err = fmt.Errorf("%w; the new tables stand in their place and may lack the last ranges: run it again", err)
			}
			return fmt.Errorf("rebuild history: %s: %w", step.name, err)
		}
	}
	return nil
}

// rebuild is one run of Rebuild.
type rebuild struct {
	*History
	log     streams.Log
	n       int32
	options RebuildOptions
	swapped bool
	done    int64
	total   int64
	next    map[string]streams.Position // by topic and partition: how far the new tables are filled
	fresh   map[string]string           // the tables that this rebuild made, by name
	old     map[string]string           // and those that they replaced
}

// suffix is the ending of the tables that are being filled.
func (r *rebuild) suffix() string {
	if r.swapped {
		return ""
	}
	return beside
}

func (r *rebuild) make(ctx context.Context) error {
	r.next, r.fresh, r.old = map[string]streams.Position{}, map[string]string{}, map[string]string{}
	for _, t := range tables {
		for _, sql := range []string{"DROP TABLE IF EXISTS " + t.name + beside + " SYNC", "CREATE TABLE " + t.name + beside + " AS " + t.name} {
			if err := r.db.Exec(ctx, sql); err != nil {
				return err
			}
		}
		var err1, err2 error
		r.old[t.name], err1 = r.idOf(ctx, t.name)
		r.fresh[t.name], err2 = r.idOf(ctx, t.name+beside)
		if err := errors.Join(err1, err2); err != nil {
			return err
		}
	}
	return nil
}

// idOf tells tables apart whatever they are called.
func (r *rebuild) idOf(ctx context.Context, table string) (id string, err error) {
	err = r.db.QueryRow(ctx, "SELECT toString(uuid) FROM system.tables WHERE database = currentDatabase() AND name = ?", table).Scan(&id)
	if err != nil {
		return id, fmt.Errorf("table %s: %w", table, err)
	}
	return id, nil
}

// alone makes sure that what stands beside each table is what this rebuild put there: another one that was started
// meanwhile has begun with tables of its own, and rows that the log no longer has must not go with the wrong ones.
func (r *rebuild) alone(ctx context.Context, want map[string]string) error {
	for _, t := range tables {
		id, err := r.idOf(ctx, t.name+beside)
		if err != nil || id != want[t.name] {
			return errors.Join(fmt.Errorf("table %s is no longer the one that stood there: another rebuild is under way; let it end", t.name+beside), err)
		}
	}
	return nil
}

func (r *rebuild) insertPiece(ctx context.Context, b batch) error {
	if err := r.insert(ctx, r.suffix(), b, time.Now().Add(freshFor)); err != nil {
		return err
	}
	r.next[place(b.span.Topic, b.part)] = streams.Position{Life: b.span.Life, Number: b.span.Number, Offset: b.span.Next - 1}
	r.done += int64(len(b.records))
	if r.options.Progress != nil {
		r.options.Progress(r.done, r.total)
	}
	return nil
}

// copyOlder takes from the old tables the rows below the first range that the log still has whole.
func (r *rebuild) copyOlder(ctx context.Context) error {
	for p := range r.n + 1 {
		pair, part := topicsOf(p, r.n)
		for _, topic := range []string{pair.Inputs, pair.Decisions} {
			below, err := r.firstKept(ctx, p, part, topic)
			if err != nil {
				return err
			}
			if below == 0 {
				continue
			}
			if err := r.copyBelow(ctx, topic, part, below); err != nil {
				return err
			}
		}
	}
	return nil
}

// firstKept is the offset from which the log alone fills the new tables.
func (r *rebuild) firstKept(ctx context.Context, p, part int32, topic string) (int64, error) {
	first, _, err := r.log.Bounds(ctx, topic, part)
	if err != nil || first == 0 {
		return 0, err
	}
	kept := int64(math.MaxInt64)
	_, err = readBook(ctx, r.log, p, func(_ *streams.Step, b *book) error {
		for _, span := range b.last {
			if span.Topic == topic && span.From >= first {
				kept = min(kept, span.From)
			}
		}
		return nil
	})
	return kept, err
}

func (r *rebuild) copyBelow(ctx context.Context, topic string, part int32, below int64) error {
	if below == math.MaxInt64 {
		below-- // nothing of the topic is left in the log: all of it is copied
	}
	var sql []string
	for _, table := range []string{"records", "patient_events"} {
		sql = append(sql, fmt.Sprintf("INSERT INTO %s%s SELECT * FROM %s WHERE topic = '%s' AND log_partition = %d AND log_offset < %d", table, beside, table, topic, part, below))
	}
	if topic == streams.Inputs {
		where := fmt.Sprintf(" WHERE log_partition = %d AND log_offset < %d", part, below)
		sql = append(sql, "INSERT INTO readings"+beside+" SELECT * FROM readings"+where, "INSERT INTO memberships"+beside+" SELECT * FROM memberships"+where,
			"INSERT INTO readings_hour"+beside+` (tenant, patient, quantity, mark, hour, log_partition, row_count, value_min, value_max, newest)
				SELECT tenant, patient, quantity, mark, CAST(fromUnixTimestamp64Milli(hour_ms) AS DateTime64(0, 'UTC')), log_partition,
					count(), min(value), max(value), max((toUnixTimestamp64Milli(measured_at), log_offset, toInt64(value * 1000000), toString(clock_quality)))
				FROM (SELECT *, `+hourMsSQL+` AS hour_ms FROM readings`+where+`) GROUP BY tenant, patient, quantity, mark, hour_ms, log_partition`)
	}
	for _, s := range sql {
		if err := r.db.Exec(ctx, s); err != nil {
			return err
		}
	}
	return nil
}

// compare holds the new tables against the log, and the rows that were copied against those that they were copied from.
func (r *rebuild) compare(ctx context.Context) error {
	if err := r.compareWith(ctx, r.suffix()); err != nil {
		return err
	}
	for p := range r.n + 1 {
		pair, part := topicsOf(p, r.n)
		for _, topic := range []string{pair.Inputs, pair.Decisions} {
			below, err := r.firstKept(ctx, p, part, topic)
			if err != nil || below == 0 {
				if err != nil {
					return err
				}
				continue
			}
			was, err1 := r.digest(ctx, "", topic, part, 0, below)
			is, err2 := r.digest(ctx, beside, topic, part, 0, below)
			if err := errors.Join(err1, err2); err != nil {
				return err
			}
			if was != is {
				return fmt.Errorf("%s/%d below %d: the copy has %+v and what it was copied from %+v; nothing was swapped", topic, part, below, is, was)
			}
		}
	}
	return nil
}

func (r *rebuild) compareSwapped(ctx context.Context) error { return r.compareWith(ctx, "") }

// compareWith looks only as far as the rebuild has come; a sink that runs on may be further.
func (r *rebuild) compareWith(ctx context.Context, suffix string) error {
	for p := range r.n + 1 {
		pair, part := topicsOf(p, r.n)
		for _, topic := range []string{pair.Inputs, pair.Decisions} {
			from, err := r.firstKept(ctx, p, part, topic)
			if err != nil {
				return err
			}
			at, ok := r.next[place(topic, part)]
			if !ok || at.Offset < from {
				continue
			}
			if err := r.compareRange(ctx, p, part, topic, suffix, from, at.Offset+1); err != nil {
				return err
			}
		}
	}
	return nil
}

func (r *rebuild) compareRange(ctx context.Context, p, part int32, topic, suffix string, from, next int64) error {
	at := streams.Beginning
	var err error
	if from > 0 {
		at, err = positionFrom(ctx, r.log, p, topic, from)
	}
	if err != nil {
		return err
	}
	want, err1 := digestLog(ctx, r.log, topic, part, at, next)
	got, err2 := r.digest(ctx, suffix, topic, part, at.Offset+1, next)
	if err := errors.Join(err1, err2); err != nil {
		return err
	}
	if want != got {
		return fmt.Errorf("%s/%d, offsets %d to %d: the log has %+v and the new tables %+v", topic, part, at.Offset+1, next, want, got)
	}
	return nil
}

// swap exchanges each table with the one beside it. What a sink has put into an old table since is put into the new one
// by the catching up that follows, under the same tokens.
func (r *rebuild) swap(ctx context.Context) error {
	if err := errors.Join(r.moment(ctx, "", "swap"), r.alone(ctx, r.fresh)); err != nil {
		return err
	}
	for _, t := range tables {
		if err := r.db.Exec(ctx, "EXCHANGE TABLES "+t.name+" AND "+t.name+beside); err != nil {
			return err
		}
		r.swapped = true // breaking off from here on leaves something to be mended
	}
	return nil
}

func (r *rebuild) drop(ctx context.Context) error {
	if r.options.KeepOld {
		return nil
	}
	if err := r.alone(ctx, r.old); err != nil {
		return err
	}
	for _, t := range tables {
		if err := r.db.Exec(ctx, "DROP TABLE "+t.name+beside+" SYNC"); err != nil {
			return err
		}
	}
	return nil
}

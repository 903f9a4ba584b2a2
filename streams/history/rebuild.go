package history

import (
	"context"
	"errors"
	"fmt"
	"math"
	"time"

	"tocsin/streams"
	"tocsin/streams/event"
)

// RebuildOptions says how a rebuild goes.
type RebuildOptions struct {
	// Progress hears how many records of the log are in the new tables, of how many. It is called from one goroutine.
	Progress func(done, total int64)
	// KeepOld leaves the tables that were replaced, with the ending _rebuild.
	KeepOld bool
}

// beside is the ending of the tables that a rebuild fills, and after the swap of those that it replaced.
const beside = "_rebuild"

// recent is how far back ranges are inserted one by one under their own tokens, so that a sink that inserts one of them
// again, before or after the swap, changes nothing: one that has waited longer than freshFor is never sent, and ends
// within as much again. What is older goes in larger pieces.
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
	r := &rebuild{History: h, log: log, n: all - 1, options: o}
	for _, step := range []struct {
		name string
		do   func(context.Context) error
	}{
		{"make new tables", r.make}, {"fill them", r.fill}, {"copy what the log no longer has", r.copyOlder},
		{"compare", r.compare}, {"swap", r.swap}, {"catch up", r.fill}, {"compare again", r.compareSwapped}, {"drop the old tables", r.drop},
	} {
		if err := step.do(ctx); err != nil {
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
}

// suffix is the ending of the tables that are being filled.
func (r *rebuild) suffix() string {
	if r.swapped {
		return ""
	}
	return beside
}

func (r *rebuild) make(ctx context.Context) error {
	r.next = map[string]streams.Position{}
	for _, t := range tables {
		for _, sql := range []string{"DROP TABLE IF EXISTS " + t.name + beside + " SYNC", "CREATE TABLE " + t.name + beside + " AS " + t.name} {
			if err := r.db.Exec(ctx, sql); err != nil {
				return err
			}
		}
	}
	return nil
}

// fill brings the tables from where they are to the last range that holds.
func (r *rebuild) fill(ctx context.Context) error {
	type work struct {
		span event.HistoryRange
		at   streams.Position
		own  bool // under its own token
	}
	todo := make([][]work, r.n+1)
	for p := range r.n + 1 {
		_, part := topicsOf(p, r.n)
		_, err := readBook(ctx, r.log, p, func(step *streams.Step, b *book) error {
			for _, span := range b.last {
				if r.has(span, part) {
					continue
				}
				young := time.Since(step.Close.Clock.Std()) < recent
				todo[p] = append(todo[p], work{span, b.topics[span.Topic].was, young})
				r.total += span.Next - span.From
			}
			return nil
		})
		if err != nil {
			return err
		}
	}
	for p := range r.n + 1 {
		_, part := topicsOf(p, r.n)
		open := map[string]*feed{}
		for _, w := range todo[p] {
			first, _, err := r.log.Bounds(ctx, w.span.Topic, part)
			if err != nil {
				return err
			}
			if w.span.From < first {
				continue // copied from the old tables, as a whole range
			}
			b, err := load(ctx, r.log, part, w.span, w.at)
			if err != nil {
				return err
			}
			if err := r.put(ctx, open, part, b, w.at, w.own); err != nil {
				return err
			}
		}
		for _, f := range open {
			if err := r.flush(ctx, f); err != nil {
				return err
			}
		}
	}
	return nil
}

func place(topic string, part int32) string { return fmt.Sprintf("%s/%d", topic, part) }

func (r *rebuild) has(span event.HistoryRange, part int32) bool {
	at, ok := r.next[place(span.Topic, part)]
	return ok && span.Next <= at.Offset+1
}

// pieceRecords is how much of the older log goes into one insert.
const pieceRecords = 50_000

// put inserts a range of its own, or gathers it with its neighbours.
func (r *rebuild) put(ctx context.Context, open map[string]*feed, part int32, b batch, at streams.Position, own bool) error {
	f := open[b.span.Topic]
	if f == nil {
		f = newFeed(b.span.Topic, part, at)
		open[b.span.Topic] = f
	}
	if own {
		if err := r.flush(ctx, f); err != nil {
			return err
		}
	}
	if err := f.add(b.records); err != nil {
		return err
	}
	if own {
		taken := f.take()
		return r.insertPiece(ctx, f, taken)
	}
	if f.ready >= pieceRecords || f.bytes >= maxBytes {
		return r.flush(ctx, f)
	}
	return nil
}

func (r *rebuild) flush(ctx context.Context, f *feed) error {
	if f.ready == 0 {
		return nil
	}
	return r.insertPiece(ctx, f, f.take())
}

func (r *rebuild) insertPiece(ctx context.Context, f *feed, b batch) error {
	if err := r.insert(ctx, r.suffix(), b, time.Now().Add(freshFor)); err != nil {
		return err
	}
	r.next[place(f.topic, f.part)] = streams.Position{Life: b.span.Life, Number: b.span.Number, Offset: b.span.Next - 1}
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
	sql := []string{fmt.Sprintf("INSERT INTO records%s SELECT * FROM records WHERE topic = '%s' AND log_partition = %d AND log_offset < %d", beside, topic, part, below)}
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
	for _, t := range tables {
		if err := r.db.Exec(ctx, "EXCHANGE TABLES "+t.name+" AND "+t.name+beside); err != nil {
			return err
		}
	}
	r.swapped = true
	return nil
}

func (r *rebuild) drop(ctx context.Context) error {
	if r.options.KeepOld {
		return nil
	}
	for _, t := range tables {
		if err := r.db.Exec(ctx, "DROP TABLE "+t.name+beside+" SYNC"); err != nil {
			return err
		}
	}
	return nil
}

package history

import (
	"context"
	"fmt"

	"tocsin/streams"
	"tocsin/streams/event"
)

// Some says which records of one partition of a topic are wanted.
type Some struct {
	Topic     string
	Partition int32
	Types     []event.Type // empty: all
	Keys      []string     // empty: all
	Held      bool         // those alone that count by the rule of reading
}

// someAtOnce is how many records one answer holds: a query that is read slowly must not run into its time-out.
const someAtOnce = 20_000

// Each hands on records as they lay in the log, in its order, until there are no more or fn fails. Backtests decide again from
// them. It changes nothing.
func (h *History) Each(ctx context.Context, s Some, fn func(streams.Record) error) error {
	where, args := `topic = ? AND log_partition = ?`, []any{s.Topic, uint32(s.Partition)}
	if len(s.Types) > 0 {
		types := make([]string, len(s.Types))
		for i, t := range s.Types {
			types[i] = string(t)
		}
		where, args = where+` AND type IN (?)`, append(args, types)
	}
	if len(s.Keys) > 0 {
		where, args = where+` AND key IN (?)`, append(args, s.Keys)
	}
	if s.Held {
		where += ` AND holds`
	}
	for from := int64(0); ; {
		all, err := h.records(ctx, where+` AND log_offset >= ? ORDER BY log_offset LIMIT ?`, append(args[:len(args):len(args)], uint64(from), someAtOnce)...)
		if err != nil {
			return err
		}
		for _, r := range all {
			if err := fn(r); err != nil {
				return err
			}
		}
		if len(all) < someAtOnce {
			return nil
		}
		from = all[len(all)-1].Offset + 1
	}
}

// Partitions answers how many partitions of a topic history has records of.
func (h *History) Partitions(ctx context.Context, topic string) (int32, error) {
	var n uint64
	if err := h.db.QueryRow(ctx, `SELECT if(count() = 0, 0, max(log_partition) + 1) FROM records WHERE topic = ?`, topic).Scan(&n); err != nil {
		return 0, fmt.Errorf("partitions of %s in history: %w", topic, err)
	}
	return int32(n), nil
}

// Count answers how many records of a topic history has.
func (h *History) Count(ctx context.Context, topic string) (int64, error) {
	var n uint64
	if err := h.db.QueryRow(ctx, `SELECT count() FROM records WHERE topic = ?`, topic).Scan(&n); err != nil {
		return 0, fmt.Errorf("records of %s in history: %w", topic, err)
	}
	return int64(n), nil
}

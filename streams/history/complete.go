package history

import (
	"context"
	"fmt"
	"time"
)

// mostAgain is how many tokens a block may lose before somebody has to look.
const mostAgain = 8

// insertAgain inserts a range that the life before may have inserted already, and makes sure that it is there.
//
// The token alone does not show it: ClickHouse notes a token before it moves the rows into their place, so one that was
// killed (or found its disk full) between the two remembers an insert that it does not have, and would drop each repeat.
// A block is there whole or not at all; one that is not goes in under a token of its own, the same for all who find
// that it is missing.
func (h *History) insertAgain(ctx context.Context, b batch, deadline time.Time) error {
	if err := h.insert(ctx, "", b, deadline); err != nil {
		return err
	}
	blocks, err := project(b.records, b.held)
	if err != nil {
		return err
	}
	readings := 0
	for _, k := range blocks {
		if k.table == "readings" {
			readings = k.rows
		}
		for again := 0; k.rows > 0; again++ {
			there, err := h.has(ctx, b, k, readings)
			if err != nil {
				return fmt.Errorf("insert %s again: table %s: %w", b.span.Token, k.table, err)
			}
			if there {
				break
			}
			if again == mostAgain {
				return fmt.Errorf("insert %s again: table %s takes it and does not have it; run `tocsin history rebuild`", b.span.Token, k.table)
			}
			if err := h.put(ctx, "", k, fmt.Sprintf("%s/again%d", b.span.Token, again), deadline); err != nil {
				return err
			}
		}
	}
	return nil
}

// has says whether a block of the last range is there. The roll-up knows no offsets: it lacks the range when it counts
// just so many readings fewer than the table above it, since all ranges before are whole.
func (h *History) has(ctx context.Context, b batch, k block, readings int) (there bool, err error) {
	part, from, next := uint32(b.part), uint64(b.span.From), uint64(b.span.Next)
	switch k.table {
	case "records", "patient_events":
		err = h.db.QueryRow(ctx, `SELECT count() > 0 FROM `+k.table+` WHERE topic = ? AND log_partition = ? AND log_offset >= ? AND log_offset < ?`,
			b.span.Topic, part, from, next).Scan(&there)
	case "readings_hour":
		err = h.db.QueryRow(ctx, `SELECT (SELECT count() FROM readings WHERE log_partition = ?) != (SELECT sum(row_count) FROM readings_hour WHERE log_partition = ?) + ?`,
			part, part, uint64(readings)).Scan(&there)
	default:
		err = h.db.QueryRow(ctx, `SELECT count() > 0 FROM `+k.table+` WHERE log_partition = ? AND log_offset >= ? AND log_offset < ?`,
			part, from, next).Scan(&there)
	}
	return there, err
}

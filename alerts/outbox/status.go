package outbox

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"tocsin/streams"
	"tocsin/streams/event"
)

// Row is how far one subscriber has got in one partition, as the log says.
type Row struct {
	Subscriber string     `json:"subscriber"`
	Partition  int32      `json:"partition"`
	Delivered  int64      `json:"delivered"`      // number of the last message that is done with
	Offset     int64      `json:"offset"`         // of decisions: everything up to here has been looked at
	Unseen     int64      `json:"unseen"`         // records of decisions behind that
	Head       int64      `json:"head,omitempty"` // the message that is being tried
	HeadOf     event.Type `json:"head_of,omitempty"`
	Since      event.Time `json:"since,omitempty"` // when its event was decided
	Why        string     `json:"why,omitempty"`   // it does not get on
	Alarmed    bool       `json:"alarmed,omitempty"`
	Skipped    int64      `json:"skipped,omitempty"` // number of the last message that was passed over
	// Withheld is how many messages were not sent because a patient does not agree to it, and LastWithheld the number of the last.
	Withheld     int64 `json:"withheld,omitempty"`
	LastWithheld int64 `json:"last_withheld,omitempty"`
}

// Status answers how far everybody is whom the log knows, by subscriber and partition. Offset is up to where the subscriber needs nothing
// of decisions any more: whoever trims the log stays below the least of them, where history does not hold it.
func Status(ctx context.Context, log streams.Log) ([]Row, error) {
	n, err := log.Partitions(ctx, streams.Outbox)
	if err != nil {
		return nil, fmt.Errorf("read the outbox: %w", err)
	}
	var rows []Row
	for p := range n {
		l, err := readLedger(ctx, log, p)
		if err != nil {
			return nil, fmt.Errorf("read the outbox: %w", err)
		}
		_, end, err := log.Bounds(ctx, streams.Decisions, p)
		if err != nil {
			return nil, fmt.Errorf("read the outbox: %w", err)
		}
		for _, id := range slices.Sorted(maps.Keys(l.subscribers)) {
			rows = append(rows, l.subscribers[id].row(id, p, end))
		}
	}
	slices.SortStableFunc(rows, func(a, b Row) int { return cmp.Compare(a.Subscriber, b.Subscriber) })
	return rows, nil
}

func (s *standing) row(id string, p int32, end int64) Row {
	r := Row{Subscriber: id, Partition: p, Delivered: s.delivered, Offset: s.at.Offset, Unseen: max(end-s.at.Offset-1, 0), Why: s.trouble.Why, Alarmed: s.trouble.Alarmed}
	if len(s.pending) > 0 {
		r.Head, r.HeadOf, r.Since = s.pending[0].Number, s.pending[0].Of, s.pending[0].At
	}
	r.Withheld, r.LastWithheld = s.withheld.count, s.withheld.last
	if s.skipped != nil {
		r.Skipped = s.skipped.Number
	}
	return r
}

// readLedger reads a partition of the outbox as far as it goes now.
func readLedger(ctx context.Context, log streams.Log, p int32) (*ledger, error) {
	l := newLedger()
	first, end, err := log.Bounds(ctx, streams.Outbox, p)
	if err != nil {
		return nil, err
	}
	return l, streams.Each(ctx, log, streams.Outbox, p, first, end, l.read)
}

// ErrNotNext is that a message cannot be passed over since it is not the one which its subscriber does not take.
var ErrNotNext = errors.New("is not the message that is being tried")

// Skip asks that the message which a subscriber does not take be passed over. It is done as soon as whoever serves the partition sees
// it; the wish and the passing over stay in the log.
func Skip(ctx context.Context, log streams.Log, partition int32, w event.SkipRequested) error {
	l, err := readLedger(ctx, log, partition)
	if err != nil {
		return err
	}
	s := l.of(w.Subscriber)
	if !s.known {
		return fmt.Errorf("there is no subscriber %q in partition %d", w.Subscriber, partition)
	}
	if len(s.pending) == 0 || s.pending[0].Number != w.Number {
		return fmt.Errorf("number %d of %s in partition %d %w; see tocsin subscriber list", w.Number, w.Subscriber, partition, ErrNotNext)
	}
	writer, err := log.Write("subscriber-skip")
	if err != nil {
		return err
	}
	now := time.Now()
	r, err := streams.ToRecord(streams.Outbox, partition, w.Subscriber, event.Envelope{ID: fmt.Sprintf("skip/%s/%d/%d", w.Subscriber, w.Number, now.UnixMilli()),
		Source: "command", Subject: "subscriber/" + w.Subscriber, At: event.TimeOf(now), After: -1, Data: &w})
	if err == nil {
		_, err = streams.AppendWait(ctx, writer, r)
	}
	return errors.Join(err, writer.Close())
}

package outbox

import (
	"context"
	"errors"
	"fmt"

	"tocsin/alerts"
	"tocsin/streams"
	"tocsin/streams/event"
)

// lost says that records which a subscriber needs are neither in the log nor in history.
type lost struct {
	partition  int32
	from, next int64
	off        bool // there is no history
}

func (l *lost) Error() string {
	where := "and history does not have it"
	if l.off {
		where = "and history is off"
	}
	return fmt.Sprintf("decisions/%d from offset %d to %d is trimmed from the log %s: turn on the history that has it, or give the subscriber a new id to begin anew", l.partition, l.from, l.next-1, where)
}

// pastAtOnce is how many records of history are read at a time.
const pastAtOnce = 2000

// follow hands on each step of a partition of decisions that holds, from a position on, until ctx ends or something fails: from history
// as far as the log is trimmed, then from the log. behind is called behind each batch of records. The events of a step are not decoded.
func (b *Outbox) follow(ctx context.Context, partition int32, at streams.Position, take func(*streams.Step) error, behind func() error) error {
	steps := streams.NewSteps(at)
	steps.Raw(true)
	for {
		first, _, err := b.o.Log.Bounds(ctx, streams.Decisions, partition)
		if err != nil {
			return err
		}
		if steps.Next() >= first {
			err := streams.ReadSteps(ctx, b.o.Log, streams.Decisions, partition, steps, take, func() (bool, error) { return false, behind() })
			if !errors.Is(err, streams.ErrTrimmed) { // else it was trimmed just now
				return err
			}
			continue
		}
		if err := b.past(ctx, partition, steps, first, take); err != nil {
			return err
		}
		if err := behind(); err != nil {
			return err
		}
	}
}

// past reads one batch from history, below the offset at which the log begins.
func (b *Outbox) past(ctx context.Context, partition int32, steps *streams.Steps, first int64, take func(*streams.Step) error) error {
	if b.o.Past == nil {
		return &lost{partition, steps.Next(), first, true}
	}
	records, err := b.o.Past.Records(ctx, streams.Decisions, partition, steps.Next(), pastAtOnce)
	if err != nil {
		return err
	}
	if len(records) == 0 {
		return &lost{partition, steps.Next(), first, false}
	}
	for _, r := range records {
		if r.Offset > steps.Next() && steps.Next() < first {
			return &lost{partition, steps.Next(), min(r.Offset, first), false}
		}
		if r.Offset >= first {
			return nil
		}
		step, err := steps.Read(r)
		if err == nil && step != nil {
			err = take(step)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// Start answers a recent position of a partition of decisions and what is open there: where a subscriber that begins now begins to look.
type Start func(ctx context.Context, partition int32) (streams.Position, []event.OutboxWarning, error)

// StartOf answers by the newest checkpoint of a log of whose three cores alerts is the second.
func StartOf[A, C, FA, FC any](log streams.Log, parts streams.Parts[streams.Three[A, alerts.State, C], streams.Three[FA, alerts.Facts, FC]]) Start {
	return func(ctx context.Context, partition int32) (streams.Position, []event.OutboxWarning, error) {
		r, err := streams.Restore(ctx, log, streams.PatientPair, partition, parts)
		if err != nil {
			return streams.Position{}, nil, err
		}
		var all []event.OutboxWarning
		for _, key := range r.Keys() {
			s, _ := r.Get(key)
			for _, w := range s.B.Open {
				all = append(all, standingOf(key, w))
			}
		}
		return r.At(), all, nil
	}
}

package streams

import (
	"context"
	"fmt"
	"slices"

	"tocsin/streams/event"
)

// AsOf answers a replica that holds one subject, and what concerns everyone, as every follower of the log had them at the
// moment until: with all steps before the first that was written later, by the log's own stamp. It is the stamp and not the
// partition's clock, since what an owner catches up on after an outage is decided as of the time that was missed, and
// nobody knew it then. ErrTrimmed: the log does not reach back so far.
//
// It begins with the newest checkpoint of that time. Patients do not touch one another, so the others are read over.
func AsOf[S, F any](ctx context.Context, log Log, pair Pair, partition int32, parts Parts[S, F], key string, until event.Time) (*Replica[S, F], error) {
	replica, err := restore(ctx, log, pair, partition, parts, until)
	if err != nil {
		return nil, err
	}
	first, end, err := log.Bounds(ctx, pair.Decisions, partition)
	if err != nil {
		return nil, fmt.Errorf("look back in %s/%d: %w", pair.Decisions, partition, err)
	}
	steps := NewSteps(replica.At())
	switch {
	case steps.Next() < first:
		return nil, fmt.Errorf("look back in %s/%d: %w: it begins at offset %d", pair.Decisions, partition, ErrTrimmed, first)
	case steps.Next() >= end:
		return replica, nil
	}
	feed := newFeed(log, pair.Inputs, partition, replica.Input())
	defer feed.close()
	later := false
	err = ReadSteps(ctx, log, pair.Decisions, partition, steps, func(step *Step) error {
		if later = later || writtenAt(step) > until; later {
			return nil
		}
		inputs, err := feed.through(ctx, step.Close.Inputs.Next)
		if err == nil {
			_, err = replica.Apply(about(step, inputs, key, partition))
		}
		return err
	}, func() (bool, error) { return later || steps.Next() >= end, nil })
	return replica, err
}

// writtenAt is when a step's closing record was written: what made it hold.
func writtenAt(step *Step) event.Time {
	return event.Time(step.Records[len(step.Records)-1].AppendMs)
}

// about answers a step with what is of one subject or of everyone.
func about(step *Step, inputs []Input, key string, partition int32) (*Step, []Input) {
	other := func(subject string) bool {
		return subject != key && subject != event.Everyone && subject != PartitionKey(partition)
	}
	s := *step
	s.Events = slices.DeleteFunc(slices.Clone(step.Events), func(e event.Envelope) bool { return other(e.Subject) })
	mine := slices.Clone(inputs)
	for i := range mine {
		if e := mine[i].Envelope; e != nil && other(e.Subject) {
			mine[i].Envelope = nil
		}
	}
	return &s, mine
}

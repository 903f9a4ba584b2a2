package streams

import (
	"context"
	"fmt"

	"tocsin/streams/event"
)

// Change is what one step that holds brought, as a follower sees it.
type Change[S, F any] struct {
	Position
	Partition int32
	Input     int64 // the next input
	Clock     event.Time
	Inputs    []event.Envelope // folded in this step, those that were passed over as repeats among them
	Events    []event.Envelope
	Touched   []string // subjects; in the first change all that there are
	Replica   *Replica[S, F]
	CaughtUp  bool // the log held no further step when following began, or since
}

// Follow keeps a replica of one partition and tells fn of each step that holds, in order: first one change with
// everything that the newest checkpoint held, then one for each step. fn is called from one goroutine and may read the replica only
// while it runs. Follow returns fn's error, ctx's, or what is wrong with the log.
func Follow[S, F any](ctx context.Context, log Log, pair Pair, partition int32, parts Parts[S, F], fn func(Change[S, F]) error) error {
	replica, err := Restore(ctx, log, pair, partition, parts)
	if err != nil {
		return err
	}
	_, end, err := log.Bounds(ctx, pair.Decisions, partition)
	if err != nil {
		return fmt.Errorf("follow %s/%d: %w", pair.Decisions, partition, err)
	}
	f := &follower[S, F]{replica: replica, feed: newFeed(log, pair.Inputs, partition, replica.Input()), fn: fn, end: end}
	defer f.feed.close()
	steps := NewSteps(replica.At())
	f.caughtUp = steps.Next() >= end
	if err := f.tell(replica.Keys(), nil, nil); err != nil {
		return err
	}
	return f.run(ctx, log, pair, partition, steps)
}

type follower[S, F any] struct {
	replica  *Replica[S, F]
	feed     *feed
	fn       func(Change[S, F]) error
	end      int64
	caughtUp bool
}

func (f *follower[S, F]) run(ctx context.Context, log Log, pair Pair, partition int32, steps *Steps) error {
	return ReadSteps(ctx, log, pair.Decisions, partition, steps, func(step *Step) error {
		return f.step(ctx, step, steps.Next() >= f.end)
	}, func() (bool, error) {
		if f.caughtUp || steps.Next() < f.end {
			return false, nil
		}
		f.caughtUp = true // what came last was void
		return false, f.tell(nil, nil, nil)
	})
}

func (f *follower[S, F]) step(ctx context.Context, step *Step, caughtUp bool) error {
	inputs, err := f.feed.through(ctx, step.Close.Inputs.Next)
	if err != nil {
		return err
	}
	touched, err := f.replica.Apply(step, inputs)
	if err != nil {
		return err
	}
	f.caughtUp = f.caughtUp || caughtUp
	return f.tell(touched, inputs, step.Events)
}

func (f *follower[S, F]) tell(touched []string, inputs []Input, events []event.Envelope) error {
	r := f.replica
	c := Change[S, F]{Position: r.at, Partition: r.partition, Input: r.Input(), Clock: r.Clock(), Events: events, Touched: touched, Replica: r, CaughtUp: f.caughtUp}
	for _, in := range inputs {
		if in.Envelope != nil {
			c.Inputs = append(c.Inputs, *in.Envelope)
		}
	}
	return f.fn(c)
}

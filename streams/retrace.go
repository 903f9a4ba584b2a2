package streams

import (
	"context"
	"errors"
	"fmt"
)

// Retrace folds one partition from the beginning of the log to where it ends now, and decides again the steps that again
// asks for. told hears of each of those: differs is nil, or wraps ErrDiffers when it came out otherwise, and then the
// recorded step is folded. It is an error when the log no longer has its beginning: what is trimmed is in history.
func Retrace[S, F any](ctx context.Context, log Log, pair Pair, partition int32, parts Parts[S, F], again func(*Step) bool, told func(step *Step, differs error) error) error {
	begin, end, err := log.Bounds(ctx, pair.Decisions, partition)
	if err != nil {
		return fmt.Errorf("retrace %s/%d: %w", pair.Decisions, partition, err)
	}
	if begin > 0 {
		return fmt.Errorf("retrace %s/%d: %w: it begins at offset %d", pair.Decisions, partition, ErrTrimmed, begin)
	}
	replica := NewReplica(parts, pair, partition)
	feed := newFeed(log, pair.Inputs, partition, 0)
	defer feed.close()
	return EachStep(ctx, log, pair, partition, end, func(step *Step) error {
		inputs, err := feed.through(ctx, step.Close.Inputs.Next)
		if err != nil {
			return err
		}
		if again(step) {
			differs := Redecide(parts, replica, step, inputs)
			if differs != nil && !errors.Is(differs, ErrDiffers) {
				return differs
			}
			if err := told(step, differs); err != nil || differs == nil {
				return err
			}
		}
		_, err = replica.Apply(step, inputs)
		return err
	})
}

// EachStep hands on the steps that hold in one partition of decisions, from its beginning up to offset end, with events and
// records.
func EachStep(ctx context.Context, log Log, pair Pair, partition int32, end int64, fn func(*Step) error) error {
	steps := NewSteps(Beginning)
	if steps.Next() >= end {
		return nil
	}
	return ReadSteps(ctx, log, pair.Decisions, partition, steps, fn, func() (bool, error) { return steps.Next() >= end, nil })
}

// ReadSteps hands on each step of a topic that holds, from where steps stands on, until ctx ends, something fails, or behind,
// which is called behind each batch of records, says that it is enough.
func ReadSteps(ctx context.Context, log Log, topic string, partition int32, steps *Steps, take func(*Step) error, behind func() (enough bool, err error)) error {
	reader, err := log.Read(topic, partition, steps.Next())
	if err != nil {
		return fmt.Errorf("read %s/%d: %w", topic, partition, err)
	}
	defer func() { _ = reader.Close() }()
	for {
		records, err := reader.Next(ctx)
		if err != nil {
			return fmt.Errorf("read %s/%d: %w", topic, partition, err)
		}
		for _, r := range records {
			step, err := steps.Read(r)
			if err == nil && step != nil {
				err = take(step)
			}
			if err != nil {
				return err
			}
		}
		if enough, err := behind(); enough || err != nil {
			return err
		}
	}
}

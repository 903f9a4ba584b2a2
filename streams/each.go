package streams

import (
	"context"
	"errors"
	"fmt"
	"math"

	"tocsin/streams/event"
)

// ErrEnough is what take answers in Each to end it without an error.
var ErrEnough = errors.New("enough was read")

// Endless is an end that no partition comes to: who reads up to it waits for more until ctx ends.
const Endless = math.MaxInt64

// Each hands on the records of a partition from one offset up to, not with, another, and waits for those that are not there
// yet. ErrTrimmed: it begins later than from.
func Each(ctx context.Context, log Log, topic string, partition int32, from, to int64, take func(Record) error) (err error) {
	if from >= to {
		return nil
	}
	r, err := log.Read(topic, partition, from)
	if err != nil {
		return fmt.Errorf("read %s/%d from %d: %w", topic, partition, from, err)
	}
	defer func() { err = errors.Join(err, r.Close()) }()
	for at := from; at < to; {
		records, err := r.Next(ctx)
		if err != nil {
			return fmt.Errorf("read %s/%d from %d: %w", topic, partition, at, err)
		}
		for _, one := range records {
			if at = one.Offset + 1; one.Offset >= to {
				return nil
			}
			if err := take(one); errors.Is(err, ErrEnough) {
				return nil
			} else if err != nil {
				return err
			}
		}
	}
	return nil
}

// RecordAt reads one record that is there.
func RecordAt(ctx context.Context, log Log, topic string, partition int32, offset int64) (found Record, err error) {
	err = Each(ctx, log, topic, partition, offset, Endless, func(r Record) error { found = r; return ErrEnough })
	return found, err
}

// WrittenAfter answers the first offset of [first, end) whose record was written after a moment; end when there is none.
// Where the stamps do not grow it answers one of several.
func WrittenAfter(ctx context.Context, log Log, topic string, partition int32, first, end int64, at event.Time) (int64, error) {
	for first < end {
		middle := first + (end-first)/2
		r, err := RecordAt(ctx, log, topic, partition, middle)
		if err != nil {
			return 0, err
		}
		if event.Time(r.AppendMs) > at {
			end = middle
		} else {
			first = middle + 1
		}
	}
	return end, nil
}

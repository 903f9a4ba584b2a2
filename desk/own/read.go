package own

import (
	"context"
	"errors"
	"fmt"

	"tocsin/streams"
	"tocsin/streams/event"
)

// Past answers records that the log may no longer hold; history does.
type Past interface {
	// OfKey hands on the records of a topic's partition under a key, in the order of the log; of steps, those that hold.
	OfKey(ctx context.Context, topic string, partition int32, key string, fn func(streams.Record) error) error
	// LastHeld answers the last step of a partition that history holds; streams.Beginning when there is none.
	LastHeld(ctx context.Context, topic string, partition int32) (streams.Position, error)
}

// reading reads topics for one copy.
type reading struct {
	log  streams.Log
	past Past // nil: there is no history
	c    *Copy
}

// plain hands on every record of a topic without steps that a key has: what the log has lost first, from history.
func (r reading) plain(ctx context.Context, topic string, partition int32, key string, fn func(streams.Record) error) error {
	first, end, err := r.log.Bounds(ctx, topic, partition)
	if err != nil {
		return err
	}
	from, missing := first, first > 0 && r.past == nil
	if first > 0 && r.past != nil {
		from = 0
		err := r.past.OfKey(ctx, topic, partition, key, func(rec streams.Record) error {
			if rec.Offset >= first {
				return streams.ErrEnough
			}
			return fn(rec)
		})
		if err != nil && !errors.Is(err, streams.ErrEnough) {
			return err
		}
	}
	r.c.Sources = append(r.c.Sources, Source{topic, partition, from, end, missing})
	return streams.Each(ctx, r.log, topic, partition, first, end, func(rec streams.Record) error {
		if string(rec.Key) != key {
			return nil
		}
		return fn(rec)
	})
}

// held hands on every event of steps that hold for which wants answers true; key is the one by which history is asked.
func (r reading) held(ctx context.Context, topic string, partition int32, key string, wants func(e event.Envelope) bool, fn func(streams.Record, event.Envelope) error) error {
	first, end, err := r.log.Bounds(ctx, topic, partition)
	if err != nil {
		return err
	}
	at, from, missing := streams.Beginning, first, first > 0
	if first > 0 && r.past != nil {
		if at, err = r.past.LastHeld(ctx, topic, partition); err != nil {
			return err
		}
		from, missing = 0, at.Offset+1 < first
		err := r.past.OfKey(ctx, topic, partition, key, func(rec streams.Record) error {
			if rec.Offset > at.Offset {
				return streams.ErrEnough
			}
			e, err := event.Decode(rec.Headers, rec.Value)
			if err != nil {
				return fmt.Errorf("%s/%d at %d: %w", topic, partition, rec.Offset, err)
			}
			if !wants(e) {
				return nil
			}
			return fn(rec, e)
		})
		if err != nil && !errors.Is(err, streams.ErrEnough) {
			return err
		}
	}
	r.c.Sources = append(r.c.Sources, Source{topic, partition, from, end, missing})
	steps := streams.NewSteps(at)
	if steps.Next() >= end {
		return nil
	}
	if steps.Next() < first { // it is told as missing; what can be read is read
		steps = streams.NewSteps(streams.Position{Offset: first - 1})
	}
	return streams.ReadSteps(ctx, r.log, topic, partition, steps, func(step *streams.Step) error {
		for i, e := range step.Events {
			if wants(e) {
				if err := fn(step.Records[i], e); err != nil {
					return err
				}
			}
		}
		return nil
	}, func() (bool, error) { return steps.Next() >= end, nil })
}

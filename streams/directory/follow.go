package directory

import (
	"context"
	"errors"
	"fmt"
	"time"

	"tocsin/streams"
	"tocsin/streams/event"
)

// How long to wait before reading is tried again after an error of the log.
const (
	backOffFirst = 50 * time.Millisecond
	backOffMost  = 2 * time.Second
)

// keepOn tries again and again, over errors of the log, until ctx ends or an error comes that will not go away; it answers
// that. The wait between tries grows until one has got on. failed hears of each error but the last.
func keepOn(ctx context.Context, try func(context.Context) (gotOn bool, err error), failed func(err error, again time.Duration)) error {
	wait := backOffFirst
	for {
		gotOn, err := try(ctx)
		switch {
		case ctx.Err() != nil:
			return ctx.Err()
		case lasting(err):
			return err
		case gotOn:
			wait = backOffFirst
		}
		failed(err, wait)
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(wait):
		}
		wait = min(2*wait, backOffMost)
	}
}

// lasting tells whether an error will not go away by itself. A step that holds and cannot be decoded is one: whoever
// tried again would go on behind it, as if what it says had never been decided.
func lasting(err error) bool {
	return errors.Is(err, event.ErrNewer) || errors.Is(err, event.ErrUnreadable) || errors.Is(err, streams.ErrTrimmed) || errors.Is(err, streams.ErrBeyond)
}

// follow hands over each step of the directory that holds, from where steps stands on, until ctx ends or something fails.
// read is called behind each batch of records.
func follow(ctx context.Context, log streams.Log, steps *streams.Steps, take func(*streams.Step) error, read func()) error {
	r, err := log.Read(streams.Directory, 0, steps.Next())
	if err != nil {
		return err
	}
	defer func() { _ = r.Close() }()
	for {
		records, err := r.Next(ctx)
		if err != nil {
			return err
		}
		for _, rec := range records {
			step, err := steps.Read(rec)
			if err == nil && step != nil {
				err = take(step)
			}
			if err != nil {
				return fmt.Errorf("step at %d: %w", rec.Offset, err)
			}
		}
		read()
	}
}

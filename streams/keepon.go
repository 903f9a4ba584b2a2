package streams

import (
	"context"
	"errors"
	"slices"
	"time"

	"tocsin/streams/event"
)

// How long KeepOn waits between tries.
const (
	againFirst = 50 * time.Millisecond
	againMost  = 2 * time.Second
)

// Lasting are the errors of reading that do not go away by themselves. A step that holds and cannot be decoded is one: whoever
// tried again would go on behind it, as if what it says had never been decided.
var Lasting = []error{event.ErrNewer, event.ErrUnreadable, ErrTrimmed, ErrBeyond}

// KeepOn tries again and again, over errors of the log, until ctx ends or one of the lasting errors comes, which will not go
// away; it answers that. The wait between tries grows until one has got on. failed hears of each error but the last.
func KeepOn(ctx context.Context, try func(context.Context) (gotOn bool, err error), failed func(err error, again time.Duration), lasting ...error) error {
	wait := againFirst
	for {
		gotOn, err := try(ctx)
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if slices.ContainsFunc(lasting, func(l error) bool { return errors.Is(err, l) }) {
			return err
		}
		if gotOn {
			wait = againFirst
		}
		failed(err, wait)
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(wait):
		}
		wait = min(2*wait, againMost)
	}
}

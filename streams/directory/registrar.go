package directory

import (
	"context"
	"errors"
	"log/slog"
	"sync"

	"tocsin/streams"
)

// RunRegistrar is a member of the registrar's group: whoever of them owns the directory decides what is asked of it and
// hands the effects on to the patients. It returns when ctx ends, or with what no new life can mend.
func RunRegistrar(ctx context.Context, log streams.Log, n int32, m Machine, o streams.OwnerOptions) error {
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var handing sync.WaitGroup
	defer handing.Wait()
	var stop context.CancelFunc
	told := o.OnLife
	o.OnLife = func(p int32, alive bool) {
		if told != nil {
			told(p, alive)
		}
		if !alive {
			stop()
			return
		}
		var mine context.Context
		mine, stop = context.WithCancel(ctx)
		handing.Go(func() {
			if err := HandOn(mine, log, n, o.Logger); mine.Err() == nil {
				cancel(err)
			}
		})
	}
	if err := streams.RunOwner(ctx, log, streams.DirectoryPair, streams.Alone("registrar", m), o); err != nil {
		return err
	}
	if cause := context.Cause(ctx); !errors.Is(cause, context.Canceled) {
		return cause
	}
	return nil
}

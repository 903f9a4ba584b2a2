package deploy

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"tocsin/streams"
	"tocsin/streams/event"
)

// stopWithin bounds the whole of an orderly stop.
const stopWithin = 9 * time.Second

// stopShare is what is kept back for each part that has still to be stopped, so that one that hangs does not take the
// log's orderly end from it.
const stopShare = 200 * time.Millisecond

// stops are the parts that were started, oldest first. The last thing started is the first thing stopped.
type stops struct {
	log   *slog.Logger
	parts []stopping
}

type stopping struct {
	name string
	stop func(context.Context) error
}

func (s *stops) add(name string, stop func(context.Context) error) {
	s.parts = append(s.parts, stopping{name, stop})
}

// all stops every part, the newest first, and names each that failed.
func (s *stops) all() error {
	end := time.Now().Add(stopWithin)
	var faults []error
	for i := len(s.parts) - 1; i >= 0; i-- {
		p := s.parts[i]
		began := time.Now()
		if err := p.within(end.Add(-time.Duration(i) * stopShare)); err != nil && !errors.Is(err, context.Canceled) {
			faults = append(faults, fmt.Errorf("stop %s: %w", p.name, err))
		}
		s.log.Debug("stopped", streams.KeyPart, p.name, streams.KeyTook, time.Since(began).Round(time.Millisecond))
	}
	s.parts = nil
	return errors.Join(faults...)
}

// within stops a part, and leaves one that hangs to the end of the process.
func (p stopping) within(end time.Time) error {
	ctx, cancel := context.WithDeadline(context.Background(), end)
	defer cancel()
	done := make(chan error, 1)
	go func() { done <- p.stop(ctx) }()
	select {
	case err := <-done:
		return err
	case <-ctx.Done():
		return errHangs
	}
}

// errHangs: a part did not stop in its time.
var errHangs = errors.New("did not stop in time")

// worker is a part that runs until it is told to stop.
type worker struct {
	cancel context.CancelFunc
	ended  chan struct{}
	err    error
}

// work starts run. When it ends by itself, with or without an error, broke is told: no part may leave unnoticed.
func work(run func(context.Context) error, broke func(error)) *worker {
	ctx, cancel := context.WithCancel(context.Background())
	w := &worker{cancel: cancel, ended: make(chan struct{})}
	go func() {
		defer close(w.ended)
		w.err = run(ctx)
		if ctx.Err() == nil {
			if w.err == nil {
				w.err = errors.New("ended by itself")
			}
			broke(w.err)
		}
	}()
	return w
}

// stop ends the worker and waits for it, until ctx ends.
func (w *worker) stop(ctx context.Context) error {
	w.cancel()
	select {
	case <-w.ended:
		if errors.Is(w.err, context.Canceled) || errors.Is(w.err, event.ErrNewer) { // the latter has been told
			return nil
		}
		return w.err
	case <-ctx.Done():
		return errHangs
	}
}

package notify

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"tocsin/streams"
	"tocsin/streams/event"
)

// outbox brings receipts into the log, in their order, and tries again until the log has them. Nobody who tells people waits
// for it.
type outbox struct {
	edge    Edge
	metrics *metrics
	log     *slog.Logger
	wake    chan struct{}

	mu      sync.Mutex
	queue   []event.Envelope
	stopped bool
}

func newOutbox(edge Edge, m *metrics, log *slog.Logger) *outbox {
	return &outbox{edge: edge, metrics: m, log: log, wake: make(chan struct{}, 1)}
}

const (
	mostQueued   = 20_000 // beyond it, while the log takes nothing, what was not sent is not reported
	mostAppended = 256
)

// put hands over what is to be written. Its id holds for every try.
func (o *outbox) put(key, id string, d event.Event) {
	e := event.Envelope{ID: id, Source: o.edge.Name(), Subject: key, At: event.TimeOf(time.Now()), Data: d}
	o.mu.Lock()
	defer o.mu.Unlock()
	if r, ok := d.(*event.NoticeReported); ok && len(o.queue) >= mostQueued && (r.State == event.NoticeFailed || r.State == event.NoticeQueued) {
		o.metrics.dropped.Inc()
		return
	}
	o.queue = append(o.queue, e)
	o.nudge()
}

func (o *outbox) nudge() {
	select {
	case o.wake <- struct{}{}:
	default:
	}
}

// stop lets run end once everything is written.
func (o *outbox) stop() {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.stopped = true
	o.nudge()
}

// run writes until it is stopped and has nothing left, or ctx ends.
func (o *outbox) run(ctx context.Context) {
	wait := againFirst
	for {
		batch, stopped := o.next()
		pause := (<-chan time.Time)(nil)
		switch {
		case len(batch) > 0 && o.write(ctx, batch):
			wait = againFirst
			continue
		case len(batch) > 0:
			pause = time.After(wait)
			wait = min(2*wait, againMost)
		case stopped:
			return
		}
		wake := o.wake
		if pause != nil {
			wake = nil
		}
		select {
		case <-ctx.Done():
			return
		case <-wake:
		case <-pause:
		}
	}
}

func (o *outbox) next() ([]event.Envelope, bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.queue[:min(len(o.queue), mostAppended):min(len(o.queue), mostAppended)], o.stopped
}

func (o *outbox) waiting() int {
	o.mu.Lock()
	defer o.mu.Unlock()
	return len(o.queue)
}

// write appends a batch, and keeps what the log did not take. It answers whether it took all.
func (o *outbox) write(ctx context.Context, batch []event.Envelope) bool {
	settled := make(chan error, len(batch))
	failed := make([]error, len(batch))
	for i, e := range batch {
		o.edge.Append(streams.Inputs, e.Subject, e, func(_ int32, _ int64, err error) {
			failed[i] = err
			settled <- err
		})
	}
	var last error
	for range batch {
		select {
		case err := <-settled:
			if err != nil {
				last = err
			}
		case <-ctx.Done():
			return false
		}
	}
	if last != nil {
		o.log.Warn("the log did not take receipts of notices; they are written again", streams.KeyErr, last)
	}
	o.keep(batch, failed)
	return last == nil
}

// keep takes what was written out of the queue.
func (o *outbox) keep(batch []event.Envelope, failed []error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	var left []event.Envelope
	for i, e := range batch {
		if failed[i] != nil {
			left = append(left, e)
		}
	}
	o.queue = append(left, o.queue[len(batch):]...)
}

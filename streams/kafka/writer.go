package kafka

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"tocsin/streams"
)

// Write opens a writer: a client, and with it an idempotent producer, of its own.
func (l *Log) Write(owner string) (streams.Writer, error) {
	cl, err := kgo.NewClient(l.writing(owner)...)
	if err != nil {
		return nil, fmt.Errorf("open writer of %s: %w", owner, err)
	}
	w := &writer{
		log: l, owner: owner, cl: cl, flows: map[place]*flow{},
		work: make(chan struct{}, 1), stop: make(chan struct{}), ended: make(chan struct{}),
	}
	go w.run()
	go w.watch()
	return w, nil
}

type place struct {
	topic     string
	partition int32
}

// writer puts an order on what franz-go answers: done is called from run alone, one partition's in the order of the
// calls, and never by franz-go's own goroutine, so that a done may append.
type writer struct {
	log   *Log
	owner string
	cl    *kgo.Client

	mu        sync.Mutex
	flows     map[place]*flow
	ready     []*pending // settled, in the order in which their done is to be called
	unsettled int        // handed over and not yet called back
	idle      chan struct{}
	closed    bool

	work  chan struct{} // something is ready, or the writer was closed
	stop  chan struct{} // closed with the writer
	ended chan struct{} // run has ended
}

// flow is one partition of a writer.
type flow struct {
	place
	order  sync.Mutex // held while a record is handed to franz-go, so that its order there is ours
	ctx    context.Context
	cancel context.CancelFunc

	// Guarded by the writer's lock.
	queue  []*pending // not yet ready; the oldest first
	failed error      // the first error: whatever was appended after that record fails too
}

type pending struct {
	flow    *flow
	done    func(int64, error)
	since   time.Time
	settled bool
	offset  int64
	err     error
}

// Append hands r over. It waits while 20,000 records or 64 MiB are under way.
func (w *writer) Append(r streams.Record, done func(offset int64, err error)) {
	f := w.flow(place{r.Topic, r.Partition})
	p := &pending{flow: f, done: done, since: time.Now()}
	f.order.Lock()
	defer f.order.Unlock()
	if !w.admit(p, r) {
		return
	}
	w.cl.Produce(f.ctx, toKafka(r), func(got *kgo.Record, err error) {
		if err != nil {
			err = fmt.Errorf("append to %s/%d: %w", f.topic, f.partition, closed(err))
		}
		w.settle(p, got.Offset, err)
	})
}

func (w *writer) flow(at place) *flow {
	w.mu.Lock()
	defer w.mu.Unlock()
	f := w.flows[at]
	if f == nil {
		f = &flow{place: at}
		f.ctx, f.cancel = context.WithCancel(context.Background())
		w.flows[at] = f
	}
	return f
}

// admit queues p and tells whether its record may be sent.
func (w *writer) admit(p *pending, r streams.Record) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.closed {
		go w.refuse(p)
		return false
	}
	f := p.flow
	f.queue = append(f.queue, p)
	w.unsettled++
	var err error
	switch {
	case f.failed != nil:
		err = fmt.Errorf("an earlier record of this writer failed: %w", f.failed)
	case size(r) > maxBatch-2048:
		// franz-go would find out by itself, but only after it had taken those behind it.
		err = fmt.Errorf("append to %s/%d: a record of %d bytes, at most %d fit", f.topic, f.partition, size(r), maxBatch-2048)
	}
	if err != nil {
		w.settleLocked(p, -1, err)
	}
	return err == nil
}

// refuse answers an Append to a closed writer, behind all that came before.
func (w *writer) refuse(p *pending) {
	<-w.ended
	if p.done != nil {
		p.done(-1, streams.ErrClosed)
	}
}

// settle notes what became of p.
func (w *writer) settle(p *pending, offset int64, err error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.settleLocked(p, offset, err)
}

// settleLocked makes ready what is settled at the head of p's flow. A record that was settled before (given up, and
// answered all the same) keeps its first answer.
func (w *writer) settleLocked(p *pending, offset int64, err error) {
	if p.settled {
		return
	}
	f := p.flow
	p.settled, p.offset, p.err = true, offset, err
	if err != nil {
		p.offset = -1
		w.fail(f, p, err)
	}
	w.makeReady(f)
}

// fail makes the error stick: what was appended after p and answers later answers with it. What came before p may
// still succeed.
func (w *writer) fail(f *flow, p *pending, err error) {
	if f.failed == nil {
		f.failed = err
	}
	behind := false
	for _, q := range f.queue {
		if behind && !q.settled {
			q.settled, q.offset, q.err = true, -1, fmt.Errorf("an earlier record of this writer failed: %w", f.failed)
		}
		behind = behind || q == p
	}
}

func (w *writer) makeReady(f *flow) {
	n := 0
	for n < len(f.queue) && f.queue[n].settled {
		n++
	}
	if n == 0 {
		return
	}
	w.ready = append(w.ready, f.queue[:n]...)
	f.queue = f.queue[n:]
	w.wake()
}

func (w *writer) wake() {
	select {
	case w.work <- struct{}{}:
	default:
	}
}

// run calls back what is ready until the writer is closed.
func (w *writer) run() {
	defer close(w.ended)
	for range w.work {
		if w.callBack() {
			return
		}
	}
}

// watch gives up what waits too long. It is not part of run, which may itself wait in a done that appends.
func (w *writer) watch() {
	look := time.NewTicker(w.log.o.WriteTimeout / 8)
	defer look.Stop()
	for {
		select {
		case now := <-look.C:
			w.giveUp(now)
		case <-w.stop:
			return
		}
	}
}

// callBack calls every done that is ready and tells whether the writer was closed.
func (w *writer) callBack() bool {
	for {
		w.mu.Lock()
		batch, closed := w.ready, w.closed
		w.ready = nil
		w.mu.Unlock()
		if len(batch) == 0 {
			return closed
		}
		for _, p := range batch {
			w.log.metrics.settled(p.flow.topic, time.Since(p.since), p.err)
			if p.done != nil {
				p.done(p.offset, p.err)
			}
		}
		w.called(len(batch))
	}
}

func (w *writer) called(n int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.unsettled -= n
	if w.unsettled == 0 && w.idle != nil {
		close(w.idle)
		w.idle = nil
	}
}

// giveUp fails the partitions whose oldest record has waited too long. Whether it lies in the log nobody can say.
func (w *writer) giveUp(now time.Time) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, f := range w.flows {
		if len(f.queue) == 0 || now.Sub(f.queue[0].since) < w.log.o.WriteTimeout {
			continue
		}
		f.cancel() // franz-go drops what it has not sent
		w.settleLocked(f.queue[0], -1, fmt.Errorf("append to %s/%d: not acknowledged within %s: %w",
			f.topic, f.partition, w.log.o.WriteTimeout, context.DeadlineExceeded))
	}
}

// Flush sends what lingers and waits until everything handed over has been called back.
func (w *writer) Flush(ctx context.Context) error {
	if err := w.cl.Flush(ctx); err != nil {
		return fmt.Errorf("flush writer of %s: %w", w.owner, err)
	}
	w.mu.Lock()
	if w.unsettled == 0 {
		w.mu.Unlock()
		return nil
	}
	if w.idle == nil {
		w.idle = make(chan struct{})
	}
	idle := w.idle
	w.mu.Unlock()
	select {
	case <-idle:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("flush writer of %s: %w", w.owner, ctx.Err())
	}
}

// Close gives up what is not settled. When it returns every done has been called, unless it was called from one.
func (w *writer) Close() error {
	if !w.shut() {
		return nil
	}
	w.wake()
	select {
	case <-w.ended:
	case <-time.After(time.Second): // a done called us, or one hangs: the rest is called as soon as it returns
	}
	w.cl.Close()
	return nil
}

// shut settles everything and tells whether it was the first to do so.
func (w *writer) shut() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.closed {
		return false
	}
	w.closed = true
	close(w.stop)
	for _, f := range w.flows {
		f.cancel()
		for _, p := range f.queue {
			if !p.settled {
				p.settled, p.offset, p.err = true, -1, streams.ErrClosed
			}
		}
		w.makeReady(f)
	}
	return true
}

// toKafka leaves the time to franz-go: the moment of the call.
func toKafka(r streams.Record) *kgo.Record {
	k := &kgo.Record{Topic: r.Topic, Partition: r.Partition, Key: r.Key, Value: r.Value}
	if len(r.Headers) > 0 {
		k.Headers = make([]kgo.RecordHeader, len(r.Headers))
		for i, h := range r.Headers {
			k.Headers[i] = kgo.RecordHeader(h)
		}
	}
	return k
}

// size is what a record weighs on the wire, a few bytes less.
func size(r streams.Record) int {
	n := len(r.Key) + len(r.Value)
	for _, h := range r.Headers {
		n += len(h.Key) + len(h.Value) + 4
	}
	return n
}

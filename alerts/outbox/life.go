package outbox

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"tocsin/streams"
	"tocsin/streams/event"
)

// errReplaced ends a life: another process has opened the partition since.
var errReplaced = errors.New("another process has opened the partition of the outbox")

// errOver is what a stream hears that still wants something written.
var errOver = errors.New("the partition of the outbox is taken up anew")

const (
	// holdWithin is how long a step of ours may take to be seen in the log.
	holdWithin = 20 * time.Second
	// stopWithin is how long a stop waits until what was delivered is written down.
	stopWithin = 3 * time.Second
	// mostTogether is how many streams' wishes go into one step.
	mostTogether = 64
)

// life is one process's time with one partition of the outbox. It writes what its streams want written, as steps, and reads them back:
// what has been seen to hold is true for everybody.
type life struct {
	*Outbox
	p      int32
	id     string
	writer streams.Writer
	over   <-chan struct{} // closed when the life has ended
	end    context.CancelCauseFunc
	puts   chan put

	mu      sync.Mutex
	ledger  *ledger
	opened  bool          // our open has been read
	changed chan struct{} // closed and replaced behind each batch that is read
}

// put is what a stream wants written in one step.
type put struct {
	events []event.Event
	done   chan error
}

// live is one life, from its opening to the first fault or the end of ctx.
func (b *Outbox) live(ctx context.Context, m streams.Membership, p int32) (err error) {
	if err := m.Confirm(ctx, p); err != nil {
		return err
	}
	l := &life{Outbox: b, p: p, id: strings.ToLower(rand.Text()), puts: make(chan put), ledger: newLedger(), changed: make(chan struct{})}
	first, _, err := b.o.Log.Bounds(ctx, streams.Outbox, p)
	if err != nil {
		return err
	}
	reader, err := b.o.Log.Read(streams.Outbox, p, first)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, reader.Close()) }()
	if l.writer, err = b.o.Log.Write(b.o.Name); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, l.writer.Close()) }()
	return l.run(ctx, reader)
}

// run lives. Reading and writing go on while the streams stop, so that what was delivered last is written down.
func (l *life) run(ctx context.Context, reader streams.Reader) error {
	desk, cancel := context.WithCancelCause(context.WithoutCancel(ctx))
	l.over, l.end = desk.Done(), cancel
	var clerks, serving sync.WaitGroup
	defer clerks.Wait()
	defer cancel(nil)
	clerks.Go(func() { l.read(desk, reader) })
	if err := l.open(desk); err != nil {
		return err
	}
	clerks.Go(func() { l.write(desk) })
	l.log.Info("the outbox goes on", streams.KeyPartition, l.p, "life", l.id)
	work, stop := context.WithCancel(ctx)
	defer stop()
	context.AfterFunc(desk, stop)
	for _, sub := range l.subscribers {
		s := newStream(l, sub)
		serving.Go(func() { s.run(work) })
	}
	serving.Wait()
	if err := context.Cause(desk); err != nil {
		return err
	}
	return ctx.Err()
}

// read brings the ledger up to date for as long as the life lasts. Another's open ends it.
func (l *life) read(ctx context.Context, reader streams.Reader) {
	for {
		records, err := reader.Next(ctx)
		if err == nil {
			err = l.take(records)
		}
		if err != nil {
			l.end(fmt.Errorf("read %s/%d: %w", streams.Outbox, l.p, err))
			return
		}
	}
}

func (l *life) take(records []streams.Record) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, r := range records {
		if err := l.ledger.read(r); err != nil {
			return err
		}
		switch life := l.ledger.steps.Life(); {
		case life == l.id:
			l.opened = true
		case l.opened:
			return errReplaced
		}
	}
	close(l.changed)
	l.changed = make(chan struct{})
	return nil
}

// until waits for something that is read.
func (l *life) until(ctx context.Context, is func(*ledger) bool) error {
	ctx, cancel := context.WithTimeoutCause(ctx, holdWithin, errors.New("what was written to the outbox has not been seen in time"))
	defer cancel()
	for {
		l.mu.Lock()
		ok, changed := is(l.ledger), l.changed
		l.mu.Unlock()
		if ok {
			return nil
		}
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-changed:
		}
	}
}

// open begins the life: everything before our open is settled once we have read it.
func (l *life) open(ctx context.Context) error {
	l.append(event.Envelope{ID: l.id, Life: l.id, After: -1, Data: &event.OwnerOpened{Life: l.id, Owner: l.o.Name}})
	return l.until(ctx, func(g *ledger) bool { return g.steps.Life() == l.id })
}

// write makes steps of what the streams want written, several streams' in one.
func (l *life) write(ctx context.Context) {
	for {
		var first put
		select {
		case <-ctx.Done():
			return
		case first = <-l.puts:
		}
		batch := []put{first}
		for more := true; more && len(batch) < mostTogether; {
			select {
			case p := <-l.puts:
				batch = append(batch, p)
			default:
				more = false
			}
		}
		err := l.step(ctx, batch)
		for _, p := range batch {
			p.done <- err
		}
		if err != nil {
			l.end(err)
			return
		}
	}
}

// step writes one step and waits until it holds.
func (l *life) step(ctx context.Context, batch []put) error {
	l.mu.Lock()
	number := l.ledger.steps.At().Number + 1
	l.mu.Unlock()
	n := 0
	for _, p := range batch {
		for _, d := range p.events {
			l.append(event.Envelope{ID: fmt.Sprintf("%s.%d.%d", l.id, number, n), Life: l.id, Step: number, Index: n, After: -1, Data: d})
			n++
		}
	}
	l.append(event.Envelope{ID: fmt.Sprintf("%s.%d", l.id, number), Life: l.id, Step: number, Index: n, After: -1,
		Data: &event.StepClosed{Number: number, Count: n, Clock: event.TimeOf(l.tune.now())}})
	return l.until(ctx, func(g *ledger) bool { return g.steps.At().Number >= number })
}

// append hands a record to the writer. That it landed we learn by reading it; that it did not ends the life.
func (l *life) append(e event.Envelope) {
	e.Source, e.Subject, e.At = l.o.Name, fmt.Sprintf("outbox/%d", l.p), event.TimeOf(l.tune.now())
	r, err := streams.ToRecord(streams.Outbox, l.p, e.Subject, e)
	if err != nil {
		l.end(err)
		return
	}
	l.writer.Append(r, func(_ int64, err error) {
		if err != nil {
			l.end(fmt.Errorf("write %s/%d: %w", streams.Outbox, l.p, err))
		}
	})
}

// put has events written in one step, and waits until it holds.
func (l *life) put(ctx context.Context, events ...event.Event) error {
	p := put{events, make(chan error, 1)}
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-l.over:
		return errOver
	case l.puts <- p:
	}
	select {
	case <-ctx.Done(): // it may land all the same; the ledger tells whoever begins anew
		return ctx.Err()
	case err := <-p.done:
		return err
	}
}

// standing answers how far a subscriber has got.
func (l *life) standing(id string) standing {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.ledger.of(id).clone()
}

// wish answers what somebody wants of a subscriber's stream, and what is closed when something new has been read.
func (l *life) wish(id string) (event.SkipRequested, <-chan struct{}) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.ledger.wishes[id], l.changed
}

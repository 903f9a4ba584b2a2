package trail

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"tocsin/streams"
	"tocsin/streams/directory"
	"tocsin/streams/event"
)

// life is one chain while it is written. Only its goroutine appends; what the log answers comes from another.
type life struct {
	w      *Writer
	chain  chain
	log    streams.Writer
	failed chan error // the first
	open   sync.WaitGroup

	mu     sync.Mutex
	proven Line // the last record that the log has
	marked int64
	daily  time.Time
}

// chain writes one chain until ctx ends or the log fails. gotOn: the log took its beginning.
func (w *Writer) chain(ctx context.Context) (gotOn bool, err error) {
	to, err := w.o.Log.Write(w.o.Process + "/audit")
	if err != nil {
		return false, fmt.Errorf("open a writer: %w", err)
	}
	l := &life{w: w, log: to, failed: make(chan error, 1), daily: w.o.Now(),
		chain: chain{id: directory.NewID(), key: w.o.Key, source: w.o.Process}}
	defer func() {
		err = errors.Join(err, to.Close()) // tells ErrClosed to what is under way
		l.open.Wait()
		w.unsent()
	}()
	if err := l.begin(ctx); err != nil {
		return false, err
	}
	w.unsent() // none is; whoever waits is woken
	return true, l.write(ctx)
}

// begin names the other chains and waits until the log has that.
func (l *life) begin(ctx context.Context) error {
	ctx, stop := context.WithTimeout(ctx, readWithin)
	defer stop()
	heads, through, err := others(ctx, l.w.o.Log)
	if err != nil {
		return err
	}
	opened := &event.AuditOpened{Process: l.w.o.Process, Key: Public(l.w.o.Key), Others: heads, Through: through}
	kept := make(chan struct{})
	if err := l.append(l.own(opened), &opened.Link, func() { close(kept) }); err != nil {
		return err
	}
	select {
	case <-kept:
		l.mark()
		return nil
	case err := <-l.failed:
		return err
	case <-ctx.Done():
		return ctx.Err()
	}
}

// own is the envelope of what a chain says of itself.
func (l *life) own(d event.Event) event.Envelope {
	return event.Envelope{ID: fmt.Sprintf("%s/%d", l.chain.id, l.chain.number+1), Subject: "chain/" + l.chain.id, At: event.TimeOf(l.w.o.Now()), Data: d}
}

// append links a record and hands it over.
func (l *life) append(e event.Envelope, link *event.Link, kept func()) error {
	r, err := l.chain.next(e, link)
	if err != nil {
		return err
	}
	line := Line{At: e.At, Chain: l.chain.id, Number: l.chain.number, Sum: l.chain.sum, Key: Public(l.w.o.Key),
		Signature: string(r.Headers[len(r.Headers)-1].Value)}
	l.open.Add(1)
	l.log.Append(r, func(_ int64, err error) {
		defer l.open.Done()
		if err != nil {
			select {
			case l.failed <- fmt.Errorf("write topic %s: %w", streams.Audit, err):
			default: // the first is told, the others follow from it
			}
			return
		}
		l.mu.Lock()
		l.proven = line
		l.mu.Unlock()
		if kept != nil {
			kept()
		}
	})
	return nil
}

// write writes what comes.
func (l *life) write(ctx context.Context) error {
	tick := time.NewTicker(markEvery)
	defer tick.Stop()
	for {
		if err := l.drain(); err != nil {
			return err
		}
		select {
		case <-l.w.wake:
		case err := <-l.failed:
			return err
		case <-tick.C:
			if err := l.daysHead(ctx); err != nil {
				return err
			}
			l.mark()
		case <-ctx.Done():
			return l.end()
		}
	}
}

func (l *life) drain() error {
	for e := l.w.next(); e != nil; e = l.w.next() {
		n := *e.env.Data.(*event.AuditNoted) // another chain may have to write it again
		env := e.env
		env.Data = &n
		if err := l.append(env, &n.Link, l.w.settled); err != nil {
			return err
		}
	}
	return nil
}

// daysHead writes a head once a day, which holds the chains that have grown since.
func (l *life) daysHead(ctx context.Context) error {
	if l.w.o.Now().Sub(l.daily) < day {
		return nil
	}
	ctx, stop := context.WithTimeout(ctx, readWithin)
	defer stop()
	heads, through, err := others(ctx, l.w.o.Log)
	if err != nil {
		return err
	}
	l.daily = l.w.o.Now()
	h := &event.AuditHead{Why: whyDay, Others: heads, Through: through}
	return l.append(l.own(h), &h.Link, nil)
}

// end writes what waits, the chain's last head, and the line of it.
func (l *life) end() error {
	ctx, stop := context.WithTimeout(context.Background(), lastWords)
	defer stop()
	h := &event.AuditHead{Why: whyStop, Others: []event.ChainHead{}}
	err := l.drain()
	if err == nil {
		err = l.append(l.own(h), &h.Link, nil)
	}
	if err = errors.Join(err, l.log.Flush(ctx)); err == nil {
		l.mark()
	}
	return err
}

// mark writes the last record that the log has into the heads file, unless it stands there.
func (l *life) mark() {
	l.mu.Lock()
	line := l.proven
	l.mu.Unlock()
	if l.w.o.Heads == "" || line.Number == l.marked {
		return
	}
	if err := writeLine(l.w.o.Heads, line); err != nil {
		l.w.o.Logger.Error("the heads of the audit log cannot be written: a log that is cut off would not be found", "path", l.w.o.Heads, streams.KeyErr, err)
		return
	}
	l.marked = line.Number
}

package streams

import (
	"errors"
	"fmt"
	"sync"

	"tocsin/streams/event"
)

// ErrTooLarge: an input is larger than MaxInputBytes. Sent again it is no smaller.
var ErrTooLarge = errors.New("it is too large for the log")

// Edge is how doors, desks and the registrar write to the log: one writer, opened anew after an error. It never
// repeats an append by itself: whoever called hears the error, and tells the sender to wait.
type Edge struct {
	log  Log
	name string
	n    int32

	mu     sync.Mutex
	writer Writer
	broken bool
	closed bool
}

// OpenEdge makes an edge for a log whose patient topics have n partitions. It connects with the first append.
func OpenEdge(log Log, name string, n int32) *Edge { return &Edge{log: log, name: name, n: n} }

// Name answers the edge's name, which is the Source of what it writes.
func (e *Edge) Name() string { return e.name }

// Partitions answers how many partitions the patient topics have.
func (e *Edge) Partitions() int32 { return e.n }

// Append writes env to topic under key, in the key's partition. The key event.Everyone writes one copy to every
// partition, one after the other handed over; done is then called once, after the last, with the first error. done is called
// exactly once, never before the log has acknowledged on all replicas that are in sync.
func (e *Edge) Append(topic, key string, env event.Envelope, done func(partition int32, offset int64, err error)) {
	n := e.countOf(topic)
	if key == event.Everyone {
		e.everywhere(topic, n, env, done)
		return
	}
	e.one(topic, PartitionOf(key, n), key, env, done)
}

func (e *Edge) countOf(topic string) int32 {
	for _, t := range Topics {
		if t.Name == topic {
			return t.Count(e.n)
		}
	}
	return 1
}

func (e *Edge) one(topic string, partition int32, key string, env event.Envelope, done func(int32, int64, error)) {
	r, err := ToRecord(topic, partition, key, env)
	if err == nil && len(r.Value) > MaxInputBytes && topic != Rejected {
		err = fmt.Errorf("append %s of %s: %w: %d bytes, want at most %d", env.ID, key, ErrTooLarge, len(r.Value), MaxInputBytes)
	}
	if err != nil {
		done(partition, -1, err)
		return
	}
	w, err := e.open()
	if err != nil {
		done(partition, -1, fmt.Errorf("append %s of %s: %w", env.ID, key, err))
		return
	}
	w.Append(r, func(offset int64, err error) {
		if err != nil {
			e.failed(w)
			err = fmt.Errorf("append %s of %s: write topic %s: %w", env.ID, key, topic, err)
		}
		done(partition, offset, err)
	})
}

// everywhere writes one copy to each partition and answers once all are settled.
func (e *Edge) everywhere(topic string, n int32, env event.Envelope, done func(int32, int64, error)) {
	var mu sync.Mutex
	var errs []error
	left := n
	for p := range n {
		e.one(topic, p, event.Everyone, env, func(_ int32, _ int64, err error) {
			mu.Lock()
			errs = append(errs, err)
			left--
			last := left == 0
			mu.Unlock()
			if last {
				done(-1, -1, errors.Join(errs...))
			}
		})
	}
}

// open answers the writer, a new one when the last has failed.
func (e *Edge) open() (Writer, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.closed {
		return nil, ErrClosed
	}
	if e.writer != nil && !e.broken {
		return e.writer, nil
	}
	if old := e.writer; old != nil {
		e.writer = nil
		go func() { _ = old.Close() }() // its open appends are told ErrClosed; nobody waits for it
	}
	w, err := e.log.Write(e.name)
	if err != nil {
		return nil, fmt.Errorf("open a writer: %w", err)
	}
	e.writer, e.broken = w, false
	return w, nil
}

func (e *Edge) failed(w Writer) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.writer == w {
		e.broken = true
	}
}

// Close ends the writer; what is not settled is told ErrClosed.
func (e *Edge) Close() error {
	e.mu.Lock()
	w := e.writer
	e.writer, e.closed = nil, true
	e.mu.Unlock()
	if w == nil {
		return nil
	}
	return w.Close()
}

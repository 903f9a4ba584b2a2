package streams

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"tocsin/streams/event"
)

// Memory is a Log in memory: all topics of Topics, groups included. Tests and the simulation use it.
//
// It starts no goroutine: Append calls done before it returns, in the caller's goroutine, unless acknowledgements are
// held or another goroutine is just calling the ones before it. Used from one goroutine it is deterministic.
// A Memory stands for the broker, so Close leaves it as it is and several "processes" may share one.
type Memory struct {
	// Now stamps AppendMs; set it before the first Append. By default it is time.Now.
	Now func() time.Time

	mu      sync.Mutex
	topics  map[string][]*memoryPartition
	groups  map[string]*memoryGroup
	writers []*memoryWriter
	held    map[place]bool
	fail    func(topic string, partition int32, r Record) error
}

// memoryMaxRecord is where Memory refuses a record, as a broker with max.message.bytes of 1 MiB does.
const memoryMaxRecord = 1<<20 - 512

// memoryBatch is how many records one Next answers at most.
const memoryBatch = 500

type place struct {
	topic     string
	partition int32
}

func (p place) String() string { return fmt.Sprintf("%s/%d", p.topic, p.partition) }

func (p place) compare(q place) int {
	return cmp.Or(strings.Compare(p.topic, q.topic), cmp.Compare(p.partition, q.partition))
}

type memoryPartition struct {
	first   int64
	records []Record
	wake    chan struct{} // closed when something changes; nil while nobody waits
}

func (p *memoryPartition) next() int64 { return p.first + int64(len(p.records)) }

// changed wakes every reader that waits.
func (p *memoryPartition) changed() {
	if p.wake != nil {
		close(p.wake)
		p.wake = nil
	}
}

// NewMemory answers an empty log of n partitions.
func NewMemory(n int32) *Memory {
	m := &Memory{Now: time.Now, topics: map[string][]*memoryPartition{}, groups: map[string]*memoryGroup{}, held: map[place]bool{}}
	for _, t := range Topics {
		for range t.Count(n) {
			m.topics[t.Name] = append(m.topics[t.Name], &memoryPartition{})
		}
	}
	return m
}

// FailAppends sets what decides whether a record is refused before it lands; nil refuses nothing. fn must not call the log.
func (m *Memory) FailAppends(fn func(topic string, partition int32, r Record) error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.fail = fn
}

// Hold keeps back the acknowledgements of a partition: records land and can be read, but their done waits for Release.
// A writer that is closed meanwhile answers ErrClosed for records that lie in the log, as happens with a real broker.
func (m *Memory) Hold(topic string, partition int32) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.held[place{topic, partition}] = true
}

// Release ends Hold and calls what was kept back, writer by writer in the order in which they were opened.
func (m *Memory) Release(topic string, partition int32) {
	at := place{topic, partition}
	m.mu.Lock()
	delete(m.held, at)
	writers := slices.Clone(m.writers)
	m.mu.Unlock()
	for _, w := range writers {
		w.settle(at)
	}
}

// Trim removes the records below before, as DeleteRecords does.
func (m *Memory) Trim(topic string, partition int32, before int64) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	p, err := m.partition(topic, partition)
	if err != nil {
		return err
	}
	if before > p.next() {
		return fmt.Errorf("trim %s/%d before %d: the log ends at %d: %w", topic, partition, before, p.next(), ErrBeyond)
	}
	if before > p.first {
		p.records = slices.Clone(p.records[before-p.first:])
		p.first = before
		p.changed()
	}
	return nil
}

// Lose removes the records from offset from on, as a broker does that lost what it had acknowledged.
func (m *Memory) Lose(topic string, partition int32, from int64) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	p, err := m.partition(topic, partition)
	if err != nil {
		return err
	}
	if from < p.first || from > p.next() {
		return fmt.Errorf("lose %s/%d from %d: the log holds %d to %d", topic, partition, from, p.first, p.next())
	}
	p.records = slices.Clone(p.records[:from-p.first])
	p.changed()
	return nil
}

// Records answers all that a partition holds, in order; nil for a partition that is not there.
func (m *Memory) Records(topic string, partition int32) []Record {
	m.mu.Lock()
	defer m.mu.Unlock()
	p, err := m.partition(topic, partition)
	if err != nil {
		return nil
	}
	return slices.Clone(p.records)
}

func (m *Memory) partition(topic string, partition int32) (*memoryPartition, error) {
	all, ok := m.topics[topic]
	if !ok {
		return nil, fmt.Errorf("topic %s is not in this log", topic)
	}
	if partition < 0 || int(partition) >= len(all) {
		return nil, fmt.Errorf("topic %s has no partition %d, it has %d", topic, partition, len(all))
	}
	return all[partition], nil
}

// Partitions answers how many partitions topic has.
func (m *Memory) Partitions(_ context.Context, topic string) (int32, error) {
	if _, err := m.partition(topic, 0); err != nil {
		return 0, err
	}
	return int32(len(m.topics[topic])), nil
}

// Bounds answers the first offset that can be read and the one that the next record will get.
func (m *Memory) Bounds(_ context.Context, topic string, partition int32) (first, next int64, err error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	p, err := m.partition(topic, partition)
	if err != nil {
		return 0, 0, err
	}
	return p.first, p.next(), nil
}

// Close does nothing: a Memory stands for the broker.
func (m *Memory) Close() error { return nil }

// Read opens a reader.
func (m *Memory) Read(topic string, partition int32, from int64) (Reader, error) {
	p, err := m.partition(topic, partition)
	if err != nil {
		return nil, err
	}
	if from < 0 {
		return nil, fmt.Errorf("read %s/%d: %d is no offset", topic, partition, from)
	}
	return &memoryReader{log: m, at: place{topic, partition}, p: p, next: from, closed: make(chan struct{})}, nil
}

type memoryReader struct {
	log    *Memory
	at     place
	p      *memoryPartition
	next   int64
	spent  error
	once   sync.Once
	closed chan struct{}
}

// Next answers what has landed since, 500 records at most. The bytes belong to the log: do not change them.
func (r *memoryReader) Next(ctx context.Context) ([]Record, error) {
	for {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		records, wake, err := r.take()
		if err != nil || len(records) > 0 {
			return records, err
		}
		select {
		case <-wake:
		case <-r.closed:
		case <-ctx.Done():
		}
	}
}

// take answers what is there, or what to wait for.
func (r *memoryReader) take() ([]Record, <-chan struct{}, error) {
	r.log.mu.Lock()
	defer r.log.mu.Unlock()
	select {
	case <-r.closed:
		return nil, nil, ErrClosed
	default:
	}
	switch first, next := r.p.first, r.p.next(); {
	case r.spent != nil:
	case r.next < first:
		r.spent = fmt.Errorf("read %s from %d: the log begins at %d: %w", r.at, r.next, first, ErrTrimmed)
	case r.next > next:
		r.spent = fmt.Errorf("read %s from %d: the log ends at %d: %w", r.at, r.next, next, ErrBeyond)
	case r.next < next:
		from := r.next - first
		batch := slices.Clone(r.p.records[from:min(from+memoryBatch, next-first)])
		r.next += int64(len(batch))
		return batch, nil, nil
	}
	if r.spent != nil {
		return nil, nil, r.spent
	}
	if r.p.wake == nil {
		r.p.wake = make(chan struct{})
	}
	return nil, r.p.wake, nil
}

func (r *memoryReader) Close() error {
	r.once.Do(func() { close(r.closed) })
	return nil
}

// Write opens a writer.
func (m *Memory) Write(owner string) (Writer, error) {
	w := &memoryWriter{log: m, owner: owner, flows: map[place]*memoryFlow{}}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.writers = append(m.writers, w)
	return w, nil
}

// memoryWriter keeps one flow for each partition; all of it is guarded by the log's lock.
type memoryWriter struct {
	log       *Memory
	owner     string
	closed    bool
	flows     map[place]*memoryFlow
	unsettled int
	idle      chan struct{} // closed when nothing is unsettled; nil while nobody waits
}

// memoryFlow is the order of one writer's acknowledgements for one partition.
type memoryFlow struct {
	failed  error // the first error: every later record gets it too
	queue   []memoryAck
	calling bool // somebody is calling a done: whoever comes later leaves the rest to him, which keeps the order
}

type memoryAck struct {
	done   func(int64, error)
	offset int64
	err    error
}

func (w *memoryWriter) Append(r Record, done func(offset int64, err error)) {
	at := place{r.Topic, r.Partition}
	w.log.mu.Lock()
	f := w.flows[at]
	if f == nil {
		f = &memoryFlow{}
		w.flows[at] = f
	}
	offset, err := w.land(f, r)
	f.queue = append(f.queue, memoryAck{done, offset, err})
	w.unsettled++
	w.log.mu.Unlock()
	w.settle(at)
}

// land puts r into its partition unless something forbids it. The log's lock is held.
func (w *memoryWriter) land(f *memoryFlow, r Record) (int64, error) {
	switch {
	case w.closed:
		return -1, ErrClosed
	case f.failed != nil:
		return -1, fmt.Errorf("an earlier record of this writer failed: %w", f.failed)
	}
	p, err := w.log.partition(r.Topic, r.Partition)
	if err == nil && size(r) > memoryMaxRecord {
		err = fmt.Errorf("record of %d bytes for %s/%d: at most %d fit", size(r), r.Topic, r.Partition, memoryMaxRecord)
	}
	if err == nil && w.log.fail != nil {
		err = w.log.fail(r.Topic, r.Partition, r)
	}
	if err != nil {
		f.failed = err
		return -1, err
	}
	r.Offset, r.AppendMs = p.next(), w.log.Now().UnixMilli()
	p.records = append(p.records, own(r))
	p.changed()
	return r.Offset, nil
}

// settle calls the done of what is acknowledged, in order and without the lock, so that a done may call the log.
func (w *memoryWriter) settle(at place) {
	for {
		w.log.mu.Lock()
		f := w.flows[at]
		if f == nil || f.calling || len(f.queue) == 0 || w.log.held[at] && !w.closed {
			w.log.mu.Unlock()
			return
		}
		ack := f.queue[0]
		f.queue, f.calling = f.queue[1:], true
		w.log.mu.Unlock()
		if ack.done != nil {
			ack.done(ack.offset, ack.err)
		}
		w.log.mu.Lock()
		f.calling = false
		w.settled()
		w.log.mu.Unlock()
	}
}

func (w *memoryWriter) settled() {
	w.unsettled--
	if w.unsettled == 0 && w.idle != nil {
		close(w.idle)
		w.idle = nil
	}
}

func (w *memoryWriter) Flush(ctx context.Context) error {
	w.log.mu.Lock()
	if w.unsettled == 0 {
		w.log.mu.Unlock()
		return ctx.Err()
	}
	if w.idle == nil {
		w.idle = make(chan struct{})
	}
	idle := w.idle
	w.log.mu.Unlock()
	select {
	case <-idle:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (w *memoryWriter) Close() error {
	w.log.mu.Lock()
	w.closed = true
	w.log.writers = slices.DeleteFunc(w.log.writers, func(x *memoryWriter) bool { return x == w })
	var open []place
	for at, f := range w.flows {
		for i := range f.queue {
			if f.queue[i].err == nil {
				f.queue[i].offset, f.queue[i].err = -1, ErrClosed
			}
		}
		open = append(open, at)
	}
	w.log.mu.Unlock()
	slices.SortFunc(open, place.compare) // a map's order would make a simulation differ from run to run
	for _, at := range open {
		w.settle(at)
	}
	return nil
}

// size is what a record weighs on the wire, headers included, a few bytes less.
func size(r Record) int {
	n := len(r.Key) + len(r.Value)
	for _, h := range r.Headers {
		n += len(h.Key) + len(h.Value)
	}
	return n
}

// own copies what the caller may go on to change.
func own(r Record) Record {
	r.Key, r.Value = bytes.Clone(r.Key), bytes.Clone(r.Value)
	headers := make([]event.Header, len(r.Headers))
	for i, h := range r.Headers {
		headers[i] = event.Header{Key: h.Key, Value: bytes.Clone(h.Value)}
	}
	r.Headers = headers
	return r
}

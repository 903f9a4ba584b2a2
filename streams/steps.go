package streams

import (
	"errors"
	"fmt"

	"tocsin/streams/event"
)

// Position is where reading stands in a topic of steps: always at a closing record that held, never between.
type Position struct {
	Life   string // of the step
	Number int64  // of the step; 0 before the first
	Offset int64  // of its closing record; -1 before the first
}

// Beginning is the position before the first step.
var Beginning = Position{Offset: -1}

// Step is a step that holds.
type Step struct {
	Position
	Close  event.StepClosed
	Events []event.Envelope // by index
	// Records are the event records by index and the closing record last, as they lie in the log.
	Records []Record
}

// Steps is the rule of reading: which steps hold. Everyone who reads a topic of steps goes through it (owner, restore,
// screens, notifier, auditor, sink), so that what holds depends on the order in the log and on nothing else.
//
// An owner.open begins a life. A step holds when its life is that of the newest open before its closing record, its
// number follows the last one that held, and all its events stand between that open and the closing record; repeats by
// index are dropped. Everything else is void: passed over and counted.
type Steps struct {
	at      Position
	life    string // of the newest open
	next    int64  // the offset that the next record must not fall below
	pending map[int64]*pendingStep
	void    int64
	repeats int64
	raw     bool // steps are answered without their events decoded
}

// pendingStep gathers the records of a step that is not closed yet, by index.
type pendingStep struct {
	records []Record
	have    int
	bare    []event.Envelope // their attributes
}

// NewSteps begins to read after a position. From Beginning it reads the log from its first record.
func NewSteps(at Position) *Steps {
	return &Steps{at: at, life: at.Life, next: at.Offset + 1, pending: map[int64]*pendingStep{}}
}

// Raw tells whether the steps that Read answers leave Events empty: an owner has them already.
func (s *Steps) Raw(raw bool) { s.raw = raw }

// At answers the position of the last step that held.
func (s *Steps) At() Position { return s.at }

// Life answers the newest life that has been opened.
func (s *Steps) Life() string { return s.life }

// Next answers the offset from which reading goes on.
func (s *Steps) Next() int64 { return s.next }

// Void counts the records passed over because they belong to no step that holds. Records that are still waiting for
// their closing record count only once that can no longer come.
func (s *Steps) Void() int64 { return s.void }

// Repeats counts the records passed over because they had been read before: a client may write a batch twice.
func (s *Steps) Repeats() int64 { return s.repeats }

// Read takes the next record of the topic and answers the step that it makes hold, if it does. An error wraps
// event.ErrNewer (give the partition back), or event.ErrUnreadable when a step holds of which an event cannot be
// decoded, or tells that the records do not come in order.
func (s *Steps) Read(r Record) (*Step, error) {
	if r.Offset < s.next {
		return nil, fmt.Errorf("read %s/%d: offset %d after %d: the records do not come in order", r.Topic, r.Partition, r.Offset, s.next-1)
	}
	s.next = r.Offset + 1
	e, t, err := event.Attributes(r.Headers)
	if err != nil {
		s.void++ // nobody can say whose it is
		return nil, nil
	}
	switch t {
	case typeOpen, typeStep:
		return s.boundary(r)
	default:
		s.gather(e, r)
		return nil, nil
	}
}

var typeOpen, typeStep = (*event.OwnerOpened)(nil).Type(), (*event.StepClosed)(nil).Type()

// boundary reads an open or a closing record.
func (s *Steps) boundary(r Record) (*Step, error) {
	e, err := event.Decode(r.Headers, r.Value)
	switch {
	case errors.Is(err, event.ErrNewer):
		return nil, fmt.Errorf("read %s/%d at %d: %w", r.Topic, r.Partition, r.Offset, err)
	case err != nil:
		s.void++
		return nil, nil
	}
	switch d := e.Data.(type) {
	case *event.OwnerOpened:
		s.open(d.Life)
		return nil, nil
	case *event.StepClosed:
		p := s.closeStep(e, d)
		if p == nil {
			return nil, nil
		}
		s.at = Position{Life: s.life, Number: d.Number, Offset: r.Offset}
		step, err := p.step(s.at, *d, r, s.raw)
		if err != nil {
			return nil, fmt.Errorf("read %s/%d: step %d holds: %w", r.Topic, r.Partition, d.Number, err)
		}
		return step, nil
	default:
		return nil, fmt.Errorf("read %s/%d at %d: %s is no boundary", r.Topic, r.Partition, r.Offset, e.Data.Type())
	}
}

// open begins a life: what the one before had not closed never will be.
func (s *Steps) open(life string) {
	for n, p := range s.pending {
		s.void += int64(p.have)
		delete(s.pending, n)
	}
	s.life = life
}

func (s *Steps) gather(e event.Envelope, r Record) {
	if e.Life == "" || e.Life != s.life {
		s.void++
		return
	}
	if e.Step <= s.at.Number {
		s.repeats++
		return
	}
	p := s.pending[e.Step]
	if p == nil {
		p = &pendingStep{}
		s.pending[e.Step] = p
	}
	if e.Index < 0 || e.Index > maxEventsPerStep {
		s.void++
		return
	}
	if !p.take(e, r) {
		s.repeats++
	}
}

// maxEventsPerStep only keeps a broken record from asking for endless memory.
const maxEventsPerStep = 1 << 22

// take puts a record at its index and tells whether it was not there yet.
func (p *pendingStep) take(e event.Envelope, r Record) bool {
	for len(p.records) <= e.Index {
		p.records, p.bare = append(p.records, Record{Offset: -1}), append(p.bare, event.Envelope{})
	}
	if p.records[e.Index].Offset >= 0 {
		return false
	}
	p.records[e.Index], p.bare[e.Index] = r, e
	p.have++
	return true
}

// closeStep answers the step that a closing record makes hold, or nil.
func (s *Steps) closeStep(e event.Envelope, c *event.StepClosed) *pendingStep {
	if e.Life != s.life || e.Life == "" {
		s.void++
		return nil
	}
	if c.Number <= s.at.Number {
		s.repeats++
		return nil
	}
	p := s.pending[c.Number]
	if p == nil {
		p = &pendingStep{}
	}
	if c.Number != s.at.Number+1 || !p.complete(c.Count) {
		s.void++
		return nil
	}
	delete(s.pending, c.Number)
	return p
}

// complete tells whether the events 0 … count-1 are all there. A step may have none.
func (p *pendingStep) complete(count int) bool {
	if count < 0 || len(p.records) < count {
		return false
	}
	for _, r := range p.records[:count] {
		if r.Offset < 0 {
			return false
		}
	}
	return true
}

// step makes the step that holds. The events are decoded, unless whoever reads has them already.
func (p *pendingStep) step(at Position, c event.StepClosed, closing Record, raw bool) (*Step, error) {
	step := &Step{Position: at, Close: c, Records: append(p.records[:c.Count:c.Count], closing)}
	if raw {
		return step, nil
	}
	step.Events = p.bare[:c.Count]
	for i, r := range p.records[:c.Count] {
		e, err := event.Decode(r.Headers, r.Value)
		if err != nil {
			return nil, err
		}
		step.Events[i] = e
	}
	return step, nil
}

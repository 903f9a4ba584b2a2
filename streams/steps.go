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
}

// pendingStep gathers the events of a step that is not closed yet.
type pendingStep struct {
	events  map[int]event.Envelope
	records map[int]Record
}

// NewSteps begins to read after a position. From Beginning it reads the log from its first record.
func NewSteps(at Position) *Steps {
	return &Steps{at: at, life: at.Life, next: at.Offset + 1, pending: map[int64]*pendingStep{}}
}

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
// event.ErrNewer (give the partition back) or tells that the records do not come in order; a record that cannot be
// decoded is void, as nobody can decide whom it belongs to.
func (s *Steps) Read(r Record) (*Step, error) {
	if r.Offset < s.next {
		return nil, fmt.Errorf("read %s/%d: offset %d after %d: the records do not come in order", r.Topic, r.Partition, r.Offset, s.next-1)
	}
	s.next = r.Offset + 1
	e, err := event.Decode(r.Headers, r.Value)
	switch {
	case errors.Is(err, event.ErrNewer) && s.wouldCount(e):
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
		return s.closeStep(e, d, r), nil
	default:
		s.gather(e, r)
		return nil, nil
	}
}

// wouldCount tells whether a record that is too new could become part of a step that holds. What an ended life wrote is
// void whatever it says.
func (s *Steps) wouldCount(e event.Envelope) bool { return e.Life == "" || e.Life == s.life }

// open begins a life: what the one before had not closed never will be.
func (s *Steps) open(life string) {
	for n, p := range s.pending {
		s.void += int64(len(p.records))
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
		p = &pendingStep{events: map[int]event.Envelope{}, records: map[int]Record{}}
		s.pending[e.Step] = p
	}
	if _, ok := p.records[e.Index]; ok {
		s.repeats++
		return
	}
	p.events[e.Index], p.records[e.Index] = e, r
}

func (s *Steps) closeStep(e event.Envelope, c *event.StepClosed, r Record) *Step {
	if e.Life != s.life || e.Life == "" {
		s.void++
		return nil
	}
	if c.Number <= s.at.Number {
		s.repeats++
		return nil
	}
	p := s.pending[c.Number]
	if c.Number != s.at.Number+1 || !p.complete(c.Count) {
		s.void++
		return nil
	}
	delete(s.pending, c.Number)
	s.at = Position{Life: s.life, Number: c.Number, Offset: r.Offset}
	return p.step(s.at, *c, r)
}

// complete tells whether the events 0 … count-1 are all there. A step may have none.
func (p *pendingStep) complete(count int) bool {
	if p == nil {
		return count == 0
	}
	for i := range count {
		if _, ok := p.records[i]; !ok {
			return false
		}
	}
	return true
}

func (p *pendingStep) step(at Position, c event.StepClosed, closing Record) *Step {
	step := &Step{Position: at, Close: c, Records: make([]Record, 0, c.Count+1)}
	for i := range c.Count {
		step.Events = append(step.Events, p.events[i])
		step.Records = append(step.Records, p.records[i])
	}
	step.Records = append(step.Records, closing)
	return step
}

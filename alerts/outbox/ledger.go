package outbox

import (
	"fmt"
	"maps"
	"slices"

	"tocsin/streams"
	"tocsin/streams/event"
)

// ledger is one partition of the topic outbox, as far as it has been read: how far each subscriber has got there.
type ledger struct {
	steps       *streams.Steps
	subscribers map[string]*standing
	wishes      map[string]event.SkipRequested // by subscriber: the newest
}

// standing is how far one subscriber has got in one partition.
type standing struct {
	known     bool
	at        streams.Position // everything up to here has been looked at
	last      int64            // number of the last message that was made
	delivered int64            // number of the last that was taken, or passed over
	pending   []event.OutboxMessage
	open      warnings
	trouble   event.OutboxTroubled // no Why: none
	skipped   *event.OutboxSkipped // the last
	withheld  withheldUntil
}

func newLedger() *ledger {
	return &ledger{steps: streams.NewSteps(streams.Beginning), subscribers: map[string]*standing{}, wishes: map[string]event.SkipRequested{}}
}

// of answers a subscriber's standing.
func (l *ledger) of(id string) *standing {
	s := l.subscribers[id]
	if s == nil {
		s = &standing{at: streams.Beginning, open: warnings{}}
		l.subscribers[id] = s
	}
	return s
}

// clone answers a copy for whoever goes on from there.
func (s *standing) clone() standing {
	c := *s
	c.pending, c.open = slices.Clone(s.pending), maps.Clone(s.open)
	return c
}

// read takes a record. A wish counts as it lies there; all else by the rule of reading.
func (l *ledger) read(r streams.Record) error {
	if _, t, err := event.Attributes(r.Headers); err == nil && t == (*event.SkipRequested)(nil).Type() {
		l.wish(r)
	}
	step, err := l.steps.Read(r)
	if step == nil || err != nil {
		return err
	}
	for _, e := range step.Events {
		if err := l.fold(e); err != nil {
			return fmt.Errorf("%s/%d at %d: %w", r.Topic, r.Partition, r.Offset, err)
		}
	}
	return nil
}

// wish notes what somebody asks for; one that cannot be read is nobody's.
func (l *ledger) wish(r streams.Record) {
	e, err := event.Decode(r.Headers, r.Value)
	if w, ok := e.Data.(*event.SkipRequested); err == nil && ok {
		l.wishes[w.Subscriber] = *w
	}
}

func (l *ledger) fold(e event.Envelope) error {
	switch d := e.Data.(type) {
	case *event.OutboxMoved:
		return l.of(d.Subscriber).moved(d)
	case *event.OutboxMessage:
		s := l.of(d.Subscriber)
		if d.Number != s.delivered+int64(len(s.pending))+1 {
			return fmt.Errorf("message %d of %s does not follow message %d", d.Number, d.Subscriber, s.delivered+int64(len(s.pending)))
		}
		s.pending = append(s.pending, *d)
	case *event.OutboxSkipped:
		s := l.of(d.Subscriber)
		s.taken(d.Number)
		s.skipped = d
	case *event.OutboxWithheld:
		return l.of(d.Subscriber).holdBack(d)
	case *event.OutboxTroubled:
		l.of(d.Subscriber).trouble = *d
	default:
		return fmt.Errorf("%s does not belong here", e.Data.Type())
	}
	return nil
}

func (s *standing) moved(d *event.OutboxMoved) error {
	if d.Delivered < s.delivered || d.Last < s.last || d.Offset < s.at.Offset {
		return fmt.Errorf("the stream of %s runs back from message %d and offset %d to %d and %d", d.Subscriber, s.delivered, s.at.Offset, d.Delivered, d.Offset)
	}
	s.known, s.at, s.last = true, streams.Position{Life: d.Life, Number: d.Number, Offset: d.Offset}, d.Last
	for _, w := range d.Open {
		s.open[w.Alert] = w
	}
	for _, alert := range d.Gone {
		delete(s.open, alert)
	}
	s.taken(d.Delivered)
	return nil
}

// taken notes that all messages up to number are done with.
func (s *standing) taken(number int64) {
	s.delivered = max(s.delivered, number)
	s.pending = slices.DeleteFunc(s.pending, func(m event.OutboxMessage) bool { return m.Number <= s.delivered })
}

package bridge

import (
	"context"
	"fmt"
	"sync/atomic"
	"time"

	paho "github.com/eclipse/paho.mqtt.golang"

	"tocsin/ingest"
	"tocsin/ingest/door"
	"tocsin/streams"
	"tocsin/streams/directory"
	"tocsin/streams/event"
)

// stay is one connection to the broker, from CONNECT to its end.
type stay struct {
	b    *bridge
	ctx  context.Context
	end  context.CancelCauseFunc
	line *door.Line[paho.Message]
	kept atomic.Int64
}

// take takes one message: it waits for room, then hands it to the log. It runs on the client's reader.
func (s *stay) take(_ paho.Client, m paho.Message) {
	came := time.Now()
	slot := s.line.Enter(m, len(m.Payload()))
	if slot == nil {
		return
	}
	defer s.fence(slot, m, came)
	topic, err := ingest.ParseTopic(m.Topic())
	if err != nil {
		s.refuse(slot, m, came, ingest.ForeignTopic, err.Error())
		return
	}
	b, wait, ok := s.b.strangers.ask(topic.Device)
	switch {
	case ok:
		s.keep(slot, m, b, came)
	case wait == 0:
		s.refuseStranger(slot, m, came, topic.Device)
	default: // its binding may be on its way: nobody behind it waits for that but their receipts
		go s.keepLater(slot, m, topic.Device, wait, came)
	}
}

func (s *stay) keepLater(slot *door.Slot[paho.Message], m paho.Message, device string, wait time.Duration, came time.Time) {
	defer s.fence(slot, m, came)
	b, ok := s.b.strangers.await(s.ctx, device, wait)
	switch {
	case ok:
		s.keep(slot, m, b, came)
	case s.ctx.Err() == nil: // else the stay is over, and the message comes again
		s.refuseStranger(slot, m, came, device)
	}
}

// fence keeps aside a message that panicked. Without an acknowledgement the broker would send it again at the next stay,
// and the one after, and no reading behind it would ever come in. Only when it cannot even be kept aside the stay ends.
func (s *stay) fence(slot *door.Slot[paho.Message], m paho.Message, came time.Time) {
	fault := recover()
	if fault == nil {
		return
	}
	s.b.metrics.panics.Inc()
	defer func() {
		if r := recover(); r != nil {
			s.end(fmt.Errorf("message on %.200q panicked: %v, and again when it was to be kept aside: %v", m.Topic(), fault, r))
		}
	}()
	s.b.o.Logger.Error("message panicked and is kept aside", "door", s.b.o.Name, streams.KeyTopic, m.Topic(), streams.KeyErr, fmt.Sprint(fault))
	s.refuse(slot, m, came, ingest.Unreadable, fmt.Sprintf("reading it panicked: %v", fault))
}

func (s *stay) refuseStranger(slot *door.Slot[paho.Message], m paho.Message, came time.Time, device string) {
	s.refuse(slot, m, came, ingest.UnknownDevice, fmt.Sprintf("device %s is bound to no patient: import its binding", device))
}

func (s *stay) keep(slot *door.Slot[paho.Message], m paho.Message, b directory.Binding, came time.Time) {
	recorded, rejected := ingest.Accept(s.raw(m), b, s.b.o.Now())
	door.Keep(s.b.o.Edge, recorded, rejected, func(err error) {
		s.b.metrics.Settled(recorded != nil, len(rejected), time.Since(came), err)
		slot.Settle(err)
	})
}

// refuse keeps a message of which nobody knows whose it is.
func (s *stay) refuse(slot *door.Slot[paho.Message], m paho.Message, came time.Time, reason, detail string) {
	e := ingest.Reject(s.raw(m), directory.Binding{}, s.b.o.Now(), reason, detail)
	door.Keep(s.b.o.Edge, nil, []event.Envelope{e}, func(err error) {
		s.b.metrics.Settled(false, 1, time.Since(came), err)
		slot.Settle(err)
	})
}

func (s *stay) raw(m paho.Message) ingest.Raw {
	return ingest.Raw{Topic: m.Topic(), Payload: m.Payload(), Door: s.b.o.Name, Retained: m.Retained()}
}

// deliver acknowledges to the broker what the log has. At the first that it has not, the stay ends: what has no
// acknowledgement comes again.
func (s *stay) deliver(batch []door.Receipt[paho.Message]) {
	for _, r := range batch {
		if r.Err != nil {
			s.line.Close()
			s.end(fmt.Errorf("the log did not take a reading on %.200q: %w", r.Of.Topic(), r.Err))
			return
		}
		r.Of.Ack()
		s.kept.Add(1)
	}
}

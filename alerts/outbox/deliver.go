package outbox

import (
	"context"
	"errors"
	"time"

	"tocsin/streams"
	"tocsin/streams/event"
)

// message is what a target is given.
type message struct {
	event.OutboxMessage
	partition int32
	now       time.Time
}

// deliver sends what is written down and not yet taken, one after the other.
func (s *stream) deliver(ctx context.Context) error {
	for {
		s.mu.Lock()
		if len(s.at.pending) == 0 {
			s.mu.Unlock()
			return nil
		}
		m := s.at.pending[0]
		s.mu.Unlock()
		if err := s.settle(ctx, m); err != nil {
			return err
		}
	}
}

// settle tries until the subscriber has taken a message, or somebody has asked that it be passed over.
func (s *stream) settle(ctx context.Context, m event.OutboxMessage) error {
	for back := s.tune.first; ; back = min(2*back, s.sub.retryMost) {
		if w, _ := s.wish(s.sub.id); w.Number == m.Number {
			return s.pass(ctx, m, w)
		}
		if may, is := s.withheldNow(m); is {
			return s.withhold(ctx, m, may)
		}
		after, err := s.try(ctx, m)
		switch {
		case err == nil:
			return s.took(ctx, m)
		case ctx.Err() != nil:
			return ctx.Err()
		}
		if err := s.failed(ctx, err.Error()); err != nil {
			return err
		}
		s.rest(ctx, max(spread(back), min(after, s.sub.retryMost)), m.Number)
	}
}

// try makes one try. The error is in words for people.
func (s *stream) try(ctx context.Context, m event.OutboxMessage) (after time.Duration, err error) {
	if len(m.Parts) == 0 { // the form has no way to say what there is to say
		return 0, nil
	}
	ctx, cancel := context.WithTimeout(ctx, s.sub.within)
	defer cancel()
	defer s.watchConsent(ctx, m, cancel)()
	err = s.sub.target.send(ctx, message{m, s.p, s.tune.now()})
	result := "taken"
	if err != nil {
		result = "failed"
		var r *refused
		if errors.As(err, &r) {
			after = r.after
		}
		err = inWords(err, s.sub.within)
	}
	s.metrics.tries.WithLabelValues(s.sub.id, result).Inc()
	return after, err
}

// took notes that a message was taken.
func (s *stream) took(ctx context.Context, m event.OutboxMessage) error {
	s.mu.Lock()
	s.at.taken(m.Number)
	s.mu.Unlock()
	return s.better(ctx, s.tune.now().Sub(m.At.Std()))
}

// pass passes a message over.
func (s *stream) pass(ctx context.Context, m event.OutboxMessage, w event.SkipRequested) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.put(ctx, &event.OutboxSkipped{Subscriber: s.sub.id, Number: m.Number, ID: m.ID, By: w.By, Reason: w.Reason}); err != nil {
		return err
	}
	s.log.Warn("a message was passed over, as somebody asked", keySubscriber, s.sub.id, streams.KeyPartition, s.p, "number", m.Number, "by", w.By)
	s.at.taken(m.Number)
	s.written.delivered = s.at.delivered
	return nil
}

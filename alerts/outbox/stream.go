package outbox

import (
	"context"
	"errors"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"tocsin/alerts"
	"tocsin/streams"
	"tocsin/streams/event"
)

const (
	// mostMade is how many messages are written down before they are sent.
	mostMade = 64
	// flushEvery is how long what was delivered may be known to us alone: that much is sent again after a crash.
	flushEvery = time.Second
	// idleMove is how often a stream says how far it has looked while there is nothing to tell.
	idleMove = time.Minute
)

// stream is one subscriber in one partition. Its own goroutine looks, writes down and sends; another writes by and by how far it got.
type stream struct {
	*life
	sub   *subscriber
	quiet int64 // what lies before this offset of decisions is not told: the subscriber began later

	mu      sync.Mutex
	at      standing // as it is; the ledger has it as it was written last
	made    []event.OutboxMessage
	touched map[string]bool // warnings that have changed since that was written
	written standing
	movedAt time.Time
	trouble trouble
}

func newStream(l *life, sub *subscriber) *stream {
	return &stream{life: l, sub: sub, touched: map[string]bool{}, movedAt: time.Now()}
}

// run serves until ctx ends, and then writes down what was delivered.
func (s *stream) run(ctx context.Context) {
	s.at = s.standing(s.sub.id)
	s.written = s.at.clone()
	s.trouble = trouble{OutboxTroubled: s.at.trouble, recorded: s.at.trouble}
	var flushing sync.WaitGroup
	flushing.Go(func() { s.flush(ctx) })
	for ctx.Err() == nil {
		err := s.serve(ctx)
		switch {
		case ctx.Err() != nil:
		case errors.Is(err, event.ErrNewer):
			s.end(err)
			flushing.Wait()
			return
		default:
			s.stuck(ctx, err)
		}
	}
	flushing.Wait()
	last, cancel := context.WithTimeout(context.WithoutCancel(ctx), stopWithin)
	defer cancel()
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.at.delivered > s.written.delivered && len(s.made) == 0 {
		_ = s.move(last) // it is sent again otherwise
	}
}

// serve sends what was written down before, and goes on from there.
func (s *stream) serve(ctx context.Context) error {
	if err := s.begin(ctx); err != nil {
		return err
	}
	if err := s.behind(ctx); err != nil {
		return err
	}
	return s.follow(ctx, s.p, s.at.at, func(step *streams.Step) error { return s.take(ctx, step) }, func() error { return s.behind(ctx) })
}

// begin finds where a new subscriber begins.
func (s *stream) begin(ctx context.Context) error {
	if s.at.known {
		return nil
	}
	at, open, end := streams.Beginning, []event.OutboxWarning(nil), int64(0)
	if s.sub.from != "beginning" {
		var err error
		if at, open, err = s.o.Start(ctx, s.p); err != nil {
			return err
		}
		if _, end, err = s.o.Log.Bounds(ctx, streams.Decisions, s.p); err != nil {
			return err
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.at, s.made, s.quiet = standing{at: at, open: warnings{}}, nil, end
	for _, w := range open {
		s.at.open[w.Alert], s.touched[w.Alert] = w, true
	}
	if at.Offset+1 < end {
		return nil // it begins once that has been looked through
	}
	return s.move(ctx)
}

// take looks at a step, and makes messages of what the subscriber is to be told.
func (s *stream) take(ctx context.Context, step *streams.Step) error {
	events, err := eventsOf(step)
	if err != nil {
		return err
	}
	s.mu.Lock()
	if len(events) == 0 {
		s.at.at = step.Position
		s.mu.Unlock()
		return nil
	}
	made, last, open := len(s.made), s.at.last, maps.Clone(s.at.open)
	for _, e := range events {
		if err := s.look(e, step.Offset < s.quiet); err != nil {
			s.made, s.at.last, s.at.open = s.made[:made], last, open // a step is looked at whole or not at all
			s.mu.Unlock()
			return err
		}
	}
	s.at.at = step.Position
	full := len(s.made) >= mostMade
	s.mu.Unlock()
	if full {
		return s.behind(ctx)
	}
	return nil
}

// eventsOf decodes the events of warnings in a step. One that is newer than this program is not passed over, whatever it is about.
func eventsOf(step *streams.Step) (events []event.Envelope, err error) {
	for _, r := range step.Records[:len(step.Records)-1] {
		_, t, err := event.Attributes(r.Headers)
		if err == nil && !strings.HasPrefix(string(t), "alert.") {
			if err := event.Known(r.Headers); err != nil {
				return nil, err
			}
			continue
		}
		e, err := event.Decode(r.Headers, r.Value)
		if err != nil {
			return nil, err
		}
		events = append(events, e)
	}
	return events, nil
}

// look folds one event and makes a message of it when the subscriber wants one.
func (s *stream) look(e event.Envelope, quiet bool) error {
	w, is := s.at.open.fold(e)
	if !is {
		return nil
	}
	s.touched[w.Alert] = true
	if quiet || !s.sub.wants(e.Data.Type(), w, s.o.Groups) {
		return nil
	}
	number := s.at.last + 1
	m := event.OutboxMessage{Subscriber: s.sub.id, Number: number, ID: e.ID, Of: e.Data.Type(), At: e.At, Tenant: w.Tenant, Patient: w.Patient, Alert: w.Alert}
	may := s.o.Shares(w.Tenant, w.Patient, s.sub.purpose)
	if m.Consent = may.Consent; !may.Allowed {
		return s.ends(m, w, may)
	}
	var err error
	m.Parts, err = s.sub.render.render(change{subscriber: s.sub.id, partition: s.p, number: number, event: e, warning: w, consent: m.Consent})
	if err != nil {
		return err
	}
	w.Withheld = false
	s.made = append(s.made, m)
	s.tells(w, number)
	return nil
}

// tells notes that a message about a warning was made.
func (s *stream) tells(w event.OutboxWarning, number int64) {
	if w.Told++; w.Phase != string(alerts.Closed) {
		s.at.open[w.Alert] = w
	}
	s.at.last = number
}

// behind writes down what was made, and sends it.
func (s *stream) behind(ctx context.Context) error {
	s.mu.Lock()
	var err error
	switch {
	case len(s.made) > 0, !s.at.known && s.at.at.Offset+1 >= s.quiet:
		err = s.move(ctx)
	}
	s.mu.Unlock()
	if err != nil {
		return err
	}
	if err := s.deliver(ctx); err != nil {
		return err
	}
	return s.caughtUp(ctx)
}

// move writes down how far the stream has got, and the messages that were made. The caller holds the lock.
func (s *stream) move(ctx context.Context) error {
	m := &event.OutboxMoved{Subscriber: s.sub.id, Life: s.at.at.Life, Number: s.at.at.Number, Offset: s.at.at.Offset, Last: s.at.last, Delivered: s.at.delivered}
	for _, alert := range slices.Sorted(maps.Keys(s.touched)) {
		if w, open := s.at.open[alert]; open {
			m.Open = append(m.Open, w)
		} else {
			m.Gone = append(m.Gone, alert)
		}
	}
	events := []event.Event{m}
	for i := range s.made {
		events = append(events, &s.made[i])
	}
	if err := s.put(ctx, events...); err != nil {
		return err
	}
	s.at.known, s.at.pending = true, append(s.at.pending, s.made...)
	s.made, s.touched, s.movedAt = nil, map[string]bool{}, time.Now()
	s.written = standing{at: s.at.at, last: s.at.last, delivered: s.at.delivered}
	return nil
}

// flush writes by and by how far the stream has got. Messages that were made and not written down wait for the stream itself.
func (s *stream) flush(ctx context.Context) {
	tick := time.NewTicker(flushEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		s.mu.Lock()
		moved := s.at.known && (s.at.delivered > s.written.delivered || s.at.at.Offset > s.written.at.Offset && time.Since(s.movedAt) > idleMove)
		if moved && len(s.made) == 0 {
			_ = s.move(ctx) // the life ends with it, or it is tried again
		}
		s.metrics.look(s.sub.id, s.p, len(s.at.pending), s.trouble.Why != "")
		s.mu.Unlock()
	}
}

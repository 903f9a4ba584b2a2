package outbox

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	"tocsin/alerts/notify"
	"tocsin/streams"
	"tocsin/streams/event"
)

// keySubscriber is our key of log lines beside those of streams.
const keySubscriber = "subscriber"

// trouble is why a stream does not get on, as it is and as the log has it.
type trouble struct {
	event.OutboxTroubled
	recorded event.OutboxTroubled
	fails    int
	told     int64 // the hour in which the warning was last told of
}

// refused is that a server answered, and did not take the message.
type refused struct {
	words string
	after time.Duration // not before this; 0: as one likes
	stray bool          // the connection cannot be trusted any more
}

func (r *refused) Error() string { return r.words }

// inWords words an error of the network, which may repeat addresses and tokens.
func inWords(err error, within time.Duration) error {
	var r *refused
	if errors.As(err, &r) {
		return r
	}
	return errors.New(notify.InWords(err, within))
}

// spread keeps those who failed together from coming together again.
func spread(d time.Duration) time.Duration { return d*3/4 + rand.N(d/2+1) }

const (
	// readMost is the longest wait after an error of log or history.
	readMost = time.Minute
	// toldEvery is how often a trouble that lasts is told of again, in case somebody has closed the warning.
	toldEvery = time.Hour
	slow      = "it takes them later than they come"
)

// stuck waits after an error of log or history. What is lost is told of at once.
func (s *stream) stuck(ctx context.Context, err error) {
	why := err.Error()
	s.log.Warn("a subscriber's stream stands still and is taken up again", keySubscriber, s.sub.id, streams.KeyPartition, s.p, streams.KeyErr, err)
	if s.failed(ctx, why) != nil {
		return
	}
	var gone *lost
	if errors.As(err, &gone) {
		s.alarm(ctx)
	}
	s.rest(ctx, spread(min(s.tune.first<<min(s.trouble.fails-1, 10), readMost)), 0)
}

// failed notes that something failed, and has the log know once it is not the first time. The error is the log's.
func (s *stream) failed(ctx context.Context, why string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.trouble.Why == "" {
		s.trouble.OutboxTroubled = event.OutboxTroubled{Subscriber: s.sub.id, Since: event.TimeOf(s.tune.now())}
	}
	s.trouble.Why = why
	if s.trouble.fails++; s.trouble.fails < 2 {
		return nil
	}
	return s.record(ctx)
}

// record has the log know of the trouble as it is. The caller holds the lock.
func (s *stream) record(ctx context.Context) error {
	if s.trouble.OutboxTroubled == s.trouble.recorded {
		return nil
	}
	if s.at.delivered > s.written.delivered && len(s.made) == 0 { // so that whoever reads of it sees which message it is
		if err := s.move(ctx); err != nil {
			return err
		}
	}
	t := s.trouble.OutboxTroubled
	if err := s.put(ctx, &t); err != nil {
		return err
	}
	s.trouble.recorded = t
	return nil
}

// rest waits, unless a wish about the message comes. When the stream has been behind for long enough it raises the alarm.
func (s *stream) rest(ctx context.Context, d time.Duration, number int64) {
	for end := s.tune.now().Add(d); ctx.Err() == nil; {
		w, wake := s.wish(s.sub.id)
		left := end.Sub(s.tune.now())
		if left <= 0 || number > 0 && w.Number == number {
			return
		}
		if due := s.alarmDue(); due > 0 {
			left = min(left, due)
		} else {
			s.alarm(ctx)
		}
		s.tune.wait(ctx, left, wake)
	}
}

// alarmDue answers in how long the alarm is due; 0: now.
func (s *stream) alarmDue() time.Duration {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.tune.now()
	switch {
	case s.trouble.Why == "":
		return toldEvery
	case s.trouble.Alarmed:
		return time.UnixMilli((s.trouble.told + 1) * toldEvery.Milliseconds()).Sub(now)
	}
	return max(s.trouble.Since.Std().Add(s.sub.alarmAfter).Sub(now), 0)
}

// alarm raises the technical warning, or says once more that it lasts.
func (s *stream) alarm(ctx context.Context) {
	s.mu.Lock()
	defer s.mu.Unlock()
	hour := s.tune.now().UnixMilli() / toldEvery.Milliseconds()
	if s.trouble.Why == "" || s.trouble.Alarmed && s.trouble.told == hour {
		return
	}
	detail := fmt.Sprintf("subscriber %s, partition %d, message %d, since %s: %s", s.sub.id, s.p, s.at.delivered+1, s.trouble.Since, s.trouble.Why)
	s.log.Error("a subscriber is behind and raises a technical warning", keySubscriber, s.sub.id, streams.KeyPartition, s.p, "number", s.at.delivered+1, "why", s.trouble.Why)
	if err := s.tell(ctx, fmt.Sprintf("%s/%d", s.trouble.Since, hour), &event.FaultReported{Kind: s.kind(), Detail: detail}); err != nil {
		s.log.Error("the technical warning could not be raised; it is tried again", keySubscriber, s.sub.id, streams.KeyErr, err)
		return
	}
	s.trouble.Alarmed, s.trouble.told = true, hour
	s.metrics.alarms.WithLabelValues(s.sub.id).Inc()
	_ = s.record(ctx) // the life ends with it
}

// kind tells the partitions apart in the one warning of a subscriber.
func (s *stream) kind() string { return fmt.Sprintf("subscriber_behind/%d", s.p) }

// tell writes an input about the subscriber, and waits until the log has it.
func (s *stream) tell(ctx context.Context, id string, d event.Event) error {
	e := event.Envelope{ID: fmt.Sprintf("outbox/%s/%d/%s/%s", s.sub.id, s.p, d.Type(), id), Source: s.o.Edge.Name(),
		Subject: streams.PatientKey(streams.SystemTenant, "subscriber-"+s.sub.id), At: event.TimeOf(s.tune.now()), Data: d}
	kept := make(chan error, 1)
	s.o.Edge.Append(streams.Inputs, e.Subject, e, func(_ int32, _ int64, err error) { kept <- err })
	select {
	case err := <-kept:
		return err
	case <-ctx.Done():
		return ctx.Err()
	}
}

// better notes that a message was taken, so late. A subscriber that takes them later and later is behind too.
func (s *stream) better(ctx context.Context, late time.Duration) error {
	s.mu.Lock()
	s.trouble.fails = 0
	s.mu.Unlock()
	if late <= s.sub.alarmAfter {
		return s.well(ctx)
	}
	s.mu.Lock()
	if s.trouble.Why == "" {
		s.trouble.OutboxTroubled = event.OutboxTroubled{Subscriber: s.sub.id, Since: event.TimeOf(s.tune.now())}
	}
	s.trouble.Why = slow
	s.mu.Unlock()
	if s.alarmDue() <= 0 {
		s.alarm(ctx)
	}
	return nil
}

// caughtUp ends a trouble once there is nothing more to look at.
func (s *stream) caughtUp(ctx context.Context) error {
	s.mu.Lock()
	idle, at := s.trouble.Why != "" && len(s.at.pending) == 0 && len(s.made) == 0, s.at.at.Offset
	s.mu.Unlock()
	if !idle {
		return nil
	}
	_, end, err := s.o.Log.Bounds(ctx, streams.Decisions, s.p)
	if err != nil || at+1 < end {
		return err
	}
	return s.well(ctx)
}

// well ends a trouble, and the warning's reason.
func (s *stream) well(ctx context.Context) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.trouble.Why == "" {
		return nil
	}
	if s.trouble.Alarmed {
		if err := s.tell(ctx, s.trouble.Since.String(), &event.FaultEnded{Kind: s.kind()}); err != nil {
			return err
		}
		s.log.Warn("a subscriber that was behind has caught up", keySubscriber, s.sub.id, streams.KeyPartition, s.p)
	}
	s.trouble.OutboxTroubled = event.OutboxTroubled{Subscriber: s.sub.id}
	s.trouble.fails = 0
	if s.trouble.recorded.Why == "" {
		return nil
	}
	return s.record(ctx)
}

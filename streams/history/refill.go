package history

import (
	"context"
	"errors"
	"fmt"
	"time"

	"tocsin/streams"
	"tocsin/streams/event"
)

// pieceRecords is how much of the older log goes into one insert.
const pieceRecords = 50_000

// stretch is what new tables still need of one topic's partition: older ranges as one run, then the recent ones, each
// for itself. It holds no list of the older ones: after a month there are millions.
type stretch struct {
	topic string
	part  int32
	first int64            // what lies below, the log no longer has
	at    streams.Position // where reading stands before the run
	next  int64            // where the run ends; at.Offset+1: there is none
	own   []announced
}

// announced is a range as it was written to history-ranges.
type announced struct {
	span event.HistoryRange
	was  streams.Position // where reading stood at its beginning
	at   event.Time       // the sink's clock
}

func place(topic string, part int32) string { return fmt.Sprintf("%s/%d", topic, part) }

// add takes the next range. Those that have become old by the clocks of sinks and by ours join the run; the newest never
// does.
func (s *stretch) add(a announced, recent time.Duration, now event.Time) {
	if len(s.own) == 0 && s.next == 0 {
		s.at, s.next = a.was, a.span.From
	}
	s.own = append(s.own, a)
	newest := min(now, a.at)
	for len(s.own) > 1 && newest-s.own[0].at >= event.Time(recent.Milliseconds()) {
		s.next = s.own[0].span.Next
		s.own = s.own[1:]
	}
}

// fill brings the tables from where they are to the last range that holds.
func (r *rebuild) fill(ctx context.Context) error {
	var all []*stretch
	for p := range r.n + 1 {
		todo, err := r.todo(ctx, p)
		if err != nil {
			return err
		}
		pair, _ := topicsOf(p, r.n)
		all = append(all, todo[pair.Inputs], todo[pair.Decisions])
	}
	for _, s := range all {
		r.total += s.records()
	}
	for _, s := range all {
		if err := r.refill(ctx, s); err != nil {
			return err
		}
	}
	return nil
}

// records is how many there are in the stretch.
func (s *stretch) records() int64 {
	if n := len(s.own); n > 0 {
		return s.own[n-1].span.Next - s.at.Offset - 1
	}
	return 0
}

// todo reads which ranges hold and are not in the new tables yet.
func (r *rebuild) todo(ctx context.Context, p int32) (map[string]*stretch, error) {
	pair, part := topicsOf(p, r.n)
	todo := map[string]*stretch{}
	for _, topic := range []string{pair.Inputs, pair.Decisions} {
		first, _, err := r.log.Bounds(ctx, topic, part)
		if err != nil {
			return nil, err
		}
		todo[topic] = &stretch{topic: topic, part: part, first: first}
	}
	now := event.TimeOf(time.Now())
	_, err := readBook(ctx, r.log, p, func(step *streams.Step, b *book) error {
		for _, span := range b.last {
			s, ok := todo[span.Topic]
			if !ok {
				return fmt.Errorf("range %s is of a topic that does not belong here", span.Token)
			}
			done, some := r.next[place(span.Topic, part)]
			if span.From < s.first || some && span.Next <= done.Offset+1 {
				continue // copied from the old tables, as a whole range; or there already
			}
			s.add(announced{span: span, was: b.topics[span.Topic].was, at: step.Close.Clock}, r.options.recent, now)
		}
		return nil
	})
	return todo, err
}

// refill inserts a stretch: the run in pieces, then the recent ranges under their own tokens.
func (r *rebuild) refill(ctx context.Context, s *stretch) error {
	if err := r.pieces(ctx, s); err != nil {
		return err
	}
	for _, a := range s.own {
		b, err := load(ctx, r.log, s.part, a.span, a.was)
		if err == nil {
			err = r.insertPiece(ctx, b)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// pieces reads the run from the log and cuts it as it comes.
func (r *rebuild) pieces(ctx context.Context, s *stretch) error {
	if s.next <= s.at.Offset+1 {
		return nil
	}
	if _, end, err := r.log.Bounds(ctx, s.topic, s.part); err != nil || end < s.next { // or we should wait for what is gone
		return errors.Join(fmt.Errorf("fill in %s/%d to %d: the log ends at %d; see `tocsin doctor`", s.topic, s.part, s.next, end), err)
	}
	in, err := r.log.Read(s.topic, s.part, s.at.Offset+1)
	if err != nil {
		return err
	}
	f := newFeed(s.topic, s.part, s.at)
	for f.at() < s.next && err == nil {
		var records []streams.Record
		if records, err = in.Next(ctx); err == nil {
			err = f.add(upTo(records, s.next))
		}
		if err == nil && f.ready > 0 && (f.ready >= pieceRecords || f.bytes >= maxBytes || f.at() == s.next) {
			err = r.insertPiece(ctx, f.take())
		}
	}
	if err = errors.Join(err, in.Close()); err != nil {
		return fmt.Errorf("fill in %s/%d to %d: %w", s.topic, s.part, s.next, err)
	}
	return nil
}

package history

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"tocsin/streams"
	"tocsin/streams/event"
)

// errReplaced ends a life: another sink has opened the partition since.
var errReplaced = errors.New("another sink has opened the partition")

// holdWithin is how long history-ranges may stay silent while we wait for a step of ours.
const holdWithin = 20 * time.Second

// life is one sink's time with one partition of history-ranges. It writes the range of what it will insert, waits until
// that holds, and inserts; one after the other, so that at any moment at most the last range is not in ClickHouse whole.
// That one the next life inserts again.
type life struct {
	*sink
	p    int32
	pair streams.Pair
	part int32
	id   string

	opened bool // our open has been read
	stored int  // ranges
	writer streams.Writer
	reader streams.Reader
	book   *book
	feeds  []*feed
}

// live is one life, from open to the first fault or the end of ctx. It answers how many ranges it stored.
func (s *sink) live(ctx context.Context, m streams.Membership, p int32) (stored int, err error) {
	if err := s.History.Ping(ctx); err != nil {
		return 0, err // before anything is written: a ClickHouse that is down for a day leaves no trace in the log
	}
	if err := s.migrate(ctx); err != nil {
		return 0, err
	}
	l := &life{sink: s, p: p, id: strings.ToLower(rand.Text()), book: newBook()}
	l.pair, l.part = topicsOf(p, s.n)
	if err := m.Confirm(ctx, p); err != nil {
		return 0, fmt.Errorf("confirm partition %d of %s: %w", p, streams.HistoryRanges, err)
	}
	if l.writer, err = s.Log.Write(s.Name); err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, l.writer.Close()) }()
	first, _, err := s.Log.Bounds(ctx, streams.HistoryRanges, p)
	if err != nil {
		return 0, err
	}
	if l.reader, err = s.Log.Read(streams.HistoryRanges, p, first); err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, l.reader.Close()) }()
	err = l.run(ctx, m)
	return l.stored, err
}

func (l *life) run(ctx context.Context, m streams.Membership) error {
	if err := l.open(ctx); err != nil {
		return err
	}
	for _, span := range l.book.last {
		if err := l.storeAgain(ctx, span); err != nil {
			return err
		}
	}
	l.log.Info("history goes on", "partition", l.p, "life", l.id, "step", l.book.steps.At().Number)
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	defer l.forgetLag()
	in := make(chan fed)
	for _, topic := range []string{l.pair.Inputs, l.pair.Decisions} {
		f, err := l.feed(ctx, topic)
		if err != nil {
			return err
		}
		l.feeds = append(l.feeds, f)
		go follow(ctx, l.Log, f, in)
	}
	return l.copyAll(ctx, m, in)
}

// feed goes on where the topic's last range ended, or begins with the log.
func (l *life) feed(ctx context.Context, topic string) (*feed, error) {
	if r, ok := l.book.topics[topic]; ok {
		return newFeed(topic, l.part, r.end()), nil
	}
	first, _, err := l.Log.Bounds(ctx, topic, l.part)
	if err != nil {
		return nil, err
	}
	if first > 0 {
		return nil, fmt.Errorf("history of %s/%d never began, and the log has already lost what lies below %d: restore it from a backup", topic, l.part, first)
	}
	return newFeed(topic, l.part, streams.Beginning), nil
}

// fed is what a reader brings.
type fed struct {
	feed    *feed
	records []streams.Record
	err     error
}

// follow reads a topic from where its feed stands.
func follow(ctx context.Context, log streams.Log, f *feed, in chan<- fed) {
	r, err := log.Read(f.topic, f.part, f.at())
	for err == nil {
		var records []streams.Record
		if records, err = r.Next(ctx); err == nil {
			select {
			case in <- fed{feed: f, records: records}:
			case <-ctx.Done():
				err = ctx.Err()
			}
		}
	}
	if r != nil {
		err = errors.Join(err, r.Close())
	}
	select {
	case in <- fed{feed: f, err: fmt.Errorf("read %s/%d: %w", f.topic, f.part, err)}:
	case <-ctx.Done():
	}
}

// copyAll takes what comes and stores it when enough has come or it has waited long enough.
func (l *life) copyAll(ctx context.Context, m streams.Membership, in <-chan fed) error {
	wake := time.NewTimer(l.Idle)
	defer wake.Stop()
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case got := <-in:
			err := got.err
			if err == nil {
				err = got.feed.add(got.records)
			}
			if err != nil {
				return err
			}
		case <-wake.C:
		}
		wait, full := l.due()
		if full || wait <= 0 {
			if err := l.flush(ctx); err != nil {
				return err
			}
			m.Commit(l.p, l.book.steps.At().Offset+1)
			wait, _ = l.due()
		}
		wake.Reset(max(wait, time.Millisecond))
	}
}

// due answers how long what is ready may still wait, and whether it is so much that it goes now.
func (l *life) due() (wait time.Duration, full bool) {
	wait = l.Idle
	for _, f := range l.feeds {
		l.metrics.lag.WithLabelValues(f.topic, strconv.Itoa(int(f.part))).Set(float64(len(f.records)))
		if f.ready == 0 {
			continue
		}
		full = full || f.ready >= l.MaxRecords || f.bytes >= maxBytes
		linger := l.Idle
		if f.urgent {
			linger = l.Linger
		}
		wait = min(wait, time.Until(f.since.Add(linger)))
	}
	return wait, full
}

// forgetLag leaves no number behind that nobody keeps true: the partition may be another's from now on.
func (l *life) forgetLag() {
	for _, topic := range []string{l.pair.Inputs, l.pair.Decisions} {
		l.metrics.lag.DeleteLabelValues(topic, strconv.Itoa(int(l.part)))
	}
}

// flush stores all that is ready: ranges first, then rows.
func (l *life) flush(ctx context.Context) error {
	select {
	case l.turn <- struct{}{}:
		defer func() { <-l.turn }()
	case <-ctx.Done():
		return ctx.Err()
	}
	var batches []batch
	var spans []event.HistoryRange
	for _, f := range l.feeds {
		if f.ready > 0 {
			b := f.take()
			batches, spans = append(batches, b), append(spans, b.span)
		}
	}
	if len(batches) == 0 {
		return nil
	}
	proven := time.Now()
	if err := l.announce(ctx, spans); err != nil {
		return err
	}
	for _, b := range batches {
		if err := l.store(ctx, b, proven, l.insertNew); err != nil {
			return err
		}
	}
	return nil
}

// storeAgain inserts a range of the last step that holds, whoever announced it and however long ago.
func (l *life) storeAgain(ctx context.Context, span event.HistoryRange) error {
	b, err := load(ctx, l.Log, l.part, span, l.book.topics[span.Topic].was)
	if err != nil {
		return err
	}
	proven, err := l.newest(ctx)
	if err != nil {
		return err
	}
	return l.store(ctx, b, proven, l.History.insertAgain)
}

// newest makes sure that nobody has opened the partition since, and answers as of when.
func (l *life) newest(ctx context.Context) (proven time.Time, err error) {
	proven = time.Now()
	_, end, err := l.Log.Bounds(ctx, streams.HistoryRanges, l.p)
	if err != nil {
		return proven, err
	}
	return proven, l.readUntil(ctx, func() bool { return l.book.steps.Next() >= end })
}

func (l *life) insertNew(ctx context.Context, b batch, deadline time.Time) error {
	return l.History.insert(ctx, "", b, deadline)
}

// store inserts a batch. proven is when we began to make sure that we are the newest life.
func (l *life) store(ctx context.Context, b batch, proven time.Time, insert func(context.Context, batch, time.Time) error) error {
	began, deadline := time.Now(), proven.Add(freshFor)
	ctx, cancel := context.WithDeadline(ctx, deadline.Add(freshFor)) // to be sent by the deadline; the answer may take longer
	defer cancel()
	if err := insert(ctx, b, deadline); err != nil {
		return err
	}
	l.stored++
	l.metrics.inserts.Observe(time.Since(began).Seconds())
	l.metrics.records.WithLabelValues(b.span.Topic).Add(float64(len(b.records)))
	return nil
}

// open begins the life: everything before our open is settled once we have read it.
func (l *life) open(ctx context.Context) error {
	err := l.append(event.Envelope{ID: l.id, Life: l.id, After: -1, Data: &event.OwnerOpened{Life: l.id, Owner: l.Name}})
	if err != nil {
		return err
	}
	return l.readUntil(ctx, func() bool { return l.book.steps.Life() == l.id })
}

// announce writes a step of ranges and waits until it holds.
func (l *life) announce(ctx context.Context, spans []event.HistoryRange) error {
	number := l.book.steps.At().Number + 1
	for i := range spans {
		err := l.append(event.Envelope{ID: fmt.Sprintf("%s.%d.%d", l.id, number, i), Life: l.id, Step: number, Index: i, After: -1, Data: &spans[i]})
		if err != nil {
			return err
		}
	}
	err := l.append(event.Envelope{ID: fmt.Sprintf("%s.%d", l.id, number), Life: l.id, Step: number, Index: len(spans), After: -1,
		Data: &event.StepClosed{Number: number, Count: len(spans), Clock: event.TimeOf(time.Now())}})
	if err != nil {
		return err
	}
	return l.readUntil(ctx, func() bool { return l.book.steps.At().Number == number })
}

// append hands a record to the writer. Whether it landed we learn by reading it.
func (l *life) append(e event.Envelope) error {
	e.Source, e.Subject, e.At = l.Name, fmt.Sprintf("history/%d", l.p), event.TimeOf(time.Now())
	r, err := streams.ToRecord(streams.HistoryRanges, l.p, fmt.Sprintf("%s/%d", l.pair.Decisions, l.part), e)
	if err != nil {
		return err
	}
	l.writer.Append(r, nil)
	return nil
}

// readUntil reads history-ranges until what we wrote is there. Another's open ends the life. A long partition may take its
// time, as long as records come.
func (l *life) readUntil(ctx context.Context, seen func() bool) error {
	for !seen() {
		records, err := l.next(ctx)
		if err != nil {
			return err
		}
		for _, r := range records {
			if _, err := l.book.read(r); err != nil {
				return err
			}
			switch life := l.book.steps.Life(); {
			case life == l.id:
				l.opened = true
			case l.opened:
				return errReplaced
			}
		}
	}
	return nil
}

// next waits for records of history-ranges, for as long as a step of ours may take to be seen.
func (l *life) next(ctx context.Context) ([]streams.Record, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, holdWithin, errors.New("what was written to history-ranges has not been seen in time"))
	defer cancel()
	records, err := l.reader.Next(ctx)
	if err != nil {
		return nil, errors.Join(err, context.Cause(ctx))
	}
	return records, nil
}

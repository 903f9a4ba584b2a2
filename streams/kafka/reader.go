package kafka

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"

	"tocsin/streams"
	"tocsin/streams/event"
)

// Read opens a reader with a client of its own. The first Next asks whether the log has the offset.
func (l *Log) Read(topic string, partition int32, from int64) (streams.Reader, error) {
	if from < 0 {
		return nil, fmt.Errorf("read %s/%d: %d is no offset", topic, partition, from)
	}
	cl, err := kgo.NewClient(l.reading(topic, partition, from)...)
	if err != nil {
		return nil, fmt.Errorf("read %s/%d: %w", topic, partition, err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	return &reader{log: l, at: place{topic, partition}, next: from, cl: cl, closing: ctx, cancel: cancel}, nil
}

// reader is used from one goroutine; Close may come from another.
type reader struct {
	log     *Log
	at      place
	next    int64
	checked bool
	id      [16]byte // of the topic as we found it: another one is another log
	late    error    // came together with records: theirs is the first turn
	spent   error
	cl      *kgo.Client

	closing context.Context
	cancel  context.CancelFunc
	once    sync.Once
}

// perNext is how many records one Next answers at most.
const perNext = 2000

// Next waits for records. A cluster that is away is waited for; only what waiting cannot mend is an error.
func (r *reader) Next(ctx context.Context) ([]streams.Record, error) {
	if r.spent != nil {
		return nil, r.spent
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	defer context.AfterFunc(r.closing, cancel)()
	records, err := r.wait(ctx)
	switch {
	case err == nil:
		return records, nil
	case r.closing.Err() != nil:
		r.spent = streams.ErrClosed
		return nil, r.spent
	case ctx.Err() != nil:
		return nil, ctx.Err()
	}
	r.spent = fmt.Errorf("read %s/%d from %d: %w", r.at.topic, r.at.partition, r.next, err)
	return nil, r.spent
}

func (r *reader) wait(ctx context.Context) ([]streams.Record, error) {
	for tries := 1; ; tries++ {
		err := r.check(ctx)
		for err == nil {
			var records []streams.Record
			if records, err = r.poll(ctx); len(records) > 0 {
				return records, nil
			}
		}
		if ctx.Err() != nil || !away(err) {
			return nil, err
		}
		select {
		case <-ctx.Done():
		case <-time.After(backoff(tries)):
		}
	}
}

// check asks once, before the first record, whether the log has our offset: franz-go would wait for ever for a topic
// that is not there.
func (r *reader) check(ctx context.Context) error {
	if r.checked {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	t, err := r.log.describe(ctx, r.at.topic)
	if err != nil {
		return err
	}
	first, next, err := r.log.Bounds(ctx, r.at.topic, r.at.partition)
	if err == nil {
		err = r.within(first, next)
	}
	r.checked, r.id = err == nil, t.TopicID
	return err
}

func (r *reader) within(first, next int64) error {
	switch {
	case r.next < first:
		return fmt.Errorf("the log begins at %d: %w", first, streams.ErrTrimmed)
	case r.next > next:
		return fmt.Errorf("the log ends at %d: %w", next, streams.ErrBeyond)
	}
	return nil
}

// poll answers what has come. Errors that franz-go mends by itself do not come up here.
func (r *reader) poll(ctx context.Context) ([]streams.Record, error) {
	if err := r.late; err != nil {
		r.late = nil
		return nil, r.explain(ctx, err)
	}
	fetches := r.cl.PollRecords(ctx, perNext)
	records, err := r.take(fetches)
	if err != nil {
		return nil, err
	}
	fetches.EachError(func(_ string, _ int32, err error) { r.late = err })
	if len(records) > 0 || r.late == nil {
		return records, nil // what came before the error first
	}
	err, r.late = r.late, nil
	return nil, r.explain(ctx, err)
}

// take turns records into ours and holds their offsets against what we expect.
func (r *reader) take(fetches kgo.Fetches) ([]streams.Record, error) {
	n := fetches.NumRecords()
	if n == 0 {
		return nil, nil
	}
	records, count := make([]streams.Record, 0, n), 0
	fetches.EachRecord(func(k *kgo.Record) { count += len(k.Headers) })
	headers := make([]event.Header, 0, count)
	for it := fetches.RecordIter(); !it.Done(); {
		k := it.Next()
		switch {
		case k.Offset > r.next:
			return nil, fmt.Errorf("the log went on at %d, what lies between is missing: %w", k.Offset, streams.ErrTrimmed)
		case k.Offset < r.next:
			return nil, fmt.Errorf("the log went back to %d: %w", k.Offset, streams.ErrBeyond)
		}
		r.next++
		if k.Attrs.IsControl() {
			continue
		}
		from := len(headers)
		for _, h := range k.Headers {
			headers = append(headers, event.Header(h))
		}
		records = append(records, streams.Record{
			Topic: k.Topic, Partition: k.Partition, Offset: k.Offset, Key: k.Key, Value: k.Value,
			Headers: headers[from:len(headers):len(headers)], AppendMs: k.Timestamp.UnixMilli(),
		})
	}
	return records, nil
}

// explain says what an error of a fetch means for this reader.
func (r *reader) explain(ctx context.Context, err error) error {
	var lost *kgo.ErrDataLoss
	switch {
	case errors.As(err, &lost):
		return fmt.Errorf("the log lost what it had acknowledged: %w: %w", streams.ErrBeyond, err)
	case errors.Is(err, kerr.OffsetOutOfRange):
		first, next, asked := r.log.Bounds(ctx, r.at.topic, r.at.partition)
		return cmp.Or(asked, r.within(first, next), err)
	case errors.Is(err, kerr.UnknownTopicID), errors.Is(err, kerr.InconsistentTopicID):
		switch t, asked := r.log.describe(ctx, r.at.topic); {
		case asked != nil:
			return asked
		case t.TopicID == r.id:
			return kerr.LeaderNotAvailable // a broker that has just started and does not know it yet
		}
		return fmt.Errorf("another log stands there now: %w: %w", streams.ErrBeyond, err)
	}
	return closed(err)
}

// away tells whether err only says that the cluster cannot be reached just now.
func away(err error) bool {
	var timeout net.Error
	var kafka *kerr.Error
	switch {
	case errors.Is(err, streams.ErrBeyond), errors.Is(err, streams.ErrTrimmed), errors.Is(err, streams.ErrClosed):
		return false
	case errors.As(err, &kafka):
		// A topic that is not there stays away: the topics are created before anyone reads.
		return kafka.Retriable && !errors.Is(err, kerr.UnknownTopicOrPartition)
	}
	return errors.As(err, &timeout) || errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) ||
		errors.Is(err, net.ErrClosed) || errors.Is(err, context.DeadlineExceeded) || kgo.IsRetryableBrokerErr(err)
}

// Close ends the reader; a Next that waits answers ErrClosed.
func (r *reader) Close() error {
	r.once.Do(func() {
		r.cancel()
		r.cl.Close()
	})
	return nil
}

// Package witness reads the log with a client that has no part in writing it: segmentio/kafka-go, where
// all production traffic goes through franz-go. It has its own idea of the rule of reading, too, and
// imports nothing of Tocsin, so that what it says of the log rests on nothing that it judges.
//
// Three things stand on it: Tail shows records as they lie there and which steps hold, Examine is the
// part of `tocsin doctor` that looks at the log, and Judge is the referee of the kill test.
package witness

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"sort"
	"time"

	"github.com/segmentio/kafka-go"
	"github.com/segmentio/kafka-go/sasl"
)

// Options say where the log is. TLS and SASL are nil on loopback.
type Options struct {
	Brokers []string
	TLS     *tls.Config
	SASL    sasl.Mechanism
}

// Record is one record as it lies in the log.
type Record struct {
	Topic     string
	Partition int
	Offset    int64
	Time      time.Time // stamped by the writer's client
	Key       []byte
	Headers   []kafka.Header
	Value     []byte
}

// Header answers the value of the last header of that name, as Kafka's clients do; empty when absent.
func (r Record) Header(name string) string {
	for i := len(r.Headers) - 1; i >= 0; i-- {
		if r.Headers[i].Key == name {
			return string(r.Headers[i].Value)
		}
	}
	return ""
}

// reader is a connection to the log, read-only.
type reader struct {
	opt    Options
	client *kafka.Client
}

// dial prepares a reader; the first request connects.
func dial(o Options) (*reader, func()) {
	tr := &kafka.Transport{TLS: o.TLS, SASL: o.SASL, ClientID: "tocsin-witness", DialTimeout: 5 * time.Second}
	return &reader{opt: o, client: &kafka.Client{Addr: kafka.TCP(o.Brokers...), Timeout: 15 * time.Second, Transport: tr}},
		tr.CloseIdleConnections
}

// topics answers every topic of the log with its partitions in order.
func (l *reader) topics(ctx context.Context) (map[string]kafka.Topic, []kafka.Broker, error) {
	m, err := l.client.Metadata(ctx, &kafka.MetadataRequest{})
	if err != nil {
		return nil, nil, fmt.Errorf("ask %v for its topics: %w", l.opt.Brokers, err)
	}
	topics := map[string]kafka.Topic{}
	for _, t := range m.Topics {
		sort.Slice(t.Partitions, func(i, j int) bool { return t.Partitions[i].ID < t.Partitions[j].ID })
		topics[t.Name] = t
	}
	return topics, m.Brokers, nil
}

// span is the offsets of one partition that can be read: [first, next).
type span struct{ first, next int64 }

// bounds answers the span of each partition of a topic.
func (l *reader) bounds(ctx context.Context, topic string, partitions int) ([]span, error) {
	var ask []kafka.OffsetRequest
	for p := range partitions {
		ask = append(ask, kafka.FirstOffsetOf(p), kafka.LastOffsetOf(p))
	}
	res, err := l.client.ListOffsets(ctx, &kafka.ListOffsetsRequest{Topics: map[string][]kafka.OffsetRequest{topic: ask}})
	if err != nil {
		return nil, fmt.Errorf("ask for the ends of topic %s: %w", topic, err)
	}
	spans := make([]span, partitions)
	for _, p := range res.Topics[topic] {
		if p.Error != nil {
			return nil, fmt.Errorf("ask for the ends of %s/%d: %w", topic, p.Partition, p.Error)
		}
		spans[p.Partition] = span{p.FirstOffset, p.LastOffset}
	}
	return spans, nil
}

// from answers the first offset of a partition whose record is not older than t; the end when none is.
func (l *reader) from(ctx context.Context, topic string, partition int, t time.Time, end int64) (int64, error) {
	res, err := l.client.ListOffsets(ctx, &kafka.ListOffsetsRequest{
		Topics: map[string][]kafka.OffsetRequest{topic: {kafka.TimeOffsetOf(partition, t)}}})
	if err != nil {
		return 0, fmt.Errorf("ask for the offset of %s in %s/%d: %w", t.Format(time.RFC3339), topic, partition, err)
	}
	for _, p := range res.Topics[topic] {
		if p.Error != nil {
			return 0, fmt.Errorf("ask for the offset of %s in %s/%d: %w", t.Format(time.RFC3339), topic, partition, p.Error)
		}
		for offset := range p.Offsets {
			if offset >= 0 {
				return offset, nil
			}
		}
	}
	return end, nil
}

// forever, as the end of each, follows the partition until the context ends.
const forever = int64(-1)

// stall is how long reading waits for a log that does not answer, or does not give what it should have.
const stall = 30 * time.Second

// each hands over the records of one partition from offset from up to, not with, offset to. An offset
// that is no longer there is an error and never a silent jump. A log that is away for a moment is asked
// again, for stall at most.
func (l *reader) each(ctx context.Context, topic string, partition int, from, to int64, fn func(Record) error) error {
	deadline := time.Now().Add(stall)
	for to == forever || from < to {
		next, err := l.fetch(ctx, topic, partition, from, to, fn)
		switch {
		case err == nil && next > from:
			from, deadline = next, time.Now().Add(stall)
			continue
		case err == nil && to == forever:
			deadline = time.Now().Add(stall)
			continue
		case err == nil:
			err = errors.New("nothing is given, although the log is longer")
		}
		from = max(from, next)
		if ctx.Err() != nil || !passes(err) || time.Now().After(deadline) {
			return fmt.Errorf("read %s/%d at offset %d: %w", topic, partition, from, err)
		}
		select {
		case <-ctx.Done():
		case <-time.After(100 * time.Millisecond):
		}
	}
	return nil
}

// fetch asks once and hands over what comes; it answers the offset from which to go on.
func (l *reader) fetch(ctx context.Context, topic string, partition int, from, to int64, fn func(Record) error) (next int64, err error) {
	res, err := l.client.Fetch(ctx, &kafka.FetchRequest{Topic: topic, Partition: partition, Offset: from,
		MinBytes: 1, MaxBytes: 4 << 20, MaxWait: 500 * time.Millisecond})
	if err != nil {
		return from, err
	}
	if res.Error != nil {
		return from, res.Error
	}
	for {
		r, err := res.Records.ReadRecord()
		if errors.Is(err, io.EOF) {
			return from, nil
		}
		if err != nil {
			return from, err
		}
		if r.Offset < from {
			continue // a batch may begin before the offset that was asked for
		}
		if to != forever && r.Offset >= to {
			return to, nil
		}
		rec := Record{Topic: topic, Partition: partition, Offset: r.Offset, Time: r.Time, Headers: append([]kafka.Header(nil), r.Headers...)}
		if rec.Key, err = kafka.ReadAll(r.Key); err != nil {
			return from, err
		}
		if rec.Value, err = kafka.ReadAll(r.Value); err != nil {
			return from, err
		}
		if err := fn(rec); err != nil {
			return from, stopped{err}
		}
		from = r.Offset + 1
	}
}

// stopped is an error of whoever takes the records; asking the log again does not help.
type stopped struct{ error }

func (s stopped) Unwrap() error { return s.error }

// passes tells whether an error may pass by itself: a broker that is away, a leader that moves.
func passes(err error) bool {
	var own stopped
	var fault kafka.Error
	if errors.As(err, &own) {
		return false
	}
	if errors.As(err, &fault) {
		return fault.Temporary() || fault == kafka.NotLeaderForPartition
	}
	return true
}

// put writes and drops the error: Tail and Examine write to a terminal or a pipe, and what reads there
// may leave at any time.
func put(w io.Writer, format string, args ...any) { fmt.Fprintf(w, format, args...) }

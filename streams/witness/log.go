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

// each hands over the records of one partition from offset from up to, not with, offset to. An offset
// that is no longer there is an error and never a silent jump.
func (l *reader) each(ctx context.Context, topic string, partition int, from, to int64, fn func(Record) error) (err error) {
	if to != forever && from >= to {
		return nil
	}
	r := kafka.NewReader(kafka.ReaderConfig{
		Brokers: l.opt.Brokers, Topic: topic, Partition: partition,
		Dialer:                &kafka.Dialer{ClientID: "tocsin-witness", Timeout: 5 * time.Second, TLS: l.opt.TLS, SASLMechanism: l.opt.SASL},
		MaxBytes:              8 << 20,
		MaxWait:               250 * time.Millisecond,
		ReadBackoffMin:        10 * time.Millisecond,
		ReadBackoffMax:        500 * time.Millisecond,
		QueueCapacity:         1024,
		OffsetOutOfRangeError: true,
	})
	defer func() { err = errors.Join(err, r.Close()) }()
	if err := r.SetOffset(from); err != nil {
		return err
	}
	for {
		m, err := r.ReadMessage(ctx)
		if err != nil {
			return fmt.Errorf("read %s/%d: %w", topic, partition, err)
		}
		rec := Record{Topic: topic, Partition: partition, Offset: m.Offset, Time: m.Time, Key: m.Key, Headers: m.Headers, Value: m.Value}
		if err := fn(rec); err != nil {
			return err
		}
		if to != forever && m.Offset >= to-1 {
			return nil
		}
	}
}

// put writes and drops the error: Tail and Examine write to a terminal or a pipe, and what reads there
// may leave at any time.
func put(w io.Writer, format string, args ...any) { fmt.Fprintf(w, format, args...) }

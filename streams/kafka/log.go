package kafka

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"tocsin/streams"
)

// Log is streams.Log over Kafka.
type Log struct {
	o       Options
	admin   *kgo.Client
	metrics *metrics
}

var _ streams.Log = (*Log)(nil)

// Open makes a log of the cluster that o names. It does not connect yet: a cluster that is away is no error here.
func Open(o Options) (*Log, error) {
	o, err := o.withDefaults()
	if err != nil {
		return nil, fmt.Errorf("open log: %w", err)
	}
	l := &Log{o: o}
	if l.metrics, err = newMetrics(o); err != nil {
		return nil, fmt.Errorf("open log: %w", err)
	}
	if l.admin, err = kgo.NewClient(l.common("ask")...); err != nil {
		return nil, fmt.Errorf("open log: %w", errors.Join(err, l.metrics.close()))
	}
	return l, nil
}

// Lingering is the same log whose writers wait d for company, as doors want it (Options.Linger). Close the first alone.
func (l *Log) Lingering(d time.Duration) *Log {
	door := *l
	door.o.Linger = d
	return &door
}

// Close ends the client that asks questions.
func (l *Log) Close() error {
	l.admin.Close()
	return l.metrics.close()
}

// Partitions asks the cluster how many partitions topic has.
func (l *Log) Partitions(ctx context.Context, topic string) (int32, error) {
	t, err := l.describe(ctx, topic)
	return int32(len(t.Partitions)), err
}

func (l *Log) describe(ctx context.Context, topic string) (kmsg.MetadataResponseTopic, error) {
	req := kmsg.NewPtrMetadataRequest()
	t := kmsg.NewMetadataRequestTopic()
	t.Topic = kmsg.StringPtr(topic)
	req.Topics = append(req.Topics, t)
	resp, err := req.RequestWith(ctx, l.admin)
	if err == nil && len(resp.Topics) != 1 {
		err = errors.New("the broker says nothing of it")
	}
	if err == nil {
		err = kerr.ErrorForCode(resp.Topics[0].ErrorCode)
	}
	if err != nil {
		return kmsg.MetadataResponseTopic{}, fmt.Errorf("ask for topic %s: %w", topic, closed(err))
	}
	return resp.Topics[0], nil
}

// Bounds asks the partition's leader for its first offset and for the one that the next record will get.
func (l *Log) Bounds(ctx context.Context, topic string, partition int32) (first, next int64, err error) {
	const earliest, latest = -2, -1
	failed := make(chan error, 1)
	go func() { // Kafka answers one question for each partition in a request
		var err error
		first, err = l.offset(ctx, topic, partition, earliest)
		failed <- err
	}()
	next, err = l.offset(ctx, topic, partition, latest)
	if err := errors.Join(<-failed, err); err != nil {
		return 0, 0, fmt.Errorf("ask for the bounds of %s/%d: %w", topic, partition, closed(err))
	}
	return first, next, nil
}

// offset asks for the offset at a moment; -2 is the beginning, -1 the end.
func (l *Log) offset(ctx context.Context, topic string, partition int32, at int64) (int64, error) {
	p := kmsg.NewListOffsetsRequestTopicPartition()
	p.Partition, p.Timestamp = partition, at
	t := kmsg.NewListOffsetsRequestTopic()
	t.Topic, t.Partitions = topic, append(t.Partitions, p)
	req := kmsg.NewPtrListOffsetsRequest()
	req.Topics = append(req.Topics, t)
	resp, err := req.RequestWith(ctx, l.admin)
	if err != nil {
		return 0, err
	}
	for _, t := range resp.Topics {
		for _, p := range t.Partitions {
			return p.Offset, kerr.ErrorForCode(p.ErrorCode)
		}
	}
	return 0, errors.New("the broker says nothing of it")
}

// closed puts our own word for a closed client beside franz-go's.
func closed(err error) error {
	if errors.Is(err, kgo.ErrClientClosed) {
		return fmt.Errorf("%w: %w", streams.ErrClosed, err)
	}
	return err
}

// Trim removes the records of a partition below before. It waits 10 s for the cluster.
func (l *Log) Trim(topic string, partition int32, before int64) error {
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	p := kmsg.NewDeleteRecordsRequestTopicPartition()
	p.Partition, p.Offset = partition, before
	t := kmsg.NewDeleteRecordsRequestTopic()
	t.Topic, t.Partitions = topic, append(t.Partitions, p)
	req := kmsg.NewPtrDeleteRecordsRequest()
	req.Topics = append(req.Topics, t)
	resp, err := req.RequestWith(ctx, l.admin)
	if err != nil {
		return fmt.Errorf("trim %s/%d before %d: %w", topic, partition, before, closed(err))
	}
	for _, t := range resp.Topics {
		for _, p := range t.Partitions {
			if err := kerr.ErrorForCode(p.ErrorCode); err != nil {
				return fmt.Errorf("trim %s/%d before %d: %w", topic, partition, before, outside(err))
			}
		}
	}
	return nil
}

// outside puts our own word beside Kafka's for an offset that the log has not reached.
func outside(err error) error {
	if errors.Is(err, kerr.OffsetOutOfRange) {
		return fmt.Errorf("%w: %w", streams.ErrBeyond, err)
	}
	return err
}

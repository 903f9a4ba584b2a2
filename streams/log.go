// Package streams is the log and everything that stands on it: topics, the rule of reading, the processor with its
// clock, and the life of an owner. It knows no medicine and names no broker: Kafka is behind Log.
package streams

import (
	"context"
	"errors"

	"tocsin/streams/event"
)

// Record is one record of the log as it was written.
type Record struct {
	Topic     string
	Partition int32
	Offset    int64 // set by the log
	Key       []byte
	Headers   []event.Header
	Value     []byte
	AppendMs  int64 // milliseconds since 1970, stamped on the way in; for people and metrics, never for a fold
}

// Log is what Tocsin asks of Kafka, and no more. One conformance suite (logtest) holds every implementation to it.
type Log interface {
	// Partitions answers how many partitions topic has; an absent topic is an error.
	Partitions(ctx context.Context, topic string) (int32, error)
	// Bounds answers the first offset that can be read and the offset that the next record will get.
	Bounds(ctx context.Context, topic string, partition int32) (first, next int64, err error)
	// Read opens a reader at offset from. Reading from a trimmed offset is ErrTrimmed, never a silent jump.
	Read(topic string, partition int32, from int64) (Reader, error)
	// Write opens a writer: an idempotent producer of its own, acks=all. owner names it in logs and metrics.
	Write(owner string) (Writer, error)
	// Join becomes a member of a group which shares out the partitions of topic.
	Join(group, topic string) (Membership, error)
	// Close ends what the log itself holds; readers, writers and memberships are closed by whoever opened them.
	Close() error
}

// Reader reads one partition in order.
type Reader interface {
	// Next waits for records and answers them in the order of their offsets; it returns ctx's error when that ends first.
	// After any other error the reader is spent.
	Next(ctx context.Context) ([]Record, error)
	Close() error
}

// Writer appends records. What one writer appends to one partition lands in the order of the calls, or from some
// record on fails: after the first error of a partition, every later Append to it fails too, until a new writer is opened.
type Writer interface {
	// Append hands r over and returns at once, or waits while too much is under way (back-pressure). done is called
	// exactly once, from a goroutine of the writer and in the order of the calls for one partition: with the offset
	// after the log has acknowledged r on all replicas that are in sync, or with the error. A nil done is allowed.
	Append(r Record, done func(offset int64, err error))
	// Flush waits until everything handed over is settled.
	Flush(ctx context.Context) error
	// Close gives up what is not settled (its done gets ErrClosed) and ends the writer.
	Close() error
}

// Membership is a place in a group that shares out partitions. Only the sharing-out counts: positions are never
// taken from the group, though they are committed for lag displays.
type Membership interface {
	// Next waits for the next change of what is assigned to us. After an error the membership is spent.
	Next(ctx context.Context) (Assignment, error)
	// Confirm asks the coordinator, with a heartbeat sent after the call began, whether partition is still ours.
	Confirm(ctx context.Context, partition int32) error
	// Commit tells how far partition has been folded, for lag displays alone.
	Commit(partition int32, next int64)
	Close() error
}

// Assignment is the whole of what is ours from now on.
type Assignment struct {
	Partitions []int32
	// Ack must be called once everything that is no longer ours has stopped; only then is it given to others.
	Ack func()
}

var (
	// ErrClosed: the reader, writer, membership or log was closed.
	ErrClosed = errors.New("closed")
	// ErrTrimmed: the offset is below what the log still has. A loud fault: an operator is needed.
	ErrTrimmed = errors.New("offset is trimmed from the log")
	// ErrBeyond: the offset is beyond the log's end: it lost records, or another log stands there now.
	ErrBeyond = errors.New("offset is beyond the end of the log")
	// ErrNotOurs: the coordinator says that the partition is not ours (any more).
	ErrNotOurs = errors.New("partition is not assigned to this member")
)

// ToRecord encodes an envelope for a topic's partition, under its key.
func ToRecord(topic string, partition int32, key string, e event.Envelope) (Record, error) {
	h, v, err := event.Encode(e)
	if err != nil {
		return Record{}, err
	}
	return Record{Topic: topic, Partition: partition, Key: []byte(key), Headers: h, Value: v}, nil
}

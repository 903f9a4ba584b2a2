package streams

import (
	"context"
	"encoding/json"
	"fmt"

	"tocsin/streams/event"
)

// reject puts what could not be decoded aside, with its place and its bytes, before the fold goes past it.
func (l *life[S, F]) reject(ctx context.Context, in Input, now event.Time) error {
	r, err := Aside(in, l.partition, now)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, confirmWithin)
	defer cancel()
	if _, err := AppendWait(ctx, l.writer, r); err != nil {
		return fmt.Errorf("put input %d aside: %w", in.Offset, err)
	}
	return nil
}

// Aside makes the record that keeps an input which could not be decoded.
func Aside(in Input, partition int32, now event.Time) (Record, error) {
	r := in.Record
	headers := make(map[string]string, len(r.Headers))
	for _, h := range r.Headers {
		headers[h.Key] = string(h.Value)
	}
	h, err := json.Marshal(headers)
	if err != nil {
		return Record{}, err
	}
	e := event.Envelope{ID: fmt.Sprintf("aside.%s.%d.%d", r.Topic, r.Partition, r.Offset), Source: "owner", Subject: PartitionKey(partition), At: now,
		Data: &event.RecordRejected{Topic: r.Topic, Partition: r.Partition, Offset: r.Offset, Reason: in.Why.Error(), Key: r.Key, Headers: h, Raw: r.Value}}
	return ToRecord(Rejected, partition, PartitionKey(partition), e) // the partition of the same number
}

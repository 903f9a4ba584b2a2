package streams

import (
	"context"
	"fmt"
)

// feed hands out the inputs of one partition in order, as far as they are asked for.
type feed struct {
	log       Log
	topic     string
	partition int32
	next      int64 // offset of buf[0], or the next to read
	buf       []Input
	reader    Reader
}

func newFeed(log Log, topic string, partition int32, next int64) *feed {
	return &feed{log: log, topic: topic, partition: partition, next: next}
}

// through answers the inputs below next, waiting for those that are not there yet.
func (f *feed) through(ctx context.Context, next int64) ([]Input, error) {
	for f.next+int64(len(f.buf)) < next {
		more, err := f.more(ctx)
		if err != nil {
			return nil, err
		}
		f.buf = append(f.buf, more...)
	}
	n := max(next-f.next, 0)
	inputs := f.buf[:n:n]
	f.buf, f.next = f.buf[n:], f.next+n
	return inputs, nil
}

// more reads what comes next.
func (f *feed) more(ctx context.Context) ([]Input, error) {
	if f.reader == nil {
		r, err := f.log.Read(f.topic, f.partition, f.next+int64(len(f.buf)))
		if err != nil {
			return nil, fmt.Errorf("read %s/%d from %d: %w", f.topic, f.partition, f.next, err)
		}
		f.reader = r
	}
	records, err := f.reader.Next(ctx)
	if err != nil {
		return nil, fmt.Errorf("read %s/%d: %w", f.topic, f.partition, err)
	}
	inputs := make([]Input, len(records))
	for i, r := range records {
		if inputs[i], err = DecodeInput(r); err != nil {
			return nil, err
		}
	}
	return inputs, nil
}

func (f *feed) close() {
	if f.reader != nil {
		_ = f.reader.Close() // a reader holds nothing that could be lost
		f.reader = nil
	}
}

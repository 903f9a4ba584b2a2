package streams

import (
	"context"
	"fmt"
)

func (l *life[S, F]) pumpInputs(ctx context.Context, out chan<- []Input) {
	pending := l.feed.buf
	l.feed.next, l.feed.buf = l.feed.next+int64(len(pending)), nil
	for {
		if len(pending) > 0 {
			select {
			case out <- pending:
			case <-ctx.Done():
				return
			}
		}
		var err error
		if pending, err = l.feed.more(ctx); err != nil {
			l.fail(ctx, err)
			return
		}
		l.feed.next += int64(len(pending))
	}
}

func (l *life[S, F]) pumpDecisions(ctx context.Context, out chan<- []Record) {
	records := l.rest
	for {
		if len(records) > 0 {
			select {
			case out <- records:
			case <-ctx.Done():
				return
			}
		}
		var err error
		if records, err = l.reader.Next(ctx); err != nil {
			l.fail(ctx, fmt.Errorf("read back: %w", err))
			return
		}
	}
}

func (l *life[S, F]) fail(ctx context.Context, err error) {
	if ctx.Err() != nil {
		return
	}
	select {
	case l.failed <- err:
	default: // the life is ending already
	}
}

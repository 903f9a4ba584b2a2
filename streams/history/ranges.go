package history

import (
	"context"
	"fmt"

	"tocsin/streams"
	"tocsin/streams/event"
)

// topicsOf answers what goes into history by way of a partition of history-ranges: that partition of the patients' pair,
// or for the last one the directory's pair, which has a single partition.
func topicsOf(p, n int32) (pair streams.Pair, part int32) {
	if p == n {
		return streams.DirectoryPair, 0
	}
	return streams.PatientPair, p
}

// reached is how far one topic's ranges go, as the steps in history-ranges say that hold.
type reached struct {
	last  event.HistoryRange // zero Next: none yet
	first int64              // From of the first
	was   streams.Position   // where reading stood at last.From
}

// end is where reading stands after the last range.
func (r reached) end() streams.Position {
	return streams.Position{Life: r.last.Life, Number: r.last.Number, Offset: r.last.Next - 1}
}

// book is one partition of history-ranges as read so far.
type book struct {
	steps  *streams.Steps
	topics map[string]reached
	last   []event.HistoryRange // of the last step that holds
}

func newBook() *book {
	return &book{steps: streams.NewSteps(streams.Beginning), topics: map[string]reached{}}
}

// read takes a record and answers the step that it makes hold, if it does.
func (b *book) read(r streams.Record) (*streams.Step, error) {
	step, err := b.steps.Read(r)
	if step == nil || err != nil {
		return nil, err
	}
	b.last = b.last[:0:0]
	for _, e := range step.Events {
		d, ok := e.Data.(*event.HistoryRange)
		if !ok {
			return nil, fmt.Errorf("%s/%d at %d: %s is no range", r.Topic, r.Partition, r.Offset, e.Data.Type())
		}
		old, had := b.topics[d.Topic]
		if had && old.last.Next != d.From {
			return nil, fmt.Errorf("%s/%d at %d: range %s does not begin where the one before ended, at %d", r.Topic, r.Partition, r.Offset, d.Token, old.last.Next)
		}
		now := reached{last: *d, first: d.From, was: streams.Position{Offset: d.From - 1}}
		if had {
			now.first, now.was = old.first, old.end()
		}
		b.topics[d.Topic], b.last = now, append(b.last, *d)
	}
	return step, nil
}

// readBook reads a partition of history-ranges as far as it goes now, handing each step that holds to fn.
func readBook(ctx context.Context, log streams.Log, p int32, fn func(*streams.Step, *book) error) (*book, error) {
	b := newBook()
	first, next, err := log.Bounds(ctx, streams.HistoryRanges, p)
	if err == nil {
		err = streams.Each(ctx, log, streams.HistoryRanges, p, first, next, func(r streams.Record) error {
			step, err := b.read(r)
			if step != nil && err == nil && fn != nil {
				err = fn(step, b)
			}
			return err
		})
	}
	if err != nil {
		return nil, fmt.Errorf("history ranges of partition %d: %w", p, err)
	}
	return b, nil
}

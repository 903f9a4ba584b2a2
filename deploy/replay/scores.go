package replay

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"sync"
	"time"

	"tocsin/streams"
	"tocsin/streams/event"
)

// Line is what the chain made of a row: the score after it.
type Line struct {
	Known        int // of the five signs
	Lower, Upper int
	Band         string
}

// scores gathers assessments from the decisions that hold, by the reading that caused them.
type scores struct {
	log streams.Log
	n   int32

	mu     sync.Mutex
	by     map[string]Line // reading id to the score after it
	tenant string
}

// follow reads one partition of decisions until it has settled the inputs up to end.
func (s *scores) follow(ctx context.Context, partition int32, end int64) error {
	if end == 0 {
		return nil
	}
	r, err := s.log.Read(streams.Decisions, partition, 0)
	if err != nil {
		return err
	}
	defer func() { _ = r.Close() }()
	steps := streams.NewSteps(streams.Beginning)
	for {
		records, err := next(ctx, r)
		if err != nil {
			return fmt.Errorf("read the scores of %s/%d: %w", streams.Decisions, partition, err)
		}
		for _, rec := range records {
			step, err := steps.Read(rec)
			if err != nil {
				return err
			}
			if step == nil {
				continue
			}
			s.take(step.Events)
			if step.Close.Inputs.Next >= end {
				return nil
			}
		}
	}
}

// quietAtMost is how long nothing may be decided while something waits: longer than a partition takes to change its
// owner. Somebody who owns it writes a step every few seconds.
const quietAtMost = time.Minute

// next reads on, and does not wait for an owner who is not there.
func next(ctx context.Context, r streams.Reader) ([]streams.Record, error) {
	short, cancel := context.WithTimeout(ctx, quietAtMost)
	defer cancel()
	records, err := r.Next(short)
	if err != nil && ctx.Err() == nil && short.Err() != nil {
		return nil, fmt.Errorf("nothing was decided for %s; is a part with the role monitor running?", quietAtMost)
	}
	return records, err
}

func (s *scores) take(events []event.Envelope) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, e := range events {
		d, ok := e.Data.(*event.SeverityScored)
		if !ok || d.Score == nil || e.Cause == "" {
			continue
		}
		if tenant, _ := streams.SplitPatientKey(e.Subject); tenant == s.tenant {
			s.by[e.Cause] = lineOf(d.Score)
		}
	}
}

func lineOf(score *event.Score) Line {
	l := Line{Lower: score.Lower, Upper: score.Upper, Band: score.Band}
	for _, p := range score.Parts {
		for _, s := range signs {
			if p.Quantity == s.quantity && p.Known {
				l.Known++
			}
		}
	}
	return l
}

// gather reads all partitions, each up to the end of its inputs as it is now.
func (s *scores) gather(ctx context.Context) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var all sync.WaitGroup
	for p := range s.n {
		all.Go(func() {
			_, end, err := s.log.Bounds(ctx, streams.Inputs, p)
			if err == nil {
				err = s.follow(ctx, p, end)
			}
			if err != nil {
				cancel(err)
			}
		})
	}
	all.Wait()
	return context.Cause(ctx)
}

// write prints one line for each row of each stay: the score as it stood after that row. Before the first value it is nothing.
func (s *scores) write(w io.Writer, stays []Stay, nothing Line) error {
	out := bufio.NewWriter(w)
	fmt.Fprintln(out, "patient,row,hour,known,lower,upper,band")
	for _, stay := range stays {
		now := nothing
		for i, row := range stay.Rows {
			if l, ok := s.by[readingID(stay.Name, i)]; ok {
				now = l
			}
			fmt.Fprintf(out, "%s,%d,%d,%d,%d,%d,%s\n", stay.Name, i, row.Hour, now.Known, now.Lower, now.Upper, now.Band)
		}
	}
	return out.Flush()
}

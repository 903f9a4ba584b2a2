package deploy

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"tocsin/rules/backtest"
	"tocsin/streams"
	"tocsin/streams/event"
	"tocsin/streams/history"
)

// recorded is all that a backtest asks of a log: it has no way to write to one.
type recorded interface {
	Partitions(ctx context.Context, topic string) (int32, error)
	Bounds(ctx context.Context, topic string, partition int32) (first, next int64, err error)
	Read(topic string, partition int32, from int64) (streams.Reader, error)
}

// record is where a backtest reads what happened: the log, or history for what the log no longer has.
type record interface {
	name() string
	partitions(ctx context.Context) (int32, error)
	// facts hands on what a survey wants, in the order of the record.
	facts(ctx context.Context, partition int32, hear func(event.Envelope)) error
	// steps hands on the steps that hold, in their order, until there are no more or take fails.
	steps(ctx context.Context, partition int32, scope backtest.Scope, take func(*pastStep) error) error
	// size answers about how many inputs there are.
	size(ctx context.Context) (int64, error)
}

// pastStep is one step of the record.
type pastStep struct {
	closed  event.StepClosed
	inputs  []streams.Record // of its span, by offset; those of nobody in question may be missing
	decided []event.Envelope // the life of warnings, in their order
}

// lifeOfWarnings are the decisions that a backtest looks at.
var lifeOfWarnings = []event.Type{
	(*event.AlertRaised)(nil).Type(), (*event.AlertWorsened)(nil).Type(), (*event.AlertAccepted)(nil).Type(),
	(*event.AlertReturned)(nil).Type(), (*event.AlertEscalated)(nil).Type(), (*event.AlertClosed)(nil).Type(),
	(*event.AlertShelved)(nil).Type(), (*event.AlertJudged)(nil).Type(),
}

// recordedLog reads a log as far as it reached when reading began.
type recordedLog struct{ log recorded }

func (l recordedLog) name() string { return "log" }

func (l recordedLog) partitions(ctx context.Context) (int32, error) {
	return l.log.Partitions(ctx, streams.Inputs)
}

func (l recordedLog) size(ctx context.Context) (sum int64, err error) {
	n, err := l.partitions(ctx)
	for p := range n {
		_, end, err := l.log.Bounds(ctx, streams.Inputs, p)
		if err != nil {
			return 0, err
		}
		sum += end
	}
	return sum, err
}

// whole tells whether the log still has its beginning.
func (l recordedLog) whole(ctx context.Context) (bool, error) {
	n, err := l.partitions(ctx)
	if err != nil {
		return false, err
	}
	for p := range n {
		for _, topic := range []string{streams.Inputs, streams.Decisions} {
			first, _, err := l.log.Bounds(ctx, topic, p)
			if err != nil || first > 0 {
				return false, err
			}
		}
	}
	return true, nil
}

func (l recordedLog) facts(ctx context.Context, partition int32, hear func(event.Envelope)) error {
	in := tape{log: l.log, topic: streams.Inputs, partition: partition}
	defer in.close()
	_, end, err := l.log.Bounds(ctx, streams.Inputs, partition)
	for err == nil && in.next < end {
		var records []streams.Record
		if records, err = in.through(ctx, min(in.next+pageOfInputs, end)); err == nil {
			err = hearFacts(records, hear)
		}
	}
	return err
}

const pageOfInputs = 2000

func hearFacts(records []streams.Record, hear func(event.Envelope)) error {
	for _, r := range records {
		_, t, err := event.Attributes(r.Headers)
		if err != nil || !backtest.IsFact(t) {
			continue // what cannot be read was put aside live, and is no fact here either
		}
		in, err := streams.DecodeInput(r)
		if err != nil {
			return err
		}
		if in.Envelope != nil {
			hear(*in.Envelope)
		}
	}
	return nil
}

func (l recordedLog) steps(ctx context.Context, partition int32, _ backtest.Scope, take func(*pastStep) error) error {
	_, end, err := l.log.Bounds(ctx, streams.Decisions, partition)
	if err != nil {
		return err
	}
	in := tape{log: l.log, topic: streams.Inputs, partition: partition}
	defer in.close()
	out := tape{log: l.log, topic: streams.Decisions, partition: partition}
	defer out.close()
	rule := streams.NewSteps(streams.Beginning)
	rule.Raw(true)
	for out.next < end {
		records, err := out.through(ctx, min(out.next+pageOfInputs, end))
		if err != nil {
			return err
		}
		for _, r := range records {
			step, err := rule.Read(r)
			if err != nil {
				return err
			}
			if step == nil {
				continue
			}
			past, err := pastOf(ctx, step, &in)
			if err == nil {
				err = take(past)
			}
			if err != nil {
				return err
			}
		}
	}
	return nil
}

func pastOf(ctx context.Context, step *streams.Step, in *tape) (*pastStep, error) {
	past := &pastStep{closed: step.Close}
	for _, r := range step.Records {
		_, t, err := event.Attributes(r.Headers)
		if err != nil || !slices.Contains(lifeOfWarnings, t) {
			continue
		}
		e, err := event.Decode(r.Headers, r.Value)
		if err != nil {
			return nil, fmt.Errorf("decision at %s/%d %d: %w", r.Topic, r.Partition, r.Offset, err)
		}
		past.decided = append(past.decided, e)
	}
	var err error
	past.inputs, err = in.through(ctx, step.Close.Inputs.Next)
	return past, err
}

// tape reads one partition of a topic in order.
type tape struct {
	log       recorded
	topic     string
	partition int32
	next      int64 // the next to hand out
	buf       []streams.Record
	reader    streams.Reader
}

// through answers the records below next that have not been handed out.
func (t *tape) through(ctx context.Context, next int64) ([]streams.Record, error) {
	for t.next+int64(len(t.buf)) < next {
		if t.reader == nil {
			r, err := t.log.Read(t.topic, t.partition, t.next)
			if err != nil {
				return nil, fmt.Errorf("read %s/%d from %d: %w", t.topic, t.partition, t.next, err)
			}
			t.reader = r
		}
		more, err := t.reader.Next(ctx)
		if err != nil {
			return nil, fmt.Errorf("read %s/%d: %w", t.topic, t.partition, err)
		}
		t.buf = append(t.buf, more...)
	}
	n := max(next-t.next, 0)
	out := t.buf[:n:n]
	t.buf, t.next = t.buf[n:], t.next+n
	return out, nil
}

func (t *tape) close() {
	if t.reader != nil {
		_ = t.reader.Close() // a reader holds nothing that could be lost
		t.reader = nil
	}
}

// recordedHistory reads what ClickHouse keeps of the log, as far as it has come.
type recordedHistory struct{ h *history.History }

func (recordedHistory) name() string { return "history" }

func (l recordedHistory) partitions(ctx context.Context) (int32, error) {
	n, err := l.h.Partitions(ctx, streams.Inputs)
	if err == nil && n == 0 {
		err = errors.New("history holds nothing yet")
	}
	return n, err
}

func (l recordedHistory) size(ctx context.Context) (int64, error) {
	return l.h.Count(ctx, streams.Inputs)
}

func (l recordedHistory) facts(ctx context.Context, partition int32, hear func(event.Envelope)) error {
	return l.h.Each(ctx, history.Some{Topic: streams.Inputs, Partition: partition, Types: backtest.Facts()}, func(r streams.Record) error {
		return hearFacts([]streams.Record{r}, hear)
	})
}

// keysAtMost is how many patients are asked for by name; of more, everybody is read.
const keysAtMost = 2000

func (l recordedHistory) steps(ctx context.Context, partition int32, scope backtest.Scope, take func(*pastStep) error) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	var keys []string
	if len(scope.Patients) <= keysAtMost {
		keys = []string{event.Everyone}
		for p := range scope.Patients {
			keys = append(keys, p)
		}
		slices.Sort(keys)
	}
	inputs := l.pages(ctx, history.Some{Topic: streams.Inputs, Partition: partition, Keys: keys})
	decided := l.pages(ctx, history.Some{Topic: streams.Decisions, Partition: partition, Types: lifeOfWarnings, Held: true})
	return l.h.Each(ctx, history.Some{Topic: streams.Decisions, Partition: partition, Types: []event.Type{(*event.StepClosed)(nil).Type()}, Held: true}, func(r streams.Record) error {
		e, err := event.Decode(r.Headers, r.Value)
		if err != nil {
			return fmt.Errorf("step at %s/%d %d: %w", r.Topic, r.Partition, r.Offset, err)
		}
		c, ok := e.Data.(*event.StepClosed)
		if !ok {
			return fmt.Errorf("%s/%d %d is no step", r.Topic, r.Partition, r.Offset)
		}
		past := &pastStep{closed: *c}
		if past.inputs, err = inputs.below(c.Inputs.Next); err != nil {
			return err
		}
		records, err := decided.below(r.Offset)
		if err != nil {
			return err
		}
		for _, d := range records {
			e, err := event.Decode(d.Headers, d.Value)
			if err != nil {
				return fmt.Errorf("decision at %s/%d %d: %w", d.Topic, d.Partition, d.Offset, err)
			}
			past.decided = append(past.decided, e)
		}
		return take(past)
	})
}

// pages reads ahead of whoever takes what it reads.
type pages struct {
	rows  chan []streams.Record
	err   error // once rows is closed
	first []streams.Record
}

func (l recordedHistory) pages(ctx context.Context, s history.Some) *pages {
	p := &pages{rows: make(chan []streams.Record, 4)}
	go func() {
		defer close(p.rows)
		var page []streams.Record
		send := func() error {
			select {
			case p.rows <- page:
				page = nil
				return nil
			case <-ctx.Done():
				return ctx.Err()
			}
		}
		p.err = l.h.Each(ctx, s, func(r streams.Record) error {
			if page = append(page, r); len(page) < pageOfInputs {
				return nil
			}
			return send()
		})
		if p.err == nil && len(page) > 0 {
			p.err = send()
		}
	}()
	return p
}

// below answers what comes before an offset and has not been taken.
func (p *pages) below(offset int64) (all []streams.Record, err error) {
	for {
		for i, r := range p.first {
			if r.Offset >= offset {
				all = append(all, p.first[:i]...)
				p.first = p.first[i:]
				return all, nil
			}
		}
		all = append(all, p.first...)
		var ok bool
		if p.first, ok = <-p.rows; !ok {
			p.first = nil
			return all, p.err
		}
	}
}

package streams

import (
	"context"
	"fmt"
	"sync"
	"time"

	"tocsin/streams/event"
)

// life is one life, from the confirmed assignment to whatever ends it.
func (w *owner[S, F]) life(ctx context.Context) error {
	if w.base == nil {
		base, err := Restore(ctx, w.log, w.pair, w.partition, w.parts)
		if err != nil {
			return err
		}
		w.base, w.steps = base, NewSteps(base.At())
	}
	if err := w.member.Confirm(ctx, w.partition); err != nil {
		return fmt.Errorf("confirm the assignment: %w", err)
	}
	writer, err := w.log.Write(fmt.Sprintf("owner-%s-%d", w.pair.Decisions, w.partition))
	if err != nil {
		return fmt.Errorf("open a writer: %w", err)
	}
	defer func() { _ = writer.Close() }() // unconfirmed copies are dropped
	l := &life[S, F]{owner: w, name: w.o.Life(), writer: writer, failed: make(chan error, 1)}
	l.feed = newFeed(w.log, w.pair.Inputs, w.partition, w.base.Input())
	defer l.feed.close()
	if err := l.open(ctx); err != nil {
		return err
	}
	return l.live(ctx)
}

// life is an owner between its open and its end.
type life[S, F any] struct {
	*owner[S, F]
	name   string
	writer Writer
	failed chan error
	feed   *feed
	reader Reader
	rest   []Record // read with our open and not yet looked at

	proc    *Processor[S, F]
	clock   *OwnerClock
	queue   []Input
	sent    map[int64]time.Time // when each step in flight was closed
	began   time.Time           // when the step that is gathered took its first input
	look    *looked             // a look at the log's end which the fold has not reached yet
	looking bool
	blind   bool // the last look failed, and that was told
	behind  int64
}

// looked is the owner's clock as it was before the end of the inputs was asked for.
type looked struct {
	clock event.Time
	end   int64
	err   error
}

// open appends owner.open and reads the decisions until it is seen: all before it is settled.
func (l *life[S, F]) open(ctx context.Context) error {
	r, err := ToRecord(l.pair.Decisions, l.partition, PartitionKey(l.partition), event.Envelope{
		ID: "open." + l.name, Source: "owner/" + l.o.Name, Subject: PartitionKey(l.partition), At: l.o.Wall(), Life: l.name, After: -1,
		Data: &event.OwnerOpened{Life: l.name, Owner: l.o.Name, Version: l.o.Version}})
	if err != nil {
		return err
	}
	err = within(ctx, func(ctx context.Context) error { _, err := AppendWait(ctx, l.writer, r); return err })
	if err != nil {
		return fmt.Errorf("open a life: %w", err)
	}
	if l.reader, err = l.log.Read(l.pair.Decisions, l.partition, l.steps.Next()); err != nil {
		return fmt.Errorf("read back: %w", err)
	}
	for l.steps.Life() != l.name {
		var records []Record
		err := within(ctx, func(ctx context.Context) (err error) { records, err = l.reader.Next(ctx); return err })
		if err != nil {
			return fmt.Errorf("read back: %w", err)
		}
		for i, r := range records {
			if err := l.settle(ctx, r); err != nil {
				return err
			}
			if l.steps.Life() == l.name {
				l.rest = records[i+1:]
				break
			}
		}
	}
	return nil
}

// within gives one wait for the log its time. There is none for all of them together: what is to be settled may be hours
// of work, and a life that is cut short begins it anew.
func within(ctx context.Context, wait func(context.Context) error) error {
	ctx, cancel := context.WithTimeout(ctx, confirmWithin)
	defer cancel()
	return wait(ctx)
}

// settle applies what another life, or an earlier one of ours, has left.
func (l *life[S, F]) settle(ctx context.Context, r Record) error {
	step, err := l.steps.Read(r)
	if err != nil || step == nil {
		return err
	}
	var inputs []Input
	err = within(ctx, func(ctx context.Context) (err error) {
		inputs, err = l.feed.through(ctx, step.Close.Inputs.Next)
		return err
	})
	if err == nil {
		_, err = l.base.Apply(step, inputs)
	}
	if err != nil {
		return fmt.Errorf("settle step %d: %w: %w", step.Number, errDoubt, err)
	}
	return nil
}

// live decides until the life ends. When ctx ends it stops in order: what is in flight is waited for, and a round of
// checkpoints is written.
func (l *life[S, F]) live(ctx context.Context) error {
	defer func() { _ = l.reader.Close() }()
	l.proc = NewProcessor(l.parts, l.base, l.name)
	l.proc.OnPanic = func(machine string, cause error, stack []byte) {
		l.o.Logger.Error("a core panicked and is fenced", "machine", machine, "partition", l.partition, "err", cause, "stack", string(stack))
	}
	began := time.Now()
	l.clock = NewOwnerClock(l.o.Wall, func() time.Duration { return time.Since(began) }, l.base.Clock())
	l.sent = map[int64]time.Time{}
	l.steps.Raw(true)
	defer l.steps.Raw(false)
	inner, cancel := context.WithCancel(context.WithoutCancel(ctx))
	var pumps sync.WaitGroup
	defer pumps.Wait()
	defer cancel()
	inputs, decisions, looks := make(chan []Input, 2), make(chan []Record, 4), make(chan looked, 1)
	pumps.Go(func() { l.pumpInputs(inner, inputs) })
	pumps.Go(func() { l.pumpDecisions(inner, decisions) })
	l.o.OnLife(l.partition, true)
	defer l.o.OnLife(l.partition, false)
	l.o.Logger.Info("a life began", "topic", l.pair.Decisions, "partition", l.partition, "life", l.name, "step", l.base.At().Number, "input", l.base.Input(), "subjects", l.base.Len())
	return l.loop(ctx, inner, inputs, decisions, looks, &pumps)
}

func (l *life[S, F]) loop(ctx, inner context.Context, inputs <-chan []Input, decisions <-chan []Record, looks chan looked, pumps *sync.WaitGroup) error {
	look := time.NewTicker(lookEvery)
	defer look.Stop()
	firstRound := time.NewTimer(30 * time.Second) // soon after taking over
	defer firstRound.Stop()
	rounds := time.NewTicker(l.o.CheckpointEvery)
	defer rounds.Stop()
	gather := time.NewTimer(time.Hour)
	defer gather.Stop()
	for {
		taking := inputs
		if len(l.queue) >= queuedInputs {
			taking = nil
		}
		select {
		case <-ctx.Done():
			return l.stop(inner, decisions)
		case err := <-l.failed:
			return err
		case batch := <-taking:
			l.queue = append(l.queue, batch...)
		case records := <-decisions:
			if err := l.confirm(records); err != nil {
				return err
			}
		case at := <-looks:
			l.looked(at)
		case <-look.C:
			l.lookAround(inner, looks, pumps)
			if err := l.stalled(); err != nil {
				return err
			}
		case <-firstRound.C:
			l.checkpoint(inner, pumps)
		case <-rounds.C:
			l.checkpoint(inner, pumps)
		case <-gather.C:
		}
		if err := l.advance(inner); err != nil {
			return err
		}
		if !l.proc.Empty() {
			gather.Reset(gatherFor)
		}
	}
}

// lookAround takes the owner's clock and then asks for the end of the inputs: when the fold has reached that end, the
// partition's clock may go to that moment, and not before.
func (l *life[S, F]) lookAround(ctx context.Context, looks chan<- looked, pumps *sync.WaitGroup) {
	if l.looking || l.look != nil {
		return
	}
	l.looking = true
	at := looked{clock: l.clock.Now()}
	pumps.Go(func() {
		_, at.end, at.err = l.log.Bounds(ctx, l.pair.Inputs, l.partition)
		looks <- at
	})
}

// looked takes in what a look has found. One that fails is told once: until the next that does not, only inputs move the
// partition's clock.
func (l *life[S, F]) looked(at looked) {
	l.looking = false
	if at.err == nil {
		l.look, l.behind, l.blind = &at, at.end-l.proc.NextInput(), false
		return
	}
	if !l.blind {
		l.o.Logger.Warn("the end of the inputs cannot be asked for; deadlines wait for the next input", "topic", l.pair.Inputs, "partition", l.partition, "err", at.err)
	}
	l.blind = true
}

// advance folds what has come, looks at what is due, and closes a step when it is time to.
func (l *life[S, F]) advance(ctx context.Context) error {
	for {
		for len(l.queue) > 0 && !l.proc.Full() && l.proc.InFlight() < maxInFlight {
			if err := l.take(ctx, l.queue[0]); err != nil {
				return err
			}
			l.queue = l.queue[1:]
		}
		if l.look != nil && l.proc.NextInput() >= l.look.end {
			l.proc.Tick(l.look.clock)
			l.look = nil
		}
		if !l.timeToClose() {
			return nil
		}
		if err := l.closeStep(); err != nil {
			return err
		}
	}
}

// timeToClose: a step is closed at once when none is in flight; otherwise more is gathered for a moment.
func (l *life[S, F]) timeToClose() bool {
	if l.proc.Empty() || l.proc.InFlight() >= maxInFlight {
		return false
	}
	return l.proc.InFlight() == 0 || l.proc.Full() || time.Since(l.began) >= gatherFor
}

// take folds one input at its moment: the earlier of when it was received and the owner's present.
func (l *life[S, F]) take(ctx context.Context, in Input) error {
	if l.proc.Empty() {
		l.began = time.Now()
	}
	now := l.clock.Now()
	if in.Envelope == nil {
		if err := l.reject(ctx, in, now); err != nil {
			return err
		}
		l.proc.Input(in.Offset, in.Key, nil, in.Why, now)
		return nil
	}
	if d, ok := in.Envelope.Data.(*event.DoorOpened); ok {
		if from, to, followed := l.clock.Agree(d.ReceivedAt); followed {
			l.proc.Technical(event.TechnicalFault{Kind: KindClockLeap, Offset: -1, From: &from, To: &to,
				Detail: fmt.Sprintf("the host's clock leapt forward by %s and door %s agrees; deadlines follow it: check the host's time service", to.Sub(from), d.Door)}, from)
			now = to
		}
	}
	l.proc.Input(in.Offset, in.Key, in.Envelope, nil, min(in.Envelope.At, now))
	return nil
}

// closeStep ends the step and hands its records to the log.
func (l *life[S, F]) closeStep() error {
	w, err := l.proc.CloseStep()
	if err != nil {
		return err
	}
	l.sent[w.Number] = time.Now()
	for _, r := range w.Records {
		l.writer.Append(r, func(_ int64, err error) {
			if err != nil {
				select {
				case l.failed <- fmt.Errorf("append step %d: %w", w.Number, err):
				default: // the life is ending already
				}
			}
		})
	}
	return nil
}

// confirm takes in what our own reader sees: our steps as they hold, or that this life is over.
func (l *life[S, F]) confirm(records []Record) error {
	for _, r := range records {
		void := l.steps.Void()
		step, err := l.steps.Read(r)
		switch {
		case err != nil:
			return err
		case l.steps.Life() != l.name:
			return errTaken
		case step != nil:
			if err := l.proc.Confirm(step); err != nil {
				return fmt.Errorf("%w: %w", errDoubt, err)
			}
			l.told(step)
		case l.steps.Void() > void && l.ours(r):
			return errVoid
		}
	}
	return nil
}

// ours tells whether a void record is of this life.
func (l *life[S, F]) ours(r Record) bool {
	e, _, err := event.Attributes(r.Headers)
	return err == nil && e.Life == l.name
}

func (l *life[S, F]) told(step *Step) {
	took := time.Since(l.sent[step.Number])
	delete(l.sent, step.Number)
	l.member.Commit(l.partition, l.base.Input())
	l.o.OnStep(StepStats{Partition: l.partition, Inputs: int(step.Close.Inputs.Next - step.Close.Inputs.From), Events: step.Close.Count,
		Repeats: step.Close.Repeats, Void: l.steps.Void(), Behind: max(l.behind, 0), Took: took})
}

// stalled ends a life whose steps are neither seen nor refused: something between us and the log is stuck.
func (l *life[S, F]) stalled() error {
	for n, at := range l.sent {
		if time.Since(at) > confirmWithin {
			return fmt.Errorf("step %d, %s old: %w", n, time.Since(at).Round(time.Second), errStalled)
		}
	}
	return nil
}

// stop ends in order: nothing more is taken, what is in flight is waited for, and a round is written.
func (l *life[S, F]) stop(ctx context.Context, decisions <-chan []Record) error {
	ctx, cancel := context.WithTimeout(ctx, stopWithin)
	defer cancel()
	for l.proc.InFlight() > 0 {
		select {
		case records := <-decisions:
			if err := l.confirm(records); err != nil {
				return err
			}
		case err := <-l.failed:
			return err
		case <-ctx.Done():
			return fmt.Errorf("stop: %w", errStalled)
		}
	}
	if l.base.At().Number == 0 {
		return nil
	}
	if err := l.writeRound(ctx, l.base.freeze(), l.clock.Now()); err != nil {
		l.o.Logger.Warn("checkpoint at stop", "partition", l.partition, "err", err)
	}
	return nil
}

// checkpoint writes a round from what is confirmed now, beside the work.
func (l *life[S, F]) checkpoint(ctx context.Context, pumps *sync.WaitGroup) {
	if l.base.At().Number == 0 {
		return
	}
	frozen, now := l.base.freeze(), l.clock.Now()
	pumps.Go(func() {
		if err := l.writeRound(ctx, frozen, now); err != nil && ctx.Err() == nil {
			l.o.Logger.Warn("checkpoint", "partition", l.partition, "topic", l.pair.Checkpoints, "err", err)
		}
	})
}

func (l *life[S, F]) writeRound(ctx context.Context, frozen round[S, F], now event.Time) error {
	writer, err := l.log.Write(fmt.Sprintf("checkpoint-%s-%d", l.pair.Decisions, l.partition))
	if err != nil {
		return err
	}
	defer func() { _ = writer.Close() }() // a round without its end does not count
	return frozen.write(ctx, writer, now)
}

package streams

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"tocsin/streams/event"
)

// OwnerOptions is what an owner needs beside the log and its machine.
type OwnerOptions struct {
	Name    string // which process, for people
	Version string
	Logger  *slog.Logger
	Wall    func() event.Time // nil: the host's
	Life    func() string     // makes a fresh life; nil: random

	CheckpointEvery time.Duration // 0: an hour
	// OnLife hears when a life of a partition has taken over (alive), and when it has ended.
	OnLife func(partition int32, alive bool)
	// OnStep hears of each step that was confirmed, from the owner's goroutine: for metrics.
	OnStep func(StepStats)
}

// StepStats is what metrics want to know of a confirmed step.
type StepStats struct {
	Partition int32
	Inputs    int
	Events    int
	Repeats   int
	Void      int64 // records passed over by the rule of reading, since the start
	Behind    int64 // inputs in the log that are not yet folded, as far as is known
	Took      time.Duration
}

const (
	maxInFlight   = 4
	gatherFor     = 5 * time.Millisecond
	lookEvery     = 200 * time.Millisecond
	stopWithin    = 4 * time.Second
	confirmWithin = 20 * time.Second
	queuedInputs  = 4 * maxInputsPerStep
)

// Why a life ends. None of them loses anything: the next life goes on from the last step that holds.
var (
	errTaken   = errors.New("another life was opened on the partition")
	errVoid    = errors.New("a step of this life is void")
	errStalled = errors.New("no confirmation came in time")
	// errDoubt: what is in memory may not be what the log says. It is folded anew.
	errDoubt = errors.New("the states in memory are given up")
)

// RunOwner is a member of the pair's group and owns the partitions that the group gives it, until ctx ends. It returns
// an error only for what no new life can mend: records that are newer than this program, or a log that has lost its beginning.
func RunOwner[S, F any](ctx context.Context, log Log, pair Pair, parts Parts[S, F], o OwnerOptions) error {
	o = o.withDefaults()
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	owned := map[int32]*tenure{}
	defer func() {
		for _, t := range owned {
			t.stop()
		}
		for _, t := range owned {
			<-t.ended
		}
	}()
	for ctx.Err() == nil {
		member, err := log.Join(pair.Group, pair.Inputs)
		if err != nil {
			o.Logger.Warn("join group", "group", pair.Group, "err", err)
			pause(ctx, time.Second)
			continue
		}
		err = share(ctx, member, owned, func(p int32) *tenure {
			return startTenure(ctx, func(ctx context.Context) {
				own := &owner[S, F]{log: log, pair: pair, parts: parts, partition: p, member: member, o: o}
				if err := own.run(ctx); err != nil {
					cancel(fmt.Errorf("own %s/%d: %w", pair.Decisions, p, err))
				}
			})
		})
		if cerr := member.Close(); cerr != nil && ctx.Err() == nil {
			o.Logger.Warn("leave group", "group", pair.Group, "err", cerr)
		}
		if ctx.Err() == nil {
			o.Logger.Warn("membership ended, joining again", "group", pair.Group, "err", err)
			pause(ctx, 500*time.Millisecond)
		}
	}
	if cause := context.Cause(ctx); !errors.Is(cause, context.Canceled) {
		return cause
	}
	return nil
}

func (o OwnerOptions) withDefaults() OwnerOptions {
	if o.Wall == nil {
		o.Wall = func() event.Time { return event.TimeOf(time.Now()) }
	}
	if o.Life == nil {
		o.Life = rand.Text
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	if o.CheckpointEvery == 0 {
		o.CheckpointEvery = time.Hour
	}
	if o.OnLife == nil {
		o.OnLife = func(int32, bool) {}
	}
	if o.OnStep == nil {
		o.OnStep = func(StepStats) {}
	}
	return o
}

// tenure is one partition in our hands.
type tenure struct {
	stop  context.CancelFunc
	ended chan struct{}
}

func startTenure(ctx context.Context, run func(context.Context)) *tenure {
	ctx, stop := context.WithCancel(ctx)
	t := &tenure{stop: stop, ended: make(chan struct{})}
	go func() {
		defer close(t.ended)
		defer stop()
		run(ctx)
	}()
	return t
}

// share follows what the group gives and takes. A partition is let go before the change is acknowledged. It ends with
// all of them let go: a membership that failed owns nothing.
func share(ctx context.Context, member Membership, owned map[int32]*tenure, start func(int32) *tenure) error {
	defer letGo(owned, nil)
	for {
		a, err := member.Next(ctx)
		if err != nil {
			return err
		}
		letGo(owned, a.Partitions)
		if a.Ack != nil {
			a.Ack()
		}
		for _, p := range a.Partitions {
			if owned[p] == nil {
				owned[p] = start(p)
			}
		}
	}
}

// letGo ends the tenures that are not in keep, side by side, and waits for them.
func letGo(owned map[int32]*tenure, keep []int32) {
	var gone []*tenure
	kept := map[int32]bool{}
	for _, p := range keep {
		kept[p] = true
	}
	for p, t := range owned {
		if !kept[p] {
			t.stop()
			gone = append(gone, t)
			delete(owned, p)
		}
	}
	for _, t := range gone {
		<-t.ended
	}
}

// owner is one partition in the hands of this process: life after life, until it is taken away.
type owner[S, F any] struct {
	log       Log
	pair      Pair
	parts     Parts[S, F]
	partition int32
	member    Membership
	o         OwnerOptions

	base  *Replica[S, F]
	steps *Steps
}

// run lives until ctx ends. After a life has ended, the next begins a little later, under a confirmed assignment.
func (w *owner[S, F]) run(ctx context.Context) error {
	wait := 50 * time.Millisecond
	for ctx.Err() == nil {
		began := time.Now()
		err := w.life(ctx)
		switch {
		case ctx.Err() != nil:
			return nil
		case errors.Is(err, event.ErrNewer), errors.Is(err, ErrTrimmed), errors.Is(err, ErrBeyond):
			return err
		}
		if time.Since(began) > 10*time.Second {
			wait = 50 * time.Millisecond
		}
		w.o.Logger.Warn("a life ended", "topic", w.pair.Decisions, "partition", w.partition, "err", err, "again_in", wait)
		if errors.Is(err, errDoubt) {
			w.base, w.steps = nil, nil
		}
		pause(ctx, wait)
		wait = min(2*wait, 2*time.Second)
	}
	return nil
}

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

func pause(ctx context.Context, d time.Duration) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
	case <-t.C:
	}
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
		ID: "open." + l.name, Source: "owner/" + l.o.Name, Subject: PartitionKey(l.partition), At: l.o.Wall(),
		Data: &event.OwnerOpened{Life: l.name, Owner: l.o.Name, Version: l.o.Version}})
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, confirmWithin)
	defer cancel()
	if _, err := AppendWait(ctx, l.writer, r); err != nil {
		return fmt.Errorf("open a life: %w", err)
	}
	if l.reader, err = l.log.Read(l.pair.Decisions, l.partition, l.steps.Next()); err != nil {
		return fmt.Errorf("read back: %w", err)
	}
	for l.steps.Life() != l.name {
		records, err := l.reader.Next(ctx)
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

// settle applies what another life, or an earlier one of ours, has left.
func (l *life[S, F]) settle(ctx context.Context, r Record) error {
	step, err := l.steps.Read(r)
	if err != nil || step == nil {
		return err
	}
	inputs, err := l.feed.through(ctx, step.Close.Inputs.Next)
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
			l.looking = false
			if at.err == nil {
				l.look, l.behind = &at, at.end-l.proc.NextInput()
			}
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

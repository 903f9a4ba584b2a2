package streams

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
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

func pause(ctx context.Context, d time.Duration) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
	case <-t.C:
	}
}

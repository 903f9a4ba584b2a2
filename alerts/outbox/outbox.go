// Package outbox tells machines of others (a hospital's information system, an integration engine, another program) what becomes of
// warnings: each event once it holds in `decisions`, in order, numbered without a hole for each subscriber and partition.
//
//	settings.go   who is told, of what, and how they are reached
//	ledger.go     the fold of the topic outbox: how far each subscriber has got
//	life.go       who writes a partition of outbox, by the rule of lives and steps
//	source.go     decisions from a position on: from the log, and from history where the log is trimmed
//	stream.go     one subscriber in one partition: look, write down, go on; deliver.go: send; trouble.go: when it does not go on
//	consent.go    what is not told, because the patient does not agree to it
//	warnings.go   what is open, as subscribers are told of it
//	cloudevents.go, fhir.go, r40.go   the forms; http.go, mllp.go the ways
//	status.go     how far everybody is, for operators
//
// A message is written to the log, with its number, its id and its bytes, before it is sent for the first time. So at every try, after
// a crash and on another node, it is the same. The next is sent only when the one before was taken (2xx, or AA of HL7) or an
// operator passed it over, which is a fact in the log. A stream that stands still never gives up and never jumps; it raises a technical
// warning. Who takes a partition over begins where the log says, so the first coming of each number is in order, whoever sends: a repeat
// may still come from the one before, under its old number and id.
//
// Nothing is sent of a patient who does not agree to it (SEC-4): see consent.go for what a subscriber hears then.
//
// Numbers are for each partition, since partitions have no order among each other; one patient is always in one partition.
package outbox

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"tocsin/streams"
	"tocsin/streams/event"
)

// group is what the notifiers' processes join to share out the partitions of the outbox.
const group = "tocsin-outbox"

// Options is what an outbox needs. Log, Edge, Name, Subscribers, Start, Groups and Shares are required.
type Options struct {
	Log         streams.Log
	Past        Past   // history; nil: there is none
	Edge        Edge   // by which faults are reported
	Name        string // of this process, for people
	Subscribers []Setting
	Start       Start
	Groups      func(tenant, patient string) []string        // as of now
	Shares      func(tenant, patient, purpose string) Shares // as of now
	Logger      *slog.Logger
	Registry    *prometheus.Registry

	tune tuning
}

// Edge writes to the log.
type Edge interface {
	Name() string
	Append(topic, key string, env event.Envelope, done func(partition int32, offset int64, err error))
}

// Past answers records of a topic as they lay in the log, at most limit from an offset on; the history has them where the log is trimmed.
type Past interface {
	Records(ctx context.Context, topic string, partition int32, from int64, limit int) ([]streams.Record, error)
}

// tuning is what tests change.
type tuning struct {
	now   func() time.Time
	wait  func(ctx context.Context, d time.Duration, wake <-chan struct{}) // until d is over, ctx ends or wake is closed
	first time.Duration                                                    // wait after the first failure
	pause time.Duration                                                    // between lives that fail
}

func (t tuning) orDefault() tuning {
	if t.now == nil {
		t.now = time.Now
	}
	if t.wait == nil {
		t.wait = wait
	}
	if t.first == 0 {
		t.first = time.Second
	}
	if t.pause == 0 {
		t.pause = 2 * time.Second
	}
	return t
}

func wait(ctx context.Context, d time.Duration, wake <-chan struct{}) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
	case <-wake:
	case <-timer.C:
	}
}

// Outbox serves the subscribers of the partitions that the group gives to this process.
type Outbox struct {
	o           Options
	tune        tuning
	subscribers []*subscriber
	metrics     *metrics
	log         *slog.Logger
}

// New makes an outbox.
func New(o Options) (*Outbox, error) {
	if o.Log == nil || o.Edge == nil || o.Name == "" || o.Start == nil || o.Groups == nil || o.Shares == nil {
		return nil, errors.New("outbox: Log, Edge, Name, Start, Groups and Shares are required")
	}
	subscribers, faults := open(o.Subscribers)
	if len(faults) > 0 {
		return nil, fmt.Errorf("outbox: %w", errors.Join(faults...))
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	b := &Outbox{o: o, tune: o.tune.orDefault(), subscribers: subscribers, log: o.Logger}
	var err error
	if b.metrics, err = newMetrics(o.Registry, subscribers); err != nil {
		return nil, fmt.Errorf("outbox: %w", err)
	}
	return b, nil
}

// Run serves until ctx ends, over every error but one: what a newer program has written ends it.
func (b *Outbox) Run(ctx context.Context) error {
	defer func() {
		for _, s := range b.subscribers {
			s.target.close()
		}
	}()
	err := streams.KeepOn(ctx, func(ctx context.Context) (bool, error) {
		began := time.Now()
		err := b.member(ctx)
		return time.Since(began) > time.Minute, err
	}, func(err error, again time.Duration) {
		b.log.Warn("the outbox left its group and joins again", "wait", again, streams.KeyErr, err)
	}, event.ErrNewer)
	if ctx.Err() != nil {
		return nil
	}
	return fmt.Errorf("outbox: %w", err)
}

// member is one stay in the group. What is no longer ours has stopped before the group hears that it may go to others.
func (b *Outbox) member(ctx context.Context) error {
	m, err := b.o.Log.Join(group, streams.Outbox)
	if err != nil {
		return err
	}
	own, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	work := parts{b: b, member: m, running: map[int32]*part{}, fatal: stop}
	for err == nil {
		var a streams.Assignment
		if a, err = m.Next(own); err == nil {
			work.become(own, a.Partitions)
			if a.Ack != nil {
				a.Ack()
			}
		}
	}
	work.become(own, nil)
	if why := context.Cause(own); why != nil {
		err = why
	}
	return errors.Join(err, m.Close())
}

// parts are the partitions that are served here.
type parts struct {
	b       *Outbox
	member  streams.Membership
	running map[int32]*part
	fatal   func(error)
}

type part struct {
	stop context.CancelFunc
	done sync.WaitGroup
}

// become stops what is not in partitions and starts what is new there.
func (p *parts) become(ctx context.Context, partitions []int32) {
	var leaving []*part
	for n, one := range p.running {
		if !slices.Contains(partitions, n) {
			one.stop()
			leaving = append(leaving, one)
			delete(p.running, n)
		}
	}
	for _, one := range leaving {
		one.done.Wait()
	}
	for _, n := range partitions {
		if p.running[n] != nil {
			continue
		}
		one := new(part)
		var own context.Context
		own, one.stop = context.WithCancel(ctx)
		one.done.Go(func() { p.serve(own, n) })
		p.running[n] = one
	}
}

// serve takes up a partition again and again, until ctx ends.
func (p *parts) serve(ctx context.Context, n int32) {
	for ctx.Err() == nil {
		err := p.b.live(ctx, p.member, n)
		switch {
		case ctx.Err() != nil:
			return
		case errors.Is(err, event.ErrNewer):
			p.fatal(err)
			return
		case !errors.Is(err, streams.ErrNotOurs):
			p.b.log.Warn("the outbox of a partition broke off and is taken up again", streams.KeyPartition, n, streams.KeyErr, err)
		}
		wait(ctx, p.b.tune.pause, nil)
	}
}

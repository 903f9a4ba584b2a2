package history

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
)

// group is what sinks join to share out the partitions of history-ranges.
const group = "tocsin-history"

// SinkOptions says how a sink copies; Log, History and Name are required.
type SinkOptions struct {
	Log     streams.Log
	History *History
	Name    string // of this process, for people
	// Linger is how long a record that people look at waits for company; by default 2 s.
	Linger time.Duration
	// Idle is how long the rest waits; by default a minute.
	Idle time.Duration
	// MaxRecords is how many records go into one insert, a few more where a step is long; by default 10,000.
	MaxRecords int
	Registry   prometheus.Registerer
	Logger     *slog.Logger

	mostPause time.Duration // in tests
}

// maxBytes is about how much goes into one insert, and atOnce how many are made side by side, whatever there is to catch up
// with: history may take its time, and the memory belongs to the warnings.
const (
	maxBytes = 4 << 20
	atOnce   = 2
)

// How long a sink waits before it takes a partition up again after a fault: at first, and at most after many in a row.
// After a long stay in the group what went wrong before is forgotten.
const (
	firstPause = 500 * time.Millisecond
	mostPause  = 15 * time.Second
	longStay   = time.Minute
)

// RunSink copies the partitions that the group gives to this process, until ctx ends. A ClickHouse that is down is
// waited for; the records wait in the log, and nobody else waits for anything.
func RunSink(ctx context.Context, o SinkOptions) error {
	s, err := newSink(o)
	if err != nil {
		return fmt.Errorf("history sink: %w", err)
	}
	pause := firstPause
	for {
		began := time.Now()
		err := s.member(ctx)
		if ctx.Err() != nil {
			return nil
		}
		if time.Since(began) > longStay {
			pause = firstPause
		}
		s.log.Warn("history sink left its group and joins again", "err", err)
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(min(pause, s.mostPause)):
		}
		pause = min(2*pause, s.mostPause)
	}
}

// sink is what the copying of all partitions shares.
type sink struct {
	SinkOptions
	n       int32 // partitions of the patients' pair
	log     *slog.Logger
	metrics *metrics
	turn    chan struct{} // has room for atOnce

	mu       sync.Mutex
	migrated bool // since the last fault
}

// migrate brings the tables up to date, once for all partitions that begin together.
func (s *sink) migrate(ctx context.Context) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.migrated {
		return nil
	}
	err := s.History.Migrate(ctx, s.n)
	s.migrated = err == nil
	return err
}

// doubt lets the tables be looked at again: a fault may mean that they are gone.
func (s *sink) doubt() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.migrated = false
}

func newSink(o SinkOptions) (*sink, error) {
	if o.Linger == 0 {
		o.Linger = 2 * time.Second
	}
	if o.Idle == 0 {
		o.Idle = time.Minute
	}
	if o.MaxRecords == 0 {
		o.MaxRecords = 10_000
	}
	if o.mostPause == 0 {
		o.mostPause = mostPause
	}
	if o.Logger == nil {
		o.Logger = slog.Default()
	}
	m, err := newMetrics(o.Registry)
	return &sink{SinkOptions: o, log: o.Logger, metrics: m, turn: make(chan struct{}, atOnce)}, err
}

// member is one stay in the group. What is no longer ours has stopped before the group hears that it may go to others.
func (s *sink) member(ctx context.Context) error {
	all, err := s.Log.Partitions(ctx, streams.HistoryRanges)
	if err != nil {
		return err
	}
	s.n = all - 1
	m, err := s.Log.Join(group, streams.HistoryRanges)
	if err != nil {
		return err
	}
	work := copies{sink: s, member: m, running: map[int32]*copying{}}
	for err == nil {
		var a streams.Assignment
		if a, err = m.Next(ctx); err == nil {
			work.become(ctx, a.Partitions)
			if a.Ack != nil {
				a.Ack()
			}
		}
	}
	work.become(ctx, nil)
	return errors.Join(err, m.Close())
}

// copies are the partitions that are being copied.
type copies struct {
	sink    *sink
	member  streams.Membership
	running map[int32]*copying
}

type copying struct {
	stop context.CancelFunc
	done sync.WaitGroup
}

// become stops what is not in partitions and starts what is new there.
func (c *copies) become(ctx context.Context, partitions []int32) {
	for p, one := range c.running {
		if !slices.Contains(partitions, p) {
			one.stop()
			one.done.Wait()
			delete(c.running, p)
		}
	}
	for _, p := range partitions {
		if c.running[p] != nil {
			continue
		}
		one := new(copying)
		var own context.Context
		own, one.stop = context.WithCancel(ctx)
		one.done.Go(func() { c.sink.copy(own, c.member, p) })
		c.running[p] = one
	}
}

// copy takes up a partition again and again, until ctx ends.
func (s *sink) copy(ctx context.Context, m streams.Membership, p int32) {
	pause := firstPause
	for {
		began := time.Now()
		stored, err := s.live(ctx, m, p)
		if ctx.Err() != nil {
			return
		}
		if errors.Is(err, streams.ErrNotOurs) {
			s.log.Debug("history of a partition waits until the group has settled", "partition", p, "err", err)
		} else {
			s.metrics.lives.Inc()
			s.doubt()
			s.log.Warn("history of a partition broke off and is taken up again", "partition", p, "err", err, "took", time.Since(began))
		}
		if stored > 0 {
			pause = firstPause
		}
		select {
		case <-ctx.Done():
			return
		case <-time.After(min(pause, s.mostPause)):
		}
		pause = min(2*pause, s.mostPause)
	}
}

package deploy

import (
	"context"
	"errors"
	"hash/fnv"
	"runtime"
	"sync"

	"tocsin/alerts"
	"tocsin/care"
	"tocsin/rules"
	"tocsin/rules/backtest"
	"tocsin/rules/pack"
	"tocsin/streams"
	"tocsin/streams/event"
)

// backtestJob is a backtest with everything that has been decided about it.
type backtestJob struct {
	record  record
	scope   backtest.Scope
	swaps   [2]*backtest.Swap // against, candidate
	setting backtest.Setting
	warmup  event.Time                  // readings folded earlier are passed over; zero: none
	size    int64                       // inputs of the record, about
	rest    func(context.Context) error // between steps; nil: none
	cores   int                         // 0: all
	told    func(inputs int64)
}

// backtestGC lets the heap grow to five times what is alive: a backtest makes much that is soon forgotten, keeps little, and is
// over after a while.
const backtestGC = 400

// run folds the whole record and answers the report. It is the same however many cores there are.
func (j *backtestJob) run(ctx context.Context) (*backtest.Report, error) {
	n, err := j.record.partitions(ctx)
	if err != nil {
		return nil, err
	}
	cores := j.cores
	if cores == 0 {
		cores = runtime.GOMAXPROCS(0)
	}
	atOnce := min(int(n), cores)
	perPartition := (cores + atOnce - 1) / atOnce
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	compile := pack.Remembering()
	shards := make([][]*backtest.Shard, n)
	turn := make(chan struct{}, atOnce)
	var all sync.WaitGroup
	for p := range n {
		all.Go(func() {
			turn <- struct{}{}
			defer func() { <-turn }()
			for range perPartition {
				shards[p] = append(shards[p], j.shard(p, compile))
			}
			if err := j.partition(ctx, p, shards[p]); err != nil {
				cancel(err)
			}
		})
	}
	all.Wait()
	if err := context.Cause(ctx); err != nil {
		return nil, err
	}
	var flat []*backtest.Shard
	for _, s := range shards {
		flat = append(flat, s...)
	}
	return backtest.Sum(j.setting, j.scope.Groups, flat), nil
}

// shard makes both sides, each under the functions of live.
func (j *backtestJob) shard(partition int32, compile func(string) (*rules.Pack, error)) *backtest.Shard {
	s := backtest.NewShard(j.setting.Span, j.scope, j.swaps[:]...)
	for _, side := range s.Sides {
		side.Use(streams.NewWhatIf(patientPartsWith(compile, new(rules.Room)), partition, side.Hear))
	}
	return s
}

// errOver ends reading: the span has.
var errOver = errors.New("the span has ended")

// partition reads one partition and hands each step to all of its shards.
func (j *backtestJob) partition(ctx context.Context, p int32, shards []*backtest.Shard) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	queues := make([]chan *pastStep, len(shards))
	var all sync.WaitGroup
	for k := range shards {
		queues[k] = make(chan *pastStep, 16)
		all.Go(func() {
			w := shardWorker{keys: map[string]*shardKey{}, job: j, shard: shards[k], k: uint32(k), of: uint32(len(shards))}
			for past := range queues[k] {
				err := w.step(past)
				if err == nil && j.rest != nil {
					err = j.rest(ctx)
				}
				if err != nil {
					cancel(err)
					return
				}
			}
		})
	}
	err := j.record.steps(ctx, p, j.scope, func(past *pastStep) error {
		for _, q := range queues {
			select {
			case q <- past:
			case <-ctx.Done():
				return context.Cause(ctx)
			}
		}
		if j.told != nil {
			j.told(past.closed.Inputs.Next - past.closed.Inputs.From)
		}
		if past.closed.Clock >= j.setting.Span.To {
			return errOver
		}
		return nil
	})
	for _, q := range queues {
		close(q)
	}
	all.Wait()
	if cause := context.Cause(ctx); cause != nil {
		return cause
	}
	if errors.Is(err, errOver) {
		return nil
	}
	return err
}

// shardWorker takes steps apart for one shard: it decodes what is of its patients, or of everyone.
type shardWorker struct {
	job    *backtestJob
	shard  *backtest.Shard
	k, of  uint32
	reader event.Reader

	keys map[string]*shardKey
	last *shardKey // of the record before
}

// shardKey is what a worker knows of a key.
type shardKey struct {
	key, device string
	wanted      bool // it is of this shard, or of everyone
}

func (w *shardWorker) keyOf(key []byte) *shardKey {
	if w.last != nil && w.last.key == string(key) {
		return w.last
	}
	k := w.keys[string(key)]
	if k == nil {
		k = &shardKey{key: string(key)}
		k.wanted = k.key == event.Everyone || w.mine(k.key)
		w.keys[k.key] = k
	}
	w.last = k
	return k
}

var observation = (*event.ObservationRecorded)(nil).Type()

func (w *shardWorker) step(past *pastStep) error {
	inputs, decided := past.inputs, past.decided
	for _, run := range past.closed.Runs {
		at := event.Time(0)
		for i, ms := range run.NowMs {
			at += event.Time(ms)
			if run.From == run.Next {
				w.shard.Take(backtest.Turn{At: at})
				continue
			}
			offset := run.From + int64(i)
			for len(decided) > 0 && decided[0].After < offset {
				w.happened(decided[0])
				decided = decided[1:]
			}
			turn := backtest.Turn{At: at}
			for len(inputs) > 0 && inputs[0].Offset < offset {
				inputs = inputs[1:]
			}
			if len(inputs) > 0 && inputs[0].Offset == offset {
				e, err := w.decode(inputs[0], at)
				if err != nil {
					return err
				}
				turn.Input = e
			}
			w.shard.Take(turn)
		}
	}
	for _, e := range decided {
		w.happened(e)
	}
	return nil
}

func (w *shardWorker) happened(e event.Envelope) {
	if w.mine(e.Subject) {
		w.shard.Happened(e)
	}
}

func (w *shardWorker) mine(key string) bool {
	if !w.job.scope.Wants(key) {
		return false
	}
	if w.of == 1 {
		return true
	}
	h := fnv.New32a()
	_, _ = h.Write([]byte(key)) // never fails
	return h.Sum32()%w.of == w.k
}

// decode answers an input that this shard folds, until it is asked for the next; nil for all others, and for what could not be read, as live passed it over.
func (w *shardWorker) decode(r streams.Record, at event.Time) (*event.Envelope, error) {
	k := w.keyOf(r.Key)
	if !k.wanted {
		return nil, nil
	}
	if at < w.job.warmup {
		if _, t, err := event.Attributes(r.Headers); err != nil || t == observation {
			return nil, nil //nolint:nilerr // it is passed over, readable or not
		}
	}
	w.reader.Expect(k.key, k.device)
	e, err := streams.ReadInput(&w.reader, r)
	if e != nil {
		if o, ok := e.Data.(*event.ObservationRecorded); ok {
			k.device = o.Device
		}
	}
	return e, err
}

// patientPartsWith joins the three cores over a compiler; with a room they keep one state of each patient.
func patientPartsWith(compile func(string) (*rules.Pack, error), room *rules.Room) streams.Parts[patientState, patientFacts] {
	return streams.Join([3]string{"rules", "alerts", "care"},
		streams.Machine[rules.State, rules.Facts](rules.Core{Compile: compile, Room: room}),
		streams.Machine[alerts.State, alerts.Facts](alerts.Core{}),
		streams.Machine[care.State, care.Facts](care.Core{}))
}

// Package notify tells people that a warning asks for them. It reads the log and keeps nothing of its own: which askings
// are open, whom they ask and what became of each notice stands in the fold of alerts; what it does it reports into `inputs`, where
// that fold finds it. After a restart it goes on from there. A notice is one asking of one warning to one recipient by one channel,
// and its id is the same for every try. People are told twice rather than never: what was sent and not yet in the log when the
// program died is sent again, with the same id.
//
// A recipient's channels are tried in order. One that fails, throttles or is busy is tried again for as long as the warning
// asks, while the next is tried at once. As soon as the fold shows that somebody has the warning, nothing more is begun.
package notify

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"slices"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"tocsin/alerts"
	"tocsin/streams"
	"tocsin/streams/event"
)

// Options is what a notifier needs. Follow, Edge and End are required.
type Options struct {
	Settings Settings
	Follow   Follow // see Watch
	Edge     Edge   // *streams.Edge, by which receipts are written
	// End answers where the inputs of a partition end.
	End      func(ctx context.Context, partition int32) (int64, error)
	App      App                               // the apps of patients; nil: they cannot be reached from here
	Near     func(tenant, patient string) Near // who is near a patient; nil: nobody is told. It must not wait: see NearChanged
	Browsers Browsers                          // who has turned notices on; nil: web push goes nowhere
	Callback net.Listener                      // where gateways tell what became of a message; nil: nowhere
	Logger   *slog.Logger
	Registry *prometheus.Registry

	tune tuning
}

// Edge writes to the log.
type Edge interface {
	Name() string
	Partitions() int32
	Append(topic, key string, env event.Envelope, done func(partition int32, offset int64, err error))
}

// tuning is what tests shorten.
type tuning struct {
	backFirst, backHigh, backMost time.Duration // the first wait after a failure; the longest, for a high and for the rest
	patience                      time.Duration // how long a start waits for its own last receipts to be folded
	grace                         time.Duration // how long a stop waits for what is in flight
}

func (t tuning) orDefault() tuning {
	if t != (tuning{}) {
		return t
	}
	return tuning{backFirst: time.Second, backHigh: time.Minute, backMost: 10 * time.Minute, patience: 10 * time.Second, grace: 3 * time.Second}
}

// Notifier is one notifier. There should be one: two tell everybody twice.
type Notifier struct {
	o       Options
	tune    tuning
	book    *book
	metrics *metrics
	out     *outbox

	mu     sync.Mutex
	parts  []part
	cases  map[string]*patient // those with open warnings
	lines  map[string]*line    // by channel
	carers map[string]*person  // as recipients, by name and language
	gaps   map[string]int64    // steps that reach nobody in person, and when that was last told
}

// part is one partition.
type part struct {
	known  bool  // end has been looked up
	at     int64 // offset of the last step that was taken
	caught bool  // the log has been read to its end once
	end    int64 // where inputs ended at the start: our own last receipts lie before it
	live   bool  // people are told
}

// patient is what is open about one patient, and what is done about it.
type patient struct {
	key       string
	partition int32
	state     alerts.State
	jobs      map[string]*job // by notice
}

// New makes a notifier.
func New(o Options) (*Notifier, error) {
	if o.Follow == nil || o.Edge == nil || o.End == nil {
		return nil, errors.New("notify: Follow, Edge and End are required")
	}
	b, err := open(o.Settings)
	if err != nil {
		return nil, fmt.Errorf("notify: %w", err)
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	n := &Notifier{o: o, tune: o.tune.orDefault(), book: b, parts: make([]part, o.Edge.Partitions()), cases: map[string]*patient{}, lines: map[string]*line{}, carers: map[string]*person{}, gaps: map[string]int64{}}
	for name, c := range b.channels {
		switch s := c.sender.(type) {
		case *appDoor:
			s.app = o.App
		case *webPush:
			s.browsers = o.Browsers
		}
		n.lines[name] = newLine(c)
	}
	if n.metrics, err = newMetrics(o.Registry, n); err != nil {
		return nil, fmt.Errorf("notify: %w", err)
	}
	n.out = newOutbox(o.Edge, n.metrics, o.Logger)
	return n, nil
}

// Run tells people until ctx ends; then nothing more is begun, and what is in flight has a moment to end. After an error of the
// log following begins again; what newer programs have written ends it.
func (n *Notifier) Run(ctx context.Context) error {
	n.tellGaps()
	ctx, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	tries, cut := context.WithCancel(context.WithoutCancel(ctx)) // what is in flight when ctx ends
	defer cut()
	receipts, drop := context.WithCancel(context.WithoutCancel(ctx)) // and what came of it
	defer drop()
	var all, out sync.WaitGroup
	out.Go(func() { n.out.run(receipts) })
	for p := range n.o.Edge.Partitions() {
		all.Go(func() {
			if err := n.follow(ctx, p); err != nil {
				stop(err)
			}
		})
	}
	for _, l := range n.lines {
		all.Go(func() { n.carry(ctx, tries, l) })
	}
	if n.o.Callback != nil {
		all.Go(func() { n.listen(ctx) })
	}
	<-ctx.Done()
	time.AfterFunc(n.tune.grace, cut)
	time.AfterFunc(n.tune.grace+drainWithin, drop)
	all.Wait()
	n.out.stop()
	out.Wait()
	return context.Cause(ctx)
}

// drainWithin is how long a stop waits for the log to take the last receipts.
const drainWithin = 2 * time.Second

// tellGaps says at the start which steps of a high reach nobody in person.
func (n *Notifier) tellGaps() {
	for _, step := range gravest {
		if !n.book.reaches(step) {
			n.o.Logger.Warn("a step of a high warning reaches nobody in person: only group robots, web push, or nobody, answers for it in notify.recipients", keyStep, step)
		}
	}
}

// reaches tells whether somebody answers for a step whom a message reaches in person.
func (b *book) reaches(step string) bool { return inPerson(b.asked[step]) }

func inPerson(people []*person) bool { return slices.ContainsFunc(people, (*person).inPerson) }

// answering answers who is told when a step is asked, and whether a message reaches any of them in person. Where a rota names who
// is on duty that is they and the rooms of the step; when none of them can be reached it is everybody who answers for it.
func (b *book) answering(step string, onDuty []string) (people []*person, reached bool) {
	if len(onDuty) == 0 {
		return b.asked[step], b.reaches(step)
	}
	for _, p := range b.people {
		if slices.Contains(onDuty, p.name) || p.room() && slices.Contains(b.asked[step], p) {
			people = append(people, p)
		}
	}
	if !inPerson(people) {
		return b.asked[step], false
	}
	return people, true
}

// The keys of our log lines beside those of streams.
const (
	keyStep      = "step"
	keyChannel   = "channel"
	keyRecipient = "recipient"
)

const (
	againFirst = 50 * time.Millisecond
	againMost  = 2 * time.Second
)

// follow keeps one partition, over errors of the log.
func (n *Notifier) follow(ctx context.Context, partition int32) error {
	err := streams.KeepOn(ctx, func(ctx context.Context) (heard bool, err error) {
		if err := n.begin(ctx, partition); err != nil {
			return false, err
		}
		err = n.o.Follow(ctx, partition, func(s Seen) error {
			heard = true
			n.take(s)
			return nil
		})
		return heard, err
	}, func(err error, again time.Duration) {
		n.o.Logger.Warn("following the log stopped and is tried again", streams.KeyPartition, partition, "wait", again, streams.KeyErr, err)
	}, event.ErrNewer, streams.ErrTrimmed, streams.ErrBeyond)
	if ctx.Err() != nil {
		return nil
	}
	return fmt.Errorf("notify: follow partition %d: %w", partition, err)
}

// begin looks once where inputs end: what this notifier reported before it was stopped lies there, and may not be folded yet.
// When that does not happen soon people are told all the same.
func (n *Notifier) begin(ctx context.Context, partition int32) error {
	n.mu.Lock()
	known := n.parts[partition].known
	n.mu.Unlock()
	if known {
		return nil
	}
	end, err := n.o.End(ctx, partition)
	if err != nil {
		return err
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	n.parts[partition] = part{known: true, at: -1, end: end}
	time.AfterFunc(n.tune.patience, func() {
		if ctx.Err() == nil {
			n.lose(partition)
		}
	})
	return nil
}

// lose loses patience with an owner that does not fold.
func (n *Notifier) lose(partition int32) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.parts[partition].end = 0
	n.enliven(partition, 0)
}

// take folds one step into what is to be done. It waits for nobody.
func (n *Notifier) take(s Seen) {
	n.mu.Lock()
	defer n.mu.Unlock()
	p := &n.parts[s.Partition]
	if s.Offset < p.at {
		return // following began again from a checkpoint: what it brings is known already
	}
	p.at, p.caught = s.Offset, p.caught || s.CaughtUp
	for _, key := range s.Touched {
		n.fold(s.Partition, key, s.Look(key))
	}
	n.enliven(s.Partition, s.Input)
}

func (n *Notifier) fold(partition int32, key string, state alerts.State) {
	c := n.cases[key]
	if c == nil {
		if len(state.Open) == 0 {
			return
		}
		c = &patient{key: key, partition: partition, jobs: map[string]*job{}}
		n.cases[key] = c
	}
	c.state = state
	n.plan(c)
	if len(state.Open) == 0 {
		delete(n.cases, key) // what is in flight holds it until it has landed
	}
}

// enliven begins to tell people of a partition once everything that was in the log at the start has been folded. The caller
// holds the lock.
func (n *Notifier) enliven(partition int32, input int64) {
	p := &n.parts[partition]
	if p.live || !p.caught || input < p.end {
		return
	}
	p.live = true
	for _, c := range n.cases {
		if c.partition == partition {
			n.plan(c)
		}
	}
}

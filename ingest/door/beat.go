package door

import (
	"context"
	"crypto/rand"
	"fmt"
	"sync"
	"time"

	"tocsin/streams"
	"tocsin/streams/event"
)

// How often a door says that it is open. A stretch of over 15 s without it counts for nobody's silence, so one beat
// may be lost; after a change of the directory it comes at once, since `import` waits to hear that every door knows.
const (
	beatEvery = 4 * time.Second
	beatAfter = 200 * time.Millisecond
)

// Beat writes door.open to every partition of `inputs`, one at a time and never in reserve: while one is not settled
// none follows, so that after an outage of the log no row of old beats pretends that the door was open.
type Beat struct {
	name  string
	edge  Edge
	dir   Directory
	now   func() event.Time
	m     *Metrics
	start string // makes ids of this start of the door unlike those of others
	moved chan struct{}

	mu      sync.Mutex
	count   int
	pending bool // one is under way
	again   bool // the directory moved meanwhile
}

// NewBeat makes the beat of the door called name. It listens to the directory from here on and is silent until Run.
func NewBeat(name string, edge Edge, dir Directory, now func() event.Time, m *Metrics) *Beat {
	b := &Beat{name: name, edge: edge, dir: dir, now: now, m: m, start: rand.Text()[:8], moved: make(chan struct{}, 1)}
	dir.OnChanged(b.nudge)
	return b
}

func (b *Beat) nudge() {
	select {
	case b.moved <- struct{}{}:
	default:
	}
}

// Run beats until ctx ends, the first time at once.
func (b *Beat) Run(ctx context.Context) {
	tick := time.NewTicker(beatEvery)
	defer tick.Stop()
	b.beat(false)
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			b.beat(false)
		case <-b.moved:
			select {
			case <-ctx.Done():
				return
			case <-time.After(beatAfter): // an import moves it row by row
			}
			b.beat(true)
		}
	}
}

// beat writes one, unless the one before is not settled: then it is left out, or sent after that when the directory moved.
func (b *Beat) beat(moved bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.pending {
		b.again = b.again || moved
		b.m.beatsSkipped.Inc()
		return
	}
	b.pending = true
	b.count++
	id := fmt.Sprintf("%s/%s/%d", b.name, b.start, b.count)
	go b.write(id)
}

func (b *Beat) write(id string) {
	now := b.now()
	b.edge.Append(streams.Inputs, event.Everyone, event.Envelope{
		ID: id, Source: b.name, Subject: event.Everyone, At: now,
		Data: &event.DoorOpened{Door: b.name, ReceivedAt: now, Directory: b.dir.Position()},
	}, func(_ int32, _ int64, err error) {
		if err != nil {
			b.m.beatsFailed.Inc()
		}
		b.mu.Lock()
		again := b.again
		b.pending, b.again = false, false
		b.mu.Unlock()
		if again {
			b.nudge()
		}
	})
}

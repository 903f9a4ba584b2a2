package door

import (
	"errors"
	"sync"
	"time"
)

// ErrLate is the receipt of an upload that the log has not acknowledged in time. It may still land; then a repeat of
// it is passed over by its identity.
var ErrLate = errors.New("the log has not acknowledged in time")

// Receipt is what became of one upload: Err is nil when it is in the log on all replicas that are in sync.
type Receipt[T any] struct {
	Of  T
	Err error
}

// Line hands out the receipts of one connection in the order in which its uploads came, each no sooner than the log
// has it. It has room for so many uploads and so many bytes; beyond that Enter waits, and whoever waits does not read on.
//
// No goroutine waits in it: the one that settles the first in line starts another that hands out, and that one ends
// when the first in line is open again. So a sender that reads slowly holds up nobody but itself, least of all the log's writer.
type Line[T any] struct {
	deliver  func([]Receipt[T])
	most     int
	mostSize int
	patience time.Duration

	mu      sync.Mutex
	slots   []*Slot[T] // in order of coming; the first is the oldest
	size    int
	busy    bool // a goroutine is handing out
	closed  bool
	changed chan struct{} // closed and replaced when there is room again, or the line is closed
	timer   *time.Timer
}

// Slot is the place of one upload in the line.
type Slot[T any] struct {
	line    *Line[T]
	receipt Receipt[T]
	size    int
	since   time.Time
	settled bool
}

// NewLine makes a line. deliver is called by one goroutine at a time, with at least one receipt. What the log has not
// acknowledged after patience is answered with ErrLate.
func NewLine[T any](most, mostSize int, patience time.Duration, deliver func([]Receipt[T])) *Line[T] {
	return &Line[T]{deliver: deliver, most: most, mostSize: mostSize, patience: patience, changed: make(chan struct{})}
}

// Enter takes the next place for an upload of size bytes, and waits while there is none. It answers nil once the line
// is closed. An upload larger than the whole room goes alone.
func (l *Line[T]) Enter(of T, size int) *Slot[T] {
	l.mu.Lock()
	defer l.mu.Unlock()
	for !l.closed && len(l.slots) > 0 && (len(l.slots) >= l.most || l.size+size > l.mostSize) {
		changed := l.changed
		l.mu.Unlock()
		<-changed
		l.mu.Lock()
	}
	if l.closed {
		return nil
	}
	s := &Slot[T]{line: l, receipt: Receipt[T]{Of: of}, size: size, since: time.Now()}
	l.slots = append(l.slots, s)
	l.size += size
	if len(l.slots) == 1 {
		l.watch(l.patience)
	}
	return s
}

// Settle says what became of an upload. Only the first word on a slot counts.
func (s *Slot[T]) Settle(err error) {
	s.line.mu.Lock()
	defer s.line.mu.Unlock()
	if s.settled {
		return
	}
	s.settled, s.receipt.Err = true, err
	s.line.start()
}

// start sees to it that somebody hands out when the first in line is settled. The caller holds the lock.
func (l *Line[T]) start() {
	if l.busy || l.closed || len(l.slots) == 0 || !l.slots[0].settled {
		return
	}
	l.busy = true
	go l.handOut()
}

func (l *Line[T]) handOut() {
	var batch []Receipt[T]
	for {
		batch = l.next(batch[:0])
		if len(batch) == 0 {
			return
		}
		l.deliver(batch)
	}
}

// next takes what is settled from the front of the line. With nothing left to hand out, busy ends within the same lock, so
// that whoever settles next knows to start another.
func (l *Line[T]) next(batch []Receipt[T]) []Receipt[T] {
	l.mu.Lock()
	defer l.mu.Unlock()
	n := 0
	for n < len(l.slots) && l.slots[n].settled && !l.closed {
		batch = append(batch, l.slots[n].receipt)
		l.size -= l.slots[n].size
		n++
	}
	if n == 0 {
		l.busy = false
		return batch
	}
	rest := copy(l.slots, l.slots[n:])
	clear(l.slots[rest:])
	l.slots = l.slots[:rest]
	l.wake()
	if rest > 0 {
		l.watch(l.patience - time.Since(l.slots[0].since))
	}
	return batch
}

// wake tells those who wait for room. The caller holds the lock.
func (l *Line[T]) wake() {
	close(l.changed)
	l.changed = make(chan struct{})
}

// watch looks at the line again after d. The caller holds the lock.
func (l *Line[T]) watch(d time.Duration) {
	d = max(d, time.Millisecond)
	if l.timer == nil {
		l.timer = time.AfterFunc(d, l.expire)
		return
	}
	l.timer.Reset(d)
}

// expire answers everything that has waited too long.
func (l *Line[T]) expire() {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, s := range l.slots {
		left := l.patience - time.Since(s.since)
		if left > 0 && !s.settled {
			l.watch(left)
			break
		}
		if !s.settled {
			s.settled, s.receipt.Err = true, ErrLate
		}
	}
	l.start()
}

// Len answers how many uploads wait for their receipt.
func (l *Line[T]) Len() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.slots)
}

// Close ends the line: nothing more is handed out, and whoever waits to enter is turned away.
func (l *Line[T]) Close() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed {
		return
	}
	l.closed = true
	l.slots, l.size = nil, 0
	if l.timer != nil {
		l.timer.Stop()
	}
	l.wake()
}

package notify

import (
	"context"
	"math/rand/v2"
	"slices"
	"sync"
	"time"

	"tocsin/streams"
	"tocsin/streams/event"
)

// line is the notices that wait for one channel. A high goes before all others, has one place of its own among those that are
// tried at the same time, and is never throttled by us.
type line struct {
	channel *channel
	waiting []*job
	flying  int
	tokens  float64 // messages that the throttle has left
	filled  time.Time
	wake    chan struct{}
}

func newLine(c *channel) *line {
	return &line{channel: c, tokens: float64(c.perMinute), filled: time.Now(), wake: make(chan struct{}, 1)}
}

func (l *line) nudge() {
	select {
	case l.wake <- struct{}{}:
	default:
	}
}

// enter puts a notice into the line, unless it stands there or is on its way. The caller holds the notifier's lock, as for all
// of these.
func (l *line) enter(j *job) {
	if j.waiting || j.flying || j.done {
		return
	}
	j.waiting = true
	l.waiting = append(l.waiting, j)
	l.nudge()
}

func (l *line) leave(j *job) {
	if j.waiting {
		j.waiting = false
		l.waiting = slices.DeleteFunc(l.waiting, func(o *job) bool { return o == j })
	}
}

// carry begins tries until ctx ends, and waits for those in flight.
func (n *Notifier) carry(ctx, late context.Context, l *line) {
	var flying sync.WaitGroup
	defer flying.Wait()
	for ctx.Err() == nil {
		n.mu.Lock()
		now := time.Now()
		batch, wait := n.next(l, now)
		var what letter
		if batch != nil { // within the lock: nothing can be accepted between the last look and the beginning of a try
			what = n.write(batch, now)
		}
		n.mu.Unlock()
		if batch != nil {
			flying.Go(func() { n.try(late, l, batch, what) })
			continue
		}
		timer := time.NewTimer(wait)
		select {
		case <-ctx.Done():
		case <-l.wake:
		case <-timer.C:
		}
		timer.Stop()
	}
}

// longest is how long a line sleeps when nothing is due.
const longest = time.Minute

// next answers the notices that are tried next, in one message, or how long to wait for some.
func (n *Notifier) next(l *line, now time.Time) (batch []*job, wait time.Duration) {
	for {
		j := l.first(now)
		switch {
		case j == nil:
			return nil, l.untilNext(now)
		case !l.hasRoom(j.high):
			return nil, n.busy(l, now)
		case !l.allowed(now) && !j.high:
			n.throttled(l, j, now)
		case j.step == stepPatient && !n.stands(j):
			l.leave(j)
			n.plan(j.of)
		default:
			return l.takeOut(j, now), 0
		}
	}
}

// first answers what is due: a high before all others, then the oldest.
func (l *line) first(now time.Time) (best *job) {
	for _, j := range l.waiting {
		if !j.due.After(now) && (best == nil || j.high && !best.high || j.high == best.high && j.due.Before(best.due)) {
			best = j
		}
	}
	return best
}

func (l *line) untilNext(now time.Time) time.Duration {
	wait := longest
	for _, j := range l.waiting {
		wait = min(wait, max(j.due.Sub(now), time.Millisecond))
	}
	return wait
}

func (l *line) hasRoom(high bool) bool {
	if high || l.channel.atOnce == 1 {
		return l.flying < l.channel.atOnce
	}
	return l.flying < l.channel.atOnce-1
}

// busy says of everybody who has waited as long as a try may take that the channel is busy: their next channel is asked, and
// they go on waiting for this one.
func (n *Notifier) busy(l *line, now time.Time) time.Duration {
	wait := longest
	for _, j := range slices.Clone(l.waiting) {
		switch left := j.due.Add(l.channel.within).Sub(now); {
		case j.held:
		case left > 0:
			wait = min(wait, left)
		default:
			n.hold(j, "the channel is busy")
		}
	}
	return wait
}

// allowed takes one message from the throttle.
func (l *line) allowed(now time.Time) bool {
	most := float64(l.channel.perMinute)
	if most == 0 {
		return true
	}
	l.tokens = min(most, l.tokens+most*now.Sub(l.filled).Minutes())
	l.filled = now
	if l.tokens < 1 {
		return false
	}
	l.tokens--
	return true
}

// throttled puts a notice off until the throttle has one more.
func (n *Notifier) throttled(l *line, j *job, now time.Time) {
	j.due = now.Add(max(time.Minute/time.Duration(l.channel.perMinute), time.Second/10))
	if !j.held {
		n.metrics.throttled.WithLabelValues(l.channel.name).Inc()
	}
	n.hold(j, "throttled: the settings allow this channel no more for now")
}

// hold reports once that a notice is held up, and has the recipient's next channel asked.
func (n *Notifier) hold(j *job, why string) {
	if j.held {
		return
	}
	j.held, j.failed = true, true
	n.report(j, event.NoticeFailed, why)
	n.plan(j.of)
}

// takeOut takes a notice out of the line. With a high go all others of the same patient that are due to the same recipient.
func (l *line) takeOut(j *job, now time.Time) []*job {
	batch := []*job{j}
	for _, o := range l.waiting {
		if j.high && o.high && j.step != stepPatient && o != j && o.of == j.of && o.person == j.person && !o.due.After(now) && len(batch) < mostTogether {
			batch = append(batch, o)
		}
	}
	for _, o := range batch {
		l.leave(o)
		o.flying, o.held = true, false
	}
	l.flying++
	return batch
}

// mostTogether keeps a message short.
const mostTogether = 8

// write words what is asked as of now. The caller holds the lock.
func (n *Notifier) write(batch []*job, now time.Time) letter {
	first := batch[0]
	if first.step == stepPatient {
		return n.writeAdvice(first, now)
	}
	s := said{Notice: first.notice, Recipient: first.person.name, Step: first.step, Language: first.person.language}
	for _, j := range batch {
		for _, w := range j.of.state.Open {
			if w.Alert == j.alert {
				s.Asks = append(s.Asks, n.book.lineOf(w))
			}
		}
	}
	subject, text := n.book.message(s, first.way, now)
	s.Text = text
	return letter{id: first.notice, to: first.way.address, secret: first.way.secret, subject: subject, text: text, said: s, now: now}
}

// try makes one try, and notes what came of it.
func (n *Notifier) try(ctx context.Context, l *line, batch []*job, what letter) {
	ctx, cancel := context.WithTimeout(ctx, l.channel.within)
	id, err := l.channel.sender.send(ctx, what)
	cancel()
	n.mu.Lock()
	defer n.mu.Unlock()
	l.flying--
	for _, j := range batch {
		n.landed(l, j, id, err)
	}
	l.nudge()
}

// landed notes what came of a try.
func (n *Notifier) landed(l *line, j *job, id string, err error) {
	j.flying = false
	if err == nil {
		j.done, j.failed, j.id = true, false, id
		n.report(j, event.NoticeSent, joined(detailOf(id), j.over))
	} else {
		t := troubleOf(err, l.channel.within)
		j.failed, j.tries = true, j.tries+1
		j.due = time.Now().Add(n.backOff(j, t.after))
		n.report(j, event.NoticeFailed, joined(t.words, j.over))
		n.o.Logger.Warn("a notice was not taken", streams.KeyAlert, j.alert, keyRecipient, j.person.name, keyChannel, l.channel.name, "why", t.words, "tries", j.tries)
	}
	if j.over != "" {
		delete(j.of.jobs, j.notice)
		return
	}
	n.plan(j.of) // the next channel, or the line again
}

// backOff doubles from try to try, with a spread so that what failed together does not come together again. Who wants to be left
// alone for longer is, up to the most.
func (n *Notifier) backOff(j *job, after time.Duration) time.Duration {
	most := n.tune.backMost
	if j.high {
		most = n.tune.backHigh
	}
	wait := min(n.tune.backFirst<<min(j.tries-1, 20), most)
	wait = wait*3/4 + rand.N(wait/2+1)
	return max(wait, min(after, most))
}

// detailOf keeps a gateway's id of the message in the log, where its receipts find it after a restart.
func detailOf(id string) string {
	if id == "" {
		return ""
	}
	return "id " + id
}

func joined(a, b string) string {
	if a == "" || b == "" {
		return a + b
	}
	return a + "; " + b
}

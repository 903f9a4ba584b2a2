package streams

import (
	"errors"
	"math"
	"slices"

	"tocsin/streams/event"
)

// redue computes anew when everybody is to be asked: facts that concern all have changed.
func (p *Processor[S, F]) redue() {
	p.waiting = waiting{}
	for _, key := range p.keys() {
		p.waiting.put(key, p.dueOf(key))
	}
}

// keys answers every subject, touched ones that are new among them.
func (p *Processor[S, F]) keys() []string {
	all := p.base.Keys()
	known := func(key string) bool { _, ok := p.base.patients[key]; return ok }
	added := map[string]bool{}
	for _, w := range append(append([]*Work[S, F]{}, p.inFlight...), p.work) {
		for key := range w.touched {
			if !known(key) && !added[key] {
				added[key] = true
				all = append(all, key)
			}
		}
	}
	return all
}

// runDue asks everybody whose moment has come, in the order of moments and keys, until nobody is left to ask.
func (p *Processor[S, F]) runDue() {
	for p.waiting.ready(p.work.now, p.dueOf) {
		p.askDue(p.waiting.take())
	}
}

// askDue asks one subject until it is past the moment, or has nothing more to say though it is not: then it is asked
// again when something reaches it, or everyone.
func (p *Processor[S, F]) askDue(key string) {
	for range maxCascade {
		said := false
		for i := range p.parts.count() {
			events, said1 := p.askWaiting(key, i)
			for _, d := range events {
				said1 = append(said1, p.emit(key, d, "")...)
			}
			said = said || len(said1) > 0
			p.cascade(said1)
		}
		due := p.dueOf(key)
		if due > p.work.now {
			p.waiting.put(key, due)
			return
		}
		if !said {
			break
		}
	}
	p.waiting.block(key, p.work.now)
	p.waiting.put(key, p.dueOf(key))
}

// askWaiting asks part i what is due. A failure is told once: it would repeat at every look.
func (p *Processor[S, F]) askWaiting(key string, i int) ([]event.Event, []event.Envelope) {
	var events []event.Event
	pat := p.peek(key)
	err := guard(func() error {
		events = p.parts.due(i, &p.work.heads.Common, &pat.State, p.work.now)
		return nil
	})
	if err == nil {
		return events, nil
	}
	var rule event.RulePanic
	errors.As(err, &rule) // none is named when the whole part failed
	fence := fenceName(p.parts.name(i), rule.Rule)
	if slices.Contains(pat.Fences, fence) {
		return nil, nil
	}
	pat = p.touch(key)
	pat.Fences = append(slices.Clone(pat.Fences), fence)
	return nil, p.fence(key, i, "", false, err)
}

// dueOf answers when a subject is to be asked, as its newest copy has it; what it was asked in vain is left out.
func (p *Processor[S, F]) dueOf(key string) event.Time {
	after := event.Time(math.MinInt64)
	if blocked, ok := p.waiting.blocked[key]; ok {
		after = blocked
	}
	return p.nextDue(p.peek(key), after)
}

// nextDue answers the earliest moment, later than after, at which a part wants to be asked.
func (p *Processor[S, F]) nextDue(pat *Patient[S], after event.Time) event.Time {
	next := event.Never
	if pat == nil {
		return next
	}
	for i := range p.parts.count() {
		due := event.Never
		err := guard(func() error {
			due = p.parts.nextDue(i, &p.work.heads.Common, &pat.State)
			return nil
		})
		if err != nil { // it is asked what is due soon, and says there what is wrong
			due = p.work.now
		}
		if due > after {
			next = min(next, due)
		}
	}
	return next
}

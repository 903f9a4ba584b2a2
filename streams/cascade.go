package streams

import (
	"errors"
	"fmt"
	"strconv"

	"tocsin/streams/event"
)

// cascade asks what follows from each event in the queue, first in first out, until nothing does.
func (p *Processor[S, F]) cascade(queue []event.Envelope) {
	defer p.settle()
	for taken := 0; len(queue) > 0; taken++ {
		e := queue[0]
		queue = queue[1:]
		key := e.Subject
		if key == event.Everyone {
			key = PartitionKey(p.partition)
		}
		if taken == maxCascade {
			p.runaway(key, e)
			return
		}
		queue = append(queue, p.decide(key, e)...)
	}
}

// settle computes when those are to be asked again whom the turn has changed.
func (p *Processor[S, F]) settle() {
	for _, key := range p.work.dirty {
		p.waiting.reached(key)
		p.waiting.put(key, p.dueOf(key))
	}
	p.work.dirty = p.work.dirty[:0]
}

// runaway ends a cascade that does not end by itself: what it has decided so far stands, the rest is not decided, and a
// technical warning says so.
func (p *Processor[S, F]) runaway(key string, last event.Envelope) {
	fault := &event.TechnicalFault{Kind: "runaway", Offset: -1,
		Detail: fmt.Sprintf("more than %d events followed from one another, last %s: rules or policies that answer each other", maxCascade, last.Data.Type())}
	for _, f := range p.emit(key, fault, last.ID) {
		p.decide(key, f)
	}
}

// decide asks every part what follows from e, and applies the answers.
func (p *Processor[S, F]) decide(key string, e event.Envelope) []event.Envelope {
	var followed []event.Envelope
	for i := range p.parts.count() {
		if p.work.skip[i] == e.ID {
			continue // it could not fold it, so it has nothing to say about it
		}
		events, fences := p.ask(key, i, e.ID, func(pat *Patient[S]) ([]event.Event, error) {
			return p.parts.decide(i, &p.work.heads.Common, &pat.State, e, p.work.now)
		})
		followed = append(followed, fences...)
		for _, d := range events {
			followed = append(followed, p.emit(key, d, e.ID)...)
		}
	}
	return followed
}

// ask calls part i. When a rule of it panics, the rule is fenced for this patient and the part asked once more without it;
// when the part fails as a whole, it has no answer, and that is on record.
func (p *Processor[S, F]) ask(key string, i int, cause string, call func(*Patient[S]) ([]event.Event, error)) (events []event.Event, fences []event.Envelope) {
	for range maxRulesFenced {
		pat := p.peek(key)
		err := guard(func() (err error) { events, err = call(pat); return err })
		if err == nil {
			return events, fences
		}
		var rule event.RulePanic
		if !errors.As(err, &rule) {
			return nil, append(fences, p.fence(key, i, cause, false, err)...)
		}
		fences = append(fences, p.fence(key, i, cause, false, err)...)
	}
	return nil, fences
}

// emit gives an event its place in the step and applies it. It answers what has to be decided on: the event, and what a
// fence that it ran into said.
func (p *Processor[S, F]) emit(key string, d event.Event, cause string) []event.Envelope {
	w := p.work
	if about, ok := d.(About); ok {
		key = about.About()
	}
	if p.tell != nil {
		return p.say(key, d, cause)
	}
	e := event.Envelope{
		ID: w.prefix + strconv.Itoa(len(w.Events)), Source: p.source,
		Subject: key, At: w.now, Cause: cause, Life: w.Life, Step: w.Number, Index: len(w.Events), After: w.after, Data: d,
	}
	r, err := ToRecord(p.topic, p.partition, key, e)
	if err == nil && len(r.Value) > MaxEventBytes {
		err = fmt.Errorf("%d bytes, more than %d", len(r.Value), MaxEventBytes)
	}
	if err != nil {
		return p.emit(key, &event.TechnicalFault{Kind: "too_large", Offset: -1, Detail: fmt.Sprintf("event %s could not be written: %v", d.Type(), err)}, cause)
	}
	w.Events, w.Records = append(w.Events, e), append(w.Records, r)
	return append([]event.Envelope{e}, p.apply(key, p.touch(key), e)...)
}

// say is emit where there is no log: nothing is encoded, and a listener hears of it.
func (p *Processor[S, F]) say(key string, d event.Event, cause string) []event.Envelope {
	w := p.work
	e := event.Envelope{
		ID: w.prefix + strconv.Itoa(p.told), Source: p.source,
		Subject: key, At: w.now, Cause: cause, Life: w.Life, Step: w.Number, Index: p.told, After: w.after, Data: d,
	}
	p.told++
	p.tell(e)
	return append([]event.Envelope{e}, p.apply(key, p.touch(key), e)...)
}

// apply folds e into every part; a part that cannot is passed over, on record.
func (p *Processor[S, F]) apply(key string, pat *Patient[S], e event.Envelope) (fences []event.Envelope) {
	p.work.dirty = append(p.work.dirty, key)
	for i := range p.parts.count() {
		if p.work.skip[i] == e.ID {
			continue
		}
		err := guard(func() error { return p.parts.apply(i, &p.work.heads.Common, &pat.State, e, p.work.now) })
		if _, isFence := e.Data.(*event.RuleFenced); err == nil || isFence {
			continue // a core that cannot even fold its fence is left as it is: no fence is put up for a fence
		}
		fences = append(fences, p.fence(key, i, e.ID, true, err)...)
	}
	return fences
}

package deploy

import (
	"context"
	"errors"
	"slices"
	"sync"
	"time"

	"tocsin/alerts/audit"
	"tocsin/streams"
	"tocsin/streams/event"
)

// auditor reads every partition of decisions from its beginning, in a process of its own, and says what is wrong.
type auditor struct {
	log    streams.Log
	within time.Duration // how long something may be wrong before it is told
	// clock is the present. Deadlines are held against its wall time; how long something lasts is its running time, so
	// that a clock which is set back hides no partition that stands still.
	clock func() time.Time
	parts []*audited
}

func newAuditor(log streams.Log, n int32, within time.Duration) *auditor {
	a := &auditor{log: log, within: within, clock: time.Now}
	for p := range n {
		a.parts = append(a.parts, &audited{number: p})
	}
	return a
}

// audited is one partition as the auditor has read it.
type audited struct {
	number int32

	mu       sync.Mutex
	patients map[string]audit.State // those of whom there is anything to say
	read     int64                  // the next record of decisions
	covered  int64                  // the next input that no step has settled
	lost     error                  // why no trying again will read on, and since when
	lostAt   time.Time

	looks looks
}

// watch tells what is wrong, look after look, until ctx ends. Nothing is told within the first stretch: an owner that starts
// beside the auditor has that long to take over what it finds.
func (a *auditor) watch(ctx context.Context, tell func(at event.Time, standing []audit.Finding)) {
	var reading sync.WaitGroup
	defer reading.Wait()
	for _, p := range a.parts {
		reading.Go(func() { a.follow(ctx, p) })
	}
	began := a.clock()
	look := time.NewTicker(a.within / 15) // each second
	defer look.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-look.C:
		}
		standing := a.look(ctx)
		if at := a.clock(); ctx.Err() == nil && at.Sub(began) > a.within {
			tell(event.TimeOf(at), standing)
		}
	}
}

// look looks at all partitions, side by side, and answers everything that is wrong.
func (a *auditor) look(ctx context.Context) (standing []audit.Finding) {
	found := make([][]audit.Finding, len(a.parts))
	var looking sync.WaitGroup
	for i, p := range a.parts {
		looking.Go(func() { found[i] = p.look(ctx, a) })
	}
	looking.Wait()
	return slices.Concat(found...)
}

// followAgain is how long it takes until reading is tried again from the beginning, after an error that may pass.
const followAgain = 2 * time.Second

// follow folds a partition from its beginning, for as long as that can be done.
func (a *auditor) follow(ctx context.Context, p *audited) {
	for ctx.Err() == nil {
		err := p.fold(ctx, a.log, func(int64) bool { return false })
		if ctx.Err() != nil || p.gaveUp(err, a.clock()) {
			return
		}
		select {
		case <-ctx.Done():
		case <-time.After(followAgain):
		}
	}
}

// fold reads a partition from its beginning until enough, which is asked with how far it has come.
func (p *audited) fold(ctx context.Context, log streams.Log, enough func(read int64) bool) error {
	p.mu.Lock()
	p.patients, p.read, p.covered = map[string]audit.State{}, 0, 0
	p.mu.Unlock()
	steps := streams.NewSteps(streams.Beginning)
	steps.Raw(true) // of most events only the type is of interest
	return streams.ReadSteps(ctx, log, streams.Decisions, p.number, steps, p.step, func() (bool, error) {
		p.mu.Lock()
		p.read = steps.Next()
		p.mu.Unlock()
		return enough(steps.Next()), nil
	})
}

func (p *audited) step(s *streams.Step) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, r := range s.Records[:s.Close.Count] {
		if bare, t, err := event.Attributes(r.Headers); err == nil && audit.Concerns(t) {
			p.event(bare, t, r)
		}
	}
	p.covered = s.Close.Inputs.Next
	return nil
}

// event folds one event about warnings. One that this program cannot read, being older than it, is a finding and no end: it
// goes on looking after everybody else.
func (p *audited) event(bare event.Envelope, t event.Type, r streams.Record) {
	s := p.patients[bare.Subject]
	if e, err := event.Decode(r.Headers, r.Value); err != nil {
		s = audit.Unknown(s, bare, t)
	} else {
		s = audit.Apply(s, e)
	}
	if s.Empty() {
		delete(p.patients, bare.Subject)
		return
	}
	p.patients[bare.Subject] = s
}

// gaveUp notes an error that trying again will not mend, and tells whether it is one.
func (p *audited) gaveUp(err error, at time.Time) bool {
	for _, lasting := range streams.Lasting {
		if errors.Is(err, lasting) {
			p.mu.Lock()
			p.lost, p.lostAt = err, at
			p.mu.Unlock()
			return true
		}
	}
	return false
}

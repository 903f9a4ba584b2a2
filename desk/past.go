package desk

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"tocsin/streams"
	"tocsin/streams/event"
)

// past is what the log tells beside what is open: which packs were published when and by whom, who was in which group since
// when, and what became of the warnings of the last weeks. The ward begins at a checkpoint; this is read from the log's
// beginning, once, in the background, and then follows. What it has not read yet it says so.
type past struct {
	mu       sync.RWMutex
	packs    map[string][]version // oldest first
	groups   map[string][]used    // by {tenant}/{group}, oldest first
	teams    map[string][]staffed // by {tenant}/{group}, oldest first
	people   map[string][]placed  // by {tenant}/{patient}, oldest first
	warnings map[string]*happened // by id
	away     map[string][]stretch // by {tenant}/{patient}: when their care had ended, oldest first
	parts    map[string]bool      // what is being read, and whether its end was reached once
	from     map[int32]event.Time // the first step of each partition that is still in the log
	pruned   int                  // how many warnings were left when old ones were last forgotten
	tried    map[string]*tried    // what the texts of packs come to, by text
	proposed map[string]version   // that wait for further signatures
	declined map[string]Declined  // the last of each pack, while nothing waits
}

// version is one published version of a pack. Only the newest keeps its text.
type version struct {
	number int
	sum    string
	text   string
	at     event.Time
	signed []string
	needs  int          // signatures
	draft  *event.Draft // of what was proposed at a desk
}

// used says which pack a group has used from a moment on.
type used struct {
	since event.Time
	set   event.GroupSet
}

// staffed says who was in the team of a group from a moment on.
type staffed struct {
	since   event.Time
	members []event.TeamMember
}

// placed says in which groups a patient has been from a moment on, the leading one first.
type placed struct {
	since  event.Time
	groups []string // {tenant}/{group}
}

// happened is one warning, as far as the record of packs and the page of quality need it.
type happened struct {
	key       string // of the patient
	raised    event.Time
	severity  event.Severity
	rules     []ruleOf // those among its reasons when it was raised or became worse
	planned   bool     // it asked nobody, since it fell into a planned window
	asked     []string // the accounts on duty when it was raised
	accepted  event.Time
	contacted event.Time // somebody was reached
	shelved   []laid
	closed    event.Time
	outcome   string
	admitted  bool
}

// laid is one time that a warning was shelved.
type laid struct {
	at     event.Time
	reason string
	back   bool // it asked again when the time was over
}

// ruleOf names a rule; the pack is empty where the patient had but one.
type ruleOf struct{ pack, rule string }

// keptWeeks is how far back the record goes: eight whole weeks and the one that runs.
const (
	keptWeeks = 9
	week      = 7 * 24 * time.Hour
)

func newPast() *past {
	return &past{packs: map[string][]version{}, proposed: map[string]version{}, declined: map[string]Declined{}, groups: map[string][]used{}, teams: map[string][]staffed{}, people: map[string][]placed{},
		warnings: map[string]*happened{}, away: map[string][]stretch{}, parts: map[string]bool{}, from: map[int32]event.Time{}, tried: map[string]*tried{}}
}

// readPast follows everything that the record needs until ctx ends. A screen without a record is still a screen: what goes
// wrong here is told in the log and on the page, and ends nothing else.
func (s *Server) readPast(ctx context.Context, all *sync.WaitGroup) {
	read := func(name string, one func(ctx context.Context) error) {
		s.past.reading(name)
		all.Go(func() {
			if err := s.again(ctx, one); err != nil {
				s.o.Logger.Error("the record of packs is not kept any more", "part", name, streams.KeyErr, err)
			}
		})
	}
	read(streams.Directory, func(ctx context.Context) error {
		return s.readSteps(ctx, streams.Directory, 0, s.past.directory)
	})
	for p := range s.o.Edge.Partitions() {
		read(fmt.Sprint(streams.Decisions, p), func(ctx context.Context) error {
			if err := s.whenCaughtUp(ctx); err != nil { // who needs to act comes before what has been
				return err
			}
			return s.readSteps(ctx, streams.Decisions, p, func(step *streams.Step) error { return s.past.decided(p, step) })
		})
	}
}

// again tries until ctx ends, or until an error that will not go away.
func (s *Server) again(ctx context.Context, one func(context.Context) error) error {
	err := streams.KeepOn(ctx, func(ctx context.Context) (bool, error) { return false, one(ctx) }, func(error, time.Duration) {}, streams.Lasting...)
	if ctx.Err() != nil {
		return nil
	}
	return err
}

func (s *Server) whenCaughtUp(ctx context.Context) error {
	for !s.ward.caughtUp() {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(againFirst):
		}
	}
	return nil
}

// readSteps reads a topic of steps from what is left of it. Events are not decoded: take picks those that it wants.
func (s *Server) readSteps(ctx context.Context, topic string, partition int32, take func(*streams.Step) error) error {
	first, end, err := s.o.Log.Bounds(ctx, topic, partition)
	if err != nil {
		return err
	}
	steps := streams.NewSteps(streams.Position{Offset: first - 1})
	steps.Raw(true)
	name := topic
	if topic == streams.Decisions {
		name = fmt.Sprint(topic, partition)
	}
	reached := func() (bool, error) {
		if steps.Next() >= end {
			s.past.reached(name)
		}
		return false, nil
	}
	_, _ = reached() // there may be nothing to read
	return streams.ReadSteps(ctx, s.o.Log, topic, partition, steps, take, reached)
}

var (
	typesOfDirectory = []event.Type{new(event.PackPublished).Type(), new(event.PackProposed).Type(), new(event.PackDeclined).Type(), new(event.GroupSet).Type(), new(event.TeamSet).Type(), new(event.PatientEnrolled).Type(), new(event.PatientGrouped).Type()}
	typesOfWarnings  = []event.Type{new(event.AlertRaised).Type(), new(event.AlertWorsened).Type(), new(event.AlertClosed).Type(), new(event.AlertJudged).Type(),
		new(event.AlertAccepted).Type(), new(event.AlertContacted).Type(), new(event.AlertShelved).Type(), new(event.AlertUnshelved).Type(),
		new(event.PatientLeft).Type(), new(event.PatientResumed).Type()}
)

// pick decodes the events of a step that are of some types.
func pick(step *streams.Step, types []event.Type, take func(event.Envelope)) error {
	for _, r := range step.Records {
		_, t, err := event.Attributes(r.Headers)
		if err != nil || !slices.Contains(types, t) {
			continue
		}
		e, err := event.Decode(r.Headers, r.Value)
		if err != nil {
			return fmt.Errorf("read %s/%d at %d: %w", r.Topic, r.Partition, r.Offset, err)
		}
		take(e)
	}
	return nil
}

func (p *past) reading(name string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.parts[name] = false
}

func (p *past) reached(name string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.parts[name] = true
}

// whole tells whether everything that was in the log when reading began has been read. The caller holds the lock.
func (p *past) whole() bool {
	for _, reached := range p.parts {
		if !reached {
			return false
		}
	}
	return true
}

// knowsPacks tells whether the directory has been read.
func (p *past) knowsPacks() bool {
	p.mu.RLock()
	defer p.mu.RUnlock()
	return p.parts[streams.Directory]
}

// directory folds one step of the registrar. Reading it twice, after an error, changes nothing.
func (p *past) directory(step *streams.Step) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	return pick(step, typesOfDirectory, func(e event.Envelope) {
		switch d := e.Data.(type) {
		case *event.PackPublished:
			p.published(d, e.At)
		case *event.PackProposed:
			p.proposed[d.Pack] = version{number: d.Version, sum: d.Sum, text: d.Text, at: e.At, signed: d.Signed, needs: d.Needs, draft: d.Draft}
			delete(p.declined, d.Pack)
		case *event.PackDeclined:
			p.declined[d.Pack] = Declined{d.Version, d.Sum, d.By, e.At, d.Why}
			delete(p.proposed, d.Pack)
		case *event.GroupSet:
			if streams.IsWatchedGroup(d.Tenant, d.Group) {
				return
			}
			key := d.Tenant + "/" + d.Group
			p.groups[key] = since(p.groups[key], used{e.At, *d}, func(u used) event.Time { return u.since })
		case *event.TeamSet:
			key := d.Tenant + "/" + d.Group
			p.teams[key] = since(p.teams[key], staffed{e.At, d.Members}, func(x staffed) event.Time { return x.since })
		case *event.PatientEnrolled:
			p.place(d.Tenant, d.Patient, append([]string{d.Group}, d.Also...), e.At)
		case *event.PatientGrouped:
			p.place(d.Tenant, d.Patient, append([]string{d.Group}, d.Also...), e.At)
		}
	})
}

func (p *past) published(d *event.PackPublished, at event.Time) {
	if d.Pack == event.WatchedGroup {
		return // it judges no person
	}
	all := p.packs[d.Pack]
	if n := len(all); n > 0 {
		if all[n-1].number >= d.Version {
			return
		}
		all[n-1].text = ""
	}
	p.packs[d.Pack] = append(all, version{number: d.Version, sum: d.Sum, text: d.Text, at: at, signed: d.Signed, needs: d.Signatures})
	delete(p.proposed, d.Pack)
	delete(p.declined, d.Pack)
}

func (p *past) place(tenant, patient string, groups []string, at event.Time) {
	key := streams.PatientKey(tenant, patient)
	if streams.IsWatched(key) {
		return
	}
	x := placed{since: at}
	for _, g := range groups {
		if g != "" {
			x.groups = append(x.groups, tenant+"/"+g)
		}
	}
	p.people[key] = since(p.people[key], x, func(x placed) event.Time { return x.since })
}

// since adds what holds from a moment on. Of one moment the last word counts; what is read a second time changes nothing.
func since[T any](all []T, x T, of func(T) event.Time) []T {
	n := len(all)
	switch {
	case n > 0 && of(all[n-1]) > of(x):
		return all
	case n > 0 && of(all[n-1]) == of(x):
		all[n-1] = x
		return all
	}
	return append(all, x)
}

// decided folds one step of a partition.
func (p *past) decided(partition int32, step *streams.Step) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	return pick(step, typesOfWarnings, func(e event.Envelope) {
		if at, known := p.from[partition]; !known || e.At < at {
			p.from[partition] = e.At
		}
		p.warned(e)
	})
}

func (p *past) warned(e event.Envelope) {
	if streams.IsWatched(e.Subject) {
		return
	}
	switch d := e.Data.(type) {
	case *event.AlertRaised:
		if p.warnings[d.Alert] == nil {
			p.warnings[d.Alert] = &happened{key: e.Subject, raised: e.At, severity: d.Severity, rules: rulesOf(nil, d.Reasons), planned: d.Planned != "", asked: d.OnDuty}
			p.forget(e.At)
		}
	case *event.AlertWorsened:
		if w := p.warnings[d.Alert]; w != nil {
			w.severity, w.rules = max(w.severity, d.Severity), rulesOf(w.rules, d.Reasons)
		}
	case *event.AlertClosed:
		if w := p.warnings[d.Alert]; w != nil {
			w.closed, w.outcome, w.admitted = e.At, d.Outcome, d.Disposition == "admitted"
			if d.Contacted && w.contacted == 0 {
				w.contacted = e.At
			}
		}
	case *event.AlertAccepted:
		if w := p.warnings[d.Alert]; w != nil && w.accepted == 0 {
			w.accepted = e.At
		}
	case *event.AlertContacted:
		if w := p.warnings[d.Alert]; w != nil && w.contacted == 0 && d.Outcome == event.Reached {
			w.contacted = e.At
		}
	case *event.AlertShelved:
		if w := p.warnings[d.Alert]; w != nil && (len(w.shelved) == 0 || w.shelved[len(w.shelved)-1].at < e.At) {
			w.shelved = append(w.shelved, laid{at: e.At, reason: d.Reason})
		}
	case *event.AlertUnshelved:
		if w := p.warnings[d.Alert]; w != nil && len(w.shelved) > 0 && d.Why == "expired" {
			w.shelved[len(w.shelved)-1].back = d.Lasts
		}
	case *event.PatientLeft:
		if all := p.away[e.Subject]; len(all) == 0 || all[len(all)-1].to < e.At {
			p.away[e.Subject] = append(all, stretch{e.At, event.Never})
		}
	case *event.PatientResumed:
		if all := p.away[e.Subject]; len(all) > 0 && all[len(all)-1].from < e.At {
			all[len(all)-1].to = min(all[len(all)-1].to, e.At)
		}
	case *event.AlertJudged:
		if w := p.warnings[d.Alert]; w != nil {
			w.outcome = d.Outcome
		}
	}
}

// rulesOf adds the rules that found something; what is only noted, such as a rule that is switched off, found nothing.
func rulesOf(have []ruleOf, reasons []event.Reason) []ruleOf {
	for _, r := range reasons {
		name, _, _ := strings.Cut(r.Rule, ":")
		if one := (ruleOf{r.Pack, name}); r.Severity != event.NoSeverity && !slices.Contains(have, one) {
			have = append(have, one)
		}
	}
	return have
}

// forget lets go of what is older than the record reaches, now and then.
func (p *past) forget(now event.Time) {
	if len(p.warnings) < 2*p.pruned+1000 {
		return
	}
	oldest := now.Add(-(keptWeeks + 1) * week)
	for id, w := range p.warnings {
		if w.raised < oldest {
			delete(p.warnings, id)
		}
	}
	p.pruned = len(p.warnings)
}

package witness

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"sort"
	"sync"
)

// JudgeOptions name the pair that is judged; the zero value judges the patients' pair.
type JudgeOptions struct {
	Options
	Inputs    string // default: inputs
	Decisions string // default: decisions
	Rejected  string // default: rejected
}

// Warning is one alert.raised that holds, and how often it was closed.
type Warning struct {
	Key       string // {tenant}/{patient}
	Alert     string
	Problem   string
	Severity  string
	Episode   int
	Partition int
	Offset    int64
	Closed    bool
	AnswerBy  string // the deadline that stands now, as in the record; empty when closed
}

// Evidence is what the log itself says, for whoever has to decide whether a promise was kept.
type Evidence struct {
	Partitions int
	// Records is how often each msg_id lies in inputs (a repeat is allowed there), Rejected in rejected.
	Records, Rejected map[string]int
	// Folded is how many uploads among the settled inputs brought something new. RepeatsFound is how many
	// settled inputs of any kind brought nothing new, and RepeatsTold how many the steps say they passed
	// over: the two are equal, or something counted twice or was dropped.
	Folded, RepeatsFound, RepeatsTold int
	Steps, Passed                     int64   // steps that hold; records that are void or repeats
	Unclosed                          int     // events at the end of the log whose step is not closed
	Settled, Ends                     []int64 // per partition: inputs settled by a step, and how many there are
	Warnings                          []Warning
	Lives                             int
	// Faults are broken promises in plain sentences; none is the only good answer.
	Faults []string
}

// Missing answers which of the msg_ids are neither in inputs nor in rejected.
func (e *Evidence) Missing(acknowledged []string) []string {
	var missing []string
	for _, id := range acknowledged {
		if e.Records[id] == 0 && e.Rejected[id] == 0 {
			missing = append(missing, id)
		}
	}
	return missing
}

// Behind is how many inputs no step has settled yet.
func (e *Evidence) Behind() (n int64) {
	for p := range e.Ends {
		n += e.Ends[p] - e.Settled[p]
	}
	return n
}

// Of answers the warnings of one patient, in the order in which they were raised.
func (e *Evidence) Of(key string) []Warning {
	var of []Warning
	for _, w := range e.Warnings {
		if w.Key == key {
			of = append(of, w)
		}
	}
	return of
}

// Judge reads the whole pair, as far as it reaches now, and answers what it says. The log must not be
// trimmed: a judge who has not seen the beginning says so.
func Judge(ctx context.Context, o JudgeOptions) (*Evidence, error) {
	o.Inputs, o.Decisions, o.Rejected = or(o.Inputs, "inputs"), or(o.Decisions, "decisions"), or(o.Rejected, "rejected")
	log, hangUp := dial(o.Options)
	defer hangUp()
	known, _, err := log.topics(ctx)
	if err != nil {
		return nil, err
	}
	n := len(known[o.Inputs].Partitions)
	if n == 0 || len(known[o.Decisions].Partitions) != n {
		return nil, fmt.Errorf("judge %s and %s: they have %d and %d partitions, want the same and some", o.Inputs, o.Decisions, n, len(known[o.Decisions].Partitions))
	}
	e := &Evidence{Partitions: n, Records: map[string]int{}, Rejected: map[string]int{}, Settled: make([]int64, n), Ends: make([]int64, n)}
	// Decisions first: what they say was folded must lie in inputs, which are read later and so reach further.
	parts := make([]*partition, n)
	for p := range parts {
		parts[p] = &partition{number: p, evidence: e, alerts: map[string]*Warning{}, episodes: map[string]int{}, seen: map[string]bool{}}
	}
	spans, err := log.bounds(ctx, o.Decisions, n)
	if err != nil {
		return nil, err
	}
	err = forEach(parts, func(p *partition) error { return p.readDecisions(ctx, log, o.Decisions, spans[p.number]) })
	if err != nil {
		return nil, err
	}
	if spans, err = log.bounds(ctx, o.Inputs, n); err != nil {
		return nil, err
	}
	err = forEach(parts, func(p *partition) error { return p.readInputs(ctx, log, o.Inputs, spans[p.number]) })
	if err != nil {
		return nil, err
	}
	for _, p := range parts {
		p.report()
	}
	return e, e.readRejected(ctx, log, o.Rejected, len(known[o.Rejected].Partitions))
}

// partition is what the judge gathers of one of them; report adds it to the evidence.
type partition struct {
	number   int
	evidence *Evidence

	steps    int64
	passed   int64
	unclosed int
	lives    int
	repeats  int   // as the steps tell
	next     int64 // the input behind the last one that was settled
	end      int64

	order    []*Warning
	alerts   map[string]*Warning // by alert
	episodes map[string]int      // the last episode of a patient and problem

	records map[string]int
	seen    map[string]bool // identities in settled inputs
	effect  [2]int64        // the last directory pair: offset and number
	again   int             // settled inputs that brought nothing new
	folded  int             // uploads that did
	faults  []string
}

func (p *partition) fault(format string, args ...any) {
	p.faults = append(p.faults, fmt.Sprintf("partition %d: ", p.number)+fmt.Sprintf(format, args...))
}

func (p *partition) readDecisions(ctx context.Context, log *reader, topic string, s span) error {
	if s.first > 0 {
		return fmt.Errorf("judge %s/%d: it is trimmed up to offset %d, so its beginning cannot be judged", topic, p.number, s.first)
	}
	rule := NewRule(false)
	rule.OnStep = p.step
	err := log.each(ctx, topic, p.number, s.first, s.next, func(r Record) error {
		for _, j := range rule.Read(r) {
			if j.Verdict == Begins {
				p.lives++
			}
		}
		return nil
	})
	p.unclosed = len(rule.Rest())
	p.passed = rule.Passed()
	return err
}

// step takes a step that holds: its inputs go on where the last one ended, and its events happened.
func (p *partition) step(c Closed) {
	p.steps++
	p.repeats += c.Repeats
	switch {
	case c.From > p.next:
		p.fault("step %d begins at input %d, but only those before %d were settled: inputs were skipped", c.Number, c.From, p.next)
	case c.From < p.next:
		p.fault("step %d begins at input %d, but those before %d were settled: inputs count twice", c.Number, c.From, p.next)
	case c.Next < c.From:
		p.fault("step %d ends at input %d, before its beginning %d", c.Number, c.Next, c.From)
	}
	p.next = c.Next
	for _, r := range c.Events {
		p.event(r)
	}
}

// alertEvent is what the judge reads of an alert's life.
type alertEvent struct {
	Alert, Problem, Severity string
	Episode                  int
	AnswerBy                 string `json:"answer_by"`
	CareBy                   string `json:"care_by"`
}

func (p *partition) event(r Record) {
	kind := r.Header("ce_type")
	if len(kind) < 6 || kind[:6] != "alert." {
		return
	}
	var v alertEvent
	if err := json.Unmarshal(r.Value, &v); err != nil {
		p.fault("%s at offset %d cannot be read: %v", kind, r.Offset, err)
		return
	}
	w := p.alerts[v.Alert]
	switch {
	case kind == "alert.raised":
		p.raised(r, v)
	case w == nil:
		p.fault("%s at offset %d speaks of warning %s, which was never raised", kind, r.Offset, v.Alert)
	case w.Closed:
		p.fault("%s at offset %d speaks of warning %s, which is closed", kind, r.Offset, v.Alert)
	case kind == "alert.closed":
		w.Closed, w.AnswerBy = true, ""
	default:
		if v.Severity != "" {
			w.Severity = v.Severity
		}
		w.AnswerBy = or(v.CareBy, or(v.AnswerBy, w.AnswerBy))
	}
}

func (p *partition) raised(r Record, v alertEvent) {
	key := string(r.Key)
	problem := key + " " + v.Problem
	w := &Warning{Key: key, Alert: v.Alert, Problem: v.Problem, Severity: v.Severity, Episode: v.Episode,
		Partition: p.number, Offset: r.Offset, AnswerBy: v.AnswerBy}
	if first := p.alerts[v.Alert]; first != nil {
		p.fault("warning %s is raised at offsets %d and %d", v.Alert, first.Offset, r.Offset)
	}
	for _, other := range p.order {
		if !other.Closed && other.Key == key && other.Problem == v.Problem {
			p.fault("warning %s of %s for %s is raised at offset %d while %s is open: a double", v.Alert, key, v.Problem, r.Offset, other.Alert)
		}
	}
	if last := p.episodes[problem]; v.Episode != last+1 {
		p.fault("warning %s of %s for %s is episode %d, after episode %d", v.Alert, key, v.Problem, v.Episode, last)
	}
	if v.AnswerBy == "" {
		p.fault("warning %s of %s has no deadline", v.Alert, key)
	}
	p.episodes[problem] = v.Episode
	p.alerts[v.Alert] = w
	p.order = append(p.order, w)
}

func (p *partition) readInputs(ctx context.Context, log *reader, topic string, s span) error {
	p.records, p.end = map[string]int{}, s.next
	if s.first > 0 {
		return fmt.Errorf("judge %s/%d: it is trimmed up to offset %d, so its beginning cannot be judged", topic, p.number, s.first)
	}
	if p.next > s.next {
		p.fault("steps settled inputs up to %d, but the log ends at %d: inputs that were folded are gone", p.next, s.next)
	}
	return log.each(ctx, topic, p.number, s.first, s.next, func(r Record) error {
		p.input(r)
		return nil
	})
}

// observation is what the judge reads of an upload.
type observation struct {
	Device    string
	MsgID     string `json:"msg_id"`
	BootID    int64  `json:"boot_id"`
	Seq       int64
	Sequenced bool
	Readings  []struct{ Quantity json.RawMessage }
}

func (p *partition) input(r Record) {
	var o observation
	upload := r.Header("ce_type") == "observation.recorded"
	if upload {
		if err := json.Unmarshal(r.Value, &o); err != nil {
			p.fault("observation at input %d cannot be read: %v", r.Offset, err)
			return
		}
		p.records[o.MsgID]++
	}
	switch {
	case r.Offset >= p.next:
	case !p.brings(r, o):
		p.again++
	case upload:
		p.folded++
	}
}

// brings tells whether an input brings anything that those before it did not: a directory pair beyond the
// last one, a quantity of an upload that was not there, an id that was not there.
func (p *partition) brings(r Record, o observation) bool {
	subject := r.Header("ce_subject")
	if effect := r.Header("ce_effect"); effect != "" {
		var offset, number int64
		if _, err := fmt.Sscanf(effect, "%d.%d", &offset, &number); err != nil {
			p.fault("effect %q at input %d cannot be read: %v", effect, r.Offset, err)
		}
		if offset < p.effect[0] || offset == p.effect[0] && number <= p.effect[1] {
			return false
		}
		p.effect = [2]int64{offset, number}
		return true
	}
	if subject == "*" {
		return true
	}
	if !o.Sequenced {
		return p.first(subject + " id " + r.Header("ce_id"))
	}
	fresh := false
	for _, reading := range o.Readings {
		fresh = p.first(fmt.Sprintf("%s upload %s %d/%d %s", subject, o.Device, o.BootID, o.Seq, reading.Quantity)) || fresh
	}
	return fresh
}

func (p *partition) first(identity string) bool {
	known := p.seen[identity]
	p.seen[identity] = true
	return !known
}

func (p *partition) report() {
	e := p.evidence
	e.Steps += p.steps
	e.Passed += p.passed
	e.Unclosed += p.unclosed
	e.Lives += p.lives
	e.RepeatsTold += p.repeats
	e.RepeatsFound += p.again
	e.Folded += p.folded
	e.Settled[p.number], e.Ends[p.number] = p.next, p.end
	for id, n := range p.records {
		e.Records[id] += n
	}
	for _, w := range p.order {
		e.Warnings = append(e.Warnings, *w)
	}
	if p.again != p.repeats {
		p.fault("its settled inputs hold %d repeats and its steps passed over %d", p.again, p.repeats)
	}
	sort.Strings(p.faults)
	e.Faults = append(e.Faults, p.faults...)
}

func (e *Evidence) readRejected(ctx context.Context, log *reader, topic string, n int) error {
	if n == 0 {
		return nil
	}
	spans, err := log.bounds(ctx, topic, n)
	if err != nil {
		return err
	}
	for p, s := range spans {
		err := log.each(ctx, topic, p, s.first, s.next, func(r Record) error {
			var v struct {
				MsgID string `json:"msg_id"`
			}
			if json.Unmarshal(r.Value, &v) == nil && v.MsgID != "" {
				e.Rejected[v.MsgID]++
			}
			return nil
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// forEach runs do for all partitions side by side.
func forEach(parts []*partition, do func(*partition) error) error {
	errs := make([]error, len(parts))
	var wg sync.WaitGroup
	for i, p := range parts {
		wg.Go(func() { errs[i] = do(p) })
	}
	wg.Wait()
	return errors.Join(errs...)
}

func or(s, otherwise string) string {
	if s == "" {
		return otherwise
	}
	return s
}

package streams

import (
	"errors"
	"fmt"
	"runtime/debug"
	"slices"

	"tocsin/streams/event"
)

const (
	maxInputsPerStep = 2000
	maxCascade       = 64
	maxRulesFenced   = 16 // rules that may fail over one event before the whole part counts as failed
)

// Patient is what one partition keeps of one subject: the cores' states and which inputs have been folded.
type Patient[S any] struct {
	State S    `json:"state"`
	Seen  Seen `json:"seen"`
	// Fences names what has failed for this subject while waiting, so that it is told once.
	Fences []string `json:"fences,omitempty"`
}

// heads is what concerns the partition as a whole, beside the patients.
type heads[F any] struct {
	Common F
	Effect event.Effect // the last directory pair folded
	Clock  event.Time   // the partition's clock: it never runs back
	Input  int64        // the next input
}

// Processor takes one input at a time: what is due, fold, decide, cascade, what is due. It is pure but for the moments that it
// is handed, and knows no medicine; live, replay and backtest run it. It works on copies above a Replica: until a step
// is adopted nothing of it is seen anywhere else.
type Processor[S, F any] struct {
	parts     Parts[S, F]
	partition int32
	topic     string // of decisions
	base      *Replica[S, F]
	inFlight  []*Work[S, F] // steps that are closed and not yet confirmed, oldest first
	work      *Work[S, F]   // the step that is being gathered
	waiting   waiting

	// OnPanic hears where a core panicked; what the fence makes of it lies in the log.
	OnPanic func(machine string, cause error, stack []byte)
}

// Work is one step while it is decided: the copies that it changed and the records that will say so.
type Work[S, F any] struct {
	Number  int64
	Life    string
	Events  []event.Envelope
	Records []Record
	Close   event.StepClosed

	heads   heads[F]
	touched map[string]*Patient[S]
	now     event.Time // of this turn
	after   int64      // offset of the last input folded
	lastRun event.Time
	dirty   []string       // whose moment to be asked has to be computed anew
	skip    map[int]string // part -> id of the event that it could not fold, so that it is not asked about it
}

// NewProcessor begins to decide above base, in the life that is given.
func NewProcessor[S, F any](parts Parts[S, F], base *Replica[S, F], life string) *Processor[S, F] {
	p := &Processor[S, F]{parts: parts, partition: base.partition, topic: base.pair.Decisions, base: base}
	p.begin(life, base.at.Number+1, base.heads)
	// Whoever was to be asked at or before the clock has been asked and had nothing to say: that is how a step ends.
	for key, pat := range base.patients {
		if due := p.nextDue(pat); due <= base.heads.Clock {
			p.waiting.block(key)
		} else {
			p.waiting.put(key, due)
		}
	}
	return p
}

func (p *Processor[S, F]) begin(life string, number int64, h heads[F]) {
	p.work = &Work[S, F]{Number: number, Life: life, heads: h, touched: map[string]*Patient[S]{}, now: h.Clock, after: h.Input - 1, skip: map[int]string{}}
	p.work.Close = event.StepClosed{Number: number, Inputs: event.Span{From: h.Input, Next: h.Input}}
}

// Clock answers the partition's clock as the newest work has it.
func (p *Processor[S, F]) Clock() event.Time { return p.work.heads.Clock }

// NextInput answers the offset of the input to take next.
func (p *Processor[S, F]) NextInput() int64 { return p.work.heads.Input }

// NextDue answers when something is due next, as far as is known without new inputs.
func (p *Processor[S, F]) NextDue() event.Time { return p.waiting.next() }

// Full tells whether the step has taken as many inputs as a step may.
func (p *Processor[S, F]) Full() bool {
	return p.work.Close.Inputs.Next-p.work.Close.Inputs.From >= maxInputsPerStep
}

// Empty tells whether the step has nothing to say yet.
func (p *Processor[S, F]) Empty() bool {
	return p.work.Close.Inputs.Next == p.work.Close.Inputs.From && len(p.work.Events) == 0
}

// InFlight answers how many steps are closed and not yet confirmed.
func (p *Processor[S, F]) InFlight() int { return len(p.inFlight) }

// Tick looks at what waiting has brought about by now. It does nothing when nothing is due.
func (p *Processor[S, F]) Tick(now event.Time) {
	if now < p.work.heads.Clock {
		return
	}
	if p.waiting.ready(now, p.dueOf) {
		p.turn(p.work.heads.Input, p.work.heads.Input, now)
		p.runDue()
	}
	p.work.heads.Clock, p.work.now = now, now
}

// Input folds the input at offset at the moment now and decides what follows. e is nil for a record that could not be
// decoded: why says what was wrong with it, and the rest of the log goes on.
func (p *Processor[S, F]) Input(offset int64, key string, e *event.Envelope, why error, now event.Time) {
	now = max(now, p.work.heads.Clock)
	p.turn(offset, offset+1, now)
	p.work.heads.Clock = now
	p.runDue()
	p.work.after = offset
	switch {
	case e == nil:
		p.undecodable(offset, key, why)
	case e.Subject == event.Everyone:
		p.everyone(*e)
	default:
		p.fold(*e)
	}
	p.work.heads.Input = offset + 1
	p.work.Close.Inputs.Next = offset + 1
	p.runDue()
}

// turn notes what is done next and at which moment, so that a replay does the same.
func (p *Processor[S, F]) turn(from, next int64, now event.Time) {
	w := p.work
	w.now = now
	runs := w.Close.Runs
	if last := len(runs) - 1; last >= 0 && runs[last].Next == from && runs[last].From < runs[last].Next && next > from {
		runs[last].Next = next
		runs[last].NowMs = append(runs[last].NowMs, int64(now-w.lastRun))
	} else {
		w.Close.Runs = append(runs, event.Run{From: from, Next: next, NowMs: []int64{int64(now)}})
	}
	w.lastRun = now
}

// fold gives one input to the patient whom it concerns.
func (p *Processor[S, F]) fold(e event.Envelope) {
	w := p.work
	if !e.Effect.IsZero() {
		if !e.Effect.After(w.heads.Effect) {
			w.Close.Repeats++
			return
		}
		w.heads.Effect = e.Effect
	}
	pat := p.touch(e.Subject)
	e, ok := pat.admit(e)
	if !ok {
		w.Close.Repeats++
		return
	}
	p.cascade(append([]event.Envelope{e}, p.apply(e.Subject, pat, e)...))
}

// admit passes over what has been folded before; of an upload that was folded in part it leaves the rest.
func (pat *Patient[S]) admit(e event.Envelope) (event.Envelope, bool) {
	o, ok := e.Data.(*event.ObservationRecorded)
	if !ok {
		return e, !e.Effect.IsZero() || pat.Seen.ID(e.ID, e.At) != IsRepeat
	}
	if !o.Sequenced {
		v := pat.Seen.ID(e.ID, o.MeasuredAt)
		if v == IsLate {
			late := *o
			late.Late = true
			e.Data = &late
		}
		return e, v != IsRepeat
	}
	mask := uint32(0)
	for _, r := range o.Readings {
		mask |= 1 << r.Quantity
	}
	fresh, v := pat.Seen.Upload(o.Device, o.BootID, o.Seq, mask)
	if v == IsRepeat {
		return e, false
	}
	if fresh == mask && v == IsNew {
		return e, true
	}
	part := *o
	part.Late = v == IsLate
	part.Readings = nil
	for _, r := range o.Readings {
		if fresh&(1<<r.Quantity) != 0 {
			part.Readings = append(part.Readings, r)
		}
	}
	e.Data = &part
	return e, true
}

// everyone folds what concerns all, then asks again everybody who was waiting for something of the kind.
func (p *Processor[S, F]) everyone(e event.Envelope) {
	w := p.work
	if !e.Effect.IsZero() {
		if !e.Effect.After(w.heads.Effect) {
			w.Close.Repeats++
			return
		}
		w.heads.Effect = e.Effect
	}
	key := PartitionKey(p.partition)
	pat := p.touch(key)
	queue := []event.Envelope{e}
	for i := range p.parts.count() {
		if err := guard(func() error { return p.parts.common(i, &w.heads.Common, e, w.now) }); err != nil {
			queue = append(queue, p.fence(key, i, e.ID, true, err)...)
		}
	}
	p.cascade(append(queue, p.apply(key, pat, e)...))
	if _, ok := e.Data.(*event.DoorOpened); ok {
		p.waiting.unblock(p.dueOf)
	} else {
		p.redue()
	}
}

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

// undecodable keeps the place of a record that could not be read in an open technical warning; its bytes lie in `rejected`.
func (p *Processor[S, F]) undecodable(offset int64, key string, why error) {
	if key == "" || key == event.Everyone {
		key = PartitionKey(p.partition)
	}
	p.technical(key, "undecodable", fmt.Sprintf("input %d could not be read and lies in topic %s: %v", offset, Rejected, why), offset)
}

// KindClockLeap is the technical fault that the owner's clock raises itself, between inputs.
const KindClockLeap = "clock_leap"

// Technical raises a technical event of the partition itself at now, such as a leap of the clock.
func (p *Processor[S, F]) Technical(f event.TechnicalFault, now event.Time) {
	now = max(now, p.work.heads.Clock)
	p.turn(p.work.heads.Input, p.work.heads.Input, now)
	p.work.heads.Clock = now
	key := PartitionKey(p.partition)
	p.touch(key)
	p.cascade(p.emit(key, &f, ""))
	p.runDue()
}

func (p *Processor[S, F]) technical(key, kind, detail string, offset int64) {
	p.touch(key)
	p.cascade(p.emit(key, &event.TechnicalFault{Kind: kind, Detail: detail, Offset: offset}, ""))
}

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
	e := event.Envelope{
		ID: fmt.Sprintf("%s.%d.%s.%d.%d", p.topic, p.partition, w.Life, w.Number, len(w.Events)), Source: "owner/" + p.topic,
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

// fence puts on record that part i failed for this subject. When it is not one rule that failed but the whole part,
// the partition's own warning says so too: the part that failed may be the one which warns.
func (p *Processor[S, F]) fence(key string, i int, of string, passed bool, err error) []event.Envelope {
	if passed {
		p.work.skip[i] = of
	}
	f := &event.RuleFenced{Machine: p.parts.name(i), Of: of, Passed: passed, Detail: cut(err.Error(), 2000)}
	var rule event.RulePanic
	if errors.As(err, &rule) {
		f.Rule = rule.Rule
	}
	var where panicked
	if p.OnPanic != nil && errors.As(err, &where) {
		p.OnPanic(f.Machine, err, where.stack)
	}
	said := p.emit(key, f, of)
	if whole := PartitionKey(p.partition); f.Rule == "" && key != whole {
		said = append(said, p.emit(whole, &event.TechnicalFault{Kind: "fenced", Offset: -1, Detail: fmt.Sprintf("%s failed for one patient (event %s): %s", f.Machine, of, cut(f.Detail, 300))}, of)...)
	}
	return said
}

// panicked is a panic of a core. Its stack is for whoever mends it and never for the log: it differs from run to run.
type panicked struct {
	cause any
	stack []byte
}

func (p panicked) Error() string { return fmt.Sprintf("panic: %v", p.cause) }

// guard turns a panic of a core into an error.
func guard(call func() error) (err error) {
	defer func() {
		if r := recover(); r != nil {
			if rule, ok := r.(event.RulePanic); ok {
				err = rule
				return
			}
			err = panicked{cause: r, stack: debug.Stack()}
		}
	}()
	return call()
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
	p.waiting.block(key)
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
	fence := p.parts.name(i)
	var rule event.RulePanic
	if errors.As(err, &rule) {
		fence += "/" + rule.Rule
	}
	if slices.Contains(pat.Fences, fence) {
		return nil, nil
	}
	pat = p.touch(key)
	pat.Fences = append(slices.Clone(pat.Fences), fence)
	return nil, p.fence(key, i, "", false, err)
}

// dueOf answers when a subject is to be asked, as its newest copy has it.
func (p *Processor[S, F]) dueOf(key string) event.Time { return p.nextDue(p.peek(key)) }

func (p *Processor[S, F]) nextDue(pat *Patient[S]) event.Time {
	next := event.Never
	if pat == nil {
		return next
	}
	for i := range p.parts.count() {
		err := guard(func() error {
			next = min(next, p.parts.nextDue(i, &p.work.heads.Common, &pat.State))
			return nil
		})
		if err != nil { // it is asked what is due soon, and says there what is wrong
			next = min(next, p.work.now)
		}
	}
	return next
}

// peek answers the newest copy of a subject without making one; nil when there is none.
func (p *Processor[S, F]) peek(key string) *Patient[S] {
	if pat, ok := p.work.touched[key]; ok {
		return pat
	}
	for i := len(p.inFlight) - 1; i >= 0; i-- {
		if pat, ok := p.inFlight[i].touched[key]; ok {
			return pat
		}
	}
	return p.base.patients[key]
}

// touch answers this step's own copy of a subject.
func (p *Processor[S, F]) touch(key string) *Patient[S] {
	if pat, ok := p.work.touched[key]; ok {
		return pat
	}
	mine := &Patient[S]{}
	if pat := p.peek(key); pat != nil {
		*mine = *pat
		mine.Seen = pat.Seen.clone()
	}
	p.work.touched[key] = mine
	return mine
}

// CloseStep ends the step that has been gathered and begins the next on top of it. It answers the records to append, in
// their order, the closing record last.
func (p *Processor[S, F]) CloseStep() (*Work[S, F], error) {
	w := p.work
	w.Close.Count, w.Close.Clock = len(w.Events), w.heads.Clock
	e := event.Envelope{
		ID: fmt.Sprintf("%s.%d.%s.%d", p.topic, p.partition, w.Life, w.Number), Source: "owner/" + p.topic, Subject: PartitionKey(p.partition),
		At: w.heads.Clock, Life: w.Life, Step: w.Number, Index: len(w.Events), After: w.heads.Input - 1, Data: &w.Close,
	}
	r, err := ToRecord(p.topic, p.partition, e.Subject, e)
	if err != nil {
		return nil, fmt.Errorf("close step %d: %w", w.Number, err)
	}
	w.Records = append(w.Records, r)
	p.inFlight = append(p.inFlight, w)
	p.begin(w.Life, w.Number+1, w.heads)
	return w, nil
}

// Confirm adopts the oldest step in flight into the replica, which must be the one that was seen to hold.
func (p *Processor[S, F]) Confirm(held *Step) error {
	if len(p.inFlight) == 0 || p.inFlight[0].Number != held.Number || p.inFlight[0].Life != held.Life {
		return fmt.Errorf("step %d of life %s holds, but it is not the one that was waited for", held.Number, held.Life)
	}
	w := p.inFlight[0]
	p.inFlight = p.inFlight[1:]
	for key, pat := range w.touched {
		p.base.patients[key] = pat
	}
	p.base.heads, p.base.at = w.heads, held.Position
	return nil
}

func cut(s string, n int) string {
	if len(s) > n {
		return s[:n] + "…"
	}
	return s
}

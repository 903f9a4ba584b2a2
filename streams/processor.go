package streams

import (
	"fmt"

	"tocsin/streams/event"
)

const (
	maxInputsPerStep = 2000
	maxCascade       = 64
	maxRulesFenced   = 16 // rules that may fail over one event before the whole part counts as failed
)

// heads is what concerns the partition as a whole, beside the patients.
type heads[F any] struct {
	Common F
	Effect event.Effect // the last directory pair folded
	Clock  event.Time   // the partition's clock: it never runs back
	Input  int64        // the next input
}

// hear notes how far the directory's effects have come, and tells whether this one is new; what is no effect always is.
func (h *heads[F]) hear(e event.Effect) bool {
	if e.IsZero() {
		return true
	}
	if !e.After(h.Effect) {
		return false
	}
	h.Effect = e
	return true
}

// Processor takes one input at a time: what is due, fold, decide, cascade, what is due. It is pure but for the moments that it
// is handed, and knows no medicine; live, replay and backtest run it. It works on copies above a Replica: until a step
// is adopted nothing of it is seen anywhere else.
type Processor[S, F any] struct {
	parts     Parts[S, F]
	partition int32
	key       string // of the partition's own state
	topic     string // of decisions
	source    string
	base      *Replica[S, F]
	inFlight  []*Work[S, F] // steps that are closed and not yet confirmed, oldest first
	work      *Work[S, F]   // the step that is being gathered
	waiting   waiting

	// OnPanic hears where a core panicked; what the fence makes of it lies in the log.
	OnPanic func(machine string, cause error, stack []byte)

	tell func(event.Envelope) // of a WhatIf: hears what was decided in place of the log
	told int                  // how much it has heard
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
	prefix  string         // of the ids of its events
	dirty   []string       // whose moment to be asked has to be computed anew
	last    touched[S]     // the copy that was asked for last: uploads of one patient come close together
	skip    map[int]string // part -> id of the event that it could not fold, so that it is not asked about it
}

// touched is one of a step's own copies.
type touched[S any] struct {
	key string
	pat *Patient[S]
}

// NewProcessor begins to decide above base, in the life that is given.
func NewProcessor[S, F any](parts Parts[S, F], base *Replica[S, F], life string) *Processor[S, F] {
	p := &Processor[S, F]{parts: parts, partition: base.partition, key: PartitionKey(base.partition), topic: base.pair.Decisions, source: "owner/" + base.pair.Decisions, base: base}
	p.begin(life, base.at.Number+1, base.heads)
	// Whoever was to be asked at or before the clock has been asked and had nothing to say: that is how a step ends.
	for key := range base.patients {
		if p.dueOf(key) <= base.heads.Clock {
			p.waiting.block(key, base.heads.Clock)
		}
		p.waiting.put(key, p.dueOf(key))
	}
	return p
}

func (p *Processor[S, F]) begin(life string, number int64, h heads[F]) {
	p.work = &Work[S, F]{Number: number, Life: life, heads: h, touched: map[string]*Patient[S]{}, now: h.Clock, after: h.Input - 1, skip: map[int]string{}}
	p.work.prefix = fmt.Sprintf("%s.%d.%s.%d.", p.topic, p.partition, life, number)
	p.work.Close = event.StepClosed{Number: number, Inputs: event.Span{From: h.Input, Next: h.Input}}
}

// Clock answers the partition's clock as the newest work has it.
func (p *Processor[S, F]) Clock() event.Time { return p.work.heads.Clock }

// NextInput answers the offset of the input to take next.
func (p *Processor[S, F]) NextInput() int64 { return p.work.heads.Input }

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
	if p.tell != nil {
		return
	}
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
	if !w.heads.hear(e.Effect) {
		w.Close.Repeats++
		return
	}
	pat := p.touch(e.Subject)
	e, ok := pat.admit(e, w.now)
	if !ok {
		w.Close.Repeats++
		return
	}
	if !p.quietly(e.Subject, pat, e) {
		p.cascade(append([]event.Envelope{e}, p.apply(e.Subject, pat, e)...))
	}
}

// quietly folds a reading or a beat from which nothing follows, in one call. It is false, and nothing has been done, when something does or a
// part fails: then each part is asked by itself, so that what follows has its order and the fence knows whom it is put up for.
func (p *Processor[S, F]) quietly(key string, pat *Patient[S], e event.Envelope) (quiet bool) {
	switch e.Data.(type) {
	case *event.ObservationRecorded, *event.DoorOpened:
	default:
		return false
	}
	if len(p.work.skip) > 0 {
		return false
	}
	defer func() {
		if recover() != nil {
			quiet = false // it fails again where it is fenced
		}
	}()
	next, quiet := p.parts.quietly(&p.work.heads.Common, &pat.State, e, p.work.now)
	if quiet {
		p.waiting.reached(key)
		p.waiting.put(key, next)
	}
	return quiet
}

// everyone folds what concerns all, then asks again everybody who was waiting for something of the kind.
func (p *Processor[S, F]) everyone(e event.Envelope) {
	w := p.work
	if !w.heads.hear(e.Effect) {
		w.Close.Repeats++
		return
	}
	key := p.key
	pat := p.touch(key)
	var fences []event.Envelope
	for i := range p.parts.count() {
		if err := guard(func() error { return p.parts.common(i, &w.heads.Common, e, w.now) }); err != nil {
			fences = append(fences, p.fence(key, i, e.ID, true, err)...)
		}
	}
	if len(fences) > 0 || !p.quietly(key, pat, e) {
		p.cascade(append(append([]event.Envelope{e}, fences...), p.apply(key, pat, e)...))
	}
	if _, ok := e.Data.(*event.DoorOpened); ok {
		p.waiting.unblock(p.dueOf) // a beat lets waits end but brings no moment nearer, and comes every few seconds
	} else {
		p.redue()
	}
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

// CloseStep ends the step that has been gathered and begins the next on top of it. It answers the records to append, in
// their order, the closing record last.
func (p *Processor[S, F]) CloseStep() (*Work[S, F], error) {
	w := p.work
	w.Close.Count, w.Close.Clock = len(w.Events), w.heads.Clock
	e := event.Envelope{
		ID: fmt.Sprintf("%s.%d.%s.%d", p.topic, p.partition, w.Life, w.Number), Source: p.source, Subject: PartitionKey(p.partition),
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

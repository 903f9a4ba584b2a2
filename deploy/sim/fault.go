package sim

import (
	"context"
	"fmt"
	"time"

	"tocsin/streams"
	"tocsin/streams/event"
)

// owner is a process that believes, rightly or not, that a partition is its own. It has the real processor and the
// real rule of reading; what it writes lands record by record, when the world lets it.
type owner struct {
	w         *world
	name      string
	partition int32
	skew      time.Duration

	base        *replica
	steps       *streams.Steps
	proc        *streams.Processor[state, facts]
	life        string
	lives       int
	outbox      []streams.Record // decided, not yet in the log
	pausedUntil event.Time
	restUntil   event.Time // after a life has ended
	crashes     int
}

// act is one turn: something of what was decided lands, what stands in the log is read, inputs are taken.
func (o *owner) act() {
	w := o.w
	if o.pausedUntil > w.now || o.restUntil > w.now {
		return
	}
	if w.faults {
		switch w.rng.IntN(300) {
		case 0:
			o.crash()
			return
		case 1:
			o.pausedUntil = w.now.Add(time.Duration(w.rng.IntN(120)) * time.Second)
			return
		}
	}
	if o.base == nil {
		o.restore()
	}
	if o.life == "" {
		o.open()
		return
	}
	o.land()
	if !o.readBack() {
		return
	}
	o.decide()
}

// crash forgets everything, also what was on its way: a step may stand in the log by half.
func (o *owner) crash() {
	*o = owner{w: o.w, name: o.name, partition: o.partition, skew: o.skew, lives: o.lives, crashes: o.crashes + 1, restUntil: o.w.now.Add(time.Duration(o.w.rng.IntN(30)) * time.Second)}
}

func (o *owner) restore() {
	base, err := streams.Restore(context.Background(), o.w.log, streams.PatientPair, o.partition, o.w.parts)
	if err != nil {
		o.w.fail("owner %s restores: %v", o.name, err)
		return
	}
	o.base, o.steps = base, streams.NewSteps(base.At())
}

// open begins a life when the group says that the partition is ours, and sometimes when it is not.
func (o *owner) open() {
	w := o.w
	if w.assigned[o.partition] != o.name && (!w.faults || w.rng.IntN(100) > 0) {
		return
	}
	o.lives++
	o.life = fmt.Sprintf("%s-%d-%d", o.name, o.partition, o.lives)
	key := streams.PartitionKey(o.partition)
	r, err := streams.ToRecord(streams.Decisions, o.partition, key, event.Envelope{ID: "open." + o.life, Source: "owner/" + o.name, Subject: key, At: w.now, Life: o.life, After: -1, Data: &event.OwnerOpened{Life: o.life, Owner: o.name}})
	if err != nil {
		panic(err)
	}
	w.write(r)
}

// land lets some of what was decided reach the log.
func (o *owner) land() {
	n := len(o.outbox)
	if o.w.faults && n > 0 {
		n = o.w.rng.IntN(n + 1)
	}
	for _, r := range o.outbox[:n] {
		o.w.write(r)
		if o.w.faults && o.w.rng.IntN(30) == 0 {
			o.w.write(r) // a client may write twice
		}
	}
	o.outbox = o.outbox[n:]
}

// readBack reads the decisions and tells whether this life goes on.
func (o *owner) readBack() bool {
	for _, r := range o.w.since(streams.Decisions, o.partition, o.steps.Next()) {
		void := o.steps.Void()
		step, err := o.steps.Read(r)
		switch {
		case err != nil:
			o.w.fail("owner %s reads back: %v", o.name, err)
			return false
		case o.proc != nil && o.steps.Life() != o.life:
			return o.end()
		case step != nil && o.proc != nil:
			if err := o.proc.Confirm(step); err != nil {
				o.w.fail("owner %s: %v", o.name, err)
			}
		case step != nil:
			if _, err := o.base.Apply(step, o.w.inputs(o.partition, step.Close.Inputs.From, step.Close.Inputs.Next)); err != nil {
				o.w.fail("owner %s settles: %v", o.name, err)
			}
		case o.proc != nil && o.steps.Void() > void && lifeOf(r) == o.life:
			return o.end()
		}
		if o.proc == nil && o.steps.Life() == o.life {
			o.proc = streams.NewProcessor(o.w.parts, o.base, o.life)
		}
	}
	if o.proc == nil && o.steps.Life() != o.life { // another was opened after ours
		return o.end()
	}
	return true
}

// end ends the life; the states that were confirmed stay.
func (o *owner) end() bool {
	o.life, o.proc, o.outbox = "", nil, nil
	o.restUntil = o.w.now.Add(time.Duration(5+o.w.rng.IntN(60)) * time.Second)
	return false
}

func lifeOf(r streams.Record) string {
	e, _, err := event.Attributes(r.Headers)
	if err != nil {
		return ""
	}
	return e.Life
}

// decide takes inputs and closes a step, sometimes a small one. It looks at the clock only once it has folded what
// stood in the log when it took the time.
func (o *owner) decide() {
	w := o.w
	if o.proc == nil || o.proc.InFlight() >= 4 {
		return
	}
	present := w.now.Add(o.skew)
	inputs := w.inputs(o.partition, o.proc.NextInput(), -1)
	for _, in := range inputs[:min(len(inputs), 1+w.rng.IntN(40))] {
		o.proc.Input(in.Offset, in.Key, in.Envelope, in.Why, min(in.Envelope.At, present))
	}
	if len(w.inputs(o.partition, o.proc.NextInput(), -1)) == 0 {
		o.proc.Tick(present)
	}
	if o.proc.Empty() {
		return
	}
	work, err := o.proc.CloseStep()
	if err != nil {
		w.fail("owner %s: %v", o.name, err)
		return
	}
	o.outbox = append(o.outbox, work.Records...)
	if w.rng.IntN(50) == 0 {
		o.checkpoint()
	}
}

// checkpoint writes a round from what is confirmed, sometimes without its end.
func (o *owner) checkpoint() {
	if o.base.At().Number == 0 {
		return
	}
	writer, err := o.w.log.Write(o.name)
	if err != nil {
		panic(err)
	}
	if err := o.base.Checkpoint(context.Background(), writer, o.w.now); err != nil {
		o.w.fail("checkpoint: %v", err)
	}
	if err := writer.Close(); err != nil {
		panic(err)
	}
}

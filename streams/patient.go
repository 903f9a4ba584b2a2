package streams

import (
	"tocsin/streams/event"
)

// Patient is what one partition keeps of one subject: the cores' states and which inputs have been folded.
type Patient[S any] struct {
	State S    `json:"state"`
	Seen  Seen `json:"seen"`
	// Fences names what has failed for this subject while waiting, so that it is told once.
	Fences []string `json:"fences,omitempty"`
}

// answersBit stands in the mask of an upload that brought answers: all of them are one thing, which came or did not.
const answersBit uint32 = 1 << event.NoQuantity

// A mask has a bit for each quantity; with more of them it has to grow first.
const _ = uint(32 - event.Quantities)

// admit passes over what has been folded before; of an upload that was folded in part it leaves the rest. now is the
// moment of folding: nothing counts as later than that, or one clock that runs ahead would make late all that comes after.
func (pat *Patient[S]) admit(e event.Envelope, now event.Time) (event.Envelope, bool) {
	o, ok := e.Data.(*event.ObservationRecorded)
	if !ok {
		return e, !e.Effect.IsZero() || pat.Seen.ID(e.ID, min(e.At, now)) != IsRepeat
	}
	if !o.Sequenced {
		v := pat.Seen.ID(e.ID, min(o.MeasuredAt, now))
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
	if len(o.Answers) > 0 {
		mask |= answersBit
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
	if fresh&answersBit == 0 {
		part.Answers = nil
	}
	for _, r := range o.Readings {
		if fresh&(1<<r.Quantity) != 0 {
			part.Readings = append(part.Readings, r)
		}
	}
	e.Data = &part
	return e, true
}

// peek answers the newest copy of a subject without making one; nil when there is none.
func (p *Processor[S, F]) peek(key string) *Patient[S] {
	if p.work.last.pat != nil && p.work.last.key == key {
		return p.work.last.pat
	}
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
	if p.work.last.pat != nil && p.work.last.key == key {
		return p.work.last.pat
	}
	mine := p.own(key)
	if key != p.key { // the partition's own is asked for at every beat
		p.work.last = touched[S]{key, mine}
	}
	return mine
}

func (p *Processor[S, F]) own(key string) *Patient[S] {
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

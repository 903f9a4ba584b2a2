package backtest

import (
	"strconv"
	"strings"

	"tocsin/streams/event"
)

// Turn is one thing that the live fold did, at the moment at which it did: an input that it folded, or a look at what was
// due. Due is what is due at the first look at or after its moment, so both sides are looked at when the live one was.
type Turn struct {
	At    event.Time
	Input *event.Envelope // nil: a look, or an input of somebody else
}

// Shard is a part of one partition's patients, with both sides. It is used from one goroutine; shards share nothing that
// changes.
type Shard struct {
	Sides []*Side

	span   Span
	scope  Scope
	live   *live
	watch  *watch
	begun  bool
	at     event.Time // the newest moment
	inputs int64
	values int64
}

// NewShard begins with nobody known. Each side gets its fold with Use.
func NewShard(span Span, scope Scope, swaps ...*Swap) *Shard {
	s := &Shard{span: span, scope: scope, live: newLive(span), watch: newWatch(scope.Groups)}
	for _, w := range swaps {
		s.Sides = append(s.Sides, newSide(span, w, s.live))
	}
	return s
}

// Use gives a side its fold, which tells the side's Hear what it decides.
func (s *Side) Use(f Fold) { s.fold = f }

// Wants tells whether the shard's backtest is about a patient. Who is in none of its groups gives the same on both sides
// and is not folded at all.
func (s *Scope) Wants(key string) bool { return s.Patients[key] }

// Over tells that the span has ended: nothing further is taken.
func (s *Shard) Over() bool { return s.at >= s.span.To }

// Take takes the next turn of the partition, in the recorded order.
func (s *Shard) Take(t Turn) {
	if t.At >= s.span.To {
		s.at = t.At
	}
	if s.Over() {
		return
	}
	s.at = max(s.at, t.At)
	if t.Input != nil {
		s.count(t.Input)
	}
	for _, side := range s.Sides {
		if !s.begun {
			side.begin(t.At)
		}
		side.take(t)
	}
	s.begun = true
}

// Happened takes what was decided live, each after the inputs that it followed.
func (s *Shard) Happened(e event.Envelope) {
	if !s.Over() && e.At < s.span.To {
		s.live.hear(e)
	}
}

func (s *Shard) count(e *event.Envelope) {
	s.inputs++
	switch d := e.Data.(type) {
	case *event.ObservationRecorded:
		s.values += int64(len(d.Readings) + len(d.Answers))
	case *event.PatientEnrolled:
		s.watch.belongs(e.Subject, d.Tenant, d.Group, d.Also, s.at)
	case *event.PatientGrouped:
		s.watch.belongs(e.Subject, d.Tenant, d.Group, d.Also, s.at)
	}
}

// begin says what nobody ever published or set.
func (s *Side) begin(at event.Time) {
	for i, d := range s.swap.before {
		s.fold.Input(event.Envelope{ID: "backtest/" + strconv.Itoa(i), Source: "backtest", Subject: event.Everyone, At: at, Data: d}, at)
	}
}

// take gives one turn to a side.
func (s *Side) take(t Turn) {
	switch {
	case t.Input == nil:
		s.fold.Tick(t.At)
	case t.Input.Subject == event.Everyone:
		if _, beat := t.Input.Data.(*event.DoorOpened); beat {
			s.fold.Input(*t.Input, t.At)
		} else {
			s.fold.Input(s.swap.rewrite(*t.Input), t.At)
		}
	default:
		s.input(t.Input, t.At)
	}
	if len(s.answer) > 0 || len(s.open) > 0 && s.open[0].by <= t.At {
		s.act(t.At)
	}
}

// input gives an input of a patient to a side: what people wished goes to the warning that is open here.
func (s *Side) input(e *event.Envelope, at event.Time) {
	w, ok := e.Data.(event.Wish)
	if !ok || w.Asked().Alert == "" { // what concerns the patient concerns this side as well
		s.fold.Input(*e, at)
		return
	}
	for _, e := range s.redirect(*e, w) {
		s.fold.Input(e, at)
	}
}

func cutKey(key string) (tenant, name string) {
	tenant, name, _ = strings.Cut(key, "/")
	return tenant, name
}

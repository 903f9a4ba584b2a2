package streams

import "tocsin/streams/event"

// Machine is the one shape of rules, alerts, care and the registrar: S is the state of one patient (or one entity of
// the directory), F what concerns everyone in the partition. Both are plain values whose JSON reads back to the same
// value, and no method alters what it was given: slices and maps are copied before they are changed. There is no clock, no
// randomness and no I/O in any of them; time comes in.
type Machine[S, F any] interface {
	// Common folds an event whose subject is event.Everyone.
	Common(f F, e event.Envelope, at event.Time) (F, error)
	// Apply folds an input or a decided event into s at the moment at. Types that are none of its business leave s as it is.
	Apply(f F, s S, e event.Envelope, at event.Time) (S, error)
	// Decide answers what follows from e, which has just been applied to s, at the moment now.
	Decide(f F, s S, e event.Envelope, now event.Time) ([]event.Event, error)
	// Due answers what waiting has brought about by now, in a fixed order. It must bring NextDue past now, or it is asked
	// again only when something reaches the patient or everyone.
	Due(f F, s S, now event.Time) []event.Event
	// NextDue answers when to ask again; event.Never when nothing is waited for. A door's beat (event.DoorOpened) must bring
	// it no nearer: beats are many, and nobody's moment is computed anew after one.
	NextDue(f F, s S) event.Time
}

// Quiet is what a machine may be beside: one that folds and decides in one look where nothing follows, which is nearly always.
// Whoever has none of it is asked Apply and Decide.
type Quiet[S, F any] interface {
	// Quietly applies e to s when nothing follows from it: s is then what Apply answers, of which Decide answers nothing, and
	// next is what NextDue answers of it. Otherwise it is false and s is as it was.
	Quietly(f *F, s *S, e event.Envelope, now event.Time) (next event.Time, quiet bool)
}

// About answers the subject that a decided event concerns when it is another than that of its cause; only the
// registrar's events implement it.
type About interface{ About() string }

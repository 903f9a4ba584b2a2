package streams

import "tocsin/streams/event"

// WhatIf is the processor as it would have decided, beside the log: the functions and the order are those of live, but
// what is decided is told to a listener instead of being encoded, no step is ever closed, and there is no way from it to a
// writer. A backtest stands on it.
//
// It keeps what it folds and nothing else, so it begins with the first input that there is. One WhatIf may be given a part
// of a partition's patients, as long as it gets all that concerns everyone: patients do not touch one another.
type WhatIf[S, F any] struct {
	p *Processor[S, F]
}

// NewWhatIf begins with nobody known. tell hears of each event that was decided, in their order.
func NewWhatIf[S, F any](parts Parts[S, F], partition int32, tell func(event.Envelope)) *WhatIf[S, F] {
	p := NewProcessor(parts, NewReplica(parts, PatientPair, partition), "what-if")
	p.tell = tell
	return &WhatIf[S, F]{p}
}

// Input folds one input at the moment now and decides what follows.
func (w *WhatIf[S, F]) Input(e event.Envelope, now event.Time) {
	next := w.p.work.heads.Input
	w.p.Input(next, e.Subject, &e, nil, now)
}

// Tick looks at what waiting has brought about by now.
func (w *WhatIf[S, F]) Tick(now event.Time) { w.p.Tick(now) }

// Clock answers the newest moment; zero before the first.
func (w *WhatIf[S, F]) Clock() event.Time { return w.p.Clock() }

// Get answers the cores' state of one subject.
func (w *WhatIf[S, F]) Get(key string) (S, bool) {
	if p := w.p.peek(key); p != nil {
		return p.State, true
	}
	var none S
	return none, false
}

package rules

import "tocsin/streams/event"

// NextDueOfAll is NextDue by everything that is found, and not by what was told alone.
func NextDueOfAll(f Facts, s State) event.Time {
	x := eval{f: f, s: s, folding: true}
	if x.open(); x.p == nil {
		return event.Never
	}
	if len(x.s.Found.Reasons)+len(x.s.Waits)+len(x.s.Settles) > 0 {
		x.findings(nil)
	}
	return x.nextDue()
}

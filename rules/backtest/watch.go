package backtest

import (
	"tocsin/streams/event"
)

// watch is who was watched by the groups in question, and from when to when.
type watch struct {
	groups map[string]bool
	spells map[string][]Span // by patient; an open one ends at event.Never
}

func newWatch(groups map[string]bool) *watch { return &watch{groups, map[string][]Span{}} }

func (w *watch) belongs(patient, tenant, group string, also []string, at event.Time) {
	in := w.groups[tenant+"/"+group]
	for _, g := range also {
		in = in || w.groups[tenant+"/"+g]
	}
	all := w.spells[patient]
	open := len(all) > 0 && all[len(all)-1].To == event.Never
	switch {
	case in && !open:
		w.spells[patient] = append(all, Span{at, event.Never})
	case !in && open:
		all[len(all)-1].To = at
	}
}

// within cuts the spells to a span.
func (w *watch) within(s Span) map[string][]Span {
	cut := map[string][]Span{}
	for p, all := range w.spells {
		for _, x := range all {
			if x = (Span{max(x.From, s.From), min(x.To, s.To)}); x.From < x.To {
				cut[p] = append(cut[p], x)
			}
		}
	}
	return cut
}

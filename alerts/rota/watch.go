package rota

import (
	"cmp"
	"slices"

	"tocsin/streams/event"
)

// Watch is whether somebody answers for what comes in, as of a moment, and until when that is so.
type Watch struct {
	State WatchState
	Until event.Time // when it changes, as far as is worked out; 0: not within that
	Zone  string     // by whose clock that is told; empty: unknown
}

// WatchState is what can be said of a watch.
type WatchState string

// The states. What is not known is said, and never taken for watched.
const (
	Watched   WatchState = "watched"
	Unwatched WatchState = "unwatched"
	Unknown   WatchState = "unknown" // no rota says who is on duty, or it is not worked out as far as now
)

// WatchedAt answers whether somebody of the rotas is on duty. They are those of the steps that a grave warning of one patient asks: it goes
// on to the next step where nobody is on duty, so one of them is enough, and where one ends another may go on. A step without a rota is not
// among them: that somebody has the role says of nobody that they are there.
func WatchedAt(rotas []event.Rota, now event.Time) Watch {
	w := Watch{State: Unknown}
	var spans []event.OnDuty
	reaches := event.Never
	for _, r := range rotas {
		spans = append(spans, r.Spans...)
		reaches = min(reaches, r.Until)
		if w.Zone == "" {
			w.Zone = r.Zone
		}
	}
	slices.SortFunc(spans, func(a, b event.OnDuty) int { return cmp.Compare(a.From, b.From) })
	until := now
	for _, s := range spans {
		if s.From <= until {
			until = max(until, s.Until)
		}
	}
	switch {
	case until > now:
		w.State, w.Until = Watched, until
		if slices.ContainsFunc(rotas, func(r event.Rota) bool { return r.Until <= until }) { // there it has not been worked out, rather than ended
			w.Until = 0
		}
	case len(rotas) > 0 && now < reaches:
		w.State = Unwatched
		for _, s := range spans {
			if s.From > now {
				w.Until = s.From
				break
			}
		}
	}
	return w
}

// OfPatient picks the rotas of the steps of a policy for a patient of a tenant and a group: the group's, else the tenant's.
func OfPatient(all []event.RotaSet, p event.Policy, tenant, group string) (of []event.Rota) {
	for _, step := range p.Steps {
		for _, g := range []string{group, ""} {
			i := slices.IndexFunc(all, func(r event.RotaSet) bool { return r.Tenant == tenant && r.Group == g && r.Step == step.To })
			if i >= 0 {
				of = append(of, all[i].Rota)
				break
			}
		}
	}
	return of
}

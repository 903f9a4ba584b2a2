package desk

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"

	"tocsin/streams"
	"tocsin/streams/event"
)

// How much is asked of whoever sits here (ALR-15). A desk that is flooded, and a gateway behind which many have fallen silent at
// once, are each told as one technical warning; what is high stands by itself all the while.

// A flood begins when more than floodAbove warnings for each operator were raised within loadWindow, and is over below floodBelow:
// ANSI/ISA-18.2-2016, table of alarm performance metrics.
const (
	loadWindow = 10 * time.Minute
	floodAbove = 10
	floodBelow = 5
)

// An outage: of those whose readings came by one door, at least a fifth and no fewer than five have fallen silent within the hour,
// and are silent still.
const (
	outageParts  = 5
	outageLeast  = 5
	outageWithin = time.Hour
)

const loadEvery = 5 * time.Second

// Load is how many warnings there were for each who listens.
type Load struct {
	Raised     int         `json:"raised" doc:"warnings raised within the last 10 min"`
	Operators  int         `json:"operators" doc:"screens that listen, at least one"`
	FloodSince *event.Time `json:"flood_since,omitempty" doc:"since when there are more than 10 in 10 min for each operator; until there are fewer than 5"`
}

// load keeps what was last counted, and what has been told.
type load struct {
	mu   sync.Mutex
	now  Load
	told map[string]bool // ids of reports that lie in the log
}

func (l *load) status() Load {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.now
}

// count notes what was raised, and tells since when there has been a flood; zero: there is none.
func (l *load) count(raised, operators int, at event.Time) (flood event.Time) {
	l.mu.Lock()
	defer l.mu.Unlock()
	since := l.now.FloodSince
	switch {
	case since == nil && raised > floodAbove*operators:
		since = &at
	case since != nil && raised < floodBelow*operators:
		since = nil
	}
	l.now = Load{Raised: raised, Operators: operators, FloodSince: since}
	if since == nil {
		return 0
	}
	return *since
}

// watchLoad counts again and again, until ctx ends.
func (s *Server) watchLoad(ctx context.Context) {
	tick := time.NewTicker(loadEvery)
	defer tick.Stop()
	for {
		if s.ward.caughtUp() {
			s.lookAtLoad(ctx, event.TimeOf(s.o.Now()))
		}
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

func (s *Server) lookAtLoad(ctx context.Context, now event.Time) {
	raised := s.ward.raisedSince(now.Add(-loadWindow))
	if s.o.Simulated {
		raised = 0 // the ward's minutes stand for days at home: a rate of theirs says nothing
	}
	if since := s.load.count(raised, max(int(s.screens.Load()), 1), now); since != 0 {
		n := s.load.status()
		s.report(ctx, "flood", fmt.Sprint(since.Std().Truncate(loadWindow).Unix()), now, &event.FaultReported{Kind: "flood",
			Detail:   fmt.Sprintf("%d warnings within 10 min for %d listening: call colleagues in, and take what is high first", n.Raised, n.Operators),
			DetailZh: fmt.Sprintf("10 分钟内 %d 条预警，%d 台在听：请增派人手，先处理高优先级", n.Raised, n.Operators)})
	}
	for _, o := range s.ward.outages(now) {
		s.report(ctx, "outage", o.tenant+"/"+o.door+"/"+fmt.Sprint(now.Std().Truncate(outageWithin).Unix()), now, &event.FaultReported{Kind: "outage",
			Detail:   fmt.Sprintf("%d of %d patients of %s whose readings come by %s fell silent within the hour: look at that gateway and its network, and call those who were not well", o.silent, o.all, o.tenant, o.door),
			DetailZh: fmt.Sprintf("%s 经 %s 接入的 %d 名患者中，%d 名在一小时内数据中断：请检查该网关及其网络，并联系此前情况不佳者", o.tenant, o.door, o.all, o.silent)})
	}
}

// report makes a technical warning of a fault, under an id that is the same on every desk. What could not be written is
// written at the next look.
func (s *Server) report(ctx context.Context, kind, id string, now event.Time, fault *event.FaultReported) {
	id = "desk/" + kind + "/" + id
	s.load.mu.Lock()
	told := s.load.told[id]
	s.load.mu.Unlock()
	if told {
		return
	}
	key := streams.PatientKey(streams.SystemTenant, "desk")
	kept := make(chan error, 1)
	s.o.Edge.Append(streams.Inputs, key, event.Envelope{ID: id, Source: s.o.Edge.Name(), Subject: key, At: now, Data: fault},
		func(_ int32, _ int64, err error) { kept <- err })
	select {
	case err := <-kept:
		if err != nil {
			s.o.Logger.Warn("a fault could not be written and is written at the next look", "kind", kind, streams.KeyErr, err)
			return
		}
	case <-ctx.Done():
		return
	}
	s.load.mu.Lock()
	defer s.load.mu.Unlock()
	s.load.told[id] = true
}

// raisedSince counts the warnings of patients that were raised since a moment.
func (w *ward) raisedSince(from event.Time) (n int) {
	w.mu.RLock()
	defer w.mu.RUnlock()
	for _, s := range w.shown {
		if tenant, _ := streams.SplitPatientKey(s.key); s.w.RaisedAt >= from && tenant != streams.SystemTenant {
			n++
		}
	}
	return n
}

// outage is a door behind which many have fallen silent.
type outage struct {
	tenant, door string
	silent, all  int
}

// outages answers them by tenant and door.
func (w *ward) outages(now event.Time) (found []outage) {
	type place struct{ tenant, door string }
	by := map[place]*outage{}
	w.mu.RLock()
	for key, p := range w.people {
		if p.group == nil || p.p.Came == nil {
			continue
		}
		door, fell := p.p.Came()
		if door == "" {
			continue
		}
		tenant, _ := streams.SplitPatientKey(key)
		at := place{tenant, door}
		if by[at] == nil {
			by[at] = &outage{tenant: tenant, door: door}
		}
		by[at].all++
		if fell > now.Add(-outageWithin) {
			by[at].silent++
		}
	}
	w.mu.RUnlock()
	for _, o := range slices.SortedFunc(maps.Values(by), func(a, b *outage) int { return cmp.Or(cmp.Compare(a.tenant, b.tenant), cmp.Compare(a.door, b.door)) }) {
		if o.silent >= outageLeast && o.silent*outageParts >= o.all {
			found = append(found, *o)
		}
	}
	return found
}

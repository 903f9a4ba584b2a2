package desk

import (
	"context"
	"net/http"
	"slices"
	"sync"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"tocsin/streams"
	"tocsin/streams/event"
)

// The watchdog is a program elsewhere that lets a made-up patient of each partition send a grave reading each minute, and looks
// whether the warning stands on the desk. Here is what the desk makes of it: it counts the warnings that it shows the watchdog,
// and misses them by itself; and it hears from the watchdog what that misses.

// WatchdogStatus is whether the whole way from a device to this desk was lately seen to work.
type WatchdogStatus struct {
	State  string          `json:"state" enum:"off,well,failing,silent" doc:"failing: the watchdog says so; silent: nothing of it is heard here; off: none is expected"`
	Since  *event.Time     `json:"since,omitempty" doc:"since when nobody is watching: failing or silent"`
	Faults []WatchdogFault `json:"faults" doc:"what the watchdog misses"`
}

// WatchdogFault is one partition whose made-up reading does not come through.
type WatchdogFault struct {
	Partition int32      `json:"partition" minimum:"0"`
	Missing   string     `json:"missing" enum:"door,log,rules,desk,clicks" doc:"the first part of the way that did not do its own"`
	Since     event.Time `json:"since" doc:"when the last reading was sent that came through, or the first that did not"`
}

// WatchdogBody is what the watchdog tells a desk.
type WatchdogBody struct {
	Faults []WatchdogFault `json:"faults" maxItems:"2048" doc:"empty: everything came through"`
}

// toldFor is how long what the watchdog told holds unless it tells it again.
const toldFor = time.Minute

type watchdog struct {
	mu     sync.Mutex
	parts  []watched
	faults []WatchdogFault
	toldAt moment
}

// watched is the made-up patient of one partition.
type watched struct {
	enrolled bool
	raised   moment // the last warning, or when it was seen to be enrolled
}

func newWatchdog(n int32) *watchdog { return &watchdog{parts: make([]watched, n)} }

// isPerson tells whether a key is not a made-up patient's.
func isPerson(key string) bool { return !streams.IsWatched(key) }

// wardOf answers the ward that whoever asks is shown.
func (s *Server) wardOf(ctx context.Context) *ward {
	if identityOf(ctx).Role == roleWatchdog {
		return s.watched
	}
	return s.ward
}

// heard notes the warnings of made-up patients. Those of a log that is still being read are as old as they are.
func (d *watchdog) heard(s Seen, now moment) {
	d.mu.Lock()
	defer d.mu.Unlock()
	p := &d.parts[s.Partition]
	if !p.enrolled && slices.ContainsFunc(s.Touched, streams.IsWatched) {
		p.enrolled, p.raised = true, now
	}
	for _, e := range s.Events {
		if _, raised := e.Data.(*event.AlertRaised); raised && s.CaughtUp && streams.IsWatched(e.Subject) {
			p.raised = now
		}
	}
}

// told notes what the watchdog misses.
func (d *watchdog) told(faults []WatchdogFault, now moment) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.faults, d.toldAt = slices.Clone(faults), now
}

// status answers whether the way is seen to work, when a warning is due after gone at the latest.
func (d *watchdog) status(now moment, gone time.Duration) WatchdogStatus {
	d.mu.Lock()
	defer d.mu.Unlock()
	st := WatchdogStatus{State: "off", Faults: []WatchdogFault{}}
	if gone <= 0 {
		return st
	}
	since := func(state string, at event.Time) {
		if st.Since == nil || at < *st.Since {
			st.Since = &at
		}
		st.State = state
	}
	for _, p := range d.parts {
		if !p.enrolled {
			continue
		}
		if st.State == "off" {
			st.State = "well"
		}
		if age := p.raised.until(now); age > gone {
			since("silent", now.wall.Add(-age))
		}
	}
	if len(d.faults) > 0 && d.toldAt.until(now) < toldFor {
		st.Faults = slices.Clone(d.faults)
		for _, f := range d.faults {
			since("failing", f.Since)
		}
	}
	return st
}

func (s *Server) watchdogOperations(api huma.API) {
	huma.Register(api, op(mayTell, http.MethodPut, "/v1/watchdog", "tellWatchdog", "live", "What the watchdog misses: every screen says so within two seconds, until it is told otherwise or a minute has passed"),
		func(_ context.Context, in *body[WatchdogBody]) (*struct{}, error) {
			s.watchdog.told(in.Body.Faults, s.moment())
			return nil, nil
		})
}

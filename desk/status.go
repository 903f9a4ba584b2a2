package desk

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"time"

	"tocsin/streams"
	"tocsin/streams/event"
)

const (
	doorGone    = 15 * time.Second // a door that was not heard for so long is not there
	doorsBeat   = 5 * time.Second  // each door writes this often
	lookEvery   = time.Second
	lookWithin  = 2 * time.Second
	notWatching = 30 * time.Second // above this age nobody is watching
)

// freshness knows for each partition up to which moment everything that had come in has been taken into account. It
// looks at where inputs end, and holds that moment for good once the fold has got there; so a log that cannot be reached, an
// owner that is gone and a door that is shut all let the age grow.
type freshness struct {
	mu    sync.Mutex
	parts []fresh
	doors map[string]moment // when each was last heard
}

// moment is when something was so, by the clock and by how long this server had been running. Neither is enough for an
// age: a clock that is set back would make everything look fresh until it has caught up with itself, and what counts the
// running time stands still while the machine sleeps.
type moment struct {
	wall event.Time
	ran  time.Duration // 0: long ago
}

// moment answers this one.
func (s *Server) moment() moment {
	return moment{event.TimeOf(s.o.Now()), time.Since(s.started)}
}

func (m moment) known() bool { return m != moment{} }

// until answers how long ago m was at now: the longer of what the two say.
func (m moment) until(now moment) time.Duration {
	return max(now.wall.Sub(m.wall), now.ran-m.ran, 0)
}

// later answers which came later.
func (m moment) later(b moment) moment {
	if b.ran > m.ran || b.ran == m.ran && b.wall > m.wall {
		return b
	}
	return m
}

// plus answers the moment d after m.
func (m moment) plus(d time.Duration) moment {
	return moment{m.wall + event.Time(d.Milliseconds()), m.ran + d}
}

type fresh struct {
	folded  int64  // the next input of the fold
	end     int64  // where inputs ended at the last look
	goal    int64  // where they ended at goalAt: once the fold is there, everything up to goalAt has been taken into account
	goalAt  moment // zero: nobody has looked
	settled moment // everything that was there at this moment is folded; zero: not yet
	door    moment // when a door was last heard
}

func newFreshness(n int32) *freshness {
	return &freshness{parts: make([]fresh, n), doors: map[string]moment{}}
}

// heard notes how far the fold is, and which doors spoke.
func (f *freshness) heard(s Seen, now moment) {
	f.mu.Lock()
	defer f.mu.Unlock()
	p := &f.parts[s.Partition]
	p.folded = max(p.folded, s.Input)
	for _, e := range s.Inputs {
		if d, ok := e.Data.(*event.DoorOpened); ok {
			at := now // its clock may be wrong; that it was heard just now is not
			if !s.CaughtUp {
				at = now.plus(-max(now.wall.Sub(d.ReceivedAt), 0))
			}
			p.door = p.door.later(at)
			f.doors[d.Door] = f.doors[d.Door].later(at)
		}
	}
	p.settle()
}

// looked notes where inputs ended at a moment.
func (f *freshness) looked(partition int32, end int64, at moment) {
	f.mu.Lock()
	defer f.mu.Unlock()
	p := &f.parts[partition]
	p.end = end
	if !p.goalAt.known() || p.folded >= p.goal { // else the look before has not been reached, and the next comes after it
		p.goal, p.goalAt = end, at
	}
	p.settle()
}

func (p *fresh) settle() {
	if p.goalAt.known() && p.folded >= p.goal {
		p.settled = p.settled.later(p.goalAt)
	}
}

// age answers how old what is shown of a partition is, and how many records it lags behind.
func (f *freshness) age(partition int32, now, since moment) (age time.Duration, lag int64) {
	f.mu.Lock()
	defer f.mu.Unlock()
	p := f.parts[partition]
	lag = max(p.end-p.folded, 0)
	if !p.settled.known() {
		return since.until(now), lag
	}
	return max(p.settled.until(now), p.door.later(since).until(now)-doorsBeat), lag
}

// live answers how many doors were heard lately.
func (f *freshness) live(now moment) int {
	f.mu.Lock()
	defer f.mu.Unlock()
	n := 0
	for _, at := range f.doors {
		if at.until(now) < doorGone {
			n++
		}
	}
	return n
}

// watchEnd looks every second where the inputs of a partition end.
func (s *Server) watchEnd(ctx context.Context, partition int32) {
	tick := time.NewTicker(lookEvery)
	defer tick.Stop()
	for {
		at := s.moment()
		short, stop := context.WithTimeout(ctx, lookWithin)
		if _, end, err := s.o.Log.Bounds(short, streams.Inputs, partition); err == nil {
			s.fresh.looked(partition, end, at)
		} // else the age grows, and the screens say so
		stop()
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

// status answers how far what is shown can be believed.
func (s *Server) status() Status {
	now := s.moment()
	st := Status{At: now.wall, Watchdog: s.watchdog.status(now, s.o.WatchdogGone), Desks: int(s.screens.Load()), Doors: s.fresh.live(now), History: "off", Load: s.load.status(),
		Simulated: s.o.Simulated, Version: s.o.Version, Parts: []PartitionStatus{}}
	if s.o.History != nil {
		st.History = "on"
	}
	st.Audit = s.trailStatus(now.wall.Std())
	s.ward.mu.RLock()
	parts, at := append([]part(nil), s.ward.parts...), append(vector(nil), s.ward.at...)
	s.ward.mu.RUnlock()
	for p := range parts {
		age, lag := s.fresh.age(int32(p), now, s.began)
		st.Parts = append(st.Parts, PartitionStatus{Partition: int32(p), AgeMs: age.Milliseconds(), Lag: lag, Offset: at[p], CaughtUp: parts[p].caughtUp})
		st.Lag += lag
		st.DataAgeMs = max(st.DataAgeMs, age.Milliseconds())
	}
	return st
}

// aboutPatients tells which paths show or change patients.
func aboutPatients(path string) bool {
	return strings.HasPrefix(path, "/v1/warnings") || strings.HasPrefix(path, "/v1/groups") || strings.HasPrefix(path, "/v1/patients") ||
		strings.HasPrefix(path, "/v1/devices")
}

// well answers what is not well with this server.
func (s *Server) well(ctx context.Context) []checked {
	all := []checked{{Name: "desk", Why: why(s.selfCheck())}}
	for _, c := range s.o.Ready {
		all = append(all, checked{Name: c.Name, Why: why(c.Well(ctx))})
	}
	return all
}

type checked struct {
	Name string `json:"name"`
	Why  string `json:"why,omitempty"` // empty: it is well
}

func why(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}

func (s *Server) selfCheck() error {
	if !s.ward.caughtUp() {
		return errors.New("still reading the log")
	}
	st := s.status()
	if age := time.Duration(st.DataAgeMs) * time.Millisecond; age > notWatching {
		return fmt.Errorf("what is shown is %s old: no owner, no door or no log", age.Round(time.Second))
	}
	return nil
}

// readyz answers 200 when readings are taken, scored and shown.
func (s *Server) readyz(w http.ResponseWriter, r *http.Request) {
	ctx, stop := context.WithTimeout(r.Context(), 3*time.Second)
	defer stop()
	answer := struct {
		Ready  bool      `json:"ready"`
		Checks []checked `json:"checks"`
	}{true, s.well(ctx)}
	for _, c := range answer.Checks {
		answer.Ready = answer.Ready && c.Why == ""
	}
	w.Header().Set("Content-Type", "application/json")
	if !answer.Ready {
		w.WriteHeader(http.StatusServiceUnavailable)
	}
	_ = json.NewEncoder(w).Encode(answer) // whoever asked has gone
}

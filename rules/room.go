package rules

import "tocsin/rules/window"

// Room is memory that goes round. Live keeps states of several steps at once, so what a fold changes is copied into new memory and the
// old is left to whoever still looks at it. Who keeps each patient's newest state and nothing else, as a backtest does, gives
// its Core a Room: the old goes to the next fold. What is decided is the same, since only where copies lie differs. A Room is used
// from one goroutine, and so is a Core that has one.
type Room struct {
	tracks  pool[Track]
	windows pool[window.Window]
}

// pool is what lies idle, and what the look that is under way has taken and done away with.
type pool[T any] struct{ idle, taken, spent []*T }

// take answers something to be overwritten; nil: nothing lies idle.
func (p *pool[T]) take() *T {
	if n := len(p.idle); n > 0 {
		x := p.idle[n-1]
		p.idle = p.idle[:n-1]
		return x
	}
	return nil
}

// begin forgets what a look that failed has left.
func (p *pool[T]) begin() { p.taken, p.spent = p.taken[:0], p.spent[:0] }

// end gives back what a look that is over does not need: what it replaced when it holds, what it made when it does not.
func (p *pool[T]) end(holds bool) {
	if holds {
		p.idle = append(p.idle, p.spent...)
	} else {
		p.idle = append(p.idle, p.taken...)
	}
	p.begin()
}

func (r *Room) begin() {
	r.tracks.begin()
	r.windows.begin()
}

func (r *Room) end(holds bool) {
	r.tracks.end(holds)
	r.windows.end(holds)
}

// track answers a copy of old, which may be nil.
func (r *Room) track(old *Track) *Track {
	var t *Track
	if r != nil {
		if t = r.tracks.take(); t != nil && old == nil {
			*t = Track{}
		}
	}
	if t == nil {
		t = new(Track)
	}
	if old != nil {
		*t = *old
	}
	if r != nil {
		r.tracks.taken = append(r.tracks.taken, t)
		if old != nil {
			r.tracks.spent = append(r.tracks.spent, old)
		}
	}
	return t
}

// window answers a copy of old.
func (r *Room) window(old *window.Window) *window.Window {
	if r == nil {
		return old.Clone()
	}
	w := old.CloneTo(r.windows.take())
	r.windows.taken, r.windows.spent = append(r.windows.taken, w), append(r.windows.spent, old)
	return w
}

package window

import "tocsin/streams/event"

// walk goes through the steps of the window at a moment, oldest first, the newest reading with its step.
//
//	for k := w.walk(at); k.step(); { use k.sums }
type walk struct {
	sums     // of the current step
	w        *Window
	i        int
	from, to event.Time
	end      event.Time // of the current step
	newest   bool       // is still to come
	waits    bool       // ahead was read and belongs to the next step
	ahead    sums
}

func (w *Window) walk(at event.Time) walk {
	from, to := w.span(at)
	if w.reach > 0 { // what lies before the window of the newest reading is kept for Below and its kin alone
		kept, _ := w.span(w.newest.At)
		from = max(from, kept)
	}
	return walk{w: w, from: from, to: to, end: from, newest: w.shows(at)}
}

// shows tells whether the newest reading is in the window at a moment.
func (w *Window) shows(at event.Time) bool {
	from, to := w.span(at)
	return w.some && w.newest.At >= from && w.newest.At < to
}

// step goes on to the next step with readings; false: there is none.
func (k *walk) step() bool {
	if !k.waits && !k.record(&k.ahead) {
		return false
	}
	k.sums, k.waits = k.ahead, false
	if k.end <= k.first {
		if k.end += k.w.step(); k.end <= k.first { // steps without readings lie between
			k.end = k.w.start(k.first) + k.w.step()
		}
	}
	for k.record(&k.ahead) {
		if k.waits = k.ahead.first >= k.end; k.waits {
			break
		}
		k.join(&k.ahead)
	}
	return true
}

// record reads the next single reading or record into s, whichever steps they are of.
func (k *walk) record(s *sums) bool {
	w := k.w
	for k.i < len(w.cells) {
		i := k.i
		switch first := w.firstAt(i); {
		case first >= k.to:
			return false
		case first < k.from:
			k.i = w.after(i)
			continue
		case w.cells[i]&summed != 0:
			w.load(i, s)
		default:
			s.one(w.unpack(w.cells[i]))
		}
		k.i = w.after(i)
		return true
	}
	if !k.newest {
		return false
	}
	k.newest = false
	s.one(w.leader())
	return true
}

// totals adds up the window at a moment; n is 0 when it is empty.
func (w *Window) totals(at event.Time) sums {
	k := w.walk(at)
	return k.all()
}

// earlier is totals without the newest reading.
func (w *Window) earlier(at event.Time) sums {
	k := w.walk(at)
	k.newest = false
	return k.all()
}

func (k *walk) all() sums {
	if !k.record(&k.sums) {
		return sums{}
	}
	for k.record(&k.ahead) {
		k.join(&k.ahead)
	}
	return k.sums
}

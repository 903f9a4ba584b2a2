package window

import "tocsin/streams/event"

// walk goes through the steps of the window at a moment, oldest first, the newest reading with its step. Squares of
// readings that stand singly are left out.
//
//	for k := w.walk(at); k.step(); { use k.sums }
type walk struct {
	sums     // of the current step
	w        *Window
	i        int
	from, to event.Time
	end      event.Time // of the current step
	newest   bool       // is still to come
}

func (w *Window) walk(at event.Time) walk {
	from, to := w.span(at)
	if w.reach > 0 { // what lies before the window of the newest reading is kept for Below and its kin alone
		kept, _ := w.span(w.newest.At)
		from = max(from, kept)
	}
	return walk{w: w, i: int(w.head), from: from, to: to, end: from, newest: w.shows(at)}
}

// shows tells whether the newest reading is in the window at a moment.
func (w *Window) shows(at event.Time) bool {
	from, to := w.span(at)
	return w.some && w.newest.At >= from && w.newest.At < to
}

// step goes on to the next step with readings; false: there is none.
func (k *walk) step() bool {
	w, i := k.w, k.i
	k.sums = sums{}
	for i < len(w.cells) && w.firstAt(i) < k.from {
		i = w.after(i)
	}
	if i < len(w.cells) && w.firstAt(i) < k.to {
		k.reach(w.firstAt(i))
		if w.cells[i]&summed != 0 {
			w.load(i, &k.sums)
			i += w.stride()
		} else {
			for ; i < len(w.cells) && w.cells[i]&summed == 0 && w.moment(w.cells[i]) < k.end; i++ {
				k.put(w.unpack(w.cells[i]))
			}
		}
	}
	k.i = i
	if k.newest && (k.n == 0 || w.newest.At < k.end) {
		k.newest = false
		k.put(w.leader())
	}
	return k.n > 0
}

// reach moves the end to that of the step of t.
func (k *walk) reach(t event.Time) {
	if k.end <= t {
		if k.end += k.w.step(); k.end <= t { // steps without readings lie between
			k.end = k.w.start(t) + k.w.step()
		}
	}
}

// totals adds up the window at a moment; n is 0 when it is empty. Squares of single readings are left out.
func (w *Window) totals(at event.Time) sums {
	s := w.earlier(at)
	if w.shows(at) {
		s.put(w.leader())
	}
	return s
}

// earlier is totals without the newest reading.
func (w *Window) earlier(at event.Time) sums {
	var all, one sums
	k := w.walk(at)
	for i := k.i; i < len(w.cells); i = w.after(i) {
		switch first := w.firstAt(i); {
		case first >= k.to:
			return all
		case first < k.from:
		case w.cells[i]&summed == 0:
			all.put(w.unpack(w.cells[i]))
		default:
			w.load(i, &one)
			all.total(&one)
		}
	}
	return all
}

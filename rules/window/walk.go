package window

import "tocsin/streams/event"

// walk goes through the steps of the window at a moment, oldest first, the newest reading with its step.
//
//	k := w.walk(at)
//	for k.step() { use k.sums }
//
// It is declared before the loop: as a loop's own variable it would be copied in each round.
type walk struct {
	sums    // of the current step
	w       *Window
	i, stop int        // cells that are still to come
	end     event.Time // of the current step
	newest  bool       // is still to come
}

func (w *Window) walk(at event.Time) walk {
	from, to := w.span(at)
	if w.reach > 0 { // what lies before the window of the newest reading is kept for Below and its kin alone
		kept, _ := w.span(w.newest.At)
		from = max(from, kept)
	}
	k := walk{w: w, i: int(w.head), stop: len(w.cells), end: from, newest: w.some && w.newest.At >= from && w.newest.At < to}
	for k.i < k.stop && w.firstAt(k.i) < from {
		k.i = w.after(k.i)
	}
	if w.newest.At >= to { // asked about the past
		k.stop = k.i
		for k.stop < len(w.cells) && w.firstAt(k.stop) < to {
			k.stop = w.after(k.stop)
		}
	}
	return k
}

// shows tells whether the newest reading is in the window at a moment.
func (w *Window) shows(at event.Time) bool {
	from, to := w.span(at)
	return w.some && w.newest.At >= from && w.newest.At < to
}

// step goes on to the next step with readings; false: there is none.
func (k *walk) step() bool {
	w := k.w
	k.n = 0
	if k.i < k.stop {
		k.reach(w.firstAt(k.i))
		if w.cells[k.i]&summed != 0 {
			w.load(k.i, &k.sums)
			k.i += w.stride()
		} else {
			k.singles(k.end)
		}
	}
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

// singles sums up the single readings from here on that were measured before end; there is one.
func (k *walk) singles(end event.Time) {
	r := k.w.unpack(k.w.cells[k.i])
	k.first, k.oldest = r.at, r.value
	n, sum, in, least, most := 0, int64(0), uint64(0), r.value, r.value
	for _, c := range k.w.cells[k.i:k.stop] {
		if c&summed != 0 {
			break
		}
		if r = k.w.unpack(c); r.at >= end {
			break
		}
		n, sum, in = n+1, sum+int64(r.value), in+c>>62
		least, most = min(least, r.value), max(most, r.value)
		k.last = r.at
	}
	k.i += n
	k.n, k.sum, k.in, k.min, k.max = uint64(n), sum, in, least, most
}

// totals adds up the window at a moment; n is 0 when it is empty.
func (w *Window) totals(at event.Time) sums {
	s := w.earlier(at)
	if w.shows(at) {
		s.put(w.leader())
	}
	return s
}

// earlier is totals without the newest reading.
func (w *Window) earlier(at event.Time) sums {
	var all sums
	k := w.walk(at)
	for k.i < k.stop {
		if w.cells[k.i]&summed == 0 {
			k.singles(event.Never)
		} else {
			w.load(k.i, &k.sums)
			k.i += w.stride()
		}
		all.total(&k.sums)
	}
	return all
}

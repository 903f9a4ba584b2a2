package window

import "slices"

// Remove takes one reading out again, as if it had never come, and tells whether w had it. next is the newest reading of the
// series without it, nil when there is none: it is the newest one then. added says that the reading was surely added.
//
// A step that is kept as sums does not know its readings: one that was added leaves its number, sum, squares and range, and the
// step's extremes and moments stay as they are until the step leaves. One of which that is not sure stays. What had left because
// the reading was the newest does not come back.
func (w *Window) Remove(p Point, alt, added bool, next *Point, nextAlt bool) bool {
	r := reading{p.At, p.Value, w.within(p.Value, alt)}
	if !w.some || r != w.leader() {
		return w.some && w.extract(r, added)
	}
	if next == nil {
		*w = *New(w.Spec())
		return true
	}
	newest := reading{next.At, next.Value, w.within(next.Value, nextAlt)}
	if len(w.cells) > int(w.head) {
		if w.cells[w.tail]&summed == 0 {
			newest = w.last()
		}
		w.extract(newest, true)
	}
	w.lead(newest) // packed moments are told from the newest one, modulo 2^32 ms: none is newer, so they say the same from there
	return true
}

// last answers the newest of the readings beside the newest one, when its step has them one by one.
func (w *Window) last() reading { return w.unpack(w.cells[len(w.cells)-1]) }

// extract takes an earlier reading out of its step.
func (w *Window) extract(r reading, added bool) bool {
	from := w.start(r.at)
	i := int(w.head)
	for i < len(w.cells) && w.firstAt(i) < from {
		i = w.after(i)
	}
	for ; i < len(w.cells) && w.start(w.firstAt(i)) == from; i = w.after(i) {
		switch {
		case w.cells[i]&summed != 0:
			return added && w.subtract(i, r)
		case w.unpack(w.cells[i]) == r:
			w.cells = slices.Delete(w.cells, i, i+1)
			w.findTail()
			return true
		}
	}
	return false
}

// subtract takes a reading out of the record at i.
func (w *Window) subtract(i int, r reading) bool {
	var s sums
	w.load(i, &s)
	if s.n--; s.n == 0 {
		w.cells = slices.Delete(w.cells, i, i+w.stride())
		w.findTail()
		return true
	}
	if s.sum -= int64(r.value); r.in {
		s.in--
	}
	w.store(i, &s)
	w.setSquares(i, w.squares(i).sub(square(r.value)))
	return true
}

// findTail looks for where the last step begins.
func (w *Window) findTail() {
	w.head = min(w.head, uint16(len(w.cells)))
	w.tail = w.head
	for i := int(w.head); i < len(w.cells); i = w.after(i) {
		if w.start(w.firstAt(i)) != w.start(w.firstAt(int(w.tail))) {
			w.tail = uint16(i)
		}
	}
}

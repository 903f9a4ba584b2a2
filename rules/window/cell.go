package window

import (
	"math/bits"
	"slices"

	"tocsin/streams/event"
)

// Cells hold the steps, oldest first. Few readings of a step stand one by one, each in a cell, by moment and value:
//
//	bit 63 0 | bit 62 in the range | bit 61 value is in thousandths | 32 bits moment, modulo 2^32 ms | 29 bits value
//
// Where that would take more room than the sums do, or a value does not fit (more than 268, and finer than a thousandth),
// the step is one record: bit 63 of its first cell is 1. Which of the two it is follows from the readings alone.
const (
	summed     = uint64(1) << 63
	inRange    = uint64(1) << 62
	thousandth = uint64(1) << 61
	valueBits  = 29
	valueMask  = 1<<valueBits - 1
)

// Cells of a record.
const (
	cHead   = iota // summed, 31 bits number of readings, 32 bits ms from the first to the last
	cFirst         // moment of the first
	cSum           // of the values
	cMin           // least value
	cMax           // greatest value
	cSqHi          // squares of the values, 128 bits
	cSqLo          //
	cOldest        // value of the first; of several in its millisecond the least
	cIn            // readings in the range; only where there is one
	cells
)

// stride is how many cells a record has, and up to how many readings a step stands as single cells.
func (w *Window) stride() int {
	if w.rng == nil {
		return cIn
	}
	return cells
}

// pack answers r as a single cell; false when its value does not fit.
func pack(r reading) (uint64, bool) {
	v, c := int64(r.value), uint64(uint32(r.at))<<valueBits
	if v != v<<(64-valueBits)>>(64-valueBits) {
		if v%1000 != 0 {
			return 0, false
		}
		v, c = v/1000, c|thousandth
		if v != v<<(64-valueBits)>>(64-valueBits) {
			return 0, false
		}
	}
	if r.in {
		c |= inRange
	}
	return c | uint64(v)&valueMask, true
}

// unpack answers the reading of a single cell. None is newer than the newest, nor older by 2^32 ms (49 days).
func (w *Window) unpack(c uint64) reading {
	v := int64(c<<(64-valueBits)) >> (64 - valueBits)
	if c&thousandth != 0 {
		v *= 1000
	}
	return reading{w.moment(c), event.Decimal(v), c&inRange != 0}
}

func (w *Window) moment(c uint64) event.Time {
	return w.newest.At - event.Time(uint32(w.newest.At)-uint32(c>>valueBits))
}

// firstAt answers the first moment of the record or single cell at i.
func (w *Window) firstAt(i int) event.Time {
	if c := w.cells[i]; c&summed == 0 {
		return w.moment(c)
	}
	return event.Time(w.cells[i+cFirst])
}

// after answers where the record or single cell behind that at i is.
func (w *Window) after(i int) int {
	if w.cells[i]&summed == 0 {
		return i + 1
	}
	return i + w.stride()
}

// sums is what a window knows of one step, but for the squares.
type sums struct {
	first, last event.Time
	n, in       uint64
	sum         int64 // wraps where weighty says so
	min, max    event.Decimal
	oldest      event.Decimal
}

// put adds a reading of any moment.
func (s *sums) put(r reading) {
	if s.n == 0 {
		*s = sums{first: r.at, last: r.at, min: r.value, max: r.value, oldest: r.value}
	}
	if r.at < s.first || r.at == s.first && r.value < s.oldest {
		s.first, s.oldest = r.at, r.value
	}
	s.last, s.n, s.sum = max(s.last, r.at), s.n+1, s.sum+int64(r.value)
	s.min, s.max = min(s.min, r.value), max(s.max, r.value)
	if r.in {
		s.in++
	}
}

// total adds the numbers of o, a later step.
func (s *sums) total(o *sums) {
	if s.n == 0 {
		*s = *o
		return
	}
	s.n, s.in, s.sum = s.n+o.n, s.in+o.in, s.sum+o.sum
	s.min, s.max = min(s.min, o.min), max(s.max, o.max)
}

func square(v event.Decimal) u128 {
	m := magnitude(int64(v))
	hi, lo := bits.Mul64(m, m)
	return u128{hi, lo}
}

// load reads the record at i.
func (w *Window) load(i int, s *sums) {
	c := w.cells[i : i+cIn]
	s.first, s.oldest = event.Time(c[cFirst]), event.Decimal(c[cOldest])
	s.last = s.first + event.Time(uint32(c[cHead]))
	s.n, s.sum, s.in = c[cHead]&^summed>>32, int64(c[cSum]), 0
	s.min, s.max = event.Decimal(c[cMin]), event.Decimal(c[cMax])
	if w.rng != nil {
		s.in = w.cells[i+cIn]
	}
}

// store writes the record at i, but for its squares.
func (w *Window) store(i int, s *sums) {
	c := w.cells[i : i+cIn]
	c[cHead] = summed | s.n<<32 | uint64(uint32(s.last-s.first))
	c[cFirst], c[cSum], c[cMin], c[cMax], c[cOldest] = uint64(s.first), uint64(s.sum), uint64(s.min), uint64(s.max), uint64(s.oldest)
	if w.rng != nil {
		w.cells[i+cIn] = s.in
	}
}

// squares answers the sum of squares of the record at i.
func (w *Window) squares(i int) u128 { return u128{w.cells[i+cSqHi], w.cells[i+cSqLo]} }

func (w *Window) setSquares(i int, sq u128) { w.cells[i+cSqHi], w.cells[i+cSqLo] = sq.hi, sq.lo }

// insert puts an earlier reading into its step, which begins at from.
func (w *Window) insert(r reading, from event.Time) {
	to := from + w.step()
	i, j := int(w.tail), len(w.cells)
	if w.head > 0 && j+w.stride() > cap(w.cells) {
		i -= int(w.head)
		w.compact()
		j = len(w.cells)
	}
	switch {
	case j == int(w.head) || w.firstAt(i) < from:
		w.tail = uint16(j)
		w.begin(j, r)
		return
	case w.firstAt(i) < to:
		w.grow(i, j, r)
		return
	}
	for i = int(w.head); w.firstAt(i) < from; {
		i = w.after(i)
	}
	for j = i; w.firstAt(j) < to; {
		j = w.after(j)
	}
	before := len(w.cells)
	if i == j {
		w.begin(i, r)
	} else {
		w.grow(i, j, r)
	}
	w.tail = uint16(int(w.tail) + len(w.cells) - before)
}

// begin makes a step of one reading at i.
func (w *Window) begin(i int, r reading) {
	if c, ok := pack(r); ok {
		w.cells = slices.Insert(w.cells, i, c)
		return
	}
	w.widen(i, i)
	w.sum(i, nil, r)
}

// grow adds r to the step whose cells are i to j.
func (w *Window) grow(i, j int, r reading) {
	if w.cells[i]&summed != 0 {
		w.absorb(i, r)
		return
	}
	if c, ok := pack(r); ok && j-i < w.stride() {
		for j > i && w.unpack(w.cells[j-1]).after(r) {
			j--
		}
		w.cells = slices.Insert(w.cells, j, c)
		return
	}
	var singles [cells]uint64
	n := copy(singles[:], w.cells[i:j])
	w.widen(i, j)
	w.sum(i, singles[:n], r)
}

// widen makes the cells i to j as many as a record needs.
func (w *Window) widen(i, j int) {
	var record [cells]uint64
	w.cells = slices.Replace(w.cells, i, j, record[:w.stride()]...)
}

// sum writes the record at i: of the readings in singles, and r.
func (w *Window) sum(i int, singles []uint64, r reading) {
	var s sums
	s.put(r)
	w.store(i, &s)
	w.setSquares(i, square(r.value))
	for _, c := range singles {
		w.absorb(i, w.unpack(c))
	}
}

// absorb adds r to the record at i.
func (w *Window) absorb(i int, r reading) {
	var s sums
	w.load(i, &s)
	s.put(r)
	w.store(i, &s)
	w.setSquares(i, w.squares(i).add(square(r.value)))
}

// forget drops the steps before floor, which is the beginning of a step.
func (w *Window) forget(floor event.Time) {
	i := int(w.head)
	for i < len(w.cells) && w.firstAt(i) < floor {
		i = w.after(i)
	}
	w.cut(i)
}

// forgetBehind leaves one step before the window, the newest.
func (w *Window) forgetBehind() {
	from, _ := w.span(w.newest.At)
	behind := int(w.head)
	for i := behind; i < len(w.cells) && w.firstAt(i) < from; i = w.after(i) {
		if w.firstAt(i) >= w.start(w.firstAt(behind))+w.step() {
			behind = i
		}
	}
	w.cut(behind)
}

// cut makes i the first cell. The room before it is used again when there is no other.
func (w *Window) cut(i int) {
	w.head, w.tail = uint16(i), uint16(max(int(w.tail), i))
}

func (w *Window) compact() {
	w.cells = w.cells[:copy(w.cells, w.cells[w.head:])]
	w.tail -= w.head
	w.head = 0
}

package window

// Clone answers a copy that shares nothing but the bounds of a range, with room for a little more: states are copied
// before they are changed. It is one allocation.
//
// A window takes 64 bytes and its cells: 8 bytes for each reading where a step has few, at most 64 bytes (72 with a range)
// for a step, rounded up to the rooms below. A home signal that comes once a day in a week's window takes 128 bytes, four
// times a day 320 bytes; a window all of whose 33 steps are full takes 2304 bytes (with a range 2688).
func (w *Window) Clone() *Window {
	c := roomFor(len(w.cells) - int(w.head) + 1)
	at := c.cells
	*c = *w
	c.cells = append(at, w.cells[w.head:]...)
	c.head, c.tail = 0, w.tail-w.head
	return c
}

// CloneTo is Clone into the memory of another window, which is over; nil, or one with too little room: it is Clone.
func (w *Window) CloneTo(over *Window) *Window {
	n := len(w.cells) - int(w.head) + 1
	if over == nil || cap(over.cells) < n {
		return w.Clone()
	}
	at := over.cells[:0]
	*over = *w
	over.cells = append(at, w.cells[w.head:]...)
	over.head, over.tail = 0, w.tail-w.head
	return over
}

// Rooms hold a window and its cells in one piece, in sizes that the allocator has; above 512 bytes 8 of them are its own.
type (
	room8 struct { // 128 bytes
		Window
		cell [8]uint64
	}
	room16 struct { // 192
		Window
		cell [16]uint64
	}
	room24 struct { // 256
		Window
		cell [24]uint64
	}
	room32 struct { // 320
		Window
		cell [32]uint64
	}
	room40 struct { // 384
		Window
		cell [40]uint64
	}
	room71 struct { // 640
		Window
		cell [71]uint64
	}
	room135 struct { // 1152
		Window
		cell [135]uint64
	}
	room279 struct { // 2304
		Window
		cell [279]uint64
	}
	room327 struct { // 2688
		Window
		cell [327]uint64
	}
)

// roomFor makes an empty window with room for n cells.
func roomFor(n int) *Window {
	var w *Window
	switch {
	case n <= 8:
		r := new(room8)
		w, r.cells = &r.Window, r.cell[:0]
	case n <= 16:
		r := new(room16)
		w, r.cells = &r.Window, r.cell[:0]
	case n <= 24:
		r := new(room24)
		w, r.cells = &r.Window, r.cell[:0]
	case n <= 32:
		r := new(room32)
		w, r.cells = &r.Window, r.cell[:0]
	case n <= 40:
		r := new(room40)
		w, r.cells = &r.Window, r.cell[:0]
	case n <= 71:
		r := new(room71)
		w, r.cells = &r.Window, r.cell[:0]
	case n <= 135:
		r := new(room135)
		w, r.cells = &r.Window, r.cell[:0]
	case n <= 279:
		r := new(room279)
		w, r.cells = &r.Window, r.cell[:0]
	default:
		r := new(room327)
		w, r.cells = &r.Window, r.cell[:0]
	}
	return w
}

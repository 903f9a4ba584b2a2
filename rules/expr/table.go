package expr

import "slices"

// Most conditions ask a few names whether they are above or below numbers that are written out, and join the answers. The
// bounds of each name cut its numbers into stretches, and those of all names cut the looks into cells, in each of
// which the condition has one answer. So the closure of a condition counts, for every name, how many of its bounds it does
// not pass, which takes no branch, and looks the answer of the cell up. Only when a name is not known does it go the
// long way, by Kleene's logic. A number that is chosen by such questions is looked up in the same way.

// How many cells a table may have: as many answers are worked out when a pack is loaded. A few fit one word.
const (
	maxCells   = 4096
	maxNumbers = 512
	maxWord    = 64
)

// axis is one name of a table and its bounds in rising order. All comparisons ask whether it is at most a bound, once or
// twice: x < 92 asks for the greatest float64 below 92, x >= 92 is the opposite of that, and x == 92 has to be at most 92
// and not at most what is next below.
type axis struct {
	slot   uint8
	bounds []float64
	stride uint32 // cells from one stretch to the next
}

// table are the names of a condition that asks nothing else.
type table struct {
	layout *Layout
	axes   []axis
	needs  [2]uint64 // the slots that have to be known
	cells  int
}

// tableOf answers the table of e, without its answers, when e asks nothing but names for bounds and has no more cells than most.
func (l *Layout) tableOf(e Expr, most int) (*table, bool) {
	t := &table{layout: l, cells: 1}
	if !t.gather(e, most) || len(t.axes) == 0 {
		return nil, false
	}
	t.cells = 1
	for i := range t.axes {
		a := &t.axes[i]
		slices.Sort(a.bounds)
		a.stride = uint32(t.cells)
		t.cells *= len(a.bounds) + 1
		t.needs[a.slot>>6] |= 1 << (a.slot & 63)
	}
	return t, true
}

// gather collects the bounds of e. It is false when e asks anything else, or too much.
func (t *table) gather(e Expr, most int) bool {
	switch e.Op {
	case LiteralTruth, LiteralNumber:
		return true
	case Var:
		_, k, _ := t.layout.Slot(e.Name)
		return k == Truth && t.add(e, 0, most)
	case Call:
		return false
	default:
		if op, a, y, ok := against(e); ok && a.Op == Var {
			return t.bound(op, a, y, most)
		}
		return !slices.ContainsFunc(e.Args, func(a Expr) bool { return !t.gather(a, most) })
	}
}

// bound adds what a comparison of a name with a number asks.
func (t *table) bound(op Op, name Expr, y float64, most int) bool {
	switch op {
	case AtMost, Greater:
		return t.add(name, y, most)
	case Less, AtLeast:
		return t.add(name, below(y), most)
	default:
		return t.add(name, y, most) && t.add(name, below(y), most)
	}
}

// add adds a bound. It is false when that makes too many cells.
func (t *table) add(name Expr, bound float64, most int) bool {
	slot := t.layout.slot(name)
	i := slices.IndexFunc(t.axes, func(a axis) bool { return a.slot == slot })
	if i < 0 {
		i = len(t.axes)
		t.axes = append(t.axes, axis{slot: slot})
	}
	a := &t.axes[i]
	if !slices.Contains(a.bounds, bound) {
		t.cells = t.cells / (len(a.bounds) + 1) * (len(a.bounds) + 2)
		a.bounds = append(a.bounds, bound)
	}
	return t.cells <= most
}

// row works out which cells e holds in. It is false when an arithmetic has no result in one of them.
func (t *table) row(e Expr) ([]uint64, bool) {
	row := make([]uint64, (t.cells+maxWord-1)/maxWord)
	for i := range t.cells {
		c := cell{t, i, true}
		if c.holds(e) {
			row[i/64] |= 1 << (i % 64)
		}
		if !c.finite {
			return nil, false
		}
	}
	return row, true
}

// numbers works out what e is in each cell.
func (t *table) numbers(e Expr) ([]float64, bool) {
	row := make([]float64, t.cells)
	for i := range row {
		c := cell{t, i, true}
		if row[i] = c.number(e); !c.finite {
			return nil, false
		}
	}
	return row, true
}

// cell is one cell of a table, in which every question has one answer.
type cell struct {
	*table
	at     int
	finite bool // every arithmetic so far has a result
}

// atMost answers whether the name is at most one of its bounds. Of n bounds that are not passed, those are the last n.
func (c *cell) atMost(name Expr, bound float64) bool {
	slot := c.layout.slot(name)
	i := slices.IndexFunc(c.axes, func(a axis) bool { return a.slot == slot })
	a := &c.axes[i]
	n := c.at / int(a.stride) % (len(a.bounds) + 1)
	j, _ := slices.BinarySearch(a.bounds, bound)
	return j >= len(a.bounds)-n
}

func (c *cell) holds(e Expr) bool {
	switch e.Op {
	case LiteralTruth:
		return e.Truth
	case Var:
		return !c.atMost(e, 0)
	case And:
		return !slices.ContainsFunc(e.Args, func(a Expr) bool { return !c.holds(a) })
	case Or:
		return slices.ContainsFunc(e.Args, c.holds)
	case Not:
		return !c.holds(e.Args[0])
	case Some:
		n := 0
		for _, a := range e.Args {
			n += int(bit(c.holds(a)))
		}
		return n >= int(e.Number)
	case If:
		if c.holds(e.Args[0]) {
			return c.holds(e.Args[1])
		}
		return c.holds(e.Args[2])
	default:
		return c.compares(e)
	}
}

func (c *cell) compares(e Expr) bool {
	op, a, y, ok := against(e)
	if k, _ := c.layout.kind(e.Args[0]); k == Truth {
		return (c.holds(e.Args[0]) == c.holds(e.Args[1])) == (e.Op == Equal)
	}
	if !ok || a.Op != Var {
		return orderOf[e.Op].of(c.number(e.Args[0]), c.number(e.Args[1]), 1) == True
	}
	switch op {
	case AtMost:
		return c.atMost(a, y)
	case Greater:
		return !c.atMost(a, y)
	case Less:
		return c.atMost(a, below(y))
	case AtLeast:
		return !c.atMost(a, below(y))
	default:
		equal := c.atMost(a, y) && !c.atMost(a, below(y))
		return equal == (op == Equal)
	}
}

func (c *cell) number(e Expr) float64 {
	x := e.Number
	switch e.Op {
	case LiteralNumber:
	case Negate:
		x = -c.number(e.Args[0])
	case If:
		if c.holds(e.Args[0]) {
			x = c.number(e.Args[1])
		} else {
			x = c.number(e.Args[2])
		}
	default:
		x = operators[e.Op](c.number(e.Args[0]), c.number(e.Args[1]))
	}
	c.finite = c.finite && finite(x)
	return x
}

// atom is one question of a closure: what it adds to the number of the cell when the slot is at most a bound.
type atom struct {
	most   float64
	stride uint32
	slot   uint8
}

func (a *atom) ask(v *View) uint32 {
	var n uint32
	if v.Value[a.slot&127] <= a.most {
		n = 1
	}
	return n * a.stride
}

// four are four atoms, the unit in which closures ask. What is short of four adds nothing.
type four [4]atom

func (t *table) fours() []four {
	var atoms []atom
	for _, a := range t.axes {
		for _, b := range a.bounds {
			atoms = append(atoms, atom{b, a.stride, a.slot})
		}
	}
	all := make([]four, (len(atoms)+3)/4)
	for i, a := range atoms {
		all[i/4][i%4] = a
	}
	return all
}

// truth makes the closure of a row, which leaves what is not known to long.
func (t *table) truth(row []uint64, long truth) truth {
	n0, n1, fours, word := t.needs[0], t.needs[1], t.fours(), row[0]
	f := &fours[0]
	switch {
	case len(row) > 1 || len(fours) > 2:
		return func(v *View) Tri {
			if n0&^v.Known[0]|n1&^v.Known[1] != 0 {
				return long(v)
			}
			i := cellOf(fours, v)
			return tri(row[i/64] >> (i % 64))
		}
	case len(fours) == 2:
		g := &fours[1]
		return func(v *View) Tri {
			if n0&^v.Known[0]|n1&^v.Known[1] != 0 {
				return long(v)
			}
			i := f[0].ask(v) + f[1].ask(v) + f[2].ask(v) + f[3].ask(v)
			i += g[0].ask(v) + g[1].ask(v) + g[2].ask(v) + g[3].ask(v)
			return tri(word >> (i % 64))
		}
	case f[1].stride > 0:
		return func(v *View) Tri {
			if n0&^v.Known[0]|n1&^v.Known[1] != 0 {
				return long(v)
			}
			return tri(word >> ((f[0].ask(v) + f[1].ask(v) + f[2].ask(v) + f[3].ask(v)) % 64))
		}
	default:
		slot, most := f[0].slot, f[0].most
		return func(v *View) Tri {
			if n0&^v.Known[0]|n1&^v.Known[1] != 0 {
				return long(v)
			}
			return tri(word >> bit(v.Value[slot&127] <= most))
		}
	}
}

func cellOf(fours []four, v *View) (i uint32) {
	for j := range fours {
		f := &fours[j]
		i += f[0].ask(v) + f[1].ask(v) + f[2].ask(v) + f[3].ask(v)
	}
	return i
}

// number makes the closure of a row of numbers.
func (t *table) number(row []float64, long number) number {
	n0, n1, fours := t.needs[0], t.needs[1], t.fours()
	return func(v *View) (float64, bool) {
		if n0&^v.Known[0]|n1&^v.Known[1] != 0 {
			return long(v)
		}
		return row[cellOf(fours, v)], true
	}
}

// tri makes True of a lowest bit that is 1, and False of 0.
func tri(w uint64) Tri { return False - Tri(w&1) }

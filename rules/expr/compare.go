package expr

import "math"

// span are the numbers from lo to hi, or with out all the others. Every comparison with a number that is written out is
// one: x < 92 is x from minus infinity to the greatest float64 below 92.
type span struct {
	lo, hi float64
	out    uint8
}

// truthOf is the span of a slot that holds a truth.
var truthOf = &span{1, 1, 0}

func spanOf(op Op, y float64) span {
	inf := math.Inf(1)
	switch op {
	case Less:
		return span{-inf, below(y), 0}
	case AtMost:
		return span{-inf, y, 0}
	case Greater:
		return span{math.Nextafter(y, inf), inf, 0}
	case AtLeast:
		return span{y, inf, 0}
	case Differs:
		return span{y, y, 1}
	default:
		return span{y, y, 0}
	}
}

// below is the greatest float64 below y.
func below(y float64) float64 { return math.Nextafter(y, math.Inf(-1)) }

// has answers whether x is in the span, Unknown unless known is 1.
func (s *span) has(x float64, known uint8) Tri {
	in := bit(x >= s.lo)&bit(x <= s.hi) ^ s.out
	return Tri(known << (1 ^ in&1))
}

// order says which of "equal", "less" and "greater" (bits 0, 1 and 2) an operator accepts.
type order uint8

var orderOf = map[Op]order{Equal: 1, Less: 2, AtMost: 3, Greater: 4, AtLeast: 5, Differs: 6}

func (o order) of(x, y float64, known uint8) Tri {
	in := uint8(o) >> (bit(x < y) + bit(x > y)<<1) & 1
	return Tri(known << (1 ^ in))
}

// mirrored is what an operator becomes when its sides change places.
var mirrored = map[Op]Op{Less: Greater, AtMost: AtLeast, Greater: Less, AtLeast: AtMost, Equal: Equal, Differs: Differs}

// against answers a comparison with a number that is written out, the number on the right.
func against(e Expr) (op Op, a Expr, y float64, ok bool) {
	turned, ok := mirrored[e.Op]
	switch {
	case !ok:
	case e.Args[1].Op == LiteralNumber:
		return e.Op, e.Args[0], e.Args[1].Number, true
	case e.Args[0].Op == LiteralNumber:
		return turned, e.Args[1], e.Args[0].Number, true
	}
	return "", Expr{}, 0, false
}

// compare makes the closure of a comparison: of a number with one that is written out, of two names, of two truths, or of
// any two numbers.
func (l *Layout) compare(e Expr) truth {
	if k, _ := l.kind(e.Args[0]); k == Truth {
		p := l.parts(e.Args)
		return same(p[0], p[1], e.Op == Differs)
	}
	if op, a, y, ok := against(e); ok {
		return l.within(a, spanOf(op, y))
	}
	order := orderOf[e.Op]
	a, b := e.Args[0], e.Args[1]
	if a.Op == Var && b.Op == Var {
		s, t := l.slot(a), l.slot(b)
		return func(v *View) Tri { return order.of(v.Value[s&127], v.Value[t&127], v.knows(s)&v.knows(t)) }
	}
	left, right := l.number(a), l.number(b)
	return func(v *View) Tri {
		x, xok := left(v)
		y, yok := right(v)
		return order.of(x, y, bit(xok)&bit(yok))
	}
}

// within makes the closure of a number in a span.
func (l *Layout) within(e Expr, s span) truth {
	if e.Op == Var {
		slot := l.slot(e)
		return func(v *View) Tri { return s.has(v.Value[slot&127], v.knows(slot)) }
	}
	if read, ok := reads[e.Func]; ok {
		i, empty := l.place(e)
		return func(v *View) Tri {
			x, ok := read(v.window(i, empty), v.At)
			return s.has(x, bit(ok))
		}
	}
	if e.Op == Minus && e.Args[0].Op == Var && e.Args[1].Op == Var {
		a, b := l.slot(e.Args[0]), l.slot(e.Args[1])
		return func(v *View) Tri {
			x := v.Value[a&127] - v.Value[b&127]
			return s.has(x, v.knows(a)&v.knows(b)&bit(finite(x)))
		}
	}
	a := l.number(e)
	return func(v *View) Tri {
		x, ok := a(v)
		return s.has(x, bit(ok))
	}
}

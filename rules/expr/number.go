package expr

// number answers a number at a look, and whether it is known.
type number = func(*View) (float64, bool)

// Number makes a closure of e. It answers the number and whether it is known, and allocates nothing.
func (l *Layout) Number(e Expr) (func(*View) (float64, bool), error) {
	if err := l.check(e, Number); err != nil {
		return nil, err
	}
	return l.number(e), nil
}

// number makes the closure of what check has found sound.
func (l *Layout) number(e Expr) number {
	switch e.Op {
	case LiteralNumber:
		x := e.Number
		return func(*View) (float64, bool) { return x, true }
	case Var:
		s := l.slot(e)
		return func(v *View) (float64, bool) { return v.number(s) }
	case Call:
		return l.callNumber(e)
	default:
		return l.quickNumber(e)
	}
}

// quickNumber puts a table before the long way, when e is one.
func (l *Layout) quickNumber(e Expr) number {
	long := l.longNumber(e)
	if t, ok := l.tableOf(e, maxNumbers); ok {
		if row, ok := t.numbers(e); ok {
			return t.number(row, long)
		}
	}
	return long
}

// longNumber makes the closure that has no table before it.
func (l *Layout) longNumber(e Expr) number {
	switch e.Op {
	case Negate:
		a := l.number(e.Args[0])
		return func(v *View) (float64, bool) { x, ok := a(v); return -x, ok }
	case If:
		return chooseNumber(l.parts(e.Args[:1])[0], l.number(e.Args[1]), l.number(e.Args[2]))
	default:
		return l.arithmetic(e)
	}
}

// slot is the slot of a name that check has found declared.
func (l *Layout) slot(e Expr) uint8 {
	s, _, _ := l.Slot(e.Name)
	return uint8(s)
}

func chooseNumber(ask truth, then, other number) number {
	return func(v *View) (float64, bool) {
		switch ask(v) {
		case True:
			return then(v)
		case False:
			return other(v)
		default:
			return 0, false
		}
	}
}

// arithmetic makes the closure of a sum, difference, product or quotient. A name with a number that is written out and two names
// are the common cases.
func (l *Layout) arithmetic(e Expr) number {
	a, b := e.Args[0], e.Args[1]
	do := operators[e.Op]
	switch {
	case a.Op == Var && b.Op == LiteralNumber:
		s, y := l.slot(a), b.Number
		return func(v *View) (float64, bool) {
			x, ok := v.number(s)
			x = do(x, y)
			return x, ok && finite(x)
		}
	case a.Op == Var && b.Op == Var:
		s, t := l.slot(a), l.slot(b)
		return func(v *View) (float64, bool) {
			x, xok := v.number(s)
			y, yok := v.number(t)
			x = do(x, y)
			return x, xok && yok && finite(x)
		}
	}
	left, right := l.number(a), l.number(b)
	return func(v *View) (float64, bool) {
		x, xok := left(v)
		y, yok := right(v)
		x = do(x, y)
		return x, xok && yok && finite(x)
	}
}

var operators = map[Op]func(x, y float64) float64{
	Plus:  func(x, y float64) float64 { return x + y },
	Minus: func(x, y float64) float64 { return x - y },
	Times: func(x, y float64) float64 { return x * y },
	Over:  func(x, y float64) float64 { return x / y },
}

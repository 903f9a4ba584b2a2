package expr

// truth answers a truth at a look.
type truth = func(*View) Tri

// Truth makes a closure of e. It allocates nothing when it runs.
func (l *Layout) Truth(e Expr) (func(*View) Tri, error) {
	if err := l.check(e, Truth); err != nil {
		return nil, err
	}
	return l.truth(e), nil
}

// truth makes the closure of what check has found sound.
func (l *Layout) truth(e Expr) truth { return l.quick(e, maxCells) }

// quick puts a table before the long way, when e is one.
func (l *Layout) quick(e Expr, most int) truth {
	long := l.long(e)
	if t, ok := l.tableOf(e, most); ok {
		if row, ok := t.row(e); ok {
			return t.truth(row, long)
		}
	}
	return long
}

// parts are the closures behind a table. Their own tables are small ones: what is already the long way shall not cost a
// pack thousands of answers at every bracket.
func (l *Layout) parts(es []Expr) []truth {
	all := make([]truth, len(es))
	for i, e := range es {
		all[i] = l.quick(e, maxWord)
	}
	return all
}

// long makes the closure that has no table before it.
func (l *Layout) long(e Expr) truth {
	switch e.Op {
	case LiteralTruth:
		t := Of(e.Truth)
		return func(*View) Tri { return t }
	case Var:
		s := l.slot(e)
		return func(v *View) Tri { return truthOf.has(v.Value[s&127], v.knows(s)) }
	case And, Or:
		return l.joined(e)
	case Not:
		a := l.parts(e.Args)[0]
		return func(v *View) Tri { return a(v).Not() }
	case Some:
		return some(int(e.Number), l.parts(e.Args))
	case If:
		p := l.parts(e.Args)
		return choose(p[0], p[1], p[2])
	case Call:
		return l.callTruth(e)
	default:
		return l.compare(e)
	}
}

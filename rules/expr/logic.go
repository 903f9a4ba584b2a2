package expr

import "slices"

// joined makes the closure of && and ||. Both follow Kleene, so the order of the parts does not change the answer: what can be
// looked up comes first, in as few rows as hold it, and what costs more is asked only when that has not decided.
func (l *Layout) joined(e Expr) truth {
	if _, whole := l.tableOf(e, maxCells); whole {
		return joinedAll(e.Op, l.parts(e.Args)) // the long way of that table
	}
	var rows, rest []truth
	row := Expr{Op: e.Op}
	for _, a := range e.Args {
		if _, ok := l.tableOf(a, maxCells); !ok {
			rest = append(rest, l.truth(a))
			continue
		}
		wider := Expr{Op: e.Op, Args: append(slices.Clip(row.Args), a)}
		if _, ok := l.tableOf(wider, maxCells); !ok {
			rows, wider.Args = append(rows, l.truth(row)), []Expr{a}
		}
		row = wider
	}
	if len(row.Args) > 0 {
		rows = append(rows, l.truth(row))
	}
	return joinedAll(e.Op, append(rows, rest...))
}

func joinedAll(op Op, all []truth) truth {
	t := all[0]
	for _, u := range all[1:] {
		t = joinedTwo(op, t, u)
	}
	return t
}

func joinedTwo(op Op, a, b truth) truth {
	if op == And {
		return func(v *View) Tri {
			t := a(v)
			if t == False {
				return t
			}
			return t.And(b(v))
		}
	}
	return func(v *View) Tri {
		t := a(v)
		if t == True {
			return t
		}
		return t.Or(b(v))
	}
}

func choose(ask, then, other truth) truth {
	return func(v *View) Tri {
		switch ask(v) {
		case True:
			return then(v)
		case False:
			return other(v)
		default:
			return Unknown
		}
	}
}

// some holds when n of the truths do, and does not when n cannot be reached any more.
func some(n int, all []truth) truth {
	return func(v *View) Tri {
		holds, may := 0, len(all)
		for _, t := range all {
			switch t(v) {
			case True:
				holds++
			case False:
				may--
			case Unknown: // it may hold
			}
		}
		if holds >= n {
			return True
		}
		if may < n {
			return False
		}
		return Unknown
	}
}

// same is == and != of two truths.
func same(a, b truth, differs bool) truth {
	return func(v *View) Tri {
		t, u := a(v), b(v)
		if t == Unknown || u == Unknown {
			return Unknown
		}
		return Of((t == u) != differs)
	}
}

package expr

import (
	"reflect"
	"slices"
)

// Unknowns makes the closure that says why e is not known. It appends to to the smallest parts that are not, each once, in the
// order in which they are read, and answers to as it was when e is known: a name that stands for no value, a
// function of too few readings, or an arithmetic whose result is no number. Expr.Name of a part is the name that is missing, Expr.String its
// text. A part that is not known although e is decided without it is not among them.
func (l *Layout) Unknowns(e Expr) (func(v *View, to []Expr) []Expr, error) {
	if err := Bounded(e); err != nil {
		return nil, err
	}
	if _, err := l.kind(e); err != nil {
		return nil, err
	}
	g := l.gap(e)
	return func(v *View, to []Expr) []Expr {
		if g.known(v) {
			return to
		}
		return g.collect(v, to)
	}, nil
}

// gap is a part of an expression that may be unknown.
type gap struct {
	Expr
	known func(*View) bool
	parts []gap
	ask   truth // of a ?:
}

func (l *Layout) gap(e Expr) gap {
	g := gap{Expr: e}
	for _, a := range e.Args {
		g.parts = append(g.parts, l.gap(a))
	}
	if k, _ := l.kind(e); k == Truth {
		t := l.quick(e, maxWord)
		g.known = func(v *View) bool { return t(v) != Unknown }
	} else {
		n := l.number(e)
		g.known = func(v *View) bool { _, ok := n(v); return ok }
	}
	if e.Op == If {
		g.ask = l.quick(e.Args[0], maxWord)
	}
	return g
}

// collect appends what makes g unknown, which it is.
func (g *gap) collect(v *View, to []Expr) []Expr {
	parts := g.parts
	if g.ask != nil {
		parts = g.taken(v)
	}
	whole := true
	for i := range parts {
		if !parts[i].known(v) {
			to, whole = parts[i].collect(v, to), false
		}
	}
	if !whole || slices.ContainsFunc(to, func(e Expr) bool { return reflect.DeepEqual(e, g.Expr) }) {
		return to
	}
	return append(to, g.Expr)
}

// taken are the parts of a ?: that count: the question when it is unknown, else the side that it chose.
func (g *gap) taken(v *View) []gap {
	switch g.ask(v) {
	case True:
		return g.parts[1:2]
	case False:
		return g.parts[2:]
	default:
		return g.parts[:1]
	}
}

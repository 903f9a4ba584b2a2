package expr

import (
	"errors"
	"fmt"
	"slices"

	"tocsin/rules/window"
)

// What one condition may be: deeper or larger is a fault in whatever wrote it, and recursion over it stays small.
const (
	MaxDepth = 64
	MaxParts = 2048
)

var errDeep = fmt.Errorf("a condition is nested at most %d deep", MaxDepth)

// shape are the kinds that an operator takes and answers.
type shape struct {
	least, most   int // how many arguments
	takes, answer Kind
}

var shapes = map[Op]shape{
	LiteralNumber: {0, 0, 0, Number}, LiteralTruth: {0, 0, 0, Truth},
	And: {2, MaxParts, Truth, Truth}, Or: {2, MaxParts, Truth, Truth}, Not: {1, 1, Truth, Truth}, Some: {1, MaxParts, Truth, Truth},
	Less: {2, 2, Number, Truth}, AtMost: {2, 2, Number, Truth}, Greater: {2, 2, Number, Truth}, AtLeast: {2, 2, Number, Truth},
	Plus: {2, 2, Number, Number}, Minus: {2, 2, Number, Number}, Times: {2, 2, Number, Number}, Over: {2, 2, Number, Number},
	Negate: {1, 1, Number, Number},
}

// check answers why no closure can be made of e as a want. Conditions that the package condition has read have no fault but a
// name that nobody declared; data from elsewhere may have any.
func (l *Layout) check(e Expr, want Kind) error {
	if err := Bounded(e); err != nil {
		return err
	}
	k, err := l.kind(e)
	if err == nil && k != want {
		err = fmt.Errorf("%s is a %s, not a %s", e, k, want)
	}
	return err
}

// Bounded answers why e is too large for any closure to be made of it.
func Bounded(e Expr) error { return bounded(e, 1, new(int)) }

func bounded(e Expr, depth int, parts *int) error {
	if *parts++; *parts > MaxParts {
		return fmt.Errorf("a condition has at most %d parts", MaxParts)
	}
	if depth > MaxDepth {
		return errDeep
	}
	for _, a := range e.Args {
		if err := bounded(a, depth+1, parts); err != nil {
			return err
		}
	}
	return nil
}

// kind answers what e is, when it and all its parts are sound.
func (l *Layout) kind(e Expr) (Kind, error) {
	switch e.Op {
	case Var:
		if _, k, ok := l.Slot(e.Name); ok && len(e.Args) == 0 {
			return k, nil
		}
		return 0, fmt.Errorf("%s is not declared", e.Name)
	case Call:
		return l.called(e)
	case If:
		return l.chosen(e)
	case Equal, Differs:
		return Truth, l.alike(e)
	default:
		return l.plain(e)
	}
}

// plain is kind for the operators whose arguments are all of one kind.
func (l *Layout) plain(e Expr) (Kind, error) {
	s, ok := shapes[e.Op]
	if !ok {
		return 0, fmt.Errorf("%q is no operator of conditions", string(e.Op))
	}
	if n := len(e.Args); n < s.least || n > s.most {
		return 0, fmt.Errorf("%s takes %d to %d parts, not %d", e.Op, s.least, s.most, n)
	}
	if !finite(e.Number) || e.Op == Some && (e.Number < 1 || e.Number > float64(len(e.Args)) || e.Number != float64(int(e.Number))) {
		return 0, fmt.Errorf("%s: the number does not fit", e)
	}
	return s.answer, l.all(e.Args, s.takes)
}

// all is an error when one of es is not of kind k.
func (l *Layout) all(es []Expr, k Kind) error {
	for _, e := range es {
		got, err := l.kind(e)
		if err == nil && got != k {
			err = fmt.Errorf("%s is a %s where a %s is wanted", e, got, k)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// alike is an error when e does not compare two of one kind.
func (l *Layout) alike(e Expr) error {
	if len(e.Args) != 2 {
		return fmt.Errorf("%s takes 2 parts, not %d", e.Op, len(e.Args))
	}
	k, err := l.kind(e.Args[0])
	if err != nil {
		return err
	}
	return l.all(e.Args[1:], k)
}

func (l *Layout) chosen(e Expr) (Kind, error) {
	if len(e.Args) != 3 {
		return 0, fmt.Errorf("?: takes 3 parts, not %d", len(e.Args))
	}
	if err := l.all(e.Args[:1], Truth); err != nil {
		return 0, err
	}
	k, err := l.kind(e.Args[1])
	if err != nil {
		return 0, err
	}
	return k, l.all(e.Args[2:], k)
}

func (l *Layout) called(e Expr) (Kind, error) {
	f, ok := FunctionOf(e.Func)
	if !ok || e.Name == "" {
		return 0, fmt.Errorf("%s: no function of conditions", e)
	}
	i, looks := 0, false
	for _, p := range f.Params {
		if p == Length || p == Days {
			looks = true
			if err := FitsLength(f, e.LengthMs); err != nil {
				return 0, fmt.Errorf("%s: %w", e, err)
			}
			continue
		}
		if i < len(e.Args) && p != Any && (e.Args[i].Op != LiteralNumber || p == Count && !FitsCount(e.Args[i].Number)) {
			return 0, fmt.Errorf("%s: %s does not fit", e, e.Args[i])
		}
		i++
	}
	if i != len(e.Args) || !looks && e.LengthMs != 0 {
		return 0, fmt.Errorf("%s: want %s", e, f.Usage)
	}
	if _, recent := recents[f.Name]; !recent {
		if _, err := l.spec(e); err != nil {
			return 0, err
		}
	}
	return f.Kind, l.all(e.Args, Number)
}

// FitsCount tells whether x is a whole number of days that a window can hold.
func FitsCount(x float64) bool { return x >= 1 && x <= window.MaxDays && x == float64(int(x)) }

// FitsLength answers why f cannot look back over a length.
func FitsLength(f Function, ms int64) error {
	longest, days := int64(window.MaxLengthMs), slices.Contains(f.Params, Days)
	switch {
	case days:
		longest = window.MaxDays * dayMs
	case f.Name == "ewma":
		longest /= HalfLives
	}
	switch {
	case ms < window.MinLengthMs || ms%minuteMs != 0:
		return errors.New("a length is whole minutes, from 1m")
	case ms > longest:
		return fmt.Errorf("%s looks back %s at most", f.Name, LengthText(longest/dayMs*dayMs))
	case days && ms%dayMs != 0:
		return fmt.Errorf("%s counts whole days", f.Name)
	}
	return nil
}

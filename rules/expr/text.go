package expr

import (
	"math"
	"strconv"
)

// String is the one way to write e: CEL that the package condition reads to the same Expr.
func (e Expr) String() string { return string(e.append(nil, 0)) }

// How tightly operators bind, loosest first.
const (
	bindsIf = 1 + iota
	bindsOr
	bindsAnd
	bindsCompare
	bindsSum
	bindsProduct
	bindsSign
	bindsMost
)

func (e Expr) binds() int {
	switch e.Op {
	case If:
		return bindsIf
	case Or:
		return bindsOr
	case And:
		return bindsAnd
	case Less, AtMost, Greater, AtLeast, Equal, Differs:
		return bindsCompare
	case Plus, Minus:
		return bindsSum
	case Times, Over:
		return bindsProduct
	case Not, Negate:
		return bindsSign
	case LiteralNumber:
		if e.Number < 0 {
			return bindsSign
		}
		return bindsMost
	default:
		return bindsMost
	}
}

// append writes e into a place where only what binds at least as tightly as least may stand without brackets.
func (e Expr) append(b []byte, least int) []byte {
	if e.binds() < least {
		return append(e.bare(append(b, '(')), ')')
	}
	return e.bare(b)
}

func (e Expr) bare(b []byte) []byte {
	switch e.Op {
	case LiteralNumber:
		return AppendNumber(b, e.Number)
	case LiteralTruth:
		return strconv.AppendBool(b, e.Truth)
	case Var:
		return append(b, e.Name...)
	case Call:
		return e.call(b)
	case Some:
		return e.list(AppendNumber(append(b, "at_least("...), e.Number))
	case Not:
		return e.arg(append(b, '!'), 0, bindsMost)
	case Negate:
		return e.arg(append(b, '-'), 0, bindsMost)
	case If:
		b = append(e.arg(b, 0, bindsOr), " ? "...)
		b = append(e.arg(b, 1, bindsOr), " : "...)
		return e.arg(b, 2, bindsOr)
	default:
		return e.between(b)
	}
}

// between writes the arguments with the operator between them. Only the first may bind as loosely as the operator.
func (e Expr) between(b []byte) []byte {
	own := e.binds()
	for i := range e.Args {
		if i > 0 {
			b = append(append(append(b, ' '), e.Op...), ' ')
		}
		least := own + 1
		if i == 0 && (own == bindsSum || own == bindsProduct) {
			least = own
		}
		b = e.arg(b, i, least)
	}
	return b
}

func (e Expr) arg(b []byte, i, least int) []byte {
	if i >= len(e.Args) {
		return append(b, "nothing"...) // data that no condition was read into; Truth and Number refuse it
	}
	return e.Args[i].append(b, least)
}

func (e Expr) list(b []byte) []byte {
	for i := range e.Args {
		b = e.arg(append(b, ", "...), i, 0)
	}
	return append(b, ')')
}

// call writes a function with its arguments in their order.
func (e Expr) call(b []byte) []byte {
	b = append(append(append(b, e.Func...), '('), e.Name...)
	f, ok := FunctionOf(e.Func)
	if !ok {
		return e.list(b)
	}
	i := 0
	for _, p := range f.Params {
		b = append(b, ", "...)
		if p == Length || p == Days {
			b = strconv.AppendQuote(b, LengthText(e.LengthMs))
			continue
		}
		b = e.arg(b, i, 0)
		i++
	}
	return append(b, ')')
}

// AppendNumber writes x in the fewest digits that read back to x.
func AppendNumber(b []byte, x float64) []byte {
	if a := math.Abs(x); a != 0 && (a < 1e-6 || a >= 1e15) {
		return strconv.AppendFloat(b, x, 'e', -1, 64)
	}
	return strconv.AppendFloat(b, x, 'f', -1, 64)
}

// LengthText writes a length as packs do: "90m", "24h", "7d".
func LengthText(ms int64) string {
	switch {
	case ms >= 2*dayMs && ms%dayMs == 0:
		return strconv.FormatInt(ms/dayMs, 10) + "d"
	case ms%hourMs == 0:
		return strconv.FormatInt(ms/hourMs, 10) + "h"
	default:
		return strconv.FormatInt(ms/minuteMs, 10) + "m"
	}
}

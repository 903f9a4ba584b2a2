package condition

import (
	"fmt"
	"slices"
	"strings"

	"cel.dev/cel-go/common/ast"
	"cel.dev/cel-go/common/operators"
	"cel.dev/cel-go/common/types"

	"tocsin/rules/expr"
)

// reader turns the tree of one text into an expr.Expr and gathers what is wrong with it.
type reader struct {
	env    *Env
	text   string
	source *ast.SourceInfo
	faults Faults
}

// part is what the reader made of a part of the text.
type part struct {
	expr.Expr
	kind expr.Kind // 0: there is a fault in it, which has been told
	unit string    // of a number: empty goes with any
}

// fault tells what is wrong where a part of the text begins, and answers the part that follows from it.
func (r *reader) fault(e ast.Expr, format string, args ...any) part {
	at := r.begin(e)
	r.faults = append(r.faults, Fault{at.line, at.column, fmt.Sprintf(format, args...)})
	return part{}
}

type position struct{ line, column int }

// begin answers where a part begins: an operator stands behind its first side.
func (r *reader) begin(e ast.Expr) position {
	at := position{}
	ast.PostOrderVisit(e, ast.NewExprVisitor(func(e ast.Expr) {
		l := r.source.GetStartLocation(e.ID())
		p := position{l.Line(), l.Column() + 1 - r.called(e)}
		if p.line < 1 || e.ID() == 0 {
			return
		}
		if at.line == 0 || p.line < at.line || p.line == at.line && p.column < at.column {
			at = p
		}
	}))
	return at
}

// called answers how long the name of a function is, since its place is that of the bracket behind it.
func (r *reader) called(e ast.Expr) int {
	if e.Kind() != ast.CallKind || e.AsCall().IsMemberFunction() {
		return 0
	}
	name := e.AsCall().FunctionName()
	l := r.source.GetStartLocation(e.ID())
	if !strings.HasSuffix(before(r.text, Fault{Line: l.Line(), Column: l.Column() + 1}), name) {
		return 0
	}
	return len(name)
}

var signs = map[string]expr.Op{
	operators.LogicalAnd: expr.And, operators.LogicalOr: expr.Or, operators.LogicalNot: expr.Not, operators.Conditional: expr.If,
	operators.Less: expr.Less, operators.LessEquals: expr.AtMost, operators.Greater: expr.Greater, operators.GreaterEquals: expr.AtLeast,
	operators.Equals: expr.Equal, operators.NotEquals: expr.Differs,
	operators.Add: expr.Plus, operators.Subtract: expr.Minus, operators.Multiply: expr.Times, operators.Divide: expr.Over, operators.Negate: expr.Negate,
}

func (r *reader) read(e ast.Expr) part {
	switch e.Kind() {
	case ast.LiteralKind:
		return r.literal(e)
	case ast.IdentKind:
		return r.name(e)
	case ast.CallKind:
		return r.call(e)
	case ast.ListKind, ast.MapKind, ast.StructKind:
		return r.fault(e, "lists and maps are no part of conditions")
	case ast.SelectKind:
		return r.fault(e, "a point between names is no part of conditions: names are written with _")
	default:
		return r.fault(e, "this is no part of conditions")
	}
}

// wholeMost is the greatest whole number up to which a double has every one.
const wholeMost = 1 << 53

func (r *reader) literal(e ast.Expr) part {
	switch x := e.AsLiteral().(type) {
	case types.Double:
		return numberOf(float64(x))
	case types.Int:
		if x > wholeMost || x < -wholeMost {
			return r.fault(e, "this number is too large")
		}
		return numberOf(float64(x))
	case types.Bool:
		return part{Expr: expr.Expr{Op: expr.LiteralTruth, Truth: bool(x)}, kind: expr.Truth}
	case types.String:
		return r.fault(e, "text in quotes has no place here: only the length of a function is written so")
	case types.Uint:
		return r.fault(e, "numbers are written without u")
	case types.Null:
		return r.fault(e, "null is no part of conditions: what is missing is not known by itself")
	default:
		return r.fault(e, "%s is no part of conditions", x.Type().TypeName())
	}
}

func numberOf(x float64) part {
	return part{Expr: expr.Expr{Op: expr.LiteralNumber, Number: x + 0}, kind: expr.Number} // -0 + 0 is 0
}

func (r *reader) name(e ast.Expr) part {
	n, ok := r.env.names[e.AsIdent()]
	if !ok {
		return r.unknown(e, e.AsIdent())
	}
	return part{expr.Expr{Op: expr.Var, Name: n.Name}, n.Kind, n.Unit}
}

// unknown tells of a name that nobody declared.
func (r *reader) unknown(e ast.Expr, name string) part {
	if f, ok := expr.FunctionOf(name); ok {
		return r.fault(e, "%s is a function: write %s", name, f.Usage)
	}
	if like := near(name, r.env.words); like != nil {
		return r.fault(e, "%s is not declared: is %s meant?", name, oneOf(like))
	}
	return r.fault(e, "%s is not declared", name)
}

func (r *reader) call(e ast.Expr) part {
	c := e.AsCall()
	if c.IsMemberFunction() {
		return r.fault(e, "a function is written before its brackets: %s(…), not behind a point", c.FunctionName())
	}
	if op, ok := signs[c.FunctionName()]; ok {
		return r.operator(e, op, c.Args())
	}
	f, ok := expr.FunctionOf(c.FunctionName())
	switch {
	case f.Name == string(expr.Some) && !series(c.Args()):
		return r.some(e, c.Args())
	case ok:
		return r.function(e, f, c.Args())
	}
	return r.unknownCall(e, c)
}

func (r *reader) unknownCall(e ast.Expr, c ast.CallExpr) part {
	switch c.FunctionName() {
	case operators.Modulo:
		return r.fault(e, "%% is no part of conditions")
	case operators.In, operators.OldIn:
		return r.fault(e, "in is no part of conditions: compare with <= and >=, or ask in_range")
	case operators.Index, operators.OptIndex, operators.OptSelect:
		return r.fault(e, "[ ] is no part of conditions")
	}
	var names []string
	for _, f := range expr.Functions {
		names = append(names, f.Name)
	}
	if other := synonyms[c.FunctionName()]; other != "" {
		return r.fault(e, "there is no function %s: write %s", c.FunctionName(), other)
	}
	if like := near(c.FunctionName(), names); like != nil {
		return r.fault(e, "there is no function %s: is %s meant?", c.FunctionName(), oneOf(like))
	}
	return r.fault(e, "there is no function %s", c.FunctionName())
}

// synonyms are what other tools call our functions.
var synonyms = map[string]string{"avg": "mean", "average": "mean", "minimum": "min", "maximum": "max", "sd": "spread", "std": "spread", "stddev": "spread",
	"latest": "last", "newest": "last", "sustained": "below or above", "held": "below or above", "cusum": "cusum_up or cusum_down"}

// series tells whether the first argument is one: the name of a series has become a text.
func series(args []ast.Expr) bool {
	if len(args) == 0 || args[0].Kind() != ast.LiteralKind {
		return false
	}
	_, ok := args[0].AsLiteral().(types.String)
	return ok
}

func (r *reader) operator(e ast.Expr, op expr.Op, args []ast.Expr) part {
	parts := make([]part, len(args))
	for i, a := range args {
		parts[i] = r.read(a)
	}
	switch op {
	case expr.And, expr.Or, expr.Not:
		return r.logic(op, args, parts)
	case expr.If:
		return r.choice(args, parts)
	case expr.Negate:
		r.wants(args[0], parts[0], expr.Number)
		if parts[0].Op == expr.LiteralNumber {
			return numberOf(-parts[0].Number)
		}
		return made(op, expr.Number, parts, parts[0].unit)
	case expr.Plus, expr.Minus, expr.Times, expr.Over:
		return r.arithmetic(op, args, parts)
	default:
		return r.comparison(op, args, parts)
	}
}

// made is the part of an operator, unless one of its parts has a fault.
func made(op expr.Op, k expr.Kind, parts []part, unit string) part {
	p := part{expr.Expr{Op: op}, k, unit}
	for _, q := range parts {
		if q.kind == 0 {
			return part{}
		}
		p.Args = append(p.Args, q.Expr)
	}
	return p
}

// wants tells when p is not what is wanted.
func (r *reader) wants(e ast.Expr, p part, want expr.Kind) bool {
	switch {
	case p.kind == 0:
		return false
	case p.kind == want:
		return true
	case want == expr.Truth:
		r.fault(e, "%s is a number: compare it with something", p)
	default:
		r.fault(e, "%s is a truth (yes or no), and a number is wanted", p)
	}
	return false
}

func (r *reader) logic(op expr.Op, args []ast.Expr, parts []part) part {
	sound := true
	for i := range args {
		sound = r.wants(args[i], parts[i], expr.Truth) && sound
	}
	if !sound {
		return part{}
	}
	all := made(op, expr.Truth, parts, "")
	if op != expr.Not {
		all.Args = flat(op, all.Args)
	}
	return all
}

// flat writes a && (b && c) as && of three.
func flat(op expr.Op, args []expr.Expr) (all []expr.Expr) {
	for _, a := range args {
		if a.Op == op {
			all = append(all, a.Args...)
		} else {
			all = append(all, a)
		}
	}
	return all
}

func (r *reader) choice(args []ast.Expr, parts []part) part {
	ask, then, other := parts[0], parts[1], parts[2]
	if ask.kind != 0 && !r.wants(args[0], ask, expr.Truth) || then.kind == 0 || other.kind == 0 {
		return part{}
	}
	if then.kind != other.kind {
		return r.fault(args[1], "both sides of : are numbers or both are truths; %s is a %s and %s a %s", then, then.kind, other, other.kind)
	}
	return made(expr.If, then.kind, parts, r.unit(args[1:], parts[1:], "are not of one kind"))
}

func (r *reader) arithmetic(op expr.Op, args []ast.Expr, parts []part) part {
	a := r.wants(args[0], parts[0], expr.Number)
	b := r.wants(args[1], parts[1], expr.Number)
	if !a || !b {
		return part{}
	}
	switch op {
	case expr.Plus, expr.Minus:
		return made(op, expr.Number, parts, r.unit(args, parts, "cannot be added or subtracted"))
	case expr.Times:
		return made(op, expr.Number, parts, scaled(parts[0], parts[1])+scaled(parts[1], parts[0]))
	default:
		return made(op, expr.Number, parts, scaled(parts[0], parts[1]))
	}
}

// scaled is the unit of a number that is multiplied or divided by one that is written out. That of any other product is
// not followed: it goes with all.
func scaled(p, by part) string {
	if by.Op == expr.LiteralNumber {
		return p.unit
	}
	return ""
}

// unit answers the common unit of numbers that stand side by side, and tells when they have none.
func (r *reader) unit(args []ast.Expr, parts []part, why string) string {
	unit, of := "", part{}
	for i, p := range parts {
		switch {
		case p.unit == "" || p.unit == unit:
		case unit == "":
			unit, of = p.unit, p
		default:
			r.fault(args[i], "%s is in %s and %s in %s: they %s", of, unit, p, p.unit, why)
			return ""
		}
	}
	return unit
}

func (r *reader) comparison(op expr.Op, args []ast.Expr, parts []part) part {
	a, b := parts[0], parts[1]
	if a.kind == 0 || b.kind == 0 {
		return part{}
	}
	switch {
	case op == expr.Equal || op == expr.Differs:
		if a.kind != b.kind {
			return r.fault(args[0], "%s is a %s and %s a %s: they cannot be compared%s", a, a.kind, b, b.kind, yesNo(a, b))
		}
	case compares(a.Op) && b.kind == expr.Number:
		return r.fault(args[0], "comparisons do not chain: write %s && %s %s %s", a, a.Args[1], op, b)
	default:
		first := r.wants(args[0], a, expr.Number)
		if second := r.wants(args[1], b, expr.Number); !first || !second {
			return part{}
		}
	}
	r.unit(args, parts, "cannot be compared")
	return made(op, expr.Truth, parts, "")
}

// yesNo is the advice to whoever compares an answer with 1 or 0.
func yesNo(a, b part) string {
	for _, p := range []part{a, b} {
		if p.kind == expr.Truth && p.Op == expr.Var {
			return fmt.Sprintf("; write %s or !%s", p, p)
		}
	}
	return ""
}

func compares(op expr.Op) bool {
	return slices.Contains([]expr.Op{expr.Less, expr.AtMost, expr.Greater, expr.AtLeast}, op)
}

// some reads at_least(2, a, b, c).
func (r *reader) some(e ast.Expr, args []ast.Expr) part {
	if len(args) < 2 {
		return r.fault(e, `want at_least(2, a, b, c), or at_least(x, 110, "15m") for a series`)
	}
	k := r.read(args[0])
	parts := make([]part, len(args)-1)
	sound := k.kind != 0
	for i, a := range args[1:] {
		parts[i] = r.read(a)
		sound = r.wants(a, parts[i], expr.Truth) && sound
	}
	if sound && (k.Op != expr.LiteralNumber || k.Number < 1 || k.Number > float64(len(parts)) || k.Number != float64(int(k.Number))) {
		return r.fault(args[0], "at_least begins with a whole number from 1 to %d, as many as there are conditions", len(parts))
	}
	if len(parts) > maxTerms {
		return r.fault(e, "at_least takes %d conditions at most", maxTerms)
	}
	if !sound {
		return part{}
	}
	all := made(expr.Some, expr.Truth, parts, "")
	all.Number = k.Number
	return all
}

// String is the text of the part, shortened in the middle when it is long.
func (p part) String() string {
	s := p.Expr.String()
	if len(s) > 60 {
		return strings.TrimSpace(s[:40]) + " … " + strings.TrimSpace(s[len(s)-15:])
	}
	return s
}

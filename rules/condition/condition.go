package condition

import (
	"fmt"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common/ast"
	"cel.dev/cel-go/common/types"

	"tocsin/rules/expr"
)

// Truth reads a condition, such as `spo2_percent < 92 && mean(pulse_per_min, "24h") > 100`. The error is of type Faults.
func (env *Env) Truth(text string) (expr.Expr, error) { return env.read(text, expr.Truth) }

// Number reads a number, such as `max(spo2_percent, "7d") - spo2_percent`. The error is of type Faults.
func (env *Env) Number(text string) (expr.Expr, error) { return env.read(text, expr.Number) }

func (env *Env) read(text string, want expr.Kind) (expr.Expr, error) {
	parsed, issues := env.cel.Parse(text)
	if issues.Err() != nil {
		return expr.Expr{}, syntax(text, issues.Errors()).err()
	}
	r := &reader{env: env, text: text, source: parsed.NativeRep().SourceInfo()}
	tree := parsed.NativeRep().Expr()
	got := r.read(tree)
	r.wants(tree, got, want)
	if err := expr.Bounded(got.Expr); err != nil {
		r.fault(tree, "%s", err)
	}
	if len(r.faults) > 0 {
		return expr.Expr{}, r.faults.err()
	}
	return got.Expr, env.check(parsed, want)
}

// check has cel-go judge what the reader has let through. A fault here is one of the reader, and still stops the pack.
func (env *Env) check(parsed *cel.Ast, want expr.Kind) error {
	pointed(parsed.NativeRep().Expr())
	checked, issues := env.cel.Check(parsed)
	var faults Faults
	for _, e := range issues.Errors() {
		faults = append(faults, Fault{e.Location.Line(), e.Location.Column() + 1, e.Message})
	}
	if faults == nil && !checked.OutputType().IsExactType(celType(want)) {
		faults = Faults{{1, 1, fmt.Sprintf("this is a %s, and a %s is wanted", checked.OutputType(), want)}}
	}
	return faults.err()
}

// pointed makes a double of every int that is written out: all numbers of conditions are, and CEL does not mix the two.
func pointed(tree ast.Expr) {
	make := ast.NewExprFactory()
	ast.PostOrderVisit(tree, ast.NewExprVisitor(func(e ast.Expr) {
		if e.Kind() != ast.LiteralKind {
			return
		}
		if n, ok := e.AsLiteral().(types.Int); ok {
			e.SetKindCase(make.NewLiteral(e.ID(), types.Double(n)))
		}
	}))
}

package condition

import (
	"strconv"
	"strings"

	"cel.dev/cel-go/common/ast"
	"cel.dev/cel-go/common/types"

	"tocsin/rules/expr"
)

// function reads a function of a series.
func (r *reader) function(e ast.Expr, f expr.Function, args []ast.Expr) part {
	if len(args) != len(f.Params)+1 {
		return r.fault(e, "want %s", f.Usage)
	}
	p := part{Expr: expr.Expr{Op: expr.Call, Func: f.Name}, kind: f.Kind}
	of, sound := r.series(f, args[0])
	p.Name = of.Name
	for i, want := range f.Params {
		sound = r.param(&p.Expr, f, want, args[i+1], of) && sound
	}
	if !sound {
		return part{}
	}
	if f.Name == "in_range" && p.Args[0].Number > p.Args[1].Number {
		return r.fault(args[1], "the range from %s to %s is empty", p.Args[0], p.Args[1])
	}
	p.unit = unitOf(f.Name, of.Unit)
	return p
}

// series reads the first argument of a function.
func (r *reader) series(f expr.Function, e ast.Expr) (Name, bool) {
	if !series([]ast.Expr{e}) {
		r.fault(e, "%s begins with the name of a series: %s", f.Name, f.Usage)
		return Name{}, false
	}
	name := string(e.AsLiteral().(types.String))
	n, ok := r.env.names[name]
	switch {
	case !ok:
		r.unknown(e, name)
	case !n.Series:
		r.fault(e, "%s has no readings to look back on: %s wants a signal, an answer or a derived series", name, f.Name)
		return n, false
	}
	return n, ok
}

// param reads one argument into call.
func (r *reader) param(call *expr.Expr, f expr.Function, want expr.Param, e ast.Expr, of Name) bool {
	if want == expr.Length || want == expr.Days {
		ms, ok := r.length(f, e)
		call.LengthMs = ms
		return ok
	}
	p := r.read(e)
	if !r.wants(e, p, expr.Number) {
		return false
	}
	call.Args = append(call.Args, p.Expr)
	switch {
	case want == expr.Count && (p.Op != expr.LiteralNumber || !expr.FitsCount(p.Number)):
		r.fault(e, "%s wants a whole number of days here, 1 to %d", f.Name, expr.MaxDays)
		return false
	case want == expr.Fixed && p.Op != expr.LiteralNumber:
		r.fault(e, "%s wants a number that is written out here: readings are counted as they come", f.Name)
		return false
	case p.unit != "" && of.Unit != "" && p.unit != of.Unit:
		r.fault(e, "%s is in %s and %s in %s: they cannot be compared", of.Name, of.Unit, p, p.unit)
		return false
	}
	return true
}

var lengths = map[string]int64{"m": 60_000, "h": 3_600_000, "d": 86_400_000}

// length reads "90m", "24h" or "7d".
func (r *reader) length(f expr.Function, e ast.Expr) (int64, bool) {
	if !series([]ast.Expr{e}) {
		r.fault(e, `%s wants a length in quotes here, such as "24h"`, f.Name)
		return 0, false
	}
	text := string(e.AsLiteral().(types.String))
	digits := strings.TrimRight(text, "mhd")
	n, err := strconv.ParseInt(digits, 10, 32)
	each, ok := lengths[text[len(digits):]]
	if err != nil || !ok || n < 1 || digits[0] == '+' {
		r.fault(e, "%q is no length: write minutes, hours or days, such as %q, %q or %q", text, "90m", "24h", "7d")
		return 0, false
	}
	if err := expr.FitsLength(f, n*each); err != nil {
		r.fault(e, "%q: %s", text, err)
		return 0, false
	}
	return n * each, true
}

// unitOf is the unit of what a function answers.
func unitOf(f, series string) string {
	switch f {
	case "last", "previous", "change", "mean", "min", "max", "spread", "delta", "rise", "fall", "ewma", "cusum_up", "cusum_down", "baseline", "day_mean":
		return series
	case "age":
		return "min"
	case "slope", "trend":
		if series != "" {
			return series + "/d"
		}
	}
	return ""
}

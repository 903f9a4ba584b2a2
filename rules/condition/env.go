package condition

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common/ast"
	"cel.dev/cel-go/common/types"

	"tocsin/rules/expr"
)

// Name is something that conditions may speak of: a signal, an answer, a fact, a parameter or a derived series.
type Name struct {
	Name   string
	Kind   expr.Kind // a yes/no answer is a Truth, all else a Number
	Unit   string    // empty: goes with any
	Series bool      // it has readings that functions can look back on; facts and parameters have none
}

// Limits of a text.
const (
	maxText  = 4000 // characters
	maxDepth = 40   // brackets within brackets
	maxTerms = 32   // truths of one at_least
)

// Env reads conditions over declared names. It may be used by any number of goroutines.
type Env struct {
	cel   *cel.Env
	names map[string]Name
	words []string // the names, sorted
}

// reserved are the words that CEL keeps for itself.
var reserved = strings.Fields("as break const continue else false for function if import in let loop null namespace package return true var void while")

var wellFormed = regexp.MustCompile(`^[a-z][a-z0-9_]{0,63}$`)

// New makes an Env. All faults of the names are told at once.
func New(names []Name) (*Env, error) {
	env := &Env{names: map[string]Name{}}
	var faults []string
	opts := options()
	for _, n := range names {
		if why := env.refuses(n); why != "" {
			faults = append(faults, why)
			continue
		}
		env.names[n.Name] = n
		env.words = append(env.words, n.Name)
		opts = append(opts, cel.Variable(n.Name, celType(n.Kind)))
	}
	if faults != nil {
		return nil, fmt.Errorf("names of conditions: %s", strings.Join(faults, "; "))
	}
	slices.Sort(env.words)
	var err error
	if env.cel, err = cel.NewEnv(opts...); err != nil {
		return nil, fmt.Errorf("names of conditions: %w", err)
	}
	return env, nil
}

func (env *Env) refuses(n Name) string {
	_, twice := env.names[n.Name]
	_, function := expr.FunctionOf(n.Name)
	switch {
	case !wellFormed.MatchString(n.Name):
		return fmt.Sprintf("%q is no name: want small letters, digits and _, a letter first", n.Name)
	case slices.Contains(reserved, n.Name):
		return n.Name + " is a word of the language"
	case function:
		return n.Name + " is a function"
	case twice:
		return n.Name + " is declared twice"
	case n.Kind != expr.Number && n.Kind != expr.Truth:
		return n.Name + " is neither number nor truth"
	}
	return ""
}

func celType(k expr.Kind) *cel.Type {
	if k == expr.Truth {
		return cel.BoolType
	}
	return cel.DoubleType
}

// options are what every Env has: our functions in place of the macros of CEL. A macro turns the name of a series into a
// text, since what a function wants is the series and not its newest value.
func options() []cel.EnvOption {
	opts := []cel.EnvOption{
		cel.ClearMacros(), cel.ParserExpressionSizeLimit(maxText), cel.ParserRecursionLimit(maxDepth),
	}
	for _, f := range expr.Functions {
		opts = append(opts, cel.Macros(cel.GlobalVarArgMacro(f.Name, named(f.Name))))
		opts = append(opts, cel.Function(f.Name, overloads(f)...))
	}
	return opts
}

// named expands mean(x, "24h") to mean("x", "24h"). The text keeps the place of the name, for faults.
func named(function string) cel.MacroFactory {
	return func(helper cel.MacroExprFactory, _ ast.Expr, args []ast.Expr) (ast.Expr, *cel.Error) {
		if len(args) == 0 || args[0].Kind() != ast.IdentKind {
			return nil, nil // no such call: the reader says what is wrong with it
		}
		series := ast.NewExprFactory().NewLiteral(args[0].ID(), types.String(args[0].AsIdent()))
		return helper.NewCall(function, append([]ast.Expr{series}, args[1:]...)...), nil
	}
}

// overloads are the signatures of f for cel-go. at_least is two things: a function of a series, and a count of truths.
func overloads(f expr.Function) []cel.FunctionOpt {
	in := []*cel.Type{cel.StringType}
	for _, p := range f.Params {
		if p == expr.Length || p == expr.Days {
			in = append(in, cel.StringType)
		} else {
			in = append(in, cel.DoubleType)
		}
	}
	all := []cel.FunctionOpt{cel.Overload(f.Name+"_of_series", in, celType(f.Kind))}
	if f.Name != string(expr.Some) {
		return all
	}
	in = []*cel.Type{cel.DoubleType}
	for n := 1; n <= maxTerms; n++ {
		in = append(in, cel.BoolType)
		all = append(all, cel.Overload(fmt.Sprintf("%s_of_%d", f.Name, n), slices.Clone(in), cel.BoolType))
	}
	return all
}

package expr

import "slices"

// Op says what an Expr is. Operators are called by their sign.
type Op string

// The operators, with what stands in Args unless something else is said.
const (
	LiteralNumber Op = "number"   // the number in Expr.Number
	LiteralTruth  Op = "truth"    // the truth in Expr.Truth
	Var           Op = "name"     // the number or truth called Expr.Name
	Call          Op = "call"     // Expr.Func over the series Expr.Name: see Functions
	And           Op = "&&"       // two truths or more
	Or            Op = "||"       // two truths or more
	Not           Op = "!"        // one truth
	Some          Op = "at_least" // at least Expr.Number of the truths
	If            Op = "?:"       // a truth, then two numbers or two truths
	Less          Op = "<"        // two numbers, and so on
	AtMost        Op = "<="
	Greater       Op = ">"
	AtLeast       Op = ">="
	Equal         Op = "==" // two numbers or two truths
	Differs       Op = "!="
	Plus          Op = "+"
	Minus         Op = "-" // of two numbers
	Times         Op = "*"
	Over          Op = "/"
	Negate        Op = "neg" // one number
)

// Expr is a condition or a number of a pack as plain data: it lies in checkpoints, and closures are made of it again.
type Expr struct {
	Op       Op      `json:"op"`
	Number   float64 `json:"number,omitempty"`    // of a LiteralNumber; of Some, how many
	Truth    bool    `json:"truth,omitempty"`     // of a LiteralTruth
	Name     string  `json:"name,omitempty"`      // of a Var; of a Call, the series that is read
	Func     string  `json:"func,omitempty"`      // of a Call
	LengthMs int64   `json:"length_ms,omitempty"` // of a Call that looks back over a length: milliseconds
	Args     []Expr  `json:"args,omitempty"`      // of a Call, its numbers in the order in which they are written
}

// Inputs are the names that e uses, variables and series alike, each once, in the order in which they are read.
func Inputs(e Expr) []string {
	var names []string
	e.walk(func(e Expr) {
		if e.Name != "" && !slices.Contains(names, e.Name) {
			names = append(names, e.Name)
		}
	})
	return names
}

// Vars are the names among Inputs that need a slot: those that stand for a value themselves, not for a series.
func Vars(e Expr) []string {
	var names []string
	e.walk(func(e Expr) {
		if e.Op == Var && !slices.Contains(names, e.Name) {
			names = append(names, e.Name)
		}
	})
	return names
}

// walk shows f every part of e, the whole before its parts.
func (e Expr) walk(f func(Expr)) {
	f(e)
	for _, a := range e.Args {
		a.walk(f)
	}
}

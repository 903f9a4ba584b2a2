// Package condition reads the conditions of packs: CEL text, parsed and type-checked by cel-go, becomes an expr.Expr. It is
// the only place that knows of cel-go.
//
// Not all of CEL is let in. A condition is made of numbers and truths that are written out, of declared names, of
// && || ! ?: < <= > >= == != + - * /, of at_least(2, a, b, c) and of the functions of expr.Functions. A number may be written
// without a point where CEL wants one. Units are checked as far as names have them: kg cannot be compared with mmHg.
package condition

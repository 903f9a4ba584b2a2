// Package expr holds the conditions of packs as plain data and makes closures of them that judge one patient.
//
// A condition goes three steps. tocsin/rules/condition reads the text of a pack and answers an Expr, which is data and lies
// in checkpoints. A Layout gives every name that the Expr uses a slot, and every window that it reads a place; Truth and
// Number make a closure of it, once for each pack. A View is one look at one patient: the rules fill it, and every closure
// of the layout reads it without an allocation.
//
// What is not known stays not known. A number is a float64 with the word whether it is known, a truth is a Tri, and &&, ||
// and ! follow Kleene: an unknown side is passed over where the other side decides alone, just as CEL passes over an
// error. A ?: whose question is unknown is unknown, arithmetic with an unknown is unknown, and so is arithmetic whose
// result is no number (a division by zero): a rule shall neither raise nor rest on such a thing.
package expr

// Package condition reads the conditions of packs: CEL text, parsed and type-checked by cel-go, becomes an expr.Expr.
package condition

import (
	_ "cel.dev/cel-go/cel" // held in go.mod until the first condition is read
)

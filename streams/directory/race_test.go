//go:build race

package directory

// importRows: the race detector costs five times the time, and its runs are for races.
const importRows = 1_000

// promised: a deadline is not held where everything is slowed down.
const promised = false

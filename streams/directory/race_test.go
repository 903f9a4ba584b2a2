//go:build race

package directory

// importRows: the race detector costs five times the time, and its runs are for races.
const importRows = 1_000

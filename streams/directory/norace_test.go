//go:build !race

package directory

const importRows = 10_000

const promised = true

package window

// Near reads what Add is going to need of each of several windows: first where it lies, then what lies there. The reads of one round
// do not wait for one another, so memory is waited for twice and not twice for each window. The sum means nothing; it keeps the reads.
//
//go:noinline
func Near(all []*Window) (sum uint64) {
	for _, w := range all {
		sum += uint64(w.tail)
	}
	for _, w := range all {
		if n := len(w.cells); int(w.tail) < n && int(w.head) < n { // all of them may have left
			sum += w.cells[w.head] ^ w.cells[w.tail] ^ w.cells[n-1]
		}
	}
	return sum
}

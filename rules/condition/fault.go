package condition

import (
	"fmt"
	"slices"
	"strings"
)

// Fault is one thing wrong with a condition, and where in its text: line and column count from 1, columns in characters.
type Fault struct {
	Line, Column int
	Says         string
}

// Error reads "1:7: ...".
func (f Fault) Error() string { return fmt.Sprintf("%d:%d: %s", f.Line, f.Column, f.Says) }

// Faults is everything wrong with a condition, in the order of its text.
type Faults []Fault

// Error has one line for each fault.
func (fs Faults) Error() string {
	lines := make([]string, len(fs))
	for i, f := range fs {
		lines[i] = f.Error()
	}
	return strings.Join(lines, "\n")
}

// err answers the faults in order, nil when there are none.
func (fs Faults) err() error {
	if len(fs) == 0 {
		return nil
	}
	slices.SortStableFunc(fs, func(a, b Fault) int {
		if a.Line != b.Line {
			return a.Line - b.Line
		}
		return a.Column - b.Column
	})
	return slices.Compact(fs)
}

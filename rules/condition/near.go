package condition

import (
	"cmp"
	"slices"
	"strings"
)

// near answers up to three of names that somebody may have meant by word, the closest first.
func near(word string, names []string) []string {
	type guess struct {
		name string
		off  int
	}
	var all []guess
	low := strings.ToLower(word)
	for _, n := range names {
		off := distance(low, n)
		if partOf(low, n) {
			off = 1
		}
		if off <= max(1, len(n)/4) {
			all = append(all, guess{n, off})
		}
	}
	slices.SortFunc(all, func(a, b guess) int { return cmp.Or(a.off-b.off, cmp.Compare(a.name, b.name)) })
	var found []string
	for _, g := range all[:min(3, len(all))] {
		found = append(found, g.name)
	}
	return found
}

// partOf tells whether word is a part of a name between its underscores, as spo2 is of spo2_percent.
func partOf(word, name string) bool {
	return len(word) >= 3 && strings.Contains("_"+name+"_", "_"+word+"_")
}

// distance is how many letters have to be put in, left out or changed to make b of a (Levenshtein).
func distance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		before := row[0]
		row[0] = i + 1
		for j := range len(b) {
			change := before
			if a[i] != b[j] {
				change++
			}
			before = row[j+1]
			row[j+1] = min(change, before+1, row[j]+1)
		}
	}
	return row[len(b)]
}

// oneOf writes names as "a", "a or b", "a, b or c".
func oneOf(names []string) string {
	last := len(names) - 1
	if last < 1 {
		return strings.Join(names, "")
	}
	return strings.Join(names[:last], ", ") + " or " + names[last]
}

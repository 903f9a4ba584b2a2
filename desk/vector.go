package desk

import (
	"fmt"
	"strconv"
	"strings"
)

// vector is how far somebody has read each partition of `decisions`: the offset of the last closing record, -1 for none.
// It is the id of what a stream sends, so that any desk server can go on from it.
type vector []int64

// String writes p0:123,p1:456.
func (v vector) String() string {
	b := make([]byte, 0, 12*len(v))
	for p, offset := range v {
		if p > 0 {
			b = append(b, ',')
		}
		b = append(b, 'p')
		b = strconv.AppendInt(b, int64(p), 10)
		b = append(b, ':')
		b = strconv.AppendInt(b, offset, 10)
	}
	return string(b)
}

// parseVector reads a vector of n partitions; each has to be there once.
func parseVector(s string, n int) (vector, error) {
	parts := strings.Split(s, ",")
	if len(parts) != n {
		return nil, fmt.Errorf("vector %q: want %d partitions", s, n)
	}
	v := make(vector, n)
	seen := make([]bool, n)
	for _, part := range parts {
		name, offset, _ := strings.Cut(part, ":")
		p, err := strconv.Atoi(strings.TrimPrefix(name, "p"))
		if err != nil || !strings.HasPrefix(name, "p") || p < 0 || p >= n || seen[p] {
			return nil, fmt.Errorf("vector %q: %q is no partition of its own", s, name)
		}
		if v[p], err = strconv.ParseInt(offset, 10, 64); err != nil || v[p] < -1 {
			return nil, fmt.Errorf("vector %q: %q is no offset", s, offset)
		}
		seen[p] = true
	}
	return v, nil
}

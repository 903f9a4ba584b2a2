package rules

import (
	"fmt"
	"testing"

	"tocsin/streams/event"
)

// TestRUL6_MergedPacksAreNotKeptForEver: a process that has seen thousands of versions and choices keeps few of them.
func TestRUL6_MergedPacksAreNotKeptForEver(t *testing.T) {
	for i := range 3 * maxMemo {
		a, b := &Pack{ID: "a", Mark: uint64(i)}, &Pack{ID: "b", Mark: 1}
		if p := mergedFor([]*Pack{a, b}, nil); p.ID != "a+b" {
			t.Fatal(p.ID)
		}
		plan := &Plan{Chosen: []Choice{{event.SpO2Percent, fmt.Sprint(i)}}}
		mergedFor([]*Pack{a, b}, plan)
	}
	n := 0
	memo.Range(func(any, any) bool { n++; return true })
	if n > maxMemo {
		t.Errorf("%d merged packs are kept", n)
	}
}

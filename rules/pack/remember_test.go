package pack

import (
	"sync"
	"testing"

	"tocsin/rules"
)

// Eight who ask at once have one pack, so that the packs of all partitions are the same ones; faults are told to each.
func TestRememberingMakesEachPackOnce(t *testing.T) {
	compile, text := Remembering(), Library()["news2"]
	var all [8]*rules.Pack
	var group sync.WaitGroup
	for i := range all {
		group.Go(func() { all[i], _ = compile(text) })
	}
	group.Wait()
	for _, p := range all {
		if p == nil || p != all[0] {
			t.Fatalf("%p and %p are of one text", p, all[0])
		}
	}
	for range 2 {
		if p, err := compile("pack: x\n"); err == nil {
			t.Fatalf("a text with faults made %+v", p)
		}
	}
}

package sim

import (
	"flag"
	"fmt"
	"sync"
	"testing"
)

var (
	seed   = flag.Uint64("seed", 1, "the first world")
	worlds = flag.Uint64("worlds", 200, "how many worlds")
)

// Two hundred worlds in which everything goes wrong that may, and the promises hold: the live state is the fold of the log, no
// warning twice for one episode, an open one always has a deadline ahead, and after the faults everything reaches a person.
func TestWorlds_REL7_ALR4_ALR7(t *testing.T) {
	n := *worlds
	if testing.Short() {
		n = min(n, 20)
	}
	var mu sync.Mutex
	counts := map[string]int{}
	t.Run("worlds", func(t *testing.T) {
		const together = 4
		for first := range uint64(together) {
			t.Run(fmt.Sprint(first), func(t *testing.T) {
				t.Parallel()
				for s := *seed + first; s < *seed+n && !t.Failed(); s += together {
					w := newWorld(s)
					w.run()
					if w.failure != "" {
						t.Error(w.failure)
					}
					mu.Lock()
					w.count(counts)
					mu.Unlock()
				}
			})
		}
	})
	t.Logf("%d worlds: %v", n, counts)
	for _, what := range []string{"alert.raised", "alert.worsened", "alert.escalated", "alert.accepted", "alert.closed", "signal.fell_silent", "repeat.asked", "request.refused", "repeats", "void", "rule falls", "rule fast", "rule bad", "rule switched-off:slow", "judged by a patient's own number"} {
		if n >= 20 && counts[what] == 0 {
			t.Errorf("no world had %s: they show nothing about it", what)
		}
	}
}

// run is a world's life: faults, then calm.
func (w *world) run() {
	for i := range 600 {
		w.step()
		if i%100 == 99 {
			w.check()
		}
		if w.failure != "" {
			return
		}
	}
	w.calm()
	w.checkAll()
}

func (w *world) count(counts map[string]int) {
	for _, r := range w.readers {
		for what, k := range r.counts {
			counts[what] += k
		}
		counts["void"] += int(r.steps.Void())
	}
}

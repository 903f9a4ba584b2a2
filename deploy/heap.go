package deploy

import (
	"runtime"
	"runtime/debug"
	"runtime/metrics"
)

// heapFloor is what the heap may grow to before the collector runs, however little of it is in use. A small ward's live heap
// is some 20 MB, and with Go's own setting the collector then runs several times a second under load and takes a quarter of
// the processor's time; above half the floor Go's own setting holds again.
const heapFloor = 128 << 20 // bytes

// keepHeapFloor sets the collector's percentage anew after each collection so that the next one begins at heapFloor or at
// twice the live heap, whichever is later. GOGC in the environment beats it.
func keepHeapFloor() {
	afterEachCollection(func() {
		live := []metrics.Sample{{Name: "/gc/heap/live:bytes"}}
		metrics.Read(live)
		debug.SetGCPercent(gcPercent(live[0].Value.Uint64()))
	})
	runtime.GC()
}

// gcPercent answers the growth in percent of live, in bytes, at which the collector should run next.
func gcPercent(live uint64) int {
	if live == 0 || 2*live >= heapFloor {
		return 100
	}
	return int((heapFloor - live) * 100 / live)
}

// afterEachCollection calls do once after every run of the collector: an object that nobody holds is found by each run.
func afterEachCollection(do func()) {
	type found struct{ _ *byte } // a pointer in it, so that it shares no block with others
	var again func(*found)
	again = func(*found) {
		do()
		runtime.SetFinalizer(&found{}, again)
	}
	runtime.SetFinalizer(&found{}, again)
}

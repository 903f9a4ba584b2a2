package deploy

import "testing"

func TestGCPercent_NextCollectionAtTheFloorOrAtTwiceTheLiveHeap(t *testing.T) {
	for _, c := range []struct{ live, next uint64 }{
		{1 << 20, heapFloor}, {20 << 20, heapFloor}, {48 << 20, heapFloor}, {60 << 20, heapFloor}, {70 << 20, 140 << 20}, {1 << 30, 2 << 30},
	} {
		next := c.live + c.live*uint64(gcPercent(c.live))/100
		if next > c.next || next < c.next-c.next/50 {
			t.Errorf("%d MiB live: next collection at %d MiB, want %d", c.live>>20, next>>20, c.next>>20)
		}
	}
}

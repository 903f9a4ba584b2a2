package door

import (
	"errors"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"
)

var errLog = errors.New("log")

func TestLineKeepsTheOrder(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.IntRange(1, 30).Draw(t, "uploads")
		order := rapid.Permutation(numbers(n)).Draw(t, "settled in this order")
		var mu sync.Mutex
		var got []int
		all := make(chan struct{})
		l := NewLine(n, 1<<20, time.Minute, func(batch []Receipt[int]) {
			mu.Lock()
			defer mu.Unlock()
			for _, r := range batch {
				if (r.Err != nil) != (r.Of%3 == 0) {
					t.Errorf("receipt of %d is %v", r.Of, r.Err)
				}
				if got = append(got, r.Of); len(got) == n {
					close(all)
				}
			}
		})
		slots := make([]*Slot[int], n)
		for i := range slots {
			slots[i] = l.Enter(i, 10)
		}
		var wg sync.WaitGroup
		for _, i := range order {
			wg.Go(func() {
				var err error
				if i%3 == 0 {
					err = errLog
				}
				slots[i].Settle(err)
				slots[i].Settle(errors.New("a second word"))
			})
		}
		wg.Wait()
		<-all
		l.Close()
		if !slices.Equal(got, numbers(n)) {
			t.Fatalf("receipts came as %v", got)
		}
	})
}

func numbers(n int) []int {
	all := make([]int, n)
	for i := range all {
		all[i] = i
	}
	return all
}

func TestLineMakesWait(t *testing.T) {
	for name, c := range map[string]struct{ most, size, each int }{"by number": {2, 1 << 20, 1}, "by bytes": {100, 10, 5}} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				l := NewLine(c.most, c.size, time.Hour, func([]Receipt[int]) {})
				first, second := l.Enter(1, c.each), l.Enter(2, c.each)
				var third *Slot[int]
				entered := false
				go func() {
					third = l.Enter(3, c.each)
					entered = true
				}()
				synctest.Wait()
				if entered {
					t.Fatal("a third found room")
				}
				second.Settle(nil) // not the first in line: no room yet
				synctest.Wait()
				if entered {
					t.Fatal("a third found room behind the first")
				}
				first.Settle(nil)
				synctest.Wait()
				if !entered || third == nil || l.Len() != 1 {
					t.Fatalf("entered %v, %d wait", entered, l.Len())
				}
				l.Close()
			})
		})
	}
}

func TestLineTakesOneThatIsLargerThanTheRoom(t *testing.T) {
	l := NewLine(10, 10, time.Hour, func([]Receipt[int]) {})
	defer l.Close()
	if l.Enter(1, 1000) == nil {
		t.Error("turned away")
	}
}

func TestLineLosesPatience(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var got []Receipt[int]
		l := NewLine(10, 1<<20, 10*time.Second, func(batch []Receipt[int]) { got = append(got, batch...) })
		first := l.Enter(1, 1)
		time.Sleep(4 * time.Second)
		second := l.Enter(2, 1)
		l.Enter(3, 1)
		second.Settle(nil)
		time.Sleep(7 * time.Second) // at 11 s: the first is late, the second was settled behind it, the third has 3 s left
		synctest.Wait()
		if len(got) != 2 || !errors.Is(got[0].Err, ErrLate) || got[1] != (Receipt[int]{Of: 2}) {
			t.Fatalf("after 11 s: %+v", got)
		}
		first.Settle(nil) // too late to matter
		time.Sleep(4 * time.Second)
		synctest.Wait()
		if len(got) != 3 || got[2].Of != 3 || !errors.Is(got[2].Err, ErrLate) {
			t.Fatalf("after 15 s: %+v", got)
		}
		l.Close()
	})
}

func TestLineTurnsAwayOnceClosed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := NewLine(1, 1<<20, time.Hour, func([]Receipt[int]) { t.Error("a receipt after the end") })
		slot := l.Enter(1, 1)
		turned := false
		go func() { turned = l.Enter(2, 1) == nil }()
		synctest.Wait()
		l.Close()
		l.Close()
		slot.Settle(nil)
		synctest.Wait()
		if !turned || l.Enter(3, 1) != nil {
			t.Error("somebody entered a closed line")
		}
	})
}

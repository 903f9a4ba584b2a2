package streams

import (
	"container/heap"

	"tocsin/streams/event"
)

// waiting knows who is to be asked when. A moment that moves later leaves its entry where it is: when the entry comes
// up, the true moment is looked at and the entry put back, so that a reading which moves a deadline costs nothing here.
type waiting struct {
	entries waiters
	at      map[string]event.Time // the entry that counts for a key
	// blocked were asked at that moment, were not past it, and had nothing to say: what was due then is left out until
	// something reaches them. What comes due later is not: a silence that waits for its door must not hold up a deadline.
	blocked map[string]event.Time
}

type waiter struct {
	due event.Time
	key string
}

// put makes sure that key is asked at due or before.
func (w *waiting) put(key string, due event.Time) {
	if at, ok := w.at[key]; due == event.Never || ok && at <= due {
		return
	}
	if w.at == nil {
		w.at = map[string]event.Time{}
	}
	w.at[key] = due
	heap.Push(&w.entries, waiter{due, key})
}

// block leaves out what key was asked at now.
func (w *waiting) block(key string, now event.Time) {
	if w.blocked == nil {
		w.blocked = map[string]event.Time{}
	}
	w.blocked[key] = now
}

// reached lets key be asked everything again: something has reached it.
func (w *waiting) reached(key string) { delete(w.blocked, key) }

// unblock asks everybody who is blocked again.
func (w *waiting) unblock(dueOf func(string) event.Time) {
	blocked := w.blocked
	w.blocked = nil
	for key := range blocked {
		w.put(key, dueOf(key))
	}
}

// ready tells whether somebody is to be asked at now, and brings that one to the top: the one whose true moment is the
// earliest, so that a processor which has just begun asks in the same order as one that has run for long.
func (w *waiting) ready(now event.Time, dueOf func(string) event.Time) bool {
	for len(w.entries) > 0 && w.entries[0].due <= now {
		top := w.entries[0]
		if w.at[top.key] != top.due {
			heap.Pop(&w.entries) // an earlier entry has taken its place
			continue
		}
		due := dueOf(top.key)
		if due == top.due {
			return true
		}
		heap.Pop(&w.entries)
		delete(w.at, top.key)
		w.put(top.key, due)
	}
	return false
}

// take removes the one that ready brought to the top.
func (w *waiting) take() string {
	top := heap.Pop(&w.entries).(waiter)
	delete(w.at, top.key)
	return top.key
}

// waiters is a heap by moment, then key, so that the order is the same everywhere.
type waiters []waiter

func (h waiters) Len() int { return len(h) }
func (h waiters) Less(i, j int) bool {
	return h[i].due < h[j].due || h[i].due == h[j].due && h[i].key < h[j].key
}
func (h waiters) Swap(i, j int) { h[i], h[j] = h[j], h[i] }
func (h *waiters) Push(x any)   { *h = append(*h, x.(waiter)) }
func (h *waiters) Pop() any {
	last := (*h)[len(*h)-1]
	*h = (*h)[:len(*h)-1]
	return last
}

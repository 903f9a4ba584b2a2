package streams

import "tocsin/streams/event"

// waiting knows who is to be asked when. A moment that moves later leaves its entry where it is: when the entry comes
// up, the true moment is looked at and the entry put back, so that a reading which moves a deadline costs nothing here.
type waiting struct {
	entries waiters
	at      map[string]event.Time // the entry that counts for a key
	// blocked were asked at that moment, were not past it, and had nothing to say: what was due then is left out until
	// something reaches them. What comes due later is not: a silence that waits for its door must not hold up a deadline.
	blocked map[string]event.Time
	last    waiter // the entry that was looked up last, as long as it counts: uploads of one patient come close together
}

type waiter struct {
	due event.Time
	key string
}

// put makes sure that key is asked at due or before.
func (w *waiting) put(key string, due event.Time) {
	if due == event.Never || w.last.key == key && key != "" && w.last.due <= due {
		return
	}
	if at, ok := w.at[key]; ok && at <= due {
		w.last = waiter{at, key}
		return
	}
	if w.at == nil {
		w.at = map[string]event.Time{}
	}
	w.at[key], w.last = due, waiter{due, key}
	w.entries.push(waiter{due, key})
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
		w.last = waiter{}
		if w.at[top.key] != top.due {
			w.entries.pop() // an earlier entry has taken its place
			continue
		}
		due := dueOf(top.key)
		if due == top.due {
			return true
		}
		if due == event.Never {
			w.entries.pop()
			delete(w.at, top.key)
			continue
		}
		w.at[top.key] = due
		w.entries[0].due = due
		w.entries.down(0)
	}
	return false
}

// take removes the one that ready brought to the top.
func (w *waiting) take() string {
	top := w.entries.pop()
	w.last = waiter{}
	delete(w.at, top.key)
	return top.key
}

// waiters is a heap by moment, then key, so that the order is the same everywhere.
type waiters []waiter

func (h waiters) less(i, j int) bool {
	return h[i].due < h[j].due || h[i].due == h[j].due && h[i].key < h[j].key
}

func (h *waiters) push(x waiter) {
	*h = append(*h, x)
	all := *h
	for i := len(all) - 1; i > 0; {
		parent := (i - 1) / 2
		if !all.less(i, parent) {
			break
		}
		all[i], all[parent] = all[parent], all[i]
		i = parent
	}
}

func (h *waiters) pop() waiter {
	all := *h
	top, last := all[0], len(all)-1
	all[0], all[last] = all[last], waiter{}
	*h = all[:last]
	h.down(0)
	return top
}

// down brings the entry at i to its place below.
func (h waiters) down(i int) {
	for {
		least := i
		for child := 2*i + 1; child <= 2*i+2 && child < len(h); child++ {
			if h.less(child, least) {
				least = child
			}
		}
		if least == i {
			return
		}
		h[i], h[least] = h[least], h[i]
		i = least
	}
}

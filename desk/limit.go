package desk

import (
	"sync"
	"time"
)

// limiter slows down who guesses passwords: by account and address, by address, and (more generously, so that nobody
// can lock a nurse out from elsewhere) by account. It forgets after a quarter of an hour.
type limiter struct {
	mu    sync.Mutex
	tries map[string]*tries
	swept time.Time
}

type tries struct {
	count int
	since time.Time
}

const (
	triesFor     = 15 * time.Minute
	mostPair     = 5
	mostAddress  = 50
	mostAccount  = 100
	mostEntries  = 100_000
	sweepEvery   = time.Minute
	prefixPair   = "pair\x00"
	prefixAddr   = "addr\x00"
	prefixPerson = "name\x00"
)

func newLimiter() *limiter { return &limiter{tries: map[string]*tries{}} }

func limits(account, from string) map[string]int {
	return map[string]int{prefixPair + account + "\x00" + from: mostPair, prefixAddr + from: mostAddress, prefixPerson + account: mostAccount}
}

// wait answers how long nobody may try; 0 when they may.
func (l *limiter) wait(account, from string, now time.Time) time.Duration {
	l.mu.Lock()
	defer l.mu.Unlock()
	longest := time.Duration(0)
	for key, most := range limits(account, from) {
		if t := l.tries[key]; t != nil && t.count >= most {
			longest = max(longest, t.since.Add(triesFor).Sub(now))
		}
	}
	return longest
}

// failed counts an attempt that failed.
func (l *limiter) failed(account, from string, now time.Time) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if now.Sub(l.swept) > sweepEvery || len(l.tries) > mostEntries {
		l.sweep(now)
	}
	for key := range limits(account, from) {
		t := l.tries[key]
		if t == nil || now.Sub(t.since) > triesFor {
			t = &tries{since: now}
			l.tries[key] = t
		}
		t.count++
	}
}

func (l *limiter) sweep(now time.Time) {
	l.swept = now
	for key, t := range l.tries {
		if now.Sub(t.since) > triesFor {
			delete(l.tries, key)
		}
	}
}

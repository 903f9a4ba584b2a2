package desk

import (
	"sync"
	"time"
)

// limiter slows down who guesses passwords: by account and address, by address, and (more generously, so that nobody
// can lock a nurse out from elsewhere) by account. It forgets after a quarter of an hour.
type limiter struct {
	limits func(account, from string) map[string]int

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

func newLimiter() *limiter { return limited(byGuesses) }

func limited(limits func(account, from string) map[string]int) *limiter {
	return &limiter{limits: limits, tries: map[string]*tries{}}
}

func byGuesses(account, from string) map[string]int {
	return map[string]int{prefixPair + account + "\x00" + from: mostPair, prefixAddr + from: mostAddress, prefixPerson + account: mostAccount}
}

// wait answers how long nobody may try; 0 when they may.
func (l *limiter) wait(account, from string, now time.Time) time.Duration {
	l.mu.Lock()
	defer l.mu.Unlock()
	longest := time.Duration(0)
	for key, most := range l.limits(account, from) {
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
	for key := range l.limits(account, from) {
		t := l.tries[key]
		if t == nil || now.Sub(t.since) > triesFor {
			t = &tries{since: now}
			l.tries[key] = t
		}
		t.count++
	}
}

// sweep forgets what is over. When somebody fills it with names that there are not, those who have come to no limit begin anew: it
// does not grow, and nobody pays for going through it at each attempt.
func (l *limiter) sweep(now time.Time) {
	l.swept = now
	for key, t := range l.tries {
		if now.Sub(t.since) > triesFor {
			delete(l.tries, key)
		}
	}
	if len(l.tries) <= mostEntries {
		return
	}
	for key, t := range l.tries {
		if t.count < mostPair {
			delete(l.tries, key)
		}
	}
	if len(l.tries) > mostEntries/2 {
		clear(l.tries)
	}
}

// What strangers are refused is noted so often within a quarter of an hour, from one address and from all of them: whoever asks in vain
// all day must fill neither the log nor what waits to be written to it, since then no chart could be opened. Guesses have limits of
// their own, and each that was looked at is noted.
const (
	mostFromOne = 50
	mostFromAll = 1000
)

func byStrangers(_, from string) map[string]int {
	return map[string]int{prefixAddr + from: mostFromOne, prefixPerson: mostFromAll}
}

// heeds tells whether one more refusal of a stranger is noted, and counts it; what is not shows in a metric.
func (s *Server) heeds(from string) bool {
	if now := s.o.Now(); s.strangers.wait("", from, now) <= 0 {
		s.strangers.failed("", from, now)
		return true
	}
	s.metrics.trail.WithLabelValues("left_out").Inc()
	return false
}

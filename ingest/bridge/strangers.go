package bridge

import (
	"context"
	"sync"
	"time"

	"tocsin/ingest/door"
	"tocsin/streams/directory"
)

const (
	// unknownFor is how long the binding of a device that nobody knows is waited for.
	unknownFor = 2 * time.Second
	// forgetAfter is how long it then counts as unknown without waiting again.
	forgetAfter = time.Minute
	// maxStrangers bounds the memory for them.
	maxStrangers = 10_000
)

// strangers waits for devices whose binding may be on its way. A device that does not exist and sends a hundred times
// a second is waited for once a minute.
type strangers struct {
	dir door.Directory

	mu      sync.Mutex
	first   map[string]time.Time // when a device was first unknown
	changed chan struct{}        // closed and replaced when the directory moved
}

func (s *strangers) init(dir door.Directory) {
	s.dir, s.first, s.changed = dir, map[string]time.Time{}, make(chan struct{})
	dir.OnChanged(func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		close(s.changed)
		s.changed = make(chan struct{})
	})
}

// ask answers a device's binding, or how much longer it is to be waited for; 0: not at all.
func (s *strangers) ask(device string) (b directory.Binding, wait time.Duration, ok bool) {
	if b, ok = s.dir.Device(device); ok {
		return b, 0, true
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	now := time.Now()
	since, seen := s.first[device]
	if !seen || now.Sub(since) > forgetAfter {
		if len(s.first) >= maxStrangers {
			clear(s.first)
		}
		since = now
		s.first[device] = now
	}
	return b, max(0, unknownFor-now.Sub(since)), false
}

// await waits for a device's binding.
func (s *strangers) await(ctx context.Context, device string, wait time.Duration) (directory.Binding, bool) {
	late := time.NewTimer(wait)
	defer late.Stop()
	for {
		s.mu.Lock()
		changed := s.changed
		s.mu.Unlock()
		b, ok := s.dir.Device(device)
		if ok {
			return b, true
		}
		select {
		case <-changed:
		case <-late.C:
			return b, false
		case <-ctx.Done():
			return b, false
		}
	}
}

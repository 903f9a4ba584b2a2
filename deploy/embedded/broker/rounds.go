package broker

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"sync"
)

// rounds syncs what has changed, in rounds: who comes while a round is on its way waits for the next one with all
// others, since the one under way may have passed his file already.
type rounds struct {
	changes func(add func(path string)) error // tells what was written since it was asked last
	sync    func(path string) error
	failed  func(error) // told once

	mu        sync.Mutex
	now, next *round
	err       error // the first failure: after it nobody can say what is on disk
}

type round struct {
	paths map[string]bool
	done  chan struct{}
	err   error
}

// settle answers when everything that was written before the call is on disk.
func (s *rounds) settle() error {
	r, mine := s.join()
	if r == nil {
		return s.failure()
	}
	if mine {
		s.run(r)
	}
	<-r.done
	return r.err
}

func (s *rounds) failure() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.err
}

// join answers the round that covers what was written up to now, and whether the caller is to run it; nil when all is
// on disk, or nothing can be said any more.
func (s *rounds) join() (r *round, mine bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.err != nil {
		return nil, false
	}
	if err := s.changes(s.add); err != nil {
		s.fail(err)
		return nil, false
	}
	switch {
	case s.now == nil && s.next == nil:
		return nil, false
	case s.now == nil:
		s.now, s.next = s.next, nil
		return s.now, true
	case s.next != nil:
		return s.next, false
	}
	return s.now, false
}

// add is called with the lock held.
func (s *rounds) add(path string) {
	if s.next == nil {
		s.next = &round{paths: map[string]bool{}, done: make(chan struct{})}
	}
	s.next.paths[path] = true
}

// run syncs the files of a round side by side, so that the file system makes them durable in one go, and begins the
// next round when somebody waits for one.
func (s *rounds) run(r *round) {
	if r.err = s.failure(); r.err == nil {
		r.err = s.syncAll(r.paths)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if r.err != nil {
		s.fail(r.err)
	}
	s.now, s.next = s.next, nil
	if s.now != nil {
		go s.run(s.now)
	}
	close(r.done)
}

func (s *rounds) syncAll(paths map[string]bool) error {
	errs := make(chan error, len(paths))
	left := len(paths)
	for path := range paths {
		if left--; left == 0 { // one of them here: most often there is one
			errs <- s.sync(path)
			break
		}
		go func() { errs <- s.sync(path) }()
	}
	var err error
	for range paths {
		err = errors.Join(err, <-errs)
	}
	return err
}

// fail is called with the lock held.
func (s *rounds) fail(err error) {
	if s.err == nil {
		s.err = fmt.Errorf("the disk did not take what was written; nothing is acknowledged any more until a restart: %w", err)
		s.failed(s.err)
	}
}

// syncPath syncs a file or folder. One that is gone was trimmed.
func syncPath(path string) error {
	f, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	return errors.Join(f.Sync(), f.Close())
}

package desk

import (
	"encoding/json"
	"errors"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"time"

	"tocsin/streams"
)

// sessionStore keeps sessions, by the SHA-256 of their tokens: who reads the file cannot sign in with it. With a file they
// outlast a restart, so that a desk which comes back at night does not ask for passwords.
type sessionStore struct {
	path   string // empty: in memory alone
	now    func() time.Time
	logger *slog.Logger

	mu    sync.Mutex
	all   map[string]storedSession
	saved time.Time     // when the file was last written
	moved chan struct{} // closed and replaced when a session is locked or unlocked
}

type storedSession struct {
	Data   []byte    `json:"data"` // as the session manager encodes it: the account, and what ties it to its password
	Expiry time.Time `json:"expiry"`
	Seen   time.Time `json:"seen"` // when somebody was last there
	Locked bool      `json:"locked,omitempty"`
}

// openSessions reads what path holds. A file that cannot be read costs nobody more than signing in again.
func openSessions(path string, now func() time.Time, logger *slog.Logger) *sessionStore {
	s := &sessionStore{path: path, now: now, logger: logger, all: map[string]storedSession{}, moved: make(chan struct{})}
	if path == "" {
		return s
	}
	b, err := os.ReadFile(path)
	if err == nil {
		err = json.Unmarshal(b, &s.all)
	}
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		logger.Warn("sessions could not be read: everybody signs in again", "path", path, streams.KeyErr, err)
		s.all = map[string]storedSession{}
	}
	return s
}

// Find answers a session's data.
func (s *sessionStore) Find(token string) ([]byte, bool, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	kept, ok := s.all[sumOf(token)]
	if !ok || s.now().After(kept.Expiry) {
		return nil, false, nil
	}
	return kept.Data, true, nil
}

// Commit keeps a session until expiry.
func (s *sessionStore) Commit(token string, b []byte, expiry time.Time) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	kept, known := s.all[sumOf(token)]
	if !known {
		kept.Seen = s.now()
	}
	kept.Data, kept.Expiry = b, expiry // whether it is locked is no part of the data: a request that began before the lock must not undo it
	s.all[sumOf(token)] = kept
	s.save()
	return nil
}

// Delete ends a session.
func (s *sessionStore) Delete(token string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.all, sumOf(token))
	s.save()
	return nil
}

// save writes the file beside itself and puts it in place, so that a crash leaves the old one or the new one. A full disk
// must not keep a nurse from signing in: it is said, and the session lives in memory.
func (s *sessionStore) save() {
	for sum, kept := range s.all {
		if s.now().After(kept.Expiry) {
			delete(s.all, sum)
		}
	}
	s.saved = s.now()
	if s.path == "" {
		return
	}
	if err := s.write(); err != nil {
		s.logger.Warn("sessions could not be written: a restart signs everybody out", "path", s.path, streams.KeyErr, err)
	}
}

func (s *sessionStore) write() error {
	b, err := json.Marshal(s.all)
	if err != nil {
		return err
	}
	f, err := os.CreateTemp(filepath.Dir(s.path), ".sessions-*") // made for its owner alone
	if err != nil {
		return err
	}
	_, err = f.Write(b)
	if err = errors.Join(err, f.Close()); err == nil {
		err = os.Rename(f.Name(), s.path)
	}
	if err != nil {
		return errors.Join(err, os.Remove(f.Name()))
	}
	return nil
}

// seenEvery is how often it is written to the file that somebody is there: a restart makes a session at most so much older.
const seenEvery = time.Minute

// moves answers a channel that is closed when a session is locked or unlocked.
func (s *sessionStore) moves() <-chan struct{} {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.moved
}

// locked tells whether a session is locked. One that nobody has touched for longer than after becomes so now, for good, and now
// says that it just did; 0: never by itself.
func (s *sessionStore) locked(token string, after time.Duration) (is, now bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	kept, ok := s.all[sumOf(token)]
	if !ok || kept.Locked || after <= 0 {
		return kept.Locked, false
	}
	if t := s.now(); kept.Seen.IsZero() || kept.Seen.After(t) { // of a file that was written before there were locks, or by a clock that ran ahead
		kept.Seen = t
		s.all[sumOf(token)] = kept
	} else if t.Sub(kept.Seen) > after {
		s.turn(token, true)
		return true, true
	}
	return false, false
}

func (s *sessionStore) lock(token string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.turn(token, true)
}

// unlock is for whoever has proven again who they are.
func (s *sessionStore) unlock(token string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.turn(token, false)
}

// turn locks or unlocks. The caller holds the lock.
func (s *sessionStore) turn(token string, locked bool) {
	kept, ok := s.all[sumOf(token)]
	if !ok {
		return
	}
	kept.Locked = locked
	if !locked {
		kept.Seen = s.now()
	}
	s.all[sumOf(token)] = kept
	s.save()
	close(s.moved)
	s.moved = make(chan struct{})
}

// touch notes that somebody is there. It unlocks nothing.
func (s *sessionStore) touch(token string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	kept, ok := s.all[sumOf(token)]
	if !ok || kept.Locked {
		return
	}
	kept.Seen = s.now()
	s.all[sumOf(token)] = kept
	if kept.Seen.Sub(s.saved) > seenEvery {
		s.save()
	}
}

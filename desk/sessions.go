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

	mu  sync.Mutex
	all map[string]storedSession
}

type storedSession struct {
	Data   []byte    `json:"data"` // as the session manager encodes it: the account, and what ties it to its password
	Expiry time.Time `json:"expiry"`
}

// openSessions reads what path holds. A file that cannot be read costs nobody more than signing in again.
func openSessions(path string, now func() time.Time, logger *slog.Logger) *sessionStore {
	s := &sessionStore{path: path, now: now, logger: logger, all: map[string]storedSession{}}
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
	s.all[sumOf(token)] = storedSession{b, expiry}
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

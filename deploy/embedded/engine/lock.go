package engine

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// lockWait is how long a new child waits for the one before it, which may be on its way out after the death of a tree.
const lockWait = 5 * time.Second

// lock takes the folder for this process alone. The lock is the kernel's and dies with the process, so that no crash
// leaves anything that blocks the next start; the number in the file is only for the message.
func lock(dir string, wait time.Duration) (*os.File, error) {
	name := filepath.Join(dir, "tocsin.lock")
	f, err := os.OpenFile(name, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, fmt.Errorf("lock %s: %w", dir, err)
	}
	for until := time.Now().Add(wait); ; time.Sleep(20 * time.Millisecond) {
		err = syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
		if err == nil {
			break
		}
		if !errors.Is(err, syscall.EWOULDBLOCK) || time.Now().After(until) {
			return nil, errors.Join(inUse(dir, f, err), f.Close())
		}
	}
	if err := f.Truncate(0); err != nil {
		return nil, errors.Join(fmt.Errorf("lock %s: %w", dir, err), f.Close())
	}
	if _, err := f.WriteAt([]byte(strconv.Itoa(os.Getpid())), 0); err != nil {
		return nil, errors.Join(fmt.Errorf("lock %s: %w", dir, err), f.Close())
	}
	return f, nil
}

func inUse(dir string, f *os.File, err error) error {
	if !errors.Is(err, syscall.EWOULDBLOCK) {
		return fmt.Errorf("lock %s: %w", dir, err)
	}
	holder := make([]byte, 20)
	n, _ := f.ReadAt(holder, 0) // a short read is the normal case
	return fmt.Errorf("%s is in use by process %s: stop that one, or give this one another folder", dir, strings.TrimSpace(string(holder[:n])))
}

//go:build !linux

package engine

import (
	"errors"
	"fmt"
	"os"
)

// newMemfile gives a nameless temporary file in dir and the path under which the engine in this process opens it.
func newMemfile(dir string) (*os.File, string, error) {
	f, err := os.CreateTemp(dir, "insert-*")
	if err != nil {
		return nil, "", fmt.Errorf("memory file: %w", err)
	}
	if err := os.Remove(f.Name()); err != nil {
		return nil, "", errors.Join(fmt.Errorf("memory file: %w", err), f.Close())
	}
	return f, fmt.Sprintf("/dev/fd/%d", f.Fd()), nil
}

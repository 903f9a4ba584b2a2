package engine

import (
	"fmt"
	"os"

	"golang.org/x/sys/unix"
)

// newMemfile gives a file without a name, in memory, and the path under which the engine in this process opens it.
func newMemfile(string) (*os.File, string, error) {
	fd, err := unix.MemfdCreate("insert", unix.MFD_CLOEXEC)
	if err != nil {
		return nil, "", fmt.Errorf("memory file: %w", err)
	}
	return os.NewFile(uintptr(fd), "insert"), fmt.Sprintf("/proc/self/fd/%d", fd), nil
}

//go:build unix

package witness

import "syscall"

// free warns while there is still time: a full disk stops the log, and with it every acknowledgement.
func (x *exam) free() {
	var s syscall.Statfs_t
	if err := syscall.Statfs(x.DataDir, &s); err != nil {
		return // disk has told already that the folder cannot be read
	}
	mb := int64(float64(s.Bavail) * float64(s.Bsize) / (1 << 20)) // their types differ from system to system
	switch {
	case mb < 256:
		x.tell(Fault, "disk", "make room now", "%d MB are free under %s: when it is full nothing is acknowledged any more", mb, x.DataDir)
	case mb < 2048:
		x.tell(Warn, "disk", "make room", "%d MB are free under %s", mb, x.DataDir)
	}
}

package broker

import (
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
)

// watcher tells which records' files were written to. The kernel queues an event within each write, before the write
// returns: so whoever asks afterwards hears of it. Index files are left out: kfake builds them again from the records.
type watcher struct {
	root    string // the folder of the partitions' folders
	fd      int
	folders map[int32]string
	buf     []byte
}

const watched = syscall.IN_MODIFY | syscall.IN_CREATE | syscall.IN_MOVED_TO

// watch begins to watch root and what is in it. Nobody may write there before.
func watch(root string) (*watcher, error) {
	fd, err := syscall.InotifyInit1(syscall.IN_NONBLOCK | syscall.IN_CLOEXEC)
	if err != nil {
		return nil, os.NewSyscallError("inotify_init1", err)
	}
	w := &watcher{root: root, fd: fd, folders: map[int32]string{}, buf: make([]byte, 64<<10)}
	if err := w.enter(root, func(string) {}); err != nil {
		return nil, errors.Join(err, w.close())
	}
	return w, nil
}

func (w *watcher) close() error { return os.NewSyscallError("close", syscall.Close(w.fd)) }

// enter watches a folder and those in it; what lies there already counts as written.
func (w *watcher) enter(folder string, add func(string)) error {
	wd, err := syscall.InotifyAddWatch(w.fd, folder, watched)
	if err != nil {
		return fmt.Errorf("watch %s: %w", folder, os.NewSyscallError("inotify_add_watch", err))
	}
	w.folders[int32(wd)] = folder
	add(folder)
	entries, err := os.ReadDir(folder)
	if err != nil {
		return err
	}
	for _, e := range entries {
		if err := w.saw(filepath.Join(folder, e.Name()), e.IsDir(), add); err != nil {
			return err
		}
	}
	return nil
}

func (w *watcher) saw(path string, folder bool, add func(string)) error {
	if folder {
		return w.enter(path, add)
	}
	if strings.HasSuffix(path, ".dat") {
		add(path)
	}
	return nil
}

// changes reads all events that are there.
func (w *watcher) changes(add func(path string)) error {
	for {
		n, err := syscall.Read(w.fd, w.buf)
		switch {
		case errors.Is(err, syscall.EAGAIN):
			return nil
		case errors.Is(err, syscall.EINTR):
			continue
		case err != nil:
			return os.NewSyscallError("read inotify", err)
		}
		if err := w.events(w.buf[:n], add); err != nil {
			return err
		}
	}
}

func (w *watcher) events(b []byte, add func(string)) error {
	for len(b) >= syscall.SizeofInotifyEvent {
		wd, mask := int32(binary.NativeEndian.Uint32(b)), binary.NativeEndian.Uint32(b[4:])
		end := syscall.SizeofInotifyEvent + int(binary.NativeEndian.Uint32(b[12:]))
		name := strings.TrimRight(string(b[syscall.SizeofInotifyEvent:end]), "\x00")
		b = b[end:]
		folder, known := w.folders[wd]
		switch {
		case mask&syscall.IN_Q_OVERFLOW != 0: // some were dropped: all counts as written
			if err := w.enter(w.root, add); err != nil {
				return err
			}
		case !known:
		case mask&syscall.IN_IGNORED != 0:
			delete(w.folders, wd)
		default:
			if mask&(syscall.IN_CREATE|syscall.IN_MOVED_TO) != 0 {
				add(folder) // a file is there only when its name is
			}
			if err := w.saw(filepath.Join(folder, name), mask&syscall.IN_ISDIR != 0, add); err != nil {
				return err
			}
		}
	}
	return nil
}

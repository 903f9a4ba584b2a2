package testkit

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"sync"
	"syscall"
	"time"
)

// server is one child process that can be stopped and started again on the same folder and ports.
// Its output goes to NAME.log and its process id to NAME.pid, both in dir.
type server struct {
	name string
	dir  string
	argv []string

	mu   sync.Mutex
	cmd  *exec.Cmd
	done chan struct{} // closed once the process has ended and was waited for
}

func (s *server) start() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.running() {
		return nil
	}
	out, err := os.OpenFile(s.path(".log"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
	if err != nil {
		return err
	}
	cmd := exec.Command(s.argv[0], s.argv[1:]...)
	cmd.Dir, cmd.Stdout, cmd.Stderr = s.dir, out, out
	// A group of its own: a Ctrl-C at the terminal must not reach the server before the test has ended.
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if err := cmd.Start(); err != nil {
		return errors.Join(fmt.Errorf("start %s: %w", s.name, err), out.Close())
	}
	done := make(chan struct{})
	s.cmd, s.done = cmd, done
	err = os.WriteFile(s.path(".pid"), []byte(strconv.Itoa(cmd.Process.Pid)), 0o644)
	go func() {
		_ = cmd.Wait() // how it ended is told by whoever waited for it to be ready
		_ = os.Remove(s.path(".pid"))
		_ = out.Close()
		close(done)
	}()
	return err
}

// running is asked with mu held.
func (s *server) running() bool {
	if s.cmd == nil {
		return false
	}
	select {
	case <-s.done:
		return false
	default:
		return true
	}
}

// end sends sig and waits; what has not ended within grace is killed. A paused server is killed at once.
func (s *server) end(sig syscall.Signal, grace time.Duration) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.running() {
		return nil
	}
	if err := s.cmd.Process.Signal(sig); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return fmt.Errorf("signal %s: %w", s.name, err)
	}
	select {
	case <-s.done:
		return nil
	case <-time.After(grace):
	}
	if err := s.cmd.Process.Kill(); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return fmt.Errorf("kill %s: %w", s.name, err)
	}
	<-s.done
	return nil
}

func (s *server) kill() error { return s.end(syscall.SIGKILL, time.Minute) }
func (s *server) stop() error { return s.end(syscall.SIGTERM, 15*time.Second) }

// signal reaches a running server and leaves it there: SIGSTOP and SIGCONT.
func (s *server) signal(sig syscall.Signal) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.running() {
		return fmt.Errorf("signal %s: it is not running", s.name)
	}
	return s.cmd.Process.Signal(sig)
}

// await asks ready until it answers without error; a server that ends meanwhile, or is not ready within
// the time, gives an error that carries the end of its log.
func (s *server) await(within time.Duration, ready func() error) error {
	s.mu.Lock()
	done := s.done
	s.mu.Unlock()
	deadline := time.Now().Add(within)
	for {
		err := ready()
		if err == nil {
			return nil
		}
		select {
		case <-done:
			return fmt.Errorf("%s ended while it started; its log ends:\n%s", s.name, s.tail())
		case <-time.After(50 * time.Millisecond):
		}
		if time.Now().After(deadline) {
			return fmt.Errorf("%s is not ready after %s: %w; its log ends:\n%s", s.name, within, err, s.tail())
		}
	}
}

func (s *server) path(suffix string) string { return filepath.Join(s.dir, s.name+suffix) }

// tail is the last 4 KiB of the server's output.
func (s *server) tail() []byte {
	b, err := os.ReadFile(s.path(".log"))
	if err != nil {
		return []byte(err.Error())
	}
	return bytes.TrimSpace(b[max(0, len(b)-4096):])
}

// janitor starts a shell that waits until release is called or this process is gone, however it went
// (a time-out of go test, kill -9); it then kills every server that has a .pid file in dir and removes dir.
// It learns of the end because its standard input is a pipe that nobody else holds.
func janitor(dir string) (release func() error, err error) {
	const script = `cat >/dev/null
for f in "$1"/*.pid; do [ -f "$f" ] && kill -9 "$(cat "$f")" 2>/dev/null; done
rm -rf "$1" || { sleep 1; rm -rf "$1"; }`
	cmd := exec.Command("/bin/sh", "-c", script, "sh", dir)
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	in, err := cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, fmt.Errorf("start the watcher of %s: %w", dir, err)
	}
	var once sync.Once
	return func() (err error) {
		once.Do(func() { err = errors.Join(in.Close(), ignoreExit(cmd.Wait())) })
		return err
	}, nil
}

// ignoreExit drops a non-zero exit: the shell's last command may find that all is gone already.
func ignoreExit(err error) error {
	var exit *exec.ExitError
	if errors.As(err, &exit) || errors.Is(err, io.ErrClosedPipe) {
		return nil
	}
	return err
}

// freePort finds a loopback port for a server that must know its address before it listens. It looks
// below the range that systems hand out for port 0, so no outgoing connection can take it meanwhile,
// nor while the server is down between a kill and its next start.
func freePort() (int, error) {
	for range 200 {
		port := 20000 + rand.IntN(12000)
		l, err := net.Listen("tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(port)))
		if err != nil {
			continue
		}
		return port, l.Close()
	}
	return 0, errors.New("no free port between 20000 and 32000 on 127.0.0.1")
}

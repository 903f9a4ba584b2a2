package engine

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"syscall"
)

// child is one life of the engine's process.
type child struct {
	cmd   *exec.Cmd
	alive io.Writer     // our end of the pipe whose end tells the child that we are dead
	ready chan struct{} // closed when it takes queries
	ended chan struct{} // closed when the process is gone; err is set then
	err   error
	last  *tail
}

// startChild runs the child with our socket as its file 3.
func startChild(opt Options, l *net.TCPListener) (*child, error) {
	socket, err := l.File()
	if err != nil {
		return nil, fmt.Errorf("hand over the socket: %w", err)
	}
	args := append(append([]string{}, opt.Args...), "--path", opt.Path, "--listen", "fd:3", "--lib", opt.Lib, "--follow-stdin")
	if opt.Memory > 0 {
		args = append(args, "--memory", strconv.FormatInt(opt.Memory, 10))
	}
	cmd := exec.Command(opt.Exe, args...)
	cmd.Env = append(os.Environ(), keyVariable+"="+opt.Key)
	cmd.ExtraFiles = []*os.File{socket}
	c := &child{cmd: cmd, ready: make(chan struct{}), ended: make(chan struct{}), last: &tail{log: opt.Logger}}
	stdin, err := cmd.StdinPipe()
	if err != nil {
		return nil, errors.Join(err, socket.Close())
	}
	c.alive = stdin
	cmd.Stdout = &lineWriter{fn: c.heard()}
	cmd.Stderr = &lineWriter{fn: c.last.add}
	if err := errors.Join(cmd.Start(), socket.Close()); err != nil {
		return nil, errors.Join(err, stdin.Close())
	}
	go c.wait()
	return c, nil
}

func (c *child) wait() {
	c.err = c.cmd.Wait()
	close(c.ended)
}

func (c *child) pid() int { return c.cmd.Process.Pid }

// heard waits for the one line that says the child is ready.
func (c *child) heard() func(string) {
	var once sync.Once
	return func(line string) {
		if strings.HasPrefix(line, "listens on ") {
			once.Do(func() { close(c.ready) })
		}
	}
}

// terminate asks the process to stop and waits; when ctx ends first, the process is killed and that is the error.
func (c *child) terminate(ctx context.Context) error {
	if _, err := c.alive.Write([]byte("stop\n")); err != nil && !errors.Is(err, syscall.EPIPE) && !errors.Is(err, os.ErrClosed) { // it has ended
		return fmt.Errorf("tell process %d to stop: %w", c.pid(), err)
	}
	select {
	case <-c.ended:
		return nil
	case <-ctx.Done():
		c.kill()
		<-c.ended
		return fmt.Errorf("process %d did not stop in time and was killed: %w", c.pid(), context.Cause(ctx))
	}
}

func (c *child) kill() { _ = c.cmd.Process.Kill() } // it may be gone already, which is what is wanted

// why the process ended, with its last words.
func (c *child) why() error {
	how := "it ended in order"
	if c.err != nil {
		how = c.err.Error()
	}
	if words := c.last.words(); words != "" {
		return fmt.Errorf("process %d: %s: %s", c.pid(), how, words)
	}
	return fmt.Errorf("process %d: %s", c.pid(), how)
}

// tail hands a child's complaints to the log and keeps the first few for the error.
type tail struct {
	log  *slog.Logger
	mu   sync.Mutex
	kept []string
}

// tailLines: the first line names the fault; what follows a crash is the stacks of all threads.
const tailLines = 3

func (t *tail) add(line string) {
	t.log.Debug("history engine says", "line", line)
	t.mu.Lock()
	defer t.mu.Unlock()
	if len(t.kept) < tailLines {
		t.kept = append(t.kept, strings.TrimPrefix(line, "tocsin clickhouse: "))
	}
}

func (t *tail) words() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return strings.Join(t.kept, "; ")
}

// lineWriter calls fn with each whole line that is written to it.
type lineWriter struct {
	fn   func(string)
	rest []byte
}

// longestLine is where a line without an end is cut.
const longestLine = 64 << 10

func (w *lineWriter) Write(b []byte) (int, error) {
	w.rest = append(w.rest, b...)
	for {
		line, rest, found := bytes.Cut(w.rest, []byte("\n"))
		if !found && len(w.rest) < longestLine {
			return len(b), nil
		}
		w.fn(string(line))
		w.rest = rest
	}
}

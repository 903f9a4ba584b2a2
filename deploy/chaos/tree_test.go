package chaos

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// tree is Tocsin with each role in a process of its own, on one data folder.
type tree struct {
	t     *testing.T
	bin   string
	data  string
	http  string
	mqtt  string
	kafka string
	// config is laid under every process; brokers of one's own stand in it.
	config string
	roles  []string // what runs: a role, or role#n where several processes have it

	mu    sync.Mutex
	procs map[string]*process
}

type process struct {
	role string
	cmd  *exec.Cmd
	out  *tail
	done chan struct{}
}

var allRoles = []string{"log", "engine", "monitor", "gateway", "history", "desk"}

// build makes the program, with the engine beside it when there is one.
func build(t *testing.T) string {
	t.Helper()
	root := repository(t)
	dir := t.TempDir()
	bin := filepath.Join(dir, "tocsin")
	cmd := exec.Command("go", "build", "-o", bin, ".")
	cmd.Dir = root
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("go build: %v\n%s", err, out)
	}
	if err := os.Symlink(filepath.Join(root, "bin", "engine"), filepath.Join(dir, "engine")); err != nil {
		t.Fatal(err)
	}
	return bin
}

func repository(t *testing.T) string {
	t.Helper()
	dir, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	for ; dir != "/"; dir = filepath.Dir(dir) {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			return dir
		}
	}
	t.Fatal("no go.mod above the working folder")
	return ""
}

func newTree(t *testing.T) *tree {
	w := &tree{t: t, bin: build(t), data: t.TempDir(), http: freePort(t), mqtt: freePort(t), kafka: freePort(t), roles: allRoles, procs: map[string]*process{}}
	t.Cleanup(w.killAll)
	return w
}

func freePort(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	return l.Addr().String()
}

// start starts a process.
func (w *tree) start(name string) {
	w.t.Helper()
	role, _, _ := strings.Cut(name, "#")
	config := filepath.Join(w.data, "config-"+name+".yaml")
	if err := os.WriteFile(config, []byte("name: "+strings.ReplaceAll(name, "#", "-")+"\n"+w.config), 0o600); err != nil {
		w.t.Fatal(err)
	}
	args := []string{"serve", "--roles=" + role, "--data", w.data, "--config", config, "--mqtt", w.mqtt, "--http", "127.0.0.1:0"}
	if role == "desk" {
		args[len(args)-1] = w.http
	}
	if w.config == "" {
		args = append(args, "--kafka", w.kafka)
	}
	p := &process{role: name, cmd: exec.Command(w.bin, args...), out: &tail{}, done: make(chan struct{})}
	p.cmd.Stdout, p.cmd.Stderr = p.out, p.out
	p.cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if err := p.cmd.Start(); err != nil {
		w.t.Fatalf("start %s: %v", name, err)
	}
	go func() {
		_ = p.cmd.Wait() // how it ended is judged by who wants it to live
		close(p.done)
	}()
	w.mu.Lock()
	w.procs[name] = p
	w.mu.Unlock()
}

// kill ends a role at once, as a power cut would.
func (w *tree) kill(role string) {
	w.mu.Lock()
	p := w.procs[role]
	w.mu.Unlock()
	if p == nil {
		return
	}
	_ = p.cmd.Process.Kill() // it may have ended by itself; revive starts it again
	<-p.done
}

// revive starts whatever does not run, as a service manager would, and answers which.
func (w *tree) revive() {
	w.t.Helper()
	for _, role := range w.roles {
		w.mu.Lock()
		p := w.procs[role]
		w.mu.Unlock()
		select {
		case <-p.done:
			w.start(role)
		default:
		}
	}
}

func (w *tree) killAll() {
	for _, role := range w.roles {
		w.kill(role)
	}
}

// command runs a command of the program on the tree and answers what it printed.
func (w *tree) command(ctx context.Context, args ...string) (string, error) {
	cmd := exec.CommandContext(ctx, w.bin, append(args, "--data", w.data)...)
	out, err := cmd.CombinedOutput()
	return string(out), err
}

// ready waits until the desk answers.
func (w *tree) ready(within time.Duration) error {
	var last error
	for end := time.Now().Add(within); time.Now().Before(end); time.Sleep(100 * time.Millisecond) {
		r, err := http.Get("http://" + w.http + "/readyz")
		if err != nil {
			last = err
			continue
		}
		_ = r.Body.Close() // only the status counts
		if r.StatusCode == http.StatusOK {
			return nil
		}
		last = errors.New(r.Status)
	}
	return fmt.Errorf("not ready after %s: %w\n%s", within, last, w.said())
}

// said answers the last lines of every process.
func (w *tree) said() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	var b strings.Builder
	for _, role := range w.roles {
		if p := w.procs[role]; p != nil {
			fmt.Fprintf(&b, "--- %s\n%s\n", role, p.out)
		}
	}
	return b.String()
}

// tail keeps the last few kilobytes of what a process said.
type tail struct {
	mu sync.Mutex
	b  []byte
}

func (l *tail) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.b = append(l.b, p...)
	if len(l.b) > 6000 {
		l.b = bytes.Clone(l.b[len(l.b)-6000:])
	}
	return len(p), nil
}

func (l *tail) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return string(l.b)
}

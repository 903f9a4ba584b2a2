package engine

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/url"
	"os"
	"sync"
	"time"
)

// Options of the engine; only Path is required.
type Options struct {
	Path   string       // folder of its data
	Exe    string       // program that has Main under Args; by default this one
	Args   []string     // what leads there; by default "clickhouse"
	Lib    string       // libchdb.so; by default as Find answers
	Listen string       // loopback address; by default a free port, which is kept for as long as the Engine lives
	Key    string       // what callers must know; by default drawn at random
	Memory int64        // bytes at most; by default a third of the machine's, 1 to 8 GiB
	Logger *slog.Logger // by default slog.Default()
}

// How the child is started again: at once after a long life, then slower, so that a folder that cannot be opened does
// not eat a core.
const (
	firstPause = 50 * time.Millisecond
	mostPause  = 5 * time.Second
	longLife   = 30 * time.Second
)

// The engine is up in 0.2 s, but a large folder after a crash has parts to look through. Start waits for patience, since
// warnings stand in line behind it; a child that is not ready within readyWithin is started anew.
const (
	patience    = 3 * time.Second
	readyWithin = 10 * time.Minute
)

// Engine is a ClickHouse engine that runs as our child.
type Engine struct {
	opt      Options
	log      *slog.Logger
	listener *net.TCPListener
	once     sync.Once
	stop     chan context.Context // tells the keeper to end the child, and by when
	ended    chan struct{}        // closed when the keeper is through; err is set then
	err      error

	mu    sync.Mutex
	child *child // nil while there is none
	ready bool
	lives int
}

// Start runs the engine and answers when it takes queries, or after a few seconds when it needs longer: callers wait in the
// socket's queue then. When it dies later it is started again, at the same address. The error wraps ErrAbsent when there is
// no library.
func Start(ctx context.Context, opt Options) (*Engine, error) {
	opt, err := withDefaults(opt)
	if err != nil {
		return nil, fmt.Errorf("start history engine: %w", err)
	}
	l, err := listen(opt.Listen)
	if err != nil {
		return nil, fmt.Errorf("start history engine: %w", err)
	}
	tcp, ok := l.(*net.TCPListener)
	if !ok {
		return nil, errors.Join(fmt.Errorf("start history engine: %s is no TCP address", opt.Listen), l.Close())
	}
	e := &Engine{opt: opt, log: opt.Logger, listener: tcp, stop: make(chan context.Context, 1), ended: make(chan struct{})}
	c, err := e.first(ctx)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("start history engine: %w", err), tcp.Close())
	}
	go e.keep(c)
	return e, nil
}

// first starts the first child, so that what is wrong from the beginning is told at once.
func (e *Engine) first(ctx context.Context) (*child, error) {
	c, err := e.begin()
	if err != nil {
		return nil, err
	}
	select {
	case <-c.ready:
		e.isReady()
	case <-time.After(patience):
		e.log.Warn("history engine takes its time; nobody waits for it", "pid", c.pid())
	case <-c.ended:
		return nil, c.why()
	case <-ctx.Done():
		c.kill()
		<-c.ended
		return nil, context.Cause(ctx)
	}
	return c, nil
}

func withDefaults(opt Options) (Options, error) {
	if opt.Path == "" {
		return opt, errors.New("no folder for its data")
	}
	lib, err := Find(opt.Lib)
	if err != nil {
		return opt, err
	}
	opt.Lib = lib
	if opt.Exe == "" {
		if opt.Exe, err = os.Executable(); err != nil {
			return opt, fmt.Errorf("where this program lies is unknown: %w", err)
		}
	}
	if opt.Args == nil {
		opt.Args = []string{"clickhouse"}
	}
	if opt.Listen == "" {
		opt.Listen = "127.0.0.1:0"
	}
	if opt.Key == "" {
		opt.Key = rand.Text()
	}
	if opt.Logger == nil {
		opt.Logger = slog.Default()
	}
	return opt, nil
}

// Addr is where the engine listens, for as long as it lives.
func (e *Engine) Addr() string { return e.listener.Addr().String() }

// DSN is what clickhouse-go connects by. It holds the key: print it with its password struck out.
func (e *Engine) DSN() string {
	u := url.URL{Scheme: "http", User: url.UserPassword("default", e.opt.Key), Host: e.Addr(), Path: "/" + database}
	return u.String()
}

// Pid is the child's process id, 0 while there is none.
func (e *Engine) Pid() int {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.child == nil {
		return 0
	}
	return e.child.pid()
}

// Ready says whether the engine takes queries now. While it starts again, callers wait in the socket's queue.
func (e *Engine) Ready() bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.ready
}

// Lives counts how often the engine was started.
func (e *Engine) Lives() int {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.lives
}

// Stop lets running statements end, for 5 s at most, then ends the child; when ctx ends first, it is killed. A second
// Stop answers as the first.
func (e *Engine) Stop(ctx context.Context) error {
	e.once.Do(func() { e.stop <- ctx })
	<-e.ended
	return e.err
}

// begin starts a child; it will say when it is ready.
func (e *Engine) begin() (*child, error) {
	c, err := startChild(e.opt, e.listener)
	if err != nil {
		return nil, err
	}
	e.mu.Lock()
	e.child, e.ready = c, false
	e.lives++
	e.mu.Unlock()
	return c, nil
}

func (e *Engine) isReady() {
	e.mu.Lock()
	e.ready = true
	e.mu.Unlock()
}

func (e *Engine) gone() {
	e.mu.Lock()
	e.child, e.ready = nil, false
	e.mu.Unlock()
}

// keep starts the engine again whenever it ends, until it is told to stop.
func (e *Engine) keep(c *child) {
	defer close(e.ended)
	pause := firstPause
	for {
		began := time.Now()
		if c != nil {
			if stopped := e.watch(c); stopped {
				return
			}
			e.gone()
			e.log.Warn("history engine ended and is started again; history waits in the log meanwhile", "err", c.why(), "took", time.Since(began))
			if time.Since(began) > longLife {
				pause = firstPause
			}
		}
		select {
		case <-e.stop:
			e.err = e.finish(nil)
			return
		case <-time.After(pause):
		}
		pause = min(2*pause, mostPause)
		var err error
		if c, err = e.begin(); err != nil {
			e.log.Error("history engine does not start; it is tried again, and history waits in the log", "err", err)
		}
	}
}

// watch follows a child until it ends, or ends it when told to stop.
func (e *Engine) watch(c *child) (stopped bool) {
	ready, late := c.ready, time.NewTimer(readyWithin)
	defer late.Stop()
	for {
		select {
		case <-ready:
			ready = nil
			late.Stop()
			e.isReady()
			e.log.Info("history engine is ready", "addr", e.Addr(), "pid", c.pid())
		case <-late.C:
			e.log.Error("history engine is not ready in time and is killed", "took", readyWithin, "pid", c.pid())
			c.kill()
		case <-c.ended:
			return false
		case ctx := <-e.stop:
			if ready != nil { // it hears nothing while it looks through its folder, and is made to be killed
				c.kill()
			}
			e.err = e.finish(c.terminate(ctx))
			return true
		}
	}
}

func (e *Engine) finish(err error) error {
	e.gone()
	if err := errors.Join(err, e.listener.Close()); err != nil {
		return fmt.Errorf("stop history engine: %w", err)
	}
	return nil
}

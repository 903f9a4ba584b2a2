package deploy

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"tocsin/alerts/notify"
	"tocsin/alerts/notify/browsers"
	"tocsin/care/vault"
	"tocsin/deploy/embedded/broker"
	"tocsin/streams"
	"tocsin/streams/directory"
	"tocsin/streams/event"
	"tocsin/streams/history"
	"tocsin/streams/kafka"
	"tocsin/streams/trail"
)

// App is a running Tocsin: the parts that its roles name, in one process.
type App struct {
	began    time.Time
	cfg      Config
	out      io.Writer // the terminal, for the person who started it
	log      *slog.Logger
	registry *prometheus.Registry
	stops    stops
	broken   chan error // the first part that ends by itself

	brokers   []string
	broker    *broker.Broker // the embedded log, when it runs here
	store     *kafka.Log     // the log
	n         int32          // partitions of the patient topics
	edge      *streams.Edge
	view      *directory.View
	asker     *directory.Asker
	owners    *owners
	front     *front
	apps      apps
	notifier  *notify.Notifier // nil: it does not run here
	limits    *limits          // nil: they are not sent from here
	push      *browsers.Way    // nil: no channel goes to browsers
	nearby    *carers          // nil: nobody near a patient is told
	dsn       string           // of history; empty: there is none
	past      *history.History // nil: history is off
	run       Running
	published atomic.Bool           // the library's packs are in effect
	stopping  atomic.Bool           // whoever shares the work out is told to look elsewhere
	outdated  atomic.Pointer[error] // what a part met that is newer than this program
	password  string                // of the first account, until it is told
	vault     *vault.Vault          // who patients are; nil: that is kept nowhere
	newMaster string                // file of a master key that was made at this start
	trail     *trail.Writer         // the audit log; nil without a desk
	auditKey  string                // public, when it was made just now
}

// New builds the parts in the order in which readings travel, each followed by how it stops, and answers when all of
// them stand. When one does not, those before it are stopped again.
func New(ctx context.Context, cfg Config, out io.Writer, logger *slog.Logger) (*App, error) {
	a := &App{began: time.Now(), cfg: cfg, out: out, log: logger, registry: newRegistry(), broken: make(chan error, 16)}
	a.stops.log = logger
	a.owners = newOwners(a.registry)
	for _, part := range []struct {
		name  string
		start func(context.Context) error
	}{
		{"doors", a.openDoors}, // first, since a port in use is told before anything else has begun
		{"log", a.startLog},
		{"engine", a.startEngine},
		{"directory", a.startDirectory},
		{"monitor", a.startMonitor},
		{"library", a.startLibrary},
		{"first account", a.startAccount},
		{"history", a.startHistory},
		{"vault", a.startVault},
		{"notifier", a.startNotify},
		{"outbox", a.startOutbox},
		{"audit log", a.startTrail},
		{"desk", a.startDesk},
		{"gateway", a.startGateway},
		{"bridge", a.startBridge},
		{"auditor", a.startAuditor},
		{"watchdog", a.startWatchdog},
		{"run file", a.writeRunFile},
		{"demo", a.startDemo},
	} {
		if err := part.start(ctx); err != nil {
			return nil, errors.Join(fmt.Errorf("start %s: %w", part.name, err), a.Stop())
		}
		if ctx.Err() != nil {
			return nil, errors.Join(ctx.Err(), a.Stop())
		}
	}
	return a, nil
}

// Stop ends the parts, the newest first.
func (a *App) Stop() error {
	a.stopping.Store(true)
	return a.stops.all()
}

// onStop says how what was just started is ended.
func (a *App) onStop(name string, stop func(context.Context) error) { a.stops.add(name, stop) }

// runs starts a part that works until it is stopped. When it ends by itself, everything ends, unless it met something that
// is newer than this program: then the others go on, and this process is not ready.
func (a *App) runs(name string, run func(context.Context) error) {
	w := work(run, func(err error) {
		if errors.Is(err, event.ErrNewer) {
			a.log.Error("a part gave up, since the log holds what is newer than this program; update it", streams.KeyPart, name, streams.KeyErr, err)
			a.outdated.CompareAndSwap(nil, ptr(fmt.Errorf("%s: %w", name, err)))
			return
		}
		select {
		case a.broken <- fmt.Errorf("%s: %w", name, err):
		default: // one is told; the others follow from it, mostly
		}
	})
	a.onStop(name, w.stop)
}

// listen opens a port, and says by which flag another can be chosen.
func listen(flag, addr string) (net.Listener, error) {
	l, err := net.Listen("tcp", addr)
	return l, taken(err, flag, addr)
}

// taken puts a way out beside a port that is in use.
func taken(err error, flag, addr string) error {
	if errors.Is(err, syscall.EADDRINUSE) {
		return fmt.Errorf("%s is in use by another program; choose another with --%s, such as --%s 127.0.0.1:0 for any free port", addr, flag, flag)
	}
	return err
}

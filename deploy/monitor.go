package deploy

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"tocsin/streams"
	"tocsin/streams/directory"
	"tocsin/streams/event"
)

// startMonitor owns partitions: the registrar's, and the patients'.
func (a *App) startMonitor(context.Context) error {
	if !a.cfg.has(roleMonitor) {
		return nil
	}
	o := streams.OwnerOptions{Name: a.cfg.Name, Version: version(), Logger: a.log}
	a.runs("registrar", func(ctx context.Context) error {
		return directory.RunRegistrar(ctx, a.store, a.n, directory.Machine{Check: checkPack}, a.owners.options(streams.Directory, o))
	})
	k := &keeper{view: a.view, now: wall, log: a.log, tell: a.appends,
		ask: func(ctx context.Context, r event.Event) error { _, err := a.asker.Ask(ctx, r); return err }}
	a.runs("rota keeper", k.run)
	a.runs("monitor", func(ctx context.Context) error {
		return streams.RunOwner(ctx, a.store, streams.PatientPair, patientParts(), a.owners.options(streams.Decisions, o))
	})
	return nil
}

// ready tells what still keeps readings from being taken and scored; nil when nothing does.
func (a *App) ready(ctx context.Context) error {
	if a.stopping.Load() {
		return errors.New("stopping")
	}
	faults := []error{a.logAnswers(ctx)}
	if err := a.outdated.Load(); err != nil {
		faults = append(faults, *err)
	}
	if a.broker != nil {
		faults = append(faults, a.broker.Err())
	}
	if !a.view.Ready() {
		faults = append(faults, errors.New("the directory is still being read"))
	}
	if !a.published.Load() {
		faults = append(faults, errors.New("the library's packs are not in effect yet"))
	}
	// At first every partition has to be owned here. Later another monitor may have taken some, and the desk's own check
	// counts: that everything which came in has been taken into account.
	if a.cfg.has(roleMonitor) && a.cfg.has(roleLog) && time.Since(a.began) < startup {
		faults = append(faults, a.owners.missing(streams.Directory, 1), a.owners.missing(streams.Decisions, a.n))
	}
	if h := a.front.socket.Load(); a.cfg.has(roleGateway) && (h == nil || !answers(*h)) {
		faults = append(faults, errors.New("the gateway is not open yet"))
	}
	return errors.Join(faults...)
}

// logAnswersWithin is how long a log may take to answer while readings are still taken.
const logAnswersWithin = 2 * time.Second

// logAnswers asks the log: without it no reading is taken, and what is shown grows old only later.
func (a *App) logAnswers(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, logAnswersWithin)
	defer cancel()
	if _, _, err := a.store.Bounds(ctx, streams.Inputs, 0); err != nil {
		return fmt.Errorf("the log does not answer: %w", err)
	}
	return nil
}

// startup is after how long the desk's look at the age of its data says more than who owns what.
const startup = 30 * time.Second

// answers tells whether a gateway's WebSocket door is open: it says 503 until then, and to no request at all something else.
func answers(h http.Handler) bool {
	r, err := http.NewRequest(http.MethodGet, "/mqtt", nil)
	if err != nil {
		return false
	}
	w := &statusOnly{header: http.Header{}}
	h.ServeHTTP(w, r)
	return w.status != http.StatusServiceUnavailable
}

// statusOnly is an answer of which only the status is looked at.
type statusOnly struct {
	header http.Header
	status int
}

func (s *statusOnly) Header() http.Header         { return s.header }
func (s *statusOnly) Write(b []byte) (int, error) { return len(b), nil }
func (s *statusOnly) WriteHeader(status int)      { s.status = status }

// until waits for a condition, and says what was missing when the time is over.
func until(ctx context.Context, within time.Duration, what string, is func() error) error {
	ctx, cancel := context.WithTimeout(ctx, within)
	defer cancel()
	for {
		err := is()
		if err == nil {
			return nil
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("wait for %s: %w", what, err)
		case <-time.After(50 * time.Millisecond):
		}
	}
}

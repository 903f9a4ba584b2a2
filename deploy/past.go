package deploy

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/url"
	"os"
	"strings"
	"time"

	"tocsin/deploy/embedded/engine"
	"tocsin/streams"
	"tocsin/streams/history"
)

// startEngine starts the embedded ClickHouse engine as our child. Without one everything else runs.
func (a *App) startEngine(ctx context.Context) error {
	if !a.cfg.has(roleEngine) || a.cfg.History.Off || a.cfg.History.DSNFile != "" {
		return nil
	}
	key, err := keyFile(a.cfg.path("engine.key"))
	if err != nil {
		return err
	}
	e, err := engine.Start(ctx, engine.Options{Path: a.cfg.path("history"), Lib: a.cfg.History.Library, Listen: a.engineListen(),
		Key: key, Memory: a.cfg.History.Memory, Logger: a.log})
	switch {
	case errors.Is(err, engine.ErrAbsent) || err != nil && ctx.Err() == nil && a.cfg.has(roleDesk):
		a.log.Warn("history is off", streams.KeyErr, err)
		return nil
	case err != nil:
		return taken(err, "engine", a.cfg.History.Listen)
	}
	a.onStop("engine", e.Stop)
	a.dsn, a.run.Engine, a.run.HistoryDSN = e.DSN(), e.Addr(), e.DSN()
	if a.cfg.whole {
		return nil
	}
	return writeRunning(a.cfg.Data, func(r *Running) { r.Engine, r.HistoryDSN = e.Addr(), e.DSN() })
}

// engineListen takes the port of last time when any free one would do: other processes know the engine by it.
func (a *App) engineListen() string {
	addr := a.cfg.History.Listen
	old := lastRunning(a.cfg.Data)
	if old.Engine == "" || !strings.HasSuffix(addr, ":0") {
		return addr
	}
	for range 20 { // the engine of a process that was killed holds it for a moment yet
		l, err := net.Listen("tcp", old.Engine)
		if err == nil {
			_ = l.Close()
			return old.Engine
		}
		time.Sleep(100 * time.Millisecond)
	}
	return addr // somebody else has taken it
}

// keyFile answers the key that the engine's callers must know, the same after every restart.
func keyFile(path string) (string, error) {
	key, err := readSecret(path)
	if errors.Is(err, fs.ErrNotExist) {
		fresh := rand.Text()
		return fresh, replaceFile(path, []byte(fresh+"\n"))
	}
	return string(key), err
}

// engineWithin is how long parts wait for an engine that another process on the same data is starting.
const engineWithin = 10 * time.Second

// findHistory answers the DSN of ClickHouse; empty: there is none.
func (a *App) findHistory(ctx context.Context) error {
	switch {
	case a.cfg.History.Off:
		a.dsn = ""
	case a.cfg.History.DSNFile != "":
		dsn, err := readSecret(a.cfg.History.DSNFile)
		if err != nil {
			return err
		}
		a.dsn = string(dsn)
	case !a.cfg.has(roleEngine):
		err := until(ctx, engineWithin, "an engine", func() error {
			r, err := readRunning(a.cfg.Data)
			if a.dsn = r.HistoryDSN; err == nil && a.dsn == "" {
				err = errors.New("none has started on this data folder")
			}
			return err
		})
		if err != nil && ctx.Err() == nil {
			a.log.Warn("history is off", streams.KeyErr, err)
		}
	}
	return ctx.Err()
}

// startHistory connects to ClickHouse, and copies the log into it when that is our role. ClickHouse being away delays
// nothing but itself.
func (a *App) startHistory(ctx context.Context) error {
	if !a.cfg.has(roleHistory) && !a.cfg.has(roleDesk) && !a.tellsMachines() {
		return nil
	}
	if err := a.findHistory(ctx); err != nil {
		return err
	}
	if a.dsn == "" {
		return nil
	}
	trust, err := trusting(a.cfg.History.CAFile)
	if err != nil {
		return err
	}
	h, err := history.OpenTrusting(a.dsn, trust)
	if err != nil {
		return err
	}
	a.past = h
	if a.cfg.History.CAFile != "" {
		a.run.HistoryCA = abs(a.cfg.History.CAFile)
	}
	a.run.HistoryDSN = a.dsn
	a.onStop("history client", func(context.Context) error { return h.Close() })
	if a.cfg.has(roleHistory) {
		a.runs("history", func(ctx context.Context) error {
			return history.RunSink(ctx, history.SinkOptions{Log: a.store, History: h, Name: a.cfg.Name, Linger: a.cfg.History.Linger, Registry: a.registry, Logger: a.log})
		})
	}
	return nil
}

// historyState says in a line what there is of history.
func (a *App) historyState() string {
	switch {
	case a.past == nil && a.cfg.History.Off:
		return "off, as configured"
	case a.past == nil:
		return "off: no ClickHouse engine beside the program and no server configured"
	}
	return "ClickHouse at " + withoutSecret(a.dsn)
}

// withoutSecret strikes the password out of a DSN.
func withoutSecret(dsn string) string {
	u, err := url.Parse(dsn)
	if err != nil {
		return "***"
	}
	return u.Redacted()
}

// openHistory is how commands reach ClickHouse.
func (r *reach) openHistory(dsnFile string) (*history.History, error) {
	if dsnFile != "" {
		b, err := os.ReadFile(dsnFile)
		if err != nil {
			return nil, err
		}
		run, _ := r.running() // beside a DSN of its own it is asked for the authority alone, which may be the system's
		trust, err := trusting(run.HistoryCA)
		if err != nil {
			return nil, err
		}
		return history.OpenTrusting(strings.TrimSpace(string(b)), trust)
	}
	run, err := r.running()
	if err != nil {
		return nil, err
	}
	trust, err := trusting(run.HistoryCA)
	if err != nil {
		return nil, err
	}
	if run.HistoryDSN == "" {
		return nil, fmt.Errorf("history is off in %s; give it an engine (make engine) or a server (history.dsn_file)", r.data)
	}
	return history.OpenTrusting(run.HistoryDSN, trust)
}

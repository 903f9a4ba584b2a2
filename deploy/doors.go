package deploy

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"

	"tocsin/alerts/notify"
	"tocsin/desk"
	"tocsin/ingest/bridge"
	"tocsin/ingest/gateway"
	"tocsin/streams"
	"tocsin/streams/directory"
	"tocsin/streams/event"
	"tocsin/streams/history"
)

// startDesk starts the screens and the API.
func (a *App) startDesk(context.Context) error {
	if !a.cfg.has(roleDesk) {
		return nil
	}
	provider, err := a.cfg.OIDC.provider()
	if err != nil {
		return fmt.Errorf("oidc: %w", err)
	}
	o := desk.Options{
		Log: a.store, Follow: desk.Watch(a.store, patientParts(), desk.LookAtRules), AsOf: desk.LookBack(a.store, patientParts(), desk.LookAtRules), Directory: a.view, Asker: a.asker, Edge: a.edge,
		WaitDoors:  func(ctx context.Context, position int64) error { return directory.WaitDoors(ctx, a.store, position) },
		LocalAdmin: directory.Sum(a.run.Token), SecureCookies: a.cfg.HTTP.HTTPS || a.cfg.HTTP.TLS.on(), Simulated: a.cfg.demo, Version: version(),
		SecondFactor: a.cfg.Desk.SecondFactor, LockAfter: a.cfg.Desk.LockAfter, WallAccounts: a.cfg.Desk.WallAccounts,
		SessionFile: a.cfg.path("sessions.json"), WatchdogGone: a.watchdogGone(), Vault: a.vault, OIDC: provider,
		Ready:  []desk.Check{{Name: "parts", Well: a.ready}},
		Logger: a.log, Registry: a.registry,
	}
	if err := a.factorsPossible(); err != nil {
		return err
	}
	if a.trail != nil {
		o.Trail = a.trail
	}
	o.Backtest = a.backtestOf
	o.Me.Call, o.Me.Zh, o.Me.En = a.cfg.Notify.Patients.Advice()
	switch push, err := a.pushWay(); {
	case err != nil:
		return err
	case push != nil:
		o.Push = push
	}
	if a.past != nil {
		o.History, o.Past = charts{a.past}, a.past
	}
	d, err := desk.New(o)
	if err != nil {
		return err
	}
	a.runs("desk", d.Run)
	a.front.desk.Store(ptr(d.Handler()))
	return nil
}

// charts is history as the desk asks for it.
type charts struct{ *history.History }

// Readings answers a patient's readings as they were known at a moment, oldest first, each identity once.
func (c charts) Readings(ctx context.Context, tenant, patient string, from, to, known event.Time) ([]desk.Reading, error) {
	rows, err := c.History.Readings(ctx, tenant, patient, from, to, known)
	if errors.Is(err, history.ErrTooMany) {
		err = errors.Join(desk.ErrTooMany, err)
	}
	out := make([]desk.Reading, len(rows))
	for i, r := range rows {
		out[i] = desk.Reading{Quantity: r.Quantity, Value: r.Value, Mark: r.Mark, MeasuredAt: r.MeasuredAt, ReceivedAt: r.ReceivedAt, Clock: r.Clock}
	}
	if err == nil {
		err = c.disown(ctx, tenant, patient, out)
	}
	return out, err
}

// disown marks the readings of which somebody said that they were not this patient's.
func (c charts) disown(ctx context.Context, tenant, patient string, all []desk.Reading) error {
	said, err := c.DisownedOf(ctx, tenant, patient)
	if err != nil || len(said) == 0 {
		return err
	}
	type reading struct {
		at event.Time
		q  event.Quantity
		v  event.Decimal
	}
	by := map[reading]*desk.Disowning{}
	for _, e := range said {
		d, ok := e.Data.(*event.ReadingDisowned)
		if !ok {
			continue
		}
		for _, r := range d.Readings {
			by[reading{d.MeasuredAt, r.Quantity, r.Value}] = &desk.Disowning{By: d.By, At: e.At, Why: d.Why}
		}
	}
	for i := range all {
		r := &all[i]
		r.Disowned = by[reading{r.MeasuredAt, r.Quantity, r.Value}]
	}
	return nil
}

// startGateway opens the MQTT door.
func (a *App) startGateway(context.Context) error {
	if !a.cfg.has(roleGateway) {
		return nil
	}
	g, err := gateway.New(gateway.Options{Name: a.cfg.Name, Directory: a.view, Edge: a.edge, OnReceipt: a.receipts(), OnListen: a.listens(), Registry: a.registry, Logger: a.log})
	if err != nil {
		return err
	}
	a.apps.gateway.Store(g)
	a.runs("gateway", func(ctx context.Context) error { return g.Serve(ctx, a.front.mqtt...) })
	a.front.socket.Store(ptr[http.Handler](g.WebSocket()))
	return nil
}

// startBridge subscribes to the hospital's own broker, when there is one.
func (a *App) startBridge(context.Context) error {
	if !a.cfg.has(roleBridge) || a.cfg.Bridge.Broker == "" {
		return nil
	}
	password, err := readSecret(a.cfg.Bridge.PasswordFile)
	if err != nil {
		return err
	}
	c := a.cfg.Bridge
	trust, err := trusting(c.CAFile)
	if err != nil {
		return err
	}
	a.runs("bridge", func(ctx context.Context) error {
		return bridge.Run(ctx, bridge.Options{Broker: c.Broker, ClientID: c.ClientID, User: c.User, Password: string(password), TLS: trust, Group: c.Group,
			Name: a.cfg.Name + "-bridge", Directory: a.view, Edge: a.edge, Registry: a.registry, Logger: a.log})
	})
	return nil
}

// startNotify starts to tell people of warnings, when the settings name somebody.
func (a *App) startNotify(context.Context) error {
	switch {
	case !a.cfg.has(roleNotify):
		return nil
	case len(a.cfg.Notify.Recipients) == 0 && len(a.cfg.Notify.Patients.Channels) == 0:
		a.log.Info("nobody is told of warnings: notify.recipients is empty")
		return nil
	}
	o := notify.Options{
		Settings: a.cfg.Notify, Follow: a.watch(), Edge: a.edge, Logger: a.log, Registry: a.registry,
		End: func(ctx context.Context, partition int32) (int64, error) {
			_, end, err := a.store.Bounds(ctx, streams.Inputs, partition)
			return end, err
		},
	}
	if at := a.cfg.Notify.Listen; at != "" {
		l, err := net.Listen("tcp", at)
		if err != nil {
			return fmt.Errorf("notify.listen: %w", err)
		}
		o.Callback = l
		a.onStop("notifier's port", func(context.Context) error { _ = l.Close(); return nil })
	}
	if err := a.startApps(&o); err != nil {
		return err
	}
	a.startCarers(&o)
	switch push, err := a.startPush(); {
	case err != nil:
		return err
	case push != nil:
		o.Browsers = push
	}
	n, err := notify.New(o)
	if err != nil {
		return err
	}
	a.notifier = n
	a.followCarers()
	a.runs("notifier", n.Run)
	return nil
}

package deploy

import (
	"fmt"
	"sync/atomic"

	"tocsin/alerts/notify"
	"tocsin/ingest"
	"tocsin/ingest/gateway"
	"tocsin/streams/directory"
)

// apps joins the notifier and the gateway of this process: advice goes out by the connections that patients' apps have here, and what the
// apps say of it comes back. A gateway in another process is not reached; the notifier then asks the next channel.
type apps struct {
	gateway atomic.Pointer[gateway.Gateway]
}

// Tell sends advice to the apps of a patient that are connected here.
func (a *apps) Tell(tenant, patient string, payload []byte) int {
	return a.send(tenant, patient, ingest.Advice, payload)
}

func (a *apps) send(tenant, patient string, leaf ingest.Leaf, payload []byte) int {
	g := a.gateway.Load()
	if g == nil {
		return 0
	}
	return g.Tell(tenant, patient, leaf, payload)
}

// startApps joins notifier and gateway, when patients are told.
func (a *App) startApps(o *notify.Options) error {
	if !a.cfg.has(roleGateway) || len(a.cfg.Notify.Patients.Channels) == 0 {
		return nil
	}
	key, err := limitsKey(&a.cfg)
	if err != nil {
		return fmt.Errorf("the key that signs danger limits: %w", err)
	}
	o.App, a.limits = &a.apps, newLimits(&a.apps, key, a.cfg.Notify.Patients.Emergency, a.log)
	o.Follow = a.watch()
	a.runs("danger limits", a.limits.run)
	return nil
}

// listens tells notifier and limits of an app that has begun to listen; nil: nobody wants to know.
func (a *App) listens() func(directory.Binding, ingest.Leaf) {
	if a.limits == nil {
		return nil
	}
	return func(b directory.Binding, leaf ingest.Leaf) {
		switch leaf {
		case ingest.Advice:
			a.notifier.Listens(b.Tenant, b.Patient)
		case ingest.Limits:
			a.limits.listens(b.Tenant, b.Patient)
		default: // commands: there are none yet
		}
	}
}

// receipts answers who takes what apps say of advice; nil where no notifier runs: then the gateway keeps it aside as what it cannot read.
func (a *App) receipts() func(directory.Binding, gateway.Receipt, func(error)) {
	n := a.notifier
	if n == nil {
		return nil
	}
	return func(b directory.Binding, r gateway.Receipt, done func(error)) {
		n.Receipt(b.Tenant, b.Patient, r.Notice, r.State, done)
	}
}

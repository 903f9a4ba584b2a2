package deploy

import (
	"sync/atomic"

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
	g := a.gateway.Load()
	if g == nil {
		return 0
	}
	return g.Tell(tenant, patient, ingest.Advice, payload)
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

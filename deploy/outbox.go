package deploy

import (
	"context"
	"time"

	"tocsin/alerts/outbox"
	"tocsin/streams"
	"tocsin/streams/event"
)

// startOutbox starts to tell machines of others of warnings, when the settings name any. It goes with the role notify; processes that
// have it share the partitions, and all of them need the same subscribers.
func (a *App) startOutbox(context.Context) error {
	if !a.tellsMachines() {
		return nil
	}
	o := outbox.Options{Log: a.store, Edge: a.edge, Name: a.cfg.Name, Subscribers: a.cfg.Subscribers, Start: outbox.StartOf(a.store, patientParts()),
		Groups: a.groupsOf, Shares: a.sharesOf, Logger: a.log, Registry: a.registry}
	if a.past != nil {
		o.Past = a.past
	}
	b, err := outbox.New(o)
	if err != nil {
		return err
	}
	a.runs("outbox", func(ctx context.Context) error {
		if err := a.view.WaitReady(ctx); err != nil {
			return nil // it was stopped before the directory was read
		}
		return b.Run(ctx)
	})
	return nil
}

// sharesOf answers whether a subscriber of a purpose may be told of a patient now (SEC-4). What is Tocsin's own is about nobody.
func (a *App) sharesOf(tenant, patient, purpose string) outbox.Shares {
	if tenant == streams.SystemTenant {
		return outbox.Shares{Allowed: true}
	}
	return outbox.SharesBy(purpose, a.view.Consent(tenant, patient, purpose, event.TimeOf(time.Now())))
}

// tellsMachines tells whether subscribers are served here.
func (a *App) tellsMachines() bool { return a.cfg.has(roleNotify) && len(a.cfg.Subscribers) > 0 }

// groupsOf answers the groups of a patient as of now.
func (a *App) groupsOf(tenant, patient string) []string {
	p, known := a.view.Patient(tenant, patient)
	if !known || tenant == streams.SystemTenant {
		return nil
	}
	return append([]string{p.Group}, p.Also...)
}

package deploy

import (
	"context"
	"errors"
	"fmt"
	"time"

	"tocsin/streams"
	"tocsin/streams/directory"
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
	a.runs("monitor", func(ctx context.Context) error {
		return streams.RunOwner(ctx, a.store, streams.PatientPair, patientParts(), a.owners.options(streams.Decisions, o))
	})
	return nil
}

// ready tells what still keeps readings from being taken and scored; nil when nothing does.
func (a *App) ready(context.Context) error {
	var faults []error
	if err := a.outdated.Load(); err != nil {
		faults = append(faults, *err)
	}
	if !a.view.Ready() {
		faults = append(faults, errors.New("the directory is still being read"))
	}
	if !a.published.Load() {
		faults = append(faults, errors.New("the library's packs are not in effect yet"))
	}
	if a.cfg.has(roleMonitor) && a.cfg.has(roleLog) { // alone on its log, so every partition has to be here
		faults = append(faults, a.owners.missing(streams.Directory, 1), a.owners.missing(streams.Decisions, a.n))
	}
	return errors.Join(faults...)
}

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

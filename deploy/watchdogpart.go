package deploy

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"time"

	_ "embed"

	"tocsin/deploy/watchdog"
	"tocsin/streams"
	"tocsin/streams/directory"
	"tocsin/streams/event"
)

//go:embed watchdog/pack.yaml
var watchdogPack string

// watchdogFile holds who the watchdog is, in the data folder.
const watchdogFile = "watchdog.json"

// startWatchdog enrols the made-up patients and lets `tocsin watchdog` run as our child when everything runs in this tree. Apart,
// somebody enrols them by `tocsin watchdog enrol`, and the watchdog runs where nothing else does.
func (a *App) startWatchdog(context.Context) error {
	c := a.cfg.Watchdog
	if !a.cfg.whole || c.Off {
		return nil
	}
	return a.keeps("watchdog", func(ctx context.Context) ([]string, error) {
		ctx, cancel := context.WithTimeout(ctx, firstWithin)
		defer cancel()
		file := a.cfg.path(watchdogFile)
		if _, err := enrolWatchdog(ctx, a.asker, a.view, a.n, file); err != nil {
			return nil, fmt.Errorf("enrol the watchdog's patients: %w", err)
		}
		desk, _, err := a.run.desk()
		if err != nil {
			return nil, err
		}
		door, cert := a.run.door()
		args := []string{"watchdog", "--credentials", file, "--broker", door, "--desk", desk, "--follow-stdin",
			"--every", c.Every.String(), "--within", c.Within.String(), "--again", c.Again.String()}
		for flag, v := range map[string]string{"webhook-file": c.WebhookFile, "secret-file": c.SecretFile, "heartbeat-file": c.HeartbeatFile, "listen": c.Listen} {
			if v != "" {
				args = append(args, "--"+flag, v)
			}
		}
		for _, trust := range append(slices.Clone(c.TrustFiles), a.run.HTTPCert, cert) {
			if trust != "" {
				args = append(args, "--trust-file", trust)
			}
		}
		return args, nil
	})
}

// watchdogGone is after how long without a warning of a made-up patient a desk says so by itself.
func (a *App) watchdogGone() time.Duration {
	if a.cfg.Watchdog.Off {
		return 0
	}
	return a.cfg.Watchdog.Every + a.cfg.Watchdog.Within
}

// enrolWatchdog puts the made-up patients, one for each of n partitions, into the directory, with their pack, their devices and
// the watchdog's own token, and keeps who they are in file. Asked again it changes nothing.
func enrolWatchdog(ctx context.Context, asker *directory.Asker, view *directory.View, n int32, file string) (int64, error) {
	c, err := watchdogCredentials(n, file)
	if err != nil {
		return 0, err
	}
	if err := view.WaitReady(ctx); err != nil {
		return 0, err
	}
	is, err := checkPack(watchdogPack)
	if err != nil {
		return 0, err
	}
	if has, ok := view.Pack(is.Pack); !ok || has.Version < is.Version {
		if _, err := asker.Ask(ctx, &event.PackRequested{Pack: is.Pack, Version: is.Version, Text: watchdogPack, By: "watchdog"}); err != nil {
			return 0, err
		}
	}
	rows := make([]directory.Row, len(c.Patients))
	for i, p := range c.Patients {
		rows[i] = directory.Row{Line: i + 1, Tenant: p.Tenant, Patient: p.Patient, Group: event.WatchedGroup, Device: p.Device, Token: p.Token}
	}
	outcomes, position, err := asker.Import(ctx, rows, "watchdog", nil)
	if err != nil {
		return 0, err
	}
	for _, o := range outcomes {
		if o.Refused != nil {
			return 0, fmt.Errorf("device %s: %s", o.Device, o.Refused.En)
		}
	}
	_, err = asker.Ask(ctx, &event.TokenRequested{Token: event.WatchedGroup, SHA256: directory.Sum(c.Token), Role: event.WatchedGroup, By: "watchdog"})
	return position, err
}

// watchdogCredentials answers what file says, or what is new in it: who has lost it makes another, and the tokens of before
// open nothing any more.
func watchdogCredentials(n int32, file string) (watchdog.Credentials, error) {
	c, err := readCredentials(file)
	if err == nil && int32(len(c.Patients)) == n {
		return c, nil
	}
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return c, err
	}
	c = watchdog.Credentials{Token: directory.NewToken()}
	for p := range n {
		patient := streams.WatchedPatient(p, n)
		c.Patients = append(c.Patients, watchdog.Patient{Partition: p, Tenant: streams.SystemTenant, Patient: patient, Device: streams.SystemTenant + "-" + patient, Token: directory.NewToken()})
	}
	b, err := json.MarshalIndent(c, "", "  ")
	if err != nil {
		return c, err
	}
	if err := os.MkdirAll(filepath.Dir(file), 0o700); err != nil {
		return c, err
	}
	return c, replaceFile(file, append(b, '\n'))
}

// readCredentials reads who the watchdog is.
func readCredentials(file string) (c watchdog.Credentials, err error) {
	b, err := os.ReadFile(file)
	if err != nil {
		return c, fmt.Errorf("read the watchdog's credentials: %w", err)
	}
	if err := json.Unmarshal(b, &c); err != nil {
		return c, fmt.Errorf("read %s: %w", file, err)
	}
	return c, nil
}

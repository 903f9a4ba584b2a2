package deploy

import (
	"context"
	"errors"
	"fmt"
	"time"

	"tocsin/streams/directory"
	"tocsin/streams/event"
)

// firstWithin is how long a start waits for the registrar to take over and to answer: after a crash the group waits
// for its session time-out (6 s), and a large directory has to be read.
const firstWithin = 90 * time.Second

// firstAccount is the account of a new Tocsin. A lead sees all patients and may import.
const firstAccount = "lead"

// firstStart puts into the directory what every Tocsin needs: the library's packs, an account for a person, a token for
// this machine's operator. What is there already stays.
func (a *App) firstStart(ctx context.Context) error {
	if !a.cfg.has(roleMonitor) || !a.cfg.has(roleDesk) {
		return nil // only a process that has both is sure to be answered and to have somebody to tell
	}
	ctx, cancel := context.WithTimeout(ctx, firstWithin)
	defer cancel()
	if err := until(ctx, firstWithin, "the registrar", func() error { return a.owners.missing("directory", 1) }); err != nil {
		return err
	}
	if err := a.view.WaitReady(ctx); err != nil {
		return err
	}
	if err := a.publishLibrary(ctx); err != nil {
		return err
	}
	if err := a.operatorToken(ctx); err != nil {
		return err
	}
	return a.makeFirstAccount(ctx)
}

// publishLibrary puts the packs of this program's library into effect, unless the directory has them as new or newer.
func (a *App) publishLibrary(ctx context.Context) error {
	packs, err := libraryPacks()
	if err != nil {
		return err
	}
	for _, p := range packs {
		if has, ok := a.view.Pack(p.id); ok && has.Version >= p.version {
			continue
		}
		_, err := a.asker.Ask(ctx, &event.PackRequested{Pack: p.id, Version: p.version, Text: p.text, By: "library"})
		var refused *directory.Refused
		switch {
		case errors.As(err, &refused):
			return fmt.Errorf("publish pack %s of the library: %w", p.id, err)
		case err != nil:
			return err
		}
	}
	return nil
}

// operatorToken keeps the token of run.json when the directory knows it, else makes one.
func (a *App) operatorToken(ctx context.Context) error {
	if old, err := readRunning(a.cfg.Data); err == nil && old.Token != "" {
		if t, ok := a.view.Token(directory.Sum(old.Token)); ok && t.Role == "administrator" {
			a.run.Token = old.Token
			return nil
		}
	}
	a.run.Token = directory.NewToken()
	_, err := a.asker.Ask(ctx, &event.TokenRequested{Token: "operator-" + a.cfg.Name, SHA256: directory.Sum(a.run.Token), Role: "administrator", By: "first start"})
	return err
}

// makeFirstAccount makes an account when there is none, and prints its one-time password, this once.
func (a *App) makeFirstAccount(ctx context.Context) error {
	if a.view.Accounts() > 0 {
		return nil
	}
	password, request, err := oneTime(firstAccount, "lead")
	if err != nil {
		return err
	}
	if _, err := a.asker.Ask(ctx, request); err != nil {
		return err
	}
	a.password = password
	return nil
}

// writeRunFile tells the other commands where we are.
func (a *App) writeRunFile(context.Context) error {
	pid := processID()
	err := writeRunning(a.cfg.Data, func(r *Running) {
		r.Version, r.Demo = version(), a.cfg.demo
		if r.PIDs == nil || len(a.cfg.Roles) == len(allRoles) {
			r.PIDs = map[string]int{}
		}
		for _, role := range a.cfg.Roles {
			r.PIDs[role] = pid
		}
		for to, v := range map[*string]string{&r.HTTP: a.run.HTTP, &r.MQTT: a.run.MQTT, &r.Kafka: a.run.Kafka,
			&r.Engine: a.run.Engine, &r.HistoryDSN: a.run.HistoryDSN, &r.Token: a.run.Token} {
			if v != "" {
				*to = v
			}
		}
	})
	if err != nil {
		return err
	}
	a.front.ready.Store(ptr(a.ready))
	a.tell()
	return nil
}

func ptr[T any](v T) *T { return &v }

// tell says to the person at the terminal where to look and how to sign in.
func (a *App) tell() {
	if a.cfg.has(roleDesk) {
		fmt.Fprintf(a.out, "\n  desk      http://%s\n", a.run.HTTP)
		switch {
		case a.password != "":
			fmt.Fprintf(a.out, "  sign in   account %s, one-time password %s  (shown this once; you choose your own then)\n", firstAccount, a.password)
		default:
			fmt.Fprintf(a.out, "  sign in   with your account; a new one-time password: tocsin account set NAME --role ROLE --data %s\n", a.cfg.Data)
		}
	}
	if a.run.MQTT != "" {
		fmt.Fprintf(a.out, "  devices   mqtt://%s, topic v1/{tenant}/{device}/obs; enrol them: tocsin import FILE.csv --data %s\n", a.run.MQTT, a.cfg.Data)
	}
	fmt.Fprintf(a.out, "  log       %s\n", joined(a.brokers))
	if a.cfg.has(roleHistory) || a.cfg.has(roleEngine) {
		fmt.Fprintf(a.out, "  history   %s\n", a.historyState())
	}
	fmt.Fprintf(a.out, "  stop      Ctrl-C\n\n")
}

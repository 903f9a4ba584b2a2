package deploy

import (
	"context"
	"fmt"
	"time"

	"tocsin/desk"
	"tocsin/streams"
	"tocsin/streams/directory"
	"tocsin/streams/event"
)

// firstWithin is how long a start waits for the registrar to take over and to answer: after a crash the group waits
// for its session time-out (6 s), and a large directory has to be read.
const firstWithin = 90 * time.Second

// firstAccount is the account of a new Tocsin. A lead sees all patients and may import.
const firstAccount = "lead"

// startLibrary puts the library's packs into effect. Where everything runs in one process that is waited for; else
// whoever owns the directory may be another process, and it is tried until it answers.
func (a *App) startLibrary(ctx context.Context) error {
	if !a.cfg.has(roleMonitor) {
		a.published.Store(true)
		return nil
	}
	if a.cfg.has(roleLog) {
		return a.publishLibrary(ctx)
	}
	a.runs("library", func(ctx context.Context) error {
		for ctx.Err() == nil {
			err := a.publishLibrary(ctx)
			if err == nil {
				break
			}
			if ctx.Err() == nil {
				a.log.Warn("the library's packs are not published yet, which is tried again", streams.KeyErr, err)
			}
		}
		<-ctx.Done()
		return nil
	})
	return nil
}

// publishLibrary publishes the packs of this program's library, unless the directory has them as new or newer.
func (a *App) publishLibrary(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, firstWithin)
	defer cancel()
	packs, err := libraryPacks()
	if err != nil {
		return err
	}
	if err := a.view.WaitReady(ctx); err != nil {
		return err
	}
	var fresh []string
	for _, p := range packs {
		has, ok := a.view.Pack(p.id)
		if ok && has.Version >= p.version {
			continue
		}
		_, err := a.asker.Ask(ctx, &event.PackRequested{Pack: p.id, Version: p.version, Text: p.text, By: "library"})
		if err != nil && ok { // the clinic's own goes on, such as one that two people must sign
			a.log.Warn("a newer pack of the library is not in effect", "pack", p.id, "version", p.version, "in_effect", has.Version, "err", err)
			continue
		}
		if err != nil {
			return fmt.Errorf("publish pack %s of the library: %w", p.id, err)
		}
		if !ok {
			fresh = append(fresh, p.id)
		}
	}
	for _, id := range fresh { // until it has reached the partitions, nothing can be judged by it
		if err := a.arrived(ctx, id); err != nil {
			return err
		}
	}
	a.published.Store(true)
	return nil
}

// arrived waits until a pack lies in every partition of inputs.
func (a *App) arrived(ctx context.Context, id string) error {
	for p := range a.n {
		if err := a.arrivedIn(ctx, id, p); err != nil {
			return fmt.Errorf("wait until pack %s has reached %s/%d: %w", id, streams.Inputs, p, err)
		}
	}
	return nil
}

func (a *App) arrivedIn(ctx context.Context, id string, partition int32) error {
	first, _, err := a.store.Bounds(ctx, streams.Inputs, partition)
	if err != nil {
		return err
	}
	return streams.Each(ctx, a.store, streams.Inputs, partition, first, streams.Endless, func(r streams.Record) error {
		if _, t, err := event.Attributes(r.Headers); err != nil || t != "pack.published" {
			return nil
		}
		if e, err := event.Decode(r.Headers, r.Value); err == nil && e.Data.(*event.PackPublished).Pack == id {
			return streams.ErrEnough
		}
		return nil
	})
}

// operatorToken keeps the token of run.json, or makes one. It is an administrator's on this desk alone.
func (a *App) operatorToken() {
	if a.run.Token = lastRunning(a.cfg.Data).Token; a.run.Token == "" {
		a.run.Token = directory.NewToken()
	}
}

// startAccount makes sure that somebody can sign in at the desk.
func (a *App) startAccount(ctx context.Context) error {
	if !a.cfg.has(roleDesk) {
		return nil
	}
	a.operatorToken()
	if !a.cfg.has(roleMonitor) {
		return nil // nobody here is sure to answer; `tocsin account set` makes one
	}
	ctx, cancel := context.WithTimeout(ctx, firstWithin)
	defer cancel()
	err := a.view.WaitReady(ctx) // or an account that somebody has would look as if nobody had one
	if err == nil && (a.view.Accounts() == 0 || a.view.OneTime(firstAccount)) {
		a.password, err = desk.FirstPassword(ctx, a.view, a.asker, firstAccount, "lead")
	}
	return err
}

// writeRunFile tells the other commands where we are.
func (a *App) writeRunFile(context.Context) error {
	pid := processID()
	err := writeRunning(a.cfg.Data, func(r *Running) {
		r.Version, r.Demo, r.Whole = version(), a.cfg.demo, a.cfg.whole
		if r.PIDs == nil || len(a.cfg.Roles) == len(allRoles) {
			r.PIDs = map[string]int{}
		}
		for _, role := range a.cfg.Roles {
			r.PIDs[role] = pid
		}
		http := ""
		if a.cfg.has(roleDesk) {
			http, r.HTTPCert = a.run.HTTP, a.run.HTTPCert
		}
		if a.run.LogSecurity != nil {
			r.LogSecurity = a.run.LogSecurity
		}
		for to, v := range map[*string]string{&r.HTTP: http, &r.MQTT: a.run.MQTT, &r.MQTTS: a.run.MQTTS, &r.MQTTCert: a.run.MQTTCert, &r.Kafka: a.run.Kafka,
			&r.Engine: a.run.Engine, &r.HistoryDSN: a.run.HistoryDSN, &r.HistoryCA: a.run.HistoryCA, &r.Token: a.run.Token} {
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
		at, _, err := a.run.desk()
		if err != nil {
			at = a.run.HTTP // its certificate has just been read
		}
		fmt.Fprintf(a.out, "\n  desk      %s\n", at)
		switch {
		case a.password != "":
			fmt.Fprintf(a.out, "  sign in   account %s, one-time password %s  (shown this once; you choose your own then)\n", firstAccount, a.password)
		default:
			fmt.Fprintf(a.out, "  sign in   with your account; a new one-time password: tocsin account set NAME --role ROLE --data %s\n", a.cfg.Data)
		}
	}
	if a.auditKey != "" {
		fmt.Fprintf(a.out, "  audit     its public key %s  (keep it elsewhere: tocsin audit verify --key)\n", a.auditKey)
	}
	if a.run.MQTT != "" {
		fmt.Fprintf(a.out, "  devices   mqtt://%s, topic v1/{tenant}/{device}/obs; enrol them: tocsin import FILE.csv --data %s\n", a.run.MQTT, a.cfg.Data)
	}
	if a.run.MQTTS != "" {
		fmt.Fprintf(a.out, "  devices   mqtts://%s, with TLS\n", a.run.MQTTS)
	}
	fmt.Fprintf(a.out, "  log       %s\n", joined(a.brokers))
	if a.cfg.has(roleHistory) || a.cfg.has(roleEngine) {
		fmt.Fprintf(a.out, "  history   %s\n", a.historyState())
	}
	if a.newMaster != "" {
		fmt.Fprintf(a.out, "  vault     a master key was made: %s; back it up apart from %s, without it nobody can be named\n", a.newMaster, a.cfg.patientKeys())
	}
	fmt.Fprintf(a.out, "  stop      Ctrl-C\n\n")
}

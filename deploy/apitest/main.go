// Command apitest runs schemathesis over the whole API of a Tocsin that it starts for that, and then looks whether anything that
// was asked lies in the log and cannot be read again.
//
// Several accounts ask, each the operations that its role can do most with; what the description promises of answers, errors,
// methods, headers and access is checked for each. The short profile draws the same cases each time (CI can run it), the long one
// draws more, from a seed. Run it by `make schemathesis`, which installs schemathesis as requirements.txt pins it.
package main

import (
	"context"
	_ "embed"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"text/template"
	"time"
)

func main() {
	var o options
	flag.StringVar(&o.binary, "tocsin", "bin/tocsin", "the program")
	flag.StringVar(&o.schemathesis, "schemathesis", ".cache/schemathesis/bin/schemathesis", "the tester")
	flag.IntVar(&o.seed, "seed", 0, "of what is drawn; 0: the same cases each time")
	flag.IntVar(&o.examples, "examples", 5, "how many cases are drawn for each operation, beside those that follow from its schema")
	flag.StringVar(&o.reports, "reports", ".cache/schemathesis/reports", "`DIR` where what was found is written")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx, o)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "apitest:", err)
		os.Exit(1)
	}
}

type options struct {
	binary, schemathesis, reports string
	seed, examples                int
}

// pass is who asks which operations.
type pass struct {
	name       string
	operations string // a regular expression of ids; empty: all
	phases     string
	config     config
}

// config is what the template of the configuration asks.
type config struct {
	Same     bool   // the same cases each time
	Token    string // bearer; empty: the cookie
	Cookie   string
	Warnings []string
}

//go:embed schemathesis.toml
var configText string

// writing are the operations of administrators, auditing those that look after them.
const (
	writing  = "^(makeToken|makeAccount|publishPack|setGroup|importPeople|setRota|setPolicy|orderPlan|listPacks|getPack)$"
	auditing = "^(readAudit|listEmergencies|reviewEmergency|getSession)$"
	nursing  = "^(beginEmergency|changePassword|getSession|acceptWarning|returnWarning|closeWarning|shelveWarning|listWarnings)$"
)

// run starts Tocsin, asks it everything, starts it again on the same folder and looks at the log.
func run(ctx context.Context, o options) error {
	for _, path := range []*string{&o.binary, &o.schemathesis, &o.reports} {
		full, err := filepath.Abs(*path)
		if err != nil {
			return err
		}
		*path = full
	}
	data, err := os.MkdirTemp("", "tocsin-apitest-")
	if err = errors.Join(err, os.MkdirAll(o.reports, 0o755)); err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(data) }()
	t, err := start(ctx, o.binary, data, "--demo")
	if err != nil {
		return err
	}
	passes, err := passesOn(ctx, t)
	for i := 0; i < len(passes) && ctx.Err() == nil; i++ { // one fault does not hide another
		began := time.Now()
		err = errors.Join(err, o.ask(ctx, t, passes[i]))
		fmt.Printf("== %s: %.0f s\n", passes[i].name, time.Since(began).Seconds())
	}
	if err = errors.Join(err, t.well(ctx), t.stop()); err != nil {
		return err
	}
	return readAgain(ctx, o.binary, data)
}

// passesOn makes the accounts. The phases that draw and that follow from one answer to the next are for those who can do most.
func passesOn(ctx context.Context, t *tocsin) ([]pass, error) {
	var errs []error
	role := func(name string) config {
		token, err := t.token(ctx, name)
		errs = append(errs, err)
		return config{Token: token}
	}
	lead, admin, auditor := role("lead"), role("administrator"), role("security")
	watchdog, err := t.watchdog()
	errs = append(errs, err)
	cookie, err := t.signIn(ctx, "nurse-b", "nurse", "demo/copd")
	errs = append(errs, err)
	warnings, err := t.warnings(ctx, lead.Token)
	lead.Warnings = warnings
	const all = "examples,coverage,fuzzing,stateful"
	return []pass{
		{"the watchdog", "^tellWatchdog$", "coverage,fuzzing", config{Token: watchdog}}, // what it said is forgotten after a minute
		{"a lead, everything", "", all, lead},
		{"an administrator", writing, "coverage,fuzzing", admin},
		{"an auditor", auditing, "coverage,fuzzing", auditor},
		{"a nurse who signed in, who has one group", nursing, "coverage,fuzzing", config{Cookie: cookie, Warnings: warnings}},
	}, errors.Join(append(errs, err)...)
}

// ask runs schemathesis once.
func (o options) ask(ctx context.Context, t *tocsin, p pass) error {
	fmt.Printf("== %s\n", p.name)
	file := filepath.Join(t.data, "schemathesis.toml")
	p.config.Same = o.seed == 0
	var text strings.Builder
	if err := template.Must(template.New("").Parse(configText)).Execute(&text, p.config); err != nil {
		return err
	}
	if err := os.WriteFile(file, []byte(text.String()), 0o600); err != nil {
		return err
	}
	args := []string{"--config-file", file, "run", t.url + "/openapi.json", "--phases", p.phases,
		"--max-examples", strconv.Itoa(o.examples), "--no-color", "--report", "ndjson", "--report-dir", filepath.Join(o.reports, strings.NewReplacer(" ", "-", ",", "").Replace(p.name))}
	if o.seed != 0 {
		args = append(args, "--seed", strconv.Itoa(o.seed))
	}
	if p.operations != "" {
		args = append(args, "--include-operation-id-regex", p.operations)
	}
	c := exec.CommandContext(ctx, o.schemathesis, args...)
	c.Dir = o.reports // where it keeps what it remembers
	c.Stdout, c.Stderr = os.Stdout, os.Stderr
	if err := c.Run(); err != nil {
		return fmt.Errorf("%s: %w; what was found stands above", p.name, err)
	}
	return nil
}

// readAgain starts Tocsin on a folder that was asked everything: a record that no fold can read would keep it from being ready.
func readAgain(ctx context.Context, binary, data string) error {
	fmt.Println("== the same folder again")
	t, err := start(ctx, binary, data)
	if err != nil {
		return fmt.Errorf("after all that was asked: %w", err)
	}
	return errors.Join(t.well(ctx), t.stop())
}

// Package deploy puts Tocsin together, runs it and looks after it. Main picks the command, New builds the parts in
// reading order, stops ends them in the other; everything else of the repository is imported here and imports nothing of it.
package deploy

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"runtime/debug"
	"strings"
	"syscall"

	"github.com/spf13/cobra"

	"tocsin/deploy/embedded/engine"
)

// Exit codes.
const (
	exitDone  = 0
	exitFault = 1
	exitUsage = 2
)

// Version is what `tocsin version` says; a release build sets it with -ldflags "-X tocsin/deploy.Version=…".
var Version = ""

// Main runs one command and answers the exit code.
func Main(args []string, stdout, stderr io.Writer) int {
	if len(args) > 0 && args[0] == "clickhouse" { // the engine's child: it brings half a gigabyte, and its own flags
		return engine.Main(args[1:], stdout, stderr)
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	root := rootCommand(stdout, stderr)
	root.SetArgs(args)
	err := root.ExecuteContext(ctx)
	var usage usageError
	switch {
	case err == nil:
		return exitDone
	case errors.As(err, &usage):
		fmt.Fprintf(stderr, "tocsin: %v\nSee `tocsin --help`.\n", err)
		return exitUsage
	default:
		fmt.Fprintf(stderr, "tocsin: %v\n", err)
		return exitFault
	}
}

// usageError is a command line that nobody could carry out.
type usageError struct{ error }

func (e usageError) Unwrap() error { return e.error }

func usage(format string, args ...any) error { return usageError{fmt.Errorf(format, args...)} }

func rootCommand(stdout, stderr io.Writer) *cobra.Command {
	root := &cobra.Command{
		Use: "tocsin", Short: "Tocsin watches patients at home and warns the right people before it is too late",
		SilenceUsage: true, SilenceErrors: true,
		CompletionOptions: cobra.CompletionOptions{HiddenDefaultCmd: true},
	}
	root.SetOut(stdout)
	root.SetErr(stderr)
	root.SetFlagErrorFunc(func(_ *cobra.Command, err error) error { return usageError{err} })
	root.AddCommand(upCommand(), serveCommand(), checkCommand(), versionCommand())
	root.AddCommand(importCommand(), tokenCommand(), accountCommand(), revokeCommand(), planCommand(), packCommand(), groupCommand(), rotaCommand(), policyCommand())
	root.AddCommand(replayCommand(), evaluateCommand(), tailCommand(), doctorCommand(), historyCommand(), explainCommand())
	root.AddCommand(backtestCommand(), auditCommand(), watchdogCommand(), vaultCommand(), subscriberCommand(), consentCommand(), exportOwnCommand(), clinicCommand())
	inheritUsage(root)
	return root
}

// inheritUsage makes wrong arguments of every command, and commands that are not there, a usage error.
func inheritUsage(c *cobra.Command) {
	if c.RunE == nil {
		c.Args = func(c *cobra.Command, args []string) error {
			if len(args) > 0 {
				return usage("there is no command %q", c.CommandPath()+" "+args[0])
			}
			return nil
		}
		c.RunE = func(c *cobra.Command, _ []string) error { return c.Help() }
	}
	if check := c.Args; check != nil {
		c.Args = func(c *cobra.Command, args []string) error {
			if err := check(c, args); err != nil {
				return usageError{err}
			}
			return nil
		}
	}
	for _, sub := range c.Commands() {
		inheritUsage(sub)
	}
}

func versionCommand() *cobra.Command {
	return &cobra.Command{Use: "version", Short: "Print the version", Args: cobra.NoArgs, RunE: func(c *cobra.Command, _ []string) error {
		fmt.Fprintln(c.OutOrStdout(), "tocsin", version())
		return nil
	}}
}

// version answers Version, else the commit from which the program was built.
func version() string {
	if Version != "" {
		return Version
	}
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return "unknown"
	}
	for _, s := range info.Settings {
		if s.Key == "vcs.revision" {
			return s.Value[:min(12, len(s.Value))]
		}
	}
	return info.Main.Version
}

// newLogger says what the program says of itself, on w.
func newLogger(c LoggingConfig, w io.Writer) *slog.Logger {
	var level slog.Level
	if err := level.UnmarshalText([]byte(strings.ToUpper(c.Level))); err != nil {
		level = slog.LevelInfo // Validate has told
	}
	o := &slog.HandlerOptions{Level: level}
	if c.Format == "json" {
		return slog.New(slog.NewJSONHandler(w, o))
	}
	return slog.New(slog.NewTextHandler(w, o))
}

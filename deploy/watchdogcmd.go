package deploy

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"tocsin/deploy/watchdog"
	"tocsin/streams/directory"
)

// watchdogOptions is the command line.
type watchdogOptions struct {
	config      string
	c           WatchdogConfig
	once        bool
	followStdin bool
}

func watchdogCommand() *cobra.Command {
	var o watchdogOptions
	c := &cobra.Command{
		Use: "watchdog", Short: "Try the whole way each minute, and call who is outside when a reading does not reach the desk", Args: cobra.NoArgs,
		Long: "For each partition a made-up patient sends a grave reading through the door each minute; the warning has to stand on every desk within\n" +
			"30 s of its PUBACK, and is accepted and closed like anybody's. When it does not, a webhook is called (and again every five minutes, and\n" +
			"when all is well again), and every desk says NOT WATCHING. It needs the door, the desks and its credentials, and nothing else of Tocsin:\n" +
			"run it on another machine. `tocsin up` runs one by itself.\n\n" +
			"The webhook hears JSON, signed as Standard Webhooks has it: type (watchdog.failing, watchdog.well), timestamp, and data with partitions and\n" +
			"faults: partition, missing (door, log, rules, desk, clicks), since, says. The heartbeat's address is called each minute in which all is\n" +
			"well: give it to something that calls people when it is not. --listen answers /healthz and /metrics.\n\n" +
			"Exit codes: 0 it was told to stop, or with --once everything came through; 1 with --once something did not; 2 the command line is wrong.",
		RunE: func(c *cobra.Command, _ []string) error {
			cfg, err := o.load(c)
			if err != nil {
				return err
			}
			return o.run(c.Context(), cfg, c.InOrStdin(), c.OutOrStdout(), c.ErrOrStderr())
		},
	}
	d := Default().Watchdog
	f := c.Flags()
	f.StringVar(&o.config, "config", "", "configuration `FILE`, of which the part watchdog counts")
	f.StringVar(&o.c.CredentialsFile, "credentials", "", "`FILE` that `tocsin watchdog enrol` made")
	f.StringVar(&o.c.Broker, "broker", "", "`ADDR` of the door, such as tcp://tocsin:1883")
	f.StringSliceVar(&o.c.Desks, "desk", nil, "`URL` of each desk server, such as http://tocsin:8080")
	f.DurationVar(&o.c.Every, "every", d.Every, "between two readings of a partition")
	f.DurationVar(&o.c.Within, "within", d.Within, "how long the PUBACK, and from it every desk, may take")
	f.DurationVar(&o.c.Again, "again", d.Again, "how often the webhook hears of what lasts")
	f.StringVar(&o.c.WebhookFile, "webhook-file", "", "`FILE` with the address that is called when something is missing")
	f.StringVar(&o.c.SecretFile, "secret-file", "", "`FILE` with the webhook's secret (whsec_…)")
	f.StringVar(&o.c.HeartbeatFile, "heartbeat-file", "", "`FILE` with the address that is called while all is well")
	f.StringArrayVar(&o.c.TrustFiles, "trust-file", nil, "`FILE` with certificates to trust beside the system's: authorities, or the servers' own")
	f.StringVar(&o.c.Listen, "listen", "", "`ADDR` of /healthz and /metrics")
	f.BoolVar(&o.once, "once", false, "try every partition once and end")
	f.BoolVar(&o.followStdin, "follow-stdin", false, "end when stdin does: whoever started it is gone")
	_ = f.MarkHidden("follow-stdin") // it is there
	c.AddCommand(watchdogEnrolCommand())
	return c
}

// load lays the flags over the file.
func (o *watchdogOptions) load(c *cobra.Command) (WatchdogConfig, error) {
	whole, err := Load(o.config)
	if err != nil {
		return whole.Watchdog, err
	}
	cfg, from := whole.Watchdog, o.c
	for flag, set := range map[string]func(){
		"credentials": func() { cfg.CredentialsFile = from.CredentialsFile }, "broker": func() { cfg.Broker = from.Broker }, "desk": func() { cfg.Desks = from.Desks },
		"every": func() { cfg.Every = from.Every }, "within": func() { cfg.Within = from.Within }, "again": func() { cfg.Again = from.Again },
		"webhook-file": func() { cfg.WebhookFile = from.WebhookFile }, "secret-file": func() { cfg.SecretFile = from.SecretFile },
		"heartbeat-file": func() { cfg.HeartbeatFile = from.HeartbeatFile }, "listen": func() { cfg.Listen = from.Listen }, "trust-file": func() { cfg.TrustFiles = from.TrustFiles },
	} {
		if c.Flags().Changed(flag) {
			set()
		}
	}
	if err := errors.Join(cfg.faults()...); err != nil {
		return cfg, err
	}
	if cfg.CredentialsFile == "" || cfg.Broker == "" || len(cfg.Desks) == 0 {
		return cfg, usage("watchdog needs --credentials (made by `tocsin watchdog enrol`), --broker and --desk, or the same in the file of --config")
	}
	return cfg, nil
}

func (o *watchdogOptions) run(ctx context.Context, cfg WatchdogConfig, in io.Reader, out, terminal io.Writer) error {
	if o.followStdin {
		go followStdin(in)
	}
	w, err := openWatchdog(cfg, func(format string, args ...any) {
		fmt.Fprintf(terminal, "%s %s\n", wall(), fmt.Sprintf(format, args...))
	})
	if err != nil {
		return err
	}
	if o.once {
		faults := w.Once(ctx)
		for _, f := range faults {
			fmt.Fprintf(out, "partition %d: %s: %s\n", f.Partition, f.Missing, f.Says)
		}
		if len(faults) > 0 {
			return fmt.Errorf("%d partitions do not come through", len(faults))
		}
		fmt.Fprintln(out, "every partition came through: door, log, rules, warnings, desks and clicks")
		return ctx.Err()
	}
	if cfg.Listen != "" {
		l, err := net.Listen("tcp", cfg.Listen)
		if err != nil {
			return fmt.Errorf("watchdog.listen: %w", err)
		}
		server := &http.Server{Handler: w.Handler(), ReadHeaderTimeout: 10 * time.Second}
		go func() { _ = server.Serve(l) }() // it ends with the process; that it answers is what somebody looks at
		defer func() { _ = server.Close() }()
	}
	w.Run(ctx)
	return nil
}

// openWatchdog reads the files that the settings name.
func openWatchdog(cfg WatchdogConfig, say func(string, ...any)) (*watchdog.Watchdog, error) {
	credentials, err := readCredentials(cfg.CredentialsFile)
	if err != nil {
		return nil, err
	}
	o := watchdog.Options{Credentials: credentials, Broker: cfg.Broker, Desks: slices.Clone(cfg.Desks), Every: cfg.Every, Within: cfg.Within, Again: cfg.Again, Say: say}
	for to, file := range map[*string]string{&o.Webhook: cfg.WebhookFile, &o.Secret: cfg.SecretFile, &o.Heartbeat: cfg.HeartbeatFile} {
		secret, err := readSecret(file)
		if err != nil {
			return nil, err
		}
		*to = string(secret)
	}
	if o.TLS, err = trusting(cfg.TrustFiles...); err != nil {
		return nil, err
	}
	return watchdog.New(o)
}

func watchdogEnrolCommand() *cobra.Command {
	var r reach
	var out string
	c := &cobra.Command{
		Use: "enrol --out FILE", Short: "Put the made-up patients into the directory, and write the watchdog's credentials", Args: cobra.NoArgs,
		Long: "One made-up patient for each partition, with a device of its own, and a token for the desks that shows nobody else. Run again with the same\n" +
			"file it changes nothing; with another the credentials of before open nothing any more. Where `tocsin up` runs there is one already.",
		RunE: func(c *cobra.Command, _ []string) error {
			if out == "" {
				return usage("watchdog enrol needs --out, the file for the credentials")
			}
			return withConnection(c, &r, func(ctx context.Context, conn *connection) error {
				ctx, cancel := context.WithTimeout(ctx, firstWithin)
				defer cancel()
				position, err := enrolWatchdog(ctx, conn.asker, conn.view, conn.n, abs(out))
				if err == nil {
					err = directory.WaitDoors(ctx, conn.log, position)
				}
				if err == nil {
					fmt.Fprintf(c.ErrOrStderr(), "%d made-up patients are enrolled; take %s to where the watchdog runs\n", conn.n, out)
				}
				return err
			})
		},
	}
	c.Flags().StringVar(&out, "out", "", "`FILE` for the credentials; only its owner may read it")
	r.add(c)
	return c
}

// faults answers what is wrong with the watchdog's settings.
func (c *WatchdogConfig) faults() (all []error) {
	add := func(err error) {
		if err != nil {
			all = append(all, err)
		}
	}
	for path, d := range map[string]time.Duration{"watchdog.every": c.Every, "watchdog.within": c.Within, "watchdog.again": c.Again} {
		if d < time.Second {
			add(fault(path, "%s is too short; 1s is the least, and 60s, 30s and 5m what holds by default", d))
		}
	}
	add(readable("watchdog.credentials_file", c.CredentialsFile))
	for i, f := range c.TrustFiles {
		add(readable(fmt.Sprintf("watchdog.trust_files[%d]", i), f))
	}
	add(readable("watchdog.webhook_file", c.WebhookFile))
	add(readable("watchdog.secret_file", c.SecretFile))
	add(readable("watchdog.heartbeat_file", c.HeartbeatFile))
	add(brokerURL("watchdog.broker", c.Broker))
	for i, d := range c.Desks {
		if !strings.HasPrefix(d, "http://") && !strings.HasPrefix(d, "https://") {
			add(fault(fmt.Sprintf("watchdog.desks[%d]", i), "%q is no address; try http://127.0.0.1:8080", d))
		}
	}
	if c.Listen != "" {
		add(address("watchdog.listen", c.Listen))
	}
	if c.WebhookFile != "" && c.SecretFile == "" {
		add(fault("watchdog.secret_file", "a webhook needs a secret of Standard Webhooks (whsec_ and base64), so that nobody else can call it off"))
	}
	return all
}

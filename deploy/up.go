package deploy

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"

	"github.com/spf13/cobra"
)

// flags that `up` and `serve` share. What is set on the command line beats the file.
type upFlags struct{ config, data, http, mqtt, kafka, engine string }

func (f *upFlags) add(c *cobra.Command) {
	d := Default()
	c.Flags().StringVar(&f.config, "config", "", "configuration `FILE` (see deploy/config.yaml)")
	c.Flags().StringVar(&f.data, "data", d.Data, "`DIR` for everything that is kept")
	c.Flags().StringVar(&f.http, "http", d.HTTP.Listen, "`ADDR` of screens, API, metrics, and MQTT over WebSocket under /mqtt")
	c.Flags().StringVar(&f.mqtt, "mqtt", d.MQTT.Listen, "`ADDR` of the MQTT gateway")
	c.Flags().StringVar(&f.kafka, "kafka", d.Log.Listen, "`ADDR` of the embedded log; without it in this process, where the brokers are")
	profileFlag(c)
}

// load reads the file and lays the flags over it.
func (f *upFlags) load(c *cobra.Command) (Config, error) {
	cfg, err := Load(f.config)
	set := func(flag string, to *string, v string) {
		if c.Flags().Changed(flag) {
			*to = v
		}
	}
	set("data", &cfg.Data, f.data)
	set("http", &cfg.HTTP.Listen, f.http)
	set("mqtt", &cfg.MQTT.Listen, f.mqtt)
	set("kafka", &cfg.Log.Listen, f.kafka)
	set("engine", &cfg.History.Listen, f.engine)
	if err != nil {
		return cfg, err
	}
	return cfg, cfg.Validate()
}

func upCommand() *cobra.Command {
	var f upFlags
	var demo bool
	c := &cobra.Command{
		Use: "up", Short: "Run all of Tocsin in one process tree", Args: cobra.NoArgs,
		Long: "Run all of Tocsin in one process tree: gateway, log, rules, warnings, history and desk, with an auditor of the warnings\n" +
			"in a process of its own. Everything is kept in --data; started again on the same folder, it goes on where it stopped.",
		RunE: func(c *cobra.Command, _ []string) error {
			cfg, err := f.load(c)
			if err != nil {
				return err
			}
			cfg.Roles, cfg.demo, cfg.whole = slices.Clone(allRoles), demo, true
			return runApp(c, cfg, "up")
		},
	}
	f.add(c)
	c.Flags().BoolVar(&demo, "demo", false, "simulate a ward of 40 home patients who publish over MQTT")
	return c
}

func serveCommand() *cobra.Command {
	var f upFlags
	var roles []string
	c := &cobra.Command{
		Use: "serve --roles=ROLE,…", Short: "Run some parts of Tocsin in this process", Args: cobra.NoArgs,
		Long: "Run some parts of Tocsin in this process: " + strings.Join(allRoles, ", ") + ".\n" +
			"log and engine are the embedded ones; without them the parts use log.brokers and history.dsn_file of the configuration,\n" +
			"or the embedded ones of another process on the same --data.",
		RunE: func(c *cobra.Command, _ []string) error {
			cfg, err := f.load(c)
			if err != nil {
				return err
			}
			if c.Flags().Changed("roles") {
				cfg.Roles = roles
			}
			if err := cfg.Validate(); err != nil {
				return err
			}
			return runApp(c, cfg, "serve")
		},
	}
	f.add(c)
	c.Flags().StringSliceVar(&roles, "roles", nil, "parts to run, separated by commas")
	c.Flags().StringVar(&f.engine, "engine", Default().History.Listen, "`ADDR` of the embedded history engine")
	return c
}

// runApp starts everything, waits for a signal or a part that breaks, and stops in order.
func runApp(c *cobra.Command, cfg Config, command string) error {
	cfg.Data = abs(cfg.Data)
	if cfg.Logging.Level == "" {
		cfg.Logging.Level = map[string]string{"up": "warn", "serve": "info"}[command]
	}
	if command == "up" {
		lock, err := lockData(cfg.Data)
		if err != nil {
			return err
		}
		defer func() { _ = lock.Close() }()
		if err := retire(cfg.Data); err != nil {
			return err
		}
	} else if err := os.MkdirAll(cfg.Data, 0o700); err != nil {
		return fmt.Errorf("make the data folder: %w", err)
	}
	if os.Getenv("GOGC") == "" {
		keepHeapFloor()
	}
	stop, err := profiled(c)
	if err != nil {
		return err
	}
	a, err := New(c.Context(), cfg, c.OutOrStdout(), newLogger(cfg.Logging, c.ErrOrStderr()))
	if err != nil {
		if c.Context().Err() != nil {
			return stop() // it was told to stop while it started
		}
		return errors.Join(err, stop())
	}
	err = a.Run(c.Context())
	if cfg.whole {
		err = errors.Join(err, retire(cfg.Data))
	}
	return errors.Join(err, a.Stop(), stop())
}

// Run waits until ctx ends or a part breaks.
func (a *App) Run(ctx context.Context) error {
	select {
	case <-ctx.Done():
		return nil
	case err := <-a.broken:
		return err
	}
}

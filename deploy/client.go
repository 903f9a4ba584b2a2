package deploy

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"tocsin/streams"
	"tocsin/streams/directory"
	"tocsin/streams/event"
	"tocsin/streams/kafka"
	"tocsin/streams/witness"
)

func abs(path string) string {
	if full, err := filepath.Abs(path); err == nil {
		return full
	}
	return path
}

// reach says where a running Tocsin is: by its data folder, or by its addresses.
type reach struct{ data, http, kafka, config string }

// add gives a command the flags; every command needs only --data, and takes the addresses as well.
func (r *reach) add(c *cobra.Command) {
	c.PersistentFlags().StringVar(&r.data, "data", Default().Data, "`DIR` of the Tocsin that is meant")
	c.PersistentFlags().StringVar(&r.config, "config", "", "configuration `FILE` that says how its brokers are reached, instead of what --data says")
	c.PersistentFlags().StringVar(&r.http, "http", "", "`ADDR` of its desk, instead of what --data says")
	c.PersistentFlags().StringVar(&r.kafka, "kafka", "", "`ADDR` of its log, instead of what --data says")
}

// running answers the addresses: those of run.json, with the flags laid over them.
func (r *reach) running() (Running, error) {
	run, err := readRunning(abs(r.data))
	if r.http != "" {
		run.HTTP = r.http
	}
	if r.config != "" {
		cfg, err := Load(r.config)
		if err != nil {
			return run, err
		}
		run.LogSecurity = &cfg.Log.Security
		if len(cfg.Log.Brokers) > 0 {
			run.Kafka = strings.Join(cfg.Log.Brokers, ",")
		}
	}
	if r.kafka != "" {
		run.Kafka = r.kafka
	}
	if err != nil && r.http == "" && r.kafka == "" && r.config == "" {
		return run, err
	}
	return run, nil
}

// brokers answers where the log is. An address in a run.json that nobody stands behind any more is none.
func (r *reach) brokers() ([]string, error) {
	run, err := r.running()
	switch {
	case err != nil:
	case run.Kafka == "":
		err = errors.New("the log's address is not known; name it with --kafka")
	case r.kafka == "" && r.config == "":
		err = run.alive(abs(r.data))
	}
	return strings.Split(run.Kafka, ","), err
}

// security answers how the log's brokers are spoken to.
func (r *reach) security() (LogSecurity, error) {
	run, err := r.running()
	if err != nil || run.LogSecurity == nil {
		return LogSecurity{}, err
	}
	return *run.LogSecurity, nil
}

// logAt opens the log.
func (r *reach) logAt(brokers []string, name string) (*kafka.Log, error) {
	s, err := r.security()
	if err != nil {
		return nil, err
	}
	secure, err := s.open()
	if err != nil {
		return nil, err
	}
	return kafka.Open(kafka.Options{Brokers: brokers, Security: secure, ClientID: name, Logger: slog.New(slog.DiscardHandler)})
}

// witness answers how the second client reaches the log.
func (r *reach) witness(brokers []string) (witness.Options, error) {
	s, err := r.security()
	if err != nil {
		return witness.Options{}, err
	}
	return s.witness(brokers)
}

// connection is a command's way to the log and the directory.
type connection struct {
	log    *kafka.Log
	n      int32
	view   *directory.View
	edge   *streams.Edge
	asker  *directory.Asker
	follow *worker
}

// connectWithin is how long a command waits for a log that does not answer.
const connectWithin = 10 * time.Second

// directoryWithin is how long it may take to read the directory of a whole hospital: the log answers, and there is much of it.
const directoryWithin = 3 * time.Minute

// connect opens the log, and reads the directory.
func (r *reach) connect(ctx context.Context) (*connection, error) {
	c, err := r.dial(ctx)
	if err != nil {
		return nil, err
	}
	if err := c.begin(ctx); err != nil {
		return nil, errors.Join(err, c.close())
	}
	return c, nil
}

// dial opens the log alone.
func (r *reach) dial(ctx context.Context) (*connection, error) {
	brokers, err := r.brokers()
	if err != nil {
		return nil, err
	}
	log, err := r.logAt(brokers, "tocsin-command")
	if err != nil {
		return nil, err
	}
	c := &connection{log: log}
	if err := c.reachLog(ctx); err != nil {
		return nil, errors.Join(fmt.Errorf("the log at %s: reach it: %w; is Tocsin running?", strings.Join(brokers, ","), err), c.close())
	}
	return c, nil
}

func (c *connection) begin(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, directoryWithin)
	defer cancel()
	c.view = directory.NewView(c.log)
	c.edge = streams.OpenEdge(c.log, "command", c.n)
	c.asker = directory.NewAsker(c.edge, c.view, wall)
	c.follow = work(c.view.Run, func(error) {})
	if err := c.view.WaitReady(ctx); err != nil {
		return fmt.Errorf("read the directory: %w", err)
	}
	return nil
}

func (c *connection) reachLog(ctx context.Context) (err error) {
	ctx, cancel := context.WithTimeout(ctx, connectWithin)
	defer cancel()
	c.n, err = c.log.Partitions(ctx, streams.Inputs)
	return err
}

func (c *connection) close() error {
	var faults []error
	if c.follow != nil {
		ctx, cancel := context.WithTimeout(context.Background(), time.Second)
		defer cancel()
		if err := c.follow.stop(ctx); err != nil && !errors.Is(err, context.Canceled) {
			faults = append(faults, err)
		}
		faults = append(faults, c.edge.Close())
	}
	return errors.Join(append(faults, c.log.Close())...)
}

// wall is the host's clock.
func wall() event.Time { return event.TimeOf(time.Now()) }

// answerWithin is how long a command waits for the registrar.
const answerWithin = 30 * time.Second

// ask brings one request to the registrar.
func (c *connection) ask(ctx context.Context, r event.Event) error {
	ctx, cancel := context.WithTimeout(ctx, answerWithin)
	defer cancel()
	_, err := c.asker.Ask(ctx, r)
	return err
}

// withConnection runs fn with a connection and closes it.
func withConnection(cmd *cobra.Command, r *reach, fn func(context.Context, *connection) error) error {
	c, err := r.connect(cmd.Context())
	if err != nil {
		return err
	}
	return errors.Join(fn(cmd.Context(), c), c.close())
}

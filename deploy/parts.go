package deploy

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	"tocsin/deploy/embedded/broker"
	"tocsin/streams"
	"tocsin/streams/directory"
	"tocsin/streams/kafka"
)

// openDoors opens the ports of HTTP and MQTT. Nobody is served before the parts behind them stand.
func (a *App) openDoors(context.Context) error {
	l, err := listen("http", a.cfg.HTTP.Listen)
	if err != nil {
		return err
	}
	a.front = newFront(l, a)
	a.runs("http", a.front.run)
	a.run.HTTP = l.Addr().String()
	if !a.cfg.has(roleGateway) {
		return nil
	}
	if a.front.mqtt, err = listen("mqtt", a.cfg.MQTT.Listen); err != nil {
		return err
	}
	a.run.MQTT = a.front.mqtt.Addr().String()
	a.onStop("mqtt port", func(context.Context) error { _ = a.front.mqtt.Close(); return nil })
	return nil
}

// doorLinger is how long an upload waits for company at a door: the log syncs once for all that come together. Owners,
// whose steps are batches already, do not wait.
const doorLinger = 2 * time.Millisecond

// logWithin is how long a start waits for a log that is not there yet: another process may be about to start it.
const logWithin = 60 * time.Second

// startLog starts the embedded log when it is ours, and opens it.
func (a *App) startLog(ctx context.Context) error {
	if err := a.startBroker(); err != nil {
		return err
	}
	log, err := kafka.Open(kafka.Options{Brokers: a.brokers, ClientID: a.cfg.Name, Registry: a.registry, Logger: a.log})
	if err != nil {
		return err
	}
	a.store = log
	a.onStop("log client", func(context.Context) error { return log.Close() })
	if err := a.ensure(ctx); err != nil {
		return err
	}
	if a.n, err = log.Partitions(ctx, streams.Inputs); err != nil {
		return err
	}
	a.edge = streams.OpenEdge(log.Lingering(doorLinger), a.cfg.Name, a.n)
	a.onStop("log writer", func(context.Context) error { return a.edge.Close() })
	return nil
}

// startBroker starts the embedded log, unless there are brokers or it runs in another process.
func (a *App) startBroker() error {
	switch {
	case len(a.cfg.Log.Brokers) > 0:
		a.brokers = a.cfg.Log.Brokers
		a.run.Kafka = strings.Join(a.brokers, ",") // for the commands that find everything by --data
		return nil
	case !a.cfg.has(roleLog):
		a.brokers = []string{a.cfg.Log.Listen}
		if run, err := readRunning(a.cfg.Data); err == nil && run.Kafka != "" && a.cfg.Log.Listen == Default().Log.Listen {
			a.brokers = strings.Split(run.Kafka, ",")
		}
		return nil
	}
	if err := os.MkdirAll(a.cfg.Data, 0o700); err != nil {
		return err
	}
	b, err := broker.Start(broker.Options{Dir: a.cfg.path("log"), Addr: a.cfg.Log.Listen, Advertise: a.cfg.Log.Advertise, Partitions: int32(a.cfg.Log.Partitions), Logger: a.log})
	if err != nil {
		return taken(err, "kafka", a.cfg.Log.Listen)
	}
	a.broker = b
	a.onStop("embedded log", b.Stop)
	a.brokers = []string{b.Addr()}
	a.run.Kafka = b.Addr()
	if a.cfg.whole {
		return nil
	}
	// A process that runs the log alone can be found at once; whoever waits for it reads the file.
	return writeRunning(a.cfg.Data, func(r *Running) { r.Kafka = b.Addr() })
}

// ensure makes the topics on brokers of one's own, and waits for a log that is not there yet.
func (a *App) ensure(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, logWithin)
	defer cancel()
	if len(a.cfg.Log.Brokers) > 0 {
		return kafka.Ensure(ctx, a.brokers, int32(a.cfg.Log.Partitions), a.cfg.Log.Replicas)
	}
	for {
		_, err := a.store.Partitions(ctx, streams.DirectoryCheckpoints)
		if err == nil {
			return nil
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("no log at %v: %w; start one with `tocsin serve --roles=log`, or name the brokers in log.brokers", a.brokers, err)
		case <-time.After(200 * time.Millisecond):
		}
	}
}

// startDirectory follows the directory. That is not waited for: on a new log nobody has written one yet.
func (a *App) startDirectory(context.Context) error {
	a.view = directory.NewView(a.store)
	a.asker = directory.NewAsker(a.edge, a.view, wall)
	a.runs("directory", func(ctx context.Context) error {
		err := a.view.Run(ctx)
		if errors.Is(err, context.Canceled) {
			return nil
		}
		return err
	})
	return nil
}

package deploy

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
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
	if a.cfg.HTTP.TLS.on() {
		if a.front.shows, err = serving(a.cfg.HTTP.TLS, "", tls.NoClientCert, a.log); err != nil {
			return errors.Join(fmt.Errorf("http.tls: %w", err), l.Close())
		}
	}
	a.runs("http", a.front.run)
	a.run.HTTP, a.run.HTTPCert = l.Addr().String(), a.cfg.HTTP.TLS.CertFile
	if !a.cfg.has(roleGateway) {
		return nil
	}
	return a.openMQTT()
}

// openMQTT opens the gateway's ports, with and without TLS.
func (a *App) openMQTT() error {
	if a.cfg.MQTT.Listen != off {
		l, err := listen("mqtt", a.cfg.MQTT.Listen)
		if err != nil {
			return err
		}
		a.onStop("mqtt port", func(context.Context) error { _ = l.Close(); return nil })
		a.run.MQTT, a.front.mqtt = l.Addr().String(), append(a.front.mqtt, l)
	}
	if c := a.cfg.MQTT.TLS; c.Listen != "" {
		ask := tls.NoClientCert
		switch {
		case c.Require:
			ask = tls.RequireAndVerifyClientCert
		case c.ClientCAFile != "":
			ask = tls.VerifyClientCertIfGiven
		}
		shows, err := serving(c.files(), c.ClientCAFile, ask, a.log)
		if err != nil {
			return fmt.Errorf("mqtt.tls: %w", err)
		}
		l, err := net.Listen("tcp", c.Listen)
		if err != nil {
			return fmt.Errorf("mqtt.tls.listen: %w; choose another", err)
		}
		a.onStop("mqtt port with TLS", func(context.Context) error { _ = l.Close(); return nil })
		a.run.MQTTS, a.run.MQTTCert = l.Addr().String(), c.CertFile
		a.front.mqtt = append(a.front.mqtt, tls.NewListener(l, shows))
	}
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
	secure, err := a.cfg.Log.Security.open()
	if err != nil {
		return err
	}
	log, err := kafka.Open(kafka.Options{Brokers: a.brokers, Security: secure, ClientID: a.cfg.Name, Registry: a.registry, Logger: a.log})
	if err != nil {
		return err
	}
	a.store = log
	a.onStop("log client", func(context.Context) error { return log.Close() })
	if err := a.ensure(ctx, secure); err != nil {
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
		if s := a.cfg.Log.Security; s != (LogSecurity{}) {
			a.run.LogSecurity = ptr(s.at())
		}
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
func (a *App) ensure(ctx context.Context, secure kafka.Security) error {
	ctx, cancel := context.WithTimeout(ctx, logWithin)
	defer cancel()
	if len(a.cfg.Log.Brokers) > 0 {
		return kafka.Ensure(ctx, a.brokers, secure, int32(a.cfg.Log.Partitions), a.cfg.Log.Replicas)
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

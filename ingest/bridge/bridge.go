// Package bridge is the door to an MQTT broker that a hospital has already: Mosquitto, EMQX or another. It subscribes to
// what the devices publish there and acknowledges each message to the broker after the log has it, never before.
//
// Its session at the broker is persistent, so what comes in while the bridge is away waits there; only before its very
// first subscription there is nobody for whom the broker would keep anything. Several bridges
// share the work by a shared subscription. Mosquitto (2.0.11 was tried) forgets shared subscriptions when it restarts, though
// it keeps the session: until the bridge is back it throws away what it acknowledges. So the bridge comes back quickly, and
// where one bridge does all the work its Group is better left empty. The broker vouches for who publishes where: whose reading it is follows from the topic
// and the device's binding.
//
// When the log fails, the bridge acknowledges nothing more and leaves; it comes back after a while, and the broker
// sends again, in order, whatever has no acknowledgement. So the log's order is the broker's, and nothing is kept in
// memory that could be lost with it.
package bridge

import (
	"cmp"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	paho "github.com/eclipse/paho.mqtt.golang"
	"github.com/prometheus/client_golang/prometheus"

	"tocsin/ingest/door"
	"tocsin/streams"
	"tocsin/streams/event"
)

// Options make a bridge. Broker, Name, Directory and Edge are required.
type Options struct {
	Broker   string // such as tcp://mqtt.hospital:1883, ssl://…:8883, ws://…/mqtt
	ClientID string // names the session at the broker: each bridge needs its own, and keeps it for ever; Name when empty
	User     string // at the broker; empty: none
	Password string
	TLS      *tls.Config // nil: the host's roots
	Group    string      // of the shared subscription, where bridges are several; empty: not shared, this bridge sees everything

	Name      string // of this door: in events, metrics and the beat
	Directory door.Directory
	Edge      door.Edge

	Now      func() event.Time     // our clock; the host's when nil
	Registry prometheus.Registerer // nil: no metrics
	Logger   *slog.Logger          // nil: silent

	InFlight int           // messages that may wait for the log; 4096 when 0
	Patience time.Duration // how long the log may take for one before the bridge leaves; 15 s when 0
}

func (o Options) withDefaults() (Options, error) {
	if o.Broker == "" || o.Name == "" || o.Directory == nil || o.Edge == nil {
		return o, errors.New("a bridge needs a broker, a name, a directory and an edge")
	}
	o.ClientID = cmp.Or(o.ClientID, o.Name)
	o.InFlight = cmp.Or(o.InFlight, 4096)
	o.Patience = cmp.Or(o.Patience, 15*time.Second)
	if o.Now == nil {
		o.Now = func() event.Time { return event.TimeOf(time.Now()) }
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	return o, nil
}

const (
	maxWaiting = 32 << 20 // bytes that may wait for the log
	keepAlive  = 30 * time.Second
	answerIn   = 10 * time.Second // the broker answers within this
	leaveIn    = 250 * time.Millisecond

	// Short: a broker that has restarted may throw away what it takes until we are back.
	backOffFirst = 100 * time.Millisecond
	backOffMost  = 2 * time.Second
)

// bridge is what outlasts a connection.
type bridge struct {
	o         Options
	metrics   *metrics
	beat      *door.Beat
	strangers strangers
	known     bool // the broker has had a session of ours since we started
}

// Run keeps the bridge up until ctx ends: it connects, and connects again. Only what no waiting mends is an error.
func Run(ctx context.Context, o Options) error {
	o, err := o.withDefaults()
	if err != nil {
		return fmt.Errorf("run bridge: %w", err)
	}
	m, err := newMetrics(o.Registry)
	if err != nil {
		return fmt.Errorf("run bridge %s: %w", o.Name, err)
	}
	b := &bridge{o: o, metrics: m, beat: door.NewBeat(o.Name, o.Edge, o.Directory, o.Now, m.Metrics)}
	b.strangers.init(o.Directory)
	if err := o.Directory.WaitReady(ctx); err != nil && ctx.Err() == nil {
		return fmt.Errorf("run bridge %s: wait for the directory: %w", o.Name, err)
	}
	wait := backOffFirst
	for ctx.Err() == nil {
		kept, err := b.connection(ctx)
		if ctx.Err() != nil {
			return nil
		}
		if kept > 0 {
			wait = backOffFirst
		}
		o.Logger.Warn("bridge is away from the broker and tries again", "door", o.Name, "broker", o.Broker, "wait", wait, streams.KeyErr, err)
		select {
		case <-ctx.Done():
		case <-time.After(wait):
		}
		wait = min(2*wait, backOffMost)
	}
	return nil
}

// connection is one stay at the broker. It answers how many messages were acknowledged and why it ended. Every stay has
// a client of its own, so that no acknowledgement of an earlier one can meet a message of this one under the same number.
func (b *bridge) connection(ctx context.Context) (kept int64, err error) {
	ctx, end := context.WithCancelCause(ctx)
	defer end(nil)
	s := &stay{b: b, ctx: ctx, end: end}
	s.line = door.NewLine(b.o.InFlight, maxWaiting, b.o.Patience, s.deliver)
	client := paho.NewClient(b.clientOptions(s))
	var beats sync.WaitGroup
	defer func() {
		end(nil)
		s.line.Close() // first, or a handler that waits for room would hold up the client
		client.Disconnect(uint(leaveIn.Milliseconds()))
		beats.Wait()
		b.metrics.connected.Set(0)
	}()
	token := client.Connect()
	if err := settled(ctx, "connect", token); err != nil {
		return 0, err
	}
	if err := b.subscribe(ctx, client); err != nil {
		return 0, err
	}
	b.session(token)
	b.metrics.connected.Set(1)
	b.o.Logger.Info("bridge takes readings", "door", b.o.Name, "broker", b.o.Broker)
	beats.Go(func() { b.beat.Run(ctx) }) // a bridge without its broker is shut, and nobody is silent for it
	<-ctx.Done()
	return s.kept.Load(), context.Cause(ctx)
}

func (b *bridge) clientOptions(s *stay) *paho.ClientOptions {
	o := paho.NewClientOptions().AddBroker(b.o.Broker).SetClientID(b.o.ClientID).SetUsername(b.o.User).SetPassword(b.o.Password)
	if b.o.TLS != nil {
		o.SetTLSConfig(b.o.TLS)
	}
	return o.
		SetCleanSession(false). // the broker keeps what comes while we are away
		SetAutoAckDisabled(true).
		SetOrderMatters(true). // the handler runs on the reader, in order, and holds it up when there is no room
		SetAutoReconnect(false).
		SetConnectRetry(false).
		SetKeepAlive(keepAlive).
		SetPingTimeout(answerIn).
		SetConnectTimeout(answerIn).
		SetWriteTimeout(answerIn).
		// The default handler and no route: what the session still holds comes before we have subscribed again.
		SetDefaultPublishHandler(s.take).
		SetConnectionLostHandler(func(_ paho.Client, err error) { s.end(fmt.Errorf("connection lost: %w", err)) })
}

func (b *bridge) subscribe(ctx context.Context, client paho.Client) error {
	filter := "v1/+/+/obs"
	if b.o.Group != "" {
		filter = "$share/" + b.o.Group + "/" + filter
	}
	token := client.Subscribe(filter, 1, nil)
	if err := settled(ctx, "subscribe to "+filter, token); err != nil {
		return err
	}
	t, ok := token.(*paho.SubscribeToken)
	if !ok {
		return nil
	}
	for _, granted := range t.Result() { // one, and paho names it without the group
		switch granted {
		case 1:
		case 0:
			b.o.Logger.Error("the broker grants QoS 0 alone and keeps nothing for the bridge: readings can be lost there; allow QoS 1 for its user",
				"door", b.o.Name, "broker", b.o.Broker)
		default:
			return fmt.Errorf("subscribe to %s: the broker refuses it (%#x): allow it for user %q there", filter, granted, b.o.User)
		}
	}
	return nil
}

// session notes whether the broker still had our session. When it had one and lost it, whatever was published until we
// subscribed again was acknowledged to its sender and thrown away, and only a person can see to it that this ends.
func (b *bridge) session(token paho.Token) {
	if t, ok := token.(*paho.ConnectToken); ok && !t.SessionPresent() && b.known {
		b.metrics.lost.Inc()
		b.o.Logger.Error("the broker lost the session: readings that were published while the bridge was away are not there; let the broker keep its sessions (Mosquitto: persistence true)",
			"door", b.o.Name, "broker", b.o.Broker)
	}
	b.known = true
}

// settled waits for the broker's answer.
func settled(ctx context.Context, what string, token paho.Token) error {
	late := time.NewTimer(2 * answerIn)
	defer late.Stop()
	select {
	case <-token.Done():
		if err := token.Error(); err != nil {
			return fmt.Errorf("%s: %w", what, err)
		}
		return nil
	case <-late.C:
		return fmt.Errorf("%s: no answer within %s", what, 2*answerIn)
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

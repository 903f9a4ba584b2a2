// Package gateway is Tocsin's own MQTT door: versions 3.1.1 and 5, over TCP and WebSocket. It is no broker: what comes
// in goes to the log and to nobody else.
//
// A device signs in with its id as client id and user name and its token as password. It may publish on
// v1/{tenant}/{device}/obs and …/receipt and subscribe to v1/{tenant}/{device}/cmd, …/advice and …/limits, its own, and on nothing else (tell.go). A publish at QoS 1 gets its
// PUBACK after the log has acknowledged everything that the upload gave, in the order of the publishes, with so many in flight
// on one connection; then the gateway reads no further until there is room. While the log is away nothing is ever acknowledged:
// MQTT 5 hears 0x97 (quota exceeded), 3.1.1 is disconnected. A publish at QoS 0 goes to the log as well, without a receipt.
// QoS 2 is refused. A retain flag and a last will are taken and have no effect: nothing is retained, nothing passed on.
//
// mochi-mqtt speaks the protocol. What is known of it, and why the code looks as it does, stands at hook.go.
package gateway

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	mqtt "github.com/mochi-mqtt/server/v2"
	"github.com/mochi-mqtt/server/v2/packets"
	"github.com/prometheus/client_golang/prometheus"

	"tocsin/ingest"
	"tocsin/ingest/door"
	"tocsin/streams"
	"tocsin/streams/directory"
	"tocsin/streams/event"
)

// Options make a gateway. Name, Directory and Edge are required.
type Options struct {
	Name      string // of this door: in events, metrics and the beat; each gateway has its own
	Directory door.Directory
	Edge      door.Edge

	// OnReceipt is told what an app says of the advice that it was sent; nil: nobody waits for that. It calls done once, with nil when
	// the log has it; until then the app gets no PUBACK. It must not wait.
	OnReceipt func(b directory.Binding, r Receipt, done func(error))

	// OnListen is told that a device that is connected here listens to its topic of a leaf: it has just subscribed, or come back to a
	// session in which it had. It must not wait.
	OnListen func(b directory.Binding, leaf ingest.Leaf)

	Now      func() event.Time     // our clock; the host's when nil
	Registry prometheus.Registerer // nil: no metrics
	Logger   *slog.Logger          // nil: silent

	InFlight int           // publishes of one connection that may wait for the log; 256 when 0
	Patience time.Duration // how long the log may take for one before the sender is told to come again; 15 s when 0
}

func (o Options) withDefaults() (Options, error) {
	if o.Name == "" || o.Directory == nil || o.Edge == nil {
		return o, errors.New("a gateway needs a name, a directory and an edge")
	}
	o.InFlight = cmp.Or(o.InFlight, 256)
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
	// maxPacket is the largest packet that is read at all. An upload of more than 64 KiB is kept as rejected; of more than this the
	// connection is closed unread.
	maxPacket = 256 << 10
	// maxWaiting is how many bytes of one connection may wait for the log.
	maxWaiting = 4 << 20
	// signInWithin is how long a connection may take to sign in.
	signInWithin = 10 * time.Second
	// unknownFor is how long an unknown device is tried again: its binding may just be on its way to us.
	unknownFor = 2 * time.Second
	// maxUnknown is how many connections may wait for that at one time.
	maxUnknown = 1024
	// writeWithin is how long a sender may take to read what it is sent.
	writeWithin = 10 * time.Second
	// keepSession is how long a session without a connection is remembered.
	keepSession = time.Hour
)

// Gateway is one MQTT door.
type Gateway struct {
	o       Options
	server  *mqtt.Server
	metrics *metrics
	beat    *door.Beat

	open        atomic.Bool // everything was read that was there at the start, and nobody has stopped us
	unknown     chan struct{}
	lastFailure atomic.Int64 // seconds since 1970, for a log line now and then

	mu       sync.Mutex
	changed  chan struct{} // closed and replaced when the directory moved
	wires    map[*wire]struct{}
	sessions map[string]*wire // by device: the newest that was established
	group    sync.WaitGroup   // connections
}

// New makes a gateway. It takes connections once Serve runs.
func New(o Options) (*Gateway, error) {
	o, err := o.withDefaults()
	if err != nil {
		return nil, fmt.Errorf("make gateway: %w", err)
	}
	m, err := newMetrics(o.Registry)
	if err != nil {
		return nil, fmt.Errorf("make gateway %s: %w", o.Name, err)
	}
	g := &Gateway{
		o: o, metrics: m, beat: door.NewBeat(o.Name, o.Edge, o.Directory, o.Now, m.Metrics),
		unknown: make(chan struct{}, maxUnknown), changed: make(chan struct{}), wires: map[*wire]struct{}{}, sessions: map[string]*wire{},
	}
	g.server = mqtt.New(&mqtt.Options{
		Capabilities: capabilities(o.InFlight),
		// mochi logs whole packets, readings and passwords among them. What people need to know we log ourselves.
		Logger: slog.New(slog.DiscardHandler),
		// Its counters stop the world to measure memory, once a second by default, for topics that nobody may read.
		SysTopicResendInterval: int64((365 * 24 * time.Hour).Seconds()),
	})
	if err := g.server.AddHook(&hook{g: g}, nil); err != nil {
		return nil, fmt.Errorf("make gateway %s: %w", o.Name, err)
	}
	o.Directory.OnChanged(g.directoryChanged)
	o.Directory.OnRevoke(g.CloseDevice)
	return g, nil
}

func capabilities(inFlight int) *mqtt.Capabilities {
	c := mqtt.NewDefaultServerCapabilities()
	c.MaximumPacketSize = maxPacket
	c.ReceiveMaximum = uint16(min(inFlight, 65535))
	c.MaximumInflight = 64
	c.MaximumClientWritesPending = 64
	c.MaximumSessionExpiryInterval = uint32(keepSession.Seconds())
	c.MinimumProtocolVersion = 4
	c.MaximumQos = 1
	c.TopicAliasMaximum = 0
	c.SharedSubAvailable, c.WildcardSubAvailable, c.SubIDAvailable = 0, 0, 0
	// The CONNACK says that nothing is retained (OnPacketEncode), and nothing ever reaches mochi's own memory for it.
	c.Compatibilities.NoInheritedPropertiesOnAck = true
	return c
}

// Serve takes connections from the listeners, with or without TLS, until ctx ends or one of them does, once the directory has
// been read as far as it went at the start; until then they are open and wait. It beats meanwhile. It closes them and every
// connection before it returns.
func (g *Gateway) Serve(ctx context.Context, ls ...net.Listener) error {
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	shut := func() {
		for _, l := range ls {
			_ = l.Close() // accept hears of it
		}
	}
	closed := context.AfterFunc(ctx, shut)
	defer func() {
		if closed() {
			shut()
		}
	}()
	if err := g.o.Directory.WaitReady(ctx); err != nil {
		if ctx.Err() != nil {
			return nil // stopped before it was open
		}
		return fmt.Errorf("gateway %s: wait for the directory: %w", g.o.Name, err)
	}
	if err := g.server.Serve(); err != nil {
		return fmt.Errorf("gateway %s: %w", g.o.Name, err)
	}
	g.open.Store(true)
	for _, l := range ls {
		g.o.Logger.Info("gateway takes readings", "door", g.o.Name, streams.KeyAddr, l.Addr().String())
	}
	beats := make(chan struct{})
	go func() {
		defer close(beats)
		g.beat.Run(ctx)
	}()
	errs := make([]error, len(ls))
	var accepting sync.WaitGroup
	for i, l := range ls {
		accepting.Go(func() {
			errs[i] = g.accept(ctx, l)
			stop()
		})
	}
	accepting.Wait()
	<-beats
	return errors.Join(errors.Join(errs...), g.close())
}

// accept takes connections until l is closed. While the host is out of files it waits: a door that gave up then would be
// shut for everybody long after the storm of connections is over.
func (g *Gateway) accept(ctx context.Context, l net.Listener) error {
	pause := acceptPause
	for {
		c, err := l.Accept()
		switch {
		case err == nil:
			pause = acceptPause
			go g.attend(c)
			continue
		case errors.Is(err, net.ErrClosed):
			return nil
		case !passes(err):
			return fmt.Errorf("gateway %s: accept: %w", g.o.Name, err)
		case pause == acceptPause:
			g.o.Logger.Warn("gateway cannot take a connection and tries again", "door", g.o.Name, streams.KeyErr, err)
		}
		select {
		case <-ctx.Done(): // the next Accept hears of it
		case <-time.After(pause):
		}
		pause = min(2*pause, time.Second)
	}
}

const acceptPause = 5 * time.Millisecond

// passes tells whether an error of accept goes away by itself: no files, no memory, or a sender that went away too soon.
func passes(err error) bool {
	for _, e := range []error{syscall.EMFILE, syscall.ENFILE, syscall.ENOBUFS, syscall.ENOMEM, syscall.ECONNABORTED, syscall.EINTR} {
		if errors.Is(err, e) {
			return true
		}
	}
	return false
}

// attend speaks with one connection until it ends.
func (g *Gateway) attend(c net.Conn) {
	w := newWire(c)
	if !g.enter(w) {
		_ = c.Close()
		return
	}
	defer g.leave(w)
	defer func() {
		// A panic must end one connection and not the process: the fault is in a packet or in what reads it.
		if r := recover(); r != nil {
			if decoding() {
				g.ended(w, packets.ErrMalformedPacket)
				return
			}
			g.metrics.panics.Inc()
			g.o.Logger.Error("connection panicked and was closed", "door", g.o.Name, streams.KeyAddr, c.RemoteAddr().String(), streams.KeyErr, fmt.Sprint(r))
		}
	}()
	g.ended(w, g.server.EstablishConnection("gateway", w))
}

// decoding tells, while a panic is being recovered, whether it came out of mochi's decoder: of a packet that ends too early
// (a SUBSCRIBE of MQTT 5 without its options) that reads past the end. It is the packet that is malformed then.
func decoding() bool {
	const enough = 16 // the decoder lies a few calls below where it panicked
	calls := make([]uintptr, enough)
	frames := runtime.CallersFrames(calls[:runtime.Callers(2, calls)])
	for {
		f, more := frames.Next()
		if strings.HasPrefix(f.Function, "github.com/mochi-mqtt/server/v2/packets.") && strings.HasSuffix(f.Function, "Decode") {
			return true
		}
		if !more {
			return false
		}
	}
}

// ended says why a connection ended. A device that was cut off for what it sent will send it again: somebody has to mend it.
func (g *Gateway) ended(w *wire, err error) {
	code, broke := errors.AsType[packets.Code](err)
	if device := w.device(); broke && device != "" && code.Code >= packets.ErrUnspecifiedError.Code {
		g.o.Logger.Warn("device sent what no gateway takes and was disconnected", "door", g.o.Name, streams.KeyDevice, device, "reason", code.Reason)
		return
	}
	g.o.Logger.Debug("connection ended", "door", g.o.Name, streams.KeyDevice, w.device(), streams.KeyErr, err)
}

func (g *Gateway) enter(w *wire) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	if !g.open.Load() {
		return false
	}
	g.wires[w] = struct{}{}
	g.group.Add(1)
	g.metrics.connections.Inc()
	return true
}

func (g *Gateway) leave(w *wire) {
	_ = w.Close()
	g.mu.Lock()
	defer g.mu.Unlock()
	delete(g.wires, w)
	if d := w.device(); g.sessions[d] == w {
		delete(g.sessions, d)
	}
	g.metrics.connections.Dec()
	g.group.Done()
}

// close ends every connection: MQTT 5 is told, 3.1.1 sees the end.
func (g *Gateway) close() error {
	g.mu.Lock()
	g.open.Store(false)
	wires := make([]*wire, 0, len(g.wires))
	for w := range g.wires {
		wires = append(wires, w)
	}
	g.mu.Unlock()
	for _, w := range wires {
		go g.cut(w, packets.ErrServerShuttingDown)
	}
	g.group.Wait()
	if err := g.server.Close(); err != nil {
		return fmt.Errorf("gateway %s: close: %w", g.o.Name, err)
	}
	return nil
}

// takeOver makes w the one session of its device here and ends the one before. mochi does so too, but of two connections
// that sign in at one moment neither finds the other there. One that was itself taken over meanwhile ends nobody.
func (g *Gateway) takeOver(w *wire) {
	g.mu.Lock()
	defer g.mu.Unlock()
	select {
	case <-w.closed:
		return
	default:
	}
	if was := g.sessions[w.device()]; was != nil && was != w {
		go g.cut(was, packets.ErrSessionTakenOver)
	}
	g.sessions[w.device()] = w
}

// CloseDevice ends the session of a device, if it has one here. It returns at once.
func (g *Gateway) CloseDevice(device string) {
	g.mu.Lock()
	defer g.mu.Unlock()
	for w := range g.wires {
		if w.device() == device {
			go g.cut(w, packets.ErrNotAuthorized)
		}
	}
}

// cut ends a connection, within a second even when the other side does not read. In MQTT 5 it is told why.
func (g *Gateway) cut(w *wire, code packets.Code) {
	if s := w.session.Load(); s != nil && s.v5 {
		hurry := time.AfterFunc(time.Second, func() { _ = w.Close() })
		defer hurry.Stop()
		_, _ = w.Write([]byte{0xe0, 0x02, code.Code, 0x00}) // it is closed anyhow
	}
	_ = w.Close()
}

func (g *Gateway) directoryChanged() {
	g.mu.Lock()
	defer g.mu.Unlock()
	close(g.changed)
	g.changed = make(chan struct{})
}

func (g *Gateway) nextChange() <-chan struct{} {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.changed
}

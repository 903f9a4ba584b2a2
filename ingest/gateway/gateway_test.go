package gateway

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	dto "github.com/prometheus/client_model/go"

	"tocsin/ingest"
	"tocsin/streams"
	"tocsin/streams/directory"
	"tocsin/streams/event"
)

// book is a directory that a test writes by hand.
type book struct {
	mu       sync.Mutex
	devices  map[string]directory.Binding
	position int64
	trap     string        // the device that makes Device panic
	notReady chan struct{} // nil: ready
	changed  []func()
	revoked  []func(string)
}

func newBook(devices ...string) *book {
	b := &book{devices: map[string]directory.Binding{}}
	for _, d := range devices {
		b.bind(d)
	}
	return b
}

func sum(s string) string {
	h := sha256.Sum256([]byte(s))
	return hex.EncodeToString(h[:])
}

// bind binds a device to a patient of its name, with its name as token.
func (b *book) bind(device string) {
	b.set(directory.Binding{Device: device, Tenant: "t", Patient: "P-" + device, TokenSHA256: sum(device)})
}

func (b *book) set(d directory.Binding) {
	b.mu.Lock()
	b.devices[d.Device] = d
	b.position++
	changed := b.changed
	b.mu.Unlock()
	for _, fn := range changed {
		fn()
	}
}

func (b *book) revoke(device string) {
	b.mu.Lock()
	d := b.devices[device]
	revoked := b.revoked
	b.mu.Unlock()
	d.Revoked = true
	b.set(d)
	for _, fn := range revoked {
		fn(device)
	}
}

func (b *book) Device(id string) (directory.Binding, bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if id == b.trap {
		panic("a fault in the gateway")
	}
	d, ok := b.devices[id]
	return d, ok
}

func (b *book) Position() int64 {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.position
}

func (b *book) WaitReady(ctx context.Context) error {
	if b.notReady == nil {
		return nil
	}
	select {
	case <-b.notReady:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (b *book) OnChanged(fn func()) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.changed = append(b.changed, fn)
}

func (b *book) OnRevoke(fn func(string)) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.revoked = append(b.revoked, fn)
}

// house is one log with gateways before it.
type house struct {
	t    testing.TB
	log  *streams.Memory
	book *book
}

func newHouse(t testing.TB, devices ...string) *house {
	return &house{t: t, log: streams.NewMemory(4), book: newBook(devices...)}
}

// open starts a gateway and answers it with its address.
func (h *house) open(o Options) (*Gateway, string) {
	h.t.Helper()
	edge := streams.OpenEdge(h.log, "gateway", 4)
	if o.Name == "" {
		o.Name = "gateway-1"
	}
	o.Directory, o.Edge = h.book, edge
	g, err := New(o)
	if err != nil {
		h.t.Fatal(err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		h.t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- g.Serve(ctx, l) }()
	h.t.Cleanup(func() {
		stop()
		if err := <-done; err != nil {
			h.t.Errorf("gateway ended: %v", err)
		}
		edge.Close()
	})
	if h.book.notReady == nil {
		h.eventually("the gateway is open", g.open.Load)
	}
	return g, l.Addr().String()
}

func (h *house) eventually(what string, is func() bool) {
	h.t.Helper()
	for end := time.Now().Add(15 * time.Second); !is(); time.Sleep(2 * time.Millisecond) {
		if time.Now().After(end) {
			h.t.Fatalf("never came: %s", what)
		}
	}
}

// recorded answers all readings in the log, beats apart.
func (h *house) recorded() (all []event.Envelope) {
	return h.read(streams.Inputs, "observation.recorded")
}

func (h *house) rejected() (all []event.Envelope) {
	return h.read(streams.Rejected, "observation.rejected")
}

func (h *house) read(topic string, kind event.Type) (all []event.Envelope) {
	h.t.Helper()
	for p := range int32(4) {
		for _, r := range h.log.Records(topic, p) {
			e, err := event.Decode(r.Headers, r.Value)
			if err != nil {
				h.t.Fatal(err)
			}
			if e.Data.Type() == kind {
				all = append(all, e)
			}
		}
	}
	return all
}

var errStopped = errors.New("the log is stopped")

func (h *house) stopLog() {
	h.log.FailAppends(func(string, int32, streams.Record) error { return errStopped })
}

func (h *house) startLog() { h.log.FailAppends(nil) }

func (h *house) hang() {
	for p := range int32(4) {
		h.log.Hold(streams.Inputs, p)
	}
}

func (h *house) goOn() {
	for p := range int32(4) {
		h.log.Release(streams.Inputs, p)
	}
}

// both runs a test for MQTT 3.1.1 and for 5.
func both(t *testing.T, fn func(t *testing.T, v5 bool)) {
	t.Run("3.1.1", func(t *testing.T) { fn(t, false) })
	t.Run("5", func(t *testing.T) { fn(t, true) })
}

func TestING1_REL2_PubackMeansInTheLog(t *testing.T) {
	both(t, func(t *testing.T, v5 bool) {
		h := newHouse(t, "d1")
		_, addr := h.open(Options{})
		c := signIn(t, addr, "d1", "d1", v5)
		for i := 1; i <= 20; i++ {
			c.publish(uint16(i), "v1/t/d1/obs", upload(i))
			if code := c.wantAck(uint16(i)); code != 0 {
				t.Fatalf("PUBACK %#x", code)
			}
			if n := len(h.recorded()); n != i {
				t.Fatalf("%d readings in the log after PUBACK %d", n, i)
			}
		}
		if e := h.recorded()[0]; e.ID != "d1/1/1" || e.Subject != "t/P-d1" || e.Source != "gateway-1" {
			t.Errorf("recorded as %+v", e)
		}
	})
}

// The log is stopped: nothing is ever acknowledged. MQTT 5 hears 0x97 and goes on, 3.1.1 is disconnected; when the log
// is back, so is the gateway.
func TestING1_REL2_NoPubackBeforeLog(t *testing.T) {
	both(t, func(t *testing.T, v5 bool) {
		h := newHouse(t, "d1")
		_, addr := h.open(Options{})
		for range 3 {
			h.stopLog()
			c := signIn(t, addr, "d1", "d1", v5)
			c.publish(1, "v1/t/d1/obs", upload(1))
			c.publish(2, "v1/t/d1/obs", `{"v":1,"no":"envelope"}`)
			if v5 {
				for id := uint16(1); id <= 2; id++ {
					if code := c.wantAck(id); code != 0x97 {
						t.Fatalf("PUBACK %#x with the log stopped, want 0x97", code)
					}
				}
			} else {
				c.wantEnd()
				c = signIn(t, addr, "d1", "d1", v5)
			}
			h.startLog()
			c.publish(3, "v1/t/d1/obs", upload(3))
			if code := c.wantAck(3); code != 0 {
				t.Fatalf("PUBACK %#x with the log back", code)
			}
		}
		for _, e := range h.recorded() {
			if e.ID != "d1/1/3" {
				t.Errorf("in the log: %s", e.ID)
			}
		}
	})
}

// The log hangs: no PUBACK, but pings are answered; after the patience it is as if it were stopped.
func TestING1_REL2_LogHangs(t *testing.T) {
	both(t, func(t *testing.T, v5 bool) {
		h := newHouse(t, "d1")
		_, addr := h.open(Options{Patience: 300 * time.Millisecond})
		c := signIn(t, addr, "d1", "d1", v5)
		h.hang()
		for id := uint16(1); id <= 5; id++ {
			c.publish(id, "v1/t/d1/obs", upload(int(id)))
		}
		c.ping()
		if v5 {
			for id := uint16(1); id <= 5; id++ {
				if code := c.wantAck(id); code != 0x97 {
					t.Fatalf("PUBACK %#x while the log hangs, want 0x97", code)
				}
			}
			h.goOn()
			c.silent(50 * time.Millisecond) // what lands late gets no second receipt
			c.ping()
		} else {
			c.wantEnd()
			h.goOn()
		}
	})
}

func TestING1_ReceiptsComeInOrder(t *testing.T) {
	both(t, func(t *testing.T, v5 bool) {
		h := newHouse(t, "d1")
		_, addr := h.open(Options{})
		c := signIn(t, addr, "d1", "d1", v5)
		h.hang()
		c.publish(1, "v1/t/d1/obs", upload(1))            // inputs, held
		c.publish(2, "v1/t/d1/obs", `{"v":9}`)            // rejected, at once
		c.publish(3, "v1/t/d1/obs", upload(3))            // inputs, held
		c.publish(4, "v1/t/d1/obs", `{"v":1,"obs":[{}]}`) // rejected, at once
		c.ping()
		h.eventually("the rejected ones are kept", func() bool { return len(h.rejected()) == 2 })
		c.silent(30 * time.Millisecond)
		h.goOn()
		for id := uint16(1); id <= 4; id++ {
			if code := c.wantAck(id); code != 0 {
				t.Fatalf("PUBACK %#x of %d", code, id)
			}
		}
	})
}

// A PUBACK for an upload that was half believed waits for both halves.
func TestING1_PubackWaitsForBothHalves(t *testing.T) {
	h := newHouse(t, "d1")
	_, addr := h.open(Options{})
	c := signIn(t, addr, "d1", "d1", true)
	half := `{"v":1,"msg_id":"m","obs":[{"mdc":150456,"v":91,"u":"%"},{"mdc":7,"v":1,"u":"%"}]}`
	for _, topic := range []string{streams.Inputs, streams.Rejected} {
		for p := range int32(4) {
			h.log.Hold(topic, p)
		}
		c.publish(1, "v1/t/d1/obs", half)
		c.ping()
		c.silent(30 * time.Millisecond)
		for p := range int32(4) {
			h.log.Release(topic, p)
		}
		if code := c.wantAck(1); code != 0 {
			t.Fatalf("PUBACK %#x", code)
		}
	}
	h.log.FailAppends(func(topic string, _ int32, _ streams.Record) error {
		if topic == streams.Rejected {
			return errStopped
		}
		return nil
	})
	c.publish(2, "v1/t/d1/obs", half)
	if code := c.wantAck(2); code != 0x97 {
		t.Fatalf("PUBACK %#x though one half is not in the log", code)
	}
}

// Ten times the same upload, over five connections and two gateways: ten records, one identity.
func TestING2_TheSameUploadTenTimes(t *testing.T) {
	h := newHouse(t, "d1")
	_, one := h.open(Options{Name: "gateway-1"})
	_, two := h.open(Options{Name: "gateway-2"})
	for i := range 5 {
		addr := one
		if i%2 == 1 {
			addr = two
		}
		c := signIn(t, addr, "d1", "d1", i%2 == 0)
		for id := uint16(1); id <= 2; id++ {
			c.publish(id, "v1/t/d1/obs", upload(7))
			if code := c.wantAck(id); code != 0 {
				t.Fatalf("PUBACK %#x", code)
			}
		}
	}
	all := h.recorded()
	if len(all) != 10 {
		t.Fatalf("%d records, want 10", len(all))
	}
	for _, e := range all {
		o := e.Data.(*event.ObservationRecorded)
		if e.ID != "d1/1/7" || o.Device != "d1" || o.BootID != 1 || o.Seq != 7 || !o.Sequenced || o.MsgID != "m-7" {
			t.Errorf("identity %s %+v", e.ID, o)
		}
	}
}

func TestING12_WhoIsLetIn(t *testing.T) {
	both(t, func(t *testing.T, v5 bool) {
		h := newHouse(t, "d1", "d2")
		h.book.set(directory.Binding{Device: "bare", Tenant: "t", Patient: "P-1"}) // no token was ever set
		h.book.revoke("d2")
		reg := prometheus.NewRegistry()
		_, addr := h.open(Options{Registry: reg})
		bad := byte(5)
		if v5 {
			bad = 0x86
		}
		for name, c := range map[string]struct{ client, user, password string }{
			"wrong token":            {"d1", "d1", "d2"},
			"no token":               {"d1", "d1", ""},
			"token's own hash":       {"d1", "d1", sum("d1")},
			"another's name":         {"d2", "d1", "d1"},
			"revoked":                {"d2", "d2", "d2"},
			"a device with no token": {"bare", "bare", ""},
			"no client id":           {"", "d1", "d1"},
			"no device id":           {"a/b", "a/b", "d1"},
		} {
			t.Run(name, func(t *testing.T) {
				r := dial(t, addr, v5)
				if c.password == "" {
					// A password of no bytes is refused by the protocol itself.
					r.send(1<<4, text(text(append(text(nil, "MQTT"), append([]byte{map[bool]byte{false: 4, true: 5}[v5], 0x82, 0, 60}, make([]byte, map[bool]int{true: 1}[v5])...)...), c.client), c.user))
					if p := r.want(connackPacket); p.body[1] != bad {
						t.Errorf("CONNACK %#x, want %#x", p.body[1], bad)
					}
					return
				}
				if code := r.connect(c.client, c.user, c.password); code != bad {
					t.Errorf("CONNACK %#x, want %#x", code, bad)
				}
				r.wantEnd()
			})
		}
		if n := counted(t, reg, "tocsin_gateway_refused_total", "token"); n < 2 {
			t.Errorf("%v wrong tokens counted", n)
		}
	})
}

// A device whose binding is on its way is let in when it arrives, and refused after two seconds when it does not.
func TestING12_AnUnknownDeviceIsTriedAgain(t *testing.T) {
	h := newHouse(t)
	_, addr := h.open(Options{})
	late := make(chan byte, 1)
	go func() { late <- dial(t, addr, true).connect("d1", "d1", "d1") }()
	start := time.Now()
	if code := dial(t, addr, true).connect("d2", "d2", "d2"); code != 0x86 || time.Since(start) < 2*time.Second {
		t.Errorf("unknown device: CONNACK %#x after %s", code, time.Since(start))
	}
	if code := <-late; code != 0x86 {
		t.Errorf("unknown device: CONNACK %#x", code)
	}
	go func() { late <- dial(t, addr, true).connect("d1", "d1", "d1") }()
	h.book.bind("d3")
	h.book.bind("d1")
	if code := <-late; code != 0 {
		t.Errorf("CONNACK %#x for a device that was bound meanwhile", code)
	}
}

func TestING12_ForeignTopics(t *testing.T) {
	both(t, func(t *testing.T, v5 bool) {
		h := newHouse(t, "d1", "d2")
		_, addr := h.open(Options{})
		topics := []string{"v1/t/d2/obs", "v1/u/d1/obs", "v1/t/d1/cmd", "v1/t/d1/obs/x", "anything", "$SYS/broker", "$share/x", "$other"}
		for i, topic := range topics {
			c := signIn(t, addr, "d1", "d1", v5)
			c.publish(9, topic, upload(i))
			if v5 {
				if code := c.wantAck(9); code != 0x87 {
					t.Errorf("%s: PUBACK %#x, want 0x87", topic, code)
				}
				c.ping()
			} else {
				c.wantEnd()
			}
		}
		if n := len(h.recorded()); n != 0 {
			t.Errorf("%d foreign readings were recorded", n)
		}
		seen := map[string]bool{}
		for _, e := range h.rejected() {
			r := e.Data.(*event.ObservationRejected)
			if r.Reason != ingest.ForeignTopic || r.Device != "d1" {
				t.Errorf("kept as %+v", r)
			}
			seen[r.Topic] = true
		}
		for _, topic := range topics {
			if !seen[topic] {
				t.Errorf("the attempt on %s was not kept", topic)
			}
		}
		c := signIn(t, addr, "d1", "d1", v5)
		c.send(3<<4|1<<1, c.publishBody(1, "v1/+/d1/obs", upload(1)))
		c.wantEnd()
	})
}

func TestING12_WhatADeviceMayHear(t *testing.T) {
	both(t, func(t *testing.T, v5 bool) {
		h := newHouse(t, "d1")
		_, addr := h.open(Options{})
		c := signIn(t, addr, "d1", "d1", v5)
		if code := c.subscribe(1, "v1/t/d1/cmd"); code != 1 {
			t.Errorf("its own commands: SUBACK %#x", code)
		}
		for i, filter := range []string{"v1/t/d2/cmd", "v1/t/d1/obs", "v1/t/+/cmd", "#", "+/+/+/cmd", "$SYS/#", "$share/g/v1/t/d1/cmd"} {
			if code := c.subscribe(uint16(i+2), filter); code < 0x80 {
				t.Errorf("%s: SUBACK %#x", filter, code)
			}
		}
		other := signIn(t, addr, "d1", "d1", v5) // takes the session over
		c.wantEnd()
		other.ping()
	})
}

func TestING13_RevocationClosesTheSession(t *testing.T) {
	both(t, func(t *testing.T, v5 bool) {
		h := newHouse(t, "d1", "d2")
		_, addr := h.open(Options{})
		c, other := signIn(t, addr, "d1", "d1", v5), signIn(t, addr, "d2", "d2", v5)
		start := time.Now()
		h.book.revoke("d1")
		if code := c.wantEnd(); v5 && code != 0x87 {
			t.Errorf("DISCONNECT %#x, want 0x87", code)
		}
		if took := time.Since(start); took > 5*time.Second {
			t.Errorf("closed after %s", took)
		}
		other.ping()
		if code := dial(t, addr, v5).connect("d1", "d1", "d1"); code == 0 {
			t.Error("a revoked device was let in")
		}
	})
}

// Nobody told the gateway, and yet a token that was changed opens nothing any more.
func TestING13_AChangedTokenEndsWhatItOpened(t *testing.T) {
	h := newHouse(t, "d1")
	_, addr := h.open(Options{})
	c := signIn(t, addr, "d1", "d1", true)
	h.book.set(directory.Binding{Device: "d1", Tenant: "t", Patient: "P-d1", TokenSHA256: sum("another")})
	c.publish(1, "v1/t/d1/obs", upload(1))
	if code := c.wantAck(1); code != 0x87 {
		t.Errorf("PUBACK %#x, want 0x87", code)
	}
	if r := h.rejected(); len(r) != 1 || len(h.recorded()) != 0 {
		t.Errorf("kept %d as rejected, %d as recorded", len(r), len(h.recorded()))
	}
}

// A device that is bound to another patient sends that one's readings from then on, in the same session.
func TestING12_ABindingThatMoves(t *testing.T) {
	h := newHouse(t, "d1")
	_, addr := h.open(Options{})
	c := signIn(t, addr, "d1", "d1", true)
	h.book.set(directory.Binding{Device: "d1", Tenant: "t", Patient: "P-new", TokenSHA256: sum("d1")})
	c.publish(1, "v1/t/d1/obs", upload(1))
	c.wantAck(1)
	if all := h.recorded(); len(all) != 1 || all[0].Subject != "t/P-new" {
		t.Errorf("recorded %+v", all)
	}
}

func TestGatewayWithoutAReceipt(t *testing.T) {
	both(t, func(t *testing.T, v5 bool) {
		h := newHouse(t, "d1")
		_, addr := h.open(Options{})
		c := signIn(t, addr, "d1", "d1", v5)
		c.send(3<<4, c.publishBody(0, "v1/t/d1/obs", upload(1)))
		h.eventually("a reading at QoS 0 is in the log", func() bool { return len(h.recorded()) == 1 })
		c.ping()
		c.send(3<<4|1<<1|1, c.publishBody(2, "v1/t/d1/obs", upload(2))) // retain
		if code := c.wantAck(2); code != 0 {
			t.Errorf("PUBACK %#x for a publish with retain", code)
		}
		c.send(3<<4|2<<1, c.publishBody(3, "v1/t/d1/obs", upload(3)))
		if code := c.wantEnd(); v5 && code != 0x9b {
			t.Errorf("DISCONNECT %#x for QoS 2, want 0x9b", code)
		}
	})
}

func TestGatewayLargeUploads(t *testing.T) {
	both(t, func(t *testing.T, v5 bool) {
		h := newHouse(t, "d1")
		_, addr := h.open(Options{})
		c := signIn(t, addr, "d1", "d1", v5)
		c.publish(1, "v1/t/d1/obs", `{"v":1,"msg_id":"big","x":"`+strings.Repeat("x", 100<<10)+`"}`)
		if code := c.wantAck(1); code != 0 {
			t.Fatalf("PUBACK %#x", code)
		}
		r := h.rejected()
		if len(r) != 1 || r[0].Data.(*event.ObservationRejected).Reason != ingest.TooLarge || r[0].Data.(*event.ObservationRejected).MsgID != "big" {
			t.Fatalf("kept %+v", r)
		}
		// The connection may be closed while we still write; that is an end as well.
		_ = c.trySend(3<<4|1<<1, c.publishBody(2, "v1/t/d1/obs", strings.Repeat("x", 300<<10)))
		c.wantEnd()
	})
}

// What a CONNACK of MQTT 5 promises, by its properties.
func TestGatewaySaysWhatItDoesNotOffer(t *testing.T) {
	h := newHouse(t, "d1")
	_, addr := h.open(Options{InFlight: 7})
	c := dial(t, addr, true)
	c.send(1<<4, text(text(text(append(text(nil, "MQTT"), 5, 0xc2, 0, 60, 0), "d1"), "d1"), "d1"))
	p := c.want(connackPacket)
	for name, want := range map[string]string{
		"receive maximum 7": "\x21\x00\x07", "maximum QoS 1": "\x24\x01", "no retain": "\x25\x00", "no wildcards": "\x28\x00", "no subscription ids": "\x29\x00", "no shared subscriptions": "\x2a\x00", "maximum packet": "\x27\x00\x04\x00\x00",
	} {
		if !strings.Contains(string(p.body), want) {
			t.Errorf("%s is not in CONNACK %x", name, p.body)
		}
	}
}

// A sender that does not stop is read no further, and everything it sent is in the log once there is room.
func TestING14_BackPressure(t *testing.T) {
	both(t, func(t *testing.T, v5 bool) {
		h := newHouse(t, "d1", "d2")
		_, addr := h.open(Options{InFlight: 4})
		c, other := signIn(t, addr, "d1", "d1", v5), signIn(t, addr, "d2", "d2", v5)
		h.hang()
		for id := uint16(1); id <= 40; id++ {
			c.publish(id, "v1/t/d1/obs", upload(int(id)))
		}
		h.eventually("four are in the log", func() bool { return len(h.recorded()) == 4 })
		other.ping()
		c.silent(30 * time.Millisecond)
		if n := len(h.recorded()); n != 4 {
			t.Errorf("%d of one connection wait for the log, want 4", n)
		}
		h.goOn()
		for id := uint16(1); id <= 40; id++ {
			if code := c.wantAck(id); code != 0 {
				t.Fatalf("PUBACK %#x of %d", code, id)
			}
		}
	})
}

// One that does not read its receipts holds up nobody else.
func TestING14_ASlowReader(t *testing.T) {
	h := newHouse(t, "d1", "d2")
	_, addr := h.open(Options{})
	slow, other := signIn(t, addr, "d1", "d1", true), signIn(t, addr, "d2", "d2", true)
	slow.c.(*net.TCPConn).SetReadBuffer(1)
	go func() {
		for i := 1; slow.trySend(3<<4|1<<1, slow.publishBody(uint16(i%60000+1), "v1/t/d1/obs", upload(i))) == nil && i < 3000; i++ {
		}
	}()
	for i := 1; i <= 200; i++ {
		other.publish(uint16(i), "v1/t/d2/obs", upload(i))
		if code := other.wantAck(uint16(i)); code != 0 {
			t.Fatalf("PUBACK %#x", code)
		}
	}
}

func TestGatewayWaitsForTheDirectory(t *testing.T) {
	h := newHouse(t, "d1")
	h.book.notReady = make(chan struct{})
	g, addr := h.open(Options{})
	c := dial(t, addr, true)
	c.send(1<<4, text(text(text(append(text(nil, "MQTT"), 5, 0xc2, 0, 60, 0), "d1"), "d1"), "d1"))
	c.silent(50 * time.Millisecond)
	if g.open.Load() || len(h.read(streams.Inputs, "door.open")) > 0 {
		t.Error("open before the directory has been read")
	}
	close(h.book.notReady)
	c.want(connackPacket)
}

func TestGatewayBeats(t *testing.T) {
	h := newHouse(t, "d1")
	_, _ = h.open(Options{Name: "gateway-7"})
	beats := func(p int32) (all []event.DoorOpened) {
		for _, r := range h.log.Records(streams.Inputs, p) {
			e, err := event.Decode(r.Headers, r.Value)
			if err != nil {
				t.Fatal(err)
			}
			if d, ok := e.Data.(*event.DoorOpened); ok && e.Subject == event.Everyone && string(r.Key) == event.Everyone {
				all = append(all, *d)
			}
		}
		return all
	}
	everywhere := func(n int) func() bool {
		return func() bool {
			for p := range int32(4) {
				if len(beats(p)) < n {
					return false
				}
			}
			return true
		}
	}
	h.eventually("a beat in every partition at the start", everywhere(1))
	h.hang()
	h.book.bind("d2")
	h.eventually("a beat when the directory moved", everywhere(2))
	if d := beats(0); d[1].Directory != 2 || d[0].Directory != 1 || d[0].Door != "gateway-7" {
		t.Errorf("beats %+v", d)
	}
	h.book.bind("d3") // the beat before it is not settled: it waits
	time.Sleep(400 * time.Millisecond)
	if n := len(beats(0)); n != 2 {
		t.Errorf("%d beats while one is not settled, want 2", n)
	}
	h.goOn()
	h.eventually("the beat that was held back", everywhere(3))
	if d := beats(3); d[2].Directory != 3 {
		t.Errorf("beats %+v", d)
	}
}

func TestGatewayCounts(t *testing.T) {
	h := newHouse(t, "d1")
	reg := prometheus.NewRegistry()
	_, addr := h.open(Options{Registry: reg})
	c := signIn(t, addr, "d1", "d1", true)
	c.publish(1, "v1/t/d1/obs", upload(1))
	c.publish(2, "v1/t/d1/obs", `{}`)
	c.wantAck(1)
	c.wantAck(2)
	h.stopLog()
	c.publish(3, "v1/t/d1/obs", upload(3))
	c.wantAck(3)
	for _, result := range []string{"recorded", "rejected", "failed"} {
		if n := counted(t, reg, "tocsin_ingest_observations_total", result); n != 1 {
			t.Errorf("%s counted %v times, want once", result, n)
		}
	}
}

// counted answers the value of a counter whose only label has that value; 0 when it is not there.
func counted(t testing.TB, reg *prometheus.Registry, name, label string) float64 {
	t.Helper()
	families, err := reg.Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range families {
		for _, m := range f.GetMetric() {
			if f.GetName() == name && len(m.GetLabel()) == 1 && m.GetLabel()[0].GetValue() == label {
				return m.GetCounter().GetValue()
			}
		}
	}
	return 0
}

func value(t testing.TB, c prometheus.Counter) float64 {
	t.Helper()
	var m dto.Metric
	if err := c.Write(&m); err != nil {
		t.Fatal(err)
	}
	return m.GetCounter().GetValue()
}

// A panic never costs the process. An upload that panics is kept aside with its bytes, or its sender would send it for ever and
// everything behind it would wait; while a device signs in, it costs the connection.
func TestGatewayOutlivesAPanic(t *testing.T) {
	both(t, func(t *testing.T, v5 bool) {
		h := newHouse(t, "d1", "d2")
		_, addr := h.open(Options{})
		c := signIn(t, addr, "d1", "d1", v5)
		h.book.mu.Lock()
		h.book.trap = "d1"
		h.book.mu.Unlock()
		h.stopLog()
		c.publish(1, "v1/t/d1/obs", upload(1))
		if v5 {
			if code := c.wantAck(1); code != 0x97 {
				t.Errorf("PUBACK %#x for a panic that is nowhere kept, want 0x97", code)
			}
			h.startLog()
			c.publish(1, "v1/t/d1/obs", upload(1))
			if code := c.wantAck(1); code != 0 {
				t.Errorf("PUBACK %#x for what was kept aside", code)
			}
			all := h.rejected()
			if len(all) != 1 {
				t.Fatalf("%d kept aside, want 1", len(all))
			}
			if r := all[0].Data.(*event.ObservationRejected); r.Device != "d1" || r.Reason != ingest.Unreadable || string(r.Raw) != upload(1) || r.MsgID != "m-1" {
				t.Errorf("kept aside as %+v", r)
			}
		} else {
			c.wantEnd()
			h.startLog()
		}
		c = dial(t, addr, v5)
		c.connectOnly("d1", "d1", "d1") // and while it signs in
		c.wantEnd()
		c = signIn(t, addr, "d2", "d2", v5)
		c.publish(1, "v1/t/d2/obs", upload(1))
		if code := c.wantAck(1); code != 0 {
			t.Errorf("PUBACK %#x after a panic elsewhere", code)
		}
	})
}

// Packets that no client sends: the gateway goes on for others.
func TestSEC7_PacketsThatNobodySends(t *testing.T) {
	h := newHouse(t, "d1", "d2")
	_, addr := h.open(Options{})
	good := signIn(t, addr, "d2", "d2", true)
	for _, first := range [][]byte{
		{0x00, 0x00}, {0xff, 0xff, 0xff, 0xff, 0xff, 0x01}, {0x10, 0x00}, {0x10, 0x02, 0x00, 0x04}, {0x30, 0x00}, {0xc0, 0x00}, {0x20, 0x02, 0, 0},
		append([]byte{0x10, 0x7f}, make([]byte, 127)...),
	} {
		r := dial(t, addr, true)
		r.c.Write(first)
		r.c.(*net.TCPConn).CloseWrite()
		r.wantEnd()
	}
	for kind := range byte(16) {
		for _, v5 := range []bool{false, true} {
			for _, body := range [][]byte{nil, {0}, {0, 1}, {0, 1, 0xff}, {0, 5, 'a'}, {0xff, 0xff, 0xff, 0xff}, make([]byte, 40)} {
				r := signIn(t, addr, "d1", "d1", v5)
				r.trySend(kind<<4|2, body)
				r.trySend(14<<4, nil)
				r.c.(*net.TCPConn).CloseWrite()
				r.wantEnd()
			}
		}
	}
	good.ping()
}

func TestGatewayServesManyAtOnce(t *testing.T) {
	h := newHouse(t)
	const devices, each = 20, 50
	for i := range devices {
		h.book.bind(fmt.Sprintf("d%d", i))
	}
	_, addr := h.open(Options{})
	var wg sync.WaitGroup
	for i := range devices {
		wg.Go(func() {
			d := fmt.Sprintf("d%d", i)
			c := signIn(t, addr, d, d, i%2 == 0)
			for id := uint16(1); id <= each; id++ {
				c.publish(id, "v1/t/"+d+"/obs", upload(int(id)))
			}
			for id := uint16(1); id <= each; id++ {
				if code := c.wantAck(id); code != 0 {
					t.Errorf("PUBACK %#x", code)
				}
			}
		})
	}
	wg.Wait()
	last := map[string]int64{}
	for _, e := range h.recorded() {
		o := e.Data.(*event.ObservationRecorded)
		if o.Seq != last[o.Device]+1 {
			t.Errorf("%s: %d after %d", o.Device, o.Seq, last[o.Device])
		}
		last[o.Device] = o.Seq
	}
	if len(last) != devices {
		t.Errorf("%d devices in the log", len(last))
	}
}

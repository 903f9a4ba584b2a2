package gateway

import (
	"encoding/binary"
	"sync"
	"testing"
	"time"
)

// connectWithWill signs in with a last will of that QoS and payload.
func (r *raw) connectWithWill(device, token string, qos byte, will string) (code byte) {
	r.t.Helper()
	version, flags := byte(4), 0x80|0x40|0x20|0x04|0x02|qos<<3 // retained, too
	if r.v5 {
		version = 5
	}
	b := append(text(nil, "MQTT"), version, flags, 0, 60)
	if r.v5 {
		b = append(b, 0)
	}
	b = text(b, device)
	if r.v5 {
		b = append(b, 0)
	}
	b = text(text(b, "v1/t/"+device+"/will"), will)
	r.send(1<<4, text(text(b, device), token))
	return r.want(connackPacket).body[1]
}

// Nobody hears a last will, so none keeps a device out. Only MQTT 5 wants one at QoS 2 refused, since it said that 1 is the most.
func TestGatewayLetsInWithAnyLastWill(t *testing.T) {
	both(t, func(t *testing.T, v5 bool) {
		h := newHouse(t, "d1")
		_, addr := h.open(Options{})
		for qos := range byte(3) {
			for _, will := range []string{"gone", ""} {
				r := dial(t, addr, v5)
				code := r.connectWithWill("d1", "d1", qos, will)
				if v5 && qos == 2 {
					if code != 0x9b && will != "" || code < 0x80 {
						t.Errorf("will %q at QoS 2: CONNACK %#x, want 0x9b", will, code)
					}
					continue
				}
				if code != 0 {
					t.Errorf("will %q at QoS %d: CONNACK %#x", will, qos, code)
					continue
				}
				r.publish(1, "v1/t/d1/obs", upload(int(qos)))
				if code := r.wantAck(1); code != 0 {
					t.Errorf("PUBACK %#x", code)
				}
			}
		}
		if n := len(h.rejected()); n > 0 {
			t.Errorf("%d wills were taken for uploads", n)
		}
	})
}

// A device that signs in many times at one moment ends with one session, and that one works.
func TestGatewayHasOneSessionForADevice(t *testing.T) {
	both(t, func(t *testing.T, v5 bool) {
		h := newHouse(t, "d1")
		g, addr := h.open(Options{})
		const many = 30
		all := make([]*raw, many)
		var wg sync.WaitGroup
		for i := range all {
			all[i] = dial(t, addr, v5)
			wg.Go(func() {
				all[i].connectOnly("d1", "d1", "d1")
				_, _ = all[i].read(10 * time.Second) // the CONNACK, or the end when another was quicker
			})
		}
		wg.Wait()
		h.eventually("one session is left", func() bool {
			g.mu.Lock()
			defer g.mu.Unlock()
			return len(g.wires) == 1
		})
		alive := 0
		for _, r := range all {
			r.c.SetReadDeadline(time.Now().Add(5 * time.Second))
			if err := r.trySend(3<<4|1<<1, r.publishBody(7, "v1/t/d1/obs", upload(7))); err == nil && r.hears(7) {
				alive++
			}
		}
		if alive != 1 {
			t.Errorf("%d sessions take readings, want 1", alive)
		}
	})
}

// hears tells whether a good PUBACK of id comes before the connection's end.
func (r *raw) hears(id uint16) bool {
	for {
		p, err := r.read(5 * time.Second)
		if err != nil {
			return false
		}
		if p.kind == pubackPacket && p.id() == id && p.code() == 0 {
			return true
		}
	}
}

// The gateway grants no topic alias; one that comes all the same ends the connection, without a receipt for anything.
func TestGatewayGrantsNoTopicAlias(t *testing.T) {
	h := newHouse(t, "d1")
	_, addr := h.open(Options{})
	for _, topic := range []string{"v1/t/d1/obs", ""} {
		c := signIn(t, addr, "d1", "d1", true)
		b := binary.BigEndian.AppendUint16(text(nil, topic), 1)
		b = append(b, 3, 0x23, 0, 1)
		c.send(3<<4|1<<1, append(b, upload(1)...))
		if code := c.wantEnd(); code != 0x94 {
			t.Errorf("topic %q: DISCONNECT %#x, want 0x94", topic, code)
		}
	}
	if n := len(h.recorded()); n > 0 {
		t.Errorf("%d readings under an alias were recorded", n)
	}
}

// An upload of no bytes is kept as what it is, and does not come for ever.
func TestGatewayTakesAnEmptyPayload(t *testing.T) {
	both(t, func(t *testing.T, v5 bool) {
		h := newHouse(t, "d1")
		_, addr := h.open(Options{})
		c := signIn(t, addr, "d1", "d1", v5)
		c.publish(1, "v1/t/d1/obs", "")
		if code := c.wantAck(1); code != 0 || len(h.rejected()) != 1 {
			t.Errorf("PUBACK %#x, %d kept as rejected", code, len(h.rejected()))
		}
	})
}

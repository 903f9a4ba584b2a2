package gateway

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"

	mqtt "github.com/mochi-mqtt/server/v2"
	"github.com/mochi-mqtt/server/v2/packets"

	"tocsin/ingest"
	"tocsin/ingest/door"
	"tocsin/streams/directory"
)

// Receipt is what an app says of advice that it was sent, on v1/{tenant}/{device}/receipt: {"v":1,"notice":"…","state":"delivered"}.
type Receipt struct {
	Version int    `json:"v"`
	Notice  string `json:"notice"`
	State   string `json:"state"` // delivered, opened
}

// Tell sends a message to every device of a patient that is connected here and has subscribed to its own topic of that leaf, and answers
// how many that were. It goes at QoS 1 where the device has asked for that, is not retained, and is not kept for anybody who is away. That
// it was written says nothing of whether it came: whoever calls waits for the app's receipt.
func (g *Gateway) Tell(tenant, patient string, leaf ingest.Leaf, payload []byte) (told int) {
	for device, w := range g.ofPatient(tenant, patient) {
		cl, ok := g.server.Clients.Get(device)
		if !ok || cl.Net.Conn != w {
			continue
		}
		topic := ingest.Topic{Tenant: tenant, Device: device, Leaf: leaf}.String()
		if sub, listens := cl.State.Subscriptions.Get(topic); listens && g.write(cl, topic, sub.Qos, payload) == nil {
			told++
		}
	}
	return told
}

// ofPatient answers the connections of the devices that are the patient's as of now.
func (g *Gateway) ofPatient(tenant, patient string) map[string]*wire {
	g.mu.Lock()
	defer g.mu.Unlock()
	all := map[string]*wire{}
	for device, w := range g.sessions {
		s := w.session.Load()
		b, ok := g.o.Directory.Device(device)
		if ok && s != nil && !b.Revoked && b.Tenant == tenant && b.Patient == patient && tokenIs(b, s.signedIn.TokenSHA256) {
			all[device] = w
		}
	}
	return all
}

// write sends one packet past mochi, which has lost some on the way to its own subscribers.
func (g *Gateway) write(cl *mqtt.Client, topic string, qos byte, payload []byte) error {
	pk := packets.Packet{FixedHeader: packets.FixedHeader{Type: packets.Publish, Qos: min(qos, 1)}, TopicName: topic, Payload: payload}
	if pk.FixedHeader.Qos > 0 {
		id, err := cl.NextPacketID()
		if err != nil {
			return fmt.Errorf("publish to device %s: %w", cl.ID, err)
		}
		pk.PacketID = uint16(id)
	}
	return cl.WritePacket(pk)
}

// receipt takes what an app says of advice, and tells whether it was that. What is none goes the way of everything that cannot be read.
func (s *session) receipt(slot *door.Slot[receipt], pk packets.Packet, b directory.Binding) bool {
	if s.g.o.OnReceipt == nil || b.Revoked || !ingest.Owns(b, pk.TopicName, ingest.Receipts) {
		return false
	}
	var r Receipt
	d := json.NewDecoder(bytes.NewReader(pk.Payload))
	if err := d.Decode(&r); err != nil || r.Version != 1 || r.Notice == "" || r.State != "delivered" && r.State != "opened" {
		return false
	}
	s.g.o.OnReceipt(b, r, slot.Settle)
	return true
}

// read are the leaves that a device may listen to.
var read = []ingest.Leaf{ingest.Commands, ingest.Advice, ingest.Limits}

func isRead(b directory.Binding, topic string) bool {
	return slices.ContainsFunc(read, func(l ingest.Leaf) bool { return ingest.Owns(b, topic, l) })
}

// listens tells whoever wants to know that a device listens.
func (g *Gateway) listens(w *wire, topic string) {
	s := w.session.Load()
	if s == nil || g.o.OnListen == nil {
		return
	}
	if b, ok := g.o.Directory.Device(s.device); ok && !b.Revoked && isRead(b, topic) {
		t, _ := ingest.ParseTopic(topic) // isRead has read it
		g.o.OnListen(b, t.Leaf)
	}
}

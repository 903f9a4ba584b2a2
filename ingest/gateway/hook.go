package gateway

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
	"fmt"
	"slices"
	"time"

	mqtt "github.com/mochi-mqtt/server/v2"
	"github.com/mochi-mqtt/server/v2/packets"

	"tocsin/ingest"
	"tocsin/streams"
	"tocsin/streams/directory"
)

// hook is where mochi-mqtt 2.7.9 asks us. What was learnt of it, from its source:
//
//   - OnPublish runs on the connection's reader, so it hands the upload on and returns. It must answer ErrRejectPacket:
//     then mochi sends nothing and the connection stays. Any other error gives a success PUBACK to MQTT 3.1.1 and sometimes to 5,
//     and a packets.Code that was wrapped ends the process (server.go, line 921).
//   - A topic that is no valid one for publishing ($SYS/…) is passed over before OnPublish, without a PUBACK. So
//     those are taken in OnPacketRead, and mochi goes on to pass them over.
//   - A refusal in OnACLCheck is answered at once, ahead of publishes that came before it. So publishing is always
//     allowed there and refused in its turn.
//   - A session is taken over only from one that is known already: of two that sign in together both stay.
//   - QoS 2 is lowered to 1 without a word, and the sender waits for a PUBREC for ever.
//   - Outside its own goroutines nothing of it recovers: every connection and every upload does, here.
type hook struct {
	mqtt.HookBase
	g *Gateway
}

// ID names the hook.
func (*hook) ID() string { return "tocsin" }

// Provides names what we want to be asked.
func (*hook) Provides(b byte) bool {
	switch b {
	case mqtt.OnConnectAuthenticate, mqtt.OnSessionEstablished, mqtt.OnSubscribed, mqtt.OnACLCheck, mqtt.OnPacketRead, mqtt.OnPacketEncode, mqtt.OnPublish:
		return true
	}
	return false
}

// Init has nothing to do; the base would refuse us.
func (*hook) Init(any) error { return nil }

// Stop has nothing to stop.
func (*hook) Stop() error { return nil }

// OnConnectAuthenticate lets a device in that names itself and proves it: by its token, or by a certificate of that name that
// the listener has verified. A certificate of another name keeps it out whatever token it knows.
func (h *hook) OnConnectAuthenticate(cl *mqtt.Client, pk packets.Packet) (ok bool) {
	w, isWire := cl.Net.Conn.(*wire)
	if !isWire {
		return false
	}
	refuse := func(reason refusal) bool {
		h.g.metrics.refused[reason].Inc()
		h.g.o.Logger.Warn("device refused", "door", h.g.o.Name, streams.KeyDevice, fmt.Sprintf("%.128q", cl.ID), streams.KeyAddr, cl.Net.Remote, "reason", string(reason))
		return false
	}
	if cl.ID != string(pk.Connect.Username) || ingest.CheckLevel(cl.ID) != nil {
		return refuse(badName)
	}
	names, certified := w.certified()
	if certified && !slices.Contains(names, cl.ID) {
		return refuse(badCertified)
	}
	b, known := h.g.binding(cl.ID, w.closed)
	sum := sha256.Sum256(pk.Connect.Password)
	switch {
	case !known:
		return refuse(unknownDevice)
	case !certified && !tokenIs(b, hex.EncodeToString(sum[:])):
		return refuse(badToken)
	case b.Revoked:
		return refuse(revoked)
	}
	s := h.g.newSession(w, b, cl.Properties.ProtocolVersion == 5)
	w.session.Store(s)
	select {
	case <-w.closed: // closed before the session was there to be closed with it
		s.line.Close()
	default:
	}
	return true
}

func tokenIs(b directory.Binding, sum string) bool {
	return b.TokenSHA256 != "" && subtle.ConstantTimeCompare([]byte(b.TokenSHA256), []byte(sum)) == 1
}

// binding answers a device's binding. One that is unknown is tried again for a while, since an import may just have
// bound it; who waits for that is bounded in number.
func (g *Gateway) binding(device string, gone <-chan struct{}) (directory.Binding, bool) {
	changed := g.nextChange()
	b, ok := g.o.Directory.Device(device)
	if ok {
		return b, true
	}
	select {
	case g.unknown <- struct{}{}:
		defer func() { <-g.unknown }()
	default:
		return b, false
	}
	ctx, stop := context.WithTimeout(context.Background(), unknownFor)
	defer stop()
	for {
		select {
		case <-changed:
		case <-gone:
			return b, false
		case <-ctx.Done():
			return g.o.Directory.Device(device)
		}
		changed = g.nextChange()
		if b, ok = g.o.Directory.Device(device); ok {
			return b, true
		}
	}
}

// OnSessionEstablished looks once more: a device that was revoked while it signed in was in nobody's list to be closed.
func (h *hook) OnSessionEstablished(cl *mqtt.Client, _ packets.Packet) {
	w, ok := cl.Net.Conn.(*wire)
	if !ok {
		return
	}
	if s := w.session.Load(); s == nil || !s.mayStay() {
		go h.g.cut(w, packets.ErrNotAuthorized)
		return
	}
	h.g.takeOver(w)
	for topic := range cl.State.Subscriptions.GetAll() { // of a session that it comes back to
		h.g.listens(w, topic)
	}
}

// OnSubscribed tells of a device that begins to listen.
func (h *hook) OnSubscribed(cl *mqtt.Client, pk packets.Packet, codes []byte) {
	w, ok := cl.Net.Conn.(*wire)
	for i, f := range pk.Filters {
		if ok && i < len(codes) && codes[i] < packets.ErrUnspecifiedError.Code {
			h.g.listens(w, f.Filter)
		}
	}
}

// OnACLCheck allows reading of the device's own commands and advice alone. Publishing is judged in its turn, by publish.
func (h *hook) OnACLCheck(cl *mqtt.Client, topic string, write bool) bool {
	w, ok := cl.Net.Conn.(*wire)
	if !ok {
		return false
	}
	s := w.session.Load()
	return s != nil && (write || isRead(s.signedIn, topic))
}

// OnPacketRead sees a packet before mochi judges it.
func (h *hook) OnPacketRead(cl *mqtt.Client, pk packets.Packet) (packets.Packet, error) {
	w, ok := cl.Net.Conn.(*wire)
	if ok && pk.FixedHeader.Type == packets.Connect {
		return withoutWill(pk), nil
	}
	if !ok || pk.FixedHeader.Type != packets.Publish {
		return pk, nil
	}
	s := w.session.Load()
	switch {
	case s == nil:
		return pk, packets.ErrRejectPacket
	case pk.FixedHeader.Qos > 1:
		h.g.o.Logger.Warn("device publishes at QoS 2 and is disconnected: at most 1 is taken", "door", h.g.o.Name, streams.KeyDevice, s.device)
		h.g.cut(w, packets.ErrQosNotSupported)
		return pk, packets.ErrRejectPacket
	case pk.TopicName != "" && !mqtt.IsValidFilter(pk.TopicName, true) && pk.PublishValidate(0) == packets.CodeSuccess:
		s.publish(pk, time.Now())
	}
	return pk, nil
}

// withoutWill takes away the last will, which nobody would hear: mochi would keep a device out for one of no bytes, or in
// MQTT 3.1.1, where nobody could tell it that 1 is the most, for one at QoS 2. MQTT 5 wants that one refused.
func withoutWill(pk packets.Packet) packets.Packet {
	c := &pk.Connect
	if !c.WillFlag || c.WillTopic == "" || c.WillQos > 2 || c.WillQos == 2 && pk.ProtocolVersion == 5 {
		return pk
	}
	c.WillFlag, c.WillRetain, c.WillQos = false, false, 0
	c.WillTopic, c.WillPayload, c.WillProperties = "", nil, packets.Properties{}
	return pk
}

// OnPacketEncode completes what a CONNACK says: mochi leaves out what it does not offer.
func (h *hook) OnPacketEncode(_ *mqtt.Client, pk packets.Packet) packets.Packet {
	if pk.FixedHeader.Type != packets.Connack || pk.ReasonCode != packets.CodeSuccess.Code {
		return pk
	}
	p := &pk.Properties
	p.RetainAvailable, p.RetainAvailableFlag = 0, true
	p.WildcardSubAvailable, p.WildcardSubAvailableFlag = 0, true
	p.SubIDAvailable, p.SubIDAvailableFlag = 0, true
	p.SharedSubAvailable, p.SharedSubAvailableFlag = 0, true
	p.MaximumPacketSize = maxPacket
	return pk
}

// OnPublish hands an upload on. mochi itself does nothing more with it.
func (h *hook) OnPublish(cl *mqtt.Client, pk packets.Packet) (packets.Packet, error) {
	w, ok := cl.Net.Conn.(*wire)
	if !ok {
		return pk, packets.ErrRejectPacket
	}
	if s := w.session.Load(); s != nil {
		s.publish(pk, time.Now())
	}
	return pk, packets.ErrRejectPacket
}

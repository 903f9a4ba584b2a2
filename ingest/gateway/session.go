package gateway

import (
	"encoding/binary"
	"errors"
	"fmt"
	"time"

	"github.com/mochi-mqtt/server/v2/packets"

	"tocsin/ingest"
	"tocsin/ingest/door"
	"tocsin/streams"
	"tocsin/streams/directory"
	"tocsin/streams/event"
)

// session is one signed-in connection.
type session struct {
	g        *Gateway
	wire     *wire
	device   string
	signedIn directory.Binding // as it was when the device signed in
	v5       bool
	line     *door.Line[receipt]
}

// receipt is what a publish waits for. Without an id (QoS 0) nothing is sent.
type receipt struct{ packetID uint16 }

func (g *Gateway) newSession(w *wire, b directory.Binding, v5 bool) *session {
	s := &session{g: g, wire: w, device: b.Device, signedIn: b, v5: v5}
	s.line = door.NewLine(g.o.InFlight, maxWaiting, g.o.Patience, s.deliver)
	return s
}

// refused is the receipt of a publish that is not allowed. Its code is MQTT 5's; 3.1.1 is disconnected.
type refused struct{ code packets.Code }

func (r refused) Error() string { return r.code.Reason }

// mayStay tells whether the device may still do what it signed in for.
func (s *session) mayStay() bool {
	b, ok := s.g.o.Directory.Device(s.device)
	return ok && !b.Revoked && tokenIs(b, s.signedIn.TokenSHA256)
}

// publish takes one upload: it waits for room, asks whose it is now, and hands it to the log. The receipt follows by
// itself.
func (s *session) publish(pk packets.Packet, came time.Time) {
	slot := s.line.Enter(receipt{packetID: pk.PacketID}, len(pk.Payload))
	if slot == nil {
		return // the connection is gone, and the sender has its upload still
	}
	defer s.fence(slot, pk, came)
	b, ok := s.g.o.Directory.Device(s.device)
	if !ok || !tokenIs(b, s.signedIn.TokenSHA256) {
		b.Revoked = true
	}
	if s.receipt(slot, pk, b) {
		return
	}
	recorded, rejected := ingest.Accept(s.raw(pk), b, s.g.o.Now())
	s.keep(slot, recorded, rejected, s.verdict(b, pk.TopicName), came)
}

func (s *session) raw(pk packets.Packet) ingest.Raw {
	return ingest.Raw{Topic: pk.TopicName, Payload: pk.Payload, Door: s.g.o.Name}
}

// keep hands to the log what an upload gave. Once that is there, the device hears the verdict.
func (s *session) keep(slot *door.Slot[receipt], recorded *event.Envelope, rejected []event.Envelope, verdict error, came time.Time) {
	door.Keep(s.g.o.Edge, recorded, rejected, func(err error) {
		s.g.metrics.Settled(recorded != nil, len(rejected), time.Since(came), err)
		if err == nil {
			err = verdict
		} else {
			s.g.failed(s.device, err)
		}
		slot.Settle(err)
	})
}

// fence keeps aside an upload that panicked. Without a receipt its sender would send it for ever, and everything behind it
// would wait. Only when it cannot even be kept aside the connection ends.
func (s *session) fence(slot *door.Slot[receipt], pk packets.Packet, came time.Time) {
	fault := recover()
	if fault == nil {
		return
	}
	s.g.metrics.panics.Inc()
	defer func() {
		if r := recover(); r != nil {
			s.g.o.Logger.Error("upload panicked again when it was to be kept aside, and its connection was closed", "door", s.g.o.Name, streams.KeyDevice, s.device, streams.KeyErr, fmt.Sprint(r))
			_ = s.wire.Close()
		}
	}()
	s.g.o.Logger.Error("upload panicked and is kept aside", "door", s.g.o.Name, streams.KeyDevice, s.device, streams.KeyErr, fmt.Sprint(fault))
	e := ingest.Reject(s.raw(pk), s.signedIn, s.g.o.Now(), ingest.Unreadable, fmt.Sprintf("reading it panicked: %v", fault))
	s.keep(slot, nil, []event.Envelope{e}, nil, came)
}

// verdict is what a device hears about an upload that is safely kept and was not allowed all the same.
func (s *session) verdict(b directory.Binding, topic string) error {
	if b.Revoked || !ingest.Owns(b, topic, ingest.Observations) {
		return refused{packets.ErrNotAuthorized}
	}
	return nil
}

// deliver writes receipts, as many in one write as there are. MQTT 3.1.1 has no word for "not taken": it is
// disconnected, and sends again what it has no receipt for.
func (s *session) deliver(batch []door.Receipt[receipt]) {
	b := make([]byte, 0, 5*len(batch))
	for _, r := range batch {
		code, ok := codeOf(r.Err)
		switch {
		case !ok && !s.v5:
			s.send(b)
			_ = s.wire.Close()
			return
		case r.Of.packetID == 0:
		case ok:
			b = binary.BigEndian.AppendUint16(append(b, packets.Puback<<4, 2), r.Of.packetID)
		default:
			b = append(binary.BigEndian.AppendUint16(append(b, packets.Puback<<4, 3), r.Of.packetID), code)
		}
	}
	s.send(b)
}

func (s *session) send(b []byte) {
	if len(b) > 0 {
		_, _ = s.wire.Write(b) // a connection that cannot be written to is closed, and its sender comes again
	}
}

// codeOf answers the reason code of a receipt, and whether it is a good one.
func codeOf(err error) (byte, bool) {
	if err == nil {
		return packets.CodeSuccess.Code, true
	}
	if r, ok := errors.AsType[refused](err); ok {
		return r.code.Code, false
	}
	return packets.ErrQuotaExceeded.Code, false
}

// failed says that the log did not take an upload, once in a while: with the log away every upload fails.
func (g *Gateway) failed(device string, err error) {
	now := time.Now().Unix()
	last := g.lastFailure.Load()
	if now-last >= 10 && g.lastFailure.CompareAndSwap(last, now) {
		g.o.Logger.Warn("the log does not take readings; senders are told to come again", "door", g.o.Name, streams.KeyDevice, device, streams.KeyErr, err)
	}
}

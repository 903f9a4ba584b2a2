package gateway

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"testing"
	"time"
)

// raw speaks MQTT packet by packet, so that a test sees what is really sent. It shares no code with the gateway.
type raw struct {
	t  testing.TB
	c  net.Conn
	r  *bufio.Reader
	v5 bool
}

// The packet types.
const (
	connackPacket    = 2
	pubackPacket     = 4
	subackPacket     = 9
	pingrespPacket   = 13
	disconnectPacket = 14
)

type packet struct {
	kind byte
	body []byte
}

func (p packet) id() uint16 { return binary.BigEndian.Uint16(p.body) }

// code answers the reason code of a PUBACK: it is left out when all is well.
func (p packet) code() byte {
	if len(p.body) > 2 {
		return p.body[2]
	}
	return 0
}

func dial(t testing.TB, addr string, v5 bool) *raw {
	t.Helper()
	c, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	return wrap(t, c, v5)
}

func wrap(t testing.TB, c net.Conn, v5 bool) *raw {
	t.Cleanup(func() { c.Close() })
	return &raw{t: t, c: c, r: bufio.NewReader(c), v5: v5}
}

// signIn connects as device and wants to be let in.
func signIn(t testing.TB, addr, device, token string, v5 bool) *raw {
	t.Helper()
	r := dial(t, addr, v5)
	if code := r.connect(device, device, token); code != 0 {
		t.Fatalf("CONNACK %#x for device %s", code, device)
	}
	r.ping() // the gateway looks once more whether we may stay, after the CONNACK
	return r
}

func text(b []byte, s string) []byte {
	return append(binary.BigEndian.AppendUint16(b, uint16(len(s))), s...)
}

func (r *raw) send(first byte, body []byte) {
	r.t.Helper()
	if err := r.trySend(first, body); err != nil {
		r.t.Fatal(err)
	}
}

func (r *raw) trySend(first byte, body []byte) error {
	b := []byte{first}
	n := len(body)
	for {
		c := byte(n % 128)
		if n /= 128; n > 0 {
			b = append(b, c|128)
			continue
		}
		b = append(b, c)
		break
	}
	_, err := r.c.Write(append(b, body...))
	return err
}

func (r *raw) connect(client, user, password string) (code byte) {
	r.t.Helper()
	r.connectOnly(client, user, password)
	return r.want(connackPacket).body[1]
}

// connectOnly sends a CONNECT and waits for nothing.
func (r *raw) connectOnly(client, user, password string) {
	r.t.Helper()
	version, flags := byte(4), byte(0x80|0x40|0x02)
	if r.v5 {
		version = 5
	}
	b := text(nil, "MQTT")
	b = append(b, version, flags, 0, 60)
	if r.v5 {
		b = append(b, 0)
	}
	b = text(text(text(b, client), user), password)
	r.send(1<<4, b)
}

func (r *raw) publish(id uint16, topic, payload string) {
	r.t.Helper()
	r.send(3<<4|1<<1, r.publishBody(id, topic, payload))
}

func (r *raw) publishBody(id uint16, topic, payload string) []byte {
	b := text(nil, topic)
	if id > 0 {
		b = binary.BigEndian.AppendUint16(b, id)
	}
	if r.v5 {
		b = append(b, 0)
	}
	return append(b, payload...)
}

func (r *raw) subscribe(id uint16, filter string) (code byte) {
	r.t.Helper()
	b := binary.BigEndian.AppendUint16(nil, id)
	if r.v5 {
		b = append(b, 0)
	}
	r.send(8<<4|2, append(text(b, filter), 1))
	p := r.want(subackPacket)
	return p.body[len(p.body)-1]
}

func (r *raw) ping() {
	r.t.Helper()
	r.send(12<<4, nil)
	r.want(pingrespPacket)
}

// read waits for the next packet.
func (r *raw) read(within time.Duration) (packet, error) {
	if err := r.c.SetReadDeadline(time.Now().Add(within)); err != nil {
		return packet{}, err
	}
	first, err := r.r.ReadByte()
	if err != nil {
		return packet{}, err
	}
	n, err := binary.ReadUvarint(r.r)
	if err != nil {
		return packet{}, err
	}
	p := packet{kind: first >> 4, body: make([]byte, n)}
	_, err = io.ReadFull(r.r, p.body)
	return p, err
}

func (r *raw) want(kind byte) packet {
	r.t.Helper()
	p, err := r.read(10 * time.Second)
	if err != nil || p.kind != kind {
		r.t.Fatalf("got packet %d %x, %v; want packet %d", p.kind, p.body, err, kind)
	}
	return p
}

// wantAck waits for the PUBACK of just this publish.
func (r *raw) wantAck(id uint16) (code byte) {
	r.t.Helper()
	p := r.want(pubackPacket)
	if p.id() != id {
		r.t.Fatalf("PUBACK of %d, want %d", p.id(), id)
	}
	return p.code()
}

// wantEnd waits for the connection's end and answers the reason of a DISCONNECT before it, 0 without. A success
// PUBACK on the way is an error.
func (r *raw) wantEnd() (code byte) {
	r.t.Helper()
	for {
		p, err := r.read(10 * time.Second)
		switch {
		case errors.Is(err, os.ErrDeadlineExceeded):
			r.t.Fatal("the connection stays open")
		case err != nil:
			return code
		case p.kind == pubackPacket && p.code() < 0x80:
			r.t.Fatalf("success PUBACK of %d before the end", p.id())
		case p.kind == disconnectPacket && len(p.body) > 0:
			code = p.body[0]
		}
	}
}

// silent wants nothing to come for a moment.
func (r *raw) silent(d time.Duration) {
	r.t.Helper()
	if p, err := r.read(d); err == nil || !errors.Is(err, os.ErrDeadlineExceeded) {
		r.t.Fatalf("got packet %d %x, %v; want nothing", p.kind, p.body, err)
	}
}

func upload(seq int) string {
	return fmt.Sprintf(`{"v":1,"msg_id":"m-%d","boot_id":1,"seq":%d,"obs":[{"mdc":150456,"v":91,"u":"%%"}]}`, seq, seq)
}

package gateway

import (
	"io"
	"net"
	"testing"

	"tocsin/streams"
	"tocsin/streams/event"
)

// noLog takes everything and keeps nothing.
type noLog struct{}

func (noLog) Append(topic, key string, env event.Envelope, done func(int32, int64, error)) {
	_, err := streams.ToRecord(topic, 0, key, env)
	done(0, 0, err)
}

// Whatever a device sends after it has signed in: the gateway comes to an end with it, and no packet makes it panic.
func FuzzPackets(f *testing.F) {
	r := &raw{t: f, v5: true}
	body := r.publishBody(1, "v1/t/d1/obs", upload(1))
	f.Add(append([]byte{3<<4 | 2, byte(len(body)), 1}, body...), true)
	f.Add([]byte{0x82, 0x13, 0, 1, 0, 13, 'v', '1', '/', 't', '/', 'd', '1', '/', 'c', 'm', 'd', 0, 0, 1, 1}, false)
	f.Add([]byte{0xc0, 0, 0xe0, 0}, false)
	f.Add([]byte{0xe0, 2, 4, 0}, true)
	f.Add([]byte{0x62, 2, 0, 1, 0x50, 2, 0, 1, 0x70, 2, 0, 1, 0x40, 2, 0, 1, 0xf0, 0}, true)
	f.Add([]byte("\x82\x1200\x00\x00\r0000000000000"), true) // a SUBSCRIBE without its options
	g, err := New(Options{Name: "g", Directory: newBook("d1"), Edge: noLog{}})
	if err != nil {
		f.Fatal(err)
	}
	g.open.Store(true)
	panics := 0.0
	f.Fuzz(func(t *testing.T, b []byte, v5 bool) {
		near, far := net.Pipe()
		done := make(chan struct{})
		go func() {
			defer close(done)
			g.attend(far)
		}()
		go io.Copy(io.Discard, near)
		version, more := byte(4), ""
		if v5 {
			version, more = 5, "\x00"
		}
		connect := append(text(nil, "MQTT"), version, 0xc2, 0, 60)
		connect = text(text(text(append(connect, more...), "d1"), "d1"), "d1")
		near.Write(append([]byte{0x10, byte(len(connect))}, connect...))
		near.Write(b)
		near.Close()
		<-done
		if n := value(t, g.metrics.panics); n != panics {
			panics = n
			t.Fatalf("%x (MQTT 5: %v) made the gateway panic", b, v5)
		}
	})
}

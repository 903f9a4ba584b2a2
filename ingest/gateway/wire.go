package gateway

import (
	"crypto/tls"
	"net"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// wire is a connection as mochi sees it. It puts right what a plain one would do to us: every packet is written whole
// and by one writer at a time, since receipts do not go through mochi; a write has its own deadline, because mochi's
// are renewed by reading and there is none at all without a keep-alive; and a connection that never signs in is closed.
type wire struct {
	net.Conn
	session atomic.Pointer[session]

	write  sync.Mutex
	once   sync.Once
	closed chan struct{}
}

func newWire(c net.Conn) *wire {
	_ = c.SetReadDeadline(time.Now().Add(signInWithin)) // a connection that takes no deadline fails at its first read
	return &wire{Conn: c, closed: make(chan struct{})}
}

// device answers whose connection it is; empty before it has signed in.
func (w *wire) device() string {
	if s := w.session.Load(); s != nil {
		return s.device
	}
	return ""
}

// certified answers the names in the certificate by which the device has proved itself to the listener (common name and DNS names),
// and whether it has.
func (w *wire) certified() (names []string, ok bool) {
	c, secure := w.Conn.(*tls.Conn)
	if !secure {
		return nil, false
	}
	chains := c.ConnectionState().VerifiedChains
	if len(chains) == 0 {
		return nil, false
	}
	leaf := chains[0][0]
	names = slices.Clone(leaf.DNSNames)
	if leaf.Subject.CommonName != "" {
		names = append(names, leaf.Subject.CommonName)
	}
	return names, true
}

// Write writes b, which is whole packets. A write that failed leaves half a packet behind, so the connection ends with it.
func (w *wire) Write(b []byte) (int, error) {
	w.write.Lock()
	defer w.write.Unlock()
	if err := w.SetWriteDeadline(time.Now().Add(writeWithin)); err != nil {
		return 0, err
	}
	n, err := w.Conn.Write(b)
	if err != nil {
		_ = w.Close()
	}
	return n, err
}

// SetDeadline is how mochi keeps the peer alive: it concerns reading alone.
func (w *wire) SetDeadline(t time.Time) error { return w.SetReadDeadline(t) }

// Close ends the connection and turns away whoever waits for room in its line.
func (w *wire) Close() (err error) {
	w.once.Do(func() {
		close(w.closed)
		err = w.Conn.Close()
		if s := w.session.Load(); s != nil {
			s.line.Close()
		}
	})
	return err
}

package gateway

import (
	"errors"
	"log/slog"
	"net"
	"os"
	"strings"
	"sync"
	"syscall"
	"testing"
	"testing/synctest"
	"time"
)

// outOfFiles is a listener whose host has no more files for a minute.
type outOfFiles struct {
	until time.Time
	err   error
}

func (l *outOfFiles) Accept() (net.Conn, error) {
	if time.Now().Before(l.until) {
		return nil, &net.OpError{Op: "accept", Err: os.NewSyscallError("accept4", l.err)}
	}
	return nil, net.ErrClosed
}
func (*outOfFiles) Close() error   { return nil }
func (*outOfFiles) Addr() net.Addr { return &net.TCPAddr{} }

// A storm of connections uses up the files for a minute: the door stays, or nobody's readings come in after it.
func TestGatewayOutlivesAMinuteWithoutFiles(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g, err := New(Options{Name: "g", Directory: newBook(), Edge: noLog{}})
		if err != nil {
			t.Fatal(err)
		}
		if err := g.accept(t.Context(), &outOfFiles{until: time.Now().Add(time.Minute), err: syscall.EMFILE}); err != nil {
			t.Errorf("the gateway gave up: %v", err)
		}
		if err := g.accept(t.Context(), &outOfFiles{until: time.Now().Add(time.Minute), err: syscall.EINVAL}); !errors.Is(err, syscall.EINVAL) {
			t.Errorf("an error that no waiting mends is %v", err)
		}
	})
}

// A device that is cut off for what it sends comes again and again; whoever is to mend it has to hear which one and why.
func TestGatewaySaysWhoSendsTooMuch(t *testing.T) {
	both(t, func(t *testing.T, v5 bool) {
		h := newHouse(t, "d1")
		var said notes
		_, addr := h.open(Options{Logger: slog.New(slog.NewTextHandler(&said, nil))})
		c := signIn(t, addr, "d1", "d1", v5)
		_ = c.trySend(3<<4|1<<1, c.publishBody(2, "v1/t/d1/obs", strings.Repeat("x", 300<<10)))
		h.eventually("the device is named", func() bool {
			return strings.Contains(said.String(), "level=WARN") && strings.Contains(said.String(), "device=d1") && strings.Contains(said.String(), "packet too large")
		})
	})
}

// notes is what a gateway logs.
type notes struct {
	mu sync.Mutex
	b  strings.Builder
}

func (n *notes) Write(p []byte) (int, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.b.Write(p)
}

func (n *notes) String() string {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.b.String()
}

// While the log hangs and nothing is read, the time for the next packet stands still: the device has sent its ping, and is
// not to be cut off because we did not read it.
func TestING14_KeepAliveUnderBackPressure(t *testing.T) {
	both(t, func(t *testing.T, v5 bool) {
		h := newHouse(t, "d1")
		_, addr := h.open(Options{InFlight: 1})
		c := dial(t, addr, v5)
		version, more := byte(4), ""
		if v5 {
			version, more = 5, "\x00"
		}
		c.send(1<<4, text(text(text(append(append(text(nil, "MQTT"), version, 0xc2, 0, 1), more...), "d1"), "d1"), "d1"))
		c.want(connackPacket)
		h.hang()
		c.publish(1, "v1/t/d1/obs", upload(1))
		c.publish(2, "v1/t/d1/obs", upload(2)) // waits for room
		c.send(12<<4, nil)                     // waits behind it
		c.silent(2 * time.Second)              // longer than one and a half times the keep-alive of a second
		h.goOn()
		got := map[byte]int{}
		for range 3 {
			p, err := c.read(5 * time.Second)
			if err != nil {
				t.Fatalf("the connection ended: %v", err)
			}
			got[p.kind]++
		}
		if got[pubackPacket] != 2 || got[pingrespPacket] != 1 {
			t.Errorf("got packets %v", got)
		}
	})
}

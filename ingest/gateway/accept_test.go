package gateway

import (
	"errors"
	"net"
	"os"
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

package gateway

import (
	"errors"
	"io"
	"net"
	"net/http"
	"slices"
	"time"

	"github.com/gorilla/websocket"
)

// subprotocol is the only one that MQTT over WebSocket has (MQTT 5, 6.0).
const subprotocol = "mqtt"

// WebSocket is the same door for those who cannot speak TCP, to be mounted at /mqtt. Until the gateway serves it answers 503.
func (g *Gateway) WebSocket() http.Handler {
	up := websocket.Upgrader{
		Subprotocols: []string{subprotocol},
		// A page of another origin brings no cookie that counts here: the device proves itself by its token.
		CheckOrigin: func(*http.Request) bool { return true },
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch {
		case !g.open.Load():
			w.Header().Set("Retry-After", "1")
			http.Error(w, "the gateway is not open yet: try again in a moment", http.StatusServiceUnavailable)
			return
		case !slices.Contains(websocket.Subprotocols(r), subprotocol):
			http.Error(w, "this is MQTT over WebSocket: ask for the subprotocol mqtt", http.StatusBadRequest)
			return
		}
		c, err := up.Upgrade(w, r, nil)
		if err != nil {
			return // it has been answered
		}
		// A message has no limit: it is read as it comes, and may hold a whole backlog. The packets in it have theirs.
		g.attend(&socket{c: c})
	})
}

// socket is a WebSocket as a stream of bytes: where a message begins and ends means nothing in MQTT.
type socket struct {
	c *websocket.Conn
	r io.Reader // the rest of a message; nil between messages
}

var errText = errors.New("a text message came where MQTT has binary ones")

// Read reads from the next message once the last is used up.
func (s *socket) Read(p []byte) (int, error) {
	for {
		if s.r == nil {
			kind, r, err := s.c.NextReader()
			if err != nil {
				return 0, err
			}
			if kind != websocket.BinaryMessage {
				return 0, errText
			}
			s.r = r
		}
		n, err := s.r.Read(p)
		if errors.Is(err, io.EOF) {
			s.r, err = nil, nil
			if n == 0 {
				continue
			}
		}
		return n, err
	}
}

// Write writes one message.
func (s *socket) Write(p []byte) (int, error) {
	if err := s.c.WriteMessage(websocket.BinaryMessage, p); err != nil {
		return 0, err
	}
	return len(p), nil
}

func (s *socket) Close() error                       { return s.c.Close() }
func (s *socket) LocalAddr() net.Addr                { return s.c.LocalAddr() }
func (s *socket) RemoteAddr() net.Addr               { return s.c.RemoteAddr() }
func (s *socket) SetReadDeadline(t time.Time) error  { return s.c.SetReadDeadline(t) }
func (s *socket) SetWriteDeadline(t time.Time) error { return s.c.SetWriteDeadline(t) }
func (s *socket) SetDeadline(t time.Time) error {
	return errors.Join(s.c.SetReadDeadline(t), s.c.SetWriteDeadline(t))
}

package gateway

import (
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	paho "github.com/eclipse/paho.mqtt.golang"
	"github.com/gorilla/websocket"

	"tocsin/ingest"
	"tocsin/streams/event"
)

// mount puts the WebSocket door on an HTTP server and answers its URL.
func mount(t *testing.T, g *Gateway) string {
	mux := http.NewServeMux()
	mux.Handle("/mqtt", g.WebSocket())
	s := httptest.NewServer(mux)
	t.Cleanup(s.Close)
	return "ws" + strings.TrimPrefix(s.URL, "http") + "/mqtt"
}

func TestING1_OverWebSocket(t *testing.T) {
	both(t, func(t *testing.T, v5 bool) {
		h := newHouse(t, "d1")
		g, _ := h.open(Options{})
		dialer := websocket.Dialer{Subprotocols: []string{"mqtt"}}
		c, resp, err := dialer.Dial(mount(t, g), nil)
		if err != nil || c.Subprotocol() != "mqtt" {
			t.Fatalf("%v, subprotocol %q", err, resp.Header.Get("Sec-WebSocket-Protocol"))
		}
		r := wrap(t, &socket{c: c}, v5)
		if code := r.connect("d1", "d1", "d1"); code != 0 {
			t.Fatalf("CONNACK %#x", code)
		}
		h.hang()
		r.publish(1, "v1/t/d1/obs", upload(1))
		r.ping()
		h.eventually("the reading lands", func() bool { return len(h.recorded()) == 1 })
		h.goOn()
		if code := r.wantAck(1); code != 0 {
			t.Errorf("PUBACK %#x", code)
		}
		h.stopLog()
		r.publish(2, "v1/t/d1/obs", upload(2))
		if v5 {
			if code := r.wantAck(2); code != 0x97 {
				t.Errorf("PUBACK %#x with the log stopped", code)
			}
		} else if p, err := r.read(5 * time.Second); err == nil {
			t.Errorf("got packet %d with the log stopped, want the end", p.kind)
		}
	})
}

// MQTT does not care where a WebSocket message ends: a device may send its whole backlog in one, larger than any packet.
func TestING6_ABacklogInOneWebSocketMessage(t *testing.T) {
	h := newHouse(t, "d1")
	g, _ := h.open(Options{})
	dialer := websocket.Dialer{Subprotocols: []string{"mqtt"}}
	c, _, err := dialer.Dial(mount(t, g), nil)
	if err != nil {
		t.Fatal(err)
	}
	r := wrap(t, &socket{c: c}, true)
	if code := r.connect("d1", "d1", "d1"); code != 0 {
		t.Fatalf("CONNACK %#x", code)
	}
	const readings = 4000
	var all gathered
	for id := uint16(1); id <= readings; id++ {
		(&raw{t: t, c: &all, v5: true}).publish(id, "v1/t/d1/obs", upload(int(id)))
	}
	if len(all.b) < 300<<10 {
		t.Fatalf("%d bytes are no more than a packet may have", len(all.b))
	}
	go c.WriteMessage(websocket.BinaryMessage, all.b) // it waits while the gateway reads no further
	for id := uint16(1); id <= readings; id++ {
		if code := r.wantAck(id); code != 0 {
			t.Fatalf("PUBACK %#x of %d", code, id)
		}
	}
}

// gathered is a connection that gathers what is written to it.
type gathered struct {
	net.Conn
	b []byte
}

func (g *gathered) Write(p []byte) (int, error) {
	g.b = append(g.b, p...)
	return len(p), nil
}

func TestWebSocketWithoutItsSubprotocol(t *testing.T) {
	h := newHouse(t, "d1")
	g, _ := h.open(Options{})
	url := mount(t, g)
	_, resp, err := websocket.DefaultDialer.Dial(url, nil)
	if err == nil || resp.StatusCode != http.StatusBadRequest {
		t.Fatalf("got %v, want 400", err)
	}
	resp, err = http.Get("http" + strings.TrimPrefix(url, "ws"))
	if err != nil {
		t.Fatal(err)
	}
	body, _ := io.ReadAll(resp.Body)
	resp.Body.Close()
	if resp.StatusCode != http.StatusBadRequest || !strings.Contains(string(body), "subprotocol mqtt") {
		t.Errorf("a browser sees %d %s", resp.StatusCode, body)
	}
}

func TestWebSocketBeforeTheGatewayIsOpen(t *testing.T) {
	h := newHouse(t, "d1")
	h.book.notReady = make(chan struct{})
	g, _ := h.open(Options{})
	dialer := websocket.Dialer{Subprotocols: []string{"mqtt"}}
	if _, resp, err := dialer.Dial(mount(t, g), nil); err == nil || resp.StatusCode != http.StatusServiceUnavailable {
		t.Errorf("got %v, want 503", err)
	}
}

// A client that nobody here wrote: paho, over both ways.
func TestGatewayServesPaho(t *testing.T) {
	h := newHouse(t, "d1", "d2")
	g, addr := h.open(Options{})
	for device, url := range map[string]string{"d1": "tcp://" + addr, "d2": mount(t, g)} {
		o := paho.NewClientOptions().AddBroker(url).SetClientID(device).SetUsername(device).SetPassword(device).
			SetCleanSession(false).SetWill("v1/t/"+device+"/will", "gone", 1, true).SetAutoReconnect(false)
		c := paho.NewClient(o)
		done := func(what string, token paho.Token) {
			t.Helper()
			if !token.WaitTimeout(10*time.Second) || token.Error() != nil {
				t.Fatalf("%s: %s: %v", url, what, token.Error())
			}
		}
		done("connect", c.Connect())
		done("subscribe", c.Subscribe("v1/t/"+device+"/cmd", 1, nil))
		var tokens []paho.Token
		for i := 1; i <= 100; i++ {
			tokens = append(tokens, c.Publish("v1/t/"+device+"/obs", 1, false, upload(i)))
		}
		for _, token := range tokens {
			done("publish", token)
		}
		c.Disconnect(100)
	}
	all := h.recorded()
	for _, e := range all {
		if o := e.Data.(*event.ObservationRecorded); !ingest.Owns(ingest.Binding{Tenant: "t", Device: o.Device}, "v1/t/"+o.Device+"/obs", ingest.Observations) {
			t.Errorf("recorded %+v", o)
		}
	}
	if len(all) != 200 {
		t.Errorf("%d readings in the log, want 200", len(all))
	}
}

package bridge

import (
	"bytes"
	"fmt"
	"log/slog"
	"net"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/eclipse/paho.mqtt.golang/packets"
	"github.com/prometheus/client_golang/prometheus"

	"tocsin/deploy/testkit"
	"tocsin/ingest"
	"tocsin/streams"
	"tocsin/streams/event"
)

// notes is what a bridge logs.
type notes struct {
	mu sync.Mutex
	b  bytes.Buffer
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

func (n *notes) say(what string) func() bool {
	return func() bool { return strings.Contains(n.String(), what) }
}

func (n *notes) logger() *slog.Logger { return slog.New(slog.NewTextHandler(n, nil)) }

func restart(t *testing.T, m *testkit.MosquittoServer) {
	t.Helper()
	if err := m.Stop(); err != nil {
		t.Fatal(err)
	}
	if err := m.Start(); err != nil {
		t.Fatal(err)
	}
}

// The broker restarts and keeps its sessions: the bridge comes back by itself. What was published meanwhile is there with a
// subscription of its own; Mosquitto 2.0.11 forgets shared ones over a restart, and what it throws away then nobody can have.
func TestBridgeOutlivesARestartOfTheBroker(t *testing.T) {
	for group, first := range map[string]int64{"": 1, "tocsin": 6} {
		t.Run("group "+group, func(t *testing.T) {
			m := testkit.Mosquitto(t, testkit.MosquittoOptions{})
			log, n := streams.NewMemory(4), &notes{}
			run(t, log, Options{Broker: "tcp://" + m.Addr(), Name: "bridge-1", Group: group, Directory: &everybody{}, Logger: n.logger()})
			taking := func(times int) func() bool {
				return func() bool { return strings.Count(n.String(), "bridge takes readings") == times }
			}
			eventually(t, "the bridge has subscribed", taking(1))
			restart(t, m)
			s := newSender(t, m.Addr())
			for i := 1; i <= 5; i++ {
				s.publish("v1/t/d1/obs", upload(i))
			}
			eventually(t, "the bridge has come back", taking(2))
			for i := 6; i <= 10; i++ {
				s.publish("v1/t/d1/obs", upload(i))
			}
			recorded := func() []int64 { return seqs(events(t, log, streams.Inputs, "observation.recorded")) }
			for i := first; i <= 10; i++ {
				eventually(t, fmt.Sprintf("reading %d", i), func() bool { return slices.Contains(recorded(), i) })
			}
			if n.say("lost the session")() || n.say("QoS 0")() {
				t.Errorf("a session that was kept is complained of:\n%s", n)
			}
		})
	}
}

// refusing is a broker that lets everybody in and subscribe to nothing. (Mosquitto's own lists do not refuse subscriptions.)
func refusing(t *testing.T) (addr string) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go refuseAll(c)
		}
	}()
	return l.Addr().String()
}

func refuseAll(c net.Conn) {
	defer c.Close()
	for {
		pk, err := packets.ReadPacket(c)
		if err != nil {
			return
		}
		switch pk := pk.(type) {
		case *packets.ConnectPacket:
			err = packets.NewControlPacket(packets.Connack).Write(c)
		case *packets.SubscribePacket:
			a := packets.NewControlPacket(packets.Suback).(*packets.SubackPacket)
			a.MessageID, a.ReturnCodes = pk.MessageID, []byte{0x80}
			err = a.Write(c)
		}
		if err != nil {
			return
		}
	}
}

// A bridge that may not read is not up, however it subscribes.
func TestBridgeHearsThatItIsRefused(t *testing.T) {
	for _, group := range []string{"", "tocsin"} {
		log, n := streams.NewMemory(4), &notes{}
		run(t, log, Options{Broker: "tcp://" + refusing(t), Name: "bridge-1", Group: group, Directory: &everybody{}, Logger: n.logger()})
		eventually(t, "the refusal is told", n.say("the broker refuses it"))
		if len(events(t, log, streams.Inputs, "door.open")) > 0 {
			t.Errorf("group %q: the door is called open though nothing can come in", group)
		}
	}
}

// A broker that forgets its sessions has thrown away what was published while the bridge was away: somebody must hear.
func TestBridgeSaysThatTheBrokerLostItsSession(t *testing.T) {
	m := testkit.Mosquitto(t, testkit.MosquittoOptions{Extra: []string{"persistence false"}})
	log, n := streams.NewMemory(4), &notes{}
	run(t, log, Options{Broker: "tcp://" + m.Addr(), Name: "bridge-1", Group: "tocsin", Directory: &everybody{}, Logger: n.logger()})
	eventually(t, "the bridge has subscribed", func() bool { return len(events(t, log, streams.Inputs, "door.open")) >= 4 })
	if n.say("lost the session")() {
		t.Error("a first session is called lost")
	}
	restart(t, m)
	eventually(t, "the lost session is told", n.say("lost the session"))
}

// With QoS 0 granted the broker throws away what it cannot deliver at once: readings are taken, and somebody must hear.
func TestBridgeSaysThatTheBrokerGrantsTooLittle(t *testing.T) {
	m := testkit.Mosquitto(t, testkit.MosquittoOptions{Extra: []string{"max_qos 0"}})
	log, n := streams.NewMemory(4), &notes{}
	run(t, log, Options{Broker: "tcp://" + m.Addr(), Name: "bridge-1", Directory: &everybody{}, Logger: n.logger()})
	eventually(t, "the low QoS is told", n.say("QoS 0"))
}

// One message that panics is kept aside; it does not shut the bridge for all others, again and again.
func TestBridgeOutlivesAPanic(t *testing.T) {
	m := testkit.Mosquitto(t, testkit.MosquittoOptions{})
	log, n := streams.NewMemory(4), &notes{}
	reg := prometheus.NewRegistry()
	run(t, log, Options{Broker: "tcp://" + m.Addr(), Name: "bridge-1", Group: "tocsin", Directory: &everybody{trap: "bad"}, Logger: n.logger(), Registry: reg})
	eventually(t, "the bridge has subscribed", func() bool { return len(events(t, log, streams.Inputs, "door.open")) >= 4 })
	s := newSender(t, m.Addr())
	s.publish("v1/t/bad/obs", upload(1))
	s.publish("v1/t/d1/obs", upload(2))
	eventually(t, "the reading behind it", func() bool { return len(events(t, log, streams.Inputs, "observation.recorded")) == 1 })
	eventually(t, "what panicked", func() bool { return len(events(t, log, streams.Rejected, "observation.rejected")) == 1 })
	r := events(t, log, streams.Rejected, "observation.rejected")[0].Data.(*event.ObservationRejected)
	if r.Reason != ingest.Unreadable || r.Device != "bad" || string(r.Raw) != upload(1) || !strings.Contains(r.Detail, "a fault in the bridge") {
		t.Errorf("kept as %+v", r)
	}
	if n.say("away from the broker")() {
		t.Error("the bridge left the broker")
	}
}

// What a broker retained was measured at nobody knows what time: its moment of receipt is a lie, its own time is none.
func TestING3_ARetainedReadingIsNotOfNow(t *testing.T) {
	m := testkit.Mosquitto(t, testkit.MosquittoOptions{})
	s := newSender(t, m.Addr())
	retained := map[string]string{
		"v1/t/d1/obs": upload(1),
		"v1/t/d2/obs": `{"v":1,"msg_id":"m","t_meas":"2026-03-01T23:00:00Z","t_dev_now":"2026-03-01T23:00:00Z","obs":[{"mdc":150456,"v":91,"u":"%"}]}`,
		"v1/t/d3/obs": `{"v":1,"msg_id":"m","clock":{"source":"utc","synced":true},"t_meas":"2026-03-01T23:59:00Z","obs":[{"mdc":150456,"v":91,"u":"%"}]}`,
	}
	for topic, payload := range retained {
		if token := s.c.Publish(topic, 1, true, payload); !token.WaitTimeout(answerIn) || token.Error() != nil {
			t.Fatal(token.Error())
		}
	}
	log := streams.NewMemory(4)
	now, err := event.ParseTime("2026-03-02T00:00:00Z")
	if err != nil {
		t.Fatal(err)
	}
	run(t, log, Options{Broker: "tcp://" + m.Addr(), Name: "bridge-1", Directory: &everybody{}, Now: func() event.Time { return now }})
	eventually(t, "all three", func() bool {
		return len(events(t, log, streams.Inputs, "observation.recorded"))+len(events(t, log, streams.Rejected, "observation.rejected")) >= 3
	})
	var recorded, rejected []string
	for _, e := range events(t, log, streams.Inputs, "observation.recorded") {
		recorded = append(recorded, e.Data.(*event.ObservationRecorded).Device)
	}
	for _, e := range events(t, log, streams.Rejected, "observation.rejected") {
		r := e.Data.(*event.ObservationRejected)
		rejected = append(rejected, r.Device+" "+r.Reason)
	}
	slices.Sort(rejected)
	if !slices.Equal(recorded, []string{"d3"}) || !slices.Equal(rejected, []string{"d1 clock", "d2 clock"}) {
		t.Errorf("recorded %v, rejected %v", recorded, rejected)
	}
	s.publish("v1/t/d1/obs", upload(2)) // the same without the flag is of now
	eventually(t, "a reading that is not retained", func() bool { return len(events(t, log, streams.Inputs, "observation.recorded")) == 2 })
}

package gateway

import (
	"context"
	"net"
	"testing"
	"time"

	"tocsin/deploy/embedded/broker"
	"tocsin/streams"
	"tocsin/streams/event"
	"tocsin/streams/kafka"
)

// The log over its real protocol, stopped and started again under a gateway that stays up.
func TestING1_REL2_NoPubackWhileKafkaIsStopped(t *testing.T) {
	dir := t.TempDir()
	b := startBroker(t, dir, "")
	addr := b.Addr()
	log, err := kafka.Open(kafka.Options{Brokers: []string{addr}, WriteTimeout: 2 * time.Second})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { log.Close() })
	edge := streams.OpenEdge(log, "gateway-1", 4)
	t.Cleanup(func() { edge.Close() })
	mqttAddr := serve(t, Options{Name: "gateway-1", Directory: newBook("d1", "d2"), Edge: edge, Patience: 20 * time.Second})

	v5, v3 := signIn(t, mqttAddr, "d1", "d1", true), signIn(t, mqttAddr, "d2", "d2", false)
	v5.publish(1, "v1/t/d1/obs", upload(1))
	if code := v5.wantAck(1); code != 0 {
		t.Fatalf("PUBACK %#x with the log up", code)
	}
	stopBroker(t, b)
	v5.publish(2, "v1/t/d1/obs", upload(2))
	v3.publish(2, "v1/t/d2/obs", upload(2))
	v5.ping()
	v3.ping()
	if code := v5.wantAck(2); code != 0x97 {
		t.Errorf("PUBACK %#x with Kafka stopped, want 0x97", code)
	}
	v3.wantEnd()

	b = startBroker(t, dir, addr)
	defer stopBroker(t, b)
	for id, end := uint16(3), time.Now().Add(30*time.Second); ; id++ {
		v5.publish(id, "v1/t/d1/obs", upload(3))
		if v5.wantAck(id) == 0 {
			break
		}
		if time.Now().After(end) {
			t.Fatal("Kafka is back and the gateway is not")
		}
		time.Sleep(20 * time.Millisecond)
	}
	ids := idsIn(t, log)
	if !ids["d1/1/1"] || !ids["d1/1/3"] {
		t.Errorf("acknowledged and not in the log: %v", ids)
	}
}

func startBroker(t *testing.T, dir, addr string) *broker.Broker {
	t.Helper()
	b, err := broker.Start(broker.Options{Dir: dir, Addr: addr})
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func stopBroker(t *testing.T, b *broker.Broker) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	if err := b.Stop(ctx); err != nil {
		t.Error(err)
	}
}

func serve(t *testing.T, o Options) string {
	t.Helper()
	g, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- g.Serve(ctx, l) }()
	t.Cleanup(func() {
		stop()
		if err := <-done; err != nil {
			t.Errorf("gateway ended: %v", err)
		}
	})
	return l.Addr().String()
}

func idsIn(t *testing.T, log streams.Log) map[string]bool {
	t.Helper()
	ids := map[string]bool{}
	for p := range int32(4) {
		first, next, err := log.Bounds(t.Context(), streams.Inputs, p)
		if err != nil {
			t.Fatal(err)
		}
		r, err := log.Read(streams.Inputs, p, first)
		if err != nil {
			t.Fatal(err)
		}
		for at := first; at < next; {
			batch, err := r.Next(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			for _, rec := range batch {
				at = rec.Offset + 1
				e, _, err := event.Attributes(rec.Headers)
				if err != nil {
					t.Fatal(err)
				}
				ids[e.ID] = true
			}
		}
		r.Close()
	}
	return ids
}

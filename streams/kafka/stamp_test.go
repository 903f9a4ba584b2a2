package kafka_test

import (
	"context"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"tocsin/deploy/testkit"
	"tocsin/streams"
	"tocsin/streams/kafka"
)

// A door whose host runs two hours ahead can keep readings: Apache Kafka takes what it stamps.
func TestAnHourAheadIsKept(t *testing.T) {
	c := testkit.SharedKafka(t)
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	if err := kafka.Ensure(ctx, c.Brokers(), kafka.Security{}, 4, 1); err != nil {
		t.Fatal(err)
	}
	cl, err := kgo.NewClient(kgo.SeedBrokers(c.Brokers()...))
	if err != nil {
		t.Fatal(err)
	}
	defer cl.Close()
	r := &kgo.Record{Topic: streams.Rejected, Value: []byte("x"), Timestamp: time.Now().Add(2 * time.Hour)}
	if err := cl.ProduceSync(ctx, r).FirstErr(); err != nil {
		t.Error(err)
	}
}

package kafka_test

import (
	"context"
	"testing"
	"time"

	"tocsin/deploy/embedded/broker"
	"tocsin/deploy/testkit"
	"tocsin/streams"
	"tocsin/streams/kafka"
	"tocsin/streams/logtest"
)

func embedded(t testing.TB) *broker.Broker {
	t.Helper()
	b, err := broker.Start(broker.Options{Dir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		if err := b.Stop(ctx); err != nil {
			t.Error(err)
		}
	})
	return b
}

func open(t testing.TB, o kafka.Options) *kafka.Log {
	t.Helper()
	l, err := kafka.Open(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := l.Close(); err != nil {
			t.Error(err)
		}
	})
	return l
}

func TestEmbeddedIsALog(t *testing.T) {
	t.Parallel()
	b := embedded(t)
	logtest.Run(t, func(t *testing.T) (streams.Log, int32) {
		return open(t, kafka.Options{Brokers: []string{b.Addr()}}), 4
	})
}

func TestApacheKafkaIsALog(t *testing.T) {
	t.Parallel()
	c := testkit.SharedKafka(t)
	if err := kafka.Ensure(t.Context(), c.Brokers(), kafka.Security{}, 4, 1); err != nil {
		t.Fatal(err)
	}
	logtest.Run(t, func(t *testing.T) (streams.Log, int32) {
		return open(t, kafka.Options{Brokers: c.Brokers()}), 4
	})
}

package kafka

import (
	"context"
	"io"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kfake"

	"tocsin/streams"
)

// An error that came together with records and has passed since must not be met again at every try: whoever reads would
// wait for ever.
func TestAnErrorThatHasPassedIsNotMetForEver(t *testing.T) {
	c, err := kfake.NewCluster(kfake.NumBrokers(1), kfake.SeedTopics(1, streams.Inputs))
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	l, err := Open(Options{Brokers: c.ListenAddrs()})
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	w, err := l.Write("test")
	if err != nil {
		t.Fatal(err)
	}
	defer w.Close()
	if _, err := streams.AppendWait(ctx, w, streams.Record{Topic: streams.Inputs, Value: []byte("a")}); err != nil {
		t.Fatal(err)
	}
	r, err := l.Read(streams.Inputs, 0, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	r.(*reader).late = io.ErrUnexpectedEOF // the connection broke behind the records before
	records, err := r.Next(ctx)
	if err != nil || len(records) != 1 {
		t.Fatalf("%d records, %v", len(records), err)
	}
}

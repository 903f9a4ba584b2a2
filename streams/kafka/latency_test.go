package kafka_test

import (
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"tocsin/streams"
	"tocsin/streams/event"
	"tocsin/streams/kafka"
)

// BenchmarkLatency sends 2,000 records a second over four partitions to the embedded broker, which syncs each batch,
// and tells how long the acknowledgement and the waiting reader took. Owners that write what follows make the broker
// as busy as it is in use: each answers what it reads with a batch of two records to decisions.
func BenchmarkLatency(b *testing.B) {
	for _, linger := range []time.Duration{0, time.Millisecond, 2 * time.Millisecond, 5 * time.Millisecond} {
		for _, owners := range []bool{false, true} {
			b.Run(fmt.Sprintf("linger=%s/owners=%t", linger, owners), func(b *testing.B) { latency(b, linger, owners) })
		}
	}
}

func latency(b *testing.B, linger time.Duration, owners bool) {
	const partitions, rate, seconds = 4, 2000, 4
	log := open(b, kafka.Options{Brokers: []string{embedded(b).Addr()}})
	w, err := log.Lingering(linger).Write("door")
	if err != nil {
		b.Fatal(err)
	}
	defer w.Close()
	acks, reads, decided := &times{}, &times{}, &times{}
	var readers []streams.Reader
	var wg sync.WaitGroup
	for p := range int32(partitions) {
		r, err := log.Read(streams.Inputs, p, 0)
		if err != nil {
			b.Fatal(err)
		}
		readers = append(readers, r)
		wg.Go(func() { follow(b, log, r, p, owners, reads, decided) })
	}
	value := make([]byte, 300)
	headers := []event.Header{{Key: "ce_id", Value: []byte("d/1/2")}, {Key: "ce_type", Value: []byte("observation.recorded")}, {Key: "ce_source", Value: []byte("door-1")}}
	for b.Loop() {
		begin := time.Now()
		for i := range rate * seconds {
			if wait := time.Until(begin.Add(time.Duration(i) * time.Second / rate)); wait > 0 {
				time.Sleep(wait)
			}
			sent := time.Now()
			key := []byte(sent.Format(time.RFC3339Nano))
			w.Append(streams.Record{Topic: streams.Inputs, Partition: int32(i) % partitions, Key: key, Value: value, Headers: headers}, func(_ int64, err error) {
				if err != nil {
					b.Error(err)
				}
				acks.add(time.Since(sent))
			})
		}
		if err := w.Flush(b.Context()); err != nil {
			b.Fatal(err)
		}
	}
	time.Sleep(50 * time.Millisecond)
	for _, r := range readers {
		r.Close()
	}
	wg.Wait()
	acks.report(b, "ack")
	reads.report(b, "read")
	if owners {
		decided.report(b, "decided")
	}
	b.ReportMetric(0, "ns/op")
}

// follow reads one partition and, when it is an owner, answers each batch with a batch.
func follow(b *testing.B, log streams.Log, r streams.Reader, p int32, owner bool, reads, decided *times) {
	w, err := log.Write("owner")
	if err != nil {
		b.Error(err)
		return
	}
	defer w.Close()
	for {
		got, err := r.Next(b.Context())
		if err != nil {
			return
		}
		var first time.Time
		for _, k := range got {
			sent, err := time.Parse(time.RFC3339Nano, string(k.Key))
			if err != nil {
				b.Error(err)
				return
			}
			if first.IsZero() {
				first = sent
			}
			reads.add(time.Since(sent))
		}
		if owner {
			w.Append(streams.Record{Topic: streams.Decisions, Partition: p, Value: make([]byte, 400)}, nil)
			w.Append(streams.Record{Topic: streams.Decisions, Partition: p, Value: make([]byte, 200)}, func(int64, error) { decided.add(time.Since(first)) })
		}
	}
}

type times struct {
	mu  sync.Mutex
	all []time.Duration
}

func (t *times) add(d time.Duration) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.all = append(t.all, d)
}

func (t *times) report(b *testing.B, what string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if len(t.all) == 0 {
		b.Errorf("%s: nothing measured", what)
		return
	}
	slices.Sort(t.all)
	at := func(q float64) float64 { return float64(t.all[int(q*float64(len(t.all)-1))].Microseconds()) / 1000 }
	b.ReportMetric(at(.5), what+"-p50-ms")
	b.ReportMetric(at(.99), what+"-p99-ms")
}

// BenchmarkThroughput appends and reads as fast as it goes, one partition, 300 bytes a record.
func BenchmarkThroughput(b *testing.B) {
	log := open(b, kafka.Options{Brokers: []string{embedded(b).Addr()}})
	w, err := log.Write("bench")
	if err != nil {
		b.Fatal(err)
	}
	defer w.Close()
	r, err := log.Read(streams.Inputs, 0, 0)
	if err != nil {
		b.Fatal(err)
	}
	defer r.Close()
	value := make([]byte, 300)
	done := func(_ int64, err error) {
		if err != nil {
			b.Error(err)
		}
	}
	b.SetBytes(300)
	b.ReportAllocs()
	b.ResetTimer()
	go func() {
		for range b.N {
			w.Append(streams.Record{Topic: streams.Inputs, Value: value}, done)
		}
	}()
	for n := 0; n < b.N; {
		got, err := r.Next(b.Context())
		if err != nil {
			b.Fatal(err)
		}
		n += len(got)
	}
	if err := w.Flush(b.Context()); err != nil { // what is read may not be acknowledged yet
		b.Fatal(err)
	}
}

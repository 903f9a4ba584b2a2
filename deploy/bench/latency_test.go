package bench

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"tocsin/deploy/embedded/broker"
	"tocsin/rules"
	"tocsin/rules/pack"
	"tocsin/streams"
	"tocsin/streams/event"
	"tocsin/streams/kafka"
)

// Budget 2: from handing a grave reading to the door's writer until a follower of the log sees the warning in a step
// that holds, while 2,000 uploads a second pass: embedded log with fsync, 4 partitions, everything in this process.
func BenchmarkBudget2ReadingToWarning(b *testing.B) {
	const partitions, rate, patients = 4, 2000, 4000
	quiet := slog.New(slog.DiscardHandler)
	br, err := broker.Start(broker.Options{Dir: b.TempDir(), Addr: "127.0.0.1:0", Partitions: partitions, Logger: quiet})
	if err != nil {
		b.Fatal(err)
	}
	defer func() { _ = br.Stop(context.Background()) }()
	log, err := kafka.Open(kafka.Options{Brokers: []string{br.Addr()}, ClientID: "bench", Registry: prometheus.NewRegistry(), Logger: quiet})
	if err != nil {
		b.Fatal(err)
	}
	defer func() { _ = log.Close() }()
	ctx, cancel := context.WithCancel(context.Background())
	var wg sync.WaitGroup
	defer wg.Wait()
	defer cancel()
	wg.Go(func() {
		if err := streams.RunOwner(ctx, log, streams.PatientPair, cores(), streams.OwnerOptions{Name: "bench"}); err != nil {
			b.Error(err)
		}
	})
	w := &watcher{sent: map[string]time.Time{}}
	for p := range int32(partitions) {
		wg.Go(func() {
			err := streams.Follow(ctx, log, streams.PatientPair, p, cores(), w.hear)
			if err != nil && !errors.Is(err, context.Canceled) {
				b.Error(err)
			}
		})
	}
	edge := streams.OpenEdge(log.Lingering(2*time.Millisecond), "gateway/bench", partitions) // as deploy opens it
	defer func() { _ = edge.Close() }()
	enrol(b, edge, patients)
	b.ResetTimer()
	begin := time.Now()
	ticker := time.NewTicker(time.Millisecond)
	defer ticker.Stop()
	const seconds = 20
	var settled sync.WaitGroup
	for i := 0; i < rate*seconds; {
		<-ticker.C
		for due := int(time.Since(begin).Seconds() * rate); i < min(due, rate*seconds); i++ {
			at := event.TimeOf(time.Now())
			e := upload(i%patients, i/patients, at)
			if i%20 == 7 && i/patients == i%10 { // each patient at most once, spread over the run
				e.Data.(*event.ObservationRecorded).Readings[0].Value = event.Int(84)
				w.note(e.Subject)
			}
			settled.Add(1)
			edge.Append(streams.Inputs, e.Subject, e, func(_ int32, _ int64, err error) {
				defer settled.Done()
				if err != nil {
					b.Error(err)
				}
			})
		}
	}
	settled.Wait()
	b.StopTimer()
	w.report(b)
}

func enrol(b *testing.B, edge *streams.Edge, patients int) {
	var wg sync.WaitGroup
	effects := int64(0)
	put := func(key string, data event.Event) {
		effects++
		wg.Add(1)
		edge.Append(streams.Inputs, key, event.Envelope{ID: fmt.Sprint("effect/", effects), Source: "registrar", Subject: key, At: event.TimeOf(time.Now()), Effect: event.Effect{Offset: effects}, Data: data},
			func(_ int32, _ int64, err error) {
				defer wg.Done()
				if err != nil {
					b.Error(err)
				}
			})
	}
	text := pack.Library()[rules.DefaultPack]
	c, err := pack.Compile(text)
	if err != nil {
		b.Fatal(err)
	}
	put(event.Everyone, &event.PackPublished{Pack: rules.DefaultPack, Version: c.Version, Sum: c.Sum, Text: text})
	put(event.Everyone, &event.GroupSet{Tenant: "t", Group: "g", Pack: rules.DefaultPack})
	for i := range patients {
		put(fmt.Sprintf("t/P-%06d", i), &event.PatientEnrolled{Tenant: "t", Patient: fmt.Sprintf("P-%06d", i), Group: "g"})
	}
	wg.Wait()
}

// watcher notes when a grave reading was sent and when its warning was seen.
type watcher struct {
	mu   sync.Mutex
	sent map[string]time.Time
	took []time.Duration
}

func (w *watcher) note(key string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.sent[key] = time.Now()
}

func (w *watcher) hear(c streams.Change[state, facts]) error {
	for _, e := range c.Events {
		if _, ok := e.Data.(*event.AlertRaised); !ok {
			continue
		}
		w.mu.Lock()
		if at, ok := w.sent[e.Subject]; ok {
			w.took = append(w.took, time.Since(at))
			delete(w.sent, e.Subject)
		}
		w.mu.Unlock()
	}
	return nil
}

func (w *watcher) report(b *testing.B) {
	for end := time.Now().Add(10 * time.Second); ; time.Sleep(10 * time.Millisecond) {
		w.mu.Lock()
		open := len(w.sent)
		w.mu.Unlock()
		if open == 0 {
			break
		}
		if time.Now().After(end) {
			b.Fatalf("%d warnings never came", open)
		}
	}
	slices.Sort(w.took)
	at := func(q float64) float64 {
		return float64(w.took[int(q*float64(len(w.took)-1))].Microseconds()) / 1000
	}
	b.ReportMetric(at(0.5), "p50-ms")
	b.ReportMetric(at(0.99), "p99-ms")
	b.ReportMetric(float64(len(w.took)), "warnings")
	b.ReportMetric(0, "ns/op")
}

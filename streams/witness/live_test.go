package witness

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"tocsin/streams"
	"tocsin/streams/event"
	streamskafka "tocsin/streams/kafka"
)

// bell raises one warning at a patient's first reading, for ever: enough to give the log steps.
type bell struct{}

func (bell) Common(f struct{}, _ event.Envelope, _ event.Time) (struct{}, error) { return f, nil }

func (bell) Apply(_ struct{}, s int, e event.Envelope, _ event.Time) (int, error) {
	if o, ok := e.Data.(*event.ObservationRecorded); ok {
		s += len(o.Readings)
	}
	return s, nil
}

func (bell) Decide(_ struct{}, s int, e event.Envelope, now event.Time) ([]event.Event, error) {
	if o, ok := e.Data.(*event.ObservationRecorded); ok && s == len(o.Readings) {
		return []event.Event{&event.AlertRaised{Alert: "w-" + e.Subject[len("demo/"):], Episode: 1, Problem: event.Deterioration,
			Severity: event.High, AnswerBy: now.Add(time.Minute)}}, nil
	}
	return nil, nil
}

func (bell) Due(struct{}, int, event.Time) []event.Event { return nil }
func (bell) NextDue(struct{}, int) event.Time            { return event.Never }

// own runs an owner until stop is called, which waits for its orderly end.
func own(t *testing.T, log streams.Log, name string) (stop func()) {
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() {
		ended <- streams.RunOwner(ctx, log, streams.PatientPair, streams.Alone("bell", bell{}), streams.OwnerOptions{Name: name, Version: "test"})
	}()
	return func() {
		cancel()
		if err := <-ended; err != nil {
			t.Errorf("owner %s: %v", name, err)
		}
	}
}

// send writes uploads from seq on, one a patient in turn, every fifth of them twice.
func send(t *testing.T, edge *streams.Edge, from, to int) {
	t.Helper()
	settled := make(chan error, 2*(to-from))
	sent := 0
	for seq := from; seq < to; seq++ {
		patient := fmt.Sprintf("P-%04d", seq%40)
		now := event.TimeOf(time.Now())
		env := event.Envelope{ID: fmt.Sprintf("dev-%s/1/%d", patient, seq), Source: "gateway/test", Subject: "demo/" + patient, At: now,
			Data: &event.ObservationRecorded{Device: "dev-" + patient, MsgID: fmt.Sprintf("m%d", seq), BootID: 1, Seq: int64(seq), Sequenced: true,
				MeasuredAt: now, ReceivedAt: now, Clock: event.Clock{Quality: event.ClockOK}, Door: "test",
				Readings: []event.Reading{{Quantity: event.PulsePerMin, Value: event.Int(70)}}}}
		for range 1 + (seq+1)%5/4 {
			edge.Append(streams.Inputs, env.Subject, env, func(_ int32, _ int64, err error) { settled <- err })
			sent++
		}
	}
	for range sent {
		if err := <-settled; err != nil {
			t.Fatal(err)
		}
	}
}

// What Tocsin itself writes, over two owners one after the other, the witness finds in order: this is where
// the witness's own idea of steps, checkpoints and identities meets the real one.
func TestWitnessFindsTocsinInOrder(t *testing.T) {
	const n = 4
	addrs := fake(t)
	if err := streamskafka.Ensure(t.Context(), addrs, streamskafka.Security{}, n, 1); err != nil {
		t.Fatal(err)
	}
	log, err := streamskafka.Open(streamskafka.Options{Brokers: addrs})
	if err != nil {
		t.Fatal(err)
	}
	defer log.Close()
	edge := streams.OpenEdge(log, "gateway/test", n)
	defer edge.Close()

	judged := func() *Evidence {
		e, err := Judge(t.Context(), JudgeOptions{Options: Options{Brokers: addrs}})
		if err != nil {
			t.Fatal(err)
		}
		return e
	}
	settledAll := func() error {
		if e := judged(); e.Behind() > 0 {
			return fmt.Errorf("%d inputs are not settled", e.Behind())
		}
		return nil
	}
	for i, name := range []string{"first", "second"} {
		stop := own(t, log, name)
		send(t, edge, i*1000, (i+1)*1000)
		poll(t, 30*time.Second, settledAll)
		stop()
	}
	e := judged()
	if len(e.Faults) > 0 {
		t.Errorf("faults: %s", strings.Join(e.Faults, "\n"))
	}
	if e.Folded != 2000 || e.RepeatsFound != 400 || e.RepeatsTold != 400 || len(e.Warnings) != 40 || e.Lives < 2*n {
		t.Errorf("folded %d of 2000, repeats %d and %d of 400, %d warnings of 40, %d lives", e.Folded, e.RepeatsFound, e.RepeatsTold, len(e.Warnings), e.Lives)
	}

	expect := Expect{Replicas: 1, Pairs: []Pair{{streams.Inputs, streams.Decisions, streams.Checkpoints, streams.PatientPair.Group}}}
	for _, topic := range streams.Topics {
		expect.Topics = append(expect.Topics, TopicSpec{topic.Name, int(topic.Count(n)), streams.TopicConfig(1)})
	}
	var out strings.Builder
	if faults := PrintFindings(&out, Examine(t.Context(), Options{Brokers: addrs}, expect)); faults > 0 || strings.Contains(out.String(), "warn ") {
		t.Errorf("the doctor finds\n%s", &out)
	}
	if !strings.Contains(out.String(), "checkpoints: 8 rounds of states, whole and in place") {
		t.Errorf("the doctor sees other rounds than two owners of %d partitions wrote at their end:\n%s", n, &out)
	}
}

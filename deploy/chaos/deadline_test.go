package chaos

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"syscall"
	"testing"
	"time"

	"tocsin/streams"
	"tocsin/streams/event"
	"tocsin/streams/kafka"
)

// Ten thousand warnings are open when the monitor is stopped, and half their deadlines pass while nobody is there. Started again,
// it keeps those that are ahead to the second, and those that have passed within five seconds of its start (ALR-7).
func TestALR7_TenThousandDeadlinesSurviveARestart(t *testing.T) {
	if testing.Short() {
		t.Skip("takes half a minute")
	}
	const patients, answer = 10_000, 20 * time.Second
	w := newTree(t)
	w.roles = []string{"log", "monitor"}
	w.start("log")
	w.start("monitor")
	policy := filepath.Join(t.TempDir(), "policy.yaml")
	text := fmt.Sprintf("tenant: t\nseverity: low\npolicy: {steps: [{to: nurse, answer_ms: %d}, {to: lead, answer_ms: 3600000}], care_ms: 600000, close_ms: 3600000, retry_ms: 300000, ease_ms: 600000}\n", answer.Milliseconds())
	if err := os.WriteFile(policy, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the policy is set", time.Minute, func() error {
		out, err := w.command(t.Context(), "policy", "set", policy, "--kafka", w.kafka)
		if err != nil {
			return fmt.Errorf("%w: %s", err, out)
		}
		return nil
	})
	h := openHearing(t, w.kafka)
	h.waitForPolicy() // in every partition: what is raised before goes by the usual one, which gives half a day
	h.enrol(patients)
	eventually(t, "everybody is warned of", time.Minute, func() error { return h.read(func() int { return len(h.due) }, patients) })

	w.signal("monitor", syscall.SIGTERM)
	<-w.procs["monitor"].done
	h.waitForHalf()
	began := event.TimeOf(time.Now())
	w.start("monitor")
	eventually(t, "everybody is escalated", time.Minute, func() error { return h.read(func() int { return len(h.escalated) }, patients) })

	late, passed, worst := 0, 0, time.Duration(0)
	for alert, due := range h.due {
		if due <= began {
			passed++
		}
		by := h.escalated[alert].Sub(max(due, began))
		worst = max(worst, by)
		if by > 5*time.Second || h.escalated[alert] < due {
			late++
		}
	}
	t.Logf("%d of %d deadlines passed while nobody was there; the worst was kept %s late", passed, patients, worst)
	if late > 0 || passed == 0 || passed == patients {
		t.Errorf("%d of %d were kept more than 5 s late, or early; %d passed meanwhile; the worst %s\n%s", late, patients, passed, worst, w.said())
	}
}

func eventually(t *testing.T, what string, within time.Duration, is func() error) {
	t.Helper()
	var err error
	for end := time.Now().Add(within); time.Now().Before(end); time.Sleep(100 * time.Millisecond) {
		if err = is(); err == nil {
			return
		}
	}
	t.Fatalf("waited %s until %s: %v", within, what, err)
}

// hearing reads what becomes of warnings by the rule of reading.
type hearing struct {
	t         *testing.T
	log       *kafka.Log
	n         int32
	at        []*streams.Steps
	due       map[string]event.Time // by alert
	escalated map[string]event.Time
}

func openHearing(t *testing.T, broker string) *hearing {
	t.Helper()
	log, err := kafka.Open(kafka.Options{Brokers: []string{broker}, ClientID: "test"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = log.Close() })
	h := &hearing{t: t, log: log, due: map[string]event.Time{}, escalated: map[string]event.Time{}}
	if h.n, err = log.Partitions(t.Context(), streams.Inputs); err != nil {
		t.Fatal(err)
	}
	for range h.n {
		h.at = append(h.at, streams.NewSteps(streams.Beginning))
	}
	return h
}

// waitForPolicy waits until the policy was handed on to every partition.
func (h *hearing) waitForPolicy() {
	h.t.Helper()
	ctx, cancel := context.WithTimeout(h.t.Context(), time.Minute)
	defer cancel()
	for p := range h.n {
		if err := h.findPolicy(ctx, p); err != nil {
			h.t.Fatalf("the policy does not come to partition %d: %v", p, err)
		}
	}
}

func (h *hearing) findPolicy(ctx context.Context, p int32) error {
	first, _, err := h.log.Bounds(ctx, streams.Inputs, p)
	if err != nil {
		return err
	}
	return streams.Each(ctx, h.log, streams.Inputs, p, first, streams.Endless, func(r streams.Record) error {
		if _, t, err := event.Attributes(r.Headers); err == nil && t == (*event.PolicySet)(nil).Type() {
			return streams.ErrEnough
		}
		return nil
	})
}

// enrol writes, as the registrar's handing-on and a desk would, that there are patients and that somebody worries about each.
func (h *hearing) enrol(patients int) {
	h.t.Helper()
	edge := streams.OpenEdge(h.log, "test", h.n)
	defer func() { _ = edge.Close() }()
	var kept sync.WaitGroup
	write := func(key, id string, d event.Event) {
		kept.Add(1)
		edge.Append(streams.Inputs, key, event.Envelope{ID: id, Source: "test", Subject: key, At: event.TimeOf(time.Now()), Data: d}, func(_ int32, _ int64, err error) {
			if err != nil {
				h.t.Error(err)
			}
			kept.Done()
		})
	}
	for i := range patients {
		id := fmt.Sprintf("P-%06d", i)
		write("t/"+id, "enrol/"+id, &event.PatientEnrolled{Tenant: "t", Patient: id, Group: "copd"})
		write("t/"+id, "warn/"+id, &event.WarnRequested{Request: event.Request{By: "nurse-a", Role: "nurse"}, Severity: event.Low, Text: "worried"})
	}
	kept.Wait()
}

// read takes what has been decided since, and tells whether count has come to want.
func (h *hearing) read(count func() int, want int) error {
	ctx, cancel := context.WithTimeout(h.t.Context(), 10*time.Second)
	defer cancel()
	for p := range h.n {
		if err := h.readOn(ctx, p); err != nil {
			return err
		}
	}
	if got := count(); got != want {
		return fmt.Errorf("%d of %d", got, want)
	}
	return nil
}

func (h *hearing) readOn(ctx context.Context, p int32) error {
	_, end, err := h.log.Bounds(ctx, streams.Decisions, p)
	if err != nil || h.at[p].Next() >= end {
		return err
	}
	return streams.ReadSteps(ctx, h.log, streams.Decisions, p, h.at[p], func(step *streams.Step) error { h.hear(step); return nil },
		func() (bool, error) { return h.at[p].Next() >= end, nil })
}

func (h *hearing) hear(step *streams.Step) {
	for _, e := range step.Events {
		switch d := e.Data.(type) {
		case *event.AlertRaised:
			if d.Problem == event.Reported {
				h.due[d.Alert] = d.AnswerBy
			}
		case *event.AlertEscalated:
			if _, first := h.escalated[d.Alert]; !first && h.due[d.Alert] != 0 {
				h.escalated[d.Alert] = e.At
			}
		}
	}
}

// waitForHalf waits until half the deadlines have passed: that moment is known, and nothing else brings it about.
func (h *hearing) waitForHalf() {
	first, last := event.Never, event.Time(0)
	for _, due := range h.due {
		first, last = min(first, due), max(last, due)
	}
	time.Sleep(time.Until((first + (last-first)/2).Std()))
}

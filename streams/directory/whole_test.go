package directory

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"tocsin/streams"
	"tocsin/streams/event"
)

// system is a registrar and a view over a memory log, and an asker as a command has it.
type system struct {
	t    *testing.T
	log  *streams.Memory
	view *View
	ask  *Asker
	stop func()
}

const partitions = 4

func start(t *testing.T, log *streams.Memory) *system {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	var parts sync.WaitGroup
	run := func(name string, fn func() error) {
		parts.Go(func() {
			if err := fn(); err != nil && !errors.Is(err, context.Canceled) {
				t.Errorf("%s: %v", name, err)
			}
		})
	}
	view := NewView(log)
	edge := streams.OpenEdge(log, "test", partitions)
	run("registrar", func() error {
		return RunRegistrar(ctx, log, partitions, Machine{Check: testCheck}, streams.OwnerOptions{Name: "test", Logger: slog.New(slog.DiscardHandler)})
	})
	run("view", func() error { return view.Run(ctx) })
	s := &system{t: t, log: log, view: view, ask: NewAsker(edge, view, func() event.Time { return event.TimeOf(time.Now()) })}
	s.stop = sync.OnceFunc(func() {
		cancel()
		parts.Wait()
		_ = edge.Close()
	})
	t.Cleanup(s.stop)
	if err := view.WaitReady(soon(t)); err != nil {
		t.Fatal(err)
	}
	return s
}

func soon(t *testing.T) context.Context {
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	t.Cleanup(cancel)
	return ctx
}

func (s *system) mustAsk(r event.Event) {
	s.t.Helper()
	if _, err := s.ask.Ask(soon(s.t), r); err != nil {
		s.t.Fatal(err)
	}
}

func (s *system) mustImport(text string) []Outcome {
	s.t.Helper()
	rows, err := ReadRows(strings.NewReader("tenant,patient,group,device,token\n" + text))
	if err != nil {
		s.t.Fatal(err)
	}
	out, position, err := s.ask.Import(soon(s.t), rows, "test", nil)
	if err != nil {
		s.t.Fatal(err)
	}
	if err := s.view.Wait(soon(s.t), position); err != nil {
		s.t.Fatal(err)
	}
	return out
}

// effects answers what a partition's fold would take of what was handed on: later places only.
func effects(log *streams.Memory, partition int32) (taken []string) {
	var last event.Effect
	for _, r := range log.Records(streams.Inputs, partition) {
		e, err := event.Decode(r.Headers, r.Value)
		if err != nil || e.Effect.IsZero() || !e.Effect.After(last) {
			continue
		}
		last = e.Effect
		taken = append(taken, e.Subject+" "+string(e.Data.Type()))
	}
	return taken
}

// eventually waits until is answers nil.
func eventually(t *testing.T, is func() error) {
	t.Helper()
	deadline := time.Now().Add(20 * time.Second)
	for {
		err := is()
		if err == nil {
			return
		}
		if time.Now().After(deadline) {
			t.Fatal(err)
		}
		time.Sleep(5 * time.Millisecond)
	}
}

func TestImportIsAnsweredAndHandedOn(t *testing.T) {
	s := start(t, streams.NewMemory(partitions))
	out := s.mustImport("t1,P-0113,ward,d1,\nt1,P-0114,ward,d2,secret\nt2,P-1,ward,d1,x\n")
	if out[0].Made == "" || out[0].Refused != nil || out[1].Made != "" || out[1].Refused != nil {
		t.Fatalf("got %+v", out[:2])
	}
	if r := out[2].Refused; r == nil || r.Reason != "device_taken" || strings.Contains(r.En, "P-0113") {
		t.Fatalf("another tenant's device: %+v", r)
	}
	b, ok := s.view.Device("d1")
	if !ok || b.Tenant != "t1" || b.Patient != "P-0113" || b.Group != "ward" || b.TokenSHA256 != Sum(out[0].Made) || b.Revoked || b.AsRecorded {
		t.Fatalf("bound as %+v", b)
	}
	if got := s.view.Patients("t1", "ward"); fmt.Sprint(got) != "[P-0113 P-0114]" {
		t.Fatalf("patients %v", got)
	}
	again := s.mustImport("t1,P-0113,ward,d1,\n")
	if again[0].Made != "" {
		t.Fatal("the second import of a row without a token made another token")
	}
	for p := range int32(partitions) {
		want := []string{"* group.set"}
		for _, patient := range []string{"t1/P-0113", "t1/P-0114"} {
			if streams.PartitionOf(patient, partitions) == p {
				want = append(want, patient+" patient.enrolled")
			}
		}
		eventually(t, func() error {
			if got := effects(s.log, p); fmt.Sprint(got) != fmt.Sprint(want) {
				return fmt.Errorf("partition %d takes %v, want %v", p, got, want)
			}
			return nil
		})
	}
}

func TestTenThousandRowsWithinTenSeconds(t *testing.T) {
	s := start(t, streams.NewMemory(partitions))
	var csv strings.Builder
	csv.WriteString("tenant,patient,group,device,token\n")
	for i := range importRows {
		fmt.Fprintf(&csv, "t%d,P-%05d,g%d,dev-%05d,\n", i%3, i, i%7, i)
	}
	began := time.Now()
	rows, err := ReadRows(strings.NewReader(csv.String()))
	if err != nil {
		t.Fatal(err)
	}
	out, _, err := s.ask.Import(soon(t), rows, "test", nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, o := range out {
		if o.Refused != nil || o.Made == "" {
			t.Fatalf("row %+v", o)
		}
	}
	eventually(t, func() error {
		n := 0
		for p := range int32(partitions) {
			for _, e := range effects(s.log, p) {
				if strings.HasSuffix(e, "patient.enrolled") {
					n++
				}
			}
		}
		if n != importRows {
			return fmt.Errorf("%d patients handed on", n)
		}
		return nil
	})
	took := time.Since(began)
	t.Logf("%d rows in %s", importRows, took)
	if promised && took > 10*time.Second {
		t.Fatalf("%d rows took %s", importRows, took)
	}
}

func TestRestartKnowsEverythingAndGoesOn(t *testing.T) {
	log := streams.NewMemory(partitions)
	s := start(t, log)
	s.mustImport("t1,P-0113,ward,d1,secret\n")
	s.mustAsk(&event.AccountRequested{Account: "nurse-a", Role: "nurse", Password: "$argon2id$"})
	s.mustAsk(&event.TokenRequested{Token: "k", SHA256: Sum("bearer"), Role: "auditor"})
	eventually(t, func() error {
		if len(effects(log, streams.PartitionOf("t1/P-0113", partitions))) != 2 {
			return errors.New("not handed on yet")
		}
		return nil
	})
	s.stop()

	s = start(t, log)
	if _, ok := s.view.Account("nurse-a"); !ok {
		t.Fatal("the account is gone")
	}
	if k, ok := s.view.Token(Sum("bearer")); !ok || k.Role != "auditor" {
		t.Fatal("the token is gone")
	}
	if _, err := s.ask.Ask(soon(t), row("t2", "P-1", "ward", "d1")); err == nil {
		t.Fatal("the device was given away after the restart")
	}
	s.mustAsk(&event.RevokeRequested{Device: "d1"})
	if b, _ := s.view.Device("d1"); !b.Revoked {
		t.Fatal("not revoked")
	}
	low := event.Int(88)
	s.mustAsk(&event.PlanRequested{Tenant: "t1", Patient: "P-0113", Plan: event.Plan{Targets: map[event.Quantity]event.Target{event.SpO2Percent: {Low: &low}}}})
	want := "[* group.set t1/P-0113 patient.enrolled t1/P-0113 plan.changed]"
	eventually(t, func() error {
		if got := fmt.Sprint(effects(log, streams.PartitionOf("t1/P-0113", partitions))); got != want {
			return fmt.Errorf("its partition takes %s, want %s", got, want)
		}
		return nil
	})
}

// While a partition of inputs refuses, nothing overtakes: afterwards every fold takes every effect, in order.
func TestHandingOnStopsAtTheFirstFailure(t *testing.T) {
	log := streams.NewMemory(partitions)
	var refused atomic.Int64
	var down atomic.Bool
	log.FailAppends(func(topic string, p int32, _ streams.Record) error {
		if topic == streams.Inputs && down.Load() && refused.Add(1)%3 == 1 {
			return errors.New("broker is gone")
		}
		return nil
	})
	s := start(t, log)
	s.mustImport("t1,P-0,ward,d0,x\n")
	down.Store(true)
	var csv strings.Builder
	for i := range 200 {
		fmt.Fprintf(&csv, "t1,P-%d,g%d,d%d,x\n", i+1, i%5, i+1)
	}
	s.mustImport(csv.String())
	eventually(t, func() error {
		if refused.Load() < 5 {
			return errors.New("nothing was refused yet")
		}
		return nil
	})
	down.Store(false)
	eventually(t, func() error {
		got := map[string]int{}
		for p := range int32(partitions) {
			for _, e := range effects(log, p) {
				got[e]++
			}
		}
		if got["* group.set"] != 6*partitions {
			return fmt.Errorf("%d copies of 6 groups", got["* group.set"])
		}
		for i := range 201 {
			if key := fmt.Sprintf("t1/P-%d patient.enrolled", i); got[key] != 1 {
				return fmt.Errorf("%s %d times", key, got[key])
			}
		}
		return nil
	})
}

func TestRevocationIsHeardInTheLoop(t *testing.T) {
	s := start(t, streams.NewMemory(partitions))
	heard := make(chan string, 10)
	s.view.OnRevoke(func(d string) { heard <- d })
	s.mustImport("t1,P-1,ward,d1,a\nt1,P-1,ward,d2,a\n")
	s.mustImport("t1,P-1,ward,d1,b\n") // another token: whoever holds the old one is out
	s.mustAsk(&event.RevokeRequested{Device: "d2"})
	if a, b := <-heard, <-heard; a != "d1" || b != "d2" {
		t.Fatalf("heard %s, %s", a, b)
	}
}

func TestWaitDoorsWaitsForLiveDoorsAlone(t *testing.T) {
	log := streams.NewMemory(partitions)
	edge := streams.OpenEdge(log, "door", partitions)
	defer edge.Close()
	beat := func(door string, directory int64) {
		done := make(chan error, 1)
		edge.Append(streams.Inputs, event.Everyone, event.Envelope{ID: NewID(), Source: door, Subject: event.Everyone, At: event.TimeOf(time.Now()),
			Data: &event.DoorOpened{Door: door, Directory: directory}}, func(_ int32, _ int64, err error) { done <- err })
		if err := <-done; err != nil {
			t.Fatal(err)
		}
	}
	if err := WaitDoors(soon(t), log, 10); err != nil {
		t.Fatalf("without doors: %v", err)
	}
	log.Now = func() time.Time { return time.Now().Add(-time.Minute) }
	beat("gone", 1)
	log.Now = time.Now
	beat("a", 10)
	beat("b", 9)
	ended := make(chan error, 1)
	go func() { ended <- WaitDoors(soon(t), log, 10) }()
	select {
	case err := <-ended:
		t.Fatalf("returned while b was behind: %v", err)
	case <-time.After(200 * time.Millisecond):
	}
	beat("b", 10)
	if err := <-ended; err != nil {
		t.Fatal(err)
	}
}

func TestRowsTellEveryFaultWithItsLine(t *testing.T) {
	for text, want := range map[string][]string{
		"":                 {"empty"},
		"tenant,patient\n": {`no column "group"`},
		"tenant,patient,group,device,token,token\n":                                      {"twice"},
		"tenant,patient,group,device,token\ntocsin,P,g,d,\nt,P,g,d/1,\nt,P,g\n":          {"line 2", "belongs to Tocsin", "line 3", "slash", "line 4", "3 fields instead of 5"},
		"tenant,patient,group,device,token\nt,P,copd+,,\nt,Q,copd+copd,,\nt,R,+copd,,\n": {"line 2", "group is empty", "line 3", "twice", "line 4"},
		"tenant,patient,group,device,token\nt,P,copd+heart-failure,d1,\nt,P,copd,d2,\n":  {"line 3", "in group copd here and in copd+heart-failure on line 2"},
		"tenant,patient,group,device,token\nt,P,g,,x\n":                                  {"line 2", "token without a device"},
		"tenant,patient,group,device,token\nt,\"P,g,,x\n":                                {"line 2"},
	} {
		rows, err := ReadRows(strings.NewReader(text))
		if err == nil {
			t.Errorf("%q was read as %v", text, rows)
			continue
		}
		for _, w := range want {
			if !strings.Contains(err.Error(), w) {
				t.Errorf("%q: %q is not told: %v", text, w, err)
			}
		}
	}
	rows, err := ReadRows(strings.NewReader("\xef\xbb\xbftoken,device,tenant,patient,group\r\n,d1,t,P/1,\r\n"))
	if err != nil || len(rows) != 1 || rows[0] != (Row{2, "t", "P/1", "news2", "d1", "", nil, ""}) {
		t.Fatalf("got %+v, %v", rows, err)
	}
}

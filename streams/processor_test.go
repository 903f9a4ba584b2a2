package streams_test

import (
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"tocsin/streams"
	"tocsin/streams/event"
)

func inputsOf(t interface{ Fatal(...any) }, envelopes []event.Envelope) []streams.Input {
	inputs := make([]streams.Input, len(envelopes))
	for i, e := range envelopes {
		r := streams.Record{Topic: streams.Inputs, Offset: int64(i), Key: []byte(e.Subject), Value: []byte("{"), Headers: []event.Header{{Key: "ce_type", Value: []byte("x")}}}
		if e.Data != nil {
			var err error
			if r, err = streams.ToRecord(streams.Inputs, 0, e.Subject, e); err != nil {
				t.Fatal(err)
			}
			r.Offset = int64(i)
		}
		in, err := streams.DecodeInput(r)
		if err != nil {
			t.Fatal(err)
		}
		inputs[i] = in
	}
	return inputs
}

// history is what one live run left: its records in decisions, and the fold that it held at its end.
type history struct {
	records []streams.Record
	dump    []byte
}

// runLive drives a processor as an owner would, in steps of at most size inputs, with several in flight and, when voids is set, steps
// that are lost and decided again in a new life.
func runLive(t interface{ Fatal(...any) }, inputs []streams.Input, rng *rand.Rand, size int, voids bool) history {
	base := streams.NewReplica(toyParts(), streams.PatientPair, 0)
	var log []streams.Record
	steps := streams.NewSteps(streams.Beginning)
	write := func(r streams.Record) *streams.Step {
		r.Offset = int64(len(log))
		log = append(log, r)
		step, err := steps.Read(r)
		if err != nil {
			t.Fatal(err)
		}
		return step
	}
	for lives := 0; base.Input() < int64(len(inputs)); lives++ {
		life := fmt.Sprint("life", lives)
		write(openRecord(t, life))
		p := streams.NewProcessor(toyParts(), base, life)
		var flight [][]streams.Record
		ended := false
		for !ended && (p.NextInput() < int64(len(inputs)) || len(flight) > 0) {
			if len(flight) < 4 && p.NextInput() < int64(len(inputs)) {
				for range 1 + rng.IntN(size) {
					if p.NextInput() == int64(len(inputs)) {
						break
					}
					in := inputs[p.NextInput()]
					now := p.Clock()
					if in.Envelope != nil {
						now = in.Envelope.At
					}
					if rng.IntN(3) == 0 {
						p.Tick(max(p.Clock(), now))
					}
					p.Input(in.Offset, in.Key, in.Envelope, in.Why, now)
				}
				if p.Empty() {
					continue
				}
				w, err := p.CloseStep()
				if err != nil {
					t.Fatal(err)
				}
				flight = append(flight, w.Records)
				continue
			}
			if len(flight) == 0 {
				break
			}
			records := flight[0]
			flight = flight[1:]
			cut := len(records)
			if voids && rng.IntN(4) == 0 {
				cut, ended = rng.IntN(len(records)), true
			}
			for _, r := range records[:cut] {
				if step := write(r); step != nil {
					if err := p.Confirm(step); err != nil {
						t.Fatal(err)
					}
				}
			}
		}
	}
	dump, err := base.Dump()
	if err != nil {
		t.Fatal(err)
	}
	return history{log, dump}
}

func openRecord(t interface{ Fatal(...any) }, life string) streams.Record {
	r, err := streams.ToRecord(streams.Decisions, 0, "tocsin/partition-0", event.Envelope{ID: "open." + life, Source: "owner", Subject: "tocsin/partition-0", At: epoch, Life: life, After: -1,
		Data: &event.OwnerOpened{Life: life, Owner: "test", Version: "test"}})
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// fold reads a history with the rule of reading; again tells how a step is taken in.
func fold(t interface{ Fatal(...any) }, h history, inputs []streams.Input, again func(*streams.Replica[toyState, toyFacts], *streams.Step, []streams.Input) error) []byte {
	r := streams.NewReplica(toyParts(), streams.PatientPair, 0)
	steps := streams.NewSteps(streams.Beginning)
	for _, rec := range h.records {
		step, err := steps.Read(rec)
		if err != nil {
			t.Fatal(err)
		}
		if step == nil {
			continue
		}
		if err := again(r, step, inputs[step.Close.Inputs.From:step.Close.Inputs.Next]); err != nil {
			t.Fatal(err)
		}
	}
	dump, err := r.Dump()
	if err != nil {
		t.Fatal(err)
	}
	return dump
}

func apply(r *streams.Replica[toyState, toyFacts], step *streams.Step, inputs []streams.Input) error {
	_, err := r.Apply(step, inputs)
	return err
}

func redecide(r *streams.Replica[toyState, toyFacts], step *streams.Step, inputs []streams.Input) error {
	return streams.Redecide(toyParts(), r, step, inputs)
}

// The fold that an owner holds live, the fold that a restore makes of inputs and recorded decisions, and the fold of a
// replay that decides again are the same bytes, whatever the size of the steps, and also when steps were lost and decided anew.
func TestREL7_RUL12_LiveRestoreAndReplayAreTheSameBytes(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		rng := rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "seed"), 0))
		inputs := inputsOf(t, scenario(rng, rapid.IntRange(1, 60).Draw(t, "inputs")))
		live := runLive(t, inputs, rng, rapid.IntRange(1, 10).Draw(t, "size"), rapid.Bool().Draw(t, "voids"))
		if restored := fold(t, live, inputs, apply); !bytes.Equal(restored, live.dump) {
			t.Fatalf("restored\n%s\nlive\n%s", restored, live.dump)
		}
		if replayed := fold(t, live, inputs, redecide); !bytes.Equal(replayed, live.dump) {
			t.Fatalf("replayed\n%s\nlive\n%s", replayed, live.dump)
		}
	})
}

func TestReplayNoticesAnotherAnswer(t *testing.T) {
	inputs := inputsOf(t, []event.Envelope{reading("p1", 1, 1, 70, epoch)})
	live := runLive(t, inputs, rand.New(rand.NewPCG(1, 0)), 1, false)
	live.records[1].Value = bytes.Replace(live.records[1].Value, []byte("d-p1/1/1"), []byte("d-p1/1/9"), 1)
	steps, r := streams.NewSteps(streams.Beginning), streams.NewReplica(toyParts(), streams.PatientPair, 0)
	for _, rec := range live.records {
		step, err := steps.Read(rec)
		if err != nil {
			t.Fatal(err)
		}
		if step == nil {
			continue
		}
		if err := redecide(r, step, inputs); !errors.Is(err, streams.ErrDiffers) {
			t.Fatalf("a changed record was taken for the same: %v", err)
		}
		return
	}
	t.Fatal("no step held")
}

func TestING2_RepeatsCountOnce(t *testing.T) {
	var all []event.Envelope
	for i := range 10 {
		all = append(all, reading("p1", 1, 1, 70, epoch.Add(time.Duration(i)*time.Second)))
	}
	again := reading("p1", 1, 1, 70, epoch)
	again.Data.(*event.ObservationRecorded).Readings = append(again.Data.(*event.ObservationRecorded).Readings, event.Reading{Quantity: event.SpO2Percent, Value: event.Int(97)})
	inputs := inputsOf(t, append(all, again)) // the same upload with one quantity more: that one is new
	live := runLive(t, inputs, rand.New(rand.NewPCG(1, 0)), 3, false)
	if !strings.Contains(string(live.dump), `"readings":2,"sum":167`) {
		t.Fatalf("want one pulse and one oxygen saturation: %s", live.dump)
	}
	steps, repeats := streams.NewSteps(streams.Beginning), 0
	for _, rec := range live.records {
		if step, _ := steps.Read(rec); step != nil {
			repeats += step.Close.Repeats
		}
	}
	if repeats != 9 {
		t.Fatalf("%d repeats were counted, not 9", repeats)
	}
}

func TestRUL13_REL8_AFailingRuleIsFencedAndTheRestGoesOn(t *testing.T) {
	for value, want := range map[int64]string{13: `"rule":"thirteen"`, 14: `"passed":true`, 15: "cannot decide on 15", 16: `"kind":"runaway"`} {
		t.Run(fmt.Sprint(value), func(t *testing.T) {
			inputs := inputsOf(t, []event.Envelope{reading("p1", 1, 1, value, epoch), reading("p1", 1, 2, 70, epoch.Add(time.Second)), reading("p2", 1, 1, 71, epoch.Add(time.Second))})
			live := runLive(t, inputs, rand.New(rand.NewPCG(1, 0)), 1, false)
			said := ""
			for _, r := range live.records {
				said += string(r.Value) + "\n"
			}
			if !strings.Contains(said, want) {
				t.Errorf("nothing on record says %s:\n%s", want, said)
			}
			if !strings.Contains(said, "d-p2/1/1 at") || !strings.Contains(said, "d-p1/1/2 at") {
				t.Errorf("what came after the failure was not decided:\n%s", said)
			}
			if restored := fold(t, live, inputs, apply); !bytes.Equal(restored, live.dump) {
				t.Errorf("restored\n%s\nlive\n%s", restored, live.dump)
			}
		})
	}
}

// Whoever was asked and had nothing to say is asked again when a door is heard of, and not before.
func TestDueIsAskedAgainWhenEveryoneHears(t *testing.T) {
	base := streams.NewReplica(toyParts(), streams.PatientPair, 0)
	p := streams.NewProcessor(toyParts(), base, "l")
	inputs := inputsOf(t, []event.Envelope{reading("p1", 1, 1, 70, epoch), door(epoch.Add(70 * time.Second))})
	p.Input(0, "t/p1", inputs[0].Envelope, nil, epoch)
	p.Tick(epoch.Add(65 * time.Second))
	w, err := p.CloseStep()
	if err != nil {
		t.Fatal(err)
	}
	if len(w.Events) != 1 {
		t.Fatalf("before the door was heard of, %d events", len(w.Events))
	}
	p.Input(1, "*", inputs[1].Envelope, nil, epoch.Add(70*time.Second))
	if w, err = p.CloseStep(); err != nil {
		t.Fatal(err)
	}
	if len(w.Events) != 1 || w.Events[0].Data.Type() != "signal.fell_silent" || w.Events[0].At != epoch.Add(70*time.Second) {
		t.Fatalf("after the door was heard of: %+v", w.Events)
	}
}

// alarm is a second part: two minutes after each reading it says so.
type alarm struct{}

type alarmState struct {
	At    event.Time `json:"at"`
	Fired int        `json:"fired"`
}

func (alarm) Common(f struct{}, _ event.Envelope, _ event.Time) (struct{}, error) { return f, nil }

func (alarm) Apply(_ struct{}, s alarmState, e event.Envelope, at event.Time) (alarmState, error) {
	switch e.Data.(type) {
	case *event.ObservationRecorded:
		s.At = at.Add(2 * time.Minute)
	case *event.AlertEased:
		s = alarmState{Fired: s.Fired + 1}
	}
	return s, nil
}

func (alarm) Decide(struct{}, alarmState, event.Envelope, event.Time) ([]event.Event, error) {
	return nil, nil
}

func (a alarm) Due(f struct{}, s alarmState, now event.Time) []event.Event {
	if a.NextDue(f, s) > now {
		return nil
	}
	return []event.Event{&event.AlertEased{Alert: "a"}}
}

func (alarm) NextDue(_ struct{}, s alarmState) event.Time {
	if s.At == 0 {
		return event.Never
	}
	return s.At
}

// A part that waits for something in vain must not hold up the deadline of another: no door is heard of, so the toy cannot
// say silence, and the alarm goes off all the same. (The simulation found this: escalations stood still while doors were shut.)
func TestALR7_WhoWaitsInVainHoldsUpNobodysDeadline(t *testing.T) {
	parts := streams.Join([3]string{"toy", "alarm", "none"}, streams.Machine[toyState, toyFacts](toy{}), streams.Machine[alarmState, struct{}](alarm{}), streams.Machine[alarmState, struct{}](alarm{}))
	p := streams.NewProcessor(parts, streams.NewReplica(parts, streams.PatientPair, 0), "l")
	in := inputsOf(t, []event.Envelope{reading("p1", 1, 1, 70, epoch)})[0]
	p.Input(0, "t/p1", in.Envelope, nil, epoch)
	p.Tick(epoch.Add(90 * time.Second))
	p.Tick(epoch.Add(3 * time.Minute))
	w, err := p.CloseStep()
	if err != nil {
		t.Fatal(err)
	}
	fired := 0
	for _, e := range w.Events {
		if e.Data.Type() == "alert.eased" {
			fired++
		}
	}
	if fired != 1 { // the first part's alarm; the third hears of it and is content
		t.Errorf("%d alarms went off", fired)
	}
}

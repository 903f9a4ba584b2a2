package streams_test

import (
	"context"
	"encoding/json"
	"errors"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"tocsin/streams"
	"tocsin/streams/event"
)

// TestHIS2_AsOfIsTheFoldOfWhatWasWrittenByThen: whatever came in, with void steps and owners replaced, with rounds of
// checkpoints or without: a look back gives each subject the state that a fold of every step written by then gives, and none later.
func TestHIS2_AsOfIsTheFoldOfWhatWasWrittenByThen(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		rng := rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "seed"), 0))
		readable := slices.DeleteFunc(scenario(rng, rapid.IntRange(1, 20).Draw(t, "inputs")), func(e event.Envelope) bool { return e.Data == nil })
		inputs := inputsOf(t, readable)
		live := runLive(t, inputs, rng, rapid.IntRange(1, 6).Draw(t, "size"), rapid.Bool().Draw(t, "voids"))

		log, clock := streams.NewMemory(1), epoch
		log.Now = func() time.Time { clock += 1000; return clock.Std() }
		w, err := log.Write("test")
		if err != nil {
			t.Fatal(err)
		}
		for _, in := range inputs {
			append1(t, w, streams.Inputs, in.Record)
		}
		began := clock
		whole := streams.NewReplica(toyParts(), streams.PatientPair, 0)
		steps := streams.NewSteps(streams.Beginning)
		type then struct {
			at     event.Time
			states map[string]string
		}
		known := []then{{began, map[string]string{}}}
		for _, r := range live.records {
			append1(t, w, streams.Decisions, r)
			r.AppendMs = int64(clock)
			step, err := steps.Read(r)
			if err != nil {
				t.Fatal(err)
			}
			if step == nil {
				continue
			}
			if _, err := whole.Apply(step, inputs[step.Close.Inputs.From:step.Close.Inputs.Next]); err != nil {
				t.Fatal(err)
			}
			known = append(known, then{clock, statesOf(t, whole)})
			if rng.IntN(3) == 0 {
				if err := whole.Checkpoint(context.Background(), w, clock); err != nil {
					t.Fatal(err)
				}
			}
		}
		for _, key := range whole.Keys() {
			for i, k := range known {
				for _, at := range []event.Time{k.at, k.at + 999} {
					if i+1 < len(known) && at >= known[i+1].at {
						continue
					}
					r, err := streams.AsOf(context.Background(), log, streams.PatientPair, 0, toyParts(), key, at)
					if err != nil {
						t.Fatal(err)
					}
					if got := statesOf(t, r)[key]; got != k.states[key] {
						t.Fatalf("%s at %s: got %s, want %s", key, at, got, k.states[key])
					}
				}
			}
		}
	})
}

// TestHIS2_ALogThatDoesNotReachBackSaysSo: what is trimmed is not taken for nothing having been known.
func TestHIS2_ALogThatDoesNotReachBackSaysSo(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 0))
	inputs := inputsOf(t, slices.DeleteFunc(scenario(rng, 20), func(e event.Envelope) bool { return e.Data == nil }))
	log := streams.NewMemory(1)
	w, err := log.Write("test")
	if err != nil {
		t.Fatal(err)
	}
	for _, in := range inputs {
		append1(t, w, streams.Inputs, in.Record)
	}
	for _, r := range runLive(t, inputs, rng, 3, false).records {
		append1(t, w, streams.Decisions, r)
	}
	log.Trim(streams.Decisions, 0, 2)
	if _, err := streams.AsOf(context.Background(), log, streams.PatientPair, 0, toyParts(), "t/p0", event.TimeOf(time.Now())); !errors.Is(err, streams.ErrTrimmed) {
		t.Fatalf("got %v", err)
	}
}

func append1(t interface{ Fatal(...any) }, w streams.Writer, topic string, r streams.Record) {
	r.Topic = topic
	if _, err := streams.AppendWait(context.Background(), w, r); err != nil {
		t.Fatal(err)
	}
}

func statesOf(t interface{ Fatal(...any) }, r *streams.Replica[toyState, toyFacts]) map[string]string {
	all := map[string]string{}
	for _, key := range r.Keys() {
		s, _ := r.Get(key)
		b, err := json.Marshal(s)
		if err != nil {
			t.Fatal(err)
		}
		all[key] = string(b)
	}
	return all
}

package streams_test

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"tocsin/streams"
	"tocsin/streams/event"
)

// What-if and live are one processor: whatever came in, in steps of any size, and however the patients are shared out, what
// is told is what live has written.
func TestRUL11_WhatIfDecidesWhatLiveDecided(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		rng := rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "seed"), 0))
		readable := slices.DeleteFunc(scenario(rng, rapid.IntRange(1, 60).Draw(t, "inputs")), func(e event.Envelope) bool { return e.Data == nil })
		inputs := inputsOf(t, readable)
		live := runLive(t, inputs, rng, rapid.IntRange(1, 10).Draw(t, "size"), rapid.Bool().Draw(t, "voids"))
		shares := rapid.IntRange(1, 3).Draw(t, "shares")

		var want []string
		var told [3][]string
		var parts []*streams.WhatIf[toyState, toyFacts]
		for k := range shares {
			parts = append(parts, streams.NewWhatIf(toyParts(), 0, func(e event.Envelope) { told[k] = append(told[k], saidOf(t, e)) }))
		}
		steps := streams.NewSteps(streams.Beginning)
		for _, r := range live.records {
			step, err := steps.Read(r)
			if err != nil {
				t.Fatal(err)
			}
			if step == nil {
				continue
			}
			for _, e := range step.Events {
				want = append(want, saidOf(t, e))
			}
			for _, run := range step.Close.Runs {
				at := event.Time(0)
				for i, ms := range run.NowMs {
					at += event.Time(ms)
					for k, w := range parts {
						if run.From == run.Next {
							w.Tick(at)
							continue
						}
						e := inputs[run.From+int64(i)].Envelope
						if share := int(e.Subject[len(e.Subject)-1]) % shares; e.Subject == event.Everyone || share == k {
							w.Input(*e, at)
						} else {
							w.Tick(at)
						}
					}
				}
			}
		}
		got := slices.Concat(told[:shares]...)
		if shares > 1 { // each share has the warnings of the partition for itself, and the order between patients is not told
			slices.Sort(want)
			slices.Sort(got)
			want, got = slices.Compact(want), slices.Compact(got)
		}
		if !slices.Equal(got, want) {
			t.Fatalf("told\n%q\nlive\n%q", got, want)
		}
	})
}

// saidOf is what an event says, without the place that the log gave it.
func saidOf(t *rapid.T, e event.Envelope) string {
	b, err := json.Marshal(e.Data)
	if err != nil {
		t.Fatal(err)
	}
	return fmt.Sprint(e.At, " ", e.Subject, " ", e.Data.Type(), " ", string(b))
}

package history

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"tocsin/deploy/embedded/engine/enginetest"
	"tocsin/streams"
	"tocsin/streams/event"
)

// TestHIS2_WhatWasKnownThen: of what was measured a look back shows what had been folded by a step that was written by then. A
// reading that lay in the log while its owner was away was not known, whatever its times say; one that came again is
// known from its first coming on; what a void step claims is not known by it.
func TestHIS2_WhatWasKnownThen(t *testing.T) {
	log, h := streams.NewMemory(1), open(t, enginetest.Start(t, t.TempDir()))
	w := newWorld(t, log, 1, 1)
	ten := w.epoch - w.epoch%hour + hour*3
	at := func(minutes int) event.Time { return ten + event.Time(minutes)*60_000 }
	var stamp event.Time
	log.Now = func() time.Time { return stamp.Std() }
	inputs := int64(0)
	reading := func(minute int, seq int64, measured event.Time, percent int64) {
		stamp = at(minute)
		w.put(streams.Inputs, 0, "t1/P-0001", event.Envelope{ID: "dev/1/" + event.Int(seq).String(), Data: &event.ObservationRecorded{
			Device: "dev", BootID: 1, Seq: seq, Sequenced: true, MeasuredAt: measured, ReceivedAt: stamp, Clock: event.Clock{Quality: event.ClockOK},
			Readings: []event.Reading{{Quantity: event.SpO2Percent, Value: event.Int(percent)}}}})
		inputs++
	}
	number, folded := int64(0), int64(0)
	step := func(minute int, life string) {
		stamp = at(minute)
		w.put(streams.Decisions, 0, "owner", event.Envelope{ID: fmt.Sprint(life, minute), Life: life, Step: number + 1,
			Data: &event.StepClosed{Number: number + 1, Inputs: event.Span{From: folded, Next: inputs}}})
		if life == "a" {
			number, folded = number+1, inputs
		}
	}
	stamp = at(0)
	w.put(streams.Decisions, 0, "owner", event.Envelope{ID: "a", Data: &event.OwnerOpened{Life: "a"}})
	reading(1, 1, at(1), 93)
	step(1, "a")
	reading(10, 2, at(-35), 86) // uploaded late
	step(11, "void")
	step(20, "a")             // its owner was away
	reading(25, 1, at(1), 93) // a repeat
	reading(30, 3, at(29), 95)
	step(30, "a")
	if err := w.w.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	run(t, sinkFor(t, log, h, "a"))
	caughtUp(t, h, log, 30*time.Second)

	for _, c := range []struct {
		known event.Time
		want  []int64
	}{{at(0), nil}, {at(1), []int64{93}}, {at(10), []int64{93}}, {at(12), []int64{93}}, {at(20) - 1, []int64{93}}, {at(20), []int64{86, 93}}, {at(29), []int64{86, 93}}, {at(30), []int64{86, 93, 95}}, {event.Never, []int64{86, 93, 95}}} {
		got, err := h.Readings(t.Context(), "t1", "P-0001", at(-60), at(60), c.known)
		var values []int64
		for _, r := range got {
			values = append(values, int64(r.Value/event.One))
		}
		if err != nil || !slices.Equal(values, c.want) {
			t.Errorf("as known %s: got %v, %v; want %v", c.known, values, err, c.want)
		}
	}
}

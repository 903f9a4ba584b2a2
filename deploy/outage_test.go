package deploy

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"tocsin/rules"
	"tocsin/rules/pack"
	"tocsin/streams"
	"tocsin/streams/event"
)

// home is one patient who measures every five minutes, a door that beats, and an owner, over a log in memory and in
// virtual time. The group expects SpO2 every five minutes, so after six and a quarter it would be silent.
type home struct {
	t     *testing.T
	log   *streams.Memory
	edge  *streams.Edge
	wall  atomic.Int64 // by how many milliseconds the owner's host is off
	doorC atomic.Int64 // and the door's
	shut  atomic.Bool  // the door does nothing
	lost  atomic.Bool  // the log takes nothing
	quiet atomic.Bool  // the patient does not measure
	spo2  atomic.Int64
	slow  bool // owners that start from here on read slowly
	seq   int64
	wg    sync.WaitGroup
}

func newHome(t *testing.T) *home {
	h := &home{t: t, log: streams.NewMemory(1)}
	h.spo2.Store(97)
	h.edge = streams.OpenEdge(h.log, "gateway/test", 1)
	h.log.FailAppends(func(string, int32, streams.Record) error {
		if h.lost.Load() {
			return errors.New("the broker is not there")
		}
		return nil
	})
	effects := int64(0)
	effect := func(key string, data event.Event) {
		effects++
		h.append(key, event.Envelope{ID: fmt.Sprint("effect/", effects), Source: "registrar", Subject: key, At: h.now(), Effect: event.Effect{Offset: effects}, Data: data})
	}
	for _, id := range slices.Sorted(maps.Keys(pack.Library())) {
		p, err := pack.Compile(pack.Library()[id])
		if err != nil {
			t.Fatal(err)
		}
		effect(event.Everyone, &event.PackPublished{Pack: id, Version: p.Version, Sum: p.Sum, Text: pack.Library()[id]})
	}
	effect(event.Everyone, &event.GroupSet{Tenant: "t", Group: "g", Pack: rules.DefaultPack,
		CadenceMs: map[event.Quantity]int64{event.SpO2Percent: (5 * time.Minute).Milliseconds()}})
	effect("t/P-0113", &event.PatientEnrolled{Tenant: "t", Patient: "P-0113", Group: "g"})
	return h
}

func (h *home) now() event.Time { return event.TimeOf(time.Now()) }

// append writes to inputs and tells whether the log has it.
func (h *home) append(key string, e event.Envelope) bool {
	kept := make(chan error, 1)
	h.edge.Append(streams.Inputs, key, e, func(_ int32, _ int64, err error) { kept <- err })
	return <-kept == nil
}

// live lets door and patient go on for a while. A reading that the log does not take is sent again.
func (h *home) live(d time.Duration) {
	for end := time.Now().Add(d); time.Now().Before(end); time.Sleep(4 * time.Second) {
		if h.shut.Load() {
			continue
		}
		at := h.now().Add(time.Duration(h.doorC.Load()) * time.Millisecond)
		h.append(event.Everyone, event.Envelope{ID: fmt.Sprint("beat/", h.now()), Source: "gateway/test", Subject: event.Everyone, At: at, Data: &event.DoorOpened{Door: "gateway/test", ReceivedAt: at}})
		due := int64(time.Since(time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC)) / (5 * time.Minute))
		if due <= h.seq || h.quiet.Load() {
			continue
		}
		o := &event.ObservationRecorded{Device: "d", BootID: 1, Seq: due, Sequenced: true, MeasuredAt: at, ReceivedAt: at, Clock: event.Clock{Quality: event.ClockOK}, Door: "gateway/test",
			Readings: []event.Reading{{Quantity: event.SpO2Percent, Value: event.Int(h.spo2.Load())}}}
		if h.append("t/P-0113", event.Envelope{ID: fmt.Sprint("d/1/", due), Source: "gateway/test", Subject: "t/P-0113", At: at, Data: o}) {
			h.seq = due
		}
	}
}

func (h *home) own() (stop func()) { return h.ownWith(patientParts()) }

func (h *home) ownWith(parts streams.Parts[patientState, patientFacts]) (stop func()) {
	ctx, cancel := context.WithCancel(h.t.Context())
	ended := make(chan struct{})
	log := streams.Log(h.log)
	if h.slow {
		log = slowLog{h.log}
	}
	h.wg.Go(func() {
		defer close(ended)
		err := streams.RunOwner(ctx, log, streams.PatientPair, parts, streams.OwnerOptions{Name: "o",
			Wall: func() event.Time { return h.now().Add(time.Duration(h.wall.Load()) * time.Millisecond) }})
		if err != nil {
			h.t.Errorf("owner: %v", err)
		}
	})
	return func() { cancel(); <-ended }
}

// slowLog hands out inputs one by one, half a second apart.
type slowLog struct{ streams.Log }

func (l slowLog) Read(topic string, partition int32, from int64) (streams.Reader, error) {
	r, err := l.Log.Read(topic, partition, from)
	if topic != streams.Inputs {
		return r, err
	}
	return &slowReader{Reader: r}, err
}

type slowReader struct {
	streams.Reader
	rest []streams.Record
}

func (r *slowReader) Next(ctx context.Context) ([]streams.Record, error) {
	if len(r.rest) == 0 {
		records, err := r.Reader.Next(ctx)
		if err != nil {
			return nil, err
		}
		r.rest = records
	}
	time.Sleep(300 * time.Millisecond) // longer than an owner waits until it looks at its clock
	one := r.rest[:1]
	r.rest = r.rest[1:]
	return one, nil
}

// said answers the moments at which events of a type were decided.
func (h *home) said(t event.Type) (at []event.Time) {
	for _, e := range h.decided() {
		if e.Data.Type() == t {
			at = append(at, e.At)
		}
	}
	return at
}

func (h *home) faults() (all []*event.TechnicalFault) {
	for _, e := range h.decided() {
		if f, ok := e.Data.(*event.TechnicalFault); ok {
			all = append(all, f)
		}
	}
	return all
}

// alert answers the id of the first warning.
func (h *home) alert() string {
	for _, e := range h.decided() {
		if d, ok := e.Data.(*event.AlertRaised); ok {
			return d.Alert
		}
	}
	h.t.Fatal("no warning was raised")
	return ""
}

// decided answers all events of steps that hold.
func (h *home) decided() (all []event.Envelope) {
	h.t.Helper()
	steps := streams.NewSteps(streams.Beginning)
	for _, r := range h.log.Records(streams.Decisions, 0) {
		step, err := steps.Read(r)
		if err != nil {
			h.t.Fatal(err)
		}
		if step == nil {
			continue
		}
		all = append(all, step.Events...)
	}
	return all
}

// Twenty minutes without the owner, the log, the door, or all of it: nobody falls silent. A patient who really stops does.
func TestING8_AnOutageMakesNobodySilent(t *testing.T) {
	for name, outage := range map[string]func(h *home, stop func()) (again func()){
		"owner": func(h *home, stop func()) func() {
			stop()
			h.live(20 * time.Minute)
			return h.own()
		},
		"log": func(h *home, stop func()) func() {
			h.lost.Store(true)
			h.live(20 * time.Minute)
			h.lost.Store(false)
			return stop
		},
		"door": func(h *home, stop func()) func() {
			h.shut.Store(true)
			h.live(20 * time.Minute)
			h.shut.Store(false)
			return stop
		},
		"whole tree": func(h *home, stop func()) func() {
			stop()
			h.shut.Store(true)
			h.live(20 * time.Minute)
			h.shut.Store(false)
			return h.own()
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				h := newHome(t)
				stop := h.own()
				h.live(11 * time.Minute)
				stop = outage(h, stop)
				h.live(11 * time.Minute)
				if silent := h.said("signal.fell_silent"); len(silent) != 0 {
					t.Errorf("fell silent at %v", silent)
				}
				h.quiet.Store(true)
				h.live(7 * time.Minute)
				if silent := h.said("signal.fell_silent"); len(silent) != 1 {
					t.Errorf("a patient who stopped measuring fell silent at %v", silent)
				}
				stop()
				h.wg.Wait()
			})
		})
	}
}

// The host's clock, and its door's with it, is set an hour on and back: an open warning goes on asking all the while.
func TestALR7_ClocksSetOnAndBackStopNoDeadline(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHome(t)
		stop := h.own()
		h.spo2.Store(80) // grave, and nobody answers
		h.live(20 * time.Minute)
		before := len(h.said("alert.escalated"))
		if before == 0 {
			t.Fatal("nobody was asked next")
		}
		for _, off := range []time.Duration{time.Hour, 0} {
			h.wall.Store(off.Milliseconds())
			h.doorC.Store(off.Milliseconds())
			h.live(40 * time.Minute)
			after := len(h.said("alert.escalated"))
			if after <= before+1 {
				t.Errorf("with the clock off by %s %d times somebody was asked in forty minutes", off, after-before)
			}
			before = after
		}
		if !slices.ContainsFunc(h.faults(), func(f *event.TechnicalFault) bool { return f.Kind == streams.KindClockLeap }) {
			t.Error("the leap was never followed, so nothing was set back")
		}
		stop()
		h.wg.Wait()
	})
}

// A click that waited in the log while nobody owned the partition is folded before any deadline passes, however slowly
// the inputs come: the clock does not run ahead of what stands in the log.
func TestALR7_WhatWaitedIsFoldedBeforeDeadlinesPass(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHome(t)
		stop := h.own()
		h.spo2.Store(80)
		h.live(6 * time.Minute)
		stop()
		raised := h.said("alert.raised")
		if len(raised) != 1 {
			t.Fatalf("raised at %v", raised)
		}
		before := len(h.said("alert.escalated"))
		alert := h.alert()
		h.append("t/P-0113", event.Envelope{ID: "click-1", Source: "desk", Subject: "t/P-0113", At: h.now(), Data: &event.AcceptRequested{Request: event.Request{Alert: alert, By: "nurse-a", Role: "nurse"}}})
		h.live(8 * time.Minute) // longer than anybody has to answer
		h.slow = true
		stop = h.own()
		h.live(time.Minute)
		stop()
		if escalated := h.said("alert.escalated"); len(escalated) != before || len(h.said("alert.accepted")) != 1 {
			t.Errorf("escalated at %v, accepted at %v", escalated, h.said("alert.accepted"))
		}
		h.wg.Wait()
	})
}

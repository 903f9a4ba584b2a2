package sim

import (
	"fmt"
	"math/rand/v2"
	"time"

	"tocsin/streams"
	"tocsin/streams/event"
)

// patient is one person at home with a device.
type patient struct {
	id     string
	device string
	story  story
	door   *doorway
	every  time.Duration
	next   event.Time    // when the device measures next
	clock  time.Duration // how wrong the device's clock is, after correction
	boot   int64
	seq    int64
	queue  []event.Envelope // measured and not yet acknowledged
	minute int
}

func (p *patient) key() string { return streams.PatientKey("t", p.id) }

// story answers SpO2 and pulse at the n-th measurement; nothing when the patient does not measure.
type story func(rng *rand.Rand, n int) (spo2, pulse int64, measured bool)

func well(rng *rand.Rand, _ int) (int64, int64, bool) {
	return 96 + rng.Int64N(3), 65 + rng.Int64N(15), true
}

// stories are the courses that a patient can take.
var stories = []story{
	well,
	func(rng *rand.Rand, n int) (int64, int64, bool) { return max(97-int64(n)/2, 80), 80 + int64(n), true }, // falls
	func(rng *rand.Rand, n int) (int64, int64, bool) { return 97 - 12*int64(n%2), 75, true },                // flaps
	func(rng *rand.Rand, n int) (int64, int64, bool) { return 86, 118, n < 5 },                              // grave, then nothing
	func(rng *rand.Rand, n int) (int64, int64, bool) { return 97, 70, n%16 < 4 },                            // forgets to measure
	func(rng *rand.Rand, n int) (int64, int64, bool) { // a cold finger
		if n%15 == 7 {
			return 62, 70, true
		}
		return 97, 70, true
	},
}

func drawClock(rng *rand.Rand) time.Duration {
	switch rng.IntN(4) {
	case 0:
		return time.Duration(rng.IntN(120)-60) * time.Second
	case 1:
		return -time.Duration(rng.IntN(12)) * time.Hour
	default:
		return 0
	}
}

// live lets a patient measure and the device send what it has: in order, or not; once, or again.
func (w *world) live(p *patient) {
	for p.next <= w.now {
		w.measure(p)
		p.next = p.next.Add(p.every)
	}
	if len(p.queue) == 0 || p.door.shutUntil > w.now || w.faults && w.rng.IntN(4) == 0 {
		return
	}
	if w.faults && w.rng.IntN(10) == 0 {
		w.rng.Shuffle(len(p.queue), func(i, j int) { p.queue[i], p.queue[j] = p.queue[j], p.queue[i] })
	}
	for len(p.queue) > 0 {
		e := p.queue[0]
		if w.faults && w.rng.IntN(12) == 0 {
			return // lost on the way: no PUBACK, so it stays
		}
		w.receive(p.door, e)
		if w.faults && w.rng.IntN(8) == 0 {
			return // kept, but the PUBACK is lost: it comes again
		}
		p.queue = p.queue[1:]
	}
}

func (w *world) measure(p *patient) {
	p.minute++
	spo2, pulse, measured := p.story(w.rng, p.minute)
	if !measured {
		return
	}
	if w.faults && w.rng.IntN(60) == 0 {
		p.boot, p.seq = p.boot+1, 0
	}
	p.seq++
	at := w.now.Add(p.clock)
	o := &event.ObservationRecorded{Device: p.device, BootID: p.boot, Seq: p.seq, Sequenced: true, MeasuredAt: at, Clock: event.Clock{Quality: event.ClockOK}, Door: p.door.name,
		Readings: []event.Reading{{Quantity: event.SpO2Percent, Value: event.Int(spo2)}, {Quantity: event.PulsePerMin, Value: event.Int(pulse)}}}
	if w.rng.IntN(3) == 0 {
		o.Answers = []event.Answer{{Code: "worse", Value: event.Int(w.rng.Int64N(2))}}
	}
	if spo2 < 70 {
		o.Readings[0].Mark = event.Unconfirmed
	}
	p.queue = append(p.queue, event.Envelope{ID: fmt.Sprintf("%s/%d/%d", p.device, p.boot, p.seq), Source: p.door.name, Subject: p.key(), Data: o})
}

// beatEvery is how often a door says that it is open.
const beatEvery = 4 * time.Second

// doorway is one gateway.
type doorway struct {
	name      string
	shutUntil event.Time
	lastBeat  event.Time
	off       time.Duration // how wrong its clock is
}

// receive writes an upload as the door would: with its own clock.
func (w *world) receive(d *doorway, e event.Envelope) {
	o := *e.Data.(*event.ObservationRecorded)
	e.At = w.now.Add(d.off)
	o.ReceivedAt = e.At
	e.Data = &o
	w.append(streams.Inputs, e.Subject, e)
}

// beat lets the doors say that they are open; now and then one shuts, or its clock goes wrong.
func (w *world) beat() {
	for _, d := range w.doors {
		if w.faults && w.rng.IntN(500) == 0 {
			d.shutUntil = w.now.Add(time.Duration(w.rng.IntN(30)) * time.Minute)
		}
		if w.faults && w.rng.IntN(500) == 0 {
			d.off = time.Duration(w.rng.IntN(120)-60) * time.Minute
		}
		if d.shutUntil > w.now || w.now.Sub(d.lastBeat) < beatEvery {
			continue
		}
		d.lastBeat = w.now
		at := w.now.Add(d.off)
		w.append(streams.Inputs, event.Everyone, event.Envelope{ID: fmt.Sprintf("%s/open/%d", d.name, w.now), Source: d.name, Subject: event.Everyone, At: at, Data: &event.DoorOpened{Door: d.name, ReceivedAt: at}})
	}
}

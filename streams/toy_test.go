package streams_test

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"time"

	"tocsin/streams"
	"tocsin/streams/event"
)

// The toy machine counts readings, sums pulses, falls silent after a minute and, on certain values, fails in every way
// that a core can: 13 panics in Decide by rule, 14 in Apply, 15 in Decide as a whole, 16 answers itself for ever.
type toyState struct {
	Readings int            `json:"readings"`
	Sum      event.Decimal  `json:"sum"`
	Last     event.Time     `json:"last"`
	Silent   bool           `json:"silent,omitempty"`
	Waits    bool           `json:"waits,omitempty"`
	Out      map[string]int `json:"out,omitempty"`
	Fenced   bool           `json:"fenced,omitempty"`
}

type toyFacts struct {
	Doors map[string]event.Time `json:"doors,omitempty"`
}

type toy struct{}

func (toy) Common(f toyFacts, e event.Envelope, at event.Time) (toyFacts, error) {
	if d, ok := e.Data.(*event.DoorOpened); ok {
		f.Doors = maps.Clone(f.Doors)
		if f.Doors == nil {
			f.Doors = map[string]event.Time{}
		}
		f.Doors[d.Door] = at
	}
	return f, nil
}

func (toy) Apply(_ toyFacts, s toyState, e event.Envelope, at event.Time) (toyState, error) {
	switch d := e.Data.(type) {
	case *event.ObservationRecorded:
		for _, r := range d.Readings {
			if r.Value == event.Int(14) {
				panic("toy cannot fold 14")
			}
			s.Readings++
			s.Sum += r.Value
		}
		s.Last, s.Silent, s.Waits = at, false, true
	case *event.SignalFellSilent:
		s.Silent, s.Waits = true, false
		s.Out = maps.Clone(s.Out)
		if s.Out == nil {
			s.Out = map[string]int{}
		}
		s.Out["silent"]++
	case *event.RuleFenced:
		s.Fenced = s.Fenced || d.Rule == "thirteen"
	}
	return s, nil
}

func (toy) Decide(_ toyFacts, s toyState, e event.Envelope, now event.Time) ([]event.Event, error) {
	o, ok := e.Data.(*event.ObservationRecorded)
	if !ok {
		if r, ok := e.Data.(*event.SignalReturned); ok && r.Reading == "again" {
			return []event.Event{&event.SignalReturned{Quantity: event.PulsePerMin, Reading: "again"}}, nil
		}
		return nil, nil
	}
	var out []event.Event
	for _, r := range o.Readings {
		switch r.Value {
		case event.Int(13):
			if !s.Fenced {
				panic(event.RulePanic{Rule: "thirteen", Cause: "unlucky"})
			}
		case event.Int(15):
			panic("toy cannot decide on 15")
		case event.Int(16):
			out = append(out, &event.SignalReturned{Quantity: event.PulsePerMin, Reading: "again"})
		}
	}
	return append(out, &event.SignalReturned{Quantity: event.PulsePerMin, Reading: fmt.Sprintf("%s at %s", e.ID, now)}), nil
}

// Due says silence a minute after the last reading, but only once a door has been heard of after that moment.
func (t toy) Due(f toyFacts, s toyState, now event.Time) []event.Event {
	if due := t.NextDue(f, s); due > now {
		return nil
	}
	for _, heard := range f.Doors {
		if heard >= s.Last.Add(time.Minute) {
			return []event.Event{&event.SignalFellSilent{Quantity: event.PulsePerMin, Since: s.Last, CadenceMs: 60000}}
		}
	}
	return nil
}

func (toy) NextDue(_ toyFacts, s toyState) event.Time {
	if !s.Waits {
		return event.Never
	}
	return s.Last.Add(time.Minute)
}

func toyParts() streams.Parts[toyState, toyFacts] { return streams.Alone("toy", toy{}) }

const epoch = event.Time(1_780_000_000_000)

// reading makes the envelope of one pulse.
func reading(patient string, boot, seq int64, value int64, at event.Time) event.Envelope {
	device := "d-" + patient
	return event.Envelope{ID: fmt.Sprintf("%s/%d/%d", device, boot, seq), Source: "gateway/test", Subject: "t/" + patient, At: at,
		Data: &event.ObservationRecorded{Device: device, BootID: boot, Seq: seq, Sequenced: true, MeasuredAt: at, ReceivedAt: at, Door: "gateway/test",
			Readings: []event.Reading{{Quantity: event.PulsePerMin, Value: event.Int(value)}}}}
}

func door(at event.Time) event.Envelope {
	return event.Envelope{ID: fmt.Sprintf("door/%d", at), Source: "gateway/test", Subject: event.Everyone, At: at,
		Data: &event.DoorOpened{Door: "gateway/test", ReceivedAt: at}}
}

// scenario draws inputs: doubled, late, failing, with doors between them, and undecodable ones.
func scenario(rng *rand.Rand, n int) []event.Envelope {
	var all []event.Envelope
	at := epoch
	for i := range n {
		at = at.Add(time.Duration(rng.IntN(20_000)) * time.Millisecond)
		switch rng.IntN(12) {
		case 0:
			all = append(all, door(at))
		case 1:
			all = append(all, event.Envelope{Subject: "t/p1"}) // becomes undecodable
		case 2:
			if len(all) > 0 {
				all = append(all, all[rng.IntN(len(all))])
			}
		default:
			all = append(all, reading(fmt.Sprint("p", rng.IntN(4)), 1, int64(i), int64(10+rng.IntN(10)), at))
		}
	}
	return all
}

package desk

import (
	"context"
	"sync/atomic"

	"tocsin/alerts"
	"tocsin/care"
	"tocsin/rules"
	"tocsin/streams"
	"tocsin/streams/event"
)

// Patient is what the cores keep of one patient, as the desk reads it. It is never altered.
type Patient struct {
	Alerts alerts.State
	Care   care.State
	Looked
}

// Looked is what the rules know of a patient, worked out when somebody looks, as of the partition's moment clock.
type Looked struct {
	Silent bool // some signal should have come
	Vitals func(clock event.Time) Vitals
	Stands func(clock event.Time) rules.Standing
	// Came answers by which door the last reading came, empty when none did, and when the last of its signals that are silent fell so.
	Came func() (door string, fell event.Time)
}

// Vitals is what the rules know of one patient.
type Vitals struct {
	Latest map[string]Latest
	Trend  map[string][]Point
	Silent []SilentSignal
	Score  *event.Score
	// Measures are those of the pack, in its order.
	Measures []RowMeasure
}

// Seen is what one step that holds brought to one partition.
type Seen struct {
	Partition int32
	Offset    int64 // of the closing record in decisions; -1 before the first
	Input     int64 // the next input
	Clock     event.Time
	Inputs    []event.Envelope
	Events    []event.Envelope
	Touched   []string // in the first one all that there are
	Look      func(key string) (Patient, bool)
	CaughtUp  bool
}

// Follow tells fn of each step of a partition that holds, in order, from one goroutine, until ctx ends or the log fails.
type Follow func(ctx context.Context, partition int32, fn func(Seen) error) error

// Watch follows a log whose patients are joined of rules, alerts and care, in this order. look reads the rules' state, and
// asks for the facts when somebody looks: a pack or a group may have changed since the patient was last heard of.
func Watch[A, FA any](log streams.Log, parts streams.Parts[streams.Three[A, alerts.State, care.State], streams.Three[FA, alerts.Facts, care.Facts]],
	look func(facts func() FA, state A) Looked) Follow {
	type S = streams.Three[A, alerts.State, care.State]
	type F = streams.Three[FA, alerts.Facts, care.Facts]
	return func(ctx context.Context, partition int32, fn func(Seen) error) error {
		var newest atomic.Pointer[FA] // facts are never altered: each step makes new ones where something moves
		facts := func() FA { return *newest.Load() }
		return streams.Follow(ctx, log, streams.PatientPair, partition, parts, func(c streams.Change[S, F]) error {
			common := c.Replica.Common().A
			newest.Store(&common)
			return fn(Seen{
				Partition: partition, Offset: c.Offset, Input: c.Input, Clock: c.Clock, Inputs: c.Inputs, Events: c.Events, Touched: c.Touched, CaughtUp: c.CaughtUp,
				Look: func(key string) (Patient, bool) {
					s, ok := c.Replica.Get(key)
					if !ok {
						return Patient{}, false
					}
					return Patient{Alerts: s.B, Care: s.C, Looked: look(facts, s.A)}, true
				},
			})
		})
	}
}

// Package course has what one time axis shows of a patient over a span, however wide, as plain values: history answers them, the
// desk shows them. All of it is bounded: what is more than can be seen is drawn together or counted, and no extreme is lost.
package course

import (
	"time"

	"tocsin/streams/event"
)

// Readings is how the readings of one patient went over [From, To), in at most so many points for each quantity and doubt as were
// asked for, whatever the span. No extreme is lost: a point of many readings has their least and their greatest.
type Readings struct {
	Step    time.Duration // how wide a point's stretch is; 0: each reading is a point
	Signals []Signal      // by quantity, and what is believed first
}

// Signal is one quantity, as far as one doubt goes. The points of no doubt and those of doubtful clocks are believed: where
// readings are drawn together those without a doubt hold them all, and the clocks' stand beside once more.
type Signal struct {
	Quantity event.Quantity
	Doubt    Doubt
	Points   []Stretch // oldest first
}

// Stretch is what was measured from First to Last: one reading, or several of which Low and High are the extremes.
type Stretch struct {
	First, Last event.Time
	Low, High   event.Decimal
}

// Doubt is why a reading is not taken as it stands; empty: it is. Marks of plausibility are doubts by their own names.
type Doubt string

// The doubts that are no marks.
const (
	NoDoubt        Doubt = ""
	Disowned       Doubt = "disowned"        // somebody said that it was not this patient's
	ClockDoubt     Doubt = "clock"           // it was not measured by a trusted clock
	ClockCorrected Doubt = "clock_corrected" // the clock was wrong and has been corrected
)

// Axis is what stands on a patient's time axis over a span beside the readings. All of it is bounded: what is more is drawn
// together or counted.
type Axis struct {
	Episodes []Episode // warnings that were open in the span, in the order of raising
	LeftOut  uint64    // how many there are beside, lighter ones or older
	Scores   []ScoreStretch
	Clusters []Cluster
	Turns    []Turn           // what opened and ended spans, from the beginning, oldest first
	Plans    []event.Envelope // plan.changed: the one that held when the span began, and those in it
	Shut     []event.Envelope // technical.fault of the patient's partition: when a door could not be heard
}

// Episode is one warning from its raising to its close.
type Episode struct {
	Alert    string
	RaisedAt event.Time
	Peak     event.Severity
	Raised   *event.AlertRaised
	Accepted *event.AlertAccepted // the first time; nil: nobody has
	Closed   *event.AlertClosed   // nil: it is open
	ClosedAt event.Time           // Never: it is open
	Outcome  string               // the last that was said
}

// ScoreStretch is an aggregate score from First to Last: what was found then, and what stood at the end of it until the next.
type ScoreStretch struct {
	First, Last        event.Time
	Low, High, Upper   int // the least and the greatest lower bound, the greatest upper bound; -1: no score
	EndLower, EndUpper int
}

// Cluster is one or several events of a type that lie beside each other.
type Cluster struct {
	First, Last event.Time
	N           uint64
	Newest      event.Envelope
}

// Turn is one event, as far as a span needs it.
type Turn struct {
	Type  event.Type
	About string
	At    event.Time
}

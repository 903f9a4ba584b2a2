// Package demo is a simulated ward of forty home patients in four disease groups, for whoever wants to see what Tocsin
// does. They are obviously made up, publish over real MQTT on the real clock, and measure every forty seconds, so that what
// takes days at home fits into minutes. Twenty-five of them stay quiet; the others have courses (courses.go).
package demo

import (
	"fmt"
	"math"
	"math/rand/v2"
	"time"

	"tocsin/streams/event"
)

// Tenant is the hospital of the ward.
const Tenant = "demo"

const (
	every       = 40 * time.Second // how often a home measures
	historyDays = 14
)

// Ward is the forty.
type Ward struct{ Patients []*Patient }

// Patient is one of the ward, with a device.
type Patient struct {
	ID     string
	Group  *Group
	Course *Course // nil: stays quiet
	Usual  Values  // what is usual for this patient
	Plan   *event.Plan

	seed uint64
}

// Device answers the id of the patient's device.
func (p *Patient) Device() string { return "sim-" + p.ID }

// Values is one measurement, by quantity.
type Values map[event.Quantity]float64

// Group is one disease group with what its patients measure at home.
type Group struct {
	ID, Zh, En string
	Pack       string // of the library, whose rules hold here with the ward's own cadence
	PerDay     int    // how often its patients measured in the fourteen days before
	Patients   int
	usual      func(*rand.Rand) Values
}

var groups = []*Group{
	{"copd", "慢阻肺组", "COPD", "copd", 4, 14, func(r *rand.Rand) Values {
		return Values{event.SpO2Percent: between(r, 96.4, 97.2), event.PulsePerMin: between(r, 68, 80)}
	}},
	{"heart-failure", "心衰组", "Heart failure", "heart-failure", 1, 10, func(r *rand.Rand) Values {
		return Values{event.WeightKg: between(r, 56, 82), event.SystolicMmHg: between(r, 118, 134), event.DiastolicMmHg: between(r, 68, 80), event.PulsePerMin: between(r, 62, 76)}
	}},
	{"hypertension", "高血压组", "Hypertension", "hypertension", 2, 10, func(r *rand.Rand) Values {
		return Values{event.SystolicMmHg: between(r, 126, 142), event.DiastolicMmHg: between(r, 74, 88), event.PulsePerMin: between(r, 62, 78)}
	}},
	{"post-op", "术后居家组", "After surgery", "post-op", 2, 6, func(r *rand.Rand) Values {
		return Values{event.TemperatureCel: between(r, 36.5, 36.9), event.SystolicMmHg: between(r, 118, 132), event.DiastolicMmHg: between(r, 70, 82), event.PulsePerMin: between(r, 66, 80)}
	}},
}

func between(r *rand.Rand, low, high float64) float64 { return low + (high-low)*r.Float64() }

// firstID is the number of the first patient: P-0101, P-0102 …
const firstID = 101

// NewWard makes the forty, always the same.
func NewWard() *Ward {
	w := &Ward{}
	for _, g := range groups {
		for range g.Patients {
			n := firstID + len(w.Patients)
			r := rand.New(rand.NewPCG(uint64(n), 0))
			w.Patients = append(w.Patients, &Patient{ID: fmt.Sprintf("P-%04d", n), Group: g, Usual: g.usual(r), seed: uint64(n)})
		}
	}
	for _, p := range w.Patients {
		if c, ok := courses[p.ID]; ok {
			p.Course = c
			if c.Usual != nil {
				p.Usual = c.Usual
			}
			p.Plan = c.Plan
		}
	}
	return w
}

// spread is how far a quiet value strays from what is usual.
var spread = map[event.Quantity]float64{
	event.SpO2Percent: 0.6, event.PulsePerMin: 4, event.SystolicMmHg: 5, event.DiastolicMmHg: 3, event.TemperatureCel: 0.2, event.WeightKg: 0.2,
}

// grid is to how many decimals a device prints a value.
var grid = map[event.Quantity]float64{event.TemperatureCel: 10, event.WeightKg: 10, event.GlucoseMmolPerL: 10}

// Quiet is what the patient measures at a moment when nothing is wrong. It depends on nothing but patient and moment.
func (p *Patient) Quiet(at event.Time) Values {
	r := rand.New(rand.NewPCG(p.seed, uint64(at/1000)))
	day := math.Sin(2 * math.Pi * float64(at%86_400_000) / 86_400_000)
	v := Values{}
	for q := event.Quantity(1); int(q) < event.Quantities; q++ { // in order, so that the same numbers are drawn for each
		usual, ok := p.Usual[q]
		if !ok {
			continue
		}
		noise := (2*r.Float64()-1)*0.7 + 0.3*day
		v[q] = round(q, usual+spread[q]*noise)
	}
	return v
}

func round(q event.Quantity, v float64) float64 {
	g, ok := grid[q]
	if !ok {
		g = 1
	}
	return math.Round(v*g) / g
}

// decimal is an exact number for the log.
func decimal(v float64) event.Decimal { return event.Decimal(math.Round(v * float64(event.One))) }

// history is when and what a patient measured in the days before now, oldest first.
func (p *Patient) history(now event.Time) (at []event.Time, values []Values) {
	step := 24 * time.Hour / time.Duration(p.Group.PerDay)
	// Everybody has a time of day of his own; the newest lies an hour back at least, so that what is live is newer.
	first := now.Add(-historyDays*24*time.Hour + time.Duration(p.seed%60)*time.Minute)
	for t := first; t < now.Add(-time.Hour); t = t.Add(step) {
		at, values = append(at, t), append(values, p.Quiet(t))
	}
	return at, values
}

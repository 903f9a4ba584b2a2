// Package demo is a simulated ward of forty home patients in eight disease groups, for whoever wants to see what Tocsin
// does. They are obviously made up, publish over real MQTT on the real clock, and measure every forty seconds, so that what
// takes days at home fits into minutes. Twenty-five of them stay quiet; the others have courses (courses.go).
package demo

import (
	"fmt"
	"maps"
	"math"
	"math/rand/v2"
	"slices"
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
	Plan   event.Plan

	seed uint64
}

// Device answers the id of the patient's device.
func (p *Patient) Device() string { return "sim-" + p.ID }

// Values is one measurement, by quantity.
type Values map[event.Quantity]float64

// Answers is what a patient's app reports, by code: true and false, or a number.
type Answers map[string]any

func between(r *rand.Rand, low, high float64) float64 { return low + (high-low)*r.Float64() }

// firstID is the number of the first patient: P-0101, P-0102 …
const firstID = 101

// NewWard makes the forty, always the same.
func NewWard() *Ward {
	w := &Ward{}
	for _, g := range groups {
		for range g.Patients {
			n := firstID + len(w.Patients)
			p := &Patient{ID: fmt.Sprintf("P-%04d", n), Group: g, seed: uint64(n)}
			p.Usual = g.usual(rand.New(rand.NewPCG(p.seed, 0)))
			p.settle(courses[p.ID])
			w.Patients = append(w.Patients, p)
		}
	}
	return w
}

// settle gives the patient a course (nil: none) and the plan of the course or else of the group, with an age: clinics know it.
func (p *Patient) settle(c *Course) {
	p.Course = c
	if p.Group.plan != nil {
		p.Plan = p.Group.plan(p.Usual)
	}
	if c != nil && c.Usual != nil {
		p.Usual = c.Usual
	}
	if c != nil && c.Plan != nil {
		p.Plan = *c.Plan
	}
	if p.Plan.AgeYears == 0 {
		p.Plan.AgeYears = 58 + int(p.seed*7%25)
	}
}

// Groups answers the disease groups of the patient; the first leads.
func (p *Patient) Groups() []string {
	if p.Course == nil {
		return []string{p.Group.ID}
	}
	return append([]string{p.Group.ID}, p.Course.Groups...)
}

// stands is how long from now a changed rule holds, so that its end is to be seen beside it.
const stands = 30 * 24 * time.Hour

// orders answers the patient's plan as it is asked for at now.
func (p *Patient) orders(now event.Time) event.Plan {
	plan := p.Plan
	plan.Overrides = slices.Clone(plan.Overrides)
	until := now.Add(stands)
	for i := range plan.Overrides {
		plan.Overrides[i].Until = &until
	}
	return plan
}

// spread is how far a quiet value strays from what is usual.
var spread = map[event.Quantity]float64{
	event.SpO2Percent: 0.6, event.PulsePerMin: 4, event.SystolicMmHg: 5, event.DiastolicMmHg: 3, event.TemperatureCel: 0.2, event.WeightKg: 0.2,
	event.GlucoseMmolPerL: 0.3, event.PeakFlowLPerMin: 10,
}

// grid is to how many decimals a device prints a value.
var grid = map[event.Quantity]float64{event.TemperatureCel: 10, event.WeightKg: 10, event.GlucoseMmolPerL: 10, event.KetoneMmolPerL: 10}

// Quiet is what the patient measures at a moment when nothing is wrong. It depends on nothing but patient and moment.
func (p *Patient) Quiet(at event.Time) Values { return p.around(at, p.Usual) }

// around is what the patient measures at a moment when these values are what is usual.
func (p *Patient) around(at event.Time, usual Values) Values {
	r := rand.New(rand.NewPCG(p.seed, uint64(at/1000)))
	day := math.Sin(2 * math.Pi * float64(at%86_400_000) / 86_400_000)
	v := Values{}
	for q := event.Quantity(1); int(q) < event.Quantities; q++ { // in order, so that the same numbers are drawn for each
		u, ok := usual[q]
		if !ok {
			continue
		}
		noise := (2*r.Float64()-1)*0.7 + 0.3*day
		v[q] = round(q, u+spread[q]*noise)
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

// entry is one upload of the days before.
type entry struct {
	At     event.Time
	Values Values
	Says   Answers
}

// history is what a patient sent in the days before now, oldest first: what is usual, the group's diary once a day with
// nothing to complain of, and over it what the course says of a day.
func (p *Patient) history(now event.Time) (all []entry) {
	step := 24 * time.Hour / time.Duration(p.Group.PerDay)
	for day := historyDays; day >= 0; day-- {
		// Everybody has a time of day of his own; the newest lies an hour back at least, so that what is live is newer.
		morning := now.Add(-time.Duration(day)*24*time.Hour - time.Duration(p.seed%60)*time.Minute)
		for k := range p.Group.PerDay {
			e := entry{At: morning.Add(time.Duration(k) * step)}
			if e.At >= now.Add(-time.Hour) {
				return all
			}
			e.Values = p.Quiet(e.At)
			if k == 0 {
				e.Says = p.Group.calm()
			}
			if p.Course != nil {
				p.Course.past(day, k == 0, &e)
			}
			all = append(all, e)
		}
	}
	return all
}

// past lays what the course says of so many days ago over that day.
func (c *Course) past(day int, first bool, e *entry) {
	d := c.Past[day]
	maps.Copy(e.Values, d.Values)
	if first {
		maps.Copy(e.Says, d.Says)
	}
}

// Package trial runs the rules for one made-up patient, without a log: readings go in, and what was decided comes out. The
// tests of packs stand on it, those that clinicians write among them.
package trial

import (
	"fmt"
	"strings"

	"tocsin/rules"
	"tocsin/streams/event"
)

// The patient of every trial.
const (
	Tenant = "demo"
	Group  = "trial"
	Key    = Tenant + "/P-0113"
	Door   = "gateway"
	Device = "oxi-1"
	beatMs = 5000
)

// Patient is one patient under one pack, with one door that is open while Wait passes time.
type Patient struct {
	Core  rules.Core
	Facts rules.Facts
	State rules.State
	Now   event.Time
	Shut  bool // no door beats while time passes
	// Said is everything that was decided, in order.
	Said []event.Event

	seq  int64
	beat event.Time
}

// New enrols the patient at the moment at under the packs of the texts, each published with a group of its own; the first
// leads.
func New(compile func(string) (*rules.Pack, error), at event.Time, texts ...string) (*Patient, error) {
	p := &Patient{Core: rules.Core{Compile: compile}, Now: at}
	var groups []string
	for i, text := range texts {
		pack, err := compile(text)
		if err != nil {
			return nil, err
		}
		groups = append(groups, Group+strings.Repeat("-also", i))
		if err := p.Everyone(&event.PackPublished{Pack: pack.ID, Version: pack.Version, Sum: pack.Sum, Text: text}); err != nil {
			return nil, err
		}
		if err := p.Everyone(&event.GroupSet{Tenant: Tenant, Group: groups[i], Pack: pack.ID, AsRecorded: pack.AsRecorded}); err != nil {
			return nil, err
		}
	}
	if err := p.Beat(); err != nil {
		return nil, err
	}
	_, err := p.Give(&event.PatientEnrolled{Tenant: Tenant, Patient: "P-0113", Group: groups[0], Also: groups[1:]})
	return p, err
}

// Everyone folds what concerns all.
func (p *Patient) Everyone(d event.Event) (err error) {
	p.Facts, err = p.Core.Common(p.Facts, p.envelope(event.Everyone, d), p.Now)
	return err
}

// Beat lets the door say that it is open.
func (p *Patient) Beat() error {
	p.beat = p.Now
	return p.Everyone(&event.DoorOpened{Door: Door, ReceivedAt: p.Now})
}

func (p *Patient) envelope(subject string, d event.Event) event.Envelope {
	p.seq++
	return event.Envelope{ID: fmt.Sprintf("%s/1/%d", Device, p.seq), Source: Door, Subject: subject, At: p.Now, Data: d}
}

// Give hands the patient an input at the present moment and answers what followed.
func (p *Patient) Give(d event.Event) ([]event.Event, error) {
	before := len(p.Said)
	if err := p.due(); err != nil {
		return nil, err
	}
	if err := p.cascade([]event.Event{d}, false); err != nil {
		return nil, err
	}
	return p.Said[before:], nil
}

// cascade applies events and asks what follows, until nothing does.
func (p *Patient) cascade(queue []event.Event, ours bool) (err error) {
	var asked []event.Envelope
	for _, d := range queue {
		e := p.envelope(Key, d)
		if p.State, err = p.Core.Apply(p.Facts, p.State, e, p.Now); err != nil {
			return err
		}
		asked = append(asked, e)
		if ours {
			p.Said = append(p.Said, d)
		}
	}
	for _, e := range asked {
		next, err := p.Core.Decide(p.Facts, p.State, e, p.Now)
		if err != nil {
			return err
		}
		if len(next) > 0 {
			if err := p.cascade(next, true); err != nil {
				return err
			}
		}
	}
	return nil
}

// due asks what waiting has brought about.
func (p *Patient) due() error {
	for range 64 {
		if p.Core.NextDue(p.Facts, p.State) > p.Now {
			return nil
		}
		events := p.Core.Due(p.Facts, p.State, p.Now)
		if len(events) == 0 {
			return nil
		}
		if err := p.cascade(events, true); err != nil {
			return err
		}
	}
	return fmt.Errorf("at %s: what is due does not end", p.Now)
}

// Wait lets time pass and answers what came about. The door beats every five seconds, unless it is shut.
func (p *Patient) Wait(ms int64) ([]event.Event, error) {
	before, end := len(p.Said), p.Now+event.Time(ms)
	for p.Now < end {
		next := min(end, p.beat+beatMs)
		if next <= p.Now {
			next = min(end, p.Now+beatMs)
		}
		if due := p.Core.NextDue(p.Facts, p.State); due > p.Now && due < next {
			next = due
		}
		p.Now = next
		if !p.Shut && p.Now >= p.beat+beatMs {
			if err := p.Beat(); err != nil {
				return nil, err
			}
		}
		if err := p.due(); err != nil {
			return nil, err
		}
	}
	return p.Said[before:], nil
}

// Reading makes one value.
func Reading(q event.Quantity, v event.Decimal) event.Reading {
	return event.Reading{Quantity: q, Value: v}
}

// Measured makes an upload of readings measured at the moment at.
func Measured(at event.Time, readings ...event.Reading) *event.ObservationRecorded {
	return &event.ObservationRecorded{Device: Device, MeasuredAt: at, ReceivedAt: at, Clock: event.Clock{Quality: event.ClockOK}, Door: Door, Readings: readings}
}

// Measure hands over readings measured now.
func (p *Patient) Measure(readings ...event.Reading) ([]event.Event, error) {
	return p.Give(Measured(p.Now, readings...))
}

// Measures answers what the pack's measures come to: those that are known, by id.
func (p *Patient) Measures() map[string]float64 {
	known := map[string]float64{}
	for _, m := range rules.MeasuresOf(p.Facts, p.State, p.Now) {
		if m.Known {
			known[m.ID] = m.Value
		}
	}
	return known
}

// Score answers the leading score as it stands.
func (p *Patient) Score() *event.Score { return rules.ScoreOf(p.Facts, p.State) }

package study

import (
	"encoding/json"
	"fmt"
	"time"

	"tocsin/deploy/replay"
	"tocsin/rules/study"
	"tocsin/streams/event"
)

// readSepsis reads stays of the PhysioNet/CinC Challenge 2019. Sepsis begins six rows after the first labelled one.
func readSepsis(path string) (study.Cohort, error) {
	c := study.Cohort{Name: "PhysioNet/CinC Challenge 2019", Before: 12 * time.Hour, What: "onset of sepsis"}
	stays, err := replay.Read(path)
	if err != nil {
		return c, err
	}
	c.Patients = make([]study.Patient, len(stays))
	var refused refusals
	err = each(len(stays), func() {}, func(i int) error {
		d := device{patient: stays[i].Name}
		p, err := sepsisStay(&stays[i], &d)
		c.Patients[i] = p
		refused.add(d.refused)
		return err
	})
	begun := 0
	for i := range c.Patients {
		if h := c.Patients[i].Hours; len(h) > 0 && h[0].Label {
			begun++
		}
	}
	if begun > 0 {
		c.Left = append(c.Left, fmt.Sprintf("%d stays are labelled from their first row on, so their onset may have been earlier than six rows after it; they count as the others do", begun))
	}
	c.Left = append(c.Left, refused.lines()...)
	return c, err
}

// labelsLead is how long before the onset the labels of the challenge begin.
const labelsLead = 6 * hourMs

func sepsisStay(s *replay.Stay, d *device) (study.Patient, error) {
	p := study.Patient{ID: s.Name}
	if !s.Labelled {
		return p, fmt.Errorf("stay %s has no column SepsisLabel: there is nothing to compare with", s.Name)
	}
	for _, r := range s.Rows {
		at := epoch + event.Time(r.Hour)*hourMs
		if r.Measured() {
			var all []reading
			for _, x := range r.Readings() {
				all = append(all, reading{x.MDC, json.RawMessage(x.Value), x.Unit})
			}
			if err := d.upload(&p, at, all); err != nil {
				return p, err
			}
		}
		if r.Label && len(p.Targets) == 0 {
			p.Targets = append(p.Targets, study.Target{At: at + labelsLead, Kind: "sepsis"})
		}
		p.Hours = append(p.Hours, study.Hour{At: at, Uploads: len(p.Recorded), Label: r.Label})
	}
	if n := len(p.Hours); n > 0 {
		p.Begin, p.End = p.Hours[0].At, p.Hours[n-1].At+hourMs
	}
	return p, nil
}

// Package study reads recorded data, plays each patient through the cores as live does, and writes down how well the
// rules found what they were to find. The numbers themselves are of rules/study.
package study

import (
	"encoding/json"
	"fmt"

	"tocsin/ingest"
	"tocsin/rules/study"
	"tocsin/streams/directory"
	"tocsin/streams/event"
)

const (
	tenant = "study"
	group  = "study"
	door   = "recorded"
)

// reading is one value as a device would send it.
type reading struct {
	MDC   int             `json:"mdc"`
	Value json.RawMessage `json:"v"`
	Unit  string          `json:"u"`
}

// device sends the uploads of one patient through the door that live readings come by, so that units, plausibility and
// clocks are judged alike.
type device struct {
	patient string
	seq     int64
	refused []string
}

// upload adds to p what the door makes of readings of one moment: as live, and as it takes recordings, which it believes as
// they stand.
func (d *device) upload(p *study.Patient, at event.Time, readings []reading) error {
	d.seq++
	name := "study-" + d.patient
	payload, err := json.Marshal(map[string]any{
		"v": 1, "msg_id": fmt.Sprintf("%s/1/%d", name, d.seq), "boot_id": 1, "seq": d.seq, "t_meas": at.String(),
		"clock": map[string]any{"source": "utc", "synced": true}, "obs": readings,
	})
	if err != nil {
		return fmt.Errorf("patient %s, upload %d: %w", d.patient, d.seq, err)
	}
	b := directory.Binding{Device: name, Tenant: tenant, Patient: d.patient, Group: group}
	raw := ingest.Raw{Topic: "v1/" + tenant + "/" + name + "/obs", Payload: payload, Door: door}
	kept, rejected := ingest.Accept(raw, b, at)
	for _, r := range rejected {
		if x, ok := r.Data.(*event.ObservationRejected); ok {
			d.refused = append(d.refused, x.Reason)
		}
	}
	b.AsRecorded = true
	believed, _ := ingest.Accept(raw, b, at)
	if kept != nil {
		p.Uploads = append(p.Uploads, *kept)
	}
	if believed != nil {
		p.Recorded = append(p.Recorded, *believed)
	}
	return nil
}

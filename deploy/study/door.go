// Package study reads recorded data, plays each patient through the cores as live does, and writes down how well the
// rules found what they were to find. The numbers themselves are of rules/study.
package study

import (
	"encoding/json"
	"fmt"

	"tocsin/ingest"
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

// upload answers what the door makes of readings of one moment; nil when it keeps nothing of them.
func (d *device) upload(at event.Time, readings []reading) (*event.Envelope, error) {
	d.seq++
	name := "study-" + d.patient
	payload, err := json.Marshal(map[string]any{
		"v": 1, "msg_id": fmt.Sprintf("%s/1/%d", name, d.seq), "boot_id": 1, "seq": d.seq, "t_meas": at.String(),
		"clock": map[string]any{"source": "utc", "synced": true}, "obs": readings,
	})
	if err != nil {
		return nil, fmt.Errorf("patient %s, upload %d: %w", d.patient, d.seq, err)
	}
	b := directory.Binding{Device: name, Tenant: tenant, Patient: d.patient, Group: group}
	kept, rejected := ingest.Accept(ingest.Raw{Topic: "v1/" + tenant + "/" + name + "/obs", Payload: payload, Door: door}, b, at)
	for _, r := range rejected {
		if x, ok := r.Data.(*event.ObservationRejected); ok {
			d.refused = append(d.refused, x.Reason)
		}
	}
	return kept, nil
}

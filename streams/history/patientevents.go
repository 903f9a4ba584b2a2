package history

import (
	"strconv"
	"time"

	"github.com/cespare/xxhash/v2"

	"tocsin/streams"
	"tocsin/streams/event"
)

// eventRow is one row of patient_events.
type eventRow struct {
	tenant, patient string
	at              event.Time
	about           string
	severity        event.Severity
	score           *event.Score
}

// eventOf answers under whom and when an event stands on a patient's time axis; false: it stands on none. What concerns a
// device alone stands under no patient: who had the device finds it by the device.
func eventOf(r streams.Record, e event.Envelope) (row eventRow, ok bool) {
	row.tenant, row.patient = streams.SplitPatientKey(string(r.Key))
	row.at = e.At
	if r.Topic == streams.Directory {
		return row.ofDirectory(e.Data)
	}
	if r.Topic == streams.Inputs {
		return row.ofInputs(e.Data)
	}
	switch d := e.Data.(type) {
	case *event.AlertRaised:
		row.about, row.severity = d.Alert, d.Severity
	case *event.AlertWorsened:
		row.about, row.severity = d.Alert, d.Severity
	case *event.AlertAccepted:
		row.about = d.Alert
	case *event.AlertContacted:
		row.about = d.Alert
	case *event.AlertNoted:
		row.about = d.Alert
	case *event.AlertClosed:
		row.about = d.Alert
	case *event.AlertJudged:
		row.about = d.Alert
	case *event.SeverityScored:
		row.about, row.severity, row.score = d.Problem, d.Severity, d.Score
	case *event.SignalFellSilent:
		row.about = d.Quantity.String()
	case *event.SignalReturned:
		row.about = d.Quantity.String()
	case *event.ReadingDisowned, *event.PatientLeft, *event.PatientResumed, *event.TechnicalFault:
	default:
		return row, false
	}
	return row, true
}

func (row eventRow) ofDirectory(e event.Event) (eventRow, bool) {
	row.tenant, row.patient = "", ""
	switch d := e.(type) {
	case *event.DeviceBound:
		row.tenant, row.patient, row.about = d.Tenant, d.Patient, d.Device
	case *event.DeviceRevoked:
		row.about = d.Device
	default:
		return row, false
	}
	return row, true
}

func (row eventRow) ofInputs(e event.Event) (eventRow, bool) {
	switch d := e.(type) {
	case *event.PatientEnrolled, *event.PatientGrouped, *event.PlanChanged, *event.ConsentGiven, *event.ConsentWithdrawn, *event.ResponsibleSet:
	case *event.NoticeReported:
		row.about = d.Alert
	case *event.ObservationRecorded:
		row.at = d.MeasuredAt
		return row, len(d.Answers) > 0
	default:
		return row, false
	}
	return row, true
}

// eventRows are the columns of the table patient_events.
type eventRows struct {
	tenant, patient, typ, about, topic, key, value []string
	at, appended                                   []time.Time
	severity                                       []int8
	lower, upper                                   []int16
	partition                                      []uint32
	offset                                         []uint64
	headerKeys, headerValues                       [][]string
}

func (c *eventRows) add(r streams.Record, e event.Envelope) {
	row, ok := eventOf(r, e)
	if !ok {
		return
	}
	keys, values := headersOf(r)
	lower, upper := row.span()
	c.tenant, c.patient, c.typ = append(c.tenant, row.tenant), append(c.patient, row.patient), append(c.typ, string(e.Data.Type()))
	c.at, c.about, c.severity = append(c.at, within(row.at).Std()), append(c.about, row.about), append(c.severity, int8(row.severity))
	c.lower, c.upper, c.topic = append(c.lower, lower), append(c.upper, upper), append(c.topic, r.Topic)
	c.partition, c.offset = append(c.partition, uint32(r.Partition)), append(c.offset, uint64(r.Offset))
	c.appended, c.key = append(c.appended, within(event.Time(r.AppendMs)).Std()), append(c.key, string(r.Key))
	c.headerKeys, c.headerValues, c.value = append(c.headerKeys, keys), append(c.headerValues, values), append(c.value, string(r.Value))
}

func (c *eventRows) block() block {
	return block{table: "patient_events", rows: len(c.tenant),
		names: []string{"tenant", "patient", "type", "at", "about", "severity", "score_lower", "score_upper", "topic", "log_partition", "log_offset", "appended_at", "key", "header_keys", "header_values", "value"},
		columns: []any{c.tenant, c.patient, c.typ, c.at, c.about, c.severity, c.lower, c.upper, c.topic, c.partition, c.offset, c.appended, c.key,
			c.headerKeys, c.headerValues, c.value}}
}

// headersOf takes a record's headers apart, as the tables have them.
func headersOf(r streams.Record) (keys, values []string) {
	keys, values = make([]string, len(r.Headers)), make([]string, len(r.Headers))
	for i, h := range r.Headers {
		keys[i], values[i] = h.Key, string(h.Value)
	}
	return keys, values
}

// sum is the row's checksum; eventSumSQL says the same.
func (row eventRow) sum(r streams.Record, e event.Envelope) uint64 {
	b := make([]byte, 0, 256+len(r.Value))
	for _, s := range []string{row.tenant, row.patient, string(e.Data.Type()), row.about, string(r.Value)} {
		b = append(append(strconv.AppendInt(b, int64(len(s)), 10), ':'), s...)
	}
	lower, upper := row.span()
	for _, n := range []int64{int64(within(row.at)), int64(row.severity), int64(lower), int64(upper), r.Offset} {
		b = append(strconv.AppendInt(b, n, 10), ';')
	}
	return xxhash.Sum64(b)
}

// span is the score from its lower to its upper bound; -1: there is none.
func (row eventRow) span() (lower, upper int16) {
	if row.score == nil {
		return -1, -1
	}
	return int16(row.score.Lower), int16(row.score.Upper)
}

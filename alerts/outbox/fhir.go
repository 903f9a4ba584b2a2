package outbox

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"regexp"
	"strings"
	"time"

	"tocsin/streams/event"
)

// fhir writes FHIR R4: the warning as a DetectedIssue, and what happened to it as a Communication. Both are put under ids of their own,
// so that a repeat changes nothing.
type fhir struct{ zone *time.Location }

type (
	resource struct {
		ResourceType string       `json:"resourceType"`
		ID           string       `json:"id"`
		Identifier   []identifier `json:"identifier,omitempty"`
	}
	identifier struct {
		System string `json:"system"`
		Value  string `json:"value"`
	}
	concept struct {
		Text string `json:"text"`
	}
	reference struct {
		Reference  string      `json:"reference,omitempty"`
		Identifier *identifier `json:"identifier,omitempty"`
		Display    string      `json:"display,omitempty"`
	}
	evidence struct {
		Detail []reference `json:"detail"`
	}
	mitigation struct {
		Action concept   `json:"action"`
		Author reference `json:"author"`
	}
	detectedIssue struct {
		resource
		Status     string       `json:"status"`
		Severity   string       `json:"severity"`
		Code       concept      `json:"code"`
		Patient    reference    `json:"patient"`
		Identified string       `json:"identifiedDateTime"`
		Evidence   []evidence   `json:"evidence,omitempty"`
		Detail     string       `json:"detail"`
		Mitigation []mitigation `json:"mitigation,omitempty"`
	}
	payload struct {
		Text string `json:"contentString"`
	}
	communication struct {
		resource
		Status   string      `json:"status"`
		Category []concept   `json:"category"`
		Priority string      `json:"priority"`
		Subject  reference   `json:"subject"`
		About    []reference `json:"about"`
		Sent     string      `json:"sent"`
		Payload  []payload   `json:"payload"`
	}
)

const (
	systemWarning = "urn:tocsin:warning"
	systemEvent   = "urn:tocsin:event"
	systemReading = "urn:tocsin:reading"
	systemPatient = "urn:tocsin:patient:" // and the tenant
	systemAccount = "urn:tocsin:account"
)

func (f fhir) render(c change) ([]event.OutboxPart, error) {
	issue := f.issue(c)
	sum := sha256.Sum256([]byte(c.event.ID))
	said := communication{
		resource: resource{"Communication", "c" + hex.EncodeToString(sum[:16]), []identifier{{systemEvent, c.event.ID}}},
		Status:   "completed", Category: []concept{{string(c.event.Data.Type())}}, Priority: priorities[c.warning.Severity],
		Subject: issue.Patient, About: []reference{{Reference: "DetectedIssue/" + issue.ID}}, Sent: f.time(c.event.At), Payload: []payload{{sentence(c)}},
	}
	parts := make([]event.OutboxPart, 0, 2)
	for _, r := range []struct {
		path string
		body any
	}{{"DetectedIssue/" + issue.ID, issue}, {"Communication/" + said.ID, said}} {
		body, err := json.Marshal(r.body)
		if err != nil {
			return nil, fmt.Errorf("write event %s as FHIR: %w", c.event.ID, err)
		}
		parts = append(parts, event.OutboxPart{Method: "PUT", Path: r.path, Type: "application/fhir+json", Body: string(body)})
	}
	return parts, nil
}

// What IEC 60601-1-8 calls high, medium and low, in FHIR's words; technical conditions are low.
var (
	severities = map[event.Severity]string{event.High: "high", event.Medium: "moderate", event.Low: "low", event.Technical: "low"}
	priorities = map[event.Severity]string{event.High: "urgent", event.Medium: "asap", event.Low: "routine", event.Technical: "routine"}
)

func (f fhir) issue(c change) detectedIssue {
	w := c.warning
	i := detectedIssue{
		resource: resource{"DetectedIssue", fhirID(w.Alert), []identifier{{systemWarning, w.Alert}}},
		Status:   "preliminary", Severity: severities[w.Severity], Code: concept{w.Rule}, Patient: patientOf(w), Identified: f.time(w.RaisedAt), Detail: detailOf(w),
	}
	var e evidence
	for _, r := range w.Reasons {
		if r.Reading != "" {
			e.Detail = append(e.Detail, reference{Identifier: &identifier{systemReading, r.Reading}, Display: r.En})
		}
	}
	if len(e.Detail) > 0 {
		i.Evidence = []evidence{e}
	}
	if d, is := c.event.Data.(*event.AlertClosed); is {
		i.Status = "final"
		if d.Outcome == event.OutcomeMeasurement || d.Outcome == event.OutcomeTechnical {
			i.Status = "cancelled"
		}
	}
	if w.Owner != "" {
		i.Mitigation = []mitigation{{concept{"taken"}, reference{Identifier: &identifier{systemAccount, w.Owner}}}}
	}
	return i
}

func (f fhir) time(t event.Time) string {
	return t.Std().In(f.zone).Format("2006-01-02T15:04:05.000Z07:00")
}

var idForm = regexp.MustCompile(`^[A-Za-z0-9.-]{1,64}$`)

// fhirID answers an id as FHIR allows it, the same for the same word.
func fhirID(id string) string {
	if idForm.MatchString(id) {
		return id
	}
	sum := sha256.Sum256([]byte(id))
	return hex.EncodeToString(sum[:16])
}

// patientOf points to the patient by our opaque id, and by a reference where that may stand in one.
func patientOf(w event.OutboxWarning) reference {
	r := reference{Identifier: &identifier{systemPatient + w.Tenant, w.Patient}}
	if idForm.MatchString(w.Patient) {
		r.Reference = "Patient/" + w.Patient
	}
	return r
}

// detailOf says in words what was found.
func detailOf(w event.OutboxWarning) string {
	var b strings.Builder
	if s := w.Score; s != nil {
		fmt.Fprintf(&b, "%s %d", strings.ToUpper(s.Rule), s.Lower)
		if s.Upper != s.Lower {
			fmt.Fprintf(&b, " to %d", s.Upper)
		}
	}
	for i, r := range w.Reasons {
		if i > 0 || b.Len() > 0 {
			b.WriteString("; ")
		}
		b.WriteString(r.En)
	}
	if s := w.Score; s != nil && len(s.Missing) > 0 {
		b.WriteString("; missing:")
		for _, q := range s.Missing {
			b.WriteString(" " + q.String())
		}
	}
	return b.String()
}

// sentence says in words what happened.
func sentence(c change) string {
	d := dataOf(c.event.Data)
	s := map[event.Type]string{"alert.raised": "raised", "alert.updated": "findings changed", "alert.worsened": "became graver", "alert.eased": "nothing is found any more",
		"alert.accepted": "taken", "alert.escalated": "nobody answered, asked " + d.To, "alert.returned": "given back", "alert.contacted": d.Whom + ": " + d.Outcome,
		"alert.shelved": "put aside", "alert.unshelved": "asks again", "alert.closed": "closed: " + d.Outcome}[c.event.Data.Type()]
	if d.By != "" {
		s += " by " + d.By
	}
	return s
}

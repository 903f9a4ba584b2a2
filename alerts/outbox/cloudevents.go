package outbox

import (
	"encoding/json"
	"fmt"
	"strconv"
	"time"

	"tocsin/streams/event"
)

// change is one event of a warning, with the warning as it is after it.
type change struct {
	subscriber string
	number     int64
	partition  int32
	event      event.Envelope
	warning    event.OutboxWarning
	consent    string // by which it is told
}

// renderer writes a change in one form. It uses nothing but the change, so that the bytes depend on the log alone.
type renderer interface {
	render(c change) ([]event.OutboxPart, error)
	// withheld writes that of a warning nothing is told; none: this form has no way to say so.
	withheld(w withheld) ([]event.OutboxPart, error)
}

// cloudEvents writes CloudEvents 1.0 in structured JSON.
type cloudEvents struct{}

// cloudEvent is what goes out. sequence is CloudEvents' extension for order, here the number within subscriber and partition.
type cloudEvent struct {
	SpecVersion  string    `json:"specversion"`
	ID           string    `json:"id"`
	Source       string    `json:"source"`
	Type         string    `json:"type"`
	Time         string    `json:"time"`
	Subject      string    `json:"subject"`
	ContentType  string    `json:"datacontenttype"`
	Sequence     string    `json:"sequence"`
	SequenceType string    `json:"sequencetype"`
	Partition    int32     `json:"tocsinpartition"`
	Consent      string    `json:"tocsinconsent,omitempty"` // id of the consent by which it is told
	Data         eventData `json:"data"`
}

// eventData says what happened, and how the warning stands since.
type eventData struct {
	Version int                 `json:"version"` // of this shape
	By      string              `json:"by,omitempty"`
	To      string              `json:"to,omitempty"`
	Why     string              `json:"why,omitempty"`     // a fixed word
	Outcome string              `json:"outcome,omitempty"` // of a contact or a close
	Whom    string              `json:"whom,omitempty"`    // of a contact
	Warning event.OutboxWarning `json:"warning"`
}

func (cloudEvents) render(c change) ([]event.OutboxPart, error) {
	e := c.event
	data := dataOf(e.Data)
	data.Version, data.Warning = 1, c.warning
	body, err := json.Marshal(cloudEvent{SpecVersion: "1.0", ID: e.ID, Source: fmt.Sprintf("/tocsin/decisions/%d", c.partition), Type: string(e.Data.Type()),
		Time: e.At.Std().Format(time.RFC3339Nano), Subject: e.Subject, ContentType: "application/json",
		Sequence: strconv.FormatInt(c.number, 10), SequenceType: "Integer", Partition: c.partition, Consent: c.consent, Data: data})
	if err != nil {
		return nil, fmt.Errorf("write event %s as CloudEvent: %w", e.ID, err)
	}
	return []event.OutboxPart{{Method: "POST", Type: "application/cloudevents+json", Body: string(body)}}, nil
}

// dataOf takes from an event what the warning itself does not say. Words of persons stay here: they may name somebody.
func dataOf(d event.Event) eventData {
	switch d := d.(type) {
	case *event.AlertRaised:
		return eventData{By: d.By, Why: d.Planned}
	case *event.AlertWorsened:
		return eventData{Why: d.Why}
	case *event.AlertAccepted:
		return eventData{By: d.By}
	case *event.AlertEscalated:
		return eventData{To: d.To, Why: d.Why}
	case *event.AlertReturned:
		return eventData{By: d.By}
	case *event.AlertContacted:
		return eventData{By: d.By, Whom: d.Whom, Outcome: d.Outcome}
	case *event.AlertShelved:
		return eventData{By: d.By}
	case *event.AlertUnshelved:
		return eventData{By: d.By, Why: d.Why}
	case *event.AlertClosed:
		return eventData{By: d.By, Outcome: d.Outcome}
	default:
		return eventData{}
	}
}

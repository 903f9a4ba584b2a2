// Package own makes the copy of what is kept of one patient, for that patient (PIPL article 45; FEATURES SEC-4): one zip with a page to
// read, the whole as JSON, and readings, warnings and consents as a FHIR Bundle.
//
//	read.go    the records of one key: from the log, and from history where the log is trimmed
//	gather.go  what they say, as one Copy
//	others.go  what is not the patient's, and is left out and counted
//	fhir.go, page.go, zip.go  the forms
//
// Everything that lies under the patient's key is in it, also what was decided and who looked; how much of each kind stands beside. What is
// somebody else's is not: readings that were taken out as another's, uploads that name another patient, and who the carers are.
package own

import (
	"encoding/json"

	"tocsin/care/vault"
	"tocsin/streams/event"
)

// Copy is everything that is kept of one patient.
type Copy struct {
	Version int        `json:"version"` // of this shape
	Tenant  string     `json:"tenant"`
	Patient string     `json:"patient"`
	MadeAt  event.Time `json:"made_at"`
	By      string     `json:"by"`
	Reason  string     `json:"reason"` // one of Reasons

	// Who the patient is, from the vault: known, none, erased, off or lost.
	PersonState string        `json:"person_state"`
	Person      *vault.Person `json:"person,omitempty"`

	Readings []Reading `json:"readings"` // by when they were measured, each as often as it came
	Answers  []Reading `json:"answers"`
	Warnings []Warning `json:"warnings"`
	Notes    []Note    `json:"notes"` // words of people about the patient
	Consents []Line    `json:"consents"`
	Reads    []Read    `json:"reads"`  // who looked, and who was refused
	Shared   []Shared  `json:"shared"` // what went to machines of others
	Lines    []Line    `json:"lines"`  // every record, in the order of each topic

	Counts  map[string]int `json:"counts"` // of lines, by topic and type: inputs/observation.recorded
	LeftOut LeftOut        `json:"left_out"`
	Sources []Source       `json:"sources"`
}

// Reasons are why such a copy is made.
var Reasons = []string{"asked_by_patient", "asked_by_guardian", "asked_by_court"}

// Reading is one measured quantity, or an answer under a code.
type Reading struct {
	MeasuredAt event.Time    `json:"measured_at"`
	ReceivedAt event.Time    `json:"received_at"`
	What       string        `json:"what"` // quantity with its unit, or code
	Value      event.Decimal `json:"value"`
	Unit       string        `json:"unit,omitempty"` // of an answer, as sent
	Mark       event.Mark    `json:"mark,omitempty"`
	Device     string        `json:"device"`
	Upload     string        `json:"upload"` // id of the record

	quantity event.Quantity
}

// Warning is one episode.
type Warning struct {
	Alert    string         `json:"alert"`
	Problem  string         `json:"problem"`
	Severity event.Severity `json:"severity"` // the gravest
	RaisedAt event.Time     `json:"raised_at"`
	ClosedAt event.Time     `json:"closed_at,omitempty"`
	ClosedBy string         `json:"closed_by,omitempty"`
	Outcome  string         `json:"outcome,omitempty"`
	Zh       []string       `json:"zh"` // why, in words
	En       []string       `json:"en"`
}

// Note is what somebody wrote about the patient.
type Note struct {
	At   event.Time `json:"at"`
	By   string     `json:"by"`
	Of   event.Type `json:"of"`
	Text string     `json:"text"`
}

// Read is an entry of the audit log.
type Read struct {
	At      event.Time `json:"at"`
	Account string     `json:"account"`
	Role    string     `json:"role"`
	Action  string     `json:"action"`
	Purpose string     `json:"purpose"`
	Refused bool       `json:"refused,omitempty"`
	Reason  string     `json:"reason,omitempty"`
}

// Shared is one message to a machine of others.
type Shared struct {
	At         event.Time `json:"at"`
	Subscriber string     `json:"subscriber"`
	Number     int64      `json:"number"`
	Of         event.Type `json:"of"`
	Consent    string     `json:"consent"`
	Withheld   bool       `json:"withheld,omitempty"` // it was not sent
}

// Line is one record.
type Line struct {
	Topic     string          `json:"topic"`
	Partition int32           `json:"partition"`
	Offset    int64           `json:"offset"`
	At        event.Time      `json:"at"`
	ID        string          `json:"id"`
	Type      event.Type      `json:"type"`
	Data      json.RawMessage `json:"data"`
}

// LeftOut counts what is somebody else's, and what could not be read.
type LeftOut struct {
	Disowned   int `json:"disowned"`   // readings that somebody said were not the patient's
	Mismatched int `json:"mismatched"` // uploads of the patient's devices that named another patient
	Carers     int `json:"carers"`     // people near the patient, of whom the vault knows
	Unreadable int `json:"unreadable"` // records under the patient's key that no program here can read
}

// Source is a stretch of a topic that was read. Missing tells that what lies before From is neither in the log nor in history.
type Source struct {
	Topic     string `json:"topic"`
	Partition int32  `json:"partition"`
	From      int64  `json:"from"`
	Next      int64  `json:"next"`
	Missing   bool   `json:"missing,omitempty"`
}

// Whole tells whether nothing is missing.
func (c *Copy) Whole() bool {
	for _, s := range c.Sources {
		if s.Missing {
			return false
		}
	}
	return c.LeftOut.Unreadable == 0
}

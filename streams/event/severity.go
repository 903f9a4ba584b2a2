package event

import (
	"encoding/json"
	"fmt"
)

// Severity is the priority of a condition after IEC 60601-1-8. Technical stands apart: it says that watching is impaired.
type Severity uint8

// The severities, in rising order; Technical is compared with nothing.
const (
	NoSeverity Severity = iota
	Low
	Medium
	High
	Technical
)

var severityNames = [...]string{"none", "low", "medium", "high", "technical"}

// String is the word on the wire.
func (s Severity) String() string {
	if int(s) < len(severityNames) {
		return severityNames[s]
	}
	return fmt.Sprintf("severity(%d)", uint8(s))
}

// MarshalText writes the word.
func (s Severity) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// UnmarshalText reads the word.
func (s *Severity) UnmarshalText(b []byte) error {
	for i, n := range severityNames {
		if n == string(b) {
			*s = Severity(i)
			return nil
		}
	}
	return fmt.Errorf("severity %q: want none, low, medium, high or technical", b)
}

// The problems for which a patient can have an open warning, one each.
const (
	Deterioration = "deterioration" // scores, single signs, own targets
	Silence       = "silence"       // signals that should have come
	Reported      = "reported"      // what a person raised by hand
	Fault         = "fault"         // a part of Tocsin failed for this patient or this partition
)

// SeverityScored is one assessment of one problem of one patient. It is written when the answer changes, carries all
// that it rests on, and can be decided again from it to the same bytes.
type SeverityScored struct {
	Problem     string   `json:"problem"`
	Severity    Severity `json:"severity"`
	Pack        string   `json:"pack"`
	PackVersion int      `json:"pack_version"`
	PackSum     string   `json:"pack_sum"` // SHA-256 of the pack's text; of several packs theirs, joined by + as in Pack, with the version of the first

	Score   *Score   `json:"score,omitempty"` // when the pack scores
	Reasons []Reason `json:"reasons"`         // worst first; empty when nothing is wrong
	Danger  bool     `json:"danger,omitempty"`
	// Late tells that the grave finding is in old, buffered data which a newer normal reading has overtaken.
	Late bool `json:"late,omitempty"`
}

// Score is an aggregate score as an interval: Lower sums what is known, Upper adds the worst of what is not.
type Score struct {
	Rule       string     `json:"rule"` // such as news2
	Lower      int        `json:"lower"`
	Upper      int        `json:"upper"`
	Band       string     `json:"band"`       // of the lower bound: zero, low, low_medium, medium, high
	Determined bool       `json:"determined"` // both ends fall in Band
	Scale      int        `json:"scale,omitempty"`
	Parts      []Part     `json:"parts"`
	Missing    []Quantity `json:"missing,omitempty"` // never measured, too old, or not believed
	Unknown    []string   `json:"unknown,omitempty"` // parts without a quantity that are not known, and what they lack
}

// Part is one input of a score with what it added.
type Part struct {
	Quantity   Quantity `json:"quantity,omitempty"`
	Code       string   `json:"code,omitempty"` // of a part that is decided by conditions
	Known      bool     `json:"known"`
	Value      *Decimal `json:"value,omitempty"`
	MeasuredAt *Time    `json:"measured_at,omitempty"`
	Reading    string   `json:"reading,omitempty"` // id of the observation event
	Points     int      `json:"points"`            // what it added to the lower bound
	Most       int      `json:"most"`              // what it added to the upper bound
	Stale      bool     `json:"stale,omitempty"`   // there is a value, but it is older than the pack allows
}

// Reason is one finding that led to the severity: a rule of the pack, what it saw and what it held against it.
type Reason struct {
	Rule       string    `json:"rule"` // id within the pack, such as news2, spo2-low, own-target-spo2, silence
	Severity   Severity  `json:"severity"`
	Quantity   *Quantity `json:"quantity,omitempty"`
	Value      *Decimal  `json:"value,omitempty"`
	Unit       string    `json:"unit,omitempty"` // UCUM
	MeasuredAt *Time     `json:"measured_at,omitempty"`
	Reading    string    `json:"reading,omitempty"`
	Low        *Decimal  `json:"low,omitempty"`  // the bound that was crossed below, exclusive of what is normal
	High       *Decimal  `json:"high,omitempty"` // the bound that was crossed above
	From       string    `json:"from,omitempty"` // whose bound it is: pack, group, patient
	SetBy      string    `json:"set_by,omitempty"`
	Source     string    `json:"source,omitempty"` // the document behind the rule
	Evidence   string    `json:"evidence,omitempty"`
	Since      *Time     `json:"since,omitempty"` // when it began to hold (silence: when the last reading was folded)
	Unsure     bool      `json:"unsure,omitempty"`
	// Inputs are what a condition rested on, in the order in which it names them; When is its text.
	Inputs []Input `json:"inputs,omitempty"`
	When   string  `json:"when,omitempty"`
	Pack   string  `json:"pack,omitempty"`  // which of several packs of the patient the rule is from; empty: the only one
	Until  *Time   `json:"until,omitempty"` // when the override behind From ends
	Why    string  `json:"why,omitempty"`   // why it was set, in the words of whoever did
	Zh     string  `json:"zh"`              // in words, Chinese
	En     string  `json:"en"`              // in words, English
}

// Input is one value that a condition looked at.
type Input struct {
	Name       string   `json:"name"`            // such as weight_kg, rise(weight_kg, "72h"), best_peak_flow_l_per_min
	Value      *Decimal `json:"value,omitempty"` // nil: not known
	Unit       string   `json:"unit,omitempty"`  // UCUM
	MeasuredAt *Time    `json:"measured_at,omitempty"`
	Reading    string   `json:"reading,omitempty"`
	From       string   `json:"from,omitempty"` // of a param: pack, group, patient
	SetBy      string   `json:"set_by,omitempty"`
}

// SignalFellSilent says that a quantity which should have come did not.
type SignalFellSilent struct {
	Quantity   Quantity `json:"quantity"`
	LastFolded *Time    `json:"last_folded,omitempty"` // nil: never measured
	Since      Time     `json:"since"`                 // from when the waiting counted
	CadenceMs  int64    `json:"cadence_ms"`
	GraceMs    int64    `json:"grace_ms"`
	Repeat     int      `json:"repeat"` // 0 the first time, then counted while it lasts
}

// SignalReturned ends a silence.
type SignalReturned struct {
	Quantity Quantity `json:"quantity"`
	Reading  string   `json:"reading"`
}

// RepeatAsked asks patient and carer to measure again, because a reading was implausible and is not scored until it is
// confirmed. Unanswered by AnswerBy it becomes a reason, marked unsure.
type RepeatAsked struct {
	Quantity Quantity `json:"quantity"`
	Value    Decimal  `json:"value"`
	Reading  string   `json:"reading"`
	AnswerBy Time     `json:"answer_by"`
}

// RuleFenced says that a rule of a core panicked for this patient and is left out for it from here on.
type RuleFenced struct {
	Machine string `json:"machine"` // rules, alerts, care
	Rule    string `json:"rule,omitempty"`
	Of      string `json:"of,omitempty"`     // id of the input or event during which it happened; empty: while waiting
	Passed  bool   `json:"passed,omitempty"` // the machine could not fold that input or event at all: it is passed over
	Detail  string `json:"detail"`
}

// TechnicalFault says that watching is impaired, for a patient, for a whole partition (subject
// tocsin/partition-N), or for the notifier (tocsin/notify), which alone writes it as an input.
type TechnicalFault struct {
	Kind     string `json:"kind"` // undecodable, too_large, runaway, fenced, clock_leap, door_shut, unknown_patient, no_pack, rota_gap
	Detail   string `json:"detail"`
	DetailZh string `json:"detail_zh,omitempty"` // absent: the detail is names and numbers, or an error, as it came
	Offset   int64  `json:"offset"`              // of the input concerned; -1: none
	Door     string `json:"door,omitempty"`
	From     *Time  `json:"from,omitempty"`
	To       *Time  `json:"to,omitempty"`
}

func (*SeverityScored) Type() Type   { return "severity.scored" }
func (*SignalFellSilent) Type() Type { return "signal.fell_silent" }
func (*SignalReturned) Type() Type   { return "signal.returned" }
func (*RepeatAsked) Type() Type      { return "repeat.asked" }
func (*RuleFenced) Type() Type       { return "rule.fenced" }
func (*TechnicalFault) Type() Type   { return "technical.fault" }

// A RulePanic is what a core panics with when one of its rules does, so that the fence knows which.
type RulePanic struct {
	Rule  string
	Cause any
}

// Error makes a RulePanic readable where it is printed.
func (p RulePanic) Error() string { return fmt.Sprintf("rule %s: %v", p.Rule, p.Cause) }

var _ json.Marshaler = Time(0)

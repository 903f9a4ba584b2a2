package event

// AlertRaised opens an episode: one patient, one problem, until it is closed. It carries the policy by which it is
// handled, frozen, so that no fold ever repeats a policy.
type AlertRaised struct {
	Alert    string   `json:"alert"`   // unique, opaque, safe in a URL
	Episode  int      `json:"episode"` // counts this patient's episodes of this problem from 1
	Problem  string   `json:"problem"`
	Severity Severity `json:"severity"`
	Rule     string   `json:"rule"` // of the first reason
	Reasons  []Reason `json:"reasons"`
	Danger   bool     `json:"danger,omitempty"`
	Score    *Score   `json:"score,omitempty"`
	Policy   Policy   `json:"policy"`
	Level    int      `json:"level"`     // the step of the policy that is asked now
	AnswerBy Time     `json:"answer_by"` // the next deadline
	Scored   string   `json:"scored"`    // id of the assessment
}

// Policy is who is asked, in which order and how long each may take. The last step repeats until somebody takes the warning.
type Policy struct {
	ID      string       `json:"id"`
	Version int          `json:"version"`
	Steps   []PolicyStep `json:"steps"`
	CareMs  int64        `json:"care_ms"` // after an accept: how long until the warning comes back unless it is closed
	EaseMs  int64        `json:"ease_ms"` // how long nothing must be found before the warning counts as eased
}

// PolicyStep is one rung.
type PolicyStep struct {
	To       string `json:"to"` // a role or a desk: desk, nurse, doctor-1, doctor-2, duty-office
	AnswerMs int64  `json:"answer_ms"`
}

// AlertUpdated says that the findings changed without becoming graver.
type AlertUpdated struct {
	Alert    string   `json:"alert"`
	Severity Severity `json:"severity"`
	Reasons  []Reason `json:"reasons"`
	Danger   bool     `json:"danger,omitempty"`
	Score    *Score   `json:"score,omitempty"`
	Scored   string   `json:"scored"`
}

// AlertWorsened says that the findings became graver: a higher severity, the immediate-danger band, a lower bound up
// by 2 or more, or (after an accept) a reason that was not there. An accepted warning asks again from here.
type AlertWorsened struct {
	Alert    string   `json:"alert"`
	Severity Severity `json:"severity"`
	Reasons  []Reason `json:"reasons"`
	Danger   bool     `json:"danger,omitempty"`
	Score    *Score   `json:"score,omitempty"`
	Policy   Policy   `json:"policy"`
	Level    int      `json:"level"`
	AnswerBy Time     `json:"answer_by"`
	Why      string   `json:"why"` // severity, danger, score, reason
	Scored   string   `json:"scored"`
}

// AlertEased says that nothing is found any more, and has not been for the hold time; the warning stays until a person closes it.
type AlertEased struct {
	Alert  string `json:"alert"`
	Scored string `json:"scored,omitempty"`
}

// AlertAccepted says who has taken the warning. CareBy is the next deadline.
type AlertAccepted struct {
	Alert   string `json:"alert"`
	By      string `json:"by"` // account
	Desk    string `json:"desk,omitempty"`
	Request string `json:"request"` // id of the click
	CareBy  Time   `json:"care_by"`
}

// AlertEscalated says that nobody answered in time and who is asked next.
type AlertEscalated struct {
	Alert    string `json:"alert"`
	Level    int    `json:"level"`
	To       string `json:"to"`
	Why      string `json:"why"` // unanswered, care_overdue
	AnswerBy Time   `json:"answer_by"`
}

// AlertReturned says that whoever had taken the warning gave it back: it asks again.
type AlertReturned struct {
	Alert    string `json:"alert"`
	By       string `json:"by"`
	Reason   string `json:"reason,omitempty"`
	Request  string `json:"request"`
	Level    int    `json:"level"`
	AnswerBy Time   `json:"answer_by"`
}

// AlertClosed ends the episode with what it turned out to be.
type AlertClosed struct {
	Alert       string `json:"alert"`
	By          string `json:"by"`
	Outcome     string `json:"outcome"`               // see Outcomes
	Done        string `json:"done,omitempty"`        // what was done, in words
	Disposition string `json:"disposition,omitempty"` // where the patient is
	Contacted   bool   `json:"contacted,omitempty"`
	Request     string `json:"request"`
}

// The outcomes of a closed warning (ALR-23). Nothing is preselected.
const (
	OutcomeReal        = "real"
	OutcomeUsual       = "real_usual" // real, but usual for this patient
	OutcomeMeasurement = "measurement_fault"
	OutcomeTechnical   = "technical"
	OutcomeUnknown     = "not_known_yet"
)

func (*AlertRaised) Type() Type    { return "alert.raised" }
func (*AlertUpdated) Type() Type   { return "alert.updated" }
func (*AlertWorsened) Type() Type  { return "alert.worsened" }
func (*AlertEased) Type() Type     { return "alert.eased" }
func (*AlertAccepted) Type() Type  { return "alert.accepted" }
func (*AlertEscalated) Type() Type { return "alert.escalated" }
func (*AlertReturned) Type() Type  { return "alert.returned" }
func (*AlertClosed) Type() Type    { return "alert.closed" }

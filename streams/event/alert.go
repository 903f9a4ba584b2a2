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
	// Planned is why a silence that falls into a planned window asks nobody until AnswerBy; empty: it asks now.
	Planned string `json:"planned,omitempty"`
	// By is who raised it by hand, and Request that click; empty: findings did.
	By      string   `json:"by,omitempty"`
	Request string   `json:"request,omitempty"`
	OnDuty  []string `json:"on_duty,omitempty"` // the accounts on duty for the step; empty: no rota says who
}

// Policy is who is asked, in which order and how long each may take. The last step repeats until somebody takes the warning.
type Policy struct {
	ID      string       `json:"id"`
	Version int          `json:"version"`
	Steps   []PolicyStep `json:"steps"`
	CareMs  int64        `json:"care_ms"` // after an accept: how long until the warning comes back unless it is closed
	EaseMs  int64        `json:"ease_ms"` // how long nothing must be found before the warning counts as eased
	// CloseMs is how long somebody may have it in care, after a contact, until it comes back unless it is closed.
	CloseMs int64 `json:"close_ms,omitempty"`
	// RetryMs is how long a contact that nobody answered may rest until it is tried again.
	RetryMs int64 `json:"retry_ms,omitempty"`
	// ShelveMs is the longest for which it can be shelved, and ShelveTwo whether that takes two persons.
	ShelveMs  int64 `json:"shelve_ms,omitempty"`
	ShelveTwo bool  `json:"shelve_two,omitempty"`
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
	Request  string   `json:"request,omitempty"` // the click of who reported it by hand
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
	Request  string   `json:"request,omitempty"` // the click of who reported it by hand
	OnDuty   []string `json:"on_duty,omitempty"` // the accounts on duty for the step; empty: no rota says who
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
	Alert    string   `json:"alert"`
	Level    int      `json:"level"`
	To       string   `json:"to"`
	Why      string   `json:"why"` // unanswered, care_overdue
	AnswerBy Time     `json:"answer_by"`
	OnDuty   []string `json:"on_duty,omitempty"` // the accounts on duty for the step; empty: no rota says who
}

// AlertReturned says that whoever had taken the warning gave it back: it asks again.
type AlertReturned struct {
	Alert    string   `json:"alert"`
	By       string   `json:"by"`
	Reason   string   `json:"reason,omitempty"`
	Request  string   `json:"request"`
	Level    int      `json:"level"`
	AnswerBy Time     `json:"answer_by"`
	OnDuty   []string `json:"on_duty,omitempty"` // the accounts on duty for the step; empty: no rota says who
}

// AlertCalling says that whoever has the warning is on a call about it. It moves no deadline.
type AlertCalling struct {
	Alert   string `json:"alert"`
	By      string `json:"by"`
	Whom    string `json:"whom"` // see Contacts
	Request string `json:"request"`
}

// AlertContacted says what came of a call. Somebody who was reached puts the warning in care; who was not is called again by
// CareBy.
type AlertContacted struct {
	Alert   string `json:"alert"`
	By      string `json:"by"`
	Whom    string `json:"whom"`
	Outcome string `json:"outcome"` // see Reached
	Note    string `json:"note,omitempty"`
	Request string `json:"request"`
	CareBy  Time   `json:"care_by"`
}

// Contacts, in the order of the ladder (ALR-20).
const (
	ContactPatient   = "patient"
	ContactCarer     = "carer"
	ContactCommunity = "community"
	ContactEmergency = "emergency" // the patient's own 120 centre
)

// What comes of a call.
const (
	Reached     = "reached"
	NoAnswer    = "no_answer"
	WrongNumber = "wrong_number"
)

// AlertOffered says that whoever has the warning would hand it over to To. It stays theirs, with its deadline, until To accepts.
type AlertOffered struct {
	Alert   string `json:"alert"`
	By      string `json:"by"`
	To      string `json:"to"` // account
	Note    string `json:"note,omitempty"`
	Request string `json:"request"`
}

// AlertHandoverDue says that the shift of whoever has the warning is over: it stays theirs until somebody takes it, and by
// AnswerBy it asks the next step.
type AlertHandoverDue struct {
	Alert    string   `json:"alert"`
	From     string   `json:"from"`  // account
	Level    int      `json:"level"` // the step that is asked to take it …
	To       string   `json:"to"`    // … and who that is
	OnDuty   []string `json:"on_duty,omitempty"`
	AnswerBy Time     `json:"answer_by"`
}

// AlertNoted adds words to a warning.
type AlertNoted struct {
	Alert   string `json:"alert"`
	By      string `json:"by"`
	Text    string `json:"text"`
	Request string `json:"request"`
}

// AlertShelveAsked says that somebody wants to put aside what takes two persons. Nothing else changes: a second one may agree
// until ConfirmBy.
type AlertShelveAsked struct {
	Alert     string `json:"alert"`
	By        string `json:"by"`
	Reason    string `json:"reason"`
	Until     Time   `json:"until"`
	ConfirmBy Time   `json:"confirm_by"`
	Request   string `json:"request"`
}

// AlertShelved says that the warning is put aside until Until, which is its next deadline. Worse findings end that at once.
type AlertShelved struct {
	Alert   string `json:"alert"`
	By      string `json:"by"`
	Second  string `json:"second,omitempty"` // who agreed, where that is needed
	Reason  string `json:"reason"`
	Until   Time   `json:"until"`
	Request string `json:"request"`
}

// AlertUnshelved says that what was shelved, or rested for a planned window, asks again.
type AlertUnshelved struct {
	Alert    string   `json:"alert"`
	Why      string   `json:"why"`             // expired, ended, window_over
	Lasts    bool     `json:"lasts,omitempty"` // it is found still: people are paged, and not only the list
	By       string   `json:"by,omitempty"`
	Request  string   `json:"request,omitempty"`
	Level    int      `json:"level"`
	AnswerBy Time     `json:"answer_by"`
	OnDuty   []string `json:"on_duty,omitempty"` // the accounts on duty for the step; empty: no rota says who
}

// AlertOutcomeAsked says that a closed warning of which was not known what it was is to be judged (ALR-23).
type AlertOutcomeAsked struct {
	Alert string `json:"alert"`
	AskBy Time   `json:"ask_by"` // when it is asked again
}

// AlertJudged says what a closed warning turned out to be.
type AlertJudged struct {
	Alert   string `json:"alert"`
	By      string `json:"by"`
	Outcome string `json:"outcome"`
	Done    string `json:"done,omitempty"`
	Request string `json:"request"`
}

// PatientLeft ends the episode of care: every open warning of the patient is closed in the same step, nothing is expected
// and nobody is paged about them any more (ALR-18).
type PatientLeft struct {
	Why     string `json:"why"` // see LeftDischarged
	By      string `json:"by"`
	Note    string `json:"note,omitempty"`
	Request string `json:"request"`
}

// Why a patient left.
const (
	LeftDischarged = "discharged"
	LeftDied       = "died"
	LeftWithdrawn  = "consent_withdrawn"
)

// ReadingDisowned takes readings out of all that is judged. They stay in the log and in history, marked (ALR-22).
type ReadingDisowned struct {
	Disowned
	By      string `json:"by"`
	Request string `json:"request"`
}

// PatientResumed takes a leaving back.
type PatientResumed struct {
	By      string `json:"by"`
	Note    string `json:"note,omitempty"`
	Request string `json:"request"`
}

// NoticeReported is a receipt of the notifier, an input: what became of one notice to one recipient by one channel.
type NoticeReported struct {
	Alert     string `json:"alert"`
	Notice    string `json:"notice"`    // the same for every try of this ask, recipient and channel
	Ask       int    `json:"ask"`       // which asking of the warning it tells of, from 1
	To        string `json:"to"`        // the step that is asked
	Recipient string `json:"recipient"` // an account or a name from the notifier's settings; never an address
	Channel   string `json:"channel"`   // webhook, mail, sms …
	State     string `json:"state"`     // see NoticeQueued
	Detail    string `json:"detail,omitempty"`
}

// The states of a notice, in their order; one that failed may be tried again.
const (
	NoticeQueued    = "queued"
	NoticeSent      = "sent"
	NoticeDelivered = "delivered"
	NoticeOpened    = "opened"
	NoticeFailed    = "failed"
)

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

// The outcomes that no person chooses: a silence that ended within its planned window, and a patient who left.
const (
	OutcomePlanned = "planned"
	OutcomeLeft    = "left"
)

func (*AlertRaised) Type() Type       { return "alert.raised" }
func (*AlertUpdated) Type() Type      { return "alert.updated" }
func (*AlertWorsened) Type() Type     { return "alert.worsened" }
func (*AlertEased) Type() Type        { return "alert.eased" }
func (*AlertAccepted) Type() Type     { return "alert.accepted" }
func (*AlertEscalated) Type() Type    { return "alert.escalated" }
func (*AlertReturned) Type() Type     { return "alert.returned" }
func (*AlertClosed) Type() Type       { return "alert.closed" }
func (*AlertCalling) Type() Type      { return "alert.calling" }
func (*AlertContacted) Type() Type    { return "alert.contacted" }
func (*AlertOffered) Type() Type      { return "alert.offered" }
func (*AlertHandoverDue) Type() Type  { return "alert.handover_due" }
func (*AlertNoted) Type() Type        { return "alert.noted" }
func (*AlertShelveAsked) Type() Type  { return "alert.shelve_asked" }
func (*AlertShelved) Type() Type      { return "alert.shelved" }
func (*AlertUnshelved) Type() Type    { return "alert.unshelved" }
func (*AlertOutcomeAsked) Type() Type { return "alert.outcome_asked" }
func (*AlertJudged) Type() Type       { return "alert.judged" }
func (*ReadingDisowned) Type() Type   { return "reading.disowned" }
func (*PatientLeft) Type() Type       { return "patient.left" }
func (*PatientResumed) Type() Type    { return "patient.resumed" }
func (*NoticeReported) Type() Type    { return "notice.reported" }

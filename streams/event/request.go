package event

import "reflect"

// Request is what the wishes of people have in common. The envelope's id is the click's id, made before its first
// sending: a repeat gets the first answer.
type Request struct {
	Alert string `json:"alert"`
	By    string `json:"by"`   // account
	Role  string `json:"role"` // of the account when it asked
	Desk  string `json:"desk,omitempty"`
}

// Asked answers what all wishes have in common, for whoever need not know which it is.
func (r *Request) Asked() *Request { return r }

// Wish is what somebody asks for.
type Wish interface {
	Event
	Asked() *Request
}

// About answers a copy of a wish that is about another warning.
func About(w Wish, alert string) Wish {
	v := reflect.New(reflect.TypeOf(w).Elem())
	v.Elem().Set(reflect.ValueOf(w).Elem())
	other := v.Interface().(Wish) // a copy of a wish is one
	other.Asked().Alert = alert
	return other
}

// AcceptRequested: somebody wants to take a warning.
type AcceptRequested struct{ Request }

// ReturnRequested: somebody wants to give a warning back.
type ReturnRequested struct {
	Request
	Reason string `json:"reason,omitempty"`
}

// CloseRequested: somebody wants to close a warning.
type CloseRequested struct {
	Request
	Outcome     string `json:"outcome"`
	Done        string `json:"done,omitempty"`
	Disposition string `json:"disposition,omitempty"`
	Contacted   bool   `json:"contacted,omitempty"`
}

// CallRequested: whoever has a warning begins a call about it.
type CallRequested struct {
	Request
	Whom string `json:"whom"`
}

// ContactRequested: what came of a call.
type ContactRequested struct {
	Request
	Whom    string `json:"whom"`
	Outcome string `json:"outcome"`
	Note    string `json:"note,omitempty"`
}

// OfferRequested: whoever has a warning wants To to have it.
type OfferRequested struct {
	Request
	To   string `json:"to"` // account
	Note string `json:"note,omitempty"`
}

// NoteRequested: somebody has something to add.
type NoteRequested struct {
	Request
	Text string `json:"text"`
}

// ShelveRequested: somebody wants to put a warning aside. Of what takes two persons the second one's agrees to the first's.
type ShelveRequested struct {
	Request
	Reason string `json:"reason"`
	Until  Time   `json:"until"`
}

// UnshelveRequested: somebody ends a shelving.
type UnshelveRequested struct{ Request }

// OutcomeRequested: somebody says what a closed warning was.
type OutcomeRequested struct {
	Request
	Outcome string `json:"outcome"`
	Done    string `json:"done,omitempty"`
}

// WarnRequested: somebody raises a warning by hand (ALR-22). Alert is empty.
type WarnRequested struct {
	Request
	Severity Severity `json:"severity"`
	Text     string   `json:"text"`
}

// LeaveRequested: somebody ends the care of a patient. Alert is empty.
type LeaveRequested struct {
	Request
	Why       string `json:"why"`
	Note      string `json:"note,omitempty"`
	Contacted bool   `json:"contacted,omitempty"`
}

// ResumeRequested: somebody takes a leaving back. Alert is empty.
type ResumeRequested struct {
	Request
	Note string `json:"note,omitempty"`
}

// DisownRequested: somebody says that readings were not this patient's (ALR-22): a shared cuff, somebody else on the scale. Alert
// is empty.
type DisownRequested struct {
	Request
	Disowned
}

// Disowned names readings as they stand in the record: when they were measured, and what they were.
type Disowned struct {
	MeasuredAt Time      `json:"measured_at"`
	Readings   []Reading `json:"readings"` // the mark is empty
	Why        string    `json:"why"`
}

// FaultReported is an input: a part of Tocsin at the edge tells of a fault, for the partition's own technical warning.
type FaultReported struct {
	Kind     string `json:"kind"`
	Detail   string `json:"detail"`
	DetailZh string `json:"detail_zh,omitempty"` // absent: the detail is names and numbers, or an error, as it came
}

// FaultEnded is an input: a fault that was reported is over. The warning says so and stays until a person closes it.
type FaultEnded struct {
	Kind string `json:"kind"`
}

// RequestRefused answers a wish that cannot be granted, in words for the person who asked.
type RequestRefused struct {
	Request string `json:"request"` // id of the click
	Alert   string `json:"alert,omitempty"`
	Reason  string `json:"reason"`           // a fixed word: already_accepted, unknown, closed, not_yours, needs_contact …
	Holder  string `json:"holder,omitempty"` // who has it, when that is the reason
	Zh      string `json:"zh"`
	En      string `json:"en"`
}

func (*AcceptRequested) Type() Type   { return "accept.requested" }
func (*ReturnRequested) Type() Type   { return "return.requested" }
func (*CloseRequested) Type() Type    { return "close.requested" }
func (*RequestRefused) Type() Type    { return "request.refused" }
func (*CallRequested) Type() Type     { return "call.requested" }
func (*ContactRequested) Type() Type  { return "contact.requested" }
func (*OfferRequested) Type() Type    { return "offer.requested" }
func (*NoteRequested) Type() Type     { return "note.requested" }
func (*ShelveRequested) Type() Type   { return "shelve.requested" }
func (*UnshelveRequested) Type() Type { return "unshelve.requested" }
func (*OutcomeRequested) Type() Type  { return "outcome.requested" }
func (*WarnRequested) Type() Type     { return "warn.requested" }
func (*LeaveRequested) Type() Type    { return "leave.requested" }
func (*ResumeRequested) Type() Type   { return "resume.requested" }
func (*DisownRequested) Type() Type   { return "disown.requested" }
func (*FaultReported) Type() Type     { return "fault.reported" }
func (*FaultEnded) Type() Type        { return "fault.ended" }

package event

// Request is what the wishes of people have in common. The envelope's id is the click's id, made before its first
// sending: a repeat gets the first answer.
type Request struct {
	Alert string `json:"alert"`
	By    string `json:"by"`   // account
	Role  string `json:"role"` // of the account when it asked
	Desk  string `json:"desk,omitempty"`
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

// RequestRefused answers a wish that cannot be granted, in words for the person who asked.
type RequestRefused struct {
	Request string `json:"request"` // id of the click
	Alert   string `json:"alert,omitempty"`
	Reason  string `json:"reason"`           // a fixed word: already_accepted, unknown, closed, not_yours, needs_contact …
	Holder  string `json:"holder,omitempty"` // who has it, when that is the reason
	Zh      string `json:"zh"`
	En      string `json:"en"`
}

func (*AcceptRequested) Type() Type { return "accept.requested" }
func (*ReturnRequested) Type() Type { return "return.requested" }
func (*CloseRequested) Type() Type  { return "close.requested" }
func (*RequestRefused) Type() Type  { return "request.refused" }

package event

// The audit log: who looked at whose data, who did or asked what, who was refused. Each desk process writes a chain of its
// own into the topic `audit`; package trail makes the chains, `tocsin audit verify` judges them.

// Link is a record's place in its chain. Prev is the sum of the record before it, in hex; empty for the first.
type Link struct {
	Chain  string `json:"chain"`
	Number int64  `json:"number"` // from 1
	Prev   string `json:"prev"`
}

// ChainHead is the last record of a chain that somebody has read, by its number and its sum.
type ChainHead struct {
	Chain  string `json:"chain"`
	Number int64  `json:"number"`
	Sum    string `json:"sum"`
}

// AuditOpened begins a chain. It holds the other chains: whoever removes one of them contradicts it.
type AuditOpened struct {
	Link
	Process string      `json:"process"`
	Key     string      `json:"key"`     // Ed25519, public, in hex: every record of the chain is signed by it
	Others  []ChainHead `json:"others"`  // the chains that have grown below Through since another record held them
	Through int64       `json:"through"` // the offset up to which the topic was read
}

// AuditNoted is one thing that somebody looked at, did, or was refused. When is the envelope's time.
type AuditNoted struct {
	Link
	Account string `json:"account"` // a token as token/name
	Role    string `json:"role,omitempty"`
	Action  string `json:"action"`            // chart.read, session.begin, emergency.begin …
	Tenant  string `json:"tenant,omitempty"`  // of the patient or the group
	Patient string `json:"patient,omitempty"` // opaque id; empty for what concerns none
	Object  string `json:"object,omitempty"`  // what else it is about: a warning, an account, a group
	Purpose string `json:"purpose,omitempty"` // care, emergency, review, administration
	Refused bool   `json:"refused,omitempty"`
	Reason  string `json:"reason,omitempty"` // of a refusal, or what somebody said it was for
	From    string `json:"from,omitempty"`   // address
}

// AuditHead says how far a chain has come, and holds the others as AuditOpened does.
type AuditHead struct {
	Link
	Why     string      `json:"why"` // day, stop
	Others  []ChainHead `json:"others"`
	Through int64       `json:"through"`
}

func (*AuditOpened) Type() Type { return "audit.opened" }
func (*AuditNoted) Type() Type  { return "audit.noted" }
func (*AuditHead) Type() Type   { return "audit.head" }

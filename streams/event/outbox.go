package event

// The records of `outbox`: what is handed to machines of others. They stand in steps, but for SkipRequested, which is a wish.

// OutboxMoved says how far the stream of one subscriber in one partition has got: everything in `decisions` up to a closing record
// that held has been looked at, and all messages up to Delivered have been taken by the subscriber.
type OutboxMoved struct {
	Subscriber string `json:"subscriber"`
	Life       string `json:"life"`   // of the step that was looked at last
	Number     int64  `json:"number"` // of that step
	Offset     int64  `json:"offset"` // of its closing record; -1: nothing has been looked at
	Last       int64  `json:"last"`   // number of the last message that was made, counted from 1 without a hole
	Delivered  int64  `json:"delivered"`
	// Open are the open warnings as far as they have changed since the record before, and Gone those that are open no more.
	Open []OutboxWarning `json:"open,omitempty"`
	Gone []string        `json:"gone,omitempty"`
}

// OutboxMessage is one message as it goes out, written before it is sent for the first time: whatever happens, its number, its id
// and its bytes are the same at every try.
type OutboxMessage struct {
	Subscriber string       `json:"subscriber"`
	Number     int64        `json:"number"`
	ID         string       `json:"id"` // of the event in decisions
	Of         Type         `json:"of"` // its type
	At         Time         `json:"at"` // when it was decided
	Parts      []OutboxPart `json:"parts"`
	// Whom it is about, and by which consent it was made (SEC-4): it is not sent once that is withdrawn. Empty in what was made before
	// consents were kept, and in what is about nobody.
	Tenant  string `json:"tenant,omitempty"`
	Patient string `json:"patient,omitempty"`
	Alert   string `json:"alert,omitempty"`
	Consent string `json:"consent,omitempty"`
}

// OutboxWithheld says that a message was not sent because the patient does not agree to that any more. Parts goes out under its number
// instead, and says so without saying of whom: the subscriber's numbers have no hole. Without parts the number is passed over.
type OutboxWithheld struct {
	Subscriber string       `json:"subscriber"`
	Number     int64        `json:"number"`
	ID         string       `json:"id"`      // of what goes out instead
	Of         string       `json:"of"`      // id of what does not
	Why        string       `json:"why"`     // consent_withdrawn, consent_expired, consent_none
	Consent    string       `json:"consent"` // by which it was made
	Parts      []OutboxPart `json:"parts"`
}

// OutboxPart is one request of a message.
type OutboxPart struct {
	Method string `json:"method"`         // of HTTP; MLLP for HL7 v2
	Path   string `json:"path,omitempty"` // below the subscriber's address
	Type   string `json:"type"`           // media type
	Body   string `json:"body"`
}

// OutboxWarning is an open warning as subscribers are told of it. It names nobody but staff accounts.
type OutboxWarning struct {
	Alert     string   `json:"alert"`
	Tenant    string   `json:"tenant"`
	Patient   string   `json:"patient"`
	Problem   string   `json:"problem"`
	Phase     string   `json:"phase"`
	Severity  Severity `json:"severity"`
	Peak      Severity `json:"peak"` // the gravest it has been
	Danger    bool     `json:"danger,omitempty"`
	Rule      string   `json:"rule"`
	Reasons   []Reason `json:"reasons"`
	Score     *Score   `json:"score,omitempty"`
	RaisedAt  Time     `json:"raised_at"`
	UpdatedAt Time     `json:"updated_at"`
	AnswerBy  Time     `json:"answer_by"`
	Owner     string   `json:"owner,omitempty"`
	Told      int      `json:"told,omitempty"` // how many messages about it this subscriber was given
	// Withheld tells that the subscriber was told that it hears no more of it.
	Withheld bool `json:"withheld,omitempty"`
}

// OutboxSkipped says that a message was passed over because somebody asked for it. Its number is not used again.
type OutboxSkipped struct {
	Subscriber string `json:"subscriber"`
	Number     int64  `json:"number"`
	ID         string `json:"id"`
	By         string `json:"by"`
	Reason     string `json:"reason"`
}

// OutboxTroubled says why a stream does not get on; an empty Why ends that.
type OutboxTroubled struct {
	Subscriber string `json:"subscriber"`
	Why        string `json:"why"`
	Since      Time   `json:"since"`
	Alarmed    bool   `json:"alarmed,omitempty"` // a technical warning was raised
}

// SkipRequested asks that the message which a subscriber does not take be passed over. It lies in the subscriber's partition.
type SkipRequested struct {
	Subscriber string `json:"subscriber"`
	Number     int64  `json:"number"`
	By         string `json:"by"`
	Reason     string `json:"reason"`
}

func (*OutboxMoved) Type() Type    { return "outbox.moved" }
func (*OutboxMessage) Type() Type  { return "outbox.message" }
func (*OutboxSkipped) Type() Type  { return "outbox.skipped" }
func (*OutboxWithheld) Type() Type { return "outbox.withheld" }
func (*OutboxTroubled) Type() Type { return "outbox.troubled" }
func (*SkipRequested) Type() Type  { return "skip.requested" }

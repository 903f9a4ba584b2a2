package event

// A browser that is told by web push (RFC 8030) belongs to an account. Where it is reached is as good as a password to whoever wants to
// send there, and tells which service somebody uses: it lies in the log sealed, and stays in the directory.

// PushRequested asks that a browser be told what its account is told.
type PushRequested struct {
	Push    string `json:"push"` // its id: made of the endpoint, and tells nothing of it
	Account string `json:"account"`
	Sealed  []byte `json:"sealed"` // endpoint and keys, AES-256-GCM, bound to push and account
}

// PushSet is a browser that is told; it had another account, or none, before.
type PushSet struct {
	Push    string `json:"push"`
	Account string `json:"account"`
	Sealed  []byte `json:"sealed"`
}

// PushEndRequested asks that a browser be told no more.
type PushEndRequested struct {
	Push    string `json:"push"`
	Account string `json:"account"` // whose it is; another's is left alone
	Reason  string `json:"reason"`  // see PushTurnedOff
	By      string `json:"by"`
}

// PushEnded says that a browser is told no more.
type PushEnded struct {
	Push    string `json:"push"`
	Account string `json:"account"`
	Reason  string `json:"reason"`
	By      string `json:"by"`
}

// Why a browser is told no more.
const (
	PushTurnedOff = "turned_off" // by the person
	PushGone      = "gone"       // its push service does not know it any more (404, 410)
)

const pushKind = "push/"

// About answers push/{id}.
func (e *PushSet) About() string { return pushKind + e.Push }

// About answers push/{id}.
func (e *PushEnded) About() string { return pushKind + e.Push }

// Unsealed answers the same fact without the bytes that were sealed.
func (e *PushRequested) Unsealed() Event {
	bare := *e
	bare.Sealed = nil
	return &bare
}

// Unsealed answers the same fact without the bytes that were sealed.
func (e *PushSet) Unsealed() Event {
	bare := *e
	bare.Sealed = nil
	return &bare
}

func (*PushRequested) Type() Type    { return "push.requested" }
func (*PushSet) Type() Type          { return "push.set" }
func (*PushEndRequested) Type() Type { return "push_end.requested" }
func (*PushEnded) Type() Type        { return "push.ended" }

package event

// The second factor of an account: a secret that the account's telephone has too, and by which both compute the same code for
// each 30 seconds (TOTP, RFC 6238). In the log it lies sealed, as care/vault seals it; recovery codes lie there as sums.

// FactorRequested asks that an account's second factor be what was sealed. Whoever asks has seen a code that fits.
type FactorRequested struct {
	Account  string   `json:"account"`
	Version  int      `json:"version"` // the one that stands and one more: of two who change it, the second looks again
	Key      string   `json:"key"`     // id of the key that sealed it
	Sealed   []byte   `json:"sealed"`
	Recovery []string `json:"recovery"` // SHA-256 in hex of the recovery codes
	Step     int64    `json:"step"`     // of the code that fitted: it is used
	By       string   `json:"by"`
}

// FactorSet is the second factor in effect.
type FactorSet struct {
	Account  string   `json:"account"`
	Version  int      `json:"version"`
	Key      string   `json:"key"`
	Sealed   []byte   `json:"sealed"`
	Recovery []string `json:"recovery"`
	Step     int64    `json:"step"`
	By       string   `json:"by"`
	At       Time     `json:"at"`
}

// CodeRequested asks that a code which fits be used up: the registrar decides, so that of several desks one takes it.
type CodeRequested struct {
	Account  string `json:"account"`
	Version  int    `json:"version"`
	Step     int64  `json:"step,omitempty"`     // number of the 30 seconds since 1970; 0: a recovery code
	Recovery string `json:"recovery,omitempty"` // its SHA-256 in hex
}

// CodeUsed says that a code has been used: it and those of older steps fit no more.
type CodeUsed struct {
	Account  string `json:"account"`
	Version  int    `json:"version"`
	Step     int64  `json:"step,omitempty"`
	Recovery string `json:"recovery,omitempty"`
	At       Time   `json:"at"`
}

// ResetRequested asks that an account have no second factor any more: its telephone is lost.
type ResetRequested struct {
	Account string `json:"account"`
	By      string `json:"by"`
}

// FactorReset says that an account has no second factor any more. The account is told of it when it signs in.
type FactorReset struct {
	Account string `json:"account"`
	Version int    `json:"version"`
	By      string `json:"by"`
	At      Time   `json:"at"`
}

// About answers account/{id}.
func (e *FactorSet) About() string { return accountKind + e.Account }

// About answers account/{id}.
func (e *CodeUsed) About() string { return accountKind + e.Account }

// About answers account/{id}.
func (e *FactorReset) About() string { return accountKind + e.Account }

func (*FactorRequested) Type() Type { return "factor.requested" }
func (*FactorSet) Type() Type       { return "factor.set" }
func (*CodeRequested) Type() Type   { return "code.requested" }
func (*CodeUsed) Type() Type        { return "code.used" }
func (*ResetRequested) Type() Type  { return "reset.requested" }
func (*FactorReset) Type() Type     { return "factor.reset" }

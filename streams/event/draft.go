package event

// A pack that is changed at a desk: proposed as a draft, signed or declined by a second person (RUL-3, RUL-11). Whatever the pack in
// effect asks for, a draft takes two.

// Draft is what stands beside a proposal that was made at a desk.
type Draft struct {
	Based    string        `json:"based"`              // SHA-256 of the text in effect that it changes, hex
	Backtest *PackBacktest `json:"backtest,omitempty"` // what its proposer saw; nil: there was none
	Without  string        `json:"without,omitempty"`  // why there was no backtest, in the proposer's words
	Fault    string        `json:"fault,omitempty"`    // why it could not be run, in the desk's words
}

// PackBacktest sums up a backtest as the desk server that ran it counted it: of how many patients, and never of whom.
type PackBacktest struct {
	Sum         string         `json:"sum"`     // SHA-256 of the text that was tried, hex
	Against     string         `json:"against"` // SHA-256 of the text in effect that it was held against
	At          Time           `json:"at"`      // when it was finished
	From        Time           `json:"from"`
	To          Time           `json:"to"`     // exclusive
	Source      string         `json:"source"` // log or history
	Patients    int            `json:"patients"`
	PatientDays Decimal        `json:"patient_days"`
	InForce     PackBacktested `json:"in_force"`
	Drafted     PackBacktested `json:"drafted"`
	Same        int            `json:"same"`
	Earlier     int            `json:"earlier"`
	Later       int            `json:"later"`
	New         int            `json:"new"`
	Lost        int            `json:"lost"`
}

// PackBacktested is what one side of a backtest warned of.
type PackBacktested struct {
	Warnings int `json:"warnings"`
	High     int `json:"high"`
	Medium   int `json:"medium"`
	Low      int `json:"low"`
	Judged   int `json:"judged"` // warnings of deterioration that people closed with a known outcome
	True     int `json:"true"`   // of those
	Failed   int `json:"failed"` // times that a rule failed
}

// PackSignRequested asks that a draft that waits be signed by one more person. Text is what its signer has read: the registrar keeps sums.
type PackSignRequested struct {
	Pack    string `json:"pack"`
	Version int    `json:"version"`
	Text    string `json:"text"`
	By      string `json:"by"`
}

// PackDeclineRequested asks that a proposal wait no longer. Its proposer may ask it as well, and withdraws it by that.
type PackDeclineRequested struct {
	Pack string `json:"pack"`
	Sum  string `json:"sum"` // of the text that was declined
	Why  string `json:"why"`
	By   string `json:"by"`
}

// PackDeclined says that a proposal will not take effect. What is in effect stays.
type PackDeclined struct {
	Pack    string `json:"pack"`
	Version int    `json:"version"`
	Sum     string `json:"sum"`
	Why     string `json:"why"`
	By      string `json:"by"`
}

// About answers the pack.
func (e *PackDeclined) About() string { return packKind + e.Pack }

func (*PackSignRequested) Type() Type    { return "pack_sign.requested" }
func (*PackDeclineRequested) Type() Type { return "pack_decline.requested" }
func (*PackDeclined) Type() Type         { return "pack.declined" }

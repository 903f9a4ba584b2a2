package event

import "slices"

// What a patient has agreed to (FEATURES SEC-4). In the words of the Personal Information Protection Law of the PRC (PIPL): consent is
// for named purposes (article 14), can be withdrawn at any time, which changes nothing about what was done before (15), and is asked for
// separately where something is given to others (23) and where it is about health (28, 29). No consent names anybody: who signed stands
// on the form.

// The purposes.
const (
	ForMonitoring = "monitoring" // that readings are taken, judged and told to the care team
	ForSharing    = "sharing"    // that others than the care team are told: subscribers, clinics
	ForResearch   = "research"
)

// Purposes is every purpose that somebody can agree to.
var Purposes = []string{ForMonitoring, ForSharing, ForResearch}

// How a consent was given, and who gave it.
var (
	// ConsentWays: carried_over is of a form that was signed before Tocsin kept consents.
	ConsentWays = []string{"paper", "electronic", "spoken", "carried_over"}
	// ConsentGivers: a guardian gives it for a child below 14 (PIPL article 31).
	ConsentGivers = []string{"patient", "guardian", "representative"}
)

// Consent is one form that was signed, or words that were said, as it was recorded.
type Consent struct {
	ID          string   `json:"id"`           // of the form as the hospital files it; a patient has each once
	Purposes    []string `json:"purposes"`     // in the order of Purposes
	Form        string   `json:"form"`         // which text was agreed to
	FormVersion string   `json:"form_version"` // of that text
	GivenAt     Time     `json:"given_at"`
	How         string   `json:"how"`             // one of ConsentWays
	GivenBy     string   `json:"given_by"`        // one of ConsentGivers
	Until       *Time    `json:"until,omitempty"` // nil: until it is withdrawn
}

// ConsentRequested asks that a consent be recorded.
type ConsentRequested struct {
	Tenant  string  `json:"tenant"`
	Patient string  `json:"patient"`
	Consent Consent `json:"consent"`
	By      string  `json:"by"` // who records it
}

// WithdrawRequested says that a patient agrees to something no more.
type WithdrawRequested struct {
	Tenant   string   `json:"tenant"`
	Patient  string   `json:"patient"`
	Purposes []string `json:"purposes"`
	How      string   `json:"how"`
	By       string   `json:"by"`
}

// ConsentGiven and ConsentWithdrawn are what holds. Both are handed on to the patient.
type ConsentGiven struct {
	Tenant  string  `json:"tenant"`
	Patient string  `json:"patient"`
	Consent Consent `json:"consent"`
	By      string  `json:"by"`
}

// ConsentWithdrawn ends every consent to these purposes that was given before it.
type ConsentWithdrawn struct {
	Tenant   string   `json:"tenant"`
	Patient  string   `json:"patient"`
	Purposes []string `json:"purposes"`
	How      string   `json:"how"`
	By       string   `json:"by"`
}

// Consents is the fold of one patient's consents.
type Consents struct {
	// Kept tells that consents were kept when the patient was enrolled: without one there is none. Of who was enrolled before that
	// nobody here knows, and what went on then goes on until somebody records a consent or a withdrawal.
	Kept  bool           `json:"kept,omitempty"`
	Lines []ConsentsLine `json:"lines,omitempty"` // in the order in which they were recorded
}

// ConsentsLine is one that was given, or a withdrawal.
type ConsentsLine struct {
	Given     *Consent `json:"given,omitempty"`
	Withdrawn []string `json:"withdrawn,omitempty"` // purposes
	How       string   `json:"how,omitempty"`       // of a withdrawal
	By        string   `json:"by"`                  // who recorded it
	At        Time     `json:"at"`                  // when
}

// How a patient stands to a purpose.
const (
	ConsentStands    = "given"
	ConsentNone      = "none"           // nothing was recorded
	ConsentBefore    = "before_records" // nothing was recorded, and the patient was enrolled before consents were kept
	ConsentExpired   = "expired"
	ConsentWithdrew  = "withdrawn"
	ConsentBeforeID  = "before-records" // what stands for the id of a consent that nobody recorded
	keptConsentLines = 64
)

// ConsentStanding is how a patient stands to a purpose at a moment.
type ConsentStanding struct {
	State   string `json:"state"`
	Consent string `json:"consent,omitempty"` // its id; of an expired one too
	Since   Time   `json:"since,omitempty"`   // when it was given, or withdrawn
	Until   *Time  `json:"until,omitempty"`
}

// Allows tells whether something may be done for the purpose.
func (s ConsentStanding) Allows() bool { return s.State == ConsentStands || s.State == ConsentBefore }

// Give answers c with a consent more.
func (c Consents) Give(d *ConsentGiven, at Time) Consents {
	return c.with(ConsentsLine{Given: &d.Consent, By: d.By, At: at})
}

// Withdraw answers c with a withdrawal more.
func (c Consents) Withdraw(d *ConsentWithdrawn, at Time) Consents {
	return c.with(ConsentsLine{Withdrawn: d.Purposes, How: d.How, By: d.By, At: at})
}

func (c Consents) with(l ConsentsLine) Consents {
	c.Lines = append(slices.Clone(c.Lines), l)
	for len(c.Lines) > keptConsentLines {
		i := c.idle(l.At)
		if i < 0 {
			break // every line says something yet: better a longer list than a guess
		}
		c.Lines = slices.Delete(c.Lines, i, i+1)
	}
	return c
}

// idle answers the oldest line that says nothing from a moment on, or -1: a withdrawal, or a form that lasts longer than those after
// it, must not be forgotten because many others came.
func (c Consents) idle(at Time) int {
	moments := []Time{at} // between two ends of terms nothing changes
	for _, l := range c.Lines {
		if l.Given != nil && l.Given.Until != nil && *l.Given.Until > at {
			moments = append(moments, *l.Given.Until)
		}
	}
	for i := range c.Lines {
		rest := c
		rest.Lines = slices.Delete(slices.Clone(c.Lines), i, i+1)
		differs := func(p string) bool {
			return slices.ContainsFunc(moments, func(t Time) bool { return c.For(p, t) != rest.For(p, t) })
		}
		if !slices.ContainsFunc(Purposes, differs) {
			return i
		}
	}
	return -1
}

// For answers how the patient stands to a purpose: the newest line about it counts, save that an older consent which lasts longer than
// a newer one goes on.
func (c Consents) For(purpose string, now Time) ConsentStanding {
	var expired *ConsentStanding
	for _, l := range slices.Backward(c.Lines) {
		switch {
		case l.Given != nil && slices.Contains(l.Given.Purposes, purpose):
			s := ConsentStanding{State: ConsentStands, Consent: l.Given.ID, Since: l.Given.GivenAt, Until: l.Given.Until}
			if s.Until == nil || now < *s.Until {
				return s
			}
			if s.State = ConsentExpired; expired == nil {
				expired = &s
			}
		case slices.Contains(l.Withdrawn, purpose):
			if expired != nil {
				return *expired
			}
			return ConsentStanding{State: ConsentWithdrew, Since: l.At}
		}
	}
	switch {
	case expired != nil:
		return *expired
	case c.Kept:
		return ConsentStanding{State: ConsentNone}
	}
	return ConsentStanding{State: ConsentBefore, Consent: ConsentBeforeID}
}

// With answers the consent of an id that was recorded.
func (c Consents) With(id string) (Consent, bool) {
	for _, l := range c.Lines {
		if l.Given != nil && l.Given.ID == id {
			return *l.Given, true
		}
	}
	return Consent{}, false
}

// About answers patient/{tenant}/{patient}.
func (e *ConsentGiven) About() string { return patientKind + e.Tenant + "/" + e.Patient }

// About answers patient/{tenant}/{patient}.
func (e *ConsentWithdrawn) About() string { return patientKind + e.Tenant + "/" + e.Patient }

func (*ConsentRequested) Type() Type  { return "consent.requested" }
func (*WithdrawRequested) Type() Type { return "withdraw.requested" }
func (*ConsentGiven) Type() Type      { return "consent.given" }
func (*ConsentWithdrawn) Type() Type  { return "consent.withdrawn" }

package event

// Who signs in at an identity provider (OpenID Connect). The first sign-in links the account to the provider's subject, for good: by
// it alone they are known from then on, whatever they are called there. A subject stands in the log as a sum of itself: providers
// exist whose subject is an address.

// LinkRequested asks to link an account to the subject that has just signed in under its name.
type LinkRequested struct {
	Account string `json:"account"`
	Issuer  string `json:"issuer"`
	Subject string `json:"subject"` // SHA-256 of issuer, NUL and subject, in hex
	By      string `json:"by"`
}

// AccountLinked links an account that had no subject.
type AccountLinked struct {
	Account string `json:"account"`
	Issuer  string `json:"issuer"`
	Subject string `json:"subject"` // as in LinkRequested
}

// SubjectLinked says whose a subject is now, so that it becomes nobody else's besides.
type SubjectLinked struct {
	Subject string `json:"subject"`
	Account string `json:"account"`
}

// SubjectFreed says that an account has let a subject go: an administrator asked for it, or gave it a password.
type SubjectFreed struct {
	Subject string `json:"subject"`
	Account string `json:"account"`
}

const subjectKind = "subject/"

// About answers account/{id}.
func (e *AccountLinked) About() string { return accountKind + e.Account }

// About answers subject/{sum}.
func (e *SubjectLinked) About() string { return subjectKind + e.Subject }

// About answers subject/{sum}.
func (e *SubjectFreed) About() string { return subjectKind + e.Subject }

func (*LinkRequested) Type() Type { return "link.requested" }
func (*AccountLinked) Type() Type { return "account.linked" }
func (*SubjectLinked) Type() Type { return "subject.linked" }
func (*SubjectFreed) Type() Type  { return "subject.freed" }

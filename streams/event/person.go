package event

// Who a patient is lies in the log as bytes that say nothing (care/vault): SEC-6. The facts stay in the directory and are handed on to
// nobody.

// PersonRequested asks that what is kept of a patient be replaced.
type PersonRequested struct {
	Tenant  string `json:"tenant"`
	Patient string `json:"patient"`
	Version int    `json:"version"` // one more than that of what it replaces; from 1
	Key     string `json:"key"`     // id of the patient's key
	Sealed  []byte `json:"sealed"`  // AES-256-GCM under that key, bound to tenant, patient and version
	By      string `json:"by"`
}

// PersonSet is what is kept of a patient.
type PersonSet struct {
	Tenant  string `json:"tenant"`
	Patient string `json:"patient"`
	Version int    `json:"version"`
	Key     string `json:"key"`
	Sealed  []byte `json:"sealed"`
	By      string `json:"by"`
}

// EraseRequested says that a patient's key was destroyed, and asks that it be noted.
type EraseRequested struct {
	Tenant  string `json:"tenant"`
	Patient string `json:"patient"`
	Reason  string `json:"reason"` // one of EraseReasons: free text could say a name
	By      string `json:"by"`
}

// PersonErased says that what was kept of a patient cannot be opened any more. The versions before it stay counted.
type PersonErased struct {
	Tenant  string `json:"tenant"`
	Patient string `json:"patient"`
	Version int    `json:"version"` // the last that there was
	Reason  string `json:"reason"`
	By      string `json:"by"`
}

// EraseReasons are why somebody's person can be erased: consent was withdrawn, the patient asked for it, the time for which it has to
// be kept is over, it should never have been entered.
var EraseReasons = []string{"consent_withdrawn", "asked_by_patient", "retention_over", "entered_by_mistake"}

// About answers patient/{tenant}/{patient}.
func (e *PersonSet) About() string { return patientKind + e.Tenant + "/" + e.Patient }

// About answers patient/{tenant}/{patient}.
func (e *PersonErased) About() string { return patientKind + e.Tenant + "/" + e.Patient }

// Unsealed answers the same fact without the bytes that were sealed, for who keeps records and nothing to be opened.
func (e *PersonRequested) Unsealed() Event {
	bare := *e
	bare.Sealed = nil
	return &bare
}

// Unsealed answers the same fact without the bytes that were sealed.
func (e *PersonSet) Unsealed() Event {
	bare := *e
	bare.Sealed = nil
	return &bare
}

func (*PersonRequested) Type() Type { return "person.requested" }
func (*PersonSet) Type() Type       { return "person.set" }
func (*EraseRequested) Type() Type  { return "erase.requested" }
func (*PersonErased) Type() Type    { return "person.erased" }

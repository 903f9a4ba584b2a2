package event

// The community clinic (社区卫生服务中心) that looks after a patient near their home. A patient belongs to one at most.

// ClinicRequested asks that a clinic have this name, or that it be closed.
type ClinicRequested struct {
	Tenant string `json:"tenant"`
	Clinic string `json:"clinic"` // id within the tenant
	Zh     string `json:"zh,omitempty"`
	En     string `json:"en,omitempty"`
	Closed bool   `json:"closed,omitempty"`
	By     string `json:"by"`
}

// ClinicSet is a clinic. One that is closed takes no further patients; those whom it has stay until they are moved.
type ClinicSet struct {
	Tenant string `json:"tenant"`
	Clinic string `json:"clinic"`
	Zh     string `json:"zh,omitempty"` // at least one of both
	En     string `json:"en,omitempty"`
	Closed bool   `json:"closed,omitempty"`
}

// PatientClinicRequested asks that a patient belong to a clinic.
type PatientClinicRequested struct {
	Tenant  string `json:"tenant"`
	Patient string `json:"patient"`
	Clinic  string `json:"clinic"` // empty: to none
	By      string `json:"by"`
	// Was is the clinic that whoever asks has seen, empty for none: another is not replaced unseen. nil: whatever stands.
	Was *string `json:"was,omitempty"`
}

// PatientClinicSet says to which clinic a patient belongs from now on.
type PatientClinicSet struct {
	Tenant  string `json:"tenant"`
	Patient string `json:"patient"`
	Clinic  string `json:"clinic"` // empty: to none
	Was     string `json:"was,omitempty"`
}

// About answers clinic/{tenant}/{clinic}.
func (e *ClinicSet) About() string { return "clinic/" + e.Tenant + "/" + e.Clinic }

// About answers patient/{tenant}/{patient}.
func (e *PatientClinicSet) About() string { return patientKind + e.Tenant + "/" + e.Patient }

func (*ClinicRequested) Type() Type        { return "clinic.requested" }
func (*ClinicSet) Type() Type              { return "clinic.set" }
func (*PatientClinicRequested) Type() Type { return "patient_clinic.requested" }
func (*PatientClinicSet) Type() Type       { return "patient.clinic_set" }

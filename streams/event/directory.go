package event

// Facts that concern many lie in the directory pair. Those that reach patients are handed on to `inputs` as effects:
// the same types, with the pair (directory offset, number within it) in the envelope.

// EnrolRequested asks that a patient be watched in a group and that a device be bound to it (one row of an import).
type EnrolRequested struct {
	Tenant      string   `json:"tenant"`
	Patient     string   `json:"patient"`
	Group       string   `json:"group"`
	Also        []string `json:"also,omitempty"`   // further groups: somebody with more than one disease
	Clinic      string   `json:"clinic,omitempty"` // community clinic; empty: as it stands
	Device      string   `json:"device,omitempty"`
	TokenSHA256 string   `json:"token_sha256,omitempty"` // hex
	By          string   `json:"by"`
}

// PlanRequested asks for own targets and orders of one patient.
type PlanRequested struct {
	Tenant  string `json:"tenant"`
	Patient string `json:"patient"`
	Plan    Plan   `json:"plan"`
	By      string `json:"by"`
}

// RevokeRequested asks that a device lose its access.
type RevokeRequested struct {
	Device string `json:"device"`
	By     string `json:"by"`
}

// PackRequested asks that a version of a pack take effect.
type PackRequested struct {
	Pack    string `json:"pack"`
	Version int    `json:"version"`
	Text    string `json:"text"` // YAML
	By      string `json:"by"`
	Draft   *Draft `json:"draft,omitempty"` // it was proposed at a desk and takes two people; nil: as the pack in effect asks for
}

// GroupRequested asks that a disease group use a pack, with a cadence of its own.
type GroupRequested struct {
	Tenant    string             `json:"tenant"`
	Group     string             `json:"group"`
	Pack      string             `json:"pack"`
	Zh        string             `json:"zh,omitempty"`
	En        string             `json:"en,omitempty"`
	CadenceMs map[Quantity]int64 `json:"cadence_ms,omitempty"` // over the pack's; 0: not expected
	Overrides []Override         `json:"overrides,omitempty"`
	// AsRecorded is for replays of recorded data: every value is believed as it stands, however old.
	AsRecorded bool   `json:"as_recorded,omitempty"`
	By         string `json:"by"`
}

// PolicyRequested asks that warnings of a severity be handled by a policy: of a group or, with none, of the whole tenant.
type PolicyRequested struct {
	Tenant   string   `json:"tenant"`
	Group    string   `json:"group,omitempty"`
	Severity Severity `json:"severity"`
	Policy   Policy   `json:"policy"` // id and version are the registrar's
	By       string   `json:"by"`
	// Was is the version of the policy that whoever asks has seen, "none" for none: another is not replaced unseen. Empty: whatever stands.
	Was string `json:"was,omitempty"`
}

// PolicySet is the policy in effect. Warnings that are open keep theirs.
type PolicySet struct {
	Tenant   string   `json:"tenant"`
	Group    string   `json:"group,omitempty"`
	Severity Severity `json:"severity"`
	Policy   Policy   `json:"policy"`
}

// RotaRequested asks that a step of the policies be answered by whoever is on duty. The spans are worked out by whoever asks,
// so that no fold needs to know time zones.
type RotaRequested struct {
	Rota
	By  string `json:"by"`
	Was string `json:"was,omitempty"` // see PolicyRequested
}

// RotaSet is the rota in effect.
type RotaSet struct{ Rota }

// Rota says who answers for a step of the policies, in a group or, with none, in the whole tenant.
type Rota struct {
	Tenant   string      `json:"tenant"`
	Group    string      `json:"group,omitempty"`
	Step     string      `json:"step"`               // nurse, doctor-1 …
	Zone     string      `json:"zone"`               // IANA
	Shifts   []RotaShift `json:"shifts"`             // every week
	Holidays []string    `json:"holidays,omitempty"` // YYYY-MM-DD in the zone: shifts of holidays hold instead of those of the weekday
	Swaps    []RotaSwap  `json:"swaps,omitempty"`    // instead of whoever would be on duty

	Spans []OnDuty `json:"spans"` // worked out, in order, without overlap
	Until Time     `json:"until"` // how far the spans reach
	Gaps  []Gap    `json:"gaps,omitempty"`
}

// RotaShift is one shift, on days of the week from 1 (Monday) to 7 or on holidays.
type RotaShift struct {
	Days     []int    `json:"days,omitempty"`
	Holidays bool     `json:"holidays,omitempty"`
	From     string   `json:"from"` // HH:MM by the clock of the zone
	To       string   `json:"to"`   // the next day when it is not after From
	Accounts []string `json:"accounts"`
}

// RotaSwap puts others on duty for a time.
type RotaSwap struct {
	From     Time     `json:"from"`
	Until    Time     `json:"until"`
	Accounts []string `json:"accounts"`
	Why      string   `json:"why,omitempty"`
}

// OnDuty is who is on duty for a time.
type OnDuty struct {
	From     Time     `json:"from"`
	Until    Time     `json:"until"`
	Accounts []string `json:"accounts"`
}

// Gap is a time for which nobody is on duty.
type Gap struct {
	From  Time `json:"from"`
	Until Time `json:"until"`
}

// AccountRequested asks for an account on the desk.
type AccountRequested struct {
	Account  string `json:"account"`
	Role     string `json:"role"`
	Password string `json:"password"` // argon2id in PHC form; never clear
	OneTime  bool   `json:"one_time,omitempty"`
	By       string `json:"by"`
	Scope    *Scope `json:"scope,omitempty"`  // nil: as it stands; of a new account, everywhere
	OIDC     bool   `json:"oidc,omitempty"`   // signs in at the identity provider and has no password
	Relink   bool   `json:"relink,omitempty"` // and the subject that it is linked to is let go
}

// TokenRequested asks for a bearer token.
type TokenRequested struct {
	Token  string `json:"token"`  // its name
	SHA256 string `json:"sha256"` // hex
	Role   string `json:"role"`
	By     string `json:"by"`
	Scope  *Scope `json:"scope,omitempty"` // nil: as it stands; of a new token, everywhere
}

// TenantCreated, GroupSet, PatientEnrolled, PatientGrouped, PlanChanged, DeviceBound, DeviceRevoked, PackPublished,
// AccountSet and TokenSet are what the registrar decided.
type TenantCreated struct {
	Tenant string `json:"tenant"`
}

// GroupSet says what a disease group uses.
type GroupSet struct {
	Tenant    string             `json:"tenant"`
	Group     string             `json:"group"`
	Pack      string             `json:"pack"`
	Zh        string             `json:"zh,omitempty"`
	En        string             `json:"en,omitempty"`
	CadenceMs map[Quantity]int64 `json:"cadence_ms,omitempty"`
	Overrides []Override         `json:"overrides,omitempty"`

	AsRecorded bool `json:"as_recorded,omitempty"`
}

// PatientEnrolled begins the watching of a patient. Group leads the care; Also are further groups whose packs hold too.
type PatientEnrolled struct {
	Tenant  string   `json:"tenant"`
	Patient string   `json:"patient"`
	Group   string   `json:"group"`
	Also    []string `json:"also,omitempty"`
	// ConsentKept tells that consents were kept then (SEC-4): whoever has none on record has given none. Without it nobody knows.
	ConsentKept bool `json:"consent_kept,omitempty"`
}

// PatientGrouped moves a patient to another group.
type PatientGrouped struct {
	Tenant  string   `json:"tenant"`
	Patient string   `json:"patient"`
	Group   string   `json:"group"`
	Also    []string `json:"also,omitempty"`
	Was     string   `json:"was"`
}

// PlanChanged replaces a patient's own targets and orders.
type PlanChanged struct {
	Tenant  string `json:"tenant"`
	Patient string `json:"patient"`
	Plan    Plan   `json:"plan"`
}

// Plan is what a clinician ordered for one patient. It beats group and pack.
type Plan struct {
	SpO2Scale int                 `json:"spo2_scale,omitempty"` // 2 only by an explicit, dated order
	Targets   map[Quantity]Target `json:"targets,omitempty"`
	CadenceMs map[Quantity]int64  `json:"cadence_ms,omitempty"` // 0: not expected
	AgeYears  int                 `json:"age_years,omitempty"`  // 0: not known
	Pregnant  bool                `json:"pregnant,omitempty"`
	// AgeMonths is for children, completed months; 0: not known.
	AgeMonths int `json:"age_months,omitempty"`
	// Facts are numbers about the patient that packs name, such as best_peak_flow_l_per_min or usual_systolic_mmhg.
	Facts     map[string]Decimal `json:"facts,omitempty"`
	Overrides []Override         `json:"overrides,omitempty"`
	// Chosen says which pack's bounds hold for a quantity that several packs of the patient bound on both sides.
	Chosen map[Quantity]string `json:"chosen,omitempty"`
	// Pauses are planned windows in which the patient is not heard of. They excuse silence and nothing else (ALR-13).
	Pauses    []Pause `json:"pauses,omitempty"`
	OrderedBy string  `json:"ordered_by,omitempty"` // account
	OrderedAt Time    `json:"ordered_at,omitempty"`
}

// Pause is a planned window: from From until Until or, with Days, on those days of the week between the two.
type Pause struct {
	From  Time   `json:"from"`
	Until Time   `json:"until"`
	Why   string `json:"why"` // dialysis, bath, travel …
	// Days are days of the week from 1 (Monday) to 7, in the zone that lies ZoneMin east of UTC; a window begins StartMin
	// after their midnight and lasts LengthMin.
	Days      []int `json:"days,omitempty"`
	ZoneMin   int   `json:"zone_offset_min,omitempty"`
	StartMin  int   `json:"start_min,omitempty"`
	LengthMin int   `json:"length_min,omitempty"`
}

// Override is one number of a pack's rule as a clinician set it for a group or a patient, or the rule switched off. A
// patient's beats a group's, which beats the pack's.
type Override struct {
	Rule  string   `json:"rule"`            // id within the pack
	Param string   `json:"param,omitempty"` // named number of the rule; bound for a limit; empty with Off
	Value *Decimal `json:"value,omitempty"`
	Off   bool     `json:"off,omitempty"`
	By    string   `json:"by"` // account
	At    Time     `json:"at"`
	Until *Time    `json:"until,omitempty"` // nil: until it is changed
	Why   string   `json:"why,omitempty"`
}

// Target is a patient's own normal span, inclusive at both ends; nil is open.
type Target struct {
	Low  *Decimal `json:"low,omitempty"`
	High *Decimal `json:"high,omitempty"`
}

// DeviceBound says whose readings a device sends, and by which token it proves itself.
type DeviceBound struct {
	Device      string `json:"device"`
	Tenant      string `json:"tenant"`
	Patient     string `json:"patient"`
	TokenSHA256 string `json:"token_sha256"`
	From        Time   `json:"from"`
}

// DeviceRevoked ends a device's access; a live session is closed within 5 s.
type DeviceRevoked struct {
	Device string `json:"device"`
}

// PackPublished puts a version of a pack into effect. It concerns everyone: one copy goes to every partition.
type PackPublished struct {
	Pack    string `json:"pack"`
	Version int    `json:"version"`
	Sum     string `json:"sum"` // SHA-256 of Text, hex
	Text    string `json:"text"`
	// Signatures is how many people a change of this version needs; Signed is who signed it.
	Signatures int      `json:"signatures,omitempty"`
	Signed     []string `json:"signed,omitempty"`
}

// PackProposed says that a version of a pack waits for further signatures: whoever asks for the same text signs it. A newer
// proposal replaces it. It is not in effect.
type PackProposed struct {
	Pack    string   `json:"pack"`
	Version int      `json:"version"`
	Sum     string   `json:"sum"`
	Text    string   `json:"text"`
	Signed  []string `json:"signed"`
	Needs   int      `json:"needs"`
	Draft   *Draft   `json:"draft,omitempty"` // it was proposed at a desk
}

// AccountSet makes or changes an account.
type AccountSet struct {
	Account  string `json:"account"`
	Role     string `json:"role"`
	Password string `json:"password"`
	OneTime  bool   `json:"one_time,omitempty"`
	Scope    *Scope `json:"scope,omitempty"`   // nil: everywhere
	OIDC     bool   `json:"oidc,omitempty"`    // signs in at the identity provider and has no password
	Subject  string `json:"subject,omitempty"` // of LinkRequested; empty: nobody has signed in under this account's name yet
}

// TokenSet makes a bearer token known.
type TokenSet struct {
	Token  string `json:"token"`
	SHA256 string `json:"sha256"`
	Role   string `json:"role"`
	Scope  *Scope `json:"scope,omitempty"` // nil: everywhere
}

// EffectsHanded is the registrar's handing-on saying how far every partition has acknowledged. It lies in directory-inputs.
type EffectsHanded struct {
	Through Effect `json:"through"`
}

// RequestForwarded says that one entity of the directory has nothing against a request that concerns several, and that
// the next is asked now. The registrar decides entity by entity; all of it happens in the step of the request.
type RequestForwarded struct {
	Request string          `json:"request"` // id of the input
	Stage   string          `json:"stage"`   // what is asked, a fixed word of the registrar
	To      string          `json:"to"`      // the entity that is asked, such as tenant/t1
	Enrol   *EnrolRequested `json:"enrol,omitempty"`
	Group   *GroupRequested `json:"group,omitempty"`
	Link    *LinkRequested  `json:"link,omitempty"`

	Clinic        *ClinicRequested        `json:"clinic,omitempty"`
	PatientClinic *PatientClinicRequested `json:"patient_clinic,omitempty"`

	// What becomes of an administrator's account once whoever asked is found to be another administrator.
	Set   *AccountSet    `json:"set,omitempty"`
	Freed *SubjectFreed  `json:"freed,omitempty"` // with Set
	Lock  *AccountLocked `json:"lock,omitempty"`
}

// The subjects of the directory: {kind}/{id}.
const (
	deviceKind  = "device/"
	patientKind = "patient/"
	tenantKind  = "tenant/"
	groupKind   = "group/"
	packKind    = "pack/"
	accountKind = "account/"
	tokenKind   = "token/"
	policyKind  = "policy/"
	rotaKind    = "rota/"
	teamKind    = "team/"
)

// About answers the entity that the fact concerns: a request touches several.
func (e *RequestForwarded) About() string { return e.To }

// About answers tenant/{tenant}.
func (e *TenantCreated) About() string { return tenantKind + e.Tenant }

// About answers group/{tenant}/{group}.
func (e *GroupSet) About() string { return groupKind + e.Tenant + "/" + e.Group }

// About answers policy/{tenant}/{group}/{severity}.
func (e *PolicySet) About() string {
	return policyKind + e.Tenant + "/" + e.Group + "/" + e.Severity.String()
}

// About answers rota/{tenant}/{group}/{step}.
func (e *RotaSet) About() string { return rotaKind + e.Tenant + "/" + e.Group + "/" + e.Step }

// About answers patient/{tenant}/{patient}.
func (e *PatientEnrolled) About() string { return patientKind + e.Tenant + "/" + e.Patient }

// About answers patient/{tenant}/{patient}.
func (e *PatientGrouped) About() string { return patientKind + e.Tenant + "/" + e.Patient }

// About answers patient/{tenant}/{patient}.
func (e *PlanChanged) About() string { return patientKind + e.Tenant + "/" + e.Patient }

// About answers device/{id}.
func (e *DeviceBound) About() string { return deviceKind + e.Device }

// About answers device/{id}.
func (e *DeviceRevoked) About() string { return deviceKind + e.Device }

// About answers pack/{id}.
func (e *PackPublished) About() string { return packKind + e.Pack }

// About answers the pack.
func (e *PackProposed) About() string { return packKind + e.Pack }

// About answers account/{id}.
func (e *AccountSet) About() string { return accountKind + e.Account }

// About answers token/{name}.
func (e *TokenSet) About() string { return tokenKind + e.Token }

func (*EnrolRequested) Type() Type   { return "enrol.requested" }
func (*PlanRequested) Type() Type    { return "plan.requested" }
func (*RevokeRequested) Type() Type  { return "revoke.requested" }
func (*PackRequested) Type() Type    { return "pack.requested" }
func (*GroupRequested) Type() Type   { return "group.requested" }
func (*AccountRequested) Type() Type { return "account.requested" }
func (*TokenRequested) Type() Type   { return "token.requested" }
func (*TenantCreated) Type() Type    { return "tenant.created" }
func (*GroupSet) Type() Type         { return "group.set" }
func (*PatientEnrolled) Type() Type  { return "patient.enrolled" }
func (*PatientGrouped) Type() Type   { return "patient.grouped" }
func (*PlanChanged) Type() Type      { return "plan.changed" }
func (*DeviceBound) Type() Type      { return "device.bound" }
func (*DeviceRevoked) Type() Type    { return "device.revoked" }
func (*PackPublished) Type() Type    { return "pack.published" }
func (*PackProposed) Type() Type     { return "pack.proposed" }
func (*AccountSet) Type() Type       { return "account.set" }
func (*TokenSet) Type() Type         { return "token.set" }
func (*EffectsHanded) Type() Type    { return "effects.handed" }
func (*RequestForwarded) Type() Type { return "request.forwarded" }

func (*PolicyRequested) Type() Type { return "policy.requested" }
func (*PolicySet) Type() Type       { return "policy.set" }
func (*RotaRequested) Type() Type   { return "rota.requested" }
func (*RotaSet) Type() Type         { return "rota.set" }

package event

// Who may see whom: role × care relation × purpose. The care relation of an account is its Scope; an emergency opens one patient
// to one account for a while.

// Everywhere in Scope.Tenants stands for every tenant.
const Everywhere = "*"

// Scope is whose patients an account or a token is to care for: those of whole tenants, and those of single groups, and those of
// single community clinics. Whoever is in any of them is in the scope. No scope at all is every tenant, as it was before there were
// scopes; a scope that names nothing is nobody.
type Scope struct {
	Tenants []string `json:"tenants,omitempty"`
	Groups  []string `json:"groups,omitempty"`  // {tenant}/{group}
	Clinics []string `json:"clinics,omitempty"` // {tenant}/{clinic}; a reader that does not know them shows less
}

// EmergencyRequested asks to see a patient who is in nobody's care of those who ask ("break-glass").
type EmergencyRequested struct {
	Emergency string `json:"emergency"` // its id, made by who asks
	Account   string `json:"account"`
	Role      string `json:"role"`
	Tenant    string `json:"tenant"`
	Patient   string `json:"patient"`
	Reason    string `json:"reason"`
	ForMs     int64  `json:"for_ms"`
}

// EmergencyBegun opens one patient to one account from From until, not with, Until. It waits for a review from its beginning.
type EmergencyBegun struct {
	Emergency string `json:"emergency"`
	Account   string `json:"account"`
	Role      string `json:"role"`
	Tenant    string `json:"tenant"`
	Patient   string `json:"patient"`
	Reason    string `json:"reason"`
	From      Time   `json:"from"`
	Until     Time   `json:"until"`
}

// ReviewRequested says what somebody else thinks of an emergency.
type ReviewRequested struct {
	Emergency string `json:"emergency"`
	Outcome   string `json:"outcome"`
	Note      string `json:"note,omitempty"`
	By        string `json:"by"`
}

// EmergencyReviewed is the review.
type EmergencyReviewed struct {
	Emergency string `json:"emergency"`
	Outcome   string `json:"outcome"`
	Note      string `json:"note,omitempty"`
	By        string `json:"by"`
	At        Time   `json:"at"`
}

// What a review can find.
const (
	ReviewJustified    = "justified"
	ReviewNotJustified = "not_justified"
)

const emergencyKind = "emergency/"

// About answers emergency/{id}.
func (e *EmergencyBegun) About() string { return emergencyKind + e.Emergency }

// About answers emergency/{id}.
func (e *EmergencyReviewed) About() string { return emergencyKind + e.Emergency }

func (*EmergencyRequested) Type() Type { return "emergency.requested" }
func (*EmergencyBegun) Type() Type     { return "emergency.begun" }
func (*ReviewRequested) Type() Type    { return "review.requested" }
func (*EmergencyReviewed) Type() Type  { return "emergency.reviewed" }

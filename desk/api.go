package desk

import (
	"encoding/json"
	"strconv"

	"github.com/danielgtaylor/huma/v2"

	"tocsin/alerts"
	"tocsin/streams/event"
)

// What the API says and hears. Times are RFC 3339 in UTC with milliseconds, numbers carry the unit of their quantity's
// name, lists are never null.

// Warning is one episode as the desk shows it.
type Warning struct {
	ID          string         `json:"id"`
	Tenant      string         `json:"tenant"`
	Patient     string         `json:"patient" doc:"the hospital's id of the patient, without the tenant"`
	Group       string         `json:"group" doc:"disease group; empty for what concerns no patient"`
	Clinic      string         `json:"clinic" doc:"the patient's community clinic, as it is today; empty: none. GET /v1/clinics has the names"`
	Problem     string         `json:"problem" example:"deterioration" doc:"deterioration, silence, reported (by a person) or fault"`
	Episode     int            `json:"episode" doc:"counts this patient's episodes of this problem from 1"`
	State       string         `json:"state" enum:"new,accepted,in_care,returned,shelved,suppressed,closed"`
	Severity    event.Severity `json:"severity"`
	Peak        event.Severity `json:"peak" doc:"the gravest that this episode has been: it decides who may close and how"`
	Danger      bool           `json:"danger" doc:"the immediate-danger band"`
	Rule        string         `json:"rule" doc:"of the first reason"`
	Reasons     []event.Reason `json:"reasons" doc:"worst first"`
	Score       *event.Score   `json:"score,omitempty"`
	RaisedAt    event.Time     `json:"raised_at" doc:"never changes while the episode lasts"`
	Since       event.Time     `json:"since" doc:"when it came into its state"`
	AnswerBy    Deadline       `json:"answer_by" doc:"the next deadline; null only when closed"`
	Owner       string         `json:"owner" doc:"who has taken it; empty while nobody has"`
	Was         string         `json:"was,omitempty" doc:"who had it before it was given back or came back"`
	AcceptedAt  *event.Time    `json:"accepted_at,omitempty"`
	Level       int            `json:"level" doc:"the step of the policy that is asked now, from 0"`
	Asked       string         `json:"asked" doc:"whom that step asks: nurse, doctor-1, doctor-2, duty-office …"`
	OnDuty      []string       `json:"on_duty,omitempty" doc:"the accounts on duty for that step; absent: no rota says who"`
	Offered     string         `json:"offered,omitempty" doc:"to whom its owner would hand it over: they need only accept"`
	Handover    bool           `json:"handover,omitempty" doc:"its owner's shift is over: somebody is to take it, the owner among them"`
	Call        *alerts.Call   `json:"call,omitempty" doc:"that its owner is on"`
	Contacted   bool           `json:"contacted,omitempty" doc:"somebody was reached in this episode"`
	Tried       *Tried         `json:"tried,omitempty" doc:"the last call of this episode of which somebody said what came"`
	Shelf       *alerts.Shelf  `json:"shelf,omitempty" doc:"where it lies or, unless it is shelved, for which a second person is asked"`
	Planned     string         `json:"planned,omitempty" doc:"why it is suppressed: the planned window that excuses it"`
	By          string         `json:"by,omitempty" doc:"who raised it by hand"`
	ShelveMs    int64          `json:"shelve_ms" doc:"the longest for which it can be shelved"`
	Eased       bool           `json:"eased" doc:"nothing is found any more; it stays until a person closes it"`
	ClosedAt    *event.Time    `json:"closed_at,omitempty"`
	Comorbid    bool           `json:"comorbid,omitempty" doc:"its patient is in several groups"`
	Coordinator string         `json:"coordinator,omitempty" doc:"who coordinates the care of its patient; absent: nobody, and GET /v1/teams lists it"`
	Version     int64          `json:"version" doc:"where its last change stands in the log: of two copies that with the smaller number is not newer"`
	Outcome     string         `json:"outcome,omitempty" doc:"of a closed warning: real, real_usual, measurement_fault, technical, not_known_yet, planned or left"`
}

// Tried is what came of a call.
type Tried struct {
	By      string     `json:"by"`
	Whom    string     `json:"whom" enum:"patient,carer,community,emergency"`
	Outcome string     `json:"outcome" enum:"reached,no_answer,wrong_number"`
	At      event.Time `json:"at"`
}

// Deadline is a moment, or null for none.
type Deadline event.Time

// MarshalJSON writes RFC 3339, or null.
func (d Deadline) MarshalJSON() ([]byte, error) { return event.Time(d).MarshalJSON() }

// UnmarshalJSON reads RFC 3339, or null.
func (d *Deadline) UnmarshalJSON(b []byte) error { return (*event.Time)(d).UnmarshalJSON(b) }

// Schema says so in the API's description.
func (Deadline) Schema(huma.Registry) *huma.Schema {
	return &huma.Schema{Type: huma.TypeString, Format: "date-time", Nullable: true}
}

// WarningStory is a warning with how it came to be what it is.
type WarningStory struct {
	Warning
	Timeline []Moment      `json:"timeline" doc:"oldest first; the middle of a very long story is left out and counted in left_out"`
	LeftOut  int           `json:"left_out"`
	Asks     int           `json:"asks" doc:"how often somebody was asked"`
	Told     []alerts.Told `json:"told" doc:"what became of the last notices: queued, sent, delivered, opened or failed"`
	Policy   event.Policy  `json:"policy" doc:"frozen when the warning was raised or became graver"`
	Before   *Before       `json:"before,omitempty" doc:"the last closed episode of this problem"`
	// Names are of what the reasons' inputs name and is no signal.
	Names map[string]WordPair `json:"names" doc:"questions, facts and, as rule:param, numbers of the patient's packs in words"`
	// AsOf is the moment of a look back.
	AsOf *event.Time `json:"as_of,omitempty" doc:"all of this is as the desk knew it at that moment; absent: as it is now"`
}

// Moment is one thing that happened to a warning.
type Moment struct {
	At     event.Time `json:"at"`
	Type   event.Type `json:"type" example:"alert.escalated"`
	By     string     `json:"by,omitempty"`
	To     string     `json:"to,omitempty"`
	TextZh string     `json:"text_zh"`
	TextEn string     `json:"text_en"`
}

// Before is how the last episode ended.
type Before struct {
	ID       string         `json:"id"`
	Episode  int            `json:"episode"`
	Severity event.Severity `json:"severity"`
	ClosedAt event.Time     `json:"closed_at"`
	ClosedBy string         `json:"closed_by"`
	Outcome  string         `json:"outcome"`
	Done     string         `json:"done,omitempty"`
}

// Group is one disease group with what is open in it.
type Group struct {
	Tenant   string `json:"tenant"`
	Group    string `json:"group"`
	Zh       string `json:"zh" doc:"its name; the group's id when nobody gave one"`
	En       string `json:"en"`
	Patients int    `json:"patients"`
	Open     Counts `json:"open"`
	Silent   int    `json:"silent" doc:"patients with at least one signal that should have come"`
}

// Counts is how many warnings are open, by severity.
type Counts struct {
	High      int `json:"high"`
	Medium    int `json:"medium"`
	Low       int `json:"low"`
	Technical int `json:"technical"`
}

// Row is one patient on the group board.
type Row struct {
	Tenant      string             `json:"tenant"`
	Patient     string             `json:"patient"`
	Group       string             `json:"group"`
	Clinic      string             `json:"clinic" doc:"community clinic; empty: none"`
	Latest      map[string]Latest  `json:"latest" doc:"by quantity, such as spo2_percent"`
	Silent      []SilentSignal     `json:"silent" doc:"what should have come and did not"`
	Warnings    []RowWarning       `json:"warnings" doc:"open ones, gravest first"`
	Score       *RowScore          `json:"score,omitempty"`
	Measures    []RowMeasure       `json:"measures" doc:"numbers that the pack computes and shows, such as GMI; those that are not known yet have no value"`
	Trend       map[string][]Point `json:"trend" doc:"by quantity: pairs of milliseconds since 1970 and value, oldest first, from the rules' window"`
	Order       int                `json:"order" doc:"whom to call first: smaller is sooner; rows of one answer are sorted by it"`
	WhyZh       string             `json:"why_order_zh"`
	WhyEn       string             `json:"why_order_en"`
	Left        *alerts.Left       `json:"left,omitempty" doc:"the care of the patient has ended: nothing is open and nobody is paged"`
	Comorbid    bool               `json:"comorbid,omitempty" doc:"the patient is in several groups"`
	Coordinator string             `json:"coordinator,omitempty" doc:"who coordinates the care; absent: nobody"`
	Consent     string             `json:"consent" enum:"given,none,before_records,expired,withdrawn" doc:"to being watched (SEC-4): how the patient stands to it"`
	Version     int64              `json:"version" doc:"where its last change stands in the log: of two copies that with the smaller number is not newer"`
}

// Latest is the newest reading of one quantity, with its doubt.
type Latest struct {
	Value      event.Decimal      `json:"value"`
	Mark       event.Mark         `json:"mark" enum:",unconfirmed,low_quality,test"`
	MeasuredAt event.Time         `json:"measured_at"`
	Clock      event.ClockQuality `json:"clock" enum:"ok,corrected,unsynced,future,too_old,"`
	Stale      bool               `json:"stale" doc:"older than the pack allows for scoring"`
}

// SilentSignal is a quantity that should have come.
type SilentSignal struct {
	Quantity event.Quantity `json:"quantity"`
	Since    event.Time     `json:"since" doc:"the last reading, or since when it was waited for"`
}

// RowWarning is an open warning as the board names it.
type RowWarning struct {
	ID       string         `json:"id"`
	Problem  string         `json:"problem"`
	Severity event.Severity `json:"severity"`
	State    string         `json:"state" enum:"new,accepted,in_care,returned,shelved,suppressed,closed"`
	Owner    string         `json:"owner"`
}

// RowScore is the aggregate score as an interval.
type RowScore struct {
	Rule       string           `json:"rule"`
	Lower      int              `json:"lower"`
	Upper      int              `json:"upper"`
	Band       string           `json:"band"`
	Determined bool             `json:"determined"`
	Missing    []event.Quantity `json:"missing"`
}

// Point is a moment in milliseconds since 1970 and a value.
type Point struct {
	At    event.Time
	Value event.Decimal
}

// MarshalJSON writes [ms, value].
func (p Point) MarshalJSON() ([]byte, error) {
	b := append(make([]byte, 0, 32), '[')
	b = strconv.AppendInt(b, int64(p.At), 10)
	b = append(b, ',')
	return append(p.Value.Append(b), ']'), nil
}

// UnmarshalJSON reads [ms, value].
func (p *Point) UnmarshalJSON(b []byte) error {
	var pair [2]json.Number
	if err := json.Unmarshal(b, &pair); err != nil {
		return err
	}
	ms, err := pair[0].Int64()
	if err != nil {
		return err
	}
	p.At = event.Time(ms)
	p.Value, err = event.ParseDecimal(string(pair[1]))
	return err
}

// Schema says that it is a pair of numbers.
func (Point) Schema(huma.Registry) *huma.Schema {
	two := 2
	return &huma.Schema{Type: huma.TypeArray, Items: &huma.Schema{Type: huma.TypeNumber}, MinItems: &two, MaxItems: &two}
}

// Reading is one row of history.
type Reading struct {
	Quantity   event.Quantity     `json:"quantity"`
	Value      event.Decimal      `json:"value"`
	Mark       event.Mark         `json:"mark" enum:",unconfirmed,low_quality,test"`
	MeasuredAt event.Time         `json:"measured_at"`
	ReceivedAt event.Time         `json:"received_at"`
	Clock      event.ClockQuality `json:"clock" enum:"ok,corrected,unsynced,future,too_old,"`
	Disowned   *Disowning         `json:"disowned,omitempty" doc:"somebody said that it was not this patient's: it is judged no more"`
}

// Disowning is who said of a reading that it was not this patient's, and why.
type Disowning struct {
	By  string     `json:"by"`
	At  event.Time `json:"at"`
	Why string     `json:"why"`
}

// Status is how far what is shown can be believed.
type Status struct {
	At        event.Time        `json:"at" doc:"the server's clock"`
	DataAgeMs int64             `json:"data_age_ms" doc:"how long ago everything that had come in was taken into account; above 30000 nobody is watching"`
	Lag       int64             `json:"lag" doc:"records of inputs that have not been folded yet, over all partitions"`
	Desks     int               `json:"desks" doc:"screens that listen to this server"`
	Load      Load              `json:"load"`
	Doors     int               `json:"doors" doc:"doors that were heard within the last 15 s"`
	History   string            `json:"history" enum:"on,off"`
	Audit     string            `json:"audit" enum:"on,waiting,full,off" doc:"of the audit log: waiting, entries could not be written for a while; full, so many that no chart is opened"`
	Simulated bool              `json:"simulated" doc:"the ward is a demonstration"`
	Version   string            `json:"version"`
	Watchdog  WatchdogStatus    `json:"watchdog"`
	Parts     []PartitionStatus `json:"partitions"`
}

// PartitionStatus is Status for one partition.
type PartitionStatus struct {
	Partition int32 `json:"partition"`
	AgeMs     int64 `json:"age_ms"`
	Lag       int64 `json:"lag"`
	Offset    int64 `json:"offset" doc:"of the last step in decisions that is shown; -1 before the first"`
	CaughtUp  bool  `json:"caught_up"`
}

// Snapshot is everything that is open, for whoever cannot be brought up to date by changes.
type Snapshot struct {
	Locked   bool      `json:"locked" doc:"the session is locked: how many warnings there are, how grave and by when they are to be answered, and nothing of whom they are about"`
	Warnings []Warning `json:"warnings"`
	Rows     []Row     `json:"rows" doc:"of the group that the stream was opened for, when it was"`
	Status   Status    `json:"status"`
}

// Session is who is signed in.
type Session struct {
	State      string `json:"state" enum:"open,code,locked,must_change,must_enrol" doc:"what is asked for before anything else is answered: code, the second step of signing in; locked, POST /v1/session/unlock; must_change, POST /v1/session/password; must_enrol, POST /v1/session/factor"`
	Method     string `json:"method" enum:"password,oidc," doc:"how the session began; empty for a bearer token, and until the second step"`
	Account    string `json:"account"`
	Role       string `json:"role"`
	MustChange bool   `json:"must_change" doc:"a one-time password: nothing else is answered until it has been changed"`
	May        May    `json:"may"`

	Emergencies []Emergency `json:"emergencies" doc:"patients who are open to this account for a while; the page shows them all the time. Empty while the session is locked"`

	Factor      SessionFactor `json:"factor"`
	LockAfterMs int64         `json:"lock_after_ms" doc:"after so long without POST /v1/session/here or a click the session locks itself; 0: never"`
}

// What a session can be asked for.
const (
	stateOpen       = "open"
	stateCode       = "code"
	stateLocked     = "locked"
	stateMustChange = "must_change"
	stateMustEnrol  = "must_enrol"
)

// SessionFactor is the second factor of whoever is signed in.
type SessionFactor struct {
	On           bool         `json:"on" doc:"signing in and unlocking ask for a code"`
	Required     bool         `json:"required" doc:"this account has to have one"`
	Possible     bool         `json:"possible" doc:"this desk has a vault, in which it would be kept"`
	RecoveryLeft int          `json:"recovery_left"`
	Reset        *FactorReset `json:"reset,omitempty" doc:"somebody took the one before away, and there is no other yet"`
}

// FactorReset is who took a second factor away.
type FactorReset struct {
	By string     `json:"by"`
	At event.Time `json:"at"`
}

// May is what the role allows, so that a page need not offer what would be refused.
type May struct {
	See       bool `json:"see" doc:"patients and warnings"`
	Act       bool `json:"act" doc:"take, give back and close warnings that are low or technical"`
	ActGrave  bool `json:"act_grave" doc:"the same for medium and high"`
	Reason    bool `json:"reason" doc:"close a high with a reason instead of a contact"`
	Admin     bool `json:"admin" doc:"import, tokens, packs"`
	OrderPlan bool `json:"order_plan"`
	Review    bool `json:"review" doc:"emergencies of others"`
	Audit     bool `json:"audit" doc:"the audit log"`
	Emergency bool `json:"emergency" doc:"open a patient out of their care, with a reason: there are such patients"`
	Accounts  bool `json:"accounts" doc:"look at accounts and tokens"`
	Register  bool `json:"register" doc:"the lists of patients and devices, by opaque id"`
	Enrol     bool `json:"enrol" doc:"enrol patients, bind devices, import"`
	Know      bool `json:"know" doc:"be told who a patient is"`
	Name      bool `json:"name" doc:"say who a patient is"`
	Leave     bool `json:"leave" doc:"end a patient's care, or take that back"`
	Draft     bool `json:"draft" doc:"change packs: draft, backtest, propose, sign, decline"`
	Consent   bool `json:"consent" doc:"record what a patient agrees to"`
	Team      bool `json:"team" doc:"set the care team of a group"`
	Choose    bool `json:"choose" doc:"say who coordinates the care of a patient and who owns each problem"`
}

// AcceptBody goes with a click on accept.
type AcceptBody struct {
	Desk string `json:"desk,omitempty" maxLength:"64" doc:"which desk; for the record"`
}

// ReturnBody goes with giving back.
type ReturnBody struct {
	Desk   string `json:"desk,omitempty" maxLength:"64"`
	Reason string `json:"reason,omitempty" maxLength:"500"`
}

// CloseBody says what it was, what was done and where the patient is. Nothing is preselected.
type CloseBody struct {
	Desk        string `json:"desk,omitempty" maxLength:"64"`
	Outcome     string `json:"outcome" enum:"real,real_usual,measurement_fault,technical,not_known_yet"`
	Done        string `json:"done,omitempty" maxLength:"1000" doc:"what was done; for a high without a contact, the doctor's reason"`
	Disposition string `json:"disposition,omitempty" maxLength:"64" doc:"where the patient is: home, clinic, ambulance, admitted"`
	Contacted   bool   `json:"contacted,omitempty" doc:"patient or carer was reached"`
}

// CallBody says whom somebody calls.
type CallBody struct {
	Whom string `json:"whom" enum:"patient,carer,community,emergency" doc:"emergency is the patient's own 120 centre"`
}

// ContactBody says what came of a call.
type ContactBody struct {
	Whom    string `json:"whom" enum:"patient,carer,community,emergency"`
	Outcome string `json:"outcome" enum:"reached,no_answer,wrong_number"`
	Note    string `json:"note,omitempty" maxLength:"300"`
}

// OfferBody names the account that shall have a warning.
type OfferBody struct {
	To   string `json:"to" minLength:"1" maxLength:"64"`
	Note string `json:"note,omitempty" maxLength:"300"`
}

// NoteBody adds words.
type NoteBody struct {
	Text string `json:"text" minLength:"1" maxLength:"300" doc:"no name, no phone number"`
}

// ShelveBody puts a warning aside. Of a high a second person agrees by asking for the same.
type ShelveBody struct {
	Reason string `json:"reason,omitempty" maxLength:"300"`
	ForMin int    `json:"for_min,omitempty" minimum:"0" maximum:"10080" doc:"minutes from now"`
}

// OutcomeBody says what a closed warning was.
type OutcomeBody struct {
	Outcome string `json:"outcome" enum:"real,real_usual,measurement_fault,technical"`
	Done    string `json:"done,omitempty" maxLength:"300"`
}

// WarnBody raises a warning by hand.
type WarnBody struct {
	Severity event.Severity `json:"severity"`
	Text     string         `json:"text" minLength:"1" maxLength:"300" doc:"what is worrying; no name, no phone number"`
}

// LeaveBody ends the care of a patient.
type LeaveBody struct {
	Why       string `json:"why" enum:"discharged,died,consent_withdrawn"`
	Note      string `json:"note,omitempty" maxLength:"300"`
	Contacted bool   `json:"contacted,omitempty" doc:"somebody was reached; needed while a high warning is open"`
}

// DisownBody says that readings were not this patient's: a shared cuff, somebody else on the scale.
type DisownBody struct {
	MeasuredAt event.Time      `json:"measured_at"`
	Readings   []DisownReading `json:"readings" minItems:"1" maxItems:"32"`
	Why        string          `json:"why" minLength:"1" maxLength:"300" doc:"no names"`
}

// DisownReading is a reading as it is shown.
type DisownReading struct {
	Quantity event.Quantity `json:"quantity"`
	Value    event.Decimal  `json:"value"`
}

// ResumeBody takes a leaving back.
type ResumeBody struct {
	Note string `json:"note,omitempty" maxLength:"300"`
}

// Colleague is somebody who could have a warning.
type Colleague struct {
	Account string `json:"account"`
	Role    string `json:"role"`
}

// Unjudged is a closed warning of which it is not known what it was.
type Unjudged struct {
	ID       string         `json:"id"`
	Tenant   string         `json:"tenant"`
	Patient  string         `json:"patient"`
	Problem  string         `json:"problem"`
	Severity event.Severity `json:"severity" doc:"the gravest of the episode"`
	ClosedAt event.Time     `json:"closed_at"`
	AskBy    Deadline       `json:"ask_by" doc:"when it is asked again; null after the patient left"`
}

// SignIn is a name with its password.
type SignIn struct {
	Account  string `json:"account" minLength:"1" maxLength:"64"`
	Password string `json:"password" minLength:"1" maxLength:"200"`
}

// NewPassword replaces the password of whoever is signed in.
type NewPassword struct {
	Current string `json:"current" minLength:"1" maxLength:"200"`
	New     string `json:"new" minLength:"10" maxLength:"200"`
}

// ImportLine is one line of the answer to an import: progress, an issued token, a refused row, or the end.
type ImportLine struct {
	Row     int    `json:"row,omitempty" doc:"line in the file, the header being 1"`
	Device  string `json:"device,omitempty"`
	Token   string `json:"token,omitempty" doc:"made because the row had none; said once and never again"`
	Kept    bool   `json:"kept,omitempty" doc:"the row had no token and the device keeps the one it has"`
	Error   string `json:"error,omitempty"`
	Written int    `json:"written,omitempty" doc:"rows handed to the log so far"`
	Settled int    `json:"settled,omitempty" doc:"rows decided so far"`
	Refused int    `json:"refused,omitempty"`
	Named   int    `json:"named,omitempty" doc:"patients of whom the vault has something new by this file"`
	Done    bool   `json:"done,omitempty" doc:"the last line: every live gateway knows what was imported"`

	Tenant  string   `json:"tenant,omitempty"`
	Patient string   `json:"patient,omitempty"`
	Zh      string   `json:"zh,omitempty" doc:"what error says, in Chinese"`
	Dry     bool     `json:"dry,omitempty" doc:"of the last line: nothing was changed"`
	Fault   bool     `json:"fault,omitempty" doc:"the row is not right, and as long as it stands there nothing of the file is imported"`
	Was     []string `json:"was,omitempty" doc:"the patient would be moved from these groups"`
	From    *string  `json:"from,omitempty" doc:"the patient would be moved from this community clinic; empty: from none"`
	Clinic  string   `json:"clinic,omitempty" doc:"to this one"`
	Faults  int      `json:"faults,omitempty" doc:"rows that are not right"`
	New     int      `json:"new,omitempty" doc:"patients who would be enrolled"`
	Moved   int      `json:"moved,omitempty" doc:"rows whose patients would be moved to other groups, or to another community clinic"`
	Bound   int      `json:"bound,omitempty" doc:"devices that would be bound, or get another token"`
	Makes   int      `json:"makes,omitempty" doc:"tokens that would be made"`
}

// TokenBody asks for a bearer token.
type TokenBody struct {
	Name    string   `json:"name" minLength:"1" maxLength:"64" pattern:"^[A-Za-z0-9._-]+$"`
	Role    string   `json:"role" enum:"lead,nurse,doctor,pharmacist,health-manager,clinic,administrator,security,auditor"`
	Tenants []string `json:"tenants,omitempty" maxItems:"200" doc:"whose patients they see, all of them; * is every tenant. Absent, with groups: as it stands; of a new one, every tenant"`
	Groups  []string `json:"groups,omitempty" maxItems:"200" doc:"further groups whose patients they see, as tenant/group"`
	Clinics []string `json:"clinics,omitempty" maxItems:"200" doc:"further community clinics whose patients they see, as tenant/clinic"`
	New     bool     `json:"new,omitempty" doc:"refuse it when there is one of this name"`
}

// TokenMade is a bearer token. It is said once.
type TokenMade struct {
	Name  string `json:"name"`
	Role  string `json:"role"`
	Token string `json:"token"`
}

// AccountBody asks for an account with a one-time password.
type AccountBody struct {
	Account string   `json:"account" minLength:"1" maxLength:"64" pattern:"^[A-Za-z0-9._-]+$"`
	Role    string   `json:"role" enum:"lead,nurse,doctor,pharmacist,health-manager,clinic,administrator,security,auditor"`
	Tenants []string `json:"tenants,omitempty" maxItems:"200" doc:"whose patients they see, all of them; * is every tenant. Absent, with groups: as it stands; of a new one, every tenant"`
	Groups  []string `json:"groups,omitempty" maxItems:"200" doc:"further groups whose patients they see, as tenant/group"`
	Clinics []string `json:"clinics,omitempty" maxItems:"200" doc:"further community clinics whose patients they see, as tenant/clinic"`
	OIDC    bool     `json:"oidc,omitempty" doc:"signs in at the identity provider, and has no password; the first sign-in there under this name links it for good"`
	Relink  bool     `json:"relink,omitempty" doc:"with oidc: let go of the person whom it is linked to; the next sign-in under this name links it anew"`
	New     bool     `json:"new,omitempty" doc:"refuse it when there is one of this name"`
}

// AccountMade is an account with its one-time password. It is said once.
type AccountMade struct {
	Account  string `json:"account"`
	Role     string `json:"role"`
	Password string `json:"password" doc:"empty for one that signs in at the identity provider"`
}

// PlanBody orders own targets for one patient. It replaces the plan before it, save that facts, overrides and choices that
// are left out stay as they are: whoever orders a target does not mean to switch a rule on again.
type PlanBody struct {
	Tenant  string     `json:"tenant" minLength:"1" maxLength:"128"`
	Patient string     `json:"patient" minLength:"1" maxLength:"128"`
	Plan    event.Plan `json:"plan"`
}

// PackBody publishes a version of a pack.
type PackBody struct {
	Pack    string `json:"pack" minLength:"1" maxLength:"64"`
	Version int    `json:"version" minimum:"1"`
	Text    string `json:"text" minLength:"1" maxLength:"60000" doc:"YAML"`
}

// GroupBody sets what a disease group uses. Overrides that are left out stay as they are; an empty list clears them.
type GroupBody struct {
	Tenant     string                   `json:"tenant" minLength:"1" maxLength:"128"`
	Group      string                   `json:"group" minLength:"1" maxLength:"128"`
	Pack       string                   `json:"pack,omitempty" maxLength:"64" doc:"news2 when empty"`
	Zh         string                   `json:"zh,omitempty" maxLength:"100"`
	En         string                   `json:"en,omitempty" maxLength:"100"`
	CadenceMs  map[event.Quantity]int64 `json:"cadence_ms,omitempty"`
	AsRecorded bool                     `json:"as_recorded,omitempty"`
	Overrides  []event.Override         `json:"overrides,omitempty" doc:"numbers and rules as the group has them; left out: as they stand; by and at are those of who asks"`
}

// Problem is an RFC 9457 problem with what a person needs: who has the warning, and the reason in both languages.
type Problem struct {
	Type   string         `json:"type" doc:"a word after tocsin:, such as tocsin:already_accepted"`
	Title  string         `json:"title"`
	Status int            `json:"status" minimum:"400" maximum:"599"`
	Detail string         `json:"detail"`
	Reason string         `json:"reason" doc:"a fixed word"`
	Holder string         `json:"holder,omitempty" doc:"who has the warning, when that is the reason"`
	Zh     string         `json:"zh" doc:"what it means, for a person"`
	En     string         `json:"en"`
	Errors []ProblemField `json:"errors,omitempty"`
}

// ProblemField is one fault of what was sent.
type ProblemField struct {
	Where   string `json:"where"`
	Message string `json:"message"`
	Zh      string `json:"zh,omitempty"`
	En      string `json:"en,omitempty"`
}

// Package directory keeps what concerns many: tenants, groups, people, devices with their tokens, packs, accounts. The
// registrar is a Machine over the one-partition directory pair; View answers the doors' and desks' questions from it,
// and HandOn carries what patients' folds need into `inputs`.
package directory

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"

	"tocsin/streams"
	"tocsin/streams/event"
)

// Entity is one thing of the directory: its fields are set by the kind in its key, one but for a patient's and an account's. What the pointers
// lead to is replaced and never altered.
type Entity struct {
	Device  *Device           `json:"device,omitempty"`
	Patient *Patient          `json:"patient,omitempty"`
	Person  *Person           `json:"person,omitempty"` // of a patient, beside Patient
	Tenant  bool              `json:"tenant,omitempty"`
	Group   *event.GroupSet   `json:"group,omitempty"`
	Pack    *Pack             `json:"pack,omitempty"`
	Account *event.AccountSet `json:"account,omitempty"`
	Factor  *Factor           `json:"factor,omitempty"` // of an account, beside Account
	Token   *event.TokenSet   `json:"token,omitempty"`
	Policy  *event.PolicySet  `json:"policy,omitempty"`
	Rota    *event.RotaSet    `json:"rota,omitempty"`
	Handed  event.Effect      `json:"handed,omitzero"`

	Emergency *Emergency     `json:"emergency,omitempty"`
	Push      *Push          `json:"push,omitempty"`
	Linked    string         `json:"linked,omitempty"` // of a subject: whose it is
	Team      *event.TeamSet `json:"team,omitempty"`

	Clinic *event.ClinicSet `json:"clinic,omitempty"`

	Locked    *event.AccountLocked `json:"locked,omitempty"`    // beside Account
	Withdrawn bool                 `json:"withdrawn,omitempty"` // of a token: it was one
}

// Device is the binding of a device as it stands: a device is held by one patient at a time.
type Device struct {
	event.DeviceBound
	Revoked bool `json:"revoked,omitempty"`
}

// Patient is who is watched, and by which orders.
type Patient struct {
	Group string      `json:"group"`          // leads the care
	Also  []string    `json:"also,omitempty"` // further groups, by name
	Plan  *event.Plan `json:"plan,omitempty"`

	Consents    event.Consents        `json:"consents,omitzero"`
	Responsible *event.ResponsibleSet `json:"responsible,omitempty"` // who was chosen; nil: nobody, and the rule holds
	Clinic      string                `json:"clinic,omitempty"`      // community clinic; empty: none
}

// Pack is the version of a pack that is in effect. Its text lies in the log.
type Pack struct {
	Version    int       `json:"version"`
	Sum        string    `json:"sum"`
	Signatures int       `json:"signatures,omitempty"` // that the next version needs
	Proposed   *Proposed `json:"proposed,omitempty"`   // it waits for signatures
}

// Proposed is a version of a pack that not enough people have signed.
type Proposed struct {
	Version int      `json:"version"`
	Sum     string   `json:"sum"`
	Signed  []string `json:"signed"`
	Needs   int      `json:"needs,omitempty"` // signatures; 0: as the version in effect asks for
	Draft   bool     `json:"draft,omitempty"` // made at a desk: only another person's signature or a refusal ends its wait
}

// HandingOn is the key under which the handing-on records how far it came.
const HandingOn = "handing-on"

// The keys of the directory pair.

// DeviceKey answers device/{id}.
func DeviceKey(id string) string { return "device/" + id }

// PatientKey answers patient/{tenant}/{patient}.
func PatientKey(tenant, patient string) string { return "patient/" + tenant + "/" + patient }

// TenantKey answers tenant/{tenant}.
func TenantKey(tenant string) string { return "tenant/" + tenant }

// GroupKey answers group/{tenant}/{group}.
func GroupKey(tenant, group string) string { return "group/" + tenant + "/" + group }

// PackKey answers pack/{id}.
func PackKey(id string) string { return "pack/" + id }

// AccountKey answers account/{id}.
func AccountKey(id string) string { return "account/" + id }

// TokenKey answers token/{name}.
func TokenKey(name string) string { return "token/" + name }

// SubjectKey answers subject/{sum}.
func SubjectKey(sum string) string { return "subject/" + sum }

// KeyOf answers under which key a request goes to the registrar.
func KeyOf(request event.Event) (string, error) {
	switch r := request.(type) {
	case *event.EnrolRequested:
		if r.Device == "" {
			return PatientKey(r.Tenant, r.Patient), nil
		}
		return DeviceKey(r.Device), nil
	case *event.PlanRequested:
		return PatientKey(r.Tenant, r.Patient), nil
	case *event.RevokeRequested:
		return DeviceKey(r.Device), nil
	case *event.PackRequested:
		return PackKey(r.Pack), nil
	case *event.PackSignRequested:
		return PackKey(r.Pack), nil
	case *event.PackDeclineRequested:
		return PackKey(r.Pack), nil
	case *event.GroupRequested:
		return GroupKey(r.Tenant, r.Group), nil
	case *event.PolicyRequested:
		return (&event.PolicySet{Tenant: r.Tenant, Group: r.Group, Severity: r.Severity}).About(), nil
	case *event.RotaRequested:
		return (&event.RotaSet{Rota: r.Rota}).About(), nil
	case *event.TeamRequested:
		return TeamKey(r.Tenant, r.Group), nil
	case *event.ResponsibleRequested:
		return PatientKey(r.Tenant, r.Patient), nil
	case *event.ClinicRequested:
		return ClinicKey(r.Tenant, r.Clinic), nil
	case *event.PatientClinicRequested:
		return PatientKey(r.Tenant, r.Patient), nil
	case *event.ConsentRequested:
		return PatientKey(r.Tenant, r.Patient), nil
	case *event.WithdrawRequested:
		return PatientKey(r.Tenant, r.Patient), nil
	case *event.AccountRequested:
		return AccountKey(r.Account), nil
	case *event.FactorRequested:
		return AccountKey(r.Account), nil
	case *event.CodeRequested:
		return AccountKey(r.Account), nil
	case *event.ResetRequested:
		return AccountKey(r.Account), nil
	case *event.AppointRequested:
		return AccountKey(r.Account), nil
	case *event.PasswordRequested:
		return AccountKey(r.Account), nil
	case *event.LockRequested:
		return AccountKey(r.Account), nil
	case *event.TokenRequested:
		return TokenKey(r.Token), nil
	case *event.TokenWithdrawRequested:
		return TokenKey(r.Token), nil
	case *event.PersonRequested:
		return PatientKey(r.Tenant, r.Patient), nil
	case *event.EraseRequested:
		return PatientKey(r.Tenant, r.Patient), nil
	case *event.EmergencyRequested:
		return EmergencyKey(r.Emergency), CheckID("emergency", r.Emergency)
	case *event.ReviewRequested:
		return EmergencyKey(r.Emergency), CheckID("emergency", r.Emergency)
	case *event.PushRequested:
		return PushKey(r.Push), CheckID("push", r.Push)
	case *event.PushEndRequested:
		return PushKey(r.Push), CheckID("push", r.Push)
	case *event.LinkRequested:
		return AccountKey(r.Account), CheckID("account", r.Account)
	case *event.EffectsHanded:
		return HandingOn, nil
	default:
		return "", fmt.Errorf("%s is no request to the directory", request.Type())
	}
}

// maxID is the longest id in bytes that the directory takes.
const maxID = 128

// kinds are what ids are of, in Chinese.
var kinds = map[string]string{"tenant": "机构", "patient": "患者", "group": "专病组", "clinic": "社区卫生服务中心", "device": "设备", "account": "账号", "token": "令牌", "emergency": "紧急查阅"}

// CheckID tells what is wrong with an id, or nil. Only a patient's may hold a slash: all others are parts of keys and topics.
func CheckID(what, id string) error {
	zh := kinds[what]
	wrong := func(en, chinese string) error {
		return inWords(fmt.Sprintf("%s %q %s", what, id, en), fmt.Sprintf("%s %q %s", zh, id, chinese))
	}
	switch {
	case id == "":
		return inWords(what+" is empty", zh+"为空")
	case len(id) > maxID:
		return inWords(fmt.Sprintf("%s %.20q… is longer than %d bytes", what, id, maxID), fmt.Sprintf("%s %.20q… 超过 %d 字节", zh, id, maxID))
	case !utf8.ValidString(id):
		return wrong("is not UTF-8", "不是 UTF-8 编码")
	case strings.TrimSpace(id) != id:
		return wrong("begins or ends with a space", "首尾有空格")
	case strings.ContainsFunc(id, unicode.IsControl):
		return wrong("has a control character", "含有控制字符")
	case strings.ContainsAny(id, "+#"):
		return wrong("has a + or #, which mean something else in MQTT topics", "含有 + 或 #，与 MQTT 主题冲突")
	case what != "patient" && strings.Contains(id, "/"):
		return wrong("has a slash", "含有斜杠")
	case strings.HasPrefix(id, "$"):
		return wrong("begins with $", "以 $ 开头")
	case id == event.Everyone:
		return wrong("is no name", "不是可用的名称")
	}
	return nil
}

// checkEnrolled is checkTenant for an enrolment: of the tenant that is ours it lets in the watchdog's made-up patients alone.
func checkEnrolled(r *event.EnrolRequested) error {
	if streams.IsWatchedGroup(r.Tenant, r.Group) && len(r.Also) == 0 && streams.IsWatched(streams.PatientKey(r.Tenant, r.Patient)) {
		return nil
	}
	return checkTenant(r.Tenant)
}

// checkTenant is CheckID for a tenant, and keeps the one that is ours.
func checkTenant(id string) error {
	if id == streams.SystemTenant {
		return inWords(fmt.Sprintf("tenant %q belongs to Tocsin itself; choose another name", id), fmt.Sprintf("机构 %q 为系统保留，请改用其他名称", id))
	}
	return CheckID("tenant", id)
}

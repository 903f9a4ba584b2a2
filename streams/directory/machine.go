package directory

import (
	"crypto/sha256"
	"encoding/hex"
	"reflect"

	"tocsin/streams"
	"tocsin/streams/event"
)

// Machine is the registrar: what was asked of the directory comes in, facts or refusals come out. A request that
// concerns several entities goes from one to the next (event.RequestForwarded) within its step, so that a refusal
// leaves nothing behind and a repeat decides nothing.
type Machine struct {
	// Check compiles a pack's text and answers its id and version, or every fault of it.
	Check func(text string) (pack string, version int, err error)
}

var _ streams.Machine[Entity, struct{}] = Machine{}

// Common: nothing in the directory concerns everyone.
func (Machine) Common(f struct{}, _ event.Envelope, _ event.Time) (struct{}, error) { return f, nil }

// Due: the registrar waits for nothing.
func (Machine) Due(struct{}, Entity, event.Time) []event.Event { return nil }

// NextDue: the registrar waits for nothing.
func (Machine) NextDue(struct{}, Entity) event.Time { return event.Never }

// Apply folds a fact into the entity that it is about. Requests change nothing.
func (Machine) Apply(_ struct{}, s Entity, e event.Envelope, _ event.Time) (Entity, error) {
	switch d := e.Data.(type) {
	case *event.TenantCreated:
		s.Tenant = true
	case *event.GroupSet:
		s.Group = d
	case *event.PatientEnrolled:
		s.Patient = s.patientIn(d.Group)
	case *event.PatientGrouped:
		s.Patient = s.patientIn(d.Group)
	case *event.PlanChanged:
		p := Patient{Plan: &d.Plan}
		if s.Patient != nil {
			p.Group = s.Patient.Group
		}
		s.Patient = &p
	case *event.DeviceBound:
		s.Device = &Device{DeviceBound: *d}
	case *event.DeviceRevoked:
		if s.Device != nil {
			s.Device = &Device{DeviceBound: s.Device.DeviceBound, Revoked: true}
		}
	case *event.PackPublished:
		s.Pack = &Pack{d.Version, d.Sum}
	case *event.AccountSet:
		s.Account = d
	case *event.TokenSet:
		s.Token = d
	case *event.EffectsHanded:
		if d.Through.After(s.Handed) {
			s.Handed = d.Through
		}
	}
	return s, nil
}

// patientIn is the patient of s in a group, new or moved.
func (s Entity) patientIn(group string) *Patient {
	p := Patient{Group: group}
	if s.Patient != nil {
		p.Plan = s.Patient.Plan
	}
	return &p
}

// Decide answers what follows from a request for the entity that it has reached.
func (m Machine) Decide(_ struct{}, s Entity, e event.Envelope, now event.Time) ([]event.Event, error) {
	switch d := e.Data.(type) {
	case *event.EnrolRequested:
		return decideEnrol(s, e.ID, d), nil
	case *event.GroupRequested:
		return decideGroup(s, e.ID, d), nil
	case *event.RequestForwarded:
		return decideForwarded(s, d, now), nil
	case *event.PlanRequested:
		return decidePlan(s, e.ID, d), nil
	case *event.RevokeRequested:
		return decideRevoke(s, e.ID, d), nil
	case *event.PackRequested:
		return m.decidePack(s, e.ID, d), nil
	case *event.AccountRequested:
		return decideAccount(s, e.ID, d), nil
	case *event.TokenRequested:
		return decideToken(s, e.ID, d), nil
	}
	return nil, nil
}

func one(e event.Event) []event.Event { return []event.Event{e} }

func decidePlan(s Entity, id string, r *event.PlanRequested) []event.Event {
	if s.Patient == nil || s.Patient.Group == "" {
		return refuse(id, unknownPatient(r.Tenant, r.Patient))
	}
	if why := checkPlan(r.Plan); why != nil {
		return refuse(id, *why)
	}
	if s.Patient.Plan != nil && reflect.DeepEqual(*s.Patient.Plan, r.Plan) {
		return nil
	}
	return one(&event.PlanChanged{Tenant: r.Tenant, Patient: r.Patient, Plan: r.Plan})
}

// checkPlan holds an order to what RULES.md asks: scale 2 is a prescription, named and dated, never a guess.
func checkPlan(p event.Plan) *refusal {
	switch {
	case p.SpO2Scale < 0 || p.SpO2Scale > 2:
		return badPlan("spo2_scale must be 1 or 2", "spo2_scale 只能是 1 或 2")
	case p.SpO2Scale == 2 && (p.OrderedBy == "" || p.OrderedAt == 0):
		return badPlan("SpO2 scale 2 is a prescription: name who ordered it and when (ordered_by, ordered_at)",
			"血氧评分表 2 须有医嘱：请填写开具人和时间（ordered_by、ordered_at）")
	case p.AgeYears < 0 || p.AgeYears > 130:
		return badPlan("age_years must lie between 0 and 130", "age_years 须在 0 到 130 之间")
	}
	for q, t := range p.Targets {
		if t.Low != nil && t.High != nil && *t.Low > *t.High {
			return badPlan("the target of "+q.String()+" has its low above its high", q.String()+" 的目标下限高于上限")
		}
	}
	for q, ms := range p.CadenceMs {
		if ms < 0 {
			return badPlan("the cadence of "+q.String()+" is negative", q.String()+" 的测量间隔为负")
		}
	}
	return nil
}

func decideRevoke(s Entity, id string, r *event.RevokeRequested) []event.Event {
	switch {
	case s.Device == nil:
		return refuse(id, unknownDevice(r.Device))
	case s.Device.Revoked:
		return nil
	}
	return one(&event.DeviceRevoked{Device: r.Device})
}

func (m Machine) decidePack(s Entity, id string, r *event.PackRequested) []event.Event {
	if m.Check == nil {
		return refuse(id, packFault(r.Pack, "this program has no compiler for packs"))
	}
	pack, version, err := m.Check(r.Text)
	switch {
	case err != nil:
		return refuse(id, packFault(r.Pack, err.Error()))
	case pack != r.Pack || version != r.Version:
		return refuse(id, packFault(r.Pack, "its text says that it is another: "+named(pack, version)))
	}
	sum := Sum(r.Text)
	if s.Pack != nil {
		switch {
		case version == s.Pack.Version && sum == s.Pack.Sum:
			return nil
		case version <= s.Pack.Version:
			return refuse(id, packNotNewer(r.Pack, version, s.Pack.Version))
		}
	}
	return one(&event.PackPublished{Pack: pack, Version: version, Sum: sum, Text: r.Text})
}

// Sum is the SHA-256 of a text, in hex: of a pack, or of a token.
func Sum(text string) string {
	b := sha256.Sum256([]byte(text))
	return hex.EncodeToString(b[:])
}

// Roles are the roles that an account or a token can have. A lead sees all patients.
var Roles = []string{"lead", "nurse", "doctor", "pharmacist", "health-manager", "clinic", "administrator", "security", "auditor"}

func knownRole(role string) bool {
	for _, r := range Roles {
		if r == role {
			return true
		}
	}
	return false
}

func decideAccount(s Entity, id string, r *event.AccountRequested) []event.Event {
	if err := CheckID("account", r.Account); err != nil {
		return refuse(id, badName(err))
	}
	if !knownRole(r.Role) {
		return refuse(id, unknownRole(r.Role))
	}
	set := &event.AccountSet{Account: r.Account, Role: r.Role, Password: r.Password, OneTime: r.OneTime}
	if s.Account != nil && *s.Account == *set {
		return nil
	}
	return one(set)
}

func decideToken(s Entity, id string, r *event.TokenRequested) []event.Event {
	if err := CheckID("token", r.Token); err != nil {
		return refuse(id, badName(err))
	}
	if !knownRole(r.Role) {
		return refuse(id, unknownRole(r.Role))
	}
	if !isSum(r.SHA256) {
		return refuse(id, badToken)
	}
	set := &event.TokenSet{Token: r.Token, SHA256: r.SHA256, Role: r.Role}
	if s.Token != nil && *s.Token == *set {
		return nil
	}
	return one(set)
}

// isSum tells whether s is a SHA-256 in lower-case hex.
func isSum(s string) bool {
	if len(s) != 2*sha256.Size {
		return false
	}
	for _, c := range s {
		if (c < '0' || c > '9') && (c < 'a' || c > 'f') {
			return false
		}
	}
	return true
}

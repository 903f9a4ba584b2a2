package directory

import (
	"crypto/sha256"
	"encoding/hex"

	"tocsin/streams"
	"tocsin/streams/event"
)

// Machine is the registrar: what was asked of the directory comes in, facts or refusals come out. A request that
// concerns several entities goes from one to the next (event.RequestForwarded) within its step, so that a refusal
// leaves nothing behind and a repeat decides nothing.
type Machine struct {
	// Check compiles a pack's text and answers what it says of itself, or every fault of it.
	Check func(text string) (Checked, error)
}

// Checked is what a pack's text says of itself: Signatures is how many people must sign the version after it.
type Checked struct {
	Pack       string
	Version    int
	Signatures int
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
		s.Patient = s.patientIn(d.Group, d.Also)
		s.Patient.Consents.Kept = d.ConsentKept
	case *event.PatientGrouped:
		s.Patient = s.patientIn(d.Group, d.Also)
	case *event.PlanChanged:
		p := Patient{}
		if s.Patient != nil {
			p = *s.Patient
		}
		p.Plan = &d.Plan
		s.Patient = &p
	case *event.DeviceBound:
		s.Device = &Device{DeviceBound: *d}
	case *event.DeviceRevoked:
		if s.Device != nil {
			s.Device = &Device{DeviceBound: s.Device.DeviceBound, Revoked: true}
		}
	case *event.PackPublished:
		s.Pack = &Pack{Version: d.Version, Sum: d.Sum, Signatures: d.Signatures}
	case *event.PackProposed:
		s.Pack = s.Pack.proposing(&Proposed{d.Version, d.Sum, d.Signed, d.Needs, d.Draft != nil})
	case *event.PackDeclined:
		s.Pack = s.Pack.proposing(nil)
	case *event.AccountSet:
		s.Account = d
	case *event.FactorSet, *event.CodeUsed, *event.FactorReset:
		s.Factor = s.Factor.after(d)
	case *event.AccountLocked:
		if s.Locked = nil; d.Locked {
			s.Locked = d
		}
	case *event.TokenSet:
		s.Token, s.Withdrawn = d, false
	case *event.TokenWithdrawn:
		s.Token, s.Withdrawn = nil, true
	case *event.EmergencyBegun:
		s.Emergency = &Emergency{EmergencyBegun: *d}
	case *event.EmergencyReviewed:
		if s.Emergency != nil {
			s.Emergency = &Emergency{EmergencyBegun: s.Emergency.EmergencyBegun, Review: d}
		}
	case *event.PolicySet:
		s.Policy = d
	case *event.RotaSet:
		s.Rota = d
	case *event.PersonSet:
		s.Person = personOf(d)
	case *event.PersonErased:
		s.Person = erasedFrom(d)
	case *event.TeamSet:
		s.Team = d
	case *event.ResponsibleSet:
		s.Patient = s.Patient.responsible(d)
	case *event.ClinicSet:
		s.Clinic = d
	case *event.PatientClinicSet:
		s.Patient = s.Patient.belongs(d.Clinic)
	case *event.ConsentGiven:
		s.Patient = s.Patient.consented(func(c event.Consents) event.Consents { return c.Give(d, e.At) })
	case *event.ConsentWithdrawn:
		s.Patient = s.Patient.consented(func(c event.Consents) event.Consents { return c.Withdraw(d, e.At) })
	case *event.PushSet:
		s.Push = &Push{d.Push, d.Account, d.Sealed}
	case *event.PushEnded:
		s.Push = nil
	case *event.AccountLinked:
		s.Account = linked(s.Account, d)
	case *event.SubjectLinked:
		s.Linked = d.Account
	case *event.SubjectFreed:
		s.Linked = ""
	case *event.EffectsHanded:
		if d.Through.After(s.Handed) {
			s.Handed = d.Through
		}
	}
	return s, nil
}

// patientIn is the patient of s in his groups, new or moved.
func (s Entity) patientIn(group string, also []string) *Patient {
	p := Patient{Group: group, Also: also}
	if s.Patient != nil {
		p.Plan, p.Consents, p.Responsible, p.Clinic = s.Patient.Plan, s.Patient.Consents, s.Patient.Responsible, s.Patient.Clinic
	}
	return &p
}

// Decide answers what follows from a request for the entity that it has reached.
func (m Machine) Decide(_ struct{}, s Entity, e event.Envelope, now event.Time) ([]event.Event, error) {
	switch d := e.Data.(type) {
	case *event.EnrolRequested:
		return decideEnrol(s, e.ID, d), nil
	case *event.GroupRequested:
		return decideGroup(s, e.ID, d, now), nil
	case *event.RequestForwarded:
		return decideForwarded(s, d, now), nil
	case *event.PlanRequested:
		return decidePlan(s, e.ID, d, now), nil
	case *event.RevokeRequested:
		return decideRevoke(s, e.ID, d), nil
	case *event.PackRequested:
		return m.decidePack(s, e.ID, d), nil
	case *event.PackSignRequested:
		return m.decideSign(s, e.ID, d), nil
	case *event.PackDeclineRequested:
		return decideDecline(s, e.ID, d), nil
	case *event.PolicyRequested:
		return decidePolicy(s, e.ID, d), nil
	case *event.RotaRequested:
		return decideRota(s, e.ID, d), nil
	case *event.PersonRequested:
		return decidePerson(s, e.ID, d), nil
	case *event.EraseRequested:
		return decideErase(s, e.ID, d), nil
	case *event.TeamRequested:
		return decideTeam(s, e.ID, d), nil
	case *event.ResponsibleRequested:
		return decideResponsible(s, e.ID, d), nil
	case *event.ClinicRequested:
		return decideClinic(s, e.ID, d), nil
	case *event.PatientClinicRequested:
		return decidePatientClinic(s, e.ID, d), nil
	case *event.ConsentRequested:
		return decideConsent(s, e.ID, d, now), nil
	case *event.WithdrawRequested:
		return decideWithdraw(s, e.ID, d, now), nil
	case *event.AccountRequested:
		return decideAccount(s, e.ID, d), nil
	case *event.FactorRequested:
		return decideFactor(s, e.ID, d, now), nil
	case *event.CodeRequested:
		return decideCode(s, e.ID, d, now), nil
	case *event.ResetRequested:
		return decideReset(s, e.ID, d, now), nil
	case *event.AppointRequested:
		return decideAppoint(s, e.ID, d), nil
	case *event.PasswordRequested:
		return decidePassword(s, e.ID, d), nil
	case *event.LockRequested:
		return decideLock(s, e.ID, d, now), nil
	case *event.TokenRequested:
		return decideToken(s, e.ID, d), nil
	case *event.TokenWithdrawRequested:
		return decideTokenWithdraw(s, e.ID, d), nil
	case *event.EmergencyRequested:
		return decideEmergency(s, e.ID, d, now), nil
	case *event.ReviewRequested:
		return decideReview(s, e.ID, d, now), nil
	case *event.PushRequested:
		return decidePush(e.ID, d), nil
	case *event.PushEndRequested:
		return decidePushEnd(s, d), nil
	case *event.LinkRequested:
		return decideLink(s, e.ID, d), nil
	}
	return nil, nil
}

func one(e event.Event) []event.Event { return []event.Event{e} }

func decideRevoke(s Entity, id string, r *event.RevokeRequested) []event.Event {
	switch {
	case s.Device == nil:
		return refuse(id, unknownDevice(r.Device))
	case s.Device.Revoked:
		return nil
	}
	return one(&event.DeviceRevoked{Device: r.Device})
}

// Sum is the SHA-256 of a text, in hex: of a pack, or of a token.
func Sum(text string) string {
	b := sha256.Sum256([]byte(text))
	return hex.EncodeToString(b[:])
}

// Roles are the roles that an account or a token can have. A lead sees all patients; the watchdog's is a program's, which sees
// its made-up patients alone.
var Roles = []string{"lead", "nurse", "doctor", "pharmacist", "health-manager", "clinic", "administrator", "security", "auditor", event.WatchedGroup}

func knownRole(role string) bool {
	for _, r := range Roles {
		if r == role {
			return true
		}
	}
	return false
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

package event

import (
	"encoding/json"
	"fmt"
)

// schema says how one type is written today and how its older versions are lifted.
type schema struct {
	version int
	empty   func() Event
	lifts   map[int]func(json.RawMessage) (json.RawMessage, error) // from version n to n+1
}

// decode lifts value from version to today's and reads it. Fields that it does not know are passed over: a newer
// writer of the same version may have added them.
func (s schema) decode(version int, value []byte) (Event, error) {
	for v := version; v < s.version; v++ {
		lift, ok := s.lifts[v]
		if !ok {
			return nil, fmt.Errorf("no lift from version %d", v)
		}
		lifted, err := lift(value)
		if err != nil {
			return nil, fmt.Errorf("lift from version %d: %w", v, err)
		}
		value = lifted
	}
	e := s.empty()
	if own, ok := e.(json.Unmarshaler); ok { // it checks the JSON itself, and once
		return e, own.UnmarshalJSON(value)
	}
	return e, json.Unmarshal(value, e)
}

// schemas knows every type that can lie in the log. A frozen record of each type and version stands in testdata.
var schemas = map[Type]schema{
	"observation.recorded": v2[ObservationRecorded](),
	"observation.rejected": v1[ObservationRejected](),
	"record.rejected":      v1[RecordRejected](),
	"door.open":            v1[DoorOpened](),

	"severity.scored":    v2[SeverityScored](),
	"signal.fell_silent": v1[SignalFellSilent](),
	"signal.returned":    v1[SignalReturned](),
	"repeat.asked":       v1[RepeatAsked](),
	"rule.fenced":        v1[RuleFenced](),
	"technical.fault":    v1[TechnicalFault](),

	"alert.raised":        v1[AlertRaised](),
	"alert.updated":       v1[AlertUpdated](),
	"alert.worsened":      v1[AlertWorsened](),
	"alert.eased":         v1[AlertEased](),
	"alert.accepted":      v1[AlertAccepted](),
	"alert.escalated":     v1[AlertEscalated](),
	"alert.returned":      v1[AlertReturned](),
	"alert.closed":        v1[AlertClosed](),
	"alert.calling":       v1[AlertCalling](),
	"alert.contacted":     v1[AlertContacted](),
	"alert.offered":       v1[AlertOffered](),
	"alert.handover_due":  v1[AlertHandoverDue](),
	"alert.noted":         v1[AlertNoted](),
	"alert.shelve_asked":  v1[AlertShelveAsked](),
	"alert.shelved":       v1[AlertShelved](),
	"alert.unshelved":     v1[AlertUnshelved](),
	"alert.outcome_asked": v1[AlertOutcomeAsked](),
	"alert.judged":        v1[AlertJudged](),
	"notice.reported":     v1[NoticeReported](),
	"patient.left":        v1[PatientLeft](),
	"patient.resumed":     v1[PatientResumed](),
	"reading.disowned":    v1[ReadingDisowned](),

	"accept.requested":   v1[AcceptRequested](),
	"return.requested":   v1[ReturnRequested](),
	"close.requested":    v1[CloseRequested](),
	"call.requested":     v1[CallRequested](),
	"contact.requested":  v1[ContactRequested](),
	"offer.requested":    v1[OfferRequested](),
	"note.requested":     v1[NoteRequested](),
	"shelve.requested":   v1[ShelveRequested](),
	"unshelve.requested": v1[UnshelveRequested](),
	"outcome.requested":  v1[OutcomeRequested](),
	"warn.requested":     v1[WarnRequested](),
	"leave.requested":    v1[LeaveRequested](),
	"fault.reported":     v1[FaultReported](),
	"disown.requested":   v1[DisownRequested](),
	"resume.requested":   v1[ResumeRequested](),
	"request.refused":    v1[RequestRefused](),

	"enrol.requested":   v2[EnrolRequested](),
	"plan.requested":    v2[PlanRequested](),
	"revoke.requested":  v1[RevokeRequested](),
	"pack.requested":    v2[PackRequested](),
	"group.requested":   v2[GroupRequested](),
	"account.requested": v3[AccountRequested](),
	"token.requested":   v2[TokenRequested](),
	"policy.requested":  v1[PolicyRequested](),
	"policy.set":        v1[PolicySet](),
	"rota.requested":    v1[RotaRequested](),
	"rota.set":          v1[RotaSet](),
	"tenant.created":    v1[TenantCreated](),
	"group.set":         v2[GroupSet](),
	"patient.enrolled":  v2[PatientEnrolled](),
	"patient.grouped":   v2[PatientGrouped](),
	"plan.changed":      v2[PlanChanged](),
	"device.bound":      v1[DeviceBound](),
	"device.revoked":    v1[DeviceRevoked](),
	"pack.published":    v2[PackPublished](),
	"pack.proposed":     v2[PackProposed](),
	"account.set":       v3[AccountSet](),
	"token.set":         v2[TokenSet](),
	"effects.handed":    v1[EffectsHanded](),
	"request.forwarded": v3[RequestForwarded](),

	"pack_sign.requested":    v1[PackSignRequested](),
	"pack_decline.requested": v1[PackDeclineRequested](),
	"pack.declined":          v1[PackDeclined](),

	"appoint.requested":        v1[AppointRequested](),
	"password.requested":       v1[PasswordRequested](),
	"lock.requested":           v1[LockRequested](),
	"account.locked":           v1[AccountLocked](),
	"token_withdraw.requested": v1[TokenWithdrawRequested](),
	"token.withdrawn":          v1[TokenWithdrawn](),

	"person.requested": v1[PersonRequested](),
	"person.set":       v1[PersonSet](),
	"erase.requested":  v1[EraseRequested](),
	"person.erased":    v1[PersonErased](),

	"team.requested":        v1[TeamRequested](),
	"team.set":              v1[TeamSet](),
	"responsible.requested": v1[ResponsibleRequested](),
	"responsible.set":       v1[ResponsibleSet](),

	"clinic.requested":         v1[ClinicRequested](),
	"clinic.set":               v1[ClinicSet](),
	"patient_clinic.requested": v1[PatientClinicRequested](),
	"patient.clinic_set":       v1[PatientClinicSet](),

	"consent.requested":  v1[ConsentRequested](),
	"withdraw.requested": v1[WithdrawRequested](),
	"consent.given":      v1[ConsentGiven](),
	"consent.withdrawn":  v1[ConsentWithdrawn](),
	"factor.requested":   v1[FactorRequested](),
	"factor.set":         v1[FactorSet](),
	"code.requested":     v1[CodeRequested](),
	"code.used":          v1[CodeUsed](),
	"reset.requested":    v1[ResetRequested](),
	"factor.reset":       v1[FactorReset](),

	"owner.open":           v1[OwnerOpened](),
	"owner.step":           v1[StepClosed](),
	"checkpoint.began":     v1[CheckpointBegan](),
	"checkpoint.state":     v1[CheckpointState](),
	"checkpoint.completed": v1[CheckpointCompleted](),
	"history.range":        v1[HistoryRange](),

	"emergency.requested": v1[EmergencyRequested](),
	"emergency.begun":     v1[EmergencyBegun](),
	"review.requested":    v1[ReviewRequested](),
	"emergency.reviewed":  v1[EmergencyReviewed](),

	"push.requested":     v1[PushRequested](),
	"push.set":           v1[PushSet](),
	"push_end.requested": v1[PushEndRequested](),
	"push.ended":         v1[PushEnded](),

	"audit.opened": v1[AuditOpened](),
	"audit.noted":  v1[AuditNoted](),
	"audit.head":   v1[AuditHead](),

	"link.requested": v1[LinkRequested](),
	"account.linked": v1[AccountLinked](),
	"subject.linked": v1[SubjectLinked](),
	"subject.freed":  v1[SubjectFreed](),

	"outbox.moved":    v1[OutboxMoved](),
	"outbox.message":  v2[OutboxMessage](),
	"outbox.skipped":  v1[OutboxSkipped](),
	"outbox.withheld": v1[OutboxWithheld](),
	"outbox.troubled": v1[OutboxTroubled](),
	"skip.requested":  v1[SkipRequested](),
	"fault.ended":     v1[FaultEnded](),
}

// v1 is the schema of a type that has never changed.
func v1[T any, P interface {
	*T
	Event
}]() schema {
	return schema{version: 1, empty: func() Event { return P(new(T)) }}
}

// v2 is the schema of a type whose version 2 has fields that no reader may pass over; a record of version 1 reads as one
// in which they are empty.
func v2[T any, P interface {
	*T
	Event
}]() schema {
	return schema{version: 2, empty: func() Event { return P(new(T)) }, lifts: map[int]func(json.RawMessage) (json.RawMessage, error){1: same}}
}

// v3 is v2 once more: versions 1 and 2 read as ones in which what version 3 added is empty.
func v3[T any, P interface {
	*T
	Event
}]() schema {
	return schema{version: 3, empty: func() Event { return P(new(T)) }, lifts: map[int]func(json.RawMessage) (json.RawMessage, error){1: same, 2: same}}
}

// same lifts what needs no change.
func same(value json.RawMessage) (json.RawMessage, error) { return value, nil }

// Types answers every type that can lie in the log with today's version.
func Types() map[Type]int {
	all := make(map[Type]int, len(schemas))
	for t, s := range schemas {
		all[t] = s.version
	}
	return all
}

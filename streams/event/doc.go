// Package event is the bottom of Tocsin: everything that can have happened, as plain values with units in their names,
// and how it lies in the log (CloudEvents 1.0 in Kafka's binary mode: attributes in headers, JSON in the value).
//
// | topic | key | types |
// | --- | --- | --- |
// | inputs | {tenant}/{patient} | observation.recorded, accept/return/close.requested, effects of the directory, door.open (every partition) |
// | decisions | {tenant}/{patient} | severity.scored, signal.*, repeat.asked, alert.*, request.refused, rule.fenced, technical.fault, owner.open, owner.step |
// | rejected | device | observation.rejected, record.rejected |
// | checkpoints | {tenant}/{patient} | checkpoint.began, checkpoint.state, checkpoint.completed |
// | directory-inputs | kind/id | enrol/plan/revoke/pack/pack_sign/pack_decline/group/account/appoint/password/lock/token/token_withdraw/person/erase/emergency/review/consent/withdraw/push/push_end/link/factor/code/reset/team/responsible/clinic/patient_clinic.requested, effects.handed |
// | directory | kind/id | tenant.created, group.set, patient.enrolled, patient.grouped, plan.changed, device.*, pack.published/proposed/declined, account.set, account.locked, token.set, token.withdrawn, person.set, person.erased, consent.given/withdrawn, team.set, responsible.set, clinic.set, patient.clinic_set, factor.set/reset, code.used, emergency.begun/reviewed, push.set/ended, account.linked, subject.linked/freed, request.forwarded, request.refused |
// | outbox | subscriber/partition | outbox.*, skip.requested, owner.open, owner.step |
// | history-ranges | topic/partition | history.range, owner.open, owner.step |
// | audit | chain | audit.opened, audit.noted, audit.head |
//
// The package imports the standard library alone. Events are never altered after they were made: whoever folds one shares it.
package event

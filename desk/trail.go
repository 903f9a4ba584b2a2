package desk

import "context"

// Trail keeps who looked at whose data and who did what: the audit log is one.
type Trail interface {
	// Note writes an entry and returns once the log has it. What fails was not kept, and says why.
	Note(ctx context.Context, e Entry) error
}

// Entry is one thing that somebody looked at, did, or was refused.
type Entry struct {
	Account string // who; a token as token/name
	Role    string
	Action  string // such as chart.read, vault.read, session.begin, emergency.begin
	Tenant  string // of the patient; empty for what concerns none
	Patient string
	Object  string // what else it is about: a warning, an account, a group
	Purpose string // care, emergency, review, administration
	Refused bool
	Reason  string // of a refusal, or what somebody said it was for; never a name of a patient
	From    string // address
}

// see lets through whoever may see a patient for a purpose, and notes it. Every way to a patient's data goes through here.
func (s *Server) see(ctx context.Context, tenant, patient, action string) error {
	id := identityOf(ctx)
	if s.o.Trail == nil {
		return nil
	}
	return s.o.Trail.Note(ctx, Entry{Account: id.Account, Role: id.Role, Action: action, Tenant: tenant, Patient: patient, Purpose: "care", From: addressOf(ctx)})
}

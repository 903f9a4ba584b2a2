package desk

import (
	"context"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"tocsin/streams/event"
	"tocsin/streams/trail"
)

// mayAudit are those who look after who looks at what. They see no patient; a patient's opaque id stands in the log.
var mayAudit = oneOf(roleAuditor, roleSecurity)

// AuditEntry is one thing that somebody looked at, did, or was refused.
type AuditEntry struct {
	ID      string     `json:"id"`
	At      event.Time `json:"at"`
	Account string     `json:"account" doc:"unknown: of a sign-in with a name that is nobody's"`
	Role    string     `json:"role"`
	Action  string     `json:"action" doc:"chart.read, warning.read, plan.read, board.read, queue.read, desk.watch, vault.read, session.begin …, or the id of an operation of this API"`
	Tenant  string     `json:"tenant"`
	Patient string     `json:"patient" doc:"opaque id; empty for what concerns a group or none"`
	Object  string     `json:"object" doc:"a warning, a group, an account"`
	Purpose string     `json:"purpose"`
	Refused bool       `json:"refused"`
	Reason  string     `json:"reason"`
	From    string     `json:"from" doc:"address"`
}

// AuditPage is a part of the audit log.
type AuditPage struct {
	Entries []AuditEntry `json:"entries" doc:"in the order of the log"`
	Next    int64        `json:"next" doc:"where to go on"`
	More    bool         `json:"more" doc:"ask again with after=next: there may be further entries, also when this page has none"`
}

// auditSpan is how far back is looked when nobody says how far.
const auditSpan = 7 * 24 * time.Hour

func (s *Server) auditOperations(api huma.API) {
	huma.Register(api, op(mayAudit, "GET", "/v1/audit", "readAudit", "audit", "Who looked at what, from the audit log", http.StatusBadGateway, http.StatusServiceUnavailable),
		func(ctx context.Context, in *struct {
			From    time.Time `query:"from" doc:"seven days before now, when left out"`
			To      time.Time `query:"to" doc:"not with it; until now, when left out"`
			Account string    `query:"account" maxLength:"128"`
			Tenant  string    `query:"tenant" maxLength:"128"`
			Patient string    `query:"patient" maxLength:"128" doc:"with tenant"`
			After   int64     `query:"after" minimum:"0" doc:"next of the page before"`
		}) (*body[AuditPage], error) {
			q := trail.Query{Account: in.Account, Tenant: in.Tenant, Patient: in.Patient, After: in.After, From: event.TimeOf(in.From)}
			if in.From.IsZero() {
				q.From = event.TimeOf(s.o.Now().Add(-auditSpan))
			}
			if !in.To.IsZero() {
				q.To = event.TimeOf(in.To)
			}
			return answer(s.readAudit(ctx, q))
		})
}

func (s *Server) readAudit(ctx context.Context, q trail.Query) (AuditPage, error) {
	err := s.note(ctx, Entry{Action: "audit.read", Tenant: q.Tenant, Patient: q.Patient, Object: q.Account, Purpose: purposeReview})
	if err != nil {
		return AuditPage{}, err
	}
	page, err := trail.Read(ctx, s.o.Log, q)
	if err != nil {
		return AuditPage{}, refuse(http.StatusBadGateway, "log", "审计日志暂时无法读取", "the audit log cannot be read now: "+err.Error())
	}
	out := AuditPage{Entries: []AuditEntry{}, Next: page.Next, More: page.More}
	for _, e := range page.Entries {
		out.Entries = append(out.Entries, AuditEntry{ID: e.ID, At: e.At, Account: e.Account, Role: e.Role, Action: e.Action, Tenant: e.Tenant, Patient: e.Patient,
			Object: e.Object, Purpose: e.Purpose, Refused: e.Refused, Reason: e.Reason, From: e.From})
	}
	return out, nil
}

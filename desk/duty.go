package desk

import (
	"cmp"
	"context"
	"fmt"
	"net/http"
	"slices"
	"time"
	_ "time/tzdata" // rotas go by zones, also where the host knows none

	"github.com/danielgtaylor/huma/v2"

	"tocsin/alerts"
	"tocsin/alerts/rota"
	"tocsin/streams/directory"
	"tocsin/streams/event"
)

// Who is on duty, now and in the next 14 days, and whom a warning asks, in which order (FEATURES ALR-10).

// Duty is every rota and every policy.
type Duty struct {
	Rotas    []RotaPage   `json:"rotas" doc:"by tenant, group and step"`
	Policies []PolicyPage `json:"policies" doc:"by tenant, group and severity, gravest first; of each tenant also those that hold where none was set"`
	Accounts []Colleague  `json:"accounts" doc:"who can be put on duty"`
	MaySet   bool         `json:"may_set" doc:"whoever asks may change them"`
}

// RotaPage is a rota with what follows from it.
type RotaPage struct {
	Version string `json:"version" doc:"send it with If-Match when this rota is changed"`
	RotaBody
	OnDuty    []string       `json:"on_duty" doc:"the accounts on duty now; empty: nobody"`
	Next      *event.OnDuty  `json:"next,omitempty" doc:"who comes with the next hand-over"`
	Spans     []event.OnDuty `json:"spans" doc:"who is on duty from now on, 14 days"`
	Gaps      []event.Gap    `json:"gaps" doc:"when nobody is, within 14 days"`
	Strangers []string       `json:"strangers" doc:"who is on duty and has no account here, or one that is locked"`
}

// RotaBody is a rota as it is set: it replaces that of its step.
type RotaBody struct {
	Tenant   string            `json:"tenant" minLength:"1" maxLength:"128"`
	Group    string            `json:"group,omitempty" maxLength:"128" doc:"absent: the whole tenant"`
	Step     string            `json:"step" minLength:"1" maxLength:"64" doc:"of the policies: nurse, doctor-1 …"`
	Zone     string            `json:"zone" maxLength:"64" doc:"IANA, such as Asia/Shanghai"`
	Shifts   []event.RotaShift `json:"shifts" maxItems:"200"`
	Holidays []string          `json:"holidays,omitempty" maxItems:"400" doc:"YYYY-MM-DD in the zone"`
	Swaps    []event.RotaSwap  `json:"swaps,omitempty" maxItems:"400"`
}

// PolicyPage is a policy with its version.
type PolicyPage struct {
	Version string `json:"version" doc:"send it with If-Match when this policy is changed; none: nobody has set one, and the usual holds"`
	PolicyBody
}

// PolicyBody is a policy as it is set.
type PolicyBody struct {
	Tenant    string             `json:"tenant" minLength:"1" maxLength:"128"`
	Group     string             `json:"group,omitempty" maxLength:"128" doc:"absent: the whole tenant"`
	Severity  event.Severity     `json:"severity"`
	Steps     []event.PolicyStep `json:"steps" maxItems:"100"`
	CareMs    int64              `json:"care_ms" doc:"accepted: until somebody is reached"`
	CloseMs   int64              `json:"close_ms" doc:"reached: until it is closed"`
	RetryMs   int64              `json:"retry_ms" doc:"not reached: until it is tried again"`
	EaseMs    int64              `json:"ease_ms" doc:"nothing found for so long: it has eased"`
	ShelveMs  int64              `json:"shelve_ms" doc:"the longest shelving; 0: half an hour"`
	ShelveTwo bool               `json:"shelve_two,omitempty" doc:"a shelving takes two persons"`
}

func (b PolicyBody) policy() event.Policy {
	return event.Policy{Steps: b.Steps, CareMs: b.CareMs, CloseMs: b.CloseMs, RetryMs: b.RetryMs, EaseMs: b.EaseMs, ShelveMs: b.ShelveMs, ShelveTwo: b.ShelveTwo}
}

// FillRota works a rota out from the beginning of the day of now (UTC), so that whoever does it that day comes to the same, and
// answers what is wrong with it.
func FillRota(r *event.Rota, now event.Time) []rota.Fault {
	zone, err := time.LoadLocation(r.Zone)
	if err != nil || r.Zone == "" || r.Zone == "Local" {
		return []rota.Fault{{Where: "zone", Zh: fmt.Sprintf("时区 %q 无效，应如 Asia/Shanghai", r.Zone), En: fmt.Sprintf("zone %q is none such as Asia/Shanghai", r.Zone)}}
	}
	const day = 24 * time.Hour
	return rota.Fill(r, zone, event.TimeOf(now.Std().Truncate(day)))
}

func (s *Server) duty(ctx context.Context) Duty {
	now, scope := event.TimeOf(s.o.Now()), identityOf(ctx).Scope
	d := Duty{Rotas: []RotaPage{}, Policies: []PolicyPage{}, Accounts: s.colleagues(), MaySet: mayDuty(identityOf(ctx).Role)}
	for _, set := range s.o.Directory.Rotas() {
		if !touches(scope, set.Tenant) {
			continue
		}
		d.Rotas = append(d.Rotas, s.rotaPage(set, now))
	}
	for _, p := range s.o.Directory.Policies() {
		if !touches(scope, p.Tenant) {
			continue
		}
		d.Policies = append(d.Policies, policyPage(p, directory.PolicyVersion(&p)))
	}
	for _, tenant := range s.tenants() {
		if !touches(scope, tenant) {
			continue
		}
		for _, severity := range []event.Severity{event.High, event.Medium, event.Low, event.Technical} {
			set := slices.ContainsFunc(d.Policies, func(p PolicyPage) bool {
				return p.Tenant == tenant && p.Group == "" && p.Severity == severity
			})
			if !set {
				d.Policies = append(d.Policies, policyPage(event.PolicySet{Tenant: tenant, Severity: severity, Policy: alerts.Usual(severity)}, directory.NoVersion))
			}
		}
	}
	slices.SortFunc(d.Policies, func(a, b PolicyPage) int {
		return cmp.Or(cmp.Compare(a.Tenant, b.Tenant), cmp.Compare(a.Group, b.Group), severityRank(b.Severity)-severityRank(a.Severity))
	})
	return d
}

// tenants answers those that have groups.
func (s *Server) tenants() (names []string) {
	for _, g := range s.o.Directory.Groups() {
		names = append(names, g.Tenant)
	}
	slices.Sort(names)
	return slices.Compact(names)
}

func (s *Server) rotaPage(set event.RotaSet, now event.Time) RotaPage {
	end := now.Add(rota.LookAheadDays * 24 * time.Hour)
	p := RotaPage{Version: directory.RotaVersion(&set), RotaBody: RotaBody{Tenant: set.Tenant, Group: set.Group, Step: set.Step, Zone: set.Zone, Shifts: some(set.Shifts), Holidays: set.Holidays, Swaps: set.Swaps},
		OnDuty: []string{}, Spans: []event.OnDuty{}, Gaps: some(rota.Gaps(set.Spans, now, end)), Strangers: []string{}}
	for _, span := range set.Spans {
		if span.Until <= now || span.From >= end {
			continue
		}
		switch {
		case span.From <= now:
			p.OnDuty = span.Accounts
		case p.Next == nil:
			p.Next = &span
		}
		p.Spans = append(p.Spans, span)
		for _, a := range span.Accounts {
			_, known := s.o.Directory.Account(a)
			if _, locked := s.o.Directory.Locked(a); (!known || locked) && !slices.Contains(p.Strangers, a) {
				p.Strangers = append(p.Strangers, a)
			}
		}
	}
	return p
}

func policyPage(set event.PolicySet, version string) PolicyPage {
	p := set.Policy
	return PolicyPage{version, PolicyBody{Tenant: set.Tenant, Group: set.Group, Severity: set.Severity, Steps: some(p.Steps), CareMs: p.CareMs, CloseMs: p.CloseMs,
		RetryMs: p.RetryMs, EaseMs: p.EaseMs, ShelveMs: p.ShelveMs, ShelveTwo: p.ShelveTwo}}
}

// setRota answers the rota as it stands then. What is wrong stands at its field.
func (s *Server) setRota(ctx context.Context, was string, b RotaBody) (RotaPage, error) {
	if !leads(identityOf(ctx).Scope, b.Tenant) {
		return RotaPage{}, notYours()
	}
	now := event.TimeOf(s.o.Now())
	r := event.Rota{Tenant: b.Tenant, Group: b.Group, Step: b.Step, Zone: b.Zone, Shifts: b.Shifts, Holidays: b.Holidays, Swaps: b.Swaps}
	if faults := FillRota(&r, now); len(faults) > 0 {
		p := refuse(http.StatusUnprocessableEntity, "bad_rota", "值班表有误", "the rota is not right")
		for _, f := range faults {
			p.Errors = append(p.Errors, ProblemField{Where: f.Where, Message: f.En, Zh: f.Zh, En: f.En})
		}
		return RotaPage{}, p
	}
	if err := s.tell(ctx, &event.RotaRequested{Rota: r, By: identityOf(ctx).Account, Was: was}); err != nil {
		return RotaPage{}, err
	}
	return s.rotaPage(event.RotaSet{Rota: r}, now), nil
}

// setPolicy answers the policy as it stands then.
func (s *Server) setPolicy(ctx context.Context, was string, b PolicyBody) (PolicyPage, error) {
	if !leads(identityOf(ctx).Scope, b.Tenant) {
		return PolicyPage{}, notYours()
	}
	if faults := directory.PolicyFaults(b.Severity, b.policy()); len(faults) > 0 {
		p := refuse(http.StatusUnprocessableEntity, "bad_policy", "策略有误", "the policy is not right")
		for _, f := range faults {
			p.Errors = append(p.Errors, ProblemField{Where: f.Where, Message: f.En, Zh: f.Zh, En: f.En})
		}
		return PolicyPage{}, p
	}
	if err := s.tell(ctx, &event.PolicyRequested{Tenant: b.Tenant, Group: b.Group, Severity: b.Severity, Policy: b.policy(), By: identityOf(ctx).Account, Was: was}); err != nil {
		return PolicyPage{}, err
	}
	for _, p := range s.o.Directory.Policies() {
		if p.Tenant == b.Tenant && p.Group == b.Group && p.Severity == b.Severity {
			return policyPage(p, directory.PolicyVersion(&p)), nil
		}
	}
	return PolicyPage{}, refuse(http.StatusServiceUnavailable, "not_written", "操作未能写入，请重试", "the directory does not have it; try again")
}

func (s *Server) dutyOperations(api huma.API) {
	answers := []int{http.StatusConflict, http.StatusUnprocessableEntity, http.StatusServiceUnavailable, http.StatusGatewayTimeout}
	huma.Register(api, op(anybody, "GET", "/v1/duty", "getDuty", "admin", "Who is on duty now and in the next 14 days, and whom a warning asks, in which order"),
		func(ctx context.Context, _ *struct{}) (*body[Duty], error) { return &body[Duty]{s.duty(ctx)}, nil })
	huma.Register(api, op(mayDuty, "PUT", "/v1/duty/rota", "setRota", "admin", "Put a rota into effect", answers...),
		func(ctx context.Context, in *struct {
			IfMatch string `header:"If-Match" required:"true" minLength:"1" maxLength:"64" pattern:"^[!-~]([ -~]*[!-~])?$" doc:"the version that was looked at; none for a rota that nobody has set: what somebody else has changed meanwhile is not replaced unseen (409 changed)"`
			Body    RotaBody
		}) (*body[RotaPage], error) {
			return answer(s.setRota(ctx, in.IfMatch, in.Body))
		})
	huma.Register(api, op(mayDuty, "PUT", "/v1/duty/policy", "setPolicy", "admin", "Put a policy into effect; warnings that are open keep theirs", answers...),
		func(ctx context.Context, in *struct {
			IfMatch string `header:"If-Match" required:"true" minLength:"1" maxLength:"64" pattern:"^[!-~]([ -~]*[!-~])?$" doc:"the version that was looked at; none for a policy that nobody has set"`
			Body    PolicyBody
		}) (*body[PolicyPage], error) {
			return answer(s.setPolicy(ctx, in.IfMatch, in.Body))
		})
}

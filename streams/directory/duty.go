package directory

import (
	"fmt"
	"reflect"

	"tocsin/streams/event"
)

// Who is asked, in which order, and who that is: policies and rotas.

// The least and the most that a policy may give somebody to answer, in milliseconds: below it nobody can, above it nobody need.
const (
	leastAnswerMs = 10_000
	mostAnswerMs  = 7 * 24 * 3_600_000
	mostSteps     = 16
)

func decidePolicy(s Entity, id string, r *event.PolicyRequested) []event.Event {
	if why := checkDuty(r.Tenant, r.Group); why != nil {
		return refuse(id, *why)
	}
	if why := checkPolicy(r.Severity, r.Policy); why != nil {
		return refuse(id, *why)
	}
	set := &event.PolicySet{Tenant: r.Tenant, Group: r.Group, Severity: r.Severity, Policy: r.Policy}
	set.Policy.ID, set.Policy.Version = r.Severity.String(), 1
	if r.Group != "" {
		set.Policy.ID = r.Group + "/" + set.Policy.ID
	}
	if s.Policy != nil {
		set.Policy.Version = s.Policy.Policy.Version
		if reflect.DeepEqual(s.Policy, set) {
			return nil
		}
		set.Policy.Version++
	}
	return one(set)
}

// checkPolicy: a step may name nobody, for then it is passed over at once, but one must name somebody, and every time is one in
// which a person can answer.
func checkPolicy(severity event.Severity, p event.Policy) *refusal {
	if severity == event.NoSeverity || severity > event.Technical {
		return badPolicy("a policy is for high, medium, low or technical", "策略须指定优先级：高、中、低或技术")
	}
	if len(p.Steps) > mostSteps {
		return badPolicy(fmt.Sprintf("%d steps; want at most %d", len(p.Steps), mostSteps), fmt.Sprintf("共 %d 级，最多 %d 级", len(p.Steps), mostSteps))
	}
	named := false
	for i, step := range p.Steps {
		named = named || step.To != ""
		if err := CheckID("step", step.To); step.To != "" && err != nil {
			return badPolicy(err.Error(), err.Error())
		}
		if step.AnswerMs < leastAnswerMs || step.AnswerMs > mostAnswerMs {
			return badPolicy(fmt.Sprintf("step %d (%s) gives %d ms to answer; want %d to %d", i+1, step.To, step.AnswerMs, leastAnswerMs, mostAnswerMs),
				fmt.Sprintf("第 %d 级（%s）的应答时限 %d 毫秒超出范围", i+1, step.To, step.AnswerMs))
		}
	}
	if !named {
		return badPolicy("no step names anybody", "没有任何一级指定人员")
	}
	for what, ms := range map[string]int64{"care_ms": p.CareMs, "ease_ms": p.EaseMs, "close_ms": p.CloseMs, "retry_ms": p.RetryMs} {
		if ms < leastAnswerMs || ms > mostAnswerMs {
			return badPolicy(fmt.Sprintf("%s is %d; want %d to %d", what, ms, leastAnswerMs, mostAnswerMs), fmt.Sprintf("%s 为 %d，超出范围", what, ms))
		}
	}
	if p.ShelveMs < 0 || p.ShelveMs > mostAnswerMs {
		return badPolicy(fmt.Sprintf("shelve_ms is %d; want 0 (half an hour) to %d", p.ShelveMs, mostAnswerMs), fmt.Sprintf("shelve_ms 为 %d，超出范围", p.ShelveMs))
	}
	return nil
}

func badPolicy(en, zh string) *refusal { return &refusal{"bad_policy", zh, en} }

func checkDuty(tenant, group string) *refusal {
	if err := checkTenant(tenant); err != nil {
		why := badName(err)
		return &why
	}
	if group == "" {
		return nil
	}
	if err := CheckID("group", group); err != nil {
		why := badName(err)
		return &why
	}
	return nil
}

// decideRota takes the spans as they were worked out, when they are in order.
func decideRota(s Entity, id string, r *event.RotaRequested) []event.Event {
	if why := checkDuty(r.Tenant, r.Group); why != nil {
		return refuse(id, *why)
	}
	if err := CheckID("step", r.Step); err != nil {
		return refuse(id, badName(err))
	}
	if len(r.Spans) == 0 {
		return refuse(id, refusal{"bad_rota", "值班表没有任何班次", "the rota puts nobody on duty"})
	}
	from := r.Spans[0].From
	for _, span := range r.Spans {
		if span.From < from || span.Until <= span.From || span.Until > r.Until || len(span.Accounts) == 0 {
			return refuse(id, refusal{"bad_rota", "值班时段次序有误", "the spans of the rota are not in order, or one is nobody's"})
		}
		for _, account := range span.Accounts {
			if err := CheckID("account", account); err != nil {
				return refuse(id, badName(err))
			}
		}
		from = span.Until
	}
	set := &event.RotaSet{Rota: r.Rota}
	if s.Rota != nil && reflect.DeepEqual(s.Rota, set) {
		return nil
	}
	return one(set)
}

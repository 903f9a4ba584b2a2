package directory

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"reflect"
	"strconv"

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
	if r.Was != "" && r.Was != PolicyVersion(s.Policy) {
		return refuse(id, overtaken)
	}
	return one(set)
}

// overtaken: somebody else has changed it since whoever asks looked at it.
var overtaken = refusal{"changed", "已被他人更改，请查看后重新提交", "somebody has changed it meanwhile: look at what stands now, and send yours again"}

// NoVersion is that of a rota or policy that nobody has set.
const NoVersion = "none"

// PolicyVersion answers by which version a policy is known to whoever changes it.
func PolicyVersion(set *event.PolicySet) string {
	if set == nil {
		return NoVersion
	}
	return strconv.Itoa(set.Policy.Version)
}

// RotaVersion answers by which version a rota is known to whoever changes it: what people have set, not what was worked out of it.
func RotaVersion(set *event.RotaSet) string {
	if set == nil {
		return NoVersion
	}
	r := set.Rota
	r.Spans, r.Gaps, r.Until = nil, nil, 0
	b, _ := json.Marshal(r) // numbers and strings
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:8])
}

// Fault is what is wrong with one field of what somebody wants to set.
type Fault struct {
	Where  string // such as steps[1].answer_ms
	Zh, En string
}

// checkPolicy refuses a policy for the first of its faults.
func checkPolicy(severity event.Severity, p event.Policy) *refusal {
	if faults := PolicyFaults(severity, p); len(faults) > 0 {
		return &refusal{"bad_policy", faults[0].Zh, faults[0].En}
	}
	return nil
}

// PolicyFaults answers what is wrong with a policy, all of it: a step may name nobody, for then it is passed over at once, but one
// must name somebody, and every time is one in which a person can answer.
func PolicyFaults(severity event.Severity, p event.Policy) (faults []Fault) {
	bad := func(where, en, zh string) { faults = append(faults, Fault{where, zh, en}) }
	if severity == event.NoSeverity || severity > event.Technical {
		bad("severity", "a policy is for high, medium, low or technical", "策略须指定优先级：高、中、低或技术")
	}
	if len(p.Steps) > mostSteps {
		bad("steps", fmt.Sprintf("%d steps; want at most %d", len(p.Steps), mostSteps), fmt.Sprintf("共 %d 级，最多 %d 级", len(p.Steps), mostSteps))
	}
	named := false
	for i, step := range p.Steps {
		named = named || step.To != ""
		if err := CheckID("step", step.To); step.To != "" && err != nil {
			bad(fmt.Sprintf("steps[%d].to", i), err.Error(), fmt.Sprintf("第 %d 级的名称有误：%s", i+1, step.To))
		}
		if step.AnswerMs < leastAnswerMs || step.AnswerMs > mostAnswerMs {
			bad(fmt.Sprintf("steps[%d].answer_ms", i), fmt.Sprintf("step %d (%s) gives %d ms to answer; want %d to %d", i+1, step.To, step.AnswerMs, leastAnswerMs, mostAnswerMs),
				fmt.Sprintf("第 %d 级（%s）的应答时限 %d 毫秒超出范围", i+1, step.To, step.AnswerMs))
		}
	}
	if !named {
		bad("steps", "no step names anybody", "没有任何一级指定人员")
	}
	for _, x := range []struct {
		what string
		ms   int64
	}{{"care_ms", p.CareMs}, {"ease_ms", p.EaseMs}, {"close_ms", p.CloseMs}, {"retry_ms", p.RetryMs}} {
		if x.ms < leastAnswerMs || x.ms > mostAnswerMs {
			bad(x.what, fmt.Sprintf("%s is %d; want %d to %d", x.what, x.ms, leastAnswerMs, mostAnswerMs), fmt.Sprintf("%s 为 %d 毫秒，超出范围", x.what, x.ms))
		}
	}
	if p.ShelveMs < 0 || p.ShelveMs > mostAnswerMs {
		bad("shelve_ms", fmt.Sprintf("shelve_ms is %d; want 0 (half an hour) to %d", p.ShelveMs, mostAnswerMs), fmt.Sprintf("shelve_ms 为 %d 毫秒，超出范围", p.ShelveMs))
	}
	return faults
}

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
	if r.Was != "" && r.Was != RotaVersion(s.Rota) {
		return refuse(id, overtaken)
	}
	return one(set)
}

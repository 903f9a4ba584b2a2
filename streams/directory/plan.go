package directory

import (
	"fmt"
	"reflect"
	"slices"
	"strings"
	"unicode/utf8"

	"tocsin/streams/event"
)

// Bounds of what one plan or group can hold.
const (
	maxOverrides = 64
	maxFacts     = 64
	maxWhy       = 500 // bytes
	maxPauses    = 32

	dayMin         = 24 * 60
	leastCadenceMs = 1000
	// MostCadenceMs is the longest time in milliseconds between two readings that anybody can order: a year.
	MostCadenceMs = 366 * dayMin * 60_000
)

func decidePlan(s Entity, id string, r *event.PlanRequested, now event.Time) []event.Event {
	if s.Patient == nil || s.Patient.Group == "" {
		return refuse(id, unknownPatient(r.Tenant, r.Patient))
	}
	why := checkPlan(r.Plan)
	if why == nil {
		why = checkOverrides(r.Plan.Overrides, r.By)
	}
	if why != nil {
		return refuse(id, *why)
	}
	var before []event.Override
	if s.Patient.Plan != nil {
		before = s.Patient.Plan.Overrides
	}
	plan := r.Plan
	if plan.Overrides, why = sign(r.Plan.Overrides, before, r.By, now); why != nil {
		return refuse(id, *why)
	}
	if s.Patient.Plan != nil && reflect.DeepEqual(*s.Patient.Plan, plan) {
		return nil
	}
	return one(&event.PlanChanged{Tenant: r.Tenant, Patient: r.Patient, Plan: plan})
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
	case p.AgeMonths < 0 || p.AgeMonths > 130*12+11:
		return badPlan("age_months must lie between 0 and 1571", "age_months 须在 0 到 1571 之间")
	case p.AgeYears > 0 && p.AgeMonths > 0 && p.AgeYears != p.AgeMonths/12:
		return badPlan(fmt.Sprintf("age_months %d is %d years, and age_years says %d", p.AgeMonths, p.AgeMonths/12, p.AgeYears),
			fmt.Sprintf("age_months %d 为 %d 岁，而 age_years 为 %d", p.AgeMonths, p.AgeMonths/12, p.AgeYears))
	}
	for _, q := range quantities(p.Targets) {
		if t := p.Targets[q]; t.Low != nil && t.High != nil && *t.Low > *t.High {
			return badPlan("the target of "+q.String()+" has its low above its high", q.String()+" 的目标下限高于上限")
		}
	}
	if why := checkCadence(p.CadenceMs); why != nil {
		return why
	}
	for _, q := range quantities(p.Chosen) {
		if err := CheckID("pack", p.Chosen[q]); err != nil {
			return badPlan("chosen for "+q.String()+": "+err.Error(), q.String()+" 选用的规则包："+err.Error())
		}
	}
	if why := checkPauses(p.Pauses); why != nil {
		return why
	}
	return checkFacts(p.Facts)
}

// checkCadence holds how often signals are expected to what a fold can add to a moment, and a person can mean.
func checkCadence(all map[event.Quantity]int64) *refusal {
	for _, q := range quantities(all) {
		if ms := all[q]; ms != 0 && (ms < leastCadenceMs || ms > MostCadenceMs) {
			return badPlan(fmt.Sprintf("the cadence of %s is %d ms; want 0 (not expected), or %d to %d", q, ms, leastCadenceMs, MostCadenceMs),
				fmt.Sprintf("%s 的测量间隔 %d 毫秒不可用：须为 0（不要求），或 %d 至 %d", q, ms, leastCadenceMs, MostCadenceMs))
		}
	}
	return nil
}

// checkPauses holds planned windows to days and minutes that there are.
func checkPauses(all []event.Pause) *refusal {
	if len(all) > maxPauses {
		return badPlan(fmt.Sprintf("%d planned windows; want at most %d", len(all), maxPauses), fmt.Sprintf("计划时段 %d 个，最多 %d 个", len(all), maxPauses))
	}
	for i, p := range all {
		daily := len(p.Days) > 0
		switch {
		case p.Until <= p.From:
			return badPlan(fmt.Sprintf("planned window %d ends before it begins", i+1), fmt.Sprintf("第 %d 个计划时段的结束不晚于开始", i+1))
		case len(p.Days) > 7 || slices.ContainsFunc(p.Days, func(d int) bool { return d < 1 || d > 7 }):
			return badPlan(fmt.Sprintf("planned window %d: days are 1 (Monday) to 7", i+1), fmt.Sprintf("第 %d 个计划时段：日期须为 1（周一）至 7", i+1))
		case daily && (p.StartMin < 0 || p.StartMin >= dayMin || p.LengthMin < 1 || p.LengthMin > dayMin), !daily && (p.StartMin != 0 || p.LengthMin != 0):
			return badPlan(fmt.Sprintf("planned window %d: with days, start_min lies between 0 and 1439 and length_min between 1 and 1440; without them there is neither", i+1),
				fmt.Sprintf("第 %d 个计划时段：指定日期时 start_min 须为 0 至 1439、length_min 须为 1 至 1440；否则不填", i+1))
		case p.ZoneMin < -14*60 || p.ZoneMin > 14*60:
			return badPlan(fmt.Sprintf("planned window %d: zone_offset_min lies between -840 and 840", i+1), fmt.Sprintf("第 %d 个计划时段：zone_offset_min 须为 -840 至 840", i+1))
		case len(p.Why) > maxWhy || !utf8.ValidString(p.Why):
			return badPlan(fmt.Sprintf("planned window %d: why must be text of at most %d bytes", i+1, maxWhy), fmt.Sprintf("第 %d 个计划时段的理由最多 %d 字节", i+1, maxWhy))
		}
	}
	return nil
}

// checkFacts holds the names of facts to what a pack can name. What has its own place in a plan, and what is measured,
// is no fact: two places for one number would contradict each other.
func checkFacts(facts map[string]event.Decimal) *refusal {
	if len(facts) > maxFacts {
		return badPlan(fmt.Sprintf("%d facts; want at most %d", len(facts), maxFacts), fmt.Sprintf("事实 %d 项，最多 %d 项", len(facts), maxFacts))
	}
	names := make([]string, 0, len(facts))
	for name := range facts {
		names = append(names, name)
	}
	slices.Sort(names) // so that the same plan is always refused in the same words
	for _, name := range names {
		switch _, measured := event.ParseQuantity(name); {
		case !event.IsCode(name):
			return badPlan(fmt.Sprintf("fact %.60q: want a small letter and then at most 47 small letters, digits and underscores", name), fmt.Sprintf("事实名 %.60q 不可用：须以小写字母开头，由小写字母、数字和下划线组成，最多 48 个字符", name))
		case name == "age_years" || name == "age_months" || name == "pregnant":
			return badPlan("fact "+name+" has its own place in the plan: set "+name+" there", name+" 在方案中有专门字段，请填写该字段")
		case measured == nil:
			return badPlan("fact "+name+" is measured and no fact: give it another name, such as usual_"+name, name+" 是测量值，不是事实；请改用其他名称，如 usual_"+name)
		}
	}
	return nil
}

// quantities answers the keys of a map in their order, so that of several faults always the same is told.
func quantities[V any](m map[event.Quantity]V) []event.Quantity {
	qs := make([]event.Quantity, 0, len(m))
	for q := range m {
		qs = append(qs, q)
	}
	slices.Sort(qs)
	return qs
}

// checkOverrides holds changes of rules to their form. Whether a pack has such a rule and such a number is not asked: the
// next version of the pack may have it, and the rules say which overrides they could not follow.
func checkOverrides(os []event.Override, by string) *refusal {
	if len(os) == 0 {
		return nil
	}
	switch {
	case by == "":
		return badPlan("a rule is changed by somebody: name who asks", "修改规则须注明由谁提出")
	case len(os) > maxOverrides:
		return badPlan(fmt.Sprintf("%d overrides; want at most %d", len(os), maxOverrides), fmt.Sprintf("规则修改 %d 项，最多 %d 项", len(os), maxOverrides))
	}
	for i, o := range os {
		if why := checkOverride(o); why != nil {
			return why
		}
		if slices.ContainsFunc(os[:i], func(b event.Override) bool { return b.Rule == o.Rule && b.Param == o.Param }) {
			return badPlan("rule "+o.Rule+", "+told(o)+", is changed twice", "规则 "+o.Rule+" 的同一项被修改了两次")
		}
	}
	return nil
}

func checkOverride(o event.Override) *refusal {
	switch {
	case !isRule(o.Rule):
		return badPlan(fmt.Sprintf("rule %.60q is no id of a rule: want such as spo2-88, or copd/spo2-88 where several packs have one", o.Rule),
			fmt.Sprintf("规则名 %.60q 不可用：应如 spo2-88；多个规则包都有该规则时如 copd/spo2-88", o.Rule))
	case o.Off && (o.Param != "" || o.Value != nil):
		return badPlan("rule "+o.Rule+" is switched off and given a number; want one of them", "规则 "+o.Rule+" 既被关闭又被赋值，只能二选一")
	case !o.Off && (o.Param == "" || o.Value == nil):
		return badPlan("rule "+o.Rule+" is not changed: want off, or param and value", "规则 "+o.Rule+" 未作修改：须关闭，或给出 param 和 value")
	case !o.Off && !event.IsCode(o.Param):
		return badPlan(fmt.Sprintf("rule %s: param %.60q is no name of a number", o.Rule, o.Param), fmt.Sprintf("规则 %s 的参数名 %.60q 不可用", o.Rule, o.Param))
	case len(o.Why) > maxWhy || !utf8.ValidString(o.Why):
		return badPlan(fmt.Sprintf("rule %s: why must be text of at most %d bytes", o.Rule, maxWhy), fmt.Sprintf("规则 %s 的理由最多 %d 字节", o.Rule, maxWhy))
	}
	return nil
}

// isRule tells whether s can be a rule's id, with its pack before it or not.
func isRule(s string) bool {
	pack, rule, both := strings.Cut(s, "/")
	if !both {
		pack, rule = "-", s
	}
	const letters = "abcdefghijklmnopqrstuvwxyz0123456789-_"
	return len(s) <= maxID && pack != "" && rule != "" && strings.Trim(pack, letters) == "" && strings.Trim(rule, letters) == ""
}

func told(o event.Override) string {
	if o.Off {
		return "off"
	}
	return o.Param
}

// sign says of each override who set it and when: whoever asks, now. One that stood there before, just so, keeps what it
// has: a plan that is sent whole again does not make its sender the author of all of it. What the request itself says in
// by and at is never believed.
func sign(os, before []event.Override, by string, now event.Time) ([]event.Override, *refusal) {
	if len(os) == 0 {
		return nil, nil
	}
	signed := make([]event.Override, len(os))
	for i, o := range os {
		o.By, o.At = by, now
		if j := slices.IndexFunc(before, func(b event.Override) bool { return sameOverride(b, o) }); j >= 0 {
			o.By, o.At = before[j].By, before[j].At
		}
		if o.Until != nil && *o.Until <= o.At {
			return nil, badPlan(fmt.Sprintf("rule %s is changed until %s, which has passed", o.Rule, o.Until), fmt.Sprintf("规则 %s 的截止时间 %s 已过", o.Rule, o.Until))
		}
		signed[i] = o
	}
	return signed, nil
}

// sameOverride tells whether two overrides say the same, whoever said it.
func sameOverride(a, b event.Override) bool {
	a.By, a.At = b.By, b.At
	return reflect.DeepEqual(a, b)
}

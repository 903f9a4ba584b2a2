package desk

import (
	"cmp"
	"math"
	"net/http"
	"slices"

	"tocsin/care"
	"tocsin/rules"
	"tocsin/streams"
	"tocsin/streams/event"
)

// PatientPlan is what holds for one patient now: the packs of all groups as one, as group and patient have it otherwise.
type PatientPlan struct {
	Tenant    string              `json:"tenant"`
	Patient   string              `json:"patient"`
	Groups    []PlanGroup         `json:"groups" doc:"the leading one first"`
	Instead   bool                `json:"instead" doc:"the pack of a group has not been published and the default one stands in"`
	Conflicts []PlanConflict      `json:"conflicts" doc:"where the packs disagree; those that wait for a doctor first"`
	Missing   []PlanFact          `json:"missing" doc:"facts that rules wait for"`
	Facts     []PlanFact          `json:"facts" doc:"those that were entered, and those with a usual value"`
	AgeYears  int                 `json:"age_years" doc:"0: not entered"`
	AgeMonths int                 `json:"age_months"`
	Pregnant  bool                `json:"pregnant"`
	Scale     int                 `json:"spo2_scale" doc:"oxygen scale that counts: 1, or 2 by a dated order"`
	OrderedBy string              `json:"ordered_by"`
	OrderedAt *event.Time         `json:"ordered_at,omitempty"`
	Targets   []PlanTarget        `json:"targets" doc:"the patient's own, ordered by ordered_by"`
	Watched   []PlanWatched       `json:"watched"`
	Rules     []PlanRule          `json:"rules"`
	Overrides []PlanOverride      `json:"overrides" doc:"everything that was set otherwise for group or patient, also what is over"`
	Measures  []RowMeasure        `json:"measures"`
	Chosen    map[string]string   `json:"chosen" doc:"by quantity, the pack whose bounds a doctor chose"`
	Questions []PlanQuestion      `json:"questions"`
	Names     map[string]WordPair `json:"names" doc:"of facts, questions and, as rule:param, numbers, in words"`
}

// WordPair is a name in both languages.
type WordPair struct {
	Zh    string `json:"zh"`
	En    string `json:"en"`
	YesNo bool   `json:"yes_no,omitempty" doc:"a question that is answered with yes (1) or no (0)"`
}

// PlanGroup is a group of the patient with its pack.
type PlanGroup struct {
	Group   string `json:"group"`
	Zh      string `json:"zh"`
	En      string `json:"en"`
	Pack    string `json:"pack"`
	PackZh  string `json:"pack_zh"`
	PackEn  string `json:"pack_en"`
	Version int    `json:"version" doc:"of the pack; 0: it has not been published"`
}

// PlanConflict is something on which packs disagree, and what was taken.
type PlanConflict struct {
	Quantity *event.Quantity `json:"quantity,omitempty"`
	Rule     string          `json:"rule,omitempty"`
	Packs    []string        `json:"packs"`
	Took     string          `json:"took" doc:"the pack whose bounds hold, or strictest"`
	Blocks   bool            `json:"blocks" doc:"a doctor has to order a target or choose"`
}

// PlanFact is a number about the patient.
type PlanFact struct {
	Name  string         `json:"name"`
	Zh    string         `json:"zh"`
	En    string         `json:"en"`
	Unit  string         `json:"unit"`
	Value *event.Decimal `json:"value,omitempty"`
	Usual bool           `json:"usual" doc:"the value is the pack's usual one: none was entered"`
	Rules []string       `json:"rules" doc:"that wait for it"`
}

// PlanTarget is a patient's own normal span.
type PlanTarget struct {
	Quantity event.Quantity `json:"quantity"`
	Low      *event.Decimal `json:"low,omitempty"`
	High     *event.Decimal `json:"high,omitempty"`
	Implied  bool           `json:"implied" doc:"not written down: the order of oxygen scale 2 means it"`
}

// PlanWatched is one quantity: how often it is to come and what is too much.
type PlanWatched struct {
	Quantity  event.Quantity `json:"quantity"`
	EveryMs   int64          `json:"every_ms" doc:"0: not expected"`
	EveryFrom string         `json:"every_from" enum:"pack,group,patient,"`
	Bounds    []PlanBound    `json:"bounds" doc:"gravest first"`
}

// Setting says whose number it is, who set it and until when.
type Setting struct {
	From  string      `json:"from" enum:"pack,group,patient"`
	SetBy string      `json:"set_by,omitempty"`
	SetAt *event.Time `json:"set_at,omitempty"`
	Until *event.Time `json:"until,omitempty" doc:"absent: until it is changed"`
	Why   string      `json:"why,omitempty"`
}

// PlanBound is a limit as it holds for the patient.
type PlanBound struct {
	Rule     string         `json:"rule"`
	Pack     string         `json:"pack"`
	Above    bool           `json:"above"`
	Bound    event.Decimal  `json:"bound"`
	Strict   bool           `json:"strict"`
	Severity event.Severity `json:"severity"`
	Danger   bool           `json:"danger"`
	Readings int            `json:"readings"`
	OnOxygen bool           `json:"on_oxygen"`
	Beaten   bool           `json:"beaten" doc:"the patient's own target holds on this side instead"`
	Setting
}

// PlanRule is a condition as it holds for the patient.
type PlanRule struct {
	Rule     string         `json:"rule"`
	Pack     string         `json:"pack"`
	Zh       string         `json:"zh"`
	En       string         `json:"en"`
	When     string         `json:"when"`
	Severity event.Severity `json:"severity"`
	Danger   bool           `json:"danger"`
	Waits    bool           `json:"waits" doc:"for a fact: it is not in effect"`
	Off      bool           `json:"off" doc:"somebody switched it off: see overrides"`
	Params   []PlanParam    `json:"params"`
}

// PlanParam is a number of a condition as it holds for the patient.
type PlanParam struct {
	Name  string        `json:"name"`
	Zh    string        `json:"zh"`
	En    string        `json:"en"`
	Unit  string        `json:"unit"`
	Value event.Decimal `json:"value"`
	Pack  event.Decimal `json:"pack_value"`
	Setting
}

// PlanOverride is one number or rule as somebody set it.
type PlanOverride struct {
	Rule  string         `json:"rule"`
	Param string         `json:"param,omitempty"`
	Value *event.Decimal `json:"value,omitempty"`
	Off   bool           `json:"off"`
	Holds bool           `json:"holds" doc:"false: it is over, the patient's beats it, or the packs have nothing of that name"`
	Setting
}

// PlanQuestion is an answer that the packs understand.
type PlanQuestion struct {
	Code    string `json:"code"`
	EveryMs int64  `json:"every_ms"`
	Zh      string `json:"zh"`
	En      string `json:"en"`
}

// RowMeasure is a measure of a pack with what it comes to.
type RowMeasure struct {
	ID    string   `json:"id"`
	Zh    string   `json:"zh"`
	En    string   `json:"en"`
	Unit  string   `json:"unit" doc:"UCUM"`
	Value *float64 `json:"value,omitempty" doc:"absent: not known yet"`
}

// stands answers what holds for a patient, as of the clock of their partition.
func (w *ward) stands(key string) (rules.Standing, person, bool) {
	w.mu.RLock()
	who := w.people[key]
	if who == nil {
		w.mu.RUnlock()
		return rules.Standing{}, person{}, false
	}
	p := w.now(who)
	w.mu.RUnlock()
	if p.p.Stands == nil || p.p.Care.Group() == "" {
		return rules.Standing{}, p, false
	}
	return p.p.Stands(p.clock), p, true
}

// patientPlan answers what holds for a patient.
func (s *Server) patientPlan(tenant, patient string) (PatientPlan, error) {
	st, p, ok := s.ward.stands(streams.PatientKey(tenant, patient))
	if !ok {
		return PatientPlan{}, refuse(http.StatusNotFound, "unknown", "没有这名患者，或未入组", "there is no such patient, or they are in no group")
	}
	plan := planOf(st)
	plan.Tenant, plan.Patient = tenant, patient
	plan.Groups = s.groupsOf(tenant, leading(p.p.Care))
	return plan, nil
}

// leading answers the groups of a patient, the leading one first.
func leading(c care.State) []string {
	n := len(c.Groups)
	if n == 0 {
		return nil
	}
	return append([]string{c.Groups[n-1].Group}, c.Groups[n-1].Also...)
}

func (s *Server) groupsOf(tenant string, groups []string) []PlanGroup {
	set := s.o.Directory.Groups()
	all := make([]PlanGroup, 0, len(groups))
	for _, name := range groups {
		g := PlanGroup{Group: name, Zh: name, En: name, Pack: rules.DefaultPack}
		if i := slices.IndexFunc(set, func(x event.GroupSet) bool { return x.Tenant == tenant && x.Group == name }); i >= 0 {
			g.Zh, g.En, g.Pack = cmp.Or(set[i].Zh, name), cmp.Or(set[i].En, name), cmp.Or(set[i].Pack, rules.DefaultPack)
		}
		if text, ok := s.past.textOf(g.Pack); ok {
			page := s.past.try(text).page
			g.PackZh, g.PackEn, g.Version = page.Zh, page.En, page.Version
		}
		all = append(all, g)
	}
	return all
}

func planOf(st rules.Standing) PatientPlan {
	p := PatientPlan{Instead: st.Instead, Groups: []PlanGroup{}, Conflicts: []PlanConflict{}, Missing: []PlanFact{}, Facts: []PlanFact{}, Targets: []PlanTarget{}, Watched: []PlanWatched{},
		Rules: []PlanRule{}, Overrides: []PlanOverride{}, Measures: measuresOf(st.Measures), Chosen: map[string]string{}, Questions: []PlanQuestion{}, Names: map[string]WordPair{}, Scale: 1}
	p.patient(st.Plan)
	if st.Pack == nil {
		return p
	}
	for i := range st.Pack.Conflicts {
		p.Conflicts = append(p.Conflicts, conflictOf(&st.Pack.Conflicts[i]))
	}
	slices.SortStableFunc(p.Conflicts, func(a, b PlanConflict) int { return cmp.Compare(truth(b.Blocks), truth(a.Blocks)) })
	p.facts(st)
	p.watched(st)
	p.rules(st)
	for _, o := range st.Overrides {
		p.Overrides = append(p.Overrides, PlanOverride{o.Rule, o.Param, o.Value, o.Off, o.Holds, settingOf(o.From, &o.Override)})
	}
	for _, q := range st.Pack.Questions {
		p.Questions = append(p.Questions, PlanQuestion{q.Code, q.EveryMs, q.Zh, q.En})
	}
	p.Names = namesOf(st.Pack)
	return p
}

func truth(b bool) int {
	if b {
		return 1
	}
	return 0
}

// patient fills in what was ordered for the patient alone.
func (p *PatientPlan) patient(plan *rules.Plan) {
	if plan == nil {
		return
	}
	p.AgeYears, p.AgeMonths, p.Pregnant, p.OrderedBy = plan.AgeYears, plan.AgeMonths, plan.Pregnant, plan.By
	if plan.At != 0 {
		p.OrderedAt = &plan.At
		p.Scale = max(plan.Scale, 1)
	}
	for _, t := range plan.Targets {
		p.Targets = append(p.Targets, PlanTarget{t.Quantity, t.Low, t.High, t.Implied})
	}
	for _, c := range plan.Chosen {
		p.Chosen[c.Quantity.String()] = c.Pack
	}
}

func conflictOf(c *rules.Conflict) PlanConflict {
	out := PlanConflict{Rule: c.Rule, Packs: some(c.Packs), Took: c.Took, Blocks: c.Blocks}
	if c.Quantity != event.NoQuantity {
		q := c.Quantity
		out.Quantity = &q
	}
	return out
}

func (p *PatientPlan) facts(st rules.Standing) {
	entered := map[string]event.Decimal{}
	if st.Plan != nil {
		for _, f := range st.Plan.Facts {
			entered[f.Name] = f.Value
		}
	}
	for i := range st.Pack.Facts {
		n := &st.Pack.Facts[i]
		f := PlanFact{Name: n.Name, Zh: n.Zh, En: n.En, Unit: n.Unit, Rules: waitsFor(st, n.Name)}
		if v, ok := entered[n.Name]; ok {
			f.Value = &v
			delete(entered, n.Name)
		} else if n.Usual != nil {
			f.Value, f.Usual = n.Usual, true
		} else {
			p.Missing = append(p.Missing, f)
			continue
		}
		p.Facts = append(p.Facts, f)
	}
	for name, v := range entered { // no pack of the patient asks for it: it is shown all the same
		p.Facts = append(p.Facts, PlanFact{Name: name, Zh: name, En: name, Value: &v, Rules: []string{}})
	}
	slices.SortStableFunc(p.Facts, func(a, b PlanFact) int { return cmp.Compare(a.Name, b.Name) })
	slices.SortStableFunc(p.Missing, func(a, b PlanFact) int { return len(b.Rules) - len(a.Rules) })
}

func waitsFor(st rules.Standing, fact string) []string {
	ids := []string{}
	for i := range st.Pack.Rules {
		if r := &st.Pack.Rules[i]; slices.Contains(r.Needs, fact) && slices.Contains(st.Waiting, r.ID) {
			ids = append(ids, r.ID)
		}
	}
	return ids
}

func (p *PatientPlan) watched(st rules.Standing) {
	for q := event.Quantity(1); int(q) < event.Quantities; q++ {
		w := PlanWatched{Quantity: q, Bounds: []PlanBound{}}
		for _, x := range st.Expected {
			if x.Quantity == q {
				w.EveryMs, w.EveryFrom = x.EveryMs, x.From
			}
		}
		for _, b := range st.Bounds {
			if b.Quantity == q {
				w.Bounds = append(w.Bounds, PlanBound{b.ID, cmp.Or(b.Pack, st.Pack.ID), b.Above, b.Bound, b.Strict, b.Severity, b.Danger, max(b.Readings, 1), b.OnOxygen, b.Beaten, settingOf(b.From, b.Set)})
			}
		}
		target := slices.ContainsFunc(p.Targets, func(t PlanTarget) bool { return t.Quantity == q })
		if len(w.Bounds) > 0 || w.EveryMs > 0 || target || st.Pack.Signals[q] != (rules.Signal{}) {
			p.Watched = append(p.Watched, w)
		}
	}
}

func (p *PatientPlan) rules(st rules.Standing) {
	off := func(id string) bool {
		return slices.ContainsFunc(st.Overrides, func(o rules.Laid) bool { return o.Rule == id && o.Off && o.Holds })
	}
	for i := range st.Pack.Rules {
		r := &st.Pack.Rules[i]
		zh, en := r.WordsWith(func(p *rules.Param) event.Decimal {
			for _, n := range st.Numbers {
				if n.Rule == r.ID && n.Param.Name == p.Name {
					return n.Value
				}
			}
			return p.Value
		})
		out := PlanRule{Rule: r.ID, Pack: cmp.Or(r.Pack, st.Pack.ID), Zh: zh, En: en, When: r.Text, Severity: r.Severity, Danger: r.Danger, Params: []PlanParam{},
			Waits: slices.Contains(st.Waiting, r.ID), Off: off(r.ID)}
		for _, n := range st.Numbers {
			if n.Rule == r.ID {
				out.Params = append(out.Params, PlanParam{n.Param.Name, n.Param.Zh, n.Param.En, n.Param.Unit, n.Value, n.Param.Value, settingOf(n.From, n.Set)})
			}
		}
		p.Rules = append(p.Rules, out)
	}
}

func settingOf(from string, o *event.Override) Setting {
	s := Setting{From: from}
	if o != nil {
		at := o.At
		s.SetBy, s.SetAt, s.Until, s.Why = o.By, &at, o.Until, o.Why
	}
	return s
}

// namesOf answers what stands in conditions and is no signal, in words.
func namesOf(p *rules.Pack) map[string]WordPair {
	all := map[string]WordPair{}
	for _, q := range p.Questions {
		all[q.Code] = WordPair{q.Zh, q.En, q.YesNo}
	}
	for _, f := range p.Facts {
		all[f.Name] = WordPair{Zh: f.Zh, En: f.En}
	}
	for i := range p.Rules {
		for _, n := range p.Rules[i].Params {
			if n.Zh != "" || n.En != "" {
				all[rules.ParamName(p.Rules[i].ID, n.Name)] = WordPair{Zh: cmp.Or(n.Zh, n.En), En: cmp.Or(n.En, n.Zh)}
			}
		}
	}
	for i := range p.Scores {
		for k := range p.Scores[i].Parts {
			if part := &p.Scores[i].Parts[k]; part.Code != "" {
				all[part.Code] = WordPair{Zh: cmp.Or(part.Zh, part.Code), En: cmp.Or(part.En, part.Code)}
			}
		}
	}
	return all
}

// measuresOf answers measures as people read them: to the hundredth.
func measuresOf(all []rules.Measured) []RowMeasure {
	out := []RowMeasure{}
	for _, m := range all {
		x := RowMeasure{ID: m.ID, Zh: m.Zh, En: m.En, Unit: m.Unit}
		if m.Known && !math.IsNaN(m.Value) && !math.IsInf(m.Value, 0) {
			v := math.Round(m.Value*100) / 100
			x.Value = &v
		}
		out = append(out, x)
	}
	return out
}

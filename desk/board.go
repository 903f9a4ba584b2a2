package desk

import (
	"cmp"
	"slices"
	"strings"

	"tocsin/streams"
	"tocsin/streams/event"
)

// GroupBoard: who drifts, who is silent, who is to be called first?

// groupList answers every group that somebody set, and those that have people though nobody did, as far as who asks may see:
// a group of theirs with all its people; of another only whom they may see, and nothing when that is nobody.
func (s *Server) groupList(id identity) []Group {
	w := s.ward
	sees := s.sees(id)
	w.mu.RLock()
	defer w.mu.RUnlock()
	known := map[string]bool{}
	all := make([]Group, 0, len(w.groups))
	add := func(tenant, name, zh, en string) {
		key := tenant + "/" + name
		if known[key] {
			return
		}
		known[key] = true
		g := Group{Tenant: tenant, Group: name, Zh: cmp.Or(zh, name), En: cmp.Or(en, name)}
		theirs := covers(id.Role, id.Scope, inGroup(tenant, name))
		if p := w.groups[key]; p != nil && theirs {
			g.Patients, g.Open, g.Silent = p.people.Len(), p.open, p.silent
		} else if p != nil {
			p.countSeen(&g, sees)
		}
		if theirs || g.Patients > 0 {
			all = append(all, g)
		}
	}
	for _, s := range s.o.Directory.Groups() {
		if streams.IsWatchedGroup(s.Tenant, s.Group) {
			continue
		}
		add(s.Tenant, s.Group, s.Zh, s.En)
	}
	for key, g := range w.groups {
		if tenant, name, _ := strings.Cut(key, "/"); g.people.Len() > 0 {
			add(tenant, name, "", "")
		}
	}
	slices.SortFunc(all, func(a, b Group) int { return cmp.Or(cmp.Compare(a.Tenant, b.Tenant), cmp.Compare(a.Group, b.Group)) })
	return all
}

// countSeen counts whom somebody may see of a group.
func (g *group) countSeen(into *Group, sees func(key string) bool) {
	for e := g.people.Front(); e != nil; e = e.Next() {
		p := e.Value.(*person)
		if !sees(p.key) {
			continue
		}
		into.Patients++
		into.Open.add(p.open, 1)
		if p.p.Silent {
			into.Silent++
		}
	}
}

// board answers the rows of a group in the order of calling.
func (w *ward) board(tenant, name string) []Row {
	w.mu.RLock()
	var people []person
	if g := w.groups[tenant+"/"+name]; g != nil {
		for e := g.people.Front(); e != nil; e = e.Next() {
			people = append(people, w.now(e.Value.(*person)))
		}
	}
	w.mu.RUnlock()
	return rowsOf(people)
}

// board answers the rows of a group that somebody has set or that has people, as far as who asks may see them. A group of
// which they may see nobody is not known to them, unless it is theirs.
func (s *Server) board(id identity, tenant, name string) (rows []Row, known bool) {
	sees := s.sees(id)
	rows = slices.DeleteFunc(s.ward.board(tenant, name), func(r Row) bool { return !sees(streams.PatientKey(r.Tenant, r.Patient)) })
	known = len(rows) > 0 || covers(id.Role, id.Scope, inGroup(tenant, name)) && slices.ContainsFunc(s.o.Directory.Groups(), func(g event.GroupSet) bool { return g.Tenant == tenant && g.Group == name })
	return rows, known
}

func rowsOf(people []person) []Row {
	rows := make([]Row, len(people))
	for i := range people {
		rows[i] = people[i].row()
	}
	slices.SortFunc(rows, func(a, b Row) int { return cmp.Or(cmp.Compare(a.Order, b.Order), cmp.Compare(a.Patient, b.Patient)) })
	return rows
}

func (p *person) row() Row {
	tenant, patient := streams.SplitPatientKey(p.key)
	v := Vitals{}
	if p.p.Vitals != nil {
		v = p.p.Vitals(p.clock)
	}
	r := Row{Tenant: tenant, Patient: patient, Version: p.offset, Group: p.p.Care.Group(), Clinic: p.p.Care.Clinic, Latest: v.Latest, Trend: v.Trend, Silent: some(v.Silent), Warnings: []RowWarning{}, Measures: some(v.Measures), Left: p.p.Alerts.Left,
		Consent: p.p.Care.Consents.For(event.ForMonitoring, p.clock).State}
	if r.Latest == nil {
		r.Latest = map[string]Latest{}
	}
	if r.Trend == nil {
		r.Trend = map[string][]Point{}
	}
	for _, a := range p.p.Alerts.Open {
		r.Warnings = append(r.Warnings, RowWarning{ID: a.Alert, Problem: a.Problem, Severity: a.Severity, State: string(a.Phase), Owner: a.Owner})
	}
	slices.SortStableFunc(r.Warnings, func(a, b RowWarning) int {
		return cmp.Compare(severityRank(b.Severity), severityRank(a.Severity))
	})
	if s := v.Score; s != nil {
		r.Score = &RowScore{Rule: s.Rule, Lower: s.Lower, Upper: s.Upper, Band: s.Band, Determined: s.Determined, Missing: some(s.Missing)}
	}
	r.Order, r.WhyZh, r.WhyEn = orderOf(r)
	return r
}

// The places on the list of whom to call first. Within one place the second part of the order decides.
const (
	placeHighFree = iota + 1
	placeHigh
	placeMediumFree
	placeMedium
	placeScore // a grave score whose warning somebody has closed
	placeSilent
	placeLow
	placeMeasuring
	placeTechnical
	placeNothing
)

const placeWidth = 1_000_000 // more than hours since 1970, for a century

func placeAt(place, within int) int {
	return place*placeWidth + min(max(within, 0), placeWidth-1)
}

// orderOf answers where a patient stands on the list of calling and why, in two languages.
func orderOf(r Row) (order int, zh, en string) {
	if len(r.Warnings) > 0 {
		if order, zh, en = orderOfWarning(r.Warnings[0], len(r.Silent)); order > 0 {
			return order, zh, en
		}
	}
	if s := r.Score; s != nil && (s.Band == "medium" || s.Band == "high") {
		return placeAt(placeScore, 100-s.Lower), "评分 " + span(s) + "，预警已结案", "score " + span(s) + ", its warning is closed"
	}
	if len(r.Silent) > 0 {
		since := r.Silent[0].Since
		for _, s := range r.Silent {
			since = min(since, s.Since)
		}
		return placeAt(placeSilent, int(since/3_600_000)), "数据中断：" + namesZh(r.Silent), "silent: " + namesEn(r.Silent)
	}
	if len(r.Warnings) > 0 && r.Warnings[0].Severity == event.Low {
		return placeAt(placeLow, free(r.Warnings[0])), "低优先级预警" + with(r.Warnings[0].Owner, "，", ""), "low warning" + with(r.Warnings[0].Owner, ", ", "")
	}
	if len(r.Warnings) > 0 {
		return placeAt(placeTechnical, free(r.Warnings[0])), "技术报警", "technical warning"
	}
	if s := r.Score; s != nil && len(r.Latest) > 0 {
		return placeAt(placeMeasuring, 100-s.Lower), "正常测量，评分 " + span(s), "measuring, score " + span(s)
	}
	if len(r.Latest) > 0 {
		return placeAt(placeMeasuring, 101), "正常测量", "measuring"
	}
	return placeAt(placeNothing, 0), "尚无数据", "no reading yet"
}

// orderOfWarning places high and medium, the others by what else there is: 0.
func orderOfWarning(w RowWarning, silent int) (order int, zh, en string) {
	places := map[event.Severity][2]int{event.High: {placeHighFree, placeHigh}, event.Medium: {placeMediumFree, placeMedium}}
	p, ok := places[w.Severity]
	if !ok {
		return 0, "", ""
	}
	words := severityWords[w.Severity]
	within := 10 - min(silent, 9) // of two alike, the one who is silent as well comes first
	if w.Owner == "" {
		return placeAt(p[0], within), words[0] + "预警，无人接手", words[1] + " warning, nobody has taken it"
	}
	return placeAt(p[1], within), words[0] + "预警，" + w.Owner + " 负责", words[1] + " warning, with " + w.Owner
}

func free(w RowWarning) int {
	if w.Owner == "" {
		return 0
	}
	return 1
}

func with(text, before, after string) string { return in(before, text, after) }

func span(s *RowScore) string {
	if s.Lower == s.Upper {
		return itoa(s.Lower)
	}
	return itoa(s.Lower) + "–" + itoa(s.Upper)
}

func namesZh(silent []SilentSignal) string { return names(silent, 0, "、") }
func namesEn(silent []SilentSignal) string { return names(silent, 1, ", ") }

func names(silent []SilentSignal, language int, between string) string {
	all := make([]string, len(silent))
	for i, s := range silent {
		all[i] = s.Quantity.String()
		if words, ok := quantityWords[s.Quantity]; ok {
			all[i] = words[language]
		}
	}
	return strings.Join(all, between)
}

var quantityWords = map[event.Quantity][2]string{
	event.RespirationPerMin: {"呼吸", "respiration"}, event.SpO2Percent: {"血氧", "SpO2"}, event.SupplementalO2: {"吸氧", "oxygen"},
	event.SystolicMmHg: {"收缩压", "systolic"}, event.DiastolicMmHg: {"舒张压", "diastolic"}, event.PulsePerMin: {"脉搏", "pulse"},
	event.ACVPU: {"意识", "consciousness"}, event.TemperatureCel: {"体温", "temperature"}, event.WeightKg: {"体重", "weight"},
	event.GlucoseMmolPerL: {"血糖", "glucose"}, event.PeakFlowLPerMin: {"峰流速", "peak flow"}, event.KetoneMmolPerL: {"血酮", "ketones"},
	event.SensorGlucoseMmolPerL:   {"葡萄糖（连续监测）", "sensor glucose"},
	event.MeanPressureMmHg:        {"平均动脉压", "mean pressure"},
	event.O2FlowLPerMin:           {"氧流量", "oxygen flow"},
	event.FiO2Percent:             {"吸入氧浓度", "inspired oxygen"},
	event.CapillaryRefillS:        {"毛细血管充盈时间", "capillary refill"},
	event.RespiratoryDistress:     {"呼吸窘迫", "respiratory distress"},
	event.UrineMlPerH:             {"尿量", "urine"},
	event.StepsPerDay:             {"步数", "steps"},
	event.PainNRS:                 {"疼痛评分", "pain"},
	event.UltrafiltrationMlPerDay: {"超滤量", "ultrafiltration"},
}

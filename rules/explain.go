package rules

import (
	"strconv"
	"strings"

	"tocsin/rules/expr"
	"tocsin/streams/event"
)

// oldMs is from when on a reason says when its reading was measured.
const oldMs = 15 * 60_000

// bare puts a finding into the shape of the log, without words.
func bare(f *finding) event.Reason {
	r := event.Reason{Rule: f.rule, Severity: f.severity, Unsure: f.unsure}
	if f.quantity != event.NoQuantity {
		q := f.quantity
		r.Quantity, r.Unit = &q, names[q].ucum
	}
	if f.valued {
		v, at := f.value, f.at
		r.Value, r.MeasuredAt, r.Reading = &v, &at, f.reading
	}
	if f.since != 0 {
		since := f.since
		r.Since = &since
	}
	return r
}

// reason puts a finding into the shape of the log, with words for a nurse at night.
func (e *eval) reason(f *finding) event.Reason {
	e.rule = f.rule
	r := bare(f)
	var t text
	switch {
	case f.limit != nil:
		e.limitReason(f, &r, &t)
	case f.condition != nil:
		e.conditionReason(f, &r, &t)
	case f.beside != nil:
		e.tallyReason(f, f.beside, f.tally, &r, &t)
	case f.rule == RuleSilence:
		e.silenceReason(f, &r, &t)
	case f.rule == RuleUnconfirmed:
		e.sourced(&r, e.p.Confirm.Source)
		t.reading(f.quantity, f.value)
		t.add("，未经复测确认", ", unconfirmed: no second reading came")
	case f.rule == RuleMissing:
		e.missingReason(f, &r, &t)
	case e.score() != nil && f.rule == e.score().ID:
		e.tallyReason(f, e.score(), &e.s.Tally, &r, &t)
	default:
		e.note(f, &t)
	}
	r.Zh, r.En = t.zh.String(), t.en.String()
	return r
}

func (e *eval) sourced(r *event.Reason, id string) {
	s := e.p.source(id)
	r.Source, r.Evidence = s.Cite, s.Evidence
	if r.From == "" {
		r.From = "pack"
	}
}

// limitReason says what was measured, what it was held against and whose bound that is.
func (e *eval) limitReason(f *finding, r *event.Reason, t *text) {
	t.reading(f.quantity, f.value)
	if f.target != nil {
		e.targetReason(f, r, t)
	} else {
		b := f.limit.Bound
		if f.limit.AltBound != nil && inMgPerDL(f.value) {
			b = *f.limit.AltBound
		}
		if o := f.limit.set; o != nil {
			r.From, r.SetBy, r.Until, r.Why = f.limit.from, o.By, o.Until, o.Why
		}
		r.Pack = f.limit.Pack
		if f.limit.Above {
			r.High = &b
		} else {
			r.Low = &b
		}
		t.add("（界限 "+b.String()+"）", " (limit "+b.String()+")")
	}
	e.sourced(r, f.limit.Source)
	if n := f.limit.Readings; n > 1 {
		s := strconv.Itoa(n)
		t.add("，连续 "+s+" 次", ", "+s+" readings in a row")
	}
	if f.danger {
		t.add("，危急", ", immediate danger")
	}
	if f.unsure {
		t.add("，未经确认", ", unconfirmed")
	}
	e.aging(f, t)
	if f.limit.Zh != "" || f.limit.En != "" {
		t.add("。"+f.limit.Zh, ". "+f.limit.En)
	}
}

// targetReason names the patient's own target, who ordered it and when.
func (e *eval) targetReason(f *finding, r *event.Reason, t *text) {
	r.From, r.SetBy, r.Low, r.High = "patient", e.s.Plan.By, f.target.Low, f.target.High
	span := span(f.target)
	t.add("，个体化目标 "+span, ", own target "+span)
	var zh, en []string
	if f.target.Implied {
		zh, en = append(zh, "血氧第 2 量表"), append(en, "oxygen scale 2")
	}
	if e.s.Plan.At != 0 {
		day := e.p.date(e.s.Plan.At)
		zh, en = append(zh, day+" 医嘱"), append(en, "ordered "+day)
	}
	if e.s.Plan.By != "" {
		zh, en = append(zh, e.s.Plan.By), append(en, "by "+e.s.Plan.By)
	}
	if len(zh) > 0 {
		t.add("（"+strings.Join(zh, "，")+"）", " ("+strings.Join(en, ", ")+")")
	}
}

func span(t *Target) string {
	switch {
	case t.Low != nil && t.High != nil:
		return t.Low.String() + "–" + t.High.String()
	case t.Low != nil:
		return "≥ " + t.Low.String()
	case t.High != nil:
		return "≤ " + t.High.String()
	default:
		return "–"
	}
}

// aging says when an old reading was measured, and that a held finding is not what was measured last.
func (e *eval) aging(f *finding, t *text) {
	tr := e.s.track(f.quantity)
	if tr == nil {
		return
	}
	n := tr.newest()
	if f.held && n.At > f.at {
		zh, en := value(f.quantity, n.Value)
		t.add("；最近一次 "+zh+"，继续观察", "; newest "+en+", still being watched")
		return
	}
	if e.now.Sub(f.at).Milliseconds() > oldMs {
		at := e.p.clock(f.at)
		t.add("，"+at+" 测得", ", measured "+at)
		if n.At <= f.at {
			t.add("，此后无数据", ", nothing since")
		}
	}
}

// tallyReason says a score's interval, what each known part added and how old it is, and what is missing.
func (e *eval) tallyReason(f *finding, sc *Score, ty *Tally, r *event.Reason, t *text) {
	e.sourced(r, sc.Source)
	at := e.s.Anchor
	if f.beside != nil {
		at = f.at
	}
	r.MeasuredAt = &at
	t.add(sc.Zh+" ", sc.En+" ")
	t.both(interval(ty))
	if ty.Scale == 2 && sc.Place[event.SpO2Percent] > 0 {
		day := e.p.date(e.s.Plan.At)
		t.add("（血氧第 2 量表，"+day+" 医嘱）", " (oxygen scale 2, ordered "+day+")")
	}
	t.add("：", ": ")
	e.parts(sc, ty, t)
	if f.held {
		t.add("；已有所好转或测量不全，继续观察", "; milder or incomplete since, still being watched")
	}
	if f.beside == nil && e.now > e.expires(sc) {
		when := e.p.clock(at)
		t.add("；为 "+when+" 的数据，需复测", "; as at "+when+", due to be measured again")
	}
	b := &sc.Bands[ty.Band]
	for _, s := range [][2]string{{b.Zh, b.En}, {sc.NoteZh, sc.NoteEn}} {
		if s[0] != "" || s[1] != "" {
			t.add("。"+s[0], ". "+s[1])
		}
	}
}

func interval(t *Tally) string {
	low := strconv.Itoa(int(t.Lower))
	if t.Lower == t.Upper {
		return low
	}
	return low + "–" + strconv.Itoa(int(t.Upper))
}

// parts lists what is known with its points and age, then what is missing.
func (e *eval) parts(sc *Score, ty *Tally, t *text) {
	first := true
	for i := range sc.Parts {
		if ty.Known&(1<<i) == 0 {
			continue
		}
		p := &sc.Parts[i]
		if p.Rows != nil && ty.Points[i] == 0 {
			continue // a condition that does not hold says nothing
		}
		if !first {
			t.add("，", ", ")
		}
		first = false
		points := "+" + strconv.Itoa(int(ty.Points[i]))
		if ty.Points[i] != ty.Worst[i] {
			points += "–" + strconv.Itoa(int(ty.Worst[i]))
		}
		if p.Rows != nil {
			t.add(p.Zh+" "+points, p.En+" "+points)
			continue
		}
		n := e.s.track(p.Quantity).newest()
		t.reading(p.Quantity, n.Value)
		zh, en := age(e.now.Sub(n.At).Milliseconds())
		t.add(" "+points+"（"+zh+"）", " "+points+" ("+en+")")
	}
	e.lacking(sc, ty, t)
}

// lacking names the parts that are not known, with the age of what is too old to count.
func (e *eval) lacking(sc *Score, ty *Tally, t *text) {
	first := true
	for i := range sc.Parts {
		if ty.Known&(1<<i) != 0 {
			continue
		}
		if first {
			t.add("；未知：", "; not known: ")
		} else {
			t.add("、", ", ")
		}
		first = false
		p := &sc.Parts[i]
		if p.Rows != nil {
			t.add(p.Zh, p.En)
			continue
		}
		t.add(names[p.Quantity].zh, names[p.Quantity].en)
		if tr := e.s.track(p.Quantity); tr != nil {
			zh, en := age(e.now.Sub(tr.newest().At).Milliseconds())
			t.add("（"+zh+"）", " (last "+en+")")
		}
	}
}

// conditionReason says what a condition means, and what it saw.
func (e *eval) conditionReason(f *finding, r *event.Reason, t *text) {
	c := f.condition
	e.sourced(r, c.Source)
	r.When, r.Pack = c.Text, c.Pack
	if f.at != 0 {
		at := f.at
		r.MeasuredAt = &at
	}
	t.add(c.WordsWith(func(p *Param) event.Decimal { v, _ := e.param(c.ID, p); return v }))
	v := e.look()
	defer looks.Put(v)
	first := true
	for i := range c.shown {
		in := e.input(r, c, &c.shown[i], v)
		r.Inputs = append(r.Inputs, in)
		if in.Value == nil {
			continue // what is not known did not decide it; the record names it
		}
		zh, en, unit := c.shown[i].calls(e.p)
		if c.shown[i].param != "" {
			zh, en = c.calls(c.shown[i].param)
			unit = in.Unit
		}
		vzh, ven := c.shown[i].says(*in.Value, unit)
		if first {
			t.add("（", " (")
		} else {
			t.add("，", ", ")
		}
		first = false
		t.add(zh+" "+vzh, en+" "+ven)
	}
	if !first {
		t.add("）", ")")
	}
	if f.held {
		t.add("；已不再符合，继续观察", "; no longer so, still being watched")
	}
}

// input answers one value that a condition looked at, whose it is and when it was measured.
func (e *eval) input(r *event.Reason, c *Rule, s *shown, v *expr.View) event.Input {
	in := event.Input{Name: s.name}
	if x, known := s.number(v); known {
		if d, ok := event.DecimalOf(x); ok {
			in.Value = &d
		}
	}
	if s.param != "" {
		in.From = fromPack
		for i := range c.Params {
			if p := &c.Params[i]; p.Name == s.param {
				in.Unit = p.Unit
				o, from := e.override(c.ID, p.Name)
				if in.From = from; o != nil {
					in.SetBy, r.From, r.SetBy, r.Until, r.Why = o.By, from, o.By, o.Until, o.Why
				}
			}
		}
		return in
	}
	_, _, in.Unit = s.calls(e.p)
	if t := e.s.series(s.series); t != nil {
		n := t.newest()
		in.MeasuredAt, in.Reading = &n.At, t.Reading
	}
	return in
}

// unitOf answers the UCUM unit of a name in conditions.
func (p *Pack) unitOf(name string) string {
	if q, err := event.ParseQuantity(name); err == nil {
		return names[q].ucum
	}
	if q := p.question(name); q != nil {
		return q.Unit
	}
	for i := range p.Facts {
		if p.Facts[i].Name == name {
			return p.Facts[i].Unit
		}
	}
	return ""
}

// calls answers how a param is called for people.
func (r *Rule) calls(param string) (zh, en string) {
	for i := range r.Params {
		if p := &r.Params[i]; p.Name == param && p.Zh != "" {
			return p.Zh + "界限", "limit of " + p.En
		}
	}
	return "界限", "limit"
}

// missingReason says that a sign was asked for and did not come.
func (e *eval) missingReason(f *finding, r *event.Reason, t *text) {
	sc := e.score()
	e.sourced(r, sc.Ask.Source)
	usual, _ := e.s.Usual.median(&e.s.Tally)
	n, u := interval(&e.s.Tally), strconv.Itoa(usual)
	t.add(names[f.quantity].zh+"已询问，未答复；"+sc.Zh+" "+n+"，平时 "+u,
		names[f.quantity].en+" was asked for and not answered; "+sc.En+" "+n+", usually "+u)
}

// silenceReason says what should have come and since when nothing has.
func (e *eval) silenceReason(f *finding, r *event.Reason, t *text) {
	x := e.cadence(f.quantity)
	e.sourced(r, e.p.Signals[f.quantity].Source)
	r.From = x.from
	if x.from == "patient" {
		r.SetBy = e.s.Plan.By
	}
	everyZh, everyEn := length(x.ms)
	since := e.p.clock(f.since)
	i := e.s.silent(f.quantity)
	if i >= 0 && e.s.Silences[i].Never {
		t.add("从未收到"+names[f.quantity].zh+"，自 "+since+" 起应每 "+everyZh+"一次", "no "+names[f.quantity].en+" ever came; expected every "+everyEn+" since "+since)
	} else {
		t.add("自 "+since+" 起无"+names[f.quantity].zh+"，应每 "+everyZh+"一次", "no "+names[f.quantity].en+" since "+since+", expected every "+everyEn)
	}
	if i >= 0 && e.s.Silences[i].Repeat > 0 {
		n := strconv.Itoa(e.s.Silences[i].Repeat + 1)
		t.add("（第 "+n+" 次提醒）", " (told "+n+" times)")
	}
	if f.severity >= event.Medium && e.s.Found.Severity >= event.Medium {
		t.add("；此前结果异常后停止测量", "; stopped measuring after a grave reading")
	}
}

// lateReason says what old data holds.
func (e *eval) lateReason(f *finding) event.Reason {
	r := bare(f)
	var t text
	t.add("补传异常：", "late finding: ")
	switch {
	case f.limit != nil:
		e.limitReason(f, &r, &t)
	case f.quantity == event.NoQuantity:
		e.lateRuleReason(f, &r, &t)
	default:
		if sc := e.score(); sc != nil {
			e.sourced(&r, sc.Source)
		}
		t.reading(f.quantity, f.value)
		at := e.p.clock(f.at)
		t.add("，"+at+" 测得", ", measured "+at)
	}
	t.add("；之后已有更新数据", "; newer readings have followed")
	r.Zh, r.En = t.zh.String(), t.en.String()
	return r
}

// lateRuleReason says what a condition or score found in old data, and when that was measured. What it saw has changed since.
func (e *eval) lateRuleReason(f *finding, r *event.Reason, t *text) {
	at := f.at
	r.MeasuredAt = &at
	zh, en := f.rule, f.rule
	if c := e.p.condition(f.rule); c != nil {
		e.sourced(r, c.Source)
		r.When, r.Pack, zh, en = c.Text, c.Pack, c.Zh, c.En
	}
	if sc := e.p.score(f.rule); sc != nil {
		e.sourced(r, sc.Source)
		zh, en = sc.Zh, sc.En
	}
	when := e.p.clock(at)
	t.add(zh+"，"+when+" 测得", en+", measured "+when)
}

// note says what is not judged.
func (e *eval) note(f *finding, t *text) {
	switch {
	case f.rule == ruleScope:
		sc := e.refused()
		whyZh, whyEn := "妊娠", "pregnancy"
		switch {
		case sc.MonthsTo > 0 || sc.MonthsFrom > 0:
			whyZh, whyEn = "年龄不符或未登记", "age outside its span, or not entered"
		case e.s.Plan == nil || !e.s.Plan.Pregnant || sc.Pregnant:
			n := strconv.Itoa(sc.AgeFrom)
			whyZh, whyEn = "未满 "+n+" 岁", "under "+n
		}
		t.add(sc.Zh+" 不适用于该患者（"+whyZh+"），未评分；单项体征照常判断", sc.En+" does not hold for this patient ("+whyEn+") and is not scored; single signs still are")
	case f.rule == ruleScale:
		t.add("血氧第 2 量表医嘱无日期，按第 1 量表评分", "oxygen scale 2 is ordered without a date: scale 1 is used until the order says since when")
	case f.rule == ruleFallback:
		t.add("规则包 "+e.absent+" 未发布，暂用 "+DefaultPack, "pack "+e.absent+" has not been published; "+DefaultPack+" stands in")
	case strings.HasPrefix(f.rule, ruleOff+":"):
		rule := strings.TrimPrefix(f.rule, ruleOff+":")
		o, _ := e.override(rule, "")
		by := ""
		if o != nil {
			by = o.By
		}
		t.add("规则 "+rule+" 已由 "+by+" 关闭，未作判断", "rule "+rule+" was switched off by "+by+": it is not judged")
	case strings.HasPrefix(f.rule, ruleFacts+":"):
		name := strings.TrimPrefix(f.rule, ruleFacts+":")
		zh, en := e.p.calls(name)
		t.add("未登记"+zh+"，相关规则未启用", en+" is not entered: the rules that rest on it are not in effect")
	case strings.HasPrefix(f.rule, RuleConflict+":"):
		e.conflictNote(strings.TrimPrefix(f.rule, RuleConflict+":"), t)
	default:
		rule := strings.TrimPrefix(f.rule, ruleFenced+":")
		t.add("规则 "+rule+" 出错已停用，未作判断", "rule "+rule+" failed and is left out: it has not been judged")
	}
}

// conflictNote asks a doctor to decide between packs, and whoever keeps them to mend what cannot stand side by side.
func (e *eval) conflictNote(about string, t *text) {
	for i := range e.p.Conflicts {
		c := &e.p.Conflicts[i]
		if !c.Blocks && !c.Left || c.about() != about {
			continue
		}
		if c.Left {
			packs := strings.Join(c.Packs, " ")
			t.add("规则包 "+packs+" 同名异义或名称过多，规则 "+c.Rule+" 未作判断；请修改规则包",
				"packs "+packs+" use one name for two things, or too many names: rule "+c.Rule+" is not judged. Whoever keeps the packs must change one")
			continue
		}
		packs := strings.Join(c.Packs, "、")
		t.add(names[c.Quantity].zh+"：规则包 "+packs+" 的目标不同，暂用 "+c.Took+"；请医生下达个体化目标或选定规则包",
			names[c.Quantity].en+": packs "+strings.Join(c.Packs, ", ")+" want different targets; "+c.Took+" holds for now. A doctor must order a target or choose")
	}
}

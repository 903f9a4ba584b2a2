package rules

import (
	"strconv"
	"strings"

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
	case f.rule == RuleSilence:
		e.silenceReason(f, &r, &t)
	case f.rule == RuleUnconfirmed:
		e.sourced(&r, e.p.Confirm.Source)
		t.reading(f.quantity, f.value)
		t.add("，未经复测确认", ", unconfirmed: no second reading came")
	case f.rule == RuleMissing:
		e.missingReason(f, &r, &t)
	case e.p.Score != nil && f.rule == e.p.Score.ID:
		e.scoreReason(f, &r, &t)
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

// scoreReason says the interval, what each known part added and how old it is, and what is missing.
func (e *eval) scoreReason(f *finding, r *event.Reason, t *text) {
	sc, ty := e.p.Score, &e.s.Tally
	e.sourced(r, sc.Source)
	at := e.s.Anchor
	r.MeasuredAt = &at
	t.add(sc.Zh+" ", sc.En+" ")
	t.both(interval(ty))
	if ty.Scale == 2 {
		day := e.p.date(e.s.Plan.At)
		t.add("（血氧第 2 量表，"+day+" 医嘱）", " (oxygen scale 2, ordered "+day+")")
	}
	t.add("：", ": ")
	e.parts(ty, t)
	if f.held {
		t.add("；已有所好转或测量不全，继续观察", "; milder or incomplete since, still being watched")
	}
	if e.now > e.expires(sc) {
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
func (e *eval) parts(ty *Tally, t *text) {
	var missing []event.Quantity
	first := true
	for q := event.Quantity(1); int(q) < event.Quantities; q++ {
		if ty.Parts&(1<<q) == 0 {
			continue
		}
		if ty.Known&(1<<q) == 0 {
			missing = append(missing, q)
			continue
		}
		if !first {
			t.add("，", ", ")
		}
		first = false
		n := e.s.track(q).newest()
		t.reading(q, n.Value)
		zh, en := age(e.now.Sub(n.At).Milliseconds())
		points := "+" + strconv.Itoa(int(ty.Points[q]))
		if ty.Points[q] != ty.Worst[q] {
			points += "–" + strconv.Itoa(int(ty.Worst[q]))
		}
		t.add(" "+points+"（"+zh+"）", " "+points+" ("+en+")")
	}
	if len(missing) == 0 {
		return
	}
	t.add("；未知：", "; not known: ")
	for i, q := range missing {
		if i > 0 {
			t.add("、", ", ")
		}
		t.add(names[q].zh, names[q].en)
		if tr := e.s.track(q); tr != nil {
			zh, en := age(e.now.Sub(tr.newest().At).Milliseconds())
			t.add("（"+zh+"）", " (last "+en+")")
		}
	}
}

// missingReason says that a sign was asked for and did not come.
func (e *eval) missingReason(f *finding, r *event.Reason, t *text) {
	sc := e.p.Score
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
	if f.limit != nil {
		e.limitReason(f, &r, &t)
	} else {
		e.sourced(&r, e.p.Score.Source)
		t.reading(f.quantity, f.value)
		at := e.p.clock(f.at)
		t.add("，"+at+" 测得", ", measured "+at)
	}
	t.add("；之后已有更新数据", "; newer readings have followed")
	r.Zh, r.En = t.zh.String(), t.en.String()
	return r
}

// note says what is not judged.
func (e *eval) note(f *finding, t *text) {
	switch {
	case f.rule == ruleScope:
		whyZh, whyEn := "妊娠", "pregnancy"
		if sc := e.p.Score; !e.s.Plan.Pregnant || sc.Pregnant {
			n := strconv.Itoa(sc.AgeFrom)
			whyZh, whyEn = "未满 "+n+" 岁", "under "+n
		}
		t.add(e.p.Score.Zh+" 不适用于"+whyZh+"，未评分；单项体征照常判断", e.p.Score.En+" does not hold for this patient ("+whyEn+") and is not scored; single signs still are")
	case f.rule == ruleScale:
		t.add("血氧第 2 量表医嘱无日期，按第 1 量表评分", "oxygen scale 2 is ordered without a date: scale 1 is used until the order says since when")
	case f.rule == ruleFallback:
		t.add("规则包 "+e.g.Pack+" 未发布，暂用 "+e.p.ID, "pack "+e.g.Pack+" has not been published; "+e.p.ID+" stands in")
	default:
		rule := strings.TrimPrefix(f.rule, ruleFenced+":")
		t.add("规则 "+rule+" 出错已停用，未作判断", "rule "+rule+" failed and is left out: it has not been judged")
	}
}

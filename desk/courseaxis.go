package desk

import (
	"cmp"
	"maps"
	"slices"
	"strings"

	"tocsin/alerts"
	"tocsin/rules"
	"tocsin/streams"
	"tocsin/streams/course"
	"tocsin/streams/event"
)

// axis lays out what stands beside the readings.
func (c *Course) axis(a course.Axis, ruled []CourseEvent, names map[string]WordPair) {
	for _, s := range a.Scores {
		c.Scores = append(c.Scores, moments(s.First, s.Last).values(event.Int(int64(s.Low)), event.Int(int64(s.High)), event.Int(int64(s.Upper)), event.Int(int64(s.EndLower)), event.Int(int64(s.EndUpper))))
	}
	c.LeftOut = int(a.LeftOut)
	for _, e := range a.Episodes {
		c.Warnings = append(c.Warnings, courseWarning(e))
	}
	was := plansBefore(a.Plans)
	for _, x := range a.Clusters {
		e := CourseEvent{From: x.First, To: x.Last, N: int(x.N)}
		e.Lane, e.Warning, e.Zh, e.En = courseWords(x.Newest, was, names)
		c.Events = append(c.Events, e)
	}
	c.Events = append(c.Events, ruled...)
	slices.SortStableFunc(c.Events, func(x, y CourseEvent) int { return cmp.Compare(x.From, y.From) })
	c.turns(a.Turns)
	c.pauses(a.Plans)
	for _, e := range a.Shut {
		if d, ok := e.Data.(*event.TechnicalFault); ok && d.From != nil && d.To != nil {
			c.span(CourseSpan{Kind: "unheard", From: *d.From, To: d.To, Text: d.Door})
		}
	}
}

func courseWarning(e course.Episode) CourseWarning {
	w := CourseWarning{ID: e.Alert, Severity: e.Peak, RaisedAt: e.RaisedAt, Outcome: e.Outcome}
	if d := e.Raised; d != nil {
		w.Problem, w.Rule = d.Problem, d.Rule
		if len(d.Reasons) > 0 {
			w.Zh, w.En = d.Reasons[0].Zh, d.Reasons[0].En
		}
	}
	if e.Accepted != nil {
		w.AcceptedBy = e.Accepted.By
	}
	if e.Closed != nil {
		w.ClosedAt, w.ClosedBy = &e.ClosedAt, e.Closed.By
	}
	return w
}

// courseWords says in which lane an event stands, about which warning, and what happened.
func courseWords(e event.Envelope, was map[*event.PlanChanged]event.Plan, names map[string]WordPair) (lane, warning, zh, en string) {
	say := func(lane, warning string, m alerts.Moment) (string, string, string, string) {
		m.Type = e.Data.Type()
		zh, en := momentWords(m, nil)
		return lane, warning, zh, en
	}
	switch d := e.Data.(type) {
	case *event.AlertContacted:
		return say("contacts", d.Alert, alerts.Moment{By: d.By, To: d.Whom, Note: d.Outcome, Text: d.Note})
	case *event.AlertNoted:
		return say("contacts", d.Alert, alerts.Moment{By: d.By, Text: d.Text})
	case *event.ReadingDisowned:
		return say("contacts", "", alerts.Moment{By: d.By, Note: readingsText(d.Readings), Text: d.Why})
	case *event.NoticeReported:
		state := noticeWords[d.State]
		return "notices", d.Alert, d.Recipient + "，" + d.Channel + "：" + cmp.Or(state[0], d.State) + in("（", d.Detail, "）"), d.Recipient + ", " + d.Channel + ": " + cmp.Or(state[1], d.State) + in(" (", d.Detail, ")")
	case *event.ObservationRecorded:
		zh, en := answersText(d.Answers, names)
		return "answers", "", zh, en
	case *event.PlanChanged:
		zh, en := planWords(was[d], d.Plan)
		return "plan", "", in("", d.Plan.OrderedBy, "：") + zh, in("", d.Plan.OrderedBy, ": ") + en
	}
	zh, en = careWords(e.Data)
	return "care", "", zh, en
}

// careWords says what changed about who looks after the patient, and with which devices.
func careWords(e event.Event) (zh, en string) {
	groups := func(first string, also []string) string { return strings.Join(append([]string{first}, also...), " + ") }
	switch d := e.(type) {
	case *event.PatientEnrolled:
		return "入组：" + groups(d.Group, d.Also), "enrolled: " + groups(d.Group, d.Also)
	case *event.PatientGrouped:
		return "转组：" + d.Was + " → " + groups(d.Group, d.Also), "moved: " + d.Was + " → " + groups(d.Group, d.Also)
	case *event.DeviceBound:
		return "绑定设备 " + d.Device, "device " + d.Device + " bound"
	case *event.DeviceRevoked:
		return "停用设备 " + d.Device, "device " + d.Device + " revoked"
	case *event.PatientLeft:
		why := leftWords[d.Why]
		return d.By + " 结束管理（" + cmp.Or(why[0], d.Why) + "）" + in("：", d.Note, ""), d.By + " ended the care (" + cmp.Or(why[1], d.Why) + ")" + in(": ", d.Note, "")
	case *event.PatientResumed:
		return d.By + " 恢复管理" + in("：", d.Note, ""), d.By + " took the end of care back" + in(": ", d.Note, "")
	case *event.ConsentGiven:
		zh, en := purposesText(d.Consent.Purposes)
		return d.By + " 登记同意书 " + d.Consent.ID + "：" + zh, d.By + " recorded consent " + d.Consent.ID + ": " + en
	case *event.ConsentWithdrawn:
		zh, en := purposesText(d.Purposes)
		return "患者撤回同意：" + zh + "（" + d.By + " 登记）", "the patient withdrew consent: " + en + " (recorded by " + d.By + ")"
	case *event.ResponsibleSet:
		return responsibleText(d)
	}
	return string(e.Type()), string(e.Type())
}

var purposeWords = map[string][2]string{event.ForMonitoring: {"居家监测", "home monitoring"}, event.ForSharing: {"共享", "sharing"}, event.ForResearch: {"科研", "research"}}

func purposesText(all []string) (zh, en string) {
	var zhs, ens []string
	for _, p := range all {
		w := purposeWords[p]
		zhs, ens = append(zhs, cmp.Or(w[0], p)), append(ens, cmp.Or(w[1], p))
	}
	return strings.Join(zhs, "、"), strings.Join(ens, ", ")
}

// responsibleText says who was chosen to answer for a patient; what is not named goes by the rule.
func responsibleText(d *event.ResponsibleSet) (zh, en string) {
	zhs, ens := []string{"总协调 " + cmp.Or(d.Coordinator, "按规则")}, []string{"coordinator " + cmp.Or(d.Coordinator, "by the rule")}
	for _, g := range slices.Sorted(maps.Keys(d.Owners)) {
		zhs, ens = append(zhs, g+" "+d.Owners[g]), append(ens, g+" "+d.Owners[g])
	}
	return d.By + " 指定：" + strings.Join(zhs, "，") + in("（", d.Why, "）"), d.By + " chose: " + strings.Join(ens, ", ") + in(" (", d.Why, ")")
}

var leftWords = map[string][2]string{event.LeftDischarged: {"出组", "discharged"}, event.LeftDied: {"死亡", "died"}, event.LeftWithdrawn: {"撤回同意", "consent withdrawn"}}

var noticeWords = map[string][2]string{
	event.NoticeQueued: {"待发送", "waiting"}, event.NoticeSent: {"已发送", "sent"}, event.NoticeDelivered: {"已送达", "delivered"},
	event.NoticeOpened: {"已查看", "opened"}, event.NoticeFailed: {"发送失败", "failed"},
}

// readingsText writes readings as the story of a warning does.
func readingsText(all []event.Reading) string {
	some := make([]string, len(all))
	for i, r := range all {
		some[i] = r.Quantity.String() + " " + r.Value.String()
	}
	return strings.Join(some, ", ")
}

func answersText(all []event.Answer, names map[string]WordPair) (zh, en string) {
	var zhs, ens []string
	for _, a := range all {
		n, known := names[a.Code]
		if !known {
			n = WordPair{Zh: a.Code, En: a.Code}
		}
		value := [2]string{a.Value.String() + in(" ", a.Unit, ""), a.Value.String() + in(" ", a.Unit, "")}
		if n.YesNo && a.Value == event.One {
			value = [2]string{"是", "yes"}
		} else if n.YesNo && a.Value == 0 {
			value = [2]string{"否", "no"}
		}
		zhs, ens = append(zhs, n.Zh+"："+value[0]), append(ens, n.En+": "+value[1])
	}
	return strings.Join(zhs, "；"), strings.Join(ens, "; ")
}

// plansBefore answers for each plan the one that it replaced.
func plansBefore(plans []event.Envelope) map[*event.PlanChanged]event.Plan {
	was, last := map[*event.PlanChanged]event.Plan{}, event.Plan{}
	for _, e := range plans {
		if d, ok := e.Data.(*event.PlanChanged); ok {
			was[d], last = last, d.Plan
		}
	}
	return was
}

// planWords says what a plan changes in the one before.
func planWords(was, is event.Plan) (zh, en string) {
	var zhs, ens []string
	add := func(z, e string) { zhs, ens = append(zhs, z), append(ens, e) }
	if was.SpO2Scale != is.SpO2Scale && max(was.SpO2Scale, is.SpO2Scale) > 1 {
		add("氧合评分表 "+itoa(max(is.SpO2Scale, 1)), "oxygen scale "+itoa(max(is.SpO2Scale, 1)))
	}
	for q := event.Quantity(1); int(q) < event.Quantities; q++ {
		a, had := was.Targets[q]
		b, has := is.Targets[q]
		nameZh, nameEn, _ := rules.Name(q)
		switch {
		case has && (!had || !sameBound(a.Low, b.Low) || !sameBound(a.High, b.High)):
			add(nameZh+" 目标 "+targetText(b), nameEn+" target "+targetText(b))
		case had && !has:
			add(nameZh+" 目标取消", nameEn+" target withdrawn")
		}
		if x, y := was.CadenceMs[q], is.CadenceMs[q]; x != y {
			add(nameZh+" 测量频率调整", nameEn+" measuring times changed")
		}
	}
	changes := func(n, m int, z, e string) {
		if n != m {
			add(z+" "+itoa(n)+" → "+itoa(m), e+" "+itoa(n)+" → "+itoa(m))
		}
	}
	changes(len(was.Overrides), len(is.Overrides), "单独设定的规则", "rules set otherwise")
	changes(len(was.Pauses), len(is.Pauses), "计划时段", "planned windows")
	changes(len(was.Facts), len(is.Facts), "患者资料", "facts about the patient")
	if len(zhs) == 0 {
		add("管理计划更新", "plan renewed")
	}
	return strings.Join(zhs, "；"), strings.Join(ens, "; ")
}

func sameBound(a, b *event.Decimal) bool { return a == b || a != nil && b != nil && *a == *b }

func targetText(t event.Target) string {
	low, high := "", ""
	if t.Low != nil {
		low = t.Low.String()
	}
	if t.High != nil {
		high = t.High.String()
	}
	switch {
	case low == "":
		return "≤ " + high
	case high == "":
		return "≥ " + low
	}
	return low + "–" + high
}

// span adds a time that touches what is shown.
func (c *Course) span(s CourseSpan) {
	if s.From < c.To && (s.To == nil || *s.To > c.From) {
		c.Spans = append(c.Spans, s)
	}
}

// mostSpans is how many silences are shown at most: the longest.
const mostSpans = 500

// turns makes spans of what opens and ends them. A silence that ends with the care ends there.
func (c *Course) turns(all []course.Turn) {
	var care *CourseSpan
	silent := map[string]event.Time{}
	before := len(c.Spans)
	var silences []CourseSpan
	for _, t := range all {
		at := t.At
		switch t.Type {
		case "signal.fell_silent":
			if _, lasts := silent[t.About]; !lasts { // repeats are the same silence
				silent[t.About] = at
			}
		case "signal.returned":
			if from, lasts := silent[t.About]; lasts {
				silences = append(silences, silence(t.About, from, &at))
				delete(silent, t.About)
			}
		case "patient.enrolled", "patient.resumed":
			care = c.turn(care, "watched", at)
		case "patient.left":
			care = c.turn(care, "away", at)
			for about, from := range silent {
				silences = append(silences, silence(about, from, &at))
			}
			clear(silent)
		}
	}
	if care != nil {
		c.span(*care)
	}
	for about, from := range silent {
		silences = append(silences, silence(about, from, nil))
	}
	for _, s := range silences {
		c.span(s)
	}
	c.longest(before)
}

// turn ends what has held and begins something else.
func (c *Course) turn(was *CourseSpan, kind string, at event.Time) *CourseSpan {
	if was != nil && was.Kind == kind {
		return was
	}
	if was != nil {
		was.To = &at
		c.span(*was)
	}
	return &CourseSpan{Kind: kind, From: at}
}

func silence(about string, from event.Time, to *event.Time) CourseSpan {
	q, _ := event.ParseQuantity(about) // history writes its name
	return CourseSpan{Kind: "silent", From: from, To: to, Quantity: q}
}

// longest lets go of the shortest spans where there are too many to be seen.
func (c *Course) longest(since int) {
	some := c.Spans[since:]
	long := func(s CourseSpan) event.Time {
		if s.To == nil {
			return event.Never
		}
		return *s.To - s.From
	}
	slices.SortStableFunc(some, func(a, b CourseSpan) int { return cmp.Compare(long(b), long(a)) })
	c.Spans = c.Spans[:since+min(len(some), mostSpans)]
	slices.SortStableFunc(c.Spans[since:], func(a, b CourseSpan) int { return cmp.Compare(a.From, b.From) })
}

// pauses draws the planned windows of each plan as long as it held. Where those of every week would be too many they are not
// drawn one by one: closer in they are.
func (c *Course) pauses(plans []event.Envelope) {
	const most = 120
	for i, e := range plans {
		d, ok := e.Data.(*event.PlanChanged)
		if !ok {
			continue
		}
		until := c.To
		if i+1 < len(plans) {
			until = min(until, plans[i+1].At)
		}
		for _, p := range d.Plan.Pauses {
			windows := alerts.Windows(p, max(c.From, e.At), until, most+1)
			if len(windows) > most {
				windows = []event.Gap{{From: max(p.From, e.At), Until: min(p.Until, until)}}
			}
			for _, w := range windows {
				c.span(CourseSpan{Kind: "planned", From: w.From, To: &w.Until, Text: p.Why})
			}
		}
	}
}

// rulesOf answers what changed about a patient's groups in a span: packs that took effect, what groups use, and who is in their teams.
func (p *past) rulesOf(tenant, patient string, from, to event.Time) (all []CourseEvent) {
	p.mu.RLock()
	defer p.mu.RUnlock()
	add := func(lane string, at event.Time, zh, en string) {
		if at >= from && at < to {
			all = append(all, CourseEvent{Lane: lane, From: at, To: at, N: 1, Zh: zh, En: en})
		}
	}
	life := p.people[streams.PatientKey(tenant, patient)]
	packs := map[string]bool{}
	for i, x := range life {
		until := event.Never
		if i+1 < len(life) {
			until = life[i+1].since
		}
		for _, g := range x.groups {
			packs[p.packOf(g, x.since)] = true
			_, name, _ := strings.Cut(g, "/")
			for i, t := range p.teams[g] {
				if t.since > x.since && t.since < until {
					var was []event.TeamMember
					if i > 0 {
						was = p.teams[g][i-1].members
					}
					zh, en := teamText(was, t.members)
					add("care", t.since, "专病组 "+name+" 团队"+zh, "team of group "+name+en)
				}
			}
			for _, u := range p.groups[g] {
				if u.since > x.since && u.since < until {
					packs[cmp.Or(u.set.Pack, rules.DefaultPack)] = true
					add("plan", u.since, "专病组 "+name+" 设置更新", "settings of group "+name+" changed")
				}
			}
		}
	}
	for pack := range packs {
		for _, v := range p.packs[pack] {
			add("plan", v.at, "规则包 "+pack+" 第 "+itoa(v.number)+" 版生效", "version "+itoa(v.number)+" of pack "+pack+" took effect")
		}
	}
	slices.SortFunc(all, func(a, b CourseEvent) int { return cmp.Or(cmp.Compare(a.From, b.From), cmp.Compare(a.En, b.En)) })
	return all
}

// teamText says who came into a team, who left it, and otherwise that functions changed.
func teamText(was, is []event.TeamMember) (zh, en string) {
	names := func(of, but []event.TeamMember) string {
		var some []string
		for _, m := range of {
			if !slices.ContainsFunc(but, func(x event.TeamMember) bool { return x.Account == m.Account }) {
				some = append(some, m.Account)
			}
		}
		return strings.Join(some, ", ")
	}
	come, gone := names(is, was), names(was, is)
	if come == "" && gone == "" {
		return "分工调整", ": functions changed"
	}
	return in("，加入 ", come, "") + in("，退出 ", gone, ""), in(", joined: ", come, "") + in(", left: ", gone, "")
}

package desk

import (
	"cmp"
	"slices"
	"strconv"
	"strings"

	"tocsin/alerts"
	"tocsin/rules"
	"tocsin/streams"
	"tocsin/streams/event"
)

// OpenWarnings: what needs somebody now? Gravest first, then by the time that is left.

// warnings answers what is open, or all that is still known.
func (w *ward) warnings(all bool, sees func(key string) bool) []Warning {
	w.mu.RLock()
	some := make([]shown, 0, 64)
	for _, s := range w.shown {
		if (all || s.past == nil) && sees(s.key) {
			some = append(some, *s)
		}
	}
	w.mu.RUnlock()
	return warningsOf(some)
}

func warningsOf(some []shown) []Warning {
	list := make([]Warning, len(some))
	for i := range some {
		list[i] = some[i].warning()
	}
	slices.SortFunc(list, byUrgency)
	return list
}

// byUrgency puts open before closed, graver before lighter, less time before more.
func byUrgency(a, b Warning) int {
	return cmp.Or(cmp.Compare(rankOf(b), rankOf(a)), cmp.Compare(a.AnswerBy, b.AnswerBy), cmp.Compare(b.Since, a.Since), cmp.Compare(a.ID, b.ID))
}

func rankOf(w Warning) int {
	if w.State == string(alerts.Closed) {
		return -1
	}
	return severityRank(w.Severity)
}

func severityRank(s event.Severity) int {
	return map[event.Severity]int{event.High: 4, event.Medium: 3, event.Low: 2, event.Technical: 1}[s]
}

// find answers a warning by its id.
func (w *ward) find(id string) (shown, bool) {
	w.mu.RLock()
	defer w.mu.RUnlock()
	if s, ok := w.shown[id]; ok {
		return *s, true
	}
	return shown{}, false
}

func (s shown) warning() Warning {
	a := s.w
	tenant, patient := streams.SplitPatientKey(s.key)
	w := Warning{
		ID: a.Alert, Tenant: tenant, Patient: patient, Group: s.group, Clinic: s.clinic, Problem: a.Problem, Episode: a.Episode, State: string(a.Phase),
		Severity: a.Severity, Peak: a.Peak, Danger: a.Danger, Rule: a.Rule, Reasons: some(a.Reasons), Score: scoreOf(a.Score),
		RaisedAt: a.RaisedAt, Since: a.Since, AnswerBy: Deadline(a.AnswerBy), Owner: a.Owner, Was: a.Was, AcceptedAt: a.AcceptedAt,
		Level: a.Level, Asked: alerts.Asked(a.Policy, a.Level), Eased: a.Eased, Version: s.offset,
		OnDuty: a.OnDuty, Offered: a.Offered, Handover: a.Handover, Call: a.Call, Contacted: a.Contacted, Shelf: a.Shelf, Planned: a.Planned, By: a.By, ShelveMs: alerts.ShelveMs(a.Policy),
		Tried: triedOf(a.Story),
	}
	if s.past != nil {
		w.AnswerBy, w.ClosedAt, w.Outcome = Deadline(event.Never), &s.past.ClosedAt, s.past.Outcome
	}
	return w
}

// some answers the list, never nil: lists of the API are not null.
func some[T any](list []T) []T {
	if list == nil {
		return []T{}
	}
	return list
}

func scoreOf(s *event.Score) *event.Score {
	if s == nil {
		return nil
	}
	full := *s
	full.Parts = some(s.Parts)
	return &full
}

// story answers a warning with how it came to be what it is.
func (w *ward) story(id string) (WarningStory, bool) {
	s, ok := w.find(id)
	if !ok {
		return WarningStory{}, false
	}
	names := map[string]WordPair{}
	if st, _, ok := w.stands(s.key); ok && st.Pack != nil {
		names = namesOf(st.Pack)
	}
	return storyOf(s, names, w.before(s), nil), true
}

func storyOf(s shown, names map[string]WordPair, before *Before, asOf *event.Time) WarningStory {
	story := WarningStory{Warning: s.warning(), LeftOut: s.w.LeftOut, Asks: s.w.Asks, Told: some(s.w.Told), Policy: s.w.Policy, Timeline: []Moment{}, Names: names, Before: before, AsOf: asOf}
	story.Policy.Steps = some(story.Policy.Steps)
	source := s.w.Story
	if s.past != nil {
		source = s.past.Story
	}
	for _, m := range source {
		zh, en := momentWords(m, s.w.Reasons)
		story.Timeline = append(story.Timeline, Moment{At: m.At, Type: m.Type, By: m.By, To: m.To, TextZh: zh, TextEn: en})
	}
	return story
}

// before answers the last closed episode of the same problem, when it is another.
func (w *ward) before(s shown) *Before {
	w.mu.RLock()
	defer w.mu.RUnlock()
	p := w.people[s.key]
	if p == nil {
		return nil
	}
	return lastOfProblem(p.p.Alerts.Closed, s)
}

func lastOfProblem(closed []alerts.Past, s shown) *Before {
	for _, c := range closed {
		if c.Problem == s.w.Problem && c.Alert != s.w.Alert && c.Episode < s.w.Episode {
			return &Before{ID: c.Alert, Episode: c.Episode, Severity: c.Peak, ClosedAt: c.ClosedAt, ClosedBy: c.ClosedBy, Outcome: c.Outcome, Done: c.Done}
		}
	}
	return nil
}

// momentWords says one line of a story, Chinese and English.
func momentWords(m alerts.Moment, reasons []event.Reason) (zh, en string) {
	severity := severityWords[m.Severity]
	switch m.Type {
	case "alert.raised":
		switch {
		case m.By != "":
			return m.By + " 手动发出" + severity[0] + "预警，通知" + alerts.StepWords(m.To)[0], m.By + " raised it by hand as " + severity[1] + "; asks " + alerts.StepWords(m.To)[1]
		case m.Note != "":
			return "处于计划时段（" + m.Note + "），暂不通知", "within a planned window (" + m.Note + "): nobody is asked before that is over"
		}
		return "发出" + severity[0] + "预警，通知" + alerts.StepWords(m.To)[0], "raised as " + severity[1] + "; asks " + alerts.StepWords(m.To)[1]
	case "alert.updated":
		return "依据更新，现为" + severity[0], "findings changed; now " + severity[1]
	case "alert.worsened":
		why := whyWords[m.Note]
		return "加重（" + why[0] + "），现为" + severity[0] + "，再次通知" + alerts.StepWords(m.To)[0], "worse (" + why[1] + "), now " + severity[1] + "; asks " + alerts.StepWords(m.To)[1] + " again"
	case "alert.eased":
		return "已无异常，等待人工结案", "nothing is found any more; waits for a person to close it"
	case "alert.accepted":
		return m.By + " 接手" + in("（", m.Note, "）"), m.By + " accepted" + in(" (", m.Note, ")")
	case "alert.escalated":
		why := whyWords[m.Note]
		return why[0] + "，上报至" + alerts.StepWords(m.To)[0], why[1] + "; asks " + alerts.StepWords(m.To)[1]
	case "alert.returned":
		return m.By + " 退回" + in("：", m.Note, ""), m.By + " gave it back" + in(": ", m.Note, "")
	case "alert.calling":
		return m.By + " 正在联系" + contactWords[m.To][0], m.By + " is calling " + contactWords[m.To][1]
	case "alert.contacted":
		return m.By + " 联系" + contactWords[m.To][0] + "：" + reachedWords[m.Note][0] + in("（", m.Text, "）"), m.By + " called " + contactWords[m.To][1] + ": " + reachedWords[m.Note][1] + in(" (", m.Text, ")")
	case "alert.offered":
		return m.By + " 拟转交 " + m.To + in("（", m.Text, "）"), m.By + " offers it to " + m.To + in(" (", m.Text, ")")
	case "alert.handover_due":
		return m.By + " 已下班，待" + alerts.StepWords(m.To)[0] + "接手", m.By + "'s shift is over: " + alerts.StepWords(m.To)[1] + " is to take it"
	case "alert.noted":
		return m.By + "：" + m.Text, m.By + ": " + m.Text
	case "alert.shelve_asked":
		return m.By + " 申请搁置，待第二人确认：" + m.Text, m.By + " asks to shelve it, which a second person has to agree to: " + m.Text
	case "alert.shelved":
		return m.By + in("、", m.To, " ") + "搁置：" + m.Text, m.By + in(" and ", m.To, "") + " shelved it: " + m.Text
	case "alert.unshelved":
		why := whyWords[m.Note]
		return why[0] + "，再次通知" + alerts.StepWords(m.To)[0], why[1] + "; asks " + alerts.StepWords(m.To)[1] + " again"
	case "reading.disowned":
		what := readingsIn(m.Note)
		return m.By + " 指明读数不属于该患者（" + what[0] + "），已剔除并重新评估：" + m.Text, m.By + " says that " + what[1] + " was not this patient's; judged anew without it: " + m.Text
	case "alert.outcome_asked":
		return "结论仍不清楚，请补充", "it is still not known what it was: say so"
	case "alert.judged":
		return m.By + " 补充结论：" + outcomeWords[m.Note][0] + in("（", m.Text, "）"), m.By + " says what it was: " + outcomeWords[m.Note][1] + in(" (", m.Text, ")")
	case "alert.closed":
		outcome := outcomeWords[m.Note]
		if m.By == "" {
			return "已结束：" + outcome[0], "over: " + outcome[1]
		}
		return m.By + " 结案：" + outcome[0], m.By + " closed it: " + outcome[1]
	default:
		return string(m.Type), string(m.Type)
	}
}

// readingsIn words readings that stand as quantity and value.
func readingsIn(note string) (words [2]string) {
	for i, one := range strings.Split(note, ", ") {
		name, value, _ := strings.Cut(one, " ")
		q, err := event.ParseQuantity(name)
		if err != nil {
			continue
		}
		zh, en, _ := rules.Name(q)
		if i > 0 {
			zh, en = "，"+zh, ", "+en
		}
		words[0], words[1] = words[0]+zh+" "+value, words[1]+en+" "+value
	}
	return words
}

// in puts a text between two others, or says nothing when it is empty.
func in(before, text, after string) string {
	if text == "" {
		return ""
	}
	return before + text + after
}

var severityWords = map[event.Severity][2]string{
	event.NoSeverity: {"无", "nothing"}, event.Low: {"低优先级", "low"}, event.Medium: {"中优先级", "medium"},
	event.High: {"高优先级", "high"}, event.Technical: {"技术", "technical"},
}

var whyWords = map[string][2]string{
	"severity": {"优先级升高", "a higher severity"}, "danger": {"进入危险范围", "immediate danger"}, "score": {"评分下限升高", "the score's lower bound rose"},
	"reason": {"出现新的依据", "a new reason"}, "unanswered": {"无人应答", "nobody answered"}, "care_overdue": {"接手后未处理", "taken and not closed in time"},
	"not_handed_over": {"交接班未接手", "nobody took it at the hand-over"},
	"expired":         {"搁置到期", "the shelving is over"}, "ended": {"搁置被取消", "the shelving was ended"}, "window_over": {"计划时段已过，仍无数据", "the planned window is over and nothing has come"},
}

var contactWords = map[string][2]string{
	event.ContactPatient: {"患者", "the patient"}, event.ContactCarer: {"照护者", "the carer"}, event.ContactCommunity: {"社区卫生服务中心", "the community clinic"},
	event.ContactEmergency: {"120", "the emergency centre"},
}

var reachedWords = map[string][2]string{event.Reached: {"已接通", "reached"}, event.NoAnswer: {"未接通", "no answer"}, event.WrongNumber: {"号码有误", "wrong number"}}

var outcomeWords = map[string][2]string{
	event.OutcomeReal: {"真实", "real"}, event.OutcomeUsual: {"真实，但属该患者常态", "real, but usual for this patient"},
	event.OutcomeMeasurement: {"测量错误", "measurement fault"}, event.OutcomeTechnical: {"技术原因", "technical"}, event.OutcomeUnknown: {"尚不清楚", "not known yet"},
	event.OutcomePlanned: {"计划时段内已恢复", "it ended within the planned window"}, event.OutcomeLeft: {"管理已结束", "the care of the patient has ended"},
}

func itoa(n int) string { return strconv.Itoa(n) }

package notify

import (
	"fmt"
	"strings"
	"time"

	"tocsin/alerts"
	"tocsin/streams/event"
)

// said is what a message says. It names neither the patient nor what they have: messages cross networks that are not the
// hospital's and light up screens on other people's tables. Whoever follows the link signs in.
type said struct {
	Notice    string     `json:"notice"`
	Recipient string     `json:"recipient"`
	Step      string     `json:"step"`
	Language  string     `json:"language"`
	Asks      []saidLine `json:"asks"` // of one patient; more than one when they are told together
	Text      string     `json:"text"`
}

// saidLine is one warning.
type saidLine struct {
	Alert    string     `json:"alert"`
	Ask      int        `json:"ask"`
	Severity string     `json:"severity"`
	Class    string     `json:"class"` // deterioration, silence, reported, fault
	Since    event.Time `json:"since"`
	AnswerBy event.Time `json:"answer_by"`
	Link     string     `json:"link"`
}

// lineOf says one warning.
func (b *book) lineOf(w alerts.Warning) saidLine {
	return saidLine{Alert: w.Alert, Ask: w.Asks, Severity: w.Peak.String(), Class: w.Problem, Since: w.RaisedAt, AnswerBy: w.AnswerBy, Link: b.desk + "/#/warning/" + w.Alert}
}

// words are a message in one language.
type words struct {
	subject, one, many, again string
	severity, class           map[string]string
	otherClass, press         string
}

var languages = map[string]words{
	"zh": {
		subject: "Tocsin 早期预警：%s，%s", one: "Tocsin 早期预警：%s", many: "Tocsin 早期预警：同一患者 %d 项", again: "（第 %d 次通知）",
		severity: map[string]string{"high": "高优先级", "medium": "中优先级", "low": "低优先级", "technical": "技术"},
		class:    map[string]string{event.Deterioration: "病情变化", event.Silence: "数据中断", event.Reported: "人工上报", event.Fault: "系统故障"}, otherClass: "其他",
		press: "按 %s 键接手。",
	},
	"en": {
		subject: "Tocsin early warning: %s, %s", one: "Tocsin early warning: %s", many: "Tocsin early warning: %d about one patient", again: " (asking no. %d)",
		severity: map[string]string{"high": "high priority", "medium": "medium priority", "low": "low priority", "technical": "technical"},
		class:    map[string]string{event.Deterioration: "deterioration", event.Silence: "no data", event.Reported: "reported by a person", event.Fault: "fault of the system"}, otherClass: "other",
		press: "Press %s to accept.",
	},
}

// message words what is said; subject is for mail.
func (b *book) message(s said, w *way, now time.Time) (subject, text string) {
	l := languages[s.Language]
	first := s.Asks[0]
	subject = fmt.Sprintf(l.subject, l.severity[first.Severity], l.classOf(first.Class))
	if len(s.Asks) == 1 {
		text = fmt.Sprintf(l.one, b.sentence(s.Language, first, w, now))
	} else {
		text = fmt.Sprintf(l.many, len(s.Asks))
		for i, line := range s.Asks {
			text += fmt.Sprintf("\n%d. %s", i+1, b.sentence(s.Language, line, w, now))
		}
	}
	if w.channel.acceptKey != "" {
		text += "\n" + fmt.Sprintf(l.press, w.channel.acceptKey)
	}
	return subject, text
}

func (l words) classOf(class string) string {
	if c, ok := l.class[class]; ok {
		return c
	}
	return l.otherClass
}

// sentence says one warning: how grave, of which class, since when, and how long it may wait. A voice reads no links.
func (b *book) sentence(language string, line saidLine, w *way, now time.Time) string {
	l := languages[language]
	since, by := line.Since.Std().In(b.zone).Format("15:04"), line.AnswerBy.Std().In(b.zone).Format("15:04")
	minutes := int((line.AnswerBy.Std().Sub(now) + time.Minute - 1) / time.Minute)
	var t strings.Builder
	t.WriteString(l.severity[line.Severity])
	if language == "zh" {
		fmt.Fprintf(&t, "，%s，%s 起，请于 %s 前（%d 分钟内）接手", l.classOf(line.Class), since, by, max(minutes, 0))
	} else {
		fmt.Fprintf(&t, ", %s, since %s; accept by %s (within %d min)", l.classOf(line.Class), since, by, max(minutes, 0))
	}
	if line.Ask > 1 {
		fmt.Fprintf(&t, l.again, line.Ask)
	}
	if w.channel.kind != kindVoice {
		t.WriteString(" " + line.Link)
	}
	return t.String()
}

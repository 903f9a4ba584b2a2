package deploy

import (
	"fmt"
	"io"
	"strings"

	"tocsin/rules"
	"tocsin/streams/event"
)

// explainWords is what stands around the words of the rules when an explanation is printed.
type explainWords struct {
	warning, step, again, by, version, score, band, notKnown, pack, when, measured, bound, low, high, until, because, source string
	unknown, rest                                                                                                            string
	whose                                                                                                                    map[string]string
	setBy                                                                                                                    string
	happened                                                                                                                 map[event.Type]string
	severity                                                                                                                 [4]string
}

var englishExplained = explainWords{
	warning: "warning %s of %s, partition %d", step: "step %d", again: "decided again: %s", by: "%s %s by pack %s %s", version: "version %d", score: "score %s %d–%d", band: ", band %s", notKnown: "; not known: %s",
	pack: " (pack %s)", when: "when %s", measured: ", measured %s", bound: "bound %s, %s", low: "%s below", high: "%s above", until: ", until %s", because: ", because: %s", source: "source [%s] %s",
	unknown: "not known", rest: "… (--json tells all of it)", whose: map[string]string{"pack": "of the pack", "group": "of the group", "patient": "of the patient"}, setBy: "%s, set by %s",
	severity: [4]string{"none", "low", "medium", "high"},
}

var chineseExplained = explainWords{
	warning: "预警 %s，患者 %s，分区 %d", step: "第 %d 步", again: "重新判定：%s", by: "%s：%s，规则包 %s %s", version: "第 %d 版", score: "评分 %s %d–%d", band: "，区间 %s", notKnown: "；未知：%s",
	pack: "（规则包 %s）", when: "条件 %s", measured: "，测于 %s", bound: "界限 %s，%s", low: "低于 %s", high: "高于 %s", until: "，至 %s", because: "，理由：%s", source: "来源 [%s] %s",
	unknown: "未知", rest: "…（--json 给出全文）", whose: map[string]string{"pack": "规则包所定", "group": "专病组所定", "patient": "患者个体化设定"}, setBy: "%s，由 %s 设定",
	happened: map[event.Type]string{(*event.AlertRaised)(nil).Type(): "预警发出", (*event.AlertUpdated)(nil).Type(): "预警更新", (*event.AlertWorsened)(nil).Type(): "预警加重", (*event.AlertEased)(nil).Type(): "预警缓解",
		(*event.AlertAccepted)(nil).Type(): "已接手", (*event.AlertEscalated)(nil).Type(): "已上报", (*event.AlertReturned)(nil).Type(): "已退回", (*event.AlertClosed)(nil).Type(): "已关闭",
		(*event.AlertContacted)(nil).Type(): "已联系", (*event.AlertOffered)(nil).Type(): "拟转交", (*event.AlertNoted)(nil).Type(): "已备注", (*event.AlertShelveAsked)(nil).Type(): "申请搁置",
		(*event.AlertShelved)(nil).Type(): "已搁置", (*event.AlertUnshelved)(nil).Type(): "搁置结束", (*event.AlertJudged)(nil).Type(): "补充结论"},
	severity: [4]string{"无", "低", "中", "高"},
}

// maxAgain is how much is printed of what came out otherwise, in characters: two whole assessments are no reading for a person.
const maxAgain = 160

// printer prints an explanation in a language, or in English with the words of the rules in both.
type printer struct {
	w      io.Writer
	s      *explainWords
	zh, en bool
}

func (x *explanation) print(w io.Writer, lang string) {
	p := &printer{w: w, s: &englishExplained, zh: lang != "en", en: lang != "zh"}
	if lang == "zh" {
		p.s = &chineseExplained
	}
	p.line(p.s.warning, x.Warning, x.Patient, x.Partition)
	for i := range x.Happened {
		h := &x.Happened[i]
		again := h.Again
		if again == sameBytes && lang == "zh" {
			again = "逐字节相同"
		}
		if r := []rune(again); len(r) > maxAgain {
			again = string(r[:maxAgain]) + p.s.rest
		}
		name := string(h.Type)
		if word := p.s.happened[h.Type]; word != "" {
			name = word + " " + name
		}
		decided := fmt.Sprintf(p.s.step, h.Step)
		if again != "" {
			decided += ", " + fmt.Sprintf(p.s.again, again)
		}
		p.line("\n%s  %s  (%s)", h.At, name, decided)
		if h.Assessed != nil {
			p.assessment(h.Assessed)
		}
	}
}

func (p *printer) line(format string, args ...any) { fmt.Fprintf(p.w, format+"\n", args...) }

func (p *printer) grade(s event.Severity) string { return p.s.severity[s] }

func (p *printer) assessment(d *event.SeverityScored) {
	p.line("  "+p.s.by, d.Problem, p.grade(d.Severity), d.Pack, p.versions(d))
	if d.Score != nil {
		p.score(d.Score)
	}
	for i := range d.Reasons {
		p.reason(&d.Reasons[i])
	}
}

// score prints the interval, what is not known, and each known part with its value, its time and its points.
func (p *printer) score(sc *event.Score) {
	line := fmt.Sprintf(p.s.score, sc.Rule, sc.Lower, sc.Upper) + fmt.Sprintf(p.s.band, sc.Band)
	var missing []string
	for _, q := range sc.Missing {
		missing = append(missing, p.name(q))
	}
	if missing = append(missing, sc.Unknown...); len(missing) > 0 {
		line += fmt.Sprintf(p.s.notKnown, strings.Join(missing, ", "))
	}
	p.line("  %s", line)
	for i := range sc.Parts {
		part := &sc.Parts[i]
		if !part.Known {
			continue
		}
		of := part.Code
		if part.Quantity != event.NoQuantity && part.Value != nil {
			_, _, unit := rules.Name(part.Quantity)
			of = strings.TrimSpace(fmt.Sprintf("%s %s %s", p.name(part.Quantity), part.Value, unit))
		}
		p.line("    %s +%d%s", of, part.Points, p.measured(part.MeasuredAt, part.Reading))
	}
}

func (p *printer) name(q event.Quantity) string {
	zh, en, _ := rules.Name(q)
	if p.en {
		return en
	}
	return zh
}

// versions tells the texts of the packs by the beginnings of their sums; of several packs each has one.
func (p *printer) versions(d *event.SeverityScored) string {
	sums := strings.Split(d.PackSum, "+")
	for i := range sums {
		sums[i] = fmt.Sprintf("%.12s…", sums[i])
	}
	if len(sums) == 1 {
		return fmt.Sprintf(p.s.version+" (%s)", d.PackVersion, sums[0])
	}
	return "(" + strings.Join(sums, " + ") + ")"
}

func (p *printer) reason(r *event.Reason) {
	line := fmt.Sprintf("  - %s %s", r.Rule, p.grade(r.Severity))
	if r.Pack != "" {
		line += fmt.Sprintf(p.s.pack, r.Pack)
	}
	p.line("%s", line)
	if p.zh {
		p.line("      %s", r.Zh)
	}
	if p.en {
		p.line("      %s", r.En)
	}
	if r.When != "" {
		p.line("      "+p.s.when, r.When)
	}
	if r.Value != nil {
		p.line("      %s %s%s", r.Value, r.Unit, p.measured(r.MeasuredAt, r.Reading))
	}
	for _, in := range r.Inputs {
		p.line("      %s", p.input(&in, r))
	}
	if r.Low != nil || r.High != nil {
		p.line("      "+p.s.bound, p.bounds(r), p.whose(r.From, r.SetBy, r))
	}
	if r.Source != "" {
		p.line("      "+p.s.source, r.Evidence, r.Source)
	}
}

// input prints a value that a condition looked at; of a number that was set otherwise also who did, until when and why.
func (p *printer) input(in *event.Input, r *event.Reason) string {
	value := p.s.unknown
	if in.Value != nil {
		value = strings.TrimSpace(in.Value.String() + " " + in.Unit)
	}
	line := in.Name + " = " + value + p.measured(in.MeasuredAt, in.Reading)
	if in.From != "" {
		line += ", " + p.whose(in.From, in.SetBy, r)
	}
	return line
}

// whose tells from whom a number is. Only one that somebody set has an end and a reason.
func (p *printer) whose(from, setBy string, r *event.Reason) string {
	line := p.s.whose[from]
	if line == "" {
		line = from
	}
	if setBy == "" {
		return line
	}
	line = fmt.Sprintf(p.s.setBy, line, setBy)
	if r.Until != nil {
		line += fmt.Sprintf(p.s.until, r.Until)
	}
	if r.Why != "" {
		line += fmt.Sprintf(p.s.because, r.Why)
	}
	return line
}

func (p *printer) measured(at *event.Time, reading string) string {
	if at == nil {
		return ""
	}
	return fmt.Sprintf(p.s.measured+" (%s)", at, reading)
}

func (p *printer) bounds(r *event.Reason) string {
	switch {
	case r.Low != nil && r.High != nil:
		return r.Low.String() + "–" + r.High.String()
	case r.Low != nil:
		return fmt.Sprintf(p.s.low, r.Low)
	default:
		return fmt.Sprintf(p.s.high, r.High)
	}
}

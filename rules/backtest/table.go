package backtest

import (
	"bytes"
	"cmp"
	"fmt"
	"io"
	"slices"
	"text/tabwriter"
	"time"

	"tocsin/streams/event"
)

// severities in the order in which they are told.
var severities = []event.Severity{event.High, event.Medium, event.Low, event.Technical}

// Table prints the numbers for a terminal.
func (r *Report) Table(w io.Writer) error {
	var b bytes.Buffer
	who := "every group that uses the pack"
	if r.Group != "" {
		who = "group " + r.Group
	}
	fmt.Fprintf(&b, "%s to %s, %s: %d patients, %.1f patient-days, read from the %s\n", r.Span.From, r.Span.To, who, r.Patients, r.Days, r.Source)
	if r.Reached < r.Span.To {
		fmt.Fprintf(&b, "the record ends at %s: nothing later is counted\n", r.Reached)
	}
	b.WriteByte('\n')
	t := tabwriter.NewWriter(&b, 0, 0, 2, ' ', 0)
	fmt.Fprintf(t, "\t%s\tcandidate %s\n", r.Sides[0].Name, r.Sides[1].Name)
	for _, line := range r.lines() {
		fmt.Fprintf(t, "%s\t%s\t%s\n", line.en, line.values[0], line.values[1])
	}
	fmt.Fprintf(t, "\n\t\t\n")
	fmt.Fprintf(t, "against each other (within %s)\t\t\n", hours(r.Tolerance))
	for _, k := range []Kind{Equal, Earlier, Later, New, Lost} {
		fmt.Fprintf(t, "%s\t%d\t%s\n", k, r.Kinds[k], r.shift(k))
	}
	fmt.Fprintf(t, "raised graver\t%d\t\nraised milder\t%d\t\n", r.Graver, r.Milder)
	fmt.Fprintf(t, "\nrule among the reasons, per 100 patient-days\t%s\tcandidate\n", r.Sides[0].Name)
	for _, rule := range r.RuleNames() {
		fmt.Fprintf(t, "  %s\t%.2f (%d)\t%.2f (%d)\n", rule, r.Per100(r.Sides[0].Rules[rule]), r.Sides[0].Rules[rule], r.Per100(r.Sides[1].Rules[rule]), r.Sides[1].Rules[rule])
	}
	if err := t.Flush(); err != nil {
		return err
	}
	for _, l := range r.Left {
		fmt.Fprintf(&b, "a label is left out: %s\n", l)
	}
	for k := range r.Sides {
		for _, f := range r.Sides[k].Faults {
			fmt.Fprintf(&b, "%s: %s\n", r.Sides[k].Name, f)
		}
	}
	_, err := w.Write(b.Bytes())
	return err
}

// line is one number of both sides.
type line struct {
	id, en, zh string
	values     [2]string
}

// lines are the numbers of both sides, in their order; every output has the same.
func (r *Report) lines() []line {
	var all []line
	add := func(id, en, zh string, value func(s *SideReport) string) {
		all = append(all, line{id, en, zh, [2]string{value(&r.Sides[0]), value(&r.Sides[1])}})
	}
	per := func(n int) string { return fmt.Sprintf("%.2f (%d)", r.Per100(n), n) }
	add("warnings", "warnings per 100 patient-days", "每100患者日预警数", func(s *SideReport) string { return per(len(s.Warnings)) })
	for _, sev := range severities {
		add("severity_"+sev.String(), "  "+sev.String(), "　"+severityZh[sev], func(s *SideReport) string { return per(s.Severity[sev]) })
	}
	add("silence", "of them about silence", "其中：信号中断", func(s *SideReport) string { return per(s.Problems[event.Silence]) })
	add("worsened", "asked again because worse", "加重后再次提醒", func(s *SideReport) string { return per(s.Worsened) })
	add("failed", "rules that failed", "规则失败次数", func(s *SideReport) string { return fmt.Sprint(s.Failed) })
	add("ppv", "share true (PPV)", "真实比例（PPV）", func(s *SideReport) string { return s.Truth.share() })
	if !r.HasLabels {
		return all
	}
	add("found", "outcomes found", "命中的结局", func(s *SideReport) string { return fmt.Sprintf("%d of %d", s.Truth.Found, s.Truth.Outcomes) })
	add("lead", "lead time, median (quartiles)", "提前时间：中位数（四分位）", func(s *SideReport) string { return s.Truth.leads() })
	add("auroc", "AUROC of patient-days", "AUROC（按患者日）", func(s *SideReport) string {
		if !s.Truth.HasArea {
			return "not known"
		}
		return fmt.Sprintf("%.3f (%d of %d days)", s.Truth.Area, s.Truth.Risky, s.Truth.Days)
	})
	return all
}

var severityZh = map[event.Severity]string{event.High: "高", event.Medium: "中", event.Low: "低", event.Technical: "技术"}

func (t *Truth) share() string {
	p, known := t.PPV()
	if !known {
		return fmt.Sprintf("not known (%d not judged)", t.Unknown)
	}
	s := fmt.Sprintf("%.1f %% (%d of %d)", 100*p, t.True, t.Warnings)
	if t.Unknown > 0 {
		s += fmt.Sprintf(", %d not judged", t.Unknown)
	}
	return s
}

func (t *Truth) leads() string {
	m, known := t.Lead(0.5)
	if !known {
		return "none was found"
	}
	low, _ := t.Lead(0.75)
	high, _ := t.Lead(0.25)
	return fmt.Sprintf("%s (%s to %s)", hours(m), hours(low), hours(high))
}

// shift answers by how much the warnings of a kind moved, in the middle.
func (r *Report) shift(k Kind) string {
	if k != Earlier && k != Later {
		return ""
	}
	all := r.shifts(k)
	if len(all) == 0 {
		return ""
	}
	slices.SortFunc(all, func(a, b time.Duration) int { return cmp.Compare(a.Abs(), b.Abs()) })
	return "median " + hours(all[len(all)/2].Abs())
}

func (r *Report) shifts(kinds ...Kind) (all []time.Duration) {
	for _, p := range r.Pairs {
		if slices.Contains(kinds, p.Kind()) {
			all = append(all, p.Shift)
		}
	}
	return all
}

// hours writes a length for people.
func hours(d time.Duration) string {
	switch {
	case d.Abs() < time.Minute:
		return d.Round(time.Second).String()
	case d.Abs() < time.Hour:
		return fmt.Sprintf("%.0f min", d.Minutes())
	default:
		return fmt.Sprintf("%.1f h", d.Hours())
	}
}

package backtest

import (
	"encoding/csv"
	"io"
	"strconv"
	"strings"
)

// SummaryCSV writes the numbers of both sides, and what became of the warnings.
func (r *Report) SummaryCSV(w io.Writer) error {
	c := csv.NewWriter(w)
	rows := [][]string{{"measure", "against", "candidate"}, {"name", r.Sides[0].Name, r.Sides[1].Name},
		{"patient_days", number(r.Days), number(r.Days)}, {"patients", strconv.Itoa(r.Patients), strconv.Itoa(r.Patients)}}
	both := func(name string, value func(s *SideReport) string) {
		rows = append(rows, []string{name, value(&r.Sides[0]), value(&r.Sides[1])})
	}
	both("warnings", func(s *SideReport) string { return strconv.Itoa(len(s.Warnings)) })
	both("warnings_per_100_patient_days", func(s *SideReport) string { return number(r.Per100(len(s.Warnings))) })
	for _, sev := range severities {
		both("warnings_"+sev.String(), func(s *SideReport) string { return strconv.Itoa(s.Severity[sev]) })
	}
	both("worsened", func(s *SideReport) string { return strconv.Itoa(s.Worsened) })
	both("failed", func(s *SideReport) string { return strconv.Itoa(s.Failed) })
	both("judged", func(s *SideReport) string { return strconv.Itoa(s.Truth.Warnings) })
	both("true", func(s *SideReport) string { return strconv.Itoa(s.Truth.True) })
	both("ppv", func(s *SideReport) string { return optional(s.Truth.PPV()) })
	if r.HasLabels {
		both("outcomes", func(s *SideReport) string { return strconv.Itoa(s.Truth.Outcomes) })
		both("outcomes_found", func(s *SideReport) string { return strconv.Itoa(s.Truth.Found) })
		both("lead_median_h", func(s *SideReport) string {
			lead, known := s.Truth.Lead(0.5)
			return optional(lead.Hours(), known)
		})
		both("auroc", func(s *SideReport) string { return optional(s.Truth.Area, s.Truth.HasArea) })
	}
	for _, k := range []Kind{Equal, Earlier, Later, New, Lost} {
		rows = append(rows, []string{string(k), "", strconv.Itoa(r.Kinds[k])})
	}
	return c.WriteAll(rows)
}

// RulesCSV writes how often each rule was a reason, and how often the first.
func (r *Report) RulesCSV(w io.Writer) error {
	rows := [][]string{{"rule", "against", "against_per_100_patient_days", "against_first", "candidate", "candidate_per_100_patient_days", "candidate_first"}}
	for _, rule := range r.RuleNames() {
		row := []string{rule}
		for k := range r.Sides {
			s := &r.Sides[k]
			row = append(row, strconv.Itoa(s.Rules[rule]), number(r.Per100(s.Rules[rule])), strconv.Itoa(s.First[rule]))
		}
		rows = append(rows, row)
	}
	return csv.NewWriter(w).WriteAll(rows)
}

// WarningsCSV writes every warning of both sides with what became of it, a pair in one row.
func (r *Report) WarningsCSV(w io.Writer) error {
	rows := [][]string{{"patient", "problem", "kind", "shift_s", "against_at", "against_severity", "against_rules", "candidate_at", "candidate_severity", "candidate_rules", "outcome"}}
	for _, p := range r.Pairs {
		first := p.first(r.Sides[0].Warnings, r.Sides[1].Warnings)
		row := []string{first.Patient, first.Problem, string(p.Kind()), "", "", "", "", "", "", "", first.Outcome}
		if p.Against >= 0 && p.Candidate >= 0 {
			row[3] = strconv.FormatInt(int64(p.Shift.Seconds()), 10)
		}
		for k, i := range []int{p.Against, p.Candidate} {
			if i >= 0 {
				x := &r.Sides[k].Warnings[i]
				copy(row[4+3*k:], []string{x.At.String(), x.Severity.String(), strings.Join(x.Rules(), " ")})
			}
		}
		rows = append(rows, row)
	}
	return csv.NewWriter(w).WriteAll(rows)
}

func number(x float64) string { return strconv.FormatFloat(x, 'f', 4, 64) }

func optional(x float64, known bool) string {
	if !known {
		return ""
	}
	return number(x)
}

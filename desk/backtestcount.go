package desk

import (
	"slices"
	"time"

	"tocsin/rules/backtest"
	"tocsin/streams/event"
)

// What of a backtest's report the page shows: counts of all patients together. Its lists of warnings stay in the report, which is let go.

// BacktestCount is what came of a backtest. What it takes for granted is in rules/backtest/BACKTEST.md.
type BacktestCount struct {
	Source      string         `json:"source" enum:"log,history"`
	Groups      int            `json:"groups" doc:"disease groups that use the pack, or did"`
	Patients    int            `json:"patients" doc:"who were watched in the span"`
	PatientDays float64        `json:"patient_days"`
	Began       *event.Time    `json:"began,omitempty" doc:"when the first of them was watched; absent: nobody was. What lies before it in the span is not recorded"`
	Reached     event.Time     `json:"reached" doc:"where the record or the span ends"`
	InForce     BacktestSide   `json:"in_force"`
	Drafted     BacktestSide   `json:"drafted"`
	Same        int            `json:"same" doc:"pairs within a minute of each other"`
	Earlier     int            `json:"earlier" doc:"of which the draft's came first"`
	EarlierMs   *int64         `json:"earlier_ms,omitempty" doc:"by how much, median"`
	Later       int            `json:"later"`
	LaterMs     *int64         `json:"later_ms,omitempty"`
	New         int            `json:"new" doc:"the draft's alone"`
	Lost        int            `json:"lost" doc:"of the version in effect alone"`
	Graver      int            `json:"graver" doc:"pairs that the draft raised graver"`
	Milder      int            `json:"milder"`
	WithinMs    int64          `json:"within_ms" doc:"how far apart two warnings may be raised and be a pair"`
	Rules       []BacktestRule `json:"rules" doc:"most warnings first"`
}

// BacktestSide is what one side warned of. A rate is per 100 patient-days, and absent below 7 patient-days.
type BacktestSide struct {
	Warnings  int      `json:"warnings"`
	High      int      `json:"high"`
	Medium    int      `json:"medium"`
	Low       int      `json:"low"`
	Technical int      `json:"technical"`
	Silence   int      `json:"silence" doc:"of them about missing readings"`
	Worsened  int      `json:"worsened" doc:"asked again because worse"`
	Failed    int      `json:"failed" doc:"times that a rule failed"`
	Judged    int      `json:"judged" doc:"warnings of deterioration whose live pair was closed with a known outcome"`
	True      int      `json:"true" doc:"of those, closed as real"`
	Unknown   int      `json:"unknown" doc:"of whom nobody has said what they were"`
	Per100    *float64 `json:"per_100_patient_days,omitempty"`
}

// BacktestRule is how often a rule was among the reasons.
type BacktestRule struct {
	Rule    string `json:"rule"`
	InForce int    `json:"in_force"`
	Drafted int    `json:"drafted"`
}

func countOf(r *backtest.Report) *BacktestCount {
	c := &BacktestCount{Source: r.Source, Groups: len(r.Groups), Patients: r.Patients, PatientDays: r.Days, Reached: r.Reached, InForce: sideOf(r, 0), Drafted: sideOf(r, 1),
		Same: r.Kinds[backtest.Equal], Earlier: r.Kinds[backtest.Earlier], EarlierMs: middle(r, backtest.Earlier), Later: r.Kinds[backtest.Later], LaterMs: middle(r, backtest.Later),
		New: r.Kinds[backtest.New], Lost: r.Kinds[backtest.Lost], Graver: r.Graver, Milder: r.Milder, WithinMs: r.Tolerance.Milliseconds(), Rules: []BacktestRule{}}
	if r.Patients > 0 {
		c.Began = &r.Began
	}
	for _, rule := range r.RuleNames() {
		c.Rules = append(c.Rules, BacktestRule{rule, r.Sides[0].Rules[rule], r.Sides[1].Rules[rule]})
	}
	return c
}

func sideOf(r *backtest.Report, k int) BacktestSide {
	s := &r.Sides[k]
	out := BacktestSide{Warnings: len(s.Warnings), High: s.Severity[event.High], Medium: s.Severity[event.Medium], Low: s.Severity[event.Low], Technical: s.Severity[event.Technical],
		Silence: s.Problems[event.Silence], Worsened: s.Worsened, Failed: s.Failed, Judged: s.Truth.Warnings, True: s.Truth.True, Unknown: s.Truth.Unknown}
	if r.Days >= leastPatientDays {
		rate := r.Per100(len(s.Warnings))
		out.Per100 = &rate
	}
	return out
}

// middle answers by how much the warnings of a kind moved, in the middle.
func middle(r *backtest.Report, k backtest.Kind) *int64 {
	var all []time.Duration
	for _, p := range r.Pairs {
		if p.Kind() == k {
			all = append(all, p.Shift.Abs())
		}
	}
	if len(all) == 0 {
		return nil
	}
	slices.Sort(all)
	ms := all[len(all)/2].Milliseconds()
	return &ms
}

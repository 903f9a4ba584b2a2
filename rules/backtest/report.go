package backtest

import (
	"cmp"
	"maps"
	"slices"
	"strings"
	"time"

	"tocsin/streams/event"
)

// Setting is what a backtest was asked to do, as it stands in the report.
type Setting struct {
	Span      Span
	Names     [2]string // of the sides: against, candidate
	Group     string    // empty: every group that uses the pack
	Source    string    // log or history
	Tolerance time.Duration
	Lead      time.Duration
	Labels    []Label
	HasLabels bool
}

// Report is what came of it.
type Report struct {
	Setting
	Groups   []string
	Patients int
	Days     float64 // patient-days watched
	Inputs   int64   // of patients, from the beginning of the record
	Values   int64   // readings and answers among them
	Sides    [2]SideReport
	Live     []Warning // as they were raised
	Pairs    []Pair
	Kinds    map[Kind]int
	Graver   int // pairs in which the candidate's was raised graver
	Milder   int
	Left     []string   // labels that are of nobody who was watched
	Began    event.Time // when the first of them was watched; 0: nobody was
	Reached  event.Time

	spells map[string][]Span
}

// SideReport is one side.
type SideReport struct {
	Name     string
	Warnings []Warning
	Worsened int
	Severity map[event.Severity]int
	Rules    map[string]int // warnings in which a rule was among the reasons
	First    map[string]int // warnings of which it was the first reason
	Problems map[string]int
	Daily    []int // warnings on each day of the span
	Failed   int
	Faults   []string
	Truth    *Truth
}

// Per100 answers how many in a hundred patient-days n are.
func (r *Report) Per100(n int) float64 {
	if r.Days == 0 {
		return 0
	}
	return 100 * float64(n) / r.Days
}

// Sum puts the shards of all partitions together. It does not depend on how many there were, nor on their order.
func Sum(o Setting, groups map[string]bool, shards []*Shard) *Report {
	r := &Report{Setting: o, Groups: slices.Sorted(maps.Keys(groups)), Kinds: map[Kind]int{}, spells: map[string][]Span{}}
	var risks [2]map[string][]risk
	for k := range r.Sides {
		risks[k] = map[string][]risk{}
		r.Sides[k] = SideReport{Name: o.Names[k], Severity: map[event.Severity]int{}, Rules: map[string]int{}, First: map[string]int{}, Problems: map[string]int{}}
	}
	for _, s := range shards {
		r.add(s, &risks)
	}
	for k := range r.Sides {
		r.Sides[k].count(o.Span)
		outcomes(r.Live, r.Sides[k].Warnings, o.Tolerance)
	}
	r.Patients = len(r.spells)
	for _, all := range r.spells {
		for _, s := range all {
			r.Days += float64(s.To-s.From) / float64(day)
		}
	}
	r.pair()
	r.judge(risks)
	return r
}

func (r *Report) add(s *Shard, risks *[2]map[string][]risk) {
	end := r.Span
	end.To = min(end.To, s.at)
	for p, all := range s.watch.within(end) {
		if s.scope.Patients[p] {
			r.spells[p] = append(r.spells[p], all...)
			for _, spell := range all {
				if r.Began == 0 || spell.From < r.Began {
					r.Began = spell.From
				}
			}
		}
	}
	r.Inputs += s.inputs
	r.Values += s.values
	r.Reached = max(r.Reached, min(s.at, r.Span.To))
	for _, w := range s.live.warnings {
		if s.watch.has(w.Patient, w.At) {
			r.Live = append(r.Live, w)
		}
	}
	slices.SortFunc(r.Live, byTime)
	for k, side := range s.Sides {
		to := &r.Sides[k]
		for _, w := range side.Warnings {
			if s.watch.has(w.Patient, w.At) {
				to.Warnings = append(to.Warnings, w)
			}
		}
		maps.Copy(risks[k], side.risks)
		to.Failed += side.Failed
		for _, f := range side.Faults {
			if !slices.Contains(to.Faults, f) {
				to.Faults = append(to.Faults, f)
			}
		}
	}
}

// has tells whether a patient was watched by the groups in question at a moment.
func (w *watch) has(patient string, at event.Time) bool {
	return slices.ContainsFunc(w.spells[patient], func(s Span) bool { return s.From <= at && at < s.To })
}

func (s *SideReport) count(span Span) {
	slices.SortFunc(s.Warnings, byTime)
	slices.Sort(s.Faults)
	s.Daily = make([]int, (span.To-span.From+day-1)/day)
	for i := range s.Warnings {
		w := &s.Warnings[i]
		s.Worsened += w.Worsened
		s.Severity[w.Severity]++
		s.Problems[w.Problem]++
		s.First[w.Rule]++
		for _, rule := range w.Rules() {
			s.Rules[rule]++
		}
		s.Daily[(w.At-span.From)/day]++
	}
}

func (r *Report) pair() {
	a, c := r.Sides[0].Warnings, r.Sides[1].Warnings
	r.Pairs = Match(a, c, r.Tolerance)
	for _, p := range r.Pairs {
		r.Kinds[p.Kind()]++
		if p.Against < 0 || p.Candidate < 0 {
			continue
		}
		switch d := graver(c[p.Candidate].Severity, a[p.Against].Severity); {
		case d > 0:
			r.Graver++
		case d < 0:
			r.Milder++
		}
	}
}

// judge holds both sides against what happened to the patients, or against what people said of live warnings.
func (r *Report) judge(risks [2]map[string][]risk) {
	if !r.HasLabels {
		for k := range r.Sides {
			r.Sides[k].Truth = byOutcome(r.Sides[k].Warnings)
		}
		return
	}
	onsets := r.onsets()
	for k := range r.Sides {
		s := &r.Sides[k]
		s.Truth = byLabel(s.Warnings, onsets, r.Lead)
		s.Truth.area(Span{r.Span.From, r.Reached}, r.spells, risks[k], onsets, r.Lead)
	}
}

// onsets answers the labels of watched patients within the span, by key; what is left over is told.
func (r *Report) onsets() map[string][]event.Time {
	byID := map[string][]string{}
	for key := range r.spells {
		_, id := cutKey(key)
		byID[key], byID[id] = append(byID[key], key), append(byID[id], key)
	}
	all := map[string][]event.Time{}
	for _, l := range r.Labels {
		switch keys := byID[l.Patient]; {
		case len(keys) == 0:
			r.Left = append(r.Left, l.Patient+": was not watched in these groups in this time")
		case len(keys) > 1:
			slices.Sort(keys)
			r.Left = append(r.Left, l.Patient+": is several patients: "+strings.Join(keys, ", "))
		case !r.Span.holds(l.Onset):
			r.Left = append(r.Left, l.Patient+": its onset "+l.Onset.String()+" is outside the span")
		case !slices.Contains(all[keys[0]], l.Onset):
			all[keys[0]] = append(all[keys[0]], l.Onset)
		}
	}
	return all
}

func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }

// RuleNames answers every rule that was a reason on a side, most on the first side first.
func (r *Report) RuleNames() []string {
	all := map[string]bool{}
	for k := range r.Sides {
		for rule := range r.Sides[k].Rules {
			all[rule] = true
		}
	}
	names := slices.Collect(maps.Keys(all))
	slices.SortFunc(names, func(a, b string) int {
		x, y := r.Sides[0].Rules[a]+r.Sides[1].Rules[a], r.Sides[0].Rules[b]+r.Sides[1].Rules[b]
		return cmp.Or(cmp.Compare(y, x), cmp.Compare(a, b))
	})
	return names
}

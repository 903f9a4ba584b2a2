package study

import (
	"math/rand/v2"
	"slices"
	"time"

	"tocsin/streams/event"
)

// Warned is what came of the warnings in a cohort.
type Warned struct {
	Patients    int     `json:"patients"`
	Days        float64 `json:"patient_days"`      // from each patient's first reading to the last
	ReadingDays int     `json:"patient_days_read"` // calendar days (UTC) with a reading
	Targets     int     `json:"targets"`
	Found       int     `json:"found"` // targets with a warning in their window
	Known       int     `json:"known"` // found, or the finding stood when the target came: somebody had been asked before
	Warnings    int     `json:"warnings"`
	True        int     `json:"true_warnings"` // with a target in whose window they are
	Grave       int     `json:"medium_or_high"`

	Kinds []Kind `json:"kinds"`
	Rules []Rule `json:"rules"`
	// LeadHours are, of each target found, the hours from its first warning in the window to the target, sorted.
	LeadHours []float64 `json:"lead_hours"`

	per []share // by patient, for the intervals
}

// Kind is what came of the targets of one kind.
type Kind struct {
	Kind    string `json:"kind"`
	Targets int    `json:"targets"`
	Found   int    `json:"found"`
	Known   int    `json:"known"`
}

// Rule is what came of the warnings that name a rule; one that names several counts with each.
type Rule struct {
	Rule     string `json:"rule"`
	Warnings int    `json:"warnings"`
	True     int    `json:"true_warnings"`
}

// share is what one patient adds.
type share struct {
	targets, found, known, warnings, right int
	days                                   float64
}

// Warn counts what the warnings of the traces found, patient by patient in the order of the cohort.
func Warn(c *Cohort, traces []Trace) Warned {
	var w Warned
	kinds, rules := map[string]*Kind{}, map[string]*Rule{}
	for i := range c.Patients {
		w.add(c, &c.Patients[i], &traces[i], kinds, rules)
	}
	for _, k := range kinds {
		w.Kinds = append(w.Kinds, *k)
	}
	slices.SortFunc(w.Kinds, func(a, b Kind) int { return order(a.Kind, b.Kind) })
	for _, r := range rules {
		w.Rules = append(w.Rules, *r)
	}
	slices.SortFunc(w.Rules, func(a, b Rule) int { return order(a.Rule, b.Rule) })
	slices.Sort(w.LeadHours)
	return w
}

func order(a, b string) int {
	if a < b {
		return -1
	}
	if a > b {
		return 1
	}
	return 0
}

func (w *Warned) add(c *Cohort, p *Patient, t *Trace, kinds map[string]*Kind, rules map[string]*Rule) {
	s := share{targets: len(p.Targets), warnings: len(t.Warnings), days: p.Days()}
	for i := range p.Targets {
		target := &p.Targets[i]
		k := kinds[target.Kind]
		if k == nil {
			k = &Kind{Kind: target.Kind}
			kinds[target.Kind] = k
		}
		k.Targets++
		first := slices.IndexFunc(t.Warnings, func(x Warning) bool { return c.finds(&x, target) })
		if first >= 0 {
			s.found, k.Found = s.found+1, k.Found+1
			w.LeadHours = append(w.LeadHours, target.At.Sub(t.Warnings[first].At).Hours())
		}
		if first >= 0 || t.stands(target) {
			s.known, k.Known = s.known+1, k.Known+1
		}
	}
	for i := range t.Warnings {
		x := &t.Warnings[i]
		right := slices.ContainsFunc(p.Targets, func(g Target) bool { return c.finds(x, &g) })
		w.count(x, right, &s, rules)
	}
	w.Patients++
	w.Days += s.days
	w.ReadingDays += p.readingDays()
	w.Targets, w.Found, w.Known, w.Warnings, w.True = w.Targets+s.targets, w.Found+s.found, w.Known+s.known, w.Warnings+s.warnings, w.True+s.right
	w.per = append(w.per, s)
}

func (w *Warned) count(x *Warning, right bool, s *share, rules map[string]*Rule) {
	if right {
		s.right++
	}
	if x.Severity >= event.Medium {
		w.Grave++
	}
	for _, id := range x.Rules {
		r := rules[id]
		if r == nil {
			r = &Rule{Rule: id}
			rules[id] = r
		}
		r.Warnings++
		if right {
			r.True++
		}
	}
}

// stands tells whether what the target is about was found and stood at its moment.
func (t *Trace) stands(g *Target) bool {
	return slices.ContainsFunc(t.Standing, func(s Span) bool { return s.From <= g.At && g.At < s.To && names(g.Signs, s.Signs) })
}

// Days answers how long the patient was watched.
func (p *Patient) Days() float64 { return p.End.Sub(p.Begin).Hours() / 24 }

func (p *Patient) readingDays() int {
	days := map[event.Time]bool{}
	for i := range p.Uploads {
		days[p.Uploads[i].At/event.Time(24*time.Hour/time.Millisecond)] = true
	}
	return len(days)
}

// Sensitivity is the share of targets found.
func (w *Warned) Sensitivity() float64 { return ratio(w.Found, w.Targets) }

// KnownShare is the share of targets found or standing.
func (w *Warned) KnownShare() float64 { return ratio(w.Known, w.Targets) }

// PPV is the share of warnings that find a target.
func (w *Warned) PPV() float64 { return ratio(w.True, w.Warnings) }

// PerDay is warnings for each patient-day.
func (w *Warned) PerDay() float64 {
	if w.Days == 0 {
		return 0
	}
	return float64(w.Warnings) / w.Days
}

// PerReadingDay is warnings for each day with a reading.
func (w *Warned) PerReadingDay() float64 { return ratio(w.Warnings, w.ReadingDays) }

// WD is warnings for each target found (W:D); 0 when none is.
func (w *Warned) WD() float64 { return ratio(w.Warnings, w.Found) }

func ratio(a, b int) float64 {
	if b == 0 {
		return 0
	}
	return float64(a) / float64(b)
}

// Median answers the median of sorted numbers; of an even count the mean of the middle two.
func Median(sorted []float64) float64 {
	n := len(sorted)
	if n == 0 {
		return 0
	}
	return (sorted[(n-1)/2] + sorted[n/2]) / 2
}

// Interval is a range that holds 95 of 100 draws.
type Interval struct{ Low, High float64 }

// draws of the bootstrap. The seed is fixed: the same data give the same interval.
const draws = 1000

// Intervals draws patients with replacement, since the readings of one are alike, and answers 95 % intervals of
// sensitivity, known share, PPV and warnings a patient-day.
func (w *Warned) Intervals() (sensitivity, known, ppv, perDay Interval) {
	r := rand.New(rand.NewPCG(2019, uint64(len(w.per))))
	var all [4][]float64
	for range draws {
		var s share
		for range w.per {
			x := w.per[r.IntN(len(w.per))]
			s.targets, s.found, s.known, s.warnings, s.right, s.days = s.targets+x.targets, s.found+x.found, s.known+x.known, s.warnings+x.warnings, s.right+x.right, s.days+x.days
		}
		all[0] = append(all[0], ratio(s.found, s.targets))
		all[1] = append(all[1], ratio(s.known, s.targets))
		all[2] = append(all[2], ratio(s.right, s.warnings))
		if s.days > 0 {
			all[3] = append(all[3], float64(s.warnings)/s.days)
		}
	}
	return middle(all[0]), middle(all[1]), middle(all[2]), middle(all[3])
}

func middle(x []float64) Interval {
	if len(x) == 0 {
		return Interval{}
	}
	slices.Sort(x)
	return Interval{x[len(x)*25/1000], x[(len(x)*975)/1000]}
}

package study

import (
	"fmt"
	"slices"
	"strings"
)

// Report is what an evaluation came to. Its JSON is metrics.json.
type Report struct {
	Cohort   string    `json:"cohort"`
	Half     string    `json:"half"`
	Patients int       `json:"patients"`
	Before   string    `json:"window_before"`
	After    string    `json:"window_after"`
	Target   string    `json:"target"`
	Left     []string  `json:"left_out"`
	Scores   []Scored  `json:"scores,omitempty"`
	Stays    []Stays   `json:"stays,omitempty"`
	Packs    []Outcome `json:"packs"`
	Equal    []Equal   `json:"at_equal_sensitivity,omitempty"`
	Chosen   *Choice   `json:"choice,omitempty"`
	Refused  []string  `json:"faults,omitempty"` // what failed while deciding; none may
	Command  string    `json:"command"`
	families []Family  // in the order asked for
	hours    bool
}

// Scored is a score row by row.
type Scored struct {
	Pack string `json:"pack"`
	Hourly
}

// Stays is a score where a stay has an outcome and no onset.
type Stays struct {
	Pack       string  `json:"pack"`
	Stays      int     `json:"stays"`
	Positive   int     `json:"positive"`
	AUROC      float64 `json:"auroc"`
	Thresholds []Reach `json:"thresholds"`
	curve      []Point
}

// Reach is a stay's highest score held against a threshold.
type Reach struct {
	Threshold   int     `json:"threshold"`
	Sensitivity float64 `json:"sensitivity"`
	Specificity float64 `json:"specificity"`
	PPV         float64 `json:"ppv"`
}

// Outcome is what the warnings of one pack came to, on one half or on all.
type Outcome struct {
	Pack      string `json:"pack"`
	Says      string `json:"says"`
	Threshold int    `json:"threshold"`
	Half      string `json:"half"`
	Warned
	Sensitivity95 Interval `json:"sensitivity_95"`
	Known95       Interval `json:"known_95"`
	PPV95         Interval `json:"ppv_95"`
	PerDay95      Interval `json:"per_patient_day_95"`
}

// OutcomeOf adds the intervals.
func OutcomeOf(id, says string, threshold int, half string, w Warned) Outcome {
	o := Outcome{Pack: id, Says: says, Threshold: threshold, Half: half, Warned: w}
	o.Sensitivity95, o.Known95, o.PPV95, o.PerDay95 = w.Intervals()
	return o
}

// Name is how a pack stands in tables.
func (o *Outcome) Name() string {
	if o.Threshold == 0 {
		return o.Pack
	}
	return fmt.Sprintf("%s, %d", o.Pack, o.Threshold)
}

// Equal compares a pack with one of the first family at its sensitivity, between the two members of its family that are
// nearest (on the straight line).
type Equal struct {
	With        string  `json:"with"`
	Sensitivity float64 `json:"sensitivity"`
	PerDay      float64 `json:"with_per_patient_day"`
	Pack        string  `json:"pack"`
	Reached     bool    `json:"reached"`
	Needs       float64 `json:"per_patient_day"`
}

// EqualTo compares the families in outcomes with the member of the first family at the threshold.
func EqualTo(outcomes []Outcome, first string, threshold int) (all []Equal) {
	i := slices.IndexFunc(outcomes, func(o Outcome) bool { return o.Pack == first && o.Threshold == threshold })
	if i < 0 {
		return nil
	}
	with := &outcomes[i]
	var done []string
	for k := range outcomes {
		id := outcomes[k].Pack
		if id == first || slices.Contains(done, id) {
			continue
		}
		done = append(done, id)
		e := Equal{With: with.Name(), Sensitivity: with.Sensitivity(), PerDay: with.PerDay(), Pack: id}
		e.Needs, e.Reached = needs(outcomes, id, e.Sensitivity)
		all = append(all, e)
	}
	return all
}

// needs answers how many warnings a patient-day a family gives at a sensitivity.
func needs(outcomes []Outcome, id string, sensitivity float64) (perDay float64, reached bool) {
	var members []*Outcome
	for k := range outcomes {
		if outcomes[k].Pack == id {
			members = append(members, &outcomes[k])
		}
	}
	slices.SortStableFunc(members, func(a, b *Outcome) int {
		switch {
		case a.Sensitivity() < b.Sensitivity():
			return -1
		case a.Sensitivity() > b.Sensitivity():
			return 1
		}
		return 0
	})
	for k := 1; k < len(members); k++ {
		a, b := members[k-1], members[k]
		if lo, hi := a.Sensitivity(), b.Sensitivity(); lo <= sensitivity && sensitivity <= hi && lo < hi {
			return a.PerDay() + (b.PerDay()-a.PerDay())*(sensitivity-lo)/(hi-lo), true
		}
	}
	return 0, false
}

// Choice is the pack that half a speaks for, and what it came to on half b.
type Choice struct {
	Rule string  `json:"rule"`
	Pack string  `json:"pack"`
	On   Outcome `json:"on_half_a"`
	In   Outcome `json:"on_half_b"`
}

// The aim: few, true warnings.
const (
	aimFound  = 0.9
	aimPerDay = 0.3
)

// ChoiceRule is how Choose chooses, in words.
const ChoiceRule = "of the packs that on half a find at least 90 % of the targets with at most 0.3 warnings a day with readings, the one with the highest PPV; at equal PPV the one with fewer warnings"

// Choose chooses on half a. It answers nil when no pack reaches the aim there, or half b was not measured.
func Choose(outcomes []Outcome) *Choice {
	var best *Outcome
	for k := range outcomes {
		o := &outcomes[k]
		if o.Half != "a" || o.Sensitivity() < aimFound || o.PerReadingDay() > aimPerDay {
			continue
		}
		if best == nil || o.PPV() > best.PPV() || o.PPV() == best.PPV() && o.Warnings < best.Warnings {
			best = o
		}
	}
	if best == nil {
		return nil
	}
	for k := range outcomes {
		if o := &outcomes[k]; o.Half == "b" && o.Pack == best.Pack && o.Threshold == best.Threshold {
			return &Choice{Rule: ChoiceRule, Pack: best.Pack, On: *best, In: *o}
		}
	}
	return nil
}

// HighestOf scores whole stays: those with a target are positive.
func HighestOf(id string, c *Cohort, traces []Trace, thresholds []int) Stays {
	s := Stays{Pack: id}
	var cases []Case
	for i := range c.Patients {
		x := Case{Positive: len(c.Patients[i].Targets) > 0}
		for _, v := range traces[i].Lower {
			x.Score = max(x.Score, float64(v))
		}
		if x.Positive {
			s.Positive++
		}
		cases = append(cases, x)
	}
	s.Stays = len(cases)
	s.curve, s.AUROC, _ = ROC(cases)
	for _, t := range thresholds {
		tp, fp := 0, 0
		for _, x := range cases {
			switch {
			case x.Score < float64(t):
			case x.Positive:
				tp++
			default:
				fp++
			}
		}
		s.Thresholds = append(s.Thresholds, Reach{t, ratio(tp, s.Positive), 1 - ratio(fp, s.Stays-s.Positive), ratio(tp, tp+fp)})
	}
	return s
}

// Markdown is the report in words.
func (r *Report) Markdown() string {
	var b strings.Builder
	p := func(format string, a ...any) { fmt.Fprintf(&b, format+"\n", a...) }
	p("# %s\n", r.Cohort)
	p("What was to be found: %s. Patients: %d (half: %s).\n", r.Target, r.Patients, r.Half)
	p("Made by `%s`.\n", r.Command)
	r.short(p)
	r.definitions(p)
	r.scores(p)
	r.warnings(p)
	r.equal(p)
	r.choice(p)
	p("\n## Left out, and limits\n")
	for _, l := range r.Left {
		p("- %s", l)
	}
	for _, l := range r.Refused {
		p("- while deciding: %s", l)
	}
	if !r.hours && len(r.Stays) == 0 {
		p("- The alerts of this set follow fixed limits on the same readings: a pack with these limits finds most of them by construction. What is measured is how few warnings that takes, and what one person is asked twice; not whether a warning helps.")
		p("- What nobody validated may still have mattered: a warning without an alert counts as false here.")
	}
	p("- Nobody acted on these warnings, and what was done for the patients at the time is part of the data. A target that no reading announces cannot be found.")
	p("- These are recorded data of one set. They say nothing about other patients, other places or what warning earlier would have changed.")
	return b.String()
}

type printer func(format string, a ...any)

func (r *Report) definitions(p printer) {
	p("## What the words mean\n")
	p("- **Warning**: a moment at which a person is asked about deterioration (`alert.raised`, or `alert.worsened` after somebody had it), from the same cores in the same cascade as live. The desk of the study takes and closes each warning at once, so that the next one means something worse, a new reason, or that nothing was found in between.")
	p("- **Found**: a target in whose window, from %s before it to %s, a warning was given%s.", r.Before, r.until(), r.signs())
	p("- **Known**: found, or the finding stood at the target's moment: somebody had been asked earlier, and it had not ended.")
	p("- **Sensitivity**: found targets / targets. **PPV**: warnings in the window of a target / warnings. **W:D**: warnings / targets found.")
	p("- **Patient-day**: 24 h between a patient's first and last row or reading. **Day with readings**: a calendar day (UTC) with at least one.")
	p("- **Lead time**: from the first warning (or row at the threshold) in the window to the target.")
	p("- Intervals hold 95 of 100 of %d draws of patients with replacement.", draws)
	if r.hours {
		p("- **Lower bound**: the score of what is known; a sign that is missing adds nothing. How long a value counts is the pack's word; the packs made for studies keep the last one without limit. Partial NEWS2 has five of seven signs: no oxygen, no consciousness.")
		p("- **AUROC (rows)**: each row is one case, the challenge's label its truth. **AUROC (stays)**: each stay is one case, by its highest score before the onset. Ties count one half.")
		p("- **Crossing**: a row at the threshold or above after one below it: what a bare threshold would warn of.")
		p("- **Utility**: of the PhysioNet/CinC Challenge 2019, a row at the threshold or above being an alarm; 0 is no alarm at all, 1 the best possible.")
	}
	p("")
}

func (r *Report) until() string {
	if r.hours || len(r.Stays) > 0 {
		return "its moment"
	}
	return r.After + " after it, since the platform of the set looked at readings by day and told of those of an evening in the morning"
}

func (r *Report) signs() string {
	if r.hours || len(r.Stays) > 0 {
		return ""
	}
	return " that names a sign of its kind"
}

func percent(x float64) string { return fmt.Sprintf("%.1f %%", 100*x) }

func (i Interval) percent() string { return fmt.Sprintf("%.1f–%.1f", 100*i.Low, 100*i.High) }

func (r *Report) scores(p printer) {
	for _, s := range r.Scores {
		p("## The score of %s, row by row\n", s.Pack)
		p("%d rows of %d stays, %d rows labelled, %d stays with an onset. AUROC (rows) **%.3f**, AUROC (stays) **%.3f**.\n", s.Rows, s.Stays, s.Labelled, s.Septic, s.AUROC, s.StayAUROC)
		p("| lower bound at least | sensitivity in the %s before onset | PPV (rows) | specificity (rows) | crossings / patient-day | PPV (crossings) | W:D | median lead (h) | utility |", r.Before)
		p("| --- | --- | --- | --- | --- | --- | --- | --- | --- |")
		for _, a := range s.Thresholds {
			p("| %d | %s (%d of %d) | %s | %s | %.2f | %s | %.1f | %.0f | %.3f |", a.Threshold, percent(a.Sensitivity), a.Reached, s.Septic, percent(a.PPV), percent(a.Specificity), a.CrossingsDay, percent(a.CrossingsPPV), a.WD, a.LeadHours, a.Utility)
		}
		p("")
	}
	for _, s := range r.Stays {
		p("## The score of %s, stay by stay\n", s.Pack)
		p("%d stays, %d positive. AUROC of the highest lower bound **%.3f**.\n", s.Stays, s.Positive, s.AUROC)
		p("| lower bound at least | sensitivity | specificity | PPV |\n| --- | --- | --- | --- |")
		for _, a := range s.Thresholds {
			p("| %d | %s | %s | %s |", a.Threshold, percent(a.Sensitivity), percent(a.Specificity), percent(a.PPV))
		}
		p("")
	}
}

func (r *Report) warnings(p printer) {
	p("## Warnings\n")
	p("| pack | half | found | sensitivity (95 %%) | known | warnings / patient-day (95 %%) | / day with readings | PPV (95 %%) | W:D | median lead (h) |")
	p("| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |")
	for k := range r.Packs {
		o := &r.Packs[k]
		p("| %s | %s | %d of %d | %s (%s) | %s | %.3f (%.3f–%.3f) | %.3f | %s (%s) | %.1f | %.1f |", o.Name(), o.Half, o.Found, o.Targets, percent(o.Sensitivity()), o.Sensitivity95.percent(),
			percent(o.KnownShare()), o.PerDay(), o.PerDay95.Low, o.PerDay95.High, o.PerReadingDay(), percent(o.PPV()), o.PPV95.percent(), o.WD(), Median(o.LeadHours))
	}
	p("")
	for _, f := range r.families {
		p("- `%s`: %s", f.ID, f.Says)
	}
	if len(r.Packs) == 0 {
		return
	}
	o := r.shown()
	p("\n### By kind and by rule: %s, half %s\n", o.Name(), o.Half)
	p("| kind | targets | found | known |\n| --- | --- | --- | --- |")
	for _, x := range o.Kinds {
		p("| %s | %d | %d | %d |", x.Kind, x.Targets, x.Found, x.Known)
	}
	p("\n| rule | warnings that name it | of them true |\n| --- | --- | --- |")
	for _, x := range o.Rules {
		p("| %s | %d | %d |", x.Rule, x.Warnings, x.True)
	}
}

// shown is the pack that is told in detail: the first asked for, at the threshold of 5 where it has one.
func (r *Report) shown() *Outcome {
	for k := range r.Packs {
		if o := &r.Packs[k]; o.Pack == r.Packs[0].Pack && o.Threshold == 5 {
			return o
		}
	}
	return &r.Packs[0]
}

// short says in a few lines what the tables say.
func (r *Report) short(p printer) {
	if len(r.Packs) == 0 {
		return
	}
	o := r.shown()
	p("## In short\n")
	for _, s := range r.Scores[:min(1, len(r.Scores))] {
		p("- The score of %s tells rows apart with an AUROC of %.3f.", s.Pack, s.AUROC)
		for _, a := range s.Thresholds {
			p("- At %d and above it was reached in the %s before onset in %s of stays with one, with a PPV of %s (rows) and %.2f crossings a patient-day.", a.Threshold, r.Before, percent(a.Sensitivity), percent(a.PPV), a.CrossingsDay)
		}
	}
	p("- As warnings, %s found %s of the targets (95 %%: %s; known: %s) with %.3f warnings a patient-day (%.3f a day with readings), PPV %s, W:D %.1f.",
		o.Name(), percent(o.Sensitivity()), o.Sensitivity95.percent(), percent(o.KnownShare()), o.PerDay(), o.PerReadingDay(), percent(o.PPV()), o.WD())
	for _, e := range r.Equal {
		if e.Reached {
			p("- At the sensitivity of %s, %s gives %+.0f %% warnings.", e.With, e.Pack, 100*(e.Needs/e.PerDay-1))
		}
	}
	if c := r.Chosen; c != nil {
		p("- Chosen on half a: %s. On half b it found %s (95 %%: %s; known: %s) with %.3f warnings a patient-day.", c.Pack, percent(c.In.Sensitivity()), c.In.Sensitivity95.percent(), percent(c.In.KnownShare()), c.In.PerDay())
	}
	p("")
}

func (r *Report) equal(p printer) {
	if len(r.Equal) == 0 {
		return
	}
	p("\n## At equal sensitivity\n")
	p("| compared with | sensitivity | its warnings / patient-day | pack | warnings / patient-day at that sensitivity | change |")
	p("| --- | --- | --- | --- | --- | --- |")
	for _, e := range r.Equal {
		if !e.Reached {
			p("| %s | %s | %.3f | %s | none of its thresholds lie on both sides of it | |", e.With, percent(e.Sensitivity), e.PerDay, e.Pack)
			continue
		}
		p("| %s | %s | %.3f | %s | %.3f | %+.0f %% |", e.With, percent(e.Sensitivity), e.PerDay, e.Pack, e.Needs, 100*(e.Needs/e.PerDay-1))
	}
}

func (r *Report) choice(p printer) {
	if r.Chosen == nil {
		return
	}
	c := r.Chosen
	p("\n## What was chosen on half a, and what it came to on half b\n")
	p("Rule: %s. Chosen: **%s**.\n", c.Rule, c.Pack)
	p("On half a, where it was chosen: %s found (%s known), %.3f warnings a patient-day, PPV %s.", percent(c.On.Sensitivity()), percent(c.On.KnownShare()), c.On.PerDay(), percent(c.On.PPV()))
	p("On half b, where it is measured: **%s found** (95 %%: %s), **%s known** (%s), **%.3f warnings a patient-day** (%.3f a day with readings), PPV %s (%s).",
		percent(c.In.Sensitivity()), c.In.Sensitivity95.percent(), percent(c.In.KnownShare()), c.In.Known95.percent(), c.In.PerDay(), c.In.PerReadingDay(), percent(c.In.PPV()), c.In.PPV95.percent())
	p("The aim was at least 90 %% found with at most 0.3 warnings a patient-day: %s on half b by warnings that were given, %s when a finding that still stood counts.", reached(c.In.Sensitivity(), &c.In), reached(c.In.KnownShare(), &c.In))
}

func reached(found float64, o *Outcome) string {
	if found >= aimFound && o.PerReadingDay() <= aimPerDay {
		return "reached"
	}
	return "not reached"
}

// Use says which packs were asked for, in which order, and whether the cohort is hourly.
func (r *Report) Use(families []Family, hours bool) { r.families, r.hours = families, hours }

package study

import (
	"cmp"
	"fmt"
	"slices"

	"tocsin/rules/pack"
	"tocsin/rules/study"
)

// Thresholds are those at which scores are reported.
var Thresholds = []int{3, 5, 7}

// Plan is one evaluation.
type Plan struct {
	Cohort   study.Cohort
	Families []study.Family
	Half     string // a, b, or all, which tells each half too when the cohort is not hourly
	Command  string // for the report
	// Began hears how many patients will be played, Done of each.
	Began func(total int)
	Done  func()
}

// Evaluate plays every patient under every pack.
func Evaluate(p Plan) (study.Report, error) {
	c := p.Cohort.Of(p.Half)
	r := study.Report{Cohort: c.Name, Half: p.Half, Patients: len(c.Patients), Before: span(c.Before.Hours()), After: span(c.After.Hours()), Target: c.What, Left: c.Left, Command: p.Command}
	hours, stays := hourly(&c), wholeStays(&c)
	r.Use(p.Families, hours)
	if len(c.Patients) == 0 {
		return r, fmt.Errorf("there is no patient in half %s of %s", p.Half, c.Name)
	}
	total, scored := 0, 0
	for _, f := range p.Families {
		total += len(f.Members)
		if (hours || stays) && hasScore(f) {
			scored++
		}
	}
	p.Began((total + scored) * len(c.Patients))
	for _, f := range p.Families {
		if (hours || stays) && hasScore(f) {
			if err := p.score(&r, &c, f, hours); err != nil {
				return r, err
			}
		}
		for _, m := range f.Members {
			if err := p.warn(&r, &c, f, m); err != nil {
				return r, err
			}
		}
	}
	order(r.Packs, p.Families)
	if hours {
		for _, t := range []int{5, 7} {
			r.Equal = append(r.Equal, study.EqualTo(r.Packs, p.Families[0].ID, t)...)
		}
	} else if !stays {
		r.Chosen = study.Choose(r.Packs)
	}
	return r, nil
}

// span is a length in words.
func span(hours float64) string {
	switch {
	case hours == 0:
		return "no time"
	case hours < 1:
		return fmt.Sprintf("%.0f min", hours*60)
	case hours > 72:
		return fmt.Sprintf("%.0f d", hours/24)
	}
	return fmt.Sprintf("%.0f h", hours)
}

func hourly(c *study.Cohort) bool { return len(c.Patients) > 0 && len(c.Patients[0].Hours) > 0 }

// wholeStays tells whether what is to be found has no moment of its own.
func wholeStays(c *study.Cohort) bool {
	return slices.ContainsFunc(c.Patients, func(p study.Patient) bool { return len(p.Targets) > 0 && p.Targets[0].Kind == deathKind })
}

func hasScore(f study.Family) bool {
	p, err := compile(f.Members[0].Text)
	return err == nil && len(p.Scores) > 0
}

// play plays the cohort under one pack, several patients at once.
func (p *Plan) play(c *study.Cohort, text string, asRecorded bool) ([]study.Trace, error) {
	traces := make([]study.Trace, len(c.Patients))
	return traces, each(len(traces), p.Done, func(i int) (err error) {
		if traces[i], err = Play(&c.Patients[i], text, asRecorded); err != nil {
			return fmt.Errorf("patient %s: %w", c.Patients[i].ID, err)
		}
		return nil
	})
}

// score reads the family's score, which its threshold does not change.
func (p *Plan) score(r *study.Report, c *study.Cohort, f study.Family, hours bool) error {
	text := f.Members[0].Text
	traces, err := p.play(c, text, true)
	if err != nil {
		return err
	}
	if hours {
		h, _ := study.Hours(c, traces, Thresholds)
		r.Scores = append(r.Scores, study.Scored{Pack: f.ID, Hourly: h})
		return nil
	}
	r.Stays = append(r.Stays, study.HighestOf(f.ID, c, traces, Thresholds))
	return nil
}

func (p *Plan) warn(r *study.Report, c *study.Cohort, f study.Family, m study.Member) error {
	traces, err := p.play(c, m.Text, false)
	if err != nil {
		return err
	}
	for i := range traces {
		for _, fault := range traces[i].Faults {
			r.Refused = append(r.Refused, fmt.Sprintf("%s, patient %s: %s", f.ID, c.Patients[i].ID, fault))
		}
	}
	threshold := m.Threshold
	if len(f.Members) == 1 {
		threshold = 0
	}
	r.Packs = append(r.Packs, study.OutcomeOf(f.ID, f.Says, threshold, cmp.Or(p.Half, "all"), study.Warn(c, traces)))
	if p.Half == "a" || p.Half == "b" || hourly(c) || wholeStays(c) {
		return nil
	}
	for _, half := range []string{"a", "b"} {
		part, its := *c, []study.Trace(nil)
		part.Patients = nil
		for i := range c.Patients {
			if study.Half(c.Patients[i].ID) == half {
				part.Patients, its = append(part.Patients, c.Patients[i]), append(its, traces[i])
			}
		}
		r.Packs = append(r.Packs, study.OutcomeOf(f.ID, f.Says, threshold, half, study.Warn(&part, its)))
	}
	return nil
}

// order puts halves together and keeps families in the order asked for.
func order(all []study.Outcome, families []study.Family) {
	place := func(o *study.Outcome) int {
		return slices.IndexFunc(families, func(f study.Family) bool { return f.ID == o.Pack })
	}
	slices.SortStableFunc(all, func(a, b study.Outcome) int {
		return cmp.Or(cmp.Compare(place(&a), place(&b)), cmp.Compare(rank(a.Half), rank(b.Half)), cmp.Compare(a.Threshold, b.Threshold))
	})
}

// rank puts all patients before each half.
func rank(half string) string {
	if half == "all" {
		return ""
	}
	return half
}

// FamilyOf makes a family of one pack.
func FamilyOf(id, text string) (study.Family, error) {
	p, err := pack.CompileFile(id, text)
	if err != nil {
		return study.Family{}, err
	}
	return study.Family{ID: p.ID, Says: fmt.Sprintf("%s, version %d", p.En, p.Version), Members: []study.Member{{Text: text}}}, nil
}

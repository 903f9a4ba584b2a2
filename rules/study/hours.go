package study

import (
	"slices"
	"time"
)

// Hourly is what a score came to in hourly data, row for row, as the challenge counts.
type Hourly struct {
	Rows       int     `json:"rows"`
	Labelled   int     `json:"rows_labelled"`
	Stays      int     `json:"stays"`
	Septic     int     `json:"stays_with_onset"`
	AUROC      float64 `json:"auroc_rows"`  // a row is one case, the label its truth
	StayAUROC  float64 `json:"auroc_stays"` // a stay is one case: the highest score before onset, or at all
	ROC        []Point `json:"-"`
	Thresholds []At    `json:"thresholds"`
}

// At is what calling a row positive when the score's lower bound is at least Threshold came to.
type At struct {
	Threshold int `json:"threshold"`
	// Reached counts stays with an onset in which a row of the Before of it is positive.
	Reached     int     `json:"reached_before_onset"`
	Sensitivity float64 `json:"sensitivity_before_onset"`
	Positive    int     `json:"rows_positive"`
	PPV         float64 `json:"ppv_rows"` // share of positive rows that lie in the Before of an onset
	Specificity float64 `json:"specificity_rows"`
	// Crossings count the rows that are positive when the row before was not: the warnings of a bare threshold.
	Crossings     int     `json:"crossings"`
	CrossingsDay  float64 `json:"crossings_per_patient_day"`
	CrossingsPPV  float64 `json:"ppv_crossings"`
	WD            float64 `json:"crossings_per_stay_reached"`
	LeadHours     float64 `json:"median_lead_hours"` // from the first positive row of the window to the onset
	Utility       float64 `json:"utility"`           // normalised over the cohort
	observed      float64
	best, nothing float64
	leads         []float64
}

// Hours scores every row of hourly data by what was known after it. Traces are those of a pack whose scores are all told.
func Hours(c *Cohort, traces []Trace, thresholds []int) (Hourly, bool) {
	h := Hourly{}
	for _, t := range thresholds {
		h.Thresholds = append(h.Thresholds, At{Threshold: t})
	}
	var rows, stays []Case
	days := 0.0
	for i := range c.Patients {
		p := &c.Patients[i]
		scores := p.rowScores(&traces[i])
		if len(scores) == 0 {
			continue
		}
		h.Stays++
		days += p.Days()
		if len(p.Targets) > 0 {
			h.Septic++
		}
		for k := range scores {
			rows = append(rows, Case{float64(scores[k]), p.Hours[k].Label})
			if p.Hours[k].Label {
				h.Labelled++
			}
		}
		stays = append(stays, p.highest(scores))
		for k := range h.Thresholds {
			h.Thresholds[k].stay(p, scores, c.Before)
		}
	}
	if h.Rows = len(rows); h.Rows == 0 {
		return h, false
	}
	h.ROC, h.AUROC, _ = ROC(rows)
	_, h.StayAUROC, _ = ROC(stays)
	for k := range h.Thresholds {
		h.Thresholds[k].finish(&h, days)
	}
	return h, true
}

// rowScores answers the lower bound after each row; before the first value it is nothing.
func (p *Patient) rowScores(t *Trace) []int {
	scores := make([]int, len(p.Hours))
	for i, h := range p.Hours {
		if h.Uploads > 0 && h.Uploads <= len(t.Lower) {
			scores[i] = t.Lower[h.Uploads-1]
		}
	}
	return scores
}

// highest answers the stay as one case.
func (p *Patient) highest(scores []int) Case {
	c := Case{Positive: len(p.Targets) > 0}
	for i, s := range scores {
		if !c.Positive || p.Hours[i].At < p.Targets[0].At {
			c.Score = max(c.Score, float64(s))
		}
	}
	return c
}

// before tells whether a row lies in the time before the stay's onset in which an alarm is wanted.
func (p *Patient) before(i int, d time.Duration) bool {
	return len(p.Targets) > 0 && p.Hours[i].At < p.Targets[0].At && p.Hours[i].At >= p.Targets[0].At.Add(-d)
}

// stay adds one stay. Within it WD holds the crossings that are true, PPV and Specificity counts, until finish.
func (a *At) stay(p *Patient, scores []int, d time.Duration) {
	labels, predictions := make([]bool, len(scores)), make([]bool, len(scores))
	first := -1
	for i, s := range scores {
		labels[i], predictions[i] = p.Hours[i].Label, s >= a.Threshold
		in := p.before(i, d)
		if !predictions[i] {
			if !in {
				a.Specificity++
			}
			continue
		}
		a.Positive++
		if in {
			a.PPV++
			if first < 0 {
				first = i
			}
		}
		if i == 0 || !predictions[i-1] {
			a.Crossings++
			if in {
				a.CrossingsPPV++
			}
		}
	}
	if first >= 0 {
		a.Reached++
		a.leads = append(a.leads, p.Targets[0].At.Sub(p.Hours[first].At).Hours())
	}
	observed, best, nothing := Utility(labels, predictions)
	a.observed, a.best, a.nothing = a.observed+observed, a.best+best, a.nothing+nothing
}

func (a *At) finish(h *Hourly, days float64) {
	outside := float64(h.Rows-a.Positive) - a.Specificity // negative rows inside a window
	inside := a.PPV + outside
	a.Specificity = share1(a.Specificity, float64(h.Rows)-inside)
	a.PPV = share1(a.PPV, float64(a.Positive))
	a.Sensitivity = ratio(a.Reached, h.Septic)
	a.CrossingsDay = share1(float64(a.Crossings), days)
	a.CrossingsPPV = share1(a.CrossingsPPV, float64(a.Crossings))
	a.WD = ratio(a.Crossings, a.Reached)
	slices.Sort(a.leads)
	a.LeadHours = Median(a.leads)
	a.Utility, _ = Normalised(a.observed, a.best, a.nothing)
}

func share1(a, b float64) float64 {
	if b == 0 {
		return 0
	}
	return a / b
}

package backtest

import (
	"cmp"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"tocsin/rules/study"
	"tocsin/streams/event"
)

// Label says what happened to a patient, and when it began.
type Label struct {
	Patient string // an id, or {tenant}/{id}
	Onset   event.Time
	Outcome string // such as admission
}

// ReadLabels reads a CSV with the columns patient, onset (RFC 3339) and outcome. Every fault is told with its line.
func ReadLabels(r io.Reader) ([]Label, error) {
	c := csv.NewReader(r)
	c.TrimLeadingSpace = true
	head, err := c.Read()
	if err != nil {
		return nil, fmt.Errorf("line 1: %w", err)
	}
	place := map[string]int{}
	for i, name := range head {
		place[strings.TrimPrefix(strings.TrimSpace(name), "\ufeff")] = i
	}
	for _, name := range []string{"patient", "onset", "outcome"} {
		if _, ok := place[name]; !ok {
			return nil, fmt.Errorf("line 1: there is no column %s; want patient,onset,outcome", name)
		}
	}
	var all []Label
	var faults []error
	for {
		row, err := c.Read()
		if errors.Is(err, io.EOF) {
			break
		}
		line, _ := c.FieldPos(0)
		if err != nil {
			faults = append(faults, err)
			if errors.Is(err, csv.ErrFieldCount) {
				continue
			}
			break
		}
		l := Label{Patient: strings.TrimSpace(row[place["patient"]]), Outcome: strings.TrimSpace(row[place["outcome"]])}
		l.Onset, err = event.ParseTime(strings.TrimSpace(row[place["onset"]]))
		if err == nil && l.Patient == "" {
			err = errors.New("no patient is named")
		}
		if err != nil {
			faults = append(faults, fmt.Errorf("line %d: %w", line, err))
			continue
		}
		all = append(all, l)
	}
	return all, errors.Join(faults...)
}

// DefaultLead is how long before an onset a warning counts as one of it.
const DefaultLead = 72 * time.Hour

// Truth is how a side's warnings of deterioration stand against what happened.
type Truth struct {
	Warnings int // that are judged
	True     int // a warning before an onset, no longer than Lead; or closed as real
	Unknown  int // without labels: warnings of which nobody said what they were
	// With labels alone:
	Outcomes int             // onsets of watched patients within the span
	Found    int             // with a true warning
	Leads    []time.Duration // from the first true warning to each onset found, rising
	Days     int             // patient-days of the AUROC
	Risky    int             // of these before an onset
	Area     float64         // under the curve
	Curve    []study.Point   `json:"-"`
	HasArea  bool
}

// PPV answers the share of judged warnings that were true; known is false when none was judged.
func (t *Truth) PPV() (share float64, known bool) {
	if t.Warnings == 0 {
		return 0, false
	}
	return float64(t.True) / float64(t.Warnings), true
}

// Lead answers the lead time that share of the outcomes found had at least (0.5: the median).
func (t *Truth) Lead(share float64) (lead time.Duration, known bool) {
	if len(t.Leads) == 0 {
		return 0, false
	}
	i := int(float64(len(t.Leads)) * (1 - share))
	return t.Leads[min(i, len(t.Leads)-1)], true
}

// byOutcome judges warnings by what people closed them as: real is true; usual for the patient, a fault of measurement and a
// technical one are false; the rest is not known.
func byOutcome(all []Warning) *Truth {
	t := &Truth{}
	for i := range all {
		if all[i].Problem != event.Deterioration {
			continue
		}
		switch all[i].Outcome {
		case event.OutcomeReal:
			t.Warnings++
			t.True++
		case event.OutcomeUsual, event.OutcomeMeasurement, event.OutcomeTechnical:
			t.Warnings++
		default:
			t.Unknown++
		}
	}
	return t
}

// byLabel judges warnings by what happened within lead after them.
func byLabel(all []Warning, onsets map[string][]event.Time, lead time.Duration) *Truth {
	t := &Truth{}
	first := map[string]map[event.Time]event.Time{}
	for i := range all {
		w := &all[i]
		if w.Problem != event.Deterioration {
			continue
		}
		t.Warnings++
		hit := false
		for _, onset := range onsets[w.Patient] {
			if w.At > onset || onset.Sub(w.At) > lead {
				continue
			}
			hit = true
			if first[w.Patient] == nil {
				first[w.Patient] = map[event.Time]event.Time{}
			}
			if at, ok := first[w.Patient][onset]; !ok || w.At < at {
				first[w.Patient][onset] = w.At
			}
		}
		if hit {
			t.True++
		}
	}
	for _, found := range first {
		for onset, at := range found {
			t.Found++
			t.Leads = append(t.Leads, onset.Sub(at))
		}
	}
	for _, all := range onsets {
		t.Outcomes += len(all)
	}
	slices.Sort(t.Leads)
	return t
}

const day = event.Time(24 * time.Hour / time.Millisecond)

// area scores each watched day of each patient, counted from the beginning of the span, by the greatest risk that stood on
// it; the day is to be found when an onset follows within lead of its end, or on it. Days after a patient's onset are left
// out until the lead has passed again.
func (t *Truth) area(span Span, spells map[string][]Span, risks map[string][]risk, onsets map[string][]event.Time, lead time.Duration) {
	var cases []study.Case
	for _, p := range sortedKeys(spells) {
		for at := span.From; at < span.To; at += day {
			end := min(at+day, span.To)
			if !watched(spells[p], at, end) {
				continue
			}
			risky, after := false, false
			for _, onset := range onsets[p] {
				risky = risky || onset >= at && onset.Sub(end) < lead
				after = after || onset < at && at.Sub(onset) < lead
			}
			if after && !risky {
				continue
			}
			t.Days++
			if risky {
				t.Risky++
			}
			cases = append(cases, study.Case{Score: float64(greatest(risks[p], at, end)), Positive: risky})
		}
	}
	t.Curve, t.Area, t.HasArea = study.ROC(cases)
}

func watched(spells []Span, from, to event.Time) bool {
	return slices.ContainsFunc(spells, func(s Span) bool { return s.From < to && from < s.To })
}

// greatest answers the greatest risk in [from, to), what stood at its beginning among it.
func greatest(all []risk, from, to event.Time) (top int) {
	i, _ := slices.BinarySearchFunc(all, from, func(r risk, at event.Time) int { return cmp.Compare(r.at, at) })
	if i > 0 {
		top = all[i-1].value
	}
	for ; i < len(all) && all[i].at < to; i++ {
		top = max(top, all[i].value)
	}
	return top
}

package rules

import (
	"cmp"
	"encoding/json"
	"slices"

	"tocsin/rules/expr"
	"tocsin/streams/event"
)

// Pack is one rule pack as plain values: what is expected, what is too much, and how grave that is. Package pack reads
// it from YAML. Lengths of time are milliseconds, and 0 means without limit (of a cadence: not expected). A Pack is
// never changed after it was made: states and facts share it.
type Pack struct {
	ID      string `json:"id"`
	Version int    `json:"version"`
	Sum     string `json:"sum"`  // SHA-256 of the text, hex
	Mark    uint64 `json:"mark"` // the first eight bytes of Sum
	// Signatures is how many people must sign the next version; 0 is one.
	Signatures int    `json:"signatures,omitempty"`
	Zh         string `json:"zh,omitempty"`
	En         string `json:"en,omitempty"`
	ZoneMin    int    `json:"zone_min,omitempty"` // minutes east of UTC, in which dates are put into words
	// AsRecorded is for replays: every value is believed as it stands, and each change of the score is written down.
	AsRecorded bool `json:"as_recorded,omitempty"`

	Signals [event.Quantities]Signal  `json:"signals"`
	Limits  [event.Quantities][]Limit `json:"limits"`           // gravest first
	Own     [event.Quantities][]Limit `json:"own"`              // steps beyond a patient's own target, gravest first
	Scores  []Score                   `json:"scores,omitempty"` // the first in whose scope the patient is leads
	Rules   []Rule                    `json:"rules,omitempty"`

	Questions []Question `json:"questions,omitempty"`
	Facts     []Needed   `json:"facts,omitempty"`
	Measures  []Measure  `json:"measures,omitempty"`
	Derived   []Derived  `json:"derived,omitempty"`
	Learn     []Lesson   `json:"learn,omitempty"` // for the patient

	Of        []string   `json:"of,omitempty"`        // the packs behind a merged one, the leading one first
	Conflicts []Conflict `json:"conflicts,omitempty"` // where they disagreed
	Silence   Silence    `json:"silence"`
	Confirm   Confirm    `json:"confirm"`
	Backlog   Backlog    `json:"backlog"`
	HoldMs    int64      `json:"hold_ms,omitempty"` // how long the last breach must be past before a finding goes down
	Sources   []Source   `json:"sources,omitempty"`

	layout *expr.Layout // of all conditions; with slots and drawn made by Finish
	slots  []slot
	drawn  drawn
	// asksAge: a condition names the patient's age, and cannot be judged without.
	asksAge bool
}

// Lesson is a page of education for the patient.
type Lesson struct {
	ID      string `json:"id"`
	TitleZh string `json:"title_zh"`
	TitleEn string `json:"title_en"`
	Zh      string `json:"zh"`
	En      string `json:"en"`
	Source  string `json:"source,omitempty"`
}

// UnmarshalJSON reads a pack from a checkpoint and makes the closures of its conditions anew.
func (p *Pack) UnmarshalJSON(b []byte) error {
	type plain Pack
	if err := json.Unmarshal(b, (*plain)(p)); err != nil {
		return err
	}
	return p.Finish()
}

// Source is a document behind numbers of the pack. Evidence is R (read), S (secondary), I (an implementation), M
// (memory: never in effect) or P (our own policy).
type Source struct {
	ID       string `json:"id"`
	Cite     string `json:"cite"`
	Evidence string `json:"evidence"`
}

// Signal is what a pack expects of one quantity.
type Signal struct {
	CadenceMs int64 `json:"cadence_ms,omitempty"` // 0: not expected
	GraceMs   int64 `json:"grace_ms,omitempty"`
	FreshMs   int64 `json:"fresh_ms,omitempty"` // how much older than the newest input it may be and still count in the score
	// GapMs is how much longer ago than it asks about a reading may be by which a condition knows that something has held;
	// 0: what expr.HeldReachMs allows.
	GapMs int64 `json:"gap_ms,omitempty"`
	// Tolerance is how far two readings may lie apart and still confirm each other; 0: they never do.
	Tolerance event.Decimal `json:"tolerance,omitempty"`
	Source    string        `json:"source,omitempty"` // of the cadence
}

// Limit is a bound for a single sign, or (in Own) a step beyond a patient's own target.
type Limit struct {
	ID     string        `json:"id"`
	Above  bool          `json:"above,omitempty"`  // too high rather than too low
	Bound  event.Decimal `json:"bound,omitempty"`  // the value itself breaches; in Own: how far beyond the target
	Strict bool          `json:"strict,omitempty"` // the value itself does not breach
	// AltBound is the bound for readings that were sent in mg/dL: thresholds of glucose are written in both units, and
	// 70 mg/dL is in range though it is less than 3.9 mmol/L.
	AltBound *event.Decimal `json:"alt_bound,omitempty"`
	Pack     string         `json:"pack,omitempty"` // which of several packs of a patient it is from
	Severity event.Severity `json:"severity"`
	Danger   bool           `json:"danger,omitempty"` // the immediate-danger band
	// Unsure lets an implausible reading in the danger band count before anybody has confirmed it.
	Unsure   bool          `json:"unsure,omitempty"`
	Readings int           `json:"readings,omitempty"`  // how many in a row must breach before it is raised; 0 is 1
	Margin   event.Decimal `json:"margin,omitempty"`    // how far back inside a value must be before it counts as clear
	OnOxygen bool          `json:"on_oxygen,omitempty"` // only for whoever is known to be on oxygen
	Source   string        `json:"source,omitempty"`
	Zh       string        `json:"zh,omitempty"` // what to do, in words
	En       string        `json:"en,omitempty"`

	set  *event.Override // that gave Bound
	from string
}

// Silence says how grave it is when nothing comes.
type Silence struct {
	Severity   event.Severity `json:"severity"`
	AfterGrave event.Severity `json:"after_grave"` // after a finding of medium or worse
	RepeatMs   int64          `json:"repeat_ms,omitempty"`
	Source     string         `json:"source,omitempty"`
}

// Confirm says what happens to a reading that a body can hardly have.
type Confirm struct {
	WithinMs int64          `json:"within_ms,omitempty"` // two readings confirm each other when they lie no further apart
	AnswerMs int64          `json:"answer_ms,omitempty"` // how long a repeat may take before the reading becomes a reason
	Severity event.Severity `json:"severity"`
	Source   string         `json:"source,omitempty"`
}

// Backlog says when a grave reading is old enough that a newer one may be on its way, and how long to wait for it.
type Backlog struct {
	OlderMs  int64  `json:"older_ms,omitempty"`
	SettleMs int64  `json:"settle_ms,omitempty"`
	LateMs   int64  `json:"late_ms,omitempty"` // late findings of one signal closer together than this are one
	Source   string `json:"source,omitempty"`
}

// Score is an aggregate score as interval tables. No expression is evaluated.
type Score struct {
	ID      string `json:"id"`
	Zh      string `json:"zh,omitempty"`
	En      string `json:"en,omitempty"`
	NoteZh  string `json:"note_zh,omitempty"` // what whoever reads the score must know
	NoteEn  string `json:"note_en,omitempty"`
	Source  string `json:"source,omitempty"`
	AgeFrom int    `json:"age_from,omitempty"` // years; refused for younger patients
	// MonthsFrom and MonthsTo bound the age in completed months, the upper one exclusive; who is older or younger, or of
	// unknown age, is refused.
	MonthsFrom int    `json:"months_from,omitempty"`
	MonthsTo   int    `json:"months_to,omitempty"`
	Beside     bool   `json:"beside,omitempty"`    // judged beside the leading score, never as one
	Pregnant   bool   `json:"pregnant,omitempty"`  // whether it holds in pregnancy
	Single     int    `json:"single,omitempty"`    // points of one part that make the single-parameter band
	WindowMs   int64  `json:"window_ms,omitempty"` // readings no further apart than this are one set
	Parts      []Part `json:"parts"`
	Bands      []Band `json:"bands"` // in the order of evaluation
	Ask        *Ask   `json:"ask,omitempty"`

	// Drawn from the above by Finish: where each quantity stands in Parts, from 1, and the band of each total, without and
	// with a part that has the single-parameter points.
	Place  [event.Quantities]uint8 `json:"place"`
	Ladder [2][]uint8              `json:"ladder"`

	pack string // which of several packs of a patient it is from
}

// MaxParts is how many parts a score may have.
const MaxParts = 16

// Part is one input of the score: a quantity with its tables, or conditions of which the first that holds gives the points.
// Pick names the table for oxygen scale (1 or 2, from 0) and oxygen (0 air, 1 oxygen).
type Part struct {
	Quantity event.Quantity `json:"quantity,omitempty"`
	Tables   []Table        `json:"tables"`
	Pick     [2][2]uint8    `json:"pick"`
	Max      uint8          `json:"max"` // of all tables or rows

	Code string `json:"code,omitempty"` // of a part that conditions decide
	Zh   string `json:"zh,omitempty"`
	En   string `json:"en,omitempty"`
	Rows []Row  `json:"rows,omitempty"`
}

// Row gives points when its condition holds. Below the last row there are no points.
type Row struct {
	When   expr.Expr `json:"when"`
	Points uint8     `json:"points"`

	truth func(*expr.View) expr.Tri
	reads reads
}

// MaxRows is how many rows a table may have.
const MaxRows = 8

// Table gives points for values, from low to high. A row ends at its cut, inclusive, in millionths before rounding: half-up
// rounding to the chart's grid is folded into it. Cuts beyond the last row are out of reach.
type Table struct {
	Cuts   [MaxRows - 1]event.Decimal `json:"cuts"`
	Points [MaxRows]uint8             `json:"points"`
	Max    uint8                      `json:"max"`
}

// Band is a range of totals. The first of the list that holds is the band.
type Band struct {
	Name     string         `json:"name"`
	From     int            `json:"from"`             // totals from here on
	Single   bool           `json:"single,omitempty"` // any one part with Score.Single points
	Severity event.Severity `json:"severity"`
	Danger   bool           `json:"danger,omitempty"`
	// RecheckMs is how long a set of this band counts: the chart's least frequency of monitoring.
	RecheckMs int64  `json:"recheck_ms,omitempty"`
	Zh        string `json:"zh,omitempty"` // advice
	En        string `json:"en,omitempty"`
}

// Ask says when missing signs are asked for (FEATURES RUL-2): the upper bound reaches Upper and the lower one is Above
// over the patient's usual, known from Sets earlier sets.
type Ask struct {
	Upper    int              `json:"upper"`
	Above    int              `json:"above"`
	Sets     int              `json:"sets"`
	AnswerMs int64            `json:"answer_ms"`
	Severity event.Severity   `json:"severity"`
	Signs    []event.Quantity `json:"signs"`
	Source   string           `json:"source,omitempty"`
}

// Rules that are not limits of a pack have fixed ids.
const (
	RuleSilence     = "silence"
	RuleUnconfirmed = "unconfirmed"
	RuleMissing     = "missing-signs"
	ruleScale       = "scale-not-dated"
	ruleScope       = "out-of-scope"
	ruleFenced      = "left-out"
	ruleFallback    = "pack-not-known"
	ruleOff         = "switched-off"
	ruleFacts       = "not-configured"
	RuleConflict    = "plan-conflict"
)

// noCut is the cut of the last row: the largest number that a Decimal holds.
const noCut = event.Decimal(1e15)

// Cut answers the last value, in millionths, that half-up rounding to step brings to bound or below.
func Cut(bound, step event.Decimal) event.Decimal {
	if step <= 1 {
		return bound
	}
	return bound + step/2 + step%2 - 1
}

// NewTable makes a table of bounds with their points; the last row has no bound and bounds is one shorter. It holds
// MaxRows rows at most.
func NewTable(step event.Decimal, bounds []event.Decimal, points []uint8) Table {
	t := Table{Max: slices.Max(points)}
	for i := range t.Cuts {
		t.Cuts[i] = noCut
		if i < len(bounds) {
			t.Cuts[i] = Cut(bounds[i], step)
		}
	}
	copy(t.Points[:], points)
	return t
}

// Finish draws what is looked up at every reading from parts and bands.
func (sc *Score) Finish() {
	most := 0
	for i := range sc.Parts {
		if sc.Parts[i].Rows == nil {
			sc.Place[sc.Parts[i].Quantity] = uint8(i + 1)
		}
		for k := range sc.Parts[i].Rows {
			sc.Parts[i].Max = max(sc.Parts[i].Max, sc.Parts[i].Rows[k].Points)
		}
		for k := range sc.Parts[i].Tables {
			sc.Parts[i].Max = max(sc.Parts[i].Max, sc.Parts[i].Tables[k].Max)
		}
		most += int(sc.Parts[i].Max)
	}
	for single := range sc.Ladder {
		sc.Ladder[single] = make([]uint8, most+1)
		for total := range sc.Ladder[single] {
			sc.Ladder[single][total] = uint8(sc.bandOf(total, single == 1))
		}
	}
}

// SortLimits brings limits into the order in which they are looked at: gravest first, then by id.
func SortLimits(all []Limit) {
	slices.SortStableFunc(all, func(a, b Limit) int {
		return cmp.Or(cmp.Compare(b.level(), a.level()), cmp.Compare(a.ID, b.ID))
	})
}

// source answers the document of an id.
func (p *Pack) source(id string) Source {
	for _, s := range p.Sources {
		if s.ID == id {
			return s
		}
	}
	return Source{}
}

// limit answers the limit of an id and what it bounds; nil: there is none.
func (p *Pack) limit(id string) (event.Quantity, *Limit) {
	for q := range p.Limits {
		for i := range p.Limits[q] {
			if l := &p.Limits[q][i]; l.ID == id {
				return event.Quantity(q), l
			}
		}
	}
	return event.NoQuantity, nil
}

// condition answers the condition of an id; nil: there is none.
func (p *Pack) condition(id string) *Rule {
	for i := range p.Rules {
		if r := &p.Rules[i]; r.ID == id {
			return r
		}
	}
	return nil
}

// score answers the score of an id; nil: there is none.
func (p *Pack) score(id string) *Score {
	for i := range p.Scores {
		if sc := &p.Scores[i]; sc.ID == id {
			return sc
		}
	}
	return nil
}

// bandOf answers the index of the band for a total; whether one part has the single-parameter points decides beside it.
func (sc *Score) bandOf(total int, single bool) int {
	for i := range sc.Bands {
		b := &sc.Bands[i]
		if b.Single && single || !b.Single && total >= b.From {
			return i
		}
	}
	return len(sc.Bands) - 1
}

package rules

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"tocsin/streams/event"
)

// Window is how many readings of a signal are kept: a line on the group board, and what holding a finding needs.
const Window = 8

// State is what the rules keep of one patient. A copy shares what it points to, and nobody changes that: Apply makes
// a new track or list where something moves.
type State struct {
	Group   string                   `json:"group,omitempty"` // {tenant}/{group}; empty: not enrolled
	Also    []string                 `json:"also,omitempty"`  // further groups whose packs hold too
	Plan    *Plan                    `json:"plan,omitempty"`
	Tracks  [event.Quantities]*Track `json:"tracks"`
	Expect  Expect                   `json:"expect"`
	Said    []Said                   `json:"said,omitempty"`    // answers and derived series, by code
	Windows []Held                   `json:"windows,omitempty"` // in the order of the pack's layout
	Stands  []Stand                  `json:"stands,omitempty"`  // conditions that were told, by rule

	Judged uint64     `json:"judged,omitempty"`  // mark of the pack behind Tally, and of what was set in it
	Looked event.Time `json:"looked,omitempty"`  // the last fold, where something is set for a time
	Tally  Tally      `json:"tally"`             // of the newest set
	Rule   string     `json:"rule,omitempty"`    // the score behind Tally; empty: none
	Band   string     `json:"band,omitempty"`    // of Tally.Lower
	Anchor event.Time `json:"anchor,omitempty"`  // when the newest input of the score was measured
	HighAt event.Time `json:"high_at,omitempty"` // Anchor of the last set as grave as what had been told
	Usual  Usual      `json:"usual"`

	Found  Answer    `json:"found"` // what was last told of deterioration
	Scored ToldScore `json:"score"` // and the score told with it
	Quiet  Answer    `json:"quiet"` // what was last told of silence

	Waits    []Wait   `json:"waits,omitempty"`    // questions that are open, by quantity
	Silences []Silent `json:"silences,omitempty"` // signals that fell silent, by quantity
	Settles  []Settle `json:"settles,omitempty"`  // old grave readings that a newer one may overtake yet
	Lates    []Late   `json:"lates,omitempty"`    // the newest late finding of each signal
	Fenced   []string `json:"fenced,omitempty"`   // rules that failed for this patient and are left out

	FaultTold bool `json:"fault_told,omitempty"` // that the patient, or any pack for the group, is not known, or that one who left still sends
	Left      bool `json:"left,omitempty"`       // the care has ended: nothing is judged and nothing is expected
}

// Track is one signal: its newest believed readings in the order in which they were measured.
type Track struct {
	Points  [Window]Point `json:"points"`
	Count   uint8         `json:"count"`
	Clock   uint8         `json:"clock,omitempty"` // quality of the newest one's clock: index into clockNames
	Door    int16         `json:"door,omitempty"`  // place of the door in Facts, from 1; 0: any
	Reading string        `json:"reading"`         // id of the newest one
	Folded  event.Time    `json:"folded"`          // when a believed reading was last folded
	Open    int64         `json:"open"`            // the door's counter of open time at that moment
}

// Point is one reading. At is when it was measured, never later than it was folded. In JSON it is two numbers, the
// milliseconds since 1970 and the value in millionths: checkpoints hold a great many.
type Point struct {
	At    event.Time
	Value event.Decimal
}

// MarshalJSON writes [milliseconds, millionths].
func (p Point) MarshalJSON() ([]byte, error) {
	b := append(make([]byte, 0, 36), '[')
	b = append(strconv.AppendInt(b, int64(p.At), 10), ',')
	return append(strconv.AppendInt(b, int64(p.Value), 10), ']'), nil
}

// UnmarshalJSON reads what MarshalJSON writes.
func (p *Point) UnmarshalJSON(b []byte) error {
	at, v, ok := strings.Cut(strings.Trim(string(b), "[]"), ",")
	ms, err := strconv.ParseInt(at, 10, 64)
	if err == nil {
		p.At = event.Time(ms)
		ms, err = strconv.ParseInt(v, 10, 64)
		p.Value = event.Decimal(ms)
	}
	if err != nil || !ok {
		return fmt.Errorf("point %s: want [milliseconds, millionths]", b)
	}
	return nil
}

// Expect is from when a signal that never came is waited for.
type Expect struct {
	At   event.Time `json:"at,omitempty"`
	Open int64      `json:"open,omitempty"` // the open time of any door at that moment
}

// Usual is what the lower bound usually is for this patient: those of the last sets, the current one apart.
type Usual struct {
	Past  [7]Set     `json:"past"`
	Count uint8      `json:"count,omitempty"`
	Set   Set        `json:"set"`             // the current one
	Since event.Time `json:"since,omitempty"` // when the current set began
}

// Set is what one set of readings came to, and which signs it knew.
type Set struct {
	Lower uint8  `json:"lower,omitempty"`
	Known uint16 `json:"known,omitempty"` // bit per part
}

// Wait is a question to patient and carer: to repeat a measurement that can hardly be, or for a sign that is missing.
type Wait struct {
	Quantity event.Quantity `json:"quantity"`
	Missing  bool           `json:"missing,omitempty"`
	Value    event.Decimal  `json:"value,omitempty"`
	At       event.Time     `json:"at,omitempty"` // when the doubtful value was measured
	Reading  string         `json:"reading,omitempty"`
	AnswerBy event.Time     `json:"answer_by,omitempty"` // zero: not asked yet
}

// Silent is a signal that fell silent.
type Silent struct {
	Quantity event.Quantity `json:"quantity"`
	Since    event.Time     `json:"since"` // from when the waiting counted
	Fell     event.Time     `json:"fell"`
	Never    bool           `json:"never,omitempty"` // no reading ever came
	Repeat   int            `json:"repeat,omitempty"`
}

// Settle holds a grave reading that was already old when it came until a newer one has had the time to follow it. With a
// rule it holds what a condition or score found in old data.
type Settle struct {
	Quantity event.Quantity `json:"quantity,omitempty"`
	Rule     string         `json:"rule,omitempty"`
	Until    event.Time     `json:"until"`
	At       event.Time     `json:"at,omitempty"` // of a rule: when the newest of what it looked at was measured
	Severity event.Severity `json:"severity,omitempty"`
}

// Late is a grave reading in old data which a newer one had overtaken, or what a rule found there.
type Late struct {
	Quantity event.Quantity `json:"quantity,omitempty"`
	Rule     string         `json:"rule,omitempty"`
	Severity event.Severity `json:"severity"`
	Value    event.Decimal  `json:"value"`
	At       event.Time     `json:"at"`
	Reading  string         `json:"reading"`
	Told     bool           `json:"told,omitempty"`
}

// Answer is an assessment as it was last told, as far as is needed to see whether the next one differs.
type Answer struct {
	Severity event.Severity `json:"severity"`
	Danger   bool           `json:"danger,omitempty"`
	Reasons  []Told         `json:"reasons,omitempty"`
}

// ToldScore is the score that was last told with an assessment of deterioration.
type ToldScore struct {
	Lower   uint8  `json:"lower,omitempty"`
	Upper   uint8  `json:"upper,omitempty"`
	Gravest uint8  `json:"gravest,omitempty"` // points of the part that had most
	Known   uint16 `json:"known,omitempty"`   // bit per part
}

// Told is one reason of an answer.
type Told struct {
	Rule     string         `json:"rule"`
	Quantity event.Quantity `json:"quantity,omitempty"`
	Severity event.Severity `json:"severity"`
	Unsure   bool           `json:"unsure,omitempty"`
	Valued   bool           `json:"valued,omitempty"`
	// Lasted is for how many seconds after At readings as grave have come, and one more, since a busy signal's window is
	// shorter than the hold; zero when only the window knows.
	Lasted  uint32        `json:"lasted,omitempty"`
	Value   event.Decimal `json:"value,omitempty"`
	At      event.Time    `json:"at,omitempty"`
	Reading string        `json:"reading,omitempty"`
}

// lastly answers when a reading as grave as t was last measured; zero when only the window knows.
func (t *Told) lastly() event.Time {
	if t.Lasted == 0 {
		return 0
	}
	return t.At + event.Time(t.Lasted-1)*1000
}

// last notes when a reading as grave as t was measured, to the second above.
func (t *Told) last(at event.Time) { t.Lasted = uint32(max(at-t.At+999, 0)/1000) + 1 }

// Plan is a patient's own targets and orders, in the shape in which they are asked.
type Plan struct {
	Scale     int              `json:"scale,omitempty"` // of oxygen, as asked; 2 counts only when OrderedAt says since when
	Targets   []Target         `json:"targets,omitempty"`
	Cadence   []Cadence        `json:"cadence,omitempty"`
	AgeYears  int              `json:"age_years,omitempty"`
	AgeMonths int              `json:"age_months,omitempty"`
	Pregnant  bool             `json:"pregnant,omitempty"`
	Facts     []Fact           `json:"facts,omitempty"` // by name
	Overrides []event.Override `json:"overrides,omitempty"`
	Chosen    []Choice         `json:"chosen,omitempty"`
	By        string           `json:"by,omitempty"`
	At        event.Time       `json:"at,omitempty"`
}

// Fact is a number about the patient under the name that packs give it.
type Fact struct {
	Name  string        `json:"name"`
	Value event.Decimal `json:"value"`
}

// Choice says which pack's bounds hold for a quantity that several packs bound.
type Choice struct {
	Quantity event.Quantity `json:"quantity"`
	Pack     string         `json:"pack"`
}

// Stand is when a condition that was told last held.
type Stand struct {
	Rule string     `json:"rule"`
	At   event.Time `json:"at"`
	// Kept is when the newest of its inputs had been measured as an older one took away that it held; it stands until a newer
	// one has come.
	Kept event.Time `json:"kept,omitempty"`
}

// Target is a patient's own normal span of one quantity, inclusive at both ends.
type Target struct {
	Quantity event.Quantity `json:"quantity"`
	Low      *event.Decimal `json:"low,omitempty"`
	High     *event.Decimal `json:"high,omitempty"`
	Implied  bool           `json:"implied,omitempty"` // not written down: the order of oxygen scale 2 means it
}

// Cadence is how often a quantity is expected, in milliseconds; 0: not at all.
type Cadence struct {
	Quantity event.Quantity `json:"quantity"`
	Ms       int64          `json:"ms"`
}

// Latest is the newest believed reading of a signal, or a newer one that waits to be confirmed.
type Latest struct {
	Value      event.Decimal
	MeasuredAt event.Time
	Reading    string // id of the observation event
	Mark       event.Mark
	Clock      event.ClockQuality // empty with a reading that waits to be confirmed
}

var clockNames = [...]event.ClockQuality{event.ClockOK, event.ClockCorrected, event.ClockUnsynced, event.ClockFuture, event.ClockTooOld}

func clockIndex(q event.ClockQuality) uint8 { return uint8(max(slices.Index(clockNames[:], q), 0)) }

// newest answers the newest point of a track that has one.
func (t *Track) newest() Point { return t.Points[t.Count-1] }

// Latest answers the newest reading of q. One that waits to be confirmed carries its mark.
func (s *State) Latest(q event.Quantity) (Latest, bool) {
	var l Latest
	t := s.track(q)
	if t != nil {
		n := t.newest()
		l = Latest{Value: n.Value, MeasuredAt: n.At, Reading: t.Reading, Clock: clockNames[t.Clock]}
	}
	if i := s.wait(q, false); i >= 0 && (t == nil || s.Waits[i].At >= l.MeasuredAt && s.Waits[i].Reading != l.Reading) {
		w := s.Waits[i]
		return Latest{Value: w.Value, MeasuredAt: w.At, Reading: w.Reading, Mark: event.Unconfirmed}, true
	}
	return l, t != nil
}

// Trend answers the newest believed readings of q, oldest first, at most Window.
func (s *State) Trend(q event.Quantity) []Point {
	t := s.track(q)
	if t == nil {
		return nil
	}
	return slices.Clone(t.Points[:t.Count])
}

// Silent answers the signals that are silent, in their order.
func (s *State) Silent() []event.Quantity {
	var all []event.Quantity
	for _, x := range s.Silences {
		all = append(all, x.Quantity)
	}
	return all
}

// Enrolled tells whether the patient is watched.
func (s *State) Enrolled() bool { return s.Group != "" && !s.Left }

// track answers the track of a quantity that has readings.
func (s *State) track(q event.Quantity) *Track {
	if int(q) >= event.Quantities || s.Tracks[q] == nil || s.Tracks[q].Count == 0 {
		return nil
	}
	return s.Tracks[q]
}

func (s *State) wait(q event.Quantity, missing bool) int {
	for i := range s.Waits {
		if s.Waits[i].Quantity == q && s.Waits[i].Missing == missing {
			return i
		}
	}
	return -1
}

func (s *State) silent(q event.Quantity) int {
	for i := range s.Silences {
		if s.Silences[i].Quantity == q {
			return i
		}
	}
	return -1
}

func (s *State) settling(q event.Quantity) event.Time {
	for i := range s.Settles {
		if s.Settles[i].Quantity == q {
			return s.Settles[i].Until
		}
	}
	return 0
}

func (s *State) fenced(rule string) bool { return len(s.Fenced) > 0 && slices.Contains(s.Fenced, rule) }

// without answers list without element i, as a list of its own; nil when nothing is left.
func without[T any](list []T, i int) []T {
	if len(list) == 1 {
		return nil
	}
	return slices.Delete(slices.Clone(list), i, i+1)
}

// put answers list with x in place of element i, or at the end when i is negative, as a list of its own.
func put[T any](list []T, i int, x T) []T {
	list = slices.Clone(list)
	if i < 0 {
		return append(list, x)
	}
	list[i] = x
	return list
}

func (p *Plan) target(q event.Quantity) *Target {
	if p == nil {
		return nil
	}
	for i := range p.Targets {
		if p.Targets[i].Quantity == q {
			return &p.Targets[i]
		}
	}
	return nil
}

// scale answers the oxygen scale that counts: 2 only by an explicit, dated order.
func (p *Plan) scale() int {
	if p != nil && p.Scale == 2 && p.At != 0 {
		return 2
	}
	return 1
}

func find(list []Cadence, q event.Quantity) (int64, bool) {
	for i := range list {
		if list[i].Quantity == q {
			return list[i].Ms, true
		}
	}
	return 0, false
}

// The span that an order of oxygen scale 2 means when no other is written down (NEWS2, scale 2: 88-92 % scores 0).
var scale2Low, scale2High = event.Int(88), event.Int(92)

// planOf brings a plan into the shape in which it is asked, in the order of the quantities.
func planOf(e *event.Plan) *Plan {
	p := &Plan{Scale: e.SpO2Scale, AgeYears: e.AgeYears, AgeMonths: e.AgeMonths, Pregnant: e.Pregnant, Overrides: e.Overrides, By: e.OrderedBy, At: e.OrderedAt}
	for _, name := range slices.Sorted(maps.Keys(e.Facts)) {
		p.Facts = append(p.Facts, Fact{name, e.Facts[name]})
	}
	for q := event.Quantity(1); int(q) < event.Quantities; q++ {
		if t, ok := e.Targets[q]; ok {
			p.Targets = append(p.Targets, Target{Quantity: q, Low: t.Low, High: t.High})
		} else if q == event.SpO2Percent && p.scale() == 2 {
			p.Targets = append(p.Targets, Target{Quantity: q, Low: &scale2Low, High: &scale2High, Implied: true})
		}
		if ms, ok := e.CadenceMs[q]; ok {
			p.Cadence = append(p.Cadence, Cadence{q, ms})
		}
		if pack, ok := e.Chosen[q]; ok {
			p.Chosen = append(p.Chosen, Choice{q, pack})
		}
	}
	return p
}

// fact answers a number about the patient.
func (p *Plan) fact(name string) (event.Decimal, bool) {
	if p == nil {
		return 0, false
	}
	for i := range p.Facts {
		if p.Facts[i].Name == name {
			return p.Facts[i].Value, true
		}
	}
	return 0, false
}

// years answers the completed years, of whatever is known; 0: not known.
func (p *Plan) years() int {
	if p.AgeYears > 0 {
		return p.AgeYears
	}
	return p.AgeMonths / 12
}

// chosen answers which pack a clinician chose for a quantity; empty: none.
func (p *Plan) chosen(q event.Quantity) string {
	if p == nil {
		return ""
	}
	for i := range p.Chosen {
		if p.Chosen[i].Quantity == q {
			return p.Chosen[i].Pack
		}
	}
	return ""
}

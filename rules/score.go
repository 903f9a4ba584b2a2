package rules

import "tocsin/streams/event"

// Values are the inputs of a score: what is known, and how much it is.
type Values struct {
	Known uint32 // bit per Quantity
	At    [event.Quantities]event.Decimal
	Spans [MaxParts]Span // of the parts that conditions decide, by place in Score.Parts
}

// Span is what a part that conditions decide can add, by what is known.
type Span struct{ Low, High uint8 }

// Set makes a value known.
func (v *Values) Set(q event.Quantity, d event.Decimal) { v.Known |= 1 << q; v.At[q] = d }

// nothing answers that no input is known: parts that conditions decide may come to anything, too.
func (sc *Score) nothing() (v Values) {
	for i := range sc.Parts {
		v.Spans[i].High = sc.Parts[i].Max // with a table nobody asks for it
	}
	return v
}

// Tally is a score as an interval, without words. Lower sums what is known, Upper adds the worst of what is not.
type Tally struct {
	Lower    uint8           `json:"lower"`
	Upper    uint8           `json:"upper"`
	Band     uint8           `json:"band"`      // of Lower: index into the pack's bands
	Most     uint8           `json:"most"`      // of Upper
	Reds     uint8           `json:"reds"`      // parts of Lower that have the single-parameter points
	MostReds uint8           `json:"most_reds"` // of Upper
	Scale    uint8           `json:"scale"`
	Known    uint16          `json:"known"`  // bit per part, in the order of Score.Parts
	Points   [MaxParts]uint8 `json:"points"` // what each part added to Lower
	Worst    [MaxParts]uint8 `json:"worst"`  // what each part added to Upper
}

// Determined tells whether both ends fall in one band.
func (t *Tally) Determined() bool { return t.Band == t.Most }

// points answers what a value scores. It counts the cuts below the value, all of them: where a reading falls is hard to
// foresee, and a wrong guess of the processor costs more than the comparisons.
func (t *Table) points(d event.Decimal) uint8 {
	n := uint64(0)
	for i := range t.Cuts {
		n += uint64(t.Cuts[i]-d) >> 63 // 1 when the cut lies below
	}
	return t.Points[n&(MaxRows-1)]
}

// supply answers which tables are possible by what is known of oxygen: on air, on oxygen, or either.
func supply(v *Values) (air, oxygen int) {
	switch {
	case v.Known&(1<<event.SupplementalO2) == 0:
		return 0, 1
	case v.At[event.SupplementalO2] >= event.One:
		return 1, 1
	default:
		return 0, 0
	}
}

// Tally scores v on oxygen scale 1 or 2. An unknown sign adds nothing to the lower bound and its worst to the upper;
// when it is not known whether the patient is on oxygen, both tables that depend on it are taken into account.
func (sc *Score) Tally(v *Values, scale int) (t Tally) {
	t.Scale = uint8(max(1, min(scale, 2)))
	air, oxygen := supply(v)
	for i := range sc.Parts {
		p := &sc.Parts[i]
		low, high, known := v.Spans[i].Low, v.Spans[i].High, v.Spans[i].Low == v.Spans[i].High
		if p.Rows == nil {
			known = v.Known&(1<<p.Quantity) != 0
			low, high = p.add(known, v.At[p.Quantity], int(t.Scale-1), air, oxygen)
		}
		t.put(sc, i, low, high, known)
	}
	t.judge(sc)
	return t
}

// Update scores one more reading into t: v is what is known with it. Everything else is as it was when t was made. It is
// for scores without conditions, which may hang on anything.
func (sc *Score) Update(t *Tally, v *Values, q event.Quantity) {
	if q == event.SupplementalO2 { // the tables of other parts hang on it
		*t = sc.Tally(v, int(t.Scale))
		return
	}
	i := sc.Place[q]
	if i == 0 {
		return
	}
	air, oxygen := supply(v)
	low, high := sc.Parts[i-1].add(true, v.At[q], int(t.Scale-1), air, oxygen)
	t.put(sc, int(i-1), low, high, true)
	t.judge(sc)
}

// add answers what a part adds to both bounds.
func (p *Part) add(known bool, v event.Decimal, scale, air, oxygen int) (low, high uint8) {
	a, b := p.Pick[scale][air], p.Pick[scale][oxygen]
	if !known {
		return 0, max(p.Tables[a].Max, p.Tables[b].Max)
	}
	low = p.Tables[a].points(v)
	if a == b {
		return low, low
	}
	high = p.Tables[b].points(v)
	return min(low, high), max(low, high)
}

// put sets what a part adds, in place of what it added before.
func (t *Tally) put(sc *Score, i int, low, high uint8, known bool) {
	i &= MaxParts - 1 // the compiler sees that it is in range
	t.Lower += low - t.Points[i]
	t.Upper += high - t.Worst[i]
	t.Reds += red(low, sc.Single) - red(t.Points[i], sc.Single)
	t.MostReds += red(high, sc.Single) - red(t.Worst[i], sc.Single)
	t.Points[i], t.Worst[i] = low, high
	t.Known &^= 1 << i
	if known {
		t.Known |= 1 << i
	}
}

// Knows tells whether the part of quantity q counts in t.
func (sc *Score) Knows(t *Tally, q event.Quantity) bool {
	i := sc.Place[q]
	return i > 0 && t.Known&(1<<(i-1)) != 0
}

// PointsOf answers what the part of quantity q added to both bounds.
func (sc *Score) PointsOf(t *Tally, q event.Quantity) (low, high uint8) {
	if i := sc.Place[q]; i > 0 {
		return t.Points[i-1], t.Worst[i-1]
	}
	return 0, 0
}

func red(points uint8, single int) uint8 {
	if single > 0 && int(points) >= single {
		return 1
	}
	return 0
}

// judge reads the bands of both bounds from the ladder.
func (t *Tally) judge(sc *Score) {
	t.Band = sc.Ladder[min(t.Reds, 1)][t.Lower]
	t.Most = sc.Ladder[min(t.MostReds, 1)][t.Upper]
}

// Red tells whether any one part has the points of the single-parameter rule.
func (t *Tally) Red() bool { return t.Reds > 0 }

// BandName answers the name of a band by its index.
func (sc *Score) BandName(i uint8) string { return sc.Bands[i].Name }

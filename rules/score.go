package rules

import "tocsin/streams/event"

// Values are the inputs of a score: what is known, and how much it is.
type Values struct {
	Known uint32 // bit per Quantity
	At    [event.Quantities]event.Decimal
}

// Set makes a value known.
func (v *Values) Set(q event.Quantity, d event.Decimal) { v.Known |= 1 << q; v.At[q] = d }

// Tally is a score as an interval, without words. Lower sums what is known, Upper adds the worst of what is not.
type Tally struct {
	Lower  uint8                   `json:"lower"`
	Upper  uint8                   `json:"upper"`
	Band   uint8                   `json:"band"` // of Lower: index into the pack's bands
	Most   uint8                   `json:"most"` // of Upper
	Scale  uint8                   `json:"scale"`
	Known  uint32                  `json:"known"`  // bit per Quantity that counts
	Parts  uint32                  `json:"parts"`  // bit per Quantity that the score asks for
	Points [event.Quantities]uint8 `json:"points"` // what each added to Lower
	Worst  [event.Quantities]uint8 `json:"worst"`  // what each added to Upper
}

// Determined tells whether both ends fall in one band.
func (t *Tally) Determined() bool { return t.Band == t.Most }

// points answers what a value scores: the row is found by comparing whole numbers.
func (t *Table) points(d event.Decimal) uint8 {
	rows := t.Rows
	for i := range rows {
		if d <= rows[i].Cut {
			return rows[i].Points
		}
	}
	return 0
}

// Tally scores v on oxygen scale 1 or 2. An unknown sign adds nothing to the lower bound and its worst to the upper;
// when it is not known whether the patient is on oxygen, both tables that depend on it are taken into account.
func (sc *Score) Tally(v *Values, scale int) (t Tally) {
	s := 0
	if scale == 2 {
		s = 1
	}
	t.Scale = uint8(s + 1)
	air, oxygen := 0, 1 // which of the tables are possible
	if v.Known&(1<<event.SupplementalO2) != 0 {
		if v.At[event.SupplementalO2] >= event.One {
			air = 1
		} else {
			oxygen = 0
		}
	}
	var redLow, redHigh bool
	for i := range sc.Parts {
		p := &sc.Parts[i]
		t.Parts |= 1 << p.Quantity
		low, high := uint8(0), uint8(0)
		a, b := &p.Tables[p.Pick[s][air]], &p.Tables[p.Pick[s][oxygen]]
		switch {
		case v.Known&(1<<p.Quantity) == 0:
			high = max(a.Max, b.Max)
		case a == b:
			low = a.points(v.At[p.Quantity])
			high = low
		default:
			low, high = a.points(v.At[p.Quantity]), b.points(v.At[p.Quantity])
			low, high = min(low, high), max(low, high)
		}
		t.Points[p.Quantity], t.Worst[p.Quantity] = low, high
		t.Lower, t.Upper = t.Lower+low, t.Upper+high
		redLow, redHigh = redLow || int(low) >= sc.Single, redHigh || int(high) >= sc.Single
	}
	t.Known = v.Known & t.Parts
	t.Band, t.Most = uint8(sc.bandOf(int(t.Lower), redLow)), uint8(sc.bandOf(int(t.Upper), redHigh))
	return t
}

// Red tells whether any one part has the points of the single-parameter rule.
func (sc *Score) Red(t *Tally) bool {
	for i := range sc.Parts {
		if int(t.Points[sc.Parts[i].Quantity]) >= sc.Single {
			return true
		}
	}
	return false
}

// BandName answers the name of a band by its index.
func (sc *Score) BandName(i uint8) string { return sc.Bands[i].Name }

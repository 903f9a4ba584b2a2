// Package window keeps what the rules need of the last hours or days of one series of one patient: a signal, an
// answer, or a value that was computed. It goes by the moments at which readings were measured; when and in which order
// they came makes no difference to any bit of any answer. It has no clock: every question names its moment.
//
// A window of length L has a grid of steps of L/32, rounded up to a whole millisecond, which begins at 1970-01-01. The
// window at a moment is the step in which the moment lies and the 32 before it: all readings of the last L, and up to
// one step more, because a reading leaves together with its step. So a weight of exactly 72 hours ago is always in a
// window of 72 hours, one of 74 hours and 15 minutes ago never is, and what lies between is as the grid falls. A day window has calendar days for
// steps, in the zone of the pack: today and the days before it.
//
// Of each step a window knows how many readings there are, their exact sum, sum of squares, least, greatest and oldest
// value and the first and last moment. Steps without readings take no room. All of it is in whole millionths and
// milliseconds, and a number becomes a float64 only at the end. Of readings that were measured in the same millisecond
// the greater value counts as the newer.
package window

import (
	"errors"
	"fmt"
	"strconv"

	"tocsin/streams/event"
)

// Limits of a Spec.
const (
	MinLengthMs = 60_000          // one minute
	MaxLengthMs = 45 * dayMs      // and so are reaches limited: a packed moment has 32 bits
	MaxDays     = 16              // calendar days of a day window
	dayMs       = 24 * 60 * 60000 // one day
	parts       = 32              // steps in a length
)

// Spec says what a window is of. Two equal Specs are the same window.
type Spec struct {
	LengthMs int64 // how far back it goes, MinLengthMs to MaxLengthMs; 0 for a day window
	// ReachMs also keeps the newest step before the window when it is no older than this, at least LengthMs: Below and
	// its kin look for a reading of that long ago. 0: nothing before the window is kept.
	ReachMs int64
	Days    int // calendar days of a day window, today among them, 1 to MaxDays; 0 for any other
	ZoneMin int // of a day window: minutes by which its days are ahead of UTC

	Ranged bool // readings from Low to High, both inclusive, are counted
	// Bounds in the unit that is kept. Alt is for readings that were sent in another unit, to which the bounds were
	// converted just as those readings are: 180 mg/dL is in a range to 10.0 mmol/L although it converts to less.
	Low, High, AltLow, AltHigh event.Decimal
}

// Held is the Spec for Below, AtMost, Above, AtLeast and Within over forMs: readings may lie up to reachMs apart.
func Held(forMs, reachMs int64) Spec {
	return Spec{LengthMs: forMs, ReachMs: max(forMs, reachMs)}
}

// Check answers what is wrong with s, worded for the author of a pack.
func (s Spec) Check() error {
	switch {
	case s.Days != 0 && (s.LengthMs != 0 || s.ReachMs != 0):
		return errors.New("a window of calendar days has no other length")
	case s.Days < 0 || s.Days > MaxDays:
		return fmt.Errorf("%d calendar days: want 1 to %d", s.Days, MaxDays)
	case s.ZoneMin < -12*60 || s.ZoneMin > 14*60:
		return fmt.Errorf("zone of %d minutes: want -720 to 840, such as 480 for China", s.ZoneMin)
	case s.Days == 0 && s.ZoneMin != 0:
		return errors.New("only a window of calendar days has a zone")
	case s.Days == 0 && (s.LengthMs < MinLengthMs || s.LengthMs > MaxLengthMs):
		return fmt.Errorf("window of %d ms: want a length from 1 minute to 45 days", s.LengthMs)
	case s.ReachMs != 0 && (s.ReachMs < s.LengthMs || s.ReachMs > MaxLengthMs):
		return fmt.Errorf("reach of %d ms: want at least the window's %d ms and at most 45 days", s.ReachMs, s.LengthMs)
	case !s.Ranged && (s.Low != 0 || s.High != 0 || s.AltLow != 0 || s.AltHigh != 0):
		return errors.New("bounds of a range are given, and no range is asked for")
	case s.Ranged && (s.Low > s.High || s.AltLow > s.AltHigh):
		return fmt.Errorf("range %s to %s (%s to %s in the other unit) is empty", s.Low, s.High, s.AltLow, s.AltHigh)
	}
	return nil
}

// Key is s as text: equal for equal Specs, and sorted alike on every machine.
func (s Spec) Key() string {
	b := strconv.AppendInt(make([]byte, 0, 48), s.LengthMs, 10)
	for _, n := range []int64{s.ReachMs, int64(s.Days), int64(s.ZoneMin)} {
		b = strconv.AppendInt(append(b, '/'), n, 10)
	}
	if s.Ranged {
		for _, d := range []event.Decimal{s.Low, s.High, s.AltLow, s.AltHigh} {
			b = d.Append(append(b, '/'))
		}
	}
	return string(b)
}

// Point is one reading: when it was measured, and its value. In JSON it is [milliseconds, millionths].
type Point struct {
	At    event.Time
	Value event.Decimal
}

// bounds are those of a ranged Spec.
type bounds struct{ low, high, altLow, altHigh event.Decimal }

// Window holds the readings of one series as its Spec says. The newest reading stands apart from the steps: it is what
// Rise and its kin compare the others with. Its header is 64 bytes; its size as a whole is documented at Clone.
type Window struct {
	cells    []uint64 // from head on the steps with earlier readings, oldest first, as cell.go packs them
	newest   Point
	rng      *bounds // nil: no range
	length   uint32  // ms; of a day window the number of days, which no length is as short as
	reach    uint32  // ms
	zone     int16   // minutes
	head     uint16  // where in cells the first step begins; what stands before has left
	tail     uint16  // where the last step begins
	some     bool    // there is a newest reading
	newestIn bool    // it lies in the range
}

// New makes an empty window. A Spec that Check refuses is a fault of the program, which panics.
func New(s Spec) *Window {
	w := roomFor(0)
	w.shape(s)
	return w
}

func (w *Window) shape(s Spec) {
	if err := s.Check(); err != nil {
		panic("window: " + err.Error())
	}
	w.length, w.reach, w.zone = uint32(s.LengthMs), uint32(s.ReachMs), int16(s.ZoneMin)
	if s.Days > 0 {
		w.length = uint32(s.Days)
	}
	if s.Ranged {
		w.rng = &bounds{s.Low, s.High, s.AltLow, s.AltHigh}
	}
}

// Spec answers what w is of.
func (w *Window) Spec() Spec {
	s := Spec{LengthMs: int64(w.length), ReachMs: int64(w.reach), ZoneMin: int(w.zone)}
	if w.daily() {
		s.LengthMs, s.Days = 0, int(w.length)
	}
	if r := w.rng; r != nil {
		s.Ranged, s.Low, s.High, s.AltLow, s.AltHigh = true, r.low, r.high, r.altLow, r.altHigh
	}
	return s
}

// Is tells whether w is of s.
func (w *Window) Is(s *Spec) bool {
	length := s.LengthMs
	if s.Days > 0 {
		length = int64(s.Days)
	}
	if int64(w.length) != length || int64(w.reach) != s.ReachMs || int(w.zone) != s.ZoneMin || s.Ranged != (w.rng != nil) {
		return false
	}
	return w.rng == nil || *w.rng == bounds{s.Low, s.High, s.AltLow, s.AltHigh}
}

// Newest answers the newest reading, however old it is; false when there was none.
func (w *Window) Newest() (Point, bool) { return w.newest, w.some }

// What an event can carry: RFC 3339 says the years 1 to 9999, and a Decimal stays below 1e9.
const (
	earliest = event.Time(-62135596800000)
	latest   = event.Time(253402300799999)
	greatest = event.Decimal(1e15)
)

// Add takes in one reading that was measured at the moment at; alt says that it was sent in the other unit (see Spec).
// A reading that is older than all that w keeps changes nothing. So does one whose moment or value no event can carry.
// Nothing is allocated once w has the room that its steps need.
func (w *Window) Add(at event.Time, v event.Decimal, alt bool) {
	if at < earliest || at > latest || v < -greatest || v > greatest {
		return
	}
	r := reading{at, v, w.within(v, alt)}
	if !w.some {
		w.some = true
		w.lead(r)
		return
	}
	older, from := w.leader(), event.Time(0)
	if !r.after(older) {
		older, from = r, w.start(r.at)
	} else if from = w.start(older.at); r.at < from+w.step() {
		w.lead(r)
	} else {
		// Packed moments are told from the newest one: what leaves has to leave before that moves on.
		w.forget(w.floor(r.at))
		w.lead(r)
	}
	if from >= w.floor(w.newest.At) {
		w.insert(older, from)
	}
	if w.reach > 0 {
		w.forgetBehind()
	}
}

func (w *Window) leader() reading { return reading{w.newest.At, w.newest.Value, w.newestIn} }

func (w *Window) lead(r reading) { w.newest, w.newestIn = Point{r.at, r.value}, r.in }

func (w *Window) within(v event.Decimal, alt bool) bool {
	switch r := w.rng; {
	case r == nil:
		return false
	case alt:
		return v >= r.altLow && v <= r.altHigh
	default:
		return v >= r.low && v <= r.high
	}
}

// reading is one reading as the window judges it.
type reading struct {
	at    event.Time
	value event.Decimal
	in    bool
}

// after orders readings fully, so that no two orders of arrival leave different windows.
func (r reading) after(o reading) bool {
	switch {
	case r.at != o.at:
		return r.at > o.at
	case r.value != o.value:
		return r.value > o.value
	default:
		return r.in && !o.in
	}
}

func (w *Window) daily() bool { return w.length <= MaxDays }

// step is the length of one in ms.
func (w *Window) step() event.Time {
	if w.daily() {
		return dayMs
	}
	return event.Time((uint64(w.length) + parts - 1) / parts)
}

// start answers when the step of t begins.
func (w *Window) start(t event.Time) event.Time {
	s := w.step()
	m := (t + event.Time(w.zone)*60_000) % s
	if m < 0 {
		m += s
	}
	return t - m
}

// span answers the window at a moment: from its first millisecond to the one after its last.
func (w *Window) span(at event.Time) (from, to event.Time) {
	s, start := w.step(), w.start(at)
	if w.daily() {
		return start - event.Time(w.length-1)*s, start + s
	}
	return start - parts*s, start + s
}

// floor answers from when readings are kept when the newest is of that moment: whole steps, or the order in which
// readings come would show.
func (w *Window) floor(newest event.Time) event.Time {
	from, _ := w.span(newest)
	if w.reach > w.length {
		return min(from, w.start(newest-event.Time(w.reach)))
	}
	return from
}

package window

import (
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"tocsin/streams/event"
)

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

// saved is the form in a checkpoint. It depends on the readings alone, not on the order in which they came.
type saved struct {
	LengthMs int64  `json:"length_ms,omitempty"`
	ReachMs  int64  `json:"reach_ms,omitempty"`
	Days     int    `json:"days,omitempty"`
	ZoneMin  int    `json:"zone_min,omitempty"`
	Range    row    `json:"range,omitempty"` // low, high, and both for the other unit, in millionths
	Newest   row    `json:"newest,omitempty"`
	Steps    matrix `json:"steps,omitempty"`
}

// row is [moment in ms, value in millionths, 1 when in the range] for one reading, and for a step that is summed [first,
// last, readings, sum, least, greatest, upper and lower 64 bits of the sum of squares, oldest, readings in the range]. The
// member for the range is left out where there is none.
type row []int64

type matrix []row

// MarshalJSON writes the rows without spaces.
func (m matrix) MarshalJSON() ([]byte, error) {
	b := append(make([]byte, 0, 2+40*len(m)), '[')
	for i, r := range m {
		if i > 0 {
			b = append(b, ',')
		}
		for k, n := range r {
			b = append(b, "[,"[min(k, 1)])
			b = strconv.AppendInt(b, n, 10)
		}
		b = append(b, ']')
	}
	return append(b, ']'), nil
}

// MarshalJSON writes all that w holds, its Spec with it.
func (w *Window) MarshalJSON() ([]byte, error) {
	s := w.Spec()
	out := saved{LengthMs: s.LengthMs, ReachMs: s.ReachMs, Days: s.Days, ZoneMin: s.ZoneMin}
	if s.Ranged {
		out.Range = row{int64(s.Low), int64(s.High), int64(s.AltLow), int64(s.AltHigh)}
	}
	if w.some {
		out.Newest = w.row(w.leader())
	}
	for i := int(w.head); i < len(w.cells); i = w.after(i) {
		if c := w.cells[i]; c&summed == 0 {
			out.Steps = append(out.Steps, w.row(w.unpack(c)))
		} else {
			out.Steps = append(out.Steps, w.record(i))
		}
	}
	return json.Marshal(out)
}

func (w *Window) row(r reading) row {
	out := row{int64(r.at), int64(r.value)}
	if w.rng == nil {
		return out
	}
	if r.in {
		return append(out, 1)
	}
	return append(out, 0)
}

func (w *Window) record(i int) row {
	var s sums
	w.load(i, &s)
	sq := w.squares(i)
	out := row{int64(s.first), int64(s.last), int64(s.n), s.sum, int64(s.min), int64(s.max), int64(sq.hi), int64(sq.lo), int64(s.oldest)}
	if w.rng != nil {
		out = append(out, int64(s.in))
	}
	return out
}

// UnmarshalJSON reads what MarshalJSON writes, and refuses what no window can hold.
func (w *Window) UnmarshalJSON(b []byte) error {
	var in saved
	if err := json.Unmarshal(b, &in); err != nil {
		return fmt.Errorf("window: %w", err)
	}
	fresh, err := in.window()
	if err != nil {
		return fmt.Errorf("window: %w", err)
	}
	*w = *fresh
	return nil
}

func (in *saved) window() (*Window, error) {
	s := Spec{LengthMs: in.LengthMs, ReachMs: in.ReachMs, Days: in.Days, ZoneMin: in.ZoneMin}
	switch len(in.Range) {
	case 0:
	case 4:
		s.Ranged = true
		s.Low, s.High, s.AltLow, s.AltHigh = event.Decimal(in.Range[0]), event.Decimal(in.Range[1]), event.Decimal(in.Range[2]), event.Decimal(in.Range[3])
	default:
		return nil, errors.New("range: want low, high, and both for the other unit")
	}
	if err := s.Check(); err != nil {
		return nil, err
	}
	w := New(s)
	if in.Newest == nil {
		if in.Steps != nil {
			return nil, errors.New("steps without a newest reading")
		}
		return w, nil
	}
	r, err := w.reading(in.Newest)
	if err != nil {
		return nil, fmt.Errorf("newest: %w", err)
	}
	w.some = true
	w.lead(r)
	for i, r := range in.Steps {
		if err := w.restore(r); err != nil {
			return nil, fmt.Errorf("step %d: %w", i, err)
		}
	}
	if w.reach > 0 {
		if w.forgetBehind(); w.head != 0 {
			return nil, errors.New("more than one step before the window")
		}
	}
	w.cells = append(make([]uint64, 0, len(w.cells)), w.cells...) // no more room than is needed: most restored windows rest
	return w, nil
}

func (w *Window) reading(r row) (reading, error) {
	want := 2
	if w.rng != nil {
		want = 3
	}
	if len(r) != want || want == 3 && uint64(r[2]) > 1 {
		return reading{}, fmt.Errorf("reading %d: want moment, value and for a range 0 or 1", r)
	}
	out := reading{event.Time(r[0]), event.Decimal(r[1]), want == 3 && r[2] == 1}
	if out.at < earliest || out.at > latest || out.value < -greatest || out.value > greatest {
		return reading{}, fmt.Errorf("reading %d is none that an event can carry", r)
	}
	return out, nil
}

// restore puts one row behind all others.
func (w *Window) restore(r row) error {
	if len(r) <= 3 {
		one, err := w.reading(r)
		if err != nil {
			return err
		}
		return w.restoreOne(one)
	}
	s, err := w.summed(r)
	if err != nil {
		return err
	}
	if err := w.follows(s.first, s.last, true); err != nil {
		return err
	}
	w.tail = uint16(len(w.cells))
	w.widen(len(w.cells), len(w.cells))
	w.store(int(w.tail), &s)
	w.setSquares(int(w.tail), u128{uint64(r[6]), uint64(r[7])})
	return nil
}

func (w *Window) restoreOne(r reading) error {
	c, ok := pack(r)
	if !ok {
		return fmt.Errorf("value %s does not stand alone", r.value)
	}
	n := len(w.cells)
	same := n > 0 && w.firstAt(int(w.tail)) >= w.start(r.at)
	if err := w.follows(r.at, r.at, !same); err != nil {
		return err
	}
	if r.after(w.leader()) {
		return errors.New("newer than the newest")
	}
	switch {
	case !same:
		w.tail = uint16(n)
	case w.cells[w.tail]&summed != 0 || n-int(w.tail) >= w.stride():
		return errors.New("more single readings than a step has")
	case w.unpack(w.cells[n-1]).after(r):
		return errors.New("before the reading that stands in front of it")
	}
	w.cells = append(w.cells, c)
	return nil
}

// follows tells whether a row from first to last, of one step, may stand behind those that w has; fresh: as a new step.
func (w *Window) follows(first, last event.Time, fresh bool) error {
	switch {
	case first < w.floor(w.newest.At) || last > w.newest.At || first > last || w.start(first) != w.start(last):
		return errors.New("moments are not of one step that is kept")
	case fresh && len(w.cells) > 0 && w.start(w.firstAt(int(w.tail))) >= w.start(first):
		return errors.New("not after the step before it")
	}
	return nil
}

func (w *Window) summed(r row) (sums, error) {
	want := 9
	if w.rng != nil {
		want = 10
	}
	if len(r) != want {
		return sums{}, fmt.Errorf("%d numbers: want %d", len(r), want)
	}
	s := sums{
		first: event.Time(r[0]), last: event.Time(r[1]), n: uint64(r[2]), sum: r[3], min: event.Decimal(r[4]), max: event.Decimal(r[5]),
		oldest: event.Decimal(r[8]),
	}
	if w.rng != nil {
		s.in = uint64(r[9])
	}
	if s.n == 0 || s.n >= 1<<31 || s.in > s.n || s.min < -greatest || s.max > greatest || s.oldest < s.min || s.oldest > s.max {
		return sums{}, fmt.Errorf("sums %d contradict themselves", r)
	}
	return s, nil
}

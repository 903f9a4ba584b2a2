package window

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"math"
	"testing"

	"tocsin/streams/event"
)

// FuzzWindow reads any text as a checkpoint, and any bytes as readings that follow. Refusing is fine; what is taken saves to
// the same text again, and neither panics nor answers with anything but numbers.
func FuzzWindow(f *testing.F) {
	w := New(Spec{LengthMs: dayMs, ReachMs: 3 * dayMs, Ranged: true, Low: 3_900_000, High: 10_000_000, AltLow: 3_885_521, AltHigh: 9_991_341})
	for i := range 60 {
		w.Add(noon+event.Time(i*i)*minute, event.Decimal(4_000_000+300_000*i), i%2 == 0)
	}
	full, err := json.Marshal(w)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(full, []byte("later readings, of no sense at all"))
	f.Add([]byte(`{"days":7,"zone_min":480,"newest":[1767268800000,1000000]}`), []byte{})
	f.Add([]byte(`{"length_ms":60000}`), bytes.Repeat([]byte{0, 1, 2}, 50))
	f.Fuzz(func(t *testing.T, text, more []byte) {
		var w Window
		if json.Unmarshal(text, &w) != nil {
			return
		}
		again := roundTrip(t, &w)
		newest, _ := w.Newest()
		for len(more) >= 12 {
			at, v := int64(binary.LittleEndian.Uint64(more)), int64(int32(binary.LittleEndian.Uint32(more[8:])))
			if v%3 != 0 { // near, or anywhere
				at = int64(newest.At) + at>>(uint64(v)%64)
			}
			w.Add(event.Time(at), event.Decimal(v*v*v%1e15), v%2 == 0)
			again.Add(event.Time(at), event.Decimal(v*v*v%1e15), v%2 == 0)
			more = more[12:]
		}
		if a, b := save(t, &w), save(t, again); a != b {
			t.Fatalf("after the same readings the restored window differs:\n%s\n%s", a, b)
		}
		roundTrip(t, &w)
		ask(t, &w)
	})
}

func roundTrip(t *testing.T, w *Window) *Window {
	t.Helper()
	text := save(t, w)
	again := new(Window)
	if err := json.Unmarshal([]byte(text), again); err != nil {
		t.Fatalf("%v: %s", err, text)
	}
	if got := save(t, again); got != text {
		t.Fatalf("round trip changed the window:\n%s\n%s", text, got)
	}
	return again
}

// ask asks all there is to ask.
func ask(t *testing.T, w *Window) {
	t.Helper()
	newest, _ := w.Newest()
	for _, at := range []event.Time{newest.At, newest.At + 12345, newest.At + 90*day, newest.At - day} {
		for what, q := range map[string]question{
			"count": w.Count, "mean": w.Mean, "min": w.Min, "max": w.Max, "spread": w.Spread, "delta": w.Delta, "rise": w.Rise, "fall": w.Fall,
			"slope": w.Slope, "trend": w.Trend, "baseline": w.Baseline, "in range": w.InRange, "days": w.Days,
			"ewma":        func(at event.Time) (float64, bool) { return w.EWMA(at, 3*dayMs) },
			"cusum":       func(at event.Time) (float64, bool) { return w.CusumUp(at, 5, 0.5) },
			"deviation":   func(at event.Time) (float64, bool) { return w.Deviation(at, 0.5) },
			"days in row": func(at event.Time) (float64, bool) { return w.DaysInRow(at, 1) },
			"day mean":    func(at event.Time) (float64, bool) { return w.DayMean(at, 7, 4) },
		} {
			if got, known := q(at); known && (math.IsNaN(got) || math.IsInf(got, 0)) {
				t.Fatalf("%s of %s is %v", what, save(t, w), got)
			}
		}
		for what, q := range map[string]func() (bool, bool){
			"at least": func() (bool, bool) { return w.AtLeast(at, 5, 3_600_000) },
			"within":   func() (bool, bool) { return w.Within(at, 3_600_000) },
		} {
			if holds, known := q(); holds && !known {
				t.Fatalf("%s of %s holds and is not known", what, save(t, w))
			}
		}
	}
}

// A checkpoint that no window can have written is refused, with the reason.
func TestRUL7_CheckpointThatCannotBeIsRefused(t *testing.T) {
	for text, what := range map[string]string{
		`{}`:                                                                                                 "no length",
		`{"length_ms":1}`:                                                                                    "too short",
		`{"length_ms":9000000000}`:                                                                           "too long",
		`{"days":7,"length_ms":60000}`:                                                                       "two lengths",
		`{"length_ms":60000,"range":[1,2]}`:                                                                  "half a range",
		`{"length_ms":60000,"range":[2,1,1,2]}`:                                                              "an empty range",
		`{"length_ms":60000,"steps":[[1,2]]}`:                                                                "no newest",
		`{"length_ms":60000,"newest":[100000,1,1]}`:                                                          "a range that is not there",
		`{"length_ms":60000,"newest":[100000,1],"steps":[[1,2]]}`:                                            "older than the window",
		`{"length_ms":60000,"newest":[100000,1],"steps":[[100001,2]]}`:                                       "newer than the newest",
		`{"length_ms":60000,"newest":[100000,1],"steps":[[90000,2],[80000,2]]}`:                              "out of order",
		`{"length_ms":60000,"newest":[100000,1],"steps":[[90000,2000000000001]]}`:                            "a value for a record",
		`{"length_ms":60000,"newest":[100000,1],"steps":[[90000,90001,0,0,0,0,0,0,0]]}`:                      "a step of none",
		`{"length_ms":60000,"newest":[100000,1],"steps":[[90000,99001,9,0,0,0,0,0,0]]}`:                      "a step of two",
		`{"length_ms":60000,"newest":[100000,1],"steps":[[90000,90001,9,0,0,0,0,0,0],[90002,1]]}`:            "a reading beside the sums of its step",
		`{"length_ms":60000,"newest":[100000,1],"steps":[[90000,90001,9,0,5,1,0,0,0]]}`:                      "least above greatest",
		`{"length_ms":60000,"reach_ms":120000,"newest":[200000,1],"steps":[[90000,1],[93000,1],[190000,1]]}`: "two steps before the window",
		`{"length_ms":60000,"newest":[99000,1],"steps":[[98000,1],[98000,1],[98000,1],[98000,1],[98000,1],[98000,1],[98000,1],[98000,1],[98000,1]]}`: "more single readings than a step has",
	} {
		if err := json.Unmarshal([]byte(text), new(Window)); err == nil {
			t.Errorf("%s is taken: %s", what, text)
		}
	}
}

func TestRUL7_PointInJSON(t *testing.T) {
	want := Point{noon, -1_500_000}
	b, err := json.Marshal(want)
	if err != nil || string(b) != "[1767268800000,-1500000]" {
		t.Fatal(string(b), err)
	}
	var got Point
	if err := json.Unmarshal(b, &got); err != nil || got != want {
		t.Fatal(got, err)
	}
	if json.Unmarshal([]byte(`[1]`), &got) == nil {
		t.Error("half a point is taken")
	}
}

// A fault in a Spec is found by Check; equal keys are equal Specs.
func TestRUL7_Spec(t *testing.T) {
	good := []Spec{{LengthMs: dayMs}, Held(900_000, 0), Held(900_000, dayMs), {Days: 16, ZoneMin: 480}, {Days: 1}, {LengthMs: MaxLengthMs, Ranged: true, High: 1},
		{LengthMs: dayMs, Ranged: true, High: 1, AltHigh: 1}, {LengthMs: dayMs, Ranged: true, Low: -1, High: 1}}
	keys := map[string]Spec{}
	for _, s := range good {
		if err := s.Check(); err != nil {
			t.Errorf("%+v: %v", s, err)
		}
		if got := New(s).Spec(); got != s {
			t.Errorf("%+v becomes %+v", s, got)
		}
		if other, ok := keys[s.Key()]; ok {
			t.Errorf("%+v and %+v have the key %s", s, other, s.Key())
		}
		keys[s.Key()] = s
	}
	for _, s := range []Spec{{}, {LengthMs: 1}, {LengthMs: MaxLengthMs + 1}, {Days: 17}, {Days: -1}, {Days: 1, LengthMs: dayMs}, {LengthMs: dayMs, ReachMs: 1},
		{LengthMs: dayMs, ReachMs: MaxLengthMs + 1}, {LengthMs: dayMs, ZoneMin: 60}, {Days: 1, ZoneMin: 1000}, {LengthMs: dayMs, Low: 1}, {LengthMs: dayMs, Ranged: true, Low: 1}} {
		if s.Check() == nil {
			t.Errorf("%+v is taken", s)
		}
	}
}

package window

import (
	"fmt"
	"math"
	"strings"
	"testing"

	"tocsin/streams/event"
)

// The examples follow the published rules by hand. Their tables stand in the text of the tests.

func decimal(t *testing.T, s string) event.Decimal {
	t.Helper()
	d, err := event.ParseDecimal(s)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func must(t *testing.T, what string, want float64, got float64, known bool) {
	t.Helper()
	if !known || got != want {
		t.Errorf("%s: %v, known %v; want %v", what, got, known, want)
	}
}

func unknown(t *testing.T, what string, got float64, known bool) {
	t.Helper()
	if known {
		t.Errorf("%s: %v; want unknown", what, got)
	}
}

// Weight once a day at the same hour: today's against the least of the last 1, 3 and 7 days (heart failure, rules 3.1; the
// window convention is a decision: the least valid weight of the last 72 hours).
func TestRUL7_WeightGain(t *testing.T) {
	for _, c := range []struct {
		weights          string
		day, three, week float64
	}{
		{"80 80.5 81.2 82.1", 0.9, 2.1, 2.1},
		{"80 80.6 81.1 81.6 82.1", 0.5, 1.5, 2.1}, // 80 is four days old
		{"80 80 80 81.0", 1.0, 1.0, 1.0},
		{"80 80 80 81.4", 1.4, 1.4, 1.4},
		{"80 80.3 80.6 81 81.3 81.7 82 82.3", 0.3, 1.0, 2.3},
		{"80 80.4 80.8 81.2 81.6 82 82.4 82.8", 0.4, 1.2, 2.8},
		{"82 80 81 82.2", 1.2, 2.2, 2.2}, // a dip and back
		{"82 81.5 81 80", -1, -1, -1},
	} {
		for hour := event.Time(0); hour < 24; hour++ { // wherever the grid falls
			windows := []*Window{New(Spec{LengthMs: dayMs}), New(Spec{LengthMs: 3 * dayMs}), New(Spec{LengthMs: 7 * dayMs})}
			at := noon + hour*61*minute
			for _, kg := range strings.Fields(c.weights) {
				at += day
				for _, w := range windows {
					w.Add(at, decimal(t, kg), false)
				}
			}
			for i, want := range []float64{c.day, c.three, c.week} {
				got, known := windows[i].Rise(at)
				must(t, fmt.Sprintf("%s: rise over %v days", c.weights, []int{1, 3, 7}[i]), want, got, known)
			}
		}
	}
}

func TestRUL7_AGainOfTwoKilogramsIsNotMore(t *testing.T) {
	w := New(Spec{LengthMs: 3 * dayMs})
	w.Add(noon, decimal(t, "80.1"), false)
	unknown(t, "rise of a first weight", 0, func() bool { _, known := w.Rise(noon); return known }())
	w.Add(noon+day, decimal(t, "82.1"), false)
	if kg, known := w.Rise(noon + day); !known || kg > 2 || kg < 2 {
		t.Errorf("82.1 after 80.1 kg is a rise of %v, known %v", kg, known)
	}
	// On the fifth day without a weight the newest itself has left.
	kg, known := w.Rise(noon + 5*day)
	unknown(t, "rise without a weight in the window", kg, known)
}

// Home blood pressure (NICE NG136, rules 3.4): two readings twice a day for four to seven days, the first day left out.
func TestRUL7_HomePressureProtocol(t *testing.T) {
	four := func(v string) string { return strings.Join([]string{v, v, v, v}, " ") }
	for _, c := range []struct {
		name string
		days []string
		want float64 // 0: not known
	}{
		{"seven days at 140", []string{four("140"), four("140"), four("140"), four("140"), four("140"), four("140"), four("140")}, 140},
		{"a high first day is left out", []string{four("180"), four("130"), four("130"), four("130"), four("130"), four("130"), four("130")}, 130},
		{"four days suffice", []string{four("150"), four("134"), four("134"), four("134")}, 134},
		{"three days do not", []string{four("150"), four("150"), four("150")}, 0},
		{"nothing is rounded up", []string{four("160"), "135 135 135 134", "135 135 135 134", "135 135 135 134"}, 134.75},
		{"a day without readings is no day", []string{four("150"), "", four("134"), four("134"), "", four("134")}, 134},
		{"of nine days the newest seven count", []string{four("200"), four("200"), four("200"), four("130"), four("130"), four("130"), four("130"), four("130"), four("130")}, 130},
	} {
		w := New(Spec{Days: 14, ZoneMin: 480})
		morning := event.Time(1_767_222_000_000) // 2026-01-01 07:00 in China, still 2025 in UTC
		for d, readings := range c.days {
			for i, v := range strings.Fields(readings) {
				w.Add(morning+event.Time(d)*day+[]event.Time{0, minute, 14 * hour, 14*hour + minute}[i], decimal(t, v), false)
			}
		}
		now := morning + event.Time(len(c.days)-1)*day + 15*hour
		got, known := w.DayMean(now, 7, 4)
		if c.want == 0 {
			unknown(t, c.name, got, known)
		} else {
			must(t, c.name, c.want, got, known)
		}
	}
}

// Temperature of 38.0 sustained over an hour (rules 3.12). Two sparse readings count as sustained: a decision.
func TestRUL7_SustainedFever(t *testing.T) {
	for _, c := range []struct {
		readings     string // minute:degrees
		holds, known bool
	}{
		{"0:38.0 60:38.0", true, true},
		{"0:38.0 59:38.0", false, false},
		{"0:37.9 60:37.9", false, true},
		{"0:38.0 240:38.1", true, true},
		{"0:38.0", false, false},
		{"0:37.9 30:38.2 60:38.0", false, true},   // not for an hour yet: at its beginning it was 37.9
		{"0:38.0 30:37.9 60:38.0", false, true},   // interrupted
		{"0:37.9 10:38.0 60:38.0", false, true},   // the last one an hour before was 37.9
		{"0:37.9 10:38.0 70:38.0", true, true},    // now it is the one at 10
		{"30:37.9 60:38.0", false, true},          // whatever was before
		{"0:38.0 1500:38.1", false, false},        // more than a day apart
		{"60:38.0 0:38.0 30:37.9", false, true},   // the same, late
		{"60:38.0 0:38.0 30:38.05", true, true},   // the same, late
		{"0:39 30:39 60:39 61:37.9", false, true}, // it has gone down
	} {
		w := New(Held(3_600_000, dayMs))
		newest := noon
		for _, r := range strings.Fields(c.readings) {
			m, v, _ := strings.Cut(r, ":")
			at := noon + event.Time(decimal(t, m)/event.One)*minute
			w.Add(at, decimal(t, v), false)
			newest = max(newest, at)
		}
		if holds, known := w.AtLeast(newest, 38, 3_600_000); holds != c.holds || known != c.known {
			t.Errorf("%s: 38 or more for an hour: %v, known %v; want %v, %v", c.readings, holds, known, c.holds, c.known)
		}
	}
}

// Below and above are strict, the other two are not; a reading just beyond the reach is as if it were not there.
func TestRUL7_SustainedBoundsAndReach(t *testing.T) {
	w := New(Held(3_600_000, dayMs))
	w.Add(noon, event.Int(38), false)
	w.Add(noon+hour, event.Int(38), false)
	for what, c := range map[string]struct {
		ask  func(event.Time, float64, int64) (bool, bool)
		want bool
	}{"below": {w.Below, false}, "at most": {w.AtMost, true}, "above": {w.Above, false}, "at least": {w.AtLeast, true}} {
		if holds, known := c.ask(noon+hour, 38, 3_600_000); holds != c.want || !known {
			t.Errorf("38.0 twice is %s 38: %v, known %v", what, holds, known)
		}
	}
	for over, want := range map[event.Time]bool{0: true, 1: false} {
		w := New(Held(3_600_000, dayMs))
		w.Add(noon, event.Int(38), false)
		w.Add(noon+day+over, event.Int(38), false)
		if holds, known := w.AtLeast(noon+day+over, 38, 3_600_000); holds != want || known != want {
			t.Errorf("a day and %d ms apart: %v, known %v", over, holds, known)
		}
	}
}

// Time in range (rules 3.5), each reading judged in the unit in which the sensor sent it.
func TestRUL7_GlucoseInRange(t *testing.T) {
	mmol := func(mgdl float64) event.Decimal { return event.Decimal(math.Round(mgdl / 18.0156 * 1e6)) }
	spec := Spec{LengthMs: 14 * dayMs, Ranged: true, Low: decimal(t, "3.9"), High: decimal(t, "10"), AltLow: mmol(70), AltHigh: mmol(180)}
	for _, c := range []struct {
		mgdl string
		want float64
	}{
		{"53 54 69 70 180 181 250 251", 25},
		{"100 100 100 100 100 100 100 100 100 100", 100},
		{"40 45 50 53", 0},
		{"100 100 100 100 100 100 100 200 200 200", 70},
		{"60 65 68 72 80 90 100 52 66 69", 40},
	} {
		w := New(spec)
		at := noon
		for _, v := range strings.Fields(c.mgdl) {
			at += 5 * minute
			w.Add(at, mmol(decimal(t, v).Float()), true)
		}
		got, known := w.InRange(at)
		must(t, c.mgdl, c.want, got, known)
	}
	// 10.0 mmol/L is in range, and 180.16 mg/dL, to which it converts, is not: nor is 3.88, to which 70 mg/dL does.
	w := New(spec)
	w.Add(noon, decimal(t, "10"), false)
	w.Add(noon+minute, decimal(t, "10"), true)
	w.Add(noon+2*minute, mmol(70), false)
	w.Add(noon+3*minute, mmol(70), true)
	got, known := w.InRange(noon + 3*minute)
	must(t, "both units", 50, got, known)
}

// The sample standard deviation behind the coefficient of variation (rules 3.5), in mmol/L.
func TestRUL7_GlucoseSpread(t *testing.T) {
	w := New(Spec{LengthMs: 14 * dayMs})
	for i, mgdl := range []float64{53, 54, 69, 70, 180, 181, 250, 251} {
		w.Add(noon+event.Time(i)*5*minute, event.Decimal(math.Round(mgdl/18.0156*1e6)), true)
	}
	sd, known := w.Spread(noon + hour)
	mean, _ := w.Mean(noon + hour)
	if cv := 100 * sd / mean; !known || math.Abs(cv-62.5825) > 5e-5 || math.Abs(sd*18.0156-86.6767) > 5e-5 {
		t.Errorf("spread %v mg/dL, %v %% of the mean", sd*18.0156, cv)
	}
}

// Symptoms on two observed days within three calendar days (rules 3.2).
func TestRUL7_DiaryDaysInRow(t *testing.T) {
	for diary, want := range map[string]float64{
		"11": 2, "1-1": 2, "1--1": 1, "101": 1, "110": 0, "0111": 3, "1-1-1": 3, "1": 1, "0": 0,
	} {
		w := New(Spec{Days: 7, ZoneMin: 480})
		at := noon
		for _, c := range diary {
			at += day
			if c != '-' {
				w.Add(at, event.Int(int64(c-'0')), false)
			}
		}
		got, known := w.DaysInRow(at, 1)
		must(t, "diary "+diary, want, got, known)
	}
	w := New(Spec{Days: 7})
	got, known := w.DaysInRow(noon, 1)
	unknown(t, "an empty diary", got, known)
	got, known = w.Days(noon)
	must(t, "days of an empty diary", 0, got, known)
}

// A weight that rises by 100 g a day and one that stays: lines, drift and deviation by hand.
func TestRUL7_SlowDrift(t *testing.T) {
	w := New(Spec{LengthMs: 14 * dayMs})
	at := noon
	for d := range 10 {
		at = noon + event.Time(d)*day
		w.Add(at, decimal(t, "80")+event.Decimal(d)*event.One/10, false)
	}
	for what, q := range map[string]func() (float64, bool){
		"slope": func() (float64, bool) { return w.Slope(at) },
		"trend": func() (float64, bool) { return w.Trend(at) },
	} {
		if got, known := q(); !known || math.Abs(got-0.1) > 1e-9 {
			t.Errorf("%s: %v kg a day, known %v", what, got, known)
		}
	}
	base, known := w.Baseline(at) // the newest and nothing else lies in the last 24 hours
	must(t, "baseline of 80 to 80.8", 80.4, base, known)
	off, known := w.Deviation(at, 0.25) // 1.4826 · 0.2 is more than 0.25
	if !known || math.Abs(off-0.5/(1.4826*0.2)) > 1e-9 {
		t.Errorf("deviation %v, known %v", off, known)
	}
	up, known := w.CusumUp(at, 80, 0.25) // 0.05+0.15+0.25+0.35+0.45+0.55+0.65
	if !known || math.Abs(up-2.45) > 1e-9 {
		t.Errorf("cusum %v, known %v", up, known)
	}
	down, known := w.CusumDown(at, 80, 0.25)
	must(t, "cusum down", 0, down, known)
}

func TestRUL7_EWMAHalvesByTheHalfLife(t *testing.T) {
	w := New(Spec{LengthMs: 15 * dayMs})
	w.Add(noon-3*day, event.Int(70), false)
	w.Add(noon, event.Int(100), false)
	got, known := w.EWMA(noon, 3*dayMs)
	must(t, "70 three days ago, 100 now", 90, got, known)
	got, known = w.EWMA(noon, 0)
	unknown(t, "a half-life of nothing", got, known)
}

// Two readings on either side of a step's edge are no trend.
func TestRUL7_NoTrendFromAMoment(t *testing.T) {
	w := New(Spec{LengthMs: dayMs})
	for i := range 4 {
		w.Add(noon+event.Time(i)*40*minute, event.Int(int64(120+10*i)), false)
	}
	got, known := w.Slope(noon + 2*hour)
	unknown(t, "slope over two hours of a day", got, known)
	got, known = w.Trend(noon + 2*hour)
	unknown(t, "trend over two hours of a day", got, known)
}

// An empty window knows that it has no readings and nothing else.
func TestRUL7_EmptyWindow(t *testing.T) {
	w := New(Spec{LengthMs: dayMs})
	n, known := w.Count(noon)
	must(t, "count", 0, n, known)
	for what, q := range map[string]question{"mean": w.Mean, "min": w.Min, "max": w.Max, "spread": w.Spread, "delta": w.Delta, "rise": w.Rise,
		"fall": w.Fall, "slope": w.Slope, "trend": w.Trend, "baseline": w.Baseline, "in range": w.InRange} {
		got, known := q(noon)
		unknown(t, what, got, known)
	}
	if holds, known := w.Below(noon, 1, 60_000); holds || known {
		t.Error("below holds or is known of an empty window")
	}
}

// What would run over is unknown, never wrong.
func TestRUL7_SumsThatRunOverAreUnknown(t *testing.T) {
	w := New(Spec{LengthMs: dayMs})
	for i := range 10_000 {
		w.Add(noon+event.Time(i), event.Decimal(1e15), false)
	}
	now := noon + minute
	got, known := w.Mean(now)
	unknown(t, "mean", got, known)
	got, known = w.Spread(now)
	unknown(t, "spread", got, known)
	got, known = w.Max(now)
	must(t, "max", 1e9, got, known)
	got, known = w.Count(now)
	must(t, "count", 10_000, got, known)
}

package rules_test

import (
	"math/rand/v2"
	"testing"

	"pgregory.net/rapid"

	"tocsin/rules"
	"tocsin/rules/pack"
	"tocsin/streams/event"
)

func library(t testing.TB, id string) *rules.Pack {
	t.Helper()
	p, err := pack.CompileFile(id+".yaml", pack.Library()[id])
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// The reference is written from the chart, cell by cell, in whole numbers (tenths for temperature), and shares nothing
// with the tables.
func refPoints(q event.Quantity, v, scale, oxygen int) int {
	switch q {
	case event.RespirationPerMin:
		return pick(v, 8, 3, 11, 1, 20, 0, 24, 2, 3)
	case event.SpO2Percent:
		switch {
		case scale == 1:
			return pick(v, 91, 3, 93, 2, 95, 1, 0)
		case oxygen == 0:
			return pick(v, 83, 3, 85, 2, 87, 1, 0)
		default:
			return pick(v, 83, 3, 85, 2, 87, 1, 92, 0, 94, 1, 96, 2, 3)
		}
	case event.SupplementalO2:
		return 2 * v
	case event.SystolicMmHg:
		return pick(v, 90, 3, 100, 2, 110, 1, 219, 0, 3)
	case event.PulsePerMin:
		return pick(v, 40, 3, 50, 1, 90, 0, 110, 1, 130, 2, 3)
	case event.ACVPU:
		return pick(v, 0, 0, 3)
	case event.TemperatureCel: // tenths
		return pick(v, 350, 3, 360, 1, 380, 0, 390, 1, 2)
	}
	return 0
}

// pick reads bound, points, bound, points … and the points beyond the last bound.
func pick(v int, cells ...int) int {
	for i := 0; i+1 < len(cells); i += 2 {
		if v <= cells[i] {
			return cells[i+1]
		}
	}
	return cells[len(cells)-1]
}

func refBand(total int, single bool) string {
	switch {
	case total >= 7:
		return "high"
	case total >= 5:
		return "medium"
	case single:
		return "low_medium"
	case total >= 1:
		return "low"
	default:
		return "zero"
	}
}

var signs = []event.Quantity{event.RespirationPerMin, event.SpO2Percent, event.SupplementalO2, event.SystolicMmHg, event.PulsePerMin, event.ACVPU, event.TemperatureCel}

// grid answers the reference's whole number for a value: half up, to tenths for temperature.
func grid(q event.Quantity, d event.Decimal) int {
	if q == event.TemperatureCel {
		return int((d + event.One/20) / (event.One / 10))
	}
	return int((d + event.One/2) / event.One)
}

// TestRUL1_EveryCell goes through the whole chart in steps finer than its grid, on both scales, on air and on oxygen.
func TestRUL1_EveryCell(t *testing.T) {
	sc := &library(t, "news2").Scores[0]
	spans := map[event.Quantity][2]int64{event.RespirationPerMin: {0, 70}, event.SpO2Percent: {50, 100}, event.SystolicMmHg: {30, 260},
		event.PulsePerMin: {20, 260}, event.TemperatureCel: {28, 44}, event.SupplementalO2: {0, 1}, event.ACVPU: {0, 4}}
	steps := map[event.Quantity]event.Decimal{event.TemperatureCel: event.One / 1000, event.SupplementalO2: event.One, event.ACVPU: event.One}
	cells := 0
	for _, q := range signs {
		step := steps[q]
		if step == 0 {
			step = event.One / 100
		}
		for d := event.Int(spans[q][0]); d <= event.Int(spans[q][1]); d += step {
			for scale := 1; scale <= 2; scale++ {
				for oxygen := 0; oxygen <= 1; oxygen++ {
					var v rules.Values
					v.Set(event.SupplementalO2, event.Int(int64(oxygen)))
					v.Set(q, d)
					got := sc.Tally(&v, scale)
					low, high := sc.PointsOf(&got, q)
					if want := refPoints(q, grid(q, d), scale, oxygen); int(low) != want || high != low {
						t.Fatalf("%s %s on scale %d, oxygen %d: %d points (worst %d), the chart says %d", q, d, scale, oxygen, low, high, want)
					}
					cells++
				}
			}
		}
	}
	if cells < 100_000 {
		t.Errorf("only %d cells were looked at", cells)
	}
}

// TestRUL2_IntervalIsAllCompletions takes a set with signs missing and tries every cell of the chart for them: the
// interval is from the least to the most, and the band is determined only when both ends agree.
func TestRUL2_IntervalIsAllCompletions(t *testing.T) {
	sc := &library(t, "news2").Scores[0]
	each := map[event.Quantity][]int{event.RespirationPerMin: {8, 10, 16, 22, 26}, event.SpO2Percent: {80, 84, 86, 90, 92, 93, 95, 96, 98},
		event.SupplementalO2: {0, 1}, event.SystolicMmHg: {80, 95, 105, 120, 230}, event.PulsePerMin: {35, 45, 70, 100, 120, 140},
		event.ACVPU: {0, 1}, event.TemperatureCel: {340, 355, 370, 385, 395}}
	rapid.Check(t, func(t *rapid.T) {
		scale := rapid.IntRange(1, 2).Draw(t, "scale")
		var v rules.Values
		given := map[event.Quantity]int{}
		var missing []event.Quantity
		for _, q := range signs {
			if len(missing) < 4 && rapid.Bool().Draw(t, "missing "+q.String()) {
				missing = append(missing, q)
				continue
			}
			cell := rapid.SampledFrom(each[q]).Draw(t, q.String())
			given[q] = cell
			v.Set(q, decimal(q, cell))
		}
		low, high, lowBand, highBand := 99, -1, "", ""
		complete(given, missing, each, func(all map[event.Quantity]int) {
			total, single := 0, false
			for _, q := range signs {
				p := refPoints(q, all[q], scale, all[event.SupplementalO2])
				total, single = total+p, single || p == 3
			}
			if b := refBand(total, single); total < low || total == low && rank(b) < rank(lowBand) {
				low, lowBand = total, b
			}
			if b := refBand(total, single); total > high || total == high && rank(b) > rank(highBand) {
				high, highBand = total, b
			}
		})
		got := sc.Tally(&v, scale)
		if int(got.Lower) != low || int(got.Upper) != high {
			t.Fatalf("interval %d–%d, want %d–%d", got.Lower, got.Upper, low, high)
		}
		if sc.BandName(got.Band) != lowBand || got.Determined() != (lowBand == highBand) {
			t.Fatalf("band %s, determined %t; want %s and %s", sc.BandName(got.Band), got.Determined(), lowBand, highBand)
		}
	})
}

func rank(band string) int {
	return map[string]int{"zero": 0, "low": 1, "low_medium": 2, "medium": 3, "high": 4}[band]
}

func decimal(q event.Quantity, cell int) event.Decimal {
	if q == event.TemperatureCel {
		return event.Decimal(cell) * event.One / 10
	}
	return event.Int(int64(cell))
}

func complete(given map[event.Quantity]int, missing []event.Quantity, each map[event.Quantity][]int, do func(map[event.Quantity]int)) {
	if len(missing) == 0 {
		do(given)
		return
	}
	for _, cell := range each[missing[0]] {
		given[missing[0]] = cell
		complete(given, missing[1:], each, do)
	}
	delete(given, missing[0])
}

// TestRUL2_ScoringAllocatesNothing keeps the hot path off the heap.
func TestRUL2_ScoringAllocatesNothing(t *testing.T) {
	sc := &library(t, "news2").Scores[0]
	v := vitals(rand.New(rand.NewPCG(1, 0)))
	var sink rules.Tally
	if n := testing.AllocsPerRun(1000, func() { sink = sc.Tally(&v, 2) }); n != 0 {
		t.Errorf("%v allocations a score", n)
	}
	_ = sink
}

func vitals(r *rand.Rand) (v rules.Values) {
	v.Set(event.RespirationPerMin, event.Int(12+r.Int64N(10)))
	v.Set(event.SpO2Percent, event.Int(88+r.Int64N(12)))
	v.Set(event.SupplementalO2, event.Int(r.Int64N(2)))
	v.Set(event.SystolicMmHg, event.Int(95+r.Int64N(60)))
	v.Set(event.PulsePerMin, event.Int(55+r.Int64N(60)))
	v.Set(event.ACVPU, 0)
	v.Set(event.TemperatureCel, event.Int(36)+event.Decimal(r.Int64N(30))*event.One/10)
	return v
}

package ingest

import (
	"fmt"
	"math/bits"

	"tocsin/streams/event"
)

// A scale is a unit as a sender may name it, with its exact relation to the unit in which we store: ours = (theirs +
// plus) × num / den. Nothing is guessed: a unit that is not in the table of its quantity is refused, and so is none at all.
type scale struct {
	unit     string
	plus     event.Decimal
	num, den int64
}

// same is a scale that changes nothing.
func same(unit string) scale { return scale{unit: unit, num: 1, den: 1} }

var (
	perMinute = []scale{same("/min"), same("1/min"), same("{beat}/min"), same("{beats}/min"), same("{breath}/min"), same("{breaths}/min")}
	// A fraction is only taken for one when its unit says so: 0.97 % is no saturation.
	percent = []scale{same("%"), {"{fraction}", 0, 100, 1}, {"1", 0, 100, 1}}
	// 1 mm[Hg] = 133.322387415 Pa (UCUM); mmHg is what devices write for it.
	pressure = []scale{same("mm[Hg]"), same("mmHg"), {"kPa", 0, 1_000_000_000_000, 133_322_387_415}, {"Pa", 0, 1_000_000_000, 133_322_387_415}}
	// Cel = (F - 32) / 1.8.
	temperature = []scale{same("Cel"), same("°C"), {"[degF]", -event.Int(32), 5, 9}, {"°F", -event.Int(32), 5, 9}, {"K", -273_150_000, 1, 1}}
	// 1 lb = 0.45359237 kg exactly (international yard and pound agreement, 1959).
	weight = []scale{same("kg"), {"g", 0, 1, 1000}, {"[lb_av]", 0, 45_359_237, 100_000_000}, {"[oz_av]", 0, 45_359_237, 1_600_000_000}, {"[stone_av]", 0, 14 * 45_359_237, 100_000_000}}
	// 180.156 g/mol: 18.0156 mg/dL are 1 mmol/L.
	glucose = []scale{same("mmol/L"), {"mg/dL", 0, 10_000, 180_156}, {"g/L", 0, 1_000_000, 180_156}}
	// Beta-hydroxybutyric acid has 104.105 g/mol; 10.41 mg/dL for 1 mmol/L is that, rounded as meters' handbooks do.
	ketone   = []scale{same("mmol/L"), {"mg/dL", 0, 100, 1041}}
	peakFlow = []scale{same("L/min"), same("l/min"), {"L/s", 0, 60, 1}, {"l/s", 0, 60, 1}, {"cL/s", 0, 60, 100}, {"mL/s", 0, 60, 1000}}
	o2Flow   = []scale{same("L/min"), same("l/min"), {"mL/min", 0, 1, 1000}, {"ml/min", 0, 1, 1000}, {"L/s", 0, 60, 1}, {"l/s", 0, 60, 1}}
	seconds  = []scale{same("s"), same("sec"), {"ms", 0, 1, 1000}}
	// (24.h) is how UCUM writes what was collected over a day.
	urine        = []scale{same("mL/h"), same("ml/h"), {"mL/min", 0, 60, 1}, {"ml/min", 0, 60, 1}, {"mL/d", 0, 1, 24}, {"ml/d", 0, 1, 24}, {"mL/(24.h)", 0, 1, 24}, {"L/d", 0, 125, 3}, {"L/(24.h)", 0, 125, 3}}
	steps        = []scale{same("{steps}/d"), same("{step}/d"), same("/d"), same("1/d"), same("{steps}/(24.h)"), same("/(24.h)")}
	score        = []scale{same("{score}"), same("1")}
	volumePerDay = []scale{same("mL/d"), same("ml/d"), same("mL/(24.h)"), {"L/d", 0, 1000, 1}, {"l/d", 0, 1000, 1}, {"L/(24.h)", 0, 1000, 1}}
)

// scales has the units of each quantity; the first is ours. Codes have none.
var scales = [event.Quantities][]scale{
	event.RespirationPerMin: perMinute,
	event.SpO2Percent:       percent,
	event.SystolicMmHg:      pressure,
	event.DiastolicMmHg:     pressure,
	event.PulsePerMin:       perMinute,
	event.TemperatureCel:    temperature,
	event.WeightKg:          weight,
	event.GlucoseMmolPerL:   glucose,
	event.PeakFlowLPerMin:   peakFlow,
	event.KetoneMmolPerL:    ketone,

	event.SensorGlucoseMmolPerL:   glucose,
	event.MeanPressureMmHg:        pressure,
	event.O2FlowLPerMin:           o2Flow,
	event.FiO2Percent:             percent,
	event.CapillaryRefillS:        seconds,
	event.UrineMlPerH:             urine,
	event.StepsPerDay:             steps,
	event.PainNRS:                 score,
	event.UltrafiltrationMlPerDay: volumePerDay,
}

// Unit answers the UCUM unit in which a quantity is stored; it is empty for codes.
func Unit(q event.Quantity) string {
	if int(q) >= len(scales) || len(scales[q]) == 0 {
		return ""
	}
	return scales[q][0].unit
}

func scaleOf(q event.Quantity, unit string) (scale, bool) {
	if int(q) < len(scales) {
		for _, s := range scales[q] {
			if s.unit == unit {
				return s, true
			}
		}
	}
	return scale{}, false
}

// Convert answers value of quantity q, given in the UCUM unit from, in the unit to: exactly, rounded half away from zero
// at millionths. An unknown unit and a result beyond what a Decimal holds are errors.
func Convert(q event.Quantity, value event.Decimal, from, to string) (event.Decimal, error) {
	a, ok := scaleOf(q, from)
	if !ok {
		return 0, unitError(q, from)
	}
	b, ok := scaleOf(q, to)
	if !ok {
		return 0, unitError(q, to)
	}
	// (x + a.plus) × a.num × b.den / (a.den × b.num) - b.plus, with the factors shortened so that they stay small.
	num, den := shorten(a.num, a.den, b.den, b.num)
	out, ok := mulDiv(value+a.plus, num, den)
	if !ok {
		return 0, fmt.Errorf("%s: %s %s is beyond any measurement", q, value, from)
	}
	return out - b.plus, nil
}

// toStored converts to the unit in which q is stored.
func toStored(q event.Quantity, value event.Decimal, unit []byte) (event.Decimal, error) {
	s, ok := scaleOf(q, string(unit))
	if !ok {
		return 0, unitError(q, string(unit))
	}
	if s.num == s.den && s.plus == 0 {
		return value, nil
	}
	out, ok := mulDiv(value+s.plus, s.num, s.den)
	if !ok {
		return 0, fmt.Errorf("%s: %s %s is beyond any measurement", q, value, unit)
	}
	return out, nil
}

func unitError(q event.Quantity, unit string) error {
	want := ""
	for i, s := range scales[q] {
		if i > 0 {
			want += ", "
		}
		want += s.unit
	}
	if want == "" {
		return fmt.Errorf("%s has no unit", q)
	}
	return fmt.Errorf("%s: unit %.40q is none of %s", q, unit, want)
}

// shorten answers (n1 × n2) / (d1 × d2) in lowest terms.
func shorten(n1, d1, n2, d2 int64) (num, den int64) {
	g := gcd(n1, d1)
	n1, d1 = n1/g, d1/g
	g = gcd(n2, d2)
	n2, d2 = n2/g, d2/g
	g = gcd(n1, d2)
	n1, d2 = n1/g, d2/g
	g = gcd(n2, d1)
	n2, d1 = n2/g, d1/g
	return n1 * n2, d1 * d2
}

func gcd(a, b int64) int64 {
	for b != 0 {
		a, b = b, a%b
	}
	return a
}

// mulDiv answers x × num / den in 128 bits, rounded half away from zero; false when it has no place in a Decimal.
func mulDiv(x event.Decimal, num, den int64) (event.Decimal, bool) {
	neg := x < 0
	if neg {
		x = -x
	}
	hi, lo := bits.Mul64(uint64(x), uint64(num))
	lo, carry := bits.Add64(lo, uint64(den)/2, 0)
	hi += carry
	if hi >= uint64(den) {
		return 0, false
	}
	q, _ := bits.Div64(hi, lo, uint64(den))
	if q > 1e15 {
		return 0, false
	}
	if neg {
		return -event.Decimal(q), true
	}
	return event.Decimal(q), true
}

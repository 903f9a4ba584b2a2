package ingest

import (
	"fmt"
	"strconv"

	"tocsin/ingest/format"
	"tocsin/streams/event"
)

// quantityOfMDC answers what a code of IEEE 11073-10101 measures. A code that is not here is kept as rejected and
// listed, never dropped: the standard's own rule for codes to come.
func quantityOfMDC(code int64) event.Quantity {
	switch code {
	case 151562:
		return event.RespirationPerMin
	case 150456:
		return event.SpO2Percent
	case 149530:
		return event.PulsePerMin
	case 150021:
		return event.SystolicMmHg
	case 150022:
		return event.DiastolicMmHg
	case 150364:
		return event.TemperatureCel
	case 188736:
		return event.WeightKg
	case 160368:
		return event.GlucoseMmolPerL
	case 152584:
		return event.PeakFlowLPerMin
	case 150023: // MDC_PRESS_BLD_NONINV_MEAN
		return event.MeanPressureMmHg
	case 160212: // MDC_CONC_GLU_ISF: glucose of the fluid between the cells
		return event.SensorGlucoseMmolPerL
	}
	return event.NoQuantity
}

// byName has what a name stands for: each quantity's name on the wire, and ketone as it was called first.
var byName = func() map[string]event.Quantity {
	m := map[string]event.Quantity{"ketone": event.KetoneMmolPerL}
	for q := event.NoQuantity + 1; int(q) < event.Quantities; q++ {
		m[q.String()] = q
	}
	return m
}()

// quantityOfName answers what a name stands for; NoQuantity when it is no quantity's.
func quantityOfName(code []byte) event.Quantity { return byName[string(code)] }

// reading answers what one item means in our unit, with the doubts about it. The fault says why it is not believed.
func reading(it *format.Item, asRecorded bool) (event.Reading, *format.Fault) {
	q, fault := quantityOf(it)
	if fault != nil {
		return event.Reading{}, fault
	}
	var v event.Decimal
	switch q {
	case event.ACVPU, event.SupplementalO2, event.RespiratoryDistress:
		v, fault = codeOf(q, it)
	default:
		v, fault = numberOf(q, it)
	}
	if fault != nil {
		return event.Reading{}, fault
	}
	r := event.Reading{Quantity: q, Value: v, Mark: markOf(it)}
	if asRecorded {
		return r, nil
	}
	switch judge(q, v) {
	case impossible:
		return r, &format.Fault{Reason: Impossible, Detail: fmt.Sprintf("%s of %s: %s to %s is possible", q, v, spans[q].least, spans[q].most)}
	case implausible:
		if r.Mark == event.Plausible {
			r.Mark = event.Unconfirmed
		}
	case plausible:
	}
	return r, nil
}

func quantityOf(it *format.Item) (event.Quantity, *format.Fault) {
	if it.MDC != 0 && len(it.Code) > 0 {
		return 0, &format.Fault{Reason: UnknownCode, Detail: fmt.Sprintf("mdc %d and code %.40q in one reading: want one of them", it.MDC, it.Code)}
	}
	if q := quantityOfMDC(it.MDC); q != event.NoQuantity {
		return q, nil
	}
	if q := quantityOfName(it.Code); q != event.NoQuantity {
		return q, nil
	}
	what := "neither mdc nor code"
	switch {
	case it.MDC != 0:
		what = "mdc " + strconv.FormatInt(it.MDC, 10)
	case len(it.Code) > 0:
		what = fmt.Sprintf("code %.40q", it.Code)
	case it.BadCode:
		what = "a code that is none: want mdc as a whole number or code as text"
	}
	return 0, &format.Fault{Reason: UnknownCode, Detail: what}
}

// codeOf reads what has no unit: consciousness as a letter, oxygen as true or false, distress as its degree.
func codeOf(q event.Quantity, it *format.Item) (event.Decimal, *format.Fault) {
	if it.HasUnit && len(it.Unit) > 0 || it.BadUnit {
		return 0, &format.Fault{Reason: UnitReason, Detail: fmt.Sprintf("%s has no unit", q)}
	}
	if q == event.RespiratoryDistress {
		return degreeOf(it)
	}
	if q == event.SupplementalO2 {
		if it.Kind != format.Bool {
			return 0, &format.Fault{Reason: ValueReason, Detail: "supplemental_o2: want true or false"}
		}
		if it.Bool {
			return event.One, nil
		}
		return 0, nil
	}
	if it.Kind != format.Text {
		return 0, &format.Fault{Reason: ValueReason, Detail: "acvpu: want one of A, C, V, P, U"}
	}
	v, err := event.ParseACVPU(string(it.Text))
	if err != nil {
		return 0, &format.Fault{Reason: ValueReason, Detail: err.Error()}
	}
	return v, nil
}

// degreeOf reads how hard somebody breathes, as a word or as its number.
func degreeOf(it *format.Item) (event.Decimal, *format.Fault) {
	switch {
	case it.Kind == format.Number && it.Number%event.One == 0 && it.Number >= 0 && it.Number <= event.Int(3):
		return it.Number, nil
	case it.Kind == format.Text:
		for i, word := range [...]string{"none", "mild", "moderate", "severe"} {
			if string(it.Text) == word {
				return event.Int(int64(i)), nil
			}
		}
	}
	return 0, &format.Fault{Reason: ValueReason, Detail: "respiratory_distress: want none, mild, moderate, severe, or 0 to 3"}
}

// numberOf reads a number with its unit. No unit is no value: 98.6 may be a temperature in Fahrenheit or a fault.
func numberOf(q event.Quantity, it *format.Item) (event.Decimal, *format.Fault) {
	if v, ok := beyondMeter(q, it.Text); ok && it.Kind == format.Text {
		return v, nil
	}
	switch {
	case it.Kind == format.Huge:
		return 0, &format.Fault{Reason: Impossible, Detail: fmt.Sprintf("%s of %s", q, it.Text)}
	case it.Kind != format.Number:
		return 0, &format.Fault{Reason: ValueReason, Detail: q.String() + ": want a number"}
	case notANumber(it.Number) && !reached(q, it):
		return 0, &format.Fault{Reason: NotANumber, Detail: fmt.Sprintf("%s is %s, which IEEE 11073 sends for what is no number", q, it.Number)}
	case q == event.PainNRS && !it.HasUnit && !it.BadUnit: // a score has no other unit that could be meant
		return it.Number, nil
	case it.BadUnit || !it.HasUnit:
		return 0, &format.Fault{Reason: UnitReason, Detail: fmt.Sprintf("%s without a unit: want UCUM such as %s", q, Unit(q))}
	}
	v, err := toStored(q, it.Number, it.Unit)
	if err != nil {
		return 0, &format.Fault{Reason: UnitReason, Detail: err.Error()}
	}
	return v, nil
}

// reached tells whether a body reaches the number in the unit that was sent: a peak flow of 2050 mL/s is a grave
// attack, and 2048 oz are a person of 128 pounds.
func reached(q event.Quantity, it *format.Item) bool {
	v, err := toStored(q, it.Number, it.Unit)
	return err == nil && judge(q, v) == plausible
}

// markOf reads the sender's own doubt. A word that we do not know is a doubt as well.
func markOf(it *format.Item) event.Mark {
	if it.BadQuality {
		return event.LowQuality
	}
	switch string(it.Quality) {
	case "", "ok", "good", "valid":
		return event.Plausible
	case "test", "test_data", "test-data", "demo", "demo_data", "demo-data":
		return event.TestData
	default:
		return event.LowQuality
	}
}

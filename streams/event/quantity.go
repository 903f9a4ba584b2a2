package event

import "fmt"

// Quantity is what a reading measures, with its unit in its name. The order is part of checkpoints: new ones are added at the end.
type Quantity uint8

// The quantities that the chain knows. Numbers are UCUM units; acvpu and supplemental_o2 are codes.
const (
	NoQuantity              Quantity = iota
	RespirationPerMin                // /min, LOINC 9279-1, MDC 151562
	SpO2Percent                      // %, LOINC 59408-5, MDC 150456
	SupplementalO2                   // 1 on oxygen, 0 on room air
	SystolicMmHg                     // mm[Hg], LOINC 8480-6, MDC 150021
	DiastolicMmHg                    // mm[Hg], LOINC 8462-4, MDC 150022
	PulsePerMin                      // /min, LOINC 8867-4, MDC 149530
	ACVPU                            // consciousness: see the ACVPU codes
	TemperatureCel                   // Cel, LOINC 8310-5, MDC 150364
	WeightKg                         // kg, LOINC 29463-7, MDC 188736
	GlucoseMmolPerL                  // mmol/L, capillary, MDC 160368
	PeakFlowLPerMin                  // L/min, LOINC 19935-6, MDC 152584
	KetoneMmolPerL                   // mmol/L, beta-hydroxybutyrate
	SensorGlucoseMmolPerL            // mmol/L, continuous sensor, LOINC 105272-9
	MeanPressureMmHg                 // mm[Hg], LOINC 8478-0, MDC 150023
	O2FlowLPerMin                    // L/min, LOINC 3151-8
	FiO2Percent                      // %, LOINC 3150-6
	CapillaryRefillS                 // s, LOINC 44963-7
	RespiratoryDistress              // 0 none, 1 mild, 2 moderate, 3 severe, as a carer or nurse sees it
	UrineMlPerH                      // mL/h
	StepsPerDay                      // {steps}/d, LOINC 41950-7
	PainNRS                          // {score} 0 to 10, LOINC 72514-3
	UltrafiltrationMlPerDay          // mL/d, of peritoneal dialysis
	quantityCount
)

// Quantities is how many there are, NoQuantity among them: the length of an array that is indexed by Quantity.
const Quantities = int(quantityCount)

var quantityNames = [Quantities]string{
	"", "respiration_per_min", "spo2_percent", "supplemental_o2", "systolic_mmhg", "diastolic_mmhg", "pulse_per_min",
	"acvpu", "temperature_cel", "weight_kg", "glucose_mmol_per_l", "peak_flow_l_per_min", "ketone_mmol_per_l",
	"sensor_glucose_mmol_per_l", "mean_pressure_mmhg", "o2_flow_l_per_min", "fio2_percent", "capillary_refill_s",
	"respiratory_distress", "urine_ml_per_h", "steps_per_day", "pain_nrs", "ultrafiltration_ml_per_day",
}

// Codes of consciousness, as Decimals in a Reading. C is new confusion only; chronic confusion is A.
const (
	Alert        Decimal = 0 * One
	Confusion    Decimal = 1 * One
	Voice        Decimal = 2 * One
	Pain         Decimal = 3 * One
	Unresponsive Decimal = 4 * One
)

const acvpuLetters = "ACVPU"

// ACVPULetter answers the letter of a consciousness code, and "?" for what is none.
func ACVPULetter(d Decimal) string {
	if i := int(d / One); d >= 0 && i < len(acvpuLetters) && d%One == 0 {
		return acvpuLetters[i : i+1]
	}
	return "?"
}

// ParseACVPU answers the code of one of the letters A, C, V, P, U.
func ParseACVPU(s string) (Decimal, error) {
	for i := range acvpuLetters {
		if s == acvpuLetters[i:i+1] {
			return Int(int64(i)), nil
		}
	}
	return 0, fmt.Errorf("consciousness %q: want one of A, C, V, P, U", s)
}

// String is the name on the wire, with the unit in it.
func (q Quantity) String() string {
	if int(q) < len(quantityNames) {
		return quantityNames[q]
	}
	return fmt.Sprintf("quantity(%d)", uint8(q))
}

// ParseQuantity answers the quantity of a wire name.
func ParseQuantity(s string) (Quantity, error) {
	for q := Quantity(1); q < quantityCount; q++ {
		if quantityNames[q] == s {
			return q, nil
		}
	}
	return NoQuantity, fmt.Errorf("quantity %q is unknown", s)
}

// MarshalText writes the wire name.
func (q Quantity) MarshalText() ([]byte, error) {
	if q == NoQuantity || q >= quantityCount {
		return nil, fmt.Errorf("quantity %d has no name", uint8(q))
	}
	return []byte(quantityNames[q]), nil
}

// UnmarshalText reads a wire name.
func (q *Quantity) UnmarshalText(b []byte) error {
	p, err := ParseQuantity(string(b))
	*q = p
	return err
}

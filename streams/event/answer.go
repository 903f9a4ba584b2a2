package event

import "fmt"

// CheckAnswerCode tells why a code cannot be that of an answer, or nil. Codes are open, but for those that a reading
// could have meant: a quantity's own name, a slip of it, and what else vital signs are called. Taken for an answer that
// no pack asks for, such a reading would stand there unjudged, and nobody would know. Doors refuse those codes and packs
// must not ask for them.
func CheckAnswerCode(code string) error {
	if !IsCode(code) {
		return fmt.Errorf("code %.60q: want a small letter and then at most 47 small letters, digits and underscores", code)
	}
	if q, ok := otherNames[code]; ok {
		return fmt.Errorf("code %s is a reading by another name: want %s, with its unit if it has one", code, q)
	}
	if _, err := ParseQuantity(code); err == nil {
		return fmt.Errorf("code %s is a reading and no answer", code)
	}
	for q := NoQuantity + 1; q < quantityCount; q++ {
		if nearly(code, quantityNames[q]) {
			return fmt.Errorf("code %s is nearly %s: want that, or a code that nobody can take for it", code, q)
		}
	}
	return nil
}

// otherNames is what the quantities are called elsewhere.
var otherNames = map[string]Quantity{
	"respiration": RespirationPerMin, "respirations": RespirationPerMin, "respiration_rate": RespirationPerMin, "respiratory_rate": RespirationPerMin,
	"resp_rate": RespirationPerMin, "breathing_rate": RespirationPerMin, "rr": RespirationPerMin,
	"spo2": SpO2Percent, "sao2": SpO2Percent, "o2sat": SpO2Percent, "o2_sat": SpO2Percent, "saturation": SpO2Percent, "oxygen_saturation": SpO2Percent,
	"oxygen": SupplementalO2, "o2": SupplementalO2, "on_oxygen": SupplementalO2, "supplemental_oxygen": SupplementalO2,
	"systolic": SystolicMmHg, "systolic_bp": SystolicMmHg, "sbp": SystolicMmHg, "bp": SystolicMmHg, "blood_pressure": SystolicMmHg,
	"diastolic": DiastolicMmHg, "diastolic_bp": DiastolicMmHg, "dbp": DiastolicMmHg,
	"pulse": PulsePerMin, "pulse_rate": PulsePerMin, "heart_rate": PulsePerMin, "hr": PulsePerMin,
	"consciousness": ACVPU, "temperature": TemperatureCel, "temp": TemperatureCel, "body_temperature": TemperatureCel, "temperature_f": TemperatureCel,
	"weight": WeightKg, "body_weight": WeightKg, "weight_lb": WeightKg,
	"glucose": GlucoseMmolPerL, "blood_glucose": GlucoseMmolPerL, "blood_sugar": GlucoseMmolPerL, "glucose_mg_per_dl": GlucoseMmolPerL,
	"peak_flow": PeakFlowLPerMin, "pef": PeakFlowLPerMin, "ketone": KetoneMmolPerL, "ketones": KetoneMmolPerL, "blood_ketone": KetoneMmolPerL,
	"sensor_glucose": SensorGlucoseMmolPerL, "cgm": SensorGlucoseMmolPerL,
	"mean_pressure": MeanPressureMmHg, "mean_arterial_pressure": MeanPressureMmHg, "mean_bp": MeanPressureMmHg, "map": MeanPressureMmHg,
	"o2_flow": O2FlowLPerMin, "oxygen_flow": O2FlowLPerMin, "fio2": FiO2Percent, "capillary_refill": CapillaryRefillS, "crt": CapillaryRefillS,
	"urine_output": UrineMlPerH, "steps": StepsPerDay, "step_count": StepsPerDay, "pain_score": PainNRS, "ultrafiltration": UltrafiltrationMlPerDay,
}

// nearly tells whether a and b, of at most 48 bytes, are one or two slips apart: a letter too many, too few, another one, or
// two neighbours that changed places (optimal string alignment).
func nearly(a, b string) bool {
	const most, longest = 2, 48
	if a == b || len(a) > longest || len(b) > longest || len(a) > len(b)+most || len(b) > len(a)+most {
		return false
	}
	var rows [3][longest + 1]uint8 // the row before last, the last, this one
	before, last, this := &rows[0], &rows[1], &rows[2]
	for j := range len(b) + 1 {
		last[j] = uint8(j)
	}
	for i := 1; i <= len(a); i++ {
		this[0] = uint8(i)
		for j := 1; j <= len(b); j++ {
			other := last[j-1]
			if a[i-1] != b[j-1] {
				other++
			}
			this[j] = min(last[j]+1, this[j-1]+1, other)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				this[j] = min(this[j], before[j-2]+1)
			}
		}
		before, last, this = last, this, before
	}
	return last[len(b)] <= most
}

package event

import (
	"strings"
	"testing"
)

// A slip in a quantity's name, and what vital signs are called elsewhere, are no answers: a reading would stand there unjudged.
func TestING10_NoVitalSignPassesForAnAnswer(t *testing.T) {
	for _, code := range []string{
		"spo2_percent", "fio2_percent", "acvpu", "avpu", "acpvu", "acvp", "supplemental_o", "suplemental_o2", "supplemental_oo2", "supplementalo2", "spo2_percnet", "spo2percent",
		"puls_per_min", "pulse_pre_min", "pain_nsr", "pain_nrs_1", "spo2", "heart_rate", "weight", "ketone", "fio2", "urine_ml_per_d", "steps_per_hay",
		"", "Cough", "9lives", "chest-pain", "cough ", strings.Repeat("x", 49), "咳嗽",
	} {
		if CheckAnswerCode(code) == nil {
			t.Errorf("%q can be an answer", code)
		}
	}
	for _, code := range []string{
		"chest_pain", "cough", "cat_score", "breathless", "act", "phq9", "pain", "weight_gain", "ankle_swelling", "creatinine_umol_per_l", "urine_protein", "a", strings.Repeat("x", 48),
		"usual_systolic_mmhg", "crp_mg_per_l", "fluid_l_per_d", "o2_at_home", "confused", "headache",
	} {
		if err := CheckAnswerCode(code); err != nil {
			t.Errorf("%q cannot be an answer: %v", code, err)
		}
	}
}

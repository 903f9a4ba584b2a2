package pack

import (
	"slices"
	"strings"
	"testing"

	"tocsin/rules/trial"
	"tocsin/streams/event"
)

func init() {
	checks["glucose_levels"] = checkGlucoseLevels
	checks["ketones"] = checkKetones
	checks["cgm_metrics"] = checkCGM
	checks["gmi"] = checkGMI
}

// glucoseIn answers a glucose as the door keeps it: mg/dL by 180.156 g/mol, half up to the millionth.
func glucoseIn(t *testing.T, text, unit string) event.Decimal {
	t.Helper()
	d, err := event.RoundDecimal(text)
	if err != nil {
		t.Fatal(err)
	}
	switch unit {
	case "mmol/L":
		return d
	case "mg/dL":
		return (d*10_000 + 180_156/2) / 180_156
	default:
		t.Fatalf("unit %q", unit)
		return 0
	}
}

func checkGlucoseLevels(t *testing.T, r row) {
	p := under(t, nil, "diabetes")
	if r["exp_level"] == "level3_hypo" { // any value, with the help of another
		at(t, p, p.Now, []event.Answer{{Code: "hypo_needed_help", Value: event.One}})
		if !slices.Contains(reasons(p), "hypo-level3") || !p.State.Found.Danger {
			t.Errorf("level 3 is %v", reasons(p))
		}
		return
	}
	at(t, p, p.Now, nil, trial.Reading(event.GlucoseMmolPerL, glucoseIn(t, r["glucose"], r["unit_ucum"])))
	level, known := p.Measures()["glucose-level"]
	words := []string{"level2_hypo", "level1_hypo", "in_range", "level1_hyper", "level2_hyper"}
	if !known || words[int(level)+2] != r["exp_level"] {
		t.Errorf("%s %s is level %v (known %t), want %s", r["glucose"], r["unit_ucum"], level, known, r["exp_level"])
	}
	low := first(p, "", "glucose-danger", "level2_hypo", "glucose-low", "level1_hypo")
	if strings.HasSuffix(r["exp_level"], "_hypo") && low != r["exp_level"] || !strings.HasSuffix(r["exp_level"], "_hypo") && low != "" {
		t.Errorf("%s %s: the limits say %q, want %s", r["glucose"], r["unit_ucum"], low, r["exp_level"])
	}
}

func checkKetones(t *testing.T, r row) {
	p := under(t, nil, "diabetes")
	at(t, p, p.Now, nil, trial.Reading(event.KetoneMmolPerL, number(t, r, "boh_mmol_per_L")))
	got := first(p, "normal", "ketone-emergency", "emergency", "ketone-risk", "risk_of_dka", "ketone-raised", "raised")
	if got != r["exp_level"] {
		t.Errorf("%s is %s, want %s", r["boh_mmol_per_L"], got, r["exp_level"])
	}
}

// worn is a patient whose sensor gave these readings, in mg/dL, five minutes apart, and gives no more than these in 14 days.
func worn(t *testing.T, series []string) *trial.Patient {
	t.Helper()
	perDay := event.Decimal(int64(len(series)) * int64(event.One) / 14)
	p := under(t, &event.Plan{OrderedBy: "doctor", Facts: map[string]event.Decimal{"sensor_readings_per_day": perDay}}, "diabetes-cgm")
	for i, s := range series {
		at(t, p, p.Now-event.Time((len(series)-1-i)*5*aMinute), nil, trial.Reading(event.SensorGlucoseMmolPerL, glucoseIn(t, s, "mg/dL")))
	}
	return p
}

func checkCGM(t *testing.T, r row) {
	p := worn(t, strings.Split(r["glucose_mg_per_dL_series"], "|"))
	got := p.Measures()
	for column, id := range map[string]string{
		"exp_mean": "cgm-mean-mg-dl", "exp_sd": "cgm-sd-mg-dl", "exp_cv_pct": "cgm-cv", "exp_gmi_pct": "cgm-gmi", "exp_pct_lt54": "cgm-tbr-54", "exp_pct_54_69": "cgm-tbr-70",
		"exp_tir_pct_70_180": "cgm-tir", "exp_pct_181_250": "cgm-tar-180", "exp_pct_gt250": "cgm-tar-250", "exp_gri": "cgm-gri",
	} {
		measured(t, r, column, got, id)
	}
}

func checkGMI(t *testing.T, r row) {
	p := worn(t, []string{r["mean_glucose_mg_per_dL"], r["mean_glucose_mg_per_dL"]})
	measured(t, r, "exp_gmi_pct_1dp", p.Measures(), "cgm-gmi")
}

// TestRUL4_SensorRangesInBothUnits: 70 and 180 mg/dL are in range beside 3.9 and 10.0 mmol/L, 69 and 181 are not.
func TestRUL4_SensorRangesInBothUnits(t *testing.T) {
	plan := &event.Plan{OrderedBy: "doctor", Facts: map[string]event.Decimal{"sensor_readings_per_day": event.One / 2}}
	p := under(t, plan, "diabetes-cgm")
	all := [][2]string{{"70", "mg/dL"}, {"180", "mg/dL"}, {"3.9", "mmol/L"}, {"10.0", "mmol/L"}, {"69", "mg/dL"}, {"181", "mg/dL"}, {"3.8", "mmol/L"}, {"10.1", "mmol/L"}}
	for i, v := range all {
		at(t, p, p.Now+event.Time((i-len(all))*5*aMinute), nil, trial.Reading(event.SensorGlucoseMmolPerL, glucoseIn(t, v[0], v[1])))
	}
	got := p.Measures()
	for id, want := range map[string]float64{"cgm-tir": 50, "cgm-tbr-70": 25, "cgm-tar-180": 25, "cgm-tbr-54": 0, "cgm-tar-250": 0} {
		if x, known := got[id]; !known || x != want {
			t.Errorf("%s is %v (known %t), want %v", id, x, known, want)
		}
	}
}

package pack

import (
	"maps"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"tocsin/rules/trial"
	"tocsin/streams/event"
)

func init() {
	maps.Copy(checks, map[string]func(*testing.T, row){"dka": checkDKA, "npews_england_2023": checkNPEWS, "npews_age_band": checkAgeBand})
}

// found answers the ids of what a patient's rules found, danger limits of the pack left out.
func found(p *trial.Patient) (ids []string) {
	for _, told := range p.State.Found.Reasons {
		if told.Rule != "spo2-danger" {
			ids = append(ids, told.Rule)
		}
	}
	return ids
}

func checkDKA(t *testing.T, r row) {
	p := under(t, nil, "dka")
	o := uploadOf(t, r, p.Now, map[string]string{"known_diabetes": "known_diabetes", "ph": "ph", "hco3_mmol_per_L": "bicarbonate"})
	if d, ok := cell(t, r, "glucose_mg_per_dL"); ok {
		mmol, ok := event.DecimalOf(d.Float() / 18.0156) // as the door converts
		if !ok {
			t.Fatal("no glucose")
		}
		o.Readings = append(o.Readings, trial.Reading(event.GlucoseMmolPerL, mmol))
	}
	handOver(t, p, o)
	got, m := "not_met", p.Measures()
	_, known := m["dka"]
	switch ids := found(p); {
	case slices.Contains(ids, "dka-confirmed"):
		got = "dka_confirmed"
	case slices.Contains(ids, "dka-suspected"):
		got = "home_suspected_dka"
	case m["dka-d"] == 1 && m["dka-k"] == 1 && known:
		got = "not_met_acidosis_absent"
	case !known:
		got = "unknown"
	}
	if want := r["exp"]; want != "" && want != got {
		t.Errorf("it is %s, want %s", got, want)
	}
	if want := map[string]float64{"dka_confirmed": 1}[got]; known && m["dka"] != want {
		t.Errorf("the measure says %v and the rules %s", m["dka"], got)
	}
}

// bands are the ages by which rows choose a chart, in completed months.
var bands = map[string]int{"0-11m": 6, "1-4y": 30, "5-12y": 100, "13+y": 170}

// levels are the answers of the charts, mildest first.
var levels = []string{"none", "low", "medium", "high", "emergency"}

func checkNPEWS(t *testing.T, r row) {
	p := under(t, &event.Plan{AgeMonths: bands[r["age_band"]]}, "npews")
	o := uploadOf(t, r, p.Now, nil)
	if s := r["resp_distress"]; s != "" {
		i := slices.Index([]string{"none", "mild", "moderate", "severe"}, s)
		o.Readings = append(o.Readings, trial.Reading(event.RespiratoryDistress, event.Int(int64(i))))
	}
	oxygen(t, r, o)
	triggers(t, r, o)
	handOver(t, p, o)
	sc := p.Score()
	if sc == nil {
		t.Fatal("there is no score")
	}
	partPoints(t, r, sc, map[string]string{"exp_rr": "respiration_per_min", "exp_distress": "respiratory_distress", "exp_spo2": "spo2_percent", "exp_o2": "oxygen",
		"exp_hr": "pulse_per_min", "exp_sbp": "systolic", "exp_crt": "capillary_refill_s"})
	same(t, r, "exp_total", sc.Lower)
	if filled(r, "rr_per_min", "resp_distress", "spo2_pct", "o2_device", "hr_per_min", "sbp_mmHg", "crt_s") && (r["o2_value"] != "" || !slices.Contains([]string{"NP", "FM", "HB", "NRB"}, r["o2_device"])) {
		settled(t, sc)
	}
	if want := r["exp_level_from_score"]; want != "" && want != sc.Band {
		t.Errorf("level from the score is %s, want %s", sc.Band, want)
	}
	final := sc.Band
	for _, id := range found(p) {
		if level, _, _ := strings.Cut(id, "-"); slices.Index(levels, level) > slices.Index(levels, final) {
			final = level
		}
	}
	if want := r["exp_final_level"]; want != "" && want != final {
		t.Errorf("level is %s by score %s and rules %v, want %s", final, sc.Band, found(p), want)
	}
}

// oxygen adds what a row says of it: the device, and an amount in percent or litres.
func oxygen(t *testing.T, r row, o *event.ObservationRecorded) {
	t.Helper()
	device := r["o2_device"]
	if device == "" {
		return
	}
	on, strong := device != "air", slices.Contains([]string{"HF", "BiP", "CP"}, device)
	o.Readings = append(o.Readings, trial.Reading(event.SupplementalO2, event.Int(int64(flag(on)))))
	if on {
		o.Answers = append(o.Answers, event.Answer{Code: "o2_high_flow", Value: event.Int(int64(flag(strong)))})
	}
	if d, ok := cell(t, r, "o2_value"); ok {
		q := map[string]event.Quantity{"%": event.FiO2Percent, "L/min": event.O2FlowLPerMin}[r["o2_unit"]]
		o.Readings = append(o.Readings, trial.Reading(q, d))
	}
}

// concern finds the level that somebody chose, in the words of a row.
var concern = regexp.MustCompile(`(?i)\b(low|medium|high|emergency)\b`)

// triggers adds what a row says in words; what follows from consciousness and temperature comes with their readings.
func triggers(t *testing.T, r row, o *event.ObservationRecorded) {
	t.Helper()
	yes := func(code string) { o.Answers = append(o.Answers, event.Answer{Code: code, Value: event.One}) }
	text := strings.ToLower(r["trigger"])
	chosen := func(code string) {
		level := concern.FindString(text)
		if level == "" {
			level = strings.ToLower(concern.FindString(r["note"]))
		}
		if level != "" {
			o.Answers = append(o.Answers, event.Answer{Code: code, Value: event.Int(int64(slices.Index(levels, level)))})
		}
	}
	switch {
	case strings.Contains(text, "shock"):
		yes("septic_shock_suspected")
	case strings.Contains(text, "sepsis"):
		yes("sepsis_suspected")
	case strings.Contains(text, "pupil"):
		yes("pupils_abnormal")
	case strings.Contains(text, "carer") || strings.Contains(text, "parent") || strings.HasPrefix(text, "cq"):
		yes("carer_says_worse")
		chosen("carer_concern_level")
	case strings.Contains(text, "intuition") || strings.Contains(text, "nurse") || strings.Contains(text, "clinic") || strings.HasPrefix(text, "ci"):
		chosen("nurse_concern_level")
	}
}

// checkAgeBand enters an age from a birth date as a plan does, and looks which chart is read.
func checkAgeBand(t *testing.T, r row) {
	born, err := time.Parse(time.DateOnly, r["dob"])
	if err != nil {
		t.Fatal(err)
	}
	at, err := time.Parse("2006-01-02T15:04:05", r["at_local"])
	if err != nil {
		t.Fatal(err)
	}
	years, _ := event.Age(born, at)
	same(t, r, "exp_completed_years", years)
	var plan event.Plan
	plan.SetAge(born, at)
	p := under(t, &plan, "npews")
	handOver(t, p, trial.Measured(p.Now, trial.Reading(event.PulsePerMin, event.Int(85))))
	want := map[string]string{"0-11m": "npews-0-11m", "1-4y": "npews-1-4y", "5-12y": "npews-5-12y", "13+y": "npews-13y"}[r["exp_age_band"]]
	if sc := p.Score(); sc == nil || want != "" && sc.Rule != want {
		t.Errorf("the chart is %v, want %s", sc, want)
	}
}

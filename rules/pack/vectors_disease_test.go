package pack

import (
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"
	"testing"

	"tocsin/rules"
	"tocsin/rules/trial"
	"tocsin/streams/event"
)

func init() {
	checks["heart_failure_weight"] = checkWeight
	checks["heart_failure_beathf"] = checkBEATHF
	checks["copd"] = checkCOPD
	checks["asthma_pef"] = checkPeakFlow
	checks["oximetry_home"] = checkOximetry
	checks["postop_jonker2021"] = checkJonker
	checks["neutropenic_fever"] = checkNeutropenic
	checks["sepsis_nice_community_adult"] = checkSepsis
}

const (
	minuteMs = 60_000
	dayMs    = 24 * 60 * minuteMs
)

// pass lets time pass without looking at each beat of the door: nobody's silence is in question here.
func pass(t *testing.T, p *trial.Patient, ms int64) {
	t.Helper()
	p.Now += event.Time(ms)
	if err := p.Beat(); err != nil {
		t.Fatal(err)
	}
}

// upload is what one upload gives: signals by their wire names, and answers.
type upload map[string]string

// give hands over an upload measured now. Empty values are not given.
func give(t *testing.T, p *trial.Patient, u upload) {
	t.Helper()
	o := trial.Measured(p.Now)
	for name, text := range u {
		if text == "" {
			continue
		}
		d, err := event.RoundDecimal(text)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if q, err := event.ParseQuantity(name); err == nil {
			o.Readings = append(o.Readings, event.Reading{Quantity: q, Value: d})
		} else {
			o.Answers = append(o.Answers, event.Answer{Code: name, Value: d})
		}
	}
	slices.SortFunc(o.Readings, func(a, b event.Reading) int { return int(a.Quantity) - int(b.Quantity) })
	slices.SortFunc(o.Answers, func(a, b event.Answer) int { return strings.Compare(a.Code, b.Code) })
	if _, err := p.Give(o); err != nil {
		t.Fatal(err)
	}
}

// raised answers the ids of what holds for a patient, without what is only noted.
func raised(p *trial.Patient) (ids []string) {
	for _, r := range p.State.Found.Reasons {
		if r.Severity != event.NoSeverity {
			ids = append(ids, r.Rule)
		}
	}
	return ids
}

// from answers which of what holds rests on a source of the pack.
func from(p *trial.Patient, of *rules.Pack, source string) (ids []string) {
	for _, id := range raised(p) {
		if sourceOf(of, id) == source {
			ids = append(ids, id)
		}
	}
	return ids
}

// sourceOf answers what a limit or rule of a pack rests on.
func sourceOf(of *rules.Pack, id string) string {
	for _, r := range of.Rules {
		if r.ID == id {
			return r.Source
		}
	}
	for q := range of.Limits {
		for _, l := range of.Limits[q] {
			if l.ID == id {
				return l.Source
			}
		}
	}
	return ""
}

// holds compares whether a rule is raised with a column.
func holds(t *testing.T, r row, p *trial.Patient, column, rule string) {
	t.Helper()
	same(t, r, column, flag(slices.Contains(raised(p), rule)))
}

// shows compares a measure with a column, at the decimals that are printed there; an empty column says nothing.
func shows(t *testing.T, r row, p *trial.Patient, column, measure string) {
	t.Helper()
	want := r[column]
	if want == "" {
		return
	}
	x, known := p.Measures()[measure]
	if !known || !prints(t, x, want) {
		t.Errorf("%s is %v (known %t), want %s", column, x, known, want)
	}
}

// checkWeight weighs once a day; an empty place is a day without a weight.
func checkWeight(t *testing.T, r row) {
	p := under(t, nil, "heart-failure")
	for i, kg := range strings.Split(r["daily_weight_kg_oldest_first"], "|") {
		if i > 0 {
			pass(t, p, dayMs)
		}
		if kg = strings.TrimSpace(kg); kg != "" {
			give(t, p, upload{"weight_kg": kg})
		}
	}
	shows(t, r, p, "exp_delta_1d_kg", "weight_gain_1d")
	shows(t, r, p, "exp_delta_vs_min_3d_kg", "weight_gain_3d")
	shows(t, r, p, "exp_delta_vs_min_7d_kg", "weight_gain_7d")
	holds(t, r, p, "exp_esc_gt2kg_3d_windowmin", "weight-3d")
	holds(t, r, p, "exp_aha_ge2lb_1d", "weight-day")
	holds(t, r, p, "exp_aha_ge5lb_7d", "weight-week")
	holds(t, r, p, "exp_beathf_gt3lb_1d", "weight-beathf-day")
	holds(t, r, p, "exp_beathf_gt6lb_7d", "weight-beathf-week")
	lag, known := p.Measures()["weight_lag_3d"]
	same(t, r, "exp_esc_gt2kg_3d_exactlag", flag(known && math.Round(lag*1e6) > 2e6))
}

// checkBEATHF gives pressure and pulse with one of the symptoms, or with all of them denied.
func checkBEATHF(t *testing.T, r row) {
	for _, symptom := range []string{"breathless", "breathless_lying", "breathless_at_night", "swelling", "dizziness"} {
		p := under(t, nil, "heart-failure")
		u := upload{"systolic_mmhg": r["sbp_mmHg"], "pulse_per_min": r["hr_per_min"]}
		for _, s := range []string{"breathless", "breathless_lying", "breathless_at_night", "swelling", "dizziness"} {
			u[s] = "0"
		}
		u[symptom] = r["any_symptom"]
		give(t, p, u)
		same(t, r, "exp_alert", flag(len(from(p, packOf(t, "heart-failure"), "beathf")) > 0 || p.State.Found.Danger))
	}
}

// diary is what a COPD diary asks: what the vectors call it, and its code.
var diary = map[string]string{
	"dyspnoea": "breathless", "sputum_volume": "sputum_more", "sputum_purulence": "sputum_purulent",
	"cough": "cough_more", "wheeze": "wheeze", "cold": "cold", "sore_throat": "sore_throat", "fever": "fever",
}

// diaryDay answers a day's diary with everything denied that is not named; nil when nothing is, which is a day without one.
func diaryDay(t *testing.T, columns ...string) upload {
	t.Helper()
	u := upload{}
	for _, code := range diary {
		u[code] = "0"
	}
	kept := false
	for _, word := range strings.Split(strings.Join(columns, "|"), "|") {
		if word == "" {
			continue
		}
		if diary[word] == "" {
			t.Fatalf("nobody is asked for %q", word)
		}
		u[diary[word]], kept = "1", true
	}
	if !kept {
		return nil
	}
	return u
}

func checkCOPD(t *testing.T, r row) {
	p := under(t, nil, "copd")
	rule := ""
	switch r["rule"] {
	case "symptom_diary":
		rule = "diary-2d"
		for i, day := range []string{"day1", "day2"} {
			if i > 0 {
				pass(t, p, dayMs)
			}
			if u := diaryDay(t, r[day+"_major"], r[day+"_minor"]); u != nil {
				give(t, p, u)
			}
		}
	case "spo2_drop":
		rule = "spo2-drop"
		give(t, p, upload{"spo2_percent": r["baseline_spo2_pct"]})
		pass(t, p, dayMs)
		give(t, p, upload{"spo2_percent": r["current_spo2_pct"]})
	default:
		t.Fatalf("rule %q is not in the pack", r["rule"])
	}
	holds(t, r, p, "exp_alert", rule)
}

// facts is a plan with numbers of the patient.
func facts(t *testing.T, named upload) *event.Plan {
	t.Helper()
	plan := &event.Plan{OrderedBy: "doctor", Facts: map[string]event.Decimal{}}
	for name, text := range named {
		if text == "" {
			continue
		}
		d, err := event.RoundDecimal(text)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		plan.Facts[name] = d
	}
	return plan
}

func checkPeakFlow(t *testing.T, r row) {
	p := under(t, facts(t, upload{"best_peak_flow_l_per_min": r["personal_best_L_per_min"]}), "asthma")
	give(t, p, upload{"peak_flow_l_per_min": r["pef_L_per_min"]})
	zone := "green"
	for id, name := range map[string]string{"peak-yellow": "yellow", "peak-red": "red"} {
		if slices.Contains(raised(p), id) {
			zone = name
		}
	}
	if want := r["exp_zone"]; want != "" && want != zone {
		t.Errorf("zone is %s, want %s", zone, want)
	}
	shows(t, r, p, "exp_pct", "peak_percent")
}

// checkOximetry measures twice, for a reading is repeated before anybody acts. Who is on the national pathway has a usual
// saturation that is normal; who is not has the range that the pathway's name tells ordered, once his usual is known.
func checkOximetry(t *testing.T, r row) {
	pathway := r["pathway"]
	plan := facts(t, upload{"usual_spo2_percent": r["usual_spo2_pct"]})
	u := upload{"spo2_percent": r["spo2_pct_rest"]}
	chronic := strings.HasPrefix(pathway, "chronic_hypoxia")
	switch {
	case strings.HasPrefix(pathway, "national") && r["usual_spo2_pct"] == "":
		plan.Facts["usual_spo2_percent"] = event.Int(97)
	case strings.HasPrefix(pathway, "pregnant"):
		plan.Pregnant = true
	case chronic && r["usual_spo2_pct"] != "":
		low, high := event.Int(88), event.Int(92)
		plan.Targets = map[event.Quantity]event.Target{event.SpO2Percent: {Low: &low, High: &high}}
		u["supplemental_o2"] = "1"
	}
	p := under(t, plan, "oximetry-home")
	for range 2 {
		pass(t, p, 5*minuteMs)
		give(t, p, u)
	}
	if want, got := r["exp"], pathOf(p, chronic); want != "" && wayOf(want) != got {
		t.Errorf("%s at %s: %s, want %s", pathway, r["spo2_pct_rest"], got, want)
	}
}

// ways are the words of the vectors and what they come to.
var ways = []struct{ word, way string }{
	{"not_configured", "not configured"}, {"prescri", "not configured"}, {"no_reading", "no reading"}, {"missing", "no reading"}, {"emergency", "emergency"}, {"contact", "contact"},
	{"above", "above"}, {"below", "below"}, {"low_for", "contact"}, {"", "goes on"},
}

func wayOf(exp string) string {
	for _, w := range ways {
		if strings.Contains(exp, w.word) {
			return w.way
		}
	}
	return exp
}

// pathOf puts what was raised into those words.
func pathOf(p *trial.Patient, chronic bool) string {
	ids := raised(p)
	found := func(prefixes ...string) bool {
		return slices.ContainsFunc(ids, func(id string) bool {
			return slices.ContainsFunc(prefixes, func(prefix string) bool { return strings.HasPrefix(id, prefix) })
		})
	}
	open := slices.ContainsFunc(p.State.Found.Reasons, func(r rules.Told) bool { return r.Rule == "not-configured:usual_spo2_percent" })
	switch {
	case p.State.Tracks[event.SpO2Percent] == nil:
		return "no reading"
	case open && chronic:
		return "not configured"
	case found("oximetry-92-twice"):
		return "emergency"
	case found("oximetry-94-twice", "oximetry-pregnant"):
		return "contact"
	case found("spo2-own-low", "spo2-danger", "spo2-88"):
		return "below"
	case found("spo2-own-above"):
		return "above"
	}
	return "goes on"
}

// checkSepsis gives the criteria to a patient in whom an infection is suspected. The rules bear the names of exp_which
// before their first hyphen.
func checkSepsis(t *testing.T, r row) {
	plan := facts(t, upload{"usual_systolic_mmhg": r["usual_sbp_mmHg"]})
	plan.AgeYears, plan.Pregnant = 60, r["pregnant"] == "1"
	if plan.Pregnant {
		plan.AgeYears = 30
	}
	p := under(t, plan, "sepsis-home")
	give(t, p, upload{
		"infection_suspected": "1", "respiration_per_min": r["rr_per_min"], "systolic_mmhg": r["sbp_mmHg"], "pulse_per_min": r["hr_per_min"],
		"confused": r["new_altered_mental_state"], "new_oxygen_40": r["new_need_o2_gt40pct"], "hours_without_urine": r["hours_without_urine"],
		"temperature_cel": r["tympanic_temp_degC"],
	})
	risk, all, gravest := "low", map[string]bool{}, map[string]bool{}
	for _, id := range from(p, packOf(t, "sepsis-home"), "nice-sepsis") {
		name, _, _ := strings.Cut(id, "-")
		all[name] = true
		if strings.Contains(id, "-high") {
			risk, gravest[name] = "high", true
		} else if risk == "low" {
			risk = "moderate_to_high"
		}
	}
	if risk != "high" {
		gravest = all
	}
	if want := r["exp_risk"]; want != "" && want != risk {
		t.Errorf("risk is %s, want %s", risk, want)
	}
	want := map[string]bool{}
	for _, word := range strings.FieldsFunc(r["exp_which"], func(c rune) bool { return strings.ContainsRune("|;,+ ", c) }) {
		name, _, _ := strings.Cut(word, "<")
		name, _, _ = strings.Cut(name, ">")
		want[name] = true
	}
	if _, told := r["exp_which"]; told && !maps.Equal(want, all) && !maps.Equal(want, gravest) { // all of them, or those that decide
		t.Errorf("criteria are %v, want %v", all, want)
	}
}

// jonker is what exp_which calls the signs.
var jonker = map[string]string{"temperature": "temp", "fever": "temp", "systolic": "sbp", "diastolic": "dbp", "pulse": "hr", "weight": "weight"}

// checkJonker measures twice, for one reading beyond the limits is not enough at home. The weight at discharge is 100 kg, so
// that percents are kilograms.
func checkJonker(t *testing.T, r row) {
	p := under(t, facts(t, upload{"discharge_weight_kg": "100"}), "post-op")
	u := upload{"temperature_cel": r["temp_degC"], "systolic_mmhg": r["sbp_mmHg"], "diastolic_mmhg": r["dbp_mmHg"], "pulse_per_min": r["hr_per_min"]}
	if change := r["weight_change_pct_from_discharge"]; change != "" {
		d, err := event.ParseDecimal(change)
		if err != nil {
			t.Fatal(err)
		}
		u["weight_kg"] = (event.Int(100) + d).String()
	}
	for range 2 {
		pass(t, p, 5*minuteMs)
		give(t, p, u)
	}
	which := map[string]bool{}
	for _, id := range raised(p) {
		name, _, _ := strings.Cut(id, "-")
		if sign := jonker[name]; sign != "" {
			which[sign] = true
		}
	}
	same(t, r, "exp_alert", flag(len(which) > 0))
	want := map[string]bool{}
	for _, word := range strings.FieldsFunc(r["exp_which"], func(c rune) bool { return strings.ContainsRune("|;,+ ", c) }) {
		want[word] = true
	}
	if _, told := r["exp_which"]; told && !maps.Equal(want, which) {
		t.Errorf("signs are %v, want %v", which, want)
	}
}

// checkNeutropenic gives a course of minute:temperature. The alert is the fever's: what asks for a repeat is none yet.
func checkNeutropenic(t *testing.T, r row) {
	plan := &event.Plan{AgeYears: 52}
	if strings.Contains(strings.ToUpper(r["note"]+r["source"]), "CHILD") {
		plan.AgeYears = 8
	}
	p := under(t, plan, "neutropenic-fever")
	now, alert := 0, false
	for _, step := range strings.Split(r["minute:temp_degC_series"], "|") {
		at, value, _ := strings.Cut(step, ":")
		minute, err := strconv.Atoi(strings.TrimSpace(at))
		if err != nil {
			t.Fatal(err)
		}
		pass(t, p, int64(minute-now)*minuteMs)
		now = minute
		give(t, p, upload{"temperature_cel": strings.TrimSpace(value)})
		alert = alert || slices.ContainsFunc(raised(p), func(id string) bool {
			return id == "fever-single" || id == "fever-sustained" || id == "fever-child"
		})
	}
	same(t, r, "exp_alert", flag(alert))
}

package pack

import (
	"maps"
	"slices"
	"strconv"
	"strings"
	"testing"

	"tocsin/rules"
	"tocsin/rules/trial"
	"tocsin/streams/event"
)

func init() {
	maps.Copy(checks, map[string]func(*testing.T, row){
		"news_2012": checkNEWS2012, "mews_subbe2001": checkMEWS, "qsofa": checkQSOFA, "sirs": checkSIRS, "crb65": checkCRB65, "curb65": checkCURB65,
		"rox": checkROX, "cart": checkCART, "qcsi": checkQCSI,
	})
}

// measuredAs are the columns that are readings, in the unit in which they are kept.
var measuredAs = map[string]event.Quantity{
	"rr_per_min": event.RespirationPerMin, "spo2_pct": event.SpO2Percent, "spo2_pct_air": event.SpO2Percent, "spo2_min_4h_pct": event.SpO2Percent,
	"supplemental_o2": event.SupplementalO2, "sbp_mmHg": event.SystolicMmHg, "dbp_mmHg": event.DiastolicMmHg, "pulse_per_min": event.PulsePerMin,
	"hr_per_min": event.PulsePerMin, "temp_degC": event.TemperatureCel, "avpu": event.ACVPU, "o2_flow_L_per_min": event.O2FlowLPerMin,
	"crt_s": event.CapillaryRefillS, "map_mmHg": event.MeanPressureMmHg, "boh_mmol_per_L": event.KetoneMmolPerL,
}

// cell reads a cell; an empty one is not known.
func cell(t *testing.T, r row, column string) (event.Decimal, bool) {
	t.Helper()
	if r[column] == "" {
		return 0, false
	}
	d, err := event.RoundDecimal(r[column])
	if column == "avpu" {
		d, err = event.ParseACVPU(r[column])
	}
	if err != nil {
		t.Fatalf("column %s: %v", column, err)
	}
	return d, true
}

// uploadOf makes one upload of the columns that are readings, and of those that are answers under the codes given.
func uploadOf(t *testing.T, r row, at event.Time, codes map[string]string) *event.ObservationRecorded {
	t.Helper()
	o := trial.Measured(at)
	for _, column := range slices.Sorted(maps.Keys(measuredAs)) {
		if d, ok := cell(t, r, column); ok {
			o.Readings = append(o.Readings, trial.Reading(measuredAs[column], d))
		}
	}
	for _, column := range slices.Sorted(maps.Keys(codes)) {
		if d, ok := cell(t, r, column); ok {
			o.Answers = append(o.Answers, event.Answer{Code: codes[column], Value: d})
		}
	}
	return o
}

// handOver gives a patient an upload.
func handOver(t *testing.T, p *trial.Patient, o *event.ObservationRecorded) {
	t.Helper()
	if len(o.Readings)+len(o.Answers) == 0 {
		return
	}
	if _, err := p.Give(o); err != nil {
		t.Fatal(err)
	}
}

// agedPlan is a plan of a row's age in years, nil when it is not known.
func agedPlan(t *testing.T, r row) *event.Plan {
	t.Helper()
	d, ok := cell(t, r, "age_years")
	if !ok {
		return nil
	}
	return &event.Plan{AgeYears: int(d / event.One)}
}

// scoreFrom gives a row to a patient of a pack and answers the leading score.
func scoreFrom(t *testing.T, r row, pack string, codes map[string]string) *event.Score {
	t.Helper()
	p := under(t, agedPlan(t, r), pack)
	handOver(t, p, uploadOf(t, r, p.Now, codes))
	sc := p.Score()
	if sc == nil {
		t.Fatal("there is no score")
	}
	return sc
}

// partOf answers what a part of a score added to its lower bound, by quantity or code.
func partOf(t *testing.T, sc *event.Score, name string) int {
	t.Helper()
	for _, p := range sc.Parts {
		if p.Code == name || p.Code == "" && p.Quantity.String() == name {
			return p.Points
		}
	}
	t.Fatalf("score %s has no part %s", sc.Rule, name)
	return 0
}

// partPoints compares the points of parts with their columns.
func partPoints(t *testing.T, r row, sc *event.Score, columns map[string]string) {
	t.Helper()
	for column, name := range columns {
		same(t, r, column, partOf(t, sc, name))
	}
}

// settled says that nothing is missing and so nothing may be open.
func settled(t *testing.T, sc *event.Score) {
	t.Helper()
	if sc.Lower != sc.Upper {
		t.Errorf("everything is known and still it is %d–%d", sc.Lower, sc.Upper)
	}
}

// filled tells whether every column has something in it.
func filled(r row, columns ...string) bool {
	return !slices.ContainsFunc(columns, func(c string) bool { return r[c] == "" })
}

// warnsNobody says that a score for studies found nothing, whatever it is.
func warnsNobody(t *testing.T, pack string) {
	t.Helper()
	for _, sc := range packOf(t, pack).Scores {
		for _, b := range sc.Bands {
			if b.Severity != event.NoSeverity {
				t.Errorf("band %s of %s warns", b.Name, sc.ID)
			}
		}
		if !strings.Contains(sc.NoteEn, "warns nobody") {
			t.Errorf("score %s does not say that it warns nobody", sc.ID)
		}
	}
}

// TestRUL4_ScoresForStudiesWarnNobody holds the packs that are there for studies to what their notes say.
func TestRUL4_ScoresForStudiesWarnNobody(t *testing.T) {
	for _, id := range []string{"news-2012", "mews", "qsofa", "sirs", "rox", "cart", "qcsi"} {
		warnsNobody(t, id)
	}
}

func checkNEWS2012(t *testing.T, r row) {
	sc := scoreFrom(t, r, "news-2012", nil)
	same(t, r, "exp_total", sc.Lower)
	if filled(r, "rr_per_min", "spo2_pct", "supplemental_o2", "sbp_mmHg", "pulse_per_min", "avpu", "temp_degC") {
		settled(t, sc)
	}
	if want := r["exp_band"]; want != "" && want != sc.Band && !(sc.Band == "zero" && (want == "none" || want == "low")) {
		t.Errorf("band is %s, want %s", sc.Band, want)
	}
	single := slices.ContainsFunc(sc.Parts, func(p event.Part) bool { return p.Points >= 3 })
	same(t, r, "exp_single_param_3", flag(single))
}

func checkMEWS(t *testing.T, r row) {
	sc := scoreFrom(t, r, "mews", nil)
	partPoints(t, r, sc, map[string]string{"exp_rr": "respiration_per_min", "exp_hr": "pulse_per_min", "exp_sbp": "systolic_mmhg", "exp_temp": "temperature_cel", "exp_avpu": "acvpu"})
	same(t, r, "exp_total", sc.Lower)
	same(t, r, "exp_critical_ge5_or_single3", flag(sc.Band != "below_critical"))
	if filled(r, "rr_per_min", "hr_per_min", "sbp_mmHg", "temp_degC", "avpu") {
		settled(t, sc)
	}
}

// altered puts a yes or no about the mind into the code of consciousness: C is new confusion.
func altered(r row, column string) row {
	r = maps.Clone(r)
	r["avpu"] = map[string]string{"0": "A", "1": "C"}[r[column]]
	return r
}

func checkQSOFA(t *testing.T, r row) {
	sc := scoreFrom(t, altered(r, "altered_mentation"), "qsofa", nil)
	same(t, r, "exp_total", sc.Lower)
	same(t, r, "exp_high_risk_ge2", flag(sc.Band == "high_risk"))
	if filled(r, "rr_per_min", "sbp_mmHg", "altered_mentation") {
		settled(t, sc)
	}
}

func checkSIRS(t *testing.T, r row) {
	sc := scoreFrom(t, r, "sirs", map[string]string{"paco2_mmHg": "paco2_mmhg", "wbc_10e9_per_L": "leucocytes", "bands_pct": "band_forms"})
	same(t, r, "exp_total", sc.Lower)
	same(t, r, "exp_positive_ge2", flag(sc.Band == "positive"))
}

func checkCRB65(t *testing.T, r row) {
	p := under(t, agedPlan(t, r), "crb65")
	r = altered(r, "new_confusion_amt_le8")
	handOver(t, p, uploadOf(t, r, p.Now, nil))
	sc := p.Score()
	same(t, r, "exp_total", sc.Lower)
	if want := r["exp_mortality_risk"]; want != "" && !strings.HasPrefix(want, sc.Band) {
		t.Errorf("band is %s, want %s", sc.Band, want)
	}
	// Hospital assessment is what warns; home, with support or without, does not.
	if want := r["exp_setting"]; want != "" && strings.HasPrefix(want, "hospital") != (p.State.Found.Severity >= event.Medium) {
		t.Errorf("severity is %s, and the setting %s", p.State.Found.Severity, want)
	}
	if filled(r, "rr_per_min", "sbp_mmHg", "dbp_mmHg", "age_years", "avpu") {
		settled(t, sc)
	}
}

// checkCURB65 reads the score that stands beside CRB-65 as if it led, since what stands beside shows itself only when it warns.
func checkCURB65(t *testing.T, r row) {
	alone := *packOf(t, "crb65")
	alone.Scores = slices.Clone(alone.Scores[1:])
	alone.Scores[0].Beside = false
	p, err := trial.New(func(string) (*rules.Pack, error) { return &alone, nil }, begin, "")
	if err != nil {
		t.Fatal(err)
	}
	if plan := agedPlan(t, r); plan != nil {
		if _, err := p.Give(&event.PlanChanged{Plan: *plan}); err != nil {
			t.Fatal(err)
		}
	}
	r = altered(r, "new_confusion_amt_le8")
	handOver(t, p, uploadOf(t, r, p.Now, map[string]string{"urea_mmol_per_L": "urea_mmol_per_l"}))
	sc := p.Score()
	same(t, r, "exp_total", sc.Lower)
	if want := r["exp_mortality_risk"]; want != "" && !strings.HasPrefix(want, sc.Band) {
		t.Errorf("band is %s, want %s", sc.Band, want)
	}
	if filled(r, "rr_per_min", "sbp_mmHg", "dbp_mmHg", "age_years", "avpu", "urea_mmol_per_L") {
		settled(t, sc)
	}
}

func checkROX(t *testing.T, r row) {
	p := under(t, nil, "rox")
	o := uploadOf(t, r, p.Now, nil)
	if fraction, ok := cell(t, r, "fio2_fraction"); ok {
		o.Readings = append(o.Readings, trial.Reading(event.FiO2Percent, fraction*100))
	}
	handOver(t, p, o)
	rox, known := p.Measures()["rox"]
	if want := r["exp_rox"]; known != (want != "") {
		t.Fatalf("the index is known: %t, want %q", known, want)
	} else if _, decimals, _ := strings.Cut(want, "."); known && strconv.FormatFloat(rox, 'f', len(decimals), 64) != want {
		t.Errorf("the index is %f, want %s", rox, want)
	}
	if want := r["exp_band"]; want != "" && known && !strings.HasPrefix(want, p.Score().Band) {
		t.Errorf("band is %s, want %s", p.Score().Band, want)
	}
}

func checkCART(t *testing.T, r row) {
	sc := scoreFrom(t, r, "cart", nil)
	partPoints(t, r, sc, map[string]string{"exp_rr": "respiration_per_min", "exp_hr": "pulse_per_min", "exp_dbp": "diastolic_mmhg", "exp_age": "age"})
	same(t, r, "exp_total", sc.Lower)
	same(t, r, "exp_high_gt20", flag(sc.Band == "high"))
	if filled(r, "rr_per_min", "hr_per_min", "dbp_mmHg", "age_years") {
		settled(t, sc)
	}
}

// checkQCSI lets the lowest saturation be four hours old by two, and a better one come with the rest.
func checkQCSI(t *testing.T, r row) {
	p := under(t, nil, "qcsi")
	first := trial.Measured(p.Now)
	o := uploadOf(t, r, p.Now, nil)
	if low, ok := cell(t, r, "spo2_min_4h_pct"); ok {
		first.Readings = append(first.Readings, trial.Reading(event.SpO2Percent, low))
	}
	handOver(t, p, first)
	if _, err := p.Wait(2 * 3_600_000); err != nil {
		t.Fatal(err)
	}
	o.MeasuredAt, o.ReceivedAt = p.Now, p.Now
	for i := range o.Readings {
		if o.Readings[i].Quantity == event.SpO2Percent {
			o.Readings[i].Value = event.Int(100)
		}
	}
	handOver(t, p, o)
	sc := p.Score()
	partPoints(t, r, sc, map[string]string{"exp_rr": "respiration_per_min", "exp_spo2": "lowest-spo2", "exp_flow": "o2-flow"})
	same(t, r, "exp_total", sc.Lower)
	if want := r["exp_24h_critical_illness_risk"]; want != "" && strings.ReplaceAll(sc.Band, "_", "-") != strings.Fields(want)[0] {
		t.Errorf("band is %s, want %s", sc.Band, want)
	}
	if filled(r, "rr_per_min", "spo2_min_4h_pct", "o2_flow_L_per_min") {
		settled(t, sc)
	}
}

package pack

import (
	"encoding/csv"
	"math"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"tocsin/rules"
	"tocsin/rules/trial"
	"tocsin/streams/event"
)

// row is one line of a vector file, by header name.
type row map[string]string

// checks says who reads each file of vectors, by its name without .csv. Each file of tests enters its own.
var checks = map[string]func(*testing.T, row){}

func init() {
	for name, check := range map[string]func(*testing.T, *rules.Score, row){
		"news2": checkNEWS2, "news2_known_wrong": checkKnownWrong, "news2_missing": checkMissing, "news2_temperature_decimals": checkDecimals,
	} {
		checks[name] = func(t *testing.T, r row) { check(t, &packOf(t, "news2").Scores[0], r) }
	}
}

// elsewhere says of the files that are no rules where they are read, should somebody put all of them here.
var elsewhere = map[string]string{
	"unit_conversion":       "ingest reads it",
	"physionet2019_utility": "rules/study reads it",
	"signal_ranges":         "for reference: what research code does; the ranges in effect are in ingest/plausible.go",
	"signal_validation":     "for reference: it replaces values by limits, which is never done here",
}

// TestVectors reads every row of every file in testdata/vectors: two levels of subtests, file and case. A file may be
// exchanged for one with other rows, or none.
func TestVectors(t *testing.T) {
	files, err := filepath.Glob("testdata/vectors/*.csv")
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		name := strings.TrimSuffix(filepath.Base(file), ".csv")
		t.Run(name, func(t *testing.T) {
			check := checks[name]
			if why := elsewhere[name]; why != "" {
				t.Skip(why)
			}
			if check == nil {
				t.Fatalf("nothing here reads %s", file)
			}
			for i, r := range read(t, file) {
				id := r["case_id"]
				if id == "" {
					id = "row" + strconv.Itoa(i+1)
				}
				t.Run(id, func(t *testing.T) { check(t, r) })
			}
		})
	}
}

func read(t *testing.T, file string) []row {
	t.Helper()
	f, err := os.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	reader := csv.NewReader(f)
	reader.FieldsPerRecord = -1
	lines, err := reader.ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	if len(lines) == 0 {
		return nil
	}
	var rows []row
	for _, line := range lines[1:] {
		r := row{}
		for i, name := range lines[0] {
			if i < len(line) {
				r[name] = strings.TrimSpace(line[i])
			}
		}
		rows = append(rows, r)
	}
	return rows
}

// compile keeps what vectors ask for again with every row.
var compile = Remembering()

// packOf answers a pack of the library.
func packOf(t testing.TB, id string) *rules.Pack {
	t.Helper()
	p, err := compile(Library()[id])
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// under enrols a patient under packs of the library, the first leading, with a plan (nil: none).
func under(t *testing.T, plan *event.Plan, ids ...string) *trial.Patient {
	t.Helper()
	var texts []string
	for _, id := range ids {
		texts = append(texts, Library()[id])
	}
	p, err := trial.New(compile, begin, texts...)
	if err == nil && plan != nil {
		_, err = p.Give(&event.PlanChanged{Plan: *plan})
	}
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// inputs are the columns of the seven signs.
var inputs = map[string]event.Quantity{
	"rr_per_min": event.RespirationPerMin, "spo2_pct": event.SpO2Percent, "supplemental_o2": event.SupplementalO2, "sbp_mmHg": event.SystolicMmHg,
	"pulse_per_min": event.PulsePerMin, "acvpu": event.ACVPU, "temp_degC": event.TemperatureCel,
}

// values answers the signs of a row that are given, and the oxygen scale.
func values(t *testing.T, r row) (v rules.Values, scale int) {
	t.Helper()
	for column, q := range inputs {
		s := r[column]
		if s == "" {
			continue
		}
		d, err := event.RoundDecimal(s)
		if q == event.ACVPU {
			d, err = event.ParseACVPU(s)
		}
		if err != nil {
			t.Fatalf("column %s: %v", column, err)
		}
		v.Set(q, d)
	}
	if r["spo2_scale"] == "2" {
		return v, 2
	}
	return v, 1
}

// same compares a number with a column; an empty column says nothing.
func same(t *testing.T, r row, column string, got int) {
	t.Helper()
	if want := r[column]; want != "" && want != strconv.Itoa(got) {
		t.Errorf("%s is %d, want %s", column, got, want)
	}
}

// prints tells whether a number is what a column prints, at the decimals that stand there. Glucose is kept in millionths of a
// mmol/L, so what is told in mg/dL may be two hundred-thousandths off before it is rounded.
func prints(t *testing.T, x float64, want string) bool {
	t.Helper()
	w, err := strconv.ParseFloat(want, 64)
	if err != nil {
		t.Fatal(err)
	}
	_, decimals, _ := strings.Cut(want, ".")
	return math.Abs(x-w) <= 0.5*math.Pow10(-len(decimals))+2e-5
}

func flag(b bool) int {
	if b {
		return 1
	}
	return 0
}

func checkNEWS2(t *testing.T, sc *rules.Score, r row) {
	v, scale := values(t, r)
	got := sc.Tally(&v, scale)
	for column, q := range map[string]event.Quantity{
		"exp_rr": event.RespirationPerMin, "exp_spo2": event.SpO2Percent, "exp_o2": event.SupplementalO2, "exp_sbp": event.SystolicMmHg,
		"exp_pulse": event.PulsePerMin, "exp_acvpu": event.ACVPU, "exp_temp": event.TemperatureCel,
	} {
		low, _ := sc.PointsOf(&got, q)
		same(t, r, column, int(low))
	}
	same(t, r, "exp_total", int(got.Lower))
	if everyPart(sc, &got) && got.Upper != got.Lower {
		t.Errorf("everything is known and still it is %d–%d", got.Lower, got.Upper)
	}
	same(t, r, "exp_single_param_3", flag(got.Red()))
	if want := r["exp_band"]; want != "" && want != sc.BandName(got.Band) {
		t.Errorf("band is %s, want %s", sc.BandName(got.Band), want)
	}
	if want, ok := monitoring[sc.BandName(got.Band)]; r["exp_monitoring"] != "" && ok && r["exp_monitoring"] != want {
		t.Errorf("monitoring is %s, want %s", want, r["exp_monitoring"])
	}
}

// monitoring is chart 4: how often at least.
var monitoring = map[string]string{
	"zero": "min 12-hourly", "low": "min 4-6-hourly", "low_medium": "min 1-hourly", "medium": "min 1-hourly", "high": "continuous",
}

func checkKnownWrong(t *testing.T, sc *rules.Score, r row) {
	v, scale := values(t, r)
	got := int(sc.Tally(&v, scale).Lower)
	same(t, r, "correct_total", got)
	if r["published_total_WRONG"] == strconv.Itoa(got) {
		t.Errorf("this is the published total that is known to be wrong: %d", got)
	}
}

func checkMissing(t *testing.T, sc *rules.Score, r row) {
	v, scale := values(t, r)
	got := sc.Tally(&v, scale)
	same(t, r, "exp_lower_bound", int(got.Lower))
	same(t, r, "exp_upper_bound", int(got.Upper))
	same(t, r, "exp_band_determined", flag(got.Determined()))
	if want := r["exp_band_of_lower_bound"]; want != "" && want != sc.BandName(got.Band) {
		t.Errorf("band of the lower bound is %s, want %s", sc.BandName(got.Band), want)
	}
	if want := r["exp_total"]; want != "" {
		same(t, r, "exp_total", int(got.Lower))
	} else if r["missing"] != "" && everyPart(sc, &got) {
		t.Error("something is missing, but nothing is named")
	}
	columns := map[string]event.Quantity{"rr": event.RespirationPerMin, "spo2": event.SpO2Percent, "o2": event.SupplementalO2, "sbp": event.SystolicMmHg,
		"pulse": event.PulsePerMin, "acvpu": event.ACVPU, "temp": event.TemperatureCel}
	for _, name := range strings.Split(r["missing"], "|") {
		if q, ok := columns[name]; ok && sc.Knows(&got, q) {
			t.Errorf("%s is missing, but counted as known", name)
		}
	}
}

func checkDecimals(t *testing.T, sc *rules.Score, r row) {
	exact, err := event.RoundDecimal(r["temp_degC"])
	if err != nil {
		t.Fatal(err)
	}
	if r["temp_degF"] != "" && r["temp_degC_rounded"] != "" {
		if got, _ := event.RoundDecimal(r["temp_degC_rounded"]); exact.RoundTo(event.One/10) != got {
			t.Errorf("%s rounds to %s, want %s", exact, exact.RoundTo(event.One/10), got)
		}
	}
	var v rules.Values
	v.Set(event.TemperatureCel, exact)
	ty := sc.Tally(&v, 1)
	low, _ := sc.PointsOf(&ty, event.TemperatureCel)
	got := int(low)
	same(t, r, "exp_temp_policyA_round", got)
	other := continuous(exact)
	same(t, r, "exp_temp_policyB_continuous", other)
	same(t, r, "policies_differ", flag(got != other))
}

// continuous is the other policy, upper-inclusive cuts without rounding. It is not used; the vectors show where it differs.
func continuous(d event.Decimal) int {
	switch {
	case d <= event.Int(35):
		return 3
	case d <= event.Int(36):
		return 1
	case d <= event.Int(38):
		return 0
	case d <= event.Int(39):
		return 1
	default:
		return 2
	}
}

// everyPart tells whether every part of the score is known.
func everyPart(sc *rules.Score, t *rules.Tally) bool { return t.Known == 1<<len(sc.Parts)-1 }

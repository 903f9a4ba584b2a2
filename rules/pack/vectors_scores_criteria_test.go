package pack

import (
	"maps"
	"slices"
	"strings"
	"testing"

	"tocsin/rules/trial"
	"tocsin/streams/event"
)

func init() {
	maps.Copy(checks, map[string]func(*testing.T, row){
		"paed_fever_ng143": checkFever, "sepsis_nice_under5": checkSepsisChild, "maternal_mewc_2014": checkMEWC, "maternal_mewt_2016": checkMEWT,
	})
}

// child gives a row to a child of its age. Age 0 months is entered as 1, as SetAge does.
func child(t *testing.T, r row, pack string, codes map[string]string) *trial.Patient {
	t.Helper()
	plan := event.Plan{}
	if d, ok := cell(t, r, "age_months"); ok {
		plan.AgeMonths = max(1, int(d/event.One))
	}
	p := under(t, &plan, pack)
	handOver(t, p, uploadOf(t, r, p.Now, codes))
	return p
}

// criteria compares which criteria held. words says how the files call a rule. Rows name what decided, and may or may not name
// milder criteria beside it: all that they name must hold, and all that decided must be named.
func criteria(t *testing.T, r row, p *trial.Patient, words map[string]string) {
	t.Helper()
	if _, given := r["exp_which"]; !given {
		return
	}
	want := strings.FieldsFunc(r["exp_which"], func(c rune) bool { return c == '|' })
	var all, gravest []string
	for _, told := range p.State.Found.Reasons {
		word, ok := words[told.Rule]
		if !ok {
			continue
		}
		all = append(all, word)
		if told.Severity == p.State.Found.Severity {
			gravest = append(gravest, word)
		}
	}
	for _, w := range want {
		if !slices.Contains(all, w) {
			t.Errorf("%s is expected and did not hold: %v", w, all)
		}
	}
	for _, w := range gravest {
		if !slices.Contains(want, w) {
			t.Errorf("%s holds and is not among %v", w, want)
		}
	}
}

// light holds the score that shows the same by numbers against the rules that warn.
func light(t *testing.T, r row, p *trial.Patient, column string, everything bool) {
	t.Helper()
	sc := p.Score()
	if sc == nil {
		t.Fatal("there is no score")
	}
	if want := r[column]; want != "" && sc.Band != want {
		t.Errorf("by numbers it is %s, want %s", sc.Band, want)
	}
	if everything {
		settled(t, sc)
	}
}

func checkFever(t *testing.T, r row) {
	p := child(t, r, "fever-child", map[string]string{"fever_days": "fever_days"})
	if got := map[event.Severity]string{event.High: "red", event.Medium: "amber", event.NoSeverity: "green"}[p.State.Found.Severity]; got != r["exp_light_numeric"] {
		t.Errorf("the light is %q by %v, want %s", got, found(p), r["exp_light_numeric"])
	}
	light(t, r, p, "exp_light_numeric", filled(r, "hr_per_min", "rr_per_min", "temp_degC", "spo2_pct_air", "crt_s", "fever_days"))
	criteria(t, r, p, map[string]string{
		"red-under-3-months-38": "age<3mo T>=38", "red-breathing-over-60": "RR>60", "amber-3-to-6-months-39": "3-6mo T>=39", "amber-pulse": "HR",
		"amber-breathing": "RR", "amber-spo2": "SpO2<=95 air", "amber-capillary-refill": "CRT>=3", "amber-fever-5-days": "fever>=5d",
	})
}

func checkSepsisChild(t *testing.T, r row) {
	p := child(t, r, "sepsis-child", nil)
	if got := map[event.Severity]string{event.High: "high", event.Medium: "moderate_to_high", event.NoSeverity: "low"}[p.State.Found.Severity]; got != r["exp_risk"] {
		t.Errorf("the risk is %q by %v, want %s", got, found(p), r["exp_risk"])
	}
	light(t, r, p, "exp_risk", false)
	criteria(t, r, p, map[string]string{
		"high-pulse": "HR", "high-pulse-slow": "HR", "moderate-pulse": "HR", "high-breathing": "RR", "moderate-breathing": "RR",
		"high-under-3-months-38": "T<3mo>=38", "high-below-36": "T<36", "high-spo2": "SpO2", "moderate-spo2": "SpO2",
	})
}

// alike compares the words of a file with ours, whatever their order; other names for one thing are given.
func alike(t *testing.T, r row, got []string, names map[string]string) {
	t.Helper()
	if _, given := r["exp_which"]; !given {
		return
	}
	var want []string
	for _, w := range strings.FieldsFunc(r["exp_which"], func(c rune) bool { return c == '|' }) {
		for part, name := range names {
			if strings.HasPrefix(strings.ToLower(w), part) {
				w = name
			}
		}
		want = append(want, w)
	}
	slices.Sort(want)
	slices.Sort(got)
	if !slices.Equal(got, want) {
		t.Errorf("%v held, want %v", got, want)
	}
}

// checkMEWC gives a row twice, two hours apart: the urine of two hours, and the repeat that an isolated value needs.
func checkMEWC(t *testing.T, r row) {
	p := under(t, &event.Plan{AgeYears: 30, Pregnant: true}, "maternal")
	upload := func() *event.ObservationRecorded {
		o := uploadOf(t, r, p.Now, map[string]string{"agitation_confusion_unresponsive": "agitated_or_confused", "preeclampsia_nonremitting_headache_or_sob": "preeclampsia_headache_or_breathless"})
		if d, ok := cell(t, r, "urine_mL_per_h_2h"); ok {
			o.Readings = append(o.Readings, trial.Reading(event.UrineMlPerH, d))
		}
		return o
	}
	handOver(t, p, upload())
	if _, err := p.Wait(2 * 3_600_000); err != nil {
		t.Fatal(err)
	}
	handOver(t, p, upload())
	var got []string
	for _, id := range found(p) {
		if name, ok := strings.CutPrefix(id, "mewc-"); ok && name != "persists" && name != "together" {
			got = append(got, name)
		}
	}
	same(t, r, "exp_trigger", flag(len(got) > 0))
	if len(got) > 0 && p.State.Found.Severity != event.High { // without one, another of the pack's criteria may still hold
		t.Errorf("repeated it is %s by %v", p.State.Found.Severity, found(p))
	}
	alike(t, r, got, map[string]string{"olig": "urine", "urine": "urine", "pre": "preeclampsia", "head": "preeclampsia", "ment": "mental"})
}

// checkMEWT measures a row every ten minutes for as long as it says.
func checkMEWT(t *testing.T, r row) {
	p := under(t, &event.Plan{AgeYears: 30, Pregnant: true}, "maternal")
	var minutes int64
	if d, ok := cell(t, r, "sustained_min"); ok {
		minutes = int64(d / event.One)
	}
	for passed := int64(0); ; {
		handOver(t, p, uploadOf(t, r, p.Now, nil))
		if passed == minutes {
			break
		}
		next := min(10, minutes-passed)
		if _, err := p.Wait(next * 60_000); err != nil {
			t.Fatal(err)
		}
		passed += next
	}
	trigger := false
	var got []string
	for _, id := range found(p) {
		trigger = trigger || strings.HasPrefix(id, "mewt-")
		if name := map[string]string{"mewt-severe-hr-over-130": "HR>130", "mewt-severe-rr-over-30": "RR>30", "mewt-severe-map-below-55": "MAP<55", "mewt-severe-spo2-below-90": "SpO2<90"}[id]; name != "" {
			got = append(got, name)
		}
	}
	same(t, r, "exp_trigger", flag(trigger))
	for id, held := range p.Measures() {
		if name := map[string]string{"mewt-temp": "T", "mewt-bp": "BP", "mewt-hr": "HR", "mewt-rr": "RR", "mewt-spo2": "SpO2<93"}[id]; name != "" && held == 1 {
			got = append(got, name)
		}
	}
	if minutes > 20 { // what does not last is not listed here, whatever a file lists
		alike(t, r, got, map[string]string{"t": "T"})
	}
}

package pack

import (
	"slices"
	"strings"
	"testing"

	"tocsin/rules/trial"
	"tocsin/streams/event"
)

func init() {
	checks["hypertension_home"] = checkHypertensionHome
	checks["hbpm_protocol"] = checkHomeProtocol
	checks["pregnancy_bp"] = checkPregnancyPressure
}

const (
	aMinute = 60_000
	aDay    = 24 * 60 * aMinute
)

// number reads a column that holds a number.
func number(t *testing.T, r row, column string) event.Decimal {
	t.Helper()
	d, err := event.RoundDecimal(r[column])
	if err != nil {
		t.Fatalf("column %s: %v", column, err)
	}
	return d
}

// at hands over readings that were measured at a moment, all of which has passed; no time passes by it.
func at(t *testing.T, p *trial.Patient, when event.Time, answers []event.Answer, readings ...event.Reading) {
	t.Helper()
	o := trial.Measured(when, readings...)
	o.Answers, o.ReceivedAt = answers, max(when, p.Now)
	if _, err := p.Give(o); err != nil {
		t.Fatal(err)
	}
}

func pressure(systolic, diastolic event.Decimal) []event.Reading {
	return []event.Reading{trial.Reading(event.SystolicMmHg, systolic), trial.Reading(event.DiastolicMmHg, diastolic)}
}

// reasons are the rules that have been told, some of them worth a warning and some only a note.
func reasons(p *trial.Patient) (ids []string) {
	for _, told := range p.State.Found.Reasons {
		ids = append(ids, told.Rule)
	}
	return ids
}

// first answers the word of the first of pairs (rule, word) whose rule was told, or else.
func first(p *trial.Patient, otherwise string, pairs ...string) string {
	ids := reasons(p)
	for i := 0; i < len(pairs); i += 2 {
		if slices.Contains(ids, pairs[i]) {
			return pairs[i+1]
		}
	}
	return otherwise
}

// class answers a measure that stands for a word, "" when it is not known.
func class(p *trial.Patient, id string, words ...string) string {
	x, known := p.Measures()[id]
	if !known || int(x) < 0 || int(x) >= len(words) {
		return ""
	}
	return words[int(x)]
}

// homeClasses are the words of the measure home-class.
var homeClasses = []string{"below_threshold", "stage1_home", "stage2_home", "severe_180_120"}

// days hands over days of readings, oldest first, two in the morning and two in the evening, of which the last day is today.
func days(t *testing.T, p *trial.Patient, all [][][2]event.Decimal) {
	t.Helper()
	for i, day := range all {
		morning := p.Now - event.Time((len(all)-1-i)*aDay)
		for k, v := range day {
			at(t, p, morning-event.Time((len(day)-k)*2*aMinute), nil, pressure(v[0], v[1])...)
		}
	}
}

func checkHypertensionHome(t *testing.T, r row) {
	p := under(t, nil, "hypertension")
	sys, dia := number(t, r, "sbp_mmHg"), number(t, r, "dbp_mmHg")
	got := ""
	switch r["kind"] {
	case "mean_home", "mean_home_CN2024":
		one := [][2]event.Decimal{{sys, dia}, {sys, dia}}
		days(t, p, [][][2]event.Decimal{one, one, one, one})
		if got = class(p, "home-class", homeClasses...); r["kind"] == "mean_home_CN2024" {
			got = class(p, "home-class-cn2024", "normal", "home_hypertension")
		}
	case "single":
		// The reading and, two minutes later, its repeat; then the questions are answered.
		at(t, p, p.Now-2*aMinute, nil, pressure(sys, dia)...)
		at(t, p, p.Now, nil, pressure(sys, dia)...)
		at(t, p, p.Now, []event.Answer{{Code: "chest_pain", Value: number(t, r, "acute_symptom_or_sign")}})
		got = first(p, "not_same_day_by_bp", "crisis-symptoms", "same_day", "systolic-180-twice", "repeat_7d", "diastolic-120-twice", "repeat_7d")
	default:
		t.Fatalf("kind %q: nothing here knows it", r["kind"])
	}
	if got != r["exp"] {
		t.Errorf("%s/%s is %q, want %q", sys, dia, got, r["exp"])
	}
}

func checkHomeProtocol(t *testing.T, r row) {
	var all [][][2]event.Decimal
	for _, day := range strings.Split(r["days(;)_readings(|)"], ";") {
		var readings [][2]event.Decimal
		for _, s := range strings.Split(day, "|") {
			sys, dia, ok := strings.Cut(strings.TrimSpace(s), "/")
			if !ok {
				continue // a reading that was left out
			}
			a, err := event.RoundDecimal(sys)
			if err != nil {
				t.Fatal(err)
			}
			b, err := event.RoundDecimal(dia)
			if err != nil {
				t.Fatal(err)
			}
			readings = append(readings, [2]event.Decimal{a, b})
		}
		all = append(all, readings)
	}
	p := under(t, nil, "hypertension")
	days(t, p, all)
	got := p.Measures()
	for column, id := range map[string]string{"exp_mean_sbp": "home-systolic", "exp_mean_dbp": "home-diastolic"} {
		measured(t, r, column, got, id)
	}
	status := "ok"
	if _, known := got["home-class"]; !known {
		status = "insufficient"
	}
	if status != r["exp_status"] {
		t.Errorf("status is %s, want %s", status, r["exp_status"])
	}
	if word := class(p, "home-class", homeClasses...); word != r["exp_class"] {
		t.Errorf("class is %q, want %q", word, r["exp_class"])
	}
}

// measured compares a measure with a column at the decimals printed there; an empty column says that nothing is known.
func measured(t *testing.T, r row, column string, got map[string]float64, id string) {
	t.Helper()
	x, known := got[id]
	want := r[column]
	if want == "" {
		if known {
			t.Errorf("%s is %v, and should not be known", id, x)
		}
		return
	}
	if !known || !prints(t, x, want) {
		t.Errorf("%s is %v (known %t), want %s", id, x, known, want)
	}
}

// checkPregnancyPressure gives the reading and, a quarter of an hour later, its repeat.
func checkPregnancyPressure(t *testing.T, r row) {
	p := under(t, nil, "pregnancy-bp")
	sys, dia := number(t, r, "sbp_mmHg"), number(t, r, "dbp_mmHg")
	at(t, p, p.Now-15*aMinute, nil, pressure(sys, dia)...)
	at(t, p, p.Now, nil, pressure(sys, dia)...)
	const severe, mild = "severe_hypertension", "hypertension"
	got := first(p, "below", "severe", severe, "systolic-140-twice", mild, "diastolic-90-twice", mild)
	if got != r["exp"] {
		t.Errorf("%s/%s is %q, want %q", sys, dia, got, r["exp"])
	}
	if word := class(p, "pressure-class", "below", mild, severe); word != r["exp"] {
		t.Errorf("%s/%s by itself is %q, want %q", sys, dia, word, r["exp"])
	}
}

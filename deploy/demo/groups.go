package demo

import (
	"math/rand/v2"

	"tocsin/streams/event"
)

// Group is one disease group with what its patients measure at home.
type Group struct {
	ID, Zh, En string
	Pack       string // of the library
	PerDay     int    // how often its patients measured in the fourteen days before
	Patients   int
	diary      []string // what the app asks once a day; with nothing to complain of all of it is no
	usual      func(*rand.Rand) Values
	plan       func(usual Values) event.Plan // what a doctor entered for everybody in it; nil: nothing
	overrides  []event.Override              // what the group's clinic changed of the pack
}

// calm is a day's diary with nothing to complain of.
func (g *Group) calm() Answers {
	a := Answers{}
	for _, code := range g.diary {
		a[code] = false
	}
	return a
}

var groups = []*Group{
	{ID: "copd", Zh: "慢阻肺组", En: "COPD", Pack: "copd", PerDay: 4, Patients: 14,
		diary: []string{"breathless", "sputum_more", "sputum_purulent", "cough_more", "wheeze", "cold", "sore_throat", "fever"},
		usual: func(r *rand.Rand) Values {
			return Values{event.SpO2Percent: between(r, 96.4, 97.2), event.PulsePerMin: between(r, 68, 80)}
		}},
	{ID: "heart-failure", Zh: "心衰组", En: "Heart failure", Pack: "heart-failure", PerDay: 1, Patients: 8,
		diary: []string{"breathless", "breathless_at_rest", "breathless_lying", "breathless_at_night", "swelling", "dizziness", "chest_pain"},
		usual: func(r *rand.Rand) Values {
			return Values{event.WeightKg: between(r, 56, 82), event.SystolicMmHg: between(r, 118, 134), event.DiastolicMmHg: between(r, 68, 80), event.PulsePerMin: between(r, 62, 76)}
		}},
	{ID: "hypertension", Zh: "高血压组", En: "Hypertension", Pack: "hypertension", PerDay: 2, Patients: 6,
		usual: func(r *rand.Rand) Values {
			return Values{event.SystolicMmHg: between(r, 126, 142), event.DiastolicMmHg: between(r, 74, 88), event.PulsePerMin: between(r, 62, 78)}
		}},
	{ID: "post-op", Zh: "术后居家组", En: "After surgery", Pack: "post-op", PerDay: 2, Patients: 4,
		diary: []string{"breathless", "vomiting", "fever", "wound_redness", "wound_discharge", "wound_open", "chest_pain", "calf_pain"},
		usual: func(r *rand.Rand) Values {
			return Values{event.TemperatureCel: between(r, 36.5, 36.9), event.SystolicMmHg: between(r, 118, 132), event.DiastolicMmHg: between(r, 70, 82), event.PulsePerMin: between(r, 66, 80)}
		},
		plan: func(Values) event.Plan { return event.Plan{Facts: facts("discharge_weight_kg", 64.5)} }},
	{ID: "diabetes", Zh: "糖尿病组", En: "Diabetes", Pack: "diabetes", PerDay: 2, Patients: 3,
		diary: []string{"feeling_ill", "vomiting"},
		usual: func(r *rand.Rand) Values {
			return Values{event.GlucoseMmolPerL: between(r, 6.2, 8.4)}
		},
		overrides: []event.Override{{Rule: "check-ketones", Param: "glucose", Value: number(13), Why: "house rule of the diabetes clinic: ketones from 13 on"}}},
	{ID: "asthma", Zh: "哮喘组", En: "Asthma", Pack: "asthma", PerDay: 2, Patients: 2,
		diary: []string{"woken_by_asthma", "breathless_at_rest"},
		usual: func(r *rand.Rand) Values { return Values{event.PeakFlowLPerMin: between(r, 380, 430)} },
		plan: func(usual Values) event.Plan {
			return event.Plan{AgeYears: 34, Facts: facts("best_peak_flow_l_per_min", round(event.PeakFlowLPerMin, usual[event.PeakFlowLPerMin]/0.95))}
		}},
	{ID: "pregnancy", Zh: "孕产期血压组", En: "Blood pressure in pregnancy", Pack: "pregnancy-bp", PerDay: 1, Patients: 2,
		diary: []string{"severe_headache", "visual_change", "epigastric_pain", "breathless_at_rest"},
		usual: func(r *rand.Rand) Values {
			return Values{event.SystolicMmHg: between(r, 112, 122), event.DiastolicMmHg: between(r, 68, 76), event.PulsePerMin: between(r, 74, 86)}
		},
		plan: func(Values) event.Plan { return event.Plan{AgeYears: 29, Pregnant: true} }},
	{ID: "chemotherapy", Zh: "化疗居家组", En: "On chemotherapy", Pack: "neutropenic-fever", PerDay: 2, Patients: 1,
		diary: []string{"rigors", "unwell"},
		usual: func(r *rand.Rand) Values { return Values{event.TemperatureCel: between(r, 36.4, 36.7)} }},
}

func facts(name string, v float64) map[string]event.Decimal {
	return map[string]event.Decimal{name: decimal(v)}
}

func number(v float64) *event.Decimal {
	d := decimal(v)
	return &d
}

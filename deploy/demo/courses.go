package demo

import (
	"time"

	"tocsin/streams/event"
)

// Course is what happens to one of the ward, told from the moment at which the ward begins to publish.
type Course struct {
	Story  string
	Groups []string    // further disease groups, whose packs hold too
	Usual  Values      // nil: the group's
	Plan   *event.Plan // own targets, facts, changed rules and choices; nil: the group's
	Past   map[int]Day // what was out of the usual so many days before, over that day's measurements
	// Beats are measurements out of the usual. Until Quiet (zero: for ever) nothing else is measured from the first beat on.
	Beats []Beat
	Quiet time.Duration
	// Moves says that the beats change what is usual from then on, beside what the patient measures anyway.
	Moves bool
	// OutFrom to OutTo is a stretch in which nothing arrives; what was measured meanwhile is sent afterwards.
	OutFrom, OutTo time.Duration
	// Also lets the usual measurements go on beside the beats.
	Also bool
	// Begins is when the device is heard for the first time.
	Begins time.Duration
	// Stop is when the patient measures no more; zero: never.
	Stop time.Duration
	// Clock1970 is when the device's clock falls back to 1970, ClockSet when it is right again; zero: never.
	Clock1970, ClockSet time.Duration
}

// Beat is one upload of a course. Ago tells that it was measured so long before it is sent.
type Beat struct {
	At     time.Duration
	Values Values
	Says   Answers
	Ago    time.Duration
}

// Day is what was out of the usual on a day before the ward began.
type Day struct {
	Values Values
	Says   Answers
}

// doctor is who ordered what stands in the ward's plans, and who changed rules there.
const doctor = "dr-demo"

// orderedAt is when the ward's orders were given: 2026-03-01 08:00 in Shanghai.
const orderedAt event.Time = 1772323200000

// ordered is a plan with a saturation of one's own: oxygen at home, scale 2, dated and signed.
func ordered(low, high int64) *event.Plan {
	l, h := event.Int(low), event.Int(high)
	return &event.Plan{AgeYears: 74, SpO2Scale: 2, Targets: map[event.Quantity]event.Target{event.SpO2Percent: {Low: &l, High: &h}}, OrderedBy: doctor, OrderedAt: orderedAt}
}

func spo2(v, pulse float64) Values {
	return Values{event.SpO2Percent: v, event.PulsePerMin: pulse, event.SupplementalO2: 1}
}

func pressure(systolic, diastolic, pulse float64) Values {
	return Values{event.SystolicMmHg: systolic, event.DiastolicMmHg: diastolic, event.PulsePerMin: pulse}
}

func heart(kg, systolic, diastolic, pulse float64) Values {
	return Values{event.WeightKg: kg, event.SystolicMmHg: systolic, event.DiastolicMmHg: diastolic, event.PulsePerMin: pulse}
}

func weight(kg float64) Values { return Values{event.WeightKg: kg} }

func glucose(v float64) Values { return Values{event.GlucoseMmolPerL: v} }

func peak(v float64) Values { return Values{event.PeakFlowLPerMin: v} }

func celsius(v float64) Values { return Values{event.TemperatureCel: v} }

// falling is a row of measurements, one every step from first on.
func falling(first, step time.Duration, values ...Values) []Beat {
	var all []Beat
	for i, v := range values {
		all = append(all, Beat{At: first + time.Duration(i)*step, Values: v})
	}
	return all
}

// Six homes are behind one gateway, which is out from 200 s on; at 500 s everything comes at once.
const (
	outFrom = 200 * time.Second
	outTo   = 500 * time.Second
)

// courses by patient: the lungs first, then the hearts, pressures, wounds, sugars and the small groups.
var courses = map[string]*Course{
	"P-0103": {Story: "home oxygen, usually 89 %: quiet, by own target", Usual: spo2(89, 78), Plan: ordered(87, 92)},
	"P-0106": {Story: "a false alarm: cold finger, 71 %, measured again 97 %", Beats: []Beat{
		{At: 150 * time.Second, Values: Values{event.SpO2Percent: 71, event.PulsePerMin: 76}},
		{At: 195 * time.Second, Values: Values{event.SpO2Percent: 97, event.PulsePerMin: 74}},
	}, Quiet: 210 * time.Second},
	"P-0107": {Story: "diary: breathless with yellow sputum, yesterday and today, while every sign is as usual", Moves: true,
		Past: map[int]Day{1: {Says: Answers{"breathless": true, "sputum_purulent": true}}},
		Beats: []Beat{{At: 55 * time.Second, Says: Answers{"breathless": true, "sputum_more": false, "sputum_purulent": true, "cough_more": true,
			"wheeze": false, "cold": false, "sore_throat": false, "fever": false}}}},
	"P-0110": {Story: "86 %, and then measures no more", Beats: []Beat{
		{At: 75 * time.Second, Values: Values{event.SpO2Percent: 86, event.PulsePerMin: 92}},
	}, Stop: 76 * time.Second},
	"P-0112": {Story: "oximeter whose clock fell back to 1970 for a minute: kept aside, never scored", Clock1970: 60 * time.Second, ClockSet: 130 * time.Second},
	"P-0113": {Story: "COPD on oxygen, own target 88 to 92: from 90 to 84 % within half a minute", Usual: spo2(90, 84), Plan: ordered(88, 92),
		Beats: falling(3*time.Second, 5*time.Second, spo2(90, 84), spo2(89, 88), spo2(88, 92), spo2(87, 96), spo2(86, 102), spo2(84, 108), spo2(84, 110), spo2(83, 112))},

	"P-0117": {Story: "heart failure and hypertension, whose packs bound systolic pressure differently: listed until a doctor decides; behind the gateway the mean of the week creeps over 150",
		Groups: []string{"hypertension"}, Usual: heart(66.3, 147, 86, 74), OutFrom: outFrom, OutTo: outTo, Moves: true,
		Beats: []Beat{{At: 510 * time.Second, Values: Values{event.SystolicMmHg: 158, event.DiastolicMmHg: 92}}}},
	"P-0118": {Story: "heart failure: 2.6 kg in three days, and breathless lying down", Usual: heart(68.4, 126, 76, 74), Moves: true,
		Past: map[int]Day{3: {Values: weight(68.5)}, 2: {Values: weight(68.6)}, 1: {Values: weight(69.3)}},
		Beats: []Beat{{At: 41 * time.Second, Values: weight(71.2)},
			{At: 85 * time.Second, Says: Answers{"breathless": true, "breathless_at_rest": false, "breathless_lying": true, "breathless_at_night": false,
				"swelling": true, "dizziness": false, "chest_pain": false}}}},
	"P-0120": {Story: "atrial fibrillation, usual pulse 114: quiet, since the doctor moved the bound of pulse-110 to 125 for a month", Usual: heart(63.5, 122, 74, 114),
		Plan: &event.Plan{AgeYears: 77, Overrides: []event.Override{{Rule: "pulse-110", Param: "bound", Value: number(125), Why: "atrial fibrillation, rate control is being set"}}}},
	"P-0121": {Story: "COPD, heart failure and diabetes: 2 kg, breathless, 91 % and 3.4 mmol/L are one warning with several reasons; the bound of the weight is her own",
		Groups: []string{"copd", "diabetes"},
		Usual:  Values{event.WeightKg: 54.2, event.SystolicMmHg: 124, event.DiastolicMmHg: 72, event.PulsePerMin: 76, event.SpO2Percent: 96, event.GlucoseMmolPerL: 7.4},
		Plan:   &event.Plan{AgeYears: 81, Overrides: []event.Override{{Rule: "weight-3d", Param: "kg", Value: number(1.2), Why: "small and frail: 54 kg"}}},
		Past:   map[int]Day{3: {Values: weight(54.2)}, 2: {Values: weight(54.3)}, 1: {Values: weight(54.9)}}, Moves: true,
		Beats: []Beat{{At: 100 * time.Second, Values: weight(56.2)},
			{At: 125 * time.Second, Says: Answers{"breathless": true, "breathless_at_rest": false, "swelling": true, "sputum_more": false, "sputum_purulent": false}},
			{At: 160 * time.Second, Values: Values{event.SpO2Percent: 91, event.PulsePerMin: 84}},
			{At: 180 * time.Second, Values: glucose(3.4)}, {At: 420 * time.Second, Values: glucose(6.8)}}},
	"P-0122": {Story: "heart failure and hypertension; the doctor chose the bounds of the pack for pressure: quiet", Groups: []string{"hypertension"}, Usual: heart(74.1, 146, 84, 72),
		Plan: &event.Plan{AgeYears: 69, Chosen: map[event.Quantity]string{event.SystolicMmHg: "hypertension"}}},

	"P-0125": {Story: "a village's late upload behind the gateway: 186/122 of seven hours ago, which 138/84 has overtaken", Begins: 130 * time.Second, OutFrom: outFrom, OutTo: outTo, Beats: []Beat{
		{At: 130 * time.Second, Values: pressure(138, 84, 74), Ago: 6 * time.Hour},
		{At: 131 * time.Second, Values: pressure(186, 122, 88), Ago: 7 * time.Hour},
	}, Quiet: 132 * time.Second},
	"P-0126": {Story: "186/122 and again a minute later; then the gateway is out", OutFrom: outFrom, OutTo: outTo, Beats: []Beat{
		{At: 120 * time.Second, Values: pressure(186, 122, 88)}, {At: 180 * time.Second, Values: pressure(184, 121, 86)},
		{At: 260 * time.Second, Values: pressure(176, 112, 84)}, {At: 380 * time.Second, Values: pressure(168, 104, 80)},
	}, Quiet: 440 * time.Second},
	"P-0131": {Story: "fifth day after surgery: 38.6 °C, the wound red and discharging", Moves: true, Beats: []Beat{
		{At: 90 * time.Second, Values: Values{event.TemperatureCel: 38.6, event.PulsePerMin: 96}},
		{At: 130 * time.Second, Says: Answers{"breathless": false, "vomiting": false, "fever": true, "wound_redness": true, "wound_discharge": true, "wound_open": false, "chest_pain": false, "calf_pain": false}}}},

	"P-0133": {Story: "glucose 2.9 mmol/L, the carer is reached and it rises", Moves: true, Beats: []Beat{
		{At: 110 * time.Second, Values: glucose(2.9)}, {At: 160 * time.Second, Values: glucose(4.4)}, {At: 300 * time.Second, Values: glucose(6.1)}}},
	"P-0134": {Story: "behind the gateway; 13.6 mmol/L asks for ketones, by the group's own bound, and these are 1.9", OutFrom: outFrom, OutTo: outTo, Moves: true, Beats: []Beat{
		{At: 520 * time.Second, Values: glucose(13.6)}, {At: 600 * time.Second, Values: glucose(14.8)},
		{At: 645 * time.Second, Values: Values{event.GlucoseMmolPerL: 15.2, event.KetoneMmolPerL: 1.9}},
		{At: 840 * time.Second, Values: Values{event.GlucoseMmolPerL: 11.2, event.KetoneMmolPerL: 0.4}}}},

	"P-0136": {Story: "behind the gateway; asthma: woken at night, and three blows of 188 to 196 are the red zone of her own best of 421", OutFrom: outFrom, OutTo: outTo, Usual: peak(400), Begins: 140 * time.Second, Moves: true,
		Beats: []Beat{{At: 140 * time.Second, Values: peak(188), Says: Answers{"woken_by_asthma": true, "breathless_at_rest": false}},
			{At: 150 * time.Second, Values: peak(196)}, {At: 160 * time.Second, Values: peak(192)}, {At: 700 * time.Second, Values: peak(358)}}},
	"P-0137": {Story: "a boy of nine with asthma: 232 L/min is green of his own best of 250", Usual: peak(232), Plan: &event.Plan{AgeYears: 9, AgeMonths: 112, Facts: facts("best_peak_flow_l_per_min", 250)}},

	"P-0138": {Story: "32 weeks pregnant: 162/108 with a bad headache, and severe again", Moves: true, Beats: []Beat{
		{At: 60 * time.Second, Values: pressure(162, 108, 88), Says: Answers{"severe_headache": true, "visual_change": false, "epigastric_pain": false, "breathless_at_rest": false}},
		{At: 150 * time.Second, Values: pressure(164, 110, 88)}, {At: 300 * time.Second, Values: pressure(152, 98, 84)}, {At: 480 * time.Second, Values: pressure(146, 92, 82)},
	}},
	"P-0140": {Story: "behind the gateway; on chemotherapy: a thermometer out of reach of the phone sends an hour of 38.0 to 38.2 °C at once", Begins: 520 * time.Second, OutFrom: outFrom, OutTo: outTo, Beats: []Beat{
		{At: 520 * time.Second, Values: celsius(38.0), Ago: 70 * time.Minute}, {At: 521 * time.Second, Values: celsius(38.2), Ago: 35 * time.Minute},
		{At: 522 * time.Second, Values: celsius(38.1)},
	}},
}

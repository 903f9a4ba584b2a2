package demo

import (
	"time"

	"tocsin/streams/event"
)

// Course is what happens to one of the ward, told from the moment at which the ward begins to publish.
type Course struct {
	Story string
	Usual Values      // nil: the group's
	Plan  *event.Plan // own targets and orders
	// Beats are measurements out of the usual. Until Quiet (zero: for ever) nothing else is measured from the first beat on.
	Beats []Beat
	Quiet time.Duration
	// Out is a stretch in which nothing arrives; what was measured meanwhile is sent afterwards.
	OutFrom, OutTo time.Duration
	// Also lets the usual measurements go on beside the beats.
	Also bool
	// Begins is when the device is heard for the first time.
	Begins time.Duration
	// Stop is when the patient measures no more; zero: never.
	Stop time.Duration
	// Clock1970 is when the device's clock falls back to 1970; zero: never.
	Clock1970 time.Duration
}

// Beat is one measurement of a course. Ago tells that it was measured so long before it is sent.
type Beat struct {
	At     time.Duration
	Values Values
	Ago    time.Duration
}

func spo2(v, pulse float64) Values {
	return Values{event.SpO2Percent: v, event.PulsePerMin: pulse, event.SupplementalO2: 1}
}

func target(q event.Quantity, low, high int64) map[event.Quantity]event.Target {
	l, h := event.Int(low), event.Int(high)
	return map[event.Quantity]event.Target{q: {Low: &l, High: &h}}
}

// ordered is a plan with a saturation of one's own: oxygen at home, scale 2, dated and signed.
func ordered(low, high int64) *event.Plan {
	return &event.Plan{SpO2Scale: 2, Targets: target(event.SpO2Percent, low, high), OrderedBy: "dr-demo", OrderedAt: orderedAt}
}

// orderedAt is when the ward's orders were given: 2026-03-01 08:00 in Shanghai.
const orderedAt event.Time = 1772323200000

func pressure(systolic, diastolic, pulse float64) Values {
	return Values{event.SystolicMmHg: systolic, event.DiastolicMmHg: diastolic, event.PulsePerMin: pulse}
}

// falling is a row of measurements, one every step from first on.
func falling(first, step time.Duration, values ...Values) []Beat {
	var all []Beat
	for i, v := range values {
		all = append(all, Beat{At: first + time.Duration(i)*step, Values: v})
	}
	return all
}

// gatewayOut is the same for six homes behind one gateway.
var gatewayOut = &Course{Story: "six homes behind one gateway: out for five minutes, then everything comes at once", OutFrom: 200 * time.Second, OutTo: 500 * time.Second}

// courses by patient. Those which need trends, weight over days, questionnaires or merged rules wait for these.
var courses = map[string]*Course{
	"P-0103": {Story: "home oxygen, usually 89 %: quiet, by own target", Usual: spo2(89, 78), Plan: ordered(87, 92)},
	"P-0106": {Story: "cold finger: 71 %, measured again 97 %", Beats: []Beat{
		{At: 150 * time.Second, Values: Values{event.SpO2Percent: 71, event.PulsePerMin: 76}},
		{At: 195 * time.Second, Values: Values{event.SpO2Percent: 97, event.PulsePerMin: 74}},
	}, Quiet: 210 * time.Second},
	"P-0110": {Story: "86 %, and then measures no more", Beats: []Beat{
		{At: 75 * time.Second, Values: Values{event.SpO2Percent: 86, event.PulsePerMin: 92}},
	}, Stop: 76 * time.Second},
	"P-0112": {Story: "oximeter whose clock fell back to 1970: kept aside, never scored", Clock1970: 60 * time.Second},
	"P-0113": {Story: "COPD on oxygen, own target 88 to 92: from 90 to 84 % within a minute", Usual: spo2(90, 84), Plan: ordered(88, 92),
		Beats: falling(4*time.Second, 6*time.Second, spo2(90, 84), spo2(89, 88), spo2(88, 92), spo2(87, 96), spo2(86, 102), spo2(84, 108), spo2(84, 110), spo2(83, 112))},
	"P-0119": {Story: "heart failure and diabetes: glucose 2.9 mmol/L, the carer is reached and it rises", Also: true, Beats: []Beat{
		{At: 240 * time.Second, Values: Values{event.GlucoseMmolPerL: 2.9, event.PulsePerMin: 96}},
		{At: 540 * time.Second, Values: Values{event.GlucoseMmolPerL: 6.1, event.PulsePerMin: 80}},
	}, Quiet: 541 * time.Second},
	"P-0125": {Story: "a village's late upload: 186/122 of seven hours ago, which 138/84 has overtaken", Begins: 130 * time.Second, Beats: []Beat{
		{At: 130 * time.Second, Values: pressure(138, 84, 74), Ago: 6 * time.Hour},
		{At: 131 * time.Second, Values: pressure(186, 122, 88), Ago: 7 * time.Hour},
	}, Quiet: 132 * time.Second},
	"P-0126": {Story: "186/122 and again a minute later", Beats: []Beat{
		{At: 120 * time.Second, Values: pressure(186, 122, 88)}, {At: 180 * time.Second, Values: pressure(184, 121, 86)},
		{At: 260 * time.Second, Values: pressure(176, 112, 84)}, {At: 380 * time.Second, Values: pressure(168, 104, 80)},
	}, Quiet: 440 * time.Second},
	"P-0127": gatewayOut, "P-0128": gatewayOut, "P-0129": gatewayOut, "P-0130": gatewayOut, "P-0131": gatewayOut, "P-0132": gatewayOut,
	"P-0135": {Story: "fifth day after surgery: 38.6 °C", Beats: falling(90*time.Second, 120*time.Second,
		Values{event.TemperatureCel: 38.6, event.PulsePerMin: 96, event.SystolicMmHg: 122, event.DiastolicMmHg: 74},
		Values{event.TemperatureCel: 38.7, event.PulsePerMin: 98, event.SystolicMmHg: 120, event.DiastolicMmHg: 72},
		Values{event.TemperatureCel: 38.6, event.PulsePerMin: 97, event.SystolicMmHg: 121, event.DiastolicMmHg: 74})},
}

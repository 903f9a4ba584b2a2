package ingest

import "tocsin/streams/event"

// Three tiers (RULES.md, section 4): what no body can show is impossible and rejected with its bytes; what a body seldom
// shows is implausible: recorded, marked unconfirmed, and not scored until it is repeated; the rest is plausible. A value is never
// replaced by a limit. The implausible tier is wide on purpose: behind it a person is asked to measure again, behind the
// impossible one nobody is, so the impossible one begins only where the source itself gives a value up.

// A span says where the tiers of one quantity begin: below Least or above Most is impossible, below Low or above High
// implausible. All four are still within. Each row names its source and how far that was read (R read in the source, P
// our own policy, M from memory).
type span struct {
	least, low, high, most event.Decimal
	source                 string
}

func dec(s string) event.Decimal {
	d, err := event.ParseDecimal(s)
	if err != nil {
		panic(err)
	}
	return d
}

var spans = [event.Quantities]span{
	event.RespirationPerMin: {dec("0"), dec("1"), dec("60"), dec("330"), "confirm: eICU pivoted vitals 0-60 with 0 asked for again [R, P]; impossible: MIMIC-Extract outlier limit 330 [R]"},
	event.SpO2Percent:       {dec("50"), dec("70"), dec("100"), dec("100"), "below 50 rejected, 50-69 confirmed: section 4 [P]; above 100 is no saturation"},
	event.SystolicMmHg:      {dec("0"), dec("25"), dec("250"), dec("375"), "confirm: eICU non-invasive 25-250 [R]; impossible: MIMIC-Extract outlier limit 375 [R]"},
	event.DiastolicMmHg:     {dec("0"), dec("1"), dec("200"), dec("375"), "confirm: eICU non-invasive 1-200 [R]; impossible: MIMIC-Extract outlier limit 375 [R]"},
	event.PulsePerMin:       {dec("0"), dec("25"), dec("225"), dec("390"), "confirm: eICU 25-225 [R]; impossible: MIMIC-Extract outlier limit 390 [R]"},
	event.TemperatureCel:    {dec("14.2"), dec("30"), dec("43"), dec("47"), "confirm: 30-43, section 4 [P]; impossible: MIMIC-Extract outlier limits 14.2 and 47 [R]"},
	event.WeightKg:          {dec("0.2"), dec("20"), dec("250"), dec("650"), "confirm: eICU above 20, MIMIC-Extract up to 250 [R]; impossible: beyond any person weighed [P]"},
	event.GlucoseMmolPerL:   {dec("0"), dec("1.110149"), dec("33.304469"), dec("122.116388"), "confirm: 20 and 600 mg/dL to the millionth, section 4 [P]; impossible: MIMIC-Extract outlier limit 2200 mg/dL [R]"},
	event.PeakFlowLPerMin:   {dec("0"), dec("30"), dec("900"), dec("1500"), "confirm: somewhat beyond the 60-880 of a meter's scale [M, P]; impossible: beyond any blow [P]"},
	event.KetoneMmolPerL:    {dec("0"), dec("0"), dec("10"), dec("30"), "confirm: beyond the 8.0 at which meters say HI [M, P]; impossible: [P]"},

	// RULES.md is silent on sensors, flow, refill, urine, steps, pain and dialysis: those rows are our own policy, wide on purpose.
	event.SensorGlucoseMmolPerL:   {dec("0"), dec("1.110149"), dec("33.304469"), dec("122.116388"), "as capillary glucose: 20 and 600 mg/dL, MIMIC-Extract outlier limit 2200 mg/dL; sensors show less, and say LO and HI beyond [P]"},
	event.MeanPressureMmHg:        {dec("0"), dec("14"), dec("250"), dec("375"), "confirm: MIMIC-Extract valid limit 14, eICU 250 [R]; impossible: MIMIC-Extract outlier limit 375 [R]"},
	event.O2FlowLPerMin:           {dec("0"), dec("0"), dec("60"), dec("100"), "confirm: beyond what high-flow devices give [M, P]; impossible: [P]"},
	event.FiO2Percent:             {dec("20"), dec("20.9"), dec("100"), dec("100"), "impossible: MIMIC-Extract outlier limit 0.2 [R], above 100 is no fraction; confirm: its valid limit 0.21 [R], as devices print the air's 20.9 [P]"},
	event.CapillaryRefillS:        {dec("0"), dec("0"), dec("10"), dec("60"), "confirm: three times the 3 s that is long; impossible: nobody presses and counts for a minute [P]"},
	event.UrineMlPerH:             {dec("0"), dec("0"), dec("1000"), dec("5000"), "confirm: beyond the polyuria of water diuresis; none at all is a finding and no fault [P]"},
	event.StepsPerDay:             {dec("0"), dec("0"), dec("60000"), dec("250000"), "confirm: beyond a day of marching; impossible: more than two steps a second for a day and more [P]"},
	event.PainNRS:                 {dec("0"), dec("0"), dec("10"), dec("10"), "the scale goes from 0 to 10 and no further"},
	event.UltrafiltrationMlPerDay: {dec("-5000"), dec("-2000"), dec("5000"), dec("15000"), "less than nothing is fluid that was taken up; confirm and impossible: [P]"},
}

// tier is how far a value can be believed.
type tier uint8

const (
	plausible tier = iota
	implausible
	impossible
)

// judge answers the tier of a value in our unit. Codes are believed: what is no code never comes here.
func judge(q event.Quantity, v event.Decimal) tier {
	if int(q) >= len(spans) || spans[q].source == "" {
		return plausible
	}
	switch s := &spans[q]; {
	case v < s.least || v > s.most:
		return impossible
	case v < s.low || v > s.high:
		return implausible
	}
	return plausible
}

// beyondMeter answers what a glucose meter or sensor means by LO and HI: less and more than it can show. Section 4 takes them for
// below 20 and above 600 mg/dL, so they stand one millionth beyond and are unconfirmed: somebody is asked to measure
// again, and nobody in a deep hypoglycaemia goes unheard because his meter sent a word.
func beyondMeter(q event.Quantity, word []byte) (event.Decimal, bool) {
	if q != event.GlucoseMmolPerL && q != event.SensorGlucoseMmolPerL {
		return 0, false
	}
	switch string(word) {
	case "LO":
		return spans[q].low - 1, true
	case "HI":
		return spans[q].high + 1, true
	}
	return 0, false
}

// notANumber tells whether a value is one of the special values of IEEE 11073-20601, which careless senders pass on as
// if they were measured: not a number, not at this resolution, infinite, or reserved, as FLOAT (24 bits) and, where no
// body reaches them, as SFLOAT (12 bits).
func notANumber(v event.Decimal) bool {
	switch v {
	case event.Int(2047), event.Int(-2048), event.Int(2046), event.Int(-2046), event.Int(-2047),
		event.Int(2048), event.Int(2049), event.Int(2050):
		return true
	}
	return notAFloat(v)
}

// notAFloat tells whether a value is one of the special values of FLOAT alone: nothing that is measured or answered comes near.
func notAFloat(v event.Decimal) bool {
	switch v {
	case event.Int(8388607), event.Int(-8388608), event.Int(8388606), event.Int(-8388606), event.Int(-8388607),
		event.Int(8388608), event.Int(8388609), event.Int(8388610): // the same bits, read without their sign
		return true
	}
	return false
}

package ingest

import (
	"testing"

	"tocsin/streams/event"
)

// The edges of section 4, by hand: each number stands there or in signal_ranges.csv.
func TestING10_ThreeTiers(t *testing.T) {
	for _, c := range []struct {
		q                             event.Quantity
		impossible, unconfirmed, fine []string
	}{
		{event.SpO2Percent, []string{"0.97", "49.9", "100.1", "127"}, []string{"50", "69.9"}, []string{"70", "100"}},
		{event.PulsePerMin, []string{"-1", "391"}, []string{"0", "24", "226", "390"}, []string{"25", "225"}},
		{event.RespirationPerMin, []string{"-1", "331"}, []string{"0", "61"}, []string{"1", "60"}},
		{event.TemperatureCel, []string{"14.1", "47.1", "98.6"}, []string{"29.9", "43.1"}, []string{"30", "43"}},
		{event.SystolicMmHg, []string{"-1", "376"}, []string{"24", "251"}, []string{"25", "250"}},
		{event.DiastolicMmHg, []string{"-1", "376"}, []string{"0", "201"}, []string{"1", "200"}},
		{event.GlucoseMmolPerL, []string{"-0.1", "122.116389"}, []string{"1.110148", "33.30447", "122.116388"}, []string{"1.110149", "33.304469"}},
		{event.WeightKg, []string{"0", "651"}, []string{"19.9", "250.1"}, []string{"20", "250"}},
		{event.PeakFlowLPerMin, []string{"-1", "1501"}, []string{"29", "901"}, []string{"30", "900"}},
		{event.KetoneMmolPerL, []string{"-0.1", "30.1"}, []string{"10.1"}, []string{"0", "10"}},
		{event.SensorGlucoseMmolPerL, []string{"-0.1", "122.116389"}, []string{"1.110148", "33.30447"}, []string{"1.110149", "2.2", "22.2", "33.304469"}},
		{event.MeanPressureMmHg, []string{"-1", "376"}, []string{"0", "13.9", "251"}, []string{"14", "65", "250"}},
		{event.O2FlowLPerMin, []string{"-0.1", "100.1"}, []string{"60.1", "100"}, []string{"0", "60"}},
		{event.FiO2Percent, []string{"0.21", "19.9", "100.1"}, []string{"20", "20.8"}, []string{"20.9", "21", "100"}},
		{event.CapillaryRefillS, []string{"-0.1", "61"}, []string{"10.1", "60"}, []string{"0", "10"}},
		{event.UrineMlPerH, []string{"-0.1", "5001"}, []string{"1001", "5000"}, []string{"0", "1000"}},
		{event.StepsPerDay, []string{"-1", "250001"}, []string{"60001", "250000"}, []string{"0", "60000"}},
		{event.PainNRS, []string{"-1", "10.1"}, nil, []string{"0", "10"}},
		{event.UltrafiltrationMlPerDay, []string{"-5001", "15001"}, []string{"-2001", "5001"}, []string{"-2000", "0", "5000"}},
		{event.RespiratoryDistress, nil, nil, []string{"0", "3"}},
		{event.ACVPU, nil, nil, []string{"0", "4"}},
	} {
		for want, values := range map[tier][]string{impossible: c.impossible, implausible: c.unconfirmed, plausible: c.fine} {
			for _, v := range values {
				if got := judge(c.q, dec(v)); got != want {
					t.Errorf("%s of %s is in tier %d, want %d", c.q, v, got, want)
				}
			}
		}
	}
}

// A tier holds what it should: the spans lie within each other, and every number has one, with its source.
func TestING10_EveryNumberHasItsSpan(t *testing.T) {
	for q := event.NoQuantity + 1; int(q) < event.Quantities; q++ {
		s := spans[q]
		if Unit(q) == "" {
			continue
		}
		if s.source == "" || !(s.least <= s.low && s.low < s.high && s.high <= s.most) {
			t.Errorf("%s has the span %+v", q, s)
		}
	}
}

package desk

import (
	"math"
	"testing"
	"time"

	"tocsin/streams/event"
)

// aWeek is a past of which everything can be counted by hand: two patients, one of them with two packs, and a group that
// changed its pack on the way. Monday, 2 March 2026, 00:00 in +08:00 is its beginning.
func aWeek(t *testing.T) (*past, event.Time) {
	t.Helper()
	begin, err := event.ParseTime("2026-03-01T16:00:00Z")
	if err != nil {
		t.Fatal(err)
	}
	p := newPast()
	day := func(d float64) event.Time { return begin + event.Time(d*86_400_000) }
	p.groups["demo/lung"] = []used{{begin, event.GroupSet{Tenant: "demo", Group: "lung", Pack: "copd"}}}
	p.groups["demo/heart"] = []used{
		{begin, event.GroupSet{Tenant: "demo", Group: "heart", Pack: "news2"}},
		{day(4), event.GroupSet{Tenant: "demo", Group: "heart", Pack: "heart-failure"}}}
	p.place("demo", "P-0113", []string{"lung"}, day(0))
	p.place("demo", "P-0027", []string{"heart", "lung"}, day(2))

	raise := func(id, patient string, at float64, reasons ...event.Reason) {
		p.warned(event.Envelope{Subject: "demo/" + patient, At: day(at), Data: &event.AlertRaised{Alert: id, Severity: event.Medium, Reasons: reasons}})
	}
	finish := func(id string, at float64, outcome string) {
		p.warned(event.Envelope{At: day(at), Data: &event.AlertClosed{Alert: id, Outcome: outcome}})
	}
	spo2 := event.Reason{Rule: "spo2-88", Severity: event.Medium}
	diary := event.Reason{Rule: "diary", Pack: "copd", Severity: event.Low}
	weight := event.Reason{Rule: "weight-3d", Pack: "heart-failure", Severity: event.Medium}
	noted := event.Reason{Rule: "switched-off:spo2-94", Severity: event.NoSeverity}
	raise("a", "P-0113", 1, spo2, noted)
	finish("a", 1.1, event.OutcomeReal)
	raise("b", "P-0113", 2, spo2, diary)
	finish("b", 2.5, event.OutcomeUsual)
	raise("c", "P-0113", 3, diary)
	p.warned(event.Envelope{At: day(3.1), Data: &event.AlertWorsened{Alert: "c", Severity: event.High, Reasons: []event.Reason{spo2, diary}}})
	finish("c", 3.2, event.OutcomeReal)
	raise("d", "P-0113", 4, spo2) // still open
	raise("e", "P-0027", 5, weight, event.Reason{Rule: "news2", Severity: event.Medium})
	finish("e", 5.1, event.OutcomeMeasurement)
	raise("f", "P-0027", 3, event.Reason{Rule: "news2", Severity: event.Low}) // before the group changed its pack
	finish("f", 3.1, event.OutcomeUnknown)
	raise("g", "P-0113", 8, spo2) // of the week that followed
	finish("g", 8.1, event.OutcomeTechnical)
	return p, day(9)
}

func TestRUL14_OutcomesRatesAndWDOfAPackByRuleAndWeek(t *testing.T) {
	p, now := aWeek(t)
	r := p.record("copd", 8*60, now)
	n := len(r.Weeks)
	if n != keptWeeks || r.Weeks[n-1].From != now.Add(-2*24*time.Hour) || r.Weeks[n-1].To != now || r.Weeks[n-2].To-r.Weeks[n-2].From != event.Time(week.Milliseconds()) {
		t.Fatalf("weeks: %+v", r.Weeks)
	}
	// The first week: a, b, c, d of P-0113. P-0113 was there for 7 days, P-0027 (lung as well) for 5: 12 patient-days.
	first := r.Weeks[n-2]
	same(t, "the first week", first, 12, Tally{Raised: 4, Open: 1, Real: 2, Usual: 1, Judged: 3}, 2.0/3, 1.5, 100*4/12.0)
	want := map[string]Tally{
		"spo2-88": {Raised: 4, Open: 1, Real: 2, Usual: 1, Judged: 3}, // c became worse by it
		"diary":   {Raised: 2, Real: 1, Usual: 1, Judged: 2},
	}
	if len(first.Rules) != 2 {
		t.Fatalf("rules: %+v", first.Rules)
	}
	for _, got := range first.Rules {
		if w := want[got.Rule]; !counts(got.Tally, w) || got.Rule == "diary" && (*got.Share != 0.5 || *got.WD != 2) {
			t.Errorf("rule %s: %+v, want %+v", got.Rule, got.Tally, w)
		}
	}
	// The second: g alone, technical; 2 days of 2 patients are too few for a rate, and nothing was true.
	if s := r.Weeks[n-1]; !counts(s.All, Tally{Raised: 1, Technical: 1, Judged: 1}) || s.PatientDays != 4 || s.All.Per100 != nil || s.All.WD != nil || *s.All.Share != 0 {
		t.Errorf("the second week: %+v", s)
	}
	// The last 7 days begin at day 2, with b: b, c, d and g.
	same(t, "the last 7 days", r.Last7, 14, Tally{Raised: 4, Open: 1, Real: 1, Usual: 1, Technical: 1, Judged: 3}, 1.0/3, 3, 100*4/14.0)
	same(t, "the last 30 days", r.Last30, 16, Tally{Raised: 5, Open: 1, Real: 2, Usual: 1, Technical: 1, Judged: 4}, 0.5, 2, 100*5/16.0)
}

func TestRUL14_AWarningCountsForThePackThatLedThen(t *testing.T) {
	p, now := aWeek(t)
	hf := p.record("heart-failure", 8*60, now).Last30
	if !counts(hf.All, Tally{Raised: 1, Measurement: 1, Judged: 1}) || hf.PatientDays != 5 || len(hf.Rules) != 2 { // e: weight-3d by its name, news2 since the pack led
		t.Errorf("heart failure: %+v", hf)
	}
	news := p.record("news2", 8*60, now).Last30
	if !counts(news.All, Tally{Raised: 1, Unknown: 1}) || news.PatientDays != 2 || news.All.Share != nil {
		t.Errorf("news2 led the group until day 4: %+v", news)
	}
	if none := p.record("asthma", 0, now).Last30; none.All.Raised != 0 || none.PatientDays != 0 {
		t.Errorf("asthma: %+v", none)
	}
}

// counts compares the numbers that are counted, not those that follow from them.
func counts(got, want Tally) bool {
	got.Share, got.WD, got.Per100 = nil, nil, nil
	return got == want
}

func same(t *testing.T, what string, s Span, days float64, want Tally, share, wd, per100 float64) {
	t.Helper()
	near := func(p *float64, x float64) bool { return p != nil && math.Abs(*p-x) < 1e-9 }
	if !counts(s.All, want) || math.Abs(s.PatientDays-days) > 1e-9 || !near(s.All.Share, share) || !near(s.All.WD, wd) || !near(s.All.Per100, per100) {
		t.Errorf("%s: %+v over %v patient-days; want %+v over %v, share %v, W:D %v, %v per 100", what, s.All, s.PatientDays, want, days, share, wd, per100)
	}
}

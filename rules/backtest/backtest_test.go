package backtest_test

import (
	"bytes"
	"cmp"
	"encoding/csv"
	"fmt"
	"math"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"tocsin/alerts"
	"tocsin/care"
	"tocsin/rules"
	"tocsin/rules/backtest"
	"tocsin/rules/pack"
	"tocsin/streams"
	"tocsin/streams/event"
)

const (
	current = `
pack: demo
version: 1
zh: 演示
en: Demo
zone: "+08:00"
sources: {ours: {cite: "a pack for tests", evidence: P}}
signals:
  spo2_percent: {unit: "%", cadence: 24h, grace: 24h, fresh: 48h, tolerance: 4, source: ours}
  pulse_per_min: {unit: /min, fresh: 48h, tolerance: 15, source: ours}
limits:
  - {id: spo2-low, signal: spo2_percent, below: 90, severity: medium, source: ours}
  - {id: pulse-high, signal: pulse_per_min, at_least: 130, severity: medium, source: ours}
silence: {severity: low, after_grave: medium, repeat: 24h, source: ours}
confirm: {within: 30m, answer: 5m, severity: medium, source: ours}
`
	begin = event.Time(1_780_272_000_000) // 2026-06-01T00:00:00Z
	hour  = event.Time(time.Hour / time.Millisecond)
	days  = 24 * hour
)

// candidate sees falling saturation earlier and high pulses later.
func candidate() string {
	s := strings.Replace(current, "version: 1", "version: 2", 1)
	s = strings.Replace(s, "below: 90", "below: 92", 1)
	return strings.Replace(s, "at_least: 130", "at_least: 140", 1)
}

func packOf(t testing.TB, text string) backtest.Pack {
	t.Helper()
	p, err := pack.Compile(text)
	if err != nil {
		t.Fatal(err)
	}
	return backtest.Pack{ID: p.ID, Version: p.Version, Sum: p.Sum, Text: text}
}

// script is what came in, written by hand.
type script struct {
	t       testing.TB
	turns   []backtest.Turn
	seq     int
	live    func(event.Envelope) // hears a live run
	decided []event.Envelope     // by it
}

func (s *script) add(at event.Time, subject string, d event.Event) {
	s.seq++
	s.turns = append(s.turns, backtest.Turn{At: at, Input: &event.Envelope{ID: fmt.Sprint("i", s.seq), Source: "test", Subject: subject, At: at, Data: d}})
}

func (s *script) measure(at event.Time, patient string, spo2, pulse int64) {
	s.add(at, "t/"+patient, &event.ObservationRecorded{Device: "d-" + patient, MeasuredAt: at, ReceivedAt: at, Clock: event.Clock{Quality: event.ClockOK}, Door: "gateway",
		Readings: []event.Reading{{Quantity: event.SpO2Percent, Value: event.Int(spo2)}, {Quantity: event.PulsePerMin, Value: event.Int(pulse)}}})
}

// ward is six patients of one group over four days, and one of another; the days are told in TestRUL11_WhatACandidateChanges.
func ward(t testing.TB) *script {
	s := &script{t: t}
	p := packOf(t, current)
	s.add(begin, event.Everyone, &event.PackPublished{Pack: p.ID, Version: p.Version, Sum: p.Sum, Text: p.Text})
	s.add(begin, event.Everyone, &event.GroupSet{Tenant: "t", Group: "lungs", Pack: "demo"})
	s.add(begin, event.Everyone, &event.GroupSet{Tenant: "t", Group: "others", Pack: "none-such"})
	for i := 1; i <= 7; i++ {
		s.add(begin, fmt.Sprint("t/P-", i), &event.PatientEnrolled{Tenant: "t", Patient: fmt.Sprint("P-", i), Group: map[bool]string{true: "others", false: "lungs"}[i == 6]})
	}
	for d := range 4 {
		for i := 1; i <= 7; i++ {
			if i == 7 && d >= 2 {
				continue // stops after 22:00 of day 1: silent 48 hours later
			}
			s.measure(begin+event.Time(d)*days+7*hour, fmt.Sprint("P-", i), 96, 70)
			s.measure(begin+event.Time(d)*days+22*hour, fmt.Sprint("P-", i), 96, 70)
		}
	}
	s.measure(begin+1*days+10*hour, "P-1", 91, 70)
	s.measure(begin+1*days+13*hour, "P-1", 89, 70)
	s.measure(begin+2*days+9*hour, "P-2", 91, 70)
	s.measure(begin+2*days+9*hour, "P-3", 96, 135)
	s.measure(begin+2*days+8*hour, "P-4", 96, 135)
	s.measure(begin+2*days+9*hour+hour/2, "P-4", 96, 142)
	s.measure(begin+2*days+12*hour, "P-5", 85, 70)
	s.measure(begin+2*days+12*hour, "P-6", 85, 70)
	for at := begin; at < begin+4*days+hour; at += 10_000 {
		s.add(at, event.Everyone, &event.DoorOpened{Door: "gateway", ReceivedAt: at})
	}
	slices.SortStableFunc(s.turns, func(a, b backtest.Turn) int { return cmp.Compare(a.At, b.At) })
	return s
}

func parts() streams.Parts[streams.Three[rules.State, alerts.State, care.State], streams.Three[rules.Facts, alerts.Facts, care.Facts]] {
	return streams.Join([3]string{"rules", "alerts", "care"},
		streams.Machine[rules.State, rules.Facts](rules.Core{Compile: pack.Compile}),
		streams.Machine[alerts.State, alerts.Facts](alerts.Core{}), streams.Machine[care.State, care.Facts](care.Core{}))
}

// report folds a script on both sides, its patients in as many shards as asked for.
func report(t testing.TB, s *script, o backtest.Setting, shards int) *backtest.Report {
	t.Helper()
	survey := backtest.NewSurvey(rules.DefaultPack)
	for _, x := range s.turns {
		survey.Hear(*x.Input)
	}
	c := packOf(t, candidate())
	scope, err := survey.Scope(c.ID, o.Group)
	if err != nil {
		t.Fatal(err)
	}
	o.Names = [2]string{"demo version 1", c.String()}
	var all []*backtest.Shard
	for k := range shards {
		shard := backtest.NewShard(o.Span, scope, survey.InForce(), survey.InForce().With(survey, scope, c))
		for _, side := range shard.Sides {
			side.Use(streams.NewWhatIf(parts(), 0, side.Hear))
		}
		decided := s.decided
		for _, x := range s.turns {
			for len(decided) > 0 && decided[0].At < x.At {
				shard.Happened(decided[0])
				decided = decided[1:]
			}
			mine := scope.Wants(x.Input.Subject) && int(x.Input.Subject[len(x.Input.Subject)-1])%shards == k
			if x.Input.Subject != event.Everyone && !mine {
				x.Input = nil
			}
			shard.Take(x)
		}
		all = append(all, shard)
	}
	return backtest.Sum(o, scope.Groups, all)
}

func setting() backtest.Setting {
	return backtest.Setting{Span: backtest.Span{From: begin + days, To: begin + 4*days}, Tolerance: backtest.DefaultTolerance, Lead: 24 * time.Hour, Source: "test"}
}

// TestRUL11_WhatACandidateChanges: patient by patient, what the current pack (saturation below 90, pulse from 130) and the candidate
// (below 92, from 140) say of the days 1 to 3.
//
//	P-1  91 % at 10:00, 89 % at 13:00 of day 1      the candidate is three hours earlier
//	P-2  91 % once on day 2                         new
//	P-3  pulse 135 once on day 2                    lost
//	P-4  pulse 135 at 8:00, 142 at 9:30 of day 2    an hour and a half later
//	P-5  85 % on day 2                              the same
//	P-6  85 %, in another group                     is not counted
//	P-7  nothing after 22:00 of day 1               both tell the silence 48 hours later
func TestRUL11_WhatACandidateChanges(t *testing.T) {
	o := setting()
	o.HasLabels, o.Labels = true, []backtest.Label{
		{Patient: "t/P-1", Onset: begin + days + 20*hour, Outcome: "admission"}, {Patient: "P-5", Onset: begin + 2*days + 18*hour, Outcome: "admission"}, {Patient: "P-99", Onset: begin + 2*days}}
	r := report(t, ward(t), o, 1)
	want := map[string]string{"t/P-1": "earlier -3h0m0s", "t/P-2": "new", "t/P-3": "lost", "t/P-4": "later 1h30m0s", "t/P-5": "same 0s", "t/P-7": "same 0s"}
	for _, p := range r.Pairs {
		i, said := p.Candidate, string(p.Kind())
		w := r.Sides[1].Warnings
		if i < 0 {
			i, w = p.Against, r.Sides[0].Warnings
		}
		if p.Against >= 0 && p.Candidate >= 0 {
			said += " " + p.Shift.String()
		}
		if want[w[i].Patient] != said {
			t.Errorf("%s: %s, want %q", w[i].Patient, said, want[w[i].Patient])
		}
		delete(want, w[i].Patient)
	}
	if len(want) > 0 {
		t.Errorf("nothing was said of %v", want)
	}
	if math.Abs(r.Days-18) > 1e-9 || r.Patients != 6 { // six patients, three days
		t.Errorf("%g patient-days of %d patients", r.Days, r.Patients)
	}
	for k, wants := range []struct {
		rules    map[string]int
		medium   int
		judged   int
		leads    []time.Duration
		area     float64
		per100   float64
		truthful int
	}{
		{map[string]int{"spo2-low": 2, "pulse-high": 2, "silence": 1}, 4, 4, []time.Duration{6 * time.Hour, 7 * time.Hour}, 29.5 / 39, 500.0 / 18, 2},
		{map[string]int{"spo2-low": 3, "pulse-high": 1, "silence": 1}, 4, 4, []time.Duration{6 * time.Hour, 10 * time.Hour}, 29.5 / 39, 500.0 / 18, 2},
	} {
		s := r.Sides[k]
		if !reflect.DeepEqual(s.Rules, wants.rules) || s.Severity[event.Medium] != wants.medium || s.Severity[event.Low] != 1 || s.Failed != 0 {
			t.Errorf("side %d: rules %v, severities %v, failed %v", k, s.Rules, s.Severity, s.Faults)
		}
		if math.Abs(r.Per100(len(s.Warnings))-wants.per100) > 1e-9 {
			t.Errorf("side %d: %g per 100 patient-days", k, r.Per100(len(s.Warnings)))
		}
		// Of 18 days 2 come soon after an onset; 3 of the rest come before one: P-1 day 1, P-5 days 1 and 2.
		tr := s.Truth
		if tr.Warnings != wants.judged || tr.True != wants.truthful || tr.Outcomes != 2 || !slices.Equal(tr.Leads, wants.leads) || tr.Days != 16 || tr.Risky != 3 || math.Abs(tr.Area-wants.area) > 1e-9 {
			t.Errorf("side %d: %+v", k, *tr)
		}
	}
	if len(r.Left) != 1 || !strings.HasPrefix(r.Left[0], "P-99") {
		t.Errorf("left out: %v", r.Left)
	}
}

// However the patients are shared out, the numbers are the same.
func TestRUL11_ShardsChangeNothing(t *testing.T) {
	s := ward(t)
	one := report(t, s, setting(), 1)
	for _, n := range []int{2, 5} {
		if got := report(t, s, setting(), n); !reflect.DeepEqual(got.Pairs, one.Pairs) || !reflect.DeepEqual(got.Sides[1].Warnings, one.Sides[1].Warnings) ||
			!reflect.DeepEqual(got.Kinds, one.Kinds) || got.Days != one.Days {
			t.Errorf("%d shards: %v, one: %v", n, got.Kinds, one.Kinds)
		}
	}
}

// A warning that live did not have does not stay open for ever, swallowing what comes after it; what people did about a live one
// goes to the one that stands for it.
func TestRUL11_TheDeskAnswersWhatLiveDidNotHave(t *testing.T) {
	s := ward(t)
	s.measure(begin+3*days+9*hour, "P-2", 91, 70) // again 91 %, a day after the first
	slices.SortStableFunc(s.turns, func(a, b backtest.Turn) int { return cmp.Compare(a.At, b.At) })
	r := report(t, s, setting(), 1)
	n := 0
	for _, w := range r.Sides[1].Warnings {
		if w.Patient == "t/P-2" {
			n++
		}
	}
	if n != 2 || r.Kinds[backtest.New] != 2 {
		t.Errorf("91 %% on two days is two warnings of the candidate alone: %d, %v", n, r.Kinds)
	}
}

// Live raised P-1 at 13:00, and a nurse took and closed it; the candidate had raised it at 10:00. The nurse's clicks close the
// candidate's, so that what comes later is a warning on both sides, and her outcome counts for both.
func TestRUL11_WhatPeopleDidGoesToTheWarningThatStandsForIt(t *testing.T) {
	s := ward(t)
	s.measure(begin+10*hour, "P-1", 91, 70)       // an episode more on the candidate's side, so that ids differ from here on
	s.measure(begin+days+16*hour, "P-1", 89, 150) // something more after the nurse's close: told again, as it was closed
	s.measure(begin+2*days+10*hour, "P-1", 88, 70)
	slices.SortStableFunc(s.turns, func(a, b backtest.Turn) int { return cmp.Compare(a.At, b.At) })
	alert := raisedFirst(t, s, "t/P-1")
	r := event.Request{Alert: alert, By: "nurse-a", Role: "nurse"}
	s.add(begin+days+14*hour, "t/P-1", &event.AcceptRequested{Request: r})
	s.add(begin+days+14*hour+500, "t/P-1", &event.ContactRequested{Request: r, Whom: event.ContactPatient, Outcome: event.Reached}) // so that a close needs no word of a contact
	s.add(begin+days+14*hour+1000, "t/P-1", &event.CloseRequested{Request: r, Outcome: event.OutcomeUnknown})
	s.add(begin+days+15*hour, "t/P-1", &event.OutcomeRequested{Request: r, Outcome: event.OutcomeReal})
	slices.SortStableFunc(s.turns, func(a, b backtest.Turn) int { return cmp.Compare(a.At, b.At) })

	var live []event.Envelope
	s.live = func(e event.Envelope) { live = append(live, e) }
	raisedFirst(t, s, "t/P-1")
	s.decided = live
	got := report(t, s, setting(), 1)
	if len(got.Live) != 6 || !reflect.DeepEqual(got.Live, got.Sides[0].Warnings) {
		t.Errorf("live\n%+v\nagainst\n%+v", got.Live, got.Sides[0].Warnings)
	}
	for k, s := range got.Sides {
		real := 0
		for _, w := range s.Warnings {
			if w.Patient == "t/P-1" && w.Outcome == event.OutcomeReal {
				real++
			}
		}
		if n := len(s.Warnings); n != 6 || real != 1 || s.Truth.True != 1 {
			t.Errorf("side %d: %d warnings, %d of P-1 real, %+v", k, n, real, s.Truth)
		}
	}
}

// raisedFirst answers the id of the patient's first warning in a live run of the script.
func raisedFirst(t testing.TB, s *script, patient string) (alert string) {
	t.Helper()
	w := streams.NewWhatIf(parts(), 0, func(e event.Envelope) {
		if d, ok := e.Data.(*event.AlertRaised); ok && e.Subject == patient && alert == "" {
			alert = d.Alert
		}
		if s.live != nil {
			s.live(e)
		}
	})
	for _, x := range s.turns {
		w.Input(*x.Input, x.At)
	}
	return alert
}

func TestRUL11_AGroupThatNamesAnotherPackUsesTheCandidate(t *testing.T) {
	o := setting()
	o.Group = "others"
	r := report(t, ward(t), o, 1)
	if len(r.Sides[0].Warnings) != 0 || len(r.Sides[1].Warnings) != 1 || r.Sides[1].Warnings[0].Patient != "t/P-6" || r.Patients != 1 {
		t.Errorf("%+v", r.Sides)
	}
	survey := backtest.NewSurvey(rules.DefaultPack)
	if _, err := survey.Scope("demo", "no-such"); err == nil || !strings.Contains(err.Error(), "no-such") {
		t.Errorf("an unknown group: %v", err)
	}
}

func TestMatchTakesTheNearestOnce(t *testing.T) {
	at := func(hours ...float64) (all []backtest.Warning) {
		for _, h := range hours {
			all = append(all, backtest.Warning{Patient: "t/P-1", Problem: event.Deterioration, At: event.Time(h * float64(hour))})
		}
		return all
	}
	for name, c := range map[string]struct {
		against, candidate []float64
		want               string
	}{
		"two near one":         {[]float64{10}, []float64{8, 11}, "new later"},
		"one near two":         {[]float64{8, 11}, []float64{10}, "lost earlier"},
		"beyond the tolerance": {[]float64{10}, []float64{35}, "lost new"},
		"at the tolerance":     {[]float64{10}, []float64{34}, "later"},
		"within a minute":      {[]float64{10}, []float64{10.01}, "same"},
		"nothing at all":       {nil, nil, ""},
	} {
		var said []string
		for _, p := range backtest.Match(at(c.against...), at(c.candidate...), 24*time.Hour) {
			said = append(said, string(p.Kind()))
		}
		if got := strings.Join(said, " "); got != c.want {
			t.Errorf("%s: %q, want %q", name, got, c.want)
		}
	}
}

func TestLabelsTellEveryFaultWithItsLine(t *testing.T) {
	all, err := backtest.ReadLabels(strings.NewReader("patient,onset,outcome\nP-1,2026-06-01T10:00:00+08:00,admission\nP-2,yesterday,\n,2026-06-01T10:00:00Z,x\n"))
	if len(all) != 1 || all[0].Onset != begin+2*hour || err == nil || !strings.Contains(err.Error(), "line 3") || !strings.Contains(err.Error(), "line 4") {
		t.Errorf("%+v, %v", all, err)
	}
	if _, err := backtest.ReadLabels(strings.NewReader("patient,when\n")); err == nil || !strings.Contains(err.Error(), "onset") {
		t.Errorf("a missing column: %v", err)
	}
}

// The page stands by itself and says what it shows in both languages; table and sheets have the same numbers.
func TestRUL11_TableSheetsAndPage(t *testing.T) {
	o := setting()
	o.HasLabels, o.Labels = true, []backtest.Label{{Patient: "P-1", Onset: begin + days + 20*hour}}
	r := report(t, ward(t), o, 1)
	r.Sides[1].Rules["<script>alert(1)</script>"] = 1
	for _, lang := range []string{"zh", "en", "both"} {
		var page bytes.Buffer
		if err := r.Page(&page, lang); err != nil {
			t.Fatal(err)
		}
		text := page.String()
		for _, never := range []string{"<script", "http://", "https://", "src=", "url(", "@import", "ZgotmplZ"} {
			if strings.Contains(text, never) {
				t.Errorf("%s: the page has %q", lang, never)
			}
		}
		if n := strings.Count(text, "<svg"); n != 6 || strings.Count(text, "</svg>") != n {
			t.Errorf("%s: %d pictures", lang, n)
		}
		if strings.Contains(text, "回测") != (lang != "en") || strings.Contains(text, "Backtest") != (lang != "zh") {
			t.Errorf("%s: the wrong language", lang)
		}
	}
	var table, sheet bytes.Buffer
	if err := r.Table(&table); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"18.0 patient-days", "27.78 (5)", "spo2-low", "earlier", "median 3.0 h", "25.0 % (1 of 4)"} {
		if !strings.Contains(table.String(), want) {
			t.Errorf("%q is not in\n%s", want, table.String())
		}
	}
	if err := r.WarningsCSV(&sheet); err != nil {
		t.Fatal(err)
	}
	rows, err := csv.NewReader(&sheet).ReadAll()
	if err != nil || len(rows) != 7 || rows[1][0] != "t/P-1" || rows[1][2] != "earlier" || rows[1][3] != "-10800" {
		t.Errorf("%v, %v", rows, err)
	}
}

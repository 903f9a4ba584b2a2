package desk

import (
	"encoding/json"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"tocsin/streams"
	"tocsin/streams/event"
)

// lived is one warning as the reference knows it: the story, not the fold.
type lived struct {
	id, patient, group, outcome      string
	severity                         event.Severity
	rules                            []string
	raised, accepted, reached, ended event.Time // 0: did not happen
	duty                             []string
	shelved                          string
}

// aHospital is nine weeks of made-up warnings, and the same as a past has folded them.
func aHospital(seed uint64) (p *past, all []lived, now event.Time, days map[string][][2]event.Time) {
	rng := rand.New(rand.NewPCG(seed, 0))
	now, _ = event.ParseTime("2026-03-18T09:30:00Z")
	begin := now.Add(-60 * 24 * time.Hour)
	p = newPast()
	days = map[string][][2]event.Time{}
	groups := []string{"lung", "heart"}
	for i, g := range groups {
		p.groups["demo/"+g] = []used{{begin, event.GroupSet{Tenant: "demo", Group: g, Pack: []string{"copd", "heart-failure"}[i]}}}
	}
	of := map[string]string{}
	for i := range 12 {
		patient, g, at := fmt.Sprintf("P-%02d", i), groups[i%2], begin+event.Time(rng.IntN(86_400_000))
		of[patient] = g
		p.place("demo", patient, []string{g}, at)
		if i == 3 { // left for a week, and came back
			left, back := begin.Add(20*24*time.Hour), begin.Add(27*24*time.Hour)
			p.warned(event.Envelope{Subject: "demo/" + patient, At: left, Data: &event.PatientLeft{}})
			p.warned(event.Envelope{Subject: "demo/" + patient, At: back, Data: &event.PatientResumed{}})
			days["demo/"+g] = append(days["demo/"+g], [2]event.Time{at, left}, [2]event.Time{back, now})
			continue
		}
		days["demo/"+g] = append(days["demo/"+g], [2]event.Time{at, now})
	}
	outcomes := []string{event.OutcomeReal, event.OutcomeUsual, event.OutcomeMeasurement, event.OutcomeTechnical, event.OutcomeUnknown, event.OutcomeLeft}
	for i := range 400 {
		w := lived{id: fmt.Sprint("w", i), patient: fmt.Sprintf("P-%02d", rng.IntN(12)), raised: begin + event.Time(2*86_400_000+rng.Int64N(58*86_400_000)), severity: event.Severity(1 + rng.IntN(4))}
		if i > 340 { // a storm
			w.raised = now.Add(-3*24*time.Hour) + event.Time(rng.IntN(1_200_000))
			w.duty = []string{"nurse-a", "nurse-b"}[:1+rng.IntN(2)]
		}
		w.group = "demo/" + of[w.patient]
		pack := map[string]string{"demo/lung": "copd", "demo/heart": "heart-failure"}[w.group]
		var reasons []event.Reason
		for _, r := range []string{"spo2-88", "weight-3d", "diary"}[:1+rng.IntN(3)] {
			w.rules = append(w.rules, pack+"/"+r)
			reasons = append(reasons, event.Reason{Rule: r, Severity: w.severity})
		}
		tell := func(at event.Time, d event.Event) {
			p.warned(event.Envelope{Subject: "demo/" + w.patient, At: at, Data: d})
		}
		later := func(most int64) event.Time { return w.raised + event.Time(1000+rng.Int64N(most)) }
		tell(w.raised, &event.AlertRaised{Alert: w.id, Severity: w.severity, Reasons: reasons, OnDuty: w.duty})
		if rng.IntN(5) > 0 {
			w.accepted = later(600_000)
			tell(w.accepted, &event.AlertAccepted{Alert: w.id})
			tell(w.accepted+500_000, &event.AlertAccepted{Alert: w.id}) // given back and taken again
		}
		if w.accepted != 0 && rng.IntN(3) > 0 {
			w.reached = w.accepted + event.Time(rng.IntN(900_000))
			tell(w.accepted, &event.AlertContacted{Alert: w.id, Outcome: event.NoAnswer})
			tell(w.reached, &event.AlertContacted{Alert: w.id, Outcome: event.Reached})
		}
		if rng.IntN(8) == 0 {
			w.shelved = []string{"a visit is on its way", "the doctor waits"}[rng.IntN(2)]
			tell(w.raised+5, &event.AlertShelved{Alert: w.id, Reason: w.shelved})
		}
		if rng.IntN(6) > 0 {
			w.ended, w.outcome = w.raised+event.Time(2_000_000+rng.IntN(100_000_000)), outcomes[rng.IntN(len(outcomes))]
			if w.ended < now {
				tell(w.ended, &event.AlertClosed{Alert: w.id, Outcome: w.outcome})
			} else {
				w.ended, w.outcome = 0, ""
			}
		}
		all = append(all, w)
	}
	return p, all, now, days
}

// TestRUL14_ALR15_TheQualityOfEachWeekIsWhatTheWarningsWere: shares, intervals, rates, times, talkers, floods and shelvings of each week,
// of everybody and of one group, are what counting the warnings one by one gives.
func TestRUL14_ALR15_TheQualityOfEachWeekIsWhatTheWarningsWere(t *testing.T) {
	for seed := range uint64(5) {
		p, all, now, days := aHospital(seed)
		for _, of := range []string{"", "demo/lung"} {
			q := p.quality(of, now)
			if len(q.Weeks) != keptWeeks {
				t.Fatalf("%d weeks", len(q.Weeks))
			}
			floods := 0
			for _, got := range q.Weeks {
				if from := got.From.Std().In(time.FixedZone("", weekZoneMin*60)); from.Weekday() != time.Monday || from.Hour()+from.Minute() != 0 {
					t.Fatalf("a week begins %s", from)
				}
				var mine []lived
				shelved := map[string]int{}
				for _, w := range all {
					if of != "" && w.group != of {
						continue
					}
					if w.raised >= got.From && w.raised < got.To {
						mine = append(mine, w)
					}
					if at := w.raised + 5; w.shelved != "" && at >= got.From && at < got.From.Add(week) {
						shelved[w.shelved]++
					}
				}
				sum := 0.0
				for g, spans := range days {
					for _, s := range spans {
						if of == "" || g == of {
							sum += float64(max(0, min(s[1], got.To)-max(s[0], got.From))) / dayMs
						}
					}
				}
				if math.Abs(sum-got.PatientDays) > 1e-9 {
					t.Errorf("seed %d, %s, %q: %v patient-days, want %v", seed, got.From, of, got.PatientDays, sum)
				}
				sameLine(t, got.All, mine, sum)
				for _, lines := range [][]QualityLine{got.Severities, got.Groups, got.Rules} {
					for _, l := range lines {
						sameLine(t, l, slices.DeleteFunc(slices.Clone(mine), func(w lived) bool {
							return w.severity.String() != l.Name && w.group != l.Name && !slices.Contains(w.rules, l.Name)
						}), -1)
					}
				}
				for _, s := range got.Shelved {
					if shelved[s.Reason] != s.N {
						t.Errorf("shelved %q %d times, want %d", s.Reason, s.N, shelved[s.Reason])
					}
				}
				if len(got.Shelved) != len(shelved) {
					t.Errorf("shelved %+v, want %+v", got.Shelved, shelved)
				}
				floods += len(got.Load.Floods)
				sameLoad(t, got, mine)
			}
			if of == "" && floods == 0 {
				t.Error("no week had its flood: nothing was tried")
			}
		}
	}
}

func sameLine(t *testing.T, got QualityLine, mine []lived, days float64) {
	t.Helper()
	n := map[string]int{}
	var accept, contact, closed []float64
	still := func(list *[]float64, raised, at, ended event.Time) {
		if at != 0 {
			*list = append(*list, float64(at-raised))
		} else if ended == 0 {
			*list = append(*list, math.Inf(1))
		}
	}
	for _, w := range mine {
		n[w.outcome]++
		still(&accept, w.raised, w.accepted, w.ended)
		still(&contact, w.raised, w.reached, w.ended)
		still(&closed, w.raised, w.ended, 0)
	}
	want := Tally{Raised: len(mine), Open: n[""], Real: n[event.OutcomeReal], Usual: n[event.OutcomeUsual], Measurement: n[event.OutcomeMeasurement],
		Technical: n[event.OutcomeTechnical], Unknown: n[event.OutcomeUnknown], Ended: n[event.OutcomeLeft]}
	want.Judged = want.Real + want.Usual + want.Measurement + want.Technical
	if !counts(got.Tally, want) {
		t.Errorf("%q: %+v, want %+v", got.Name, got.Tally, want)
	}
	if (want.Judged == 0) != (got.Share == nil) || got.Share != nil && math.Abs(*got.Share*float64(want.Judged)-float64(want.Real)) > 1e-9 {
		t.Errorf("%q: share %v of %+v", got.Name, got.Share, want)
	}
	if got.Share != nil { // the ends of Wilson's interval are where a share would lie just 1.96 of its own deviations away
		for _, end := range []float64{*got.ShareLow, *got.ShareHigh} {
			if off := math.Abs(*got.Share-end) - 1.959963984540054*math.Sqrt(end*(1-end)/float64(want.Judged)); math.Abs(off) > 1e-9 {
				t.Errorf("%q: %d of %d gives %v to %v", got.Name, want.Real, want.Judged, *got.ShareLow, *got.ShareHigh)
			}
		}
	}
	if days >= leastPatientDays && (got.Per100 == nil || math.Abs(*got.Per100-100*float64(len(mine))/days) > 1e-9) || days >= 0 && days < leastPatientDays && got.Per100 != nil {
		t.Errorf("%q: %v per 100 patient-days of %v", got.Name, got.Per100, days)
	}
	for _, x := range []struct {
		what string
		took Took
		list []float64
	}{{"accept", got.Accept, accept}, {"contact", got.Contact, contact}, {"close", got.Close, closed}} {
		for percent, ms := range map[float64]*int64{50: x.took.MedianMs, 90: x.took.P90Ms} {
			if want := smallest(x.list, percent); math.IsInf(want, 1) != (ms == nil) || ms != nil && float64(*ms) != want {
				t.Errorf("%q: time to %s at %v %%: %v, want %v", got.Name, x.what, percent, ms, want)
			}
		}
		if x.took.N+x.took.Waiting != len(x.list) {
			t.Errorf("%q: time to %s: %+v of %d", got.Name, x.what, x.took, len(x.list))
		}
	}
}

// smallest answers the smallest value that at least so many percent do not exceed.
func smallest(list []float64, percent float64) float64 {
	best := math.Inf(1)
	for _, v := range list {
		below := 0
		for _, x := range list {
			if x <= v {
				below++
			}
		}
		if float64(below)*100 >= percent*float64(len(list)) {
			best = min(best, v)
		}
	}
	return best
}

func sameLoad(t *testing.T, got QualityWeek, mine []lived) {
	t.Helper()
	flooded, pieces, most := 0, 0, 0.0
	for from := got.From; from < got.To; from = from.Add(10 * time.Minute) {
		pieces++
		n, who := 0, map[string]bool{}
		for _, w := range mine {
			if w.raised >= from && w.raised < from.Add(10*time.Minute) {
				n++
				for _, a := range w.duty {
					who[a] = true
				}
			}
		}
		each := float64(n) / float64(max(1, len(who)))
		most = max(most, each)
		in := slices.ContainsFunc(got.Load.Floods, func(f Flood) bool { return f.From <= from && from < f.To })
		if each > 10 {
			flooded++
		}
		if in != (each > 10) {
			t.Errorf("at %s %d warnings for %d operators: flood %v", from, n, len(who), in)
		}
	}
	if got.Load.Most != most || math.Abs(got.Load.FloodShare-float64(flooded)/float64(pieces)) > 1e-12 {
		t.Errorf("%s: %+v; want most %v, %d of %d in flood", got.From, got.Load, most, flooded, pieces)
	}
}

// TestRUL14_EveryDeskTellsTheSame: another desk, that has read the same log, gives the same bytes; an unknown group is none, and
// who sees no patients sees no names of those who have many warnings.
func TestRUL14_EveryDeskTellsTheSame(t *testing.T) {
	h := open(t)
	h.enrol("P-0113", "copd")
	lead := h.as("lead", "lead-a")
	h.measure("P-0113", 84)
	h.until("the warning is there", func() bool { return len(lead.warnings("open")) == 1 })
	if status, _, p := lead.click("accept", lead.warnings("open")[0].ID, "k", nil); status != 200 {
		t.Fatal(p)
	}
	now := time.Now()
	ask := func(st *station) (q Quality, raw string) {
		b := h.browser(st.url)
		b.token = lead.token
		h.until("the log has been read", func() bool {
			q = Quality{}
			_, raw = b.do("GET", "/v1/quality", nil, &q)
			w := q.Weeks[len(q.Weeks)-1]
			return q.Complete && w.All.Raised == 1 && w.All.Accept.N == 1
		})
		return q, raw
	}
	fixed := func(o *Options) { o.Now = func() time.Time { return now } }
	_, one := ask(h.openDesk(fixed))
	_, two := ask(h.openDesk(fixed))
	if one != two {
		t.Errorf("two desks:\n%s\n%s", one, two)
	}
	if status, raw := lead.do("GET", "/v1/quality?tenant=demo&group=none", nil, nil); status != 404 {
		t.Errorf("a group that is none: %d %s", status, raw)
	}
	if status, raw := h.as("auditor", "auditor-a").do("GET", "/v1/quality", nil, nil); status != 403 {
		t.Errorf("the auditor: %d %s", status, raw)
	}
	var q Quality
	if err := json.Unmarshal([]byte(one), &q); err != nil || q.Weeks[keptWeeks-1].Groups[0].Name != streams.PatientKey("demo", "copd") {
		t.Errorf("%v %s", err, one)
	}
}

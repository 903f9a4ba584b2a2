package alerts

import (
	"reflect"
	"testing"

	"pgregory.net/rapid"

	"tocsin/streams/event"
)

// knows folds what concerns everyone, as the processor does.
func knows(t interface{ Fatal(...any) }, f Facts, all ...event.Event) Facts {
	for _, d := range all {
		next, err := (Core{}).Common(f, event.Envelope{ID: "x", Subject: event.Everyone, Data: d}, start)
		if err != nil {
			t.Fatal(err)
		}
		f = next
	}
	return f
}

func enrolled(t *testing.T, f Facts) *play {
	p := newPlay("demo/P-0113")
	p.facts = f
	p.step(start, p.input("", &event.PatientEnrolled{Tenant: "demo", Patient: "P-0113", Group: "copd"}))
	return p
}

// A group's policy beats the tenant's, which beats the table. Another tenant's is nobody's business, and what is open keeps the
// policy by which it was raised.
func TestALR7_PoliciesAreData(t *testing.T) {
	policy := func(tenant, group, to string) *event.PolicySet {
		return &event.PolicySet{Tenant: tenant, Group: group, Severity: event.High, Policy: event.Policy{ID: group + "/high", Version: 2, Steps: []event.PolicyStep{{To: to, AnswerMs: 60_000}}}}
	}
	raised := func(f Facts) *event.AlertRaised {
		return do(t, enrolled(t, f), start+1, "score deterioration high")[0].Data.(*event.AlertRaised)
	}
	var f Facts
	for _, c := range []struct {
		add  event.Event
		want string
	}{
		{policy("other", "", "them"), "nurse"}, {policy("demo", "heart", "heart-nurse"), "nurse"}, {policy("demo", "", "ward"), "ward"},
		{policy("demo", "copd", "lung-nurse"), "lung-nurse"}, {policy("demo", "copd", "lung-nurse-2"), "lung-nurse-2"},
	} {
		f = knows(t, f, c.add)
		d := raised(f)
		if got := Asked(d.Policy, d.Level); got != c.want {
			t.Errorf("%+v: asks %s", c.add, got)
		}
		if c.want != "nurse" && d.AnswerBy != start+1+60_000 {
			t.Errorf("%s has until %s", c.want, d.AnswerBy)
		}
	}
	p := enrolled(t, knows(t, Facts{}, policy("demo", "copd", "first")))
	do(t, p, start+1, "score deterioration high")
	p.facts = knows(t, p.facts, policy("demo", "copd", "second"))
	if said := do(t, p, p.state.Open[0].AnswerBy, "wait"); said[0].Data.(*event.AlertEscalated).To != "first" {
		t.Errorf("what was open now asks %+v", said[0].Data)
	}
}

// hours is a rota by hours from the start; an hour that nobody is named for is a gap.
func hours(step string, accounts ...string) *event.RotaSet {
	r := &event.RotaSet{Rota: event.Rota{Tenant: "demo", Step: step}}
	for i, a := range accounts {
		if a != "" {
			from := start + event.Time(i)*60*minute
			r.Spans = append(r.Spans, event.OnDuty{From: from, Until: from + 60*minute, Accounts: []string{a}})
		}
	}
	return r
}

// Whoever is on duty is asked by name. A step for which nobody is on duty is passed over at once and raised as a fault of the
// rota; when nobody is on duty for any, the last step is asked all the same.
func TestALR7_ALR10_AStepWithNobodyOnDutyIsPassedOver(t *testing.T) {
	f := knows(t, Facts{}, hours("nurse", "nurse-a", "", "nurse-b"), hours("doctor-1", "doctor-1a", "doctor-1b"))
	for hour, want := range []struct {
		to     string
		onDuty []string
		kinds  string
	}{
		{"nurse", []string{"nurse-a"}, "alert.raised"},
		{"doctor-1", []string{"doctor-1b"}, "alert.raised technical.fault alert.raised"},
		{"nurse", []string{"nurse-b"}, "alert.raised"},
		{"doctor-2", nil, "alert.raised technical.fault alert.raised"}, // no rota says who that is
	} {
		p := enrolled(t, f)
		said := do(t, p, start+event.Time(hour)*60*minute, "score deterioration high")
		d := said[0].Data.(*event.AlertRaised)
		if got := Asked(d.Policy, d.Level); got != want.to || !reflect.DeepEqual(d.OnDuty, want.onDuty) || types(said) != want.kinds {
			t.Errorf("hour %d: %s %v, %s", hour, got, d.OnDuty, types(said))
		}
	}
	none := knows(t, f, hours("doctor-2", ""), hours("duty-office", ""))
	p := enrolled(t, none)
	said := do(t, p, start+10*60*minute, "score deterioration high")
	if d := said[0].Data.(*event.AlertRaised); Asked(d.Policy, d.Level) != "duty-office" || d.AnswerBy <= p.now {
		t.Errorf("with nobody on duty it asks %s", Asked(d.Policy, d.Level))
	}
}

// Whatever rotas and policies say, an open warning has a deadline ahead and somebody whom it asks.
func TestALR7_NoRotaStalls(t *testing.T) {
	steps := []string{"", "nurse", "doctor-1", "nobody"}
	rapid.Check(t, func(t *rapid.T) {
		policy := event.Policy{ID: "x", Version: 1}
		for range rapid.IntRange(0, 4).Draw(t, "steps") {
			policy.Steps = append(policy.Steps, event.PolicyStep{To: rapid.SampledFrom(steps).Draw(t, "to"), AnswerMs: rapid.Int64Range(-1, 3*minute).Draw(t, "ms")})
		}
		f := knows(t, Facts{}, &event.PolicySet{Tenant: "demo", Severity: event.High, Policy: policy})
		for _, step := range steps[1:] {
			if rapid.Bool().Draw(t, "rota") {
				f = knows(t, f, hours(step, rapid.SliceOfN(rapid.SampledFrom([]string{"", "a"}), 0, 4).Draw(t, step)...))
			}
		}
		p := newPlay("demo/P-0113")
		p.facts = f
		p.step(start, p.input("", &event.PatientEnrolled{Tenant: "demo", Patient: "P-0113", Group: "copd"}))
		e, err := read(fields("score deterioration high"), p)
		if err != nil {
			t.Fatal(err)
		}
		p.step(start+1, e)
		for range 12 {
			w := p.state.Open[p.state.open(event.Deterioration)]
			if w.AnswerBy <= p.now || w.AnswerBy == event.Never || w.asks() == "" {
				t.Fatalf("at %s it asks %q until %s", p.now, w.asks(), w.AnswerBy)
			}
			p.step(w.AnswerBy, nil)
		}
	})
}

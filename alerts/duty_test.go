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

// At the end of a shift what its people have is to be taken by name: it stays theirs until then, another of the next shift takes it
// or they do anew, and what nobody takes asks the next step. Who is on no rota hands nothing over.
func TestALR16_WhatAShiftLeavesIsTakenByName(t *testing.T) {
	f := knows(t, Facts{}, hours("nurse", "nurse-a", "nurse-b", "nurse-b"))
	taken := func(who string) *play {
		p := enrolled(t, f)
		do(t, p, start+50*minute, "score deterioration medium")
		do(t, p, start+51*minute, "accept "+who+"/nurse w1")
		return p
	}
	due := func(p *play) *event.AlertHandoverDue {
		said := do(t, p, start+60*minute, "wait")
		if types(said) != "alert.handover_due" {
			t.Fatalf("at the end of the shift came %q", types(said))
		}
		return said[0].Data.(*event.AlertHandoverDue)
	}
	p := taken("nurse-a")
	if d := due(p); d.From != "nurse-a" || d.To != "nurse" || !reflect.DeepEqual(d.OnDuty, []string{"nurse-b"}) || d.AnswerBy != start+75*minute {
		t.Errorf("%+v", d)
	}
	if w := p.state.Open[0]; w.Owner != "nurse-a" || !w.Handover || w.Phase != Accepted {
		t.Errorf("%+v", w)
	}
	do(t, p, start+61*minute, "contact nurse-a/nurse w1 whom=patient result=reached")
	if by := p.state.Open[0].AnswerBy; by != start+75*minute {
		t.Errorf("a call after the shift moved the deadline to %s", by)
	}
	if got := types(do(t, p, start+62*minute, "accept nurse-b/nurse w1")); got != "alert.accepted" {
		t.Errorf("the next shift: %s", got)
	}
	if w := p.state.Open[0]; w.Owner != "nurse-b" || w.Was != "nurse-a" || w.Handover || w.Phase != InCare {
		t.Errorf("%+v", w)
	}
	if said := do(t, p, start+179*minute, "wait"); types(said) != "" {
		t.Errorf("within her two shifts came %s", types(said))
	}
	if said := do(t, p, start+180*minute, "wait"); types(said) != "alert.handover_due technical.fault alert.raised" { // and nobody is on duty then
		t.Errorf("at the end of both came %s", types(said))
	}

	p = taken("nurse-a")
	due(p)
	if said := do(t, p, start+75*minute, "wait"); types(said) != "alert.escalated" || said[0].Data.(*event.AlertEscalated).Why != "not_handed_over" {
		t.Errorf("untaken: %s", types(said))
	}
	p = taken("nurse-a")
	due(p)
	if got := types(do(t, p, start+61*minute, "accept nurse-a/nurse w1")); got != "alert.accepted" || p.state.Open[0].Handover {
		t.Errorf("who stays on: %s", got)
	}
	if p = taken("doctor-z"); types(do(t, p, start+100*minute, "wait")) != "" {
		t.Error("who is on no rota handed over")
	}
}

// Whatever makes a warning ask, it names who is on duty then, and the step whose duty that is.
func TestALR10_WhoeverIsAskedIsOnDutyThen(t *testing.T) {
	asked := func(p *play, step, who string) {
		t.Helper()
		if w := p.state.Open[0]; w.asks() != step || !reflect.DeepEqual(w.OnDuty, []string{who}) {
			t.Errorf("it asks %s: %v, want %s: %s", w.asks(), w.OnDuty, step, who)
		}
	}
	p := enrolled(t, knows(t, Facts{}, hours("nurse", "nurse-a", "nurse-b", "nurse-c"), hours("doctor-1", "doctor-1a", "doctor-1b", "doctor-1c")))
	do(t, p, start+55*minute, "score deterioration medium")
	asked(p, "nurse", "nurse-a")
	do(t, p, start+56*minute, "shelve doctor-1a/doctor w1 reason=r for=30m")
	do(t, p, start+86*minute, "wait")
	asked(p, "nurse", "nurse-b")
	do(t, p, start+101*minute, "wait")
	asked(p, "doctor-1", "doctor-1b")
	do(t, p, start+116*minute, "score deterioration high")
	do(t, p, start+117*minute, "accept doctor-2/doctor w1")
	do(t, p, start+121*minute, "return doctor-2/doctor w1")
	if w := p.state.Open[0]; w.asks() == "doctor-1" && !reflect.DeepEqual(w.OnDuty, []string{"doctor-1c"}) {
		t.Errorf("given back it asks %v", w.OnDuty)
	}

	// The step below has nobody on duty when the shift ends: the next one is asked to take it, and is the one that is shown.
	p = enrolled(t, knows(t, Facts{}, hours("nurse", "nurse-a"), hours("doctor-1", "doctor-1a", "doctor-1b")))
	do(t, p, start+50*minute, "score deterioration medium")
	do(t, p, start+51*minute, "accept nurse-a/nurse w1")
	do(t, p, start+60*minute, "wait")
	asked(p, "doctor-1", "doctor-1b")
}

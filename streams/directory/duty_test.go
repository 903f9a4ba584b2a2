package directory

import (
	"testing"

	"tocsin/streams/event"
)

// What the registrar takes of policies and rotas, and what it refuses: a policy that cannot stall and a rota whose spans are in order.
func TestALR7_ALR10_WhatTheRegistrarTakes(t *testing.T) {
	policy := func(change func(*event.PolicyRequested)) *event.PolicyRequested {
		r := &event.PolicyRequested{Tenant: "t", Severity: event.High, By: "lead", Policy: event.Policy{Steps: []event.PolicyStep{{To: "nurse", AnswerMs: 60_000}, {AnswerMs: 60_000}},
			CareMs: 60_000, EaseMs: 60_000, CloseMs: 60_000, RetryMs: 60_000}}
		change(r)
		return r
	}
	rota := func(change func(*event.Rota)) *event.RotaRequested {
		r := &event.RotaRequested{Rota: event.Rota{Tenant: "t", Step: "nurse", Zone: "UTC", Until: 30, Spans: []event.OnDuty{{From: 1, Until: 2, Accounts: []string{"a"}}, {From: 2, Until: 30, Accounts: []string{"b"}}}}}
		change(&r.Rota)
		return r
	}
	for name, c := range map[string]struct {
		request event.Event
		want    string
	}{
		"policy":                   {policy(func(*event.PolicyRequested) {}), "policy.set"},
		"policy of a group":        {policy(func(r *event.PolicyRequested) { r.Group = "copd" }), "policy.set"},
		"tocsin's own":             {policy(func(r *event.PolicyRequested) { r.Tenant = "tocsin" }), "bad_name"},
		"group with a slash":       {policy(func(r *event.PolicyRequested) { r.Group = "a/b" }), "bad_name"},
		"of nothing":               {policy(func(r *event.PolicyRequested) { r.Severity = event.NoSeverity }), "bad_policy"},
		"names nobody":             {policy(func(r *event.PolicyRequested) { r.Policy.Steps = []event.PolicyStep{{AnswerMs: 60_000}} }), "bad_policy"},
		"no time":                  {policy(func(r *event.PolicyRequested) { r.Policy.Steps[0].AnswerMs = 9_999 }), "bad_policy"},
		"a month":                  {policy(func(r *event.PolicyRequested) { r.Policy.Steps[0].AnswerMs = 30 * 24 * 3_600_000 }), "bad_policy"},
		"no care":                  {policy(func(r *event.PolicyRequested) { r.Policy.CareMs = 0 }), "bad_policy"},
		"shelved for ever":         {policy(func(r *event.PolicyRequested) { r.Policy.ShelveMs = 1 << 50 }), "bad_policy"},
		"too many steps":           {policy(func(r *event.PolicyRequested) { r.Policy.Steps = make([]event.PolicyStep, 17) }), "bad_policy"},
		"rota":                     {rota(func(*event.Rota) {}), "rota.set"},
		"rota of nobody":           {rota(func(r *event.Rota) { r.Spans = nil }), "bad_rota"},
		"span of nobody":           {rota(func(r *event.Rota) { r.Spans[0].Accounts = nil }), "bad_rota"},
		"spans that overlap":       {rota(func(r *event.Rota) { r.Spans[0].Until = 3 }), "bad_rota"},
		"span beyond the end":      {rota(func(r *event.Rota) { r.Until = 29 }), "bad_rota"},
		"span that ends before it": {rota(func(r *event.Rota) { r.Spans[1].Until = 2 }), "bad_rota"},
		"account with a slash":     {rota(func(r *event.Rota) { r.Spans[0].Accounts = []string{"a/b"} }), "bad_name"},
		"step without a name":      {rota(func(r *event.Rota) { r.Step = "" }), "bad_name"},
	} {
		t.Run(name, func(t *testing.T) {
			out, err := Machine{}.Decide(struct{}{}, Entity{}, event.Envelope{ID: "r", Data: c.request}, 1)
			if err != nil || len(out) != 1 {
				t.Fatalf("%v, %v", out, err)
			}
			got := string(out[0].Type())
			if r, refused := out[0].(*event.RequestRefused); refused {
				if got = r.Reason; r.Zh == "" || r.En == "" {
					t.Errorf("refused without words")
				}
			}
			if got != c.want {
				t.Errorf("got %s, want %s", got, c.want)
			}
			if _, err := KeyOf(c.request); err != nil {
				t.Error(err)
			}
		})
	}
}

// A policy's version counts its changes, and the same policy again is no change.
func TestALR7_VersionsOfAPolicy(t *testing.T) {
	r := &event.PolicyRequested{Tenant: "t", Group: "copd", Severity: event.Low, Policy: event.Policy{ID: "of the asker", Version: 9, Steps: []event.PolicyStep{{To: "day-list", AnswerMs: 60_000}},
		CareMs: 60_000, EaseMs: 60_000, CloseMs: 60_000, RetryMs: 60_000}}
	var s Entity
	for i, want := range []int{1, 0, 2} {
		if i == 2 {
			r.Policy.CareMs++
		}
		out := decidePolicy(s, "r", r)
		if want == 0 {
			if out != nil {
				t.Errorf("the same again led to %v", out)
			}
			continue
		}
		set := out[0].(*event.PolicySet)
		if set.Policy.Version != want || set.Policy.ID != "copd/low" {
			t.Errorf("%s version %d, want %d", set.Policy.ID, set.Policy.Version, want)
		}
		s, _ = Machine{}.Apply(struct{}{}, s, event.Envelope{Data: set}, 1)
	}
}

package directory

import (
	"reflect"
	"testing"
	"time"

	"tocsin/streams/event"
)

// decided asks one entity and folds what it decides.
func decided(t *testing.T, s Entity, d event.Event, now event.Time) (Entity, []event.Event) {
	t.Helper()
	var m Machine
	events, err := m.Decide(struct{}{}, s, event.Envelope{ID: "r1", Data: d}, now)
	for _, e := range events {
		if err == nil {
			s, err = m.Apply(struct{}{}, s, event.Envelope{Data: e}, now)
		}
	}
	if err != nil {
		t.Fatal(err)
	}
	return s, events
}

func TestSEC5_AnAccountKeepsItsScopeUntilAnotherIsNamed(t *testing.T) {
	copd := &event.Scope{Groups: []string{"t1/copd"}}
	ask := func(password string, scope *event.Scope) *event.AccountRequested {
		return &event.AccountRequested{Account: "nurse-a", Role: "nurse", Password: password, Scope: scope}
	}
	s, _ := decided(t, Entity{}, ask("p1", nil), 1)
	if s.Account.Scope != nil {
		t.Errorf("a new account without a scope sees %+v, not everywhere", s.Account.Scope)
	}
	s, _ = decided(t, s, ask("p1", copd), 2)
	s, _ = decided(t, s, ask("p2", nil), 3)
	if !reflect.DeepEqual(s.Account.Scope, copd) || s.Account.Password != "p2" {
		t.Errorf("after a new password it is %+v with %+v", s.Account, s.Account.Scope)
	}
	if _, again := decided(t, s, ask("p2", &event.Scope{Groups: []string{"t1/copd"}}), 4); len(again) != 0 {
		t.Errorf("a repeat decides %+v", again)
	}
	for _, wrong := range []event.Scope{{Groups: []string{"copd"}}, {Groups: []string{"t1/"}}, {Tenants: []string{"tocsin"}}, {Tenants: []string{""}}, {Groups: []string{"t1/a/b"}}} {
		after, events := decided(t, s, ask("p3", &wrong), 5)
		if _, refused := events[0].(*event.RequestRefused); !refused || after.Account.Password != "p2" {
			t.Errorf("the scope %+v leads to %+v", wrong, events)
		}
	}
}

func TestSEC5_AnEmergencyHasAReasonAnEndAndOneReview(t *testing.T) {
	ask := func(reason string, long time.Duration) *event.EmergencyRequested {
		return &event.EmergencyRequested{Emergency: "e1", Account: "nurse-a", Role: "nurse", Tenant: "t1", Patient: "P-1", Reason: reason, ForMs: long.Milliseconds()}
	}
	for what, wrong := range map[string]*event.EmergencyRequested{"no reason": ask(" ", time.Hour), "no time": ask("seizure", 0), "too long": ask("seizure", LongestEmergency+time.Second)} {
		if s, events := decided(t, Entity{}, wrong, 1000); s.Emergency != nil || len(events) != 1 {
			t.Errorf("%s: %+v", what, events)
		}
	}
	s, _ := decided(t, Entity{}, ask("seizure", LongestEmergency), 1000)
	if s.Emergency == nil || s.Emergency.From != 1000 || s.Emergency.Until != 1000+event.Time(LongestEmergency.Milliseconds()) {
		t.Fatalf("%+v", s.Emergency)
	}
	if _, again := decided(t, s, ask("seizure", time.Hour), 2000); len(again) != 0 {
		t.Errorf("a repeat begins it anew: %+v", again)
	}
	review := func(by, outcome string) *event.ReviewRequested {
		return &event.ReviewRequested{Emergency: "e1", Outcome: outcome, By: by}
	}
	for what, wrong := range map[string]*event.ReviewRequested{"one's own": review("nurse-a", event.ReviewJustified), "nothing": review("lead-1", "maybe")} {
		if after, _ := decided(t, s, wrong, 3000); after.Emergency.Review != nil {
			t.Errorf("a review of %s: %+v", what, after.Emergency.Review)
		}
	}
	s, _ = decided(t, s, review("lead-1", event.ReviewNotJustified), 3000)
	if r := s.Emergency.Review; r == nil || r.By != "lead-1" || r.At != 3000 {
		t.Fatalf("%+v", r)
	}
	if s, _ = decided(t, s, review("lead-2", event.ReviewJustified), 4000); s.Emergency.Review.By != "lead-1" {
		t.Errorf("a second review takes the first's place: %+v", s.Emergency.Review)
	}
}

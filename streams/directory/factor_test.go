package directory

import (
	"strings"
	"testing"

	"tocsin/streams/event"
)

func TestSEC1_ACodeIsUsedOnceAndAnOlderOneNotAtAll(t *testing.T) {
	s, _ := decided(t, Entity{}, &event.AccountRequested{Account: "nurse-a", Role: "nurse", Password: "p"}, 1)
	set := &event.FactorRequested{Account: "nurse-a", Version: 1, Key: "k", Sealed: []byte("sealed"), Recovery: []string{Sum("r1"), Sum("r2")}, Step: 100, By: "nurse-a"}
	s, _ = decided(t, s, set, 2)
	if s.Factor == nil || !s.Factor.On() || s.Factor.Since != 2 || s.Account == nil {
		t.Fatalf("%+v", s)
	}
	before := *s.Factor
	use := func(step int64, recovery string) (granted bool) {
		after, events := decided(t, s, &event.CodeRequested{Account: "nurse-a", Version: 1, Step: step, Recovery: recovery}, 3)
		s = after
		_, granted = events[0].(*event.CodeUsed)
		return granted
	}
	for _, c := range []struct {
		step     int64
		recovery string
		granted  bool
	}{
		{100, "", false}, // that by which it was confirmed
		{99, "", false}, {101, "", true}, {101, "", false}, {100, "", false}, {103, "", true}, {102, "", false},
		{0, "", false}, {0, Sum("r1"), true}, {0, Sum("r1"), false}, {0, Sum("r3"), false}, {104, Sum("r2"), false}, {0, Sum("r2"), true},
	} {
		if granted := use(c.step, c.recovery); granted != c.granted {
			t.Errorf("step %d, recovery %.4s: granted %v", c.step, c.recovery, granted)
		}
	}
	if len(s.Factor.Recovery) != 0 || s.Factor.Step != 103 || len(before.Recovery) != 2 {
		t.Errorf("left %+v, before %+v", s.Factor, before)
	}
}

func TestSEC1_ASecondFactorIsResetBySomebodyElse(t *testing.T) {
	s, _ := decided(t, Entity{}, &event.AccountRequested{Account: "nurse-a", Role: "nurse", Password: "p"}, 1)
	set := event.FactorRequested{Account: "nurse-a", Version: 1, Key: "k", Sealed: []byte("sealed"), Recovery: []string{Sum("r")}, Step: 100, By: "nurse-a"}
	for what, wrong := range map[string]func(*event.FactorRequested){
		"clear recovery codes": func(r *event.FactorRequested) { r.Recovery = []string{"abcd-efgh"} },
		"no recovery codes":    func(r *event.FactorRequested) { r.Recovery = nil },
		"nothing sealed":       func(r *event.FactorRequested) { r.Sealed = nil },
		"too much":             func(r *event.FactorRequested) { r.Sealed = []byte(strings.Repeat("x", maxSecret+1)) },
		"another version":      func(r *event.FactorRequested) { r.Version = 2 },
	} {
		r := set
		wrong(&r)
		if after, _ := decided(t, s, &r, 2); after.Factor != nil {
			t.Errorf("%s is taken: %+v", what, after.Factor)
		}
	}
	if _, events := decided(t, Entity{}, &set, 2); events[0].Type() != "request.refused" {
		t.Errorf("of an account that is not there: %+v", events)
	}
	s, _ = decided(t, s, &set, 2)
	if after, events := decided(t, s, &event.ResetRequested{Account: "nurse-a", By: "nurse-a"}, 3); !after.Factor.On() || events[0].Type() != "request.refused" {
		t.Errorf("one's own is reset: %+v", events)
	}
	s, _ = decided(t, s, &event.ResetRequested{Account: "nurse-a", By: "admin"}, 3)
	if f := s.Factor; f.On() || f.Version != 2 || f.Reset == nil || f.Reset.By != "admin" || f.Reset.At != 3 || len(f.Recovery) != 0 {
		t.Fatalf("%+v", s.Factor)
	}
	if _, events := decided(t, s, &event.ResetRequested{Account: "nurse-a", By: "admin"}, 4); len(events) != 0 {
		t.Errorf("a repeat decides %+v", events)
	}
	if _, events := decided(t, s, &event.CodeRequested{Account: "nurse-a", Version: 1, Recovery: Sum("r")}, 4); events[0].Type() != "request.refused" {
		t.Errorf("a code of what was reset: %+v", events)
	}
	again := set
	again.Version = 3
	if s, _ = decided(t, s, &again, 5); !s.Factor.On() || s.Factor.Reset != nil {
		t.Errorf("enrolled again it is %+v", s.Factor)
	}
}

package directory

import (
	"testing"

	"tocsin/streams/event"
)

func TestALR11_ABrowserBelongsToWhoeverTurnedItOnLast(t *testing.T) {
	ask := func(account string) *event.PushRequested {
		return &event.PushRequested{Push: "b1", Account: account, Sealed: []byte("x")}
	}
	s, _ := decided(t, Entity{}, ask("nurse-a"), 1)
	s, _ = decided(t, s, ask("nurse-b"), 2)
	if s.Push == nil || s.Push.Account != "nurse-b" {
		t.Fatalf("%+v", s.Push)
	}
	end := func(account string) *event.PushEndRequested {
		return &event.PushEndRequested{Push: "b1", Account: account, Reason: event.PushGone, By: "notifier"}
	}
	if s, events := decided(t, s, end("nurse-a"), 3); len(events) != 0 || s.Push == nil {
		t.Errorf("nurse-a ended nurse-b's: %+v", events)
	}
	s, events := decided(t, s, end("nurse-b"), 4)
	if len(events) != 1 || s.Push != nil {
		t.Errorf("%+v %+v", events, s.Push)
	}
	if _, events := decided(t, s, end("nurse-b"), 5); len(events) != 0 {
		t.Errorf("ended again: %+v", events)
	}
	for _, wrong := range []*event.PushRequested{{Push: "b1", Account: "nurse-a"}, {Push: "b1", Account: "a/b", Sealed: []byte("x")}, {Push: "b1", Account: "nurse-a", Sealed: make([]byte, maxPush+1)}} {
		if s, events := decided(t, Entity{}, wrong, 6); s.Push != nil || len(events) != 1 {
			t.Errorf("%+v was taken", wrong)
		}
	}
}

func TestSEC6_ABrowserIsHandedOnToNobody(t *testing.T) {
	for _, d := range []event.Event{&event.PushSet{}, &event.PushEnded{}, &event.PushRequested{}, &event.PushEndRequested{}} {
		if key, ok := concerns(d); ok {
			t.Errorf("%s is handed on to %s", d.Type(), key)
		}
	}
}

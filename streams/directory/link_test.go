package directory

import (
	"testing"

	"tocsin/streams/event"
)

// A link is for good: the same person again changes nothing, another one is refused, and so is the same person under another
// account; only who asks for it by name lets a subject go.
func TestSEC1_OIDCAnAccountIsLinkedOnceAndForGood(t *testing.T) {
	w := newWorld(t)
	ann, bob := Sum("https://sso\x00ann"), Sum("https://sso\x00bob")
	account := func(name string) *event.AccountRequested {
		return &event.AccountRequested{Account: name, Role: "nurse", OIDC: true, By: "admin"}
	}
	link := func(name, subject string) *event.LinkRequested {
		return &event.LinkRequested{Account: name, Issuer: "https://sso", Subject: subject, By: "desk"}
	}
	w.want(link("nurse-a", ann), "refused:unknown")
	w.want(&event.AccountRequested{Account: "nurse-p", Role: "nurse", Password: "p"}, "account.set")
	w.want(link("nurse-p", ann), "refused:unknown")
	w.want(account("nurse-a"), "account.set")
	w.want(account("nurse-b"), "account.set")
	w.want(link("nurse-a", "ann"), "refused:bad_subject")
	w.want(link("nurse-a", ann), "account.linked subject.linked")
	w.want(link("nurse-a", ann), "")
	w.want(link("nurse-a", bob), "refused:linked")
	w.want(link("nurse-b", ann), "refused:linked")
	if a := w.at["account/nurse-a"].Account; a.Subject != ann || a.Role != "nurse" {
		t.Fatalf("%+v", a)
	}
	doctor := account("nurse-a")
	doctor.Role = "doctor"
	w.want(doctor, "account.set")
	if a := w.at["account/nurse-a"].Account; a.Subject != ann || a.Role != "doctor" {
		t.Fatalf("another role let the subject go: %+v", a)
	}
	again := account("nurse-a")
	again.Relink = true
	w.want(again, "account.set subject.freed")
	w.want(again, "")
	w.want(link("nurse-b", ann), "account.linked subject.linked")
	w.want(link("nurse-a", bob), "account.linked subject.linked")
	w.want(&event.AccountRequested{Account: "nurse-a", Role: "nurse", Password: "p"}, "account.set subject.freed")
	w.want(&event.AccountRequested{Account: "nurse-a", Role: "nurse", Password: "p", OIDC: true}, "refused:two_ways")
	w.want(&event.AccountRequested{Account: "nurse-a", Role: "nurse", Password: "p", Relink: true}, "refused:two_ways")
}

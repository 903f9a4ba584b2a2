package directory

import (
	"testing"

	"pgregory.net/rapid"

	"tocsin/streams/event"
)

// Whatever is asked in any order, by whomever: once there is an administrator there is always one, who was not locked, moved or
// narrowed by anybody but another administrator; and nobody takes their own administration away.
func TestSEC1_ThereIsAlwaysAnAdministrator(t *testing.T) {
	names := []string{"a", "b", "c"}
	everyone := append([]string{"local", "token/x"}, names...)
	scopes := []*event.Scope{nil, {Tenants: []string{"t1"}}, {Tenants: []string{"*"}}, {}}
	rapid.Check(t, func(t *rapid.T) {
		w := newWorld(t)
		stands := func(name string) bool { return w.at[AccountKey(name)].administers() }
		any := func() bool { return stands("a") || stands("b") || stands("c") }
		w.ask(&event.AccountRequested{Account: "a", Role: "administrator", Password: "1", By: "first-start"})
		for range rapid.IntRange(1, 40).Draw(t, "asks") {
			x, by := rapid.SampledFrom(names).Draw(t, "account"), rapid.SampledFrom(everyone).Draw(t, "by")
			role, scope := rapid.SampledFrom([]string{"administrator", "administrator", "nurse"}).Draw(t, "role"), rapid.SampledFrom(scopes).Draw(t, "scope")
			var r event.Event
			switch rapid.SampledFrom([]string{"make", "appoint", "password", "lock", "open"}).Draw(t, "what") {
			case "make":
				r = &event.AccountRequested{Account: x, Role: role, Scope: scope, Password: "1", By: by}
			case "appoint":
				r = &event.AppointRequested{Account: x, Role: role, Scope: scope, By: by}
			case "password":
				r = &event.PasswordRequested{Account: x, Password: "2", OneTime: true, By: by}
			case "lock":
				r = &event.LockRequested{Account: x, Locked: true, Why: "left", By: by}
			default:
				r = &event.LockRequested{Account: x, By: by}
			}
			before := stands(x)
			w.ask(r)
			if !any() {
				t.Fatalf("%+v left no administrator", r)
			}
			if before && !stands(x) && (by == x || !stands(by)) {
				t.Fatalf("%+v took %s away, and %s is no other administrator", r, x, by)
			}
		}
	})
}

func TestSEC1_AccountsAreChangedOneThingAtATime(t *testing.T) {
	w := newWorld(t)
	nurse := &event.AccountRequested{Account: "n", Role: "nurse", Password: "1", OneTime: true, Scope: &event.Scope{Tenants: []string{"t1"}}, By: "a"}
	w.want(nurse, "account.set")
	w.want(&event.PasswordRequested{Account: "n", Password: "2", By: "n"}, "account.set")
	w.want(&event.AppointRequested{Account: "n", Role: "doctor", By: "a"}, "account.set")
	if a := w.at[AccountKey("n")].Account; a.Role != "doctor" || a.Password != "2" || a.OneTime || a.Scope == nil || a.Scope.Tenants[0] != "t1" {
		t.Fatalf("got %+v", a)
	}
	w.want(&event.AppointRequested{Account: "n", Role: "king", By: "a"}, "refused:bad_role")
	w.want(&event.AppointRequested{Account: "nobody", Role: "nurse", By: "a"}, "refused:unknown")
	w.want(&event.PasswordRequested{Account: "nobody", Password: "x", By: "a"}, "refused:unknown")
	w.want(&event.PasswordRequested{Account: "n", By: "a"}, "refused:bad_password")
	w.want(&event.AccountRequested{Account: "o", Role: "nurse", OIDC: true, By: "a"}, "account.set")
	w.want(&event.PasswordRequested{Account: "o", Password: "x", OneTime: true, By: "a"}, "refused:two_ways")
	w.want(&event.LockRequested{Account: "n", Locked: true, By: "a"}, "refused:reason")
	w.want(&event.LockRequested{Account: "n", Locked: true, Why: "left us", By: "n"}, "refused:own")
	lock := &event.LockRequested{Account: "n", Locked: true, Why: "left us", By: "a"}
	w.want(lock, "account.locked")
	w.want(lock, "")
	w.want(&event.LockRequested{Account: "n", By: "a"}, "account.locked")

	token := &event.TokenRequested{Token: "k", SHA256: hash, Role: "nurse"}
	w.want(&event.TokenWithdrawRequested{Token: "k"}, "refused:unknown")
	w.want(token, "token.set")
	w.want(&event.TokenWithdrawRequested{Token: "k"}, "token.withdrawn")
	w.want(&event.TokenWithdrawRequested{Token: "k"}, "")
	w.want(token, "token.set")
}

package desk

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"
)

// Locked, a session is answered nothing but what unlocks it, and its stream says how many are open and of whom nothing.
func TestSEC1_ALockedSessionIsAnsweredNothingAndStillHears(t *testing.T) {
	p := openProving(t)
	p.publish()
	const marker = "Zq-Marker-1"
	p.patient("demo", marker, "copd")
	other := p.as(roleLead, "other")
	id := p.warn(other, "demo", marker, "k1")
	p.account("nurse-a", roleNurse)
	b, _ := p.signing(p.url, "nurse-a")
	events, leave := b.listen("/v1/stream?group=demo/copd", "")
	await(t, events, "the snapshot", func(e heard) bool {
		return e.Name == "snapshot" && strings.Contains(e.Data, marker) && !read[Snapshot](t, e.Data).Locked
	})

	var s Session
	if status, raw := b.do("POST", "/v1/session/lock", nil, &s); status != 200 || s.State != stateLocked {
		t.Fatalf("%d %s", status, raw)
	}
	quiet := read[Snapshot](t, await(t, events, "a quiet snapshot", func(e heard) bool { return e.Name == "snapshot" }).Data)
	if !quiet.Locked || len(quiet.Rows) != 0 || len(quiet.Warnings) != 1 || quiet.Warnings[0].Severity.String() != "high" || quiet.Warnings[0].State != "new" || quiet.Warnings[0].AnswerBy == 0 {
		t.Fatalf("%+v", quiet)
	}
	for op, method := range operationsOf(t) {
		if ask := operations[op]; ask != nil && op != "getSession" {
			q := ask(patientOf{tenant: "demo", id: marker, groups: []string{"copd"}, warning: id})
			if status, raw := b.do(method, q.path, q.body, nil, q.head...); status != http.StatusLocked || strings.Contains(raw, marker) {
				t.Errorf("%s: %d %s", op, status, raw)
			}
		}
	}
	for _, path := range []string{"/v1/session/password", "/v1/session/factor", "/v1/session/factor/confirm", "/v1/session/here", "/v1/emergencies"} {
		if status, raw := b.do("POST", path, map[string]any{}, nil); status != http.StatusLocked {
			t.Errorf("%s: %d %s", path, status, raw)
		}
	}
	// What happens meanwhile is heard, and of whom it is not.
	p.patient("demo", marker+"2", "copd")
	second := p.warn(other, "demo", marker+"2", "k2")
	heardOf := await(t, events, "the second warning", func(e heard) bool {
		if strings.Contains(e.Data+e.ID, marker) || strings.Contains(e.Data, "unwell") {
			t.Fatalf("a locked stream says %s", e.Data)
		}
		return strings.Contains(e.Data, second)
	})
	leave()
	again, leaveAgain := b.listen("/v1/stream", heardOf.ID)
	if e := await(t, again, "the beginning", func(heard) bool { return true }); strings.Contains(e.Data, marker) {
		t.Errorf("opened again while locked it says %s", e.Data)
	}

	for what, in := range map[string]Unlocking{"a wrong password": {Password: "guess"}, "somebody else's": {Password: localToken}} {
		if status, _ := b.do("POST", "/v1/session/unlock", in, nil); status != 401 {
			t.Errorf("%s: %d", what, status)
		}
	}
	if status, raw := b.do("POST", "/v1/session/unlock", Unlocking{Password: goodPassword}, &s); status != 200 || s.State != stateOpen {
		t.Fatalf("%d %s", status, raw)
	}
	await(t, again, "everything again", func(e heard) bool {
		return e.Name == "snapshot" && strings.Contains(e.Data, marker+"2") && !read[Snapshot](t, e.Data).Locked
	})
	leaveAgain()
	if list := b.warnings("open"); len(list) != 2 {
		t.Errorf("unlocked: %+v", list)
	}
	for what, fits := range map[string]func(Entry) bool{
		"the lock":   func(e Entry) bool { return e.Action == "session.lock" && e.Account == "nurse-a" && e.Reason == "asked" },
		"the guess":  func(e Entry) bool { return e.Action == "session.unlock" && e.Refused && e.Reason == wrongPassword },
		"the unlock": func(e Entry) bool { return e.Action == "session.unlock" && !e.Refused && e.Object == byPassword },
	} {
		if !p.said(fits) {
			t.Errorf("the audit log does not say %s", what)
		}
	}
	if status, _ := b.do("DELETE", "/v1/session", nil, nil); status != 204 {
		t.Errorf("sign out: %d", status)
	}
}

func TestSEC1_UnlockingTakesTheCodeToo(t *testing.T) {
	p := openProving(t)
	p.account("nurse-a", roleNurse)
	b, _ := p.signing(p.url, "nurse-a")
	offered, _ := p.enrols(b)
	b.do("POST", "/v1/session/lock", nil, nil)
	for what, in := range map[string]Unlocking{"the password alone": {Password: goodPassword}, "a wrong code": {goodPassword, "000000"}, "the code alone": {"x", p.code(offered.Secret, 0)}} {
		if status, raw := b.do("POST", "/v1/session/unlock", in, nil); status != 401 {
			t.Errorf("%s: %d %s", what, status, raw)
		}
	}
	if status, raw := b.do("POST", "/v1/session/unlock", Unlocking{goodPassword, p.code(offered.Secret, 0)}, nil); status != 200 {
		t.Errorf("%d %s", status, raw)
	}
	b = p.openProvider("nurse-b")
	b.do("POST", "/v1/session/lock", nil, nil)
	var problem Problem
	if status, _ := b.do("POST", "/v1/session/unlock", Unlocking{Password: goodPassword}, &problem); status != 409 || problem.Reason != "sign_in_again" {
		t.Errorf("of a session that began at a provider: %d %+v", status, problem)
	}
}

func TestSEC1_ASessionThatNobodyTouchesLocksItself(t *testing.T) {
	p := openProving(t, func(o *Options) { o.LockAfter, o.WallAccounts = 10*time.Minute, []string{"wall"} })
	p.account("nurse-a", roleNurse)
	p.account("wall", roleNurse)
	wall, s := p.signing(p.url, "wall")
	if s.LockAfterMs != 0 {
		t.Errorf("a screen on a wall: %+v", s)
	}
	b, s := p.signing(p.url, "nurse-a")
	if s.LockAfterMs != (10 * time.Minute).Milliseconds() {
		t.Errorf("%+v", s)
	}
	events, _ := b.listen("/v1/stream", "")
	await(t, events, "the snapshot", func(e heard) bool { return e.Name == "snapshot" })
	for range 3 { // somebody is there
		p.wait(9 * time.Minute)
		if status, raw := b.do("POST", "/v1/session/here", nil, nil); status != 204 {
			t.Fatalf("%d %s", status, raw)
		}
	}
	p.wait(9 * time.Minute)
	if status, _ := b.do("GET", "/v1/groups", nil, nil); status != 200 {
		t.Fatalf("after nine minutes: %d", status)
	}
	p.wait(2 * time.Minute) // what a page asks by itself is no hand on it
	if !read[Snapshot](t, await(t, events, "that it has locked", func(e heard) bool { return e.Name == "snapshot" }).Data).Locked {
		t.Error("the stream does not say so")
	}
	for _, ask := range [][2]string{{"GET", "/v1/groups"}, {"POST", "/v1/session/here"}, {"GET", "/v1/warnings"}} {
		if status, raw := b.do(ask[0], ask[1], nil, nil); status != http.StatusLocked {
			t.Errorf("%v: %d %s", ask, status, raw)
		}
	}
	if status, _ := wall.do("GET", "/v1/warnings", nil, nil); status != 200 {
		t.Errorf("the wall: %d", status)
	}
	if !p.said(func(e Entry) bool {
		return e.Action == "session.lock" && e.Account == "nurse-a" && e.Reason == "idle"
	}) {
		t.Error("the audit log does not say so")
	}
	// A restart leaves it locked.
	p.station.stop()
	again := p.desk(func(o *Options) { o.LockAfter = 10 * time.Minute })
	b.url = again.url
	cookiesTo(t, b, p.url, again.url)
	if status, raw := b.do("GET", "/v1/warnings", nil, nil); status != http.StatusLocked {
		t.Errorf("after a restart: %d %s", status, raw)
	}
}

// A request that was under way while the session was locked does not undo that.
func TestSEC1_ALockIsNotUndoneByARequestBesideIt(t *testing.T) {
	s := openSessions("", time.Now, nil)
	until := time.Now().Add(time.Hour)
	_ = s.Commit("t", []byte("before"), until)
	s.lock("t")
	_ = s.Commit("t", []byte("of a request that began before"), until)
	s.touch("t")
	if locked, _ := s.locked("t", time.Hour); !locked {
		t.Error("it is open again")
	}
	s.unlock("t")
	if locked, _ := s.locked("t", time.Hour); locked {
		t.Error("it stays locked")
	}
}

// cookiesTo carries the cookies of one address to another, as if the desk had been started again there.
func cookiesTo(t *testing.T, b *browser, from, to string) {
	t.Helper()
	was, err := url.Parse(from)
	if err != nil {
		t.Fatal(err)
	}
	is, err := url.Parse(to)
	if err != nil {
		t.Fatal(err)
	}
	b.http.Jar.SetCookies(is, b.http.Jar.Cookies(was))
}

package desk

import (
	"bytes"
	"crypto/ecdh"
	"crypto/rand"
	"encoding/base64"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"tocsin/alerts/notify/browsers"
	"tocsin/streams/trail"
)

func pushWay(t *testing.T) *browsers.Way {
	t.Helper()
	k, err := browsers.MakeKeys(filepath.Join(t.TempDir(), "push.key"))
	if err != nil {
		t.Fatal(err)
	}
	return browsers.NewWay(k, "it@hospital.example", false)
}

// subscription is what a browser says of itself.
func subscription(t *testing.T, path string) PushBody {
	t.Helper()
	k, err := ecdh.P256().GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return PushBody{Endpoint: "https://push.example/" + path, P256dh: base64.RawURLEncoding.EncodeToString(k.PublicKey().Bytes()), Auth: base64.RawURLEncoding.EncodeToString(make([]byte, 16))}
}

// A person turns notices on in their browser and off again; whoever does so there after them has that browser. Where it is reached lies in
// the log sealed, and the audit log knows who did what.
func TestALR11_SEC6_APersonTurnsNoticesOnInABrowser(t *testing.T) {
	h := open(t)
	way := pushWay(t)
	st, _ := h.audited(func(o *Options) { o.Push = way })
	sign := func(name string) *browser {
		h.account(name, "nurse", "correct horse battery")
		b := h.browser(st.url)
		if status, raw := b.do("POST", "/v1/session", SignIn{name, "correct horse battery"}, nil); status != 200 {
			t.Fatal(status, raw)
		}
		return b
	}
	a, b := sign("nurse-a"), sign("nurse-b")
	is := func(b *browser, want ...string) {
		t.Helper()
		var v PushView
		if status, raw := b.do("GET", "/v1/session/push", nil, &v); status != 200 || !v.Available || v.Key != way.Public() || !slices.Equal(v.Browsers, want) {
			t.Fatalf("%d %s, want %v", status, raw, want)
		}
	}
	is(a)
	where := subscription(t, "secret-path-7741")
	var made PushMade
	if status, raw := a.do("PUT", "/v1/session/push", where, &made); status != 200 || strings.Contains(raw, "7741") {
		t.Fatal(status, raw)
	}
	is(a, made.ID)
	is(b)
	if p := h.view.Pushes("nurse-a"); len(p) != 1 {
		t.Fatalf("%+v", p)
	} else if got, err := way.Open(p[0].Push, "nurse-a", p[0].Sealed); err != nil || got.Endpoint != where.Endpoint || got.Auth != where.Auth {
		t.Error(err)
	}
	if status, _ := b.do("DELETE", "/v1/session/push/"+made.ID, nil, nil); status != 204 {
		t.Error(status)
	}
	is(a, made.ID) // another's is left alone
	if status, raw := b.do("PUT", "/v1/session/push", where, nil); status != 200 {
		t.Fatal(status, raw)
	}
	is(a)
	is(b, made.ID)
	if status, _ := b.do("DELETE", "/v1/session/push/"+made.ID, nil, nil); status != 204 {
		t.Error(status)
	}
	is(b)
	for _, want := range []struct{ Account, Action, Object string }{{"nurse-a", "turnOnPush", ""}, {"nurse-b", "turnOnPush", ""}, {"nurse-b", "turnOffPush", made.ID}} {
		h.noted(want.Account+" "+want.Action, func(e trail.Entry) bool {
			return e.Account == want.Account && e.Action == want.Action && e.Object == want.Object && !e.Refused
		})
	}
	for _, r := range h.records() {
		if bytes.Contains(r.Value, []byte("7741")) || bytes.Contains(r.Value, []byte("push.example")) || bytes.Contains(r.Value, []byte(where.P256dh)) {
			t.Errorf("where a browser is reached lies in the log: %s", r.Value)
		}
	}
}

func TestALR11_WhatCannotBeTurnedOnSaysWhy(t *testing.T) {
	h := open(t)
	way := pushWay(t)
	st := h.openDesk(func(o *Options) { o.Push = way })
	h.account("nurse-a", "nurse", "correct horse battery")
	b := h.browser(st.url)
	b.do("POST", "/v1/session", SignIn{"nurse-a", "correct horse battery"}, nil)
	good := subscription(t, "x")
	for endpoint, words := range map[string]string{"http://push.example/x": "https", "https://127.0.0.1/x": "not public", "https://10.0.0.1:8080/admin": "not public", "nowhere": "no address"} {
		bad := good
		bad.Endpoint = endpoint
		var p Problem
		if status, raw := b.do("PUT", "/v1/session/push", bad, &p); status != 422 || !strings.Contains(p.Detail, words) || strings.Contains(raw, endpoint) {
			t.Errorf("%s: %d %s", endpoint, status, raw)
		}
	}
	for i := range mostBrowsers {
		if status, raw := b.do("PUT", "/v1/session/push", subscription(t, fmt.Sprint(i)), nil); status != 200 {
			t.Fatal(status, raw)
		}
	}
	if status, raw := b.do("PUT", "/v1/session/push", subscription(t, "one more"), nil); status != 409 {
		t.Errorf("%d %s", status, raw)
	}
	if status, raw := b.do("PUT", "/v1/session/push", subscription(t, "0"), nil); status != 200 {
		t.Errorf("one that is on: %d %s", status, raw)
	}
	for role, want := range map[string]int{"doctor": 403, "administrator": 403} { // as tokens: they have no browser; who looks after the system is told nothing
		if status, raw := h.as(role, "token-"+role).do("PUT", "/v1/session/push", good, nil); status != want {
			t.Errorf("%s: %d %s", role, status, raw)
		}
	}
	without := h.browser(h.url)
	without.do("POST", "/v1/session", SignIn{"nurse-a", "correct horse battery"}, nil)
	var v PushView
	if status, _ := without.do("GET", "/v1/session/push", nil, &v); status != 200 || v.Available || v.Key != "" {
		t.Errorf("%d %+v", status, v)
	}
	if status, raw := without.do("PUT", "/v1/session/push", good, nil); status != 503 || !strings.Contains(raw, "push_off") {
		t.Errorf("%d %s", status, raw)
	}
}

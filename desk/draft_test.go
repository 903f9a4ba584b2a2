package desk

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"testing"

	"tocsin/rules/backtest"
	"tocsin/rules/pack"
	"tocsin/streams/directory"
	"tocsin/streams/event"
)

const marked = "Zq-Marker" // of a patient in the report that a backtest gives back

// counted3 is what a backtest gives back: of one patient, whose id must not come out.
func counted3(draft backtest.Pack, span backtest.Span) *backtest.Report {
	w := backtest.Warning{Patient: "demo/" + marked, Alert: marked, Problem: event.Deterioration, At: span.From + 1, Severity: event.High, Rule: "spo2-88", Reasons: []event.Reason{{Rule: "spo2-88", En: marked, Severity: event.High}}}
	side := backtest.SideReport{Name: draft.String(), Warnings: []backtest.Warning{w}, Severity: map[event.Severity]int{event.High: 1}, Rules: map[string]int{"spo2-88": 1},
		Problems: map[string]int{event.Deterioration: 1}, Failed: 1, Faults: []string{marked + ": a rule failed"}, Truth: &backtest.Truth{Warnings: 1, True: 1}}
	return &backtest.Report{Setting: backtest.Setting{Span: span, Source: "log", Tolerance: backtest.DefaultTolerance}, Groups: []string{"demo/lung"}, Patients: 1, Days: 9.5, Began: span.From,
		Reached: span.To, Sides: [2]backtest.SideReport{side, side}, Live: []backtest.Warning{w}, Left: []string{marked}, Kinds: map[backtest.Kind]int{backtest.Equal: 1}, Pairs: []backtest.Pair{{}}}
}

// drafting opens a hospital whose desk backtests by run.
func openDrafting(t *testing.T, run Backtest) *hospital {
	h := openBare(t)
	h.station = h.openDesk(func(o *Options) { o.Backtest = run })
	h.publish()
	return h
}

// draftOf is a text with the next version, and with a bound that is stricter than the library's.
func draftOf(t *testing.T, id string) string {
	t.Helper()
	was := pack.Library()[id]
	p, err := pack.Compile(was)
	if err != nil {
		t.Fatal(err)
	}
	text := strings.Replace(was, "version: "+itoa(p.Version), "version: "+itoa(p.Version+1), 1)
	if text == was {
		t.Fatal("the library's text has changed its form")
	}
	return text
}

func (b *browser) draft(id string) DraftPage {
	b.t.Helper()
	var p DraftPage
	if status, raw := b.do("GET", "/v1/packs/"+id+"/draft", nil, &p); status != 200 {
		b.t.Fatalf("%d %s", status, raw)
	}
	return p
}

// backtested runs a backtest of a text and answers how it ended.
func (h *hospital) backtested(b *browser, id, text string) BacktestJob {
	h.t.Helper()
	var job BacktestJob
	if status, raw := b.do("POST", "/v1/packs/"+id+"/backtests", BacktestBody{Text: text, Days: 30}, &job); status != 200 {
		h.t.Fatalf("%d %s", status, raw)
	}
	h.until("the backtest ended", func() bool {
		var list struct{ Backtests []BacktestJob }
		_, raw := b.do("GET", "/v1/packs/"+id+"/backtests", nil, &list)
		if strings.Contains(raw, marked) {
			h.t.Fatalf("a backtest names a patient: %s", raw)
		}
		job = list.Backtests[0]
		return job.State != "running"
	})
	return job
}

func (b *browser) refused(want int, reason, method, path string, in any) {
	b.t.Helper()
	var p Problem
	if status, raw := b.do(method, path, in, &p); status != want || p.Reason != reason || want == 409 && (p.Zh == "" || p.En == "") {
		b.t.Errorf("%s %s: %d %s; want %d %s", method, path, status, raw, want, reason)
	}
}

func TestRUL3_ADraftIsBacktestedProposedAndTakenLiveByASecondPerson(t *testing.T) {
	h := openDrafting(t, func(_ context.Context, d backtest.Pack, span backtest.Span, told func(int64, int64)) (*backtest.Report, error) {
		told(5, 10)
		return counted3(d, span), nil
	})
	a, b := h.signedIn("lead-a", roleLead, nil), h.signedIn("doctor-b", roleDoctor, nil)
	text, old := draftOf(t, "copd"), pack.Library()["copd"]
	sum := directory.Sum(text)
	page := a.draft("copd")
	if page.Current.Text != old || page.Current.Sum != directory.Sum(old) || page.Proposed != nil || !page.Backtest {
		t.Fatalf("the draft begins with %d, %+v", page.Current.Version, page.Proposed)
	}
	propose := ProposeBody{Text: text, Based: page.Current.Sum}
	a.refused(409, "no_backtest", "POST", "/v1/packs/copd/proposal", propose)
	a.refused(409, "no_backtest", "POST", "/v1/packs/copd/proposal", ProposeBody{Text: text, Based: page.Current.Sum, Without: "in a hurry"})
	job := h.backtested(a, "copd", text)
	if job.State != backtestDone || job.Result.Patients != 1 || job.Result.Drafted.Warnings != 1 || *job.Result.Drafted.Per100 < 10 || job.Sum != sum || job.Done != 5 {
		t.Fatalf("%+v %+v", job, job.Result)
	}
	a.refused(409, "no_backtest", "POST", "/v1/packs/copd/proposal", ProposeBody{Text: text + "\n# another text\n", Based: page.Current.Sum})
	a.refused(409, "overtaken", "POST", "/v1/packs/copd/proposal", ProposeBody{Text: text, Based: sum})
	if status, raw := a.do("POST", "/v1/packs/copd/proposal", propose, nil); status != 204 {
		t.Fatalf("%d %s", status, raw)
	}
	h.until("it waits", func() bool { return b.draft("copd").Proposed != nil })
	p := b.draft("copd").Proposed
	if p.Text != text || p.By[0] != "lead-a" || p.Needs != 2 || p.Draft == nil || p.Draft.Backtest == nil || p.Draft.Backtest.Sum != sum || p.Draft.Backtest.Drafted.High != 1 || p.Draft.Backtest.PatientDays != event.Decimal(9_500_000) {
		t.Fatalf("%+v %+v", p.PackVersion, p.Draft)
	}
	if v := b.pack("copd"); v.Version != page.Current.Version {
		t.Fatal("one signature took it live")
	}
	a.refused(409, "needs_second_signer", "POST", "/v1/packs/copd/proposal/sign", SignBody{Sum: sum})
	b.refused(409, "not_waiting", "POST", "/v1/packs/copd/proposal/sign", SignBody{Sum: directory.Sum(old)})
	if status, raw := b.do("POST", "/v1/packs/copd/proposal/sign", SignBody{Sum: sum}, nil); status != 204 {
		t.Fatalf("%d %s", status, raw)
	}
	h.until("it is in effect", func() bool { return b.pack("copd").Version == page.Current.Version+1 })
	if v := b.pack("copd"); strings.Join(v.PublishedBy, ",") != "lead-a,doctor-b" || v.Proposed != nil {
		t.Errorf("published by %v, %+v", v.PublishedBy, v.Proposed)
	}
}

func TestRUL3_WhatIsDeclinedSaysWhyAndTheNextCanBeProposed(t *testing.T) {
	h := openDrafting(t, func(context.Context, backtest.Pack, backtest.Span, func(int64, int64)) (*backtest.Report, error) {
		return nil, ErrNothingRecorded
	})
	a, b := h.signedIn("lead-a", roleLead, nil), h.signedIn("doctor-b", roleDoctor, nil)
	text, based := draftOf(t, "copd"), a.draft("copd").Current.Sum
	if job := h.backtested(a, "copd", text); job.State != backtestFailed || job.Fault == nil || job.Fault.Zh == "" {
		t.Fatalf("%+v", job)
	}
	a.refused(409, "no_reason", "POST", "/v1/packs/copd/proposal", ProposeBody{Text: text, Based: based, Without: " "})
	if status, raw := a.do("POST", "/v1/packs/copd/proposal", ProposeBody{Text: text, Based: based, Without: "nothing is kept here"}, nil); status != 204 {
		t.Fatalf("%d %s", status, raw)
	}
	h.until("it waits", func() bool { return b.draft("copd").Proposed != nil })
	if d := b.draft("copd").Proposed.Draft; d.Backtest != nil || d.Without != "nothing is kept here" || d.Fault != ErrNothingRecorded.Error() {
		t.Errorf("%+v", d)
	}
	sum := directory.Sum(text)
	b.refused(422, "invalid", "POST", "/v1/packs/copd/proposal/decline", DeclineBody{Sum: sum})
	b.refused(409, "no_reason", "POST", "/v1/packs/copd/proposal/decline", DeclineBody{Sum: sum, Why: "  "})
	if status, raw := b.do("POST", "/v1/packs/copd/proposal/decline", DeclineBody{Sum: sum, Why: "untried"}, nil); status != 204 {
		t.Fatalf("%d %s", status, raw)
	}
	h.until("it waits no more", func() bool { return a.draft("copd").Proposed == nil })
	if d := a.draft("copd").Declined; d == nil || d.Why != "untried" || d.By != "doctor-b" || d.Sum != sum {
		t.Errorf("%+v", d)
	}
	b.refused(409, "not_waiting", "POST", "/v1/packs/copd/proposal/sign", SignBody{Sum: sum})
	if status, raw := a.do("POST", "/v1/packs/copd/proposal", ProposeBody{Text: text, Based: based, Without: "again"}, nil); status != 204 {
		t.Fatalf("%d %s", status, raw)
	}
}

// TestSEC5_ADraftIsForWhoSeesEverybody: a pack judges all patients, and a backtest counts them all.
func TestSEC5_ADraftIsForWhoSeesEverybody(t *testing.T) {
	h := openDrafting(t, func(_ context.Context, d backtest.Pack, span backtest.Span, _ func(int64, int64)) (*backtest.Report, error) {
		return counted3(d, span), nil
	})
	text, sum := draftOf(t, "copd"), directory.Sum("x")
	asks := []struct {
		method, path string
		body         any
	}{
		{"GET", "/draft", nil}, {"POST", "/draft/check", DraftBody{Text: text}}, {"GET", "/backtests", nil}, {"POST", "/backtests", BacktestBody{Text: text, Days: 3}}, {"DELETE", "/backtests/x", nil},
		{"POST", "/proposal", ProposeBody{Text: text, Based: sum}}, {"POST", "/proposal/sign", SignBody{Sum: sum}}, {"POST", "/proposal/decline", DeclineBody{Sum: sum, Why: "x"}},
	}
	for _, x := range asks {
		for _, role := range Roles {
			if role != roleLead && role != roleDoctor {
				h.as(role, "of-"+role).refused(403, "role", x.method, "/v1/packs/copd"+x.path, x.body)
			}
		}
		for name, scope := range map[string]*event.Scope{"one": scopeOf([]string{"demo"}), "group": {Groups: []string{"demo/lung"}}, "none": {}} {
			h.ofScope("doctor-"+name, roleDoctor, scope).refused(403, reasonOf(x.path, x.method), x.method, "/v1/packs/copd"+x.path, x.body)
		}
	}
	program := h.as(roleLead, "a-program") // it may look and count; a name under a pack is a person's
	program.draft("copd")
	for _, x := range asks[5:] {
		program.refused(403, "person", x.method, "/v1/packs/copd"+x.path, x.body)
	}
	lead := h.signedIn("lead-a", roleLead, scopeOf([]string{"demo"}))
	lead.refused(403, "relation", "POST", "/v1/packs/copd/proposal/sign", SignBody{Sum: sum})
	var all, part Session
	h.signedIn("lead-b", roleLead, nil).do("GET", "/v1/session", nil, &all)
	if lead.do("GET", "/v1/session", nil, &part); part.May.Draft || !all.May.Draft {
		t.Errorf("the screens are told otherwise: %+v %+v", part.May, all.May)
	}
}

// reasonOf is why a token with a scope is refused: it is no person where one is needed.
func reasonOf(path, _ string) string {
	if strings.HasPrefix(path, "/proposal") {
		return "person"
	}
	return "relation"
}

func TestRUL4_EveryFaultOfADraftIsToldWithItsPlaceAndItsCasesAreRun(t *testing.T) {
	h := openDrafting(t, nil)
	lead := h.signedIn("lead-a", roleLead, nil)
	check := func(text string) (c DraftChecked) {
		t.Helper()
		if status, raw := lead.do("POST", "/v1/packs/copd/draft/check", DraftBody{Text: text}, &c); status != 200 {
			t.Fatalf("%d %s", status, raw)
		}
		return c
	}
	old, next := pack.Library()["copd"], draftOf(t, "copd")
	if c := check(old); len(c.Faults) != 0 || c.Changed || c.Newer || c.Tests.State != "passed" {
		t.Errorf("what is in effect: %+v", c)
	}
	if c := check(next); len(c.Faults) != 0 || !c.Changed || !c.Newer || c.Tests.State != "passed" || c.Sum != directory.Sum(next) {
		t.Errorf("a new version: %+v", c)
	}
	if c := check(strings.Replace(next, "\nlimits:", "\nlimitz:", 1)); len(c.Faults) == 0 || c.Faults[0].Line < 2 || c.Faults[0].Says == "" {
		t.Errorf("an unknown key: %+v", c.Faults)
	}
	if c := check("pack: [\n"); len(c.Faults) == 0 {
		t.Error("no YAML is in order")
	}
	if c := check(pack.Library()["news2"]); len(c.Faults) != 1 || c.Faults[0].Line < 1 || !strings.Contains(c.Faults[0].Says, "news2") {
		t.Errorf("another pack's text: %+v", c.Faults)
	}
	lead.refused(409, "no_backtest", "POST", "/v1/packs/copd/backtests", BacktestBody{Text: next, Days: 7})
	var p Problem
	if status, raw := lead.do("POST", "/v1/packs/copd/proposal", ProposeBody{Text: "pack: copd\n", Based: directory.Sum(old)}, &p); status != 422 || p.Reason != "bad_pack" || len(p.Errors) == 0 {
		t.Errorf("a draft with faults: %d %s", status, raw)
	}
	lead.refused(404, "unknown", "GET", "/v1/packs/nothing/draft", nil)
}

func TestRUL11_OneBacktestRunsAtATimeAndCanBeStopped(t *testing.T) {
	began := make(chan struct{}, 1)
	h := openDrafting(t, func(ctx context.Context, _ backtest.Pack, _ backtest.Span, told func(int64, int64)) (*backtest.Report, error) {
		told(1, 2)
		began <- struct{}{}
		<-ctx.Done()
		return nil, errors.Join(ctx.Err(), errors.New("stopped in the middle"))
	})
	a, b := h.signedIn("lead-a", roleLead, nil), h.signedIn("lead-b", roleLead, nil)
	text := draftOf(t, "copd")
	var job BacktestJob
	if status, raw := a.do("POST", "/v1/packs/copd/backtests", BacktestBody{Text: text, Days: 1}, &job); status != 200 || job.State != "running" {
		t.Fatalf("%d %s", status, raw)
	}
	<-began
	var p Problem
	if status, raw := b.do("POST", "/v1/packs/news2/backtests", BacktestBody{Text: pack.Library()["news2"], Days: 1}, &p); status != http.StatusConflict || p.Reason != "busy" || p.Holder != "lead-a" {
		t.Fatalf("a second one: %d %s", status, raw)
	}
	var list struct{ Backtests []BacktestJob }
	if b.do("GET", "/v1/packs/news2/backtests", nil, &list); len(list.Backtests) != 1 || list.Backtests[0].Pack != "copd" || list.Backtests[0].Done != 1 {
		t.Errorf("what runs for another pack: %+v", list)
	}
	b.refused(404, "unknown", "DELETE", "/v1/packs/news2/backtests/"+job.ID, nil)
	for range 2 { // stopping again changes nothing
		if status, raw := b.do("DELETE", "/v1/packs/copd/backtests/"+job.ID, nil, nil); status != 204 {
			t.Fatalf("%d %s", status, raw)
		}
	}
	h.until("it has stopped", func() bool {
		b.do("GET", "/v1/packs/copd/backtests", nil, &list)
		return list.Backtests[0].State == backtestStopped && list.Backtests[0].Ended != nil
	})
	a.refused(409, "no_backtest", "POST", "/v1/packs/copd/proposal", ProposeBody{Text: text, Based: a.draft("copd").Current.Sum, Without: "I stopped it"})
	if status, raw := a.do("POST", "/v1/packs/copd/backtests", BacktestBody{Text: text, Days: 1}, nil); status != 200 {
		t.Fatalf("the next one: %d %s", status, raw)
	}
	<-began // the server stops while it runs
}

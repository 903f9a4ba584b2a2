package desk

import (
	"encoding/json"
	"net/http"
	"slices"
	"sync"
	"testing"
	"time"

	"tocsin/streams/event"
)

func nights(who ...string) RotaBody {
	all := []int{1, 2, 3, 4, 5, 6, 7}
	return RotaBody{Tenant: "demo", Group: "copd", Step: "nurse", Zone: "Asia/Shanghai", Shifts: []event.RotaShift{
		{Days: all, Holidays: true, From: "18:00", To: "08:00", Accounts: append([]string{}, who...)}}}
}

// put sends a change with the version that was looked at.
func (b *browser) put(path, was string, in, out any) (int, Problem) {
	b.t.Helper()
	var raw json.RawMessage
	status, text := b.do("PUT", path, in, &raw, "If-Match", was)
	var p Problem
	into := any(&p)
	if status == http.StatusOK {
		into = out
	}
	if err := json.Unmarshal(raw, into); err != nil {
		b.t.Fatalf("%d %s: %v", status, text, err)
	}
	return status, p
}

// TestALR10_ARotaIsSetFromAPageAndItsGapsStandThere: the page tells who is on duty, the next hand-over, gaps and who has no
// account; what is wrong stands at its field, in both languages; who may not set one is refused.
func TestALR10_ARotaIsSetFromAPageAndItsGapsStandThere(t *testing.T) {
	h := open(t)
	h.enrol("P-0113", "copd")
	night, err := time.Parse(time.RFC3339, "2026-11-02T22:00:00+08:00") // a Monday
	if err != nil {
		t.Fatal(err)
	}
	st := h.openDesk(func(o *Options) { o.Now = func() time.Time { return night } })
	lead, nurse := h.as("lead", "lead-a"), h.as("nurse", "nurse-x")
	lead.url, nurse.url = st.url, st.url

	if status, p := nurse.put("/v1/duty/rota", "none", nights("nurse-a"), nil); status != 403 {
		t.Errorf("a nurse: %d %+v", status, p)
	}
	bad := nights()
	bad.Shifts[0].From, bad.Holidays = "8 o'clock", []string{"soon"}
	status, p := lead.put("/v1/duty/rota", "none", bad, nil)
	var at []string
	for _, e := range p.Errors {
		at = append(at, e.Where)
		if e.Zh == "" || e.En == "" || e.Zh == e.En {
			t.Errorf("%+v is not said in both languages", e)
		}
	}
	if want := []string{"holidays[0]", "shifts[0].from", "shifts[0].accounts"}; status != 422 || !slices.Equal(at, want) {
		t.Errorf("%d at %v, want %v", status, at, want)
	}

	var set RotaPage
	if status, p := lead.put("/v1/duty/rota", "none", nights("nurse-a"), &set); status != 200 {
		t.Fatalf("%d %+v", status, p)
	}
	var d Duty
	if status, raw := nurse.do("GET", "/v1/duty", nil, &d); status != 200 || len(d.Rotas) != 1 || d.MaySet {
		t.Fatalf("%d %s", status, raw)
	}
	r := d.Rotas[0]
	morning := event.TimeOf(night.Add(10 * time.Hour))
	evening := event.TimeOf(night.Add(20 * time.Hour))
	if r.Version != set.Version || !slices.Equal(r.OnDuty, []string{"nurse-a"}) || !slices.Equal(r.Strangers, []string{"nurse-a"}) || len(r.Gaps) != 14 || r.Gaps[0] != (event.Gap{From: morning, Until: evening}) {
		t.Errorf("%+v", r)
	}
	if r.Next == nil || r.Next.From != evening || r.Spans[0].Until != morning {
		t.Errorf("next %+v after %+v", r.Next, r.Spans[0])
	}
	if n := len(d.Policies); n != 4 || d.Policies[0].Severity != event.High || d.Policies[0].Version != "none" || d.Policies[0].Steps[0].To != "nurse" {
		t.Errorf("what holds without a policy: %+v", d.Policies)
	}
}

// TestALR10_TwoWhoChangeARotaDoNotReplaceEachOthersUnseen: of several who send theirs at the same time, having seen the same, one has it and
// the others are told; what is worked out anew from the same shifts is no change of anybody's.
func TestALR10_TwoWhoChangeARotaDoNotReplaceEachOthersUnseen(t *testing.T) {
	h := open(t)
	h.enrol("P-0113", "copd")
	lead := h.as("lead", "lead-a")
	names := []string{"nurse-a", "nurse-b", "nurse-c", "nurse-d"}
	statuses := make([]int, len(names))
	reasons := make([]string, len(names))
	var all sync.WaitGroup
	for i, name := range names {
		all.Go(func() {
			var set RotaPage
			status, p := lead.put("/v1/duty/rota", "none", nights(name), &set)
			statuses[i], reasons[i] = status, p.Reason
		})
	}
	all.Wait()
	won := slices.Index(statuses, 200)
	for i, status := range statuses {
		if i != won && (status != 409 || reasons[i] != "changed") {
			t.Errorf("%s: %d %s beside %v", names[i], status, reasons[i], statuses)
		}
	}
	var d Duty
	if lead.do("GET", "/v1/duty", nil, &d); won < 0 || len(d.Rotas) != 1 || !slices.Equal(d.Rotas[0].Shifts[0].Accounts, names[won:won+1]) {
		t.Fatalf("%v: %+v", statuses, d.Rotas)
	}
	if status, p := lead.put("/v1/duty/rota", d.Rotas[0].Version, nights("nurse-z"), &d.Rotas[0]); status != 200 {
		t.Errorf("who has seen it: %d %+v", status, p)
	}

	var set PolicyPage
	high := d.Policies[0].PolicyBody
	high.Steps[0].AnswerMs = 120_000
	if status, p := lead.put("/v1/duty/policy", d.Policies[0].Version, high, &set); status != 200 || set.Version != "1" || set.Steps[0].AnswerMs != 120_000 {
		t.Fatalf("%d %+v %+v", status, p, set)
	}
	high.Steps[0].AnswerMs = 60_000
	if status, p := lead.put("/v1/duty/policy", "none", high, nil); status != 409 || p.Reason != "changed" {
		t.Errorf("who has not seen it: %d %+v", status, p)
	}
	high.Steps[0].AnswerMs, high.CareMs = 5, 0
	if status, p := lead.put("/v1/duty/policy", "1", high, nil); status != 422 || len(p.Errors) != 2 || p.Errors[0].Where != "steps[0].answer_ms" || p.Errors[1].Where != "care_ms" {
		t.Errorf("%d %+v", status, p)
	}
}

package deploy

import (
	"fmt"
	"reflect"
	"strings"
	"testing"

	"tocsin/desk"
	"tocsin/rules/pack"
	"tocsin/streams/directory"
)

// TestRUL3_RUL11_ADraftIsBacktestedOnOurOwnLogAndTakenLiveByASecondPerson runs a whole Tocsin. A saturation of 90 % is a low warning by the
// pack in force. A lead changes its bound as a draft; a backtest over the log says that the warning would have been medium, writes nothing and
// warns nobody; the lead proposes it and cannot take it live; a doctor signs, and the next reading is scored by it without a restart.
func TestRUL3_RUL11_ADraftIsBacktestedOnOurOwnLogAndTakenLiveByASecondPerson(t *testing.T) {
	cfg := quietConfig(t.TempDir())
	cfg.History.Off = true
	h := openHospital(t, cfg)
	h.enrol("t1,P-0113,copd,d1,s\nt1,P-0114,copd,d2,s\n")
	h.publish(h.device(h.tcp(), "d1", "s"), "t1", "d1", "m1", spo2(90))
	if w := h.warningOf("P-0113", "deterioration"); w.Severity != "low" {
		t.Fatalf("by the pack in force it is %s", w.Severity)
	}
	lead, doctor := h.signIn("lead-a", "lead"), h.signIn("doctor-b", "doctor")
	was := pack.Library()["copd"]
	text := strings.NewReplacer("\nversion: 2\n", "\nversion: 3\n", "{id: spo2-88, signal: spo2_percent, below: 88,", "{id: spo2-88, signal: spo2_percent, below: 92,").Replace(was)
	before := logEnds(t, h)
	job := h.backtestAtDesk(lead, text)
	if r := job.Result; r == nil || r.Source != "log" || r.Patients != 2 || r.InForce.Low != 1 || r.Drafted.Medium != 1 || r.Drafted.Low != 0 || r.Same != 1 || r.Graver != 1 || r.New+r.Lost != 0 || r.Began == nil {
		t.Fatalf("%+v %+v", job, job.Result)
	}
	after := logEnds(t, h)
	before["audit"]++ // that the lead began one
	if !reflect.DeepEqual(after, before) {
		t.Errorf("the log ended at %v before the backtest and at %v after", before, after)
	}
	if w := h.warningOf("P-0113", "deterioration"); w.Severity != "low" {
		t.Errorf("the backtest changed a live warning to %s", w.Severity)
	}

	sum := directory.Sum(text)
	propose := desk.ProposeBody{Text: text, Based: directory.Sum(was), Without: "two patients are all that this test has"}
	lead.do("POST", "/v1/packs/copd/proposal", propose, nil)
	h.tocsin("pack", "decline", "copd", "--by", "doctor-b", "--why", "not today")
	h.until("the lead reads why", func() error {
		var page desk.DraftPage
		if lead.do("GET", "/v1/packs/copd/draft", nil, &page); page.Declined == nil || page.Declined.Why != "not today" {
			return fmt.Errorf("%+v", page)
		}
		return nil
	})
	lead.do("POST", "/v1/packs/copd/proposal", propose, nil)
	if raw, err := lead.try("POST", "/v1/packs/copd/proposal/sign", desk.SignBody{Sum: sum}); err == nil {
		t.Fatalf("the proposer took it live: %s", raw)
	}
	h.until("the doctor sees what waits", func() error {
		var page desk.DraftPage
		doctor.do("GET", "/v1/packs/copd/draft", nil, &page)
		if page.Proposed == nil || page.Proposed.Sum != sum || page.Proposed.Draft.Backtest == nil || page.Proposed.Draft.Backtest.Drafted.Medium != 1 {
			return fmt.Errorf("%+v", page.Proposed)
		}
		return nil
	})
	doctor.do("POST", "/v1/packs/copd/proposal/sign", desk.SignBody{Sum: sum}, nil)
	d2 := h.device(h.tcp(), "d2", "s")
	n := 0
	h.until("a reading is scored by the new version", func() error {
		n++ // the version is on its way to the partitions when the signature is answered
		h.publish(d2, "t1", "d2", fmt.Sprint("m", n), spo2(90))
		for _, w := range h.warnings("open") {
			if w.Patient == "P-0114" && w.Severity == "medium" {
				return nil
			}
		}
		return fmt.Errorf("%+v", h.warnings("open"))
	})
	var page desk.PackPage
	h.get("/v1/packs/copd", &page)
	if page.Version != 3 || !reflect.DeepEqual(page.PublishedBy, []string{"lead-a", "doctor-b"}) {
		t.Errorf("version %d, signed by %v", page.Version, page.PublishedBy)
	}
}

// backtestAtDesk runs one and waits for its end.
func (h *hospital) backtestAtDesk(by *seat, text string) (job desk.BacktestJob) {
	h.t.Helper()
	by.do("POST", "/v1/packs/copd/backtests", desk.BacktestBody{Text: text, Days: 1}, &job)
	h.until("the backtest's end", func() error {
		var list struct{ Backtests []desk.BacktestJob }
		by.do("GET", "/v1/packs/copd/backtests", nil, &list)
		if job = list.Backtests[0]; job.State == "running" {
			return fmt.Errorf("%d of %d", job.Done, job.Total)
		}
		return nil
	})
	if job.State != "done" {
		h.t.Fatalf("%+v", job)
	}
	return job
}

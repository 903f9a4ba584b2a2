package desk

import (
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"tocsin/rules/pack"
	"tocsin/streams/event"
)

func (b *browser) pack(id string) PackPage {
	b.t.Helper()
	var p PackPage
	if status, raw := b.do("GET", "/v1/packs/"+id, nil, &p); status != 200 {
		b.t.Fatalf("%d %s", status, raw)
	}
	return p
}

func (b *browser) plan(patient string) PatientPlan {
	b.t.Helper()
	var p PatientPlan
	if status, raw := b.do("GET", "/v1/patients/demo/"+patient+"/plan", nil, &p); status != 200 {
		b.t.Fatalf("%d %s", status, raw)
	}
	return p
}

func (h *hospital) group(name, pack string) {
	h.t.Helper()
	if status, raw := h.admin().do("POST", "/v1/admin/groups", GroupBody{Tenant: "demo", Group: name, Pack: pack, Zh: name + "组", En: name}, nil); status != 204 {
		h.t.Fatalf("%d %s", status, raw)
	}
}

// sends brings readings and answers of a patient that were measured some time ago.
func (h *hospital) sends(patient string, ago time.Duration, o event.ObservationRecorded) {
	h.seq++
	now := event.TimeOf(time.Now())
	device := "ox-" + patient
	o.Device, o.BootID, o.Seq, o.Sequenced, o.MeasuredAt, o.ReceivedAt, o.Clock, o.Door = device, 1, int64(h.seq), true, now.Add(-ago), now, event.Clock{Quality: event.ClockOK}, "door"
	h.append("demo/"+patient, event.Envelope{ID: device + "/1/" + itoa(h.seq), Source: "door", Subject: "demo/" + patient, At: now, Data: &o})
}

func kg(text string) []event.Reading {
	v, err := event.ParseDecimal(text)
	if err != nil {
		panic(err)
	}
	return []event.Reading{{Quantity: event.WeightKg, Value: v}}
}

func TestRUL14_APackSaysWhatItWatchesWhoSaysSoAndHowItHasDone(t *testing.T) {
	h := open(t)
	h.group("lung", "copd")
	h.enrol("P-0113", "lung")
	nurse := h.as("nurse", "nurse-a")
	outcomes := []string{event.OutcomeReal, event.OutcomeMeasurement, event.OutcomeReal}
	for i, outcome := range outcomes {
		patient := "P-020" + itoa(i)
		h.enrol(patient, "lung")
		h.measure(patient, 84)
		h.until("a warning of "+patient, func() bool {
			return slices.ContainsFunc(nurse.warnings("open"), func(w Warning) bool { return w.Patient == patient })
		})
		w := nurse.warnings("open")[0]
		if status, _, p := nurse.click("accept", w.ID, "a"+patient, nil); status != 200 {
			t.Fatalf("%+v", p)
		}
		if status, _, p := nurse.click("close", w.ID, "c"+patient, CloseBody{Outcome: outcome, Contacted: true}); status != 200 {
			t.Fatalf("%+v", p)
		}
	}
	h.measure("P-0113", 84) // stays open
	h.until("the record knows all four", func() bool { r := nurse.pack("copd").Record; return r.Complete && r.Last7.All.Raised == 4 })

	p := nurse.pack("copd")
	r := p.Record.Last7
	if !counts(r.All, Tally{Raised: 4, Open: 1, Real: 2, Measurement: 1, Judged: 3}) || *r.All.WD != 1.5 || r.All.Per100 != nil {
		t.Errorf("the record: %+v", r)
	}
	if !slices.ContainsFunc(r.Rules, func(x RuleTally) bool { return x.Rule == "spo2-88" && x.Raised == 4 && x.Real == 2 }) {
		t.Errorf("by rule: %+v", r.Rules)
	}
	if p.Groups != 1 || p.Patients != 4 || len(p.UsedBy) != 1 || p.UsedBy[0].Group != "lung" || p.UsedBy[0].Patients != 4 {
		t.Errorf("used by: %+v, %d patients", p.UsedBy, p.Patients)
	}
	if len(p.Versions) != 1 || !reflect.DeepEqual(p.Versions[0].By, []string{"test"}) || p.Versions[0].Version != p.Version || p.Versions[0].At == 0 {
		t.Errorf("versions: %+v", p.Versions)
	}
	if p.Zh == "" || len(p.Signals) == 0 || len(p.Scores) == 0 || len(p.Rules) == 0 || len(p.Limits) == 0 {
		t.Errorf("what it watches: %+v", p.PackHead)
	}
	for _, l := range p.Limits {
		if !slices.ContainsFunc(p.Sources, func(s PackSource) bool { return s.ID == l.Source && s.Evidence != "" && s.Cite != "" }) {
			t.Errorf("limit %s has no source", l.ID)
		}
	}
	if p.Tests.State != "passed" || len(p.Tests.Cases) == 0 || p.Tests.Cases[0].Text == "" {
		t.Errorf("tests: %+v", p.Tests)
	}
	var list struct{ Packs []PackHead }
	if nurse.do("GET", "/v1/packs", nil, &list); len(list.Packs) != len(pack.Library()) {
		t.Errorf("%d packs of %d", len(list.Packs), len(pack.Library()))
	}
	if i := slices.IndexFunc(list.Packs, func(x PackHead) bool { return x.ID == "copd" }); i < 0 || list.Packs[i].Patients != 4 || list.Packs[i].Last30.Raised != 4 {
		t.Errorf("got %+v", list.Packs)
	}
	if status, _ := nurse.do("GET", "/v1/packs/nothing", nil, nil); status != 404 {
		t.Errorf("a pack that there is not: %d", status)
	}
	if status, _ := h.browser(h.url).do("GET", "/v1/packs", nil, nil); status != 401 {
		t.Errorf("without having signed in: %d", status)
	}
	if status, _ := h.as("auditor", "auditor-1").do("GET", "/v1/patients/demo/P-0113/plan", nil, nil); status != 403 {
		t.Errorf("an auditor sees a patient's plan: %d", status)
	}
}

// The tables of NEWS2 come out as the chart prints them, though they are kept with the rounding folded in.
func TestAScoreIsToldAsTheChartPrintsIt(t *testing.T) {
	c, err := pack.Compile(pack.Library()["news2"])
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, part := range pageOf(c).Scores[0].Parts {
		for _, table := range part.Tables {
			line := part.Quantity.String() + " " + itoa(table.Scale) + table.Oxygen + ":"
			for _, cell := range table.Cells {
				to := "…"
				if cell.To != nil {
					to = cell.To.String()
				}
				line += " " + to + "=" + itoa(cell.Points)
			}
			got = append(got, line)
		}
	}
	for _, want := range []string{
		"respiration_per_min 0: 8=3 11=1 20=0 24=2 …=3",
		"spo2_percent 1: 91=3 93=2 95=1 …=0",
		"spo2_percent 2air: 83=3 85=2 87=1 …=0",
		"spo2_percent 2oxygen: 83=3 85=2 87=1 92=0 94=1 96=2 …=3",
		"temperature_cel 0: 35=3 36=1 38=0 39=1 …=2",
	} {
		if !slices.Contains(got, want) {
			t.Errorf("no %q among\n%s", want, strings.Join(got, "\n"))
		}
	}
}

func TestACaseThatFailsIsNamedWithWhatWentOtherwise(t *testing.T) {
	text, cases := pack.Library()["copd"], pack.Cases()["copd"]
	good := tryCases("copd", text, cases)
	bad := tryCases("copd", text, strings.Replace(cases, "severity: none", "severity: high", 1))
	if good.State != "passed" || bad.State != "failed" || len(bad.Cases) != len(good.Cases) {
		t.Fatalf("%s, %s: %s%s", good.State, bad.State, good.Fault, bad.Fault)
	}
	failed := 0
	for _, c := range bad.Cases {
		if c.Name == "" || c.Passed != (len(c.Faults) == 0) {
			t.Errorf("got %+v", c)
		}
		if !c.Passed {
			failed++
		}
	}
	if failed != 1 {
		t.Errorf("%d cases failed", failed)
	}
	if none := tryCases("mine", text, ""); none.State != "none" {
		t.Errorf("got %+v", none)
	}
}

func TestRUL5_ThePlanSaysWhoseNumberItIsWhoSetItAndUntilWhen(t *testing.T) {
	h := open(t)
	h.group("heart", "heart-failure")
	h.enrol("P-0027", "heart")
	nurse, doctor := h.as("nurse", "nurse-a"), h.as("doctor", "dr-b")
	param := func() PlanParam {
		for _, r := range nurse.plan("P-0027").Rules {
			if r.Rule == "weight-3d" {
				return r.Params[0]
			}
		}
		t.Fatal("there is no weight-3d")
		return PlanParam{}
	}
	if p := param(); p.From != "pack" || p.Value != event.Int(2) || p.SetBy != "" {
		t.Fatalf("the pack's: %+v", p)
	}
	half, one := event.Decimal(2_500_000), event.Int(1)
	group := GroupBody{Tenant: "demo", Group: "heart", Pack: "heart-failure", Overrides: []event.Override{{Rule: "weight-3d", Param: "kg", Value: &half}, {Rule: "systolic-170", Param: "bound", Value: ptr(event.Int(165))}}}
	if status, raw := h.admin().do("POST", "/v1/admin/groups", group, nil); status != 204 {
		t.Fatal(raw)
	}
	h.until("the group's number holds", func() bool { return param().From == "group" })
	if p := param(); p.Value != half || p.Pack != event.Int(2) || p.SetBy == "" || p.SetAt == nil {
		t.Errorf("the group's: %+v", p)
	}
	until := event.TimeOf(time.Now().Add(14 * 24 * time.Hour))
	plan := PlanBody{Tenant: "demo", Patient: "P-0027", Plan: event.Plan{Overrides: []event.Override{{Rule: "weight-3d", Param: "kg", Value: &one, Until: &until, Why: "small and frail"}, {Rule: "hf-dizzy", Off: true}, {Rule: "no-such-rule", Param: "kg", Value: &one}}}}
	if status, raw := doctor.do("POST", "/v1/admin/plans", plan, nil); status != 204 {
		t.Fatal(raw)
	}
	h.until("the patient's number holds", func() bool { return param().From == "patient" })
	if p := param(); p.Value != one || p.SetBy != "dr-b" || p.Until == nil || *p.Until != until || p.Why != "small and frail" {
		t.Errorf("the patient's: %+v", p)
	}
	holds := map[string]bool{}
	got := nurse.plan("P-0027")
	for _, o := range got.Overrides {
		holds[o.From+" "+o.Rule] = o.Holds
	}
	if want := map[string]bool{"patient weight-3d": true, "patient hf-dizzy": true, "patient no-such-rule": false, "group weight-3d": false, "group systolic-170": true}; !reflect.DeepEqual(holds, want) {
		t.Errorf("overrides: %v", holds)
	}
	for _, r := range got.Rules {
		if r.Off != (r.Rule == "hf-dizzy") {
			t.Errorf("%s off: %t", r.Rule, r.Off)
		}
	}
	for _, w := range got.Watched {
		for _, b := range w.Bounds {
			if b.Rule == "systolic-170" && (b.Bound != event.Int(165) || b.From != "group" || b.Pack != "heart-failure") {
				t.Errorf("got %+v", b)
			}
		}
	}

	// Who names no overrides keeps those that stand; an empty list clears them.
	h.group("heart", "heart-failure")
	if g, _ := h.view.Group("demo", "heart"); len(g.Overrides) != 2 || g.En != "heart" {
		t.Errorf("the group has %+v", g)
	}
	doctor.do("POST", "/v1/admin/plans", PlanBody{Tenant: "demo", Patient: "P-0027", Plan: event.Plan{AgeYears: 71}}, nil)
	if p, _ := h.view.Patient("demo", "P-0027"); p.Plan.AgeYears != 71 || len(p.Plan.Overrides) != 3 || p.Plan.Overrides[0].By != "dr-b" {
		t.Errorf("the plan is %+v", p.Plan)
	}
	if status, raw := h.admin().do("POST", "/v1/admin/groups", map[string]any{"tenant": "demo", "group": "heart", "pack": "heart-failure", "overrides": []any{}}, nil); status != 204 {
		t.Fatal(raw)
	}
	if g, _ := h.view.Group("demo", "heart"); len(g.Overrides) != 0 {
		t.Errorf("cleared, the group has %+v", g)
	}
}

func ptr[T any](v T) *T { return &v }

func TestRUL6_ThePlanOfAPatientWithSeveralPacksListsWhatTheyDisagreeOn(t *testing.T) {
	h := open(t)
	h.group("heart", "heart-failure")
	h.group("pressure", "hypertension")
	h.group("asthma", "asthma")
	h.enrol("P-0042", "heart")
	nurse, doctor := h.as("nurse", "nurse-a"), h.as("doctor", "dr-b")
	if _, err := h.asker.Ask(soon(t), &event.EnrolRequested{Tenant: "demo", Patient: "P-0042", Group: "heart", Also: []string{"asthma", "pressure"}, Device: "ox-P-0042", TokenSHA256: sumOf("P-0042"), By: "test"}); err != nil {
		t.Fatal(err)
	}
	h.until("the patient has three packs", func() bool { return len(nurse.plan("P-0042").Groups) == 3 })
	p := nurse.plan("P-0042")
	if p.Groups[0].Pack != "heart-failure" || p.Groups[0].Version == 0 || p.Groups[0].PackZh == "" {
		t.Errorf("groups: %+v", p.Groups)
	}
	if len(p.Conflicts) == 0 || p.Conflicts[0].Quantity == nil || *p.Conflicts[0].Quantity != event.SystolicMmHg || !p.Conflicts[0].Blocks || p.Conflicts[0].Took != "heart-failure" ||
		!reflect.DeepEqual(p.Conflicts[0].Packs, []string{"heart-failure", "hypertension"}) {
		t.Fatalf("conflicts: %+v", p.Conflicts)
	}
	systolic := func(p PatientPlan) (packs []string) {
		for _, w := range p.Watched {
			for _, b := range w.Bounds {
				if w.Quantity == event.SystolicMmHg && !b.Danger && !slices.Contains(packs, b.Pack) {
					packs = append(packs, b.Pack)
				}
			}
		}
		return packs
	}
	if got := systolic(p); !reflect.DeepEqual(got, []string{"heart-failure"}) {
		t.Errorf("two-sided bounds were mixed: %v", got)
	}
	if len(p.Missing) == 0 || !slices.ContainsFunc(p.Missing, func(f PlanFact) bool { return f.Zh != "" && len(f.Rules) > 0 }) {
		t.Errorf("missing facts: %+v", p.Missing)
	}
	fact := p.Missing[0].Name

	// A doctor chooses, and enters what was missing.
	plan := event.Plan{Chosen: map[event.Quantity]string{event.SystolicMmHg: "hypertension"}, Facts: map[string]event.Decimal{fact: event.Int(420)}}
	if status, raw := doctor.do("POST", "/v1/admin/plans", PlanBody{Tenant: "demo", Patient: "P-0042", Plan: plan}, nil); status != 204 {
		t.Fatal(raw)
	}
	h.until("the choice holds", func() bool { return reflect.DeepEqual(systolic(nurse.plan("P-0042")), []string{"hypertension"}) })
	p = nurse.plan("P-0042")
	i := slices.IndexFunc(p.Conflicts, func(c PlanConflict) bool { return c.Quantity != nil && *c.Quantity == event.SystolicMmHg })
	if i < 0 || p.Conflicts[i].Blocks || p.Conflicts[i].Took != "hypertension" || p.Chosen["systolic_mmhg"] != "hypertension" {
		t.Errorf("the conflict stays listed: %+v", p.Conflicts)
	}
	if slices.ContainsFunc(p.Missing, func(f PlanFact) bool { return f.Name == fact }) || !slices.ContainsFunc(p.Facts, func(f PlanFact) bool { return f.Name == fact && f.Value != nil && !f.Usual }) {
		t.Errorf("facts: %+v, missing %+v", p.Facts, p.Missing)
	}
	if status, _ := nurse.do("GET", "/v1/patients/demo/P-9999/plan", nil, nil); status != 404 {
		t.Errorf("somebody who is not there: %d", status)
	}
}

func TestRUL10_AWarningSaysWhatItsConditionSaw(t *testing.T) {
	h := open(t)
	h.group("heart", "heart-failure")
	h.group("pressure", "hypertension")
	h.enrol("P-0027", "heart")
	if _, err := h.asker.Ask(soon(t), &event.EnrolRequested{Tenant: "demo", Patient: "P-0027", Group: "heart", Also: []string{"pressure"}, Device: "ox-P-0027", TokenSHA256: sumOf("P-0027"), By: "test"}); err != nil {
		t.Fatal(err)
	}
	nurse := h.as("nurse", "nurse-a")
	h.until("the patient has two packs", func() bool { return len(nurse.plan("P-0027").Groups) == 2 })
	h.sends("P-0027", 2*time.Minute, event.ObservationRecorded{Readings: kg("80")})
	h.sends("P-0027", time.Minute, event.ObservationRecorded{Readings: kg("82.6"), Answers: []event.Answer{{Code: "breathless_at_night", Value: event.One}}})
	find := func() (Warning, *event.Reason) {
		for _, w := range nurse.warnings("open") {
			for i := range w.Reasons {
				if w.Reasons[i].Rule == "weight-3d" {
					return w, &w.Reasons[i]
				}
			}
		}
		return Warning{}, nil
	}
	h.until("the weight warns", func() bool { _, r := find(); return r != nil })
	w, r := find()
	if r.When != `rise(weight_kg, "72h") > kg` || r.Pack != "heart-failure" || len(r.Inputs) != 2 {
		t.Fatalf("got %+v", r)
	}
	if in := r.Inputs[0]; in.Name != `rise(weight_kg, "3d")` || in.Value == nil || in.Value.String() != "2.6" || in.MeasuredAt == nil || in.Unit != "kg" {
		t.Errorf("got %+v", in)
	}
	if in := r.Inputs[1]; in.Name != "kg" || in.From != "pack" {
		t.Errorf("got %+v", in)
	}
	var story WarningStory
	if status, raw := nurse.do("GET", "/v1/warnings/"+w.ID, nil, &story); status != 200 {
		t.Fatal(raw)
	}
	if story.Names["weight-3d:kg"].Zh != "三天增重" || story.Names["breathless_at_night"].En == "" {
		t.Errorf("names: %v", story.Names)
	}
	var board struct{ Patients []Row }
	nurse.do("GET", "/v1/groups/demo/heart", nil, &board)
	i := slices.IndexFunc(board.Patients[0].Measures, func(m RowMeasure) bool { return m.ID == "weight_gain_3d" })
	if i < 0 || board.Patients[0].Measures[i].Value == nil || *board.Patients[0].Measures[i].Value != 2.6 || board.Patients[0].Measures[i].Zh == "" {
		t.Errorf("measures: %+v", board.Patients[0].Measures)
	}
}

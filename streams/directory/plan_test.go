package directory

import (
	"errors"
	"fmt"
	"math"
	"reflect"
	"slices"
	"strings"
	"testing"

	"tocsin/streams"
	"tocsin/streams/event"
)

func alsoIn(r *event.EnrolRequested, also ...string) *event.EnrolRequested {
	r.Also = also
	return r
}

// Somebody with more than one disease: each of his groups is there or is made with its pack, and he moves between them.
func TestRUL6_PatientInSeveralGroups(t *testing.T) {
	w := newWorld(t)
	w.want(&event.PackRequested{Pack: "heart-failure", Version: 1, Text: "heart-failure 1"}, "pack.published")
	facts, _ := w.ask(alsoIn(row("t1", "P-0113", "copd", "d1"), "heart-failure", "diabetes"))
	if got := types(facts); got != "tenant.created group.set group.set group.set patient.enrolled device.bound" {
		t.Fatalf("decided %s", got)
	}
	for group, pack := range map[string]string{"copd": DefaultPack, "heart-failure": "heart-failure", "diabetes": DefaultPack} {
		if g := w.at[GroupKey("t1", group)].Group; g == nil || g.Group != group || g.Pack != pack {
			t.Errorf("group %s is %+v", group, g)
		}
	}
	enrolled := facts[4].(*event.PatientEnrolled)
	if enrolled.Group != "copd" || !reflect.DeepEqual(enrolled.Also, []string{"diabetes", "heart-failure"}) {
		t.Errorf("enrolled as %+v", enrolled)
	}
	w.want(alsoIn(row("t1", "P-0113", "copd", "d1"), "diabetes", "heart-failure"), "") // another order says the same
	w.want(alsoIn(row("t1", "P-0113", "copd", "d1"), "heart-failure"), "patient.grouped")
	w.want(alsoIn(row("t1", "P-0113", "heart-failure", "d1"), "copd"), "patient.grouped")
	facts, _ = w.ask(alsoIn(row("t1", "P-0113", "heart-failure", ""), "kidney"))
	if got := types(facts); got != "group.set patient.grouped" {
		t.Errorf("decided %s", got)
	}
	if g := facts[1].(*event.PatientGrouped); g.Was != "heart-failure" || fmt.Sprint(g.Also) != "[kidney]" {
		t.Errorf("moved as %+v", g)
	}
	w.want(row("t1", "P-0113", "heart-failure", "d1"), "patient.grouped")
	if p := w.at["patient/t1/P-0113"].Patient; p.Group != "heart-failure" || p.Also != nil {
		t.Errorf("the patient is %+v", p)
	}
	w.want(&event.PlanRequested{Tenant: "t1", Patient: "P-0113", Plan: event.Plan{AgeYears: 71}}, "plan.changed")
	w.want(alsoIn(row("t1", "P-0113", "copd", "d1"), "kidney"), "patient.grouped")
	w.want(&event.PlanRequested{Tenant: "t1", Patient: "P-0113", Plan: event.Plan{AgeYears: 72}}, "plan.changed")
	if p := w.at["patient/t1/P-0113"].Patient; p.Group != "copd" || fmt.Sprint(p.Also) != "[kidney]" || p.Plan.AgeYears != 72 {
		t.Errorf("the patient is %+v", p)
	}
}

func TestFurtherGroupsAreHeldToTheirNames(t *testing.T) {
	w := newWorld(t)
	for _, also := range [][]string{{"copd"}, {"a", "a"}, {""}, {"a/b"}, {"a+b"}, strings.Split("a b c d e f g h", " ")} {
		w.want(alsoIn(row("t1", "P-0113", "copd", "d1"), also...), "refused:bad_name")
	}
	if w.at["patient/t1/P-0113"].Patient != nil || w.at["tenant/t1"].Tenant {
		t.Error("a refused row left something behind")
	}
}

func override(rule, param, value string) event.Override {
	o := event.Override{Rule: rule, Param: param}
	if value != "" {
		v, err := event.ParseDecimal(value)
		if err != nil {
			panic(err)
		}
		o.Value = &v
	}
	return o
}

func TestRUL5_PlanIsHeldToItsForm(t *testing.T) {
	w := newWorld(t)
	w.ask(row("t1", "P-1", "ward", "d1"))
	w.now = 1000
	past, value := event.Time(900), event.Int(1)
	off := event.Override{Rule: "spo2-88", Off: true}
	for name, p := range map[string]event.Plan{
		"months of another age":     {AgeYears: 4, AgeMonths: 47},
		"months below zero":         {AgeMonths: -1},
		"a fact that is no code":    {Facts: map[string]event.Decimal{"Best-PEF": 1}},
		"a fact with its own place": {Facts: map[string]event.Decimal{"age_years": event.Int(7)}},
		"a fact that is measured":   {Facts: map[string]event.Decimal{"systolic_mmhg": event.Int(120)}},
		"no rule":                   {Overrides: []event.Override{override("", "bound", "88")}},
		"a rule that is no id":      {Overrides: []event.Override{override("a/b/c", "bound", "88")}},
		"nothing changed":           {Overrides: []event.Override{{Rule: "spo2-88"}}},
		"no value":                  {Overrides: []event.Override{override("spo2-88", "bound", "")}},
		"no param":                  {Overrides: []event.Override{override("spo2-88", "", "88")}},
		"a param that is no name":   {Overrides: []event.Override{override("spo2-88", "Bound", "88")}},
		"off and a number":          {Overrides: []event.Override{{Rule: "spo2-88", Off: true, Param: "bound", Value: &value}}},
		"twice":                     {Overrides: []event.Override{override("spo2-88", "bound", "88"), override("spo2-88", "bound", "86")}},
		"until what has passed":     {Overrides: []event.Override{{Rule: "spo2-88", Off: true, Until: &past}}},
		"why without end":           {Overrides: []event.Override{{Rule: "spo2-88", Off: true, Why: strings.Repeat("x", 501)}}},
		"a cadence of millenia":     {CadenceMs: map[event.Quantity]int64{event.SpO2Percent: math.MaxInt64}}, // a fold that adds it to a moment would come to one in the past
		"a cadence below zero":      {CadenceMs: map[event.Quantity]int64{event.SpO2Percent: -1}},
		"a cadence of a blink":      {CadenceMs: map[event.Quantity]int64{event.SpO2Percent: 999}},
		"a window that ends before": {Pauses: []event.Pause{{From: 2, Until: 1}}},
		"a window on an eighth day": {Pauses: []event.Pause{{From: 1, Until: 2, Days: []int{8}, LengthMin: 60}}},
		"a window without a length": {Pauses: []event.Pause{{From: 1, Until: 2, Days: []int{1}}}},
		"a window of millenia":      {Pauses: []event.Pause{{From: 1, Until: 2, Days: []int{1}, LengthMin: math.MaxInt64}}},
		"a window before midnight":  {Pauses: []event.Pause{{From: 1, Until: 2, Days: []int{1}, StartMin: -1, LengthMin: 60}}},
		"a length without a day":    {Pauses: []event.Pause{{From: 1, Until: 2, LengthMin: 60}}},
		"a window in no zone":       {Pauses: []event.Pause{{From: 1, Until: 2, ZoneMin: math.MinInt64}}},
		"windows without end":       {Pauses: slices.Repeat([]event.Pause{{From: 1, Until: 2}}, 33)},
		"a choice without a pack":   {Chosen: map[event.Quantity]string{event.SpO2Percent: ""}},
	} {
		t.Run(name, func(t *testing.T) {
			w.t = t
			w.want(&event.PlanRequested{Tenant: "t1", Patient: "P-1", Plan: p, By: "dr-1"}, "refused:bad_plan")
		})
	}
	w.t = t
	w.want(&event.PlanRequested{Tenant: "t1", Patient: "P-1", Plan: event.Plan{Overrides: []event.Override{off}}}, "refused:bad_plan") // nobody's word
	whole := event.Plan{AgeYears: 4, AgeMonths: 50, Facts: map[string]event.Decimal{"best_peak_flow_l_per_min": event.Int(200)}, Chosen: map[event.Quantity]string{event.SpO2Percent: "copd"},
		CadenceMs: map[event.Quantity]int64{event.SpO2Percent: 0, event.PulsePerMin: MostCadenceMs, event.WeightKg: 1000},
		Pauses:    []event.Pause{{From: 1, Until: 2, Why: "travel"}, {From: 1, Until: 2, Days: []int{1, 3, 5}, StartMin: 480, LengthMin: 300, ZoneMin: 480, Why: "dialysis"}},
		Overrides: []event.Override{off, override("spo2-90", "bound", "86"), override("copd/spo2-90", "hold_min", "10")}}
	w.want(&event.PlanRequested{Tenant: "t1", Patient: "P-1", Plan: whole, By: "dr-1"}, "plan.changed")
	w.want(&event.PlanRequested{Tenant: "t1", Patient: "P-1", Plan: whole, By: "dr-2"}, "") // it says the same, so it stays whose it was
}

// Who changed a rule and when is what the registrar saw, and no change takes another's name away.
func TestRUL5_OverridesAreSignedByWhoAsked(t *testing.T) {
	w := newWorld(t)
	w.ask(row("t1", "P-1", "ward", "d1"))
	w.now = 1000
	until := event.Time(1010)
	first := override("spo2-88", "bound", "86")
	first.Until, first.By, first.At = &until, "somebody-else", 5
	ask := func(by string, os ...event.Override) []event.Override {
		t.Helper()
		w.want(&event.PlanRequested{Tenant: "t1", Patient: "P-1", Plan: event.Plan{Overrides: os}, By: by}, "plan.changed")
		return w.at["patient/t1/P-1"].Patient.Plan.Overrides
	}
	got := ask("dr-1", first)
	if got[0].By != "dr-1" || got[0].At != 1001 {
		t.Fatalf("signed %+v", got[0])
	}
	w.now = 2000 // the first has ended since, and still stands in the plan as it was
	got = ask("dr-2", got[0], override("pulse-40", "bound", "38"))
	if got[0].By != "dr-1" || got[0].At != 1001 || got[1].By != "dr-2" || got[1].At != 2001 {
		t.Fatalf("signed %+v", got)
	}
	again := override("spo2-88", "bound", "85")
	if got = ask("dr-2", again, got[1]); got[0].By != "dr-2" || got[0].At != 2002 || got[1].At != 2001 {
		t.Fatalf("signed %+v", got)
	}
}

func TestRUL5_GroupOverrides(t *testing.T) {
	w := newWorld(t)
	w.ask(&event.PackRequested{Pack: "copd", Version: 1, Text: "copd 1"})
	ask := func(by string, os ...event.Override) *event.GroupRequested {
		return &event.GroupRequested{Tenant: "t1", Group: "copd", Pack: "copd", Overrides: os, By: by}
	}
	past := event.Time(1)
	w.want(ask("dr-1", override("spo2-88", "bound", "")), "refused:bad_plan")
	w.want(ask("dr-1", event.Override{Rule: "spo2-88", Off: true, Until: &past}), "refused:bad_plan")
	if w.at["tenant/t1"].Tenant {
		t.Fatal("a refused group left its tenant behind")
	}
	w.want(ask("dr-1", override("spo2-88", "bound", "86")), "tenant.created group.set")
	w.want(ask("dr-2", override("spo2-88", "bound", "86")), "")
	if o := w.at["group/t1/copd"].Group.Overrides; len(o) != 1 || o[0].By != "dr-1" || o[0].At == 0 {
		t.Fatalf("the group has %+v", o)
	}
	w.want(ask("dr-2", override("spo2-88", "bound", "85")), "group.set")
	w.want(ask("dr-2"), "group.set")
}

// What a row says of several groups reaches the view and the partition of the patient.
func TestRUL6_ImportOfSeveralGroups(t *testing.T) {
	s := start(t, streams.NewMemory(partitions))
	s.mustImport("t1,P-0113,copd + heart-failure+diabetes,d1,x\nt1,P-0114,heart-failure,d2,x\n")
	if p, _ := s.view.Patient("t1", "P-0113"); p.Group != "copd" || fmt.Sprint(p.Also) != "[diabetes heart-failure]" {
		t.Fatalf("got %+v", p)
	}
	if got := fmt.Sprint(s.view.Patients("t1", "heart-failure"), s.view.Patients("t1", "copd")); got != "[P-0113 P-0114] [P-0113]" {
		t.Errorf("members %s", got)
	}
	s.mustAsk(&event.PlanRequested{Tenant: "t1", Patient: "P-0113", Plan: event.Plan{AgeYears: 71}})
	if p, _ := s.view.Patient("t1", "P-0113"); len(p.Also) != 2 || p.Plan == nil {
		t.Errorf("a plan took the groups away: %+v", p)
	}
	eventually(t, func() error {
		partition := streams.PartitionOf("t1/P-0113", partitions)
		for _, r := range s.log.Records(streams.Inputs, partition) {
			e, err := event.Decode(r.Headers, r.Value)
			if err != nil {
				return err
			}
			if d, ok := e.Data.(*event.PatientEnrolled); ok && d.Patient == "P-0113" {
				if d.Group != "copd" || fmt.Sprint(d.Also) != "[diabetes heart-failure]" {
					return fmt.Errorf("handed on as %+v", d)
				}
				return nil
			}
		}
		return errors.New("not handed on yet")
	})
}

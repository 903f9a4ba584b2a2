package demo

import (
	"encoding/json"
	"fmt"
	"slices"
	"sort"
	"strings"
	"testing"
	"time"

	"tocsin/alerts"
	"tocsin/care"
	"tocsin/ingest"
	"tocsin/rules"
	"tocsin/rules/pack"
	"tocsin/streams"
	"tocsin/streams/directory"
	"tocsin/streams/event"
)

// compile is as in deploy: one for all.
var compile = pack.Remembering()

// sent is one upload of the whole ward, in the order of sending.
type sent struct {
	p   *Patient
	seq int64
	u   upload
}

// TestWardTellsItsStories runs the whole ward through door and cores in virtual time: history first, then an hour. Whoever
// has no course stays quiet, the first warning and the first high come soon, and each course ends where it should, at
// whatever time of day somebody lets the ward in; the packs' days begin at 16:00 UTC.
func TestWardTellsItsStories(t *testing.T) {
	for _, at := range []string{"03:00", "10:20", "15:45", "16:02", "21:30"} {
		t.Run(at, func(t *testing.T) {
			begin, err := time.Parse(time.RFC3339, "2026-03-02T"+at+":00Z")
			if err != nil {
				t.Fatal(err)
			}
			tells(t, NewWard(), begin)
		})
	}
}

func tells(t *testing.T, w *Ward, begin time.Time) {
	if len(w.Patients) != 40 {
		t.Fatalf("%d patients", len(w.Patients))
	}
	told := w.simulate(t, begin, time.Hour)
	quiet, raised := 0, 0
	firsts := map[event.Severity]time.Duration{}
	for _, p := range w.Patients {
		if len(told[p.ID].warnings) == 0 {
			quiet++
		} else if p.Course == nil {
			t.Errorf("%s has no course and was warned of: %v", p.ID, told[p.ID].warnings)
		}
		for _, r := range told[p.ID].warnings {
			after := r.at.Std().Sub(begin)
			t.Logf("%8s  %s %s %s  %s", after, p.ID, r.problem, r.severity, r.rules)
			if r.raised {
				raised++
			}
			if after < 0 { // the packs of P-0117 disagree before anybody measures; nothing else may say a word
				if !slices.Equal(r.rules, []string{rules.RuleConflict + ":systolic_mmhg"}) {
					t.Errorf("%s: %v by what lies in the past", p.ID, r.rules)
				}
				continue
			}
			if first, ok := firsts[r.severity]; !ok || after < first {
				firsts[r.severity] = after
			}
		}
		p.ended(t, told[p.ID])
	}
	if quiet < 25 {
		t.Errorf("%d stay quiet", quiet)
	}
	if raised > mostInAnHour {
		t.Errorf("%d warnings in the hour", raised)
	}
	if firsts[event.Low] > 20*time.Second || firsts[event.High] > 35*time.Second {
		t.Errorf("the first come after %v", firsts)
	}
}

// ended holds a course to its end.
func (p *Patient) ended(t *testing.T, its *story) {
	if p.Course == nil {
		return
	}
	want, ok := ends[p.ID]
	if got := worst(its.warnings); !ok || got != want.worst {
		t.Errorf("%s (%s): %q, want %q", p.ID, p.Course.Story, got, want.worst)
	}
	for _, rule := range strings.Fields(want.rules) {
		if !slices.Contains(its.rules, rule) {
			t.Errorf("%s (%s): no %s among %v", p.ID, p.Course.Story, rule, its.rules)
		}
	}
}

// mostInAnHour is how many warnings the ward may raise in its first hour: one for each of the fifteen who have something to
// tell, and one more for the seven of them who fall silent besides.
const mostInAnHour = 15 + 7

// ends says for each course the gravest warning of each problem, and rules that must be among the reasons; a number that
// somebody changed stands with whose it is and who set it.
var ends = map[string]struct{ worst, rules string }{
	"P-0103": {"", ""},
	"P-0106": {"deterioration:high", "spo2-danger"},
	"P-0107": {"deterioration:medium", "diary-2d"},
	"P-0110": {"deterioration:medium silence:medium", "spo2-88"},
	"P-0112": {"", ""},
	"P-0113": {"deterioration:high", "spo2-own-low-4@patient/dr-demo"},
	"P-0117": {"deterioration:low silence:low", "plan-conflict:systolic_mmhg mean-stage2"},
	"P-0118": {"deterioration:medium", "weight-3d hf-lying hf-swelling"},
	"P-0120": {"", ""},
	"P-0121": {"deterioration:medium", "weight-3d@patient/dr-demo hf-breathless spo2-drop glucose-low"},
	"P-0122": {"", ""},
	"P-0125": {"deterioration:low silence:low", "systolic-180-twice"},
	"P-0126": {"deterioration:medium silence:medium", "systolic-180-twice diastolic-120-twice"},
	"P-0131": {"deterioration:medium", "fever-38-5 wound-discharging"},
	"P-0133": {"deterioration:high", "glucose-danger"},
	"P-0134": {"deterioration:medium silence:low", "check-ketones@group/dr-demo ketone-risk"},
	"P-0136": {"deterioration:high silence:medium", "peak-red"},
	"P-0137": {"", ""},
	"P-0138": {"deterioration:high", "pre-eclampsia-symptoms severe"},
	"P-0140": {"deterioration:high silence:low", "fever-sustained"},
}

// TestQuietStayQuietAllDay holds the twenty-five over a day and a night to what is more than the bar of 0.3 warnings a
// patient-day: to none, for nobody closes a warning here and what stays open could be raised but once.
func TestQuietStayQuietAllDay(t *testing.T) {
	if testing.Short() {
		t.Skip("folds a day")
	}
	w := NewWard()
	w.Patients = slices.DeleteFunc(w.Patients, func(p *Patient) bool { return p.Course != nil && ends[p.ID].worst != "" })
	if len(w.Patients) != 25 {
		t.Errorf("%d are to stay quiet", len(w.Patients))
	}
	begin := time.Date(2026, 3, 2, 3, 0, 0, 0, time.UTC)
	for id, told := range w.simulate(t, begin, 24*time.Hour) {
		for _, r := range told.warnings {
			t.Errorf("%s after %s: %s %s %s", id, r.at.Std().Sub(begin), r.problem, r.severity, r.rules)
		}
	}
}

type warning struct {
	at       event.Time
	problem  string
	severity event.Severity
	raised   bool // not: worsened
	rules    []string
}

// story is what became of a patient: warnings, and every rule that was ever among the reasons.
type story struct {
	warnings []warning
	rules    []string
}

// worst names the problems with the gravest severity each had.
func worst(all []warning) string {
	gravest := map[string]event.Severity{}
	for _, r := range all {
		gravest[r.problem] = max(gravest[r.problem], r.severity)
	}
	var out []string
	for problem, s := range gravest {
		out = append(out, problem+":"+s.String())
	}
	sort.Strings(out)
	return strings.Join(out, " ")
}

// named answers the rules of reasons, with whose the bound is when it is not the pack's.
func named(reasons []event.Reason) (rules []string) {
	for _, r := range reasons {
		if r.SetBy != "" {
			r.Rule += "@" + r.From + "/" + r.SetBy
		}
		rules = append(rules, r.Rule)
	}
	return rules
}

// signed is what the registrar makes of changed rules.
func signed(overrides []event.Override) []event.Override {
	all := slices.Clone(overrides)
	for i := range all {
		all[i].By, all[i].At = doctor, orderedAt
	}
	return all
}

// simulate folds what the ward sends into one partition, with a door that beats.
func (w *Ward) simulate(t *testing.T, begin time.Time, span time.Duration) map[string]*story {
	parts := streams.Join([3]string{"rules", "alerts", "care"}, streams.Machine[rules.State, rules.Facts](rules.Core{Compile: compile}),
		streams.Machine[alerts.State, alerts.Facts](alerts.Core{}), streams.Machine[care.State, care.Facts](care.Core{}))
	proc := streams.NewProcessor(parts, streams.NewReplica(parts, streams.PatientPair, 0), "life")
	offset := int64(0)
	told, problems := map[string]*story{}, map[string]string{}
	for _, p := range w.Patients {
		told[p.ID] = &story{}
	}
	input := func(e event.Envelope, at event.Time) {
		proc.Input(offset, e.Subject, &e, nil, at)
		offset++
		step, err := proc.CloseStep()
		if err != nil {
			t.Fatal(err)
		}
		for _, d := range step.Events {
			_, id := streams.SplitPatientKey(d.Subject)
			its := told[id]
			switch a := d.Data.(type) {
			case *event.SeverityScored:
				its.rules = append(its.rules, named(a.Reasons)...)
			case *event.AlertRaised:
				its.warnings = append(its.warnings, warning{d.At, a.Problem, a.Severity, true, named(a.Reasons)})
				problems[a.Alert] = a.Problem
			case *event.AlertWorsened:
				its.warnings = append(its.warnings, warning{d.At, problems[a.Alert], a.Severity, false, named(a.Reasons)})
			case *event.RuleFenced, *event.TechnicalFault:
				t.Errorf("%s: %+v", d.Subject, a)
			}
		}
	}
	now := event.TimeOf(begin.Add(-10 * time.Second))
	n := int64(0)
	fact := func(key string, d event.Event) {
		n++
		input(event.Envelope{ID: fmt.Sprint("fact", n), Subject: key, At: now, Effect: event.Effect{Offset: n}, Data: d}, now)
	}
	for _, g := range groups {
		text := pack.Library()[g.Pack]
		p, err := compile(text)
		if err != nil {
			t.Fatal(err)
		}
		r, err := g.request()
		if err != nil {
			t.Fatal(err)
		}
		fact(event.Everyone, &event.PackPublished{Pack: p.ID, Version: p.Version, Sum: directory.Sum(text), Text: text})
		fact(event.Everyone, &event.GroupSet{Tenant: Tenant, Group: g.ID, Pack: r.Pack, Zh: r.Zh, En: r.En, CadenceMs: r.CadenceMs, Overrides: signed(r.Overrides)})
	}
	for _, p := range w.Patients {
		key := streams.PatientKey(Tenant, p.ID)
		fact(key, &event.PatientEnrolled{Tenant: Tenant, Patient: p.ID, Group: p.Group.ID})
		plan := p.orders(now)
		plan.Overrides = signed(plan.Overrides)
		fact(key, &event.PlanChanged{Tenant: Tenant, Patient: p.ID, Plan: plan})
		if also := p.Groups()[1:]; len(also) > 0 {
			fact(key, &event.PatientGrouped{Tenant: Tenant, Patient: p.ID, Group: p.Group.ID, Also: also})
		}
		for i, e := range p.history(now) {
			input(p.recorded(int64(i), e, now), now)
		}
	}
	beats := 0
	beat := func(at event.Time) {
		beats++
		input(event.Envelope{ID: fmt.Sprint("beat", beats), Subject: event.Everyone, At: at, Data: &event.DoorOpened{Door: "gateway", ReceivedAt: at}}, at)
	}
	next := 0
	all := w.sending(begin, span)
	for at := time.Duration(0); at < span; at += time.Second {
		now := event.TimeOf(begin.Add(at))
		if at%(4*time.Second) == 0 {
			beat(now)
		}
		for ; next < len(all) && all[next].u.Send <= at; next++ {
			if e := w.accepted(t, begin, all[next], now); e != nil {
				input(*e, now)
			}
		}
	}
	return told
}

// accepted takes an upload through the door's own acceptance.
func (w *Ward) accepted(t *testing.T, begin time.Time, s sent, now event.Time) *event.Envelope {
	b, err := s.p.envelope(begin, s.seq, s.u)
	if err != nil || !json.Valid(b) {
		t.Fatalf("%s, %v", b, err)
	}
	raw := ingest.Raw{Topic: "v1/" + Tenant + "/" + s.p.Device() + "/obs", Payload: b, Door: "gateway"}
	e, rejected := ingest.Accept(raw, ingest.Binding{Device: s.p.Device(), Tenant: Tenant, Patient: s.p.ID, Group: s.p.Group.ID}, now)
	if (len(rejected) > 0) != (s.u.Clock > 0) {
		t.Errorf("%s at %s: rejected %+v", s.p.ID, s.u.Send, rejected)
	}
	return e
}

func (w *Ward) sending(begin time.Time, span time.Duration) []sent {
	var all []sent
	for _, p := range w.Patients {
		for seq, u := range p.plan(event.TimeOf(begin), span) {
			all = append(all, sent{p, int64(seq), u})
		}
	}
	sort.SliceStable(all, func(i, j int) bool { return all[i].u.Send < all[j].u.Send })
	return all
}

package demo

import (
	"encoding/json"
	"fmt"
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

// sent is one upload of the whole ward, in the order of sending.
type sent struct {
	p   *Patient
	seq int64
	u   upload
}

// TestWardTellsItsStories runs the whole ward through door and cores in virtual time: history first, then a quarter of an
// hour. Whoever has no course stays quiet, the first high comes within a minute, and each course ends where it should.
func TestWardTellsItsStories(t *testing.T) {
	w := NewWard()
	if len(w.Patients) != 40 {
		t.Fatalf("%d patients", len(w.Patients))
	}
	const span = 15 * time.Minute
	begin := time.Date(2026, 3, 2, 3, 0, 0, 0, time.UTC)
	raised := w.simulate(t, begin, span)

	quiet := 0
	for _, p := range w.Patients {
		if len(raised[p.ID]) == 0 {
			quiet++
		} else if p.Course == nil {
			t.Errorf("%s has no course and was warned of: %v", p.ID, raised[p.ID])
		}
	}
	if quiet < 25 {
		t.Errorf("%d stay quiet", quiet)
	}
	for id, want := range map[string]string{
		"P-0103": "", "P-0106": "deterioration:high", "P-0110": "deterioration:medium silence:medium", "P-0112": "silence:low", "P-0113": "deterioration:high",
		"P-0119": "deterioration:high", "P-0125": "deterioration:low", "P-0126": "deterioration:medium", "P-0127": "silence:low", "P-0132": "silence:low", "P-0135": "deterioration:medium",
	} {
		if got := worst(raised[id]); got != want {
			t.Errorf("%s (%s): %q, want %q", id, w.course(id).Story, got, want)
		}
	}
	first := time.Duration(1 << 62)
	for _, all := range raised {
		for _, r := range all {
			if r.severity == event.High {
				first = min(first, r.at.Std().Sub(begin))
			}
		}
	}
	if first > 60*time.Second {
		t.Errorf("the first high comes after %s", first)
	}
}

func (w *Ward) course(id string) *Course { return courses[id] }

type warning struct {
	at       event.Time
	problem  string
	severity event.Severity
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

// simulate folds what the ward sends into one partition, with a door that beats.
func (w *Ward) simulate(t *testing.T, begin time.Time, span time.Duration) map[string][]warning {
	parts := streams.Join([3]string{"rules", "alerts", "care"}, streams.Machine[rules.State, rules.Facts](rules.Core{Compile: pack.Compile}),
		streams.Machine[alerts.State, alerts.Facts](alerts.Core{}), streams.Machine[care.State, care.Facts](care.Core{}))
	proc := streams.NewProcessor(parts, streams.NewReplica(parts, streams.PatientPair, 0), "life")
	offset := int64(0)
	raised := map[string][]warning{}
	input := func(e event.Envelope, at event.Time) {
		proc.Input(offset, e.Subject, &e, nil, at)
		offset++
		step, err := proc.CloseStep()
		if err != nil {
			t.Fatal(err)
		}
		for _, d := range step.Events {
			_, id := streams.SplitPatientKey(d.Subject)
			switch a := d.Data.(type) {
			case *event.AlertRaised:
				raised[id] = append(raised[id], warning{d.At, a.Problem, a.Severity})
			case *event.AlertWorsened:
				raised[id] = append(raised[id], warning{d.At, raised[id][0].problem, a.Severity})
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
		text, version, err := wardPack(g.Pack)
		if err != nil {
			t.Fatal(err)
		}
		fact(event.Everyone, &event.PackPublished{Pack: packID(g.Pack), Version: version, Sum: directory.Sum(text), Text: text})
		fact(event.Everyone, &event.GroupSet{Tenant: Tenant, Group: g.ID, Pack: packID(g.Pack), Zh: g.Zh, En: g.En})
	}
	for _, p := range w.Patients {
		key := streams.PatientKey(Tenant, p.ID)
		fact(key, &event.PatientEnrolled{Tenant: Tenant, Patient: p.ID, Group: p.Group.ID})
		if p.Plan != nil {
			fact(key, &event.PlanChanged{Tenant: Tenant, Patient: p.ID, Plan: *p.Plan})
		}
		at, values := p.history(now)
		for i := range at {
			input(p.recorded(int64(i), at[i], values[i], now), now)
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
	return raised
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

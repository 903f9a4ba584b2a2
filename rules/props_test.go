package rules_test

import (
	"bytes"
	"encoding/json"
	"math/rand/v2"
	"os"
	"testing"

	"pgregory.net/rapid"

	"tocsin/rules"
	"tocsin/rules/pack"
	"tocsin/rules/trial"
	"tocsin/streams/event"
)

func text(t interface{ Fatal(...any) }, v any) []byte {
	b, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// back answers a value as a checkpoint would hand it back.
func back[T any](t interface {
	Fatal(...any)
	Fatalf(string, ...any)
}, v T) T {
	var again T
	if err := json.Unmarshal(text(t, v), &again); err != nil {
		t.Fatal(err)
	}
	if was, is := text(t, v), text(t, again); !bytes.Equal(was, is) { // packs hold closures, which nothing can compare
		t.Fatalf("read back from JSON it differs:\n%s\n%s", was, is)
	}
	return again
}

// watched is a core that checks every call: nothing it is given may change, it decides the same twice and from what a
// checkpoint hands back, and state and facts read back to the same values.
type watched struct {
	rules.Core
	t interface {
		Fatal(...any)
		Fatalf(string, ...any)
	}
}

func (w watched) apply(f rules.Facts, s rules.State, e event.Envelope, at event.Time) rules.State {
	fBefore, sBefore, eBefore := text(w.t, f), text(w.t, s), text(w.t, e.Data)
	next, err := w.Apply(f, s, e, at)
	if err != nil {
		w.t.Fatal(err)
	}
	again, err := w.Apply(back(w.t, f), back(w.t, s), e, at)
	if err != nil || !bytes.Equal(text(w.t, next), text(w.t, again)) {
		w.t.Fatalf("applied to what a checkpoint gives, %s leads elsewhere: %v\n%s\n%s", e.Data.Type(), err, text(w.t, next), text(w.t, again))
	}
	if !bytes.Equal(fBefore, text(w.t, f)) || !bytes.Equal(sBefore, text(w.t, s)) || !bytes.Equal(eBefore, text(w.t, e.Data)) {
		w.t.Fatalf("Apply of %s changed what it was given", e.Data.Type())
	}
	return next
}

func (w watched) decide(f rules.Facts, s rules.State, e event.Envelope, now event.Time) []event.Event {
	before := text(w.t, s)
	out, err := w.Decide(f, s, e, now)
	if err != nil {
		w.t.Fatal(err)
	}
	again, _ := w.Decide(back(w.t, f), back(w.t, s), e, now)
	w.alike(before, s, out, again)
	return out
}

func (w watched) due(f rules.Facts, s rules.State, now event.Time) []event.Event {
	before := text(w.t, s)
	out := w.Due(f, s, now)
	w.alike(before, s, out, w.Due(back(w.t, f), back(w.t, s), now))
	if w.NextDue(f, s) != w.NextDue(back(w.t, f), back(w.t, s)) {
		w.t.Fatalf("NextDue differs after reading back")
	}
	return out
}

func (w watched) alike(before []byte, s rules.State, a, b []event.Event) {
	if !bytes.Equal(text(w.t, a), text(w.t, b)) {
		w.t.Fatalf("decided again it gives other bytes:\n%s\n%s", text(w.t, a), text(w.t, b))
	}
	if !bytes.Equal(before, text(w.t, s)) {
		w.t.Fatalf("deciding changed the state")
	}
}

// world is one patient and one door under a watched core.
type world struct {
	watched
	f   rules.Facts
	s   rules.State
	now event.Time
	n   int
	log [][]byte

	own    rules.State // the same patient, in memory that goes round
	roomed rules.Core
}

func (w *world) everyone(d event.Event) {
	before := text(w.t, w.f)
	f, err := w.Common(w.f, event.Envelope{ID: "x", Subject: event.Everyone, At: w.now, Data: d}, w.now)
	if err != nil {
		w.t.Fatal(err)
	}
	if !bytes.Equal(before, text(w.t, w.f)) {
		w.t.Fatalf("Common of %s changed what it was given", d.Type())
	}
	due := w.NextDue(w.f, w.s)
	quiet := rules.State{}
	if next, ok := w.Quietly(&f, &quiet, event.Envelope{ID: "x", Subject: event.Everyone, At: w.now, Data: d}, w.now); ok {
		if out, err := w.Decide(f, rules.State{}, event.Envelope{ID: "x", Data: d}, w.now); err != nil || len(out) > 0 || next != event.Never {
			w.t.Fatalf("%s is called quiet, and from it follows %s", d.Type(), text(w.t, out))
		}
	}
	w.f = f
	if _, beat := d.(*event.DoorOpened); beat && w.NextDue(w.f, w.s) < due {
		w.t.Fatalf("a beat brought the next moment from %d to %d", due, w.NextDue(w.f, w.s))
	}
	w.settle()
}

func (w *world) give(d event.Event) {
	w.settle()
	w.take([]event.Event{d}, false)
	w.settle()
}

func (w *world) settle() {
	for range 64 {
		if w.NextDue(w.f, w.s) > w.now {
			return
		}
		out := w.due(w.f, w.s, w.now)
		if len(out) == 0 {
			return
		}
		w.take(out, true)
	}
	w.t.Fatalf("what is due does not end")
}

func (w *world) take(queue []event.Event, ours bool) {
	for steps := 0; len(queue) > 0; steps++ {
		if steps > 64 {
			w.t.Fatalf("events follow from one another without end")
		}
		d := queue[0]
		queue = queue[1:]
		w.n++
		e := event.Envelope{ID: "e" + string(rune('a'+w.n%26)) + text26(w.n), Subject: trial.Key, At: w.now, Data: d}
		if ours || steps > 0 {
			w.log = append(w.log, text(w.t, d))
		}
		before := w.s
		if _, quiet := w.roomed.Quietly(&w.f, &w.own, e, w.now); !quiet {
			w.own, _ = w.roomed.Apply(w.f, w.own, e, w.now)
		}
		w.s = w.apply(w.f, w.s, e, w.now)
		out := w.decide(w.f, w.s, e, w.now)
		w.quietly(before, e, out)
		if is, all := w.NextDue(w.f, w.s), rules.NextDueOfAll(w.f, w.s); is != all {
			w.t.Fatalf("after %s it is to be asked at %d, and by all that is found at %d", e.Data.Type(), is, all)
		}
		if want, is := text(w.t, w.s), text(w.t, w.own); !bytes.Equal(want, is) {
			w.t.Fatalf("with memory that goes round %s leads to\n%s\nand not to\n%s", e.Data.Type(), is, want)
		}
		queue = append(queue, out...)
	}
}

// quietly checks that a reading folded in one look leads where Apply leads, and only when nothing follows from it.
func (w *world) quietly(s rules.State, e event.Envelope, out []event.Event) {
	was, f := text(w.t, s), text(w.t, w.f)
	next, quiet := w.Quietly(&w.f, &s, e, w.now)
	want := was
	if quiet {
		want = text(w.t, w.s)
	}
	switch is := text(w.t, s); {
	case quiet && len(out) > 0:
		w.t.Fatalf("%s is called quiet, and from it follows %s", e.Data.Type(), text(w.t, out))
	case !bytes.Equal(is, want) || !bytes.Equal(f, text(w.t, w.f)):
		w.t.Fatalf("quiet %t: it leads to\n%s\nand not to\n%s", quiet, is, want)
	case quiet && next != w.NextDue(w.f, w.s):
		w.t.Fatalf("it is to be asked at %d, not %d", next, w.NextDue(w.f, w.s))
	}
}

func text26(n int) string {
	b := []byte{}
	for ; n > 0; n /= 26 {
		b = append(b, byte('a'+n%26))
	}
	return string(b)
}

func start(t *rapid.T) *world {
	w := &world{watched: watched{rules.Core{Compile: pack.Compile}, t}, now: noon, roomed: rules.Core{Compile: pack.Compile, Room: new(rules.Room)}}
	course, err := os.ReadFile("testdata/course.yaml")
	if err != nil {
		t.Fatal(err)
	}
	texts := pack.Library()
	texts["course"] = string(course)
	ids := rapid.SliceOfNDistinct(rapid.SampledFrom([]string{"course", "news2", "copd", "post-op", "as-recorded"}), 1, 3, rapid.ID).Draw(t, "packs")
	for _, id := range ids {
		p, err := pack.Compile(texts[id])
		if err != nil {
			t.Fatal(err)
		}
		w.everyone(&event.PackPublished{Pack: id, Version: p.Version, Sum: p.Sum, Text: texts[id]})
		w.everyone(&event.GroupSet{Tenant: trial.Tenant, Group: id, Pack: id})
	}
	w.everyone(&event.DoorOpened{Door: trial.Door})
	w.give(&event.PatientEnrolled{Tenant: trial.Tenant, Patient: "P-0113", Group: ids[0], Also: ids[1:]})
	return w
}

func drawOverrides(t *rapid.T, now event.Time) []event.Override {
	kg, until := event.Int(rapid.Int64Range(1, 4).Draw(t, "kg")), now+event.Time(rapid.Int64Range(1, 40).Draw(t, "hours"))*3_600_000
	return []event.Override{{Rule: "weight-3d", Param: "kg", Value: &kg, By: "doctor-a", At: now, Until: &until}, {Rule: "falling", Off: true, By: "doctor-a", At: now}}[:rapid.IntRange(0, 2).Draw(t, "overrides")]
}

var spans = map[event.Quantity][2]int64{event.RespirationPerMin: {0, 80}, event.SpO2Percent: {50, 100}, event.SupplementalO2: {0, 1}, event.SystolicMmHg: {40, 260},
	event.PulsePerMin: {20, 260}, event.ACVPU: {0, 4}, event.TemperatureCel: {29, 44}, event.WeightKg: {50, 90}}

func draw(t *rapid.T, now event.Time) *event.ObservationRecorded {
	o := trial.Measured(now - event.Time(rapid.SampledFrom([]int64{0, 0, 0, 1, 60_000, 3_600_000, 86_400_000, -600_000}).Draw(t, "old")))
	o.Clock.Quality = rapid.SampledFrom([]event.ClockQuality{event.ClockOK, event.ClockOK, event.ClockOK, event.ClockCorrected, event.ClockFuture, event.ClockTooOld}).Draw(t, "clock")
	o.Late = rapid.IntRange(0, 9).Draw(t, "late") == 0
	o.Door = rapid.SampledFrom([]string{trial.Door, trial.Door, "bridge"}).Draw(t, "door")
	for _, q := range rapid.SliceOfNDistinct(rapid.SampledFrom([]event.Quantity{event.RespirationPerMin, event.SpO2Percent, event.SupplementalO2, event.SystolicMmHg, event.PulsePerMin, event.ACVPU, event.TemperatureCel, event.WeightKg}), 1, 4, rapid.ID).Draw(t, "signs") {
		v := event.Int(rapid.Int64Range(spans[q][0], spans[q][1]).Draw(t, q.String()))
		m := rapid.SampledFrom([]event.Mark{"", "", "", "", event.Unconfirmed, event.LowQuality, event.TestData}).Draw(t, "mark")
		o.Readings = append(o.Readings, event.Reading{Quantity: q, Value: v, Mark: m})
	}
	for _, code := range rapid.SliceOfNDistinct(rapid.SampledFrom([]string{"dyspnoea", "phlegm", "cat_score", "unasked"}), 0, 3, rapid.ID).Draw(t, "answers") {
		o.Answers = append(o.Answers, event.Answer{Code: code, Value: event.Int(rapid.Int64Range(0, 1).Draw(t, code))})
	}
	return o
}

// TestRUL12_REL7_AnyHistory lets anything happen in any order, under a core whose every call is watched: nothing is
// altered, all is decided again to the same bytes from what a checkpoint holds, and an assessment says what holds.
func TestRUL12_REL7_AnyHistory(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		w := start(t)
		for range rapid.IntRange(5, 25).Draw(t, "steps") {
			switch rapid.IntRange(0, 10).Draw(t, "what") {
			case 10:
				w.give(rapid.SampledFrom([]event.Event{&event.PatientLeft{Why: event.LeftDischarged}, &event.PatientResumed{}, &event.PatientResumed{}}).Draw(t, "care"))
			case 0:
				low, high := event.Int(rapid.Int64Range(80, 92).Draw(t, "low")), event.Int(96)
				w.give(&event.PlanChanged{Plan: event.Plan{SpO2Scale: rapid.IntRange(0, 2).Draw(t, "scale"), OrderedAt: noon, OrderedBy: "doctor-a", AgeYears: rapid.SampledFrom([]int{0, 12, 70}).Draw(t, "age"),
					Targets:   map[event.Quantity]event.Target{event.SpO2Percent: {Low: &low, High: &high}, event.PulsePerMin: {High: &high}},
					CadenceMs: map[event.Quantity]int64{event.PulsePerMin: rapid.SampledFrom([]int64{0, 60_000, 3_600_000}).Draw(t, "cadence")},
					Facts:     map[string]event.Decimal{"dry_weight_kg": event.Int(60)}, Overrides: drawOverrides(t, w.now),
					Chosen: map[event.Quantity]string{event.SpO2Percent: rapid.SampledFrom([]string{"copd", "course"}).Draw(t, "chosen")}}})
			case 1:
				w.give(&event.RuleFenced{Machine: rules.Machine, Rule: rapid.SampledFrom([]string{"news2", "spo2-danger", "weight-3d", "sick", "bad_day", rules.RuleSilence, rules.RuleMissing, rules.RuleUnconfirmed}).Draw(t, "rule")})
			case 2, 3:
				w.now += event.Time(rapid.SampledFrom([]int64{5000, 9999, 300_000, 1_800_000, 13 * 3_600_000, 40 * 3_600_000}).Draw(t, "wait"))
				for range rapid.IntRange(0, 2).Draw(t, "beats") {
					w.everyone(&event.DoorOpened{Door: rapid.SampledFrom([]string{trial.Door, "bridge"}).Draw(t, "beating")})
					w.now += event.Time(rapid.SampledFrom([]int64{5000, 5000, 14_000, 20_000}).Draw(t, "gap"))
				}
				w.settle()
			default:
				w.give(draw(t, w.now))
			}
			d := rules.Assess(w.f, w.s, w.now)
			if d == nil { // the care has ended
				d = new(event.SeverityScored)
			}
			if d.Severity != w.s.Found.Severity {
				t.Fatalf("%s holds, but %s was told", d.Severity, w.s.Found.Severity)
			}
		}
	})
}

// TestBeatsBringNothingNearer lets two doors beat as they like between readings: the moment at which silence is asked for
// next only ever moves later, which a processor counts on (world.everyone checks it).
func TestBeatsBringNothingNearer(t *testing.T) {
	doors := []string{trial.Door, "bridge"}
	rapid.Check(t, func(t *rapid.T) {
		w := start(t)
		w.give(&event.PlanChanged{Plan: event.Plan{CadenceMs: map[event.Quantity]int64{event.PulsePerMin: 60_000}}})
		for range rapid.IntRange(10, 25).Draw(t, "steps") {
			w.now += event.Time(rapid.SampledFrom([]int64{1000, 4000, 9000, 16_000}).Draw(t, "gap"))
			if rapid.IntRange(0, 4).Draw(t, "what") > 0 {
				w.everyone(&event.DoorOpened{Door: rapid.SampledFrom(doors).Draw(t, "door")})
				continue
			}
			o := trial.Measured(w.now, trial.Reading(event.PulsePerMin, event.Int(70)))
			o.Door = rapid.SampledFrom(doors).Draw(t, "through")
			w.give(o)
		}
	})
}

// TestING5_ShuffledInput gives the same readings in any order: which readings are kept, the score of the newest set and
// how grave they are by themselves do not depend on it. (What was told before and is only held is left out: an older
// reading never takes that away.)
func TestING5_ShuffledInput(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		r := rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "seed"), 0))
		course, err := os.ReadFile("testdata/course.yaml")
		if err != nil {
			t.Fatal(err)
		}
		under := rapid.SampledFrom([]string{pack.Library()["news2"], string(course)}).Draw(t, "pack")
		var all []*event.ObservationRecorded
		for i := range rapid.IntRange(2, 100).Draw(t, "readings") {
			o := trial.Measured(noon + event.Time(r.Int64N(48*3600))*1000)
			for _, q := range []event.Quantity{event.SpO2Percent, event.PulsePerMin, event.WeightKg}[:1+i%3] {
				span := spans[q]
				o.Readings = append(o.Readings, trial.Reading(q, event.Int(span[0]+r.Int64N(span[1]-span[0]))))
			}
			o.Answers = []event.Answer{{Code: "dyspnoea", Value: event.Int(r.Int64N(2))}, {Code: "phlegm", Value: event.Int(r.Int64N(2))}}
			all = append(all, o)
		}
		var first []byte
		for range 3 {
			r.Shuffle(len(all), func(i, k int) { all[i], all[k] = all[k], all[i] })
			end := fed(t, under, all)
			if first == nil {
				first = end
			} else if !bytes.Equal(first, end) {
				t.Fatalf("another order ends elsewhere:\n%s\n%s", first, end)
			}
		}
	})
}

// fed answers what is kept and what holds after all readings and the time that everything needs to settle.
func fed(t *rapid.T, under string, all []*event.ObservationRecorded) []byte {
	p, err := trial.New(pack.Compile, noon, under)
	if err != nil {
		t.Fatal(err)
	}
	p.Now = noon + 50*3_600_000
	for _, o := range all {
		if _, err := p.Give(o); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := p.Wait(60_000); err != nil {
		t.Fatal(err)
	}
	var kept [][]rules.Point
	for q := range event.Quantities {
		kept = append(kept, p.State.Trend(event.Quantity(q)))
	}
	bare := p.State
	bare.Found, bare.Waits = rules.Answer{}, nil // the patient's habit, by which signs are asked for, follows arrival
	d := rules.Assess(p.Facts, bare, p.Now)
	score := p.Score()
	for i := range score.Parts {
		score.Parts[i].Reading = ""
	}
	return text(t, []any{kept, p.Measures(), p.State.Windows, d.Severity, score.Lower, score.Upper, score.Band, score.Missing, score.Parts})
}

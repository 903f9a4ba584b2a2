package alerts

import (
	"encoding/json"
	"fmt"
	"reflect"
	"testing"

	"pgregory.net/rapid"

	"tocsin/streams/event"
)

// Findings, faults, people and waiting in any order: an open warning always has a deadline ahead, one problem has one
// open episode, an episode's first moment never changes, one wish has one answer, and the fold of the log is the state.
func TestALR1_ALR4_ALR6_ALR7_ALR12_ALR13_ALR18_AnyOrderOfEvents(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		w := &world{play: newPlay("demo/P-0113"), first: map[string]event.Time{}, granted: map[string]string{}, peaks: map[string]event.Severity{}}
		w.now = start
		t.Repeat(map[string]func(*rapid.T){
			"find": w.find,
			"fault": func(t *rapid.T) {
				w.line(t, rapid.SampledFrom([]string{"fault undecodable", "fault door_shut", "fence rules"}).Draw(t, "fault"))
			},
			"wish": w.wish,
			"patient": func(t *rapid.T) {
				w.later(t, 3*minute)
				w.line(t, rapid.SampledFrom([]string{"pause -1h 1000h dialysis", "pause 0s 0s none", "warn nurse-a/nurse - severity=low reason=w", "warn nurse-b/nurse - severity=high reason=w",
					"leave nurse-a/nurse - reason=discharged contacted", "leave doctor-1/doctor - reason=died contacted", "resume nurse-a/nurse -", "resume doctor-1/doctor -"}).Draw(t, "patient"))
			},
			"notice": func(t *rapid.T) {
				if len(w.state.Open) == 0 {
					t.Skip("nothing is open")
				}
				o := w.state.Open[rapid.IntRange(0, len(w.state.Open)-1).Draw(t, "of")]
				n := &event.NoticeReported{Alert: o.Alert, Ask: o.Asks, Recipient: rapid.SampledFrom([]string{"nurse-a", "nurse-b"}).Draw(t, "recipient"),
					State: rapid.SampledFrom([]string{event.NoticeQueued, event.NoticeSent, event.NoticeDelivered, event.NoticeOpened, event.NoticeFailed}).Draw(t, "state")}
				n.Notice = fmt.Sprint(n.Alert, n.Ask, n.Recipient)
				w.step(w.now, w.input("", n))
				if now := w.state.Open[w.state.open(o.Problem)]; now.Reports != o.Reports+1 || now.AnswerBy != o.AnswerBy || now.Phase != o.Phase || len(now.Told) > keptTold {
					t.Fatalf("a receipt made of it %+v", now)
				}
			},
			"wait": func(t *rapid.T) { w.later(t, 40*minute); w.line(t, "wait") },
			"":     w.check,
		})
	})
}

type world struct {
	*play
	clicks  int
	first   map[string]event.Time // when an episode was raised
	granted map[string]string     // answers by click
	peaks   map[string]event.Severity
}

func (w *world) later(t *rapid.T, most int) {
	w.now += event.Time(rapid.IntRange(0, most).Draw(t, "later"))
}

func (w *world) find(t *rapid.T) {
	w.later(t, 3*minute)
	problem := rapid.SampledFrom([]string{event.Deterioration, event.Silence}).Draw(t, "problem")
	severity := rapid.SampledFrom([]string{"none", "low", "medium", "high", "technical"}).Draw(t, "severity")
	extra := rapid.SampledFrom([]string{"", " danger", " late", " lower=5", " lower=8", " reasons=a,b", " reasons=c"}).Draw(t, "extra")
	w.line(t, "score "+problem+" "+severity+extra)
}

func (w *world) wish(t *rapid.T) {
	w.later(t, 3*minute)
	alerts := []string{"nothing"}
	for id := range w.first {
		alerts = append(alerts, id)
	}
	if len(w.state.Open) > 0 { // mostly something that is there
		alerts = []string{w.state.Open[rapid.IntRange(0, len(w.state.Open)-1).Draw(t, "which")].Alert}
	}
	what := rapid.SampledFrom([]string{"accept", "accept", "return", "close", "call", "contact", "offer", "note", "shelve", "shelve", "unshelve", "judge"}).Draw(t, "what")
	who := rapid.SampledFrom([]string{"nurse-a/nurse", "nurse-b/nurse", "doctor-1/doctor", "manager/health-manager", "admin/administrator"}).Draw(t, "who")
	more := rapid.SampledFrom([]string{"", " outcome=real", " outcome=real contacted", " outcome=real done=known", " outcome=not_known_yet contacted", " whom=patient result=reached to=nurse-b reason=r for=20m",
		" whom=carer result=no_answer to=manager reason=r for=3h"}).Draw(t, "more")
	if rapid.IntRange(0, 3).Draw(t, "fresh") > 0 || w.clicks == 0 {
		w.clicks++
	}
	w.line(t, fmt.Sprintf("%s %s %s id=click-%d%s", what, who, alerts[0], w.clicks, more))
}

// line plays one line and holds what followed against the promises.
func (w *world) line(t *rapid.T, line string) {
	w.asked = w.now
	e, err := read(fields(line), w.play)
	if err != nil {
		t.Fatal(err)
	}
	for _, said := range w.step(w.now, e) {
		switch d := said.Data.(type) {
		case *event.AlertRaised:
			if _, twice := w.first[d.Alert]; twice {
				t.Fatalf("%s raised twice", d.Alert)
			}
			w.first[d.Alert] = said.At
		case *event.AlertAccepted:
			w.answer(t, d.Request, d.Alert+" accepted")
		case *event.AlertReturned:
			w.answer(t, d.Request, d.Alert+" returned")
		case *event.AlertClosed:
			if d.Outcome != event.OutcomeLeft && d.Outcome != event.OutcomePlanned { // one click closes all when a patient leaves
				w.answer(t, d.Request, d.Alert+" closed")
			}
			if d.Outcome == event.OutcomePlanned && w.peaks[d.Alert] != event.Low {
				t.Fatalf("%s was %s and closed by no person", d.Alert, w.peaks[d.Alert])
			}
		case *event.PatientLeft:
			if len(w.state.Open) > 0 {
				t.Fatalf("the patient left, and %s is open", w.state.Open[0].Alert)
			}
			w.answer(t, d.Request, "left")
		case *event.RequestRefused:
			w.answer(t, d.Request, d.Alert+" "+d.Reason)
		case *event.AlertUnshelved:
			if d.Why == "ended" {
				w.answer(t, d.Request, d.Alert+" unshelved")
			}
		default:
			if r, _ := AnswerTo(d); r != "" {
				w.answer(t, r, string(d.Type()))
			}
		}
	}
}

func (w *world) answer(t *rapid.T, click, what string) {
	if was, twice := w.granted[click]; twice {
		t.Fatalf("%s was answered %s and then %s", click, was, what)
	}
	w.granted[click] = what
}

func (w *world) check(t *rapid.T) {
	problems := map[string]bool{}
	for _, o := range w.state.Open {
		switch {
		case o.AnswerBy <= w.now || o.AnswerBy == event.Never:
			t.Fatalf("%s: its deadline %s is not ahead of %s", o.Alert, o.AnswerBy, w.now)
		case problems[o.Problem]:
			t.Fatalf("%s is open twice", o.Problem)
		case o.RaisedAt != w.first[o.Alert]:
			t.Fatalf("%s began at %s and says %s", o.Alert, w.first[o.Alert], o.RaisedAt)
		case (o.Phase == Accepted || o.Phase == InCare) != (o.Owner != ""):
			t.Fatalf("%s is %s and has owner %q", o.Alert, o.Phase, o.Owner)
		case o.Phase == Suppressed && (o.Problem != event.Silence || rank(o.Peak) > rank(event.Low)):
			t.Fatalf("a planned window excuses %s %s", o.Problem, o.Peak)
		case o.Phase == Shelved && o.Peak == event.High && (o.Shelf.Second == "" || o.Shelf.Second == o.Shelf.By):
			t.Fatalf("a high was shelved by %q and %q", o.Shelf.By, o.Shelf.Second)
		case o.Phase == Shelved && o.AnswerBy.Sub(o.Since).Milliseconds() > ShelveMs(o.Policy)+slackMs:
			t.Fatalf("%s is shelved until %s", o.Alert, o.AnswerBy)
		case w.state.Left != nil && o.Problem != event.Fault:
			t.Fatalf("the patient left, and %s is open", o.Problem)
		case len(o.Story) > keptStory:
			t.Fatalf("%s: its story has %d lines", o.Alert, len(o.Story))
		}
		problems[o.Problem] = true
		w.peaks[o.Alert] = o.Peak
	}
	if next := w.core.NextDue(Facts{}, w.state); next <= w.now {
		t.Fatalf("asked at %s, and wants to be asked at %s again", w.now, next)
	}
	w.checkQuiet(t)
	w.checkFold(t)
}

// checkQuiet: what is taken quietly leads where it leads when each question is asked by itself.
func (w *world) checkQuiet(t *rapid.T) {
	for _, d := range []event.Event{&event.ObservationRecorded{}, &event.DoorOpened{}} {
		e := event.Envelope{ID: "x", Subject: w.key, Data: d}
		s, err := w.core.Apply(w.facts, w.state, e, w.now)
		out, decideErr := w.core.Decide(w.facts, s, e, w.now)
		quiet := w.state
		next, ok := w.core.Quietly(&w.facts, &quiet, e, w.now)
		if err != nil || decideErr != nil || len(out) > 0 || !ok || !reflect.DeepEqual(s, quiet) || next != w.core.NextDue(w.facts, s) {
			t.Fatalf("%s is not as quiet as it says: %v, %v, %v", d.Type(), err, decideErr, out)
		}
	}
	if _, ok := w.core.Quietly(&w.facts, &w.state, event.Envelope{ID: "x", Subject: w.key, Data: &event.PatientLeft{}}, w.now); ok {
		t.Fatal("a leaving is called quiet")
	}
}

// checkFold folds the log anew, and the state through JSON: all three are the same.
func (w *world) checkFold(t *rapid.T) {
	var s State
	for _, e := range w.log {
		var err error
		if s, err = w.core.Apply(Facts{}, s, e, e.At); err != nil {
			t.Fatal(err)
		}
	}
	if !reflect.DeepEqual(s, w.state) {
		t.Fatalf("the fold of the log is another:\n%+v\n%+v", s, w.state)
	}
	b, err := json.Marshal(s)
	if err != nil {
		t.Fatal(err)
	}
	var back State
	if err := json.Unmarshal(b, &back); err != nil || !reflect.DeepEqual(s, back) {
		t.Fatalf("a checkpoint of it reads back as another (%v):\n%+v\n%+v", err, s, back)
	}
}

// Types that are none of its business leave the state as it is, and lead to nothing.
func TestEveryTypeIsFoldedOrLeftAlone(t *testing.T) {
	mine := map[event.Type]bool{"severity.scored": true, "request.refused": true, "plan.changed": true, "patient.left": true, "patient.resumed": true, "notice.reported": true,
		"responsible.set": true, "patient.enrolled": true, "patient.grouped": true}
	p := newPlay("demo/P-0113")
	do(t, p, start, "score deterioration high")
	for typ := range event.Types() {
		if mine[typ] || len(typ) > 6 && typ[:6] == "alert." {
			continue
		}
		t.Run(string(typ), func(t *testing.T) {
			e := event.Envelope{ID: "x", Subject: p.key, Data: other(typ)}
			if s, err := p.core.Apply(Facts{}, p.state, e, start+1); err != nil || !reflect.DeepEqual(s, p.state) {
				t.Errorf("it changed the state: %v", err)
			}
		})
	}
}

// other stands for any event of a type that alerts does not know.
type other event.Type

func (o other) Type() event.Type { return event.Type(o) }

// What the fold of an open warning says of a log that some other program wrote is an error, not a panic.
func TestApplyNamesAWarningThatIsNotOpen(t *testing.T) {
	for _, d := range []event.Event{&event.AlertUpdated{Alert: "w9"}, &event.AlertWorsened{Alert: "w9"}, &event.AlertEased{Alert: "w9"}, &event.AlertAccepted{Alert: "w9"},
		&event.AlertEscalated{Alert: "w9"}, &event.AlertReturned{Alert: "w9"}, &event.AlertClosed{Alert: "w9"}, &event.AlertCalling{Alert: "w9"}, &event.AlertContacted{Alert: "w9"},
		&event.AlertOffered{Alert: "w9"}, &event.AlertNoted{Alert: "w9"}, &event.AlertShelveAsked{Alert: "w9"}, &event.AlertShelved{Alert: "w9"}, &event.AlertUnshelved{Alert: "w9"}} {
		if _, err := (Core{}).Apply(Facts{}, State{}, event.Envelope{ID: "x", Data: d}, start); err == nil {
			t.Errorf("%s of a warning that is not open was folded", d.Type())
		}
	}
}

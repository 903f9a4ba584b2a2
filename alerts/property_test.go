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
func TestALR1_ALR4_ALR6_ALR7_AnyOrderOfEvents(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		w := &world{play: newPlay("demo/P-0113"), first: map[string]event.Time{}, granted: map[string]string{}}
		w.now = start
		t.Repeat(map[string]func(*rapid.T){
			"find": w.find,
			"fault": func(t *rapid.T) {
				w.line(t, rapid.SampledFrom([]string{"fault undecodable", "fault door_shut", "fence rules"}).Draw(t, "fault"))
			},
			"wish": w.wish,
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
	what := rapid.SampledFrom([]string{"accept", "accept", "return", "close"}).Draw(t, "what")
	who := rapid.SampledFrom([]string{"nurse-a/nurse", "nurse-b/nurse", "doctor-1/doctor", "manager/health-manager", "admin/administrator"}).Draw(t, "who")
	more := rapid.SampledFrom([]string{"", " outcome=real", " outcome=real contacted", " outcome=real done=known"}).Draw(t, "more")
	if rapid.IntRange(0, 3).Draw(t, "fresh") > 0 || w.clicks == 0 {
		w.clicks++
	}
	w.line(t, fmt.Sprintf("%s %s %s id=click-%d%s", what, who, alerts[0], w.clicks, more))
}

// line plays one line and holds what followed against the promises.
func (w *world) line(t *rapid.T, line string) {
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
			w.answer(t, d.Request, d.Alert+" closed")
		case *event.RequestRefused:
			w.answer(t, d.Request, d.Alert+" "+d.Reason)
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
		case (o.Phase == Accepted) != (o.Owner != ""):
			t.Fatalf("%s is %s and has owner %q", o.Alert, o.Phase, o.Owner)
		case len(o.Story) > keptStory:
			t.Fatalf("%s: its story has %d lines", o.Alert, len(o.Story))
		}
		problems[o.Problem] = true
	}
	if next := w.core.NextDue(Facts{}, w.state); next <= w.now {
		t.Fatalf("asked at %s, and wants to be asked at %s again", w.now, next)
	}
	w.checkFold(t)
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
	mine := map[event.Type]bool{"severity.scored": true, "request.refused": true}
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
		&event.AlertEscalated{Alert: "w9"}, &event.AlertReturned{Alert: "w9"}, &event.AlertClosed{Alert: "w9"}} {
		if _, err := (Core{}).Apply(Facts{}, State{}, event.Envelope{ID: "x", Data: d}, start); err == nil {
			t.Errorf("%s of a warning that is not open was folded", d.Type())
		}
	}
}

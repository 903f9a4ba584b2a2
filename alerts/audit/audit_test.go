package audit_test

import (
	"encoding/json"
	"fmt"
	"os"
	"reflect"
	"strings"
	"testing"
	"time"

	"tocsin/alerts/audit"
	"tocsin/streams/event"
)

const (
	start event.Time = 1_772_434_800_000 // 2026-03-02T07:00:00Z
	who              = "demo/P-0113"
)

// at answers start and some minutes.
func at(minutes int) event.Time { return start.Add(time.Duration(minutes) * time.Minute) }

var policy = event.Policy{ID: "high", Steps: []event.PolicyStep{{To: "nurse"}, {To: "doctor-1"}, {To: ""}}}

func raise(alert, problem string, by event.Time) *event.AlertRaised {
	return &event.AlertRaised{Alert: alert, Problem: problem, Severity: event.High, Policy: policy, AnswerBy: by}
}

// fold folds one event a minute and holds that none of them alters the state before it.
func fold(t *testing.T, events ...event.Event) (s audit.State) {
	t.Helper()
	for i, d := range events {
		was := dump(t, s)
		next := audit.Apply(s, event.Envelope{ID: fmt.Sprint("e", i), Subject: who, At: at(i), Data: d})
		if dump(t, s) != was {
			t.Fatalf("%s altered the state that it was given", d.Type())
		}
		s = next
	}
	var back audit.State
	if err := json.Unmarshal([]byte(dump(t, s)), &back); err != nil || !reflect.DeepEqual(s, back) {
		t.Fatalf("it reads back as another (%v):\n%+v\n%+v", err, s, back)
	}
	return s
}

func dump(t *testing.T, s audit.State) string {
	t.Helper()
	b, err := json.Marshal(s)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// Each event of a warning's life gives it the deadline that it names, or leaves the one that it has.
func TestALR7_AuditorFollowsEachDeadline(t *testing.T) {
	raised, taken := raise("w1", "deterioration", at(3)), &event.AlertAccepted{Alert: "w1", By: "nurse-a", CareBy: at(20)}
	for name, c := range map[string]struct {
		events []event.Event
		next   event.Time
		stand  audit.Stand
		who    string
	}{
		"raised":                     {[]event.Event{raised}, at(3), audit.Asks, "nurse"},
		"raised in a window":         {[]event.Event{&event.AlertRaised{Alert: "w1", Policy: policy, Planned: "holiday", AnswerBy: at(9)}}, at(9), audit.Resting, "nurse"},
		"worse":                      {[]event.Event{raised, taken, &event.AlertWorsened{Alert: "w1", Policy: policy, Level: 1, AnswerBy: at(7)}}, at(7), audit.Asks, "doctor-1"},
		"escalated":                  {[]event.Event{raised, &event.AlertEscalated{Alert: "w1", Level: 1, To: "doctor-1", AnswerBy: at(6)}}, at(6), audit.Asks, "doctor-1"},
		"accepted":                   {[]event.Event{raised, taken}, at(20), audit.Taken, "nurse-a"},
		"given back":                 {[]event.Event{raised, taken, &event.AlertReturned{Alert: "w1", Level: 1, AnswerBy: at(8)}}, at(8), audit.Asks, "doctor-1"},
		"given back to no chair":     {[]event.Event{raised, taken, &event.AlertReturned{Alert: "w1", Level: 2, AnswerBy: at(8)}}, at(8), audit.Asks, ""},
		"given back beyond all":      {[]event.Event{raised, taken, &event.AlertReturned{Alert: "w1", Level: 9, AnswerBy: at(8)}}, at(8), audit.Asks, ""},
		"reached":                    {[]event.Event{raised, taken, &event.AlertContacted{Alert: "w1", Outcome: event.Reached, CareBy: at(60)}}, at(60), audit.InCare, "nurse-a"},
		"not reached":                {[]event.Event{raised, taken, &event.AlertContacted{Alert: "w1", Outcome: event.NoAnswer, CareBy: at(12)}}, at(12), audit.Taken, "nurse-a"},
		"handed over in care":        {[]event.Event{raised, taken, &event.AlertContacted{Alert: "w1", Outcome: event.Reached, CareBy: at(60)}, &event.AlertAccepted{Alert: "w1", By: "nurse-b", CareBy: at(60)}}, at(60), audit.InCare, "nurse-b"},
		"put aside":                  {[]event.Event{raised, &event.AlertShelved{Alert: "w1", By: "nurse-a", Until: at(240)}}, at(240), audit.Aside, "nurse-a"},
		"back from the shelf":        {[]event.Event{raised, &event.AlertShelved{Alert: "w1", By: "nurse-a", Until: at(240)}, &event.AlertUnshelved{Alert: "w1", AnswerBy: at(243)}}, at(243), audit.Asks, "nurse"},
		"updated":                    {[]event.Event{raised, &event.AlertUpdated{Alert: "w1"}}, at(3), audit.Asks, "nurse"},
		"eased":                      {[]event.Event{raised, &event.AlertEased{Alert: "w1"}}, at(3), audit.Asks, "nurse"},
		"on a call":                  {[]event.Event{raised, taken, &event.AlertCalling{Alert: "w1"}}, at(20), audit.Taken, "nurse-a"},
		"offered":                    {[]event.Event{raised, taken, &event.AlertOffered{Alert: "w1", To: "nurse-b"}}, at(20), audit.Taken, "nurse-a"},
		"noted":                      {[]event.Event{raised, &event.AlertNoted{Alert: "w1"}}, at(3), audit.Asks, "nurse"},
		"a second one is waited for": {[]event.Event{raised, &event.AlertShelveAsked{Alert: "w1", Until: at(240), ConfirmBy: at(5)}}, at(3), audit.Asks, "nurse"},
		"another is judged":          {[]event.Event{raised, &event.AlertOutcomeAsked{Alert: "w0", AskBy: at(99)}, &event.AlertJudged{Alert: "w0"}}, at(3), audit.Asks, "nurse"},
	} {
		t.Run(name, func(t *testing.T) {
			s := fold(t, c.events...)
			if len(s.Open) != 1 || len(s.Odd) != 0 {
				t.Fatalf("%+v", s)
			}
			if w := s.Open[0]; w.Next != c.next || w.Stand != c.stand || w.Who != c.who {
				t.Errorf("%s %q until %s, want %s %q until %s", w.Stand, w.Who, w.Next, c.stand, c.who, c.next)
			}
		})
	}
}

// What is wrong is found, since when and in words, and nothing else is.
func TestALR7_AuditorFindsWhatIsWrong(t *testing.T) {
	raised := raise("w1", "deterioration", at(3))
	closed := &event.AlertClosed{Alert: "w1"}
	left := &event.PatientLeft{Why: event.LeftDied}
	for name, c := range map[string]struct {
		events []event.Event
		now    event.Time
		want   string // kind alert since, and a part of the words; empty: nothing is found
	}{
		"a deadline ahead is in order":        {[]event.Event{raised}, at(2), ""},
		"one that is 15 s old is":             {[]event.Event{raised}, at(3).Add(15 * time.Second), ""},
		"one that is older is overdue":        {[]event.Event{raised}, at(3).Add(15*time.Second + 1e6), "overdue w1 " + at(3).String() + " nurse was to answer"},
		"what was taken may be overdue":       {[]event.Event{raised, &event.AlertAccepted{Alert: "w1", By: "nurse-a", CareBy: at(5)}}, at(9), "overdue w1 " + at(5).String() + " nurse-a has it and was to reach"},
		"what is in care may be":              {[]event.Event{raised, &event.AlertAccepted{Alert: "w1", By: "nurse-a"}, &event.AlertContacted{Alert: "w1", Outcome: event.Reached, CareBy: at(5)}}, at(9), "overdue w1 " + at(5).String() + " nurse-a has it in care"},
		"a shelf may be":                      {[]event.Event{raised, &event.AlertShelved{Alert: "w1", By: "nurse-a", Until: at(5)}}, at(9), "overdue w1 " + at(5).String() + " nurse-a put it aside"},
		"a planned window may be":             {[]event.Event{&event.AlertRaised{Alert: "w1", Planned: "x", Policy: policy, AnswerBy: at(5)}}, at(9), "overdue w1 " + at(5).String() + " it rested"},
		"no deadline at all":                  {[]event.Event{raise("w1", "deterioration", 0)}, at(1), "no_deadline w1 " + at(0).String() + " nobody will be asked about it again (asks, nurse)"},
		"never is no deadline":                {[]event.Event{raised, &event.AlertShelved{Alert: "w1", By: "nurse-a", Until: event.Never}}, at(2), "no_deadline w1 " + at(1).String() + " (aside, nurse-a)"},
		"a closed one has none":               {[]event.Event{raised, closed}, at(900), ""},
		"closed twice":                        {[]event.Event{raised, closed, closed}, at(3), "not_open w1 " + at(2).String() + " alert.closed was decided about it"},
		"accepted after it was closed":        {[]event.Event{raised, closed, &event.AlertAccepted{Alert: "w1"}}, at(3), "not_open w1 " + at(2).String() + " alert.accepted was decided"},
		"noted though it never was":           {[]event.Event{&event.AlertNoted{Alert: "w7"}}, at(3), "not_open w7 " + at(0).String() + " alert.noted"},
		"judged after it was closed":          {[]event.Event{raised, closed, &event.AlertJudged{Alert: "w1"}}, at(3), ""},
		"such an event is told for a day":     {[]event.Event{closed}, at(24 * 60), ""},
		"raised twice for one problem":        {[]event.Event{raise("w1", "silence", at(9)), raise("w2", "silence", at(9))}, at(3), "raised_twice w2 " + at(1).String() + " raised while w1 was open"},
		"until one of them is closed":         {[]event.Event{raise("w1", "silence", at(9)), raise("w2", "silence", at(9)), closed}, at(3), ""},
		"two problems are two warnings":       {[]event.Event{raised, raise("w2", "silence", at(9))}, at(2), ""},
		"the same one raised twice":           {[]event.Event{raised, raise("w1", "deterioration", at(9))}, at(4), "raised_twice w1 " + at(1).String() + " though it was open already"},
		"who left has nothing open":           {[]event.Event{raised, left, closed}, at(2), ""},
		"closed before the leaving, as well":  {[]event.Event{raised, closed, left}, at(2), ""},
		"who left has something open":         {[]event.Event{raised, left}, at(2), "left_open w1 " + at(1).String() + " the patient left"},
		"until that is taken back":            {[]event.Event{raised, left, &event.PatientResumed{}}, at(2), ""},
		"what is raised later does not count": {[]event.Event{left, raised}, at(2), ""},
		"a type that nobody knows":            {[]event.Event{raised, other("alert.forgotten")}, at(2), "unknown_event  " + at(1).String() + " alert.forgotten e1 is an event that the auditor cannot read"},
		"other types are no business":         {[]event.Event{raised, other("care.planned")}, at(2), ""},
	} {
		t.Run(name, func(t *testing.T) {
			found := audit.Find(who, fold(t, c.events...), c.now, audit.Within)
			if c.want == "" {
				if len(found) != 0 {
					t.Errorf("found %+v", found)
				}
				return
			}
			if len(found) != 1 {
				t.Fatalf("found %+v, want %s", found, c.want)
			}
			f := found[0]
			said := fmt.Sprintf("%s %s %s %s", f.Kind, f.Alert, f.Since, f.Says)
			head := strings.SplitAfterN(c.want, "Z ", 2)
			if f.Subject != who || !strings.HasPrefix(said, head[0]) || !strings.Contains(f.Says, head[1]) {
				t.Errorf("found %s of %s, want %s", said, f.Subject, c.want)
			}
		})
	}
}

// other stands for an event of a type that the auditor does not know.
type other event.Type

func (o other) Type() event.Type { return event.Type(o) }

// A type of warnings' lives that is added has to be added here as well: every frozen one is folded as what it is.
func TestALR7_AuditorKnowsEveryTypeOfAWarningsLife(t *testing.T) {
	s := fold(t, raise("text", "deterioration", at(9)))
	known := 0
	for typ, version := range event.Types() {
		if !audit.Concerns(typ) {
			continue
		}
		known++
		e := frozen(t, fmt.Sprintf("../../streams/event/testdata/%s.v%d.json", typ, version))
		for _, o := range audit.Apply(s, e).Odd {
			if o.Kind == audit.UnknownEvent {
				t.Errorf("%s is not known", typ)
			}
		}
	}
	if known < 19 {
		t.Errorf("only %d types looked at", known)
	}
}

func frozen(t *testing.T, path string) event.Envelope {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var f struct {
		Headers map[string]string
		Value   json.RawMessage
	}
	if err := json.Unmarshal(b, &f); err != nil {
		t.Fatal(err)
	}
	var headers []event.Header
	for k, v := range f.Headers {
		headers = append(headers, event.Header{Key: k, Value: []byte(v)})
	}
	e, err := event.Decode(headers, f.Value)
	if err != nil {
		t.Fatal(err)
	}
	return e
}

// However many events do not fit, a patient's state stays small, and the newest are kept.
func TestALR7_AuditorKeepsTheNewestOddities(t *testing.T) {
	var s audit.State
	for i := range 100 {
		s = audit.Apply(s, event.Envelope{ID: "x", At: at(i), Data: &event.AlertEased{Alert: "w1"}})
	}
	if len(s.Odd) != 16 || s.Odd[15].At != at(99) {
		t.Errorf("%d are kept, the newest of %s", len(s.Odd), s.Odd[len(s.Odd)-1].At)
	}
}

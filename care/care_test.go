package care

import (
	"encoding/json"
	"fmt"
	"reflect"
	"testing"

	"tocsin/streams/event"
)

const start event.Time = 1_772_434_800_000

func TestMembershipIsKnownAsOfAMoment(t *testing.T) {
	s := fold(t, State{},
		&event.PatientEnrolled{Tenant: "demo", Patient: "P-0113", Group: "copd"},
		&event.PatientEnrolled{Tenant: "demo", Patient: "P-0113", Group: "copd"},
		&event.PatientGrouped{Tenant: "demo", Patient: "P-0113", Group: "heart", Was: "copd"})
	if s.Group() != "heart" || s.GroupAt(start-1) != "" || s.GroupAt(start) != "copd" || s.GroupAt(start+1) != "copd" || s.GroupAt(start+2) != "heart" {
		t.Errorf("got %+v", s)
	}
	if *s.Enrolled != start || len(s.Groups) != 2 {
		t.Errorf("an enrolment that repeats itself counted: %+v", s)
	}
	if s.Groups[1].Cause != "e2" || s.Groups[1].Since != start+2 {
		t.Errorf("who and since when: %+v", s.Groups[1])
	}
}

// The end of the care stands until somebody takes it back: a board shows nobody who is not watched.
func TestALR18_TheEndOfTheCareStandsUntilItIsTakenBack(t *testing.T) {
	s := fold(t, State{}, &event.PatientEnrolled{Group: "copd"}, &event.PatientLeft{Why: event.LeftDischarged, By: "lead-a"})
	if s.Left == nil || *s.Left != start+1 {
		t.Errorf("the care has ended, and it stands %v", s.Left)
	}
	if s = fold(t, s, &event.PatientResumed{By: "lead-a"}); s.Left != nil {
		t.Errorf("it was taken back, and stands ended at %v", s.Left)
	}
}

func TestRUL6_FurtherGroupsAreKnownAsOfAMoment(t *testing.T) {
	s := fold(t, State{},
		&event.PatientEnrolled{Group: "copd", Also: []string{"heart"}},
		&event.PatientGrouped{Group: "copd", Also: []string{"heart"}, Was: "copd"},
		&event.PatientGrouped{Group: "heart", Also: []string{"copd", "kidney"}, Was: "copd"},
		&event.PatientGrouped{Group: "kidney", Was: "heart"},
		&event.PatientGrouped{Group: "kidney", Also: []string{"heart"}, Was: "kidney"})
	for at, want := range map[event.Time]string{-1: "[]", 0: "[copd heart]", 1: "[copd heart]", 2: "[heart copd kidney]", 3: "[kidney]", 9: "[kidney heart]"} {
		if got := fmt.Sprint(s.AllAt(start + at)); got != want {
			t.Errorf("at %d in %s, want %s", at, got, want)
		}
	}
	if got := fmt.Sprint(s.All()); got != "[kidney heart]" || s.Group() != "kidney" || len(s.Groups) != 4 {
		t.Errorf("today %s in %+v", got, s)
	}
	for _, c := range []struct {
		group     string
		at, since event.Time
		in        bool
	}{{"heart", 2, 0, true}, {"copd", 2, 0, true}, {"copd", 3, 0, false}, {"kidney", 9, 2, true}, {"heart", 9, 4, true}, {"heart", 3, 0, false}, {"copd", -1, 0, false}} {
		if since, in := s.In(c.group, start+c.at); in != c.in || in && since != start+c.since {
			t.Errorf("in %s at %d: %d, %t", c.group, c.at, since-start, in)
		}
	}
}

func TestAMoveOfNobodyIsAnError(t *testing.T) {
	if _, err := (Core{}).Apply(Facts{}, State{}, event.Envelope{ID: "x", Subject: "demo/P-0113", Data: &event.PatientGrouped{Group: "heart"}}, start); err == nil {
		t.Error("somebody who is not enrolled was moved")
	}
}

func TestOldMembershipsAreCounted(t *testing.T) {
	moves := []event.Event{&event.PatientEnrolled{Group: "g"}}
	for i := range 40 {
		moves = append(moves, &event.PatientGrouped{Group: fmt.Sprint("g", i%2)})
	}
	if s := fold(t, State{}, moves...); len(s.Groups) != keptMemberships || s.LeftOut != 41-keptMemberships {
		t.Errorf("%d kept, %d left out", len(s.Groups), s.LeftOut)
	}
}

func TestGroupsAreKnownByName(t *testing.T) {
	var f Facts
	for _, g := range []*event.GroupSet{{Tenant: "demo", Group: "heart"}, {Tenant: "demo", Group: "copd", Zh: "慢阻肺组"}, {Tenant: "demo", Group: "heart", En: "Heart"}} {
		before := fmt.Sprint(f)
		next, err := (Core{}).Common(f, event.Envelope{Data: g}, start)
		if err != nil || fmt.Sprint(f) != before {
			t.Fatalf("%v, or the facts it was given were altered", err)
		}
		f = next
	}
	if want := (Facts{[]Group{{"demo", "copd", "慢阻肺组", ""}, {"demo", "heart", "", "Heart"}}}); !reflect.DeepEqual(f, want) {
		t.Errorf("got %+v", f)
	}
}

// fold applies each event one millisecond after the one before, and holds Apply to its word.
func fold(t *testing.T, s State, events ...event.Event) State {
	t.Helper()
	for i, d := range events {
		before, _ := json.Marshal(s)
		next, err := (Core{}).Apply(Facts{}, s, event.Envelope{ID: fmt.Sprint("e", i), Subject: "demo/P-0113", Data: d}, start+event.Time(i))
		if err != nil {
			t.Fatal(err)
		}
		if after, _ := json.Marshal(s); string(after) != string(before) {
			t.Fatalf("%s altered the state that it was given", d.Type())
		}
		s = next
	}
	b, err := json.Marshal(s)
	var back State
	if err != nil || json.Unmarshal(b, &back) != nil || !reflect.DeepEqual(s, back) {
		t.Fatalf("a checkpoint of %+v reads back as %+v", s, back)
	}
	return s
}

// What is taken quietly leads where it leads when each question is asked by itself.
func TestReadingsAndBeatsAreQuiet(t *testing.T) {
	s := fold(t, State{}, &event.PatientEnrolled{Tenant: "demo", Patient: "P-0113", Group: "copd"})
	for _, d := range []event.Event{&event.ObservationRecorded{}, &event.DoorOpened{}} {
		e := event.Envelope{ID: "x", Data: d}
		want, err := Core{}.Apply(Facts{}, s, e, start)
		out, decideErr := Core{}.Decide(Facts{}, want, e, start)
		quiet := s
		next, ok := Core{}.Quietly(&Facts{}, &quiet, e, start)
		if err != nil || decideErr != nil || len(out) > 0 || !ok || !reflect.DeepEqual(want, quiet) || next != (Core{}).NextDue(Facts{}, want) {
			t.Errorf("%s is not as quiet as it says: %v, %v, %v", d.Type(), err, decideErr, out)
		}
	}
	if _, ok := (Core{}).Quietly(&Facts{}, &s, event.Envelope{ID: "x", Data: &event.PatientLeft{}}, start); ok {
		t.Error("a leaving is called quiet")
	}
}

// A patient comes to a clinic, moves to another, and leaves it; nothing else of the care touches that.
func TestGRP1_ThePatientsFoldKnowsTheClinic(t *testing.T) {
	var s State
	for i, step := range []struct {
		event event.Event
		want  string
	}{
		{&event.PatientEnrolled{Tenant: "t", Patient: "P", Group: "copd"}, ""},
		{&event.PatientClinicSet{Tenant: "t", Patient: "P", Clinic: "c1"}, "c1"},
		{&event.PatientGrouped{Tenant: "t", Patient: "P", Group: "diabetes", Was: "copd"}, "c1"},
		{&event.PatientLeft{}, "c1"},
		{&event.PatientClinicSet{Tenant: "t", Patient: "P", Clinic: "c2", Was: "c1"}, "c2"},
		{&event.PatientClinicSet{Tenant: "t", Patient: "P", Was: "c2"}, ""},
	} {
		var err error
		if s, err = (Core{}).Apply(Facts{}, s, event.Envelope{ID: "e", Subject: "t/P", Data: step.event}, event.Time(i)); err != nil {
			t.Fatal(err)
		}
		if s.Clinic != step.want {
			t.Errorf("after %s: %q, want %q", step.event.Type(), s.Clinic, step.want)
		}
	}
}

// The fold of a patient knows at every moment by which consent is done what follows, and what was withdrawn.
func TestSEC4_ThePatientsFoldKnowsTheConsent(t *testing.T) {
	var s State
	for i, d := range []event.Event{
		&event.PatientEnrolled{Tenant: "t", Patient: "P", Group: "copd", ConsentKept: true},
		&event.ConsentGiven{Tenant: "t", Patient: "P", Consent: event.Consent{ID: "c1", Purposes: []string{event.ForMonitoring, event.ForSharing}, GivenAt: 1}},
		&event.PatientGrouped{Tenant: "t", Patient: "P", Group: "diabetes"},
		&event.ConsentWithdrawn{Tenant: "t", Patient: "P", Purposes: []string{event.ForSharing}},
	} {
		var err error
		if s, err = (Core{}).Apply(Facts{}, s, event.Envelope{ID: "e", Subject: "t/P", At: event.Time(i + 10), Data: d}, event.Time(i+20)); err != nil {
			t.Fatal(err)
		}
		want := []string{event.ConsentNone, event.ConsentStands, event.ConsentStands, event.ConsentWithdrew}[i]
		if got := s.Consents.For(event.ForSharing, 100); got.State != want {
			t.Errorf("after %s: %+v, want %s", d.Type(), got, want)
		}
	}
	if got := s.Consents.For(event.ForMonitoring, 100); got.Consent != "c1" {
		t.Errorf("%+v", got)
	}
}

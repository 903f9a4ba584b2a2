package directory

import (
	"errors"
	"reflect"
	"strings"
	"testing"

	"tocsin/streams/event"
)

func TestALR20_APersonFollowsTheOneBefore(t *testing.T) {
	w := newWorld(t)
	ask := func(version int, what string) *event.RequestRefused {
		t.Helper()
		_, refused := w.ask(&event.PersonRequested{Tenant: "t", Patient: "P", Version: version, Key: "k", Sealed: []byte(what), By: "nurse-a"})
		return refused
	}
	if r := ask(1, "x"); r == nil || r.Reason != "unknown" {
		t.Fatalf("somebody who is not enrolled was taken: %+v", r)
	}
	w.ask(&event.EnrolRequested{Tenant: "t", Patient: "P", Group: "copd", By: "a"})
	for _, c := range []struct {
		version int
		what    string
		reason  string
	}{{2, "x", "changed_meanwhile"}, {1, "one", ""}, {1, "another", "changed_meanwhile"}, {2, "", "bad_person"}, {2, "two", ""}} {
		r := ask(c.version, c.what)
		if r == nil != (c.reason == "") || r != nil && r.Reason != c.reason {
			t.Errorf("version %d %q: %+v, want %q", c.version, c.what, r, c.reason)
		}
	}
	stands := w.at[PatientKey("t", "P")]
	if stands.Person == nil || string(stands.Person.Sealed) != "two" || stands.Patient.Group != "copd" {
		t.Fatalf("%+v", stands)
	}
	w.ask(&event.EnrolRequested{Tenant: "t", Patient: "P", Group: "diabetes", By: "a"})
	if stands = w.at[PatientKey("t", "P")]; stands.Person == nil || stands.Patient.Group != "diabetes" {
		t.Error("moving to another group lost the person")
	}
}

func TestSEC3_AnErasureForgetsWhatWasSealedAndCountsOn(t *testing.T) {
	w := newWorld(t)
	erase := func(reason string) ([]event.Event, *event.RequestRefused) {
		return w.ask(&event.EraseRequested{Tenant: "t", Patient: "P", Reason: reason, By: "command line"})
	}
	if _, r := erase("asked_by_patient"); r == nil || r.Reason != "unknown" {
		t.Errorf("%+v", r)
	}
	w.ask(&event.EnrolRequested{Tenant: "t", Patient: "P", Group: "copd", By: "a"})
	w.ask(&event.PersonRequested{Tenant: "t", Patient: "P", Version: 1, Key: "k", Sealed: []byte("x"), By: "a"})
	if _, r := erase("Mr Demo asked"); r == nil || r.Reason != "bad_reason" || strings.Contains(r.En, "Demo") {
		t.Errorf("a reason in free words could say a name: %+v", r)
	}
	facts, r := erase("asked_by_patient")
	if r != nil || len(facts) != 1 {
		t.Fatalf("%+v %+v", facts, r)
	}
	if p := w.at[PatientKey("t", "P")].Person; p.Sealed != nil || p.Key != "" || p.Version != 1 || p.Erased == nil {
		t.Errorf("it still holds what was sealed: %+v", p)
	}
	if facts, r := erase("asked_by_patient"); r != nil || len(facts) != 0 {
		t.Errorf("erased again: %+v %+v", facts, r)
	}
	if _, r := w.ask(&event.PersonRequested{Tenant: "t", Patient: "P", Version: 1, Key: "k", Sealed: []byte("x"), By: "a"}); r == nil {
		t.Error("what was erased came back by a request of before")
	}
	if _, r := w.ask(&event.PersonRequested{Tenant: "t", Patient: "P", Version: 2, Key: "k2", Sealed: []byte("y"), By: "a"}); r != nil {
		t.Errorf("%+v", r)
	}
}

// Who a patient is stays in the directory: nobody's fold of a patient is handed it.
func TestSEC6_APersonIsHandedOnToNobody(t *testing.T) {
	for _, d := range []event.Event{&event.PersonSet{Tenant: "t", Patient: "P"}, &event.PersonErased{Tenant: "t", Patient: "P"}, &event.PersonRequested{}, &event.EraseRequested{}} {
		if key, ok := concerns(d); ok {
			t.Errorf("%s is handed on to %s", d.Type(), key)
		}
	}
}

// whoColumns are columns for the test: one that may hold anything but "bad".
type whoColumns struct{}

func (whoColumns) Has(column string) bool { return column == "name" || column == "phone" }
func (whoColumns) Check(cells map[string]string) error {
	var faults []error
	for _, column := range []string{"name", "phone"} {
		if cells[column] == "bad" {
			faults = append(faults, errors.New("column "+column+": want another"))
		}
	}
	return errors.Join(faults...)
}

func TestALR20_AnImportMayHaveFurtherColumns(t *testing.T) {
	const head = "tenant,patient,group,device,token,phone,Name\n"
	for what, c := range map[string]struct {
		text string
		want []Said
		err  string
	}{
		"an old file":                       {"tenant,patient,group,device,token\nt,P,g,d,\n", nil, ""},
		"cells":                             {head + "t,P,g,d,,000,Demo\nt,Q,g,,,,\n", []Said{{2, "t", "P", map[string]string{"phone": "000", "name": "Demo"}}}, ""},
		"two devices, said twice":           {head + "t,P,g,d,,000,Demo\nt,P,g,e,,000,Demo\n", []Said{{2, "t", "P", map[string]string{"phone": "000", "name": "Demo"}}}, ""},
		"two devices, said once":            {head + "t,P,g,d,,,\nt,P,g,e,,000,Demo\n", []Said{{3, "t", "P", map[string]string{"phone": "000", "name": "Demo"}}}, ""},
		"two devices, said differently":     {head + "t,P,g,d,,000,Demo\nt,P,g,e,,001,Demo\n", nil, "line 3: of patient t/P it says something else than line 2"},
		"a fault of a cell":                 {head + "t,P,g,d,,bad,bad\n", nil, "line 2: column name: want another\nline 2: column phone: want another"},
		"a column that nobody knows":        {"tenant,patient,group,device,token,Demo Patient\nt,P,g,d,,x\n", nil, "column 6 is none"},
		"the first line was left out":       {"t,P,g,d,,000,Demo\n", nil, `no column "tenant"`},
		"somebody without the first column": {"Demo,Demo,tenant\n", nil, "column 2 stands there twice"},
	} {
		_, said, err := ReadImport(strings.NewReader(c.text), whoColumns{})
		if err == nil != (c.err == "") || err != nil && (!strings.Contains(err.Error(), c.err) || strings.Contains(err.Error(), "Demo") || strings.Contains(err.Error(), "000")) {
			t.Errorf("%s: %v", what, err)
		}
		if !reflect.DeepEqual(said, c.want) {
			t.Errorf("%s: %+v", what, said)
		}
	}
}

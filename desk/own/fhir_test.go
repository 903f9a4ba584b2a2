package own

import (
	"encoding/json"
	"testing"

	"tocsin/streams/event"
)

// A form stands as active as long as one of its purposes does: a withdrawal of all of them, and its end, show.
func TestSEC4_AFormThatWasWithdrawnIsNotActive(t *testing.T) {
	ended := event.Time(50)
	given := func(id string, until *event.Time, purposes ...string) event.Event {
		return &event.ConsentGiven{Consent: event.Consent{ID: id, Purposes: purposes, GivenAt: 1, Until: until}}
	}
	withdrawn := func(purposes ...string) event.Event { return &event.ConsentWithdrawn{Purposes: purposes} }
	c := &Copy{MadeAt: 100}
	for _, e := range []event.Event{
		given("withdrawn", nil, event.ForSharing), given("partly", nil, event.ForSharing, event.ForMonitoring), given("over", &ended, event.ForResearch),
		withdrawn(event.ForSharing), given("again", nil, event.ForSharing),
	} {
		data, err := json.Marshal(e)
		if err != nil {
			t.Fatal(err)
		}
		c.Consents = append(c.Consents, Line{Type: e.Type(), Data: data})
	}
	b, err := bundle(c)
	if err != nil {
		t.Fatal(err)
	}
	var got struct {
		Entry []struct {
			Resource struct {
				ResourceType, Status string
				Identifier           []struct{ Value string }
			}
		}
	}
	if err := json.Unmarshal(b, &got); err != nil {
		t.Fatal(err)
	}
	want := map[string]string{"withdrawn": "inactive", "partly": "active", "over": "inactive", "again": "active"}
	for _, e := range got.Entry {
		if r := e.Resource; r.ResourceType == "Consent" {
			if r.Status != want[r.Identifier[0].Value] {
				t.Errorf("form %s is %s", r.Identifier[0].Value, r.Status)
			}
			delete(want, r.Identifier[0].Value)
		}
	}
	if len(want) > 0 {
		t.Errorf("forms are missing: %v", want)
	}
}

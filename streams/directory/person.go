package directory

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"tocsin/streams"
	"tocsin/streams/event"
)

// Person is what is kept of a patient, sealed as care/vault seals it: nobody here can open it.
type Person struct {
	Version int                 `json:"version"` // counts on over an erasure
	Key     string              `json:"key,omitempty"`
	Sealed  []byte              `json:"sealed,omitempty"`
	Erased  *event.PersonErased `json:"erased,omitempty"`
}

// maxSealed is the longest person in bytes that is taken: some forty times what anybody has.
const maxSealed = 32 << 10

func personOf(d *event.PersonSet) *Person {
	return &Person{Version: d.Version, Key: d.Key, Sealed: d.Sealed}
}

// erasedFrom forgets what was sealed.
func erasedFrom(d *event.PersonErased) *Person { return &Person{Version: d.Version, Erased: d} }

// decidePerson takes what was sealed when it follows what stands: of two who change the same, the second has to look again.
func decidePerson(s Entity, id string, r *event.PersonRequested) []event.Event {
	if s.Patient == nil || s.Patient.Group == "" {
		return refuse(id, unknownPatient(r.Tenant, r.Patient))
	}
	version := 0
	if s.Person != nil {
		version = s.Person.Version
	}
	switch {
	case r.Version != version+1:
		return refuse(id, refusal{"changed_meanwhile", "该患者资料已被他人更新，请重新打开后再修改", "somebody else has changed it meanwhile: look at it again, then change it"})
	case r.Key == "" || len(r.Key) > maxID || len(r.Sealed) == 0 || len(r.Sealed) > maxSealed:
		return refuse(id, refusal{"bad_person", "患者资料未按规定加密", "it was not sealed as the vault seals it"})
	}
	return one(&event.PersonSet{Tenant: r.Tenant, Patient: r.Patient, Version: r.Version, Key: r.Key, Sealed: r.Sealed, By: r.By})
}

// decideErase notes that a key was destroyed. Also of a patient of whom nothing was kept: whoever asks need not know.
func decideErase(s Entity, id string, r *event.EraseRequested) []event.Event {
	switch {
	case s.Patient == nil:
		return refuse(id, unknownPatient(r.Tenant, r.Patient))
	case !slices.Contains(event.EraseReasons, r.Reason):
		all := strings.Join(event.EraseReasons, ", ")
		return refuse(id, refusal{"bad_reason", "原因须为以下之一：" + all, "the reason must be one of " + all})
	case s.Person != nil && s.Person.Erased != nil:
		return nil
	}
	e := &event.PersonErased{Tenant: r.Tenant, Patient: r.Patient, Reason: r.Reason, By: r.By}
	if s.Person != nil {
		e.Version = s.Person.Version
	}
	return one(e)
}

// Person answers what is kept of a patient, sealed; ok is false when nothing ever was.
func (v *View) Person(tenant, patient string) (p Person, ok bool) {
	v.mu.RLock()
	defer v.mu.RUnlock()
	p, ok = v.persons[streams.PatientKey(tenant, patient)]
	return p, ok
}

// Persons brings what was sealed to the registrar and answers the refusals beside it.
func (a *Asker) Persons(ctx context.Context, persons []*event.PersonRequested) ([]*event.RequestRefused, error) {
	requests := make([]event.Event, len(persons))
	for i, p := range persons {
		requests[i] = p
	}
	refused, _, err := a.askAll(ctx, requests, nil)
	if err != nil {
		return nil, fmt.Errorf("persons: %w", err)
	}
	return refused, nil
}

package desk

import (
	"context"
	"errors"
	"net/http"
	"reflect"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"tocsin/care/vault"
	"tocsin/streams"
	"tocsin/streams/directory"
	"tocsin/streams/event"
)

// Who a patient is: opened from the vault for whoever may see the patient and asks for this one, noted before it is shown, and sent
// nowhere else. Lists, the stream, logs and the log of events know the hospital's id alone (SEC-6).

// mayKnow is who may be told who a patient is: those who call them. Whoever looks after the system is never told.
var (
	mayKnow = oneOf(roleLead, roleNurse, roleDoctor, roleHealthManager, roleClinic)
	mayName = oneOf(roleLead, roleNurse, roleClinic)
)

// PersonView is who a patient is, as far as that is known.
type PersonView struct {
	State    string       `json:"state" enum:"known,none,erased,off,lost" doc:"none: nothing was entered; erased: its key was destroyed; off: this desk has no vault; lost: its key is not where it should be, or it was altered"`
	Version  int          `json:"version" doc:"counts changes; a change names the version that it replaces"`
	Person   vault.Person `json:"person"`
	AgeYears *int         `json:"age_years,omitempty" doc:"completed years by the date of birth"`
}

// PersonBody replaces who a patient is. What it leaves out is gone.
type PersonBody struct {
	Version int          `json:"version" minimum:"0" doc:"the version that was looked at; 0: there was none"`
	Person  vault.Person `json:"person"`
}

// PatientPath names a patient in the path.
type PatientPath struct {
	Tenant  string `path:"tenant" maxLength:"128"`
	Patient string `path:"patient" maxLength:"128"`
}

func (s *Server) personOperations(api huma.API) {
	const path = "/v1/patients/{tenant}/{patient}/"
	huma.Register(api, op(mayKnow, "GET", path+"person", "getPerson", "groups", "Who the patient is, from the vault; noted before it is shown", http.StatusNotFound, http.StatusServiceUnavailable),
		func(ctx context.Context, in *PatientPath) (*body[PersonView], error) {
			return answer(s.person(ctx, in.Tenant, in.Patient))
		})
	huma.Register(api, op(mayName, "PUT", path+"person", "setPerson", "groups", "Replace who the patient is",
		http.StatusNotFound, http.StatusConflict, http.StatusUnprocessableEntity, http.StatusServiceUnavailable, http.StatusGatewayTimeout),
		func(ctx context.Context, in *struct {
			PatientPath
			Body PersonBody
		}) (*body[PersonView], error) {
			return answer(s.setPerson(ctx, in.Tenant, in.Patient, in.Body))
		})
	huma.Register(api, op(mayKnow, "GET", path+"brief", "getBrief", "groups", "What is read out to the patient's 120 centre, on one page; noted as a look into the vault", http.StatusNotFound, http.StatusServiceUnavailable),
		func(ctx context.Context, in *struct {
			PatientPath
			Warning string `query:"warning" maxLength:"64" doc:"what it is about; left out: the gravest that is open"`
		}) (*body[Brief], error) {
			return answer(s.brief(ctx, in.Tenant, in.Patient, in.Warning))
		})
}

// person opens the vault for who asks, once that has been noted.
func (s *Server) person(ctx context.Context, tenant, patient string) (PersonView, error) {
	if err := s.opening(ctx, tenant, patient, "vault.read"); err != nil {
		return PersonView{}, err
	}
	return s.open(tenant, patient), nil
}

// opening lets through whoever may see who the patient is, and notes it. What cannot be noted is not shown.
func (s *Server) opening(ctx context.Context, tenant, patient, action string) error {
	if err := s.see(ctx, tenant, patient, action); err != nil {
		return err
	}
	if _, known := s.o.Directory.Patient(tenant, patient); !known {
		return refuse(http.StatusNotFound, "unknown", "没有这位患者", "there is no such patient")
	}
	return nil
}

// open answers what the vault has of a patient. Whoever calls has been let through.
func (s *Server) open(tenant, patient string) PersonView {
	kept, ok := s.o.Directory.Person(tenant, patient)
	switch {
	case s.o.Vault == nil:
		return PersonView{State: "off", Version: kept.Version}
	case !ok:
		return PersonView{State: "none"}
	case kept.Erased != nil:
		return PersonView{State: "erased", Version: kept.Version}
	}
	p, err := s.o.Vault.Open(tenant, patient, sealedOf(kept))
	if err != nil {
		s.o.Logger.Error("who a patient is cannot be opened", streams.KeyPatient, streams.PatientKey(tenant, patient), streams.KeyErr, err)
		return PersonView{State: "lost", Version: kept.Version}
	}
	v := PersonView{State: "known", Version: kept.Version, Person: p}
	if years, ok := p.AgeYears(s.o.Now()); ok {
		v.AgeYears = &years
	}
	return v
}

func sealedOf(p directory.Person) vault.Sealed {
	return vault.Sealed{Version: p.Version, Key: p.Key, Data: p.Sealed}
}

func (s *Server) setPerson(ctx context.Context, tenant, patient string, in PersonBody) (PersonView, error) {
	if err := s.opening(ctx, tenant, patient, "vault.write"); err != nil {
		return PersonView{}, err
	}
	if s.o.Vault == nil {
		return PersonView{}, vaultOff()
	}
	if faults := in.Person.Check(s.o.Now()); len(faults) > 0 {
		return PersonView{}, badPerson(faults)
	}
	sealed, err := s.o.Vault.Seal(tenant, patient, in.Version+1, in.Person)
	if err != nil {
		return PersonView{}, err
	}
	if err := s.tell(ctx, requestOf(tenant, patient, sealed, identityOf(ctx).Account)); err != nil {
		return PersonView{}, err
	}
	return s.open(tenant, patient), nil
}

func requestOf(tenant, patient string, s vault.Sealed, by string) *event.PersonRequested {
	return &event.PersonRequested{Tenant: tenant, Patient: patient, Version: s.Version, Key: s.Key, Sealed: s.Data, By: by}
}

func vaultOff() *Problem {
	return refuse(http.StatusServiceUnavailable, "vault_off", "本预警台未启用患者资料库", "this desk has no vault: who patients are cannot be kept here")
}

// badPerson names every field that is wrong, and nothing of what stands there.
func badPerson(faults []vault.Fault) *Problem {
	p := refuse(http.StatusUnprocessableEntity, "person", faults[0].Field+"："+faults[0].Zh, faults[0].Error())
	for _, f := range faults {
		p.Errors = append(p.Errors, ProblemField{Where: f.Field, Message: f.En, Zh: f.Zh, En: f.En})
	}
	return p
}

// Naming says of a line of an import who a patient is.
type Naming struct {
	Line            int
	Tenant, Patient string
	Person          vault.Person
}

// persons is what Keep needs of the directory; *directory.View is one.
type persons interface {
	Person(tenant, patient string) (directory.Person, bool)
}

// sealer brings what was sealed to the registrar; *directory.Asker is one.
type sealer interface {
	Persons(ctx context.Context, all []*event.PersonRequested) ([]*event.RequestRefused, error)
}

// Keep lays what was said over what the vault has, seals what is new by it, and answers how many persons changed and the lines of
// which the registrar refused them. Said again, nothing changes.
func Keep(ctx context.Context, v *vault.Vault, d persons, a sealer, said []Naming, by string, progress func(done int)) (changed int, refused map[int]*event.RequestRefused, err error) {
	var requests []*event.PersonRequested
	var lines []int
	for i, n := range said {
		if ctx.Err() != nil {
			return 0, nil, ctx.Err()
		}
		if progress != nil {
			progress(i)
		}
		kept, _ := d.Person(n.Tenant, n.Patient)
		person := n.Person
		if kept.Sealed != nil {
			stands, err := v.Open(n.Tenant, n.Patient, sealedOf(kept))
			if err != nil && !errors.Is(err, vault.ErrNoKey) { // without its key it is gone, and what is said now begins anew
				return 0, nil, err
			}
			if person = n.Person.Over(stands); err == nil && reflect.DeepEqual(person, stands) {
				continue
			}
		}
		sealed, err := v.Seal(n.Tenant, n.Patient, kept.Version+1, person)
		if err != nil {
			return 0, nil, err
		}
		requests, lines = append(requests, requestOf(n.Tenant, n.Patient, sealed, by)), append(lines, n.Line)
	}
	answers, err := a.Persons(ctx, requests)
	if err != nil {
		return 0, nil, err
	}
	refused = map[int]*event.RequestRefused{}
	for i, r := range answers {
		if r != nil {
			refused[lines[i]] = r
		}
	}
	return len(requests) - len(refused), refused, nil
}

// namings answers whom the cells of an import name.
func namings(said []directory.Said, now func() time.Time) ([]Naming, error) {
	all := make([]Naming, len(said))
	columns := vault.Columns{Now: now}
	for i, s := range said {
		p, err := columns.Person(s.Cells)
		if err != nil {
			return nil, err
		}
		all[i] = Naming{Line: s.Line, Tenant: s.Tenant, Patient: s.Patient, Person: p}
	}
	return all, nil
}

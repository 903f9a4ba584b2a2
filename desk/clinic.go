package desk

import (
	"cmp"
	"context"
	"net/http"
	"slices"

	"github.com/danielgtaylor/huma/v2"

	"tocsin/streams/event"
)

// Community clinics: their names, how many patients each has, and to which one a patient belongs.

// Clinic is a community clinic.
type Clinic struct {
	Tenant   string `json:"tenant"`
	Clinic   string `json:"clinic"`
	Zh       string `json:"zh" doc:"its name; the English one, or its id, where nobody gave one"`
	En       string `json:"en"`
	Closed   bool   `json:"closed" doc:"it takes no further patients; those whom it has stay until they are moved"`
	Patients int    `json:"patients" doc:"enrolled ones of whom whoever asks may know; those whose care has ended too"`
}

// Clinics are those of the tenants that whoever asks has to do with.
type Clinics struct {
	Clinics []Clinic `json:"clinics" doc:"by tenant and id"`
}

// ClinicBody sets a clinic as a whole.
type ClinicBody struct {
	Tenant string `json:"tenant" minLength:"1" maxLength:"64"`
	Clinic string `json:"clinic" minLength:"1" maxLength:"64" pattern:"^[A-Za-z0-9_-]+$"`
	Zh     string `json:"zh,omitempty" maxLength:"66" doc:"at least one name; no telephone"`
	En     string `json:"en,omitempty" maxLength:"200"`
	Closed bool   `json:"closed,omitempty" doc:"it takes no further patients"`
}

// PatientClinicBody moves a patient to a clinic.
type PatientClinicBody struct {
	Clinic string `json:"clinic" maxLength:"64" doc:"empty: to none"`
	Was    string `json:"was" maxLength:"128" doc:"the clinic that was looked at, empty for none: what somebody else has changed meanwhile is not replaced unseen (409 changed)"`
}

func (s *Server) clinicOperations(api huma.API) {
	answers := []int{http.StatusNotFound, http.StatusConflict, http.StatusUnprocessableEntity, http.StatusServiceUnavailable, http.StatusGatewayTimeout}
	huma.Register(api, op(mayRegister, "GET", "/v1/clinics", "listClinics", "groups", "Community clinics by name"),
		func(ctx context.Context, _ *struct{}) (*body[Clinics], error) {
			return &body[Clinics]{Clinics{s.clinics(identityOf(ctx))}}, nil
		})
	huma.Register(api, op(mayImport, "PUT", "/v1/admin/clinics", "setClinic", "admin", "Name a community clinic, close it or open it again", answers...),
		func(ctx context.Context, in *body[ClinicBody]) (*body[Clinic], error) {
			return answer(s.setClinic(ctx, in.Body))
		})
	huma.Register(api, op(mayImport, "PUT", "/v1/admin/patients/{tenant}/{patient}/clinic", "setPatientClinic", "admin", "Move a patient to a community clinic, or to none", answers...),
		func(ctx context.Context, in *struct {
			PatientPath
			Body PatientClinicBody
		}) (*struct{}, error) {
			return nil, s.moveToClinic(ctx, in.Tenant, in.Patient, in.Body)
		})
}

// clinics answers those of the tenants that who asks has to do with. Who is there for clinics alone is told of those, and of those
// in which there is somebody for them to see.
func (s *Server) clinics(id identity) []Clinic {
	count, keep := map[string]int{}, s.registered(id)
	for _, e := range s.o.Directory.Everybody(keep) {
		if e.Clinic != "" {
			count[e.Tenant+"/"+e.Clinic]++
		}
	}
	all := []Clinic{}
	for _, c := range s.o.Directory.Clinics() {
		key := c.Tenant + "/" + c.Clinic
		if leads(id.Scope, c.Tenant) || count[key] > 0 || slices.Contains(id.Scope.Clinics, key) {
			all = append(all, clinicOf(c, count[key]))
		}
	}
	return all
}

func clinicOf(c event.ClinicSet, patients int) Clinic {
	zh, en := namesOfClinic(c)
	return Clinic{Tenant: c.Tenant, Clinic: c.Clinic, Zh: zh, En: en, Closed: c.Closed, Patients: patients}
}

// namesOfClinic answers both names; one stands in for the other.
func namesOfClinic(c event.ClinicSet) (zh, en string) {
	return cmp.Or(c.Zh, c.En, c.Clinic), cmp.Or(c.En, c.Zh, c.Clinic)
}

func (s *Server) setClinic(ctx context.Context, in ClinicBody) (Clinic, error) {
	id := identityOf(ctx)
	if !administers(id, in.Tenant) {
		return Clinic{}, notYours()
	}
	if err := s.tell(ctx, &event.ClinicRequested{Tenant: in.Tenant, Clinic: in.Clinic, Zh: in.Zh, En: in.En, Closed: in.Closed, By: id.Account}); err != nil {
		return Clinic{}, err
	}
	for _, c := range s.clinics(id) {
		if c.Tenant == in.Tenant && c.Clinic == in.Clinic {
			return c, nil
		}
	}
	return Clinic{}, notDone()
}

func (s *Server) moveToClinic(ctx context.Context, tenant, patient string, in PatientClinicBody) error {
	if _, err := s.administered(ctx, tenant, patient); err != nil {
		return err
	}
	return s.tell(ctx, &event.PatientClinicRequested{Tenant: tenant, Patient: patient, Clinic: in.Clinic, Was: &in.Was, By: identityOf(ctx).Account})
}

package desk

import (
	"context"
	"net/http"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/danielgtaylor/huma/v2"

	"tocsin/alerts"
	"tocsin/streams"
	"tocsin/streams/directory"
	"tocsin/streams/event"
)

// The register: who is enrolled, in which groups, with which devices. It shows opaque ids and never what is found of a patient, so that
// administrators, who see no chart and no name, can look after it.

var mayRegister = oneOf(append(slices.Clone(Roles[:6]), roleAdministrator)...)

// Enrolled is a patient of the register.
type Enrolled struct {
	Tenant  string   `json:"tenant"`
	Patient string   `json:"patient"`
	Groups  []string `json:"groups" doc:"the leading one first"`
	Clinic  string   `json:"clinic" doc:"community clinic; empty: none"`
	Devices []string `json:"devices" doc:"that are bound to the patient now"`
	Left    *Ended   `json:"left,omitempty" doc:"the care has ended"`
	Named   bool     `json:"named" doc:"the vault has something of who the patient is"`
}

// Ended is the end of a patient's care.
type Ended struct {
	At  event.Time `json:"at"`
	Why string     `json:"why,omitempty" enum:"discharged,died,consent_withdrawn" doc:"absent for administrators, who see no chart"`
}

// EnrolledPage is a part of the register.
type EnrolledPage struct {
	Patients []Enrolled `json:"patients" doc:"by tenant and id"`
	Next     string     `json:"next" doc:"ask again with after; empty: that was all"`
	Places   []Place    `json:"places" doc:"the tenants and groups of whoever asks, on the first page"`
}

// EnrolBody enrols a patient.
type EnrolBody struct {
	Tenant  string   `json:"tenant" minLength:"1" maxLength:"64"`
	Patient string   `json:"patient" minLength:"1" maxLength:"128" doc:"the hospital's opaque id: no name, no number of an identity card"`
	Groups  []string `json:"groups" minItems:"1" maxItems:"8" doc:"the leading one first; one that is not there is made"`
	Clinic  string   `json:"clinic,omitempty" maxLength:"64" doc:"community clinic, which must be there; absent: none"`
}

// RegroupBody moves a patient to other groups.
type RegroupBody struct {
	Groups []string `json:"groups" minItems:"1" maxItems:"8" doc:"the leading one first"`
	Was    []string `json:"was" maxItems:"8" doc:"the groups that were looked at: what somebody else has changed meanwhile is not replaced unseen (409 changed)"`
}

// SearchBody looks for patients by name.
type SearchBody struct {
	Name string `json:"name" minLength:"2" maxLength:"80" doc:"a part of the name; it is kept nowhere"`
}

// Found is a patient whose name fits.
type Found struct {
	Tenant  string `json:"tenant"`
	Patient string `json:"patient"`
	Name    string `json:"name"`
}

// FoundPage is what a search came to.
type FoundPage struct {
	Found []Found `json:"found"`
	More  bool    `json:"more" doc:"there are further ones: say more of the name"`
}

const (
	mostRows  = 10_000
	mostFound = 20
)

// RegisterPage asks for a part of a list.
type RegisterPage struct {
	After string `query:"after" maxLength:"300" doc:"next of the page before"`
	Limit int    `query:"limit" minimum:"1" maximum:"10000" default:"10000"`
}

func (s *Server) registerOperations(api huma.API) {
	answers := []int{http.StatusNotFound, http.StatusConflict, http.StatusUnprocessableEntity, http.StatusServiceUnavailable, http.StatusGatewayTimeout}
	huma.Register(api, op(mayRegister, "GET", "/v1/patients", "listPatients", "groups", "The register of patients, by opaque id", http.StatusServiceUnavailable),
		func(ctx context.Context, in *RegisterPage) (*body[EnrolledPage], error) {
			return answer(s.register(ctx, *in))
		})
	huma.Register(api, op(mayKnow, "POST", "/v1/patients/search", "searchPatients", "groups", "Look for patients by name in the vault; noted, and so is everybody whose name is shown", http.StatusServiceUnavailable),
		func(ctx context.Context, in *body[SearchBody]) (*body[FoundPage], error) {
			return answer(s.search(ctx, in.Body.Name))
		})
	huma.Register(api, op(mayImport, "POST", "/v1/admin/patients", "enrolPatient", "admin", "Enrol a patient", answers...),
		func(ctx context.Context, in *body[EnrolBody]) (*struct{}, error) {
			return nil, s.enrol(ctx, in.Body)
		})
	huma.Register(api, op(mayImport, "PUT", "/v1/admin/patients/{tenant}/{patient}/groups", "regroupPatient", "admin", "Move a patient to other groups", answers...),
		func(ctx context.Context, in *struct {
			PatientPath
			Body RegroupBody
		}) (*struct{}, error) {
			return nil, s.regroup(ctx, in.Tenant, in.Patient, in.Body)
		})
}

// administers tells whether whoever asks may enrol patients of a tenant and bind their devices.
func administers(id identity, tenant string) bool {
	return tenant != streams.SystemTenant && mayImport(id.Role) && leads(id.Scope, tenant)
}

// registered tells of whom the register tells who asks: of their own patients, or of those whom they administer.
func (s *Server) registered(id identity) func(tenant, patient string) bool {
	return func(tenant, patient string) bool {
		key := streams.PatientKey(tenant, patient)
		return isPerson(key) && (administers(id, tenant) || s.relation(id, key) != foreign)
	}
}

// reading notes that a list of the register is read.
func (s *Server) reading(ctx context.Context, action string) error {
	e := Entry{Action: action, Purpose: purposeCare}
	if !maySee(identityOf(ctx).Role) {
		e.Purpose = purposeAdmin
	}
	return s.note(ctx, e)
}

func (s *Server) register(ctx context.Context, in RegisterPage) (EnrolledPage, error) {
	if err := s.reading(ctx, "register.read"); err != nil {
		return EnrolledPage{}, err
	}
	id := identityOf(ctx)
	keep := s.registered(id)
	page := EnrolledPage{Patients: []Enrolled{}, Places: []Place{}}
	if in.After == "" {
		page.Places = s.places(func(tenant string) bool { return tenant != streams.SystemTenant && touches(id.Scope, tenant) })
	}
	tenant, patient := streams.SplitPatientKey(in.After)
	all := s.o.Directory.Everybody(func(t, p string) bool { return (t > tenant || t == tenant && p > patient) && keep(t, p) })
	if limit := in.Limit; len(all) > limit {
		all = all[:limit]
		page.Next = streams.PatientKey(all[limit-1].Tenant, all[limit-1].Patient)
	}
	worn, left := s.worn(), s.ward.leftAll()
	for _, e := range all {
		key := streams.PatientKey(e.Tenant, e.Patient)
		row := Enrolled{Tenant: e.Tenant, Patient: e.Patient, Groups: e.Groups, Clinic: e.Clinic, Devices: some(worn[key])}
		if l := left[key]; l != nil {
			row.Left = &Ended{At: l.At}
			if maySee(id.Role) {
				row.Left.Why = l.Why
			}
		}
		kept, ok := s.o.Directory.Person(e.Tenant, e.Patient)
		row.Named = ok && kept.Erased == nil
		page.Patients = append(page.Patients, row)
	}
	return page, nil
}

// worn answers the devices of each patient.
func (s *Server) worn() map[string][]string {
	all := map[string][]string{}
	for _, b := range s.o.Directory.Bindings() {
		if !b.Revoked {
			key := streams.PatientKey(b.Tenant, b.Patient)
			all[key] = append(all[key], b.Device)
		}
	}
	return all
}

// leftAll answers everybody whose care has ended.
func (w *ward) leftAll() map[string]*alerts.Left {
	w.mu.RLock()
	defer w.mu.RUnlock()
	all := map[string]*alerts.Left{}
	for key, p := range w.people {
		if l := p.p.Alerts.Left; l != nil {
			all[key] = l
		}
	}
	return all
}

// search opens the vault of everybody who is in the care of who asks, one search at a time. What is looked for is somebody's name: it
// stands in no log. Whose name is shown is noted one by one, before it is shown.
func (s *Server) search(ctx context.Context, name string) (FoundPage, error) {
	if s.o.Vault == nil {
		return FoundPage{}, vaultOff()
	}
	name = strings.ToLower(strings.TrimSpace(name))
	if utf8.RuneCountInString(name) < 2 {
		return FoundPage{}, refuse(http.StatusUnprocessableEntity, "too_short", "请至少输入两个字", "give at least two letters of the name")
	}
	if err := s.note(ctx, Entry{Action: "vault.search", Purpose: purposeCare}); err != nil {
		return FoundPage{}, err
	}
	select {
	case s.searching <- struct{}{}:
		defer func() { <-s.searching }()
	case <-ctx.Done():
		return FoundPage{}, ctx.Err()
	}
	page := FoundPage{Found: []Found{}}
	sees := s.sees(identityOf(ctx))
	for _, e := range s.o.Directory.Everybody(func(t, p string) bool { key := streams.PatientKey(t, p); return isPerson(key) && sees(key) }) {
		if ctx.Err() != nil {
			return FoundPage{}, ctx.Err()
		}
		v := s.open(e.Tenant, e.Patient)
		if v.State != "known" || !strings.Contains(strings.ToLower(v.Person.Name), name) {
			continue
		}
		if page.More = len(page.Found) == mostFound; page.More {
			break
		}
		if err := s.see(ctx, e.Tenant, e.Patient, "vault.read"); err != nil {
			return FoundPage{}, err
		}
		page.Found = append(page.Found, Found{Tenant: e.Tenant, Patient: e.Patient, Name: v.Person.Name})
	}
	return page, nil
}

func (s *Server) enrol(ctx context.Context, in EnrolBody) error {
	if !administers(identityOf(ctx), in.Tenant) {
		return notYours()
	}
	if p, known := s.o.Directory.Patient(in.Tenant, in.Patient); known && p.Group != "" {
		return refuse(http.StatusConflict, "taken", "该患者已登记；请在名单中打开该患者", "this patient is enrolled already: open them in the list")
	}
	_, err := s.row(ctx, directory.Row{Tenant: in.Tenant, Patient: in.Patient, Group: strings.Join(in.Groups, "+"), Clinic: in.Clinic})
	return err
}

func (s *Server) regroup(ctx context.Context, tenant, patient string, in RegroupBody) error {
	p, err := s.administered(ctx, tenant, patient)
	if err != nil {
		return err
	}
	if !slices.Equal(append([]string{p.Group}, p.Also...), in.Was) {
		return refuse(http.StatusConflict, "changed", "该患者的专病组已被他人更改；请重新查看后再修改", "somebody has changed the patient's groups meanwhile: look again, then change them")
	}
	_, err = s.row(ctx, directory.Row{Tenant: tenant, Patient: patient, Group: strings.Join(in.Groups, "+")})
	return err
}

// administered answers a patient of whoever asks.
func (s *Server) administered(ctx context.Context, tenant, patient string) (directory.Patient, error) {
	p, known := s.o.Directory.Patient(tenant, patient)
	if !known || p.Group == "" || !administers(identityOf(ctx), tenant) {
		return p, noPatient()
	}
	return p, nil
}

// row brings one row to the registrar by the way of an import.
func (s *Server) row(ctx context.Context, row directory.Row) (directory.Outcome, error) {
	ctx, stop := context.WithTimeout(ctx, registrarWithin)
	defer stop()
	row.Line = 1
	row, err := directory.Tidy(row)
	if err != nil {
		return directory.Outcome{}, refuse(http.StatusUnprocessableEntity, "bad_name", directory.InChinese(err), err.Error())
	}
	out, _, err := s.o.Asker.Import(ctx, []directory.Row{row}, identityOf(ctx).Account, nil)
	if err != nil {
		return directory.Outcome{}, asProblem(err)
	}
	if r := out[0].Refused; r != nil {
		return directory.Outcome{}, refused(r)
	}
	return out[0], nil
}

package desk

import (
	"context"
	"errors"
	"net/http"
	"slices"

	"github.com/danielgtaylor/huma/v2"

	"tocsin/streams"
	"tocsin/streams/directory"
	"tocsin/streams/event"
)

// What patients have agreed to (FEATURES SEC-4). A consent is recorded by whoever took it; a withdrawal by anybody to whom the patient
// says so, since it has to be as easy as agreeing was (PIPL article 15). A withdrawal holds at once, whatever else is asked then: of
// monitoring it also asks that the care end, which with a high warning open takes a doctor and a contact (ALR-18); until then the
// patient is watched on and shown as somebody who has withdrawn. Nobody is watched no more because a record is missing or has run out.

// mayConsent is who takes consents.
var mayConsent = oneOf(roleLead, roleNurse, roleDoctor, roleHealthManager, roleClinic)

// ConsentView is what a patient has agreed to.
type ConsentView struct {
	Purposes []PurposeView `json:"purposes"`
	Lines    []ConsentLine `json:"lines" doc:"what was recorded, the last first"`
	Care     CareView      `json:"care"`
}

// PurposeView is how a patient stands to a purpose now.
type PurposeView struct {
	Purpose string      `json:"purpose" enum:"monitoring,sharing,research"`
	State   string      `json:"state" enum:"given,none,before_records,expired,withdrawn" doc:"before_records: nothing is recorded, and the patient was enrolled before consents were kept: what went on then goes on"`
	Consent string      `json:"consent" doc:"its id; empty where there is none"`
	Since   *event.Time `json:"since,omitempty"`
	Until   *event.Time `json:"until,omitempty" doc:"absent: until it is withdrawn"`
}

// ConsentLine is one that was given, or a withdrawal.
type ConsentLine struct {
	At          event.Time  `json:"at" doc:"when it was recorded"`
	By          string      `json:"by" doc:"who recorded it"`
	Withdrawn   bool        `json:"withdrawn"`
	Consent     string      `json:"consent"`
	Purposes    []string    `json:"purposes"`
	Form        string      `json:"form"`
	FormVersion string      `json:"form_version"`
	How         string      `json:"how"`
	GivenBy     string      `json:"given_by"`
	GivenAt     *event.Time `json:"given_at,omitempty"`
	Until       *event.Time `json:"until,omitempty"`
}

// CareView tells whether a patient is watched, and after a withdrawal of monitoring why still.
type CareView struct {
	Watched bool   `json:"watched"`
	Reason  string `json:"reason" doc:"why the care could not be ended with the withdrawal: needs_doctor, needs_contact, role …; empty otherwise"`
	Zh      string `json:"zh"`
	En      string `json:"en"`
}

// ConsentBody records a consent.
type ConsentBody struct {
	ID          string      `json:"id" minLength:"1" maxLength:"64" doc:"of the form as it is filed; no name"`
	Purposes    []string    `json:"purposes" minItems:"1" maxItems:"3" enum:"monitoring,sharing,research"`
	Form        string      `json:"form" minLength:"1" maxLength:"64" doc:"which text was agreed to"`
	FormVersion string      `json:"form_version" minLength:"1" maxLength:"64"`
	GivenAt     event.Time  `json:"given_at"`
	How         string      `json:"how" enum:"paper,electronic,spoken,carried_over"`
	GivenBy     string      `json:"given_by" enum:"patient,guardian,representative"`
	Until       *event.Time `json:"until,omitempty"`
}

// WithdrawBody records that a patient agrees no more.
type WithdrawBody struct {
	Purposes  []string `json:"purposes" minItems:"1" maxItems:"3" enum:"monitoring,sharing,research"`
	How       string   `json:"how" enum:"paper,electronic,spoken"`
	Note      string   `json:"note,omitempty" maxLength:"300" doc:"of the end of the care; no names"`
	Contacted bool     `json:"contacted,omitempty" doc:"somebody was reached; needed to end the care while a high warning is open"`
}

// Unconsented is a patient who is watched without a consent that stands.
type Unconsented struct {
	Tenant  string `json:"tenant"`
	Patient string `json:"patient"`
	Group   string `json:"group"`
	State   string `json:"state" enum:"none,before_records,expired,withdrawn"`
}

// Unconsenteds are those patients, with how many there are of each state.
type Unconsenteds struct {
	Counts   map[string]int `json:"counts"`
	Patients []Unconsented  `json:"patients" doc:"at most 500: those who have withdrawn first, then those whose consent has run out"`
}

const mostUnconsented = 500

// ConsentRow is how one patient stands to every purpose.
type ConsentRow struct {
	Tenant   string         `json:"tenant"`
	Patient  string         `json:"patient"`
	Groups   []string       `json:"groups" doc:"the leading one first"`
	Watched  bool           `json:"watched" doc:"false: the care has ended"`
	Purposes []PurposeView  `json:"purposes" doc:"monitoring, sharing, research"`
	Forms    []ConsentForm  `json:"forms" doc:"that were signed, the last first"`
	Withdrew *WithdrawnLast `json:"withdrew,omitempty" doc:"the last withdrawal"`
}

// ConsentForm is a form that was signed: its number and which text it is.
type ConsentForm struct {
	ID      string `json:"id"`
	Form    string `json:"form"`
	Version string `json:"version"`
	Carried bool   `json:"carried" doc:"signed before Tocsin kept consents"`
}

// WithdrawnLast is what was withdrawn last.
type WithdrawnLast struct {
	At       event.Time `json:"at"`
	By       string     `json:"by" doc:"who recorded it"`
	Purposes []string   `json:"purposes"`
}

// ConsentPage is a part of the list of consents.
type ConsentPage struct {
	Patients []ConsentRow `json:"patients" doc:"by tenant and id"`
	Next     string       `json:"next" doc:"ask again with after; empty: that was all"`
}

func (s *Server) consentOperations(api huma.API) {
	const path = "/v1/patients/{tenant}/{patient}/consents"
	answers := []int{http.StatusNotFound, http.StatusConflict, http.StatusUnprocessableEntity, http.StatusServiceUnavailable, http.StatusGatewayTimeout}
	huma.Register(api, op(maySee, "GET", path, "getConsents", "groups", "What the patient has agreed to", http.StatusNotFound),
		func(ctx context.Context, in *PatientPath) (*body[ConsentView], error) {
			return answer(s.consents(ctx, in.Tenant, in.Patient, "consent.read"))
		})
	huma.Register(api, op(mayConsent, "POST", path, "recordConsent", "groups", "Record a consent", answers...),
		func(ctx context.Context, in *struct {
			PatientPath
			Body ConsentBody
		}) (*body[ConsentView], error) {
			return answer(s.recordConsent(ctx, in.Tenant, in.Patient, in.Body))
		})
	huma.Register(api, op(maySee, "POST", path+"/withdraw", "withdrawConsent", "groups", "Record that the patient agrees no more; of monitoring it asks for the end of the care too", answers...),
		func(ctx context.Context, in *struct {
			PatientClick
			Body WithdrawBody
		}) (*body[ConsentView], error) {
			return answer(s.withdraw(ctx, in.PatientClick, in.Body))
		})
	huma.Register(api, op(maySee, "GET", "/v1/consents", "listConsents", "groups", "How every patient stands to every purpose, with the forms"),
		func(ctx context.Context, in *RegisterPage) (*body[ConsentPage], error) {
			if err := s.seeing(ctx, Entry{Action: "consents.read"}); err != nil {
				return nil, err
			}
			return &body[ConsentPage]{s.consentPage(identityOf(ctx), *in)}, nil
		})
	huma.Register(api, op(maySee, "GET", "/v1/consents/missing", "listUnconsented", "groups", "Patients who are watched without a consent to it that stands"),
		func(ctx context.Context, _ *struct{}) (*body[Unconsenteds], error) {
			if err := s.seeing(ctx, Entry{Action: "consents.read"}); err != nil {
				return nil, err
			}
			return &body[Unconsenteds]{s.unconsented(identityOf(ctx))}, nil
		})
}

// consents answers what a patient has agreed to, once that somebody looks has been noted.
func (s *Server) consents(ctx context.Context, tenant, patient, action string) (ConsentView, error) {
	if err := s.opening(ctx, tenant, patient, action); err != nil {
		return ConsentView{}, err
	}
	return s.consentView(tenant, patient), nil
}

// consentPage answers a part of the list, of whom who asks may see.
func (s *Server) consentPage(id identity, in RegisterPage) ConsentPage {
	page, sees := ConsentPage{Patients: []ConsentRow{}}, s.sees(id)
	tenant, patient := streams.SplitPatientKey(in.After)
	all := s.o.Directory.Everybody(func(t, p string) bool {
		key := streams.PatientKey(t, p)
		return (t > tenant || t == tenant && p > patient) && isPerson(key) && sees(key)
	})
	if len(all) > in.Limit {
		all = all[:in.Limit]
		page.Next = streams.PatientKey(all[in.Limit-1].Tenant, all[in.Limit-1].Patient)
	}
	for _, e := range all {
		p, _ := s.o.Directory.Patient(e.Tenant, e.Patient)
		row := ConsentRow{Tenant: e.Tenant, Patient: e.Patient, Groups: e.Groups, Watched: s.ward.watches(streams.PatientKey(e.Tenant, e.Patient)), Purposes: s.purposes(p.Consents), Forms: []ConsentForm{}}
		for _, l := range slices.Backward(p.Consents.Lines) {
			if c := l.Given; c != nil {
				row.Forms = append(row.Forms, ConsentForm{ID: c.ID, Form: c.Form, Version: c.FormVersion, Carried: c.How == "carried_over"})
			} else if row.Withdrew == nil {
				row.Withdrew = &WithdrawnLast{At: l.At, By: l.By, Purposes: l.Withdrawn}
			}
		}
		page.Patients = append(page.Patients, row)
	}
	return page
}

// purposes answers how somebody with these consents stands to each purpose now.
func (s *Server) purposes(c event.Consents) []PurposeView {
	all := make([]PurposeView, 0, len(event.Purposes))
	for _, purpose := range event.Purposes {
		st := c.For(purpose, event.TimeOf(s.o.Now()))
		one := PurposeView{Purpose: purpose, State: st.State, Consent: st.Consent, Until: st.Until}
		if st.Since != 0 {
			one.Since = &st.Since
		}
		all = append(all, one)
	}
	return all
}

func (s *Server) consentView(tenant, patient string) ConsentView {
	p, _ := s.o.Directory.Patient(tenant, patient)
	v := ConsentView{Purposes: s.purposes(p.Consents), Lines: []ConsentLine{}, Care: CareView{Watched: s.ward.watches(streams.PatientKey(tenant, patient))}}
	for _, l := range slices.Backward(p.Consents.Lines) {
		line := ConsentLine{At: l.At, By: l.By, Withdrawn: l.Given == nil, Purposes: l.Withdrawn, How: l.How}
		if c := l.Given; c != nil {
			line.Consent, line.Purposes, line.Form, line.FormVersion, line.How, line.GivenBy, line.GivenAt, line.Until = c.ID, c.Purposes, c.Form, c.FormVersion, c.How, c.GivenBy, &c.GivenAt, c.Until
		}
		v.Lines = append(v.Lines, line)
	}
	return v
}

func (s *Server) recordConsent(ctx context.Context, tenant, patient string, in ConsentBody) (ConsentView, error) {
	if err := s.opening(ctx, tenant, patient, "consent.record"); err != nil {
		return ConsentView{}, err
	}
	c := event.Consent{ID: in.ID, Purposes: in.Purposes, Form: in.Form, FormVersion: in.FormVersion, GivenAt: in.GivenAt, How: in.How, GivenBy: in.GivenBy, Until: in.Until}
	if err := s.tell(ctx, &event.ConsentRequested{Tenant: tenant, Patient: patient, Consent: c, By: identityOf(ctx).Account}); err != nil {
		return ConsentView{}, err
	}
	return s.consentView(tenant, patient), nil
}

// withdraw records the withdrawal, which holds then, and asks for the end of the care when it is one of monitoring.
func (s *Server) withdraw(ctx context.Context, c PatientClick, in WithdrawBody) (ConsentView, error) {
	if err := s.opening(ctx, c.Tenant, c.Patient, "consent.withdraw"); err != nil {
		return ConsentView{}, err
	}
	if err := s.withdrawn(ctx, c.Tenant, c.Patient, in.Purposes, in.How); err != nil {
		return ConsentView{}, err
	}
	var care CareView
	if slices.Contains(in.Purposes, event.ForMonitoring) {
		care = s.endsWith(ctx, c, in)
	}
	v := s.consentView(c.Tenant, c.Patient)
	care.Watched = v.Care.Watched
	v.Care = care
	return v, nil
}

// withdrawn brings a withdrawal to the registrar.
func (s *Server) withdrawn(ctx context.Context, tenant, patient string, purposes []string, how string) error {
	return s.tell(ctx, &event.WithdrawRequested{Tenant: tenant, Patient: patient, Purposes: purposes, How: how, By: identityOf(ctx).Account})
}

// endsWith asks for the end of the care and answers why it goes on, if it does.
func (s *Server) endsWith(ctx context.Context, c PatientClick, in WithdrawBody) CareView {
	if !mayLeave(identityOf(ctx).Role) {
		return CareView{Reason: "role", Zh: "撤回已登记；结束管理须由护士、医生或负责人办理", En: "the withdrawal is recorded; a nurse, a doctor or the lead has to end the care"}
	}
	_, err := s.askOf(ctx, "leave", c, func(r event.Request) event.Event {
		return &event.LeaveRequested{Request: r, Why: event.LeftWithdrawn, Note: in.Note, Contacted: in.Contacted}
	})
	var p *Problem
	switch {
	case err == nil:
		return CareView{}
	case errors.As(err, &p):
		return CareView{Reason: p.Reason, Zh: "撤回已登记，但管理尚未结束：" + p.Zh, En: "the withdrawal is recorded, and the care goes on: " + p.En}
	}
	return CareView{Reason: "not_written", Zh: "撤回已登记；结束管理未能写入，请重试", En: "the withdrawal is recorded; the end of the care could not be written: try again"}
}

// withdrawsAll is what comes before the care of somebody ends who has withdrawn: it holds even when the end is refused.
func (s *Server) withdrawsAll(ctx context.Context, c PatientClick, why string) error {
	if why != event.LeftWithdrawn {
		return nil
	}
	if !s.ward.knows(streams.PatientKey(c.Tenant, c.Patient)) || s.relation(identityOf(ctx), streams.PatientKey(c.Tenant, c.Patient)) == foreign {
		return noPatient()
	}
	return s.withdrawn(ctx, c.Tenant, c.Patient, event.Purposes, "spoken")
}

// unconsented answers who is watched without a consent, as far as who asks may see them.
func (s *Server) unconsented(id identity) Unconsenteds {
	now, sees := event.TimeOf(s.o.Now()), s.sees(id)
	all := Unconsenteds{Counts: map[string]int{event.ConsentNone: 0, event.ConsentBefore: 0, event.ConsentExpired: 0, event.ConsentWithdrew: 0}, Patients: []Unconsented{}}
	s.o.Directory.EachPatient(func(tenant, patient string, p directory.Patient) bool {
		key := streams.PatientKey(tenant, patient)
		state := p.Consents.For(event.ForMonitoring, now).State
		if state == event.ConsentStands || tenant == streams.SystemTenant || !sees(key) || !s.ward.watches(key) {
			return true
		}
		all.Counts[state]++
		all.Patients = append(all.Patients, Unconsented{Tenant: tenant, Patient: patient, Group: p.Group, State: state})
		return true
	})
	first := []string{event.ConsentWithdrew, event.ConsentExpired, event.ConsentNone, event.ConsentBefore}
	slices.SortStableFunc(all.Patients, func(a, b Unconsented) int { return slices.Index(first, a.State) - slices.Index(first, b.State) })
	all.Patients = all.Patients[:min(len(all.Patients), mostUnconsented)]
	return all
}

// watches tells whether a patient is known whose care has not ended.
func (w *ward) watches(key string) bool {
	w.mu.RLock()
	defer w.mu.RUnlock()
	p := w.people[key]
	return p != nil && p.p.Alerts.Left == nil
}

package desk

import (
	"bytes"
	"context"
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"tocsin/desk/own"
	"tocsin/streams"
	"tocsin/streams/event"
)

// The copy of their own data that a patient can ask for (SEC-4). It is made by a lead of the patient's tenant, by security, who see no
// patient otherwise, or on this machine by its local administrator; it is noted before it is made, with why, and never without that.

// mayExport is who hands a patient their copy. Of administrators it is the local one alone: see Server.exports.
var mayExport = oneOf(roleLead, roleSecurity, roleAdministrator)

const (
	purposeOwn   = "own_copy"
	exportWithin = 10 * time.Minute
)

// ExportBody says why the copy is made.
type ExportBody struct {
	Reason string `json:"reason" enum:"asked_by_patient,asked_by_guardian,asked_by_court"`
}

func (s *Server) exportOperations(api huma.API, mux *http.ServeMux) {
	o := op(mayExport, "POST", "/v1/patients/{tenant}/{patient}/export", "exportOwn", "groups",
		"Everything that is kept of a patient, for that patient: a zip with a page, JSON and a FHIR Bundle; noted before it is made",
		http.StatusNotFound, http.StatusUnprocessableEntity, http.StatusBadGateway, http.StatusServiceUnavailable)
	path := func(name string) *huma.Param {
		return &huma.Param{Name: name, In: "path", Required: true, Schema: &huma.Schema{Type: huma.TypeString}}
	}
	o.Parameters = []*huma.Param{path("tenant"), path("patient")}
	o.RequestBody = &huma.RequestBody{Required: true, Content: map[string]*huma.MediaType{"application/json": {
		Schema: &huma.Schema{Type: huma.TypeObject, Required: []string{"reason"}, Properties: map[string]*huma.Schema{
			"reason": {Type: huma.TypeString, Enum: []any{own.Reasons[0], own.Reasons[1], own.Reasons[2]}}}}}}}
	o.Responses = map[string]*huma.Response{"200": {Description: "index.html, data.json and fhir-bundle.json", Content: map[string]*huma.MediaType{
		"application/zip": {Schema: &huma.Schema{Type: huma.TypeString, Format: "binary"}}}}}
	s.plain(api, mux, o, mayExport, s.exportOwn)
}

func (s *Server) exportOwn(w http.ResponseWriter, r *http.Request) {
	var in ExportBody
	err := json.NewDecoder(http.MaxBytesReader(w, r.Body, 1<<12)).Decode(&in)
	if err != nil || !slices.Contains(own.Reasons, in.Reason) {
		writeProblem(w, refuse(http.StatusUnprocessableEntity, "reason", "请说明由谁提出", "say who asked for it: "+strings.Join(own.Reasons, ", ")))
		return
	}
	tenant, patient := r.PathValue("tenant"), r.PathValue("patient")
	ctx, stop := context.WithTimeout(r.Context(), exportWithin)
	defer stop()
	if err := s.exports(ctx, tenant, patient, in.Reason); err != nil {
		writeProblem(w, asRefusal(err))
		return
	}
	var zip bytes.Buffer
	if err := s.writeOwn(ctx, &zip, tenant, patient, in.Reason); err != nil {
		s.o.Logger.Error("the copy of a patient's own data was not made", streams.KeyPatient, streams.PatientKey(tenant, patient), streams.KeyErr, err)
		writeProblem(w, refuse(http.StatusBadGateway, "unreadable", "数据读取失败，未生成副本，请联系运维人员", "not everything could be read, so no copy was made; call the operator"))
		return
	}
	w.Header().Set("Content-Type", "application/zip")
	w.Header().Set("Content-Disposition", `attachment; filename="copy.zip"`)
	w.Header().Set("Cache-Control", "no-store")
	_ = http.NewResponseController(w).SetWriteDeadline(time.Now().Add(exportWithin)) // a recorder in a test has none
	_, _ = w.Write(zip.Bytes())                                                      // whoever asked has gone
}

// exports lets through whoever may make the copy, once that is in the audit log.
func (s *Server) exports(ctx context.Context, tenant, patient, reason string) error {
	id := identityOf(ctx)
	e := Entry{Action: "own.export", Tenant: tenant, Patient: patient, Purpose: purposeOwn, Reason: reason}
	_, known := s.o.Directory.Patient(tenant, patient)
	may := false
	switch id.Role {
	case roleLead:
		may = s.relation(id, streams.PatientKey(tenant, patient)) != foreign
	case roleSecurity:
		may = leads(id.Scope, tenant)
	case roleAdministrator:
		may = id.local
	}
	if !known || !may || tenant == streams.SystemTenant {
		e.Refused, e.Reason = true, "relation"
		s.done(ctx, e)
		return noPatient()
	}
	return s.note(ctx, e)
}

func (s *Server) writeOwn(ctx context.Context, zip *bytes.Buffer, tenant, patient, reason string) error {
	select { // it reads as much as a look back does
	case s.lookingBack <- struct{}{}:
		defer func() { <-s.lookingBack }()
	case <-ctx.Done():
		return ctx.Err()
	}
	c, err := own.Gather(ctx, own.Sources{Log: s.o.Log, Partitions: s.o.Edge.Partitions(), Past: s.o.Past}, tenant, patient)
	if err != nil {
		return err
	}
	c.MadeAt, c.By, c.Reason = event.TimeOf(s.o.Now()), identityOf(ctx).Account, reason
	view := s.open(tenant, patient)
	if c.PersonState = view.State; view.State == "known" {
		person := view.Person
		c.LeftOut.Carers, person.Carers = len(person.Carers), nil // they are somebody else, and asked nobody
		c.Person = &person
	}
	return own.Write(zip, c)
}

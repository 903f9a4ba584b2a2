package desk

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"reflect"
	"slices"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"

	"tocsin/streams"
	"tocsin/streams/directory"
	"tocsin/streams/event"
)

// body wraps what a handler answers or hears, as huma wants it.
type body[T any] struct{ Body T }

// Click is what every wish about a warning carries besides its body.
type Click struct {
	ID  string `path:"id" maxLength:"64"`
	Key string `header:"Idempotency-Key" required:"true" minLength:"1" maxLength:"64" pattern:"^[!-~]([ -~]*[!-~])?$" doc:"made by the page before its first sending; a repeat with the same key gets the first answer"`
}

var tags = map[string][]string{
	"warnings": {"warnings"}, "groups": {"groups"}, "session": {"session"}, "admin": {"admin"}, "packs": {"packs"}, "live": {"live"},
	"audit": {"audit"}, "access": {"access"},
}

// describe registers every operation of the API; s may be empty when only the description is wanted.
func (s *Server) describe(mux *http.ServeMux) huma.API {
	huma.DefaultArrayNullable, huma.ValidateStrictCasing = false, true
	huma.NewError = newProblem
	api := humago.New(mux, apiConfig())
	s.warningOperations(api)
	s.actOperations(api)
	s.groupOperations(api)
	s.packOperations(api)
	s.draftOperations(api)
	s.personOperations(api)
	s.consentOperations(api)
	s.teamOperations(api)
	s.clinicOperations(api)
	s.qualityOperations(api)
	s.dutyOperations(api)
	s.sessionOperations(api)
	s.adminOperations(api)
	s.exportOperations(api, mux)
	s.streamOperations(api, mux)
	s.auditOperations(api)
	s.emergencyOperations(api)
	s.pushOperations(api)
	s.accountOperations(api)
	s.registerOperations(api)
	s.deviceOperations(api)
	complete(api)
	return api
}

// complete says of every operation what all of them have in common, once all are registered.
func complete(api huma.API) {
	for _, item := range api.OpenAPI().Paths {
		for method, o := range methodsOf(item) {
			if method == http.MethodHead {
				continue
			}
			if o.Metadata == nil {
				o.Metadata = map[string]any{}
			}
			q := &request{o, api.OpenAPI().Components.Schemas}
			q.document()
			exemplify(o)
			o.Metadata[asked] = q
		}
	}
}

func apiConfig() huma.Config {
	c := huma.DefaultConfig("Tocsin desk", "1")
	c.Info.Description = "Warnings, groups and readings as the desk shows them. Sign in for a cookie, or send a bearer token."
	c.OpenAPIPath, c.DocsPath, c.SchemasPath, c.CreateHooks = "/openapi", "", "", nil
	c.Components.SecuritySchemes = map[string]*huma.SecurityScheme{
		"cookie": {Type: "apiKey", In: "cookie", Name: cookieName},
		"bearer": {Type: "http", Scheme: "bearer"},
	}
	c.Security = []map[string][]string{{"cookie": {}}, {"bearer": {}}}
	r := c.Components.Schemas
	r.RegisterTypeAlias(reflect.TypeFor[event.Time](), reflect.TypeFor[time.Time]())
	r.RegisterTypeAlias(reflect.TypeFor[event.Decimal](), reflect.TypeFor[decimalNumber]())
	r.RegisterTypeAlias(reflect.TypeFor[event.Severity](), reflect.TypeFor[severityWord]())
	r.RegisterTypeAlias(reflect.TypeFor[event.Quantity](), reflect.TypeFor[quantityWord]())
	r.RegisterTypeAlias(reflect.TypeFor[map[event.Quantity]int64](), reflect.TypeFor[byQuantity[cadenceMs]]())
	r.RegisterTypeAlias(reflect.TypeFor[map[event.Quantity]string](), reflect.TypeFor[byQuantity[string]]())
	r.RegisterTypeAlias(reflect.TypeFor[map[event.Quantity]event.Target](), reflect.TypeFor[byQuantity[event.Target]]())
	r.RegisterTypeAlias(reflect.TypeFor[[]event.Quantity](), reflect.TypeFor[[]quantityWord]()) // else taken for bytes
	return c
}

// quantityWord describes event.Quantity.
type quantityWord string

// Schema lists the names.
func (quantityWord) Schema(huma.Registry) *huma.Schema {
	s := &huma.Schema{Type: huma.TypeString}
	for q := 1; q < event.Quantities; q++ {
		s.Enum = append(s.Enum, event.Quantity(q).String())
	}
	return s
}

// byQuantity describes maps whose keys are quantities.
type byQuantity[V any] map[string]V

// Schema says so of the keys. huma does not look at them; decoding does.
func (byQuantity[V]) Schema(r huma.Registry) *huma.Schema {
	return &huma.Schema{Type: huma.TypeObject, AdditionalProperties: r.Schema(reflect.TypeFor[V](), true, ""),
		Extensions: map[string]any{"propertyNames": map[string]any{"enum": quantityWord("").Schema(r).Enum}}}
}

// cadenceMs describes how often a quantity is expected.
type cadenceMs int64

// Schema says how seldom.
func (cadenceMs) Schema(huma.Registry) *huma.Schema {
	least, most := 0.0, float64(directory.MostCadenceMs)
	return &huma.Schema{Type: huma.TypeInteger, Format: "int64", Minimum: &least, Maximum: &most, Description: "0: not expected"}
}

// decimalNumber describes event.Decimal.
type decimalNumber float64

// Schema says how large.
func (decimalNumber) Schema(huma.Registry) *huma.Schema {
	least, most := -event.MaxDecimal.Float(), event.MaxDecimal.Float()
	return &huma.Schema{Type: huma.TypeNumber, Format: "double", Minimum: &least, Maximum: &most}
}

// severityWord describes event.Severity.
type severityWord string

// Schema lists the words.
func (severityWord) Schema(huma.Registry) *huma.Schema {
	return &huma.Schema{Type: huma.TypeString, Enum: []any{"none", "low", "medium", "high", "technical"}}
}

// OpenAPI answers the description of the API (OpenAPI 3.1), from which the screens' client is made.
func OpenAPI() ([]byte, error) {
	api := new(Server).describe(http.NewServeMux())
	return json.MarshalIndent(api.OpenAPI(), "", "  ")
}

// op describes one operation and who may use it.
func op(who permission, method, path, id, tag, summary string, errs ...int) huma.Operation {
	o := huma.Operation{OperationID: id, Method: method, Path: path, Summary: summary, Tags: tags[tag], Errors: append(slices.Clone(anyErrors), errs...), MaxBodyBytes: maxBody, BodyReadTimeout: -1} // exactly reads the body, and in time
	if method != http.MethodGet && method != http.MethodDelete {
		o.Errors = append(o.Errors, http.StatusRequestEntityTooLarge, http.StatusUnsupportedMediaType)
	}
	if who == nil {
		o.Security = []map[string][]string{}
		o.Middlewares = huma.Middlewares{exactly}
		return o
	}
	o.Errors = append(o.Errors, http.StatusLocked)
	o.Middlewares = huma.Middlewares{guard(who), exactly}
	return o
}

// anyErrors are those that every operation can answer: a request that cannot be read, a token that is not known, a page of another
// site or a role that may not, a fault of ours, a desk that is starting or cannot note what is looked at.
var anyErrors = []int{http.StatusBadRequest, http.StatusUnauthorized, http.StatusForbidden, http.StatusInternalServerError, http.StatusServiceUnavailable}

const maxBody = 1 << 20

func (s *Server) warningOperations(api huma.API) {
	type list struct {
		Warnings []Warning `json:"warnings"`
	}
	huma.Register(api, op(maySee, "GET", "/v1/warnings", "listWarnings", "warnings", "Warnings, gravest first and then by the time that is left; open means not closed"),
		func(ctx context.Context, in *struct {
			State string `query:"state" enum:"open,all" default:"open"`
		}) (*body[list], error) {
			if err := s.seeing(ctx, Entry{Action: "queue.read", Object: in.State}); err != nil {
				return nil, err
			}
			return &body[list]{list{s.allNamed(s.ward.warnings(in.State == "all", s.sees(identityOf(ctx))))}}, nil
		})
	huma.Register(api, op(maySee, "GET", "/v1/warnings/{id}", "getWarning", "warnings", "One warning with its story, now or as the desk knew it at a moment", http.StatusNotFound, http.StatusGone, http.StatusUnprocessableEntity, http.StatusServiceUnavailable),
		func(ctx context.Context, in *struct {
			ID   string    `path:"id" maxLength:"64"`
			AsOf time.Time `query:"as_of" doc:"as every desk knew it at this moment; now, when left out"`
		}) (*body[WarningStory], error) {
			if !in.AsOf.IsZero() {
				return answer(s.storyThen(ctx, in.ID, in.AsOf))
			}
			w, ok := s.ward.story(in.ID)
			if !ok || s.relation(identityOf(ctx), streams.PatientKey(w.Tenant, w.Patient)) == foreign {
				return nil, noWarning()
			}
			if err := s.seeing(ctx, Entry{Action: "warning.read", Tenant: w.Tenant, Patient: w.Patient, Object: in.ID}); err != nil {
				return nil, err
			}
			w.Warning = s.named(w.Warning)
			return &body[WarningStory]{w}, nil
		})
	huma.Register(api, op(mayClick, "POST", "/v1/warnings/{id}/accept", "acceptWarning", "warnings", "Take a warning", clickErrors...),
		func(ctx context.Context, in *struct {
			Click
			Body *AcceptBody `required:"false"`
		}) (*body[Warning], error) {
			b := orZero(in.Body)
			return s.ask(ctx, "accept", in.Click, b.Desk, func(r event.Request) event.Event { return &event.AcceptRequested{Request: r} })
		})
	huma.Register(api, op(mayAct, "POST", "/v1/warnings/{id}/return", "returnWarning", "warnings", "Give a warning back", clickErrors...),
		func(ctx context.Context, in *struct {
			Click
			Body *ReturnBody `required:"false"`
		}) (*body[Warning], error) {
			b := orZero(in.Body)
			return s.ask(ctx, "return", in.Click, b.Desk, func(r event.Request) event.Event {
				return &event.ReturnRequested{Request: r, Reason: b.Reason}
			})
		})
	huma.Register(api, op(mayClick, "POST", "/v1/warnings/{id}/close", "closeWarning", "warnings", "Close a warning with its outcome", clickErrors...),
		func(ctx context.Context, in *struct {
			Click
			Body CloseBody
		}) (*body[Warning], error) {
			b := in.Body
			return s.ask(ctx, "close", in.Click, b.Desk, func(r event.Request) event.Event {
				return &event.CloseRequested{Request: r, Outcome: b.Outcome, Done: b.Done, Disposition: b.Disposition, Contacted: b.Contacted}
			})
		})
}

// orZero answers what p points to, or the zero value for a body that was left out.
func orZero[T any](p *T) T {
	if p == nil {
		var zero T
		return zero
	}
	return *p
}

func (s *Server) groupOperations(api huma.API) {
	type groups struct {
		Groups []Group `json:"groups"`
	}
	type board struct {
		Patients []Row `json:"patients"`
		Left     []Row `json:"left" doc:"those whose care ended within the last day, the last first"`
	}
	type readings struct {
		History  string    `json:"history" enum:"on,off"`
		Readings []Reading `json:"readings"`
	}
	huma.Register(api, op(maySee, "GET", "/v1/groups", "listGroups", "groups", "Disease groups with what is open in them"),
		func(ctx context.Context, _ *struct{}) (*body[groups], error) {
			return &body[groups]{groups{s.groupList(identityOf(ctx))}}, nil
		})
	huma.Register(api, op(maySee, "GET", "/v1/groups/{tenant}/{group}", "getGroup", "groups", "The group's board, in the order of calling", http.StatusNotFound),
		func(ctx context.Context, in *struct {
			Tenant string `path:"tenant" maxLength:"128"`
			Group  string `path:"group" maxLength:"128"`
		}) (*body[board], error) {
			id := identityOf(ctx)
			rows, known := s.board(id, in.Tenant, in.Group)
			if !known {
				return nil, refuse(http.StatusNotFound, "unknown", "没有这个专病组", "there is no such group")
			}
			if err := s.seeing(ctx, Entry{Action: "board.read", Tenant: in.Tenant, Object: in.Group}); err != nil {
				return nil, err
			}
			return &body[board]{board{s.allRowsNamed(rows), s.allRowsNamed(s.ward.leftOf(in.Tenant, in.Group, event.TimeOf(s.o.Now().Add(-leftShown)), s.sees(id)))}}, nil
		})
	huma.Register(api, op(maySee, "GET", "/v1/patients/{tenant}/{patient}/readings", "getReadings", "groups", "Readings from history, oldest first; by when they were measured, and by when they were known", http.StatusBadGateway, http.StatusUnprocessableEntity),
		func(ctx context.Context, in *struct {
			Tenant  string    `path:"tenant" maxLength:"128"`
			Patient string    `path:"patient" maxLength:"128"`
			From    time.Time `query:"from" doc:"24 hours before to, when left out"`
			To      time.Time `query:"to" doc:"now, when left out"`
			Known   time.Time `query:"known" doc:"only what the desk knew at this moment, whenever it was measured; now, when left out"`
		}) (*body[readings], error) {
			on, rs, err := s.readings(ctx, in.Tenant, in.Patient, in.From, in.To, in.Known)
			return &body[readings]{readings{on, rs}}, err
		})
	huma.Register(api, op(maySee, "GET", "/v1/patients/{tenant}/{patient}/course", "getCourse", "groups", "Everything on one time axis: readings with every extreme, warnings, scores, what people did, who watched", http.StatusNotFound, http.StatusBadGateway, http.StatusUnprocessableEntity),
		func(ctx context.Context, in *struct {
			Tenant  string    `path:"tenant"`
			Patient string    `path:"patient"`
			From    time.Time `query:"from" doc:"24 hours before to, when left out"`
			To      time.Time `query:"to" doc:"now, when left out"`
			Points  int       `query:"points" default:"600" minimum:"50" maximum:"1000" doc:"how many points a line has at most, whatever the span: no extreme is left out"`
		}) (*body[Course], error) {
			return answer(s.course(ctx, in.Tenant, in.Patient, in.From, in.To, in.Points))
		})
}

func (s *Server) qualityOperations(api huma.API) {
	huma.Register(api, op(maySee, "GET", "/v1/quality", "getQuality", "groups", "How good the warnings of each week were: rates, shares, times, floods, shelvings", http.StatusNotFound),
		func(ctx context.Context, in *struct {
			Tenant string `query:"tenant" maxLength:"128"`
			Group  string `query:"group" maxLength:"128" doc:"only this group of the tenant; all, when left out"`
		}) (*body[Quality], error) {
			return answer(s.quality(ctx, in.Tenant, in.Group))
		})
}

func (s *Server) packOperations(api huma.API) {
	type packs struct {
		Packs []PackHead `json:"packs"`
	}
	huma.Register(api, op(anybody, "GET", "/v1/packs", "listPacks", "packs", "Rule packs that were published", http.StatusServiceUnavailable),
		func(ctx context.Context, _ *struct{}) (*body[packs], error) {
			if !s.past.knowsPacks() {
				return nil, starting()
			}
			return &body[packs]{packs{s.past.heads(event.TimeOf(s.o.Now()))}}, nil
		})
	huma.Register(api, op(anybody, "GET", "/v1/packs/{id}", "getPack", "packs", "One pack: what it watches, its thresholds with their sources, its tests and its record", http.StatusNotFound, http.StatusServiceUnavailable),
		func(ctx context.Context, in *struct {
			ID string `path:"id" maxLength:"64"`
		}) (*body[PackPage], error) {
			if !s.past.knowsPacks() {
				return nil, starting()
			}
			page, ok := s.past.page(in.ID, event.TimeOf(s.o.Now()))
			if !ok {
				return nil, noPack(in.ID)
			}
			return &body[PackPage]{page}, nil
		})
	huma.Register(api, op(maySee, "GET", "/v1/patients/{tenant}/{patient}/plan", "getPlan", "groups", "What holds for a patient now: the packs of all groups as one, whose numbers, and what they disagree on", http.StatusNotFound),
		func(ctx context.Context, in *struct {
			Tenant  string `path:"tenant" maxLength:"128"`
			Patient string `path:"patient" maxLength:"128"`
		}) (*body[PatientPlan], error) {
			if err := s.see(ctx, in.Tenant, in.Patient, "plan.read"); err != nil {
				return nil, err
			}
			return answer(s.patientPlan(in.Tenant, in.Patient))
		})
}

func (s *Server) sessionOperations(api huma.API) {
	huma.Register(api, op(nil, "GET", "/v1/session/ways", "listWays", "session", "How one can sign in here, beside a password"),
		func(context.Context, *struct{}) (*body[Ways], error) { return &body[Ways]{s.ways()}, nil })
	huma.Register(api, op(anybody, "GET", "/v1/session", "getSession", "session", "Who is signed in"),
		func(ctx context.Context, _ *struct{}) (*body[Session], error) {
			return &body[Session]{s.sessionOf(identityOf(ctx))}, nil
		})
	signIn := op(nil, "POST", "/v1/session", "signIn", "session", "Sign in; in the state code the second step is POST /v1/session/code", http.StatusUnauthorized, http.StatusTooManyRequests)
	huma.Register(api, signIn, func(ctx context.Context, in *body[SignIn]) (*body[Session], error) {
		return answer(s.signIn(ctx, in.Body))
	})
	huma.Register(api, op(nil, "DELETE", "/v1/session", "signOut", "session", "Sign out"),
		func(ctx context.Context, _ *struct{}) (*struct{}, error) { return nil, s.signOut(ctx) })
	huma.Register(api, op(anybody, "POST", "/v1/session/password", "changePassword", "session", "Replace one's own password",
		http.StatusConflict, http.StatusServiceUnavailable, http.StatusTooManyRequests, http.StatusGatewayTimeout),
		func(ctx context.Context, in *body[NewPassword]) (*body[Session], error) {
			id, err := s.changePassword(ctx, in.Body)
			return &body[Session]{s.sessionOf(id)}, err
		})
	s.factorOperations(api)
	s.lockOperations(api)
}

func (s *Server) adminOperations(api huma.API) {
	answers := []int{http.StatusConflict, http.StatusGatewayTimeout}
	huma.Register(api, op(mayAdmin, "POST", "/v1/admin/tokens", "makeToken", "admin", "Make a bearer token; it is said once", answers...),
		func(ctx context.Context, in *body[TokenBody]) (*body[TokenMade], error) {
			return answer(s.makeToken(ctx, in.Body))
		})
	huma.Register(api, op(mayAdmin, "POST", "/v1/admin/accounts", "makeAccount", "admin", "Make an account with a one-time password, or give one a new one", answers...),
		func(ctx context.Context, in *body[AccountBody]) (*body[AccountMade], error) {
			return answer(s.makeAccount(ctx, in.Body))
		})
	huma.Register(api, op(mayOrder, "POST", "/v1/admin/plans", "orderPlan", "admin", "Order own targets for a patient", append(answers, http.StatusNotFound)...),
		func(ctx context.Context, in *body[PlanBody]) (*struct{}, error) {
			return nil, s.orderPlan(ctx, in.Body)
		})
	huma.Register(api, op(mayAdmin, "POST", "/v1/admin/packs", "publishPack", "admin", "Publish a version of a rule pack", answers...),
		func(ctx context.Context, in *body[PackBody]) (*struct{}, error) {
			return nil, s.publishPack(ctx, in.Body)
		})
	huma.Register(api, op(mayAdmin, "POST", "/v1/admin/groups", "setGroup", "admin", "Set what a disease group uses", append(answers, http.StatusNotFound)...),
		func(ctx context.Context, in *body[GroupBody]) (*struct{}, error) {
			return nil, s.setGroup(ctx, in.Body)
		})
}

func answer[T any](v T, err error) (*body[T], error) { return &body[T]{v}, err }

// streamOperations are the two that huma cannot carry, since they answer bit by bit: they are plain handlers, described by hand.
func (s *Server) streamOperations(api huma.API, mux *http.ServeMux) {
	huma.Register(api, op(anybody, "GET", "/v1/status", "getStatus", "live", "How far what is shown can be believed"),
		func(ctx context.Context, _ *struct{}) (*body[Status], error) {
			return &body[Status]{s.status()}, nil
		})

	s.watchdogOperations(api)

	r := api.OpenAPI().Components.Schemas
	ref := func(t reflect.Type) *huma.Schema { return r.Schema(t, true, "") }
	stream := op(mayClick, "GET", "/v1/stream", "stream", "live", "Server-sent events: warning, patient, status, snapshot", http.StatusUnprocessableEntity)
	stream.Description = streamDoc
	stream.Parameters = []*huma.Param{
		{Name: "group", In: "query", Description: "{tenant}/{group}: send the rows of this board too", Schema: &huma.Schema{Type: huma.TypeString}},
		{Name: "after", In: "query", Description: "the vector to go on from, where a page cannot set Last-Event-ID", Schema: &huma.Schema{Type: huma.TypeString}},
		{Name: "Last-Event-ID", In: "header", Description: "the vector to go on from", Schema: &huma.Schema{Type: huma.TypeString}},
	}
	stream.Responses = map[string]*huma.Response{"200": {Description: "a stream that does not end", Content: map[string]*huma.MediaType{
		"text/event-stream": {Schema: &huma.Schema{OneOf: []*huma.Schema{
			eventOf("warning", ref(reflect.TypeFor[Warning]())), eventOf("patient", ref(reflect.TypeFor[Row]())),
			eventOf("status", ref(reflect.TypeFor[Status]())), eventOf("snapshot", ref(reflect.TypeFor[Snapshot]()))}}}}}}
	s.plain(api, mux, stream, mayClick, s.stream)

	imp := op(mayImport, "POST", "/v1/admin/import", "importPeople", "admin", "Enrol patients and bind devices from CSV: tenant,patient,group,device,token, and who the patients are", http.StatusUnprocessableEntity)
	imp.Parameters = []*huma.Param{{Name: "dry_run", In: "query", Description: "true: say what would become of every row, and change nothing", Schema: &huma.Schema{Type: huma.TypeBoolean}}}
	imp.RequestBody = &huma.RequestBody{Required: true, Content: map[string]*huma.MediaType{"text/csv": {Schema: &huma.Schema{Type: huma.TypeString}}}}
	imp.Responses = map[string]*huma.Response{"200": {Description: "one JSON object a line; the last has done", Content: map[string]*huma.MediaType{
		"application/x-ndjson": {Schema: ref(reflect.TypeFor[ImportLine]())}}}}
	s.plain(api, mux, imp, mayImport, s.importCSV)
}

// eventOf describes one event of a stream: its data is JSON.
func eventOf(name string, data *huma.Schema) *huma.Schema {
	text := func(doc string) *huma.Schema { return &huma.Schema{Type: huma.TypeString, Description: doc} }
	payload := text("one line of JSON")
	payload.Extensions = map[string]any{"contentMediaType": "application/json", "contentSchema": data}
	return &huma.Schema{Type: huma.TypeObject, Required: []string{"event", "id", "data"}, Properties: map[string]*huma.Schema{
		"event": {Type: huma.TypeString, Enum: []any{name}}, "id": text("the vector up to which everything has been sent"), "data": payload}}
}

const streamDoc = `Each event's data is the whole thing, so applying one twice does no harm.
warning: a Warning, also when it has just been closed. patient: a Row, only with the query parameter group.
status: a Status, every second or two. snapshot: a Snapshot, first on a new stream and whenever changes cannot be told any more: it replaces everything.
id is the vector of offsets; come back with it in Last-Event-ID (or ?after=) to go on.`

// plain puts a handler of net/http under an operation's description and its guard.
func (s *Server) plain(api huma.API, mux *http.ServeMux, o huma.Operation, who permission, h http.HandlerFunc) {
	problem := &huma.Response{Description: "problem", Content: map[string]*huma.MediaType{
		"application/problem+json": {Schema: api.OpenAPI().Components.Schemas.Schema(reflect.TypeFor[Problem](), true, "")}}}
	for _, code := range o.Errors {
		o.Responses[fmt.Sprint(code)] = problem
	}
	o.Errors, o.Middlewares = nil, nil
	api.OpenAPI().AddOperation(&o)
	q := &request{o: &o}
	mux.Handle(o.Method+" "+o.Path, guarded(who, func(w http.ResponseWriter, r *http.Request) {
		if p := q.fault(r); p != nil {
			writeProblem(w, p)
			return
		}
		h(w, r)
	}))
}

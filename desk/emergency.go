package desk

import (
	"context"
	"net/http"
	"slices"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"tocsin/streams"
	"tocsin/streams/directory"
	"tocsin/streams/event"
)

// Break-glass: somebody who has to see a patient out of their care opens them with a reason, for a while. It is noted before
// it is granted, shown as long as it lasts, and looked at by somebody else afterwards.

// mayReview are those who look at emergencies afterwards. A lead sees those of their tenants.
var mayReview = oneOf(roleLead, roleSecurity)

// EmergencyBody asks for one.
type EmergencyBody struct {
	Tenant  string `json:"tenant" minLength:"1" maxLength:"128"`
	Patient string `json:"patient" minLength:"1" maxLength:"128"`
	Reason  string `json:"reason" minLength:"3" maxLength:"500" doc:"for the review; no names"`
	ForMin  int    `json:"for_min" default:"60" minimum:"1" maximum:"720"`
}

// Emergency is a patient who was opened to an account.
type Emergency struct {
	ID      string     `json:"id"`
	Account string     `json:"account"`
	Role    string     `json:"role"`
	Tenant  string     `json:"tenant"`
	Patient string     `json:"patient"`
	Reason  string     `json:"reason"`
	From    event.Time `json:"from"`
	Until   event.Time `json:"until"`
	Open    bool       `json:"open" doc:"it lasts"`
	Review  *Review    `json:"review,omitempty" doc:"absent: it waits for one"`
}

// Review is what somebody else found.
type Review struct {
	Outcome string     `json:"outcome" enum:"justified,not_justified"`
	Note    string     `json:"note"`
	By      string     `json:"by"`
	At      event.Time `json:"at"`
}

// ReviewBody says what was found.
type ReviewBody struct {
	Outcome string `json:"outcome" enum:"justified,not_justified"`
	Note    string `json:"note,omitempty" maxLength:"500"`
}

func (s *Server) emergencyOperations(api huma.API) {
	type emergencies struct {
		Emergencies []Emergency `json:"emergencies"`
	}
	answers := []int{http.StatusNotFound, http.StatusConflict, http.StatusServiceUnavailable, http.StatusGatewayTimeout}
	huma.Register(api, op(maySee, "POST", "/v1/emergencies", "beginEmergency", "access", "Open a patient out of one's care for a while, with a reason; it is noted and reviewed", answers...),
		func(ctx context.Context, in *body[EmergencyBody]) (*body[Emergency], error) {
			return answer(s.beginEmergency(ctx, in.Body))
		})
	huma.Register(api, op(mayReview, "GET", "/v1/emergencies", "listEmergencies", "access", "Patients who were opened in an emergency: those that wait for a review first, then the last"),
		func(ctx context.Context, _ *struct{}) (*body[emergencies], error) {
			return &body[emergencies]{emergencies{s.toReview(identityOf(ctx))}}, nil
		})
	huma.Register(api, op(mayReview, "POST", "/v1/emergencies/{id}/review", "reviewEmergency", "access", "Say whether an emergency was justified; nobody reviews their own", answers...),
		func(ctx context.Context, in *struct {
			ID   string `path:"id" maxLength:"64"`
			Body ReviewBody
		}) (*body[Emergency], error) {
			return answer(s.review(ctx, in.ID, in.Body))
		})
}

// beginEmergency notes it, asks the registrar, and answers once it holds. A patient who is not there is told from one who is
// only here: whoever has a reason may know.
func (s *Server) beginEmergency(ctx context.Context, in EmergencyBody) (Emergency, error) {
	id := identityOf(ctx)
	if id.token {
		return Emergency{}, refuse(http.StatusForbidden, "token", "令牌不能申请紧急授权", "a program opens nobody; sign in")
	}
	long := time.Duration(in.ForMin) * time.Minute
	err := s.note(ctx, Entry{Action: "emergency.begin", Tenant: in.Tenant, Patient: in.Patient, Purpose: purposeEmergency, Reason: in.Reason, Object: long.String()})
	if err != nil {
		return Emergency{}, err
	}
	if _, known := s.o.Directory.Patient(in.Tenant, in.Patient); !known {
		return Emergency{}, refuse(http.StatusNotFound, "unknown", "没有这位患者", "there is no such patient")
	}
	if why := s.relation(id, streams.PatientKey(in.Tenant, in.Patient)); why == inCare || why == unattended {
		return Emergency{}, refuse(http.StatusConflict, "in_care", "该患者已在您的管理范围内", "this patient is in your care already")
	}
	ask := &event.EmergencyRequested{Emergency: directory.NewID(), Account: id.Account, Role: id.Role, Tenant: in.Tenant, Patient: in.Patient,
		Reason: in.Reason, ForMs: long.Milliseconds()}
	if err := s.tell(ctx, ask); err != nil {
		return Emergency{}, err
	}
	e, ok := s.emergency(ask.Emergency)
	if !ok {
		return Emergency{}, notDone()
	}
	return e, nil
}

// toReview answers the emergencies that somebody may review.
func (s *Server) toReview(id identity) []Emergency {
	all := []Emergency{}
	for _, e := range s.o.Directory.Emergencies() {
		if id.Role != roleLead || leads(id.Scope, e.Tenant) {
			all = append(all, s.emergencyOf(e))
		}
	}
	slices.SortStableFunc(all, func(a, b Emergency) int {
		switch waits, later := a.Review == nil, b.Review == nil; {
		case waits == later:
			return 0
		case waits:
			return -1
		}
		return 1
	})
	return all
}

func (s *Server) review(ctx context.Context, emergency string, in ReviewBody) (Emergency, error) {
	id := identityOf(ctx)
	if !slices.ContainsFunc(s.toReview(id), func(e Emergency) bool { return e.ID == emergency }) {
		return Emergency{}, refuse(http.StatusNotFound, "unknown", "没有这次紧急查阅", "there is no such emergency")
	}
	err := s.tell(ctx, &event.ReviewRequested{Emergency: emergency, Outcome: in.Outcome, Note: in.Note, By: id.Account})
	if err != nil {
		return Emergency{}, err
	}
	e, _ := s.emergency(emergency)
	return e, nil
}

func (s *Server) emergency(id string) (Emergency, bool) {
	for _, e := range s.o.Directory.Emergencies() {
		if e.Emergency == id {
			return s.emergencyOf(e), true
		}
	}
	return Emergency{}, false
}

func (s *Server) emergencyOf(e directory.Emergency) Emergency {
	out := Emergency{ID: e.Emergency, Account: e.Account, Role: e.Role, Tenant: e.Tenant, Patient: e.Patient, Reason: e.Reason, From: e.From, Until: e.Until,
		Open: event.TimeOf(s.o.Now()) < e.Until}
	if r := e.Review; r != nil {
		out.Review = &Review{Outcome: r.Outcome, Note: r.Note, By: r.By, At: r.At}
	}
	return out
}

// opened answers the emergencies of who is signed in that last: their page shows them all the time.
func (s *Server) opened(id identity) []Emergency {
	open := []Emergency{}
	for _, e := range s.access.look(s.o.Directory).openNow(id.Account, event.TimeOf(s.o.Now())) {
		open = append(open, s.emergencyOf(e))
	}
	return open
}

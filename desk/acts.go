package desk

import (
	"cmp"
	"context"
	"net/http"
	"slices"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"tocsin/alerts"
	"tocsin/streams"
	"tocsin/streams/event"
)

// What can be asked of a warning beside taking, giving back and closing it, and what is asked about a patient. Whether it is
// granted, to whom and when is decided in the log, by alerts.

var clickErrors = []int{http.StatusNotFound, http.StatusConflict, http.StatusServiceUnavailable, http.StatusGatewayTimeout}

// acting registers a wish about a warning: POST /v1/warnings/{id}/VERB.
func acting[B any](s *Server, api huma.API, verb, id, summary string, wish func(event.Request, B) event.Event) {
	huma.Register(api, op(mayAct, "POST", "/v1/warnings/{id}/"+verb, id, "warnings", summary, clickErrors...),
		func(ctx context.Context, in *struct {
			Click
			Body B
		}) (*body[Warning], error) {
			return s.ask(ctx, verb, in.Click, "", func(r event.Request) event.Event { return wish(r, in.Body) })
		})
}

func (s *Server) actOperations(api huma.API) {
	acting(s, api, "call", "callAbout", "Say that a call has begun; no deadline moves",
		func(r event.Request, b CallBody) event.Event { return &event.CallRequested{Request: r, Whom: b.Whom} })
	acting(s, api, "contact", "contactAbout", "Say what came of a call; somebody reached puts the warning in care",
		func(r event.Request, b ContactBody) event.Event {
			return &event.ContactRequested{Request: r, Whom: b.Whom, Outcome: b.Outcome, Note: b.Note}
		})
	acting(s, api, "offer", "offerWarning", "Offer a warning to a colleague, who has it by accepting",
		func(r event.Request, b OfferBody) event.Event {
			return &event.OfferRequested{Request: r, To: b.To, Note: b.Note}
		})
	acting(s, api, "note", "noteWarning", "Add words to a warning",
		func(r event.Request, b NoteBody) event.Event { return &event.NoteRequested{Request: r, Text: b.Text} })
	acting(s, api, "shelve", "shelveWarning", "Put a warning aside for a reason and a time; a high takes two persons",
		func(r event.Request, b ShelveBody) event.Event {
			return &event.ShelveRequested{Request: r, Reason: b.Reason, Until: event.TimeOf(s.o.Now().Add(time.Duration(b.ForMin) * time.Minute))}
		})
	acting(s, api, "unshelve", "unshelveWarning", "End a shelving or a planned window before its time",
		func(r event.Request, _ struct{}) event.Event { return &event.UnshelveRequested{Request: r} })
	acting(s, api, "outcome", "judgeWarning", "Say what a closed warning was of which it was not known",
		func(r event.Request, b OutcomeBody) event.Event {
			return &event.OutcomeRequested{Request: r, Outcome: b.Outcome, Done: b.Done}
		})
	s.patientOperations(api)
}

// PatientClick is what every wish about a patient carries besides its body.
type PatientClick struct {
	Tenant  string `path:"tenant" maxLength:"128"`
	Patient string `path:"patient" maxLength:"128"`
	Key     string `header:"Idempotency-Key" required:"true" minLength:"1" maxLength:"64" pattern:"^[!-~]([ -~]*[!-~])?$" doc:"as with warnings"`
}

// askOf asks about a patient whom the desk knows. The answer's warning is empty where there is none.
func (s *Server) askOf(ctx context.Context, verb string, c PatientClick, wish func(event.Request) event.Event) (*answered, error) {
	key := streams.PatientKey(c.Tenant, c.Patient)
	id := identityOf(ctx)
	if !s.ward.knows(key) || s.relation(id, key) == foreign {
		return nil, noPatient()
	}
	a, err := s.asked(ctx, verb, key, Click{ID: key, Key: c.Key}, wish(event.Request{By: id.Account, Role: id.Role}))
	if err == nil && a.silent {
		return nil, notDone()
	}
	return a, err
}

func (s *Server) patientOperations(api huma.API) {
	type careEnded struct {
		Left bool `json:"left" doc:"the care of the patient has ended"`
	}
	type toJudge struct {
		Warnings []Unjudged `json:"warnings"`
	}
	type colleagues struct {
		Colleagues []Colleague `json:"colleagues"`
	}
	const path = "/v1/patients/{tenant}/{patient}/"
	huma.Register(api, op(mayAct, "POST", path+"warnings", "raiseWarning", "warnings", "Raise a warning by hand", clickErrors...),
		func(ctx context.Context, in *struct {
			PatientClick
			Body WarnBody
		}) (*body[Warning], error) {
			a, err := s.askOf(ctx, "warn", in.PatientClick, func(r event.Request) event.Event {
				return &event.WarnRequested{Request: r, Severity: in.Body.Severity, Text: in.Body.Text}
			})
			if err != nil {
				return nil, err
			}
			w, ok := s.ward.find(a.alert)
			if !ok {
				return nil, noWarning()
			}
			return &body[Warning]{s.named(w.warning())}, nil
		})
	huma.Register(api, op(mayLeave, "POST", path+"leave", "endCare", "warnings", "End the care of a patient; every warning is closed in the same step", clickErrors...),
		func(ctx context.Context, in *struct {
			PatientClick
			Body LeaveBody
		}) (*body[careEnded], error) {
			if err := s.withdrawsAll(ctx, in.PatientClick, in.Body.Why); err != nil {
				return nil, err
			}
			_, err := s.askOf(ctx, "leave", in.PatientClick, func(r event.Request) event.Event {
				return &event.LeaveRequested{Request: r, Why: in.Body.Why, Note: in.Body.Note, Contacted: in.Body.Contacted}
			})
			return &body[careEnded]{careEnded{true}}, err
		})
	type taken struct {
		Disowned bool `json:"disowned" doc:"the readings are judged no more; what is open stays open until a person closes it"`
	}
	huma.Register(api, op(mayLeave, "POST", path+"disown", "disownReadings", "warnings", "Say that readings were not this patient's; what remains is judged anew", clickErrors...),
		func(ctx context.Context, in *struct {
			PatientClick
			Body DisownBody
		}) (*body[taken], error) {
			_, err := s.askOf(ctx, "disown", in.PatientClick, func(r event.Request) event.Event {
				q := &event.DisownRequested{Request: r, Disowned: event.Disowned{MeasuredAt: in.Body.MeasuredAt, Why: in.Body.Why}}
				for _, one := range in.Body.Readings {
					q.Readings = append(q.Readings, event.Reading{Quantity: one.Quantity, Value: one.Value})
				}
				return q
			})
			return &body[taken]{taken{true}}, err
		})
	huma.Register(api, op(mayLeave, "POST", path+"resume", "resumeCare", "warnings", "Take the end of a patient's care back", clickErrors...),
		func(ctx context.Context, in *struct {
			PatientClick
			Body ResumeBody
		}) (*body[careEnded], error) {
			_, err := s.askOf(ctx, "resume", in.PatientClick, func(r event.Request) event.Event {
				return &event.ResumeRequested{Request: r, Note: in.Body.Note}
			})
			return &body[careEnded]{careEnded{false}}, err
		})
	huma.Register(api, op(maySee, "GET", "/v1/colleagues", "listColleagues", "warnings", "The accounts that can be given a warning, by name"),
		func(context.Context, *struct{}) (*body[colleagues], error) {
			return &body[colleagues]{colleagues{s.colleagues()}}, nil
		})
	huma.Register(api, op(maySee, "GET", "/v1/unjudged", "listUnjudged", "warnings", "Closed warnings of which it is not known what they were, the oldest first"),
		func(ctx context.Context, _ *struct{}) (*body[toJudge], error) {
			if err := s.seeing(ctx, Entry{Action: "unjudged.read"}); err != nil {
				return nil, err
			}
			return &body[toJudge]{toJudge{s.ward.unjudged(s.sees(identityOf(ctx)))}}, nil
		})
}

// colleagues answers who could have a warning.
func (s *Server) colleagues() []Colleague {
	all := []Colleague{}
	for _, a := range s.o.Directory.People() {
		if mayAct(a.Role) {
			all = append(all, Colleague{Account: a.Account, Role: a.Role})
		}
	}
	return all
}

// keyOf answers the patient of a warning that is shown, or that is closed and was not judged.
func (w *ward) keyOf(alert string) (key string, known bool) {
	w.mu.RLock()
	defer w.mu.RUnlock()
	if s, ok := w.shown[alert]; ok {
		return s.key, true
	}
	for key, p := range w.people {
		for _, u := range p.p.Alerts.Unjudged {
			if u.Alert == alert {
				return key, true
			}
		}
	}
	return "", false
}

func (w *ward) knows(key string) bool {
	w.mu.RLock()
	defer w.mu.RUnlock()
	return w.people[key] != nil
}

func (w *ward) unjudged(sees func(key string) bool) []Unjudged {
	w.mu.RLock()
	defer w.mu.RUnlock()
	all := []Unjudged{}
	for key, p := range w.people {
		if len(p.p.Alerts.Unjudged) == 0 || !sees(key) {
			continue
		}
		tenant, patient := streams.SplitPatientKey(key)
		for _, u := range p.p.Alerts.Unjudged {
			all = append(all, Unjudged{ID: u.Alert, Tenant: tenant, Patient: patient, Problem: u.Problem, Severity: u.Severity, ClosedAt: u.ClosedAt, AskBy: Deadline(u.AskBy)})
		}
	}
	slices.SortFunc(all, func(a, b Unjudged) int { return cmp.Or(cmp.Compare(a.ClosedAt, b.ClosedAt), cmp.Compare(a.ID, b.ID)) })
	return all
}

// leftShown is how long those whose care has ended are named beside their group's board: as long as whoever ended it can take
// that back.
const leftShown = 24 * time.Hour

// leftOf answers the rows of those who were in a group when their care ended after since, the last first.
func (w *ward) leftOf(tenant, name string, since event.Time, sees func(key string) bool) []Row {
	w.mu.RLock()
	defer w.mu.RUnlock()
	all := []Row{}
	for key, p := range w.people {
		left := p.p.Alerts.Left
		if left == nil || left.At < since || p.p.Care.Group() != name {
			continue
		}
		if of, _ := streams.SplitPatientKey(key); of != tenant || !sees(key) {
			continue
		}
		all = append(all, p.row())
	}
	slices.SortFunc(all, func(a, b Row) int {
		return cmp.Or(cmp.Compare(b.Left.At, a.Left.At), cmp.Compare(a.Patient, b.Patient))
	})
	return all
}

// triedOf answers the last call of a story of which somebody said what came: it tells the others who has been rung in vain.
func triedOf(story []alerts.Moment) *Tried {
	for _, m := range slices.Backward(story) {
		if m.Type == (*event.AlertContacted)(nil).Type() {
			return &Tried{By: m.By, Whom: m.To, Outcome: m.Note, At: m.At}
		}
	}
	return nil
}

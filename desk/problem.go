package desk

import (
	"encoding/json"
	"fmt"
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"tocsin/streams/event"
)

// Error makes a Problem an error; GetStatus and ContentType are what huma asks of one.
func (p *Problem) Error() string { return p.Detail }

// GetStatus is the HTTP status.
func (p *Problem) GetStatus() int { return p.Status }

// ContentType names RFC 9457.
func (p *Problem) ContentType(string) string { return "application/problem+json" }

// newProblem is what huma makes of its own faults: a body that does not fit, a missing header.
func newProblem(status int, msg string, errs ...error) huma.StatusError {
	p := &Problem{Status: status, Title: http.StatusText(status), Detail: msg}
	for _, err := range errs {
		if d, ok := err.(huma.ErrorDetailer); ok {
			e := d.ErrorDetail()
			p.Errors = append(p.Errors, ProblemField{Where: e.Location, Message: e.Message})
		} else if err != nil {
			p.Errors = append(p.Errors, ProblemField{Message: err.Error()})
		}
	}
	return p
}

// refuse makes a problem with a fixed word and the reason in both languages.
func refuse(status int, reason, zh, en string) *Problem {
	return &Problem{Type: "tocsin:" + reason, Title: http.StatusText(status), Status: status, Detail: en, Reason: reason, Zh: zh, En: en}
}

// refused is a refusal that was decided in the log.
func refused(r *event.RequestRefused) *Problem {
	status := http.StatusConflict
	switch r.Reason {
	case "unknown":
		status = http.StatusNotFound
	case "role":
		status = http.StatusForbidden
	}
	p := refuse(status, r.Reason, r.Zh, r.En)
	p.Holder = r.Holder
	return p
}

func noWarning(id string) *Problem {
	return refuse(http.StatusNotFound, "unknown", "没有这条预警: "+id, fmt.Sprintf("there is no warning %s here; it may have been closed long ago", id))
}

// writeProblem answers p outside of huma.
func writeProblem(w http.ResponseWriter, p *Problem) {
	w.Header().Set("Content-Type", "application/problem+json")
	w.WriteHeader(p.Status)
	_ = json.NewEncoder(w).Encode(p) // whoever asked has gone
}

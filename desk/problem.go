package desk

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"tocsin/streams"
	"tocsin/streams/event"
)

// Error makes a Problem an error; GetStatus and ContentType are what huma asks of one.
func (p *Problem) Error() string { return p.Detail }

// GetStatus is the HTTP status.
func (p *Problem) GetStatus() int { return p.Status }

// ContentType names RFC 9457.
func (p *Problem) ContentType(string) string { return "application/problem+json" }

// GetHeaders says what goes with it in the head of the answer: by which scheme one signs in, and when to try again.
func (p *Problem) GetHeaders() http.Header {
	h := http.Header{}
	switch p.Status {
	case http.StatusUnauthorized:
		h.Set("WWW-Authenticate", `Bearer realm="tocsin"`)
	case http.StatusTooManyRequests:
		h.Set("Retry-After", "60")
	case http.StatusServiceUnavailable:
		h.Set("Retry-After", "1")
	}
	return h
}

// newProblem is what huma makes of its own faults: a body that does not fit, a missing header. The person reads it in
// their language; what exactly was wrong stands in Detail and Errors, for who wrote the program that sent it.
func newProblem(status int, msg string, errs ...error) huma.StatusError {
	words, reason := faultWords(status), faultReason(status)
	p := &Problem{Type: typeOf(reason), Status: status, Title: http.StatusText(status), Detail: msg, Reason: reason, Zh: words[0], En: words[1]}
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

func faultWords(status int) [2]string {
	switch {
	case status >= http.StatusInternalServerError:
		return [2]string{"预警台内部出错，请重试；如仍出现，请联系运维人员", "something went wrong at the desk; try again, and call the operator if it stays"}
	case status == http.StatusRequestEntityTooLarge:
		return [2]string{"提交的内容过大", "what was sent is too large"}
	case status == http.StatusUnsupportedMediaType:
		return [2]string{"提交的内容类型不受支持，请使用 Content-Type: application/json", "what was sent is of a type that is not read here: send Content-Type: application/json"}
	default:
		return [2]string{"提交的内容有误或不完整", "what was sent is incomplete or not right"}
	}
}

// faultReason is the fixed word of a fault that has none of its own.
func faultReason(status int) string {
	switch {
	case status >= http.StatusInternalServerError:
		return "fault"
	case status == http.StatusRequestEntityTooLarge:
		return "too_large"
	case status == http.StatusUnsupportedMediaType:
		return "content_type"
	case status == http.StatusRequestTimeout:
		return "slow"
	case status == http.StatusBadRequest:
		return "unreadable"
	default:
		return "invalid"
	}
}

func typeOf(reason string) string { return "tocsin:" + reason }

// refuse makes a problem with a fixed word and the reason in both languages.
func refuse(status int, reason, zh, en string) *Problem {
	return &Problem{Type: typeOf(reason), Title: http.StatusText(status), Status: status, Detail: en, Reason: reason, Zh: zh, En: en}
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

// noWarning is said of a warning that is not there and of one that may not be seen, in the same words.
func noWarning() *Problem {
	return refuse(http.StatusNotFound, "unknown", "没有这条预警，或不在您的管理范围内", "there is no such warning here: it may have been closed long ago, or is not in your care")
}

// tooLarge is said of what the log does not take: sent again it is no smaller.
func tooLarge() *Problem {
	return newProblem(http.StatusRequestEntityTooLarge, fmt.Sprintf("want at most %d bytes, as they are written to the log", streams.MaxInputBytes)).(*Problem)
}

// asRefusal answers the problem that an error is.
func asRefusal(err error) *Problem {
	if p := (*Problem)(nil); errors.As(err, &p) {
		return p
	}
	p := refuse(http.StatusInternalServerError, "fault", faultWords(500)[0], faultWords(500)[1])
	p.Detail = err.Error()
	return p
}

// writeProblem answers p outside of huma.
func writeProblem(w http.ResponseWriter, p *Problem) {
	maps.Copy(w.Header(), p.GetHeaders())
	w.Header().Set("Content-Type", "application/problem+json")
	w.WriteHeader(p.Status)
	_ = json.NewEncoder(w).Encode(p) // whoever asked has gone
}

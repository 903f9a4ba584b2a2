package desk

import (
	"bytes"
	"encoding/json"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"tocsin/streams"
)

// noting notes what people do and what they are refused. What they read is noted before it is shown, by see.
type noting struct {
	s       *Server
	actions map[string]string // id of an operation, by method and path

	mu     sync.Mutex
	tokens map[string]time.Time // when the use of a token from an address was last noted
}

const (
	tokenNoted = time.Hour // the use of a token from one address is noted this often; what it reads, each time
	mostTokens = 10_000
)

// notedApart are operations that note themselves, and the one that says nothing but that somebody is there.
var notedApart = map[string]bool{"signIn": true, "giveCode": true, "signOut": true, "confirmFactor": true, "resetFactor": true,
	"lockSession": true, "unlockSession": true, "stayHere": true,
	"checkDraft": true} // while people type: it changes nothing

func newNoting(s *Server, api huma.API) *noting {
	n := &noting{s: s, actions: map[string]string{}, tokens: map[string]time.Time{}}
	for path, item := range api.OpenAPI().Paths {
		for method, o := range methodsOf(item) {
			n.actions[method+" "+path] = o.OperationID
		}
	}
	return n
}

// around stands right before the operations, so that it knows which one it was.
func (n *noting) around(api http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if n.s.o.Trail == nil {
			api.ServeHTTP(w, r)
			return
		}
		n.token(r)
		out := &heardOf{ResponseWriter: w, status: http.StatusOK}
		api.ServeHTTP(out, r)
		refused := out.status == http.StatusUnauthorized || out.status == http.StatusForbidden
		id := identityOf(r.Context())
		action := n.actions[r.Pattern]
		switch {
		case action == "", id.Account == "", notedApart[action]:
		case r.Method == http.MethodGet && !refused:
		default:
			n.s.done(r.Context(), n.entry(r, action, out))
		}
	})
}

// entry says what was asked and, unless it was granted, why not.
func (n *noting) entry(r *http.Request, action string, out *heardOf) Entry {
	e := Entry{Action: action, Tenant: r.PathValue("tenant"), Patient: r.PathValue("patient"), Object: r.PathValue("id"), Purpose: purposeCare}
	if e.Object != "" && strings.HasPrefix(r.URL.Path, "/v1/warnings/") {
		if key, ok := n.s.ward.keyOf(e.Object); ok {
			e.Tenant, e.Patient = streams.SplitPatientKey(key)
		}
	}
	if strings.HasPrefix(r.URL.Path, "/v1/admin/") {
		e.Purpose = purposeAdmin
	}
	if out.status >= http.StatusBadRequest {
		e.Refused, e.Reason = true, out.reason()
	}
	return e
}

// token notes that a token is in use, now and then.
func (n *noting) token(r *http.Request) {
	id := identityOf(r.Context())
	if !id.token {
		return
	}
	key, now := id.Account+"\x00"+addressOf(r.Context()), n.s.o.Now()
	n.mu.Lock()
	last, known := n.tokens[key]
	fresh := known && now.Sub(last) < tokenNoted
	if !fresh {
		if len(n.tokens) >= mostTokens {
			clear(n.tokens)
		}
		n.tokens[key] = now
	}
	n.mu.Unlock()
	if !fresh {
		n.s.done(r.Context(), Entry{Action: "token.use"})
	}
}

// heardOf is what was answered: its status and, of a refusal, its beginning.
type heardOf struct {
	http.ResponseWriter
	status int
	said   bytes.Buffer
}

const mostSaid = 4 << 10

// WriteHeader keeps the status.
func (h *heardOf) WriteHeader(status int) {
	h.status = status
	h.ResponseWriter.WriteHeader(status)
}

// Write keeps the beginning of a refusal.
func (h *heardOf) Write(b []byte) (int, error) {
	if h.status == 0 {
		h.status = http.StatusOK
	}
	if h.status >= http.StatusBadRequest && h.said.Len() < mostSaid {
		h.said.Write(b[:min(len(b), mostSaid-h.said.Len())])
	}
	return h.ResponseWriter.Write(b)
}

// Unwrap lets a stream flush.
func (h *heardOf) Unwrap() http.ResponseWriter { return h.ResponseWriter }

// reason is the fixed word of a refusal, or its status.
func (h *heardOf) reason() string {
	var p Problem
	if json.Unmarshal(h.said.Bytes(), &p) == nil && p.Reason != "" {
		return p.Reason
	}
	return strconv.Itoa(h.status)
}

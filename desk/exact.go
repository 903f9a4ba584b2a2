package desk

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"
)

// What a request may hold beside what huma looks at. huma takes an empty parameter for one that was left out and null for an
// absent field, and encoding/json makes of broken UTF-8 some other text; what was sent is then not what is decided upon. All of it
// is refused here, behind the guard and before an operation reads anything, so that the description of the API is true and no byte
// reaches the log that a reader of it would read otherwise.

// request knows what an operation is sent.
type request struct {
	o       *huma.Operation
	schemas huma.Registry
}

// asked is where an operation keeps its request.
const asked = "request"

// exactly refuses what does not fit, before huma reads it.
func exactly(c huma.Context, next func(huma.Context)) {
	r, w := humago.Unwrap(c)
	q, _ := c.Operation().Metadata[asked].(*request)
	if p := q.fault(r); p != nil {
		writeProblem(w, p)
		return
	}
	sum, p := q.faultOfBody(r)
	if p != nil {
		writeProblem(w, p)
		return
	}
	next(huma.WithValue(c, bodyKey{}, sum))
}

type bodyKey struct{}

// bodySum answers what stands for the body of a request: the same for the same JSON, however it is spaced and ordered.
func bodySum(ctx context.Context) string {
	sum, _ := ctx.Value(bodyKey{}).(string)
	return sum
}

// fault answers what is wrong with path, query and headers; nil: nothing.
func (q *request) fault(r *http.Request) *Problem {
	query, err := url.ParseQuery(r.URL.RawQuery)
	if err != nil {
		return badRequest(http.StatusBadRequest, "query", err.Error())
	}
	for _, p := range q.o.Parameters {
		var said []string
		switch p.In {
		case "path":
			said = []string{r.PathValue(p.Name)}
		case "query":
			said = query[p.Name]
		case "header":
			said = r.Header.Values(p.Name)
		}
		where := p.In + "." + p.Name
		if len(said) > 1 {
			return badRequest(http.StatusUnprocessableEntity, where, "it stands there more than once")
		}
		for _, s := range said {
			switch {
			case !isText(s) || strings.ContainsFunc(s, unicode.IsControl):
				return badRequest(http.StatusUnprocessableEntity, where, "it is no text: want UTF-8 without control characters")
			case s == "" && !mayBeEmpty(p.Schema):
				return badRequest(http.StatusUnprocessableEntity, where, "it is empty; leave it out, or say something")
			}
		}
	}
	return nil
}

// mayBeEmpty tells whether the empty text is a value of a parameter.
func mayBeEmpty(s *huma.Schema) bool {
	return s == nil || s.Type == huma.TypeString && s.Format == "" && len(s.Enum) == 0 && s.Pattern == "" && (s.MinLength == nil || *s.MinLength == 0)
}

// faultOfBody answers what is wrong with a body of JSON or, when nothing is, its sum; it puts the body back for who reads it next.
// What is no JSON at all is left to huma, which says so.
func (q *request) faultOfBody(r *http.Request) (sum string, p *Problem) {
	if q.o.RequestBody == nil {
		return sumOfBody(nil), nil
	}
	b, err := io.ReadAll(http.MaxBytesReader(nil, r.Body, maxBody-1)) // huma's limit is one less than it says
	switch large := (*http.MaxBytesError)(nil); {
	case errors.As(err, &large):
		return "", badRequest(http.StatusRequestEntityTooLarge, "body", fmt.Sprintf("want less than %d bytes", maxBody))
	case err != nil:
		return "", badRequest(http.StatusBadRequest, "body", "it ended before its end")
	}
	r.Body = io.NopCloser(bytes.NewReader(b))
	var v any
	switch {
	case !utf8.Valid(b):
		return "", badRequest(http.StatusBadRequest, "body", "it is not UTF-8")
	case json.Unmarshal(b, &v) != nil:
		return sumOfBody(nil), nil
	}
	if media := q.o.RequestBody.Content["application/json"]; media != nil {
		if where, what := q.foreign(media.Schema, v, "body"); what != "" {
			return "", badRequest(http.StatusUnprocessableEntity, where, what)
		}
	}
	return sumOfBody(v), nil
}

func sumOfBody(v any) string {
	b, _ := json.Marshal(v) // it came from JSON
	return sumOf(string(b))[:16]
}

// foreign answers the first value that its schema does not have: null, or text with a NUL.
func (q *request) foreign(s *huma.Schema, v any, where string) (at, what string) {
	if s != nil && s.Ref != "" {
		s = q.schemas.SchemaFromRef(s.Ref)
	}
	switch v := v.(type) {
	case nil:
		if s == nil || !s.Nullable {
			return where, "it is null; leave it out"
		}
	case string:
		if strings.ContainsRune(v, 0) {
			return where, "it has a NUL character"
		}
	case []any:
		for i, x := range v {
			if at, what = q.foreign(itemOf(s), x, fmt.Sprintf("%s[%d]", where, i)); what != "" {
				return at, what
			}
		}
	case map[string]any:
		for _, name := range slices.Sorted(maps.Keys(v)) {
			if strings.ContainsRune(name, 0) {
				return where, "a name in it has a NUL character"
			}
			if at, what = q.foreign(fieldOf(s, name), v[name], where+"."+name); what != "" {
				return at, what
			}
		}
	}
	return "", ""
}

func itemOf(s *huma.Schema) *huma.Schema {
	if s == nil {
		return nil
	}
	return s.Items
}

func fieldOf(s *huma.Schema, name string) *huma.Schema {
	if s == nil {
		return nil
	}
	if field := s.Properties[name]; field != nil {
		return field
	}
	further, _ := s.AdditionalProperties.(*huma.Schema)
	return further
}

// isText tells whether s is what a person could have written.
func isText(s string) bool { return utf8.ValidString(s) && !strings.ContainsRune(s, 0) }

// badRequest is the problem of one place in a request.
func badRequest(status int, where, what string) *Problem {
	p := newProblem(status, where+": "+what).(*Problem)
	p.Errors = []ProblemField{{Where: where, Message: what}}
	return p
}

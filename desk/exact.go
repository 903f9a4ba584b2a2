package desk

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"math"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"
)

// What a request may hold beside what huma looks at. huma takes an empty parameter for one that was left out and null for an
// absent field; encoding/json makes of broken UTF-8 some other text, takes a name in other letters for the same, and of one that
// stands there twice makes one thing for huma, which looks at it, and another for the operation. What was sent is then not what is
// decided upon. All of it is refused here or written once and for all, behind the guard and before an operation reads anything, so
// that the description of the API is true and no byte reaches the log that a reader of it would read otherwise.

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
	_ = c.SetReadDeadline(time.Now().Add(bodyWithin))
	sum, p := q.faultOfBody(r)
	_ = c.SetReadDeadline(time.Time{}) // a deadline that passes while somebody still works on the answer would end the request
	if p != nil {
		writeProblem(w, p)
		return
	}
	next(huma.WithValue(c, bodyKey{}, sum))
}

// bodyWithin is how long a body may take to come.
const bodyWithin = 10 * time.Second

type bodyKey struct{}

// noBody is the sum of none, or of what is no JSON.
const noBody = "0000000000000000"

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
	return s == nil || s.Type == huma.TypeString && s.Format == "" && len(s.Enum) == 0 && (s.Pattern == "" || s.Pattern == printable) && (s.MinLength == nil || *s.MinLength == 0)
}

// faultOfBody answers what is wrong with a body of JSON or, when nothing is, its sum. Who reads it next gets what was looked at.
// What is no JSON at all is left to huma, which says so.
func (q *request) faultOfBody(r *http.Request) (sum string, p *Problem) {
	if q.o.RequestBody == nil {
		return noBody, nil
	}
	b, err := io.ReadAll(http.MaxBytesReader(nil, r.Body, maxBody-1)) // huma's limit is one less than it says
	switch large := (*http.MaxBytesError)(nil); {
	case errors.As(err, &large):
		return "", badRequest(http.StatusRequestEntityTooLarge, "body", fmt.Sprintf("want less than %d bytes", maxBody))
	case err != nil:
		return "", badRequest(http.StatusBadRequest, "body", "it ended before its end")
	}
	r.Body = io.NopCloser(bytes.NewReader(b))
	if !utf8.Valid(b) {
		return "", badRequest(http.StatusBadRequest, "body", "it is not UTF-8")
	}
	v, ok := parsed(b)
	media := q.o.RequestBody.Content["application/json"]
	if !ok || media == nil {
		return noBody, nil
	}
	x := exact{schemas: q.schemas}
	if v = x.value(media.Schema, v, "body"); x.what != "" {
		return "", badRequest(http.StatusUnprocessableEntity, x.where, x.what)
	}
	b = encoded(v)
	r.Body = io.NopCloser(bytes.NewReader(b))
	return sumOf(string(b))[:16], nil
}

// parsed reads one JSON value whose numbers are kept as they were written.
func parsed(b []byte) (v any, ok bool) {
	d := json.NewDecoder(bytes.NewReader(b))
	d.UseNumber()
	if d.Decode(&v) != nil {
		return nil, false
	}
	_, err := d.Token()
	return v, errors.Is(err, io.EOF)
}

// encoded writes what was parsed, names in their order, and nothing longer than it need be.
func encoded(v any) []byte {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	_ = e.Encode(v) // it came from JSON
	return bytes.TrimSuffix(b.Bytes(), []byte("\n"))
}

// exact walks a body along its schema.
type exact struct {
	schemas     huma.Registry
	where, what string // the first value that its schema does not have
}

// value answers v as encoding/json takes it.
func (x *exact) value(s *huma.Schema, v any, where string) any {
	if s != nil && s.Ref != "" {
		s = x.schemas.SchemaFromRef(s.Ref)
	}
	switch v := v.(type) {
	case nil:
		if s == nil || !s.Nullable {
			x.bad(where, "it is null; leave it out")
		}
	case string:
		if !isText(v) {
			x.bad(where, "it has a NUL character")
		}
	case json.Number:
		return x.number(s, v)
	case []any:
		for i := range v {
			v[i] = x.value(itemOf(s), v[i], fmt.Sprintf("%s[%d]", where, i))
		}
	case map[string]any:
		for _, name := range slices.Sorted(maps.Keys(v)) {
			if !isText(name) {
				x.bad(where, "a name in it has a NUL character")
			}
			v[name] = x.value(fieldOf(s, name), v[name], where+"."+name)
		}
	}
	return v
}

// number writes 60.0 and 6e1 as 60 where a whole number is wanted: to JSON Schema they are the same, to Go they are not.
func (x *exact) number(s *huma.Schema, n json.Number) json.Number {
	if s == nil || s.Type != huma.TypeInteger || !strings.ContainsAny(n.String(), ".eE") {
		return n
	}
	f, err := n.Float64()
	if err != nil || f != math.Trunc(f) || math.Abs(f) >= 1<<53 {
		return n
	}
	return json.Number(strconv.FormatInt(int64(f), 10))
}

func (x *exact) bad(where, what string) {
	if x.what == "" {
		x.where, x.what = where, what
	}
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

// printable is said of every parameter that is a text: see fault.
const printable = `^[^\x00-\x1f\x7f-\x9f]*$`

// document says of the parameters what fault holds them to.
func (q *request) document() {
	for _, p := range q.o.Parameters {
		if s := p.Schema; s.Type == huma.TypeString && s.Format == "" && len(s.Enum) == 0 && s.Pattern == "" {
			s.Pattern = printable
		}
	}
}

// badRequest is the problem of one place in a request.
func badRequest(status int, where, what string) *Problem {
	p := newProblem(status, where+": "+what).(*Problem)
	p.Errors = []ProblemField{{Where: where, Message: what}}
	return p
}

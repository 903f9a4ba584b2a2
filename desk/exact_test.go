package desk

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"

	"tocsin/streams"
	"tocsin/streams/event"
)

// isProblem holds an error to RFC 9457 and to what a person needs of it, whoever answered it.
func isProblem(t *testing.T, what string, resp *http.Response, status int, reason string) {
	t.Helper()
	defer func() { _ = resp.Body.Close() }()
	var p Problem
	err := json.NewDecoder(resp.Body).Decode(&p)
	switch {
	case err != nil || resp.Header.Get("Content-Type") != "application/problem+json":
		t.Errorf("%s: %d %s: no problem: %v", what, resp.StatusCode, resp.Header.Get("Content-Type"), err)
	case resp.StatusCode != status || p.Status != status || p.Reason != reason:
		t.Errorf("%s: %d %+v; want %d %s", what, resp.StatusCode, p, status, reason)
	case p.Type != "tocsin:"+reason || p.Title == "" || p.Detail == "" || p.Zh == "" || p.En == "":
		t.Errorf("%s: %+v says too little", what, p)
	}
}

// send sends a request as it stands. What is in head is set as it stands too, also what net/http would not send.
func (b *browser) send(method, path, body string, head ...string) *http.Response {
	b.t.Helper()
	q, err := http.NewRequest(method, b.url, strings.NewReader(body))
	if err != nil {
		b.t.Fatal(err)
	}
	q.URL.Opaque = "//" + q.URL.Host + path // no byte of it is made neater
	q.Header.Set("Authorization", "Bearer "+b.token)
	for i := 0; i+1 < len(head); i += 2 {
		q.Header.Set(head[i], head[i+1])
	}
	hop := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	resp, err := hop.Do(q)
	if err != nil {
		b.t.Fatal(err)
	}
	return resp
}

// Every error is a problem with a reason in both languages, also where no operation was met.
func TestEveryErrorIsAProblem(t *testing.T) {
	h := open(t)
	h.enrol("P-0113", "copd")
	lead := h.as("lead", "lead-1")
	const plan, kind = "/v1/patients/demo/P-0113/plan", "Content-Type"
	wish := []string{kind, "application/json", "Idempotency-Key", "k"}
	for what, c := range map[string]struct {
		method, path, body string
		head               []string
		status             int
		reason             string
	}{
		"no path":                {"GET", "/v1/nowhere", "", nil, 404, "path"},
		"an empty part":          {"GET", "/v1/patients//P-0113/plan", "", nil, 404, "path"},
		"a part of dots":         {"GET", "/v1/patients/demo/../plan", "", nil, 404, "path"},
		"a part of dots in code": {"POST", "/v1/patients/demo/%2e%2e/leave", "{}", wish, 404, "path"},
		"no such method":         {"PATCH", plan, "", nil, 405, "method"},
		"a broken query":         {"GET", "/v1/quality?tenant=%zz", "", nil, 400, "unreadable"},
		"no token":               {"GET", plan, "", []string{"Authorization", "Basic eDp5"}, 401, "token"},
		"nobody":                 {"GET", plan, "", []string{"Authorization", ""}, 401, "signed_out"},
		"a role that may not":    {"GET", "/v1/audit", "", nil, 403, "role"},
		"another site":           {"POST", "/v1/session", "{}", []string{kind, "application/json", "Sec-Fetch-Site", "cross-site"}, 403, "origin"},
		"no body":                {"POST", "/v1/emergencies", "", []string{kind, "application/json"}, 400, "unreadable"},
		"half a body":            {"POST", "/v1/emergencies", `{"tenant":`, []string{kind, "application/json"}, 400, "unreadable"},
		"two bodies":             {"POST", "/v1/patients/demo/P-0113/resume", "{} {}", wish, 400, "unreadable"},
		"no JSON":                {"POST", "/v1/emergencies", "tenant=demo", []string{kind, "application/x-www-form-urlencoded"}, 415, "content_type"},
		"no CSV":                 {"POST", "/v1/admin/import", "{}", []string{kind, "application/json"}, 415, "content_type"},
		"too much":               {"POST", "/v1/emergencies", `{"reason":"` + strings.Repeat("x", maxBody) + `"}`, []string{kind, "application/json"}, 413, "too_large"},
		"too little":             {"POST", "/v1/emergencies", `{}`, []string{kind, "application/json"}, 422, "invalid"},
		"a stream of nobody":     {"GET", "/v1/stream", "", []string{"Authorization", ""}, 401, "signed_out"},
	} {
		isProblem(t, what, lead.send(c.method, c.path, c.body, c.head...), c.status, c.reason)
	}
	resp := lead.send("DELETE", "/v1/warnings", "")
	isProblem(t, "a method", resp, 405, "method")
	if resp.Header.Get("Allow") != "GET, HEAD" {
		t.Errorf("Allow: %q", resp.Header.Get("Allow"))
	}
	if resp = lead.send("GET", plan, "", "Authorization", ""); resp.Header.Get("WWW-Authenticate") == "" {
		t.Error("a 401 does not say how to sign in")
	}
}

// A panic of ours is an error like any other, as long as nothing was answered; the one who asks next is served.
func TestAPanicIsAProblem(t *testing.T) {
	h := open(t)
	lead := h.as("lead", "lead-1")
	broken := h.openDesk(func(o *Options) { o.Directory = panics{o.Directory} })
	lead.url = broken.url
	isProblem(t, "a panic", lead.send("GET", "/v1/duty", ""), 500, "fault")
	if status, raw := lead.do("GET", "/v1/session", nil, nil); status != 200 {
		t.Errorf("the next one: %d %s", status, raw)
	}
}

type panics struct{ Directory }

func (panics) Rotas() []event.RotaSet { panic("a fault that nobody thought of") }

// What reads otherwise in the log than it was sent is refused: broken UTF-8, NUL, control characters in a name; and what would be
// taken for something else: null for an absent field, an empty parameter for an absent one, one of two.
func TestWhatIsSentIsWhatIsRead(t *testing.T) {
	h := open(t)
	h.enrol("P-0113", "copd")
	lead := h.as("lead", "lead-1")
	const patient = "/v1/patients/demo/P-0113/"
	h.measure("P-0113", 84)
	h.until("the warning is there", func() bool { return len(lead.warnings("open")) == 1 })
	warning := "/v1/warnings/" + lead.warnings("open")[0].ID
	before := h.inputs(t)
	for what, c := range map[string]struct {
		method, path, body, key string
		status                  int
	}{
		"a key that is no text":            {"POST", patient + "warnings", `{"severity":"low","text":"t"}`, "k\xff", 422},
		"a key of another script":          {"POST", patient + "warnings", `{"severity":"low","text":"t"}`, "键", 422},
		"a patient of half a character":    {"GET", "/v1/patients/demo/%ff/plan", "", "", 422},
		"a patient with a NUL":             {"GET", "/v1/patients/demo/P%00/plan", "", "", 422},
		"a tenant with a line":             {"GET", "/v1/patients/de%0amo/P-0113/plan", "", "", 422},
		"a query with a NUL":               {"GET", patient + "brief?warning=%00", "", "", 422},
		"a moment that is empty":           {"GET", patient + "readings?to=", "", "", 422},
		"a moment twice":                   {"GET", patient + "readings?to=2026-03-02T07:14:00Z&to=2026-03-03T07:14:00Z", "", "", 422},
		"a moment that is none":            {"GET", warning + "?as_of=yesterday", "", "", 422},
		"a choice that is empty":           {"GET", "/v1/warnings?state=", "", "", 422},
		"words with a NUL":                 {"POST", warning + "/note", `{"text":"a\u0000b"}`, "k1", 422},
		"words of half a character":        {"POST", warning + "/note", "{\"text\":\"a\xffb\"}", "k2", 400},
		"null for a word":                  {"POST", warning + "/accept", `{"desk":null}`, "k3", 422},
		"null for a body":                  {"POST", warning + "/note", `null`, "k4", 422},
		"null within a list":               {"POST", patient + "disown", `{"measured_at":"2026-03-02T07:14:00Z","why":"w","readings":[null]}`, "k5", 422},
		"a moment before the first year":   {"POST", patient + "disown", `{"measured_at":"0000-01-01T00:00:00Z","why":"w","readings":[{"quantity":"spo2_percent","value":80}]}`, "k6", 422},
		"a moment after the last year":     {"POST", "/v1/admin/plans", `{"tenant":"demo","patient":"P-0113","plan":{"ordered_at":"9999-12-31T23:59:59-10:00"}}`, "", 422},
		"a number that no reading has":     {"POST", patient + "disown", `{"measured_at":"2026-03-02T07:14:00Z","why":"w","readings":[{"quantity":"spo2_percent","value":1e12}]}`, "k7", 422},
		"a quantity that there is not":     {"POST", "/v1/admin/plans", `{"tenant":"demo","patient":"P-0113","plan":{"cadence_ms":{"weather":1000}}}`, "", 422},
		"a cadence of three hundred years": {"POST", "/v1/admin/plans", `{"tenant":"demo","patient":"P-0113","plan":{"cadence_ms":{"spo2_percent":9223372036854775807}}}`, "", 422},
		"more than the log takes":          {"POST", "/v1/admin/plans", `{"tenant":"demo","patient":"P-0113","plan":{"facts":{` + manyFacts(4000) + `}}}`, "", 413},
	} {
		head := []string{"Content-Type", "application/json"}
		if c.key != "" {
			head = append(head, "Idempotency-Key", c.key)
		}
		reason := map[int]string{400: "unreadable", 413: "too_large", 422: "invalid"}[c.status]
		isProblem(t, what, lead.send(c.method, c.path, c.body, head...), c.status, reason)
	}
	if after := h.inputs(t); !slices.Equal(before, after) {
		t.Errorf("something of it lies in the log: %v, before it %v", after, before)
	}
}

// inputs answers where the inputs of each partition and the directory's end.
func (h *hospital) inputs(t *testing.T) (ends []int64) {
	t.Helper()
	for p := range int32(partitions) {
		_, end, err := h.log.Bounds(t.Context(), streams.Inputs, p)
		if err != nil {
			t.Fatal(err)
		}
		ends = append(ends, end)
	}
	_, end, err := h.log.Bounds(t.Context(), streams.DirectoryInputs, 0)
	if err != nil {
		t.Fatal(err)
	}
	return append(ends, end)
}

func manyFacts(n int) string {
	var all []string
	for i := range n {
		all = append(all, `"fact_of_the_patient_`+itoa(i)+`":1`)
	}
	return strings.Join(all, ",")
}

// What was looked at is what is decided upon: a name that stands there twice, or in other letters, does not get past the description.
func TestNothingIsSmuggledPastTheDescription(t *testing.T) {
	h := open(t)
	h.enrol("P-0113", "copd")
	lead := h.as("lead", "lead-1")
	h.measure("P-0113", 84)
	h.until("the warning is there", func() bool { return len(lead.warnings("open")) == 1 })
	id := lead.warnings("open")[0].ID
	if status, _, p := lead.click("accept", id, "k0", nil); status != 200 {
		t.Fatal(p)
	}
	for key, body := range map[string]string{
		"letters": `{"outcome":"real","OUTCOME":"whatever","done":"d","contacted":true,"disposition":"home"}`,
		"before":  `{"OUTCOME":"whatever","outcome":"real","done":"d","contacted":true,"disposition":"home"}`,
	} {
		if status, raw := lead.do("POST", "/v1/warnings/"+id+"/close", body, nil, "Idempotency-Key", key); status != 422 {
			t.Errorf("%s: %d %s", key, status, raw)
		}
	}
	plan := `{"tenant":"demo","patient":"P-0113","plan":{"cadence_ms":{"spo2_percent":1}},"plan":{"cadence_ms":{"pulse_per_min":60000}}}`
	if status, raw := lead.do("POST", "/v1/admin/plans", plan, nil); status != 204 {
		t.Fatalf("%d %s", status, raw)
	}
	if p, _ := h.view.Patient("demo", "P-0113"); len(p.Plan.CadenceMs) != 1 || p.Plan.CadenceMs[event.PulsePerMin] != 60000 {
		t.Errorf("of two plans it took %+v; want the last, which was looked at", p.Plan.CadenceMs)
	}
}

// A whole number may be written with a fraction of zeros: to JSON Schema they are the same.
func TestAWholeNumberIsOneHoweverItIsWritten(t *testing.T) {
	h := open(t)
	h.enrol("P-0113", "copd")
	lead := h.as("lead", "lead-1")
	h.measure("P-0113", 84)
	h.until("the warning is there", func() bool { return len(lead.warnings("open")) == 1 })
	id := lead.warnings("open")[0].ID
	for key, body := range map[string]string{"a": `{"reason":"w","for_min":30.0}`, "b": `{"reason":"w","for_min":3e1}`} {
		if status, raw := lead.do("POST", "/v1/warnings/"+id+"/shelve", body, nil, "Idempotency-Key", key); status == 422 {
			t.Errorf("%s: %d %s", body, status, raw)
		}
	}
	if status, _ := lead.do("POST", "/v1/warnings/"+id+"/shelve", `{"reason":"w","for_min":30.5}`, nil, "Idempotency-Key", "c"); status != 422 {
		t.Errorf("half a minute: %d", status)
	}
}

// A key is one request's: with the same body it gets the first answer, however the JSON is spaced, at any desk and after a restart;
// with another body it is refused, for nobody may read that something was done which was not.
func TestAKeyIsOneRequests(t *testing.T) {
	h := open(t)
	h.enrol("P-0113", "copd")
	lead := h.as("lead", "lead-1")
	h.measure("P-0113", 84)
	h.until("the warning is there", func() bool { return len(lead.warnings("open")) == 1 })
	id := lead.warnings("open")[0].ID
	ask := func(url, verb, key, body string) (int, Problem) {
		b := h.browser(url)
		b.token = lead.token
		var p Problem
		status, _ := b.do("POST", "/v1/warnings/"+id+"/"+verb, body, &p, "Idempotency-Key", key)
		return status, p
	}
	if status, p := ask(h.url, "contact", "k1", `{"whom":"patient","outcome":"no_answer"}`); status != 409 {
		t.Fatalf("a contact of whoever has not taken it: %d %+v", status, p)
	}
	if status, p := ask(h.url, "accept", "k1", `{"desk":"a"}`); status != 200 {
		t.Fatalf("the same key of another operation: %d %+v", status, p)
	}
	if status, p := ask(h.url, "note", "k2", `{"text":"confused"}`); status != 200 {
		t.Fatalf("%d %+v", status, p)
	}
	again := h.openDesk() // it knows what the log tells
	for name, url := range map[string]string{"here": h.url, "after a restart": again.url} {
		if status, p := ask(url, "note", "k2", ` { "text" : "confused" } `); status != 200 {
			t.Errorf("%s, the same body: %d %+v", name, status, p)
		}
		if status, p := ask(url, "note", "k2", `{"text":"quite well"}`); status != 409 || p.Reason != "key_reused" {
			t.Errorf("%s, another body: %d %+v", name, status, p)
		}
		if status, p := ask(url, "contact", "k1", `{"whom":"patient","outcome":"no_answer"}`); status != 409 || p.Reason == "key_reused" {
			t.Errorf("%s, a refusal again: %d %+v", name, status, p)
		}
		if status, p := ask(url, "contact", "k1", `{"whom":"carer","outcome":"reached"}`); status != 409 || p.Reason != "key_reused" {
			t.Errorf("%s, another body than what was refused: %d %+v", name, status, p)
		}
	}
	notes := 0
	var story WarningStory
	lead.do("GET", "/v1/warnings/"+id, nil, &story)
	for _, m := range story.Timeline {
		if strings.Contains(m.TextEn, "confused") || strings.Contains(m.TextEn, "quite well") {
			notes++
		}
	}
	if notes != 1 {
		t.Errorf("%d notes stand in the story", notes)
	}
}

// The examples of the description do what they are for.
func TestTheExamplesAreTaken(t *testing.T) {
	h := open(t)
	lead := h.as("lead", "lead-1")
	for id, at := range map[string][2]string{"importPeople": {"POST", "/v1/admin/import"}, "setRota": {"PUT", "/v1/duty/rota"}, "setPolicy": {"PUT", "/v1/duty/policy"}} {
		kind := "application/json"
		if id == "importPeople" {
			kind = "text/csv"
		}
		if status, raw := lead.do(at[0], at[1], examples[id], nil, "If-Match", "none", "Content-Type", kind); status != 200 {
			t.Errorf("%s: %d %s", id, status, raw)
		}
	}
	if faults := examples["setPerson"].(PersonBody).Person.Check(time.Now()); len(faults) > 0 {
		t.Error(faults)
	}
}

// What the description says of every operation is so of every operation: which errors it can answer, that an error is a problem, and
// that a text in path or query is printable.
func TestTheDescriptionNamesEveryError(t *testing.T) {
	api := new(Server).describe(http.NewServeMux())
	n := 0
	for path, item := range api.OpenAPI().Paths {
		for method, o := range methodsOf(item) {
			if method == http.MethodHead {
				continue
			}
			n++
			want := []string{"400", "401", "403", "500", "503"}
			if o.RequestBody != nil {
				want = append(want, "413", "415", "422")
			}
			for _, code := range want {
				if r := o.Responses[code]; r == nil || r.Content["application/problem+json"] == nil {
					t.Errorf("%s %s: %s is not described", method, path, code)
				}
			}
			for _, p := range o.Parameters {
				if p.Schema.Type == "string" && p.Schema.Format == "" && p.Schema.Enum == nil && p.Schema.Pattern == "" {
					t.Errorf("%s %s: %s may be anything", method, path, p.Name)
				}
			}
		}
	}
	if n < 40 {
		t.Errorf("%d operations", n)
	}
}

// An answer that takes longer than a body may is waited for: the log may be slow, and a click must not be told that it was cancelled.
func TestASlowAnswerIsNotCutOff(t *testing.T) {
	mux := http.NewServeMux()
	api := humago.New(mux, huma.DefaultConfig("t", "1"))
	slower := 5500 * time.Millisecond // huma's own limit is five seconds
	o := op(nil, "POST", "/slow", "slow", "session", "slow")
	huma.Register(api, o, func(ctx context.Context, in *struct{ Body struct{ A string } }) (*struct{}, error) {
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-time.After(slower):
			return nil, nil
		}
	})
	for _, path := range api.OpenAPI().Paths {
		path.Post.Metadata = map[string]any{asked: &request{o: path.Post, schemas: api.OpenAPI().Components.Schemas}}
	}
	web := httptest.NewServer(mux)
	defer web.Close()
	resp, err := http.Post(web.URL+"/slow", "application/json", strings.NewReader(`{"A":"a"}`))
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if text, _ := io.ReadAll(resp.Body); resp.StatusCode != http.StatusNoContent {
		t.Errorf("%d %s", resp.StatusCode, text)
	}
}

package notify

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"text/template"
)

// gateway asks a provider of SMS or voice calls over HTTP, in whatever form it wants to be asked.
type gateway struct {
	client  *http.Client
	method  string
	url     *template.Template
	body    *template.Template
	headers []header
	success []int
	okPath  string
	ok      string
	idPath  string
}

type header struct {
	name   string
	value  *template.Template
	secret string // instead of value
}

// asking is what the templates may use.
type asking struct {
	To, Text, Language, Notice string
	Unix                       int64
}

// functions of the templates beside text/template's own, of which urlquery is useful in forms.
var functions = template.FuncMap{"json": func(s string) (string, error) {
	b, err := json.Marshal(s)
	return string(b), err
}}

func (r *reading) gateway(path string, c *channel, s GatewaySetting) sender {
	g := gateway{client: newHTTP(c), method: s.Method, success: s.Success, okPath: s.OKPath, ok: s.OK, idPath: s.IDPath}
	g.url, g.body = r.template(path+".url", s.URL), r.template(path+".body", s.Body)
	if g.method == "" {
		g.method = http.MethodPost
	}
	if !strings.HasPrefix(s.URL, "http://") && !strings.HasPrefix(s.URL, "https://") {
		r.fault(path+".url", "a %s needs the URL of its gateway, with http:// or https://", c.kind)
	}
	for _, h := range s.Headers {
		g.headers = append(g.headers, header{h.Name, r.template(path+".headers", h.Value), r.secret(path+".headers", h.ValueFile)})
	}
	if s.AcceptKey != "" && c.kind != kindVoice {
		r.fault(path+".accept_key", "a key can be pressed during a voice call alone")
	}
	return g
}

// template reads one, and tries it.
func (r *reading) template(path, text string) *template.Template {
	t, err := template.New("").Option("missingkey=error").Funcs(functions).Parse(text)
	if err == nil {
		err = t.Execute(io.Discard, asking{})
	}
	if err != nil {
		r.fault(path, "%v; it may use {{.To}}, {{.Text}}, {{.Language}}, {{.Notice}} and {{.Unix}}, with json or urlquery after a |", err)
	}
	return t
}

func (g gateway) send(ctx context.Context, l letter) (string, error) {
	a := asking{To: l.to, Text: l.text, Language: l.said.Language, Notice: l.id, Unix: l.now.Unix()}
	r, err := http.NewRequestWithContext(ctx, g.method, filled(g.url, a), strings.NewReader(filled(g.body, a)))
	if err != nil {
		return "", troubled("its address is no URL")
	}
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("Idempotency-Key", l.id)
	for _, h := range g.headers {
		r.Header.Set(h.name, h.secret+filled(h.value, a)) // one of them is empty
	}
	answer, err := post(g.client, r, g.success)
	if err != nil {
		return "", err
	}
	return g.judge(answer, l.to)
}

// judge reads whether the gateway took it, and its id of the message.
func (g gateway) judge(answer []byte, to string) (string, error) {
	if g.okPath == "" && g.idPath == "" {
		return "", nil
	}
	v, err := parsed(answer)
	if err != nil {
		return "", troubled("its answer cannot be read")
	}
	if g.okPath != "" && at(v, g.okPath) != g.ok {
		return "", troubled("its answer does not say that it took the message")
	}
	return plainID(at(v, g.idPath), to), nil
}

// plainID answers a gateway's id as it may stand in the log: nothing that is or holds an address.
func plainID(id, to string) string {
	bare := strings.TrimLeft(to, "+0")
	if len(id) > 100 || strings.ContainsAny(id, " ;\t\r\n@") || bare != "" && strings.Contains(id, bare) {
		return ""
	}
	return id
}

func parsed(b []byte) (any, error) {
	var v any
	d := json.NewDecoder(bytes.NewReader(b))
	d.UseNumber()
	err := d.Decode(&v)
	return v, err
}

func filled(t *template.Template, a asking) string {
	var b bytes.Buffer
	_ = t.Execute(&b, a) // it was tried when the settings were read
	return b.String()
}

package outbox

import (
	"cmp"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net/url"
	"os"
	"regexp"
	"slices"
	"strings"
	"time"

	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"

	"tocsin/alerts/notify"
	"tocsin/streams"
	"tocsin/streams/event"
)

// Setting is one subscriber.
type Setting struct {
	ID      string          `yaml:"id"`       // for ever: a new one begins anew
	URL     notify.Hidden   `yaml:"url"`      // https://host/path, mllp://host:port, mllps://host:port …
	URLFile string          `yaml:"url_file"` // … or where it lies, as it should when it holds a token
	Form    string          `yaml:"form"`     // see forms
	From    string          `yaml:"from"`     // now (what holds when empty) or beginning: where a new subscriber begins
	Only    OnlySetting     `yaml:"only"`
	Headers []HeaderSetting `yaml:"headers"` // of HTTP, such as Authorization
	// Purpose is what patients have to agree to: sharing (what holds when empty), or monitoring for a part of the hospital's own watching,
	// such as its alarm server: that is told of everybody who is watched.
	Purpose string `yaml:"purpose"`
	// SecretFile holds a secret of Standard Webhooks (whsec_…), by which each request is signed.
	SecretFile string `yaml:"secret_file"`
	CAFile     string `yaml:"ca_file"` // PEM: by whom its certificate is signed; empty: by those whom the host trusts

	AlarmAfter time.Duration `yaml:"alarm_after"` // how far it may fall behind until a technical warning is raised; 0: 5 min
	Within     time.Duration `yaml:"within"`      // how long one try may take; 0: 10 s
	RetryMost  time.Duration `yaml:"retry_most"`  // the longest wait between tries; 0: 5 min

	Zone     string `yaml:"zone"`     // of times in FHIR and HL7, such as Asia/Shanghai; empty: UTC
	Receiver string `yaml:"receiver"` // MSH-5 of HL7
	Facility string `yaml:"facility"` // who assigns patient ids, PID-3.4 of HL7; empty: the tenant
}

// OnlySetting says which events a subscriber is told of; an empty list leaves none out, but that what is Tocsin's own (the tenant
// tocsin) has to be named.
type OnlySetting struct {
	Tenants    []string `yaml:"tenants"`
	Groups     []string `yaml:"groups"` // of the patient when the event is looked at
	Problems   []string `yaml:"problems"`
	Severities []string `yaml:"severities"` // the gravest that the warning has been
	Types      []string `yaml:"types"`
}

// HeaderSetting is one header; what is secret is read from a file.
type HeaderSetting struct {
	Name      string `yaml:"name"`
	Value     string `yaml:"value"`
	ValueFile string `yaml:"value_file"`
}

// The forms.
const (
	formCloudEvents = "cloudevents-json"
	formFHIR        = "fhir"
	formHL7         = "hl7v2"
)

var forms = []string{formCloudEvents, formFHIR, formHL7}

// Types are the events that subscribers are told of.
var Types = []event.Type{"alert.raised", "alert.updated", "alert.worsened", "alert.eased", "alert.accepted", "alert.escalated", "alert.returned",
	"alert.contacted", "alert.shelved", "alert.unshelved", "alert.closed"}

// subscriber is a setting, read and checked.
type subscriber struct {
	id      string
	form    string
	from    string
	only    OnlySetting
	purpose string
	render  renderer
	target  target

	alarmAfter, within, retryMost time.Duration
}

// Faults answers everything that is wrong with the settings, each with its place and a way out.
func Faults(settings []Setting) []error {
	_, faults := open(settings)
	return faults
}

// names may stand in keys of the log and in URLs.
var names = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9_.-]{0,63}$`)

func open(settings []Setting) (all []*subscriber, faults []error) {
	for i, s := range settings {
		r := &reading{path: fmt.Sprintf("subscribers[%d]", i)}
		sub := r.subscriber(s)
		if slices.ContainsFunc(all, func(o *subscriber) bool { return o.id == s.ID }) {
			r.fault("id", "there are two subscribers %q", s.ID)
		}
		all, faults = append(all, sub), append(faults, r.faults...)
	}
	return all, faults
}

// reading is one setting on its way.
type reading struct {
	path   string
	faults []error
}

func (r *reading) fault(key, format string, args ...any) {
	r.faults = append(r.faults, fmt.Errorf("%s.%s: %s", r.path, key, fmt.Sprintf(format, args...)))
}

func (r *reading) subscriber(s Setting) *subscriber {
	sub := &subscriber{id: s.ID, form: s.Form, from: s.From, only: s.Only, alarmAfter: s.AlarmAfter, within: s.Within, retryMost: s.RetryMost}
	if !names.MatchString(s.ID) {
		r.fault("id", "%q must be one word of letters, digits, - and _: it goes into the log, so no address", s.ID)
	}
	switch sub.purpose = cmp.Or(s.Purpose, event.ForSharing); sub.purpose {
	case event.ForSharing, event.ForMonitoring:
	default:
		r.fault("purpose", "%q is unknown; use sharing, or monitoring for a part of the hospital's own watching", s.Purpose)
	}
	switch s.From {
	case "", "now", "beginning":
	default:
		r.fault("from", "%q is unknown; use now or beginning", s.From)
	}
	for key, d := range map[string]*time.Duration{"alarm_after": &sub.alarmAfter, "within": &sub.within, "retry_most": &sub.retryMost} {
		switch {
		case *d < 0:
			r.fault(key, "%s is negative", *d)
		case *d == 0 && key == "within":
			*d = 10 * time.Second
		case *d == 0:
			*d = 5 * time.Minute
		}
	}
	r.only(s.Only)
	zone, err := time.LoadLocation(s.Zone)
	if err != nil {
		r.fault("zone", "%q is no time zone; try Asia/Shanghai", s.Zone)
		zone = time.UTC
	}
	r.way(sub, s, zone)
	return sub
}

func (r *reading) only(o OnlySetting) {
	r.known("only.problems", o.Problems, []string{event.Deterioration, event.Silence, event.Reported, event.Fault})
	r.known("only.severities", o.Severities, []string{"high", "medium", "low", "technical"})
	types := make([]string, len(Types))
	for i, t := range Types {
		types[i] = string(t)
	}
	r.known("only.types", o.Types, types)
}

func (r *reading) known(key string, words, known []string) {
	for i, w := range words {
		if !slices.Contains(known, w) {
			r.fault(fmt.Sprintf("%s[%d]", key, i), "%q is unknown; use %s", w, strings.Join(known, ", "))
		}
	}
}

// way reads how the subscriber is reached and in which form.
func (r *reading) way(sub *subscriber, s Setting, zone *time.Location) {
	u := r.address(s)
	if u == nil {
		return
	}
	secure := u.Scheme == "https" || u.Scheme == "mllps"
	var trust *tls.Config
	if s.CAFile != "" {
		if !secure {
			r.fault("ca_file", "only https and mllps have certificates")
		}
		trust = r.trust(s.CAFile)
	}
	switch s.Form {
	case formCloudEvents:
		sub.render = cloudEvents{}
	case formFHIR:
		sub.render = fhir{zone: zone}
	case formHL7:
		sub.render = r40{zone: zone, receiver: s.Receiver, facility: s.Facility}
	default:
		r.fault("form", "%q is unknown; use one of %s", s.Form, strings.Join(forms, ", "))
		return
	}
	mllp := strings.HasPrefix(u.Scheme, "mllp")
	switch {
	case mllp != (s.Form == formHL7):
		r.fault("url", "hl7v2 goes to mllp:// or mllps://, and the other forms to http:// or https://")
	case mllp:
		if len(s.Headers) > 0 || s.SecretFile != "" {
			r.fault("url", "MLLP has neither headers nor signatures; use mllps://")
		}
		sub.target = newMLLP(u, trust)
	default:
		sub.target = newHTTP(u, r.headers(s.Headers), r.secret(s.SecretFile), trust)
	}
}

func (r *reading) address(s Setting) *url.URL {
	text := string(s.URL)
	if s.URLFile != "" {
		text = r.file("url_file", s.URLFile)
	}
	u, err := url.Parse(text)
	if err != nil || u.Host == "" || !slices.Contains([]string{"http", "https", "mllp", "mllps"}, u.Scheme) {
		r.fault("url", "it is no address; try https://host/path or mllp://host:2575") // its text may hold a token
		return nil
	}
	if strings.HasPrefix(u.Scheme, "mllp") && u.Port() == "" {
		r.fault("url", "an MLLP address needs a port, such as mllp://host:2575")
		return nil
	}
	return u
}

func (r *reading) headers(all []HeaderSetting) map[string]string {
	h := map[string]string{}
	for i, s := range all {
		v := s.Value
		if s.ValueFile != "" {
			v = r.file(fmt.Sprintf("headers[%d].value_file", i), s.ValueFile)
		}
		if s.Name == "" || strings.ContainsAny(s.Name+v, "\r\n") {
			r.fault(fmt.Sprintf("headers[%d]", i), "needs a name and a value of one line")
		}
		h[s.Name] = v
	}
	return h
}

func (r *reading) secret(file string) *standardwebhooks.Webhook {
	if file == "" {
		return nil
	}
	text := r.file("secret_file", file)
	if text == "" {
		return nil
	}
	w, err := standardwebhooks.NewWebhook(text)
	if err != nil {
		r.fault("secret_file", "holds no secret of Standard Webhooks (whsec_ and base64)")
	}
	return w
}

func (r *reading) trust(file string) *tls.Config {
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM([]byte(r.file("ca_file", file))) {
		r.fault("ca_file", "holds no certificate in PEM")
	}
	return &tls.Config{RootCAs: pool, MinVersion: tls.VersionTLS12}
}

// file reads one line or PEM.
func (r *reading) file(key, path string) string {
	b, err := os.ReadFile(path)
	if err == nil && len(b) == 0 {
		err = errors.New("is empty")
	}
	if err != nil {
		r.fault(key, "%v", err)
	}
	return strings.TrimSpace(string(b))
}

// wants tells whether a subscriber is told of this. groups answers the groups of a patient.
func (s *subscriber) wants(t event.Type, w event.OutboxWarning, groups func(tenant, patient string) []string) bool {
	o := s.only
	in := func(list []string, v string) bool { return len(list) == 0 || slices.Contains(list, v) }
	switch {
	case !slices.Contains(Types, t), !in(o.Types, string(t)), !in(o.Problems, w.Problem), !in(o.Severities, w.Peak.String()), !in(o.Tenants, w.Tenant):
		return false
	case len(o.Tenants) == 0 && w.Tenant == streams.SystemTenant, streams.IsWatched(streams.PatientKey(w.Tenant, w.Patient)):
		return false // nobody was measured in the watchdog's name
	case len(o.Groups) == 0:
		return true
	}
	return slices.ContainsFunc(groups(w.Tenant, w.Patient), func(g string) bool { return slices.Contains(o.Groups, g) })
}

package notify

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"mime"
	"mime/quotedprintable"
	"net"
	"net/http"
	"net/http/httptest"
	"net/mail"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/emersion/go-smtp"
	"github.com/prometheus/client_golang/prometheus"

	"tocsin/alerts"
	"tocsin/care"
	"tocsin/rules"
	"tocsin/rules/pack"
	"tocsin/streams"
	"tocsin/streams/event"
)

const partitions = 2

// bell wakes whoever waits for something to become true.
type bell struct {
	mu sync.Mutex
	ch chan struct{}
}

func (b *bell) ring() {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.ch != nil {
		close(b.ch)
		b.ch = nil
	}
}

func (b *bell) next() <-chan struct{} {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.ch == nil {
		b.ch = make(chan struct{})
	}
	return b.ch
}

// house is a log with its owner, somebody who reads it, and notifiers that come and go.
type house struct {
	t     *testing.T
	bell  *bell
	log   *streams.Memory
	edge  *streams.Edge
	owner func() // stops the owner
	said  *lockedBuffer
	reg   *prometheus.Registry

	mu     sync.Mutex
	states map[string]alerts.State
	seq    int
}

type lockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lockedBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lockedBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

// compile is as in deploy: one for all.
var compile = pack.Remembering()

func threeCores() streams.Parts[streams.Three[rules.State, alerts.State, care.State], streams.Three[rules.Facts, alerts.Facts, care.Facts]] {
	return streams.Join([3]string{"rules", "alerts", "care"}, rules.Core{Compile: compile}, alerts.Core{}, care.Core{})
}

func build(t *testing.T) *house {
	t.Helper()
	log := streams.NewMemory(partitions)
	h := &house{t: t, bell: &bell{}, log: log, edge: streams.OpenEdge(log, "notifier-1", partitions), said: &lockedBuffer{}, states: map[string]alerts.State{}}
	t.Cleanup(func() { _ = h.edge.Close() })
	h.startOwner()
	for p := range int32(partitions) {
		h.run("reader", func(ctx context.Context) error {
			return Watch(log, threeCores())(ctx, p, func(s Seen) error {
				h.mu.Lock()
				defer h.mu.Unlock()
				for _, key := range s.Touched {
					h.states[key] = s.Look(key)
				}
				h.bell.ring()
				return nil
			})
		})
	}
	return h
}

func (h *house) startOwner() {
	h.owner = h.run("owner", func(ctx context.Context) error {
		return streams.RunOwner(ctx, h.log, streams.PatientPair, threeCores(), streams.OwnerOptions{Name: "test"})
	})
}

// run starts a part that ends with the test, or when stop is called, which waits for its end.
func (h *house) run(name string, part func(context.Context) error) (stop func()) {
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() {
		defer close(done)
		if err := part(ctx); err != nil && !errors.Is(err, context.Canceled) {
			h.t.Errorf("%s: %v", name, err)
		}
	}()
	stop = sync.OnceFunc(func() { cancel(); <-done })
	h.t.Cleanup(stop)
	return stop
}

// quick is how tests tune a notifier.
var quick = tuning{backFirst: 10 * time.Millisecond, backHigh: 50 * time.Millisecond, backMost: 100 * time.Millisecond, patience: 20 * time.Second, grace: 200 * time.Millisecond}

// notifier starts one over the house's log.
func (h *house) notifier(s Settings, change ...func(*Options)) (n *Notifier, stop func()) {
	h.t.Helper()
	h.reg = prometheus.NewRegistry()
	if s.Desk == "" {
		s.Desk = "https://desk.example"
	}
	s.Zone = "Asia/Shanghai"
	o := Options{Settings: s, Follow: Watch(h.log, threeCores()), Edge: h.edge, Registry: h.reg, tune: quick, Logger: slog.New(slog.NewTextHandler(h.said, nil)),
		End: func(ctx context.Context, partition int32) (int64, error) {
			_, end, err := h.log.Bounds(ctx, streams.Inputs, partition)
			return end, err
		}}
	for _, c := range change {
		c(&o)
	}
	n, err := New(o)
	if err != nil {
		h.t.Fatal(err)
	}
	return n, h.run("notifier", n.Run)
}

func (h *house) append(key string, env event.Envelope) {
	h.t.Helper()
	env.Source, env.Subject, env.At = "test", key, event.TimeOf(time.Now())
	done := make(chan error, 1)
	h.edge.Append(streams.Inputs, key, env, func(_ int32, _ int64, err error) { done <- err })
	if err := <-done; err != nil {
		h.t.Fatal(err)
	}
}

func (h *house) nextID(of string) string {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.seq++
	return fmt.Sprintf("%s/%d", of, h.seq)
}

// secretReason stands in every warning and may stand in no message.
const secretReason = "COPD of Zhang San is worse"

// warn raises a warning by hand, which somebody did who cannot be told of it, and answers it once it stands.
func (h *house) warn(patient string, severity event.Severity) alerts.Warning {
	h.t.Helper()
	h.append("demo/"+patient, event.Envelope{ID: h.nextID("warn"), Data: &event.WarnRequested{Request: event.Request{By: "lead-x", Role: "lead"}, Severity: severity, Text: secretReason}})
	return h.open(patient, event.Reported)
}

// score lets an assessment come in, for a warning of another problem.
func (h *house) score(patient string, severity event.Severity) alerts.Warning {
	h.t.Helper()
	h.append("demo/"+patient, event.Envelope{ID: h.nextID("score"), Data: &event.SeverityScored{Problem: event.Deterioration, Severity: severity, Pack: "copd",
		Reasons: []event.Reason{{Rule: "copd-low", Severity: severity, Zh: secretReason, En: secretReason}}}})
	return h.open(patient, event.Deterioration)
}

func (h *house) accept(patient string, w alerts.Warning, by string) {
	h.append("demo/"+patient, event.Envelope{ID: h.nextID("accept"), Data: &event.AcceptRequested{Request: event.Request{Alert: w.Alert, By: by, Role: "nurse"}}})
}

func (h *house) giveBack(patient string, w alerts.Warning, by string) {
	h.append("demo/"+patient, event.Envelope{ID: h.nextID("return"), Data: &event.ReturnRequested{Request: event.Request{Alert: w.Alert, By: by, Role: "nurse"}}})
}

// until waits for what has to become true.
func (h *house) until(what string, is func() bool) {
	h.t.Helper()
	late := time.After(15 * time.Second)
	for {
		next := h.bell.next()
		if is() {
			return
		}
		select {
		case <-next:
		case <-late:
			h.t.Fatalf("waited too long until %s\nstates: %s\nlog: %s", what, h.dump(), h.said)
		}
	}
}

func (h *house) dump() string {
	h.mu.Lock()
	defer h.mu.Unlock()
	var s strings.Builder
	for key, state := range h.states {
		for _, w := range state.Open {
			fmt.Fprintf(&s, "%s %s %s asks %d %s: %+v\n", key, w.Problem, w.Phase, w.Asks, w.Owner, w.Told)
		}
	}
	return s.String()
}

func (h *house) find(patient, problem string) (alerts.Warning, bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, w := range h.states["demo/"+patient].Open {
		if w.Problem == problem {
			return w, true
		}
	}
	return alerts.Warning{}, false
}

func (h *house) open(patient, problem string) (w alerts.Warning) {
	h.t.Helper()
	h.until(patient+" has a warning of "+problem, func() bool {
		var ok bool
		w, ok = h.find(patient, problem)
		return ok
	})
	return w
}

// told answers what the log knows of the notice of an asking to somebody by a channel.
func (h *house) told(patient string, ask int, recipient, channel string) alerts.Told {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, w := range h.states["demo/"+patient].Open {
		for _, t := range w.Told {
			if t.Ask == ask && t.Recipient == recipient && t.Channel == channel {
				return t
			}
		}
	}
	return alerts.Told{}
}

func (h *house) untilTold(patient string, ask int, recipient, channel, state string) alerts.Told {
	h.t.Helper()
	h.until(fmt.Sprintf("%s is told of %s by %s: %s", recipient, patient, channel, state), func() bool { return h.told(patient, ask, recipient, channel).State == state })
	return h.told(patient, ask, recipient, channel)
}

// inputs answers every input of the log.
func (h *house) inputs() (all []event.Envelope) {
	h.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	for p := range int32(partitions) {
		_, end, err := h.log.Bounds(ctx, streams.Inputs, p)
		if err != nil {
			h.t.Fatal(err)
		}
		r, err := h.log.Read(streams.Inputs, p, 0)
		if err != nil {
			h.t.Fatal(err)
		}
		for at := int64(0); at < end; {
			records, err := r.Next(ctx)
			if err != nil {
				h.t.Fatal(err)
			}
			for _, rec := range records {
				in, err := streams.DecodeInput(rec)
				if err != nil || in.Envelope == nil {
					h.t.Fatalf("%v %v", err, in.Why)
				}
				all, at = append(all, *in.Envelope), rec.Offset+1
			}
		}
		_ = r.Close()
	}
	return all
}

// hit is one request that a server got.
type hit struct {
	at     time.Time
	path   string
	query  string
	header http.Header
	body   string
}

// server is a gateway, a webhook or a robot on loopback. By default it takes everything.
type server struct {
	*httptest.Server
	bell *bell
	mu   sync.Mutex
	hits []hit
	do   func(w http.ResponseWriter, r *http.Request, n int)
}

// serve starts one. do answers the nth request, from 1; nil: 200 with an id.
func (h *house) serve(do func(w http.ResponseWriter, r *http.Request, n int)) *server {
	s := &server{bell: h.bell, do: do}
	s.Server = httptest.NewServer(s)
	h.t.Cleanup(func() { s.CloseClientConnections(); s.Close() })
	return s
}

func (s *server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	s.mu.Lock()
	s.hits = append(s.hits, hit{time.Now(), r.URL.Path, r.URL.RawQuery, r.Header.Clone(), string(body)})
	n, do := len(s.hits), s.do
	s.mu.Unlock()
	s.bell.ring()
	if do == nil {
		do = taken
	}
	do(w, r, n)
}

// taken answers as a gateway does that takes a message; robots read errcode.
func taken(w http.ResponseWriter, _ *http.Request, n int) {
	fmt.Fprintf(w, `{"data":{"id":"g%d"},"code":"OK","errcode":0}`, n)
}

// takenAfter hangs until it may go on, or whoever asked has gone.
func takenAfter(release chan struct{}) func(http.ResponseWriter, *http.Request, int) {
	return func(w http.ResponseWriter, r *http.Request, n int) {
		select {
		case <-release:
			taken(w, r, n)
		case <-r.Context().Done():
		}
	}
}

func status(code int) func(http.ResponseWriter, *http.Request, int) {
	return func(w http.ResponseWriter, r *http.Request, _ int) {
		http.Error(w, "no, not to +8613900000001", code) // servers repeat addresses
	}
}

func (s *server) set(do func(w http.ResponseWriter, r *http.Request, n int)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.do = do
}

func (s *server) all() []hit {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.hits)
}

func (s *server) count() int { return len(s.all()) }

// postbox is a mail server on loopback.
type postbox struct {
	addr   string
	bell   *bell
	mu     sync.Mutex
	mails  []string
	refuse error
	hang   chan struct{} // not nil: nobody is answered until it is closed
}

func (h *house) mailServer() *postbox {
	p := &postbox{bell: h.bell}
	s := smtp.NewServer(smtp.BackendFunc(func(*smtp.Conn) (smtp.Session, error) { return &session{p: p}, nil }))
	s.Domain = "mail.example"
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		h.t.Fatal(err)
	}
	p.addr = l.Addr().String()
	go func() { _ = s.Serve(l) }()
	h.t.Cleanup(func() { _ = s.Close() })
	return p
}

func (p *postbox) all() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.Clone(p.mails)
}

func (p *postbox) count() int { return len(p.all()) }

func (p *postbox) set(refuse error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.refuse = refuse
}

type session struct {
	p  *postbox
	to string
}

func (s *session) Reset()                               {}
func (s *session) Logout() error                        { return nil }
func (s *session) Mail(string, *smtp.MailOptions) error { return nil }
func (s *session) Rcpt(to string, _ *smtp.RcptOptions) error {
	s.to = to
	s.p.mu.Lock()
	hang := s.p.hang
	s.p.mu.Unlock()
	if hang != nil {
		<-hang
	}
	s.p.mu.Lock()
	defer s.p.mu.Unlock()
	return s.p.refuse
}

func (s *session) Data(r io.Reader) error {
	m, err := mail.ReadMessage(r)
	if err != nil {
		return err
	}
	subject, err := new(mime.WordDecoder).DecodeHeader(m.Header.Get("Subject"))
	if err != nil {
		return err
	}
	body := m.Body
	if m.Header.Get("Content-Transfer-Encoding") == "quoted-printable" {
		body = quotedprintable.NewReader(body)
	}
	text, err := io.ReadAll(body)
	s.p.mu.Lock()
	s.p.mails = append(s.p.mails, fmt.Sprintf("To %s\nSubject: %s\n%v\n%s", s.to, subject, m.Header, text))
	s.p.mu.Unlock()
	s.p.bell.ring()
	return err
}

// file writes a secret.
func (h *house) file(text string) string {
	path := filepath.Join(h.t.TempDir(), "secret")
	if err := os.WriteFile(path, []byte(text+"\n"), 0o600); err != nil {
		h.t.Fatal(err)
	}
	return path
}

const callbackSecret = "callback-secret"

// sms is the setting of a gateway of a common form.
func (h *house) sms(name string, s *server) ChannelSetting {
	return ChannelSetting{Name: name, Kind: kindSMS, Within: 300 * time.Millisecond, Gateway: GatewaySetting{
		URL: s.URL + "/send", Body: `{"to":{{json .To}},"text":{{json .Text}},"ref":{{json .Notice}}}`, IDPath: "data.id", OKPath: "code", OK: "OK",
		Headers: []HeaderSetting{{Name: "Authorization", ValueFile: h.file("Bearer gateway-token")}},
		Callback: CallbackSetting{Signature: signedHMAC, SecretFile: h.file(callbackSecret), IDPath: "id", StatePath: "status",
			Delivered: []string{"DELIVRD"}, Opened: []string{"READ"}, Failed: []string{"UNDELIV"}, KeyPath: "key"},
	}}
}

func mailTo(p *postbox) ChannelSetting {
	return ChannelSetting{Name: "mail", Kind: kindMail, Within: 500 * time.Millisecond, Mail: MailSetting{Server: p.addr, From: "tocsin@hospital.example", TLS: "none"}}
}

const (
	number  = "+8613900000001"
	mailbox = "zhang.li@hospital.example"
)

func nurse(name string, ways ...WaySetting) RecipientSetting {
	return RecipientSetting{Name: name, Answers: []string{"nurse"}, Language: "en", Ways: ways}
}

func by(channel, address string) WaySetting {
	return WaySetting{Channel: channel, Address: Hidden(address)}
}

// tell is what a gateway says later.
func (h *house) tell(url, secret string, what map[string]string) int {
	h.t.Helper()
	body, err := json.Marshal(what)
	if err != nil {
		h.t.Fatal(err)
	}
	r, err := http.NewRequest(http.MethodPost, url, bytes.NewReader(body))
	if err != nil {
		h.t.Fatal(err)
	}
	mac := hmac.New(sha256.New, []byte(secret))
	mac.Write(body)
	r.Header.Set("X-Signature", hex.EncodeToString(mac.Sum(nil)))
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		h.t.Fatal(err)
	}
	defer resp.Body.Close()
	return resp.StatusCode
}

// listening gives a notifier a door for callbacks and answers its address.
func (h *house) listening() (url string, change func(*Options)) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		h.t.Fatal(err)
	}
	return "http://" + l.Addr().String() + "/notify/", func(o *Options) { o.Callback = l }
}

func (h *house) metric(name string, labels ...string) (sum float64) {
	families, err := h.reg.Gather()
	if err != nil {
		h.t.Fatal(err)
	}
	for _, f := range families {
		for _, m := range f.GetMetric() {
			have := map[string]bool{}
			for _, l := range m.GetLabel() {
				have[l.GetValue()] = true
			}
			if f.GetName() == name && !slices.ContainsFunc(labels, func(l string) bool { return !have[l] }) {
				sum += m.GetCounter().GetValue() + m.GetGauge().GetValue()
			}
		}
	}
	return sum
}

// brokenEdge takes nothing while it fails, and notes which receipts it refused.
type brokenEdge struct {
	*streams.Edge
	bell    *bell
	fail    atomic.Bool
	refused atomic.Int64 // that something was sent
}

func (b *brokenEdge) Append(topic, key string, env event.Envelope, done func(int32, int64, error)) {
	if !b.fail.Load() {
		b.Edge.Append(topic, key, env, done)
		return
	}
	if r, ok := env.Data.(*event.NoticeReported); ok && r.State == event.NoticeSent {
		b.refused.Add(1)
		b.bell.ring()
	}
	done(0, -1, errors.New("the log is away"))
}

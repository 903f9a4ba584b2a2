package outbox

import (
	"bufio"
	"crypto/tls"
	"encoding/pem"
	"fmt"
	"net"
	"net/http/httptest"
	"os"
	"strings"
	"sync"
	"testing"

	"tocsin/alerts/notify"
	"tocsin/alerts/outbox/hl7v2"
	"tocsin/streams/event"
)

// engine is a receiver of HL7 v2. answer makes the acknowledgement of the nth message; empty: it hangs up.
type engine struct {
	net.Listener
	mu     sync.Mutex
	got    []string
	answer func(n int, m hl7v2.Message) string
}

func newEngine(t *testing.T, l net.Listener, answer func(n int, m hl7v2.Message) string) *engine {
	e := &engine{Listener: l, answer: answer}
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go e.serve(c)
		}
	}()
	t.Cleanup(func() { _ = l.Close() })
	return e
}

func (e *engine) serve(c net.Conn) {
	defer func() { _ = c.Close() }()
	for in := bufio.NewReader(c); ; {
		text, err := hl7v2.ReadFrame(in)
		if err != nil {
			return
		}
		m, err := hl7v2.Parse(text)
		if err != nil {
			return
		}
		e.mu.Lock()
		e.got = append(e.got, text)
		n := len(e.got)
		e.mu.Unlock()
		answer := e.answer(n, m)
		if answer == "" || hl7v2.WriteFrame(c, answer) != nil {
			return
		}
	}
}

func (e *engine) all() []string {
	e.mu.Lock()
	defer e.mu.Unlock()
	return append([]string(nil), e.got...)
}

func ack(code, of string) string {
	return hl7v2.Message{hl7v2.New("MSH", "|", `^~\&`, "DESKGW").Set(9, "ORA^R41^ORA_R41").Set(10, "a"+of).Set(11, "P").Set(12, "2.6"), hl7v2.New("MSA", code, of)}.String()
}

func loopback(t *testing.T) net.Listener {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	return l
}

// An alert goes on only when it was acknowledged: refused, unanswered and acknowledged under another's id it is sent again as it was.
func TestINT6_AnAlertIsKeptUntilItIsAcknowledged(t *testing.T) {
	w := newWorld(t, 1)
	for i := range 3 {
		w.raise(0, fmt.Sprint("w", i), event.High)
	}
	e := newEngine(t, loopback(t), func(n int, m hl7v2.Message) string {
		id := m[0].Field(10)
		switch n {
		case 1:
			return ack("AE", id)
		case 2:
			return ack("AR", id)
		case 3:
			return "" // no answer
		case 4:
			return ack("AA", "another")
		case 5:
			return "no HL7"
		case 7:
			return ack("CE", id)
		}
		return ack([]string{"AA", "CA"}[n%2], id)
	})
	w.serve(w.log, nil, Setting{ID: "his", URL: notify.Hidden("mllp://" + e.Addr().String()), Form: formHL7, From: "beginning", AlarmAfter: 1})
	w.until("all three are through", func() error {
		rows, err := Status(t.Context(), w.log)
		if err != nil || len(rows) != 1 || rows[0].Delivered != 3 {
			return fmt.Errorf("%+v, %w", rows, err)
		}
		return nil
	})
	got := e.all()
	if len(got) != 9 {
		t.Fatalf("%d messages came", len(got))
	}
	for i, want := range []int{0, 0, 0, 0, 0, 0, 6, 6, 8} {
		if got[i] != got[want] {
			t.Errorf("message %d is not as it was:\n%s\n%s", i, got[i], got[want])
		}
	}
	if w.faults("fault.reported") == 0 {
		t.Error("that it was refused raised no warning")
	}
}

// Over TLS the receiver is known by its certificate.
func TestINT6_OverTLS(t *testing.T) {
	server := httptest.NewTLSServer(nil) // for its certificate of 127.0.0.1
	defer server.Close()
	ca := write(t, t.TempDir(), "ca.pem", string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw})))
	e := newEngine(t, tls.NewListener(loopback(t), &tls.Config{Certificates: server.TLS.Certificates}), func(_ int, m hl7v2.Message) string { return ack("AA", m[0].Field(10)) })
	w := newWorld(t, 1)
	w.raise(0, "w0", event.High)
	s := Setting{ID: "his", URL: notify.Hidden("mllps://" + e.Addr().String()), Form: formHL7, From: "beginning", CAFile: ca}
	stranger := s
	stranger.ID, stranger.CAFile = "stranger", ""
	w.serve(w.log, nil, s, stranger)
	w.until("it is through, and who does not know the certificate sends nothing", func() error {
		rows, err := Status(t.Context(), w.log)
		if err != nil || len(rows) != 2 || rows[0].Delivered != 1 || !strings.Contains(rows[1].Why, "certificate") {
			return fmt.Errorf("%+v, %w", rows, err)
		}
		return nil
	})
	if n := len(e.all()); n != 1 {
		t.Errorf("%d messages came", n)
	}
}

func TestSettingsTellWhatIsWrong(t *testing.T) {
	good := Setting{ID: "his", URL: "https://his.example/hook", Form: formCloudEvents}
	for want, change := range map[string]func(*Setting){
		"subscribers[0].id: ":           func(s *Setting) { s.ID = "a b" },
		"subscribers[0].url: ":          func(s *Setting) { s.URL = "his.example" },
		"subscribers[0].form: ":         func(s *Setting) { s.Form = "xml" },
		"subscribers[0].from: ":         func(s *Setting) { s.From = "yesterday" },
		"subscribers[0].only.types[0]":  func(s *Setting) { s.Only.Types = []string{"severity.scored"} },
		"subscribers[0].only.severi":    func(s *Setting) { s.Only.Severities = []string{"grave"} },
		"subscribers[0].zone: ":         func(s *Setting) { s.Zone = "Mars" },
		"subscribers[0].within: ":       func(s *Setting) { s.Within = -1 },
		"subscribers[0].ca_file: ":      func(s *Setting) { s.CAFile = "/nowhere" },
		"hl7v2 goes to mllp":            func(s *Setting) { s.Form = formHL7 },
		"an MLLP address needs a port":  func(s *Setting) { s.Form, s.URL = formHL7, "mllp://engine" },
		"subscribers[0].headers[0]":     func(s *Setting) { s.Headers = []HeaderSetting{{Name: "A", Value: "b\r\nc"}} },
		"holds no secret of Standard":   func(s *Setting) { s.SecretFile = os.Args[0] },
		"subscribers[0].url_file: open": func(s *Setting) { s.URLFile = "/nowhere" },
	} {
		s := good
		change(&s)
		if said := fmt.Sprint(Faults([]Setting{s})); !strings.Contains(said, want) {
			t.Errorf("%s: it says %s", want, said)
		}
	}
	if f := Faults([]Setting{good, good}); len(f) != 1 || !strings.Contains(f[0].Error(), "two subscribers") {
		t.Errorf("the same id twice: %v", f)
	}
	if f := Faults([]Setting{good}); len(f) != 0 {
		t.Errorf("in order: %v", f)
	}
}

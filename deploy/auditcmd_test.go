package deploy

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"tocsin/alerts/audit"
	"tocsin/deploy/embedded/broker"
	"tocsin/streams"
	"tocsin/streams/event"
	"tocsin/streams/kafka"
)

// loud is a terminal that several may write to and a test may read meanwhile.
type loud struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *loud) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(b)
}

func (l *loud) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

// says waits until a terminal shows some words.
func (l *loud) says(words string) error {
	if said := l.String(); !strings.Contains(said, words) {
		return fmt.Errorf("%q is not said in\n%s", words, said)
	}
	return nil
}

// pager is a webhook that keeps what it is given, and at first refuses some of it.
type pager struct {
	*httptest.Server
	mu     sync.Mutex
	refuse int
	got    []audit.Finding
}

func newPager(t *testing.T, refuse int) *pager {
	p := &pager{refuse: refuse}
	p.Server = httptest.NewServer(p)
	t.Cleanup(p.Close)
	return p
}

func (p *pager) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	var f audit.Finding
	err := json.NewDecoder(r.Body).Decode(&f)
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.refuse > 0 || err != nil || r.Header.Get("Content-Type") != "application/json" {
		p.refuse--
		http.Error(w, "not now", http.StatusServiceUnavailable)
		return
	}
	p.got = append(p.got, f)
}

// kinds answers what it was given, as kind and subject.
func (p *pager) kinds() (all []string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, f := range p.got {
		all = append(all, string(f.Kind)+" "+f.Subject)
	}
	slices.Sort(all)
	return all
}

// auditOnce runs the command to its end and answers the exit code and what it said.
func auditOnce(args ...string) (code int, out, errs string) {
	var o, e bytes.Buffer
	code = Main(append([]string{"audit", "watch", "--once"}, args...), &o, &e)
	return code, o.String(), e.String()
}

// Over a whole Tocsin the auditor finds nothing. When what decides is stopped, every partition stands still: told on the
// terminal, to the webhook and by the exit code; when it goes on, that is told too.
func TestALR7_AuditWatchCallsAStoppedOwner_REL4(t *testing.T) {
	h := openHospital(t, quietConfig(t.TempDir()))
	h.enrol("demo,P-0113,copd,oxi-1,token-of-oxi-1\n")
	h.publish(h.device(h.tcp(), "oxi-1", "token-of-oxi-1"), "demo", "oxi-1", "m1", spo2(84))
	h.warningOf("P-0113", "deterioration")
	if code, out, errs := auditOnce("--data", h.data); code != exitDone || !strings.HasSuffix(out, "(open: 1, partitions: 4)\n") {
		t.Fatalf("exit %d: %s%s", code, out, errs)
	}

	ctx, cancel := context.WithCancel(t.Context())
	pages, terminal := newPager(t, 1), &loud{}
	ended := make(chan error, 1)
	go func() {
		root := rootCommand(terminal, terminal)
		root.SetArgs([]string{"audit", "watch", "--within", "3s", "--webhook", pages.URL, "--data", h.data})
		ended <- root.ExecuteContext(ctx)
	}()
	h.stopPart("monitor")
	var want []string
	for p := range int32(4) {
		want = append(want, "still "+streams.PartitionKey(p))
	}
	h.until("every partition is called", func() error {
		if got := pages.kinds(); !slices.Equal(got, want) {
			return fmt.Errorf("the pager has %v, want %v; said\n%s", got, want, terminal)
		}
		return nil
	})
	if err := terminal.says("begins still tocsin/partition-2 since "); err != nil {
		t.Error(err)
	}
	code, _, errs := auditOnce("--within", "1s", "--data", h.data)
	if code != exitFault || !strings.Contains(errs, "begins still tocsin/partition-0 since ") || !strings.HasSuffix(errs, "tocsin: 4 findings; warnings that are open: 1\n") {
		t.Errorf("exit %d: %s", code, errs)
	}

	if err := h.app.startMonitor(t.Context()); err != nil {
		t.Fatal(err)
	}
	for p := range int32(4) {
		h.until("the end is told", func() error { return terminal.says("ends   still " + streams.PartitionKey(p)) })
	}
	cancel()
	if err := <-ended; err != nil {
		t.Errorf("told to stop it ended with %v", err)
	}
	if said := terminal.String(); strings.Count(said, "begins") != 4 || strings.Contains(said, "P-0113") {
		t.Errorf("it said\n%s", said)
	}
}

// stopPart ends one part of a running Tocsin, with all that it runs.
func (h *hospital) stopPart(name string) {
	h.t.Helper()
	for _, p := range h.app.stops.parts {
		if p.name == name {
			if err := p.stop(h.t.Context()); err != nil {
				h.t.Fatal(err)
			}
			return
		}
	}
	h.t.Fatalf("there is no part %s", name)
}

// auditors answers the processes of the program's group that are auditors.
func (p *program) auditors() (pids []int) {
	for _, pid := range p.group() {
		line, err := os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", pid))
		if err == nil && bytes.Contains(line, []byte("audit\x00watch")) {
			pids = append(pids, pid)
		}
	}
	return pids
}

// The tree has an auditor in a process of its own. One that is killed is followed by another, and when the
// tree is killed it ends by itself.
func TestALR7_UpKeepsAnAuditor_REL4(t *testing.T) {
	data := t.TempDir()
	p := startProgram(t, append([]string{"up", "--data", data}, freePorts...)...)
	waitReady(t, p, data)
	was := 0
	another := func() error {
		if now := p.auditors(); len(now) != 1 || now[0] == was {
			return fmt.Errorf("auditors: %v, after %d\n%s", now, was, p.said())
		}
		return nil
	}
	if err := until(t.Context(), 20*time.Second, "an auditor", another); err != nil {
		t.Fatal(err)
	}
	was = p.auditors()[0]
	if err := syscall.Kill(was, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	if err := until(t.Context(), 20*time.Second, "another auditor", another); err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(p.said(), "a child ended and is started again\" part=auditor") {
		t.Errorf("its end was not told:\n%s", p.said())
	}
	if err := p.cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	<-p.done
	if err := until(t.Context(), 10*time.Second, "the auditor's end", func() error {
		if left := p.group(); len(left) > 0 {
			return fmt.Errorf("%v live", left)
		}
		return nil
	}); err != nil {
		t.Error(err)
	}
}

// What the auditor says is said by the tree, as something for a person to act on.
func TestALR7_UpSaysWhatItsAuditorSays(t *testing.T) {
	terminal := &loud{}
	a := &App{log: slog.New(slog.NewTextHandler(terminal, nil))}
	a.repeat("auditor", strings.NewReader("begins overdue t/P-1 w1\nends   overdue t/P-1 w1\n"))
	for _, words := range []string{`level=ERROR msg="a child says" part=auditor line="begins overdue t/P-1 w1"`, `line="ends   overdue t/P-1 w1"`} {
		if err := terminal.says(words); err != nil {
			t.Error(err)
		}
	}
}

// handwritten is a log on disk into which the test writes steps as an owner does.
type handwritten struct {
	t    *testing.T
	addr string
	log  *kafka.Log
	w    streams.Writer
	step int64
}

func newHandwritten(t *testing.T) *handwritten {
	b, err := broker.Start(broker.Options{Dir: t.TempDir(), Addr: "127.0.0.1:0", Partitions: 2})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { b.Stop(context.Background()) })
	log, err := kafka.Open(kafka.Options{Brokers: []string{b.Addr()}, ClientID: "test", Logger: quietLogger()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { log.Close() })
	w, err := log.Write("test")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { w.Close() })
	h := &handwritten{t: t, addr: b.Addr(), log: log, w: w}
	h.append(event.Envelope{ID: "open", After: -1, Subject: streams.PartitionKey(0), Data: &event.OwnerOpened{Life: "a"}})
	return h
}

func (h *handwritten) append(e event.Envelope, change ...func(*streams.Record)) {
	h.t.Helper()
	e.Life, e.Step, e.At = "a", h.step, wall()
	r, err := streams.ToRecord(streams.Decisions, 0, e.Subject, e)
	if err != nil {
		h.t.Fatal(err)
	}
	for _, c := range change {
		c(&r)
	}
	if _, err := streams.AppendWait(h.t.Context(), h.w, r); err != nil {
		h.t.Fatal(err)
	}
}

// event writes a step of one event about a patient, without its closing record.
func (h *handwritten) event(patient string, d event.Event, change ...func(*streams.Record)) {
	h.t.Helper()
	h.step++
	h.append(event.Envelope{ID: fmt.Sprint("e", h.step), Subject: patient, Data: d}, change...)
}

// close makes the step hold.
func (h *handwritten) close() {
	h.t.Helper()
	h.append(event.Envelope{ID: fmt.Sprint("c", h.step), Index: 1, Subject: streams.PartitionKey(0), Data: &event.StepClosed{Number: h.step, Count: 1, Clock: wall()}})
}

func newer(r *streams.Record) {
	for i := range r.Headers {
		if r.Headers[i].Key == "ce_dataversion" {
			r.Headers[i].Value = []byte("99")
		}
	}
}

// Of a log that some owner left behind, only what holds counts; what is overdue, what has no deadline and what is newer than
// this program are told each for itself, and not by the patient's name.
func TestALR7_AuditOnceTellsWhatAnOwnerLeftBehind_REL4(t *testing.T) {
	h := newHandwritten(t)
	expect := func(code int, words ...string) {
		t.Helper()
		got, out, errs := auditOnce("--kafka", h.addr)
		if got != code || strings.Count(errs, " begins ") != len(words) {
			t.Errorf("exit %d, want %d with %d findings\n%s%s", got, code, len(words), out, errs)
		}
		for _, w := range words {
			if !strings.Contains(errs, w) {
				t.Errorf("%q is not said in\n%s", w, errs)
			}
		}
	}
	steps := []event.PolicyStep{{To: "nurse"}}
	expect(exitDone)

	h.event("t/P-1", &event.AlertRaised{Alert: "w1", Problem: "silence", Severity: event.Low, Policy: event.Policy{Steps: steps}, AnswerBy: wall().Add(time.Hour)})
	h.close()
	expect(exitDone)
	h.event("t/P-1", &event.AlertEscalated{Alert: "w1", To: "lead", AnswerBy: wall().Add(-time.Minute)})
	expect(exitDone) // it does not hold yet
	h.close()
	overdue := "overdue t/P-1 w1 (silence, low) since "
	expect(exitFault, overdue)
	h.event("t/P-2", &event.AlertRaised{Alert: "w2", Problem: "deterioration", Severity: event.High, AnswerBy: event.Never})
	h.close()
	h.event("t/P-3", &event.AlertRaised{Alert: "w3"}, newer)
	h.close()
	h.event("t/P-4", &event.PackPublished{Pack: "p"}, newer) // no business of the auditor
	h.close()
	noDeadline, unknown := "no_deadline t/P-2 w2 (deterioration, high) since ", "unknown_event t/P-3 since "
	expect(exitFault, overdue, noDeadline, unknown)
	h.event("t/P-1", &event.AlertClosed{Alert: "w1"})
	h.close()
	expect(exitFault, noDeadline, unknown)
}

// A command line that nobody could carry out is told apart from findings, and so is a log that is not there.
func TestALR7_AuditWatchExitCodes(t *testing.T) {
	for line, want := range map[string]struct {
		code  int
		words string
	}{
		"--webhook pager":                 {exitUsage, "want an address"},
		"--within 10ms":                   {exitUsage, "want 1s at least"},
		"now":                             {exitUsage, "unknown command"},
		"--data " + t.TempDir():           {exitFault, "no Tocsin runs on"},
		"--kafka 127.0.0.1:1 --within 1h": {exitFault, "is Tocsin running?"},
	} {
		if code, _, errs := auditOnce(strings.Fields(line)...); code != want.code || !strings.Contains(errs, want.words) {
			t.Errorf("%s: exit %d, %s; want %d, %s", line, code, errs, want.code, want.words)
		}
	}
}

// A webhook that refuses is asked again, and one that goes on refusing is told of, without its address, which may be a secret.
func TestALR7_AuditWebhookIsAskedAgain(t *testing.T) {
	for name, refuse := range map[string]int{"it takes the third": 2, "it takes none": 1000} {
		t.Run(name, func(t *testing.T) {
			pages, terminal := newPager(t, refuse), &loud{}
			h := startHook(t.Context(), pages.URL+"/secret", newTeller(terminal).say)
			h.wait = time.Millisecond
			h.send(audit.Finding{Kind: audit.Overdue, Subject: "t/P-1", Alert: "w1"})
			h.finish()
			said := terminal.String()
			given := len(pages.kinds())
			if strings.Contains(said, "secret") || !strings.Contains(said, "it answered 503 Service Unavailable; it is tried again") {
				t.Errorf("said %s", said)
			}
			if handed := !strings.Contains(said, "overdue t/P-1 w1 was not handed on"); handed != (refuse == 2) || given != map[bool]int{true: 1}[handed] {
				t.Errorf("the pager has %d; said %s", given, said)
			}
		})
	}
}

// An address that nobody answers is not printed either.
func TestALR7_AuditWebhookKeepsItsAddress(t *testing.T) {
	pages := newPager(t, 0)
	pages.Close()
	err := (&hook{url: pages.URL + "/secret"}).post(t.Context(), nil)
	if err == nil || strings.Contains(err.Error(), "secret") || errors.Is(err, context.Canceled) {
		t.Errorf("%v", err)
	}
}

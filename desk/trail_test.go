package desk

import (
	"context"
	"errors"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"tocsin/streams"
	"tocsin/streams/event"
	"tocsin/streams/trail"
)

// audited starts a desk with an audit log.
func (h *hospital) audited(change ...func(*Options)) (*station, *trail.Writer) {
	h.t.Helper()
	return h.auditedFor(0, change...)
}

// auditedFor starts a desk with an audit log for which so many entries may wait.
func (h *hospital) auditedFor(most int, change ...func(*Options)) (*station, *trail.Writer) {
	h.t.Helper()
	dir := h.t.TempDir()
	key, _, err := trail.Key(filepath.Join(dir, "audit.key"))
	if err != nil {
		h.t.Fatal(err)
	}
	w, err := trail.New(trail.Options{Log: h.log, Process: "desk-1", Key: key, Heads: filepath.Join(dir, "heads"), Most: most})
	if err != nil {
		h.t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() { defer close(done); _ = w.Run(ctx) }()
	h.t.Cleanup(func() { cancel(); <-done })
	st := h.openDesk(append(change, func(o *Options) { o.Trail = w })...)
	h.station = st
	return st, w
}

type trailEntry = trail.Entry

// entries answers what the audit log says.
func (h *hospital) entries() []trail.Entry {
	h.t.Helper()
	page, err := trail.Read(soon(h.t), h.log, trail.Query{})
	if err != nil {
		h.t.Fatal(err)
	}
	return page.Entries
}

func (h *hospital) noted(what string, fits func(trail.Entry) bool) trail.Entry {
	h.t.Helper()
	var found trail.Entry
	h.until("the audit log says "+what, func() bool {
		all := h.entries()
		if i := slices.IndexFunc(all, fits); i >= 0 {
			found = all[i]
			return true
		}
		return false
	})
	return found
}

func TestSEC2_EveryReadOfAChartAndEveryActIsNoted(t *testing.T) {
	h := open(t)
	h.audited()
	h.enrol("P-1", "copd")
	h.measure("P-1", 80)
	h.measure("P-1", 80)
	nurse := h.as(roleNurse, "reader")
	h.until("there is a warning", func() bool { return len(nurse.warnings("open")) > 0 })
	id := nurse.warnings("open")[0].ID
	nurse.do("GET", "/v1/warnings/"+id, nil, nil)
	nurse.do("GET", "/v1/patients/demo/P-1/plan", nil, nil)
	nurse.do("GET", "/v1/groups/demo/copd", nil, nil)
	nurse.do("GET", "/v1/unjudged", nil, nil)
	_, stop := nurse.listen("/v1/stream?group=demo/copd", "")
	stop()
	nurse.click("accept", id, "k1", nil)
	nurse.do("GET", "/v1/audit", nil, nil)
	nurse.do("POST", "/v1/admin/tokens", TokenBody{Name: "x", Role: roleNurse}, nil)

	for _, want := range []Entry{
		{Action: "queue.read", Object: "open"}, {Action: "warning.read", Tenant: "demo", Patient: "P-1", Object: id},
		{Action: "plan.read", Tenant: "demo", Patient: "P-1"}, {Action: "board.read", Tenant: "demo", Object: "copd"}, {Action: "unjudged.read"},
		{Action: "desk.watch", Object: "demo/copd"}, {Action: "acceptWarning", Tenant: "demo", Patient: "P-1", Object: id}, {Action: "token.use"},
		{Action: "readAudit", Refused: true, Reason: "role"}, {Action: "makeToken", Refused: true, Reason: "role"},
	} {
		e := h.noted(want.Action+" of "+want.Patient, func(e trail.Entry) bool {
			return e.Action == want.Action && e.Tenant == want.Tenant && e.Patient == want.Patient && e.Object == want.Object && e.Refused == want.Refused && e.Reason == want.Reason
		})
		if e.Account != "reader" || e.Role != roleNurse || e.From == "" {
			t.Errorf("%s is by %q in the role %q from %q", e.Action, e.Account, e.Role, e.From)
		}
	}
}

func TestSEC2_SigningInAndOutIsNotedAndNoPasswordIs(t *testing.T) {
	h := open(t)
	h.audited()
	h.account("nurse-a", roleNurse, "a long password 1")
	b := h.browser(h.url)
	b.do("POST", "/v1/session", SignIn{Account: "nurse-a", Password: "not it at all"}, nil)
	b.do("POST", "/v1/session", SignIn{Account: "my-secret-typed-in-the-wrong-field", Password: "x"}, nil)
	if status, raw := b.do("POST", "/v1/session", SignIn{Account: "nurse-a", Password: "a long password 1"}, nil); status != 200 {
		t.Fatal(status, raw)
	}
	b.do("DELETE", "/v1/session", nil, nil)
	for what, fits := range map[string]func(trail.Entry) bool{
		"a sign-in":           func(e trail.Entry) bool { return e.Action == "session.begin" && e.Account == "nurse-a" && !e.Refused },
		"a refused sign-in":   func(e trail.Entry) bool { return e.Action == "session.begin" && e.Account == "nurse-a" && e.Refused },
		"a sign-in of nobody": func(e trail.Entry) bool { return e.Action == "session.begin" && e.Account == "unknown" && e.Refused },
		"a sign-out":          func(e trail.Entry) bool { return e.Action == "session.end" && e.Account == "nurse-a" },
	} {
		h.noted(what, fits)
	}
	for _, r := range h.log.Records(streams.Audit, 0) {
		if strings.Contains(string(r.Value), "secret") || strings.Contains(string(r.Value), "password 1") {
			t.Errorf("the audit log has what was typed: %s", r.Value)
		}
	}
}

// account makes an account with a password that holds.
func (h *hospital) account(name, role, password string) {
	h.t.Helper()
	_, err := h.asker.Ask(soon(h.t), &event.AccountRequested{Account: name, Role: role, Password: hashOf(h.t, password), By: "test"})
	if err != nil {
		h.t.Fatal(err)
	}
}

// A log that does not take the entry: a chart is shown after two seconds and the entry follows; what may not be seen unnoted is
// not seen; and when no more entries can wait, nothing is.
func TestSEC2_ALogThatHangsBlindsNobodyAndOpensNoName(t *testing.T) {
	h := open(t)
	st, w := h.auditedFor(5)
	h.enrol("P-1", "copd")
	nurse, auditor := h.as(roleNurse, "reader"), h.as(roleAuditor, "looker")
	nurse.do("GET", "/v1/patients/demo/P-1/plan", nil, nil)
	h.until("the first entries are kept", func() bool { n, _, _ := w.Waiting(); return n == 0 })
	h.log.FailAppends(failing(streams.Audit, errors.New("the disk is full")))
	began := time.Now()
	if status, raw := nurse.do("GET", "/v1/patients/demo/P-1/plan", nil, nil); status != 200 {
		t.Fatalf("a chart while the log hangs: %d %s", status, raw)
	}
	if took := time.Since(began); took < readWithin || took > readWithin+2*time.Second {
		t.Errorf("it was shown after %s, not %s", took, readWithin)
	}
	if status, raw := auditor.do("GET", "/v1/audit", nil, nil); status != 503 || !strings.Contains(raw, "tocsin:audit") {
		t.Errorf("what may not be seen unnoted: %d %s", status, raw)
	}
	if is := st.server.status().Audit; is != "waiting" {
		t.Errorf("the status says %q", is)
	}
	ctx := withIdentity(t.Context(), identity{Account: "reader", Role: roleNurse})
	for n, most, _ := w.Waiting(); n < most; n, most, _ = w.Waiting() {
		st.server.done(ctx, Entry{Action: "filled"})
	}
	if status, raw := nurse.do("GET", "/v1/patients/demo/P-1/plan", nil, nil); status != 503 {
		t.Errorf("when nothing more can wait: %d %s", status, raw)
	}
	if is := st.server.status().Audit; is != "full" {
		t.Errorf("the status says %q", is)
	}
	h.until("a technical warning says so", func() bool {
		return slices.ContainsFunc(st.server.ward.warnings(false, everyone), func(w Warning) bool { return w.Severity == event.Technical && w.Patient == "audit" })
	})
	h.log.FailAppends(nil)
	h.until("what waited is written", func() bool { n, _, _ := w.Waiting(); return n == 0 })
	reads := 0
	for _, e := range h.entries() {
		if e.Action == "plan.read" {
			reads++
		}
	}
	if reads != 2 {
		t.Errorf("the chart was shown twice, and %d entries say so", reads)
	}
}

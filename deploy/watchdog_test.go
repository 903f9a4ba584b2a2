package deploy

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"

	"tocsin/alerts"
	"tocsin/alerts/notify"
	"tocsin/care"
	"tocsin/rules"
	"tocsin/streams"
	"tocsin/streams/event"
)

// outcry is what somebody outside heard of the watchdog.
type outcry struct {
	Type string
	Data struct {
		Partitions int
		Faults     []struct {
			Partition           int32
			Missing, Says, Desk string
			Since               time.Time
		}
	}
	at time.Time
}

// missing answers what is missing in each partition, as partition and part.
func (m outcry) missing() (all []string) {
	for _, f := range m.Data.Faults {
		all = append(all, fmt.Sprintf("%d %s", f.Partition, f.Missing))
	}
	return all
}

// outsider is whoever calls people when Tocsin cannot: a webhook, which refuses the first posts, and a heartbeat.
type outsider struct {
	*httptest.Server
	t      *testing.T
	secret string
	mu     sync.Mutex
	refuse int
	all    []outcry
	beats  int
}

func newOutsider(t *testing.T, refuse int) *outsider {
	o := &outsider{t: t, secret: "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", refuse: refuse}
	o.Server = httptest.NewServer(o)
	t.Cleanup(o.Close)
	return o
}

func (o *outsider) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if r.URL.Path == "/beat" {
		o.beats++
		return
	}
	body, err := io.ReadAll(r.Body)
	if err != nil {
		o.t.Error(err)
	}
	if o.refuse--; o.refuse >= 0 {
		http.Error(w, "not now", http.StatusServiceUnavailable)
		return
	}
	hook, err := standardwebhooks.NewWebhook(o.secret)
	if err != nil {
		o.t.Error(err)
	} else if err := hook.Verify(body, r.Header); err != nil {
		o.t.Errorf("it is not signed: %v", err)
	}
	m := outcry{at: time.Now()}
	if err := json.Unmarshal(body, &m); err != nil {
		o.t.Errorf("%v: %s", err, body)
	}
	o.all = append(o.all, m)
}

// heard answers what was told from the n-th on.
func (o *outsider) heard(n int) []outcry {
	o.mu.Lock()
	defer o.mu.Unlock()
	return slices.Clone(o.all[min(n, len(o.all)):])
}

func (o *outsider) heartbeats() int {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.beats
}

// The tests' minute is two seconds, and their thirty seconds six: on a machine that is shared a reading may take some.
const (
	testEvery  = 2 * time.Second
	testWithin = 6 * time.Second
)

func watchdogConfig(t *testing.T, out *outsider) Config {
	cfg := quietConfig(t.TempDir())
	cfg.History.Off = true
	c := &cfg.Watchdog
	c.Every, c.Within, c.Again = testEvery, testWithin, 4*time.Second
	c.WebhookFile, c.SecretFile, c.HeartbeatFile = writeFile(t, "hook", out.URL), writeFile(t, "secret", out.secret), writeFile(t, "beat", out.URL+"/beat")
	return cfg
}

// watchdog runs one over a hospital until stop, with what `tocsin watchdog enrol` writes.
func (h *hospital) watchdog(said io.Writer) (stop func()) {
	h.t.Helper()
	c := h.app.cfg.Watchdog
	c.CredentialsFile, c.Broker, c.Desks = filepath.Join(h.data, "w.json"), h.tcp(), []string{"http://" + h.app.run.HTTP}
	h.tocsin("watchdog", "enrol", "--out", c.CredentialsFile)
	w, err := openWatchdog(c, func(format string, args ...any) { fmt.Fprintf(said, format+"\n", args...) })
	if err != nil {
		h.t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan struct{})
	go func() { defer close(ended); w.Run(ctx) }()
	stop = sync.OnceFunc(func() { cancel(); <-ended })
	h.t.Cleanup(stop)
	return stop
}

// deskSays is what a desk says of the watchdog.
type deskSays struct {
	Watchdog struct {
		State  string
		Since  *time.Time
		Faults []struct {
			Partition int32
			Missing   string
		}
	}
}

// saysOf waits until the desk says a state of the watchdog.
func (h *hospital) saysOf(state string) (is deskSays) {
	h.t.Helper()
	h.until("the desk says "+state, func() error {
		is = deskSays{}
		if h.get("/v1/status", &is); is.Watchdog.State != state {
			return fmt.Errorf("it says %+v", is.Watchdog)
		}
		return nil
	})
	return is
}

// mutedParts are the cores of live, but for warnings, of which none is raised while muted is set.
func mutedParts(muted *atomic.Bool) streams.Parts[patientState, patientFacts] {
	return streams.Join([3]string{"rules", "alerts", "care"},
		streams.Machine[rules.State, rules.Facts](rules.Core{Compile: compilePack}),
		streams.Machine[alerts.State, alerts.Facts](mutedAlerts{muted: muted}),
		streams.Machine[care.State, care.Facts](care.Core{}))
}

type mutedAlerts struct {
	alerts.Core
	muted *atomic.Bool
}

func (m mutedAlerts) Decide(f alerts.Facts, s alerts.State, e event.Envelope, now event.Time) ([]event.Event, error) {
	if _, scored := e.Data.(*event.SeverityScored); scored && m.muted.Load() {
		return nil, nil
	}
	return m.Core.Decide(f, s, e, now)
}

// Over a whole Tocsin the made-up readings come through and nobody is called. When warnings are not raised any more, for
// anybody, who is outside is called in time, though its first posts fail, and again while it lasts; every desk says that nobody
// is watching; and when it is over both are told.
func TestOPS2_SomebodyOutsideIsCalledWhenNoWarningIsRaised(t *testing.T) {
	out := newOutsider(t, 1)
	h := openHospital(t, watchdogConfig(t, out))
	var muted atomic.Bool
	h.stopPart("monitor")
	h.app.runs("muted monitor", func(ctx context.Context) error {
		return streams.RunOwner(ctx, h.app.store, streams.PatientPair, mutedParts(&muted), h.app.owners.options(streams.Decisions, streams.OwnerOptions{Name: "muted", Logger: quietLogger()}))
	})
	if is := h.saysOf("off"); is.Watchdog.Since != nil {
		t.Errorf("without a watchdog it says %+v", is)
	}
	terminal := &loud{}
	h.watchdog(terminal)
	h.saysOf("well")
	h.until("heartbeats", func() error {
		if n := out.heartbeats(); n < 2 {
			return fmt.Errorf("%d, and it said %s", n, terminal)
		}
		return nil
	})
	if heard := out.heard(0); len(heard) != 0 {
		t.Fatalf("all is well and it called %+v", heard)
	}

	muted.Store(true)
	broke := time.Now()
	heard := 0
	h.until("everything is told as missing", func() error {
		for _, m := range out.heard(heard) {
			if slices.Equal(m.missing(), []string{"0 rules", "1 rules", "2 rules", "3 rules"}) && m.Type == "watchdog.failing" && m.Data.Partitions == 4 {
				return nil
			}
		}
		return fmt.Errorf("heard %+v, and it said %s", out.heard(0), terminal)
	})
	first := out.heard(0)[0]
	if took := first.at.Sub(broke); took > testEvery+testWithin+5*time.Second {
		t.Errorf("it called after %s", took)
	}
	if f := first.Data.Faults[0]; f.Since.After(broke) || broke.Sub(f.Since) > 3*testEvery || !strings.Contains(f.Says, "no warning came of it") {
		t.Errorf("broken since %s, it says %+v", broke, f)
	}
	is := h.saysOf("failing")
	if len(is.Watchdog.Faults) == 0 || is.Watchdog.Faults[0].Missing != "rules" || is.Watchdog.Since == nil || is.Watchdog.Since.After(broke) {
		t.Errorf("the desk says %+v", is.Watchdog)
	}
	heard = len(out.heard(0))
	h.until("it is told again", func() error {
		if len(out.heard(heard)) == 0 {
			return fmt.Errorf("it said %s", terminal)
		}
		return nil
	})
	beats := out.heartbeats()

	muted.Store(false)
	h.until("the end is told", func() error {
		all := out.heard(0)
		if last := all[len(all)-1]; last.Type != "watchdog.well" || len(last.Data.Faults) != 0 {
			return fmt.Errorf("it told %+v, and said %s", last, terminal)
		}
		return nil
	})
	h.saysOf("well")
	if n := out.heartbeats(); n > beats+1 { // one may have been under way
		t.Errorf("%d heartbeats while nothing came through", n-beats)
	}
	for _, words := range []string{"partition 0 begins rules since ", "partition 0 ends   rules", "the webhook was not called (it answered 503"} {
		if err := terminal.says(words); err != nil {
			t.Error(err)
		}
	}
}

// What is missing is named by the first part of the way that does not do its own, and a desk misses the watchdog by itself.
func TestOPS2_WhatIsMissingIsNamed(t *testing.T) {
	out := newOutsider(t, 0)
	cfg := watchdogConfig(t, out)
	cfg.Watchdog.Every, cfg.Watchdog.Within = 2*time.Second, 4*time.Second
	h := openHospital(t, cfg)
	terminal := &loud{}
	stop := h.watchdog(terminal)
	h.saysOf("well")
	names := func(want string) {
		t.Helper()
		from := len(out.heard(0))
		h.until(want+" is told", func() error {
			for _, m := range out.heard(from) {
				if slices.Equal(m.missing(), []string{"0 " + want, "1 " + want, "2 " + want, "3 " + want}) {
					return nil
				}
			}
			return fmt.Errorf("it said %s", terminal)
		})
	}
	ends := func() {
		t.Helper()
		h.until("the end is told", func() error {
			if all := out.heard(0); all[len(all)-1].Type != "watchdog.well" {
				return fmt.Errorf("it said %s", terminal)
			}
			return nil
		})
	}
	h.stopPart("monitor") // the owner is gone, as after a crash without a successor
	names("rules")
	if err := terminal.says("is not decided upon"); err != nil {
		t.Error(err)
	}
	if err := h.app.startMonitor(t.Context()); err != nil {
		t.Fatal(err)
	}
	ends()

	stop() // the watchdog itself is gone: the desk says so by itself
	if is := h.saysOf("silent"); is.Watchdog.Since == nil || time.Since(*is.Watchdog.Since) < cfg.Watchdog.Every+cfg.Watchdog.Within {
		t.Errorf("it says %+v", is.Watchdog)
	}
	stop = h.watchdog(terminal)
	h.saysOf("well")
	h.stopPart("gateway")
	names("door")
	stop()
}

// A log that takes nothing gives no PUBACK; a desk that is killed shows nothing. Parts of their own, as beyond one machine.
func TestOPS2_LogAndDeskOfTheirOwn(t *testing.T) {
	data := t.TempDir()
	out := newOutsider(t, 0)
	parts := map[string]*program{}
	for _, roles := range []string{"log", "monitor,gateway", "desk"} {
		args := []string{"serve", "--roles=" + roles, "--data", data, "--http", "127.0.0.1:0", "--mqtt", "127.0.0.1:0"}
		if roles == "log" {
			args = append(args, "--kafka", "127.0.0.1:0")
		}
		parts[roles] = startProgram(t, args...)
		if roles == "log" {
			logOf(t, parts[roles], data)
		}
	}
	run := waitReady(t, parts["desk"], data)
	credentials := filepath.Join(t.TempDir(), "w.json")
	var errs strings.Builder
	if code := Main([]string{"watchdog", "enrol", "--out", credentials, "--data", data}, &errs, &errs); code != exitDone {
		t.Fatal(errs.String())
	}
	dog := startProgram(t, "watchdog", "--credentials", credentials, "--broker", "tcp://"+run.MQTT, "--desk", "http://"+run.HTTP, "--every", "2s", "--within", "4s",
		"--webhook-file", writeFile(t, "hook", out.URL), "--secret-file", writeFile(t, "secret", out.secret), "--heartbeat-file", writeFile(t, "beat", out.URL+"/beat"))
	within := func(what string, is func() bool) {
		t.Helper()
		if err := until(t.Context(), 30*time.Second, what, func() error {
			if !is() {
				return fmt.Errorf("heard %+v; it said %s", out.heard(0), dog.said())
			}
			return nil
		}); err != nil {
			t.Fatal(err)
		}
	}
	last := func(want string) func() bool {
		return func() bool {
			all := out.heard(0)
			return len(all) > 0 && strings.Join(append(all[len(all)-1].missing(), all[len(all)-1].Type), ", ") == want
		}
	}
	within("heartbeats", func() bool { return out.heartbeats() > 1 })
	if err := parts["log"].cmd.Process.Signal(syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	within("no PUBACK", last("0 log, 1 log, 2 log, 3 log, watchdog.failing"))
	if err := parts["log"].cmd.Process.Signal(syscall.SIGCONT); err != nil {
		t.Fatal(err)
	}
	within("the log's end", last("watchdog.well"))
	if err := parts["desk"].cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	within("no desk", last("0 desk, 1 desk, 2 desk, 3 desk, watchdog.failing"))
	if err := dog.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if code := dog.ended(10 * time.Second); code != exitDone {
		t.Errorf("told to stop: exit %d: %s", code, dog.said())
	}
}

// The made-up patients go the way of everybody, and no person sees, hears or counts them; who has the watchdog's token sees
// nobody else.
func TestOPS2_MadeUpPatientsConcernNobody(t *testing.T) {
	var messages atomic.Int64
	gateway := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { messages.Add(1) }))
	t.Cleanup(gateway.Close)
	out := newOutsider(t, 0)
	cfg := watchdogConfig(t, out)
	cfg.Notify = notify.Settings{Desk: "https://desk.example",
		Channels:   []notify.ChannelSetting{{Name: "sms", Kind: "sms", Gateway: notify.GatewaySetting{URL: gateway.URL, Body: `{{json .To}} {{json .Text}}`}}},
		Recipients: []notify.RecipientSetting{{Name: "nurse-a", Answers: []string{"nurse", "doctor-1", "day-list"}, Ways: []notify.WaySetting{{Channel: "sms", Address: "+8613900000001"}}}}}
	h := openHospital(t, cfg)
	h.enrol("demo,P-0113,copd,oxi-1,token-of-oxi-1\n")
	h.publish(h.device(h.tcp(), "oxi-1", "token-of-oxi-1"), "demo", "oxi-1", "m1", spo2(84))
	person := h.warningOf("P-0113", "deterioration")
	h.watchdog(io.Discard)
	h.until("rounds", func() error {
		if n := out.heartbeats(); n < 3 {
			return fmt.Errorf("%d", n)
		}
		return nil
	})

	if all := h.warnings("all"); len(all) != 1 || all[0].ID != person.ID {
		t.Errorf("a lead sees %+v", all)
	}
	for _, path := range []string{"/v1/groups", "/v1/packs", "/v1/warnings", "/v1/unjudged"} {
		var raw json.RawMessage
		if h.call("GET", path, "", "", &raw); strings.Contains(string(raw), "watchdog") {
			t.Errorf("GET %s names it: %s", path, raw)
		}
	}
	if snapshot := h.snapshot(h.lead); strings.Contains(snapshot, "watchdog-") || !strings.Contains(snapshot, person.ID) || !strings.Contains(snapshot, `"desks":1`) {
		t.Errorf("a lead's stream begins with %s", snapshot)
	}
	if n := messages.Load(); n != 1 {
		t.Errorf("%d messages for one person's warning", n)
	}
	resp, err := http.Get("http://" + h.app.run.HTTP + "/metrics")
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	metrics, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	for _, line := range []string{`tocsin_desk_open_warnings{severity="high",state="new"} 0`, `tocsin_desk_clicks_total{result="granted",verb="close"} 0`} {
		if !strings.Contains(string(metrics), line+"\n") {
			t.Errorf("the metrics have no %s", line)
		}
	}

	// With the watchdog's token: its own warnings, and no way to anybody's.
	c, err := readCredentials(filepath.Join(h.data, "w.json"))
	if err != nil {
		t.Fatal(err)
	}
	if snapshot := h.snapshot(c.Token); strings.Contains(snapshot, person.ID) || strings.Contains(snapshot, "P-0113") {
		t.Errorf("the watchdog's stream begins with %s", snapshot)
	}
	lead := h.lead
	h.lead = c.Token
	for path, want := range map[string]int{"/v1/warnings": http.StatusForbidden, "/v1/groups": http.StatusForbidden, "/v1/patients/demo/P-0113/readings": http.StatusForbidden,
		"/v1/warnings/" + person.ID: http.StatusForbidden} {
		if got := h.call("GET", path, "", "", nil); got != want {
			t.Errorf("GET %s with its token: %d", path, got)
		}
	}
	if got := h.call("POST", "/v1/warnings/"+person.ID+"/accept", "k", "{}", nil); got != http.StatusNotFound {
		t.Errorf("it may take what is somebody's: %d", got)
	}
	h.lead = lead
	if got := h.call("PUT", "/v1/watchdog", "k", `{"faults":[]}`, nil); got != http.StatusForbidden {
		t.Errorf("a lead may speak for it: %d", got)
	}
	var out2 strings.Builder
	if code := Main([]string{"import", "--data", h.data, writeFile(t, "rows.csv", "tenant,patient,group,device,token\ntocsin,watchdog-x,copd,d9,")}, &out2, &out2); code == exitDone {
		t.Errorf("an import may use the tenant that is ours: %s", out2.String())
	}
}

// snapshot answers the first message of a desk's stream.
func (h *hospital) snapshot(token string) string {
	h.t.Helper()
	r, err := http.NewRequestWithContext(h.t.Context(), "GET", "http://"+h.app.run.HTTP+"/v1/stream", nil)
	if err != nil {
		h.t.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer "+token)
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		h.t.Fatal(err)
	}
	defer resp.Body.Close()
	lines := bufio.NewScanner(resp.Body)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		if data, ok := strings.CutPrefix(lines.Text(), "data: "); ok {
			return data
		}
	}
	h.t.Fatalf("the stream ended: %v", lines.Err())
	return ""
}

// stuckAlerts hangs over one patient until it is let go.
type stuckAlerts struct {
	alerts.Core
	key  string
	free chan struct{}
}

func (s stuckAlerts) Decide(f alerts.Facts, st alerts.State, e event.Envelope, now event.Time) ([]event.Event, error) {
	if e.Subject == s.key {
		<-s.free
	}
	return s.Core.Decide(f, st, e, now)
}

// A reading that waits in one partition while the others get on: the age of that partition grows with it, and what the header
// shows is that one's; once it is processed, everything is fresh.
func TestOPS3_TheOldestReadingThatWaitsIsTheAge(t *testing.T) {
	cfg := quietConfig(t.TempDir())
	cfg.History.Off = true
	h := openHospital(t, cfg)
	stuck := streams.PartitionOf("demo/P-0113", h.app.n)
	free := make(chan struct{})
	letGo := sync.OnceFunc(func() { close(free) })
	t.Cleanup(letGo)
	h.stopPart("monitor")
	h.app.runs("stuck monitor", func(ctx context.Context) error {
		parts := streams.Join([3]string{"rules", "alerts", "care"},
			streams.Machine[rules.State, rules.Facts](rules.Core{Compile: compilePack}),
			streams.Machine[alerts.State, alerts.Facts](stuckAlerts{key: "demo/P-0113", free: free}),
			streams.Machine[care.State, care.Facts](care.Core{}))
		return streams.RunOwner(ctx, h.app.store, streams.PatientPair, parts, h.app.owners.options(streams.Decisions, streams.OwnerOptions{Name: "stuck", Logger: quietLogger()}))
	})
	type ages struct {
		DataAgeMs  int64 `json:"data_age_ms"`
		Partitions []struct {
			Partition int32
			AgeMs     int64 `json:"age_ms"`
			Lag       int64
		}
	}
	fresh := func() error {
		var is ages
		if h.get("/v1/status", &is); is.DataAgeMs > 3000 {
			return fmt.Errorf("it says %+v", is)
		}
		return nil
	}
	h.until("everything is fresh", fresh)
	h.enrol("demo,P-0113,copd,d1,secret\n") // the enrolment is the first that waits
	before := time.Now()
	h.publish(h.device(h.tcp(), "d1", "secret"), "demo", "d1", "m1", spo2(84))
	sent := time.Now()
	h.until("the age has grown", func() error {
		var is ages
		h.get("/v1/status", &is)
		waits := time.Since(before)
		if waits < 8*time.Second {
			return fmt.Errorf("it waits for %s", waits)
		}
		for _, p := range is.Partitions {
			age := time.Duration(p.AgeMs) * time.Millisecond
			switch {
			case p.Partition != stuck && age > 5*time.Second:
				return fmt.Errorf("partition %d gets on and is %s old", p.Partition, age)
			case p.Partition == stuck && (age < time.Since(sent)-time.Second || p.Lag == 0 || is.DataAgeMs != p.AgeMs):
				return fmt.Errorf("the reading waits for %s, and it says %+v", time.Since(sent), is)
			}
		}
		return nil
	})
	letGo()
	h.warningOf("P-0113", "deterioration")
	h.until("everything is fresh again", fresh)
}

// watchdogs answers the processes of the program's group that are watchdogs.
func (p *program) watchdogs() (pids []int) {
	for _, pid := range p.group() {
		line, err := os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", pid))
		if err == nil && strings.Contains(string(line), "\x00watchdog\x00") {
			pids = append(pids, pid)
		}
	}
	return pids
}

// The tree enrols the made-up patients and has a watchdog in a process of its own, for which `up` needs to be told nothing. One
// that is killed is followed by another; with the tree it ends by itself.
func TestOPS2_UpKeepsAWatchdog(t *testing.T) {
	data := t.TempDir()
	p := startProgram(t, append([]string{"up", "--data", data}, freePorts...)...)
	run := waitReady(t, p, data)
	wait := func(what string, is func() error) {
		t.Helper()
		if err := until(t.Context(), 30*time.Second, what, is); err != nil {
			t.Fatalf("%v\n%s", err, p.said())
		}
	}
	wait("the first round", func() error {
		if f := watchdogFinding(t.Context(), run); f.Found != "each partition's made-up reading comes through" {
			return fmt.Errorf("the doctor finds %+v", f)
		}
		return nil
	})
	if info, err := os.Stat(filepath.Join(data, watchdogFile)); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("its credentials: %v, %v", info, err)
	}
	was := p.watchdogs()
	if len(was) != 1 {
		t.Fatalf("watchdogs: %v", was)
	}
	if err := syscall.Kill(was[0], syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	wait("another watchdog", func() error {
		if now := p.watchdogs(); len(now) != 1 || now[0] == was[0] {
			return fmt.Errorf("watchdogs: %v, after %v", now, was)
		}
		return nil
	})
	var once strings.Builder
	if code := Main([]string{"watchdog", "--once", "--credentials", filepath.Join(data, watchdogFile), "--broker", "tcp://" + run.MQTT, "--desk", "http://" + run.HTTP}, &once, &once); code != exitDone {
		t.Errorf("exit %d: %s", code, once.String())
	}
	if code := Main([]string{"watchdog", "--once", "--credentials", filepath.Join(data, watchdogFile), "--broker", "tcp://" + run.Kafka, "--desk", "http://" + run.HTTP, "--within", "2s"}, &once, &once); code != exitFault || !strings.Contains(once.String(), "partition 3: door: ") {
		t.Errorf("at a door that is none: exit %d: %s", code, once.String())
	}
	if err := p.cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	<-p.done
	wait("its end with the tree", func() error {
		if left := p.watchdogs(); len(left) > 0 {
			return fmt.Errorf("%v live", left)
		}
		return nil
	})
}

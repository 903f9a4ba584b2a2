package deploy

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	mqtt "github.com/eclipse/paho.mqtt.golang"

	"tocsin/deploy/embedded/engine"
)

// asTocsin makes the test binary be the program, so that tests can start it as a process of its own.
const asTocsin = "TOCSIN_TEST_MAIN"

func TestMain(m *testing.M) {
	switch {
	case os.Getenv(asTocsin) == "1":
		os.Exit(Main(os.Args[1:], os.Stdout, os.Stderr))
	case len(os.Args) > 1 && os.Args[1] == "clickhouse":
		os.Exit(engine.Main(os.Args[2:], os.Stdout, os.Stderr))
	}
	os.Exit(m.Run())
}

// library is libchdb.so as `make engine` leaves it; a tree without it runs without history.
func library() string {
	if lib := os.Getenv("TOCSIN_ENGINE"); lib != "" {
		return lib
	}
	lib, err := filepath.Abs("../bin/engine/libchdb.so")
	if err != nil || !exists(lib) {
		return ""
	}
	return lib
}

// hospital is a whole Tocsin in this process, on free ports.
type hospital struct {
	t    testing.TB
	app  *App
	data string
	lead string // bearer token
	out  *bytes.Buffer
}

func quietConfig(data string) Config {
	cfg := Default()
	cfg.Data, cfg.Name = data, "test"
	cfg.HTTP.Listen, cfg.MQTT.Listen, cfg.Log.Listen = "127.0.0.1:0", "127.0.0.1:0", "127.0.0.1:0"
	cfg.History.Library, cfg.History.Linger = library(), 100*time.Millisecond
	return cfg
}

// quietLogger says something only to whoever runs the tests with -v.
func quietLogger() *slog.Logger {
	if testing.Verbose() {
		return slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelWarn}))
	}
	return slog.New(slog.DiscardHandler)
}

func openHospital(t testing.TB, cfg Config) *hospital {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	h := &hospital{t: t, data: cfg.Data, out: &bytes.Buffer{}}
	app, err := New(ctx, cfg, h.out, quietLogger())
	if err != nil {
		t.Fatal(err)
	}
	h.app = app
	t.Cleanup(sync.OnceFunc(func() { h.close() }))
	h.until("ready", func() error {
		resp, err := http.Get("http://" + app.run.HTTP + "/readyz")
		if err != nil {
			return err
		}
		defer resp.Body.Close()
		if resp.StatusCode != http.StatusOK {
			b, _ := io.ReadAll(resp.Body)
			return fmt.Errorf("%s: %s", resp.Status, b)
		}
		return nil
	})
	h.lead = h.token("lead")
	return h
}

func (h *hospital) close() {
	if h.app == nil {
		return
	}
	if err := h.app.Stop(); err != nil {
		h.t.Error(err)
	}
	h.app = nil
}

// tocsin runs one command of the program on this hospital and answers what it printed.
func (h *hospital) tocsin(args ...string) string {
	h.t.Helper()
	var out, errs bytes.Buffer
	if code := Main(append(args, "--data", h.data), &out, &errs); code != exitDone {
		h.t.Fatalf("tocsin %v: exit %d\n%s%s", args, code, out.String(), errs.String())
	}
	return out.String()
}

// token makes a token and waits until the desk knows it: the command has read the log, the desk may be a moment behind.
func (h *hospital) token(role string) string {
	h.t.Helper()
	lines := bytes.Fields([]byte(h.tocsin("token", "create", "--role", role)))
	token, before := string(lines[len(lines)-1]), h.lead
	h.lead = token
	h.until("the desk knows the token", func() error {
		if status := h.call("GET", "/v1/session", "", "", nil); status != http.StatusOK {
			return fmt.Errorf("it answers %d", status)
		}
		return nil
	})
	h.lead = before
	return token
}

func (h *hospital) enrol(rows string) {
	h.t.Helper()
	file := filepath.Join(h.t.TempDir(), "rows.csv")
	if err := os.WriteFile(file, []byte("tenant,patient,group,device,token\n"+rows), 0o600); err != nil {
		h.t.Fatal(err)
	}
	h.tocsin("import", file)
}

// device connects a device to an address such as tcp://… or ws://….
func (h *hospital) device(broker, id, token string) mqtt.Client {
	h.t.Helper()
	c := mqtt.NewClient(mqtt.NewClientOptions().AddBroker(broker).SetClientID(id).SetUsername(id).SetPassword(token).SetConnectTimeout(10 * time.Second))
	if t := c.Connect(); !t.WaitTimeout(10*time.Second) || t.Error() != nil {
		h.t.Fatalf("device %s: %v", id, t.Error())
	}
	h.t.Cleanup(func() { c.Disconnect(0) })
	return c
}

func (h *hospital) tcp() string { return "tcp://" + h.app.run.MQTT }

// publish sends readings and waits for the PUBACK.
func (h *hospital) publish(c mqtt.Client, tenant, device, id, obs string) {
	h.t.Helper()
	payload := fmt.Sprintf(`{"v":1,"msg_id":%q,"t_meas":%q,"clock":{"source":"utc","synced":true},"obs":[%s]}`, id, time.Now().UTC().Format(time.RFC3339Nano), obs)
	t := c.Publish("v1/"+tenant+"/"+device+"/obs", 1, false, payload)
	if !t.WaitTimeout(10*time.Second) || t.Error() != nil {
		h.t.Fatalf("publish %s: %v", id, t.Error())
	}
}

func spo2(percent int) string { return fmt.Sprintf(`{"mdc":150456,"v":%d,"u":"%%"}`, percent) }

// get reads from the desk's API.
func (h *hospital) get(path string, into any) {
	h.t.Helper()
	if status := h.call("GET", path, "", "", into); status != http.StatusOK {
		h.t.Fatalf("GET %s: %d", path, status)
	}
}

// call asks the desk's API and answers the status.
func (h *hospital) call(method, path, key, body string, into any) int {
	h.t.Helper()
	req, err := http.NewRequest(method, "http://"+h.app.run.HTTP+path, bytes.NewBufferString(body))
	if err != nil {
		h.t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+h.lead)
	if key != "" {
		req.Header.Set("Idempotency-Key", key)
		req.Header.Set("Content-Type", "application/json")
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		h.t.Fatal(err)
	}
	defer resp.Body.Close()
	if into != nil {
		if err := json.NewDecoder(resp.Body).Decode(into); err != nil {
			h.t.Fatalf("%s %s: %v", method, path, err)
		}
	}
	return resp.StatusCode
}

// warning is what the tests look at of GET /v1/warnings.
type warning struct {
	ID, Tenant, Patient, Problem, State, Severity, Rule, Owner, Asked string
	OnDuty                                                            []string `json:"on_duty"`
	AnswerBy                                                          *string  `json:"answer_by"`
	Reasons                                                           []struct{ Rule, En, Zh string }
}

func (h *hospital) warnings(state string) []warning {
	h.t.Helper()
	var all struct{ Warnings []warning }
	h.get("/v1/warnings?state="+state, &all)
	return all.Warnings
}

// warningOf waits for a patient's warning of a problem.
func (h *hospital) warningOf(patient, problem string) warning {
	h.t.Helper()
	var found warning
	h.until("a warning of "+patient, func() error {
		for _, w := range h.warnings("open") {
			if w.Patient == patient && w.Problem == problem {
				found = w
				return nil
			}
		}
		return fmt.Errorf("none among %+v", h.warnings("open"))
	})
	return found
}

func (h *hospital) until(what string, is func() error) {
	h.t.Helper()
	if err := until(context.Background(), 20*time.Second, what, is); err != nil {
		h.t.Fatal(err)
	}
}

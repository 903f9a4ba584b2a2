package deploy

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"tocsin/alerts/notify"
	"tocsin/alerts/outbox"
)

// machine is a hospital's system that is told of warnings.
type machine struct {
	*httptest.Server
	mu   sync.Mutex
	got  []machineEvent
	deaf bool
}

type machineEvent struct {
	ID        string `json:"id"`
	Type      string `json:"type"`
	Sequence  string `json:"sequence"`
	Partition int    `json:"tocsinpartition"`
	Data      struct {
		Warning struct{ Alert, Patient, Phase, Severity string } `json:"warning"`
	} `json:"data"`
}

func newMachine(t *testing.T) *machine {
	m := &machine{}
	m.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		b, _ := io.ReadAll(r.Body)
		m.mu.Lock()
		defer m.mu.Unlock()
		var e machineEvent
		if err := json.Unmarshal(b, &e); err != nil || m.deaf {
			w.WriteHeader(http.StatusBadGateway)
			return
		}
		m.got = append(m.got, e)
	}))
	t.Cleanup(m.Close)
	return m
}

func (m *machine) listens(does bool) { m.mu.Lock(); defer m.mu.Unlock(); m.deaf = !does }

// types answers what it has been told of, each event once, and fails when numbers of a partition do not follow each other.
func (m *machine) types(t *testing.T) string {
	m.mu.Lock()
	defer m.mu.Unlock()
	last, seen := map[int]int{}, map[string]bool{}
	var all []string
	for _, e := range m.got {
		if seen[e.ID] {
			continue
		}
		seen[e.ID] = true
		if last[e.Partition]++; e.Sequence != fmt.Sprint(last[e.Partition]) {
			t.Fatalf("number %s of partition %d came after %d", e.Sequence, e.Partition, last[e.Partition]-1)
		}
		all = append(all, strings.TrimPrefix(e.Type, "alert."))
	}
	return strings.Join(all, " ")
}

// A reading leads to a warning at a hospital's system; what happens while that is down comes once it is up, also by a Tocsin that was
// started again meanwhile; and the command line says how it stands.
func TestALR19_ATocsinTellsMachines(t *testing.T) {
	m := newMachine(t)
	cfg := quietConfig(t.TempDir())
	cfg.History.Off = true
	cfg.Subscribers = []outbox.Setting{{ID: "his", URL: notify.Hidden(m.URL + "/hook?token=s3cr3t"), Form: "cloudevents-json"}}
	if err := cfg.Validate(); err != nil {
		t.Fatal(err)
	}
	h := openHospital(t, cfg)
	h.until("it is served", func() error {
		if said := h.tocsin("subscriber", "list"); strings.Count(said, "his") != int(h.app.n) {
			return fmt.Errorf("%s", said)
		}
		return nil
	})
	h.enrol("t1,P-0113,copd,d1,secret\n")
	h.tocsin("consent", "carry-over", "--tenant", "t1", "--form", "TEST-1", "--given", "2026-03-01", "--purposes", "monitoring,sharing")
	h.publish(h.device(h.tcp(), "d1", "secret"), "t1", "d1", "m1", spo2(84))
	w := h.warningOf("P-0113", "deterioration")
	h.until("it is told of the warning", func() error {
		if said := m.types(t); said != "raised" {
			return fmt.Errorf("it was told of %q", said)
		}
		return nil
	})
	if got := m.got[0].Data.Warning; got.Alert != w.ID || got.Patient != "P-0113" || got.Phase != "new" {
		t.Errorf("it was told of %+v", got)
	}
	m.listens(false)
	if status := h.call("POST", "/v1/warnings/"+w.ID+"/accept", "click-1", "{}", nil); status != http.StatusOK {
		t.Fatalf("accept: %d", status)
	}
	h.until("that it does not get on is to be seen", func() error {
		var out, errs strings.Builder
		if code := Main([]string{"subscriber", "list", "--data", h.data}, &out, &errs); code == exitDone || !strings.Contains(out.String(), "status 502") || !strings.Contains(out.String(), "2 (alert.accepted)") {
			return fmt.Errorf("%d %s %s", code, &out, &errs)
		}
		return nil
	})
	h.refused("is not the message that is being tried", "subscriber", "skip", "his", "--partition", fmt.Sprint(m.got[0].Partition), "--number", "1", "--reason", "a mistake")
	if shown, err := cfg.show(); err != nil || strings.Contains(string(shown), "s3cr3t") {
		t.Errorf("the configuration prints an address: %v\n%s", err, shown)
	}
	lead := h.lead
	h.close()

	m.listens(true)
	h = openHospital(t, cfg)
	h.lead = lead
	h.until("it is told of what happened meanwhile", func() error {
		if said := m.types(t); said != "raised accepted" {
			return fmt.Errorf("it was told of %q", said)
		}
		return nil
	})
	h.until("it is well again", func() error {
		if said := h.tocsin("subscriber", "list"); strings.Contains(said, "502") {
			return fmt.Errorf("%s", said)
		}
		return nil
	})
}

// The settings that the README shows are taken as they stand there, once the secrets lie where it says.
func TestSubscribersOfTheREADMEAreTaken(t *testing.T) {
	text, err := os.ReadFile("../README.md")
	if err != nil {
		t.Fatal(err)
	}
	_, after, _ := strings.Cut(string(text), "### Machines that are told")
	_, after, _ = strings.Cut(after, "```yaml\n")
	example, _, ok := strings.Cut(after, "```")
	if !ok {
		t.Fatal("the README shows no settings")
	}
	dir := t.TempDir()
	for name, secret := range map[string]string{"his-secret": "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "fhir-token": "Bearer x"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(secret), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	cfg, err := Load(writeFile(t, "tocsin.yaml", strings.ReplaceAll(example, "/etc/tocsin", dir)))
	if err != nil {
		t.Fatal(err)
	}
	if len(cfg.Subscribers) != 3 {
		t.Errorf("it is no whole example: %+v", cfg.Subscribers)
	}
}

package desk

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"tocsin/streams/event"
)

func (h *hospital) admin() *browser {
	b := h.browser(h.url)
	b.token = localToken
	return b
}

// doorBeats is a gateway that reads the directory and says so.
func (h *hospital) doorBeats(name string) {
	h.run("door", func(ctx context.Context) error {
		for tick := time.NewTicker(100 * time.Millisecond); ; {
			select {
			case <-ctx.Done():
				tick.Stop()
				return nil
			case <-tick.C:
				h.door(name, time.Now())
			}
		}
	})
}

// importing sends a file and reads the answer line by line.
func (h *hospital) importing(csv string) (lines []ImportLine, took time.Duration) {
	h.t.Helper()
	return h.importingBy("/v1/admin/import", csv)
}

func (h *hospital) importingBy(path, csv string) (lines []ImportLine, took time.Duration) {
	h.t.Helper()
	r, err := http.NewRequest("POST", h.url+path, strings.NewReader(csv))
	if err != nil {
		h.t.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer "+localToken)
	r.Header.Set("Content-Type", "text/csv")
	began := time.Now()
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		h.t.Fatal(err)
	}
	defer resp.Body.Close()
	if resp.StatusCode != 200 {
		h.t.Fatal(resp.Status)
	}
	for in := bufio.NewScanner(resp.Body); in.Scan(); {
		var line ImportLine
		if err := json.Unmarshal(in.Bytes(), &line); err != nil {
			h.t.Fatal(err)
		}
		lines = append(lines, line)
	}
	return lines, time.Since(began)
}

// Ten thousand rows into a running system, until every live gateway knows them, within ten seconds.
func TestImportOfTenThousandRows(t *testing.T) {
	h := open(t)
	h.doorBeats("gateway-1")
	var csv strings.Builder
	csv.WriteString("tenant,patient,group,device,token\n")
	for i := range 10_000 {
		fmt.Fprintf(&csv, "demo,P-%05d,copd,ox-%05d,\n", i, i)
	}
	lines, took := h.importing(csv.String())
	last := lines[len(lines)-1]
	if !last.Done || last.Settled != 10_000 || last.Refused != 0 || last.Error != "" {
		t.Fatalf("got %+v", last)
	}
	tokens := map[string]bool{}
	for _, l := range lines {
		if l.Token != "" {
			tokens[l.Token] = true
		}
	}
	t.Logf("10,000 rows took %s", took)
	if len(tokens) != 10_000 {
		t.Errorf("%d tokens", len(tokens))
	}
	if load := loadPerCore(t); took > 10*time.Second && load < 2 && !raceDetector { // on a busy machine, and under the race detector, the clock says nothing
		t.Errorf("it took %s (load %.1f a core)", took, load)
	}
	h.until("the board has them all", func() bool { return len(h.server.ward.board("demo", "copd")) == 10_000 })
	again, _ := h.importing("tenant,patient,group,device,token\ndemo,P-00001,copd,ox-00001,\nother,P-1,copd,ox-00002,\n")
	again = slices.DeleteFunc(again, func(l ImportLine) bool { return l.Row == 0 && !l.Done }) // progress
	if len(again) != 3 || !again[0].Kept || again[1].Error == "" || again[1].Row != 3 || again[2].Refused != 1 || !again[2].Done {
		t.Errorf("got %+v", again)
	}
}

func TestImportOfAFileThatIsNotRight(t *testing.T) {
	h := open(t)
	var p Problem
	status, _ := h.admin().do("POST", "/v1/admin/import", "tenant,patient\ndemo,P-1\n", &p, "Content-Type", "text/csv")
	if status != 422 || !strings.Contains(p.En, "group") || p.Zh == "" {
		t.Errorf("%d %+v", status, p)
	}
	if status, _ := h.as("nurse", "nurse-a").do("POST", "/v1/admin/import", "tenant,patient,group,device,token\n", nil, "Content-Type", "text/csv"); status != 403 {
		t.Errorf("a nurse imports: %d", status)
	}
}

func TestAdministrators(t *testing.T) {
	h := open(t)
	h.enrol("P-0113", "copd")
	admin := h.admin()
	var made TokenMade
	if status, raw := admin.do("POST", "/v1/admin/tokens", TokenBody{Name: "nurse-x", Role: "nurse"}, &made); status != 200 || made.Token == "" {
		t.Fatalf("%d %s", status, raw)
	}
	nurse := h.browser(h.url)
	nurse.token = made.Token
	if len(nurse.warnings("open")) != 0 {
		t.Error("something is open")
	}
	if status, _ := admin.do("POST", "/v1/admin/tokens", TokenBody{Name: "x", Role: "king"}, nil); status != 422 {
		t.Errorf("a role that there is not: %d", status)
	}
	var account AccountMade
	if status, raw := admin.do("POST", "/v1/admin/accounts", AccountBody{Account: "dr-b", Role: "doctor"}, &account); status != 200 || account.Password == "" {
		t.Fatalf("%d %s", status, raw)
	}
	var s Session
	if status, _ := h.browser(h.url).do("POST", "/v1/session", SignIn{"dr-b", account.Password}, &s); status != 200 || s.Role != "doctor" || !s.MustChange {
		t.Errorf("%d %+v", status, s)
	}
	low, high := event.Int(88), event.Int(92)
	plan := PlanBody{Tenant: "demo", Patient: "P-0113", Plan: event.Plan{SpO2Scale: 2, Targets: map[event.Quantity]event.Target{event.SpO2Percent: {Low: &low, High: &high}}, OrderedBy: "somebody else"}}
	if status, raw := h.as("doctor", "doctor-1").do("POST", "/v1/admin/plans", plan, nil); status != 204 {
		t.Fatalf("%d %s", status, raw)
	}
	if p, _ := h.view.Patient("demo", "P-0113"); p.Plan == nil || p.Plan.OrderedBy != "doctor-1" || p.Plan.OrderedAt == 0 || *p.Plan.Targets[event.SpO2Percent].Low != low {
		t.Errorf("got %+v", p.Plan)
	}
	if status, _ := nurse.do("POST", "/v1/admin/plans", plan, nil); status != 403 {
		t.Errorf("a nurse orders: %d", status)
	}
	if status, raw := admin.do("POST", "/v1/admin/groups", GroupBody{Tenant: "demo", Group: "copd", Zh: "慢阻肺组", En: "COPD"}, nil); status != 204 {
		t.Fatalf("%d %s", status, raw)
	}
	var list struct{ Groups []Group }
	if nurse.do("GET", "/v1/groups", nil, &list); len(list.Groups) != 1 || list.Groups[0].Zh != "慢阻肺组" || list.Groups[0].Patients != 1 {
		t.Errorf("got %+v", list)
	}
	var p Problem
	if status, _ := admin.do("POST", "/v1/admin/packs", PackBody{Pack: "mine", Version: 1, Text: "id: ["}, &p); status != 409 || p.En == "" {
		t.Errorf("a pack with faults: %d %+v", status, p)
	}
}

// loadPerCore answers how many processes want each core; 0 where that is not known.
func loadPerCore(t *testing.T) float64 {
	t.Helper()
	b, err := os.ReadFile("/proc/loadavg")
	if err != nil {
		return 0
	}
	load, err := strconv.ParseFloat(strings.Fields(string(b))[0], 64)
	if err != nil {
		return 0
	}
	return load / float64(runtime.NumCPU())
}

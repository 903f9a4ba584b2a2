package deploy

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"tocsin/streams"
	"tocsin/streams/event"
	"tocsin/streams/witness"
)

// embeddedLimit is how large the embedded log should be at most: it is for one machine, and restarts read it.
const embeddedLimit = 1 << 30

func doctorCommand() *cobra.Command {
	var r reach
	var partitions, replicas int
	c := &cobra.Command{
		Use: "doctor", Short: "Look at the whole chain and say for each fault what to do", Args: cobra.NoArgs,
		Long: "Look at the whole chain, with a second, independent client: is the log reachable, are topics and settings right, is anybody behind,\n" +
			"are checkpoints whole, does history equal the log, does the clock agree, is there room on the disk. Says for each fault what to do.",
		RunE: func(c *cobra.Command, _ []string) error {
			findings, err := r.examine(c.Context(), partitions, replicas)
			if err != nil {
				return err
			}
			if faults := witness.PrintFindings(c.OutOrStdout(), findings); faults > 0 {
				return fmt.Errorf("%d faults", faults)
			}
			return nil
		},
	}
	c.Flags().IntVar(&partitions, "partitions", 0, "how many partitions the log should have (default: as many as it has)")
	c.Flags().IntVar(&replicas, "replicas", 1, "how many copies of each record there should be")
	r.add(c)
	return c
}

func (r *reach) examine(ctx context.Context, partitions, replicas int) ([]witness.Finding, error) {
	run, err := r.running()
	if err != nil {
		return nil, err
	}
	brokers, err := r.brokers()
	if err != nil { // whoever listens at its addresses now is not this one, and is not looked at in its place
		return []witness.Finding{{Check: "tocsin", Level: witness.Fault, Found: err.Error(), Do: "tocsin up --data " + r.data}}, nil
	}
	n := int32(partitions)
	if n == 0 {
		n = r.partitionsNow(ctx)
	}
	expect := witness.Expect{Replicas: replicas}
	for _, t := range streams.Topics {
		expect.Topics = append(expect.Topics, witness.TopicSpec{Name: t.Name, Partitions: int(t.Count(n)), Config: streams.TopicConfig(replicas)})
	}
	for _, p := range []streams.Pair{streams.PatientPair, streams.DirectoryPair} {
		expect.Pairs = append(expect.Pairs, witness.Pair{Inputs: p.Inputs, Decisions: p.Decisions, Checkpoints: p.Checkpoints, Group: p.Group})
	}
	if log := (&Config{Data: abs(r.data)}).path("log"); exists(log) {
		expect.DataDir, expect.LimitBytes = log, embeddedLimit
	}
	how, err := r.witness(brokers)
	if err != nil {
		return nil, err
	}
	findings := witness.Examine(ctx, how, expect)
	findings = append(findings, deskFinding(ctx, run), watchdogFinding(ctx, run))
	return append(findings, r.historyFindings(ctx, run)...), nil
}

// partitionsNow asks the log how many partitions it has; 4 when it does not answer, which is told as a fault anyway.
func (r *reach) partitionsNow(ctx context.Context) int32 {
	conn, err := r.connect(ctx)
	if err != nil {
		return 4
	}
	n := conn.n
	_ = conn.close()
	return n
}

// deskFinding asks the desk whether readings are taken and scored.
func deskFinding(ctx context.Context, run Running) witness.Finding {
	f := witness.Finding{Check: "desk", Level: witness.Warn, Found: "its address is not known", Do: "start one with `tocsin serve --roles=desk`, or name it with --http"}
	if run.HTTP == "" {
		return f
	}
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	at, client, err := run.desk()
	if err != nil {
		f.Found = err.Error()
		return f
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, at+"/readyz", nil)
	if err != nil {
		f.Found = err.Error()
		return f
	}
	resp, err := client.Do(req)
	if err != nil {
		f.Level, f.Found, f.Do = witness.Fault, err.Error(), "start the desk; until then nobody sees new warnings here"
		return f
	}
	body, _ := io.ReadAll(io.LimitReader(resp.Body, 4<<10)) // what came is shown; the status alone decides
	_ = resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		f.Level, f.Found, f.Do = witness.Fault, "is not ready, readings are not taken and scored: "+missingIn(body), "GET "+at+"/readyz until it answers 200"
		return f
	}
	return witness.Finding{Check: "desk", Found: "ready: readings are taken and scored at " + run.HTTP}
}

// watchdogFinding asks the desk what it knows of the watchdog.
func watchdogFinding(ctx context.Context, run Running) witness.Finding {
	f := witness.Finding{Check: "watchdog", Level: witness.Warn, Found: "nothing is known of it: the desk does not say", Do: "start the desk, or name it with --http"}
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	at, client, err := run.desk()
	if err != nil {
		return f
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, at+"/v1/status", nil)
	if err != nil {
		return f
	}
	req.Header.Set("Authorization", "Bearer "+run.Token)
	resp, err := client.Do(req)
	if err != nil {
		return f
	}
	defer func() { _ = resp.Body.Close() }()
	var is struct {
		Watchdog struct {
			State  string
			Since  event.Time
			Faults []struct{ Missing string }
		}
	}
	if resp.StatusCode != http.StatusOK || json.NewDecoder(resp.Body).Decode(&is) != nil {
		return f
	}
	switch w := is.Watchdog; w.State {
	case "well":
		return witness.Finding{Check: "watchdog", Found: "each partition's made-up reading comes through"}
	case "failing":
		f.Level, f.Found = witness.Fault, fmt.Sprintf("says that nobody is watching since %s, for want of %s", w.Since, w.Faults[0].Missing)
		f.Do = "see the table in the README, The watchdog"
	case "silent":
		f.Level, f.Found, f.Do = witness.Fault, fmt.Sprintf("nothing was heard of it since %s", w.Since), "start it with `tocsin watchdog`, or set watchdog.off"
	default:
		f.Found, f.Do = "there is none: nobody outside is called when readings stop coming through", "run `tocsin watchdog enrol` and `tocsin watchdog`"
	}
	return f
}

// missingIn draws from a refusal of /readyz what is missing: the desk's answer names its checks, other parts say it in plain words.
func missingIn(body []byte) string {
	var answer struct {
		Checks []struct {
			Name string `json:"name"`
			Why  string `json:"why"`
		} `json:"checks"`
	}
	if err := json.Unmarshal(body, &answer); err != nil {
		return strings.TrimSpace(string(body))
	}
	var all []string
	for _, c := range answer.Checks {
		if c.Why != "" {
			all = append(all, c.Name+": "+c.Why)
		}
	}
	return strings.Join(all, "; ")
}

// historyFindings compares history with the log.
func (r *reach) historyFindings(ctx context.Context, run Running) []witness.Finding {
	if run.HistoryDSN == "" {
		return []witness.Finding{{Check: "history", Level: witness.Warn, Found: "is off: charts have no past, and the log is never trimmed",
			Do: "fetch the engine (make engine), or name a ClickHouse server in history.dsn_file"}}
	}
	h, err := r.openHistory("")
	if err == nil {
		defer func() { _ = h.Close() }()
		err = h.Ping(ctx)
	}
	if err != nil {
		return []witness.Finding{{Check: "history", Level: witness.Fault, Found: err.Error(), Do: "start ClickHouse; warnings go on meanwhile, and history catches up"}}
	}
	conn, err := r.connect(ctx)
	if err != nil {
		return nil // the log has been told as a fault
	}
	checks, err := verifySettled(ctx, conn, h)
	err = errors.Join(err, conn.close())
	if err != nil {
		return []witness.Finding{{Check: "history", Level: witness.Fault, Found: err.Error(), Do: "try again; if it stays, run `tocsin history rebuild`"}}
	}
	var all []witness.Finding
	equal := 0
	for _, c := range checks {
		if c.Equal() {
			equal++
			continue
		}
		all = append(all, witness.Finding{Check: "history", Level: witness.Fault, Found: c.String(), Do: "run `tocsin history rebuild`"})
	}
	return append(all, witness.Finding{Check: "history", Found: fmt.Sprintf("equals the log in %d of %d partitions, as far as it has come", equal, len(checks))})
}

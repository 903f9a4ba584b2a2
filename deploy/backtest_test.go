package deploy

import (
	"context"
	"encoding/json"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"tocsin/rules/backtest"
	"tocsin/rules/pack"
	"tocsin/streams"
)

// TestRUL11_ABacktestOfTheCurrentPackIsWhatLiveWarnedOf runs a whole Tocsin: readings over MQTT, a silence, people who accept and
// close. A backtest of the packs in force raises the same warnings at the same moments for the same reasons, on both sides, from the
// log and from history, and leaves the log's ends as they were.
func TestRUL11_ABacktestOfTheCurrentPackIsWhatLiveWarnedOf(t *testing.T) {
	began := time.Now().Add(-time.Minute).Format(time.RFC3339)
	h := openHospital(t, quietConfig(t.TempDir()))
	liveWard(h)
	text := filepath.Join(t.TempDir(), "copd.yaml")
	if err := os.WriteFile(text, []byte(pack.Library()["copd"]), 0o600); err != nil {
		t.Fatal(err)
	}
	before := logEnds(t, h)

	sources := []string{"log"}
	if h.app.past == nil {
		t.Log("no engine here: history was not looked at")
	} else {
		sources = append(sources, "history")
		h.until("history", func() error {
			if out := h.tocsin("history", "verify"); strings.Contains(out, "differ") {
				return fmt.Errorf("%s", out)
			}
			return nil
		})
	}
	var first *backtest.Report
	for _, source := range sources {
		for _, cores := range []int{1, 3, 9} {
			r := backtested(t, h, backtestOptions{pack: text, from: began, source: source, cores: cores, against: "current", lang: "both", within: time.Hour, lead: time.Hour})
			sameAsLive(t, fmt.Sprintf("%s on %d cores", source, cores), r)
			if r.Kinds[backtest.Equal] != len(r.Live) || len(r.Pairs) != len(r.Live) {
				t.Errorf("%s: the current pack against itself: %v", source, r.Kinds)
			}
			if first == nil {
				first = r
			}
			for k := range r.Sides {
				if !reflect.DeepEqual(r.Sides[k].Warnings, first.Sides[k].Warnings) {
					t.Errorf("%s on %d cores gives other warnings than the log on one", source, cores)
				}
			}
		}
	}
	ppv, known := first.Sides[1].Truth.PPV()
	if !known || ppv != 1 || first.Sides[1].Truth.Unknown == 0 {
		t.Errorf("one was closed as real, others not at all: %+v", first.Sides[1].Truth)
	}
	dir := filepath.Join(t.TempDir(), "out")
	if out := h.tocsin("backtest", "--pack", text, "--from", began, "--out", dir); !strings.Contains(out, "patient-days") || !strings.Contains(out, "share true") {
		t.Errorf("the command says\n%s", out)
	}
	for _, file := range []string{"summary.csv", "rules.csv", "warnings.csv", "report.html"} {
		if info, err := os.Stat(filepath.Join(dir, file)); err != nil || info.Size() == 0 {
			t.Errorf("%s: %v", file, err)
		}
	}
	if after := logEnds(t, h); !reflect.DeepEqual(after, before) {
		t.Errorf("the log ended at %v before and at %v after", before, after)
	}
}

// liveWard lets a few patients be warned of, answered, warned of again, and fall silent.
func liveWard(h *hospital) {
	h.enrol("t1,P-0113,copd,d1,s\nt1,P-0114,copd,d2,s\nt1,P-0115,copd,d3,s\nt1,P-0116,copd,d4,s\nt1,P-0117,copd,d5,s\n")
	d1, d2 := h.device(h.tcp(), "d1", "s"), h.device(h.tcp(), "d2", "s")
	h.publish(d1, "t1", "d1", "m1", spo2(84))
	h.publish(d2, "t1", "d2", "m1", spo2(86))
	h.publish(h.device(h.tcp(), "d3", "s"), "t1", "d3", "m1", spo2(96))
	w := h.warningOf("P-0113", "deterioration")
	h.call("POST", "/v1/warnings/"+w.ID+"/accept", "a1", "{}", nil)
	h.publish(d1, "t1", "d1", "m2", spo2(83))
	h.call("POST", "/v1/warnings/"+w.ID+"/close", "c1", `{"outcome":"real","contacted":true}`, nil)
	h.publish(d2, "t1", "d2", "m2", spo2(80))
	h.warningOf("P-0114", "deterioration")
	plan := filepath.Join(h.t.TempDir(), "plan.yaml")
	if err := os.WriteFile(plan, []byte("{cadence_ms: {spo2_percent: 2000}, ordered_by: dr-1, ordered_at: 2026-03-01T08:00:00+08:00}"), 0o600); err != nil {
		h.t.Fatal(err)
	}
	h.tocsin("plan", "t1", "P-0115", plan)
	h.warningOf("P-0115", "silence")
}

// backtested runs a backtest to the present end of the record, as the command does.
func backtested(t *testing.T, h *hospital, o backtestOptions) *backtest.Report {
	t.Helper()
	o.data = h.data
	s, candidate, err := o.read()
	if err != nil {
		t.Fatal(err)
	}
	rec, done, err := o.open(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := done(); err != nil {
			t.Error(err)
		}
	}()
	r, err := o.run(context.Background(), rec, s, candidate, io.Discard)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// sameAsLive holds both sides' warnings against those of the recorded decisions.
func sameAsLive(t *testing.T, what string, r *backtest.Report) {
	t.Helper()
	if len(r.Live) < 3 {
		t.Fatalf("%s: live warned of %d things: %+v", what, len(r.Live), r.Live)
	}
	want := asText(t, r.Live)
	for k := range r.Sides {
		if got := asText(t, r.Sides[k].Warnings); !slices.Equal(got, want) {
			t.Errorf("%s, side %d:\n%s\nlive:\n%s", what, k, strings.Join(got, "\n"), strings.Join(want, "\n"))
		}
		if r.Sides[k].Failed > 0 {
			t.Errorf("%s, side %d: %v", what, k, r.Sides[k].Faults)
		}
	}
}

func asText(t *testing.T, all []backtest.Warning) (lines []string) {
	t.Helper()
	for _, w := range all {
		b, err := json.Marshal(w)
		if err != nil {
			t.Fatal(err)
		}
		lines = append(lines, string(b))
	}
	return lines
}

// ofItself is what a system writes while nobody does anything.
var ofItself = []string{"door.open", "owner.step", "owner.open", "signal.fell_silent", "alert.escalated", "effects.handed", "tocsin/partition-"}

// logEnds counts what lies in each topic that a backtest could touch, but what the running system writes of itself.
func logEnds(t *testing.T, h *hospital) map[string]int {
	t.Helper()
	ends := map[string]int{}
	for _, topic := range streams.Topics {
		if strings.HasSuffix(topic.Name, streams.Checkpoints) || topic.Name == streams.HistoryRanges { // the directory's checkpoints too
			continue
		}
		for _, line := range strings.Split(h.tocsin("tail", "--topic", topic.Name, "--json"), "\n") {
			if line != "" && !slices.ContainsFunc(ofItself, func(part string) bool { return strings.Contains(line, part) }) {
				ends[topic.Name]++
			}
		}
	}
	return ends
}

// TestRUL11_ABacktestCannotReachAWriter reads the code: the package that counts imports nothing that could write, and what reads for
// it names nothing that writes, asks or joins.
func TestRUL11_ABacktestCannotReachAWriter(t *testing.T) {
	allowed := append(slices.Clone(pure), "tocsin/streams/event", "tocsin/rules/study", "bytes", "embed", "encoding/csv", "html/template", "io", "text/tabwriter")
	files := 0
	for _, s := range sources(t) {
		if s.room != "rules/backtest" || s.test() {
			continue
		}
		files++
		for _, path := range s.imports() {
			if !slices.Contains(allowed, path) {
				t.Errorf("%s/%s imports %s", s.room, s.file, path)
			}
		}
	}
	if files == 0 {
		t.Fatal("there is no rules/backtest: has it moved?")
	}
	banned := []string{"Write", "Append", "AppendWait", "Join", "OpenEdge", "NewAsker", "Ask", "RunOwner", "withConnection", "connect", "RunSink"}
	for _, file := range []string{"backtestcmd.go", "backtestjob.go", "backtestread.go", "backtestrun.go", "../streams/whatif.go"} {
		tree, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		for _, i := range tree.Imports {
			if path, _ := strconv.Unquote(i.Path.Value); strings.Contains(path, "directory") || strings.Contains(path, "notify") || strings.Contains(path, "desk") {
				t.Errorf("%s imports %s", file, path)
			}
		}
		ast.Inspect(tree, func(n ast.Node) bool {
			x, ok := n.(*ast.SelectorExpr)
			if !ok || !slices.Contains(banned, x.Sel.Name) {
				return true
			}
			if of, ok := x.X.(*ast.Ident); ok && (of.Name == "errors" || of.Name == "filepath" || of.Name == "strings" || of.Name == "h") {
				return true // errors.Join and the like; a hash takes bytes
			} else if ok && of.Name == "streams" && x.Sel.Name == "Join" {
				return true // of the cores
			}
			t.Errorf("%s names %s", file, x.Sel.Name)
			return true
		})
	}
	// What reads a log has no method by which it could be written.
	reads := reflect.TypeFor[recorded]()
	for i := range reads.NumMethod() {
		if name := reads.Method(i).Name; name != "Partitions" && name != "Bounds" && name != "Read" {
			t.Errorf("a backtest can call %s on a log", name)
		}
	}
}

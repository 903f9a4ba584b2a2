package deploy

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// evaluate runs the command and answers its folder.
func evaluate(t *testing.T, args ...string) string {
	t.Helper()
	dir := t.TempDir()
	var out, faults bytes.Buffer
	if code := Main(append([]string{"evaluate", "--out", dir}, args...), &out, &faults); code != 0 {
		t.Fatalf("code %d: %s%s", code, out.String(), faults.String())
	}
	return dir
}

func TestEvaluateWritesReportMetricsAndPlots(t *testing.T) {
	dir := evaluate(t, "--data", "physionet2019:testdata/stays", "--pack", "study:news2,news2")
	report, err := os.ReadFile(filepath.Join(dir, "report.md"))
	if err != nil || !strings.Contains(string(report), "AUROC (rows)") || !strings.Contains(string(report), "| news2, 5 |") {
		t.Errorf("%v\n%s", err, report)
	}
	var metrics struct {
		Scores []struct {
			Rows int `json:"rows"`
		} `json:"scores"`
	}
	text, err := os.ReadFile(filepath.Join(dir, "metrics.json"))
	if err == nil {
		err = json.Unmarshal(text, &metrics)
	}
	if err != nil || len(metrics.Scores) != 2 || metrics.Scores[0].Rows == 0 {
		t.Errorf("%v: %+v", err, metrics)
	}
	for _, name := range []string{"roc.svg", "burden.svg", "lead.svg"} {
		if plot, err := os.ReadFile(filepath.Join(dir, name)); err != nil || !strings.HasPrefix(string(plot), "<svg") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestEvaluateSaysWhatItNeeds(t *testing.T) {
	for want, args := range map[string][]string{
		"want FORMAT:PATH":                   {"--data", "stays", "--pack", "news2", "--out", "x"},
		"evaluate needs --pack":              {"--data", "tihm:x", "--out", "x"},
		"the packs made for studies are":     {"--data", "tihm:x", "--pack", "study:none", "--out", "x"},
		"the library has no pack":            {"--data", "tihm:x", "--pack", "none", "--out", "x"},
		"evaluate needs --out":               {"--data", "tihm:x", "--pack", "news2"},
		"want a, b or all":                   {"--data", "tihm:x", "--pack", "news2", "--out", "x", "--half", "c"},
		"Physiology.csv: no such file or di": {"--data", "tihm:/nowhere", "--pack", "news2", "--out", "x"},
	} {
		var out, faults bytes.Buffer
		if code := Main(append([]string{"evaluate"}, args...), &out, &faults); code == 0 || !strings.Contains(faults.String(), want) {
			t.Errorf("%v: code %d, %s", args, code, faults.String())
		}
	}
}

// The home pack that was chosen on half a of TIHM keeps to the aim there. The set is not part of the repository.
func TestHomePackReachesItsAimWhereItWasChosen(t *testing.T) {
	if !exists(filepath.Join(recordedData(), "tihm", "Labels.csv")) {
		t.Skip("there is no recorded data: put TIHM into the folder tihm of TOCSIN_DATA")
	}
	dir := evaluate(t, "--data", "tihm:tihm", "--pack", "home-monitoring", "--half", "a")
	var metrics struct {
		Packs []struct {
			Targets  int     `json:"targets"`
			Found    int     `json:"found"`
			Warnings int     `json:"warnings"`
			Days     float64 `json:"patient_days"`
		} `json:"packs"`
	}
	text, err := os.ReadFile(filepath.Join(dir, "metrics.json"))
	if err == nil {
		err = json.Unmarshal(text, &metrics)
	}
	if err != nil || len(metrics.Packs) != 1 {
		t.Fatalf("%v: %s", err, text)
	}
	m := metrics.Packs[0]
	if m.Targets == 0 {
		t.Skip("these patients have no alerts")
	}
	if 10*m.Found < 9*m.Targets || float64(m.Warnings) > 0.3*m.Days {
		t.Errorf("%d of %d found with %d warnings in %.0f days", m.Found, m.Targets, m.Warnings, m.Days)
	}
}

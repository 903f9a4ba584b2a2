package deploy

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"tocsin/rules/pack"
)

// TestRUL4_APackInWordsTellsItsNumbers: whoever reads a pack printed sees the points of each value, the totals of the bands
// and for whom the score is.
func TestRUL4_APackInWordsTellsItsNumbers(t *testing.T) {
	for id, parts := range map[string][]string{
		"news2": {
			"score news2 (R, rcp2017), from 16 years, not in pregnancy\n", "respiration_per_min: ≤8 → 3, ≤11 → 1, ≤20 → 0, ≤24 → 2, above → 3\n",
			"spo2_percent (scale 1): ≤91 → 3,", "spo2_percent (scale 2, on oxygen): ≤83 → 3,", "temperature_cel: ≤35 → 3, ≤36 → 1, ≤38 → 0, ≤39 → 1, above → 2\n",
			"band high, from 7: high  ", "band low_medium, one part with 3: medium  ", "band zero, from 0: none\n",
		},
		"npews": {"under 12 months", "band emergency, from 13: high  "},
	} {
		p, err := pack.Compile(pack.Library()[id])
		if err != nil {
			t.Fatal(err)
		}
		var b strings.Builder
		describe(&b, p)
		for _, part := range parts {
			if !strings.Contains(b.String(), part) {
				t.Errorf("%q is not said in\n%s", part, b.String())
			}
		}
	}
}

// TestRUL9_CheckTellsTheFaultsOfEveryFile: one bad file does not hide what is to be said of those after it.
func TestRUL9_CheckTellsTheFaultsOfEveryFile(t *testing.T) {
	dir := t.TempDir()
	good, bad, worse := filepath.Join(dir, "good.yaml"), filepath.Join(dir, "bad.yaml"), filepath.Join(dir, "worse.yaml")
	for file, text := range map[string]string{good: pack.Library()["copd"], bad: strings.Replace(pack.Library()["copd"], "severity: high", "severity: hihg", 1), worse: "pack: x\n"} {
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	var out, errs strings.Builder
	if code := Main([]string{"pack", "check", bad, good, worse}, &out, &errs); code == 0 {
		t.Error("it ends as if all were well")
	}
	for _, part := range []string{"bad.yaml:", `"hihg"`, "worse.yaml:1:"} {
		if !strings.Contains(errs.String(), part) {
			t.Errorf("%q is not said in\n%s", part, errs.String())
		}
	}
	if !strings.Contains(out.String(), "good.yaml: pack copd") {
		t.Errorf("of the good one it says %q", out.String())
	}
}

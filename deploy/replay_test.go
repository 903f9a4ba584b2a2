package deploy

import (
	"archive/tar"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"math/big"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/klauspost/compress/zstd"

	"tocsin/deploy/testkit"
)

// Stays written by hand go through the whole chain, and each row's bounds are those of a partial NEWS2 that shares no
// code with Tocsin. Among them: rows of nothing, half units, values that no body can have, hours that begin above 1.
func TestReplayAsRecordedEqualsPartialNEWS2(t *testing.T) {
	h := openHospital(t, quietConfig(t.TempDir()))
	out := filepath.Join(t.TempDir(), "scores.csv")
	h.tocsin("replay", "--format", "physionet2019", "testdata/stays", "--as-recorded", "--scores", out)
	want := partialScores(t, "testdata/stays")
	compareScores(t, out, want)
	if all := h.warnings("all"); len(all) != 0 {
		t.Errorf("a replay as recorded warned: %+v", all)
	}
	if rejected := h.tocsin("tail", "--topic", "rejected"); strings.Contains(rejected, "observation.rejected") {
		t.Errorf("something was held back: %s", rejected)
	}

	// Sent again, the stays count once and their scores are the same.
	h.tocsin("replay", "--format", "physionet2019", "testdata/stays", "--as-recorded", "--scores", out)
	compareScores(t, out, want)
}

// Recorded stays themselves, where they are to be had, as many as fit into a few seconds.
func TestReplayOfRecordedStaysEqualsPartialNEWS2(t *testing.T) {
	dir := someStays(t, 200)
	h := openHospital(t, quietConfig(t.TempDir()))
	out := filepath.Join(t.TempDir(), "scores.csv")
	began := time.Now()
	h.tocsin("replay", "--format", "physionet2019", dir, "--as-recorded", "--scores", out)
	want := partialScores(t, dir)
	t.Logf("%d rows in %s", len(want), time.Since(began).Round(time.Millisecond))
	compareScores(t, out, want)
}

// someStays unpacks the first stays of the archive into a folder.
func someStays(t *testing.T, n int) string {
	t.Helper()
	root, err := testkit.Root()
	if err != nil {
		t.Fatal(err)
	}
	archive := recordedData()
	if !filepath.IsAbs(archive) {
		archive = filepath.Join(root, archive)
	}
	f, err := os.Open(filepath.Join(archive, "physionet2019-4000-stays.tar.zst"))
	if err != nil {
		t.Skip("no recorded stays here; TOCSIN_DATA names their folder")
	}
	defer f.Close()
	z, err := zstd.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	defer z.Close()
	dir := t.TempDir()
	for r := tar.NewReader(z); n > 0; {
		h, err := r.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		if !strings.HasSuffix(h.Name, ".psv") {
			continue
		}
		b, err := io.ReadAll(r)
		if err == nil {
			err = os.WriteFile(filepath.Join(dir, filepath.Base(h.Name)), b, 0o600)
		}
		if err != nil {
			t.Fatal(err)
		}
		n--
	}
	return dir
}

type scoreLine struct{ patient, row, hour, known, lower, upper, band string }

func readScores(t *testing.T, file string) []scoreLine {
	t.Helper()
	f, err := os.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	all, err := csv.NewReader(f).ReadAll()
	if err != nil || len(all) == 0 || strings.Join(all[0], ",") != "patient,row,hour,known,lower,upper,band" {
		t.Fatalf("%s: %v, %v", file, all, err)
	}
	var lines []scoreLine
	for _, r := range all[1:] {
		lines = append(lines, scoreLine{r[0], r[1], r[2], r[3], r[4], r[5], r[6]})
	}
	return lines
}

func compareScores(t *testing.T, file string, want []scoreLine) {
	t.Helper()
	got := readScores(t, file)
	if len(got) != len(want) {
		t.Fatalf("%d lines instead of %d", len(got), len(want))
	}
	for i := range want {
		if got[i] != want[i] {
			t.Errorf("got  %+v\nwant %+v", got[i], want[i])
		}
	}
}

// chart is the Royal College's chart 1 for the five signs, as upper bounds of each band: it knows nothing of Tocsin.
var chart = map[string]struct {
	grid   int64 // values are rounded half up to 1/grid
	bounds []float64
	points []int
}{
	"Resp":  {1, []float64{8, 11, 20, 24}, []int{3, 1, 0, 2, 3}},
	"O2Sat": {1, []float64{91, 93, 95}, []int{3, 2, 1, 0}},
	"SBP":   {1, []float64{90, 100, 110, 219}, []int{3, 2, 1, 0, 3}},
	"HR":    {1, []float64{40, 50, 90, 110, 130}, []int{3, 1, 0, 1, 2, 3}},
	"Temp":  {10, []float64{35, 36, 38, 39}, []int{3, 1, 0, 1, 2}},
}

func points(t *testing.T, sign, text string) int {
	c := chart[sign]
	v, ok := new(big.Rat).SetString(text)
	if !ok {
		t.Fatalf("%s is %q", sign, text)
	}
	// floor(v × grid + 1/2)
	v.Mul(v, big.NewRat(c.grid, 1)).Add(v, big.NewRat(1, 2))
	tenths := new(big.Int).Div(v.Num(), v.Denom())
	rounded, _ := new(big.Rat).SetFrac(tenths, big.NewInt(c.grid)).Float64()
	for i, b := range c.bounds {
		if rounded <= b+1e-9 {
			return c.points[i]
		}
	}
	return c.points[len(c.points)-1]
}

// partialScores computes every line of a folder of stays.
func partialScores(t *testing.T, dir string) []scoreLine {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(dir, "*.psv"))
	if err != nil || len(files) < 3 {
		t.Fatalf("%v, %v", files, err)
	}
	slices.Sort(files)
	var lines []scoreLine
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		rows := strings.Split(strings.TrimSpace(string(text)), "\n")
		head := strings.Split(rows[0], "|")
		last := map[string]int{}
		for i, row := range rows[1:] {
			hour := ""
			for k, field := range strings.Split(row, "|") {
				if head[k] == "ICULOS" {
					hour = field
				}
				if _, ok := chart[head[k]]; ok && field != "NaN" {
					last[head[k]] = points(t, head[k], field)
				}
			}
			lines = append(lines, lineOfSigns(strings.TrimSuffix(filepath.Base(file), ".psv"), i, hour, last))
		}
	}
	return lines
}

// lineOfSigns sums what is known; what is not adds 3 to the upper bound, oxygen 2 and consciousness 3.
func lineOfSigns(patient string, row int, hour string, last map[string]int) scoreLine {
	lower, single := 0, false
	for _, p := range last {
		lower += p
		single = single || p == 3
	}
	band := "zero"
	switch {
	case lower >= 7:
		band = "high"
	case lower >= 5:
		band = "medium"
	case single:
		band = "low_medium"
	case lower >= 1:
		band = "low"
	}
	return scoreLine{patient, fmt.Sprint(row), hour, fmt.Sprint(len(last)), fmt.Sprint(lower), fmt.Sprint(lower + 3*(len(chart)-len(last)) + 5), band}
}

package study

import (
	"encoding/csv"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

// TestVectors reads every row of every file in testdata/vectors.
func TestVectors(t *testing.T) {
	files, err := filepath.Glob("testdata/vectors/*.csv")
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		name := strings.TrimSuffix(filepath.Base(file), ".csv")
		t.Run(name, func(t *testing.T) {
			if name != "physionet2019_utility" {
				t.Fatalf("nothing here reads %s", file)
			}
			for i, r := range read(t, file) {
				id := r["case_id"]
				if id == "" {
					id = "row" + strconv.Itoa(i+1)
				}
				t.Run(id, func(t *testing.T) { checkUtility(t, r) })
			}
		})
	}
}

func read(t *testing.T, file string) (rows []map[string]string) {
	t.Helper()
	f, err := os.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	r := csv.NewReader(f)
	r.FieldsPerRecord = -1
	lines, err := r.ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	for i, line := range lines {
		if i == 0 {
			continue
		}
		row := map[string]string{}
		for k, name := range lines[0] {
			if k < len(line) {
				row[name] = strings.TrimSpace(line[k])
			}
		}
		rows = append(rows, row)
	}
	return rows
}

func checkUtility(t *testing.T, r map[string]string) {
	observed, best, inaction := Utility(bits(t, r["labels_hourly"]), bits(t, r["predictions_hourly"]))
	same(t, "utility", observed, r["exp_utility"])
	same(t, "best", best, r["exp_best_utility"])
	same(t, "inaction", inaction, r["exp_inaction_utility"])
	n, known := Normalised(observed, best, inaction)
	if want := r["exp_normalised_single_patient"]; want != "" {
		same(t, "normalised", n, want)
	} else if known {
		t.Errorf("normalised is %g, and there is nothing to gain", n)
	}
}

func bits(t *testing.T, s string) (all []bool) {
	t.Helper()
	for _, c := range s {
		if c != '0' && c != '1' {
			t.Fatalf("%q: want 0 and 1", s)
		}
		all = append(all, c == '1')
	}
	return all
}

// same compares at the decimals printed.
func same(t *testing.T, what string, got float64, want string) {
	t.Helper()
	_, digits, _ := strings.Cut(want, ".")
	w, err := strconv.ParseFloat(want, 64)
	if err != nil || math.Abs(got-w) > 0.500001*math.Pow10(-len(digits)) {
		t.Errorf("%s is %.12f, want %s", what, got, want)
	}
}

// The area is that of all pairs looked at one by one, ties among them.
func TestAUROCIsThatOfAllPairs(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 0))
	for range 300 {
		cases := make([]Case, 2+r.IntN(40))
		for i := range cases {
			cases[i] = Case{float64(r.IntN(6)), r.IntN(3) == 0}
		}
		higher, pairs := 0.0, 0
		for _, p := range cases {
			for _, n := range cases {
				if p.Positive && !n.Positive {
					pairs++
					switch {
					case p.Score > n.Score:
						higher++
					case p.Score == n.Score:
						higher += 0.5
					}
				}
			}
		}
		curve, got, known := ROC(cases)
		if known != (pairs > 0) {
			t.Fatalf("%v: known %t with %d pairs", cases, known, pairs)
		}
		if !known {
			continue
		}
		if want := higher / float64(pairs); math.Abs(got-want) > 1e-12 {
			t.Fatalf("%v: %g, want %g", cases, got, want)
		}
		trapezoids, last := 0.0, Point{}
		for _, p := range curve {
			trapezoids += (p.FalsePositive - last.FalsePositive) * (p.TruePositive + last.TruePositive) / 2
			last = p
		}
		if math.Abs(trapezoids-got) > 1e-12 || last.TruePositive != 1 || last.FalsePositive != 1 {
			t.Fatalf("%v: the curve's area is %g, ends at %v; want %g", cases, trapezoids, last, got)
		}
	}
}

func TestAnEqualScoreForAllTellsNothing(t *testing.T) {
	if _, got, known := ROC([]Case{{3, true}, {3, false}, {3, false}}); got != 0.5 || !known {
		t.Errorf("%g, %t", got, known)
	}
}

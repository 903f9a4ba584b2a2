package condition

import (
	"bytes"
	"encoding/json"
	"errors"
	"flag"
	"os"
	"reflect"
	"strings"
	"testing"

	"tocsin/rules/expr"
)

var update = flag.Bool("update", false, "rewrite the golden files")

var ward = []Name{
	{"spo2_percent", expr.Number, "%", true},
	{"pulse_per_min", expr.Number, "/min", true},
	{"respiration_per_min", expr.Number, "/min", true},
	{"systolic_mmhg", expr.Number, "mm[Hg]", true},
	{"diastolic_mmhg", expr.Number, "mm[Hg]", true},
	{"temperature_cel", expr.Number, "Cel", true},
	{"weight_kg", expr.Number, "kg", true},
	{"glucose_mmol_per_l", expr.Number, "mmol/L", true},
	{"fever", expr.Truth, "", true},
	{"cough", expr.Truth, "", true},
	{"breathless", expr.Truth, "", true},
	{"diary_score", expr.Number, "", true},
	{"age_years", expr.Number, "a", false},
	{"pregnant", expr.Truth, "", false},
	{"usual_systolic_mmhg", expr.Number, "mm[Hg]", false},
	{"dry_weight_kg", expr.Number, "kg", false},
	{"bound", expr.Number, "", false},
}

func env(t testing.TB) *Env {
	t.Helper()
	e, err := New(ward)
	if err != nil {
		t.Fatal(err)
	}
	return e
}

func golden(t *testing.T, file string, got []byte) {
	t.Helper()
	if *update {
		if err := os.WriteFile(file, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Errorf("%s is not what is read now (go test ./rules/condition -update):\n%s", file, got)
	}
}

// entries are the texts of a golden file: what follows "truth " or "number ", with \n for a new line of the text.
func entries(t *testing.T, file string) (lines []string) {
	t.Helper()
	b, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(b)) {
		if !strings.HasPrefix(line, "  ") {
			lines = append(lines, strings.TrimSuffix(line, "\n"))
		}
	}
	return lines
}

func read(env *Env, line string) (expr.Expr, error) {
	kind, text, _ := strings.Cut(line, " ")
	text = strings.ReplaceAll(text, `\n`, "\n")
	if kind == "number" {
		return env.Number(text)
	}
	return env.Truth(text)
}

func TestRUL9_EveryFaultIsToldWithItsPlace(t *testing.T) {
	const file = "testdata/faults.txt"
	env := env(t)
	var got bytes.Buffer
	for _, line := range entries(t, file) {
		got.WriteString(line + "\n")
		if !strings.HasPrefix(line, "truth") && !strings.HasPrefix(line, "number") {
			continue
		}
		e, err := read(env, line)
		if err == nil {
			t.Errorf("%s: is read as %s and has no fault", line, e)
			continue
		}
		for _, f := range strings.Split(err.Error(), "\n") {
			got.WriteString("  " + f + "\n")
		}
	}
	golden(t, file, got.Bytes())
}

func TestRUL9_ConditionsAreReadAndWrittenAlike(t *testing.T) {
	const file = "testdata/conditions.txt"
	env := env(t)
	var got bytes.Buffer
	for _, line := range entries(t, file) {
		got.WriteString(line + "\n")
		if !strings.HasPrefix(line, "truth") && !strings.HasPrefix(line, "number") {
			continue
		}
		e, err := read(env, line)
		if err != nil {
			t.Errorf("%s: %v", line, err)
			continue
		}
		got.WriteString("  " + e.String() + "\n  reads " + strings.Join(expr.Inputs(e), ", ") + "\n")
		kind, _, _ := strings.Cut(line, " ")
		if again, err := read(env, kind+" "+e.String()); err != nil || !reflect.DeepEqual(e, again) {
			t.Errorf("%s is written as %s and read back as %s (%v)", line, e, again, err)
		}
		var data expr.Expr
		if b, err := json.Marshal(e); err != nil || json.Unmarshal(b, &data) != nil || !reflect.DeepEqual(e, data) {
			t.Errorf("%s does not survive as data: %s, %v", line, b, err)
		}
	}
	golden(t, file, got.Bytes())
}

func TestRUL9_NamesAreRefusedAllAtOnce(t *testing.T) {
	_, err := New([]Name{{Name: "Weight", Kind: expr.Number}, {Name: "while", Kind: expr.Number}, {Name: "mean", Kind: expr.Number},
		{Name: "fever", Kind: expr.Truth}, {Name: "fever", Kind: expr.Truth}, {Name: "cough"}})
	const want = `names of conditions: "Weight" is no name: want small letters, digits and _, a letter first; while is a word of the language; ` +
		`mean is a function; fever is declared twice; cough is neither number nor truth`
	if err == nil || err.Error() != want {
		t.Errorf("got %v", err)
	}
}

// FuzzText reads any text: it may be refused, with a place in the text, or else is written as what reads back to the same.
func FuzzText(f *testing.F) {
	env := env(f)
	for _, file := range []string{"testdata/conditions.txt", "testdata/faults.txt"} {
		b, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		for line := range strings.Lines(string(b)) {
			if _, text, ok := strings.Cut(strings.TrimSuffix(line, "\n"), " "); ok {
				f.Add(text)
			}
		}
	}
	f.Fuzz(func(t *testing.T, text string) {
		for _, read := range []func(string) (expr.Expr, error){env.Truth, env.Number} {
			e, err := read(text)
			var faults Faults
			if errors.As(err, &faults) {
				for _, x := range faults {
					if x.Line < 1 || x.Line > strings.Count(text, "\n")+1 || x.Column < 1 || x.Says == "" {
						t.Fatalf("%q: fault out of place: %v", text, x)
					}
				}
				continue
			}
			if err != nil {
				t.Fatalf("%q: %v is no list of faults", text, err)
			}
			if again, err := read(e.String()); err != nil || !reflect.DeepEqual(e, again) {
				t.Fatalf("%q is written as %s and read back as %s (%v)", text, e, again, err)
			}
		}
	})
}

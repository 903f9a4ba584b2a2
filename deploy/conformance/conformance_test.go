package main

import (
	"bytes"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

func TestIDs(t *testing.T) {
	for name, want := range map[string][]string{
		"TestING1_REL2_NoPubackBeforeLog": {"ING-1", "REL-2"},
		"TestRUL12_SameState":             {"RUL-12"},
		"TestWorlds_REL7_ALR4":            {"REL-7", "ALR-4"},
		"TestVectors":                     nil,
		"TestHTTP2_Door":                  nil, // four letters are no id
	} {
		if got := goTestIDs(name); !slices.Equal(got, want) {
			t.Errorf("%s carries %v, want %v", name, got, want)
		}
		if withID.MatchString(name) != (want != nil) {
			t.Errorf("%s is run: %v", name, want == nil)
		}
	}
	if got := browserIDs("ALR-6 REL-2: the name appears in a second browser, see ING-1"); !slices.Equal(got, []string{"ALR-6", "REL-2"}) {
		t.Errorf("title carries %v", got)
	}
}

func TestFeatureTableIsWhole(t *testing.T) {
	rows, err := readFeatures("features.csv")
	if err != nil {
		t.Fatal(err)
	}
	form := regexp.MustCompile(`^(ING|RUL|ALR|GRP|HIS|INT|OPS|SEC|REL)-[0-9]+$`)
	seen := map[string]bool{}
	for _, r := range rows {
		if !form.MatchString(r.id) || r.promise == "" || seen[r.id] {
			t.Errorf("row %+v is malformed or doubled", r)
		}
		seen[r.id] = true
	}
	if len(rows) != 111 {
		t.Errorf("%d rows, want 111", len(rows))
	}
}

// The report comes from what ran: a row is shown by a pass, failed by a failure, and by nothing else.
func TestREL5_ReportComesFromWhatRan(t *testing.T) {
	root := t.TempDir()
	files := map[string]string{
		"go.mod":       "module example\n\ngo 1.26\n",
		"features.csv": "id,promise,open\nAAA-1,passes,\nAAA-2,fails,all of it\nAAA-3,is skipped,\nAAA-4,has no test,\nAAA-5,does not build,\nAAA-6,panics,\nAAA-7,is begun,the rest\n",
		"a/a_test.go": `package a
import "testing"
func TestAAA1_Passes(t *testing.T) {}
func TestAAA1_AAA2_PassesToo(t *testing.T) {}
func TestAAA2_Fails(t *testing.T) { t.Run("inside", func(t *testing.T) { t.Fatal("as it must") }) }
func TestAAA7_Begins(t *testing.T) {}
func TestAAA3_Skips(t *testing.T) { t.Skip("nothing to test with") }
func TestOther(t *testing.T) { t.Fatal("carries no id and is of no row") }
`,
		"b/b_test.go": "package b\nimport \"testing\"\nfunc TestAAA5_DoesNotBuild(t *testing.T) { undefined() }\n",
		"c/c_test.go": "package c\nimport \"testing\"\nfunc TestAAA6_Panics(t *testing.T) { panic(1) }\n",
	}
	for name, text := range files {
		path := filepath.Join(root, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	results := filepath.Join(root, "results")
	if err := os.Mkdir(results, 0o755); err != nil {
		t.Fatal(err)
	}
	tests := exec.CommandContext(t.Context(), "go", "test", "-json", "./...")
	tests.Dir = root
	said, _ := tests.Output() // it fails, as it must
	var told strings.Builder
	if err := keep(&told, bytes.NewReader(said), filepath.Join(results, "all.go.json")); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"as it must", "undefined: undefined", "panic: 1", "FAIL\texample/a"} {
		if !strings.Contains(told.String(), want) {
			t.Errorf("a person is not told %q:\n%s", want, &told)
		}
	}
	if strings.Contains(told.String(), "PassesToo") {
		t.Errorf("a person is told of what passed:\n%s", &told)
	}
	var out strings.Builder
	report := filepath.Join(root, "report.md")
	err := run(&out, root, results, filepath.Join(root, "features.csv"), report)
	if !errors.Is(err, errFailing) {
		t.Fatalf("run answers %v, want a failing row; it said:\n%s", err, &out)
	}
	if !strings.HasSuffix(out.String(), "\nconformance: 1 rows shown, 3 failing\n") {
		t.Errorf("ended with:\n%s", &out)
	}
	text, err := os.ReadFile(report)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		"| AAA-1 | passes | `a` TestAAA1_AAA2_PassesToo<br>`a` TestAAA1_Passes | shown |",
		"| AAA-2 | fails | `a` TestAAA1_AAA2_PassesToo<br>`a` TestAAA2_Fails (FAIL) | FAILING |",
		"| AAA-3 | is skipped | `a` TestAAA3_Skips (skip) | not shown |",
		"| AAA-4 | has no test |  | not shown |",
		"| AAA-5 | does not build | `b` TestAAA5_DoesNotBuild (FAIL) | FAILING |",
		"| AAA-6 | panics | `c` TestAAA6_Panics (FAIL) | FAILING |",
		"| AAA-7 | is begun | `a` TestAAA7_Begins | shown in part; open: the rest |",
	} {
		if !strings.Contains(string(text), want+"\n") {
			t.Errorf("report has no line\n%s\nit is:\n%s", want, text)
		}
	}
}

func TestAnUnknownIDIsASlip(t *testing.T) {
	rows := table{{id: "ING-1"}}
	if err := rows.add([]result{{name: "TestING99_X", ids: []string{"ING-99"}}}); err == nil {
		t.Error("ING-99 is taken for a row")
	}
}

func TestPlaywrightReport(t *testing.T) {
	outcomes, err := readPlaywright([]byte(`{"suites":[{"specs":[
		{"title":"ALR-6 one winner","tests":[{"status":"expected"},{"status":"skipped"}]},
		{"title":"ALR-4 flaky","tests":[{"status":"flaky"}]}],
		"suites":[{"specs":[{"title":"OPS-1 inner","tests":[{"status":"unexpected"},{"status":"expected"}]},
		{"title":"OPS-2 none","tests":[{"status":"skipped"}]}]}]}]}`))
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]outcome{"ALR-6 one winner": passed, "ALR-4 flaky": failed, "OPS-1 inner": failed, "OPS-2 none": skipped}
	for title, o := range want {
		if outcomes[title] != o {
			t.Errorf("%s: %v, want %v", title, outcomes[title], o)
		}
	}
}

func TestTitlesAreFoundInSource(t *testing.T) {
	web := t.TempDir()
	if err := os.MkdirAll(filepath.Join(web, "e2e"), 0o755); err != nil {
		t.Fatal(err)
	}
	src := "test('ALR-6 accept shows the name', async () => {})\ntest.skip(\"OPS-1 soon\", f)\ntest(`plain`, f)\n"
	if err := os.WriteFile(filepath.Join(web, "e2e", "desk.spec.ts"), []byte(src), 0o644); err != nil {
		t.Fatal(err)
	}
	titles, err := findTitles(filepath.Join(web, "e2e", "*.ts"))
	if err != nil || !slices.Equal(titles, []string{"ALR-6 accept shows the name", "OPS-1 soon"}) {
		t.Fatalf("found %q, %v", titles, err)
	}
	results := titled(io.Discard, titles, map[string]outcome{titles[0]: passed}, failed)
	if results[0].outcome != passed || results[1].outcome != failed {
		t.Errorf("a test that left no result is not failed: %+v", results)
	}
}

// One text of a test may stand for several, and all of them have to pass.
func TestATitleWithAHoleIsAsGoodAsItsWorst(t *testing.T) {
	outcomes := map[string]outcome{"ALR-20 the vault is off: it (says) so": passed, "ALR-20 the vault is shut: it (says) so": failed, "ALR-20 else": failed}
	if o, ran := outcomeOf(outcomes, "ALR-20 the vault is ${state}: it (says) so"); !ran || o != failed {
		t.Errorf("%v, %v", o, ran)
	}
	delete(outcomes, "ALR-20 the vault is shut: it (says) so")
	if o, ran := outcomeOf(outcomes, "ALR-20 the vault is ${state}: it (says) so"); !ran || o != passed {
		t.Errorf("%v, %v", o, ran)
	}
	if _, ran := outcomeOf(outcomes, "ALR-20 the ${what} is open"); ran {
		t.Error("a test that did not run has an outcome")
	}
}

package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
)

// titleInSource finds the browser tests that carry an id: test('ING-1 …'.
var titleInSource = regexp.MustCompile("(?m)\\btest(?:\\.\\w+)?\\(\\s*['\"`]((?:[A-Z]{3}-[0-9]+[ ,:]*)+[^'\"`\n]*)['\"`]")

// browserSuites are the npm scripts that run Playwright, and where their tests lie: on a desk of the test's own, then on a real one.
var browserSuites = []struct{ script, tests string }{
	{"e2e:mock", "mock/*.ts"},
	{"e2e", "*.ts"},
}

// runBrowser runs Playwright's tests that carry an id. Without a browser they show nothing; with one, a
// test that left no result is a failure.
func runBrowser(ctx context.Context, w io.Writer, root string) (results []result, err error) {
	web := filepath.Join(root, "desk", "web")
	for _, suite := range browserSuites {
		titles, err := findTitles(filepath.Join(web, "e2e", suite.tests))
		if err != nil {
			return nil, err
		}
		switch {
		case len(titles) == 0:
		case !haveBrowser():
			fmt.Fprintf(w, "skip %d browser tests: no chromium (apt-get install chromium fonts-noto-cjk)\n", len(titles))
			results = append(results, browserResults(w, titles, nil, skipped)...)
		default:
			outcomes, err := runSuite(ctx, w, web, suite.script)
			if err != nil {
				return nil, err
			}
			results = append(results, browserResults(w, titles, outcomes, failed)...)
		}
	}
	return results, ctx.Err()
}

// runSuite runs the tests of one script that carry an id, and answers the outcome of each title.
func runSuite(ctx context.Context, w io.Writer, web, script string) (map[string]outcome, error) {
	dir, err := os.MkdirTemp("", "tocsin-conformance-*")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	file := filepath.Join(dir, "report.json")
	cmd := exec.CommandContext(ctx, "npm", "run", script, "--", "--reporter=json", "--grep", `[A-Z]{3}-[0-9]+`)
	cmd.Dir, cmd.Stderr, cmd.Stdout = web, w, io.Discard
	cmd.Env = append(os.Environ(), "PLAYWRIGHT_JSON_OUTPUT_NAME="+file)
	_ = cmd.Run() // its exit says less than the report does
	report, err := os.ReadFile(file)
	if errors.Is(err, os.ErrNotExist) {
		fmt.Fprintln(w, "the browser tests left no report")
	} else if err != nil {
		return nil, err
	}
	return readPlaywright(report)
}

func browserResults(w io.Writer, titles []string, outcomes map[string]outcome, otherwise outcome) []result {
	var results []result
	for _, title := range titles {
		o, ran := outcomeOf(outcomes, title)
		if !ran {
			o = otherwise
		}
		fmt.Fprintf(w, "%s browser: %s\n", o, title)
		results = append(results, result{name: "browser: " + title, ids: browserIDs(title), outcome: o})
	}
	return results
}

// hole is what a title leaves to be filled in, for several tests of one text.
var hole = regexp.MustCompile(`\\\$\\\{.*?\\\}`)

// outcomeOf answers the worst outcome of the tests that have a title.
func outcomeOf(outcomes map[string]outcome, title string) (worst outcome, ran bool) {
	named := regexp.MustCompile("^" + hole.ReplaceAllString(regexp.QuoteMeta(title), ".*") + "$")
	for name, o := range outcomes {
		if named.MatchString(name) {
			worst, ran = max(worst, o), true
		}
	}
	return worst, ran
}

func findTitles(tests string) ([]string, error) {
	files, err := filepath.Glob(tests)
	if err != nil {
		return nil, err
	}
	var titles []string
	for _, file := range files {
		src, err := os.ReadFile(file)
		if err != nil {
			return nil, err
		}
		for _, m := range titleInSource.FindAllStringSubmatch(string(src), -1) {
			titles = append(titles, m[1])
		}
	}
	return titles, nil
}

func haveBrowser() bool {
	for _, name := range []string{os.Getenv("TOCSIN_CHROMIUM"), "chromium", "chromium-browser", "google-chrome"} {
		if _, err := exec.LookPath(name); name != "" && err == nil {
			return true
		}
	}
	return false
}

// suite is the part of Playwright's JSON report that is read here.
type suite struct {
	Suites []suite `json:"suites"`
	Specs  []struct {
		Title string `json:"title"`
		OK    bool   `json:"ok"`
		Tests []struct {
			Status string `json:"status"` // expected, unexpected, flaky or skipped
		} `json:"tests"`
	} `json:"specs"`
}

// readPlaywright answers the outcome of each title. A test that ran in several projects passes when it
// passed in all that did not skip it; flaky is failed: a promise that is kept at the second try is not.
func readPlaywright(report []byte) (map[string]outcome, error) {
	outcomes := map[string]outcome{}
	if len(report) == 0 {
		return outcomes, nil
	}
	var top suite
	if err := json.Unmarshal(report, &top); err != nil {
		return nil, fmt.Errorf("read Playwright's report: %w", err)
	}
	var walk func(s suite)
	walk = func(s suite) {
		for _, spec := range s.Specs {
			title := strings.TrimSpace(spec.Title)
			for _, t := range spec.Tests {
				o := failed
				switch t.Status {
				case "expected":
					o = passed
				case "skipped":
					o = skipped
				}
				outcomes[title] = max(outcomes[title], o)
			}
		}
		for _, inner := range s.Suites {
			walk(inner)
		}
	}
	walk(top)
	return outcomes, nil
}

package main

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"strings"
)

// titleInSource finds the browser tests that carry an id: test('ING-1 …'.
var titleInSource = regexp.MustCompile("(?m)\\btest(?:\\.\\w+)?\\(\\s*['\"`]((?:[A-Z]{3}-[0-9]+[ ,:]*)+[^'\"`\n]*)['\"`]")

// browserResults answers one result for each browser test that carries an id. Where no browser was to be had nothing ran and
// nothing is shown; where one was, a test that left no result is a failure.
func browserResults(w io.Writer, root, results string) (all []result, err error) {
	files, err := filepath.Glob(filepath.Join(results, "*.browser.json"))
	if err != nil {
		return nil, err
	}
	otherwise := failed
	if len(files) == 0 {
		otherwise = skipped
	}
	outcomes := map[string]outcome{}
	for _, file := range files {
		report, err := os.ReadFile(file)
		if err != nil {
			return nil, err
		}
		of, err := readPlaywright(report)
		if err != nil {
			return nil, fmt.Errorf("read %s: %w", file, err)
		}
		for title, o := range of {
			outcomes[title] = max(outcomes[title], o)
		}
	}
	for _, tests := range []string{"*.ts", "mock/*.ts"} { // on a real desk, and on one of the test's own
		titles, err := findTitles(filepath.Join(root, "desk", "web", "e2e", tests))
		if err != nil {
			return nil, err
		}
		all = append(all, titled(w, titles, outcomes, otherwise)...)
	}
	return all, nil
}

func titled(w io.Writer, titles []string, outcomes map[string]outcome, otherwise outcome) []result {
	var all []result
	for _, title := range titles {
		o, ran := outcomeOf(outcomes, title)
		if !ran {
			o = otherwise
			fmt.Fprintf(w, "%s browser: %s left no result\n", o, title)
		}
		all = append(all, result{name: "browser: " + title, ids: browserIDs(title), outcome: o})
	}
	return all
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
		return nil, err
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

package alerts

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// rows answers the cells of the Markdown table whose first heading is head.
func rows(t *testing.T, page, head string) (all [][]string) {
	t.Helper()
	inside := false
	for _, line := range strings.Split(page, "\n") {
		if !strings.HasPrefix(line, "| ") {
			inside = false
			continue
		}
		var cells []string
		for _, c := range strings.Split(strings.Trim(line, "| "), "|") {
			cells = append(cells, strings.TrimSpace(c))
		}
		switch {
		case cells[0] == head:
			inside = true
		case inside && !strings.HasPrefix(cells[0], "---"):
			all = append(all, cells)
		}
	}
	if len(all) == 0 {
		t.Fatalf("no table of %q", head)
	}
	return all
}

var (
	goTest      = regexp.MustCompile(`(?m)^func (Test\w+)\(`)
	browserTest = regexp.MustCompile("(?m)^\\s*test\\(['`\"]([^'`]+)")
)

// shown answers every test of the repository, and the titles of the browser's.
func shown(t *testing.T) (names map[string]bool, titles []string) {
	t.Helper()
	names = map[string]bool{}
	err := filepath.WalkDir("..", func(path string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && (d.Name() == "node_modules" || strings.HasPrefix(d.Name(), ".") && d.Name() != ".."):
			return fs.SkipDir
		case !strings.HasSuffix(path, "_test.go") && !strings.HasSuffix(path, ".spec.ts"):
			return nil
		}
		b, err := os.ReadFile(path)
		for _, m := range goTest.FindAllStringSubmatch(string(b), -1) {
			names[m[1]] = true
		}
		for _, m := range browserTest.FindAllStringSubmatch(string(b), -1) {
			titles = append(titles, m[1])
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return names, titles
}

// The hazards with which the log begins, by words that must stand in it.
var firstHazards = []string{"late pages nobody", "Worsening within", "Silence after a grave reading", "re-measurement", "contact that reaches nobody", "desk that cannot hear", "Notices never arrive",
	"target is lost when packs are merged", "calls low what is not known", "believes that somebody watches", "ended by one click", "closed as false because"}

// Every hazard is whole, every test that it names exists, and what nothing controls yet says so. Every kind of rule has its hazards.
func TestSEC10_HazardLog(t *testing.T) {
	b, err := os.ReadFile("HAZARDS.md")
	if err != nil {
		t.Fatal(err)
	}
	page := string(b)
	if !strings.Contains(page, "**not a bedside alarm**") {
		t.Error("the log does not say what Tocsin is not")
	}
	for _, words := range firstHazards {
		if !strings.Contains(page, words) {
			t.Errorf("no hazard of %q", words)
		}
	}
	names, titles := shown(t)
	ids := map[string]bool{}
	for _, row := range rows(t, page, "Id") {
		if len(row) != 6 {
			t.Fatalf("%s has %d cells", row[0], len(row))
		}
		if ids[row[0]] {
			t.Errorf("%s stands twice", row[0])
		}
		ids[row[0]] = true
		for i, cell := range row {
			if cell == "" {
				t.Errorf("%s: column %d is empty", row[0], i+1)
			}
		}
		if row[5] == "none yet" {
			if !strings.HasPrefix(row[4], "None yet") {
				t.Errorf("%s has no test and does not say that it has no control", row[0])
			}
			continue
		}
		for _, name := range regexp.MustCompile(`[,;] `).Split(row[5], -1) {
			if !names[name] && !titled(titles, name) {
				t.Errorf("%s: there is no test %q", row[0], name)
			}
		}
	}
	for _, row := range rows(t, page, "Kind of rule") {
		for _, id := range strings.Split(row[1], ", ") {
			if !ids[id] {
				t.Errorf("%s: there is no hazard %s", row[0], id)
			}
		}
	}
}

func titled(titles []string, name string) bool {
	for _, title := range titles {
		if strings.HasPrefix(title, name) {
			return true
		}
	}
	return false
}

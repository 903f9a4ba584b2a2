package main

import (
	"bytes"
	"encoding/csv"
	"fmt"
	"os"
	"regexp"
	"sort"
	"strings"
)

// outcome of one test. A test that was to run and left no result is failed.
type outcome int

const (
	skipped outcome = iota
	passed
	failed
)

func (o outcome) String() string {
	switch o {
	case passed:
		return "pass"
	case failed:
		return "FAIL"
	case skipped:
		return "skip"
	default:
		return fmt.Sprintf("outcome %d", int(o))
	}
}

// result is what one test did for the rows that its name carries.
type result struct {
	name    string // as a reader finds it: package and function, or the browser test's title
	ids     []string
	outcome outcome
}

// row is one line of the feature table with the tests that ran for it. open is what of it no test shows yet.
type row struct {
	id, promise, open string
	tests             []result
}

// What became of a row.
const (
	notShown = "not shown"
	inPart   = "shown in part"
	shown    = "shown"
	failing  = "FAILING"
)

// result of a row: one failure fails it, one pass shows it as far as nothing of it is open, a skip alone does neither.
func (r row) result() string {
	best := notShown
	for _, t := range r.tests {
		switch {
		case t.outcome == failed:
			return failing
		case t.outcome == passed && r.open != "":
			best = inPart
		case t.outcome == passed:
			best = shown
		}
	}
	return best
}

// told is the result for a reader, with what is open.
func (r row) told() string {
	if result := r.result(); result != inPart {
		return result
	}
	return inPart + "; open: " + r.open
}

// table is the feature table in its own order.
type table []row

func readFeatures(path string) (table, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	records, err := csv.NewReader(f).ReadAll()
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", path, err)
	}
	var rows table
	for _, r := range records[1:] {
		rows = append(rows, row{id: r[0], promise: r[1], open: r[2]})
	}
	return rows, nil
}

// add hands each result to its rows; an id that no row has is a slip in a test's name.
func (t table) add(results []result) error {
	at := map[string]int{}
	for i, r := range t {
		at[r.id] = i
	}
	for _, res := range results {
		for _, id := range res.ids {
			i, ok := at[id]
			if !ok {
				return fmt.Errorf("%s names %s, which is no row of features.csv", res.name, id)
			}
			t[i].tests = append(t[i].tests, res)
		}
	}
	return nil
}

// count answers how many rows have a result.
func (t table) count(result string) (n int) {
	for _, r := range t {
		if r.result() == result {
			n++
		}
	}
	return n
}

func (t table) markdown() []byte {
	var b bytes.Buffer
	fmt.Fprintf(&b, "# What the tests show\n\nWritten by `make conformance` from what ran: %d rows shown, %d more in part, %d failing, %d in all.\n"+
		"What is open of a row stands in `conformance/features.csv` until a test shows it.\n\n",
		t.count(shown), t.count(inPart), t.count(failing), len(t))
	b.WriteString("| id | promise | tests | result |\n| --- | --- | --- | --- |\n")
	for _, r := range t {
		var tests []string
		for _, test := range r.tests {
			name := strings.ReplaceAll(test.name, "|", `\|`)
			if test.outcome != passed {
				name += " (" + test.outcome.String() + ")"
			}
			tests = append(tests, name)
		}
		sort.Strings(tests)
		fmt.Fprintf(&b, "| %s | %s | %s | %s |\n", r.id, r.promise, strings.Join(tests, "<br>"), r.told())
	}
	return b.Bytes()
}

var (
	// withID matches a Go test's name that carries an id between underscores.
	withID   = regexp.MustCompile(`(^Test|_)[A-Z]{3}[0-9]+(_|$)`)
	goID     = regexp.MustCompile(`^([A-Z]{3})([0-9]+)$`)
	titleIDs = regexp.MustCompile(`^(?:[A-Z]{3}-[0-9]+[ ,:]*)+`)
	titleID  = regexp.MustCompile(`[A-Z]{3}-[0-9]+`)
)

// goTestIDs reads the ids in a Go test's name: TestING1_REL2_NoPubackBeforeLog carries ING-1 and REL-2.
func goTestIDs(name string) []string {
	var ids []string
	for _, word := range strings.Split(strings.TrimPrefix(name, "Test"), "_") {
		if m := goID.FindStringSubmatch(word); m != nil {
			ids = append(ids, m[1]+"-"+m[2])
		}
	}
	return ids
}

// browserIDs reads the ids at the beginning of a browser test's title.
func browserIDs(title string) []string {
	return titleID.FindAllString(titleIDs.FindString(title), -1)
}

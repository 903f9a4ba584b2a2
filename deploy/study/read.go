package study

import (
	"fmt"
	"runtime"
	"slices"
	"strings"
	"sync"

	"tocsin/rules/study"
	"tocsin/streams/event"
)

// Formats are the formats that Read knows.
var Formats = []string{"physionet2019", "physionet2012", "tihm"}

// Read reads recorded data. The format says what lies at the path.
func Read(format, path string) (study.Cohort, error) {
	switch format {
	case "physionet2019":
		return readSepsis(path)
	case "physionet2012":
		return readMortality(path)
	case "tihm":
		return readHome(path)
	}
	return study.Cohort{}, fmt.Errorf("format %q is unknown; the formats are %s", format, strings.Join(Formats, ", "))
}

// epoch is when recorded stays begin that tell no date.
const epoch = event.Time(1_700_000_000_000 / hourMs * hourMs)

const (
	minuteMs = 60_000
	hourMs   = 60 * minuteMs
	dayMs    = 24 * hourMs
)

// each calls do for 0 to n-1, on all processors, and answers the error of the least.
func each(n int, done func(), do func(i int) error) error {
	errs := make([]error, n)
	next := make(chan int)
	var all sync.WaitGroup
	for range min(n, runtime.GOMAXPROCS(0)) {
		all.Go(func() {
			for i := range next {
				errs[i] = do(i)
				done()
			}
		})
	}
	for i := range n {
		next <- i
	}
	close(next)
	all.Wait()
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}

// refusals counts what the door did not take, by reason, for the report.
type refusals struct {
	mu sync.Mutex
	by map[string]int
}

func (r *refusals) add(reasons []string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.by == nil {
		r.by = map[string]int{}
	}
	for _, reason := range reasons {
		r.by[reason]++
	}
}

func (r *refusals) lines() (all []string) {
	for reason, n := range r.by {
		all = append(all, fmt.Sprintf("%d uploads with a value that the door refuses: %s", n, reason))
	}
	slices.Sort(all)
	return all
}

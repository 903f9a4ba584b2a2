package rules_test

import (
	"bufio"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"tocsin/rules"
	"tocsin/rules/pack"
	"tocsin/rules/trial"
	"tocsin/streams/event"
)

var update = flag.Bool("update", false, "rewrite the stories with what comes out now")

var noon, _ = event.ParseTime("2026-03-02T04:00:00Z") // 12:00 in the packs' zone

// TestStories plays testdata/*.txt: lines in, what was decided out, indented. -update rewrites them.
//
//	pack copd                       which pack; first line
//	plan scale2 2026-03-01 spo2_percent 88 92    own targets
//	at 6h spo2_percent=89 pulse_per_min=80       wait until then, measure
//	at 6h old 5h spo2_percent=70                 measured five hours earlier
//	at 6h mark unconfirmed spo2_percent=60
//	at 7h wait | shut | open
func TestStories(t *testing.T) {
	files, err := filepath.Glob("testdata/*.txt")
	if err != nil || len(files) == 0 {
		t.Fatalf("no stories: %v", err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txt"), func(t *testing.T) {
			was, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			is := play(t, string(was))
			if *update {
				if err := os.WriteFile(file, []byte(is), 0o644); err != nil {
					t.Fatal(err)
				}
				return
			}
			if is != string(was) {
				t.Errorf("the story goes differently now (-update rewrites it):\n%s", difference(string(was), is))
			}
		})
	}
}

func difference(a, b string) string {
	was, is := strings.Split(a, "\n"), strings.Split(b, "\n")
	for i := range max(len(was), len(is)) {
		var x, y string
		if i < len(was) {
			x = was[i]
		}
		if i < len(is) {
			y = is[i]
		}
		if x != y {
			return fmt.Sprintf("line %d\n- %s\n+ %s", i+1, x, y)
		}
	}
	return ""
}

func play(t *testing.T, text string) string {
	t.Helper()
	var out strings.Builder
	var p *trial.Patient
	var err error
	lines := bufio.NewScanner(strings.NewReader(text))
	for lines.Scan() {
		line := lines.Text()
		if strings.HasPrefix(line, "  ") {
			continue
		}
		out.WriteString(line + "\n")
		words := strings.Fields(line)
		if len(words) == 0 || words[0] == "#" || strings.HasPrefix(line, "#") {
			continue
		}
		var said []event.Event
		switch words[0] {
		case "pack":
			if p, err = trial.New(pack.Compile, noon, pack.Library()[words[1]]); err != nil {
				t.Fatal(err)
			}
			said = p.Said
		case "plan":
			said, err = p.Give(&event.PlanChanged{Plan: planOf(t, words[1:])})
		case "at":
			said, err = act(t, p, words[1:])
		default:
			t.Fatalf("line %q begins with none of pack, plan, at", line)
		}
		if err != nil {
			t.Fatalf("%s: %v", line, err)
		}
		for _, d := range said {
			out.WriteString("  " + tell(d) + "\n")
		}
	}
	return out.String()
}

func planOf(t *testing.T, words []string) event.Plan {
	t.Helper()
	p := event.Plan{OrderedBy: "doctor-a", Targets: map[event.Quantity]event.Target{}}
	for i := 0; i < len(words); i++ {
		switch words[i] {
		case "scale2":
			p.SpO2Scale = 2
		case "pregnant":
			p.Pregnant = true
		case "age":
			i++
			p.AgeYears, _ = strconv.Atoi(words[i])
		case "ordered":
			i++
			at, err := event.ParseTime(words[i] + "T04:00:00Z")
			if err != nil {
				t.Fatal(err)
			}
			p.OrderedAt = at
		default:
			q, err := event.ParseQuantity(words[i])
			if err != nil {
				t.Fatal(err)
			}
			low, high := number(t, words[i+1]), number(t, words[i+2])
			p.Targets[q] = event.Target{Low: &low, High: &high}
			i += 2
		}
	}
	return p
}

func number(t *testing.T, s string) event.Decimal {
	t.Helper()
	d, err := event.ParseDecimal(s)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func span(t *testing.T, s string) int64 {
	t.Helper()
	unit := map[byte]int64{'s': 1000, 'm': 60_000, 'h': 3_600_000, 'd': 86_400_000}[s[len(s)-1]]
	n, err := strconv.ParseInt(s[:len(s)-1], 10, 64)
	if err != nil || unit == 0 {
		t.Fatalf("%q is no length of time", s)
	}
	return n * unit
}

func act(t *testing.T, p *trial.Patient, words []string) ([]event.Event, error) {
	t.Helper()
	before := len(p.Said)
	if until := noon + event.Time(span(t, words[0])); until > p.Now {
		if _, err := p.Wait(int64(until - p.Now)); err != nil {
			return nil, err
		}
	}
	o := trial.Measured(p.Now)
	var mark event.Mark
	for i := 1; i < len(words); i++ {
		switch words[i] {
		case "wait":
			return p.Said[before:], nil
		case "shut", "open":
			p.Shut = words[i] == "shut"
			return p.Said[before:], nil
		case "fence":
			_, err := p.Give(&event.RuleFenced{Machine: rules.Machine, Rule: words[i+1]})
			return p.Said[before:], err
		case "old":
			i++
			o.MeasuredAt -= event.Time(span(t, words[i]))
		case "clock":
			i++
			o.Clock.Quality = event.ClockQuality(words[i])
		case "mark":
			i++
			mark = event.Mark(words[i])
		default:
			name, v, _ := strings.Cut(words[i], "=")
			q, err := event.ParseQuantity(name)
			if err != nil {
				t.Fatal(err)
			}
			o.Readings = append(o.Readings, event.Reading{Quantity: q, Value: number(t, v), Mark: mark})
		}
	}
	_, err := p.Give(o)
	return p.Said[before:], err
}

// tell puts an event into one line.
func tell(d event.Event) string {
	switch d := d.(type) {
	case *event.SeverityScored:
		s := fmt.Sprintf("%s %s %s", d.Type(), d.Problem, d.Severity)
		if d.Danger {
			s += " danger"
		}
		if d.Late {
			s += " late"
		}
		if d.Score != nil {
			s += fmt.Sprintf(" score %d–%d %s", d.Score.Lower, d.Score.Upper, d.Score.Band)
		}
		for _, r := range d.Reasons {
			s += fmt.Sprintf("\n    %s %s: %s\n    %s", r.Rule, r.Severity, r.En, r.Zh)
		}
		return s
	default:
		b, err := json.Marshal(d)
		if err != nil {
			return err.Error()
		}
		return fmt.Sprintf("%s %s", d.Type(), b)
	}
}

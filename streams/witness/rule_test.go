package witness

import (
	"fmt"
	"math/rand/v2"
	"strconv"
	"strings"
	"testing"

	"github.com/segmentio/kafka-go"

	"tocsin/streams"
	"tocsin/streams/event"
)

// A script writes a log in words: "A!" opens life A, "A1.0" is event 0 of step 1 of life A, "A1#2" closes
// step 1 with two events.
func script(text string) []Record {
	var log []Record
	for i, word := range strings.Fields(text) {
		r := Record{Topic: "decisions", Offset: int64(i), Key: []byte("demo/P-0113")}
		life, rest := word[:1], word[1:]
		var kind, value string
		step, index := "0", "0"
		switch {
		case rest == "!":
			kind, value = "owner.open", fmt.Sprintf(`{"life":%q,"owner":"t","version":"1"}`, life)
		case strings.Contains(rest, "#"):
			number, count, _ := strings.Cut(rest, "#")
			n, _ := strconv.Atoi(number)
			kind, step, index = "owner.step", number, count
			value = fmt.Sprintf(`{"number":%d,"count":%s,"inputs":{"from":%d,"next":%d},"clock":"2026-03-02T07:14:00.000Z"}`, n, count, n-1, n)
		default:
			step, index, _ = strings.Cut(rest, ".")
			kind, value = "alert.eased", fmt.Sprintf(`{"alert":"a%d"}`, i)
		}
		for _, h := range [][2]string{{"ce_specversion", "1.0"}, {"ce_id", "e" + strconv.Itoa(i)}, {"ce_type", kind},
			{"ce_source", "test"}, {"ce_time", "2026-03-02T07:14:00.000Z"}, {"ce_subject", "demo/P-0113"}, {"ce_dataversion", "1"},
			{"ce_life", life}, {"ce_step", step}, {"ce_index", index}, {"ce_after", "-1"}} {
			r.Headers = append(r.Headers, kafka.Header{Key: h[0], Value: []byte(h[1])})
		}
		r.Value = []byte(value)
		log = append(log, r)
	}
	return log
}

// verdicts judges a script and answers one letter a record, in the order of the log: L life, H holds,
// V void, R repeat, O open, U unknown.
func verdicts(t *testing.T, rule *Rule, log []Record) (letters string, steps []Closed) {
	t.Helper()
	rule.OnStep = func(c Closed) { steps = append(steps, c) }
	var all []Judged
	for _, r := range log {
		all = append(all, rule.Read(r)...)
	}
	all = append(all, rule.Rest()...)
	for i, j := range all {
		if j.Offset != int64(i) {
			t.Fatalf("record %d is answered as number %d", j.Offset, i)
		}
		letters += strings.ToUpper(string(j.Verdict[:1]))
	}
	return letters, steps
}

func TestRule(t *testing.T) {
	for name, c := range map[string]struct{ log, want string }{
		"a whole step holds":                           {"A! A1.0 A1.1 A1#2", "LHHH"},
		"a step without events holds":                  {"A! A1#0 A2#0", "LHH"},
		"an event that is missing makes it void":       {"A! A1.0 A1#2", "LOV"},
		"events of a step that nobody closed":          {"A! A1.0", "LO"},
		"a new life makes the unclosed void":           {"A! A1.0 B! B1.0 B1#1", "LVLHH"},
		"what an ended life writes late is void":       {"A! A1.0 A1#1 B! A2.0 A2#1 B2.0 B2#1", "LHHLVVHH"},
		"a close behind the other's open is void":      {"A! A1.0 B! A1#1 B1#0", "LVLVH"},
		"numbers go on over lives":                     {"A! A1#0 B! B2#0 B3#0", "LHLHH"},
		"a number left out is void":                    {"A! A1#0 A3#0 A2#0", "LHVH"},
		"a batch written twice counts once":            {"A! A1.0 A1#1 A1.0 A1#1 A2#0", "LHHRRH"},
		"an event written twice counts once":           {"A! A1.0 A1.0 A1.1 A1#2", "LHRHH"},
		"an index beyond the count is void":            {"A! A1.0 A1.1 A1#1", "LHVH"},
		"steps in flight behind a void one are void":   {"A! A1.1 A1#2 A2.0 A2#1 B! B1#0", "LVVVVLH"},
		"nothing holds before the first life":          {"A1.0 A1#1 A! A1#0", "VVLH"},
		"a life that opens twice begins anew":          {"A! A1.0 A! A1.0 A1#1", "LVLHH"},
		"a copy completes what was cut off":            {"A! A1.0 A1#2 A1.1 A1#2", "LHVHH"},
		"the events may stand behind others of theirs": {"A! A2.0 A1.0 A1#1 A2#1", "LHHHH"},
	} {
		if got, _ := verdicts(t, NewRule(false), script(c.log)); got != c.want {
			t.Errorf("%s: %s\n got %s\nwant %s", name, c.log, got, c.want)
		}
	}
}

// A log that was trimmed shows nothing of the life it begins in, and believes the first whole step of the
// first life that can be seen; behind a known position everything is judged at once.
func TestRuleOnATrimmedLog(t *testing.T) {
	if got, _ := verdicts(t, NewRule(true), script("A7.0 A7#1 B! B8.0 B8#1 B10#0 B9#0")); got != "UULHHVH" {
		t.Errorf("trimmed: %s", got)
	}
	if got, _ := verdicts(t, NewRuleAt("A", 6), script("A7.0 A7#1 A6.0 B! B8#0")); got != "HHRLH" {
		t.Errorf("from a position: %s", got)
	}
}

// Two who never saw each other's code must say the same of every log: this rule and the one that all of
// Tocsin reads by. The logs are drawn from a grammar that fights: lives that overlap, steps that are cut
// off, doubled, left out and swapped.
func TestTwoRulesAgree(t *testing.T) {
	held := 0
	for seed := range uint64(3000) {
		log := script(strife(rand.New(rand.NewPCG(seed, 0))))
		_, mine := verdicts(t, NewRule(false), log)
		theirs := streams.NewSteps(streams.Beginning)
		var want []streams.Step
		for _, r := range log {
			s, err := theirs.Read(foreign(r))
			if err != nil {
				t.Fatalf("seed %d, offset %d: %v", seed, r.Offset, err)
			}
			if s != nil {
				want = append(want, *s)
			}
		}
		if got, want := told(mine), toldByStreams(want); got != want {
			t.Fatalf("seed %d:\n%s\nwitness %s\nstreams %s", seed, words(log), got, want)
		}
		held += len(mine)
	}
	if held < 3000 {
		t.Errorf("only %d steps held in 3000 logs: the grammar proves too little", held)
	}
}

// strife writes the script of one log: owners A, B and C take turns that overlap.
func strife(r *rand.Rand) string {
	var b strings.Builder
	next, open := 1, "A"
	b.WriteString("A!")
	for range 5 + r.IntN(40) {
		who := open
		if r.IntN(6) == 0 {
			who = string(rune('A' + r.IntN(4))) // somebody who was replaced, or never was
		}
		if r.IntN(8) == 0 {
			open = string(rune('A' + r.IntN(4)))
			who = open
			b.WriteString(" " + who + "!")
		}
		number, count := next, r.IntN(4)
		switch r.IntN(8) {
		case 0:
			number += r.IntN(3) - 1
		case 1:
			number = max(1, number-1)
		}
		writeStep(&b, r, who, number, count)
		if who == open && number == next {
			next++ // often wrong, as an owner's belief may be
		}
	}
	return b.String()
}

// writeStep writes a step, at times without one of its events or its closing record, at times twice.
func writeStep(b *strings.Builder, r *rand.Rand, who string, number, count int) {
	for range 1 + r.IntN(5)/4 {
		for i := range count {
			if r.IntN(12) > 0 {
				fmt.Fprintf(b, " %s%d.%d", who, number, i)
			}
		}
		if r.IntN(12) > 0 {
			fmt.Fprintf(b, " %s%d#%d", who, number, count)
		}
	}
}

func foreign(r Record) streams.Record {
	f := streams.Record{Topic: r.Topic, Partition: int32(r.Partition), Offset: r.Offset, Key: r.Key, Value: r.Value}
	for _, h := range r.Headers {
		f.Headers = append(f.Headers, event.Header{Key: h.Key, Value: h.Value})
	}
	return f
}

func told(steps []Closed) string {
	var b strings.Builder
	for _, s := range steps {
		fmt.Fprintf(&b, "%s%d@%d[", s.Life, s.Number, s.Offset)
		for _, e := range s.Events {
			fmt.Fprintf(&b, " %d", e.Offset)
		}
		b.WriteString(" ] ")
	}
	return b.String()
}

func toldByStreams(steps []streams.Step) string {
	var b strings.Builder
	for _, s := range steps {
		fmt.Fprintf(&b, "%s%d@%d[", s.Life, s.Number, s.Offset)
		for _, e := range s.Records[:len(s.Records)-1] {
			fmt.Fprintf(&b, " %d", e.Offset)
		}
		b.WriteString(" ] ")
	}
	return b.String()
}

func words(log []Record) string {
	var b strings.Builder
	for _, r := range log {
		fmt.Fprintf(&b, "%s %s.%s  ", r.Header("ce_type"), r.Header("ce_life")+r.Header("ce_step"), r.Header("ce_index"))
	}
	return b.String()
}

package streams_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"tocsin/streams"
	"tocsin/streams/event"
)

// A log of steps in shorthand: "o a" opens life a; "e a 1 0" is event 0 of step 1 of life a; "c a 1 2" closes step 1 of
// life a with two events.
func shorthand(t *testing.T, lines string) []streams.Record {
	t.Helper()
	var log []streams.Record
	for i, line := range strings.Split(strings.TrimSpace(lines), ",") {
		var kind, life string
		var step int64
		var n int
		_, _ = fmt.Sscan(line, &kind, &life, &step, &n)
		e := event.Envelope{ID: fmt.Sprint(i), Source: "owner", Subject: "t/p", At: epoch, Life: life, Step: step, Index: n}
		switch kind {
		case "o":
			e = event.Envelope{ID: fmt.Sprint(i), Source: "owner", Subject: "t/p", At: epoch, Life: life, After: -1, Data: &event.OwnerOpened{Life: life}}
		case "e":
			e.Data = &event.SignalReturned{Quantity: event.PulsePerMin, Reading: line}
		case "c":
			e.Data = &event.StepClosed{Number: step, Count: n}
		default:
			t.Fatalf("%q", line)
		}
		r, err := streams.ToRecord(streams.Decisions, 0, "t/p", e)
		if err != nil {
			t.Fatal(err)
		}
		r.Offset = int64(i)
		log = append(log, r)
	}
	return log
}

func TestRuleOfReading(t *testing.T) {
	for name, c := range map[string]struct {
		log  string
		hold string
		void int64
	}{
		"a step holds when it is whole":                        {"o a, e a 1 0, c a 1 1", "a1", 0},
		"a step without events holds":                          {"o a, c a 1 0", "a1", 0},
		"a step whose event is missing is void":                {"o a, e a 1 1, c a 1 2", "", 1},
		"those behind a void step are void by their number":    {"o a, c a 1 1, e a 2 0, c a 2 1", "", 2},
		"a repeat by index is dropped":                         {"o a, e a 1 0, e a 1 0, c a 1 1", "a1", 0},
		"a whole step written twice counts once":               {"o a, e a 1 0, c a 1 1, e a 1 0, c a 1 1, e a 2 0, c a 2 1", "a1 a2", 0},
		"what an old life writes after an open is void":        {"o a, e a 1 0, o b, c a 1 1, e b 1 0, c b 1 1", "b1", 2},
		"events before the open do not count":                  {"o a, e b 1 0, o b, c b 1 1", "", 2},
		"a step closed before the other's open stands":         {"o a, e a 1 0, c a 1 1, o b, e b 2 0, c b 2 1", "a1 b2", 0},
		"a new life must follow the number":                    {"o a, c a 1 0, o b, c b 1 0, c b 2 0", "a1 b2", 0},
		"steps in flight may lie between each other":           {"o a, e a 1 0, e a 2 0, c a 1 1, c a 2 1", "a1 a2", 0},
		"a life that opens again counts from its newest open":  {"o a, e a 1 0, o a, c a 1 1", "", 2},
		"nothing holds before any open":                        {"e a 1 0, c a 1 1", "", 2},
		"a late open of an owner that lost its place is fatal": {"o a, c a 1 0, o b, c b 2 0, o a, c b 3 0, c a 3 0", "a1 b2 a3", 1},
	} {
		t.Run(name, func(t *testing.T) {
			s := streams.NewSteps(streams.Beginning)
			var hold []string
			for _, r := range shorthand(t, c.log) {
				step, err := s.Read(r)
				if err != nil {
					t.Fatal(err)
				}
				if step != nil {
					hold = append(hold, fmt.Sprint(step.Life, step.Number))
				}
			}
			if got := strings.Join(hold, " "); got != c.hold || s.Void() != c.void {
				t.Errorf("hold %q, void %d; want %q, %d", got, s.Void(), c.hold, c.void)
			}
		})
	}
}

// A reader that goes on from a stored position sees the same steps as one that began at the beginning.
func TestReadingOnFromAPositionTellsTheSame(t *testing.T) {
	log := shorthand(t, "o a, e a 1 0, c a 1 1, e a 1 0, c a 1 1, e a 2 0, c a 2 1, o b, e a 3 0, c a 3 1, e b 3 0, c b 3 1, c b 4 0")
	whole := streams.NewSteps(streams.Beginning)
	var positions []streams.Position
	for _, r := range log {
		if step, _ := whole.Read(r); step != nil {
			positions = append(positions, step.Position)
		}
	}
	for i, at := range positions {
		s := streams.NewSteps(at)
		var rest []streams.Position
		for _, r := range log[at.Offset+1:] {
			if step, _ := s.Read(r); step != nil {
				rest = append(rest, step.Position)
			}
		}
		if !slices.Equal(rest, positions[i+1:]) {
			t.Errorf("from %v: %v, want %v", at, rest, positions[i+1:])
		}
	}
}

func TestStepsRefuseRecordsOutOfOrder(t *testing.T) {
	log := shorthand(t, "o a, c a 1 0")
	s := streams.NewSteps(streams.Beginning)
	if _, err := s.Read(log[1]); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Read(log[0]); err == nil {
		t.Fatal("a record from before was read")
	}
}

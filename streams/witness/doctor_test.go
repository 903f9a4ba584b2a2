package witness

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/segmentio/kafka-go"
)

// declared is a small log as somebody might declare it.
func declared() Expect {
	return Expect{
		Topics: []TopicSpec{{"inputs", 1, nil}, {"decisions", 1, nil}, {"checkpoints", 1, nil}, {"rejected", 1, nil}},
		Pairs:  []Pair{{"inputs", "decisions", "checkpoints", "monitor"}},
		Now:    func() time.Time { return time.UnixMilli(1_780_000_060_000) },
	}
}

// round writes a whole round of one patient's state, as at a step.
func round(life string, number, offset, input int64) []Record {
	name, key, state := fmt.Sprintf("0.%s.%d", life, number), "demo/P-0113", `{"seen":{}}`
	sum := sha256.Sum256(fmt.Appendf(nil, "%d:%s%d:%s", len(key), key, len(state), state))
	rec := func(kind, value string) Record {
		return Record{Topic: "checkpoints", Key: []byte(key), Value: []byte(value), Headers: []kafka.Header{
			{Key: "ce_type", Value: []byte(kind)}, {Key: "ce_subject", Value: []byte(key)}}}
	}
	return []Record{
		rec("checkpoint.began", fmt.Sprintf(`{"round":%q,"life":%q,"number":%d,"offset":%d,"input":%d,"common":{}}`, name, life, number, offset, input)),
		rec("checkpoint.state", fmt.Sprintf(`{"round":%q,"state":%s}`, name, state)),
		rec("checkpoint.completed", fmt.Sprintf(`{"round":%q,"count":1,"sum":%q}`, name, hex.EncodeToString(sum[:]))),
	}
}

// ward is a healthy log: three uploads, two steps, a round as at the first of them.
func ward(t *testing.T) (*story, []Record) {
	s := &story{t: t}
	s.open()
	s.upload("m1", 1, 1)
	s.upload("m2", 2, 1)
	s.folded(0, raised) // closes at offset 2
	s.upload("m3", 3, 1)
	s.folded(0)
	return s, round("A", 1, 2, 2)
}

// examine lays s and the rounds down and looks at them.
func examine(t *testing.T, s *story, rounds []Record, e Expect) string {
	t.Helper()
	addrs := fake(t)
	for _, topic := range []string{"inputs", "decisions", "checkpoints", "rejected"} {
		makeTopic(t, addrs, topic, 1)
	}
	for _, part := range [][]Record{s.inputs, s.decisions, rounds} {
		for i := range part {
			if part[i].Time.IsZero() {
				part[i].Time = time.UnixMilli(1_780_000_000_000)
			}
		}
		if len(part) > 0 {
			produce(t, addrs, part[0].Topic, part)
		}
	}
	var out strings.Builder
	PrintFindings(&out, Examine(t.Context(), Options{Brokers: addrs}, e))
	return out.String()
}

func TestExamineAHealthyLog(t *testing.T) {
	s, rounds := ward(t)
	want := `ok     topic inputs: 1 partition, settings as declared
ok     topic decisions: 1 partition, settings as declared
ok     topic checkpoints: 1 partition, settings as declared
ok     topic rejected: 1 partition, settings as declared
ok     checkpoints: 1 round of states, whole and in place
ok     decisions: 1 steps hold since the newest round, 0 records are void or repeats
ok     inputs: everything is folded
ok     clock: nothing in inputs and decisions is ahead of this machine's clock
ok     rejected: nothing was set aside
`
	if got := examine(t, s, rounds, declared()); !strings.HasSuffix(got, want) || !strings.HasPrefix(got, "ok     log: 1 broker answer at 127.0.0.1:") {
		t.Errorf("found\n%s\nwant\n%s", got, want)
	}
}

// Each sickness is named, with what to do.
func TestExamineNamesEachFault(t *testing.T) {
	for name, c := range map[string]struct {
		spoil func(*story, []Record, *Expect) []Record
		want  string
	}{
		"a topic that is not there": {func(_ *story, r []Record, e *Expect) []Record {
			e.Topics = append(e.Topics, TopicSpec{"history-ranges", 2, nil})
			return r
		}, "FAULT  topic history-ranges: is not there\n       do: start any role"},
		"other partitions": {func(_ *story, r []Record, e *Expect) []Record { e.Topics[0].Partitions = 64; return r },
			"FAULT  topic inputs: has 1 partitions, declared are 64"},
		"another setting": {func(_ *story, r []Record, e *Expect) []Record {
			e.Topics[1].Config = map[string]string{"retention.ms": "-1"}
			return r
		}, `FAULT  topic decisions: retention.ms is "604800000", declared is "-1"`},
		"too few copies": {func(_ *story, r []Record, e *Expect) []Record { e.Replicas = 3; return r },
			"FAULT  topic inputs: partitions [0] have fewer than 3 copies"},
		"nobody folds": {func(s *story, r []Record, _ *Expect) []Record { s.upload("m4", 4, 1); s.upload("m5", 5, 1); return r },
			"FAULT  inputs: 2 inputs wait; the oldest has waited 1m0s, on partition 0"},
		"inputs are gone": {func(s *story, r []Record, _ *Expect) []Record { s.inputs = s.inputs[:1]; return r },
			"steps have folded inputs/0 up to 3, but it ends at 1: readings that were accepted are gone"},
		"a gap between steps": {func(s *story, r []Record, _ *Expect) []Record { s.step++; s.settle(2, 3, 0); return r },
			"FAULT  decisions/0: step 3 begins at input 2, the one before ended at 3 (1 gap in all)"},
		"a round that rotted": {func(_ *story, r []Record, _ *Expect) []Record {
			r[1].Value = []byte(strings.Replace(string(r[1].Value), "seen", "sean", 1))
			return r
		}, "warn   checkpoints: 1 round of states cannot be read or does not match its checksum"},
		"a clock ahead": {func(s *story, r []Record, _ *Expect) []Record {
			s.inputs[2].Time = time.UnixMilli(1_780_000_090_000)
			return r
		}, "warn   clock: the newest record of inputs/0 is 30s ahead of this machine's clock"},
		"nobody ever": {func(s *story, _ []Record, _ *Expect) []Record { s.decisions = nil; return nil },
			"warn   decisions/0: nobody has ever owned this partition, and 3 inputs wait"},
		"a folder that is not there": {func(_ *story, r []Record, e *Expect) []Record { e.DataDir = "/nowhere"; return r },
			"FAULT  disk: /nowhere cannot be read"},
	} {
		t.Run(name, func(t *testing.T) {
			s, rounds := ward(t)
			e := declared()
			rounds = c.spoil(s, rounds, &e)
			if got := examine(t, s, rounds, e); !strings.Contains(got, c.want) {
				t.Errorf("found\n%s\nwant\n%s", got, c.want)
			}
		})
	}
}

// A round of another log, or of steps that the log has lost, does not count: its step is not there.
func TestExaminePassesOverARoundWhoseStepIsNotThere(t *testing.T) {
	s, _ := ward(t)
	got := examine(t, s, round("B", 9, 2, 900), declared())
	if !strings.Contains(got, "2 steps hold since the newest round") || strings.Contains(got, "FAULT") {
		t.Errorf("found\n%s", got)
	}
}

func TestExamineWithoutALog(t *testing.T) {
	findings := Examine(t.Context(), Options{Brokers: []string{"127.0.0.1:1"}}, declared())
	if len(findings) != 1 || findings[0].Level != Fault || findings[0].Do == "" {
		t.Errorf("found %+v", findings)
	}
}

func TestDiskLimit(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "segment"), make([]byte, 3<<20), 0o644); err != nil {
		t.Fatal(err)
	}
	x := &exam{Expect: Expect{DataDir: dir, LimitBytes: 2 << 20}}
	x.disk()
	if x.findings[0].Level != Fault || !strings.Contains(x.findings[0].Found, "holds 3 MB, more than the 2 MB") {
		t.Errorf("found %+v", x.findings)
	}
}

package witness

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/segmentio/kafka-go"
)

// story writes a small log, one partition each of inputs, decisions and rejected, and judges it.
type story struct {
	t         *testing.T
	inputs    []Record
	decisions []Record
	step      int
	next      int
}

func (s *story) input(kind, subject, id, value string, more ...string) {
	r := Record{Topic: "inputs", Key: []byte(subject), Value: []byte(value)}
	heads := append([]string{"ce_type", kind, "ce_subject", subject, "ce_id", id}, more...)
	for i := 0; i < len(heads); i += 2 {
		r.Headers = append(r.Headers, kafka.Header{Key: heads[i], Value: []byte(heads[i+1])})
	}
	s.inputs = append(s.inputs, r)
}

// upload is a reading of device d with a sequence number; its id is as a gateway makes it.
func (s *story) upload(msg string, seq int, quantities ...int) {
	var readings []string
	for _, q := range quantities {
		readings = append(readings, fmt.Sprintf(`{"quantity":%d,"value":"97"}`, q))
	}
	s.input("observation.recorded", "demo/P-0113", fmt.Sprintf("d/1/%d", seq),
		fmt.Sprintf(`{"device":"d","msg_id":%q,"boot_id":1,"seq":%d,"sequenced":true,"readings":[%s]}`, msg, seq, strings.Join(readings, ",")))
}

func (s *story) open() { s.decisions = append(s.decisions, script("A!")...) }

// folded closes a step over the inputs that came since the last one. An event is its type and its value.
func (s *story) folded(repeats int, events ...string) {
	s.step++
	s.settle(s.next, len(s.inputs), repeats, events...)
	s.next = len(s.inputs)
}

func (s *story) settle(from, next, repeats int, events ...string) {
	for i, e := range events {
		kind, value, _ := strings.Cut(e, " ")
		r := script(fmt.Sprintf("A%d.%d", s.step, i))[0]
		for h := range r.Headers {
			if r.Headers[h].Key == "ce_type" {
				r.Headers[h].Value = []byte(kind)
			}
		}
		r.Value = []byte(value)
		s.decisions = append(s.decisions, r)
	}
	r := script(fmt.Sprintf("A%d#%d", s.step, len(events)))[0]
	r.Value = fmt.Appendf(nil, `{"number":%d,"count":%d,"inputs":{"from":%d,"next":%d},"repeats":%d}`, s.step, len(events), from, next, repeats)
	s.decisions = append(s.decisions, r)
}

func (s *story) judge() *Evidence {
	s.t.Helper()
	addrs := fake(s.t)
	for _, topic := range []string{"inputs", "decisions", "rejected"} {
		makeTopic(s.t, addrs, topic, 1)
	}
	for i := range s.decisions {
		s.decisions[i].Time = time.UnixMilli(1_780_000_000_000)
	}
	produce(s.t, addrs, "inputs", s.inputs)
	produce(s.t, addrs, "decisions", s.decisions)
	produce(s.t, addrs, "rejected", []Record{{Key: []byte("d"), Value: []byte(`{"device":"d","msg_id":"refused"}`)}})
	e, err := Judge(s.t.Context(), JudgeOptions{Options: Options{Brokers: addrs}})
	if err != nil {
		s.t.Fatal(err)
	}
	return e
}

const raised = `alert.raised {"alert":"w1","problem":"news2","episode":1,"severity":"high","answer_by":"2026-03-02T07:14:00.000Z"}`

func TestJudgeOfAnHonestLog(t *testing.T) {
	s := &story{t: t}
	s.open()
	s.input("patient.enrolled", "demo/P-0113", "f1", `{}`, "ce_effect", "5.0")
	s.input("door.open", "*", "o1", `{}`)
	s.upload("m1", 1, 1, 2)
	s.upload("m1", 1, 1, 2) // the same again
	s.folded(1, raised)
	s.upload("m1", 1, 2, 3)                                                    // partly new
	s.input("patient.enrolled", "demo/P-0113", "f1", `{}`, "ce_effect", "5.0") // handed on twice
	s.input("accept.requested", "demo/P-0113", "click-1", `{"alert":"w1"}`)    // a click
	s.input("accept.requested", "demo/P-0113", "click-1", `{"alert":"w1"}`)    // and once more
	s.folded(2, `alert.accepted {"alert":"w1","care_by":"2026-03-02T07:20:00.000Z"}`)
	s.folded(0, `alert.closed {"alert":"w1"}`, strings.Replace(strings.Replace(raised, "w1", "w2", 1), `"episode":1`, `"episode":2`, 1))
	s.upload("m2", 2, 1) // nobody has come to it yet
	e := s.judge()
	if len(e.Faults) != 0 {
		t.Errorf("faults: %q", e.Faults)
	}
	if e.Folded != 2 || e.RepeatsFound != 3 || e.RepeatsTold != 3 || e.Steps != 3 || e.Lives != 1 || e.Behind() != 1 {
		t.Errorf("evidence: %+v", e)
	}
	if e.Records["m1"] != 3 || e.Records["m2"] != 1 {
		t.Errorf("records: %v", e.Records)
	}
	if missing := e.Missing([]string{"m1", "refused", "m3"}); !slices.Equal(missing, []string{"m3"}) {
		t.Errorf("missing: %v", missing)
	}
	w := e.Of("demo/P-0113")
	if len(w) != 2 || !w[0].Closed || w[1].Closed || w[1].AnswerBy == "" {
		t.Errorf("warnings: %+v", w)
	}
}

// Each kind of broken promise is seen, and told in a sentence.
func TestJudgeSeesEachBreach(t *testing.T) {
	for name, c := range map[string]struct {
		write func(*story)
		want  string
	}{
		"counted twice": {func(s *story) { s.upload("m1", 1, 1); s.upload("m1", 1, 1); s.folded(0) },
			"hold 1 repeats and its steps passed over 0"},
		"a reading dropped as a repeat": {func(s *story) { s.upload("m1", 1, 1); s.folded(1) },
			"hold 0 repeats and its steps passed over 1"},
		"inputs skipped": {func(s *story) { s.upload("m1", 1, 1); s.step++; s.settle(1, 1, 0) },
			"inputs were skipped"},
		"inputs settled twice": {func(s *story) { s.upload("m1", 1, 1); s.folded(0); s.step++; s.settle(0, 1, 0) },
			"inputs count twice"},
		"folded inputs gone": {func(s *story) { s.step++; s.settle(0, 4, 0) },
			"inputs that were folded are gone"},
		"warning raised twice": {func(s *story) { s.folded(0, raised); s.folded(0, strings.Replace(raised, "w1", "w2", 1)) },
			"a double"},
		"the same warning twice": {func(s *story) { s.folded(0, raised, raised) },
			"warning w1 is raised at offsets 1 and 2"},
		"episode out of turn": {func(s *story) { s.folded(0, strings.Replace(raised, `"episode":1`, `"episode":3`, 1)) },
			"is episode 3, after episode 0"},
		"no deadline": {func(s *story) { s.folded(0, `alert.raised {"alert":"w1","problem":"p","episode":1}`) },
			"has no deadline"},
		"never raised": {func(s *story) { s.folded(0, `alert.escalated {"alert":"w9"}`) },
			"speaks of warning w9, which was never raised"},
		"after its end": {func(s *story) { s.folded(0, raised, `alert.closed {"alert":"w1"}`, `alert.escalated {"alert":"w1"}`) },
			"speaks of warning w1, which is closed"},
	} {
		t.Run(name, func(t *testing.T) {
			s := &story{t: t}
			s.open()
			c.write(s)
			if e := s.judge(); !strings.Contains(strings.Join(e.Faults, "\n"), c.want) {
				t.Errorf("faults are %q, want one with %q", e.Faults, c.want)
			}
		})
	}
}

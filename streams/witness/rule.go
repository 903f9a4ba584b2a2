package witness

import (
	"encoding/json"
	"fmt"
	"strconv"
)

// Verdict is what the rule of reading says of one record.
type Verdict string

// The verdicts.
const (
	Plain   Verdict = "-"       // the topic has no steps: every record counts as it stands
	Begins  Verdict = "life"    // owner.open: a life begins
	Holds   Verdict = "holds"   // part of a step that holds
	Void    Verdict = "void"    // passed over by every reader
	Repeat  Verdict = "repeat"  // a second copy, void as well
	Open    Verdict = "open"    // its step has not been closed yet
	Unknown Verdict = "unknown" // stands before the first life that can be seen: the log is trimmed there
)

// Judged is a record with its verdict, and why when it is void.
type Judged struct {
	Record
	Verdict Verdict
	Why     string
}

// Closed is one step that holds.
type Closed struct {
	Partition  int
	Life       string
	Number     int64
	Offset     int64 // of its closing record
	Count      int
	From, Next int64 // the offsets of its inputs: [From, Next)
	Repeats    int
	ClockText  string // the partition's clock at its end, as it stands in the record
	Events     []Record
}

// Rule judges one partition of a topic with steps, record after record in the order of the log:
//
// owner.open begins a life. A step holds when its closing record is of the newest life, its number
// follows the last one that held, and all its events stand between that owner.open and the closing
// record; of two events with the same index the first counts. Everything else is void.
type Rule struct {
	life string
	last int64
	// seen: a life has begun since reading began. sure: last is known. Both are false at first when the
	// log is trimmed, and then the first whole step of the first life that can be seen is believed.
	seen, sure bool

	queue   []*Judged                 // in the order of the log, from the first that is not settled
	waiting map[int64]map[int]*Judged // events of the newest life by step and index
	void    int64

	// OnStep, when set, is called with each step that holds.
	OnStep func(Closed)
}

// NewRule reads from the very beginning of a partition, or, when trimmed, from wherever the log begins now.
func NewRule(trimmed bool) *Rule {
	return &Rule{seen: !trimmed, sure: !trimmed, waiting: map[int64]map[int]*Judged{}}
}

// NewRuleAt goes on behind a closing record that is known to hold.
func NewRuleAt(life string, number int64) *Rule {
	return &Rule{life: life, last: number, seen: true, sure: true, waiting: map[int64]map[int]*Judged{}}
}

// Passed is how many records were void or repeats so far.
func (r *Rule) Passed() int64 { return r.void }

// At is the newest life and the last step that held.
func (r *Rule) At() (life string, number int64) { return r.life, r.last }

// Read takes the next record and answers those that are now settled, in the order of the log.
func (r *Rule) Read(rec Record) []Judged {
	j := &Judged{Record: rec}
	r.queue = append(r.queue, j)
	r.judge(j)
	return r.settled()
}

// Rest answers what is not settled at the end of reading: events of steps that nobody has closed yet.
func (r *Rule) Rest() []Judged {
	for _, j := range r.queue {
		if j.Verdict == "" {
			j.Verdict, j.Why = Open, "its step is not closed yet"
		}
	}
	return r.settled()
}

func (r *Rule) settled() []Judged {
	var out []Judged
	for len(r.queue) > 0 && r.queue[0].Verdict != "" {
		j := r.queue[0]
		if j.Verdict == Void || j.Verdict == Repeat {
			r.void++
		}
		out = append(out, *j)
		r.queue = r.queue[1:]
	}
	return out
}

func (r *Rule) judge(j *Judged) {
	life := j.Header("ce_life")
	step, err := strconv.ParseInt(j.Header("ce_step"), 10, 64)
	switch kind := j.Header("ce_type"); {
	case kind == "owner.open":
		r.open(j)
	case !r.seen:
		j.Verdict, j.Why = Unknown, "the log is trimmed before the life that wrote it"
	case life == "" || err != nil:
		j.Verdict, j.Why = Void, "carries no life and step"
	case life != r.life:
		j.Verdict, j.Why = Void, fmt.Sprintf("of life %s, which had ended: the newest is %s", life, r.life)
	case kind == "owner.step":
		r.closeStep(j, step)
	default:
		r.event(j, step)
	}
}

func (r *Rule) open(j *Judged) {
	var v struct{ Life string }
	if err := json.Unmarshal(j.Value, &v); err != nil || v.Life == "" {
		j.Verdict, j.Why = Void, "names no life"
		return
	}
	for _, q := range r.queue {
		if q.Verdict == "" && q != j {
			q.Verdict, q.Why = Void, "its life ended before its step was closed"
		}
	}
	r.life, r.seen, r.waiting = v.Life, true, map[int64]map[int]*Judged{}
	j.Verdict = Begins
}

func (r *Rule) event(j *Judged, step int64) {
	index, err := strconv.Atoi(j.Header("ce_index"))
	switch {
	case err != nil || index < 0:
		j.Verdict, j.Why = Void, "carries no index"
	case !json.Valid(j.Value):
		j.Verdict, j.Why = Void, "is no JSON"
	case r.sure && step <= r.last:
		j.Verdict, j.Why = Repeat, fmt.Sprintf("step %d is closed already", step)
	case r.waiting[step][index] != nil:
		j.Verdict, j.Why = Repeat, fmt.Sprintf("event %d of step %d stands at offset %d already", index, step, r.waiting[step][index].Offset)
	default:
		if r.waiting[step] == nil {
			r.waiting[step] = map[int]*Judged{}
		}
		r.waiting[step][index] = j
	}
}

func (r *Rule) closeStep(j *Judged, number int64) {
	var v struct {
		Number  int64
		Count   int
		Inputs  struct{ From, Next int64 }
		Clock   json.RawMessage
		Repeats int
	}
	if err := json.Unmarshal(j.Value, &v); err != nil {
		j.Verdict, j.Why = Void, fmt.Sprintf("closing record cannot be read: %v", err)
		return
	}
	events := r.waiting[number]
	switch missing := missingIn(events, v.Count); {
	case v.Number != number:
		j.Verdict, j.Why = Void, fmt.Sprintf("header says step %d and value says %d", number, v.Number)
	case r.sure && number <= r.last:
		j.Verdict, j.Why = Repeat, fmt.Sprintf("step %d is closed already", number)
	case r.sure && number != r.last+1:
		j.Verdict, j.Why = Void, fmt.Sprintf("step %d does not follow %d", number, r.last)
	case missing >= 0:
		j.Verdict, j.Why = Void, fmt.Sprintf("event %d of %d is not there", missing, v.Count)
	default:
		j.Verdict = Holds
		r.last, r.sure = number, true
		held := r.settle(number, v.Count)
		if r.OnStep != nil {
			r.OnStep(Closed{Partition: j.Partition, Life: r.life, Number: number, Offset: j.Offset, Count: v.Count,
				From: v.Inputs.From, Next: v.Inputs.Next, Repeats: v.Repeats, ClockText: string(v.Clock), Events: held})
		}
	}
}

// missingIn answers the first index below count that is not there, -1 when all are.
func missingIn(events map[int]*Judged, count int) int {
	for i := range count {
		if events[i] == nil {
			return i
		}
	}
	return -1
}

// settle gives the events of a step that holds their verdict, and answers them by index.
func (r *Rule) settle(number int64, count int) []Record {
	held := make([]Record, count)
	for i, e := range r.waiting[number] {
		if i < count {
			e.Verdict = Holds
			held[i] = e.Record
		} else {
			e.Verdict, e.Why = Void, fmt.Sprintf("index %d is beyond the step's %d events", i, count)
		}
	}
	delete(r.waiting, number)
	for step, events := range r.waiting { // only after a trim can an older step still wait
		if step < number {
			for _, e := range events {
				e.Verdict, e.Why = Void, fmt.Sprintf("its step was never closed and %d holds", number)
			}
			delete(r.waiting, step)
		}
	}
	return held
}

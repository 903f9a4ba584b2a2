package witness

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"hash"
	"time"
)

// health is what the doctor learns of one partition of a pair.
type health struct {
	partition int
	inputs    span
	decisions span

	rounds, broken int   // checkpoints that are whole; those that have an end and are not
	newest         *base // the one from which an owner would restore

	steps, passed int64
	unclosed      int
	last          Closed // the last step that holds; Number 0 when there is none
	begun         bool   // a life has begun
	gaps          []string
	oldest        time.Time // stamp of the oldest input that is not folded; zero when all are
	stamp         time.Time // stamp of the newest input
}

// base is a round of checkpoints that is whole: every state is as at this step.
type base struct {
	Round, Life    string
	Number, Offset int64
	Input          int64
}

// settled is the first input that no step has folded.
func (h *health) settled() int64 {
	if h.last.Number > 0 {
		return h.last.Next
	}
	if h.newest != nil {
		return h.newest.Input
	}
	return 0
}

func (x *exam) pair(ctx context.Context, p Pair) {
	n := len(x.known[p.Inputs].Partitions)
	if n == 0 || len(x.known[p.Decisions].Partitions) != n || len(x.known[p.Checkpoints].Partitions) != n {
		return // the topics' own checks have told why
	}
	// In this order, since the log goes on: a round rests on steps that are there before it, and a step on inputs.
	checkpoints, err1 := x.log.bounds(ctx, p.Checkpoints, n)
	decisions, err2 := x.log.bounds(ctx, p.Decisions, n)
	inputs, err3 := x.log.bounds(ctx, p.Inputs, n)
	if err := errors.Join(err1, err2, err3); err != nil {
		x.tell(Fault, "log", "look at the broker's own log", "%v", err)
		return
	}
	var all []*health
	for i := range n {
		h := &health{partition: i, inputs: inputs[i], decisions: decisions[i]}
		if err := x.look(ctx, p, h, checkpoints[i]); err != nil {
			x.tell(Fault, fmt.Sprintf("%s/%d", p.Decisions, i), "look at the broker's own log", "cannot be read: %v", err)
			return
		}
		all = append(all, h)
	}
	x.checkpoints(p, all)
	x.stepsOf(p, all)
	x.lag(p, all)
	x.clock(p, all)
}

// look reads one partition: its rounds, its decisions from the newest round on, the inputs that wait.
func (x *exam) look(ctx context.Context, p Pair, h *health, checkpoints span) error {
	if err := x.readRounds(ctx, p, h, checkpoints); err != nil {
		return err
	}
	rule, from := NewRule(h.decisions.first > 0), h.decisions.first
	if h.newest != nil {
		rule, from = NewRuleAt(h.newest.Life, h.newest.Number), max(h.newest.Offset+1, h.decisions.first)
		h.begun = true
	}
	rule.OnStep = h.step
	err := x.log.each(ctx, p.Decisions, h.partition, from, h.decisions.next, func(r Record) error {
		for _, j := range rule.Read(r) {
			h.begun = h.begun || j.Verdict == Begins
		}
		return nil
	})
	if err != nil {
		return err
	}
	h.unclosed, h.passed = len(rule.Rest()), rule.Passed()
	at := max(h.settled(), h.inputs.first)
	if at < h.inputs.next {
		err = x.log.each(ctx, p.Inputs, h.partition, at, at+1, func(r Record) error { h.oldest = r.Time; return nil })
	}
	if err == nil && h.inputs.next > h.inputs.first {
		err = x.log.each(ctx, p.Inputs, h.partition, h.inputs.next-1, h.inputs.next, func(r Record) error { h.stamp = r.Time; return nil })
	}
	return err
}

func (h *health) step(c Closed) {
	if was := h.settled(); h.last.Number+h.number() > 0 && c.From != was {
		h.gaps = append(h.gaps, fmt.Sprintf("step %d begins at input %d, the one before ended at %d", c.Number, c.From, was))
	}
	h.steps++
	h.last = c
}

// number is the step of the newest round, 0 without one.
func (h *health) number() int64 {
	if h.newest == nil {
		return 0
	}
	return h.newest.Number
}

// openRound is a round whose end has not been read yet.
type openRound struct {
	base
	sum   hash.Hash
	count int
	bad   bool
}

// readRounds looks for the whole round with the highest step that stands in decisions.
func (x *exam) readRounds(ctx context.Context, p Pair, h *health, s span) error {
	open := map[string]*openRound{}
	var whole []base
	err := x.log.each(ctx, p.Checkpoints, h.partition, s.first, s.next, func(r Record) error {
		var v struct {
			base
			Common, State json.RawMessage
			Count         int
			Sum           string
		}
		if err := json.Unmarshal(r.Value, &v); err != nil {
			h.broken++
			return nil
		}
		o := open[v.Round]
		switch kind := r.Header("ce_type"); {
		case kind == "checkpoint.began":
			open[v.Round] = &openRound{base: v.base, sum: sha256.New(), bad: !json.Valid(v.Common)}
		case o == nil: // its beginning is trimmed
		case kind == "checkpoint.state":
			key := r.Header("ce_subject")
			o.count++
			fmt.Fprintf(o.sum, "%d:%s%d:%s", len(key), key, len(v.State), v.State)
		case kind == "checkpoint.completed":
			delete(open, v.Round)
			if o.bad || o.count != v.Count || hex.EncodeToString(o.sum.Sum(nil)) != v.Sum {
				h.broken++
				return nil
			}
			h.rounds++
			whole = append(whole, o.base)
		}
		return nil
	})
	if err != nil {
		return err
	}
	for i := range whole {
		stands, err := x.stands(ctx, p, h, whole[i])
		if err != nil {
			return err
		}
		if stands && (h.newest == nil || whole[i].Number > h.newest.Number) {
			h.newest = &whole[i]
		}
	}
	return nil
}

// stands tells whether the step that a round names is at its place in decisions, or is trimmed away.
func (x *exam) stands(ctx context.Context, p Pair, h *health, b base) (stands bool, err error) {
	if b.Offset < h.decisions.first {
		return true, nil
	}
	if b.Offset >= h.decisions.next {
		return false, nil
	}
	err = x.log.each(ctx, p.Decisions, h.partition, b.Offset, b.Offset+1, func(r Record) error {
		stands = r.Header("ce_type") == "owner.step" && r.Header("ce_life") == b.Life && r.Header("ce_step") == fmt.Sprint(b.Number)
		return nil
	})
	return stands, err
}

func (x *exam) checkpoints(p Pair, all []*health) {
	var rounds, broken int
	sick := false
	for _, h := range all {
		rounds, broken = rounds+h.rounds, broken+h.broken
		check := fmt.Sprintf("%s/%d", p.Checkpoints, h.partition)
		switch {
		case h.decisions.first == 0 && h.newest == nil: // everything can be folded from the beginning
		case h.newest == nil:
			sick = true
			x.tell(Fault, check, "stop the owners, keep the log's files, and restore from the backup",
				"%s/%d begins at offset %d and no whole round of states tells what was before: nobody can take this partition over",
				p.Decisions, h.partition, h.decisions.first)
		case h.newest.Offset+1 < h.decisions.first:
			sick = true
			x.tell(Fault, check, "stop the owners, keep the log's files, and restore from the backup",
				"the newest whole round is as at offset %d, but %s/%d begins at %d: the steps between are gone",
				h.newest.Offset, p.Decisions, h.partition, h.decisions.first)
		case h.newest.Input < h.inputs.first:
			sick = true
			x.tell(Fault, check, "stop the owners, keep the log's files, and restore from the backup",
				"the newest whole round has folded inputs up to %d, but %s/%d begins at %d: the inputs between are gone",
				h.newest.Input, p.Inputs, h.partition, h.inputs.first)
		}
	}
	switch {
	case broken > 0:
		x.tell(Warn, p.Checkpoints, "nothing at once, the round before serves; if it happens again look at the disk",
			"%s of states cannot be read or does not match its checksum", plural(broken, "round"))
	case !sick:
		x.tell(OK, p.Checkpoints, "", "%s of states, whole and in place", plural(rounds, "round"))
	}
}

func (x *exam) stepsOf(p Pair, all []*health) {
	var steps, passed int64
	sick := false
	for _, h := range all {
		steps, passed = steps+h.steps, passed+h.passed
		check := fmt.Sprintf("%s/%d", p.Decisions, h.partition)
		if len(h.gaps) > 0 {
			sick = true
			x.tell(Fault, check, "keep the log's files and report it: this must never happen", "%s (%s in all)", h.gaps[0], plural(len(h.gaps), "gap"))
		}
		if h.settled() > h.inputs.next {
			sick = true
			x.tell(Fault, check, "stop everything and keep the log's files: restore the log from its replicas or its backup",
				"steps have folded %s/%d up to %d, but it ends at %d: readings that were accepted are gone", p.Inputs, h.partition, h.settled(), h.inputs.next)
		}
		if h.newest == nil && h.last.Number == 0 && h.inputs.next > 0 && !h.begun {
			sick = true
			x.tell(Warn, check, "start the role monitor", "nobody has ever owned this partition, and %d inputs wait", h.inputs.next)
		}
	}
	if !sick {
		x.tell(OK, p.Decisions, "", "%d steps hold since the newest round, %d records are void or repeats", steps, passed)
	}
}

// lag compares what was folded with the end of inputs, by the steps themselves: committed offsets are for
// displays and prove nothing.
func (x *exam) lag(p Pair, all []*health) {
	var waiting int64
	var oldest time.Duration
	at := 0
	for _, h := range all {
		waiting += max(0, h.inputs.next-h.settled())
		if age := x.Now().Sub(h.oldest); !h.oldest.IsZero() && age > oldest {
			oldest, at = age, h.partition
		}
	}
	switch {
	case oldest > x.MaxAge:
		x.tell(Fault, p.Inputs, "is the role that owns this partition running? see /readyz and its log",
			"%d inputs wait; the oldest has waited %s, on partition %d: patients there are not watched", waiting, oldest.Round(time.Second), at)
	case waiting > 0:
		x.tell(OK, p.Inputs, "", "%d inputs are on their way, the oldest for %s", waiting, oldest.Round(time.Millisecond))
	default:
		x.tell(OK, p.Inputs, "", "everything is folded")
	}
}

// clock holds the stamps in the log against this machine's clock.
func (x *exam) clock(p Pair, all []*health) {
	now := x.Now()
	var ahead time.Duration
	what := ""
	for _, h := range all {
		if d := h.stamp.Sub(now); !h.stamp.IsZero() && d > ahead {
			ahead, what = d, fmt.Sprintf("the newest record of %s/%d", p.Inputs, h.partition)
		}
		var clock time.Time
		if h.last.ClockText != "" && json.Unmarshal([]byte(h.last.ClockText), &clock) == nil && clock.Sub(now) > ahead {
			ahead, what = clock.Sub(now), fmt.Sprintf("the clock of %s/%d", p.Decisions, h.partition)
		}
	}
	if ahead > 2*time.Second {
		x.tell(Warn, "clock", "look at the time service (chronyc tracking, timedatectl) here and on the machines that write",
			"%s is %s ahead of this machine's clock", what, ahead.Round(time.Second))
		return
	}
	x.tell(OK, "clock", "", "nothing in %s and %s is ahead of this machine's clock", p.Inputs, p.Decisions)
}

package deploy

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"tocsin/alerts/audit"
	"tocsin/streams"
	"tocsin/streams/event"
)

// What can be wrong with a partition, beside what is wrong with its warnings (alerts/audit).
const (
	logAway         audit.Kind = "log_away" // the log does not say where it ends
	partitionUnread audit.Kind = "unread"   // the auditor itself gets no further
	partitionStill  audit.Kind = "still"    // what came in is not decided upon
	partitionQuiet  audit.Kind = "quiet"    // nothing comes in, not even a door's beat
)

// mark is an end of a topic, and when it was asked for.
type mark struct {
	at  time.Time
	end int64
}

func (m mark) set() bool { return !m.at.IsZero() }

// age answers for how long a mark has stood at a moment; one that is not set has not.
func (m mark) age(at time.Time) time.Duration {
	if !m.set() {
		return 0
	}
	return at.Sub(m.at)
}

// looks is what looking at the ends of a partition's topics has shown so far. An age counts from a look and never from a
// time that somebody wrote, so that no wrong clock of a door or an owner makes a partition look dead, or alive.
type looks struct {
	read    mark // of decisions: once it is read, everything that was decided by then is known
	settled mark // of inputs: once a step has settled it, everything that had come in by then is decided upon
	grew    mark // of inputs, at the look at which they had last grown
	moved   mark // of what the auditor has read, at the look at which it had last got on
	away    mark // when the log first did not answer
	awayFor error

	caughtUp bool            // the end was reached once
	known    []audit.Finding // what was wrong by what had been decided at the last mark that was read
	last     []audit.Finding // all that was wrong at the last look that the log answered
}

// beatsMissed is after how long without anything no door can be there: each beats every few seconds, and may miss one.
const beatsMissed = 15 * time.Second

// askWithin is how long the log may take to say where a topic ends.
const askWithin = 5 * time.Second

// look asks where the partition ends and answers what is wrong with it.
func (p *audited) look(ctx context.Context, a *auditor) []audit.Finding {
	at := a.clock()
	inputs, decisions, err := p.ends(ctx, a.log)
	p.mu.Lock()
	defer p.mu.Unlock()
	if err != nil {
		return p.unanswered(a.clock(), err, a.within)
	}
	p.looked(at, inputs, decisions, a.within)
	p.looks.last = p.standing(at, a.within)
	return p.looks.last
}

// ends answers the offsets that the next input and the next record of a step will get.
func (p *audited) ends(ctx context.Context, log streams.Log) (inputs, decisions int64, err error) {
	ctx, cancel := context.WithTimeout(ctx, askWithin)
	defer cancel()
	if _, inputs, err = log.Bounds(ctx, streams.Inputs, p.number); err == nil {
		_, decisions, err = log.Bounds(ctx, streams.Decisions, p.number)
	}
	return inputs, decisions, err
}

// unanswered keeps what was wrong and lets no age grow while nothing can be seen.
func (p *audited) unanswered(at time.Time, err error, within time.Duration) []audit.Finding {
	l := &p.looks
	l.read, l.settled, l.grew, l.moved = mark{}, mark{}, mark{}, mark{}
	if !l.away.set() {
		l.away, l.awayFor = mark{at: at}, err
	}
	if l.away.age(at) <= within {
		return l.last
	}
	return append(slices.Clone(l.last), p.finding(logAway, l.away, fmt.Sprintf(
		"the log does not answer (%v): nothing that patients measure is taken, and no deadline is looked after; start it, or mend the way to it", l.awayFor)))
}

// looked takes in one look.
func (p *audited) looked(at time.Time, inputs, decisions int64, within time.Duration) {
	l := &p.looks
	l.away, l.awayFor = mark{}, nil
	if p.covered >= l.settled.end || !l.settled.set() {
		l.settled = mark{at, inputs}
	}
	if l.read.set() && p.read >= l.read.end {
		l.caughtUp, l.known = true, p.find(l.read.at, within)
	}
	if p.read >= l.read.end || !l.read.set() {
		l.read = mark{at, decisions}
	}
	if inputs != l.grew.end || !l.grew.set() {
		l.grew = mark{at, inputs}
	}
	if p.read != l.moved.end || !l.moved.set() {
		l.moved = mark{at, p.read}
	}
}

// find answers what is wrong by what had been decided at a moment. That a step is missing can be said of no later one.
func (p *audited) find(at time.Time, within time.Duration) (all []audit.Finding) {
	for subject, s := range p.patients {
		all = append(all, audit.Find(subject, s, event.TimeOf(at), within)...)
	}
	if l := p.looks; p.covered < l.settled.end && l.settled.age(at) > within {
		all = append(all, p.still(l.settled))
	}
	return all
}

// standing answers everything that is wrong with the partition at a moment.
func (p *audited) standing(at time.Time, within time.Duration) []audit.Finding {
	l := &p.looks
	all := slices.Clone(l.known)
	unread := l.moved // the first reading of a long log takes its time, but gets on
	if l.caughtUp {
		unread = l.read
	}
	switch {
	case p.lost != nil:
		all = append(all, p.unreadable())
	case p.read < l.read.end && unread.age(at) > within:
		all = append(all, p.finding(partitionUnread, unread, "the auditor does not get on with reading what was decided, so nobody looks after the deadlines of this partition's warnings; look whether log and network are well, and start it again"))
	}
	if l.grew.end > 0 && l.grew.age(at) > max(within, beatsMissed) {
		all = append(all, p.quiet(l.grew))
	}
	return all
}

func (p *audited) still(m mark) audit.Finding {
	return p.finding(partitionStill, m, "the partition stands still: what had come in by then is not decided upon, and deadlines of its warnings may pass unnoticed; look with `tocsin doctor` whether its owner (role monitor) runs and keeps up")
}

func (p *audited) quiet(m mark) audit.Finding {
	return p.finding(partitionQuiet, m, "nothing has come in since, not even a door's beat, of which each door writes one every few seconds: nothing that patients measure arrives; look whether gateway and bridge run and reach the log")
}

// unreadable is told for good: only another program, or another log, can mend it.
func (p *audited) unreadable() audit.Finding {
	return p.finding(partitionUnread, mark{at: p.lostAt}, fmt.Sprintf("the auditor cannot read on (%v), so nobody looks after the deadlines of this partition's warnings; update it, or start it again", p.lost))
}

// finding keeps to one line, which several errors put together would not.
func (p *audited) finding(kind audit.Kind, since mark, says string) audit.Finding {
	return audit.Finding{Kind: kind, Subject: streams.PartitionKey(p.number), Since: event.TimeOf(since.at), Says: strings.ReplaceAll(says, "\n", "; ")}
}

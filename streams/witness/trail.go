package witness

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
)

// AuditOptions say what the audit log is held against.
type AuditOptions struct {
	Options
	Topic string    // default: audit
	Keys  []string  // public keys in hex; none: what the chains say of themselves is believed, which the report says
	Heads io.Reader // lines of the heads files; nil: the log's end cannot be checked
	// Repeats lets a record be there twice, byte for byte: a sender writes such a pair when the embedded log was killed and
	// what was under way is sent again. Nothing is hidden by it.
	Repeats bool
}

// AuditReport is what was found. Faults is in the order of the log, what is missing after it.
type AuditReport struct {
	Records  int64
	Repeats  int64
	Chains   []AuditChain
	Held     int // heads that other chains and the heads file name, each checked
	Lines    int // of the heads file
	From, To string
	Faults   []AuditFault
}

// Audit reads the whole audit log and judges it. The error is about reading alone.
func Audit(ctx context.Context, o AuditOptions) (AuditReport, error) {
	if o.Topic == "" {
		o.Topic = "audit"
	}
	log, hangUp := dial(o.Options)
	defer hangUp()
	topics, _, err := log.topics(ctx)
	if err != nil {
		return AuditReport{}, err
	}
	n := len(topics[o.Topic].Partitions)
	if n == 0 {
		return AuditReport{}, fmt.Errorf("there is no topic %s: no desk has run on this log", o.Topic)
	}
	spans, err := log.bounds(ctx, o.Topic, n)
	if err != nil {
		return AuditReport{}, err
	}
	for p, s := range spans {
		if s.first > 0 {
			return AuditReport{Faults: []AuditFault{{p, s.first, "the log begins here: what was before is not there"}}}, nil
		}
	}
	return audit(o, func(take func(Record)) error {
		for p, s := range spans {
			if err := log.each(ctx, o.Topic, p, s.first, s.next, func(r Record) error { take(r); return nil }); err != nil {
				return err
			}
		}
		return nil
	})
}

// AuditRecords judges records that were read already, all of an audit log in its order.
func AuditRecords(o AuditOptions, records []Record) (AuditReport, error) {
	return audit(o, func(take func(Record)) error {
		for _, r := range records {
			take(r)
		}
		return nil
	})
}

// audit goes over the records twice: what they say of each other, then what they are.
func audit(o AuditOptions, over func(take func(Record)) error) (AuditReport, error) {
	c := newChains(o.Keys)
	lines, err := c.lines(o.Heads)
	if err == nil {
		err = errors.Join(over(c.gather), over(c.judge))
	}
	if err != nil {
		return AuditReport{}, err
	}
	return c.report(lines, o.Repeats), nil
}

// lines reads a heads file.
func (c *chains) lines(r io.Reader) (n int, err error) {
	if r == nil {
		return 0, nil
	}
	for in := bufio.NewScanner(r); in.Scan() || in.Err() != nil; {
		if in.Err() != nil {
			return n, fmt.Errorf("read the heads file: %w", in.Err())
		}
		if len(in.Bytes()) == 0 {
			continue
		}
		n++
		var l HeadLine
		if err := json.Unmarshal(in.Bytes(), &l); err != nil {
			c.fault(Record{Offset: -1}, "line %d of the heads file cannot be read: %v", n, err)
			continue
		}
		c.line(n, l)
	}
	return n, nil
}

func (c *chains) report(lines int, repeats bool) AuditReport {
	held := c.end()
	r := AuditReport{Records: c.records, Repeats: c.repeats, Held: held, Lines: lines, From: c.from, To: c.to, Faults: c.faults}
	for _, id := range c.order {
		r.Chains = append(r.Chains, *c.all[id])
	}
	if repeats {
		r.Faults = slices.DeleteFunc(r.Faults, func(f AuditFault) bool { return strings.HasSuffix(f.What, repeatWords) })
	}
	if r.Records == 0 {
		r.Faults = append(r.Faults, AuditFault{Offset: -1, What: "the audit log is empty: a desk writes into it when it starts"})
	}
	return r
}

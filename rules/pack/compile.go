package pack

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"

	"github.com/goccy/go-yaml/ast"

	"tocsin/rules"
	"tocsin/streams/event"
)

// Compile reads the text of a pack. The error is Faults: all of them, with line and column.
func Compile(text string) (*rules.Pack, error) { return CompileFile("pack.yaml", text) }

// CompileFile is Compile for a file with a name, which then stands in every fault.
func CompileFile(file, text string) (*rules.Pack, error) {
	sum := sha256.Sum256([]byte(text))
	c := &compiler{reader: reader{file: file}, pack: &rules.Pack{Sum: hex.EncodeToString(sum[:]), Mark: binary.BigEndian.Uint64(sum[:])}, ids: map[string]ast.Node{}, said: map[string]bool{}}
	if root := c.parse(text); root != nil {
		c.root(root)
	}
	if err := c.err(); err != nil {
		return nil, err
	}
	if err := c.pack.Finish(); err != nil {
		return nil, Faults{{file, 1, 1, err.Error()}}
	}
	return c.pack, nil
}

// compiler reads one pack.
type compiler struct {
	reader
	pack     *rules.Pack
	ids      map[string]ast.Node // of rules, each once
	cited    []cited
	ownRest  []rules.Limit // steps for every signal without steps of its own
	ownGiven [event.Quantities]bool
	said     map[string]bool // names that conditions use
	waiting  []func()        // conditions, until all names are known
}

// cited is a place that names a source.
type cited struct {
	n   ast.Node
	id  string
	off bool // of a rule that is not in effect
}

func (c *compiler) root(n ast.Node) {
	p := c.pack
	var zone string
	c.mapping(n, "a pack", fields{
		"pack!":       c.id(&p.ID),
		"version!":    c.whole(&p.Version, 1, 1_000_000),
		"zh!":         c.text(&p.Zh),
		"en!":         c.text(&p.En),
		"signatures":  c.whole(&p.Signatures, 1, 2),
		"zone":        func(n ast.Node) { c.text(&zone)(n); c.zone(n, zone) },
		"as_recorded": c.truth(&p.AsRecorded),
		"sources!":    c.sources,
		"signals!":    c.signals,
		"questions":   func(n ast.Node) { c.each(n, "questions", c.question) },
		"facts":       func(n ast.Node) { c.each(n, "facts", c.fact) },
		"derived":     func(n ast.Node) { c.each(n, "derived", c.derived) },
		"measures":    func(n ast.Node) { c.each(n, "measures", c.measure) },
		"rules":       func(n ast.Node) { c.each(n, "rules", c.condition) },
		"learn":       func(n ast.Node) { c.each(n, "learn", c.lesson) },
		"score":       c.score,
		"scores":      func(n ast.Node) { c.each(n, "scores", c.score) },
		"limits":      func(n ast.Node) { c.each(n, "limits", c.limit) },
		"own_targets": func(n ast.Node) { c.each(n, "own_targets", c.own) },
		"silence":     c.silence,
		"confirm":     c.confirm,
		"backlog":     c.backlog,
		"hold":        c.hold,
	})
	for _, read := range c.waiting {
		read()
	}
	c.finish(n)
}

// id reads a name that is safe in a URL and a topic.
func (c *compiler) id(to *string) func(ast.Node) {
	return func(n ast.Node) {
		s, ok := c.word(n)
		if !ok {
			return
		}
		if s == "" || strings.Trim(s, "abcdefghijklmnopqrstuvwxyz0123456789-_") != "" {
			c.fault(n, "%q is no id: use small letters, digits, - and _", s)
			return
		}
		*to = s
	}
}

// rule reads the id of a rule, which no other rule of the pack may have.
func (c *compiler) rule(to *string) func(ast.Node) {
	return func(n ast.Node) {
		c.id(to)(n)
		if *to == "" {
			return
		}
		if _, twice := c.ids[*to]; twice || slices.Contains([]string{rules.RuleSilence, rules.RuleUnconfirmed, rules.RuleMissing}, *to) {
			c.fault(n, "the rule id %q is taken", *to)
		}
		c.ids[*to] = n
	}
}

func (c *compiler) zone(n ast.Node, s string) {
	var sign rune
	var h, m int
	if k, _ := fmt.Sscanf(s, "%c%02d:%02d", &sign, &h, &m); k != 3 || sign != '+' && sign != '-' || h > 14 || m > 59 {
		c.fault(n, "zone %q: want an offset such as \"+08:00\"", s)
		return
	}
	c.pack.ZoneMin = h*60 + m
	if sign == '-' {
		c.pack.ZoneMin = -c.pack.ZoneMin
	}
}

func (c *compiler) sources(n ast.Node) {
	for _, kv := range c.pairs(n, "sources") {
		s := rules.Source{ID: kv.Key.String()}
		c.mapping(kv.Value, "a source", fields{
			"cite!": c.text(&s.Cite),
			"evidence!": func(n ast.Node) {
				if c.text(&s.Evidence)(n); !slices.Contains([]string{"R", "S", "I", "M", "P"}, s.Evidence) {
					c.fault(n, "evidence %q: want R (read), S (secondary), I (an implementation), M (memory) or P (our policy)", s.Evidence)
				}
			},
		})
		if slices.ContainsFunc(c.pack.Sources, func(o rules.Source) bool { return o.ID == s.ID }) {
			c.fault(kv.Key, "source %q stands here twice", s.ID)
		}
		c.pack.Sources = append(c.pack.Sources, s)
	}
}

// source notes that a number names its document; whether that exists is looked at when all have been read.
func (c *compiler) source(to *string) func(ast.Node) {
	return func(n ast.Node) {
		c.text(to)(n)
		c.cited = append(c.cited, cited{n: n, id: *to})
	}
}

func (c *compiler) signals(n ast.Node) {
	for _, kv := range c.pairs(n, "signals") {
		q, err := event.ParseQuantity(kv.Key.String())
		if err != nil {
			c.fault(kv.Key, "%v", err)
			continue
		}
		s := &c.pack.Signals[q]
		if *s != (rules.Signal{}) {
			c.fault(kv.Key, "signal %s stands here twice", q)
		}
		c.mapping(kv.Value, "a signal", fields{
			"unit!":     c.unit(q),
			"cadence":   c.span(&s.CadenceMs),
			"grace":     c.span(&s.GraceMs),
			"fresh":     c.span(&s.FreshMs),
			"gap":       c.span(&s.GapMs),
			"tolerance": c.decimal(&s.Tolerance),
			"source!":   c.source(&s.Source),
		})
		if s.CadenceMs > 0 && s.GraceMs == 0 {
			c.fault(kv.Key, "signal %s has a cadence and needs a grace", q)
		}
	}
}

// unit checks that the author means the unit in which readings of q are kept: nothing is converted here.
func (c *compiler) unit(q event.Quantity) func(ast.Node) {
	return func(n ast.Node) {
		s, ok := c.word(n)
		if _, _, want := rules.Name(q); ok && s != want && (want != "" || s != "code") {
			if want == "" {
				want = "code"
			}
			c.fault(n, "%s is kept in %s, not in %q", q, want, s)
		}
	}
}

func (c *compiler) silence(n ast.Node) {
	s := &c.pack.Silence
	c.mapping(n, "silence", fields{
		"severity!": c.severity(&s.Severity), "after_grave!": c.severity(&s.AfterGrave), "repeat": c.span(&s.RepeatMs), "source!": c.source(&s.Source),
	})
	if s.AfterGrave < event.Medium {
		c.fault(n, "silence after_grave must be medium at least: a patient who stops measuring after a grave reading is never a small matter")
	}
}

func (c *compiler) confirm(n ast.Node) {
	x := &c.pack.Confirm
	c.mapping(n, "confirm", fields{
		"within!": c.span(&x.WithinMs), "answer!": c.span(&x.AnswerMs), "severity!": c.severity(&x.Severity), "source!": c.source(&x.Source),
	})
}

func (c *compiler) backlog(n ast.Node) {
	b := &c.pack.Backlog
	c.mapping(n, "backlog", fields{
		"older!": c.span(&b.OlderMs), "settle!": c.span(&b.SettleMs), "late!": c.span(&b.LateMs), "source!": c.source(&b.Source),
	})
}

func (c *compiler) hold(n ast.Node) {
	var source string
	c.mapping(n, "hold", fields{"for!": c.span(&c.pack.HoldMs), "source!": c.source(&source)})
}

// limit reads one bound of a single sign.
func (c *compiler) limit(n ast.Node) {
	var q event.Quantity
	var off bool
	l, sources := rules.Limit{}, len(c.cited)
	c.mapping(n, "a limit", fields{
		"id!": c.rule(&l.ID), "signal!": func(n ast.Node) { q = c.quantity(n) },
		"at_most": c.bound(&l, false, false), "below": c.bound(&l, false, true), "at_least": c.bound(&l, true, false), "above": c.bound(&l, true, true),
		"mg_dl": func(n ast.Node) { c.mgPerDL(n, q, &l) }, "severity!": c.severity(&l.Severity), "danger": c.truth(&l.Danger), "unconfirmed": c.unconfirmed(&l.Unsure), "readings": c.whole(&l.Readings, 1, rules.Window),
		"margin": c.decimal(&l.Margin), "on_oxygen": c.truth(&l.OnOxygen), "source!": c.source(&l.Source), "zh": c.text(&l.Zh), "en": c.text(&l.En), "off": c.truth(&off),
	})
	c.rests(sources, off)
	if c.bounds(n) != 1 {
		c.fault(n, "limit %q needs exactly one of at_most, below, at_least, above", l.ID)
	}
	if l.Danger && l.Severity != event.High {
		c.fault(n, "limit %q is in the danger band and must be high", l.ID)
	}
	if l.Unsure && !l.Danger {
		c.fault(n, "limit %q: unconfirmed can count only in the danger band", l.ID)
	}
	if l.AltBound == nil && (q == event.GlucoseMmolPerL || q == event.SensorGlucoseMmolPerL) {
		alt := rules.InMgPerDL(l.Bound)
		l.AltBound = &alt
	}
	if q != event.NoQuantity && !off {
		c.pack.Limits[q] = append(c.pack.Limits[q], l)
	}
}

// mgPerDL reads the bound for readings that were sent in mg/dL.
func (c *compiler) mgPerDL(n ast.Node, q event.Quantity, l *rules.Limit) {
	var whole int
	c.whole(&whole, 1, 2000)(n)
	if q != event.GlucoseMmolPerL && q != event.SensorGlucoseMmolPerL {
		c.fault(n, "mg_dl is for glucose; give the signal before it")
		return
	}
	bound := rules.MgPerDL(int64(whole))
	l.AltBound = &bound
}

// bounds counts how many of the four ways to write a bound a limit has.
func (c *compiler) bounds(n ast.Node) (count int) {
	m, ok := n.(*ast.MappingNode)
	if !ok {
		return 0
	}
	for _, kv := range m.Values {
		if slices.Contains([]string{"at_most", "below", "at_least", "above"}, kv.Key.String()) {
			count++
		}
	}
	return count
}

func (c *compiler) bound(l *rules.Limit, above, strict bool) func(ast.Node) {
	return func(n ast.Node) {
		c.decimal(&l.Bound)(n)
		l.Above, l.Strict = above, strict
	}
}

func (c *compiler) unconfirmed(to *bool) func(ast.Node) {
	return func(n ast.Node) {
		switch s, _ := c.word(n); s {
		case "counts":
			*to = true
		case "asks":
		default:
			c.fault(n, "unconfirmed %q: want counts (at once, marked unsure) or asks (a repeat first)", s)
		}
	}
}

// rests takes a rule that is off out of the question whether its source has been read: what is only remembered waits in
// the pack until it has been.
func (c *compiler) rests(from int, off bool) {
	for i := from; off && i < len(c.cited); i++ {
		c.cited[i].off = true
	}
}

// own reads one step beyond a patient's own target. The signal "rest" stands for all that have no steps.
func (c *compiler) own(n ast.Node) {
	var q event.Quantity
	var rest, off bool
	var side string
	l, sources := rules.Limit{}, len(c.cited)
	c.mapping(n, "an own target", fields{
		"id!": c.rule(&l.ID),
		"signal!": func(n ast.Node) {
			if s, _ := c.word(n); s == "rest" {
				rest = true
				return
			}
			q = c.quantity(n)
		},
		"side!": func(n ast.Node) {
			c.text(&side)(n)
			if l.Above = side == "high"; !l.Above && side != "low" {
				c.fault(n, "side %q: want low or high", side)
			}
		},
		"beyond": c.decimal(&l.Bound), "severity!": c.severity(&l.Severity), "readings": c.whole(&l.Readings, 1, rules.Window), "margin": c.decimal(&l.Margin),
		"on_oxygen": c.truth(&l.OnOxygen), "source!": c.source(&l.Source), "zh": c.text(&l.Zh), "en": c.text(&l.En), "off": c.truth(&off),
	})
	c.rests(sources, off)
	switch {
	case off:
	case rest:
		c.ownRest = append(c.ownRest, l)
	case q != event.NoQuantity:
		c.ownGiven[q] = true
		c.pack.Own[q] = append(c.pack.Own[q], l)
	}
}

// finish looks at what only the whole can show.
func (c *compiler) finish(n ast.Node) {
	for _, x := range c.cited {
		i := slices.IndexFunc(c.pack.Sources, func(s rules.Source) bool { return s.ID == x.id })
		switch {
		case i < 0:
			c.fault(x.n, "source %q is not among the sources", x.id)
		case c.pack.Sources[i].Evidence == "M" && !x.off:
			c.fault(x.n, "source %q is memory (M): what rests on it is off: true, or stays out of the pack, until the source has been read", x.id)
		}
	}
	for q := range event.Quantities {
		if !c.ownGiven[q] {
			c.pack.Own[q] = slices.Clone(c.ownRest)
		}
		rules.SortLimits(c.pack.Limits[q])
		rules.SortLimits(c.pack.Own[q])
		c.expects(n, event.Quantity(q))
	}
	if !c.pack.AsRecorded && (c.pack.Confirm.AnswerMs == 0 || c.pack.Confirm.Severity < event.Medium) {
		c.fault(n, "a pack needs confirm, with a time to answer and a severity of medium at least: an unconfirmed extreme must come up by itself")
	}
}

// expects checks that what is expected can also be told missing.
func (c *compiler) expects(n ast.Node, q event.Quantity) {
	if c.pack.Signals[q].CadenceMs > 0 && c.pack.Silence.Severity == event.NoSeverity {
		c.fault(n, "signal %s is expected, so the pack needs silence", q)
	}
}

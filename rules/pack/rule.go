package pack

import (
	"errors"
	"regexp"
	"slices"

	"github.com/goccy/go-yaml/ast"

	"tocsin/rules"
	"tocsin/rules/condition"
	"tocsin/rules/expr"
	"tocsin/streams/event"
)

// Conditions may name signals, questions, facts, derived series and their own params wherever these stand in the file, so
// they are read in a second pass, when all names are known.

// later is a condition or number that waits for the names.
type later struct {
	n      ast.Node
	text   string
	params []rules.Param // of the rule that it belongs to
	rule   string
	number bool
	to     func(expr.Expr)
}

// expression notes a CEL text.
func (c *compiler) expression(number bool, rule *string, params *[]rules.Param, text *string, to func(expr.Expr)) func(ast.Node) {
	return func(n ast.Node) {
		s, ok := c.word(n)
		if !ok {
			return
		}
		if text != nil {
			*text = s
		}
		c.waiting = append(c.waiting, func() {
			l := later{n: n, text: s, number: number, to: to}
			if rule != nil {
				l.rule = *rule
			}
			if params != nil {
				l.params = *params
			}
			c.express(l)
		})
	}
}

// express reads a text with the names of the whole pack and the params of its rule.
func (c *compiler) express(l later) {
	names := slices.Clone(c.names())
	for _, p := range l.params {
		names = append(names, condition.Name{Name: p.Name, Kind: expr.Number, Unit: p.Unit})
	}
	env, err := condition.New(names)
	if err != nil {
		c.fault(l.n, "%v", err)
		return
	}
	read := env.Truth
	if l.number {
		read = env.Number
	}
	e, err := read(l.text)
	if err != nil {
		c.conditionFaults(l.n, err)
		return
	}
	if byNothing(e) {
		c.fault(l.n, "this divides by 0, so that it is never known")
	}
	if looks := cost(e); looks > maxCost {
		c.fault(l.n, "this looks back %d times (trend counts for %d); %d at most, so that no rule can hold up the readings behind it: split it, or compute a part as a derived series", looks, trendCost, maxCost)
	}
	for _, p := range l.params {
		e = named(e, p.Name, rules.ParamName(l.rule, p.Name))
	}
	l.to(e)
}

// What one condition may cost. Nothing in a condition loops, and a window has a bounded number of steps, so its cost is known
// when it is read: a rule that is too slow is refused here and needs no clock to be fenced.
const (
	maxCost   = 48 // looks back over a window, each well under 2 µs
	trendCost = 8  // trend compares every two steps
)

// cost counts how often e looks back.
func cost(e expr.Expr) int {
	n := 0
	if e.Op == expr.Call {
		if n = 1; e.Func == "trend" {
			n = trendCost
		}
	}
	for _, a := range e.Args {
		n += cost(a)
	}
	return n
}

// byNothing tells whether e divides by a 0 that is written out.
func byNothing(e expr.Expr) bool {
	return e.Op == expr.Over && e.Args[1].Op == expr.LiteralNumber && e.Args[1].Number == 0 || slices.ContainsFunc(e.Args, byNothing)
}

// named puts one variable in place of another.
func named(e expr.Expr, from, to string) expr.Expr {
	if e.Op == expr.Var && e.Name == from {
		e.Name = to
	}
	args := make([]expr.Expr, len(e.Args))
	for i, a := range e.Args {
		args[i] = named(a, from, to)
	}
	if e.Args != nil {
		e.Args = args
	}
	return e
}

// names are what every condition of the pack may name.
func (c *compiler) names() []condition.Name {
	all := []condition.Name{
		{Name: rules.AgeYears, Kind: expr.Number}, {Name: rules.AgeMonths, Kind: expr.Number}, {Name: rules.Scale, Kind: expr.Number}, {Name: rules.Pregnant, Kind: expr.Truth},
	}
	for q := event.Quantity(1); int(q) < event.Quantities; q++ {
		if c.pack.Signals[q] != (rules.Signal{}) {
			_, _, unit := rules.Name(q)
			all = append(all, condition.Name{Name: q.String(), Kind: expr.Number, Unit: unit, Series: true})
		}
	}
	for _, q := range c.pack.Questions {
		kind := expr.Number
		if q.YesNo {
			kind = expr.Truth
		}
		all = append(all, condition.Name{Name: q.Code, Kind: kind, Unit: q.Unit, Series: true})
	}
	for _, d := range c.pack.Derived {
		all = append(all, condition.Name{Name: d.ID, Kind: expr.Number, Series: true})
	}
	for _, f := range c.pack.Facts {
		all = append(all, condition.Name{Name: f.Name, Kind: expr.Number, Unit: f.Unit})
	}
	return all
}

// name reads what stands in conditions: a code that is no signal and stands once.
func (c *compiler) name(to *string) func(ast.Node) {
	return func(n ast.Node) {
		s, ok := c.word(n)
		if !ok {
			return
		}
		*to = s
		if _, err := event.ParseQuantity(s); err == nil || slices.Contains([]string{rules.AgeYears, rules.AgeMonths, rules.Scale, rules.Pregnant}, s) {
			c.fault(n, "%q is the name of a signal or of the plan: use another", s)
			return
		}
		if !event.IsCode(s) {
			c.fault(n, "%q: want small letters, digits and _, beginning with a letter, 48 at most", s)
			return
		}
		if c.said[s] {
			c.fault(n, "%q stands here twice", s)
		}
		c.said[s] = true
	}
}

func (c *compiler) question(n ast.Node) {
	q := rules.Question{}
	var kind string
	c.mapping(n, "a question", fields{
		"code!": c.name(&q.Code), "type!": c.text(&kind), "unit": c.text(&q.Unit), "fresh!": c.span(&q.FreshMs), "every": c.span(&q.EveryMs), "zh!": c.text(&q.Zh), "en!": c.text(&q.En),
	})
	if err := event.CheckAnswerCode(q.Code); err != nil && q.Code != "" {
		c.fault(n, "%v: no door would let such an answer in", err)
	}
	if q.YesNo = kind == "yes_no"; !q.YesNo && kind != "number" {
		c.fault(n, "type %q: want yes_no or number", kind)
	}
	if !q.YesNo && q.Unit == "" {
		c.fault(n, "question %q is a number and needs its unit (UCUM, such as \"{score}\")", q.Code)
	}
	c.pack.Questions = append(c.pack.Questions, q)
}

func (c *compiler) fact(n ast.Node) {
	f := rules.Needed{}
	c.mapping(n, "a fact", fields{"name!": c.name(&f.Name), "unit!": c.text(&f.Unit), "zh!": c.text(&f.Zh), "en!": c.text(&f.En),
		"usual": func(n ast.Node) { f.Usual = new(event.Decimal); c.decimal(f.Usual)(n) }})
	c.pack.Facts = append(c.pack.Facts, f)
}

// derived reads a series that is computed from each upload: a number, or a condition that counts 1 or 0.
func (c *compiler) derived(n ast.Node) {
	i := len(c.pack.Derived)
	c.pack.Derived = append(c.pack.Derived, rules.Derived{})
	d := rules.Derived{}
	both := 0
	put := func(e expr.Expr) { c.pack.Derived[i].Value = e; c.alone(n, d.ID, e) }
	c.mapping(n, "a derived series", fields{
		"id!": c.name(&d.ID), "fresh!": c.span(&d.FreshMs),
		"value": func(n ast.Node) { both++; c.expression(true, nil, nil, &d.Text, put)(n) },
		"when": func(n ast.Node) {
			both++
			c.expression(false, nil, nil, &d.Text, func(e expr.Expr) {
				put(expr.Expr{Op: expr.If, Args: []expr.Expr{e, {Op: expr.LiteralNumber, Number: 1}, {Op: expr.LiteralNumber}}})
			})(n)
		},
	})
	if both != 1 {
		c.fault(n, "derived series %q needs either value or when", d.ID)
	}
	c.pack.Derived[i] = d
}

// alone refuses a derived series that would not be of one upload by itself.
func (c *compiler) alone(n ast.Node, id string, e expr.Expr) {
	if cost(e) > 0 {
		c.fault(n, "derived series %q looks back; it is computed from each upload by itself: let a rule look back over it", id)
	}
	for _, name := range expr.Inputs(e) {
		if slices.ContainsFunc(c.pack.Derived, func(d rules.Derived) bool { return d.ID == name }) {
			c.fault(n, "derived series %q names the series %q, which stands beside it: write out what that one says", id, name)
		}
	}
}

func (c *compiler) measure(n ast.Node) {
	i := len(c.pack.Measures)
	c.pack.Measures = append(c.pack.Measures, rules.Measure{})
	m := rules.Measure{}
	c.mapping(n, "a measure", fields{
		"id!": c.rule(&m.ID), "value!": c.expression(true, nil, nil, &m.Text, func(e expr.Expr) { c.pack.Measures[i].Value = e }), "unit!": c.text(&m.Unit),
		"source!": c.source(&m.Source), "zh!": c.text(&m.Zh), "en!": c.text(&m.En),
	})
	c.pack.Measures[i] = m
}

// inBraces is where a rule's words take in a number that a clinic may set otherwise.
var inBraces = regexp.MustCompile(`\{([^}]*)\}`)

// condition reads one rule. One that is off is checked like any other and left out.
func (c *compiler) condition(n ast.Node) {
	r := &rules.Rule{}
	var off bool
	sources := len(c.cited)
	clear := new(expr.Expr)
	c.mapping(n, "a rule", fields{
		"id!":       c.rule(&r.ID),
		"when!":     c.expression(false, &r.ID, &r.Params, &r.Text, func(e expr.Expr) { r.When = e }),
		"clear":     c.expression(false, &r.ID, &r.Params, nil, func(e expr.Expr) { *clear = e; r.Clear = clear }),
		"params":    func(n ast.Node) { c.params(n, r) },
		"repeat":    func(n ast.Node) { c.repeat(n, r) },
		"severity!": c.severity(&r.Severity), "danger": c.truth(&r.Danger), "hold": c.span(&r.HoldMs), "source!": c.source(&r.Source),
		"zh!": c.text(&r.Zh), "en!": c.text(&r.En), "off": c.truth(&off),
	})
	c.rests(sources, off)
	c.waiting = append(c.waiting, func() { c.idle(n, r) })
	if r.Danger && r.Severity != event.High {
		c.fault(n, "rule %q is in the danger band and must be high", r.ID)
	}
	for _, text := range []string{r.Zh, r.En} {
		for _, m := range inBraces.FindAllStringSubmatch(text, -1) {
			if !slices.ContainsFunc(r.Params, func(p rules.Param) bool { return p.Name == m[1] }) {
				c.fault(n, "rule %q says {%s}, which is none of its params", r.ID, m[1])
			}
		}
	}
	if r.Severity == event.NoSeverity && !off {
		c.fault(n, "rule %q has no severity: what is only to be shown is a measure", r.ID)
	}
	if !off {
		c.waiting = append(c.waiting, func() {
			for _, name := range expr.Inputs(r.When) {
				if slices.ContainsFunc(c.pack.Facts, func(f rules.Needed) bool { return f.Name == name && f.Usual == nil }) {
					r.Needs = append(r.Needs, name)
				}
			}
			c.pack.Rules = append(c.pack.Rules, *r)
		})
	}
}

// idle tells of params that the conditions of a rule do not name: whoever sets such a number for a patient changes nothing.
func (c *compiler) idle(n ast.Node, r *rules.Rule) {
	if r.When.Op == "" { // it could not be read, which has been told
		return
	}
	used := expr.Inputs(r.When)
	if r.Clear != nil {
		used = append(used, expr.Inputs(*r.Clear)...)
	}
	for _, p := range r.Params {
		if !slices.Contains(used, rules.ParamName(r.ID, p.Name)) {
			c.fault(n, "rule %q has a param %s which its condition does not name: to set it otherwise would change nothing", r.ID, p.Name)
		}
	}
}

// repeat reads what a rule that holds wants measured again, and by when.
func (c *compiler) repeat(n ast.Node, r *rules.Rule) {
	r.Repeat = &rules.Repeat{}
	c.mapping(n, "a repeat", fields{"signal!": func(n ast.Node) { r.Repeat.Quantity = c.quantity(n) }, "answer!": c.span(&r.Repeat.AnswerMs)})
	if r.Repeat.AnswerMs == 0 {
		c.fault(n, "a repeat needs a time by which it is to come")
	}
}

func (c *compiler) params(n ast.Node, r *rules.Rule) {
	for _, kv := range c.pairs(n, "params") {
		p := rules.Param{Name: kv.Key.String()}
		if !event.IsCode(p.Name) {
			c.fault(kv.Key, "%q: want small letters, digits and _, beginning with a letter", p.Name)
		}
		c.mapping(kv.Value, "a param", fields{"value!": c.decimal(&p.Value), "unit": c.text(&p.Unit), "zh": c.text(&p.Zh), "en": c.text(&p.En)})
		r.Params = append(r.Params, p)
	}
}

func (c *compiler) lesson(n ast.Node) {
	l := rules.Lesson{}
	c.mapping(n, "a lesson", fields{
		"id!": c.id(&l.ID), "title_zh!": c.text(&l.TitleZh), "title_en!": c.text(&l.TitleEn), "zh!": c.text(&l.Zh), "en!": c.text(&l.En), "source!": c.source(&l.Source),
	})
	c.pack.Learn = append(c.pack.Learn, l)
}

// rows reads a part that conditions decide.
func (c *compiler) rows(n ast.Node, to *[]rules.Row) {
	c.each(n, "points", func(n ast.Node) {
		i, points := len(*to), 0
		*to = append(*to, rules.Row{})
		c.mapping(n, "points", fields{"when!": c.expression(false, nil, nil, nil, func(e expr.Expr) { (*to)[i].When = e }), "points!": c.whole(&points, 0, 99)})
		(*to)[i].Points = uint8(points)
	})
}

// conditionFaults puts the faults of a condition where it stands in the file. A text of several lines begins on the line
// below its mark.
func (c *compiler) conditionFaults(n ast.Node, err error) {
	var all condition.Faults
	if !errors.As(err, &all) {
		c.fault(n, "%v", err)
		return
	}
	for _, f := range all {
		c.fault(n, "condition, line %d column %d: %s", f.Line, f.Column, f.Says)
	}
}

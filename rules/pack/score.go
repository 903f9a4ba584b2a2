package pack

import (
	"github.com/goccy/go-yaml/ast"

	"tocsin/rules"
	"tocsin/streams/event"
)

func (c *compiler) score(n ast.Node) {
	s := &rules.Score{}
	c.mapping(n, "a score", fields{
		"id!": c.rule(&s.ID), "zh!": c.text(&s.Zh), "en!": c.text(&s.En), "note_zh": c.text(&s.NoteZh), "note_en": c.text(&s.NoteEn), "source!": c.source(&s.Source),
		"scope":  func(n ast.Node) { c.scope(n, s) },
		"single": c.whole(&s.Single, 1, 99),
		"beside": c.truth(&s.Beside),
		"set":    c.span(&s.WindowMs),
		"parts!": func(n ast.Node) { c.each(n, "parts", func(n ast.Node) { c.part(n, s) }) },
		"bands!": func(n ast.Node) { c.each(n, "bands", func(n ast.Node) { c.band(n, s) }) },
		"ask":    func(n ast.Node) { c.ask(n, s) },
	})
	c.waiting = append(c.waiting, func() {
		c.wholeScore(n, s)
		c.pack.Scores = append(c.pack.Scores, *s)
	})
}

// wholeScore checks what would make a score mean something else than it says.
func (c *compiler) wholeScore(n ast.Node, s *rules.Score) {
	if len(s.Parts) == 0 || len(s.Bands) == 0 {
		return // told already
	}
	if len(s.Parts) > rules.MaxParts {
		c.fault(n, "score %q has %d parts; a score may have %d", s.ID, len(s.Parts), rules.MaxParts)
		return
	}
	s.Finish()
	if most := len(s.Ladder[0]) - 1; most > 255 {
		c.fault(n, "score %q can reach %d; the most is 255", s.ID, most)
	}
	last := &s.Bands[len(s.Bands)-1]
	if last.Single || last.From != 0 {
		c.fault(n, "the last band of score %q must begin at 0, so that every total has a band", s.ID)
	}
	from := 1 << 30
	for i := range s.Bands {
		if b := &s.Bands[i]; !b.Single {
			if b.From >= from {
				c.fault(n, "band %q of score %q begins at %d, not below the band before it; the first that holds counts", b.Name, s.ID, b.From)
			}
			from = b.From
		}
	}
	if s.Ask == nil {
		return
	}
	for _, q := range s.Ask.Signs {
		if !asks(s, q) {
			c.fault(n, "score %q asks for %s, which is no part of it", s.ID, q)
		}
	}
}

func asks(s *rules.Score, q event.Quantity) bool {
	for i := range s.Parts {
		if s.Parts[i].Quantity == q {
			return true
		}
	}
	return false
}

func (c *compiler) scope(n ast.Node, s *rules.Score) {
	c.mapping(n, "scope", fields{
		"age_from": c.whole(&s.AgeFrom, 0, 130), "months_from": c.whole(&s.MonthsFrom, 0, 240), "months_to": c.whole(&s.MonthsTo, 1, 240), "pregnancy": c.truth(&s.Pregnant),
	})
}

// part reads one input with its table, or with one table for each oxygen scale and supply.
func (c *compiler) part(n ast.Node, s *rules.Score) {
	p := rules.Part{}
	step := event.Decimal(1)
	var rows, points ast.Node
	var scales []ast.Node
	c.mapping(n, "a part", fields{
		"signal": func(n ast.Node) { p.Quantity = c.quantity(n) },
		"code":   c.id(&p.Code),
		"zh":     c.text(&p.Zh),
		"en":     c.text(&p.En),
		"points": func(n ast.Node) { points = n },
		"round":  c.decimal(&step),
		"rows":   func(n ast.Node) { rows = n },
		"scales": func(n ast.Node) { c.each(n, "scales", func(n ast.Node) { scales = append(scales, n) }) },
	})
	if points != nil {
		c.decided(n, points, p, s)
		return
	}
	if p.Quantity == event.NoQuantity {
		c.fault(n, "a part needs a signal with rows, or a code with points")
		return
	}
	if step <= 0 {
		c.fault(n, "round must be above 0")
		return
	}
	if asks(s, p.Quantity) {
		c.fault(n, "score %q has %s twice", s.ID, p.Quantity)
	}
	switch {
	case rows != nil && len(scales) == 0:
		if t, ok := c.table(rows, step); ok {
			p.Tables = []rules.Table{t}
		}
	case rows == nil && len(scales) > 0:
		c.scales(n, scales, &p, step)
	default:
		c.fault(n, "a part needs either rows or scales")
	}
	if len(p.Tables) > 0 && p.Quantity != event.NoQuantity {
		s.Parts = append(s.Parts, p)
	}
}

// decided reads a part that conditions decide.
func (c *compiler) decided(n, points ast.Node, p rules.Part, s *rules.Score) {
	if p.Code == "" || p.Zh == "" || p.En == "" || p.Quantity != event.NoQuantity {
		c.fault(n, "a part with points needs code, zh and en, and no signal")
	}
	rows := new([]rules.Row)
	c.rows(points, rows)
	i := len(s.Parts)
	s.Parts = append(s.Parts, p)
	c.waiting = append(c.waiting, func() { s.Parts[i].Rows = *rows })
}

// scales reads the tables of a part that depend on oxygen scale and supply. All four cases must have one.
func (c *compiler) scales(n ast.Node, list []ast.Node, p *rules.Part, step event.Decimal) {
	var given [2][2]bool
	for _, x := range list {
		var scale int
		oxygen := "any"
		var rows ast.Node
		c.mapping(x, "a scale", fields{
			"scale!": c.whole(&scale, 1, 2), "oxygen": c.text(&oxygen), "rows!": func(n ast.Node) { rows = n },
		})
		if rows == nil || scale == 0 {
			continue
		}
		t, ok := c.table(rows, step)
		if !ok {
			continue
		}
		p.Tables = append(p.Tables, t)
		for supply, name := range []string{"air", "oxygen"} {
			if oxygen != "any" && oxygen != name {
				continue
			}
			if given[scale-1][supply] {
				c.fault(x, "scale %d on %s has two tables", scale, name)
			}
			given[scale-1][supply] = true
			p.Pick[scale-1][supply] = uint8(len(p.Tables) - 1)
		}
		if oxygen != "any" && oxygen != "air" && oxygen != "oxygen" {
			c.fault(x, "oxygen %q: want air, oxygen or any", oxygen)
		}
	}
	if given != [2][2]bool{{true, true}, {true, true}} {
		c.fault(n, "scales must give a table for scale 1 and 2, on air and on oxygen")
	}
}

// table reads rows {to, points} or {below, points} from low to high; the last has no bound.
func (c *compiler) table(n ast.Node, step event.Decimal) (rules.Table, bool) {
	var bounds []event.Decimal
	var points []uint8
	before := len(c.faults)
	open := false
	c.each(n, "rows", func(n ast.Node) {
		if open {
			c.fault(n, "the row before has no bound and takes everything: nothing can follow it")
		}
		var to *event.Decimal
		p := 0
		c.mapping(n, "a row", fields{
			"to":      func(n ast.Node) { to = c.end(n, to, 0) },
			"below":   func(n ast.Node) { to = c.end(n, to, step) },
			"points!": c.whole(&p, 0, 99),
		})
		points = append(points, uint8(p))
		if to == nil {
			open = true
			return
		}
		if k := len(bounds); k > 0 && *to <= bounds[k-1] {
			c.fault(n, "rows rise: %s is not above %s", *to, bounds[k-1])
		}
		if *to%step != 0 {
			c.fault(n, "%s is not on the grid of %s to which values are rounded", *to, step)
		}
		bounds = append(bounds, *to)
	})
	if len(points) > rules.MaxRows {
		c.fault(n, "%d rows; a table may have %d", len(points), rules.MaxRows)
	}
	if len(points) == 0 || !open {
		c.fault(n, "the last row must have no bound, so that every value has points")
	}
	if len(c.faults) > before {
		return rules.Table{}, false
	}
	return rules.NewTable(step, bounds, points), true
}

// end reads where a row ends: to is its last value, below the first that is no longer in it.
func (c *compiler) end(n ast.Node, before *event.Decimal, less event.Decimal) *event.Decimal {
	if before != nil {
		c.fault(n, "a row ends once: give either to or below")
	}
	d := new(event.Decimal)
	c.decimal(d)(n)
	*d -= less
	return d
}

func (c *compiler) band(n ast.Node, s *rules.Score) {
	b := rules.Band{From: -1}
	c.mapping(n, "a band", fields{
		"band!": c.text(&b.Name), "from": c.whole(&b.From, 0, 99), "single": c.truth(&b.Single), "severity!": c.severity(&b.Severity), "danger": c.truth(&b.Danger),
		"recheck": c.span(&b.RecheckMs), "zh": c.text(&b.Zh), "en": c.text(&b.En),
	})
	if b.Danger && b.Severity != event.High {
		c.fault(n, "band %q is immediate danger and must be high", b.Name)
	}
	if b.Single == (b.From >= 0) {
		c.fault(n, "band %q needs either from, or single: true", b.Name)
	}
	s.Bands = append(s.Bands, b)
}

func (c *compiler) ask(n ast.Node, s *rules.Score) {
	a := &rules.Ask{}
	s.Ask = a
	c.mapping(n, "ask", fields{
		"upper!": c.whole(&a.Upper, 1, 99), "above!": c.whole(&a.Above, 1, 99), "sets!": c.whole(&a.Sets, 1, 7), "answer!": c.span(&a.AnswerMs),
		"severity!": c.severity(&a.Severity),
		"signs!":    func(n ast.Node) { c.each(n, "signs", func(n ast.Node) { a.Signs = append(a.Signs, c.quantity(n)) }) },
		"source!":   c.source(&a.Source),
	})
}

package rules

import (
	"fmt"
	"strings"

	"tocsin/rules/expr"
	"tocsin/rules/window"
	"tocsin/streams/event"
)

// Rule is a condition of a pack: what it says when it holds, and how grave that is.
type Rule struct {
	ID       string         `json:"id"`
	Pack     string         `json:"pack,omitempty"` // which of several packs of a patient it is from
	When     expr.Expr      `json:"when"`
	Clear    *expr.Expr     `json:"clear,omitempty"` // what must hold before it goes down; nil: that When is known not to hold
	Text     string         `json:"text"`            // of When, as its author wrote it
	Severity event.Severity `json:"severity"`
	Danger   bool           `json:"danger,omitempty"`
	HoldMs   int64          `json:"hold_ms,omitempty"` // how long it must have been past before it goes down
	Params   []Param        `json:"params,omitempty"`
	Needs    []string       `json:"needs,omitempty"`  // facts without which it cannot be judged
	Repeat   *Repeat        `json:"repeat,omitempty"` // what it asks to be measured again
	Source   string         `json:"source,omitempty"`
	Zh       string         `json:"zh"`
	En       string         `json:"en"`

	truth, clear func(*expr.View) expr.Tri
	shown        []shown
	signals      uint32 // bit per Quantity that it looks at
	reads        reads
	notes        []string // by place in Needs: that it waits for the fact
}

// reads is what an expression looks at: signals, and the names of all else.
type reads struct {
	signals []event.Quantity
	said    []string
}

func readsOf(x expr.Expr) (r reads) {
	for _, name := range expr.Inputs(x) {
		if q, err := event.ParseQuantity(name); err == nil {
			r.signals = append(r.signals, q)
		} else {
			r.said = append(r.said, name)
		}
	}
	return r
}

// Param is a number of a rule that group or patient may override. In conditions it stands as rule:param.
type Param struct {
	Name  string        `json:"name"`
	Value event.Decimal `json:"value"`
	Unit  string        `json:"unit,omitempty"`
	Zh    string        `json:"zh,omitempty"`
	En    string        `json:"en,omitempty"`
}

// Question is an answer that the pack understands.
type Question struct {
	Code    string `json:"code"`
	YesNo   bool   `json:"yes_no,omitempty"`
	Unit    string `json:"unit,omitempty"` // UCUM, of a number
	FreshMs int64  `json:"fresh_ms,omitempty"`
	EveryMs int64  `json:"every_ms,omitempty"` // how often it is put; 0: not by itself
	Zh      string `json:"zh"`
	En      string `json:"en"`
}

// Needed is a number about the patient that the pack asks the clinic for.
type Needed struct {
	Name string `json:"name"`
	Unit string `json:"unit,omitempty"`
	// Usual holds until another is entered; nil: what names the fact waits for it.
	Usual *event.Decimal `json:"usual,omitempty"`
	Zh    string         `json:"zh"`
	En    string         `json:"en"`
}

// Measure is a number that the pack computes and shows, and judges nothing by.
type Measure struct {
	ID     string    `json:"id"`
	Value  expr.Expr `json:"value"`
	Text   string    `json:"text"`
	Unit   string    `json:"unit,omitempty"`
	Source string    `json:"source,omitempty"`
	Zh     string    `json:"zh"`
	En     string    `json:"en"`

	number func(*expr.View) (float64, bool)
}

// Derived is a series that is computed from each upload by itself, such as whether a diary's day counts.
type Derived struct {
	ID      string    `json:"id"`
	Value   expr.Expr `json:"value"`
	Text    string    `json:"text"`
	FreshMs int64     `json:"fresh_ms,omitempty"`

	number func(*expr.View) (float64, bool)
}

// shown is one input of a condition as an explanation lists it.
type shown struct {
	name   string
	series string // whose unit and newest reading stand beside it
	param  string
	truth  bool // yes or no

	function string // of a window
	lengthMs int64
	number   func(*expr.View) (float64, bool)
}

// slot says what stands behind a name of the layout.
type slot struct {
	kind  slotKind
	q     event.Quantity
	name  string         // of an answer, a derived series or a fact
	usual *event.Decimal // of a fact, until one is entered
	fresh int64
	rule  int // of a param
	param int
}

type slotKind uint8

const (
	signalSlot slotKind = iota
	answerSlot
	derivedSlot
	factSlot
	paramSlot
	ageYearsSlot
	ageMonthsSlot
	pregnantSlot
	scaleSlot
)

// The names that stand for the plan in every pack.
const (
	AgeYears  = "age_years"
	AgeMonths = "age_months"
	Pregnant  = "pregnant"
	Scale     = "spo2_scale"
)

// ParamName is how a rule's param is called among all names.
func ParamName(rule, param string) string { return rule + ":" + param }

// Finish makes closures of the pack's conditions. It is an error when a name stands for nothing; a pack that was compiled
// once never fails again.
func (p *Pack) Finish() error {
	p.asksAge = false
	p.layout = &expr.Layout{ZoneMin: p.ZoneMin, Reach: p.reach, Other: otherUnit}
	for i := range p.Scores {
		if err := p.finishScore(&p.Scores[i]); err != nil {
			return err
		}
	}
	for i := range p.Derived {
		d := &p.Derived[i]
		if err := p.number(d.ID, d.Value, &d.number); err != nil {
			return err
		}
	}
	for i := range p.Rules {
		if err := p.finishRule(&p.Rules[i]); err != nil {
			return err
		}
	}
	for i := range p.Measures {
		m := &p.Measures[i]
		if err := p.number(m.ID, m.Value, &m.number); err != nil {
			return err
		}
	}
	p.draw()
	return nil
}

// reach answers how long before the newest reading of a series the one may lie that tells how it was before, when a condition
// asks whether something has held for ms: readings of a sensor that lie hours apart say nothing about the time between.
func (p *Pack) reach(series string, ms int64) int64 {
	if q, err := event.ParseQuantity(series); err == nil && p.Signals[q].GapMs > 0 {
		return min(ms+p.Signals[q].GapMs, window.MaxLengthMs)
	}
	return min(max(ms+expr.HeldReachMs/2, expr.HeldReachMs), window.MaxLengthMs) // a day beyond: who measures daily has one there
}

func (p *Pack) finishScore(sc *Score) error {
	sc.Finish()
	for i := range sc.Parts {
		for k := range sc.Parts[i].Rows {
			r := &sc.Parts[i].Rows[k]
			if err := p.truth(sc.ID, r.When, &r.truth); err != nil {
				return err
			}
			r.reads = readsOf(r.When)
		}
	}
	return nil
}

func (p *Pack) finishRule(r *Rule) error {
	if err := p.truth(r.ID, r.When, &r.truth); err != nil {
		return err
	}
	if r.Clear != nil {
		if err := p.truth(r.ID, *r.Clear, &r.clear); err != nil {
			return err
		}
	}
	r.shown, r.signals, r.reads = nil, 0, readsOf(r.When)
	for _, q := range r.reads.signals {
		r.signals |= 1 << q
	}
	for _, x := range leaves(r.When) {
		s := shown{name: x.String(), series: x.Name, function: x.Func, lengthMs: x.LengthMs}
		if x.Op == expr.Var {
			if q, ok := p.paramOf(r, x.Name); ok {
				s.name, s.param, s.series = q, q, ""
			}
		}
		if _, kind, known := p.layout.Slot(x.Name); known && x.Op == expr.Var && kind == expr.Truth {
			truth, err := p.layout.Truth(x)
			if err != nil {
				return fmt.Errorf("%s: %w", r.ID, err)
			}
			s.truth = true
			s.number = func(v *expr.View) (float64, bool) { t := truth(v); return truthNumber(t), t != expr.Unknown }
		} else if err := p.number(r.ID, x, &s.number); err != nil {
			continue // a truth over a window, such as below(x, 3, "15m"): its series is shown by other inputs
		}
		r.shown = append(r.shown, s)
	}
	return nil
}

func truthNumber(t expr.Tri) float64 {
	if t == expr.True {
		return 1
	}
	return 0
}

func (p *Pack) paramOf(r *Rule, name string) (string, bool) {
	for i := range r.Params {
		if ParamName(r.ID, r.Params[i].Name) == name {
			return r.Params[i].Name, true
		}
	}
	return "", false
}

func (p *Pack) truth(of string, e expr.Expr, to *func(*expr.View) expr.Tri) (err error) {
	if err = p.declare(e); err == nil {
		*to, err = p.layout.Truth(e)
	}
	if err != nil {
		return fmt.Errorf("%s: %w", of, err)
	}
	return nil
}

func (p *Pack) number(of string, e expr.Expr, to *func(*expr.View) (float64, bool)) (err error) {
	if err = p.declare(e); err == nil {
		*to, err = p.layout.Number(e)
	}
	if err != nil {
		return fmt.Errorf("%s: %w", of, err)
	}
	return nil
}

// declare gives every name that e reads a slot.
func (p *Pack) declare(e expr.Expr) error {
	for _, name := range expr.Vars(e) {
		if _, _, known := p.layout.Slot(name); known {
			continue
		}
		s, kind, err := p.slotOf(name)
		if err != nil {
			return err
		}
		i, err := p.layout.Declare(name, kind)
		if err != nil {
			return err
		}
		if i != len(p.slots) && i == 0 {
			p.slots = p.slots[:0] // a layout begins anew
		}
		p.slots = append(p.slots[:i:i], s)
	}
	return nil
}

// slotOf answers what a name stands for in this pack.
func (p *Pack) slotOf(name string) (slot, expr.Kind, error) {
	switch name {
	case AgeYears:
		p.asksAge = true
		return slot{kind: ageYearsSlot}, expr.Number, nil
	case AgeMonths:
		p.asksAge = true
		return slot{kind: ageMonthsSlot}, expr.Number, nil
	case Scale:
		return slot{kind: scaleSlot}, expr.Number, nil
	case Pregnant:
		return slot{kind: pregnantSlot}, expr.Truth, nil
	}
	if q, err := event.ParseQuantity(name); err == nil {
		return slot{kind: signalSlot, q: q, fresh: p.Signals[q].FreshMs}, expr.Number, nil
	}
	for i := range p.Questions {
		if x := &p.Questions[i]; x.Code == name {
			kind := expr.Number
			if x.YesNo {
				kind = expr.Truth
			}
			return slot{kind: answerSlot, name: name, fresh: x.FreshMs}, kind, nil
		}
	}
	for i := range p.Derived {
		if p.Derived[i].ID == name {
			return slot{kind: derivedSlot, name: name, fresh: p.Derived[i].FreshMs}, expr.Number, nil
		}
	}
	for i := range p.Facts {
		if p.Facts[i].Name == name {
			return slot{kind: factSlot, name: name, usual: p.Facts[i].Usual}, expr.Number, nil
		}
	}
	for i := range p.Rules {
		for k := range p.Rules[i].Params {
			if ParamName(p.Rules[i].ID, p.Rules[i].Params[k].Name) == name {
				return slot{kind: paramSlot, rule: i, param: k}, expr.Number, nil
			}
		}
	}
	return slot{}, 0, fmt.Errorf("%s stands for nothing in pack %s", name, p.ID)
}

// leaves are the names and window functions that e reads, each once, in the order in which they stand.
func leaves(e expr.Expr) []expr.Expr {
	var all []expr.Expr
	seen := map[string]bool{}
	var walk func(expr.Expr)
	walk = func(e expr.Expr) {
		if e.Op == expr.Var || e.Op == expr.Call {
			if !seen[e.String()] {
				seen[e.String()] = true
				all = append(all, e)
			}
			return
		}
		for _, a := range e.Args {
			walk(a)
		}
	}
	walk(e)
	return all
}

// renamed answers a rule under another id: its params, which bear the id in their names, go with it.
func renamed(r Rule, id string) Rule {
	old := r.ID
	r.ID = id
	r.When = rename(r.When, old+":", id+":")
	if r.Clear != nil {
		c := rename(*r.Clear, old+":", id+":")
		r.Clear = &c
	}
	return r
}

func rename(e expr.Expr, from, to string) expr.Expr {
	if rest, ok := strings.CutPrefix(e.Name, from); ok && e.Op == expr.Var {
		e.Name = to + rest
	}
	args := e.Args
	e.Args = nil
	for _, a := range args {
		e.Args = append(e.Args, rename(a, from, to))
	}
	return e
}

package rules

import (
	"cmp"
	"fmt"
	"hash/fnv"
	"slices"

	"tocsin/streams/event"
)

// Whose number it is.
const (
	fromPack    = "pack"
	fromGroup   = "group"
	fromPatient = "patient"
)

// boundParam is how the bound of a limit is called in an override.
const boundParam = "bound"

// override answers what a clinician set for a rule's number (or, with an empty param, for the rule), the patient's before
// the group's. One whose time is over counts no more.
func (e *eval) override(rule, param string) (*event.Override, string) {
	if e.s.Plan != nil {
		if o := e.inForce(e.s.Plan.Overrides, rule, param); o != nil {
			return o, fromPatient
		}
	}
	if e.g != nil {
		if o := e.inForce(e.g.Overrides, rule, param); o != nil {
			return o, fromGroup
		}
	}
	if o := e.inForce(e.further, rule, param); o != nil {
		return o, fromGroup
	}
	return nil, fromPack
}

func (e *eval) inForce(list []event.Override, rule, param string) *event.Override {
	for i := len(list) - 1; i >= 0; i-- { // the last word counts
		o := &list[i]
		if o.Rule != rule || o.Param != param || o.Off != (param == "") {
			continue
		}
		if o.Until == nil || *o.Until > e.asOf() {
			return o
		}
	}
	return nil
}

// asOf is the moment by which it is told whether an override's time is over: of the look, or of the last fold where a look
// has no moment.
func (e *eval) asOf() event.Time { return max(e.now, e.s.Looked) }

// param answers a rule's number as it holds for the patient, and whose it is.
func (e *eval) param(rule string, p *Param) (event.Decimal, *event.Override) {
	if o, _ := e.override(rule, p.Name); o != nil && o.Value != nil {
		return *o.Value, o
	}
	return p.Value, nil
}

// off tells whether a rule is switched off for the patient. What is switched off is named among what is not judged; nobody
// switches the danger band off.
func (e *eval) off(rule string) bool {
	if !e.overridden() {
		return false
	}
	o, _ := e.override(rule, "")
	return o != nil && !e.p.danger(rule)
}

// stricter tells whether a bound is met earlier than the limit's own: the danger band can be moved that way alone, and what
// is usual for a patient beyond it is a target of his own.
func (l *Limit) stricter(bound event.Decimal) bool {
	return l.Above && bound < l.Bound || !l.Above && bound > l.Bound
}

// Takes tells whether the rules would take an order: one that makes less of the danger band they do not.
func (p *Pack) Takes(o event.Override) bool {
	if o.Off {
		return !p.danger(o.Rule)
	}
	_, l := p.limit(o.Rule)
	if l == nil || o.Param != boundParam || o.Value == nil {
		return true
	}
	return !l.Danger || *o.Value == l.Bound || l.stricter(*o.Value)
}

// danger tells whether a limit, a condition or a band of a score is immediate danger.
func (p *Pack) danger(id string) bool {
	if _, l := p.limit(id); l != nil {
		return l.Danger
	}
	if r := p.condition(id); r != nil {
		return r.Danger
	}
	sc := p.score(id)
	return sc != nil && slices.ContainsFunc(sc.Bands, func(b Band) bool { return b.Danger })
}

func (e *eval) overridden() bool {
	return e.s.Plan != nil && len(e.s.Plan.Overrides) > 0 || e.g != nil && len(e.g.Overrides) > 0 || len(e.further) > 0
}

// overrides answers those of the patient, of the group and of further groups, past ones among them.
func (e *eval) overrides() (lists [3][]event.Override) {
	if e.s.Plan != nil {
		lists[0] = e.s.Plan.Overrides
	}
	if e.g != nil {
		lists[1] = e.g.Overrides
	}
	lists[2] = e.further
	return lists
}

// beyond finds what the further groups of the patient have set. A number there is of the group's own pack, whatever its rule
// is called beside the others; of a rule that packs share the leading group's word holds.
func (e *eval) beyond() {
	for _, key := range e.s.Also {
		g := e.f.Group(key)
		if g == nil || len(g.Overrides)+len(g.Cadence) == 0 {
			continue
		}
		e.also = append(e.also, g)
		for _, o := range g.Overrides {
			from := cmp.Or(g.Pack, DefaultPack)
			own := from + "/" + o.Rule
			switch {
			case e.p.ruled(own, ""):
				o.Rule = own
			case !e.p.ruled(o.Rule, from):
				continue
			}
			e.further = append(e.further, o)
		}
	}
}

// ruled tells whether a limit, condition or score has the id; of is the pack from which it must be, empty for any.
func (p *Pack) ruled(id, of string) bool {
	from, known := "", false
	if _, l := p.limit(id); l != nil {
		from, known = l.Pack, true
	} else if r := p.condition(id); r != nil {
		from, known = r.Pack, true
	} else if sc := p.score(id); sc != nil {
		from, known = sc.pack, true
	}
	return known && (of == "" || from == of)
}

// wakeOverrides asks to look again when an override ends, and notes when one has ended since the last fold: then the
// patient is judged anew and that is written down, or it would be asked for ever after.
func (e *eval) wakeOverrides() {
	if !e.overridden() {
		return
	}
	ends := false
	for _, list := range e.overrides() {
		for i := range list {
			u := list[i].Until
			if u == nil || *u <= e.s.Looked {
				continue
			}
			ends = true
			e.wake(*u)
			e.ended = e.ended || *u <= e.now
		}
	}
	if e.folding && e.now != 0 && ends {
		e.s.Looked = e.now
	}
}

// mark stands for the pack with all that is set in it for the patient now: when it is another, everything is judged anew.
func (e *eval) mark() uint64 {
	m := e.p.Mark
	if !e.overridden() {
		return m
	}
	h := fnv.New64a()
	for _, list := range e.overrides() {
		for i := range list {
			if o := &list[i]; e.inForce(list, o.Rule, o.Param) == o {
				v := int64(-1) << 62
				if o.Value != nil {
					v = int64(*o.Value)
				}
				_, _ = fmt.Fprintf(h, "%s\x00%s\x00%t%d\x00", o.Rule, o.Param, o.Off, v) // a hash takes everything
			}
		}
		_, _ = h.Write([]byte{1})
	}
	return m ^ h.Sum64()
}

// lay puts the overrides of limits into a copy of the pack, when there are any. A limit that is switched off is taken out.
func (e *eval) lay() {
	if !e.overridden() {
		return
	}
	var own *Pack
	for _, list := range e.overrides() {
		for i := range list {
			o := &list[i]
			if !o.Off && o.Param != boundParam {
				continue
			}
			q, l := e.p.limit(o.Rule)
			if l == nil {
				continue
			}
			if own == nil {
				own = new(Pack)
				*own = *e.p
			}
			own.Limits[q] = e.laid(e.p.Limits[q])
		}
	}
	if own != nil {
		e.p = own
	}
}

// laid answers limits as they hold for the patient.
func (e *eval) laid(limits []Limit) []Limit {
	var list []Limit
	for i := range limits {
		l := limits[i]
		if o, from := e.override(l.ID, boundParam); o != nil && o.Value != nil && (!l.Danger || l.stricter(*o.Value)) {
			l.Bound, l.AltBound, l.set, l.from = *o.Value, nil, o, from
		}
		if !e.off(l.ID) {
			list = append(list, l)
		}
	}
	return list
}

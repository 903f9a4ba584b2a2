package rules

import (
	"cmp"
	"encoding/binary"
	"hash/fnv"
	"reflect"
	"slices"
	"strings"
	"sync"
	"sync/atomic"

	"tocsin/rules/expr"
	"tocsin/streams/event"
)

// Conflict is something on which the packs of one patient disagree, and what was done about it.
type Conflict struct {
	Quantity event.Quantity `json:"quantity,omitempty"`
	Rule     string         `json:"rule,omitempty"` // of a limit, score or condition that two packs have with one id
	Packs    []string       `json:"packs"`
	// Blocks: the bounds of a quantity that is wrong in both directions are never mixed. Those of the leading pack hold
	// until a doctor orders a target or chooses.
	Blocks bool `json:"blocks,omitempty"`
	// Left: the rule is not judged beside the other packs, and whoever keeps the packs has to mend that.
	Left bool   `json:"left,omitempty"`
	Took string `json:"took"` // the pack that holds, or "strictest"

	note string // what says so among what is not judged
}

// about is what it is about: a rule, or a quantity.
func (c *Conflict) about() string {
	if c.Rule != "" {
		return c.Rule
	}
	return c.Quantity.String()
}

// twoSided are the quantities whose target lies between two harms, so that the strictest bound of each pack is no target.
var twoSided = []event.Quantity{event.SpO2Percent, event.SystolicMmHg, event.DiastolicMmHg, event.GlucoseMmolPerL, event.SensorGlucoseMmolPerL}

// memo keeps merged packs: Merge is a pure function of what stands in the key, and a partition asks for few of them. A
// process that sees many versions and choices begins anew.
var (
	memo     sync.Map
	memoSize atomic.Int64
)

const maxMemo = 256

type memoKey struct {
	marks  uint64
	chosen string
}

// mergedFor answers the packs of a patient as one.
func mergedFor(all []*Pack, plan *Plan) *Pack {
	if len(all) == 1 {
		return all[0]
	}
	key := memoKey{marksOf(all), decided(plan)}
	if p, ok := memo.Load(key); ok {
		return p.(*Pack)
	}
	p := Merge(all, plan)
	if memoSize.Add(1) > maxMemo {
		memo.Clear()
		memoSize.Store(1)
	}
	memo.Store(key, p)
	return p
}

func marksOf(all []*Pack) uint64 {
	h := fnv.New64a()
	for _, p := range all {
		_, _ = h.Write(binary.BigEndian.AppendUint64(nil, p.Mark)) // a hash takes everything
	}
	return h.Sum64()
}

// decided says for which two-sided quantities a clinician has decided, and how.
func decided(plan *Plan) string {
	var b strings.Builder
	for _, q := range twoSided {
		b.WriteString(plan.chosen(q))
		if plan.target(q) != nil {
			b.WriteByte('+')
		}
		b.WriteByte(';')
	}
	return b.String()
}

// merger is a pack that takes in others.
type merger struct {
	*Pack
	kinds map[string]string // of ids, as kindsOf has them
}

// Merge makes one pack of those of a patient with several diseases; the first leads. Bounds of a quantity that is wrong in
// one direction all hold, so that the strictest is met first. Those of a quantity with two directions are never mixed: a
// clinician's target or choice decides, and until then the leading pack's hold, with the danger bands of all, and the
// conflict asks a doctor to decide. Cadences take the shortest, times to answer the shortest, silence the gravest.
func Merge(all []*Pack, plan *Plan) *Pack {
	lead := all[0]
	m := *lead
	m.Mark, m.Of, m.layout, m.slots, m.drawn = marksOf(all)^hashOf(decided(plan)), nil, nil, nil, drawn{}
	m.Limits, m.Scores, m.Rules, m.Conflicts = [event.Quantities][]Limit{}, nil, nil, nil
	m.Of = idsOf(all)
	m.ID, m.Sum = strings.Join(m.Of, "+"), joined(all, func(p *Pack) string { return p.Sum }, "+")
	m.Zh, m.En = joined(all, func(p *Pack) string { return p.Zh }, "合并"), joined(all, func(p *Pack) string { return p.En }, " + ")
	m.Questions, m.Facts, m.Measures, m.Derived, m.Learn, m.Sources = nil, nil, nil, nil, nil, nil
	grown := merger{&m, kindsOf(all)}
	for i, p := range all {
		grown.take(p, i == 0)
	}
	for q := range event.Quantities {
		grown.takeLimits(event.Quantity(q), all, plan)
	}
	for err := m.Finish(); err != nil; err = m.Finish() { // each of them was finished: together they name too much
		if !grown.leaveLast(lead) {
			panic(event.RulePanic{Rule: m.ID, Cause: err})
		}
	}
	return &m
}

// leaveLast takes out what the leading pack would miss least, and answers whether there was something.
func (m merger) leaveLast(lead *Pack) bool {
	if n := len(m.Measures); n > len(lead.Measures) {
		m.Measures = m.Measures[:n-1]
		return true
	}
	n := len(m.Rules)
	if n <= len(lead.Rules) {
		return false
	}
	m.leave(m.Rules[n-1].ID, m.Rules[n-1].Pack)
	m.Rules = m.Rules[:n-1]
	return true
}

// leave notes that a rule is not judged beside the other packs.
func (m merger) leave(rule, pack string) {
	m.Conflicts = append(m.Conflicts, Conflict{Rule: rule, Packs: []string{m.Of[0], pack}, Left: true, Took: m.Of[0]})
}

// kindsOf answers what each id stands for in the first pack that has it: packs are written apart, and one's condition may
// bear the id of another's limit.
func kindsOf(all []*Pack) map[string]string {
	kinds := map[string]string{}
	note := func(id, kind string) {
		if _, known := kinds[id]; !known {
			kinds[id] = kind
		}
	}
	for _, p := range all {
		for q := range p.Limits {
			for i := range p.Limits[q] {
				note(p.Limits[q][i].ID, event.Quantity(q).String())
			}
		}
		for i := range p.Rules {
			note(p.Rules[i].ID, ruleKind)
		}
		for i := range p.Scores {
			note(p.Scores[i].ID, scoreKind)
		}
	}
	return kinds
}

// The kinds of what is no limit; a limit's is its quantity.
const (
	ruleKind  = "rule"
	scoreKind = "score"
)

// meaning answers what a name of conditions stands for in the pack; empty: nothing.
func (p *Pack) meaning(name string) string {
	if q := p.question(name); q != nil {
		if q.YesNo {
			return "a question of yes or no"
		}
		return "an answer in " + q.Unit
	}
	for i := range p.Derived {
		if p.Derived[i].ID == name {
			return "the series " + p.Derived[i].Text
		}
	}
	for i := range p.Facts {
		if p.Facts[i].Name == name {
			return "a fact in " + p.Facts[i].Unit
		}
	}
	return ""
}

// usual answers what holds for a fact until another is entered; nil: nothing.
func (p *Pack) usual(fact string) *event.Decimal {
	for i := range p.Facts {
		if p.Facts[i].Name == fact {
			return p.Facts[i].Usual
		}
	}
	return nil
}

// unlike tells whether an expression of p reads a name that stands for something else in m, itself or by a series of p.
func (m merger) unlike(p *Pack, e expr.Expr) bool {
	return slices.ContainsFunc(expr.Inputs(e), func(name string) bool {
		is, a, b := m.meaning(name), m.usual(name), p.usual(name)
		i := slices.IndexFunc(p.Derived, func(d Derived) bool { return d.ID == name })
		return is != "" && is != p.meaning(name) || a != nil && b != nil && *a != *b || i >= 0 && m.unlike(p, p.Derived[i].Value)
	})
}

func hashOf(s string) uint64 {
	h := fnv.New64a()
	_, _ = h.Write([]byte(s)) // a hash takes everything
	return h.Sum64()
}

func joined(all []*Pack, of func(*Pack) string, by string) string {
	var words []string
	for _, p := range all {
		words = append(words, of(p))
	}
	return strings.Join(words, by)
}

// take adds what of p needs no decision. What reads a name that the packs before use otherwise is left out.
func (m merger) take(p *Pack, lead bool) {
	for i := range p.Scores {
		if sc := &p.Scores[i]; m.unlikeScore(p, sc) {
			m.leave(sc.ID, p.ID)
		} else {
			m.takeScore(sc, p.ID)
		}
	}
	for i := range p.Rules {
		if r := &p.Rules[i]; m.unlike(p, r.When) || r.Clear != nil && m.unlike(p, *r.Clear) {
			m.leave(r.ID, p.ID)
		} else {
			m.takeRule(*r, p.ID)
		}
	}
	m.takeNames(p)
	m.Learn = union(m.Learn, p.Learn, func(l Lesson) string { return l.ID })
	m.Sources = union(m.Sources, p.Sources, func(s Source) string { return s.ID })
	if !lead {
		m.takeTerms(p)
	}
}

func (m merger) unlikeScore(p *Pack, sc *Score) bool {
	for i := range sc.Parts {
		for k := range sc.Parts[i].Rows {
			if m.unlike(p, sc.Parts[i].Rows[k].When) {
				return true
			}
		}
	}
	return false
}

// takeNames adds what conditions name, and the measures.
func (m merger) takeNames(p *Pack) {
	isNew := func(name string) bool { return m.meaning(name) == "" }
	var names Pack
	for _, x := range p.Measures {
		if !m.unlike(p, x.Value) {
			names.Measures = append(names.Measures, x)
		}
	}
	for _, d := range p.Derived {
		if isNew(d.ID) && !m.unlike(p, d.Value) {
			names.Derived = append(names.Derived, d)
		}
	}
	for _, f := range p.Facts {
		if isNew(f.Name) {
			names.Facts = append(names.Facts, f)
		}
	}
	for _, q := range p.Questions {
		if isNew(q.Code) {
			names.Questions = append(names.Questions, q)
		}
	}
	m.Facts = slices.Clone(m.Facts)
	for i := range m.Facts {
		if f := &m.Facts[i]; f.Usual == nil {
			f.Usual = p.usual(f.Name) // a rule of m that needs the fact goes on waiting for it
		}
	}
	m.Facts, m.Questions, m.Derived = append(m.Facts, names.Facts...), append(slices.Clone(m.Questions), names.Questions...), append(slices.Clone(m.Derived), names.Derived...)
	m.Measures = union(m.Measures, names.Measures, func(x Measure) string { return x.ID })
}

// takeTerms takes the stricter of how things are waited for, and what m leaves open.
func (m merger) takeTerms(p *Pack) {
	for q := range event.Quantities {
		m.Signals[q] = strictSignal(m.Signals[q], p.Signals[q])
		if len(m.Own[q]) == 0 {
			m.Own[q] = p.Own[q]
		}
	}
	m.AsRecorded = m.AsRecorded && p.AsRecorded
	if m.ZoneMin == 0 {
		m.ZoneMin = p.ZoneMin
	}
	if m.Backlog == (Backlog{}) {
		m.Backlog = p.Backlog
	}
	m.Silence.Source, m.Confirm.Source = cmp.Or(m.Silence.Source, p.Silence.Source), cmp.Or(m.Confirm.Source, p.Confirm.Source)
	m.Confirm.WithinMs = shorter(m.Confirm.WithinMs, p.Confirm.WithinMs)
	m.Silence.Severity = max(m.Silence.Severity, p.Silence.Severity)
	m.Silence.AfterGrave = max(m.Silence.AfterGrave, p.Silence.AfterGrave)
	m.Silence.RepeatMs = shorter(m.Silence.RepeatMs, p.Silence.RepeatMs)
	m.Confirm.AnswerMs = shorter(m.Confirm.AnswerMs, p.Confirm.AnswerMs)
	m.Confirm.Severity = max(m.Confirm.Severity, p.Confirm.Severity)
	m.HoldMs = max(m.HoldMs, p.HoldMs)
}

func union[T any](have, more []T, id func(T) string) []T {
	have = slices.Clone(have)
	for _, x := range more {
		if !slices.ContainsFunc(have, func(h T) bool { return id(h) == id(x) }) {
			have = append(have, x)
		}
	}
	return have
}

// shorter answers the shorter of two spans of which 0 means none.
func shorter(a, b int64) int64 {
	if a == 0 || b != 0 && b < a {
		return b
	}
	return a
}

func strictSignal(a, b Signal) Signal {
	if cadence := shorter(a.CadenceMs, b.CadenceMs); cadence != a.CadenceMs {
		a.CadenceMs, a.GraceMs, a.Source = cadence, b.GraceMs, b.Source
	}
	if a.FreshMs == 0 && a.Source == "" {
		a.FreshMs = b.FreshMs
	}
	a.FreshMs, a.GapMs = shorter(a.FreshMs, b.FreshMs), shorter(a.GapMs, b.GapMs)
	if a.Tolerance == 0 || b.Tolerance != 0 && b.Tolerance < a.Tolerance {
		a.Tolerance = b.Tolerance
	}
	if a.Source == "" {
		a.Source = b.Source
	}
	return a
}

// takeScore adds a score. Two packs that name one id and mean different things are listed, and the leading one's holds.
func (m merger) takeScore(sc *Score, pack string) {
	for i := range m.Scores {
		if m.Scores[i].ID != sc.ID {
			continue
		}
		if !sameScore(&m.Scores[i], sc) {
			m.Conflicts = append(m.Conflicts, Conflict{Rule: sc.ID, Packs: []string{m.Of[0], pack}, Took: m.Of[0]})
		}
		return
	}
	own := *sc // with parts of its own: Finish puts closures over the merged names into them
	own.Parts, own.pack = bareParts(sc.Parts), pack
	if m.kinds[sc.ID] != scoreKind {
		own.ID = pack + "/" + sc.ID
	}
	m.Scores = append(m.Scores, own)
}

// sameScore compares what two scores say, not the closures behind it.
func sameScore(a, b *Score) bool {
	x, y := *a, *b
	x.pack, y.pack = "", ""
	x.Parts, y.Parts = bareParts(a.Parts), bareParts(b.Parts)
	return reflect.DeepEqual(x, y)
}

func bareParts(parts []Part) []Part {
	parts = slices.Clone(parts)
	for i := range parts {
		parts[i].Rows = slices.Clone(parts[i].Rows)
		for k := range parts[i].Rows {
			parts[i].Rows[k].truth = nil
		}
	}
	return parts
}

// takeRule adds a condition. One whose id is taken by another meaning gets its pack's name before it: both hold.
func (m merger) takeRule(r Rule, pack string) {
	r.Pack = pack
	if m.kinds[r.ID] != ruleKind {
		r = renamed(r, pack+"/"+r.ID)
	}
	for i := range m.Rules {
		if m.Rules[i].ID != r.ID {
			continue
		}
		if sameRule(&m.Rules[i], &r) {
			return
		}
		m.Conflicts = append(m.Conflicts, Conflict{Rule: r.ID, Packs: []string{m.Rules[i].Pack, pack}, Took: "strictest"})
		r = renamed(r, pack+"/"+r.ID)
	}
	m.Rules = append(m.Rules, r)
}

// sameRule compares what two conditions say, not the closures behind it.
func sameRule(a, b *Rule) bool {
	return a.Text == b.Text && a.Severity == b.Severity && a.Danger == b.Danger && a.HoldMs == b.HoldMs && slices.Equal(a.Params, b.Params) &&
		slices.Equal(a.Needs, b.Needs) && reflect.DeepEqual(a.Clear, b.Clear) && reflect.DeepEqual(a.Repeat, b.Repeat)
}

// takeLimits adds the bounds of one quantity.
func (m merger) takeLimits(q event.Quantity, all []*Pack, plan *Plan) {
	var having []*Pack
	for _, p := range all {
		if slices.ContainsFunc(p.Limits[q], func(l Limit) bool { return !l.Danger }) {
			having = append(having, p)
		}
	}
	holds := func(*Pack) bool { return true }
	if slices.Contains(twoSided, q) && !agree(having, q) {
		took := having[0].ID
		c := Conflict{Quantity: q, Packs: idsOf(having), Blocks: plan.target(q) == nil, Took: took}
		if chosen := plan.chosen(q); slices.Contains(c.Packs, chosen) {
			c.Took, c.Blocks = chosen, false
		}
		m.Conflicts = append(m.Conflicts, c)
		holds = func(p *Pack) bool { return p.ID == c.Took }
	} else if len(having) > 1 && !agree(having, q) {
		m.Conflicts = append(m.Conflicts, Conflict{Quantity: q, Packs: idsOf(having), Took: "strictest"})
	}
	for _, p := range all {
		for _, l := range p.Limits[q] {
			if l.Danger || holds(p) {
				m.addLimit(q, l, p.ID)
			}
		}
	}
	SortLimits(m.Limits[q])
}

func (m merger) addLimit(q event.Quantity, l Limit, pack string) {
	l.Pack = pack
	if m.kinds[l.ID] != q.String() {
		l.ID = pack + "/" + l.ID
	}
	for i := range m.Limits[q] {
		if m.Limits[q][i].ID != l.ID {
			continue
		}
		if sameLimit(m.Limits[q][i], l) {
			return
		}
		l.ID = pack + "/" + l.ID
	}
	m.Limits[q] = append(m.Limits[q], l)
}

func sameLimit(a, b Limit) bool {
	a.Pack, b.Pack, a.ID, b.ID = "", "", "", ""
	return reflect.DeepEqual(a, b)
}

// agree tells whether packs bound a quantity alike, danger apart.
func agree(having []*Pack, q event.Quantity) bool {
	for _, p := range having[min(1, len(having)):] {
		if !slices.EqualFunc(mild(having[0].Limits[q]), mild(p.Limits[q]), sameLimit) {
			return false
		}
	}
	return true
}

func mild(limits []Limit) (list []Limit) {
	for _, l := range limits {
		if !l.Danger {
			list = append(list, l)
		}
	}
	return list
}

func idsOf(packs []*Pack) (ids []string) {
	for _, p := range packs {
		ids = append(ids, p.ID)
	}
	return ids
}

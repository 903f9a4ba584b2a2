package rules

import (
	"encoding/binary"
	"hash/fnv"
	"reflect"
	"slices"
	"strings"
	"sync"

	"tocsin/streams/event"
)

// Conflict is something on which the packs of one patient disagree, and what was done about it.
type Conflict struct {
	Quantity event.Quantity `json:"quantity,omitempty"`
	Rule     string         `json:"rule,omitempty"` // of a limit, score or condition that two packs have with one id
	Packs    []string       `json:"packs"`
	// Blocks: the bounds of a quantity that is wrong in both directions are never mixed. Those of the leading pack hold
	// until a doctor orders a target or chooses.
	Blocks bool   `json:"blocks,omitempty"`
	Took   string `json:"took"` // the pack that holds, or "strictest"
}

// twoSided are the quantities whose target lies between two harms, so that the strictest bound of each pack is no target.
var twoSided = []event.Quantity{event.SpO2Percent, event.SystolicMmHg, event.DiastolicMmHg, event.GlucoseMmolPerL, event.SensorGlucoseMmolPerL}

// memo keeps merged packs: Merge is a pure function of what stands in the key, and a partition asks for few of them.
var memo sync.Map

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
type merger struct{ *Pack }

// Merge makes one pack of those of a patient with several diseases; the first leads. Bounds of a quantity that is wrong in
// one direction all hold, so that the strictest is met first. Those of a quantity with two directions are never mixed: a
// clinician's target or choice decides, and until then the leading pack's hold, with the danger bands of all, and the
// conflict asks a doctor to decide. Cadences take the shortest, times to answer the shortest, silence the gravest.
func Merge(all []*Pack, plan *Plan) *Pack {
	lead := all[0]
	m := *lead
	m.Mark, m.Of, m.layout, m.slots = marksOf(all)^hashOf(decided(plan)), nil, nil, nil
	m.Limits, m.Scores, m.Rules, m.Conflicts = [event.Quantities][]Limit{}, nil, nil, nil
	var ids []string
	for _, p := range all {
		ids = append(ids, p.ID)
	}
	m.ID, m.Of = strings.Join(ids, "+"), ids
	m.Zh, m.En = joined(all, func(p *Pack) string { return p.Zh }, "合并"), joined(all, func(p *Pack) string { return p.En }, " + ")
	m.Questions, m.Facts, m.Measures, m.Derived, m.Learn, m.Sources = nil, nil, nil, nil, nil, nil
	grown := merger{&m}
	for i, p := range all {
		grown.take(p, i == 0)
	}
	for q := range event.Quantities {
		grown.takeLimits(event.Quantity(q), all, plan)
	}
	if err := m.Finish(); err != nil {
		panic(event.RulePanic{Rule: m.ID, Cause: err}) // each of them was finished, and names are kept apart
	}
	return &m
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

// take adds what of p needs no decision.
func (m merger) take(p *Pack, lead bool) {
	for i := range p.Scores {
		m.takeScore(&p.Scores[i], p.ID)
	}
	for i := range p.Rules {
		m.takeRule(p.Rules[i], p.ID)
	}
	m.Questions = union(m.Questions, p.Questions, func(q Question) string { return q.Code })
	m.Facts = union(m.Facts, p.Facts, func(f Needed) string { return f.Name })
	m.Measures = union(m.Measures, p.Measures, func(x Measure) string { return x.ID })
	m.Derived = union(m.Derived, p.Derived, func(d Derived) string { return d.ID })
	m.Learn = union(m.Learn, p.Learn, func(l Lesson) string { return l.ID })
	m.Sources = union(m.Sources, p.Sources, func(s Source) string { return s.ID })
	if lead {
		return
	}
	for q := range event.Quantities {
		m.Signals[q] = strictSignal(m.Signals[q], p.Signals[q])
		if len(m.Own[q]) == 0 {
			m.Own[q] = p.Own[q]
		}
	}
	m.AsRecorded = m.AsRecorded && p.AsRecorded
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
	own.Parts = bareParts(sc.Parts)
	m.Scores = append(m.Scores, own)
}

// sameScore compares what two scores say, not the closures behind it.
func sameScore(a, b *Score) bool {
	x, y := *a, *b
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
	for i := range m.Rules {
		if m.Rules[i].ID != r.ID {
			continue
		}
		if m.Rules[i].Text == r.Text && m.Rules[i].Severity == r.Severity && slices.Equal(m.Rules[i].Params, r.Params) {
			return
		}
		m.Conflicts = append(m.Conflicts, Conflict{Rule: r.ID, Packs: []string{m.Rules[i].Pack, pack}, Took: "strictest"})
		r = renamed(r, pack+"/"+r.ID)
	}
	m.Rules = append(m.Rules, r)
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

package rules

import (
	"slices"

	"tocsin/streams/event"
)

// Standing is what holds for one patient at a moment, for people to read: nothing is judged by it.
type Standing struct {
	Pack      *Pack // of all groups, merged; nil: none is known
	Instead   bool  // a group's pack is not known, and the default stands in for it
	Plan      *Plan
	Bounds    []Bound    // of single signs, by quantity, gravest first; without those that are switched off
	Expected  []Expected // how often what is to come
	Numbers   []Number   // params of the conditions
	Overrides []Laid     // what was set for group and patient, also what is over by now
	Missing   []string   // facts that conditions wait for
	Waiting   []string   // the conditions that wait for them
	Measures  []Measured
}

// Bound is a limit as it holds for the patient.
type Bound struct {
	Quantity event.Quantity
	Limit
	From   string          // pack, group or patient
	Set    *event.Override // that gave it; nil: nobody, it is the pack's
	Beaten bool            // the patient's own target says what is normal on this side; danger holds outside of it
}

// Expected is how often a quantity is to come, in milliseconds, and whose word that is.
type Expected struct {
	Quantity       event.Quantity
	EveryMs, Grace int64
	From           string
}

// Number is a param of a condition as it holds for the patient.
type Number struct {
	Rule  string
	Param Param
	Value event.Decimal
	From  string
	Set   *event.Override
}

// Laid is an override with whose it is and whether it counts now.
type Laid struct {
	event.Override
	From  string // group or patient
	Holds bool   // false: its time is over, another beats it, the packs have no such rule or number, or it may not be switched off
}

// Stands answers what holds for a patient at now.
func Stands(f Facts, s State, now event.Time) Standing {
	e := eval{f: f, s: s, now: now}
	e.open()
	st := Standing{Pack: e.p, Instead: e.absent != "", Plan: s.Plan}
	if e.p == nil {
		return st
	}
	e.boundsInto(&st)
	e.numbersInto(&st)
	from := [3]string{fromPatient, fromGroup, fromGroup}
	for i, list := range e.overrides() {
		for k := range list {
			st.Overrides = append(st.Overrides, Laid{list[k], from[i], e.holds(&list[k])})
		}
	}
	st.Measures = e.measures()
	return st
}

// Came answers by which door the reading came that was folded last, empty when none did, and when the last of the signals that
// are silent fell so, zero when none is.
func Came(f Facts, s State) (door string, fell event.Time) {
	var last event.Time
	for _, t := range s.Tracks {
		if t != nil && t.Folded >= last && t.Door > 0 && int(t.Door) <= len(f.Doors) {
			last, door = t.Folded, f.Doors[t.Door-1].Name
		}
	}
	for _, x := range s.Silences {
		fell = max(fell, x.Fell)
	}
	return door, fell
}

func (e *eval) boundsInto(st *Standing) {
	for q := event.Quantity(1); int(q) < event.Quantities; q++ {
		t := e.s.Plan.target(q)
		for _, l := range e.p.Limits[q] {
			b := Bound{Quantity: q, Limit: l, From: fromPack, Set: l.set, Beaten: t != nil && t.covers(l.Above) && !l.Danger}
			if l.set != nil {
				b.From = l.from
			}
			st.Bounds = append(st.Bounds, b)
		}
		if x := e.cadence(q); x.ms > 0 {
			st.Expected = append(st.Expected, Expected{q, x.ms, x.grace, x.from})
		}
	}
}

func (e *eval) numbersInto(st *Standing) {
	for i := range e.p.Rules {
		r := &e.p.Rules[i]
		if name := e.needs(r); name != "" && !e.off(r.ID) {
			st.Waiting = append(st.Waiting, r.ID)
			for _, name := range r.Needs {
				if _, known := e.s.Plan.fact(name); !known && !slices.Contains(st.Missing, name) {
					st.Missing = append(st.Missing, name)
				}
			}
		}
		for k := range r.Params {
			value, set := e.param(r.ID, &r.Params[k])
			n := Number{Rule: r.ID, Param: r.Params[k], Value: value, From: fromPack, Set: set}
			if set != nil {
				_, n.From = e.override(r.ID, n.Param.Name)
			}
			st.Numbers = append(st.Numbers, n)
		}
	}
}

// holds tells whether an override is what counts for its rule and number now.
func (e *eval) holds(o *event.Override) bool {
	inForce, _ := e.override(o.Rule, o.Param)
	if inForce != o {
		return false
	}
	if o.Off {
		return !e.p.danger(o.Rule) // a limit that is off is not in the pack any more, so whether there was one is not asked
	}
	if _, l := e.p.limit(o.Rule); l != nil {
		return o.Param == boundParam
	}
	r := e.p.condition(o.Rule)
	return r != nil && slices.ContainsFunc(r.Params, func(p Param) bool { return p.Name == o.Param })
}

// Measured is a measure of the pack with what it comes to.
type Measured struct {
	*Measure
	Value float64
	Known bool
}

// MeasuresOf answers the measures of a patient's pack at now, in the order of the pack.
func MeasuresOf(f Facts, s State, now event.Time) []Measured {
	e := eval{f: f, s: s, now: now}
	if e.open(); e.p == nil {
		return nil
	}
	return e.measures()
}

func (e *eval) measures() []Measured {
	if len(e.p.Measures) == 0 {
		return nil
	}
	v := e.look()
	defer looks.Put(v)
	all := make([]Measured, len(e.p.Measures))
	for i := range e.p.Measures {
		m := &e.p.Measures[i]
		x, known := m.number(v)
		all[i] = Measured{m, x, known}
	}
	return all
}

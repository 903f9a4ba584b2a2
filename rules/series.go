package rules

import (
	"slices"
	"strings"

	"tocsin/rules/expr"
	"tocsin/rules/window"
	"tocsin/streams/event"
)

// Said is what came under a code: an answer of the app, or a series that the pack derives from each upload.
type Said struct {
	Code  string `json:"code"`
	Track *Track `json:"track"`
}

// Held is a window over one series, as the pack asks for it.
type Held struct {
	Series string         `json:"series"`
	Window *window.Window `json:"window"`
}

// maxSaid is how many codes are kept for one patient, as many as conditions can name: what a pack does not ask for cannot
// fill the memory, and what earlier packs asked for makes room.
const maxSaid = expr.MaxSlots

// said answers where a code stands, or would stand.
func (s *State) said(code string) (int, bool) {
	return slices.BinarySearchFunc(s.Said, code, func(x Said, code string) int { return strings.Compare(x.Code, code) })
}

// series answers the track of a quantity's wire name, an answer's code or a derived series; nil when nothing came.
func (s *State) series(name string) *Track {
	return s.of(sourceOf(name))
}

// Answered answers the newest answer under a code.
func (s *State) Answered(code string) (Point, bool) {
	if i, ok := s.said(code); ok && s.Said[i].Track.Count > 0 {
		return s.Said[i].Track.newest(), true
	}
	return Point{}, false
}

// answers folds what an upload says under codes that the pack asks for, and what the pack derives from it. Other answers
// stay in the log and in history.
func (e *eval) answers(o *event.ObservationRecorded, id string, at event.Time) (moved bool) {
	if e.p == nil {
		return false
	}
	for _, a := range o.Answers {
		if q := e.p.question(a.Code); q != nil && q.takes(a) {
			e.say(a.Code, Point{at, a.Value}, o, id)
			moved = true
		}
	}
	if len(e.p.Derived) == 0 {
		return moved
	}
	v := looks.Get().(*expr.View)
	defer looks.Put(v)
	e.upload(v, o, at)
	for i := range e.p.Derived {
		d := &e.p.Derived[i]
		if e.s.fenced(d.ID) {
			continue
		}
		if value, ok := e.derive(d, v); ok {
			e.say(d.ID, Point{at, value}, o, id)
			moved = true
		}
	}
	return moved
}

// derive answers what an upload comes to. One that fails must not keep the upload from being folded: it fails again when the
// upload is decided on, where it can be fenced.
func (e *eval) derive(d *Derived, v *expr.View) (value event.Decimal, ok bool) {
	if e.folding {
		defer e.passed()
	}
	if x, known := d.number(v); known {
		value, ok = event.DecimalOf(x)
	}
	return value, ok
}

// tryDerived lets a derived series that fails do so where it can be fenced.
func (e *eval) tryDerived(o *event.ObservationRecorded) {
	if len(e.p.Derived) == 0 {
		return
	}
	v := looks.Get().(*expr.View)
	defer looks.Put(v)
	e.upload(v, o, min(o.MeasuredAt, e.now))
	for i := range e.p.Derived {
		if d := &e.p.Derived[i]; !e.s.fenced(d.ID) {
			e.rule = d.ID
			e.derive(d, v)
		}
	}
}

// upload fills a view with what one upload says by itself.
func (e *eval) upload(v *expr.View, o *event.ObservationRecorded, at event.Time) {
	v.Clear()
	v.At, v.Windows, v.Recents = at, v.Windows[:0], v.Recents[:0]
	v.Known = e.fixedInto(v)
	for _, i := range e.p.drawn.moving {
		switch sl := &e.p.slots[i]; sl.kind {
		case signalSlot:
			for _, r := range o.Readings {
				if r.Quantity == sl.q && (r.Mark == event.Plausible || r.Mark == event.Unconfirmed && e.asRecorded()) {
					v.Set(i, asWritten(sl.q, r.Value).Float())
				}
			}
		case answerSlot:
			for _, a := range o.Answers {
				if a.Code == sl.name && e.p.question(a.Code).takes(a) {
					v.Set(i, a.Value.Float())
				}
			}
		case derivedSlot:
		default:
			e.fixed(v, i, sl)
		}
	}
}

// say puts a point into the series of a code.
func (e *eval) say(code string, p Point, o *event.ObservationRecorded, id string) {
	i, known := e.s.said(code)
	if !known && len(e.s.Said) >= maxSaid {
		e.makeRoom()
		i, known = e.s.said(code)
	}
	t := &Track{}
	switch {
	case known:
		*t = *e.s.Said[i].Track
		e.s.Said = slices.Clone(e.s.Said)
		e.s.Said[i].Track = t
	case len(e.s.Said) >= maxSaid:
		return // no condition can name so many
	default:
		e.s.Said = slices.Insert(slices.Clone(e.s.Said), i, Said{code, t})
	}
	t.insert(p)
	t.Folded = e.now
	if t.newest() == p {
		t.Reading, t.Clock = id, clockIndex(o.Clock.Quality)
	}
	e.widen(code, p)
}

// makeRoom forgets what came under codes that the pack does not know.
func (e *eval) makeRoom() {
	e.s.Said = slices.DeleteFunc(slices.Clone(e.s.Said), func(x Said) bool { return e.p.meaning(x.Code) == "" })
}

// near lets the memory behind the windows of an upload come while there is other work.
func (e *eval) near(o *event.ObservationRecorded) {
	if len(e.s.Windows) < 2 {
		return
	}
	brings := uint32(0)
	for i := range o.Readings {
		brings |= 1 << o.Readings[i].Quantity
	}
	var all [32]*window.Window
	n := 0
	for i := range e.s.Windows {
		if q := e.p.drawn.windows[i]; n < len(all) && brings&(1<<q) != 0 {
			all[n] = e.s.Windows[i].Window
			n++
		}
	}
	window.Near(all[:n])
}

// widen puts a point into the windows over its series.
func (e *eval) widen(series string, p Point) {
	for i := range e.s.Windows {
		if e.s.Windows[i].Series != series {
			continue
		}
		e.ownWindows()
		w := e.room.window(e.s.Windows[i].Window)
		w.Add(p.At, p.Value, inMgPerDL(p.Value))
		e.s.Windows[i].Window = w
	}
}

// ownWindows makes the list of windows this look's own.
func (e *eval) ownWindows() {
	if !e.widened {
		e.s.Windows, e.widened = slices.Clone(e.s.Windows), true
	}
}

// rewind brings the windows into the order in which the pack asks for them. One that is new begins with the readings that
// are still at hand.
func (e *eval) rewind() {
	var want []expr.Need
	if e.p != nil {
		want = e.p.layout.Windows
	}
	if e.windowed(want) {
		return
	}
	next := make([]Held, len(want))
	for i, n := range want {
		k := slices.IndexFunc(e.s.Windows, func(h Held) bool { return h.Series == n.Series && h.Window.Spec() == n.Spec })
		if k >= 0 {
			next[i] = e.s.Windows[k]
			continue
		}
		w := window.New(n.Spec)
		if t := e.s.series(n.Series); t != nil {
			for j := range t.Count {
				w.Add(t.Points[j].At, t.Points[j].Value, inMgPerDL(t.Points[j].Value))
			}
		}
		next[i] = Held{n.Series, w}
	}
	e.s.Windows, e.widened = next, true
	if len(next) == 0 {
		e.s.Windows = nil
	}
}

func (e *eval) windowed(want []expr.Need) bool {
	if len(want) != len(e.s.Windows) {
		return false
	}
	for i := range want {
		if !e.s.Windows[i].answers(&want[i]) {
			return false
		}
	}
	return true
}

// question answers what a code means to the pack, nil when it does not ask for it.
func (p *Pack) question(code string) *Question {
	for i := range p.Questions {
		if p.Questions[i].Code == code {
			return &p.Questions[i]
		}
	}
	return nil
}

// takes tells whether an answer is in the unit that the question gives: creatinine in mg/dL is no creatinine in µmol/L.
func (q *Question) takes(a event.Answer) bool { return a.Unit == "" || a.Unit == q.Unit }

// look lends a view of the patient as it stands: each newest value that is not too old beside the newest of all. It goes
// back to looks.
func (e *eval) look() *expr.View { return e.lookAt(true) }

// lookAt is look, or without fresh with the last known values, however old.
func (e *eval) lookAt(fresh bool) *expr.View {
	v := looks.Get().(*expr.View)
	v.Clear()
	v.At = e.s.newestAt()
	v.Known = e.fixedInto(v)
	for _, i := range e.p.drawn.moving {
		sl := &e.p.slots[i]
		switch sl.kind {
		case signalSlot:
			e.value(v, i, e.s.Tracks[sl.q], sl, fresh)
		case answerSlot, derivedSlot:
			if k, ok := e.s.said(sl.name); ok {
				e.value(v, i, e.s.Said[k].Track, sl, fresh)
			}
		default:
			e.fixed(v, i, sl)
		}
	}
	v.Windows, v.Recents = v.Windows[:0], v.Recents[:0]
	for i := range e.s.Windows {
		v.Windows = append(v.Windows, e.s.Windows[i].Window)
	}
	for i := range e.p.drawn.recents {
		x := &e.p.drawn.recents[i]
		v.Recents = append(v.Recents, recentOf(x.unit, e.s.of(*x)))
	}
	return v
}

// fixedInto fills what stands in the pack, or was set in its place.
func (e *eval) fixedInto(v *expr.View) (known [2]uint64) {
	if !e.overridden() {
		copy(v.Value[:], e.p.drawn.fixed)
		return e.p.drawn.known
	}
	for i := range e.p.slots {
		if sl := &e.p.slots[i]; sl.kind == paramSlot {
			e.fixed(v, i, sl)
		}
	}
	return v.Known
}

func (e *eval) value(v *expr.View, i int, t *Track, sl *slot, fresh bool) {
	if t == nil || t.Count == 0 {
		return
	}
	if n := t.newest(); !fresh || sl.fresh == 0 || v.At.Sub(n.At).Milliseconds() <= sl.fresh {
		v.Set(i, asWritten(sl.q, n.Value).Float())
	}
}

func recentOf(q event.Quantity, t *Track) expr.Recent {
	if t == nil {
		return expr.Recent{}
	}
	n := t.newest()
	r := expr.Recent{At: n.At, Last: asWritten(q, n.Value).Float(), Count: 1}
	if t.Count > 1 {
		r.Previous, r.Count = asWritten(q, t.Points[t.Count-2].Value).Float(), 2
	}
	return r
}

// fixed fills what stands in plan and pack.
func (e *eval) fixed(v *expr.View, i int, sl *slot) {
	plan := e.s.Plan
	switch sl.kind {
	case paramSlot:
		r := &e.p.Rules[sl.rule]
		value, _ := e.param(r.ID, &r.Params[sl.param])
		v.Set(i, value.Float())
	case scaleSlot:
		v.Set(i, float64(plan.scale()))
	case factSlot:
		if d, ok := plan.fact(sl.name); ok {
			v.Set(i, d.Float())
		} else if sl.usual != nil {
			v.Set(i, sl.usual.Float())
		}
	case ageYearsSlot:
		if plan != nil && (plan.AgeYears > 0 || plan.AgeMonths >= 12) {
			v.Set(i, float64(plan.years()))
		}
	case ageMonthsSlot:
		if plan != nil && plan.AgeMonths > 0 {
			v.Set(i, float64(plan.AgeMonths))
		}
	case pregnantSlot:
		if plan != nil {
			v.SetTruth(i, plan.Pregnant)
		}
	case signalSlot, answerSlot, derivedSlot:
	}
}

// newestAt answers when the newest of all that came was measured.
func (s *State) newestAt() (at event.Time) {
	for _, t := range s.Tracks {
		if t != nil && t.Count > 0 {
			at = max(at, t.newest().At)
		}
	}
	for i := range s.Said {
		if t := s.Said[i].Track; t.Count > 0 {
			at = max(at, t.newest().At)
		}
	}
	return at
}

package desk

import (
	"container/list"
	"slices"
	"sync"

	"tocsin/alerts"
	"tocsin/care"
	"tocsin/streams"
	"tocsin/streams/event"
)

// ward is what the screens are shown: the open warnings and the board of every group, folded from the log. One goroutine
// a partition feeds it; readers take what they need under the lock and work on it outside. Nothing that a reader does can hold up
// the fold: there are no queues to readers, only a list in the order of change, which each reads at its own pace.
//
// There are two: one of people, and one of the watchdog's made-up patients, which the watchdog alone is shown. Both are the same
// code on the same steps.
type ward struct {
	shows   func(key string) bool // of whom this ward is
	mu      sync.RWMutex
	seq     uint64        // counts changes on this server
	changed chan struct{} // closed and replaced when a warning changes; rows are looked at now and then
	alarmed bool          // a warning has changed in this step
	at      vector        // how far each partition has been folded
	floor   vector        // below this, what has been closed is not known any more
	parts   []part
	people  map[string]*person
	groups  map[string]*group // by {tenant}/{group}
	shown   map[string]*shown // warnings by id
	recent  *list.List        // of *shown, the last changed in front
	closed  *list.List        // of *shown that are closed, the last closed in front
	answers map[string]*answered
	waiting map[string]*waiter
	order   []string // click ids of answers, oldest first
}

// part is one partition, as it was last heard of.
type part struct {
	input    int64 // the next input
	clock    event.Time
	caughtUp bool
}

// mark is when something was changed: on this server, and in the log.
type mark struct {
	seq       uint64
	partition int32
	offset    int64
}

// shown is one warning.
type shown struct {
	mark
	key    string // of the patient
	group  string
	clinic string // of the patient, as of today
	w      alerts.Warning
	past   *alerts.Past // when it is closed
	place  *list.Element
	inPast *list.Element
}

// person is one patient.
type person struct {
	mark
	key   string
	group *group // nil: in none
	p     Patient
	clock event.Time    // of the partition, when it was copied for a reader
	place *list.Element // in the group's list
	open  Counts
}

// group is a disease group's people.
type group struct {
	people *list.List       // of *person, the last changed in front
	left   map[*person]mark // who was in it and is not now: who looks at the board has to hear of it
	open   Counts
	silent int
}

const (
	keptClosed  = 5000  // closed warnings that can still be looked at
	keptAnswers = 20000 // answers to clicks that a repeat can still be given
)

func newWard(n int32, shows func(key string) bool) *ward {
	w := &ward{
		shows: shows, changed: make(chan struct{}), at: make(vector, n), floor: make(vector, n), parts: make([]part, n),
		people: map[string]*person{}, groups: map[string]*group{}, shown: map[string]*shown{}, recent: list.New(), closed: list.New(),
		answers: map[string]*answered{}, waiting: map[string]*waiter{},
	}
	for p := range w.at {
		w.at[p], w.floor[p] = -1, -1
	}
	return w
}

// take folds one step into what is shown, and answers the waiting clicks.
func (w *ward) take(s Seen) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if s.Offset < w.at[s.Partition] {
		return // following began again from a checkpoint: what it brings is shown already
	}
	w.seq++
	if s.Inputs == nil && s.Events == nil && s.Offset > w.at[s.Partition] {
		w.floor[s.Partition] = s.Offset // it came from a checkpoint: what changed before cannot be told one by one
	}
	m := mark{w.seq, s.Partition, s.Offset}
	for _, key := range s.Touched {
		if p, ok := s.Look(key); ok && w.shows(key) {
			w.put(key, p, m)
		}
	}
	w.at[s.Partition] = s.Offset
	w.parts[s.Partition] = part{s.Input, s.Clock, s.CaughtUp}
	w.settle(s)
	if w.alarmed {
		close(w.changed)
		w.changed, w.alarmed = make(chan struct{}), false
	}
}

// put replaces what is known of a patient.
func (w *ward) put(key string, p Patient, m mark) {
	who := w.people[key]
	if who == nil {
		who = &person{key: key}
		w.people[key] = who
	}
	before, closed, from := who.p.Alerts.Open, who.p.Alerts.Closed, who.group
	w.leave(who)
	who.mark, who.p, who.open = m, p, countOpen(p.Alerts.Open)
	w.join(who)
	if from != nil && from != who.group {
		from.left[who] = m
	}
	for i := range p.Alerts.Closed {
		past := &p.Alerts.Closed[i]
		if w.shown[past.Alert] == nil && isPast(closed, past.Alert) {
			continue // closed long ago and forgotten: it would come back as news, and push out another
		}
		w.show(key, p.Care, past.Warning, past, m)
	}
	for _, a := range before { // closed and followed by another that was closed too, all in one step
		if _, phase := p.Alerts.Find(key, a.Alert); phase == alerts.Closed && w.shown[a.Alert].past == nil {
			a.Phase = alerts.Closed
			w.show(key, p.Care, a, &alerts.Past{Warning: a}, m)
		}
	}
	for _, a := range p.Alerts.Open {
		w.show(key, p.Care, a, nil, m)
	}
}

func isPast(closed []alerts.Past, alert string) bool {
	return slices.ContainsFunc(closed, func(p alerts.Past) bool { return p.Alert == alert })
}

// leave and join keep the group's list and its counts.
func (w *ward) leave(p *person) {
	if p.group == nil {
		return
	}
	p.group.people.Remove(p.place)
	p.group.open.add(p.open, -1)
	if p.p.Silent {
		p.group.silent--
	}
	p.group, p.place = nil, nil
}

func (w *ward) join(p *person) {
	name := p.p.Care.Group()
	if name == "" || p.p.Care.Left != nil {
		return
	}
	tenant, _ := streams.SplitPatientKey(p.key)
	g := w.groups[tenant+"/"+name]
	if g == nil {
		g = &group{people: list.New(), left: map[*person]mark{}}
		w.groups[tenant+"/"+name] = g
	}
	delete(g.left, p)
	p.group, p.place = g, g.people.PushFront(p)
	g.open.add(p.open, 1)
	if p.p.Silent {
		g.silent++
	}
}

// show notes a warning, when it or where its patient belongs is another than before.
func (w *ward) show(key string, c care.State, a alerts.Warning, past *alerts.Past, m mark) {
	s, known := w.shown[a.Alert]
	group := c.Group()
	if known && sameWarning(s.w, a) && s.group == group && s.clinic == c.Clinic {
		return
	}
	if !known {
		s = &shown{key: key}
		w.shown[a.Alert] = s
		s.place = w.recent.PushFront(s)
	}
	s.mark, s.group, s.clinic, s.w, s.past, w.alarmed = m, group, c.Clinic, a, past, true
	w.recent.MoveToFront(s.place)
	if past != nil && s.inPast == nil {
		s.inPast = w.closed.PushFront(s)
		w.forgetClosed()
	}
}

// sameWarning tells whether nothing has happened to a warning: whatever does adds a line to its story or findings.
func sameWarning(a, b alerts.Warning) bool {
	return a.Scored == b.Scored && a.UpdatedAt == b.UpdatedAt && len(a.Story)+a.LeftOut == len(b.Story)+b.LeftOut && a.Phase == b.Phase && a.Reports == b.Reports
}

// forgetClosed lets the longest closed go; who has not heard of it by then needs a snapshot.
func (w *ward) forgetClosed() {
	for w.closed.Len() > keptClosed {
		s := w.closed.Remove(w.closed.Back()).(*shown)
		w.recent.Remove(s.place)
		delete(w.shown, s.w.Alert)
		w.floor[s.partition] = max(w.floor[s.partition], s.offset)
	}
}

func countOpen(open []alerts.Warning) (c Counts) {
	for _, a := range open {
		switch a.Severity {
		case event.High:
			c.High++
		case event.Medium:
			c.Medium++
		case event.Technical:
			c.Technical++
		default:
			c.Low++
		}
	}
	return c
}

// add adds n times d.
func (c *Counts) add(d Counts, n int) {
	c.High += n * d.High
	c.Medium += n * d.Medium
	c.Low += n * d.Low
	c.Technical += n * d.Technical
}

// caughtUp tells whether every partition has been read to its end once.
func (w *ward) caughtUp() bool {
	w.mu.RLock()
	defer w.mu.RUnlock()
	for _, p := range w.parts {
		if !p.caughtUp {
			return false
		}
	}
	return true
}

// reached tells whether the fold has come as far as v.
func (w *ward) reached(v vector) bool {
	w.mu.RLock()
	defer w.mu.RUnlock()
	for p := range v {
		if v[p] > w.at[p] {
			return false
		}
	}
	return true
}

// changes answers what has changed since seq, oldest first, how far that brings a reader, and what to wait for next.
func (w *ward) changes(since uint64, board string) (ws []shown, rows []person, seq uint64, at vector, next <-chan struct{}) {
	w.mu.RLock()
	defer w.mu.RUnlock()
	return w.collect(func(m mark) bool { return m.seq > since }, board)
}

// collect walks both lists from the last change back to the first that is not new. The caller holds the lock.
func (w *ward) collect(isNew func(mark) bool, board string) (ws []shown, rows []person, seq uint64, at vector, next <-chan struct{}) {
	for e := w.recent.Front(); e != nil && isNew(e.Value.(*shown).mark); e = e.Next() {
		ws = append(ws, *e.Value.(*shown))
	}
	if g := w.groups[board]; g != nil {
		for e := g.people.Front(); e != nil && isNew(e.Value.(*person).mark); e = e.Next() {
			rows = append(rows, w.now(e.Value.(*person)))
		}
		rows = append(rows, w.goneFrom(g, isNew)...)
	}
	slices.Reverse(ws)
	slices.Reverse(rows)
	return ws, rows, w.seq, append(vector(nil), w.at...), w.changed
}

// resume answers what has changed since a reader had read as far as v, here or at another server. It cannot when what
// was closed since may have been forgotten, or when v lies beyond what this server has read.
func (w *ward) resume(v vector, board string) (ws []shown, rows []person, seq uint64, at vector, ok bool) {
	w.mu.RLock()
	defer w.mu.RUnlock()
	for p := range v {
		if v[p] < w.floor[p] || v[p] > w.at[p] {
			return nil, nil, 0, nil, false
		}
	}
	for e := w.recent.Back(); e != nil; e = e.Prev() {
		if s := e.Value.(*shown); s.offset > v[s.partition] {
			ws = append(ws, *s)
		}
	}
	if g := w.groups[board]; g != nil {
		for e := g.people.Back(); e != nil; e = e.Prev() {
			if p := e.Value.(*person); p.offset > v[p.partition] {
				rows = append(rows, w.now(p))
			}
		}
		rows = append(rows, w.goneFrom(g, func(m mark) bool { return m.offset > v[m.partition] })...)
	}
	return ws, rows, w.seq, append(vector(nil), w.at...), true
}

// snapshot answers everything that is open, and a whole board.
func (w *ward) snapshot(board string) (ws []shown, rows []person, seq uint64, at vector) {
	w.mu.RLock()
	defer w.mu.RUnlock()
	for e := w.recent.Back(); e != nil; e = e.Prev() {
		if s := e.Value.(*shown); s.past == nil {
			ws = append(ws, *s)
		}
	}
	if g := w.groups[board]; g != nil {
		for e := g.people.Front(); e != nil; e = e.Next() {
			rows = append(rows, w.now(e.Value.(*person)))
		}
	}
	return ws, rows, w.seq, append(vector(nil), w.at...)
}

// now answers a person as of the clock of their partition: what was fresh at the last change may be too old by now. The
// caller holds the lock.
func (w *ward) now(p *person) person {
	c := *p
	c.clock = max(w.parts[p.partition].clock, p.clock)
	return c
}

// goneFrom answers who has left a group for another, or for none. The caller holds the lock.
func (w *ward) goneFrom(g *group, isNew func(mark) bool) (rows []person) {
	for p, m := range g.left {
		if isNew(m) {
			rows = append(rows, w.now(p))
		}
	}
	return rows
}

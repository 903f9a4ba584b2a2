package desk

import (
	"cmp"
	"maps"
	"math"
	"slices"
	"time"

	"tocsin/streams"
	"tocsin/streams/event"
)

const (
	dayMs        = float64(24 * 3_600_000)
	staleAfter   = 24 * time.Hour
	piece        = 10 * time.Minute
	floodLimit   = 10 // warnings for each operator and piece
	shownTalkers = 10
)

// quality counts the weeks up to now. of is {tenant}/{group}; empty: everybody.
func (p *past) quality(of string, now event.Time) Quality {
	p.mu.RLock()
	defer p.mu.RUnlock()
	q := Quality{Complete: p.whole(), ZoneMin: weekZoneMin, Group: of, Weeks: []QualityWeek{}}
	for _, at := range p.from {
		if q.Since == nil || at < *q.Since {
			q.Since = &at
		}
	}
	led := p.led()
	byGroup := map[string][]stretch{}
	for group, all := range led {
		if of == "" || group == of {
			byGroup[group] = all
		}
	}
	packs := map[string][]stretch{}
	for from := monday(now, weekZoneMin).Add(-(keptWeeks - 1) * week); from < now; from = from.Add(week) {
		c := counting{past: p, from: from, to: from.Add(week), now: now, packs: packs, groups: byGroup}
		q.Weeks = append(q.Weeks, c.week(p.ofGroup(of)))
	}
	return q
}

// ofGroup answers the warnings of a group, or all, in a fixed order.
func (p *past) ofGroup(of string) (all []graded) {
	for id, w := range p.warnings {
		if g := (graded{w, id, p.leading(w.key, w.raised)}); of == "" || g.group == of {
			all = append(all, g)
		}
	}
	slices.SortFunc(all, func(a, b graded) int { return cmp.Or(cmp.Compare(a.raised, b.raised), cmp.Compare(a.id, b.id)) })
	return all
}

// graded is a warning with the group that led the care when it was raised.
type graded struct {
	*happened
	id    string
	group string // {tenant}/{group}; empty: none
}

// leading answers the group that led the care of a patient at a moment.
func (p *past) leading(key string, at event.Time) string {
	if x := lastOf(p.people[key], at, func(x placed) event.Time { return x.since }); x != nil && len(x.groups) > 0 {
		return x.groups[0]
	}
	return ""
}

// led answers for each group when patients were led by it.
func (p *past) led() map[string][]stretch {
	all := map[string][]stretch{}
	for key, life := range p.people {
		for i, x := range life {
			to := event.Never
			if i+1 < len(life) {
				to = life[i+1].since
			}
			if len(x.groups) > 0 {
				all[x.groups[0]] = append(all[x.groups[0]], p.here(key, stretch{x.since, to})...)
			}
		}
	}
	return all
}

// counting is one week that is counted.
type counting struct {
	*past
	from, to, now event.Time
	groups        map[string][]stretch
	packs         map[string][]stretch // by pack, as far as they were asked for
}

func (c counting) week(all []graded) QualityWeek {
	end := min(c.to, c.now)
	q := QualityWeek{From: c.from, To: end, Severities: []QualityLine{}, Groups: []QualityLine{}, Rules: []QualityLine{}, Patients: []Talker{}, Shelved: c.shelvings(all), Load: c.load(all, end)}
	for _, days := range c.groups {
		q.PatientDays += daysOf(days, c.from, end)
	}
	bySeverity, byGroup, byRule, byPatient := map[string][]graded{}, map[string][]graded{}, map[string][]graded{}, map[string]int{}
	var mine []graded
	for _, w := range all {
		if w.raised < end && (w.closed == 0 || w.closed >= end) && end.Sub(w.raised) > staleAfter {
			q.Stale++
		}
		if w.raised < c.from || w.raised >= end {
			continue
		}
		mine = append(mine, w)
		bySeverity[w.severity.String()] = append(bySeverity[w.severity.String()], w)
		byGroup[w.group] = append(byGroup[w.group], w)
		for _, r := range c.rulesOf(w) {
			byRule[r] = append(byRule[r], w)
		}
		byPatient[w.key]++
		if w.admitted {
			q.Admitted++
		}
	}
	q.All = lineOf("", mine, q.PatientDays)
	for _, s := range []event.Severity{event.High, event.Medium, event.Low, event.Technical} {
		if ws := bySeverity[s.String()]; len(ws) > 0 {
			q.Severities = append(q.Severities, lineOf(s.String(), ws, q.PatientDays))
		}
	}
	q.Groups = linesOf(byGroup, func(group string) float64 { return daysOf(c.groups[group], c.from, end) })
	q.Rules = linesOf(byRule, func(rule string) float64 { return c.daysOfPack(packOfRule(rule), end) })
	q.Patients = talkers(byPatient)
	return q
}

// rulesOf answers the rules behind a warning as {pack}/{rule}, each once.
func (c counting) rulesOf(w graded) (names []string) {
	for _, r := range w.rules {
		name := cmp.Or(r.pack, c.ledBy(w.key, w.raised)) + "/" + r.rule
		if !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	return names
}

func packOfRule(name string) string {
	for i := range name {
		if name[i] == '/' {
			return name[:i]
		}
	}
	return ""
}

func (c counting) daysOfPack(pack string, end event.Time) float64 {
	if _, known := c.packs[pack]; !known {
		c.packs[pack] = c.judgedBy(pack)
	}
	return daysOf(c.packs[pack], c.from, end)
}

func daysOf(all []stretch, from, to event.Time) (days float64) {
	for _, s := range all {
		days += float64(max(min(s.to, to)-max(s.from, from), 0)) / dayMs
	}
	return days
}

func linesOf(by map[string][]graded, days func(name string) float64) []QualityLine {
	lines := []QualityLine{}
	for name, ws := range by {
		lines = append(lines, lineOf(name, ws, days(name)))
	}
	slices.SortFunc(lines, func(a, b QualityLine) int { return cmp.Or(b.Raised-a.Raised, cmp.Compare(a.Name, b.Name)) })
	return lines
}

func lineOf(name string, all []graded, days float64) QualityLine {
	l := QualityLine{Name: name}
	var accept, contact, closed times
	for _, w := range all {
		l.count(w.happened)
		accept.add(w.raised, w.accepted, w.closed)
		contact.add(w.raised, w.contacted, w.closed)
		closed.add(w.raised, w.closed, 0)
	}
	l.finish(days)
	if l.Judged > 0 {
		low, high := wilson(l.Real, l.Judged)
		l.ShareLow, l.ShareHigh = &low, &high
	}
	l.Accept, l.Contact, l.Close = accept.took(), contact.took(), closed.took()
	return l
}

// wilson answers the 95 % interval of a share k of n, n > 0 (Wilson, J Am Stat Assoc 1927;22:209-12).
func wilson(k, n int) (low, high float64) {
	const z = 1.959963984540054
	share, count := float64(k)/float64(n), float64(n)
	middle := share + z*z/(2*count)
	reach := z * math.Sqrt(share*(1-share)/count+z*z/(4*count*count))
	return max((middle-reach)/(1+z*z/count), 0), min((middle+reach)/(1+z*z/count), 1)
}

// times gathers how long something took.
type times struct {
	all     []int64
	waiting int
}

// add takes one warning. What did not happen and no longer can, since it is closed, is in no time.
func (t *times) add(raised, at, closed event.Time) {
	switch {
	case at != 0:
		t.all = append(t.all, int64(at-raised))
	case closed == 0:
		t.waiting++
	}
}

func (t *times) took() Took {
	slices.Sort(t.all)
	return Took{N: len(t.all), Waiting: t.waiting, MedianMs: t.rank(50), P90Ms: t.rank(90)}
}

// rank answers the percentile of the nearest rank among what took its time and what still does, which is longer; nil when
// it falls among those.
func (t *times) rank(percent int) *int64 {
	n := len(t.all) + t.waiting
	i := (n*percent+99)/100 - 1
	if i < 0 || i >= len(t.all) {
		return nil
	}
	return &t.all[i]
}

func talkers(by map[string]int) []Talker {
	all := []Talker{}
	for key, n := range by {
		if tenant, patient := streams.SplitPatientKey(key); n > 1 {
			all = append(all, Talker{tenant, patient, n})
		}
	}
	slices.SortFunc(all, func(a, b Talker) int {
		return cmp.Or(b.N-a.N, cmp.Compare(a.Tenant, b.Tenant), cmp.Compare(a.Patient, b.Patient))
	})
	return all[:min(len(all), shownTalkers)]
}

// shelvings counts why warnings were shelved in this week, whenever they were raised.
func (c counting) shelvings(all []graded) []ShelvedWhy {
	by := map[string]*ShelvedWhy{}
	for _, w := range all {
		for _, s := range w.shelved {
			if s.at < c.from || s.at >= c.to {
				continue
			}
			if by[s.reason] == nil {
				by[s.reason] = &ShelvedWhy{Reason: s.reason}
			}
			by[s.reason].N++
			if s.back {
				by[s.reason].Back++
			}
		}
	}
	list := []ShelvedWhy{}
	for _, reason := range slices.Sorted(maps.Keys(by)) {
		list = append(list, *by[reason])
	}
	slices.SortStableFunc(list, func(a, b ShelvedWhy) int { return b.N - a.N })
	return list
}

// load cuts the week into pieces and counts what asked in each.
func (c counting) load(all []graded, end event.Time) DeskLoad {
	l := DeskLoad{PieceMs: piece.Milliseconds(), Limit: floodLimit, Floods: []Flood{}}
	n, who := map[int64]int{}, map[int64]map[string]bool{}
	for _, w := range all {
		if w.raised < c.from || w.raised >= end || w.planned {
			continue
		}
		i := int64(w.raised-c.from) / l.PieceMs
		n[i]++
		if who[i] == nil {
			who[i] = map[string]bool{}
		}
		for _, a := range w.asked {
			who[i][a] = true
		}
	}
	pieces := (int64(end-c.from) + l.PieceMs - 1) / l.PieceMs
	flooded := 0
	for _, i := range slices.Sorted(maps.Keys(n)) {
		operators := max(len(who[i]), 1)
		each := float64(n[i]) / float64(operators)
		l.Mean, l.Most = l.Mean+each/float64(pieces), max(l.Most, each)
		if each <= floodLimit {
			continue
		}
		flooded++
		f := Flood{From: c.from + event.Time(i*l.PieceMs), To: c.from + event.Time((i+1)*l.PieceMs), N: n[i], Operators: operators}
		if k := len(l.Floods); k > 0 && l.Floods[k-1].To == f.From {
			f.From, f.N, f.Operators = l.Floods[k-1].From, f.N+l.Floods[k-1].N, min(operators, l.Floods[k-1].Operators)
			l.Floods = l.Floods[:k-1]
		}
		l.Floods = append(l.Floods, f)
	}
	if pieces > 0 {
		l.FloodShare = float64(flooded) / float64(pieces)
	}
	return l
}

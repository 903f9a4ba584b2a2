package desk

import (
	"cmp"
	"slices"
	"time"

	"tocsin/rules"
	"tocsin/streams/event"
)

// The record of a pack (FEATURES RUL-14): how many warnings it led to, how many of them were true. How it is counted:
//
//   - A warning belongs to the moment at which it was raised, and to each rule that was among its reasons when it was raised
//     or became worse. A rule that names no pack (a score, silence, a patient's own target) counts for the pack that led the
//     patient then.
//   - Its outcome is what it was closed with. True is "real" alone: a warning that was real but usual for this patient made
//     somebody call for nothing. A share is of the warnings that were closed and whose outcome is known; what is open or
//     not known yet is said beside it and is in no share.
//   - W:D is how many of those had to be looked at for one that was true: the inverse of the share.
//   - A patient-day is a day during which a patient was in a group that used the pack. The rate is not told below one
//     patient-week: a few minutes of a ward say nothing.

// Tally counts warnings and what they turned out to be.
type Tally struct {
	Raised      int      `json:"raised"`
	Open        int      `json:"open" doc:"not closed yet"`
	Real        int      `json:"real"`
	Usual       int      `json:"usual" doc:"real, but usual for this patient: not counted as true"`
	Measurement int      `json:"measurement" doc:"measurement fault"`
	Technical   int      `json:"technical"`
	Unknown     int      `json:"unknown" doc:"closed as not known yet"`
	Ended       int      `json:"ended" doc:"ended without anybody having to say what it was: within a planned window, or since the patient left"`
	Judged      int      `json:"judged" doc:"closed with a known outcome: what a share is of"`
	Share       *float64 `json:"share,omitempty" doc:"real of judged, from 0 to 1; absent when none is judged"`
	WD          *float64 `json:"wd,omitempty" doc:"judged for each real one; absent when none was real"`
	Per100      *float64 `json:"per_100_patient_days,omitempty" doc:"warnings per 100 patient-days; absent below 7 patient-days"`
}

// RuleTally is Tally for one rule.
type RuleTally struct {
	Rule string `json:"rule"`
	Tally
}

// Span is what happened in a stretch of time, from inclusive, to exclusive.
type Span struct {
	From        event.Time  `json:"from"`
	To          event.Time  `json:"to"`
	PatientDays float64     `json:"patient_days" doc:"days that patients were judged by this pack, in the stretch"`
	All         Tally       `json:"all"`
	Rules       []RuleTally `json:"rules" doc:"most warnings first; a warning with two reasons counts for both rules"`
}

// Record is how a pack has done.
type Record struct {
	Complete bool        `json:"complete" doc:"false while the log is still being read: the numbers are too small"`
	Since    *event.Time `json:"since,omitempty" doc:"the oldest warning of which the log tells; absent when there is none"`
	Last7    Span        `json:"last_7_days"`
	Last30   Span        `json:"last_30_days"`
	Weeks    []Span      `json:"weeks" doc:"Monday to Monday in the pack's zone, oldest first; the last one is still running"`
}

const leastPatientDays = 7

// record answers how a pack has done up to now.
func (p *past) record(pack string, zoneMin int, now event.Time) Record {
	p.mu.RLock()
	defer p.mu.RUnlock()
	judged := p.judgedBy(pack)
	mine := p.ledTo(pack)
	span := func(from, to event.Time) Span { return spanOf(mine, judged, from, to) }
	r := Record{Complete: p.whole(), Last7: span(now.Add(-week), now), Last30: span(now.Add(-30*24*time.Hour), now), Weeks: []Span{}}
	for _, at := range p.from {
		if r.Since == nil || at < *r.Since {
			r.Since = &at
		}
	}
	for from := monday(now, zoneMin).Add(-(keptWeeks - 1) * week); from < now; from = from.Add(week) {
		r.Weeks = append(r.Weeks, span(from, min(from.Add(week), now)))
	}
	return r
}

// last30 answers what a pack led to in the last 30 days, and whether the whole log has been read.
func (p *past) last30(pack string, now event.Time) (Tally, bool) {
	p.mu.RLock()
	defer p.mu.RUnlock()
	return spanOf(p.ledTo(pack), p.judgedBy(pack), now.Add(-30*24*time.Hour), now).All, p.whole()
}

// monday answers the beginning of the week in which t lies.
func monday(t event.Time, zoneMin int) event.Time {
	const day = event.Time(24 * 3_600_000)
	zone := event.Time(zoneMin) * 60_000
	days := (t + zone) / day
	return (days-(days+3)%7)*day - zone // 1 January 1970 was a Thursday
}

// counted is a warning of one pack.
type counted struct {
	*happened
	rules []string
}

// ledTo answers the warnings to which a pack led, with its rules among their reasons. The caller holds the lock.
func (p *past) ledTo(pack string) (mine []counted) {
	for _, w := range p.warnings {
		c := counted{happened: w}
		for _, r := range w.rules {
			if of := r.pack; of == pack || of == "" && p.ledBy(w.key, w.raised) == pack {
				c.rules = append(c.rules, r.rule)
			}
		}
		if len(c.rules) > 0 {
			mine = append(mine, c)
		}
	}
	return mine
}

// ledBy answers the pack of the leading group of a patient at a moment; empty for who was in none.
func (p *past) ledBy(key string, at event.Time) string {
	if x := lastOf(p.people[key], at, func(x placed) event.Time { return x.since }); x != nil && len(x.groups) > 0 {
		return p.packOf(x.groups[0], at)
	}
	return ""
}

// packOf answers what a group used at a moment.
func (p *past) packOf(group string, at event.Time) string {
	if u := lastOf(p.groups[group], at, func(u used) event.Time { return u.since }); u != nil {
		return cmp.Or(u.set.Pack, rules.DefaultPack)
	}
	return rules.DefaultPack
}

// lastOf answers the last element that had begun at a moment, nil when none had.
func lastOf[T any](all []T, at event.Time, since func(T) event.Time) *T {
	for i := len(all) - 1; i >= 0; i-- {
		if since(all[i]) <= at {
			return &all[i]
		}
	}
	return nil
}

// stretch is a time during which somebody was judged by a pack.
type stretch struct{ from, to event.Time }

// judgedBy answers when patients were judged by a pack. The caller holds the lock.
func (p *past) judgedBy(pack string) (all []stretch) {
	for key, life := range p.people {
		var at []event.Time // moments at which it may have changed
		for _, x := range life {
			at = append(at, x.since)
			for _, g := range x.groups {
				for _, u := range p.groups[g] {
					at = append(at, u.since)
				}
			}
		}
		slices.Sort(at)
		for i, from := range at {
			to := event.Never
			if i+1 < len(at) {
				to = at[i+1]
			}
			x := lastOf(life, from, func(x placed) event.Time { return x.since })
			if x != nil && to > from && slices.ContainsFunc(x.groups, func(g string) bool { return p.packOf(g, from) == pack }) {
				all = append(all, p.here(key, stretch{from, to})...)
			}
		}
	}
	return all
}

// here answers what is left of a stretch without the times when the care of the patient had ended. The caller holds the lock.
func (p *past) here(key string, s stretch) (all []stretch) {
	for _, away := range p.away[key] {
		if away.from < s.to && away.to > s.from {
			if away.from > s.from {
				all = append(all, stretch{s.from, away.from})
			}
			s.from = min(away.to, s.to)
		}
	}
	if s.from < s.to {
		all = append(all, s)
	}
	return all
}

func spanOf(mine []counted, judged []stretch, from, to event.Time) Span {
	s := Span{From: from, To: to, Rules: []RuleTally{}}
	for _, j := range judged {
		if ms := min(j.to, to) - max(j.from, from); ms > 0 {
			s.PatientDays += float64(ms) / float64((24 * time.Hour).Milliseconds())
		}
	}
	by := map[string]*Tally{}
	for _, w := range mine {
		if w.raised < from || w.raised >= to {
			continue
		}
		s.All.count(w.happened)
		for _, rule := range w.rules {
			if by[rule] == nil {
				by[rule] = new(Tally)
			}
			by[rule].count(w.happened)
		}
	}
	s.All.finish(s.PatientDays)
	for rule, t := range by {
		t.finish(s.PatientDays)
		s.Rules = append(s.Rules, RuleTally{rule, *t})
	}
	slices.SortFunc(s.Rules, func(a, b RuleTally) int { return cmp.Or(b.Raised-a.Raised, cmp.Compare(a.Rule, b.Rule)) })
	return s
}

func (t *Tally) count(w *happened) {
	t.Raised++
	if w.closed == 0 {
		t.Open++
		return
	}
	switch w.outcome {
	case event.OutcomeReal:
		t.Real++
	case event.OutcomeUsual:
		t.Usual++
	case event.OutcomeMeasurement:
		t.Measurement++
	case event.OutcomeTechnical:
		t.Technical++
	case event.OutcomePlanned, event.OutcomeLeft:
		t.Ended++
	default:
		t.Unknown++
	}
}

func (t *Tally) finish(days float64) {
	t.Judged = t.Real + t.Usual + t.Measurement + t.Technical
	if t.Judged > 0 {
		share := float64(t.Real) / float64(t.Judged)
		t.Share = &share
	}
	if t.Real > 0 {
		wd := float64(t.Judged) / float64(t.Real)
		t.WD = &wd
	}
	if days >= leastPatientDays {
		rate := 100 * float64(t.Raised) / days
		t.Per100 = &rate
	}
}

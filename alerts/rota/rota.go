// Package rota works out who is on duty, and when: weekly shifts by the clock of a time zone, holidays and swaps become spans of
// UTC, which the log carries, so that no fold needs to know time zones. It has no clock and no I/O.
package rota

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	"tocsin/streams/event"
)

// HorizonDays is how far ahead spans are worked out: twice the 14 days that are looked at for gaps, so that a keeper which did
// not run for two weeks leaves nobody without.
const HorizonDays = 28

// LookAheadDays is how far ahead gaps are told (ALR-10).
const LookAheadDays = 14

// What is worked out has an end, whoever asks for it: three shifts a day are 93 changes in a month.
const (
	mostChanges  = 1000
	mostAccounts = 50 // of one shift
)

// lookBackDays is how far back spans are kept: what somebody took in a shift is handed over at its end.
const lookBackDays = 2

// Fill works r out from a moment on, and a little back: its Spans, how far they reach, and the gaps among the next LookAheadDays.
// It answers what is wrong with the rota, all of it.
func Fill(r *event.Rota, zone *time.Location, from event.Time) []Fault {
	p, faults := parse(r)
	if len(faults) > 0 {
		return faults
	}
	day := from.Std().In(zone)
	r.Until = from.Add(HorizonDays * 24 * time.Hour)
	var all []event.OnDuty
	for i := -lookBackDays - 1; i <= HorizonDays+1; i++ { // a shift that began the day before may last into the first
		all = append(all, p.on(time.Date(day.Year(), day.Month(), day.Day()+i, 0, 0, 0, 0, zone))...)
	}
	spans, ok := merged(all)
	if !ok {
		return []Fault{{"shifts", fmt.Sprintf("换班过于频繁：一个月内超过 %d 次", mostChanges), fmt.Sprintf("who is on duty changes more than %d times within a month", mostChanges)}}
	}
	r.Spans = within(swapped(spans, r.Swaps), from.Add(-lookBackDays*24*time.Hour), r.Until)
	r.Gaps = Gaps(r.Spans, from, from.Add(LookAheadDays*24*time.Hour))
	return nil
}

// Fault is what is wrong with one field of a rota.
type Fault struct {
	Where  string // such as shifts[1].from
	Zh, En string
}

func (f Fault) Error() string { return f.En }

// plan is a rota as it was read.
type plan struct {
	shifts   []shift
	holidays map[string]bool
}

type shift struct {
	event.RotaShift
	from, length int // minutes
}

const (
	dayForm = "2006-01-02"
	dayMin  = 24 * 60
)

func parse(r *event.Rota) (plan, []Fault) {
	p := plan{holidays: map[string]bool{}}
	var faults []Fault
	bad := func(where, zh, en string, args ...any) {
		faults = append(faults, Fault{where, fmt.Sprintf(zh, args...), fmt.Sprintf(en, args...)})
	}
	for i, day := range r.Holidays {
		if _, err := time.Parse(dayForm, day); err != nil {
			bad(fmt.Sprintf("holidays[%d]", i), "假日 %q 不是日期，应如 2026-10-01", "holiday %q is no date such as 2026-10-01", day)
		}
		p.holidays[day] = true
	}
	for i, s := range r.Shifts {
		at := fmt.Sprintf("shifts[%d].", i)
		var ends [2]int
		for k, end := range []struct{ where, text string }{{"from", s.From}, {"to", s.To}} {
			var ok bool
			if ends[k], ok = clock(end.text); !ok {
				bad(at+end.where, "第 %d 班：%q 不是时刻，应如 07:30", "shift %d: %q is no time such as 07:30", i+1, end.text)
			}
		}
		if len(s.Accounts) > mostAccounts {
			bad(at+"accounts", "第 %d 班有 %d 人，最多 %d 人", "shift %d names %d people; want at most %d", i+1, len(s.Accounts), mostAccounts)
		}
		if len(s.Accounts) == 0 {
			bad(at+"accounts", "第 %d 班没有人员", "shift %d names nobody", i+1)
		}
		if len(s.Days) == 0 && !s.Holidays {
			bad(at+"days", "第 %d 班未指定日期：请选择周一至周日，或假日", "shift %d is on no day: give days from 1 (Monday) to 7, or holidays", i+1)
		}
		for _, d := range s.Days {
			if d < 1 || d > 7 {
				bad(at+"days", "第 %d 班：%d 不是 1（周一）至 7", "shift %d: day %d is none from 1 (Monday) to 7", i+1, d)
			}
		}
		if ends[1] <= ends[0] {
			ends[1] += dayMin
		}
		p.shifts = append(p.shifts, shift{s, ends[0], ends[1] - ends[0]})
	}
	for i, s := range r.Swaps {
		if s.Until <= s.From {
			bad(fmt.Sprintf("swaps[%d].until", i), "第 %d 次换班的结束早于开始", "swap %d ends before it begins", i+1)
		}
		if len(s.Accounts) == 0 {
			bad(fmt.Sprintf("swaps[%d].accounts", i), "第 %d 次换班没有人员", "swap %d names nobody", i+1)
		}
	}
	return p, faults
}

// clock reads HH:MM in minutes; 24:00 is the end of the day.
func clock(s string) (min int, ok bool) {
	var h, m int
	if n, err := fmt.Sscanf(s, "%2d:%2d", &h, &m); n != 2 || err != nil || len(s) != 5 || h < 0 || m < 0 || m > 59 || h*60+m > dayMin {
		return 0, false
	}
	return h*60 + m, true
}

// on answers the shifts that begin on a local day. Both ends go by the clock on the wall, so that a night in which it is put
// forward or back is shorter or longer and the next shift begins where it ends.
func (p plan) on(day time.Time) (all []event.OnDuty) {
	weekday := (int(day.Weekday())+6)%7 + 1
	holiday := p.holidays[day.Format(dayForm)]
	for _, s := range p.shifts {
		if holiday && !s.Holidays || !holiday && !slices.Contains(s.Days, weekday) {
			continue
		}
		at := func(min int) event.Time {
			return event.TimeOf(time.Date(day.Year(), day.Month(), day.Day(), 0, min, 0, 0, day.Location()))
		}
		if from, until := at(s.from), at(s.from+s.length); from < until {
			all = append(all, event.OnDuty{From: from, Until: until, Accounts: s.Accounts})
		}
	}
	return all
}

// merged answers spans without overlap: where several hold, everybody of them is on duty. ok is false when somebody comes or
// goes at more than mostChanges moments.
func merged(all []event.OnDuty) (spans []event.OnDuty, ok bool) {
	var cuts []event.Time
	for _, s := range all {
		cuts = append(cuts, s.From, s.Until)
	}
	slices.Sort(cuts)
	if cuts = slices.Compact(cuts); len(cuts) > mostChanges {
		return nil, false
	}
	slices.SortStableFunc(all, func(a, b event.OnDuty) int { return cmp.Compare(a.From, b.From) })
	var holding []event.OnDuty // from the last cut on
	for i := 1; i < len(cuts); i++ {
		for len(all) > 0 && all[0].From <= cuts[i-1] {
			holding, all = append(holding, all[0]), all[1:]
		}
		holding = slices.DeleteFunc(holding, func(s event.OnDuty) bool { return s.Until < cuts[i] })
		var who []string
		for _, s := range holding {
			who = append(who, s.Accounts...)
		}
		slices.Sort(who)
		if who = slices.Compact(who); len(who) > 0 {
			spans = add(spans, event.OnDuty{From: cuts[i-1], Until: cuts[i], Accounts: who})
		}
	}
	return spans, true
}

// add appends a span, as one with the last where that is the same people's.
func add(spans []event.OnDuty, s event.OnDuty) []event.OnDuty {
	if n := len(spans); n > 0 && spans[n-1].Until == s.From && slices.Equal(spans[n-1].Accounts, s.Accounts) {
		spans[n-1].Until = s.Until
		return spans
	}
	return append(spans, s)
}

// swapped puts the swaps, of which the later in the list beat the earlier, over the spans.
func swapped(spans []event.OnDuty, swaps []event.RotaSwap) []event.OnDuty {
	for _, s := range swaps {
		over := []event.OnDuty{{From: s.From, Until: s.Until, Accounts: s.Accounts}}
		for _, span := range spans {
			if span.From < s.From {
				over = append(over, event.OnDuty{From: span.From, Until: min(span.Until, s.From), Accounts: span.Accounts})
			}
			if span.Until > s.Until {
				over = append(over, event.OnDuty{From: max(span.From, s.Until), Until: span.Until, Accounts: span.Accounts})
			}
		}
		slices.SortFunc(over, func(a, b event.OnDuty) int { return cmp.Compare(a.From, b.From) })
		spans = over
	}
	return spans
}

// within cuts spans to a stretch of time.
func within(spans []event.OnDuty, from, until event.Time) (cut []event.OnDuty) {
	for _, s := range spans {
		if s.From, s.Until = max(s.From, from), min(s.Until, until); s.From < s.Until {
			cut = add(cut, s)
		}
	}
	return cut
}

// Gaps answers when nobody is on duty between two moments.
func Gaps(spans []event.OnDuty, from, until event.Time) (gaps []event.Gap) {
	at := from
	for _, s := range spans {
		if s.From > at && at < until {
			gaps = append(gaps, event.Gap{From: at, Until: min(s.From, until)})
		}
		at = max(at, s.Until)
	}
	if at < until {
		gaps = append(gaps, event.Gap{From: at, Until: until})
	}
	return gaps
}

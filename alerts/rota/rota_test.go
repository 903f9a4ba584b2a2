package rota

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"
	_ "time/tzdata"

	"pgregory.net/rapid"

	"tocsin/streams/event"
)

func zone(t interface{ Fatal(...any) }, name string) *time.Location {
	z, err := time.LoadLocation(name)
	if err != nil {
		t.Fatal(err)
	}
	return z
}

func at(t *testing.T, text string) event.Time {
	t.Helper()
	x, err := time.Parse(time.RFC3339, text)
	if err != nil {
		t.Fatal(err)
	}
	return event.TimeOf(x)
}

var everyDay = []int{1, 2, 3, 4, 5, 6, 7}

// told writes spans by the clock of a zone, for people to compare.
func told(spans []event.OnDuty, z *time.Location, days int) string {
	var lines []string
	for _, s := range spans {
		if len(spans) > 0 && s.From >= spans[0].From.Add(time.Duration(days)*24*time.Hour) {
			break
		}
		lines = append(lines, fmt.Sprintf("%s-%s %s", s.From.Std().In(z).Format("02T15:04Z07:00"), s.Until.Std().In(z).Format("02T15:04"), strings.Join(s.Accounts, "+")))
	}
	return strings.Join(lines, "\n")
}

// The night in which clocks are put forward is an hour shorter, the one in which they are put back an hour longer: by the clock on
// the wall both end at 08:00, and nobody is on duty twice or not at all. Europe does it on the last Sunday of March and October;
// Shanghai never.
func TestALR10_ClocksPutForwardAndBack(t *testing.T) {
	for _, c := range []struct {
		zone, from string
		nights     []time.Duration
	}{
		{"Europe/Berlin", "2026-03-27T07:00:00Z", []time.Duration{12 * time.Hour, 11 * time.Hour, 12 * time.Hour}},
		{"Europe/Berlin", "2026-10-23T06:00:00Z", []time.Duration{12 * time.Hour, 13 * time.Hour, 12 * time.Hour}},
		{"Asia/Shanghai", "2026-03-27T00:00:00Z", []time.Duration{12 * time.Hour, 12 * time.Hour, 12 * time.Hour}},
	} {
		r := event.Rota{Shifts: []event.RotaShift{{Days: everyDay, From: "08:00", To: "20:00", Accounts: []string{"day"}}, {Days: everyDay, From: "20:00", To: "08:00", Accounts: []string{"night"}}}}
		z := zone(t, c.zone)
		if faults := Fill(&r, z, at(t, c.from)); faults != nil || r.Gaps != nil {
			t.Fatalf("%v, gaps %v", faults, r.Gaps)
		}
		var nights []time.Duration
		for i, s := range within(r.Spans, at(t, c.from), r.Until) {
			if was := within(r.Spans, at(t, c.from), s.From); i > 0 && s.From != was[i-1].Until {
				t.Errorf("%s: nobody or two between %s and %s", c.zone, was[i-1].Until, s.From)
			}
			if local := s.From.Std().In(z); i > 0 && local.Format("15:04") != map[string]string{"day": "08:00", "night": "20:00"}[s.Accounts[0]] {
				t.Errorf("%s: %s begins at %s", c.zone, s.Accounts[0], local)
			}
			if s.Accounts[0] == "night" {
				nights = append(nights, s.Until.Sub(s.From))
			}
		}
		if !slices.Equal(nights[:3], c.nights) {
			t.Errorf("%s: nights of %v", c.zone, nights[:3])
		}
	}
}

// Weekdays, weekends, a holiday that falls on a working day, a shift over midnight and a swap.
func TestALR10_ShiftsHolidaysSwaps(t *testing.T) {
	z := zone(t, "Asia/Shanghai")
	r := event.Rota{
		Shifts: []event.RotaShift{
			{Days: []int{1, 2, 3, 4, 5}, From: "08:00", To: "18:00", Accounts: []string{"b", "a"}},
			{Days: []int{6, 7}, Holidays: true, From: "08:00", To: "18:00", Accounts: []string{"weekend"}},
			{Days: everyDay, Holidays: true, From: "18:00", To: "08:00", Accounts: []string{"night"}},
			{Days: []int{3}, From: "16:00", To: "20:00", Accounts: []string{"late"}},
		},
		Holidays: []string{"2026-10-01"},
		Swaps:    []event.RotaSwap{{From: at(t, "2026-10-02T04:00:00Z"), Until: at(t, "2026-10-02T06:00:00Z"), Accounts: []string{"c"}, Why: "ill"}},
	}
	if faults := Fill(&r, z, at(t, "2026-09-30T00:00:00Z")); faults != nil { // a Wednesday, 08:00
		t.Fatal(faults)
	}
	want := strings.Join([]string{
		"30T08:00+08:00-30T16:00 a+b", "30T16:00+08:00-30T18:00 a+b+late", "30T18:00+08:00-30T20:00 late+night", "30T20:00+08:00-01T08:00 night",
		"01T08:00+08:00-01T18:00 weekend", "01T18:00+08:00-02T08:00 night", "02T08:00+08:00-02T12:00 a+b", "02T12:00+08:00-02T14:00 c", "02T14:00+08:00-02T18:00 a+b",
		"02T18:00+08:00-03T08:00 night"}, "\n")
	if got := told(within(r.Spans, at(t, "2026-09-30T00:00:00Z"), r.Until), z, 3); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	if r.Gaps != nil {
		t.Errorf("gaps %v", r.Gaps)
	}
}

// A week in which nobody is on duty on Sunday has two gaps in fourteen days.
func TestALR10_GapsOfTheNextFortnight(t *testing.T) {
	r := event.Rota{Shifts: []event.RotaShift{{Days: []int{1, 2, 3, 4, 5, 6}, From: "00:00", To: "24:00", Accounts: []string{"a"}}}}
	if faults := Fill(&r, time.UTC, at(t, "2026-03-02T00:00:00Z")); faults != nil { // a Monday
		t.Fatal(faults)
	}
	if len(r.Gaps) != 2 || r.Gaps[0] != (event.Gap{From: at(t, "2026-03-08T00:00:00Z"), Until: at(t, "2026-03-09T00:00:00Z")}) || r.Until != at(t, "2026-03-30T00:00:00Z") {
		t.Errorf("gaps %v, until %s", r.Gaps, r.Until)
	}
}

func TestALR10_FaultsOfARota(t *testing.T) {
	r := event.Rota{Holidays: []string{"1 October"}, Shifts: []event.RotaShift{{Days: []int{0}, From: "8:00", To: "24:01"}, {From: "08:00", To: "09:00", Accounts: []string{"a"}}},
		Swaps: []event.RotaSwap{{From: 2, Until: 1}}}
	if faults := Fill(&r, time.UTC, 0); len(faults) != 8 || r.Spans != nil {
		t.Errorf("%d faults: %v", len(faults), faults)
	}
}

// Whatever the shifts, spans are in order, never overlap, and at any moment those are on duty whose shift holds by the clock of the
// zone.
func TestALR10_AnyRota(t *testing.T) {
	zones := []*time.Location{zone(t, "Europe/Berlin"), zone(t, "Asia/Shanghai"), zone(t, "America/New_York"), zone(t, "Australia/Lord_Howe"), time.UTC}
	rapid.Check(t, func(t *rapid.T) {
		var r event.Rota
		for i := range rapid.IntRange(1, 4).Draw(t, "shifts") {
			hour := func(name string) string { return fmt.Sprintf("%02d:30", rapid.IntRange(0, 23).Draw(t, name)) }
			r.Shifts = append(r.Shifts, event.RotaShift{Days: rapid.SliceOfNDistinct(rapid.IntRange(1, 7), 1, 7, rapid.ID).Draw(t, "days"), From: hour("from"), To: hour("to"), Accounts: []string{fmt.Sprint("p", i)}})
		}
		z := rapid.SampledFrom(zones).Draw(t, "zone")
		from := event.TimeOf(time.Date(2026, time.Month(rapid.IntRange(1, 12).Draw(t, "month")), rapid.IntRange(1, 28).Draw(t, "day"), 12, 0, 0, 0, time.UTC))
		if faults := Fill(&r, z, from); faults != nil {
			t.Fatal(faults)
		}
		for i, s := range r.Spans {
			if s.Until <= s.From || i > 0 && s.From < r.Spans[i-1].Until {
				t.Fatalf("%v follows %v", s, r.Spans[max(i-1, 0)])
			}
		}
		moment := from.Add(time.Duration(rapid.IntRange(0, HorizonDays*24*60-1).Draw(t, "minutes")) * time.Minute)
		if got, want := onAt(r.Spans, moment), byWall(r, moment.Std().In(z)); !slices.Equal(got, want) {
			t.Fatalf("at %s %v are on duty, by the wall %v", moment.Std().In(z), got, want)
		}
	})
}

func onAt(spans []event.OnDuty, t event.Time) []string {
	for _, s := range spans {
		if s.From <= t && t < s.Until {
			return s.Accounts
		}
	}
	return nil
}

// byWall reads weekday and clock and looks at each shift, those that began yesterday among them. In the hour that is there twice or
// not at all the wall does not tell, and it is not asked.
func byWall(r event.Rota, t time.Time) (who []string) {
	for i, s := range r.Shifts {
		from, _ := clock(s.From)
		to, _ := clock(s.To)
		for back := range 2 {
			day := time.Date(t.Year(), t.Month(), t.Day()-back, 0, 0, 0, 0, t.Location())
			length := to - from
			if length <= 0 {
				length += dayMin
			}
			begins := time.Date(day.Year(), day.Month(), day.Day(), 0, from, 0, 0, t.Location())
			ends := time.Date(day.Year(), day.Month(), day.Day(), 0, from+length, 0, 0, t.Location())
			if slices.Contains(s.Days, (int(day.Weekday())+6)%7+1) && !t.Before(begins) && t.Before(ends) {
				who = append(who, fmt.Sprint("p", i))
			}
		}
	}
	slices.Sort(who)
	return slices.Compact(who)
}

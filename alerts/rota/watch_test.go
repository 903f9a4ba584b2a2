package rota

import (
	"testing"

	"pgregory.net/rapid"

	"tocsin/streams/event"
)

// filled works a rota of one shift a day out from a moment on.
func filled(t *testing.T, zoneName, step, from, to string, days []int, worked string) event.Rota {
	t.Helper()
	r := event.Rota{Tenant: "t", Step: step, Zone: zoneName, Shifts: []event.RotaShift{{Days: days, From: from, To: to, Accounts: []string{step}}}}
	if faults := Fill(&r, zone(t, zoneName), at(t, worked)); faults != nil {
		t.Fatal(faults)
	}
	return r
}

// The first line of the patient's page: until when somebody watches, or before when nobody does; over the nights in which clocks are put
// forward and back, over gaps, and where the rota ends.
func TestALR17_WatchedUntilOrNotBefore(t *testing.T) {
	berlin := func(step, from, to string, days []int, worked string) event.Rota {
		return filled(t, "Europe/Berlin", step, from, to, days, worked)
	}
	march, october := "2026-03-27T07:00:00Z", "2026-10-23T06:00:00Z"
	week := []int{1, 2, 3, 4, 5}
	for name, c := range map[string]struct {
		rotas []event.Rota
		now   string
		state WatchState
		until string // by the clock of Berlin; empty: 0
	}{
		"by day":              {[]event.Rota{berlin("nurse", "08:00", "20:00", everyDay, march)}, "2026-03-28T12:00:00+01:00", Watched, "28T20:00+01:00"},
		"in the evening":      {[]event.Rota{berlin("nurse", "08:00", "20:00", everyDay, march)}, "2026-03-28T20:00:00+01:00", Unwatched, "29T08:00+02:00"},
		"just before it ends": {[]event.Rota{berlin("nurse", "08:00", "20:00", everyDay, march)}, "2026-03-28T19:59:59+01:00", Watched, "28T20:00+01:00"},
		"the night in which clocks are put forward":        {[]event.Rota{berlin("nurse", "20:00", "08:00", everyDay, march)}, "2026-03-29T01:59:00+01:00", Watched, "29T08:00+02:00"},
		"the night in which clocks are put back":           {[]event.Rota{berlin("nurse", "20:00", "08:00", everyDay, october)}, "2026-10-25T02:30:00+02:00", Watched, "25T08:00+01:00"},
		"a shift that ends in the hour that comes twice":   {[]event.Rota{berlin("nurse", "20:00", "02:30", everyDay, october)}, "2026-10-25T01:00:00+02:00", Watched, "25T02:30+01:00"},
		"a shift that begins in the hour that is left out": {[]event.Rota{berlin("nurse", "02:30", "08:00", everyDay, march)}, "2026-03-29T01:00:00+01:00", Unwatched, "29T03:30+02:00"},
		"another step goes on where the first ends":        {[]event.Rota{berlin("nurse", "08:00", "20:00", everyDay, march), berlin("doctor-1", "20:00", "22:00", everyDay, march)}, "2026-03-28T12:00:00+01:00", Watched, "28T22:00+01:00"},
		"a gap between them":                               {[]event.Rota{berlin("nurse", "08:00", "20:00", everyDay, march), berlin("doctor-1", "20:01", "22:00", everyDay, march)}, "2026-03-28T12:00:00+01:00", Watched, "28T20:00+01:00"},
		"within the gap":                                   {[]event.Rota{berlin("nurse", "08:00", "20:00", everyDay, march), berlin("doctor-1", "20:01", "22:00", everyDay, march)}, "2026-03-28T20:00:30+01:00", Unwatched, "28T20:01+01:00"},
		"a weekend without anybody":                        {[]event.Rota{berlin("nurse", "08:00", "18:00", week, march)}, "2026-03-27T18:00:00+01:00", Unwatched, "30T08:00+02:00"},
		"day and night":                                    {[]event.Rota{berlin("nurse", "08:00", "08:00", everyDay, march)}, "2026-03-28T12:00:00+01:00", Watched, ""},
		"no rota":                                          {nil, "2026-03-28T12:00:00+01:00", Unknown, ""},
		"nobody at all":                                    {[]event.Rota{{Zone: "Europe/Berlin", Until: event.Never}}, "2026-03-28T12:00:00+01:00", Unwatched, ""},
		"a rota that nobody has kept":                      {[]event.Rota{berlin("nurse", "08:00", "20:00", everyDay, march)}, "2026-06-28T12:00:00+02:00", Unknown, ""},
		"one that is kept and one that is not":             {[]event.Rota{berlin("nurse", "08:00", "20:00", everyDay, march), berlin("doctor-1", "08:00", "12:00", everyDay, "2026-06-27T06:00:00Z")}, "2026-06-28T13:00:00+02:00", Unknown, ""},
		"and who is on duty by the one that is kept":       {[]event.Rota{berlin("nurse", "08:00", "20:00", everyDay, march), berlin("doctor-1", "08:00", "12:00", everyDay, "2026-06-27T06:00:00Z")}, "2026-06-28T11:00:00+02:00", Watched, ""},
	} {
		t.Run(name, func(t *testing.T) {
			w := WatchedAt(c.rotas, at(t, c.now))
			until := ""
			if w.Until != 0 {
				until = w.Until.Std().In(zone(t, "Europe/Berlin")).Format("02T15:04-07:00")
			}
			if w.State != c.state || until != c.until {
				t.Errorf("%s until %q, want %s until %q", w.State, until, c.state, c.until)
			}
		})
	}
}

// Whatever the rotas are: watched is said only while somebody is on duty in each moment until then, and unwatched only while nobody is.
func TestALR17_WatchedIsNeverSaidOfAMomentWithNobodyOnDuty(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		var rotas []event.Rota
		for range rapid.IntRange(0, 3).Draw(rt, "rotas") {
			r := event.Rota{Until: event.Time(rapid.IntRange(0, 60).Draw(rt, "reaches"))}
			from := 0
			for range rapid.IntRange(0, 4).Draw(rt, "spans") {
				from += rapid.IntRange(0, 8).Draw(rt, "free")
				to := min(from+rapid.IntRange(1, 9).Draw(rt, "long"), int(r.Until))
				if from < to {
					r.Spans = append(r.Spans, event.OnDuty{From: event.Time(from), Until: event.Time(to), Accounts: []string{"a"}})
				}
				from = max(from, to)
			}
			rotas = append(rotas, r)
		}
		on := func(at event.Time) bool {
			for _, r := range rotas {
				for _, s := range r.Spans {
					if s.From <= at && at < s.Until {
						return true
					}
				}
			}
			return false
		}
		now := event.Time(rapid.IntRange(0, 60).Draw(rt, "now"))
		w := WatchedAt(rotas, now)
		if on(now) != (w.State == Watched) {
			rt.Fatalf("at %d it is %+v", now, w)
		}
		end := w.Until
		if end == 0 {
			end = now + 1
		}
		for x := now; x < end; x++ {
			if w.State == Watched && !on(x) || w.State == Unwatched && on(x) {
				rt.Fatalf("%+v at %d, and at %d it is not so", w, now, x)
			}
		}
		if w.Until != 0 && on(w.Until) != (w.State == Unwatched) {
			rt.Fatalf("%+v at %d does not change then", w, now)
		}
	})
}

func TestALR17_TheRotasOfAPatient(t *testing.T) {
	of := func(tenant, group, step, zone string) event.RotaSet {
		return event.RotaSet{Rota: event.Rota{Tenant: tenant, Group: group, Step: step, Zone: zone}}
	}
	all := []event.RotaSet{of("t", "", "nurse", "1"), of("t", "copd", "nurse", "2"), of("t", "", "doctor-1", "3"), of("u", "copd", "doctor-2", "4"), of("t", "copd", "lead", "5")}
	p := event.Policy{Steps: []event.PolicyStep{{To: "nurse"}, {To: "doctor-1"}, {To: "doctor-2"}}}
	got := ""
	for _, r := range OfPatient(all, p, "t", "copd") {
		got += r.Zone
	}
	if got != "23" {
		t.Errorf("rotas %s", got)
	}
}

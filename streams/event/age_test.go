package event

import (
	"testing"
	"time"
)

// TestRUL4_Age counts by calendar: on the birthday, a second before it, on days that some months lack, and in the zone of now.
func TestRUL4_Age(t *testing.T) {
	china := time.FixedZone("", 8*3600)
	for _, x := range []struct {
		born, now     string
		zone          *time.Location
		years, months int
	}{
		{"2021-01-01", "2026-01-01T00:00:00", time.UTC, 5, 60},
		{"2021-01-01", "2025-12-31T23:59:59", time.UTC, 4, 59},
		{"2020-02-29", "2021-02-28T23:59:59", time.UTC, 0, 11},
		{"2020-02-29", "2021-03-01T00:00:00", time.UTC, 1, 12},
		{"2020-02-29", "2024-02-29T00:00:00", time.UTC, 4, 48},
		{"2025-01-31", "2025-02-28T12:00:00", time.UTC, 0, 0},
		{"2025-01-31", "2025-03-01T00:00:00", time.UTC, 0, 1},
		{"2025-12-15", "2026-03-14T23:00:00", china, 0, 2},
		{"2025-12-15", "2026-03-15T00:00:00", china, 0, 3},
		{"2026-12-15", "2026-03-15T00:00:00", china, 0, 0},
	} {
		born, err := time.Parse(time.DateOnly, x.born)
		if err != nil {
			t.Fatal(err)
		}
		now, err := time.ParseInLocation("2006-01-02T15:04:05", x.now, x.zone)
		if err != nil {
			t.Fatal(err)
		}
		if years, months := Age(born, now); years != x.years || months != x.months {
			t.Errorf("born %s, at %s: %d years, %d months, want %d and %d", x.born, x.now, years, months, x.years, x.months)
		}
	}
	var p Plan
	now := time.Date(2026, 3, 20, 0, 0, 0, 0, china)
	if p.SetAge(now.AddDate(0, 0, -3), now); p.AgeYears != 0 || p.AgeMonths != 1 {
		t.Errorf("three days old is entered as %d years, %d months; want 0 and 1, for 0 months is not known", p.AgeYears, p.AgeMonths)
	}
}

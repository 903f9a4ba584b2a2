package pack

import (
	"strings"
	"testing"

	"tocsin/streams/event"
)

// TestRUL4_RowsEndAtToOrBelow shows what the two ways to end a row take in, with and without rounding, and that a row
// ends once.
func TestRUL4_RowsEndAtToOrBelow(t *testing.T) {
	text := func(round, row string) string {
		const was = "      round: 1\n      rows: [{below: 9, points: 2}, "
		if !strings.Contains(Library()["mews"], was) {
			t.Fatal("the pack of this test has changed")
		}
		return strings.Replace(Library()["mews"], was, "      round: "+round+"\n      rows: [{"+row+", points: 2}, ", 1)
	}
	for _, x := range []struct {
		round, row, value string
		points            uint8
	}{
		{"1", "below: 9", "8.4", 2}, {"1", "below: 9", "8.5", 0}, {"1", "to: 9", "9.4", 2}, {"1", "to: 9", "9.5", 0},
		{"0.000001", "below: 9", "8.999999", 2}, {"0.000001", "below: 9", "9", 0}, {"0.000001", "to: 9", "9", 2}, {"0.000001", "to: 9", "9.000001", 0},
	} {
		p, err := Compile(text(x.round, x.row))
		if err != nil {
			t.Fatal(err)
		}
		d, err := event.ParseDecimal(x.value)
		if err != nil {
			t.Fatal(err)
		}
		sc := &p.Scores[0]
		v, _ := values(t, row{})
		v.Set(event.RespirationPerMin, d)
		tally := sc.Tally(&v, 1)
		if got, _ := sc.PointsOf(&tally, event.RespirationPerMin); got != x.points {
			t.Errorf("%s, rounded to %s, gives %s %d points, want %d", x.row, x.round, x.value, got, x.points)
		}
	}
	if _, err := Compile(text("1", "below: 9, to: 8")); err == nil || !strings.Contains(err.Error(), "a row ends once") {
		t.Errorf("a row with two ends: %v", err)
	}
}

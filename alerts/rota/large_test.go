package rota

import (
	"fmt"
	"testing"
	"time"

	"tocsin/streams/event"
)

// The largest rota that the API lets in is refused at once, and keeps nobody waiting who works it out.
func TestALR10_ARotaThatChangesEveryMinuteIsRefusedAtOnce(t *testing.T) {
	var r event.Rota
	for i := range 200 {
		s := event.RotaShift{Days: everyDay, Holidays: true, From: fmt.Sprintf("%02d:%02d", i/60, i%60), To: fmt.Sprintf("%02d:%02d", i/60, i%60)}
		for k := range 20 {
			s.Accounts = append(s.Accounts, fmt.Sprintf("a%d-%d", i, k))
		}
		r.Shifts = append(r.Shifts, s)
	}
	began := time.Now()
	faults := Fill(&r, time.UTC, at(t, "2026-03-02T00:00:00Z"))
	if len(faults) != 1 || faults[0].Where != "shifts" {
		t.Errorf("%v", faults)
	}
	if took := time.Since(began); took > 10*time.Second {
		t.Errorf("it took %v", took)
	}
	r.Shifts = r.Shifts[:1]
	r.Shifts[0].Accounts = make([]string, 51)
	if faults := Fill(&r, time.UTC, at(t, "2026-03-02T00:00:00Z")); len(faults) != 1 || faults[0].Where != "shifts[0].accounts" {
		t.Errorf("%v", faults)
	}
}

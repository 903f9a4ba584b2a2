package watchdog

import (
	"encoding/json"
	"errors"
	"os"
	"testing"
	"time"

	"tocsin/rules/pack"
)

// The pack of the made-up patients does what its cases say.
func TestOPS2_PackOfTheMadeUpPatients(t *testing.T) {
	text, err := os.ReadFile("pack.yaml")
	if err != nil {
		t.Fatal(err)
	}
	cases, err := os.ReadFile("pack_test.yaml")
	if err != nil {
		t.Fatal(err)
	}
	if passed, err := pack.RunCases("pack_test.yaml", string(text), string(cases)); err != nil || passed < 2 {
		t.Errorf("%d cases pass: %v", passed, err)
	}
}

func fault(partition int32, missing string) Fault {
	return Fault{Partition: partition, Missing: missing}
}

// What begins is told at once, what lasts every five minutes, the end once; what is not taken is told as it is by then, again
// and again, with a wait that grows to a minute and no further; and the end never pushes aside what it is the end of.
func TestOPS2_OutsideHearsOfEachBeginningAndEnd(t *testing.T) {
	const again = 5 * time.Minute
	o := &outside{told: map[string]bool{}, gap: firstGap}
	at := time.Date(2026, 3, 2, 3, 0, 0, 0, time.UTC)
	look := func(after time.Duration, want int, faults ...Fault) {
		t.Helper()
		at = at.Add(after)
		if o.look(faults, 4, at, again); len(o.pending) != want {
			t.Fatalf("%s later %d messages wait, want %d: %+v", after, len(o.pending), want, o.pending)
		}
	}
	taken := func() { o.tried(nil, at, t.Logf) }
	look(0, 0)
	look(0, 1, fault(0, MissRules))
	taken()
	look(again-time.Second, 0, fault(0, MissRules))
	look(time.Second, 1, fault(0, MissRules))
	taken()
	look(time.Second, 1, fault(0, MissRules), fault(1, MissRules)) // another partition is news
	taken()
	look(time.Second, 0, fault(0, MissRules)) // that some are well again is told with the next
	look(time.Second, 1, fault(0, MissLog))   // another part is news
	var waits []time.Duration
	for range 9 {
		o.tried(errors.New("not now"), at, t.Logf)
		waits = append(waits, o.try.Sub(at))
	}
	if waits[0] != time.Second || waits[1] != 2*time.Second || waits[8] != time.Minute {
		t.Errorf("it waits %v", waits)
	}
	look(again, 1, fault(0, MissLog), fault(2, MissLog))
	if got := o.pending[0].Data.Faults; len(got) != 2 {
		t.Errorf("what waited is told as %+v", got)
	}
	look(time.Second, 2)
	if o.pending[0].Type != failing || o.pending[1].Type != well {
		t.Errorf("what waits is %+v", o.pending)
	}
	taken()
	taken()
	look(time.Hour, 0)
	if o.gap != firstGap {
		t.Errorf("after what was taken it waits %s", o.gap)
	}
	look(0, 1, fault(3, MissDoor))
	if b, err := json.Marshal(o.pending[0]); err != nil || string(b) != `{"type":"watchdog.failing","timestamp":"2026-03-02T04:10:04Z","data":{"faults":[{"partition":3,"missing":"door","since":"0001-01-01T00:00:00Z","says":""}],"partitions":4}}` {
		t.Errorf("%s, %v", b, err)
	}
}

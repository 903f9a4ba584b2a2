package desk

import (
	"testing"
	"time"

	"tocsin/streams"
	"tocsin/streams/event"
)

// What a desk says of the watchdog: nothing as long as none is enrolled; well while each partition's made-up patient is heard of;
// silent since the last one of the partition that is missed longest; failing as long as the watchdog goes on saying so.
func TestOPS2_DeskMissesTheWatchdogByItself(t *testing.T) {
	const gone = 90 * time.Second
	began := moment{1_000_000, time.Minute}
	at := func(d time.Duration) moment { return began.plus(d) }
	key := []string{streams.PatientKey(streams.SystemTenant, streams.WatchedPatient(0, 2)), streams.PatientKey(streams.SystemTenant, streams.WatchedPatient(1, 2))}
	d := newWatchdog(2)
	is := func(now time.Duration, state string, since time.Duration) {
		t.Helper()
		st := d.status(at(now), gone)
		if st.State != state || (since < 0) != (st.Since == nil) || st.Since != nil && *st.Since != at(since).wall {
			t.Errorf("after %s: %s since %v, want %s since %v", now, st.State, st.Since, state, at(since).wall)
		}
	}
	raised := func(p int32, key string, now time.Duration, live bool) {
		d.heard(Seen{Partition: p, CaughtUp: live, Touched: []string{key}, Events: []event.Envelope{{Subject: key, Data: &event.AlertRaised{}}}}, at(now))
	}
	is(0, "off", -1)
	raised(0, "demo/P-0113", 0, true)
	is(time.Hour, "off", -1)
	d.heard(Seen{Partition: 0, Touched: key[:1]}, at(0))
	d.heard(Seen{Partition: 1, Touched: key[1:]}, at(0))
	is(gone, "well", -1)
	is(gone+time.Second, "silent", 0)
	raised(0, key[0], gone, true)
	raised(1, key[1], gone, false) // of long ago: the log is still being read
	is(gone+time.Second, "silent", 0)
	raised(1, key[1], gone+time.Second, true)
	is(2*gone, "well", -1)
	raised(1, "demo/P-0113", 2*gone, true) // somebody's warning is no sign of it
	is(2*gone+time.Second, "silent", gone)
	if st := d.status(at(10*gone), 0); st.State != "off" {
		t.Errorf("where none is expected it says %+v", st)
	}

	raised(0, key[0], 3*gone, true)
	raised(1, key[1], 3*gone, true)
	d.told([]WatchdogFault{{Partition: 1, Missing: "log", Since: at(3*gone - 20*time.Second).wall}, {Partition: 0, Missing: "log", Since: at(3*gone - 10*time.Second).wall}}, at(3*gone))
	is(3*gone+toldFor-time.Second, "failing", 3*gone-20*time.Second)
	is(3*gone+toldFor, "well", -1)
	d.told([]WatchdogFault{{Partition: 1, Missing: "door", Since: at(3 * gone).wall}}, at(3*gone))
	d.told(nil, at(3*gone+time.Second))
	is(3*gone+2*time.Second, "well", -1)
}

package rules_test

import (
	"testing"

	"tocsin/rules"
	"tocsin/rules/pack"
	"tocsin/rules/trial"
	"tocsin/streams/event"
)

const (
	second = 1000
	minute = 60 * second
	hour   = 60 * minute
)

func patient(t *testing.T, id string) *trial.Patient {
	t.Helper()
	p, err := trial.New(pack.Compile, noon, pack.Library()[id])
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func must(t *testing.T) func([]event.Event, error) []event.Event {
	return func(out []event.Event, err error) []event.Event {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return out
	}
}

func kinds[E event.Event](events []event.Event) (all []E) {
	for _, d := range events {
		if e, ok := d.(E); ok {
			all = append(all, e)
		}
	}
	return all
}

var spo2 = trial.Reading(event.SpO2Percent, event.Int(97))
var pulse = trial.Reading(event.PulsePerMin, event.Int(76))

// TestING8_SilenceFiresOnTime: at cadence and grace, within five seconds, and not before; it lasts until a believed
// reading comes.
func TestING8_SilenceFiresOnTime(t *testing.T) {
	p := patient(t, "copd") // six hours and three
	must(t)(p.Wait(7 * minute))
	folded := p.Now
	must(t)(p.Measure(spo2, pulse))
	if fell := kinds[*event.SignalFellSilent](must(t)(p.Wait(9*hour - 1))); len(fell) > 0 {
		t.Fatalf("silent before its time: %+v", fell[0])
	}
	fell := kinds[*event.SignalFellSilent](must(t)(p.Wait(5*second + 1)))
	if len(fell) != 2 || *fell[0].LastFolded != folded || fell[0].CadenceMs != 6*hour || fell[0].GraceMs != 3*hour {
		t.Fatalf("five seconds after its time: %+v", fell)
	}
	if got := p.State.Silent(); len(got) != 2 || p.State.Quiet.Severity != event.Low {
		t.Fatalf("silent %v, %s", got, p.State.Quiet.Severity)
	}
	for _, m := range []event.Mark{event.LowQuality, event.TestData, event.Unconfirmed} {
		r := spo2
		r.Value, r.Mark = event.Int(60), m
		if back := kinds[*event.SignalReturned](must(t)(p.Measure(r))); len(back) > 0 {
			t.Errorf("a reading marked %s ended a silence", m)
		}
	}
	out := must(t)(p.Measure(spo2, pulse))
	if back := kinds[*event.SignalReturned](out); len(back) != 2 || len(p.State.Silent()) != 0 || p.State.Quiet.Severity != event.NoSeverity {
		t.Errorf("a believed reading of both: %+v, %s", back, p.State.Quiet.Severity)
	}
}

// TestING8_FutureReadingChangesNothing: it neither stops a silence nor delays one, and is not scored.
func TestING8_FutureReadingChangesNothing(t *testing.T) {
	p := patient(t, "copd")
	must(t)(p.Measure(spo2, pulse))
	must(t)(p.Wait(8 * hour))
	before := string(text(t, p.State))
	o := trial.Measured(p.Now+event.Time(48*hour), trial.Reading(event.SpO2Percent, event.Int(60)))
	o.Clock.Quality = event.ClockFuture
	if out := must(t)(p.Give(o)); len(out) > 0 || string(text(t, p.State)) != before {
		t.Errorf("it changed something: %v", out)
	}
	if fell := kinds[*event.SignalFellSilent](must(t)(p.Wait(hour + 6*second))); len(fell) != 2 {
		t.Errorf("%d signals fell silent on time, want 2", len(fell))
	}
}

// TestING8_NeverReported counts from enrolment, by any door.
func TestING8_NeverReported(t *testing.T) {
	p := patient(t, "copd")
	if fell := kinds[*event.SignalFellSilent](must(t)(p.Wait(9*hour - 1))); len(fell) > 0 {
		t.Fatal("silent before its time")
	}
	fell := kinds[*event.SignalFellSilent](must(t)(p.Wait(6 * second)))
	if len(fell) != 2 || fell[0].LastFolded != nil || fell[0].Since != noon {
		t.Fatalf("%+v", fell)
	}
}

// TestING8_PlanBeatsGroupBeatsPack: the cadence is the patient's own, else the group's, else the pack's; 0 is never.
func TestING8_PlanBeatsGroupBeatsPack(t *testing.T) {
	p := patient(t, "copd")
	if err := p.Everyone(&event.GroupSet{Tenant: trial.Tenant, Group: trial.Group, Pack: "copd", CadenceMs: map[event.Quantity]int64{event.SpO2Percent: 2 * hour, event.PulsePerMin: 2 * hour}}); err != nil {
		t.Fatal(err)
	}
	must(t)(p.Give(&event.PlanChanged{Plan: event.Plan{OrderedBy: "doctor-a", CadenceMs: map[event.Quantity]int64{event.SpO2Percent: hour, event.WeightKg: 0}}}))
	must(t)(p.Measure(spo2, pulse))
	out := must(t)(p.Wait(75*minute + 6*second)) // with another cadence than the pack's, a quarter of it is the grace
	fell := kinds[*event.SignalFellSilent](out)
	if len(fell) != 1 || fell[0].Quantity != event.SpO2Percent || fell[0].CadenceMs != hour {
		t.Fatalf("%s", text(t, fell))
	}
	scored := kinds[*event.SeverityScored](out)
	if r := scored[len(scored)-1].Reasons[0]; r.From != "patient" || r.SetBy != "doctor-a" {
		t.Errorf("the reason is %s's, set by %q", r.From, r.SetBy)
	}
	fell = kinds[*event.SignalFellSilent](must(t)(p.Wait(75 * minute)))
	if len(fell) != 1 || fell[0].Quantity != event.PulsePerMin {
		t.Fatalf("the group's cadence: %s", text(t, fell))
	}
	must(t)(p.Give(&event.PlanChanged{Plan: event.Plan{CadenceMs: map[event.Quantity]int64{event.SpO2Percent: 0, event.PulsePerMin: 0}}}))
	if len(p.State.Silent()) != 0 || p.State.Quiet.Severity != event.NoSeverity {
		t.Errorf("what is not expected is silent: %v", p.State.Silent())
	}
	if fell := kinds[*event.SignalFellSilent](must(t)(p.Wait(48 * hour))); len(fell) > 0 {
		t.Errorf("what is not expected fell silent: %+v", fell)
	}
}

// doors lets two doors beat as told, and answers the facts.
type doors struct {
	t *testing.T
	c rules.Core
	f rules.Facts
}

func (d *doors) beat(name string, at event.Time) {
	f, err := d.c.Common(d.f, event.Envelope{ID: "b", Subject: event.Everyone, At: at, Data: &event.DoorOpened{Door: name, ReceivedAt: at}}, at)
	if err != nil {
		d.t.Fatal(err)
	}
	d.f = f
}

// TestING8_DoorShutForAnHour: a patient whose own door stays shut is judged by any door from the second hour on, and
// every stretch without a beat is told for the partition.
func TestING8_DoorShutForAnHour(t *testing.T) {
	p := patient(t, "copd")
	d := &doors{t: t, c: p.Core, f: p.Facts}
	now := p.Now
	both := func(for_ int64) {
		for end := now + event.Time(for_); now < end; {
			now += 5 * second
			d.beat(trial.Door, now)
			d.beat("bridge", now)
		}
	}
	both(hour)
	var err error
	p.Facts, p.Now = d.f, now
	must(t)(p.Measure(spo2, pulse)) // by trial.Door
	both(hour)
	silentAt := func() (after int64) {
		from := now
		for now < from+event.Time(40*hour) {
			now += 5 * second
			d.beat("bridge", now)
			if out := p.Core.Due(d.f, p.State, now); len(kinds[*event.SignalFellSilent](out)) > 0 {
				return int64(now - from)
			}
		}
		t.Fatal("never silent")
		return 0
	}
	got := silentAt() // an hour was open; the next, shut, counts for nothing; then any door counts for the eight that are left
	if want := int64(9 * hour); got < want || got > want+10*second {
		t.Errorf("silent %d s after the door shut, want %d", got/second, want/second)
	}
	now += 7 * second
	d.beat(trial.Door, now)
	out, err := p.Core.Decide(d.f, p.State, event.Envelope{ID: "d", Subject: "tocsin/partition-0", At: now, Data: &event.DoorOpened{Door: trial.Door, ReceivedAt: now}}, now)
	faults := kinds[*event.TechnicalFault](out)
	if err != nil || len(faults) != 1 || faults[0].Kind != "door_shut" || faults[0].Door != trial.Door || faults[0].To.Sub(*faults[0].From).Hours() < 9 {
		t.Errorf("the door's return: %v, %v", out, err)
	}
	now += 5 * second
	d.beat(trial.Door, now)
	if out, _ := p.Core.Decide(d.f, p.State, event.Envelope{ID: "d", Subject: "tocsin/partition-0", At: now, Data: &event.DoorOpened{Door: trial.Door, ReceivedAt: now}}, now); len(out) > 0 {
		t.Errorf("a beat in time: %v", out)
	}
}

// TestING8_AnOutageSilencesNobody: twenty minutes without any beat add twenty minutes to every silence, wherever in the
// waiting they fall, and what comes after the last beat counts only once the next has come in time.
func TestING8_AnOutageSilencesNobody(t *testing.T) {
	p := patient(t, "copd")
	must(t)(p.Measure(spo2, pulse))
	must(t)(p.Wait(9*hour - 10*minute))
	p.Shut = true
	if fell := kinds[*event.SignalFellSilent](must(t)(p.Wait(20 * minute))); len(fell) > 0 {
		t.Fatal("the outage made somebody silent")
	}
	p.Shut = false
	if fell := kinds[*event.SignalFellSilent](must(t)(p.Wait(10*minute - 20*second))); len(fell) > 0 {
		t.Fatal("the outage was counted in part")
	}
	if fell := kinds[*event.SignalFellSilent](must(t)(p.Wait(40 * second))); len(fell) != 2 {
		t.Errorf("%d signals fell silent after the outage, want 2", len(fell))
	}
}

// TestALR5_OneItemAPatient: silence is one assessment with the signals as reasons, at least medium after a grave one.
func TestALR5_OneItemAPatient(t *testing.T) {
	p := patient(t, "copd")
	must(t)(p.Measure(trial.Reading(event.SpO2Percent, event.Int(75)), pulse))
	out := kinds[*event.SeverityScored](must(t)(p.Wait(9*hour + 6*second)))
	var silence []*event.SeverityScored
	for _, d := range out {
		if d.Problem == event.Silence {
			silence = append(silence, d)
		}
	}
	if len(silence) != 1 || silence[0].Severity != event.Medium || len(silence[0].Reasons) != 2 {
		t.Fatalf("%d assessments of silence: %s", len(silence), text(t, silence))
	}
	if p.State.Found.Severity != event.High {
		t.Errorf("the grave finding went away by itself: %s", p.State.Found.Severity)
	}
}

package study

import (
	"encoding/json"
	"fmt"
	"path/filepath"
	"slices"
	"sort"
	"time"

	"tocsin/rules/study"
	"tocsin/streams/event"
)

// homeSign is how a device type of the set is sent.
type homeSign struct {
	mdc  int
	unit string
}

// The device types that have a signal of ours. Body water, muscle mass and the temperature of the skin have none.
var homeSigns = map[string]homeSign{
	"Heart rate": {149530, "/min"}, "Systolic blood pressure": {150021, "mm[Hg]"}, "Diastolic blood pressure": {150022, "mm[Hg]"},
	"Body Temperature": {150364, "Cel"}, "Body weight": {188736, "kg"},
}

// The kinds of validated alerts that physiology can show. Agitation was seen by sensors of movement, which are no signals of ours.
var homeKinds = map[string][]event.Quantity{
	"Blood pressure": {event.SystolicMmHg, event.DiastolicMmHg}, "Pulse": {event.PulsePerMin}, "Weight": {event.WeightKg},
}

// labelClock is how far the clock of the labels runs behind that of the readings.
const labelClock = hourMs

// readHome reads a folder of TIHM: Physiology.csv and Labels.csv, alerts that a monitoring team has validated. The team's
// platform looked from 8 to 20 h at what had come; a reading of the evening has its alert in the morning.
func readHome(dir string) (study.Cohort, error) {
	c := study.Cohort{Name: "TIHM", Before: 16 * time.Hour, After: 5 * time.Minute, What: "alert validated by the monitoring team"}
	table, err := readTable(filepath.Join(dir, "Physiology.csv"), "patient_id", "date", "device_type", "value", "unit")
	if err != nil {
		return c, err
	}
	other := map[string]int{}
	by := map[string]map[event.Time][]reading{}
	for _, l := range table {
		sign, ok := homeSigns[l.fields["device_type"]]
		if !ok {
			other[l.fields["device_type"]]++
			continue
		}
		at, err := homeTime(l.fields["date"])
		if err != nil {
			return c, fmt.Errorf("file Physiology.csv, line %d: %w", l.n, err)
		}
		v, err := event.RoundDecimal(l.fields["value"])
		if err != nil {
			return c, fmt.Errorf("file Physiology.csv, line %d: %w", l.n, err)
		}
		id := l.fields["patient_id"]
		if by[id] == nil {
			by[id] = map[event.Time][]reading{}
		}
		by[id][at] = append(by[id][at], reading{sign.mdc, json.RawMessage(v.String()), sign.unit})
	}
	var refused refusals
	for id, moments := range by {
		d := device{patient: id}
		p, err := homePatient(id, moments, &d)
		if err != nil {
			return c, err
		}
		refused.add(d.refused)
		c.Patients = append(c.Patients, p)
	}
	sort.Slice(c.Patients, func(i, j int) bool { return c.Patients[i].ID < c.Patients[j].ID })
	for kind, n := range other {
		c.Left = append(c.Left, fmt.Sprintf("%d readings of %s, which is no signal of ours", n, kind))
	}
	c.Left = append(c.Left, refused.lines()...)
	left, err := homeLabels(dir, c.Patients)
	c.Left = append(c.Left, left...)
	slices.Sort(c.Left)
	return c, err
}

func homeTime(s string) (event.Time, error) {
	at, err := time.Parse(time.DateTime, s)
	if err != nil {
		return 0, fmt.Errorf("date %q: want one such as 2019-04-04 09:10:21", s)
	}
	return event.TimeOf(at), nil
}

// homePatient makes an upload of what was measured in one second, as a cuff sends pressures and pulse together.
func homePatient(id string, moments map[event.Time][]reading, d *device) (study.Patient, error) {
	p := study.Patient{ID: id}
	var all []event.Time
	for at := range moments {
		all = append(all, at)
	}
	slices.Sort(all)
	for _, at := range all {
		for _, readings := range apart(moments[at]) {
			if err := d.upload(&p, at, readings); err != nil {
				return p, err
			}
		}
	}
	p.Begin, p.End = all[0], all[len(all)-1]
	return p, nil
}

// apart puts a second value of the same sign in the same second into an upload of its own.
func apart(readings []reading) (uploads [][]reading) {
	for _, r := range readings {
		i := slices.IndexFunc(uploads, func(u []reading) bool {
			return !slices.ContainsFunc(u, func(x reading) bool { return x.MDC == r.MDC })
		})
		if i < 0 {
			uploads, i = append(uploads, nil), len(uploads)
		}
		uploads[i] = append(uploads[i], r)
	}
	return uploads
}

// homeLabels puts the validated alerts to their patients, and says which it cannot use.
func homeLabels(dir string, patients []study.Patient) (left []string, err error) {
	table, err := readTable(filepath.Join(dir, "Labels.csv"), "patient_id", "date", "type")
	if err != nil {
		return nil, err
	}
	other, nobody := map[string]int{}, 0
	for _, l := range table {
		kind := l.fields["type"]
		signs, ok := homeKinds[kind]
		if !ok {
			other[kind]++
			continue
		}
		at, err := homeTime(l.fields["date"])
		if err != nil {
			return nil, fmt.Errorf("file Labels.csv, line %d: %w", l.n, err)
		}
		i, ok := slices.BinarySearchFunc(patients, l.fields["patient_id"], func(p study.Patient, id string) int { return compare(p.ID, id) })
		if !ok {
			nobody++
			continue
		}
		patients[i].Targets = append(patients[i].Targets, study.Target{At: at + labelClock, Kind: kind, Signs: signs})
	}
	for i := range patients {
		sort.SliceStable(patients[i].Targets, func(a, b int) bool { return patients[i].Targets[a].At < patients[i].Targets[b].At })
	}
	for kind, n := range other {
		left = append(left, fmt.Sprintf("%d alerts of the kind %s, which no signal of ours shows", n, kind))
	}
	if nobody > 0 {
		left = append(left, fmt.Sprintf("%d alerts about patients without readings", nobody))
	}
	return left, nil
}

func compare(a, b string) int {
	switch {
	case a < b:
		return -1
	case a > b:
		return 1
	}
	return 0
}

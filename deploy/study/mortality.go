package study

import (
	"encoding/json"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"sort"
	"strconv"
	"strings"
	"time"

	"tocsin/rules/study"
	"tocsin/streams/event"
)

// The parameters of the 2012 challenge that have a signal of ours. Invasive and cuff pressures are the same signal; of both
// in one minute the invasive one is taken.
var mortalitySigns = map[string]homeSign{
	"HR": {149530, "/min"}, "RespRate": {151562, "/min"}, "SaO2": {150456, "%"}, "Temp": {150364, "Cel"},
	"SysABP": {150021, "mm[Hg]"}, "NISysABP": {150021, "mm[Hg]"}, "DiasABP": {150022, "mm[Hg]"}, "NIDiasABP": {150022, "mm[Hg]"}, "Weight": {188736, "kg"},
}

// deathKind is the kind of target that has no moment of its own.
const deathKind = "death"

// readMortality reads a folder of the PhysioNet/CinC Challenge 2012: one file a stay, Time,Parameter,Value, and beside it or in
// the folder above a file whose name begins with Outcomes. There is no onset: what is to be found is that the patient dies in
// hospital, by whatever was warned of during the stay.
func readMortality(dir string) (study.Cohort, error) {
	c := study.Cohort{Name: "PhysioNet/CinC Challenge 2012", Before: 60 * 24 * time.Hour, After: time.Millisecond, What: "death in hospital, known at the end of the recorded stay"}
	died, err := outcomes(dir)
	if err != nil {
		return c, err
	}
	var files []string
	err = filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		name := filepath.Base(path)
		if err == nil && !d.IsDir() && (filepath.Ext(name) == ".txt" || filepath.Ext(name) == ".csv") && !strings.HasPrefix(name, "Outcomes") {
			files = append(files, path)
		}
		return err
	})
	if err != nil {
		return c, err
	}
	if len(files) == 0 {
		return c, fmt.Errorf("%s: there is no stay in it, which would be a file of Time,Parameter,Value", dir)
	}
	sort.Strings(files)
	c.Patients = make([]study.Patient, len(files))
	var refused refusals
	err = each(len(files), func() {}, func(i int) error {
		id := strings.TrimSuffix(filepath.Base(files[i]), filepath.Ext(files[i]))
		dies, known := died[id]
		if !known {
			return fmt.Errorf("stay %s is not in the Outcomes file", id)
		}
		d := device{patient: id}
		p, err := mortalityStay(files[i], &d)
		if dies {
			p.Targets = []study.Target{{At: p.End, Kind: deathKind}}
		}
		c.Patients[i] = p
		refused.add(d.refused)
		return err
	})
	c.Left = append([]string{"what has no signal of ours (laboratory values, GCS, FiO2, urine) is not read; -1 and a temperature below 20 stand for not measured"}, refused.lines()...)
	return c, err
}

// outcomes answers who died in hospital, by record.
func outcomes(dir string) (map[string]bool, error) {
	for _, at := range []string{dir, filepath.Dir(filepath.Clean(dir))} {
		found, err := filepath.Glob(filepath.Join(at, "Outcomes*"))
		if err != nil {
			return nil, err
		}
		if len(found) == 0 {
			continue
		}
		table, err := readTable(found[0], "RecordID", "In-hospital_death")
		if err != nil {
			return nil, err
		}
		died := map[string]bool{}
		for _, l := range table {
			died[l.fields["RecordID"]] = l.fields["In-hospital_death"] == "1"
		}
		return died, nil
	}
	return nil, fmt.Errorf("%s: there is no file beside the stays whose name begins with Outcomes: %w", dir, os.ErrNotExist)
}

// mortalityStay reads one stay. Its moments are hours and minutes since admission; what stands at one moment is one upload.
func mortalityStay(file string, d *device) (study.Patient, error) {
	p := study.Patient{ID: d.patient, Begin: epoch, End: epoch + hourMs}
	table, err := readTable(file, "Time", "Parameter", "Value")
	if err != nil {
		return p, err
	}
	moments := map[event.Time]map[string]string{}
	var order []event.Time
	for _, l := range table {
		at, err := sinceAdmission(l.fields["Time"])
		if err != nil {
			return p, fmt.Errorf("%s, line %d: %w", filepath.Base(file), l.n, err)
		}
		v, err := event.RoundDecimal(l.fields["Value"])
		if err != nil {
			return p, fmt.Errorf("%s, line %d: %w", filepath.Base(file), l.n, err)
		}
		name := l.fields["Parameter"]
		if _, ours := mortalitySigns[name]; !ours || v < 0 || name == "Temp" && v < event.Int(20) || v == 0 && name != "HR" && name != "RespRate" {
			continue
		}
		if moments[at] == nil {
			moments[at], order = map[string]string{}, append(order, at)
		}
		moments[at][name] = v.String()
		p.End = max(p.End, at+minuteMs)
	}
	sort.Slice(order, func(i, j int) bool { return order[i] < order[j] })
	for _, at := range order {
		if err := d.upload(&p, at, atOnce(moments[at])); err != nil {
			return p, err
		}
	}
	return p, nil
}

func atOnce(values map[string]string) (all []reading) {
	var names []string
	for name := range values {
		if _, invasive := values[strings.TrimPrefix(name, "NI")]; strings.HasPrefix(name, "NI") && invasive {
			continue
		}
		names = append(names, name)
	}
	sort.Strings(names)
	for _, name := range names {
		s := mortalitySigns[name]
		all = append(all, reading{s.mdc, json.RawMessage(values[name]), s.unit})
	}
	return all
}

func sinceAdmission(s string) (event.Time, error) {
	h, m, ok := strings.Cut(s, ":")
	hours, err := strconv.Atoi(h)
	minutes, err2 := strconv.Atoi(m)
	if !ok || err != nil || err2 != nil || hours < 0 || minutes < 0 || minutes > 59 {
		return 0, fmt.Errorf("time %q: want hours and minutes since admission, such as 07:42", s)
	}
	return epoch + event.Time(hours)*hourMs + event.Time(minutes)*minuteMs, nil
}

// Package replay sends recorded stays through the whole chain, over MQTT as a device would, and tells what the chain
// made of each row. It is how recorded data tests rules, and how a change of rules is seen on it.
package replay

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"

	"tocsin/streams/event"
)

// Stay is one recorded stay: a patient from the first row to the last.
type Stay struct {
	Name string // the file's name without its ending: the patient
	Rows []Row
	// Labelled tells that the file says of each row whether an alarm was wanted in it.
	Labelled bool
}

// Row is what was charted at one hour.
type Row struct {
	Hour   int                // since admission
	Values [len(signs)]string // decimals as they stand in the file; empty: not measured
	Label  bool               // the challenge wants an alarm in this hour
}

// sign is one column that has a signal of ours.
type sign struct {
	column   string
	mdc      int
	unit     string
	quantity event.Quantity
}

// signs are the columns of the 2019 challenge that NEWS2 knows, five of its seven: oxygen and consciousness are not there.
var signs = [...]sign{
	{"HR", 149530, "/min", event.PulsePerMin},
	{"O2Sat", 150456, "%", event.SpO2Percent},
	{"Temp", 150364, "Cel", event.TemperatureCel},
	{"SBP", 150021, "mm[Hg]", event.SystolicMmHg},
	{"Resp", 151562, "/min", event.RespirationPerMin},
}

const (
	hourColumn  = "ICULOS"
	labelColumn = "SepsisLabel"
)

// readStay reads one file of the 2019 challenge: `|` between columns, NaN where nothing was measured.
func readStay(name string, r io.Reader) (Stay, error) {
	s := Stay{Name: name}
	lines := bufio.NewScanner(r)
	lines.Buffer(nil, 1<<20)
	if !lines.Scan() {
		return s, errors.Join(fmt.Errorf("%s: the file is empty", name), lines.Err())
	}
	head := strings.Split(strings.TrimSpace(lines.Text()), "|")
	at := map[string]int{}
	for i, column := range head {
		at[column] = i
	}
	for _, need := range append([]string{hourColumn}, columns()...) {
		if _, ok := at[need]; !ok {
			return s, fmt.Errorf("%s: there is no column %s in its first line; is it of the 2019 challenge?", name, need)
		}
	}
	_, s.Labelled = at[labelColumn]
	for n := 2; lines.Scan(); n++ {
		text := strings.TrimSpace(lines.Text())
		if text == "" {
			continue
		}
		row, err := readRow(strings.Split(text, "|"), at, len(head))
		if err != nil {
			return s, fmt.Errorf("%s, line %d: %w", name, n, err)
		}
		s.Rows = append(s.Rows, row)
	}
	return s, lines.Err()
}

func columns() (names []string) {
	for _, s := range signs {
		names = append(names, s.column)
	}
	return names
}

func readRow(fields []string, at map[string]int, want int) (Row, error) {
	var row Row
	if len(fields) != want {
		return row, fmt.Errorf("%d fields instead of %d", len(fields), want)
	}
	hour, err := strconv.Atoi(fields[at[hourColumn]])
	if err != nil {
		return row, fmt.Errorf("%s is %q, not a whole hour", hourColumn, fields[at[hourColumn]])
	}
	row.Hour = hour
	if i, ok := at[labelColumn]; ok {
		if row.Label = fields[i] == "1"; !row.Label && fields[i] != "0" {
			return row, fmt.Errorf("%s is %q, not 0 or 1", labelColumn, fields[i])
		}
	}
	for i, s := range signs {
		text := fields[at[s.column]]
		if text == "" || strings.EqualFold(text, "nan") {
			continue
		}
		v, err := event.RoundDecimal(text)
		if err != nil {
			return row, fmt.Errorf("%s: %w", s.column, err)
		}
		row.Values[i] = v.String()
	}
	return row, nil
}

// Readings answers what was charted, as quantities with their units.
func (r Row) Readings() (all []Charted) {
	for i, s := range signs {
		if r.Values[i] != "" {
			all = append(all, Charted{s.mdc, r.Values[i], s.unit})
		}
	}
	return all
}

// Charted is one value of a row, as a device would send it.
type Charted struct {
	MDC   int
	Value string
	Unit  string
}

// Measured tells whether anything was charted at all.
func (r Row) Measured() bool { return r.Values != [len(signs)]string{} }

package directory

import (
	"bufio"
	"context"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"strings"

	"tocsin/streams/event"
)

// Row is one line of an import: a patient in a group, and a device of that patient. Somebody with more than one disease
// is in several: copd+heart-failure, of which the first leads.
type Row struct {
	Line                                  int
	Tenant, Patient, Group, Device, Token string
}

// columns of an import, by name in its first line, in any order. device and token may be empty, group too.
var columns = []string{"tenant", "patient", "group", "device", "token"}

// maxFaults is how many faults of a file are told; a wrong delimiter would tell thousands.
const maxFaults = 20

// ReadRows reads an import. It tells every fault with its line and then answers no rows: a file is taken whole or not at all.
func ReadRows(r io.Reader) ([]Row, error) {
	in := bufio.NewReader(r)
	if bom, err := in.Peek(3); err == nil && string(bom) == "\xef\xbb\xbf" {
		_, _ = in.Discard(3) // spreadsheets write it; it was peeked at, so it is there
	}
	c := csv.NewReader(in)
	c.FieldsPerRecord = -1
	head, err := c.Read()
	if errors.Is(err, io.EOF) {
		return nil, fmt.Errorf("the file is empty; its first line must name the columns %s", strings.Join(columns, ","))
	}
	if err != nil {
		return nil, fmt.Errorf("read the first line: %w", err)
	}
	at, err := columnsOf(head)
	if err != nil {
		return nil, err
	}
	var rows []Row
	var faults []error
	for {
		fields, err := c.Read()
		if errors.Is(err, io.EOF) {
			return whole(rows, faults)
		}
		var row Row
		if err == nil {
			row, err = rowOf(fields, at, len(head))
			row.Line, _ = c.FieldPos(0)
		}
		switch {
		case err == nil:
			rows = append(rows, row)
			continue
		case !isParse(err):
			err = fmt.Errorf("line %d: %w", row.Line, err)
		}
		if faults = append(faults, err); len(faults) == maxFaults {
			return nil, errors.Join(append(faults, errors.New("and there may be more"))...)
		}
	}
}

// whole answers the rows of a file in which nothing is wrong.
func whole(rows []Row, faults []error) ([]Row, error) {
	rows, contradictions := once(rows)
	faults = append(faults, contradictions...)
	if len(faults) == 0 {
		return rows, nil
	}
	if len(faults) > maxFaults {
		faults = append(faults[:maxFaults], errors.New("and there are more"))
	}
	return nil, errors.Join(faults...)
}

// isParse tells whether the csv reader has named the line already.
func isParse(err error) bool {
	var p *csv.ParseError
	return errors.As(err, &p)
}

func columnsOf(head []string) (map[string]int, error) {
	at := map[string]int{}
	for i, name := range head {
		name = strings.ToLower(strings.TrimSpace(name))
		if _, twice := at[name]; twice {
			return nil, fmt.Errorf("line 1: column %q stands there twice", name)
		}
		at[name] = i
	}
	for _, need := range columns {
		if _, ok := at[need]; !ok {
			return nil, fmt.Errorf("line 1: there is no column %q; the first line must name %s", need, strings.Join(columns, ","))
		}
	}
	if len(at) > len(columns) {
		return nil, fmt.Errorf("line 1: %d columns; want %s and no other", len(at), strings.Join(columns, ","))
	}
	return at, nil
}

func rowOf(fields []string, at map[string]int, want int) (Row, error) {
	if len(fields) != want {
		return Row{}, fmt.Errorf("%d fields instead of %d", len(fields), want)
	}
	get := func(name string) string { return strings.TrimSpace(fields[at[name]]) }
	row := Row{Tenant: get("tenant"), Patient: get("patient"), Group: tidyGroups(get("group")), Device: get("device"), Token: get("token")}
	if row.Group == "" {
		row.Group = DefaultPack
	}
	if row.Device == "" && row.Token != "" {
		return Row{}, errors.New("a token without a device")
	}
	return row, checkEnrol(row.request())
}

// request is the row as the registrar is asked it, without its token.
func (r Row) request() *event.EnrolRequested {
	groups := strings.Split(r.Group, groupsJoin)
	e := &event.EnrolRequested{Tenant: r.Tenant, Patient: r.Patient, Group: groups[0], Device: r.Device}
	if len(groups) > 1 {
		e.Also = groups[1:]
	}
	return e
}

// Outcome is what became of a row.
type Outcome struct {
	Row
	Made    string                // the token that was made for the device; it is shown this once
	Refused *event.RequestRefused // nil: the row stands in the directory
}

// Import brings rows to the registrar and answers what became of each, and how far the directory reaches with them. A
// device without a token gets one, unless it is this patient's already. Importing the same rows again changes nothing.
// With an error nobody knows which rows are in, but the outcomes tell the tokens that were made: a row that is in will
// get no other, so whoever drops them has locked the device out.
func (a *Asker) Import(ctx context.Context, rows []Row, by string, progress func(done int)) ([]Outcome, int64, error) {
	out := make([]Outcome, len(rows))
	requests := make([]event.Event, len(rows))
	for i, row := range rows {
		out[i].Row = row
		token := row.Token
		if token == "" && row.Device != "" && !a.view.holds(row) {
			token = NewToken()
			out[i].Made = token
		}
		r := row.request()
		r.By = by
		if token != "" {
			r.TokenSHA256 = Sum(token)
		}
		requests[i] = r
	}
	refused, position, err := a.askAll(ctx, requests, progress)
	if err != nil {
		return out, 0, fmt.Errorf("import stopped: %w (run it again: what is in stays as it is)", err)
	}
	for i, r := range refused {
		if out[i].Refused = r; r != nil {
			out[i].Made = ""
		}
	}
	return out, position, nil
}

// holds tells whether the row's device is this patient's already.
func (v *View) holds(row Row) bool {
	b, ok := v.Device(row.Device)
	return ok && !b.Revoked && b.Tenant == row.Tenant && b.Patient == row.Patient
}

package directory

import (
	"bytes"
	"context"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"tocsin/streams/event"
)

// Row is one line of an import: a patient in a group, and a device of that patient. Somebody with more than one disease
// is in several: copd+heart-failure, of which the first leads.
type Row struct {
	Line                                  int
	Tenant, Patient, Group, Device, Token string

	Consent *event.Consent // nil: the row says of none
	Clinic  string         // community clinic; empty: as it stands
}

// columns of an import, by name in its first line, in any order. device and token may be empty, group too.
var columns = []string{"tenant", "patient", "group", "device", "token"}

// clinicColumn may be left out, and a cell of it be empty.
const clinicColumn = "clinic"

// maxFaults is how many faults of a file are told; a wrong delimiter would tell thousands.
const maxFaults = 20

// ReadRows reads an import. It tells every fault with its line and then answers no rows: a file is taken whole or not at all.
func ReadRows(r io.Reader) ([]Row, error) {
	rows, _, err := ReadImport(r, none{})
	return rows, err
}

// readFile reads rows until the file ends or has as many faults as are told.
func readFile(r io.Reader, further Further, most int) (rows []Row, said []Said, faults []error) {
	text, err := io.ReadAll(r)
	if err == nil {
		err = checkText(text)
	}
	if err != nil {
		return nil, nil, []error{err}
	}
	c := csv.NewReader(bytes.NewReader(bytes.TrimPrefix(text, []byte("\xef\xbb\xbf")))) // spreadsheets write it
	c.FieldsPerRecord = -1
	head, at, err := readHead(c, further)
	if err != nil {
		return nil, nil, []error{err}
	}
	for {
		fields, err := c.Read()
		if errors.Is(err, io.EOF) {
			return rows, said, faults
		}
		var row Row
		var cells map[string]string
		if err == nil {
			row.Line, _ = c.FieldPos(0)
			if row, err = rowOf(row.Line, fields, at, len(head)); err == nil {
				cells = saidOf(fields, at, further)
				err = further.Check(cells)
			}
		}
		switch {
		case err == nil:
			rows = append(rows, row)
			if cells != nil {
				said = append(said, Said{row.Line, row.Tenant, row.Patient, cells})
			}
			continue
		default:
			err = faultOf(row.Line, err)
		}
		if faults = append(faults, err); len(faults) == most {
			return nil, nil, append(faults, inWords("and there may be more", "可能还有其他错误"))
		}
	}
}

func readHead(c *csv.Reader, further Further) (head []string, at map[string]int, err error) {
	head, err = c.Read()
	if errors.Is(err, io.EOF) {
		return nil, nil, inWords("the file is empty; its first line must name the columns "+strings.Join(columns, ","), "文件为空；首行须为列名 "+strings.Join(columns, ","))
	}
	if err != nil {
		return nil, nil, fmt.Errorf("read the first line: %w", err)
	}
	at, err = columnsOf(head, further)
	return head, at, err
}

// whole answers the rows of a file in which nothing is wrong.
func whole(rows []Row, faults []error) ([]Row, error) {
	rows, contradictions := once(rows)
	faults = append(faults, contradictions...)
	if len(faults) == 0 {
		return rows, nil
	}
	if len(faults) > maxFaults {
		faults = append(faults[:maxFaults], inWords("and there are more", "还有其他错误"))
	}
	return nil, errors.Join(faults...)
}

// columnsOf answers where each column stands. A name that it does not know is not repeated: the first line may have been left out,
// and then it is somebody's.
func columnsOf(head []string, further Further) (map[string]int, error) {
	at := map[string]int{}
	for i, name := range head {
		name = strings.ToLower(tidy(name))
		if before, twice := at[name]; twice {
			return nil, inWords(fmt.Sprintf("line 1: column %d stands there twice, first as column %d", i+1, before+1), fmt.Sprintf("第 1 行：第 %d 列与第 %d 列同名", i+1, before+1))
		}
		at[name] = i
	}
	for _, need := range columns {
		if _, ok := at[need]; !ok {
			return nil, inWords(fmt.Sprintf("line 1: there is no column %q; the first line must name %s", need, strings.Join(columns, ",")), fmt.Sprintf("第 1 行：缺少 %q 列；首行须有 %s", need, strings.Join(columns, ",")))
		}
	}
	for i, name := range head {
		if name = strings.ToLower(tidy(name)); !slices.Contains(columns, name) && name != clinicColumn && !slices.Contains(consentColumns, name) && !further.Has(name) {
			return nil, inWords(
				fmt.Sprintf("line 1: column %d is none that an import has; %d columns, want %s and no other, save clinic, those of a consent and of who a patient is (tocsin import --help)", i+1, len(head), strings.Join(columns, ",")),
				fmt.Sprintf("第 1 行：第 %d 列不是可导入的列；共 %d 列，须有 %s，另可有 clinic 以及知情同意和患者资料的列（tocsin import --help）", i+1, len(head), strings.Join(columns, ",")))
		}
	}
	return at, nil
}

// tidy takes away what stands around a cell.
func tidy(cell string) string { return strings.TrimSpace(cell) }

func rowOf(line int, fields []string, at map[string]int, want int) (Row, error) {
	row := Row{Line: line}
	if len(fields) != want {
		return row, inWords(fmt.Sprintf("%d fields instead of %d", len(fields), want), fmt.Sprintf("有 %d 列，应为 %d 列", len(fields), want))
	}
	get := func(name string) string { return tidy(fields[at[name]]) }
	row.Tenant, row.Patient, row.Group, row.Device, row.Token = get("tenant"), get("patient"), tidyGroups(get("group")), get("device"), get("token")
	if row.Group == "" {
		row.Group = DefaultPack
	}
	if row.Device == "" && row.Token != "" {
		return row, inWords("a token without a device", "有令牌而无设备")
	}
	optional := func(column string) string {
		if i, there := at[column]; there {
			return tidy(fields[i])
		}
		return ""
	}
	row.Clinic = optional(clinicColumn)
	if err := checkEnrol(row.request()); err != nil {
		return row, err
	}
	var err error
	row.Consent, err = consentOf(optional)
	return row, err
}

// Tidy answers a row that did not come from a file as one of a file is, and tells everything that is wrong with it.
func Tidy(row Row) (Row, error) {
	row.Group = tidyGroups(row.Group)
	return row, checkEnrol(row.request())
}

// request is the row as the registrar is asked it, without its token.
func (r Row) request() *event.EnrolRequested {
	groups := strings.Split(r.Group, groupsJoin)
	e := &event.EnrolRequested{Tenant: r.Tenant, Patient: r.Patient, Group: groups[0], Device: r.Device, Clinic: r.Clinic}
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
	// Unrecorded is why the consent of the row does not; nil: it does, or there is none.
	Unrecorded *event.RequestRefused
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
	recorded, err := a.consents(ctx, out, by)
	if err != nil {
		return out, 0, fmt.Errorf("import stopped before the consents: %w (run it again: what is in stays as it is)", err)
	}
	return out, max(position, recorded), nil
}

// consents brings the consents of rows that are in to the registrar.
func (a *Asker) consents(ctx context.Context, out []Outcome, by string) (position int64, err error) {
	var requests []event.Event
	var of []int
	for i, o := range out {
		if o.Consent != nil && o.Refused == nil {
			requests, of = append(requests, &event.ConsentRequested{Tenant: o.Tenant, Patient: o.Patient, Consent: *o.Consent, By: by}), append(of, i)
		}
	}
	if len(requests) == 0 {
		return 0, nil
	}
	refused, position, err := a.askAll(ctx, requests, nil)
	for i, r := range refused {
		out[of[i]].Unrecorded = r
	}
	return position, err
}

// holds tells whether the row's device is this patient's already.
func (v *View) holds(row Row) bool {
	b, ok := v.Device(row.Device)
	return ok && !b.Revoked && b.Tenant == row.Tenant && b.Patient == row.Patient
}

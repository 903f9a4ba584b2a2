package desk

import (
	"bytes"
	"context"
	"net/http"
	"slices"

	"tocsin/care/vault"
	"tocsin/streams/directory"
	"tocsin/streams/event"
)

// tryCSV says what would become of every row of a file, in the same lines as an import. It reads by the same function and asks the
// registrar's own rules, and nothing is changed: what is refused here is refused there, unless somebody changes the directory between.
func (s *Server) tryCSV(w http.ResponseWriter, r *http.Request, file []byte) {
	rows, said, faults, err := directory.LookInto(bytes.NewReader(file), vault.Columns{Now: s.o.Now})
	switch {
	case err != nil:
		writeProblem(w, badFile(http.StatusUnprocessableEntity, err))
		return
	case len(said) > 0 && s.o.Vault == nil:
		writeProblem(w, noVaultFor())
		return
	}
	w.Header().Set("Content-Type", "application/x-ndjson")
	out := newLines(w)
	last := ImportLine{Done: true, Dry: true, Settled: len(rows), Faults: len(faults), Named: len(said)}
	for _, f := range faults {
		zh, en := f.Words()
		out.write(ImportLine{Row: f.Line, Error: en, Zh: zh, Fault: true})
	}
	for _, t := range s.o.Directory.Try(rows, event.TimeOf(s.o.Now())) {
		line := triedLine(t)
		if !administers(identityOf(r.Context()), t.Tenant) {
			line = ImportLine{Row: t.Line, Device: t.Device, Error: "this tenant is not in your care", Zh: "该机构不在您的管理范围内", Fault: true}
			last.Faults++
		}
		last.count(t, line)
		if line.Error != "" || line.Was != nil || line.From != nil {
			out.write(line)
		}
		if line.Error == "" && t.Unrecorded != nil {
			last.Refused++
			out.write(unrecorded(t.Line, t.Unrecorded))
		}
	}
	out.write(last)
}

// count adds what becomes of a row.
func (l *ImportLine) count(t directory.Tried, line ImportLine) {
	add := func(n *int, is bool) {
		if is {
			*n++
		}
	}
	if line.Error != "" {
		add(&l.Refused, !line.Fault)
		return
	}
	add(&l.New, t.New)
	add(&l.Moved, t.Was != nil || t.From != nil)
	add(&l.Bound, t.Binds)
	add(&l.Makes, t.Makes)
}

func triedLine(t directory.Tried) ImportLine {
	line := ImportLine{Row: t.Line, Tenant: t.Tenant, Patient: t.Patient, Device: t.Device, Was: t.Was, From: t.From}
	if t.From != nil {
		line.Clinic = t.Clinic
	}
	if t.Refused != nil {
		line.Error, line.Zh = t.Refused.En, t.Refused.Zh
	}
	return line
}

// unrecorded says of a row that stands why its consent does not.
func unrecorded(line int, r *event.RequestRefused) ImportLine {
	return ImportLine{Row: line, Error: "the row stands, and not the consent: " + r.En, Zh: "该行有效，但知情同意不能登记：" + r.Zh}
}

func noVaultFor() *Problem {
	return refuse(http.StatusServiceUnavailable, "vault_off", "本预警台未启用患者资料库；文件含有患者资料，未导入任何内容",
		"this desk has no vault, and the file says who patients are: nothing of it was imported")
}

// outside tells whether a row is of a tenant that whoever asks does not administer.
func outside(ctx context.Context, rows []directory.Row) bool {
	id := identityOf(ctx)
	return slices.ContainsFunc(rows, func(r directory.Row) bool { return !administers(id, r.Tenant) })
}

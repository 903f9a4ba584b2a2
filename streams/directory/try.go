package directory

import (
	"cmp"
	"errors"
	"io"
	"slices"

	"tocsin/streams"
	"tocsin/streams/event"
)

// An import is tried before it is done: the same reading, and of each row what the registrar itself says of it.

// Tried is what would become of a row.
type Tried struct {
	Row
	Refused *event.RequestRefused // nil: it would stand
	// Unrecorded is why the consent of the row would not; nil: it would, or there is none.
	Unrecorded *event.RequestRefused
	New        bool     // the patient is not in the directory
	Was        []string // the groups of a patient who would be moved
	Binds      bool     // the device would be this patient's from then on, or have another token
	Makes      bool     // a token would be made
}

// LookInto reads an import as ReadImport does, tells every fault and answers the rows in which there is none.
func LookInto(r io.Reader, further Further) (rows []Row, said []Said, faults []RowFault, err error) {
	rows, said, all := readFile(r, further, -1)
	rows, contradictions := once(rows)
	said, others := onceSaid(said)
	for _, e := range slices.Concat(all, contradictions, others) {
		var f RowFault
		if !errors.As(e, &f) {
			return nil, nil, nil, e // of the file itself
		}
		faults = append(faults, f)
	}
	slices.SortStableFunc(faults, func(a, b RowFault) int { return a.Line - b.Line })
	return rows, said, faults, nil
}

// Try answers what would become of rows if they were imported now, and changes nothing.
func (v *View) Try(rows []Row, now event.Time) []Tried {
	devices, patients := map[string]*Device{}, map[string]*Patient{}
	out := make([]Tried, len(rows))
	for i, row := range rows {
		r := row.request()
		d, known := devices[row.Device]
		if !known {
			d = v.device(row.Device)
		}
		key := streams.PatientKey(row.Tenant, row.Patient)
		p := patients[key]
		if p == nil {
			if stands, ok := v.Patient(row.Tenant, row.Patient); ok && stands.Group != "" {
				p = &stands
			}
		}
		held := d != nil && !d.Revoked && d.Tenant == row.Tenant && d.Patient == row.Patient
		t := Tried{Row: row, New: p == nil, Makes: row.Device != "" && row.Token == "" && !held}
		switch {
		case row.Token != "":
			r.TokenSHA256 = Sum(row.Token)
		case t.Makes:
			r.TokenSHA256 = Sum("one that is not made yet")
		}
		if refused, ok := decideEnrol(Entity{Device: d}, "", r)[0].(*event.RequestRefused); ok {
			out[i] = Tried{Row: row, Refused: refused}
			continue
		}
		if r = inOrder(r); p != nil && !p.in(r) {
			t.Was = append([]string{p.Group}, p.Also...)
		}
		t.Binds = row.Device != "" && len(bind(Entity{Device: d}, r, 0)) > 0
		stands := Patient{}
		if p != nil {
			stands = *p
		}
		stands.Group, stands.Also = r.Group, r.Also
		if c := row.Consent; c != nil {
			said := decideConsent(Entity{Patient: &stands}, "", &event.ConsentRequested{Tenant: row.Tenant, Patient: row.Patient, Consent: *c}, now)
			for _, e := range said { // none: it is recorded already
				t.Unrecorded, _ = e.(*event.RequestRefused)
			}
		}
		patients[key] = &stands
		if t.Binds {
			devices[row.Device] = &Device{DeviceBound: event.DeviceBound{Device: row.Device, Tenant: row.Tenant, Patient: row.Patient, TokenSHA256: r.TokenSHA256}}
		}
		out[i] = t
	}
	return out
}

func (v *View) device(id string) *Device {
	v.mu.RLock()
	defer v.mu.RUnlock()
	if d, ok := v.devices[id]; ok {
		return &d
	}
	return nil
}

// Enrolled is a patient with the groups, the leading one first.
type Enrolled struct {
	Tenant, Patient string
	Groups          []string
}

// Everybody answers the patients who are enrolled and of whom keep says so, by tenant and id.
func (v *View) Everybody(keep func(tenant, patient string) bool) []Enrolled {
	v.mu.RLock()
	all := make([]Enrolled, 0, len(v.patients))
	for key, p := range v.patients {
		if tenant, patient := streams.SplitPatientKey(key); p.Group != "" {
			all = append(all, Enrolled{tenant, patient, append([]string{p.Group}, p.Also...)})
		}
	}
	v.mu.RUnlock()
	all = slices.DeleteFunc(all, func(e Enrolled) bool { return !keep(e.Tenant, e.Patient) }) // it may ask the view
	slices.SortFunc(all, func(a, b Enrolled) int {
		return cmp.Or(cmp.Compare(a.Tenant, b.Tenant), cmp.Compare(a.Patient, b.Patient))
	})
	return all
}

// Bindings answers every device that there is or was, by its id.
func (v *View) Bindings() []Binding {
	v.mu.RLock()
	all := make([]Binding, 0, len(v.devices))
	for _, d := range v.devices {
		all = append(all, Binding{Device: d.Device, Tenant: d.Tenant, Patient: d.Patient, From: d.From, Revoked: d.Revoked})
	}
	v.mu.RUnlock()
	slices.SortFunc(all, func(a, b Binding) int { return cmp.Compare(a.Device, b.Device) })
	return all
}

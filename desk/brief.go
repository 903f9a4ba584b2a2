package desk

import (
	"context"

	"tocsin/streams"
	"tocsin/streams/event"
)

// Brief is what is read out to the patient's own 120 centre: who, where, what happened, since when, what has been done. The words
// are the page's; what is not known is missing here and said there.
type Brief struct {
	At       event.Time        `json:"at" doc:"as of"`
	Tenant   string            `json:"tenant"`
	Patient  string            `json:"patient"`
	Who      PersonView        `json:"who"`
	AgeYears *int              `json:"age_years,omitempty" doc:"by the date of birth, else as the care plan has it"`
	Groups   []BriefGroup      `json:"groups" doc:"the leading one first"`
	Pregnant bool              `json:"pregnant"`
	Latest   map[string]Latest `json:"latest" doc:"the newest reading of each quantity, with its doubt"`
	Warning  *WarningStory     `json:"warning,omitempty" doc:"what it is about; absent: nothing is open"`
}

// BriefGroup is a disease group in words.
type BriefGroup struct {
	Group string `json:"group"`
	Zh    string `json:"zh"`
	En    string `json:"en"`
}

func (s *Server) brief(ctx context.Context, tenant, patient, warning string) (Brief, error) {
	if err := s.opening(ctx, tenant, patient, "vault.read"); err != nil {
		return Brief{}, err
	}
	b := Brief{At: event.TimeOf(s.o.Now()), Tenant: tenant, Patient: patient, Who: s.open(tenant, patient), Groups: []BriefGroup{}, Latest: map[string]Latest{}}
	b.AgeYears = b.Who.AgeYears
	p, _ := s.o.Directory.Patient(tenant, patient)
	for _, name := range append([]string{p.Group}, p.Also...) {
		g := BriefGroup{Group: name, Zh: name, En: name}
		if set, ok := s.o.Directory.Group(tenant, name); ok && set.Zh != "" && set.En != "" {
			g.Zh, g.En = set.Zh, set.En
		}
		b.Groups = append(b.Groups, g)
	}
	if p.Plan != nil {
		b.Pregnant = p.Plan.Pregnant
		if years := max(p.Plan.AgeYears, p.Plan.AgeMonths/12); b.AgeYears == nil && years > 0 {
			b.AgeYears = &years
		}
	}
	key := streams.PatientKey(tenant, patient)
	row, ok := s.ward.rowOf(key)
	if !ok {
		return b, nil
	}
	b.Latest = row.Latest
	if warning == "" && len(row.Warnings) > 0 {
		warning = row.Warnings[0].ID
	}
	if of, known := s.ward.keyOf(warning); known && of == key { // another patient's warning is no business of this brief
		if w, ok := s.ward.story(warning); ok {
			w.Warning = s.named(w.Warning)
			b.Warning = &w
		}
	}
	return b, nil
}

// rowOf answers a patient as the board shows them.
func (w *ward) rowOf(key string) (Row, bool) {
	w.mu.RLock()
	p, ok := w.people[key]
	var now person
	if ok {
		now = w.now(p)
	}
	w.mu.RUnlock()
	if !ok {
		return Row{}, false
	}
	return now.row(), true
}

package directory

import (
	"cmp"
	"context"
	"fmt"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"time"

	"tocsin/streams"
	"tocsin/streams/event"
)

// What patients have agreed to (SEC-4). The registrar takes it, the fold of the patient hears of it, and whoever hands something on
// asks the view, which hears of a withdrawal as fast as of a revoked device.

// aheadAtMost is how far the day of a form may lie ahead: where the hospital is it may be tomorrow already.
const aheadAtMost = 24 * time.Hour

// formName may stand in the log: no free text, which could name somebody.
var formName = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$`)

func decideConsent(s Entity, id string, r *event.ConsentRequested, now event.Time) []event.Event {
	if s.Patient == nil || s.Patient.Group == "" {
		return refuse(id, unknownPatient(r.Tenant, r.Patient))
	}
	c := r.Consent
	c.Purposes = inPurposeOrder(c.Purposes)
	if why := checkConsent(c, now); why != nil {
		return refuse(id, *why)
	}
	if was, known := s.Patient.Consents.With(c.ID); known {
		if reflect.DeepEqual(was, c) {
			return nil
		}
		return refuse(id, badConsent("consent "+c.ID+" is recorded with other words: what was signed is not changed; withdraw it, or record another under an id of its own",
			"知情同意 "+c.ID+" 已登记且内容不同：已签署的内容不得更改，请撤回或以新编号另行登记"))
	}
	return one(&event.ConsentGiven{Tenant: r.Tenant, Patient: r.Patient, Consent: c, By: r.By})
}

// decideWithdraw takes a withdrawal of anybody who is known, also where no consent stands: of who was enrolled before consents were kept
// it is the only word that there is.
func decideWithdraw(s Entity, id string, r *event.WithdrawRequested, now event.Time) []event.Event {
	purposes := inPurposeOrder(r.Purposes)
	switch {
	case s.Patient == nil || s.Patient.Group == "":
		return refuse(id, unknownPatient(r.Tenant, r.Patient))
	case !knownPurposes(purposes):
		return refuse(id, badPurposes)
	case !slices.Contains(event.ConsentWays, r.How):
		return refuse(id, badWay)
	}
	if !slices.ContainsFunc(purposes, func(p string) bool { return s.Patient.Consents.For(p, now).State != event.ConsentWithdrew }) {
		return nil
	}
	return one(&event.ConsentWithdrawn{Tenant: r.Tenant, Patient: r.Patient, Purposes: purposes, How: r.How, By: r.By})
}

func badConsent(en, zh string) refusal { return refusal{"bad_consent", zh, en} }

var (
	badPurposes = badConsent("the purposes are some of "+strings.Join(event.Purposes, ", ")+", each once", "用途须为 "+strings.Join(event.Purposes, "、")+" 之一或多项，各一次")
	badWay      = badConsent("how it was said is one of "+strings.Join(event.ConsentWays, ", "), "方式须为 "+strings.Join(event.ConsentWays, "、")+" 之一")
)

// checkConsent tells what is wrong with a consent, or nil.
func checkConsent(c event.Consent, now event.Time) *refusal {
	why := func(en, zh string) *refusal { r := badConsent(en, zh); return &r }
	for _, x := range []struct{ what, zh, name string }{{"id", "编号", c.ID}, {"form", "表单", c.Form}, {"form_version", "表单版本", c.FormVersion}} {
		if !formName.MatchString(x.name) {
			return why("the "+x.what+" of a consent is up to 64 letters, digits, dots, dashes and underscores, and no name of anybody", "知情同意的"+x.zh+"须为至多 64 个字母、数字、点、横线或下划线，不得含姓名")
		}
	}
	switch {
	case c.ID == event.ConsentBeforeID:
		return why("that id stands for a consent that nobody recorded; choose another", "该编号表示未登记的知情同意，请改用其他编号")
	case !knownPurposes(c.Purposes):
		return &badPurposes
	case !slices.Contains(event.ConsentWays, c.How):
		return &badWay
	case !slices.Contains(event.ConsentGivers, c.GivenBy):
		return why("a consent is given by one of "+strings.Join(event.ConsentGivers, ", "), "同意人须为 "+strings.Join(event.ConsentGivers, "、")+" 之一")
	case c.GivenAt <= 0:
		return why("say when the consent was given", "请填写同意的时间")
	case c.GivenAt > now.Add(aheadAtMost):
		return why("a consent cannot have been given in the future", "同意的时间不能在将来")
	case c.Until != nil && *c.Until <= c.GivenAt:
		return why("a consent that ends has to end after it was given", "同意的截止时间须晚于同意时间")
	}
	return nil
}

func knownPurposes(purposes []string) bool {
	for i, p := range purposes {
		if !slices.Contains(event.Purposes, p) || slices.Contains(purposes[:i], p) {
			return false
		}
	}
	return len(purposes) > 0
}

// inPurposeOrder writes purposes in one order, so that the same consent looks the same.
func inPurposeOrder(purposes []string) []string {
	all := slices.Clone(purposes)
	slices.SortStableFunc(all, func(a, b string) int {
		return cmp.Compare(slices.Index(event.Purposes, a), slices.Index(event.Purposes, b))
	})
	return all
}

// consented is a copy of a patient with other consents.
func (p *Patient) consented(change func(event.Consents) event.Consents) *Patient {
	next := Patient{}
	if p != nil {
		next = *p
	}
	next.Consents = change(next.Consents)
	return &next
}

// Consent answers how a patient stands to a purpose. Of somebody whom the directory does not know it is none.
func (v *View) Consent(tenant, patient, purpose string, now event.Time) event.ConsentStanding {
	p, known := v.Patient(tenant, patient)
	if !known {
		return event.ConsentStanding{State: event.ConsentNone}
	}
	return p.Consents.For(purpose, now)
}

// EachPatient hands over every patient of the directory, in the order of tenants and patients, until fn answers false.
func (v *View) EachPatient(fn func(tenant, patient string, p Patient) bool) {
	v.mu.RLock()
	keys := make([]string, 0, len(v.patients))
	for key := range v.patients {
		keys = append(keys, key)
	}
	v.mu.RUnlock()
	slices.Sort(keys)
	for _, key := range keys {
		tenant, patient := streams.SplitPatientKey(key)
		if p, known := v.Patient(tenant, patient); known && p.Group != "" && !fn(tenant, patient, p) {
			return
		}
	}
}

// Consents brings consents to the registrar and answers the refusals beside them.
func (a *Asker) Consents(ctx context.Context, consents []*event.ConsentRequested) ([]*event.RequestRefused, error) {
	requests := make([]event.Event, len(consents))
	for i, c := range consents {
		requests[i] = c
	}
	refused, _, err := a.askAll(ctx, requests, nil)
	if err != nil {
		return nil, fmt.Errorf("consents: %w", err)
	}
	return refused, nil
}

// consentColumns are those of an import that say what a patient has agreed to. consent, the id, makes a row have one.
var consentColumns = []string{"consent", "consent_purposes", "consent_form", "consent_version", "consent_given", "consent_how", "consent_by", "consent_until"}

// consentOf reads the consent of a row; nil: it has none. Purposes stand as monitoring+sharing. A moment is RFC 3339, or a day, which
// begins at midnight UTC; until a day is until its end.
func consentOf(get func(column string) string) (*event.Consent, error) {
	if get("consent") == "" {
		for _, column := range consentColumns[1:] {
			if get(column) != "" {
				return nil, inWords("column "+column+" without a consent: column consent is its id", column+" 列有内容而无知情同意：consent 列为其编号")
			}
		}
		return nil, nil
	}
	given, err := DayOrMoment(get("consent_given"), 0)
	if err != nil {
		return nil, inColumn("consent_given", err)
	}
	c := &event.Consent{ID: get("consent"), Form: get("consent_form"), FormVersion: cmp.Or(get("consent_version"), "1"), GivenAt: given,
		How: cmp.Or(get("consent_how"), "paper"), GivenBy: cmp.Or(get("consent_by"), "patient")}
	for _, p := range strings.Split(get("consent_purposes"), groupsJoin) {
		c.Purposes = append(c.Purposes, strings.TrimSpace(p))
	}
	c.Purposes = inPurposeOrder(c.Purposes)
	if until := get("consent_until"); until != "" {
		end, err := DayOrMoment(until, 24*time.Hour)
		if err != nil {
			return nil, inColumn("consent_until", err)
		}
		c.Until = &end
	}
	if why := checkConsent(*c, event.Time(1<<53)); why != nil { // whether it lies in the future the registrar says
		return nil, inWords(why.en, why.zh)
	}
	return c, nil
}

func inColumn(column string, err error) error {
	return inWords("column "+column+": "+err.Error(), column+" 列："+InChinese(err))
}

// DayOrMoment reads a moment in RFC 3339 or a day, of which it answers midnight UTC with so much added.
func DayOrMoment(s string, day time.Duration) (event.Time, error) {
	if t, err := time.Parse(time.DateOnly, s); err == nil {
		return event.TimeOf(t.Add(day)), nil
	}
	t, err := time.Parse(time.RFC3339, s)
	if err != nil {
		return 0, inWords("want a day such as 2026-03-17, or a moment such as 2026-03-17T09:30:00+08:00", "应为日期（如 2026-03-17）或时刻（如 2026-03-17T09:30:00+08:00）")
	}
	return event.TimeOf(t), nil
}

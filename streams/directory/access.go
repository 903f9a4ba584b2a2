package directory

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"tocsin/streams"
	"tocsin/streams/event"
)

// LongestEmergency is how long one emergency may open a patient.
const LongestEmergency = 12 * time.Hour

// longest texts of an emergency, in bytes.
const maxReason = 2000

// Emergency is a patient who was opened to an account, and what a review found.
type Emergency struct {
	event.EmergencyBegun
	Review *event.EmergencyReviewed `json:"review,omitempty"` // nil: it waits for one
}

// EmergencyKey answers emergency/{id}.
func EmergencyKey(id string) string { return "emergency/" + id }

// checkScope tells what is wrong with a scope.
func checkScope(s *event.Scope) error {
	if s == nil {
		return nil
	}
	for _, t := range s.Tenants {
		if t == event.Everywhere {
			continue
		}
		if err := checkTenant(t); err != nil {
			return err
		}
	}
	for _, g := range s.Groups {
		tenant, name, _ := strings.Cut(g, "/")
		if err := checkTenant(tenant); err != nil {
			return fmt.Errorf("group %q, want TENANT/GROUP: %w", g, err)
		}
		if err := CheckID("group", name); err != nil {
			return fmt.Errorf("group %q, want TENANT/GROUP: %w", g, err)
		}
	}
	for _, c := range s.Clinics {
		tenant, id, _ := strings.Cut(c, "/")
		if err := checkTenant(tenant); err != nil {
			return fmt.Errorf("clinic %q, want TENANT/CLINIC: %w", c, err)
		}
		if err := checkClinicID(id); err != nil {
			return fmt.Errorf("clinic %q, want TENANT/CLINIC: %w", c, err)
		}
	}
	return nil
}

// keptScope answers the scope that an account has after a request: what it names, else what stands.
func keptScope(asked, standing *event.Scope) *event.Scope {
	if asked != nil {
		return asked
	}
	return standing
}

func decideEmergency(s Entity, id string, r *event.EmergencyRequested, now event.Time) []event.Event {
	long := time.Duration(r.ForMs) * time.Millisecond
	switch {
	case s.Emergency != nil:
		return nil // a repeat
	case strings.TrimSpace(r.Reason) == "" || len(r.Reason) > maxReason:
		return refuse(id, refusal{"reason", "请说明紧急查阅的理由", "say why this patient has to be opened"})
	case r.ForMs <= 0 || long > LongestEmergency:
		return refuse(id, refusal{"span", "紧急授权最长 12 小时", "an emergency lasts 12 hours at most"})
	case r.Account == "" || r.Tenant == "" || r.Patient == "":
		return refuse(id, refusal{"bad_name", "缺少账号或患者", "an emergency needs an account and a patient"})
	}
	return one(&event.EmergencyBegun{Emergency: r.Emergency, Account: r.Account, Role: r.Role, Tenant: r.Tenant, Patient: r.Patient, Reason: r.Reason,
		From: now, Until: now + event.Time(r.ForMs)})
}

func decideReview(s Entity, id string, r *event.ReviewRequested, now event.Time) []event.Event {
	e := s.Emergency
	switch {
	case e == nil:
		return refuse(id, refusal{"unknown", "没有这次紧急查阅", "there is no such emergency"})
	case e.Review != nil && e.Review.By == r.By && e.Review.Outcome == r.Outcome && e.Review.Note == r.Note:
		return nil
	case e.Review != nil:
		return refuse(id, refusal{"reviewed", "已由 " + e.Review.By + " 复核", e.Review.By + " has reviewed it"})
	case e.Account == r.By:
		return refuse(id, refusal{"own", "不能复核本人的紧急查阅", "nobody reviews their own"})
	case r.Outcome != event.ReviewJustified && r.Outcome != event.ReviewNotJustified:
		return refuse(id, refusal{"outcome", "请选择复核结论", "say whether it was justified"})
	case len(r.Note) > maxReason:
		return refuse(id, refusal{"reason", "说明过长", "the note is too long"})
	}
	return one(&event.EmergencyReviewed{Emergency: r.Emergency, Outcome: r.Outcome, Note: r.Note, By: r.By, At: now})
}

// Emergencies answers every patient who was ever opened in an emergency, the last first.
func (v *View) Emergencies() []Emergency {
	all := sorted(v, v.emergencies)
	slices.SortStableFunc(all, func(a, b Emergency) int { return cmp.Compare(b.From, a.From) })
	return all
}

// InGroups answers the groups of a patient as {tenant}/{group}, the leading one first.
func (p Patient) InGroups(tenant string) []string {
	all := make([]string, 0, 1+len(p.Also))
	for _, g := range append([]string{p.Group}, p.Also...) {
		if g != "" {
			all = append(all, streams.PatientKey(tenant, g))
		}
	}
	return all
}

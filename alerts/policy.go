package alerts

import (
	"slices"

	"tocsin/streams/event"
)

// The policies are data: who is asked, in which order, how long each may take. A warning carries the one by which it
// was raised, so a change here touches no warning that is open; it needs a new PolicyVersion.
//
// High and medium follow FEATURES ALR-9 (accept within 3 and 15 minutes, contact within 10 and 60). Low and technical
// wait for the day list; late findings are low ones that page nobody.

// PolicyVersion counts the changes of the table.
const PolicyVersion = 2

const minute = 60_000 // milliseconds

var policies = map[event.Severity]event.Policy{
	event.High: {ID: "high", Version: PolicyVersion, CareMs: 10 * minute, EaseMs: 10 * minute,
		CloseMs: 60 * minute, RetryMs: 5 * minute, ShelveMs: 30 * minute, ShelveTwo: true, Steps: []event.PolicyStep{
			{To: "nurse", AnswerMs: 3 * minute}, {To: "doctor-1", AnswerMs: 3 * minute}, {To: "doctor-2", AnswerMs: 3 * minute},
			{To: "duty-office", AnswerMs: 5 * minute}}},
	event.Medium: {ID: "medium", Version: PolicyVersion, CareMs: 60 * minute, EaseMs: 10 * minute,
		CloseMs: 4 * 60 * minute, RetryMs: 15 * minute, ShelveMs: 4 * 60 * minute, Steps: []event.PolicyStep{
			{To: "nurse", AnswerMs: 15 * minute}, {To: "doctor-1", AnswerMs: 15 * minute}, {To: "doctor-2", AnswerMs: 15 * minute},
			{To: "duty-office", AnswerMs: 15 * minute}}},
	event.Low: {ID: "low", Version: PolicyVersion, CareMs: 24 * 60 * minute, EaseMs: 10 * minute,
		CloseMs: 24 * 60 * minute, RetryMs: 4 * 60 * minute, ShelveMs: 24 * 60 * minute, Steps: []event.PolicyStep{
			{To: "day-list", AnswerMs: 12 * 60 * minute}, {To: "nurse", AnswerMs: 4 * 60 * minute}, {To: "lead", AnswerMs: 12 * 60 * minute}}},
	event.Technical: {ID: "technical", Version: PolicyVersion, CareMs: 24 * 60 * minute, EaseMs: 10 * minute,
		CloseMs: 24 * 60 * minute, RetryMs: 4 * 60 * minute, ShelveMs: 72 * 60 * minute, Steps: []event.PolicyStep{
			{To: "day-list", AnswerMs: 12 * 60 * minute}, {To: "lead", AnswerMs: 12 * 60 * minute}}},
}

// Usual answers the policy that holds for a severity where none was set.
func Usual(severity event.Severity) event.Policy {
	p := policies[severity]
	p.Steps = slices.Clone(p.Steps)
	return p
}

// Fallbacks for a policy that names nobody or gives no time: a warning never waits for ever.
const (
	nobodysDesk  = "duty-office"
	leastStepMs  = 1000
	defaultMs    = 5 * minute
	maxStepsSeen = 64
)

// rung is one step of a policy as it is asked.
type rung struct {
	level   int
	to      string
	onDuty  []string // nil: no rota says who
	ms      int64
	missing []string // steps before it that nobody answers for; empty where a step names nobody
}

// rungFrom answers the first step at level or above for which somebody answers; beyond the end, the last one. Steps for which
// nobody does are passed over at once, and told, since a warning must not wait for an empty chair. When nobody is on duty at
// all, the last step that names somebody is asked all the same.
func rungFrom(p event.Policy, level int, on func(step string) ([]string, bool)) rung {
	n := min(len(p.Steps), maxStepsSeen)
	var missing []string
	for i := max(level, 0); i < n; i++ {
		if accounts, staffed := staffed(p.Steps[i], on); staffed {
			return rung{i, p.Steps[i].To, accounts, stepMs(p.Steps[i]), missing}
		}
		missing = append(missing, p.Steps[i].To)
	}
	for i := n - 1; i >= 0; i-- {
		if accounts, staffed := staffed(p.Steps[i], on); staffed {
			return rung{i, p.Steps[i].To, accounts, stepMs(p.Steps[i]), missing}
		}
	}
	for i := n - 1; i >= 0; i-- {
		if p.Steps[i].To != "" {
			return rung{i, p.Steps[i].To, nil, stepMs(p.Steps[i]), missing}
		}
	}
	return rung{max(len(p.Steps)-1, 0), nobodysDesk, nil, defaultMs, missing}
}

func staffed(s event.PolicyStep, on func(string) ([]string, bool)) (accounts []string, ok bool) {
	if s.To == "" {
		return nil, false
	}
	return on(s.To)
}

// everybody is who answers for a step where no rota is looked at.
func everybody(string) ([]string, bool) { return nil, true }

func stepMs(s event.PolicyStep) int64 { return given(s.AnswerMs, defaultMs) }

// The numbers of a frozen policy, which may be an older one without them.

func careMs(p event.Policy) int64  { return given(p.CareMs, 10*minute) }
func easeMs(p event.Policy) int64  { return given(p.EaseMs, 10*minute) }
func closeMs(p event.Policy) int64 { return given(p.CloseMs, 60*minute) }
func retryMs(p event.Policy) int64 { return given(p.RetryMs, 5*minute) }

// ShelveMs answers for how long a warning under p can be shelved at most.
func ShelveMs(p event.Policy) int64 { return given(p.ShelveMs, 30*minute) }

// given answers a time that a policy gives, or what holds where it gives none.
func given(ms, otherwise int64) int64 {
	if ms <= 0 {
		return otherwise
	}
	return max(ms, leastStepMs)
}

// Asked answers whom level of p asks.
func Asked(p event.Policy, level int) string { return rungFrom(p, level, everybody).to }

// carry answers the level of p that asks whoever level of was asked, so that a warning which becomes graver does not
// climb down; the first when p does not know them.
func carry(p, was event.Policy, level int) int {
	to := Asked(was, level)
	for i, s := range p.Steps {
		if s.To == to {
			return i
		}
	}
	return 0
}

// Who may take, give back and close. Administrators, security and auditors look after the system, not after patients.
var (
	mayActOnGrave = map[string]bool{"lead": true, "nurse": true, "doctor": true, roleWatchdog: true}
	mayActOnLight = map[string]bool{"lead": true, "nurse": true, "doctor": true, "pharmacist": true, "health-manager": true, "clinic": true, roleWatchdog: true}
	// mayOverrule may close what another has taken.
	mayOverrule = map[string]bool{"lead": true, "doctor": true}
	// mayGiveReason may close a high without a contact, with a reason.
	mayGiveReason = map[string]bool{"doctor": true, roleWatchdog: true}
)

// roleWatchdog is that of the program which tries the whole way each minute in the name of made-up patients. No person has
// such a warning, so it takes and closes what it has brought about, as a person would, and nothing of anybody else (see tried).
const roleWatchdog = event.WatchedGroup

// beyondWatchdog tells whether the watchdog asks for something else than to take or close a warning of a made-up patient.
func (a ask) beyondWatchdog(c Command) bool {
	made := a.state.Tenant == event.SystemTenant && a.state.Group == event.WatchedGroup
	return a.request.Role == roleWatchdog && (!made || c != Accept && c != Close)
}

// roleMay tells whether a role may act on a warning that has been as grave as peak.
func roleMay(role string, peak event.Severity) bool {
	if rank(peak) >= rank(event.Medium) {
		return mayActOnGrave[role]
	}
	return mayActOnLight[role]
}

// rank orders severities by how much they ask of people; technical asks as much as low and is never graver than a patient.
func rank(s event.Severity) int {
	switch s {
	case event.High:
		return 3
	case event.Medium:
		return 2
	case event.Low, event.Technical:
		return 1
	default:
		return 0
	}
}

package alerts

import (
	"cmp"
	"slices"
	"strings"

	"tocsin/streams/event"
)

// finding is what an assessment or a fault says about one problem.
type finding struct {
	problem  string
	severity event.Severity
	danger   bool
	score    *event.Score
	reasons  []event.Reason
	scored   string // id of the assessment
	late     bool
	by       string // who says so, and by which click; empty: it was measured
	request  string
}

// found answers what an assessment leads to. That nothing is found any more was noted by Apply, and counts only once it
// has lasted (see Due).
func found(f *Facts, s State, e event.Envelope, d *event.SeverityScored, now event.Time) []event.Event {
	if d.Severity == event.NoSeverity {
		return nil
	}
	if s.Left != nil {
		return nil // what is still found in what came before
	}
	is := finding{problem: d.Problem, severity: d.Severity, danger: d.Danger, score: d.Score, reasons: d.Reasons, scored: e.ID, late: d.Late}
	if is.reasons == nil {
		is.reasons = []event.Reason{}
	}
	return s.met(e.Subject, is, s.duty(f, now))
}

// met brings a finding to the open warning of its problem, or raises one.
func (s State) met(key string, f finding, d duty) []event.Event {
	if i := s.open(f.problem); i >= 0 {
		w := s.Open[i]
		events, _ := life[w.Phase][Find].act(w, ask{now: d.now, found: f, duty: d})
		return events
	}
	episode := 1
	if i := s.past(f.problem); i >= 0 {
		p := s.Closed[i]
		if !p.Clear && worse(p.Mark, f, true) == "" {
			return nil // closed by a person who knew this; a new episode begins after normal, or with something worse
		}
		episode = p.Episode + 1
	}
	return s.raise(key, episode, f, d)
}

// raise opens an episode. A late finding, which a newer normal reading has overtaken, waits on the day list as a low one; a
// silence in a planned window asks nobody before that is over.
func (s State) raise(key string, episode int, f finding, d duty) []event.Event {
	if f.late {
		f.severity, f.danger = event.Low, false
	}
	policy := d.policy(f.severity)
	r := rungFrom(policy, 0, d.about(f.reasons).on)
	raised := &event.AlertRaised{
		Alert: alertID(key, f.problem, episode), Episode: episode, Problem: f.problem, Severity: f.severity, Rule: ruleOf(f.reasons, f.problem),
		Reasons: f.reasons, Danger: f.danger, Score: f.score, Policy: policy, Level: r.level, OnDuty: r.onDuty, AnswerBy: d.now + event.Time(r.ms), Scored: f.scored,
		By: f.by, Request: f.request,
	}
	if p, until, in := s.planned(f, d.now); in {
		raised.Planned, raised.OnDuty, raised.AnswerBy = cmp.Or(p.Why, "planned"), nil, until
		return []event.Event{raised}
	}
	return gaps([]event.Event{raised}, policy, r)
}

// refresh brings a finding to an open warning: worse than what has been told asks again, anything else is noted.
func refresh(w Warning, a ask) ([]event.Event, string) {
	f := a.found
	if f.late {
		return overtaken(w, f), ""
	}
	why := worse(w.Mark, f, w.judged())
	if why == "" {
		return []event.Event{&event.AlertUpdated{Alert: w.Alert, Severity: f.severity, Reasons: f.reasons, Danger: f.danger, Score: f.score, Scored: f.scored, Request: f.request}}, ""
	}
	policy := w.Policy
	if rank(f.severity) > rank(w.Peak) { // an episode's policy never becomes milder
		policy = a.duty.policy(f.severity)
	}
	r := rungFrom(policy, carry(policy, w.Policy, w.Level), a.duty.about(f.reasons).on)
	by := a.now + event.Time(r.ms)
	if w.asking() {
		by = min(by, max(w.AnswerBy, a.now+leastStepMs)) // becoming graver gives nobody more time
	}
	worsened := &event.AlertWorsened{Alert: w.Alert, Severity: f.severity, Reasons: f.reasons, Danger: f.danger, Score: f.score,
		Policy: policy, Level: r.level, OnDuty: r.onDuty, AnswerBy: by, Why: why, Scored: f.scored, Request: f.request}
	return gaps([]event.Event{worsened}, policy, r), ""
}

// overtaken adds to an open warning what a late finding says that it does not. It neither lowers nor raises what is live,
// but whoever looks at the warning has to know it.
func overtaken(w Warning, f finding) []event.Event {
	reasons := slices.Clone(w.Reasons)
	for _, r := range f.reasons {
		if !slices.ContainsFunc(reasons, func(k event.Reason) bool { return nameOf(k) == nameOf(r) }) {
			reasons = append(reasons, r)
		}
	}
	if len(reasons) == len(w.Reasons) {
		return nil
	}
	return []event.Event{&event.AlertUpdated{Alert: w.Alert, Severity: w.Severity, Reasons: reasons, Danger: w.Danger, Score: w.Score, Scored: w.Scored}}
}

// worse answers in which way f goes beyond what has been told (ALR-3); empty when it does not. A reason that was not
// there counts once somebody has taken the warning for the reasons that were.
func worse(m Mark, f finding, newReasons bool) string {
	switch {
	case rank(f.severity) > rank(m.Severity):
		return "severity"
	case f.danger && !m.Danger:
		return "danger"
	case f.score != nil && f.score.Lower >= m.Lower+2:
		return "score"
	}
	for _, r := range f.reasons {
		if newReasons && !slices.Contains(m.Rules, nameOf(r)) {
			return "reason"
		}
	}
	return ""
}

// gaps adds a fault for the steps of the policy that nobody answers for and that were passed over.
func gaps(events []event.Event, p event.Policy, r rung) []event.Event {
	if len(r.missing) == 0 {
		return events
	}
	zh, en := "有一级未指定人员", "has a step that names nobody"
	if chairs := strings.Join(r.missing, ", "); strings.Trim(chairs, ", ") != "" {
		zh, en = "须通知 "+chairs+"，但无人值班", "asks "+chairs+", where nobody is on duty"
	}
	to := StepWords(r.to)
	return append(events, &event.TechnicalFault{Kind: "rota_gap", Offset: -1, Detail: "policy " + p.ID + " " + en + "; " + to[1] + " was asked at once",
		DetailZh: "策略 " + p.ID + " " + zh + "，已立即通知" + to[0]})
}

// A fault that keeps coming is noted this often.
const faultNoteMs = 10 * minute

const maxFaults = 16

// faulted lets faults of the system have a warning of their own: it never touches one about the patient.
func faulted(facts *Facts, s State, e event.Envelope, now event.Time) []event.Event {
	reason := faultReason(e, now)
	f := finding{problem: event.Fault, severity: event.Technical, reasons: []event.Reason{reason}, scored: e.ID}
	if i := s.open(event.Fault); i >= 0 {
		w := s.Open[i]
		known := slices.IndexFunc(w.Reasons, func(r event.Reason) bool { return r.Rule == reason.Rule })
		switch {
		case known >= 0 && !w.Eased && now < w.UpdatedAt+faultNoteMs:
			return nil // told already; each fault lies in the log by itself
		case known >= 0:
			f.reasons = slices.Clone(w.Reasons)
			f.reasons[known] = reason
		default:
			f.reasons = append(f.reasons, w.Reasons...)
			f.reasons = f.reasons[:min(len(f.reasons), maxFaults)]
		}
	}
	return s.met(e.Subject, f, s.duty(facts, now))
}

// mended takes a fault that is over out of the technical warning; when it was the last, the warning has eased.
func mended(s State, d *event.FaultEnded) []event.Event {
	i := s.open(event.Fault)
	if i < 0 {
		return nil
	}
	w := s.Open[i]
	left := slices.DeleteFunc(slices.Clone(w.Reasons), func(r event.Reason) bool { return r.Rule == d.Kind })
	switch {
	case w.Eased || len(left) == len(w.Reasons):
		return nil
	case len(left) == 0: // what it was stays to be read
		return []event.Event{&event.AlertEased{Alert: w.Alert, Scored: w.Scored}}
	}
	return []event.Event{&event.AlertUpdated{Alert: w.Alert, Severity: w.Severity, Reasons: left, Danger: w.Danger, Score: w.Score, Scored: w.Scored}}
}

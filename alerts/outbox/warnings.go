package outbox

import (
	"slices"

	"tocsin/alerts"
	"tocsin/streams"
	"tocsin/streams/event"
)

// warnings are those that are open, as subscribers are told of them.
type warnings map[string]event.OutboxWarning

// fold takes an event of a warning and answers the warning as it is then; false: it is about none that is open.
func (o warnings) fold(e event.Envelope) (event.OutboxWarning, bool) {
	if d, ok := e.Data.(*event.AlertRaised); ok {
		w := raised(e, d)
		o[w.Alert] = w
		return w, true
	}
	alert, change := changeOf(e)
	w, known := o[alert]
	if change == nil || !known {
		return event.OutboxWarning{}, false
	}
	change(&w)
	o[alert] = w
	if _, closed := e.Data.(*event.AlertClosed); closed {
		delete(o, alert)
	}
	return w, true
}

func raised(e event.Envelope, d *event.AlertRaised) event.OutboxWarning {
	tenant, patient := streams.SplitPatientKey(e.Subject)
	phase := alerts.New
	if d.Planned != "" {
		phase = alerts.Suppressed
	}
	return event.OutboxWarning{Alert: d.Alert, Tenant: tenant, Patient: patient, Problem: d.Problem, Phase: string(phase), Severity: d.Severity, Peak: d.Severity,
		Danger: d.Danger, Rule: d.Rule, Reasons: plain(d.Reasons), Score: bare(d.Score), RaisedAt: e.At, UpdatedAt: e.At, AnswerBy: d.AnswerBy}
}

// changeOf answers what an event does to an open warning; nil: nothing that subscribers are told of.
func changeOf(e event.Envelope) (alert string, change func(*event.OutboxWarning)) {
	asks := func(w *event.OutboxWarning, by event.Time) {
		if w.Phase != string(alerts.New) && w.Phase != string(alerts.Returned) {
			w.Phase = string(alerts.Returned)
		}
		w.Owner, w.AnswerBy = "", by
	}
	switch d := e.Data.(type) {
	case *event.AlertUpdated:
		return d.Alert, func(w *event.OutboxWarning) { found(w, e.At, d.Severity, d.Danger, d.Reasons, d.Score) }
	case *event.AlertWorsened:
		return d.Alert, func(w *event.OutboxWarning) {
			found(w, e.At, d.Severity, d.Danger, d.Reasons, d.Score)
			asks(w, d.AnswerBy)
		}
	case *event.AlertEased:
		return d.Alert, func(*event.OutboxWarning) {}
	case *event.AlertAccepted:
		return d.Alert, func(w *event.OutboxWarning) {
			if w.Phase != string(alerts.InCare) {
				w.Phase = string(alerts.Accepted)
			}
			w.Owner, w.AnswerBy = d.By, d.CareBy
		}
	case *event.AlertEscalated:
		return d.Alert, func(w *event.OutboxWarning) { asks(w, d.AnswerBy) }
	case *event.AlertReturned:
		return d.Alert, func(w *event.OutboxWarning) { asks(w, d.AnswerBy) }
	case *event.AlertUnshelved:
		return d.Alert, func(w *event.OutboxWarning) { asks(w, d.AnswerBy) }
	case *event.AlertHandoverDue:
		return d.Alert, func(w *event.OutboxWarning) { w.AnswerBy = d.AnswerBy }
	case *event.AlertContacted:
		return d.Alert, func(w *event.OutboxWarning) {
			if w.AnswerBy = d.CareBy; d.Outcome == event.Reached {
				w.Phase = string(alerts.InCare)
			}
		}
	case *event.AlertShelved:
		return d.Alert, func(w *event.OutboxWarning) { w.Phase, w.Owner, w.AnswerBy = string(alerts.Shelved), "", d.Until }
	case *event.AlertClosed:
		return d.Alert, func(w *event.OutboxWarning) { w.Phase, w.AnswerBy = string(alerts.Closed), e.At }
	default:
		return "", nil
	}
}

func found(w *event.OutboxWarning, at event.Time, s event.Severity, danger bool, reasons []event.Reason, score *event.Score) {
	w.Severity, w.Danger, w.Reasons, w.Score, w.UpdatedAt = s, danger, plain(reasons), bare(score), at
	if s != event.Technical && s > w.Peak {
		w.Peak = s
	}
	if len(reasons) > 0 {
		w.Rule = reasons[0].Rule
	}
}

// plain leaves of the reasons what a machine needs: no words of persons, who may have named somebody, and no pack, which would tell
// of what the patient is ill.
func plain(reasons []event.Reason) []event.Reason {
	all := make([]event.Reason, 0, len(reasons))
	for _, r := range reasons {
		p := event.Reason{Rule: r.Rule, Severity: r.Severity, Quantity: r.Quantity, Value: r.Value, Unit: r.Unit, MeasuredAt: r.MeasuredAt, Reading: r.Reading,
			Low: r.Low, High: r.High, Since: r.Since, Unsure: r.Unsure, Zh: r.Zh, En: r.En}
		if r.Rule == event.Reported {
			p.Zh, p.En = "由工作人员上报", "reported by staff"
		}
		all = append(all, p)
	}
	return all
}

// bare is a score without its parts.
func bare(s *event.Score) *event.Score {
	if s == nil {
		return nil
	}
	return &event.Score{Rule: s.Rule, Lower: s.Lower, Upper: s.Upper, Band: s.Band, Determined: s.Determined, Scale: s.Scale, Parts: []event.Part{}, Missing: slices.Clone(s.Missing)}
}

// standingOf is an open warning of the fold of alerts, for a subscriber that begins now.
func standingOf(key string, a alerts.Warning) event.OutboxWarning {
	tenant, patient := streams.SplitPatientKey(key)
	return event.OutboxWarning{Alert: a.Alert, Tenant: tenant, Patient: patient, Problem: a.Problem, Phase: string(a.Phase), Severity: a.Severity, Peak: a.Peak,
		Danger: a.Danger, Rule: a.Rule, Reasons: plain(a.Reasons), Score: bare(a.Score), RaisedAt: a.RaisedAt, UpdatedAt: a.UpdatedAt, AnswerBy: a.AnswerBy, Owner: a.Owner}
}

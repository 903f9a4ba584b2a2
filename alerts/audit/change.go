package audit

import "tocsin/streams/event"

// changeOf answers which open warning an event is about and what it does to it; nil when it is about none.
func changeOf(d event.Event) (alert string, change func(*Warning)) {
	switch d := d.(type) {
	case *event.AlertUpdated:
		return d.Alert, func(w *Warning) { w.Severity = d.Severity }
	case *event.AlertWorsened:
		return d.Alert, func(w *Warning) {
			w.Severity, w.Steps = d.Severity, stepsOf(d.Policy)
			w.asks(w.step(d.Level), d.AnswerBy)
		}
	case *event.AlertEscalated:
		return d.Alert, func(w *Warning) { w.asks(d.To, d.AnswerBy) }
	case *event.AlertReturned:
		return d.Alert, func(w *Warning) { w.asks(w.step(d.Level), d.AnswerBy) }
	case *event.AlertUnshelved:
		return d.Alert, func(w *Warning) { w.asks(w.step(d.Level), d.AnswerBy) }
	case *event.AlertHandoverDue:
		return d.Alert, func(w *Warning) { w.Next = d.AnswerBy }
	case *event.AlertAccepted:
		return d.Alert, func(w *Warning) { w.taken(d.By, d.CareBy) }
	case *event.AlertContacted:
		return d.Alert, func(w *Warning) { w.contacted(d) }
	case *event.AlertShelved:
		return d.Alert, func(w *Warning) { w.Stand, w.Who, w.Next = Aside, d.By, d.Until }
	default:
		alert = silent(d)
		if alert == "" {
			return "", nil
		}
		return alert, func(*Warning) {}
	}
}

// silent answers which open warning an event is about that moves no deadline; empty when it is another kind of event.
func silent(d event.Event) (alert string) {
	switch d := d.(type) {
	case *event.AlertEased:
		return d.Alert
	case *event.AlertCalling:
		return d.Alert
	case *event.AlertOffered:
		return d.Alert
	case *event.AlertNoted:
		return d.Alert
	case *event.AlertShelveAsked:
		return d.Alert
	default:
		return ""
	}
}

// asks says that a role is to take the warning by then.
func (w *Warning) asks(who string, by event.Time) { w.Stand, w.Who, w.Next = Asks, who, by }

// taken gives it to an account. What was in care stays so when a colleague takes over.
func (w *Warning) taken(who string, by event.Time) {
	if w.Stand != InCare {
		w.Stand = Taken
	}
	w.Who, w.Next = who, by
}

// contacted puts it in care once the patient or somebody near has been reached; else it is tried again by then.
func (w *Warning) contacted(d *event.AlertContacted) {
	if d.Outcome == event.Reached {
		w.Stand = InCare
	}
	w.Next = d.CareBy
}

// stepsOf answers whom a policy asks, in order.
func stepsOf(p event.Policy) (steps []string) {
	for _, s := range p.Steps {
		steps = append(steps, s.To)
	}
	return steps
}

// step answers who is asked at a level of the policy, as far as that names somebody.
func (w *Warning) step(level int) string {
	if level < 0 || level >= len(w.Steps) {
		return ""
	}
	return w.Steps[level]
}

package alerts

import (
	"slices"

	"tocsin/streams/event"
)

// handoverMs is how long somebody of the next shift has to take what the last one leaves.
const handoverMs = 15 * minute

// handsOver says that the shift of whoever has it is over. It goes on being theirs, for somebody has to answer for it, until
// another takes it; what nobody takes asks the next step (ALR-16).
func handsOver(w Warning, a ask) []event.Event {
	r := rungFrom(w.Policy, w.Level, a.duty.about(w.Reasons).on)
	return gaps([]event.Event{&event.AlertHandoverDue{Alert: w.Alert, From: w.Owner, Level: r.level, To: r.to, OnDuty: r.onDuty,
		AnswerBy: min(w.AnswerBy, a.now+handoverMs)}}, w.Policy, r)
}

func (w *Warning) handoverDue(d *event.AlertHandoverDue, at event.Time) {
	w.Handover = true
	w.ask(d.Level, d.OnDuty, d.AnswerBy)
	w.tell(Moment{At: at, Type: d.Type(), By: d.From, To: d.To})
}

// handoverAt answers when the shift ends in which somebody took w; event.Never when no rota had them on duty then, or when that
// has been told.
func (d duty) handoverAt(w Warning) event.Time {
	if w.AcceptedAt == nil || w.Handover {
		return event.Never
	}
	end := event.Never
	for i := range d.f.Rotas {
		r := &d.f.Rotas[i]
		if r.Tenant != d.tenant || r.Group != "" && r.Group != d.group {
			continue
		}
		if until, on := shiftEnd(r.Spans, w.Owner, *w.AcceptedAt); on && (end == event.Never || until > end) {
			end = until // who is on duty for two steps goes home after the later one
		}
	}
	return end
}

// shiftEnd answers until when an account that is on duty at a moment stays so without a break.
func shiftEnd(spans []event.OnDuty, account string, at event.Time) (until event.Time, on bool) {
	for _, s := range spans {
		switch {
		case !slices.Contains(s.Accounts, account):
		case !on && s.From <= at && at < s.Until, on && s.From == until:
			until, on = s.Until, true
		}
	}
	return until, on
}

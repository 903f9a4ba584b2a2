package alerts

import "tocsin/streams/event"

// Due answers what waiting has brought about by now, problem by problem: first what has eased, then who has not answered.
func (Core) Due(f Facts, s State, now event.Time) []event.Event {
	a := ask{now: now, state: s, duty: s.duty(&f, now)}
	var events []event.Event
	for _, w := range s.Open {
		if w.easesAt() <= now {
			done, _ := life[w.Phase][Ease].act(w, a)
			events = append(events, done...)
		}
		if a.duty.handoverAt(w) <= now && w.AnswerBy > now {
			events = append(events, handsOver(w, a)...)
		}
		if w.AnswerBy <= now {
			done, _ := life[w.Phase][Expire].act(w, a)
			events = append(events, done...)
		}
	}
	for _, u := range s.Unjudged {
		if u.AskBy <= now {
			events = append(events, &event.AlertOutcomeAsked{Alert: u.Alert, AskBy: now + judgeMs})
		}
	}
	return events
}

// NextDue answers when to ask again. While a warning is open there always is such a moment (ALR-7).
func (Core) NextDue(f Facts, s State) event.Time { return s.nextDue(&f) }

// Quietly takes readings and beats, which are none of the warnings' business: they hear of what is found.
func (Core) Quietly(f *Facts, s *State, e event.Envelope, _ event.Time) (next event.Time, quiet bool) {
	switch e.Data.(type) {
	case *event.ObservationRecorded, *event.DoorOpened:
		return s.nextDue(f), true
	default:
		return 0, false
	}
}

func (s *State) nextDue(f *Facts) event.Time {
	next := event.Never
	d := s.duty(f, 0)
	for _, w := range s.Open {
		next = min(next, w.AnswerBy, w.easesAt(), d.handoverAt(w))
	}
	for _, u := range s.Unjudged {
		next = min(next, u.AskBy)
	}
	return next
}

// easesAt answers when nothing will have been found for long enough.
func (w Warning) easesAt() event.Time {
	if w.ClearSince == nil || w.Eased {
		return event.Never
	}
	return *w.ClearSince + event.Time(easeMs(w.Policy))
}

// escalate asks the next step; the last is asked again and again. The time is counted from now: whoever is asked late,
// because Tocsin itself was down, still has the whole of it.
func escalate(w Warning, a ask) ([]event.Event, string) { return next(w, a, "unanswered"), "" }

// comeBack: accepted is not done. What was taken and neither closed nor given back asks the next step (ALR-9).
func comeBack(w Warning, a ask) ([]event.Event, string) {
	if w.Handover {
		return next(w, a, "not_handed_over"), ""
	}
	return next(w, a, "care_overdue"), ""
}

func next(w Warning, a ask, why string) []event.Event {
	r := rungFrom(w.Policy, w.Level+1, a.duty.about(w.Reasons).on)
	if r.level <= w.Level {
		r.missing = nil // told when they were passed over for the first time
	}
	return gaps([]event.Event{&event.AlertEscalated{Alert: w.Alert, Level: r.level, To: r.to, OnDuty: r.onDuty, Why: why, AnswerBy: a.now + event.Time(r.ms)}}, w.Policy, r)
}

// ease says that nothing has been found for the hold time. The warning stays, and so does its deadline.
func ease(w Warning, _ ask) ([]event.Event, string) {
	return []event.Event{&event.AlertEased{Alert: w.Alert, Scored: w.Scored}}, ""
}

package backtest

import (
	"strconv"
	"time"

	"tocsin/streams/event"
)

// What people did about live warnings is among the inputs. On a side where a warning came at another time it belongs to
// the warning that is open there for the same patient and problem. A warning that nobody could answer, because live had
// none, would stay open for ever and swallow every later finding: it is taken and closed when it has eased, and a day
// after it was raised at the latest, as a desk that works its list once a day would.
const deskLooks = event.Time(24 * time.Hour / time.Millisecond)

// desk is who closes what nobody could have closed.
const desk = "backtest"

// live is what was warned of in the recorded decisions.
type live struct {
	span     Span
	warnings []Warning
	problems map[string]problem // by warning
	open     map[problem]string // the warning
	owner    map[string]string  // of a warning
	place    map[string]int     // in warnings
}

func newLive(span Span) *live {
	return &live{span: span, problems: map[string]problem{}, open: map[problem]string{}, owner: map[string]string{}, place: map[string]int{}}
}

func (l *live) hear(e event.Envelope) {
	switch d := e.Data.(type) {
	case *event.AlertRaised:
		if !ofPatient(e.Subject) || d.Problem == event.Fault {
			return
		}
		p := problem{e.Subject, d.Problem}
		l.problems[d.Alert], l.open[p] = p, d.Alert
		if l.span.holds(e.At) {
			l.place[d.Alert] = len(l.warnings)
			l.warnings = append(l.warnings, warningOf(e.Subject, d, e.At))
		}
	case *event.AlertWorsened:
		delete(l.owner, d.Alert)
		if i, ok := l.place[d.Alert]; ok {
			l.warnings[i].Worsened++
		}
	case *event.AlertAccepted:
		l.owner[d.Alert] = d.By
	case *event.AlertReturned:
		delete(l.owner, d.Alert)
	case *event.AlertEscalated:
		delete(l.owner, d.Alert)
	case *event.AlertShelved:
		delete(l.owner, d.Alert)
	case *event.AlertJudged:
		if i, ok := l.place[d.Alert]; ok {
			l.warnings[i].Outcome = d.Outcome
		}
	case *event.AlertClosed:
		delete(l.owner, d.Alert)
		p := l.problems[d.Alert]
		if l.open[p] == d.Alert {
			delete(l.open, p)
		}
		if i, ok := l.place[d.Alert]; ok {
			l.warnings[i].Outcome = d.Outcome
		}
	}
}

// waiting is when somebody looks at a warning at the latest.
type waiting struct {
	by event.Time
	problem
	alert string
}

// redirect answers a wish as it is meant on this side. Where a warning is not held by whoever holds the live one, doing what only
// they can do is taking it first.
func (s *Side) redirect(e event.Envelope, wish event.Wish) []event.Envelope {
	p, known := s.live.problems[wish.Asked().Alert]
	w := s.stand[p]
	if !known || w == nil {
		return []event.Envelope{e}
	}
	var all []event.Envelope
	if held := w.owner == s.live.owner[wish.Asked().Alert]; !held && byOwner(wish) {
		accept := e
		accept.ID = e.ID + "/accept"
		accept.Data = event.About(&event.AcceptRequested{Request: *wish.Asked()}, w.alert)
		all = append(all, accept)
	}
	e.Data = event.About(wish, w.alert)
	return append(all, e)
}

// byOwner tells whether a wish is granted to whoever has the warning and to nobody else. Giving back what one does not have is
// left out: it is so already.
func byOwner(w event.Wish) bool {
	switch w.(type) {
	case *event.CloseRequested, *event.CallRequested, *event.ContactRequested, *event.OfferRequested:
		return true
	default:
		return false
	}
}

// eased notes that a warning can be closed.
func (s *Side) eased(patient, alert string) {
	for p, w := range s.standingOf(patient) {
		if w.alert == alert && s.live.open[p] == "" {
			s.answer = append(s.answer, p)
		}
	}
}

// act closes what nobody could have closed, unless live has a warning of the same that people are looking after.
func (s *Side) act(now event.Time) {
	for _, p := range s.answer {
		if w := s.stand[p]; w != nil {
			s.close(p, w.alert, now)
		}
	}
	s.answer = s.answer[:0]
	for len(s.open) > 0 && s.open[0].by <= now {
		x := s.open[0]
		s.open = s.open[1:]
		w := s.stand[x.problem]
		if w == nil || w.alert != x.alert {
			continue
		}
		if s.live.open[x.problem] != "" {
			x.by = now + deskLooks
			s.open = append(s.open, x)
			continue
		}
		s.close(x.problem, x.alert, now)
	}
}

func (s *Side) close(p problem, alert string, now event.Time) {
	s.clicks++
	id := desk + "/" + p.patient + "/" + strconv.Itoa(s.clicks)
	r := event.Request{Alert: alert, By: desk, Role: "doctor", Desk: desk}
	for _, d := range []event.Event{&event.AcceptRequested{Request: r}, &event.CloseRequested{Request: r, Outcome: event.OutcomeUnknown, Contacted: true}} {
		s.fold.Input(event.Envelope{ID: id + string(d.Type()), Source: desk, Subject: p.patient, At: now, Data: d}, now)
	}
}

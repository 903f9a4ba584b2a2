package alerts

import (
	"slices"

	"tocsin/streams/event"
)

// Shelf is where a person put a warning aside or, while it is not in that phase, wants to.
type Shelf struct {
	By        string     `json:"by"`
	Second    string     `json:"second,omitempty"`
	Reason    string     `json:"reason"`
	Until     event.Time `json:"until"`
	ConfirmBy event.Time `json:"confirm_by,omitempty"` // until when a second person may agree
}

// slackMs is how far the clock of the desk that worked out the end may be ahead of ours.
const slackMs = 30_000

// confirmMs is how long a second person has to agree to a shelving.
const confirmMs = 10 * minute

// shelve puts a warning aside for a reason and no longer than its policy allows (ALR-12). Where that takes two, the first is
// noted and the second agrees to what the first asked for.
func shelve(w Warning, a ask) ([]event.Event, string) {
	q, ok := a.data.(*event.ShelveRequested)
	switch {
	case !roleMay(a.request.Role, w.Peak):
		return nil, RefusedRole
	case w.Owner != "" && w.Owner != a.request.By && !mayOverrule[a.request.Role] && !asksSecond(w, a):
		return nil, RefusedNotYours
	case !ok:
		return nil, RefusedReason
	case asksSecond(w, a):
		return agree(w, a)
	case q.Reason == "":
		return nil, RefusedReason
	case q.Until <= a.now || q.Until.Sub(a.now).Milliseconds() > ShelveMs(w.Policy)+slackMs:
		return nil, RefusedShelf
	case shelveTwo(w):
		return []event.Event{&event.AlertShelveAsked{Alert: w.Alert, By: a.request.By, Reason: cut(q.Reason), Until: q.Until,
			ConfirmBy: a.now + confirmMs, Request: a.click}}, ""
	}
	return []event.Event{&event.AlertShelved{Alert: w.Alert, By: a.request.By, Reason: cut(q.Reason), Until: q.Until, Request: a.click}}, ""
}

// asksSecond tells whether a is the second person for whom a shelving waits.
func asksSecond(w Warning, a ask) bool {
	return w.Shelf != nil && w.Phase != Shelved && w.Shelf.By != a.request.By && a.now <= w.Shelf.ConfirmBy
}

func agree(w Warning, a ask) ([]event.Event, string) {
	if w.Shelf.Until <= a.now {
		return nil, RefusedShelf
	}
	return []event.Event{&event.AlertShelved{Alert: w.Alert, By: w.Shelf.By, Second: a.request.By, Reason: w.Shelf.Reason, Until: w.Shelf.Until, Request: a.click}}, ""
}

// shelveTwo tells whether shelving takes two persons: a high always does.
func shelveTwo(w Warning) bool { return w.Policy.ShelveTwo || w.Peak == event.High }

// unshelve ends a shelving or a planned window before its time.
func unshelve(w Warning, a ask) ([]event.Event, string) {
	if !roleMay(a.request.Role, w.Peak) {
		return nil, RefusedRole
	}
	out := asksAgain(w, a, "ended")
	d := out[0].(*event.AlertUnshelved) // the fault of a gap comes behind it
	d.By, d.Request = a.request.By, a.click
	return out, ""
}

// wake lets what was shelved ask again when its time is over. People are paged only if it is still found; either way it has
// a deadline.
func wake(w Warning, a ask) ([]event.Event, string) { return asksAgain(w, a, "expired"), "" }

// windowOver ends a silence that a planned window has excused: it asks if it lasts, and is over if it does not. Only a low one
// is ever excused, so no machine closes more than that.
func windowOver(w Warning, a ask) ([]event.Event, string) {
	if w.ClearSince != nil {
		return []event.Event{&event.AlertClosed{Alert: w.Alert, Outcome: event.OutcomePlanned}}, ""
	}
	return asksAgain(w, a, "window_over"), ""
}

func asksAgain(w Warning, a ask, why string) []event.Event {
	r := rungFrom(w.Policy, w.Level, a.duty.about(w.Reasons).on)
	return gaps([]event.Event{&event.AlertUnshelved{Alert: w.Alert, Why: why, Lasts: w.ClearSince == nil, Level: r.level, OnDuty: r.onDuty,
		AnswerBy: a.now + event.Time(r.ms)}}, w.Policy, r)
}

func (w *Warning) shelveAsked(d *event.AlertShelveAsked, at event.Time) {
	w.Shelf = &Shelf{By: d.By, Reason: d.Reason, Until: d.Until, ConfirmBy: d.ConfirmBy}
	w.tell(Moment{At: at, Type: d.Type(), By: d.By, Text: d.Reason})
}

// shelved takes it from whoever had it: they may not be there when it asks again.
func (w *Warning) shelved(d *event.AlertShelved, at event.Time) {
	w.Mark = w.markNow() // this is what was judged to be able to wait
	w.release(at)
	w.Phase, w.Since, w.AnswerBy = Shelved, at, d.Until
	w.Shelf = &Shelf{By: d.By, Second: d.Second, Reason: d.Reason, Until: d.Until}
	w.tell(Moment{At: at, Type: d.Type(), By: d.By, To: d.Second, Text: d.Reason})
}

func (w *Warning) unshelved(d *event.AlertUnshelved, at event.Time) {
	w.release(at)
	w.ask(d.Level, d.OnDuty, d.AnswerBy)
	if !d.Lasts { // it waits on the list for its deadline, and pages nobody before
		w.Asks--
	}
	w.tell(Moment{At: at, Type: d.Type(), By: d.By, To: w.asks(), Note: d.Why})
}

// planned answers the planned window in which a finding falls that it may excuse: a silence that is no graver than low, while
// nothing graver is open.
func (s State) planned(f finding, now event.Time) (event.Pause, event.Time, bool) {
	if f.problem != event.Silence || rank(f.severity) > rank(event.Low) {
		return event.Pause{}, 0, false
	}
	for _, w := range s.Open {
		if w.Problem != event.Silence && rank(w.Peak) >= rank(event.Medium) {
			return event.Pause{}, 0, false
		}
	}
	for _, p := range s.Pauses {
		if until, in := within(p, now); in {
			return p, until, true
		}
	}
	return event.Pause{}, 0, false
}

const dayMs = 24 * 60 * minute

// within tells whether now lies in a planned window, and when that ends.
func within(p event.Pause, now event.Time) (until event.Time, in bool) {
	if now < p.From || now >= p.Until {
		return 0, false
	}
	if len(p.Days) == 0 {
		return p.Until, true
	}
	east := event.Time(p.ZoneMin) * minute
	midnight := floorDay(now+east) - east
	for _, back := range []event.Time{0, dayMs} { // one that began yesterday may last over midnight
		from := midnight - back + event.Time(p.StartMin)*minute
		until := min(from+event.Time(p.LengthMin)*minute, p.Until)
		if onDay(p.Days, midnight-back+east) && from <= now && now < until {
			return until, true
		}
	}
	return 0, false
}

// Windows answers when a planned window is, between two moments and so often at most: once, or on its days of the week.
func Windows(p event.Pause, from, to event.Time, most int) (all []event.Gap) {
	from, to = max(from, p.From), min(to, p.Until)
	if len(p.Days) == 0 {
		if from < to {
			all = append(all, event.Gap{From: p.From, Until: p.Until})
		}
		return all
	}
	east := event.Time(p.ZoneMin) * minute
	for local := floorDay(from+east) - dayMs; local-east < to && len(all) < most; local += dayMs {
		begin := local - east + event.Time(p.StartMin)*minute
		w := event.Gap{From: max(begin, p.From), Until: min(begin+event.Time(p.LengthMin)*minute, p.Until)}
		if onDay(p.Days, local) && w.From < w.Until && w.From < to && w.Until > from {
			all = append(all, w)
		}
	}
	return all
}

func floorDay(t event.Time) event.Time {
	d := t / dayMs
	if t < 0 && t%dayMs != 0 {
		d--
	}
	return d * dayMs
}

// onDay tells whether the day that begins at local is one of days, from 1 (Monday) to 7. 1970-01-01 was a Thursday.
func onDay(days []int, local event.Time) bool {
	weekday := int((local/dayMs%7+7+3)%7) + 1
	return slices.Contains(days, weekday)
}

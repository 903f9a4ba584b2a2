package alerts

import (
	"slices"

	"tocsin/streams/event"
)

// mostDisowned is how many readings one wish may name: as many as one upload has.
const mostDisowned = 32

// disown takes readings out of what is judged that were not this patient's (ALR-22). What is open stays open: whoever has it says
// what it was.
func disown(a ask) ([]event.Event, string) {
	q, ok := a.data.(*event.DisownRequested)
	switch {
	case !mayActOnGrave[a.request.Role]:
		return nil, RefusedRole
	case !ok || q.Why == "":
		return nil, RefusedReason
	case len(q.Readings) == 0 || len(q.Readings) > mostDisowned || q.MeasuredAt > a.now:
		return nil, RefusedReading
	}
	d := &event.ReadingDisowned{Disowned: q.Disowned, By: a.request.By, Request: a.click}
	d.Why = cut(d.Why)
	return []event.Event{d}, ""
}

// disowned notes it in the story of whatever is open.
func disowned(s State, d *event.ReadingDisowned, at event.Time) State {
	s.Open = slices.Clone(s.Open)
	for i := range s.Open {
		s.Open[i].tell(Moment{At: at, Type: d.Type(), By: d.By, Note: namesOf(d.Readings), Text: d.Why})
	}
	return granted(s, d)
}

// namesOf answers the readings as quantity and value, such as "spo2_percent 84, pulse_per_min 120".
func namesOf(all []event.Reading) string {
	text := ""
	for i, r := range all {
		if i > 0 {
			text += ", "
		}
		text += r.Quantity.String() + " " + r.Value.String()
	}
	return cut(text)
}

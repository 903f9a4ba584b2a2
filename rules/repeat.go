package rules

import (
	"tocsin/rules/expr"
	"tocsin/streams/event"
)

// Repeat is what a condition asks for while it holds: the same signal once more. A repeat that does not come by then is a
// reason like any other question that nobody answered.
type Repeat struct {
	Quantity event.Quantity `json:"quantity"`
	AnswerMs int64          `json:"answer_ms"`
}

// askRepeats asks for what conditions that hold want measured again, once for each reading: the next one answers.
func (e *eval) askRepeats() (out []event.Event) {
	if !e.p.drawn.asksOne {
		return nil
	}
	var v *expr.View
	for i := range e.p.Rules {
		r := &e.p.Rules[i]
		if r.Repeat == nil || e.s.wait(r.Repeat.Quantity, false) >= 0 {
			continue
		}
		t := e.s.track(r.Repeat.Quantity)
		if t == nil || t.Reading == "" { // what was newer has been taken out: this one has had its question
			continue
		}
		if v == nil {
			v = e.look()
			defer looks.Put(v)
		}
		if f, holds := e.judged(r, v); !holds || f.held {
			continue
		}
		d := &event.RepeatAsked{Quantity: r.Repeat.Quantity, Value: t.newest().Value, Reading: t.Reading, AnswerBy: e.now + event.Time(r.Repeat.AnswerMs)}
		e.s.asked(d) // two conditions that hold ask once
		out = append(out, d)
	}
	return out
}

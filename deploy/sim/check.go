package sim

import (
	"fmt"
	"slices"
	"time"

	"tocsin/alerts"
	"tocsin/streams"
	"tocsin/streams/event"
)

// reader follows one partition as a desk would, and judges what it reads with rules of its own.
type reader struct {
	w         *world
	partition int32
	replica   *replica
	again     *replica // decides every step again
	steps     *streams.Steps
	open      map[string]string // patient and problem -> alert
	seen      map[string]bool   // alerts that were ever raised
	counts    map[string]int    // what was seen, so that a world in which nothing happens is noticed
}

func newReader(w *world, p int32) *reader {
	return &reader{w: w, partition: p, steps: streams.NewSteps(streams.Beginning), open: map[string]string{}, seen: map[string]bool{}, counts: map[string]int{},
		replica: streams.NewReplica(w.parts, streams.PatientPair, p), again: streams.NewReplica(w.parts, streams.PatientPair, p)}
}

// readOn reads what has come and checks every step that holds.
func (r *reader) readOn() {
	for _, rec := range r.w.since(streams.Decisions, r.partition, r.steps.Next()) {
		if e, err := event.Decode(rec.Headers, rec.Value); err == nil {
			if _, ok := e.Data.(*event.OwnerOpened); ok {
				r.counts["lives"]++
			}
		}
		step, err := r.steps.Read(rec)
		if err != nil {
			r.w.fail("reading partition %d: %v", r.partition, err)
			return
		}
		if step == nil {
			continue
		}
		r.counts["repeats"] += step.Close.Repeats
		inputs := r.w.inputs(r.partition, step.Close.Inputs.From, step.Close.Inputs.Next)
		if _, err := r.replica.Apply(step, inputs); err != nil {
			r.w.fail("folding partition %d: %v", r.partition, err)
			return
		}
		if err := streams.Redecide(r.w.parts, r.again, step, inputs); err != nil {
			r.w.fail("deciding partition %d again: %v", r.partition, err)
			return
		}
		for _, e := range step.Events {
			r.judge(e)
		}
		r.deadlines(step)
	}
}

// judge holds one decided event against the promises.
func (r *reader) judge(e event.Envelope) {
	r.counts[string(e.Data.Type())]++
	switch d := e.Data.(type) {
	case *event.SeverityScored:
		for i := range d.Reasons {
			r.counts["rule "+d.Reasons[i].Rule]++
			if d.Reasons[i].From == "patient" {
				r.counts["judged by a patient's own number"]++
			}
		}
	case *event.AlertRaised:
		problem := e.Subject + " " + d.Problem
		if was := r.open[problem]; was != "" {
			r.w.fail("%s: %s is raised while %s is open", problem, d.Alert, was)
		}
		if r.seen[d.Alert] {
			r.w.fail("%s is raised twice", d.Alert)
		}
		r.open[problem], r.seen[d.Alert] = d.Alert, true
	case *event.AlertClosed:
		for problem, alert := range r.open {
			if alert == d.Alert {
				delete(r.open, problem)
				return
			}
		}
		r.w.fail("%s is closed and was not open", d.Alert)
	case *event.RuleFenced:
		r.w.fail("a core failed: %+v", *d)
	}
}

// deadlines: an open warning always has one ahead of the partition's clock.
func (r *reader) deadlines(step *streams.Step) {
	open := 0
	for _, key := range r.replica.Keys() {
		s, _ := r.replica.Get(key)
		for _, warning := range s.B.Open {
			open++
			if warning.AnswerBy <= step.Close.Clock {
				r.w.fail("%s of %s is open, its deadline %s is not ahead of %s", warning.Alert, key, warning.AnswerBy, step.Close.Clock)
			}
		}
	}
	if open != len(r.open) {
		r.w.fail("partition %d: %d warnings are open in the state and %d in the log", r.partition, open, len(r.open))
	}
}

// check compares the folds: applied as recorded, decided again, and what each owner holds in memory at the same step.
func (w *world) check() {
	for _, r := range w.readers {
		want, err := r.replica.Dump()
		if err != nil {
			w.fail("dump: %v", err)
			return
		}
		again, err := r.again.Dump()
		if err != nil || string(again) != string(want) {
			w.fail("partition %d: decided again it is\n%s\ninstead of\n%s (%v)", r.partition, again, want, err)
		}
		for _, o := range w.owners {
			if o.base == nil || o.partition != r.partition || o.base.At().Number != r.replica.At().Number {
				continue
			}
			if live, err := o.base.Dump(); err != nil || string(live) != string(want) {
				w.fail("owner %s of partition %d holds\n%s\ninstead of\n%s (%v)", o.name, r.partition, live, want, err)
			}
		}
	}
}

// checkAll: after the calm everything that was kept is folded once, nothing grave is left without a person.
func (w *world) checkAll() {
	w.check()
	for _, r := range w.readers {
		if behind := len(w.inputs(r.partition, r.replica.Input(), -1)); behind > 200 {
			w.fail("partition %d: %d inputs are not folded", r.partition, behind)
		}
		for _, key := range r.replica.Keys() {
			s, _ := r.replica.Get(key)
			for _, warning := range s.B.Open {
				if asks(warning) && w.now.Sub(warning.Since) > 2*time.Hour {
					w.fail("%s of %s (%s) reached nobody since %s", warning.Alert, key, warning.Severity, warning.Since)
				}
			}
		}
	}
}

// asks tells whether a warning waits for somebody.
func asks(w alerts.Warning) bool { return w.Phase == alerts.New || w.Phase == alerts.Returned }

// person sits at a desk: sees what is open, takes it, closes it; late, twice, or together with another.
type person struct {
	name   string
	clicks int
	asked  []event.Envelope // clicks that may be sent again
}

// pick answers a warning that somebody at a desk may look at: any open one, or none at this moment. In the calm people look at
// what asks before anything else.
func (w *world) pick() (key string, warning alerts.Warning, ok bool) {
	type open struct {
		key string
		alerts.Warning
	}
	var all []open
	for _, r := range w.readers {
		for _, key := range r.replica.Keys() {
			s, _ := r.replica.Get(key)
			for _, warning := range s.B.Open {
				all = append(all, open{key, warning})
			}
		}
	}
	if asking := slices.DeleteFunc(slices.Clone(all), func(o open) bool { return !asks(o.Warning) }); !w.faults && len(asking) > 0 {
		all = asking
	}
	if len(all) == 0 {
		return "", alerts.Warning{}, false
	}
	one := all[w.rng.IntN(len(all))]
	return one.key, one.Warning, true
}

func (w *world) answer(p *person) {
	if len(p.asked) > 0 && w.faults && w.rng.IntN(20) == 0 {
		again := p.asked[w.rng.IntN(len(p.asked))]
		w.append(streams.Inputs, again.Subject, again) // the browser sends the click again
	}
	if w.rng.IntN(40) != 0 {
		return
	}
	key, warning, ok := w.pick()
	if !ok {
		return
	}
	p.clicks++
	request := event.Request{Alert: warning.Alert, By: p.name, Role: "nurse"}
	e := event.Envelope{ID: fmt.Sprintf("%s/%d", p.name, p.clicks), Source: "desk", Subject: key, At: w.now, Data: w.wish(request, warning)}
	p.asked = append(slices.Clip(p.asked), e)
	w.append(streams.Inputs, key, e)
}

// wish answers what a person asks of a warning: mostly to take it, and of what is theirs to call, to hand over or to close. Some
// of it is refused, and now and then it is about the patient.
func (w *world) wish(r event.Request, warning alerts.Warning) event.Event {
	mine := warning.Owner == r.By
	until := w.now.Add(time.Duration(1+w.rng.IntN(30)) * time.Minute)
	switch n := w.rng.IntN(40); {
	case n == 0:
		return &event.WarnRequested{Request: event.Request{By: r.By, Role: r.Role}, Severity: event.Medium, Text: "worried"}
	case n == 1:
		return &event.LeaveRequested{Request: event.Request{By: r.By, Role: "doctor"}, Why: event.LeftDischarged, Contacted: true}
	case n <= 4:
		return &event.ResumeRequested{Request: event.Request{By: r.By, Role: "doctor"}}
	case n <= 7:
		return &event.ShelveRequested{Request: r, Reason: "known", Until: until} // a high wants another's as well
	case n == 8:
		return &event.UnshelveRequested{Request: r}
	case n == 9:
		return &event.NoteRequested{Request: r, Text: "phoned"}
	case n == 10:
		return &event.OutcomeRequested{Request: r, Outcome: event.OutcomeReal}
	case n == 11 && len(warning.Reasons) > 0:
		return disowned(r, warning)
	case mine && n <= 20:
		return &event.CloseRequested{Request: r, Outcome: pickOf(w, event.OutcomeReal, event.OutcomeReal, event.OutcomeUnknown), Contacted: true, Disposition: "home"}
	case mine && n <= 25:
		return &event.ContactRequested{Request: r, Whom: event.ContactPatient, Outcome: pickOf(w, event.Reached, event.NoAnswer)}
	case mine && n <= 27:
		return &event.OfferRequested{Request: r, To: w.people[w.rng.IntN(len(w.people))].name}
	case mine && n == 28:
		return &event.ReturnRequested{Request: r}
	default:
		return &event.AcceptRequested{Request: r}
	}
}

// disowned says of what a warning rests on that somebody else was measured; of what is no reading it asks in vain.
func disowned(r event.Request, warning alerts.Warning) event.Event {
	q := &event.DisownRequested{Request: event.Request{By: r.By, Role: r.Role}, Disowned: event.Disowned{Why: "shared device"}}
	if x := warning.Reasons[0]; x.Quantity != nil && x.Value != nil && x.MeasuredAt != nil {
		q.MeasuredAt, q.Readings = *x.MeasuredAt, []event.Reading{{Quantity: *x.Quantity, Value: *x.Value}}
	}
	return q
}

func pickOf[T any](w *world, all ...T) T { return all[w.rng.IntN(len(all))] }

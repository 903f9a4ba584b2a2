package alerts

import (
	"crypto/sha256"
	"encoding/hex"
	"slices"

	"tocsin/streams/event"
)

// Command is what can be done to a warning, by findings, by people, or by the passing of time.
type Command string

// The commands.
const (
	Find   Command = "find"   // something is found
	Accept Command = "accept" // a person takes it
	Return Command = "return" // a person gives it back
	Close  Command = "close"  // a person closes it
	Expire Command = "expire" // the deadline has passed
	Ease   Command = "ease"   // nothing has been found for long enough

	CallUp   Command = "call"     // whoever has it begins a call
	Contact  Command = "contact"  // whoever has it says what came of a call
	Offer    Command = "offer"    // whoever has it wants another to have it
	Note     Command = "note"     // a person adds words
	Shelve   Command = "shelve"   // a person puts it aside, or agrees that another does
	Unshelve Command = "unshelve" // a person ends that
	Judge    Command = "judge"    // a person says what it was, after it was closed

	// These concern the patient and not a warning.
	Warn   Command = "warn"   // a person raises one by hand
	Leave  Command = "leave"  // a person ends the care
	Resume Command = "resume" // a person takes that back
	Disown Command = "disown" // a person says that readings were somebody else's
)

// The reasons for which a wish is refused. They are fixed words; Words has them in two languages.
const (
	RefusedUnknown     = "unknown"          // there is no such warning
	RefusedClosed      = "closed"           // it was closed
	RefusedHeld        = "already_accepted" // somebody else has it
	RefusedNotYours    = "not_yours"        // somebody else has it, and only they can do this
	RefusedNotAccepted = "not_accepted"     // nobody has taken it yet
	RefusedRole        = "role"             // this role may not act on so grave a warning
	RefusedContact     = "needs_contact"    // a high closes only after a contact or a doctor's reason
	RefusedOutcome     = "needs_outcome"    // what it was has to be said
	RefusedOpen        = "open"             // only what is closed is judged so
	RefusedJudged      = "judged"           // it is known already what it was
	RefusedWhom        = "needs_whom"       // whom, or what came of it, has to be said
	RefusedReason      = "needs_reason"     // the reason has to be said
	RefusedShelf       = "shelf_limit"      // it cannot be shelved for so long
	RefusedNotShelved  = "not_shelved"      // it does not lie on a shelf
	RefusedLeft        = "left"             // the patient is not cared for any more
	RefusedNotLeft     = "not_left"         // the patient is cared for
	RefusedDoctor      = "needs_doctor"     // with a high open only a doctor ends the care
	RefusedReading     = "no_reading"       // it names no readings, or some that are not measured yet
	RefusedTooLate     = "too_late"         // this role can no longer take it back
)

// cell is what one command does in one phase: an action, or a refusal, or (neither) nothing at all.
type cell struct {
	act    action
	refuse string
}

// action answers what follows. A refusal depends on who asks, so an action may refuse too.
type action func(w Warning, a ask) (events []event.Event, refusal string)

// ask is a command with what it needs.
type ask struct {
	now     event.Time
	request event.Request
	click   string // id of the request
	data    event.Event
	found   finding
	state   State // all that is known of the patient
	duty    duty  // who answers for the patient now
}

// life is the whole life of a warning: every command in every phase. What findings and time do to a warning that
// is not there is nothing; what people ask of it is refused.
var life = map[Phase]map[Command]cell{
	Absent: {
		Find: {}, Expire: {}, Ease: {}, // a finding without a warning raises one: see raise.go
		Accept: {refuse: RefusedUnknown}, Return: {refuse: RefusedUnknown}, Close: {refuse: RefusedUnknown},
		CallUp: {refuse: RefusedUnknown}, Contact: {refuse: RefusedUnknown}, Offer: {refuse: RefusedUnknown}, Note: {refuse: RefusedUnknown},
		Shelve: {refuse: RefusedUnknown}, Unshelve: {refuse: RefusedUnknown}, Judge: {refuse: RefusedUnknown},
	},
	New:      asking,
	Returned: asking,
	Accepted: held,
	InCare:   held,
	Shelved: {
		Find: {act: refresh}, Expire: {act: wake}, Ease: {act: ease},
		Accept: {act: take}, Return: {refuse: RefusedNotAccepted}, Close: {refuse: RefusedNotAccepted},
		CallUp: {refuse: RefusedNotAccepted}, Contact: {refuse: RefusedNotAccepted}, Offer: {refuse: RefusedNotAccepted}, Note: {act: note},
		Shelve: {act: shelve}, Unshelve: {act: unshelve}, Judge: {refuse: RefusedOpen},
	},
	Suppressed: {
		Find: {act: refresh}, Expire: {act: windowOver}, Ease: {act: ease},
		Accept: {act: take}, Return: {refuse: RefusedNotAccepted}, Close: {refuse: RefusedNotAccepted},
		CallUp: {refuse: RefusedNotAccepted}, Contact: {refuse: RefusedNotAccepted}, Offer: {refuse: RefusedNotAccepted}, Note: {act: note},
		Shelve: {act: shelve}, Unshelve: {act: unshelve}, Judge: {refuse: RefusedOpen},
	},
	Closed: {
		Find: {}, Expire: {}, Ease: {}, // what is found after a close may raise a new episode: see raise.go
		Accept: {refuse: RefusedClosed}, Return: {refuse: RefusedClosed}, Close: {refuse: RefusedClosed},
		CallUp: {refuse: RefusedClosed}, Contact: {refuse: RefusedClosed}, Offer: {refuse: RefusedClosed}, Note: {refuse: RefusedClosed},
		Shelve: {refuse: RefusedClosed}, Unshelve: {refuse: RefusedClosed}, Judge: {act: judge},
	},
}

// asking is what holds while a warning waits for somebody to take it.
var asking = map[Command]cell{
	Find: {act: refresh}, Expire: {act: escalate}, Ease: {act: ease},
	Accept: {act: take}, Return: {refuse: RefusedNotAccepted}, Close: {refuse: RefusedNotAccepted},
	CallUp: {refuse: RefusedNotAccepted}, Contact: {refuse: RefusedNotAccepted}, Offer: {refuse: RefusedNotAccepted}, Note: {act: note},
	Shelve: {act: shelve}, Unshelve: {refuse: RefusedNotShelved}, Judge: {refuse: RefusedOpen},
}

// held is what holds while somebody has it, whether or not the patient has been reached.
var held = map[Command]cell{
	Find: {act: refresh}, Expire: {act: comeBack}, Ease: {act: ease},
	Accept: {act: takeAgain}, Return: {act: giveBack}, Close: {act: finish},
	CallUp: {act: call}, Contact: {act: contact}, Offer: {act: offer}, Note: {act: note},
	Shelve: {act: shelve}, Unshelve: {refuse: RefusedNotShelved}, Judge: {refuse: RefusedOpen},
}

// Decide answers what follows from an assessment, a fault or a wish. No event is no error: nothing has changed, or the
// wish was answered before.
func (Core) Decide(f Facts, s State, e event.Envelope, now event.Time) ([]event.Event, error) {
	switch d := e.Data.(type) {
	case *event.SeverityScored:
		return found(&f, s, e, d, now), nil
	case *event.FaultReported:
		return []event.Event{&event.TechnicalFault{Kind: d.Kind, Detail: d.Detail, DetailZh: d.DetailZh, Offset: -1}}, nil
	case *event.TechnicalFault, *event.RuleFenced:
		return faulted(&f, s, e, now), nil
	case *event.FaultEnded:
		return mended(s, d), nil
	}
	w, ok := e.Data.(event.Wish)
	if c := commandOf(w); ok && c != "" {
		return wished(e.Subject, c, ask{now: now, request: *w.Asked(), click: e.ID, data: w, state: s, duty: s.duty(&f, now)}), nil
	}
	return nil, nil
}

// commandOf answers what a wish asks for; empty: nothing of a warning.
func commandOf(w event.Wish) Command {
	switch w.(type) {
	case *event.AcceptRequested:
		return Accept
	case *event.ReturnRequested:
		return Return
	case *event.CloseRequested:
		return Close
	case *event.CallRequested:
		return CallUp
	case *event.ContactRequested:
		return Contact
	case *event.OfferRequested:
		return Offer
	case *event.NoteRequested:
		return Note
	case *event.ShelveRequested:
		return Shelve
	case *event.UnshelveRequested:
		return Unshelve
	case *event.OutcomeRequested:
		return Judge
	case *event.LeaveRequested:
		return Leave
	case *event.ResumeRequested:
		return Resume
	case *event.WarnRequested:
		return Warn
	case *event.DisownRequested:
		return Disown
	default:
		return ""
	}
}

// wished answers a wish with what it leads to or why it is refused, once.
func wished(key string, c Command, a ask) []event.Event {
	if _, known := a.state.Answered(a.click); known {
		return nil
	}
	events, refusal, holder := tried(key, c, a)
	if refusal == "" {
		return events
	}
	if refusal != RefusedHeld && refusal != RefusedNotYours {
		holder = ""
	}
	zh, en := Words(refusal, holder)
	return []event.Event{&event.RequestRefused{Request: a.click, Alert: a.request.Alert, Reason: refusal, Holder: holder, Zh: zh, En: en}}
}

// tried looks a wish about a warning up in the table; some concern the patient and no warning. holder is who has it.
func tried(key string, c Command, a ask) (events []event.Event, refusal, holder string) {
	if a.beyondWatchdog(c) {
		return nil, RefusedRole, ""
	}
	switch c {
	case Leave:
		events, refusal = leave(a)
	case Resume:
		events, refusal = resume(a)
	case Warn:
		events, refusal = warn(key, a)
	case Disown:
		events, refusal = disown(a)
	default:
		w, phase := a.state.Find(key, a.request.Alert)
		entry := life[phase][c]
		if entry.act == nil {
			return nil, entry.refuse, ""
		}
		events, refusal = entry.act(w, a)
		holder = w.Owner
	}
	return events, refusal, holder
}

// Find answers a warning of the patient with this key by its id. Of closed ones all but the last of each problem are
// known by their phase alone.
func (s State) Find(key, alert string) (Warning, Phase) {
	for _, w := range s.Open {
		if w.Alert == alert {
			return w, w.Phase
		}
	}
	for _, p := range s.Closed {
		if p.Alert == alert {
			return p.Warning, Closed
		}
		for episode := p.Episode - 1; episode > 0; episode-- {
			if alertID(key, p.Problem, episode) == alert {
				return Warning{}, Closed
			}
		}
	}
	return Warning{}, Absent
}

// take: the first who asks has it.
func take(w Warning, a ask) ([]event.Event, string) {
	if !roleMay(a.request.Role, w.Peak) {
		return nil, RefusedRole
	}
	ms := careMs(w.Policy)
	if w.Phase == InCare {
		ms = closeMs(w.Policy)
	}
	return []event.Event{&event.AlertAccepted{Alert: w.Alert, By: a.request.By, Desk: a.request.Desk, Request: a.click, CareBy: a.now + event.Time(ms)}}, ""
}

// takeAgain: who has it already changes nothing by asking again, and to whom it was offered takes it over with the deadline
// that it has; anybody else hears who has it. At the end of a shift whoever takes it has it anew, also who stays on.
func takeAgain(w Warning, a ask) ([]event.Event, string) {
	switch {
	case w.Owner == a.request.By && !w.Handover:
		return nil, ""
	case w.Owner != a.request.By && w.Offered != a.request.By && !w.Handover:
		return nil, RefusedHeld
	case w.Handover:
		return take(w, a)
	case !roleMay(a.request.Role, w.Peak):
		return nil, RefusedRole
	}
	return []event.Event{&event.AlertAccepted{Alert: w.Alert, By: a.request.By, Desk: a.request.Desk, Request: a.click, CareBy: w.AnswerBy}}, ""
}

// giveBack: the same step of the policy is asked again, with its whole time.
func giveBack(w Warning, a ask) ([]event.Event, string) {
	if w.Owner != a.request.By {
		return nil, RefusedNotYours
	}
	r := rungFrom(w.Policy, w.Level, a.duty.about(w.Reasons).on)
	d := &event.AlertReturned{Alert: w.Alert, By: a.request.By, Request: a.click, Level: r.level, OnDuty: r.onDuty, AnswerBy: a.now + event.Time(r.ms)}
	if q, ok := a.data.(*event.ReturnRequested); ok {
		d.Reason = q.Reason
	}
	return gaps([]event.Event{d}, w.Policy, r), ""
}

// finish closes it, by whoever has it (a doctor or the lead may close for another), with what it was. A high wants a
// contact, or a doctor's reason (ALR-23).
func finish(w Warning, a ask) ([]event.Event, string) {
	q, _ := a.data.(*event.CloseRequested)
	switch {
	case !roleMay(a.request.Role, w.Peak):
		return nil, RefusedRole
	case w.Owner != a.request.By && !mayOverrule[a.request.Role]:
		return nil, RefusedNotYours
	case q == nil || !isOutcome(q.Outcome):
		return nil, RefusedOutcome
	case w.Peak == event.High && !q.Contacted && !w.Contacted && (!mayGiveReason[a.request.Role] || q.Done == ""):
		return nil, RefusedContact
	}
	return []event.Event{&event.AlertClosed{Alert: w.Alert, By: a.request.By, Outcome: q.Outcome, Done: q.Done,
		Disposition: q.Disposition, Contacted: q.Contacted, Request: a.click}}, ""
}

var outcomes = []string{event.OutcomeReal, event.OutcomeUsual, event.OutcomeMeasurement, event.OutcomeTechnical, event.OutcomeUnknown}

func isOutcome(o string) bool { return slices.Contains(outcomes, o) }

// alertID names an episode: everybody who folds the log computes the same, and it tells nothing about the patient.
func alertID(key, problem string, episode int) string {
	sum := sha256.Sum256([]byte(key + "\x00" + problem + "\x00" + itoa(episode)))
	return "w" + hex.EncodeToString(sum[:10])
}

func itoa(n int) string {
	if n < 10 {
		return string(rune('0' + n))
	}
	return itoa(n/10) + string(rune('0'+n%10))
}

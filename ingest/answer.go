package ingest

import (
	"fmt"
	"slices"

	"tocsin/ingest/format"
	"tocsin/streams/event"
)

// isAnswer tells whether an item is what somebody was asked and not what was measured: it has a code that is no quantity's.
func isAnswer(it *format.Item) bool {
	return it.MDC == 0 && len(it.Code) > 0 && !it.BadCode && quantityOfName(it.Code) == event.NoQuantity
}

// answers answers what somebody was asked or a laboratory found, each code once, and notes the rest as faults. Which of
// them a pack of the patient understands is asked there: here any code is kept that cannot be a reading gone astray.
func (a *acceptance) answers() []event.Answer {
	var out []event.Answer
	var twice []string
	for i := range a.u.Items {
		it := &a.u.Items[i]
		if !isAnswer(it) {
			continue
		}
		one, fault := answerOf(it)
		switch before := find(out, one.Code); {
		case fault != nil:
			a.fault(fault.Reason, fault.Detail)
		case before == nil:
			out = append(out, one)
		case before.Value != one.Value:
			twice = append(twice, one.Code)
		}
	}
	kept := out[:0]
	for _, one := range out {
		if slices.Contains(twice, one.Code) {
			a.fault(Duplicate, one.Code+" stands there with different values: which one holds cannot be known")
			continue
		}
		kept = append(kept, one)
	}
	return kept
}

func find(as []event.Answer, code string) *event.Answer {
	for i := range as {
		if as[i].Code == code {
			return &as[i]
		}
	}
	return nil
}

// answerOf answers what one item says: yes is 1 and no is 0, a number is itself, and nothing else is an answer.
func answerOf(it *format.Item) (event.Answer, *format.Fault) {
	code := string(it.Code)
	if err := event.CheckAnswerCode(code); err != nil {
		return event.Answer{}, &format.Fault{Reason: UnknownCode, Detail: err.Error()}
	}
	v, fault := answered(it)
	if fault == nil {
		fault = doubted(it)
	}
	if fault != nil {
		fault.Detail = code + ": " + fault.Detail
		return event.Answer{}, fault
	}
	a := event.Answer{Code: code, Value: v}
	if it.Kind != format.Bool && it.Kind != format.Text {
		a.Unit = string(it.Unit)
	}
	return a, nil
}

func answered(it *format.Item) (event.Decimal, *format.Fault) {
	switch {
	case it.Kind == format.Bool && it.Bool, it.Kind == format.Text && string(it.Text) == "yes":
		return event.One, nil
	case it.Kind == format.Bool, it.Kind == format.Text && string(it.Text) == "no":
		return 0, nil
	case it.Kind == format.Huge:
		return 0, &format.Fault{Reason: Impossible, Detail: string(it.Text) + " is beyond any number that is kept"}
	case it.Kind != format.Number:
		return 0, &format.Fault{Reason: ValueReason, Detail: `want true or false, "yes" or "no", or a number`}
	case notAFloat(it.Number):
		return 0, &format.Fault{Reason: NotANumber, Detail: it.Number.String() + " is what IEEE 11073 sends for what is no number"}
	case it.BadUnit || !isUnit(it.Unit):
		return 0, &format.Fault{Reason: UnitReason, Detail: fmt.Sprintf("unit %.40q: want at most %d plain characters, or none", it.Unit, maxUnit)}
	}
	return it.Number, nil
}

// maxUnit is how many bytes the unit of an answer may have.
const maxUnit = 16

// isUnit tells whether something can be a unit. The unit of an answer converts nothing and judges nothing: which one is
// meant is said by the question in the pack, and senders send in that. Here it only has to be harmless.
func isUnit(u []byte) bool {
	for _, c := range u {
		if c < ' ' || c > '~' {
			return false
		}
	}
	return len(u) <= maxUnit
}

// doubted refuses an answer that its sender doubts or calls a test: an answer has no mark that would keep it from being judged.
func doubted(it *format.Item) *format.Fault {
	if mark := markOf(it); mark != event.Plausible {
		return &format.Fault{Reason: ValueReason, Detail: fmt.Sprintf("q says that it is %s: an answer that does not count is not kept", mark)}
	}
	return nil
}

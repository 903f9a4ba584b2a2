package directory

import (
	"slices"
	"testing"

	"tocsin/streams/event"
)

// tried is a draft of copd in place of a text in effect, with a backtest of just these two.
func tried(text, inEffect string) *event.Draft {
	return &event.Draft{Based: Sum(inEffect), Backtest: &event.PackBacktest{Sum: Sum(text), Against: Sum(inEffect), Patients: 3}}
}

// TestRUL3_ADraftTakesTwoPeople: whatever the pack in effect asks for, a draft is in effect only when a second person has signed the same
// text. The same person is refused, and so is any other text under the same signature.
func TestRUL3_ADraftTakesTwoPeople(t *testing.T) {
	w := newWorld(t)
	w.want(&event.PackRequested{Pack: "copd", Version: 1, Text: "copd 1", By: "library"}, "pack.published")
	draft := &event.PackRequested{Pack: "copd", Version: 2, Text: "copd 2", By: "lead-a", Draft: tried("copd 2", "copd 1")}
	sign := func(text, by string) *event.PackSignRequested {
		return &event.PackSignRequested{Pack: "copd", Version: 2, Text: text, By: by}
	}
	w.want(sign("copd 2", "doctor-b"), "refused:not_waiting")
	w.want(draft, "pack.proposed")
	if p := w.at["pack/copd"].Pack; p.Version != 1 || p.Proposed.Needs != 2 {
		t.Fatalf("proposed and in effect: %+v", p)
	}
	w.want(sign("copd 2", "lead-a"), "refused:needs_second_signer")
	w.want(&event.PackRequested{Pack: "copd", Version: 2, Text: "copd 2", By: "lead-a"}, "refused:needs_second_signer") // the command line is no way around
	w.want(sign("copd 2 ", "doctor-b"), "refused:not_waiting")
	facts, refused := w.ask(sign("copd 2", "doctor-b"))
	if len(facts) != 1 || refused != nil {
		t.Fatalf("%v, %+v", facts, refused)
	}
	if p, ok := facts[0].(*event.PackPublished); !ok || p.Text != "copd 2" || !slices.Equal(p.Signed, []string{"lead-a", "doctor-b"}) {
		t.Fatalf("%+v", facts[0])
	}
	w.want(sign("copd 2", "doctor-c"), "refused:not_waiting")
}

// TestRUL3_ADraftThatWaitsIsNotReplacedUnseen: another text waits its turn, by whichever way it comes, until the first is signed or declined.
func TestRUL3_ADraftThatWaitsIsNotReplacedUnseen(t *testing.T) {
	w := newWorld(t)
	w.want(&event.PackRequested{Pack: "copd", Version: 1, Text: "copd 1", By: "library"}, "pack.published")
	w.want(&event.PackRequested{Pack: "copd", Version: 2, Text: "copd 2", By: "lead-a", Draft: tried("copd 2", "copd 1")}, "pack.proposed")
	other := &event.PackRequested{Pack: "copd", Version: 3, Text: "copd 3", By: "lead-b", Draft: tried("copd 3", "copd 1")}
	w.want(other, "refused:proposal_waits")
	w.want(&event.PackRequested{Pack: "copd", Version: 3, Text: "copd 3", By: "x"}, "refused:proposal_waits")
	decline := &event.PackDeclineRequested{Pack: "copd", Sum: Sum("copd 2"), By: "doctor-b", Why: "97 % is too high for them"}
	w.want(&event.PackDeclineRequested{Pack: "copd", Sum: Sum("copd 3"), By: "doctor-b", Why: "x"}, "refused:not_waiting")
	w.want(&event.PackDeclineRequested{Pack: "copd", Sum: Sum("copd 2"), By: "doctor-b", Why: " "}, "refused:no_reason")
	w.want(decline, "pack.declined")
	w.want(decline, "refused:not_waiting")
	w.want(&event.PackSignRequested{Pack: "copd", Version: 2, Text: "copd 2", By: "doctor-c"}, "refused:not_waiting")
	if p := w.at["pack/copd"].Pack; p.Version != 1 || p.Proposed != nil {
		t.Fatalf("what is in effect changed: %+v", p)
	}
	w.want(other, "pack.proposed")
}

// TestRUL11_ADraftIsProposedWithItsBacktestOrWithAReason: the backtest is of this text against the one in effect, and of nothing else.
func TestRUL11_ADraftIsProposedWithItsBacktestOrWithAReason(t *testing.T) {
	w := newWorld(t)
	ask := func(d *event.Draft) *event.PackRequested {
		return &event.PackRequested{Pack: "copd", Version: 2, Text: "copd 2", By: "lead-a", Draft: d}
	}
	w.want(ask(tried("copd 2", "")), "refused:unknown")
	w.want(&event.PackRequested{Pack: "copd", Version: 1, Text: "copd 1", By: "library"}, "pack.published")
	w.want(ask(tried("copd 2", "copd 0")), "refused:overtaken")
	w.want(ask(&event.Draft{Based: Sum("copd 1"), Without: "  "}), "refused:no_backtest")
	w.want(ask(tried("copd 2 other", "copd 1")), "refused:no_backtest")
	elsewhere := tried("copd 2", "copd 1")
	elsewhere.Backtest.Against = Sum("copd 0")
	w.want(ask(elsewhere), "refused:no_backtest")
	w.want(ask(&event.Draft{Based: Sum("copd 1"), Without: "history is off here", Fault: "history holds nothing yet"}), "pack.proposed")
}

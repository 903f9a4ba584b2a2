package alerts

import (
	"testing"

	"tocsin/streams/event"
)

// Receipts come in any order: what was delivered stays so, and each asking has notices of its own. Only what asks people anew
// counts as another asking.
func TestALR11_ReceiptsAreKeptOnTheWarning(t *testing.T) {
	p := newPlay("demo/P-0113")
	alert := do(t, p, start, "score deterioration high")[0].Data.(*event.AlertRaised).Alert
	report := func(ask int, state string) Told {
		p.step(p.now+1, p.input("", &event.NoticeReported{Alert: alert, Notice: "n" + itoa(ask), Ask: ask, To: "nurse", Recipient: "nurse-a", Channel: "sms", State: state}))
		return p.state.Open[0].Told[len(p.state.Open[0].Told)-1]
	}
	for _, step := range [][2]string{{event.NoticeQueued, event.NoticeQueued}, {event.NoticeFailed, event.NoticeFailed}, {event.NoticeSent, event.NoticeSent},
		{event.NoticeFailed, event.NoticeSent}, {event.NoticeDelivered, event.NoticeDelivered}, {event.NoticeSent, event.NoticeDelivered}} {
		if got := report(1, step[0]); got.State != step[1] {
			t.Errorf("%s came, and it is %s", step[0], got.State)
		}
	}
	asks := func() int { return p.state.Open[0].Asks }
	if asks() != 1 {
		t.Fatalf("raised is asking %d", asks())
	}
	for line, want := range map[string]int{"score deterioration high reasons=a": 1, "note nurse-a/nurse w1 reason=x": 1} {
		if do(t, p, p.now+1, line); asks() != want {
			t.Errorf("after %q it is asking %d", line, asks())
		}
	}
	do(t, p, p.state.Open[0].AnswerBy, "wait")
	if report(2, event.NoticeQueued); asks() != 2 || len(p.state.Open[0].Told) != 2 {
		t.Errorf("asking %d, %d notices", asks(), len(p.state.Open[0].Told))
	}
}

package alerts

import (
	"slices"

	"tocsin/streams/event"
)

// Told is one notice to one recipient by one channel, as it was last heard of.
type Told struct {
	Notice    string     `json:"notice"`
	Ask       int        `json:"ask"`
	To        string     `json:"to"`
	Recipient string     `json:"recipient"`
	Channel   string     `json:"channel"`
	State     string     `json:"state"`
	Detail    string     `json:"detail,omitempty"`
	At        event.Time `json:"at"`
}

// keptTold is more than one asking of everybody can bring.
const keptTold = 48

// reported notes what became of a notice about an open warning; of a closed one nobody waits for it.
func (s State) reported(d *event.NoticeReported, at event.Time) State {
	i := s.byID(d.Alert)
	if i < 0 {
		return s
	}
	s.Open = slices.Clone(s.Open)
	s.Open[i].reported(d, at)
	return s
}

// reported notes what became of a notice. Receipts may come out of order: what was delivered is not sent again.
func (w *Warning) reported(d *event.NoticeReported, at event.Time) {
	w.Reports++
	t := Told{Notice: d.Notice, Ask: d.Ask, To: d.To, Recipient: d.Recipient, Channel: d.Channel, State: d.State, Detail: cut(d.Detail), At: at}
	w.Told = slices.Clone(w.Told)
	if i := slices.IndexFunc(w.Told, func(o Told) bool { return o.Notice == d.Notice }); i >= 0 {
		if noticeRank(d.State) >= noticeRank(w.Told[i].State) {
			w.Told[i] = t
		}
		return
	}
	if w.Told = append(w.Told, t); len(w.Told) > keptTold {
		w.Told = slices.Delete(w.Told, 0, len(w.Told)-keptTold)
	}
}

// noticeRank orders the states of a notice. A failure counts as little as waiting in line: the next try may bring it.
func noticeRank(state string) int {
	return map[string]int{event.NoticeSent: 1, event.NoticeDelivered: 2, event.NoticeOpened: 3}[state]
}

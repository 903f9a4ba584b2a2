package directory

import (
	"cmp"
	"slices"

	"tocsin/streams/event"
)

// Push is a browser that is told what an account is told, sealed: nobody here can open it.
type Push struct {
	Push    string `json:"push"`
	Account string `json:"account"`
	Sealed  []byte `json:"sealed,omitempty"`
}

// maxPush is the longest browser in bytes that is taken.
const maxPush = 8 << 10

// PushKey answers push/{id}.
func PushKey(id string) string { return "push/" + id }

// decidePush gives a browser to an account. Whoever sits at a browser has it: somebody else's before is that no more.
func decidePush(id string, r *event.PushRequested) []event.Event {
	if err := CheckID("account", r.Account); err != nil {
		return refuse(id, badName(err))
	}
	if len(r.Sealed) == 0 || len(r.Sealed) > maxPush {
		return refuse(id, refusal{"bad_push", "浏览器推送信息未按规定加密", "where the browser is reached was not sealed as it should be"})
	}
	return one(&event.PushSet{Push: r.Push, Account: r.Account, Sealed: r.Sealed})
}

// decidePushEnd ends what is the account's; what is not is ended already as far as that account goes.
func decidePushEnd(s Entity, r *event.PushEndRequested) []event.Event {
	if s.Push == nil || s.Push.Account != r.Account {
		return nil
	}
	return one(&event.PushEnded{Push: r.Push, Account: r.Account, Reason: r.Reason, By: r.By})
}

// Pushes answers the browsers of an account that are told, by their ids.
func (v *View) Pushes(account string) (all []Push) {
	v.mu.RLock()
	defer v.mu.RUnlock()
	for _, p := range v.pushes {
		if p.Account == account {
			all = append(all, p)
		}
	}
	slices.SortFunc(all, func(a, b Push) int { return cmp.Compare(a.Push, b.Push) })
	return all
}

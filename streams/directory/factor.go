package directory

import (
	"slices"

	"tocsin/streams/event"
)

// Factor is the second factor of an account, sealed as care/vault seals it: nobody here can open it.
type Factor struct {
	Version  int                `json:"version"` // counts each setting and each reset
	Key      string             `json:"key,omitempty"`
	Sealed   []byte             `json:"sealed,omitempty"`   // empty: the account has none
	Recovery []string           `json:"recovery,omitempty"` // sums of the recovery codes that are left
	Step     int64              `json:"step,omitempty"`     // of the last code that was used: it and older ones fit no more
	Since    event.Time         `json:"since,omitzero"`
	Reset    *event.FactorReset `json:"reset,omitempty"` // by whom it was taken away, until there is another
}

// On tells whether the account has a second factor.
func (f Factor) On() bool { return len(f.Sealed) > 0 }

const (
	maxSecret   = 4 << 10 // bytes of what is sealed
	maxRecovery = 20
)

// after answers a factor after a fact about it; f may be nil, and is left as it was.
func (f *Factor) after(fact event.Event) *Factor {
	is := Factor{}
	if f != nil {
		is = *f
	}
	switch d := fact.(type) {
	case *event.FactorSet:
		is = Factor{Version: d.Version, Key: d.Key, Sealed: d.Sealed, Recovery: d.Recovery, Step: d.Step, Since: d.At}
	case *event.CodeUsed:
		if d.Version == is.Version {
			is.Step = max(is.Step, d.Step)
			is.Recovery = slices.DeleteFunc(slices.Clone(is.Recovery), func(sum string) bool { return sum == d.Recovery })
		}
	case *event.FactorReset:
		is = Factor{Version: d.Version, Reset: d}
	}
	return &is
}

// decideFactor takes what was sealed when it follows what stands, and has a way out for whoever loses the telephone.
func decideFactor(s Entity, id string, r *event.FactorRequested, now event.Time) []event.Event {
	version := 0
	if s.Factor != nil {
		version = s.Factor.Version
	}
	switch {
	case s.Account == nil:
		return refuse(id, unknownAccount(r.Account))
	case r.Version != version+1:
		return refuse(id, refusal{"changed_meanwhile", "两步验证设置已在别处更改，请重新开始", "the second factor was changed elsewhere meanwhile: begin again"})
	case r.Key == "" || len(r.Key) > maxID || len(r.Sealed) == 0 || len(r.Sealed) > maxSecret || r.Step <= 0:
		return refuse(id, refusal{"bad_factor", "两步验证密钥未按规定加密", "it was not sealed as the vault seals it"})
	case len(r.Recovery) == 0 || len(r.Recovery) > maxRecovery || slices.ContainsFunc(r.Recovery, func(sum string) bool { return !isSum(sum) }):
		return refuse(id, refusal{"bad_factor", "恢复码须以 SHA-256 给出", "recovery codes must be given as their SHA-256"})
	}
	return one(&event.FactorSet{Account: r.Account, Version: r.Version, Key: r.Key, Sealed: r.Sealed, Recovery: r.Recovery, Step: r.Step, By: r.By, At: now})
}

// decideCode lets a code be used once: none of the same step or an older one after it, whichever desk asks.
func decideCode(s Entity, id string, r *event.CodeRequested, now event.Time) []event.Event {
	switch f := s.Factor; {
	case f == nil || !f.On() || f.Version != r.Version:
		return refuse(id, refusal{"changed_meanwhile", "两步验证设置已更改，请重新登录", "the second factor was changed meanwhile: sign in again"})
	case r.Recovery != "" && r.Step == 0 && slices.Contains(f.Recovery, r.Recovery):
	case r.Recovery == "" && r.Step > f.Step:
	default:
		return refuse(id, refusal{"code_used", "该验证码已使用过，请等待下一个", "this code has been used already: wait for the next one"})
	}
	return one(&event.CodeUsed{Account: r.Account, Version: r.Version, Step: r.Step, Recovery: r.Recovery, At: now})
}

// decideReset takes an account's second factor away. Nobody does it for themselves: who has signed in has not lost it.
func decideReset(s Entity, id string, r *event.ResetRequested, now event.Time) []event.Event {
	switch {
	case s.Account == nil:
		return refuse(id, unknownAccount(r.Account))
	case r.By == r.Account || r.By == "":
		return refuse(id, refusal{"own", "不能重置本人的两步验证，请由另一位管理员重置", "nobody resets their own second factor: another administrator has to"})
	case s.Factor == nil || !s.Factor.On():
		return nil
	}
	return one(&event.FactorReset{Account: r.Account, Version: s.Factor.Version + 1, By: r.By, At: now})
}

// factor folds a fact. The caller holds the lock.
func (v *View) factor(account string, fact event.Event) {
	was := v.factors[account]
	v.factors[account] = *was.after(fact)
}

// Factor answers the second factor of an account; one that never had any has the zero one.
func (v *View) Factor(account string) Factor {
	v.mu.RLock()
	defer v.mu.RUnlock()
	return v.factors[account]
}

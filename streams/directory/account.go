package directory

import (
	"reflect"
	"slices"
	"strings"

	"tocsin/streams/event"
)

// What is asked of accounts and tokens.
//
//	account/{x}   Account/Appoint/LockRequested   does it take an administrator away?   else it is decided here
//	account/{by}  stands                          is who asked another administrator who stays one?
//
// So whoever takes an administrator away is one who is left: there is always one, however many ask at the same moment, and nobody shuts
// themselves out.

const stageStands = "stands"

const (
	administrator = "administrator"
	roleClinic    = "clinic"
)

func decideAccount(s Entity, id string, r *event.AccountRequested) []event.Event {
	if err := CheckID("account", r.Account); err != nil {
		return refuse(id, badName(err))
	}
	if why := checkOIDC(r); why != nil {
		return refuse(id, *why)
	}
	set := &event.AccountSet{Account: r.Account, Role: r.Role, Password: r.Password, OneTime: r.OneTime, Scope: r.Scope, OIDC: r.OIDC}
	if s.Account != nil {
		set.Subject = keptSubject(r, s.Account.Subject)
	}
	return appoint(s, id, set, r.By)
}

func decideAppoint(s Entity, id string, r *event.AppointRequested) []event.Event {
	if s.Account == nil {
		return refuse(id, unknownAccount(r.Account))
	}
	set := *s.Account
	set.Role, set.Scope = r.Role, r.Scope
	return appoint(s, id, &set, r.By)
}

// appoint sets an account as it was asked for, where that is possible.
func appoint(s Entity, id string, set *event.AccountSet, by string) []event.Event {
	if !knownRole(set.Role) {
		return refuse(id, unknownRole(set.Role))
	}
	if err := checkScope(set.Scope); err != nil {
		return refuse(id, badName(err))
	}
	if s.Account != nil {
		set.Scope = keptScope(set.Scope, s.Account.Scope)
	}
	if reflect.DeepEqual(s.Account, set) {
		return nil
	}
	if set.Role == roleClinic && everywhere(set.Scope) && !(s.Account != nil && s.Account.Role == roleClinic && everywhere(s.Account.Scope)) {
		return refuse(id, clinicNowhere) // one that has stood so stays until somebody narrows it: nothing goes dark
	}
	if s.administers() && !(Entity{Account: set}).administers() {
		return byAnother(id, by, &event.RequestForwarded{Set: set, Freed: freed(s.Account, set)})
	}
	return setAccount(set, freed(s.Account, set))
}

// setAccount sets an account, and lets the subject go that it had and has no more.
func setAccount(set *event.AccountSet, freed *event.SubjectFreed) []event.Event {
	if freed == nil {
		return one(set)
	}
	return []event.Event{set, freed}
}

func decidePassword(s Entity, id string, r *event.PasswordRequested) []event.Event {
	switch {
	case s.Account == nil:
		return refuse(id, unknownAccount(r.Account))
	case s.Account.OIDC:
		return refuse(id, twoWays)
	case r.Password == "":
		return refuse(id, refusal{"bad_password", "缺少密码", "there is no password"})
	}
	set := *s.Account
	set.Password, set.OneTime = r.Password, r.OneTime
	if set == *s.Account {
		return nil
	}
	return one(&set)
}

func decideLock(s Entity, id string, r *event.LockRequested, now event.Time) []event.Event {
	locked := s.Locked != nil
	switch {
	case s.Account == nil:
		return refuse(id, unknownAccount(r.Account))
	case locked == r.Locked:
		return nil
	case r.Locked && r.Account == r.By:
		return refuse(id, refusal{"own", "不能停用本人的账号", "nobody locks their own account"})
	case r.Locked && strings.TrimSpace(r.Why) == "" || len(r.Why) > maxReason:
		return refuse(id, refusal{"reason", "请说明停用的理由", "say why the account is locked"})
	}
	e := &event.AccountLocked{Account: r.Account, Locked: r.Locked, Why: r.Why, By: r.By, At: now}
	if r.Locked && s.administers() {
		return byAnother(id, r.By, &event.RequestForwarded{Lock: e})
	}
	return one(e)
}

// administers tells whether an account is an administrator's who may do everything: one that can be relied on to be there.
func (s Entity) administers() bool {
	return s.Account != nil && s.Account.Role == administrator && s.Locked == nil && everywhere(s.Account.Scope)
}

// byAnother asks whether who asked is an administrator who stays one.
func byAnother(id, by string, f *event.RequestForwarded) []event.Event {
	if f.Set != nil && f.Set.Account == by || f.Lock != nil && f.Lock.Account == by {
		return refuse(id, ownAdministrator)
	}
	f.Request, f.Stage, f.To = id, stageStands, AccountKey(by)
	return one(f)
}

// decideStands is asked of the account of who asked, and decides about the other.
func decideStands(s Entity, d *event.RequestForwarded) []event.Event {
	switch {
	case d.Stage != stageStands:
		return nil
	case !s.administers():
		return refuse(d.Request, lastAdministrator)
	case d.Set != nil:
		return setAccount(d.Set, d.Freed)
	}
	return one(d.Lock)
}

func decideToken(s Entity, id string, r *event.TokenRequested) []event.Event {
	if err := CheckID("token", r.Token); err != nil {
		return refuse(id, badName(err))
	}
	if !knownRole(r.Role) {
		return refuse(id, unknownRole(r.Role))
	}
	if !isSum(r.SHA256) {
		return refuse(id, badToken)
	}
	if err := checkScope(r.Scope); err != nil {
		return refuse(id, badName(err))
	}
	set := &event.TokenSet{Token: r.Token, SHA256: r.SHA256, Role: r.Role, Scope: r.Scope}
	if s.Token != nil {
		set.Scope = keptScope(r.Scope, s.Token.Scope)
	}
	if reflect.DeepEqual(s.Token, set) {
		return nil
	}
	return one(set)
}

func decideTokenWithdraw(s Entity, id string, r *event.TokenWithdrawRequested) []event.Event {
	switch {
	case s.Withdrawn:
		return nil
	case s.Token == nil:
		return refuse(id, unknownToken(r.Token))
	}
	return one(&event.TokenWithdrawn{Token: r.Token, By: r.By})
}

// Locked answers why nobody signs in to an account; ok is false when somebody may.
func (v *View) Locked(account string) (l event.AccountLocked, ok bool) {
	v.mu.RLock()
	defer v.mu.RUnlock()
	l, ok = v.locked[account]
	return l, ok
}

// Accounted answers every account by name, those that are locked too.
func (v *View) Accounted() []event.AccountSet { return sorted(v, v.accounts) }

// Tokens answers every bearer token that opens something, by name.
func (v *View) Tokens() []event.TokenSet { return sorted(v, v.tokens) }

func everywhere(s *event.Scope) bool { return s == nil || slices.Contains(s.Tenants, event.Everywhere) }

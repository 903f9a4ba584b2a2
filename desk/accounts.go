package desk

import (
	"context"
	"net/http"
	"slices"
	"strings"
	"sync"

	"github.com/alexedwards/argon2id"
	"github.com/danielgtaylor/huma/v2"

	"tocsin/streams"
	"tocsin/streams/directory"
	"tocsin/streams/event"
)

// Accounts of people and tokens of machines, for administrators; security looks at them. Neither sees a patient by it. What may not
// happen, such as taking the last administrator away, is refused by the registrar.

var mayLookAccounts = oneOf(roleAdministrator, roleSecurity)

// AccountRow is an account as an administrator sees it: nothing of its password.
type AccountRow struct {
	Account    string       `json:"account"`
	Role       string       `json:"role"`
	Tenants    []string     `json:"tenants" doc:"whose patients it sees, all of them; * is every tenant"`
	Groups     []string     `json:"groups" doc:"further groups whose patients it sees, as tenant/group"`
	Clinics    []string     `json:"clinics" doc:"further community clinics whose patients it sees, as tenant/clinic"`
	OneTime    bool         `json:"one_time" doc:"nobody has replaced its one-time password yet"`
	Locked     *AccountLock `json:"locked,omitempty"`
	LastSignIn *event.Time  `json:"last_sign_in,omitempty" doc:"at this desk server since it started; absent: none"`
	MayChange  bool         `json:"may_change" doc:"whoever asks may change it"`
}

// AccountLock is why nobody can sign in to an account.
type AccountLock struct {
	Why string     `json:"why"`
	By  string     `json:"by"`
	At  event.Time `json:"at"`
}

// TokenRow is a bearer token by its name.
type TokenRow struct {
	Name      string   `json:"name"`
	Role      string   `json:"role"`
	Tenants   []string `json:"tenants"`
	Groups    []string `json:"groups"`
	Clinics   []string `json:"clinics"`
	MayChange bool     `json:"may_change"`
}

// Accounts is every account and every token, and what a scope can name.
type Accounts struct {
	Accounts []AccountRow `json:"accounts" doc:"by name"`
	Tokens   []TokenRow   `json:"tokens" doc:"by name"`
	Places   []Place      `json:"places" doc:"tenants with their groups"`
	Since    event.Time   `json:"since" doc:"since when this desk server has seen who signs in"`
}

// Place is a tenant with its groups.
type Place struct {
	Tenant string      `json:"tenant"`
	Groups []GroupName `json:"groups"`

	Clinics []ClinicName `json:"clinics" doc:"community clinics, by id"`
}

// GroupName is a disease group by name alone.
type GroupName struct {
	Group string `json:"group"`
	Zh    string `json:"zh"`
	En    string `json:"en"`
}

// ClinicName is a community clinic by name alone.
type ClinicName struct {
	Clinic string `json:"clinic"`
	Zh     string `json:"zh"`
	En     string `json:"en"`
	Closed bool   `json:"closed"`
}

// AppointBody says what an account is and whose patients it sees.
type AppointBody struct {
	Role    string   `json:"role" enum:"lead,nurse,doctor,pharmacist,health-manager,clinic,administrator,security,auditor"`
	Tenants []string `json:"tenants" maxItems:"200" doc:"* is every tenant; none, no groups and no clinics: nobody's patients"`
	Groups  []string `json:"groups" maxItems:"200"`
	Clinics []string `json:"clinics,omitempty" maxItems:"200" doc:"left out: none"`
}

// LockBody locks an account or opens it again.
type LockBody struct {
	Locked bool   `json:"locked"`
	Why    string `json:"why,omitempty" maxLength:"300" doc:"needed to lock it"`
}

// AccountPath names an account or a token in the path.
type AccountPath struct {
	ID string `path:"id" maxLength:"128"`
}

func (s *Server) accountOperations(api huma.API) {
	answers := []int{http.StatusNotFound, http.StatusConflict, http.StatusUnprocessableEntity, http.StatusServiceUnavailable, http.StatusGatewayTimeout}
	const path = "/v1/admin/accounts"
	huma.Register(api, op(mayLookAccounts, "GET", path, "listAccounts", "admin", "Accounts and tokens with their roles and scopes"),
		func(ctx context.Context, _ *struct{}) (*body[Accounts], error) {
			return &body[Accounts]{s.accounts(identityOf(ctx))}, nil
		})
	huma.Register(api, op(mayAdmin, "PUT", path+"/{id}", "appointAccount", "admin", "Give an account a role and a scope; its password stays", answers...),
		func(ctx context.Context, in *struct {
			AccountPath
			Body AppointBody
		}) (*body[AccountRow], error) {
			return answer(s.appoint(ctx, in.ID, in.Body))
		})
	huma.Register(api, op(mayAdmin, "POST", path+"/{id}/password", "resetPassword", "admin", "Give an account a new one-time password; its sessions end", answers...),
		func(ctx context.Context, in *AccountPath) (*body[AccountMade], error) {
			return answer(s.resetPassword(ctx, in.ID))
		})
	huma.Register(api, op(mayAdmin, "POST", path+"/{id}/lock", "lockAccount", "admin", "Lock an account with a reason, or open it again; its sessions end at once", answers...),
		func(ctx context.Context, in *struct {
			AccountPath
			Body LockBody
		}) (*body[AccountRow], error) {
			return answer(s.lockAccount(ctx, in.ID, in.Body))
		})
	huma.Register(api, op(mayAdmin, "DELETE", "/v1/admin/tokens/{id}", "withdrawToken", "admin", "Withdraw a bearer token: it opens nothing any more", answers...),
		func(ctx context.Context, in *AccountPath) (*struct{}, error) {
			return nil, s.withdrawToken(ctx, in.ID)
		})
}

func (s *Server) accounts(id identity) Accounts {
	all := Accounts{Accounts: []AccountRow{}, Tokens: []TokenRow{}, Places: s.places(func(tenant string) bool { return tenant != streams.SystemTenant }), Since: event.TimeOf(s.started)}
	for _, a := range s.o.Directory.Accounted() {
		all.Accounts = append(all.Accounts, s.accountRow(id, a))
	}
	for _, t := range s.o.Directory.Tokens() {
		tenants, groups, clinics := spelled(t.Scope)
		all.Tokens = append(all.Tokens, TokenRow{Name: t.Token, Role: t.Role, Tenants: tenants, Groups: groups, Clinics: clinics, MayChange: mayAdmin(id.Role) && within(id.Scope, t.Scope)})
	}
	return all
}

func (s *Server) accountRow(id identity, a event.AccountSet) AccountRow {
	tenants, groups, clinics := spelled(a.Scope)
	row := AccountRow{Account: a.Account, Role: a.Role, Tenants: tenants, Groups: groups, Clinics: clinics, OneTime: a.OneTime, MayChange: mayAdmin(id.Role) && within(id.Scope, a.Scope)}
	if l, locked := s.o.Directory.Locked(a.Account); locked {
		row.Locked = &AccountLock{Why: l.Why, By: l.By, At: l.At}
	}
	if at, ok := s.signIns.last(a.Account); ok {
		row.LastSignIn = &at
	}
	return row
}

// places answers the tenants of which keep says so, with their groups and clinics.
func (s *Server) places(keep func(tenant string) bool) []Place {
	all := []Place{}
	of := func(tenant string) *Place {
		if i := slices.IndexFunc(all, func(p Place) bool { return p.Tenant == tenant }); i >= 0 {
			return &all[i]
		}
		all = append(all, Place{Tenant: tenant, Groups: []GroupName{}, Clinics: []ClinicName{}})
		return &all[len(all)-1]
	}
	for _, g := range s.o.Directory.Groups() {
		if keep(g.Tenant) {
			p := of(g.Tenant)
			p.Groups = append(p.Groups, GroupName{Group: g.Group, Zh: g.Zh, En: g.En})
		}
	}
	for _, c := range s.o.Directory.Clinics() {
		if keep(c.Tenant) {
			p, was := of(c.Tenant), clinicOf(c, 0)
			p.Clinics = append(p.Clinics, ClinicName{Clinic: was.Clinic, Zh: was.Zh, En: was.En, Closed: was.Closed})
		}
	}
	slices.SortFunc(all, func(a, b Place) int { return strings.Compare(a.Tenant, b.Tenant) })
	return all
}

// spelled writes a scope out: none is every tenant.
func spelled(s *event.Scope) (tenants, groups, clinics []string) {
	if s == nil {
		return []string{event.Everywhere}, []string{}, []string{}
	}
	return some(s.Tenants), some(s.Groups), some(s.Clinics)
}

// within tells whether a scope lies in that of an administrator: nobody gives away more than they have.
func within(own, other *event.Scope) bool {
	if everywhere(own) {
		return true
	}
	if other == nil {
		return false
	}
	has := func(tenant string) bool { return slices.Contains(own.Tenants, tenant) }
	beyond := func(own []string) func(string) bool {
		return func(name string) bool {
			tenant, _, _ := strings.Cut(name, "/")
			return !has(tenant) && !slices.Contains(own, name)
		}
	}
	if slices.ContainsFunc(other.Groups, beyond(own.Groups)) || slices.ContainsFunc(other.Clinics, beyond(own.Clinics)) {
		return false
	}
	return !slices.ContainsFunc(other.Tenants, func(t string) bool { return !has(t) })
}

// mine answers an account that whoever asks may change; asked is the scope that it would have, nil where that stays.
func (s *Server) mine(ctx context.Context, account string, asked *event.Scope) (event.AccountSet, error) {
	own := identityOf(ctx).Scope
	a, known := s.o.Directory.Account(account)
	switch {
	case !known:
		return a, refuse(http.StatusNotFound, "unknown", "没有账号 "+account, "there is no account "+account)
	case !within(own, a.Scope), asked != nil && !within(own, asked):
		return a, notYours()
	}
	return a, nil
}

func notYours() *Problem {
	return refuse(http.StatusForbidden, "scope", "超出您的管理范围：不能授予或变更您自己没有的范围", "this reaches beyond what you administer: nobody gives away or changes more than they have")
}

func (s *Server) appoint(ctx context.Context, account string, in AppointBody) (AccountRow, error) {
	scope, err := s.scope(in.Tenants, in.Groups, in.Clinics)
	if err != nil {
		return AccountRow{}, err
	}
	if scope == nil {
		scope = &event.Scope{} // nobody's patients: left out is not everywhere here
	}
	if _, err := s.mine(ctx, account, scope); err != nil {
		return AccountRow{}, err
	}
	return s.changed(ctx, account, &event.AppointRequested{Account: account, Role: in.Role, Scope: scope, By: identityOf(ctx).Account})
}

func (s *Server) lockAccount(ctx context.Context, account string, in LockBody) (AccountRow, error) {
	if _, err := s.mine(ctx, account, nil); err != nil {
		return AccountRow{}, err
	}
	return s.changed(ctx, account, &event.LockRequested{Account: account, Locked: in.Locked, Why: strings.TrimSpace(in.Why), By: identityOf(ctx).Account})
}

// changed asks the registrar and answers the account as it is then.
func (s *Server) changed(ctx context.Context, account string, r event.Event) (AccountRow, error) {
	if err := s.tell(ctx, r); err != nil {
		return AccountRow{}, err
	}
	a, _ := s.o.Directory.Account(account)
	return s.accountRow(identityOf(ctx), a), nil
}

func (s *Server) resetPassword(ctx context.Context, account string) (AccountMade, error) {
	a, err := s.mine(ctx, account, nil)
	if err != nil {
		return AccountMade{}, err
	}
	password := newOneTime()
	hash, err := argon2id.CreateHash(password, hashing)
	if err != nil {
		return AccountMade{}, err
	}
	err = s.tell(ctx, &event.PasswordRequested{Account: account, Password: hash, OneTime: true, By: identityOf(ctx).Account})
	if err != nil {
		return AccountMade{}, err
	}
	return AccountMade{Account: account, Role: a.Role, Password: password}, nil
}

func (s *Server) withdrawToken(ctx context.Context, name string) error {
	for _, t := range s.o.Directory.Tokens() {
		if t.Token == name && !within(identityOf(ctx).Scope, t.Scope) {
			return notYours()
		}
	}
	return s.tell(ctx, &event.TokenWithdrawRequested{Token: name, By: identityOf(ctx).Account})
}

// grants tells whether whoever asks may make or remake something of a standing scope, if it stands, with the scope that was asked for.
func grants(own, asked *event.Scope, stands bool, standing *event.Scope) bool {
	if stands && !within(own, standing) {
		return false
	}
	return stands && asked == nil || within(own, asked)
}

// signIns is who signed in when, at this server.
type signIns struct{ at sync.Map }

func (s *signIns) note(account string, at event.Time) { s.at.Store(account, at) }

func (s *signIns) last(account string) (event.Time, bool) {
	at, ok := s.at.Load(account)
	if !ok {
		return 0, false
	}
	return at.(event.Time), true
}

var _ Directory = (*directory.View)(nil)

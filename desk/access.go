package desk

import (
	"context"
	"net/http"
	"slices"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"

	"tocsin/streams/event"
)

// The roles. A lead runs the desk and sees all patients; the last three look after the system and see none.
const (
	roleLead          = "lead"
	roleNurse         = "nurse"
	roleDoctor        = "doctor"
	rolePharmacist    = "pharmacist"
	roleHealthManager = "health-manager"
	roleClinic        = "clinic"
	roleAdministrator = "administrator"
	roleSecurity      = "security"
	roleAuditor       = "auditor"

	roleWatchdog = event.WatchedGroup // a program's, which is shown its made-up patients and nobody else
)

// Roles is every role that an account or a token can have.
var Roles = []string{roleLead, roleNurse, roleDoctor, rolePharmacist, roleHealthManager, roleClinic, roleAdministrator, roleSecurity, roleAuditor}

// permission tells whether a role may use an operation.
type permission func(role string) bool

func oneOf(roles ...string) permission {
	return func(role string) bool { return slices.Contains(roles, role) }
}

// Who may do what at the door. Which warnings a role may take or close is decided in the log, by alerts.
var (
	anybody   = oneOf(Roles...)
	maySee    = oneOf(roleLead, roleNurse, roleDoctor, rolePharmacist, roleHealthManager, roleClinic)
	mayAct    = maySee
	mayClick  = oneOf(roleLead, roleNurse, roleDoctor, rolePharmacist, roleHealthManager, roleClinic, roleWatchdog) // on the ward of one's own
	mayTell   = oneOf(roleWatchdog)
	mayLeave  = oneOf(roleLead, roleNurse, roleDoctor)
	mayAdmin  = oneOf(roleAdministrator)
	mayImport = oneOf(roleAdministrator, roleLead)
	mayDuty   = oneOf(roleAdministrator, roleLead)
	mayOrder  = oneOf(roleAdministrator, roleDoctor, roleLead)
)

// identity is who asks.
type identity struct {
	Account    string
	Role       string
	MustChange bool
	MustEnrol  bool         // their role needs a second factor, and they have none
	Locked     bool         // nothing is answered until they say again who they are
	Scope      *event.Scope // whose patients; nil: everywhere
	token      bool         // a bearer token, not a session
	method     string       // by which a session began
	local      bool         // the local administrator of this machine
	proof      string       // what the session rests on: it ends when the account's password changes
}

type identityKey struct{}

func withIdentity(ctx context.Context, id identity) context.Context {
	return context.WithValue(ctx, identityKey{}, id)
}

// identityOf answers who asks; the zero identity for nobody.
func identityOf(ctx context.Context) identity {
	id, _ := ctx.Value(identityKey{}).(identity)
	return id
}

// guard lets through whoever may; it runs before huma looks at anything else of the request.
func guard(who permission) func(huma.Context, func(huma.Context)) {
	return func(c huma.Context, next func(huma.Context)) {
		r, w := humago.Unwrap(c)
		if p := forbidden(identityOf(r.Context()), who, r); p != nil {
			writeProblem(w, p)
			return
		}
		next(c)
	}
}

// guarded is guard for a plain handler.
func guarded(who permission, h http.HandlerFunc) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if p := forbidden(identityOf(r.Context()), who, r); p != nil {
			writeProblem(w, p)
			return
		}
		h(w, r)
	})
}

// What is still answered in a session that is locked, or owes a password or a second factor. The stream of a locked one is quiet.
var (
	openLocked    = []string{"/v1/session", "/v1/session/lock", "/v1/session/unlock", "/v1/stream"}
	openChanging  = []string{"/v1/session", "/v1/session/lock", "/v1/session/unlock", "/v1/session/here", "/v1/session/password"}
	openEnrolling = append([]string{"/v1/session/factor", "/v1/session/factor/confirm"}, openChanging...)
)

func forbidden(id identity, who permission, r *http.Request) *Problem {
	switch {
	case id.Account == "":
		return refuse(http.StatusUnauthorized, "signed_out", "请先登录", "sign in, or send a bearer token")
	case id.Locked && !slices.Contains(openLocked, r.URL.Path):
		return refuse(http.StatusLocked, "locked", "屏幕已锁定，请先解锁", "this session is locked: unlock it first (POST /v1/session/unlock)")
	case id.MustChange && !slices.Contains(openChanging, r.URL.Path):
		return refuse(http.StatusForbidden, "must_change", "请先修改一次性密码", "change the one-time password first (POST /v1/session/password)")
	case id.MustEnrol && !id.MustChange && !slices.Contains(openEnrolling, r.URL.Path):
		return refuse(http.StatusForbidden, "must_enrol", "请先设置两步验证", "set up a second factor first (POST /v1/session/factor)")
	case !who(id.Role):
		return refuse(http.StatusForbidden, "role", "当前角色无权进行此操作", "the role "+id.Role+" may not do this")
	}
	return nil
}

func (s *Server) sessionOf(id identity) Session {
	grave := oneOf(roleLead, roleNurse, roleDoctor)(id.Role)
	said := Session{State: stateOf(id), Method: id.method, Account: id.Account, Role: id.Role, MustChange: id.MustChange, May: May{
		See: maySee(id.Role), Act: mayAct(id.Role), ActGrave: grave, Reason: id.Role == roleDoctor,
		Admin: mayAdmin(id.Role), OrderPlan: mayOrder(id.Role), Review: mayReview(id.Role), Audit: mayAudit(id.Role), Emergency: maySee(id.Role) && !id.token && !everywhere(id.Scope),
		Accounts: mayLookAccounts(id.Role), Register: mayRegister(id.Role), Enrol: mayImport(id.Role), Know: mayKnow(id.Role), Name: mayName(id.Role), Leave: mayLeave(id.Role),
		Draft:   mayDraft(id.Role) && everywhere(id.Scope) && !id.token,
		Consent: mayConsent(id.Role), Team: mayTeam(id.Role), Choose: mayChoose(id.Role),
	}, Emergencies: []Emergency{}, LockAfterMs: s.idleOf(id).Milliseconds()}
	if !id.token {
		said.Factor = s.factorOf(id)
	}
	if !id.Locked {
		said.Emergencies = s.opened(id)
	}
	return said
}

// stateOf says what a session is asked for before anything else.
func stateOf(id identity) string {
	switch {
	case id.Locked:
		return stateLocked
	case id.MustChange:
		return stateMustChange
	case id.MustEnrol:
		return stateMustEnrol
	}
	return stateOpen
}

package desk

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"sync"

	"tocsin/streams"
	"tocsin/streams/directory"
	"tocsin/streams/event"
)

// relation is why somebody may see a patient. It is decided in one place, Server.relation; everything that shows a patient
// asks there.
type relation int

const (
	foreign     relation = iota // they may not
	inCare                      // the patient is in the scope of the account; also what concerns no patient
	inEmergency                 // the patient was opened to the account for a while, with a reason
	unattended                  // nobody else may see the patient: a grave warning must reach somebody
)

// purpose is for what the patient is looked at.
func (r relation) purpose() string {
	if r == inEmergency {
		return purposeEmergency
	}
	return purposeCare
}

// relation answers why who asks may see the patient of a key.
//
// A role that looks after the system sees no patient. Otherwise an account sees the patients of the tenants, of the groups and of the
// community clinics in its scope, where a lead's group stands for its whole tenant; then those who were opened to it in an emergency. A
// patient whom by these rules no account may see is shown to every account that has anything to do with the tenant, and when
// there is none, to all: a warning that nobody sees is worse than one that too many see.
func (s *Server) relation(id identity, key string) relation {
	if id.Role == roleWatchdog && streams.IsWatched(key) {
		return inCare
	}
	if !maySee(id.Role) {
		return foreign
	}
	tenant, patient := streams.SplitPatientKey(key)
	if tenant == streams.SystemTenant || everywhere(id.Scope) {
		return inCare
	}
	p, _ := s.o.Directory.Patient(tenant, patient)
	at := whereabouts{tenant, p.InGroups(tenant), p.AtClinic(tenant)}
	switch a := s.access.look(s.o.Directory); {
	case covers(id.Role, id.Scope, at):
		return inCare
	case a.opened(id.Account, key, event.TimeOf(s.o.Now())):
		return inEmergency
	case a.nobodys(at) && (touches(id.Scope, tenant) || !a.anybodys(tenant)):
		return unattended
	}
	return foreign
}

// sees tells whether who asks may see the patient of a key.
func (s *Server) sees(id identity) func(key string) bool {
	return func(key string) bool { return s.relation(id, key) != foreign }
}

// everyone is for what shows no patient, such as counts of the whole server.
func everyone(string) bool { return true }

func everywhere(s *event.Scope) bool { return s == nil || slices.Contains(s.Tenants, event.Everywhere) }

// whereabouts are where a patient belongs: that by which a scope has them.
type whereabouts struct {
	tenant string
	groups []string // {tenant}/{group}
	clinic string   // {tenant}/{clinic}; empty: none, and no scope has somebody by that
}

// inGroup is where the people of a group are, whatever their clinics.
func inGroup(tenant, group string) whereabouts {
	return whereabouts{tenant: tenant, groups: []string{streams.PatientKey(tenant, group)}}
}

// covers tells whether whoever is there is in a scope.
func covers(role string, s *event.Scope, at whereabouts) bool {
	if everywhere(s) || slices.Contains(s.Tenants, at.tenant) || role == roleLead && leads(s, at.tenant) {
		return true
	}
	return at.clinic != "" && slices.Contains(s.Clinics, at.clinic) ||
		slices.ContainsFunc(at.groups, func(g string) bool { return slices.Contains(s.Groups, g) })
}

// leads tells whether a scope has a tenant or a group of it, which for a lead is the whole tenant. A clinic of it is no such thing.
func leads(s *event.Scope, tenant string) bool {
	return everywhere(s) || slices.Contains(s.Tenants, tenant) || anyOf(s.Groups, tenant)
}

// touches tells whether a scope has anything in a tenant.
func touches(s *event.Scope, tenant string) bool { return leads(s, tenant) || anyOf(s.Clinics, tenant) }

// anyOf tells whether one of these groups or clinics is of a tenant.
func anyOf(named []string, tenant string) bool {
	return slices.ContainsFunc(named, func(name string) bool { return strings.HasPrefix(name, tenant+"/") })
}

// access is what the directory says about who may see whom, worked out once for each of its positions.
type access struct {
	mu sync.Mutex
	*rights
}

// rights are those of one position of the directory.
type rights struct {
	position    int64
	people      []event.AccountSet // whose role sees patients
	emergencies map[string][]directory.Emergency

	mu    sync.Mutex
	known map[string]bool // whether nobody may see the patients of a place
}

// look answers the rights as the directory is now.
func (a *access) look(d Directory) *rights {
	a.mu.Lock()
	defer a.mu.Unlock()
	position := d.Position() // before the facts are read: they are at least as new
	if a.rights != nil && a.rights.position == position {
		return a.rights
	}
	r := &rights{position: position, emergencies: map[string][]directory.Emergency{}, known: map[string]bool{}}
	for _, p := range d.People() {
		if maySee(p.Role) {
			r.people = append(r.people, p)
		}
	}
	for _, e := range d.Emergencies() {
		r.emergencies[e.Account] = append(r.emergencies[e.Account], e)
	}
	a.rights = r
	return r
}

// openNow answers the emergencies of an account that last.
func (r *rights) openNow(account string, now event.Time) []directory.Emergency {
	open := []directory.Emergency{}
	for _, e := range r.emergencies[account] {
		if now < e.Until {
			open = append(open, e)
		}
	}
	return open
}

func (r *rights) opened(account, key string, now event.Time) bool {
	return slices.ContainsFunc(r.openNow(account, now), func(e directory.Emergency) bool { return streams.PatientKey(e.Tenant, e.Patient) == key })
}

// nobodys tells whether no account has those who are there in its scope. Tokens are programs, and do not count.
func (r *rights) nobodys(at whereabouts) bool {
	key := at.tenant + "\x00" + at.clinic + "\x00" + strings.Join(at.groups, "\x00")
	r.mu.Lock()
	defer r.mu.Unlock()
	none, known := r.known[key]
	if !known {
		none = !slices.ContainsFunc(r.people, func(a event.AccountSet) bool { return covers(a.Role, a.Scope, at) })
		r.known[key] = none
	}
	return none
}

// anybodys tells whether some account has anything to do with a tenant.
func (r *rights) anybodys(tenant string) bool {
	return slices.ContainsFunc(r.people, func(a event.AccountSet) bool { return touches(a.Scope, tenant) })
}

// tag says in a word what an identity may see: when it is another, what was shown has to be looked at again. It is a part of a
// stream's ids, so that a screen which comes back after its rights have changed gets everything anew. Who sees all has none, unless the session is locked.
func (s *Server) tag(id identity) string {
	if everywhere(id.Scope) && !id.Locked {
		return ""
	}
	b, err := json.Marshal([]any{id.Account, id.Role, id.Scope, s.openNow(id), s.access.look(s.o.Directory).position, id.Locked})
	if err != nil {
		return ""
	}
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:6])
}

// openNow answers the ids of the emergencies of who asks that last.
func (s *Server) openNow(id identity) (all []string) {
	for _, e := range s.access.look(s.o.Directory).openNow(id.Account, event.TimeOf(s.o.Now())) {
		all = append(all, e.Emergency)
	}
	return all
}

// noPatient is said of a patient who is not there and of one who may not be seen, in the same words.
func noPatient() *Problem {
	return refuse(http.StatusNotFound, "unknown", "没有这位患者，或不在您的管理范围内；紧急情况可申请紧急授权查阅",
		"there is no such patient, or they are not in your care; in an emergency open them with a reason")
}

package desk

import (
	"context"
	"net/http"
	"slices"

	"github.com/danielgtaylor/huma/v2"

	"tocsin/streams"
	"tocsin/streams/directory"
	"tocsin/streams/event"
)

// Care teams (FEATURES GRP-2): who does what in a group, who owns each problem of a patient, and who coordinates the care. Being in a team
// opens no chart: that goes by role and scope.

// mayTeam sets teams, mayChoose says who answers for a patient.
var (
	mayTeam   = oneOf(roleAdministrator, roleLead)
	mayChoose = oneOf(roleLead, roleDoctor, roleNurse, roleHealthManager)
)

// TeamMember is an account with what it does in a group.
type TeamMember struct {
	Account  string `json:"account" minLength:"1" maxLength:"128"`
	Function string `json:"function" enum:"lead,doctor,nurse,health-manager,gp,pharmacist"`
}

// TeamBody is a team as it is set: it replaces that of its group.
type TeamBody struct {
	Tenant  string       `json:"tenant" minLength:"1" maxLength:"64"`
	Group   string       `json:"group" minLength:"1" maxLength:"64"`
	Members []TeamMember `json:"members" maxItems:"64"`
}

// TeamPage is a team with what is wrong with it.
type TeamPage struct {
	Version string `json:"version" doc:"send it with If-Match when this team is changed; none: nobody has set one"`
	TeamBody
	Strangers []string `json:"strangers" doc:"members who have no account here, or whose account sees no patient of this group: they are asked and cannot answer"`
}

// Teams are those of every group, and whom somebody has to look at.
type Teams struct {
	Teams []TeamPage `json:"teams" doc:"of every group, by tenant and group"`
	ToDo  []Unowned  `json:"to_do" doc:"at most 500 patients for whom nobody answers, or for whom somebody was chosen who has left: those for whom nobody does first"`
}

// Unowned is a patient for whom somebody has to be chosen.
type Unowned struct {
	Tenant  string   `json:"tenant"`
	Patient string   `json:"patient"`
	Group   string   `json:"group"`
	Nobody  []string `json:"nobody" doc:"groups whose problem nobody owns"`
	Gone    []string `json:"gone" doc:"who was chosen and is in the team no more: the rule has put another in their place"`
	None    bool     `json:"none" doc:"nobody coordinates the care"`
}

// Responsible is who answers for a patient.
type Responsible struct {
	event.Answerable
	Groups int    `json:"groups" doc:"how many groups the patient is in"`
	Why    string `json:"why" doc:"of what was chosen last; empty: nothing was"`
	By     string `json:"by"`
}

// ResponsibleBody chooses. What is empty goes by the rule: the first of the group's team in the order lead, doctor, nurse, health manager, GP,
// pharmacist; the care is coordinated by whoever that is for the leading group.
type ResponsibleBody struct {
	Coordinator string            `json:"coordinator,omitempty" maxLength:"128"`
	Owners      map[string]string `json:"owners,omitempty" doc:"account by group"`
	Why         string            `json:"why" minLength:"1" maxLength:"300" doc:"no name of the patient"`
}

const mostToDo = 500

func (s *Server) teamOperations(api huma.API) {
	answers := []int{http.StatusNotFound, http.StatusConflict, http.StatusUnprocessableEntity, http.StatusServiceUnavailable, http.StatusGatewayTimeout}
	const path = "/v1/patients/{tenant}/{patient}/responsible"
	huma.Register(api, op(maySee, "GET", "/v1/teams", "listTeams", "groups", "Care teams, and the patients for whom nobody answers or whose choice has left"),
		func(ctx context.Context, _ *struct{}) (*body[Teams], error) {
			if err := s.seeing(ctx, Entry{Action: "teams.read"}); err != nil {
				return nil, err
			}
			return &body[Teams]{s.teams(identityOf(ctx))}, nil
		})
	huma.Register(api, op(mayTeam, "PUT", "/v1/teams", "setTeam", "admin", "Set the care team of a group", answers...),
		func(ctx context.Context, in *struct {
			IfMatch string `header:"If-Match" required:"true" minLength:"1" maxLength:"64" doc:"the version that was looked at; none for a team that nobody has set"`
			Body    TeamBody
		}) (*body[TeamPage], error) {
			return answer(s.setTeam(ctx, in.IfMatch, in.Body))
		})
	huma.Register(api, op(maySee, "GET", path, "getResponsible", "groups", "Who coordinates the care of a patient, and who owns each problem", http.StatusNotFound),
		func(ctx context.Context, in *PatientPath) (*body[Responsible], error) {
			if err := s.opening(ctx, in.Tenant, in.Patient, "responsible.read"); err != nil {
				return nil, err
			}
			return &body[Responsible]{s.responsible(in.Tenant, in.Patient)}, nil
		})
	huma.Register(api, op(mayChoose, "PUT", path, "setResponsible", "groups", "Choose who coordinates the care of a patient and who owns each problem, with a reason", answers...),
		func(ctx context.Context, in *struct {
			PatientPath
			Body ResponsibleBody
		}) (*body[Responsible], error) {
			return answer(s.choose(ctx, in.Tenant, in.Patient, in.Body))
		})
}

// teams answers those of the groups that who asks has to do with.
func (s *Server) teams(id identity) Teams {
	all := Teams{Teams: []TeamPage{}, ToDo: []Unowned{}}
	for _, g := range s.o.Directory.Groups() {
		if touches(id.Scope, g.Tenant) && !streams.IsWatchedGroup(g.Tenant, g.Group) {
			all.Teams = append(all.Teams, s.teamPage(g.Tenant, g.Group))
		}
	}
	sees := s.sees(id)
	s.o.Directory.EachPatient(func(tenant, patient string, p directory.Patient) bool {
		key := streams.PatientKey(tenant, patient)
		if tenant == streams.SystemTenant || !sees(key) || !s.ward.watches(key) {
			return true
		}
		if u, is := unowned(s.o.Directory.Answerable(tenant, patient)); is {
			u.Tenant, u.Patient, u.Group = tenant, patient, p.Group
			all.ToDo = append(all.ToDo, u)
		}
		return true
	})
	slices.SortStableFunc(all.ToDo, func(a, b Unowned) int {
		switch {
		case a.None == b.None:
			return len(b.Nobody) - len(a.Nobody)
		case a.None:
			return -1
		}
		return 1
	})
	all.ToDo = all.ToDo[:min(len(all.ToDo), mostToDo)]
	return all
}

func unowned(a event.Answerable) (u Unowned, is bool) {
	u = Unowned{Nobody: []string{}, Gone: []string{}, None: a.Coordinator == ""}
	if a.Gone != "" {
		u.Gone = append(u.Gone, a.Gone)
	}
	for _, o := range a.Owners {
		if o.Account == "" {
			u.Nobody = append(u.Nobody, o.Group)
		}
		if o.Gone != "" && !slices.Contains(u.Gone, o.Gone) {
			u.Gone = append(u.Gone, o.Gone)
		}
	}
	return u, u.None || len(u.Nobody)+len(u.Gone) > 0
}

func (s *Server) teamPage(tenant, group string) TeamPage {
	set, known := s.o.Directory.Team(tenant, group)
	p := TeamPage{Version: directory.NoVersion, TeamBody: TeamBody{Tenant: tenant, Group: group, Members: []TeamMember{}}, Strangers: []string{}}
	if known {
		p.Version = directory.TeamVersion(&set)
	}
	for _, m := range set.Members {
		p.Members = append(p.Members, TeamMember(m))
		a, known := s.o.Directory.Account(m.Account)
		if !known || !maySee(a.Role) || !covers(a.Role, a.Scope, inGroup(tenant, group)) {
			p.Strangers = append(p.Strangers, m.Account)
		}
	}
	return p
}

func (s *Server) setTeam(ctx context.Context, was string, b TeamBody) (TeamPage, error) {
	id := identityOf(ctx)
	if !leads(id.Scope, b.Tenant) || !known(s.o.Directory.Group(b.Tenant, b.Group)) {

		return TeamPage{}, refuse(http.StatusNotFound, "unknown", "没有这个专病组", "there is no such group")
	}
	r := &event.TeamRequested{Tenant: b.Tenant, Group: b.Group, Members: make([]event.TeamMember, len(b.Members)), By: id.Account, Was: was}
	for i, m := range b.Members {
		r.Members[i] = event.TeamMember(m)
	}
	if err := s.tell(ctx, r); err != nil {
		return TeamPage{}, err
	}
	return s.teamPage(b.Tenant, b.Group), nil
}

func (s *Server) responsible(tenant, patient string) Responsible {
	p, _ := s.o.Directory.Patient(tenant, patient)
	r := Responsible{Answerable: s.o.Directory.Answerable(tenant, patient), Groups: len(p.InGroups(tenant))}
	if c := p.Responsible; c != nil {
		r.Why, r.By = c.Why, c.By
	}
	return r
}

// choose takes only who is in a team: anybody else would count for nobody.
func (s *Server) choose(ctx context.Context, tenant, patient string, b ResponsibleBody) (Responsible, error) {
	if err := s.opening(ctx, tenant, patient, "responsible.set"); err != nil {
		return Responsible{}, err
	}
	p, _ := s.o.Directory.Patient(tenant, patient)
	in := func(account string, groups ...string) bool {
		return slices.ContainsFunc(groups, func(g string) bool {
			t, _ := s.o.Directory.Team(tenant, g)
			return slices.ContainsFunc(t.Members, func(m event.TeamMember) bool { return m.Account == account })
		})
	}
	notThere := func(account string) error {
		return refuse(http.StatusUnprocessableEntity, "not_in_team", account+" 不在患者所属专病组的团队中", account+" is in no team that the patient has to do with; put them into it first")
	}
	if b.Coordinator != "" && !in(b.Coordinator, append([]string{p.Group}, p.Also...)...) {
		return Responsible{}, notThere(b.Coordinator)
	}
	for group, account := range b.Owners {
		if !in(account, group) {
			return Responsible{}, notThere(account)
		}
	}
	err := s.tell(ctx, &event.ResponsibleRequested{Tenant: tenant, Patient: patient, Coordinator: b.Coordinator, Owners: b.Owners, Why: b.Why, By: identityOf(ctx).Account})
	if err != nil {
		return Responsible{}, err
	}
	return s.responsible(tenant, patient), nil
}

// named puts to a warning who coordinates the care of its patient. Whoever is in one group has one too.
func (s *Server) named(w Warning) Warning {
	if w.Tenant != streams.SystemTenant {
		a := s.o.Directory.Answerable(w.Tenant, w.Patient)
		w.Coordinator, w.Comorbid = a.Coordinator, len(a.Owners) > 1
	}
	return w
}

// namedRow is named for a row of a board.
func (s *Server) namedRow(r Row) Row {
	a := s.o.Directory.Answerable(r.Tenant, r.Patient)
	r.Coordinator, r.Comorbid = a.Coordinator, len(a.Owners) > 1
	return r
}

func (s *Server) allNamed(all []Warning) []Warning {
	for i := range all {
		all[i] = s.named(all[i])
	}
	return all
}

func (s *Server) allRowsNamed(all []Row) []Row {
	for i := range all {
		all[i] = s.namedRow(all[i])
	}
	return all
}

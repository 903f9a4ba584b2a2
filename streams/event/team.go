package event

import "slices"

// Who looks after whom (FEATURES GRP-2): the people of a disease group with what each does there, one owner for each problem of a patient,
// and one coordinator for a patient, who matters where there are several groups.

// The functions of a care team, in the order in which somebody is looked for who answers.
var Functions = []string{"lead", "doctor", "nurse", "health-manager", "gp", "pharmacist"}

// TeamMember is an account with what it does in a group.
type TeamMember struct {
	Account  string `json:"account"`
	Function string `json:"function"` // one of Functions
}

// TeamRequested asks that a group have this team; it replaces the one before.
type TeamRequested struct {
	Tenant  string       `json:"tenant"`
	Group   string       `json:"group"`
	Members []TeamMember `json:"members"`
	By      string       `json:"by"`
	Was     string       `json:"was,omitempty"` // see PolicyRequested
}

// TeamSet is the team of a group.
type TeamSet struct {
	Tenant  string       `json:"tenant"`
	Group   string       `json:"group"`
	Version int          `json:"version"`
	Members []TeamMember `json:"members"`
}

// ResponsibleRequested asks that somebody coordinate the care of a patient, and that somebody own a problem. What is empty goes by the rule
// of Answerable.
type ResponsibleRequested struct {
	Tenant      string            `json:"tenant"`
	Patient     string            `json:"patient"`
	Coordinator string            `json:"coordinator,omitempty"` // account
	Owners      map[string]string `json:"owners,omitempty"`      // account by group
	Why         string            `json:"why"`
	By          string            `json:"by"`
}

// ResponsibleSet is who was chosen for a patient, and why.
type ResponsibleSet struct {
	Tenant      string            `json:"tenant"`
	Patient     string            `json:"patient"`
	Coordinator string            `json:"coordinator,omitempty"`
	Owners      map[string]string `json:"owners,omitempty"`
	Why         string            `json:"why"`
	By          string            `json:"by"`
}

// The steps of a policy that ask a person by what they are to the patient.
const (
	StepCoordinator = "coordinator"
	StepOwner       = "owner" // of the problem that the warning is about
)

// Answerable is who answers for a patient as of now.
type Answerable struct {
	Coordinator string         `json:"coordinator"` // empty: no team of the patient has anybody
	Chosen      bool           `json:"chosen"`      // somebody chose them; else it is the rule's
	Gone        string         `json:"gone"`        // who was chosen and is in no team of the patient any more
	Owners      []ProblemOwner `json:"owners"`      // of each group, the leading one first
}

// ProblemOwner is who owns the problem of a group.
type ProblemOwner struct {
	Group   string `json:"group"`
	Account string `json:"account"` // empty: the group's team has nobody
	Chosen  bool   `json:"chosen"`
	Gone    string `json:"gone"`
}

// AnswerableFor works out who answers for a patient in groups, the leading one first. A problem belongs to whoever was chosen, as long as they
// are in the group's team, else to the first of the team in the order of Functions. The care is coordinated by whoever was chosen, as long as
// they are in one of the teams, else by the owner of the leading group, else by that of the first group that has one: nobody only where no
// team has anybody.
func AnswerableFor(groups []string, team func(group string) []TeamMember, chosen *ResponsibleSet) Answerable {
	a := Answerable{Owners: make([]ProblemOwner, 0, len(groups))}
	if chosen == nil {
		chosen = &ResponsibleSet{}
	}
	in := func(account, group string) bool {
		return slices.ContainsFunc(team(group), func(m TeamMember) bool { return m.Account == account })
	}
	byRule := ""
	for _, g := range groups {
		o := ProblemOwner{Group: g, Account: firstOf(team(g))}
		if c := chosen.Owners[g]; c != "" {
			if o.Chosen = in(c, g); o.Chosen {
				o.Account = c
			} else {
				o.Gone = c
			}
		}
		if byRule == "" {
			byRule = o.Account
		}
		a.Owners = append(a.Owners, o)
	}
	a.Coordinator = byRule
	if c := chosen.Coordinator; c != "" {
		if a.Chosen = slices.ContainsFunc(groups, func(g string) bool { return in(c, g) }); a.Chosen {
			a.Coordinator = c
		} else {
			a.Gone = c
		}
	}
	return a
}

// firstOf answers who of a team answers for it by the rule.
func firstOf(team []TeamMember) string {
	for _, f := range Functions {
		if i := slices.IndexFunc(team, func(m TeamMember) bool { return m.Function == f }); i >= 0 {
			return team[i].Account
		}
	}
	return ""
}

// Owner answers who owns the problem of a group; where the patient is in no such group, of the leading one.
func (a Answerable) Owner(group string) string {
	if i := slices.IndexFunc(a.Owners, func(o ProblemOwner) bool { return o.Group == group }); i >= 0 {
		return a.Owners[i].Account
	}
	if len(a.Owners) > 0 {
		return a.Owners[0].Account
	}
	return ""
}

// About answers team/{tenant}/{group}.
func (e *TeamSet) About() string { return teamKind + e.Tenant + "/" + e.Group }

// About answers patient/{tenant}/{patient}.
func (e *ResponsibleSet) About() string { return patientKind + e.Tenant + "/" + e.Patient }

func (*TeamRequested) Type() Type        { return "team.requested" }
func (*TeamSet) Type() Type              { return "team.set" }
func (*ResponsibleRequested) Type() Type { return "responsible.requested" }
func (*ResponsibleSet) Type() Type       { return "responsible.set" }

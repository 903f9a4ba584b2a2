package desk

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"tocsin/streams"
	"tocsin/streams/event"
)

// A world of tenants, groups, patients and accounts, drawn at random. Each patient's id is a marker: no answer of any operation
// and no byte of any stream may hold it for whom the patient is foreign.
type world struct {
	*hospital
	n        int
	patients []patientOf
	accounts []accountOf
}

type patientOf struct {
	tenant, id string
	groups     []string
	clinic     string // empty: none
	warning    string
}

func (p patientOf) key() string { return streams.PatientKey(p.tenant, p.id) }

type accountOf struct {
	name, role string
	scope      *event.Scope
	b          *browser
}

// maySee is the rule, as the test understands it: who may see whom, said anew.
func (w *world) maySee(a accountOf, p patientOf) bool {
	clinical := slices.Contains([]string{"lead", "nurse", "doctor", "pharmacist", "health-manager", "clinic"}, a.role)
	if !clinical {
		return false
	}
	for _, t := range a.scope.Tenants {
		if t == "*" || t == p.tenant {
			return true
		}
	}
	for _, g := range a.scope.Groups {
		tenant, name, _ := strings.Cut(g, "/")
		if tenant == p.tenant && (a.role == "lead" || slices.Contains(p.groups, name)) {
			return true
		}
	}
	return p.clinic != "" && slices.Contains(a.scope.Clinics, p.tenant+"/"+p.clinic)
}

// asking is one request of an operation about a patient.
type asking struct {
	path string
	body any
	head []string
}

// The operations: how each is asked about a patient. One that is not here fails the test, so that whoever adds an operation
// says who may see what by it.
var operations = map[string]func(p patientOf) asking{
	"listWarnings":    func(patientOf) asking { return asking{path: "/v1/warnings?state=all"} },
	"getWarning":      func(p patientOf) asking { return asking{path: "/v1/warnings/" + p.warning} },
	"listUnjudged":    plainly("/v1/unjudged"),
	"listGroups":      plainly("/v1/groups"),
	"listPacks":       plainly("/v1/packs"),
	"getPack":         plainly("/v1/packs/copd"),
	"getSession":      plainly("/v1/session"),
	"getStatus":       plainly("/v1/status"),
	"listColleagues":  plainly("/v1/colleagues"),
	"listEmergencies": plainly("/v1/emergencies"),
	"getGroup":        func(p patientOf) asking { return asking{path: "/v1/groups/" + p.tenant + "/" + p.groups[0]} },
	"getReadings":     func(p patientOf) asking { return asking{path: "/v1/patients/" + p.key() + "/readings"} },
	"getCourse":       func(p patientOf) asking { return asking{path: "/v1/patients/" + p.key() + "/course"} },
	"getPlan":         func(p patientOf) asking { return asking{path: "/v1/patients/" + p.key() + "/plan"} },

	"getPerson": func(p patientOf) asking { return asking{path: "/v1/patients/" + p.key() + "/person"} },
	"getBrief": func(p patientOf) asking {
		return asking{path: "/v1/patients/" + p.key() + "/brief?warning=" + p.warning}
	},
	"getQuality": func(p patientOf) asking {
		return asking{path: "/v1/quality?tenant=" + p.tenant + "&group=" + p.groups[0]}
	},
	"getDuty": plainly("/v1/duty"),

	"setPerson": func(p patientOf) asking {
		return asking{path: "/v1/patients/" + p.key() + "/person", body: PersonBody{}}
	},
	"getConsents":    func(p patientOf) asking { return asking{path: "/v1/patients/" + p.key() + "/consents"} },
	"listTeams":      plainly("/v1/teams"),
	"getResponsible": func(p patientOf) asking { return asking{path: "/v1/patients/" + p.key() + "/responsible"} },
	"setResponsible": func(p patientOf) asking {
		return asking{path: "/v1/patients/" + p.key() + "/responsible", body: ResponsibleBody{Why: "words"}}
	},
	"listUnconsented": plainly("/v1/consents/missing"),
	"listConsents":    plainly("/v1/consents"),
	"recordConsent": func(p patientOf) asking {
		return asking{path: "/v1/patients/" + p.key() + "/consents", body: ConsentBody{ID: "c", Purposes: []string{"sharing"}, Form: "F", FormVersion: "1", GivenAt: 1, How: "paper", GivenBy: "patient"}}
	},
	"withdrawConsent": wish("consents/withdraw", WithdrawBody{Purposes: []string{"sharing"}, How: "spoken"}),
	"disownReadings":  wish("disown", DisownBody{Readings: []DisownReading{{event.SpO2Percent, event.Int(80)}}, Why: "words"}),
	"acceptWarning":   click("accept", map[string]any{}),
	"returnWarning":   click("return", map[string]any{}),
	"closeWarning":    click("close", map[string]any{"outcome": "real", "contacted": true, "disposition": "home"}),
	"callAbout":       click("call", map[string]any{"whom": "patient"}),
	"contactAbout":    click("contact", map[string]any{"whom": "patient", "outcome": "reached"}),
	"offerWarning":    click("offer", map[string]any{"to": "someone"}),
	"noteWarning":     click("note", map[string]any{"text": "words"}),
	"shelveWarning":   click("shelve", map[string]any{"reason": "none", "for_min": 30}),
	"unshelveWarning": click("unshelve", map[string]any{}),
	"judgeWarning":    click("outcome", map[string]any{"outcome": "real"}),
	"raiseWarning":    wish("warnings", WarnBody{Severity: event.Low, Text: "words"}),
	"endCare":         wish("leave", LeaveBody{Why: "moved"}),
	"resumeCare":      wish("resume", ResumeBody{}),
	"orderPlan": func(p patientOf) asking {
		return asking{path: "/v1/admin/plans", body: PlanBody{Tenant: p.tenant, Patient: p.id}}
	},
	"importPeople": func(p patientOf) asking {
		return asking{path: "/v1/admin/import", body: "tenant,patient,group,device,token\n", head: []string{"Content-Type", "text/csv"}}
	},

	// Drafts of packs and backtests count everybody, for who sees everybody: TestSEC5_ADraftIsForWhoSeesEverybody.
	"getDraft": plainly("/v1/packs/copd/draft"), "listBacktests": plainly("/v1/packs/copd/backtests"), "checkDraft": nil, "startBacktest": nil, "stopBacktest": nil,
	"proposeDraft": nil, "signProposal": nil, "declineProposal": nil,

	// These show no patient: what they are given is their whole subject.
	"makeToken": nil, "makeAccount": nil, "setGroup": nil, "publishPack": nil, "signIn": nil, "signOut": nil, "changePassword": nil,
	"listWays": nil, "setTeam": nil, "setRota": nil, "setPolicy": nil, "tellWatchdog": nil,
	"getPush": plainly("/v1/session/push"), "turnOnPush": nil, "turnOffPush": nil,
	"giveCode": nil, "offerFactor": nil, "confirmFactor": nil, "resetFactor": nil, "lockSession": nil, "unlockSession": nil, "stayHere": nil,
	// It is a zip, which hides what it holds: a test of its own.
	"exportOwn": nil,
	// An emergency opens a patient, and only somebody who reviews reads of others': tests of their own.
	"beginEmergency": nil, "reviewEmergency": nil,
	// Security and auditors read opaque ids there: a test of its own says that nobody else does.
	"readAudit": func(p patientOf) asking { return asking{path: "/v1/audit"} },
	// The stream is read on its own.
	"stream": nil,

	// Administrators read opaque ids there, of the tenants that they administer: a test of its own says that nobody else does.
	"listPatients":   plainly("/v1/patients"),
	"listDevices":    plainly("/v1/devices"),
	"searchPatients": func(patientOf) asking { return asking{path: "/v1/patients/search", body: SearchBody{Name: "Marker"}} },
	"enrolPatient": func(p patientOf) asking {
		return asking{path: "/v1/admin/patients", body: EnrolBody{Tenant: p.tenant, Patient: p.id + "-new", Groups: p.groups}}
	},
	"regroupPatient": func(p patientOf) asking {
		return asking{path: "/v1/admin/patients/" + p.key() + "/groups", body: RegroupBody{Groups: []string{"other"}, Was: []string{"none"}}}
	},
	"bindDevice": func(p patientOf) asking {
		return asking{path: "/v1/admin/devices", body: BindBody{Device: "d-" + p.id, Tenant: p.tenant, Patient: p.id}}
	},
	"renewDevice": func(p patientOf) asking { return asking{path: "/v1/admin/devices/of-" + p.id + "/credentials"} },
	"replaceDevice": func(p patientOf) asking {
		return asking{path: "/v1/admin/devices/of-" + p.id + "/replace", body: ReplaceBody{With: "other"}}
	},
	"revokeDevice": func(p patientOf) asking { return asking{path: "/v1/admin/devices/of-" + p.id} },
	"setPatientClinic": func(p patientOf) asking {
		return asking{path: "/v1/admin/patients/" + p.key() + "/clinic", body: PatientClinicBody{Clinic: "", Was: p.clinic}}
	},
	"listClinics": plainly("/v1/clinics"), "setClinic": nil, // a clinic's name is no patient's
	// Accounts and tokens are no patients.
	"listAccounts": plainly("/v1/admin/accounts"), "appointAccount": nil, "resetPassword": nil, "lockAccount": nil, "withdrawToken": nil,
}

// registers are the operations by which an administrator looks after the register: they know opaque ids, and say nothing of a patient's
// health.
var registers = []string{"listPatients", "listDevices", "enrolPatient", "regroupPatient", "setPatientClinic", "bindDevice", "renewDevice", "replaceDevice", "revokeDevice"}

func plainly(path string) func(patientOf) asking {
	return func(patientOf) asking { return asking{path: path} }
}

func click(verb string, body any) func(patientOf) asking {
	return func(p patientOf) asking {
		return asking{"/v1/warnings/" + p.warning + "/" + verb, body, []string{"Idempotency-Key", "k-" + verb}}
	}
}

func wish(verb string, body any) func(patientOf) asking {
	return func(p patientOf) asking {
		return asking{"/v1/patients/" + p.key() + "/" + verb, body, []string{"Idempotency-Key", "k-" + verb}}
	}
}

func TestSEC5_NoOperationAndNoStreamShowsAForeignPatient(t *testing.T) {
	h := open(t)
	w := &world{hospital: h}
	h.lives("someone", roleLead, scopeOf([]string{"*"})) // nobody is unattended: that has a test of its own
	h.lives("someone", roleLead, nil)
	all := h.as(roleLead, "all")
	methods := operationsOf(t)
	end := time.Now().Add(20 * time.Second)
	rapid.Check(t, func(rt *rapid.T) {
		if time.Now().After(end) && w.n >= 3 {
			return // as many worlds as there is time for
		}
		w.draw(rt, all)
		listening := w.listen()
		for _, a := range w.accounts {
			w.walk(rt, a, methods)
		}
		w.stir(all)
		for i, a := range w.accounts {
			w.heard(rt, a, listening[i])
		}
		for _, a := range w.accounts {
			w.seesTheirs(rt, a)
		}
	})
	t.Logf("%d worlds, %d operations", w.n, len(methods))
}

// operationsOf reads the description of the API; an operation without a rule fails.
func operationsOf(t *testing.T) map[string]string {
	t.Helper()
	b, err := OpenAPI()
	if err != nil {
		t.Fatal(err)
	}
	var doc struct {
		Paths map[string]map[string]struct{ OperationID string }
	}
	if err := json.Unmarshal(b, &doc); err != nil {
		t.Fatal(err)
	}
	methods := map[string]string{}
	for path, of := range doc.Paths {
		for method, o := range of {
			if _, known := operations[o.OperationID]; !known {
				t.Fatalf("%s %s (%s) has no rule in this test: say how it is asked about a patient", method, path, o.OperationID)
			}
			methods[o.OperationID] = strings.ToUpper(method)
		}
	}
	return methods
}

// draw makes a new world beside those before it.
func (w *world) draw(rt *rapid.T, all *browser) {
	w.n++
	w.patients, w.accounts = nil, nil
	tenants := []string{fmt.Sprintf("w%da", w.n), fmt.Sprintf("w%db", w.n)}
	groups := []string{"copd", "heart", "kidney"}
	var keys []string
	for _, t := range tenants {
		for _, g := range groups {
			keys = append(keys, t+"/"+g)
		}
	}
	clinics := []string{"east", "west"}
	var offices []string
	for _, t := range tenants {
		for _, c := range clinics {
			w.clinic(t, c)
			offices = append(offices, t+"/"+c)
		}
	}
	for i := range rapid.IntRange(2, 4).Draw(rt, "patients") {
		p := patientOf{tenant: rapid.SampledFrom(tenants).Draw(rt, "tenant"), id: fmt.Sprintf("Zq%dx%dMarker", w.n, i),
			groups: rapid.SliceOfNDistinct(rapid.SampledFrom(groups), 1, 2, rapid.ID).Draw(rt, "groups")}
		w.patient(p.tenant, p.id, p.groups[0], p.groups[1:]...)
		if p.clinic = rapid.SampledFrom(append(clinics, "")).Draw(rt, "clinic"); p.clinic != "" {
			w.belongs(p.tenant, p.id, p.clinic)
		}
		p.warning = w.warn(all, p.tenant, p.id, fmt.Sprintf("w%d-%d", w.n, i))
		w.patients = append(w.patients, p)
	}
	for i := range rapid.IntRange(3, 5).Draw(rt, "accounts") {
		a := accountOf{name: fmt.Sprintf("a%d-%d", w.n, i), role: rapid.SampledFrom(Roles).Draw(rt, "role"), scope: &event.Scope{
			Tenants: rapid.SliceOfNDistinct(rapid.SampledFrom(append(slices.Clone(tenants), "*")), 0, 1, rapid.ID).Draw(rt, "tenants"),
			Groups:  rapid.SliceOfNDistinct(rapid.SampledFrom(keys), 0, 3, rapid.ID).Draw(rt, "of groups"),
			Clinics: rapid.SliceOfNDistinct(rapid.SampledFrom(offices), 0, 2, rapid.ID).Draw(rt, "of clinics"),
		}}
		if i == 0 { // in every world somebody is there for clinics alone
			a.role, a.scope.Tenants, a.scope.Groups = rapid.SampledFrom([]string{roleClinic, roleLead, roleNurse}).Draw(rt, "role at a clinic"), nil, nil
			a.scope.Clinics = rapid.SliceOfNDistinct(rapid.SampledFrom(offices), 1, 2, rapid.ID).Draw(rt, "clinics of that")
		}
		a.b = w.ofScope(a.name, a.role, a.scope)
		w.accounts = append(w.accounts, a)
	}
}

// shows fails when a text holds the marker of a patient who is foreign to an account; also one of another world.
func (w *world) shows(rt *rapid.T, a accountOf, what, text string) {
	for _, p := range w.patients {
		if !w.maySee(a, p) && (strings.Contains(text, p.id) || strings.Contains(text, p.warning)) {
			rt.Fatalf("%s shows %s the patient %s of %v, who is foreign to the role %s with %+v:\n%s", what, a.name, p.key(), p.groups, a.role, *a.scope, text)
		}
	}
}

// walk asks every operation about every patient.
func (w *world) walk(rt *rapid.T, a accountOf, methods map[string]string) {
	for id, method := range methods {
		ask := operations[id]
		if ask == nil || id == "readAudit" && mayAudit(a.role) || a.role == roleAdministrator && slices.Contains(registers, id) {
			continue
		}
		for _, p := range w.patients {
			q := ask(p)
			if w.maySee(a, p) && method != http.MethodGet {
				continue // what they may do is not the question here
			}
			status, raw := a.b.do(method, q.path, q.body, nil, q.head...)
			w.shows(rt, a, method+" "+q.path, raw)
			about := strings.Contains(q.path, p.id) || strings.Contains(q.path, p.warning)
			if about && !w.maySee(a, p) && status < 400 {
				rt.Fatalf("%s %s by %s (%s, %+v): %d %s", method, q.path, a.name, a.role, *a.scope, status, raw)
			}
		}
	}
}

// listen opens a stream for everybody, each with a board.
func (w *world) listen() (all []<-chan heard) {
	for i, a := range w.accounts {
		if !maySee(a.role) {
			all = append(all, nil)
			continue
		}
		p := w.patients[i%len(w.patients)]
		events, _ := a.b.listen("/v1/stream?group="+p.tenant+"/"+p.groups[0], "")
		all = append(all, events)
	}
	return all
}

// stir changes every patient, then something that everybody hears.
func (w *world) stir(all *browser) {
	for i, p := range w.patients {
		all.click("note", p.warning, fmt.Sprintf("stir-%d-%d", w.n, i), map[string]any{"text": "stirred"})
	}
	key := streams.PatientKey(streams.SystemTenant, "stir")
	w.append(key, event.Envelope{ID: fmt.Sprintf("stir/%d", w.n), Source: "test", Subject: key, At: event.TimeOf(time.Now()),
		Data: &event.FaultReported{Kind: fmt.Sprintf("stir-%d", w.n), Detail: "everybody hears this"}})
}

// heard reads a stream until what everybody hears has come.
func (w *world) heard(rt *rapid.T, a accountOf, events <-chan heard) {
	if events == nil {
		if status, raw := a.b.do("GET", "/v1/stream", nil, nil); status != http.StatusForbidden {
			rt.Fatalf("a stream for %s: %d %s", a.role, status, raw)
		}
		return
	}
	late := time.After(10 * time.Second)
	for mark := fmt.Sprintf("stir-%d", w.n); ; {
		select {
		case e, on := <-events:
			if !on {
				rt.Fatalf("the stream of %s ended", a.name)
			}
			w.shows(rt, a, "the stream, "+e.Name, e.ID+e.Data)
			if strings.Contains(e.Data, mark) {
				return
			}
		case <-late:
			rt.Fatalf("the stream of %s (%s, %+v) does not tell what everybody hears", a.name, a.role, *a.scope)
		}
	}
}

// seesTheirs: nobody is kept from a warning that is theirs.
func (w *world) seesTheirs(rt *rapid.T, a accountOf) {
	if !maySee(a.role) {
		return
	}
	list := a.b.warnings("open")
	for _, p := range w.patients {
		is := slices.ContainsFunc(list, func(x Warning) bool { return x.ID == p.warning })
		if is != w.maySee(a, p) {
			rt.Fatalf("%s (%s, %+v): the warning of %s in %v is shown: %v", a.name, a.role, *a.scope, p.key(), p.groups, is)
		}
	}
}

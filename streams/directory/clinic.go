package directory

import (
	"fmt"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"tocsin/streams/event"
)

// Community clinics, and who belongs to which.
//
//	clinic/{t}/{c}   ClinicRequested          is the name right?                 one that is there is changed here
//	tenant/{t}       houses                   made if it is new
//	clinic/{t}/{c}   set
//
//	patient/{t}/{p}  PatientClinicRequested   is there such a patient?           leaving a clinic is decided here
//	clinic/{t}/{c}   clinic                   is it there, and open?             else refused
//	patient/{t}/{p}  belongs
//
// An import asks the same of a clinic on the way of an enrolment (enrol.go).

const stageBelongs = "belongs"

// longestClinicName is in bytes.
const longestClinicName = 200

// ClinicKey answers clinic/{tenant}/{clinic}.
func ClinicKey(tenant, clinic string) string { return "clinic/" + tenant + "/" + clinic }

func decideClinic(s Entity, id string, r *event.ClinicRequested) []event.Event {
	if err := checkClinic(r); err != nil {
		return refuse(id, badName(err))
	}
	if s.Clinic != nil {
		return setClinic(s, r)
	}
	return one(&event.RequestForwarded{Request: id, Stage: stageHouses, To: TenantKey(r.Tenant), Clinic: r})
}

func decideClinicStage(d *event.RequestForwarded, r *event.ClinicRequested, s Entity) []event.Event {
	switch d.Stage {
	case stageHouses:
		set := one(&event.RequestForwarded{Request: d.Request, Stage: stageSet, To: ClinicKey(r.Tenant, r.Clinic), Clinic: r})
		if s.Tenant {
			return set
		}
		return append(one(&event.TenantCreated{Tenant: r.Tenant}), set...)
	case stageSet:
		return setClinic(s, r)
	}
	return nil
}

func setClinic(s Entity, r *event.ClinicRequested) []event.Event {
	set := &event.ClinicSet{Tenant: r.Tenant, Clinic: r.Clinic, Zh: r.Zh, En: r.En, Closed: r.Closed}
	if s.Clinic != nil && *s.Clinic == *set {
		return nil
	}
	return one(set)
}

func checkClinic(r *event.ClinicRequested) error {
	if err := checkTenant(r.Tenant); err != nil {
		return err
	}
	if err := checkClinicID(r.Clinic); err != nil {
		return err
	}
	if r.Zh == "" && r.En == "" {
		return inWords("a clinic needs a name, in Chinese or in English", "社区卫生服务中心须有名称（中文或英文）")
	}
	for _, name := range []string{r.Zh, r.En} {
		if err := checkClinicName(name); err != nil {
			return err
		}
	}
	return nil
}

// checkClinicID tells what is wrong with the id of a clinic, or nil. It stands in addresses of pages and in files.
func checkClinicID(id string) error {
	if err := CheckID("clinic", id); err != nil {
		return err
	}
	if strings.ContainsFunc(id, func(c rune) bool {
		return !(c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '_' || c == '-')
	}) {
		return inWords(fmt.Sprintf("clinic %q: an id has letters a to z, digits, _ and - alone", id), fmt.Sprintf("社区卫生服务中心编号 %q 只能含字母、数字、_ 和 -", id))
	}
	return nil
}

// checkClinicName keeps telephone numbers out, which are somebody's and belong into the vault (SEC-6).
func checkClinicName(name string) error {
	digits := 0
	for _, c := range name {
		switch {
		case unicode.IsControl(c):
			return inWords("the name of a clinic has a control character", "社区卫生服务中心名称含有控制字符")
		case unicode.IsDigit(c):
			digits++
		}
	}
	switch {
	case !utf8.ValidString(name) || len(name) > longestClinicName || strings.TrimSpace(name) != name:
		return inWords(fmt.Sprintf("the name of a clinic is text of at most %d bytes, without spaces around it", longestClinicName), fmt.Sprintf("社区卫生服务中心名称最多 %d 字节，首尾无空格", longestClinicName))
	case digits > 6:
		return inWords("the name of a clinic holds a long number: telephones belong into the vault, to each patient", "社区卫生服务中心名称含有长号码；电话请填入患者资料库")
	}
	return nil
}

func decidePatientClinic(s Entity, id string, r *event.PatientClinicRequested) []event.Event {
	switch {
	case s.Patient == nil || s.Patient.Group == "":
		return refuse(id, unknownPatient(r.Tenant, r.Patient))
	case s.Patient.Clinic == r.Clinic:
		return nil
	case r.Was != nil && *r.Was != s.Patient.Clinic:
		return refuse(id, overtaken)
	case r.Clinic == "":
		return belong(s, r)
	}
	if err := checkClinicID(r.Clinic); err != nil {
		return refuse(id, badName(err))
	}
	return one(&event.RequestForwarded{Request: id, Stage: stageClinic, To: ClinicKey(r.Tenant, r.Clinic), PatientClinic: r})
}

func decidePatientClinicStage(s Entity, d *event.RequestForwarded, r *event.PatientClinicRequested) []event.Event {
	switch d.Stage {
	case stageClinic:
		if why := takesPatients(s.Clinic, r.Tenant, r.Clinic); why != nil {
			return refuse(d.Request, *why)
		}
		return one(&event.RequestForwarded{Request: d.Request, Stage: stageBelongs, To: PatientKey(r.Tenant, r.Patient), PatientClinic: r})
	case stageBelongs:
		return belong(s, r)
	}
	return nil
}

func belong(s Entity, r *event.PatientClinicRequested) []event.Event {
	return one(&event.PatientClinicSet{Tenant: r.Tenant, Patient: r.Patient, Clinic: r.Clinic, Was: s.Patient.clinic()})
}

// takesPatients tells why a clinic takes no further patient, or nil.
func takesPatients(c *event.ClinicSet, tenant, clinic string) *refusal {
	switch {
	case c == nil:
		return &refusal{"unknown", fmt.Sprintf("机构 %s 没有社区卫生服务中心 %s；请先添加", tenant, clinic), fmt.Sprintf("tenant %s has no community clinic %s; set it first", tenant, clinic)}
	case c.Closed:
		return &refusal{"closed", fmt.Sprintf("社区卫生服务中心 %s 已停用，不再接收患者", clinic), fmt.Sprintf("community clinic %s is closed and takes no further patients", clinic)}
	}
	return nil
}

// clinic answers that of a patient, if there is one.
func (p *Patient) clinic() string {
	if p == nil {
		return ""
	}
	return p.Clinic
}

// at tells whether the patient belongs to the clinic of an enrolment; one that names none leaves what stands.
func (p *Patient) at(r *event.EnrolRequested) bool { return r.Clinic == "" || p.clinic() == r.Clinic }

// belongs is a copy of a patient who belongs to a clinic.
func (p *Patient) belongs(clinic string) *Patient {
	next := Patient{}
	if p != nil {
		next = *p
	}
	next.Clinic = clinic
	return &next
}

// AtClinic answers the clinic of a patient as {tenant}/{clinic}; empty for none.
func (p Patient) AtClinic(tenant string) string {
	if p.Clinic == "" {
		return ""
	}
	return tenant + "/" + p.Clinic
}

// Clinic answers a clinic, also one that is closed.
func (v *View) Clinic(tenant, clinic string) (event.ClinicSet, bool) {
	v.mu.RLock()
	defer v.mu.RUnlock()
	c, ok := v.clinics[ClinicKey(tenant, clinic)]
	return c, ok
}

// Clinics answers every clinic, by tenant and id.
func (v *View) Clinics() []event.ClinicSet {
	all := sorted(v, v.clinics)
	slices.SortStableFunc(all, func(a, b event.ClinicSet) int { return strings.Compare(a.Tenant, b.Tenant) })
	return all
}

// tryClinic answers why a row's clinic would not take its patient.
func (v *View) tryClinic(r *event.EnrolRequested) *event.RequestRefused {
	var c *event.ClinicSet
	if set, ok := v.Clinic(r.Tenant, r.Clinic); ok {
		c = &set
	}
	if why := takesPatients(c, r.Tenant, r.Clinic); why != nil {
		return refuse("", *why)[0].(*event.RequestRefused)
	}
	return nil
}

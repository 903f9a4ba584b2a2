package directory

import (
	"reflect"

	"tocsin/streams/event"
)

// How an enrolment travels. Each stage is asked of one entity, which sees its own state alone:
//
//	device/{id}      EnrolRequested   is the device free for this patient?      else refused
//	patient/…        known            (a row that was imported before) still in this group?   then it ends here
//	patient/…        stays            (a row that names a clinic) belongs to it already?   then on to tenant
//	clinic/{t}/{c}   clinic           is it there, and open?                    else refused
//	tenant/{t}       tenant           made if it is new
//	group/{t}/{g}    group            there already?                            then on to the next group, or to enrol
//	pack/{g}         pack             a pack of the group's own name, or news2: the group is made
//	                                  both once for each group of the patient, the leading one first
//	patient/…        enrol            enrolled or moved to the group
//	device/{id}      bind             bound from now on
//
// Nothing is decided before device and clinic have said yes, so a refused row leaves nothing behind.
const (
	stageKnown  = "known"
	stageStays  = "stays"
	stageClinic = "clinic"
	stageTenant = "tenant"
	stageGroup  = "group"
	stagePack   = "pack"
	stageEnrol  = "enrol"
	stageBind   = "bind"
	// A group that somebody asked for by name:
	stageUses   = "uses"   // pack/{id}: is there such a pack?
	stageHouses = "houses" // tenant/{t}: made if it is new
	stageSet    = "set"    // group/{t}/{g}
)

// DefaultPack is what a group uses when there is no pack of its own name.
const DefaultPack = "news2"

func decideEnrol(s Entity, id string, r *event.EnrolRequested) []event.Event {
	if err := checkEnrol(r); err != nil {
		return refuse(id, badName(err))
	}
	r = inOrder(r)
	if r.Device == "" {
		return forwardEnrol(id, settling(r), r)
	}
	held := s.Device != nil && !s.Device.Revoked
	switch {
	case held && s.Device.Tenant != r.Tenant:
		return refuse(id, deviceElsewhere(r.Device))
	case held && s.Device.Patient != r.Patient:
		return refuse(id, deviceTaken(r.Device, s.Device.Patient))
	case !held && r.TokenSHA256 == "":
		return refuse(id, needsToken(r.Device))
	case held && (r.TokenSHA256 == "" || r.TokenSHA256 == s.Device.TokenSHA256):
		return forwardEnrol(id, stageKnown, r)
	}
	return forwardEnrol(id, settling(r), r)
}

// settling is the stage behind the device: a clinic has to be asked where the row names one.
func settling(r *event.EnrolRequested) string {
	if r.Clinic != "" {
		return stageStays
	}
	return stageTenant
}

// moving is the stage behind what the patient says: a closed clinic keeps those whom it has.
func moving(p *Patient, r *event.EnrolRequested) string {
	if p.at(r) {
		return stageTenant
	}
	return stageClinic
}

func checkEnrol(r *event.EnrolRequested) error {
	if err := checkEnrolled(r); err != nil {
		return err
	}
	if err := CheckID("patient", r.Patient); err != nil {
		return err
	}
	if err := checkGroups(groupsOf(r)); err != nil {
		return err
	}
	if r.Clinic != "" {
		if err := checkClinicID(r.Clinic); err != nil {
			return err
		}
	}
	if r.Device == "" {
		return nil
	}
	if r.TokenSHA256 != "" && !isSum(r.TokenSHA256) {
		return errToken
	}
	return CheckID("device", r.Device)
}

// forwardEnrol hands an enrolment to the entity that its next stage asks.
func forwardEnrol(id, stage string, r *event.EnrolRequested) []event.Event {
	return forwardEnrolFor(id, stage, r.Group, r)
}

// forwardEnrolFor is forwardEnrol where the stage is about one of the patient's groups.
func forwardEnrolFor(id, stage, group string, r *event.EnrolRequested) []event.Event {
	to := map[string]string{
		stageKnown: PatientKey(r.Tenant, r.Patient), stageStays: PatientKey(r.Tenant, r.Patient), stageClinic: ClinicKey(r.Tenant, r.Clinic), stageTenant: TenantKey(r.Tenant), stageGroup: GroupKey(r.Tenant, group),
		stagePack: PackKey(group), stageEnrol: PatientKey(r.Tenant, r.Patient), stageBind: DeviceKey(r.Device),
	}[stage]
	return one(&event.RequestForwarded{Request: id, Stage: stage, To: to, Enrol: r})
}

func decideForwarded(s Entity, d *event.RequestForwarded, now event.Time) []event.Event {
	switch {
	case d.Enrol != nil:
		return decideEnrolStage(s, d, d.Enrol, now)
	case d.Group != nil:
		return decideGroupStage(s, d, d.Group, now)
	case d.Link != nil:
		return decideLinkStage(s, d.Request, d.Link)
	case d.Set != nil, d.Lock != nil:
		return decideStands(s, d)
	case d.Clinic != nil:
		return decideClinicStage(d, d.Clinic, s)
	case d.PatientClinic != nil:
		return decidePatientClinicStage(s, d, d.PatientClinic)
	}
	return nil
}

func decideEnrolStage(s Entity, d *event.RequestForwarded, r *event.EnrolRequested, now event.Time) []event.Event {
	next := func(stage string) []event.Event { return forwardEnrol(d.Request, stage, r) }
	switch d.Stage {
	case stageKnown:
		if s.Patient != nil && s.Patient.in(r) && s.Patient.at(r) {
			return nil
		}
		return next(moving(s.Patient, r))
	case stageStays:
		return next(moving(s.Patient, r))
	case stageClinic:
		if why := takesPatients(s.Clinic, r.Tenant, r.Clinic); why != nil {
			return refuse(d.Request, *why)
		}
		return next(stageTenant)
	case stageTenant:
		if s.Tenant {
			return next(stageGroup)
		}
		return append(one(&event.TenantCreated{Tenant: r.Tenant}), next(stageGroup)...)
	case stageGroup:
		group := groupAsked(d, r, func(group string) string { return GroupKey(r.Tenant, group) })
		if s.Group != nil {
			return behindGroup(d.Request, group, r)
		}
		return forwardEnrolFor(d.Request, stagePack, group, r)
	case stagePack:
		group := groupAsked(d, r, PackKey)
		g := &event.GroupSet{Tenant: r.Tenant, Group: group, Pack: DefaultPack}
		if s.Pack != nil {
			g.Pack = group
		}
		return append(one(g), behindGroup(d.Request, group, r)...)
	case stageEnrol:
		return append(enrol(s, r), bindNext(d.Request, r)...)
	case stageBind:
		return bind(s, r, now)
	}
	return nil
}

func enrol(s Entity, r *event.EnrolRequested) (all []event.Event) {
	switch {
	case s.Patient == nil || s.Patient.Group == "":
		all = one(&event.PatientEnrolled{Tenant: r.Tenant, Patient: r.Patient, Group: r.Group, Also: r.Also, ConsentKept: true})
	case !s.Patient.in(r):
		all = one(&event.PatientGrouped{Tenant: r.Tenant, Patient: r.Patient, Group: r.Group, Also: r.Also, Was: s.Patient.Group})
	}
	if !s.Patient.at(r) {
		all = append(all, &event.PatientClinicSet{Tenant: r.Tenant, Patient: r.Patient, Clinic: r.Clinic, Was: s.Patient.clinic()})
	}
	return all
}

func bindNext(id string, r *event.EnrolRequested) []event.Event {
	if r.Device == "" {
		return nil
	}
	return forwardEnrol(id, stageBind, r)
}

// bind holds the device for the patient from now on, unless it is so already. That nobody else holds it was asked first.
func bind(s Entity, r *event.EnrolRequested, now event.Time) []event.Event {
	if s.Device != nil && !s.Device.Revoked && (r.TokenSHA256 == "" || r.TokenSHA256 == s.Device.TokenSHA256) {
		return nil
	}
	return one(&event.DeviceBound{Device: r.Device, Tenant: r.Tenant, Patient: r.Patient, TokenSHA256: r.TokenSHA256, From: now})
}

func decideGroup(s Entity, id string, r *event.GroupRequested, now event.Time) []event.Event {
	if err := checkTenant(r.Tenant); err != nil {
		return refuse(id, badName(err))
	}
	if err := CheckID("group", r.Group); err != nil {
		return refuse(id, badName(err))
	}
	if why := checkCadence(r.CadenceMs); why != nil {
		return refuse(id, *why)
	}
	if _, why := signGroup(s, r, now); why != nil {
		return refuse(id, *why)
	}
	return forwardGroup(id, stageUses, PackKey(r.Pack), r)
}

func forwardGroup(id, stage, to string, r *event.GroupRequested) []event.Event {
	return one(&event.RequestForwarded{Request: id, Stage: stage, To: to, Group: r})
}

func decideGroupStage(s Entity, d *event.RequestForwarded, r *event.GroupRequested, now event.Time) []event.Event {
	switch d.Stage {
	case stageUses:
		if s.Pack == nil {
			return refuse(d.Request, unknownPack(r.Pack))
		}
		return forwardGroup(d.Request, stageHouses, TenantKey(r.Tenant), r)
	case stageHouses:
		set := forwardGroup(d.Request, stageSet, GroupKey(r.Tenant, r.Group), r)
		if s.Tenant {
			return set
		}
		return append(one(&event.TenantCreated{Tenant: r.Tenant}), set...)
	case stageSet:
		signed, why := signGroup(s, r, now)
		if why != nil { // it was asked before anything was decided, of the same group at the same moment
			return refuse(d.Request, *why)
		}
		g := &event.GroupSet{Tenant: r.Tenant, Group: r.Group, Pack: r.Pack, Zh: r.Zh, En: r.En, CadenceMs: r.CadenceMs, Overrides: signed, AsRecorded: r.AsRecorded}
		if s.Group != nil && sameGroup(*s.Group, *g) {
			return nil
		}
		return one(g)
	}
	return nil
}

// signGroup checks and signs what a group changes of its pack's rules.
func signGroup(s Entity, r *event.GroupRequested, now event.Time) ([]event.Override, *refusal) {
	var before []event.Override
	if s.Group != nil {
		before = s.Group.Overrides
	}
	if why := checkOverrides(r.Overrides, r.By); why != nil {
		return nil, why
	}
	return sign(r.Overrides, before, r.By, now)
}

func sameGroup(a, b event.GroupSet) bool {
	if !reflect.DeepEqual(a.Overrides, b.Overrides) {
		return false
	}
	if a.Pack != b.Pack || a.Zh != b.Zh || a.En != b.En || a.AsRecorded != b.AsRecorded || len(a.CadenceMs) != len(b.CadenceMs) {
		return false
	}
	for q, ms := range a.CadenceMs {
		if other, ok := b.CadenceMs[q]; !ok || other != ms {
			return false
		}
	}
	return true
}

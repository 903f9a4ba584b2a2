package directory

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"

	"tocsin/streams"
	"tocsin/streams/event"
)

// Binding is whose readings a device sends, and how it proves itself.
type Binding struct {
	Device, Tenant, Patient, Group string
	TokenSHA256                    string // hex
	AsRecorded                     bool   // of the group: every value is believed as it stands
	Revoked                        bool
	From                           event.Time // since when the device is this patient's
}

// View answers questions from the directory as far as it has read it. It is folded from what the registrar decided, by
// the rule of reading; every door and desk has one.
type View struct {
	log streams.Log

	mu        sync.RWMutex
	changed   chan struct{} // closed and replaced after each step
	devices   map[string]Device
	patients  map[string]Patient // by {tenant}/{patient}
	groups    map[string]event.GroupSet
	packs     map[string]event.PackPublished
	proposed  map[string]event.PackProposed // what waits for signatures, by pack
	accounts  map[string]event.AccountSet
	factors   map[string]Factor         // by account
	tokens    map[string]event.TokenSet // by name
	policies  map[string]event.PolicySet
	rotas     map[string]event.RotaSet
	persons   map[string]Person // by {tenant}/{patient}
	bySum     map[string]string // SHA-256 to name
	position  int64             // after the last step that held
	inputs    int64             // the next input of the registrar that no step has settled
	ready     bool
	expected  map[string]*event.RequestRefused // answers that somebody waits for, by request
	onRevoke  []func(device string)
	onChanged []func()

	emergencies map[string]Emergency     // by id
	pushes      map[string]Push          // by id
	linked      map[string]string        // account, by subject
	teams       map[string]event.TeamSet // by key
	locked      map[string]event.AccountLocked
	clinics     map[string]event.ClinicSet // by key
}

// NewView makes a view of log's directory. It is empty until Run has read it.
func NewView(log streams.Log) *View {
	return &View{
		log: log, changed: make(chan struct{}), devices: map[string]Device{}, patients: map[string]Patient{},
		groups: map[string]event.GroupSet{}, packs: map[string]event.PackPublished{}, proposed: map[string]event.PackProposed{}, accounts: map[string]event.AccountSet{},
		tokens: map[string]event.TokenSet{}, bySum: map[string]string{}, policies: map[string]event.PolicySet{}, rotas: map[string]event.RotaSet{},
		persons: map[string]Person{}, factors: map[string]Factor{}, emergencies: map[string]Emergency{}, pushes: map[string]Push{}, linked: map[string]string{}, teams: map[string]event.TeamSet{}, clinics: map[string]event.ClinicSet{}, locked: map[string]event.AccountLocked{}, expected: map[string]*event.RequestRefused{},
	}
}

// OnRevoke has fn called within the follow loop when a device loses the access it had: revoked, bound anew, or given
// another token.
func (v *View) OnRevoke(fn func(device string)) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.onRevoke = append(v.onRevoke, fn)
}

// OnChanged has fn called within the follow loop after every step, once the view answers from it.
func (v *View) OnChanged(fn func()) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.onChanged = append(v.onChanged, fn)
}

// Run follows the directory until ctx ends, over errors of the log: an old answer is better than none at a door. It
// ends early only when a record is unreadable or newer than this program, or when the log has lost what was read.
func (v *View) Run(ctx context.Context) error {
	steps := streams.NewSteps(streams.Beginning)
	err := streams.KeepOn(ctx, func(ctx context.Context) (bool, error) {
		at := steps.Next()
		err := v.follow(ctx, steps)
		return steps.Next() > at, err
	}, func(error, time.Duration) {}, streams.Lasting...) // whoever asks is answered from what has been read
	if ctx.Err() != nil {
		return ctx.Err()
	}
	return fmt.Errorf("follow the directory: %w", err)
}

func (v *View) follow(ctx context.Context, steps *streams.Steps) error {
	_, end, err := v.log.Bounds(ctx, streams.Directory, 0)
	if err != nil {
		return err
	}
	read := func() {
		if steps.Next() >= end {
			v.caughtUp()
		}
	}
	read()
	return follow(ctx, v.log, steps, func(step *streams.Step) error { v.take(step); return nil }, read)
}

func (v *View) caughtUp() {
	v.mu.Lock()
	defer v.mu.Unlock()
	if !v.ready {
		v.ready = true
		v.wake()
	}
}

// wake tells everybody who waits. The caller holds the lock.
func (v *View) wake() {
	close(v.changed)
	v.changed = make(chan struct{})
}

// take folds one step and then tells those who wait for it.
func (v *View) take(step *streams.Step) {
	var lost []string
	v.mu.Lock()
	for _, e := range step.Events {
		if device := v.fold(e); device != "" {
			lost = append(lost, device)
		}
	}
	v.position, v.inputs = step.Offset+1, step.Close.Inputs.Next
	v.wake()
	onRevoke, onChanged := v.onRevoke, v.onChanged // appended to at most, so these stay as they are
	v.mu.Unlock()
	for _, device := range lost {
		for _, fn := range onRevoke {
			fn(device)
		}
	}
	for _, fn := range onChanged {
		fn()
	}
}

// fold takes one fact and answers the device that has lost its access by it, if one has.
func (v *View) fold(e event.Envelope) (lost string) {
	switch d := e.Data.(type) {
	case *event.DeviceBound:
		was, held := v.devices[d.Device]
		v.devices[d.Device] = Device{DeviceBound: *d}
		if held && !was.Revoked && (was.TokenSHA256 != d.TokenSHA256 || was.Tenant != d.Tenant || was.Patient != d.Patient) {
			return d.Device
		}
	case *event.DeviceRevoked:
		was := v.devices[d.Device]
		v.devices[d.Device] = Device{DeviceBound: was.DeviceBound, Revoked: true}
		return d.Device
	case *event.PatientEnrolled:
		v.place(d.Tenant, d.Patient, d.Group, d.Also)
		v.consented(d.Tenant, d.Patient, func(c event.Consents) event.Consents { c.Kept = d.ConsentKept; return c })
	case *event.PatientGrouped:
		v.place(d.Tenant, d.Patient, d.Group, d.Also)
	case *event.PlanChanged:
		key := streams.PatientKey(d.Tenant, d.Patient)
		p := v.patients[key]
		p.Plan = &d.Plan
		v.patients[key] = p
	case *event.TeamSet:
		v.teams[d.About()] = *d
	case *event.ResponsibleSet:
		key := streams.PatientKey(d.Tenant, d.Patient)
		p := v.patients[key]
		p.Responsible = d
		v.patients[key] = p
	case *event.ClinicSet:
		v.clinics[d.About()] = *d
	case *event.PatientClinicSet:
		key := streams.PatientKey(d.Tenant, d.Patient)
		p := v.patients[key]
		p.Clinic = d.Clinic
		v.patients[key] = p
	case *event.ConsentGiven:
		v.consented(d.Tenant, d.Patient, func(c event.Consents) event.Consents { return c.Give(d, e.At) })
	case *event.ConsentWithdrawn:
		v.consented(d.Tenant, d.Patient, func(c event.Consents) event.Consents { return c.Withdraw(d, e.At) })
	case *event.GroupSet:
		v.groups[GroupKey(d.Tenant, d.Group)] = *d
	case *event.PackPublished:
		v.packs[d.Pack] = *d
		delete(v.proposed, d.Pack)
	case *event.PackProposed:
		v.proposed[d.Pack] = *d
	case *event.PackDeclined:
		delete(v.proposed, d.Pack)
	case *event.AccountSet:
		v.accounts[d.Account] = *d
	case *event.FactorSet:
		v.factor(d.Account, d)
	case *event.CodeUsed:
		v.factor(d.Account, d)
	case *event.FactorReset:
		v.factor(d.Account, d)
	case *event.AccountLocked:
		if delete(v.locked, d.Account); d.Locked {
			v.locked[d.Account] = *d
		}
	case *event.TokenWithdrawn:
		delete(v.bySum, v.tokens[d.Token].SHA256)
		delete(v.tokens, d.Token)
	case *event.TokenSet:
		delete(v.bySum, v.tokens[d.Token].SHA256)
		v.tokens[d.Token] = *d
		v.bySum[d.SHA256] = d.Token
	case *event.PolicySet:
		v.policies[d.About()] = *d
	case *event.RotaSet:
		v.rotas[d.About()] = *d
	case *event.PersonSet:
		v.persons[streams.PatientKey(d.Tenant, d.Patient)] = *personOf(d)
	case *event.PersonErased:
		v.persons[streams.PatientKey(d.Tenant, d.Patient)] = *erasedFrom(d)
	case *event.EmergencyBegun:
		v.emergencies[d.Emergency] = Emergency{EmergencyBegun: *d}
	case *event.EmergencyReviewed:
		v.emergencies[d.Emergency] = Emergency{v.emergencies[d.Emergency].EmergencyBegun, d}
	case *event.PushSet:
		v.pushes[d.Push] = Push{d.Push, d.Account, d.Sealed}
	case *event.PushEnded:
		delete(v.pushes, d.Push)
	case *event.AccountLinked:
		a := v.accounts[d.Account]
		v.accounts[d.Account], v.linked[d.Subject] = *linked(&a, d), d.Account
	case *event.SubjectFreed:
		delete(v.linked, d.Subject)
	case *event.RequestRefused:
		if _, ok := v.expected[d.Request]; ok {
			v.expected[d.Request] = d
		}
	}
	return ""
}

func (v *View) place(tenant, patient, group string, also []string) {
	key := streams.PatientKey(tenant, patient)
	p := v.patients[key]
	p.Group, p.Also = group, also
	v.patients[key] = p
}

// consented changes the consents of a patient. The caller holds the lock.
func (v *View) consented(tenant, patient string, change func(event.Consents) event.Consents) {
	key := streams.PatientKey(tenant, patient)
	p := v.patients[key]
	p.Consents = change(p.Consents)
	v.patients[key] = p
}

// Ready tells whether the view has read what was there when it began.
func (v *View) Ready() bool {
	v.mu.RLock()
	defer v.mu.RUnlock()
	return v.ready
}

// WaitReady waits until the view has read what was there when it began.
func (v *View) WaitReady(ctx context.Context) error {
	return v.until(ctx, func() bool { return v.ready })
}

// Position answers how far the view has read: the offset after the last step that held.
func (v *View) Position() int64 {
	v.mu.RLock()
	defer v.mu.RUnlock()
	return v.position
}

// Wait waits until the view has read as far as position.
func (v *View) Wait(ctx context.Context, position int64) error {
	return v.until(ctx, func() bool { return v.position >= position })
}

// until waits for a condition that only a step or the first catching up changes.
func (v *View) until(ctx context.Context, is func() bool) error {
	for {
		v.mu.RLock()
		ok, changed := is(), v.changed
		v.mu.RUnlock()
		if ok {
			return nil
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-changed:
		}
	}
}

// Device answers the binding of a device, also when it has been revoked.
func (v *View) Device(id string) (Binding, bool) {
	v.mu.RLock()
	defer v.mu.RUnlock()
	d, ok := v.devices[id]
	if !ok {
		return Binding{}, false
	}
	group := v.patients[streams.PatientKey(d.Tenant, d.Patient)].Group
	return Binding{
		Device: d.Device, Tenant: d.Tenant, Patient: d.Patient, Group: group, TokenSHA256: d.TokenSHA256, From: d.From,
		AsRecorded: v.groups[GroupKey(d.Tenant, group)].AsRecorded, Revoked: d.Revoked,
	}, true
}

// Account answers an account by its name.
func (v *View) Account(id string) (event.AccountSet, bool) {
	v.mu.RLock()
	defer v.mu.RUnlock()
	a, ok := v.accounts[id]
	return a, ok
}

// Accounts answers how many accounts there are.
func (v *View) Accounts() int {
	v.mu.RLock()
	defer v.mu.RUnlock()
	return len(v.accounts)
}

// People answers every account to which somebody can sign in, by name.
func (v *View) People() []event.AccountSet {
	return slices.DeleteFunc(v.Accounted(), func(a event.AccountSet) bool { _, locked := v.Locked(a.Account); return locked })
}

// OneTime tells whether an account still has a password that was made for it.
func (v *View) OneTime(account string) bool {
	a, ok := v.Account(account)
	return ok && a.OneTime
}

// Token answers a bearer token by the SHA-256 of it, in hex.
func (v *View) Token(sum string) (event.TokenSet, bool) {
	v.mu.RLock()
	defer v.mu.RUnlock()
	t, ok := v.tokens[v.bySum[sum]]
	return t, ok && sum != ""
}

// Pack answers the version of a pack that is in effect, with its text.
func (v *View) Pack(id string) (event.PackPublished, bool) {
	v.mu.RLock()
	defer v.mu.RUnlock()
	p, ok := v.packs[id]
	return p, ok
}

// Proposed answers the version of a pack that waits for signatures.
func (v *View) Proposed(id string) (event.PackProposed, bool) {
	v.mu.RLock()
	defer v.mu.RUnlock()
	p, ok := v.proposed[id]
	return p, ok
}

// Packs answers the packs in effect, by id.
func (v *View) Packs() []event.PackPublished { return sorted(v, v.packs) }

// Group answers what a group uses.
func (v *View) Group(tenant, group string) (event.GroupSet, bool) {
	v.mu.RLock()
	defer v.mu.RUnlock()
	g, ok := v.groups[GroupKey(tenant, group)]
	return g, ok
}

// Groups answers every group, by tenant and name.
func (v *View) Groups() []event.GroupSet {
	v.mu.RLock()
	defer v.mu.RUnlock()
	all := make([]event.GroupSet, 0, len(v.groups))
	for _, g := range v.groups {
		all = append(all, g)
	}
	slices.SortFunc(all, func(a, b event.GroupSet) int {
		return cmp.Or(cmp.Compare(a.Tenant, b.Tenant), cmp.Compare(a.Group, b.Group))
	})
	return all
}

// Patient answers the groups and the orders of a patient.
func (v *View) Patient(tenant, patient string) (Patient, bool) {
	v.mu.RLock()
	defer v.mu.RUnlock()
	p, ok := v.patients[streams.PatientKey(tenant, patient)]
	return p, ok
}

// Patients answers the patients of a group, by name: those whom it leads and those who are in it besides.
func (v *View) Patients(tenant, group string) []string {
	v.mu.RLock()
	defer v.mu.RUnlock()
	var all []string
	for key, p := range v.patients {
		if t, id := streams.SplitPatientKey(key); t == tenant && (p.Group == group || slices.Contains(p.Also, group)) {
			all = append(all, id)
		}
	}
	slices.Sort(all)
	return all
}

// Policies answers the policies in effect, by tenant, group and severity.
func (v *View) Policies() []event.PolicySet { return sorted(v, v.policies) }

// Rotas answers the rotas in effect, by tenant, group and step.
func (v *View) Rotas() []event.RotaSet { return sorted(v, v.rotas) }

func sorted[T any](v *View, all map[string]T) []T {
	v.mu.RLock()
	defer v.mu.RUnlock()
	list := make([]T, 0, len(all))
	for _, key := range slices.Sorted(maps.Keys(all)) {
		list = append(list, all[key])
	}
	return list
}

package deploy

import (
	"context"
	"log/slog"
	"slices"
	"sync"
	"time"

	"tocsin/alerts/notify"
	"tocsin/care/vault"
	"tocsin/streams"
	"tocsin/streams/directory"
)

// carers answers the notifier from the vault who is near a patient. Notices wait for nobody, so the vault, which may lie on a disk that
// hangs, is opened beside: what is found out is told, and kept for as long as somebody is in danger and asks for it.
type carers struct {
	open func(tenant, patient string, kept directory.Person) (vault.Person, error) // nil: there is no vault
	view keptPersons
	tell func(tenant, patient string) // that something else is known now
	log  *slog.Logger
	now  func() time.Time

	mu    sync.Mutex
	known map[string]*nearby // by {tenant}/{patient}
}

// keptPersons is what carers needs of the directory; *directory.View is one.
type keptPersons interface {
	Person(tenant, patient string) (directory.Person, bool)
}

// nearby is what is known of who is near one patient.
type nearby struct {
	version int
	near    notify.Near
	opening bool
	failed  bool
	since   time.Time // when the opening began
	asked   time.Time
}

const (
	vaultWithin = 5 * time.Second  // how long a vault may take until the desk sees that it does not answer
	vaultAgain  = 10 * time.Second // how often one that failed is tried again
	nearKept    = 10 * time.Minute // how long what nobody asks for is kept
)

// The words that stand on a warning when nobody near the patient can be told.
const (
	nearNoVault = "who is near the patient is kept nowhere: there is no vault"
	nearUnknown = "nobody has entered who is near the patient"
	nearErased  = "who is near the patient was erased"
	nearNoPhone = "no telephone of anybody near the patient is known"
	nearShut    = "who is near the patient cannot be opened; the operator is told"
	nearSlow    = "the vault does not answer"
)

// near answers who is near a patient as far as is known, and has it found out. It waits for nobody.
func (c *carers) near(tenant, patient string) notify.Near {
	if c.open == nil {
		return notify.Near{Missing: nearNoVault}
	}
	kept, ok := c.view.Person(tenant, patient)
	key := streams.PatientKey(tenant, patient)
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case !ok:
		return notify.Near{Missing: nearUnknown}
	case kept.Erased != nil:
		delete(c.known, key)
		return notify.Near{Missing: nearErased, Version: kept.Version}
	}
	e := c.known[key]
	if e == nil || e.version != kept.Version {
		e = &nearby{version: kept.Version, opening: true, since: c.now()}
		c.known[key] = e
		go c.find(tenant, patient, kept, e)
	}
	e.asked = c.now()
	return e.near
}

// find opens the vault, and tells when it is through.
func (c *carers) find(tenant, patient string, kept directory.Person, e *nearby) {
	p, err := c.open(tenant, patient, kept)
	near := nearOf(p, kept.Version)
	if err != nil {
		near = notify.Near{Missing: nearShut, Version: kept.Version}
	}
	c.mu.Lock()
	again := e.failed
	stands := c.known[streams.PatientKey(tenant, patient)] == e
	e.near, e.opening, e.failed = near, false, err != nil
	c.mu.Unlock()
	if err != nil && !again {
		c.log.Error("who is near a patient in danger cannot be told what to do: the vault does not open", streams.KeyPatient, streams.PatientKey(tenant, patient), streams.KeyErr, err)
	}
	if stands {
		c.tell(tenant, patient)
	}
}

// nearOf answers the telephones of carers in their order.
func nearOf(p vault.Person, version int) notify.Near {
	near := notify.Near{Version: version, Emergency: p.EmergencyPhone}
	for i, carer := range p.Carers {
		for _, phone := range carer.Phones {
			near.Phones = append(near.Phones, notify.NearPhone{Carer: i + 1, Number: phone.Number, Language: carer.Language})
		}
	}
	if len(near.Phones) == 0 {
		near.Missing = nearNoPhone
	}
	return near
}

// run looks after what is known until ctx ends: what failed is tried again, a vault that hangs is told, what nobody asks for is forgotten.
func (c *carers) run(ctx context.Context) error {
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
			c.tellAll(c.sweep(c.find))
		}
	}
}

// sweep goes through what is known, has find try again what failed, and answers of whom something else is known now.
func (c *carers) sweep(find func(tenant, patient string, kept directory.Person, e *nearby)) (changed []string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	now := c.now()
	for key, e := range c.known {
		switch {
		case now.Sub(e.asked) > nearKept && !e.opening:
			delete(c.known, key)
		case e.opening && e.near.Missing == "" && now.Sub(e.since) > vaultWithin:
			e.near.Missing = nearSlow
			changed = append(changed, key)
		case e.failed && !e.opening && now.Sub(e.since) > vaultAgain:
			tenant, patient := streams.SplitPatientKey(key)
			kept, _ := c.view.Person(tenant, patient)
			e.opening, e.since = true, now
			go find(tenant, patient, kept, e)
		}
	}
	slices.Sort(changed)
	return changed
}

// moved has it looked at anew whose person has another version now: the directory has changed.
func (c *carers) moved() {
	c.mu.Lock()
	known := make(map[string]int, len(c.known))
	for key, e := range c.known {
		known[key] = e.version
	}
	c.mu.Unlock()
	var changed []string
	for key, version := range known {
		if kept, _ := c.view.Person(streams.SplitPatientKey(key)); kept.Version != version || kept.Erased != nil {
			changed = append(changed, key)
		}
	}
	c.tellAll(changed)
}

func (c *carers) tellAll(keys []string) {
	for _, key := range keys {
		c.tell(streams.SplitPatientKey(key))
	}
}

// tellsCarers tells whether the settings would have carers told: some channel of notify.patients reaches telephones.
func (c *Config) tellsCarers() bool {
	return c.has(roleNotify) && c.Notify.ReachesTelephones()
}

// startCarers lets the notifier know who is near a patient. Without a vault it says so at once, and in danger on the warning.
func (a *App) startCarers(o *notify.Options) {
	if !a.cfg.tellsCarers() {
		return
	}
	c := &carers{view: a.view, log: a.log, now: time.Now, known: map[string]*nearby{}, tell: func(tenant, patient string) { a.notifier.NearChanged(tenant, patient) }}
	o.Near = c.near
	if a.vault == nil {
		a.log.Warn("no carer is told what to do when a patient is in danger, though notify.patients.channels has telephones: there is no vault, where their numbers would lie")
		return
	}
	c.open = func(tenant, patient string, kept directory.Person) (vault.Person, error) {
		return a.vault.Open(tenant, patient, vault.Sealed{Version: kept.Version, Key: kept.Key, Data: kept.Sealed})
	}
	a.nearby = c
}

// followCarers begins once the notifier stands.
func (a *App) followCarers() {
	if a.nearby == nil {
		return
	}
	a.view.OnChanged(a.nearby.moved)
	a.runs("carers", a.nearby.run)
}

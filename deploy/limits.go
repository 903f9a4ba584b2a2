package deploy

import (
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"slices"
	"strings"
	"sync"

	"tocsin/alerts/notify"
	"tocsin/ingest"
	"tocsin/rules"
	"tocsin/streams"
	"tocsin/streams/event"
)

// The danger limits of a patient lie on the patient's phone, so that its app can say what to do without a network (ALR-17): the bounds of
// single signs in the immediate-danger band, as the packs of all groups and the patient's own plan give them. They are sent on
// v1/{tenant}/{device}/limits when an app begins to listen and whenever they change, signed, so that nothing on the way can loosen them.
// Conditions and scores stay here: they rest on more than one reading.

// phoneLimits is what is signed. An app keeps the one with the latest At, and takes none that is older.
type phoneLimits struct {
	Version int          `json:"v"`
	Patient string       `json:"patient"` // tenant/patient, so that no other patient's can be put in its place
	At      event.Time   `json:"at"`
	Call    string       `json:"call"`
	Limits  []phoneLimit `json:"limits"`
}

// phoneLimit is one bound: a value at or beyond it is danger, one strictly beyond it when Strict. A value within Normal never is.
type phoneLimit struct {
	Quantity event.Quantity `json:"quantity"`
	Above    bool           `json:"above,omitempty"`
	Bound    event.Decimal  `json:"bound"`
	Strict   bool           `json:"strict,omitempty"`
	Readings int            `json:"readings"` // so many in a row
	OnOxygen bool           `json:"on_oxygen,omitempty"`
	Normal   *event.Target  `json:"normal,omitempty"` // the patient's own, inclusive
	Zh       string         `json:"zh,omitempty"`
	En       string         `json:"en,omitempty"`
}

// signedLimits is what goes out. Signature is Ed25519 over the bytes of Limits (before base64) by the key whose SHA-256 begins with Key.
type signedLimits struct {
	Version   int    `json:"v"`
	Limits    []byte `json:"limits"`
	Key       string `json:"key"`
	Signature []byte `json:"signature"`
}

// limits sends them to the apps that listen here.
type limits struct {
	apps *apps
	key  ed25519.PrivateKey
	call string
	log  *slog.Logger

	mu        sync.Mutex
	listening map[string]string // by patient: the limits that were sent last, as JSON without At; empty: none yet
	ready     map[string][]byte // to be sent
	wake      chan struct{}
}

func newLimits(a *apps, key ed25519.PrivateKey, call string, log *slog.Logger) *limits {
	if call == "" {
		call = "120"
	}
	return &limits{apps: a, key: key, call: call, log: log, listening: map[string]string{}, ready: map[string][]byte{}, wake: make(chan struct{}, 1)}
}

// listens notes that an app of a patient begins to listen: it is sent what holds now.
func (l *limits) listens(tenant, patient string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.listening[streams.PatientKey(tenant, patient)] = ""
}

type patientChange = streams.Change[patientState, patientFacts]

// see works out anew what a step may have changed; an override whose time is over shows at the next reading. It waits for nobody, and what
// goes wrong here keeps no notice back.
func (l *limits) see(c patientChange) {
	if !c.CaughtUp {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	everybody := slices.ContainsFunc(c.Inputs, func(e event.Envelope) bool { return e.Subject == event.Everyone && e.Data.Type() != "door.open" })
	touched := map[string]bool{}
	for _, key := range c.Touched {
		touched[key] = true
	}
	for key, sent := range l.listening {
		s, here := c.Replica.Get(key)
		if !here || sent != "" && !everybody && !touched[key] {
			continue
		}
		if err := l.workOut(key, sent, c, s.A); err != nil {
			l.log.Error("the danger limits of a patient cannot be sent to the app", streams.KeyPatient, key, streams.KeyErr, err)
		}
	}
}

// workOut fences the rules: one that panics for a patient is the owner's to report.
func (l *limits) workOut(key, sent string, c patientChange, s rules.State) (err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("the rules panicked: %v", r)
		}
	}()
	return l.prepare(key, sent, limitsOf(rules.Stands(c.Replica.Common().A, s, c.Clock)), c.Clock)
}

// prepare signs what differs from what was sent last. The caller holds the lock.
func (l *limits) prepare(key, sent string, all []phoneLimit, at event.Time) error {
	same, err := json.Marshal(all)
	if err != nil {
		return fmt.Errorf("limits of %s: %w", key, err)
	}
	if string(same) == sent {
		return nil
	}
	text, err := json.Marshal(phoneLimits{Version: 1, Patient: key, At: at, Call: l.call, Limits: all})
	if err != nil {
		return fmt.Errorf("limits of %s: %w", key, err)
	}
	out, err := json.Marshal(signedLimits{Version: 1, Limits: text, Key: keyName(l.key), Signature: ed25519.Sign(l.key, text)})
	if err != nil {
		return fmt.Errorf("limits of %s: %w", key, err)
	}
	l.listening[key], l.ready[key] = string(same), out
	select {
	case l.wake <- struct{}{}:
	default:
	}
	return nil
}

// limitsOf picks the danger bounds of single signs.
func limitsOf(st rules.Standing) []phoneLimit {
	all := []phoneLimit{}
	for _, b := range st.Bounds {
		if !b.Danger {
			continue
		}
		x := phoneLimit{Quantity: b.Quantity, Above: b.Above, Bound: b.Limit.Bound, Strict: b.Strict, Readings: max(b.Readings, 1), OnOxygen: b.OnOxygen, Zh: b.Zh, En: b.En}
		if st.Plan != nil {
			for _, t := range st.Plan.Targets {
				if t.Quantity == b.Quantity {
					x.Normal = &event.Target{Low: t.Low, High: t.High}
				}
			}
		}
		all = append(all, x)
	}
	return all
}

// run sends what is ready. Whoever is away by then gets it when it listens again.
func (l *limits) run(ctx context.Context) error {
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-l.wake:
		}
		l.mu.Lock()
		ready := l.ready
		l.ready = map[string][]byte{}
		l.mu.Unlock()
		for key, out := range ready {
			tenant, patient := streams.SplitPatientKey(key)
			if l.apps.send(tenant, patient, ingest.Limits, out) == 0 {
				l.mu.Lock()
				delete(l.listening, key)
				l.mu.Unlock()
			}
		}
	}
}

func keyName(key ed25519.PrivateKey) string {
	sum := sha256.Sum256(key.Public().(ed25519.PublicKey)) // that of an Ed25519 key is one
	return hex.EncodeToString(sum[:4])
}

// limitsKey answers the key in DIR/app.key, made at the first start; DIR/app.pub is what apps are given.
func limitsKey(cfg *Config) (ed25519.PrivateKey, error) {
	text, err := readSecret(cfg.path("app.key"))
	if errors.Is(err, fs.ErrNotExist) {
		public, private, err := ed25519.GenerateKey(rand.Reader)
		if err != nil {
			return nil, err
		}
		return private, errors.Join(replaceFile(cfg.path("app.key"), []byte(base64.StdEncoding.EncodeToString(private.Seed())+"\n")),
			os.WriteFile(cfg.path("app.pub"), []byte(base64.StdEncoding.EncodeToString(public)+"\n"), 0o644))
	}
	if err != nil {
		return nil, err
	}
	seed, err := base64.StdEncoding.DecodeString(strings.TrimSpace(string(text)))
	if err != nil || len(seed) != ed25519.SeedSize {
		return nil, fmt.Errorf("%s holds no key; restore it, or apps refuse every new limit", cfg.path("app.key"))
	}
	return ed25519.NewKeyFromSeed(seed), nil
}

// watch follows the log for the notifier, and for the limits on the way.
func (a *App) watch() notify.Follow {
	if a.limits == nil {
		return notify.Watch(a.store, patientParts())
	}
	return func(ctx context.Context, partition int32, fn func(notify.Seen) error) error {
		return streams.Follow(ctx, a.store, streams.PatientPair, partition, patientParts(), func(c patientChange) error {
			a.limits.see(c)
			return fn(notify.SeenOf(c))
		})
	}
}

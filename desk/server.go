package desk

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/alexedwards/scs/v2"
	"github.com/prometheus/client_golang/prometheus"

	"tocsin/care/vault"
	"tocsin/desk/own"
	"tocsin/streams"
	"tocsin/streams/directory"
	"tocsin/streams/event"
)

// Options is what a desk server needs. Log, Follow, Directory, Asker, Edge and WaitDoors are required.
type Options struct {
	Log       streams.Log // where inputs end (how old is what is shown?), and what has been
	Follow    Follow      // see Watch
	Directory Directory   // *directory.View, which somebody runs
	Asker     Asker       // *directory.Asker
	Edge      Edge        // *streams.Edge, by which wishes are written
	// WaitDoors waits until every live door has read the directory as far; directory.WaitDoors.
	WaitDoors func(ctx context.Context, position int64) error
	// History answers old readings; nil: history is off, and the desk says so.
	History History
	AsOf    AsOf         // see LookBack; nil: this desk cannot look back
	Past    own.Past     // what the log no longer holds of a patient; nil: history is off
	Vault   *vault.Vault // who patients are; nil: that is kept nowhere, and the desk says so
	Push    Push         // notices in browsers; nil: there is no channel of web push
	Me      Me           // what the patient's page says
	// Backtest holds a draft of a pack against what has been recorded; nil: this desk cannot, and says so.
	Backtest Backtest
	Trail    Trail // where reads of charts and what people did are noted; nil: nowhere

	OIDC *OIDC // an identity provider at which people sign in; nil: none

	LocalAdmin    string        // SHA-256 in hex of a bearer token that is an administrator's on this server alone; empty: none
	SessionFile   string        // where sessions are kept; empty: in memory, so a restart signs everybody out
	SecureCookies bool          // behind HTTPS
	SecondFactor  []string      // roles whose accounts must have a second factor
	LockAfter     time.Duration // a session that nobody has touched for so long is locked; 0: never
	WallAccounts  []string      // accounts of screens on a wall, which nobody touches: they lock when they are asked to alone
	Simulated     bool          // the ward is a demonstration
	Version       string

	// WatchdogGone is after how long without a warning of the watchdog's made-up patients, once they are enrolled, nobody is
	// watching; 0: no watchdog is expected.
	WatchdogGone time.Duration

	Ready  []Check                 // what else has to be well before /readyz says so
	Mounts map[string]http.Handler // other handlers on the same address, by pattern, such as /mqtt

	AnswerWithin time.Duration // how long a click waits for its answer; 0: 5 s
	Now          func() time.Time
	Logger       *slog.Logger
	Registry     *prometheus.Registry // nil: one of its own
}

// Directory answers who may sign in and which groups there are; *directory.View is one.
type Directory interface {
	Account(id string) (event.AccountSet, bool)
	Linked(subject string) (event.AccountSet, bool) // subject: SHA-256 of issuer, NUL and subject, in hex
	Factor(account string) directory.Factor
	Token(sha256hex string) (event.TokenSet, bool)
	Groups() []event.GroupSet
	Group(tenant, group string) (event.GroupSet, bool)
	Patient(tenant, patient string) (directory.Patient, bool)
	People() []event.AccountSet
	Person(tenant, patient string) (directory.Person, bool)
	Emergencies() []directory.Emergency
	Position() int64 // grows with every fact
	Pushes(account string) []directory.Push
	Rotas() []event.RotaSet
	Policies() []event.PolicySet

	Team(tenant, group string) (event.TeamSet, bool)
	Answerable(tenant, patient string) event.Answerable
	EachPatient(fn func(tenant, patient string, p directory.Patient) bool)
	Locked(account string) (event.AccountLocked, bool)
	Accounted() []event.AccountSet
	Tokens() []event.TokenSet
	Everybody(keep func(tenant, patient string) bool) []directory.Enrolled
	Bindings() []directory.Binding
	Device(id string) (directory.Binding, bool)
	Try(rows []directory.Row, now event.Time) []directory.Tried

	Clinic(tenant, clinic string) (event.ClinicSet, bool)
	Clinics() []event.ClinicSet
}

// Edge writes to the log; *streams.Edge is one.
type Edge interface {
	Name() string
	Partitions() int32
	Append(topic, key string, env event.Envelope, done func(partition int32, offset int64, err error))
}

// Check is one thing that has to be well.
type Check struct {
	Name string
	Well func(ctx context.Context) error // nil: it is
}

// Server is one desk server. Several may run beside each other: each follows the log by itself.
type Server struct {
	o           Options
	ward        *ward     // of people
	watched     *ward     // of the watchdog's made-up patients
	watchdog    *watchdog // whether they are heard of
	past        *past
	fresh       *freshness
	load        load
	sessions    *scs.SessionManager
	kept        *sessionStore // of sessions
	oidc        *provider     // nil: none
	limit       *limiter
	meLimit     *limiter      // of patients' apps: they lock out no staff
	strangers   *limiter      // whose refusals are noted
	checking    chan struct{} // passwords that are checked at the same time
	lookingBack chan struct{}
	nobody      string // the hash of a password that nobody has
	metrics     *metrics
	handler     http.Handler
	started     time.Time // what has run since is counted from here
	began       moment    // before this the age of nothing is counted
	screens     atomic.Int64
	access      access
	stopping    chan struct{}
	stopOnce    sync.Once
	signIns     signIns
	devices     devicesHeard
	searching   chan struct{} // names that are looked for at the same time
	trying      chan struct{} // drafts of packs that are read at the same time
	backtests   *backtests
}

// New makes a desk server. It answers /healthz at once, and everything else once Run has caught up with the log.
func New(o Options) (*Server, error) {
	switch {
	case o.Log == nil, o.Follow == nil, o.Directory == nil, o.Asker == nil, o.Edge == nil, o.WaitDoors == nil:
		return nil, errors.New("desk: Log, Follow, Directory, Asker, Edge and WaitDoors are required")
	case o.Edge.Partitions() < 1:
		return nil, errors.New("desk: the log has no partitions")
	}
	if o.AnswerWithin <= 0 {
		o.AnswerWithin = 5 * time.Second
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	if o.Registry == nil {
		o.Registry = prometheus.NewRegistry()
	}
	nobody, err := HashPassword(newOneTime())
	if err != nil {
		return nil, fmt.Errorf("desk: %w", err)
	}
	n := o.Edge.Partitions()
	kept := openSessions(o.SessionFile, o.Now, o.Logger)
	s := &Server{kept: kept, o: o, ward: newWard(n, isPerson), watched: newWard(n, streams.IsWatched), watchdog: newWatchdog(n), past: newPast(), fresh: newFreshness(n),
		load: load{told: map[string]bool{}, now: Load{Operators: 1}}, sessions: newSessions(o, kept), limit: newLimiter(), meLimit: newLimiter(), strangers: limited(byStrangers),
		checking: make(chan struct{}, 2), lookingBack: make(chan struct{}, lookBacks), nobody: nobody, started: time.Now(), stopping: make(chan struct{}),
		searching: make(chan struct{}, 1), trying: make(chan struct{}, 2), backtests: newBacktests()}
	s.began = s.moment()
	if o.OIDC != nil {
		if s.oidc, err = newProvider(*o.OIDC, o.SecureCookies, o.Now); err != nil {
			return nil, fmt.Errorf("desk: %w", err)
		}
	}
	if s.metrics, err = newMetrics(o.Registry, s); err != nil {
		return nil, fmt.Errorf("desk: %w", err)
	}
	s.handler = s.routes()
	return s, nil
}

// Handler answers everything: the API, the stream, the screens, health and metrics.
func (s *Server) Handler() http.Handler { return s.handler }

// Run follows every partition until ctx ends. After an error of the log it begins again; what newer programs have
// written ends it, since a screen that leaves things out must not look alive.
func (s *Server) Run(ctx context.Context) error {
	ctx, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	defer s.stop()
	var all sync.WaitGroup
	for p := range s.o.Edge.Partitions() {
		all.Go(func() {
			if err := s.follow(ctx, p); err != nil {
				stop(err)
			}
		})
		all.Go(func() { s.watchEnd(ctx, p) })
	}
	all.Go(func() { s.watchLoad(ctx) })
	s.readPast(ctx, &all)
	all.Go(func() { s.backtests.work(ctx) })
	if s.o.Trail != nil {
		all.Go(func() { s.watchTrail(ctx) })
	}
	all.Wait()
	return context.Cause(ctx)
}

// stop ends every open stream.
func (s *Server) stop() {
	s.stopOnce.Do(func() { close(s.stopping) })
}

// againFirst is how long it takes until something is looked at again.
const againFirst = 50 * time.Millisecond

// follow keeps one partition, over errors of the log.
func (s *Server) follow(ctx context.Context, partition int32) error {
	err := streams.KeepOn(ctx, func(ctx context.Context) (heard bool, err error) {
		err = s.o.Follow(ctx, partition, func(seen Seen) error {
			heard = true
			s.take(seen)
			return nil
		})
		return heard, err
	}, func(err error, again time.Duration) {
		s.o.Logger.Warn("following the log stopped and is tried again", streams.KeyPartition, partition, "wait", again, streams.KeyErr, err)
	}, event.ErrNewer, streams.ErrTrimmed, streams.ErrBeyond)
	if ctx.Err() != nil {
		return nil
	}
	return fmt.Errorf("desk: follow partition %d: %w", partition, err)
}

// take brings one step to the screens, and measures how long its readings took to get here.
func (s *Server) take(seen Seen) {
	s.ward.take(seen)
	s.watched.take(seen) // after people's: what holds that up shows here
	s.devices.heard(seen)
	now := s.moment()
	s.fresh.heard(seen, now)
	s.watchdog.heard(seen, now)
	if seen.CaughtUp {
		for _, received := range readingsBehind(seen) {
			s.metrics.readingToDesk.Observe(max(now.wall.Sub(received), 0).Seconds())
		}
	}
}

// readingsBehind answers when the readings were received that led to a warning being raised or becoming worse in this step.
func readingsBehind(seen Seen) []event.Time {
	causes := map[string]string{}
	for _, e := range seen.Events {
		causes[e.ID] = e.Cause
	}
	received := map[string]event.Time{}
	for _, e := range seen.Inputs {
		if o, ok := e.Data.(*event.ObservationRecorded); ok {
			received[e.ID] = o.ReceivedAt
		}
	}
	var all []event.Time
	for _, e := range seen.Events {
		switch e.Data.(type) {
		case *event.AlertRaised, *event.AlertWorsened, *event.AlertUpdated:
		default:
			continue
		}
		id := e.Cause
		for range len(seen.Events) { // from the warning to its assessment to the reading
			if at, ok := received[id]; ok {
				all = append(all, at)
				break
			}
			if id = causes[id]; id == "" {
				break
			}
		}
	}
	return all
}

// routes puts everything together, outermost first: no foreign page may act for who is signed in, nothing foreign runs
// in our pages, then who asks, then what.
func (s *Server) routes() http.Handler {
	api := http.NewServeMux()
	described := s.describe(api)
	astray(described, api)
	noted := newNoting(s, described)
	s.oidcRoutes(api)
	mux := http.NewServeMux()
	mux.Handle("/v1/", s.remember(s.sessions.LoadAndSave(s.authenticate(s.whenReady(noted.around(caught(s.o.Logger, api)))))))
	mux.Handle("/openapi.json", api)
	mux.Handle("GET /healthz", http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("ok\n")) }))
	mux.Handle("GET /readyz", http.HandlerFunc(s.readyz))
	mux.Handle("GET /metrics", s.metrics.handler())
	s.meRoutes(mux)
	mux.Handle("/", screens())
	outer := http.NewServeMux()
	for pattern, h := range s.o.Mounts {
		outer.Handle(pattern, h)
	}
	ours := harden(s.o.SecureCookies, sameOrigin(mux))
	outer.Handle("/", ours)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.HasPrefix(r.URL.Path, "/v1/") {
			straight(ours).ServeHTTP(w, r)
			return
		}
		outer.ServeHTTP(w, r)
	})
}

// remember keeps from where a request came, for who slows down guesses.
func (s *Server) remember(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		next.ServeHTTP(w, r.WithContext(context.WithValue(r.Context(), addressKey{}, r.RemoteAddr)))
	})
}

// whenReady refuses what is about patients until the log has been read: half a list looks like a whole one.
func (s *Server) whenReady(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if aboutPatients(r.URL.Path) && identityOf(r.Context()).Account != "" && !s.ward.caughtUp() {
			writeProblem(w, starting())
			return
		}
		next.ServeHTTP(w, r)
	})
}

const policy = "default-src 'self'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data: blob:; media-src 'self' data: blob:; " +
	"font-src 'self' data:; connect-src 'self'; worker-src 'self'; manifest-src 'self'; object-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"

// harden sets the headers that keep foreign code out of our pages. Styles may stand in the page: the components' library
// writes them there.
func harden(https bool, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		if https {
			h.Set("Strict-Transport-Security", "max-age=31536000")
		}
		h.Set("Content-Security-Policy", policy)
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("X-Frame-Options", "DENY")
		h.Set("Referrer-Policy", "no-referrer")
		h.Set("Permissions-Policy", "camera=(), microphone=(), geolocation=()")
		h.Set("Cross-Origin-Opener-Policy", "same-origin")
		if len(r.URL.Path) > 4 && r.URL.Path[:4] == "/v1/" {
			h.Set("Cache-Control", "no-store")
		}
		next.ServeHTTP(w, r)
	})
}

package desk

import (
	"cmp"
	"context"
	"crypto/rand"
	"errors"
	"net/http"
	"slices"
	"sync"
	"time"

	"tocsin/rules/backtest"
	"tocsin/rules/pack"
	"tocsin/streams/event"
)

// Backtests as jobs of this desk server: one at a time, in its memory, gone when it restarts. They read what has been recorded and count;
// nothing of a patient comes out of them but numbers of all.

// Backtest folds what has been recorded again, with the packs in force and with a draft in the place of one, and tells how far it is. It
// is slow on purpose, so that whoever is watched meanwhile notices nothing. ErrNothingRecorded: there is nothing to fold.
type Backtest func(ctx context.Context, draft backtest.Pack, span backtest.Span, told func(done, total int64)) (*backtest.Report, error)

// ErrNothingRecorded says that nothing is kept of the time before: the log has been trimmed, and history is off.
var ErrNothingRecorded = errors.New("the log no longer has its beginning, and history is off: there is nothing to fold again")

// The states of a backtest.
const (
	backtestRunning = "running"
	backtestDone    = "done"
	backtestFailed  = "failed"
	backtestStopped = "stopped"
)

// BacktestJob is one backtest.
type BacktestJob struct {
	ID      string         `json:"id"`
	Pack    string         `json:"pack"`
	Version int            `json:"version" doc:"that the draft says of itself"`
	Sum     string         `json:"sum" doc:"SHA-256 of the draft's text"`
	Against string         `json:"against" doc:"SHA-256 of the text in effect when it began"`
	By      string         `json:"by"`
	State   string         `json:"state" enum:"running,done,failed,stopped"`
	From    event.Time     `json:"from"`
	To      event.Time     `json:"to"`
	Started event.Time     `json:"started"`
	Ended   *event.Time    `json:"ended,omitempty"`
	Done    int64          `json:"done" doc:"inputs folded"`
	Total   int64          `json:"total" doc:"about how many there are; 0: not known yet"`
	Fault   *BothWords     `json:"fault,omitempty" doc:"why it failed"`
	Result  *BacktestCount `json:"result,omitempty"`
}

// BothWords is one text in both languages.
type BothWords struct {
	Zh string `json:"zh"`
	En string `json:"en"`
}

var noBacktests = BothWords{"本预警台不能回测", "this desk cannot run backtests"}

// BacktestBody asks for a backtest of a draft.
type BacktestBody struct {
	Text string `json:"text" minLength:"1" maxLength:"60000" doc:"YAML"`
	Days int    `json:"days" minimum:"1" maximum:"3660" doc:"how many days back are counted"`
}

// backtests keeps the jobs of a server.
type backtests struct {
	mu   sync.Mutex
	all  []*BacktestJob // oldest first
	stop context.CancelFunc
	next chan func(context.Context) // what is to be run; one waits at most, since one runs at most
}

// backtestsKept is how many finished ones are kept.
const backtestsKept = 20

func newBacktests() *backtests { return &backtests{next: make(chan func(context.Context), 1)} }

// work runs one job after the other until ctx ends.
func (b *backtests) work(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case run := <-b.next:
			run(ctx)
		}
	}
}

// startBacktest begins one, unless one runs.
func (s *Server) startBacktest(ctx context.Context, id string, in BacktestBody) (BacktestJob, error) {
	page, err := s.draft(ctx, id)
	switch {
	case err != nil:
		return BacktestJob{}, err
	case s.o.Backtest == nil:
		return BacktestJob{}, refuse(http.StatusConflict, "no_backtest", noBacktests.Zh, noBacktests.En)
	}
	if faults := faultsOf(id, in.Text); len(faults) > 0 {
		return BacktestJob{}, badDraft(faults)
	}
	p, err := pack.Compile(in.Text)
	if err != nil {
		return BacktestJob{}, err // it was read a moment ago
	}
	now := event.TimeOf(s.o.Now())
	job := &BacktestJob{ID: rand.Text(), Pack: id, Version: p.Version, Sum: p.Sum, Against: page.Current.Sum, By: identityOf(ctx).Account, State: backtestRunning,
		From: now.Add(-time.Duration(in.Days) * 24 * time.Hour), To: now, Started: now}
	draft := backtest.Pack{ID: p.ID, Version: p.Version, Sum: p.Sum, Text: in.Text}
	return s.backtests.begin(job, func(ctx context.Context) {
		r, err := s.o.Backtest(ctx, draft, backtest.Span{From: job.From, To: job.To}, func(done, total int64) { s.backtests.told(job, done, total) })
		s.backtests.ended(job, r, err, event.TimeOf(s.o.Now()))
	})
}

// begin lets a job run, unless another does.
func (b *backtests) begin(job *BacktestJob, run func(context.Context)) (BacktestJob, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if i := slices.IndexFunc(b.all, running); i >= 0 {
		p := refuse(http.StatusConflict, "busy", "已有一项回测在运行（"+b.all[i].By+"，规则包 "+b.all[i].Pack+"），请稍后", "a backtest runs already ("+b.all[i].By+", pack "+b.all[i].Pack+"): wait for it")
		p.Holder = b.all[i].By
		return BacktestJob{}, p
	}
	if len(b.all) == backtestsKept {
		b.all = b.all[1:]
	}
	b.all = append(b.all, job)
	own, stop := context.WithCancel(context.Background())
	b.stop = stop
	b.next <- func(ctx context.Context) {
		defer context.AfterFunc(ctx, stop)()
		defer stop()
		run(own)
	}
	return *job, nil
}

func running(j *BacktestJob) bool { return j.State == backtestRunning }

func (b *backtests) told(job *BacktestJob, done, total int64) {
	b.mu.Lock()
	defer b.mu.Unlock()
	job.Done, job.Total = done, total
}

func (b *backtests) ended(job *BacktestJob, r *backtest.Report, err error, at event.Time) {
	b.mu.Lock()
	defer b.mu.Unlock()
	job.Ended = &at
	switch {
	case job.State == backtestStopped:
	case errors.Is(err, ErrNothingRecorded):
		job.State, job.Fault = backtestFailed, &BothWords{"日志已不完整，且未启用历史库，没有可供回测的记录", ErrNothingRecorded.Error()}
	case err != nil:
		job.State, job.Fault = backtestFailed, &BothWords{"回测未能完成：" + err.Error(), err.Error()}
	default:
		job.State, job.Result = backtestDone, countOf(r)
	}
}

// of answers the last backtest of a text against another that came to an end.
func (b *backtests) of(sum, against string) (BacktestJob, bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, j := range slices.Backward(b.all) {
		if j.Sum == sum && j.Against == against && (j.State == backtestDone || j.State == backtestFailed) {
			return *j, true
		}
	}
	return BacktestJob{}, false
}

// list answers the backtests of a pack, newest first, and one that runs for another.
func (s *Server) listBacktests(ctx context.Context, id string) ([]BacktestJob, error) {
	if _, err := s.draft(ctx, id); err != nil {
		return nil, err
	}
	b := s.backtests
	b.mu.Lock()
	defer b.mu.Unlock()
	all := []BacktestJob{}
	for _, j := range slices.Backward(b.all) {
		if j.Pack == id || running(j) {
			all = append(all, *j)
		}
	}
	return all, nil
}

// stopBacktest ends one that runs; one that has ended stays as it is.
func (s *Server) stopBacktest(ctx context.Context, id, job string) error {
	if _, err := s.draft(ctx, id); err != nil {
		return err
	}
	b := s.backtests
	b.mu.Lock()
	defer b.mu.Unlock()
	i := slices.IndexFunc(b.all, func(j *BacktestJob) bool { return j.ID == job && j.Pack == id })
	if i < 0 {
		return refuse(http.StatusNotFound, "unknown", "没有这项回测；预警台重启后不再保留", "there is no such backtest; they are gone when the desk restarts")
	}
	if running(b.all[i]) {
		b.all[i].State = backtestStopped
		b.stop()
	}
	return nil
}

// fact is what of a backtest goes into the log with a proposal.
func (j BacktestJob) fact() *event.PackBacktest {
	r := j.Result
	days, _ := event.DecimalOf(r.PatientDays)
	f := &event.PackBacktest{Sum: j.Sum, Against: j.Against, At: *j.Ended, From: cmp.Or(orZero(r.Began), j.From), To: r.Reached, Source: r.Source, Patients: r.Patients,
		PatientDays: days.RoundTo(event.One / 1000), InForce: r.InForce.fact(), Drafted: r.Drafted.fact(), Same: r.Same, Earlier: r.Earlier, Later: r.Later, New: r.New, Lost: r.Lost}
	return f
}

func (c BacktestSide) fact() event.PackBacktested {
	return event.PackBacktested{Warnings: c.Warnings, High: c.High, Medium: c.Medium, Low: c.Low, Judged: c.Judged, True: c.True, Failed: c.Failed}
}

package door

import (
	"errors"
	"fmt"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// Metrics are the counters of all doors of one process.
type Metrics struct {
	observations *prometheus.CounterVec
	receipt      prometheus.Histogram
	beatsSkipped prometheus.Counter
	beatsFailed  prometheus.Counter
}

// Result is what became of an upload.
type Result string

// The results. One upload that was half believed counts as recorded and as rejected.
const (
	Recorded Result = "recorded" // in `inputs`, acknowledged
	Rejected Result = "rejected" // in `rejected`, acknowledged
	Failed   Result = "failed"   // the log did not take it: the sender has it still
)

// NewMetrics registers the counters, or finds those that another door of the process has registered.
func NewMetrics(r prometheus.Registerer) (*Metrics, error) {
	m := &Metrics{}
	var err [4]error
	m.observations, err[0] = register(r, prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "tocsin_ingest_observations_total", Help: "Uploads by what became of them: recorded, rejected, or failed because the log did not take them.",
	}, []string{"result"}))
	m.receipt, err[1] = register(r, prometheus.NewHistogram(prometheus.HistogramOpts{
		Name: "tocsin_ingest_receipt_seconds", Help: "From an upload coming in until the log had it and its receipt could go out.",
		Buckets: []float64{.001, .002, .005, .01, .02, .05, .1, .25, .5, 1, 2.5, 5, 10},
	}))
	m.beatsSkipped, err[2] = register(r, prometheus.NewCounter(prometheus.CounterOpts{
		Name: "tocsin_ingest_beats_skipped_total", Help: "Beats of a door that were left out because the one before was not settled.",
	}))
	m.beatsFailed, err[3] = register(r, prometheus.NewCounter(prometheus.CounterOpts{
		Name: "tocsin_ingest_beats_failed_total", Help: "Beats of a door that the log did not take.",
	}))
	if err := errors.Join(err[:]...); err != nil {
		return nil, fmt.Errorf("register the metrics of a door: %w", err)
	}
	for _, result := range []Result{Recorded, Rejected, Failed} {
		m.observations.WithLabelValues(string(result))
	}
	return m, nil
}

// register registers c, or answers what is registered under its name. Without a registry it counts for nobody.
func register[C prometheus.Collector](r prometheus.Registerer, c C) (C, error) {
	if r == nil {
		return c, nil
	}
	err := r.Register(c)
	if already, ok := errors.AsType[prometheus.AlreadyRegisteredError](err); ok {
		if was, ok := already.ExistingCollector.(C); ok {
			return was, nil
		}
	}
	return c, err
}

// Settled counts one upload: of which kind its events were, how long it took, and whether the log has them.
func (m *Metrics) Settled(recorded bool, rejected int, took time.Duration, err error) {
	if err != nil {
		m.observations.WithLabelValues(string(Failed)).Inc()
		return
	}
	if recorded {
		m.observations.WithLabelValues(string(Recorded)).Inc()
	}
	if rejected > 0 {
		m.observations.WithLabelValues(string(Rejected)).Inc()
	}
	m.receipt.Observe(took.Seconds())
}

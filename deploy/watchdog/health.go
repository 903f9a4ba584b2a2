package watchdog

import (
	"encoding/json"
	"fmt"
	"net/http"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// Well answers what is not well: what does not come through, and rounds that do not end.
func (w *Watchdog) Well(now time.Time) error {
	w.mu.Lock()
	first := true
	for _, p := range w.parts {
		first = first && p.good.IsZero()
	}
	w.mu.Unlock()
	switch faults, late := w.Faults(), w.late(now); {
	case len(faults) > 0:
		return fmt.Errorf("%d of %d partitions do not come through, the first for want of %s", len(faults), len(w.o.Patients), faults[0].Missing)
	case len(late) > 0:
		return fmt.Errorf("nothing was heard of partitions %v for too long", late)
	case first:
		return fmt.Errorf("no round has come through yet")
	}
	return nil
}

// Handler answers /healthz (200 when everything comes through, else 503 with what does not) and /metrics.
func (w *Watchdog) Handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /healthz", func(out http.ResponseWriter, _ *http.Request) {
		answer := struct {
			Well   bool    `json:"well"`
			Why    string  `json:"why,omitempty"`
			Faults []Fault `json:"faults,omitempty"`
		}{true, "", w.Faults()}
		out.Header().Set("Content-Type", "application/json")
		if err := w.Well(time.Now()); err != nil {
			answer.Well, answer.Why = false, err.Error()
			out.WriteHeader(http.StatusServiceUnavailable)
		}
		_ = json.NewEncoder(out).Encode(answer) // whoever asked has gone
	})
	registry := prometheus.NewRegistry()
	registry.MustRegister(w.metrics.rounds, w.metrics.took)
	mux.Handle("GET /metrics", promhttp.HandlerFor(registry, promhttp.HandlerOpts{}))
	return mux
}

type metrics struct {
	rounds *prometheus.CounterVec
	took   prometheus.Histogram
}

func newMetrics() *metrics {
	m := &metrics{
		rounds: prometheus.NewCounterVec(prometheus.CounterOpts{Name: "tocsin_watchdog_rounds_total", Help: "Grave readings of made-up patients, by what was missing on their way; well: nothing."}, []string{"result"}),
		took: prometheus.NewHistogram(prometheus.HistogramOpts{Name: "tocsin_watchdog_seconds", Help: "From switching the device on until the warning stood on every desk.",
			Buckets: []float64{.05, .1, .25, .5, 1, 2, 5, 10, 20, 30, 60}}),
	}
	for _, result := range []string{"well", MissDoor, MissLog, MissRules, MissDesk, MissClicks} {
		m.rounds.WithLabelValues(result)
	}
	return m
}

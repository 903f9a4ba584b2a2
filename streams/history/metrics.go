package history

import (
	"fmt"

	"github.com/prometheus/client_golang/prometheus"

	"tocsin/streams"
)

// metrics of the sink.
type metrics struct {
	records *prometheus.CounterVec
	lag     *prometheus.GaugeVec
	lives   prometheus.Counter
	inserts prometheus.Histogram
}

// newMetrics registers them; a nil registry registers nothing.
func newMetrics(r prometheus.Registerer) (*metrics, error) {
	m := &metrics{
		records: prometheus.NewCounterVec(prometheus.CounterOpts{Name: "tocsin_history_records_total", Help: "Records copied to ClickHouse."}, []string{"topic"}),
		lag:     prometheus.NewGaugeVec(prometheus.GaugeOpts{Name: "tocsin_history_lag_records", Help: "Records read and not yet copied."}, []string{"topic", "partition"}),
		lives:   prometheus.NewCounter(prometheus.CounterOpts{Name: "tocsin_history_broken_lives_total", Help: "Times that the copying of a partition broke off and was taken up again."}),
		inserts: prometheus.NewHistogram(prometheus.HistogramOpts{Name: "tocsin_history_insert_seconds", Help: "Time to insert one range.", Buckets: prometheus.ExponentialBuckets(0.005, 2, 12)}),
	}
	for _, t := range []string{streams.Inputs, streams.Decisions, streams.DirectoryInputs, streams.Directory} {
		m.records.WithLabelValues(t)
	}
	if r == nil {
		return m, nil
	}
	for _, c := range []prometheus.Collector{m.records, m.lag, m.lives, m.inserts} {
		if err := r.Register(c); err != nil {
			return nil, fmt.Errorf("register metrics: %w", err)
		}
	}
	return m, nil
}
